"""Charts as Vega-Lite specifications, and their rendering to SVG without a browser or network.

The specifications hold their data and their labels, so that the brief (as SVG) and a web page (live) draw the same
chart.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from karavan.report.labels import BOLD, Wish, along, place, text_width
from karavan.report.layers import INK, MARK
from karavan.report.wording import days, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"
STOP = "border, port or terminal"
SAME, OTHER = "same year and period", "another or part year"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
VERSION = "5.20"
CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleColor": INK,
        "labelColor": "#47525c",
        "gridColor": "#e6e8ea",
        "domainColor": "#8a949c",
        "tickColor": "#8a949c",
    },
    "legend": {
        "labelFontSize": 11,
        "orient": "top",
        "title": None,
        "symbolStrokeWidth": 3,
        "columnPadding": 26,
        "labelLimit": 0,
    },
    "title": {"fontSize": 13, "fontWeight": 600, "anchor": "start", "color": INK},
}


@dataclass(frozen=True, slots=True, eq=False)
class Journey:
    """One route on a time- or cost-distance chart: its name and its profile (`corridors.profile`).

    `band`, where there is one: km, and hours_low, hours_high, usd_low, usd_high by then, in order of travel.
    """

    name: str
    profile: pd.DataFrame
    band: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """What goes up on the chart: `field` of the profile, times `factor`, called `title`."""

    field: str
    factor: float
    title: str
    name: str

    def height(self, value: float) -> str:
        """Write the height of a step."""
        return days(value / self.factor) if self.field == "hours" else f"{number(value, 0 if value >= 10 else 1)} USD"


TIME = Measure("hours", 1.0 / 24.0, "days from the start", "time")


def cost_measure(tonnes_per_teu: float | None) -> Measure:
    """Return the measure of money paid: USD per TEU where a tonnage of a loaded TEU is given, else USD per tonne."""
    if tonnes_per_teu is None:
        return Measure("usd", 1.0, "USD per tonne, money paid", "cost")
    return Measure("usd", tonnes_per_teu, "USD per TEU, money paid", "cost")


def distance_chart(
    journeys: Sequence[Journey],
    measure: Measure,
    colours: Mapping[str, str],
    mode_names: Mapping[str, str],
    *,
    width: int = 1000,
    height: int = 430,
    title: str = "",
    label_share: float = 0.015,
) -> dict[str, Any]:
    """Return a time- or cost-distance chart (UNESCAP): movement slopes by mode, stops are vertical and labelled.

    Steps higher than `label_share` of the chart get a label where there is room.
    """
    moves, stops, ends = [], [], []
    short = short_names([j.name for j in journeys])
    for journey in journeys:
        rows = journey.profile.to_dict("records")
        for row in rows:
            y0, y1 = (float(row[f"{measure.field}{i}"]) * measure.factor for i in (0, 1))
            point = {"route": journey.name, "x": row["km0"], "x2": row["km1"], "y": y0, "y2": y1}
            if row["what"] == "move":
                moves.append(point | {"mode": mode_names.get(row["mode"], row["mode"])})
            else:
                stops.append(
                    point | {"mode": STOP, "label": f"{row['label']} {measure.height(y1 - y0)}", "kind": row["kind"]}
                )
        if rows:
            ends.append((short[journey.name], rows[-1]["km1"], float(rows[-1][f"{measure.field}1"]) * measure.factor))
    room = [1.0 - (text_width(name, 12.0, BOLD) + 12.0) / width if len(journeys) > 1 else 1.0 for name, *_ in ends]
    top_x = _axis_top(max((e[1] / max(r, 0.5) for e, r in zip(ends, room, strict=True)), default=1.0))
    bands = _bands(journeys, measure)
    top_y = _axis_top(max([e[2] for e in ends] + [b["y2"] for b in bands], default=1.0))
    labels = _labels(moves, stops, ends, (top_x, top_y), (width, height), label_share, several=len(journeys) > 1)
    used = list(dict.fromkeys(m["mode"] for m in moves))
    by_name = {mode_names.get(m, m): c for m, c in colours.items()}
    colour = {
        "field": "mode",
        "type": "nominal",
        "scale": {"domain": [*used, STOP], "range": [*(by_name.get(m, "#7f7f7f") for m in used), INK]},
    }
    x = {
        "field": "x",
        "type": "quantitative",
        "title": "km from the start",
        "scale": {"domain": [0, top_x], "nice": False},
        "axis": {"tickCount": width // 100},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "title": measure.title,
        "scale": {"domain": [0, top_y], "nice": False},
        "axis": {"tickCount": height // 50},
    }
    tips = [{"field": "route"}, {"field": "mode"}, {"field": "y2", "format": ".1f", "title": measure.title}]
    return {
        "$schema": SCHEMA,
        "title": title,
        "width": width,
        "height": height,
        "config": CONFIG,
        "layer": [
            *_band_layers(bands, x, y),
            {
                "data": {"values": moves},
                "mark": {"type": "rule", "strokeWidth": 2.6, "strokeCap": "round"},
                "encoding": {
                    "x": x,
                    "x2": {"field": "x2"},
                    "y": y,
                    "y2": {"field": "y2"},
                    "color": colour,
                    "tooltip": tips,
                },
            },
            {
                "data": {"values": stops},
                "mark": {"type": "rule", "strokeWidth": 4.2},
                "encoding": {
                    "x": x,
                    "x2": {"field": "x2"},
                    "y": y,
                    "y2": {"field": "y2"},
                    "color": colour,
                    "tooltip": [*tips, {"field": "label"}, {"field": "kind"}],
                },
            },
            *_label_layers(labels, x, y),
        ],
    }


def _bands(journeys: Sequence[Journey], measure: Measure) -> list[dict[str, Any]]:
    """Return the bands of the journeys in data units, one row a point."""
    out = []
    for journey in journeys:
        if journey.band is None:
            continue
        low, high = (journey.band[f"{measure.field}_{end}"] * measure.factor for end in ("low", "high"))
        if not np.isfinite(high).all() or not (high > low + 1e-9).any():
            continue
        rows = zip(journey.band["km"].tolist(), low.tolist(), high.tolist(), strict=True)
        out += [{"route": journey.name, "x": x, "y": y, "y2": y2} for x, y, y2 in rows]
    return out


def _band_layers(bands: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any]) -> list[dict[str, Any]]:
    if not bands:
        return []
    encoding = {"x": x, "y": y, "y2": {"field": "y2"}, "detail": {"field": "route", "type": "nominal"}}
    mark = {"type": "area", "color": "#7b8fa3", "opacity": 0.2, "line": False}
    return [{"data": {"values": bands}, "mark": mark, "encoding": encoding}]


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Return each name up to its first comma, or whole where others share that part.

    Examples
    --------
    >>> short_names(["INSTC west, Moscow to Mumbai", "INSTC east, Moscow to Mumbai"])["INSTC west, Moscow to Mumbai"]
    'INSTC west'
    """
    heads = [n.split(",", maxsplit=1)[0] for n in names]
    return {n: head if heads.count(head) == 1 else n for n, head in zip(names, heads, strict=True)}


def _axis_top(value: float) -> float:
    """Return a round number a little above a value."""
    value = max(value, 1e-6) * 1.04
    step = 10.0 ** math.floor(math.log10(value)) / 5
    return math.ceil(value / step) * step


def _label_layers(labels: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any]) -> list[dict[str, Any]]:
    """Return layers of text at given places: steps in ink, names of routes bold, leader lines where text is far off."""
    bare = {"type": "quantitative", "scale": x["scale"]}, {"type": "quantitative", "scale": y["scale"]}
    layers = []
    leaders = [label for label in labels if label["moved"]]
    if leaders:
        layers.append(
            {
                "data": {"values": leaders},
                "mark": {"type": "rule", "stroke": "#7b858d", "strokeWidth": 0.7},
                "encoding": {
                    "x": bare[0] | {"field": "px"},
                    "x2": {"field": "cx"},
                    "y": bare[1] | {"field": "py"},
                    "y2": {"field": "cy"},
                },
            }
        )
    for bold in (False, True):
        mine = [label for label in labels if label["bold"] is bold]
        if not mine:
            continue
        text = {"text": {"field": "text", "type": "nominal"}}
        at = {"x": bare[0] | {"field": "tx"}, "y": bare[1] | {"field": "ty"}}
        style = {"type": "text", "align": "left", "baseline": "alphabetic", "fontSize": 12 if bold else 11}
        halo = style | {"stroke": "#ffffff", "strokeWidth": 3, "strokeJoin": "round", "opacity": 0.85}
        plain = style | {"color": INK, "fontWeight": 600 if bold else "normal"}
        layers += [{"data": {"values": mine}, "mark": mark, "encoding": at | text} for mark in (halo, plain)]
    return layers


def _labels(
    moves: list[dict[str, Any]],
    stops: list[dict[str, Any]],
    ends: list[tuple[str, float, float]],
    domain: tuple[float, float],
    size: tuple[int, int],
    label_share: float,
    *,
    several: bool,
) -> list[dict[str, Any]]:
    """Place the names of routes at their ends and the labels of steps beside them; places are in data units."""
    (top_x, top_y), (width, height) = domain, size

    def to_px(x: float, y: float) -> tuple[float, float]:
        return x / top_x * width, height - y / top_y * height

    segments = [np.array([to_px(s["x"], s["y"]), to_px(s["x2"], s["y2"])]) for s in (*moves, *stops)]
    covered = np.concatenate([along(s, step=4.0) for s in segments] or [np.zeros((0, 2))])
    room = {"width": float(width), "height": float(height), "lines": covered}
    named = [(_name(name, to_px(x, y)), True, x, y) for name, x, y in ends if several]
    apart = [np.array([[w.x, w.y] for w, *_ in named if w is not mine]).reshape(-1, 2) for mine, *_ in named]
    titles = place([w for w, *_ in named], others=apart, **room)  # type: ignore[arg-type]
    taken = [(t.x, t.y - t.size, t.x + t.width, t.y + 3) for t in titles if t is not None]
    steps: dict[tuple[str, int, int], tuple[Wish, bool, float, float]] = {}
    reach = (1.0, 2.2, 4.0) if several else (1.0, 2.2, 3.6, 6.0)
    lowest = height - 9.0  # a step at the foot of the chart has its label beside it, not under the axis
    for s in sorted(stops, key=lambda s: s["y"] - s["y2"]):
        if s["y2"] - s["y"] >= label_share * top_y:
            middle = (s["y"] + s["y2"]) / 2
            at = to_px(s["x"], middle)
            at = (at[0], min(at[1], lowest))
            key = (s["label"], round(at[0] / 20), round(at[1] / 20))  # routes that share a stop share its label
            steps.setdefault(key, (Wish(s["label"], *at, 11.0, 6.0, reach), False, s["x"], middle))
    tolerance = 10.0 if several else 6.0
    near = [_other_steps(stops, w.text, to_px) for w, *_ in steps.values()]
    labelled = place([w for w, *_ in steps.values()], taken=taken, tolerance=tolerance, others=near, **room)  # type: ignore[arg-type]
    placed, wishes = [*titles, *labelled], [*named, *steps.values()]
    out = []
    for spot, (wish, bold, px, py) in zip(placed, wishes, strict=True):
        if spot is None:
            continue
        edge = min(max(wish.x, spot.x), spot.x + text_width(spot.text, spot.size))
        out.append(
            {
                "text": spot.text,
                "bold": bold,
                "moved": spot.moved,
                "px": px,
                "py": py,
                "tx": spot.x / width * top_x,
                "ty": (height - spot.y) / height * top_y,
                "cx": edge / width * top_x,
                "cy": (height - spot.centre[1]) / height * top_y,
            }
        )
    return out


def _name(text: str, at: tuple[float, float]) -> Wish:
    return Wish(text, *at, 12.0, 6.0, (1.0, 1.8, 3.0, 4.5, 6.5), BOLD)


def _other_steps(
    stops: list[dict[str, Any]], label: str, to_px: Callable[[float, float], tuple[float, float]]
) -> NDArray[np.float64]:
    """Return points along the steps whose label is another, in pixels, shape (n, 2)."""
    lines = [np.array([to_px(s["x"], s["y"]), to_px(s["x2"], s["y2"])]) for s in stops if s["label"] != label]
    return np.concatenate([along(line, step=4.0) for line in lines] or [np.zeros((0, 2))])


def counts_chart(counts: pd.DataFrame, *, width: int = 620, height: int = 500, named: int = 9) -> dict[str, Any]:
    """Return observed against modelled on logarithmic axes with the band of a factor of two; the worst are named.

    `counts` has name, unit, observed, modelled, comparable; a modelled nought stands at the foot of the
    chart. Named are those of the case's year that are off by more than a factor of two, the farthest first.
    """
    rows = counts[(counts["observed"] > 0) & counts["modelled"].notna()]
    positive = np.concatenate([rows["observed"], rows.loc[rows["modelled"] > 0, "modelled"]])
    low = 10.0 ** math.floor(math.log10(positive.min())) if len(positive) else 1.0
    high = 10.0 ** math.ceil(math.log10(positive.max())) if len(positive) else 10.0
    if (rows["modelled"] <= 0).any():
        low /= 10.0  # noughts stand below everything else
    high = max(high, low * 10.0)
    low = max(low, high / 1e8)
    points: list[dict[str, Any]] = []
    for r in rows.to_dict("records"):
        modelled = max(float(r["modelled"]), low)
        points.append(
            {
                "name": str(r["name"]),
                "unit": str(r["unit"]),
                "x": max(float(r["observed"]), low),
                "y": modelled,
                "modelled": float(r["modelled"]),
                "off": abs(math.log(modelled / max(float(r["observed"]), low))),
                "kind": SAME if r["comparable"] else OTHER,
            }
        )
    mine = sorted((p for p in points if p["kind"] == SAME and p["off"] > math.log(2.0)), key=lambda p: -p["off"])
    labels = _point_labels(mine[:named], points, (low, high), (width, height))
    scale = {"type": "log", "domain": [low, high], "nice": False}
    decades = [10.0**k for k in range(round(math.log10(low)), round(math.log10(high)) + 1)]
    axis = {"format": "~s", "values": decades}
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": scale,
        "axis": axis,
        "title": "observed (own unit: tonnes, TEU, wagons, trucks)",
    }
    y = {"field": "y", "type": "quantitative", "scale": scale, "axis": axis, "title": "modelled (same unit)"}
    band = [{"x": v, "y": max(v / 2, low), "y2": min(v * 2, high)} for v in np.geomspace(low, high, 60).tolist()]
    text = {"text": {"field": "text", "type": "nominal"}}
    at = {"x": x | {"field": "tx"}, "y": y | {"field": "ty"}}
    style = {"type": "text", "align": "left", "baseline": "alphabetic", "fontSize": 10}
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": height,
        "config": CONFIG,
        "layer": [
            {
                "data": {"values": band},
                "mark": {"type": "area", "color": "#cfe3f1", "opacity": 0.6},
                "encoding": {"x": x, "y": y, "y2": {"field": "y2"}},
            },
            {
                "data": {"values": [{"x": low, "y": low}, {"x": high, "y": high}]},
                "mark": {"type": "line", "color": "#5b6770", "strokeWidth": 1},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": points},
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 64,
                    "opacity": 0.9,
                    "stroke": "#fff",
                    "strokeWidth": 0.8,
                },
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": [SAME, OTHER], "range": [MARK["fill"], "#7b858d"]},
                    },
                    "shape": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": [SAME, OTHER], "range": ["circle", "diamond"]},
                    },
                    "tooltip": [
                        {"field": "name"},
                        {"field": "x", "title": "observed"},
                        {"field": "modelled"},
                        {"field": "unit"},
                    ],
                },
            },
            {
                "data": {"values": labels},
                "mark": style | {"stroke": "#fff", "strokeWidth": 3, "opacity": 0.85},
                "encoding": at | text,
            },
            {"data": {"values": labels}, "mark": style | {"color": INK}, "encoding": at | text},
        ],
    }


def _point_labels(
    wanted: list[dict[str, Any]], points: list[dict[str, Any]], domain: tuple[float, float], size: tuple[int, int]
) -> list[dict[str, Any]]:
    (low, high), (width, height) = domain, size
    span = math.log(high / low)

    def to_px(p: dict[str, Any]) -> tuple[float, float]:
        return math.log(p["x"] / low) / span * width, height - math.log(p["y"] / low) / span * height

    dots = [(x - 4, y - 4, x + 4, y + 4) for x, y in map(to_px, points)]
    wishes = [Wish(_shortened(p["name"]), *to_px(p), 10.0, 6.0, (1.0, 2.0, 3.5)) for p in wanted]
    placed = place(wishes, width=width, height=height, taken=dots)
    return [
        {
            "text": s.text,
            "tx": low * math.exp(s.x / width * span),
            "ty": low * math.exp((height - s.y) / height * span),
        }
        for s in placed
        if s is not None
    ]


def _shortened(text: str, letters: int = 44) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}\u2026"


def render(spec: Mapping[str, Any], *, name: str, description: str) -> Markup:
    """Render a specification to inline SVG with a title and a description for those who cannot see it."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version=VERSION, allowed_base_urls=[])
    body = svg[svg.index(">") + 1 :]
    head = svg[: svg.index(">")]
    view = head.split('viewBox="', maxsplit=1)[1].split('"', maxsplit=1)[0]
    opening = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="{0}" style="max-width:{1}px" role="img" '
        'aria-label="{2}"><title>{2}</title><desc>{3}</desc>'
    ).format(view, view.split()[2], name, description)
    return opening + Markup(body)  # noqa: S704 (made by the renderer, which escapes texts)
