"""The plain arc-flow linear programme: the same optimum by a plain road, for tests and benchmarks only.

One commodity a class and origin; variables are tonnes of each on every open arc, and the unserved tonnes of each demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import highspy
import numpy as np

from karavan.errors import SolverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.problem import Problem


def arc_lp(problem: Problem) -> float:
    """Return the least cost of transport and unserved tonnes, in USD, by HiGHS with its own settings on one thread.

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
    arcs = [np.flatnonzero(problem.open[k]) for k in groups[:, 0]]
    columns = [_columns(problem, int(groups[g, 0]), g, arcs[g], n_groups) for g in range(n_groups)]
    cost = np.concatenate([problem.cost[groups[g, 0]][arcs[g]] for g in range(n_groups)] + [problem.unserved_price])
    slack_row = np.stack([group * n_nodes + problem.origin, group * n_nodes + problem.destination], axis=1).ravel()
    count = np.concatenate([c[0] for c in columns] + [np.full(n_demands, 2)])
    row = np.concatenate([c[1] for c in columns] + [slack_row])
    value = np.concatenate([c[2] for c in columns] + [np.tile([1.0, -1.0], n_demands)])
    below = np.concatenate([balance.ravel(), np.full(problem.n_rows, -highspy.kHighsInf)])
    above = np.concatenate([balance.ravel(), problem.rhs])
    upper = np.concatenate([np.full(cost.size - n_demands, highspy.kHighsInf), problem.tonnes])
    return _solve(cost, upper, below, above, count, row, value)


def _columns(
    problem: Problem, k: int, g: int, arcs: NDArray[np.int64], n_groups: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return entries a column, rows and values of the arcs of one commodity; a row used twice is summed by the caller."""
    n_nodes = problem.n_nodes
    use = k * problem.n_arcs + arcs
    first, last = problem.usage_indptr[use], problem.usage_indptr[use + 1]
    column = np.repeat(np.arange(arcs.size), last - first)
    entry = np.repeat(first - np.append(0, np.cumsum(last - first))[:-1], last - first) + np.arange(column.size)
    columns = np.concatenate([np.arange(arcs.size), np.arange(arcs.size), column])
    ends = [g * n_nodes + problem.tail[arcs], g * n_nodes + problem.head[arcs]]
    rows = np.concatenate([*ends, n_groups * n_nodes + problem.usage_row[entry]])
    values = np.concatenate([np.ones(arcs.size), -np.ones(arcs.size), problem.usage_units[entry]])
    n_rows = n_groups * n_nodes + problem.n_rows
    key, place = np.unique(columns * n_rows + rows, return_inverse=True)
    total = np.bincount(place.ravel(), weights=values)
    return np.bincount(key // n_rows, minlength=arcs.size), key % n_rows, total


def _solve(
    cost: NDArray[np.float64],
    upper: NDArray[np.float64],
    below: NDArray[np.float64],
    above: NDArray[np.float64],
    count: NDArray[np.int64],
    row: NDArray[np.int64],
    value: NDArray[np.float64],
) -> float:
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    none = np.empty(0, np.int32)
    highs.addRows(below.size, below, above, 0, np.zeros(below.size, np.int32), none, np.empty(0))
    start = np.append(0, np.cumsum(count))[:-1].astype(np.int32)
    highs.addCols(cost.size, cost, np.zeros(cost.size), upper, row.size, start, row.astype(np.int32), value)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise SolverError(f"the arc-flow programme ended as {highs.modelStatusToString(highs.getModelStatus())!r}")
    return float(highs.getInfo().objective_function_value)
