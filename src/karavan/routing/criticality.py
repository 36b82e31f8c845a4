"""Which single closure of a port, border, service or link costs a shipment most."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.network.graph import ArcKind
from karavan.routing.closures import Thing
from karavan.routing.options import RouteOptions
from karavan.routing.query import cheapest_path, generalized
from karavan.routing.router import Router, search
from karavan.routing.ways import Way, added, links_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from karavan.model import Model
    from karavan.routing.query import Query
    from karavan.routing.shipment import Shipment
    from karavan.schema.case import Case

COLUMNS = ("kind", "id", "name", "extra_usd_per_tonne", "extra_hours", "extra_generalized_usd_per_tonne", "no_way")
KIND = {"nodes": "port", "borders": "border", "services": "service", "links": "link"}


def criticality_of(
    case: Case | Model | Router, shipment: Shipment, options: RouteOptions | None = None
) -> pd.DataFrame:  # fmt: skip
    """Return what each single closure on the cheapest route costs a shipment, the worst first.

    Ports where goods change mode, border crossings, services and links are closed in turn, and the cheapest route by
    generalized cost is found anew. Nothing off that route can cost anything.

    Returns
    -------
    kind (port, border, service, link), id, name, extra_usd_per_tonne (money), extra_hours,
    extra_generalized_usd_per_tonne (money and hours; the order of rows), no_way (nothing else joins the two places;
    the numbers are missing then). Raises what `route` does.
    """
    router = case if isinstance(case, Router) else Router(case)
    found = router.ways(shipment, options or RouteOptions())
    query, base = found.query, found.cheapest
    rows = []
    for thing in _on(query, base):
        mask = query.scene.closer.touching(thing)
        way = _best(replace(query, open=query.open & ~mask))
        name = router.case.tables[thing.table]["name"].get(thing.ids[0]) if "name" in router.case.tables[
            thing.table] else None  # fmt: skip
        extra = [np.nan] * 3 if way is None else [way.usd - base.usd, way.hours - base.hours, way.rank - base.rank]
        rows.append((KIND[thing.table], thing.ids[0], name or thing.ids[0], *extra, way is None))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = ["no_way", "extra_generalized_usd_per_tonne"]
    return table.sort_values(order, ascending=False, kind="stable", ignore_index=True)


def _best(query: Query) -> Way | None:
    """Return the way of least generalized cost, or None."""
    path = cheapest_path(query, generalized(query))
    ways = [] if path is None else added(query, path)
    if query.begins is not None:
        ways += search(query)[0]
    return min(ways, key=lambda w: w.rank, default=None)


def _on(query: Query, way: Way) -> Iterator[Thing]:
    """Yield the ports, borders, services and links of a way, its two ends aside."""
    graph, case, arcs = query.scene.model.graph, query.scene.model.case, way.arcs
    ends = {*query.starts.tolist(), *query.ends.tolist()}
    turned = graph.node[graph.tail[arcs[graph.kind[arcs] == ArcKind.TRANSFER]]]
    wet = arcs[query.scene.words.by_water[graph.arc_mode[arcs]] & (graph.km[arcs] > 0)]
    nodes = [*turned.tolist(), *graph.node[graph.head[wet]].tolist(), *graph.node[graph.tail[wet]].tolist()]
    borders = [b for a in arcs.tolist() for b in graph.borders_under(a)]
    services = graph.service[arcs[graph.kind[arcs] == ArcKind.RUN]].tolist()
    for table, rows in (("nodes", [n for n in nodes if n >= 0 and n not in ends]), ("borders", borders),
                        ("services", services), ("links", links_of(query, arcs).tolist())):  # fmt: skip
        for row in dict.fromkeys(rows):
            yield Thing(table, (str(case.tables[table].index[row]),))
