"""Capacity from what an asset is: one function a kind of asset, whose answer keeps its inputs and its source.

Every function takes numbers by name and returns a `Formula`. The same names stand in the table `asset_inputs`, so that
a computed capacity can be worked out again from its inputs.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, ParamSpec

from karavan.network.queueing import Service, occupation_at
from karavan.units import DAYS_PER_YEAR, HOURS_PER_YEAR, MONTHS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

P = ParamSpec("P")
MINUTES_PER_DAY = 1440.0
MINUTES_PER_HOUR = 60.0
SLACK = 1e-9  # a whole number of trains that arithmetic puts a hair below itself is still whole
DAYS_OF_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Formula:
    """A result with what it was made of: the function's name, its inputs, the value, its unit, and who says so."""

    name: str
    inputs: Mapping[str, float]
    value: float
    unit: str
    source: str

    def __str__(self) -> str:
        inputs = ", ".join(f"{name}={value:g}" for name, value in self.inputs.items())
        return f"{self.name}({inputs}) = {self.value:g} {self.unit}"


FORMULAS: dict[str, Callable[..., Formula]] = {}


def _formula(unit: str, source: str) -> Callable[[Callable[P, float]], Callable[P, Formula]]:
    """Make a function of numbers keep its inputs, and list it by name."""

    def keeping(function: Callable[P, float]) -> Callable[P, Formula]:
        signature = inspect.signature(function)

        @wraps(function)
        def made(*args: P.args, **inputs: P.kwargs) -> Formula:
            bound = signature.bind(*args, **inputs)
            bound.apply_defaults()
            wrong = [f"{k} is {v}" for k, v in bound.arguments.items() if not (math.isfinite(v) and v >= 0.0)]
            if wrong:
                message = f"{function.__name__}: {', '.join(wrong)}; give numbers that are not negative"
                raise ValueError(message)
            given = MappingProxyType({name: float(value) for name, value in bound.arguments.items()})
            return Formula(function.__name__, given, function(*args, **inputs), unit, source)

        FORMULAS[function.__name__] = made
        return made

    return keeping


def inputs_of(name: str) -> dict[str, float | None]:
    """Return the inputs of a formula with their defaults; None where one must be given. Raises `KeyError`."""
    parameters = inspect.signature(FORMULAS[name]).parameters.values()
    return {p.name: None if p.default is p.empty else float(p.default) for p in parameters}


# Railway lines


def _single_track_pairs(
    crossing_km: float, speed_kmh: float, station_minutes: float, maintenance_minutes: float, occupation: float
) -> float:
    minutes_a_pair = 2.0 * crossing_km / speed_kmh * MINUTES_PER_HOUR + station_minutes
    return (MINUTES_PER_DAY - maintenance_minutes) * occupation / minutes_a_pair


def _double_track_pairs(headway_minutes: float, maintenance_minutes: float, occupation: float) -> float:
    return (MINUTES_PER_DAY - maintenance_minutes) * occupation / headway_minutes


def _freight_pairs(pairs: float, passenger_pairs: float, passenger_paths: float) -> float:
    return max(math.floor(pairs - passenger_pairs * passenger_paths + SLACK), 0)


@_formula("trains/yr each way", "UIC Code 406 (occupation); crossing interval of single track")
def single_track_trains(
    *,
    crossing_km: float,
    speed_kmh: float,
    station_minutes: float,
    maintenance_minutes: float,
    occupation: float,
    passenger_pairs: float = 0.0,
    passenger_paths: float = 1.0,
    working_days: float = DAYS_PER_YEAR,
) -> float:
    """Return freight trains a year in each direction of a single-track line.

    A pair of trains holds the section between two crossing loops for the run there and back and the crossing at both
    loops: `2 x crossing_km / speed_kmh x 60 + station_minutes`. Of the day less maintenance, the share `occupation` is
    used (UIC Code 406 advises 60 to 75 percent for mixed traffic, the higher figure in the peak); what passenger pairs
    leave, in whole pairs, is freight. The tightest section is the one to give.

    Examples
    --------
    >>> print(single_track_trains(crossing_km=25, speed_kmh=45, station_minutes=8, maintenance_minutes=75,
    ...                           occupation=0.7).value)
    4380.0
    """
    pairs = _single_track_pairs(crossing_km, speed_kmh, station_minutes, maintenance_minutes, occupation)
    return _freight_pairs(pairs, passenger_pairs, passenger_paths) * working_days


@_formula("tonnes/yr each way", "UIC Code 406 (occupation); crossing interval of single track")
def single_track_tonnes(
    *,
    crossing_km: float,
    speed_kmh: float,
    station_minutes: float,
    maintenance_minutes: float,
    occupation: float,
    net_tonnes_per_train: float,
    passenger_pairs: float = 0.0,
    passenger_paths: float = 1.0,
    working_days: float = DAYS_PER_YEAR,
) -> float:
    """Return net tonnes a year in the loaded direction of a single-track line: `single_track_trains` times a train."""
    pairs = _single_track_pairs(crossing_km, speed_kmh, station_minutes, maintenance_minutes, occupation)
    return _freight_pairs(pairs, passenger_pairs, passenger_paths) * working_days * net_tonnes_per_train


@_formula("trains/yr each way", "UIC Code 406 (occupation); headway of double track")
def double_track_trains(
    *,
    headway_minutes: float,
    maintenance_minutes: float,
    occupation: float,
    passenger_pairs: float = 0.0,
    passenger_paths: float = 1.0,
    working_days: float = DAYS_PER_YEAR,
) -> float:
    """Return freight trains a year in each direction of a double-track line, one path a headway.

    Day, occupation and passenger trains as for `single_track_trains`; a faster train takes more than a path.
    """
    pairs = _double_track_pairs(headway_minutes, maintenance_minutes, occupation)
    return _freight_pairs(pairs, passenger_pairs, passenger_paths) * working_days


@_formula("tonnes/yr each way", "UIC Code 406 (occupation); headway of double track")
def double_track_tonnes(
    *,
    headway_minutes: float,
    maintenance_minutes: float,
    occupation: float,
    net_tonnes_per_train: float,
    passenger_pairs: float = 0.0,
    passenger_paths: float = 1.0,
    working_days: float = DAYS_PER_YEAR,
) -> float:
    """Return net tonnes a year in the loaded direction of a double-track line: `double_track_trains` times a train."""
    pairs = _double_track_pairs(headway_minutes, maintenance_minutes, occupation)
    return _freight_pairs(pairs, passenger_pairs, passenger_paths) * working_days * net_tonnes_per_train


@_formula("share of the day", "UIC Code 406")
def line_occupation(
    *, train_pairs: float, minutes_per_pair: float, buffer_minutes: float = 0.0, maintenance_minutes: float = 0.0
) -> float:
    """Return the share of the day a line is held by the trains that run: blocking and buffer times, compressed.

    UIC Code 406: occupation is the time the trains take when pushed together, over the time window. Above 0.6 to 0.75
    with mixed traffic, delays are handed on.
    """
    return train_pairs * (minutes_per_pair + buffer_minutes) / (MINUTES_PER_DAY - maintenance_minutes)


@_formula("t", "mass and length limits of a train")
def train_net_tonnes(
    *,
    train_length_m: float,
    wagon_length_m: float,
    gross_tonnes: float,
    payload_tonnes: float,
    tare_tonnes: float,
    loaded_share: float = 1.0,
) -> float:
    """Return net tonnes of a train of one carrying unit: whole wagons within its length and its gross mass.

    `loaded_share` is the share of wagons that are loaded in the direction asked for.
    """
    by_length = math.floor(train_length_m / wagon_length_m + SLACK)
    by_mass = math.floor(gross_tonnes / (payload_tonnes * loaded_share + tare_tonnes) + SLACK)
    return min(by_length, by_mass) * payload_tonnes * loaded_share


# Ships


@_formula("units/yr each way", "ships times round trips; weather as a share of the time")
def fleet_units(
    *,
    ships: float,
    sailing_hours: float,
    port_hours: float,
    waiting_hours: float,
    open_share: float,
    units_per_trip: float,
) -> float:
    """Return units a year in each direction of a ferry or feeder fleet.

    A round trip is twice `sailing_hours + port_hours + waiting_hours`; `open_share` is the share of the year that wind
    and ice leave. `units_per_trip` is a mean load in the asset's own unit (see `deck_load`).

    Examples
    --------
    >>> round(fleet_units(ships=6, sailing_hours=21, port_hours=11, waiting_hours=24, open_share=0.85,
    ...                   units_per_trip=40).value)
    15956
    """
    round_trip = 2.0 * (sailing_hours + port_hours + waiting_hours)
    return ships * HOURS_PER_YEAR * open_share / round_trip * units_per_trip


@_formula("units/yr each way", "departures times load")
def scheduled_units(*, departures_per_year: float, units_per_departure: float) -> float:
    """Return units a year in each direction of a service whose departures are known: sailings or trains."""
    return departures_per_year * units_per_departure


@_formula("units a trip", "deck length, places and deadweight, whichever is least")
def deck_load(
    *,
    lane_metres: float,
    metres_per_unit: float,
    places: float,
    deadweight_tonnes: float,
    stores_tonnes: float,
    gross_tonnes_per_unit: float,
) -> float:
    """Return whole units (wagons, trucks, TEU) a ship takes: the least of deck length, places and mass.

    `gross_tonnes_per_unit` is cargo and tare. Deadweight is that at the allowed draught (`karavan.network.water`).
    """
    by_mass = max(deadweight_tonnes - stores_tonnes, 0.0) / gross_tonnes_per_unit
    return math.floor(min(lane_metres / metres_per_unit, places, by_mass) + SLACK)


@_formula("t/yr", "passages times load")
def passage_tonnes(*, passages_per_year: float, tonnes_per_ship: float, loaded_share: float) -> float:
    """Return tonnes a year through a canal or lock, both directions: passages times a ship times the share loaded."""
    return passages_per_year * tonnes_per_ship * loaded_share


# Berths


@_formula("units/yr", "berth hours times rate (UNCTAD, Port development)")
def berth_moves(
    *,
    berths: float,
    moves_per_hour: float,
    units_per_move: float,
    occupation: float,
    open_share: float = 1.0,
    share_of_time: float = 1.0,
    hours_per_year: float = HOURS_PER_YEAR,
) -> float:
    """Return units a year over berths: hours at work times rate.

    `moves_per_hour` is the rate of one berth (crane moves, or tonnes with `units_per_move` 1); `occupation` the share
    of time a ship lies at the berth (see `occupation_ceiling`), `share_of_time` that of these goods.
    """
    return berths * moves_per_hour * units_per_move * hours_per_year * occupation * open_share * share_of_time


@_formula("units/yr", "berth hours over hours a call")
def berth_calls(
    *,
    berths: float,
    occupation: float,
    hours_per_call: float,
    units_per_call: float,
    hours_per_year: float = HOURS_PER_YEAR,
) -> float:
    """Return units a year over berths where the length of a call is known: calls times units off and on."""
    return berths * occupation * hours_per_year / hours_per_call * units_per_call


@_formula("share of the time", "Erlang C; Allen and Cunneen for regular service times")
def occupation_ceiling(*, berths: float, wait_to_service: float, service_variation: float = 1.0) -> float:
    """Return the occupation of berths at which ships wait, on average, `wait_to_service` times their time at the berth.

    Ships come at random. `service_variation` is the squared coefficient of variation of the time at the berth: 1
    exponential, 0.5 Erlang-2, 0 always the same. One berth without a timetable bears 17 percent at a ratio of 0.2,
    five berths 67.
    """
    names: dict[float, Service] = {1.0: "M/M/c", 0.5: "M/E2/c", 0.0: "M/D/c"}
    if service_variation not in names or berths != int(berths):
        message = f"berths {berths}, service_variation {service_variation}: give whole berths, and 1, 0.5 or 0"
        raise ValueError(message)
    return occupation_at(int(berths), wait_to_service, service=names[service_variation])


# Yards, borders, roads, fleets of vehicles, stores, air


@_formula("units/yr", "units a day times working days")
def daily_units(*, units_per_day: float, working_days: float = DAYS_PER_YEAR) -> float:
    """Return units a year of a yard, station or post whose day's work is known."""
    return units_per_day * working_days


@_formula("wagons/yr", "sets of wagons through the bogie-changing tracks")
def gauge_change_wagons(
    *, tracks: float, wagons_per_set: float, hours_per_set: float, hours_per_day: float, working_days: float
) -> float:
    """Return wagons a year of a yard that changes bogies: whole sets a day on each track."""
    return tracks * math.floor(hours_per_day / hours_per_set + SLACK) * wagons_per_set * working_days


@_formula("units/yr", "crane moves between trains of two gauges")
def reloading_units(
    *, cranes: float, moves_per_hour: float, hours_per_day: float, utilisation: float, working_days: float
) -> float:
    """Return containers (or grabs) a year moved from train to train at a break of gauge."""
    return cranes * moves_per_hour * hours_per_day * utilisation * working_days


@_formula("t/yr both ways", "trains a day times net load, by direction")
def exchanged_tonnes(
    *,
    trains_out: float,
    tonnes_per_train_out: float,
    trains_in: float,
    tonnes_per_train_in: float,
    working_days: float = DAYS_PER_YEAR,
) -> float:
    """Return tonnes a year, both directions together, of a border station where trains are exchanged."""
    return (trains_out * tonnes_per_train_out + trains_in * tonnes_per_train_in) * working_days


@_formula("trucks/yr", "lanes times hours over minutes a truck")
def border_trucks(
    *, lanes: float, hours_per_day: float, minutes_per_truck: float, working_days: float = DAYS_PER_YEAR
) -> float:
    """Return trucks a year of a road border post in one direction; give the slower of the two sides."""
    return lanes * hours_per_day * MINUTES_PER_HOUR / minutes_per_truck * working_days


@_formula("units/yr", "units x 365 / turnround x load")
def turnround_units(*, units: float, turnround_days: float, load: float, availability: float = 1.0) -> float:
    """Return what a fleet of wagons, locomotives, containers or trucks carries a year: loaded trips times a load.

    `turnround_days` is the whole cycle, loading to loading, the empty way back included.
    """
    return units * availability * DAYS_PER_YEAR / turnround_days * load


@_formula("units/yr", "slots x 365 / dwell")
def storage_units(*, slots: float, dwell_days: float, utilisation: float = 1.0) -> float:
    """Return what passes a store a year: TEU slots or tonnes, at most `utilisation` of them filled."""
    return slots * utilisation * DAYS_PER_YEAR / dwell_days


@_formula("trucks/yr each way", "Highway Capacity Manual (passenger-car equivalents)")
def road_trucks(
    *,
    cars_per_hour: float,
    truck_share: float,
    cars_per_truck: float,
    hours_per_day: float,
    working_days: float = DAYS_PER_YEAR,
) -> float:
    """Return trucks a year in each direction of a road.

    `cars_per_hour` is its capacity in passenger cars (1,700 each way on a two-lane road by the Highway Capacity
    Manual), `truck_share` the share of vehicles that are trucks, each worth `cars_per_truck` cars, and `hours_per_day`
    the hours at that flow which the day's traffic makes.
    """
    vehicles = cars_per_hour / (1.0 + truck_share * (cars_per_truck - 1.0))
    return vehicles * truck_share * hours_per_day * working_days


@_formula("t/yr each way", "flights times payload")
def air_tonnes(*, flights_per_year: float, payload_tonnes: float, load_factor: float = 1.0) -> float:
    """Return tonnes a year in each direction by air: flights times the payload left for cargo times its load factor."""
    return flights_per_year * payload_tonnes * load_factor


@_formula("units/yr", "the pace of some months held for a year")
def pace(*, units: float, months: float) -> float:
    """Return the pace of some months held for a year; a check on a claim, not a capacity of the asset itself."""
    return units * MONTHS_PER_YEAR / months


def monthly_availability(
    *, ice_months: Sequence[int] = (), closed_days: Mapping[int, float] | None = None, season: Sequence[int] = ()
) -> tuple[float, ...]:
    """Return the share of each month that an asset works; shape (12,), January first.

    `ice_months` are months it is shut, `closed_days` the days lost to wind by month, `season` the months it runs at all
    (none given: all). A year's capacity times `available_share` of these is what is left.

    Examples
    --------
    >>> monthly_availability(ice_months=[1, 2], closed_days={3: 6.2})[:4]
    (0.0, 0.0, 0.8, 1.0)
    """
    lost = closed_days or {}
    out = []
    for month, days in enumerate(DAYS_OF_MONTH, start=1):
        shut = month in ice_months or (bool(season) and month not in season)
        out.append(0.0 if shut else max(1.0 - lost.get(month, 0.0) / days, 0.0))
    return tuple(out)


def available_share(months: Sequence[float]) -> float:
    """Return the share of a year's days in which an asset works, from its share of each month; shape (12,) in.

    Examples
    --------
    >>> available_share([1.0] * 12)
    1.0
    """
    return sum(share * days for share, days in zip(months, DAYS_OF_MONTH, strict=True)) / sum(DAYS_OF_MONTH)
