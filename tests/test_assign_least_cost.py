"""Least cost: known optima, the arc-flow programme, and properties that always hold."""

from __future__ import annotations

import numpy as np
import pytest
from assign_problems import instance, problems
from hypothesis import given, settings

from karavan.assignment import AllOrNothing, LeastCost, Reason, Solution, solve
from karavan.assignment.arc_lp import arc_lp
from karavan.problem import Problem, make_problem, perturb

ARRAYS = [n for n in Solution.__slots__ if n not in {"rounds", "seconds", "columns"}]


def check_flows(p: Problem, s: Solution) -> None:
    """Flows start and end where they should, use open arcs, add up, and serve what is said."""
    assert (s.path_tonnes > 0).all()
    for i, d in enumerate(s.path_demand):
        arcs = s.path_arc[s.path_start[i] : s.path_start[i + 1]]
        assert p.tail[arcs[0]] == p.origin[d]
        assert p.head[arcs[-1]] == p.destination[d]
        assert (p.head[arcs[:-1]] == p.tail[arcs[1:]]).all()
        assert p.open[p.demand_class[d], arcs].all()
    np.testing.assert_allclose(s.served + s.unserved, p.tonnes, rtol=1e-15)
    assert (s.unserved >= 0).all()
    for k in range(p.n_classes):
        mine = p.demand_class == k
        out = np.bincount(p.tail, s.arc_flow[k], p.n_nodes) - np.bincount(p.head, s.arc_flow[k], p.n_nodes)
        sent = np.bincount(p.origin[mine], s.served[mine], p.n_nodes)
        got = np.bincount(p.destination[mine], s.served[mine], p.n_nodes)
        np.testing.assert_allclose(out, sent - got, atol=1e-9 * (1 + p.tonnes.sum()))
    use = np.zeros(p.n_rows)
    entries = np.repeat(s.arc_flow.ravel(), np.diff(p.usage_indptr))
    np.add.at(use, p.usage_row, entries * p.usage_units)
    np.testing.assert_allclose(s.row_use, use, atol=1e-9 * (1 + p.tonnes.sum()))


@settings(deadline=None, max_examples=150)
@given(problems)
def test_equals_the_arc_programme_within_capacity(p: Problem) -> None:
    s = solve(p, LeastCost())
    check_flows(p, s)
    assert (s.row_use <= p.rhs * (1 + 1e-7)).all()
    assert s.objective == pytest.approx(arc_lp(p) if p.n_demands else 0.0, rel=1e-6, abs=1e-6)
    assert s.bound <= s.objective * (1 + 1e-12) + 1e-9
    assert s.gap <= 1e-6
    assert (s.dual >= 0).all()
    assert (s.dual[s.row_use < p.rhs * (1 - 1e-6) - 1e-6] == 0).all(), "a row with room is worth nothing"
    unserved = s.unserved > 1e-6 * (1 + p.tonnes)
    assert (s.reason[unserved] != Reason.SERVED).all()


@settings(deadline=None, max_examples=60)
@given(problems)
def test_served_first_serves_the_most(p: Problem) -> None:
    s = solve(p, LeastCost(objective="served first"))
    check_flows(p, s)
    assert (s.row_use <= p.rhs * (1 + 1e-7)).all()
    fewest = perturb(p, cost=np.zeros(p.cost.shape), unserved_price=np.ones(p.n_demands))
    assert s.unserved.sum() == pytest.approx(arc_lp(fewest) if p.n_demands else 0.0, rel=1e-6, abs=1e-6)
    dear = 1e6  # 1e4 is too little here: a tonne of one class can take the place of 125 tonnes of another
    both = perturb(p, unserved_price=np.full(p.n_demands, dear))
    cheapest = (arc_lp(both) if p.n_demands else 0.0) - dear * s.unserved.sum()
    # the reference is only as exact as the solver's tolerance in tonnes times that price
    assert s.objective == pytest.approx(cheapest, rel=1e-4, abs=dear * 1e-8 * (100 + s.unserved.sum()))
    assert s.gap <= 1e-6


@pytest.mark.parametrize("closing", [0.0, 0.05])
@settings(deadline=None, max_examples=60)
@given(p=problems)
def test_a_start_changes_the_time_alone(closing: float, p: Problem) -> None:
    base = solve(p, LeastCost(price_factors=()))
    rng = np.random.default_rng(1)
    closed = rng.random(p.open.shape) < closing
    draw = perturb(
        p, cost=p.cost * rng.choice([0.0, 0.9, 1.1], p.cost.shape, p=[0.01, 0.5, 0.49]),
        rhs=p.rhs * rng.uniform(0, 1.5, p.n_rows), tonnes=p.tonnes * rng.choice([0, 0.9, 1.2], p.n_demands),
        open=p.open & ~closed if closing else None,
    )  # fmt: skip
    cold, warm = solve(draw, LeastCost()), solve(draw, LeastCost(), start=base.columns)
    check_flows(draw, warm)
    assert warm.objective == pytest.approx(cold.objective, rel=1e-6, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(problems)
def test_all_or_nothing_serves_all_that_have_a_path(p: Problem) -> None:
    s = solve(p, AllOrNothing())
    check_flows(p, s)
    assert ((s.unserved == 0) | (s.reason == Reason.NO_PATH)).all()
    free = perturb(p, rhs=np.full(p.n_rows, 1e9), unserved_price=np.full(p.n_demands, 1e6))
    assert s.objective - s.unserved @ p.unserved_price + 1e6 * s.unserved.sum() == pytest.approx(
        arc_lp(free) if p.n_demands else 0.0, rel=1e-6, abs=1e-6
    )


@settings(deadline=None, max_examples=30)
@given(problems)
def test_same_bits_again_and_for_any_order_of_arcs(p: Problem) -> None:
    first, again = solve(p, LeastCost()), solve(p, LeastCost())
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    order = np.random.default_rng(0).permutation(p.n_arcs)
    pairs = (np.arange(p.n_classes)[:, None] * p.n_arcs + order).ravel()
    count = np.diff(p.usage_indptr)[pairs]
    entry = np.concatenate([np.arange(p.usage_indptr[i], p.usage_indptr[i + 1]) for i in pairs]).astype(int)
    turned = make_problem(
        n_nodes=p.n_nodes, tail=p.tail[order], head=p.head[order], cost=p.cost[:, order], open=p.open[:, order],
        second=p.second[order], rhs=p.rhs, usage_indptr=np.append(0, np.cumsum(count)), usage_row=p.usage_row[entry],
        usage_units=p.usage_units[entry], origin=p.origin, destination=p.destination, demand_class=p.demand_class,
        tonnes=p.tonnes, unserved_price=p.unserved_price,
    )  # fmt: skip
    other = solve(turned, LeastCost())
    assert other.objective == pytest.approx(first.objective, rel=1e-12, abs=1e-9)
    assert other.second == pytest.approx(first.second, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ["20x30x20", "40x60x30", "40x60x100", "60x90x300"])
def test_published_optimum(shared, name: str) -> None:
    p, optimum = instance(shared, name)
    s = solve(p, LeastCost(ties="any", price_factors=()))
    assert s.objective == pytest.approx(optimum, rel=1e-9)
    assert s.bound == pytest.approx(optimum, rel=1e-6)
    assert s.gap <= 1e-6
    assert (s.row_use <= p.rhs * (1 + 1e-7)).all()


@pytest.mark.parametrize("name", ["20x30x20", "40x60x30"])
def test_arc_programme_agrees_on_instances(shared, name: str) -> None:
    p, optimum = instance(shared, name)
    assert arc_lp(p) == pytest.approx(optimum, rel=1e-6)


def two_ways(*, rhs: float, price: float, second: tuple[float, ...] = (0.0, 0.0)) -> Problem:
    """Return 0 -> 1 by a cheap arc of limited capacity (2 units a tonne) or a dear one without limit."""
    return make_problem(
        n_nodes=2, tail=[0, 0], head=[1, 1], cost=[10.0, 30.0], second=second, rhs=[rhs], usage_indptr=[0, 1, 1],
        usage_row=[0], usage_units=[2.0], origin=[0], destination=[1], tonnes=[100.0], unserved_price=[price],
    )  # fmt: skip


def test_a_dual_set_by_the_rival_route_is_no_scarcity() -> None:
    s = solve(two_ways(rhs=120.0, price=500.0), LeastCost())
    assert s.arc_flow.tolist() == [[60.0, 40.0]]
    assert s.dual.tolist() == pytest.approx([10.0])  # 20 USD a tonne over 2 units a tonne
    assert not s.is_scarcity.any()
    assert s.dual_at[:, 0].tolist() == pytest.approx([10.0, 10.0])


def test_a_dual_set_by_the_unserved_price_is_scarcity() -> None:
    s = solve(two_ways(rhs=120.0, price=20.0), LeastCost())
    assert s.unserved.tolist() == pytest.approx([40.0])
    assert Reason(s.reason[0]) is Reason.CAPACITY
    assert s.dual.tolist() == pytest.approx([5.0])
    assert s.price_share.tolist() == pytest.approx([2.0])  # 20 of price less 10 of transport, over 10
    assert s.is_scarcity.all()
    assert s.dual_at[:, 0].tolist() == pytest.approx([0.0, 10.0])


def test_no_path_is_said() -> None:
    p = make_problem(n_nodes=3, tail=[0, 1], head=[1, 2], cost=[1.0, 1.0], open=[True, False], origin=[0, 0],
                     destination=[2, 1], tonnes=[5.0, 2.0], unserved_price=[9.0, 0.5])  # fmt: skip
    s = solve(p, LeastCost())
    assert [Reason(r).text for r in s.reason] == ["no path", "every path costs more than the unserved price"]
    assert s.objective == pytest.approx(46.0)
    assert s.gap == 0.0


def test_equal_cost_is_decided_by_the_second_objective_and_stays_so() -> None:
    def flows(change: float) -> list[float]:
        p = make_problem(n_nodes=2, tail=[0, 0], head=[1, 1], cost=[10.0 + change, 10.0], second=[3.0, 4.0], origin=[0],
                         destination=[1], tonnes=[6.0], unserved_price=[99.0])  # fmt: skip
        least, whole = solve(p, LeastCost()).arc_flow, solve(p, AllOrNothing()).arc_flow
        np.testing.assert_array_equal(least, whole)
        return [float(x) for x in least[0]]

    assert flows(0.0) == flows(1e-9) == flows(-1e-9) == [6.0, 0.0]
    assert flows(0.01) == [0.0, 6.0]


def test_faults_are_all_told() -> None:
    with pytest.raises(
        ValueError, match=r"head has a position outside.*rhs has a negative value.*tonnes has a value that is"
    ):
        make_problem(n_nodes=2, tail=[0], head=[7], cost=[1.0], rhs=[-1.0], origin=[0], destination=[1],
                     tonnes=[np.nan], unserved_price=[1.0])  # fmt: skip
    with pytest.raises(ValueError, match="shape"):
        perturb(two_ways(rhs=1, price=1), rhs=[1.0, 2.0])
    with pytest.raises(ValueError, match="gap"):
        LeastCost(gap=-1)
