"""Numbers, days and names written for people. What is missing says so."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

NOT_KNOWN = "not known"


def is_missing(value: Any) -> bool:
    """Tell whether a value is missing or not a finite number."""
    if value is None or value is pd.NA or value == "":
        return True
    return isinstance(value, float) and not math.isfinite(value)


def number(value: Any, decimals: int | None = None) -> str:
    """Write a number with thousands separated; about three significant digits unless decimals are given.

    Examples
    --------
    >>> number(1234567.8), number(12.345), number(0.1234), number(None), number(-3.0, 1)
    ('1,234,568', '12.3', '0.123', 'not known', '\u22123.0')
    """
    if is_missing(value):
        return NOT_KNOWN
    v = float(value)
    if decimals is None:
        size = abs(v)
        decimals = 0 if size >= 100 or size == 0 else min(2 - math.floor(math.log10(size)), 4)
    text = f"{abs(v):,.{max(decimals, 0)}f}"
    return f"\u2212{text}" if v < 0 and float(text.replace(",", "")) != 0 else text


def million(tonnes: Any, unit: str = "t") -> str:
    """Write a large amount in words: "12.3 million t".

    Examples
    --------
    >>> million(12_345_678), million(4_500), million(2.5e11, "t-km")
    ('12.3 million t', '4,500 t', '250 billion t-km')
    """
    if is_missing(tonnes):
        return NOT_KNOWN
    v = float(tonnes)
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(v) >= size * 0.9995:
            return f"{number(v / size)} {word} {unit}"
    return f"{number(v, 0)} {unit}"


def round_amount(tonnes: float) -> str:
    """Write a round number of a scale without idle noughts.

    Examples
    --------
    >>> round_amount(40e6), round_amount(2.5e6), round_amount(500_000)
    ('40 million t', '2.5 million t', '500,000 t')
    """
    return f"{tonnes / 1e6:g} million t" if tonnes >= 1e6 else f"{tonnes:,.0f} t"


def thousand(tonnes: Any) -> str:
    """Write tonnes in thousands, for a column headed "thousand t"; small amounts keep a digit.

    Examples
    --------
    >>> thousand(1_234_567), thousand(1_240), thousand(0)
    ('1,235', '1.2', '0')
    """
    if is_missing(tonnes):
        return NOT_KNOWN
    v = float(tonnes) / 1000.0
    if 0 < abs(v) < 0.05:
        return "under 0.1"
    return number(v, 0 if abs(v) >= 10 or v == 0 else 1)


def percent(share: Any, decimals: int = 0) -> str:
    """Write a share as a percentage; a share that only rounds to nought or all does not say so.

    Examples
    --------
    >>> percent(0.423), percent(0.999), percent(1.0), percent(0.0001), percent(None)
    ('42%', 'over 99%', '100%', 'under 1%', 'not known')
    """
    if is_missing(share):
        return NOT_KNOWN
    v = float(share) * 100.0
    text = f"{v:,.{decimals}f}"
    if float(text.replace(",", "")) == 100.0 and v < 99.95:
        return "over 99%"
    if float(text.replace(",", "")) == 0.0 and v > 0.0:
        return "under 1%"
    return f"{text}%"


def days(hours: Any) -> str:
    """Write hours as days, or as hours below two days.

    Examples
    --------
    >>> days(36), days(120), days(0.5)
    ('36 h', '5.0 d', '0.5 h')
    """
    if is_missing(hours):
        return NOT_KNOWN
    v = float(hours)
    if v < 48.0:
        return f"{number(v, 0 if v >= 10 else 1)} h"
    return f"{number(v / 24.0, 1)} d"


def short_name(name: Any, place: Any = None) -> str:
    """Return a name that fits on a map: the place if there is one, without what stands in brackets.

    Examples
    --------
    >>> short_name("Kuryk port (ferry complex)", "Kuryk"), short_name("Xi'an (Xinzhu dry port)")
    ('Kuryk', "Xi'an")
    """
    text = str(name if is_missing(place) else place)
    return text.split(" (", maxsplit=1)[0].strip()


def listing(items: list[str], *, limit: int = 6) -> str:
    """Join names with commas and "and"; what exceeds the limit is counted.

    Examples
    --------
    >>> listing(["a"]), listing(["a", "b", "c"]), listing(["a", "b", "c"], limit=2)
    ('a', 'a, b and c', 'a, b and 1 more')
    """
    shown = [*items[:limit], f"{len(items) - limit} more"] if len(items) > limit else list(items)
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
