"""Networks and trip tables in the TNTP form of the Transportation Networks for Research.

The form: https://github.com/bstabler/TransportationNetworks. Lines that begin with `~` are comments, `<KEY> value`
lines up to `<END OF METADATA>` are metadata, and a row of the network ends in `;`.
"""

from __future__ import annotations

import gzip
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.errors import CaseError, FormatError
from karavan.schema.case import Meta, make_case
from karavan.schema.io.projection import to_wgs84

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from karavan.schema.case import Case

AS_IN_FILE = "as in the file"
QUANTITIES = {  # what a caller may declare the unit of, and the columns it is the unit of
    "flow": ("demand.tonnes",),
    "capacity": ("links.delay_capacity",),
    "length": ("links.declared_length",),
    "time": ("links.delay_free_flow_time",),
    "speed": ("links.declared_speed",),
    "toll": ("links.toll",),
    "coordinates": ("nodes.declared_x", "nodes.declared_y"),
}
COLUMNS = {  # fields 3 to 9 of a row, in order
    "delay_capacity": "capacity",
    "declared_length": "length",
    "delay_free_flow_time": "free flow time",
    "delay_b": "B",
    "delay_power": "power",
    "declared_speed": "speed",
    "toll": "toll",
}
METADATA = re.compile(r"<([^>]*)>(.*)")
PARTS = 10  # fields of a row: two ends, the seven above, and the type
SHOWN = 20


@dataclass(frozen=True, slots=True)
class _File:
    """One file while it is read: its lines, and what is wrong with them."""

    name: str
    lines: list[str]
    problems: list[str] = field(default_factory=list)

    def wrong(self, line: int, problem: str) -> None:
        self.problems.append(f"{self.name}:{line}: {problem}" if line else f"{self.name}: {problem}")

    def stop_if_wrong(self) -> None:
        if self.problems:
            more = f"\n  and {len(self.problems) - SHOWN} more" if len(self.problems) > SHOWN else ""
            raise FormatError("\n  ".join(self.problems[:SHOWN]) + more)


def read_tntp(
    net: str | Path,
    trips: str | Path | None = None,
    nodes: str | Path | None = None,
    *,
    name: str = "",
    units: Mapping[str, str] | None = None,
    crs: str | None = None,
    toll_weight: float = 0.0,
    distance_weight: float = 0.0,
) -> Case:
    """Read a TNTP network, with its trip table and node coordinates where given (plain, or gzip by the name ".gz").

    Numbers stay as they are in the files. `units` declares their units for `Case.meta.units` (keys: flow, capacity,
    length, time, speed, toll, coordinates; what is not declared is "as in the file"). Every link has the delay function
    of Bureau of Public Roads with the B and power of its row. Nodes below `<FIRST THRU NODE>` become zones that no
    traffic passes through; the zones from it on may be passed. Numbers no link touches are kept as suspended nodes.
    Trips become demand of one commodity, "vehicles", in the file's flow units; entries of zero are left out. Parallel
    links are all kept: "5-6", then "5-6#2".
    Coordinates are kept as `declared_x` and `declared_y`; with `crs` ("EPSG:4326") they become longitude and latitude.
    `toll_weight` and `distance_weight` are the time that a unit of toll and of length is worth: no TNTP file has them,
    so the case declares them (`units` keys of the same names), and a congested assignment reads them from there.

    Raises `ValueError` for a weight below 0 or no number, `FormatError` naming file and line, `CaseError` when the
    network itself has errors.
    """
    from karavan.schema.check import check_tables

    declared = _units(units or {}) | _weights(toll_weight=toll_weight, distance_weight=distance_weight)
    file = _open(net)
    meta, body = _metadata(file)
    zones, count, first_through = _sizes(file, meta)
    links, lines = _links(file, body, count, meta)
    frames = _places(zones, count, first_through)
    frames["links"] = links
    linked = frames["nodes"]["id"].isin({*links["from_node"], *links["to_node"]})
    frames["nodes"] = frames["nodes"].assign(status=np.where(linked, "open", "suspended"))
    at = {"links": lines}
    files = dict.fromkeys(("links", "nodes", "zones", "modes", "carrying_units", "commodities"), file.name)
    if nodes is not None:
        frames["nodes"], at["nodes"], files["nodes"] = _coordinates(nodes, frames["nodes"], crs)
    if trips is not None:
        frames["demand"], at["demand"], files["demand"] = _trips(trips, max(zones, first_through - 1))
    said = "; ".join(f"{key}: {value}" for key, value in meta.items() if value)
    title = name or re.sub(r"_net$", "", file.name.split(".")[0])
    case = make_case(
        Meta(name=title, text=f"TNTP network {file.name} ({said}).", units=declared),
        frames,
        origin=str(Path(net).parent),
        lines=at,
        files=files,
    )
    findings = check_tables(case)
    if any(f.severity == "error" for f in findings):
        raise CaseError(title, findings)
    return case


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _units(units: Mapping[str, str]) -> dict[str, str]:
    unknown = [key for key in units if key not in QUANTITIES]
    if unknown:
        message = f"units has no key {unknown[0]!r}; its keys are {', '.join(QUANTITIES)}"
        raise FormatError(message)
    return {column: units.get(key, AS_IN_FILE) for key, columns in QUANTITIES.items() for column in columns}


def _weights(**weights: float) -> dict[str, str]:
    for key, value in weights.items():
        if not math.isfinite(value) or value < 0.0:
            message = f"{key} is {value}; give a number from 0"
            raise ValueError(message)
    return {key: repr(float(value)) for key, value in weights.items() if value}


def _open(path: str | Path) -> _File:
    path = Path(path)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return _File(path.name, data.decode("utf-8-sig").splitlines())
    except FileNotFoundError as error:
        message = f"{path}: there is no such file"
        raise FormatError(message) from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read as text ({error})"
        raise FormatError(message) from error


def _metadata(file: _File) -> tuple[dict[str, str], int]:
    """Return the metadata, keys in capitals, and the position of the first line after them."""
    meta: dict[str, str] = {}
    for i, line in enumerate(file.lines):
        text = line.strip()
        if not text or text.startswith("~"):
            continue
        found = METADATA.match(text)
        if not found:
            file.wrong(i + 1, f"is no metadata line, and <END OF METADATA> did not come yet: {text[:40]!r}")
            break
        key = " ".join(found[1].upper().split())
        if key == "END OF METADATA":
            return meta, i + 1
        meta[key] = " ".join(found[2].split())
    else:
        file.wrong(len(file.lines), "the file ends without <END OF METADATA>")
    file.stop_if_wrong()
    raise AssertionError  # pragma: no cover


def _sizes(file: _File, meta: dict[str, str]) -> tuple[int, int, int]:
    numbers = []
    for key in ("NUMBER OF ZONES", "NUMBER OF NODES", "FIRST THRU NODE"):
        text = meta.pop(key, "")
        if not _is_whole(text):
            file.wrong(0, f"<{key}> is {text!r}; give a whole number" if text else f"<{key}> is missing")
        numbers.append(int(text) if _is_whole(text) else 0)
    file.stop_if_wrong()
    zones, count, first_through = numbers
    if zones > count or not 1 <= first_through <= count + 1:
        file.wrong(0, f"{zones} zones, {count} nodes and first through node {first_through} do not fit together")
        file.stop_if_wrong()
    return zones, count, first_through


def _rows(file: _File, start: int) -> Iterator[tuple[int, str]]:
    """Yield line number and text of the lines that are neither blank nor comment."""
    for i in range(start, len(file.lines)):
        text = file.lines[i].strip()
        if text and text[0] != "~":
            yield i + 1, text


def _links(file: _File, start: int, count: int, meta: dict[str, str]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, text in _rows(file, start):
        parts = text.split(";", 1)[0].split()
        if len(parts) == PARTS:
            rows.append(parts)
            lines.append(line)
        elif parts:
            file.wrong(line, f"has {len(parts)} fields; a link has {PARTS}, ended by a semicolon")
    stated = meta.pop("NUMBER OF LINKS", "")
    if _is_whole(stated) and int(stated) != len(rows) and not file.problems:
        file.wrong(0, f"has {len(rows)} links where <NUMBER OF LINKS> says {stated}; is the file whole?")
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(PARTS)]
    ends = [_node_numbers(file, columns[k], lines, count) for k in (0, 1)]
    frame = {"id": _link_ids(*ends), "from_node": ends[0], "to_node": ends[1], "mode": "road", "directed": True}
    frame |= {"delay_function": "bpr", "link_type": columns[-1]}
    for k, (column, word) in enumerate(COLUMNS.items(), start=2):
        frame[column] = _numbers(file, columns[k], lines, word)
    file.stop_if_wrong()
    _check_delays(file, frame, lines)
    return pd.DataFrame(frame), np.asarray(lines, dtype=np.int64)


def _node_numbers(file: _File, texts: list[str], lines: list[int], count: int) -> list[str]:
    out = []
    for text, line in zip(texts, lines, strict=True):
        if not (_is_whole(text) and 1 <= int(text) <= count):
            file.wrong(line, f"{text!r} is no node; nodes are 1 to {count}")
        out.append(text.lstrip("0"))
    return out


def _numbers(file: _File, texts: list[str], lines: list[int], word: str) -> NDArray[np.float64]:
    values = np.array([_number_or_nan(text) for text in texts], dtype=np.float64)
    for i in np.flatnonzero(~np.isfinite(values)):
        file.wrong(lines[i], f"{word} {texts[i]!r} is no number")
    return values


def _number_or_nan(text: str) -> float:
    try:
        return float(text) if "_" not in text else math.nan  # Python takes 1_000 for a number
    except ValueError:
        return math.nan


def _check_delays(file: _File, frame: Mapping[str, object], lines: list[int]) -> None:
    b, capacity = np.asarray(frame["delay_b"]), np.asarray(frame["delay_capacity"])
    for column in ("delay_capacity", "declared_length", "delay_free_flow_time", "declared_speed"):
        for i in np.flatnonzero(np.asarray(frame[column]) < 0.0):
            file.wrong(lines[i], f"{COLUMNS[column]} is negative")
    for i in np.flatnonzero((capacity == 0.0) & (b != 0.0)):
        file.wrong(lines[i], "capacity is zero, so the delay has no value")
    file.stop_if_wrong()


def _link_ids(starts: list[str], ends: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for start, end in zip(starts, ends, strict=True):
        pair = f"{start}-{end}"
        seen[pair] = nth = seen.get(pair, 0) + 1
        out.append(pair if nth == 1 else f"{pair}#{nth}")
    return out


def _places(zones: int, count: int, first_through: int) -> dict[str, pd.DataFrame]:
    """Return nodes, zones, and the one mode, unit and commodity."""
    ids = [str(i) for i in range(1, count + 1)]
    ends = ids[: max(zones, first_through - 1)]
    unit = {"id": ["vehicle"], "name": ["Vehicle"], "payload_tonnes": [1.0], "note": ["One unit of the file's flow."]}
    return {
        "modes": pd.DataFrame({"id": ["road"], "name": ["Road"], "medium": ["land"], "carrying_units": ["vehicle"]}),
        "carrying_units": pd.DataFrame(unit),
        "commodities": pd.DataFrame({"id": ["vehicles"], "name": ["Vehicles"], "carrying_units": ["vehicle"]}),
        "nodes": pd.DataFrame({"id": ids, "name": ids}),
        "zones": pd.DataFrame(
            {
                "id": ends,
                "name": ends,
                "kind": "taz",
                "nodes": ends,
                "through": [i + 1 >= first_through for i in range(len(ends))],
            }
        ),
    }


def _coordinates(path: str | Path, nodes: pd.DataFrame, crs: str | None) -> tuple[pd.DataFrame, NDArray[np.int64], str]:
    file = _open(path)
    x, y = np.full(len(nodes), np.nan), np.full(len(nodes), np.nan)
    at = np.zeros(len(nodes), dtype=np.int64)
    for nth, (line, text) in enumerate(_rows(file, 0)):
        parts = text.split(";", 1)[0].split()
        if nth == 0 and parts and not _is_whole(parts[0]):
            continue  # the header
        if len(parts) < 3 or not _is_whole(parts[0]) or not 1 <= int(parts[0]) <= len(nodes):
            file.wrong(line, f"is no row of node, x and y with a node of 1 to {len(nodes)}: {text[:40]!r}")
            continue
        i = int(parts[0]) - 1
        if at[i]:
            file.wrong(line, f"node {parts[0]} stands already in line {at[i]}")
        x[i], y[i], at[i] = _number_or_nan(parts[1]), _number_or_nan(parts[2]), line
        if not np.isfinite(x[i]) or not np.isfinite(y[i]):
            file.wrong(line, f"{parts[1]!r}, {parts[2]!r} are no coordinates")
    file.stop_if_wrong()
    if crs is None:
        return nodes.assign(declared_x=x, declared_y=y), at, file.name
    longitude, latitude = to_wgs84(crs, x, y)
    return nodes.assign(longitude=longitude, latitude=latitude), at, file.name


def _trips(path: str | Path, zones: int) -> tuple[pd.DataFrame, NDArray[np.int64], str]:
    file = _open(path)
    meta, start = _metadata(file)
    origins: list[str] = []
    ends: list[str] = []
    flows: list[str] = []
    lines: list[int] = []
    origin = ""
    for line, text in _rows(file, start):
        if text[:6].lower() == "origin":
            origin = _zone(file, text[6:].strip(), line, zones)
            continue
        parts = text.replace(":", " ").replace(";", " ").split()
        pairs = len(parts) // 2
        if text.count(":") != pairs or len(parts) != 2 * pairs or text.count(";") not in {pairs, pairs - 1}:
            file.wrong(line, f"is neither an origin nor entries of the form `zone : flow;`: {text[:40]!r}")
        elif not origin:
            file.wrong(line, "entries stand before the first Origin")
        else:
            origins += [origin] * pairs
            ends += parts[0::2]
            flows += parts[1::2]
            lines += [line] * pairs
    file.stop_if_wrong()
    _check_zones(file, ends, lines, zones)
    values = _numbers(file, flows, lines, "flow")
    _check_flows(file, meta, values, lines)
    keep = np.flatnonzero(values)
    pairs_kept = [f"{origins[i]}>{ends[i]}" for i in keep.tolist()]
    _check_pairs(file, pairs_kept, [lines[i] for i in keep.tolist()])
    demand = pd.DataFrame(
        {
            "id": pairs_kept,
            "origin": [origins[i] for i in keep.tolist()],
            "destination": [ends[i] for i in keep.tolist()],
            "commodity": "vehicles",
            "tonnes": values[keep],
            "basis": "matrix",
        }
    )
    return demand, np.asarray(lines, dtype=np.int64)[keep], file.name


def _zone(file: _File, text: str, line: int, zones: int) -> str:
    if not (_is_whole(text) and 1 <= int(text) <= zones):
        file.wrong(line, f"{text!r} is no zone; zones are 1 to {zones}")
    return text.lstrip("0") or "?"


def _check_zones(file: _File, ends: list[str], lines: list[int], zones: int) -> None:
    known = {str(zone) for zone in range(1, zones + 1)}
    if not known.issuperset(ends):
        for i, (end, line) in enumerate(zip(ends, lines, strict=True)):
            ends[i] = end if end in known else _zone(file, end, line, zones)
    file.stop_if_wrong()


def _check_flows(file: _File, meta: Mapping[str, str], values: NDArray[np.float64], lines: list[int]) -> None:
    for i in np.flatnonzero(values < 0.0):
        file.wrong(lines[i], f"flow {values[i]:g} is negative")
    file.stop_if_wrong()
    stated, total = _number_or_nan(meta.get("TOTAL OD FLOW", "")), float(values.sum())
    if abs(total - stated) > 1e-3 * max(abs(stated), 1.0):  # a file cut short; rounding is far below
        file.wrong(0, f"adds up to {total:g} where <TOTAL OD FLOW> says {stated:g}; is the file whole?")
        file.stop_if_wrong()


def _check_pairs(file: _File, pairs: list[str], lines: list[int]) -> None:
    if len(set(pairs)) == len(pairs):
        return
    seen: dict[str, int] = {}
    for pair, line in zip(pairs, lines, strict=True):
        if pair in seen:
            file.wrong(line, f"the trips {pair} stand already in line {seen[pair]}")
        seen.setdefault(pair, line)
    file.stop_if_wrong()
