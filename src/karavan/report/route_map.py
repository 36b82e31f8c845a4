"""The map of one route: the network thin, the route drawn over it, its ports, borders and ends named."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.report.geography import link_lines
from karavan.report.layers import GREY, MAP, MARK, STATUSES, link_status, mode_colours
from karavan.report.network_map import draw_map
from karavan.report.wording import short_name

if TYPE_CHECKING:
    from markupsafe import Markup
    from numpy.typing import NDArray

    from karavan.report.geography import Box
    from karavan.routing.shipment import Route

WIDTH, LEGEND_HEIGHT = 880.0, 74.0  # pixels
ROUTE_PX, OTHER_PX = 4.0, 0.6
ASPECT = 2.9  # width over height of the map
MARGIN = 0.08
END, STOP, CROSSED = 6.0, 3.5, 2.0  # how much a place wants its label


def route_map(route: Route) -> Markup:
    """Return the map of a route as inline SVG."""
    model = route.model
    if model is None:
        message = "the route has no model"
        raise ValueError(message)
    case = model.case
    on = links_on(route)
    lines = link_lines(case)
    points = np.concatenate([lines[link] for link in on] or [case.nodes[["longitude", "latitude"]].to_numpy()])
    names = {str(n): short_name(name, place) for n, name, place in zip(
        case.nodes.index, case.nodes["name"], case.nodes["place"], strict=True)}  # fmt: skip
    colours = mode_colours(case)
    used = list(dict.fromkeys(str(case.links["mode"].iloc[link]) for link in on))
    layers = {
        "styles": {
            "modes": colours, "statuses": STATUSES, "mark": MARK, "map": MAP, "idle_px": OTHER_PX,
            "flow": {"domain": [0.0, 1.0], "range": [0.0, ROUTE_PX], "minimum_px": ROUTE_PX},
        },
        "legend": [
            {"title": "Route", "entries": [
                {"kind": "line", "label": str(case.modes["name"][m]), "colour": colours[m], "width": 3.5, "dash": []}
                for m in used
            ]},
            {"title": "", "entries": [
                {"kind": "line", "label": "other links", "colour": GREY, "width": OTHER_PX, "dash": []}
            ]},
        ],
        "layers": [
            {"id": "links", "features": _links(route, set(on), lines)},
            {"id": "nodes", "features": _nodes(route, names)},
            {"id": "bottlenecks", "features": []},
        ],
    }  # fmt: skip
    words = f"{names[route.origin]} to {names[route.destination]}"
    return draw_map(
        layers, view_of(points), name=f"Map of the route {words}", description=f"The route {words}.", width=WIDTH,
        legend_height=LEGEND_HEIGHT,
    )  # fmt: skip


def links_on(route: Route) -> list[int]:
    """Return the positions of the links that a route runs over, in order."""
    graph = route.model.graph if route.model is not None else None
    if graph is None:
        return []
    return [link for arc in route.arcs.tolist() for link, _ in graph.links_under(arc)]


def view_of(points: NDArray[np.float64]) -> Box:
    """Return a box of degrees about some points, with a margin and of a shape that suits the sheet.

    Examples
    --------
    >>> [round(v, 1) for v in view_of(np.array([[40.0, 40.0], [60.0, 42.0]]))]
    [38.4, 38.0, 61.6, 44.0]
    """
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    middle, height = (south + north) / 2.0, max(north - south, 2.0) * (1.0 + 2.0 * MARGIN)
    shrink = math.cos(math.radians(middle))
    width = max(east - west, 2.0) * (1.0 + 2.0 * MARGIN)
    height = max(height, width * shrink / ASPECT)
    width = max(width, height * ASPECT / shrink)
    centre = (west + east) / 2.0
    return (
        float(max(centre - width / 2.0, -179.0)),
        float(max(middle - height / 2.0, -60.0)),
        float(min(centre + width / 2.0, 179.0)),
        float(min(middle + height / 2.0, 80.0)),
    )


def _links(route: Route, on: set[int], lines: list[NDArray[np.float64]]) -> list[dict[str, Any]]:
    model = route.model
    case = model.case  # type: ignore[union-attr]
    status = link_status(case, model.day)  # type: ignore[union-attr]
    table = case.links
    names = {str(n): short_name(name) for n, name in case.nodes["name"].items()}
    features = []
    for i, (link, start, end, mode) in enumerate(
        zip(table.index, table["from_node"], table["to_node"], table["mode"], strict=True)
    ):
        mine = i in on
        features.append({
            "geometry": {"coordinates": lines[i].round(4).tolist()},
            "properties": {
                "id": str(link), "name": f"{names[start]} \u2013 {names[end]}", "from": str(start), "to": str(end),
                "mode": str(mode), "status": "open" if mine else str(status[i]), "tonnes": float(mine),
                "forward": 0.0, "backward": 0.0, "title": f"{names[start]} \u2013 {names[end]}, {mode}",
            },
        })  # fmt: skip
    return features


def _nodes(route: Route, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the places of the route: its ends, where it changes vehicles, and the borders it crosses."""
    model = route.model
    case, graph = model.case, model.graph  # type: ignore[union-attr]
    legs = route.legs
    wish = {str(n): STOP for n in [*legs["from"], *legs["to"]] if isinstance(n, str)}
    rows = case.borders.iloc[[b for a in route.arcs.tolist() for b in graph.borders_under(a)]]
    for node in [*rows["from_node"], *rows["to_node"]]:
        wish.setdefault(str(node), CROSSED)
    wish |= {route.origin: END, route.destination: END}
    features = []
    wanted = case.nodes.loc[list(wish)]
    for (node, weight), (_, row) in zip(wish.items(), wanted.iterrows(), strict=True):
        at = [float(row["longitude"]), float(row["latitude"])]
        if np.isfinite(at).all():
            properties = {
                "id": node, "name": str(row["name"]), "label": names[node], "kind": str(row["kind"]), "tonnes": 0.0,
                "weight": weight,
            }  # fmt: skip
            features.append({"geometry": {"coordinates": at}, "properties": properties})
    return features
