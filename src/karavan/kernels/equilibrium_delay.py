"""Delay functions of one link: value, slope, curvature and integral over the flow.

`kind` is a code of `karavan.cost.delay.DelayFunction`, a row of `delay` (float64, 4 columns) holds free-flow time, one
over capacity, b and power. What these mean for each function, and where it comes from: `karavan.cost.delay`. Where a
code has `QUEUED` added, two more columns hold the flow from which a queue grows and how steeply.
"""

from __future__ import annotations

import math

from karavan.kernels.cache import kernel

MARGINAL = 8  # added to a code: what one more vehicle costs all, t + x t'
QUEUED = 16  # added to a code: a queue at a hard capacity, on top of the time; not part of the integral
QUEUE_LIMIT = 0.95  # of capacity: beyond, a queue grows along its tangent


@kernel
def power_law(r, b, power):
    """Return value, slope and curvature of b r^power, for a power of at least 1."""
    if power == 4.0:
        square = r * r
        return b * square * square, 4.0 * b * square * r, 12.0 * b * square
    if r <= 0.0:
        return 0.0, b if power == 1.0 else 0.0, 2.0 * b if power == 2.0 else 0.0
    y = b * r ** (power - 1.0)
    return y * r, power * y, power * (power - 1.0) * y / r


@kernel
def share(kind, r, b, power):
    """Return delay over free-flow time at flow r times capacity, its slope and curvature; not for Akcelik's."""
    if kind == 1:
        return power_law(r, b, power)
    if kind == 2:
        return power_law(r, b, power if r <= 1.0 else 2.0 * power)
    if kind == 3:
        beta = (2.0 * power - 1.0) / (2.0 * power - 2.0)
        gap = power * (1.0 - r)
        root = math.sqrt(gap * gap + beta * beta)
        value = root - gap - beta + 1.0
        return value, power - power * gap / root, (power * beta) ** 2 / root**3
    s = min(r, QUEUE_LIMIT)
    y, slope, curve = power_law(s, b, power)
    free = 1.0 - s
    value = y / free
    slope = slope / free + y / free**2
    if r > s:
        return value + (r - s) * slope, slope, 0.0
    curve = curve / free + 2.0 * (slope - y / free**2) / free + 2.0 * y / free**3
    return value, slope, curve


@kernel
def queue_time(r, per_time, j, period):
    """Return Akcelik's delay at flow r times capacity, its slope and curvature over r."""
    z = r - 1.0
    k = 8.0 * j * per_time / period
    root = math.sqrt(z * z + k * r)
    half = z + 0.5 * k
    if root == 0.0:
        return 0.0, 0.5 * period, 0.0
    quarter = 0.25 * period
    value = z + root if z > 0.0 else k * r / (root - z)  # the same, without loss of digits
    return quarter * value, quarter * (1.0 + half / root), quarter * (1.0 - (half / root) ** 2) / root


@kernel
def delay_at(kind, x, t0, per_flow, b, power):
    """Return time on a link at flow x and its slope over x; of a code with `MARGINAL`, marginal time and its slope."""
    if (kind & 7) == 0:
        return t0, 0.0
    x = max(x, 0.0)
    r = x * per_flow
    if (kind & 7) == 4:
        value, slope, curve = queue_time(r, per_flow, b, power)
    else:
        value, slope, curve = share(kind & 7, r, b, power)
        value *= t0
        slope *= t0
        curve *= t0
    if kind < 8:
        return t0 + value, slope * per_flow
    return t0 + value + r * slope, (2.0 * slope + r * curve) * per_flow


@kernel
def link_delay(kind, x, delay, a):
    """Return time on link a at flow x and its slope, as `delay_at`, with the queue of a code with `QUEUED`."""
    time, slope = delay_at(kind & 15, x, delay[a, 0], delay[a, 1], delay[a, 2], delay[a, 3])
    if kind & QUEUED and x > delay[a, 4]:
        time += delay[a, 5] * (x - delay[a, 4])
        slope += delay[a, 5]
    return time, slope


@kernel
def delay_sum(kind, x, t0, per_flow, b, power):
    """Return the integral of the time on a link from flow 0 to x; of a code with `MARGINAL`, x times the time."""
    if x <= 0.0:
        return 0.0
    if kind >= 8:
        return x * delay_at(kind - 8, x, t0, per_flow, b, power)[0]
    if kind == 0:
        return t0 * x
    r = x * per_flow
    if kind == 1:
        return t0 * x * (1.0 + power_law(r, b, power)[0] / (power + 1.0))
    if kind == 2:
        if r <= 1.0:
            return t0 * x * (1.0 + power_law(r, b, power)[0] / (power + 1.0))
        above = b * (r ** (2.0 * power + 1.0) - 1.0) / (2.0 * power + 1.0)
        return t0 * (x + (b / (power + 1.0) + above) / per_flow)
    if kind == 3:
        beta = (2.0 * power - 1.0) / (2.0 * power - 2.0)
        total = (2.0 - beta - power) * r + 0.5 * power * r * r
        total += root_sum(power, beta, power) - root_sum(power * (1.0 - r), beta, power)
        return t0 * total / per_flow
    if kind == 4:
        k = 8.0 * b * per_flow / power
        shift, rest = 0.5 * k - 1.0, math.sqrt(max(k - 0.25 * k * k, 0.0))
        below = 0.25 * k * k - k
        if below > 0.0:  # the root's argument has real zeros, both below zero flow
            total = hyperbola_sum(r + shift, below) - hyperbola_sum(shift, below)
        else:
            total = root_sum(r + shift, rest, 1.0) - root_sum(shift, rest, 1.0)
        return t0 * x + 0.25 * power * (0.5 * r * r - r + total) / per_flow
    s = min(r, QUEUE_LIMIT)
    total, term, n = 0.0, b * s ** (power + 1.0), power + 1.0
    while term / n > 1e-17 * total:
        total += term / n
        term *= s
        n += 1.0
    if r > s:
        value, slope, _ = share(5, s, b, power)
        total += (r - s) * value + 0.5 * (r - s) ** 2 * slope
    return t0 * (r + total) / per_flow


@kernel
def root_sum(y, beta, scale):
    """Return the integral of sqrt(y^2 + beta^2) over y / scale."""
    if beta == 0.0:
        return 0.5 * y * abs(y) / scale
    return 0.5 * (y * math.sqrt(y * y + beta * beta) + beta * beta * math.asinh(y / beta)) / scale


@kernel
def hyperbola_sum(y, below):
    """Return the integral of sqrt(y^2 - below) over y, for y^2 above below."""
    root = math.sqrt(max(y * y - below, 0.0))
    return 0.5 * (y * root - below * math.log(y + root))


@kernel
def delays(kind, flow, delay, time, slope):
    """Write time and slope of every link; arrays (n_links,), `delay` (n_links, 4 or 6)."""
    for a in range(kind.size):
        time[a], slope[a] = link_delay(kind[a], flow[a], delay, a)


@kernel
def delay_integrals(kind, flow, delay, total):
    """Write to `total` (n_links,) the integral of every link."""
    for a in range(kind.size):
        total[a] = delay_sum(kind[a] & 15, flow[a], delay[a, 0], delay[a, 1], delay[a, 2], delay[a, 3])
