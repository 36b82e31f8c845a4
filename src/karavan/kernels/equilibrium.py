"""Paths of a congested network: finding new ones, what they cost, the links they load.

Work goes by *blocks*: origins of one class, sorted, whose pairs and paths stand together; blocks are independent but
for the link flows. Flow is in units that share the road (vehicles times pce). Paths of pair i form a list: `first[i]`,
then `path_next`; each ends in a branch of the block's path trees (`karavan.kernels.trees`); row g of `branch` is the
root of origin g.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel
from karavan.kernels.trees import AFTER, BEFORE, LANES, LINK, NEXT, entry_link, extend, label_nodes, path_to, reach_ends


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
def prune(n_origins, first, path_branch, path_flow, path_next, branch, n):
    """Leave out paths that are in no list and branches that no path needs; order stays, paths are sorted by pair.

    Returns
    -------
    number of paths and branches left, and new `path_branch`, `path_flow`, `path_next`, `branch`; `first` is rewritten.
    """
    n_paths = 0
    place = np.full(n, -1, np.int32)
    place[:n_origins] = 0
    for i in range(first.size):
        p = first[i]
        while p >= 0:
            n_paths += 1
            b = path_branch[p]
            while place[b] < 0:
                place[b] = 0
                b = branch[b, BEFORE]
            p = path_next[p]
    kept = 0
    for b in range(n):
        if place[b] >= 0:
            place[b] = kept
            kept += 1
    tree = np.empty((kept + kept // 4, 4), np.int32)
    for b in range(n):
        x = place[b]
        if x < 0:
            continue
        tree[x, LINK] = branch[b, LINK]
        tree[x, AFTER] = -1
        tree[x, NEXT] = -1
        tree[x, BEFORE] = -1
        if b >= n_origins:
            y = place[branch[b, BEFORE]]
            tree[x, BEFORE] = y
            tree[x, NEXT] = tree[y, AFTER]
            tree[y, AFTER] = x
    room = n_paths + n_paths // 4 + 16
    ends, flows, nexts = np.empty(room, np.int32), np.empty(room), np.empty(room, np.int32)
    q = 0
    for i in range(first.size):
        p = first[i]
        if p >= 0:
            first[i] = q
        while p >= 0:
            ends[q] = place[path_branch[p]]
            flows[q] = path_flow[p]
            p = path_next[p]
            nexts[q] = q + 1 if p >= 0 else -1
            q += 1
    return n_paths, kept, ends, flows, nexts, tree


@kernel
def new_paths(
    rank,
    start,
    high,
    low,
    lowest,
    out_start,
    out_link,
    in_start,
    in_link,
    tail,
    head,
    cost,
    up,
    down,
    up_from,
    down_from,
    origin,
    pair_start,
    destination,
    ends,
    end,
    demand,
    worth,
    part,
    parts_of,
    spent,
    first,
    path_branch,
    path_flow,
    path_next,
    n_paths,
    branch,
    n,
    least,
):
    """Find the cheapest path of every pair of a block and add it to the pair's paths where it saves enough.

    Parameters
    ----------
    origin, pair_start, destination, demand
        Origin g's pairs are `pair_start[g]` to `pair_start[g + 1]`; a pair without paths is given one that carries all.
    ends, end
        Nodes that are destinations, each once, and the place of each pair's destination among them.
    worth
        A path is added where the pair's demand times what the path saves is above this.
    part, parts_of
        Of the pairs without paths only every `parts_of`-th has its turn.
    spent
        float64 (n,): cost of the branches at the current costs.
    least
        float64 (n_pairs,), written: cost of the cheapest path; infinite where there is none.

    Returns
    -------
    first unused paths and branches, the grown arrays `path_branch`, `path_flow`, `path_next`, `branch`; the number of
    paths added, of these the only ones of their pairs, and of paths in use; what all flows spend, and what they spend
    above the cheapest paths.
    """
    n_nodes = start.size - 1
    n_search = n_nodes - lowest
    label, climbed = np.empty((n_search, LANES)), np.empty((n_search, LANES))
    arrival = np.empty((n_search, LANES), np.int32)
    reached = np.empty(n_nodes + 1, np.int32)
    known, stamps = np.empty(n_nodes, np.int32), np.full(n_nodes, -1, np.int32)
    arcs, parts = np.empty(n_nodes + 1, np.int32), np.empty(2 * n_nodes + 2, np.int32)
    reach = np.empty((LANES, ends.size))
    total = excess = 0.0
    added = live = new_pairs = 0
    for g in range(0, origin.size, LANES):
        origins = origin[g : g + LANES]
        label_nodes(
            origins, rank, start, high, lowest, out_start, out_link, head, cost, up, down,
            label, climbed, arrival, reached,
        )  # fmt: skip
        reach_ends(origins, ends, rank, lowest, in_start, in_link, tail, cost, label, reach)
        for lane in range(origins.size):
            o = g + lane
            if branch.shape[0] < n + n_nodes + destination.size:
                grown = np.empty((n + n // 2 + n_nodes + destination.size, 4), np.int32)
                grown[:n] = branch[:n]
                branch = grown
            for i in range(pair_start[o], pair_start[o + 1]):
                if parts_of > 1 and (first[i] >= 0 or i % parts_of != part):
                    continue
                cheapest = reach[lane, end[i]]
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
                        live += 1
                    p = after
                if first[i] >= 0 and (best - cheapest) * demand[i] <= worth:
                    continue
                link = entry_link(
                    origins[lane], destination[i], lane, cheapest, rank, lowest, in_start, in_link, tail, cost, label
                )
                if link < 0:
                    b, n = path_to(
                        rank[destination[i]], lane, o, start, high, low, lowest, down, up_from, down_from,
                        label, climbed, arrival, branch, n, known, o, stamps, arcs, parts,
                    )  # fmt: skip
                else:
                    b = o
                    if rank[tail[link]] >= 0:
                        b, n = path_to(
                            rank[tail[link]], lane, o, start, high, low, lowest, down, up_from, down_from,
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
                    new_pairs += 1
                path_next[n_paths] = first[i]
                first[i] = n_paths
                n_paths += 1
                added += 1
    return n_paths, n, path_branch, path_flow, path_next, branch, added, new_pairs, live + added, total, excess


@kernel
def resume(n_origins, first, path_branch, path_flow, path_next, branch, n, closed, demand):
    """Drop paths over closed links and let the flows of each pair add up to its demand, in the shares they had.

    `first`, `path_flow` and `path_next` are changed; a pair all of whose paths are closed is left without.
    """
    barred = np.zeros(n, np.bool_)
    for i in range(n_origins, n):
        barred[i] = barred[branch[i, BEFORE]] or closed[branch[i, LINK]]
    for i in range(first.size):
        before = -1
        total = 0.0
        p = first[i]
        while p >= 0:
            after = path_next[p]
            if barred[path_branch[p]]:
                path_flow[p] = 0.0
                if before < 0:
                    first[i] = after
                else:
                    path_next[before] = after
            else:
                total += path_flow[p]
                before = p
            p = after
        p = first[i]
        if p >= 0 and total == 0.0:
            path_flow[p] = demand[i]
        while p >= 0 and total > 0.0:
            path_flow[p] *= demand[i] / total
            p = path_next[p]


@kernel
def list_paths(first, path_next, path_branch, path_flow, branch, wanted):
    """Return pair, place, first link of all paths with flow, and their links in travel order.

    With `wanted` a link and not -1, only of those that use it.
    """
    pair, path = np.empty(path_flow.size, np.int32), np.empty(path_flow.size, np.int32)
    start = np.zeros(path_flow.size + 1, np.int64)
    link = np.empty(16 * path_flow.size + 16, np.int32)
    n = q = 0
    for i in range(first.size):
        p = first[i]
        while p >= 0:
            length = 0
            uses = wanted < 0
            b = path_branch[p]
            while branch[b, BEFORE] >= 0:
                uses = uses or branch[b, LINK] == wanted
                length += 1
                b = branch[b, BEFORE]
            if uses and path_flow[p] > 0.0:
                if n + length > link.size:
                    link = np.concatenate((link, np.empty(n + length, np.int32)))
                b = path_branch[p]
                for x in range(length):
                    link[n + length - 1 - x] = branch[b, LINK]
                    b = branch[b, BEFORE]
                n += length
                pair[q], path[q] = i, p
                q += 1
                start[q] = n
            p = path_next[p]
    return pair[:q], path[:q], start[: q + 1], link[:n]


@kernel
def open_pairs(branch, first, path_branch, path_flow, path_next, fixed):
    """List the pairs of a block that have more than one path, with the links on which their paths differ.

    Parameters
    ----------
    fixed
        float64 (n_links,): part of the cost that does not depend on flow.

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
    rest, has
        float64 (n_open_paths,): fixed cost on these links; flow of the path.
    """
    mark = np.zeros(fixed.size, np.int32)
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
    link = np.empty(16 * n_paths + 64, np.int32)
    rest, has = np.zeros(n_paths), np.empty(n_paths)
    at, length = np.empty(most, np.int32), np.empty(most, np.int64)
    walk = np.empty((most, 256), np.int32)
    n = j = q = 0
    for i in range(first.size):
        p = first[i]
        if p < 0 or path_next[p] < 0:
            continue
        k = 0
        while p >= 0:
            path[q + k] = p
            has[q + k] = path_flow[p]
            at[k] = path_branch[p]
            length[k] = 0
            k += 1
            p = path_next[p]
        # a branch comes after the one before it: stepping back from the last of all finds where the paths part
        while True:
            last = at[0]
            same = True
            for m in range(1, k):
                same = same and at[m] == at[0]
                last = max(last, at[m])
            if same:
                break
            a, before = branch[last, LINK], branch[last, BEFORE]
            for m in range(k):
                if at[m] == last:
                    if length[m] == walk.shape[1]:
                        grown = np.empty((most, 2 * length[m]), np.int32)
                        grown[:, : length[m]] = walk
                        walk = grown
                    walk[m, length[m]] = a
                    length[m] += 1
                    mark[a] += 1
                    at[m] = before
        for m in range(k):
            if n + length[m] > link.size:
                link = np.concatenate((link, np.empty(n // 2 + length[m], np.int32)))
            for x in range(length[m]):
                a = walk[m, x]
                if mark[a] < k:
                    link[n] = a
                    rest[q + m] += fixed[a]
                    n += 1
            path_link[q + m + 1] = n
        for m in range(k):
            for x in range(length[m]):
                mark[walk[m, x]] = 0
        q += k
        j += 1
        pair_path[j] = q
    return pair_path, path, path_link, link[:n], rest, has
