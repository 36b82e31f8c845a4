"""What a number is a number of, and between which bounds it lies as it was written.

Two figures can be compared only when they are of one series: the same indicator, areas, direction, goods, place, kind
of value and unit. Definition, reporter and calendar are kept beside the series, because there a difference is a reason,
not another subject.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from karavan.evidence.gazetteer import read_table
from karavan.evidence.records import parse_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from karavan.evidence.ledger.entry import LedgerEntry

ABOUT = 0.05  # "about" allows for this share, or for the last digit written if that is more
NEARLY = 0.1  # "nearly", "approached": at most this share below
YEAR_DAYS = 350  # a period at least this long stands for a year
LEVELS = {"level", "cumulative", "share", None, ""}
TRADE = {"trade_turnover", "export", "import", "investment"}
GROWTH = "growth"
PERCENT = "%"


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """The key of a series. `areas` are sorted; `direction` is "A->B" for goods that go one way, else empty."""

    indicator: str
    areas: tuple[str, ...]
    direction: str = ""
    product: str = ""
    place: str = ""
    kind: str = "level"
    unit: str = ""

    def title(self) -> str:
        """Return the series in words.

        Examples
        --------
        >>> Series("trade_turnover", ("IRN", "KAZ"), unit="USD").title()
        'trade turnover IRN-KAZ'
        """
        where = self.direction or "-".join(self.areas)
        parts = [self.indicator.replace("_", " "), where, self.product, self.place]
        parts += [self.kind] if self.kind != "level" else []
        return " ".join(p for p in parts if p)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between what a value lies as it was written; `low` and `high` may be infinite."""

    low: float
    high: float

    def meets(self, other: Bounds) -> bool:
        """Tell whether both can be true of one value."""
        slack = 1e-9 * max(1.0, *(abs(v) for v in (self.low, self.high, other.low, other.high) if math.isfinite(v)))
        return self.low <= other.high + slack and other.low <= self.high + slack


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One value of a series for a period. `derived` says how it was worked out; empty for what was said."""

    series: Series
    value: float
    bounds: Bounds
    comparator: str
    first: date | None
    last: date | None
    facts: tuple[str, ...]
    data: Mapping[str, Any]
    derived: str = ""

    @property
    def days(self) -> int:
        """Length of the period, 0 where it is not known."""
        return (self.last - self.first).days + 1 if self.first and self.last else 0

    @property
    def sure(self) -> bool:
        """Whether nothing is missing or ambiguous in the fact."""
        return self.data.get("status") == "accepted"

    def words(self) -> str:
        """Return the value as people say it."""
        prefix = {">": "over ", ">=": "at least ", "<": "under ", "<=": "at most ", "~": "about ", "<~": "nearly "}
        return prefix.get(self.comparator, "") + amount(self.value, self.series.unit)


def bounds_of(
    value: float, *, step: float = 0.0, comparator: str = "=", low: float | None = None, high: float | None = None
) -> Bounds:
    """Return the bounds of a value as written: half of its last digit either way, wider for "about", open for "over".

    Examples
    --------
    >>> bounds_of(237e6, step=1e6)
    Bounds(low=236500000.0, high=237500000.0)
    >>> bounds_of(340e6, step=1e7, comparator=">").high
    inf
    """
    half = (step or last_digit(value)) / 2
    if low is not None and high is not None:
        return Bounds(low - half, high + half)
    if comparator in {">", ">="}:
        return Bounds(value, math.inf)
    if comparator in {"<", "<="}:
        return Bounds(-math.inf, value)
    if comparator == "<~":
        return Bounds(value - NEARLY * abs(value), value)
    if comparator == "~":
        half = max(2 * half, ABOUT * abs(value))
    return Bounds(value - half, value + half)


def last_digit(value: float) -> float:
    """Return the size of the last digit that is not a closing zero, as far as a number alone can show it.

    Examples
    --------
    >>> last_digit(237000000.0), last_digit(37.2), last_digit(0.0)
    (1000000.0, 0.1, 1.0)
    """
    if value == 0 or not math.isfinite(value):
        return 1.0
    mantissa, _, exponent = f"{abs(value):.11e}".partition("e")
    digits = mantissa.replace(".", "").rstrip("0")
    return float(f"1e{int(exponent) - len(digits) + 1}")


def change_bounds(percent: float) -> Bounds:
    """Return the bounds of a change in percent; from a doubling on it was written as a ratio ("3.1 times" is 210).

    Examples
    --------
    >>> change_bounds(-37.2)
    Bounds(low=-37.25, high=-37.15)
    >>> change_bounds(210.0)
    Bounds(low=205.0, high=215.0)
    """
    if percent >= 100:
        ratio = 1 + percent / 100
        half = 50 * min(last_digit(ratio), 1.0)
    else:
        half = min(last_digit(percent), 1.0) / 2
    return Bounds(min(round(percent - half, 9), percent), max(round(percent + half, 9), percent))


def amount(value: float, unit: str = "") -> str:
    """Write an amount with its unit, large ones in words.

    Examples
    --------
    >>> amount(377388535.0, "USD"), amount(2.4e6, "t"), amount(-37.2, "%"), amount(350, "")
    ('377.4 million USD', '2.4 million t', '-37.2 %', '350')
    """
    if not math.isfinite(value):
        return "any amount"
    sizes = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
    size = next((s for s in sizes if abs(value) >= s[0] * 0.9999), None)
    shown = value / size[0] if size else value
    digits = 1 if abs(shown) >= 100 else 2 if abs(shown) >= 10 else 3
    text = f"{shown:,.{digits}f}".rstrip("0").rstrip(".")
    parts = [text or "0", size[1] if size else "", "times" if unit == "{x}" else unit.partition("|")[0].strip("{}")]
    return " ".join(p for p in parts if p)


def observations(entries: Iterable[LedgerEntry]) -> list[Observation]:
    """Return what figures say of levels and of growth, one observation for each; rejected facts are left out."""
    found: list[Observation] = []
    for entry in entries:
        data = entry.data
        if data["kind"] == "figure" and data["status"] in {"accepted", "partial"} and data.get("indicator"):
            found += [o for o in (_level(entry), _growth(entry)) if o is not None]
    return found


def _level(entry: LedgerEntry) -> Observation | None:
    data = entry.data
    value, low, high = (data.get(k) for k in ("value", "low", "high"))
    if value is None and low is not None and high is not None:
        value = (low + high) / 2
    if value is None or data.get("transformation") not in LEVELS:
        return None
    comparator = str(data.get("comparator") or "=")
    bounds = bounds_of(value, step=data.get("step") or 0.0, comparator=comparator, low=low, high=high)
    first, last = parse_interval(data.get("period"))
    return Observation(series_of(data), value, bounds, comparator, first, last, (entry.id,), data)


def _growth(entry: LedgerEntry) -> Observation | None:
    data = entry.data
    change = data.get("change_pct")
    if change is None and data.get("transformation") == "change_pct":
        change = data.get("value")
    if change is None or not math.isfinite(change):
        return None
    first, last = parse_interval(data.get("period"))
    series = series_of(data, kind=GROWTH)
    return Observation(series, change, change_bounds(change), "=", first, last, (entry.id,), data)


def series_of(data: Mapping[str, Any], *, kind: str | None = None) -> Series:
    """Return the series of a figure or of a commitment with a quantity.

    Goods imported by B from A and goods exported by A to B are one series. The unit of a change is "%", or "%|USD"
    where it is known what it is a change of.
    """
    indicator, areas = str(data.get("indicator") or ""), tuple(sorted(set(data.get("areas") or ())))
    direction = str(data.get("direction") or "") if "->" in str(data.get("direction") or "") else ""
    if indicator == "import" and direction:
        indicator = "export"
    corridors, place = corridor_ids(), str(data.get("place") or "")
    named = [corridors[a] for a in (*areas, place) if a in corridors]
    place = named[0] if named else place
    if place and indicator not in TRADE:
        areas, direction = (), ""  # what a port or corridor carries is one series whoever is named beside it
    if kind == GROWTH:
        level = str(data.get("unit") or "")
        unit = PERCENT if level in {"", PERCENT, "{x}", "{pp}"} else f"{PERCENT}|{level}"
    else:
        unit = str(data.get("unit") or "")
        unit += f"/{data['rate']}" if data.get("rate") not in (None, "", "year") else ""
        kind = str(data.get("transformation") or "level")
    counted = str(data.get("counted") or "")
    product = " ".join(p for p in (str(data.get("product") or ""), counted) if p)
    return Series(indicator, areas, direction, product, place, kind, unit)


@cache
def corridor_ids() -> dict[str, str]:
    """Return the ids of corridors by id and by name."""
    rows = read_table("corridors")
    return {row["id"]: row["id"] for row in rows} | {row["name"]: row["id"] for row in rows}


def period_words(first: date | None, last: date | None) -> str:
    """Write a period: a year, months of a year, days from and to, or "a period not stated".

    Examples
    --------
    >>> period_words(date(2020, 1, 1), date(2020, 12, 31)), period_words(date(2025, 1, 1), date(2025, 10, 31))
    ('2020', 'Jan-Oct 2025')
    """
    if first is None or last is None:
        known = first or last
        return f"{'from' if first else 'to'} {known.isoformat()}" if known else "a period not stated"
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    whole = first.day == 1 and date.fromordinal(last.toordinal() + 1).day == 1
    if whole and (first.month, last.month) == (1, 12):
        return str(first.year) if first.year == last.year else f"{first.year}-{last.year}"
    if whole and first.year == last.year:
        name = months[first.month - 1] + ("" if first.month == last.month else f"-{months[last.month - 1]}")
        return f"{name} {first.year}"
    return first.isoformat() if first == last else f"{first.isoformat()} to {last.isoformat()}"
