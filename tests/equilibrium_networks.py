"""Congested networks for tests: made at random, or read from the benchmark data beside the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st

from karavan.assignment import SystemOptimum, UserEquilibrium, solve_congested
from karavan.assignment.equilibrium_problem import EquilibriumProblem, EquilibriumSolution, make_equilibrium_problem

NAMES = ("constant", "bpr", "bpr2", "conical", "akcelik", "queue")


def equilibrium(
    problem: EquilibriumProblem, *, aim: Literal["user", "system"] = "user", start: Any = None, **options: Any
) -> EquilibriumSolution:
    """Solve, with the options of the method by name."""
    method = UserEquilibrium(**options) if aim == "user" else SystemOptimum(**options)
    return solve_congested(problem, method, start=start)


def random_network(seed: int, *, n_nodes: int = 12, n_classes: int = 1, zones: int = 0) -> EquilibriumProblem:
    """Make a network with parallel links, dead ends, links of no cost, and pairs that cannot be reached."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2 * n_nodes, 5 * n_nodes))
    tail, head = rng.integers(0, n_nodes, (2, n))
    kind = rng.integers(0, len(NAMES), n)
    power = np.where(kind == 3, rng.uniform(1.5, 6.0, n), np.where(kind == 4, 1.0, rng.choice([1.0, 1.5, 4.0], n)))
    pairs = [(i, j) for i in range(n_nodes) for j in range(n_nodes) if i != j and rng.random() < 0.3] or [(0, 1)]
    classes = rng.integers(0, n_classes, len(pairs))
    return make_equilibrium_problem(
        n_nodes=n_nodes, tail=tail, head=head, free_time=rng.choice([0.0, 1.0, 2.0, 5.0], n), function=kind,
        capacity=rng.uniform(5.0, 20.0, n), b=rng.choice([0.15, 0.5, 1.0], n), power=power,
        fixed=rng.choice([0.0, 0.0, 1.0], (n_classes, n)), open=rng.random((n_classes, n)) < 0.95,
        pce=rng.choice([1.0, 1.5, 2.5], n_classes), through=np.arange(n_nodes) >= zones,
        origin=[i for i, _ in pairs], destination=[j for _, j in pairs], demand_class=classes,
        demand=rng.choice([0.0, 1.0, 5.0, 12.0], len(pairs)),
    )  # fmt: skip


networks = st.builds(
    random_network,
    st.integers(0, 10**6),
    n_nodes=st.integers(3, 16),
    n_classes=st.integers(1, 3),
    zones=st.integers(0, 3),
)

WEIGHTS = {"Chicago-Sketch": (0.02, 0.04), "Chicago-Regional": (0.1, 0.25)}


def tntp(shared: Path, name: str) -> tuple[EquilibriumProblem, np.ndarray | None]:
    """Read a benchmark network as it stands in its files; the published flows where there are any."""
    folder = shared / "data" / "tntp" / name
    meta, rows = _rows(next(folder.glob("*_net.tntp")))
    n, first = int(meta["NUMBER OF NODES"]), int(meta["FIRST THRU NODE"])
    table = np.array([[float(x) for x in row.split(";")[0].split()[:10]] for row in rows])
    ends = table[:, :2].astype(np.int32) - 1
    origin, destination, demand = _trips(next(folder.glob("*_trips.tntp")))
    toll, length = WEIGHTS.get(name, (0.0, 0.0))
    problem = make_equilibrium_problem(
        n_nodes=n, tail=ends[:, 0], head=ends[:, 1], free_time=table[:, 4], capacity=table[:, 2], b=table[:, 5],
        power=table[:, 6], fixed=toll * table[:, 8] + length * table[:, 3], through=np.arange(n) >= first - 1,
        origin=origin, destination=destination, demand=demand,
    )  # fmt: skip
    return problem, _flows(folder, ends)


def _rows(path: Path) -> tuple[dict[str, str], list[str]]:
    head, body = path.read_text().split("<END OF METADATA>")
    meta = dict(line.strip()[1:].split(">") for line in head.splitlines() if line.startswith("<"))
    return meta, [line for line in body.splitlines() if line.strip() and not line.strip().startswith("~")]


def _trips(path: Path) -> tuple[list[int], list[int], list[float]]:
    out: Any = ([], [], [])
    origin = 0
    for row in _rows(path)[1]:
        words = row.replace(":", " ").replace(";", " ").split()
        if words[0] == "Origin":
            origin = int(words[1])
            continue
        for end, flow in zip(words[::2], words[1::2], strict=True):
            if int(end) != origin and float(flow) > 0.0:
                for column, value in zip(out, (origin - 1, int(end) - 1, float(flow)), strict=True):
                    column.append(value)
    return out


def _flows(folder: Path, ends: np.ndarray) -> np.ndarray | None:
    found = {}
    for path in folder.glob("*_flow.tntp"):
        for row in path.read_text().splitlines():
            words = row.replace(":", " ").replace(";", " ").split()
            if len(words) >= 3 and words[0].isdecimal():
                found[int(words[0]) - 1, int(words[1]) - 1] = float(words[2])
    return np.array([found[i, j] for i, j in ends.tolist()]) if found else None
