"""GMNS folders made by others, read into a bare case."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.errors import Finding, FormatError
from karavan.schema.case import Meta, join_list, make_case
from karavan.schema.io.folder import parse_table, read_rows
from karavan.schema.io.projection import line_to_wgs84, to_wgs84
from karavan.schema.tables import schema
from karavan.units import KM_PER_FOOT, KM_PER_MILE, KM_PER_NAUTICAL_MILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from karavan.schema.case import Case

REQUIRED = {"node": ("node_id", "x_coord", "y_coord"), "link": ("link_id", "from_node_id", "to_node_id", "directed")}
KM = {
    **dict.fromkeys(("km", "kilometer", "kilometers", "kilometre", "kilometres"), 1.0),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 0.001),
    **dict.fromkeys(("mi", "mile", "miles"), KM_PER_MILE),
    **dict.fromkeys(("ft", "foot", "feet"), KM_PER_FOOT),
}
KM_PER_HOUR = {
    **dict.fromkeys(("km/h", "kmh", "kph", "kmph", "km/hr"), 1.0),
    **dict.fromkeys(("mph", "mi/h", "mi/hr"), KM_PER_MILE),
    "m/s": 3.6,
    **dict.fromkeys(("kn", "knot", "knots"), KM_PER_NAUTICAL_MILE),
}
BOOLEANS = {"1": "true", "0": "false", "1.0": "true", "0.0": "false", "t": "true", "f": "false"}
DEFAULT_MODE = "road"
UNIT = "vehicle"
GOODS = "vehicles"
AS_IN_FILE = "as in the file"
DEMAND = ("o_zone_id", "d_zone_id", "volume")
BPR = ("0.15", "4")  # B and power where no column has them: Bureau of Public Roads, Traffic Assignment Manual, 1964
MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One GMNS table as text: columns by lower-case name, all of one length, and the line of each row."""

    file: str
    columns: dict[str, list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """Return a column, empty where the table does not have it; "NaN" is missing, as the specification has it."""
        cells = self.columns.get(name)
        return ["" if c.strip() == "NaN" else c.strip() for c in cells] if cells else [""] * len(self.lines)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers; what is missing or no number is NaN, the latter being reported elsewhere."""
        values = pd.to_numeric(pd.Series(self.column(name), dtype="object"), errors="coerce")
        return values.to_numpy(dtype=np.float64)


def load_bare(folder: Path, *, crs: str | None) -> tuple[Case, list[Finding]]:
    """Read another's GMNS folder as far as it can be read, with what was wrong with its files.

    Raises `FormatError` when node or link table are missing, or the coordinate system cannot be known.
    """
    findings: list[Finding] = []
    paths = _paths(folder)
    sheets = {name: _sheet(path, findings) for name, path in paths.items()}
    if "link" in sheets and "directed" not in sheets["link"].columns and "dir_flag" in sheets["link"].columns:
        flags = sheets["link"].column("dir_flag")  # 1 and -1: along and against the line; 0: no direction
        sheets["link"].columns["directed"] = [{"1": "true", "-1": "true", "0": "false"}.get(f, f) for f in flags]
    needs = REQUIRED | ({"demand": DEMAND} if "demand" in sheets else {})
    for name, needed in needs.items():
        if name not in sheets:
            message = f"{folder} is no GMNS folder: it has no {name}.csv"
            raise FormatError(message)
        missing = [column for column in needed if column not in sheets[name].columns]
        findings += [
            Finding("error", sheets[name].file, 1, c, f"column {c!r} is missing", "add it: GMNS requires it")
            for c in missing
        ]
        findings += [
            Finding("error", sheets[name].file, line, c, "is empty", "fill it in: GMNS requires it")
            for c in needed
            if c not in missing
            for cell, line in zip(sheets[name].column(c), sheets[name].lines, strict=True)
            if not cell
        ]
    config = {k: v[0].strip() for k, v in sheets["config"].columns.items() if v} if "config" in sheets else {}
    system = crs or config.get("crs") or _degrees(sheets["node"], folder)
    said = _Said([])
    units = _units(config)
    tables = {
        "nodes": _nodes(sheets["node"], system),
        "links": _links(sheets, config, system, units, said),
        "zones": _zones(sheets, said),
    }
    files = {"nodes": sheets["node"].file, "links": sheets["link"].file}
    files["zones"] = sheets["zone"].file if "zone" in sheets else files["nodes"]
    if "demand" in sheets:
        tables["demand"], files["demand"] = _demand(sheets["demand"], said), sheets["demand"].file
        units["demand.tonnes"] = AS_IN_FILE
    frames, lines = {}, {}
    for name, (columns, at) in tables.items():
        rows = list(zip(*columns.values(), strict=True))
        frames[name], lines[name] = parse_table(
            list(columns), rows, at, schema()[name], file=files[name], pack=False, findings=findings
        )
    modes = list(dict.fromkeys(frames["links"]["mode"].dropna()))
    frames["modes"] = pd.DataFrame({"id": modes, "name": modes, "medium": "land", "carrying_units": UNIT})
    frames["carrying_units"] = pd.DataFrame({"id": [UNIT], "name": ["Vehicle"], "payload_tonnes": [1.0]})
    if "demand" in sheets:
        frames["commodities"] = pd.DataFrame({"id": [GOODS], "name": ["Vehicles"], "carrying_units": [UNIT]})
    meta = Meta(name=config.get("dataset_name") or folder.name, text=said.text(), units=units)
    return make_case(meta, frames, origin=str(folder), lines=lines, files=files), findings


@dataclass(frozen=True, slots=True)
class _Said:
    """What reading left out or decided, told in the case's text."""

    parts: list[str]

    def text(self) -> str:
        return " ".join(["Read from a GMNS folder.", *self.parts])


def _units(config: Mapping[str, str]) -> dict[str, str]:
    return {
        "links.declared_length": config.get("long_length") or AS_IN_FILE,
        "links.declared_speed": config.get("speed") or AS_IN_FILE,
        "links.delay_capacity": "pce/h",
        "links.delay_free_flow_time": "h",
        "links.toll": config.get("currency") or AS_IN_FILE,
    }


def _paths(folder: Path) -> dict[str, Path]:
    """Return the file of each GMNS table, from the data package where there is one, else by name in any case."""
    package = folder / "datapackage.json"
    if not package.is_file():
        return {path.stem.lower(): path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".csv"}
    try:
        resources = json.loads(package.read_text(encoding="utf-8"))["resources"]
        named = {str(r["name"]).lower(): r["path"] for r in resources}
    except (ValueError, KeyError, TypeError) as error:
        message = f"{package}: is no data package with resources of a name and a path ({error})"
        raise FormatError(message) from error
    return {name: path for name, text in named.items() if (path := _inside(folder, package, text)) is not None}


def _inside(folder: Path, package: Path, text: object) -> Path | None:
    """Return a path of a data package, None if there is no such file; raises `FormatError` if it leaves the folder."""
    if not isinstance(text, str) or not text:
        message = f"{package}: path {text!r} is no file name"
        raise FormatError(message)
    parts = {*PurePosixPath(text).parts, *PureWindowsPath(text).parts}
    whole = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute() or PureWindowsPath(text).drive
    path = folder / text
    if ".." in parts or whole or not path.resolve().is_relative_to(folder.resolve()):
        message = f"{package}: path {text!r} leads out of the folder; use names of files in it"
        raise FormatError(message)
    if not path.is_file():
        return None  # the specification's package lists tables that a network need not have
    if path.suffix.lower() != ".csv":
        message = f"{package}: {text!r} is no CSV file; write the network as CSV"
        raise FormatError(message)
    return path


def _sheet(path: Path, findings: list[Finding]) -> _Sheet:
    rows, lines = read_rows(path, findings)
    if not rows:
        return _Sheet(path.name, {}, [])
    header = [name.strip().lower() for name in rows[0]]
    good = [i for i in range(1, len(rows)) if len(rows[i]) == len(header)]
    ragged = sorted(set(range(1, len(rows))) - set(good))
    findings += [
        Finding(
            "error", path.name, lines[i], "", f"has {len(rows[i])} cells where the header has {len(header)}",
            "add or remove commas; put text with commas in double quotes", rows[i][0],
        )
        for i in ragged
    ]  # fmt: skip
    return _Sheet(path.name, {n: [rows[i][k] for i in good] for k, n in enumerate(header)}, [lines[i] for i in good])


def _degrees(nodes: _Sheet, folder: Path) -> str:
    x, y = nodes.numbers("x_coord"), nodes.numbers("y_coord")
    if np.any(np.abs(x) > 180.0) or np.any(np.abs(y) > 90.0):
        message = f"{folder}: coordinates are no degrees and config.csv names no crs; give crs=, such as 'EPSG:26971'"
        raise FormatError(message)
    return "EPSG:4326"


def _is_wgs84(crs: str) -> bool:
    return crs.strip().upper().replace(" ", "") in {"EPSG:4326", "4326", "WGS84", "OGC:CRS84"}


def _nodes(sheet: _Sheet, crs: str) -> tuple[dict[str, list[str]], list[int]]:
    x, y = sheet.column("x_coord"), sheet.column("y_coord")
    if not _is_wgs84(crs):
        longitude, latitude = to_wgs84(crs, sheet.numbers("x_coord"), sheet.numbers("y_coord"))
        x, y = _texts(longitude, x), _texts(latitude, y)
    kinds = schema()["nodes"].fields["kind"].allowed
    ids = sheet.column("node_id")
    return {
        "id": ids,
        "name": [name or node for name, node in zip(sheet.column("name"), ids, strict=True)],
        "kind": [kind.lower() if kind.lower() in kinds else "" for kind in sheet.column("node_type")],
        "longitude": x,
        "latitude": y,
    }, sheet.lines


def _texts(values: NDArray[np.float64], written: Sequence[str] = ()) -> list[str]:
    """Write numbers as cells; where what was `written` is no number it stays, so that parsing reports it."""
    cells = ["" if np.isnan(v) else repr(float(v)) for v in values]
    if not written:
        return cells
    wrong = pd.to_numeric(pd.Series(written, dtype="object"), errors="coerce").isna()
    return [text if bad and text else cell for cell, text, bad in zip(cells, written, wrong, strict=True)]


def _links(
    sheets: Mapping[str, _Sheet], config: Mapping[str, str], crs: str, units: dict[str, str], said: _Said
) -> tuple[dict[str, list[str]], list[int]]:
    sheet = sheets["link"]
    km = KM.get(config.get("long_length", "").lower())
    pace = KM_PER_HOUR.get(config.get("speed", "").lower())
    if km is None and "length" in sheet.columns:
        said.parts.append("The unit of length is not known (config.csv), so lengths are kept as declared_length only.")
    length, speed = sheet.numbers("length"), sheet.numbers("free_speed")
    nothing = np.full(len(length), np.nan)
    length_km = length * km if km is not None else nothing
    hours = np.divide(length_km, speed * pace, out=nothing.copy(), where=speed > 0.0) if pace is not None else nothing
    columns = {
        "id": sheet.column("link_id"),
        "name": sheet.column("name"),
        "from_node": sheet.column("from_node_id"),
        "to_node": sheet.column("to_node_id"),
        "directed": [BOOLEANS.get(cell.lower(), cell) for cell in sheet.column("directed")],
        "length_km": sheet.column("length") if km == 1.0 else _texts(length_km),
        "hours": _texts(hours),
        "geometry": _geometry(sheets, config, crs, said),
        "operator": sheet.column("jurisdiction"),
        **_delays(sheet, hours, length, speed, units, said, congested="demand" in sheets),
        "toll": sheet.column("toll"),
        "declared_length": sheet.column("length"),
        "declared_speed": sheet.column("free_speed"),
        "link_type": sheet.column("facility_type"),
    }
    if sheet.columns.keys() & {"capacity"} and np.isnan(sheet.numbers("lanes")).any():
        said.parts.append("GMNS capacity is by lane; links without a number of lanes have no capacity here.")
    uses = _uses(sheets, said)
    if "demand" in sheets and any(len(mine) > 1 for mine in uses):
        # repeated links would give the trips the same capacity several times
        said.parts.append("As there are trips, links open to several uses are of the first only.")
        uses = [mine[:1] for mine in uses]
    return _by_use(columns, uses, sheet.lines, said)


def _delays(
    sheet: _Sheet,
    hours: NDArray[np.float64],
    length: NDArray[np.float64],
    speed: NDArray[np.float64],
    units: dict[str, str],
    said: _Said,
    *,
    congested: bool,
) -> dict[str, list[str]]:
    """Return the delay columns: of the VDF columns of the first period, else of capacity, lanes, length and speed.

    These columns are no part of GMNS, but of the assignment tools that read it: `VDF_alpha`, `VDF_beta`, `VDF_cap` (of
    the whole link) and `VDF_fftt` (minutes), with or without the number of a period. Without them, links are given a
    delay function only if there is demand to assign.
    """
    alpha, beta, fftt, cap = (_first_period(sheet, f"vdf_{word}") for word in ("alpha", "beta", "fftt", "cap"))
    by_lane = _texts(sheet.numbers("capacity") * sheet.numbers("lanes"), sheet.column("capacity"))
    capacity = [own or other for own, other in zip(cap, by_lane, strict=True)]
    time = _texts(hours)
    if any(fftt):
        units["links.delay_free_flow_time"] = "min"
        time = [own or other for own, other in zip(fftt, _texts(hours * MINUTES), strict=True)]
    elif congested and np.isnan(hours).all() and not np.isnan(length).all():
        units["links.delay_free_flow_time"] = "declared length / declared speed"
        time = _texts(np.divide(length, speed, out=np.full(len(length), np.nan), where=speed > 0.0))
        said.parts.append("Free-flow times are length over free_speed, whose units are not known.")
    if not (congested or any(alpha) or any(beta)):
        return {"delay_capacity": capacity, "delay_free_flow_time": time}
    zero = pd.to_numeric(pd.Series(capacity, dtype="object"), errors="coerce").eq(0.0).tolist()
    limited = [bool(cell) and not nothing for cell, nothing in zip(capacity, zero, strict=True)]
    if not all(limited):
        said.parts.append("Links without a capacity have a constant time.")
    if not (all(alpha) and all(beta)):
        said.parts.append(f"Where VDF_alpha or VDF_beta is missing, B is {BPR[0]} and the power {BPR[1]}, as usual.")
    return {
        "delay_function": ["bpr" if some else "constant" for some in limited],
        "delay_capacity": [cell if some else "" for cell, some in zip(capacity, limited, strict=True)],
        "delay_free_flow_time": time,
        "delay_b": [cell or BPR[0] for cell in alpha],
        "delay_power": [cell or BPR[1] for cell in beta],
    }


def _first_period(sheet: _Sheet, word: str) -> list[str]:
    """Return the cells of a column with or without the number of a period, of the lowest number there is."""
    names = [name for name in sheet.columns if re.fullmatch(rf"{word}_?\d*", name)]
    return sheet.column(min(names, key=lambda name: int(name.removeprefix(word).strip("_") or 0), default=word))


def _demand(sheet: _Sheet, said: _Said) -> tuple[dict[str, list[str]], list[int]]:
    """Return the trips between zones; entries of zero are left out."""
    origins, ends, volumes = (sheet.column(name) for name in DEMAND)
    keep = np.flatnonzero(sheet.numbers("volume") != 0.0).tolist()
    said.parts.append(f"Volumes of demand.csv are demand of the one commodity {GOODS!r}, in the file's unit.")
    return {
        "id": [f"{origins[i]}>{ends[i]}" for i in keep],
        "origin": [origins[i] for i in keep],
        "destination": [ends[i] for i in keep],
        "commodity": [GOODS] * len(keep),
        "tonnes": [volumes[i] for i in keep],
        "basis": ["matrix"] * len(keep),
    }, [sheet.lines[i] for i in keep]


def _uses(sheets: Mapping[str, _Sheet], said: _Said) -> list[list[str]]:
    """Return the uses of each link, groups spelt out."""
    groups: dict[str, list[str]] = {}
    if "use_group" in sheets:
        names, cells = sheets["use_group"].column("use_group"), sheets["use_group"].column("uses")
        groups = {name.lower(): _split(cell) for name, cell in zip(names, cells, strict=True)}
    out = []
    for cell in sheets["link"].column("allowed_uses"):
        uses = [use for part in _split(cell) for use in groups.get(part.lower(), [part])]
        out.append(list(dict.fromkeys(use.lower() for use in uses)) or [DEFAULT_MODE])
    if [DEFAULT_MODE] in out:
        said.parts.append(f"Links without allowed_uses are of mode {DEFAULT_MODE!r}.")
    return out


def _split(cell: str) -> list[str]:
    return [part for part in re.split(r"[,;\s]+", cell) if part]


def _by_use(
    columns: dict[str, list[str]], uses: Sequence[Sequence[str]], lines: Sequence[int], said: _Said
) -> tuple[dict[str, list[str]], list[int]]:
    """Repeat each link once a use: a link of a case has one mode."""
    at = [(i, use, nth) for i, mine in enumerate(uses) for nth, use in enumerate(mine)]
    if len(at) > len(uses):
        said.parts.append("Links open to several uses are repeated, one a use (ids LINK@USE); capacity is not shared.")
    out = {name: [cells[i] for i, _, _ in at] for name, cells in columns.items()}
    out["id"] = [columns["id"][i] + (f"@{use}" if nth else "") for i, use, nth in at]
    out["mode"] = [use for _, use, _ in at]
    return out, [lines[i] for i, _, _ in at]


def _geometry(sheets: Mapping[str, _Sheet], config: Mapping[str, str], crs: str, said: _Said) -> list[str]:
    """Return WKT in longitude and latitude; `dir_flag` -1 turns a line round."""
    import shapely

    link = sheets["link"]
    if config.get("geometry_field_format", "WKT").upper() not in {"WKT", ""}:
        said.parts.append("Geometry that is not WKT is left out.")
        return [""] * len(link.lines)
    shared: dict[str, str] = {}
    if "geometry" in sheets:
        sheet = sheets["geometry"]
        shared = dict(zip(sheet.column("geometry_id"), sheet.column("geometry"), strict=True))
    own, ids, flags = link.column("geometry"), link.column("geometry_id"), link.column("dir_flag")
    out = []
    for text, shape_id, flag in zip(own, ids, flags, strict=True):
        wkt = text or (shared.get(shape_id, "") if shape_id else "")
        shape = shapely.from_wkt(wkt, on_invalid="ignore") if wkt else None
        if shape is not None and flag == "-1":
            shape = shapely.reverse(shape)
        if shape is not None and not _is_wgs84(crs):
            shape = line_to_wgs84(crs, shape)
        changed = shape is not None and (flag == "-1" or not _is_wgs84(crs))
        out.append(shapely.to_wkt(shape, rounding_precision=-1) if changed else wkt)
    return out


def _zones(sheets: Mapping[str, _Sheet], said: _Said) -> tuple[dict[str, list[str]], list[int]]:
    nodes = sheets["node"]
    kinds = dict(zip(nodes.column("node_id"), nodes.column("node_type"), strict=True))
    members: dict[str, list[str]] = {}
    first: dict[str, int] = {}
    for node, zone, line in zip(nodes.column("node_id"), nodes.column("zone_id"), nodes.lines, strict=True):
        if zone:
            members.setdefault(zone, []).append(node)
            first.setdefault(zone, line)
    sheet = sheets.get("zone")
    named = sheet.column("zone_id") if sheet else list(members)
    names = sheet.column("name") if sheet else named
    lines = sheet.lines if sheet else [first[zone] for zone in named]
    keep = [i for i, zone in enumerate(named) if members.get(zone)]
    if len(keep) < len(named):
        said.parts.append(f"{len(named) - len(keep)} zones without a node are left out.")
    return {
        "id": [named[i] for i in keep],
        "name": [names[i] or named[i] for i in keep],
        "kind": ["taz"] * len(keep),
        "nodes": [join_list(members[named[i]]) for i in keep],
        # a zone_id only says where a node lies; what is a mere centroid is no way for others
        "through": [str(kinds[members[named[i]][0]].lower() != "centroid").lower() for i in keep],
    }, [lines[i] for i in keep]
