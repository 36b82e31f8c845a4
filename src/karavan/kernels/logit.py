"""Choice between the paths of a demand: alternatives, overlap, nested shares, and how they answer to prices of rows.

Paths stand in flat arenas: arcs of path i are `path_arc[path_start[i]:path_start[i + 1]]`, the rows it uses and the
units of each `row[row_start[i]:row_start[i + 1]]` and `units`. Paths of a nest, nests of a nest, nests of a demand are
contiguous.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel
from karavan.kernels.shortest_path import heap_pop, heap_push


@kernel
def alternative_paths(
    out_start,
    out_arc,
    tail,
    head,
    cost,
    is_open,
    demand_class,
    origin,
    destination,
    demand_bound,
    bound,
    rounds,
    penalty,
    most,
    detour,
    path_start,
    path_arc,
    path_demand,
):
    """Write different paths of each demand: the cheapest, then the cheapest with the arcs found before made dearer.

    Method: link penalty (de la Barra, Perez and Anez 1993). `rounds` times the cheapest path is sought; the arcs of
    each path found cost `penalty` times more from then on. Kept are at most `most` different paths a demand, none that
    costs more than `detour` times the cheapest.

    Parameters
    ----------
    demand_bound, bound
        Row of `bound` (any number of rows, n_nodes) of each demand, -1 for none, as in `cheapest_paths`.
    path_start, path_arc, path_demand
        Written: int64, int32, int32.

    Returns
    -------
    Paths written, or -1 where an arena is too short (nothing in it is then of use).
    """
    n_nodes = out_start.size - 1
    label = np.full(n_nodes, np.inf)
    arrival = np.full(n_nodes, -1, np.int32)
    touched = np.empty(n_nodes, np.int32)
    keys = np.empty(head.size + 1)
    nodes = np.empty(head.size + 1, np.int32)
    factor = np.ones(head.size)
    marked = np.empty(head.size, np.int32)
    n_paths = 0
    written = 0
    path_start[0] = 0
    for i in range(demand_class.size):
        k, source, target, b = demand_class[i], origin[i], destination[i], demand_bound[i]
        guided = b >= 0
        first = n_paths
        n_marked = 0
        best = np.inf
        for _ in range(rounds):
            if n_paths - first == most:
                break
            touched[0] = source
            n_touched = 1
            label[source] = 0.0
            keys[0] = bound[b, source] if guided else 0.0
            nodes[0] = source
            size = 1
            while size > 0:
                key = keys[0]
                v = nodes[0]
                if v == target:
                    break
                size -= 1
                heap_pop(keys, nodes, size)
                here = label[v]
                if (here + bound[b, v] if guided else here) < key:
                    continue
                for p in range(out_start[v], out_start[v + 1]):
                    a = out_arc[p]
                    if not is_open[k, a]:
                        continue
                    w = head[a]
                    new = here + cost[k, a] * factor[a]
                    if new < label[w]:
                        reach = new + bound[b, w] if guided else new
                        if reach == np.inf:
                            continue
                        if label[w] == np.inf:
                            touched[n_touched] = w
                            n_touched += 1
                        label[w] = new
                        arrival[w] = a
                        heap_push(keys, nodes, size, reach, w)
                        size += 1
            found = label[target] < np.inf
            length = 0
            true = 0.0
            if found:
                v = target
                while v != source:
                    true += cost[k, arrival[v]]
                    v = tail[arrival[v]]
                    length += 1
                if best == np.inf:
                    best = true
                if written + length > path_arc.size or n_paths + 1 > path_demand.size:
                    return -1
                v = target
                for q in range(length):
                    a = arrival[v]
                    path_arc[written + length - 1 - q] = a
                    if factor[a] == 1.0:
                        marked[n_marked] = a
                        n_marked += 1
                    factor[a] *= penalty
                    v = tail[a]
            for t in range(n_touched):
                label[touched[t]] = np.inf
                arrival[touched[t]] = -1
            if not found:
                break
            keep = true <= detour * best
            for j in range(first, n_paths):
                if not keep:
                    break
                if path_start[j + 1] - path_start[j] == length:
                    same = True
                    for q in range(length):
                        if path_arc[path_start[j] + q] != path_arc[written + q]:
                            same = False
                            break
                    keep = not same
            if keep:
                path_demand[n_paths] = i
                n_paths += 1
                written += length
                path_start[n_paths] = written
        for t in range(n_marked):
            factor[marked[t]] = 1.0
    return n_paths


@kernel
def path_sizes(path_start, path_arc, path_class, demand_start, length, n_arcs, size):
    """Write the path size of each path among those of its demand (Ben-Akiva and Bierlaire 1999).

    Sum over its arcs of the arc's share of the path's length over the number of paths of the demand that use the arc:
    1 for a path that shares nothing, 1/n for n equal ones. `length` is (n_classes, n_arcs), at least zero; a path
    without length has size 1.
    """
    users = np.zeros(n_arcs)
    for d in range(demand_start.size - 1):
        for i in range(demand_start[d], demand_start[d + 1]):
            for q in range(path_start[i], path_start[i + 1]):
                users[path_arc[q]] += 1.0
        for i in range(demand_start[d], demand_start[d + 1]):
            total = 0.0
            shared = 0.0
            for q in range(path_start[i], path_start[i + 1]):
                here = length[path_class[i], path_arc[q]]
                total += here
                shared += here / users[path_arc[q]]
            size[i] = shared / total if total > 0.0 else 1.0
        for i in range(demand_start[d], demand_start[d + 1]):
            for q in range(path_start[i], path_start[i + 1]):
                users[path_arc[q]] = 0.0


@kernel
def commonalities(path_start, path_arc, path_class, demand_start, length, n_arcs, common):
    """Write the commonality of each path with those of its demand, itself counted (Cascetta et al. 1996).

    Sum over the demand's paths of the length in common over the root of the product of both lengths: 1 for a path that
    shares nothing, n for n equal ones.
    """
    on = np.zeros(n_arcs, np.bool_)
    for d in range(demand_start.size - 1):
        for i in range(demand_start[d], demand_start[d + 1]):
            k = path_class[i]
            mine = 0.0
            for q in range(path_start[i], path_start[i + 1]):
                on[path_arc[q]] = True
                mine += length[k, path_arc[q]]
            common[i] = 0.0
            for j in range(demand_start[d], demand_start[d + 1]):
                other = 0.0
                both = 0.0
                for q in range(path_start[j], path_start[j + 1]):
                    other += length[k, path_arc[q]]
                    if on[path_arc[q]]:
                        both += length[k, path_arc[q]]
                if mine * other > 0.0:
                    common[i] += both / np.sqrt(mine * other)
                elif i == j:
                    common[i] += 1.0
            for q in range(path_start[i], path_start[i + 1]):
                on[path_arc[q]] = False


@kernel
def path_prices(cost, row_start, row, units, price, priced):
    """Write to `priced` (n_paths,) the cost of each path plus what the rows it uses cost at `price` (n_rows,)."""
    for i in range(cost.size):
        total = cost[i]
        for p in range(row_start[i], row_start[i + 1]):
            total += units[p] * price[row[p]]
        priced[i] = total


@kernel
def nested_choice(
    priced, log_size, inner_start, outer_start, demand_start, theta, outer_theta, inner_theta, tonnes, refusal, flow,
    refused, expected, outer_flow, inner_flow,
):  # fmt: skip
    """Write the flows of a nested logit of three levels, with leaving the demand unserved as an alternative of its own.

    Paths of inner nest n are `inner_start[n]` to `inner_start[n + 1]`, inner nests of outer nest m those of
    `outer_start`, outer nests of demand d those of `demand_start`.

    Parameters
    ----------
    priced, log_size
        float64 (n_paths,): USD per tonne; logarithm of the weight for overlap.
    theta, outer_theta, inner_theta
        float64 (n_demands,), 1 over USD per tonne, not falling: between outer nests, inner nests, paths.
    tonnes, refusal
        float64 (n_demands,): the demand, and the price of not being served.
    flow, refused, expected, outer_flow, inner_flow
        Written: tonnes on each path, unserved; USD per tonne that a demand expects to pay (logsum); tonnes by nest.
    """
    inner_cost = np.empty(inner_start.size - 1)
    outer_cost = np.empty(outer_start.size - 1)
    for d in range(tonnes.size):
        best = refusal[d]
        for m in range(demand_start[d], demand_start[d + 1]):
            least = np.inf
            for n in range(outer_start[m], outer_start[m + 1]):
                low = np.inf
                for i in range(inner_start[n], inner_start[n + 1]):
                    low = min(low, priced[i] - log_size[i] / inner_theta[d])
                total = 0.0
                for i in range(inner_start[n], inner_start[n + 1]):
                    total += np.exp(log_size[i] - inner_theta[d] * (priced[i] - low))
                inner_cost[n] = low - np.log(total) / inner_theta[d]
                least = min(least, inner_cost[n])
            total = 0.0
            for n in range(outer_start[m], outer_start[m + 1]):
                total += np.exp(-outer_theta[d] * (inner_cost[n] - least))
            outer_cost[m] = least - np.log(total) / outer_theta[d]
            best = min(best, outer_cost[m])
        total = np.exp(-theta[d] * (refusal[d] - best))
        for m in range(demand_start[d], demand_start[d + 1]):
            total += np.exp(-theta[d] * (outer_cost[m] - best))
        expected[d] = best - np.log(total) / theta[d]
        refused[d] = tonnes[d] * np.exp(-theta[d] * (refusal[d] - expected[d]))
        for m in range(demand_start[d], demand_start[d + 1]):
            outer_flow[m] = tonnes[d] * np.exp(-theta[d] * (outer_cost[m] - expected[d]))
            for n in range(outer_start[m], outer_start[m + 1]):
                inner_flow[n] = outer_flow[m] * np.exp(-outer_theta[d] * (inner_cost[n] - outer_cost[m]))
                for i in range(inner_start[n], inner_start[n + 1]):
                    share = np.exp(log_size[i] - inner_theta[d] * (priced[i] - inner_cost[n]))
                    flow[i] = inner_flow[n] * share


@kernel
def add_curvature(first, last, weight, total, flow, row_start, row, units, place, curvature):
    """Add weight / total * w w' to `curvature` for each range of paths, w the use of rows by the flows of the range.

    Range j holds paths `first[j]` to `last[j]`; row r stands at `place[r]`, nowhere if that is -1. Ranges of `total`
    zero are left out.
    """
    n = curvature.shape[0]
    use = np.zeros(n)
    met = np.empty(n, np.int64)
    for j in range(first.size):
        if weight[j] == 0.0 or total[j] <= 0.0:
            continue
        n_met = 0
        for i in range(first[j], last[j]):
            for p in range(row_start[i], row_start[i + 1]):
                r = place[row[p]]
                if r < 0 or flow[i] * units[p] == 0.0:
                    continue
                if use[r] == 0.0:
                    met[n_met] = r
                    n_met += 1
                use[r] += flow[i] * units[p]
        for x in range(n_met):
            part = weight[j] * (use[met[x]] / total[j])  # in this order: a total may be next to nothing
            for y in range(n_met):
                curvature[met[x], met[y]] += part * use[met[y]]
        for x in range(n_met):
            use[met[x]] = 0.0
