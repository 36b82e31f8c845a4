"""The front door of assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from karavan.assignment import solve
from karavan.assignment.assignment import Assignment
from karavan.assignment.equilibrium_front import CongestedAssignment, assign_congested
from karavan.assignment.methods import ArcLabels, LeastCost, SystemOptimum, UserEquilibrium
from karavan.model import Model, build_model, problem_of

if TYPE_CHECKING:
    from karavan.assignment.methods import CongestedMethod, Method
    from karavan.assignment.result import Columns
    from karavan.problem import Problem
    from karavan.schema.case import Case


@overload
def assign(
    case: Case | Model, *, method: CongestedMethod, start: CongestedAssignment | None = None
) -> CongestedAssignment: ...


@overload
def assign(
    case: Case | Model,
    *,
    method: Method | None = None,
    day: str | None = None,
    month: bool | int = False,
    start: Assignment | None = None,
) -> Assignment: ...


def assign(
    case: Case | Model,
    *,
    method: Method | CongestedMethod | None = None,
    day: str | None = None,
    month: bool | int = False,
    start: Assignment | CongestedAssignment | None = None,
) -> Assignment | CongestedAssignment:
    """Assign the demand of a case to its network.

    Parameters
    ----------
    case
        A case, or the `Model` built from it when several questions are asked.
    method
        `LeastCost()` by default: a planner's optimum under hard capacities, unserved demand as a priced slack.
        `Logit(theta=...)`: shippers choose for themselves, with queues at full facilities. `AllOrNothing()` ignores
        capacities. `UserEquilibrium()` and `SystemOptimum()` are for cases whose links have delay functions, and give
        a `CongestedAssignment`, as `assign_congested` does, which has more options.
    day
        What is open on this day (YYYY-MM-DD); mid-year of the case's year by default. Ignored for a `Model`. Not for
        congested methods, nor is `month`.
    month
        Assign the busiest month: peak-month shares of the demand against a twelfth of each yearly capacity. A number
        from 1 to 12: that month, with what ice, wind and season close in it; see `karavan.model.problem_of`.
    start
        An assignment of a like case (same network and demand rows, other values) to begin with: faster. With `Logit`
        its paths are the choice sets, so that a change of values is not mixed up with a change of alternatives.

    Raises `SolverError` when the stated gap is not reached by a method for hard capacities; a congested one says so in
    `converged`. Unserved demand is a result, not an error. `ValueError` for options that do not go with the method.
    """
    if isinstance(method, UserEquilibrium | SystemOptimum):
        return _congested(case, method, day=day, month=month, start=start)
    if isinstance(start, CongestedAssignment):
        message = f"start is a congested assignment; {type(method or LeastCost()).__name__} begins with one of its kind"
        raise ValueError(message)  # noqa: TRY004 (a wrong combination)
    model = case if isinstance(case, Model) else build_model(case, day=day)
    problem = problem_of(model, month=month)
    chosen = method or LeastCost()
    columns = None if start is None else start_columns(start, problem)
    labels = ArcLabels(model.graph.arc_mode, model.graph.arc_unit, model.graph.km)
    return Assignment(model, problem, solve(problem, chosen, start=columns, labels=labels), chosen, month)


def _congested(
    case: Case | Model,
    method: CongestedMethod,
    *,
    day: str | None,
    month: bool | int,
    start: Assignment | CongestedAssignment | None,
) -> CongestedAssignment:
    """Assign by a congested method; what it has no meaning for is refused."""
    name = type(method).__name__
    if day is not None or month:
        message = f"{name} knows neither day nor month: its network is the links that are open"
        raise ValueError(message)
    if isinstance(start, Assignment):
        message = f"start has no delay functions; {name} begins with a congested assignment"
        raise ValueError(message)  # noqa: TRY004 (a wrong combination)
    return assign_congested(case.case if isinstance(case, Model) else case, method=method, start=start)


def start_columns(start: Assignment, problem: Problem) -> Columns | None:
    """Return what a like problem may start from; None where the method of `start` keeps nothing.

    Raises
    ------
    ValueError
        The network, capacity rows or demand rows are others.
    """
    names = ("tail", "head", "usage_row", "origin", "destination", "demand_class")
    if start.problem.n_rows != problem.n_rows or not all(
        np.array_equal(getattr(start.problem, name), getattr(problem, name)) for name in names
    ):
        message = "start is of another network, or has other demand rows; assign without it"
        raise ValueError(message)
    return start.solution.columns
