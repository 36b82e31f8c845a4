"""Congested assignment with hard capacities on the TNTP networks: CPU seconds, rounds, what certifies the answer.

Run `python benchmarks/bench_hard_capacity.py [NETWORK ...]`; it reads `../shared/data/tntp`, writes
`benchmarks/results/hard_capacity.json` and `hard_capacity.md`. CPU seconds of the process, kernels compiled, one run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
from bench_equilibrium import RESULTS, machine, read

from karavan.assignment import UserEquilibrium, solve_congested
from karavan.assignment.hard_capacity import equilibrium_with_hard_capacity

NETWORKS = ("SiouxFalls", "Winnipeg", "Barcelona", "Chicago-Sketch")


def measure(name: str) -> dict[str, Any]:
    """Measure one network with hard capacities, scaled so that about a tenth of the links bind."""
    small, _ = read("SiouxFalls")
    equilibrium_with_hard_capacity(small, np.full(small.n_links, 1e9), UserEquilibrium(), unserved_price=1e9)
    problem, _ = read(name)
    free = solve_congested(problem, UserEquilibrium(threads=1))
    share = free.link_flow[0] * problem.delays.table[:, 1]
    limited = (share > 0.0) & problem.through[problem.tail] & problem.through[problem.head]
    scale = np.quantile(share[limited], 0.92)
    hard = np.zeros(problem.n_links)
    hard[limited] = scale / problem.delays.table[limited, 1]
    price = 10.0 * float(free.pair_cost.max())
    found = equilibrium_with_hard_capacity(problem, hard, UserEquilibrium(threads=1), unserved_price=price)
    return {
        "network": name, "limited": int(limited.sum()), "full": int((found.queue > 0.0).sum()), "scale": float(scale),
        "cpu_s": found.seconds, "rounds": found.rounds, "passes": len(found.passes), "ending": found.ending,
        "relative_gap": found.relative_gap, "dual_gap": found.dual_gap, "exceeded": found.exceeded,
        "slack": found.slack, "unserved_share": float(found.unserved.sum() / problem.demand.sum()),
    }  # fmt: skip


def table(report: dict[str, Any]) -> str:
    """Return the report as a page of Markdown."""
    m = report["machine"]
    lines = [
        "# Congested assignment with hard capacities", "",
        ("User equilibrium with queues at full links; relative gap and tolerance 1e-6, one run, one thread. Limited "
        "are links with flow between nodes that may be passed, to their delay capacity times the scale: the 92nd "
        "percentile of flow over capacity without limits. Price of being unserved: ten times the dearest pair. "
        f"{m['cpu']}, {m['cores']} cores; Python {m['python']}, numba {m['numba']}; commit {m['commit']} and changes. "
        "Made by `benchmarks/bench_hard_capacity.py`."),
        "",
        ("| network | links limited, full | scale | CPU s | rounds, passes | ending | relative gap | dual gap "
        "| exceeded | slack | unserved |"),
        "|---" * 11 + "|",
    ]  # fmt: skip
    for r in report["networks"]:
        gaps = " | ".join(f"{r[x]:.1e}" for x in ("relative_gap", "dual_gap", "exceeded", "slack"))
        lines.append(
            f"| {r['network']} | {r['limited']}, {r['full']} | {r['scale']:.3g} | {r['cpu_s']:.3g} | {r['rounds']}, "
            f"{r['passes']} | {r['ending']} | {gaps} | {r['unserved_share']:.2%} |"
        )
    lines += ["", "With delay functions the arc programme is not linear: HiGHS was not run beside it."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure each network in a process of its own and write the results."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2])))
        return
    rows = []
    for name in sys.argv[1:] or NETWORKS:
        run = [sys.executable, __file__, "--one", name]
        rows.append(json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout))
        print(name, rows[-1]["cpu_s"], flush=True)
    report = {"machine": machine(), "networks": rows}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "hard_capacity.json").write_text(json.dumps(report, indent=1) + "\n")
    (RESULTS / "hard_capacity.md").write_text(table(report))
    print(table(report))


if __name__ == "__main__":
    main()
