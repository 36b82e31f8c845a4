"""Modelled against observed: only what is of one kind has a ratio."""

from __future__ import annotations

import pandas as pd
import pytest
from tiny import frame, tables, tiny

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
