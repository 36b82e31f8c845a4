"""The page in a real headless Chromium on the real server: one server and one browser for all tests of a process."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from test_web_serve import served
from web_client import TOKEN, ledger_in

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SCREENS = ROOT / "results" / "screens"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
# Without a GPU, WebGL is drawn by SwiftShader.
ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
QUIET = """() => {
  const stage = document.querySelector(".stage");
  return (!stage || stage.dataset.state === "idle") && !document.querySelector(".spinner, .stale");
}"""


def chromium() -> str:
    """Return Debian's Chromium; skip with the reason where a test of the page cannot run."""
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    if not (ROOT / "src" / "karavan" / "web" / "static" / "index.html").is_file():
        pytest.skip("the page is not built: make page (it needs npm)")
    return found


@dataclass
class Site:
    """A served page and a browser that looks at it; what goes wrong in the browser is kept."""

    base: str
    browser: Any
    client: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, path: str, **params: Any) -> Any:
        """Return what the server answers without the browser."""
        answer = self.client.get(f"/api/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @contextmanager
    def open(self, address: str, *, size: dict[str, int] = WIDE, quiet: bool = True) -> Iterator[Any]:
        """Open an address in a page of its own; at the end nothing may have gone wrong in it."""
        self.errors.clear()
        self.requests.clear()
        context = self.browser.new_context(viewport=size, accept_downloads=True, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda m: m.type in {"error", "warning"} and self._note(m.text, m.location.get("url", "")))
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("request", lambda r: self.requests.append(r.url))
        page.goto(self.base + address)
        if quiet:
            settle(page)
        yield page
        context.close()
        outside = [u for u in self.requests if not u.startswith((self.base, "data:", "blob:"))]
        assert not outside, "a request left the machine"
        assert not self.errors

    def _note(self, text: str, url: str) -> None:
        """Keep an error; what the graphics driver says of its speed is none of the page's."""
        if "GL Driver Message" not in text and "GPU stall" not in text:
            self.errors.append(f"{text} {url}")


def settle(page: Any) -> None:
    """Wait until nothing is loading and the map has drawn everything."""
    page.wait_for_selector("h1, .empty")
    page.wait_for_function(QUIET, timeout=90_000)


def picture(page: Any, name: str) -> None:
    """Keep a picture of the page as it stands."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")


@contextmanager
def site_in(folder: Path) -> Iterator[Site]:
    """Serve the real pack with a ledger of its own that may be written to, and start a browser."""
    from playwright.sync_api import sync_playwright

    program = chromium()
    with (
        served(folder, "--read-write", "--token", TOKEN, "--ledger", str(ledger_in(folder))) as (client, _, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield Site(str(client.base_url).rstrip("/"), browser, client)
        browser.close()
