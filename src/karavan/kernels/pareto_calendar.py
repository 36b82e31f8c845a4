"""Events of gates from calendars: departures by weekday, opening hours. Not a kernel: numpy, once a case.

All times are minutes of a horizon of whole days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import ArrayLike, NDArray

    Float = NDArray[np.float64]
    Bool = NDArray[np.bool_]

MINUTES_PER_DAY = 1440
DAYS_PER_WEEK = 7


def running_days(
    n_days: int,
    *,
    first_weekday: int,
    weekdays: Collection[int],
    season: ArrayLike | None = None,
    added: Collection[int] = (),
    removed: Collection[int] = (),
) -> Bool:
    """Return the days of the horizon on which something runs, (n_days,).

    Parameters
    ----------
    n_days
        Days of the horizon.
    first_weekday
        Weekday of day 0: 1 Monday to 7 Sunday.
    weekdays
        Weekdays, 1 to 7.
    season
        bool (n_days,): days of the season; all by default.
    added, removed
        Days of the horizon that are exceptions, in force over weekday and season; days outside the horizon are ignored.

    Raises
    ------
    ValueError
        A weekday is not 1 to 7, or a day is both added and removed.
    """
    if not set(weekdays) | {first_weekday} <= set(range(1, DAYS_PER_WEEK + 1)):
        message = f"weekdays are 1 (Monday) to 7, not {sorted(weekdays)} from {first_weekday}"
        raise ValueError(message)
    if both := sorted(set(added) & set(removed)):
        message = f"days {both} are both added and removed"
        raise ValueError(message)
    weekday = (np.arange(n_days) + first_weekday - 1) % DAYS_PER_WEEK + 1
    runs = np.isin(weekday, list(weekdays))
    if season is not None:
        runs &= np.asarray(season, np.bool_)
    runs[[d for d in added if 0 <= d < n_days]] = True
    runs[[d for d in removed if 0 <= d < n_days]] = False
    return runs


def departures(runs: Bool, minute_of_day: ArrayLike, *, cutoff: float = 0.0) -> tuple[Float, Float]:
    """Return `last` and `leave` of the departures at some minutes of each running day; see `pareto_search.Gates`.

    `cutoff`: minutes before departure at which loading closes.

    Examples
    --------
    >>> runs = running_days(7, first_weekday=1, weekdays=[2, 5])
    >>> departures(runs, 600, cutoff=60)
    (array([1980., 6300.]), array([2040., 6360.]))
    """
    minutes = np.sort(np.atleast_1d(np.asarray(minute_of_day, np.float64)))
    leave = (np.flatnonzero(runs)[:, None] * MINUTES_PER_DAY + minutes).ravel()
    return leave - cutoff, leave


def opening_hours(runs: Bool, opens: float, closes: float) -> tuple[Float, Float]:
    """Return `last` (closes) and `leave` (opens) of the hours open on each running day; see `pareto_search.Gates`.

    A day that closes at or before the minute at which it opens is open past midnight. Hours that touch are one.

    Examples
    --------
    >>> opening_hours(np.array([True, True, False, True]), 0, 1440)
    (array([2880., 5760.]), array([   0., 4320.]))
    """
    start = np.flatnonzero(runs).astype(np.float64) * MINUTES_PER_DAY + opens
    hours = closes - opens if closes > opens else MINUTES_PER_DAY + closes - opens
    end = start + hours
    joins = np.concatenate(([False], start[1:] <= end[:-1]))
    return end[np.concatenate((~joins[1:], [True]))[: end.size]], start[~joins]


def expected_wait(headway: float, cv: float = 0.0) -> float:
    """Return the mean wait of goods that arrive at random for departures by frequency only.

    Half the headway times 1 + cv squared (Osuna and Newell 1972), cv the headway's coefficient of variation.
    """
    return headway / 2.0 * (1.0 + cv**2)


def overtakes(last: Float, leave: Float, extra_minutes: Float) -> Bool:
    """Tell of each event whether a later one arrives before it: then the next departure may not be the best (not FIFO).

    `extra_minutes` (n_events,): minutes of the event on top of the arc's. Events are in order of time.
    """
    at = np.maximum(last, leave) + extra_minutes if (last > leave).any() else leave + extra_minutes
    least_after = np.minimum.accumulate(at[::-1])[::-1]
    return np.append(least_after[1:] < at[:-1], [False] * bool(at.size))
