"""Congested assignment on the TNTP networks: CPU seconds to each relative gap, skims, memory, threads.

Run `python benchmarks/bench_equilibrium.py [NETWORK ...]`; networks that are not named keep their rows. It reads
`../shared/data/tntp`, writes `benchmarks/results/equilibrium.json` and `equilibrium.md`. CPU seconds of the process
(user and system), kernels compiled, from the arrays of the problem to the solution, hierarchy and all included; medians
of `REPEATS` runs, of the large networks one. Each network has a process of its own, so that the peak of memory is its
own. Where AequilibraE is installed (extra `bench`) it is measured in the same run, each gap in a process of its own.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import math
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np

from karavan.assignment import UserEquilibrium, solve_congested
from karavan.assignment.equilibrium_problem import EquilibriumProblem, make_equilibrium_problem
from karavan.assignment.hierarchy import skim

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "tntp"
RESULTS = ROOT / "benchmarks" / "results"
REPEATS = 5
LAST = {"Chicago-Regional": 1e-6}  # others to 1e-12
LARGE = ("Berlin-Center", "Chicago-Regional")
WEIGHTS = {"Chicago-Sketch": (0.02, 0.04), "Chicago-Regional": (0.1, 0.25)}
OPTIMA = {
    "SiouxFalls": 4231335.2871074397, "Anaheim": 1286032.1710960320, "Barcelona": 1265654.92203176,
    "Winnipeg": 827911.494629963, "Chicago-Sketch": 17313018.7387477,
}  # fmt: skip
NETWORKS = (*OPTIMA, "Berlin-Center", "Chicago-Regional")
GAPS = (1e-4, 1e-6, 1e-8, 1e-10, 1e-12)
AIMS = {
    ("SiouxFalls", 1e-10): 0.007, ("Anaheim", 1e-10): 0.03, ("Barcelona", 1e-6): 0.2, ("Winnipeg", 1e-6): 0.2,
    ("Chicago-Sketch", 1e-6): 0.4, ("Chicago-Sketch", 1e-12): 1.2, ("Berlin-Center", 1e-6): 3.0,
    ("Chicago-Regional", 1e-4): 60.0,
}  # fmt: skip
PEER = ("SiouxFalls", "Anaheim", "Winnipeg", "Chicago-Sketch")  # not Barcelona: its compression errs there
PEER_GAPS = (1e-4, 1e-6)
PEER_LIMIT = 60.0  # seconds
SKIM_AIMS = {"Berlin-Center": 0.12, "Chicago-Regional": 0.5}


def rows_of(path: Path) -> tuple[dict[str, str], list[str]]:
    """Read metadata and rows of a file, gzip or not."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    head, body = text.split("<END OF METADATA>")
    meta = dict(line.strip()[1:].split(">") for line in head.splitlines() if line.startswith("<"))
    return meta, [line for line in body.splitlines() if line.strip() and not line.strip().startswith("~")]


def read(name: str) -> tuple[EquilibriumProblem, int]:
    """Read a network and its number of zones."""
    meta, rows = rows_of(next((DATA / name).glob("*_net.tntp")))
    n, first = int(meta["NUMBER OF NODES"]), int(meta["FIRST THRU NODE"])
    table = np.array([[float(x) for x in row.split(";")[0].split()[:10]] for row in rows])
    origin, pairs, demand = 0, [], []
    for row in rows_of(next((DATA / name).glob("*_trips.tntp*")))[1]:
        words = row.replace(":", " ").replace(";", " ").split()
        if words[0] == "Origin":
            origin = int(words[1])
            continue
        for end, flow in zip(words[::2], words[1::2], strict=True):
            if int(end) != origin and float(flow) > 0.0:
                pairs.append((origin - 1, int(end) - 1))
                demand.append(float(flow))
    ends = np.array(pairs)
    toll, length = WEIGHTS.get(name, (0.0, 0.0))
    problem = make_equilibrium_problem(
        n_nodes=n, tail=table[:, 0] - 1, head=table[:, 1] - 1, free_time=table[:, 4], capacity=table[:, 2],
        b=table[:, 5], power=table[:, 6], fixed=toll * table[:, 8] + length * table[:, 3],
        through=np.arange(n) >= first - 1, origin=ends[:, 0], destination=ends[:, 1], demand=demand,
    )  # fmt: skip
    return problem, int(meta["NUMBER OF ZONES"])


def measure(name: str) -> dict[str, Any]:
    """Measure one network in this process."""
    small, _ = read("SiouxFalls")
    solve_congested(small, UserEquilibrium(gap=1e-8))  # compiles the kernels, or reads them from the cache
    skim(small, small.delays.table[:, 0], origins=[0], destinations=[1])
    problem, zones = read(name)
    last = LAST.get(name, 1e-12)
    runs = [
        solve_congested(problem, UserEquilibrium(gap=last, threads=1)) for _ in range(1 if name in LARGE else REPEATS)
    ]
    found = runs[0]
    row: dict[str, Any] = {
        "network": name, "zones": zones, "nodes": problem.n_nodes, "links": problem.n_links,
        "pairs": problem.n_demands, "objective": found.objective, "gap": found.relative_gap, "ending": found.ending,
        "passes": len(found.passes), "paths": found.passes[-1].n_paths,
        "off_optimum": found.objective / OPTIMA[name] - 1 if name in OPTIMA else None,
        "cpu_s": {f"{g:.0e}": to_gap(runs, g) for g in GAPS if g >= last},
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    began = time.process_time()
    skim(problem, found.link_time, origins=np.arange(zones), destinations=np.arange(zones))
    row["skim_cpu_s"] = time.process_time() - began
    if name not in LAST:
        walls = []
        for threads in (1, 2):
            began = time.perf_counter()
            again = solve_congested(problem, UserEquilibrium(gap=1e-6, threads=threads))
            walls.append((time.perf_counter() - began, again.link_flow))
        row["wall_s_1e-6_by_threads"] = [w for w, _ in walls]
        row["same_flows"] = bool(np.array_equal(walls[0][1], walls[1][1]))
    return row


def peer(name: str) -> list[dict[str, Any]]:
    """Measure AequilibraE on a network, where it is installed; a gap not reached in time ends it."""
    found: list[dict[str, Any]] = []
    if name not in PEER or importlib.util.find_spec("aequilibrae") is None:
        return found
    for gap in PEER_GAPS:
        run = [sys.executable, str(Path(__file__).with_name("peer_aequilibrae.py")), name, str(gap)]
        try:
            done = subprocess.run(run, check=True, capture_output=True, text=True, timeout=PEER_LIMIT)
        except subprocess.TimeoutExpired:
            return [*found, {"target": gap, "cpu_s": None}]
        found.append({"target": gap} | json.loads(done.stdout.splitlines()[-1]))
    return found


def to_gap(runs: list[Any], gap: float) -> float:
    """Return the median CPU seconds to the first pass at a gap."""
    firsts = [next(p.seconds for p in s.passes if p.exact and p.relative_gap <= gap) for s in runs]
    return statistics.median(firsts)


def machine() -> dict[str, str]:
    """Name the machine, versions and commit."""
    cpu = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "cpu": cpu[0].split(":")[1].strip() if cpu else platform.processor(),
        "cores": str(len([x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("processor")])),
        "python": platform.python_version(),
        "numba": numba.__version__,
        "commit": commit.stdout.strip() if commit.returncode == 0 else "not committed",
    }


def exponent(rows: list[dict[str, Any]], over: str) -> float:
    """Fit the exponent with which CPU seconds to 1e-6 grow."""
    points = [(math.log(r[over]), math.log(r["cpu_s"]["1e-06"])) for r in rows]
    return float(np.polyfit(*zip(*points, strict=True), 1)[0])


def table(report: dict[str, Any]) -> str:
    """Return the report as a page of Markdown."""
    m, rows = report["machine"], report["networks"]
    lines = [
        "# Congested assignment: user equilibrium on the TNTP networks",
        "",
        (f"CPU seconds, one thread, from the arrays to the solution. {m['cpu']}, {m['cores']} cores; "
        f"Python {m['python']}, numba {m['numba']}; commit {m['commit']}. Made by `benchmarks/bench_equilibrium.py`. "
        "Aims in brackets."),
        "",
        "| network | zones, links, pairs | " + " | ".join(f"{g:.0e}" for g in GAPS)
        + " | objective off the published | passes, paths | MB | skims, all zones | wall to 1e-6, 1 / 2 threads |",
        "|---" * (len(GAPS) + 7) + "|",
    ]  # fmt: skip
    for r in rows:
        times = []
        for g in GAPS:
            cpu, aim = r["cpu_s"].get(f"{g:.0e}"), AIMS.get((r["network"], g))
            times.append("" if cpu is None else f"{cpu:.4g}" + (f" ({aim:g})" if aim else ""))
        off = "none published" if r["off_optimum"] is None else f"{r['off_optimum']:.1e}"
        skims = f"{r['skim_cpu_s']:.3g}" + (f" ({SKIM_AIMS[r['network']]})" if r["network"] in SKIM_AIMS else "")
        walls = " / ".join(f"{w:.3g}" for w in r.get("wall_s_1e-6_by_threads", []))
        lines.append(
            f"| {r['network']} | {r['zones']}, {r['links']}, {r['pairs']} | {' | '.join(times)} | {off} "
            f"| {r['passes']}, {r['paths']} | {r['megabytes']:.0f} | {skims} | {walls or 'not run'} |"
        )
    if len(rows) > 2:
        fits = ", ".join(f"{over} {exponent(rows, over):.2f}" for over in ("zones", "links", "pairs"))
        lines += ["", f"CPU seconds to 1e-6 over these networks grow as a power of: {fits} (fitted one at a time)."]
    lines += peer_table(rows)
    before = [f"{r['network']} (commit {r['commit']})" for r in rows if r["commit"] != m["commit"]]
    if before:
        lines += ["", f"Measured in an earlier run: {', '.join(before)}."]
    lines += ["", "Chicago-Regional: stand-in trip table, not the true one."]
    return "\n".join(lines) + "\n"


def peer_table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the table beside AequilibraE; none where it was not measured."""
    found = [(r, p) for r in rows for p in r.get("aequilibrae", [])]
    if not found:
        return []
    version = next((p["version"] for _, p in found if "version" in p), "")
    lines = [
        "",
        (f"Beside AequilibraE {version} (bi-conjugate Frank-Wolfe, one core, arrays to flows), measured in the same "
         f"run; it was ended after {PEER_LIMIT:g} s."),
        "",
        ("| network | gap | Karavan, CPU s | AequilibraE, CPU s | ratio | its iterations "
         "| its objective off the published |"),
        "|---" * 7 + "|",
    ]  # fmt: skip
    for r, p in found:
        own, theirs = r["cpu_s"][f"{p['target']:.0e}"], p["cpu_s"]
        cells = [r["network"], f"{p['target']:.0e}", f"{own:.3g}"]
        if theirs is None:
            cells += ["not reached", f"over {PEER_LIMIT / own:.0f}", "", ""]
        else:
            reached = f"{theirs:.3g}" if p["gap"] <= p["target"] else f"{theirs:.3g}, not reached"
            cells += [reached, f"{theirs / own:.0f}", str(p["iterations"]), f"{p['off_optimum']:.1e}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Measure each network in a process of its own and write the results."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2])))
        return
    rows = []
    for name in sys.argv[1:] or NETWORKS:
        run = [sys.executable, __file__, "--one", name]
        rows.append(json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout))
        rows[-1]["aequilibrae"] = peer(name)
        print(name, rows[-1]["cpu_s"], rows[-1]["aequilibrae"], flush=True)
    of, new = machine(), {row["network"]: row for row in rows}
    for row in rows:
        row["commit"] = of["commit"]
    kept = RESULTS / "equilibrium.json"
    old = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {"machine": of, "networks": []}
    earlier = {r["network"]: {"commit": old["machine"]["commit"]} | r for r in old["networks"]}
    both = earlier | new
    report = {"machine": of, "networks": [both[name] for name in NETWORKS if name in both]}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "equilibrium.json").write_text(json.dumps(report, indent=1) + "\n")
    (RESULTS / "equilibrium.md").write_text(table(report))
    print(table(report))


if __name__ == "__main__":
    main()
