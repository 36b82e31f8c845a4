"""The Solar Hijri calendar of Iran and Afghanistan, and the fiscal years of countries."""

from __future__ import annotations

import calendar
import csv
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

SOLAR_HIJRI_MONTHS = (
    "farvardin",
    "ordibehesht",
    "khordad",
    "tir",
    "mordad",
    "shahrivar",
    "mehr",
    "aban",
    "azar",
    "dey",
    "bahman",
    "esfand",
)
_EPOCH_YEAR, _EPOCH_DAY = 1399, date(2020, 3, 20)


def solar_hijri_leap(year: int) -> bool:
    """Whether a Solar Hijri year has 366 days, by the 33-year rule, which agrees with the sky from 1206 to 1498."""
    return (25 * year + 11) % 33 < 8


def solar_hijri_to_gregorian(year: int, month: int = 1, day: int = 1) -> date:
    """Return the Gregorian day of a Solar Hijri date between 1206 and 1498.

    Raises `ValueError` for a date that does not exist or lies outside these years.

    Examples
    --------
    >>> solar_hijri_to_gregorian(1399, 11, 30)
    datetime.date(2021, 2, 18)
    """
    if not 1206 <= year <= 1498 or not 1 <= month <= 12 or not 1 <= day <= solar_hijri_month_days(year, month):
        message = f"no such Solar Hijri date between 1206 and 1498: {year}-{month}-{day}"
        raise ValueError(message)
    step = 1 if year >= _EPOCH_YEAR else -1
    between = range(_EPOCH_YEAR, year) if step > 0 else range(year, _EPOCH_YEAR)
    days = step * sum(366 if solar_hijri_leap(y) else 365 for y in between)
    days += min(month - 1, 6) * 31 + max(month - 7, 0) * 30 + day - 1
    return _EPOCH_DAY + timedelta(days=days)


def solar_hijri_month_days(year: int, month: int) -> int:
    """Return the days of a month: 31 in the first six, then 30, and 29 or 30 in Esfand."""
    if month <= 6:
        return 31
    return 30 if month < 12 or solar_hijri_leap(year) else 29


def gregorian_to_solar_hijri(day: date) -> tuple[int, int, int]:
    """Return year, month and day of the Solar Hijri calendar.

    Examples
    --------
    >>> gregorian_to_solar_hijri(date(2020, 2, 19))
    (1398, 11, 30)
    """
    year = day.year - 621
    if day < solar_hijri_to_gregorian(year):
        year -= 1
    month = 1
    while month < 12 and solar_hijri_to_gregorian(year, month + 1) <= day:
        month += 1
    return year, month, (day - solar_hijri_to_gregorian(year, month)).days + 1


def shift_solar_hijri(day: date, years: int) -> date:
    """Return the same day of the Solar Hijri calendar, `years` later; the last day of Esfand stays the last."""
    year, month, of_month = gregorian_to_solar_hijri(day)
    year += years
    return solar_hijri_to_gregorian(year, month, min(of_month, solar_hijri_month_days(year, month)))


def solar_hijri_year(year: int) -> tuple[date, date]:
    """Return first and last day of a Solar Hijri year."""
    return solar_hijri_to_gregorian(year), solar_hijri_to_gregorian(year + 1) - timedelta(days=1)


def solar_hijri_months(year: int, first: int, last: int) -> tuple[date, date]:
    """Return first and last day of the months `first` to `last` of a Solar Hijri year."""
    return solar_hijri_to_gregorian(year, first), solar_hijri_to_gregorian(
        year, last, solar_hijri_month_days(year, last)
    )


def month_end(year: int, month: int) -> date:
    """Return the last day of a month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def shift_years(day: date, years: int) -> date:
    """Return the same day `years` later; 29 February becomes 28, and the end of February stays its end."""
    last = calendar.monthrange(day.year + years, day.month)[1]
    ends_month = day.month == 2 and day.day == calendar.monthrange(day.year, 2)[1]
    return date(day.year + years, day.month, last if ends_month else min(day.day, last))


def shift_months(day: date, months: int) -> date:
    """Return the same day `months` later, or that month's last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@cache
def _fiscal_starts() -> dict[str, tuple[int, int]]:
    text = files("karavan.evidence").joinpath("data/fiscal_years.csv").read_text(encoding="utf-8")
    return {r["code"]: (int(r["month"]), int(r["day"])) for r in csv.DictReader(text.splitlines())}


def fiscal_year(country: str, year: int) -> tuple[date, date] | None:
    """Return first and last day of the fiscal year that begins in `year`; None where the country's is not known."""
    start = _fiscal_starts().get(country)
    if start is None:
        return None
    first = date(year, *start)
    return first, shift_years(first, 1) - timedelta(days=1)
