"""The closed loop of equipment: worked by hand, balanced at every place, and priced as duality says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from choice_case import choice_case
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import frame, tables

from karavan.assignment.empties import empty_flows, empty_network, loaded_moves
from karavan.assignment.equipment import equipment
from karavan.assignment.front import assign
from karavan.cli import main
from karavan.errors import NameNotFound
from karavan.network.graph import ArcKind
from karavan.schema.case import Case, Meta, make_case
from karavan.schema.io.folder import write_case
from karavan.schema.io.packs import read_pack

HALF = {"container": 0.5, "trailer": 0.5}


def wagons(**changes) -> Case:
    """Return the tiny case with grain both ways on its railway A - B: 600 t (10 wagons) there, 240 t (4) back."""
    base = tables()
    base["zones"] = frame(id=["a", "b"], name=["A", "B"], country=["AAA", "AAA"], nodes=["A", "B"])
    base["demand"] = frame(id=["there", "back"], origin=["a", "b"], destination=["b", "a"],
                           commodity=["grain", "grain"], tonnes=[600.0, 240.0])  # fmt: skip
    return make_case(Meta(name="wagons", year=2024), base | changes)


def test_six_wagons_come_back_empty() -> None:
    found = equipment(assign(wagons()), empty_cost={"wagon_1520": 0.4})
    # a loaded wagon pays 240 km x 0.05 x 60 t = 720 USD, an empty one 288
    unit = found.units.set_index("unit").loc["wagon_1520"]
    assert unit["loaded_moves"] == pytest.approx(14.0)
    assert unit["empty_unit_km"] == pytest.approx(6 * 240.0)
    assert unit["empty_share"] == pytest.approx(6 / 20)
    assert unit["empty_usd"] == pytest.approx(6 * 288.0)
    assert unit["fleet"] == pytest.approx((20 * 24.0 + 14 * 12.0) / 8760.0)  # with loading and unloading
    lane = found.lanes.iloc[0]
    assert (lane["from_node"], lane["to_node"], lane["units"]) == ("B", "A", pytest.approx(6.0))
    assert lane["saving_per_load"] == pytest.approx(288.0)
    adds = found.pairs.set_index("id")["surcharge_usd_per_tonne"]
    assert adds["there"] == pytest.approx(288.0 / 60.0)
    assert adds["back"] == pytest.approx(-288.0 / 60.0)
    assert found.usd == pytest.approx((adds["there"] * 600.0) + (adds["back"] * 240.0))


def test_a_full_way_back_leaves_wagons_behind() -> None:
    line = {"id": ["line"], "name": ["Line"], "kind": ["line"], "unit": ["wagons"], "element_table": ["links"],
            "elements": ["A-B"], "direction": ["each"]}  # fmt: skip
    units = tables()["carrying_units"].assign(empty_return_share=0.0)
    found = equipment(assign(wagons(facilities=frame(**line, capacity_stated=[10.0]), carrying_units=units)))
    assert found.stranded.empty
    assert found.facilities["empties"].tolist() == [pytest.approx(6.0)]
    tight = wagons(facilities=frame(**line | {"direction": ["backward"]}, capacity_stated=[7.0]), carrying_units=units)
    found = equipment(assign(tight), empty_cost={"wagon_1520": 0.4})
    there, back = (found.stranded.set_index("node").loc[n] for n in ("A", "B"))
    assert (there["short"], back["stranded"]) == (pytest.approx(3.0), pytest.approx(3.0))
    assert found.stranded["no_way"].max() == 0.0  # there is a way, but no room
    assert found.facilities["empties"].tolist() == [pytest.approx(3.0)]


def test_what_an_assignment_held_for_empties_is_not_counted_twice() -> None:
    line = frame(id=["line"], name=["Line"], kind=["line"], unit=["wagons"], element_table=["links"],
                 elements=["A-B"], direction=["each"], capacity_stated=[100.0])  # fmt: skip
    found = equipment(assign(wagons(facilities=line)))
    rows = found.facilities.set_index("direction")
    # 10 wagons there and 4 back; half of them were thought to come back the same way
    assert rows.loc["forward", ["left_by_loaded", "reserved", "empties"]].tolist() == pytest.approx([90.0, 2.0, 0.0])
    assert rows.loc["backward", ["left_by_loaded", "reserved", "empties"]].tolist() == pytest.approx([96.0, 5.0, 6.0])
    both = equipment(assign(wagons(facilities=line.assign(direction="both"))))
    row = both.facilities.iloc[0]
    assert row[["left_by_loaded", "reserved", "empties"]].tolist() == pytest.approx([86.0, 7.0, 6.0])


def test_without_a_price_empties_are_counted_and_not_priced() -> None:
    found = equipment(assign(wagons()))
    assert found.units["empty_unit_km"].sum() == pytest.approx(1440.0)
    assert found.units["empty_usd"].isna().all()
    assert found.pairs["partly_unknown"].all()
    assert found.usd == 0.0
    with pytest.raises(NameNotFound, match="wagn"):
        equipment(assign(wagons()), empty_cost={"wagn": 0.5})
    with pytest.raises(ValueError, match="share"):
        equipment(assign(wagons()), empty_cost={"wagon_1520": 5.0})


@settings(max_examples=25)
@given(st.lists(st.integers(0, 30), min_size=12, max_size=12), st.integers(200, 900))
def test_balance_at_every_hub_and_the_price_that_duality_gives(loads: list[int], room: int) -> None:
    case = choice_case()
    demand = case.demand.assign(tonnes=[1000.0 * x for x in loads])
    facilities = case.facilities.assign(capacity_stated=float(room))
    a = assign(case.with_tables(demand=demand, facilities=facilities))
    graph = a.model.graph
    moves, network = loaded_moves(a), empty_network(a, np.array([0.5, 0.5]))
    supply = np.bincount(moves.end, moves.units, graph.n_nodes) - np.bincount(moves.start, moves.units, graph.n_nodes)
    flows = empty_flows(a.model, network, supply)
    out = np.bincount(graph.tail[network.arc], flows.flow, graph.n_nodes)
    come = np.bincount(graph.head[network.arc], flows.flow, graph.n_nodes)
    scale = 1e-5 * (1.0 + np.abs(supply).max())
    np.testing.assert_allclose(out - come, supply - flows.stranded + flows.short, atol=scale)
    assert (flows.flow >= 0).all()
    assert flows.cost >= 0.0
    used = np.asarray(network.use @ flows.flow)
    assert (used <= network.left + scale).all()
    # cost of empties and rent of full rows = worth of units where they are set free less where they are taken
    rents = float(flows.row_price @ network.left)
    worth = float(flows.worth @ (supply - flows.stranded + flows.short))
    assert worth == pytest.approx(flows.cost + rents, rel=1e-5, abs=1.0)
    for i, arc in enumerate(network.arc.tolist()):  # nowhere is it worth more than the move there costs
        gain = flows.worth[graph.tail[arc]] - flows.worth[graph.head[arc]]
        price = float(network.use[:, [i]].T.toarray()[0] @ flows.row_price)
        assert gain <= network.cost[i] + price + 1e-6


@settings(max_examples=10)
@given(st.lists(st.integers(0, 30), min_size=6, max_size=6))
def test_flows_that_match_need_no_empties(loads: list[int]) -> None:
    case = choice_case()
    size = {frozenset(p): 1000.0 * x for p, x in zip(["ab", "ac", "ad", "bc", "bd", "cd"], loads, strict=True)}
    tonnes = [size[frozenset((o, d))] for o, d in zip(case.demand["origin"], case.demand["destination"], strict=True)]
    wide = case.facilities.assign(capacity_stated=1e9)
    even = case.with_tables(demand=case.demand.assign(tonnes=tonnes), facilities=wide)
    found = equipment(assign(even), empty_cost=HALF)
    assert found.usd == pytest.approx(0.0, abs=1e-3)
    assert found.lanes["units"].sum() == pytest.approx(0.0, abs=1e-3)


def test_the_pack_closes_its_loops() -> None:
    a = assign(read_pack("caspian"))
    found = equipment(a)
    units = found.units.set_index("unit")
    assert units.loc["container", "empty_share"] > 0.2  # more goes west than comes back
    moves, graph = loaded_moves(a), a.model.graph
    assert (graph.unit[moves.start] == moves.unit).all()
    loaded = np.isin(graph.kind[a.solution.path_arc], (ArcKind.LOAD,)).sum()
    assert len(np.unique(moves.path)) == loaded
    balance = found.stranded.groupby("unit")[["stranded", "short"]].sum()
    np.testing.assert_allclose(balance["stranded"], balance["short"], atol=1.0)
    assert found.lanes["units"].sum() > 0
    kti = found.corridors[found.corridors["corridor"] == "kti"].set_index("unit")
    assert kti.loc["wagon_1520", "loaded_km_forward"] > kti.loc["wagon_1520", "loaded_km_backward"]


def test_the_command_shows_and_writes_the_loop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_case(wagons(), tmp_path / "case")
    assert main(["equipment", "--case", str(folder), "--empty-cost", "wagon_1520=0.4"]) == 0
    assert "wagon_1520" in capsys.readouterr().out
    assert main(["equipment", "--case", str(folder), "--empty-cost", "wagon_1520=0.4", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["empties_usd"] == pytest.approx(1728.0)
    assert (answer["lanes"][0]["from_node"], answer["lanes"][0]["from_name"]) == ("B", wagons().nodes.at["B", "name"])
    assert main(["equipment", "--case", str(folder), "--empty-cost", "wagon_1520=4"]) == 2
