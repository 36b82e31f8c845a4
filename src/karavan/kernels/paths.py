"""Cheapest paths of many demands at prices for shared rows, as flat arenas of arcs.

Arrays: `out_start`, `out_arc`, `head` of the graph; `cost` and `is_open` (n_classes, n_arcs); the usage of arc a by
class k stands in `usage_start[k * n_arcs + a]` and following of `usage_row` and `usage_units`.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel
from karavan.kernels.shortest_path import heap_pop, heap_push


@kernel
def priced_costs(cost, usage_start, usage_row, usage_units, price, priced):
    """Write to `priced` (n_classes, n_arcs) the cost plus what the rows used cost at `price` (n_rows)."""
    n_classes, n_arcs = cost.shape
    for k in range(n_classes):
        for a in range(n_arcs):
            total = cost[k, a]
            i = k * n_arcs + a
            for p in range(usage_start[i], usage_start[i + 1]):
                total += usage_units[p] * price[usage_row[p]]
            priced[k, a] = total


@kernel
def cheapest_paths(
    out_start,
    out_arc,
    tail,
    head,
    cost,
    is_open,
    group_class,
    group_origin,
    group_start,
    group_bound,
    destination,
    limit,
    wanted,
    bound,
    distance,
    path_start,
    path_arc,
):
    """Find the cheapest path of each demand and write those cheaper than wanted.

    Demands are sorted by group (class and origin); group g holds demands `group_start[g]` to `group_start[g + 1]`.

    Parameters
    ----------
    limit
        float64 (n_demands,): the search of a group ends beyond the greatest limit among its demands.
    wanted
        float64 (n_demands,): a path is written if its cost is below this.
    group_bound, bound
        Row of `bound` (float64, any number of rows, n_nodes) of each group: least cost from a node to the one
        destination that all demands of the group have, never above the cost of any path, consistent over every arc,
        infinite where there is no path. -1: no bound, the demands may have several destinations.
    distance
        float64 (n_demands,), written: cost of the cheapest path, infinite where none is within the limit.
    path_start
        int64 (n_demands + 1,), written: arcs of demand i, in travel order, are
        `path_arc[path_start[i]:path_start[i + 1]]`.

    Returns
    -------
    Number of arcs written, or -1 where `path_arc` is too short (nothing in it is then of use).
    """
    n_nodes = out_start.size - 1
    label = np.full(n_nodes, np.inf)
    arrival = np.full(n_nodes, -1, np.int32)
    is_target = np.zeros(n_nodes, np.bool_)
    touched = np.empty(n_nodes, np.int32)
    keys = np.empty(head.size + 1)
    nodes = np.empty(head.size + 1, np.int32)
    written = 0
    path_start[0] = 0
    for g in range(group_class.size):
        k = group_class[g]
        first, last = group_start[g], group_start[g + 1]
        b = group_bound[g]
        guided = b >= 0
        furthest = 0.0
        missing = 0
        for i in range(first, last):
            furthest = max(furthest, limit[i])
            if not is_target[destination[i]]:
                is_target[destination[i]] = True
                missing += 1
        source = group_origin[g]
        n_touched = 1
        touched[0] = source
        label[source] = 0.0
        keys[0] = bound[b, source] if guided else 0.0
        nodes[0] = source
        size = 1
        while size > 0 and missing > 0:
            key = keys[0]
            v = nodes[0]
            if key > furthest:
                break
            size -= 1
            heap_pop(keys, nodes, size)
            here = label[v]
            if (here + bound[b, v] if guided else here) < key:
                continue
            if is_target[v]:
                is_target[v] = False
                missing -= 1
            for p in range(out_start[v], out_start[v + 1]):
                a = out_arc[p]
                if not is_open[k, a]:
                    continue
                w = head[a]
                new = here + cost[k, a]
                if new < label[w]:
                    reach = new + bound[b, w] if guided else new
                    if reach > furthest:
                        continue
                    if label[w] == np.inf:
                        touched[n_touched] = w
                        n_touched += 1
                    label[w] = new
                    arrival[w] = a
                    heap_push(keys, nodes, size, reach, w)
                    size += 1
        for i in range(first, last):
            # a label of a target not settled is not final; beyond the limit nothing is claimed
            distance[i] = np.inf if is_target[destination[i]] else label[destination[i]]
        for i in range(first, last):
            is_target[destination[i]] = False
            if distance[i] < wanted[i]:
                length = 0
                v = destination[i]
                while v != source:
                    v = tail[arrival[v]]
                    length += 1
                if written + length > path_arc.size:
                    return -1
                v = destination[i]
                for q in range(length):
                    a = arrival[v]
                    path_arc[written + length - 1 - q] = a
                    v = tail[a]
                written += length
            path_start[i + 1] = written
        for t in range(n_touched):
            label[touched[t]] = np.inf
            arrival[touched[t]] = -1
    return written


@kernel
def path_rows(path_start, path_arc, path_class, n_arcs, n_rows, usage_start, usage_row, usage_units, start, row, units):
    """Write the units of each row that a tonne on each path uses, each row once, rows in the order met.

    Written: `start` int64 (n_paths + 1,), `row`, `units`. Returns the number of entries, -1 where `row` is too short.
    """
    place = np.full(n_rows, -1, np.int64)
    written = 0
    start[0] = 0
    for i in range(path_class.size):
        first = written
        for q in range(path_start[i], path_start[i + 1]):
            use = path_class[i] * n_arcs + path_arc[q]
            for p in range(usage_start[use], usage_start[use + 1]):
                r = usage_row[p]
                if place[r] < first:
                    if written == row.size:
                        return -1
                    place[r] = written
                    row[written] = r
                    units[written] = 0.0
                    written += 1
                units[place[r]] += usage_units[p]
        start[i + 1] = written
    return written


@kernel
def path_sums(path_start, path_arc, path_class, value, total):
    """Write to `total` (n_paths,) the sum of `value` (n_classes, n_arcs) over the arcs of each path."""
    for i in range(path_class.size):
        s = 0.0
        for q in range(path_start[i], path_start[i + 1]):
            s += value[path_class[i], path_arc[q]]
        total[i] = s


@kernel
def arc_flows(path_start, path_arc, path_class, tonnes, flow):
    """Add to `flow` (n_classes, n_arcs) the tonnes of each path on each of its arcs."""
    for i in range(path_class.size):
        for q in range(path_start[i], path_start[i + 1]):
            flow[path_class[i], path_arc[q]] += tonnes[i]
