"""Select link, used paths, skims: they add up to the flows they come from."""

from __future__ import annotations

import numpy as np
import pytest
from choice_case import choice_case

from karavan.assignment.front import assign
from karavan.assignment.methods import LeastCost, Logit
from karavan.assignment.select import select, skims, used_paths
from karavan.errors import NameNotFound
from karavan.model import build_model
from karavan.schema.io.packs import read_pack


@pytest.fixture(scope="module", params=["least cost", "logit"])
def flows(request):
    model = build_model(read_pack("caspian"))
    return assign(model, method=LeastCost() if request.param == "least cost" else Logit(theta=0.05))


def test_pairs_on_a_link_add_up_to_its_flow(flows) -> None:
    links = flows.links.sort_values("tonnes", ascending=False).head(12)
    for row in links.itertuples():
        mine = select(flows, "links", row.link, direction=row.direction)
        assert mine["tonnes"].sum() == pytest.approx(row.tonnes, rel=1e-6)
        assert mine["share_of_element"].sum() == pytest.approx(1.0)
        assert (mine["share_of_demand"] <= 1 + 1e-9).all()
        both = select(flows, "links", row.link)
        assert both["tonnes"].sum() >= mine["tonnes"].sum() * (1 - 1e-9)


def test_pairs_on_a_service_and_a_facility_add_up(flows) -> None:
    for row in flows.services.groupby(["service", "direction"], as_index=False)["tonnes"].sum().itertuples():
        mine = select(flows, "services", row.service, direction=row.direction)
        assert mine["tonnes"].sum() == pytest.approx(row.tonnes, rel=1e-6)
    whole = flows.facilities[(flows.facilities["element"] == "") & (flows.facilities["tonnes"] > 1.0)]
    for row in whole.itertuples():
        mine = select(flows, "facilities", row.facility, direction=row.direction)
        # a path may load a facility twice (in and out), and then counts once here
        assert 0.5 * row.tonnes - 1e-6 <= mine["tonnes"].sum() <= row.tonnes * (1 + 1e-6)
    with pytest.raises(NameNotFound):
        select(flows, "links", "nowhere")


def test_paths_say_where_they_go(flows) -> None:
    paths = used_paths(flows)
    case = flows.model.case
    assert len(paths) == len(flows.solution.path_tonnes)
    served = paths.groupby("demand")["share"].sum()
    pairs = flows.pairs.set_index("id")
    np.testing.assert_allclose(served, (pairs["served"] / pairs["tonnes"])[served.index], rtol=1e-6, atol=1e-9)
    zones = case.zones["nodes"]
    for row in paths.head(200).itertuples():
        places = row.places.split(";")
        assert places[0] in zones[row.origin].split(";")
        assert places[-1] in zones[row.destination].split(";")
        assert set(row.modes.split(";")) <= set(case.modes.index)
    assert (paths["queue_usd_per_tonne"] >= 0).all()


def test_skims_are_what_the_mean_tonne_meets(flows) -> None:
    table, pairs = skims(flows), flows.pairs
    money = table[["haulage_usd_per_tonne", "handling_usd_per_tonne", "border_usd_per_tonne"]].sum(axis=1, skipna=False)
    np.testing.assert_allclose(money, pairs["money_usd_per_tonne"], rtol=1e-9)
    np.testing.assert_allclose(money + table["time_usd_per_tonne"], pairs["usd_per_tonne"], rtol=1e-9)
    np.testing.assert_allclose(table["hours"], pairs["hours"], rtol=1e-9)
    parts = table[["move_hours", "border_hours", "handling_hours", "wait_hours"]].sum(axis=1, skipna=False)
    np.testing.assert_allclose(parts, table["hours"], rtol=1e-9)


def test_queues_on_the_way_explain_the_demand_price() -> None:
    # all paths with flow of a demand cost the same at shadow prices: what its demand price says
    flows = assign(choice_case(), method=LeastCost(ties="any"))
    paths = used_paths(flows)
    price = dict(zip(flows.pairs["id"], flows.solution.demand_price, strict=True))
    total = paths["usd_per_tonne"] + paths["queue_usd_per_tonne"]
    assert flows.solution.dual.max() > 0
    np.testing.assert_allclose(total, [price[d] for d in paths["demand"]], rtol=1e-9)
