"""Calendars: when services leave and borders are open. Weekdays, clock times, seasons, dates that are exceptions.

All clocks are taken as one: no time zones. Weekdays are 1 (Monday) to 7 (Sunday). Minutes count from the start of a
day; a departure of no given time leaves at noon.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from karavan.schema.case import as_list
from karavan.schema.state import USABLE, first_day, is_day, last_day

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Bool = NDArray[np.bool_]

DAY = 1440
WEEK = 7 * DAY
NOON = 720.0
YEARS_LOOKED = 6  # a calendar that does not sail in so many years from its first day never does
NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
RULE = re.compile(r"(?:(?P<days>[A-Z][a-z](?:[-,][A-Z][a-z])*) )?(?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d)")


class Opening(NamedTuple):
    """Hours open on some weekdays, minutes of the day; closing at or before opening is past midnight."""

    weekdays: frozenset[int]
    opens: float
    closes: float


def minute_of(text: str) -> float:
    """Return the minute of a clock time, or raise `ValueError`.

    Examples
    --------
    >>> minute_of("08:30"), minute_of("24:00")
    (510.0, 1440.0)
    """
    if not CLOCK.fullmatch(text):
        message = f"{text!r} is no time of day: write 00:00 to 24:00"
        raise ValueError(message)
    return float(int(text[:2]) * 60 + int(text[3:]))


def parse_opening_hours(text: str) -> list[Opening]:
    """Read opening hours, in this part of OpenStreetMap's notation: `24/7`, or days and hours joined by ";".

    Raises `ValueError` where it says anything else.

    Examples
    --------
    >>> parse_opening_hours("Mo-Fr 08:00-20:00; Sa,Su 09:00-14:00")[1].opens
    540.0
    """
    every = frozenset(range(1, 8))
    if text.strip() == "24/7":
        return [Opening(every, 0.0, DAY)]
    found = []
    for part in text.split(";"):
        told = RULE.fullmatch(part.strip())
        if told is None:
            good = "24/7, 08:00-20:00 or Mo-Fr 08:00-20:00; Sa 09:00-14:00"
            message = f"{part.strip()!r} is not read as hours: write {good}"
            raise ValueError(message)
        days = every if told["days"] is None else _days(told["days"])
        found.append(Opening(days, minute_of(told["opens"]), minute_of(told["closes"])))
    return found


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        ends = part.split("-")
        if unknown := [d for d in ends if d not in NAMES]:
            message = f"{unknown[0]!r} is no weekday: write {', '.join(NAMES)}"
            raise ValueError(message)
        first, last = NAMES.index(ends[0]), NAMES.index(ends[-1])
        days |= {(first + i) % 7 + 1 for i in range((last - first) % 7 + 1)}
    return frozenset(days)


def open_spans(openings: list[Opening]) -> list[tuple[float, float]]:
    """Return the minutes of the week that are open, as spans in order that do not touch; past Sunday joins Monday."""
    spans = []
    for rule in openings:
        for day in rule.weekdays:
            start = (day - 1) * DAY + rule.opens
            hours = rule.closes - rule.opens if rule.closes > rule.opens else DAY + rule.closes - rule.opens
            spans += [(start, start + hours), (start - WEEK, start + hours - WEEK)]
    joined = join_spans(spans)
    return [(max(a, 0.0), min(b, float(WEEK))) for a, b in joined if b > 0 and a < WEEK]


def join_spans(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return spans in order, those that touch or overlap made one.

    Examples
    --------
    >>> join_spans([(5, 6), (1, 3), (2, 5)])
    [(1, 6)]
    """
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def mean_closed_hours(openings: list[Opening]) -> float:
    """Return the mean wait of goods that come at any time of the week until it is open, hours."""
    spans = open_spans(openings)
    gaps = [b[0] - a[1] for a, b in zip(spans, [*spans[1:], (spans[0][0] + WEEK, 0.0)], strict=True)]
    return sum(g * g for g in gaps) / (2.0 * WEEK) / 60.0


class Calendar(NamedTuple):
    """When a timetabled service leaves: weekdays, dates that are exceptions, minutes of the day, cut-off in minutes."""

    weekdays: tuple[int, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    minutes: tuple[float, ...]
    cutoff: float


def parse_calendar(
    weekdays: object, added: object, removed: object, times: object, cutoff_hours: float
) -> Calendar | None:
    """Read the calendar of a service from its cells; None where it names no day: then its frequency alone is known.

    Raises `ValueError` with what cannot be read.
    """
    digits = str(weekdays).strip() if isinstance(weekdays, str) else ""
    if wrong := [d for d in digits if d not in "1234567"]:
        message = f"weekdays has {wrong[0]!r}: write digits 1 (Monday) to 7"
        raise ValueError(message)
    plus, minus = as_list(added), as_list(removed)
    for day in [*plus, *minus]:
        if not is_day(day):
            message = f"{day!r} is no day: write YYYY-MM-DD"
            raise ValueError(message)
    if both := sorted(set(plus) & set(minus)):
        message = f"{both[0]} is both added and removed"
        raise ValueError(message)
    if not digits and not plus:
        return None
    minutes = tuple(sorted(minute_of(t) for t in as_list(times))) or (NOON,)
    cutoff = 0.0 if np.isnan(cutoff_hours) else 60.0 * cutoff_hours
    return Calendar(tuple(sorted({int(d) for d in digits})), tuple(sorted(plus)), tuple(minus), minutes, cutoff)


def calendar_fault(s: Any) -> str | None:
    """Say what is wrong with the calendar of a service (a row as a named tuple): unreadable, or never sailing."""
    try:
        read = parse_calendar(s.weekdays, s.added_days, s.removed_days, s.departure_time, s.cutoff_hours)
    except ValueError as fault:
        return str(fault)
    if read is None:
        return None if s.departures_per_year > 0 else "never sails: no weekdays, added days or departures are given"
    first = first_day(s.valid_from) if isinstance(s.valid_from, str) else min(read.added, default="2000-01-01")
    days = days_from(np.datetime64(first, "D"), YEARS_LOOKED * 366)
    in_force = days_within(s.valid_from, s.valid_until, days) & days_of_months(s.season_months, days)
    if not departure_days(read, in_force, days).any():
        return "never sails: no weekday or added day is within its dates and its season, and not removed"
    return None


def mean_wait_hours(calendar: Calendar) -> float | None:
    """Return the mean wait of goods that come at any time until a departure; None where one date alone is known.

    From the weekly pattern, or where there is none from the first to the last of the dates: the sum of squared gaps
    over twice the time (Osuna and Newell 1972); the cut-off comes on top.
    """
    if calendar.weekdays:
        at = [(d - 1) * DAY + m for d in calendar.weekdays for m in calendar.minutes]
        gaps = np.diff([*at, at[0] + WEEK])
    else:
        days = [float(date.fromisoformat(d).toordinal()) for d in calendar.added]
        gaps = np.diff([d * DAY + m for d in days for m in calendar.minutes])
    if not gaps.size or not gaps.sum():
        return None
    return (float((gaps**2).sum() / (2.0 * gaps.sum())) + calendar.cutoff) / 60.0


def days_from(start: np.datetime64, n_days: int) -> NDArray[np.datetime64]:
    """Return the days of a horizon, datetime64[D] (n_days,)."""
    return np.arange(start, start + n_days, dtype="datetime64[D]")


def days_within(start: object, end: object, days: NDArray[np.datetime64]) -> Bool:
    """Mark days of a period whose ends are dates of any precision, or missing: open."""
    held = np.ones(days.size, np.bool_)
    text = days.astype(str)
    if isinstance(start, str):
        held &= text >= first_day(start)
    if isinstance(end, str):
        held &= text <= last_day(end)
    return held


def days_of_months(months: object, days: NDArray[np.datetime64]) -> Bool:
    """Mark days in months of a list cell; every day where it is empty."""
    named = [int(m) for m in as_list(months)]
    month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.isin(month, named) if named else np.ones(days.size, np.bool_)


def open_days(frame: pd.DataFrame, days: NDArray[np.datetime64]) -> Bool:
    """Mark the days on which each row is usable, (rows, n_days): status, and dates from and until."""
    usable = frame["status"].isin(USABLE).to_numpy(dtype=bool)
    out = np.repeat(usable[:, None], days.size, axis=1)
    dated = usable & (frame["open_from"].notna() | frame["open_until"].notna()).to_numpy(dtype=bool)
    for row in np.flatnonzero(dated).tolist():
        out[row] &= days_within(frame["open_from"].iloc[row], frame["open_until"].iloc[row], days)
    return out


def service_days(services: pd.DataFrame, days: NDArray[np.datetime64]) -> Bool:
    """Mark the days on which each service is in force, (rows, n_days): status, dates, validity and season.

    Weekdays are left out, and so is whether it takes cargo.
    """
    out = open_days(services, days)
    for row, (start, end, months) in enumerate(
        zip(services["valid_from"], services["valid_until"], services["season_months"], strict=True)
    ):
        if any(isinstance(cell, str) for cell in (start, end, months)):
            out[row] &= days_within(start, end, days) & days_of_months(months, days)
    return out


def departure_days(calendar: Calendar, in_force: Bool, days: NDArray[np.datetime64]) -> Bool:
    """Mark the days on which a timetabled service leaves, (n_days,); added days need be in force too."""
    weekday = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7 + 1  # 1970-01-01 was a Thursday
    text = days.astype(str)
    runs = np.isin(weekday, calendar.weekdays) | np.isin(text, calendar.added)
    return np.asarray(runs & ~np.isin(text, calendar.removed) & in_force, dtype=np.bool_)
