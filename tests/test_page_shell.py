"""The page for everybody: keyboard, contrast, errors and empty answers in words, text of others shown as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from page_browser import Site, chromium, picture, settle, site_in

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTRAST = Path(__file__).with_name("page_contrast.js").read_text(encoding="utf-8").partition("\n")[2].rstrip(";\n")
FOCUSED = """() => {
  const e = document.activeElement, next = e.nextElementSibling;
  const seen = [e, next].some((x) => x && getComputedStyle(x).outlineStyle !== "none");
  return [e.tagName, e.getAttribute("aria-label") || e.innerText || e.labels?.[0]?.innerText || "", seen];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    chromium()
    with site_in(tmp_path_factory.mktemp("page")) as found:
        yield found


@pytest.mark.parametrize(
    "view",
    [
        "/map?at=nodes/KZ_AKT&corridors=middle-poti",
        "/route?from=CN_XIA&to=GE_POT&goods=general_cargo&show=legs",
        "/what-if",
        "/promises",
        "/evidence?show=review",
        "/data?table=links",
        "/brief",
    ],
)
def test_texts_stand_out_from_what_is_behind_them(site: Site, view: str) -> None:
    with site.open(view) as page:
        assert page.evaluate(CONTRAST) == []


def test_keyboard_reaches_everything(site: Site) -> None:
    with site.open("/map") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        names = []
        for _ in range(60):
            page.keyboard.press("Tab")
            names.append(page.evaluate(FOCUSED))
        assert not [n for n in names if not n[2] and n[0] not in {"BODY", "HTML"}]
        assert {"INPUT", "BUTTON", "SELECT", "SUMMARY"} <= {tag for tag, _, _ in names}
        assert not [n for n in names if not n[1].strip() and n[0] in {"INPUT", "BUTTON", "SELECT", "A"}]
        page.locator(".maplibregl-canvas").focus()
        assert "Arrow keys" in page.locator(".maplibregl-canvas").get_attribute("aria-label")


def test_an_error_of_the_server_is_told_and_can_be_tried_again(site: Site) -> None:
    with site.open("/data?table=links", quiet=False) as page:
        page.wait_for_selector("table")
        broken = {"error": "the disk is full", "type": "Fault"}

        def fail(route: Any) -> None:
            route.fulfill(status=500, content_type="application/json", body=json.dumps(broken))

        page.route("**/tables/nodes*", fail)
        page.get_by_role("link", name="Nodes").click()
        page.get_by_role("alert").wait_for()
        assert "the disk is full" in page.get_by_role("alert").inner_text()
        picture(page, "error-1280")
        page.unroute("**/tables/nodes*")
        page.get_by_role("button", name="Try again").click()
        page.wait_for_selector("tbody tr")
        site.errors[:] = [e for e in site.errors if "500" not in e]


def test_a_server_that_is_gone_is_told_in_words(site: Site) -> None:
    with site.open("/data?table=links", quiet=False) as page:
        page.wait_for_selector("table")
        page.route("**/tables/nodes*", lambda route: route.abort())
        page.get_by_role("link", name="Nodes").click()
        page.get_by_role("alert").wait_for()
        assert "does not answer" in page.get_by_role("alert").inner_text()
        site.errors[:] = [e for e in site.errors if "ERR_FAILED" not in e]


def test_wrong_names_are_answered_with_what_may_be_meant(site: Site) -> None:
    with site.open("/route?from=Aktaw&to=GE_POT&goods=general_cargo", quiet=False) as page:
        page.get_by_role("alert").wait_for()
        text = page.get_by_role("alert").inner_text()
        assert "Aktaw" in text
        site.errors[:] = [e for e in site.errors if "404" not in e and "422" not in e]


def test_nothing_found_is_said(site: Site) -> None:
    with site.open("/data?table=links&q=no-such-thing-anywhere") as page:
        assert "No row matches" in page.locator(".page").inner_text()
        page.goto(f"{site.base}/no-such-view")
        page.get_by_text("There is no such page").wait_for()


def test_text_of_others_is_shown_as_text(site: Site) -> None:
    bad = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    real = site.ask("/cases/caspian/map")
    for feature in (real["layers"][0]["features"] + real["layers"][1]["features"])[:400]:
        feature["properties"]["name"] = feature["properties"]["label"] = bad
    for feature in real["layers"][2]["features"]:
        feature["properties"]["name"] = bad
    with site.open("/data", quiet=False) as page:
        page.route("**/cases/caspian/map*", lambda route: route.fulfill(json=real))
        page.get_by_role("link", name="Map").click()
        page.locator(".binding button").first.click()
        page.locator(".drawer h2").wait_for()
        settle(page)
        assert page.locator(".drawer h2").inner_text() == bad
        assert page.locator(".view img").count() == 0
        assert page.title() != "run"
