"""A case as one GeoPackage (OGC 12-128r18, version 1.3): points, lines and attribute tables in an SQLite file.

Written with the standard library, so that every cell keeps its type and precision. Nodes are points and links lines; a
node's place is its point, so moving it in a GIS moves the node. A link without a drawn line is shown as a straight one.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.errors import CaseError, Finding, FormatError
from karavan.schema.case import make_case
from karavan.schema.io.atomic import whole_file
from karavan.schema.io.folder import cell_text, parse_meta, parse_table
from karavan.schema.tables import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from karavan.schema.case import Case
    from karavan.schema.tables import Table

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300
SRS = 4326
META = "karavan_case"
LAYERS = {"nodes": "POINT", "links": "LINESTRING"}
LONGEST_CELL = 50_000_000  # bytes
IN_POINT = ("longitude", "latitude")  # columns of nodes that the point holds
SQL_TYPES = {"number": "REAL", "integer": "INTEGER", "boolean": "BOOLEAN"}
WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)
FRAME = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
"""


def write_geopackage(case: Case, file: str | Path) -> Path:
    """Write a case as a GeoPackage that opens in a GIS and is read back without loss; all tables, empty ones too.

    The file appears whole or not at all. An existing file is replaced only if it is a GeoPackage of a case (raises
    `FormatError` otherwise).
    """
    file = Path(file)
    if file.exists() and not _is_ours(file):
        message = f"{file} exists and is no GeoPackage of a case, so it is not replaced; choose another name"
        raise FormatError(message)
    with whole_file(file) as temporary, closing(sqlite3.connect(temporary)) as db, db:
        db.execute("PRAGMA journal_mode = MEMORY")  # the file is temporary until it is whole
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {USER_VERSION}")
        db.executescript(FRAME)
        db.executemany(
            "INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)",
            [
                ("Undefined Cartesian", -1, "NONE", -1, "undefined", "Cartesian, not known"),
                ("Undefined geographic", 0, "NONE", 0, "undefined", "geographic, not known"),
                ("WGS 84", SRS, "EPSG", SRS, WGS84, "longitude and latitude in degrees"),
            ],
        )
        _write_meta(db, case)
        for name, declared in schema().items():
            shapes = _shapes(case, name)
            _write_table(db, case.tables[name], declared, shapes)
    return file


def _is_ours(file: Path) -> bool:
    if not file.is_file():
        return False
    if file.stat().st_size == 0:
        return True
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as db:
            return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (META,)).fetchone() is not None
    except sqlite3.DatabaseError:
        return False


def _write_meta(db: sqlite3.Connection, case: Case) -> None:
    db.execute(f'CREATE TABLE "{META}" (fid INTEGER PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL)')
    rows = [(key, json.dumps(value)) for key, value in asdict(case.meta).items()]
    db.executemany(f'INSERT INTO "{META}" (key, value) VALUES (?,?)', rows)  # noqa: S608 (a constant)
    _register(db, META, "attributes", "What the case says about itself, as JSON.", None)


def _register(
    db: sqlite3.Connection, name: str, kind: str, text: str, box: tuple[float, float, float, float] | None
) -> None:
    edges = box or (None, None, None, None)
    db.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, min_x, min_y, max_x, max_y, srs_id)"
        " VALUES (?,?,?,?,?,?,?,?,?)",
        (name, kind, name, text, *edges, SRS if kind == "features" else None),
    )


def _write_table(db: sqlite3.Connection, frame: pd.DataFrame, declared: Table, shapes: list[bytes | None]) -> None:
    """Write one table; its name and columns come from the schema, so they may stand in the statements."""
    name, layer = declared.name, LAYERS.get(declared.name)
    data = frame.reset_index() if len(declared.key) == 1 else frame
    fields = [f for f in declared.fields.values() if not (name == "nodes" and f.name in IN_POINT)]
    columns = [f'"{f.name}" {SQL_TYPES.get(f.type, "TEXT")}' for f in fields]
    cells = [[_sql(v) for v in data[f.name].tolist()] for f in fields]
    if layer:
        columns.insert(0, f"geom {layer}")
        cells.insert(0, shapes)
    db.execute(f'CREATE TABLE "{name}" (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, {", ".join(columns)})')
    marks = ",".join("?" * (len(columns) + 1))
    rows = zip(range(1, len(data) + 1), *cells, strict=True)
    db.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)  # noqa: S608 (names of the schema)
    _register(db, name, "features" if layer else "attributes", declared.text, _box(frame) if layer == "POINT" else None)
    if layer:
        db.execute("INSERT INTO gpkg_geometry_columns VALUES (?,?,?,?,0,0)", (name, "geom", layer, SRS))


def _sql(value: Any) -> Any:
    if cell_text(value) == "":
        return None
    if isinstance(value, bool | np.bool_):
        return int(value)
    return value if isinstance(value, float | int) else str(value)


def _box(nodes: pd.DataFrame) -> tuple[float, float, float, float] | None:
    x, y = nodes["longitude"], nodes["latitude"]
    return (float(x.min()), float(y.min()), float(x.max()), float(y.max())) if x.notna().any() else None


def _shapes(case: Case, name: str) -> list[bytes | None]:
    """Return the geometry of each row: points of nodes, drawn or straight lines of links, None without coordinates."""
    if name not in LAYERS:
        return []
    nodes = case.nodes
    places = dict(
        zip(nodes.index, zip(nodes["longitude"].tolist(), nodes["latitude"].tolist(), strict=True), strict=True)
    )
    if name == "nodes":
        return [None if np.isnan(xy).all() else _blob(_point(*xy)) for xy in places.values()]
    links = case.links
    ends = zip(links["from_node"].tolist(), links["to_node"].tolist(), links["geometry"].tolist(), strict=True)
    return [_line(places.get(a), places.get(b), text) for a, b, text in ends]


def _line(start: tuple[float, float] | None, end: tuple[float, float] | None, text: object) -> bytes | None:
    drawn = _drawn(text)
    if drawn is not None:
        return _blob(drawn)
    if start is None or end is None or np.isnan([*start, *end]).any():
        return None
    return _blob(struct.pack("<BII4d", 1, 2, 2, *start, *end))


def _drawn(text: object) -> bytes | None:
    """Return the WKB of a WKT line, None if there is none."""
    import shapely

    shape = shapely.from_wkt(text, on_invalid="ignore") if isinstance(text, str) else None
    return None if shape is None or shape.geom_type != "LineString" or shape.has_z else bytes(shapely.to_wkb(shape))


def _point(x: float, y: float) -> bytes:
    return struct.pack("<BI2d", 1, 1, x, y)


def _blob(wkb: bytes) -> bytes:
    """Put the GeoPackage header before well-known binary: no envelope, little endian."""
    return struct.pack("<2sBBi", b"GP", 0, 1, SRS) + wkb


def _wkb(blob: bytes) -> bytes:
    """Return the well-known binary after a GeoPackage header; raises `ValueError` when there is none."""
    envelopes = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
    if len(blob) < 8 or blob[:2] != b"GP" or (blob[3] >> 1 & 7) not in envelopes:
        message = "no GeoPackage geometry"
        raise ValueError(message)
    return blob[8 + envelopes[blob[3] >> 1 & 7] :]


def read_geopackage(file: str | Path) -> Case:
    """Read a GeoPackage that `write_geopackage` made, or that a GIS has changed since, strictly.

    Raises `FormatError` when it is no such file, `CaseError` with every finding when its tables have errors; a
    finding's line is the row's `fid`.
    """
    from karavan.schema.check import check_tables

    case, findings = load_geopackage(Path(file))
    findings += check_tables(case, findings)
    if any(f.severity == "error" for f in findings):
        raise CaseError(case.meta.name, findings)
    return case


def load_geopackage(file: Path) -> tuple[Case, list[Finding]]:
    """Read a GeoPackage of a case as far as it can be read, with what was wrong with its rows."""
    if not file.is_file() or not _is_ours(file) or file.stat().st_size == 0:
        message = f"{file} is no GeoPackage of a case; write one with write_geopackage"
        raise FormatError(message)
    findings: list[Finding] = []
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as db:
            _only_tables(db, file)
            meta = parse_meta(dict(_meta_rows(db)), str(file))
            tables = {
                name: _read_table(db, declared, file=f"{file.name}:{name}", pack=meta.kind == "pack", findings=findings)
                for name, declared in schema().items()
            }
    except sqlite3.DatabaseError as error:
        message = f"{file}: cannot be read as a GeoPackage ({error})"
        raise FormatError(message) from error
    frames = {name: frame for name, (frame, _) in tables.items()}
    lines = {name: at for name, (_, at) in tables.items()}
    files = {name: f"{file.name}:{name}" for name in tables}
    return make_case(meta, frames, origin=str(file), lines=lines, files=files), findings


def _only_tables(db: sqlite3.Connection, file: Path) -> None:
    """Refuse what is worked out when it is read: it could go on for ever, or be as large as it likes."""
    db.execute("PRAGMA trusted_schema = OFF")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
    ours = [META, *schema()]
    marks = ", ".join("?" * len(ours))
    sql = f"SELECT name FROM sqlite_master WHERE type <> 'table' AND type <> 'index' AND name IN ({marks})"  # noqa: S608
    found = [str(row[0]) for row in db.execute(sql, ours)]
    found += [t for t in ours if any(row[6] for row in db.execute(f'PRAGMA table_xinfo("{t}")'))]
    if found:
        message = f"{file}: {found[0]} is a view or has columns that are worked out; save it as a plain table"
        raise FormatError(message)


def _meta_rows(db: sqlite3.Connection) -> list[tuple[str, Any]]:
    rows = db.execute(f'SELECT key, value FROM "{META}"').fetchall()  # noqa: S608 (a constant)
    try:
        values = [(str(key), json.loads(value)) for key, value in rows]
    except (ValueError, TypeError) as error:
        message = f"table {META}: a value is no JSON ({error})"
        raise FormatError(message) from error
    return [(key, value) for key, value in values if value is not None]


def _read_table(
    db: sqlite3.Connection, declared: Table, *, file: str, pack: bool, findings: list[Finding]
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    name = declared.name
    header = [str(row[1]) for row in db.execute(f'PRAGMA table_info("{name}")')]
    if not header:
        return parse_table(list(declared.fields), [], [], declared, file=file, pack=pack, findings=findings)
    rows = db.execute(f'SELECT * FROM "{name}" ORDER BY fid').fetchall()  # noqa: S608 (names of the schema)
    columns = dict(zip(header, zip(*rows, strict=True) if rows else ([] for _ in header), strict=True))
    lines = [int(fid) for fid in columns.pop("fid")]
    shapes = columns.pop("geom", ())
    cells: dict[str, list[str]] = {
        column: [_text(value, declared, column) for value in values] for column, values in columns.items()
    }
    if name in LAYERS:
        cells |= _from_shapes(name, shapes, cells, lines, _Notes(file, findings))
    rows_of_text = list(zip(*cells.values(), strict=True))
    return parse_table(list(cells), rows_of_text, lines, declared, file=file, pack=pack, findings=findings)


class _Notes:
    """Appends findings of geometry in one layer."""

    def __init__(self, file: str, findings: list[Finding]) -> None:
        self.file, self.findings = file, findings

    def wrong(self, line: int) -> None:
        problem, remedy = "the geometry cannot be read", "draw it again"
        self.findings.append(Finding("error", self.file, line, "geom", problem, remedy))


def _text(value: Any, declared: Table, column: str) -> str:
    field = declared.fields.get(column)
    if field is not None and field.type == "boolean" and value in {0, 1}:
        return "true" if value else "false"
    return cell_text(value)


def _from_shapes(
    name: str, shapes: Any, cells: Mapping[str, list[str]], lines: list[int], notes: _Notes
) -> dict[str, list[str]]:
    """Return the columns that geometry decides: the nodes' coordinates, the links' lines."""
    import shapely

    read = []
    for blob, line in zip(shapes, lines, strict=True):
        try:
            read.append(None if blob is None else shapely.from_wkb(_wkb(blob)))
        except (ValueError, TypeError, shapely.errors.GEOSException):
            notes.wrong(line)
            read.append(None)
    if name == "nodes":
        xy = [_xy(blob, shape) for blob, shape in zip(shapes, read, strict=True)]
        return {"longitude": [cell_text(x) for x, _ in xy], "latitude": [cell_text(y) for _, y in xy]}
    texts = cells.get("geometry", [""] * len(lines))
    return {"geometry": [_line_text(text, shape) for text, shape in zip(texts, read, strict=True)]}


def _xy(blob: bytes | None, shape: Any) -> tuple[float, float]:
    # a point of which one coordinate is missing is empty to GEOS, so the numbers are taken from the bytes
    if blob is not None and shape is not None:
        wkb = _wkb(blob)
        order = "<" if wkb[0] == 1 else ">"
        if struct.unpack(order + "I", wkb[1:5])[0] % 1000 == 1:
            x, y = struct.unpack(order + "2d", wkb[5:21])
            return x, y
    return float("nan"), float("nan")


def _line_text(text: str, shape: Any) -> str:
    """Return the WKT of a link: as written while its line is the same, else the line; a straight one is none."""
    import shapely

    drawn = _drawn(text or None)
    if shape is None or (drawn is not None and bytes(shapely.to_wkb(shape)) == drawn):
        return text
    if drawn is None and (text or (shape.geom_type == "LineString" and len(shape.coords) == 2)):
        return text
    return str(shapely.to_wkt(shape, rounding_precision=-1))
