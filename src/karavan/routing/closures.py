"""What a search may not use: avoid, only, comply, closed from a day on."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.errors import AmbiguousName, NameNotFound, ShipmentError
from karavan.evidence.gazetteer import read_table
from karavan.network.graph import ArcKind
from karavan.network.restrictions import ArcFinder, concerns
from karavan.routing.legs import MOVES
from karavan.schema.names import find_nodes, plain, suggestions
from karavan.schema.state import reference_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from karavan.model import Model
    from karavan.routing.options import RouteOptions
    from karavan.schema.case import Case

    Bool = NDArray[np.bool_]

TABLES = ("modes", "services", "borders", "links")  # named by id or name, in this order; then places, then operators
KINDS = {"modes": "mode", "services": "service", "borders": "border", "links": "link", "countries": "country",
         "nodes": "place", "operators": "operator"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thing:
    """What a name stands for: a table (or `countries`, `operators`) and ids."""

    table: str
    ids: tuple[str, ...]


def find_thing(case: Case, name: str) -> Thing:
    """Return what answers to a name: a mode, country, service, border, link, place or operator, in this order.

    Raises `NameNotFound`, with the nearest names, and `AmbiguousName`.
    """
    wanted = plain(name)
    for table in TABLES:
        frame = case.tables[table]
        named = frame.get("name")
        ids = [str(i) for i in frame.index if plain(str(i)) == wanted]
        if not ids and named is not None:
            ids = [str(i) for i, n in named.items() if isinstance(n, str) and plain(n) == wanted]
        if ids:
            return Thing(table, tuple(ids))
        if table == "modes" and (code := _country(case, wanted)):
            return Thing("countries", (code,))
    operators = {str(o) for t in ("links", "services") for o in case.tables[t]["operator"].dropna()}
    if met := [o for o in operators if plain(o) == wanted]:
        return Thing("operators", tuple(met))
    try:
        return Thing("nodes", tuple(find_nodes(case, name)))
    except AmbiguousName:
        raise
    except NameNotFound:
        near = [*suggestions(case, name), *difflib.get_close_matches(name, [str(m) for t in TABLES
                for m in case.tables[t].index], n=3, cutoff=0.6)]  # fmt: skip
        raise NameNotFound(name, "place, border, country, mode, service or link", near[:3]) from None


def _country(case: Case, wanted: str) -> str | None:
    codes = {str(c) for c in case.nodes["country"].dropna()}
    if (code := wanted.upper()) in codes:
        return code
    for row in read_table("countries"):
        if row["code"] in codes and wanted in {plain(row["name"]), *(plain(a) for a in row["aliases"].split(";") if a)}:
            return row["code"]
    return None


class Closer:
    """Finds the arcs of one graph that options close; made once for a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.finder = ArcFinder(model.case, model.graph)
        self.medium = np.array([*model.case.modes["medium"], None], dtype=object)
        self._masks: dict[str, Bool] = {}

    def avoided(self, options: RouteOptions) -> Bool | None:
        """Return the arcs that `avoid` and `only` close, (n_arcs,); None where they are empty."""
        if not options.avoid and not options.only:
            return None
        case, n = self.model.case, self.model.graph.n_arcs
        closed = np.zeros(n, np.bool_)
        for name in options.avoid:
            closed |= self.named(name)
        kept: dict[str, set[str]] = {}
        for name in options.only:
            thing = find_thing(case, name)
            kept.setdefault(thing.table, set()).update(thing.ids)
        for table, ids in kept.items():
            closed |= self._others(table, ids)
        return closed

    def named(self, name: str) -> Bool:
        """Return the arcs that touch what a name stands for, (n_arcs,); found once."""
        if name not in self._masks:
            self._masks[name] = self.touching(find_thing(self.model.case, name))
        return self._masks[name]

    def touching(self, thing: Thing) -> Bool:
        """Return the arcs that touch a thing, (n_arcs,)."""
        graph, out = self.model.graph, np.zeros(self.model.graph.n_arcs, np.bool_)
        if thing.table == "modes":
            named = np.append(self.model.case.modes.index.isin(thing.ids), False)
            return np.asarray(named[graph.arc_mode] & np.isin(graph.kind, MOVES), np.bool_)
        for one in thing.ids:
            out |= self.finder.arcs(thing.table, one)
            if thing.table == "borders":
                out |= self._over({one})
        return out

    def _over(self, ids: set[str]) -> Bool:
        """Return the arcs that cross some borders by themselves or under a service."""
        graph = self.model.graph
        rows = self.model.case.borders.index.isin(list(ids))
        arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.over_indptr))
        out = np.zeros(graph.n_arcs, np.bool_)
        out[arc[rows[graph.over_border]]] = True
        return out

    def _others(self, table: str, ids: set[str]) -> Bool:
        """Return the arcs that use others of a kind than those named."""
        case, graph = self.model.case, self.model.graph
        match table:
            case "modes":
                named = np.append(case.modes.index.isin(list(ids)), True)
                return np.asarray(~named[graph.arc_mode] & np.isin(graph.kind, MOVES), np.bool_)
            case "countries":
                rest = sorted({str(c) for c in case.nodes["country"].dropna()} - ids)
                return self.touching(Thing("countries", tuple(rest)))
            case "services":
                return np.asarray((graph.service >= 0) & ~np.append(case.services.index.isin(list(ids)), True)[
                    graph.service], np.bool_)  # fmt: skip
            case "borders":
                return self._over({str(b) for b in case.borders.index} - ids)
            case "nodes":
                return self._other_ports(ids)
            case _:
                message = f"`only` takes ports and airports, borders, countries, modes and services, not {table}: "
                raise ShipmentError(message + f"name them in `avoid`, or leave out {', '.join(sorted(ids))}")

    def _other_ports(self, ids: set[str]) -> Bool:
        """Return the arcs that load, unload or transfer to or from ships and aircraft at other places."""
        graph = self.model.graph
        off_land = np.isin(self.medium, ("water", "air"))
        here = np.append(self.model.case.nodes.index.isin(list(ids)), False)
        hubs = off_land[graph.mode[graph.tail]] | off_land[graph.mode[graph.head]]
        at = np.maximum(graph.node[graph.tail], graph.node[graph.head])
        turns = np.isin(graph.kind, (ArcKind.LOAD, ArcKind.UNLOAD, ArcKind.TRANSFER))
        return np.asarray(turns & hubs & ~here[at], np.bool_)

    def listed(self, options: RouteOptions, goods: str, ends: tuple[str, str]) -> Iterator[tuple[int, Bool]]:
        """Yield restrictions that `comply` rules out, and the arcs each touches; `ends`: countries from and to."""
        if not options.comply:
            return
        table = self.model.case.restrictions
        for row, mask in self.model.restrictions.touched.items():
            r = table.iloc[row]
            of_goods = r["applies_to"] != "commodities" or r["target"] == goods
            if r["regime"] in options.comply and of_goods and concerns(r, goods, *ends):
                yield row, mask

    def shut(self, options: RouteOptions) -> Iterator[tuple[str, Bool]]:
        """Yield the days from which `closed` shuts things, and the arcs that touch them."""
        for name, day in options.closed.items():
            yield day, self.named(name)


def closed_on(closer: Closer, options: RouteOptions, goods: str, ends: tuple[str, str]) -> Bool:
    """Return the arcs closed by options in a search without dates, (n_arcs,): on the model's day.

    Raises `ShipmentError` where something is closed only after that day.
    """
    model = closer.model
    day = model.day or reference_day(model.case.meta.year)
    avoided = closer.avoided(options)
    closed = np.zeros(model.graph.n_arcs, np.bool_) if avoided is None else avoided.copy()
    for _, mask in closer.listed(options, goods, ends):
        closed |= mask
    for (name, start), (_, mask) in zip(options.closed.items(), closer.shut(options), strict=True):
        if day is not None and start > day:
            message = f"{name} is closed from {start}, after {day}, the day of this search: give ready, or a later day"
            raise ShipmentError(message)
        closed |= mask
    return closed

