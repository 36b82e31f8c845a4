"""Routes shown: records, charts, the sheet, and what the command line prints."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from test_routing import with_a_second_way
from tiny import frame, tiny

import karavan as kv
from karavan.cli.app import main
from karavan.report.charts import TIME, Journey, distance_chart
from karavan.report.labels import Wish, place
from karavan.report.layers import mode_colours
from karavan.report.route_charts import distance_charts, pareto_chart, route_band, route_profile

if TYPE_CHECKING:
    from pathlib import Path

    from karavan.schema.case import Case

CAPS = re.compile(r"<script|javascript:|src=|@import|url\((?!#)", re.IGNORECASE)


def case_with_ranges(**changes: pd.DataFrame) -> Case:
    """The tiny case with a second way, ranges at borders and transfers, and a restriction on the sea."""
    t = with_a_second_way()
    t["borders"]["hours_low"], t["borders"]["hours_high"] = [4.0, 5.0, 12.0, 12.0], [36.0, 40.0, 30.0, 30.0]
    t["transfers"]["hours_low"], t["transfers"]["hours_high"] = [12.0, 30.0], [72.0, 90.0]
    t["restrictions"] = frame(id=["sea"], name=["Rule <b>of</b> the sea"], applies_to=["links"], target=["B-C"],
                              regime=["national"], effect=["flag"], text=["A & B."])  # fmt: skip
    return tiny(**(t | changes))


@pytest.fixture(scope="module")
def routes() -> list[kv.Route]:
    """Two routes of grain with odds, dated."""
    shipment = kv.Shipment("A", "D", "grain", 120.0, ready="2024-07-01", deadline="2024-07-20", incoterm="FCA")
    return kv.with_odds(kv.route(case_with_ranges(), shipment), draws=200)


@pytest.fixture(scope="module")
def case() -> Case:
    """The case of the routes."""
    return case_with_ranges()


# Records ----------------------------------------------------------------------------------------------------------


def test_records_are_plain_data_and_add_up(case: Case, routes: list[kv.Route]) -> None:
    records = kv.route_records(case, routes)
    assert json.loads(json.dumps(records)) == records
    for record, route in zip(records, routes, strict=True):
        assert record["usd_per_tonne"]["money"] == pytest.approx(route.money)
        assert sum(c["usd"] for c in record["charges"]) == pytest.approx(route.money * 120.0)
        assert sum(leg["hours"] for leg in record["legs"]) == pytest.approx(record["hours"])
        assert record["departure"] == "2024-07-01T00:00"
        assert record["legs"][-1]["arrive"] == record["arrival"]
        assert record["odds"]["p10_days"] * 24 == pytest.approx(record["odds"]["p10_hours"])
        assert record["odds"]["p10_hours"] <= record["odds"]["p50_hours"] <= record["odds"]["p90_hours"]
    (met,) = [r for record in records for r in record["restrictions"]]
    assert (met["id"], met["as_of"] is not None, met["legs"] != []) == ("sea", True, True)


def test_records_of_routes_without_dates_or_odds(case: Case) -> None:
    (first, *_) = kv.route_records(case, kv.route(case, kv.Shipment("A", "D", "grain")))
    assert (first["departure"], first["arrival"], first["odds"]) == (None, None, None)
    assert all(leg["depart"] is None for leg in first["legs"])


# Odds of routes ---------------------------------------------------------------------------------------------------


def test_odds_come_out_the_same_bit_for_bit(routes: list[kv.Route]) -> None:
    plain = [replace(r, odds=None) for r in routes]
    for again, before in zip(kv.with_odds(plain, draws=200), routes, strict=True):
        assert again.odds is not None
        assert before.odds is not None
        assert again.odds.p90_hours == before.odds.p90_hours
        assert np.array_equal(again.odds.hours_at, before.odds.hours_at)
    other = kv.with_odds(plain, draws=200, seed=1)[0].odds
    assert other is not None
    assert routes[0].odds is not None
    assert not np.array_equal(other.hours_at, routes[0].odds.hours_at)
    with pytest.raises(kv.ShipmentError, match="0 draws"):
        kv.with_odds(routes, draws=0)


def test_the_chance_of_being_on_time_rises_with_the_deadline(case: Case) -> None:
    route = kv.route(case, kv.Shipment("A", "D", "grain", within_days=30), alternatives=0)[0]
    shares = []
    for days in (4, 5, 6, 7, 8, 9, 10, 12, 30):
        asked = replace(route, shipment=replace(route.shipment, within_days=days))
        odds = kv.with_odds([asked], draws=500)[0].odds
        assert odds is not None
        assert odds.on_time is not None
        shares.append(odds.on_time)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert 0.0 < shares[3] < 1.0


def test_a_route_that_another_beats_is_marked(routes: list[kv.Route]) -> None:
    first = routes[0]
    worse = replace(first, legs=first.legs.assign(move_hours=first.legs["move_hours"] + 1.0,
                                                  kg_co2e=first.legs["kg_co2e"] + 1.0))  # fmt: skip
    marked = kv.with_odds([first, worse], draws=50)
    assert [r.odds.dominated for r in marked if r.odds is not None] == [False, True]


# Charts -----------------------------------------------------------------------------------------------------------


def test_the_profile_of_a_route_ends_at_its_hours_and_money(routes: list[kv.Route]) -> None:
    for route in routes:
        last = route_profile(route).iloc[-1]
        assert last["hours1"] == pytest.approx(route.hours)
        assert last["usd1"] == pytest.approx(route.money)
        assert last["km1"] == pytest.approx(route.km)
        band = route_band(route)
        assert band is not None
        assert route.odds is not None
        assert band["hours_high"].iloc[-1] == route.odds.p90_hours
        assert band["usd_low"].iloc[-1] == pytest.approx(route.odds.p10_usd)
        assert band["km"].is_monotonic_increasing


def test_charts_hold_bands_labels_and_every_route(routes: list[kv.Route], tmp_path: Path) -> None:
    time, money = distance_charts(routes)
    bands = list(time["layer"][0]["data"]["values"])
    assert {b["route"] for b in bands} == {"1 cheapest", f"2 {routes[1].reasons[0]}"}
    assert money["layer"][0]["mark"]["type"] == "rule"  # nothing is paid for waiting: no band of money
    scatter = pareto_chart(routes[:1], routes)
    sizes = [len(layer["data"]["values"]) for layer in scatter["layer"]]
    assert sizes[1:3] == [1, 1]  # one other, one of the routes
    for name in ("chart.svg", "chart.html"):
        text = kv.write_route_chart(routes, tmp_path / name, others=routes).read_text(encoding="utf-8")
        assert text.startswith("<svg" if name.endswith("svg") else "<!doctype html>")
        assert not CAPS.search(text)
        assert "cheapest" in text


def test_at_most_four_routes_are_drawn(routes: list[kv.Route]) -> None:
    spec = distance_charts([*routes, *routes, *routes])[0]
    moves = next(x for x in spec["layer"] if x["mark"].get("strokeCap"))
    assert len({m["route"] for m in moves["data"]["values"]}) <= 4


def test_a_label_stands_by_its_own_step() -> None:
    """Two steps near one another, the lower at the foot of the chart: its label is not beside the upper one."""
    rows = [
        ("stop", "handling", "Herat", 0, 0, 0, 24), ("move", "", "Torghundi", 0, 115, 24, 31),
        ("stop", "border", "Torghundi station", 115, 115, 31, 63), ("move", "", "Port", 115, 1368, 63, 163),
        ("stop", "wait", "Port", 1368, 1368, 163, 283), ("move", "", "End", 1368, 3619, 283, 600),
    ]  # fmt: skip
    profile = pd.DataFrame(rows, columns=["what", "kind", "label", "km0", "km1", "hours0", "hours1"])
    profile = profile.assign(mode="rail", service=None, usd0=0.0, usd1=0.0)
    spec = distance_chart([Journey("one", profile)], TIME, {"rail": "#000"}, {"rail": "Rail"}, width=500, height=330)
    texts = {v["text"]: v for layer in spec["layer"] for v in layer["data"]["values"] if "text" in v}
    assert {"Herat 24 h", "Torghundi station 32 h"} <= set(texts)
    top = spec["layer"][0]["encoding"]["y"]["scale"]["domain"][1]
    assert texts["Herat 24 h"]["ty"] / top < 0.04
    assert texts["Herat 24 h"]["ty"] < texts["Torghundi station 32 h"]["ty"]


def test_a_text_that_would_stand_by_another_finds_no_place() -> None:
    wish = Wish("text", 50.0, 50.0, 10.0, 5.0, (1.0,))
    across = (20.0, 36.0, 50.0, 64.0, 80.0)
    around = np.array([[x, y] for x in across for y in (36.0, 50.0, 64.0) if (x, y) != (50, 50)])
    assert place([wish], width=100, height=100)[0] is not None
    assert place([wish], width=100, height=100, others=[around])[0] is None


# The sheet --------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Collects tags, and tells whether they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
        self.seen.add(tag)
        if tag not in {"meta", "br", "rect", "circle", "path", "line", "img", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"rect", "circle", "path", "line"}:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_sheet_is_one_page_of_html_without_script_or_network(routes: list[kv.Route], tmp_path: Path) -> None:
    text = kv.write_route_sheet(routes[0], tmp_path / "sheet.html", others=routes).read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.wrong == []
    assert tags.open == []
    assert "script" not in tags.seen
    assert not CAPS.search(text)
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    for part in ("Legs", "Charges for the shipment", "Emissions, elements of ISO 14083", "Borders", "Aby", "Dale"):
        assert part in text


def test_what_tables_say_is_escaped_on_the_sheet(routes: list[kv.Route]) -> None:
    by_sea = next(r for r in routes if r.restrictions)
    text = kv.route_sheet(by_sea)
    assert "Rule &lt;b&gt;of&lt;/b&gt; the sea" in text
    assert "A &amp; B." in text
    assert "NATIONAL" in text


def test_documents_at_borders_are_shown_where_they_are_known() -> None:
    t = with_a_second_way()
    t["borders"]["documents"] = [None, None, "TIR carnet;veterinary certificate", None]
    known = kv.route(tiny(**t), kv.Shipment("A", "D", "grain"))
    texts = {"A to D" in r.borders: kv.route_sheet(r) for r in known}
    assert "TIR carnet, veterinary certificate" in texts[True]
    assert "not known" in texts[False]


# The command line -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case as a folder."""
    out = tmp_path_factory.mktemp("case") / "tiny"
    kv.write_case(case_with_ranges(), out)
    return out


def run(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def test_route_prints_alternatives_legs_and_odds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run("route", "A", "D", "--commodity", "grain", "--case", folder, "--tonnes", 120, "--ready", "2024-07-01",
               "--deadline", "2024-07-20", "--draws", 100)  # fmt: skip
    text = capsys.readouterr().out
    assert done == 0
    for part in (
        "8 of 10 draws", "2024-07-01 00:00", "P90 of 100 draws", "Borders: B to C", "Restriction (national", "on time",
    ):  # fmt: skip
        assert part in text, part


def test_route_as_json_with_every_option(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(
        "route", "A", "D", "--commodity", "grain", "--case", folder, "--tonnes", 120, "--window", 7, "--ready",
        "2024-07-01", "--within", 60, "--incoterm", "FCA", "--objective", "cost", "--objective", "time",
        "--resolution", 0.1, "--certified", "--budget", "cost=500", "--avoid", "road", "--comply", "us,eu", "--closed",
        "A-D=2030-01-01", "--draws", 50, "--seed", 3, "--all", "--critical", "--chart", tmp_path / "c.svg",
        "--sheet", tmp_path / "s.html", "--sheet-of", 1, "--json",
    )  # fmt: skip
    captured = capsys.readouterr()
    if done:
        pytest.fail(captured.err)
    document = json.loads(captured.out)
    assert {"routes", "pareto", "critical", "chart", "sheet", "shipment", "case"} <= set(document)
    assert document["pareto"]["objectives"] == ["cost", "time"]
    assert document["routes"][0]["odds"]["seed"] == 3
    assert (tmp_path / "c.svg").is_file()
    assert (tmp_path / "s.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--closed", "A-D"), "NAME=VALUE"),
        (("--budget", "cost=much"), "'much' is no number"),
        (("--objective", "beauty"), "beauty"),
        (("--comply", "mars"), "mars"),
        (("--sheet", "x.html", "--sheet-of", "9"), "there are"),
        (("--ready", "tomorrow"), "tomorrow"),
        (("--tonnes", "-3"), "tonnes"),
    ],
)
def test_wrong_options_are_told_plainly(
    folder: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("route", "A", "D", "--commodity", "grain", "--case", folder, *arguments) in {1, 2}
    assert said in capsys.readouterr().err


def test_no_draws_no_odds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("route", "A", "D", "--commodity", "grain", "--case", folder, "--draws", 0, "--json") == 0
    assert [r["odds"] for r in json.loads(capsys.readouterr().out)["routes"]] == [None, None]


def test_modes_have_colours_of_their_own(case: Case) -> None:
    assert len(set(mode_colours(case).values())) == len(case.modes)


def test_a_chart_is_an_svg_or_a_page(routes: list[kv.Route], tmp_path: Path) -> None:
    with pytest.raises(kv.FormatError, match=r"written as \.svg or \.html, not \.pdf"):
        kv.write_route_chart(routes, tmp_path / "chart.pdf")
    assert not (tmp_path / "chart.pdf").exists()


def test_route_says_who_pays_in_what_money_and_what_a_window_offers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ("route", "A", "D", "--commodity", "grain", "--case", folder, "--tonnes", 120, "--incoterm", "CPT",
           "--incoterm-place", "C", "--draws", 0)  # fmt: skip
    assert run(*ask, "--ready", "2024-07-01", "--window", 3) == 0
    text = capsys.readouterr().out
    assert "Pays: the buyer" in text
    assert " x wagon_1520" in text
    assert ("Any departure of the window is as good" in text) != ("The best departures of the window" in text)
