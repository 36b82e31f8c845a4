"""Choice sets: the paths between which the shippers of a demand choose, in nests, with their weights for overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.assignment.pool import chosen, joined
from karavan.assignment.search import Paths, row_units, sums
from karavan.kernels import logit as kernels
from karavan.kernels import paths as path_kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.assignment.methods import ArcLabels, Logit
    from karavan.assignment.result import Columns
    from karavan.assignment.search import Search
    from karavan.problem import Problem

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]

TRIES = 2  # searches for each alternative wanted: some find a path found before, or one too dear


@dataclass(frozen=True, slots=True, eq=False)
class ChoiceSets:
    """Paths of all demands, sorted by demand, outer nest (mode) and inner nest (carrying unit).

    Attributes
    ----------
    search
        The demands, numbered as in it.
    paths, path_class, cost, log_size
        Paths; class of each; USD per tonne without queues; logarithm of the weight for overlap.
    row_start, row, units
        Rows each path uses and own units per tonne.
    inner_start, outer_start, demand_start
        Paths by inner nest, inner nests by outer nest, outer nests by demand.
    theta, outer_theta, inner_theta
        (n_live,): dispersion of each level, 1 over USD per tonne.
    """

    search: Search
    paths: Paths
    path_class: Int
    cost: Float
    log_size: Float
    row_start: Long
    row: Int
    units: Float
    inner_start: Long
    outer_start: Long
    demand_start: Long
    theta: Float
    outer_theta: Float
    inner_theta: Float

    def path_ranges(self) -> tuple[Long, Long]:
        """Return first and last path of each inner nest, outer nest and demand, one after the other."""
        outer, demand = self.inner_start[self.outer_start], self.inner_start[self.outer_start[self.demand_start]]
        starts = (self.inner_start, outer, demand)
        return np.concatenate([s[:-1] for s in starts]), np.concatenate([s[1:] for s in starts])


def first_paths(search: Search, method: Logit, start: Columns | None) -> Paths:
    """Return the paths of `start` that are still open, and the alternatives of the demands that these leave without.

    What another method than `Logit` leaves are no choice sets: its paths come beside the alternatives of all demands.
    """
    everyone = np.arange(search.live.size, dtype=np.int32)
    if start is None:
        return _alternatives(search, method, everyone)
    kept = _open_paths(search, start)
    if start.row_price is not None:
        everyone = everyone[np.bincount(kept.demand, minlength=everyone.size) == 0]
    return joined(kept, _alternatives(search, method, everyone)) if everyone.size else kept


def _alternatives(search: Search, method: Logit, demands: Int) -> Paths:
    """Return alternatives by link penalty of the demands given, as the search numbers them."""
    p, live = search.problem, search.live[demands]
    guide = search.target[live] if search.bound.size else np.full(live.size, -1, np.int32)
    room, most = 64 * live.size * method.alternatives + 64, live.size * method.alternatives + 1
    path_start, demand = np.empty(most + 1, np.int64), np.empty(most, np.int32)
    while True:
        arc = np.empty(room, np.int32)
        found = kernels.alternative_paths(
            p.out_start, p.out_arc, p.tail, p.head, p.cost, p.open, p.demand_class[live], p.origin[live],
            p.destination[live], guide, search.bound, TRIES * method.alternatives, method.penalty, method.alternatives,
            method.detour, path_start, arc, demand,
        )  # fmt: skip
        if found >= 0:
            return Paths(path_start[: found + 1].copy(), arc[: path_start[found]].copy(), demands[demand[:found]])
        room *= 4


def with_paths(search: Search, method: Logit, labels: ArcLabels | None, *parts: Paths) -> ChoiceSets:
    """Return the choice sets of all paths given, each once."""
    paths = parts[0]
    for part in parts[1:]:
        paths = joined(paths, part)
    paths, outer, inner = _sorted(_once(paths), labels)
    p = search.problem
    path_class = p.demand_class[search.live[paths.demand]]
    cost = sums(paths, path_class, p.cost)
    row_start, row, units = row_units(p, paths, path_class)
    starts = _nests(paths.demand, outer, inner, search.live.size)
    by_demand = np.searchsorted(paths.demand, np.arange(search.live.size + 1)).astype(np.int64)
    theta = np.full(search.live.size, method.theta)
    if method.per == "cheapest cost":
        least = np.minimum(np.minimum.reduceat(cost, by_demand[:-1]), p.unserved_price[search.live])
        theta = theta / np.where(least > 0, least, 1.0)
    return ChoiceSets(
        search=search,
        paths=paths,
        path_class=path_class,
        cost=cost,
        log_size=_log_size(paths, path_class, by_demand, p, method),
        row_start=row_start,
        row=row,
        units=units,
        inner_start=starts[0],
        outer_start=starts[1],
        demand_start=starts[2],
        theta=theta,
        outer_theta=theta * method.mode_ratio,
        inner_theta=theta * method.mode_ratio * method.unit_ratio,
    )


def unseen(sets: ChoiceSets, found: Paths) -> Paths:
    """Return the paths that are not in the sets."""
    known = set(_keys(sets.paths))
    return chosen(found, np.array([i for i, key in enumerate(_keys(found)) if key not in known], np.int64))


def main_labels(paths: Paths, labels: ArcLabels) -> tuple[Int, Int]:
    """Return mode and carrying unit of most kilometres of each path; without any kilometres, of most arcs."""
    path = np.repeat(np.arange(paths.demand.size), np.diff(paths.start))
    weight = labels.km[paths.arc] + 1e-9
    return _most(path, labels.mode[paths.arc], weight), _most(path, labels.unit[paths.arc], weight)


def _most(path: Long, label: Int, weight: Float) -> Int:
    """Return the label of the greatest weight of each path, the smaller one of two equal; -1 where none."""
    n_paths, n_labels = int(path.max(initial=-1)) + 1, int(label.max(initial=0)) + 1
    total = np.zeros((n_paths, n_labels))
    known = label >= 0
    np.add.at(total, (path[known], label[known]), weight[known])
    return np.where(total.max(axis=1) > 0, total.argmax(axis=1), -1).astype(np.int32)


def _open_paths(search: Search, start: Columns) -> Paths:
    p = search.problem
    number = np.full(p.n_demands, -1, np.int32)
    number[search.live] = np.arange(search.live.size, dtype=np.int32)
    path = np.repeat(np.arange(start.path_demand.size), np.diff(start.path_start))
    closed = ~p.open[p.demand_class[start.path_demand[path]], start.path_arc]
    shut = np.bincount(path[closed], minlength=start.path_demand.size) > 0
    demand = number[start.path_demand]
    return chosen(Paths(start.path_start, start.path_arc, demand), np.flatnonzero((demand >= 0) & ~shut))


def _keys(paths: Paths) -> list[bytes]:
    numbers, at, arcs = paths.demand.tolist(), (4 * paths.start).tolist(), paths.arc.tobytes()
    return [d.to_bytes(4, "little") + arcs[at[i] : at[i + 1]] for i, d in enumerate(numbers)]


def _once(paths: Paths) -> Paths:
    first = {key: i for i, key in reversed(list(enumerate(_keys(paths))))}
    if len(first) == paths.demand.size:
        return paths
    return chosen(paths, np.sort(np.fromiter(first.values(), np.int64, len(first))))


def _sorted(paths: Paths, labels: ArcLabels | None) -> tuple[Paths, Int, Int]:
    none = np.zeros(paths.demand.size, np.int32)
    outer, inner = (none, none) if labels is None else main_labels(paths, labels)
    order = np.lexsort((inner, outer, paths.demand))
    return chosen(paths, order), outer[order], inner[order]


def _nests(demand: Int, outer: Int, inner: Int, n_demands: int) -> tuple[Long, Long, Long]:
    """Return the starts of inner nests (paths), outer nests (inner nests) and demands (outer nests)."""
    new_outer = np.ones(demand.size, np.bool_)
    new_outer[1:] = (demand[1:] != demand[:-1]) | (outer[1:] != outer[:-1])
    new_inner = new_outer.copy()
    new_inner[1:] |= inner[1:] != inner[:-1]
    inner_first = np.flatnonzero(new_inner)
    outer_first = np.flatnonzero(new_outer)
    of_inner = np.searchsorted(inner_first, outer_first)
    of_demand = np.searchsorted(demand[outer_first], np.arange(n_demands + 1))
    return (
        np.append(inner_first, demand.size).astype(np.int64),
        np.append(of_inner, inner_first.size).astype(np.int64),
        of_demand.astype(np.int64),
    )


def _log_size(paths: Paths, path_class: Int, by_demand: Long, problem: Problem, method: Logit) -> Float:
    """Return the logarithm of each path's weight: path size, or one over its commonality, to a power."""
    if method.overlap == "none":
        return np.zeros(paths.demand.size)
    value = np.empty(paths.demand.size)
    kernel = kernels.path_sizes if method.overlap == "path size" else kernels.commonalities
    kernel(paths.start, paths.arc, path_class, by_demand, problem.cost, problem.n_arcs, value)
    sign = 1.0 if method.overlap == "path size" else -1.0
    return np.asarray(sign * method.overlap_power * np.log(np.maximum(value, 1e-12)), dtype=np.float64)


def arc_priced(sets: ChoiceSets, price: Float) -> Float:
    """Return the cost of each path with queues at `price` (n_rows,), added up from its arcs."""
    p = sets.search.problem
    priced = np.empty(p.cost.shape)
    path_kernels.priced_costs(p.cost, p.usage_indptr, p.usage_row, p.usage_units, price, priced)
    return sums(sets.paths, sets.path_class, priced)
