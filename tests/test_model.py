"""Graph, cost and capacity of a case worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import frame, tables, tiny

from karavan.model import build_model, problem_of
from karavan.network.graph import ArcKind
from karavan.routing.front import route
from karavan.routing.shipment import Shipment
from karavan.schema.check import check


def test_the_tiny_case_is_sound() -> None:
    assert check(tiny()).findings == ()


def test_route_adds_up_by_hand() -> None:
    (best, *others) = route(tiny(), Shipment("Aby", "Dale", "grain", 1000.0))
    assert others == []
    # load 6 + 24 rail + 24 handling + 6 border + 24 sea + 48 handling + 12 rail + 6 unload
    assert best.hours == pytest.approx(6 + 24 + 24 + 6 + 24 + 48 + 12 + 6)
    assert best.km == pytest.approx(840)
    # loading 1 + 1; rail 240 x 0.05; transfer 5 and 17 wagons at 60 USD over 1000 t; sea 10; border 1000 / 1000;
    # transfer 7; rail 120 x 0.1
    assert best.money == pytest.approx(1 + 12 + 5 + 17 * 60 / 1000 + 10 + 1 + 7 + 12 + 1)
    assert best.generalized_cost == pytest.approx(best.money + 0.01 * best.hours)
    assert best.handlings == 2
    assert best.ports == ("B", "C")
    assert best.borders == ("B to C",)
    assert best.legs["what"].tolist() == ["load", "movement", "transfer", "movement", "transfer", "movement", "unload"]


def test_a_transfer_at_a_timed_gauge_change_takes_no_time_of_its_own() -> None:
    t = tables()
    t["links"] = frame(
        id=["A-B", "B-C"], from_node=["A", "B"], to_node=["B", "C"], mode=["rail", "rail"],
        length_km=[240.0, 480.0], track_gauge_mm=[1520, 1435],
    )  # fmt: skip
    t["transfers"] = frame(
        id=["B"], node=["B"], kind=["transload"], from_mode=["rail"], from_track_gauge_mm=[1520],
        from_unit=["wagon_1520"], to_mode=["rail"], to_track_gauge_mm=[1435], to_unit=["wagon_1435"], hours=[30.0],
    )  # fmt: skip
    t["borders"] = frame(
        id=["B>C"], name=["B to C"], from_node=["B"], to_node=["C"], mode=["rail"], exit_hours=[10.0],
        entry_hours=[5.0],
        includes_gauge_change=[True],
    )  # fmt: skip
    (best,) = route(tiny(**t), Shipment("A", "C", "grain"))
    assert best.hours == pytest.approx(6 + 24 + 0 + 15 + 48 + 6)
    t["borders"]["includes_gauge_change"] = False
    (best,) = route(tiny(**t), Shipment("A", "C", "grain"))
    assert best.hours == pytest.approx(6 + 24 + 30 + 15 + 48 + 6)


def test_containers_go_by_sea_only_with_a_service() -> None:
    model = build_model(tiny())
    graph = model.graph
    box = model.case.carrying_units.index.get_loc("container")
    at_sea = (graph.kind == ArcKind.HAUL) & (graph.arc_mode == model.case.modes.index.get_loc("sea"))
    assert box not in set(graph.arc_unit[at_sea])
    services = frame(
        id=["line"], name=["Line"], mode=["sea"], service_class=["feeder"], carrying_units=["container"],
        from_node=["B"], to_node=["C"], departure_rule=["timetable"], departures_per_year=[52.0], both_ways=[True],
    )  # fmt: skip
    graph = build_model(tiny(services=services)).graph
    run, wait = graph.kind == ArcKind.RUN, graph.kind == ArcKind.WAIT
    assert run.sum() == wait.sum() == 2
    assert graph.move_hours[run].tolist() == [24.0, 24.0]
    assert graph.border_hours[run].tolist() == [6.0, 8.0]
    assert graph.wait_hours[wait].tolist() == pytest.approx([365 * 24 / 52 / 2] * 2)


def test_capacity_rows_by_direction_with_returning_empties() -> None:
    facilities = frame(
        id=["line", "port"], name=["Line", "Port"], kind=["line", "port"], unit=["wagons", "tonnes"],
        element_table=["links", "transfers"], elements=["A-B", None], node=[None, "B"], modes=[None, "sea"],
        direction=["each", "both"], capacity_stated=[100.0, 900.0], capacity_used=["stated", "stated"],
    )  # fmt: skip
    preloads = frame(id=["p"], facility=["line"], direction=["forward"], units_per_year=[30.0], traffic=["coal"])
    model = build_model(tiny(facilities=facilities, preloads=preloads))
    capacity, graph = model.capacity, model.graph
    assert capacity.direction == ("forward", "backward", "both")
    assert capacity.net.tolist() == [70.0, 100.0, 900.0]
    problem = problem_of(model)
    wagon = model.case.carrying_units.index.get_loc("wagon_1520")
    arc = int(
        np.flatnonzero((graph.kind == ArcKind.HAUL) & (graph.link == 0) & graph.forward & (graph.arc_unit == wagon))[0]
    )
    part = slice(problem.usage_indptr[arc], problem.usage_indptr[arc + 1])
    # a tonne of grain is 1/60 wagon there, and half of them come back empty
    assert dict(zip(problem.usage_row[part], problem.usage_units[part], strict=True)) == pytest.approx(
        {0: 1 / 60, 1: 0.5 / 60}
    )


def test_a_month_has_a_twelfth_of_the_capacity_and_the_peak_of_the_demand() -> None:
    demand = frame(
        id=["1", "2"], origin=["a", "d"], destination=["d", "a"], commodity=["grain", "grain"],
        tonnes=[1200.0, 1200.0], peak_month_share=[0.25, None],
    )  # fmt: skip
    problem = problem_of(build_model(tiny(demand=demand)), month=True)
    assert problem.tonnes.tolist() == pytest.approx([300.0, 100.0])
