"""Network design: which options to open, and when, over all paths of flows that share capacity.

Every stage (a year that stands for a few) has one network with all that any option may add. An option adds own units to
capacity rows; an arc that is there only with an option has a row of its own, of no capacity without it. Branch and
bound over the options; each node is the continuous programme over *all* paths by column generation, so that the bound
holds for all paths, and not for those found so far only (branch and price: Barnhart et al., Operations Research 46,
1998; the path model of network design: Gendron, Crainic and Frangioni, 1999).
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Literal

import numpy as np

from karavan.assignment.design_master import DesignMaster, Relaxed
from karavan.errors import SolverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.problem import Problem

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Bool = NDArray[np.bool_]

WHOLE = 1e-6  # an option this near to open or closed is so
SAME = 1e-9  # relative: what rounding alone makes of equal answers

Goal = Literal["cost", "served", "promises"]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One stage: its network, and what the options add.

    Attributes
    ----------
    problem
        Network, capacities with nothing opened, demand of a year.
    row, option, units
        (n_entries,): own units a year that an open option adds to the capacity of a row. May be negative.
    weight
        Years the stage stands for, discounted if money is.
    usd
        (n_options,): what opening costs in this stage, in the money of the objective.
    allowed
        (n_options,): whether the option may be open in this stage.
    budget
        Most that may have been spent up to this stage, in the money of `Design.usd`; infinite for no limit.
    spare
        With the goal "promises": tonnes of other demand that may be left unserved.
    """

    problem: Problem
    row: Int
    option: Int
    units: Float
    weight: float
    usd: Float
    allowed: Bool
    budget: float = np.inf
    spare: float = np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What may be opened, and to what end.

    Attributes
    ----------
    stages
        In order of time; what is open stays open.
    usd
        (n_options,): cost of each option, for the budget.
    excludes
        Groups of options of which at most one may be opened.
    goal
        "served": most tonnes over the stages by their weights. "cost": least cost of transport, unserved tonnes and
        what is opened. "promises": most promises kept, each wholly, in every stage from the one it is due.
    promise
        (n_demands,): the promise that a demand belongs to; -1 for none.
    due
        (n_promises,): the stage from which a promise must be kept.
    """

    stages: tuple[Stage, ...]
    usd: Float
    excludes: tuple[tuple[int, ...], ...] = ()
    goal: Goal = "served"
    promise: Int | None = None
    due: tuple[int, ...] = ()

    @property
    def n_options(self) -> int:
        """Number of options."""
        return self.usd.size


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A plan, and how good it is at most.

    Attributes
    ----------
    open
        (n_stages, n_options): what is open in each stage.
    kept
        (n_promises,): which promises are kept.
    objective, bound
        What the goal minimises (unserved tonnes, USD, or promises broken, over the stages by their weights), and what
        no plan can go below, whatever its paths.
    gap
        Their difference over what counts: tonnes served, USD, or promises.
    served
        (n_stages,): tonnes served in each stage.
    nodes
        Programmes of the tree that were solved.
    """

    open: Bool
    kept: Bool
    objective: float
    bound: float
    gap: float
    served: Float
    nodes: int
    seconds: float

    @property
    def opened(self) -> Int:
        """(n_options,): the stage in which each option is opened; -1 where it is not."""
        return np.where(self.open.any(axis=0), self.open.argmax(axis=0), -1).astype(np.int32)


class Designer:
    """Solves one design, for one budget after another; what was learnt for one serves the next."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.master = DesignMaster(design)
        self._known: dict[bytes, Relaxed] = {}
        self._budgets: Float | None = None
        self._scale = self.master.total

    def value(self, open_: Bool) -> Relaxed:
        """Return what comes of opening these (n_stages, n_options), to the end of the path search."""
        key = np.packbits(open_).tobytes()
        if key not in self._known:
            fixed = open_.ravel().astype(np.float64)
            self.master.set_budgets(None)  # what a plan is worth does not depend on the money there is
            self._known[key] = self.master.relax(fixed, fixed, cutoff=np.inf)
            self.master.set_budgets(self._budgets)
        return self._known[key]

    def nothing(self) -> Bool:
        """Return the plan that opens nothing."""
        return np.zeros((len(self.design.stages), self.design.n_options), np.bool_)

    def affordable(self, open_: Bool, budgets: Float) -> bool:
        """Tell whether a plan keeps to the budgets (n_stages,), the years and the exclusions."""
        d = self.design
        spent = open_ @ d.usd
        lasting = bool((open_[1:] >= open_[:-1]).all())
        ready = all(not (open_[t] & ~s.allowed).any() for t, s in enumerate(d.stages))
        one = all(open_[-1, list(group)].sum() <= 1 for group in d.excludes)
        return lasting and ready and one and bool((spent <= budgets * (1 + SAME) + SAME).all())

    def greedy(self, budgets: Float) -> Bool:
        """Open the option of most gain for its money, one after the other, while there is a gain.

        Each is opened as early as years and budget allow. An option that is worth something only together with another
        is never begun: that is what the plan of `solve` is compared with.
        """
        chosen = self.nothing()
        while True:
            now = self.value(chosen).objective
            best, best_rate = None, 0.0
            for i in range(self.design.n_options):
                tried = self._with(chosen, i, budgets)
                if tried is None:
                    continue
                gain = now - self.value(tried).objective
                rate = gain / max(float(self.design.usd[i]), 1.0)
                if gain > SAME * self._scale and rate > best_rate:
                    best, best_rate = tried, rate
            if best is None:
                return chosen
            chosen = best

    def _with(self, chosen: Bool, i: int, budgets: Float) -> Bool | None:
        """Return the plan with one more option, opened as early as can be; None where it cannot."""
        if chosen[:, i].any():
            return None
        for t in range(chosen.shape[0]):
            tried = chosen.copy()
            tried[t:, i] = True
            if self.affordable(tried, budgets):
                return tried
        return None

    def solve(self, budgets: Float | None = None, *, gap: float = 1e-3, seconds: float = 600.0) -> Plan:
        """Find the best plan under budgets (n_stages,); by default those of the stages.

        The search ends at the gap, or when the time is over: the plan then says how far it came.

        Raises
        ------
        SolverError
            A programme of the tree could not be solved.
        """
        began = time.perf_counter()
        money = np.array([s.budget for s in self.design.stages]) if budgets is None else budgets
        self._budgets = money
        self.master.set_budgets(money)
        tree = _Tree(self, money, gap, began + seconds)
        tree.run()
        if tree.best is None:
            message = "no plan keeps to the budget; not even one that opens nothing"
            raise SolverError(message)
        plan, found = self._lean(tree.best)
        bound = min(tree.bound, found.objective)
        counted = self.counted(found)
        return Plan(
            open=plan,
            kept=found.kept > 0.5,
            objective=found.objective,
            bound=bound,
            gap=max(found.objective - bound, 0.0) / counted if counted > 0 else 0.0,
            served=found.served,
            nodes=tree.nodes,
            seconds=time.perf_counter() - began,
        )

    def counted(self, found: Relaxed) -> float:
        """Return what a gap is a share of."""
        if self.design.goal == "served":
            weights = np.array([s.weight for s in self.design.stages])
            return float(found.served @ weights)
        return max(abs(found.objective), 1.0)

    def _lean(self, best: tuple[Bool, Relaxed]) -> tuple[Bool, Relaxed]:
        """Leave out what a plan opens for nothing, the dearest first."""
        plan, found = best
        if self.design.goal == "promises":
            return best
        for i in np.argsort(-self.design.usd, kind="stable").tolist():
            if not plan[:, i].any():
                continue
            without = plan.copy()
            without[:, i] = False
            left = self.value(without)
            if left.objective <= found.objective + SAME * self._scale:
                plan, found = without, left
        return plan, found


class _Tree:
    """Branch and bound, best bound first."""

    def __init__(self, designer: Designer, budgets: Float, gap: float, until: float) -> None:
        self.designer, self.budgets, self.gap, self.until = designer, budgets, gap, until
        self.best: tuple[Bool, Relaxed] | None = None
        self.bound = -np.inf
        self.nodes = 0
        self._left = np.inf  # least bound of what was not looked into

    def run(self) -> None:
        """Search to the gap or the end of the time; `best` and `bound` say what was found."""
        d = self.designer.design
        n_whole = len(d.stages) * d.n_options
        lower = np.zeros(n_whole + len(d.due))
        upper = np.append(np.concatenate([s.allowed for s in d.stages]).astype(np.float64), np.ones(len(d.due)))
        if d.goal == "promises":
            nothing = np.zeros(lower.size)
            self.best = (self.designer.nothing(), self.designer.master.relax(nothing, nothing, cutoff=np.inf))
        else:
            self._try(self.designer.greedy(self.budgets))
        order = count()
        heap = [(-np.inf, next(order), lower, upper)]
        while heap:
            known, _, lower, upper = heapq.heappop(heap)
            if known >= self._cutoff() or time.perf_counter() > self.until:
                self._left = min(self._left, known)  # the best of all that are left
                break
            node = self.designer.master.relax(lower, upper, cutoff=self._cutoff())
            self.nodes += 1
            bound = max(known, node.bound)
            if bound >= self._cutoff():
                self._left = min(self._left, bound)
                continue
            self._round(node)
            at = self._branch(node.whole, lower, upper)
            if at < 0:
                self._take(node)
                self._left = min(self._left, bound)
                continue
            for value in (1.0, 0.0):
                low, high = lower.copy(), upper.copy()
                low[at] = high[at] = value
                self._follow(at, value, low, high)
                heapq.heappush(heap, (bound, next(order), low, high))
        self.bound = self._left

    def _cutoff(self) -> float:
        """Return the objective that a node must promise to go below to be looked into."""
        if self.best is None:
            return np.inf
        found = self.best[1]
        counted = self.designer.counted(found)
        return found.objective - max(self.gap * counted * 0.999, SAME * self.designer.master.total)

    def _follow(self, at: int, value: float, low: Float, high: Float) -> None:
        """Close or open what follows from one decision: later stages, earlier stages, options that exclude it."""
        d = self.designer.design
        n = d.n_options
        if at >= len(d.stages) * n:
            return
        t, i = divmod(at, n)
        if value == 0.0:
            high[i : t * n + i + 1 : n] = 0.0
            return
        low[t * n + i : len(d.stages) * n : n] = 1.0
        for group in d.excludes:
            if i in group:
                for j in group:
                    if j != i:
                        high[j : len(d.stages) * n : n] = 0.0

    def _branch(self, whole: Float, lower: Float, upper: Float) -> int:
        """Return the decision that is most undecided, or -1."""
        share = np.minimum(whole - np.floor(whole), np.ceil(whole) - whole)
        share = np.where(upper > lower, share, 0.0)
        at = int(np.argmax(share))
        return at if share[at] > WHOLE else -1

    def _take(self, node: Relaxed) -> None:
        d = self.designer.design
        n_whole = len(d.stages) * d.n_options
        open_ = node.whole[:n_whole].reshape(len(d.stages), -1) > 0.5
        if d.goal == "promises":
            if self.best is None or node.objective < self.best[1].objective:
                self.best = (open_, node)
        else:
            self._try(open_)

    def _try(self, open_: Bool) -> None:
        if not self.designer.affordable(open_, self.budgets):
            return
        found = self.designer.value(open_)
        if self.best is None or found.objective < self.best[1].objective:
            self.best = (open_, found)

    def _round(self, node: Relaxed) -> None:
        """Try the plan that opens what is open most, as far as the budget goes."""
        d = self.designer.design
        if d.goal == "promises":
            return
        share = node.whole.reshape(len(d.stages), -1)
        plan = self.designer.nothing()
        for t in range(len(d.stages)):
            for i in np.argsort(-share[t], kind="stable").tolist():
                if share[t, i] <= WHOLE:
                    break
                tried = plan.copy()
                tried[t:, i] = True
                if not plan[t, i] and self.designer.affordable(tried, self.budgets):
                    plan = tried
        self._try(plan)
