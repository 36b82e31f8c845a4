"""The continuous programme of a network design, which grows by paths and rows and keeps them from node to node.

Columns: options by stage, promises, tonnes lost beyond what is spare by stage, unserved tonnes by stage, paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from karavan.assignment.master import DUAL_SIMPLEX, PRIMAL_SIMPLEX, quiet_highs
from karavan.assignment.pool import ROW_TOLERANCE, SCALED_PATH_COST, chosen, joined, make_scale
from karavan.assignment.search import Paths, cheapest, make_search, row_units, sums, usual_cost, within_price
from karavan.errors import SolverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.assignment.design import Design, Stage
    from karavan.assignment.search import Search

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]

DEAR = 1e6  # promises that losing all other tonnes is worth
MONEY_SHARE = 0.5  # of a promise that opening everything counts as, so that of equal plans the cheaper is found
INF = highspy.kHighsInf
ROUNDS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """Optimum of a node: objective over the paths found, a bound over all paths, and what is open how far."""

    objective: float
    bound: float
    whole: Float
    kept: Float
    served: Float


class _Flows:
    """Paths of one stage, and the rows of the master that they use."""

    def __init__(self, stage: Stage, goal: str, first: int) -> None:
        p = stage.problem
        self.stage = stage
        self.search: Search = make_search(p)
        self.first = first  # column of the unserved tonnes of the first demand
        self.by_cost = goal == "cost"
        self.cost = p.cost if self.by_cost else np.zeros(p.cost.shape)
        none = np.empty(0, np.int32)
        self.paths = Paths(np.zeros(1, np.int64), none, none)
        self.row_start = np.zeros(1, np.int64)
        self.row, self.units = none, np.empty(0)
        self.column = none
        self.place = np.full(p.n_rows, -1, np.int64)
        self.demand_row = 0
        self.row_scale = np.exp2(np.round(np.log2(self.search.row_units)))
        self.seen: set[bytes] = set()

    def cheapest(self, price: Float, limit: Float, wanted: Float) -> tuple[Float, Paths]:
        """Return the least price of a path of each demand, infinite beyond the limit, and the paths wanted."""
        if self.by_cost:
            return cheapest(self.search, self.cost, price, limit=limit, wanted=wanted)
        return within_price(self.search, price, limit=limit, wanted=wanted)

    @property
    def tonnes(self) -> Float:
        """Tonnes of the demands that have a path, (n_live,)."""
        return self.stage.problem.tonnes[self.search.live]

    def use(self, flow: Float) -> Float:
        """Return own units of each row that flows in tonnes use."""
        spread = self.units * np.repeat(flow, np.diff(self.row_start))
        return np.bincount(self.row, weights=spread, minlength=self.place.size).astype(np.float64)

    def capacity(self, open_: Float) -> Float:
        """Return the capacity of each row with options open as far as given."""
        s = self.stage
        added = np.bincount(s.row, weights=s.units * open_[s.option], minlength=self.place.size)
        return np.maximum(s.problem.rhs + added, 0.0)

    def unseen(self, found: Paths) -> Paths:
        """Leave out the paths that are there already, and note the others."""
        keep = []
        for i, demand in enumerate(found.demand.tolist()):
            key = demand.to_bytes(4, "little") + found.arc[found.start[i] : found.start[i + 1]].tobytes()
            if key not in self.seen:
                self.seen.add(key)
                keep.append(i)
        return chosen(found, np.array(keep, np.int64))


class DesignMaster:
    """A linear programme over options, promises and paths that grows; one for all nodes of a tree."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.n_stages, self.n_options, self.n_promises = len(design.stages), design.n_options, len(design.due)
        self.n_whole = self.n_stages * self.n_options + self.n_promises
        self.flows: list[_Flows] = []
        first = self.n_whole + self.n_stages
        for stage in design.stages:
            self.flows.append(_Flows(stage, design.goal, first))
            first += self.flows[-1].search.live.size
        self.n_fixed = first
        self.n_columns = first
        self._set_scales()
        self._highs: Any = quiet_highs()
        self._add_fixed()
        for flows in self.flows:
            self._add_rows(flows, np.unique(flows.stage.row))

    def _set_scales(self) -> None:
        """Choose powers of two by which tonnes and the objective are divided; `total` is what differences are of."""
        search = self.flows[0].search
        p = self.design.stages[0].problem
        if self.design.goal == "cost":
            anything = np.full(search.live.size, np.finfo(np.float64).max)
            nothing = np.full_like(anything, -1.0)
            distance, _ = cheapest(search, p.cost, np.zeros(p.n_rows), limit=anything, wanted=nothing)
            scale = make_scale(search, usual_cost(search, distance))
        else:
            scale = make_scale(search, 1.0)
        self.tonnes_scale, self.cost_scale = scale.tonnes, scale.cost
        tonnes = sum(float(f.tonnes.sum()) * f.stage.weight for f in self.flows)
        usual = scale.cost * SCALED_PATH_COST
        self.total = float(max(self.n_promises, 1)) if self.design.goal == "promises" else max(tonnes, 1.0) * usual
        self.objective_scale = self.total / 1024.0 if self.design.goal == "promises" else scale.cost * scale.tonnes

    # Columns and rows that are always there

    def _add_fixed(self) -> None:
        """Add the columns of options, promises, losses and unserved tonnes, and the rows between them."""
        d = self.design
        goal = d.goal
        cost, upper = np.zeros(self.n_fixed), np.full(self.n_fixed, INF)
        n_open = self.n_stages * self.n_options
        upper[: self.n_whole] = 1.0
        if goal == "cost":
            cost[:n_open] = self._opening_costs() / self.objective_scale
        elif goal == "promises":
            cost[n_open : self.n_whole] = -1.0 / self.objective_scale
            spent = MONEY_SHARE * d.usd / max(float(d.usd.sum()), 1.0)
            cost[n_open - self.n_options : n_open] = spent / self.objective_scale
            lost = DEAR * max(self.n_promises, 1) * self.tonnes_scale / self.objective_scale
            for t, f in enumerate(self.flows):
                cost[self.n_whole + t] = lost / max(float(f.tonnes.sum()), 1.0)
        for f in self.flows:
            at = slice(f.first, f.first + f.search.live.size)
            price = f.stage.problem.unserved_price[f.search.live] if goal == "cost" else np.ones(f.search.live.size)
            if goal != "promises":
                cost[at] = f.stage.weight * price / self.cost_scale
        none = np.empty(0, np.int32)
        starts = np.zeros(self.n_fixed, np.int32)
        self._highs.addCols(self.n_fixed, cost, np.zeros(self.n_fixed), upper, 0, starts, none, np.empty(0))
        self.n_rows = 0
        self._add_budgets()
        self._add_order()
        self._add_demands()
        self._add_promises()
        # promises broken are counted, not promises kept
        self._offset = float(self.n_promises) if goal == "promises" else 0.0

    def _opening_costs(self) -> Float:
        """Return the objective of each open option: of a stage, less what opening one stage later would cost."""
        usd = np.array([s.usd for s in self.design.stages]).reshape(self.n_stages, self.n_options)
        later = np.vstack([usd[1:], np.zeros((1, self.n_options))])
        return np.asarray((usd - later).ravel(), dtype=np.float64)

    def _row(self, low: float, high: float, columns: Any, values: Any) -> int:
        index, value = np.asarray(columns, np.int32), np.asarray(values, np.float64)
        if self._highs.addRow(low, high, index.size, index, value) == highspy.HighsStatus.kError:
            message = "a row of the plan's programme was not taken"
            raise SolverError(message)
        self.n_rows += 1
        return self.n_rows - 1

    def _add_budgets(self) -> None:
        n = self.n_options
        self._money = float(self.design.usd.max(initial=1.0)) or 1.0
        self._budget_rows = [
            self._row(-INF, INF, np.arange(t * n, (t + 1) * n), self.design.usd / self._money)
            for t in range(self.n_stages)
        ]

    def set_budgets(self, budgets: Float | None) -> None:
        """Set the most that may have been spent up to each stage; None: no limit."""
        money = np.full(self.n_stages, np.inf) if budgets is None else budgets
        for row, budget in zip(self._budget_rows, money.tolist(), strict=True):
            most = INF if not np.isfinite(budget) else budget / self._money * (1 + 1e-9)
            self._highs.changeRowBounds(row, -INF, most)

    def _add_order(self) -> None:
        """Keep open what is open, and open at most one of a group."""
        n = self.n_options
        for t in range(1, self.n_stages):
            for i in range(n):
                self._row(0.0, INF, [(t - 1) * n + i, t * n + i], [-1.0, 1.0])
        last = (self.n_stages - 1) * n
        for group in self.design.excludes:
            self._row(-INF, 1.0, [last + i for i in group], np.ones(len(group)))

    def _add_demands(self) -> None:
        for f in self.flows:
            n = f.search.live.size
            f.demand_row = self.n_rows
            tonnes = f.tonnes / self.tonnes_scale
            index = np.arange(f.first, f.first + n, dtype=np.int32)
            self._highs.addRows(n, tonnes, tonnes, n, np.arange(n, dtype=np.int32), index, np.ones(n))
            self.n_rows += n

    def _add_promises(self) -> None:
        """Count a promise as kept where none of its demand is left; other demand loses no more than is spare."""
        d = self.design
        if d.promise is None or d.goal != "promises":
            return
        for t, f in enumerate(self.flows):
            of = d.promise[f.search.live]
            for k in np.flatnonzero(of >= 0).tolist():
                g = int(of[k])
                if t >= d.due[g]:
                    whole = float(f.tonnes[k]) / self.tonnes_scale
                    z = self.n_stages * self.n_options + g
                    self._row(-INF, whole, [f.first + k, z], [1.0, whole])
            dead = ~f.search.reachable & (d.promise >= 0) & (f.stage.problem.tonnes > 0)
            for g in np.unique(d.promise[dead]).tolist():
                if t >= d.due[g]:
                    self._row(-INF, 0.0, [self.n_stages * self.n_options + g], [1.0])
            if np.isfinite(f.stage.spare):
                others = f.first + np.flatnonzero(of < 0)
                columns = np.append(others, self.n_whole + t)
                values = np.append(np.ones(others.size), -1.0)
                self._row(-INF, f.stage.spare / self.tonnes_scale, columns, values)

    # What grows

    def _add_rows(self, f: _Flows, rows: Int) -> None:
        """Put capacity rows of a stage into the programme, with the options and paths that they hold."""
        s = f.stage
        path = np.repeat(np.arange(f.paths.demand.size), np.diff(f.row_start))
        t = self.flows.index(f)
        for r in rows.tolist():
            scale = f.row_scale[r]
            mine, uses = s.row == r, np.flatnonzero(f.row == r)
            adds = np.bincount(s.option[mine], weights=s.units[mine], minlength=self.n_options)
            options = np.flatnonzero(adds)
            columns = np.append(t * self.n_options + options, f.column[path[uses]])
            values = np.append(-adds[options] / (scale * self.tonnes_scale), f.units[uses] / scale)
            limit = s.problem.rhs[r] / (scale * self.tonnes_scale)
            f.place[r] = self._row(-INF, float(limit), columns, values)

    def _add_paths(self, f: _Flows, found: Paths) -> int:
        found = f.unseen(found)
        n = found.demand.size
        if n == 0:
            return 0
        p = f.stage.problem
        of_class = p.demand_class[f.search.live[found.demand]]
        start, row, units = row_units(p, found, of_class)
        cost = f.stage.weight * sums(found, of_class, f.cost) / self.cost_scale
        kept = f.place[row] >= 0
        begin = np.append(0, np.cumsum(kept))[start]
        size = np.diff(begin) + 1
        first = np.append(0, np.cumsum(size))
        index, value = np.empty(first[-1], np.int32), np.ones(first[-1])
        head = np.zeros(first[-1], np.bool_)
        head[first[:-1]] = True
        index[head] = f.demand_row + found.demand
        index[~head] = f.place[row[kept]]
        value[~head] = units[kept] / f.row_scale[row[kept]]
        free, begins = np.full(n, INF), first[:-1].astype(np.int32)
        self._highs.addCols(n, cost, np.zeros(n), free, index.size, begins, index, value)
        f.column = np.append(f.column, self.n_columns + np.arange(n)).astype(np.int32)
        self.n_columns += n
        f.paths = joined(f.paths, found)
        f.row_start = np.append(f.row_start, f.row_start[-1] + start[1:])
        f.row, f.units = np.append(f.row, row), np.append(f.units, units)
        return n

    # Nodes

    def relax(self, lower: Float, upper: Float, *, cutoff: float) -> Relaxed:
        """Solve with options and promises between bounds (n_whole,), over all paths; promises are free if left out.

        The path search ends early where the bound shows that the objective is not below `cutoff`.
        """
        low, high = np.zeros(self.n_whole), np.ones(self.n_whole)
        low[: lower.size], high[: upper.size] = lower, upper
        self._highs.changeColsBounds(self.n_whole, np.arange(self.n_whole, dtype=np.int32), low, high)
        strategy, best = DUAL_SIMPLEX, -np.inf
        nothing = Relaxed(np.inf, np.inf, low, np.zeros(0), np.zeros(self.n_stages))
        for _ in range(ROUNDS):
            if not self._run(strategy):
                return nothing
            found = self._highs.getSolution()
            value, dual = np.array(found.col_value), np.array(found.row_dual)
            if self._exceeded(value):
                strategy = DUAL_SIMPLEX
                continue
            objective = self._highs.getInfo().objective_function_value * self.objective_scale + self._offset
            short, better = self._price(dual)
            best = max(best, objective - short * self.objective_scale)
            node = self._relaxed(objective, best, value)
            near = objective - best <= 1e-10 * self.total
            if best >= cutoff or near or not sum(self._add_paths(f, b) for f, b in better):
                return node
            strategy = PRIMAL_SIMPLEX
        message = f"the path search of a plan did not end in {ROUNDS} rounds"
        raise SolverError(message)

    def _run(self, strategy: int) -> bool:
        """Solve; False where no plan keeps to the bounds. From nothing where the last basis leads nowhere."""
        for attempt in (strategy, DUAL_SIMPLEX):
            self._highs.setOptionValue("simplex_strategy", attempt)
            self._highs.run()
            status = self._highs.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                return True
            if status == highspy.HighsModelStatus.kInfeasible:
                return False
            self._highs.clearSolver()
        message = f"a programme of the plan ended as {self._highs.modelStatusToString(status)!r}"
        raise SolverError(message)

    def _exceeded(self, value: Float) -> bool:
        """Add every row that the flows exceed."""
        any_ = False
        for t, f in enumerate(self.flows):
            if not f.column.size:
                continue
            open_ = value[t * self.n_options : (t + 1) * self.n_options]
            limit = f.capacity(open_)
            slack = ROW_TOLERANCE * (limit + f.row_scale * self.tonnes_scale)
            over = (f.use(value[f.column] * self.tonnes_scale) > limit + slack) & (f.place < 0)
            if over.any():
                self._add_rows(f, np.flatnonzero(over).astype(np.int32))
                any_ = True
        return any_

    def _price(self, dual: Float) -> tuple[float, list[tuple[_Flows, Paths]]]:
        """Return by how much the duals promise too much (in scaled objective), and the paths that would be better."""
        short, out = 0.0, []
        for f in self.flows:
            n = f.search.live.size
            weight = f.stage.weight
            limit = dual[f.demand_row : f.demand_row + n] * self.cost_scale / weight
            there = np.flatnonzero(f.place >= 0)
            price = np.zeros(f.place.size)
            price[there] = np.maximum(-dual[f.place[there]], 0.0) * self.cost_scale / weight / f.row_scale[there]
            wanted = limit - 1e-10 * self.cost_scale * SCALED_PATH_COST
            distance, found = f.cheapest(price, limit, wanted)
            less = np.maximum(limit - np.minimum(distance, limit), 0.0)
            short += float(f.tonnes @ less) * weight / (self.cost_scale * self.tonnes_scale)
            out.append((f, found))
        return short, out

    def _relaxed(self, objective: float, bound: float, value: Float) -> Relaxed:
        served = np.zeros(self.n_stages)
        for t, f in enumerate(self.flows):
            left = value[f.first : f.first + f.search.live.size] * self.tonnes_scale
            served[t] = float(f.tonnes.sum() - left.sum())
        whole = value[: self.n_whole]
        dead = self.unreached if self.design.goal != "promises" else 0.0
        kept = whole[self.n_stages * self.n_options :]
        return Relaxed(objective + dead, bound + dead, whole.copy(), kept.copy(), served)

    @property
    def unreached(self) -> float:
        """Objective of the demand that has no path, whatever is opened."""
        out = 0.0
        for f in self.flows:
            p = f.stage.problem
            left = p.tonnes * ~f.search.reachable
            price = p.unserved_price if self.design.goal == "cost" else np.ones(p.n_demands)
            out += f.stage.weight * float(left @ price)
        return out
