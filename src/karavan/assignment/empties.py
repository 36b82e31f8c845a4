"""Empties: every container, wagon, trailer and hold that is unloaded somewhere is loaded next.

Where more units of a kind are unloaded than loaded, they go on empty to where it is the other way round, at least cost,
over the same network and within what loaded flows leave of the same capacity rows (min-cost flow with shared capacity:
one linear programme for all kinds together). Its duals are the worth of an empty unit at a place; the difference
between two places is what a loaded move between them adds to, or takes off, the cost of empties.

The capacity rows of an assignment already hold returning empties (`empty_return_share`), by a fixed share and the same
way back. Here that share is taken out first, and the empties that are really needed put in: never both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from karavan.cost.tariffs import unit_tonnes
from karavan.errors import SolverError
from karavan.network.graph import ArcKind
from karavan.units import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from karavan.assignment.assignment import Assignment
    from karavan.model import Model

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]

SMALL = 1e-6  # of the largest surplus, or of one unit: less is the solver's tolerance
MOVING = (ArcKind.HAUL, ArcKind.BORDER, ArcKind.WAIT, ArcKind.RUN)


@dataclass(frozen=True, slots=True, eq=False)
class Loads:
    """Loaded moves of every unit: one row a stretch of a path in one unit, from the hub it is loaded at.

    Arrays (n_stretches,): `path`, `unit`, `start` and `end` graph nodes, `units` a year, `tonnes` in a loaded unit.
    """

    path: Int
    unit: Int
    start: Int
    end: Int
    units: Float
    tonnes: Float


@dataclass(frozen=True, slots=True, eq=False)
class EmptyNetwork:
    """What empties may move over: arcs by number, what they cost (USD or, not priced, kilometres), rows they use.

    `priced` (n_units,): whether moving an empty of the unit has a price. `use`: (n_rows, n_arcs) own units of each
    capacity row per empty unit; `left` (n_rows,): what loaded flows leave of each row; `reserved`: what the assignment
    held for returning empties.
    """

    arc: Int
    cost: Float
    priced: NDArray[np.bool_]
    use: sparse.csr_matrix
    left: Float
    reserved: Float


@dataclass(frozen=True, slots=True, eq=False)
class EmptyFlows:
    """Least-cost flows of empties.

    `flow` (n_arcs of the network,) units; `worth` (n_graph_nodes,) USD that one more empty there would cost (negative:
    save); `row_price` (n_rows,) USD per own unit; `stranded`, `short` (n_graph_nodes,): units that cannot get away, or
    be had; `no_way` (n_graph_nodes,): those of them for which there would be none with room everywhere either.
    """

    flow: Float
    worth: Float
    row_price: Float
    stranded: Float
    short: Float
    no_way: Float
    cost: float


def loaded_moves(assignment: Assignment) -> Loads:
    """Return the stretches that goods travel in one unit: a transfer to another unit ends one and begins the next."""
    graph, s = assignment.model.graph, assignment.solution
    case = assignment.model.case
    tonnes = np.array([unit_tonnes(case.carrying_units, f) for f in case.commodities["load_factor"].astype(float)])
    rows: list[tuple[int, int, int, int, float, float]] = []
    for path, k in enumerate(assignment.path_commodity.tolist()):
        start = -1
        for a in assignment.path_arcs(path).tolist():
            tail, head = int(graph.tail[a]), int(graph.head[a])
            changes = graph.kind[a] == ArcKind.TRANSFER and graph.unit[tail] != graph.unit[head]
            if (graph.kind[a] == ArcKind.UNLOAD or changes) and start >= 0:
                unit = int(graph.unit[tail])
                load = float(tonnes[k, unit])
                rows.append((path, unit, start, tail, float(s.path_tonnes[path]) / load, load))
            if graph.kind[a] == ArcKind.LOAD or changes:
                start = head
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    whole = table[:, :4].astype(np.int32).T
    return Loads(whole[0], whole[1], whole[2], whole[3], table[:, 4].copy(), table[:, 5].copy())


def empty_network(assignment: Assignment, share: Float) -> EmptyNetwork:
    """Return the arcs that empties may use, with costs and capacity. `share`: see `equipment`; NaN: not known."""
    model = assignment.model
    graph = model.graph
    moving = np.isin(graph.kind, MOVING) & (graph.arc_unit >= 0)
    stays = (graph.kind == ArcKind.TRANSFER) & (graph.unit[graph.tail] == graph.unit[graph.head])
    arc = np.flatnonzero((moving | stays) & model.open.any(axis=0)).astype(np.int32)
    unit = graph.unit[graph.tail[arc]]
    priced = np.isfinite(share)
    usd = _least_price(model)[arc] * np.where(priced, share, 0.0)[unit]
    cost = np.where(priced[unit], usd, graph.km[arc] + 1e-3 * graph.hours[arc])
    use, left, reserved = _room(assignment, arc)
    return EmptyNetwork(arc, cost, priced, use, left, reserved)


def _least_price(model: Model) -> Float:
    """Return the least money that a loaded unit pays on each arc, USD a unit: by the goods that pay least."""
    case, graph = model.case, model.graph
    least = np.full(graph.n_arcs, np.inf)
    unit = np.maximum(graph.unit[graph.tail], 0)
    for k, factor in enumerate(case.commodities["load_factor"].astype(float)):
        paid = model.costs[k].money * unit_tonnes(case.carrying_units, factor)[unit]
        least = np.minimum(least, np.where(model.open[k], paid, np.inf))
    return np.where(np.isfinite(least), least, 0.0)


def _room(assignment: Assignment, arcs: Int) -> tuple[sparse.csr_matrix, Float, Float]:
    """Return what an empty uses of each capacity row on each arc, what loaded flows leave, and what was reserved."""
    model = assignment.model
    capacity, graph = model.capacity, model.graph
    arc = np.repeat(np.arange(graph.n_arcs), np.diff(capacity.indptr))
    returns = np.append(model.case.carrying_units["empty_return_share"].fillna(0.0).to_numpy(), 0.0)
    both = np.array([d == "both" for d in capacity.direction], dtype=bool)
    part = np.where(both[capacity.row], 1.0 / (1.0 + returns[graph.arc_unit[arc]]), 1.0)
    load = np.where(capacity.loaded, capacity.units * np.where(capacity.by_tonne, 1.0, part), 0.0)
    used = np.zeros(capacity.n_rows)
    names = list(model.case.commodities.index)
    goods = capacity.goods
    for k in np.unique(assignment.arc_goods["commodity"]).tolist():
        mine = assignment.arc_goods[assignment.arc_goods["commodity"] == k]
        tonnes = np.bincount(mine["arc"], weights=mine["tonnes"], minlength=graph.n_arcs)
        units = np.zeros(graph.n_arcs)
        at = mine["arc"].to_numpy()
        has = at[graph.arc_unit[at] >= 0]
        units[has] = tonnes[has] / assignment.loaded_units(has, np.full(has.size, k))
        takes = np.array([not g or names[k] in g for g in goods], dtype=bool)[capacity.facility[capacity.row]]
        amount = np.where(capacity.by_tonne, tonnes[arc], units[arc]) * load * takes
        np.add.at(used, capacity.row, amount)
    net = capacity.net / (MONTHS_PER_YEAR if assignment.month else 1.0)
    reserved = np.maximum(assignment.solution.row_use - used, 0.0)
    place = np.full(graph.n_arcs, -1)
    place[arcs] = np.arange(arcs.size)
    limited = np.array([bool(g) for g in goods], dtype=bool)[capacity.facility[capacity.row]]
    keep = (place[arc] >= 0) & capacity.loaded & ~capacity.by_tonne & ~limited
    use = sparse.csr_matrix((load[keep], (capacity.row[keep], place[arc[keep]])), shape=(capacity.n_rows, arcs.size))
    return use, np.maximum(net - used, 0.0), reserved


def empty_flows(model: Model, network: EmptyNetwork, supply: Float) -> EmptyFlows:
    """Find the cheapest flows of empties that balance the units at every hub.

    `supply` (n_graph_nodes,): units unloaded less units loaded. First as few units as can be stay behind or are
    missing, then the flows are the cheapest with so many.
    """
    graph = model.graph
    n_nodes, n = graph.n_nodes, network.arc.size
    column = np.arange(n)
    tail, head = graph.tail[network.arc], graph.head[network.arc]
    entries = (np.append(np.ones(n), -np.ones(n)), (np.append(tail, head), np.append(column, column)))
    balance = sparse.csr_matrix(entries, shape=(n_nodes, n))
    scale = max(float(np.abs(supply).max(initial=0.0)), 1.0)
    at = np.flatnonzero(np.abs(supply) > SMALL)
    slack = sparse.csr_matrix((np.sign(supply[at]), (at, np.arange(at.size))), shape=(n_nodes, at.size))
    rows = np.flatnonzero(np.diff(network.use.indptr))
    equal = sparse.hstack([balance, slack], format="csr")
    room = sparse.hstack([network.use[rows], sparse.csr_matrix((rows.size, at.size))], format="csr")
    fewest = _solve(np.append(np.zeros(n), np.ones(at.size)), equal, supply / scale, room,
                    network.left[rows] / scale, np.zeros(at.size), np.abs(supply[at]) / scale)  # fmt: skip
    anyway = _solve(np.append(np.zeros(n), np.ones(at.size)), equal, supply / scale, room[:0], network.left[:0],
                    np.zeros(at.size), np.abs(supply[at]) / scale)  # fmt: skip
    left = np.where(fewest.x[n:] > SMALL, fewest.x[n:], 0.0)
    cheapest = _solve(np.append(network.cost, np.zeros(at.size)), equal, supply / scale, room,
                      network.left[rows] / scale, left, left + 0.5 * SMALL)  # fmt: skip
    stay, no_way = np.zeros(n_nodes), np.zeros(n_nodes)
    stay[at], no_way[at] = cheapest.x[n:] * scale, anyway.x[n:] * scale
    row_price = np.zeros(network.left.size)
    row_price[rows] = np.maximum(-cheapest.ineqlin.marginals, 0.0)
    flow = np.where(cheapest.x[:n] > SMALL, cheapest.x[:n] * scale, 0.0)
    stay[stay <= SMALL * scale] = 0.0
    return EmptyFlows(
        flow=flow,
        worth=_grounded(cheapest.eqlin.marginals, balance, n_nodes),
        row_price=row_price,
        stranded=np.where(supply > 0, stay, 0.0),
        short=np.where(supply < 0, stay, 0.0),
        no_way=np.where(no_way > SMALL * scale, no_way, 0.0),
        cost=float(network.cost @ flow),
    )


def _solve(
    cost: Float, equal: sparse.csr_matrix, supply: Float, room: sparse.csr_matrix, left: Float, low: Float, high: Float
) -> Any:
    n = cost.size - low.size
    bounds = np.column_stack([np.append(np.zeros(n), low), np.append(np.full(n, np.inf), high)])
    limits: dict[str, Any] = {"A_ub": room, "b_ub": left} if room.shape[0] else {}
    found: Any = linprog(cost, A_eq=equal, b_eq=supply, bounds=bounds, method="highs", **limits)  # type: ignore[call-overload]
    if found.status != 0:
        message = f"the flows of empty units were not found: {found.message}"
        raise SolverError(message)
    if not limits:
        found.ineqlin.marginals = np.zeros(0)
    return found


def _grounded(worth: Float, balance: sparse.csr_matrix, n_nodes: int) -> Float:
    """Return the worth of an empty with the least of each connected part at nil; only differences have a meaning."""
    _, part = connected_components(abs(balance) @ abs(balance.T), directed=False)
    least = np.full(n_nodes, np.inf)
    np.minimum.at(least, part, worth)
    return np.asarray(worth - least[part], dtype=np.float64)


def parts(network: EmptyNetwork, model: Model) -> Int:
    """Return the connected part of the network of empties that each graph node is in."""
    graph = model.graph
    ones = np.ones(network.arc.size)
    pairs = sparse.csr_matrix((ones, (graph.tail[network.arc], graph.head[network.arc])), shape=(graph.n_nodes,) * 2)
    return np.asarray(connected_components(pairs, directed=False)[1], dtype=np.int32)


def decomposed(
    model: Model, network: EmptyNetwork, flows: EmptyFlows, supply: Float
) -> list[tuple[int, int, float, float, float]]:
    """Take the flows of empties apart into lanes: (graph node from, to, units, kilometres, cost of one unit)."""
    graph = model.graph
    left = flows.flow.copy()
    out = defaultdict(list)
    for i, a in enumerate(network.arc.tolist()):
        if left[i] > SMALL:
            out[int(graph.tail[a])].append(i)
    surplus = np.maximum(supply - flows.stranded, 0.0)
    wanted = np.maximum(-supply - flows.short, 0.0)
    lanes: list[tuple[int, int, float, float, float]] = []
    for source in np.flatnonzero(surplus > SMALL).tolist():
        while surplus[source] > SMALL:
            walk = _walk(source, graph.head[network.arc], out, left, wanted)
            if walk is None:
                break
            arcs, target = walk
            units = min(float(surplus[source]), float(wanted[target]), float(left[arcs].min()))
            left[arcs] -= units
            surplus[source] -= units
            wanted[target] -= units
            lanes.append((source, target, units, float(graph.km[network.arc[arcs]].sum()),
                          float(network.cost[arcs].sum())))  # fmt: skip
    return lanes


def _walk(
    source: int, head: Int, out: Mapping[int, list[int]], left: Float, wanted: Float
) -> tuple[list[int], int] | None:
    """Return a chain of arcs with flow from a surplus to a place that wants units; None where rounding broke it."""
    before: dict[int, int] = {source: -1}
    todo = [source]
    tail_of: dict[int, int] = {}
    while todo:
        v = todo.pop()
        if wanted[v] > SMALL and v != source:
            arcs: list[int] = []
            at = v
            while before[at] >= 0:
                arcs.append(before[at])
                at = tail_of[before[at]]
            return arcs[::-1], v
        for i in out.get(v, ()):
            w = int(head[i])
            if left[i] > SMALL and w not in before:
                before[w], tail_of[i] = i, v
                todo.append(w)
    return None

