"""Routes of the shipped pack: one shipment at a time, and ten thousand from a file.

Run `python -m benchmarks.bench_route [--shipments N] [--pairs N] [--threads N] [--alternatives N]`; it prints JSON and
writes `benchmarks/results/route.json`. Shipments are drawn between the pack's zones with a fixed seed: a commodity, a
weight of 20 to 2,000 t, one in ten on a date. The file is routed by the program in a process of its own, whose seconds,
CPU seconds and largest memory are told; with a thousand draws of odds for each route.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import karavan as kv

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
WEIGHTS = (20.0, 60.0, 200.0, 2000.0)
DATES = ("2024-03-04", "2024-07-01", "2024-10-07")
FIELDS = ("id", "origin", "destination", "commodity", "tonnes", "ready")


def drawn(case: kv.Case, n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return shipments between the first nodes of two different zones."""
    draw = random.Random(seed)  # noqa: S311  not for secrets
    places = list(dict.fromkeys(cell.split(";")[0] for cell in case.zones["nodes"]))
    goods = list(case.commodities.index)
    rows = []
    for i in range(n):
        origin, destination = draw.sample(places, 2)
        ready = draw.choice(DATES) if draw.random() < 0.1 else ""
        row = (str(i), origin, destination, draw.choice(goods), draw.choice(WEIGHTS), ready)
        rows.append(dict(zip(FIELDS, row, strict=True)))
    return rows


def one_by_one(router: kv.Router, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return milliseconds of a search, of the routes with all that is told of them, and of their odds."""
    times: dict[str, list[tuple[float, float]]] = {"search": [], "routes": [], "odds": []}
    found = 0
    for row in rows:
        shipment = kv.Shipment(row["origin"], row["destination"], row["commodity"], row["tonnes"])
        if not timed(times["search"], lambda s=shipment: router.find(s)).ways:
            times["search"].pop()
            continue
        found += 1
        routes = timed(times["routes"], lambda s=shipment: kv.route(router, s))
        timed(times["odds"], lambda r=routes: kv.with_odds(r))
    return {"pairs": len(rows), "joined": found} | {name: shown(t) for name, t in times.items()}


def timed(into: list[tuple[float, float]], work: Callable[[], Any]) -> Any:
    """Do a piece of work; add its seconds and CPU seconds to a list."""
    began, cpu = time.perf_counter(), time.process_time()
    result = work()
    into.append((time.perf_counter() - began, time.process_time() - cpu))
    return result


def shown(times: list[tuple[float, float]]) -> dict[str, float]:
    """Return medians and the 95th percentile in milliseconds."""
    wall, cpu = (np.array(t) * 1e3 for t in zip(*times, strict=True))
    values = {"median_ms": np.median(wall), "p95_ms": np.quantile(wall, 0.95), "median_cpu_ms": np.median(cpu)}
    return {name: round(float(value), 2) for name, value in values.items()}


def from_a_file(rows: list[dict[str, Any]], threads: int, alternatives: int) -> dict[str, Any]:
    """Route a file of shipments with the program; return what it told, its seconds and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shipments.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, FIELDS)
            writer.writeheader()
            writer.writerows(rows)
        arguments = ["route-many", str(path), "--pack", "caspian", "--out", str(Path(folder) / "routes"), "--json",
                     "--threads", str(threads), "--alternatives", str(alternatives)]  # fmt: skip
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "karavan", *arguments], stdout=subprocess.PIPE, text=True)
        text = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(text)
    document = json.loads(text)
    told = {name: document[name] for name in ("shipments", "routes", "without_route")}
    return told | {
        "threads": threads, "alternatives": alternatives, "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1), "megabytes": round(usage.ru_maxrss / 1024.0),
    }  # fmt: skip


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shipments", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--alternatives", type=int, default=0)
    asked = parser.parse_args()
    case = kv.read_pack("caspian")
    router = kv.Router(case)
    warm = drawn(case, 60, seed=1)
    one_by_one(router, warm)
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_before": round(os.getloadavg()[0], 1),
        "one": one_by_one(router, drawn(case, asked.pairs, seed=2)),
        "file": from_a_file(drawn(case, asked.shipments), asked.threads, asked.alternatives),
        "load_after": round(os.getloadavg()[0], 1),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "route.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
