"""The live map: the network with the flows of one or all goods, corridors as lines, coasts and borders, differences."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.network.graph import ArcKind
from karavan.report.corridors import corridor_frame, corridor_routes
from karavan.report.geography import basemap, link_lines
from karavan.report.layers import (
    GREY,
    flow_px,
    flow_scale,
    legend,
    link_features,
    map_layers,
)
from karavan.report.plain import json_object
from karavan.schema.names import find_commodity

if TYPE_CHECKING:
    import pandas as pd

    from karavan.assignment.assignment import Assignment
    from karavan.model import Model
    from karavan.routing.shipment import Route
    from karavan.scenario.results import Outcome
    from karavan.schema.case import Case

MOVING = (ArcKind.HAUL, ArcKind.BORDER, ArcKind.WAIT, ArcKind.RUN)
MORE, LESS = "#0072B2", "#C04E00"  # Okabe and Ito's blue and vermilion: told apart with any sight
CORRIDOR = ("days", "km", "usd_per_tonne", "usd_per_teu", "g_co2e_per_tkm", "borders", "handlings")
SUMMARY = ("year", "day", "period", "method", "demand", "served", "unserved", "t_km", "objective_usd", "gap")
PLACES = 4  # decimals of a degree: about 10 m


def map_view(flows: Assignment, *, commodity: str | None = None) -> dict[str, Any]:
    """Return the map of an assignment: styles, legend, layers and totals; flows of one commodity if named.

    Bottlenecks are those of all goods together. Raises `NameNotFound` and `AmbiguousName` for the commodity.
    """
    model = flows.model
    view = map_layers(model, flows)
    if commodity is not None:
        commodity = find_commodity(model.case, commodity)
        goods = flows.link_goods
        view = _of_goods(model, view, goods[goods["commodity"] == commodity])
    summary = {k: flows.summary.get(k) for k in SUMMARY}
    return json_object({"case": model.case.meta.name, "commodity": commodity, "summary": summary} | view)


def _of_goods(model: Model, view: dict[str, Any], goods: pd.DataFrame) -> dict[str, Any]:
    links = link_features(model.case, model.day, goods)
    scale = flow_scale(max((f["properties"]["tonnes"] for f in links), default=0.0))
    layers = [layer | {"features": links} if layer["id"] == "links" else layer for layer in view["layers"]]
    return view | {"styles": view["styles"] | {"flow": scale}, "legend": legend(model.case, links, scale),
                   "layers": layers}  # fmt: skip


def corridor_lines(model: Model) -> list[dict[str, Any]]:
    """Return each corridor with its indicators and its lines."""
    found = corridor_routes(model)
    frame = corridor_frame(model, found).set_index("corridor")
    headline = model.case.meta.headline_corridors
    lines: list[dict[str, Any]] = [
        {"id": c.id, "name": c.name, "commodity": c.commodity, "headline": c.id in headline}
        | {k: frame.at[c.id, k] for k in CORRIDOR}
        | {"features": [] if c.route is None else route_features(model, c.route, corridor=c.id)}
        for c in found
    ]
    return [json_object(line) for line in lines]


def route_features(model: Model, route: Route, **properties: Any) -> list[dict[str, Any]]:
    """Return the movements of a route as GeoJSON lines in the order of travel; `leg` is the row of `route.legs`."""
    graph, case = model.graph, model.case
    lines, leg, last = _lines(case), -1, None
    features: list[dict[str, Any]] = []
    for arc in route.arcs.tolist():
        kind, service = graph.kind[arc], int(graph.service[arc])
        if kind == ArcKind.ACCESS:
            continue
        if kind not in MOVING or kind == ArcKind.WAIT or last is None or service != last:
            leg += 1
        last = service if kind in MOVING else None
        points = [p for link, ahead in graph.links_under(arc) for p in (lines[link] if ahead else lines[link][::-1])]
        if not points:
            continue
        if features and features[-1]["properties"]["leg"] == leg:
            features[-1]["geometry"]["coordinates"] += points
            continue
        said = {"leg": leg, "mode": str(case.modes.index[graph.arc_mode[arc]]),
                "unit": str(case.carrying_units.index[graph.arc_unit[arc]])}  # fmt: skip
        features.append({"type": "Feature", "geometry": {"type": "LineString", "coordinates": points},
                         "properties": said | properties})  # fmt: skip
    return features


@lru_cache(maxsize=8)
def _lines(case: Case) -> list[list[list[float]]]:
    """Return the line of every link; made once for a case."""
    return [line.round(PLACES).tolist() for line in link_lines(case)]


def stop_features(case: Case, route: Route) -> list[dict[str, Any]]:
    """Return origin, ports and destination of a route, and where it is handled, as GeoJSON points."""
    ends = {route.origin: "origin", route.destination: "destination"}
    handled = route.legs.loc[route.legs["what"] == "transfer", "from"].dropna().tolist()
    stops = {**dict.fromkeys(handled, "transfer"), **dict.fromkeys(route.ports, "port"), **ends}
    places = case.nodes.loc[list(stops)].dropna(subset=["longitude", "latitude"])
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [float(x), float(y)]},
            "properties": {"id": str(node), "name": str(name), "kind": stops[node]},
        }
        for node, x, y, name in zip(
            places.index, places["longitude"], places["latitude"], places["name"], strict=True
        )
    ]  # fmt: skip


# Coasts and borders


@cache
def basemap_layers() -> dict[str, Any]:
    """Return the shipped coasts and borders as GeoJSON: `land` (countries by name, near ones finer), `borders`."""
    topology = basemap()
    scale = np.asarray(topology["transform"]["scale"])
    shift = np.asarray(topology["transform"].get("translate", (0.0, 0.0)))
    arcs = [(np.cumsum(arc, axis=0) * scale + shift).round(PLACES) for arc in topology["arcs"]]
    land = [
        _country(geometry, arcs) | {"properties": {"name": geometry["properties"]["name"], "near": name == "countries"}}
        for name in ("world", "countries")
        for geometry in topology["objects"][name]["geometries"]
    ]
    return {"source": topology["source"], "bbox": topology["bbox"], "land": land,
            "borders": _shared(topology["objects"]["countries"]["geometries"], arcs)}  # fmt: skip


def _country(geometry: dict[str, Any], arcs: list[Any]) -> dict[str, Any]:
    rings = [[_ring(ring, arcs) for ring in polygon] for polygon in geometry["arcs"]]
    return {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": rings}}


def _ring(ring: list[int], arcs: list[Any]) -> list[list[float]]:
    points: list[list[float]] = []
    for r in ring:
        arc = (arcs[r] if r >= 0 else arcs[~r][::-1]).tolist()
        points += arc[1:] if points else arc
    return points


def _shared(geometries: list[dict[str, Any]], arcs: list[Any]) -> list[dict[str, Any]]:
    """Return the arcs that two countries share, as lines."""
    users: dict[int, set[int]] = {}
    for k, geometry in enumerate(geometries):
        for polygon in geometry["arcs"]:
            for ring in polygon:
                for r in ring:
                    users.setdefault(r if r >= 0 else ~r, set()).add(k)
    lines = [arcs[a].tolist() for a, of in users.items() if len(of) > 1]
    return [{"type": "Feature", "properties": {}, "geometry": {"type": "MultiLineString", "coordinates": lines}}]


# Differences


def difference_map(case: Case, first: Outcome, second: Outcome, *, day: str | None = None) -> dict[str, Any]:
    """Return the map of what differs between two outcomes: links with tonnes of both and the change.

    `case` is the case of the second, as its scenario has it. Blue lines carry more, vermilion ones less.
    """
    before, after = (_tonnes(o) for o in (first, second))
    links = link_features(case, day, second.tables["links"])
    for feature in links:
        said = feature["properties"]
        said["tonnes_a"], said["tonnes_b"] = before.get(said["id"], 0.0), after.get(said["id"], 0.0)
        said["change"] = said["tonnes_b"] - said["tonnes_a"]
    scale = flow_scale(max((abs(f["properties"]["change"]) for f in links), default=0.0))
    widths = [{"kind": "width", "label": t, "width": flow_px(scale, t), "colour": GREY} for t in scale["legend"]]
    entries = [{"kind": "line", "label": text, "colour": colour, "width": 4.0, "dash": []}
               for text, colour in (("more tonnes", MORE), ("fewer tonnes", LESS))]  # fmt: skip
    return json_object({
        "styles": {"flow": scale, "more": MORE, "less": LESS},
        "legend": [{"title": "Change, both ways together", "entries": [*entries, *widths]}],
        "layers": [{"id": "links", "title": "Change of flow", "features": links}],
    })  # fmt: skip


def _tonnes(found: Outcome) -> dict[str, float]:
    frame = found.tables["links"]
    return {str(k): float(v) for k, v in frame.groupby("link")["tonnes"].sum().items()} if len(frame) else {}
