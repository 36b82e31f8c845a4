"""Cheapest paths of many origins over a contraction hierarchy, `LANES` origins in one sweep, and the paths they give.

Nodes are numbered by rank; `rank[node]` is -1 for a zone that may not be passed, which paths may leave or enter by its
own links only. Hierarchy arrays: see `karavan.kernels.contraction`. Links by node: `out_link[out_start[v]:
out_start[v + 1]]` leave v, `in_link[in_start[v]:in_start[v + 1]]` enter it.

Paths are kept as *path trees*, one an origin, whose branches are the paths as far as they are the same: row i of
`branch` (int32) is the last link of a path, the branch before it, and two columns that find the branches after it. A
branch comes after the one before it, so one run through the rows adds up costs, and one run back adds up flows.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel

LANES = 8
LINK, BEFORE, AFTER, NEXT = 0, 1, 2, 3  # columns of `branch`
AT_ORIGIN = -2  # in `arrival`: the origin itself; below it, -3 - link: reached by a link out of the origin


@kernel
def label_nodes(
    origins, rank, start, high, first, out_start, out_link, head, cost, up, down, label, climbed, arrival, reached
):
    """Find the cost from each of up to `LANES` origins to all nodes of rank `first` and above.

    Parameters
    ----------
    origins
        int32 (n <= LANES,): nodes.
    label
        float64 (n_nodes - first, LANES), written: cheapest cost; infinite where there is no way.
    climbed, arrival
        float64 and int32 (n_nodes - first, LANES), written: cost of the cheapest way that only climbs and the arc by
        which it comes (or `AT_ORIGIN` and below); `arrival` is -1 where no climb leads, `climbed` is then not set.
    reached
        int32 (n_nodes,), scratch.
    """
    label[:] = np.inf
    arrival[:] = -1
    for lane in range(origins.size):
        origin = origins[lane]
        n = 0
        if rank[origin] >= 0:
            reached[0] = rank[origin]
            label[rank[origin] - first, lane] = 0.0
            arrival[rank[origin] - first, lane] = AT_ORIGIN
            n = 1
        else:
            for p in range(out_start[origin], out_start[origin + 1]):
                a = out_link[p]
                v = rank[head[a]]
                if v >= 0 and cost[a] < label[v - first, lane]:
                    if arrival[v - first, lane] == -1:
                        reached[n] = v
                        n += 1
                    label[v - first, lane] = cost[a]
                    arrival[v - first, lane] = AT_ORIGIN - 1 - a
        # climb from all starts together, lowest rank first; the lowest neighbour of a node is below all its others
        while n > 0:
            v = reached[0]
            for i in range(1, n):
                v = min(v, reached[i])
            key = label[v - first, lane]
            climbed[v - first, lane] = key
            for e in range(start[v], start[v + 1]):
                u = high[e] - first
                new = key + up[e]
                if new < label[u, lane]:
                    label[u, lane] = new
                    arrival[u, lane] = e
            kept = 0
            for i in range(n):
                w = reached[i]
                if w == v and start[v] < start[v + 1]:
                    w = high[start[v]]
                elif w == v:
                    continue
                seen = False
                for j in range(kept):
                    seen = seen or reached[j] == w
                if not seen:
                    reached[kept] = w
                    kept += 1
            n = kept
    for v in range(start.size - 2, first - 1, -1):
        mine = label[v - first]
        for e in range(start[v], start[v + 1]):
            other = label[high[e] - first]
            add = down[e]
            for lane in range(LANES):
                new = other[lane] + add
                mine[lane] = min(mine[lane], new)


@kernel
def reach_ends(origins, ends, rank, first, in_start, in_link, tail, cost, label, reach):
    """Write to `reach` (LANES, n_ends) the cost from each origin to each of the nodes `ends`; infinite: no way."""
    row = np.empty(LANES)
    n = origins.size
    for j in range(ends.size):
        v = rank[ends[j]]
        if v >= 0:
            for lane in range(n):
                reach[lane, j] = label[v - first, lane]
            continue
        row[:] = np.inf
        for p in range(in_start[ends[j]], in_start[ends[j] + 1]):
            a = in_link[p]
            u = rank[tail[a]]
            if u >= 0:
                other = label[u - first]
                for lane in range(LANES):
                    new = other[lane] + cost[a]
                    row[lane] = min(row[lane], new)
            else:
                for lane in range(n):
                    if tail[a] == origins[lane]:
                        row[lane] = min(row[lane], cost[a])
        for lane in range(n):
            reach[lane, j] = row[lane]


@kernel
def entry_link(origin, destination, lane, cheapest, rank, first, in_start, in_link, tail, cost, label):
    """Return the link by which a zone that may not be passed is entered at the cheapest cost; -1: not such a zone."""
    if rank[destination] >= 0:
        return -1
    for p in range(in_start[destination], in_start[destination + 1]):
        a = in_link[p]
        v = rank[tail[a]]
        if v >= 0:
            if label[v - first, lane] + cost[a] == cheapest:
                return a
        elif tail[a] == origin and cost[a] == cheapest:
            return a
    return -1


@kernel
def skim(rank, start, high, first, out_start, out_link, in_start, in_link, tail, head, cost, up, down, froms, to, out):
    """Write to `out` (n_froms, n_to) the cheapest cost between nodes; infinite where there is no way, 0 to itself."""
    n = start.size - 1 - first
    label, climbed = np.empty((n, LANES)), np.empty((n, LANES))
    arrival = np.empty((n, LANES), np.int32)
    reached = np.empty(start.size, np.int32)
    for g in range(0, froms.size, LANES):
        origins = froms[g : g + LANES]
        label_nodes(
            origins,
            rank,
            start,
            high,
            first,
            out_start,
            out_link,
            head,
            cost,
            up,
            down,
            label,
            climbed,
            arrival,
            reached,
        )
        reach_ends(origins, to, rank, first, in_start, in_link, tail, cost, label, out[g : g + LANES])
        for lane in range(origins.size):
            for j in range(to.size):
                if to[j] == origins[lane]:
                    out[g + lane, j] = 0.0


@kernel
def extend(branch, n, i, link):
    """Return the branch that goes on from i over a link, and the number of branches then: n, or n + 1 if it is new."""
    j = branch[i, AFTER]
    while j >= 0:
        if branch[j, LINK] == link:
            return j, n
        j = branch[j, NEXT]
    branch[n, LINK] = link
    branch[n, BEFORE] = i
    branch[n, AFTER] = -1
    branch[n, NEXT] = branch[i, AFTER]
    branch[i, AFTER] = n
    return n, n + 1


@kernel
def path_to(
    v,
    lane,
    root,
    start,
    high,
    low,
    first,
    down,
    up_from,
    down_from,
    label,
    climbed,
    arrival,
    branch,
    n,
    known,
    stamp,
    stamps,
    arcs,
    parts,
):
    """Return the branch of the cheapest path from an origin to the node of rank v, and the number of branches then.

    Every node met gets one branch for the origin (`known`, valid where `stamps` is `stamp`), so that the path never
    meets a node twice, whatever arcs cost nothing. `branch` must have room for `n_nodes` more rows.

    Parameters
    ----------
    arcs, parts
        int32 (n_nodes + 1,) and int32 (2 * n_nodes,), scratch; the second for arcs that stand for others.
    """
    depth = 0
    climbing = False
    while stamps[v] != stamp:
        i = v - first
        if climbing or (arrival[i, lane] != -1 and climbed[i, lane] == label[i, lane]):
            climbing = True  # what was reached by a climb alone was reached by one all the way
            e = arrival[i, lane]
            if e <= AT_ORIGIN:
                break
            arcs[depth] = 2 * e
            v = low[e]
        else:
            mine = label[i, lane]
            e = start[v]
            while label[high[e] - first, lane] + down[e] != mine:
                e += 1
            arcs[depth] = 2 * e + 1
            v = high[e]
        depth += 1
    if stamps[v] == stamp:
        at = known[v]
    else:
        at = root
        e = arrival[v - first, lane]
        if e < AT_ORIGIN:
            at, n = extend(branch, n, root, AT_ORIGIN - 1 - e)
        known[v] = at
        stamps[v] = stamp
    while depth > 0:
        depth -= 1
        parts[0] = arcs[depth]
        waiting = 1
        while waiting > 0:
            waiting -= 1
            part = parts[waiting]
            e = part >> 1
            end = low[e] if part & 1 else high[e]
            if stamps[end] == stamp:
                at = known[end]
                continue
            f = down_from[e] if part & 1 else up_from[e]
            if f < 0:
                at, n = extend(branch, n, at, -1 - f)
                known[end] = at
                stamps[end] = stamp
                continue
            g = f + 1  # of the lower node's arcs: f to the lower end of e, g to the upper
            while high[g] != high[e]:
                g += 1
            if part & 1:
                parts[waiting] = 2 * f
                parts[waiting + 1] = 2 * g + 1
            else:
                parts[waiting] = 2 * g
                parts[waiting + 1] = 2 * f + 1
            waiting += 2
    return at, n
