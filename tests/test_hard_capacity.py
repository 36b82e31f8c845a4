"""Hard capacities together with delay functions: closed forms, a general solver, certified residuals, odd input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from equilibrium_networks import networks, tntp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from karavan.assignment import Reason, SystemOptimum, UserEquilibrium, solve_congested
from karavan.assignment.equilibrium_front import assign_congested
from karavan.assignment.equilibrium_problem import EquilibriumProblem, make_equilibrium_problem, path_table
from karavan.assignment.hard_capacity import HardCapacitySolution, equilibrium_with_hard_capacity
from karavan.assignment.hierarchy import skim
from karavan.cost.delay import DelayFunction, delay, delay_integral, delay_slope
from karavan.schema.io.tntp import read_tntp

BRAESS: dict[str, Any] = {  # 0 to 3 by 1 or 2, and a short cut from 1 to 2
    "n_nodes": 4, "tail": [0, 0, 1, 2, 1], "head": [1, 2, 3, 3, 2], "free_time": [0.1, 50.0, 50.0, 0.1, 10.0],
    "capacity": [1.0, 1.0, 1.0, 1.0, 1.0], "b": [100.0, 0.02, 0.02, 100.0, 0.1], "power": [1.0] * 5,
    "origin": [0], "destination": [3], "demand": [6.0],
}  # fmt: skip
BRAESS_PATHS = ([0, 2], [1, 3], [0, 4, 3])


def two_links(demand: float, **change: Any) -> EquilibriumProblem:
    """Two parallel links, 1 + x and a constant 5."""
    base: dict[str, Any] = {
        "n_nodes": 2, "tail": [0, 0], "head": [1, 1], "free_time": [1.0, 5.0], "capacity": [1.0, 1.0],
        "b": [1.0, 0.0], "power": [1.0, 1.0], "origin": [0], "destination": [1], "demand": [demand],
    }  # fmt: skip
    return make_equilibrium_problem(**(base | change))


def check(p: EquilibriumProblem, hard: np.ndarray, s: HardCapacitySolution, price: float, tolerance: float) -> None:
    """What the solution states follows from flows and queues alone."""
    load = (s.link_flow * p.pce[:, None]).sum(axis=0)
    limited = hard > 0.0
    assert (load[limited] <= hard[limited] * (1.0 + tolerance)).all()
    assert (s.queue >= 0.0).all()
    assert (s.queue[~limited] == 0.0).all()
    full = s.queue > 0.0
    assert (load[full] >= hard[full] * (1.0 - tolerance)).all()
    np.testing.assert_allclose(s.link_time, delay(p.delays, load), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(s.served + s.unserved, p.demand, rtol=1e-12)
    paid = s.link_time + s.queue
    out = s.unserved * p.pce[p.demand_class]
    reached = np.isfinite(s.pair_cost)
    lost = price * float(out[reached].sum())
    total = float((s.link_flow * p.pce[:, None] * np.where(p.open, paid + p.fixed, 0.0)).sum()) + lost
    cheapest = 0.0
    for k in range(p.n_classes):
        for i in np.flatnonzero((p.demand_class == k) & reached).tolist():
            cost = skim(p, paid, origins=[p.origin[i]], destinations=[p.destination[i]], demand_class=k)[0, 0]
            assert s.pair_cost[i] == pytest.approx(min(cost, price), rel=1e-7, abs=1e-9)
            cheapest += p.demand[i] * p.pce[k] * min(cost, price)
    assert total - cheapest <= s.relative_gap * total + 1e-9 * total + 1e-12
    objective = delay_integral(p.delays, load).sum() + (s.link_flow * p.pce[:, None] * p.fixed * p.open).sum()
    assert s.objective == pytest.approx(objective + lost, rel=1e-6, abs=1e-9)


def test_the_queue_of_two_parallel_links_is_their_difference_of_cost() -> None:
    p = two_links(6.0)
    s = equilibrium_with_hard_capacity(p, [2.5, 0.0], UserEquilibrium(gap=1e-10), unserved_price=100.0, tolerance=1e-9)
    assert s.converged
    np.testing.assert_allclose(s.link_flow, [[2.5, 3.5]], rtol=1e-8)
    np.testing.assert_allclose(s.queue, [5.0 - 3.5, 0.0], rtol=1e-7)
    assert s.pair_cost[0] == pytest.approx(5.0)
    assert s.unserved.tolist() == [0.0]
    check(p, np.array([2.5, 0.0]), s, 100.0, 1e-9)
    assert s.dual_gap < 1e-8


def test_the_toll_of_a_system_optimum_is_the_difference_of_marginal_cost() -> None:
    s = equilibrium_with_hard_capacity(two_links(6.0), [1.5, 0.0], SystemOptimum(gap=1e-10), unserved_price=100.0)
    np.testing.assert_allclose(s.link_flow, [[1.5, 4.5]], rtol=1e-5)
    np.testing.assert_allclose(s.queue, [5.0 - (1.0 + 2.0 * 1.5), 0.0], rtol=1e-4)
    assert s.objective == pytest.approx(1.5 * 2.5 + 4.5 * 5.0, rel=1e-6)


def test_capacities_that_do_not_bind_change_nothing() -> None:
    s = equilibrium_with_hard_capacity(two_links(6.0), [9.0, 9.0], UserEquilibrium(gap=1e-10), unserved_price=100.0)
    assert s.converged
    np.testing.assert_allclose(s.link_flow, [[4.0, 2.0]], rtol=1e-8)
    assert s.queue.tolist() == [0.0, 0.0]
    assert (s.exceeded, s.slack) == (0.0, 0.0)


def test_what_no_capacity_holds_is_unserved_at_its_price() -> None:
    p = two_links(6.0)
    s = equilibrium_with_hard_capacity(p, [1.0, 2.0], UserEquilibrium(gap=1e-10), unserved_price=20.0, tolerance=1e-8)
    assert s.converged
    np.testing.assert_allclose(s.unserved, [3.0], rtol=1e-6)
    np.testing.assert_allclose(s.queue, [20.0 - 2.0, 20.0 - 5.0], rtol=1e-6)
    assert s.why(0) == Reason.CAPACITY
    check(p, np.array([1.0, 2.0]), s, 20.0, 1e-8)
    dear = equilibrium_with_hard_capacity(p, [0.0, 0.0], UserEquilibrium(gap=1e-10), unserved_price=4.0)
    np.testing.assert_allclose(dear.unserved, [3.0], rtol=1e-6)  # the first link takes 3 at a time of 4
    assert dear.why(0) == Reason.TOO_DEAR


@pytest.mark.parametrize("hard", [[3.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 3.2, 1.0], [2.0, 2.5, 0.0, 0.0, 0.5]])
def test_a_network_with_a_short_cut_against_a_general_solver(hard: list[float]) -> None:
    p, price = make_equilibrium_problem(**BRAESS), 200.0
    room = np.array(hard)
    uses = np.array([[float(a in path) for path in (*BRAESS_PATHS, [])] for a in range(5)])

    def objective(h: np.ndarray) -> float:
        return float(delay_integral(p.delays, np.maximum(uses @ h, 0.0)).sum() + price * h[3])

    rows = np.flatnonzero(room)
    found = minimize(
        objective, np.array([0.5, 0.5, 0.0, 5.0]), method="SLSQP", bounds=[(0.0, None)] * 4,
        jac=lambda h: uses.T @ delay(p.delays, np.maximum(uses @ h, 0.0)) + np.array([0.0, 0.0, 0.0, price]),
        constraints=[{"type": "eq", "fun": lambda h: h.sum() - 6.0},
                     {"type": "ineq", "fun": lambda h: (room - uses @ h)[rows]}],
        options={"ftol": 1e-11, "maxiter": 500},
    )  # fmt: skip
    # SLSQP may end at a corner by a line search without descent: that it is right is said by the comparison
    s = equilibrium_with_hard_capacity(p, room, UserEquilibrium(gap=1e-11), unserved_price=price, tolerance=1e-9)
    assert s.converged
    np.testing.assert_allclose(s.link_flow[0], uses @ found.x, atol=1e-5)
    assert s.objective == pytest.approx(found.fun, rel=1e-8)
    check(p, room, s, price, 1e-9)


@pytest.mark.parametrize("method", [UserEquilibrium(gap=1e-9), SystemOptimum(gap=1e-9)])
def test_sioux_falls_with_a_tenth_of_its_links_full(method: Any, shared: Path) -> None:
    p, _ = tntp(shared, "SiouxFalls")
    base = solve_congested(p, method)
    ratio = base.link_flow[0] * p.delays.table[:, 1]
    hard = np.quantile(ratio, 0.9) / p.delays.table[:, 1]
    price = 10.0 * float(base.pair_cost.max())
    s = equilibrium_with_hard_capacity(p, hard, method, unserved_price=price)
    assert s.converged
    assert s.exceeded <= 1e-6
    assert s.slack <= 1e-6
    assert s.dual_gap < 1e-5
    assert 5 <= (s.queue > 0.0).sum() <= 12
    assert s.unserved.sum() == 0.0
    assert s.objective > base.objective
    if isinstance(method, UserEquilibrium):
        check(p, hard, s, price, 1e-6)
    paid = s.link_time + s.queue
    if isinstance(method, SystemOptimum):
        paid = paid + s.link_flow[0] * delay_slope(p.delays, s.link_flow[0])
    table = path_table(s.network, s)  # no path in use is dearer than its pair's cheapest, but for the gap
    cost = np.add.reduceat(paid[table.link], table.start[:-1])
    excess = float(table.vehicles @ (cost - s.pair_cost[table.demand]))
    assert excess <= 1e-8 * float(table.vehicles @ cost)
    again = equilibrium_with_hard_capacity(p, hard, method, unserved_price=price)
    assert np.array_equal(again.link_flow, s.link_flow)
    assert np.array_equal(again.queue, s.queue)
    warm = equilibrium_with_hard_capacity(p, hard, method, unserved_price=price, start=s.paths)
    np.testing.assert_allclose(warm.link_flow, s.link_flow, rtol=1e-4)


def test_sioux_falls_with_too_little_room_ends_with_unserved(shared: Path) -> None:
    p, _ = tntp(shared, "SiouxFalls")
    hard = 0.2 / p.delays.table[:, 1]
    s = equilibrium_with_hard_capacity(p, hard, UserEquilibrium(gap=1e-8), unserved_price=200.0)
    assert s.converged
    assert 0.0 < s.unserved.sum() < p.demand.sum()
    assert {s.why(i) for i in np.flatnonzero(s.unserved > 1e-3).tolist()} == {Reason.CAPACITY}
    check(p, hard, s, 200.0, 1e-6)


@settings(max_examples=25, deadline=None)
@given(networks, st.floats(0.1, 1.5))
def test_any_network(p: EquilibriumProblem, share: float) -> None:
    """Several classes, free links, queues at bends, pairs that cannot be reached: certified, or said not to be."""
    base = solve_congested(p, UserEquilibrium(gap=1e-8))
    load = (base.link_flow * p.pce[:, None]).sum(axis=0)
    used = load > 1e-6 * load.max(initial=0.0)  # a capacity of the size of a rounding error is none to keep
    hard = np.where(used & (np.arange(p.n_links) % 2 == 0), share * load, 0.0)
    s = equilibrium_with_hard_capacity(p, hard, UserEquilibrium(gap=1e-8), unserved_price=1000.0, tolerance=1e-5)
    assert s.reason[~np.isfinite(base.pair_cost) & (p.demand > 0.0)].tolist() == [
        Reason.NO_PATH for _ in np.flatnonzero(~np.isfinite(base.pair_cost) & (p.demand > 0.0))
    ]
    if s.converged:
        check(p, hard, s, 1000.0, 1e-5)
    else:
        assert s.ending in {"rounds", "stalled", "precision", "passes"}


def test_a_limit_of_rounds_is_said(shared: Path) -> None:
    p, _ = tntp(shared, "SiouxFalls")
    hard = 1.0 / p.delays.table[:, 1]
    s = equilibrium_with_hard_capacity(p, hard, UserEquilibrium(), unserved_price=1e3, max_rounds=1)
    assert (s.ending, s.converged, s.rounds) == ("rounds", False, 1)
    assert s.exceeded > 1e-6


def test_a_gap_that_rounding_does_not_allow_is_said(shared: Path) -> None:
    p, _ = tntp(shared, "SiouxFalls")
    s = equilibrium_with_hard_capacity(p, 2.0 / p.delays.table[:, 1], UserEquilibrium(gap=0.0), unserved_price=1e3)
    assert s.ending in {"precision", "rounds", "gap"}
    assert s.converged == (s.ending == "gap")
    assert s.relative_gap < 1e-12


def test_bad_input() -> None:
    p = two_links(6.0)
    good: dict[str, Any] = {"unserved_price": 9.0}
    for hard, change, said in (
        ([1.0], {}, r"hard has shape \(1,\), not \(2,\)"),
        ([1.0, np.nan], {}, r"not finite \(link 1\)"),
        ([-1.0, 1.0], {}, r"negative or not finite \(link 0\)"),
        ([1.0, 1.0], {"unserved_price": np.inf}, "unserved_price"),
        ([1.0, 1.0], {"unserved_price": [1.0, 2.0]}, "unserved_price"),
        ([1.0, 1.0], {"tolerance": 0.0}, "tolerance is 0.0"),
        ([1.0, 1.0], {"max_rounds": 0}, "max_rounds is 0"),
    ):
        with pytest.raises(ValueError, match=said):
            equilibrium_with_hard_capacity(p, hard, UserEquilibrium(), **(good | change))
    bent = two_links(6.0, function=[int(DelayFunction.BPR2), 0])
    with pytest.raises(ValueError, match="bpr2"):
        equilibrium_with_hard_capacity(bent, [1.0, 1.0], SystemOptimum(), unserved_price=9.0)
    other = equilibrium_with_hard_capacity(p, [1.0, 1.0], UserEquilibrium(), unserved_price=9.0)
    with pytest.raises(ValueError, match="other pairs or links"):
        equilibrium_with_hard_capacity(
            replace(p, origin=p.destination, destination=p.origin, demand=np.append(p.demand, 1.0)[:1]), [1.0, 1.0],
            UserEquilibrium(), unserved_price=9.0, start=(*other.paths, *other.paths),
        )  # fmt: skip


def test_from_a_case(shared: Path) -> None:
    folder = shared / "data" / "tntp" / "SiouxFalls"
    case = read_tntp(folder / "SiouxFalls_net.tntp", folder / "SiouxFalls_trips.tntp")
    base = assign_congested(case, method=UserEquilibrium(gap=1e-8))
    busiest = base.link_flows.set_index("link_id")["flow"].idxmax()
    room = 0.8 * float(base.link_flows["flow"].max())
    found = assign_congested(case, method=UserEquilibrium(gap=1e-8), hard={busiest: room}, unserved_price=1e3)
    row = found.link_flows.set_index("link_id").loc[busiest]
    assert row["flow"] == pytest.approx(room, rel=2e-6)
    assert row["queue"] > 0.0
    assert row["cost"] == pytest.approx(row["time"] + row["queue"])
    assert found.summary["exceeded"] <= 1e-6
    assert "queue" not in base.link_flows
    assert "exceeded" not in base.summary
    again = assign_congested(case, hard={busiest: room}, unserved_price=1e3, start=found)
    assert again.converged
    for change, said in (
        ({"hard": {"nowhere": 1.0}, "unserved_price": 1.0}, "hard names nowhere"),
        ({"hard": {busiest: 0.0}, "unserved_price": 1.0}, "not above zero"),
        ({"hard": {busiest: 1.0}}, "unserved_price"),
    ):
        with pytest.raises(ValueError, match=said):
            assign_congested(case, **change)
