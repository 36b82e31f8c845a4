"""What the page is given as plain data: scenarios as files, changes put together, rows chosen, names found."""

from __future__ import annotations

import operator
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import karavan as kv
from karavan.report.case_tables import Selection
from karavan.report.case_tables import _names as every_name
from karavan.scenario.scenario_file import scenario_toml, shipped_scenarios

if TYPE_CHECKING:
    from pathlib import Path


@cache
def the_pack() -> kv.Case:
    """Read the pack once; hypothesis takes no fixtures of a module."""
    return kv.read_pack("caspian")


@pytest.fixture(scope="module")
def case() -> kv.Case:
    return the_pack()


def test_a_scenario_is_read_back_as_it_was_written(case: kv.Case, tmp_path: Path) -> None:
    shipped = shipped_scenarios(case)
    assert len(shipped) >= 10
    for scenario in shipped:
        file = tmp_path / f"{scenario.name}.toml"
        file.write_text(scenario_toml(scenario), encoding="utf-8")
        assert kv.Scenario.read(file) == scenario


def test_changes_are_put_together(case: kv.Case) -> None:
    alone = kv.combined(case, ["kti-2030"])
    assert alone.name == "kti-2030"
    more = {"scale": "demand", "field": "tonnes", "by": 1.5}
    both = kv.combined(case, ["kti-2030"], [more])
    assert both.changes[:-1] == alone.changes
    assert both.changes[-1].by == 1.5
    assert both.name == kv.combined(case, ["kti-2030"], [more]).name
    assert both.name != kv.combined(case, ["kti-2030"], [more | {"by": 1.6}]).name
    with pytest.raises(kv.NameNotFound):
        kv.combined(case, ["kti-2031"])
    with pytest.raises(kv.ScenarioError, match="nothing is changed"):
        kv.combined(case)


def test_every_switch_of_the_board_can_be_made(case: kv.Case) -> None:
    board = kv.scenario_board(case)
    for project in board["projects"]:
        assert kv.combined(case, changes=[project["change"]]).changes[0].target == project["id"]
    for level in board["levels"]:
        assert kv.combined(case, changes=[level["change"]]).changes[0].body == level["body"]
    fall = next(level for level in board["levels"] if level["scenario"] == "fall 16 cm a year")
    assert len(kv.diff(case, kv.combined(case, changes=[fall["change"]]), year=fall["points"][-1]["year"]))
    tables = {name: {row["id"] for row in rows} for name, rows in board["closures"].items()}
    assert tables["nodes"] <= set(case.nodes.index)
    assert "AZ_ALA" in tables["nodes"]


@given(st.sampled_from(["eq", "lt", "le", "gt", "ge", "ne"]), st.floats(0, 3000))
def test_filters_choose_what_they_say(op: str, value: float) -> None:
    case = the_pack()
    page = kv.table_page(case, "links", Selection.parse([f"length_km:{op}:{value!r}"]), limit=None)
    compare = {"eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt,
               "ge": operator.ge}[op]  # fmt: skip
    wanted = [i for i, km in case.links["length_km"].items() if compare(km, value)]
    assert [r["id"] for r in page["rows"]] == wanted


def test_every_name_finds_its_thing(case: kv.Case) -> None:
    for entry, known, _ in every_name(case):
        found = kv.find_names(case, known, kinds=(entry["kind"],), limit=50)
        assert entry["value"] in {f["value"] for f in found}, known


@given(st.text(max_size=12))
def test_any_text_may_be_typed(text: str) -> None:
    found = kv.find_names(the_pack(), text)
    assert len(found) <= 12


def test_decisions_that_are_out_of_date_change_nothing(tmp_path: Path) -> None:
    with kv.Ledger(tmp_path / "facts.db") as ledger:
        ledger.add_documents(kv.sample_folder())
        before = ledger.revision()
        fact = ledger.facts()[0]
        ledger.review(fact.id, "accept", "Aigerim", expected_version=1)
        assert ledger.revision() > before
        after = ledger.revision()
        with pytest.raises(kv.OutOfDate, match="Aigerim"):
            ledger.review(fact.id, "reject", "Farhad", expected_version=1)
        assert ledger.revision() == after
        assert ledger.fact(fact.id)["status"] == "accepted"
