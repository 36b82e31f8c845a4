"""Pareto paths by distance and time on a road graph of the 9th DIMACS Implementation Challenge.

`python -m benchmarks.pareto --dimacs FOLDER [--queries FILE] [--hops] [--out FILE]`. FOLDER holds one distance and one
time graph (`*-d.*.gr` and `*-t.*.gr`, or `.gr.gz`); FILE one start and goal a line, nodes counted from 1 (default: the
first `*queries*.txt` of the folder). Prints start, goal, number of Pareto-optimal cost vectors, first and last of them
and seconds of each query, then a JSON summary. If the folder has `solutions_2obj.csv`, counts are held against it.
`--hops` adds the number of arcs as a third objective. Seconds: wall and CPU (one thread), lower bounds included; the
kernels are compiled before, the graph is read once.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np

from karavan.kernels.pareto_search import SearchGraph, search_graph, static_paths


def read_arcs(path: Path) -> np.ndarray:
    """Read tail, head and weight of each arc, (n_arcs, 3)."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = [line[2:] for line in text.split(b"\n") if line.startswith(b"a ")]
    return np.array(b" ".join(lines).split(), dtype=np.int64).reshape(-1, 3)


def read_graph(folder: Path, *, hops: bool) -> SearchGraph:
    """Read the distance and the time graph of a folder."""
    tables = []
    for what in "dt":
        found = sorted(folder.glob(f"*-{what}.*.gr*"))
        if len(found) != 1:
            message = f"{folder} has {len(found)} files *-{what}.*.gr or .gr.gz, not one"
            raise SystemExit(message)
        tables.append(read_arcs(found[0]))
    distance, seconds = tables
    if not np.array_equal(distance[:, :2], seconds[:, :2]):
        message = "the distance and the time graph list different arcs"
        raise SystemExit(message)
    costs = [distance[:, 2], seconds[:, 2], *([np.ones(len(distance))] if hops else [])]
    return search_graph(int(distance[:, :2].max()), distance[:, 0] - 1, distance[:, 1] - 1, np.stack(costs, axis=1))


def read_queries(folder: Path, given: Path | None) -> list[tuple[int, int]]:
    """Read start and goal of each query."""
    path = given or next(iter(sorted(folder.glob("*queries*.txt"))), None)
    if path is None:
        message = f"{folder} has no *queries*.txt: give --queries FILE"
        raise SystemExit(message)
    return [(int(line.split()[0]), int(line.split()[1])) for line in path.read_text().splitlines() if line.strip()]


def known_counts(folder: Path) -> dict[tuple[int, int], int]:
    """Read the published number of solutions of each query, if any."""
    path = folder / "solutions_2obj.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {(int(r["start"]), int(r["goal"])): int(r["pareto_solutions"]) for r in csv.DictReader(file)}


def measure(graph: SearchGraph, start: int, goal: int) -> dict[str, Any]:
    """Answer one query."""
    began, cpu = time.perf_counter(), time.thread_time()
    paths = static_paths(graph, start - 1, goal - 1)
    wall, cpu = time.perf_counter() - began, time.thread_time() - cpu
    vectors = paths.vector.astype(np.int64).tolist()
    return {
        "start": start, "goal": goal, "count": len(vectors), "first": vectors[0] if vectors else None,
        "last": vectors[-1] if vectors else None, "labels": paths.n_labels, "wall_s": wall, "cpu_s": cpu,
    }  # fmt: skip


def summary(rows: list[dict[str, Any]], expected: dict[tuple[int, int], int]) -> dict[str, Any]:
    """Sum up the queries."""
    pairs = [(row, expected[row["start"], row["goal"]]) for row in rows if (row["start"], row["goal"]) in expected]
    times = {
        f"{kind}_ms_{name}": 1000 * figure([row[f"{kind}_s"] for row in rows])
        for kind in ("wall", "cpu")
        for name, figure in (("mean", statistics.fmean), ("median", statistics.median), ("max", max))
    }
    return {
        "queries": len(rows),
        "solutions": sum(row["count"] for row in rows),
        "compared": len(pairs),
        "different": [[row["start"], row["goal"], row["count"], n] for row, n in pairs if row["count"] != n],
        **times,
        "python": platform.python_version(),
        "numba": numba.__version__,
    }


def main() -> None:
    """Answer all queries of a file."""
    parser = argparse.ArgumentParser(description="Pareto paths by distance and time on a DIMACS road graph.")
    parser.add_argument("--dimacs", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--queries", type=Path, metavar="FILE")
    parser.add_argument("--hops", action="store_true", help="number of arcs as a third objective")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write queries and summary as JSON")
    given = parser.parse_args()
    graph = read_graph(given.dimacs, hops=given.hops)
    queries = read_queries(given.dimacs, given.queries)
    line = search_graph(3, [0, 1], [1, 2], np.ones((2, graph.n_objectives)))
    static_paths(line, 0, 2)  # compiles the kernels, or reads them from the cache
    rows = []
    print("start goal count first last seconds")
    for start, goal in queries:
        if not (1 <= start <= graph.n_nodes and 1 <= goal <= graph.n_nodes):
            message = f"query {start} {goal}: nodes run from 1 to {graph.n_nodes}"
            raise SystemExit(message)
        row = measure(graph, start, goal)
        print(start, goal, row["count"], row["first"], row["last"], f"{row['wall_s']:.4f}", flush=True)
        rows.append(row)
    report = summary(rows, {} if given.hops else known_counts(given.dimacs)) if rows else {"queries": 0}
    print(json.dumps(report))
    if given.out:
        given.out.write_text(json.dumps({"summary": report, "queries": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
