"""Water level: how deep a ship may lie, what it may then carry, and what that does to a service or a port.

Draughts, depths and levels are in metres, levels in the datum of `water_levels`, masses in tonnes. Functions of one
level take an array of levels too, and then return one value a level.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.units import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Float = NDArray[np.float64]

CM_PER_M = 100.0
SEASON_M = 0.15  # amplitude of the yearly wave of the Caspian, half of about 0.3 m, highest in July
PEAK_MONTH = 7
WIND_STEPS = 9  # odd, so that calm is one of them
WIND_RANGE_SIGMA = 2.0  # the extremes of weekly readings are taken for two standard deviations of the wind set-up
OBSERVED = "observed"
BERTHS_OF: dict[str, tuple[str, ...]] = {
    "rail_ferry": ("ferry", "ro_ro"),
    "ro_pax": ("ro_ro", "ferry"),
    "ro_ro": ("ro_ro", "ferry"),
    "container": ("container", "dry"),
    "dry_cargo": ("dry", "grain"),
    "tanker": ("oil",),
    "other": ("dry",),
}
"""Berths a kind of ship goes to; where a port has none of them listed, any berth but those for oil stands for it."""


def allowed_draught(
    depth_m: float, depth_level_m: float, level_m: ArrayLike, *, under_keel_m: float = 0.0, maintained: bool = False
) -> Float:
    """Return how deep a ship may lie at a berth or in a channel: depth + level - datum level - clearance, at least 0.

    A maintained (dredged) depth is kept as the level falls; when the level stands above the one the depth refers to, it
    gives more.

    Examples
    --------
    >>> float(allowed_draught(6.3, -27.0, -29.35).round(2))
    3.95
    """
    change = np.asarray(level_m, dtype=np.float64) - depth_level_m
    if maintained:
        change = np.maximum(change, 0.0)
    return np.asarray(np.maximum(depth_m + change - under_keel_m, 0.0), dtype=np.float64)


def deadweight_at(draught_m: ArrayLike, *, dwt_tonnes: float, full_draught_m: float, tpc_tonnes_per_cm: float) -> Float:
    """Return deadweight at a draught: `min(dwt, dwt - TPC x missing centimetres)`, never below 0.

    TPC, tonnes per centimetre of immersion, is taken as constant (ships of the sea-river type are nearly boxes; it
    falls a little with the draught, so loads at small draughts are slightly too low).

    Examples
    --------
    >>> float(deadweight_at(2.80, dwt_tonnes=5562, full_draught_m=3.53, tpc_tonnes_per_cm=22))
    3956.0
    """
    missing = CM_PER_M * (full_draught_m - np.asarray(draught_m, dtype=np.float64))
    return np.asarray(np.clip(dwt_tonnes - tpc_tonnes_per_cm * missing, 0.0, dwt_tonnes).round(6), dtype=np.float64)


def tpc_bound(length_m: float, beam_m: float, *, water_tonnes_per_m3: float = 1.01) -> float:
    """Return the most TPC that a hull can have: a box of its length and beam (Caspian water about 1.01 t/m3).

    Examples
    --------
    >>> round(tpc_bound(141.0, 16.98), 1)
    24.2
    """
    return length_m * beam_m * water_tonnes_per_m3 / CM_PER_M


def cargo_tonnes(
    deadweight_tonnes: ArrayLike, *, stores_tonnes: float = 0.0, hold_tonnes: float | None = None
) -> Float:
    """Return cargo in bulk: deadweight less stores, fuel and crew, at most what the hold takes."""
    cargo = np.maximum(np.asarray(deadweight_tonnes, dtype=np.float64) - stores_tonnes, 0.0)
    return np.asarray(cargo if hold_tonnes is None else np.minimum(cargo, hold_tonnes), dtype=np.float64)


def deck_cargo_tonnes(
    deadweight_tonnes: ArrayLike,
    *,
    places: float,
    payload_tonnes: float,
    tare_tonnes: float,
    stores_tonnes: float = 0.0,
) -> Float:
    """Return cargo on wheels or in boxes: places or mass, whichever is less, less the tare of wagons and trailers.

    Examples
    --------
    >>> float(deck_cargo_tonnes(4000.0, places=50, payload_tonnes=22, tare_tonnes=15, stores_tonnes=300))
    1100.0
    """
    mass = np.maximum(np.asarray(deadweight_tonnes, dtype=np.float64) - stores_tonnes, 0.0)
    units = np.minimum(mass / (payload_tonnes + tare_tonnes), places)
    return np.asarray(units * payload_tonnes, dtype=np.float64)


# Levels


@dataclass(frozen=True, slots=True, eq=False)
class LevelSpread:
    """Levels of a year and how much of it they hold; (n,) each, weights sum to 1."""

    level_m: Float
    weight: Float

    @property
    def mean(self) -> float:
        """Mean level of the year."""
        return float(self.level_m @ self.weight)

    def expected(self, values: Float) -> float:
        """Return the mean over the year of values that belong to the levels; shape (n,)."""
        return float(values @ self.weight)


@dataclass(frozen=True, slots=True)
class YearLevel:
    """The mean level of a year with the range of levels within it, and the rows it rests on."""

    year: int
    level_m: float
    low_m: float
    high_m: float
    rows: tuple[str, ...]


def level_spread(level: YearLevel, *, season_m: float = SEASON_M) -> LevelSpread:
    """Spread a mean level over the year: twelve months of a yearly wave, each with calm and with wind set-up.

    The wave has the amplitude `season_m` and its top in July. What is left of the range between low and high is wind:
    a normal distribution in nine equally likely steps, its range taken for two standard deviations each way. Without a
    range there is neither wave nor wind. The mean of the spread is the mean level.
    """
    half = (level.high_m - level.low_m) / 2.0
    season = min(season_m, half)
    sigma = max(half - season, 0.0) / WIND_RANGE_SIGMA
    months = np.arange(1, int(MONTHS_PER_YEAR) + 1)
    wave = season * np.cos(2.0 * np.pi * (months - PEAK_MONTH) / MONTHS_PER_YEAR)
    wind = sigma * np.array([NormalDist().inv_cdf((k + 0.5) / WIND_STEPS) for k in range(WIND_STEPS)])
    levels = (level.level_m + wave[:, None] + wind[None, :]).ravel()
    return LevelSpread(levels, np.full(levels.size, 1.0 / levels.size))


def level_of_year(water_levels: pd.DataFrame, *, body: str, year: int, scenario: str = OBSERVED) -> YearLevel:
    """Return the mean level of a body of water in a year.

    Yearly rows of the scenario, joined to the observed ones before its first year, are interpolated by straight lines
    (published scenarios name 2050 or 2100 only). The range within the year is that of the nearest observed year: low
    and high of a scenario row may be the range of what is possible, not of a year.
    Raises `ValueError` when the table does not reach to the year, or knows no such body or scenario.
    """
    yearly = water_levels[(water_levels["body"] == body).to_numpy(dtype=bool) & water_levels["date"].isna().to_numpy()]
    if not len(yearly):
        message = f"water_levels has no yearly level of {body!r}; it has {', '.join(water_levels['body'].unique())}"
        raise ValueError(message)
    seen = yearly[(yearly["scenario"] == OBSERVED).to_numpy(dtype=bool)].sort_values("year")
    mine = yearly[(yearly["scenario"] == scenario).to_numpy(dtype=bool)].sort_values("year")
    if not len(mine):
        known = ", ".join(sorted(set(yearly["scenario"]))) or "none"
        message = f"water_levels has no scenario {scenario!r} of {body!r}; it has {known}"
        raise ValueError(message)
    first = int(mine["year"].min())
    joined = mine if scenario == OBSERVED else pd.concat([seen[seen["year"].astype(int) < first], mine])
    years, levels = joined["year"].to_numpy(np.int64), joined["level_m"].to_numpy(np.float64)
    if not years[0] <= year <= years[-1]:
        message = f"water_levels gives {scenario!r} of {body!r} for {years[0]} to {years[-1]}, not for {year}"
        raise ValueError(message)
    at = int(np.searchsorted(years, year))
    rows = [at] if years[at] == year else [at - 1, at]
    level = float(np.interp(year, years, levels))
    down, up = _range_of(seen if len(seen) else joined, year)
    return YearLevel(year, level, level - down, level + up, tuple(str(joined.index[k]) for k in rows))


def _range_of(seen: pd.DataFrame, year: int) -> tuple[float, float]:
    """Return how far below and above its mean the level goes within a year like the nearest observed one."""
    known = seen[seen["low_m"].notna().to_numpy() & seen["high_m"].notna().to_numpy()]
    if not len(known):
        return 0.0, 0.0
    row = known.iloc[int(np.argmin(np.abs(known["year"].to_numpy(np.float64) - year)))]
    return float(row["level_m"] - row["low_m"]), float(row["high_m"] - row["level_m"])


# Ships between ports


def port_draught(berths: pd.DataFrame, node: str, level_m: ArrayLike, *, ship_kind: str) -> Float | None:
    """Return how deep a ship of a kind may lie at a port: the mean of the berths it may use, within every channel.

    The mean, by number of berths, since a ship takes the berth that is free, not the deepest. None where no depth that
    refers to a water level is known.
    """
    here = berths[((berths["node"] == node) & berths["depth_m"].notna() & berths["depth_level_m"].notna()).to_numpy()]
    channels = here[(here["kind"] == "channel").to_numpy(dtype=bool)]
    quays = here[(here["kind"] != "channel").to_numpy(dtype=bool)]
    wanted = quays[quays["kind"].isin(BERTHS_OF.get(ship_kind, ("dry",))).to_numpy(dtype=bool)]
    if not len(wanted):
        wanted = quays[((quays["kind"] == "oil") == (ship_kind == "tanker")).to_numpy(dtype=bool)]
    least = [_at(row, level_m) for row in channels.itertuples()]
    if len(wanted):
        weights = wanted["berths"].fillna(1.0).to_numpy(dtype=np.float64)
        least.append(np.average([_at(row, level_m) for row in wanted.itertuples()], axis=0, weights=weights))
    return np.asarray(np.minimum.reduce(least), dtype=np.float64) if least else None


def _at(row: Any, level_m: ArrayLike) -> Float:
    clearance = 0.0 if pd.isna(row.under_keel_m) else float(row.under_keel_m)
    maintained = False if pd.isna(row.maintained) else bool(row.maintained)
    return allowed_draught(row.depth_m, row.depth_level_m, level_m, under_keel_m=clearance, maintained=maintained)


def mean_load(
    ship: Any, draughts: Iterable[Float | None], spread: LevelSpread, *, limit: float | None = None
) -> float | None:
    """Return the mean deadweight over a year of a ship between ports, tonnes; None where depths or ship are unknown.

    `ship` is a row of `vessels`, `draughts` are those its ports allow at the levels of the spread (`port_draught`); a
    port of unknown depth limits nothing. A ship sails with what the shallowest lets it carry on the day; the mean is
    over the spread of levels, not at the mean level, since a ship gains nothing from water it does not need; nor does
    one whose deck is full: `limit`, the mass of a full deck, caps each of the loads.
    """
    known = [d for d in draughts if d is not None]
    if not known or pd.isna(ship.dwt_tonnes) or pd.isna(ship.draught_m) or pd.isna(ship.tpc_tonnes_per_cm):
        return None
    deadweight = deadweight_at(
        np.minimum.reduce(known),
        dwt_tonnes=float(ship.dwt_tonnes),
        full_draught_m=float(ship.draught_m),
        tpc_tonnes_per_cm=float(ship.tpc_tonnes_per_cm),
    )
    return spread.expected(deadweight if limit is None else np.minimum(deadweight, limit))


def berth_ratio(load_ratio: float, *, fixed_share: float) -> float:
    """Return what is left of a berth's tonnes when ships carry `load_ratio` of their former load.

    A call takes time that does not depend on the load (mooring, papers, hatches): `fixed_share` of a call with the
    former load. Loads shrink, calls shrink less: `r / (f + (1 - f) r)`.

    Examples
    --------
    >>> round(berth_ratio(0.5, fixed_share=0.2), 3), berth_ratio(1.0, fixed_share=0.2)
    (0.833, 1.0)
    """
    return load_ratio / (fixed_share + (1.0 - fixed_share) * load_ratio)
