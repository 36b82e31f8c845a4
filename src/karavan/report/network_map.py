"""The network map as inline SVG, drawn from the layers of `report.layers`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from markupsafe import Markup

from karavan.report.geography import Country, Frame, boundary_lines, countries_on, make_frame, path_of
from karavan.report.labels import Wish, along, place, text_width
from karavan.report.layers import INK, MARKS_SHOWN, flow_px
from karavan.report.wording import million, round_amount
from karavan.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from karavan.report.geography import Box

WIDTH = 1180.0
INSET_WIDTH = 330.0
FAR_PLACES = 8
LEGEND_HEIGHT = 118.0
LABELS_SHOWN = 70


@dataclass(slots=True)
class _Drawing:
    """SVG pieces in order of drawing."""

    parts: list[str] = field(default_factory=list)

    def add(self, template: str, *values: object) -> None:
        """Add a piece; the values are escaped."""
        self.parts.append(str(Markup(template).format(*values)))  # noqa: S704 (templates are our own)


def draw_map(
    layers: Mapping[str, Any],
    view: Box,
    *,
    overview: Box | None = None,
    name: str = "Map of the network, its flows and bottlenecks",
    description: str = "",
    width: float = WIDTH,
    legend_height: float = LEGEND_HEIGHT,
    link_href: Callable[[str], str] | None = None,
    mark_href: Callable[[Mapping[str, Any]], str] | None = None,
) -> Markup:
    """Draw the main map of a box of degrees, with an overview in a corner if one is given, and the legend below.

    `link_href` and `mark_href` give the address a link or a mark points to.
    """
    frame = make_frame(view, width=width, max_height=900.0)
    by_id = {layer["id"]: layer["features"] for layer in layers["layers"]}
    styles = layers["styles"]
    lines = _line_pixels(frame, by_id["links"], styles)
    sampled = np.concatenate([along(p) for p, _ in lines.values()] or [np.zeros((0, 2))])
    inset = _inset_corner(frame, sampled, overview)
    svg = _Drawing()
    total = frame.height + legend_height
    svg.add(
        '<svg xmlns="http://www.w3.org/2000/svg" class="map" viewBox="0 0 {} {}" role="img" '
        'aria-labelledby="map-t map-d">'
        '<title id="map-t">{}</title><desc id="map-d">{}</desc>'
        '<defs><clipPath id="map-c"><rect width="{}" height="{}"/></clipPath></defs>',
        f"{width:.0f}",
        f"{total:.0f}",
        name,
        description,
        f"{width:.0f}",
        f"{frame.height:.0f}",
    )
    svg.add('<g clip-path="url(#map-c)">')
    countries = countries_on(frame)
    _draw_base(svg, frame, countries, styles["map"])
    _draw_links(svg, lines, by_id["links"], styles, link_href)
    marks = _mark_spots(frame, by_id["bottlenecks"], inset)
    _draw_nodes_and_labels(svg, frame, by_id["nodes"], marks, sampled, inset, countries, styles)
    _draw_marks(svg, marks, styles["mark"], mark_href)
    if overview is not None and inset is not None:
        _draw_inset(svg, overview, frame, inset, by_id, styles)
    svg.add("</g>")
    svg.add(
        '<rect x="0.5" y="0.5" width="{}" height="{}" fill="none" stroke="#8a949c"/>',
        width - 1,
        f"{frame.height - 1:.1f}",
    )
    _draw_legend(svg, layers["legend"], frame)
    svg.add("</svg>")
    return Markup("".join(svg.parts))  # noqa: S704 (every piece above was escaped)


def _draw_base(svg: _Drawing, frame: Frame, countries: list[Country], colours: Mapping[str, str]) -> None:
    land = shapely.union_all([c.area.buffer(0.05) for c in countries])
    svg.add('<rect width="{}" height="{}" fill="{}"/>', frame.width, f"{frame.height:.1f}", colours["water"])
    svg.add('<path d="{}" fill="{}" stroke="{}" stroke-width="0.8"/>', path_of(land), colours["land"], colours["coast"])
    svg.add(
        '<path d="{}" fill="none" stroke="{}" stroke-width="0.8" stroke-dasharray="5 1.5 1 1.5"/>',
        path_of(boundary_lines(countries), tolerance=0.5),
        colours["border"],
    )


def _line_pixels(
    frame: Frame, features: list[dict[str, Any]], styles: Mapping[str, Any]
) -> dict[int, tuple[NDArray[np.float64], float]]:
    """Return pixels and width of the links that show; links between the same two nodes lie side by side."""
    lanes: dict[tuple[str, str], list[int]] = {}
    for i, f in enumerate(features):
        ends = sorted((f["properties"]["from"], f["properties"]["to"]))
        lanes.setdefault((ends[0], ends[1]), []).append(i)
    out = {}
    for members in lanes.values():
        widths = [_width(features[i], styles) for i in members]
        offset = -(sum(widths) + 1.2 * (len(widths) - 1)) / 2
        for i, width in zip(members, widths, strict=True):
            line = np.asarray(features[i]["geometry"]["coordinates"])
            points = frame.pixels(line[:, 0], line[:, 1])
            if features[i]["properties"]["from"] > features[i]["properties"]["to"]:
                points = points[::-1]
            if len(members) > 1:
                points = _beside(points, offset + width / 2)
            offset += width + 1.2
            low, high = points.min(axis=0), points.max(axis=0)
            if low[0] < frame.width and low[1] < frame.height and high[0] > 0 and high[1] > 0:
                out[i] = (points, width)
    return out


def _width(feature: Mapping[str, Any], styles: Mapping[str, Any]) -> float:
    tonnes = feature["properties"]["tonnes"]
    return flow_px(styles["flow"], tonnes) if tonnes > 0 else float(styles["idle_px"])


def _beside(points: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    way = points[-1] - points[0]
    length = float(np.hypot(*way)) or 1.0
    return points + by * np.array([-way[1], way[0]]) / length


def _draw_links(
    svg: _Drawing,
    lines: Mapping[int, tuple[NDArray[np.float64], float]],
    features: list[dict[str, Any]],
    styles: Mapping[str, Any],
    href: Callable[[str], str] | None,
) -> None:
    idle_first = sorted(
        lines, key=lambda i: (features[i]["properties"]["tonnes"] > 0, -features[i]["properties"]["tonnes"])
    )
    for i in idle_first:
        points, width = lines[i]
        p = features[i]["properties"]
        colour = styles["modes"][p["mode"]]
        dash = " ".join(str(v) for v in styles["statuses"][p["status"]]["dash"])
        moves = p["tonnes"] > 0
        name = f"{p['name']}, {p['mode']}, {p['status']}"
        if moves:
            ways = f"({million(p['forward'])} there, {million(p['backward'])} back)"
            name = p.get("title") or f"{name}: {million(p['tonnes'])} both ways {ways}"
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _simple(points))
        piece = Markup(
            '<path d="{}" fill="none" stroke="{}" stroke-width="{}" stroke-opacity="{}" stroke-linejoin="round" '
            'stroke-linecap="{}"{}><title>{}</title></path>'
        ).format(
            path,
            colour,
            f"{width:.2f}",
            0.85 if moves else 0.55,
            "round" if not dash else "butt",
            Markup(' stroke-dasharray="{}"').format(dash) if dash else "",
            name,
        )
        if moves and href is not None:
            piece = Markup('<a href="#{}">{}</a>').format(href(p["id"]), piece)
        svg.parts.append(str(piece))


def _simple(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(shapely.LineString(points).simplify(0.3).coords)


@dataclass(frozen=True, slots=True)
class _Mark:
    feature: Mapping[str, Any]
    at: tuple[float, float]
    spot: tuple[float, float]

    @property
    def moved(self) -> bool:
        """Whether the mark stands beside its place."""
        return float(np.hypot(self.at[0] - self.spot[0], self.at[1] - self.spot[1])) > 1.0


RADIUS = 9.5


def _mark_spots(
    frame: Frame, features: list[dict[str, Any]], inset: tuple[float, float, float, float] | None
) -> list[_Mark]:
    """Return the marks that show, moved apart where they would lie on one another."""
    placed: list[_Mark] = []
    for feature in features[:MARKS_SHOWN]:
        x, y = frame.pixels(*feature["geometry"]["coordinates"])[0]
        if not (0 < x < frame.width and 0 < y < frame.height) or _within(inset, x, y):
            continue
        tries = [(0.0, 0.0)] + [
            (r * np.cos(t), r * np.sin(t))
            for r in (20.0, 32.0, 46.0)
            for t in np.linspace(-0.4, 2 * np.pi - 0.4, 10)[:-1]
        ]
        for dx, dy in tries:
            spot = (float(np.clip(x + dx, 12, frame.width - 12)), float(np.clip(y + dy, 12, frame.height - 12)))
            if all(np.hypot(spot[0] - m.spot[0], spot[1] - m.spot[1]) > 2 * RADIUS + 1 for m in placed):
                placed.append(_Mark(feature, (float(x), float(y)), spot))
                break
    return placed


def _within(box: tuple[float, float, float, float] | None, x: float, y: float) -> bool:
    return box is not None and box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _draw_marks(
    svg: _Drawing, marks: list[_Mark], style: Mapping[str, str], href: Callable[[Mapping[str, Any]], str] | None
) -> None:
    for mark in marks:
        (ax, ay), (x, y) = mark.at, mark.spot
        if mark.moved:
            svg.add(
                '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="1.2"/>'
                '<circle cx="{}" cy="{}" r="2.4" fill="{}"/>',
                f"{ax:.1f}",
                f"{ay:.1f}",
                f"{x:.1f}",
                f"{y:.1f}",
                style["fill"],
                f"{ax:.1f}",
                f"{ay:.1f}",
                style["fill"],
            )
    for mark in marks:
        x, y = mark.spot
        p = mark.feature["properties"]
        piece = Markup(
            '<circle cx="{0}" cy="{1}" r="{2}" fill="{3}" stroke="#fff" stroke-width="1.4"><title>{4}</title></circle>'
            '<text x="{0}" y="{5}" text-anchor="middle" class="mk">{6}</text>'
        ).format(
            f"{x:.1f}",
            f"{y:.1f}",
            RADIUS,
            style["fill"],
            f"Bottleneck {p['number']}: {p['name']}",
            f"{y + 3.9:.1f}",
            p["number"],
        )
        if href is not None:
            piece = Markup('<a href="#{}">{}</a>').format(href(p), piece)
        svg.parts.append(str(piece))


def _draw_nodes_and_labels(
    svg: _Drawing,
    frame: Frame,
    nodes: list[dict[str, Any]],
    marks: list[_Mark],
    sampled: NDArray[np.float64],
    inset: tuple[float, float, float, float] | None,
    countries: list[Country],
    styles: Mapping[str, Any],
) -> None:
    shown = []
    for f in nodes:
        x, y = frame.pixels(*f["geometry"]["coordinates"])[0]
        if 0 < x < frame.width and 0 < y < frame.height and not _within(inset, x, y):
            shown.append((f["properties"], float(x), float(y)))
    for p, x, y in shown:
        _draw_node(svg, p, x, y)
    best: dict[str, tuple[dict[str, Any], float, float]] = {}
    for p, x, y in sorted(shown, key=lambda n: -n[0]["weight"]):
        best.setdefault(p["label"], (p, x, y))
    wanted = [n for n in best.values() if n[0]["weight"] >= 1.0][:LABELS_SHOWN]
    taken = [(m.spot[0] - RADIUS, m.spot[1] - RADIUS, m.spot[0] + RADIUS, m.spot[1] + RADIUS) for m in marks]
    taken += [(x - 2.5, y - 2.5, x + 2.5, y + 2.5) for _, x, y in shown]
    taken += [inset] if inset is not None else []
    sizes = [12.0 if p["weight"] >= 4.0 else 10.5 for p, _, _ in wanted]
    wishes = [Wish(p["label"], x, y, size, gap=5.0) for (p, x, y), size in zip(wanted, sizes, strict=True)]
    placed = place(wishes, width=frame.width, height=frame.height, taken=taken, lines=sampled, tolerance=14)
    boxes = [(s.x, s.y - s.size, s.x + s.width, s.y + 3) for s in placed if s is not None]
    _draw_country_names(svg, frame, countries, [*taken, *boxes], sampled, shown, styles["map"]["country"])
    for spot, (p, _, _) in zip(placed, wanted, strict=True):
        if spot is not None:
            style = "lp" if p["kind"] in {"port", "rail_ferry"} else "lb" if p["kind"].startswith("border") else "lc"
            svg.add(
                '<text x="{}" y="{}" font-size="{}" class="{}">{}</text>',
                f"{spot.x:.1f}",
                f"{spot.y:.1f}",
                spot.size,
                style,
                spot.text,
            )


def _draw_node(svg: _Drawing, p: Mapping[str, Any], x: float, y: float) -> None:
    title = f"{p['name']}: {million(p['tonnes'])} loaded, transferred and unloaded" if p["tonnes"] > 0 else p["name"]
    if p["kind"] in {"port", "rail_ferry"}:
        svg.add(
            '<rect x="{}" y="{}" width="5" height="5" fill="#fff" stroke="{}" stroke-width="1.2">'
            "<title>{}</title></rect>",
            f"{x - 2.5:.1f}",
            f"{y - 2.5:.1f}",
            INK,
            title,
        )
    elif p["kind"].startswith("border"):
        svg.add(
            '<path d="M{} {}l3 3l-3 3l-3-3z" fill="#fff" stroke="{}" stroke-width="1.1"><title>{}</title></path>',
            f"{x:.1f}",
            f"{y - 3:.1f}",
            INK,
            title,
        )
    else:
        svg.add(
            '<circle cx="{}" cy="{}" r="{}" fill="{}"><title>{}</title></circle>',
            f"{x:.1f}",
            f"{y:.1f}",
            2.0 if p["kind"] != "rail_junction" else 1.4,
            INK,
            title,
        )


def _draw_country_names(
    svg: _Drawing,
    frame: Frame,
    countries: list[Country],
    taken: list[tuple[float, float, float, float]],
    sampled: NDArray[np.float64],
    nodes: list[tuple[dict[str, Any], float, float]],
    colour: str,
) -> None:
    """Write the names of the countries that hold a place of the network, where there is most room."""
    points = shapely.points([(x, y) for _, x, y in nodes])
    for country in sorted(countries, key=lambda c: -c.area.area):
        if country.area.area < 2500 or not shapely.contains(country.area, points).any():
            continue
        name = country.name.upper()
        size = 12.0 if country.area.area > 30000 else 10.0
        w = text_width(name, size) * 1.35
        inside = country.area.intersection(frame.rectangle.buffer(-8))
        x0, y0, x1, y1 = inside.bounds
        xs, ys = np.meshgrid(np.arange(x0 + 6, x1, 14), np.arange(y0 + 6, y1, 11))
        room = shapely.contains(inside, shapely.points(xs.ravel() - w / 2, ys.ravel()))
        room &= shapely.contains(inside, shapely.points(xs.ravel() + w / 2, ys.ravel()))
        best, best_cost = None, 1e9
        full = np.asarray(taken).reshape(-1, 4)
        for x, y in zip(xs.ravel()[room].tolist(), ys.ravel()[room].tolist(), strict=True):
            box = (x - w / 2 - 3, y - size, x + w / 2 + 3, y + 5)
            if ((full[:, 0] < box[2]) & (full[:, 2] > box[0]) & (full[:, 1] < box[3]) & (full[:, 3] > box[1])).any():
                continue
            crossed = np.count_nonzero(
                (sampled[:, 0] > box[0])
                & (sampled[:, 0] < box[2])
                & (sampled[:, 1] > box[1])
                & (sampled[:, 1] < box[3])
            )
            off = np.hypot(x - inside.centroid.x, y - inside.centroid.y)
            if (cost := crossed * 8.0 + 0.1 * off) < best_cost:
                best, best_cost = (x, y, box), cost
        if best is not None:
            taken.append(best[2])
            svg.add(
                '<text x="{}" y="{}" font-size="{}" text-anchor="middle" class="cn" fill="{}">{}</text>',
                f"{best[0]:.1f}",
                f"{best[1]:.1f}",
                size,
                colour,
                name,
            )


def _inset_corner(
    frame: Frame, sampled: NDArray[np.float64], overview: Box | None
) -> tuple[float, float, float, float] | None:
    """Return the corner where an overview covers least of the network."""
    if overview is None:
        return None
    small = make_frame(overview, width=INSET_WIDTH)
    w, h, m = INSET_WIDTH, small.height, 10.0
    corners = [(x, y, x + w, y + h) for x in (m, frame.width - w - m) for y in (m, frame.height - h - m)]

    def covered(box: tuple[float, float, float, float]) -> int:
        x, y = sampled[:, 0], sampled[:, 1]
        return int(np.count_nonzero((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])))

    return min(corners, key=covered)


def _draw_inset(
    svg: _Drawing,
    overview: Box,
    frame: Frame,
    corner: tuple[float, float, float, float],
    features: Mapping[str, list[dict[str, Any]]],
    styles: Mapping[str, Any],
) -> None:
    small, links = make_frame(overview, width=INSET_WIDTH), features["links"]
    svg.add(
        '<defs><clipPath id="inset-c"><rect width="{0}" height="{1}"/></clipPath></defs>'
        '<g transform="translate({2} {3})" clip-path="url(#inset-c)"><title>Overview of the whole network</title>',
        INSET_WIDTH,
        f"{small.height:.1f}",
        f"{corner[0]:.1f}",
        f"{corner[1]:.1f}",
    )
    _draw_base(svg, small, countries_on(small), styles["map"])
    for f in sorted(links, key=lambda f: f["properties"]["tonnes"]):
        line = np.asarray(f["geometry"]["coordinates"])
        points = _simple(small.pixels(line[:, 0], line[:, 1]))
        tonnes = f["properties"]["tonnes"]
        if float(np.hypot(*np.ptp(points, axis=0))) < 1.5:
            continue
        svg.add(
            '<path d="{}" fill="none" stroke="{}" stroke-width="{}" stroke-opacity="{}"/>',
            "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points),
            styles["modes"][f["properties"]["mode"]],
            f"{max(flow_px(styles['flow'], tonnes) * 0.4, 0.9) if tonnes > 0 else 0.5:.2f}",
            0.9 if tonnes > 0 else 0.5,
        )
    west, south, east, north = frame.view
    edge = np.concatenate(
        [
            small.pixels(np.linspace(west, east, 20), np.full(20, north)),
            small.pixels(np.full(20, east), np.linspace(north, south, 20)),
            small.pixels(np.linspace(east, west, 20), np.full(20, south)),
            small.pixels(np.full(20, west), np.linspace(south, north, 20)),
        ]
    )
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in edge) + "Z"
    svg.add('<path d="{}" fill="none" stroke="{}" stroke-width="1.1"/>', path, INK)
    _name_far_places(svg, small, frame, features["nodes"])
    svg.add(
        '<rect x="0.5" y="0.5" width="{}" height="{}" fill="none" stroke="#59636b"/></g>',
        INSET_WIDTH - 1,
        f"{small.height - 1:.1f}",
    )


def _name_far_places(svg: _Drawing, small: Frame, frame: Frame, nodes: list[dict[str, Any]]) -> None:
    """Name on the overview the foremost places that the main map leaves out."""
    far = []
    for f in sorted(nodes, key=lambda n: -n["properties"]["weight"]):
        x, y = frame.pixels(*f["geometry"]["coordinates"])[0]
        if f["properties"]["weight"] >= 1.0 and not (0 < x < frame.width and 0 < y < frame.height):
            far.append((f["properties"], *small.pixels(*f["geometry"]["coordinates"])[0].tolist()))
    far = far[:FAR_PLACES]
    wishes = [Wish(p["label"], x, y, 9.0, gap=3.5) for p, x, y in far]
    for _, x, y in far:
        svg.add('<circle cx="{}" cy="{}" r="1.5" fill="{}"/>', f"{x:.1f}", f"{y:.1f}", INK)
    for spot in place(wishes, width=small.width, height=small.height):
        if spot is not None:
            svg.add(
                '<text x="{}" y="{}" font-size="9" class="lc">{}</text>', f"{spot.x:.1f}", f"{spot.y:.1f}", spot.text
            )


def _draw_legend(svg: _Drawing, legend: list[dict[str, Any]], frame: Frame) -> None:
    top = frame.height + 18
    x = 8.0
    for group in legend:
        if group["title"]:
            svg.add('<text x="{}" y="{}" class="lt">{}</text>', f"{x:.0f}", f"{top:.0f}", group["title"])
        widest, rows = 0.0, 5
        for i, entry in enumerate(group["entries"]):
            column, row = divmod(i, rows)
            ex = x + column * (widest + 58)
            y = top + 18 + row * 17
            label = round_amount(entry["label"]) if entry["kind"] == "width" else entry["label"]
            _draw_legend_entry(svg, entry, label, ex, y)
            widest = max(widest, text_width(label, 11.5))
        columns = 1 + max(len(group["entries"]) - 1, 0) // rows
        x += columns * (widest + 58) + 14
    _draw_symbols(svg, x, top)
    _draw_scale_bar(svg, frame)


def _draw_legend_entry(svg: _Drawing, entry: Mapping[str, Any], label: str, x: float, y: float) -> None:
    if entry["kind"] == "mark":
        svg.add(
            '<circle cx="{0}" cy="{1}" r="8.5" fill="{2}"/>'
            '<text x="{0}" y="{3}" text-anchor="middle" class="mk">1</text>',
            f"{x + 10:.0f}",
            f"{y - 4:.0f}",
            entry["colour"],
            f"{y:.0f}",
        )
    else:
        dash = " ".join(str(v) for v in entry.get("dash", []))
        svg.add(
            '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="{}" stroke-width="{}" stroke-dasharray="{}"/>',
            f"{x:.0f}",
            f"{x + 30:.0f}",
            f"{y - 4:.0f}",
            f"{y - 4:.0f}",
            entry["colour"],
            f"{entry['width']:.1f}",
            dash or "none",
        )
    svg.add('<text x="{}" y="{}" class="ll">{}</text>', f"{x + 38:.0f}", f"{y:.0f}", label)


def _draw_symbols(svg: _Drawing, x: float, top: float) -> None:
    """Explain the signs of places, below the bottleneck mark's column."""
    for i, (kind, label) in enumerate((("port", "port"), ("border", "border crossing"), ("city", "station, city"))):
        y = top + 18 + i * 17
        _draw_node(svg, {"kind": kind, "name": label, "tonnes": 0.0}, x + 10, y - 4)
        svg.add('<text x="{}" y="{}" class="ll">{}</text>', f"{x + 24:.0f}", f"{y:.0f}", label)


def _draw_scale_bar(svg: _Drawing, frame: Frame) -> None:
    """Draw a bar of a round number of kilometres, true at the middle of the map."""
    west, south, east, north = frame.view
    mid_lon, mid_lat = (west + east) / 2, (south + north) / 2
    ends = frame.pixels([mid_lon, mid_lon], [mid_lat - 0.5, mid_lat + 0.5])
    per_km = abs(float(ends[0, 1] - ends[1, 1])) / (np.radians(1.0) * EARTH_RADIUS_KM)
    km = next((k for k in (2000, 1000, 500, 200, 100, 50, 20, 10) if k * per_km < 160), 5)
    x, y, width = frame.width - km * per_km - 14, frame.height + 36, km * per_km
    svg.add(
        '<path d="M{0} {1}v5h{2}v-5" fill="none" stroke="{3}" stroke-width="1.2"/>'
        '<text x="{4}" y="{5}" text-anchor="end" class="ll">{6} km</text>',
        f"{x:.1f}",
        f"{y:.1f}",
        f"{width:.1f}",
        INK,
        f"{x + width:.1f}",
        f"{y - 5:.1f}",
        km,
    )
