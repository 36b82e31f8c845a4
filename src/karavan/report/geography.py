"""Where things stand on a drawn map: projection, coasts and borders, lines of links."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely import wkt
from shapely.geometry import LineString, MultiPolygon, Polygon, box

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from karavan.schema.case import Case

SPREAD = 1.7
Box = tuple[float, float, float, float]  # west, south, east, north in degrees, or left, top, right, bottom in pixels
Line = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Conic:
    """Lambert conformal conic projection of the sphere with two standard parallels (Snyder 1987, p. 104-107).

    `project` gives map units of one earth radius, x to the east and y to the north of the centre.
    """

    longitude: float
    n: float
    f: float
    rho: float

    def project(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return x and y, shape (points, 2)."""
        phi = np.radians(np.clip(latitude, -80.0, 88.0))
        radius = self.f / np.tan(np.pi / 4 + phi / 2) ** self.n
        theta = self.n * np.radians(np.asarray(longitude) - self.longitude)
        return np.column_stack([radius * np.sin(theta), self.rho - radius * np.cos(theta)])


def conic_of(view: Box) -> Conic:
    """Return the projection that suits a box of degrees: standard parallels at a sixth from its edges."""
    west, south, east, north = view
    low, high = (np.radians(south + (north - south) * part) for part in (1 / 6, 5 / 6))

    def half(phi: float) -> float:
        return float(np.tan(np.pi / 4 + phi / 2))

    n = np.log(np.cos(low) / np.cos(high)) / np.log(half(high) / half(low)) if high - low > 1e-6 else np.sin(low)
    n = float(n) if abs(n) > 1e-6 else 1e-6
    f = float(np.cos(low)) * half(low) ** n / n
    return Conic((west + east) / 2, n, f, f / half(float(np.radians((south + north) / 2))) ** n)


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of pixels over a projected box of degrees."""

    view: Box
    width: float
    height: float
    conic: Conic
    scale: float
    left: float
    top: float

    def pixels(self, longitude: Any, latitude: Any) -> NDArray[np.float64]:
        """Return pixels from the top left, shape (points, 2), of degrees of any sequence type."""
        at = self.conic.project(np.atleast_1d(np.asarray(longitude, float)), np.atleast_1d(np.asarray(latitude, float)))
        return np.column_stack([(at[:, 0] - self.left) * self.scale, (self.top - at[:, 1]) * self.scale])

    @property
    def rectangle(self) -> Polygon:
        """The drawn rectangle in pixels."""
        return box(0.0, 0.0, self.width, self.height)


def make_frame(view: Box, *, width: float, max_height: float = np.inf) -> Frame:
    """Fit a box of degrees into a rectangle of a given width; the height follows."""
    conic = conic_of(view)
    west, south, east, north = view
    lon, lat = np.linspace(west, east, 40), np.linspace(south, north, 40)
    edge = np.concatenate(
        [conic.project(lon, np.full(40, v)) for v in (south, north)]
        + [conic.project(np.full(40, v), lat) for v in (west, east)]
    )
    low, high = edge.min(axis=0), edge.max(axis=0)
    scale = width / (high[0] - low[0])
    height = (high[1] - low[1]) * scale
    if height > max_height:
        middle = (high[1] + low[1]) / 2
        height = max_height
        high[1] = middle + height / scale / 2
    return Frame(view, width, float(height), conic, float(scale), float(low[0]), float(high[1]))


@cache
def basemap() -> dict[str, Any]:
    """Return the shipped TopoJSON: Natural Earth, public domain; objects `countries` (near) and `world` (far)."""
    topology: dict[str, Any] = json.loads(
        (resources.files("karavan.report") / "data" / "basemap.json").read_text(encoding="utf-8")
    )
    return topology


@cache
def _arcs() -> list[NDArray[np.float64]]:
    topology = basemap()
    scale = np.asarray(topology["transform"]["scale"])
    return [np.cumsum(arc, axis=0) * scale for arc in topology["arcs"]]


@dataclass(frozen=True, slots=True)
class Country:
    """A country on a frame: its name on the base map and its area in pixels."""

    name: str
    area: Polygon | MultiPolygon


def countries_on(frame: Frame) -> list[Country]:
    """Return the countries that show on a frame, cut at its edge."""
    west, south, east, north = frame.view
    bounds = basemap()["bbox"]
    inside = bounds[0] <= west and bounds[1] <= south and bounds[2] >= east and bounds[3] >= north
    margin = 25.0
    near = box(
        max(west - margin, -179.0), max(south - margin, -60.0), min(east + margin, 179.0), min(north + margin, 85.0)
    )
    found = []
    for country in basemap()["objects"]["countries" if inside else "world"]["geometries"]:
        shapes = [_polygon(frame, rings, near) for rings in country["arcs"]]
        area = shapely.union_all([s for s in shapes if s is not None])
        area = area.intersection(frame.rectangle.buffer(4))
        if area.area > 0:
            found.append(Country(country["properties"]["name"], area))
    return found


def _polygon(frame: Frame, rings: list[list[int]], near: Polygon) -> Polygon | None:
    arcs = _arcs()
    points = [np.concatenate([arcs[r] if r >= 0 else arcs[~r][::-1] for r in ring]) for ring in rings]
    if np.ptp(points[0][:, 0]) > 350.0:  # over the date line: go on to the east
        points = [np.column_stack([np.where(p[:, 0] < 0, p[:, 0] + 360.0, p[:, 0]), p[:, 1]]) for p in points]
    outer = points[0]
    if len(outer) < 4 or not box(*outer.min(axis=0), *outer.max(axis=0)).intersects(near):
        return None
    degrees = shapely.make_valid(Polygon(outer, [p for p in points[1:] if len(p) > 3])).intersection(near)
    pixels = shapely.transform(degrees, lambda xy: frame.pixels(xy[:, 0], xy[:, 1]))
    return shapely.make_valid(pixels) if not pixels.is_empty else None


def boundary_lines(countries: list[Country]) -> Any:
    """Return the lines that two countries share, in pixels."""
    tree = shapely.STRtree([c.area for c in countries])
    pairs = [(i, j) for i in range(len(countries)) for j in tree.query(countries[i].area).tolist() if i < j]
    return shapely.union_all([countries[i].area.intersection(countries[j].area) for i, j in pairs])


def path_of(shape: Any, *, tolerance: float = 0.3) -> str:
    """Write a shape in pixels as the `d` of an SVG path, one decimal."""
    shape = shape.simplify(tolerance)
    out = []
    for part in getattr(shape, "geoms", [shape]):
        if part.geom_type == "Polygon":
            out += [_points(ring.coords, close=True) for ring in (part.exterior, *part.interiors)]
        elif part.geom_type in {"LineString", "LinearRing"}:
            out.append(_points(part.coords, close=False))
        elif part.geom_type.startswith(("Multi", "Geometry")):
            out.append(path_of(part, tolerance=0.0))
    return "".join(out)


def _points(coordinates: Any, *, close: bool) -> str:
    text = "L".join(f"{x:.1f} {y:.1f}" for x, y, *_ in coordinates)
    return f"M{text}{'Z' if close else ''}"


def link_lines(case: Case) -> list[NDArray[np.float64]]:
    """Return the line of every link in degrees, each of shape (points, 2): its geometry, else from end to end.

    Long straight lines are bent along the great circle.
    """
    return lines_of(case.nodes, case.links)


def lines_of(nodes: pd.DataFrame, links: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Return the lines of some links, as `link_lines` does."""
    lon, lat = nodes["longitude"], nodes["latitude"]
    lines = []
    for start, end, geometry in zip(links["from_node"], links["to_node"], links["geometry"], strict=True):
        line = None
        if isinstance(geometry, str):
            shape = wkt.loads(geometry)
            line = np.asarray(shape.coords)[:, :2] if isinstance(shape, LineString) and len(shape.coords) > 1 else None
        if line is None:
            line = great_circle((lon[start], lat[start]), (lon[end], lat[end]))
        lines.append(line)
    return lines


def great_circle(start: tuple[float, float], end: tuple[float, float], *, step: float = 2.0) -> NDArray[np.float64]:
    """Return points along the great circle between two places in degrees, at most `step` degrees apart."""
    a, b = (np.array([np.cos(p[1]) * np.cos(p[0]), np.cos(p[1]) * np.sin(p[0]), np.sin(p[1])])
            for p in (np.radians(start), np.radians(end)))  # fmt: skip
    angle = float(np.arccos(np.clip(a @ b, -1.0, 1.0)))
    if not np.isfinite(angle) or angle < np.radians(step) or angle > np.pi - 1e-3:
        return np.array([start, end], dtype=np.float64)
    t = np.linspace(0.0, 1.0, int(np.ceil(angle / np.radians(step))) + 1)[:, None]
    xyz = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    longitude, latitude = np.arctan2(xyz[:, 1], xyz[:, 0]), np.arcsin(np.clip(xyz[:, 2], -1.0, 1.0))
    return np.column_stack([np.degrees(longitude), np.degrees(latitude)])


def main_view(case: Case) -> tuple[Box, bool]:
    """Return the box of degrees of the main map, and whether an overview is needed for what lies outside.

    Places far from the others (from the middle by more than `SPREAD` times the spread of the middle half) are left to
    the overview.
    """
    nodes = case.nodes.dropna(subset=["longitude", "latitude"])
    if not len(nodes):
        return (-10.0, 0.0, 130.0, 65.0), False
    sides = []
    for column in ("longitude", "latitude"):
        values = nodes[column].to_numpy()
        low, mid, high = np.quantile(values, [0.25, 0.5, 0.75])
        spread = max(high - low, 2.0)
        core = values[np.abs(values - mid) <= SPREAD * spread]
        sides.append((core.min(), core.max()))
    (west, east), (south, north) = sides
    margin = 0.04 * max(east - west, north - south)
    view = (west - margin, max(south - margin, -75.0), east + margin, min(north + margin, 82.0))
    lon, lat = nodes["longitude"], nodes["latitude"]
    outside = (lon < view[0]) | (lon > view[2]) | (lat < view[1]) | (lat > view[3])
    return view, bool(outside.any())


def full_view(case: Case) -> Box:
    """Return the box of degrees that holds every place and link."""
    points = np.concatenate([case.nodes[["longitude", "latitude"]].dropna().to_numpy(), *link_lines(case)])
    west, south = (float(v) for v in np.nanmin(points, axis=0) - 5.0)
    east, north = (float(v) for v in np.nanmax(points, axis=0) + 5.0)
    return west, max(south, -60.0), east, min(north, 80.0)
