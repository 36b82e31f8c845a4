"""Routes: alternatives that differ, names, and what closes the way."""

from __future__ import annotations

import pandas as pd
import pytest
from tiny import frame, tables, tiny

from karavan.assignment.front import assign
from karavan.errors import AmbiguousName, CaseError, NameNotFound, NoRoute
from karavan.model import build_model
from karavan.routing.front import route
from karavan.routing.search import corridor_route
from karavan.routing.shipment import Shipment


def with_a_second_way() -> dict[str, pd.DataFrame]:
    """The tiny case with a road A - D through a border of its own; grain may go by truck."""
    t = tables()
    t["links"] = pd.concat(
        [
            t["links"],
            frame(id=["A-D"], from_node=["A"], to_node=["D"], mode=["road"], length_km=[960.0]),
        ]
    )
    t["borders"] = pd.concat(
        [
            t["borders"],
            frame(id=["A>D", "D>A"], name=["A to D", "D to A"], from_node=["A", "D"], to_node=["D", "A"],
                  mode=["road", "road"], exit_hours=[10.0, 10.0], entry_hours=[10.0, 10.0]),
        ]
    )  # fmt: skip
    t["commodities"].loc[0, "carrying_units"] = "wagon_1520;wagon_1435;bulk;trailer"
    return t


def test_alternatives_differ_in_ports_or_borders_and_come_in_order_of_cost() -> None:
    model = build_model(tiny(**with_a_second_way()))
    routes = route(model, Shipment("A", "D", "grain"))
    assert [r.reason for r in routes] == ["cheapest, least money", "fastest, fewest handlings"]
    assert routes[0].generalized_cost < routes[1].generalized_cost
    assert routes[0].signature != routes[1].signature
    assert routes[1].money == pytest.approx(3 + 960 * 0.1 + 3)
    assert routes[1].hours == pytest.approx(2 + 20 + 48 + 2)
    assert route(model, Shipment("A", "D", "grain"), alternatives=0)[0].km == routes[0].km


def test_no_route_names_the_restriction_that_closes_it() -> None:
    restrictions = frame(
        id=["ice"], name=["Ice in the bay"], applies_to=["nodes"], target=["B"], regime=["physical"], effect=["closed"],
        text=["Nothing passes."],
    )  # fmt: skip
    with pytest.raises(NoRoute, match="closed by restriction: Ice in the bay"):
        route(tiny(restrictions=restrictions), Shipment("A", "D", "grain"))


def test_a_restriction_of_one_commodity_or_another_time_does_not_close_the_way() -> None:
    restrictions = frame(
        id=["toys", "past", "winter"], name=["No toys", "Past", "Winter"], applies_to=["links"] * 3, target=["B-C"] * 3,
        commodities=["toys", None, None], valid_until=[None, "2020", None], months=[None, None, "1;2"],
        regime=["national", "physical", "season"], effect=["closed"] * 3, text=["-"] * 3,
    )  # fmt: skip
    (best,) = route(tiny(restrictions=restrictions), Shipment("A", "D", "grain"))
    assert best.restrictions == ("winter",)


def test_months_close_the_way_on_a_day_of_them_that_is_asked_for() -> None:
    """Ice of January closes a day in January, and is a flag on the year's routes."""
    winter = frame(id=["ice"], name=["Ice"], applies_to=["links"], target=["B-C"], months=["12;1;2"], regime=["season"],
                   effect=["closed"], text=["-"])  # fmt: skip
    case = tiny(restrictions=winter)
    assert route(case, Shipment("A", "D", "grain"))[0].restrictions == ("ice",)
    assert route(case, Shipment("A", "D", "grain"), day="2024-07-01")[0].km == pytest.approx(840)
    with pytest.raises(NoRoute, match="closed by restriction: Ice"):
        route(case, Shipment("A", "D", "grain"), day="2024-01-15")


def with_a_ferry(**fields: object) -> dict[str, pd.DataFrame]:
    """The tiny case where grain crosses the sea by a sailing alone, with some fields of the service."""
    t = tables()
    t["modes"].loc[1, "service_only_units"] = "bulk"
    sailing = {"id": "sail", "name": "Sailing", "mode": "sea", "carrying_units": "bulk", "from_node": "B",
               "to_node": "C", "departure_rule": "fill_and_go", "wait_hours": 24.0, "hours": 20.0,
               "wait_basis": "assumed"}  # fmt: skip
    return t | {"services": pd.DataFrame([sailing | fields])}


@pytest.mark.parametrize(
    ("fields", "day", "words"),
    [
        ({"status": "suspended"}, None, "sail is suspended on 2024-07-01"),
        ({"valid_from": "2025-03"}, None, r"sail is not open on 2024-07-01 \(from 2025-03\)"),
        ({"open_until": "2020"}, None, r"sail is not open on 2024-07-01 \(until 2020\)"),
        ({"season_months": "5;6"}, "2024-07-01", r"sail is not open on 2024-07-01 \(months 5, 6\)"),
    ],
)
def test_no_route_names_the_service_that_does_not_run(fields: dict[str, str], day: str | None, words: str) -> None:
    with pytest.raises(NoRoute, match=words):
        route(tiny(**with_a_ferry(**fields)), Shipment("A", "D", "grain"), day=day)


def test_a_seasonal_service_runs_in_its_months_and_in_the_year() -> None:
    case = tiny(**with_a_ferry(season_months="5;6"))
    for day in (None, "2024-05-20"):
        assert route(case, Shipment("A", "D", "grain"), day=day)[0].km == pytest.approx(840)


def test_one_place_is_no_journey() -> None:
    with pytest.raises(NoRoute, match="one place"):
        route(tiny(), Shipment("A", "Aby", "grain"))


@pytest.mark.parametrize(
    ("table", "field", "changed", "words"),
    [
        ("links", "length_km", {}, "no money"),
        ("links", "length_km", {"freight_tariffs": frame(id=[])}, "no time"),
        ("modes", "km_per_day", {}, "no time"),
        ("commodities", "value_of_time_usd_per_tonne_hour", {"freight_tariffs": frame(id=[])}, "would cost nothing"),
    ],
)
def test_movement_is_never_free_because_a_cell_is_empty(
    table: str, field: str, changed: dict[str, pd.DataFrame], words: str
) -> None:
    t = tables() | changed
    t[table].loc[0, field] = None
    with pytest.raises(CaseError, match=words):
        route(tiny(**t), Shipment("A", "D", "grain"))
    with pytest.raises(CaseError, match=words):
        assign(tiny(**t))


def test_no_route_names_the_planned_link() -> None:
    t = tables()
    t["links"]["status"] = ["open", "planned", "open"]
    with pytest.raises(NoRoute, match="B-C is planned on 2024-07-01"):
        route(tiny(**t), Shipment("A", "D", "grain"))


def test_no_route_names_the_missing_tariff() -> None:
    t = tables()
    t["freight_tariffs"] = t["freight_tariffs"][t["freight_tariffs"]["mode"] != "sea"]
    with pytest.raises(NoRoute, match="no freight tariff prices grain on B-C"):
        route(tiny(**t), Shipment("A", "D", "grain"))


def test_no_route_when_the_goods_cannot_travel() -> None:
    with pytest.raises(NoRoute, match="no chain of links and transfers"):
        route(tiny(), Shipment("A", "D", "toys"))


def test_places_stand_for_all_their_nodes_and_towns_of_one_name_are_asked_about() -> None:
    t = tables()
    t["nodes"]["place"] = ["Aby", "Port", "Port (C)", "Dale"]
    with pytest.raises(AmbiguousName, match=r"Port, Port \(C\)"):
        route(tiny(**(t | {"aliases": frame(name=["Haven", "Haven"], table=["nodes", "nodes"], id=["B", "C"])})),
              Shipment("Haven", "D", "grain"))  # fmt: skip
    t["nodes"]["place"] = ["Town", "Town", "Cove", "Dale"]
    best = route(tiny(**t), Shipment("town", "Dale", "grain"))[0]
    assert best.origin == "B"
    with pytest.raises(NameNotFound, match="Did you mean Dale"):
        route(tiny(**t), Shipment("town", "Dalle", "grain"))


def test_a_corridor_is_travelled_on_its_own_modes() -> None:
    model = build_model(tiny())
    legs = [
        ("A", "B", "rail", "wagon_1520", None),
        ("B", "C", "sea", "bulk", None),
        ("C", "D", "rail", "wagon_1435", None),
    ]
    way = corridor_route(model, legs, "grain")
    assert way is not None
    assert way.km == pytest.approx(840)
    assert corridor_route(model, [("A", "C", "rail", "wagon_1520", None)], "grain") is None
