"""Each view of the page does its job: in a real Chromium, on the real server, with the real pack."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from page_browser import PHONE, Site, chromium, picture, settle, site_in
from typer.testing import CliRunner
from web_client import TOKEN, packed

import karavan as kv

if TYPE_CHECKING:
    from collections.abc import Iterator

CASE = "/cases/caspian"
CHOICE = ".combobox li[role=option]:visible"
ROUTE = "/route?from=CN_XIA&to=GE_POT&goods=general_cargo&tonnes=20"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    chromium()
    with site_in(tmp_path_factory.mktemp("page")) as found:
        yield found


def said(tonnes: float) -> str:
    """Return tonnes as the page says them: three digits."""
    return f"{float(f'{tonnes / 1e6:.3g}'):g} million t"


def test_map_shows_network_flows_and_where_it_binds(site: Site) -> None:
    found = site.ask(f"{CASE}/map")
    first = found["layers"][2]["features"][0]["properties"]
    with site.open("/map") as page:
        panel = page.locator(".panel")
        for name in ("demand", "served", "unserved"):
            assert said(found["summary"][name]) in panel.inner_text()
        assert first["name"] in page.locator(".binding li").first.inner_text()
        assert page.locator(".binding li").count() == min(12, len(found["layers"][2]["features"]))
        assert "Natural Earth" in page.locator(".map-note").inner_text()
        picture(page, "map-1280")

        page.locator(".binding button").first.click()  # a record, and a field of it back to its source
        drawer = page.locator(".drawer")
        drawer.locator(".field-row").first.wait_for()
        assert first["name"] in drawer.inner_text()
        drawer.locator(".trace-button").first.click()
        drawer.locator(".trace li").first.wait_for()
        assert f"at=facilities%2F{first['facility']}" in page.url
        picture(page, "map-record-1280")


def test_map_finds_a_place_and_a_click_gives_its_record(site: Site) -> None:
    with site.open("/map") as page:
        page.get_by_role("combobox", name=re.compile("Find a place")).press_sequentially("Aktau port")
        page.locator(CHOICE).first.wait_for()
        page.locator(CHOICE).filter(has_text="Aktau port").first.click()
        settle(page)
        assert "at=nodes%2FKZ_AKT" in page.url
        page.locator(".drawer").get_by_role("button", name="Close").click()
        assert "at=" not in page.url
        box = page.locator(".map-pane").bounding_box()
        page.wait_for_timeout(300)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.locator(".map-tip").wait_for()
        assert "Aktau port" in page.locator(".map-tip").inner_text()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.locator(".drawer .field-row").first.wait_for()
        assert "Aktau port" in page.locator(".drawer h2").inner_text()


def test_map_state_is_in_its_address(site: Site) -> None:
    goods = site.ask(f"{CASE}/map", commodity="wheat")
    with site.open("/map") as page:
        page.get_by_role("switch", name="Road").click()
        page.get_by_role("switch", name=re.compile("Middle Corridor, Xi'an to Poti")).click()
        page.get_by_label("Goods").select_option("wheat")
        settle(page)
        assert {"hide=mode%3Aroad", "goods=wheat", "corridors=middle-poti"} <= set(page.url.split("?")[1].split("&"))
        again = page.url
        page.goto(again)
        settle(page)
        assert page.url == again
        assert not page.get_by_role("switch", name="Road").is_checked()
        assert any("commodity=wheat" in u for u in site.requests)
        page.get_by_role("slider", name="Year").press("ArrowRight")
        settle(page)
        assert "year=" in page.url
        picture(page, "map-wheat-1280")
    assert sum(f["properties"]["tonnes"] for f in goods["layers"][0]["features"]) > 0


def test_route_answers_and_its_link_asks_the_same_again(site: Site) -> None:
    with site.open("/route") as page:
        for label, typed, wanted in (("From", "Xi'an", "Xi'an"), ("To", "Poti", "Poti")):
            box = page.get_by_role("combobox", name=label, exact=True)
            box.press_sequentially(typed)
            page.locator(CHOICE).first.wait_for()
            box.press("Enter")  # by keyboard alone
            assert wanted in box.input_value()
        goods = page.get_by_role("combobox", name="Goods")
        goods.press_sequentially("general")
        page.locator(CHOICE).first.wait_for()
        goods.press("Enter")
        page.get_by_label("Tonnes").fill("20")
        page.get_by_label("Tonnes").press("Enter")
        page.locator(".card").first.wait_for()
        settle(page)
        cards = page.locator(".card").all_inner_texts()
        assert len(cards) >= 2
        page.get_by_role("tab", name="Legs").click()
        assert page.locator(".tab-panel tbody tr").count() >= 5
        page.goto(page.url)
        settle(page)
        assert page.locator(".card").all_inner_texts() == cards


def test_route_avoids_and_the_command_says_the_same(site: Site) -> None:
    from playwright.sync_api import expect

    with site.open(ROUTE) as page:
        page.locator(".card").first.wait_for()
        settle(page)
        page.locator(".chart svg").first.wait_for()
        picture(page, "route-1280")
        shown = page.locator(".command code").inner_text()
        first = page.locator(".card").first.inner_text()
        page.get_by_role("tab", name="Legs").click()
        page.get_by_role("button", name=re.compile("^Avoid .*")).first.click()
        page.wait_for_url(re.compile("avoid="))
        name = page.locator(".chips .chip").first.inner_text().rstrip(" \u2715")
        expect(page.locator(".tab-panel tbody")).not_to_contain_text(name, timeout=30_000)
        settle(page)
        picture(page, "route-avoid-1280")
    words = shlex.split(shown)
    assert words[:2] == ["karavan", "route"]
    answer = command(*words[1:], "--json")
    usd = f"{answer['routes'][0]['usd_per_tonne']['money']:,.0f}"
    assert f"{usd} USD/t" in first.replace("\n", " ")


def command(*words: str) -> Any:
    """Run the program and return its JSON."""
    from karavan.cli.app import app

    found = CliRunner().invoke(app, list(words))
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_route_is_asked_on_the_map(site: Site) -> None:
    with site.open(ROUTE) as page:
        page.locator(".card").first.wait_for()
        settle(page)
        node = site.ask(f"{CASE}/records/nodes/KZ_AKT")
        assert node["point"]
        page.get_by_role("button", name=re.compile("^To: ")).click()
        assert "Click a place" in page.locator(".map-busy").inner_text()


def test_what_if_shows_the_difference(site: Site) -> None:
    with site.open("/what-if") as page:
        page.get_by_role("switch", name=re.compile("Northern route closed")).click()
        page.get_by_role("slider", name="all goods").press("ArrowRight")
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator(".legend").wait_for()
        settle(page)
        assert "scenario=northern-closed" in page.url
        assert "demand=*%3A1.05" in page.url or "demand=%2A%3A1.05" in page.url
        record = site.ask(f"/runs/{site.ask('/runs')['runs'][0]['run']}")
        wanted = next(t for t in record["totals"] if t["measure"] == "demand")
        assert wanted["b"] == pytest.approx(1.05 * wanted["a"])
        row = page.locator(".tab-panel tbody tr").first.inner_text()
        assert said(wanted["a"]) in row
        assert said(wanted["b"]) in row
        picture(page, "whatif-1280")
        page.get_by_role("tab", name="Cells changed").click()
        assert page.locator(".tab-panel tbody tr").count() == len(record["diff"])
        page.get_by_role("tab", name="Scenario file").click()
        assert page.locator(".file").inner_text().strip() == record["toml"].strip()
        page.goto(page.url)  # the address asks the same again
        page.locator(".file").wait_for()
        settle(page)
        picture(page, "whatif-file-1280")


def test_what_if_closes_a_place_and_starts_empty(site: Site) -> None:
    with site.open("/what-if") as page:
        assert "Nothing is changed yet" in page.locator(".dock").inner_text()
        box = page.get_by_role("combobox", name=re.compile("Close a port"))
        box.press_sequentially("Aktau port")
        page.locator(CHOICE).first.wait_for()
        box.press("Enter")
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator(".legend").wait_for()
        settle(page)
        assert "close=nodes%3AKZ_AKT" in page.url
        page.get_by_role("tab", name="Ports").click()
        assert page.locator(".tab-panel tbody tr").count() > 0
        page.get_by_role("button", name="Back to the base").click()
        assert "close=" not in page.url


def test_promises_show_history_and_both_verdicts(site: Site) -> None:
    rows = site.ask("/promises", case="caspian")["promises"]
    assert rows
    mine = next(r for r in rows if r["target"] is not None and r["unit"] == "USD")
    with site.open("/promises") as page:
        assert page.locator(".panel .card").count() == len(rows)
        page.locator(f'.panel a[href*="{mine["id"]}"]').click()
        page.locator(".page .chart svg").wait_for()
        settle(page)
        assert mine["rule"] in page.locator(".verdict").first.inner_text()
        assert page.locator(".page .quote").count() >= len(mine["history"])
        picture(page, "promises-1280")
        page.get_by_role("button", name="Ask the network").click()
        page.wait_for_url(re.compile("check=1"))
        page.locator(".verdict .verdict-figure[class*=tone-]").first.wait_for(timeout=180_000)
        settle(page)
        assert page.locator(".grid tbody tr").count() >= 2
        assert "What would lift it" in page.locator(".page").inner_text()
        shown = page.locator(".command code").inner_text()
        assert shown.startswith("karavan promise")
        picture(page, "promises-checked-1280")


def test_promises_tell_what_is_missing(site: Site) -> None:
    with site.open("/promises") as page:
        page.get_by_label(re.compile("Ask of a promise")).fill("we will do our very best")
        page.get_by_role("button", name="Check it").click()
        page.wait_for_function("() => document.querySelector('.failed, .verdict-figure')", timeout=180_000)
        settle(page)
        told = page.locator(".page").inner_text()
        assert re.search(r"That did not work|missing|not judged|no promise", told, re.IGNORECASE)
        site.errors[:] = [e for e in site.errors if "422" not in e]


def test_evidence_is_read_and_decided(site: Site) -> None:
    partial = site.ask("/facts", status="partial")["facts"]
    assert partial
    with site.open(f"/evidence#token={TOKEN}") as page:
        assert TOKEN not in page.url
        documents = site.ask("/documents")["documents"]
        assert page.locator(".panel .document").count() == len(documents)
        page.locator(".panel .document").nth(4).click()
        mark = page.locator("mark").first
        mark.focus()
        page.keyboard.press("Enter")  # by keyboard alone
        page.locator(".fact-side .fact").wait_for()
        picture(page, "evidence-1280")
        page.get_by_role("link", name=re.compile("^Conflicts")).click()
        conflict = site.ask("/conflicts")["conflicts"][0]
        page.get_by_text(conflict["arithmetic"]).wait_for()
        picture(page, "evidence-conflict-1280")
        page.get_by_role("link", name=re.compile("^To review")).click()
        page.locator(".panel .card a").first.click()
        page.get_by_label("Your name").fill("A tester")
        page.get_by_role("button", name="Reject").click()
        page.locator(".fact .fact-rejected").first.wait_for()
        fact = re.search(r"fact=(\w+)", page.url)
        assert fact
        now = site.ask(f"/facts/{fact[1]}")
        assert (now["status"], now["version"], now["recorded_by"]) == ("rejected", 2, "A tester")
        picture(page, "evidence-review-1280")


def test_data_is_filtered_sorted_and_taken_away(site: Site) -> None:
    wanted = site.ask(f"{CASE}/tables/links", filter="mode:eq:rail", sort="-length_km", limit=1)
    with site.open("/data") as page:
        page.get_by_role("link", name=re.compile("^Links")).click()
        page.get_by_role("table").wait_for()
        page.get_by_label("Column", exact=True).select_option("mode")
        page.get_by_label("Is", exact=True).select_option("eq")
        page.get_by_label("Value", exact=True).fill("rail")
        page.get_by_role("button", name="Add a filter").click()
        page.get_by_text(f"of {wanted['total']}").wait_for()
        page.get_by_role("button", name="Sort by length").click()
        page.get_by_role("button", name="Sort by length").click()
        page.locator("th[aria-sort=descending]").wait_for()
        settle(page)
        first = "(id) => document.querySelector('tbody td').innerText.trim() === id"
        page.wait_for_function(first, arg=wanted["rows"][0]["id"])
        with page.expect_download() as taken:
            page.get_by_role("link", name="CSV").click()
        lines = taken.value.path().read_text(encoding="utf-8").splitlines()
        assert len(lines) == wanted["total"] + 1
        assert lines[1].startswith(wanted["rows"][0]["id"])
        picture(page, "data-1280")
        page.locator("tbody button.link").first.click()
        page.locator(".dialog .field-row").first.wait_for()
        page.keyboard.press("Escape")
        page.locator(".dialog").wait_for(state="detached")


def test_data_takes_a_case_and_shows_every_finding(site: Site) -> None:
    pack = kv.packs()["caspian"]
    files = {p.name: p.read_bytes() for p in pack.iterdir() if p.suffix in {".csv", ".toml"}}
    wrong = files | {"nodes.csv": files["nodes.csv"].replace(b",rail_station,", b",palace,", 3)}
    findings = checked(site, packed(wrong))
    assert len(findings) >= 3
    with site.open(f"/data#token={TOKEN}") as page:
        told = page.locator(".panel .command code").inner_text()
        assert told == "karavan export --pack caspian --to csv caspian-tables"
        page.get_by_text("Add a case").click()
        given = page.get_by_label("File of the case")
        given.set_input_files({"name": "mine.zip", "mimeType": "application/zip", "buffer": packed(wrong)})
        page.get_by_role("button", name="Check and add").click()
        page.get_by_role("alert").wait_for()
        shown = page.locator(".findings li").all_inner_texts()
        assert len(shown) == len(findings)
        assert all(any(f["problem"] in line for line in shown) for f in findings)
        picture(page, "data-refused-1280")
        site.errors[:] = [e for e in site.errors if "422" not in e]
        given.set_input_files({"name": "mine.zip", "mimeType": "application/zip", "buffer": packed(files)})
        page.get_by_role("button", name="Check and add").click()
        page.get_by_role("link", name="Open it").click()
        page.wait_for_url(re.compile("case=mine"))
        settle(page)
        assert page.locator(".case-choice select").input_value() == "mine"
        words = shlex.split(page.locator(".panel .command code").inner_text())
        assert Path(words[words.index("--case") + 1], "case.toml").is_file()


def checked(site: Site, content: bytes) -> list[dict[str, Any]]:
    """Return the findings of a case that is only checked."""
    answer = site.client.post("/api/v1/cases/check", files={"file": ("mine.zip", content)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["findings"]
    return found


def test_evidence_takes_an_article_and_a_correction(site: Site) -> None:
    text = "Trade between Kazakhstan and Iran reached $341 million in 2024, Kazakh Foreign Minister Murat Nurtleu said."
    before = len(site.ask("/documents")["documents"])
    with site.open(f"/evidence#token={TOKEN}") as page:
        page.get_by_text("Add an article").click()
        page.get_by_label("File", exact=True).set_input_files(
            {"name": "note.txt", "mimeType": "text/plain", "buffer": text.encode()}
        )
        page.get_by_label("Published").fill("2025-02-03")
        page.get_by_role("button", name="Add it").click()
        page.locator(".panel .document").nth(before).wait_for()
        documents = site.ask("/documents")["documents"]
        assert len(documents) == before + 1
        added = next(d for d in documents if d["name"] == "note.txt")
        fact = site.ask("/facts", document=added["id"])["facts"][0]
        assert fact["value"] == 341e6
        page.goto(f"{site.base}/evidence?show=review&fact={fact['id']}")
        page.get_by_label("Your name").fill("A corrector")
        page.get_by_text("Fill in or correct").click()
        page.get_by_label("value", exact=True).fill("342000000")
        page.get_by_role("button", name="Correct and accept").click()
        page.get_by_text("Version 2").first.wait_for()
        now = site.ask(f"/facts/{fact['id']}")
        assert (now["value"], now["status"], now["version"]) == (342e6, "accepted", 2)
        assert now["recorded_by"] == "A corrector"


def test_brief_is_made_shown_and_saved(site: Site) -> None:
    with site.open("/brief") as page:
        page.get_by_role("button", name="Make the brief").click()
        page.locator("iframe").wait_for(timeout=120_000)
        frame = page.frame_locator("iframe")
        frame.locator("h1").wait_for()
        assert "Caspian" in frame.locator("h1").inner_text()
        with page.expect_download() as taken:
            page.get_by_role("link", name="Save the page").click()
        assert "<svg" in taken.value.path().read_text(encoding="utf-8")
        picture(page, "brief-1280")


@pytest.mark.parametrize("view", ["map", ROUTE[1:], "what-if", "promises", "evidence", "data?table=links", "brief"])
def test_views_fit_a_phone(site: Site, view: str) -> None:
    with site.open(f"/{view}", size=PHONE) as page:
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"]
        name = view.partition("?")[0]
        picture(page, f"{name.replace('-', '')}-390")
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        picture(page, f"{name.replace('-', '')}-390-rtl")
