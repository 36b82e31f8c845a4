"""The cheapest path between two places, routes along a corridor's own legs, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.errors import NoRoute
from karavan.kernels.shortest_path import shortest_tree
from karavan.network.graph import ArcKind
from karavan.routing.legs import make_route
from karavan.routing.shipment import Route, Shipment
from karavan.schema.case import position, positions
from karavan.schema.chains import link_chains
from karavan.schema.names import find_commodity, find_nodes
from karavan.schema.state import USABLE, is_open

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from karavan.model import Model
    from karavan.network.graph import Graph
    from karavan.schema.chains import Step

ENDS = ("from_node", "to_node")


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A question in arrays: at which nodes of the case one commodity may start and end."""

    model: Model
    commodity: int
    out_start: NDArray[np.int64]
    out_arc: NDArray[np.int32]
    starts: list[int]
    ends: list[int]

    def cheapest(self, cost: NDArray[np.float64], is_open: NDArray[np.bool_]) -> NDArray[np.int32] | None:
        """Return the arcs of the cheapest path over all starts and ends, or None."""
        graph = self.model.graph
        best, path = np.inf, None
        sinks = graph.sink_of_node[self.ends].tolist()
        for source in graph.source_of_node[self.starts].tolist():
            distance, arrival = shortest_tree(self.out_start, self.out_arc, graph.head, cost, is_open, source)
            sink = min(sinks, key=lambda s: float(distance[s]))
            if distance[sink] < best:
                best, path = float(distance[sink]), trace_back(arrival, graph.tail, sink)
        return path


def trace_back(arrival: NDArray[np.int32], tail: NDArray[np.int32], sink: int) -> NDArray[np.int32]:
    """Return the arcs of the path to `sink` in order of travel."""
    arcs = []
    node = sink
    while arrival[node] >= 0:
        arcs.append(int(arrival[node]))
        node = int(tail[arrival[node]])
    return np.asarray(arcs[::-1], dtype=np.int32)


def cheapest_route(model: Model, shipment: Shipment) -> Route:
    """Return the cheapest route at what a tonne of a flow pays, whole units and least charges aside.

    Of a shipment with its weight, dates and alternatives: `karavan.routing.front.route`. Raises `NoRoute`.
    """
    search = _ask(model, shipment)
    cost = model.costs[search.commodity]
    path = search.cheapest(cost.generalized, cost.open)
    if path is None:
        message = f"No route for {shipment.commodity} from {shipment.origin} to {shipment.destination}."
        raise NoRoute(message, reasons(model, shipment))
    return make_route(model, shipment, search.commodity, path, reasons=("cheapest",))


def _ask(model: Model, shipment: Shipment) -> _Search:
    case, graph = model.case, model.graph
    commodity = position(case.commodities, find_commodity(case, shipment.commodity))
    start = positions(case.nodes, find_nodes(case, shipment.origin))
    end = positions(case.nodes, find_nodes(case, shipment.destination))
    out_start, out_arc = arcs_by_tail(graph.n_nodes, graph.tail)
    return _Search(model, commodity, out_start, out_arc, start.tolist(), end.tolist())


def arcs_by_tail(n_nodes: int, tail: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return arcs out of each node as CSR: starts of shape (n_nodes + 1,) and arcs of shape (n_arcs,)."""
    counts = np.bincount(tail, minlength=n_nodes)
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64), np.argsort(tail, kind="stable").astype(np.int32)


def reasons(model: Model, shipment: Shipment) -> list[str]:
    """Say what closes the way of a shipment, by opening one kind of closure after the other."""
    search = _ask(model, shipment)
    cost = model.costs[search.commodity]
    closed = model.restrictions.closed[search.commodity]
    unrestricted = cost.open | closed
    path = search.cheapest(cost.generalized, unrestricted)
    if path is not None:
        met = [
            str(model.case.restrictions["name"].iloc[i])
            for i, mask in model.restrictions.touched.items()
            if (mask & closed)[path].any() and model.case.restrictions["effect"].iloc[i] == "closed"
        ]
        return [f"closed by restriction: {name}" for name in met]
    path = search.cheapest(cost.generalized, unrestricted | cost.unpriced)
    if path is not None:
        links = _links_on(model, path[cost.unpriced[path]])
        return [f"no freight tariff prices {shipment.commodity} on {', '.join(links[:5])}"]
    return _reasons_of_state(model, shipment) or [
        f"no chain of links and transfers joins the two places for the units that {shipment.commodity} travels in"
    ]


def _links_on(model: Model, arcs: NDArray[np.int32]) -> list[str]:
    return list(
        dict.fromkeys(
            str(model.case.links.index[link]) for a in arcs.tolist() for link, _ in model.graph.links_under(a)
        )
    )


def _reasons_of_state(model: Model, shipment: Shipment) -> list[str]:
    """Open every planned, suspended, dated and seasonal row; name those that the route then needs."""
    from karavan.model import build_model

    case = model.case
    opened = {table: getattr(case, table) for table in ("nodes", "links", "services", "transfers")}
    for frame in opened.values():
        frame["status"], frame["open_from"], frame["open_until"] = "open", None, None
    for field in ("valid_from", "valid_until", "season_months"):
        opened["services"][field] = None
    wide = build_model(case.with_tables(**opened), day=model.day)
    search = _ask(wide, shipment)
    cost = wide.costs[search.commodity]
    path = search.cheapest(cost.generalized, cost.open | wide.restrictions.closed[search.commodity])
    return [] if path is None else list(dict.fromkeys(_shut(model, wide.graph, path)))


def _shut(model: Model, graph: Graph, path: NDArray[np.int32]) -> Iterator[str]:
    """Say which nodes, links, services and transfers of a path are not open, in the order of travel."""
    case, day = model.case, model.day
    open_ = {table: is_open(getattr(case, table), day) for table in ("nodes", "links", "services", "transfers")}
    runs = set(model.graph.service.tolist())
    for arc in path.tolist():
        for link, _ in graph.links_under(arc):
            row = case.links.iloc[link]
            for table, at in (("links", link), *(("nodes", position(case.nodes, str(row[e]))) for e in ENDS)):
                if not open_[table][at]:
                    yield _state(case.tables[table].iloc[at], day)
        service, transfer = int(graph.service[arc]), int(graph.transfer[arc])
        if service >= 0 and service not in runs:
            yield _state(case.services.iloc[service], day)
        if transfer >= 0 and not open_["transfers"][transfer]:
            yield _state(case.transfers.iloc[transfer], day)


def _state(row: pd.Series, day: str | None) -> str:
    """Say in words that a row is not open on a day, with the dates it gives."""
    when = f" on {day}" if day else ""
    if row["status"] not in USABLE:
        return f"{row.name} is {row['status']}{when}"
    parts = [
        f"{word} {row[field].replace(';', ', ')}"
        for field, word in (("open_from", "from"), ("valid_from", "from"), ("open_until", "until"),
                            ("valid_until", "until"), ("season_months", "months"))
        if isinstance(row.get(field), str)
    ]  # fmt: skip
    return f"{row.name} is not open{when}" + (f" ({', '.join(parts)})" if parts else "")


def corridor_route(
    model: Model,
    legs: Sequence[tuple[str, str, str, str, str | None]],
    commodity: str,
    *,
    ends: tuple[str, str] | None = None,
) -> Route | None:
    """Return the route along a corridor's own legs, or None where they cannot be travelled.

    `legs` are (from node, to node, mode, carrying unit, service or None), in order; `ends` names the two nodes of a
    stretch of it.
    """
    case, graph = model.case, model.graph
    k = position(case.commodities, commodity)
    chains = link_chains(case.links, is_open(case.links, model.day))
    allowed = np.isin(graph.kind, (ArcKind.LOAD, ArcKind.UNLOAD))
    ways: dict[tuple[str, str, str | None], set[Step]] = {}
    joints = {node for start, end, *_ in legs for node in (start, end)}
    ends_of = case.links[list(ENDS)].to_numpy()
    for start, end, mode, unit, service in legs:
        steps = chains.shortest(mode, [start, end])
        if steps is None:
            return None
        ways.setdefault((mode, unit, service), set()).update(steps)
        joints |= {str(node) for link, _ in steps for node in ends_of[link]}
    for (mode, unit, service), wanted in ways.items():
        allowed |= _on_chain(model, wanted, mode, unit, service)
    joined = np.append(case.nodes.index.isin(joints), False)
    allowed |= (graph.kind == ArcKind.TRANSFER) & joined[graph.node[graph.tail]]
    shipment = Shipment(*(ends or (legs[0][0], legs[-1][1])), commodity)
    search = _ask(model, shipment)
    path = search.cheapest(model.costs[k].generalized, model.costs[k].open & allowed)
    return None if path is None else make_route(model, shipment, k, path, reasons=("corridor",))


def _on_chain(model: Model, wanted: set[Step], mode: str, unit: str, service: str | None) -> NDArray[np.bool_]:
    """Mark the hauls, borders and services of a mode and unit that keep to a set of links and directions."""
    case, graph = model.case, model.graph
    mine = (graph.arc_mode == position(case.modes, mode)) & (graph.arc_unit == position(case.carrying_units, unit))
    named = None if service is None else position(case.services, service)
    on = np.zeros(graph.n_arcs, dtype=bool)
    for arc in np.flatnonzero(mine).tolist():
        kind = graph.kind[arc]
        if kind in {ArcKind.HAUL, ArcKind.RUN}:
            on[arc] = set(graph.links_under(arc)) <= wanted and (named is None or graph.service[arc] == named)
        elif kind == ArcKind.BORDER:
            on[arc] = (int(graph.link[arc]), bool(graph.forward[arc])) in wanted
        elif kind == ArcKind.WAIT:
            on[arc] = named is None or graph.service[arc] == named
    return on
