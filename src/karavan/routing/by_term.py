"""Ways that an Incoterm fits where those found do not: by a leg by water, or by the named place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from karavan.cost.terms import BY_SEA, check_term
from karavan.kernels.shortest_path import shortest_tree
from karavan.routing.query import generalized
from karavan.routing.search import arcs_by_tail, trace_back
from karavan.routing.ways import term_fault, turns_back
from karavan.schema.case import positions
from karavan.schema.names import find_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from karavan.routing.query import Query

    Arcs = NDArray[np.int32]
    Bool = NDArray[np.bool_]
    Float = NDArray[np.float64]

TRIED = 40  # paths looked at, the cheapest first
KEPT = 4  # that fit


class _Tree(NamedTuple):
    """Cheapest distances from one of several roots; `beyond` is the end of each arc that lies nearer to the root."""

    distance: Float
    arrival: NDArray[np.int32]
    beyond: NDArray[np.int32]

    def path(self, node: int) -> Arcs:
        return np.asarray(trace_back(self.arrival, self.beyond, node), np.int32)


def paths_by_term(query: Query) -> list[Arcs]:
    """Return the cheapest paths by generalized cost that the shipment's term fits, at most four; none without a term.

    Each is the cheapest over one arc by water (terms of the sea) or to the named place: two trees of shortest paths,
    from the origin and to the destination, give them all.
    """
    through = _through(query)
    if through is None:
        return []
    graph, weight = query.scene.model.graph, generalized(query)
    source, sink = graph.source_of_node[query.starts], graph.sink_of_node[query.ends]
    ahead = _tree(query, weight, query.scene.by_tail, (graph.head, graph.tail), source.tolist())
    back = _tree(query, weight, arcs_by_tail(graph.n_nodes, graph.head), (graph.tail, graph.head), sink.tolist())
    reached = np.isfinite(ahead.distance[graph.tail]) & np.isfinite(back.distance[graph.head])
    arcs = np.flatnonzero(query.open & through & reached)
    total = ahead.distance[graph.tail[arcs]] + weight[arcs] + back.distance[graph.head[arcs]]
    found: dict[bytes, Arcs] = {}
    for arc in arcs[np.argsort(total, kind="stable")].tolist():
        path = np.concatenate((ahead.path(int(graph.tail[arc])), [arc], back.path(int(graph.head[arc]))[::-1]))
        found.setdefault(path.astype(np.int32).tobytes(), path.astype(np.int32))
        if len(found) >= TRIED:
            break
    return [p for p in found.values() if not turns_back(query, p) and term_fault(query, p) is None][:KEPT]


def _through(query: Query) -> Bool | None:
    """Return the arcs of which a path that the term fits has one."""
    shipment, graph, words = query.shipment, query.scene.model.graph, query.scene.words
    if shipment.incoterm is None:
        return None
    if check_term(shipment.incoterm) in BY_SEA:
        return np.asarray(words.by_water[graph.arc_mode] & (graph.km > 0.0), np.bool_)
    if shipment.incoterm_place is None:
        return None
    case = query.scene.model.case
    named = positions(case.nodes, find_nodes(case, shipment.incoterm_place))
    return np.isin(graph.node[graph.head], named) & (graph.km > 0.0)


def _tree(
    query: Query, weight: Float, by_end: tuple[NDArray[np.int64], NDArray[np.int32]],
    ends: tuple[NDArray[np.int32], NDArray[np.int32]], roots: Sequence[int],
) -> _Tree:  # fmt: skip
    """Return the tree from the nearest of some roots; `by_end`: arcs by their nearer end, `ends`: far and near."""
    start, arc = by_end
    beyond, nearer = ends
    trees = [shortest_tree(start, arc, beyond, weight, query.open, root) for root in roots]
    which = np.argmin([distance for distance, _ in trees], axis=0)
    at = np.arange(which.size)
    return _Tree(np.array([d for d, _ in trees])[which, at], np.array([a for _, a in trees])[which, at], nearer)
