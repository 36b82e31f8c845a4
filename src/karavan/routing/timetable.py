"""A case over some months: the model of all that is open on any day of them, and when each arc may be used.

What is begun before a closing is finished: an arc counts as usable at the moment one sets out on it. The chain of links
under a service is the shortest over all links that are open on some day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.errors import CaseError, Finding
from karavan.kernels.pareto_calendar import departures, opening_hours
from karavan.model import Model, build_model
from karavan.network.graph import ArcKind
from karavan.schema.calendars import (
    Calendar,
    Opening,
    calendar_fault,
    days_from,
    days_of_months,
    days_within,
    departure_days,
    join_spans,
    open_days,
    parse_calendar,
    parse_opening_hours,
    service_days,
)
from karavan.schema.case import as_list, positions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from karavan.network.graph import Graph
    from karavan.schema.case import Case

    Bool = NDArray[np.bool_]
    Float = NDArray[np.float64]

MINUTES = 60.0
DAY = 1440.0
DATED = ("nodes", "links", "transfers")
ALWAYS = ("open_from", "open_until")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Timetable:
    """When each arc of a model may be used, over the days of a horizon.

    `days` datetime64[D] (n_days,); minutes count from their start. `open` bool (n_arcs, n_days): what tables say,
    restrictions aside. `bans`: the days on which each restriction is in force, by position. `calendars` of timetabled
    services and `openings` of borders by position.
    """

    days: NDArray[np.datetime64]
    model: Model
    open: Bool
    bans: dict[int, Bool]
    calendars: dict[int, Calendar]
    openings: dict[int, list[Opening]]

    @property
    def start(self) -> float:
        """The horizon's first minute, counted from 1970."""
        return float(self.days[0].astype(np.int64)) * DAY

    @property
    def end(self) -> float:
        """Minutes of the horizon."""
        return self.days.size * DAY


@dataclass(frozen=True, slots=True, eq=False)
class Gating:
    """Gates of arcs; see `pareto_search.Gates`. `gate` (n_arcs,), `first_arc` an arc of each gate, `never` closed."""

    gate: NDArray[np.int32]
    start: NDArray[np.int64]
    last: Float
    leave: Float
    fixed: Bool
    first_arc: NDArray[np.int64]
    never: Bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Months:
    """Days of a case, its services, and the rows of each dated table that are open on some of the days."""

    case: Case
    days: NDArray[np.datetime64]
    held: dict[str, Bool]

    @property
    def rows(self) -> tuple[bytes, ...]:
        """What is open on some day: months for which it is the same have the same model."""
        return tuple(mask.tobytes() for mask in self.held.values())


def months_of(case: Case, first: np.datetime64, n_days: int, *, include: Sequence[str] = ()) -> Months:
    """Find what is open from a day on; `include`: services to use although it is not known whether they take cargo."""
    days = days_from(first, n_days)
    if include:
        services = case.services
        services.loc[list(include), "cargo_known"] = True
        case = case.with_tables(services=services)
    held = {name: np.asarray(open_days(case.tables[name], days).any(axis=1)) for name in DATED}
    held["services"] = np.asarray(service_days(case.tables["services"], days).any(axis=1))
    return Months(case, days, held)


def make_timetable(months: Months, like: Timetable | None = None) -> Timetable:
    """Build the timetable of some months; `like`: of months with the same rows, whose model is taken.

    Raises `CaseError` for a calendar that cannot be read, or never sails.
    """
    case, days = months.case, months.days
    if like is None:
        _require_calendars(case, months.held["services"])
        model = build_model(_widened(months))
        calendars, openings = _calendars(case.services, model.graph), _openings(case, model.graph)
    else:
        model, calendars, openings = like.model, like.calendars, like.openings
    table = case.restrictions
    cells = zip(table["valid_from"], table["valid_until"], table["months"], strict=True)
    bans = {i: days_within(a, b, days) & days_of_months(m, days) for i, (a, b, m) in enumerate(cells)}
    return Timetable(days, model, _open_arcs(case, model.graph, days), bans, calendars, openings)


def _widened(months: Months) -> Case:
    """Return the case with all that is open on some of the days open without dates; restrictions close nothing."""
    frames = {name: months.case.tables[name].copy() for name in months.held}
    for name, frame in frames.items():
        frame.loc[~months.held[name], "status"] = "planned"
        for field in ALWAYS:
            frame[field] = None
    for field in ("valid_from", "valid_until", "season_months"):
        frames["services"][field] = None
    rules = months.case.tables["restrictions"].copy()
    for field in ("valid_from", "valid_until", "months"):
        rules[field] = None
    rules["effect"] = "flag"
    return months.case.with_tables(**frames, restrictions=rules)


def _require_calendars(case: Case, in_force: Bool) -> None:
    found = []
    for row, s in enumerate(case.services.itertuples()):
        if in_force[row] and s.departure_rule == "timetable" and (fault := calendar_fault(s)):
            line = int(case.lines["services"][row]) if "services" in case.lines else 0
            remedy = "correct the calendar of the service"
            found.append(Finding("error", case.file("services"), line, "weekdays", f"{s.Index}: {fault}", remedy))
    if found:
        raise CaseError(case.meta.name, found)


def _calendars(services: pd.DataFrame, graph: Graph) -> dict[int, Calendar]:
    found = {}
    runs = set(graph.service.tolist())
    for row, s in enumerate(services.itertuples()):
        if row in runs and s.departure_rule == "timetable":
            read: Any = s
            told = parse_calendar(
                read.weekdays, read.added_days, read.removed_days, read.departure_time, read.cutoff_hours
            )
            if told is not None:
                found[row] = told
    return found


def _openings(case: Case, graph: Graph) -> dict[int, list[Opening]]:
    cells = case.borders["opening_hours"]
    rows = sorted({int(b) for b in graph.border if b >= 0})
    return {b: parse_opening_hours(str(cells.iloc[b])) for b in rows if isinstance(cells.iloc[b], str)}


def _open_arcs(case: Case, graph: Graph, days: NDArray[np.datetime64]) -> Bool:
    """Return on which days each arc is open by the dates of its node, links, service and transfer."""
    nodes, links, transfers = (open_days(case.tables[name], days) for name in ("nodes", "links", "transfers"))
    ends = [positions(case.nodes, case.links[f]) for f in ("from_node", "to_node")]
    links = links & nodes[ends[0]] & nodes[ends[1]]
    runs = service_days(case.services, days)
    out = np.ones((graph.n_arcs, days.size), np.bool_)
    step_arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))
    partly = ~np.asarray(links.all(axis=1))
    for step in np.flatnonzero(partly[graph.steps_link]).tolist():
        out[step_arc[step]] &= links[graph.steps_link[step]]
    for column, mask in ((graph.link, links), (graph.service, runs), (graph.transfer, transfers)):
        for arc in np.flatnonzero((column >= 0) & ~np.append(mask.all(axis=1), True)[column]).tolist():
            out[arc] &= mask[column[arc]]
    return out


def make_gating(timetable: Timetable, open_: Bool) -> Gating:
    """Return the gates of a timetable for what is `open` (n_arcs, n_days); arcs that are open at all times have none.

    A service is boarded while the links under its run are open: the run follows at once.
    """
    graph = timetable.model.graph
    open_ = open_.copy()
    waits = np.flatnonzero(graph.kind == ArcKind.WAIT)
    run_of = {int(graph.tail[a]): a for a in np.flatnonzero(graph.kind == ArcKind.RUN).tolist()}
    for wait in waits.tolist():
        run = run_of[int(graph.head[wait])]
        open_[wait] &= open_[run]
    open_[np.flatnonzero(graph.kind == ArcKind.RUN)] = True
    told = np.isin(graph.service, list(timetable.calendars)) & (graph.kind == ArcKind.WAIT)
    told |= np.isin(graph.border, list(timetable.openings)) & (graph.kind == ArcKind.BORDER)
    whole = np.asarray(open_.all(axis=1))
    gate = np.full(graph.n_arcs, -1, np.int32)
    never = np.asarray(~open_.any(axis=1))
    events: list[tuple[Float, Float]] = []
    first: list[int] = []
    known: dict[tuple[bytes, int, int, int, float], int] = {}
    for arc in np.flatnonzero((told | ~whole) & ~never).tolist():
        at = (int(graph.tail[arc]), int(graph.service[arc]), int(graph.border[arc]), float(graph.wait_hours[arc]))
        key = (open_[arc].tobytes(), *at)
        if key not in known:
            last, leave = _events(timetable, arc, open_[arc])
            known[key] = len(events) if last.size else -1
            if last.size:
                events.append((last, leave))
                first.append(arc)
        gate[arc] = known[key]
        never[arc] = known[key] < 0
    sizes = [a.size for a, _ in events]
    none = [np.zeros(0)]
    fixed = np.array([bool((a <= b).all()) for a, b in events], np.bool_)
    return Gating(
        gate=gate,
        start=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        last=np.concatenate([a for a, _ in events] or none),
        leave=np.concatenate([b for _, b in events] or none),
        fixed=fixed,
        first_arc=np.array(first, np.int64),
        never=never,
    )


def _events(timetable: Timetable, arc: int, open_: Bool) -> tuple[Float, Float]:
    """Return `last` and `leave` of the events of an arc that is open on some days."""
    graph, days = timetable.model.graph, timetable.days
    calendar = timetable.calendars.get(int(graph.service[arc]))
    if calendar is not None and graph.kind[arc] == ArcKind.WAIT:
        runs = departure_days(calendar, open_, days)
        last, leave = departures(runs, calendar.minutes, cutoff=calendar.cutoff)
        order = np.argsort(leave, kind="stable")
        return last[order], leave[order]
    rules = timetable.openings.get(int(graph.border[arc])) if graph.kind[arc] == ArcKind.BORDER else None
    every = Opening(frozenset(range(1, 8)), 0.0, DAY)
    spans: list[tuple[float, float]] = []
    # the night before the horizon may still be open in its first morning
    weekday = (np.append(days[:1] - 1, days).astype(np.int64) + 3) % 7 + 1
    runs = np.append(open_[:1], open_)
    for rule in rules or [every]:
        closes, opens = opening_hours(runs & np.isin(weekday, list(rule.weekdays)), rule.opens, rule.closes)
        spans += list(zip((opens - DAY).tolist(), (closes - DAY).tolist(), strict=True))
    wait = MINUTES * graph.wait_hours[arc] if graph.kind[arc] == ArcKind.WAIT else 0.0
    joined = [(a, b - wait) for a, b in join_spans(spans) if b - wait > a]  # the expected wait ends before it closes
    return np.array([b for _, b in joined]), np.array([a for a, _ in joined])


def concerned(case: Case, row: int, k: int) -> bool:
    """Tell whether a restriction speaks of a commodity, its countries aside."""
    r = case.restrictions.iloc[row]
    goods = {str(r["target"])} if r["applies_to"] == "commodities" else set(as_list(r["commodities"]))
    return not goods or str(case.commodities.index[k]) in goods


def shut_services(timetable: Timetable, case: Case) -> Iterator[str]:
    """Yield timetabled services in the model that do not sail on any day of the horizon."""
    for row, calendar in timetable.calendars.items():
        in_force = service_days(case.services.iloc[[row]], timetable.days).ravel()
        if not departure_days(calendar, in_force, timetable.days).any():
            yield str(case.services.index[row])
