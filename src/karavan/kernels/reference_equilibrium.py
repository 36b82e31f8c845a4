"""Plain Python twins of the kernels of congested assignment, and of whole methods of another family; for tests.

The Frank-Wolfe family moves all flow at once towards an all-or-nothing solution: simple, and slow beyond a relative gap
of some 1e-4. It is kept here to check the path-based method by something that shares none of its code.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from karavan.kernels.reference import shortest_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    EquilibriumProblem = Any  # the record of `karavan.assignment`, which stands above: only its arrays are read

QUEUE_LIMIT = 0.95


def delay(kind: int, x: float, t0: float, per_flow: float, b: float, power: float) -> float:
    """Twin of the time that `karavan.kernels.equilibrium_delay.delay_at` gives; marginal codes too, by differences."""
    if kind >= 8:
        small = 1e-6 / per_flow if per_flow else 1e-6
        low, high = max(x - small, 0.0), x + small
        times = [delay(kind - 8, y, t0, per_flow, b, power) * y for y in (low, high)]
        return (times[1] - times[0]) / (high - low)
    r = x * per_flow
    if kind == 0:
        return t0
    if kind == 1:
        return float(t0 * (1.0 + b * r**power))
    if kind == 2:
        return float(t0 * (1.0 + b * r ** (power if r <= 1.0 else 2.0 * power)))
    if kind == 3:
        beta = (2.0 * power - 1.0) / (2.0 * power - 2.0)
        return t0 * (2.0 + math.hypot(power * (1.0 - r), beta) - power * (1.0 - r) - beta)
    if kind == 4:
        return t0 + 0.25 * power * (r - 1.0 + math.sqrt((r - 1.0) ** 2 + 8.0 * b * r * per_flow / power))
    s = min(r, QUEUE_LIMIT)
    slope = b * (power * s ** (power - 1.0) / (1.0 - s) + s**power / (1.0 - s) ** 2) if r > s else 0.0
    return float(t0 * (1.0 + b * s**power / (1.0 - s) + slope * (r - s)))


def skim(problem: EquilibriumProblem, cost: Float, origins: list[int], destinations: list[int]) -> list[list[float]]:
    """Twin of `karavan.kernels.trees.skim`: one search an origin, closed at all zones but the origin's."""
    start = np.zeros(problem.n_nodes + 1, np.int64)
    np.cumsum(np.bincount(problem.tail, minlength=problem.n_nodes), out=start[1:])
    order = np.argsort(problem.tail, kind="stable").astype(np.int32)
    rows = []
    for origin in origins:
        usable = (problem.through[problem.tail] | (problem.tail == origin)) & np.isfinite(cost)
        distance, _ = shortest_tree(start, order, problem.head, cost, usable, origin)
        rows.append([distance[j] for j in destinations])
    return rows


def all_or_nothing(problem: EquilibriumProblem, time: Float) -> tuple[Float, float]:
    """Return link flows in vehicles times pce, all demand on cheapest paths, and fixed costs of these paths."""
    start = np.zeros(problem.n_nodes + 1, np.int64)
    np.cumsum(np.bincount(problem.tail, minlength=problem.n_nodes), out=start[1:])
    order = np.argsort(problem.tail, kind="stable").astype(np.int32)
    flow, fixed = np.zeros(problem.n_links), 0.0
    trees: dict[tuple[int, int], tuple[list[float], list[int]]] = {}
    for i in range(problem.n_demands):
        k, origin = int(problem.demand_class[i]), int(problem.origin[i])
        if (k, origin) not in trees:
            usable = problem.open[k] & (problem.through[problem.tail] | (problem.tail == origin))
            cost = time + problem.fixed[k]
            trees[k, origin] = shortest_tree(start, order, problem.head, cost, usable, origin)
        arrival = trees[k, origin][1]
        vehicles = float(problem.demand[i] * problem.pce[k])
        v = int(problem.destination[i])
        while v != origin and arrival[v] >= 0:
            flow[arrival[v]] += vehicles
            fixed += vehicles * float(problem.fixed[k, arrival[v]])
            v = int(problem.tail[arrival[v]])
    return flow, fixed


def frank_wolfe(
    problem: EquilibriumProblem, *, variant: Literal["msa", "fw", "cfw", "bfw"], iterations: int
) -> tuple[Float, float]:
    """Return link flows (vehicles times pce) and relative gap after some iterations of the Frank-Wolfe family.

    Sources: Sheffi, Urban Transportation Networks (1985), for MSA and FW; Mitradjieva and Lindberg, The stiff is
    moving: conjugate direction Frank-Wolfe methods, Transportation Science 47 (2013) 280-293, for CFW and BFW.
    """

    def times(x: Float) -> Float:
        rows = zip(problem.delays.kind.tolist(), x.tolist(), problem.delays.table.tolist(), strict=True)
        return np.array([delay(k, f, *row) for k, f, row in rows])

    x, x_fixed = all_or_nothing(problem, times(np.zeros(problem.n_links)))
    points: list[tuple[Float, float]] = []
    steps: list[float] = []
    gap = 1.0
    for n in range(1, iterations + 1):
        time = times(x)
        y, y_fixed = all_or_nothing(problem, time)
        total = float(time @ x) + x_fixed
        gap = (total - float(time @ y) - y_fixed) / total
        aim = (y, y_fixed)
        if variant in {"cfw", "bfw"}:
            slope = (times(x + 1e-6 * (1.0 + x)) - time) / (1e-6 * (1.0 + x))
            aim = _conjugate(x, aim, points, steps, slope, variant)
        move, move_fixed = aim[0] - x, aim[1] - x_fixed
        step = 1.0 / (n + 1) if variant == "msa" else _line_search(times, x, move, move_fixed)
        x, x_fixed = x + step * move, x_fixed + step * move_fixed
        points, steps = [*points[-1:], aim], [*steps[-1:], step]
        if step >= 1.0:
            points, steps = [], []
    return x, gap


def _conjugate(
    x: Float,
    new: tuple[Float, float],
    points: list[tuple[Float, float]],
    steps: list[float],
    slope: Float,
    variant: str,
) -> tuple[Float, float]:
    """Mix the new all-or-nothing point with the last aims so that the direction is conjugate to the last ones."""
    if not points:
        return new
    y, last = new[0] - x, points[-1][0] - x
    if variant == "bfw" and len(points) == 2 and steps[-1] < 1.0:
        step = steps[-1]
        older = step * points[-1][0] - x + (1.0 - step) * points[-2][0]
        bottom_older = float(slope @ (older * (points[-2][0] - points[-1][0])))
        bottom_last = float(slope @ (last * last))
        mu = -float(slope @ (older * y)) / bottom_older if bottom_older else 0.0
        nu = (-float(slope @ (last * y)) / bottom_last if bottom_last else 0.0) + mu * step / (1.0 - step)
        mu, nu = max(mu, 0.0), max(nu, 0.0)
        share = 1.0 / (1.0 + mu + nu)
        weights = (share, nu * share, mu * share)
        mixed = (new, points[-1], points[-2])
    else:
        top, bottom = float(slope @ (last * y)), float(slope @ (last * (y - last)))
        alpha = min(max(top / bottom, 0.0), 0.99) if bottom else 0.0
        weights = (1.0 - alpha, alpha, 0.0)
        mixed = (new, points[-1], points[-1])
    flow = sum((w * m[0] for w, m in zip(weights, mixed, strict=True)), np.zeros(x.size))
    return flow, sum(w * m[1] for w, m in zip(weights, mixed, strict=True))


def _line_search(times: object, x: Float, move: Float, move_fixed: float) -> float:
    """Return the step from 0 to 1 at which the Beckmann sum is least, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        rising = float(times(x + middle * move) @ move) + move_fixed > 0.0  # type: ignore[operator]
        low, high = (low, middle) if rising else (middle, high)
    return 0.5 * (low + high)


def branch_costs(branch: NDArray[np.int32], n_origins: int, cost: Float) -> list[float]:
    """Twin of `karavan.kernels.equilibrium.branch_costs`."""
    return [sum(float(cost[a]) for a in path) for path in paths_of(branch, n_origins)]


def paths_of(branch: NDArray[np.int32], n_origins: int) -> list[list[int]]:
    """Return the links of each branch from its origin on."""
    paths: list[list[int]] = []
    for i, (link, before) in enumerate(branch[:, :2].tolist()):
        paths.append([] if i < n_origins else [*paths[before], link])
    return paths


def shift(
    problem: EquilibriumProblem, paths: list[list[list[int]]], has: list[list[float]], rest: list[list[float]]
) -> float:
    """Twin of one round of `karavan.kernels.equilibrium.shift` over pairs of two paths; changes `has`."""
    rows = list(zip(problem.delays.kind.tolist(), problem.delays.table.tolist(), strict=True))
    flow = np.zeros(problem.n_links)
    for pair, shares in zip(paths, has, strict=True):
        for path, share in zip(pair, shares, strict=True):
            flow[path] += share
    met = 0.0
    for pair, shares, fixed in zip(paths, has, rest, strict=True):
        time = [delay(k, f, *row) for (k, row), f in zip(rows, flow.tolist(), strict=True)]
        costs = [c + sum(time[a] for a in path) for c, path in zip(fixed, pair, strict=True)]
        dear = int(costs[1] > costs[0])
        gap = costs[dear] - costs[1 - dear]
        met += gap * shares[dear]
        rate = 0.0
        for a in set(pair[0]) ^ set(pair[1]):
            small = 1e-6 * (1.0 + flow[a])
            kind, row = rows[a]
            low = max(flow[a] - small, 0.0)
            rate += (delay(kind, flow[a] + small, *row) - delay(kind, low, *row)) / (flow[a] + small - low)
        step = min(shares[dear], gap / rate) if rate > 0.0 else shares[dear]

        def left(step: float, pair: list[list[int]] = pair, dear: int = dear, fixed: list[float] = fixed) -> float:
            """Return what the dearer path costs more after a step."""
            after = flow.copy()
            after[pair[dear]] -= step
            after[pair[1 - dear]] += step
            time = [delay(k, max(f, 0.0), *row) for (k, row), f in zip(rows, after.tolist(), strict=True)]
            both = [fixed[i] + sum(time[a] for a in pair[i]) for i in (dear, 1 - dear)]
            return both[0] - both[1]

        low, low_gap, high = 0.0, gap, step
        for turn in range(8):
            now = left(step)
            if now >= -0.1 * gap and (turn == 0 or now <= 0.1 * gap):
                break
            if now > 0.0:
                low, low_gap = step, now
                step = 0.5 * (low + high)
            else:
                high = step
                step = low + (high - low) * (low_gap / (low_gap - now) if turn < 3 else 0.5)
        shares[dear] -= step
        shares[1 - dear] += step
        flow[pair[dear]] -= step
        flow[pair[1 - dear]] += step
    return met
