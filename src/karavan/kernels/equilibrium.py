"""Path flows of a congested network: finding new paths, and moving flow between the paths of a pair.

Work goes by *blocks*: origins of one class, sorted, whose pairs and paths stand together; blocks are independent but
for the link flows. Flow is in units that share the road (vehicles times pce). Paths of pair i form a list: `first[i]`,
then `path_next`; each ends in a branch of the block's path trees (`karavan.kernels.trees`); row g of `branch` is the
root of origin g.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel
from karavan.kernels.equilibrium_delay import delay_at
from karavan.kernels.trees import BEFORE, LANES, LINK, arrive, extend, label_nodes, path_to


@kernel
def branch_costs(branch, n, n_origins, cost, spent):
    """Write to `spent` (n,) what each branch costs from its origin on."""
    for i in range(n_origins):
        spent[i] = 0.0
    for i in range(n_origins, n):
        spent[i] = spent[branch[i, BEFORE]] + cost[branch[i, LINK]]


@kernel
def load_links(branch, n, n_origins, path_branch, path_flow, n_paths, flow):
    """Add the flows of all paths to the links' `flow`, once a branch."""
    load = np.zeros(n)
    for p in range(n_paths):
        load[path_branch[p]] += path_flow[p]
    for i in range(n - 1, n_origins - 1, -1):
        if load[i] > 0.0:
            load[branch[i, BEFORE]] += load[i]
            flow[branch[i, LINK]] += load[i]


@kernel
def new_paths(
    rank, start, high, low, lowest, out_start, out_link, in_start, in_link, tail, head,
    cost, up, down, up_from, down_from,
    origin, pair_start, destination, demand, worth, spent,
    first, path_branch, path_flow, path_next, n_paths, branch, n, least
):
    """Find the cheapest path of every pair of a block and add it to the pair's paths where it saves enough.

    Parameters
    ----------
    origin, pair_start, destination, demand
        Origin g's pairs are `pair_start[g]` to `pair_start[g + 1]`; a pair without paths is given one that carries all.
    worth
        A path is added where the pair's demand times what the path saves is above this.
    spent
        float64 (n,): cost of the branches at the current costs.
    least
        float64 (n_pairs,), written: cost of the cheapest path; infinite where there is none.

    Returns
    -------
    first unused paths and branches, the grown arrays `path_branch`, `path_flow`, `path_next`, `branch`, the number of
    paths added, what all flows spend, and what they spend above the cheapest paths.
    """
    n_nodes = start.size - 1
    n_search = n_nodes - lowest
    label, climbed = np.empty((n_search, LANES)), np.empty((n_search, LANES))
    arrival = np.empty((n_search, LANES), np.int32)
    reached = np.empty(n_nodes + 1, np.int32)
    known, stamps = np.empty(n_nodes, np.int32), np.full(n_nodes, -1, np.int32)
    arcs, parts = np.empty(n_nodes + 1, np.int32), np.empty(2 * n_nodes + 2, np.int32)
    total = excess = 0.0
    added = 0
    for g in range(0, origin.size, LANES):
        origins = origin[g : g + LANES]
        label_nodes(
            origins, rank, start, high, lowest, out_start, out_link, head, cost, up, down,
            label, climbed, arrival, reached,
        )  # fmt: skip
        for lane in range(origins.size):
            o = g + lane
            if branch.shape[0] < n + n_nodes + destination.size:
                grown = np.empty((n + n // 2 + n_nodes + destination.size, 4), np.int32)
                grown[:n] = branch[:n]
                branch = grown
            for i in range(pair_start[o], pair_start[o + 1]):
                cheapest, link = arrive(
                    origins[lane], destination[i], lane, rank, lowest, in_start, in_link, tail, cost, label
                )
                least[i] = cheapest
                if cheapest == np.inf:
                    continue
                best = np.inf
                before = -1
                p = first[i]
                while p >= 0:
                    spending = spent[path_branch[p]]
                    total += path_flow[p] * spending
                    excess += path_flow[p] * (spending - cheapest)
                    best = min(best, spending)
                    after = path_next[p]
                    if path_flow[p] == 0.0 and not (before == -1 and after == -1):
                        if before == -1:
                            first[i] = after
                        else:
                            path_next[before] = after
                    else:
                        before = p
                    p = after
                if first[i] >= 0 and (best - cheapest) * demand[i] <= worth:
                    continue
                if link < 0:
                    b, n = path_to(
                        rank[destination[i]], lane, o, rank, head, start, high, low, lowest, down, up_from, down_from,
                        label, climbed, arrival, branch, n, known, o, stamps, arcs, parts,
                    )  # fmt: skip
                else:
                    b = o
                    if rank[tail[link]] >= 0:
                        b, n = path_to(
                            rank[tail[link]], lane, o, rank, head, start, high, low, lowest, down, up_from, down_from,
                            label, climbed, arrival, branch, n, known, o, stamps, arcs, parts,
                        )  # fmt: skip
                    b, n = extend(branch, n, b, link)
                p = first[i]
                while p >= 0 and path_branch[p] != b:
                    p = path_next[p]
                if p >= 0:
                    continue
                if n_paths == path_branch.size:
                    path_branch = np.concatenate((path_branch, np.empty(n_paths // 2 + 16, np.int32)))
                    path_next = np.concatenate((path_next, np.empty(n_paths // 2 + 16, np.int32)))
                    path_flow = np.concatenate((path_flow, np.empty(n_paths // 2 + 16)))
                path_branch[n_paths] = b
                path_flow[n_paths] = demand[i] if first[i] < 0 else 0.0
                if first[i] < 0:
                    total += demand[i] * cheapest
                path_next[n_paths] = first[i]
                first[i] = n_paths
                n_paths += 1
                added += 1
    return n_paths, n, path_branch, path_flow, path_next, branch, added, total, excess


@kernel
def open_pairs(branch, first, path_branch, path_flow, path_next, fixed, mark):
    """List the pairs of a block that have more than one path, with the links on which their paths differ.

    Parameters
    ----------
    fixed
        float64 (n_links,): part of the cost that does not depend on flow.
    mark
        int32 (n_links,), scratch, zero before and after.

    Returns
    -------
    pair_path
        int64 (n_open + 1,): paths of open pair j are `pair_path[j]` to `pair_path[j + 1]`.
    path
        int32 (n_open_paths,): their place in the block.
    path_link
        int64 (n_open_paths + 1,): the links of path q are `link[path_link[q]:path_link[q + 1]]`.
    link
        int32: all links that not all paths of the pair share.
    rest
        float64 (n_open_paths,): fixed cost on these links.
    """
    n_open = n_paths = most = 0
    for i in range(first.size):
        p = first[i]
        if p < 0 or path_next[p] < 0:
            continue
        n_open += 1
        k = 0
        while p >= 0:
            k += 1
            p = path_next[p]
        n_paths += k
        most = max(most, k)
    pair_path = np.zeros(n_open + 1, np.int64)
    path = np.empty(n_paths, np.int32)
    path_link = np.zeros(n_paths + 1, np.int64)
    link = np.empty(24 * n_paths + 64, np.int32)
    rest = np.zeros(n_paths)
    at = np.empty(most, np.int32)
    n = j = q = 0
    for i in range(first.size):
        p = first[i]
        if p < 0 or path_next[p] < 0:
            continue
        k = 0
        while p >= 0:
            path[q + k] = p
            at[k] = path_branch[p]
            k += 1
            p = path_next[p]
        # a branch comes after the one before it: stepping back from the last of all finds where the paths part
        stop = at[0]
        same = False
        while not same:
            last = at[0]
            same = True
            for m in range(1, k):
                same = same and at[m] == last
                last = max(last, at[m])
            stop = last
            if not same:
                before = branch[last, BEFORE]
                for m in range(k):
                    if at[m] == last:
                        at[m] = before
        for m in range(k):
            b = path_branch[path[q + m]]
            while b != stop:
                mark[branch[b, LINK]] += 1
                b = branch[b, BEFORE]
        for m in range(k):
            b = path_branch[path[q + m]]
            while b != stop:
                a = branch[b, LINK]
                if mark[a] < k:
                    if n == link.size:
                        link = np.concatenate((link, np.empty(n, np.int32)))
                    link[n] = a
                    rest[q + m] += fixed[a]
                    n += 1
                b = branch[b, BEFORE]
            path_link[q + m + 1] = n
        for m in range(k):
            b = path_branch[path[q + m]]
            while b != stop:
                mark[branch[b, LINK]] = 0
                b = branch[b, BEFORE]
        q += k
        j += 1
        pair_path[j] = q
    return pair_path, path, path_link, link[:n].copy(), rest


@kernel
def move(link, begin, end, step, kind, delay, flow, time, slope):
    """Add `step` to the flow of the links in a stretch of `link` and bring their time and slope up to date."""
    for i in range(begin, end):
        a = link[i]
        flow[a] = max(flow[a] + step, 0.0)
        time[a], slope[a] = delay_at(kind[a], flow[a], delay[a, 0], delay[a, 1], delay[a, 2], delay[a, 3])


@kernel
def shift(pair_path, path, path_link, link, rest, path_flow, kind, delay, flow, time, slope, mark, tick, rounds, goal):
    """Move flow of each open pair from its dearer paths to its cheapest, a Newton step each, pair after pair.

    Parameters
    ----------
    pair_path, path, path_link, link, rest
        As `open_pairs` returns them.
    flow, time, slope
        float64 (n_links,), kept up to date after each step.
    mark, tick
        int64 (n_links,), scratch, below `tick` everywhere.
    rounds, goal
        All pairs are gone through up to this many times, until the excess met is at most `goal`.

    Returns
    -------
    Excess met in the last round (flow times what it pays above the pair's cheapest path), the next `tick`, rounds done.
    """
    excess = 0.0
    done = 0
    while done < rounds:
        excess = 0.0
        done += 1
        for j in range(pair_path.size - 1):
            q0, q1 = pair_path[j], pair_path[j + 1]
            if q1 - q0 == 2:
                m0, m1, m2 = path_link[q0], path_link[q0 + 1], path_link[q0 + 2]
                gap, rate = rest[q0] - rest[q0 + 1], 0.0
                for i in range(m0, m1):
                    gap += time[link[i]]
                    rate += slope[link[i]]
                for i in range(m1, m2):
                    gap -= time[link[i]]
                    rate += slope[link[i]]
                source, target = (path[q0], path[q0 + 1]) if gap > 0.0 else (path[q0 + 1], path[q0])
                has = path_flow[source]
                if has == 0.0 or gap == 0.0:
                    continue
                gap = abs(gap)
                excess += gap * has
                step = min(has, gap / rate) if rate > 0.0 else has
                path_flow[source] = has - step
                path_flow[target] += step
                if source == path[q0]:
                    step = -step
                move(link, m0, m1, step, kind, delay, flow, time, slope)
                move(link, m1, m2, -step, kind, delay, flow, time, slope)
                continue
            best, target = np.inf, q0
            for q in range(q0, q1):
                total = rest[q]
                for i in range(path_link[q], path_link[q + 1]):
                    total += time[link[i]]
                if total < best:
                    best, target = total, q
            tick += 2
            for i in range(path_link[target], path_link[target + 1]):
                mark[link[i]] = tick
            for q in range(q0, q1):
                has = path_flow[path[q]]
                if q == target or has == 0.0:
                    continue
                gap, rate = rest[q] - rest[target], 0.0
                for i in range(path_link[q], path_link[q + 1]):
                    a = link[i]
                    gap += time[a]
                    if mark[a] == tick:
                        mark[a] = tick + 1  # on both: neither its time nor its slope counts
                    else:
                        rate += slope[a]
                for i in range(path_link[target], path_link[target + 1]):
                    a = link[i]
                    gap -= time[a]
                    if mark[a] == tick:
                        rate += slope[a]
                    mark[a] = tick
                if gap == 0.0:
                    continue
                # what another path moved to the target before may have made it the dearer of the two
                source, sink = (q, target) if gap > 0.0 else (target, q)
                has = path_flow[path[source]]
                gap = abs(gap)
                excess += gap * has
                if has == 0.0:
                    continue
                step = min(has, gap / rate) if rate > 0.0 else has
                path_flow[path[source]] = has - step
                path_flow[path[sink]] += step
                move(link, path_link[source], path_link[source + 1], -step, kind, delay, flow, time, slope)
                move(link, path_link[sink], path_link[sink + 1], step, kind, delay, flow, time, slope)
        if excess <= goal:
            break
    return excess, tick + 2, done
