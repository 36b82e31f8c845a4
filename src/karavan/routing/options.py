"""What may be asked of a search for routes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from karavan.errors import ShipmentError
from karavan.schema.state import is_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OBJECTIVES = {
    "time": "hours from ready to arrival (undated: from loading to unloading)",
    "cost": "money paid, USD per tonne",
    "co2e": "kg CO2e per tonne, well-to-wheel",
    "risk": "standard deviation of the hours",
    "handlings": "transfers between vehicles",
}
REGIMES = ("us", "eu", "un", "uk", "national", "physical", "season")


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """How to search for routes, and what may be used.

    Attributes
    ----------
    alternatives
        Other routes at most, beside the cheapest.
    objectives
        Two to five of `time`, `cost`, `co2e`, `risk`, `handlings`.
    resolution
        Routes that differ by less than this part in every objective count as one. It acts at every node, so it is no
        guarantee; 0 is exact.
    certified
        Make the resolution a guarantee (dated searches), at some cost of time.
    overlap
        An alternative shares at most this part of its kilometres with each route before it.
    budget
        The most of an objective: hours, USD per tonne, kg CO2e per tonne, hours of standard deviation, transfers.
    avoid, only
        Names or ids of ports and other places, borders, countries (ISO alpha-3), modes, services, links, operators.
        `only`: of each kind that is named, nothing else is used (of places: ports and airports).
    comply
        Regimes (`us`, `eu`, `un`, `uk`, ...): what the case's restrictions list under them is not used.
    closed
        Closed from a day on: id or name, and an ISO day.
    include
        Services to use although it is not known whether they take cargo.
    usd_year
        Year of the money; as the case has it by default.
    emission_factors
        A file of emission factors of one's own.
    reliability_ratio
        Value of reliability over value of time: what an hour of standard deviation is worth in hours, in the order of
        the routes alone; 0 switches it off. See `docs/methods.md` for how little is known of it.
    draws, seed
        Of the odds of each route; see `odds`.
    """

    alternatives: int = 3
    objectives: tuple[str, ...] = ("cost", "time", "co2e", "risk")
    resolution: float = 0.05
    certified: bool = False
    overlap: float = 0.75
    budget: Mapping[str, float] = field(default_factory=dict)
    avoid: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    comply: tuple[str, ...] = ()
    closed: Mapping[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    usd_year: int | None = None
    emission_factors: Path | None = None
    reliability_ratio: float = 0.4
    draws: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("objectives", "avoid", "only", "comply", "include"):
            given: Any = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))
        for name in ("budget", "closed"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        if faults := list(_faults(self)):
            raise ShipmentError("; ".join(faults))

    def __reduce__(self) -> tuple[Any, ...]:
        # a read-only mapping cannot be pickled
        values = {name: getattr(self, name) for name in self.__slots__}
        return _made, (values | {"budget": dict(self.budget), "closed": dict(self.closed)},)


def _made(values: dict[str, Any]) -> RouteOptions:
    return RouteOptions(**values)


def _faults(options: RouteOptions) -> Iterator[str]:
    yield from _faults_of_objectives(options)
    if not 0 <= options.resolution < math.inf:
        yield f"resolution is {options.resolution}: give a part such as 0.05, or 0 for exact"
    if not 0 <= options.overlap <= 1:
        yield f"overlap is {options.overlap}: give a part from 0 to 1"
    if not 0 <= options.reliability_ratio < math.inf:
        yield f"the reliability ratio is {options.reliability_ratio}: give a number from 0 up, such as 0.4"
    if options.alternatives < 0:
        yield f"{options.alternatives} alternatives are asked for: give 0 or more"
    for name in options.comply:
        if name not in REGIMES:
            yield f"{name!r} is no regime: name some of {', '.join(REGIMES)}"
    for name, day in options.closed.items():
        if not is_day(day):
            yield f"{name} is closed from {day!r}: give a day as YYYY-MM-DD"


def _faults_of_objectives(options: RouteOptions) -> Iterator[str]:
    known = ", ".join(OBJECTIVES)
    names = options.objectives
    for name in dict.fromkeys(n for n in (*names, *options.budget) if n not in OBJECTIVES):
        yield f"{name!r} is no objective: name some of {known}"
    if not 2 <= len(set(names)) == len(names) <= len(OBJECTIVES):
        yield f"{len(names)} objectives are named: name two to five different ones of {known}"
    for name, most in options.budget.items():
        if not most >= 0:
            yield f"the budget of {name} is {most}: give a number from 0 up"
