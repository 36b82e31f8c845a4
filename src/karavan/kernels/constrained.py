"""Paths of least price among those whose cost keeps to a limit: a shortest path with one resource.

Labels (price, cost) are taken in lexicographic order, so that one number a node, the least cost taken so far, decides
whether a label is dominated (the check of BOA*: Hernandez et al., ICAPS 2020). Cost to the destination, known for every
node, cuts off what cannot keep to the limit. Arrays as in `karavan.kernels.paths`.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel


@kernel
def _before(price, cost, i, j):
    return price[i] < price[j] or (price[i] == price[j] and cost[i] < cost[j])


@kernel
def _push(heap, size, label, price, cost):
    i = size
    while i > 0:
        up = (i - 1) >> 1
        if not _before(price, cost, label, heap[up]):
            break
        heap[i] = heap[up]
        i = up
    heap[i] = label


@kernel
def _pop(heap, size, price, cost):
    """Remove the first entry of a heap that has `size` entries left after it; the caller has read entry 0."""
    label = heap[size]
    i = 0
    while True:
        down = 2 * i + 1
        if down >= size:
            break
        if down + 1 < size and _before(price, cost, heap[down + 1], heap[down]):
            down += 1
        if not _before(price, cost, heap[down], label):
            break
        heap[i] = heap[down]
        i = down
    heap[i] = label


@kernel
def _longer(old):
    new = np.empty(2 * old.size, old.dtype)
    new[: old.size] = old
    return new


@kernel
def constrained_paths(
    out_start,
    out_arc,
    head,
    cost,
    is_open,
    price,
    demand_class,
    origin,
    destination,
    bound_row,
    bound,
    most_cost,
    limit,
    wanted,
    distance,
    path_start,
    path_arc,
):
    """Find for each demand the path of least price whose cost is at most `most_cost`, and write those wanted.

    Parameters
    ----------
    cost, price
        float64 (n_classes, n_arcs), at least zero: what is limited, and what is least.
    bound_row, bound
        Row of `bound` (float64, any number of rows, n_nodes) of each demand: least cost from a node to its destination,
        infinite where there is no path. -1: no bound.
    most_cost
        float64 (n_demands,): limit of the cost of a path.
    limit
        float64 (n_demands,): paths of a higher price need not be found; below zero: none is sought.
    wanted
        float64 (n_demands,): a path is written if its price is below this.
    distance
        float64 (n_demands,), written: least price, infinite where none is within the limits.
    path_start
        int64 (n_demands + 1,), written: arcs of demand i, in travel order, are
        `path_arc[path_start[i]:path_start[i + 1]]`.

    Returns
    -------
    Number of arcs written, or -1 where `path_arc` is too short (nothing in it is then of use).
    """
    n_nodes = out_start.size - 1
    least = np.full(n_nodes, np.inf)
    touched = np.empty(n_nodes, np.int32)
    room = 1024
    node, arc, parent = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)
    paid, spent = np.empty(room), np.empty(room)
    heap = np.empty(room, np.int32)
    written = 0
    path_start[0] = 0
    for i in range(demand_class.size):
        distance[i] = np.inf
        k, b, most = demand_class[i], bound_row[i], most_cost[i]
        source, target = origin[i], destination[i]
        n_labels, size, n_touched = 0, 0, 0
        if limit[i] >= 0.0 and (b < 0 or bound[b, source] <= most):
            node[0], arc[0], parent[0], paid[0], spent[0] = source, -1, -1, 0.0, 0.0
            n_labels, size = 1, 1
            heap[0] = 0
        last = -1
        while size > 0:
            label = heap[0]
            size -= 1
            _pop(heap, size, paid, spent)
            v = node[label]
            if spent[label] >= least[v]:
                continue
            if least[v] == np.inf:
                touched[n_touched] = v
                n_touched += 1
            least[v] = spent[label]
            if v == target:
                last = label
                break
            for p in range(out_start[v], out_start[v + 1]):
                a = out_arc[p]
                if not is_open[k, a]:
                    continue
                w = head[a]
                new_spent, new_paid = spent[label] + cost[k, a], paid[label] + price[k, a]
                if new_spent >= least[w] or new_paid > limit[i]:
                    continue
                if new_spent + (bound[b, w] if b >= 0 else 0.0) > most:
                    continue
                if n_labels == node.size:
                    node, arc, parent = _longer(node), _longer(arc), _longer(parent)
                    paid, spent, heap = _longer(paid), _longer(spent), _longer(heap)
                node[n_labels], arc[n_labels], parent[n_labels] = w, a, label
                paid[n_labels], spent[n_labels] = new_paid, new_spent
                _push(heap, size, n_labels, paid, spent)
                size += 1
                n_labels += 1
        if last >= 0:
            distance[i] = paid[last]
            if paid[last] < wanted[i]:
                length = 0
                label = last
                while parent[label] >= 0:
                    length += 1
                    label = parent[label]
                if written + length > path_arc.size:
                    return -1
                label = last
                at = written + length
                while parent[label] >= 0:
                    at -= 1
                    path_arc[at] = arc[label]
                    label = parent[label]
                written += length
        path_start[i + 1] = written
        for t in range(n_touched):
            least[touched[t]] = np.inf
    return written
