"""Investment, equipment, losses and a sweep on the shipped pack: seconds, and how far each answer is proven.

Run `python benchmarks/bench_invest.py`; it writes `benchmarks/results/invest.json` and `invest.md`. Demand of 2024
times `GROWTH`, year 2030. Projects whose cost no source names get `STAND_IN`, round numbers to measure the search with,
no facts. Wall seconds of this process, kernels warm; memory is the largest of the process.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

import karavan as kv
from karavan.assignment.draws import draw_start
from karavan.model import build_model, problem_of

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
GROWTH, YEAR, BUDGETS, POINTS = 1.5, 2030, (1.5e9, 4e9), 6
STAND_IN = {"KTI-20": 1e9, "SRK-400": 2e8, "AKY-100": 2e8, "ZHE-BEY-20": 1e9, "SAR-40": 2e8, "OAZ-10": 2e8,
            "YAL-15": 2e8, "ALA-phase-2-teu": 5e8, "BTK-17": 1e9}  # fmt: skip
SOURCED = ("RAS-AST-rail", "KHS-CHB-rail", "YUN-ZAH-rail", "TRIPP", "AZ-HOR-AGB", "DARBAZA-MAKTAARAL", "AKT-hub-240",
           "KUR-sarzha", "GR-48", "AST-terminal-4", "POT-terminal")  # fmt: skip
DRAWS = 1000


def timed(work: Any) -> tuple[Any, float]:
    """Return what a function returns, and its wall seconds."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def plans(case: kv.Case) -> list[dict[str, Any]]:
    """Return one line a goal and budget, 20 projects, and one for a frontier."""
    grown = kv.Scenario.of("grown", {"scale": "demand", "field": "tonnes", "by": GROWTH, "because": "to measure"})
    rows = []
    for goal in ("served", "cost"):
        for budget, points in (*((b, 0) for b in BUDGETS), (max(BUDGETS), POINTS)):
            terms = kv.InvestmentTerms(goal, (YEAR,), budget, points=points)
            asked = {"costs": STAND_IN, "only": (*SOURCED, *STAND_IN), "common": grown}
            found, seconds = timed(lambda terms=terms, asked=asked: kv.invest(case, terms, **asked))
            rows.append(
                {"goal": goal, "budget": budget, "budgets": max(points, 1), "seconds": round(seconds, 1),
                 "gap": found.gap, "nodes": found.nodes, "opened": len(found.chosen), "objective": found.objective,
                 "before": found.before, "interaction": found.interaction, "difference": found.difference}
            )  # fmt: skip
    return rows


def sweeps(case: kv.Case) -> list[dict[str, Any]]:
    """Return the seconds of a sweep of draws by one process and by two."""
    problem = problem_of(build_model(case))
    rng = np.random.default_rng(1)
    changed = [
        {"rhs": problem.rhs * rng.lognormal(0.0, 0.2, problem.n_rows),
         "tonnes": problem.tonnes * rng.lognormal(0.0, 0.2, problem.n_demands)}
        for _ in range(DRAWS)
    ]  # fmt: skip
    start = draw_start(problem)
    one, alone = timed(lambda: kv.draws(problem, changed, start=start))
    two, spread = timed(lambda: kv.sweep(problem, changed, engine=kv.ProcessEngine(2), start=start))
    assert one.objective.tobytes() == two.objective.tobytes()
    rows = (("one process", alone), ("two processes", spread))
    return [{"what": f"{DRAWS} draws, {who}", "seconds": round(s, 1)} for who, s in rows]


def others(case: kv.Case) -> list[dict[str, Any]]:
    """Return the seconds of the closed loop of equipment and of losses."""
    base = kv.assign(case)
    loop, loop_seconds = timed(lambda: kv.equipment(base))
    losses, losses_seconds = timed(lambda: kv.criticality(case, pairs=10))
    return [
        {"what": f"equipment, {len(loop.lanes)} lanes", "seconds": round(loop_seconds, 2)},
        {"what": f"{len(losses.assets)} losses, {losses.evaluated} of {losses.n_pairs} pairs, "
                 f"{'proven' if losses.proven else 'not proven'}", "seconds": round(losses_seconds, 1)},
    ]  # fmt: skip


def commit() -> str:
    """Return the commit that was measured."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "not committed"


def main() -> None:
    """Measure, and write the results."""
    case = kv.read_pack("caspian")
    kv.assign(case)
    found = {"plans": plans(case), "others": others(case) + sweeps(case)}
    memory = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; commit {commit()}"
    made = f"{machine}; {memory} MB. Made by `benchmarks/bench_invest.py`."
    asked = f"20 projects, demand of 2024 times {GROWTH}, {YEAR}; gap asked for {kv.InvestmentTerms().gap:g}."
    lines = ["# Investment, equipment, losses, sweeps", "", made, "", asked, ""]
    heads = list(found["plans"][0])
    lines += [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(f'{v:.6g}' if isinstance(v, float) else str(v) for v in row.values())} |"
              for row in found["plans"]]  # fmt: skip
    lines += ["", "| what | seconds |", "|---|---|", *(f"| {r['what']} | {r['seconds']} |" for r in found["others"])]
    RESULTS.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "megabytes": memory, **found}
    (RESULTS / "invest.json").write_text(json.dumps(document, indent=1) + "\n")
    (RESULTS / "invest.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
