"""Numbers, labels, projection, corridors, charts and result files of the brief."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import frame, tables, tiny

from karavan.assignment.front import assign
from karavan.model import build_model
from karavan.report.charts import TIME, Journey, cost_measure, counts_chart, distance_chart, render
from karavan.report.citations import Cited, Traces, web_link
from karavan.report.corridors import corridor_routes, corridors, profile
from karavan.report.geography import (
    basemap,
    boundary_lines,
    conic_of,
    countries_on,
    full_view,
    great_circle,
    main_view,
    make_frame,
    path_of,
)
from karavan.report.labels import Wish, place
from karavan.report.layers import flow_px, flow_scale, link_status, nice_above
from karavan.report.limits import met_restrictions
from karavan.report.result_files import safe_csv, write_tables, write_whole
from karavan.report.wording import NOT_KNOWN, number, percent
from karavan.units import EARTH_RADIUS_KM, great_circle_km


def with_corridor(**changes):
    """The tiny case with a corridor A-B-C-D for grain, and emission factors."""
    corridor = frame(
        corridor=["a-d"] * 3,
        name=["A to D, by sea"] * 3,
        seq=[1, 2, 3],
        from_node=["A", "B", "C"],
        to_node=["B", "C", "D"],
        mode=["rail", "sea", "rail"],
        carrying_unit=["wagon_1520", "bulk", "wagon_1435"],
    )
    factors = frame(
        id=["rail", "sea"], mode=["rail", "sea"], g_co2e_per_tkm=[20.0, 10.0], low=[10.0, None], high=[30.0, None],
        scope=["wtw", "ttw"],
    )  # fmt: skip
    return tiny(**({"corridors": corridor, "emission_factors": factors} | changes))


@given(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32)))
def test_numbers_are_never_nan(value):
    for text in (number(value), percent(value)):
        assert "nan" not in text
        assert "inf" not in text
    if value is None or not math.isfinite(value):
        assert number(value) == NOT_KNOWN


@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(0, 300), st.text(min_size=1, max_size=12)), max_size=40),
)
def test_labels_never_overlap(wanted):
    placed = place([Wish(t, x, y) for x, y, t in wanted], width=400, height=300)
    boxes = [(s.x, s.centre[1] - 0.575 * s.size, s.x + s.width, s.centre[1] + 0.575 * s.size) for s in placed if s]
    for i, a in enumerate(boxes):
        assert a[0] >= 0
        assert a[2] <= 400
        for b in boxes[:i]:
            assert a[0] >= b[2] - 1e-6 or b[0] >= a[2] - 1e-6 or a[1] >= b[3] - 1e-6 or b[1] >= a[3] - 1e-6


@given(st.floats(25, 90), st.floats(24, 58))
def test_projection_is_conformal(lon, lat):
    """Scale is the same to the east and to the north, and near true (Lambert's property)."""
    conic = conic_of((25.0, 24.0, 90.0, 58.0))
    step = 1e-4
    here, east, north = conic.project(np.array([lon, lon + step, lon]), np.array([lat, lat, lat + step]))
    across = np.hypot(*(east - here)) / (np.radians(step) * np.cos(np.radians(lat)))
    along = np.hypot(*(north - here)) / np.radians(step)
    assert across == pytest.approx(along, rel=1e-4)
    assert 0.94 < along < 1.06
    assert abs(np.dot(east - here, north - here)) < 1e-3 * np.hypot(*(east - here)) * np.hypot(*(north - here))


def test_base_map_shows_the_caspian_as_water():
    frame_ = make_frame((45.0, 36.0, 56.0, 48.0), width=500)
    countries = countries_on(frame_)
    assert {"Kazakhstan", "Iran", "Azerbaijan", "Turkmenistan", "Russia"} <= {c.name for c in countries}
    from shapely import Point

    at_sea = Point(*frame_.pixels(51.0, 42.0)[0])
    on_land = Point(*frame_.pixels(54.0, 45.0)[0])
    assert not any(c.area.contains(at_sea) for c in countries)
    assert any(c.area.contains(on_land) for c in countries)
    assert path_of(boundary_lines(countries)).startswith("M")
    assert "public domain" in basemap()["source"]


def test_far_view_uses_the_world_map():
    names = {c.name for c in countries_on(make_frame((-130.0, 10.0, -60.0, 60.0), width=300))}
    assert "Canada" in names


def test_great_circle_has_the_length_of_the_haversine():
    line = great_circle((4.5, 51.9), (121.6, 31.35))
    km = great_circle_km(line[:-1, 1], line[:-1, 0], line[1:, 1], line[1:, 0]).sum()
    assert km == pytest.approx(float(great_circle_km(51.9, 4.5, 31.35, 121.6)), rel=1e-6)
    assert km < np.pi * EARTH_RADIUS_KM


def test_views_leave_far_places_to_the_overview():
    nodes = tables()["nodes"]
    far = pd.concat([nodes, frame(id=["Z"], name=["Zed"], kind=["port"], latitude=[-20.0], longitude=[150.0])])
    case = tiny(nodes=far)
    view, wide = main_view(case)
    assert wide
    assert view[2] < 100
    west, south, east, north = full_view(case)
    assert (west < 50, south < -20, east > 150, north > 40) == (True,) * 4
    assert not main_view(tiny())[1]


def test_flow_scale_is_linear_and_round():
    scale = flow_scale(37e6)
    assert flow_px(scale, 40e6) == pytest.approx(15.0)
    assert flow_px(scale, 20e6) == pytest.approx(7.5)
    assert flow_px(scale, 1.0) == scale["minimum_px"]
    assert [nice_above(v) for v in (1.0, 1.01, 8.5, 390.0)] == [1.0, 2.0, 10.0, 400.0]
    json.dumps(scale)


def test_status_of_links_follows_their_dates():
    links = tables()["links"].assign(status=["open", "planned", "open"], open_from=["2030", None, None])
    assert list(link_status(tiny(links=links), "2024-07-01")) == ["planned", "planned", "open"]
    ended = tables()["links"].assign(open_until=["2020", None, None])
    assert link_status(tiny(links=ended), "2024-07-01")[0] == "suspended"


def test_corridor_indicators_by_hand():
    """A-B 240 km rail, B-C 480 km sea, C-D 120 km rail; see tiny.py for the prices."""
    row = corridors(with_corridor()).iloc[0]
    assert row["km"] == pytest.approx(840)
    # loading 6, rail 24, transfer 24, border 6, sea 24, transfer 48, rail 12, unloading 6
    assert row["hours"] == pytest.approx(6 + 24 + 24 + 6 + 24 + 48 + 12 + 6)
    # loading 1 + 240 x 0.05 + 5 + 60/60 + 10 + 1000/1000 + 7 + 120 x 0.1 + 1
    assert row["usd_per_tonne"] == pytest.approx(1 + 12 + 5 + 1 + 10 + 1 + 7 + 12 + 1)
    assert math.isnan(row["usd_per_teu"])
    grams = [row["g_co2e_per_tkm"], row["g_co2e_per_tkm_low"], row["g_co2e_per_tkm_high"]]
    assert grams == pytest.approx([20.0, 10.0, 30.0])
    assert row["ttw_g_co2e_per_tkm"] == pytest.approx(10.0)
    assert (row["wtw_share"], row["ttw_share"]) == (pytest.approx(360 / 840), pytest.approx(480 / 840))
    assert (row["borders"], row["handlings"]) == (1, 2)


def test_corridor_that_cannot_be_travelled_has_no_numbers():
    links = tables()["links"].assign(status=["open", "planned", "open"])
    row = corridors(with_corridor(links=links)).iloc[0]
    assert math.isnan(row["km"])
    assert row["name"] == "A to D, by sea"


def test_profile_adds_up_and_stops_stand_still():
    model = build_model(with_corridor())
    route = corridor_routes(model)[0].route
    table = profile(model, route)
    last = table.iloc[-1]
    assert (last["km1"], last["hours1"], last["usd1"]) == (
        pytest.approx(route.km), pytest.approx(route.hours), pytest.approx(route.money),
    )  # fmt: skip
    for a, b in zip(table.to_dict("records")[:-1], table.to_dict("records")[1:], strict=True):
        assert (a["km1"], a["hours1"], a["usd1"]) == (b["km0"], b["hours0"], b["usd0"])
    stops = table[table["what"] == "stop"]
    assert (stops["km0"] == stops["km1"]).all()
    assert stops["label"].tolist() == ["Aby", "Bay", "Cove", "Dale"]
    assert stops["kind"].tolist() == ["handling", "border+handling", "handling", "handling"]
    assert (stops["hours1"] - stops["hours0"]).tolist() == pytest.approx([6, 30, 48, 6])
    assert table.loc[table["what"] == "move", "mode"].tolist() == ["rail", "sea", "rail"]


def test_border_under_a_service_is_a_step_where_it_stands():
    service = frame(
        id=["run"], name=["Run"], mode=["sea"], service_class=["tramp"], carrying_units=["bulk"], from_node=["B"],
        to_node=["C"], departure_rule=["frequency"], departures_per_year=[365.0], both_ways=[True],
    )  # fmt: skip
    case = with_corridor(services=service)
    legs = case.corridors.assign(service=[None, "run", None])
    model = build_model(case.with_tables(corridors=legs))
    route = corridor_routes(model)[0].route
    table = profile(model, route)
    assert table.iloc[-1]["hours1"] == pytest.approx(route.hours)
    assert table.iloc[-1]["usd1"] == pytest.approx(route.money)
    at_bay = table[(table["label"] == "Bay") & (table["what"] == "stop")].iloc[0]
    assert at_bay["kind"] == "border+handling+wait"
    assert at_bay["hours1"] - at_bay["hours0"] == pytest.approx(24 + 12 + 6)


def svg_of(spec):
    svg = render(spec, name="A <chart>", description='says "so" & more')
    return svg, ET.fromstring(str(svg).replace("&nbsp;", " "))  # noqa: S314 (our own output)


def test_charts_render_without_network_and_name_their_steps():
    model = build_model(with_corridor())
    journey = Journey("A to D, by sea", profile(model, corridor_routes(model)[0].route))
    spec = distance_chart([journey], TIME, {"rail": "#0072B2", "sea": "#009E73"}, {"rail": "Rail", "sea": "Sea"})
    json.dumps(spec)
    svg, tree = svg_of(spec)
    texts = {t.text for t in tree.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Bay 30 h", "Cove 2.0 d", "Rail", "Sea", "km from the start", "days from the start"} <= texts
    assert "<chart>" not in svg.split("<desc>")[0].replace("<title>", "")
    two = [journey, Journey("Other way, by sea", journey.profile)]
    _, tree = svg_of(distance_chart(two, cost_measure(20.0), {}, {}))
    texts = {t.text for t in tree.iter("{http://www.w3.org/2000/svg}text")}
    assert {"A to D", "Other way", "USD per TEU, money paid"} <= texts


def test_counts_chart_survives_noughts_and_one_point():
    counts = frame(name=["<b>"], unit=["tonnes"], observed=[1000.0], modelled=[0.0], comparable=[True])
    svg, _ = svg_of(counts_chart(counts))
    assert "&lt;b&gt;" in svg


def test_web_links_are_http_only():
    assert web_link("https://example.org/a?b=1&c=2") == (
        '<a class="out" rel="noreferrer" href="https://example.org/a?b=1&amp;c=2">https://example.org/a?b=1&amp;c=2</a>'
    )
    for bad in ("javascript:alert(1)", 'https://x" onmouseover="y', "a report", None):
        assert "<a" not in str(web_link(bad))


def test_traces_number_each_origin_once():
    traces = Traces(tiny())
    assert traces.row("links", "A-B") == traces.row("links", "A-B") == "t1"
    assert traces.row("links", "B-C") == "t2"
    items = dict(traces.entries["links", "A-B"].items)
    assert items["length_km"] == "240 km"
    assert items["track_gauge_mm"] == "1,520 mm"
    assert Cited("<1>", "t1").__html__() == '<a class="n" href="#t1">&lt;1&gt;</a>'


def test_csv_holds_no_formula(tmp_path):
    table = pd.DataFrame({"name": ["=1+1", "@x", "plain", None], "n": [-1.0, 2.0, None, 4.0]})
    assert safe_csv(table.astype({"name": "str"})).splitlines()[1:3] == ["'=1+1,-1.0", "'@x,2.0"]
    files = write_tables({"t": table}, tmp_path / "results")
    assert sorted(f.name for f in files) == ["t.csv", "t.parquet"]
    back = pd.read_parquet(tmp_path / "results" / "t.parquet")
    assert back["name"].tolist()[:3] == ["=1+1", "@x", "plain"]
    assert [p.name for p in (tmp_path / "results").iterdir() if p.name.startswith(".")] == []


def test_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "brief.html"
    write_whole(target, b"first")
    with pytest.raises(TypeError):
        write_whole(target, None)
    assert target.read_bytes() == b"first"
    assert [p.name for p in target.parent.iterdir()] == ["brief.html"]


def test_goods_of_a_gateway_meet_restrictions_on_any_of_its_countries():
    t = tables()
    t["zones"]["country"] = [None, "CCC"]
    t["restrictions"] = frame(
        id=["mine", "other"], name=["a", "b"], applies_to=["nodes"] * 2, target=["B"] * 2,
        origin_countries=["ZZZ;AAA", "ZZZ"], regime=["eu"] * 2, effect=["flag"] * 2, text=["-"] * 2,
    )  # fmt: skip
    met = met_restrictions(assign(tiny(**t)))
    assert met.to_dict("records") == [{"restriction": "mine", "tonnes": pytest.approx(1000)}]
