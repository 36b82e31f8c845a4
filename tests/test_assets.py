"""Capacity from what an asset is: every formula has a case worked by hand, and the numbers of the pack follow."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import karavan as kv
from karavan.network.assets import FORMULAS, available_share, inputs_of, monthly_availability
from karavan.network.checking import asset_capacities, asset_capacity
from karavan.network.queueing import Service, erlang_c, occupation_at, wait_ratio
from karavan.schema.tables import table

SINGLE = {"crossing_km": 30, "speed_kmh": 60, "station_minutes": 8, "maintenance_minutes": 80, "occupation": 0.7}
DOUBLE = {"headway_minutes": 12, "maintenance_minutes": 120, "occupation": 0.7}
BY_HAND = [
    # 2 x 30 / 60 h = 60 min + 8 = 68 min a pair; (1440 - 80) x 0.7 = 952; 952 / 68 = 14 pairs
    ("single_track_trains", SINGLE, 14 * 365),
    # two passenger pairs of 1.2 paths leave 11.6, so 11 pairs
    ("single_track_trains", {**SINGLE, "passenger_pairs": 2, "passenger_paths": 1.2}, 11 * 365),
    ("single_track_tonnes", {**SINGLE, "net_tonnes_per_train": 2000, "working_days": 300}, 14 * 300 * 2000),
    # 1320 x 0.7 / 12 = 77 paths, 20 passenger pairs take 30
    ("double_track_trains", {**DOUBLE, "passenger_pairs": 20, "passenger_paths": 1.5}, 47 * 365),
    ("double_track_tonnes", {**DOUBLE, "net_tonnes_per_train": 1500}, 77 * 365 * 1500),
    # 12 pairs x (75 + 5) min = 960 of 1440
    ("line_occupation", {"train_pairs": 12, "minutes_per_pair": 75, "buffer_minutes": 5}, 960 / 1440),
    # 850 / 14 = 60 wagons by length, 4500 / 90 = 50 by mass
    ("train_net_tonnes", {"train_length_m": 850, "wagon_length_m": 14, "gross_tonnes": 4500, "payload_tonnes": 65,
                          "tare_tonnes": 25}, 50 * 65),
    # round trip 2 x (20 + 10 + 20) = 100 h; 2 ships x 8760 x 0.5 / 100 = 87.6 trips
    ("fleet_units", {"ships": 2, "sailing_hours": 20, "port_hours": 10, "waiting_hours": 20, "open_share": 0.5,
                     "units_per_trip": 50}, 4380),
    ("scheduled_units", {"departures_per_year": 52, "units_per_departure": 120}, 6240),
    # deck 500 / 17 = 29 trucks, 40 places, mass (1200 - 200) / 37 = 27
    ("deck_load", {"lane_metres": 500, "metres_per_unit": 17, "places": 40, "deadweight_tonnes": 1200,
                   "stores_tonnes": 200, "gross_tonnes_per_unit": 37}, 27),
    ("passage_tonnes", {"passages_per_year": 12000, "tonnes_per_ship": 3500, "loaded_share": 0.5}, 21e6),
    ("berth_moves", {"berths": 2, "moves_per_hour": 20, "units_per_move": 1.5, "occupation": 0.5, "open_share": 0.9,
                     "hours_per_year": 8000}, 2 * 20 * 1.5 * 8000 * 0.5 * 0.9),
    ("berth_calls", {"berths": 1, "occupation": 0.5, "hours_per_call": 12, "units_per_call": 104}, 37960),
    # one berth: W/S = rho / (1 - rho) = 0.25 at 0.2
    ("occupation_ceiling", {"berths": 1, "wait_to_service": 0.25}, 0.2),
    ("daily_units", {"units_per_day": 65, "working_days": 365}, 23725),
    # 24 / 5 = 4 whole sets a day on each of 3 tracks
    ("gauge_change_wagons", {"tracks": 3, "wagons_per_set": 10, "hours_per_set": 5, "hours_per_day": 24,
                             "working_days": 350}, 3 * 4 * 10 * 350),
    ("reloading_units", {"cranes": 2, "moves_per_hour": 15, "hours_per_day": 20, "utilisation": 0.6,
                         "working_days": 350}, 126_000),
    ("exchanged_tonnes", {"trains_out": 8, "tonnes_per_train_out": 3000, "trains_in": 15,
                          "tonnes_per_train_in": 1500}, 46_500 * 365),
    # 3 lanes x 20 h x 60 / 12 min = 300 a day
    ("border_trucks", {"lanes": 3, "hours_per_day": 20, "minutes_per_truck": 12}, 300 * 365),
    ("turnround_units", {"units": 1000, "turnround_days": 18.25, "load": 60, "availability": 0.9}, 1_080_000),
    ("storage_units", {"slots": 2000, "dwell_days": 7.3, "utilisation": 0.8}, 80_000),
    # 1700 cars / (1 + 0.25 x (3 - 1)) = 1133.3 vehicles, a quarter trucks, 12 h
    ("road_trucks", {"cars_per_hour": 1700, "truck_share": 0.25, "cars_per_truck": 3, "hours_per_day": 12},
     1700 / 1.5 * 0.25 * 12 * 365),
    ("air_tonnes", {"flights_per_year": 104, "payload_tonnes": 2.5, "load_factor": 0.6}, 156),
    ("pace", {"units": 2_035_000, "months": 4}, 6_105_000),
]  # fmt: skip


@pytest.mark.parametrize(("name", "inputs", "value"), BY_HAND)
def test_formulas_as_worked_by_hand(name: str, inputs: dict[str, float], value: float) -> None:
    formula = FORMULAS[name](**inputs)
    assert formula.value == pytest.approx(value, rel=1e-8)
    assert formula.name == name
    assert {k: formula.inputs[k] for k in inputs} == inputs
    assert set(formula.inputs) == set(inputs_of(name))
    assert formula.unit
    assert formula.source


def test_every_formula_has_a_case_and_says_what_it_does() -> None:
    assert {name for name, _, _ in BY_HAND} == set(FORMULAS)
    assert all("Return" in str(inspect.getdoc(f)) for f in FORMULAS.values())
    assert set(table("asset_inputs").fields["formula"].allowed) <= set(FORMULAS)


def test_inputs_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="departures_per_year is nan"):
        FORMULAS["scheduled_units"](departures_per_year=float("nan"), units_per_departure=1)
    with pytest.raises(ValueError, match="units_per_departure is -1"):
        FORMULAS["scheduled_units"](departures_per_year=52, units_per_departure=-1)
    with pytest.raises(ValueError, match="whole berths"):
        FORMULAS["occupation_ceiling"](berths=1.5, wait_to_service=0.2)


# Occupation in percent by number of berths and mean wait over service time, as the notes on methods give it.
BERTHS = (1, 2, 3, 4, 5, 6, 8, 10)
CEILINGS = {
    "M/M/c": {0.1: "9 30 43 52 58 62 69 73", 0.2: "17 41 54 62 67 71 76 80", 0.3: "23 48 60 67 72 76 80 84",
              0.5: "33 58 69 75 79 82 85 88"},
    "M/E2/c": {0.1: "12 34 47 56 62 66 72 76", 0.2: "21 46 58 66 71 74 79 82", 0.3: "29 53 65 72 76 79 83 86",
               0.5: "40 63 73 79 82 85 88 90"},
    "M/D/c": {0.1: "17 41 54 62 67 71 76 80", 0.2: "29 53 65 72 76 79 83 86", 0.3: "38 61 71 77 81 84 87 89",
              0.5: "50 71 79 83 86 88 91 93"},
}  # fmt: skip


@pytest.mark.parametrize("service", CEILINGS)
def test_the_table_of_berth_occupation(service: Service) -> None:
    for ratio, row in CEILINGS[service].items():
        assert [round(100 * occupation_at(c, ratio, service=service)) for c in BERTHS] == [int(v) for v in row.split()]


@given(st.integers(1, 20), st.floats(0.01, 0.95))
def test_waiting_follows_erlang(servers: int, occupation: float) -> None:
    load = servers * occupation
    terms = np.cumprod([1.0, *[load / k for k in range(1, servers + 1)]])
    last = terms[-1] / (1 - occupation)
    assert erlang_c(servers, occupation) == pytest.approx(last / (terms[:-1].sum() + last), rel=1e-9)
    ratio = wait_ratio(servers, occupation)
    assert occupation_at(servers, ratio) == pytest.approx(occupation, abs=1e-6) or ratio < 1e-12
    assert wait_ratio(servers + 1, occupation) <= ratio  # a berth more never makes ships wait longer


def test_months_without_ice_wind_and_season() -> None:
    assert monthly_availability(ice_months=[1, 12], closed_days={6: 3.0}) == (0, 1, 1, 1, 1, 0.9, 1, 1, 1, 1, 1, 0)
    canal = monthly_availability(season=range(4, 12))
    assert canal == (0, 0, 0, *[1] * 8, 0)
    assert available_share(canal) == pytest.approx(244 / 365)


def test_computed_capacities_of_the_pack_follow_from_their_inputs() -> None:
    case = kv.read_pack("caspian")
    found = asset_capacities(case)
    assert len(found) >= 120
    computed = case.facilities["capacity_computed"].dropna()
    assert set(computed.index) - set(found) == {"TUR-port"}  # a judgement, not a formula
    assert found["KZDOS-KZAKG-line"].value == 12 * 365
    assert not [f for f in kv.check(case).errors if f.field == "capacity_computed"]
    assert asset_capacity(case, "AKT-oil") is None


def test_a_capacity_that_does_not_follow_is_found() -> None:
    case = kv.read_pack("caspian")
    inputs = case.asset_inputs.copy()
    inputs.loc["KZ-KTI-line:crossing_km", "value"] = 15.0
    inputs.loc["JOL-yard:units_per_day", "input"] = "wagons"
    findings = {f.id: f for f in kv.check(case.with_tables(asset_inputs=inputs)).errors}
    assert "single_track_tonnes(crossing_km=15" in findings["KZ-KTI-line"].problem
    assert "units_per_day missing" in findings["JOL-yard"].problem
    assert set(findings) == {"KZ-KTI-line", "JOL-yard"}


def test_a_computed_capacity_is_traced_to_its_inputs() -> None:
    chain = kv.trace(kv.read_pack("caspian"), "facilities", "AKT-ALA-feeder-fleet", "capacity_computed")
    formulas = [s for s in chain.steps if s.kind == "formula"]
    assert formulas[0].text.startswith("fleet_units")
    assert {s.id.split(":")[1] for s in formulas[1:]} == set(inputs_of("fleet_units"))
    assert "trend-baku-port-containers-dwell-792c" in {s.id for s in chain.sources}
