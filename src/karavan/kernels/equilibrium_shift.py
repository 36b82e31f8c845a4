"""Moving flow between the paths of a pair: Newton steps pair after pair, and one over all pairs at once.

Open pairs, their paths and links come from `karavan.kernels.equilibrium.open_pairs`. Flow is in units that share the
road; `flow`, `time` and `slope` of the links always belong together.
"""

from __future__ import annotations

import numpy as np

from karavan.kernels.cache import kernel
from karavan.kernels.equilibrium_delay import link_delay

SOLVES = 3  # of the equations of a Newton step, each without the paths that the last one would empty
FLAT_SOLVES = 50  # more of them, each after a step that ended where the first flow fell to zero
FLAT = 1e-9  # curvature over the sum of the single ones below which a direction is flat


@kernel
def move(link, begin, end, step, kind, delay, flow, time, slope):
    """Add `step` to the flow of the links in a stretch of `link` and bring their time and slope up to date."""
    for i in range(begin, end):
        a = link[i]
        flow[a] = max(flow[a] + step, 0.0)
        time[a], slope[a] = link_delay(kind[a], flow[a], delay, a)


@kernel
def transfer(link, from0, from1, to0, to1, apart, gap, step, kind, delay, flow, time, slope):
    """Move flow from the links of a dearer path to those of a cheaper one; return how much was moved.

    A step of Newton's, after which the cheaper path would be the dearer by more than a tenth of what it was the cheaper
    before, is cut back by false position: across a bend of a delay function steps would else go to and fro for ever.

    Parameters
    ----------
    apart, gap
        What the dearer path costs more: in fixed costs alone, and in all.
    step
        Flow to move, as far as the costs allow.
    """
    move(link, from0, from1, -step, kind, delay, flow, time, slope)
    move(link, to0, to1, step, kind, delay, flow, time, slope)
    low, low_gap, high = 0.0, gap, step
    for turn in range(8):
        new_gap = apart
        for i in range(from0, from1):
            new_gap += time[link[i]]
        for i in range(to0, to1):
            new_gap -= time[link[i]]
        if new_gap >= -0.1 * gap and (turn == 0 or new_gap <= 0.1 * gap):
            break
        if new_gap > 0.0:
            low, low_gap = step, new_gap
            aim = 0.5 * (low + high)
        else:
            high = step
            aim = low + (high - low) * (low_gap / (low_gap - new_gap) if turn < 3 else 0.5)
        move(link, from0, from1, step - aim, kind, delay, flow, time, slope)
        move(link, to0, to1, aim - step, kind, delay, flow, time, slope)
        step = aim
    return step


@kernel
def shift(pair_path, path_link, link, rest, has, kind, delay, flow, time, slope, mark, tick, rounds, goal):
    """Move flow of each open pair from its dearer paths to its cheapest, a Newton step each, pair after pair.

    Parameters
    ----------
    pair_path, path_link, link, rest, has
        As `open_pairs` returns them; `has` is changed.
    flow, time, slope
        float64 (n_links,), kept up to date after each step.
    mark, tick
        int64 (n_links,), scratch, below `tick` everywhere.
    rounds, goal
        All pairs are gone through up to this many times, until the excess met is at most `goal`.

    Returns
    -------
    Excess met in the last round (flow times what it pays above the pair's cheapest path), the next `tick`.
    """
    excess = 0.0
    for _ in range(rounds):
        excess = 0.0
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
                source, target = (q0, q0 + 1) if gap > 0.0 else (q0 + 1, q0)
                if has[source] == 0.0 or gap == 0.0:
                    continue
                gap = abs(gap)
                excess += gap * has[source]
                step = min(has[source], gap / rate) if rate > 0.0 else has[source]
                step = transfer(
                    link, path_link[source], path_link[source + 1], path_link[target], path_link[target + 1],
                    rest[source] - rest[target], gap, step, kind, delay, flow, time, slope,
                )  # fmt: skip
                has[source] -= step
                has[target] += step
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
                if q == target or has[q] == 0.0:
                    continue
                gap, rate = rest[q] - rest[target], 0.0
                for i in range(path_link[q], path_link[q + 1]):
                    a = link[i]
                    gap += time[a]
                    if mark[a] == tick:
                        mark[a] = tick + 1  # on both: its slope does not count
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
                gap = abs(gap)
                excess += gap * has[source]
                if has[source] == 0.0:
                    continue
                step = min(has[source], gap / rate) if rate > 0.0 else has[source]
                step = transfer(
                    link, path_link[source], path_link[source + 1], path_link[sink], path_link[sink + 1],
                    rest[source] - rest[sink], gap, step, kind, delay, flow, time, slope,
                )  # fmt: skip
                has[source] -= step
                has[sink] += step
        if excess <= goal:
            break
    return excess, tick + 2


@kernel
def spread(path_link, link, value, total):
    """Write to `total` (n_links,) the values of the open paths added up over their links."""
    total[:] = 0.0
    for q in range(value.size):
        if value[q] != 0.0:
            for i in range(path_link[q], path_link[q + 1]):
                total[link[i]] += value[q]


@kernel
def pair_differences(pair_path, path_link, link, base, free, weight, out):
    """Write to `out` (n_open_paths,), for the free paths, the weights of a path's links less those of its base."""
    for j in range(pair_path.size - 1):
        b = base[j]
        of_base = 0.0
        for i in range(path_link[b], path_link[b + 1]):
            of_base += weight[link[i]]
        for q in range(pair_path[j], pair_path[j + 1]):
            out[q] = 0.0
            if free[q]:
                total = -of_base
                for i in range(path_link[q], path_link[q + 1]):
                    total += weight[link[i]]
                out[q] = total


@kernel
def balance_pairs(pair_path, base, value):
    """Let the base of each pair give what the pair's other paths take."""
    for j in range(base.size):
        total = 0.0
        value[base[j]] = 0.0
        for q in range(pair_path[j], pair_path[j + 1]):
            total += value[q]
        value[base[j]] = -total


@kernel
def room_along(pair_path, base, has, step, direction):
    """Return how far flows can go on along a direction, after a step, before the first falls to zero."""
    room = np.inf
    for j in range(base.size):
        left, less = has[base[j]], 0.0
        for q in range(pair_path[j], pair_path[j + 1]):
            if q == base[j]:
                continue
            left -= step[q]
            less += direction[q]
            if direction[q] < 0.0:
                room = min(room, max(has[q] + step[q], 0.0) / -direction[q])
        if less > 0.0:
            room = min(room, max(left, 0.0) / less)
    return room if room < np.inf else 0.0


@kernel
def newton(pair_path, path_link, link, rest, has, kind, delay, flow, time, slope, iterations, careful):
    """Move flow of all open pairs at once: a Newton step over all paths in use, by conjugate gradients.

    Each pair's path of most flow is its base; the others' flows are the variables. Paths at zero flow that cost more
    than their base stay there; flows that would fall below zero stop at zero. The step is cut back until the cost
    along it no longer rises at its end. Arguments as in `shift`; `has`, `flow`, `time`, `slope` are changed.

    Parameters
    ----------
    iterations
        Conjugate gradients in one solve, at most.
    careful
        False: all flows that would fall below zero stop at once. What is left of the step may then be of little use:
        if less than a tenth of it can be made, none is. True: one flow stops at a time.

    Returns
    -------
    Whether a step was made.
    """
    n, m, n_pairs = has.size, flow.size, pair_path.size - 1
    base, free = np.empty(n_pairs, np.int64), np.zeros(n, np.bool_)
    slopes, gradient = np.zeros(n), np.zeros(n)
    for j in range(n_pairs):
        b = pair_path[j]
        for q in range(pair_path[j], pair_path[j + 1]):
            if has[q] > has[b]:
                b = q
            total = rest[q]
            rate = 0.0
            for i in range(path_link[q], path_link[q + 1]):
                total += time[link[i]]
                rate += slope[link[i]]
            slopes[q] = rate
            gradient[q] = total
        base[j] = b
        cost, rate = gradient[b], slopes[b]
        for q in range(pair_path[j], pair_path[j + 1]):
            gradient[q] -= cost
            slopes[q] += rate
            free[q] = q != b and slopes[q] > 0.0 and (has[q] > 0.0 or gradient[q] < 0.0)
            if not free[q]:
                gradient[q] = 0.0
    step, direction, curved = np.zeros(n), np.zeros(n), np.zeros(n)
    residual = -gradient
    load = np.empty(m)
    solves = 0
    n_flat = 0
    while solves < SOLVES + n_flat:
        solves += 1
        flat = False
        norm = 0.0
        for q in range(n):
            direction[q] = residual[q] / slopes[q] if free[q] else 0.0
            if free[q]:
                norm += residual[q] * direction[q]
        goal = 1e-3 * norm
        for _ in range(iterations):
            if norm <= goal:
                break
            balance_pairs(pair_path, base, direction)
            spread(path_link, link, direction, load)
            for a in range(m):
                load[a] *= slope[a]
            pair_differences(pair_path, path_link, link, base, free, load, curved)
            bend = stiff = 0.0
            for q in range(n):
                if free[q]:
                    bend += direction[q] * curved[q]
                    stiff += slopes[q] * direction[q] * direction[q]
            # where nothing bends, as when classes that value links differently change places, go as far as flows allow
            level = bend <= FLAT * stiff
            length = norm / bend if not level else np.inf
            if level or careful:
                room = room_along(pair_path, base, has, step, direction)
                if room <= length:
                    for q in range(n):
                        step[q] += room * direction[q]
                    flat = n_flat < FLAT_SOLVES
                    break
            before, norm = norm, 0.0
            for q in range(n):
                if free[q]:
                    step[q] += length * direction[q]
                    residual[q] -= length * curved[q]
                    norm += residual[q] * residual[q] / slopes[q]
            for q in range(n):
                direction[q] = residual[q] / slopes[q] + norm / before * direction[q] if free[q] else 0.0
        # flows that would fall below zero stop there, and the others are worked out again
        cut = 0
        for j in range(n_pairs):
            taken = 0.0
            step[base[j]] = 0.0
            for q in range(pair_path[j], pair_path[j + 1]):
                if free[q] and step[q] <= -has[q] * (1.0 - 1e-12) and (step[q] < -has[q] or flat):
                    step[q] = -has[q]
                    free[q] = False
                    cut += 1
                taken += step[q]
            if taken > has[base[j]] * (1.0 - 1e-12) and (taken > has[base[j]] or flat) and taken > 0.0:
                for q in range(pair_path[j], pair_path[j + 1]):
                    step[q] *= has[base[j]] / taken
                    cut += 1 if free[q] else 0
                    free[q] = False
        if cut == 0:
            break
        n_flat += 1 if flat else 0
        balance_pairs(pair_path, base, step)
        spread(path_link, link, step, load)
        for a in range(m):
            load[a] *= slope[a]
        pair_differences(pair_path, path_link, link, base, free, load, curved)
        for q in range(n):
            if free[q]:
                residual[q] = -gradient[q] - curved[q]
    balance_pairs(pair_path, base, step)
    spread(path_link, link, step, load)
    still = 0.0
    for q in range(n):
        still += step[q] * rest[q]
    start = still
    for a in range(m):
        start += load[a] * time[a]
    if not start < 0.0:
        return False
    low, high, share = 0.0, 1.0, 1.0
    for _ in range(12):
        end = still
        for a in range(m):
            if load[a] != 0.0:
                end += load[a] * link_delay(kind[a], flow[a] + share * load[a], delay, a)[0]
        if end <= -1e-3 * start:
            low = share
            if share == 1.0 or end >= 0.3 * start:
                break
        else:
            high = share
        middle = share * start / (start - end) if end > start else high
        share = middle if low < middle < high else 0.5 * (low + high)
    share = low
    if share == 0.0 or (share < 0.1 and not careful):
        return False
    for q in range(n):
        has[q] = max(has[q] + share * step[q], 0.0)
    for a in range(m):
        if load[a] != 0.0:
            flow[a] = max(flow[a] + share * load[a], 0.0)
            time[a], slope[a] = link_delay(kind[a], flow[a], delay, a)
    return True
