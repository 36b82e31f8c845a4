"""All flows at once: who goes where, what is left unserved, what binds and what it is worth.

`methods` and `result` load neither numba nor HiGHS; `solve` does, when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from karavan.assignment.methods import (
    AllOrNothing,
    CongestedMethod,
    LeastCost,
    Logit,
    Method,
    SystemOptimum,
    UserEquilibrium,
)  # fmt: skip
from karavan.assignment.result import Columns, Reason, Residuals, Round, Solution

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from karavan.assignment.equilibrium_problem import EquilibriumProblem, EquilibriumSolution, Pass, PathBlock
    from karavan.assignment.methods import ArcLabels
    from karavan.problem import Problem

__all__ = [
    "AllOrNothing", "Columns", "CongestedMethod", "LeastCost", "Logit", "Method", "Reason", "Residuals", "Round",
    "Solution", "SystemOptimum", "UserEquilibrium", "solve", "solve_congested",
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


def solve_congested(
    problem: EquilibriumProblem,
    method: CongestedMethod,
    *,
    start: Sequence[PathBlock] | None = None,
    progress: Callable[[Pass], None] | None = None,
) -> EquilibriumSolution:
    """Find the flows of a network whose links have delay functions; as `karavan.assignment.equilibrium.equilibrium`.

    Examples
    --------
    >>> from karavan.assignment.equilibrium_problem import make_equilibrium_problem
    >>> p = make_equilibrium_problem(n_nodes=2, tail=[0, 0], head=[1, 1], free_time=[1.0, 2.0], capacity=[1.0, 1.0],
    ...     b=[1.0, 0.0], power=[1.0, 1.0], origin=[0], destination=[1], demand=[3.0])
    >>> solve_congested(p, UserEquilibrium()).link_flow.round(6).tolist()
    [[1.0, 2.0]]
    """
    from karavan.assignment.equilibrium import equilibrium

    return equilibrium(problem, method, start=start, progress=progress)
