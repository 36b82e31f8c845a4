"""A question to the search in arrays: where from, where to, what each arc costs this shipment, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.cost.charges import money
from karavan.cost.shipment_cost import DwellRates, dwell_rates, shipment_costs
from karavan.kernels.pareto_search import GREATEST, Gates, SearchGraph, search_graph
from karavan.kernels.shortest_path import shortest_tree
from karavan.network.graph import ArcKind
from karavan.routing.search import trace_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.cost.arc_cost import ArcCost
    from karavan.routing.options import RouteOptions
    from karavan.routing.scene import Goods, Scene
    from karavan.routing.shipment import Shipment
    from karavan.routing.timetable import Gating

    Arcs = NDArray[np.int32]
    Bool = NDArray[np.bool_]
    Float = NDArray[np.float64]

MINUTES = 60.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Query:
    """One search.

    `starts`, `ends`: positions of nodes. Arrays by arc: `usd` per tonne with the storage of expected waits, `open`, and
    `exact`: what haulage costs does not depend on the rest of the leg. Dated: `gating`, `begins` (minutes of the
    horizon at which it may leave) and `latest`, the last minute of arrival.
    """

    scene: Scene
    shipment: Shipment
    options: RouteOptions
    k: int
    goods: Goods
    cost: ArcCost
    rates: DwellRates
    usd: Float
    exact: Bool
    open: Bool
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    gating: Gating | None = None
    begins: Float | None = None
    latest: float = np.inf

    @property
    def columns(self) -> tuple[str, ...]:
        """The objectives of the search in order: time comes first, whether it is asked for or not."""
        return ("time", *(name for name in self.options.objectives if name != "time"))

    @property
    def free(self) -> bool:
        """Whether it is ready on one date: to leave later costs nothing, and time counts from there."""
        return self.shipment.ready is not None and self.shipment.window_days == 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Net:
    """The search graph of a query: `arcs` of the model's graph in its order; `start` and `goal` are nodes of it."""

    graph: SearchGraph
    arcs: Arcs
    start: int
    goal: int


def priced(
    scene: Scene, goods: Goods, shipment: Shipment, options: RouteOptions
) -> tuple[ArcCost, DwellRates, Float, Bool]:
    """Return what a shipment pays on every arc, what waiting costs, USD per tonne with expected storage, and open."""
    cost = shipment_costs(goods.prices, shipment.tonnes, usd_year=options.usd_year)
    rates = dwell_rates(goods.prices, shipment.tonnes, usd_year=options.usd_year)
    waits = np.where(scene.told, 0.0, scene.model.graph.wait_hours)
    open_ = cost.open
    if shipment.unit is not None:
        open_ = open_ & stays_in(scene, shipment.unit)
    return cost, rates, cost.money + storage(rates, waits), open_


def storage(rates: DwellRates, hours: Float) -> Float:
    """Return USD per tonne for waiting some hours before each arc, by the first rate of each charge."""
    over = np.maximum(hours - rates.free_hours, 0.0)
    step = np.where(rates.step_hours > 0.0, rates.step_hours, 1.0)
    over = np.where(rates.step_hours > 0.0, np.ceil(over / step - 1e-9) * step, over)
    return over * rates.usd_per_tonne_hour


def stays_in(scene: Scene, unit: str) -> Bool:
    """Return the arcs on which goods may stay in a carrying unit; wagons change their track gauge."""
    units, graph = scene.model.case.carrying_units, scene.model.graph
    gauged = units["track_gauge_mm"].notna()
    family = gauged if bool(gauged[unit]) else units.index == unit
    named = np.append(np.asarray(family, np.bool_), True)
    return np.asarray(named[graph.unit[graph.tail]] & named[graph.unit[graph.head]] & named[graph.arc_unit], np.bool_)


def net_of(query: Query) -> Net:
    """Build the search graph: what is open within the network, loading at the starts and unloading at the ends."""
    scene, graph = query.scene, query.scene.model.graph
    n = graph.n_nodes
    inner = np.flatnonzero(scene.inner & query.open)
    loads = np.flatnonzero(query.open & (graph.kind == ArcKind.LOAD) & np.isin(
        graph.tail, graph.source_of_node[query.starts]))  # fmt: skip
    unloads = np.flatnonzero(query.open & (graph.kind == ArcKind.UNLOAD) & np.isin(
        graph.head, graph.sink_of_node[query.ends]))  # fmt: skip
    arcs = np.concatenate((inner, loads, unloads)).astype(np.int32)
    tail, head = graph.tail[arcs].copy(), graph.head[arcs].copy()
    tail[inner.size : inner.size + loads.size] = n
    head[inner.size + loads.size :] = n + 1
    values = {"time": scene.minutes, "cost": query.usd, "co2e": scene.kg,
              "risk": scene.variance, "handlings": scene.transfers}  # fmt: skip
    costs = np.stack([values[name][arcs] for name in query.columns], axis=1)
    return Net(search_graph(n + 2, tail, head, costs), arcs, n, n + 1)


def gates_of(query: Query, net: Net) -> Gates:
    """Return the gates of a dated query; without a gating no arc has one."""
    k, gating = net.graph.n_objectives, query.gating
    if gating is None:
        none = np.zeros(0)
        shape = np.zeros((0, k))
        return Gates(np.full(net.arcs.size, -1, np.int32), np.zeros(1, np.int64), none, none, shape, shape, none, none)
    n = gating.first_arc.size
    rate = np.zeros((n, k))
    if "cost" in query.columns:
        rate[:, query.columns.index("cost")] = query.rates.usd_per_tonne_hour[gating.first_arc] / MINUTES
    return Gates(
        gate=gating.gate[net.arcs],
        start=gating.start,
        last=gating.last,
        leave=gating.leave,
        extra=np.zeros((0, k)),
        rate=rate,
        free=MINUTES * query.rates.free_hours[gating.first_arc],
        step=np.where(gating.fixed, MINUTES * query.rates.step_hours[gating.first_arc], 0.0),
    )


def budget_of(query: Query) -> Float:
    """Return the most of each objective, in the units of the search."""
    given = query.options.budget
    most = np.full(len(query.columns), GREATEST)
    for j, name in enumerate(query.columns):
        if name in given and name != "time":
            most[j] = given[name] ** 2 if name == "risk" else given[name]
    most[0] = min(GREATEST, query.latest)
    return most


def exact_usd(query: Query, arcs: Arcs, waits: Float) -> float:
    """Return what a path costs, USD per tonne, with steps over whole legs and every rate of waiting."""
    prices, tonnes, year = query.goods.prices, query.shipment.tonnes, query.options.usd_year
    if not query.exact[arcs].all():
        return money(prices, arcs, tonnes, dwell_hours=waits, usd_year=year) / tonnes
    usd = float(query.cost.money[arcs].sum())
    if prices.waits_at:
        units, graph = prices.units(tonnes), query.scene.model.graph
        for arc, hours in zip(arcs.tolist(), waits.tolist(), strict=True):
            for charge in prices.waits_at.get(arc, ()) if hours > 0.0 else ():
                paid = charge.usd(hours, tonnes, float(units[graph.unit[graph.tail[arc]]]))
                usd += paid * float(prices.index.factors(np.array([charge.price_year]), year)[0]) / tonnes
    return usd


def cheapest_path(query: Query, weight: Float, closed: Bool | None = None) -> Arcs | None:
    """Return the arcs of the path of least weight over all starts and ends, or None."""
    graph = query.scene.model.graph
    open_ = query.open if closed is None else query.open & ~closed
    out_start, out_arc = query.scene.by_tail
    best, path = np.inf, None
    sinks = graph.sink_of_node[query.ends].tolist()
    for source in graph.source_of_node[query.starts].tolist():
        distance, arrival = shortest_tree(out_start, out_arc, graph.head, weight, open_, source)
        sink = min(sinks, key=lambda s: float(distance[s]))
        if distance[sink] < best:
            best, path = float(distance[sink]), trace_back(arrival, graph.tail, sink)
    return path


def generalized(query: Query) -> Float:
    """Return generalized cost by arc, USD per tonne: money, storage of expected waits, time, and what is calibrated."""
    return np.maximum(query.usd + query.cost.time + query.cost.constant, 0.0)
