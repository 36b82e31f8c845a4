"""Plain twin of `karavan.kernels.constrained`: every label that no other of its node dominates, a demand at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Bool = NDArray[np.bool_]


def constrained_price(
    tail: Int, head: Int, cost: Float, is_open: Bool, price: Float, source: int, target: int, most_cost: float
) -> float:
    """Return the least price of a path from source to target whose cost is at most `most_cost`; infinite if none is.

    `cost`, `is_open`, `price` are of one class, (n_arcs,) each.
    """
    labels = {source: {(0.0, 0.0)}}
    todo = [(source, 0.0, 0.0)]
    while todo:
        v, paid, spent = todo.pop()
        if (paid, spent) not in labels[v]:
            continue
        for a in range(len(tail)):
            if tail[a] != v or not is_open[a]:
                continue
            w, new = int(head[a]), (paid + float(price[a]), spent + float(cost[a]))
            known = labels.setdefault(w, set())
            if new[1] > most_cost or any(p <= new[0] and c <= new[1] for p, c in known):
                continue
            labels[w] = {x for x in known if not (new[0] <= x[0] and new[1] <= x[1])} | {new}
            todo.append((w, *new))
    return min((paid for paid, _ in labels.get(target, ())), default=math.inf)
