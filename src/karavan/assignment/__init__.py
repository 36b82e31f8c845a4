"""All flows at once: who goes where, what is left unserved, what binds and what it is worth.

`methods` and `result` load neither numba nor HiGHS; `solve` does, when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from karavan.assignment.methods import AllOrNothing, LeastCost, Logit, Method
from karavan.assignment.result import Columns, Reason, Residuals, Round, Solution

if TYPE_CHECKING:
    from karavan.assignment.methods import ArcLabels
    from karavan.problem import Problem

__all__ = [
    "AllOrNothing", "Columns", "LeastCost", "Logit", "Method", "Reason", "Residuals", "Round", "Solution", "solve",
]  # fmt: skip


def solve(
    problem: Problem, method: Method, *, start: Columns | None = None, labels: ArcLabels | None = None
) -> Solution:
    """Find the flows of a problem by a method.

    Parameters
    ----------
    problem
        Graph, costs, capacity rows, demand.
    method
        `LeastCost`, `Logit` or `AllOrNothing`, with options.
    start
        `columns` of the solution of a like problem: same arcs, rows and demands, other values. The optimum is the same
        with or without; only the time differs. With `Logit` they are also the choice sets to begin with.
    labels
        Modes and carrying units by which `Logit` nests the paths of a demand; without, there are no nests.

    Raises
    ------
    SolverError
        The stated gap was not reached.

    Examples
    --------
    >>> from karavan.problem import make_problem
    >>> p = make_problem(n_nodes=2, tail=[0], head=[1], cost=[3.0], rhs=[5.0], usage_indptr=[0, 1], usage_row=[0],
    ...                  usage_units=[1.0], origin=[0], destination=[1], tonnes=[8.0], unserved_price=[100.0])
    >>> s = solve(p, LeastCost())
    >>> s.served.tolist(), s.unserved.tolist(), s.dual.tolist(), s.is_scarcity.tolist()
    ([5.0], [3.0], [97.0], [True])
    """
    if isinstance(method, AllOrNothing):
        from karavan.assignment.all_or_nothing import all_or_nothing

        return all_or_nothing(problem)
    if isinstance(method, Logit):
        from karavan.assignment.logit import logit

        return logit(problem, method, start=start, labels=labels)
    from karavan.assignment.least_cost import least_cost

    return least_cost(problem, method, start=start)
