"""Investment: which projects of a case to open, and when, under a budget.

The choice is a mixed-integer programme over paths; see `karavan.assignment.design`. What a project does is what opening
it in a scenario does, so that an answer can be run as one; it is, and the difference is reported.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.assignment.design import Design, Designer, Stage
from karavan.assignment.least_cost import least_cost
from karavan.assignment.methods import LeastCost
from karavan.assignment.search import cheapest, make_search
from karavan.demand.target import TARGET
from karavan.errors import ScenarioError
from karavan.model import build_model, demand_rows, problem_of
from karavan.problem import perturb
from karavan.scenario.apply import apply_edits
from karavan.scenario.candidates import exclusions, find_candidates, opening_of, together, with_done
from karavan.scenario.promise_problem import DETOUR
from karavan.scenario.promise_rows import PromiseRows, promise_rows
from karavan.scenario.scenario import BASE, Scenario
from karavan.scenario.together import Joint, joint_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from karavan.assignment.design import Goal, Plan
    from karavan.problem import Problem
    from karavan.scenario.candidates import Candidate
    from karavan.schema.case import Case

    Float = NDArray[np.float64]

DISCOUNT_RATE = 0.05
STANDS_FOR = 20  # years
LEAST_LEFT = 1e-9  # share of a row of demand: with less it is wholly part of a promise
CHECKED = LeastCost(gap=1e-9, ties="any", price_factors=())
CHOSEN = ("project", "name", "year", "usd", "cost_asked")
LEFT_OUT = ("project", "name", "why", "remedy")
FRONTIER = (
    "budget_usd", "spent_usd", "projects", "served", "gain", "greedy_gain", "cost_usd", "greedy_cost_usd", "kept",
    "gap", "opened",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InvestmentTerms:
    """InvestmentTerms of an investment.

    Attributes
    ----------
    goal
        "served": most tonnes that find a way no dearer than being left unserved. "cost": least cost of transport,
        unserved tonnes and what is opened. "promises": most promises kept, then the least money.
    years
        Years looked at, each standing for those up to the next.
    budget
        USD that may be spent in all; or by year, what may have been spent up to then. None: no limit.
    discount_rate
        A year; money is counted in that of the first year. Tonnes are not discounted.
    stands_for
        Years that the last year stands for.
    gap
        Relative gap to the bound, over all paths, at which the search ends.
    seconds
        Time after which the search for one plan ends as far as it came.
    points
        Budgets of the frontier, from nothing up to the budget; 0: none is worked out.
    """

    goal: Goal = "served"
    years: tuple[int, ...] = ()
    budget: float | Mapping[int, float] | None = None
    discount_rate: float = DISCOUNT_RATE
    stands_for: int = STANDS_FOR
    gap: float = 1e-5
    seconds: float = 600.0
    points: int = 0

    def __post_init__(self) -> None:
        faults = []
        if self.goal not in {"served", "cost", "promises"}:
            faults.append(f'goal is {self.goal!r}; give "served", "cost" or "promises"')
        if not -1.0 < self.discount_rate < 1.0:
            faults.append(f"discount_rate is {self.discount_rate}; give a share such as 0.05")
        if self.stands_for < 1:
            faults.append(f"stands_for is {self.stands_for}; give a number of years from 1")
        if not 0.0 <= self.gap < 1.0:
            faults.append(f"gap is {self.gap}; give a number from 0 up to 1")
        if list(self.years) != sorted(set(self.years)):
            faults.append(f"years are {self.years}; give them once each, in order")
        money = self.budget.values() if isinstance(self.budget, Mapping) else [self.budget]
        if any(b is not None and not b >= 0.0 for b in money):
            faults.append("a budget is negative")
        if faults:
            raise ValueError("; ".join(faults))


@dataclass(frozen=True, slots=True, eq=False)
class Investment:
    """The plan that was found, how good it is, and what a simpler rule would have done.

    Attributes
    ----------
    chosen, greedy
        One row a project opened: project, name, year, usd, whether its cost was the user's. `greedy` opens the project
        of most gain for its money, one after the other; it opens nothing where the goal is promises.
    years
        One row a year: demand and served tonnes before and with the plan, and by the greedy one.
    promises
        One row a promise: kept or not.
    objective, bound, gap
        What the goal minimises, and what no plan can go below, over all paths: unserved tonnes, USD, or promises
        broken, over the years that each year stands for.
    interaction
        By how much the plan is better than the greedy one, in the objective: the worth of choosing together.
    frontier
        One row a budget.
    left_out
        Projects that could not be chosen, why, and what would let them be.
    scenario
        The plan as a scenario.
    difference
        Relative difference between the cost of the plan in the joint network and in the case run with the plan.
    """

    case: str
    terms: InvestmentTerms
    chosen: pd.DataFrame
    greedy: pd.DataFrame
    years: pd.DataFrame
    promises: pd.DataFrame
    objective: float
    before: float
    bound: float
    gap: float
    interaction: float
    frontier: pd.DataFrame
    left_out: pd.DataFrame
    scenario: Scenario
    difference: float
    nodes: int
    seconds: float

    @property
    def spent(self) -> float:
        """USD of what is opened, not discounted."""
        return float(self.chosen["usd"].sum())

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        names = ("case", "objective", "before", "bound", "gap", "interaction", "difference", "spent", "nodes")
        frames = ("chosen", "greedy", "years", "promises", "frontier", "left_out")
        budget = self.terms.budget
        return {
            "goal": self.terms.goal,
            "budget_usd": dict(budget) if isinstance(budget, Mapping) else budget,
            "discount_rate": self.terms.discount_rate,
            **{name: getattr(self, name) for name in names},
            **{name: getattr(self, name).astype(object).to_dict("records") for name in frames},
        }


def invest(
    case: Case,
    terms: InvestmentTerms | None = None,
    *,
    costs: Mapping[str, float] | None = None,
    only: Sequence[str] = (),
    targets: pd.DataFrame | None = None,
    promises: Sequence[str] = (),
    common: Scenario = BASE,
    progress: Callable[[str], None] | None = None,
) -> Investment:
    """Choose among the projects of a case.

    Parameters
    ----------
    case
        The case; projects that are done are part of its network from their year.
    terms
        Goal, budget, years and so on; by default the most served tonnes in the year of the case, without a budget, or
        with promises the years they are due.
    costs
        USD by project, in place of what its row says or where it says nothing. A project without a cost is left out.
    only
        Projects that may be chosen; all by default.
    targets
        With the goal "promises": demand that must be served, as rows of the table demand (origin, destination,
        commodity, tonnes), with `promise`, the name that rows of one promise share, and if wanted `due`, the year from
        which it holds; see `read_targets`. They are not part of the demand of the case, nor do they grow by `common`.
        What other demand is served without them stays served.
    promises
        The same as sentences ("KZ-IR trade reaches USD 1bn"): the targets that `promise` judges. The trade of today
        that is in them is taken out of the other demand. Promised goods go by any way up to twice as dear as their
        cheapest, as in `promise`.
    common
        Changes made before, such as the growth of demand.
    progress
        Called with what is being done.

    Raises
    ------
    NameNotFound
        A project is not there.
    ScenarioError
        No project can be chosen; the reasons are said. Or a project cannot be chosen together with others, or a promise
        is not one of trade, or due after the last year.
    """
    began = time.perf_counter()
    note = progress or (lambda _: None)
    terms = terms or InvestmentTerms()
    asked = _asked(case, targets, promises, terms)
    terms = _with_years(case, terms, asked)
    note("Looking at the projects")
    bases = {year: _with_rows(with_done(case, year=year, common=common), asked) for year in terms.years}
    promise, due, names = _promise_of(list(bases.values()), asked, terms)
    found, left = find_candidates(bases[terms.years[-1]], costs or {}, terms.years, only=only)
    if not found:
        said = "".join(f"\n  - {x.project}: {'; '.join(t for t in (x.why, x.remedy) if t)}" for x in left)
        message = f"no project of {case.meta.name} can be chosen:{said}"
        raise ScenarioError(message)
    groups = exclusions(found)
    joints = []
    for year in terms.years:
        note(f"Building the network of {year} with all {len(found)} projects")
        joints.append(joint_network(bases[year], [c.opening for c in found], groups, year=year))
    design = _design(terms, found, groups, joints, promise, due)
    solver = Designer(design)
    note("Searching")
    plan = solver.solve(gap=terms.gap, seconds=terms.seconds)
    money = np.array([s.budget for s in design.stages])
    greedy = solver.nothing() if terms.goal == "promises" else solver.greedy(money)
    frontier = _frontier(terms, solver, found, note)
    chosen, scenario = _chosen(found, plan.opened, terms), _scenario(found, plan, terms)
    before, simple = solver.value(solver.nothing()), solver.value(greedy)
    opened = np.where(greedy.any(axis=0), greedy.argmax(axis=0), -1).astype(np.int32)
    note("Running the plan")
    return Investment(
        case=case.meta.name,
        terms=terms,
        chosen=chosen,
        greedy=_chosen(found, opened, terms),
        years=_years(terms, joints, before.served, plan.served, simple.served),
        promises=pd.DataFrame({"promise": names, "kept": plan.kept[: len(names)]}),
        objective=plan.objective,
        before=before.objective,
        bound=plan.bound,
        gap=plan.gap,
        interaction=simple.objective - plan.objective,
        frontier=frontier,
        left_out=pd.DataFrame([[getattr(x, c) for c in LEFT_OUT] for x in left], columns=list(LEFT_OUT)),
        scenario=scenario,
        difference=_difference(design, plan, joints, bases, scenario),
        nodes=plan.nodes,
        seconds=time.perf_counter() - began,
    )


def _asked(
    case: Case, targets: pd.DataFrame | None, promises: Sequence[str], terms: InvestmentTerms
) -> PromiseRows | None:
    """Return the rows that promises ask for; None with another goal."""
    if (targets is None and not promises) == (terms.goal == "promises"):
        message = 'the goal "promises" needs promises or targets, and no other goal takes them'
        raise ScenarioError(message)
    said = promise_rows(case, promises) if promises else None
    if targets is None:
        return said
    lacking = [c for c in ("origin", "destination", "commodity", "tonnes") if c not in targets.columns]
    if lacking or not len(targets):
        message = f"targets: {'no rows' if not len(targets) else 'no column ' + ', '.join(lacking)}"
        raise ScenarioError(message)
    given = targets.copy()
    for column, value in (("promise", "promise"), ("due", pd.NA)):
        if column not in given.columns:
            given[column] = value
    if said is None:
        return PromiseRows(given)
    return PromiseRows(pd.concat([given, said.rows], ignore_index=True), said.replaces)


def _with_years(case: Case, terms: InvestmentTerms, asked: PromiseRows | None) -> InvestmentTerms:
    """Return the terms with the years to look at: those named, else those promises are due in, else the case's."""
    due = {int(y) for y in asked.rows["due"].dropna()} if asked is not None else set()
    if not terms.years and not due and case.meta.year is None:
        message = f"case {case.meta.name} has no year; say which years are looked at"
        raise ScenarioError(message)
    years = terms.years or tuple(sorted(due)) or (int(case.meta.year or 0),)
    if late := sorted(y for y in due if y > years[-1]):
        message = f"a promise is due in {late[-1]}, after {years[-1]}, the last year looked at: look at {late[-1]} too"
        raise ScenarioError(message)
    return replace(terms, years=years)


def _with_rows(case: Case, asked: PromiseRows | None) -> Case:
    """Return the case with the demand of promises, without the demand of today that is in them."""
    if asked is None:
        return case
    left = 1.0 - pd.Series(asked.replaces, dtype="float64").reindex(case.demand.index).fillna(0.0)
    rest = case.demand.assign(tonnes=case.demand["tonnes"] * left, value_usd=case.demand["value_usd"] * left)
    rows = [
        {"add": "demand", "because": f"promise {row['promise']}", "row": {
            "id": f"{TARGET}{k}", **{c: row[c] for c in ("origin", "destination", "commodity")},
            "tonnes": float(row["tonnes"])}}
        for k, (_, row) in enumerate(asked.rows.iterrows(), start=1)
    ]  # fmt: skip
    without = case.with_tables(demand=rest[(left > LEAST_LEFT).to_numpy()])
    return apply_edits(without, Scenario.of("promises", *rows)).case


def _promise_of(
    bases: Sequence[Case], asked: PromiseRows | None, terms: InvestmentTerms
) -> tuple[NDArray[np.int32] | None, tuple[int, ...], list[str]]:
    """Return the promise of each demand row (-1: none), the stage each is due in, and their names."""
    if asked is None:
        return None, (), []
    of = asked.rows["promise"].astype(str).tolist()
    names = list(dict.fromkeys(of))
    keys = demand_rows(bases[0]).index.astype(str)
    if any(not keys.equals(demand_rows(b).index.astype(str)) for b in bases[1:]):
        message = "the scenario has rows of demand in some years only; with promises, give them in all years"
        raise ScenarioError(message)
    number = {f"{TARGET}{k}": names.index(name) for k, name in enumerate(of, start=1)}
    promise = np.array([number.get(k, -1) for k in keys], dtype=np.int32)
    first = asked.rows["due"].groupby(asked.rows["promise"].astype(str)).min()
    due = [terms.years[0] if pd.isna(first[n]) else int(first[n]) for n in names]
    return promise, tuple(next(t for t, y in enumerate(terms.years) if y >= d) for d in due), names


def _lengths(terms: InvestmentTerms) -> list[int]:
    return [b - a for a, b in pairwise(terms.years)] + [terms.stands_for]


def _factor(terms: InvestmentTerms, year: int) -> float:
    return float((1.0 + terms.discount_rate) ** (terms.years[0] - year))


def _design(
    terms: InvestmentTerms, found: list[Candidate], groups: tuple[tuple[int, ...], ...], joints: list[Joint],
    promise: NDArray[np.int32] | None, due: tuple[int, ...],
) -> Design:  # fmt: skip
    usd = np.array([c.usd for c in found])
    stages = []
    for year, length, joint in zip(terms.years, _lengths(terms), joints, strict=True):
        years = [_factor(terms, y) if terms.goal == "cost" else 1.0 for y in range(year, year + length)]
        stages.append(
            Stage(
                problem=joint.problem if promise is None else _with_detours(joint, promise),
                row=joint.row,
                option=joint.option,
                units=joint.units,
                weight=float(sum(years)),
                usd=usd * _factor(terms, year),
                allowed=np.array([c.year is None or c.year <= year for c in found], dtype=bool),
                budget=_budget(terms, year),
                spare=_spare(joint, promise, usd.size),
            )
        )
    return Design(tuple(stages), usd, groups, terms.goal, promise, due)


def _with_detours(joint: Joint, promise: NDArray[np.int32]) -> Problem:
    """Return the problem of a year in which promised goods go by any way that the promise check lets them go by.

    That is up to `DETOUR` times the cheapest of today (of all projects where there is none today), even if it costs
    more than the goods bear: a promise says that they will be carried, not by whom it is paid.
    """
    limit = np.full(joint.problem.n_demands, np.inf)
    for p in (joint.problem, problem_of(joint.base)):
        search = make_search(p)
        anything = np.full(search.live.size, np.finfo(np.float64).max)
        distance, _ = cheapest(search, p.cost, np.zeros(p.n_rows), limit=anything, wanted=np.zeros(search.live.size))
        limit[search.live] = np.where(np.isfinite(distance), DETOUR * distance, limit[search.live])
    bear = joint.problem.unserved_price
    return perturb(joint.problem, unserved_price=np.where((promise >= 0) & np.isfinite(limit), limit, bear))


def _budget(terms: InvestmentTerms, year: int) -> float:
    if terms.budget is None:
        return np.inf
    if isinstance(terms.budget, Mapping):
        known = [y for y in terms.budget if y <= year]
        return float(terms.budget[max(known)]) if known else 0.0
    return float(terms.budget)


def _spare(joint: Joint, promise: NDArray[np.int32] | None, n_options: int) -> float:
    """Return the tonnes of other demand that are left unserved with nothing opened and nothing promised."""
    if promise is None:
        return np.inf
    p = joint.problem
    others = perturb(p, tonnes=np.where(promise >= 0, 0.0, p.tonnes))
    never = np.zeros(n_options)
    stage = Stage(others, joint.row, joint.option, joint.units, 1.0, never, np.zeros(n_options, bool))
    solver = Designer(Design((stage,), never, (), "served"))
    unserved = solver.value(solver.nothing()).objective - solver.master.unreached
    return unserved + 1e-9 * float(others.tonnes.sum())


def _chosen(found: list[Candidate], opened: NDArray[np.int32], terms: InvestmentTerms) -> pd.DataFrame:
    rows = [
        [c.project, c.name, terms.years[t], c.usd, c.asked]
        for t, c in zip(opened.tolist(), found, strict=True) if t >= 0
    ]  # fmt: skip
    out = pd.DataFrame(rows, columns=list(CHOSEN))
    return out.sort_values(["year", "usd"], ascending=[True, False], ignore_index=True)


def _scenario(found: list[Candidate], plan: Plan, terms: InvestmentTerms) -> Scenario:
    opened = [
        opening_of(c.project, terms.years[t] if c.year is None else max(c.year, terms.years[t]))
        for t, c in zip(plan.opened.tolist(), found, strict=True) if t >= 0
    ]  # fmt: skip
    return together(opened, name="plan")


def _years(terms: InvestmentTerms, joints: list[Joint], before: Float, served: Float, greedy: Float) -> pd.DataFrame:
    demand = [float(j.problem.tonnes.sum()) for j in joints]
    return pd.DataFrame(
        {
            "year": list(terms.years),
            "stands_for": _lengths(terms),
            "demand": demand,
            "served_before": before,
            "served": served,
            "served_greedy": greedy,
        }
    )


def _frontier(
    terms: InvestmentTerms, solver: Designer, found: list[Candidate], note: Callable[[str], None]
) -> pd.DataFrame:
    """Return the best plan of each of some budgets, with the greedy one beside it."""
    rows: list[dict[str, Any]] = []
    top = terms.budget if isinstance(terms.budget, int | float) else float(solver.design.usd.sum())
    before = solver.value(solver.nothing())
    best: Plan | None = None
    for budget in np.linspace(0.0, top, terms.points) if terms.points else []:
        note(f"Searching the best plan for {budget / 1e6:,.0f} m USD")
        money = np.full(len(solver.design.stages), budget)
        plan = solver.solve(money, gap=terms.gap, seconds=terms.seconds)
        if best is not None and best.objective < plan.objective:  # within the gap, what less money bought is as good
            plan = replace(best, bound=plan.bound, gap=plan.gap)
        best = plan
        simple = solver.value(solver.greedy(money)) if terms.goal != "promises" else before
        opened = [c.project for c, t in zip(found, plan.opened, strict=True) if t >= 0]
        by_cost = terms.goal == "cost"
        rows.append(
            {
                "budget_usd": float(budget),
                "spent_usd": float(solver.design.usd[plan.opened >= 0].sum()),
                "projects": len(opened),
                "served": float(plan.served[-1]),
                "gain": float((plan.served - before.served)[-1]),
                "greedy_gain": float((simple.served - before.served)[-1]),
                "cost_usd": plan.objective if by_cost else np.nan,
                "greedy_cost_usd": simple.objective if by_cost else np.nan,
                "kept": int(plan.kept.sum()),
                "gap": plan.gap,
                "opened": ";".join(opened),
            }
        )
    return pd.DataFrame(rows, columns=list(FRONTIER))


def _difference(
    design: Design, plan: Plan, joints: Sequence[Joint], bases: Mapping[int, Case], scenario: Scenario
) -> float:
    """Return the relative difference between the cost of transport in the joint network and in the case run anew."""
    usd = np.zeros(design.n_options)
    free = tuple(replace(s, problem=j.problem, usd=usd, weight=1.0) for s, j in zip(design.stages, joints, strict=True))
    joint = Designer(Design(free, design.usd, design.excludes, "cost")).value(plan.open).objective
    run = 0.0
    for year, base in bases.items():
        planned = apply_edits(base, scenario, year=year).case if scenario.changes else base
        run += least_cost(problem_of(build_model(planned)), CHECKED).objective
    return abs(joint - run) / max(abs(run), 1.0)
