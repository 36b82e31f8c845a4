"""Stochastic choice under hard capacities: every full facility has a queue that makes the others go elsewhere.

Bell (Transportation Research B 29, 1995): the flows of least cost less 1/theta times their entropy, under the capacity
rows, are a logit choice at costs plus the multipliers of the rows, and a multiplier is the delay, in money, of the
queue that a full row has in equilibrium. The dual is concave in the multipliers alone, one a row, however many paths
there are; it is climbed by projected Newton steps (Bertsekas 1982) with a damped Hessian. Nests as in the
nested logit (McFadden 1978): mode, then carrying unit, then path; leaving the demand unserved is a nest of its own.

Paths that become cheaper at the queues than all of their set are sought by the search of `LeastCost` and added until
there are none; so the flows go to those of `LeastCost` as theta grows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from karavan.assignment.choice import ChoiceSets, arc_priced, first_paths, unseen, with_paths
from karavan.assignment.pool import chosen
from karavan.assignment.result import Columns, Reason, Residuals, Round, Solution
from karavan.assignment.search import cheapest, make_search
from karavan.errors import SolverError
from karavan.kernels import logit as kernels
from karavan.kernels import paths as path_kernels
from karavan.problem import Problem, perturb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.assignment.methods import ArcLabels, Logit

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]

MAX_STEPS = 300
SHARP = 20.0  # times dispersion a usual cost: sharper choices are approached from blunter ones
STAGE = 4.0
DAMPING = (1e-15, 1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3, 1e-1, 1.0)
SMALL_CHANGE = 1e-5
SAME_COST = 1e-9  # a path cheaper by less than this share is not new


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Flows of the choice sets at given queues: tonnes by path, unserved, by nest; expected USD per tonne."""

    flow: Float
    refused: Float
    expected: Float
    outer_flow: Float
    inner_flow: Float


@dataclass(frozen=True, slots=True, eq=False)
class _Dual:
    """The dual at prices (n_rows,) per tonne of usual use: value, slope, the flows behind it."""

    price: Float
    value: float
    slope: Float
    choice: Choice


def logit(
    problem: Problem, method: Logit, *, start: Columns | None = None, labels: ArcLabels | None = None
) -> Solution:
    """Solve a problem by `Logit`; see `karavan.assignment.solve`."""
    began = time.perf_counter()
    shut = without_closed_rows(problem)
    search = make_search(shut, start.search if start is not None else None)
    sets = with_paths(search, method, labels, first_paths(search, method, start))
    sharpest = float((sets.theta * np.minimum(_least(sets), shut.unserved_price[search.live])).max(initial=0.0))
    stages = max(0, int(np.ceil(np.log(max(sharpest / SHARP, 1.0)) / np.log(STAGE))))
    known = start.row_price if start is not None else None
    price = np.zeros(shut.n_rows) if known is None else known * search.row_units
    rounds: list[Round] = []
    for stage in range(stages if known is None else 0, -1, -1):
        sets, price = _with_all_cheapest(sets, method, labels, price, STAGE**-stage, rounds)
        if stage:
            price = _foreseen(sets, price, STAGE**-stage)
    return _solution(sets, price, tuple(rounds), began)


def _with_all_cheapest(
    sets: ChoiceSets, method: Logit, labels: ArcLabels | None, price: Float, share: float, rounds: list[Round]
) -> tuple[ChoiceSets, Float]:
    """Solve at a share of theta, add the paths that are cheapest at the queues, until there are none."""
    for _ in range(method.max_rounds):
        found = equilibrium(sets, price, share=share, tolerance=method.tolerance if share == 1.0 else 1e-3)
        price = found.price
        n_queues = int(np.count_nonzero(price))
        rounds.append(Round(found.value - float(price @ found.slope), found.value, sets.cost.size, n_queues))
        row_price = price / sets.search.row_units
        least = _least(sets, row_price)
        limit = least * (1 - SAME_COST)
        _, better = cheapest(sets.search, sets.search.problem.cost, row_price, limit=limit, wanted=limit)
        better = unseen(sets, better)
        if better.demand.size == 0:
            return sets, price
        sets = with_paths(sets.search, method, labels, sets.paths, better)
    msg = f"after {method.max_rounds} rounds there are still cheaper paths at the queues; allow more"
    raise SolverError(msg)


def without_closed_rows(problem: Problem) -> Problem:
    """Close the arcs that need a row without capacity: no price would keep the last of a dispersed choice off them."""
    nothing = (problem.rhs <= 0)[problem.usage_row] & (problem.usage_units > 0)
    if not nothing.any():
        return problem
    pair = np.repeat(np.arange(problem.cost.size), np.diff(problem.usage_indptr))
    shut = np.zeros(problem.cost.size, np.bool_)
    shut[pair[nothing]] = True
    return perturb(problem, open=problem.open & ~shut.reshape(problem.open.shape))


def _limit(sets: ChoiceSets) -> Float:
    """Capacity of each row in tonnes of usual use."""
    return sets.search.problem.rhs / sets.search.row_units


def _least(sets: ChoiceSets, row_price: Float | None = None) -> Float:
    """Return the cost of the cheapest path of each demand, with queues where prices are given."""
    priced = sets.cost
    if row_price is not None:
        priced = np.empty(sets.cost.size)
        kernels.path_prices(sets.cost, sets.row_start, sets.row, sets.units, row_price, priced)
    first = sets.inner_start[sets.outer_start[sets.demand_start[:-1]]]
    return np.minimum.reduceat(priced, first) if first.size else np.zeros(0)


def choose(sets: ChoiceSets, priced: Float, share: float = 1.0) -> Choice:
    """Return the flows of the choice sets at path costs `priced` (n_paths,), at a share of their theta."""
    p, live = sets.search.problem, sets.search.live
    choice = Choice(
        np.empty(priced.size), np.empty(live.size), np.empty(live.size), np.empty(sets.outer_start.size - 1),
        np.empty(sets.inner_start.size - 1),
    )  # fmt: skip
    kernels.nested_choice(
        priced, sets.log_size, sets.inner_start, sets.outer_start, sets.demand_start, share * sets.theta,
        share * sets.outer_theta, share * sets.inner_theta, p.tonnes[live], p.unserved_price[live], choice.flow,
        choice.refused, choice.expected, choice.outer_flow, choice.inner_flow,
    )  # fmt: skip
    return choice


def equilibrium(sets: ChoiceSets, price: Float, *, share: float, tolerance: float) -> _Dual:
    """Climb the dual from `price` until no row is exceeded and none with a price has room, to `tolerance`.

    Raises
    ------
    SolverError
        It was not reached in `MAX_STEPS` steps.
    """
    limit = _limit(sets)
    units = sets.units / sets.search.row_units[sets.row]
    here = _dual(sets, units, limit, price, share)
    for _ in range(MAX_STEPS):
        if _error(here, limit) <= tolerance:
            return here
        # a row at no price with room stays there; one nearly at none that would go below is put there
        free = (here.price > 0) | (here.slope > 0)
        here = _climb(sets, units, limit, here, _direction(sets, units, here, free, share), share)
    msg = f"the queues are off by {_error(here, limit):.3g} after {MAX_STEPS} steps, not {tolerance:.3g}"
    raise SolverError(msg)


def _foreseen(sets: ChoiceSets, price: Float, share: float) -> Float:
    """Return the prices expected at theta `STAGE` times sharper: near the end they are linear in 1/theta."""
    limit, units = _limit(sets), sets.units / sets.search.row_units[sets.row]
    here = _dual(sets, units, limit, price, share)
    sharper = _dual(sets, units, limit, price, share * (1 + SMALL_CHANGE))
    turn = replace(here, slope=(sharper.slope - here.slope) / SMALL_CHANGE)
    change = _direction(sets, units, replace(turn, price=price * 1e3), price > 0, share)
    return np.maximum(price + (1 - 1 / STAGE) * change, 0.0)


def _error(here: _Dual, limit: Float) -> float:
    """Return the greatest share by which a row is exceeded, or has room in spite of a price."""
    off = np.where(here.price > 0, np.abs(here.slope), np.maximum(here.slope, 0.0))
    return float((off / np.maximum(limit, 1e-300)).max(initial=0.0, where=limit > 0))


def _dual(sets: ChoiceSets, units: Float, limit: Float, price: Float, share: float) -> _Dual:
    priced = np.empty(sets.cost.size)
    kernels.path_prices(sets.cost, sets.row_start, sets.row, units, price, priced)
    choice = choose(sets, priced, share)
    use = np.bincount(sets.row, weights=units * np.repeat(choice.flow, np.diff(sets.row_start)), minlength=limit.size)
    tonnes = sets.search.problem.tonnes[sets.search.live]
    return _Dual(price, float(tonnes @ choice.expected - price @ limit), use - limit, choice)


def _direction(sets: ChoiceSets, units: Float, here: _Dual, free: NDArray[np.bool_], share: float) -> Float:
    """Return the damped Newton step of the free rows."""
    rows = np.flatnonzero(free)
    place = np.full(free.size, -1, np.int64)
    place[rows] = np.arange(rows.size)
    matrix = curvature(sets, units, here.choice, place, rows.size, share)
    slope = here.slope[rows]
    longest = _longest(sets, here, share)
    # the curvature is what is left of this variance less that of means; where a sharp choice does not answer at all it
    # is nil, and the least damping that keeps the step short enough is added
    theta = (share * sets.inner_theta)[sets.paths.demand]
    squares = units**2 * np.repeat(theta * here.choice.flow, np.diff(sets.row_start))
    variance = np.bincount(sets.row, weights=squares, minlength=free.size)[rows]
    floor = variance + np.abs(slope).max(initial=0.0) / longest + 1e-300
    out = np.zeros(free.size)
    for damping in DAMPING:
        change = _bounded(matrix + np.diag(damping * floor), slope, -here.price[rows])
        if np.isfinite(change).all() and change @ slope > 0 and np.abs(change).max() <= longest:
            break
    else:
        change = slope / floor
    out[rows] = change
    return out


def _bounded(matrix: Float, slope: Float, least: Float) -> Float:
    """Return the Newton step in which no change is below `least`: what would be is held there, the others make do."""
    held = np.zeros(slope.size, np.bool_)
    change = np.zeros(slope.size)
    while True:
        change[held] = least[held]
        rest = ~held
        left = slope[rest] - matrix[np.ix_(rest, held)] @ least[held]
        change[rest] = np.linalg.solve(matrix[np.ix_(rest, rest)], left)
        below = rest & (change < least)
        if not below.any():
            return change
        held |= below


def curvature(sets: ChoiceSets, units: Float, choice: Choice, place: NDArray[np.int64], n: int, share: float) -> Float:
    """Return minus the second derivative of the dual by the prices of the rows that have a place, (n, n)."""
    theta, outer, inner = (share * t for t in (sets.theta, sets.outer_theta, sets.inner_theta))
    tonnes = sets.search.problem.tonnes[sets.search.live]
    demand_of_outer = np.repeat(np.arange(theta.size), np.diff(sets.demand_start))
    demand_of_inner = np.repeat(demand_of_outer, np.diff(sets.outer_start))
    first, last = sets.path_ranges()
    number = np.arange(sets.cost.size)
    weight = np.concatenate(
        [inner[sets.paths.demand], (outer - inner)[demand_of_inner], (theta - outer)[demand_of_outer], -theta]
    )
    total = np.concatenate([choice.flow, choice.inner_flow, choice.outer_flow, tonnes])
    matrix = np.zeros((n, n))
    kernels.add_curvature(
        np.append(number, first), np.append(number + 1, last), weight, total, choice.flow, sets.row_start, sets.row,
        units, place, matrix,
    )  # fmt: skip
    return matrix


def _longest(sets: ChoiceSets, here: _Dual, share: float) -> float:
    """Return the greatest change of a price in one step, USD per tonne of usual use."""
    return 1e3 / (share * float(sets.theta.mean())) + 10.0 * float(here.price.max(initial=0.0))


def _climb(sets: ChoiceSets, units: Float, limit: Float, here: _Dual, direction: Float, share: float) -> _Dual:
    """Go along the direction, prices held at zero or above, as far as the dual rises well.

    A step is too short where most of the slope is left, too long where the dual has fallen; the dual is concave, so
    where its slope still rises it has risen. Where its gain is lost in rounding the slope alone decides (Hager and
    Zhang 2005).
    """
    longest = _longest(sets, here, share) / max(float(np.abs(direction).max(initial=0.0)), 1e-300)
    noise = 1e-10 * (abs(here.value) + float(here.price @ limit))
    step, short, long = min(1.0, longest), 0.0, np.inf
    best = here
    for _ in range(60):
        new = _dual(sets, units, limit, np.maximum(here.price + step * direction, 0.0), share)
        gain, left = (float(slope @ (new.price - here.price)) for slope in (here.slope, new.slope))
        risen = left >= 0 or (left >= -0.8 * gain if gain <= noise else new.value >= here.value + 1e-4 * gain)
        if gain < 0 or not risen:
            long = step
        else:
            best, short = new, step
            if left <= 0.5 * gain or step >= longest:
                break
        if long <= 1.5 * short:
            break
        step = min(4.0 * step, longest) if long == np.inf else short + (long - short) / 3.0
    return best


def _solution(sets: ChoiceSets, price: Float, rounds: tuple[Round, ...], began: float) -> Solution:
    """Bring flows and queues into the problem's terms, with what is left of error in them."""
    search, p = sets.search, sets.search.problem
    row_price = price / search.row_units
    priced = np.empty(sets.cost.size)
    kernels.path_prices(sets.cost, sets.row_start, sets.row, sets.units, row_price, priced)
    choice = choose(sets, priced)
    entries = np.repeat(choice.flow, np.diff(sets.row_start)) * sets.units
    use = np.bincount(sets.row, weights=entries, minlength=p.n_rows).astype(np.float64)
    unserved = p.tonnes.copy()
    unserved[search.live] = choice.refused
    served = p.tonnes - unserved
    arc_flow = np.zeros(p.cost.shape)
    path_kernels.arc_flows(sets.paths.start, sets.paths.arc, sets.path_class, choice.flow, arc_flow)
    cost = float(choice.flow @ sets.cost + unserved @ p.unserved_price)
    out_of_reach = float((p.tonnes * p.unserved_price)[~search.reachable].sum())
    bound = float(p.tonnes[search.live] @ choice.expected - row_price @ p.rhs) + out_of_reach
    objective = bound + float(row_price @ (p.rhs - use))
    demand_price = np.where(search.reachable, 0.0, np.inf)
    demand_price[search.live] = choice.expected
    part, none = np.zeros(p.n_rows), np.zeros(p.n_rows)
    closed = np.bincount(p.usage_row, weights=p.usage_units, minlength=p.n_rows) > 0
    closed &= p.rhs <= 0
    used = np.flatnonzero(choice.flow > 0)  # a very sharp choice leaves nothing at all on some
    carrying = chosen(sets.paths, used)
    return Solution(
        path_start=carrying.start,
        path_arc=carrying.arc,
        path_demand=search.live[carrying.demand],
        path_tonnes=choice.flow[used],
        arc_flow=arc_flow,
        served=served,
        unserved=unserved,
        reason=_reasons(sets, unserved, row_price),
        row_use=use,
        dual=np.where(closed, np.nan, row_price),
        price_share=part,
        is_scarcity=part > 0,
        price_factors=np.empty(0),
        dual_at=np.empty((0, p.n_rows)),
        served_per_unit=none,
        demand_price=demand_price,
        objective=objective,
        bound=bound,
        gap=abs(objective - bound) / max(abs(objective), abs(bound), 1e-300),
        second=float(arc_flow.sum(axis=0) @ p.second),
        rounds=rounds,
        seconds=time.perf_counter() - began,
        columns=_columns(sets, row_price),
        residuals=_residuals(sets, choice, row_price, use, cost),
    )


def _columns(sets: ChoiceSets, row_price: Float) -> Columns:
    none = np.empty(0, np.int32)
    demand = sets.search.live[sets.paths.demand]
    return Columns(sets.paths.start, sets.paths.arc, demand, none, none, none, none, sets.search, row_price)


def _residuals(sets: ChoiceSets, choice: Choice, row_price: Float, use: Float, cost: float) -> Residuals:
    """Work out what is left of error, path costs added up anew from their arcs."""
    p, tonnes = sets.search.problem, sets.search.problem.tonnes[sets.search.live]
    again = choose(sets, arc_priced(sets, row_price))
    total = np.bincount(sets.paths.demand, weights=choice.flow, minlength=tonnes.size) + choice.refused
    off = np.append(np.abs(again.flow - choice.flow) / tonnes[sets.paths.demand], np.abs(total / tonnes - 1.0))
    room = p.rhs - use
    known = p.rhs > 0
    priced = known & (row_price > 0)
    return Residuals(
        consistency=float(off.max(initial=0.0)),
        capacity=float((-room[known] / p.rhs[known]).max(initial=0.0)),
        complementarity=float((np.abs(room[priced]) / p.rhs[priced]).max(initial=0.0)),
        cost=cost,
    )


def _reasons(sets: ChoiceSets, unserved: Float, row_price: Float) -> NDArray[np.int8]:
    """Say why tonnes are left unserved: by choice, unless a path is missing, too dear, or dear for its queues."""
    search, p = sets.search, sets.search.problem
    reason = np.full(p.n_demands, Reason.CHOICE, np.int8)
    price = p.unserved_price[search.live]
    reason[search.live[_least(sets, row_price) >= price]] = Reason.CAPACITY
    reason[search.live[_least(sets) >= price]] = Reason.TOO_DEAR
    reason[unserved <= 1e-9 * p.tonnes] = Reason.SERVED
    reason[~search.reachable & (p.tonnes > 0)] = Reason.NO_PATH
    return reason
