"""The plain arc-flow linear programme: the same optimum by a plain road, for tests and benchmarks only.

One commodity a class and origin; variables are tonnes of each on every open arc, and the unserved tonnes of
each demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import highspy
import numpy as np
from scipy import sparse

from karavan.errors import SolverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.problem import Problem

    Float = NDArray[np.float64]


def arc_lp(problem: Problem, *, presolve: Literal["off", "choose"] = "off") -> float:
    """Return the least cost of transport and unserved tonnes, in USD, by HiGHS on one thread.

    Simplex without presolve by default: on the instances of `benchmarks` many times faster than HiGHS's own choice.

    Raises
    ------
    SolverError
        HiGHS did not end at an optimum.
    """
    groups, inverse = np.unique(np.stack([problem.demand_class, problem.origin], axis=1), axis=0, return_inverse=True)
    group = inverse.ravel()
    n_nodes, n_groups, n_demands = problem.n_nodes, groups.shape[0], problem.n_demands
    balance = np.zeros((n_groups, n_nodes))  # outflow less inflow
    np.add.at(balance, (group, problem.origin), problem.tonnes)
    np.add.at(balance, (group, problem.destination), -problem.tonnes)
    flows = [_flow_columns(problem, int(groups[g, 0]), g, n_groups) for g in range(n_groups)]
    at = np.arange(n_demands)
    ends = group * n_nodes + problem.origin, group * n_nodes + problem.destination
    ones = np.ones(n_demands)
    shape = (n_groups * n_nodes + problem.n_rows, n_demands)
    unserved = sparse.csc_matrix((np.append(ones, -ones), (np.append(*ends), np.append(at, at))), shape=shape)
    matrix = sparse.hstack([matrix for _, matrix in flows] + [unserved], format="csc")
    cost = np.concatenate([cost for cost, _ in flows] + [problem.unserved_price])
    below = np.append(balance.ravel(), np.full(problem.n_rows, -highspy.kHighsInf))
    above = np.append(balance.ravel(), problem.rhs)
    upper = np.append(np.full(cost.size - n_demands, highspy.kHighsInf), problem.tonnes)
    return _solve(cost, upper, below, above, matrix, presolve)


def _flow_columns(problem: Problem, k: int, g: int, n_groups: int) -> tuple[Float, sparse.csc_matrix]:
    """Return cost and matrix columns of the flow of commodity g, of class k, on the arcs open to it."""
    arcs = np.flatnonzero(problem.open[k])
    use = k * problem.n_arcs + arcs
    first, count = problem.usage_indptr[use], np.diff(problem.usage_indptr)[use]
    entry = np.repeat(first - np.append(0, np.cumsum(count))[:-1], count) + np.arange(count.sum())
    number = np.arange(arcs.size)
    column = np.concatenate([number, number, np.repeat(number, count)])
    begin = g * problem.n_nodes
    used = n_groups * problem.n_nodes + problem.usage_row[entry]
    row = np.concatenate([begin + problem.tail[arcs], begin + problem.head[arcs], used])
    value = np.concatenate([np.ones(arcs.size), -np.ones(arcs.size), problem.usage_units[entry]])
    shape = (n_groups * problem.n_nodes + problem.n_rows, arcs.size)
    return problem.cost[k, arcs], sparse.csc_matrix((value, (row, column)), shape=shape)


def _solve(cost: Float, upper: Float, below: Float, above: Float, matrix: sparse.csc_matrix, presolve: str) -> float:
    """Return the optimum of: least cost with below <= matrix x <= above and 0 <= x <= upper."""
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("presolve", presolve)
    none = np.empty(0, np.int32)
    highs.addRows(below.size, below, above, 0, np.zeros(below.size, np.int32), none, np.empty(0))
    start, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
    highs.addCols(cost.size, cost, np.zeros(cost.size), upper, matrix.nnz, start, index, matrix.data)
    highs.run()
    status = highs.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        msg = f"the arc-flow programme ended as {highs.modelStatusToString(status)!r}"
        raise SolverError(msg)
    return float(highs.getInfo().objective_function_value)
