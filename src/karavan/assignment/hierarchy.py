"""Contraction hierarchy of a congested network: built once, priced for each class and each set of link costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from karavan.kernels import contraction, trees

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from karavan.assignment.equilibrium_problem import EquilibriumProblem

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]


MOST_TRIANGLES = 1_000_000_000  # of 4 bytes each; road networks of 13,000 nodes have up to three million


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """A network's nodes by rank and the arcs between them, as `karavan.kernels.contraction` and `.trees` take them.

    `first` is the least rank from which paths may start or at which they may end.
    """

    rank: Int
    start: Long
    high: Int
    low: Int
    first: int
    triangles: Int
    link_arc: Int
    out_start: Long
    out_link: Int
    in_start: Long
    in_link: Int
    tail: Int
    head: Int


class Prices(NamedTuple):
    """Costs of links and of the hierarchy's arcs, and what each arc stands for."""

    cost: Float
    up: Float
    down: Float
    up_from: Int
    down_from: Int


def make_hierarchy(problem: EquilibriumProblem, ends: ArrayLike = ()) -> Hierarchy:
    """Order the nodes of a network. Paths may start or end where demand does, and at `ends`."""
    tail, head, through = problem.tail, problem.head, problem.through
    inside = through[tail] & through[head]
    order, up_start, up_node = contraction.contract(problem.n_nodes, tail[inside], head[inside])
    is_end = np.zeros(problem.n_nodes, np.bool_)
    for places in (problem.origin, problem.destination, np.asarray(ends, np.int32), tail[~inside], head[~inside]):
        is_end[places] = True
    is_end &= through
    rank, start, high, low, first = contraction.rank_arcs(order, up_start, up_node, is_end)
    rank[~through] = -1
    count = contraction.count_triangles(start)
    if count > MOST_TRIANGLES:
        message = f"the network is too dense for a contraction hierarchy ({count} triangles, at most {MOST_TRIANGLES})"
        raise ValueError(message)
    triangles = np.empty(count, np.int32)
    contraction.find_triangles(start, high, triangles)
    link_arc = np.empty(tail.size, np.int32)
    contraction.place_links(rank, start, high, tail, head, link_arc)
    out_start, out_link = _by_node(problem.n_nodes, tail)
    in_start, in_link = _by_node(problem.n_nodes, head)
    return Hierarchy(
        rank, start, high, low, first, triangles, link_arc, out_start, out_link, in_start, in_link, tail, head
    )


def _by_node(n_nodes: int, end: Int) -> tuple[Long, Int]:
    start = np.zeros(n_nodes + 1, np.int64)
    np.cumsum(np.bincount(end, minlength=n_nodes), out=start[1:])
    return start, np.argsort(end, kind="stable").astype(np.int32)


def price(hierarchy: Hierarchy, cost: Float) -> Prices:
    """Price the hierarchy for costs of links (n_links,), at least zero, infinite where closed."""
    n = hierarchy.high.size
    prices = Prices(cost, np.empty(n), np.empty(n), np.empty(n, np.int32), np.empty(n, np.int32))
    contraction.price_arcs(hierarchy.start, hierarchy.triangles, hierarchy.link_arc, *prices)
    return prices


def skim(
    problem: EquilibriumProblem, time: ArrayLike, *, origins: ArrayLike, destinations: ArrayLike, demand_class: int = 0
) -> Float:
    """Return the cheapest cost between nodes at given times on the links.

    Parameters
    ----------
    problem
        The network; its delay functions and demand are not used.
    time
        (n_links,), at least zero: `EquilibriumSolution.link_time`, say.
    origins, destinations
        Nodes.
    demand_class
        Whose fixed costs and open links count.

    Returns
    -------
    (n_origins, n_destinations), in the unit of time; 0 to itself, infinite where there is no path.

    Examples
    --------
    >>> from karavan.assignment.equilibrium_problem import make_equilibrium_problem
    >>> p = make_equilibrium_problem(n_nodes=3, tail=[0, 1], head=[1, 2], free_time=[1.0, 2.0], origin=[],
    ...     destination=[], demand=[])
    >>> skim(p, p.delays.table[:, 0], origins=[0, 2], destinations=[1, 2]).tolist()
    [[1.0, 3.0], [inf, 0.0]]
    """
    times = np.asarray(time, np.float64)
    froms, to = np.asarray(origins, np.int32), np.asarray(destinations, np.int32)
    if times.shape != problem.tail.shape or not (times >= 0.0).all():
        message = f"time has shape {times.shape} or negative or missing values; give {problem.tail.shape}, from 0 up"
        raise ValueError(message)
    for name, nodes in (("origins", froms), ("destinations", to)):
        if nodes.size and (nodes.min() < 0 or nodes.max() >= problem.n_nodes):
            message = f"{name} has a node outside 0 to {problem.n_nodes - 1}"
            raise ValueError(message)
    h = make_hierarchy(problem, np.concatenate((froms, to)))
    cost = np.where(problem.open[demand_class], times + problem.fixed[demand_class], np.inf)
    p = price(h, cost)
    out = np.empty((froms.size, to.size))
    trees.skim(
        h.rank, h.start, h.high, h.first, h.out_start, h.out_link, h.in_start, h.in_link, h.tail, h.head,
        p.cost, p.up, p.down, froms, to, out,
    )  # fmt: skip
    return out
