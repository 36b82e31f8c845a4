"""What a forwarder expects of routes on the Caspian pack: limits kept, nothing absurd, terms, plain errors."""

from __future__ import annotations

import numpy as np
import pytest

from karavan.errors import NameNotFound, NoRoute, ShipmentError
from karavan.report.routes import route_records
from karavan.routing.choose import choose
from karavan.routing.front import route
from karavan.routing.options import RouteOptions
from karavan.routing.router import Router
from karavan.routing.shipment import Shipment
from karavan.routing.ways import turns_back
from karavan.schema.io.packs import read_pack


@pytest.fixture(scope="module")
def caspian() -> Router:
    return Router(read_pack("caspian"))


def box(origin: str, destination: str, **more: object) -> Shipment:
    return Shipment(origin, destination, "general_cargo", **more)  # type: ignore[arg-type]


def test_every_shown_way_keeps_to_what_is_asked(caspian: Router) -> None:
    """Alternatives that are looked for besides the Pareto-good ways too."""
    asked = RouteOptions(avoid=("RUS", "IRN"), alternatives=8)
    assert all(r.days <= 20 for r in route(caspian, box("Khorgos", "Istanbul", within_days=20.0), options=asked))
    poor = RouteOptions(avoid=("RUS", "IRN"), alternatives=8, budget={"cost": 260.0})
    shown = route(caspian, box("Khorgos", "Istanbul"), options=poor)
    assert len(shown) > 1
    assert all(r.money <= 260 for r in shown)
    late = np.datetime64("2026-03-21T00:00")
    by = route(caspian, box("Khorgos", "Poti", deadline="2026-03-20"), options=RouteOptions(alternatives=8))
    assert len(by) > 2
    assert all(late - np.timedelta64(2, "D") < r.arrival <= late for r in by)  # the last departure that makes it


def test_no_alternative_turns_back(caspian: Router) -> None:
    """By rail alone there are few ways to Poti; going to Iran or Poland and back is none."""
    only = RouteOptions(only=("rail",), alternatives=8)
    found = caspian.ways(box("Khorgos", "Poti"), only)
    shown = choose(found)
    assert len(shown) > 1
    for choice in shown:
        assert not turns_back(found.query, choice.way.arcs)
    assert all(len({frozenset(b.split(",")[0].split(" to ")) for b in r.borders}) == len(r.borders)
               for r in route(caspian, box("Khorgos", "Poti"), options=only))  # fmt: skip


@pytest.mark.parametrize(
    ("shipment", "port"),
    [
        (box("Altynkol", "Tehran", incoterm="FOB", incoterm_place="Aktau"), "KZ_AKT"),
        (box("Moscow", "Tehran", incoterm="CIF", incoterm_place="Amirabad"), "IR_AMI"),
        (box("Moscow", "Tehran", incoterm="CIF", incoterm_place="Amirabad", ready="2026-06-01"), "IR_AMI"),
    ],
)
def test_a_term_of_the_sea_finds_its_port_where_land_is_better(caspian: Router, shipment: Shipment, port: str) -> None:
    plain = route(caspian, box(shipment.origin, shipment.destination, ready=shipment.ready), alternatives=0)[0]
    assert port not in plain.ports
    for found in route(caspian, shipment):
        assert port in found.ports
        assert set(found.charges["payer"]) == {"seller", "buyer"}
        assert found.generalized_cost <= 2 * plain.generalized_cost


def test_a_term_of_the_sea_does_not_go_to_sea_and_back(caspian: Router) -> None:
    with pytest.raises(ShipmentError, match="use FCA instead"):
        route(caspian, box("Almaty", "Tashkent", incoterm="FOB"))


def test_reliability_counts_in_the_order_alone(caspian: Router) -> None:
    shipment = box("Moscow", "Mumbai")
    off, on = (route(caspian, shipment, options=RouteOptions(reliability_ratio=x)) for x in (0.0, 0.4))
    worth = float(caspian.case.commodities.loc["general_cargo", "value_of_time_usd_per_tonne_hour"])
    assert {r.usd_reliability for r in off} == {0.0}
    for found in on:
        assert found.usd_reliability == pytest.approx(0.4 * worth * found.risk)
        same = [r for r in off if np.array_equal(r.arcs, found.arcs)]
        assert all(r.money == found.money and r.generalized_cost == found.generalized_cost for r in same)
    cost = [r.generalized_cost + r.usd_reliability for r in on]
    assert cost == sorted(cost)
    much = route(caspian, shipment, options=RouteOptions(reliability_ratio=20.0))
    assert much[0].risk < off[0].risk
    assert route_records(caspian.case, on)[0]["usd_per_tonne"]["reliability"] == on[0].usd_reliability
    for wrong in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ShipmentError, match="reliability ratio"):
            RouteOptions(reliability_ratio=wrong)


def test_the_first_way_says_that_time_counts_where_another_costs_less(caspian: Router) -> None:
    first, *others = route(caspian, box("Khorgos", "Poti"))
    assert first.reasons[0] == "cheapest with time counted"
    assert any(o.money < first.money and "least money" in o.reasons for o in others)
    assert len({r.reason for r in (first, *others)}) == 1 + len(others)


def test_what_closes_every_way_is_told_apart(caspian: Router) -> None:
    steel = Shipment("Astana", "Bandar Abbas", "steel", 500.0)
    with pytest.raises(NoRoute, match=r"\(comply us\); without it there is one, which meets: US measures on Iran"):
        route(caspian, steel, options=RouteOptions(comply=("us", "eu", "un")))
    with pytest.raises(NoRoute, match=r"\(avoid KAZ\)"):
        route(caspian, steel, options=RouteOptions(avoid=("ferry", "KAZ")))


def test_wrong_units_and_windows_have_plain_errors(caspian: Router) -> None:
    with pytest.raises(NameNotFound, match="No carrying unit is called 'canoe'"):
        route(caspian, box("Khorgos", "Poti", unit="canoe"))
    with pytest.raises(ShipmentError, match="crude oil does not travel in the unit container: name one of bulk"):
        route(caspian, Shipment("Khorgos", "Poti", "crude oil", unit="container"))
    with pytest.raises(ShipmentError, match="give at most 366"):
        box("Khorgos", "Poti", ready="2026-03-02", window_days=5000.0)


def test_long_windows_are_tried_on_whole_days(caspian: Router) -> None:
    query = caspian.query(box("Khorgos", "Poti", ready="2026-03-02", window_days=100.0), RouteOptions())
    assert set(np.diff(query.begins) % 1440) == {0.0}
    assert query.begins.size <= 61


def test_a_box_costs_what_this_shipment_pays_for_it(caspian: Router) -> None:
    """Twenty tonnes of general cargo (13.02 t to a container) travel in two half full ones."""
    (best,) = route(caspian, box("Khorgos", "Poti"), alternatives=0)
    assert best.usd_per_teu == pytest.approx(best.money * 20.0 / 2)
    (record,) = route_records(caspian.case, [best])
    assert {leg["units"] for leg in record["legs"] if leg["unit"] == "container"} == {2}
    (one,) = route(caspian, Shipment("Khorgos", "Poti", "general_cargo", 13.0), alternatives=0)
    assert one.usd_per_teu == pytest.approx(one.money * 13.0)


def test_carriage_to_a_place_is_paid_to_where_the_train_ends(caspian: Router) -> None:
    """Aktau is a station and a port; the container train passes the one and ends at the other."""
    shipment = box("Khorgos", "Poti", incoterm="FCA", incoterm_place="Aktau")
    (best,) = route(caspian, shipment, options=RouteOptions(alternatives=0, only=("ALT-AKT-block",)))
    train = best.legs.index[best.legs["service"] == "ALT-AKT-block"][0]
    assert set(best.charges.loc[best.charges["leg"] <= train, "payer"]) == {"seller"}
    assert set(best.charges.loc[best.charges["leg"] > train, "payer"]) == {"buyer"}
