"""All Pareto-good paths from one node to another over two to five additive objectives.

The search is label-setting with vector lower bounds and dimensionality reduction (Mandow and Pérez de la Cruz 2010;
Pulido et al. 2015). Labels of a node become permanent in lexicographic order, so the extensions of its labels over one
arc are sorted too. After the multiobjective Dijkstra algorithm (Maristany de las Casas, Sedeño-Noda, Borndörfer 2021)
no extension is stored before its turn: each arc remembers the label it stands at, offers one candidate to the queue
and steps on when that has been taken or is covered.

With lower bounds h to the goal, arcs carry reduced costs c + h(head) - h(tail) >= 0, so that the vector of a label is
at once the lower bound of every path through it.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel
from karavan.kernels.pareto_frontier import FIRST_ROOM, add_row, is_covered
from karavan.kernels.shortest_path import heap_pop, heap_push

COMPLETE, LABEL_LIMIT, NODES, ARCS, CHAIN, LABELS, POOL, ENDS = range(8)  # why the search stops
USED, N_NODES, N_ARCS, N_LABELS, N_ENDS, SIZE, END = range(7)  # places in `state`
LONGEST_CHAIN = 100


@kernel
def grow_tree(in_start, in_tail, in_cost, column, distance, via, keys, nodes, size, limit, target):
    """Settle nodes backward in order of cost until beyond `limit`, or until `target` is settled.

    State that may be taken up again: `distance` float64 (n_nodes,), `via` int32 (n_nodes,) position of the arc that
    leads on, the heap `keys`, `nodes` with `size` entries. Returns the new size.
    """
    while size > 0:
        key = keys[0]
        v = nodes[0]
        if key > limit:
            break
        size -= 1
        heap_pop(keys, nodes, size)
        if key > distance[v]:
            continue
        for p in range(in_start[v], in_start[v + 1]):
            u = in_tail[p]
            new = key + in_cost[p, column]
            if new < distance[u]:
                distance[u] = new
                via[u] = p
                heap_push(keys, nodes, size, new, u)
                size += 1
        if v == target:
            break
    return size


@kernel
def lower_bounds(in_start, in_tail, in_cost, goal, budget):
    """Return least cost from every node to the goal by objective, (n_objectives, n_nodes); infinite: no path.

    A bound above its budget is only known to be above it.
    """
    n_nodes = in_start.size - 1
    k = in_cost.shape[1]
    bound = np.full((k, n_nodes), np.inf)
    via = np.empty(n_nodes, np.int32)
    keys = np.empty(in_tail.size + 1)
    nodes = np.empty(in_tail.size + 1, np.int32)
    for j in range(k):
        bound[j, goal] = 0.0
        keys[0] = 0.0
        nodes[0] = goal
        grow_tree(in_start, in_tail, in_cost, j, bound[j], via, keys, nodes, 1, budget[j], -1)
    return bound


@kernel
def lower_bounds_of_two(in_start, in_tail, in_head, in_cost, start, goal, budget):
    """Return what `lower_bounds` does for two objectives, and how much a path may cost, the budget or less.

    The best path of each objective bounds what the other may cost, so that the trees stop there.
    """
    n_nodes = in_start.size - 1
    bound = np.full((2, n_nodes), np.inf)
    via = np.full(n_nodes, -1, np.int32)
    budget = budget.copy()
    keys = np.empty(in_tail.size + 1)
    nodes = np.empty(in_tail.size + 1, np.int32)
    keys[0] = 0.0
    nodes[0] = goal
    bound[0, goal] = 0.0
    bound[1, goal] = 0.0
    size = grow_tree(in_start, in_tail, in_cost, 0, bound[0], via, keys, nodes, 1, budget[0], start)
    if bound[0, start] > budget[0]:
        return bound, budget
    other = 0.0
    v = start
    while v != goal:
        other += in_cost[via[v], 1]
        v = in_head[via[v]]
    budget[1] = min(budget[1], other)
    keys2 = np.empty(in_tail.size + 1)
    nodes2 = np.empty(in_tail.size + 1, np.int32)
    keys2[0] = 0.0
    nodes2[0] = goal
    via2 = np.full(n_nodes, -1, np.int32)
    grow_tree(in_start, in_tail, in_cost, 1, bound[1], via2, keys2, nodes2, 1, budget[1], -1)
    if bound[1, start] > budget[1]:
        return bound, budget
    other = 0.0
    v = start
    while v != goal:
        other += in_cost[via2[v], 0]
        v = in_head[via2[v]]
    budget[0] = min(budget[0], other)
    grow_tree(in_start, in_tail, in_cost, 0, bound[0], via, keys, nodes, size, budget[0], -1)
    return bound, budget


@kernel
def follow(out_start, out_head, bound, budget, arc, before, goal):
    """Return the only arc by which a path goes on that came by `arc` from node `before`.

    -1: there is none, the arc leads nowhere. -2: there are several, or the path is at the goal.
    """
    v = out_head[arc]
    if v == goal:
        return -2
    only = -1
    for p in range(out_start[v], out_start[v + 1]):
        w = out_head[p]
        inside = w != before
        for j in range(len(budget)):
            inside = inside and bound[j, w] <= budget[j]
        if inside:
            if only >= 0:
                return -2
            only = p
    return only


@kernel
def comes_before(keys, i, key, second, arc, arcs, waiting):
    """Tell whether a candidate comes before entry i of the heap: lexicographically, then by arc."""
    if key != keys[i, 0]:
        return key < keys[i, 0]
    if second != keys[i, 1]:
        return second < keys[i, 1]
    return comes_before_further(arc, i, arcs, waiting)


@kernel
def comes_before_further(arc, i, arcs, waiting):
    """Answer for `comes_before` where the first two objectives are equal."""
    for j in range(waiting.shape[1]):
        if waiting[arc, j] != waiting[arcs[i], j]:
            return waiting[arc, j] < waiting[arcs[i], j]
    return arc < arcs[i]


@kernel
def sift_up(keys, arcs, i, key, second, arc, waiting):
    """Write an entry into the heap, from place i up."""
    while i > 0:
        up = (i - 1) >> 1
        if not comes_before(keys, up, key, second, arc, arcs, waiting):
            break
        keys[i, 0] = keys[up, 0]
        keys[i, 1] = keys[up, 1]
        arcs[i] = arcs[up]
        i = up
    keys[i, 0] = key
    keys[i, 1] = second
    arcs[i] = arc


@kernel
def sift_down(keys, arcs, size, key, second, arc, waiting):
    """Write an entry into the heap of `size` entries, from its top down."""
    i = 0
    while True:
        down = 2 * i + 1
        if down >= size:
            break
        if down + 1 < size and comes_before(
            keys, down, keys[down + 1, 0], keys[down + 1, 1], arcs[down + 1], arcs, waiting
        ):
            down += 1
        if comes_before(keys, down, key, second, arc, arcs, waiting):
            break
        keys[i, 0] = keys[down, 0]
        keys[i, 1] = keys[down, 1]
        arcs[i] = arcs[down]
        i = down
    keys[i, 0] = key
    keys[i, 1] = second
    arcs[i] = arc


@kernel
def is_covered_by_later(vector, link, since, factor, fresh, k):
    """Tell whether a label after `since` at its node covers a vector, the first objective aside."""
    later = link[since, 0]
    while later >= 0:
        j = 1
        while j < k and vector[later, j] <= factor * fresh[j]:
            j += 1
        if j == k:
            return True
        later = link[later, 0]
    return False


@kernel
def make_permanent(
    out_start, out_head, out_cost, bound, goal, budget, factor, limit, state, number, original, arc_range, last, front,
    pool, head, standing, cost, waiting, seen, chain_start, chain, keys, arcs, vector, link, ends,
):  # fmt: skip
    """Make labels permanent in lexicographic order until none is left that may lead to a new solution.

    Runs until `COMPLETE` or `LABEL_LIMIT`, or returns which arrays (`NODES`, `ARCS`, ...) must be longer to go on.
    See `pareto_search.static_paths` for the arrays.
    """
    k = len(budget)
    width = k - 1
    n_nodes = state[N_NODES]
    n_arcs = state[N_ARCS]
    n_labels = state[N_LABELS]
    n_ends = state[N_ENDS]
    size = state[SIZE]
    end = state[END]
    status = COMPLETE
    fresh = np.empty(k)
    trial = np.empty(k)
    while size > 0:
        p = arcs[0]
        v = head[p]
        before = standing[p]
        fresh[0] = keys[0, 0]
        fresh[1] = keys[0, 1]
        for j in range(2, k):
            fresh[j] = waiting[p, j - 2]
        if k == 2:
            added = not (
                is_covered(front, pool, v, width, factor, fresh, 1)
                or (end >= 0 and is_covered(front, pool, end, width, factor, fresh, 1))
            )
        else:
            # only what has come since the candidate was found can cover it
            if seen[p, 0] >= 0:
                added = not is_covered_by_later(vector, link, seen[p, 0], factor, fresh, k)
            else:
                added = not is_covered(front, pool, v, width, factor, fresh, 1)
            for i in range(n_ends - 1, seen[p, 1] - 1, -1):
                if not added:
                    break
                j = 1
                while j < k and vector[ends[i], j] <= factor * fresh[j]:
                    j += 1
                added = j < k
        if added:
            if n_labels == limit:
                status = LABEL_LIMIT
                break
            if n_labels == link.shape[0]:
                status = LABELS
                break
            if n_ends == ends.size:
                status = ENDS
                break
            if width > 1 and state[USED] + 2 * front[v, 1] + FIRST_ROOM > pool.shape[0]:
                status = POOL
                break
            if arc_range[v, 0] < 0:
                degree = out_start[original[v] + 1] - out_start[original[v]]
                if n_arcs + degree >= head.size:
                    status = ARCS
                    break
                if n_nodes + degree > original.size:
                    status = NODES
                    break
                if chain_start[n_arcs] + degree * LONGEST_CHAIN > chain.size:
                    status = CHAIN
                    break
            label = n_labels
            n_labels += 1
            for j in range(k):
                vector[label, j] = fresh[j]
            link[label, 0] = -1
            link[label, 1] = before
            link[label, 2] = p
            if last[v] >= 0:
                link[last[v], 0] = label
            last[v] = label
            add_row(front, pool, state, v, width, fresh, 1)
        # the next candidate of this arc
        extended = link[before, 0] if before >= 0 else -1
        while extended >= 0:
            over = False
            for j in range(k):
                trial[j] = vector[extended, j] + cost[p, j]
                over = over or trial[j] > budget[j]
            if not (
                over
                or is_covered(front, pool, v, width, factor, trial, 1)
                or (end >= 0 and is_covered(front, pool, end, width, factor, trial, 1))
            ):
                break
            extended = link[extended, 0]
        standing[p] = extended
        if extended >= 0:
            if k > 2:
                seen[p, 0] = last[v]
                seen[p, 1] = n_ends
            for j in range(2, k):
                waiting[p, j - 2] = trial[j]
            sift_down(keys, arcs, size, trial[0], trial[1], p, waiting)
        else:
            size -= 1
            if size > 0:
                sift_down(keys, arcs, size, keys[size, 0], keys[size, 1], arcs[size], waiting)
        if not added:
            continue
        if v == end:
            ends[n_ends] = label
            n_ends += 1
            continue
        if arc_range[v, 0] < 0:
            # copy the arcs out of this node
            u = original[v]
            arc_range[v, 0] = n_arcs
            for first in range(out_start[u], out_start[u + 1]):
                inside = out_head[first] != u
                for j in range(k):
                    inside = inside and bound[j, out_head[first]] <= budget[j]
                if not inside:
                    continue
                for j in range(k):
                    cost[n_arcs, j] = -bound[j, u]
                at = chain_start[n_arcs]
                tail = u
                step = first
                while step >= 0:
                    chain[at] = step
                    at += 1
                    for j in range(k):
                        cost[n_arcs, j] += out_cost[step, j]
                    w = out_head[step]
                    on = follow(out_start, out_head, bound, budget, step, tail, goal)
                    if on == -2 or at - chain_start[n_arcs] == LONGEST_CHAIN:
                        break
                    tail = w
                    step = on
                if step < 0 or w == u:
                    continue
                if number[w] < 0:
                    original[n_nodes] = w
                    if w == goal:
                        end = n_nodes
                    number[w] = n_nodes
                    n_nodes += 1
                for j in range(k):
                    # rounding must not make a reduced cost negative
                    cost[n_arcs, j] = max(0.0, cost[n_arcs, j] + bound[j, w])
                head[n_arcs] = number[w]
                n_arcs += 1
                chain_start[n_arcs] = at
            arc_range[v, 1] = n_arcs
        came = head[link[before, 2]] if k > 2 and before >= 0 else -1
        for q in range(arc_range[v, 0], arc_range[v, 1]):
            w = head[q]
            if w == came or standing[q] >= 0:
                continue  # back again, or an earlier label waits on this arc
            over = False
            for j in range(k):
                trial[j] = fresh[j] + cost[q, j]
                over = over or trial[j] > budget[j]
            if (
                over
                or (end >= 0 and is_covered(front, pool, end, width, factor, trial, 1))
                or is_covered(front, pool, w, width, factor, trial, 1)
                or arc_range[w, 0] == arc_range[w, 1] >= 0
            ):
                continue
            standing[q] = label
            if k > 2:
                seen[q, 0] = last[w]
                seen[q, 1] = n_ends
            for j in range(2, k):
                waiting[q, j - 2] = trial[j]
            sift_up(keys, arcs, size, trial[0], trial[1], q, waiting)
            size += 1
    state[N_NODES] = n_nodes
    state[N_ARCS] = n_arcs
    state[N_LABELS] = n_labels
    state[N_ENDS] = n_ends
    state[SIZE] = size
    state[END] = end
    return status


@kernel
def label_paths(ends, link, chain_start, chain):
    """Return the arcs of the paths to some labels in travel order: starts int64 (n + 1,) and arcs int32."""
    path_start = np.zeros(ends.size + 1, np.int64)
    for i in range(ends.size):
        n = 0
        label = ends[i]
        while link[label, 1] >= 0:
            n += chain_start[link[label, 2] + 1] - chain_start[link[label, 2]]
            label = link[label, 1]
        path_start[i + 1] = path_start[i] + n
    path_arc = np.empty(path_start[-1], np.int32)
    for i in range(ends.size):
        at = path_start[i + 1]
        label = ends[i]
        while link[label, 1] >= 0:
            for c in range(chain_start[link[label, 2] + 1] - 1, chain_start[link[label, 2]] - 1, -1):
                at -= 1
                path_arc[at] = chain[c]
            label = link[label, 1]
    return path_start, path_arc


@kernel
def path_vectors(path_start, place, cost):
    """Return the cost of each path by objective, (n_paths, n_objectives)."""
    total = np.zeros((path_start.size - 1, cost.shape[1]))
    for i in range(path_start.size - 1):
        for p in range(path_start[i], path_start[i + 1]):
            for j in range(cost.shape[1]):
                total[i, j] += cost[place[p], j]
    return total
