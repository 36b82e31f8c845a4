"""A case as a folder: `case.toml` and one CSV file a table. Reading is strict and gathers every finding."""

from __future__ import annotations

import csv
import io
import math
import re
import tomllib
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.errors import CaseError, Finding, FormatError
from karavan.schema.case import DTYPES, Meta, as_list, join_list, make_case
from karavan.schema.io.atomic import whole_folder
from karavan.schema.tables import schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from karavan.schema.case import Case
    from karavan.schema.tables import Field, Table

DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
SPECIAL = re.compile('[,"\r\n\0]')
NEEDED = ("nodes", "links", "modes")
TOO_LARGE = 2.0**63
KEY = re.compile(r"[^\r\n\t]+")  # names a row of any table, whose key may join several fields by "/"
IDENTIFIER = re.compile(r"[^\s;,\"'/][^;\"\r\n\t/]*")


def load(folder: str | Path) -> tuple[Case, list[Finding]]:
    """Read a case folder as far as it can be read.

    Returns the case and what was wrong with its files, row by row; cells that could not be read are missing.
    Raises `FormatError` when there is no readable `case.toml`.
    """
    folder = Path(folder)
    meta = read_meta(folder / "case.toml")
    findings: list[Finding] = []
    frames: dict[str, pd.DataFrame] = {}
    lines: dict[str, NDArray[np.int64]] = {}
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in schema():
            findings.append(unknown_table(path))
            continue
        frames[path.stem], lines[path.stem] = read_table(
            path, schema()[path.stem], pack=meta.kind == "pack", findings=findings
        )
    findings += [
        Finding("error", f"{name}.csv", 0, "", "the file is missing", f"add {name}.csv")
        for name in NEEDED
        if name not in frames
    ]
    return make_case(meta, frames, origin=str(folder), lines=lines), findings


def unknown_table(path: Path) -> Finding:
    """Return the finding of a file that has the name of no table."""
    import difflib

    near = difflib.get_close_matches(path.stem, schema(), n=1, cutoff=0.6)
    hint = f"rename it to {near[0]}.csv" if near else "remove it; `karavan describe` lists the tables"
    return Finding("error", path.name, 0, "", "no table has this name", hint)


def read_meta(path: Path) -> Meta:
    """Read `case.toml`; raises `FormatError` for a missing file, bad TOML, an unknown key or a wrong type."""
    if not path.is_file():
        message = f'{path.parent} is no case folder: it has no case.toml. Add one with at least: name = "my-case"'
        raise FormatError(message)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not valid TOML ({error})"
        raise FormatError(message) from error
    return parse_meta(data, str(path))


def parse_meta(data: Mapping[str, Any], path: str) -> Meta:
    """Make the description of a case of its keys; raises `FormatError` for an unknown key or a wrong type."""
    kinds: dict[str, type] = {f.name: str for f in fields(Meta)} | {
        "year": int,
        "price_year": int,
        "outside": list,
        "headline_corridors": list,
        "units": dict,
    }
    for key, value in data.items():
        if key not in kinds:
            message = f"{path}: unknown key {key!r}; known are {', '.join(kinds)}"
            raise FormatError(message)
        if not _is_of(value, kinds[key]):
            message = f"{path}: {key} must be of type {kinds[key].__name__}, its items text"
            raise FormatError(message)
    if not data.get("name"):
        message = f"{path}: name is missing"
        raise FormatError(message)
    if data.get("kind", "case") not in {"pack", "case"}:
        message = f'{path}: kind must be "pack" or "case"'
        raise FormatError(message)
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return Meta(**values)


def _is_of(value: object, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, dict):
        return kind is dict and all(isinstance(v, str) for v in value.values())
    if isinstance(value, list):
        return kind is list and all(isinstance(v, str) for v in value)
    return isinstance(value, kind)


def read_table(
    path: Path, declared: Table, *, pack: bool, findings: list[Finding], names: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Read one CSV file strictly; findings are appended, cells in error are left missing.

    `names` gives the schema's name of columns that the file calls otherwise, "" for those not to read. Returns a
    frame of the columns that are there, and the line of each row in the file.
    """
    note = _Notes(path.name, findings)
    rows, lines = read_rows(path, findings)
    if not rows:
        if not any(f.file == path.name for f in findings):
            note.error(1, "", "the file is empty", f"write a header: {','.join(declared.fields)}")
        return pd.DataFrame(), np.zeros(0, dtype=np.int64)
    header = [(names or {}).get(name, name) for name in rows[0]]
    return parse_table(header, rows[1:], lines[1:], declared, file=path.name, pack=pack, findings=findings)


def parse_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    lines: Sequence[int],
    declared: Table,
    *,
    file: str,
    pack: bool,
    findings: list[Finding],
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Parse the cells of a table strictly, as `read_table` does with the cells of a file."""
    note = _Notes(file, findings)
    _check_header(header, declared, pack=pack and len(rows) > 0, note=note)
    at = header.index(declared.key[0]) if len(declared.key) == 1 and declared.key[0] in header else len(header)
    good = []
    for i, (row, line) in enumerate(zip(rows, lines, strict=True)):
        if len(row) != len(header):
            note.error(
                line, "", f"has {len(row)} cells where the header has {len(header)}",
                "add or remove commas; put text with commas in double quotes", row[at] if at < len(row) else "",
            )  # fmt: skip
        else:
            good.append(i)
    if len(good) < len(rows):
        rows, lines = [rows[i] for i in good], [lines[i] for i in good]
    cells = {name: [row[k] for row in rows] for k, name in enumerate(header) if name in declared.fields}
    frame = pd.DataFrame(
        {name: _parse(values, declared.fields[name], lines, pack=pack, note=note) for name, values in cells.items()},
        index=pd.RangeIndex(len(rows)),
    )
    keep = _unique_rows(frame, declared, lines, note)
    return frame.loc[keep].reset_index(drop=True), np.asarray(lines, dtype=np.int64)[keep]


class _Notes:
    """Appends findings of one file."""

    def __init__(self, file: str, findings: list[Finding]) -> None:
        self.file, self.findings = file, findings

    def error(self, line: int, field: str, problem: str, remedy: str, row_id: str = "") -> None:
        self.findings.append(Finding("error", self.file, line, field, problem, remedy, row_id))


def read_rows(path: Path, findings: list[Finding]) -> tuple[list[list[str]], list[int]]:
    """Read the rows of a CSV file, without blank lines, and the line each begins in; findings are appended."""
    note = _Notes(path.name, findings)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        note.error(line, "", f"is not UTF-8 (byte {error.start})", "save the file as UTF-8")
        return [], []
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # a line geometry may be long
    rows: list[list[str]] = []
    lines, start = [], 1
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        problem = f"cannot be read as CSV from here on ({error})"
        note.error(start, "", problem, "check the quotation marks; a quotation mark inside text is written twice")
    return rows, lines


def _check_header(header: Sequence[str], declared: Table, *, pack: bool, note: _Notes) -> None:
    import difflib

    for name in header:
        if name and name not in declared.fields:
            near = difflib.get_close_matches(name, declared.fields, n=1, cutoff=0.6)
            hint = f"rename it to {near[0]!r}" if near else f"remove it; `karavan describe {declared.name}` lists them"
            note.error(1, name, f"unknown column {name!r}", hint)
    for name in sorted({n for n in header if n and header.count(n) > 1}):
        note.error(1, name, f"column {name!r} stands twice", "remove one")
    for name, f in declared.fields.items():
        if name not in header and (f.required == "always" or (f.required == "pack" and pack)) and not f.default:
            note.error(1, name, f"column {name!r} is missing", f"add it: {f.text}")


def _parse(values: Sequence[str], declared: Field, lines: Sequence[int], *, pack: bool, note: _Notes) -> pd.Series[Any]:
    needed = (declared.required == "always" or (declared.required == "pack" and pack)) and not declared.default
    out: list[Any] = []
    for value, line in zip(values, lines, strict=True):
        if not value.strip():
            out.append(None)
            if needed:
                note.error(line, declared.name, "is empty", f"fill it in: {declared.text}")
            continue
        parsed, problem, remedy = parse_cell(value, declared)
        if problem:
            note.error(line, declared.name, problem, remedy)
        out.append(parsed)
    return pd.Series(out, dtype=DTYPES.get(declared.type, "str"))


def parse_cell(value: str, declared: Field) -> tuple[Any, str, str]:
    """Parse one non-empty cell. Returns the value (None if wrong), the problem and the remedy (empty if fine)."""
    if declared.type == "text":
        return value, "", ""
    text = value.strip()
    if declared.type in {"number", "integer"}:
        return _parse_number(text, declared)
    if declared.type == "list":
        return join_list(as_list(text)) or None, "", ""
    if declared.type == "boolean":
        parsed = {"true": True, "false": False}.get(text.lower())
        return parsed, *(("", "") if parsed is not None else _wrong(text, declared))
    fine = {
        "date": is_date(text),
        "choice": text in declared.allowed,
        "id": (KEY if declared.refers_to.startswith("@") else IDENTIFIER).fullmatch(text) is not None,
    }[declared.type]
    return (text, "", "") if fine else (None, *_wrong(text, declared))


def _wrong(text: str, declared: Field) -> tuple[str, str]:
    """Return the problem and the remedy of a cell that is not of its type."""
    return {
        "boolean": (f"{text!r} is neither true nor false", "write true or false"),
        "date": (f"{text!r} is no date", "write YYYY, YYYY-MM or YYYY-MM-DD"),
        "choice": (f"{text!r} is not allowed", f"use one of {', '.join(declared.allowed)}"),
        "id": (f"{text!r} is no identifier", "use letters, digits and - _ > : @ without ; , / or quotes"),
        "number": (f"{text!r} is no number", "write digits with a point, without units or separators: 1234.5"),
        "integer": (f"{text!r} is no whole number", "write a whole number"),
    }[declared.type]


def is_date(text: str) -> bool:
    """Tell whether a text is a year, a month or a day of the calendar.

    Examples
    --------
    >>> is_date("2024-02"), is_date("2023-02-29")
    (True, False)
    """
    if not DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat((text + "-01-01")[:10] if len(text) == len("2024") else (text + "-01")[:10])
    except ValueError:
        return False
    return True


def _parse_number(text: str, declared: Field) -> tuple[Any, str, str]:
    number = float(text) if NUMBER.fullmatch(text) else math.nan
    whole = declared.type == "integer"
    if math.isnan(number) or (whole and math.isfinite(number) and number != int(number)):
        return None, *_wrong(text, declared)
    if math.isinf(number) or (whole and abs(number) >= TOO_LARGE):
        return None, f"{text!r} is too large", "check the unit"
    unit = f" {declared.unit}" if declared.unit else ""
    if declared.minimum is not None and number < declared.minimum:
        return None, f"{text} is below {declared.minimum:g}{unit}", f"give at least {declared.minimum:g}"
    if declared.maximum is not None and number > declared.maximum:
        return None, f"{text} is above {declared.maximum:g}{unit}", f"give at most {declared.maximum:g}"
    if not whole:
        return number, "", ""
    return int(text) if text.lstrip("+-").isdigit() else int(number), "", ""


def _unique_rows(frame: pd.DataFrame, declared: Table, lines: Sequence[int], note: _Notes) -> NDArray[np.bool_]:
    """Mark rows whose key is whole and new; report the others."""
    keep = np.ones(len(frame), dtype=bool)
    if any(k not in frame.columns for k in declared.key):
        return np.zeros(len(frame), dtype=bool)
    seen: dict[tuple[Any, ...], int] = {}
    for i, key in enumerate(frame[list(declared.key)].itertuples(index=False, name=None)):
        if any(pd.isna(part) for part in key):
            keep[i] = False  # already reported as empty or wrong
        elif key in seen:
            keep[i] = False
            shown = "/".join(str(part) for part in key)
            note.error(
                lines[i], declared.key[0], f"{shown!r} stands already in line {seen[key]}", "give it another id", shown
            )
        else:
            seen[key] = lines[i]
    return keep


def read_case(folder: str | Path) -> Case:
    """Read a case folder strictly.

    Raises `CaseError` with every finding when there is any error, `FormatError` when it is no case folder.
    """
    from karavan.schema.check import check_tables

    case, findings = load(folder)
    findings += check_tables(case, findings)
    if any(f.severity == "error" for f in findings):
        raise CaseError(case.meta.name, findings)
    return case


def write_case(case: Case, folder: str | Path) -> Path:
    """Write a case as a folder of CSV files; empty tables are left out.

    The folder appears whole or not at all. An existing folder is replaced only if it is a case folder
    (raises `FormatError` otherwise); files in it that are no tables are kept.
    """
    folder = Path(folder)
    with whole_folder(folder, marker="case.toml", ours=_is_ours) as staging:
        write_text(staging / "case.toml", meta_toml(case.meta))
        for name, frame in case.tables.items():
            if len(frame) or name in NEEDED:
                write_text(staging / f"{name}.csv", table_csv(frame, schema()[name]))
    return folder


def _is_ours(name: str) -> bool:
    return name == "case.toml" or (name.endswith(".csv") and name[:-4] in schema())


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, line ends as they are."""
    path.write_text(text, encoding="utf-8", newline="")


def meta_toml(meta: Meta) -> str:
    """Write `case.toml`, leaving out what is not set."""
    import tomli_w

    data: dict[str, Any] = {}
    for f in fields(Meta):
        value = getattr(meta, f.name)
        if value not in (None, "", ()):
            data[f.name] = list(value) if isinstance(value, tuple) else value
    data["units"] = dict(meta.units)
    return tomli_w.dumps({k: v for k, v in data.items() if v != {}})


def table_csv(
    frame: pd.DataFrame,
    declared: Table,
    names: Mapping[str, str] | None = None,
    extra: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Write one table as CSV text; columns that are empty throughout are left out unless required.

    `names` renames columns of the schema in the file, and puts these first, whether empty or not. `extra` are columns
    of text that the schema does not have, written last.
    """
    names = names or {}
    data = frame.reset_index() if len(declared.key) == 1 else frame
    wanted = [c for c, f in declared.fields.items() if f.required == "always" or data[c].notna().any()]
    columns = [*names, *(c for c in wanted if c not in names)]
    texts = [[quoted(cell_text(v)) for v in data[c].tolist()] for c in columns]
    texts += [[quoted(cell) for cell in cells] for cells in (extra or {}).values()]
    header = [*(names.get(c, c) for c in columns), *(extra or {})]
    lines = [",".join(map(quoted, header)), *map(",".join, zip(*texts, strict=True))]
    return "\n".join('""' if line == "" else line for line in lines) + "\n"


def quoted(text: str) -> str:
    """Write a CSV cell, in quotation marks where it needs them."""
    # the csv module leaves a lone carriage return bare, and readers take it for the end of a line
    return '"' + text.replace('"', '""') + '"' if SPECIAL.search(text) else text


def cell_text(value: Any) -> str:
    """Write a cell so that parsing it gives the same value; floats at full precision, missing as nothing.

    Examples
    --------
    >>> cell_text(0.1), cell_text(3.0), cell_text(True), cell_text(None)
    ('0.1', '3', 'true', '')
    """
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(float(value))
    return str(value)
