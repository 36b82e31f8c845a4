"""Restrictions on arcs: what is closed, and what is only flagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.schema.case import Case, as_list, positions
from karavan.schema.state import reference_day, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from karavan.network.graph import Graph


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Restrictions:
    """Restrictions in force on a day.

    `touched` maps the position of a restriction to the arcs it touches, shape (n_arcs,) bool. `closed` has shape
    (n_commodities, n_arcs): arcs a commodity may not use. A restriction with months closes arcs on a day of these
    months that was asked for, never a year's: then it is flagged on the routes and flows it meets. So is one with
    countries of origin or destination, which `check` refuses as `closed`: arcs do not know where goods come from.
    """

    touched: dict[int, NDArray[np.bool_]]
    closed: NDArray[np.bool_]

    def meeting(self, case: Case, arcs: NDArray[np.int32], commodity: str, origin: str, destination: str) -> list[str]:
        """Return the ids of the restrictions that a path of a commodity between two countries meets."""
        met = []
        for i, mask in self.touched.items():
            row = case.restrictions.iloc[i]
            if mask[arcs].any() and concerns(row, commodity, origin, destination):
                met.append(str(case.restrictions.index[i]))
        return met


def concerns(row: pd.Series | Mapping[str, Any], commodity: str, origin: str, destination: str) -> bool:
    """Tell whether a restriction speaks of these goods, from this country to that one.

    An end may stand for several countries, joined by ";": a gateway does.
    """
    goods, start, end = (set(as_list(row[f])) for f in ("commodities", "origin_countries", "destination_countries"))
    ends = ((start, origin), (end, destination))
    return (not goods or commodity in goods) and all(not named or named & set(as_list(c)) for named, c in ends)


def restrictions_on(case: Case, graph: Graph, *, day: str | None = None) -> Restrictions:
    """Find which arcs each restriction in force on a day touches, and which it closes.

    Without `day` the restrictions of the case's year hold: those in force at mid-year, and months close nothing.
    """
    month = None if day is None else int(day[5:7])
    day = day or reference_day(case.meta.year)
    table = case.restrictions
    in_force = within(table["valid_from"], table["valid_until"], day)
    commodities = [str(c) for c in case.commodities.index]
    closed = np.zeros((len(commodities), graph.n_arcs), dtype=bool)
    touched = {}
    finder = ArcFinder(case, graph)
    for i in np.flatnonzero(in_force).tolist():
        row = table.iloc[i]
        mask = finder.arcs(str(row["applies_to"]), str(row["target"]))
        touched[i] = mask
        months = [int(m) for m in as_list(row["months"])]
        by_pair = as_list(row["origin_countries"]) + as_list(row["destination_countries"])
        if row["effect"] == "closed" and not by_pair and (not months or month in months):
            goods = as_list(row["commodities"]) or commodities
            if row["applies_to"] == "commodities":
                goods = [str(row["target"])]
            for k, name in enumerate(commodities):
                if name in goods:
                    closed[k] |= mask
    return Restrictions(touched, closed)


class ArcFinder:
    """Finds the arcs that touch a place, link, service, country or operator."""

    def __init__(self, case: Case, graph: Graph) -> None:
        self.case, self.graph = case, graph
        moving = np.diff(graph.steps_indptr) > 0
        self.step_arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))
        self.end_a = graph.node[graph.tail]
        self.end_b = graph.node[graph.head]
        self.moving = moving

    def arcs(self, applies_to: str, target: str) -> NDArray[np.bool_]:
        """Return the arcs touched, shape (n_arcs,)."""
        case, graph = self.case, self.graph
        match applies_to:
            case "nodes":
                return self._at_nodes(case.nodes.index == target)
            case "countries":
                return self._at_nodes((case.nodes["country"] == target).fillna(False).to_numpy(dtype=bool))
            case "links":
                return self._on_links(case.links.index == target)
            case "services":
                return self._of(graph.service, case.services.index == target)
            case "transfers":
                return self._of(graph.transfer, case.transfers.index == target)
            case "borders":
                return self._of(graph.border, case.borders.index == target)
            case "operators":
                links = (case.links["operator"] == target).fillna(False).to_numpy(dtype=bool)
                runs = (case.services["operator"] == target).fillna(False).to_numpy(dtype=bool)
                return self._on_links(links) | self._of(graph.service, runs)
            case _:  # commodities: everywhere
                return np.ones(graph.n_arcs, dtype=bool)

    def _of(self, column: NDArray[np.int32], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.append(rows, False)[column]

    def _at_nodes(self, nodes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        mine = np.append(nodes, False)
        passed = np.zeros(self.graph.n_arcs, dtype=bool)
        ends = [positions(self.case.nodes, self.case.links[f]) for f in ("from_node", "to_node")]
        through = mine[ends[0][self.graph.steps_link]] | mine[ends[1][self.graph.steps_link]]
        passed[self.step_arc[through]] = True
        return np.asarray((mine[self.end_a] & mine[self.end_b]) | passed, dtype=bool)

    def _on_links(self, links: NDArray[np.bool_]) -> NDArray[np.bool_]:
        passed = np.zeros(self.graph.n_arcs, dtype=bool)
        passed[self.step_arc[links[self.graph.steps_link]]] = True
        return passed
