"""Make `data/basemap.json`: coasts and borders cut from Natural Earth, for maps that need no network.

Run by hand when the cut should change: `python -m karavan.report.make_basemap FOLDER`, where FOLDER is the unpacked
npm package `world-atlas` 2.0.2. Natural Earth is in the public domain. The output is TopoJSON, so that the web page
can read it too: object `countries` at 1:50 million inside `REGION`, object `world` at 1:110 million.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import LineString, Polygon, box

if TYPE_CHECKING:
    from numpy.typing import NDArray

REGION = (-12.0, 2.0, 128.0, 66.0)  # west, south, east, north
SCALE = 0.01  # degrees in one step of the output
TOLERANCE = {"countries-50m.json": 0.015, "countries-110m.json": 0.05}
SMALLEST = {"countries-50m.json": 0.01, "countries-110m.json": 0.3}  # square degrees; smaller islands are left out

Arc = list[list[int]]


def read_arcs(topology: dict[str, Any]) -> list[NDArray[np.float64]]:
    """Return the arcs in degrees, each of shape (points, 2)."""
    scale, translate = (np.asarray(topology["transform"][k]) for k in ("scale", "translate"))
    return [np.cumsum(arc, axis=0) * scale + translate for arc in topology["arcs"]]


def ring_of(arcs: list[NDArray[np.float64]], refs: list[int]) -> NDArray[np.float64]:
    """Join arcs to a ring; a negative reference is the arc backwards."""
    return np.concatenate([arcs[r] if r >= 0 else arcs[~r][::-1] for r in refs])


def cut(folder: Path, file: str, region: tuple[float, float, float, float] | None) -> tuple[list[Any], list[Arc]]:
    """Return the countries that touch the region, and the arcs they use, simplified and rounded."""
    topology = json.loads((folder / file).read_text(encoding="utf-8"))
    arcs = read_arcs(topology)
    window = box(*region) if region else None
    kept: list[Any] = []
    used: dict[int, int] = {}
    for country in topology["objects"]["countries"]["geometries"]:
        polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
        mine = []
        for polygon in polygons:
            shape = Polygon(ring_of(arcs, polygon[0]))
            if shape.area < SMALLEST[file] or (window is not None and not shape.buffer(0).intersects(window)):
                continue
            mine.append([[_number(r, used) for r in ring] for ring in polygon])
        if mine:
            properties = {"name": country["properties"]["name"]}
            kept.append({"type": "MultiPolygon", "arcs": mine, "properties": properties})
    return kept, [_encode(arcs[at], TOLERANCE[file]) for at in used]


def _number(ref: int, used: dict[int, int]) -> int:
    at = used.setdefault(ref if ref >= 0 else ~ref, len(used))
    return at if ref >= 0 else ~at


def _encode(arc: NDArray[np.float64], tolerance: float) -> Arc:
    points = np.asarray(LineString(arc).simplify(tolerance).coords)
    steps = np.rint(points / SCALE).astype(int)
    steps = steps[np.append([True], (np.diff(steps, axis=0) != 0).any(axis=1))]
    if len(steps) == 1:
        steps = np.repeat(steps, 2, axis=0)
    return [[int(x), int(y)] for x, y in np.diff(steps, axis=0, prepend=0)]


def shift(countries: list[Any], by: int) -> list[Any]:
    """Renumber arc references after another object's arcs."""
    return [
        c | {"arcs": [[[r + by if r >= 0 else r - by for r in ring] for ring in p] for p in c["arcs"]]}
        for c in countries
    ]


def main(folder: Path) -> None:
    """Write `data/basemap.json`."""
    near, near_arcs = cut(folder, "countries-50m.json", REGION)
    far, far_arcs = cut(folder, "countries-110m.json", None)
    topology = {
        "type": "Topology",
        "source": "Natural Earth 1:50m and 1:110m, by npm world-atlas 2.0.2; public domain",
        "bbox": REGION,
        "transform": {"scale": [SCALE, SCALE], "translate": [0, 0]},
        "objects": {
            "countries": {"type": "GeometryCollection", "geometries": near},
            "world": {"type": "GeometryCollection", "geometries": shift(far, len(near_arcs))},
        },
        "arcs": near_arcs + far_arcs,
    }
    target = Path(__file__).parent / "data" / "basemap.json"
    target.write_text(json.dumps(topology, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
