"""Many draws from one start, assignments from an earlier one, and whole lots."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from assign_problems import problems, random_problem
from hypothesis import given, settings
from test_assign_least_cost import two_ways

from karavan.assignment import LeastCost, Logit, solve
from karavan.assignment.arc_lp import arc_lp
from karavan.assignment.draws import QUICK, Draws, draw_start, draws
from karavan.assignment.front import assign
from karavan.assignment.lots import Lots, plan_lots
from karavan.assignment.search import make_search
from karavan.model import build_model
from karavan.problem import Problem, make_problem, perturb
from karavan.schema.io.packs import read_pack

FIELDS = ("objective", "bound", "gap", "served", "unserved", "row_use", "dual", "fell_back")


def some_draws(p: Problem, n: int, seed: int = 3) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "cost": p.cost * rng.uniform(0.8, 1.3, p.cost.shape),
            "rhs": p.rhs * rng.uniform(0.0, 1.5, p.n_rows),
            "tonnes": p.tonnes * rng.uniform(0.0, 1.5, p.n_demands),
        }
        for _ in range(n)
    ]


def same(a: Draws, b: Draws, order: list[int]) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(a, name)[order], getattr(b, name))


def test_draws_are_the_same_in_any_order_by_any_workers() -> None:
    p = random_problem(5, n_nodes=12, n_arcs=60, n_classes=3, n_rows=12, n_demands=15)
    changed = some_draws(p, 12)
    start = draw_start(p)
    one = draws(p, changed, start=start)
    order = np.random.default_rng(0).permutation(12).tolist()
    same(one, draws(p, [changed[i] for i in order], start=start), order)
    same(one, draws(p, [changed[i] for i in order], start=start, workers=2), order)
    same(one, draws(p, changed, start=start, workers=2, kind="processes"), list(range(12)))
    same(one, draws(p, changed), list(range(12)))  # a start is found the same way every time
    assert one.n_fell_back == 0


@settings(deadline=None, max_examples=40)
@given(problems)
def test_draws_are_certified(p: Problem) -> None:
    changed = some_draws(p, 3)
    found = draws(p, changed)
    for i, values in enumerate(changed):
        true = arc_lp(perturb(p, **values)) if p.n_demands else 0.0
        scale = 1e-9 + 1e-9 * abs(true)
        assert found.bound[i] <= true + scale + 1e-7 * (1 + abs(true))
        assert found.objective[i] >= true - scale - 1e-6 * (1 + abs(true))
        assert found.gap[i] <= 1e-4
    assert (found.row_use <= np.array([v["rhs"] for v in changed]).reshape(found.row_use.shape) * (1 + 1e-7)).all()


def test_bounds_do_not_wear_away_from_start_to_start() -> None:
    p = random_problem(7, n_nodes=10, n_arcs=50, n_classes=2, n_rows=6, n_demands=10)
    first = make_search(p)
    cheap = make_search(perturb(p, cost=p.cost * 0.1), first)
    back = make_search(p, cheap)
    known = np.isfinite(first.bound)
    assert (cheap.bound[known] <= first.bound[known]).all()
    np.testing.assert_allclose(back.bound[known], first.bound[known], rtol=1e-9)


def test_a_draw_that_fails_from_the_start_is_solved_anew() -> None:
    p = two_ways(rhs=120.0, price=500.0)
    start = draw_start(p)
    impossible = LeastCost(gap=1e-4, ties="any", price_factors=(), max_rounds=1)
    dear = {"cost": p.cost * np.array([[9.0, 0.1]])}
    bare = make_problem(
        n_nodes=2, tail=[0, 0], head=[1, 1], cost=[10.0, 30.0], rhs=[1e9], usage_indptr=[0, 1, 1], usage_row=[0],
        usage_units=[2.0], origin=[0], destination=[1], tonnes=[100.0], unserved_price=[500.0],
    )  # fmt: skip
    poor = solve(bare, QUICK).columns  # knows the first way only, so that one round is not enough
    assert poor is not None
    found = draws(bare, [dear], method=impossible, start=poor)
    assert found.fell_back.tolist() == [True]
    assert found.n_fell_back == 1
    assert draws(p, [dear], start=start).n_fell_back == 0


@pytest.fixture(scope="module")
def caspian():
    return build_model(read_pack("caspian"))


def test_an_assignment_starts_another(caspian) -> None:
    base = assign(caspian)
    again = assign(caspian, start=base)
    assert again.summary["objective_usd"] == pytest.approx(base.summary["objective_usd"], rel=1e-6)
    choice = assign(caspian, method=Logit(theta=0.05), start=base)
    warm = assign(caspian, method=Logit(theta=0.05), start=choice)
    np.testing.assert_allclose(warm.arc_tonnes, choice.arc_tonnes, rtol=1e-6, atol=1.0)
    assert choice.summary["residuals"]["capacity"] <= 1e-7
    assert choice.summary["cost_usd"] >= base.summary["bound_usd"]
    queues = choice.facilities.set_index("facility")
    assert (queues.loc[queues["shadow_price"] > 1.0, "queue_hours"] > 0).all()


def test_a_start_of_another_network_is_refused(caspian) -> None:
    small = assign(caspian)
    other = caspian.case.with_tables(demand=caspian.case.demand.iloc[:50])
    with pytest.raises(ValueError, match="another network"):
        assign(other, start=small)


@settings(deadline=None, max_examples=40)
@given(problems)
def test_whole_lots_are_between_the_bound_and_trying_all(p: Problem) -> None:
    if not p.n_rows or not p.n_demands:
        return
    rows = np.arange(min(p.n_rows, 2), dtype=np.int32)
    lots = Lots(rows, np.full(rows.size, 12.0), np.full(rows.size, 25.0))
    p = perturb(p, rhs=np.minimum(p.rhs, 40.0))
    plan = plan_lots(p, lots)
    most = [range(int(p.rhs[r] // 12) + 1) for r in rows]
    best = min(
        arc_lp(perturb(p, rhs=np.append(np.array(n) * 12.0, p.rhs[rows.size :]))) + 25.0 * sum(n)
        for n in itertools.product(*most)
    )
    scale = 1e-6 * (1 + abs(best))
    assert plan.bound <= best + scale
    assert plan.objective >= best - scale
    assert (plan.lots * 12.0 <= p.rhs[rows] + 1e-6).all()


def test_a_train_runs_only_where_it_pays() -> None:
    p = two_ways(rhs=200.0, price=500.0)  # 2 units a tonne; 20 USD a tonne saved, so 500 USD by a lot of 50 units

    def lots(usd: float) -> Lots:
        return Lots(np.array([0], np.int32), np.array([50.0]), np.array([usd]))

    assert plan_lots(p, lots(499.0)).lots.tolist() == [4]
    assert plan_lots(p, lots(501.0)).lots.tolist() == [0]
    with pytest.raises(ValueError, match="no units"):
        plan_lots(p, Lots(np.array([0], np.int32), np.array([0.0]), np.array([1.0])))
    with pytest.raises(ValueError, match="does not exist"):
        plan_lots(p, Lots(np.array([7], np.int32), np.array([1.0]), np.array([1.0])))
