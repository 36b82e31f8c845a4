"""The virtual network: topology alone, built once from the tables of a case.

Every real thing that takes time or money is an arc: a haul along a link, a border, a transfer, the wait for a service,
the run of a service, loading and unloading. Goods stand at *hubs*, one per (node, mode, track gauge, carrying unit);
zones and nodes have a source and a sink of their own, so that nothing passes through them.
The idea of splitting real links and nodes into virtual ones is Jourquin and Beuthe's (Transportation Research C, 1996).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from karavan.errors import FormatError
from karavan.schema.calendars import mean_closed_hours, mean_wait_hours, parse_calendar, parse_opening_hours
from karavan.schema.case import Case, as_list
from karavan.schema.chains import LinkChains, Step, link_chains
from karavan.schema.state import is_open, reference_day, within
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Hub = tuple[int, int, int, int]  # positions of node and mode, track gauge in mm (0 off rail), position of carrying unit


class ArcKind(IntEnum):
    """What happens on an arc."""

    ACCESS = 0
    LOAD = 1
    UNLOAD = 2
    HAUL = 3
    BORDER = 4
    TRANSFER = 5
    WAIT = 6
    RUN = 7


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Graph:
    """Topology with, for each arc, where it comes from in the tables. Positions are -1 where they do not apply.

    Node arrays have shape (n_nodes,): `node` position in `case.nodes` (-1 for zones), `mode`, `track_gauge_mm`, `unit`.
    Arc arrays have shape (n_arcs,): `tail`, `head` graph nodes; `kind`; `link`, `service`, `transfer`, `border`
    positions in their tables; `forward` True when the row is used as written; `arc_mode`, `arc_unit`;
    `km`; hours apart: `move_hours`, `border_hours`, `handling_hours`, `wait_hours`.
    `steps_*` is the sparse arc-to-link matrix: the links (and directions) under each haul or run, as CSR.
    `over_*` the same for the border rows under a border arc or run.
    `source_of_node`, `sink_of_node`, `source_of_zone`, `sink_of_zone` are graph nodes.
    """

    node: NDArray[np.int32]
    mode: NDArray[np.int32]
    track_gauge_mm: NDArray[np.int32]
    unit: NDArray[np.int32]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    kind: NDArray[np.int8]
    link: NDArray[np.int32]
    service: NDArray[np.int32]
    transfer: NDArray[np.int32]
    border: NDArray[np.int32]
    forward: NDArray[np.bool_]
    arc_mode: NDArray[np.int32]
    arc_unit: NDArray[np.int32]
    km: NDArray[np.float64]
    move_hours: NDArray[np.float64]
    border_hours: NDArray[np.float64]
    handling_hours: NDArray[np.float64]
    wait_hours: NDArray[np.float64]
    steps_indptr: NDArray[np.int32]
    steps_link: NDArray[np.int32]
    steps_forward: NDArray[np.bool_]
    over_indptr: NDArray[np.int32]
    over_border: NDArray[np.int32]
    source_of_node: NDArray[np.int32]
    sink_of_node: NDArray[np.int32]
    source_of_zone: NDArray[np.int32]
    sink_of_zone: NDArray[np.int32]

    @property
    def n_nodes(self) -> int:
        """Number of graph nodes."""
        return len(self.node)

    @property
    def n_arcs(self) -> int:
        """Number of arcs."""
        return len(self.tail)

    @property
    def hours(self) -> NDArray[np.float64]:
        """All hours of each arc."""
        return self.move_hours + self.border_hours + self.handling_hours + self.wait_hours

    def links_under(self, arc: int) -> list[Step]:
        """Return the links under an arc, in order, each with its direction."""
        part = slice(self.steps_indptr[arc], self.steps_indptr[arc + 1])
        return list(zip(self.steps_link[part].tolist(), self.steps_forward[part].tolist(), strict=True))

    def borders_under(self, arc: int) -> list[int]:
        """Return the positions of the border rows crossed on an arc."""
        return [int(b) for b in self.over_border[self.over_indptr[arc] : self.over_indptr[arc + 1]]]


class _Arcs:
    """Grows the arrays of a graph; thrown away when the graph is made."""

    def __init__(self) -> None:
        self.nodes: list[tuple[int, int, int, int]] = []
        self.hubs: dict[Hub, int] = {}
        self.rows: list[tuple[int, ...]] = []
        self.numbers: list[tuple[float, ...]] = []
        self.steps: list[list[Step]] = []
        self.over: list[list[int]] = []

    def add_node(self, node: int = -1, mode: int = -1, gauge: int = 0, unit: int = -1) -> int:
        self.nodes.append((node, mode, gauge, unit))
        return len(self.nodes) - 1

    def hub(self, key: Hub) -> int:
        if key not in self.hubs:
            self.hubs[key] = self.add_node(*key)
        return self.hubs[key]

    def add(
        self, tail: int, head: int, kind: ArcKind, *, mode: int = -1, unit: int = -1, link: int = -1,
        service: int = -1, transfer: int = -1, border: int = -1, forward: bool = True, km: float = 0.0,
        move: float = 0.0, at_border: float = 0.0, handling: float = 0.0, wait: float = 0.0,
        steps: list[Step] | None = None, over: list[int] | None = None,
    ) -> None:  # fmt: skip
        """Add an arc; -1 stands for none, lengths are km and times hours."""
        self.rows.append((tail, head, kind, link, service, transfer, border, forward, mode, unit))
        self.numbers.append((km, move, at_border, handling, wait))
        self.steps.append(steps or [])
        self.over.append(over or [])


class _Link(NamedTuple):
    """A link in positions: ends and mode, track gauge (0 off rail), length and running time."""

    start: int
    end: int
    mode: int
    gauge: int
    directed: bool
    km: float
    hours: float


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """Tables of a case, once looked at, that several stages of building need."""

    case: Case
    node_at: dict[str, int]
    mode_at: dict[str, int]
    unit_at: dict[str, int]
    carried: list[list[int]]
    on_land: list[bool]
    unit_gauge: list[int]
    links: list[_Link]
    usable_links: NDArray[np.bool_]
    crossing: dict[tuple[int, int, int], list[tuple[int, int]]]  # (from, to, mode) -> [(unit or -1, border row)]
    border_hours: NDArray[np.float64]
    closed_hours: dict[int, float]  # border row -> mean wait until it opens
    timed_nodes: set[tuple[int, int]]  # (node, mode) where border hours include the gauge change


def build_graph(case: Case, *, day: str | None = None) -> Graph:
    """Build the virtual network of what is open on a day, with the services that run in its month.

    Without `day` it is the network of the case's year: what is open at mid-year, with services of every season.
    A haul or run without a speed takes no time only in a case that declares none (imported networks).
    """
    month = None if day is None else str(int(day[5:7]))
    day = day or reference_day(case.meta.year)
    source = _read(case, day)
    arcs = _Arcs()
    _add_hauls(arcs, source)
    _add_services(arcs, source, services_running(case.services, day, month))
    _add_transfers(arcs, source, day)
    ends = _add_ends(arcs, source)
    return _freeze(arcs, ends)


def _read(case: Case, day: str | None) -> _Source:
    node_at = {str(n): i for i, n in enumerate(case.nodes.index)}
    mode_at = {str(m): i for i, m in enumerate(case.modes.index)}
    unit_at = {str(u): i for i, u in enumerate(case.carrying_units.index)}
    on_land = (case.modes["medium"] == "land").tolist()
    speed = case.modes["km_per_day"].to_numpy()
    rows = []
    for start, end, mode, gauge, directed, km, own, hours in zip(
        case.links["from_node"], case.links["to_node"], case.links["mode"], case.links["track_gauge_mm"].fillna(0),
        case.links["directed"].fillna(False), case.links["length_km"].fillna(0.0), case.links["km_per_day"],
        case.links["hours"], strict=True,
    ):  # fmt: skip
        m = mode_at[mode]
        per_day = own if not np.isnan(own) else speed[m]
        running = hours if not np.isnan(hours) else km * HOURS_PER_DAY / per_day if per_day > 0 else 0.0
        at = int(gauge) if on_land[m] else 0
        rows.append(_Link(node_at[start], node_at[end], m, at, bool(directed), float(km), float(running)))
    crossing = defaultdict(list)
    timed = set()
    for b, (start, end, mode, unit, timed_here) in enumerate(
        zip(case.borders["from_node"], case.borders["to_node"], case.borders["mode"], case.borders["carrying_unit"],
            case.borders["includes_gauge_change"].fillna(False), strict=True)
    ):  # fmt: skip
        crossing[node_at[start], node_at[end], mode_at[mode]].append(
            (unit_at[unit] if isinstance(unit, str) else -1, b)
        )
        if timed_here:
            timed |= {(node_at[start], mode_at[mode]), (node_at[end], mode_at[mode])}
    return _Source(
        case=case,
        node_at=node_at,
        mode_at=mode_at,
        unit_at=unit_at,
        carried=[[unit_at[u] for u in as_list(cell)] for cell in case.modes["carrying_units"]],
        on_land=on_land,
        unit_gauge=case.carrying_units["track_gauge_mm"].fillna(0).astype(int).tolist(),
        links=rows,
        usable_links=is_open(case.links, day) & _nodes_open(case, rows, day),
        crossing=dict(crossing),
        border_hours=(case.borders["exit_hours"].fillna(0.0) + case.borders["entry_hours"].fillna(0.0)).to_numpy(),
        closed_hours=_closed_hours(case),
        timed_nodes=timed,
    )


def _closed_hours(case: Case) -> dict[int, float]:
    """Return the mean wait until each border with opening hours opens."""
    found = {}
    for b, cell in enumerate(case.borders["opening_hours"]):
        if isinstance(cell, str):
            try:
                found[b] = mean_closed_hours(parse_opening_hours(cell))
            except ValueError as fault:
                message = f"{case.file('borders')}: opening_hours of {case.borders.index[b]}: {fault}"
                raise FormatError(message) from fault
    return found


def _nodes_open(case: Case, links: list[_Link], day: str | None) -> NDArray[np.bool_]:
    nodes_open = is_open(case.nodes, day)
    return np.array([nodes_open[link.start] and nodes_open[link.end] for link in links], dtype=bool)


def _fits(source: _Source, unit: int, gauge: int, mode: int) -> bool:
    """Tell whether a unit may run on a track gauge: wagons keep to their own on land, other units do not mind."""
    return not (source.on_land[mode] and source.unit_gauge[unit] and gauge and source.unit_gauge[unit] != gauge)


def _border_rows(source: _Source, start: int, end: int, mode: int, unit: int) -> list[int]:
    """Return the border row of a crossing for a unit: its own if there is one, else the general one."""
    found = source.crossing.get((start, end, mode), [])
    return ([b for u, b in found if u == unit] or [b for u, b in found if u == -1])[:1]


def _add_hauls(arcs: _Arcs, source: _Source) -> None:
    by_service = [{source.unit_at[u] for u in as_list(cell)} for cell in source.case.modes["service_only_units"]]
    for i, (start, end, mode, gauge, directed, km, hours) in enumerate(source.links):
        if not source.usable_links[i]:
            continue
        for unit in source.carried[mode]:
            if not _fits(source, unit, gauge, mode):
                continue
            for a, b, forward in ((start, end, True),) if directed else ((start, end, True), (end, start, False)):
                tail, head = arcs.hub((a, mode, gauge, unit)), arcs.hub((b, mode, gauge, unit))
                if unit in by_service[mode]:
                    continue
                for border in _border_rows(source, a, b, mode, unit):
                    post = arcs.add_node(a, mode, gauge, unit)
                    arcs.add(tail, post, ArcKind.BORDER, mode=mode, unit=unit, link=i, border=border, forward=forward,
                             at_border=source.border_hours[border], wait=source.closed_hours.get(border, 0.0),
                             over=[border])  # fmt: skip
                    tail = post
                arcs.add(tail, head, ArcKind.HAUL, mode=mode, unit=unit, link=i, forward=forward, km=km, move=hours,
                         steps=[(i, forward)])  # fmt: skip


def services_running(services: pd.DataFrame, day: str | None, month: str | None) -> NDArray[np.bool_]:
    """Mark the services that carry goods on a day, in a month ("1" to "12") of their season; None: any month."""
    running = is_open(services, day) & within(services["valid_from"], services["valid_until"], day)
    running &= services["cargo_known"].fillna(True).to_numpy(dtype=bool)
    seasons = [as_list(cell) for cell in services["season_months"]]
    in_season = [month is None or not season or month in season for season in seasons]
    return np.asarray(running & np.array(in_season, dtype=bool), dtype=np.bool_)


def _add_services(arcs: _Arcs, source: _Source, running: NDArray[np.bool_]) -> None:
    case = source.case
    chains = link_chains(case.links, source.usable_links)
    for i, s in enumerate(case.services.itertuples()):
        if not running[i]:
            continue
        stops = [str(s.from_node), *as_list(s.via), str(s.to_node)]
        for forward in (True, False) if s.both_ways else (True,):
            _add_run(arcs, source, chains, i, s, stops if forward else stops[::-1], forward=forward)


def _add_run(arcs: _Arcs, source: _Source, chains: LinkChains, i: int, s: object, stops: list[str], *,
             forward: bool) -> None:  # fmt: skip
    """Add the wait and the run of a service in one direction, for each unit it takes.

    A chain over two track gauges carries no service: wagons and containers change trains there.
    """
    mode_name = str(s.mode)  # type: ignore[attr-defined]
    mode = source.mode_at[mode_name]
    steps = chains.shortest(mode_name, stops)
    gauges = {source.links[link].gauge for link, _ in steps or []}
    if steps is None or len(gauges) != 1:
        return
    gauge = gauges.pop()
    km, move = service_km_hours(source, s, steps)
    for name in as_list(s.carrying_units):  # type: ignore[attr-defined]
        unit = source.unit_at[name]
        if not _fits(source, unit, gauge, mode):
            continue
        over = [
            b for link, ahead in steps
            for b in _border_rows(source, *_ends(source.links[link], forward=ahead), mode, unit)
        ]  # fmt: skip
        included = bool(s.hours_include_borders)  # type: ignore[attr-defined]
        tail = arcs.hub((source.node_at[stops[0]], mode, gauge, unit))
        head = arcs.hub((source.node_at[stops[-1]], mode, gauge, unit))
        board = arcs.add_node(source.node_at[stops[0]], mode, gauge, unit)
        arcs.add(tail, board, ArcKind.WAIT, mode=mode, unit=unit, service=i, forward=forward, wait=wait_hours(s))
        at_border = 0.0 if included else float(source.border_hours[over].sum())
        arcs.add(board, head, ArcKind.RUN, mode=mode, unit=unit, service=i, forward=forward, km=km, move=move,
                 at_border=at_border, steps=steps, over=over)  # fmt: skip


def _ends(link: _Link, *, forward: bool) -> tuple[int, int]:
    return (link.start, link.end) if forward else (link.end, link.start)


def service_km_hours(source: _Source, s: object, steps: list[Step]) -> tuple[float, float]:
    """Return a service's kilometres and its hours on the move: its own hours, its speed, or its links' hours."""
    km = sum(source.links[link].km for link, _ in steps)
    if not np.isnan(s.hours):  # type: ignore[attr-defined]
        return km, float(s.hours)  # type: ignore[attr-defined]
    if not np.isnan(s.km_per_day):  # type: ignore[attr-defined]
        return km, km * HOURS_PER_DAY / float(s.km_per_day)  # type: ignore[attr-defined]
    return km, sum(source.links[link].hours for link, _ in steps)


def wait_hours(s: object) -> float:
    """Return the mean wait for a service: of its timetable, as given, or half the headway of its departures.

    Half a headway is the mean wait of goods that arrive at random for regular departures (Osuna and Newell 1972).
    """
    if s.departure_rule == "timetable":  # type: ignore[attr-defined]
        timed = _timetable_wait(s)
        if timed is not None:
            return timed
    if not np.isnan(s.wait_hours):  # type: ignore[attr-defined]
        return float(s.wait_hours)  # type: ignore[attr-defined]
    departures = float(s.departures_per_year)  # type: ignore[attr-defined]
    return 365.0 * HOURS_PER_DAY / departures / 2.0 if departures > 0 else 0.0


def _timetable_wait(s: object) -> float | None:
    try:
        read = parse_calendar(
            s.weekdays, s.added_days, s.removed_days, s.departure_time, s.cutoff_hours  # type: ignore[attr-defined]
        )
    except ValueError:
        return None  # `check` names the fault; what is not known to sail on a day still has a mean wait
    return None if read is None else mean_wait_hours(read)


def _add_transfers(arcs: _Arcs, source: _Source, day: str | None) -> None:
    case = source.case
    usable = is_open(case.transfers, day)
    gauges = {s: case.transfers[f"{s}_track_gauge_mm"].fillna(0).astype(int).tolist() for s in ("from", "to")}
    for i, t in enumerate(case.transfers.itertuples()):
        if not usable[i]:
            continue
        node, a, b = source.node_at[str(t.node)], source.mode_at[str(t.from_mode)], source.mode_at[str(t.to_mode)]
        gauge_a, gauge_b = gauges["from"][i] * source.on_land[a], gauges["to"][i] * source.on_land[b]
        before = arcs.hubs.get((node, a, gauge_a, source.unit_at[str(t.from_unit)]))
        after = arcs.hubs.get((node, b, gauge_b, source.unit_at[str(t.to_unit)]))
        if before is None or after is None:
            continue
        at_break = t.kind in {"transload", "bogie_exchange"} and a == b
        counted = at_break and (node, a) in source.timed_nodes
        hours = 0.0 if counted or np.isnan(t.hours) else float(t.hours)  # type: ignore[arg-type]
        arcs.add(
            before, after, ArcKind.TRANSFER, mode=b, unit=source.unit_at[str(t.from_unit)], transfer=i, handling=hours
        )
        if t.both_ways:
            arcs.add(after, before, ArcKind.TRANSFER, mode=a, unit=source.unit_at[str(t.to_unit)], transfer=i,
                     forward=False, handling=hours)  # fmt: skip


def _add_ends(arcs: _Arcs, source: _Source) -> tuple[list[int], list[int], list[int], list[int]]:
    """Add a source and a sink for each node and zone, joined to the hubs by loading and unloading."""
    case = source.case
    hours = case.carrying_units["loading_hours"].fillna(0.0).to_numpy()
    from_node = [arcs.add_node(i) for i in range(len(case.nodes))]
    to_node = [arcs.add_node(i) for i in range(len(case.nodes))]
    for (at, mode, _, unit), hub in list(arcs.hubs.items()):
        arcs.add(from_node[at], hub, ArcKind.LOAD, mode=mode, unit=unit, handling=hours[unit])
        arcs.add(hub, to_node[at], ArcKind.UNLOAD, mode=mode, unit=unit, handling=hours[unit])
    from_zone = [arcs.add_node() for _ in range(len(case.zones))]
    to_zone = [arcs.add_node() for _ in range(len(case.zones))]
    for z, cell in enumerate(case.zones["nodes"]):
        for node in as_list(cell):
            arcs.add(from_zone[z], from_node[source.node_at[node]], ArcKind.ACCESS)
            arcs.add(to_node[source.node_at[node]], to_zone[z], ArcKind.ACCESS)
    return from_node, to_node, from_zone, to_zone


def _freeze(arcs: _Arcs, ends: tuple[list[int], list[int], list[int], list[int]]) -> Graph:
    nodes = np.asarray(arcs.nodes, dtype=np.int32).reshape(-1, 4)
    rows = np.asarray(arcs.rows, dtype=np.int32).reshape(-1, 10)
    numbers = np.asarray(arcs.numbers, dtype=np.float64).reshape(-1, 5)
    steps = [s for part in arcs.steps for s in part]
    columns = {
        name: np.ascontiguousarray(rows[:, k])
        for k, name in ((0, "tail"), (1, "head"), (3, "link"), (4, "service"), (5, "transfer"), (6, "border"))
    }
    return Graph(
        node=nodes[:, 0].copy(),
        mode=nodes[:, 1].copy(),
        track_gauge_mm=nodes[:, 2].copy(),
        unit=nodes[:, 3].copy(),
        **columns,
        kind=rows[:, 2].astype(np.int8),
        forward=rows[:, 7].astype(bool),
        arc_mode=rows[:, 8].copy(),
        arc_unit=rows[:, 9].copy(),
        km=numbers[:, 0].copy(),
        move_hours=numbers[:, 1].copy(),
        border_hours=numbers[:, 2].copy(),
        handling_hours=numbers[:, 3].copy(),
        wait_hours=numbers[:, 4].copy(),
        steps_indptr=_indptr([len(p) for p in arcs.steps]),
        steps_link=np.asarray([s[0] for s in steps], dtype=np.int32),
        steps_forward=np.asarray([s[1] for s in steps], dtype=bool),
        over_indptr=_indptr([len(p) for p in arcs.over]),
        over_border=np.asarray([b for p in arcs.over for b in p], dtype=np.int32),
        source_of_node=np.asarray(ends[0], dtype=np.int32),
        sink_of_node=np.asarray(ends[1], dtype=np.int32),
        source_of_zone=np.asarray(ends[2], dtype=np.int32),
        sink_of_zone=np.asarray(ends[3], dtype=np.int32),
    )


def _indptr(lengths: list[int]) -> NDArray[np.int32]:
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int32)
