"""Losses against the same closures written as scenarios, and the worst pairs against all pairs tried."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from choice_case import choice_case
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny

from karavan.assignment.front import assign
from karavan.assignment.methods import LeastCost
from karavan.cli import main
from karavan.model import build_model, problem_of
from karavan.scenario.apply import apply_edits
from karavan.scenario.resilience import EXACT, KINDS, _Losses, assets_of, criticality
from karavan.scenario.scenario import Scenario
from karavan.schema.io.folder import write_case
from karavan.schema.io.packs import read_pack

CLOSABLE = ("links", "nodes", "services", "borders")


def closed(case, *assets: tuple[str, str]):
    """Return the case with rows closed by a scenario."""
    changes = [{"close": table, "id": name, "because": "a test"} for table, name in assets]
    return apply_edits(case, Scenario.of("closed", *changes)).case


@pytest.mark.parametrize("table", CLOSABLE[:2])
def test_a_loss_is_what_closing_it_by_a_scenario_costs(table: str) -> None:
    case = choice_case()
    found = criticality(case, pairs=0)
    base = assign(case, method=LeastCost())
    mine = found.assets[found.assets["table"] == table]
    assert len(mine) > 2
    for row in mine.itertuples():
        without = assign(closed(case, (table, row.id)), method=LeastCost())
        assert row.cost_usd == pytest.approx(without.objective - base.objective, rel=1e-5, abs=1.0)
        assert row.unserved == pytest.approx(without.summary["unserved"] - base.summary["unserved"], abs=1e-3)


def test_a_chain_without_another_way_loses_all_by_any_of_its_links() -> None:
    case = tiny()
    base = assign(case)
    found = criticality(case, kinds=("links", "borders", "nodes"))
    links = found.assets[found.assets["table"] == "links"].set_index("id")
    assert sorted(links.index) == ["A-B", "B-C", "C-D"]
    lost = 1000.0 * 200.0 - base.objective  # grain at 200 USD a tonne stays behind, transport is saved
    assert links["cost_usd"].tolist() == pytest.approx([lost] * 3)
    assert found.assets["unserved"].tolist() == pytest.approx([1000.0] * len(found.assets))
    assert found.assets["usd_per_tonne"].tolist() == pytest.approx([lost / 1000.0] * len(found.assets))
    assert found.assets["transport_usd"].tolist() == pytest.approx([-base.objective] * len(found.assets))


def test_a_facility_is_lost_with_all_that_uses_it() -> None:
    case = choice_case()
    found = criticality(case, kinds=("facilities", "links"), pairs=0).assets.set_index("id")
    # the line B-C of 900 TEU each way is a facility: without it its link carries nothing
    assert found.loc["BC", "cost_usd"] == pytest.approx(found.loc["B-C-rail", "cost_usd"])
    assert found.loc["BC", "tonnes"] == pytest.approx(found.loc["B-C-rail", "tonnes"])


@pytest.mark.parametrize("by", ["cost", "together"])
@settings(max_examples=8)
@given(st.lists(st.integers(0, 9), min_size=12, max_size=12))
def test_pairs_are_the_worst_of_all_that_there_are(by: str, loads: list[int]) -> None:
    case = choice_case()
    case = case.with_tables(demand=case.demand.assign(tonnes=[700.0 * x + 10.0 for x in loads]))
    found = criticality(case, kinds=("links",), pairs=3, by=by, most_pairs=10_000)
    assert found.proven
    model = build_model(case)
    work = _Losses(problem_of(model), assets_of(model, problem_of(model), ("links",)), 1)
    n = len(work.assets.id)
    alone = [work.lost(i).cost for i in range(n)]
    every = []
    for i, j in itertools.combinations(range(n), 2):
        cost = work.lost(i, j).cost
        assert cost >= max(alone[i], alone[j]) - 1.0  # to lose more is never better
        every.append(cost if by == "cost" else cost - alone[i] - alone[j])
    measure = "cost_usd" if by == "cost" else "together_usd"
    worst = [v for v in sorted(every, reverse=True)[:3] if v > 0]
    assert found.pairs[measure].tolist() == pytest.approx(worst, rel=1e-6, abs=10.0)
    assert found.evaluated <= found.n_pairs


def test_rail_and_road_stand_in_for_each_other() -> None:
    case = choice_case()
    found = criticality(case, kinds=("links",), pairs=3, by="together")
    first = found.pairs.iloc[0]
    names = {first["id_a"].rpartition("-")[0], first["id_b"].rpartition("-")[0]}
    assert len(names) == 1  # rail and road between the same towns
    assert first["together_usd"] > 0
    assert first["cost_usd"] == pytest.approx(first["alone_a_usd"] + first["alone_b_usd"] + first["together_usd"])


def test_few_pairs_say_what_they_leave_open() -> None:
    found = criticality(choice_case(), pairs=5, by="together", most_pairs=1)
    assert not found.proven
    assert found.evaluated == 1
    assert found.bound > 0


def test_the_same_with_any_number_of_workers() -> None:
    one, two = (criticality(choice_case(), pairs=3, workers=w) for w in (1, 2))
    assert one.assets.equals(two.assets)
    assert one.pairs.equals(two.pairs)
    with pytest.raises(ValueError, match="kinds"):
        criticality(choice_case(), kinds=("ships",))


def test_the_pack_is_hurt_where_it_is_narrow() -> None:
    case = read_pack("caspian")
    found = criticality(case, kinds=("borders",), pairs=0)
    assert found.assets["cost_usd"].is_monotonic_decreasing
    assert (found.assets["cost_usd"] >= 0).all()
    assert set(found.assets["id"]) <= set(case.borders.index)
    assert set(found.to_json()) >= {"assets", "pairs", "proven"}
    assert EXACT.gap <= 1e-6
    assert set(KINDS) >= set(CLOSABLE)


def test_the_command_shows_and_writes_the_losses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_case(tiny(), tmp_path / "case")
    assert main(["criticality", "--case", str(folder), "--of", "links", "--of", "borders"]) == 0
    shown = capsys.readouterr().out
    assert "Aby - Bay, rail" in shown
    assert "pairs were worked out" in shown
    assert main(["criticality", "--case", str(folder), "--json", "--pairs", "0"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"links", "nodes", "borders"} <= {row["table"] for row in answer["assets"]}
    assert main(["criticality", "--case", str(folder), "--of", "ships"]) == 2
