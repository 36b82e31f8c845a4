"""Congested assignment: published solutions, conditions that must hold, odd networks, bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from equilibrium_networks import equilibrium, networks, random_network, tntp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from karavan.assignment import UserEquilibrium
from karavan.assignment.equilibrium_front import assign_congested
from karavan.assignment.equilibrium_problem import (
    EquilibriumProblem,
    EquilibriumSolution,
    make_equilibrium_problem,
    path_table,
    with_demand,
)
from karavan.assignment.hierarchy import skim
from karavan.cost.delay import DelayFunction, delay, delay_integral
from karavan.errors import CaseError
from karavan.kernels import reference_equilibrium as reference
from karavan.schema.case import Meta, make_case
from karavan.schema.io.tntp import read_tntp

OPTIMA = {
    "SiouxFalls": 4231335.2871074397,
    "Anaheim": 1286032.1710960320,
    "Barcelona": 1265654.92203176,
    "Winnipeg": 827911.494629963,
    "Chicago-Sketch": 17313018.7387477,
}


@pytest.mark.parametrize("name", OPTIMA)
def test_published_optima(name: str, shared: Path) -> None:
    p, flows = tntp(shared, name)
    s = equilibrium(p, gap=1e-10)
    assert s.converged
    assert s.relative_gap <= 1e-10
    assert s.objective == pytest.approx(OPTIMA[name], rel=1e-9)
    assert flows is not None
    if name not in {"Barcelona", "Winnipeg"}:  # links of constant cost: flows there are not unique
        exact = equilibrium(p, gap=1e-12).link_flow[0]
        assert np.abs(exact - flows).sum() / flows.sum() < 1e-8
    check_gap(p, s)
    if name == "Barcelona":  # 1008 has two links in and none out: nothing goes through
        assert (s.link_flow[0][p.head == 1007] == 0.0).all()


def check_gap(p: EquilibriumProblem, s: EquilibriumSolution) -> None:
    """The stated gap follows from flows and cheapest costs alone."""
    load = (s.link_flow * p.pce[:, None]).sum(axis=0)
    time = delay(p.delays, load)
    np.testing.assert_allclose(time, s.link_time, rtol=1e-9, atol=1e-12)
    total = float((s.link_flow * p.pce[:, None] * np.where(p.open, time + p.fixed, 0.0)).sum())
    cheapest = 0.0
    for k in range(p.n_classes):
        mine = np.flatnonzero(p.demand_class == k)
        nodes = np.unique(np.concatenate((p.origin[mine], p.destination[mine])))
        costs = skim(p, time, origins=nodes, destinations=nodes, demand_class=k)
        pair = costs[np.searchsorted(nodes, p.origin[mine]), np.searchsorted(nodes, p.destination[mine])]
        np.testing.assert_allclose(s.pair_cost[mine], pair, rtol=1e-9)
        reached = np.isfinite(pair)
        cheapest += float((s.served[mine] * p.pce[k])[reached] @ pair[reached])
    assert (total - cheapest) <= s.relative_gap * total + 1e-11 * total
    objective = delay_integral(p.delays, load).sum() + (s.link_flow * p.pce[:, None] * p.fixed * p.open).sum()
    assert s.objective == pytest.approx(objective, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["SiouxFalls", "Berlin-Friedrichshain"])
@pytest.mark.parametrize("variant", ["msa", "fw", "cfw", "bfw"])
def test_frank_wolfe_family_comes_near(name: str, variant: Any, shared: Path) -> None:
    """Methods of another family reach the same objective from above, as far as they get."""
    p, _ = tntp(shared, name)
    flow, gap = reference.frank_wolfe(p, variant=variant, iterations=12)
    best = equilibrium(p, gap=1e-10).objective
    objective = float(delay_integral(p.delays, flow).sum())
    total = float(delay(p.delays, flow) @ flow)
    assert best * (1 - 1e-12) <= objective <= best + gap * total * 4 + (1.0 if variant == "msa" else 0.2) * best
    assert 0.0 < gap < 0.6


@settings(max_examples=60)
@given(networks)
def test_no_used_path_is_dearer_than_another(p: EquilibriumProblem) -> None:
    s = equilibrium(p, gap=1e-9)
    assert s.ending in {"gap", "precision"} or (s.ending == "stalled" and s.relative_gap < 1e-3)  # 1 in 4000
    check_gap(p, s)
    table = path_table(p, s)
    cost = np.array([
        (s.link_time + p.fixed[p.demand_class[d]])[table.link[table.start[i] : table.start[i + 1]]].sum()
        for i, d in enumerate(table.demand.tolist())
    ])  # fmt: skip
    loss = (cost - s.pair_cost[table.demand]) * table.vehicles * p.pce[p.demand_class[table.demand]]
    assert (loss >= -1e-9 * (1.0 + cost * table.vehicles)).all()
    np.testing.assert_allclose(s.served + s.unserved, p.demand)
    assert (s.unserved[np.isfinite(s.pair_cost)] == 0.0).all()
    for i in np.flatnonzero(s.unserved > 0.0).tolist():
        assert s.why(i).name == "NO_PATH"


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_system_optimum_costs_least(seed: int, n_classes: int) -> None:
    p = random_network(seed, n_nodes=8, n_classes=n_classes)
    p = replace(p, delays=replace(p.delays, kind=np.where(p.delays.kind == DelayFunction.BPR2, 1, p.delays.kind)))
    user, best = equilibrium(p, gap=1e-9), equilibrium(p, gap=1e-9, aim="system")

    def total(s: EquilibriumSolution) -> float:
        return float((s.link_flow * p.pce[:, None] * np.where(p.open, s.link_time + p.fixed, 0.0)).sum())

    assert total(best) <= total(user) * (1 + max(1e-7, best.relative_gap)) + 1e-9
    assert best.objective == pytest.approx(total(best), rel=1e-9, abs=1e-9)


def test_two_links_of_each_function_against_a_general_optimizer() -> None:
    """All delay functions side by side, two classes with their own tolls and pce, against SciPy."""
    n = 6
    arrays: dict[str, Any] = {
        "tail": [0] * n, "head": [1] * n, "free_time": [9.0, 5.0, 5.0, 6.0, 5.0, 4.0], "function": list(range(n)),
        "capacity": [10.0] * n, "b": [0.0, 0.15, 0.15, 0.0, 0.4, 0.5], "power": [0.0, 4.0, 4.0, 4.0, 60.0, 1.45],
        "fixed": np.array([[0.0, 1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.5, 0.0, 0.5, 0.0]]),
        "pce": [1.0, 2.0], "origin": [0, 0], "destination": [1, 1], "demand_class": [0, 1], "demand": [30.0, 8.0],
    }  # fmt: skip
    with pytest.raises(ValueError, match="bpr2 jumps at capacity"):
        equilibrium(make_equilibrium_problem(n_nodes=2, **arrays), aim="system")
    for aim, function in (("user", list(range(n))), ("system", [0, 1, 1, 3, 4, 5])):
        p = make_equilibrium_problem(n_nodes=2, **(arrays | {"function": function}))
        s = equilibrium(p, gap=1e-11, aim=aim)

        def objective(x: np.ndarray, aim: str = aim, p: EquilibriumProblem = p) -> float:
            flows = x.reshape(2, n)
            load = np.maximum(flows.sum(axis=0), 0.0)
            sums = delay_integral(p.delays, load) if aim == "user" else delay(p.delays, load) * load
            return float(sums.sum() + (flows * p.fixed).sum())

        total = p.demand * p.pce
        sums = [{"type": "eq", "fun": lambda x, k=k, t=total: x.reshape(2, n)[k].sum() - t[k]} for k in (0, 1)]
        found = minimize(
            objective, np.repeat(total / n, n), bounds=[(0.0, None)] * 2 * n, constraints=sums, method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 1000},
        )  # fmt: skip
        assert s.objective == pytest.approx(found.fun, rel=1e-6)
        assert s.objective <= found.fun * (1 + 1e-9)


def test_classes_change_places_on_the_same_links() -> None:
    """On steep links that classes value differently only swaps between pairs lead on, and nothing bends along them."""
    p = random_network(51596, n_nodes=14, n_classes=3, zones=1)
    s = equilibrium(p, gap=1e-12)
    assert s.converged
    assert len(s.passes) < 20


@pytest.mark.parametrize("threads", [2, 3])
def test_flows_do_not_depend_on_threads(threads: int, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karavan.assignment.equilibrium.PAIRS_A_BLOCK", (300, 2000))
    p, _ = tntp(shared, "Barcelona")
    one, more = equilibrium(p, gap=1e-6, threads=1), equilibrium(p, gap=1e-6, threads=threads)
    np.testing.assert_array_equal(one.link_flow, more.link_flow)
    assert [x.relative_gap for x in one.passes] == [x.relative_gap for x in more.passes]
    assert one.objective == pytest.approx(OPTIMA["Barcelona"], rel=1e-6)


@pytest.mark.parametrize("merged", [0, 10**9])
def test_blocks_balanced_apart_or_as_one(merged: int, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karavan.assignment.equilibrium.PAIRS_A_BLOCK", (300, 2000))
    monkeypatch.setattr("karavan.assignment.equilibrium.MERGED", merged)
    s = equilibrium(tntp(shared, "Winnipeg")[0], gap=1e-9)
    assert s.objective == pytest.approx(OPTIMA["Winnipeg"], rel=1e-9)


def test_a_start_saves_passes_and_changes_nothing(shared: Path) -> None:
    p, _ = tntp(shared, "Barcelona")
    base = equilibrium(p, gap=1e-8)
    again = equilibrium(p, gap=1e-8, start=base.paths)
    assert len(again.passes) == 1
    more = with_demand(p, p.demand * np.random.default_rng(0).uniform(0.9, 1.1, p.n_demands))
    cold, warm = equilibrium(more, gap=1e-10), equilibrium(more, gap=1e-10, start=base.paths)
    assert warm.objective == pytest.approx(cold.objective, rel=1e-9)
    assert len(warm.passes) < len(cold.passes)
    busiest = int(np.argmax(base.link_flow[0] * p.delays.table[:, 0]))
    closed = np.ones((1, p.n_links), np.bool_)
    closed[0, busiest] = False
    shut = replace(p, open=closed)
    cold, warm = equilibrium(shut, gap=1e-10), equilibrium(shut, gap=1e-10, start=base.paths)
    assert warm.link_flow[0, busiest] == 0.0
    assert warm.objective == pytest.approx(cold.objective, rel=1e-9)
    with pytest.raises(ValueError, match="other pairs or links"):
        equilibrium(random_network(1), start=base.paths)


def test_select_link(shared: Path) -> None:
    p, _ = tntp(shared, "SiouxFalls")
    s = equilibrium(p, gap=1e-8)
    for link in (0, 40, 75):
        table = path_table(p, s, link)
        assert all(link in table.link[a:b] for a, b in zip(table.start[:-1], table.start[1:], strict=True))
        assert table.vehicles.sum() == pytest.approx(s.link_flow[0, link])


def test_a_gap_that_rounding_does_not_allow_is_said(shared: Path) -> None:
    p, _ = tntp(shared, "SiouxFalls")
    s = equilibrium(p, gap=0.0)
    assert s.ending == "precision"
    assert not s.converged
    assert s.relative_gap < 1e-13


def test_a_limit_of_passes_is_said(shared: Path) -> None:
    p, _ = tntp(shared, "SiouxFalls")
    s = equilibrium(p, gap=1e-10, max_passes=2)
    assert (s.ending, s.converged) == ("passes", False)
    check_gap(p, s)


def test_a_gap_that_never_comes_is_said(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karavan.assignment.equilibrium.PRECISION", 0.0)
    s = equilibrium(tntp(shared, "SiouxFalls")[0], gap=0.0)
    assert (s.ending, s.converged) in {("stalled", False), ("gap", True)}
    assert len(s.passes) < 150


def test_a_network_too_dense_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karavan.assignment.hierarchy.MOST_TRIANGLES", 3)
    with pytest.raises(ValueError, match="too dense"):
        equilibrium(random_network(1))


def test_nothing_to_carry() -> None:
    for demand in ([], [0.0]):
        n = len(demand)
        p = make_equilibrium_problem(
            n_nodes=2, tail=[0], head=[1], free_time=[1.0], origin=[0] * n, destination=[1] * n, demand=demand
        )
        s = equilibrium(p)
        assert (s.converged, s.objective, s.link_flow.tolist()) == (True, 0.0, [[0.0]])


def test_a_zone_that_cannot_be_reached_is_left_unserved() -> None:
    p = make_equilibrium_problem(
        n_nodes=4, tail=[0, 1, 2], head=[1, 2, 0], free_time=[1.0, 1.0, 1.0], through=[True, False, True, True],
        origin=[0, 0, 0, 3], destination=[1, 2, 3, 0], demand=[1.0, 2.0, 4.0, 8.0],
    )  # fmt: skip
    s = equilibrium(p)
    assert s.served.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert s.unserved.tolist() == [0.0, 2.0, 4.0, 8.0]
    assert [s.why(i).text for i in range(4)] == ["served", "no path", "no path", "no path"]
    assert s.pair_cost.tolist() == [1.0, np.inf, np.inf, np.inf]


SMALL: dict[str, Any] = {
    "n_nodes": 3, "tail": [0, 1], "head": [1, 2], "free_time": [1.0, 1.0], "capacity": [1.0, 1.0], "b": [0.1, 0.1],
    "power": [4.0, 4.0], "origin": [0], "destination": [2], "demand": [1.0],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"capacity": [0.0, 1.0]}, "capacity is not above zero"),
        ({"b": [-0.1, 0.1]}, "fall with flow"),
        ({"free_time": [np.nan, 1.0]}, "free_time is missing"),
        ({"free_time": [1.0]}, "shapes"),
        ({"demand": [np.nan]}, r"demand is missing or not finite \(position 0\)"),
        ({"demand": [-1.0]}, "demand is negative"),
        ({"demand": [1.0, 2.0]}, r"origin has shape \(1,\), not \(2,\)"),
        ({"destination": [0]}, "starts where it ends"),
        ({"destination": [7]}, "outside 0 to 2"),
        ({"fixed": [np.inf, 0.0]}, "close a link by `open`"),
        ({"fixed": [-1.0, 0.0]}, "fixed is negative"),
        ({"fixed": [1.0, 0.0, 0.0]}, "fixed has shape"),
        ({"pce": [0.0]}, "pce is not above zero"),
        ({"demand_class": [1]}, "demand_class has a position outside 0 to 0"),
        ({"through": [True]}, "through has shape"),
    ],
)
def test_bad_problems(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_equilibrium_problem(**(SMALL | change))


def test_bad_options() -> None:
    p = make_equilibrium_problem(**SMALL)
    for options, said in (
        ({"gap": -1.0}, "gap is"), ({"gap": np.nan}, "gap is"),
        ({"max_passes": 0}, "max_passes is"), ({"threads": -1}, "threads"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            equilibrium(p, **options)
    with pytest.raises(ValueError, match="demand has shape"):
        with_demand(p, [1.0, 2.0])
    with pytest.raises(ValueError, match="time has shape"):
        skim(p, [np.nan, 1.0], origins=[0], destinations=[1])
    with pytest.raises(ValueError, match="origins has a node outside"):
        skim(p, [1.0, 1.0], origins=[3], destinations=[1])


def test_from_the_files_to_link_flows(shared: Path) -> None:
    folder = shared / "data" / "tntp" / "Winnipeg"
    case = read_tntp(folder / "Winnipeg_net.tntp", folder / "Winnipeg_trips.tntp")
    found = assign_congested(case, method=UserEquilibrium(gap=1e-10))
    assert found.converged
    assert found.objective == pytest.approx(OPTIMA["Winnipeg"], rel=1e-9)
    assert found.link_flows["link_id"].tolist() == case.links.index.tolist()
    assert found.pairs["served"].sum() == pytest.approx(case.demand["tonnes"].sum() - found.summary["within_zones"])
    again = assign_congested(case, method=UserEquilibrium(gap=1e-10), start=found)
    assert again.summary["iterations"] == 1
    assert assign_congested(case, distance_weight=1.0).objective > found.objective


def test_a_case_with_two_way_links_and_zones_of_several_nodes() -> None:
    case = make_case(
        Meta(name="small"),
        {
            "nodes": pd.DataFrame({"id": list("abcd"), "name": list("abcd")}),
            "zones": pd.DataFrame({"id": ["A", "D"], "name": ["A", "D"], "nodes": ["a;b", "d"]}),
            "modes": pd.DataFrame({"id": ["road"], "name": ["Road"], "medium": ["land"], "carrying_units": ["car"]}),
            "carrying_units": pd.DataFrame({"id": ["car"], "name": ["Car"], "payload_tonnes": [1.0]}),
            "commodities": pd.DataFrame({"id": ["cars"], "name": ["Cars"], "carrying_units": ["car"]}),
            "links": pd.DataFrame({
                "id": ["a-c", "b-d", "d-c", "old"], "from_node": ["a", "b", "d", "a"], "to_node": ["c", "d", "c", "d"],
                "mode": "road", "status": ["open", "open", "open", "suspended"],
                "delay_function": ["bpr", "constant", "constant", "bpr"], "delay_capacity": [10.0, np.nan, np.nan, 1.0],
                "delay_free_flow_time": [1.0, 5.0, 1.0, 1.0], "delay_b": [1.0, np.nan, np.nan, 1.0],
                "delay_power": [1.0, np.nan, np.nan, 1.0],
            }),
            "demand": pd.DataFrame({
                "id": ["1", "2", "3"], "origin": ["A", "D", "A"], "destination": ["D", "A", "A"], "commodity": "cars",
                "tonnes": [40.0, 5.0, 7.0], "basis": "matrix",
            }),
        },
    )  # fmt: skip
    found = assign_congested(case, method=UserEquilibrium(gap=1e-12))
    flows = found.link_flows.set_index(["link_id", "direction"])["flow"]
    assert flows["a-c", "forward"] == pytest.approx(30.0)  # 1 + 1 + x / 10 = 5
    assert flows["b-d", "forward"] == pytest.approx(10.0)
    assert flows["d-c", "backward"] == pytest.approx(30.0)
    assert flows["d-c", "forward"] == pytest.approx(5.0)
    assert "old" not in flows
    assert found.summary["within_zones"] == 7.0
    links = case.links.assign(delay_b=np.nan)
    with pytest.raises(CaseError, match="delay_b: is missing"):
        assign_congested(make_case(case.meta, {**case.tables, "links": links.reset_index()}))
