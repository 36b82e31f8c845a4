"""Modelled against observed: only what is of one kind has a ratio."""

from __future__ import annotations

import pandas as pd
import pytest
from tiny import frame, tables, tiny

import karavan as kv
from karavan.model import build_model
from karavan.report.corridors import corridor_routes
from karavan.report.validation import validate


def test_a_part_of_a_year_has_no_ratio_and_a_year_of_another_calendar_has() -> None:
    counts = frame(
        id=["year", "half", "persian", "old"], name=["a"] * 4, element_table=["links"] * 4, elements=["B-C"] * 4,
        year=[2024, 2024, 2024, 2022], period_from=[None, "2024-01", "2024-03-20", None],
        period_until=[None, "2024-06", "2025-03-20", None], value=[500.0] * 4, unit=["tonnes"] * 4,
    )  # fmt: skip
    found = validate(tiny(counts=counts)).counts.set_index("id")
    ratios = {"year": 2, "half": float("nan"), "persian": 2, "old": 2}
    assert found["ratio"].to_dict() == pytest.approx(ratios, nan_ok=True)
    assert found["comparable"].to_dict() == {"year": True, "half": False, "persian": False, "old": False}
    assert found.index[0] == "year"
    assert found.index[-1] == "half"


def controls(**columns: list[object]) -> pd.DataFrame:
    """Controls of trade from AAA to CCC, 400 t each."""
    n = len(columns["id"])
    same = {"exporter": "AAA", "importer": "CCC", "flow": "exports", "role": "control", "year": 2024, "tonnes": 400.0}
    return pd.DataFrame({k: [v] * n for k, v in same.items()} | columns)


def test_controls_are_compared_with_goods_of_their_kind() -> None:
    t = tables()
    t["commodities"]["group"] = ["cereals", "other"]
    t["demand"] = frame(id=["1", "2"], origin=["a"] * 2, destination=["d"] * 2, commodity=["grain", "toys"],
                        tonnes=[1000.0, 600.0])  # fmt: skip
    t["trade"] = controls(
        id=["all", "all too", "toys", "cereals", "dry cargo", "half"],
        goods=[None, "all goods", "playthings", "cereals", "dry cargo", None],
        commodity=[None, None, "toys", None, None, None],
        period_from=[None] * 5 + ["2024-01"], period_until=[None] * 5 + ["2024-06"],
    )  # fmt: skip
    found = validate(tiny(**t)).controls.set_index("id")
    assert found["modelled"].to_dict() == {"all": 1600, "all too": 1600, "toys": 600, "cereals": 1000, "half": 1600}
    assert pd.isna(found.loc["half", "ratio"])
    assert found.loc["cereals", "ratio"] == pytest.approx(2.5)


def test_corridors_already_routed_are_not_routed_again() -> None:
    t = tables()
    t["commodities"]["id"] = ["general_cargo", "toys"]
    t["demand"]["commodity"] = ["general_cargo"]
    t["corridors"] = frame(
        corridor=["x"] * 2, name=["X"] * 2, seq=[1, 2], from_node=["A", "B"], to_node=["B", "C"], mode=["rail", "sea"],
        carrying_unit=["wagon_1520", "bulk"],
    )  # fmt: skip
    t["indicators"] = frame(
        id=["km", "days", "part"], name=["a", "b", "c"], corridor=["x"] * 3, indicator=["km", "days", "km"],
        value=[720.0, 2.0, 480.0], year=[2024] * 3, from_node=[None, None, "B"], to_node=[None, None, "C"],
    )  # fmt: skip
    model = build_model(tiny(**t))
    plain, again = (validate(model, corridors=c).indicators for c in (None, corridor_routes(model)))
    pd.testing.assert_frame_equal(plain, again)
    assert plain["modelled"].tolist() == pytest.approx([720.0, (24 + 24 + 6 + 24) / 24, 480.0])


def lines(**changes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tiny case for boxes: rail A - B alone or by a through train, a ship B - C, the corridor x of both."""
    t = tables()
    t["commodities"] = t["commodities"].assign(id=["general_cargo", "toys"], carrying_units=["container", "trailer"])
    t["demand"] = t["demand"].iloc[:0]
    t["transfers"] = frame(
        id=["B:box"], node=["B"], kind=["handling"], from_mode=["rail"], from_track_gauge_mm=[1520],
        from_unit=["container"], to_mode=["sea"], to_unit=["container"], usd_per_unit=[100.0], price_year=[2020],
        hours=[12.0],
    )  # fmt: skip
    t["services"] = frame(
        id=["train", "ship"], name=["Train", "Ship"], mode=["rail", "sea"], service_class=["block_train", "feeder"],
        carrying_units=["container"] * 2, from_node=["A", "B"], to_node=["B", "C"], both_ways=[True] * 2,
        departure_rule=["fill_and_go"] * 2, km_per_day=[480.0, 480.0], wait_hours=[6.0, 24.0],
        wait_basis=["observed"] * 2,
    )  # fmt: skip
    t["freight_tariffs"] = frame(
        id=["rail", "sea", "road"], mode=["rail", "sea", "road"], carrying_unit=["container", "container", None],
        usd_per_unit_km=[0.5, None, 1.0], usd_per_unit=[None, 300.0, None], price_year=[2020, 2024, 2024],
    )  # fmt: skip
    t["borders"] = t["borders"].assign(usd_per_unit=[50.0, 80.0], price_year=[2024, 2024])
    t["corridors"] = frame(
        corridor=["x"] * 2, name=["X"] * 2, seq=[1, 2], from_node=["A", "B"], to_node=["B", "C"], mode=["rail", "sea"],
        carrying_unit=["container"] * 2,
    )  # fmt: skip
    t["price_index"] = frame(series=["prices"] * 2, year=[2020, 2024], value=[100.0, 125.0])
    return t | changes


def test_prices_are_compared_in_the_year_of_the_published_one() -> None:
    t = lines(indicators=frame(
        id=["teu", "feu", "back"], name=["a", "b", "c"], corridor=["x"] * 3, from_node=[None, None, "C"],
        to_node=[None, None, "A"], indicator=["usd_per_teu", "usd_per_feu", "usd_per_teu"], value=[500.0] * 3,
        year=[2020, 2024, 2020], explanation=["why", None, None],
    ))  # fmt: skip
    found = validate(tiny(**t))
    # one box: 240 km at 0.5 and a transfer at 100 in money of 2020; a ship at 300 and a border at 50 in that of 2024
    then, now = 120 + 100 + (300 + 50) / 1.25, (120 + 100) * 1.25 + 300 + 50
    back = 120 + 100 + (300 + 80) / 1.25
    assert found.indicators["modelled"].tolist() == pytest.approx([then, 2 * now, back])
    assert found.indicators["deflator"].tolist() == [f"USD of {y}, by prices" for y in (2020, 2024, 2020)]
    assert found.indicators["ratio"].tolist() == pytest.approx([then / 500, 2 * now / 500, back / 500])
    assert found.off_by_a_quarter["id"].tolist() == ["feu"]


def test_a_class_of_service_is_compared_with_its_own() -> None:
    t = lines(indicators=frame(
        id=["block", "single"], name=["a", "b"], corridor=["x"] * 2, indicator=["days"] * 2, value=[4.0] * 2,
        service_class=["block_train", "single"], year=[2024] * 2, from_node=["A", "A"], to_node=["C", "C"],
    ))  # fmt: skip
    found = validate(tiny(**t)).indicators.set_index("id")["modelled"]
    rest = 12 + 24 + 6 + 24  # the transfer, the wait for the ship, the border, the ship
    assert found.to_dict() == pytest.approx({"block": (6 + 12 + rest) / 24, "single": (24 + rest) / 24})


def test_a_mode_is_averaged_over_its_network() -> None:
    t = lines(indicators=frame(
        id=["all", "one", "posts", "usd"], name=["a"] * 4, mode=["rail"] * 4,
        indicator=["speed_with_delay_kmh", "speed_with_delay_kmh", "border_hours", "usd_per_500km_20t"],
        countries=[None, "CCC", None, None], value=[10.0] * 4, year=[2020] * 4,
    ))  # fmt: skip
    t["links"] = pd.concat([t["links"], frame(
        id=["D-A"], from_node=["D"], to_node=["A"], mode=["rail"], length_km=[600.0], track_gauge_mm=[1520],
    )])  # fmt: skip
    t["borders"] = pd.concat([t["borders"], frame(
        id=["D>A", "A>D"], name=["out", "in"], from_node=["D", "A"], to_node=["A", "D"], mode=["rail"] * 2,
        exit_hours=[10.0, 1.0], entry_hours=[20.0, 2.0], usd_per_unit=[30.0, None], price_year=[2024, None],
    )])  # fmt: skip
    found = validate(tiny(**t)).indicators.set_index("id")["modelled"]
    km = 2 * (240 + 600 + 120)  # each link once each way, boxes on either gauge
    assert found["all"] == pytest.approx(km / (km / 10 + 33))
    inside = 600 + 2 * 120  # what starts in CCC, with the sides of the posts that are there
    assert found["one"] == pytest.approx(inside / (inside / 10 + 10 + 2))
    assert found["posts"] == pytest.approx((30 + 3) / 2)
    assert found["usd"] == pytest.approx((0.5 * km + 30 / 1.25) / km * 500)


def test_what_the_pack_misses_by_a_quarter_is_explained() -> None:
    found = validate(kv.read_pack("caspian"))
    off = found.off_by_a_quarter
    assert off["explanation"].notna().all(), off.loc[off["explanation"].isna(), ["id", "ratio"]]
    ratios = found.indicators.set_index("id")["ratio"]
    for wanted in (
        "titr-alt-abs-days", "titr-alt-poti-days", "titr-forwarder-days", "kti-xian-tehran-days",
        "instc-east-mow-bnd-days", "interrail-turkmenbashi-feu", "interrail-aktau-feu", "instc-rail-usd",
        "instc-centre-usd", "suez-india-usd", "cpmm-rail-swd", "cpmm-road-speed-with-delay-kmh",
    ):  # fmt: skip
        assert ratios[wanted] > 0, wanted
    priced = found.indicators[found.indicators["indicator"].isin(["usd_per_teu", "usd_per_feu"])]
    assert priced["deflator"].str.contains("CPI-U").all()
