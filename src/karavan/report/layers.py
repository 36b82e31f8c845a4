"""Layers, scales and legend of the network map, as plain data (JSON-ready).

The brief draws them as SVG (`report.network_map`); a web page can draw the same data live. Colours follow
Okabe and Ito's palette, which people with colour-blindness can tell apart, darkened where a thin line would stand out
less than 3:1 on the land; status is told by dashes, not by colour.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.report.geography import lines_of, link_lines
from karavan.report.wording import is_missing, short_name
from karavan.schema.case import as_list, position
from karavan.schema.chains import link_chains
from karavan.schema.state import first_day, is_open

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from karavan.assignment.assignment import Assignment
    from karavan.model import Model
    from karavan.schema.case import Case

INK = "#1f2933"
GREY = "#5b6770"
MODE_COLOURS = {
    "rail": "#0072B2",
    "road": "#BF7F00",
    "sea": "#009E73",
    "ferry": "#B5578B",
    "air": "#555555",
    "barge": "#009E73",
    "pipeline": "#7f7f7f",
}
SPARE_COLOURS = ("#8c6d31", "#7f7f7f", "#393b79", "#637939")
STATUSES = {
    "open": {"label": "open", "dash": [], "opacity": 1.0},
    "seasonal": {"label": "open part of the year", "dash": [9, 3], "opacity": 1.0},
    "planned": {"label": "planned", "dash": [5, 4], "opacity": 0.9},
    "suspended": {"label": "suspended or closed", "dash": [1, 4], "opacity": 0.9},
}
MARK = {"fill": "#C04E00", "ink": "#ffffff", "label": "bottleneck, with its rank"}
MAP = {"water": "#dbe8f0", "land": "#faf8f3", "coast": "#9fb3bf", "border": "#b9afa0", "country": "#6b645c"}
MAX_FLOW_PX = 15.0
MIN_FLOW_PX = 1.4
IDLE_PX = 0.7
MARKS_SHOWN = 12
LABEL_KINDS = {
    "port": 3.0, "rail_ferry": 3.0, "border_rail": 2.0, "border_road": 1.5, "border_multi": 2.0, "dry_port": 2.0,
    "city": 1.5, "airport": 0.5, "rail_station": 0.5, "rail_junction": 0.3, "other": 1.0, "waypoint": 0.0,
}  # fmt: skip


def mode_colours(case: Case) -> dict[str, str]:
    """Return a colour for each mode of a case."""
    spare = iter(SPARE_COLOURS * (1 + len(case.modes)))
    return {str(m): MODE_COLOURS.get(str(m)) or next(spare) for m in case.modes.index}


def flow_scale(largest: float) -> dict[str, Any]:
    """Return the scale of flow widths: linear from nought to a round number of tonnes, with legend values.

    Examples
    --------
    >>> flow_scale(37e6)["domain"], flow_scale(37e6)["legend"]
    ([0.0, 40000000.0], [40000000.0, 20000000.0, 10000000.0, 2000000.0])
    """
    top = nice_above(largest) if largest > 0 else 1.0
    return {
        "type": "linear",
        "domain": [0.0, top],
        "range": [0.0, MAX_FLOW_PX],
        "minimum_px": MIN_FLOW_PX,
        "unit": "tonnes",
        "legend": [top, top / 2, top / 4, top / 20],
    }


def flow_px(scale: dict[str, Any], tonnes: float) -> float:
    """Return the width of a flow on a scale."""
    return max(tonnes / float(scale["domain"][1]) * float(scale["range"][1]), float(scale["minimum_px"]))


def nice_above(value: float) -> float:
    """Return the least of 1, 2, 4, 5 or 8 times a power of ten that is not below a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((m * power for m in (1.0, 2.0, 4.0, 5.0, 8.0) if m * power >= value * (1 - 1e-9)), 10.0 * power)


def link_status(case: Case, day: str | None) -> NDArray[Any]:
    """Return the state of each link on a day: open, seasonal, planned or suspended (also: closed by its dates)."""
    links, usable = case.links, is_open(case.links, day)
    status = links["status"].fillna("open").to_numpy(dtype=object)
    begins = [isinstance(s, str) and day is not None and first_day(s) > day for s in links["open_from"]]
    shut = np.where(np.asarray(begins, dtype=bool), "planned", "suspended")
    return np.where(usable | np.isin(status, ["planned", "suspended"]), status, shut)


def map_layers(model: Model, flows: Assignment) -> dict[str, Any]:
    """Return styles, legend and GeoJSON layers of the network map: links with flow, nodes, bottlenecks."""
    case, day = model.case, model.day
    links = link_features(case, day, flows.links)
    largest = max((f["properties"]["tonnes"] for f in links), default=0.0)
    scale = flow_scale(largest)
    colours = mode_colours(case)
    return {
        "styles": {"modes": colours, "statuses": STATUSES, "flow": scale, "mark": MARK, "map": MAP, "idle_px": IDLE_PX},
        "legend": legend(case, links, scale),
        "layers": [
            {"id": "links", "title": "Network and flow", "features": links},
            {"id": "nodes", "title": "Ports, borders and places", "features": node_features(case, flows)},
            {"id": "bottlenecks", "title": "Bottlenecks", "features": bottleneck_features(case, day, flows.facilities)},
        ],
    }


def legend(case: Case, links: list[dict[str, Any]], scale: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the legend shows: modes and states that occur, flow widths, the bottleneck mark."""
    colours = mode_colours(case)
    used = {f["properties"]["mode"] for f in links}
    states = {f["properties"]["status"] for f in links}
    return [
        {
            "title": "Mode",
            "entries": [
                {"kind": "line", "label": str(name), "colour": colours[str(m)], "width": 3.0, "dash": []}
                for m, name in case.modes["name"].items()
                if m in used
            ],
        },
        {
            "title": "State",
            "entries": [
                {"kind": "line", "label": s["label"], "colour": INK, "width": 1.6, "dash": s["dash"]}
                for k, s in STATUSES.items()
                if k in states
            ],
        },
        {
            "title": "Flow, both ways together",
            "entries": [
                *({"kind": "width", "label": t, "width": flow_px(scale, t), "colour": GREY} for t in scale["legend"]),
                {"kind": "line", "label": "none of the demand", "colour": GREY, "width": IDLE_PX, "dash": []},
            ],
        },
        {"title": "", "entries": [{"kind": "mark", "label": MARK["label"], "colour": MARK["fill"]}]},
    ]


def link_features(case: Case, day: str | None, flow: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every link as GeoJSON, with its state and its tonnes in each direction."""
    tonnes = flow.pivot_table(index="link", columns="direction", values="tonnes", aggfunc="sum") if len(flow) else flow
    ahead = tonnes["forward"].fillna(0.0).to_dict() if "forward" in tonnes else {}
    back = tonnes["backward"].fillna(0.0).to_dict() if "backward" in tonnes else {}
    status = link_status(case, day)
    names = {str(n): short_name(name) for n, name in case.nodes["name"].items()}
    features = []
    table = case.links
    for link, line, start, end, mode, state in zip(
        table.index, link_lines(case), table["from_node"], table["to_node"], table["mode"], status, strict=True
    ):
        forward, backward = float(ahead.get(link, 0.0)), float(back.get(link, 0.0))
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": line.round(4).tolist()},
                "properties": {
                    "id": str(link),
                    "name": f"{names[start]} \u2013 {names[end]}",
                    "from": str(start),
                    "to": str(end),
                    "mode": str(mode),
                    "status": str(state),
                    "forward": forward,
                    "backward": backward,
                    "tonnes": forward + backward,
                },
            }
        )
    return features


def node_features(case: Case, flows: Assignment) -> list[dict[str, Any]]:
    """Return every node with coordinates as GeoJSON, with the tonnes handled there and how much it wants a label."""
    handled = (
        flows.nodes.groupby("node")[["tonnes_out", "tonnes_in"]].sum().sum(axis=1).to_dict() if len(flows.nodes) else {}
    )
    largest = max(handled.values(), default=0.0) or 1.0
    features = []
    for node, row in case.nodes.dropna(subset=["longitude", "latitude"]).iterrows():
        tonnes = float(handled.get(node, 0.0))
        kind = str(row["kind"])
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [float(row["longitude"]), float(row["latitude"])]},
                "properties": {
                    "id": str(node),
                    "name": str(row["name"]),
                    "label": short_name(row["name"], row["place"]),
                    "kind": kind,
                    "tonnes": tonnes,
                    "weight": LABEL_KINDS.get(kind, 1.0) + 4.0 * math.sqrt(tonnes / largest),
                },
            }
        )
    return features


def bottleneck_features(case: Case, day: str | None, facilities: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the facilities with a shadow price as GeoJSON points, one a facility, best rank first.

    `facilities` is the frame of an assignment.
    """
    binding = facilities[facilities["shadow_price"] > 0].sort_values("rank")
    features, seen = [], set()
    for row in binding.to_dict("records"):
        if row["facility"] in seen:
            continue
        seen.add(row["facility"])
        point = facility_point(case, day, str(row["facility"]), str(row["element"]))
        if point is None:
            continue
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": point},
                "properties": {
                    "facility": str(row["facility"]),
                    "element": str(row["element"]),
                    "direction": str(row["direction"]),
                    "name": str(case.facilities.at[row["facility"], "name"]),
                    "rank": int(row["rank"]),
                    "number": len(seen),
                    "usd_per_tonne": None if is_missing(row["usd_per_tonne"]) else float(row["usd_per_tonne"]),
                    "scarcity": bool(row["scarcity"]),
                    "shadow_price": float(row["shadow_price"]),
                    "unit": str(row["unit"]),
                },
            }
        )
    return features


def facility_point(case: Case, day: str | None, facility: str, element: str = "") -> list[float] | None:
    """Return longitude and latitude where a facility stands: its node, else the middle of what it limits, or None."""
    row = case.facilities.loc[facility]
    table = str(row["element_table"])
    names = [element] if element else as_list(row["elements"])
    if not element and not is_missing(row["node"]):
        return _node_point(case, str(row["node"]))
    if not names:
        return None
    if table == "transfers":
        return _node_point(case, str(case.transfers.at[names[0], "node"]))
    if table == "links":
        return _middle(case, [position(case.links, names[0])])
    if table == "borders":
        border = case.borders.loc[names[0]]
        return _middle(case, _links_between(case, *(str(border[f]) for f in ("from_node", "to_node", "mode"))))
    service = case.services.loc[names[0]]
    stops = [str(service["from_node"]), *as_list(service["via"]), str(service["to_node"])]
    steps = link_chains(case.links, is_open(case.links, day)).shortest(str(service["mode"]), stops)
    return _middle(case, [link for link, _ in steps or []])


def _node_point(case: Case, node: str) -> list[float] | None:
    at = position(case.nodes, node)
    point = [float(case.nodes[c].iloc[at]) for c in ("longitude", "latitude")]
    return None if any(map(is_missing, point)) else point


def _links_between(case: Case, a: str, b: str, mode: str) -> list[int]:
    links = case.links
    mine = links["mode"] == mode
    mine &= ((links["from_node"] == a) & (links["to_node"] == b)) | (
        (links["from_node"] == b) & (links["to_node"] == a)
    )
    return [int(i) for i in np.flatnonzero(mine.to_numpy(dtype=bool))]


def _middle(case: Case, links: list[int]) -> list[float] | None:
    """Return the middle of a chain of links."""
    if not links:
        return None
    link = case.links.iloc[[links[len(links) // 2]]]
    line = lines_of(case.nodes, link)[0]
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))))
    return [float(np.interp(along[-1] / 2, along, line[:, d])) for d in (0, 1)]
