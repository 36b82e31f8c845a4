"""What chance does to routes: hours, money and sailings missed, drawn many times for the routes that were found.

Each element of the network that the tables give a range for has one random number a draw, the same on every route that
uses it (common random numbers), so that routes differ by what they do not share. The numbers of an element are a Latin
hypercube sample: the middles of equal parts of (0, 1), in an order made from the seed and the element's id alone
(McKay, Beckman and Conover, Technometrics 21 (1979) 239-245). How hours are distributed is said in `routing.spreads`.
What has no range is drawn at its one value; `Odds.drawn_share` says how much of the hours had one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from karavan.cost.dwell import DwellBook
from karavan.cost.price_index import read_price_index
from karavan.cost.shipment_cost import WHOLE
from karavan.cost.tariffs import unit_tonnes
from karavan.errors import ShipmentError
from karavan.network.graph import ArcKind
from karavan.routing.shipment import deadline_of
from karavan.routing.spreads import (
    MINUTES,
    Spread,
    in_order,
    order_of,
    spread_of_cancellation,
    spread_of_range,
    spread_of_wait,
)
from karavan.schema.case import position
from karavan.schema.names import find_commodity
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from karavan.cost.dwell import DwellCharge
    from karavan.cost.price_index import PriceIndex
    from karavan.model import Model
    from karavan.network.graph import Graph
    from karavan.routing.gates import Gate
    from karavan.routing.shipment import Route, Shipment
    from karavan.schema.case import Case

    Float = NDArray[np.float64]
    Storage = Callable[[Float], Float]

QUANTILES = (0.1, 0.5, 0.9)
SERVICE = [
    "departure_rule", "departures_per_year", "weekdays", "departure_time", "wait_hours_low", "wait_hours_high",
    "cutoff_hours", "hours_low", "hours_high", "cancelled_share",
]  # fmt: skip
IN_HAND = "most time in hand for "  # how the search names the route it supposes to be the safest


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Odds:
    """What the draws of one route came to.

    Attributes
    ----------
    p10_hours, p50_hours, p90_hours
        Hours from the start to the end of the journey that 10, 50 and 90 % of the draws do not exceed.
    p10_usd, p50_usd, p90_usd
        Money paid, USD per tonne; it varies where waiting is charged for.
    mean_hours
        Mean of the draws.
    on_time
        Share of the draws that end by the deadline; None without one.
    missed
        Departures of the plan that a draw misses, mean of the draws.
    drawn_share
        Part of the planned hours whose element has a range; the rest is drawn at its one value.
    hours_at, usd_over_at
        (3, n_arcs): the same three quantiles at the end of each arc, of hours, and of USD per tonne over the plan.
    dominated
        Another route is no worse in hours (P50, P90), money (P50, P90), CO2e and chance of being on time, and better
        in one.
    """

    p10_hours: float
    p50_hours: float
    p90_hours: float
    p10_usd: float
    p50_usd: float
    p90_usd: float
    mean_hours: float
    on_time: float | None
    missed: float
    draws: int
    seed: int
    drawn_share: float
    hours_at: Float
    usd_over_at: Float
    dominated: bool = False

    def __repr__(self) -> str:
        days = ", ".join(f"{h / HOURS_PER_DAY:.1f}" for h in (self.p10_hours, self.p50_hours, self.p90_hours))
        return f"<Odds: {days} days in 10, 50, 90 of 100 draws; {self.draws} draws, seed {self.seed}>"


@dataclass(slots=True, eq=False)
class DrawBook:
    """The draws of every element, each made when first asked for and then always the same; threads may share it."""

    model: Model
    draws: int
    seed: int
    _arcs: dict[tuple[int, bool], tuple[float, Float | None, float]] = field(default_factory=dict)
    _elements: dict[tuple[str, Spread], Float] = field(default_factory=dict)
    _rows: list[_Rows] = field(default_factory=list)

    def hours(self, arc: int, *, timed: bool = False) -> tuple[float, Float | None, float]:
        """Return an arc's hours that are one value, its drawn hours (draws,) or None, and what these stand for.

        `timed` leaves out the wait, where a timetable gives it.
        """
        found = self._arcs.get((arc, timed))
        if found is None:
            found = self._arcs[arc, timed] = self._draw(arc, timed=timed)
        return found

    @property
    def rows(self) -> _Rows:
        """What the tables say of the elements; read when first asked for."""
        if not self._rows:
            self._rows.append(_read_rows(self.model.case))
        return self._rows[0]

    def _draw(self, arc: int, *, timed: bool) -> tuple[float, Float | None, float]:
        graph = self.model.graph
        total = float(graph.hours[arc]) - (float(graph.wait_hours[arc]) if timed else 0.0)
        drawn, central = None, 0.0
        for element, spread, hours in _spreads(self.model, self.rows, arc):
            if timed and graph.kind[arc] == ArcKind.WAIT:
                continue
            values = self._values(element, spread)
            drawn = values if drawn is None else drawn + values
            central += hours
        return total - central, drawn, central

    def _values(self, element: str, spread: Spread) -> Float:
        found = self._elements.get((element, spread))
        if found is None:
            order = order_of(element, draws=self.draws, seed=self.seed)
            found = self._elements[element, spread] = in_order(spread, self.draws)[order]
        return found

    def cancelled(self, arc: int, departure: float) -> NDArray[np.bool_] | None:
        """Return in which draws the departure of a minute does not run, (draws,); None: no table tells."""
        graph = self.model.graph
        if graph.service[arc] < 0:
            return None
        service = self.rows.services[graph.service[arc]]
        share = float(service["cancelled_share"])
        if not share > 0.0:
            return None
        order = order_of(f"services:{service['id']}:{departure:.0f}", draws=self.draws, seed=self.seed)
        return order < share * self.draws


class _Rows(NamedTuple):
    """Rows of services as records, and of transfers and borders as ids and hours: usual, low, high."""

    services: list[dict[str, Any]]
    transfers: tuple[list[str], Float]
    borders: tuple[list[str], Float]


def _read_rows(case: Case) -> _Rows:
    services, transfers, borders = case.services, case.transfers, case.borders
    handling = transfers[["hours", "hours_low", "hours_high"]].to_numpy(dtype=np.float64)
    crossing = borders[["hours_low", "hours_high"]].to_numpy(dtype=np.float64)
    usual = borders["exit_hours"].fillna(0.0) + borders["entry_hours"].fillna(0.0)
    return _Rows(
        [{str(k): v for k, v in row.items()} for row in services[SERVICE].reset_index(names="id").to_dict("records")],
        ([str(i) for i in transfers.index], handling),
        ([str(i) for i in borders.index], np.column_stack([usual.to_numpy(dtype=np.float64), crossing])),
    )


def _spreads(model: Model, rows: _Rows, arc: int) -> list[tuple[str, Spread, float]]:
    """Return what is drawn on an arc: the element, its distribution, and the hours that stand for it in the graph."""
    graph = model.graph
    kind = graph.kind[arc]
    found: list[tuple[str, Spread | None, float]] = []
    if kind in {ArcKind.WAIT, ArcKind.RUN}:
        service, way = rows.services[graph.service[arc]], "forward" if graph.forward[arc] else "backward"
        element = f"services:{service['id']}:{way}"
        if kind == ArcKind.WAIT:
            mean = float(graph.wait_hours[arc])
            found.append((f"{element}:wait", spread_of_wait(service, mean), mean))
            found.append((f"{element}:cancelled", spread_of_cancellation(service), 0.0))
        else:
            moving = float(graph.move_hours[arc])
            spread = spread_of_range(moving, float(service["hours_low"]), float(service["hours_high"]))
            found.append((f"{element}:run", spread, moving))
    elif kind == ArcKind.TRANSFER and graph.handling_hours[arc] > 0:
        at = int(graph.transfer[arc])
        hours = rows.transfers[1][at].tolist()
        found.append((f"transfers:{rows.transfers[0][at]}", spread_of_range(*hours), hours[0]))
    if graph.border_hours[arc] > 0:
        for b in graph.borders_under(arc):
            hours = rows.borders[1][b].tolist()
            found.append((f"borders:{rows.borders[0][b]}", spread_of_range(*hours), hours[0]))
    return [(element, spread, hours) for element, spread, hours in found if spread is not None]


class Drawn(NamedTuple):
    """Draws of a journey.

    (n, draws): hours from its start at the end of each arc, hours waited before it, USD per tonne paid for waiting by
    then; n is all arcs, or the last alone. (draws,): departures missed. And the part of the planned hours that has a
    range.
    """

    hours: Float
    waiting: Float
    usd: Float
    missed: Float
    drawn_share: float


def draw_journey(
    book: DrawBook,
    arcs: Sequence[int],
    *,
    gates: Mapping[int, Gate] | None = None,
    start: float = 0.0,
    storage: Mapping[int, Storage] | None = None,
    on_the_way: bool = True,
) -> Drawn:
    """Draw one path of arcs.

    Parameters
    ----------
    gates
        By arc: what is dated on it; there a draw waits for the next departure that it can still catch and that runs.
    start
        Minute of the gates' calendar at which the journey begins.
    storage
        By arc: what waiting before it costs, USD per tonne of hours.
    on_the_way
        Keep the draws at the end of each arc, not at the end of the journey alone.
    """
    gates, storage = gates or {}, storage or {}
    nothing = np.zeros(book.draws)
    missed, now, paid, waited = nothing.copy(), nothing, nothing, nothing
    plan = planned = ranged = 0.0
    kept: list[tuple[Float, Float, Float]] = []
    for arc in arcs:
        gate = gates.get(arc)
        told = gate is not None and gate.told
        fixed, drawn, central = book.hours(arc, timed=told)
        spent = fixed if drawn is None else fixed + drawn
        waited = nothing
        if gate is not None:
            plan, meant = _through(gate, start, plan)
            at = _caught(book, arc, gate, start + MINUTES * now)
            missed += at > meant
            waited = np.maximum((np.append(gate.leave, np.inf)[at] - start) / MINUTES - now, 0.0)
            now = now + waited
        if not told and book.model.graph.kind[arc] == ArcKind.WAIT:
            waited = waited + spent
        if waited is not nothing and arc in storage:
            paid = paid + storage[arc](waited)
        now = now + spent
        plan += fixed + central
        planned += fixed + central
        ranged += central
        if on_the_way:
            kept.append((now, waited, paid))
    hours, waiting, usd = (np.array(v) for v in zip(*(kept or [(now, waited, paid)]), strict=True))
    return Drawn(hours, waiting, usd, missed, ranged / planned if planned > 0 else 0.0)


def _through(gate: Gate, start: float, hours: float) -> tuple[float, int]:
    """Return when the plan goes on behind a gate, hours, and which event it takes."""
    at = int(np.searchsorted(gate.last, start + MINUTES * hours, side="left"))
    leave = float(gate.leave[at]) if at < len(gate.leave) else np.inf
    return max((leave - start) / MINUTES, hours), at


def _caught(book: DrawBook, arc: int, gate: Gate, come: Float) -> NDArray[np.int64]:
    """Return which event each draw takes that comes at a minute; one past the last where none is left."""
    at = np.searchsorted(gate.last, come, side="left").astype(np.int64)
    for event in range(int(at.min()), len(gate.last)):
        waits = at == event
        off = book.cancelled(arc, float(gate.leave[event])) if waits.any() else None
        if off is not None:
            at[waits & off] += 1
        elif event >= at.max():
            break
    return at


def storage_of(charges: Sequence[DwellCharge], *, tonnes: float, units: float, worth: Sequence[float]) -> Storage:
    """Return what waiting costs, USD per tonne of hours (draws,), by the charges of a place.

    `worth` brings each charge's money to the year that is asked for.
    """

    def usd(hours: Float) -> Float:
        total = np.zeros(np.shape(hours))
        for charge, factor in zip(charges, worth, strict=True):
            begin = charge.steps[0].from_hours
            paid = np.maximum(hours - begin, 0.0)
            if charge.by_day:
                paid = np.ceil(paid / HOURS_PER_DAY - 1e-9) * HOURS_PER_DAY
            before = 0.0
            for step in charge.steps:
                rate = step.usd_per_day(tonnes, units)
                total += factor * (rate - before) * np.maximum(paid - (step.from_hours - begin), 0.0) / HOURS_PER_DAY
                before = rate
        return total / tonnes

    return usd


def odds_of(drawn: Drawn, *, book: DrawBook, money: float, storage: Float, hours_allowed: float | None) -> Odds:
    """Return what the draws of a journey came to.

    `money` is what the plan pays, USD per tonne, `storage` (n,) the part of it that is paid for waiting, by the ends
    that were drawn; `hours_allowed` those from the start of the journey to the deadline.
    """
    at_end, over = _quantiles(drawn.hours), _quantiles(drawn.usd - storage[:, None])
    last = drawn.hours[-1]
    low, middle, high = (float(v) for v in at_end[:, -1])
    cheap, usual, dear = (money + float(v) for v in over[:, -1])
    return Odds(
        p10_hours=low,
        p50_hours=middle,
        p90_hours=high,
        p10_usd=cheap,
        p50_usd=usual,
        p90_usd=dear,
        mean_hours=float(last.mean()),
        on_time=None if hours_allowed is None else float(np.mean(last <= hours_allowed + 1e-9)),
        missed=float(drawn.missed.mean()),
        draws=book.draws,
        seed=book.seed,
        drawn_share=drawn.drawn_share,
        hours_at=at_end,
        usd_over_at=over,
    )


def _quantiles(values: Float) -> Float:
    """Return the three quantiles along the draws, shape (3, n): the least draw that so many do not exceed."""
    n = values.shape[1]
    at = [max(math.ceil(q * n - 1e-9), 1) - 1 for q in QUANTILES]
    return np.asarray(np.partition(values, at, axis=1)[:, at].T, dtype=np.float64)


def with_odds(
    routes: Sequence[Route], *, draws: int = 1000, seed: int = 0, usd_year: int | None = None
) -> list[Route]:
    """Return routes of one shipment with their odds, those marked that another one beats in their light.

    Parameters
    ----------
    draws, seed
        The same seed gives the same draws, bit for bit; the same element the same draws on every route.
    usd_year
        Year of the money, as the routes were asked for.

    Raises
    ------
    ShipmentError
        Fewer than one draw is asked for.
    """
    if draws < 1:
        message = f"{draws} draws are asked for: give 1 or more, 500 to 2,000 for odds that hold"
        raise ShipmentError(message)
    books: dict[int, DrawBook] = {}
    out = []
    for route in routes:
        if route.model is None:
            message = "the route has no model to draw from"
            raise ShipmentError(message)
        book = books.setdefault(id(route.model), DrawBook(route.model, draws, seed))
        out.append(replace(route, odds=_odds_of_route(route, book, usd_year)))
    return _name_safest(mark_dominated(out))


def _name_safest(routes: list[Route]) -> list[Route]:
    """Let the draws decide which route is the safest for the deadline, in place of what the search supposed."""
    supposed = [why for r in routes for why in r.reasons if why.startswith(IN_HAND)]
    if not supposed or any(r.odds is None or r.odds.on_time is None for r in routes):
        return routes
    safest = max(routes, key=lambda r: (r.odds.on_time, -r.odds.p90_hours) if r.odds else ())
    out = []
    for r in routes:
        reasons = tuple(why for why in r.reasons if not why.startswith(IN_HAND))
        reasons += (f"safest for {supposed[0].removeprefix(IN_HAND)}",) if r is safest else ()
        out.append(replace(r, reasons=reasons or ("another way",)))
    return out


def _odds_of_route(route: Route, book: DrawBook, usd_year: int | None) -> Odds:
    start = None if route.times is None else float(route.times[0])
    waits, gates = planned_waits(book.model, route), route.gates
    waiting = (book.model.graph.kind[route.arcs] == ArcKind.WAIT) | np.isin(route.arcs, list(gates))
    storage = storage_on(_dwelling(book.model, route, route.arcs[waiting]), route.arcs, usd_year)
    journey = Journey(route.arcs.tolist(), waits, start, gates, storage)
    return odds_of_journey(book, journey, money=route.money, hours_allowed=hours_allowed(route.shipment, start))


class Dwelling(NamedTuple):
    """What waiting costs a shipment: charges by arc, tonnes, units of each carrying unit, prices by year."""

    graph: Graph
    charges: Mapping[int, tuple[DwellCharge, ...]]
    tonnes: float
    units: Float
    by_year: PriceIndex


def _dwelling(model: Model, route: Route, arcs: NDArray[np.int32]) -> Dwelling:
    """Gather what waiting on some arcs of a route costs."""
    case, graph, tonnes = model.case, model.graph, route.shipment.tonnes
    index = read_price_index(case.price_index)
    if not len(case.dwell_charges) or not arcs.size:
        return Dwelling(graph, {}, tonnes, np.zeros(0), index)
    goods = position(case.commodities, find_commodity(case, route.shipment.commodity))
    full = unit_tonnes(case.carrying_units, float(case.commodities["load_factor"].iloc[goods]))
    book, nodes, country = DwellBook(case), case.nodes.index, case.nodes["country"].to_numpy(dtype=object)
    modes, units = case.modes.index, case.carrying_units.index
    charges = {}
    for arc, tail in zip(arcs.tolist(), graph.tail[arcs].tolist(), strict=True):
        node = int(graph.node[tail])
        where = country[node] if isinstance(country[node], str) else None
        charges[arc] = book.find(str(nodes[node]), where, str(modes[graph.mode[tail]]), str(units[graph.unit[tail]]))
    return Dwelling(graph, charges, tonnes, np.maximum(np.ceil(tonnes / full - WHOLE), 1.0), index)


class Journey(NamedTuple):
    """A path to draw.

    Its arcs, the waits before them as planned (hours), the minute since 1970 at which it begins (None: no date), what
    is dated on it by arc, and what waiting costs by arc.
    """

    arcs: list[int]
    waits: Float
    start: float | None
    gates: Mapping[int, Gate]
    storage: Mapping[int, Storage]


def odds_of_journey(
    book: DrawBook, journey: Journey, *, money: float, hours_allowed: float | None, on_the_way: bool = True
) -> Odds:  # fmt: skip
    """Draw a journey and return its odds; `money` is what the plan pays, USD per tonne."""
    arcs, storage, waits = journey.arcs, journey.storage, journey.waits
    drawn = draw_journey(
        book, arcs, gates=journey.gates, start=journey.start or 0.0, storage=storage, on_the_way=on_the_way
    )
    paid = np.zeros(len(arcs))
    for i in np.flatnonzero(waits > 0.0).tolist():
        if arcs[i] in storage:
            paid[i] = float(storage[arcs[i]](waits[i : i + 1])[0])
    so_far = np.cumsum(paid)[-len(drawn.usd) :]
    return odds_of(drawn, book=book, money=money, storage=so_far, hours_allowed=hours_allowed)


def hours_allowed(shipment: Shipment, start: float | None) -> float | None:
    """Return the hours from setting out, at a minute since 1970, to the deadline; None where nothing is asked for."""
    most = [] if shipment.within_days is None else [shipment.within_days * HOURS_PER_DAY]
    if shipment.deadline is not None and start is not None:
        most.append((float(deadline_of(shipment).astype(np.int64)) - start) / MINUTES)
    return min(most, default=None)


def planned_waits(model: Model, route: Route) -> Float:
    """Return the hours that a route waits before each arc, as planned."""
    graph, arcs = model.graph, route.arcs
    if route.times is None:
        return np.asarray(graph.wait_hours[arcs])
    moving = (graph.move_hours + graph.border_hours + graph.handling_hours)[arcs]
    return np.maximum(np.diff(route.times) / MINUTES - moving, 0.0)


def storage_on(dwelling: Dwelling, arcs: NDArray[np.int32], usd_year: int | None) -> dict[int, Storage]:
    """Return what waiting costs on the arcs of a path, USD per tonne of hours, where it is charged for."""
    if not dwelling.charges:
        return {}
    graph, found = dwelling.graph, {}
    for arc in arcs.tolist():
        if charges := dwelling.charges.get(arc, ()):
            years = np.array([c.price_year for c in charges], dtype=np.int64)
            worth = dwelling.by_year.factors(years, usd_year).tolist()
            units = float(dwelling.units[graph.unit[graph.tail[arc]]])
            found[arc] = storage_of(charges, tonnes=dwelling.tonnes, units=units, worth=worth)
    return found


def mark_dominated(routes: Sequence[Route]) -> list[Route]:
    """Mark the routes that another one beats when chance is looked at."""
    odds = [r.odds for r in routes]
    worse = beaten([measures(o, r.co2e) for o, r in zip(odds, routes, strict=True) if o is not None])
    at = iter(worse)
    return [r if r.odds is None else replace(r, odds=replace(r.odds, dominated=next(at))) for r in routes]


def beaten(rows: Sequence[Sequence[float]]) -> list[bool]:
    """Tell of each row of measures whether another is no more in any of them, and less in one."""
    values = np.asarray(rows, dtype=np.float64)
    out = []
    for i in range(len(values)):
        others = np.delete(values, i, axis=0)
        worse = (others <= values[i] + 1e-9).all(axis=1) & (others < values[i] - 1e-9).any(axis=1)
        out.append(bool(worse.any()))
    return out


def measures(odds: Odds, co2e: float) -> list[float]:
    """Return what routes are compared by when chance is looked at; less is better in each."""
    late = 0.0 if odds.on_time is None else 1.0 - odds.on_time
    return [odds.p50_hours, odds.p90_hours, odds.p50_usd, odds.p90_usd, co2e, late]
