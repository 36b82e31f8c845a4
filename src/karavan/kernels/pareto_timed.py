"""Pareto-good journeys over arcs with timetables, opening hours and waiting that costs money.

Label-setting search (NAMOA*dr in its lazy form: Hernández et al. 2023) whose first objective is the time of arrival;
time runs in minutes of a horizon. An arc may have a gate: a list of events. A label that comes no later than an
event's `last` may use it and goes on at `leave`, or at once where that is past: departures have `last` (loading
closes) before `leave`, opening hours have `leave` (opens) before `last` (closes). Dominance where waiting costs money:
see `rates_ahead`.

The certified form keeps with each label an apex, a vector no greater than any path the label stands for (A*pex: Zhang
et al. 2022). Labels are merged only while both wait in the queue, and the one that is there first is kept, so that a
label and its apex have the same time and meet the same events; what is merged stays within the factor to the goal.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel

COMPLETE, LABEL_LIMIT, LABELS, POOL, ENDS, QUEUE = range(6)  # why the search stops
USED, N_LABELS, N_ENDS, SIZE, NEXT_START, ALL_STARTS = range(6)  # places in `state`
PARENT, ARC, EVENT, NODE, NEXT_OPEN, STAGE = range(6)  # columns of `link`
WAITS, SETTLED, TAKEN_OVER = range(3)  # stages of a label
FIRST_ROOM = 4


@kernel
def rates_ahead(in_start, in_tail, in_gate, gate_rate, gate_step, gate_absorbs):
    """Return how much being early may cost from each node on: float64 (n_nodes, n_objectives).

    A label that is earlier by d minutes can follow any journey of a later one, waiting for the same departures. It then
    pays at most the greatest rate for waiting at any gate that it may meet up to and with the first departure, d
    minutes of it, and where waiting is charged by started steps one step more. So A may drop B if it is no later and
    A + rate * (d + step) <= B in every objective. Past a departure both are on the same vehicle.

    Parameters
    ----------
    in_start, in_tail, in_gate
        Arcs by head: their tails and gates (-1: none).
    gate_rate, gate_step
        (n_gates, n_objectives), per minute, column 0 not used; (n_gates,) minutes, 0: charged by the minute.
    gate_absorbs
        bool (n_gates,): all events of the gate leave at a fixed time.

    Returns
    -------
    Column 0: greatest step; other columns: greatest rate per minute.
    """
    n_nodes = in_start.size - 1
    k = gate_rate.shape[1]
    ahead = np.zeros((n_nodes, k))
    stack = np.empty(n_nodes, np.int32)
    waits = np.zeros(n_nodes, np.bool_)
    size = 0
    for v in range(n_nodes):
        for p in range(in_start[v], in_start[v + 1]):
            u = in_tail[p]
            g = in_gate[p]
            if g < 0:
                continue
            charged = False
            for j in range(1, k):
                charged = charged or gate_rate[g, j] > 0.0
                ahead[u, j] = max(ahead[u, j], gate_rate[g, j])
            if charged:
                ahead[u, 0] = max(ahead[u, 0], gate_step[g])
                if not waits[u]:
                    waits[u] = True
                    stack[size] = u
                    size += 1
    while size > 0:
        size -= 1
        v = stack[size]
        waits[v] = False
        for p in range(in_start[v], in_start[v + 1]):
            u = in_tail[p]
            g = in_gate[p]
            if g >= 0 and gate_absorbs[g]:
                continue
            more = False
            for j in range(k):
                if ahead[u, j] < ahead[v, j]:
                    ahead[u, j] = ahead[v, j]
                    more = True
            if more and not waits[u]:
                waits[u] = True
                stack[size] = u
                size += 1
    return ahead


@kernel
def is_dropped(place, pool, v, vector, bound, ahead, slack, k):
    """Tell whether a row of node v is no later and, with what being early may cost, at most `vector`.

    `slack`: resolution; a row may be more by this part of the vector's lower bound at the goal.
    """
    first = place[v, 0]
    for i in range(first, first + place[v, 1]):
        early = vector[0] - pool[i, 0]
        if early < 0.0:
            continue
        if early > 0.0:
            early += ahead[v, 0]
        j = 1
        while j < k and pool[i, j] + ahead[v, j] * early <= vector[j] + slack * (vector[j] + bound[j, v]):
            j += 1
        if j == k:
            if i > first:
                for c in range(k):
                    pool[first, c], pool[i, c] = pool[i, c], pool[first, c]
            return True
    return False


@kernel
def is_served(place, pool, goal, vector, v, bound, slack, start, certified, worst, k):
    """Tell whether a solution is, within the resolution, at most the lower bounds of `vector` at node v.

    Certified: time from `start` too is within the resolution, and `worst[0]` keeps the greatest ratio relied on.
    """
    first = place[goal, 0]
    for i in range(first, first + place[goal, 1]):
        reach = vector[0] + bound[0, v]
        if certified:
            reach += slack * (reach - start)
        if pool[i, 0] > reach:
            continue
        j = 1
        while j < k:
            reach = vector[j] + bound[j, v]
            if pool[i, j] > reach + slack * reach:
                break
            j += 1
        if j < k:
            continue
        if certified:
            worst[0] = max(worst[0], ratio(pool[i, 0] - start, vector[0] + bound[0, v] - start))
            for c in range(1, k):
                worst[0] = max(worst[0], ratio(pool[i, c], vector[c] + bound[c, v]))
        if i > first:
            for c in range(k):
                pool[first, c], pool[i, c] = pool[i, c], pool[first, c]
        return True
    return False


@kernel
def ratio(value, least):
    """Return value by least, 1 where it is no more."""
    return 1.0 if value <= least else value / least


@kernel
def keep_row(place, pool, state, v, vector, ahead, k):
    """Add a row to node v and drop rows that it makes useless; the pool has room for twice its rows and `FIRST_ROOM`.

    With one start all later labels are later than every row, so that a row's time counts only by what being early
    costs.
    """
    first = place[v, 0]
    n = place[v, 1]
    kept = first
    for i in range(first, first + n):
        late = vector[0] - pool[i, 0]
        useless = late <= 0.0 or state[ALL_STARTS] == 1
        j = 1
        while useless and j < k:
            useless = vector[j] - ahead[v, j] * late <= pool[i, j] if late > 0.0 else vector[j] <= pool[i, j]
            j += 1
        if not useless:
            if kept < i:
                for c in range(k):
                    pool[kept, c] = pool[i, c]
            kept += 1
    n = kept - first
    if n == place[v, 2]:
        for i in range(n):
            for c in range(k):
                pool[state[USED] + i, c] = pool[first + i, c]
        first = state[USED]
        place[v, 0] = first
        place[v, 2] = max(FIRST_ROOM, 2 * n)
        state[USED] += place[v, 2]
    for c in range(k):
        pool[first + n, c] = vector[c]
    place[v, 1] = n + 1


@kernel
def goes_before(key, second, label, i, keys, queue, vector, link, bound, k):
    """Tell whether a label comes before entry i of the queue: lexicographically, then by label."""
    if key != keys[i, 0]:
        return key < keys[i, 0]
    if second != keys[i, 1]:
        return second < keys[i, 1]
    other = queue[i]
    for j in range(2, k):
        a = vector[label, j] + bound[j, link[label, NODE]]
        b = vector[other, j] + bound[j, link[other, NODE]]
        if a != b:
            return a < b
    return label < other


@kernel
def enqueue(keys, queue, size, key, second, label, vector, link, bound, k):
    """Add a label to the queue of `size` entries."""
    i = size
    while i > 0:
        up = (i - 1) >> 1
        if not goes_before(key, second, label, up, keys, queue, vector, link, bound, k):
            break
        keys[i, 0] = keys[up, 0]
        keys[i, 1] = keys[up, 1]
        queue[i] = queue[up]
        i = up
    keys[i, 0] = key
    keys[i, 1] = second
    queue[i] = label


@kernel
def dequeue(keys, queue, size, vector, link, bound, k):
    """Remove the first entry of the queue, which has `size` entries left after it."""
    key = keys[size, 0]
    second = keys[size, 1]
    label = queue[size]
    i = 0
    while True:
        down = 2 * i + 1
        if down >= size:
            break
        if down + 1 < size and goes_before(
            keys[down + 1, 0], keys[down + 1, 1], queue[down + 1], down, keys, queue, vector, link, bound, k
        ):
            down += 1
        if goes_before(key, second, label, down, keys, queue, vector, link, bound, k):
            break
        keys[i, 0] = keys[down, 0]
        keys[i, 1] = keys[down, 1]
        queue[i] = queue[down]
        i = down
    keys[i, 0] = key
    keys[i, 1] = second
    queue[i] = label


@kernel
def merge(open_first, link, vector, apex, fresh, lowest, v, bound, ahead, slack, k):
    """Merge a new label with those that wait at node v, and tell whether one of them now stands for it.

    `fresh`: vector of the new label; `lowest`: its apex, lowered by what it takes over.
    """
    before = -1
    label = open_first[v]
    while label >= 0:
        after = link[label, NEXT_OPEN]
        early = fresh[0] - vector[label, 0]
        fits = link[label, STAGE] == WAITS
        j = 1
        while fits and j < k:
            if early > 0.0:
                low = min(apex[label, j], lowest[j] - ahead[v, j] * (early + ahead[v, 0]))
            elif early < 0.0:
                low = min(lowest[j], apex[label, j] - ahead[v, j] * (ahead[v, 0] - early))
            else:
                low = min(apex[label, j], lowest[j])
            own = vector[label, j] if early >= 0.0 else fresh[j]
            fits = own <= low + slack * (low + bound[j, v])
            j += 1
        if fits and early >= 0.0:
            for j in range(1, k):
                rise = ahead[v, j] * (early + ahead[v, 0]) if early > 0.0 else 0.0
                apex[label, j] = min(apex[label, j], lowest[j] - rise)
            return True
        if fits:
            for j in range(1, k):
                lowest[j] = min(lowest[j], apex[label, j] - ahead[v, j] * (ahead[v, 0] - early))
            link[label, STAGE] = TAKEN_OVER
        if link[label, STAGE] != WAITS:
            if before >= 0:
                link[before, NEXT_OPEN] = after
            else:
                open_first[v] = after
        else:
            before = label
        label = after
    return False


@kernel
def search_journeys(
    out_start, out_head, out_cost, out_gate, gate_start, event_last, event_leave, event_extra, gate_rate, gate_free,
    gate_step, gate_scan, bound, ahead, most, origin, goal, starts, budget, slack, certified, limit, state, worst,
    front, open_first, pool, vector, apex, link, keys, queue, ends,
):  # fmt: skip
    """Settle labels in lexicographic order, start by start, until none is left that may lead to a new solution.

    Runs until `COMPLETE` or `LABEL_LIMIT`, or returns which arrays must be longer to go on.
    See `pareto_search.timed_paths` for the arrays.
    """
    k = out_cost.shape[1]
    size = state[SIZE]
    n_labels = state[N_LABELS]
    n_ends = state[N_ENDS]
    status = COMPLETE
    fresh = np.empty(k)
    lowest = np.empty(k)
    sibling = np.empty(k)
    while True:
        if size == 0:
            if state[NEXT_START] == starts.size:
                break
            if n_labels == link.shape[0]:
                status = LABELS
                break
            start = starts[state[NEXT_START]]
            state[NEXT_START] += 1
            inside = start + bound[0, origin] <= budget[0]
            for j in range(k):
                vector[n_labels, j] = start if j == 0 else 0.0
                inside = inside and bound[j, origin] <= budget[j]
                if certified:
                    apex[n_labels, j] = vector[n_labels, j]
            if not inside:
                continue
            link[n_labels, PARENT] = -1
            link[n_labels, ARC] = -1
            link[n_labels, EVENT] = -1
            link[n_labels, NODE] = origin
            link[n_labels, NEXT_OPEN] = -1
            link[n_labels, STAGE] = WAITS
            enqueue(keys, queue, 0, start + bound[0, origin], bound[1, origin], n_labels, vector, link, bound, k)
            size = 1
            n_labels += 1
        start = starts[state[NEXT_START] - 1]
        label = queue[0]
        v = link[label, NODE]
        if link[label, STAGE] == TAKEN_OVER:
            size -= 1
            dequeue(keys, queue, size, vector, link, bound, k)
            continue
        if n_labels + most[v] > link.shape[0]:
            status = LABELS
        if size + most[v] > queue.size:
            status = QUEUE
        if state[USED] + 2 * front[v, 1] + FIRST_ROOM > pool.shape[0]:
            status = POOL
        if n_ends == ends.size:
            status = ENDS
        if n_labels >= limit:
            status = LABEL_LIMIT
        if status != COMPLETE:
            break
        size -= 1
        dequeue(keys, queue, size, vector, link, bound, k)
        for j in range(k):
            fresh[j] = vector[label, j]
            lowest[j] = apex[label, j] if certified else fresh[j]
        link[label, STAGE] = SETTLED
        if is_served(front, pool, goal, lowest, v, bound, slack, start, certified, worst, k):
            continue
        if v == goal:
            for j in range(1, k):
                worst[0] = max(worst[0], ratio(fresh[j], lowest[j])) if certified else worst[0]
            keep_row(front, pool, state, goal, fresh, ahead, k)
            ends[n_ends] = label
            n_ends += 1
            continue
        if is_dropped(front, pool, v, lowest, bound, ahead, 0.0 if certified else slack, k):
            continue
        keep_row(front, pool, state, v, lowest, ahead, k)
        for a in range(out_start[v], out_start[v + 1]):
            w = out_head[a]
            g = out_gate[a]
            first = -1
            beyond = 0
            if g >= 0:
                first = gate_start[g]
                beyond = gate_start[g + 1]
                high = beyond
                while first < high:
                    middle = (first + high) >> 1
                    if event_last[middle] < vector[label, 0]:
                        first = middle + 1
                    else:
                        high = middle
                if gate_scan[g] > 0:
                    beyond = min(beyond, first + gate_scan[g])
            sibling[0] = -1.0
            for e in range(first, beyond):
                n = n_labels
                fresh[0] = vector[label, 0] + out_cost[a, 0]
                charged = 0.0
                if e >= 0:
                    wait = max(0.0, event_leave[e] - vector[label, 0])
                    fresh[0] += wait
                    charged = max(0.0, wait - gate_free[g])
                    if gate_step[g] > 0.0:
                        charged = np.ceil(charged / gate_step[g]) * gate_step[g]
                    if event_extra.shape[0] > 0:
                        fresh[0] += event_extra[e, 0]
                inside = fresh[0] + bound[0, w] <= budget[0]
                lowest[0] = fresh[0]
                for j in range(1, k):
                    step = out_cost[a, j]
                    if e >= 0:
                        step += gate_rate[g, j] * charged
                        if event_extra.shape[0] > 0:
                            step += event_extra[e, j]
                    fresh[j] = vector[label, j] + step
                    lowest[j] = apex[label, j] + step if certified else fresh[j]
                    inside = inside and fresh[j] + bound[j, w] <= budget[j]
                if not inside:
                    continue
                if e > first and sibling[0] >= 0.0:
                    # a later departure that costs as much more as being early may is no better than the one before
                    early = lowest[0] - sibling[0]
                    rise = early + ahead[w, 0] if early > 0.0 else early
                    j = 1 if early >= 0.0 else k + 1
                    while j < k and sibling[j] + ahead[w, j] * rise <= lowest[j]:
                        j += 1
                    if j == k:
                        continue
                for j in range(k):
                    sibling[j] = lowest[j]
                if (
                    is_dropped(front, pool, w, lowest, bound, ahead, 0.0 if certified else slack, k)
                    or is_served(front, pool, goal, lowest, w, bound, slack, start, certified, worst, k)
                    or (certified and merge(open_first, link, vector, apex, fresh, lowest, w, bound, ahead, slack, k))
                ):
                    continue
                for j in range(k):
                    vector[n, j] = fresh[j]
                    if certified:
                        apex[n, j] = lowest[j]
                link[n, PARENT] = label
                link[n, ARC] = a
                link[n, EVENT] = e
                link[n, NODE] = w
                link[n, STAGE] = WAITS
                if certified:
                    link[n, NEXT_OPEN] = open_first[w]
                    open_first[w] = n
                enqueue(keys, queue, size, fresh[0] + bound[0, w], fresh[1] + bound[1, w], n, vector, link, bound, k)
                size += 1
                n_labels += 1
    state[SIZE] = size
    state[N_LABELS] = n_labels
    state[N_ENDS] = n_ends
    return status


@kernel
def journeys(ends, link, vector):
    """Return the arcs, events (-1: none) and times of arrival of the journeys to some labels, in travel order.

    Returns
    -------
    path_start, path_arc, path_event, path_time
        int64 (n + 1,), int32, int32, float64; and float64 (n,): time of the start of each.
    """
    path_start = np.zeros(ends.size + 1, np.int64)
    begin = np.empty(ends.size)
    for i in range(ends.size):
        n = 0
        label = ends[i]
        while link[label, PARENT] >= 0:
            n += 1
            label = link[label, PARENT]
        begin[i] = vector[label, 0]
        path_start[i + 1] = path_start[i] + n
    path_arc = np.empty(path_start[-1], np.int32)
    path_event = np.empty(path_start[-1], np.int32)
    path_time = np.empty(path_start[-1])
    for i in range(ends.size):
        label = ends[i]
        for at in range(path_start[i + 1] - 1, path_start[i] - 1, -1):
            path_arc[at] = link[label, ARC]
            path_event[at] = link[label, EVENT]
            path_time[at] = vector[label, 0]
            label = link[label, PARENT]
    return path_start, path_arc, path_event, path_time, begin
