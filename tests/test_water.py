"""Water level: draughts, loads and what was reported of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import karavan as kv
from karavan.network.water import (
    LevelSpread,
    YearLevel,
    allowed_draught,
    berth_ratio,
    cargo_tonnes,
    deadweight_at,
    deck_cargo_tonnes,
    level_of_year,
    level_spread,
    mean_load,
    port_draught,
    tpc_bound,
)

SEA = "Caspian Sea"


@pytest.fixture(scope="module")
def case() -> kv.Case:
    return kv.read_pack("caspian")


def calm(level: float) -> LevelSpread:
    return LevelSpread(np.array([level]), np.ones(1))


def load(case: kv.Case, ship: str, ports: list[str], level: float) -> float:
    row = next(v for v in case.vessels.itertuples() if v.Index == ship)
    draughts = [port_draught(case.berths, p, [level], ship_kind=row.kind) for p in ports]
    found = mean_load(row, draughts, calm(level))
    assert found is not None
    return found


def test_draught_and_deadweight_by_hand() -> None:
    assert allowed_draught(6.3, -27.0, [-27.0, -28.0], under_keel_m=0.3) == pytest.approx([6.0, 5.0])
    assert allowed_draught(5.0, -29.1, -31.0, maintained=True) == 5.0
    assert allowed_draught(5.0, -29.1, -28.1, maintained=True) == 6.0
    assert allowed_draught(1.0, -27.0, -30.0) == 0.0
    # 50 cm less water at 20 t/cm are 1,000 t less
    assert deadweight_at(4.0, dwt_tonnes=6000, full_draught_m=4.5, tpc_tonnes_per_cm=20) == 5000
    assert deadweight_at([5.0, 1.0], dwt_tonnes=6000, full_draught_m=4.5, tpc_tonnes_per_cm=20) == pytest.approx(
        [6000, 0]
    )
    assert cargo_tonnes(5000, stores_tonnes=300, hold_tonnes=4500) == 4500
    assert cargo_tonnes(200, stores_tonnes=300) == 0
    # 40 trucks of 22 t and 15 t of tare weigh 1,480 t; with 740 t for cargo and tare there are 20
    assert deck_cargo_tonnes(
        [3000, 940], places=40, payload_tonnes=22, tare_tonnes=15, stores_tonnes=200
    ) == pytest.approx([880, 440])
    assert berth_ratio(0.5, fixed_share=1.0) == 0.5
    assert berth_ratio(0.5, fixed_share=0.0) == 1.0


@given(st.floats(-33, -26), st.floats(0, 2), st.booleans())
def test_more_water_never_carries_less(level: float, rise: float, maintained: bool) -> None:  # noqa: FBT001
    loads = [
        deadweight_at(
            allowed_draught(6.3, -27.0, x, under_keel_m=0.3, maintained=maintained),
            dwt_tonnes=5562,
            full_draught_m=3.53,
            tpc_tonnes_per_cm=22,
        )
        for x in (level, level + rise)
    ]
    assert loads[0] <= loads[1] + 1e-6


@given(st.floats(-32, -26), st.floats(0, 1.5))
def test_the_spread_keeps_the_mean_and_costs_load(level: float, half: float) -> None:
    spread = level_spread(YearLevel(2030, level, level - half, level + half, ()))
    assert spread.mean == pytest.approx(level)
    assert spread.weight.sum() == pytest.approx(1.0)
    assert (spread.level_m >= level - half - 0.4).all()
    ship = {"dwt_tonnes": 5562, "full_draught_m": 3.53, "tpc_tonnes_per_cm": 22}
    over = spread.expected(deadweight_at(allowed_draught(6.3, -27.0, spread.level_m), **ship))
    at_mean = float(deadweight_at(allowed_draught(6.3, -27.0, level), **ship))
    if at_mean > 2500:  # far from an empty ship the load is concave in the level
        assert over <= at_mean + 1e-6


def test_levels_of_the_series_and_the_scenarios(case: kv.Case) -> None:
    level = lambda year, name: level_of_year(case.water_levels, body=SEA, year=year, scenario=name)  # noqa: E731
    assert level(2024, "observed").level_m == -29.2
    assert level(2024, "fall 16 cm a year").level_m == -29.2  # before its first year a scenario is what was seen
    assert [round(level(2035, f"fall {c} cm a year").level_m, 2) for c in (8, 16, 25)] == [-30.15, -30.95, -31.85]
    middle = level(2040, "RCP4.5 (Kazhydromet)")
    assert -32.4 < middle.level_m < -29.35
    assert middle.rows == ("casp-2025", "casp-2050-rcp45")
    far = level(2100, "SSP5-8.5 (Samant and Prange 2023)")
    assert far.high_m - far.low_m == pytest.approx(1.2)  # the range of a year, not that of the publication
    for year, name, said in ((2030, "observed", "not for 2030"), (2030, "fall 9 cm a year", "fall 8 cm a year")):
        with pytest.raises(ValueError, match=said):
            level(year, name)


def test_dry_berths_of_2007_fall_to_what_is_reported(case: kv.Case) -> None:
    berth = case.berths.loc["AKT-1-3"]
    found = allowed_draught(
        berth["depth_m"], berth["depth_level_m"], [-27.0, -29.35], under_keel_m=berth["under_keel_m"]
    )
    assert found == pytest.approx([6.3, 3.95])  # "6.3 m fall to about 3.9 m"


def test_tankers_at_aktau_load_less(case: kv.Case) -> None:
    full = load(case, "tanker-12000", ["KZ_AKT"], -27.0)
    now = load(case, "tanker-12000", ["KZ_AKT"], -29.35)
    assert full == 12000
    assert now == pytest.approx(9500, rel=0.12)  # reported: 9,000 to 10,000 t of 12,000


def test_the_grain_ship_of_6500_tonnes(case: kv.Case) -> None:
    # Her draught is not published: 1,000 t at 21 t/cm are 48 cm, so at the grain berth she would draw this much.
    ship, berth = case.vessels.loc["grain-ship-6500"], case.berths.loc["AKT-6"]
    missing = (6500 - 5500) / ship["tpc_tonnes_per_cm"] / 100
    allowed = float(allowed_draught(berth["depth_m"], berth["depth_level_m"], -29.35))
    assert 4.2 < allowed + missing < 4.8  # between the coasters of 5,500 t (3.5 m) and of 8,100 t (4.7 m)


def test_ships_to_iran_in_january_2024(case: kv.Case) -> None:
    # Reported: loaded to 70 to 75 percent. Coasters of two sizes between Aktau and Anzali, level of January 2024.
    loads = [load(case, s, ["KZ_AKT", "IR_ANZ"], -29.05) for s in ("rsd44", "rsd59")]
    assert 0.65 <= sum(loads) / (5562 + 8144) <= 0.80


def test_tonnes_per_centimetre_stay_within_the_hull(case: kv.Case) -> None:
    known = case.vessels[["length_m", "beam_m", "tpc_tonnes_per_cm"]].dropna()
    assert len(known) >= 6
    assert all(v.tpc_tonnes_per_cm <= tpc_bound(v.length_m, v.beam_m) for v in known.itertuples())


def test_a_port_without_depths_limits_nothing(case: kv.Case) -> None:
    assert port_draught(case.berths, "IR_AMI", [-29.0], ship_kind="dry_cargo") is None
    assert port_draught(case.berths, "GE_POT", [-29.0], ship_kind="container") is None  # another sea
    channel = port_draught(case.berths, "RU_AST", [-29.15], ship_kind="dry_cargo")
    assert channel == pytest.approx([4.5])
