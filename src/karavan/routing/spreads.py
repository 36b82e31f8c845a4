"""How hours are distributed that the tables give a range for, and the draws of one element.

- `pert`: the PERT distribution (a beta scaled to [low, high], shape parameters summing to 6) whose most likely value is
  the table's: borders, transfers, crossings (Malcolm et al., Operations Research 7 (1959) 646-669);
- `pert about the mean`: the same whose mean is the table's: waits, which the tables give as means;
- `uniform`: the wait for departures at equal intervals, of goods that come at any time;
- `timetable`: the wait of goods that come at any time of the week, for the departures of the week;
- `cancelled`: whole headways, as many as departures in a row do not run, each with the chance that the table gives.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from karavan.schema.calendars import DAY, NOON, WEEK, minute_of
from karavan.schema.case import as_list
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Float = NDArray[np.float64]

SHAPES = 6.0  # the two shape parameters of a PERT distribution sum to this
HOURS_PER_YEAR = 365.0 * HOURS_PER_DAY
MINUTES = 60.0
Kind = Literal["pert", "pert about the mean", "uniform", "timetable", "cancelled"]


class Spread(NamedTuple):
    """How the hours of an element are distributed: between `low` and `high`, about `middle` as the kind says.

    Of `cancelled`, `middle` is the chance and `high` the headway; of `timetable`, `low` is the time before departure at
    which loading closes and `gaps` are the hours from each departure of the week to the next.
    """

    kind: Kind
    low: float
    middle: float
    high: float
    gaps: tuple[float, ...] = ()


def quantile(spread: Spread, share: Float) -> Float:
    """Return the hours that a share (0 to 1) of the draws do not exceed.

    Examples
    --------
    >>> quantile(Spread("uniform", 0.0, 84.0, 168.0), np.array([0.25])).tolist()
    [42.0]
    """
    low, middle, high = spread.low, spread.middle, spread.high
    if spread.kind == "uniform":
        return np.asarray(low + share * (high - low), dtype=np.float64)
    if spread.kind == "timetable":
        gaps = np.asarray(spread.gaps)
        knots = np.unique(np.append(0.0, gaps))
        longer = np.maximum(gaps[None, :] - knots[:, None], 0.0).sum(axis=1) / gaps.sum()
        return np.asarray(low + np.interp(share, 1.0 - longer, knots), dtype=np.float64)
    if spread.kind == "cancelled":
        return np.asarray(high * np.floor(np.log1p(-share) / np.log(middle) + 1e-12), dtype=np.float64)
    from scipy.special import betaincinv

    at = (middle - low) / (high - low)
    first = SHAPES * at if spread.kind == "pert about the mean" else 1.0 + (SHAPES - 2.0) * at
    return np.asarray(low + (high - low) * betaincinv(first, SHAPES - first, share), dtype=np.float64)


@lru_cache(maxsize=1024)
def in_order(spread: Spread, draws: int) -> Float:
    """Return the hours at the middles of `draws` equal parts of the distribution, ascending, read-only."""
    hours = quantile(spread, (np.arange(draws) + 0.5) / draws)
    hours.flags.writeable = False
    return hours


def order_of(element: str, *, draws: int, seed: int) -> NDArray[np.int64]:
    """Return the order in which the draws take the parts of an element's distribution: its own, from seed and id."""
    key = blake2b(f"{seed}:{element}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(key, "little"))).permutation(draws)


def spread_of_range(central: float, low: float, high: float, *, kind: Kind = "pert") -> Spread | None:
    """Return the distribution of a value with a range, or None where the range is none.

    A missing end is the value itself. A mean at an end of its range, or outside, is taken as the most likely value.
    """
    low, high = (central if np.isnan(v) else v for v in (low, high))
    low, high = min(low, central), max(high, central)
    if not high > low:
        return None
    inside = low < central < high
    return Spread(kind if inside else "pert", float(low), float(central), float(high))


def spread_of_wait(service: Mapping[str, Any], mean: float) -> Spread | None:
    """Return the distribution of the wait for a service, hours, or None where the tables give one value only.

    `mean` is the expected wait. A weekly timetable gives its own; departures by frequency without a range, or whose
    mean is the middle of it, a uniform one: from nothing (or the low end) to the headway (or the high end).
    """
    low, high = (float(service[f]) for f in ("wait_hours_low", "wait_hours_high"))
    if not mean > 0:
        return None
    if service["departure_rule"] == "timetable" and (week := _week_of(service)) is not None:
        return week
    if service["departure_rule"] in {"frequency", "timetable"}:
        departures = float(service["departures_per_year"])
        headway = HOURS_PER_YEAR / departures if departures > 0 else np.nan
        if np.isnan(low) and np.isnan(high) and abs(mean - headway / 2.0) < 0.01 * mean:
            return Spread("uniform", 0.0, mean, 2.0 * mean)
        if abs(low + high - 2.0 * mean) < 0.01 * mean:
            return Spread("uniform", low, mean, high)
    return spread_of_range(mean, low, high, kind="pert about the mean")


def _week_of(service: Mapping[str, Any]) -> Spread | None:
    """Return the wait for the departures of a week, or None where no weekdays are known."""
    days, times = service.get("weekdays"), as_list(service.get("departure_time"))
    if not isinstance(days, str) or not days.strip().isdigit():
        return None
    minutes = [minute_of(t) for t in times] or [NOON]
    at = sorted({(int(d) - 1) * DAY + m for d in days.strip() for m in minutes})
    gaps = np.diff([*at, at[0] + WEEK]) / MINUTES
    closes = float(service.get("cutoff_hours", np.nan))
    closes = 0.0 if np.isnan(closes) else closes
    mean = closes + float((gaps**2).sum() / (2.0 * gaps.sum()))
    return Spread("timetable", closes, mean, closes + float(gaps.max()), tuple(gaps.tolist()))


def spread_of_cancellation(service: Mapping[str, Any]) -> Spread | None:
    """Return the distribution of what cancelled departures add to the wait for a service without a timetable."""
    share, departures = (float(service.get(f, np.nan)) for f in ("cancelled_share", "departures_per_year"))
    if not (0.0 < share < 1.0 and departures > 0.0):
        return None
    return Spread("cancelled", 0.0, share, HOURS_PER_YEAR / departures)
