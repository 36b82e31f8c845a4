"""Contraction hierarchy of a graph whose costs change: ordered once, priced anew in milliseconds.

Nodes are contracted one by one, those of fewest neighbours first; every pair of neighbours left behind is joined. What
results is a graph of *hierarchy arcs* from each node up to nodes of higher rank, each with a cost upward and one
downward: infinite where nothing leads that way, so that one-way streets, dead ends and chains of degree two need no
care of their own. A cheapest path climbs from its start and then descends to its end.

Method: Dibbelt, Strasser, Wagner, Customizable Contraction Hierarchies, ACM JEA 21 (2016), with a minimum-degree order
(Tinney and Walker 1967) in place of nested dissection.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel
from karavan.kernels.shortest_path import heap_pop, heap_push


@kernel
def contract(n_nodes, tail, head):
    """Order the nodes and find the neighbours each has when it is contracted.

    Returns
    -------
    order
        int32 (n_nodes,): nodes, first contracted first.
    up_start, up_node
        int64 (n_nodes + 1,), int32: neighbours of `order[r]` when it is contracted are
        `up_node[up_start[r]:up_start[r + 1]]`.
    """
    begin = np.zeros(n_nodes, np.int64)
    room = np.zeros(n_nodes, np.int64)
    length = np.zeros(n_nodes, np.int64)
    for a in range(tail.size):
        room[tail[a]] += 1
        room[head[a]] += 1
    used = 0
    for v in range(n_nodes):
        begin[v] = used
        used += room[v]
    near = np.empty(4 * used + 16, np.int32)
    for a in range(tail.size):
        v, w = tail[a], head[a]
        if v != w:
            near[begin[v] + length[v]] = w
            near[begin[w] + length[w]] = v
            length[v] += 1
            length[w] += 1
    mark = np.full(n_nodes, -1, np.int64)
    level = np.zeros(n_nodes, np.int64)
    key = np.zeros(n_nodes)
    keys = np.empty(n_nodes + 16)
    nodes = np.empty(n_nodes + 16, np.int32)
    size = 0
    for v in range(n_nodes):
        kept = 0
        for i in range(begin[v], begin[v] + length[v]):
            if mark[near[i]] != v:
                mark[near[i]] = v
                near[begin[v] + kept] = near[i]
                kept += 1
        length[v] = kept
        key[v] = kept
        heap_push(keys, nodes, size, key[v], v)
        size += 1
    tick = n_nodes
    order = np.empty(n_nodes, np.int32)
    up_start = np.zeros(n_nodes + 1, np.int64)
    up_node = np.empty(4 * n_nodes + 16, np.int32)
    rank = 0
    done = np.zeros(n_nodes, np.bool_)
    while size > 0:
        top, v = keys[0], nodes[0]
        size -= 1
        heap_pop(keys, nodes, size)
        if done[v] or top != key[v]:
            continue
        done[v] = True
        order[rank] = v
        first, n = up_start[rank], length[v]
        if first + n > up_node.size:
            up_node = np.concatenate((up_node, np.empty(up_node.size + n, np.int32)))
        for i in range(n):
            up_node[first + i] = near[begin[v] + i]
        rank += 1
        up_start[rank] = first + n
        for i in range(n):
            u = up_node[first + i]
            tick += 1
            mark[u] = tick
            kept = 0
            b = begin[u]
            for j in range(b, b + length[u]):
                w = near[j]
                if w != v:
                    mark[w] = tick
                    near[b + kept] = w
                    kept += 1
            if kept + n > room[u]:  # move the neighbours of u to the end, with room to grow
                room[u] = 2 * (kept + n)
                if used + room[u] > near.size:
                    near = np.concatenate((near, np.empty(near.size + room[u], np.int32)))
                near[used : used + kept] = near[b : b + kept]
                begin[u] = b = used
                used += room[u]
            for j in range(n):
                w = up_node[first + j]
                if mark[w] != tick:
                    near[b + kept] = w
                    kept += 1
            length[u] = kept
            level[u] = max(level[u], level[v] + 1)
            key[u] = kept + LEVEL_SHARE * level[u]
            if size == keys.size:
                keys = np.concatenate((keys, np.empty(size)))
                nodes = np.concatenate((nodes, np.empty(size, np.int32)))
            heap_push(keys, nodes, size, key[u], u)
            size += 1
    return order, up_start, up_node[: up_start[n_nodes]]


LEVEL_SHARE = 0.25  # a node as deep as this many nodes is wide waits as long: shorter climbs for little more fill


@kernel
def rank_arcs(order, up_start, up_node, is_end):
    """Renumber nodes by rank, those at or above an end last, and sort the hierarchy arcs of each by rank.

    Parameters
    ----------
    order, up_start, up_node
        As `contract` returns them.
    is_end
        bool (n_nodes,): where paths may start or end.

    Returns
    -------
    rank
        int32 (n_nodes,).
    start, high
        int64 (n_nodes + 1,), int32 (n_up,): arcs up from rank v lead to `high[start[v]:start[v + 1]]`, ascending.
    low
        int32 (n_up,): the lower end of each arc.
    first
        Least rank of those at or above an end: searches never go below.
    """
    n = order.size
    place = np.empty(n, np.int32)
    for r in range(n):
        place[order[r]] = r
    above = np.zeros(n, np.bool_)
    for r in range(n):
        if is_end[order[r]]:
            above[r] = True
        if above[r]:
            for i in range(up_start[r], up_start[r + 1]):
                above[place[up_node[i]]] = True
    first = 0
    for r in range(n):
        if not above[r]:
            first += 1
    rank = np.empty(n, np.int32)
    start = np.zeros(n + 1, np.int64)
    below, over = 0, first
    for r in range(n):
        if above[r]:
            new = over
            over += 1
        else:
            new = below
            below += 1
        rank[order[r]] = new
        start[new + 1] = up_start[r + 1] - up_start[r]
    for v in range(n):
        start[v + 1] += start[v]
    high = np.empty(up_node.size, np.int32)
    low = np.empty(up_node.size, np.int32)
    for r in range(n):
        v = rank[order[r]]
        b = start[v]
        for i in range(up_start[r + 1] - up_start[r]):
            u = rank[up_node[up_start[r] + i]]
            j = b + i
            while j > b and high[j - 1] > u:
                high[j] = high[j - 1]
                j -= 1
            high[j] = u
            low[b + i] = v
    return rank, start, high, low, first


@kernel
def count_triangles(start):
    """Return how many pairs of upper neighbours there are: the size of `triangles`."""
    total = 0
    for v in range(start.size - 1):
        d = start[v + 1] - start[v]
        total += d * (d - 1) // 2
    return total


@kernel
def find_triangles(start, high, triangles):
    """Write to int32 `triangles`, in the order in which `price_arcs` meets them, the arc that closes each triangle."""
    t = 0
    for v in range(start.size - 1):
        for i in range(start[v], start[v + 1]):
            e = start[high[i]]
            for j in range(i + 1, start[v + 1]):
                w = high[j]
                while high[e] != w:
                    e += 1
                triangles[t] = e
                t += 1


@kernel
def place_links(rank, start, high, tail, head, link_arc):
    """Write to int32 `link_arc` (n_links,) twice the arc that a link runs along, plus one if downward; -1: none."""
    for a in range(tail.size):
        v, u = rank[tail[a]], rank[head[a]]
        link_arc[a] = -1
        if v < 0 or u < 0 or v == u:
            continue
        down = v > u
        lower, upper = (u, v) if down else (v, u)
        b, e = start[lower], start[lower + 1]
        while b < e - 1:
            m = (b + e) >> 1
            if high[m] <= upper:
                b = m
            else:
                e = m
        link_arc[a] = 2 * b + (1 if down else 0)


@kernel
def price_arcs(start, triangles, link_arc, cost, up, down, up_from, down_from):
    """Work out the cost of all hierarchy arcs from the costs of the links.

    Parameters
    ----------
    cost
        float64 (n_links,), at least zero; infinite where a link is closed.
    up, down
        float64 (n_up,), written: cost of an arc upward and downward; infinite where nothing leads that way.
    up_from, down_from
        int32 (n_up,), written: what the arc stands for. Below zero: link `-1 - x`. Else arc x leads from a lower node m
        to the lower end of this one, and the way goes over m.
    """
    up[:] = np.inf
    down[:] = np.inf
    up_from[:] = -1
    down_from[:] = -1
    for a in range(link_arc.size):
        p = link_arc[a]
        if p < 0:
            continue
        e = p >> 1
        if p & 1:
            if cost[a] < down[e]:
                down[e] = cost[a]
                down_from[e] = -1 - a
        elif cost[a] < up[e]:
            up[e] = cost[a]
            up_from[e] = -1 - a
    t = 0
    for v in range(start.size - 1):
        last = start[v + 1]
        for i in range(start[v], last):
            into, out = down[i], up[i]
            for j in range(i + 1, last):
                e = triangles[t]
                t += 1
                new = into + up[j]
                if new < up[e]:
                    up[e] = new
                    up_from[e] = i
                new = down[j] + out
                if new < down[e]:
                    down[e] = new
                    down_from[e] = i
