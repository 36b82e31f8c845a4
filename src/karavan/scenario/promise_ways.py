"""Ways not too dear: which arcs a demand may use, and problems whose demands each have ways of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from karavan.kernels.shortest_path import shortest_distances
from karavan.problem import Problem, make_problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Bool = NDArray[np.bool_]
    Usage = tuple[NDArray[np.int64], Int, Float]


def own_ways(
    problem: Problem, arc: Int, rows: NDArray[np.int64], detour: float
) -> tuple[Problem, Int]:
    """Return a problem in which only some demands have tonnes, each with a class of its own, and the arcs it kept.

    The arcs of a class are those on ways not dearer than `detour` times the cheapest. Arcs that no demand may use are
    left out; `arc` (n_arcs,) says which each is, and so does what is returned.
    """
    mine = rows if rows.size else np.zeros(1, np.int64)
    classes = problem.demand_class[mine]
    is_open = problem.open[classes] & near_cheapest(problem, mine, detour)
    at = np.flatnonzero(is_open.any(axis=0)).astype(np.int32)
    own = np.zeros(problem.n_demands, np.int32)
    own[mine] = np.arange(mine.size)
    counted = np.isin(np.arange(problem.n_demands), rows)
    out = problem_like(
        problem, problem.n_nodes, problem.tail[at], problem.head[at], problem.cost[np.ix_(classes, at)],
        is_open[:, at], problem.second[at], usage_of(problem, classes, at, is_open[:, at]), demand_class=own,
        tonnes=np.where(counted, problem.tonnes, 0.0),
    )  # fmt: skip
    return out, arc[at]


def side_by_side(first: Problem, second: Problem) -> Problem:
    """Return one problem of two with the same rows and demands: both graphs, apart, and the classes of both.

    A demand is of the problem in which it has tonnes.
    """
    n, k = first.n_arcs, first.n_classes
    mine = second.tonnes > 0
    cost = np.zeros((k + second.n_classes, n + second.n_arcs))
    is_open = np.zeros(cost.shape, np.bool_)
    cost[:k, :n], cost[k:, n:] = first.cost, second.cost
    is_open[:k, :n], is_open[k:, n:] = first.open, second.open
    counts = np.zeros(cost.shape, np.int64)
    counts[:k, :n] = np.diff(first.usage_indptr).reshape(k, n)
    counts[k:, n:] = np.diff(second.usage_indptr).reshape(second.n_classes, second.n_arcs)
    return problem_like(
        first, first.n_nodes + second.n_nodes, np.append(first.tail, second.tail + first.n_nodes),
        np.append(first.head, second.head + first.n_nodes), cost, is_open, np.append(first.second, second.second),
        (np.append(0, np.cumsum(counts)), np.append(first.usage_row, second.usage_row),
         np.append(first.usage_units, second.usage_units)),
        origin=np.where(mine, second.origin + first.n_nodes, first.origin).astype(np.int32),
        destination=np.where(mine, second.destination + first.n_nodes, first.destination).astype(np.int32),
        demand_class=np.where(mine, second.demand_class + k, first.demand_class).astype(np.int32),
        tonnes=first.tonnes + second.tonnes,
    )  # fmt: skip


def problem_like(
    problem: Problem,
    n_nodes: int,
    tail: Int,
    head: Int,
    cost: Float,
    is_open: Bool,
    second: Float,
    usage: Usage,
    origin: Int | None = None,
    destination: Int | None = None,
    demand_class: Int | None = None,
    tonnes: Float | None = None,
) -> Problem:
    """Return a problem with another graph and the demands and capacities of one."""
    return make_problem(
        n_nodes=n_nodes,
        tail=tail,
        head=head,
        cost=cost,
        open=is_open,
        second=second,
        rhs=problem.rhs,
        usage_indptr=usage[0],
        usage_row=usage[1],
        usage_units=usage[2],
        origin=problem.origin if origin is None else origin,
        destination=problem.destination if destination is None else destination,
        demand_class=problem.demand_class if demand_class is None else demand_class,
        tonnes=problem.tonnes if tonnes is None else tonnes,
        unserved_price=problem.unserved_price,
    )


def usage_of(problem: Problem, classes: Int, arc: Int, keep: Bool) -> Usage:
    """Return the usage of some classes on some arcs of a problem, as CSR; `keep` (n_classes, n_arcs): where not nil."""
    at = (classes[:, None].astype(np.int64) * problem.n_arcs + arc[None, :]).ravel()
    count = np.diff(problem.usage_indptr)[at]
    count = np.where(keep.ravel(), count, 0)
    indptr = np.append(0, np.cumsum(count))
    entry = np.repeat(problem.usage_indptr[at] - indptr[:-1], count) + np.arange(indptr[-1])
    return indptr, problem.usage_row[entry], problem.usage_units[entry]


# Ways not too dear


def near_cheapest(problem: Problem, rows: NDArray[np.int64], detour: float, cost: Float | None = None) -> Bool:
    """Mark for each of some demands the arcs on a way not dearer than `detour` times its cheapest, (n, n_arcs).

    The way over an arc is the cheapest to it, the arc, and the cheapest from it on. `cost` in place of the problem's.
    """
    cost = problem.cost if cost is None else cost
    at = problem.demand_class[rows]
    onward = distances(problem, cost, at, problem.destination[rows], from_start=False)
    so_far = distances(problem, cost, at, problem.origin[rows], from_start=True)
    way = so_far[:, problem.tail] + cost[at] + onward[:, problem.head]
    least = onward[np.arange(rows.size), problem.origin[rows]]
    limit = np.where(np.isfinite(least), detour * least, 0.0) * (1 + 1e-9)
    near: Bool = way <= limit[:, None]
    return near


def distances(problem: Problem, cost: Float, classes: Int, ends: Int, *, from_start: bool) -> Float:
    """Return costs from a node to all others, or from all others to it, for each class and end; (n, n_nodes)."""
    out = np.empty((classes.size, problem.n_nodes))
    if from_start:
        start, order, tail = problem.out_start, problem.out_arc, problem.head
    else:
        start = np.zeros(problem.n_nodes + 1, np.int64)
        np.cumsum(np.bincount(problem.head, minlength=problem.n_nodes), out=start[1:])
        order, tail = np.argsort(problem.head, kind="stable").astype(np.int32), problem.tail
    shortest_distances(start, order, tail, cost, problem.open, classes.astype(np.int32), ends.astype(np.int32), out)
    return out
