"""Multicommodity flow under hard capacity: column generation beside the arc-flow programme, on four instances.

Run `python benchmarks/bench_mcf.py`; it reads `../shared/data/mcf`, writes `benchmarks/results/mcf.json`
and `mcf.md`. CPU seconds of one thread (user and system), kernels compiled, from `solve` to the solution; medians of
`REPEATS` runs, of the arc programme one run, which includes building it.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import highspy
import numba
import numpy as np

from karavan.assignment import LeastCost, solve
from karavan.assignment.arc_lp import arc_lp
from karavan.problem import Problem, make_problem, perturb

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "mcf"
RESULTS = ROOT / "benchmarks" / "results"
INSTANCES = ("20x30x20", "40x60x30", "40x60x100", "60x90x300")
WITH_ARC_PROGRAMME = ("20x30x20", "40x60x30")
REPEATS = 5
ANY = LeastCost(ties="any", price_factors=())
SECOND = LeastCost(price_factors=())


def read(name: str, ties: str = "arcs") -> tuple[Problem, float]:
    """Read an instance and its optimum; the second objective, not in the data, is the number of arcs, or random."""
    with np.load(DATA / f"{name}.npz") as data:
        limited, n = data["capacitated"], data["origin"].size
        n_arcs = data["tail"].size
        second = np.ones(n_arcs) if ties == "arcs" else np.random.default_rng(1).random(n_arcs)
        problem = make_problem(
            n_nodes=int(data["n_nodes"]), tail=data["tail"], head=data["head"], cost=data["cost"],
            second=second, rhs=data["capacity"][limited],
            usage_indptr=np.append(0, np.cumsum(limited)), usage_row=np.arange(limited.sum()),
            usage_units=np.ones(limited.sum()), origin=data["origin"], destination=data["destination"],
            tonnes=data["demand"], unserved_price=np.full(n, float(data["unserved_price"])),
        )  # fmt: skip
        return problem, float(data["optimum"])


def timed(work: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """Return the answer and the median CPU seconds."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        answer = work()
        seconds.append(time.process_time() - began)
    return answer, statistics.median(seconds)


def measure(name: str) -> dict[str, Any]:
    """Measure one instance."""
    problem, optimum = read(name)
    found, cpu = timed(lambda: solve(problem, ANY), REPEATS)
    row = {
        "instance": name,
        "cpu_s": cpu,
        "objective": found.objective,
        "relative_to_optimum": found.objective / optimum - 1,
        "gap": found.gap,
        "rounds": len(found.rounds),
        "paths": found.rounds[-1].n_paths,
        "rows": found.rounds[-1].n_rows,
        "greatest_excess": float(np.max(found.row_use / problem.rhs - 1)),
    }
    drawn = perturb(problem, rhs=problem.rhs * np.random.default_rng(1).uniform(0.95, 1.05, problem.n_rows))
    warm, row["warm_cpu_s"] = timed(lambda: solve(drawn, ANY, start=found.columns), REPEATS)
    cold, row["warm_without_start_cpu_s"] = timed(lambda: solve(drawn, ANY), REPEATS)
    row["warm_relative_to_cold"] = warm.objective / cold.objective - 1
    tied, row["ties_by_second_cpu_s"] = timed(lambda: solve(problem, SECOND), 1)
    row["ties_relative_to_optimum"] = tied.objective / optimum - 1
    row["ties_second_saved"] = 1 - tied.second / found.second
    # the same service on any day costs the same here; a random second objective leaves no tie: the default's worst case
    hard, _ = read(name, "random")
    worst, row["ties_random_cpu_s"] = timed(lambda: solve(hard, SECOND), 1)
    row["ties_random_relative_to_optimum"] = worst.objective / optimum - 1
    if name in WITH_ARC_PROGRAMME:
        value, row["arc_cpu_s"] = timed(lambda: arc_lp(problem), 1)
        row["arc_relative_to_optimum"] = value / optimum - 1
        _, row["arc_presolved_cpu_s"] = timed(lambda: arc_lp(problem, presolve="choose"), 1)
        row["times_faster"] = min(row["arc_cpu_s"], row["arc_presolved_cpu_s"]) / cpu
    return row


def machine() -> dict[str, str]:
    """Name the machine, versions and commit."""
    cpu = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "cpu": cpu[0].split(":")[1].strip() if cpu else platform.processor(),
        "cores": str(len([x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("processor")])),
        "python": platform.python_version(),
        "highspy": highspy.Highs().version(),
        "numba": numba.__version__,
        "commit": commit.stdout.strip() if commit.returncode == 0 else "not committed",
    }


def table(report: dict[str, Any]) -> str:
    """Return the report as a page of Markdown."""
    m = report["machine"]
    versions = f"Python {m['python']}, HiGHS {m['highspy']}, numba {m['numba']}; commit {m['commit']}"
    heads = (
        "instance", "`LeastCost`, ties any", "off optimum", "gap", "rounds, paths, rows",
        "from a start (capacities ±5%)",
        "the same without", "default, ties by number of arcs",
        "default, ties random", "arc programme, no presolve / presolve", "times faster (best)",
    )  # fmt: skip
    lines = [
        "# Multicommodity flow under hard capacity",
        "",
        f"CPU seconds, one thread. {m['cpu']}, {m['cores']} cores; {versions}. Made by `benchmarks/bench_mcf.py`.",
        "",
        f"| {' | '.join(heads)} |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in report["instances"]:
        arc = f"{r['arc_cpu_s']:.2f} / {r['arc_presolved_cpu_s']:.2f}" if "arc_cpu_s" in r else "not run"
        faster = f"{r['times_faster']:.0f}" if "times_faster" in r else ""
        lines.append(
            f"| {r['instance']} | {r['cpu_s']:.4f} | {r['relative_to_optimum']:.1e} | {r['gap']:.1e} "
            f"| {r['rounds']}, {r['paths']}, {r['rows']} | {r['warm_cpu_s']:.4f} | {r['warm_without_start_cpu_s']:.4f} "
            f"| {r['ties_by_second_cpu_s']:.3f} | {r['ties_random_cpu_s']:.3f} | {arc} | {faster} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure all instances and write the results."""
    solve(read(INSTANCES[0])[0], ANY)  # compiles the kernels, or reads them from the cache
    report = {"machine": machine(), "instances": [measure(name) for name in INSTANCES]}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "mcf.json").write_text(json.dumps(report, indent=1) + "\n")
    (RESULTS / "mcf.md").write_text(table(report))
    print(table(report))


if __name__ == "__main__":
    main()
