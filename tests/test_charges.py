"""What a forwarder pays: lots, steps, minima, dwell, terms and money of one year, against sums worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import frame, tables, tiny

import karavan as kv
from karavan.cost.charges import charges, leg_of_arcs, misfit, money
from karavan.cost.dwell import DwellBook, DwellCharge, DwellStep
from karavan.cost.price_index import read_price_index
from karavan.cost.shipment_cost import ShipmentPrices, dwell_rates, shipment_costs, shipment_prices
from karavan.cost.terms import TERMS
from karavan.errors import NameNotFound, ShipmentError
from karavan.model import Model, build_model
from karavan.network.graph import ArcKind

FULL = 3000.0  # tonnes that fill whole wagons of 60 and 50 t and whole holds of 1,000 t


def tariffs(**columns: list[Any]) -> pd.DataFrame:
    """Tariffs of the tiny case with columns replaced or added."""
    t = tables()["freight_tariffs"]
    return t.assign(**columns)


def model(**changes: pd.DataFrame) -> Model:
    return build_model(tiny(**changes))


def priced(m: Model, commodity: str = "grain") -> ShipmentPrices:
    k = [c.commodity for c in m.costs].index(commodity)
    return shipment_prices(m.case, m.graph, m.costs[k])


def way(m: Model, start: str = "A", end: str = "D") -> np.ndarray:
    """Return the arcs of the only way of grain from one node of the tiny case to another."""
    graph, nodes = m.graph, list(m.case.nodes.index)
    arcs, at = [], graph.source_of_node[nodes.index(start)]
    cost = next(c for c in m.costs if c.commodity == "grain")
    goal, seen = graph.sink_of_node[nodes.index(end)], {int(at)}

    def search(node: int) -> bool:
        if node == goal:
            return True
        for arc in np.flatnonzero((graph.tail == node) & cost.permitted).tolist():
            head = int(graph.head[arc])
            if head not in seen:
                seen.add(head)
                arcs.append(arc)
                if search(head):
                    return True
                arcs.pop()
        return False

    assert search(int(at))
    return np.asarray(arcs, dtype=np.int32)


def by_component(found: pd.DataFrame) -> dict[str, float]:
    return found.groupby("component")["usd"].sum().to_dict()


def test_one_lot_equals_sums_by_hand() -> None:
    m = model()
    found = charges(priced(m), way(m), 100.0)
    # 100 t: two wagons of 60 t, one hold of 1,000 t, two wagons of 50 t
    assert by_component(found) == pytest.approx(
        {
            "loading": 100 * 1,
            "haulage": 100 * 0.05 * 240 + 100 * 10 + 100 * 0.1 * 120,
            "handling": (100 * 5 + 2 * 60) + 100 * 7,
            "border": 1 * 1000,
            "unloading": 100 * 1,
        }
    )
    assert found["leg"].tolist() == sorted(found["leg"])
    assert found["component"].tolist() == [
        "loading", "haulage", "handling", "border", "haulage", "handling", "haulage", "unloading",
    ]  # fmt: skip
    handling = found.loc[found["component"] == "handling", "basis"].tolist()
    assert handling == ["100 t x 5 USD + 2 wagon_1520 x 60 USD", "100 t x 7 USD"]


def test_full_loads_pay_what_arc_costs_say() -> None:
    m = model()
    arcs, p = way(m), priced(m)
    grain = m.costs[0]
    assert charges(p, arcs, FULL)["usd"].sum() == pytest.approx(grain.money[arcs].sum() * FULL)
    same = shipment_costs(p, FULL)
    for part in ("haulage", "handling", "border"):
        assert getattr(same, part)[same.open] == pytest.approx(getattr(grain, part)[same.open])


@given(st.floats(0.5, 5000.0), st.sampled_from([None, 2020, 2024]))
def test_the_lines_are_the_total(tonnes: float, year: int | None) -> None:
    _, p, arcs = MADE
    found = charges(p, arcs, tonnes, usd_year=year)
    costs = shipment_costs(p, tonnes, usd_year=year)
    assert (found["usd"] > 0).all()
    assert found["usd"].sum() == pytest.approx(money(p, arcs, tonnes, usd_year=year))
    assert found["usd"].sum() == pytest.approx(money(p, arcs, tonnes, usd_year=year, costs=costs))
    kinds = found[found["component"].isin(["haulage", "handling", "border", "loading", "unloading"])]
    assert kinds["usd"].sum() == pytest.approx(costs.money[arcs].sum() * tonnes)


@given(st.floats(0.5, 5000.0), st.floats(0.0, 2000.0))
def test_a_heavier_shipment_never_costs_less(tonnes: float, more: float) -> None:
    _, p, arcs = MADE
    assert money(p, arcs, tonnes + more) >= money(p, arcs, tonnes) * (1 - 1e-12)


@given(st.floats(0.5, 5000.0))
def test_a_lot_of_its_own_costs_no_less_than_its_part_of_full_loads(tonnes: float) -> None:
    m, p, arcs = MADE
    assert money(p, arcs, tonnes, dwell_hours=np.zeros(len(arcs))) >= m.costs[0].money[arcs].sum() * tonnes * (1 - 1e-9)


def made() -> tuple[Model, ShipmentPrices, np.ndarray]:
    m = model(
        freight_tariffs=tariffs(
            minimum_tonnes=[55.0, 400.0, 20.0, None], lot=["unit", "ship", "unit", None],
            price_year=[2020, 2024, None, 2020],
        ),
        price_index=frame(series=["x"] * 2, year=[2020, 2024], value=[100.0, 120.0]),
        dwell_charges=frame(
            id=["s"], node=["B"], kind=["storage"], from_hours=[0.0], usd_per_unit_day=[50.0],
            usd_per_tonne_day=[0.1], price_year=[2020],
        ),
    )  # fmt: skip
    return m, priced(m), way(m)


MADE = made()


def test_least_tonnes_are_by_unit_or_by_lot() -> None:
    _, p, arcs = MADE
    found = charges(p, arcs, 70.0)  # two wagons of 55 t at least; a ship of 400 t at least; two wagons of 20 t at least
    haulage = found.loc[found["component"] == "haulage", "usd"].tolist()
    assert haulage == pytest.approx([110 * 0.05 * 240, 400 * 10, 70 * 0.1 * 120])
    assert "at least 110 t are charged" in found.loc[found["component"] == "haulage", "basis"].iloc[0]


def test_money_of_one_year() -> None:
    _, p, arcs = MADE
    then, now = charges(p, arcs, 70.0), charges(p, arcs, 70.0, usd_year=2024)
    worth = {2020: 1.2, 2024: 1.0}
    for a, b in zip(then.itertuples(), now.itertuples(), strict=True):
        assert b.usd == pytest.approx(a.usd * worth.get(a.price_year, 1.0))
        assert pd.isna(a.price_year) == pd.isna(b.price_year)
    assert ", x 1.2000 from 2020 to 2024" in " ".join(now["basis"])
    with pytest.raises(ShipmentError, match=r"price_index\.csv lacks 2031 \(it has 2020 to 2024\)"):
        charges(p, arcs, 70.0, usd_year=2031)
    with pytest.raises(ShipmentError, match="it has no rows"):
        charges(priced(model(freight_tariffs=tariffs(price_year=[2020] * 4))), arcs, 70.0, usd_year=2024)


def test_an_index_of_two_series_is_refused() -> None:
    with pytest.raises(ShipmentError, match="keep one series"):
        read_price_index(frame(series=["a", "b"], year=[2020, 2021], value=[1.0, 2.0]))


def stepped() -> Model:
    """Rail by steps of weight (below 500 t, from 500 t) and of distance; a least sum on the sea."""
    steps = frame(
        id=["light", "heavy-short", "heavy-long", "sea", "rail-c"],
        mode=["rail", "rail", "rail", "sea", "rail"],
        country=["AAA", "AAA", "AAA", None, "CCC"],
        until_tonnes=[500.0, None, None, None, None],
        from_tonnes=[None, 500.0, 500.0, None, None],
        until_km=[None, 300.0, None, None, None],
        from_km=[None, None, 300.0, None, None],
        usd_per_tkm=[0.05, 0.03, 0.02, None, 0.1],
        usd_per_tonne=[2.0, 1.0, 1.0, 10.0, None],
        minimum_usd=[None, None, None, 1500.0, None],
    )
    t = tables()
    t["nodes"] = pd.concat(
        [t["nodes"], frame(id=["M"], name=["Mid"], place=["Mid"], country=["AAA"], kind=["city"], latitude=[40.0],
                           longitude=[51.0], coordinate_precision_km=[1.0])]
    )  # fmt: skip
    t["links"] = frame(
        id=["A-M", "M-B", "B-C", "C-D"], from_node=["A", "M", "B", "C"], to_node=["M", "B", "C", "D"],
        mode=["rail", "rail", "sea", "rail"], length_km=[200.0, 160.0, 480.0, 120.0],
        track_gauge_mm=[1520, 1520, None, 1435],
    )  # fmt: skip
    return build_model(tiny(**(t | {"freight_tariffs": steps})))


def test_steps_hold_for_a_whole_leg() -> None:
    m = stepped()
    p, arcs = priced(m), way(m)
    light, heavy = (charges(p, arcs, t) for t in (100.0, 600.0))
    moved = [found.loc[found["component"] == "haulage", "usd"].tolist() for found in (light, heavy)]
    assert moved[0] == pytest.approx([100 * (2 + 0.05 * 360), 1500, 100 * 12])  # the fixed part is paid once
    assert moved[1] == pytest.approx([600 * (1 + 0.02 * 360), 6000, 600 * 12])  # 360 km is on the long step
    assert "at least 1,500 USD a leg" in light["basis"].tolist()
    short = charges(p, way(m, "A", "M"), 600.0)
    assert short.loc[short["component"] == "haulage", "usd"].tolist() == pytest.approx([600 * (1 + 0.03 * 200)])
    assert charges(p, arcs, 499.9)["usd"].sum() > charges(p, arcs, 500.0)["usd"].sum()  # a step says so


def test_the_search_may_hope_for_the_cheapest_step() -> None:
    m = stepped()
    p, arcs = priced(m), way(m)
    hoped = shipment_costs(p, 600.0)
    assert hoped.haulage[arcs].sum() == pytest.approx(2 * 1 + 0.02 * 360 + 10 + 12)
    assert money(p, arcs, 600.0, costs=hoped) == pytest.approx(charges(p, arcs, 600.0)["usd"].sum())


def test_a_weight_no_step_takes_has_no_price() -> None:
    m = model(freight_tariffs=tariffs(from_tonnes=[None, 500.0, None, None]))
    p = priced(m)
    at_sea = (m.graph.kind == ArcKind.HAUL) & (m.graph.arc_mode == 1)
    assert not shipment_costs(p, 499.0).open[at_sea].any()
    assert shipment_costs(p, 500.0).open[at_sea & m.costs[0].permitted].any()
    assert m.costs[0].open[at_sea & m.costs[0].permitted].any()  # flows go in holds of 1,000 t


def test_a_shipment_in_one_unit_keeps_to_it() -> None:
    m = model()
    only = shipment_costs(priced(m), 50.0, unit="bulk")
    units = {int(u) for u in m.graph.arc_unit[only.open]}
    assert units <= {-1, list(m.case.carrying_units.index).index("bulk")}


@pytest.mark.parametrize("tonnes", [0.0, -3.0, math.nan, math.inf])
def test_a_weight_is_above_nothing(tonnes: float) -> None:
    with pytest.raises(ShipmentError, match="weighs more than nothing"):
        shipment_costs(MADE[1], tonnes)


# Dwell


def charge(*steps: tuple[float, float], by_day: bool = True) -> DwellCharge:
    return DwellCharge("storage", by_day, 2020, tuple(DwellStep(i, h, usd, 0.0) for i, (h, usd) in enumerate(steps)))


def test_dwell_by_steps_and_begun_days() -> None:
    c = charge((120.0, 3.0), (240.0, 10.0))  # five days free, five at 3, then 10 a day
    assert [c.usd(h, 1.0, 2.0) for h in (0, 120, 121, 144, 145, 240, 264)] == [0, 0, 6, 6, 12, 30, 50]
    smooth = charge((120.0, 3.0), (240.0, 10.0), by_day=False)
    assert smooth.usd(132.0, 1.0, 2.0) == pytest.approx(3.0)


@given(st.floats(0, 2000), st.floats(0, 500), st.booleans())
def test_a_longer_dwell_never_costs_less(hours: float, more: float, by_day: bool) -> None:  # noqa: FBT001
    c = charge((48.0, 3.0), (240.0, 10.0), (300.0, 4.0), by_day=by_day)
    assert c.usd(hours + more, 5.0, 1.0) >= c.usd(hours, 5.0, 1.0)


def test_the_most_telling_dwell_row_of_each_kind_wins() -> None:
    rows = frame(
        id=["any", "land", "port", "port2", "hire"], kind=["storage"] * 4 + ["wagon_hire"],
        country=[None, "AAA", None, None, None], node=[None, None, "B", "B", None],
        carrying_unit=[None] * 4 + ["wagon_1520"], from_hours=[0.0, 0.0, 24.0, 72.0, 0.0],
        usd_per_unit_day=[1.0, 2.0, 3.0, 9.0, 28.0],
    )  # fmt: skip
    book = DwellBook(tiny(dwell_charges=rows))
    found = {c.kind: [s.usd_per_unit_day for s in c.steps] for c in book.find("B", "AAA", "sea", "wagon_1520")}
    assert found == {"storage": [3.0, 9.0], "wagon_hire": [28.0]}
    assert [s.usd_per_unit_day for c in book.find("A", "AAA", "rail", "container") for s in c.steps] == [2.0]
    assert [s.usd_per_unit_day for c in book.find("D", "CCC", "rail", "container") for s in c.steps] == [1.0]


def test_waiting_is_charged_where_it_happens() -> None:
    m, p, arcs = MADE
    at = int(np.flatnonzero((m.graph.kind[arcs] == ArcKind.BORDER) & (m.graph.border[arcs] == 0))[0])
    waits = np.zeros(len(arcs))
    waits[at] = 30.0  # at B, in a hold: two begun days, one hold, 70 t
    found = charges(p, arcs, 70.0, dwell_hours=waits)
    dwell = found[found["component"] == "storage"]
    assert dwell["usd"].tolist() == pytest.approx([2 * (50 + 7)])
    assert dwell["basis"].tolist() == ["2 days of 1.25 x (70 t x 0.1 USD + 1 bulk x 50 USD)"]
    assert dwell["place"].tolist() == ["B"]
    costs = shipment_costs(p, 70.0)
    assert money(p, arcs, 70.0, dwell_hours=waits, costs=costs) == pytest.approx(found["usd"].sum())
    rates = dwell_rates(p, 70.0)
    arc = int(arcs[at])
    assert rates.usd_per_tonne_hour[arc] * 24 * 70 == pytest.approx(57)
    assert (rates.free_hours[arc], rates.step_hours[arc]) == (0.0, 24.0)
    assert rates.highest_usd_per_tonne_hour[arc] == pytest.approx(rates.usd_per_tonne_hour[arc])
    assert rates.usd_per_tonne_hour[arcs[0]] == 0.0


# Terms of delivery: A loads wagons; B is the port of shipment, C of destination; D unloads wagons


@pytest.mark.parametrize(
    ("term", "place", "seller"),
    [
        ("EXW", None, ""),
        ("FCA", None, "loading"),
        ("FCA", "Bay", "loading haulage"),
        ("FAS", None, "loading haulage"),
        ("FOB", "B", "loading haulage handling"),
        ("CFR", None, "loading haulage handling border haulage"),
        ("CIF", "Cove", "loading haulage handling border haulage"),
        ("CPT", "Cove", "loading haulage handling border haulage"),
        ("DPU", "Cove", "loading haulage handling border haulage handling"),
        ("CIP", None, "loading haulage handling border haulage handling haulage"),
        ("DAP", None, "loading haulage handling border haulage handling haulage"),
        ("DPU", None, "loading haulage handling border haulage handling haulage unloading"),
        ("ddp", None, "loading haulage handling border haulage handling haulage"),
    ],
)
def test_who_pays_under_a_term(term: str, place: str | None, seller: str) -> None:
    m = model()
    found = charges(priced(m), way(m), 100.0, incoterm=term, place=place)
    assert found.loc[found["payer"] == "seller", "component"].tolist() == seller.split()
    assert set(found["payer"]) <= {"seller", "buyer"}
    assert found["usd"].sum() == pytest.approx(money(priced(m), way(m), 100.0))


def test_a_through_price_is_shared_by_kilometres() -> None:
    m = stepped()
    found = charges(priced(m), way(m), 100.0, incoterm="FCA", place="Mid")
    rail = found[found["id"] == "light"]
    assert rail["payer"].tolist() == ["seller", "buyer"]
    assert rail["usd"].tolist() == pytest.approx([2000 * 200 / 360, 2000 * 160 / 360])
    assert rail["place"].tolist() == ["M", "B"]
    assert rail["basis"].str.startswith(("56% of", "44% of")).all()


@pytest.mark.parametrize(
    ("term", "place", "ends", "message"),
    [
        ("FOB", None, ("A", "B"), "for carriage by sea or inland waterway.*use FCA instead"),
        ("CIF", None, ("A", "B"), "use CIP instead"),
        ("FOB", "Cove", ("A", "D"), "where goods are put on a ship. It goes by Aby, Bay, Cove, Dale"),
        ("CFR", "Bay", ("A", "D"), "where a leg by water ends"),
        ("CPT", "Dale", ("A", "C"), "CPT Dale needs a route to that place"),
        ("EXW", "Bay", ("A", "D"), "where the goods start"),
        ("DAF", None, ("A", "D"), "no term of Incoterms 2020"),
    ],
)
def test_a_term_that_does_not_fit_says_so(term: str, place: str | None, ends: tuple[str, str], message: str) -> None:
    m = model()
    with pytest.raises(ShipmentError, match=message) as caught:
        charges(priced(m), way(m, *ends), 100.0, incoterm=term, place=place)
    if term in TERMS:
        assert misfit(priced(m), way(m, *ends), term, place) == str(caught.value)
    assert misfit(priced(m), way(m), "DAP", None) is None


def test_a_named_place_nobody_knows() -> None:
    m = model()
    with pytest.raises(NameNotFound, match="Atlantis"):
        charges(priced(m), way(m), 100.0, incoterm="DAP", place="Atlantis")


def test_all_terms_share_out_every_line() -> None:
    m = model()
    for term in TERMS:
        assert charges(priced(m), way(m), 100.0, incoterm=term)["payer"].notna().all()


# The pack


@pytest.fixture(scope="module")
def caspian() -> Model:
    return build_model(kv.read_pack("caspian"))


def test_one_box_from_altynkol_to_poti(caspian: Model) -> None:
    m = caspian
    k = list(m.case.commodities.index).index("general_cargo")
    p = shipment_prices(m.case, m.graph, m.costs[k])
    route = kv.corridors(m).set_index("corridor").loc["middle-poti"]
    box = 21.7 * 0.6
    from karavan.report.corridors import corridor_routes

    way_ = next(c.route for c in corridor_routes(m) if c.id == "middle-poti")
    assert way_ is not None
    found = charges(p, way_.arcs, box)
    assert found["usd"].sum() == pytest.approx(route["usd_per_tonne"] * box)
    at_sea = found[(found["component"] == "haulage") & (found["mode"] == "sea")]
    assert at_sea["basis"].tolist() == ["1 container x 350 USD"]
    assert found["source"].notna().all()
    assert found["confidence"].isin(["A", "B", "C"]).all()
    two = charges(p, way_.arcs, box + 0.5)
    assert two.loc[two["component"] == "haulage", "usd"].sum() == pytest.approx(
        2 * found.loc[found["component"] == "haulage", "usd"].sum()
    )


def test_a_wagon_pays_for_55_tonnes(caspian: Model) -> None:
    m = caspian
    k = list(m.case.commodities.index).index("steel")
    p = shipment_prices(m.case, m.graph, m.costs[k])
    row = next(t for t in p.haulage.tariffs if m.case.freight_tariffs.index[t.row] == "rail-wagon-irn")
    assert row.total(1000.0, 20.0, 1.0) == row.total(1000.0, 55.0, 1.0) == pytest.approx(55 * 24.3)
    assert row.total(1000.0, 60.0, 1.0) == pytest.approx(60 * 24.3)


def test_legs_are_numbered_as_the_route_has_them(caspian: Model) -> None:
    m = caspian
    route = kv.route(m, kv.Shipment("Almaty", "Bandar Abbas", "wheat", tonnes=60.0), alternatives=0)[0]
    legs = leg_of_arcs(m.graph, route.arcs)
    assert legs.max() + 1 == len(route.legs)
    km = [m.graph.km[route.arcs[legs == i]].sum() for i in range(len(route.legs))]
    assert km == pytest.approx(route.legs["km"].tolist())
