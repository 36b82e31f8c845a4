"""Every kernel against its plain twin, and where compiled kernels are kept."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from assign_problems import problems
from hypothesis import given, settings
from hypothesis import strategies as st

from karavan.assignment.search import Paths, cheapest, make_search, row_units, sums
from karavan.kernels import cache, paths, reference, shortest_path

if TYPE_CHECKING:
    from pathlib import Path

    from karavan.problem import Problem

EXACT = {"rtol": 1e-12, "atol": 1e-12}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 100), max_size=50))
def test_heap(keys: list[float]) -> None:
    heap, nodes = np.empty(len(keys) + 1), np.empty(len(keys) + 1, np.int32)
    for i, key in enumerate(keys):
        shortest_path.heap_push(heap, nodes, i, key, i)
    given_back = []
    for size in range(len(keys) - 1, -1, -1):
        given_back.append(float(heap[0]))
        assert keys[nodes[0]] == heap[0]
        shortest_path.heap_pop(heap, nodes, size)
    assert given_back == reference.heap_sorted(keys)


@settings(deadline=None, max_examples=60)
@given(problems)
def test_trees(p: Problem) -> None:
    classes, roots = np.arange(p.n_classes, dtype=np.int32), np.zeros(p.n_classes, np.int32)
    distances = np.empty((p.n_classes, p.n_nodes))
    graph = (p.out_start, p.out_arc, p.head)
    shortest_path.shortest_distances(*graph, p.cost, p.open, classes, roots, distances)
    np.testing.assert_allclose(distances, reference.shortest_distances(*graph, p.cost, p.open, classes, roots), **EXACT)
    distance, arrival = shortest_path.shortest_tree(*graph, p.cost[0], p.open[0], 0)
    np.testing.assert_array_equal(distance, distances[0])
    for v in range(1, p.n_nodes):
        a = arrival[v]
        assert (a == -1) == np.isinf(distance[v])
        assert a == -1 or (p.head[a] == v and p.open[0, a] and distance[v] == distance[p.tail[a]] + p.cost[0, a])


@pytest.mark.parametrize("guided", [True, False])
@settings(deadline=None, max_examples=60)
@given(p=problems)
def test_cheapest_paths(guided: bool, p: Problem) -> None:  # noqa: FBT001  a parameter of the test
    with pytest.MonkeyPatch.context() as patch:
        if not guided:
            patch.setattr("karavan.assignment.search.MAX_BOUNDS", 0)
        search = make_search(p)
    assert (search.group_bound >= 0).all() == guided or search.live.size == 0
    price = np.random.default_rng(0).choice([0.0, 0.5, 30.0], p.n_rows)
    usage = (p.usage_indptr, p.usage_row, p.usage_units)
    priced = reference.priced_costs(p.cost, *usage, price)
    limit = np.full(search.live.size, 1e9)
    distance, found = cheapest(search, p.cost, price, limit=limit, wanted=limit)
    demands = [(int(p.demand_class[i]), int(p.origin[i]), int(p.destination[i])) for i in search.live]
    graph = (p.out_start, p.out_arc, p.tail, p.head)
    wanted, _ = reference.cheapest_paths(*graph, priced, p.open, demands)
    np.testing.assert_allclose(distance, wanted, **EXACT)
    lists = [found.arc[found.start[i] : found.start[i + 1]].tolist() for i in range(found.demand.size)]
    classes = p.demand_class[search.live[found.demand]]
    np.testing.assert_allclose(reference.path_sums(lists, classes.tolist(), priced), distance, **EXACT)
    check_path_sums(p, found, lists, classes)
    near = np.nextafter(np.asarray(distance), np.inf) + 1e-9
    np.testing.assert_allclose(cheapest(search, p.cost, price, limit=near, wanted=near)[0], distance, **EXACT)
    below = np.asarray(distance) / 2
    short, empty = cheapest(search, p.cost, price, limit=below, wanted=below)
    assert (np.isinf(short) | np.isclose(short, distance, **EXACT)).all()
    assert empty.demand.size == 0


def check_path_sums(p: Problem, found: Paths, lists: list[list[int]], classes: np.ndarray) -> None:
    """Sums, rows and flows of paths agree with the plain twins."""
    usage = (p.usage_indptr, p.usage_row, p.usage_units)
    np.testing.assert_allclose(
        sums(found, classes, p.cost), reference.path_sums(lists, classes.tolist(), p.cost), **EXACT
    )
    start, row, units = row_units(p, found, classes)
    for i, rows in enumerate(reference.path_rows(lists, classes.tolist(), p.n_arcs, *usage)):
        mine = slice(start[i], start[i + 1])
        assert dict(zip(row[mine].tolist(), units[mine].tolist(), strict=True)) == pytest.approx(rows)
    tonnes = np.arange(1.0, found.demand.size + 1)
    flow = np.zeros(p.cost.shape)
    paths.arc_flows(found.start, found.arc, classes, tonnes, flow)
    np.testing.assert_allclose(
        flow, reference.arc_flows(lists, classes.tolist(), tonnes.tolist(), p.cost.shape), **EXACT
    )


def test_cache_folder_follows_the_user_and_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache.cache_folder()
    assert folder is not None
    assert folder == tmp_path / "karavan" / f"kernels-{cache.sources_hash()}"


def test_nothing_writable_still_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache.cache_folder() is None
    assert cache.kernel(lambda x: x + 1)(1) == 2


def test_importing_options_and_results_loads_no_compiler() -> None:
    code = (
        "import sys, karavan.assignment, karavan.problem; sys.exit('numba' in sys.modules or 'highspy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
