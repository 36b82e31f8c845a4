"""Scenarios: what they change, what they say about it, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny import frame, tiny

import karavan as kv
from karavan.assignment.front import assign
from karavan.model import build_model, problem_of
from karavan.problem import perturb
from karavan.scenario.apply import apply_edits

WHY = {"because": "a test"}
PACK = kv.packs()["caspian"]


def small(**changes: pd.DataFrame) -> kv.Case:
    """Return the tiny case with a line of 800 wagons a year, and a project that doubles it."""
    own = {
        "facilities": frame(
            id=["line", "quay"],
            name=["Line", "Quay"],
            kind=["line", "berth"],
            unit=["wagons", "tonnes"],
            element_table=["links", "links"],
            elements=["A-B", None],
            node=[None, "B"],
            modes=[None, "sea"],
            direction=["each", "both"],
            capacity_stated=[10.0, 5000.0],
            capacity_computed=[None, None],
        ),
        "projects": frame(
            id=["double", "new", "vague", "dig"],
            name=["Second track", "New link", "Hub", "Dredging"],
            element_table=["facilities", "links", "nodes", "berths"],
            elements=["line", "A-D", "A", "b1"],
            effect=["raises_capacity", "opens", "other", "dredges"],
            capacity_after=[20.0, 4000.0, None, None],
            capacity_unit=["wagons", "tonnes", None, None],
            year=[2027, 2030, None, 2025],
            year_low=[2026, None, None, None],
            year_high=[2028, None, None, None],
        ),
        "berths": frame(
            id=["b1"], node=["B"], kind=["dry"], berths=[1], depth_m=[5.0], depth_level_m=[-27.0], under_keel_m=[0.0],
            maintained=[False],
        ),
        "vessels": frame(
            id=["coaster"], name=["Coaster"], kind=["dry_cargo"], count=[1], dwt_tonnes=[4000.0], draught_m=[5.0],
            tpc_tonnes_per_cm=[20.0],
        ),
        "water_levels": frame(
            id=["w1", "w2", "w3"], body=["Lake"] * 3, year=[2024, 2030, 2030], level_m=[-27.0, -27.5, -29.5],
            datum=["local"] * 3, scenario=["observed", "falls", "gone"],
        ),
    }  # fmt: skip
    links = tiny().links.reset_index()
    planned = frame(id=["A-D"], from_node=["A"], to_node=["D"], mode=["road"], length_km=[900.0], status=["planned"])
    return tiny(**({"links": pd.concat([links, planned], ignore_index=True)} | own | changes))


def changed(*changes: dict[str, Any], year: int | None = None, case: kv.Case | None = None) -> kv.Case:
    return kv.apply(case or small(), kv.Scenario.of("test", *({**WHY, **c} for c in changes)), year=year)


def test_set_scale_add_remove() -> None:
    case = changed(
        {"set": "facilities", "id": "line", "field": "capacity_stated", "value": 12},
        {"scale": "demand", "field": "tonnes", "by": 1.5},
        {"scale": "demand", "id": "1", "field": "tonnes", "by": 2},
        {"add": "demand", "row": {"id": "2", "origin": "d", "destination": "a", "commodity": "grain", "tonnes": 7}},
        {"remove": "facilities", "id": "quay"},
        {"set": "commodities", "id": "toys", "field": "carrying_units", "value": ["container"]},
    )
    assert case.facilities.index.tolist() == ["line"]
    assert case.facilities.at["line", "capacity_stated"] == 12.0
    assert case.demand["tonnes"].tolist() == [3000.0, 7.0]  # two scalings multiply
    assert case.commodities.at["toys", "carrying_units"] == "container"
    assert small().demand["tonnes"].tolist() == [1000.0]


def test_every_cell_says_where_it_comes_from() -> None:
    case = changed(
        {"set": "facilities", "id": "line", "field": "capacity_stated", "value": 12, "because": ["f-1", "f-2"]}
    )
    chain = kv.trace(case, "facilities", "line", "capacity_stated")
    assert [s.kind for s in chain.steps] == ["cell", "scenario", "source"]
    assert "f-1; f-2" in chain.note
    assert chain.other_values == "10 [before the scenario]"
    assert chain.sources[0].id == "scenario-test"
    again = kv.apply(case, kv.Scenario.of("more", {"set": "facilities", "id": "line", "field": "capacity_stated",
                                                   "value": 14, **WHY}))  # fmt: skip
    assert kv.trace(again, "facilities", "line", "capacity_stated").other_values == (
        "12 [before the scenario]; 10 [before the scenario]"
    )
    assert len(again.provenance) == 1


def test_the_diff_lists_what_changed() -> None:
    same = {"set": "facilities", "id": "line", "field": "capacity_stated", "value": 10, **WHY}
    scenario = kv.Scenario.of("test", {"scale": "demand", "field": "tonnes", "by": 1.5, **WHY}, same)
    found = kv.diff(small(), scenario)
    assert found.to_dict("records") == [
        {"table": "demand", "id": "1", "field": "tonnes", "before": "1000", "after": "1500", "how": "scaled",
         "because": "a test"}
    ]  # fmt: skip


def test_projects_open_in_their_year() -> None:
    opening = {"open": "double"}
    assert changed(opening, year=2026).facilities.at["line", "capacity_stated"] == 10
    assert changed(opening, year=2027).facilities.at["line", "capacity_stated"] == 20
    assert changed({**opening, "year": 2026}, year=2026).facilities.at["line", "capacity_stated"] == 20
    new = changed({"open": "new"}, year=2031)
    assert new.links.at["A-D", "status"] == "open"
    assert new.facilities.at["new-line", "capacity_stated"] == 4000.0  # the capacity its project names
    assert changed({"open": "new"}, year=2029).links.at["A-D", "status"] == "planned"


def test_a_closed_link_carries_nothing_and_says_why() -> None:
    case = changed({"close": "links", "id": "B-C"})
    result = kv.assign(case)
    assert result.summary["served"] == 0.0
    assert kv.assign(small()).summary["served"] > 0.0
    assert case.restrictions["text"].tolist() == ["a test"]


def test_growth_by_year_and_years_in_which_a_change_holds() -> None:
    growth = {"scale": "demand", "field": "tonnes", "by": 1.1, "per_year": True}
    assert changed(growth, year=2026).demand["tonnes"].iloc[0] == pytest.approx(1210.0)
    assert changed(growth).demand["tonnes"].iloc[0] == 1000.0
    later = {"scale": "demand", "field": "tonnes", "by": 2.0, "from_year": 2026, "until_year": 2027}
    assert [changed(later, year=y).demand["tonnes"].iloc[0] for y in (2025, 2026, 2027, 2028)] == [1e3, 2e3, 2e3, 1e3]


def test_water_takes_capacity_and_costs_money() -> None:
    # 0.5 m less at 20 t/cm: 3,000 of 4,000 t. A fifth of a call is fixed: 0.75 / (0.2 + 0.8 x 0.75) = 0.9375
    level = {"level": "falls", "body": "Lake"}
    case = changed(level, year=2030)
    assert case.facilities.at["quay", "capacity_stated"] == pytest.approx(5000 * 0.9375)
    assert case.facilities.at["line", "capacity_stated"] == 10
    proportional = changed({**level, "fixed_share": 1.0}, year=2030)
    assert proportional.facilities.at["quay", "capacity_stated"] == pytest.approx(3750)
    kept = changed(level, {"open": "dig", "depth_m": 5.0, "depth_level_m": -27.0}, year=2030)
    assert kept.facilities.at["quay", "capacity_stated"] == 5000  # a depth that is kept does not fall with the water
    applied = apply_edits(small(), kv.Scenario.of("test", {**level, **WHY}), year=2030)
    assert applied.unknowns == ("the depth of C is not known: it limits nothing at any water level",)
    gone = changed({"level": "gone", "body": "Lake"}, year=2030)
    assert gone.facilities.at["quay", "capacity_stated"] < 2500


def test_inputs_of_an_asset_make_its_capacity_again() -> None:
    case = kv.read_pack("caspian")
    out = kv.apply(case, kv.Scenario.of("loops", {"set": "asset_inputs", "id": "KZ-KTI-line:crossing_km",
                                                  "field": "value", "value": 15, **WHY}))  # fmt: skip
    # 2 x 15 / 50 h = 36 min + 8 = 44 a pair; 955.5 / 44 = 21.7, less 1.2, so 20 pairs of 2,200 t
    assert out.facilities.at["KZ-KTI-line", "capacity_computed"] == 20 * 2200 * 365


REFUSED = [
    ({"set": "facilities", "id": "lin", "field": "capacity_stated", "value": 1}, "no row 'lin'; did you mean 'line'"),
    ({"set": "facilities", "where": {"kind": "canal"}, "field": "capacity_stated", "value": 1}, "no row where kind"),
    ({"set": "facilities", "id": "line", "field": "capacity_state", "value": 1}, "did you mean 'capacity_stated'"),
    ({"set": "facilities", "id": "line", "field": "capacity_stated", "value": "much"}, "is no number"),
    ({"set": "facilities", "id": "line", "field": "capacity_stated", "value": -1}, "below 0"),
    ({"set": "facilities", "id": "line", "field": "unit", "value": "boats"}, "not allowed"),
    ({"set": "facilities", "id": "line", "field": "id", "value": "rail"}, "is the key"),
    ({"set": "facilitys", "id": "line", "field": "x", "value": 1}, "no table 'facilitys'; did you mean facilities"),
    ({"set": "demand", "scale": "demand", "field": "tonnes", "value": 1}, "exactly one of"),
    ({"set": "demand", "field": "tonnes"}, "set needs value"),
    ({"set": "demand", "feld": "tonnes", "value": 1}, "does not take 'feld'"),
    ({"scale": "demand", "field": "basis", "by": 2}, "is no number and cannot be scaled"),
    ({"scale": "demand", "field": "tonnes", "by": "2"}, "write a number"),
    ({"scale": "demand", "field": "tonnes", "by": 2, "because": " "}, "has no reason"),
    ({"scale": "demand", "field": "tonnes", "by": 2, "from_year": 2030, "until_year": 2026}, "contradicts itself"),
    ({"remove": "demand"}, "remove needs an id"),
    ({"add": "demand", "row": {"id": "1", "origin": "a", "destination": "d", "commodity": "grain", "tonnes": 1}},
     "has a row '1' already"),
    ({"add": "demand", "row": {"id": "3", "origin": "a"}}, "lacks destination, commodity, tonnes"),
    ({"close": "commodities", "id": "grain"}, "cannot be closed"),
    ({"open": "doubel"}, "no row 'doubel'; did you mean 'double'"),
    ({"open": "double", "year": 2025}, "in 2025, before it exists: the earliest year named is 2026"),
    ({"open": "vague"}, "no source names a year"),
    ({"open": "vague", "year": 2026}, "does not say what it changes"),
    ({"open": "dig"}, "say how deep"),
    ({"level": "falls", "body": "Sea"}, "no yearly level of 'Sea'; it has Lake"),
    ({"level": "rises", "body": "Lake"}, "it has falls, gone, observed"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_what_cannot_be_is_refused_plainly(change: dict[str, Any], said: str) -> None:
    with pytest.raises(kv.ScenarioError, match=said):
        changed(change, year=2030)


LINE = {"id": "line", "field": "capacity_stated"}
CONTRADICTIONS = [
    [{"set": "facilities", **LINE, "value": 1}, {"set": "facilities", **LINE, "value": 2}],
    [{"set": "facilities", **LINE, "value": 1}, {"scale": "facilities", **LINE, "by": 2}],
    [{"set": "facilities", **LINE, "value": 1}, {"remove": "facilities", "id": "line"}],
    [{"open": "double"}, {"set": "facilities", **LINE, "value": 1}],
    [{"open": "new"}, {"close": "links", "id": "A-D"}],
    [{"close": "links", "id": "A-D"}, {"open": "new"}],
    [{"level": "falls", "body": "Lake"}, {"level": "gone", "body": "Lake"}],
]


@pytest.mark.parametrize("changes", CONTRADICTIONS)
def test_a_scenario_does_not_contradict_itself(changes: list[dict[str, Any]]) -> None:
    with pytest.raises(kv.ScenarioError, match="contradicts"):
        changed(*changes, year=2030)


def test_what_is_said_twice_alike_is_no_contradiction() -> None:
    same = {"set": "facilities", **LINE, "value": 7}
    assert changed(same, {**same, "because": "another"}).facilities.at["line", "capacity_stated"] == 7


def test_a_changed_case_is_checked_like_any() -> None:
    with pytest.raises(kv.CaseError, match="'A' is not in nodes"):
        changed({"remove": "nodes", "id": "A"})


def test_files_include_others(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[[change]]\nscale = "demand"\nfield = "tonnes"\nby = 2\nbecause = "a"\n')
    (tmp_path / "b.toml").write_text('title = "B"\ninclude = ["a.toml"]\n[[change]]\nclose = "links"\nid = "B-C"\n'
                                     'because = "b"\n')  # fmt: skip
    scenario = kv.Scenario.read(tmp_path / "b.toml")
    assert [c.action for c in scenario.changes] == ["scale", "close"]
    assert (scenario.name, scenario.title) == ("b", "B")
    both = scenario.then(kv.Scenario.read(tmp_path / "a.toml"))
    assert both.changes == scenario.changes  # what is included already comes once
    (tmp_path / "a.toml").write_text('include = ["b.toml"]\n')
    faults = {'include = ["b.toml"]': "includes itself", "change = 3": "write each change", "x = ": "TOML",
              "": "changes nothing", "names = 1": "unknown key 'names'"}  # fmt: skip
    for text, said in faults.items():
        (tmp_path / "a.toml").write_text(text)
        with pytest.raises(kv.ScenarioError, match=said):
            kv.Scenario.read(tmp_path / ("b.toml" if "include" in text else "a.toml"))
    with pytest.raises(kv.ScenarioError, match="cannot be read"):
        kv.Scenario.read(tmp_path / "none.toml")


def test_a_draw_written_as_a_scenario_gives_the_same_answer() -> None:
    case = small()
    model = build_model(case)
    problem = problem_of(model)
    rhs = problem.rhs.copy()
    rhs[model.capacity.facility == 0] *= 0.5
    drawn = perturb(problem, rhs=rhs, tonnes=problem.tonnes * 1.25)
    scenario = kv.Scenario.of("draw", {"scale": "facilities", **LINE, "by": 0.5, **WHY},
                              {"scale": "demand", "field": "tonnes", "by": 1.25, **WHY})  # fmt: skip
    written = problem_of(build_model(kv.apply(case, scenario)))
    for name in ("rhs", "tonnes", "cost", "open", "usage_units", "usage_row", "unserved_price", "tail", "head"):
        np.testing.assert_array_equal(getattr(drawn, name), getattr(written, name), err_msg=name)
    from karavan.assignment import solve
    from karavan.assignment.methods import LeastCost

    one, two = solve(drawn, LeastCost()), assign(kv.apply(case, scenario)).solution
    assert one.objective == two.objective
    np.testing.assert_array_equal(one.arc_flow, two.arc_flow)
    np.testing.assert_array_equal(one.dual, two.dual)


@pytest.fixture(scope="module")
def caspian() -> kv.Case:
    return kv.read_pack("caspian")


SHIPPED = sorted(p.name for p in (PACK / "scenarios").glob("*.toml") if not p.name.startswith("study"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_scenarios_apply(name: str, caspian: kv.Case) -> None:
    scenario = kv.Scenario.read(PACK / "scenarios" / name)
    known = set(caspian.sources.index)
    cited = {w for c in scenario.changes for b in c.because for w in b.replace(";", " ").split() if w in known}
    assert scenario.title
    assert (
        cited or scenario.assumptions or "what if" in scenario.changes[0].reason or "pack" in scenario.changes[0].reason
    )
    assert len(kv.apply(caspian, scenario, year=2035).provenance) >= len(caspian.provenance)


def test_less_water_never_serves_more_at_less_cost(caspian: kv.Case) -> None:
    costs = [kv.assign(caspian).summary["objective_usd"]]
    for name in ("low", "middle", "high"):
        scenario = kv.Scenario.read(PACK / "scenarios" / f"sea-level-{name}.toml")
        costs.append(kv.assign(kv.apply(caspian, scenario, year=2035)).summary["objective_usd"])
    assert costs == sorted(costs)
