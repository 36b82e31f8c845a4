"""Plain Python twins of the kernels: the same answers, readable, slow; for tests.

Paths are lists of arcs. Where two paths cost the same a kernel may give the other one.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]
    Bool = NDArray[np.bool_]


def heap_sorted(keys: Iterable[float]) -> list[float]:
    """Twin of `heap_push` and `heap_pop`: keys in the order in which a heap gives them back."""
    heap = list(keys)
    heapq.heapify(heap)
    return [heapq.heappop(heap) for _ in range(len(heap))]


def shortest_tree(
    out_start: Long, out_arc: Int, head: Int, cost: Float, is_open: Bool, source: int
) -> tuple[list[float], list[int]]:
    """Twin of `karavan.kernels.shortest_path.shortest_tree`."""
    n_nodes = out_start.size - 1
    distance, arrival = [math.inf] * n_nodes, [-1] * n_nodes
    distance[source] = 0.0
    heap = [(0.0, source)]
    while heap:
        key, v = heapq.heappop(heap)
        if key > distance[v]:
            continue
        for a in out_arc[out_start[v] : out_start[v + 1]].tolist():
            w = int(head[a])
            if is_open[a] and key + cost[a] < distance[w]:
                distance[w], arrival[w] = key + float(cost[a]), a
                heapq.heappush(heap, (distance[w], w))
    return distance, arrival


def shortest_distances(
    start: Long, arc: Int, far: Int, cost: Float, is_open: Bool, tree_class: Int, tree_root: Int
) -> list[list[float]]:
    """Twin of `karavan.kernels.shortest_path.shortest_distances`."""
    return [
        shortest_tree(start, arc, far, cost[k], is_open[k], root)[0]
        for k, root in zip(tree_class.tolist(), tree_root.tolist(), strict=True)
    ]


def priced_costs(cost: Float, usage_start: Long, usage_row: Int, usage_units: Float, price: Float) -> Float:
    """Twin of `karavan.kernels.paths.priced_costs`."""
    priced = cost.copy().ravel()
    for i in range(priced.size):
        used = slice(usage_start[i], usage_start[i + 1])
        priced[i] += sum(usage_units[used] * price[usage_row[used]])
    return priced.reshape(cost.shape)


def cheapest_paths(
    out_start: Long, out_arc: Int, tail: Int, head: Int, cost: Float, is_open: Bool, demands: list[tuple[int, int, int]]
) -> tuple[list[float], list[list[int]]]:
    """Twin of `karavan.kernels.paths.cheapest_paths` without limits; demands are (class, origin, destination)."""
    distances, paths = [], []
    for k, origin, destination in demands:
        distance, arrival = shortest_tree(out_start, out_arc, head, cost[k], is_open[k], origin)
        path: list[int] = []
        v = destination
        while v != origin and arrival[v] >= 0:
            path.insert(0, arrival[v])
            v = int(tail[arrival[v]])
        distances.append(distance[destination])
        paths.append(path)
    return distances, paths


def path_rows(
    paths: list[list[int]], path_class: list[int], n_arcs: int, usage_start: Long, usage_row: Int, usage_units: Float
) -> list[dict[int, float]]:
    """Twin of `karavan.kernels.paths.path_rows`: own units by row, a path each."""
    found = []
    for path, k in zip(paths, path_class, strict=True):
        units: dict[int, float] = {}
        for a in path:
            for p in range(usage_start[k * n_arcs + a], usage_start[k * n_arcs + a + 1]):
                row = int(usage_row[p])
                units[row] = units.get(row, 0.0) + float(usage_units[p])
        found.append(units)
    return found


def path_sums(paths: list[list[int]], path_class: list[int], value: Float) -> list[float]:
    """Twin of `karavan.kernels.paths.path_sums`."""
    return [float(sum(value[k, a] for a in path)) for path, k in zip(paths, path_class, strict=True)]


def arc_flows(paths: list[list[int]], path_class: list[int], tonnes: list[float], shape: tuple[int, int]) -> Float:
    """Twin of `karavan.kernels.paths.arc_flows`."""
    flow = np.zeros(shape)
    for path, k, t in zip(paths, path_class, tonnes, strict=True):
        for a in path:
            flow[k, a] += t
    return flow


def alternative_paths(
    graph: tuple[Long, Int, Int, Int], cost: Float, is_open: Bool, origin: int, destination: int, rounds: int,
    penalty: float, most: int, detour: float,
) -> list[list[int]]:  # fmt: skip
    """Twin of `karavan.kernels.logit.alternative_paths` for one demand; graph: `out_start, out_arc, tail, head`."""
    out_start, out_arc, tail, head = graph
    dearer = cost.copy()
    found: list[list[int]] = []
    for _ in range(rounds):
        _, (path,) = cheapest_paths(
            out_start, out_arc, tail, head, dearer[None], is_open[None], [(0, origin, destination)]
        )
        if not path or len(found) == most:
            break
        if path not in found and (not found or cost[path].sum() <= detour * cost[found[0]].sum()):
            found.append(path)
        dearer[path] *= penalty
    return found


def path_sizes(paths: list[list[int]], length: Float) -> list[float]:
    """Twin of `karavan.kernels.logit.path_sizes` for one demand; `length` (n_arcs,)."""
    users = [sum(a in path for path in paths) for a in range(length.size)]
    total = [float(sum(length[a] for a in path)) for path in paths]
    shared = [sum(float(length[a]) / users[a] for a in path) for path in paths]
    return [s / t if t > 0 else 1.0 for s, t in zip(shared, total, strict=True)]


def commonalities(paths: list[list[int]], length: Float) -> list[float]:
    """Twin of `karavan.kernels.logit.commonalities` for one demand; `length` (n_arcs,)."""
    out = []
    for mine in paths:
        total = 0.0
        for other in paths:
            both = float(sum(length[a] for a in mine if a in other))
            scale = math.sqrt(float(length[mine].sum()) * float(length[other].sum()))
            total += both / scale if scale > 0 else float(mine is other)
        out.append(total)
    return out


def path_prices(cost: list[float], rows: list[dict[int, float]], price: Float) -> list[float]:
    """Twin of `karavan.kernels.logit.path_prices`."""
    return [c + sum(u * float(price[r]) for r, u in used.items()) for c, used in zip(cost, rows, strict=True)]


def nested_choice(
    nests: list[list[list[tuple[float, float]]]], theta: tuple[float, float, float], tonnes: float, refusal: float
) -> tuple[list[float], float, float]:
    """Twin of `karavan.kernels.logit.nested_choice` for one demand.

    `nests`: outer nests of inner nests of (price, logarithm of size) of paths; `theta`: outer, between inner nests,
    between paths. Returns flows, unserved tonnes, expected price.
    """
    top, middle, low = theta
    inner = [[-math.log(sum(math.exp(s - low * c) for c, s in n)) / low for n in outer] for outer in nests]
    outer = [-math.log(sum(math.exp(-middle * c) for c in costs)) / middle for costs in inner]
    expected = -math.log(sum(math.exp(-top * c) for c in [*outer, refusal])) / top
    flows = [
        tonnes
        * math.exp(-top * (outer[m] - expected))
        * math.exp(-middle * (inner[m][n] - outer[m]))
        * math.exp(s - low * (c - inner[m][n]))
        for m, group in enumerate(nests)
        for n, nest in enumerate(group)
        for c, s in nest
    ]
    return flows, tonnes * math.exp(-top * (refusal - expected)), expected


def add_curvature(
    ranges: list[tuple[int, int]], weight: Float, total: Float, flow: Float, rows: list[dict[int, float]], n_rows: int
) -> Float:
    """Twin of `karavan.kernels.logit.add_curvature`, all rows in their places; returns what is added."""
    out = np.zeros((n_rows, n_rows))
    for (first, last), scale, of in zip(ranges, weight.tolist(), total.tolist(), strict=True):
        use = np.zeros(n_rows)
        for i in range(first, last):
            for row, units in rows[i].items():
                use[row] += flow[i] * units
        if of > 0:
            out += scale / of * np.outer(use, use)
    return out
