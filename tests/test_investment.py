"""Investment against every set of projects tried, and a case in which one project is worth nothing without another."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from assign_problems import problems, random_problem
from hypothesis import given, settings
from hypothesis import strategies as st
from investment_case import investment_case

import karavan as kv
from karavan.assignment import search
from karavan.assignment.arc_lp import arc_lp
from karavan.assignment.design import Design, Designer, Stage
from karavan.assignment.least_cost import least_cost
from karavan.assignment.methods import LeastCost
from karavan.cli import main
from karavan.errors import CaseError, KaravanError, NameNotFound, ScenarioError
from karavan.kernels.reference_constrained import constrained_price
from karavan.model import build_model, problem_of
from karavan.problem import Problem, perturb
from karavan.scenario.apply import apply_edits
from karavan.scenario.candidates import exclusions, find_candidates, together, with_done
from karavan.scenario.investment import InvestmentTerms, invest
from karavan.scenario.scenario import Scenario
from karavan.scenario.together import joint_network
from karavan.schema.io.folder import write_case
from karavan.schema.io.packs import read_pack

EXACT = 1e-7


def random_design(seed: int, goal: str, n_options: int, n_stages: int = 1) -> Design:
    """Options that raise some rows, one of them by closing another; costs, years, exclusions at random."""
    rng = np.random.default_rng(seed)
    p = random_problem(seed, n_nodes=6, n_arcs=24, n_classes=2, n_rows=6, n_demands=6)
    p = perturb(p, rhs=np.minimum(p.rhs, 5.0))
    n = int(rng.integers(n_options, 2 * n_options + 1))
    row, option = rng.integers(0, p.n_rows, n).astype(np.int32), rng.integers(0, n_options, n).astype(np.int32)
    usd = rng.integers(0, 60, n_options).astype(float)
    stages = tuple(
        Stage(p, row, option, rng.choice([5.0, 20.0, 100.0], n), float(rng.integers(1, 4)), usd * 0.9**t,
              rng.random(n_options) < 0.5 + 0.5 * t, float(rng.integers(0, 120)) * (t + 1))
        for t in range(n_stages)
    )  # fmt: skip
    excludes = ((0, 1),) if rng.random() < 0.5 else ()
    return Design(stages, usd, excludes, goal)


def opened(stage: Stage, chosen: tuple[bool, ...]) -> Problem:
    """Return the problem of a stage with options opened."""
    units = stage.units * np.array(chosen)[stage.option]
    return perturb(stage.problem, rhs=stage.problem.rhs + np.bincount(stage.row, units, stage.problem.n_rows))


def tried(design: Design) -> float:
    """Return the least cost over every plan that keeps to budgets, years and exclusions, by the arc programme."""
    known: dict[tuple[int, tuple[bool, ...]], float] = {}
    best = np.inf
    sets = list(itertools.product([False, True], repeat=design.n_options))
    for plan in itertools.product(sets, repeat=len(design.stages)):
        lasting = all(a <= b for before, after in itertools.pairwise(plan) for a, b in zip(before, after, strict=True))
        apart = all(sum(plan[-1][i] for i in group) <= 1 for group in design.excludes)
        ready = all((~np.array(c) | s.allowed).all() for c, s in zip(plan, design.stages, strict=True))
        paid = all(np.array(c) @ design.usd <= s.budget for c, s in zip(plan, design.stages, strict=True))
        if not (lasting and apart and ready and paid):
            continue
        total, before = 0.0, np.zeros(design.n_options, bool)
        for t, (stage, chosen) in enumerate(zip(design.stages, plan, strict=True)):
            if (t, chosen) not in known:
                known[t, chosen] = arc_lp(opened(stage, chosen))
            total += stage.weight * known[t, chosen] + float(stage.usd @ (np.array(chosen) & ~before))
            before = np.array(chosen)
        best = min(best, total)
    return best


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(2, 5))
def test_least_cost_is_that_of_the_best_of_all_sets(seed: int, n_options: int) -> None:
    design = random_design(seed, "cost", n_options)
    plan = Designer(design).solve(gap=0.0)
    best = tried(design)
    assert plan.objective == pytest.approx(best, rel=EXACT, abs=1e-6)
    assert plan.bound <= best + EXACT * (1 + abs(best))
    assert plan.gap <= 1e-6


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_build_years_are_those_of_the_best_of_all_plans(seed: int) -> None:
    design = random_design(seed, "cost", 3, n_stages=2)
    plan = Designer(design).solve(gap=0.0)
    assert plan.objective == pytest.approx(tried(design), rel=EXACT, abs=1e-6)
    assert (plan.open[1] >= plan.open[0]).all()


def test_ten_options_are_tried_in_all_1024_ways() -> None:
    design = random_design(7, "cost", 10)
    free = Design((Stage(*_with_budget(design.stages[0], 150.0)),), design.usd, (), "cost")
    assert Designer(free).solve(gap=0.0).objective == pytest.approx(tried(free), rel=EXACT)


def _with_budget(s: Stage, budget: float) -> tuple:
    return s.problem, s.row, s.option, s.units, s.weight, s.usd, np.ones(s.allowed.size, bool), budget


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.sampled_from(["served", "cost"]))
def test_more_money_is_never_worse(seed: int, goal: str) -> None:
    solver = Designer(random_design(seed, goal, 5))
    found = [solver.solve(np.array([b]), gap=0.0).objective for b in (0.0, 20.0, 60.0, 150.0, 1e9)]
    assert all(b <= a + 1e-6 * (1 + abs(a)) for a, b in itertools.pairwise(found))
    for budget in (0.0, 60.0, 1e9):  # and the plan of the simple rule never better
        money = np.array([budget])
        assert solver.solve(money, gap=0.0).objective <= solver.value(solver.greedy(money)).objective + 1e-6


@settings(max_examples=40)
@given(problems, st.integers(0, 1000))
def test_paths_within_a_price_are_the_cheapest_of_these(p: Problem, seed: int) -> None:
    price = np.random.default_rng(seed).choice([0.0, 0.5, 3.0], p.n_rows)
    found = search.make_search(p)
    anything = np.full(found.live.size, 1e12)
    distance, paths = search.within_price(found, price, limit=anything, wanted=anything)
    priced = np.zeros(p.cost.shape)
    for k, a in np.ndindex(*p.cost.shape):
        cell = slice(p.usage_indptr[k * p.n_arcs + a], p.usage_indptr[k * p.n_arcs + a + 1])
        priced[k, a] = p.usage_units[cell] @ price[p.usage_row[cell]]
    for i, d in enumerate(found.live.tolist()):
        k = int(p.demand_class[d])
        best = constrained_price(p.tail, p.head, p.cost[k], p.open[k], priced[k], int(p.origin[d]),
                                 int(p.destination[d]), float(p.unserved_price[d]))  # fmt: skip
        assert distance[i] == pytest.approx(best, rel=1e-9, abs=1e-9)
    for j, i in enumerate(paths.demand.tolist()):
        d, arcs = int(found.live[i]), paths.arc[paths.start[j] : paths.start[j + 1]]
        k = int(p.demand_class[d])
        assert p.cost[k, arcs].sum() <= p.unserved_price[d] * (1 + 1e-9)
        assert priced[k, arcs].sum() == pytest.approx(distance[i], abs=1e-9)
        assert p.tail[arcs[0]] == p.origin[d]
        assert p.head[arcs[-1]] == p.destination[d]


# The case of a berth and a railway


def test_a_berth_without_a_railway_is_worth_nothing() -> None:
    case = investment_case()
    alone = {name: invest(case, InvestmentTerms(years=(2030,)), only=[name]) for name in ("berth", "railway")}
    assert [len(a.chosen) for a in alone.values()] == [0, 0]
    both = invest(case, InvestmentTerms(years=(2030,), budget=90.0), only=["berth", "railway"])
    assert both.chosen["project"].tolist() == ["railway", "berth"]
    assert both.years[["served_before", "served"]].to_numpy().tolist() == [[100.0, 600.0]]
    assert both.greedy.empty
    assert both.interaction == pytest.approx(500.0 * 20)  # tonnes of all years that the year stands for
    assert both.difference <= 1e-12


def test_budget_buys_the_best_set_and_no_more() -> None:
    case = investment_case()
    budgets = (0, 49, 50, 90, 130, 140, 1000)
    plans = {b: invest(case, InvestmentTerms(years=(2030,), budget=float(b), gap=0.0)) for b in budgets}
    served = {b: p.years["served"].iloc[0] for b, p in plans.items()}
    # by road 100, 250 with road works; by rail 700 with railway and berth; ships 600, 900 with the quay
    assert served == {0: 100.0, 49: 100.0, 50: 250.0, 90: 600.0, 130: 800.0, 140: 800.0, 1000: 900.0}
    assert all(p.spent <= b for b, p in plans.items())
    assert plans[140].spent == 130.0  # nothing is opened for nothing
    left = plans[0].left_out.set_index("project")["why"]
    assert left["no-cost"].startswith("no source names its cost")
    assert left["finished"].startswith("done")
    assert "does not say what it changes" in left["words"]


def test_a_cost_may_be_given_and_versions_exclude_each_other() -> None:
    case = investment_case()
    plan = invest(case, InvestmentTerms(years=(2030,), gap=0.0), costs={"no-cost": 1.0, "quay": 2.0})
    assert set(plan.chosen["project"]) == {"railway", "berth", "no-cost", "road-works"}
    assert plan.chosen.set_index("project")["cost_asked"].to_dict() == {
        "railway": False, "berth": False, "no-cost": True, "road-works": False,
    }  # fmt: skip
    assert plan.years["served"].tolist() == [950.0]
    with pytest.raises(NameNotFound, match="bert"):
        invest(case, costs={"bert": 1.0})
    with pytest.raises(ScenarioError, match="no project"):
        invest(case, only=["words"])


def test_years_and_budgets_by_year() -> None:
    case = investment_case()
    terms = InvestmentTerms(years=(2024, 2026, 2030), budget={2024: 0.0, 2026: 90.0, 2030: 130.0}, gap=0.0)
    plan = invest(case, terms)
    assert plan.chosen[["project", "year"]].to_numpy().tolist() == [["railway", 2026], ["berth", 2026], ["quay", 2030]]
    assert plan.years["served"].tolist() == [100.0, 600.0, 800.0]
    assert plan.years["stands_for"].tolist() == [2, 4, 20]
    assert plan.difference <= 1e-12


def test_least_cost_weighs_what_is_opened_against_what_it_saves() -> None:
    case = investment_case()
    cheap = InvestmentTerms(goal="cost", years=(2030,), stands_for=1, gap=0.0)
    plan = invest(case, cheap, only=["berth", "railway"])
    # by road 24 + 5 + 10 a tonne, by rail 5 + 5 + 10; 100 USD a tonne left unserved
    assert plan.before == pytest.approx(100 * 39 + 900 * 100)
    assert plan.objective == pytest.approx(600 * 20 + 400 * 100 + 90)
    dear = invest(case, cheap, only=["berth", "railway"], costs={"berth": 60_000.0})
    assert dear.chosen.empty
    worth = invest(case, InvestmentTerms(goal="cost", years=(2030,), stands_for=20, discount_rate=0.0, gap=0.0),
                   only=["berth", "railway"], costs={"berth": 60_000.0})  # fmt: skip
    assert len(worth.chosen) == 2


def test_promises_are_kept_whole_and_take_nothing_from_others() -> None:
    case = investment_case(tonnes=90.0)
    ore = {"origin": "m", "destination": "q", "commodity": "ore"}
    targets = pd.DataFrame([ore | {"tonnes": 100.0, "promise": "small"}, ore | {"tonnes": 500.0, "promise": "big"}])
    kept = {}
    for budget in (0.0, 100.0, 1000.0):
        plan = invest(case, InvestmentTerms("promises", (2030,), budget), targets=targets)
        kept[budget] = (plan.promises.set_index("promise")["kept"].to_dict(), plan.spent)
    assert kept[0.0] == ({"small": False, "big": False}, 0.0)
    assert kept[100.0] == ({"small": True, "big": False}, 50.0)  # either could be kept; the small one for less
    big = invest(case, InvestmentTerms("promises", (2030,), 100.0), targets=targets[targets["promise"] == "big"])
    assert (big.promises["kept"].tolist(), big.spent) == ([True], 90.0)
    # 690 t are more than 600 t of ships: with the quay there is room for both
    assert kept[1000.0] == ({"small": True, "big": True}, 130.0)
    with pytest.raises(ScenarioError, match="targets"):
        invest(case, InvestmentTerms("promises"))
    with pytest.raises(ScenarioError, match="no column tonnes"):
        invest(case, InvestmentTerms("promises"), targets=targets.drop(columns="tonnes"))


def test_frontier_rises_and_stands_beside_the_simple_rule() -> None:
    plan = invest(investment_case(), InvestmentTerms(years=(2030,), budget=180.0, points=7, gap=0.0))
    assert plan.frontier["served"].is_monotonic_increasing
    assert (plan.frontier["gain"] >= plan.frontier["greedy_gain"]).all()
    assert (plan.frontier["spent_usd"] <= plan.frontier["budget_usd"]).all()
    assert plan.to_json()["frontier"][-1]["served"] == 900.0


def test_sets_of_projects_in_one_network_are_what_they_are_as_scenarios() -> None:
    case = with_done(read_pack("caspian"), year=2030)
    made_up = {str(p): 1e8 for p in case.projects.index}
    only = ("RAS-AST-rail", "AST-terminal-4", "TRIPP", "AZ-HOR-AGB", "KHS-CHB-rail", "YUN-ZAH-rail", "KTI-20", "SAR-40")
    found, _ = find_candidates(case, made_up, (2030,), only=only)
    joint = joint_network(case, [c.opening for c in found], exclusions(found), year=2030)
    none = np.zeros(len(found))
    stage = Stage(joint.problem, joint.row, joint.option, joint.units, 1.0, none, none == 0)
    solver = Designer(Design((stage,), none, exclusions(found), "cost"))
    rng = np.random.default_rng(3)
    for chosen in ([False] * len(found), [True] * len(found), (rng.random(len(found)) < 0.5).tolist()):
        plan = together([c.opening for c, is_open in zip(found, chosen, strict=True) if is_open])
        alone = apply_edits(case, plan, year=2030).case if any(chosen) else case
        cost = least_cost(problem_of(build_model(alone)), LeastCost(gap=1e-9, ties="any", price_factors=())).objective
        assert solver.value(np.array([chosen])).objective == pytest.approx(cost, rel=1e-9)


def test_growth_is_part_of_the_case_that_is_planned_for() -> None:
    grown = Scenario.of("grown", {"scale": "demand", "field": "tonnes", "by": 0.05, "because": "a test"})
    assert invest(investment_case(), InvestmentTerms(years=(2030,)), common=grown).chosen.empty


def test_the_command_shows_and_writes_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_case(investment_case(), tmp_path / "case")
    asked = ["invest", "--case", str(folder), "--year", "2030", "--budget", "90", "--points", "3"]
    assert main([*asked, "--cost", "quay=1e9"]) == 0
    shown = capsys.readouterr().out
    assert "Railway" in shown
    assert "Left out, no source names its cost: no-cost" in shown
    assert "Choosing together is worth 7,000 t" in shown
    picture = tmp_path / "frontier.svg"
    assert main([*asked, "--chart", str(picture), "--json"]) == 0
    assert "project by project" in picture.read_text(encoding="utf-8")
    answer = json.loads(capsys.readouterr().out)
    assert [row["project"] for row in answer["chosen"]] == ["railway", "berth"]
    assert [row["budget_usd"] for row in answer["frontier"]] == [0.0, 45.0, 90.0]
    assert {"objective", "bound", "gap", "interaction", "difference", "greedy", "left_out"} <= set(answer)
    assert main([*asked, "--cost", "quay"]) == 2
    targets = tmp_path / "targets.csv"
    targets.write_text("origin,destination,commodity,tonnes,promise\nm,q,ore,100,small\n", encoding="utf-8")
    assert main([*asked[:5], "--for", "promises", "--targets", str(targets), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["goal"] == "promises"
    assert main([*asked[:5], "--targets", str(targets), "--only", "railway", "--points", "0"]) == 0
    shown = capsys.readouterr().out
    assert "All promises are kept without a project." not in shown  # the road is full
    assert "Left out" not in shown


@pytest.mark.parametrize(
    "wrong", [{"goal": "fame"}, {"gap": 2.0}, {"budget": -1.0}, {"years": (2030, 2024)}, {"stands_for": 0}]
)
def test_terms_without_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        InvestmentTerms(**wrong)


def test_a_file_of_targets_is_read(tmp_path: Path) -> None:
    case = investment_case()
    path = tmp_path / "targets.csv"
    path.write_text(
        "origin,destination,commodity,tonnes,promise,due\nMine,q,Ore,100.5,small,2030\n\nq,m,ore,7,,\n", "utf-8"
    )
    found = kv.read_targets(path, case)
    assert found.columns.tolist() == ["origin", "destination", "commodity", "tonnes", "promise", "due"]
    assert found.iloc[0].tolist() == ["m", "q", "ore", 100.5, "small", 2030]
    assert found.iloc[1, :5].tolist() == ["q", "m", "ore", 7.0, "promise"]
    assert pd.isna(found.iloc[1]["due"])
    bare = tmp_path / "bare.csv"
    bare.write_text("origin,destination,commodity,tonnes\nm,q,ore,1\n", "utf-8")
    assert kv.read_targets(bare, case)["promise"].tolist() == ["promise"]


def test_every_fault_of_targets_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["mime,q,ore,10,a,2030", "m,q,gold,ten,a,2030", "m,q,ore,-5,a,20x0", ",q,ore,,a,", "m,m,ore,1,a,",
            "m,q,ore,1,b,2030", "m,q,ore,2,b,2031", "m,q,ore,3,b,2030"]  # fmt: skip
    path = tmp_path / "targets.csv"
    path.write_text("\n".join(["origin,destination,commodity,tonnes,promise,due", *rows]), "utf-8")
    case = investment_case()
    with pytest.raises(CaseError) as caught:
        kv.read_targets(path, case)
    assert [(f.line, f.field) for f in caught.value.findings] == [
        (2, "origin"), (3, "commodity"), (3, "tonnes"), (4, "tonnes"), (4, "due"), (4, "due"), (5, "origin"),
        (5, "tonnes"), (6, "destination"), (8, "due"), (9, ""),
    ]  # fmt: skip
    assert all(f.problem and f.remedy for f in caught.value.findings)
    assert "perhaps Mine" in caught.value.findings[0].remedy
    folder = write_case(case, tmp_path / "case")
    capsys.readouterr()
    assert main(["invest", "--case", str(folder), "--targets", str(path), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 11
    assert main(["invest", "--case", str(folder), "--targets", str(tmp_path / "none.csv")]) == 1
    assert "none.csv: cannot be read as CSV" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("costs", "only", "said"),
    [({"barth": 1.0}, (), "Did you mean berth"), ({"berth": -5.0}, (), "berth=-5"),
     ({}, ("quai",), "Did you mean quay"), ({"berth": float("nan")}, (), "berth=nan")],
)  # fmt: skip
def test_costs_and_names_without_sense_are_refused(costs: dict, only: tuple[str, ...], said: str) -> None:
    with pytest.raises(KaravanError, match=said):
        invest(investment_case(), costs=costs, only=only)


def test_growth_does_not_raise_what_was_promised() -> None:
    twice = Scenario.of("grown", {"scale": "demand", "field": "tonnes", "by": 2.0, "because": "a test"})
    targets = pd.DataFrame({"origin": ["m"], "destination": ["q"], "commodity": ["ore"], "tonnes": [400.0]})
    terms = InvestmentTerms("promises", (2030,), 90.0)
    plan = invest(investment_case(tonnes=50.0), terms, targets=targets, common=twice)
    assert plan.years["demand"].tolist() == [500.0]  # twice 50, and the 400 promised
    assert plan.promises["kept"].tolist() == [True]


def test_the_years_looked_at_are_those_promises_are_due_in() -> None:
    targets = pd.DataFrame({"origin": ["m"], "destination": ["q"], "commodity": ["ore"], "tonnes": [100.0],
                            "promise": ["small"], "due": [2030]})  # fmt: skip
    plan = invest(investment_case(tonnes=50.0), InvestmentTerms("promises"), targets=targets)
    assert plan.years["year"].tolist() == [2030]
    with pytest.raises(ScenarioError, match="due in 2030, after 2028"):
        invest(investment_case(), InvestmentTerms("promises", (2024, 2028)), targets=targets)


def test_promises_in_words_are_the_targets_that_the_promise_check_judges() -> None:
    """100 t go to Q today. Of 200 t the road takes 100; the rest needs railway and berth, USD 90."""
    case = investment_case(tonnes=100.0)
    case = case.with_tables(
        zones=case.zones.assign(country=["KAZ", "IRN"]), nodes=case.nodes.assign(country=["KAZ", "KAZ", "IRN"])
    )
    words = "Kazakhstan's exports to Iran reach 200 tonnes by 2030"
    check = kv.promise(case, words, options=kv.PromiseOptions(draws=0, settings="headline"))
    for budget, kept in ((0.0, False), (80.0, False), (90.0, True)):
        plan = invest(case, InvestmentTerms("promises", (), budget), promises=[words], only=["railway", "berth"])
        assert plan.years[["year", "demand"]].to_numpy().tolist() == [[2030, check.target.tonnes]]
        assert plan.promises["kept"].tolist() == [kept]
    assert check.target.tonnes == 200.0
    assert check.verdict == "not carried"
    with pytest.raises(ScenarioError, match="a meeting moves no goods"):
        invest(case, InvestmentTerms("promises"), promises=["Kazakhstan's minister will visit Iran by 2030"])
