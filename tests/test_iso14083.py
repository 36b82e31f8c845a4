"""Emissions by transport chain elements, against a calculation by hand; users' factor files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_charges import way
from tiny import frame, tables, tiny

import karavan as kv
from karavan.cost.emissions import arc_emissions, intensity_at_load, intensity_from_fuel
from karavan.cost.iso14083 import EmissionReport, emission_book, iso14083, with_factors
from karavan.errors import CaseError
from karavan.model import Model, build_model
from karavan.schema.check import check
from karavan.units import great_circle_km


def factors(**changes: list[object]) -> pd.DataFrame:
    """Factors of the tiny case: rail by country, sea with a range, one hub operation."""
    t = frame(
        id=["rail", "rail-c", "sea", "crane"], operation=["transport"] * 3 + ["handling"],
        mode=["rail", "rail", "sea", None], country=[None, "CCC", None, None], carrying_unit=[None, None, None, None],
        g_co2e_per_tkm=[30.0, 20.0, 40.0, None], kg_co2e_per_tonne=[None, None, None, 2.0],
        low=[None, None, 25.0, 1.0], high=[None, None, 90.0, 4.0], scope=["wtw"] * 4,
        data_class=["default", "modelled", "primary", "default"], distance=["actual"] * 4,
    )  # fmt: skip
    return t.assign(**changes)


def report(m: Model, tonnes: float = 100.0) -> EmissionReport:
    return iso14083(emission_book(m.case, m.graph), way(m), tonnes)


def test_a_chain_worked_out_by_hand() -> None:
    m = build_model(tiny(emission_factors=factors()))
    r = report(m)
    # 100 t: 240 km of rail at 30 g, a crane at 2 kg/t, 480 km of sea at 40 g, a crane, 120 km of rail at 20 g
    by_hand = [100 * 240 * 30 / 1000, 100 * 2, 100 * 480 * 40 / 1000, 100 * 2, 100 * 120 * 20 / 1000]
    e = r.elements
    assert e["kind"].tolist() == ["hub", "leg", "hub", "leg", "hub", "leg", "hub"]
    assert e["kg_wtw"].dropna().tolist() == pytest.approx(by_hand, rel=1e-3)
    assert r.totals["kg_wtw"] == pytest.approx(720 + 200 + 1920 + 200 + 240, rel=1e-3)
    assert (r.totals["low"], r.totals["high"]) == pytest.approx((720 + 100 + 1200 + 100 + 240, 720 + 400 + 4320 + 640))
    assert (r.totals["kg_legs"], r.totals["kg_hubs"]) == pytest.approx((2880, 400))
    assert r.totals["g_per_tkm"] == pytest.approx(2880 * 1000 / (100 * 840))
    assert r.totals["distance_adjustment"] == 1.0
    assert (r.totals["hubs"], r.totals["hubs_covered"]) == (4, 2)
    assert r.shares == pytest.approx({"primary": 1920 / 3280, "modelled": 240 / 3280, "default": 1120 / 3280})
    assert sum(r.shares.values()) == pytest.approx(1.0)


def test_arcs_and_elements_agree() -> None:
    m = build_model(tiny(emission_factors=factors()))
    arcs, r = way(m), report(m)
    assert r.totals["kg_legs"] == pytest.approx(m.emissions.central[arcs].sum() * 100)
    assert r.totals["kg_hubs"] == pytest.approx(m.emissions.hub[arcs].sum() * 100)
    assert m.emissions.bare_hub[arcs].sum() == 2  # loading at both ends


def test_tank_to_wheel_is_never_added_to_well_to_wheel() -> None:
    m = build_model(tiny(emission_factors=factors(scope=["wtw", "wtw", "ttw", "wtw"])))
    r = report(m)
    assert r.totals["kg_wtw"] == pytest.approx(720 + 200 + 200 + 240)
    assert r.totals["kg_ttw"] == pytest.approx(1920)
    assert r.totals["tkm_covered"] == pytest.approx(100 * 360)
    assert r.totals["tkm"] == pytest.approx(100 * 840)
    assert not (r.elements["kg_wtw"].notna() & r.elements["kg_ttw"].notna()).any()


def test_what_is_not_known_is_missing_and_counted() -> None:
    m = build_model(tiny(emission_factors=factors().iloc[:2]))
    r = report(m)
    sea = r.elements[r.elements["mode"] == "sea"]
    assert sea[["kg_wtw", "kg_ttw", "low", "factor"]].isna().all().all()
    assert r.totals["tkm_covered"] < r.totals["tkm"]
    assert r.totals["hubs_covered"] == 0


def detour() -> Model:
    """The tiny case with a railway from A to B by M, 300 km, beside a shorter one of 240 km that goods keep off."""
    t = tables()
    t["nodes"] = pd.concat(
        [t["nodes"], frame(id=["M"], name=["Mid"], place=["Mid"], country=["AAA"], kind=["city"], latitude=[40.5],
                           longitude=[51.0], coordinate_precision_km=[1.0])]
    )  # fmt: skip
    t["links"] = frame(
        id=["A-B", "A-M", "M-B"], from_node=["A", "A", "M"], to_node=["B", "M", "B"], mode=["rail"] * 3,
        length_km=[240.0, 150.0, 150.0], track_gauge_mm=[1520] * 3,
    )  # fmt: skip
    for gone in ("transfers", "borders"):
        t[gone] = t[gone].iloc[:0]
    t["zones"] = frame(id=["a", "b"], name=["a", "b"], country=["AAA", "AAA"], nodes=["A", "B"])
    t["demand"] = t["demand"].iloc[:0]
    return build_model(tiny(**t))


def by_mid(m: Model) -> np.ndarray:
    route = kv.route(m, kv.Shipment("A", "M", "grain", tonnes=10.0), alternatives=0)[0].arcs[:-1]
    on = kv.route(m, kv.Shipment("M", "B", "grain", tonnes=10.0), alternatives=0)[0].arcs[1:]
    return np.concatenate([route, on])


@pytest.mark.parametrize(
    ("distance", "km"),
    [("actual", 300.0), ("shortest", 240.0), ("great_circle", float(great_circle_km(40, 50, 40, 52)))],
)
def test_activity_is_the_shortest_feasible_distance(distance: str, km: float) -> None:
    m = detour()
    case = m.case.with_tables(
        emission_factors=frame(id=["rail"], mode=["rail"], g_co2e_per_tkm=[30.0], scope=["wtw"], distance=[distance])
    )
    r = iso14083(emission_book(case, m.graph), by_mid(m), 10.0)
    assert r.totals["kg_wtw"] == pytest.approx(10 * km * 30 / 1000)
    assert (r.totals["km"], r.totals["activity_km"]) == (300, 240)
    assert r.totals["distance_adjustment"] == pytest.approx(1.25)
    assert r.totals["tkm"] == 2400
    assert r.elements["g_per_tkm"].dropna().tolist() == pytest.approx([30 * km / 240])


def test_formulas_of_the_load() -> None:
    assert intensity_at_load(900.0, 24.0, 1.0) == pytest.approx(37.5)
    # half loaded, one empty kilometre in four loaded ones at 650 g: (900 + 0.25 * 650) / 12
    half = intensity_at_load(900.0, 24.0, 0.5, empty_ratio=0.25, empty_g_per_km=650.0)
    assert half == pytest.approx(88.5417, rel=1e-4)
    assert intensity_from_fuel(100.0, 3.0, 6000.0) == pytest.approx(50.0)
    with pytest.raises(ValueError, match="load factor"):
        intensity_at_load(900.0, 24.0, 0.0)


HEADER = "id,operation,mode,carrying_unit,g_co2e_per_tkm,kg_co2e_per_tonne,low,high,scope,data_class\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.csv"
    path.write_text(HEADER + text, encoding="utf-8")
    return path


def test_a_users_file_counts_for_the_modes_it_speaks_of(tmp_path: Path) -> None:
    case = tiny(emission_factors=factors())
    mine = with_factors(case, write(tmp_path, "own,transport,rail,,12,,,,wtw,primary\n"))
    assert set(mine.emission_factors.index) == {"own", "sea", "crane"}
    m = build_model(mine)
    r = report(m)
    assert r.totals["kg_legs"] == pytest.approx(100 * 360 * 12 / 1000 + 1920)
    assert r.shares["primary"] == pytest.approx((432 + 1920) / (432 + 1920 + 400))
    assert arc_emissions(mine, m.graph).central == pytest.approx(m.emissions.central)


def test_a_users_file_tells_every_fault_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a,transport,train,,12,,,,wtw,primary\n"
        "b,transport,rail,,,3,,,wtw,primary\n"
        "c,transport,rail,sack,twelve,,,,wtw,guess\n"
        "d,handling,,,,2,3,,wtw,default\n",
    )
    with pytest.raises(CaseError) as caught:
        with_factors(tiny(), path)
    told = [str(f) for f in caught.value.findings]
    for where, what in (
        ("mine.csv:2 mode", "'train'"),
        ("mine.csv:3 g_co2e_per_tkm", "is empty on a factor of transport"),
        ("mine.csv:3 kg_co2e_per_tonne", "is given on a factor of transport"),
        ("mine.csv:4 carrying_unit", "'sack'"),
        ("mine.csv:4 g_co2e_per_tkm", "twelve"),
        ("mine.csv:4 data_class", "guess"),
        ("mine.csv:5 low", "3 is above the central value 2"),
    ):
        assert any(t.startswith(where) and what in t and " -> " in t for t in told), (where, told)


def test_prices_and_factors_are_checked() -> None:
    case = tiny(
        freight_tariffs=tables()["freight_tariffs"].assign(from_tonnes=[5.0, None, None, None], until_tonnes=[5.0] * 4),
        dwell_charges=frame(
            id=["a", "b", "c"], node=["A"] * 3, kind=["storage"] * 3, from_hours=[0.0, 0.0, 24.0],
            usd_per_unit_day=[1.0, 2.0, None], by_day=[True, True, False], price_year=[2020, 2020, 2021],
        ),
        price_index=frame(series=["x", "y"], year=[2020, 2021], value=[1.0, 0.0]),
        emission_factors=factors(mode=[None, "rail", "sea", None]),
    )  # fmt: skip
    told = {(f.file, f.id, f.field) for f in check(case).errors}
    assert told >= {
        ("freight_tariffs.csv", "rail", "until_tonnes"),
        ("dwell_charges.csv", "b", "from_hours"),
        ("dwell_charges.csv", "c", "usd_per_unit_day"),
        ("dwell_charges.csv", "c", "by_day"),
        ("dwell_charges.csv", "c", "price_year"),
        ("price_index.csv", "y/2021", "series"),
        ("price_index.csv", "y/2021", "value"),
        ("emission_factors.csv", "rail", "mode"),
    }


def test_the_ferry_keeps_its_range() -> None:
    case = kv.read_pack("caspian")
    m = build_model(case)
    route = kv.route(m, kv.Shipment("Kuryk", "Alat", "general_cargo", tonnes=13.0), alternatives=0)[0]
    r = iso14083(emission_book(case, m.graph), route.arcs, 13.0)
    assert r.totals["high"] > 3 * r.totals["kg_wtw"] > 3 * r.totals["low"]
    assert r.elements.loc[r.elements["kind"] == "leg", "source"].notna().all()
