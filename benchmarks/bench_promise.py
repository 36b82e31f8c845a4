"""Promises on the shipped pack: seconds of 500 draws each, of all settings of the network verdict, and where they go.

Run `python benchmarks/bench_promise.py`; it writes `benchmarks/results/promise.json` and `promise.md`. Wall seconds
with two workers, CPU seconds of the process, largest memory; kernels compiled before. The promises are those of five
articles that state a quantity, typed in.
"""

from __future__ import annotations

import cProfile
import json
import os
import platform
import pstats
import resource
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.scenario.promise import PromiseOptions, promise_stages
from karavan.scenario.promise_draws import promise_draws
from karavan.scenario.promise_ground import Grounds
from karavan.scenario.promise_network import ALL_SETTINGS, network_grid
from karavan.schema.io.packs import read_pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from karavan.scenario.promise_types import Target
    from karavan.schema.case import Case

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
N, WORKERS = 500, 2
SENTENCES = (
    "Freight traffic on the Kazakhstan-Turkmenistan-Iran railway could double by 2030",
    "trade between Azerbaijan and Kazakhstan reaches 1 billion USD",
    "KZ-IR trade reaches USD 1bn",
    "KZ-IR trade reaches USD 2bn",
)
SHOWN = 12


def targets(case: Case) -> list[Target]:
    """Return the central target of every promise that is one of volume."""
    options = PromiseOptions(draws=0, settings="headline")
    found = [c.target for s in SENTENCES for c in promise_stages(case, s, options=options)]
    return [t for t in found if t.kind == "volume"]


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return the result, wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return answer, time.perf_counter() - wall, time.process_time() - cpu


def measure() -> dict[str, Any]:
    """Measure draws and grids of every promise, and profile one."""
    case = read_pack("caspian")
    asked = targets(case)
    grounds = Grounds(case)
    promise_draws(case, asked[0], n=4, grounds=grounds)
    rows = []
    for target in asked:
        drawn, wall, cpu = timed(lambda t=target: promise_draws(case, t, n=N, workers=WORKERS, grounds=grounds))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
        rows.append({"promise": target.title, "tonnes": round(target.tonnes), "wall_s": wall, "cpu_s": cpu,
                     "share": drawn.share, "megabytes": memory})  # fmt: skip
    for row, target in zip(rows, asked, strict=True):
        settings = [s for s in ALL_SETTINGS if s.others != "all promises"]

        def grid(t: Target = target, settings: list[Any] = settings) -> list[str]:
            return [v.verdict for v in network_grid(case, t, settings, grounds=grounds)]

        words, _, row["grid_cpu_s"] = timed(grid)
        row["settings"], row["carried"] = len(words), sum(w != "not carried" for w in words)
    profile = cProfile.Profile()
    profile.runcall(promise_draws, case, asked[0], n=100, grounds=grounds)
    return {
        "machine": f"{cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "commit": commit(),
        "draws": N,
        "workers": WORKERS,
        "promises": rows,
        "wall_s": sum(r["wall_s"] for r in rows),
        "cpu_s": sum(r["cpu_s"] for r in rows),
        "megabytes": max(r["megabytes"] for r in rows),
        "profile": profiled(profile),
    }


def profiled(profile: cProfile.Profile) -> list[dict[str, Any]]:
    """Return the functions that took most time by themselves."""
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    most = sorted(stats.items(), key=lambda item: -item[1][2])[:SHOWN]
    return [{"function": f"{Path(f).name}:{name}", "calls": s[0], "own_s": round(s[2], 3)} for (f, _, name), s in most]


def cpu_name() -> str:
    """Return the name of the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def commit() -> str:
    """Return the commit that was measured."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "not committed"


def report(found: dict[str, Any]) -> str:
    """Return the results as a page."""
    total = (
        f"{found['draws']} draws of each of {len(found['promises'])} promises, {found['workers']} workers: "
        f"{found['wall_s']:.0f} s wall, {found['cpu_s']:.0f} s CPU, {found['megabytes']:.0f} MB at most."
    )
    lines = [
        "# Promises on the Caspian pack", "", "Made by `benchmarks/bench_promise.py`.", "",
        f"{found['machine']}; Python {found['python']}; commit {found['commit']}.", "", total, "",
        "| promise | tonnes | draws: wall s | CPU s | carried in | settings | of these carried | CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {r['promise']} | {r['tonnes']:,} | {r['wall_s']:.1f} | {r['cpu_s']:.1f} | {r['share']:.0%} "
        f"| {r['settings']} | {r['carried']} | {r['grid_cpu_s']:.1f} |"
        for r in found["promises"]
    ]
    lines += ["", "Where 100 draws of the first spend their time, one worker:", "",
              "| function | calls | own seconds |", "|---|---|---|"]  # fmt: skip
    lines += [f"| `{p['function']}` | {p['calls']} | {p['own_s']} |" for p in found["profile"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    results = measure()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "promise.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "promise.md").write_text(report(results), encoding="utf-8")
    print(report(results))
