"""Capacity rows: what limits which arcs, in the asset's own unit a year, less the traffic that goes first.

A facility of kind `line`, `border_station`, `border_post` or `road` over links or borders limits each of them by
itself (goods pass several of them in turn); every other facility limits the sum of what passes its elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.network.graph import ArcKind, Graph
from karavan.schema.case import Case, as_list, position, positions
from karavan.schema.state import is_open, reference_day

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

EACH_BY_ITSELF = {"line", "road", "border_station", "border_post"}
PER_UNIT = {
    "teu": "teu_per_unit",
    "wagons": "wagons_per_unit",
    "trucks": "trucks_per_unit",
    "lane_metres": "lane_metres_per_unit",
    "moves": "moves_per_unit",
    "trains": "wagons_per_unit",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Capacity:
    """Capacity rows over arcs.

    Arrays of shape (n_rows,): `facility` position in the table; `direction` ("forward", "backward", "both");
    `element` the link or border it is for, "" when it is for the whole facility; `gross` and `preload` in own units
    a year; `preload_known` False for a shared facility without a preload row.
    `indptr`, `row`, `units` say for each arc, as CSR, which rows a tonne loads and with how many own units per loaded
    carrying unit; where `by_tonne` is True it is units per tonne instead; `loaded` is False where only the returning
    empties of the arc load the row. `goods` holds, per facility, the
    commodities it limits (empty: all).
    """

    facility: NDArray[np.int32]
    direction: tuple[str, ...]
    element: tuple[str, ...]
    gross: NDArray[np.float64]
    preload: NDArray[np.float64]
    preload_known: NDArray[np.bool_]
    indptr: NDArray[np.int64]
    row: NDArray[np.int32]
    units: NDArray[np.float64]
    by_tonne: NDArray[np.bool_]
    loaded: NDArray[np.bool_]
    goods: tuple[frozenset[str], ...]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.facility)

    @property
    def net(self) -> NDArray[np.float64]:
        """What is left for the demand, own units a year; never below zero."""
        return np.maximum(self.gross - self.preload, 0.0)


@dataclass(frozen=True, slots=True)
class _Hits:
    """Arcs an element of a facility catches, with the direction of each."""

    element: str
    arcs: list[int]
    forward: list[bool]


def capacity_rows(case: Case, graph: Graph, *, day: str | None = None) -> Capacity:
    """Build the capacity rows of the facilities in force on a day (mid-year of the case's year by default)."""
    day = day or reference_day(case.meta.year)
    selector = _Selector(case, graph)
    usable = is_open(case.facilities, day)
    loads = _loads(case.preloads)
    rows: list[tuple[int, str, str, float, float, bool]] = []
    entries: list[tuple[int, int, float, bool, bool]] = []
    for i, f in enumerate(case.facilities.itertuples()):
        if not usable[i]:
            continue
        gross = float(getattr(f, f"capacity_{f.capacity_used}"))
        for hits in selector.select(f):
            first = len(rows)
            directions = ("forward", "backward") if f.direction == "each" else (str(f.direction),)
            for direction in directions:
                preload = _preload(loads.get(str(f.Index), []), direction)
                rows.append((i, direction, hits.element, gross, preload, not f.shared or str(f.Index) in loads))
            entries += _entries(case, graph, f, hits, directions, first)
    return _freeze(case, graph, rows, entries)


def _loads(preloads: pd.DataFrame) -> dict[str, list[tuple[str, float]]]:
    """Return (direction, own units a year) of the other traffic of each facility that has any."""
    out: dict[str, list[tuple[str, float]]] = {}
    rows = zip(preloads["facility"], preloads["direction"], preloads["units_per_year"], strict=True)
    for facility, direction, units in rows:
        out.setdefault(str(facility), []).append((str(direction), float(units)))
    return out


def _preload(loads: list[tuple[str, float]], direction: str) -> float:
    """Return the own units a year that go first in a row's direction; a row for both takes all of them.

    "each" is so much in each direction, "both" the two together, half of it each way.
    """
    if direction == "both":
        return sum(2.0 * units if of == "each" else units for of, units in loads)
    share = {direction: 1.0, "each": 1.0, "both": 0.5}
    return sum(units * share.get(of, 0.0) for of, units in loads)


def _entries(
    case: Case, graph: Graph, f: object, hits: _Hits, directions: tuple[str, ...], first: int
) -> list[tuple[int, int, float, bool, bool]]:
    """Return (arc, row, own units, by tonne, loaded) for every arc caught; empties load the opposite direction."""
    unit = str(f.unit)  # type: ignore[attr-defined]
    per_unit = case.carrying_units[PER_UNIT[unit]].fillna(0.0).to_numpy() if unit != "tonnes" else None
    empty = case.carrying_units["empty_return_share"].fillna(0.0).to_numpy()
    out = []
    for arc, forward in zip(hits.arcs, hits.forward, strict=True):
        u = int(graph.arc_unit[arc])
        load = 1.0 if per_unit is None else float(per_unit[u])
        if unit == "trains":
            load /= float(f.wagons_per_train)  # type: ignore[attr-defined]
        back = 0.0 if per_unit is None else load * float(empty[u])
        for offset, direction in enumerate(directions):
            with_it = direction == "both" or (direction == "forward") == forward
            amount = (load + back) if direction == "both" else load if with_it else back
            if amount > 0.0:
                out.append((arc, first + offset, amount, per_unit is None, with_it))
    return out


class _Selector:
    """Finds the arcs that a facility limits."""

    def __init__(self, case: Case, graph: Graph) -> None:
        self.case, self.graph = case, graph
        self.modes = [str(m) for m in case.modes.index]
        self.units = [str(u) for u in case.carrying_units.index]
        self.on_land = (case.modes["medium"] == "land").tolist()
        self.by_link = _group(graph.steps_indptr, graph.steps_link, graph.n_arcs)
        self.by_border = _group(graph.over_indptr, graph.over_border, graph.n_arcs)
        self.node_at = {str(n): i for i, n in enumerate(case.nodes.index)}

    def select(self, f: object) -> list[_Hits]:
        """Return the arcs of each element (kinds that limit each by itself) or of all of them together."""
        table = str(f.element_table)  # type: ignore[attr-defined]
        found = {
            "links": self._links,
            "borders": self._borders,
            "transfers": self._transfers,
            "services": self._services,
        }[table](f)
        kept = [_Hits(h.element, *self._filter(f, h, table)) for h in found]
        kept = [h for h in kept if h.arcs]
        if f.kind in EACH_BY_ITSELF and table in {"links", "borders"}:  # type: ignore[attr-defined]
            return kept
        together = _Hits("", [a for h in kept for a in h.arcs], [d for h in kept for d in h.forward])
        return [together] if together.arcs else []

    def _elements(self, f: object, table: str) -> list[str]:
        named = as_list(f.elements)  # type: ignore[attr-defined]
        if named or table == "transfers":
            return named
        frame, node = self.case.tables[table], f.node  # type: ignore[attr-defined]
        return [str(i) for i in frame.index[(frame["from_node"] == node) | (frame["to_node"] == node)]]

    def _links(self, f: object) -> list[_Hits]:
        hits = []
        for name in self._elements(f, "links"):
            i = position(self.case.links, name)
            arcs = self.by_link.get(i, [])
            hits.append(_Hits(name, [a for a, _ in arcs], [bool(self.graph.steps_forward[at]) for _, at in arcs]))
        return hits

    def _borders(self, f: object) -> list[_Hits]:
        """Crossings: the rows of both directions of one crossing go together, the first named one is forward."""
        crossings: dict[tuple[str, ...], _Hits] = {}
        for name in self._elements(f, "borders"):
            i = position(self.case.borders, name)
            start, end, mode = (str(v) for v in self.case.borders.iloc[i][["from_node", "to_node", "mode"]])
            key = (mode, *sorted((start, end)))
            hits = crossings.setdefault(key, _Hits(name, [], []))
            first = self.case.borders["from_node"].iloc[position(self.case.borders, hits.element)]
            arcs = [a for a, _ in self.by_border.get(i, [])]
            hits.arcs.extend(arcs)
            hits.forward.extend([start == first] * len(arcs))
        return list(crossings.values())

    def _services(self, f: object) -> list[_Hits]:
        hits = []
        for name in self._elements(f, "services"):
            i = position(self.case.services, name)
            arcs = np.flatnonzero((self.graph.service == i) & (self.graph.kind == ArcKind.RUN)).tolist()
            hits.append(_Hits(name, arcs, [bool(self.graph.forward[a]) for a in arcs]))
        return hits

    def _transfers(self, f: object) -> list[_Hits]:
        """Transfers named, or all at a node together with goods loaded and unloaded there on the modes named.

        Without modes, loading counts off land only: a tonne that starts on a train is no throughput of a port.
        """
        g, named = self.graph, as_list(f.elements)  # type: ignore[attr-defined]
        if named:
            rows = set(positions(self.case.transfers, named).tolist())
            arcs = [a for a in np.flatnonzero(g.transfer >= 0).tolist() if int(g.transfer[a]) in rows]
            return [_Hits("", arcs, [bool(g.forward[a]) for a in arcs])]
        at = self.node_at[str(f.node)]  # type: ignore[attr-defined]
        modes = as_list(f.modes)  # type: ignore[attr-defined]
        arcs = []
        for a in np.flatnonzero(np.isin(g.kind, (ArcKind.TRANSFER, ArcKind.LOAD, ArcKind.UNLOAD))).tolist():
            hub = int(g.head[a] if g.kind[a] == ArcKind.LOAD else g.tail[a])
            if g.node[hub] != at:
                continue
            mode = int(g.mode[hub])
            if g.kind[a] == ArcKind.TRANSFER or (self.modes[mode] in modes if modes else not self.on_land[mode]):
                arcs.append(a)
        loading = [g.kind[a] == ArcKind.LOAD or (g.kind[a] == ArcKind.TRANSFER and bool(g.forward[a])) for a in arcs]
        return [_Hits("", arcs, loading)]

    def _filter(self, f: object, hits: _Hits, table: str) -> tuple[list[int], list[bool]]:
        """Keep arcs whose modes and units the facility names; a transfer counts if either side does."""
        g = self.graph
        modes, units = set(as_list(f.modes)), set(as_list(f.carrying_units))  # type: ignore[attr-defined]
        kept = []
        for arc, forward in zip(hits.arcs, hits.forward, strict=True):
            ends = (int(g.tail[arc]), int(g.head[arc])) if table == "transfers" else ()
            its_modes = {self.modes[g.mode[n]] for n in ends if g.mode[n] >= 0} or {self.modes[g.arc_mode[arc]]}
            its_units = {self.units[g.unit[n]] for n in ends if g.unit[n] >= 0} or {self.units[g.arc_unit[arc]]}
            if (not modes or modes & its_modes) and (not units or units & its_units):
                kept.append((arc, forward))
        return [a for a, _ in kept], [d for _, d in kept]


def _group(indptr: NDArray[np.int32], items: NDArray[np.int32], n_arcs: int) -> dict[int, list[tuple[int, int]]]:
    """Turn arc -> items around: item -> [(arc, position of the entry)]."""
    arc = np.repeat(np.arange(n_arcs), np.diff(indptr))
    out: dict[int, list[tuple[int, int]]] = {}
    for at, (a, item) in enumerate(zip(arc.tolist(), items.tolist(), strict=True)):
        out.setdefault(item, []).append((a, at))
    return out


def _freeze(
    case: Case, graph: Graph, rows: list[tuple[int, str, str, float, float, bool]],
    entries: list[tuple[int, int, float, bool, bool]],
) -> Capacity:  # fmt: skip
    entries = sorted(entries)
    arc = np.asarray([e[0] for e in entries], dtype=np.int64)
    counts = np.bincount(arc, minlength=graph.n_arcs) if len(arc) else np.zeros(graph.n_arcs, dtype=np.int64)
    return Capacity(
        facility=np.asarray([r[0] for r in rows], dtype=np.int32),
        direction=tuple(r[1] for r in rows),
        element=tuple(r[2] for r in rows),
        gross=np.asarray([r[3] for r in rows], dtype=np.float64),
        preload=np.asarray([r[4] for r in rows], dtype=np.float64),
        preload_known=np.asarray([r[5] for r in rows], dtype=bool),
        indptr=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        row=np.asarray([e[1] for e in entries], dtype=np.int32),
        units=np.asarray([e[2] for e in entries], dtype=np.float64),
        by_tonne=np.asarray([e[3] for e in entries], dtype=bool),
        loaded=np.asarray([e[4] for e in entries], dtype=bool),
        goods=tuple(frozenset(as_list(cell)) for cell in case.facilities["commodities"]),
    )
