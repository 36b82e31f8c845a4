"""Pareto routes over time, cost, CO2e and risk on a random multimodal network with weekday sailings.

`python -m benchmarks.corridor_pareto [--places 1000 10000] [--queries 40]` writes
`benchmarks/results/corridor_pareto.json`. Places in the plane; layers of road (all places), rail and sea with speed,
cost, CO2e and risk of their own and a random factor of 0.8 to 1.3 for each arc and objective; transfers between
layers. Goods board a train on some weekdays, ships sail on some weekdays with a cut-off; some borders (long road arcs)
are open by day only; half of the trains have a frequency only, their mean wait stands in the arc. CPU seconds of one
thread, bounds included.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from karavan.kernels.pareto_calendar import departures, expected_wait, opening_hours, running_days
from karavan.kernels.pareto_search import Gates, SearchGraph, make_gates, search_graph, timed_paths

RESULTS = Path(__file__).parent / "results"
LAYERS = {"road": 1.0, "rail": 0.4, "sea": 0.12}  # share of places
KM_PER_MINUTE = {"road": 0.5, "rail": 0.35, "sea": 0.3}
PER_KM = {"road": (1.6, 1.0, 1.0), "rail": (0.7, 0.35, 0.7), "sea": (0.35, 0.2, 1.4)}  # cost, CO2e, risk
TRANSFER = (360.0, 60.0, 12.0, 40.0)  # minutes, cost, CO2e, risk
NEIGHBOURS = 6
DAYS = 90
STORAGE = 40.0  # USD a day after the free days
FREE_DAYS = 5
LABELS_AT_MOST = 1_000_000


@dataclass
class Draft:
    """Grows the arcs and gates of a network."""

    rng: np.random.Generator
    charged: bool
    arcs: list[tuple[float, ...]] = field(default_factory=list)
    gate: list[int] = field(default_factory=list)
    events: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    rate: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, tail: int, head: int, cost: np.ndarray, event: tuple[np.ndarray, np.ndarray] | None = None,
            usd_per_day: float = 0.0) -> None:  # fmt: skip
        self.arcs.append((tail, head, *cost))
        self.gate.append(-1 if event is None else len(self.events))
        if event is not None:
            self.events.append(event)
            self.rate.append((0.0, usd_per_day / 1440, 0.0, 0.0))

    def days(self, fewest: int, most: int) -> list[int]:
        return self.rng.choice(np.arange(1, 8), self.rng.integers(fewest, most + 1), replace=False).tolist()

    def factor(self) -> np.ndarray:
        return self.rng.uniform(0.8, 1.3, 4)


def add_layer(draft: Draft, layer: str, nodes: dict[int, int], points: np.ndarray) -> None:
    """Join each place of a layer with its nearest ones, both ways."""
    places = np.array(list(nodes))
    far, near = cKDTree(points[places]).query(points[places], NEIGHBOURS + 1)
    pairs = {
        (min(i, j), max(i, j), float(d))
        for i in range(len(places))
        for d, j in zip(far[i, 1:], near[i, 1:], strict=True)
    }
    for i, j, km in sorted(pairs):
        for tail, head in ((i, j), (j, i)):
            cost = draft.factor() * km * (1 / KM_PER_MINUTE[layer], *PER_KM[layer])
            event, storage = None, 0.0
            if layer == "sea":
                runs = running_days(DAYS, first_weekday=1, weekdays=draft.days(1, 3))
                event = departures(runs, int(draft.rng.integers(1440)), cutoff=240)
                storage = STORAGE if draft.charged else 0.0
            elif layer == "road" and draft.rng.random() < 0.05:
                event = opening_hours(np.ones(DAYS, np.bool_), 480, 1200)
            draft.add(nodes[int(places[tail])], nodes[int(places[head])], cost, event, storage)


def network(n_places: int, seed: int, *, charged: bool = False) -> tuple[SearchGraph, Gates, int]:
    """Return graph, gates and the number of road nodes, which are nodes 0, 1, ... `charged`: storage at ports."""
    draft = Draft(np.random.default_rng(seed), charged)
    points = draft.rng.uniform(0, 60 * n_places**0.5, (n_places, 2))
    node_of: dict[str, dict[int, int]] = {}
    n_nodes = 0
    for layer, share in LAYERS.items():
        chosen = np.sort(draft.rng.permutation(n_places)[: int(share * n_places)])
        node_of[layer] = {int(p): n_nodes + i for i, p in enumerate(chosen)}
        n_nodes += len(chosen)
        add_layer(draft, layer, node_of[layer], points)
    for layer in ("rail", "sea"):
        for place, node in node_of[layer].items():
            road = node_of["road"][place]
            draft.add(node, road, draft.factor() * TRANSFER)
            cost, days, event = draft.factor() * TRANSFER, draft.days(2, 6), None
            if layer == "rail" and draft.rng.random() < 0.5:
                runs = running_days(DAYS, first_weekday=1, weekdays=days)
                event = departures(runs, int(draft.rng.integers(1440)))
            elif layer == "rail":
                cost[0] += expected_wait(7 * 1440 / len(days), 0.3)
            draft.add(road, node, cost, event)
    table = np.array(draft.arcs)
    free = np.full(len(draft.events), FREE_DAYS * 1440.0)
    gates = make_gates(draft.gate, draft.events, n_objectives=4, rate=np.array(draft.rate), free=free)
    return search_graph(n_nodes, table[:, 0], table[:, 1], table[:, 2:]), gates, n_places


def measure(n_places: int, n_queries: int, *, resolution: float, certified: bool, charged: bool) -> dict[str, Any]:
    """Measure random pairs of places, started on a random minute of the second week."""
    graph, gates, n_roads = network(n_places, 1, charged=charged)
    rng = np.random.default_rng(2)
    ms, found, labels, promised, complete = [], [], [], [], 0
    for i in range(-2, n_queries):  # the first two only warm up
        start, goal = rng.choice(n_roads, 2, replace=False).tolist()
        begin = [float(rng.integers(7 * 1440, 14 * 1440))]
        began = time.thread_time()
        answer = timed_paths(
            graph, gates, start, goal, begin=begin, resolution=resolution, certified=certified, limit=LABELS_AT_MOST
        )
        if i >= 0:
            ms.append(1000 * (time.thread_time() - began))
            found.append(answer.begin.size)
            labels.append(answer.n_labels)
            promised.append(answer.guarantee)
            complete += answer.complete
    return {
        "places": n_places, "nodes": graph.n_nodes, "arcs": graph.out_head.size, "gates": gates.n_gates,
        "resolution": resolution, "certified": certified, "charged": charged, "queries": n_queries,
        "routes_mean": statistics.fmean(found), "routes_max": max(found), "labels_mean": statistics.fmean(labels),
        "complete": complete,
        "guarantee_max": max((p for p in promised if p is not None), default=None), "ms_median": statistics.median(ms),
        "ms_p95": float(np.quantile(ms, 0.95)), "ms_max": max(ms),
    }  # fmt: skip


def main() -> None:
    """Measure all variants and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--resolution", type=float, default=0.05)
    given = parser.parse_args()
    rows = []
    for places in given.places:
        for certified, charged in ((False, False), (True, False), (False, True)):
            row = measure(places, given.queries, resolution=given.resolution, certified=certified, charged=charged)
            print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}, flush=True)
            rows.append(row)
    RESULTS.mkdir(exist_ok=True)
    report = {"python": platform.python_version(), "machine": platform.processor(), "rows": rows}
    (RESULTS / "corridor_pareto.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
