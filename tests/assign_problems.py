"""Problems for the tests of kernels and assignment: random ones, and the published-size instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from karavan.problem import Problem, make_problem

if TYPE_CHECKING:
    from pathlib import Path


def random_problem(seed: int, *, n_nodes: int, n_arcs: int, n_classes: int, n_rows: int, n_demands: int) -> Problem:
    """Parallel, closed and free arcs, rows of no capacity, demands of nothing or without a path: all may occur."""
    rng = np.random.default_rng(seed)
    tail = rng.integers(0, n_nodes, n_arcs)
    head = (tail + rng.integers(1, n_nodes, n_arcs)) % n_nodes
    count = rng.integers(0, 3, n_classes * n_arcs) if n_rows else np.zeros(n_classes * n_arcs, np.int64)
    origin = rng.integers(0, n_nodes, n_demands)
    return make_problem(
        n_nodes=n_nodes,
        tail=tail,
        head=head,
        cost=rng.integers(0, 20, (n_classes, n_arcs)) * rng.choice([0.0, 1.0, 0.1]) + rng.choice([0.0, 1.0]),
        open=rng.random((n_classes, n_arcs)) < 0.9,
        second=rng.integers(0, 5, n_arcs),
        rhs=rng.choice([0.0, 1.0, 5.0, 30.0, 200.0], n_rows),
        usage_indptr=np.append(0, np.cumsum(count)),
        usage_row=rng.integers(0, max(n_rows, 1), count.sum()),
        usage_units=rng.choice([0.0, 0.02, 1.0, 2.5], count.sum()),
        origin=origin,
        destination=(origin + rng.integers(1, n_nodes, n_demands)) % n_nodes,
        demand_class=rng.integers(0, n_classes, n_demands),
        tonnes=rng.choice([0.0, 1.0, 7.5, 40.0], n_demands),
        unserved_price=rng.choice([0.0, 5.0, 100.0, 1000.0], n_demands),
    )


problems = st.builds(
    random_problem,
    st.integers(0, 2**32 - 1),
    n_nodes=st.integers(2, 12),
    n_arcs=st.integers(1, 60),
    n_classes=st.integers(1, 3),
    n_rows=st.integers(0, 12),
    n_demands=st.integers(0, 15),
)


def instance(folder: Path, name: str, second: np.ndarray | None = None) -> tuple[Problem, float]:
    """Read an instance of multicommodity flow and its optimum."""
    with np.load(folder / "data" / "mcf" / f"{name}.npz") as data:
        limited = data["capacitated"]
        problem = make_problem(
            n_nodes=int(data["n_nodes"]),
            tail=data["tail"],
            head=data["head"],
            cost=data["cost"],
            second=second,
            rhs=data["capacity"][limited],
            usage_indptr=np.append(0, np.cumsum(limited)),
            usage_row=np.arange(limited.sum()),
            usage_units=np.ones(limited.sum()),
            origin=data["origin"],
            destination=data["destination"],
            tonnes=data["demand"],
            unserved_price=np.full(data["origin"].size, float(data["unserved_price"])),
        )
        return problem, float(data["optimum"])
