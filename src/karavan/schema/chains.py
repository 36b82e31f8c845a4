"""Chains of links of one mode: the way a service or a corridor leg takes."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

Step = tuple[int, bool]  # position of the link in its table, True when travelled forward


@dataclass(frozen=True, slots=True)
class LinkChains:
    """Neighbours of every node by mode: (mode, node) -> [(other node, km, link position, forward, track gauge)]."""

    neighbours: dict[tuple[str, str], list[tuple[str, float, int, bool, int]]]

    def shortest(self, mode: str, nodes: Sequence[str], *, track_gauge_mm: int | None = None) -> list[Step] | None:
        """Return the shortest chain through the nodes in order, or None when some pair is not joined.

        Dijkstra (1959) on kilometres; equal lengths are decided by the order of links. A link without a length
        counts as 1 km. `track_gauge_mm` keeps to links of one track gauge.
        """
        steps: list[Step] = []
        for start, end in itertools.pairwise(nodes):
            part = self._between(mode, start, end, track_gauge_mm)
            if part is None:
                return None
            steps += part
        return steps

    def _between(self, mode: str, start: str, end: str, gauge: int | None) -> list[Step] | None:
        best = {start: 0.0}
        came: dict[str, tuple[str, Step]] = {}
        heap = [(0.0, 0, start)]
        pushed = 1
        while heap:
            km, _, node = heapq.heappop(heap)
            if node == end:
                break
            if km > best[node]:
                continue
            for other, length, link, forward, link_gauge in self.neighbours.get((mode, node), ()):
                if gauge is not None and link_gauge not in {gauge, 0}:
                    continue
                if km + length < best.get(other, np.inf):
                    best[other] = km + length
                    came[other] = (node, (link, forward))
                    heapq.heappush(heap, (km + length, pushed, other))
                    pushed += 1
        if end not in best:
            return None
        steps: list[Step] = []
        while end != start:
            end, step = came[end]
            steps.append(step)
        return steps[::-1]


def link_chains(links: pd.DataFrame, usable: NDArray[np.bool_]) -> LinkChains:
    """Index the usable links by mode and node. `usable` has shape (links,)."""
    neighbours = defaultdict(list)
    lengths = links["length_km"].fillna(1.0).to_numpy()
    gauges = links["track_gauge_mm"].fillna(0).astype(int).to_numpy()
    directed = links["directed"].fillna(False).to_numpy(dtype=bool)
    ends = zip(links["from_node"], links["to_node"], links["mode"], strict=True)
    for i, (start, end, mode) in enumerate(ends):
        if usable[i]:
            neighbours[mode, start].append((end, float(lengths[i]), i, True, int(gauges[i])))
            if not directed[i]:
                neighbours[mode, end].append((start, float(lengths[i]), i, False, int(gauges[i])))
    return LinkChains(dict(neighbours))
