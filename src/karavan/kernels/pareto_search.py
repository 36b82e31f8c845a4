"""Front door of the Pareto kernels: arrays in, arrays out.

`static_paths` finds the Pareto-good paths of a graph with fixed costs, `timed_paths` those of a graph whose arcs may
have timetables and opening hours. Two to five objectives, all at least zero; resolution 0 is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.kernels import pareto, pareto_timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]
    Bool = NDArray[np.bool_]

GREATEST = float(np.finfo(np.float64).max)
LABELS_AT_MOST = 20_000_000

# which arrays a search wants longer, and what their new part holds
_MORE_STATIC = {
    pareto.NODES: ("original", "arc_range", "last", "front", "pool"),
    pareto.ARCS: ("head", "standing", "cost", "waiting", "seen", "chain_start", "keys", "arcs"),
    pareto.CHAIN: ("chain",),
    pareto.LABELS: ("vector", "link"),
    pareto.POOL: ("pool",),
    pareto.ENDS: ("ends",),
}
_MORE_TIMED = {
    pareto_timed.LABELS: ("vector", "apex", "link"),
    pareto_timed.POOL: ("pool",),
    pareto_timed.ENDS: ("ends",),
    pareto_timed.QUEUE: ("keys", "queue"),
}
_FILL = {"arc_range": -1, "last": -1, "front": 0, "standing": -1, "pool": np.inf}


@dataclass(frozen=True, slots=True, eq=False)
class SearchGraph:
    """Arcs by tail and by head. Build it with `search_graph`.

    Attributes
    ----------
    out_start, out_head, out_cost, out_arc
        Arcs out of v are places `out_start[v]` to `out_start[v + 1]`: their heads, costs (n_arcs, n_objectives) and
        positions among the arcs given.
    in_start, in_tail, in_head, in_cost, in_place
        The same by head; `in_place`: place among the arcs by tail.
    """

    out_start: Long
    out_head: Int
    out_cost: Float
    out_arc: Int
    in_start: Long
    in_tail: Int
    in_head: Int
    in_cost: Float
    in_place: Int

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.out_start.size - 1

    @property
    def n_objectives(self) -> int:
        """Number of objectives."""
        return int(self.out_cost.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Gates:
    """Timetables and opening hours of arcs, in minutes of a horizon. Build it with `make_gates`.

    Attributes
    ----------
    gate
        (n_arcs,), by the arcs given: gate of each arc, -1: none.
    start
        (n_gates + 1,): events of gate g are `start[g]` to `start[g + 1]`, in order of time.
    last, leave
        (n_events,): latest arrival to use the event, and earliest time to go on.
    extra
        (n_events, n_objectives), or (0, n_objectives): minutes and costs of this event on top of the arc's.
    rate, free, step
        (n_gates, n_objectives) per minute of waiting beyond `free` (n_gates,) minutes, column 0 not used; charged by
        started `step` (n_gates,) minutes, 0: by the minute. Only departures are charged by steps.
    """

    gate: Int
    start: Long
    last: Float
    leave: Float
    extra: Float
    rate: Float
    free: Float
    step: Float

    @property
    def n_gates(self) -> int:
        """Number of gates."""
        return self.start.size - 1


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Paths in lexicographic order of their `vector` (n_paths, n_objectives).

    Arcs of path i, in travel order: `arc[start[i]:start[i + 1]]`. Not `complete`: the limit of labels was met, and
    all paths with a first objective below `reached` are there.
    """

    vector: Float
    start: Long
    arc: Int
    complete: bool
    reached: float
    n_labels: int


@dataclass(frozen=True, slots=True, eq=False)
class Journeys:
    """Journeys, start by start (latest first), each in lexicographic order of `vector` (n_journeys, n_objectives).

    Column 0 is the time of arrival, `begin` (n_journeys,) the start's. Arcs `arc[start[i]:start[i + 1]]`, with the
    `event` of each (-1: the arc has no gate) and the `time` of arrival at its head. `guarantee`: for every journey
    that keeps to the budgets divided by 1 + resolution there is one here with the same or a later start that is worse
    by no more than this part in any objective (time as duration from the start); None: nothing is promised.
    Not `complete`: all journeys of later starts are there, and of the start in hand those below `reached`.
    """

    vector: Float
    begin: Float
    start: Long
    arc: Int
    event: Int
    time: Float
    guarantee: float | None
    complete: bool
    reached: float
    n_labels: int


def search_graph(n_nodes: int, tail: ArrayLike, head: ArrayLike, cost: ArrayLike) -> SearchGraph:
    """Sort arcs by tail and by head.

    Parameters
    ----------
    n_nodes
        Number of nodes.
    tail, head
        (n_arcs,) nodes.
    cost
        (n_arcs, n_objectives), 2 to 5 objectives, finite and at least zero. Leave closed arcs out.

    Raises
    ------
    ValueError
        With every fault found.
    """
    tails, heads = np.asarray(tail, np.int64), np.asarray(head, np.int64)
    costs = np.asarray(cost, np.float64)
    faults = []
    if costs.ndim != 2 or not 2 <= costs.shape[1] <= 5:
        faults.append(f"cost has shape {costs.shape}, not (n_arcs, 2 to 5)")
    elif not tails.shape == heads.shape == costs.shape[:1]:
        faults.append(f"tail {tails.shape}, head {heads.shape} and cost {costs.shape} differ in length")
    if not np.isfinite(costs).all() or (costs < 0).any():
        faults.append("cost has a value that is negative or not finite")
    if any(nodes.size and (nodes.min() < 0 or nodes.max() >= n_nodes) for nodes in (tails, heads)):
        faults.append(f"a node is outside 0 to {n_nodes - 1}")
    if faults:
        raise ValueError("search graph: " + "; ".join(faults))
    by_tail, by_head = np.argsort(tails, kind="stable"), np.argsort(heads, kind="stable")
    nodes = np.arange(n_nodes + 1)
    place = np.empty(tails.size, np.int32)
    place[by_tail] = np.arange(tails.size, dtype=np.int32)
    return SearchGraph(
        out_start=np.searchsorted(tails[by_tail], nodes),
        out_head=heads[by_tail].astype(np.int32),
        out_cost=np.ascontiguousarray(costs[by_tail]),
        out_arc=by_tail.astype(np.int32),
        in_start=np.searchsorted(heads[by_head], nodes),
        in_tail=tails[by_head].astype(np.int32),
        in_head=heads[by_head].astype(np.int32),
        in_cost=np.ascontiguousarray(costs[by_head]),
        in_place=place[by_head],
    )


def make_gates(
    gate: ArrayLike,
    events: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    n_objectives: int,
    extra: Sequence[ArrayLike] | None = None,
    rate: ArrayLike | None = None,
    free: ArrayLike | None = None,
    step: ArrayLike | None = None,
) -> Gates:
    """Check gates and bring them to their dtype; see `Gates`.

    `events`: `last` and `leave` of each gate, in order of time.

    Raises
    ------
    ValueError
        With every fault found.
    """
    n = len(events)
    last = [np.asarray(a, np.float64) for a, _ in events]
    leave = [np.asarray(b, np.float64) for _, b in events]
    none = [np.zeros(0)]
    gates = Gates(
        gate=np.asarray(gate, np.int32),
        start=np.concatenate(([0], np.cumsum([a.size for a in last]))).astype(np.int64),
        last=np.concatenate(last or none),
        leave=np.concatenate(leave or none),
        extra=np.concatenate([np.zeros((0, n_objectives)), *(np.asarray(x, np.float64) for x in extra or ())]),
        rate=np.zeros((n, n_objectives)) if rate is None else np.asarray(rate, np.float64),
        free=np.zeros(n) if free is None else np.asarray(free, np.float64),
        step=np.zeros(n) if step is None else np.asarray(step, np.float64),
    )
    faults = [
        f"gate {g} has events out of order"
        for g in range(n)
        if last[g].shape != leave[g].shape or (np.diff(last[g]) < 0).any() or (np.diff(leave[g]) < 0).any()
    ]
    if gates.gate.size and not -1 <= gates.gate.min() <= gates.gate.max() < n:
        faults.append(f"a gate is outside -1 to {n - 1}")
    if gates.extra.shape[0] not in {0, gates.last.size}:
        faults.append(f"extra has {gates.extra.shape[0]} events, not {gates.last.size}")
    if gates.rate.shape != (n, n_objectives) or gates.free.shape != (n,) or gates.step.shape != (n,):
        faults.append(
            f"rate {gates.rate.shape}, free {gates.free.shape} or step {gates.step.shape} do not fit {n} gates"
        )
    elif (gates.step[~_fixed(gates)] > 0).any():
        faults.append("opening hours are charged by steps: only departures can be")
    for name in ("extra", "rate", "free", "step"):
        values = getattr(gates, name)
        if not np.isfinite(values).all() or (values < 0).any():
            faults.append(f"{name} has a value that is negative or not finite")
    if faults:
        raise ValueError("gates: " + "; ".join(faults))
    return gates


def static_paths(
    graph: SearchGraph,
    start: int,
    goal: int,
    *,
    resolution: float = 0.0,
    budget: ArrayLike | None = None,
    limit: int = LABELS_AT_MOST,
) -> Paths:
    """Return the Pareto-good paths from a node to another, one for each vector of costs.

    Parameters
    ----------
    graph
        See `search_graph`.
    start, goal
        Nodes.
    resolution
        A label is dropped where one before it at its node is, by the lower bounds of whole paths, worse by no more than
        this part in any objective. 0: exact. The errors of several nodes add up, so it is no guarantee.
    budget
        (n_objectives,): a path may cost at most this.
    limit
        Labels at most; see `Paths`.

    Raises
    ------
    ValueError
        With every fault found: nodes, resolution, budget.
    """
    _check(graph, start, goal, resolution)
    most = _budget(graph, budget)
    if graph.n_objectives == 2:
        bound, most = pareto.lower_bounds_of_two(
            graph.in_start, graph.in_tail, graph.in_head, graph.in_cost, start, goal, most
        )
    else:
        bound = pareto.lower_bounds(graph.in_start, graph.in_tail, graph.in_cost, goal, most)
    room = _static_room(graph, start, bound)
    state = np.zeros(7, np.int64)
    state[[pareto.N_NODES, pareto.N_ARCS]] = 1
    state[pareto.SIZE] = bool((bound[:, start] <= most).all())
    state[pareto.END] = 0 if start == goal else -1
    fixed = (
        graph.out_start,
        graph.out_head,
        graph.out_cost,
        bound,
        goal,
        tuple(most.tolist()),
        1.0 + resolution,
        limit,
    )
    while (status := int(pareto.make_permanent(*fixed, state, *room.values()))) > pareto.LABEL_LIMIT:
        _enlarge(room, _MORE_STATIC[status], by_node=graph.n_objectives == 2)
    path_start, place = pareto.label_paths(
        room["ends"][: state[pareto.N_ENDS]], room["link"], room["chain_start"], room["chain"]
    )
    return Paths(
        vector=pareto.path_vectors(path_start, place, graph.out_cost),
        start=path_start,
        arc=graph.out_arc[place],
        complete=status == pareto.COMPLETE,
        reached=float(room["keys"][0, 0]) if status else np.inf,
        n_labels=int(state[pareto.N_LABELS]),
    )


def timed_paths(
    graph: SearchGraph,
    gates: Gates,
    start: int,
    goal: int,
    *,
    begin: ArrayLike,
    resolution: float = 0.05,
    certified: bool = False,
    budget: ArrayLike | None = None,
    limit: int = LABELS_AT_MOST,
) -> Journeys:
    """Return the Pareto-good journeys that start at one of some times; the first objective is the time of arrival.

    Parameters
    ----------
    graph
        See `search_graph`; column 0 of its cost is minutes.
    gates
        See `make_gates`, of the same arcs.
    start, goal
        Nodes.
    begin
        Times of start, minutes of the horizon. A journey is left out if one that starts no earlier is as good.
    resolution
        As in `static_paths`, not for time.
    certified
        Merge labels instead of dropping them, so that the resolution is a guarantee; see `Journeys`.
    budget
        (n_objectives,): latest arrival, and how much a journey may cost.
    limit
        Labels at most.

    Raises
    ------
    ValueError
        With every fault found: nodes, resolution, budget, begin, gates.
    """
    starts = -np.unique(-np.asarray(begin, np.float64).ravel())
    _check(graph, start, goal, resolution, starts)
    if gates.gate.shape != graph.out_arc.shape:
        message = f"gates are for {gates.gate.size} arcs, the graph has {graph.out_arc.size}"
        raise ValueError(message)
    query = _timed_query(graph, gates, start, goal, starts, _budget(graph, budget))
    first = _timed_search(graph, query, resolution=resolution, certified=False, limit=limit, known=None)
    if not certified or not first.complete:
        return first
    return _timed_search(graph, query, resolution=resolution, certified=True, limit=limit, known=first)


@dataclass(frozen=True, slots=True, eq=False)
class _Query:
    """What `pareto_timed.search_journeys` reads and does not change, in its order, without the options."""

    out_gate: Int
    gates: Gates
    scan: Int
    bound: Float
    ahead: Float
    most: Long
    start: int
    goal: int
    starts: Float
    budget: Float


def _timed_query(graph: SearchGraph, gates: Gates, start: int, goal: int, starts: Float, budget: Float) -> _Query:
    remaining = budget.copy()
    remaining[0] = budget[0] - starts.min() if budget[0] < GREATEST else GREATEST
    bound = pareto.lower_bounds(graph.in_start, graph.in_tail, graph.in_cost, goal, remaining)
    out_gate = gates.gate[graph.out_arc]
    ahead = pareto_timed.rates_ahead(
        graph.in_start, graph.in_tail, out_gate[graph.in_place], gates.rate, gates.step, _fixed(gates)
    )
    ahead[goal] = 0.0
    scan = departures_to_scan(graph, gates, ahead)
    offers = np.ones(graph.out_head.size, np.int64)
    gated = out_gate >= 0
    size = np.diff(gates.start)
    offers[gated] = np.where(scan > 0, np.minimum(scan, size), size)[out_gate[gated]]
    most = np.diff(np.concatenate(([0], np.cumsum(offers)))[graph.out_start])
    return _Query(out_gate, gates, scan, bound, ahead, most, start, goal, starts, budget)


def departures_to_scan(graph: SearchGraph, gates: Gates, ahead: Float) -> Int:
    """Return how many events from the next on a label must look at, by gate; 0: all.

    The next is enough for opening hours, and for departures where all are alike and being early costs nothing: neither
    here nor from the head of the arc on (`ahead`, see `pareto_timed.rates_ahead`).
    """
    charged = (gates.rate > 0).any(axis=1)
    later = np.zeros(gates.n_gates, np.bool_)
    out_gate = gates.gate[graph.out_arc]
    gated = out_gate >= 0
    np.logical_or.at(later, out_gate[gated], (ahead[graph.out_head[gated], 1:] > 0).any(axis=1))
    differ = np.zeros(gates.n_gates, np.bool_)
    if gates.extra.size:
        for g in range(gates.n_gates):
            rows = gates.extra[gates.start[g] : gates.start[g + 1]]
            differ[g] = (rows != rows[:1]).any()
    all_of_them = _fixed(gates) & (charged | later | differ)
    return np.where(all_of_them, 0, 1).astype(np.int32)


def _timed_search(
    graph: SearchGraph, query: _Query, *, resolution: float, certified: bool, limit: int, known: Journeys | None
) -> Journeys:
    gates = query.gates
    room = _timed_room(graph, query, certified=certified, known=known)
    state = np.zeros(6, np.int64)
    state[pareto_timed.ALL_STARTS] = query.starts.size
    if known is not None:
        state[pareto_timed.USED] = known.vector.shape[0]
    worst = np.ones(1)
    fixed = (
        graph.out_start, graph.out_head, graph.out_cost, query.out_gate, gates.start, gates.last, gates.leave,
        gates.extra, gates.rate, gates.free, gates.step, query.scan, query.bound, query.ahead, query.most, query.start,
        query.goal, query.starts, query.budget, resolution, certified, limit, state, worst,
    )  # fmt: skip
    while (status := int(pareto_timed.search_journeys(*fixed, *room.values()))) > pareto_timed.LABEL_LIMIT:
        _enlarge(room, _MORE_TIMED[status], by_node=False)
        if not certified:
            room["apex"] = room["apex"][:1]
    ends = room["ends"][: state[pareto_timed.N_ENDS]]
    path_start, place, event, time, begin = pareto_timed.journeys(ends, room["link"], room["vector"])
    complete = status == pareto_timed.COMPLETE
    found = Journeys(
        vector=room["vector"][ends],
        begin=begin,
        start=path_start,
        arc=graph.out_arc[place],
        event=event,
        time=time,
        guarantee=float(worst[0] - 1.0) if complete and (certified or resolution == 0.0) else None,
        complete=complete,
        reached=float(room["keys"][0, 0]) if status else np.inf,
        n_labels=int(state[pareto_timed.N_LABELS]),
    )
    return found if known is None else _joined(known, found)


def _joined(known: Journeys, found: Journeys) -> Journeys:
    """Return the journeys of two searches without those that another is as good as."""
    vector, begin = np.concatenate((known.vector, found.vector)), np.concatenate((known.begin, found.begin))
    order = np.lexsort((*vector.T[::-1], -begin))
    kept: list[int] = []
    for i in order.tolist():
        if not (vector[kept] <= vector[i]).all(axis=1).any():
            kept.append(i)
    lengths = np.concatenate((np.diff(known.start), np.diff(found.start)))
    first = np.concatenate((known.start[:-1], found.start[:-1] + known.arc.size))
    steps = np.concatenate([np.arange(first[i], first[i] + lengths[i]) for i in kept] or [np.zeros(0, np.int64)])
    return Journeys(
        vector=vector[kept],
        begin=begin[kept],
        start=np.concatenate(([0], np.cumsum(lengths[kept]))).astype(np.int64),
        arc=np.concatenate((known.arc, found.arc))[steps],
        event=np.concatenate((known.event, found.event))[steps],
        time=np.concatenate((known.time, found.time))[steps],
        guarantee=found.guarantee,
        complete=found.complete,
        reached=found.reached,
        n_labels=known.n_labels + found.n_labels,
    )


def _check(graph: SearchGraph, start: int, goal: int, resolution: float, begin: Float | None = None) -> None:
    faults = [f"{v} is not a node, 0 to {graph.n_nodes - 1}" for v in (start, goal) if not 0 <= v < graph.n_nodes]
    if not 0 <= resolution < np.inf:
        faults.append(f"resolution {resolution} is negative or not finite")
    if begin is not None and not (begin.size and np.isfinite(begin).all()):
        faults.append("begin has no time, or one that is not finite")
    if faults:
        raise ValueError("search: " + "; ".join(faults))


def _budget(graph: SearchGraph, budget: ArrayLike | None) -> Float:
    k = graph.n_objectives
    given = np.full(k, GREATEST) if budget is None else np.minimum(np.asarray(budget, np.float64), GREATEST)
    if given.shape != (k,) or np.isnan(given).any():
        message = (
            f"budget has shape {given.shape} or missing values; one number an objective ({k}) is wanted, inf: none"
        )
        raise ValueError(message)
    return given


def _fixed(gates: Gates) -> Bool:
    """Tell of each gate whether all its events leave at a fixed time, no matter when one comes."""
    open_while = (gates.last > gates.leave).astype(np.int64)
    fixed: Bool = np.diff(np.concatenate(([0], np.cumsum(open_while)))[gates.start]) == 0
    return fixed


def _static_room(graph: SearchGraph, start: int, bound: Float) -> dict[str, NDArray[Any]]:
    """Return the arrays of `pareto.make_permanent`, in its order.

    number: place of a node among those met. By node met: original, arc_range, last (its last label), front and pool
    (frontiers). By arc met (0: the one by which the first label comes): head, standing (label that its candidate
    extends), cost, waiting (third and further objectives of the candidate), seen (what the candidate was checked
    against), chain_start and chain (arcs given that it stands for). keys and arcs: the queue. By label: vector, link
    (next label at the node, label before, arc). ends: labels at the goal.
    """
    k, nodes, arcs, labels = graph.n_objectives, 4096, 16384, 16384
    room: dict[str, NDArray[Any]] = {
        "number": np.full(graph.n_nodes, -1, np.int32),
        "original": np.empty(nodes, np.int32),
        "arc_range": np.full((nodes, 2), -1, np.int32),
        "last": np.full(nodes, -1, np.int32),
        "front": np.zeros((nodes, 3), np.int64),
        "pool": np.full((nodes, 1), np.inf) if k == 2 else np.empty((4 * nodes, k - 1)),
        "head": np.empty(arcs, np.int32),
        "standing": np.full(arcs, -1, np.int32),
        "cost": np.empty((arcs, k)),
        "waiting": np.empty((arcs, k - 2)),
        "seen": np.empty((arcs, 2), np.int32),
        "chain_start": np.empty(arcs, np.int64),
        "chain": np.empty(4 * arcs, np.int32),
        "keys": np.empty((arcs, 2)),
        "arcs": np.empty(arcs, np.int32),
        "vector": np.empty((labels, k)),
        "link": np.empty((labels, 3), np.int32),
        "ends": np.empty(256, np.int32),
    }
    room["number"][start] = 0
    room["original"][0] = start
    room["head"][0] = room["arcs"][0] = 0
    room["waiting"][0] = bound[2:, start]
    room["seen"][0] = (-1, 0)
    room["chain_start"][:2] = 0
    room["keys"][0] = bound[:2, start]
    return room


def _timed_room(
    graph: SearchGraph, query: _Query, *, certified: bool, known: Journeys | None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of `pareto_timed.search_journeys`, in its order."""
    k, rows = graph.n_objectives, 4096
    labels = max(rows, int(query.most.max(initial=0)) + 1)
    room: dict[str, NDArray[Any]] = {
        "front": np.zeros((graph.n_nodes, 3), np.int64),
        "open_first": np.full(graph.n_nodes if certified else 1, -1, np.int32),
        "pool": np.empty((rows, k)),
        "vector": np.empty((labels, k)),
        "apex": np.empty((labels if certified else 1, k)),
        "link": np.empty((labels, 6), np.int32),
        "keys": np.empty((labels, 2)),
        "queue": np.empty(labels, np.int32),
        "ends": np.empty(256, np.int32),
    }
    if known is not None:
        n = known.vector.shape[0]
        room["pool"] = np.concatenate((known.vector, room["pool"]))
        room["front"][query.goal] = (0, n, n)
    return room


def _enlarge(room: dict[str, NDArray[Any]], names: Sequence[str], *, by_node: bool) -> None:
    """Double arrays; `pool` belongs to the nodes only where each has one row."""
    for name in names:
        if name == "pool" and "last" in names and not by_node:
            continue
        old = room[name]
        new = np.empty((2 * old.shape[0], *old.shape[1:]), old.dtype)
        new[: old.shape[0]] = old
        if name in _FILL:
            new[old.shape[0] :] = _FILL[name]
        room[name] = new
