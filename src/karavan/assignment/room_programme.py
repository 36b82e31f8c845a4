"""The linear programme of `karavan.assignment.room`, kept by HiGHS from question to question.

Columns: unserved tonnes of each demand, the scale of the target, an addition to each group of rows, then paths. Rows:
each demand, then each capacity. All numbers are in the scaled units of the caller.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, NoReturn

import highspy
import numpy as np

from karavan.assignment.master import DUAL_SIMPLEX, PRIMAL_SIMPLEX, quiet_highs
from karavan.errors import SolverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]
    Bool = NDArray[np.bool_]

INF = highspy.kHighsInf
MOST_SCALE = 1e4  # a target that could be so many times as large is not limited
LEEWAY = 1e-9  # a shortage held is let grow by this, so that rounding makes nothing impossible


class Programme:
    """A linear programme that grows, asked one question after another.

    `target` marks demands, `group` (n_rows,) numbers the rows that share an addition, `row_unit` (n_rows,) is what the
    caller divided each row by.
    """

    def __init__(self, tonnes: Float, target: Bool, limit: Float, group: Int, row_unit: Float) -> None:
        self.tonnes, self.target, self.limit = tonnes, target, limit
        self.n, self.n_rows = tonnes.size, limit.size
        self.n_groups = int(group.max()) + 1 if group.size else 0
        self.n_paths = 0
        self.most_short = np.full(self.n, INF)
        self.is_held = False
        # an addition counts in the units of the first row of its group
        self.group_unit = np.ones(self.n_groups)
        self.group_unit[group[::-1]] = row_unit[::-1]
        self.objective = 0.0
        self.highs: Any = quiet_highs()
        self._kept: tuple[Any, Any] = (None, None)
        self._first = self.n + 1 + self.n_groups
        none = np.empty(0, np.int32)
        below = np.full(self.n_rows, -INF)
        self.highs.addRows(self.n, tonnes, tonnes, 0, np.zeros(self.n, np.int32), none, np.empty(0))
        self.highs.addRows(self.n_rows, below, limit, 0, np.zeros(self.n_rows, np.int32), none, np.empty(0))
        self._add_cols(np.zeros(self.n), np.arange(self.n), np.arange(self.n), np.ones(self.n))
        aim = np.flatnonzero(target)
        self._add_cols(np.zeros(1), np.zeros(1), aim, -tonnes[aim])
        order = np.argsort(group, kind="stable")
        start = np.append(0, np.cumsum(np.bincount(group, minlength=self.n_groups)))[:-1]
        self._add_cols(
            np.zeros(self.n_groups), start, self.n + order, -(self.group_unit[group] / row_unit)[order]
        )

    # What is asked

    def ask(self, *, base_price: float, target_price: float, with_target: bool = True) -> None:
        """Minimise unserved tonnes at these prices; without the target its demand is nought."""
        self._demand(np.where(self.target & (not with_target), 0.0, self.tonnes))
        self._columns(np.where(self.target, target_price, base_price), 0.0, np.zeros(self.n_groups))

    def ask_scale(self) -> None:
        """Maximise the scale of the target; no base demand falls short, nor any of the target."""
        self._demand(np.where(self.target, 0.0, self.tonnes))
        most = np.where(self.target, 0.0, self._held())
        self._columns(np.zeros(self.n), -1.0, np.zeros(self.n_groups), most=most)

    def ask_enlarge(self, weight: Float) -> None:
        """Minimise the weight of additions with which the target is served whole."""
        self._demand(self.tonnes)
        most = np.where(self.target, 0.0, self._held())
        self._columns(np.zeros(self.n), 0.0, weight, most=most, more=True)

    def relax(self, rows: Bool) -> None:
        """Take the limit off some rows, and put it back on all others."""
        at = np.arange(self.n, self.n + self.n_rows, dtype=np.int32)
        self.highs.changeRowsBounds(
            self.n_rows, at, np.full(self.n_rows, -INF), np.where(rows, INF, self.limit)
        )

    def hold(self, which: Bool) -> None:
        """Let none of these demands be shorter than it is now."""
        self.most_short = np.where(which, self.short + LEEWAY * (1.0 + self.tonnes), self.most_short)
        self.is_held = True

    def release(self) -> tuple[Float, bool]:
        """Let base demands be short again; return what `restore` takes."""
        held = self.most_short, self.is_held
        self.most_short, self.is_held = np.full(self.n, INF), False
        return held

    def restore(self, held: tuple[Float, bool]) -> None:
        """Hold base demands again as they were."""
        self.most_short, self.is_held = held

    def _held(self) -> Float:
        """Return how short each base demand may be: not at all, unless it is held to something else."""
        return self.most_short if self.is_held else np.full(self.n, LEEWAY)

    def _demand(self, tonnes: Float) -> None:
        self.highs.changeRowsBounds(self.n, np.arange(self.n, dtype=np.int32), tonnes, tonnes)

    def _columns(
        self, price: Float, scale_price: float, weight: Float, *, most: Float | None = None, more: bool = False
    ) -> None:
        cost = np.concatenate([price, [scale_price], weight])
        scale = MOST_SCALE if scale_price else 0.0
        upper = np.concatenate(
            [
                self.most_short if most is None else most,
                [scale],
                np.full(self.n_groups, INF if more else 0.0),
            ]
        )
        at = np.arange(self._first, dtype=np.int32)
        self.highs.changeColsCost(self._first, at, cost)
        self.highs.changeColsBounds(self._first, at, np.zeros(self._first), upper)

    def like(self, tonnes: Float, limit: Float, usable: Bool) -> Programme:
        """Return the same programme with other demands and limits, begun from the basis that was kept; not for scales.

        `usable` (n_paths,): paths that may be used. This programme does not change; what is asked of it next does not
        change what the other answers.
        """
        other = copy(self)
        other.tonnes, other.limit = tonnes, limit
        other.most_short, other.is_held = np.full(self.n, INF), False
        other.highs = quiet_highs()
        other.highs.setOptionValue("simplex_strategy", DUAL_SIMPLEX)
        other.highs.passModel(self._kept[0])
        other.highs.setBasis(self._kept[1])
        other.relax(np.zeros(self.n_rows, np.bool_))
        at = np.arange(self._first, self._first + self.n_paths, dtype=np.int32)
        other.highs.changeColsBounds(self.n_paths, at, np.zeros(self.n_paths), np.where(usable, INF, 0.0))
        return other

    def keep(self) -> None:
        """Keep what `like` starts from: the programme as it is, and the basis of its last answer."""
        self._kept = self.highs.getLp(), self.highs.getBasis()

    # Paths and answers

    def add_paths(self, demand: Int, start: Long, row: Int, units: Float) -> None:
        """Add paths: the demand of each, and the rows it uses."""
        first = start[:-1] + np.arange(demand.size)
        index = np.empty(row.size + demand.size, np.int32)
        value = np.ones(index.size)
        is_demand = np.zeros(index.size, np.bool_)
        is_demand[first] = True
        index[is_demand] = demand
        index[~is_demand] = row + self.n
        value[~is_demand] = units
        self._add_cols(np.zeros(demand.size), first, index, value)
        self.n_paths += demand.size

    def solve(self) -> None:
        """Find the optimum from the last basis; from scratch where that fails."""
        self.highs.run()
        if self.highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self.highs.clearSolver()
            _, usual = self.highs.getOptionValue("simplex_strategy")
            self.highs.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX + DUAL_SIMPLEX - usual)
            self.highs.run()
            self.highs.setOptionValue("simplex_strategy", usual)
            status = self.highs.getModelStatus()
            if status != highspy.HighsModelStatus.kOptimal:
                self.failed(f"it ended as {self.highs.modelStatusToString(status)!r}")
        found = self.highs.getSolution()
        value, dual = np.array(found.col_value), np.array(found.row_dual)
        n = self.n
        self.objective = float(self.highs.getInfo().objective_function_value)
        self.short, self.scale = np.maximum(value[:n], 0.0), float(value[n])
        self.added = np.maximum(value[n + 1 : self._first], 0.0)
        self.flow = np.maximum(value[self._first :], 0.0)
        self.demand_price, self.row_price = dual[:n], np.maximum(-dual[n:], 0.0)

    def base_short(self) -> float:
        """Return the unserved tonnes of base demands."""
        return float(self.short[~self.target].sum())

    def total(self) -> float:
        """Return the tonnes of all demands."""
        return float(self.tonnes.sum())

    def failed(self, why: str) -> NoReturn:
        """Raise `SolverError`."""
        msg = f"the search for room for the target: {why}"
        raise SolverError(msg)

    def _add_cols(self, cost: Float, start: Any, index: Any, value: Float) -> None:
        n = cost.size
        if n:
            above = np.full(n, INF)
            start, index = np.asarray(start, dtype=np.int32), np.asarray(index, dtype=np.int32)
            self.highs.addCols(n, cost, np.zeros(n), above, index.size, start, index, value)
