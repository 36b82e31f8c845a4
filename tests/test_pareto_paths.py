"""Pareto paths and journeys against brute force, against their plain twins, and against published counts."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from karavan.kernels import reference_pareto as plain
from karavan.kernels.pareto_calendar import departures, expected_wait, opening_hours, overtakes, running_days
from karavan.kernels.pareto_search import Gates, SearchGraph, make_gates, search_graph, static_paths, timed_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

ROOT = Path(__file__).resolve().parents[1]
NONE = math.inf
Case = tuple[int, list[plain.Arc], int, int]


def pareto(vectors: Iterable[plain.Vector]) -> list[plain.Vector]:
    """Return the vectors that no other is as good as, sorted."""
    kept: list[plain.Vector] = []
    for vector in sorted(set(vectors)):
        if not any(plain._at_most(other, vector) for other in kept):
            kept.append(vector)
    return kept


def drawn(seed: int, k: int, *, n_nodes: int = 8, n_arcs: int = 22) -> Case:
    """Draw a graph with small whole costs, many of them equal or zero."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, n_nodes + 1))
    arcs = [
        (int(rng.integers(n)), int(rng.integers(n)), tuple(map(float, rng.integers(0, 9, k))), None)
        for _ in range(int(rng.integers(1, n_arcs + 1)))
    ]
    return n, arcs, int(rng.integers(n)), int(rng.integers(n))


def graph_of(case: Case) -> SearchGraph:
    return search_graph(case[0], [a[0] for a in case[1]], [a[1] for a in case[1]], [a[2] for a in case[1]])


def all_paths(case: Case, k: int) -> list[plain.Vector]:
    """Return the vectors of all simple paths."""
    _, arcs, start, goal = case
    found: list[plain.Vector] = []

    def go(v: int, seen: frozenset[int], vector: plain.Vector) -> None:
        if v == goal:
            found.append(vector)
            return
        for tail, head, cost, _ in arcs:
            if tail == v and head not in seen:
                go(head, seen | {head}, tuple(x + c for x, c in zip(vector, cost, strict=True)))

    go(start, frozenset({start}), (0.0,) * k)
    return found


def rows(array: ArrayLike) -> list[plain.Vector]:
    return [tuple(row) for row in np.asarray(array).tolist()]


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_static_equals_brute_force_and_twin(k: int) -> None:
    for seed in range(250):
        case = drawn(1000 * k + seed, k)
        wanted = pareto(all_paths(case, k))
        found = static_paths(graph_of(case), case[2], case[3])
        assert found.complete
        assert rows(found.vector) == wanted == plain.static_vectors(*case, (NONE,) * k)
        for i, vector in enumerate(rows(found.vector)):
            arcs = [case[1][a] for a in found.arc[found.start[i] : found.start[i + 1]]]
            assert [case[2], *(a[1] for a in arcs)] == [*(a[0] for a in arcs), case[3]]
            assert vector == tuple(sum(a[2][j] for a in arcs) for j in range(k))


@pytest.mark.parametrize("k", [2, 3, 4])
def test_static_budgets_resolution_and_limit(k: int) -> None:
    for seed in range(60):
        case = drawn(seed, k)
        graph, exact = graph_of(case), pareto(all_paths(case, k))
        budget = tuple(map(float, np.random.default_rng(seed).integers(3, 25, k)))
        within = [v for v in exact if plain._at_most(v, budget)]
        assert rows(static_paths(graph, case[2], case[3], budget=budget).vector) == within
        coarse = rows(static_paths(graph, case[2], case[3], resolution=0.2).vector)
        assert set(coarse) <= set(all_paths(case, k))
        assert bool(coarse) == bool(exact)
        # a simple path of this graph meets 7 nodes after the start, each of which may add its part
        for v in exact:
            assert any(all(x <= y * 1.2**7 for x, y in zip(c, v, strict=True)) for c in coarse)
        cut = static_paths(graph, case[2], case[3], limit=3)
        assert {v for v in exact if v[0] < cut.reached} <= set(rows(cut.vector)) <= set(exact)
        assert cut.complete == (static_paths(graph, case[2], case[3]).n_labels <= 3)


def timetable(seed: int, k: int, *, charged: bool, stepped: bool) -> tuple[Case, Gates]:
    """Draw a small graph where arcs have departures or opening hours; the horizon is 26 minutes."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    arcs: list[plain.Arc] = []
    gate, events, extra, rate, free, step = [], [], [], [], [], []
    for _ in range(int(rng.integers(6, 13))):
        cost = (float(rng.integers(3, 8)), *map(float, rng.integers(0, 8, k - 1)))
        kind = rng.choice(["static", "departures", "hours"], p=[0.3, 0.5, 0.2])
        if kind != "static":
            leave = np.sort(rng.choice(np.arange(24), 3, replace=False)).astype(float)
            last = leave - rng.integers(0, 3) if kind == "departures" else leave + 1
            events.append((last, leave))
            extra.append(rng.integers(0, 3, (3, k)) * float(kind == "departures" and rng.random() < 0.3))
            rate.append([0.0, *map(float, rng.integers(0, 3, k - 1) * (charged and rng.random() < 0.7))])
            free.append(float(rng.integers(0, 4)))
            step.append(4.0 if stepped and kind == "departures" else 0.0)
        gate.append(len(events) - 1 if kind != "static" else -1)
        arcs.append((int(rng.integers(n)), int(rng.integers(n)), cost, None))
    gates = make_gates(gate, events, n_objectives=k, extra=extra, rate=np.reshape(rate, (-1, k)), free=free, step=step)
    for a, g in enumerate(gate):
        if g >= 0:
            scan = 0 if (events[g][0] <= events[g][1]).all() else 1
            told = tuple((float(x), float(y), tuple(z)) for x, y, z in zip(*events[g], extra[g].tolist(), strict=True))
            arcs[a] = (*arcs[a][:3], plain.Gate(told, tuple(rate[g]), free[g], step[g], scan))
    return (n, arcs, 0, n - 1), gates


def all_journeys(case: Case, k: int, begin: float, latest: float) -> set[plain.Vector]:
    """Return the vectors of all journeys, by every arc and every departure."""
    _, arcs, start, goal = case
    found: set[plain.Vector] = set()

    def go(v: int, vector: plain.Vector) -> None:
        if vector[0] > latest:
            return
        if v == goal:
            found.add(vector)
            return
        for tail, head, cost, gate in arcs:
            if tail == v:
                for arrival, *costs in plain.steps(vector[0], cost, gate):
                    go(head, (arrival, *(x + c for x, c in zip(vector[1:], costs, strict=True))))

    go(start, (begin, *(0.0,) * (k - 1)))
    return found


def twin(case: Case, begins: Sequence[float], budget: plain.Vector, slack: float) -> list[plain.Vector]:
    """Return the answer of the plain twin, in its certified form."""
    first = plain.Timed(*case, begins, budget, slack).search()
    known = [v for _, v in first]
    second = plain.Timed(*case, begins, budget, slack, certified=True, known=known).search()
    return pareto(known + [v for _, v in second])


@pytest.mark.parametrize(("charged", "stepped"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_timed_equals_brute_force(k: int, charged: bool, stepped: bool) -> None:  # noqa: FBT001  parameters of the test
    several = 0
    for seed in range(120):
        case, gates = timetable(7000 * k + seed, k, charged=charged, stepped=stepped)
        budget = (26.0, *(NONE,) * (k - 1))
        exact = pareto(all_journeys(case, k, 0.0, 26.0))
        several += len(exact) > 1
        found = timed_paths(graph_of(case), gates, case[2], case[3], begin=0.0, resolution=0.0, budget=budget)
        assert rows(found.vector) == exact
        assert found.guarantee == 0.0
        assert rows(found.time[found.start[1:] - 1][:, None]) == rows(found.vector[:, :1])
    assert several > 15


@pytest.mark.parametrize("charged", [False, True])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_certified_keeps_its_promise_and_agrees_with_its_twin(k: int, charged: bool) -> None:  # noqa: FBT001  as above
    promises = []
    for seed in range(120):
        case, gates = timetable(9000 * k + seed, k, charged=charged, stepped=False)
        budget = (26.0, *(NONE,) * (k - 1))
        found = timed_paths(
            graph_of(case), gates, case[2], case[3], begin=0.0, resolution=0.25, certified=True, budget=budget
        )
        assert found.guarantee is not None
        assert found.guarantee <= 0.25
        promises.append(found.guarantee)
        for wanted in pareto(all_journeys(case, k, 0.0, 26.0 / 1.25)):
            reach = (1 + found.guarantee) * np.array(wanted) + 1e-9
            assert (found.vector <= reach).all(axis=1).any()
        assert rows(found.vector) == twin(case, [0.0], budget, 0.25)
    assert max(promises) > 0.1


def test_profile_of_best_departures() -> None:
    for seed in range(100):
        case, gates = timetable(50_000 + seed, 3, charged=seed % 2 == 0, stepped=False)
        begins = [0.0, 3.0, 7.0, 10.0]
        budget = (26.0, NONE, NONE)
        found = timed_paths(graph_of(case), gates, case[2], case[3], begin=begins, resolution=0.0, budget=budget)
        everything = [(-b, *v) for b in begins for v in pareto(all_journeys(case, 3, b, 26.0))]
        assert sorted(zip((-found.begin).tolist(), *found.vector.T.tolist(), strict=True)) == pareto(everything)


@pytest.mark.parametrize("further", [False, True])
def test_plain_dominance_would_lose_a_route(further: bool) -> None:  # noqa: FBT001  a parameter of the test
    """The early train pays four days of storage for the same ship, here or at a port further on; the later one not."""
    arcs, cost = [(0, 1), (0, 1), (1, 2)], [[1440.0, 100.0], [5760.0, 120.0], [600.0, 50.0]]
    gate = [-1, -1, 0]
    if further:
        arcs, cost, gate = [*arcs[:2], (1, 3), (3, 2)], [*cost[:2], [0.0, 0.0], cost[2]], [-1, -1, -1, 0]
    gates = make_gates(gate, [([7200.0], [7200.0])], n_objectives=2, rate=[[0.0, 10 / 1440]])
    found = timed_paths(search_graph(4, *zip(*arcs, strict=True), cost), gates, 0, 2, begin=0.0, resolution=0.0)
    assert rows(found.vector) == [(7800.0, 120.0 + 50.0 + 10.0)]


def test_limit_says_what_is_there() -> None:
    cut_short = 0
    for seed in range(40):
        case, gates = timetable(seed, 3, charged=True, stepped=False)
        budget = (26.0, NONE, NONE)
        cut = timed_paths(graph_of(case), gates, case[2], case[3], begin=0.0, resolution=0.0, budget=budget, limit=6)
        exact = pareto(all_journeys(case, 3, 0.0, 26.0))
        assert {v for v in exact if v[0] < cut.reached} <= set(rows(cut.vector)) <= set(exact)
        assert (cut.guarantee is None) == (not cut.complete)
        cut_short += not cut.complete
    assert cut_short > 5


def test_calendar() -> None:
    runs = running_days(14, first_weekday=3, weekdays=[1, 3], added=[1, 99], removed=[7])
    assert np.flatnonzero(runs).tolist() == [0, 1, 5, 12]
    season = np.arange(14) < 6
    assert np.flatnonzero(running_days(14, first_weekday=3, weekdays=[1, 3], season=season)).tolist() == [0, 5]
    last, leave = departures(runs, [720, 60], cutoff=30)
    assert leave[:3].tolist() == [60.0, 720.0, 1500.0]
    assert (leave - last == 30).all()
    closes, opens = opening_hours(np.ones(3, np.bool_), 1200, 480)
    assert (opens.tolist(), closes.tolist()) == ([1200.0, 2640.0, 4080.0], [1920.0, 3360.0, 4800.0])
    assert expected_wait(10080.0) == 5040.0
    assert overtakes(np.array([0.0, 10.0]), np.array([0.0, 10.0]), np.array([30.0, 5.0])).tolist() == [True, False]
    assert not running_days(10, first_weekday=1, weekdays=[], added=[]).any()
    for bad in ({"weekdays": [0]}, {"weekdays": [1], "added": [2], "removed": [2]}):
        with pytest.raises(ValueError, match=r"weekdays are 1|both added"):
            running_days(10, first_weekday=1, **bad)


def test_bad_input_is_told() -> None:
    with pytest.raises(ValueError, match="negative"):
        search_graph(2, [0], [1], [[1.0, -1.0]])
    with pytest.raises(ValueError, match="outside 0 to 1"):
        search_graph(2, [0], [2], [[1.0, 1.0]])
    with pytest.raises(ValueError, match="2 to 5"):
        search_graph(2, [0], [1], [[1.0]])
    with pytest.raises(ValueError, match="out of order"):
        make_gates([0], [([5.0, 1.0], [5.0, 1.0])], n_objectives=2)
    with pytest.raises(ValueError, match="charged by steps"):
        make_gates([0], [([5.0], [1.0])], n_objectives=2, rate=[[0.0, 1.0]], step=[1440.0])
    line = search_graph(2, [0], [1], [[1.0, 1.0]])
    with pytest.raises(ValueError, match=r"2 is not a node.*resolution -1 is negative"):
        static_paths(line, 0, 2, resolution=-1)
    with pytest.raises(ValueError, match="begin has no time"):
        timed_paths(line, make_gates([-1], [], n_objectives=2), 0, 1, begin=[])
    with pytest.raises(ValueError, match="gates are for 2 arcs"):
        timed_paths(line, make_gates([-1, -1], [], n_objectives=2), 0, 1, begin=0)
    with pytest.raises(ValueError, match="budget"):
        static_paths(line, 0, 1, budget=[1.0])


def new_york(shared: Path, queries: str, tmp_path: Path) -> dict[str, object]:
    (tmp_path / "queries.txt").write_text(queries)
    command = [sys.executable, "-m", "benchmarks.pareto", "--dimacs", str(shared / "data/dimacs_ny"),
               "--queries", str(tmp_path / "queries.txt")]  # fmt: skip
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    answer: dict[str, object] = json.loads(told[-1])
    return answer


def test_new_york_small(shared: Path, tmp_path: Path) -> None:
    told = new_york(shared, "33502 163335\n198561 195430\n19103 95503\n65190 57030\n", tmp_path)
    assert told["solutions"] == 45 + 12 + 24 + 1
    assert (told["compared"], told["different"]) == (4, [])


@pytest.mark.soak
def test_new_york_all(shared: Path, tmp_path: Path) -> None:
    told = new_york(shared, (shared / "data/dimacs_ny/NY-queries.txt").read_text(), tmp_path)
    assert (told["queries"], told["solutions"], told["compared"], told["different"]) == (50, 9935, 50, [])
