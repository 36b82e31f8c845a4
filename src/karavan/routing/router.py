"""The search for routes: questions in, ways out. What depends only on the case is made once and kept."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.cost.gaps import require_costs
from karavan.errors import NameNotFound, NoRoute, ShipmentError
from karavan.kernels.pareto_search import static_paths, timed_paths
from karavan.model import Model, build_model
from karavan.routing.by_term import paths_by_term
from karavan.routing.closures import closed_on
from karavan.routing.options import RouteOptions
from karavan.routing.query import Query, budget_of, cheapest_path, gates_of, generalized, net_of, priced
from karavan.routing.scene import BASES, Kept, Scene, dated_scene, make_scene, undated_scene
from karavan.routing.shipment import deadline_of, moment
from karavan.routing.timetable import DAY, Gating, concerned, make_gating
from karavan.routing.ways import Way, added, pareto, set_out, term_fault, way_of, with_lead, within
from karavan.schema.case import as_list, position, positions
from karavan.schema.names import find_commodity, find_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from karavan.routing.shipment import Shipment
    from karavan.schema.case import Case

    Bool = NDArray[np.bool_]
    Float = NDArray[np.float64]

SEARCH_DAYS = 210  # a dated search looks so many days beyond the last departure
BACK_DAYS = 60  # without ready: departures in so many days before the latest that may make the deadline
STARTS = 60  # departures tried in a window at most; each day in shorter ones
AROUND = 2.0  # times the cheapest without the Incoterm that a way which it fits may cost, time included
LABELS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ways:
    """The answer to a question, without frames: `ways` that are Pareto-good, the cheapest by generalized cost first.

    `profile`: all ways by departure, of a window. See `ParetoSet` for the rest.
    """

    query: Query
    ways: tuple[Way, ...]
    profile: tuple[Way, ...]
    guarantee: float | None
    complete: bool
    n_labels: int
    seconds: float

    @property
    def cheapest(self) -> Way:
        """The way of least generalized cost."""
        return self.ways[0]


class Router:
    """Answers questions about one case; give it to `route` and its kin in place of the case. Threads may share it.

    Parameters
    ----------
    case
        A case, or its model.
    day
        The day of searches without dates (mid-year of the case's year by default); ignored for a model.
    """

    def __init__(self, case: Case | Model, *, day: str | None = None) -> None:
        self.model = case if isinstance(case, Model) else build_model(case, day=day)
        self.case = self.model.case
        self._scenes = Kept()
        self._bases = Kept(BASES)
        self._names = Kept(100_000)
        self._priced: set[int] = set()

    def scene(self, shipment: Shipment, options: RouteOptions) -> Scene:
        """Return what a search for a shipment reads."""
        include, factors = options.include, options.emission_factors
        for name in include:
            if name not in self.case.tables["services"].index:
                raise NameNotFound(name, "service", get_close_matches(name, self.case.services.index, n=3))
        if not shipment.dated:
            if not include and factors is None:
                return self._scene(("model",), lambda: make_scene(self.model))
            day = self.model.day
            return self._scene((day, include, factors), lambda: undated_scene(self.case, day, include, factors))
        first, n_days = _horizon(shipment)
        key = (first, n_days, include, factors)
        return self._scene(key, lambda: dated_scene(self.case, first, n_days, include, factors, self._bases))

    def _scene(self, key: Any, make: Any) -> Scene:
        found: Scene = self._scenes.get(key, make)
        return found

    def query(self, shipment: Shipment, options: RouteOptions) -> Query:
        """Return the question in arrays.

        Raises `NameNotFound`, `AmbiguousName`, `NoRoute` where both ends are one place, `ShipmentError`, and
        `CaseError` where a link gives nothing to work time or money out from, or a calendar never sails.
        """
        k = self._goods(shipment.commodity)
        self._check_unit(shipment, k)
        starts, ends = self._nodes(shipment.origin), self._nodes(shipment.destination)
        if set(starts.tolist()) & set(ends.tolist()):
            message = f"{shipment.origin} and {shipment.destination} are one place, or share one: name two."
            raise NoRoute(message)
        scene = self.scene(shipment, options)
        goods = scene.goods(k)
        cost, rates, usd, open_ = priced(scene, goods, shipment, options)
        exact = goods.prices.pieces_for(shipment.tonnes).exact
        query = Query(scene, shipment, options, k, goods, cost, rates, usd, exact, open_, starts, ends)
        if scene.timetable is None:
            closed = closed_on(scene.closer, options, goods.name, self._countries(query))
            return replace(query, open=open_ & ~closed, latest=_most_hours(shipment, options) * 60.0)
        gating = self._gating(query)
        query = replace(query, gating=gating, open=open_ & ~gating.never)
        return _with_times(query)

    def ways(self, shipment: Shipment, options: RouteOptions | None = None) -> Ways:
        """Return every way that is Pareto-good; raises what `query` does, and `NoRoute` saying what closes the way."""
        from karavan.routing.dead_ends import why_none

        found = self.find(shipment, options)
        if not found.ways:
            raise why_none(self, found.query)
        return found

    def find(self, shipment: Shipment, options: RouteOptions | None = None) -> Ways:
        """Return what `ways` does, or no ways where there are none: to say why takes a hundred times longer."""
        began = time.perf_counter()
        query = self.query(shipment, options or RouteOptions())
        found, guarantee, complete, n_labels = search(query)
        good, profile = _good(query, found)
        return Ways(query, good, profile, guarantee, complete, n_labels, time.perf_counter() - began)

    def _goods(self, name: str) -> int:
        goods = self.case.commodities
        k: int = self._names.get(("goods", name), lambda: position(goods, find_commodity(self.case, name)))
        if k not in self._priced:
            require_costs(self.case, commodities=[str(self.case.commodities.index[k])], day=self.model.day)
            self._priced.add(k)
        return k

    def _check_unit(self, shipment: Shipment, k: int) -> None:
        unit, units = shipment.unit, self.case.tables["carrying_units"].index
        if unit is None:
            return
        if unit not in units:
            raise NameNotFound(unit, "carrying unit", get_close_matches(unit, units, n=3) or list(units))
        carried = as_list(self.case.tables["commodities"]["carrying_units"].iloc[k])
        if unit not in carried:
            message = f"{shipment.commodity} does not travel in the unit {unit}: name one of {', '.join(carried)}"
            raise ShipmentError(message)

    def _nodes(self, name: str) -> NDArray[np.intp]:
        at: NDArray[np.intp] = self._names.get(
            ("place", name), lambda: positions(self.case.nodes, find_nodes(self.case, name))
        )
        return at

    def _countries(self, query: Query) -> tuple[str, str]:
        country = query.scene.words.countries
        first, last = (";".join(dict.fromkeys(str(country[i]) for i in at)) for at in (query.starts, query.ends))
        return first, last

    def _gating(self, query: Query) -> Gating:
        o = query.options
        ends = self._countries(query) if o.comply else ("", "")
        key = (query.k, o.avoid, o.only, o.comply, tuple(o.closed.items()), ends)
        found: Gating = query.scene.gatings.get(key, lambda: _gating_of(query, self.case, ends))
        return found


def _gating_of(query: Query, case: Case, ends: tuple[str, str]) -> Gating:
    """Return the gates of a query: what tables, closing restrictions and options leave open on which days."""
    scene, options = query.scene, query.options
    timetable, closer = scene.timetable, scene.closer
    assert timetable is not None  # noqa: S101  dated queries have one
    open_ = timetable.open.copy()
    wide = timetable.model.case
    touched = timetable.model.restrictions.touched
    closing = set(case.restrictions.index[case.restrictions["effect"] == "closed"])
    for row, days in timetable.bans.items():
        r = wide.restrictions.iloc[row]
        by_pair = as_list(r["origin_countries"]) + as_list(r["destination_countries"])
        if r.name in closing and not by_pair and concerned(wide, row, query.k):
            open_[touched[row]] &= ~days
    avoided = closer.avoided(options)
    if avoided is not None:
        open_[avoided] = False
    for row, mask in closer.listed(options, query.goods.name, ends):
        open_[mask] &= ~timetable.bans[row]
    text = timetable.days.astype(str)
    for day, mask in closer.shut(options):
        open_[mask] &= text < day
    return make_gating(timetable, open_)


def _horizon(shipment: Shipment) -> tuple[np.datetime64, int]:
    """Return the first day of a month and the days that a dated search looks at."""
    if shipment.ready is not None:
        first = moment(shipment.ready).astype("datetime64[M]").astype("datetime64[D]")
        return first, 31 * (1 + math.ceil(shipment.window_days / 31)) + SEARCH_DAYS
    last = deadline_of(shipment).astype("datetime64[M]").astype("datetime64[D]")
    return last - SEARCH_DAYS, SEARCH_DAYS + 32


def _most_hours(shipment: Shipment, options: RouteOptions) -> float:
    most = [options.budget.get("time", np.inf), np.inf if shipment.hours_allowed is None else shipment.hours_allowed]
    return min(most)


def _with_times(query: Query) -> Query:
    """Return a dated query with the minutes at which the shipment may leave, and the latest arrival."""
    timetable, shipment = query.scene.timetable, query.shipment
    assert timetable is not None  # noqa: S101  as above
    latest = timetable.end
    if shipment.deadline is not None:
        latest = min(latest, _minutes(deadline_of(shipment), timetable.start))
    if shipment.ready is not None:
        ready = _minutes(moment(shipment.ready), timetable.start)
        window = shipment.window_days * DAY
        days = max(math.ceil(shipment.window_days / STARTS), 1)
        begins = ready + np.unique(np.append(np.arange(0.0, window, days * DAY), window))
        most = _most_hours(replace(shipment, deadline=None), query.options) * 60.0
        return replace(query, begins=begins, latest=min(latest, float(begins[-1]) + most))
    path = cheapest_path(query, query.scene.minutes)
    least = 0.0 if path is None else float(query.scene.minutes[path].sum())
    back = latest - least - DAY * np.arange(BACK_DAYS, dtype=np.float64)
    return replace(query, begins=back[back >= 0.0] if (back >= 0.0).any() else np.zeros(1), latest=latest)


def _minutes(at: np.datetime64, start: float) -> float:
    return float(at.astype("datetime64[m]").astype(np.int64)) - start


def search(query: Query) -> tuple[list[Way], float | None, bool, int]:
    """Return the ways that the kernels find, each worked out exactly, with guarantee, completeness and labels."""
    net, options = net_of(query), query.options
    if query.begins is None and not options.certified:
        static = static_paths(net.graph, net.start, net.goal, resolution=options.resolution, budget=budget_of(query),
                              limit=LABELS)  # fmt: skip
        ways = [way_of(query, net.arcs[static.arc[a:b]]) for a, b in _parts(static.start)]
        guarantee = 0.0 if static.complete and options.resolution == 0.0 else None
        return ways, guarantee, static.complete, static.n_labels
    begins = np.zeros(1) if query.begins is None else query.begins
    timed = timed_paths(net.graph, gates_of(query, net), net.start, net.goal, begin=begins, budget=budget_of(query),
                        resolution=options.resolution, certified=options.certified, limit=LABELS)  # fmt: skip
    ways = []
    for i, (a, b) in enumerate(_parts(timed.start)):
        times = None if query.begins is None else np.concatenate((timed.begin[i : i + 1], timed.time[a:b]))
        ways.append(way_of(query, net.arcs[timed.arc[a:b]], times))
    return ways, timed.guarantee, timed.complete, timed.n_labels


def _parts(start: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return zip(start[:-1].tolist(), start[1:].tolist(), strict=True)


def _good(query: Query, found: Sequence[Way]) -> tuple[tuple[Way, ...], tuple[Way, ...]]:
    """Return the Pareto-good ways with the cheapest first, and all departures of a window."""
    path = cheapest_path(query, generalized(query))
    ways = set_out(query, found if path is None else [*found, *added(query, path)])
    profile = _departures(ways, query) if query.begins is not None and not query.free else []
    ways = _fitting(query, [w for w in (with_lead(query, w) for w in ways) if within(query, w)])
    if not ways:
        return (), ()
    late = query.shipment.ready is None  # of ways that are alike: the first departure, or the last that arrives in time
    best = min(range(len(ways)), key=lambda i: (ways[i].rank, _begin(ways[i], late=late)))
    good = pareto(ways, query.options.objectives, begins=[_begin(w, late=late) for w in ways], keep=[best])
    return tuple(sorted(good, key=lambda w: w is not ways[best])), tuple(profile)


def _begin(way: Way, *, late: bool) -> float:
    begin = 0.0 if way.times is None else float(way.times[0])
    return -begin if late else begin


def _fitting(query: Query, ways: list[Way]) -> list[Way]:
    """Return the ways that the shipment's Incoterm fits, others where it fits none of these.

    Raises `ShipmentError` where there are ways and it fits none at all.
    """
    faults = [term_fault(query, w.arcs) for w in ways]
    fitting = [w for w, fault in zip(ways, faults, strict=True) if fault is None]
    if not ways or fitting:
        return fitting
    others = set_out(query, [w for path in paths_by_term(query) for w in added(query, path)])
    most = AROUND * min(w.generalized for w in ways)
    fitting = [w for w in (with_lead(query, w) for w in others) if within(query, w) and w.generalized <= most]
    if not fitting:
        raise ShipmentError(str(faults[0]))
    return fitting


def _departures(ways: Sequence[Way], query: Query) -> list[Way]:
    """Return the ways of a window that none with the same or a later departure is as good as, by departure."""
    names = [name for name in query.options.objectives if name != "time"]
    vectors = np.array([[-w.times[0], w.times[-1], *(w.value(n) for n in names)] for w in ways if w.times is not None])
    if not vectors.size:
        return []
    order = np.lexsort(vectors.T[::-1])
    kept: list[int] = []
    for i in order.tolist():
        if not (vectors[kept] <= vectors[i] + 1e-6).all(axis=1).any():
            kept.append(i)
    return [ways[i] for i in sorted(kept, key=lambda i: (-vectors[i, 0], vectors[i, 1]))]
