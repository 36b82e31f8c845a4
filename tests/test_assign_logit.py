"""Stochastic choice under hard capacity: closed forms, the limit of no dispersion, and properties that always hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from assign_problems import problems
from hypothesis import given, settings
from hypothesis import strategies as st
from test_assign_least_cost import check_flows

from karavan.assignment import LeastCost, Logit, Reason, Solution, solve
from karavan.assignment.choice import first_paths, with_paths
from karavan.assignment.logit import _dual, _limit, curvature
from karavan.assignment.methods import ArcLabels
from karavan.assignment.search import make_search
from karavan.kernels import logit as kernels
from karavan.kernels import reference
from karavan.problem import Problem, make_problem, perturb

FREE = 1e9


def parallel(*costs: float, tonnes: float = 100.0, rhs: tuple[float, ...] = (), price: float = 1e6) -> Problem:
    """Return 0 -> 1 by an arc a cost; the first arcs have a capacity row each."""
    n = len(costs)
    return make_problem(
        n_nodes=2, tail=[0] * n, head=[1] * n, cost=costs, rhs=rhs,
        usage_indptr=np.minimum(np.arange(n + 1), len(rhs)), usage_row=np.arange(len(rhs)),
        usage_units=np.ones(len(rhs)), origin=[0], destination=[1], tonnes=[tonnes], unserved_price=[price],
    )  # fmt: skip


def shares(s: Solution) -> list[float]:
    """Return the flow on each arc over the demand."""
    return [float(x) for x in s.arc_flow[0] / (s.served + s.unserved).sum()]


@given(st.lists(st.floats(1.0, 15.0), min_size=1, max_size=5, unique=True), st.floats(0.01, 5.0))
def test_without_capacity_shares_are_logit(costs: list[float], theta: float) -> None:
    s = solve(parallel(*costs, price=20.0), Logit(theta=theta, alternatives=20, detour=100.0, penalty=1.1))
    kept = {int(a) for a in s.path_arc}  # the search for alternatives may pass by what is hardly dearer
    weight = [math.exp(-theta * (c - costs[0])) * (i in kept) for i, c in enumerate(costs)]
    total = sum(weight) + math.exp(-theta * (20.0 - costs[0]))
    assert shares(s) == pytest.approx([w / total for w in weight], rel=1e-9, abs=1e-12)
    assert s.unserved[0] == pytest.approx(100.0 * math.exp(-theta * (20.0 - costs[0])) / total, rel=1e-9, abs=1e-12)


@given(st.floats(0.02, 2.0), st.floats(1.0, 60.0), st.floats(5.0, 30.0), st.floats(5.0, 30.0))
def test_the_queue_at_one_capacity_is_known(theta: float, rhs: float, first: float, second: float) -> None:
    # Bell (1995): rhs / (tonnes - rhs) = exp(-theta (first + queue - second))
    s = solve(parallel(first, second, rhs=(rhs,)), Logit(theta=theta, detour=100.0))
    queue = max(0.0, second - first + math.log((100.0 - rhs) / rhs) / theta)
    assert s.dual[0] == pytest.approx(queue, rel=1e-6, abs=1e-6 / theta)
    assert s.row_use[0] <= rhs * (1 + 1e-7)
    assert s.residuals is not None
    assert s.residuals.complementarity <= 1e-7


def test_two_capacities_and_the_unserved() -> None:
    theta, price = 0.1, 40.0
    s = solve(parallel(10.0, 20.0, rhs=(30.0, 25.0), price=price), Logit(theta=theta))
    assert s.row_use.tolist() == pytest.approx([30.0, 25.0])
    assert s.unserved[0] == pytest.approx(45.0)
    for arc, (cost, tonnes) in enumerate([(10.0, 30.0), (20.0, 25.0)]):
        assert s.dual[arc] == pytest.approx(price - cost - math.log(tonnes / 45.0) / theta)
    assert Reason(s.reason[0]) in {Reason.CAPACITY, Reason.CHOICE}


def overlapping(common: float) -> Problem:
    """Return the network of red bus and blue bus: one way of 10, two that share `common` of their 10."""
    return make_problem(
        n_nodes=3, tail=[0, 0, 1, 1], head=[2, 1, 2, 2], cost=[10.0, common, 10.0 - common, 10.0 - common],
        origin=[0], destination=[2], tonnes=[1.0], unserved_price=[1e6],
    )  # fmt: skip


@pytest.mark.parametrize("common", [0.0, 4.0, 9.0])
def test_paths_that_share_their_way_count_less(common: float) -> None:
    p, plain = overlapping(common), Logit(theta=0.3, alternatives=3)
    alike = solve(p, replace(plain, overlap="none")).arc_flow[0]
    sized = solve(p, plain).arc_flow[0]
    common_logit = solve(p, replace(plain, overlap="c-logit")).arc_flow[0]
    assert alike == pytest.approx([1 / 3, 2 / 3, 1 / 3, 1 / 3])
    size = 1.0 - common / 20.0  # path size of each of the two
    assert sized[0] == pytest.approx(1 / (1 + 2 * size))
    factor = 1 / (1 + common / 10.0)
    assert common_logit[0] == pytest.approx(1 / (1 + 2 * factor))


@settings(deadline=None, max_examples=100)
@given(problems, st.sampled_from([0.01, 0.3, 10.0]), st.sampled_from(["none", "path size", "c-logit"]))
def test_certified_on_any_problem(p: Problem, theta: float, overlap: str) -> None:
    s = solve(p, Logit(theta=theta, overlap=overlap, mode_ratio=1.5))
    check_flows(p, s)
    r = s.residuals
    assert r is not None
    assert (s.row_use <= p.rhs * (1 + 1e-7)).all()
    assert r.consistency <= 1e-9
    assert max(r.capacity, r.complementarity) <= 1e-7
    assert (s.dual[~np.isnan(s.dual)] >= 0).all()
    assert s.objective >= s.bound - 1e-6 * (1 + abs(s.bound))
    assert s.gap <= 1e-6
    least = solve(p, LeastCost(price_factors=()))
    assert r.cost >= least.bound - 1e-6 * (1 + abs(least.bound))


@settings(deadline=None, max_examples=80)
@given(problems)
def test_goes_to_least_cost_as_dispersion_goes(p: Problem) -> None:
    least = solve(p, LeastCost(price_factors=()))
    for theta in (1.0, 30.0, 1000.0):
        s = solve(p, Logit(theta=theta, overlap="none"))
        assert s.residuals is not None
        assert s.columns is not None
        # the entropy of n alternatives is at most log n
        n = np.bincount(s.columns.path_demand, minlength=p.n_demands) + 1.0
        most = float(p.tonnes @ np.log(n)) / theta
        scale = 1e-6 * (1 + least.objective)
        assert -scale <= s.residuals.cost - least.objective <= most + scale
        assert s.bound <= least.objective + scale


def test_queues_go_to_shadow_prices() -> None:
    p = parallel(10.0, 25.0, 40.0, rhs=(60.0, 30.0), price=500.0)
    least = solve(p, LeastCost())
    off = [np.abs(solve(p, Logit(theta=t)).dual - least.dual).max() for t in (1.0, 10.0, 100.0, 1e4)]
    assert least.dual.tolist() == pytest.approx([30.0, 15.0])
    assert off == sorted(off, reverse=True)
    assert off[-1] < 1e-3


@settings(deadline=None, max_examples=40)
@given(problems)
def test_a_start_keeps_the_choice_sets(p: Problem) -> None:
    cold = solve(p, Logit(theta=0.5))
    warm = solve(p, Logit(theta=0.5), start=cold.columns)
    np.testing.assert_allclose(warm.arc_flow, cold.arc_flow, atol=1e-6 * (1 + p.tonnes.sum()))
    draw = perturb(p, rhs=p.rhs * 0.8, tonnes=p.tonnes * 1.1, cost=p.cost * 1.05)
    check_flows(draw, solve(draw, Logit(theta=0.5), start=cold.columns))
    check_flows(draw, solve(draw, LeastCost(), start=cold.columns))
    check_flows(p, solve(p, Logit(theta=0.5), start=solve(p, LeastCost()).columns))


def test_nests_by_mode_and_unit() -> None:
    p = parallel(10.0, 12.0, 11.0, 15.0, price=30.0)
    labels = ArcLabels(np.array([0, 0, 1, 1], np.int32), np.array([0, 1, 0, 0], np.int32), np.ones(4))
    method = Logit(theta=0.1, mode_ratio=2.0, unit_ratio=1.5, alternatives=4)
    s = solve(p, method, labels=labels)
    nests = [[[(10.0, 0.0)], [(12.0, 0.0)]], [[(11.0, 0.0), (15.0, 0.0)]]]
    flows, refused, _ = reference.nested_choice(nests, (0.1, 0.2, 0.3), 100.0, 30.0)
    assert s.arc_flow[0] == pytest.approx(flows)
    assert s.unserved[0] == pytest.approx(refused)
    assert s.arc_flow[0] != pytest.approx(solve(p, method).arc_flow[0])


def test_dispersion_by_cheapest_cost() -> None:
    p = parallel(10.0, 12.0)
    assert shares(solve(p, Logit(theta=5.0, per="cheapest cost"))) == pytest.approx(shares(solve(p, Logit(theta=0.5))))


def test_a_row_without_capacity_is_closed() -> None:
    s = solve(parallel(10.0, 30.0, rhs=(0.0,)), Logit(theta=0.1))
    assert shares(s) == [0.0, 1.0]
    assert np.isnan(s.dual).tolist() == [True]


@settings(deadline=None, max_examples=40)
@given(problems)
def test_kernels_agree_with_their_twins(p: Problem) -> None:
    method = Logit(theta=0.2, alternatives=4, detour=3.0)
    search = make_search(p)
    labels = ArcLabels(np.arange(p.n_arcs, dtype=np.int32) % 3, np.arange(p.n_arcs, dtype=np.int32) % 2, p.second + 1)
    found = first_paths(search, method, None)
    blind = first_paths(replace(search, bound=np.empty((0, p.n_nodes))), method, None)
    sets = with_paths(search, method, labels, found)
    graph = (p.out_start, p.out_arc, p.tail, p.head)
    for i, d in enumerate(search.live):
        k = int(p.demand_class[d])
        true = reference.alternative_paths(
            graph, p.cost[k], p.open[k], int(p.origin[d]), int(p.destination[d]), 8, 1.3, 4, 3.0
        )
        mine = [found.arc[found.start[j] : found.start[j + 1]].tolist() for j in np.flatnonzero(found.demand == i)]
        assert np.count_nonzero(blind.demand == i) >= 1
        assert sum(p.cost[k, mine[0]]) == pytest.approx(sum(p.cost[k, true[0]]))
    start, arc = sets.paths.start, sets.paths.arc
    paths = [arc[start[i] : start[i + 1]].tolist() for i in range(sets.cost.size)]
    first = np.searchsorted(sets.paths.demand, np.arange(search.live.size + 1))
    size, common = np.empty(sets.cost.size), np.empty(sets.cost.size)
    kernels.path_sizes(start, arc, sets.path_class, first, p.cost, p.n_arcs, size)
    kernels.commonalities(start, arc, sets.path_class, first, p.cost, p.n_arcs, common)
    for i in range(search.live.size):
        part = slice(first[i], first[i + 1])
        length = p.cost[p.demand_class[search.live[i]]]
        assert size[part] == pytest.approx(reference.path_sizes(paths[part], length))
        assert common[part] == pytest.approx(reference.commonalities(paths[part], length))
    price = np.random.default_rng(0).random(p.n_rows)
    rows = reference.path_rows(paths, sets.path_class.tolist(), p.n_arcs, p.usage_indptr, p.usage_row, p.usage_units)
    priced = np.empty(sets.cost.size)
    kernels.path_prices(sets.cost, sets.row_start, sets.row, sets.units, price, priced)
    assert priced == pytest.approx(reference.path_prices(sets.cost.tolist(), rows, price))


@given(st.integers(0, 2**32 - 1))
def test_curvature_agrees_with_its_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_paths, n_rows = int(rng.integers(1, 8)), int(rng.integers(1, 6))
    rows = [dict(zip(rng.permutation(n_rows)[: rng.integers(0, n_rows + 1)].tolist(), rng.random(n_rows), strict=False))
            for _ in range(n_paths)]  # fmt: skip
    start = np.append(0, np.cumsum([len(r) for r in rows]))
    row = np.array([i for r in rows for i in r], np.int32)
    units = np.array([u for r in rows for u in r.values()])
    first = rng.integers(0, n_paths, 4)
    last = np.minimum(first + rng.integers(0, 4, 4), n_paths)
    weight, total = rng.normal(size=4), rng.choice([0.0, 1.0, 5.0], 4)
    flow, matrix = rng.choice([0.0, 1.0, 3.0], n_paths), np.zeros((n_rows, n_rows))
    kernels.add_curvature(first, last, weight, total, flow, start, row, units, np.arange(n_rows), matrix)
    ranges = list(zip(first.tolist(), last.tolist(), strict=True))
    np.testing.assert_allclose(matrix, reference.add_curvature(ranges, weight, total, flow, rows, n_rows), atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(problems)
def test_curvature_is_the_slope_of_the_slope(p: Problem) -> None:
    p = perturb(p, rhs=p.rhs + 1.0)
    search = make_search(p)
    method = Logit(theta=0.1, mode_ratio=1.7, unit_ratio=1.3)
    labels = ArcLabels(np.arange(p.n_arcs, dtype=np.int32) % 3, np.arange(p.n_arcs, dtype=np.int32) % 2, p.second + 1)
    sets = with_paths(search, method, labels, first_paths(search, method, None))
    units, limit = sets.units / search.row_units[sets.row], _limit(sets)
    price = np.random.default_rng(0).random(p.n_rows) * 5
    here = _dual(sets, units, limit, price, 1.0)
    matrix = curvature(sets, units, here.choice, np.arange(p.n_rows), p.n_rows, 1.0)
    for r in range(p.n_rows):
        step = np.zeros(p.n_rows)
        step[r] = 1e-4
        ahead, behind = (_dual(sets, units, limit, price + s * step, 1.0).slope for s in (1, -1))
        np.testing.assert_allclose((behind - ahead) / 2e-4, matrix[:, r], rtol=1e-4, atol=1e-5 * (1 + p.tonnes.sum()))


@pytest.mark.parametrize("bad", [{"theta": 0.0}, {"theta": 1.0, "mode_ratio": 0.5}, {"theta": 1.0, "penalty": 1.0}])
def test_options_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="give"):
        Logit(**bad)  # type: ignore[arg-type]
