"""Many draws of one problem: each solved from the same start, so that no answer depends on what was solved before."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from karavan.assignment.least_cost import least_cost
from karavan.assignment.methods import LeastCost
from karavan.assignment.pool import chosen
from karavan.assignment.search import Paths
from karavan.errors import SolverError
from karavan.problem import Problem, perturb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from numpy.typing import ArrayLike, NDArray

    from karavan.assignment.result import Columns, Solution

    Float = NDArray[np.float64]

QUICK = LeastCost(gap=1e-4, ties="any", price_factors=())
TRIALS, SPREAD, SEED = 8, 0.1, 20240701  # to fill the start: any draws will do, as long as they are always the same
NONBASIC, BASIC = 0, 1  # statuses of a basis, as HiGHS numbers them


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What came out of each draw, in the order given.

    Attributes
    ----------
    objective, bound, gap
        (n_draws,): as in `Solution`.
    served, unserved
        (n_draws, n_demands), tonnes.
    row_use, dual
        (n_draws, n_rows), own units, and USD per own unit.
    fell_back
        (n_draws,): the work from the start did not reach the gap, and the draw was solved from nothing.
    seconds
        (n_draws,): wall time of each draw.
    start
        What every draw started from.
    """

    objective: Float
    bound: Float
    gap: Float
    served: Float
    unserved: Float
    row_use: Float
    dual: Float
    fell_back: NDArray[np.bool_]
    seconds: Float
    start: Columns

    @property
    def n_fell_back(self) -> int:
        """Number of draws that were solved from nothing."""
        return int(np.count_nonzero(self.fell_back))


class _Outcome(NamedTuple):
    solution: Solution
    fell_back: bool
    seconds: float


class _Job(NamedTuple):
    """What is the same for every draw; sent to a process once."""

    problem: Problem
    method: LeastCost
    start: Columns


_JOBS: dict[str, _Job] = {}  # of a worker process, set when it starts


def draws(
    problem: Problem,
    perturbations: Sequence[Mapping[str, ArrayLike]],
    *,
    method: LeastCost = QUICK,
    start: Columns | None = None,
    workers: int = 1,
    kind: Literal["threads", "processes"] = "threads",
) -> Draws:
    """Solve a problem once for each perturbation, all from the same start.

    Parameters
    ----------
    problem
        The problem that is perturbed.
    perturbations
        Arrays that take the place of the problem's, by name, as `karavan.problem.perturb` takes them.
    method
        By default a certified gap of 1e-4, which decides no ties and works out no prices at other unserved prices.
    start
        What each draw begins with; `draw_start(problem)` by default. It is never changed.
    workers, kind
        How many draws at a time, and by what. The answers are the same bit for bit for any number and order.

    Raises
    ------
    SolverError
        A draw did not reach the gap, solved from nothing either.
    """
    job = _Job(problem, method, draw_start(problem, method) if start is None else start)
    if workers == 1:
        return _gathered(job, [_solve(job, changed) for changed in perturbations])
    with _pool(job, workers, kind) as pool:
        work = _solve_in_process if kind == "processes" else lambda changed: _solve(job, changed)
        return _gathered(job, list(pool.map(work, perturbations)))


def draw_start(problem: Problem, method: LeastCost = QUICK) -> Columns:
    """Return columns and a basis for draws: those of the problem, with the paths and rows that some trials needed.

    The trials are always the same: costs, capacities and demands times lognormal factors of `SPREAD`.
    """
    base = least_cost(problem, method).columns
    if base is None:  # a solution keeps its columns unless told not to
        message = "the solution has no columns to start from"
        raise SolverError(message)
    rng = np.random.default_rng(SEED)
    start, needed = base, _basic(base)
    for _ in range(TRIALS):
        trial = perturb(
            problem,
            cost=problem.cost * rng.lognormal(0.0, SPREAD, problem.n_arcs),
            rhs=problem.rhs * rng.lognormal(0.0, SPREAD, problem.n_rows),
            tonnes=problem.tonnes * rng.lognormal(0.0, SPREAD, problem.n_demands),
        )
        found = least_cost(trial, method, start=start).columns
        if found is not None:
            start = _filled(start, found)
            now = _basic(found)
            needed = now | np.append(needed, np.zeros(now.size - needed.size, np.bool_))
    return least_cost(problem, method, start=_only(start, needed)).columns or base


def _basic(columns: Columns) -> NDArray[np.bool_]:
    """Return which paths stand in the basis, (n_paths,)."""
    return np.asarray(columns.col_status[columns.demands.size :] == BASIC, dtype=np.bool_)


def _filled(start: Columns, found: Columns) -> Columns:
    """Return the start with the paths and rows found from it: new paths without flow, new rows with room."""
    new_paths, new_rows = found.path_demand.size - start.path_demand.size, found.rows.size - start.rows.size
    return replace(
        found,
        search=start.search,
        col_status=np.append(start.col_status, np.full(new_paths, NONBASIC, np.int32)),
        row_status=np.append(start.row_status, np.full(new_rows, BASIC, np.int32)),
    )


def _only(start: Columns, needed: NDArray[np.bool_]) -> Columns:
    """Return the start with the paths that some basis needed."""
    kept = np.flatnonzero(needed)
    paths = chosen(Paths(start.path_start, start.path_arc, start.path_demand), kept)
    n = start.demands.size
    return replace(
        start,
        path_start=paths.start,
        path_arc=paths.arc,
        path_demand=paths.demand,
        col_status=np.append(start.col_status[:n], start.col_status[n:][kept]),
        uses=None,
    )


def _pool(job: _Job, workers: int, kind: str) -> Executor:
    if kind == "processes":
        return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin_process, initargs=(job,))
    return ThreadPoolExecutor(workers)


def _begin_process(job: _Job) -> None:
    _JOBS["job"] = job


def _solve_in_process(changed: Mapping[str, ArrayLike]) -> _Outcome:
    return _solve(_JOBS["job"], changed)


def _solve(job: _Job, changed: Mapping[str, ArrayLike]) -> _Outcome:
    began = time.perf_counter()
    drawn = perturb(job.problem, **changed)
    try:
        found, fell_back = least_cost(drawn, job.method, start=job.start, keep_columns=False), False
    except SolverError:
        found, fell_back = least_cost(drawn, job.method, keep_columns=False), True
    return _Outcome(found, fell_back, time.perf_counter() - began)


def _gathered(job: _Job, found: list[_Outcome]) -> Draws:
    n, p, solutions = len(found), job.problem, [f.solution for f in found]

    def rows(name: str, width: int) -> Float:
        return np.array([getattr(s, name) for s in solutions], dtype=np.float64).reshape(n, width)

    return Draws(
        objective=rows("objective", 1).ravel(),
        bound=rows("bound", 1).ravel(),
        gap=rows("gap", 1).ravel(),
        served=rows("served", p.n_demands),
        unserved=rows("unserved", p.n_demands),
        row_use=rows("row_use", p.n_rows),
        dual=rows("dual", p.n_rows),
        fell_back=np.array([f.fell_back for f in found], dtype=np.bool_),
        seconds=np.array([f.seconds for f in found], dtype=np.float64),
        start=job.start,
    )
