"""The front door of assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from karavan.assignment import solve
from karavan.assignment.assignment import Assignment
from karavan.assignment.methods import LeastCost
from karavan.model import Model, build_model, problem_of

if TYPE_CHECKING:
    from karavan.assignment.methods import Method
    from karavan.schema.case import Case


def assign(
    case: Case | Model, *, method: Method | None = None, day: str | None = None, month: bool = False
) -> Assignment:
    """Assign the demand of a case to its network.

    Parameters
    ----------
    case
        A case, or the `Model` built from it when several questions are asked.
    method
        `LeastCost()` by default: a planner's optimum under hard capacities, unserved demand as a priced slack.
        `AllOrNothing()` ignores capacities.
    day
        What is open on this day (YYYY-MM-DD); mid-year of the case's year by default. Ignored for a `Model`.
    month
        Assign the busiest month: peak-month shares of the demand against a twelfth of each yearly capacity.

    Raises `SolverError` when the stated gap is not reached. Unserved demand is a result, not an error.
    """
    model = case if isinstance(case, Model) else build_model(case, day=day)
    problem = problem_of(model, month=month)
    chosen = method or LeastCost()
    return Assignment(model, problem, solve(problem, chosen), chosen, month)
