"""Shortest paths on a graph in compressed form (out-arcs of node v: `out_arc[out_start[v]:out_start[v + 1]]`).

Costs are of one arc each, at least zero; an arc that is not open is never used, whatever its cost. Distances to nodes
that cannot be reached are infinite; no such distance ever enters a sum here.

Method: Dijkstra (1959) with a binary heap and lazy deletion; with one target, A* (Hart, Nilsson, Raphael 1968) with a
consistent lower bound.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel


@kernel
def heap_push(keys, nodes, size, key, node):
    """Add `node` with `key` to the binary heap of `size` entries."""
    i = size
    while i > 0:
        up = (i - 1) >> 1
        if keys[up] <= key:
            break
        keys[i] = keys[up]
        nodes[i] = nodes[up]
        i = up
    keys[i] = key
    nodes[i] = node


@kernel
def heap_pop(keys, nodes, size):
    """Remove the first entry of a heap that has `size` entries left after it; the caller has read entry 0."""
    key = keys[size]
    node = nodes[size]
    i = 0
    while True:
        down = 2 * i + 1
        if down >= size:
            break
        if down + 1 < size and keys[down + 1] < keys[down]:
            down += 1
        if keys[down] >= key:
            break
        keys[i] = keys[down]
        nodes[i] = nodes[down]
        i = down
    keys[i] = key
    nodes[i] = node


@kernel
def shortest_tree(out_start, out_arc, head, cost, is_open, source):
    """Return cheapest distance from `source` to every node, and the arc by which each is reached.

    Returns
    -------
    distance
        float64 (n_nodes,), in the unit of `cost`; infinite where there is no open path.
    arrival
        int32 (n_nodes,), the last arc of the path; -1 at the source and where there is no path.
    """
    n_nodes = out_start.size - 1
    distance = np.full(n_nodes, np.inf)
    arrival = np.full(n_nodes, -1, np.int32)
    keys = np.empty(head.size + 1)
    nodes = np.empty(head.size + 1, np.int32)
    distance[source] = 0.0
    keys[0] = 0.0
    nodes[0] = source
    size = 1
    while size > 0:
        key = keys[0]
        v = nodes[0]
        size -= 1
        heap_pop(keys, nodes, size)
        if key > distance[v]:
            continue
        for p in range(out_start[v], out_start[v + 1]):
            a = out_arc[p]
            if not is_open[a]:
                continue
            w = head[a]
            new = key + cost[a]
            if new < distance[w]:
                distance[w] = new
                arrival[w] = a
                heap_push(keys, nodes, size, new, w)
                size += 1
    return distance, arrival


@kernel
def shortest_distances(start, arc, far, cost, is_open, tree_class, tree_root, distance):
    """Write to `distance` (n_trees, n_nodes) the cheapest cost between each root and every node, by class.

    With out-arcs and their heads: from the root. With in-arcs and their tails: to the root. `cost` and `is_open` are
    (n_classes, n_arcs).
    """
    for t in range(tree_root.size):
        k = tree_class[t]
        distance[t], _ = shortest_tree(start, arc, far, cost[k], is_open[k], tree_root[t])
