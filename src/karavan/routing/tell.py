"""From ways to routes: legs with dates, charges, what flags them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.cost.charges import charges, leg_of_arcs
from karavan.cost.shipment_cost import WHOLE
from karavan.network.restrictions import concerns
from karavan.routing.gates import gates_on
from karavan.routing.legs import Travel, make_route
from karavan.routing.query import MINUTES
from karavan.routing.shipment import PAID, minute
from karavan.schema.state import reference_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.routing.query import Query
    from karavan.routing.shipment import Route
    from karavan.routing.ways import Way
    from karavan.schema.case import Case

    Float = NDArray[np.float64]

FLAGS = ("restriction", "name", "regime", "effect", "text", "source", "as_of", "leg")
COMPONENT = {"haulage": "haulage", "border": "border", "loading": "handling", "handling": "handling",
             "unloading": "handling"}  # fmt: skip  a component of charges -> where legs show it; dwell charges: storage


def tell(query: Query, way: Way, case: Case, *, reasons: tuple[str, ...] = ()) -> Route:
    """Make the route of a way; its money is that of its charges, and flags are those of the days it travels on."""
    scene, s = query.scene, query.shipment
    times = None if way.times is None or scene.timetable is None else way.times + scene.timetable.start
    flagged = flagged_on(query, way, times)
    paid = charges(query.goods.prices, way.arcs, s.tonnes, dwell_hours=way.waits, incoterm=s.incoterm,
                   place=s.incoterm_place, usd_year=query.options.usd_year)  # fmt: skip
    told = Travel(
        cost=query.cost,
        wait_hours=way.waits,
        flagged=tuple(tuple(str(scene.rules[i]["id"]) for i in rows) for rows in flagged),
        restrictions=tuple(str(scene.rules[i]["id"]) for i in sorted({i for rows in flagged for i in rows})),
        paid=_by_leg(paid, s.tonnes, 1 + int(leg_of_arcs(scene.model.graph, way.arcs).max())),
        times=times,
    )
    route = make_route(scene.model, s, query.k, way.arcs, reasons=reasons, travel=told, words=scene.words)
    day = scene.model.day or reference_day(case.meta.year)
    return replace(
        route,
        risk=way.risk_hours,
        usd_reliability=way.usd_reliability,
        objectives={name: way.value(name) for name in query.options.objectives},
        flags=_flags(query, route, day),
        charges=paid,
        gates=gates_on(query, way.arcs),
        unit_tonnes=_in_a_box(s.tonnes, route.unit_tonnes),
    )


def _in_a_box(tonnes: float, full: float) -> float:
    """Return the tonnes in each container of a lot that fills them alike; `full`: the most."""
    return tonnes / max(np.ceil(tonnes / full - WHOLE), 1.0) if full > 0.0 else full


def _by_leg(paid: pd.DataFrame, tonnes: float, n_legs: int) -> dict[str, Float]:
    """Return USD per tonne of each leg by component, as the charges say."""
    shown = [COMPONENT.get(name, "storage") for name in paid["component"].tolist()]
    usd = paid["usd"].to_numpy(dtype=np.float64) / tonnes
    leg = paid["leg"].to_numpy(dtype=np.int64)
    out = {name: np.zeros(n_legs) for name in PAID}
    for name, at, much in zip(shown, leg.tolist(), usd.tolist(), strict=True):
        out[name][at] += much
    return out


def flagged_on(query: Query, way: Way, times: Float | None) -> tuple[tuple[int, ...], ...]:
    """Return the restrictions that touch each arc of a way on the day it is set out on, as rows of the model's."""
    scene, arcs = query.scene, way.arcs
    graph, timetable = scene.model.graph, scene.timetable
    nodes = graph.node[graph.head[arcs[0]]], graph.node[graph.tail[arcs[-1]]]
    ends = [str(scene.words.countries[n]) for n in nodes]
    out: list[list[int]] = [[] for _ in arcs]
    for row, mask in scene.model.restrictions.touched.items():
        on = np.flatnonzero(mask[arcs])
        if not on.size or not concerns(scene.rules[row], query.goods.name, *ends):
            continue
        for at in on.tolist():
            if times is None or timetable is None or _in_force(timetable.bans[row], times[at] - timetable.start):
                out[at].append(row)
    return tuple(tuple(found) for found in out)


def _in_force(days: NDArray[np.bool_], at: float) -> bool:
    return bool(days[min(int(at // (24 * MINUTES)), days.size - 1)])


def _flags(query: Query, route: Route, day: str | None) -> pd.DataFrame:
    """Return one row a restriction and leg, with its regime and the day it is told of."""
    rows: list[tuple[Any, ...]] = []
    dated = query.scene.timetable is not None
    met = set(route.restrictions)
    rules = {str(r["id"]): tuple(r[name] for name in FLAGS if name in r) for r in query.scene.rules if r["id"] in met}
    for leg, (ids, depart) in enumerate(zip(route.legs["flags"], route.legs["depart"], strict=True)):
        as_of = str(np.datetime64(depart, "D")) if dated else day
        rows += [(one, *rules[one], as_of, leg) for one in ids]
    return pd.DataFrame(rows, columns=list(FLAGS))


def profile_frame(query: Query, profile: tuple[Way, ...], routes: dict[bytes, int]) -> pd.DataFrame:
    """Return the best departures of a window, one row each; `routes`: position of a route by its arcs."""
    timetable = query.scene.timetable
    start = 0.0 if timetable is None else timetable.start
    rows = [
        (minute(w.times[0] + start), minute(w.times[-1] + start), w.hours, w.usd, w.kg, w.risk_hours,
         routes.get(w.arcs.tobytes(), -1))
        for w in profile if w.times is not None
    ]  # fmt: skip
    names = ["departure", "arrival", "hours", "usd_per_tonne", "kg_co2e", "risk_hours", "route"]
    return pd.DataFrame(rows, columns=names)
