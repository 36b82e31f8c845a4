"""Routes on dates: calendars, opening hours, waits that are the same in both uses of the graph, windows, deadlines."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from tiny import frame, tables, tiny

from karavan.errors import CaseError, FormatError, NoRoute, ShipmentError
from karavan.model import build_model
from karavan.network.graph import ArcKind
from karavan.routing.front import pareto_routes, route
from karavan.routing.options import RouteOptions
from karavan.routing.router import Router, search
from karavan.routing.shipment import Shipment
from karavan.routing.ways import ride
from karavan.schema.calendars import mean_closed_hours, mean_wait_hours, parse_calendar, parse_opening_hours
from karavan.schema.check import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from karavan.routing.query import Query
    from karavan.schema.case import Case

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  clocks without a zone, as in the tables
WEEK = 7 * 1440


def ferry(**fields: object) -> dict[str, pd.DataFrame]:
    """The tiny case where grain crosses the sea by a timetabled ship alone."""
    t = tables()
    t["modes"].loc[1, "service_only_units"] = "bulk"
    sailing = {"id": "sail", "name": "Sailing", "mode": "sea", "carrying_units": "bulk", "from_node": "B",
               "to_node": "C", "departure_rule": "timetable", "weekdays": "25", "departures_per_year": 104.0,
               "hours": 20.0, "service_class": "liner"}  # fmt: skip
    return t | {"services": pd.DataFrame([sailing | fields])}


GRAIN = Shipment("A", "D", "grain")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"weekdays": "1"},
        {"weekdays": "1234567", "departure_time": "06:00;21:30"},
        {"weekdays": "25", "departure_time": "08:00", "cutoff_hours": 6.0},
        {"weekdays": "67", "cutoff_hours": 30.0},
        {"departure_rule": "frequency", "wait_hours": 30.0, "weekdays": None},
    ],
)
def test_the_wait_of_the_timetable_is_on_average_the_wait_in_the_arc(fields: dict[str, object]) -> None:
    """One graph, two uses: mean over ready minutes spread evenly over weeks, against what every other solver pays."""
    case = tiny(**ferry(**fields))
    router = Router(case)
    best = router.ways(Shipment("A", "D", "grain", ready="2024-03-04")).cheapest
    query = router.query(Shipment("A", "D", "grain", ready="2024-03-04"), RouteOptions())
    graph = query.scene.model.graph
    at = int(np.flatnonzero(graph.kind[best.arcs] == ArcKind.WAIT)[0])
    expected = float(graph.wait_hours[best.arcs[at]])
    assert expected == float(router.model.graph.wait_hours[router.model.graph.kind == ArcKind.WAIT][0])
    waits = [waited(query, best.arcs, at, begin) for begin in np.arange(5.0, 4 * WEEK, 10.0)]
    assert np.mean(waits) == pytest.approx(expected, abs=1e-6)


def waited(query: Query, arcs: np.ndarray, at: int, begin: float) -> float:
    times = ride(query, arcs, begin)
    assert times is not None
    return float(times[at + 1] - times[at]) / 60.0


@pytest.mark.parametrize(
    "hours", ["08:00-20:00", "Mo-Fr 09:00-17:00", "20:00-06:00", "Sa,Su 00:00-24:00; We 10:00-12:00"]
)
def test_the_wait_at_a_border_is_on_average_the_wait_in_the_arc(hours: str) -> None:
    t = with_border(opening_hours=[hours])
    router = Router(tiny(**t))
    toys = Shipment("A", "D", "toys", ready="2024-03-04")
    best = router.ways(toys).cheapest
    query = router.query(toys, RouteOptions())
    graph = query.scene.model.graph
    at = int(np.flatnonzero(graph.kind[best.arcs] == ArcKind.BORDER)[0])
    expected = float(graph.wait_hours[best.arcs[at]])
    assert expected == pytest.approx(mean_closed_hours(parse_opening_hours(hours)))
    own = float(graph.border_hours[best.arcs[at]])
    waits = [waited(query, best.arcs, at, begin) - own for begin in np.arange(5.0, 4 * WEEK, 10.0)]
    assert np.mean(waits) == pytest.approx(expected, abs=1e-6)


def with_border(**fields: list[object]) -> dict[str, pd.DataFrame]:
    """The tiny case with a road A - D over one border, on which toys go by truck."""
    t = tables()
    road = frame(id=["A-D"], from_node=["A"], to_node=["D"], mode=["road"], length_km=[960.0])
    t["links"] = pd.concat([t["links"], road])
    post = {"id": ["A>D"], "name": ["A to D"], "from_node": ["A"], "to_node": ["D"], "mode": ["road"],
            "exit_hours": [1.0], "entry_hours": [1.0]}  # fmt: skip
    t["borders"] = pd.concat([t["borders"], frame(**(post | fields))])
    return t


def test_dates_of_a_route_by_hand() -> None:
    """Wagons 6 h loading, 24 h rail, transfer 24 h; ships on Tuesday and Friday noon; 6 h of border, 20 h at sea."""
    case = tiny(**ferry())
    (best, *_) = route(case, Shipment("A", "D", "grain", ready="2024-03-04"))  # a Monday
    assert best.arrival == np.datetime64("2024-03-08T12:00") + np.timedelta64(60 * (6 + 20 + 48 + 12 + 6), "m")
    assert best.departure == np.datetime64("2024-03-06T06:00")  # as late as makes that ship: waiting at home is free
    at_sea = best.legs[best.legs["mode"] == "sea"].iloc[-1]
    assert at_sea["depart"] == pd.Timestamp("2024-03-08T12:00")
    assert best.legs["dwell_hours"].sum() == 0.0
    assert not best.frequency_based
    assert best.hours == pytest.approx(float((best.arrival - best.departure) / np.timedelta64(60, "m")))
    assert best.objectives["time"] == pytest.approx(float((best.arrival - np.datetime64("2024-03-04")) /
                                                          np.timedelta64(60, "m")))  # fmt: skip


def test_frequencies_are_flagged_and_wait_as_expected() -> None:
    case = tiny(**ferry(departure_rule="fill_and_go", wait_hours=30.0, weekdays=None))
    (best, *_) = route(case, Shipment("A", "D", "grain", ready="2024-03-04"))
    assert best.frequency_based
    assert best.departure == np.datetime64("2024-03-04")
    assert best.hours == pytest.approx(6 + 24 + 24 + 30 + 6 + 20 + 48 + 12 + 6)
    assert best.hours == pytest.approx(route(case, GRAIN)[0].hours)


@pytest.mark.parametrize(
    ("fields", "leaves"),
    [
        ({"removed_days": "2024-03-08"}, "2024-03-12T12:00"),
        ({"added_days": "2024-03-07", "departure_time": "09:00"}, "2024-03-07T09:00"),
        ({"weekdays": None, "added_days": "2024-03-30;2024-04-30"}, "2024-03-30T12:00"),
        ({"season_months": "4;5"}, "2024-04-02T12:00"),
        ({"valid_from": "2024-03-13"}, "2024-03-15T12:00"),
        ({"open_from": "2024-05"}, "2024-05-03T12:00"),
        ({"cutoff_hours": 40.0}, "2024-03-08T12:00"),
        ({"cutoff_hours": 60.0}, "2024-03-12T12:00"),
    ],
)
def test_calendars_with_exceptions_seasons_and_cut_offs(fields: dict[str, object], leaves: str) -> None:
    case = tiny(**ferry(**fields))
    (best, *_) = route(case, Shipment("A", "D", "grain", ready="2024-03-04"))
    at_sea = best.legs[best.legs["mode"] == "sea"].iloc[-1]
    assert at_sea["depart"] == pd.Timestamp(leaves)


def test_states_and_restrictions_hold_on_the_days_they_name() -> None:
    t = ferry()
    t["links"]["open_from"] = [None, None, "2024-03-20"]
    (best, *_) = route(tiny(**t), Shipment("A", "D", "grain", ready="2024-03-04"))
    rail = best.legs[best.legs["mode"] == "rail"].iloc[-2]
    assert rail["depart"] == pd.Timestamp("2024-03-20")
    winter = frame(id=["ice"], name=["Ice"], applies_to=["links"], target=["B-C"], months=["3"], regime=["season"],
                   effect=["closed"], text=["-"])  # fmt: skip
    (best, *_) = route(tiny(**ferry(), restrictions=winter), Shipment("A", "D", "grain", ready="2024-03-04"))
    assert best.legs[best.legs["mode"] == "sea"].iloc[-1]["depart"] == pd.Timestamp("2024-04-02T12:00")
    flag = frame(id=["list"], name=["List"], applies_to=["nodes"], target=["C"], valid_from=["2024-03-10"],
                 regime=["us"], effect=["flag"], text=["-"], source=["s"])  # fmt: skip
    case = tiny(**ferry(), restrictions=flag)
    (before, *_) = route(case, Shipment("A", "D", "grain", ready="2024-03-01"))
    (after, *_) = route(case, Shipment("A", "D", "grain", ready="2024-03-09"))
    assert (before.restrictions, after.restrictions) == ((), ("list",))
    assert set(after.flags["as_of"]) == {"2024-03-12", "2024-03-13", "2024-03-15"}  # sails, is handled, goes by rail
    assert (after.flags[["regime", "effect"]] == ["us", "flag"]).to_numpy().all()


def test_a_window_gives_the_best_departures() -> None:
    case = tiny(**ferry())
    asked = Shipment("A", "D", "grain", ready="2024-03-04", window_days=10)
    found = pareto_routes(case, asked)
    assert [r.departure for r in found.routes] == [np.datetime64("2024-03-06T06:00")]
    assert found.profile["departure"].is_monotonic_increasing
    assert found.profile["arrival"].is_monotonic_increasing
    assert len(found.profile) == 4  # one for each ship that can be made: Friday, Tuesday, Friday, Tuesday
    assert set(found.profile["route"]) == {0}


def test_arrive_by() -> None:
    case = tiny(**ferry())
    (late, *_) = route(case, Shipment("A", "D", "grain", deadline="2024-03-14"))
    assert late.departure == np.datetime64("2024-03-06T06:00")  # for Friday 8 March; the ship of the 12th is too late
    (early, *_) = route(case, Shipment("A", "D", "grain", ready="2024-02-20", deadline="2024-03-14"))
    assert early.departure == np.datetime64("2024-02-21T06:00")
    with pytest.raises(NoRoute, match=r"the first arrival is 2024-03-12 08:00.*2024-03-11 is the deadline"):
        route(case, Shipment("A", "D", "grain", ready="2024-03-04", deadline="2024-03-11"))
    with pytest.raises(NoRoute, match=r"takes 7\.\d days, and 5 are allowed"):
        route(case, Shipment("A", "D", "grain", within_days=5))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ready": "2024-13-01"}, "ready is '2024-13-01'"),
        ({"ready": "soon"}, "ready is 'soon'"),
        ({"ready": "2024-03-04", "deadline": "2024-03-03"}, "deadline 2024-03-03 is not after"),
        ({"window_days": 3}, "give ready"),
        ({"ready": "2024-03-04", "window_days": -1}, "window is -1"),
        ({"ready": "2024-03-04", "window_days": float("nan")}, "window is nan"),
        ({"within_days": 0}, "within_days is 0"),
        ({"tonnes": -5.0}, "tonnes is -5"),
        ({"tonnes": 0.0}, "tonnes is 0"),
        ({"tonnes": float("nan")}, "tonnes is nan"),
        ({"tonnes": float("inf")}, "tonnes is inf"),
    ],
)
def test_impossible_shipments_are_told(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ShipmentError, match=words):
        Shipment("A", "D", "grain", **fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weekdays": "8"}, "weekdays has '8'"),
        ({"weekdays": None, "departures_per_year": 0.0}, "never sails: no weekdays"),
        ({"weekdays": "1", "valid_from": "2024-03-05", "valid_until": "2024-03-10"}, "never sails: no weekday or add"),
        ({"weekdays": None, "added_days": "2024-07-01", "season_months": "1"}, "never sails"),
        ({"added_days": "2024-02-30"}, "'2024-02-30' is no day"),
        ({"added_days": "2024-02-03", "removed_days": "2024-02-03"}, "both added and removed"),
        ({"departure_time": "25:00"}, "'25:00' is no time of day"),
    ],
)
def test_a_calendar_that_never_sails_is_its_own_error(fields: dict[str, object], words: str) -> None:
    case = tiny(**ferry(**fields))
    assert any(words in f.problem for f in check(case).errors)
    if not {"valid_from", "season_months"} & set(fields):  # of these, none is in force in the months looked at
        with pytest.raises(CaseError, match=words):
            route(case, Shipment("A", "D", "grain", ready="2024-03-04"))


def test_no_route_names_the_service_that_does_not_sail_in_time() -> None:
    t = ferry(weekdays=None, added_days="2027-03-01", to_node="C", from_node="A", via="B")
    t["links"].loc[0, "mode"] = "sea"
    t["links"].loc[0, "track_gauge_mm"] = None
    with pytest.raises(NoRoute, match="sail does not sail from 2024-03-01"):
        route(tiny(**t), Shipment("A", "C", "grain", ready="2024-03-04"))


def test_opening_hours_are_read_strictly() -> None:
    for text in ("08:00 - 20:00", "8-20", "Mo-Fr", "Mx 08:00-20:00", "08:00-20:00;", "08:00-25:00", ""):
        with pytest.raises(ValueError, match=r"hours|weekday|time of day"):
            parse_opening_hours(text)
    case = tiny(**with_border(opening_hours=["eight to five"]))
    assert any(f.field == "opening_hours" for f in check(case).errors)
    with pytest.raises(FormatError, match="opening_hours of A>D"):
        build_model(case)


def test_mean_waits() -> None:
    weekly = parse_calendar("1", None, None, None, float("nan"))
    assert weekly is not None
    assert mean_wait_hours(weekly) == 84.0
    monthly = parse_calendar(None, "2021-04-01;2021-05-01;2021-06-01", None, None, float("nan"))
    assert monthly is not None
    assert mean_wait_hours(monthly) == pytest.approx(24 * (30**2 + 31**2) / (2 * 61))
    assert mean_closed_hours(parse_opening_hours("24/7")) == 0.0
    assert mean_closed_hours(parse_opening_hours("12:00-24:00")) == pytest.approx(3.0)


# Timed answers against brute force: every path, every departure, by datetime arithmetic of their own.


def drawn(seed: int) -> Case:
    """The tiny case with three drawn sailings on the sea, a road with opening hours, and storage at the port."""
    rng = np.random.default_rng(seed)
    t = with_border(opening_hours=[str(rng.choice(["06:00-18:00", "Mo-Fr 08:00-16:00"]))])
    t["commodities"].loc[0, "carrying_units"] = "wagon_1520;wagon_1435;bulk;trailer"
    t["modes"].loc[1, "service_only_units"] = "bulk"
    rows = [
        {"id": f"s{i}", "name": f"S{i}", "mode": "sea", "carrying_units": "bulk", "from_node": "B", "to_node": "C",
         "departure_rule": "timetable", "service_class": "liner", "departures_per_year": 100.0,
         "weekdays": "".join(sorted(rng.choice(list("1234567"), rng.integers(1, 3), replace=False))),
         "departure_time": f"{rng.integers(0, 24):02d}:00", "hours": float(rng.integers(12, 40)),
         "cutoff_hours": float(rng.integers(0, 12))}
        for i in range(3)
    ]  # fmt: skip
    t["services"] = pd.DataFrame(rows)
    fares = frame(id=["f0", "f1", "f2"], mode=["sea"] * 3, service=["s0", "s1", "s2"],
                  usd_per_tonne=[float(x) for x in rng.integers(5, 30, 3)])  # fmt: skip
    t["freight_tariffs"] = pd.concat([t["freight_tariffs"], fares])
    grams = [float(x) for x in rng.integers(5, 90, 3)]
    modes = ["rail", "sea", "road"]
    t["emission_factors"] = frame(id=modes, mode=modes, g_co2e_per_tkm=grams, scope=["wtw"] * 3)
    t["dwell_charges"] = frame(id=["store"], kind=["storage"], node=["B"], from_hours=[24.0],
                               usd_per_tonne_day=[float(rng.integers(0, 6))], by_day=[bool(seed % 2)])  # fmt: skip
    return tiny(**t)


def by_hand(  # noqa: C901  an oracle in one piece
    query: Query, ready: datetime, until: datetime
) -> set[tuple[float, ...]]:
    """Return arrival (minutes since 1970), USD and kg per tonne of every journey that arrives in time."""
    model = query.scene.model
    graph, case = model.graph, model.case
    services, posts = case.services, case.borders
    goal = set(graph.sink_of_node[query.ends].tolist())
    dwell = case.dwell_charges.iloc[0]
    found: set[tuple[float, ...]] = set()

    def storage(arc: int, since: datetime, leaves: datetime) -> float:
        if case.nodes.index[graph.node[graph.tail[arc]]] != "B" or graph.kind[arc] != ArcKind.WAIT:
            return 0.0
        over = max(0.0, (leaves - since).total_seconds() / 86400 - 1.0)
        return float(dwell["usd_per_tonne_day"]) * (np.ceil(over - 1e-9) if dwell["by_day"] else over)

    def sets_out(arc: int, now: datetime) -> Iterator[datetime]:
        if graph.kind[arc] == ArcKind.WAIT:
            s = services.iloc[graph.service[arc]]
            day = now.replace(hour=0, minute=0)
            while day < until:
                leaves = day.replace(hour=int(s["departure_time"][:2]))
                if str(day.isoweekday()) in s["weekdays"] and leaves - timedelta(hours=s["cutoff_hours"]) >= now:
                    yield leaves
                day += timedelta(days=1)
        elif graph.kind[arc] == ArcKind.BORDER and isinstance(posts["opening_hours"].iloc[graph.border[arc]], str):
            text = str(posts["opening_hours"].iloc[graph.border[arc]])
            at = now
            while (text.startswith("Mo-Fr") and at.isoweekday() > 5) or not (
                int(text[-11:-9]) * 60 <= at.hour * 60 + at.minute <= int(text[-5:-3]) * 60
            ):
                at += timedelta(minutes=1)
            yield at
        else:
            yield now

    def go(node: int, now: datetime, usd: float, kg: float, seen: frozenset[int]) -> None:
        if now > until:
            return
        if node in goal:
            found.add(((now - EPOCH).total_seconds() / 60, round(usd, 6), round(kg, 6)))
            return
        for arc in np.flatnonzero((graph.tail == node) & query.open).tolist():
            head = int(graph.head[arc])
            if head in seen or graph.kind[arc] == ArcKind.ACCESS:
                continue
            bare = float(graph.hours[arc] - graph.wait_hours[arc])
            for at in sets_out(arc, now):
                paid = float(query.cost.money[arc]) + storage(arc, now, at)
                kilos = float(model.emissions.central[arc])
                go(head, at + timedelta(hours=bare), usd + paid, kg + kilos, seen | {head})

    for start in graph.source_of_node[query.starts].tolist():
        go(int(start), ready, 0.0, 0.0, frozenset({int(start)}))
    return found


def best_of(found: set[tuple[float, ...]]) -> set[tuple[float, ...]]:
    return {v for v in found if not any(w != v and all(x <= y for x, y in zip(w, v, strict=True)) for w in found)}


@pytest.mark.parametrize("seed", range(24))
def test_dated_search_equals_brute_force(seed: int) -> None:
    case = drawn(seed)
    ready, until = datetime(2024, 3, 4 + seed % 7, seed), datetime(2024, 3, 25)  # noqa: DTZ001
    asked = Shipment("A", "D", "grain", tonnes=60.0, ready=ready.isoformat(timespec="minutes"),
                     deadline=until.isoformat(timespec="minutes"))  # fmt: skip
    query = Router(case).query(asked, RouteOptions(objectives=("time", "cost", "co2e"), resolution=0.0))
    ways, guarantee, complete, _ = search(query)
    start = query.scene.timetable.start
    got = {(round(float(w.times[-1]) + start, 3), round(w.usd, 6), round(w.kg, 6)) for w in ways}
    wanted = best_of(by_hand(query, ready, until))
    assert complete
    assert guarantee == 0.0
    assert np.array(sorted(best_of(got))) == pytest.approx(np.array(sorted(wanted)), abs=1e-5)
    assert len(wanted) > 1


def test_a_forwarder_keeps_time_in_hand_before_a_dated_departure() -> None:
    t = ferry()
    t["transfers"]["hours_low"], t["transfers"]["hours_high"] = [12.0, 40.0], [42.0, 60.0]  # five hours at B
    (best, *_) = route(tiny(**t), Shipment("A", "D", "grain", ready="2024-03-04"))
    assert best.departure == np.datetime64("2024-03-05T20:00")  # ten hours before the last moment
    (gate,) = best.gates.values()
    assert np.datetime64(int(gate.leave[2]), "m") == np.datetime64("2024-03-08T12:00")


@pytest.mark.parametrize(
    ("fields", "alike"),
    [({"weekdays": "25"}, False), ({"departure_rule": "frequency", "wait_hours": 30.0, "weekdays": None}, True)],
)
def test_a_window_says_whether_its_departures_are_alike(fields: dict[str, object], *, alike: bool) -> None:
    asked = Shipment("A", "D", "grain", ready="2024-03-04", window_days=6)
    found = pareto_routes(tiny(**ferry(**fields)), asked)
    assert len(found.profile) > 1
    assert found.departures_alike == alike
