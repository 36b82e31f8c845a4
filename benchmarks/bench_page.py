"""The page: time to the first view, weight, and script a frame while a network of 50,000 links is panned.

Run `python benchmarks/bench_page.py [first|weight|pan|answers ...]` with the page built and Chromium installed; parts
that are not named keep their numbers. It writes `benchmarks/results/page.json` and `page.md`. Every number is taken in
headless Chromium on this machine, without a GPU (WebGL by SwiftShader), from a server of its own: times to the first
view are medians of `REPEATS` fresh browser contexts, script time is Chromium's own `ScriptDuration`, in CPU time of the
main thread, over the frames drawn. Frames a second are not claimed. The network of 50,000 links is synthetic: it is
made here and put in the place of the server's answer, so that the page alone is measured.
"""

from __future__ import annotations

import json
import os
import platform
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
STATIC = ROOT / "src" / "karavan" / "web" / "static"
ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
REPEATS = 5
LINKS, NODES = 50_000, 5_000
MOVES = 24  # of the mouse, in one pan; without a GPU each waits long for its picture
AIMS = {"first_view_s": 2.0, "weight_mb": 2.5, "script_ms_a_frame": 8.0, "route_ms": 300.0, "scenario_s": 3.0}
IDLE = "() => document.querySelector('.stage')?.dataset.state === 'idle'"
DRAWN = "() => performance.getEntriesByName('network-drawn')[0]?.startTime"


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Start `karavan serve` at a free port; give its address."""
    words = [sys.executable, "-m", "karavan", "serve", "--port", "0", "--no-browser", "--runs", str(folder)]
    around = os.environ | {"XDG_DATA_HOME": str(folder)}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=around) as run:
        assert run.stderr is not None
        said = ""
        while "Ctrl-C" not in said:
            said += run.stderr.readline()
        found = re.search(r"serves at (http://[^\s#]+)", said)
        assert found, said
        base = found[1].rstrip("/")
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{base}/api/v1/cases/caspian/map").read()  # noqa: S310 (our own server)
                break
            except OSError:
                time.sleep(0.1)
        try:
            yield base
        finally:
            run.kill()


def asked(base: str, path: str, body: dict[str, Any]) -> tuple[float, Any]:
    """Post a question; return seconds and the answer."""
    question = urllib.request.Request(  # noqa: S310
        f"{base}/api/v1{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    begun = time.perf_counter()
    answer = json.load(urllib.request.urlopen(question))  # noqa: S310
    return time.perf_counter() - begun, answer


def first_views(browser: Any, base: str) -> dict[str, Any]:
    """Measure seconds from the request of the page to the network and its numbers, and to everything drawn."""
    network, whole, sizes = [], [], []
    for _ in range(REPEATS):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("Network.enable")
        seen: list[float] = []
        cdp.on("Network.loadingFinished", lambda e, seen=seen: seen.append(e["encodedDataLength"]))
        page.goto(f"{base}/map")
        drawn = page.wait_for_function(DRAWN, timeout=60_000).json_value()
        page.wait_for_selector(".tile")
        page.wait_for_function(IDLE, timeout=60_000)
        whole.append(page.evaluate("performance.now()") / 1000)
        network.append(drawn / 1000)
        sizes.append(sum(seen) / 1e6)
        context.close()
    return {"first_view_s": statistics.median(network), "first_view_all_s": network,
            "everything_drawn_s": statistics.median(whole), "first_view_weight_mb": max(sizes)}  # fmt: skip


def weight(_: Any, base: str) -> dict[str, float]:
    """Measure the megabytes of every file of the page, as sent (compressed)."""
    total = 0
    for file in (f for f in STATIC.rglob("*") if f.is_file()):
        address = f"{base}/{file.relative_to(STATIC).as_posix()}"
        question = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})  # noqa: S310
        total += len(urllib.request.urlopen(question).read())  # noqa: S310 (not unpacked: as sent)
    return {"weight_mb": total / 1e6}


def synthetic(real: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of the map with 50,000 links between 5,000 places, a third of them with flow."""
    rng = random.Random(0)  # noqa: S311
    places = [[round(rng.uniform(25, 95), 4), round(rng.uniform(20, 58), 4)] for _ in range(NODES)]
    modes, states = list(real["styles"]["modes"]), ["open", "open", "open", "planned", "seasonal"]
    links = []
    for i in range(LINKS):
        a = rng.randrange(NODES)
        x, y = places[a]
        end = [round(x + rng.gauss(0, 0.8), 4), round(y + rng.gauss(0, 0.6), 4)]
        middle = [round((x + end[0]) / 2 + rng.gauss(0, 0.1), 4), round((y + end[1]) / 2, 4)]
        flow = rng.uniform(0, 2e7) if i % 3 == 0 else 0.0
        said = {"id": f"l{i}", "name": f"link {i}", "from": f"n{a}", "to": f"e{i}", "mode": rng.choice(modes),
                "status": rng.choice(states), "forward": flow, "backward": 0.0, "tonnes": flow}  # fmt: skip
        shape = {"type": "LineString", "coordinates": [[x, y], middle, end]}
        links.append({"type": "Feature", "geometry": shape, "properties": said})
    nodes = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": at},
         "properties": {"id": f"n{i}", "name": f"Place {i}", "label": f"Place {i}", "kind": "city", "tonnes": 0.0,
                        "weight": rng.random()}}
        for i, at in enumerate(places)
    ]  # fmt: skip
    first, second, third = real["layers"]
    return real | {"layers": [first | {"features": links}, second | {"features": nodes}, third]}


def panned(browser: Any, base: str) -> dict[str, float]:
    """Measure Chromium's script time a frame while the map is dragged."""
    real = json.load(urllib.request.urlopen(f"{base}/api/v1/cases/caspian/map"))  # noqa: S310
    answer = json.dumps(synthetic(real))
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(600_000)
    page.route("**/cases/caspian/map*", lambda r: r.fulfill(body=answer, content_type="application/json"))
    page.goto(f"{base}/map")
    page.wait_for_function(DRAWN)
    page.wait_for_function(IDLE)
    cdp = context.new_cdp_session(page)
    cdp.send("Performance.enable",{"timeDomain":"threadTicks"})
    page.evaluate(
        """() => { window.frames_ = 0; const count = () => { window.frames_++; requestAnimationFrame(count); };
        requestAnimationFrame(count); }"""
    )
    box = page.locator(".map-pane").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.wait_for_timeout(3000)  # what is under the pointer is looked up, once
    page.mouse.down()
    for k in range(3):
        page.mouse.move(x + 3 * k, y + 3 * k)
    cdp.send("HeapProfiler.collectGarbage")  # what reading the answer left behind is no part of a pan
    before, frames = metrics(cdp), page.evaluate("window.frames_")
    for k in range(MOVES):
        page.mouse.move(x + 5 + (k % 40) * 4, y + 5 + (k % 30) * 3)
    after, drawn = metrics(cdp), page.evaluate("window.frames_") - frames
    page.mouse.up()
    context.close()
    return {"script_ms_a_frame": 1000 * (after["ScriptDuration"] - before["ScriptDuration"]) / drawn,
            "task_ms_a_frame": 1000 * (after["TaskDuration"] - before["TaskDuration"]) / drawn,
            "frames": drawn}  # fmt: skip


def metrics(cdp: Any) -> dict[str, float]:
    """Return Chromium's counters of a page."""
    return {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}


def answers(base: str) -> dict[str, float]:
    """Measure what the page waits for: a route, and a scenario that has not been run."""
    route = {"origin": "CN_XIA", "destination": "GE_POT", "commodity": "general_cargo", "tonnes": 20}
    times = [asked(base, "/cases/caspian/routes", route | {"tonnes": 20 + k})[0] for k in range(6)]
    scenario = {"scenarios": ["northern-closed"], "year": 2024}
    seconds, answer = asked(base, "/cases/caspian/scenarios/run?wait=20", scenario)
    assert answer["state"] == "done", answer
    other = {"scenarios": ["baku-closed"], "year": 2024}
    again, _ = asked(base, "/cases/caspian/scenarios/run?wait=20", other)
    return {"route_ms": 1000 * statistics.median(times[1:]), "scenario_first_s": seconds, "scenario_s": again}


PARTS = {"first": first_views, "weight": weight, "pan": panned, "answers": lambda _, base: answers(base)}


def main(wanted: list[str]) -> None:
    """Measure the parts named, or all, and write."""
    from playwright.sync_api import sync_playwright

    program = next(p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p)
    kept = RESULTS / "page.json"
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    with (
        tempfile.TemporaryDirectory() as folder,
        server(Path(folder)) as base,
        sync_playwright() as playwright,
    ):
        for part in wanted or PARTS:
            load = os.getloadavg()[0]
            browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
            found |= PARTS[part](browser, base)
            found |= {"chromium": browser.version, f"load_before_{part}": load}
            browser.close()
    found |= {"machine": f"{platform.machine()}, {os.cpu_count()} cores, no GPU (SwiftShader)", "links": LINKS,
              "nodes": NODES, "repeats": REPEATS, "aims": AIMS}  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    kept.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (RESULTS / "page.md").write_text(table(found), encoding="utf-8")
    print(table(found))


def table(found: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    rows = [
        ("first view: network and numbers drawn, s", "first_view_s"), ("everything drawn, names too, s",
        "everything_drawn_s"), ("first view as sent, MB, answers included", "first_view_weight_mb"),
        ("the whole page as sent, MB", "weight_mb"),
        (f"script a frame on pan, {LINKS:,} links, ms", "script_ms_a_frame"),
        ("all work of the main thread a frame, ms", "task_ms_a_frame"), ("a route, ms", "route_ms"),
        ("a scenario with its base, s", "scenario_first_s"), ("a scenario, base known, s", "scenario_s"),
    ]  # fmt: skip
    lines = [f"| {text} | {found[key]:.3g} | {found['aims'].get(key, '')} |" for text, key in rows if key in found]
    loads = ", ".join(f"{part} {found[f'load_before_{part}']:.1f}" for part in PARTS if f"load_before_{part}" in found)
    head = f"Chromium {found['chromium']}, {found['machine']}; load of the machine before each part: {loads}."
    return "\n".join([head, "", "| measure | found | aim |", "|---|---|---|", *lines, ""])


if __name__ == "__main__":
    main(sys.argv[1:])
