"""Engines: the same work on the processors of this machine, or on a cluster of machines by Ray (extra `cluster`).

Work is a list of items and one thing that all of them share; an item is worked out from these two alone, so that the
answer does not depend on who works out what, how often, or in which order. A worker that dies loses nothing: what it
had in hand is given to another.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import numpy as np

from karavan.assignment.draws import QUICK, Draws, draw_start, draws
from karavan.errors import KaravanError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike

    from karavan.assignment.methods import LeastCost
    from karavan.assignment.result import Columns
    from karavan.problem import Problem

S = TypeVar("S")
I = TypeVar("I")  # noqa: E741  an item
R = TypeVar("R")
RETRIES = 3  # times that an item is given to another worker after one has died with it
CHUNKS_A_WORKER = 4  # enough that no worker waits long for the last

EngineName = Literal["processes", "ray"]


class Engine(Protocol):
    """Works out items. `workers` is how many it works out at a time."""

    @property
    def workers(self) -> int:
        """Number of workers."""
        ...

    def results(self, work: Callable[[S, I], R], shared: S, items: Sequence[I]) -> Iterator[tuple[int, R]]:
        """Yield position and result of each item as it is done. `work` is a function of a module; all is pickled."""
        ...


@dataclass(frozen=True, slots=True)
class ProcessEngine:
    """Processes of this machine, started anew so that none inherits threads.

    A script that uses it guards its main part (`if __name__ == "__main__":`).
    """

    workers: int = 0

    def __post_init__(self) -> None:
        if self.workers <= 0:
            object.__setattr__(self, "workers", os.cpu_count() or 1)

    def results(self, work: Callable[[S, I], R], shared: S, items: Sequence[I]) -> Iterator[tuple[int, R]]:
        """Yield position and result of each item as it is done; a pool in which a process died is made anew."""
        left = dict(enumerate(items))
        for _ in range(RETRIES):
            if not left:
                return
            for at, result in self._once(work, shared, left):
                del left[at]
                yield at, result
        if not left:
            return
        message = f"worker processes died {RETRIES} times; {len(left)} of {len(items)} parts of the work are not done"
        raise KaravanError(message)

    def _once(self, work: Callable[[S, I], R], shared: S, left: Mapping[int, I]) -> Iterator[tuple[int, R]]:
        """Yield what one pool works out before it ends, or a process of it dies."""
        context = get_context("spawn")
        start = (pickle.dumps((work, shared)),)
        with ProcessPoolExecutor(min(self.workers, len(left)), context, initializer=_begin, initargs=start) as pool:
            try:
                futures: dict[Future[R], int] = {pool.submit(_here_on, item): at for at, item in list(left.items())}
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BrokenProcessPool:
                return


_HERE: list[tuple[Any, Any]] = []  # work and what it shares, in a worker process
_KNOWN: dict[str, Any] = {}  # the last thing shared, in a worker of a cluster


def _begin(payload: bytes) -> None:
    _HERE[:] = [pickle.loads(payload)]  # noqa: S301  of our own making


def _here_on(item: Any) -> Any:
    work, shared = _HERE[0]
    return work(shared, item)


def _on_cluster(payload: bytes, key: str, item: Any) -> Any:
    if key not in _KNOWN:
        _KNOWN.clear()
        _KNOWN[key] = pickle.loads(payload)  # noqa: S301  of our own making
    work, shared = _KNOWN[key]
    return work(shared, item)


@dataclass(frozen=True, slots=True)
class RayEngine:
    """A Ray cluster, or a local Ray of some workers.

    Attributes
    ----------
    address
        Of a running cluster ("auto": the one that this machine is part of); None: a local one is started, and kept
        until the program ends. Every machine has the same Karavan installed, and sees the run folder of a study.
    workers
        Of a local Ray; 0: one a processor. On a cluster, its processors.
    """

    address: str | None = None
    workers: int = 0

    def __post_init__(self) -> None:
        ray = _ray()
        if not ray.is_initialized():
            options: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
            if self.address is None:
                options["num_cpus"] = self.workers or os.cpu_count() or 1
            ray.init(address=self.address, **options)
        object.__setattr__(self, "workers", max(int(ray.cluster_resources().get("CPU", 1)), 1))

    def results(self, work: Callable[[S, I], R], shared: S, items: Sequence[I]) -> Iterator[tuple[int, R]]:
        """Yield position and result of each item as it is done; Ray gives what a dead worker had to another."""
        ray = _ray()
        payload = pickle.dumps((work, shared))
        key = hashlib.sha256(payload).hexdigest()
        there = ray.put(payload)
        task = ray.remote(max_retries=RETRIES)(_on_cluster)
        left = {task.remote(there, key, item): at for at, item in enumerate(items)}
        while left:
            (done,), _ = ray.wait(list(left), num_returns=1)
            try:
                result = ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise error.cause if isinstance(error.cause, Exception) else error from None
            except ray.exceptions.RayError as error:
                message = f"the cluster gave a part of the work up after {RETRIES} retries: {error}"
                raise KaravanError(message) from error
            yield left.pop(done), result


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        package = "ray"
        raise MissingExtra(package, "cluster") from error
    return ray


def make_engine(name: EngineName, *, workers: int = 0, address: str | None = None) -> Engine:
    """Return an engine by its name: "processes" of this machine, or "ray".

    Raises
    ------
    MissingExtra
        Ray is not installed.
    ValueError
        Processes were given an address.
    """
    if name == "ray":
        return RayEngine(address, workers)
    if address is not None:
        message = f"processes are of this machine and have no address ({address}); choose the engine ray"
        raise ValueError(message)
    return ProcessEngine(workers)


def in_order(engine: Engine, work: Callable[[S, I], R], shared: S, items: Sequence[I]) -> list[R]:
    """Return the results of items in their order."""
    found = dict(engine.results(work, shared, items))
    return [found[at] for at in range(len(items))]


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What all draws of a sweep share."""

    problem: Problem
    method: LeastCost
    start: Columns


def sweep(
    problem: Problem,
    perturbations: Sequence[Mapping[str, ArrayLike]],
    *,
    engine: Engine,
    method: LeastCost = QUICK,
    start: Columns | None = None,
) -> Draws:
    """Solve a problem once for each perturbation, spread over the workers of an engine.

    The answer is that of `karavan.draws`, bit for bit, whatever the engine and the number of its workers: every draw
    begins with the same start.

    Parameters
    ----------
    problem, perturbations, method, start
        As in `karavan.draws`.
    engine
        See `make_engine`.

    Raises
    ------
    SolverError
        A draw did not reach the gap, solved from nothing either.
    KaravanError
        Workers died again and again.
    """
    shared = _Sweep(problem, method, draw_start(problem, method) if start is None else start)
    size = max(1, -(-len(perturbations) // (engine.workers * CHUNKS_A_WORKER)))
    chunks = [perturbations[at : at + size] for at in range(0, len(perturbations), size)]
    parts = in_order(engine, _draw_chunk, shared, chunks)
    empty = draws(problem, [], method=method, start=shared.start)
    names = [f.name for f in fields(Draws) if f.name != "start"]
    joined = {n: np.concatenate([getattr(empty, n), *(part[n] for part in parts)]) for n in names}
    return Draws(**joined, start=shared.start)


def _draw_chunk(shared: _Sweep, chunk: Sequence[Mapping[str, ArrayLike]]) -> dict[str, Any]:
    found = draws(shared.problem, chunk, method=shared.method, start=shared.start)
    return {f.name: getattr(found, f.name) for f in fields(Draws) if f.name != "start"}
