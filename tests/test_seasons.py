"""Months: what ice, wind and seasons close, and how much of a year's capacity each month has."""

from __future__ import annotations

import numpy as np
import pytest
from promise_case import frame, three_lines

from karavan.assignment import LeastCost
from karavan.assignment.front import assign
from karavan.model import build_model, month_share, problem_of
from karavan.network.seasons import closed_in
from karavan.schema.io.packs import read_pack

FERRY = {
    "services": frame(
        id=["boat"], name=["Boat"], mode=["rail"], service_class=["block_train"], carrying_units=["wagon"],
        from_node=["A"], to_node=["C"], via=[None], both_ways=[True], departure_rule=["frequency"],
        departures_per_year=[100.0], season_months=["5;6;7;8"],
    ),
    "facilities": frame(
        id=["fleet", "F1"], name=["Fleet", "Line 1"], kind=["feeder_fleet", "line"], unit=["tonnes", "tonnes"],
        element_table=["services", "links"], elements=["boat", "A-B"], direction=["each", "each"],
        capacity_computed=[1200.0, 600.0], capacity_used=["computed", "computed"],
    ),
}  # fmt: skip
ICE = frame(
    id=["ice", "grain-ban"], name=["Ice", "No grain"], applies_to=["links", "links"], target=["A-B", "B-C"],
    commodities=[None, "grain"], regime=["season", "national"], effect=["closed", "closed"], months=["1;2", "8"],
    text=["Shut", "No grain in August"],
)  # fmt: skip


def test_a_seasonal_service_has_its_year_in_its_season() -> None:
    model = build_model(three_lines(**FERRY))
    rows = model.capacity.facility
    july, january = month_share(model, month=7), month_share(model, month=1)
    np.testing.assert_allclose(july[rows == 0], 1 / 4)
    np.testing.assert_allclose(july[rows == 1], 1 / 12)
    np.testing.assert_allclose(january[rows == 0], 0.0)
    np.testing.assert_allclose(month_share(model, month=True), 1 / 12)
    np.testing.assert_allclose(month_share(model, month=False), 1.0)
    boat = model.graph.service >= 0
    assert not problem_of(model, month=1).open[:, boat].any()
    np.testing.assert_array_equal(problem_of(model, month=7).open, model.open)


def test_restrictions_close_their_months_for_their_goods() -> None:
    case = three_lines(restrictions=ICE)
    model = build_model(case)
    closed = {m: closed_in(case, model.graph, model.restrictions, m) for m in (1, 3, 8)}
    assert closed[1].any(axis=1).tolist() == [True, True]
    assert not closed[3].any()
    assert closed[8].any(axis=1).tolist() == [True, False]
    # F2 still takes flour in August, so it works all year; F1 works in ten months
    shares = month_share(model, month=8)
    assert sorted(set(shares.round(6))) == [round(1 / 12, 6), 0.1]


def test_the_month_of_an_assignment() -> None:
    case = three_lines(base=500.0, **FERRY)
    winter, summer = (assign(case, method=LeastCost(objective="served first"), month=m) for m in (1, 6))
    assert winter.problem.tonnes.sum() == pytest.approx(550.0 / 12)
    fleets = [a.facilities.set_index("facility").loc["fleet", "capacity"].iloc[0] for a in (winter, summer)]
    assert fleets == [0.0, pytest.approx(300.0)]
    assert winter.summary["period"] == summer.summary["period"] == "busiest month"


def test_the_volga_don_canal_is_shut_in_winter() -> None:
    model = build_model(read_pack("caspian"))
    canal = [model.case.facilities.index[f] == "VD-canal" for f in model.capacity.facility]
    np.testing.assert_allclose(month_share(model, month=1)[canal], 0.0)
    np.testing.assert_allclose(month_share(model, month=7)[canal], 1 / 8)
