"""Routes as a page shows them: records with their lines on the map, what each gives up, charts, and their odds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from karavan.report.case_map import route_features, stop_features
from karavan.report.plain import json_object
from karavan.report.route_charts import Spot, distance_charts, pareto_chart
from karavan.report.routes import route_records
from karavan.routing.choose import choose
from karavan.routing.options import RouteOptions
from karavan.routing.reliability import with_odds
from karavan.routing.tell import tell
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.routing.router import Router, Ways
    from karavan.routing.shipment import Route, Shipment

WIDE, HIGH = 640, 320  # pixels of a chart


def route_answer(
    router: Router, shipment: Shipment, options: RouteOptions | None = None, *, odds: bool = True
) -> dict[str, Any]:
    """Return routes as plain data, from one search.

    `routes` has a record each (`route_records`) with its `number`, `lines` and `stops` as GeoJSON features; `pareto`
    every Pareto-good route, with the number of the route that it is, if it is shown; `charts` are Vega-Lite
    specifications of time and money against distance and of what is given up. Raises what `route` raises.
    """
    options = options or RouteOptions()
    ways = router.ways(shipment, options)
    routes = [tell(ways.query, c.way, router.case, reasons=c.reasons) for c in choose(ways)]
    if odds:
        routes = with_odds(routes, draws=options.draws, seed=options.seed, usd_year=options.usd_year)
    records = [
        record | {"number": k, "lines": route_features(route.model or router.model, route),
                  "stops": stop_features(router.case, route)}
        for k, (record, route) in enumerate(zip(route_records(router.case, routes), routes, strict=True), start=1)
    ]  # fmt: skip
    time, cost = distance_charts(routes, width=WIDE, height=HIGH)
    charts = {"time": time, "cost": cost, "pareto": pareto_chart(routes, _spots(ways), width=WIDE, height=HIGH)}
    search = {"objectives": options.objectives, "resolution": options.resolution, "guarantee": ways.guarantee,
              "complete": ways.complete}  # fmt: skip
    return json_object(
        {"case": router.case.meta.name, "day": router.model.day, "routes": records, "pareto": _points(routes, ways),
         "search": search, "charts": charts}
    )  # fmt: skip


def _spots(ways: Ways) -> list[Spot]:
    return [Spot(w.arcs, w.hours / HOURS_PER_DAY, w.usd, w.kg) for w in ways.ways]


def _points(routes: Sequence[Route], ways: Ways) -> list[dict[str, Any]]:
    """Return what each Pareto-good route comes to, with the number of the shown route that it is, or None."""
    numbers = {r.arcs.tobytes(): k for k, r in reversed(list(enumerate(routes, start=1)))}
    return [
        {"number": numbers.get(w.arcs.tobytes()), "usd_per_tonne": w.usd, "hours": w.hours,
         "days": w.hours / HOURS_PER_DAY, "kg_co2e_per_tonne": w.kg, "risk_hours": w.risk_hours,
         "handlings": w.handlings}
        for w in ways.ways
    ]  # fmt: skip
