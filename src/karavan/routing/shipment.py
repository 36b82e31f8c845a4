"""A shipment and the routes it may take."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from karavan.errors import ShipmentError
from karavan.schema.state import is_day
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from karavan.model import Model
    from karavan.routing.gates import Gate
    from karavan.routing.reliability import Odds

MINUTES_PER_DAY = 1440
LONGEST_WINDOW = 366  # days
MONEY = ("haulage", "handling", "border")
PAID = (*MONEY, "storage")
HOURS = ("move_hours", "border_hours", "handling_hours", "wait_hours")
WEIGHT = (
    "usd_haulage", "usd_handling", "usd_border", "usd_time", "kg_co2e", "kg_co2e_low", "kg_co2e_high", "kg_co2e_ttw",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shipment:
    """One consignment: from a place to a place, what, how many tonnes. Names are ids, names, places or aliases.

    Attributes
    ----------
    ready
        First possible departure, an ISO day or minute (`2025-03-01`, `2025-03-01T08:00`); None: on no date, with the
        waits that are expected. All clocks are taken as one.
    window_days
        It may also leave at any time in the next so many days, at most 366; without `ready` it must be 0.
    deadline
        Arrive by this ISO day (its end) or minute. Without `ready`: the latest departures that make it.
    within_days
        Arrive within so many days of leaving; for shipments without a date too.
    incoterm, incoterm_place
        Who pays what, for charges: a rule such as `FCA`, and its named place.
    unit
        The carrying unit that the goods travel in; by default any that fits.

    Raises `ShipmentError`, with every fault found.
    """

    origin: str
    destination: str
    commodity: str
    tonnes: float = 20.0
    ready: str | None = field(default=None, kw_only=True)
    window_days: float = field(default=0.0, kw_only=True)
    deadline: str | None = field(default=None, kw_only=True)
    within_days: float | None = field(default=None, kw_only=True)
    incoterm: str | None = field(default=None, kw_only=True)
    incoterm_place: str | None = field(default=None, kw_only=True)
    unit: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if faults := list(_faults(self)):
            raise ShipmentError("; ".join(faults))

    @property
    def dated(self) -> bool:
        """Whether the shipment travels on a date."""
        return self.ready is not None or self.deadline is not None

    @property
    def hours_allowed(self) -> float | None:
        """Hours from ready to the deadline, or those of `within_days`; None where nothing is asked for."""
        most = [] if self.within_days is None else [self.within_days * HOURS_PER_DAY]
        if self.ready is not None and self.deadline is not None:
            most.append(float((deadline_of(self) - moment(self.ready)) / np.timedelta64(1, "m")) / 60.0)
        return min(most, default=None)


def moment(text: str) -> np.datetime64:
    """Return the minute that an ISO day or minute names; a day is its start."""
    return np.datetime64(text.replace(" ", "T"), "m")


def deadline_of(shipment: Shipment) -> np.datetime64:
    """Return the minute of the deadline; a day is its end."""
    text = str(shipment.deadline)
    return moment(text) + np.timedelta64(MINUTES_PER_DAY if is_day(text) else 0, "m")


def is_moment(text: str) -> bool:
    """Tell whether a text is an ISO day or minute.

    Examples
    --------
    >>> is_moment("2024-02-29"), is_moment("2024-02-29T08:30"), is_moment("2024-02"), is_moment("tomorrow")
    (True, True, False, False)
    """
    try:
        return is_day(text) or (len(text) == len("2024-01-01T00:00") and not np.isnat(moment(text)))
    except ValueError:
        return False


def _faults(shipment: Shipment) -> Iterator[str]:
    tonnes, window = shipment.tonnes, shipment.window_days
    if not (tonnes > 0 and math.isfinite(tonnes)):
        yield f"tonnes is {tonnes}: give the weight of the goods, above zero"
    dates = {"ready": shipment.ready, "deadline": shipment.deadline}
    wrong = [name for name, text in dates.items() if text is not None and not is_moment(text)]
    for name in wrong:
        yield f"{name} is {dates[name]!r}: give a day or minute, as 2025-03-01 or 2025-03-01T08:00"
    if not (window >= 0 and math.isfinite(window)):
        yield f"the window is {window} days: give 0 or more"
    elif window > LONGEST_WINDOW:
        yield f"the window is {window:g} days: give at most {LONGEST_WINDOW}"
    elif window > 0 and shipment.ready is None:
        yield f"a window of {window:g} days has no beginning: give ready, the first day"
    if shipment.within_days is not None and not shipment.within_days > 0:
        yield f"within_days is {shipment.within_days}: give days above zero"
    if None not in dates.values() and not wrong and moment(str(shipment.ready)) >= deadline_of(shipment):
        yield f"the deadline {shipment.deadline} is not after the goods are ready, {shipment.ready}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Route:
    """One way of moving a shipment.

    `arcs` are the graph's arcs in order, and `times` (n_arcs + 1,) minutes since 1970 at which each begins and the last
    ends; None without a date. `legs` has one row a transport chain element: loading, a movement by one vehicle, a
    transfer, unloading; columns: what, mode, unit, from, to, service, km, the four kinds of hours, USD per tonne by
    component, kg CO2e per tonne (well-to-wheel, with low and high; tank-to-wheel-only legs apart), depart and arrive
    (NaT without a date), dwell_hours (waiting for the leg to begin), calendar (what the wait rests on: timetable,
    frequency, fill_and_go), flags (ids of restrictions that touch it).
    `restrictions` are the ids of those that flag the route, `flags` says more of each; `reasons` say why it is among
    the answers. `risk` is the standard deviation of its hours as the search adds it up (see `routing.risk`), and
    `usd_reliability` what that is held to be worth, USD per tonne: it counts in the order of routes alone.
    `frequency_based`: a wait on it is an expected one, of a service without a timetable. `gates` are the departures and
    opening hours on it, by arc. `model` is the model whose graph numbers the arcs. `unit_tonnes` is what a container
    of the shipment holds, of a route of the model alone what it may hold.
    """

    shipment: Shipment
    arcs: NDArray[np.int32]
    origin: str
    destination: str
    legs: pd.DataFrame
    borders: tuple[str, ...]
    ports: tuple[str, ...]
    restrictions: tuple[str, ...]
    unknowns: tuple[str, ...]
    unit_tonnes: float
    reasons: tuple[str, ...] = ()
    times: NDArray[np.float64] | None = None
    objectives: Mapping[str, float] = field(default_factory=dict)
    risk: float = 0.0
    usd_reliability: float = 0.0
    frequency_based: bool = False
    flags: pd.DataFrame | None = None
    charges: pd.DataFrame | None = None
    odds: Odds | None = None
    gates: Mapping[int, Gate] = field(default_factory=dict)
    model: Model | None = None

    def __repr__(self) -> str:
        return f"<Route {self.origin} to {self.destination}: {self.km:,.0f} km, {self.days:.1f} days, {self.reason}>"

    @property
    def reason(self) -> str:
        """Why the route is among the answers, in words."""
        return ", ".join(self.reasons)

    @property
    def departure(self) -> np.datetime64 | None:
        """When loading begins; None without a date."""
        return None if self.times is None else minute(self.times[0])

    @property
    def arrival(self) -> np.datetime64 | None:
        """When unloading ends; None without a date."""
        return None if self.times is None else minute(self.times[-1])

    @property
    def km(self) -> float:
        """Kilometres travelled."""
        return float(self.legs["km"].sum())

    @property
    def hours(self) -> float:
        """Hours from loading to unloading."""
        return float(self.legs[list(HOURS)].to_numpy().sum())

    @property
    def days(self) -> float:
        """Days from loading to unloading."""
        return self.hours / HOURS_PER_DAY

    @property
    def money(self) -> float:
        """Money paid, USD per tonne."""
        return float(self.legs[[f"usd_{c}" for c in PAID]].to_numpy().sum())

    @property
    def generalized_cost(self) -> float:
        """Money plus hours at the commodity's value of time, USD per tonne; reliability stands apart."""
        return self.money + float(self.legs["usd_time"].sum())

    @property
    def co2e(self) -> float:
        """Greenhouse gas, kg CO2e per tonne, well-to-wheel."""
        return float(self.legs["kg_co2e"].sum())

    @property
    def co2e_low(self) -> float:
        """Low end of `co2e`, where sources differ."""
        return float(self.legs["kg_co2e_low"].sum())

    @property
    def co2e_high(self) -> float:
        """High end of `co2e`."""
        return float(self.legs["kg_co2e_high"].sum())

    @property
    def usd_per_teu(self) -> float | None:
        """Money paid for a loaded container, where the goods travel in containers all the way; else None."""
        units = set(self.legs.loc[self.legs["what"] == "movement", "unit"])
        return self.money * self.unit_tonnes if units == {"container"} else None

    @property
    def handlings(self) -> int:
        """Transfers between vehicles."""
        return int((self.legs["what"] == "transfer").sum())

    @property
    def signature(self) -> tuple[str, ...]:
        """Ports and border crossings in order: what a forwarder means by another route."""
        return self.ports + self.borders


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ParetoSet:
    """Every route that is best in some sense, cheapest first.

    `guarantee`: for every route that keeps to the budgets, divided by 1 + resolution, one of these is worse by no more
    than this part in any objective, as the search adds them up (first rates of waiting, risk as variance); None:
    nothing is promised. Not `complete`: the search met its limit. `profile` (dated searches with a window): the best
    departures, one row each: departure, arrival, hours, usd_per_tonne, kg_co2e, risk_hours, route (position).
    """

    routes: tuple[Route, ...]
    objectives: tuple[str, ...]
    resolution: float
    guarantee: float | None
    complete: bool
    n_labels: int
    seconds: float
    profile: pd.DataFrame

    def __repr__(self) -> str:
        return f"<ParetoSet of {len(self.routes)} routes over {', '.join(self.objectives)}; {self.promise}>"

    @property
    def departures_alike(self) -> bool:
        """Whether every departure of the profile offers the same: no timetable is met on the way."""
        each = self.profile.groupby("departure")[list(ALIKE)]
        offers = {tuple(sorted(map(tuple, part.round(3).to_numpy().tolist()))) for _, part in each}
        return len(offers) <= 1

    @property
    def promise(self) -> str:
        """What is promised of the set, in words."""
        if not self.complete:
            return "cut short at the limit of labels: some routes may be missing"
        if self.guarantee is None:
            return f"resolution {self.resolution:.1%}, not certified"
        if self.guarantee == 0.0:
            return "exact"
        return f"certified: nothing is more than {self.guarantee:.1%} better in any objective"


ALIKE = ("hours", "usd_per_tonne", "kg_co2e", "route")


def minute(value: float) -> np.datetime64:
    """Return a number of minutes since 1970 as a date."""
    return np.datetime64(round(value), "m")
