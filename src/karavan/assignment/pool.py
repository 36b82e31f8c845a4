"""The paths found so far, the rows they use, and the master over them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from karavan.assignment.master import Master
from karavan.assignment.result import Columns, Uses
from karavan.assignment.search import Paths, cheapest, row_units, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.assignment.master import MasterSolution
    from karavan.assignment.search import Search

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]

SCALED_PATH_COST = 1024.0  # with the tolerance 1e-9 of the master: prices are right to 1e-12 of a usual path's cost
ROW_TOLERANCE = 1e-9
ROUNDING = 1e-11  # a price below this share of a usual path's cost is what rounding left of zero


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Powers of two by which the master's numbers are divided, so that its absolute tolerances mean relative ones."""

    tonnes: float
    cost: float
    row: Float


@dataclass(slots=True, eq=False)
class Pool:
    """Grows from round to round. `demand` counts as in the search; `units` are own units; `rows` are in the master."""

    search: Search
    scale: Scale
    master: Master
    paths: Paths
    path_cost: Float
    row_start: Long
    row: Int
    units: Float
    rows: Int
    place: Int
    seen: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Optimum of the master in the problem's units; rows outside the master have price zero."""

    objective: float
    flow: Float
    demand: Float
    total: float
    row: Float


def make_scale(search: Search, typical_cost: float) -> Scale:
    """Choose scales from the mean demand, a typical path cost, and the mean units of each row's usage."""
    p = search.problem
    tonnes = p.tonnes[search.live]
    return Scale(
        tonnes=_power_of_two(float(tonnes.mean()) if tonnes.size else 1.0),
        cost=_power_of_two(typical_cost) / SCALED_PATH_COST,
        row=np.exp2(np.round(np.log2(search.row_units))),
    )


def make_pool(search: Search, scale: Scale, price: Float) -> Pool:
    """Return a pool without paths. `price` (n_live,): of unserved tonnes."""
    none = np.empty(0, np.int32)
    return Pool(
        search=search,
        scale=scale,
        master=Master(search.problem.tonnes[search.live] / scale.tonnes, price / scale.cost),
        paths=Paths(np.zeros(1, np.int64), none, none),
        path_cost=np.empty(0),
        row_start=np.zeros(1, np.int64),
        row=none,
        units=np.empty(0),
        rows=none,
        place=np.full(search.problem.n_rows, -1, np.int32),
    )


def path_class(pool: Pool, found: Paths) -> Int:
    """Return the class of each path."""
    p = pool.search.problem
    return p.demand_class[pool.search.live[found.demand]]


def add_paths(pool: Pool, found: Paths, cost: Float) -> int:
    """Add the paths not yet in the pool, at `cost` (n_classes, n_arcs), and return how many these were."""
    found = _unseen(pool, found)
    if found.demand.size == 0:
        return 0
    _add(pool, found, cost, row_units(pool.search.problem, found, path_class(pool, found)))
    return found.demand.size


def _add(pool: Pool, found: Paths, cost: Float, uses: tuple[Long, Int, Float]) -> None:
    """Add paths with the rows that they use: start, row, units."""
    start, row, units = uses
    total = sums(found, path_class(pool, found), cost)
    kept = pool.place[row] >= 0
    count = np.append(0, np.cumsum(kept))[start]
    pool.master.add_paths(
        total / pool.scale.cost, found.demand, count, pool.place[row[kept]], units[kept] / pool.scale.row[row[kept]]
    )
    pool.paths = joined(pool.paths, found)
    pool.path_cost = np.append(pool.path_cost, total)
    pool.row_start = np.append(pool.row_start, pool.row_start[-1] + start[1:])
    pool.row = np.append(pool.row, row)
    pool.units = np.append(pool.units, units)


def add_rows(pool: Pool, rows: Int) -> None:
    """Put capacity rows into the master."""
    pool.place[rows] = pool.rows.size + np.arange(rows.size, dtype=np.int32)
    new = np.full(pool.place.size, -1, np.int64)
    new[rows] = np.arange(rows.size)
    entries = np.flatnonzero(new[pool.row] >= 0)
    entries = entries[np.argsort(new[pool.row[entries]], kind="stable")]
    path = np.repeat(np.arange(pool.paths.demand.size), np.diff(pool.row_start))
    start = np.zeros(rows.size + 1, np.int64)
    np.cumsum(np.bincount(new[pool.row[entries]], minlength=rows.size), out=start[1:])
    limit = pool.search.problem.rhs[rows] / (pool.scale.row[rows] * pool.scale.tonnes)
    pool.master.add_rows(
        limit, start, path[entries].astype(np.int32), pool.units[entries] / pool.scale.row[pool.row[entries]]
    )
    pool.rows = np.append(pool.rows, rows)


def row_use(pool: Pool, flow: Float) -> Float:
    """Return the own units of each row that flows (n_paths,) in tonnes use."""
    use = pool.units * np.repeat(flow, np.diff(pool.row_start))
    return np.bincount(pool.row, weights=use, minlength=pool.search.problem.n_rows).astype(np.float64)


def solve(pool: Pool) -> Prices:
    """Solve the master, add every row that the flows exceed, and repeat until none is."""
    rhs = pool.search.problem.rhs
    slack = ROW_TOLERANCE * (rhs + pool.scale.row * pool.scale.tonnes)
    while True:
        found = pool.master.solve()
        flow = found.flow * pool.scale.tonnes
        exceeded = (row_use(pool, flow) > rhs + slack) & (pool.place < 0)
        if not exceeded.any():
            return _prices(pool, found, flow)
        add_rows(pool, np.flatnonzero(exceeded).astype(np.int32))


def without_ties(pool: Pool, prices: Prices, cost: Float, unserved_price: Float) -> Prices:
    """Return the prices that the true `cost` has at the basis of the optimum: the tie-breaking share is taken out."""
    true = sums(pool.paths, path_class(pool, pool.paths), cost)
    demand, total, row = _duals(pool, unserved_price, true)
    return replace(prices, demand=demand, total=max(total, 0.0), row=np.maximum(row, 0.0))


def price_part(pool: Pool, unserved_price: Float) -> Float:
    """Return the part (n_rows,) of the row prices that comes from unserved prices."""
    return _duals(pool, unserved_price, np.zeros(pool.path_cost.size))[2]


def set_costs(pool: Pool, cost: Float) -> None:
    """Set the cost (n_classes, n_arcs) of every path of the pool."""
    pool.path_cost = sums(pool.paths, path_class(pool, pool.paths), cost)
    pool.master.set_path_costs(pool.path_cost / pool.scale.cost)


def better_paths(pool: Pool, cost: Float, prices: Prices) -> tuple[float, Paths]:
    """Look for paths cheaper than what their demand pays now.

    Returns
    -------
    A bound that the cost of no flows is below (Lagrangian: capacity relaxed at these prices), without the demands that
    have no path; and the paths.
    """
    p = pool.search.problem
    limit = prices.demand
    wanted = limit - 1e-10 * pool.scale.cost * SCALED_PATH_COST
    distance, found = cheapest(pool.search, cost, prices.row, limit=limit, wanted=wanted)
    # a search that ends at the limit has shown that nothing is cheaper: the limit is a valid bound there
    least = np.minimum(distance, limit)
    return float(p.tonnes[pool.search.live] @ least - prices.row @ p.rhs), found


def columns(pool: Pool) -> Columns:
    """Return everything found, in the problem's terms, to start a like problem from."""
    col_status, row_status = pool.master.basis()
    live = pool.search.live
    found = pool.paths
    uses = Uses(pool.row_start, pool.row, pool.units, frozenset(pool.seen), pool.scale.cost * SCALED_PATH_COST)
    return Columns(
        found.start, found.arc, live[found.demand], pool.rows, live, col_status, row_status, pool.search, uses=uses
    )


def restore(pool: Pool, start: Columns, cost: Float) -> None:
    """Fill an empty pool with the rows and paths of `start` that are still open, at `cost`, and with its basis."""
    p = pool.search.problem
    number = np.full(p.n_demands, -1, np.int32)
    number[pool.search.live] = np.arange(pool.search.live.size, dtype=np.int32)
    demand = number[start.path_demand]
    path = np.repeat(np.arange(demand.size), np.diff(start.path_start))
    closed = np.bincount(path[~p.open[p.demand_class[start.path_demand[path]], start.path_arc]], minlength=demand.size)
    kept = np.flatnonzero((demand >= 0) & (closed == 0))
    add_rows(pool, start.rows)
    same_demands = np.array_equal(start.demands, pool.search.live)
    old = start.search.problem
    same_use = p.usage_units is old.usage_units and p.usage_row is old.usage_row
    if start.uses is not None and same_demands and same_use and kept.size == demand.size:
        pool.seen = set(start.uses.keys)
        uses = (start.uses.start, start.uses.row, start.uses.units)
        _add(pool, Paths(start.path_start, start.path_arc, demand), cost, uses)
    else:
        add_paths(pool, chosen(Paths(start.path_start, start.path_arc, demand), kept), cost)
    if same_demands and start.col_status.size:
        n = start.demands.size
        pool.master.set_basis(np.append(start.col_status[:n], start.col_status[n:][kept]), start.row_status)


def joined(first: Paths, second: Paths) -> Paths:
    """Return the paths of both, in that order."""
    return Paths(
        np.append(first.start, first.start[-1] + second.start[1:]),
        np.append(first.arc, second.arc),
        np.append(first.demand, second.demand),
    )


def _duals(pool: Pool, unserved_price: Float, path_cost: Float) -> tuple[Float, float, Float]:
    demand, total, found = pool.master.duals(unserved_price / pool.scale.cost, path_cost / pool.scale.cost)
    row = np.zeros(pool.place.size)
    row[pool.rows] = found / pool.scale.row[pool.rows]
    row[np.abs(row) * pool.scale.row < ROUNDING * SCALED_PATH_COST] = 0.0
    return demand * pool.scale.cost, total * pool.scale.cost, row * pool.scale.cost


def _prices(pool: Pool, found: MasterSolution, flow: Float) -> Prices:
    row = np.zeros(pool.place.size)
    row[pool.rows] = found.row_price * pool.scale.cost / pool.scale.row[pool.rows]
    return Prices(
        objective=found.objective * pool.scale.cost * pool.scale.tonnes,
        flow=flow,
        demand=found.demand_price * pool.scale.cost,
        total=found.total_price * pool.scale.cost,
        row=row,
    )


def _unseen(pool: Pool, found: Paths) -> Paths:
    """Leave out paths that the pool has, and note the others."""
    keep = []
    for i, demand in enumerate(found.demand.tolist()):
        key = demand.to_bytes(4, "little") + found.arc[found.start[i] : found.start[i + 1]].tobytes()
        if key not in pool.seen:
            pool.seen.add(key)
            keep.append(i)
    if len(keep) == found.demand.size:
        return found
    return chosen(found, np.array(keep, np.int64))


def chosen(found: Paths, keep: Long) -> Paths:
    """Return the paths of the numbers given."""
    length = np.diff(found.start)[keep]
    start = np.zeros(keep.size + 1, np.int64)
    np.cumsum(length, out=start[1:])
    arcs = np.repeat(found.start[:-1][keep] - start[:-1], length) + np.arange(start[-1])
    return Paths(start, found.arc[arcs], found.demand[keep])


def _power_of_two(value: float) -> float:
    return float(np.exp2(np.round(np.log2(value)))) if value > 0 else 1.0
