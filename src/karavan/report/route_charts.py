"""Charts of the routes of a shipment: time and money against distance with bands of chance, and the Pareto scatter.

Time- and cost-distance charts follow UNESCAP (Beresford and Dubey 1990, Banomyong 2000): kilometres from the origin
across, cumulative time or money up, a vertical step at each border, port and terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.cost.charges import leg_of_arcs
from karavan.errors import FormatError
from karavan.report.charts import CONFIG, SCHEMA, TIME, Journey, Measure, cost_measure, distance_chart, render
from karavan.report.corridors import profile, route_commodity
from karavan.report.labels import BOLD, Wish, place
from karavan.report.layers import GREY, INK, mode_colours
from karavan.report.wording import number
from karavan.routing.shipment import MONEY
from karavan.schema.case import position
from karavan.schema.io.atomic import whole_file
from karavan.units import HOURS_PER_DAY
from karavan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from numpy.typing import NDArray

    from karavan.model import Model
    from karavan.routing.shipment import Route

MOST = 4  # routes on one chart
FAR = 2.0  # other routes beyond so many times the most of those shown are left out of the scatter
SHADES = ["#fde725", "#5ec962", "#21918c", "#3b528b", "#440154"]  # viridis: least to most CO2e
BAND = "Grey bands: what 10 to 90 of 100 draws come to."


def route_profile(route: Route) -> pd.DataFrame:
    """Return a route as `corridors.profile` does, with its own waits and the money its shipment pays."""
    return profile(_as_met(route), route)


def route_band(route: Route) -> pd.DataFrame | None:
    """Return the hours and money that 10 and 90 of 100 draws come to by the end of each arc; None without odds."""
    odds, model = route.odds, _as_met(route)
    if odds is None:
        return None
    km = np.concatenate(([0.0], np.cumsum(model.graph.km[route.arcs])))
    cost = model.costs[position(model.case.commodities, route_commodity(model, route))]
    paid = np.cumsum(cost.money[route.arcs])
    hours = np.column_stack([np.zeros(3), odds.hours_at])
    usd = np.column_stack([np.zeros(3), paid + odds.usd_over_at])
    return pd.DataFrame(
        {"km": km, "hours_low": hours[0], "hours_high": hours[2], "usd_low": usd[0], "usd_high": usd[2]}
    )


def _as_met(route: Route) -> Model:
    """Return the route's model with the waits and the money of the route on its arcs."""
    model, arcs = route.model, route.arcs
    if model is None:
        message = "the route has no model"
        raise ValueError(message)
    graph, k = model.graph, position(model.case.commodities, route_commodity(model, route))
    wait = graph.wait_hours.copy()
    if route.times is not None:
        moving = (graph.move_hours + graph.border_hours + graph.handling_hours)[arcs]
        wait[arcs] = np.maximum(np.diff(route.times) / 60.0 - moving, 0.0)
    leg = leg_of_arcs(graph, arcs)
    cost = model.costs[k]
    paid = {name: getattr(cost, name).copy() for name in MONEY}
    for at in range(len(route.legs)):
        mine = arcs[leg == at]
        _share_out(paid, mine, {name: float(route.legs[f"usd_{name}"].iloc[at]) for name in MONEY})
        waits = mine[np.argmax(wait[mine])]
        paid["handling"][waits] += float(route.legs["usd_storage"].iloc[at])
    costs = list(model.costs)
    costs[k] = replace(cost, **paid)
    return replace(model, graph=replace(graph, wait_hours=wait), costs=tuple(costs))


def _share_out(paid: dict[str, Any], arcs: Any, totals: dict[str, float]) -> None:
    """Scale what arcs cost by component so that it comes to the totals of their leg."""
    for name, total in totals.items():
        before = float(paid[name][arcs].sum())
        if before > 0.0:
            paid[name][arcs] *= total / before
        else:
            paid[name][arcs] = 0.0
            paid[name][arcs[0]] = total


def route_names(routes: Sequence[Route]) -> list[str]:
    """Return a short name for each route: its number and why it is there."""
    return [f"{i} {r.reasons[0] if r.reasons else 'route'}" for i, r in enumerate(routes, start=1)]


def distance_charts(routes: Sequence[Route], *, width: int = 900, height: int = 360) -> list[dict[str, Any]]:
    """Return the time- and the cost-distance chart of up to four routes, as Vega-Lite specifications."""
    shown = list(routes)[:MOST]
    case = _model(shown).case
    journeys = [
        Journey(name, route_profile(route), route_band(route))
        for name, route in zip(route_names(shown), shown, strict=True)
    ]
    loads = [None if r.usd_per_teu is None else r.unit_tonnes for r in shown]
    teu = loads[0] if all(load is not None for load in loads) else None
    colours, names = mode_colours(case), {str(m): str(n) for m, n in case.modes["name"].items()}
    wanted: list[tuple[Measure, str]] = [(TIME, "Time"), (cost_measure(teu), "Money")]
    return [
        distance_chart(journeys, measure, colours, names, width=width, height=height, title=f"{what} against distance")
        for measure, what in wanted
    ]


def _model(routes: Sequence[Route]) -> Model:
    model = routes[0].model if routes else None
    if model is None:
        message = "there is no route to draw"
        raise ValueError(message)
    return model


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """What a Pareto-good route comes to, where no more of it is shown: days, USD and kg CO2e per tonne."""

    arcs: NDArray[np.int32]
    days: float
    money: float
    co2e: float
    reason: str = ""
    odds: None = None


def pareto_chart(
    routes: Sequence[Route], others: Sequence[Route | Spot] = (), *, width: int = 900, height: int = 300
) -> dict[str, Any]:
    """Return money against days with CO2e as colour: the routes by number, others that are Pareto-good small.

    A bar from side to side is what 10 to 90 of 100 draws take. Others far beyond the routes are counted, not drawn.
    """
    points = [_point(r, str(i)) for i, r in enumerate(routes, start=1)]
    mine = {r.arcs.tobytes() for r in routes}
    rest = [_point(r, "") for r in others if r.arcs.tobytes() not in mine]
    most = {name: FAR * max(p[name] for p in points) for name in ("days", "usd")}
    small = [p for p in rest if all(p[name] <= top for name, top in most.items())]
    beyond = f"{len(rest) - len(small)} more lie beyond the chart" if len(rest) > len(small) else ""
    every = points + small
    x_domain = _domain([v for p in every for v in (p["days"], p["low"], p["high"]) if v is not None])
    y_domain = _domain([p["usd"] for p in every])
    x = {"field": "days", "type": "quantitative", "title": "days", "scale": {"domain": x_domain, "nice": False},
         "axis": {"tickCount": width // 100}}  # fmt: skip
    y = {"field": "usd", "type": "quantitative", "title": "USD per tonne, money paid",
         "scale": {"domain": y_domain, "nice": False}, "axis": {"tickCount": height // 50}}  # fmt: skip
    kg = [p["kg"] for p in every]
    colour = {
        "field": "kg", "type": "quantitative", "title": "kg CO2e per tonne",
        "scale": {"domain": [min(kg), max(kg) if max(kg) > min(kg) else min(kg) + 1.0], "range": SHADES,
                  "interpolate": "rgb"},
        "legend": {"title": "kg CO2e/t", "titleLimit": 0, "orient": "top", "gradientLength": 260},
    }  # fmt: skip
    tips = [{"field": f, "format": ".1f"} for f in ("days", "usd", "kg")] + [{"field": "why"}]
    at = {"x": x, "y": y}
    labels = _number_labels(points, (x_domain, y_domain), (width, height))
    words = {"type": "text", "align": "left", "baseline": "alphabetic", "fontSize": 12, "fontWeight": 600}
    spots = {"x": x | {"field": "tx"}, "y": y | {"field": "ty"}, "text": {"field": "text", "type": "nominal"}}
    ranged = [p for p in points if p["low"] is not None]
    return {
        "$schema": SCHEMA, "width": width, "height": height, "config": CONFIG,
        "title": {"text": "What each route gives up: money against time", "subtitle": beyond or []},
        "layer": [
            {"data": {"values": ranged},
             "mark": {"type": "rule", "strokeWidth": 5, "color": "#7b8fa3", "opacity": 0.25},
             "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y}},
            {"data": {"values": small}, "mark": {"type": "point", "filled": True, "size": 36, "stroke": GREY,
             "strokeWidth": 0.6, "opacity": 0.9}, "encoding": at | {"fill": colour, "tooltip": tips}},
            {"data": {"values": points}, "mark": {"type": "point", "filled": True, "size": 150, "stroke": INK,
             "strokeWidth": 1.2, "opacity": 1}, "encoding": at | {"fill": colour, "tooltip": tips}},
            {"data": {"values": labels}, "mark": words | {"stroke": "#fff", "strokeWidth": 3}, "encoding": spots},
            {"data": {"values": labels}, "mark": words | {"color": INK}, "encoding": spots},
        ],
    }  # fmt: skip


def _point(route: Route | Spot, label: str) -> dict[str, Any]:
    odds = route.odds
    return {
        "label": label,
        "number": int(label) if label else None,
        "why": route.reason,
        "days": route.days,
        "usd": route.money,
        "kg": route.co2e,
        "low": None if odds is None else odds.p10_hours / HOURS_PER_DAY,
        "high": None if odds is None or not np.isfinite(odds.p90_hours) else odds.p90_hours / HOURS_PER_DAY,
    }


def _domain(values: list[float]) -> list[float]:
    low, high = min(values), max(values)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return [max(low - pad, 0.0), high + pad]


def _number_labels(
    points: list[dict[str, Any]], domain: tuple[list[float], list[float]], size: tuple[int, int]
) -> list[dict[str, Any]]:
    """Place number and reason beside each point; places are in data units."""
    (x0, x1), (y0, y1) = domain
    width, height = size
    at = [((p["days"] - x0) / (x1 - x0) * width, height - (p["usd"] - y0) / (y1 - y0) * height) for p in points]
    dots = [(x - 7, y - 7, x + 7, y + 7) for x, y in at]
    apart = [np.array([q for q in at if q is not p]).reshape(-1, 2) for p in at]
    wishes = [
        Wish(f"{p['label']} {p['why']}", x, y, 12.0, 9.0, (1.0, 1.8, 3.0, 5.0), BOLD)
        for p, (x, y) in zip(points, at, strict=True)
    ]
    placed = place(wishes, width=width, height=height, taken=dots, others=apart)
    return [
        {"text": s.text, "tx": x0 + s.x / width * (x1 - x0), "ty": y0 + (height - s.y) / height * (y1 - y0)}
        for s in placed
        if s is not None
    ]


def route_chart(routes: Sequence[Route], others: Sequence[Route] = ()) -> dict[str, Any]:
    """Return all charts of a shipment's routes as one specification, below one another."""
    parts = [*distance_charts(routes), pareto_chart(routes, others)]
    for part in parts:
        part.pop("$schema")
        part.pop("config")
    return {
        "$schema": SCHEMA, "config": CONFIG, "spacing": 34, "vconcat": parts,
        "resolve": {"scale": {"color": "independent", "fill": "independent"}},
    }  # fmt: skip


def write_route_chart(routes: Sequence[Route], out: str | Path, *, others: Sequence[Route] = ()) -> Path:
    """Write the charts of a shipment's routes as an SVG file, or as an HTML page where the name ends in .html."""
    path = Path(out)
    if path.suffix.lower() not in {".svg", ".html", ".htm"}:
        message = f"{path.name}: charts are written as .svg or .html, not {path.suffix or 'without an ending'}"
        raise FormatError(message)
    picture = _rendered(routes, others)
    text = _page(routes, picture) if path.suffix.lower() in {".html", ".htm"} else str(picture)
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")
    return path


def _rendered(routes: Sequence[Route], others: Sequence[Route]) -> Markup:
    return render(route_chart(routes, others), name=_title(routes), description=". ".join(_lines(routes)))


def _title(routes: Sequence[Route]) -> str:
    s = routes[0].shipment
    return f"{s.commodity}, {s.tonnes:,g} t, {s.origin} to {s.destination}"


def _lines(routes: Sequence[Route]) -> list[str]:
    return [
        f"{name}: {number(r.km)} km, {number(r.days)} days, {number(r.money)} USD/t, {number(r.co2e)} kg CO2e/t"
        for name, r in zip(route_names(routes), routes, strict=True)
    ]


def _page(routes: Sequence[Route], picture: Markup) -> str:
    from karavan.report.route_sheet import leg_rows
    from karavan.report.templating import environment

    tables = [
        {"title": title, "legs": leg_rows(route), "dated": route.times is not None}
        for title, route in zip(_lines(routes), list(routes)[:MOST], strict=False)
    ]
    return environment().get_template("route_chart.html.j2").render(
        version=__version__, title=_title(routes), subtitle=_model(routes).case.meta.title, chart=picture,
        tables=tables, note=BAND if any(r.odds is not None for r in routes) else "",
    )  # fmt: skip
