"""Times in prose: days, months, quarters, years, fiscal and Iranian years, deadlines, lookbacks, bases of change.

`find_periods` reads what the words say; `Anchors` resolve what is relative ("last year") against the day of publication
and the period spoken of before. Nothing relative becomes a date without its anchor: no year is invented.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from karavan.evidence.calendars import (
    fiscal_year,
    gregorian_to_solar_hijri,
    month_end,
    shift_months,
    shift_solar_hijri,
    shift_years,
    solar_hijri_months,
)
from karavan.evidence.period_words import FoundPeriod, day_period, month_period, safe_day, year_period
from karavan.evidence.records import Period


@dataclass(frozen=True, slots=True)
class Anchors:
    """What relative times are resolved against."""

    published: date | None = None
    previous: Period | None = None
    country: str = ""
    iranian: bool = False


def resolve(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:
    """Return the period that the words mean under these anchors.

    A period whose ends are None says that the words are understood but lack their anchor; None means that they name no
    period at all ("soon").
    """
    if found.period is not None:
        return found.period
    unknown = Period(None, None, raw, "unknown", "gregorian", "relative")
    if found.kind == "horizon":
        return None
    if found.kind == "same":
        return _resolve_same(found, raw, anchors) or unknown
    if found.kind == "lookback":
        return _resolve_lookback(found, raw, anchors)
    if found.kind == "fiscal":
        return _resolve_fiscal(found, raw, anchors) or replace(unknown, calendar="fiscal")
    if found.kind == "iranian":
        return _resolve_iranian(found, raw, anchors) or replace(unknown, calendar="solar_hijri")
    return _resolve_relative(found, raw, anchors) or unknown


def _resolve_same(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:
    """Return the period spoken of before, moved to the other year; in the Iranian calendar if it was Iranian."""
    previous = anchors.previous
    rel, year, more = found.spec
    if previous is None or previous.start is None or previous.end is None:
        return None
    back = int(more) if more.startswith("-") else -1
    if year:
        back = int(year) - previous.start.year
    elif not rel:
        # "over the same period": the period itself, unless it is the base of a change.
        back = -1 if found.use == "base" and "same" not in raw.lower() else 0
    if back == 0:
        return replace(previous, raw=raw)
    if previous.calendar == "solar_hijri":
        first = shift_solar_hijri(previous.start, back)
        last = shift_solar_hijri(previous.end, back)
        return replace(previous, start=first, end=last, raw=raw)
    return replace(previous, start=shift_years(previous.start, back), end=shift_years(previous.end, back), raw=raw)


def _resolve_lookback(found: FoundPeriod, raw: str, anchors: Anchors) -> Period:
    count, unit = int(found.spec[0]), found.spec[1]
    letter = {"year": "Y", "month": "M", "week": "W", "day": "D", "decade": "Y", "quarter": "M"}[unit]
    factor = {"decade": 10, "quarter": 3}.get(unit, 1)
    duration = f"P{abs(count) * factor}{letter}" if count else ""
    forward = count < 0
    kind: Literal["deadline", "lookback"] = "deadline" if forward else "lookback"
    blank = Period(None, None, raw, "unknown", "gregorian", kind, duration)
    previous = anchors.previous
    if (
        not forward
        and unit == "month"
        and previous
        and previous.start
        and previous.end
        and _whole_months(previous) == count
    ):
        return replace(previous, raw=raw)
    if anchors.published is None or not count:
        return blank
    n = count * factor
    day = anchors.published
    if not forward and letter == "M" and day.month == n + 1:
        # Reporting habit: "the past ten months" in November are January to October.
        return replace(blank, start=date(day.year, 1, 1), end=month_end(day.year, n))
    if letter in "YM":
        other = shift_months(day, -n * (12 if letter == "Y" else 1))
    else:
        other = day - timedelta(days=n * (7 if letter == "W" else 1))
    if forward:
        return replace(blank, start=day, end=other if letter != "Y" else date(other.year, 12, 31))
    return replace(blank, start=other, end=day)


def _whole_months(period: Period) -> int:
    if period.start is None or period.end is None:
        return 0
    if period.calendar == "solar_hijri" or (period.end - period.start).days % 30 > 3:
        days = (period.end - period.start).days + 1
        return round(days / 30.44)
    return (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1


def _resolve_fiscal(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:
    how, value = found.spec[0], found.spec[1]
    if how == "rel":
        previous = anchors.previous
        if (
            previous
            and previous.calendar == "fiscal"
            and previous.start
            and previous.end
            and value in {"previous", "last", "preceding", "prior", "past"}
        ):
            return replace(previous, start=shift_years(previous.start, -1), end=shift_years(previous.end, -1), raw=raw)
        if anchors.published is None or not anchors.country:
            return None
        year = anchors.published.year
        now = fiscal_year(anchors.country, year)
        if now is None:
            return None
        if now[0] > anchors.published:
            year -= 1
        year -= 0 if value in {"current", "this"} else 1
        span = fiscal_year(anchors.country, year)
    else:
        year = int(value)
        span = fiscal_year(anchors.country, year) if anchors.country else None
        if how == "ends" and span is not None and span[0].month > 1:
            span = fiscal_year(anchors.country, year - 1)
    return Period(span[0], span[1], raw, "year", "fiscal") if span else None


def _resolve_iranian(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:
    rel, first, last = found.spec[0], int(found.spec[1]), int(found.spec[2])
    if anchors.published is None:
        return None
    year = gregorian_to_solar_hijri(anchors.published)[0]
    year += {"this": 0, "current": 0, "present": 0}.get(rel, -1)
    a, b = solar_hijri_months(year, first, last)
    if a > anchors.published:
        return None
    return day_period(a, b, raw, "year" if (first, last) == (1, 12) else "range", "solar_hijri")


def _shift_for(rel: str) -> int:
    return {"last": -1, "previous": -1, "past": -1, "next": 1}.get(rel, 0)


def _resolve_relative(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:  # noqa: C901, PLR0912  (one rule after another, in their order)
    day = anchors.published
    what = found.spec[0]
    if what == "day":
        month, of_month = int(found.spec[1]), int(found.spec[2])
        blank = Period(None, None, raw, "day", month_day=f"{month:02d}-{of_month:02d}")
        if day is None:
            return blank
        near = _nearest_day(day, month, of_month, future=found.use == "deadline")
        return day_period(near, near, raw, "day") if near else blank
    if day is None:
        return None
    if what == "now":
        return Period(day, day, raw, "day", "gregorian", "as_of")
    if what == "year":
        return year_period(day.year + _shift_for(found.spec[1]), raw)
    if what in {"month", "quarter", "week"}:
        return _resolve_unit(what, _shift_for(found.spec[1]), raw, day)
    if what == "months":
        return _resolve_months(
            int(found.spec[1]), int(found.spec[2]), found.spec[3], raw, anchors, future=found.use == "deadline"
        )
    if what == "n_months":
        n, rel = int(found.spec[1]), found.spec[2]
        if anchors.iranian:
            year = gregorian_to_solar_hijri(day)[0] + _shift_for(rel)
            a, b = solar_hijri_months(year, 1, n)
            return day_period(a, b, raw, "range", "solar_hijri")
        if not rel and anchors.previous is not None and anchors.previous.start is not None and "year" not in raw:
            return None
        year = day.year + _shift_for(rel)
        return month_period(year, 1, n, raw) if month_end(year, n) <= day + timedelta(days=10) else None
    if what == "months_to":
        n, month = int(found.spec[1]), int(found.spec[2])
        year = day.year if month < day.month else day.year - 1
        return day_period(shift_months(date(year, month, 1), 1 - n), month_end(year, month), raw)
    if what == "days":
        return _resolve_days(found, raw, day)
    if what in {"today", "yesterday", "tomorrow"}:
        moved = day + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(what, 0))
        return day_period(moved, moved, raw, "day")
    return _resolve_weekday(what, raw, day)


def _resolve_days(found: FoundPeriod, raw: str, day: date) -> Period | None:
    m1, d1, m2, d2 = (int(x) for x in found.spec[1:5])
    for year in (day.year, day.year - 1):
        first, last = safe_day(year, m1, d1), safe_day(year + (m2 < m1), m2, d2)
        if first and last and last <= day + timedelta(days=5):
            return day_period(first, last, raw)
    return None


def _resolve_weekday(word: str, raw: str, day: date) -> Period | None:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    if word not in names:
        return None
    moved = day - timedelta(days=(day.weekday() - names.index(word)) % 7)
    return day_period(moved, moved, raw, "day")


def _resolve_unit(unit: str, shift: int, raw: str, day: date) -> Period:
    if unit == "week":
        monday = day - timedelta(days=day.weekday()) + timedelta(days=7 * shift)
        return day_period(monday, monday + timedelta(days=6), raw)
    if unit == "month":
        first = shift_months(day.replace(day=1), shift)
        return month_period(first.year, first.month, first.month, raw)
    first = shift_months(date(day.year, (day.month - 1) // 3 * 3 + 1, 1), 3 * shift)
    return month_period(first.year, first.month, first.month + 2, raw)


def _resolve_months(first: int, last: int, rel: str, raw: str, anchors: Anchors, *, future: bool) -> Period | None:
    day = anchors.published
    if day is None:
        return None
    previous = anchors.previous
    if rel in {"the same", "same"}:
        return month_period(previous.start.year, first, last, raw) if previous and previous.start else None
    if rel:
        return month_period(day.year + _shift_for(rel), first, last, raw)
    if future:
        year = day.year if month_end(day.year, last) >= day else day.year + 1
        return month_period(year, first, last, raw)
    year = day.year if date(day.year, first, 1) <= day else day.year - 1
    return month_period(year, first, last, raw)


def _nearest_day(day: date, month: int, of_month: int, *, future: bool) -> date | None:
    """Return the day of the year's month nearest to `day`: at most a month ahead of it, or within the next year."""
    options = [d for y in (day.year - 1, day.year, day.year + 1) if (d := safe_day(y, month, of_month))]
    if future:
        ahead = [d for d in options if d >= day]
        return min(ahead) if ahead else None
    past = [d for d in options if d <= day + timedelta(days=31)]
    return max(past) if past else None
