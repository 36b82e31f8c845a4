"""The linear programme over the paths found so far, kept by HiGHS from round to round.

Columns: unserved tonnes of each demand, then paths. Rows: each demand, the unserved total, then capacity rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from karavan.errors import SolverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]

PRIMAL_SIMPLEX, DUAL_SIMPLEX = 4, 1


@dataclass(frozen=True, slots=True, eq=False)
class MasterSolution:
    """Optimum of the master: flows, and prices of the demands, of the unserved total, of the capacity rows."""

    objective: float
    unserved: Float
    flow: Float
    demand_price: Float
    total_price: float
    row_price: Float


class Master:
    """A linear programme that grows. All numbers are in the scaled units of the caller."""

    def __init__(self, tonnes: Float, price: Float) -> None:
        self.n_demands = tonnes.size
        self.n_paths = 0
        self.n_rows = 0
        self._highs: Any = quiet_highs()
        n, empty = self.n_demands, np.empty(0, np.int32)
        self._highs.addRows(n, tonnes, tonnes, 0, np.zeros(n, np.int32), empty, np.empty(0))
        self._highs.addRow(-highspy.kHighsInf, highspy.kHighsInf, 0, empty, np.empty(0))
        rows = np.stack([np.arange(n), np.full(n, n)], axis=1).astype(np.int32).ravel()
        self._add_cols(price, np.arange(0, 2 * n, 2), rows, np.ones(2 * n))

    def add_paths(self, cost: Float, demand: Int, start: Long, row: Int, units: Float) -> None:
        """Add paths: cost per tonne, demand, and the capacity rows of the master that each uses."""
        first = start[:-1] + np.arange(demand.size)
        index = np.empty(row.size + demand.size, np.int32)
        value = np.ones(index.size)
        is_demand = np.zeros(index.size, np.bool_)
        is_demand[first] = True
        index[is_demand] = demand
        index[~is_demand] = row + self.n_demands + 1
        value[~is_demand] = units
        self._add_cols(cost, first, index, value)
        self.n_paths += demand.size

    def add_rows(self, limit: Float, start: Long, path: Int, units: Float) -> None:
        """Add capacity rows: the limit, and the paths that use each."""
        below = np.full(limit.size, -highspy.kHighsInf)
        starts = start[:-1].astype(np.int32)
        self._highs.addRows(
            limit.size, below, limit, path.size, starts, (path + self.n_demands).astype(np.int32), units
        )
        self.n_rows += limit.size

    def set_unserved(self, price: Float, most: float) -> None:
        """Set the price of unserved tonnes by demand, and the most that may be left unserved in all."""
        self._highs.changeColsCost(self.n_demands, np.arange(self.n_demands, dtype=np.int32), price)
        self._highs.changeRowBounds(self.n_demands, -highspy.kHighsInf, most)

    def set_path_costs(self, cost: Float) -> None:
        """Set the cost of every path."""
        columns = np.arange(self.n_demands, self.n_demands + self.n_paths, dtype=np.int32)
        self._highs.changeColsCost(self.n_paths, columns, cost)

    def solve(self) -> MasterSolution:
        """Find the optimum from the last basis; by primal simplex, by dual simplex from scratch where that fails."""
        if self.n_demands == 0:  # HiGHS calls a programme without columns empty, not optimal
            none = np.empty(0)
            return MasterSolution(0.0, none, none, none, 0.0, np.zeros(self.n_rows))
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._highs.clearSolver()
            self._highs.setOptionValue("simplex_strategy", DUAL_SIMPLEX)
            self._highs.run()
            self._highs.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX)
            status = self._highs.getModelStatus()
            if status != highspy.HighsModelStatus.kOptimal:
                msg = f"the master of the path search ended as {self._highs.modelStatusToString(status)!r}"
                raise SolverError(msg)
        found = self._highs.getSolution()
        value, dual = np.array(found.col_value), np.array(found.row_dual)
        n = self.n_demands
        return MasterSolution(
            objective=self._highs.getInfo().objective_function_value,
            unserved=np.maximum(value[:n], 0.0),
            flow=np.maximum(value[n:], 0.0),
            demand_price=dual[:n],
            total_price=max(-float(dual[n]), 0.0),
            row_price=np.maximum(-dual[n + 1 :], 0.0),
        )

    def duals(self, unserved_price: Float, path_cost: Float) -> tuple[Float, float, Float]:
        """Return prices of demands, unserved total and capacity rows that other costs have at the basis of the optimum.

        They solve B'y = c for the costs c of the basic columns: linear in the costs, so that a price can be taken apart
        into what comes from unserved prices and what from costs of transport. Not clipped at zero.
        """
        n = self.n_demands
        if n == 0:
            return np.empty(0), 0.0, np.zeros(self.n_rows)
        _, basic = self._highs.getBasicVariables()
        is_column = basic >= 0
        cost = np.zeros(basic.size)
        cost[is_column] = np.append(unserved_price, path_cost)[basic[is_column]]
        _, found = self._highs.getBasisTransposeSolve(cost)
        dual = np.asarray(found)
        return dual[:n], -float(dual[n]), -dual[n + 1 :]

    def basis(self) -> tuple[Int, Int]:
        """Return the basis: status of columns and of rows."""
        basis = self._highs.getBasis()
        col_status = np.array([int(s) for s in basis.col_status], dtype=np.int32)
        return col_status, np.array([int(s) for s in basis.row_status], dtype=np.int32)

    def set_basis(self, col_status: Int, row_status: Int) -> None:
        """Start the next solve from a basis; one that does not fit is completed by HiGHS."""
        status = [highspy.HighsBasisStatus(i) for i in range(5)]
        basis = highspy.HighsBasis()
        basis.col_status = [status[s] for s in col_status]
        basis.row_status = [status[s] for s in row_status]
        basis.valid = True
        self._highs.setBasis(basis)

    def _add_cols(self, cost: Float, start: Long, index: Int, value: Float) -> None:
        n = cost.size
        above = np.full(n, highspy.kHighsInf)
        self._highs.addCols(n, cost, np.zeros(n), above, index.size, start.astype(np.int32), index, value)


def quiet_highs() -> Any:  # the solver's own type declares less than it has
    """Return a HiGHS of one thread that says nothing and starts by primal simplex, with tight tolerances."""
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "presolve": "off",
        "simplex_strategy": PRIMAL_SIMPLEX,
        "primal_feasibility_tolerance": 1e-9,
        "dual_feasibility_tolerance": 1e-9,
    }.items():
        highs.setOptionValue(option, value)
    return highs
