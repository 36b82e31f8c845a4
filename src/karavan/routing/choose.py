"""Which ways are shown, and why each is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.network.graph import ArcKind
from karavan.routing.legs import borders_on, ports_on
from karavan.routing.query import cheapest_path, generalized
from karavan.routing.ways import SAME, Way, added, links_of, set_out, term_fault, turns_back, with_lead, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from karavan.evidence.gazetteer import Gazetteer
    from karavan.routing.query import Query
    from karavan.routing.router import Ways

    Arcs = NDArray[np.int32]
    Float = NDArray[np.float64]

MARK_UP = 1.3  # cost factor on arcs already used, in each round of the penalty method
ROUNDS = 8
NAMED = 2  # countries or ports in a reason
DEAREST = 5.0  # times the cheapest, time included: what is best in something may cost so much
DEARER = 2.0  # and any other alternative so much
CHEAPEST = "cheapest"
BEST = (("least money", "cost"), ("fastest", "time"), ("least CO2e", "co2e"), ("steadiest", "risk"),
        ("fewest handlings", "handlings"))  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A way that is shown, and the reasons."""

    way: Way
    reasons: tuple[str, ...]


def choose(found: Ways) -> list[Choice]:
    """Return the cheapest way, then others in order of cost, at most as many as the options ask for.

    An alternative shares at most the overlap of its kilometres with each way before it, has another signature of ports
    and border crossings, does not turn back, and costs at most twice the cheapest by what ranks them, or five times if
    it is the best in an objective. The best are looked at first, then the other Pareto-good ways, then, as far as
    places are left, ways of the penalty method (arcs used are marked up by 1.3 in rounds; de la Barra et al. 1993) and
    those without one port, border or service of the cheapest.
    """
    query = found.query
    shown = _Shown(query, query.options.alternatives + 1)
    ways = list(found.ways)
    best = [_best(ways, objective) for _, objective in BEST]
    for way in (ways[0], *best):
        shown.offer(way, DEAREST)
    for way in ways[1:]:
        shown.offer(way)
    if not shown.full:
        for way in sorted(_supplement(query, shown.ways[0].arcs), key=lambda w: w.rank):
            shown.offer(way)
    first, *rest = shown.ways
    listed = [first, *sorted(rest, key=lambda w: w.rank)]
    return [Choice(way, why) for way, why in zip(listed, _reasons(query, listed, ways), strict=True)]


def _best(ways: Sequence[Way], objective: str) -> Way:
    return min(ways, key=lambda w: (w.value(objective), w.rank))


class _Shown:
    """Ways taken so far; takes another that is different enough."""

    def __init__(self, query: Query, most: int) -> None:
        self.query, self.most = query, most
        self.ways: list[Way] = []
        self._links: list[Arcs] = []
        self._signatures: set[tuple[str, ...]] = set()
        self._km = query.scene.words.km

    @property
    def full(self) -> bool:
        return len(self.ways) >= self.most

    def offer(self, way: Way, dearer: float = DEARER) -> None:
        """Take a way that differs enough from those shown, is not too dear, and does not turn back."""
        if self.full:
            return
        if self.ways and (way.rank > dearer * self.ways[0].rank or turns_back(self.query, way.arcs)):
            return
        signature, links = signature_of(self.query, way.arcs), links_of(self.query, way.arcs)
        most = self.query.options.overlap * max(way.km, SAME)
        shares = (float(self._km[np.intersect1d(links, other)].sum()) for other in self._links)
        if self.ways and (signature in self._signatures or any(km > most for km in shares)):
            return
        self.ways.append(way)
        self._links.append(links)
        self._signatures.add(signature)


def signature_of(query: Query, arcs: Arcs) -> tuple[str, ...]:
    """Return ports and border crossings in order: what a forwarder means by another route."""
    model, words = query.scene.model, query.scene.words
    return ports_on(model, arcs, words) + borders_on(model, arcs, words)


def _supplement(query: Query, first: Arcs) -> list[Way]:
    paths = {p.tobytes(): p for p in [*_penalized(query, first), *_without_each(query, first)]}
    ways = [w for p in paths.values() if term_fault(query, p) is None for w in added(query, p)]
    return [w for w in (with_lead(query, w) for w in set_out(query, ways)) if within(query, w)]


def _penalized(query: Query, first: Arcs) -> Iterator[Arcs]:
    marked, path = generalized(query), first
    moving = np.isin(query.scene.model.graph.kind, (ArcKind.HAUL, ArcKind.RUN, ArcKind.BORDER))
    for _ in range(ROUNDS):
        marked[path[moving[path]]] *= MARK_UP  # movement alone: marked-up handling would only move it to an odd place
        new = cheapest_path(query, marked)
        if new is None:
            return
        path = new
        yield path


def _without_each(query: Query, first: Arcs) -> Iterator[Arcs]:
    """Yield the cheapest paths that avoid each transfer node, border and service of the first path in turn."""
    graph = query.scene.model.graph
    ends = set(graph.node[graph.head[first[graph.kind[first] == ArcKind.LOAD]]].tolist())
    weight = generalized(query)
    for arc in first.tolist():
        if graph.kind[arc] == ArcKind.TRANSFER:
            node = graph.node[graph.tail[arc]]
            if int(node) in ends:
                continue
            closed = (graph.kind == ArcKind.TRANSFER) & (graph.node[graph.tail] == node)
        elif graph.border[arc] >= 0 or graph.kind[arc] == ArcKind.RUN:
            closed = (graph.link >= 0) & (graph.link == graph.link[arc])
            closed |= (graph.service >= 0) & (graph.service == graph.service[arc])
        else:
            continue
        path = cheapest_path(query, weight, closed)
        if path is not None:
            yield path


def _reasons(query: Query, shown: Sequence[Way], ways: Sequence[Way]) -> list[tuple[str, ...]]:
    """Say why each way is there: it alone is best of all ways in something, or alone avoids what the others share."""
    reasons: list[list[str]] = [[CHEAPEST], *([] for _ in shown[1:])]
    everything = [*ways, *shown]
    if len(shown) > 1:
        for name, objective in BEST:
            values = [w.value(objective) for w in shown]
            least = min(w.value(objective) for w in everything)
            slack = SAME * max(abs(least), 1.0)
            at = [i for i, v in enumerate(values) if v <= min(values) + slack]
            if len(at) == 1 and values[at[0]] <= least + slack:
                reasons[at[0]].append(name)
        if any("least money" in why for why in reasons[1:]):
            reasons[0][0] = f"{CHEAPEST} with time counted"
        for i, avoided in enumerate(_avoided(query, shown)):
            if avoided:
                reasons[i].append(f"the only one here that avoids {avoided}")
    hours = query.shipment.hours_allowed
    if hours is not None and len(shown) > 1:
        safest = max(range(len(shown)), key=lambda i: _margin(shown[i], hours))
        days = hours / 24.0
        reasons[safest].append(f"most time in hand for a deadline of {days:,.0f} day{'s' if round(days) != 1 else ''}")
    return [tuple(why or [_otherwise(query, shown[i], shown[:i])]) for i, why in enumerate(reasons)]


def _otherwise(query: Query, way: Way, before: Sequence[Way]) -> str:
    """Say by which countries, else ports, else border crossings a way goes, and none before it, or not the cheapest."""
    model, words = query.scene.model, query.scene.words
    countries, ports, borders = (
        [_countries(query, w.arcs) for w in (way, *before)],
        [ports_on(model, w.arcs, words) for w in (way, *before)],
        [borders_on(model, w.arcs, words) for w in (way, *before)],
    )
    named = dict(zip(words.nodes, words.node_names, strict=True))
    for others in (slice(1, None), slice(1, 2)):
        new = _names(countries[0] - set().union(*countries[others]))
        new = new or [str(named[p]) for p in ports[0] if p not in set().union(*ports[others])]
        new = new or [b for b in borders[0] if b not in set().union(*borders[others])]
        if new:
            return f"another way, by {' and '.join(new[:NAMED])}"
    return "another way"


def _names(countries: set[str]) -> list[str]:
    from karavan.evidence.gazetteer import gazetteer

    names: Gazetteer = gazetteer()
    return [names.name_of(c) for c in sorted(countries)]


def _margin(way: Way, hours: float) -> float:
    """Return the time in hand of a way in standard deviations of its hours."""
    left = hours - way.lead_hours
    return left / way.risk_hours if way.risk_hours > 0.0 else np.inf if left >= 0.0 else -np.inf


def _avoided(query: Query, shown: Sequence[Way]) -> Iterator[str]:
    """Yield for each way what every other one touches and it does not: a country first, then a port."""
    if len(shown) < 3:  # of two, each avoids what the other has
        yield from ("" for _ in shown)
        return
    touched = [(_countries(query, w.arcs), set(ports_on(query.scene.model, w.arcs, query.scene.words))) for w in shown]
    words = query.scene.words
    nodes = dict(zip(words.nodes, words.node_names, strict=True))
    for i in range(len(shown)):
        others = [t for j, t in enumerate(touched) if j != i]
        countries = _names(set.intersection(*(t[0] for t in others)) - touched[i][0])
        ports = sorted(set.intersection(*(t[1] for t in others)) - touched[i][1])
        yield " and ".join((countries or [str(nodes[p]) for p in ports])[:NAMED])


def _countries(query: Query, arcs: Arcs) -> set[str]:
    words, links = query.scene.words, links_of(query, arcs)
    return {str(words.countries[n]) for ends in words.link_ends for n in ends[links].tolist()} - {""}
