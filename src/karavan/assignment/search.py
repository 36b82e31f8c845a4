"""Cheapest paths of the demands of a problem at given prices of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from karavan.kernels import constrained, paths, shortest_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.problem import Problem

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]

# lower bounds towards destinations are kept up to this many numbers (8 bytes each); beyond, one plain search an origin
MAX_BOUNDS = 20_000_000
TIE_SHARE = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Paths of demands: arcs of path i are `arc[start[i]:start[i + 1]]`; `demand` counts as in the search."""

    start: Long
    arc: Int
    demand: Int


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """The demands that have tonnes and a path, sorted into groups of one class and origin, and bounds to guide them.

    Attributes
    ----------
    problem
        What is searched; its demand i is called `live` number here.
    live
        (n_live,): demands of the problem, in the order used here.
    reachable
        (n_demands,): whether the demand has an open path.
    row_units
        (n_rows,): mean own units that a tonne uses of the row where it uses it; 1 where nothing does.
    target
        (n_demands,): the row of `bound` of each demand.
    group_class, group_origin, group_start, group_bound, bound
        As `karavan.kernels.paths.cheapest_paths` takes them.
    measured, exact
        The problem for which bounds were worked out, and these: costs to the destination, exact there. `bound` is what
        holds of them for this problem.
    """

    problem: Problem
    live: Int
    reachable: NDArray[np.bool_]
    row_units: Float
    target: Int
    group_class: Int
    group_origin: Int
    group_start: Long
    group_bound: Int
    bound: Float
    measured: Problem
    exact: Float


def make_search(problem: Problem, like: Search | None = None) -> Search:
    """Group the demands, find which have a path, and work out bounds towards their destinations.

    The bounds of `like`, the search of a problem with the same arcs, rows, demands and closures, hold for this one too,
    times the least share of its cost that any arc of the class has kept.
    """
    if like is not None and _same_but_values(problem, like.measured):
        # always from the exact ones: from one like problem to the next they would wear away
        share, bound = _least_share(problem, like.measured), like.exact
        if bound.size and (share < 1).any():
            row_class = np.zeros(bound.shape[0], np.int32)
            row_class[like.target] = problem.demand_class
            # nothing times infinite is not a number: where costs fell to nothing only what has no path is known
            sure = np.where(share > 0, share, 1.0)[row_class]
            bound = bound * sure[:, None]
            for row in np.flatnonzero(share[row_class] == 0):
                bound[row, np.isfinite(bound[row])] = 0.0
        found = _search(problem, like.reachable, like.target, bound, like.row_units)
        return replace(found, measured=like.measured, exact=like.exact)
    in_start = np.zeros(problem.n_nodes + 1, np.int64)
    np.cumsum(np.bincount(problem.head, minlength=problem.n_nodes), out=in_start[1:])
    in_arc = np.argsort(problem.head, kind="stable").astype(np.int32)
    ends = np.stack([problem.demand_class, problem.destination], axis=1)
    targets, inverse = np.unique(ends, axis=0, return_inverse=True)
    target_of = inverse.ravel()
    guided = targets.shape[0] * problem.n_nodes <= MAX_BOUNDS
    reachable = np.zeros(problem.n_demands, np.bool_)
    bound = np.empty((targets.shape[0] if guided else 0, problem.n_nodes))
    # a block of trees at a time, so that memory stays bounded where the bounds are not kept
    block = targets.shape[0] if guided else max(1, MAX_BOUNDS // max(problem.n_nodes, 1))
    for first in range(0, targets.shape[0], max(block, 1)):
        part = targets[first : first + block]
        distance = bound if guided else np.empty((part.shape[0], problem.n_nodes))
        shortest_path.shortest_distances(
            in_start, in_arc, problem.tail, problem.cost, problem.open, part[:, 0].copy(), part[:, 1].copy(), distance
        )
        mine = np.flatnonzero((target_of >= first) & (target_of < first + part.shape[0]))
        reachable[mine] = np.isfinite(distance[target_of[mine] - first, problem.origin[mine]])
    row_units = _mean_units(problem)
    return _search(problem, reachable, target_of.astype(np.int32), bound, row_units)


def _search(problem: Problem, reachable: NDArray[np.bool_], target: Int, bound: Float, row_units: Float) -> Search:
    """Sort the demands that have tonnes and a path into groups; `target`: the row of `bound` of each demand."""
    guided = bound.size > 0
    live = np.flatnonzero(reachable & (problem.tonnes > 0))
    keys = [problem.destination[live], problem.origin[live], problem.demand_class[live]]
    live = live[np.lexsort(keys)]
    keys = [problem.demand_class[live], problem.origin[live]] + ([problem.destination[live]] if guided else [])
    new = np.ones(live.size, np.bool_)
    new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    begin = np.flatnonzero(new)
    return Search(
        problem=problem,
        live=live.astype(np.int32),
        reachable=reachable,
        row_units=row_units,
        target=target,
        group_class=problem.demand_class[live[begin]],
        group_origin=problem.origin[live[begin]],
        group_start=np.append(begin, live.size).astype(np.int64),
        group_bound=target[live[begin]] if guided else np.full(begin.size, -1, np.int32),
        bound=bound,
        measured=problem,
        exact=bound,
    )


def _same_but_values(problem: Problem, other: Problem) -> bool:
    """Whether one problem is the other with values perturbed, all arcs open or closed as before."""
    kept = ("tail", "head", "open", "usage_row", "usage_units", "origin", "destination", "demand_class")
    pairs = [(getattr(problem, name), getattr(other, name)) for name in kept]
    return all(mine is its or np.array_equal(mine, its) for mine, its in pairs)


def _least_share(problem: Problem, other: Problem) -> Float:
    """Return the greatest share (n_classes,), at most 1, of the other's costs that no open arc's cost is below."""
    if problem.cost is other.cost:
        return np.ones(problem.n_classes)
    counted = problem.open & (other.cost > 0)
    share = np.divide(problem.cost, other.cost, out=np.ones(problem.cost.shape), where=counted)
    return np.asarray(share.min(axis=1, initial=1.0) * (1 - 1e-12), dtype=np.float64)


def _mean_units(problem: Problem) -> Float:
    total = np.bincount(problem.usage_row, weights=problem.usage_units, minlength=problem.n_rows)
    count = np.bincount(problem.usage_row, weights=problem.usage_units > 0, minlength=problem.n_rows)
    return np.divide(total, count, out=np.ones(problem.n_rows), where=count > 0)


def cheapest(search: Search, cost: Float, price: Float, *, limit: Float, wanted: Float) -> tuple[Float, Paths]:
    """Find the cheapest path of every demand of the search.

    Parameters
    ----------
    cost
        (n_classes, n_arcs), USD per tonne, nowhere below the cost of the problem (nor zero): the bounds hold for it.
    price
        (n_rows,), USD per own unit, at least zero.
    limit
        (n_live,): paths dearer than this need not be found.
    wanted
        (n_live,): paths cheaper than this are returned.

    Returns
    -------
    Distances (n_live,), infinite where none is within the limit, and the paths wanted.
    """
    p = search.problem
    if price.any():
        priced = np.empty(cost.shape)
        paths.priced_costs(cost, p.usage_indptr, p.usage_row, p.usage_units, price, priced)
    else:
        priced = cost
    n_live = search.live.size
    distance = np.empty(n_live)
    start = np.empty(n_live + 1, np.int64)
    room = 64 * n_live + 64
    while True:
        arc = np.empty(room, np.int32)
        written = paths.cheapest_paths(
            p.out_start, p.out_arc, p.tail, p.head, priced, p.open, search.group_class, search.group_origin,
            search.group_start, search.group_bound, p.destination[search.live], limit, wanted, search.bound, distance,
            start, arc,
        )  # fmt: skip
        if written >= 0:
            break
        room *= 4
    found = np.flatnonzero(start[1:] > start[:-1])
    return distance, Paths(np.append(start[found], written), arc[:written].copy(), found.astype(np.int32))


def within_price(search: Search, price: Float, *, limit: Float, wanted: Float) -> tuple[Float, Paths]:
    """Find for every demand the path of least price among those that cost no more than leaving it unserved.

    Parameters as in `cheapest`, but that limits and distances are of what the rows are worth at `price` (n_rows) alone;
    of paths of equal price the cheaper is taken. A demand of limit zero has no better path than any, and is passed.
    """
    p = search.problem
    priced = np.empty(p.cost.shape)
    paths.priced_costs(np.zeros(p.cost.shape), p.usage_indptr, p.usage_row, p.usage_units, price, priced)
    live = search.live
    rows = search.target[live] if search.bound.size else np.full(live.size, -1, np.int32)
    distance, start = np.empty(live.size), np.empty(live.size + 1, np.int64)
    room = 64 * live.size + 64
    while True:
        arc = np.empty(room, np.int32)
        written = constrained.constrained_paths(
            p.out_start, p.out_arc, p.head, p.cost, p.open, priced, p.demand_class[live], p.origin[live],
            p.destination[live], rows, search.bound, p.unserved_price[live], np.where(limit > 0, limit, -1.0), wanted,
            distance, start, arc,
        )  # fmt: skip
        if written >= 0:
            break
        room *= 4
    found = np.flatnonzero(start[1:] > start[:-1])
    return distance, Paths(np.append(start[found], written), arc[:written].copy(), found.astype(np.int32))


def usual_cost(search: Search, distance: Float) -> float:
    """Return a usual cost per tonne: of cheapest path or unserved price, the lesser; of an arc where that is nil."""
    p = search.problem
    return _mean(np.minimum(distance, p.unserved_price[search.live]), p.tonnes[search.live]) or _usual(p.cost[p.open])


def cost_with_ties(search: Search, distance: Float, direct: Paths) -> Float:
    """Return cost plus a weight times the second objective, (n_classes, n_arcs).

    The weight makes the second objective of the cheapest paths about `TIE_SHARE` of their cost: enough to decide
    between costs that differ by rounding or by less than that share, too little to outweigh any cost that matters.
    """
    p = search.problem
    if not p.second.any():
        return p.cost
    classes = p.demand_class[search.live[direct.demand]]
    second = sums(direct, classes, np.ascontiguousarray(np.broadcast_to(p.second, p.cost.shape)))
    typical = _mean(second, p.tonnes[search.live[direct.demand]]) or _usual(p.second)
    return p.cost + (TIE_SHARE * usual_cost(search, distance) / typical) * p.second


def _mean(value: Float, weight: Float) -> float:
    return float(value @ weight) / float(weight.sum()) if weight.size else 0.0


def _usual(value: Float) -> float:
    """Mean of what is above zero; 1 where nothing is."""
    above = value[value > 0]
    return float(above.mean()) if above.size else 1.0


def sums(found: Paths, path_class: Int, value: Float) -> Float:
    """Return the sum of `value` (n_classes, n_arcs) over each path."""
    total = np.empty(found.demand.size)
    paths.path_sums(found.start, found.arc, path_class, value, total)
    return total


def row_units(problem: Problem, found: Paths, path_class: Int) -> tuple[Long, Int, Float]:
    """Return start, row and own units per tonne of every row that each path uses."""
    start = np.empty(found.demand.size + 1, np.int64)
    room = 4 * found.arc.size + 64
    while True:
        row, units = np.empty(room, np.int32), np.empty(room)
        written = paths.path_rows(
            found.start, found.arc, path_class, problem.n_arcs, problem.n_rows, problem.usage_indptr, problem.usage_row,
            problem.usage_units, start, row, units,
        )  # fmt: skip
        if written >= 0:
            return start, row[:written].copy(), units[:written].copy()
        room *= 4
