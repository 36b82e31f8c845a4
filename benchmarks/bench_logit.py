"""Stochastic choice and draws of the shipped pack: seconds of `Logit` and `LeastCost`, cold and from a start.

Run `python benchmarks/bench_logit.py`; it writes `benchmarks/results/logit.json` and `logit.md`. CPU seconds of one
thread, kernels compiled, the model of the case built; medians of `REPEATS`. A draw: every arc's cost, every capacity
row and every demand times a lognormal factor of its own.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from karavan.assignment import LeastCost, Logit
from karavan.assignment.calibrate import calibrate
from karavan.assignment.draws import QUICK, draw_start
from karavan.assignment.front import assign
from karavan.assignment.least_cost import least_cost
from karavan.model import build_model, problem_of
from karavan.problem import Problem, perturb
from karavan.schema.io.packs import read_pack

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
REPEATS, DRAWS = 7, 40
THETAS = (0.02, 0.05, 0.2, 1.0, 10.0, 100.0)
SPREADS = (0.02, 0.05, 0.1)


def timed(work: Callable[[], Any], repeats: int = REPEATS) -> tuple[Any, float]:
    """Return the result and the median CPU seconds."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        answer = work()
        seconds.append(time.process_time() - began)
    return answer, statistics.median(seconds)


def draw_rows(problem: Problem) -> list[dict[str, float]]:
    """Measure draws of several spreads."""
    start, start_s = timed(lambda: draw_start(problem), 3)
    rows = []
    for spread in SPREADS:
        rng = np.random.default_rng(11)
        changed = [
            perturb(
                problem,
                cost=problem.cost * rng.lognormal(0.0, spread, problem.n_arcs),
                rhs=problem.rhs * rng.lognormal(0.0, spread, problem.n_rows),
                tonnes=problem.tonnes * rng.lognormal(0.0, spread, problem.n_demands),
            )
            for _ in range(DRAWS)
        ]
        warm = [timed(lambda d=d: least_cost(d, QUICK, start=start, keep_columns=False), 1) for d in changed]
        cold = [timed(lambda d=d: least_cost(d, QUICK, keep_columns=False), 1) for d in changed]
        seconds = [s for _, s in warm]
        rows.append(
            {
                "spread": spread,
                "warm_cpu_s": statistics.median(seconds),
                "warm_slowest_cpu_s": max(seconds),
                "cold_cpu_s": statistics.median(s for _, s in cold),
                "rounds": statistics.mean(len(f.rounds) for f, _ in warm),
                "greatest_gap": max(f.gap for f, _ in warm),
                "start_cpu_s": start_s,
            }
        )
    return rows


def measure() -> dict[str, Any]:
    """Measure all."""
    model = build_model(read_pack("caspian"))
    assign(model, method=Logit(theta=0.05), start=assign(model))  # compiles the kernels, or reads them from the cache
    problem = problem_of(model)
    least, least_s = timed(lambda: assign(model))
    _, again_s = timed(lambda: assign(model, start=least))
    rows = []
    for theta in THETAS:
        method = Logit(theta=theta)
        flows, cold = timed(lambda m=method: assign(model, method=m))
        other = assign(model, method=Logit(theta=1.1 * theta), start=flows)
        _, warm = timed(lambda m=method, o=other: assign(model, method=m, start=o))
        found = flows.summary
        rows.append(
            {
                "theta": theta,
                "cpu_s": cold,
                "warm_cpu_s": warm,
                "paths": found["paths"],
                "above_least_cost": found["cost_usd"] / least.summary["objective_usd"] - 1,
                **found["residuals"],
            }
        )
    _, fit_s = timed(lambda: calibrate(model, fit=("dispersion", "demand"), method=Logit(theta=0.05)), 1)
    return {
        "least_cost": {"default_cpu_s": least_s, "from_start_cpu_s": again_s},
        "quick_cpu_s": timed(lambda: assign(model, method=LeastCost(gap=1e-4, ties="any", price_factors=())))[1],
        "logit": rows,
        "draws": draw_rows(problem),
        "calibrate_cpu_s": fit_s,
        "problem": {"nodes": problem.n_nodes, "arcs": problem.n_arcs, "goods": problem.n_classes,
                    "rows": problem.n_rows, "demands": problem.n_demands},
    }  # fmt: skip


def machine() -> str:
    """Name the machine and the commit."""
    cpu = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")]
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    name = cpu[0].split(":")[1].strip() if cpu else platform.processor()
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    return f"{name}, {os.cpu_count()} cores, {load}; Python {platform.python_version()}; commit {done.stdout.strip()}"


def page(found: dict[str, Any], on: str) -> str:
    """Return the report as a page of Markdown."""
    p = found["problem"]
    default, again = found["least_cost"].values()
    least = (
        f"`LeastCost()` {default:.3f}, from a start {again:.3f}; gap 1e-4, ties any {found['quick_cpu_s']:.3f}. "
        f"`calibrate` of dispersion and demand {found['calibrate_cpu_s']:.1f}."
    )
    heads = (
        "theta, t/USD", "`Logit`", "from the flows at 1.1 theta", "paths", "cost above `LeastCost`", "consistency",
        "capacity", "complementarity",
    )  # fmt: skip
    sizes = ", ".join(f"{n} {name}" for name, n in p.items())
    lines = [
        "# Stochastic choice and draws of the Caspian pack", "",
        f"CPU seconds, one thread, medians. {on}. Made by `benchmarks/bench_logit.py`. Problem: {sizes}.", "",
        least, "", f"| {' | '.join(heads)} |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {r['theta']:g} | {r['cpu_s']:.3f} | {r['warm_cpu_s']:.3f} | {r['paths']} | {r['above_least_cost']:.1e} "
        f"| {r['consistency']:.0e} | {r['capacity']:.0e} | {r['complementarity']:.0e} |"
        for r in found["logit"]
    ]
    lines += [
        "", "| draws: spread | from the start | slowest | without | rounds | greatest gap | finding the start |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {r['spread']:g} | {r['warm_cpu_s']:.4f} | {r['warm_slowest_cpu_s']:.4f} | {r['cold_cpu_s']:.4f} "
        f"| {r['rounds']:.1f} | {r['greatest_gap']:.0e} | {r['start_cpu_s']:.2f} |"
        for r in found["draws"]
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the results."""
    on, found = machine(), measure()
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "logit.json").write_text(json.dumps({"machine": on} | found, indent=1) + "\n")
    (RESULTS / "logit.md").write_text(page(found, on))
    print(page(found, on))


if __name__ == "__main__":
    main()
