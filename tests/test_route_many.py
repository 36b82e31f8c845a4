"""Many shipments: the file is checked, threads do not matter, tables agree with single routes; skims."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_route_shown import case_with_ranges
from test_routing import with_a_ferry, with_a_second_way
from tiny import frame, tiny

import karavan as kv
from karavan.cli.app import main
from karavan.routing.skims import VALUES
from karavan.schema.io.packs import read_pack

if TYPE_CHECKING:
    from pathlib import Path

    from karavan.schema.case import Case

HEAD = "id,origin,destination,commodity,tonnes,ready,deadline,unit\n"


@pytest.fixture(scope="module")
def case() -> Case:
    """The tiny case with a second way, ranges and a sailing with weekdays that charges for waiting."""
    return case_with_ranges()


@pytest.fixture(scope="module")
def router() -> kv.Router:
    """A router of the shipped pack."""
    return kv.Router(read_pack("caspian"))


def some(n: int, router: kv.Router) -> dict[str, kv.Shipment]:
    """Shipments between places of the pack: dated and not, of several goods and weights."""
    places = ["KZ_ALM", "KZ_AKT", "AZ_BAK", "GE_POT", "IR_TEH", "IR_BND", "TM_ASH", "RU_MOW", "TR_IST", "CN_XIA"]
    known = [p for p in places if p in router.case.nodes.index]
    goods = ["general_cargo", "wheat", "metals"]
    random = np.random.default_rng(5)
    out = {}
    for i in range(n):
        a, b = random.choice(len(known), 2, replace=False)
        ready = "2025-03-03" if i % 5 == 0 else None
        out[f"s{i}"] = kv.Shipment(known[a], known[b], goods[i % 3], float(random.choice([20.0, 300.0])), ready=ready,
                                   within_days=None if i % 4 else 40.0)  # fmt: skip
    return out


# The file ---------------------------------------------------------------------------------------------------------


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "shipments.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_shipments_is_read(case: Case, tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "x,Aby,D,grain,120.5,2024-07-01,,\n,A,Dale,Grain,,,,bulk\n\n")
    found = kv.read_shipments(path, case)
    assert list(found) == ["x", "3"]
    assert found["x"] == kv.Shipment("Aby", "D", "grain", 120.5, ready="2024-07-01")
    assert found["3"] == kv.Shipment("A", "Dale", "Grain", unit="bulk")


def test_every_fault_is_told_at_once_with_line_field_and_remedy(case: Case, tmp_path: Path) -> None:
    rows = [
        "a,Abby,D,grain,10,,,", "a,A,D,grian,ten,,,", "b,,D,grain,10,,,sack", "c,A,D,grain,-5,,,",
        "d,A,D,grain,10,yesterday,,", "e,A,D,grain,10,2024-07-05,2024-07-01,",
    ]  # fmt: skip
    with pytest.raises(kv.CaseError) as caught:
        kv.read_shipments(write(tmp_path, HEAD + "\n".join(rows) + "\n"), case)
    told = [(f.line, f.field) for f in caught.value.findings]
    named = [(2, "origin"), (3, "commodity"), (3, "tonnes"), (4, "origin"), (4, "unit")]
    assert told == [*named, (5, ""), (6, ""), (7, "")]
    assert all(f.file == "shipments.csv" and f.problem and f.remedy for f in caught.value.findings)
    assert "Aby" in caught.value.findings[0].remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("origin,destination\nA,D\n", "no column commodity"),
        ("origin,destination,commodity,tons\nA,D,grain,1\n", "did you mean 'tonnes'"),
        ("origin,origin,destination,commodity\nA,A,D,grain\n", "stands twice"),
        ("origin,destination,commodity\nA,D\n", "fewer cells"),
        ("origin,destination,commodity\nA,D,grain,4\n", "more cells"),
        ("origin,destination,commodity\n", "no shipment"),
        ("", "no column origin"),
    ],
)
def test_a_file_of_another_form_is_refused(case: Case, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(kv.FormatError, match=said):
        kv.read_shipments(write(tmp_path, text), case)


def test_no_file_and_no_text(case: Case, tmp_path: Path) -> None:
    with pytest.raises(kv.FormatError, match="cannot be read"):
        kv.read_shipments(tmp_path / "none.csv", case)
    (tmp_path / "odd.csv").write_bytes(b"origin,destination,commodity\n\xff\xfe,D,grain\n")
    with pytest.raises(kv.FormatError, match="cannot be read"):
        kv.read_shipments(tmp_path / "odd.csv", case)


# Routes -----------------------------------------------------------------------------------------------------------


def test_the_tables_are_the_same_for_any_number_of_threads(router: kv.Router) -> None:
    asked, options = some(70, router), kv.RouteOptions(alternatives=1)
    one = kv.route_many(router, asked, options=options, draws=100, threads=1)
    three = kv.route_many(router, asked, options=options, draws=100, threads=3)
    pd.testing.assert_frame_equal(one.routes, three.routes)
    pd.testing.assert_frame_equal(one.legs, three.legs)


def test_the_tables_agree_with_routes_asked_for_one_by_one(router: kv.Router) -> None:
    asked, options = some(15, router), kv.RouteOptions(alternatives=2)
    many = kv.route_many(router, asked, options=options, draws=100)
    for name, shipment in asked.items():
        rows = many.routes[many.routes["shipment"] == name]
        try:
            routes = kv.with_odds(kv.route(router, shipment, options=options), draws=100)
        except kv.NoRoute:
            assert rows["error"].notna().all()
            continue
        assert len(rows) == len(routes)
        for row, route in zip(rows.to_dict("records"), routes, strict=True):
            legs = many.legs[(many.legs["shipment"] == name) & (many.legs["route"] == row["route"])]
            assert route.odds is not None
            expected = {
                "km": route.km, "hours": route.hours, "usd_per_tonne": route.money, "kg_co2e_per_tonne": route.co2e,
                "generalized_usd_per_tonne": route.generalized_cost, "risk_hours": route.risk,
                "p50_hours": route.odds.p50_hours, "p90_hours": route.odds.p90_hours, "p90_usd": route.odds.p90_usd,
            }  # fmt: skip
            assert {k: row[k] for k in expected} == pytest.approx(expected)
            assert row["ports"].split(";") == list(route.ports) or (not row["ports"] and not route.ports)
            assert row["restrictions"].split(";") == list(route.restrictions) or not route.restrictions
            assert list(legs["what"]) == list(route.legs["what"])
            assert list(legs["from"]) == list(route.legs["from"])
            assert list(legs["to"]) == list(route.legs["to"])
            for column in ("km", "move_hours", "border_hours", "handling_hours", "wait_hours"):
                np.testing.assert_allclose(legs[column], route.legs[column], atol=1e-9)
            assert legs["usd_per_tonne"].sum() == pytest.approx(route.money)
            assert legs["kg_co2e_per_tonne"].sum() == pytest.approx(route.co2e)
            if route.times is not None:
                assert row["departure"] == pd.Timestamp(route.departure)
                assert legs["arrive"].iloc[-1] == pd.Timestamp(route.arrival)
                assert (legs["depart"].to_numpy() == route.legs["depart"].to_numpy()).all()


def test_a_shipment_without_a_route_keeps_its_row(case: Case) -> None:
    asked = [kv.Shipment("A", "D", "grain"), kv.Shipment("A", "B", "toys", unit="bulk"), kv.Shipment("A", "D", "grain")]
    many = kv.route_many(case, asked)
    assert many.routes["shipment"].tolist() == ["1", "2", "3"]
    assert many.routes["error"].notna().tolist() == [False, True, False]
    assert many.summary | {"seconds": 0} == {"shipments": 3, "routes": 2, "without_route": 1, "seconds": 0}
    assert set(many.legs["shipment"]) == {"1", "3"}
    empty = kv.route_many(case, asked[1:2])
    assert len(empty.legs) == 0
    assert list(empty.routes.columns) == list(many.routes.columns)


def test_progress_tells_how_many_are_done(router: kv.Router) -> None:
    told: list[int] = []
    kv.route_many(router, some(70, router), progress=told.append)
    assert told == [64, 70]


def test_tables_are_written_whole(case: Case, tmp_path: Path) -> None:
    many = kv.route_many(case, {"x": kv.Shipment("A", "D", "grain", ready="2024-07-01")}, draws=50)
    files = many.write(tmp_path / "out")
    back = pd.read_parquet(files[0])
    assert back["shipment"].tolist() == ["x"]
    assert back["departure"].iloc[0] == pd.Timestamp("2024-07-01")
    again = many.write(tmp_path / "out", "csv")
    assert [f.name for f in again] == ["routes.csv", "legs.csv"]
    assert again[0].read_text(encoding="utf-8").count("\n") == 2
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == sorted(f.name for f in [*files, *again])


def test_the_command_reads_routes_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, path = tmp_path / "case", write(tmp_path, HEAD + "x,A,D,grain,120,2024-07-01,,\ny,A,B,toys,1,,,bulk\n")
    kv.write_case(tiny(**with_a_second_way()), folder)
    out = tmp_path / "out"
    assert main(["route-many", str(path), "--case", str(folder), "--out", str(out), "--format", "csv", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["routes"], document["without_route"]) == (1, 1)
    assert (out / "routes.csv").is_file()
    path.write_text(HEAD + "x,A,Nowhere,grain,120,,,\n", encoding="utf-8")
    assert main(["route-many", str(path), "--case", str(folder), "--out", str(out), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["field"] == "destination"


# Skims ------------------------------------------------------------------------------------------------------------


def test_skims_are_the_cheapest_ways_between_zones(case: Case) -> None:
    skims = kv.route_skims(case, commodities=["Grain"])
    assert set(kv.route_skims(case)["commodity"]) == {"grain", "toys"}
    assert skims[["origin", "destination", "commodity"]].to_numpy().tolist() == [
        ["a", "d", "grain"], ["d", "a", "grain"],
    ]  # fmt: skip
    model = kv.build_model(case)
    arcs = kv.route(model, kv.Shipment("A", "D", "grain", 1e9), alternatives=0)[0].arcs
    row, cost = skims.iloc[0], model.costs[0]
    assert row["km"] == pytest.approx(model.graph.km[arcs].sum())
    assert row["generalized_usd_per_tonne"] == pytest.approx(cost.generalized[arcs].sum())
    assert row["hours"] == pytest.approx(row[["move_hours", "border_hours", "handling_hours", "wait_hours"]].sum())
    parts = row[[f"{c}_usd_per_tonne" for c in ("haulage", "handling", "border")]].sum()
    assert row["money_usd_per_tonne"] == pytest.approx(parts)


def test_skims_are_written_as_a_table_and_as_matrices(case: Case, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    skims = kv.route_skims(case, commodities=["grain"])
    (table,) = kv.write_skims(skims, tmp_path / "skims.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(table), skims, check_dtype=False)
    (file,) = kv.write_skims(skims, tmp_path / "skims.omx", zones=["a", "d"])
    with h5py.File(file) as source:
        assert sorted(source["data"]) == sorted(VALUES)
        assert source["data"]["km"][0, 1] == skims["km"].iloc[0]
    several = pd.concat([skims, skims.assign(commodity="toys")])
    assert [f.name for f in kv.write_skims(several, tmp_path / "x.omx")] == ["x-grain.omx", "x-toys.omx"]
    with pytest.raises(kv.FormatError, match=r"not \.xls"):
        kv.write_skims(skims, tmp_path / "skims.xls")


def test_the_command_writes_skims(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "case"
    kv.write_case(tiny(**with_a_second_way()), folder)
    out = tmp_path / "skims.csv"
    assert main(["skim", "--case", str(folder), "--commodity", "grain", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 2
    assert len(pd.read_csv(out)) == 2


def test_skims_of_goods_that_go_nowhere_are_empty() -> None:
    zones = frame(id=["a", "b"], name=["a", "b"], country=["AAA", "AAA"], nodes=["A", "B"])
    skims = kv.route_skims(tiny(zones=zones, freight_tariffs=frame(id=["sea"], mode=["sea"], usd_per_tonne=[1.0])))
    assert len(skims) == 0
    assert "km" in skims


# Dated sailings ---------------------------------------------------------------------------------------------------


def wednesdays(**fields: object) -> Case:
    """Grain crosses the sea by a sailing on Wednesdays at noon; the port takes 12 to 72 hours, mostly 24."""
    t = with_a_ferry(departure_rule="timetable", weekdays="3", departure_time="12:00", wait_hours=None,
                     wait_basis=None, **fields)  # fmt: skip
    t["transfers"]["hours_low"], t["transfers"]["hours_high"] = [12.0, 48.0], [72.0, 48.0]
    return tiny(**t)


@pytest.mark.parametrize("closes", [0.0, 3.0, 12.0])
def test_a_weekly_sailing_is_missed_as_often_as_the_port_is_late(closes: float) -> None:
    router = kv.Router(wednesdays(cutoff_hours=closes))
    shipment = kv.Shipment("A", "D", "grain", 120.0, ready="2024-07-01")
    many = kv.route_many(router, [shipment], draws=2000)
    (row,) = many.routes.to_dict("records")
    at_port, sails = many.legs["arrive"].iloc[2], many.legs["depart"].iloc[3]
    slack = (sails - at_port).total_seconds() / 3600.0 - closes
    late = stats.beta(1 + 4 * 12 / 60, 1 + 4 * 48 / 60, 12, 60).sf(24.0 + slack)
    assert row["missed"] == pytest.approx(late, abs=2e-3)
    assert (row["p90_hours"] - row["hours"] > 167) == (late > 0.1)
    (route,) = kv.with_odds(kv.route(router, shipment, alternatives=0), draws=2000)
    assert route.odds is not None
    assert route.odds.missed == row["missed"]
    assert route.odds.p90_hours == row["p90_hours"]
