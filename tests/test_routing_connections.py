"""Every connection that the five articles name comes out right on the Caspian pack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from karavan.errors import NoRoute
from karavan.routing.front import route
from karavan.routing.options import RouteOptions
from karavan.routing.router import Router
from karavan.routing.shipment import Route, Shipment
from karavan.schema.io.packs import read_pack

if TYPE_CHECKING:
    from collections.abc import Iterator

FLIGHT = "GBT-SCO-flight-2021"


@pytest.fixture(scope="module")
def caspian() -> Router:
    return Router(read_pack("caspian"))


def movements(found: Route) -> list[tuple[str, str, str, str]]:
    """Return mode, unit, from and to of each movement."""
    rows = found.legs[found.legs["what"] == "movement"]
    return list(zip(rows["mode"], rows["unit"], rows["from"], rows["to"], strict=True))


def links(router: Router, found: Route) -> list[str]:
    """Return the links travelled, in order."""
    assert found.model is not None
    graph = found.model.graph
    return [str(router.case.links.index[link]) for a in found.arcs.tolist() for link, _ in graph.links_under(a)]


def countries(router: Router, found: Route) -> set[str]:
    nodes = router.case.nodes["country"]
    ends = router.case.links.loc[links(router, found), ["from_node", "to_node"]].to_numpy().ravel()
    return {str(nodes[n]) for n in ends if isinstance(nodes[n], str)}


def quoted(shared: Path, words: str) -> bool:
    return any(words in " ".join(p.read_text(encoding="utf-8").split()) for p in (shared / "articles").glob("*.txt"))


def test_the_articles_do_name_these_connections(shared: Path) -> None:
    for words in (
        "connections between the ports of Aktau and Kuryk and the Iranian ports of Amirabad and Anzali",
        "seaports of Bandar Abbas and Chabahar",
        "Kazakhstan-Turkmenistan-Iran railway",
        "Middle Corridor",
        "International North-South Transport Corridor",
        "between Qazvin, which is one of the major Iranian industrial provinces, and Port Aktau",
        "first flight between the northern Iranian city of Gorgan and Aktau",
    ):
        assert quoted(shared, words), words


@pytest.mark.parametrize("start", ["Aktau", "Kuryk"])
@pytest.mark.parametrize("end", ["Amirabad", "Anzali"])
def test_the_two_kazakh_ports_reach_the_two_iranian_ones_by_sea(caspian: Router, start: str, end: str) -> None:
    """Chartered ships carry bulk between all four pairs; at 3,000 t the ship is full and the cheapest way."""
    best, *_ = route(caspian, Shipment(start, end, "wheat", tonnes=3000.0))
    assert [m[0] for m in movements(best)] == ["sea"]
    assert [p[:2] for p in best.ports] == ["KZ", "IR"]
    assert best.borders
    assert 3 < best.days < 25


@pytest.mark.parametrize("start", ["Aktau", "Kuryk"])
def test_on_to_bandar_abbas_by_rail(caspian: Router, start: str) -> None:
    asked = RouteOptions(avoid=("AZE", "TKM"))
    best, *_ = route(caspian, Shipment(start, "Bandar Abbas", "wheat", tonnes=3000.0), options=asked)
    modes = [m[0] for m in movements(best)]
    assert modes[-2:] == ["sea", "rail"]
    gauge = caspian.case.links["track_gauge_mm"]
    assert {int(gauge[link]) for link in links(caspian, best) if link.startswith("IR") and "rail" in link} == {1435}


@pytest.mark.parametrize("start", ["Aktau", "Kuryk"])
@pytest.mark.parametrize("day", ["2020-07-01", "2024-07-01"])
def test_on_to_chabahar_the_last_stretch_is_road_while_the_railway_is_not_open(
    caspian: Router, start: str, day: str
) -> None:
    """The railway ends at Zahedan, since November 2022 at Khash; beyond it there is the road alone."""
    router = caspian if day.startswith("2024") else Router(caspian.case, day=day)
    for found in route(router, Shipment(start, "Chabahar", "general_cargo"), alternatives=6):
        used = links(router, found)
        if "IN" in {p[:2] for p in found.ports}:
            continue  # round by sea
        last = next(k for k in reversed(range(len(used))) if used[k].endswith("-rail")) if any(
            u.endswith("-rail") for u in used) else -1  # fmt: skip
        beyond = used[last + 1 :]
        assert {"IR_KHS-IR_IRS-road", "IR_IRS-IR_CHB-road"} <= set(beyond) or beyond[-1] == "IR_IRS-IR_CHB-road"
        assert not {"IR_KHS-IR_IRS-rail", "IR_IRS-IR_CHB-rail"} & set(used)
        if day < "2022-11-12":
            assert "IR_ZAH-IR_KHS-rail" not in used


def test_once_the_railway_to_chabahar_opens_it_is_used(caspian: Router) -> None:
    table = caspian.case.links
    table.loc[["IR_KHS-IR_IRS-rail", "IR_IRS-IR_CHB-rail"], "status"] = "open"
    table.loc[["IR_KHS-IR_IRS-rail", "IR_IRS-IR_CHB-rail"], "open_from"] = "2026-04-01"
    router = Router(caspian.case.with_tables(links=table))
    best, *_ = route(router, Shipment("Tehran", "Chabahar", "general_cargo", ready="2026-05-01"))
    assert {m[0] for m in movements(best)} == {"rail"}
    before, *_ = route(router, Shipment("Tehran", "Chabahar", "general_cargo", ready="2026-01-01"))
    assert movements(before)[-1][0] == "road"


@pytest.mark.parametrize(("goods", "tonnes"), [("wheat", 1000.0), ("general_cargo", 20.0)])
def test_the_kazakhstan_turkmenistan_iran_railway_changes_gauge(caspian: Router, goods: str, tonnes: float) -> None:
    best, *_ = route(caspian, Shipment("Uzen", "Gorgan", goods, tonnes=tonnes), options=RouteOptions(only=("rail",)))
    assert [b.split(",")[0] for b in best.borders] == [
        "Bolashak to Serhetyaka", "Akyayla to Incheh Borun station",
    ]  # fmt: skip
    gauge = caspian.case.links["track_gauge_mm"]
    gauges = [int(gauge[link]) for link in links(caspian, best)]
    assert sorted(set(gauges)) == [1435, 1520]
    assert gauges == sorted(gauges, reverse=True)  # one change, from broad to standard
    changes = best.legs[best.legs["what"] == "transfer"]
    assert changes["from"].tolist() == ["TM_AKY"]
    if goods == "wheat":
        assert [m[1] for m in movements(best)] == ["wagon_1520", "wagon_1435"]


def test_the_middle_corridor_to_poti(caspian: Router) -> None:
    best, *_ = route(caspian, Shipment("Khorgos", "Poti", "general_cargo"), options=RouteOptions(avoid=("RUS", "IRN")))
    assert countries(caspian, best) == {"KAZ", "AZE", "GEO"}
    assert best.ports[0] in {"KZ_AKT", "KZ_KUR"}
    assert best.ports[-1] == "AZ_ALA"
    assert best.destination == "GE_POT"
    assert movements(best)[0][0] == "rail"


def test_the_middle_corridor_to_istanbul_by_baku_tbilisi_kars(caspian: Router) -> None:
    asked = RouteOptions(avoid=("RUS", "IRN"), only=("rail", "ferry", "sea"))
    best, *_ = route(caspian, Shipment("Khorgos", "Istanbul", "general_cargo"), options=asked)
    used = links(caspian, best)
    assert "Akhalkalaki to Kars, rail" in best.borders
    assert any("GE_AKH" in link and link.endswith("-rail") for link in used)
    turned = best.legs.loc[best.legs["what"] == "transfer", "from"].tolist()
    assert "GE_AKH" in turned  # from 1520 to 1435 mm
    assert countries(caspian, best) == {"KAZ", "AZE", "GEO", "TUR"}


@pytest.mark.parametrize(
    ("branch", "avoid", "passes", "crosses"),
    [
        ("west", ("KAZ", "TKM", "IR_ANZ", "IR_AMI", "GEO", "RU_NVS", "RU_LED"), {"AZE", "IRN"}, "Astara"),
        ("centre", ("KAZ", "TKM", "AZE", "GEO", "RU_NVS", "RU_LED"), {"RUS", "IRN"}, "Bandar Anzali"),
        ("east", ("AZE", "GEO", "RU_AST", "RU_OLY", "RU_MAK", "RU_NVS", "RU_LED"), {"KAZ", "TKM", "IRN"}, "Bolashak"),
    ],
)
def test_three_branches_of_the_north_south_corridor(
    caspian: Router, branch: str, avoid: tuple[str, ...], passes: set[str], crosses: str
) -> None:
    asked = RouteOptions(avoid=avoid, alternatives=0)
    (best,) = route(caspian, Shipment("Moscow", "Mumbai", "general_cargo"), options=asked)
    assert passes <= countries(caspian, best), branch
    assert any(crosses in border for border in best.borders)
    assert best.ports[-1] == "IN_NSA"
    assert {"IR_BND", "IR_CHB"} & set(best.ports)


def test_all_three_branches_are_among_the_answers(caspian: Router) -> None:
    found = route(caspian, Shipment("Moscow", "Mumbai", "general_cargo"), alternatives=12)
    words = [" ".join(r.borders) for r in found]
    assert any("Astara" in w for w in words)
    assert any("Bolashak" in w for w in words)
    ways = caspian.ways(Shipment("Moscow", "Mumbai", "general_cargo"), RouteOptions(avoid=("RU_NVS",)))
    seas = [w for w in ways.ways if "RU_AST" in str(caspian.case.nodes.index[ways.query.scene.model.graph.node[
        ways.query.scene.model.graph.tail[w.arcs]]].tolist())]  # fmt: skip
    assert seas  # the branch across the sea is Pareto-good too


def test_qazvin_to_aktau(caspian: Router) -> None:
    found = route(caspian, Shipment("Qazvin", "Aktau", "fruit_nuts"), alternatives=5)
    assert {r.origin for r in found} == {"IR_QAZ"}
    assert any(r.ports[:1] in {("IR_ANZ",), ("IR_AMI",), ("IR_CAS",)} and r.ports[-1] == "KZ_AKT" for r in found)
    assert any(countries(caspian, r) == {"IRN", "TKM", "KAZ"} for r in found)


def parcel(ready: str) -> Shipment:
    return Shipment("Gorgan", "Aktau", "general_cargo", tonnes=0.5, ready=ready)


def flights(found: list[Route]) -> Iterator[Route]:
    yield from (r for r in found if "air" in set(r.legs["mode"]))


def test_a_parcel_flies_from_gorgan_to_aktau_on_the_day_of_the_flight(caspian: Router) -> None:
    asked = RouteOptions(include=(FLIGHT,))
    found = route(caspian, parcel("2021-03-30"), options=asked)
    (flight,) = flights(found)
    assert "fastest" in flight.reasons
    in_the_air = (flight.legs["mode"] == "air") & (flight.legs["what"] == "movement")
    assert flight.legs.loc[in_the_air, "depart"].tolist() == [np.datetime64("2021-04-01T12:00")]
    assert not flight.frequency_based


def test_who_misses_the_monthly_flight_waits_or_goes_another_way(caspian: Router) -> None:
    asked = RouteOptions(include=(FLIGHT,))
    found = route(caspian, parcel("2021-04-02"), options=asked)
    (flight,) = flights(found)
    assert flight.departure == np.datetime64("2021-05-01T00:00")  # in time to be loaded for the flight of 1 May
    assert "fastest" not in flight.reasons
    (fastest,) = (r for r in found if "fastest" in r.reasons)
    assert "air" not in set(fastest.legs["mode"])
    assert fastest.arrival < flight.departure
    with pytest.raises(NoRoute, match=r"first arrival is 2021-05-02.*2021-04-20 is the deadline"):
        route(
            caspian,
            replace(parcel("2021-04-02"), deadline="2021-04-20"),
            options=RouteOptions(include=(FLIGHT,), only=("air",)),
        )


def test_a_flight_not_known_to_take_cargo_is_not_used_unless_asked_for(caspian: Router) -> None:
    assert not list(flights(route(caspian, parcel("2021-03-30"))))
    assert list(caspian.case.services.loc[caspian.case.services["mode"] == "air", "cargo_known"].unique()) == [False]
    with pytest.raises(NoRoute):
        route(caspian, Shipment("Gorgan", "Aktau", "wheat", ready="2021-03-30"),
              options=RouteOptions(include=(FLIGHT,), only=("air",)))  # fmt: skip


def test_a_commodity_no_mode_may_carry_is_told(caspian: Router) -> None:
    case = caspian.case
    modes = case.modes
    modes.loc["rail", "carrying_units"] = "container"
    modes.loc[["road", "sea", "ferry"], "carrying_units"] = "container"
    modes.loc[["sea", "ferry"], "service_only_units"] = "container"
    with pytest.raises(NoRoute, match=r"no mode carries Crude oil: it travels in bulk, wagon_1520"):
        route(case.with_tables(modes=modes), Shipment("Aktau", "Baku", "crude_oil"))
