"""Ways found by the search, each worked out exactly, and the good ones among them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from karavan.cost.charges import misfit
from karavan.network.graph import ArcKind
from karavan.routing.query import MINUTES, exact_usd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from karavan.routing.query import Query

    Arcs = NDArray[np.int32]
    Float = NDArray[np.float64]

INSTANT = 1e-6  # hours: less is rounding, no wait
IN_HAND = 2.0  # standard deviations between arrival at the first dated departure and its closing
TURNED = 0.1  # of its kilometres a way may travel twice: to a terminal on a branch, to the start of a train
SAME = 1e-9  # two numbers that differ by less, relatively, are one


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Way:
    """A path and what it comes to, without frames.

    `arcs` of the scene's graph; `times` (n + 1,) minutes of the horizon, None without dates; `waits` (n,) hours.
    `hours` from departure to arrival, `lead_hours` from ready to arrival (the same without dates, or where any
    departure of a window is as good); `usd` and `generalized` per tonne, `kg` CO2e per tonne, `risk_hours` the
    standard deviation of the hours, `usd_reliability` per tonne what that is held to be worth, `rank` generalized cost
    with `lead_hours`, reliability and what is calibrated.
    """

    arcs: Arcs
    times: Float | None
    waits: Float
    hours: float
    lead_hours: float
    usd: float
    kg: float
    risk_hours: float
    handlings: int
    generalized: float
    usd_reliability: float
    rank: float
    km: float

    def value(self, objective: str) -> float:
        """Return an objective of the way."""
        return {"time": self.lead_hours, "cost": self.usd, "co2e": self.kg, "risk": self.risk_hours,
                "handlings": float(self.handlings)}[objective]  # fmt: skip


def way_of(query: Query, arcs: Arcs, times: Float | None = None) -> Way:
    """Work a path out exactly; with `times` as it was travelled."""
    scene, graph = query.scene, query.scene.model.graph
    if times is None:
        waits = graph.wait_hours[arcs]
    else:
        waits = np.diff(times) / MINUTES - scene.bare_hours[arcs]
        waits = np.where(waits > INSTANT, waits, 0.0)
    hours = float(scene.bare_hours[arcs].sum() + waits.sum())
    usd = exact_usd(query, arcs, waits)
    worth = usd + query.goods.value_of_time * hours
    risk_hours = float(np.sqrt(max(scene.variance[arcs].sum(), 0.0)))
    unsure = query.options.reliability_ratio * query.goods.value_of_time * risk_hours
    return Way(
        arcs=arcs,
        times=times,
        waits=waits,
        hours=hours,
        lead_hours=hours,
        usd=usd,
        kg=float(scene.kg[arcs].sum()),
        risk_hours=risk_hours,
        handlings=int((graph.kind[arcs] == ArcKind.TRANSFER).sum()),
        generalized=worth,
        usd_reliability=unsure,
        rank=worth + unsure + float(query.cost.constant[arcs].sum()),
        km=float(graph.km[arcs].sum()),
    )


def ride(query: Query, arcs: Arcs, begin: float) -> Float | None:
    """Return the times of a path that sets out at a minute of the horizon and takes what leaves next, or None."""
    gating, minutes = query.gating, query.scene.minutes
    times = [begin]
    for arc in arcs.tolist():
        now = times[-1]
        g = -1 if gating is None else int(gating.gate[arc])
        if gating is not None and gating.never[arc]:
            return None
        if gating is not None and g >= 0:
            first, beyond = int(gating.start[g]), int(gating.start[g + 1])
            at = bisect_left(gating.last, now, first, beyond)
            if at == beyond:
                return None
            now = max(now, float(gating.leave[at]))
        times.append(now + float(minutes[arc]))
    return np.asarray(times)


def set_out_late(query: Query, way: Way, latest: float) -> Way:
    """Return the way with the latest departure up to `latest` that makes the same arrival: waiting at home is free.

    Two standard deviations of the hours before the first dated departure stay in hand, as a forwarder would keep them.
    """
    if way.times is None or query.gating is None:
        return way
    gated = np.flatnonzero((query.gating.gate[way.arcs] >= 0) & (way.waits > 0.0))
    if not gated.size:
        return way
    at, arc = int(gated[0]), int(way.arcs[gated[0]])
    expected = 0.0 if query.scene.told[arc] else float(query.scene.model.graph.wait_hours[arc])
    in_hand = IN_HAND * float(np.sqrt(query.scene.variance[way.arcs[:at]].sum()))
    slack = MINUTES * max(float(way.waits[at]) - expected - in_hand, 0.0)
    begin = min(float(way.times[0]) + slack, max(latest, float(way.times[0])))
    times = ride(query, way.arcs, begin)
    if times is None or begin <= way.times[0] or times[-1] > way.times[-1] + SAME:
        return way
    return way_of(query, way.arcs, times)


def set_out(query: Query, ways: Sequence[Way]) -> list[Way]:
    """Return ways that set out as late as they may; to leave later than ready costs nothing."""
    if query.begins is None:
        return list(ways)
    latest = np.inf if query.free else float(query.begins.max())
    return [set_out_late(query, w, latest) for w in ways]


def with_lead(query: Query, way: Way) -> Way:
    """Return the way with its time counted from ready, where it is ready on one date; else from departure."""
    if way.times is None or query.begins is None or not query.free:
        return way
    lead = (float(way.times[-1]) - float(query.begins.min())) / MINUTES
    return replace(way, lead_hours=lead, rank=way.rank + query.goods.value_of_time * (lead - way.hours))


def added(query: Query, path: Arcs) -> list[Way]:
    """Return the way along a path: from the first and the last departure, without ready from the last in time."""
    if query.begins is None:
        return [way_of(query, path)]
    begins = np.unique(query.begins).tolist()
    if query.shipment.ready is not None:
        rides = [ride(query, path, b) for b in dict.fromkeys((begins[0], begins[-1]))]
        return [way_of(query, path, times) for times in rides if times is not None and times[-1] <= query.latest]
    for begin in reversed(begins):
        times = ride(query, path, begin)
        if times is not None and times[-1] <= query.latest:
            return [way_of(query, path, times)]
    return []


def within(query: Query, way: Way) -> bool:
    """Tell whether a way, worked out exactly, keeps to the budgets."""
    shipment, slack = query.shipment, 1.0 + SAME
    if any(way.value(name) > most * slack for name, most in query.options.budget.items()):
        return False
    if shipment.within_days is not None and way.lead_hours > 24.0 * shipment.within_days * slack:
        return False
    if way.times is None:
        return shipment.hours_allowed is None or way.hours <= shipment.hours_allowed * slack
    return bool(way.times[-1] <= query.latest + 1e-6)


def pareto(
    ways: Sequence[Way], objectives: Sequence[str], *, begins: Sequence[float], keep: Iterable[int] = ()
) -> list[Way]:
    """Return the ways that no other is as good as in every objective, in order of rank; `keep`: these too.

    Of ways that are equal the first in order of rank, then of `begins`, stays.
    """
    if not ways:
        return []
    order = np.lexsort((begins, [w.rank for w in ways]))
    forced = np.isin(order, list(keep))
    vectors = np.array([[ways[i].value(name) for name in objectives] for i in order.tolist()])
    slack = SAME * np.maximum(np.abs(vectors).max(axis=0), 1.0)
    covered = (vectors[None, :, :] <= vectors[:, None, :] + slack).all(axis=2)  # [i, j]: j is as good as i
    before = np.tri(order.size, k=-1, dtype=np.bool_)
    beaten = (covered & (before | ~covered.T)).any(axis=1)
    return [ways[i] for i, out in zip(order.tolist(), beaten & ~forced, strict=True) if not out]


def term_fault(query: Query, arcs: Arcs) -> str | None:
    """Return why the shipment's Incoterm does not fit a path; None where it does, or there is none."""
    shipment = query.shipment
    if shipment.incoterm is None:
        return None
    return misfit(query.goods.prices, arcs, shipment.incoterm, shipment.incoterm_place)


def links_of(query: Query, arcs: Arcs) -> Arcs:
    """Return the links under a path, each once."""
    return np.unique(links_in_order(query, arcs))


def links_in_order(query: Query, arcs: Arcs) -> Arcs:
    """Return the links under a path as they are travelled."""
    graph = query.scene.model.graph
    starts, ends = graph.steps_indptr[arcs], graph.steps_indptr[arcs + 1]
    parts = [graph.steps_link[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True) if b > a]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def turns_back(query: Query, arcs: Arcs) -> bool:
    """Tell whether a path goes over a border and back by the same link, or over a tenth of its kilometres twice."""
    words = query.scene.words
    links, times = np.unique(links_in_order(query, arcs), return_counts=True)
    twice = links[times > 1]
    here, there = (words.countries[ends[twice]] for ends in words.link_ends)
    km = float(query.scene.model.graph.km[arcs].sum())
    return bool((here != there).any() or words.km[twice].sum() > TURNED * km)
