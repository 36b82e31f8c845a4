"""States and dates: what is open on a day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

USABLE = ("open", "seasonal")


def first_day(date: str) -> str:
    """Return the first day of a date of any precision.

    Examples
    --------
    >>> first_day("2024"), first_day("2024-05")
    ('2024-01-01', '2024-05-01')
    """
    return (date + "-01-01"[len(date) - 4 :])[:10]


def last_day(date: str) -> str:
    """Return a day not before the last of a date of any precision (day 31 for every month; dates are compared as text).

    Examples
    --------
    >>> last_day("2024"), last_day("2024-05-07")
    ('2024-12-31', '2024-05-07')
    """
    return (date + "-12-31"[len(date) - 4 :])[:10]


def is_day(text: object) -> bool:
    """Tell whether a text is a day as YYYY-MM-DD.

    Examples
    --------
    >>> is_day("2024-02-29"), is_day("2023-02-29"), is_day("2024")
    (True, False, False)
    """
    try:
        return isinstance(text, str) and len(text) == len("2024-01-01") and bool(date.fromisoformat(text))
    except ValueError:
        return False


def reference_day(year: int | None) -> str | None:
    """Return the day that stands for a year: mid-year, so that what is open for most of it counts."""
    return None if year is None else f"{year:04d}-07-01"


def within(start: pd.Series, end: pd.Series, day: str | None) -> NDArray[np.bool_]:
    """Mark rows whose period holds a day; an open end always holds, and so does everything when `day` is None."""
    if day is None:
        return np.ones(len(start), dtype=bool)
    holds = [
        (not isinstance(s, str) or first_day(s) <= day) and (not isinstance(e, str) or last_day(e) >= day)
        for s, e in zip(start, end, strict=True)
    ]
    return np.asarray(holds, dtype=np.bool_)


def is_open(frame: pd.DataFrame, day: str | None) -> NDArray[np.bool_]:
    """Mark rows that are usable (status open or seasonal) on a day; shape (rows,)."""
    usable = frame["status"].isin(USABLE).to_numpy(dtype=bool)
    return np.asarray(usable & within(frame["open_from"], frame["open_until"], day), dtype=np.bool_)
