"""Networks in the General Modeling Network Specification, GMNS 0.96 (https://github.com/zephyr-data-specs/GMNS).

A case is written as GMNS tables `node`, `link`, `zone`, `use_definition` and `config`, our own columns beside theirs;
every other table is a companion file `karavan_<table>.csv`, and `karavan_case.toml` holds the case's description.
A folder with that file is read back without loss. Any other GMNS folder is read into a bare case, by
`karavan.schema.io.gmns_bare`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.errors import CaseError, Finding, FormatError
from karavan.schema.case import as_list, make_case
from karavan.schema.io.atomic import whole_folder
from karavan.schema.io.folder import (
    NEEDED,
    meta_toml,
    quoted,
    read_meta,
    read_table,
    table_csv,
    unknown_table,
    write_text,
)
from karavan.schema.tables import schema

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from karavan.schema.case import Case
    from karavan.schema.tables import Table

VERSION = "0.96"
MARKER = "karavan_case.toml"
PREFIX = "karavan_"
NAMES = {  # our name of a field, and the one of GMNS
    "nodes": {"id": "node_id", "name": "name", "longitude": "x_coord", "latitude": "y_coord", "kind": "node_type"},
    "links": {
        "id": "link_id",
        "name": "name",
        "from_node": "from_node_id",
        "to_node": "to_node_id",
        "directed": "directed",
        "geometry": "geometry",
        "length_km": "length",
        "mode": "allowed_uses",
        "operator": "jurisdiction",
        "toll": "toll",
    },
    "zones": {"id": "zone_id", "name": "name"},
}
FILES = {"nodes": "node.csv", "links": "link.csv", "zones": "zone.csv"}
FOREIGN = {"demand": {"origin": "o_zone_id", "destination": "d_zone_id", "tonnes": "volume"}}
NOT_READ = {"nodes": {"zone_id": ""}}  # follows from the zones
CALCULATED = {  # fields of ours that the reader of other folders makes, and the column they come from
    "declared_length": "length",
    "declared_speed": "free_speed",
    "delay_capacity": "capacity",
    "link_type": "facility_type",
}
DERIVED = ("use_definition.csv", "config.csv", "datapackage.json")
JSON_TYPES = {"number": "number", "integer": "integer", "boolean": "boolean"}


def _file(name: str) -> str:
    return FILES.get(name, f"{PREFIX}{name}.csv")


def write_gmns(case: Case, folder: str | Path) -> Path:
    """Write a case as a GMNS 0.96 folder that is read back without loss; empty tables are left out.

    Lengths are kilometres, coordinates WGS 84; `allowed_uses` holds the mode. The folder appears whole or not at all;
    an existing one is replaced only if this function wrote it (raises `FormatError` otherwise).
    """
    folder = Path(folder)
    with whole_folder(folder, marker=MARKER, ours=_is_ours) as staging:
        write_text(staging / MARKER, meta_toml(case.meta))
        for name, frame in case.tables.items():
            if len(frame) or name in NEEDED:
                extra = {"zone_id": _zone_ids(case)} if name == "nodes" else None
                write_text(staging / _file(name), table_csv(frame, schema()[name], NAMES.get(name), extra))
        write_text(staging / "use_definition.csv", _use_definition(case))
        write_text(staging / "config.csv", _config(case))
        written = sorted(path.name for path in staging.glob("*.csv"))
        write_text(staging / "datapackage.json", json.dumps(_datapackage(case, written), indent=1) + "\n")
    return folder


def _zone_ids(case: Case) -> list[str]:
    """Return the first zone of each node, as GMNS knows no more than one."""
    first: dict[str, str] = {}
    for zone, cell in case.zones["nodes"].items():
        for node in as_list(cell):
            first.setdefault(node, str(zone))
    return [first.get(node, "") for node in case.nodes.index]


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX) or name in {*FILES.values(), *DERIVED}


def _use_definition(case: Case) -> str:
    # GMNS asks for persons and passenger-car equivalents of every use; goods carry no persons, and neither is read back
    rows = [f"{quoted(str(mode))},0,1,freight mode; not read by Karavan\n" for mode in case.modes.index]
    return "use,persons_per_vehicle,pce,description\n" + "".join(rows)


def _config(case: Case) -> str:
    title, currency = quoted(case.meta.title or case.meta.name), quoted(case.meta.currency)
    header = "dataset_name,short_length,long_length,speed,crs,geometry_field_format,currency,version_number,id_type\n"
    return f"{header}{title},m,km,km/h,EPSG:4326,WKT,{currency},{VERSION},string\n"


def _datapackage(case: Case, written: list[str]) -> dict[str, Any]:
    """Return a Frictionless data package that declares every table written."""
    tables = {_file(name): declared for name, declared in schema().items()}
    resources = []
    for file in written:
        resource: dict[str, Any] = {"name": file.removesuffix(".csv"), "path": file, "type": "table"}
        if file in tables:
            resource |= {"description": tables[file].text, "schema": _json_schema(tables[file])}
        resources.append(resource)
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in case.meta.name.lower())
    return {"name": name, "title": case.meta.title or case.meta.name, "version": VERSION, "resources": resources}


def _json_schema(declared: Table) -> dict[str, Any]:
    names = NAMES.get(declared.name, {})
    fields = [
        {"name": names.get(f.name, f.name), "type": JSON_TYPES.get(f.type, "string"), "description": f.text}
        for f in declared.fields.values()
    ]
    return {"fields": fields, "primaryKey": [names.get(k, k) for k in declared.key], "missingValues": [""]}


def read_gmns(folder: str | Path, *, crs: str | None = None) -> Case:
    """Read a GMNS folder: one that `write_gmns` made without loss, any other into a bare case.

    Of other folders these are read: nodes, links, zones (from `zone.csv` or the nodes' `zone_id`), geometry, units and
    coordinate system from `config.csv`; trips from `demand.csv` (o_zone_id, d_zone_id, volume), which become demand of
    one commodity, "vehicles", and delay functions of Bureau of Public Roads from columns `VDF_alpha`, `VDF_beta`,
    `VDF_cap`, `VDF_fftt` (also with the number of a period, of which the first is read) or else capacity, lanes, length
    and free_speed. Traffic passes through zones, but not through nodes of type "centroid". Modes come from
    `allowed_uses`; without it every link is of mode "road".
    `crs` is the coordinate system where `config.csv` does not say it.

    Raises `FormatError` when it is no GMNS folder, `CaseError` with every finding when its tables have errors.
    """
    from karavan.schema.check import check_tables
    from karavan.schema.io.gmns_bare import load_bare

    folder = Path(folder)
    if not folder.is_dir():
        message = f"{folder}: there is no such folder"
        raise FormatError(message)
    case, findings = load_own(folder) if (folder / MARKER).is_file() else load_bare(folder, crs=crs)
    findings += check_tables(case, findings)
    findings = _in_their_words(case, findings)
    if any(f.severity == "error" for f in findings):
        raise CaseError(case.meta.name, findings)
    return case


def _in_their_words(case: Case, findings: list[Finding]) -> list[Finding]:
    """Return findings with the column names of GMNS, each cell's once."""
    tables = {case.file(name): name for name in ("demand", "zones", "links", "nodes")}
    out: dict[tuple[str, int, str, str], Finding] = {}
    for f in findings:
        table = tables.get(f.file, "")
        names = (NAMES | FOREIGN).get(table, {}) | (CALCULATED if table == "links" else {})
        field = names.get(f.field, f.field)
        problem = "" if f.field in CALCULATED or f.field == "length_km" else f.problem
        out.setdefault((f.file, f.line, field, problem), replace(f, field=field))
    return list(out.values())


def load_own(folder: Path) -> tuple[Case, list[Finding]]:
    """Read a folder that `write_gmns` made, as far as it can be read, with what was wrong with its files."""
    meta = read_meta(folder / MARKER)
    findings: list[Finding] = []
    frames: dict[str, pd.DataFrame] = {}
    lines: dict[str, NDArray[np.int64]] = {}
    files = {name: _file(name) for name in schema()}
    for name, declared in schema().items():
        path = folder / files[name]
        if path.is_file():
            ours = {theirs: own for own, theirs in NAMES.get(name, {}).items()} | NOT_READ.get(name, {})
            frames[name], lines[name] = read_table(
                path, declared, pack=meta.kind == "pack", findings=findings, names=ours
            )
        elif name in NEEDED:
            findings.append(Finding("error", path.name, 0, "", "the file is missing", f"add {path.name}"))
    known = {*files.values(), *DERIVED}
    findings += [unknown_table(path) for path in sorted(folder.glob(f"{PREFIX}*.csv")) if path.name not in known]
    return make_case(meta, frames, origin=str(folder), lines=lines, files=files), findings
