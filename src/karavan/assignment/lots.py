"""Whole lots: rows whose capacity comes in trains or sailings that run or do not.

Mixed-integer programme over the paths that `LeastCost` finds when a lot may run in part (a restricted master): its
optimum is a plan that can be run, the bound of the continuous problem holds for all plans, and the gap is between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from scipy import sparse

from karavan.assignment.least_cost import least_cost
from karavan.assignment.methods import LeastCost
from karavan.assignment.search import Paths, row_units, sums
from karavan.errors import SolverError
from karavan.problem import Problem, perturb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.assignment.result import Columns

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]

LIMIT_SECONDS = 60.0
FITS = 1e-9  # a capacity that misses a whole number of lots by this share of one has room for it


@dataclass(frozen=True, slots=True, eq=False)
class Lots:
    """Rows that come in lots, (n_lots,) each: position of the row, own units a lot, USD that running one costs."""

    row: Int
    units: Float
    usd: Float


@dataclass(frozen=True, slots=True, eq=False)
class LotPlan:
    """A plan of whole lots.

    Attributes
    ----------
    lots
        int64 (n_lots,): how many of each run.
    path_start, path_arc, path_demand, path_tonnes, unserved
        Flows, as in `karavan.assignment.Solution`.
    objective, bound, gap
        USD of the plan, lots included; what no plan can go below; their relative difference.
    """

    lots: NDArray[np.int64]
    path_start: NDArray[np.int64]
    path_arc: Int
    path_demand: Int
    path_tonnes: Float
    unserved: Float
    objective: float
    bound: float
    gap: float


def plan_lots(problem: Problem, lots: Lots, *, gap: float = 1e-4, seconds: float = LIMIT_SECONDS) -> LotPlan:
    """Find a plan of least cost in which each row of `lots` has room for whole lots only, each at its cost.

    `gap` ends the search among plans over the paths found; the plan's own gap, which is certified, may be wider.

    Raises
    ------
    ValueError
        A lot has no units, costs less than nothing, or its row does not exist or stands twice.
    SolverError
        No plan was found in the time allowed.
    """
    _check(problem, lots)
    most = np.floor(problem.rhs[lots.row] / lots.units + FITS)
    rhs = problem.rhs.copy()
    rhs[lots.row] = most * lots.units
    by_unit = np.zeros(problem.n_rows)
    by_unit[lots.row] = lots.usd / lots.units
    pair = np.repeat(np.arange(problem.cost.size), np.diff(problem.usage_indptr))
    run = np.bincount(pair, weights=problem.usage_units * by_unit[problem.usage_row], minlength=problem.cost.size)
    in_part = perturb(problem, cost=problem.cost + run.reshape(problem.cost.shape), rhs=rhs)
    relaxed = least_cost(in_part, LeastCost(ties="any", price_factors=()))
    if relaxed.columns is None:  # a solution keeps its columns unless told not to
        message = "the solution has no columns"
        raise SolverError(message)
    return _plan(problem, lots, most, relaxed.columns, relaxed.bound, gap, seconds)


def _check(problem: Problem, lots: Lots) -> None:
    if ((lots.row < 0) | (lots.row >= problem.n_rows)).any() or np.unique(lots.row).size < lots.row.size:
        message = "lots: a row does not exist, or stands twice"
        raise ValueError(message)
    if (lots.units <= 0).any() or (lots.usd < 0).any():
        message = "lots: a lot has no units, or costs less than nothing"
        raise ValueError(message)


def _plan(
    problem: Problem, lots: Lots, most: Float, columns: Columns, bound: float, gap: float, seconds: float
) -> LotPlan:
    """Solve the mixed-integer programme; its columns are unserved tonnes, paths, lots."""
    paths = Paths(columns.path_start, columns.path_arc, columns.path_demand)
    path_class = problem.demand_class[paths.demand]
    start, row, units = row_units(problem, paths, path_class)
    n_demands, n_paths, n_lots, n_rows = problem.n_demands, paths.demand.size, lots.row.size, problem.n_rows
    at_demand = np.concatenate([np.arange(n_demands), paths.demand])
    path = n_demands + np.repeat(np.arange(n_paths), np.diff(start))
    lot = n_demands + n_paths + np.arange(n_lots)
    matrix = sparse.csc_matrix(
        (
            np.concatenate([np.ones(at_demand.size), units, -lots.units]),
            (
                np.concatenate([at_demand, n_demands + row, n_demands + lots.row]),
                np.concatenate([np.arange(at_demand.size), path, lot]),
            ),
        ),
        shape=(n_demands + n_rows, n_demands + n_paths + n_lots),
    )
    above = np.append(problem.tonnes, problem.rhs)
    above[n_demands + lots.row] = 0.0
    below = np.append(problem.tonnes, np.full(n_rows, -highspy.kHighsInf))
    cost = np.concatenate([problem.unserved_price, sums(paths, path_class, problem.cost), lots.usd])
    upper = np.append(np.full(n_demands + n_paths, highspy.kHighsInf), most)
    value = _mixed_integer(cost, upper, below, above, matrix, n_lots, gap, seconds)
    number = np.round(value[lot]).astype(np.int64)
    n_flows = n_demands + n_paths
    objective = float(cost[:n_flows] @ value[:n_flows] + lots.usd @ number)
    return LotPlan(
        lots=number,
        path_start=paths.start,
        path_arc=paths.arc,
        path_demand=paths.demand,
        path_tonnes=value[n_demands:n_flows],
        unserved=value[:n_demands],
        objective=objective,
        bound=bound,
        gap=max(objective - bound, 0.0) / max(abs(objective), 1e-300),
    )


def _mixed_integer(
    cost: Float, upper: Float, below: Float, above: Float, matrix: sparse.csc_matrix, n_whole: int, gap: float,
    seconds: float,
) -> Float:  # fmt: skip
    """Return the columns at the least cost found with below <= matrix x <= above; the last `n_whole` are whole."""
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    options = {"output_flag": False, "threads": 1, "mip_rel_gap": gap, "time_limit": seconds}
    for option, value in options.items():
        highs.setOptionValue(option, value)
    none = np.empty(0, np.int32)
    highs.addRows(below.size, below, above, 0, np.zeros(below.size, np.int32), none, np.empty(0))
    start, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
    highs.addCols(cost.size, cost, np.zeros(cost.size), upper, matrix.nnz, start, index, matrix.data)
    whole = np.arange(cost.size - n_whole, cost.size, dtype=np.int32)
    highs.changeColsIntegrality(n_whole, whole, np.full(n_whole, highspy.HighsVarType.kInteger))
    highs.run()
    solution = highs.getSolution()
    if not solution.value_valid:
        message = f"no plan of whole lots was found: {highs.modelStatusToString(highs.getModelStatus())!r}"
        raise SolverError(message)
    return np.asarray(np.maximum(np.array(solution.col_value), 0.0), dtype=np.float64)
