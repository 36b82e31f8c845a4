"""The declared tables of a case: every field once, with type, unit, default, bounds and text.

The declarations are the CSV files in `tables/`; they drive reading, checking, file formats and the docs page.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from karavan.errors import NameNotFound

FieldType = Literal["id", "text", "number", "integer", "boolean", "date", "choice", "list"]


@dataclass(frozen=True, slots=True)
class Field:
    """One declared column."""

    name: str
    type: FieldType
    unit: str
    required: Literal["always", "pack", "no"]
    default: str
    minimum: float | None
    maximum: float | None
    allowed: tuple[str, ...]
    refers_to: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """One declared table: its fields in order and the fields that make a row unique."""

    name: str
    title: str
    text: str
    key: tuple[str, ...]
    cited: bool
    fields: dict[str, Field]


def _fields(text: str) -> dict[str, Field]:
    return {
        row["field"]: Field(
            name=row["field"],
            type=row["type"],  # type: ignore[arg-type]
            unit=row["unit"],
            required=row["required"],  # type: ignore[arg-type]
            default=row["default"],
            minimum=float(row["minimum"]) if row["minimum"] else None,
            maximum=float(row["maximum"]) if row["maximum"] else None,
            allowed=tuple(row["allowed"].split(";")) if row["allowed"] else (),
            refers_to=row["refers_to"],
            text=row["text"],
        )
        for row in csv.DictReader(text.splitlines())
    }


@cache
def schema() -> dict[str, Table]:
    """Return every declared table by name, in the order of `tables.csv`."""
    folder = resources.files("karavan.schema") / "tables"
    cited = _fields((folder / "cited.csv").read_text(encoding="utf-8"))
    tables = {}
    for row in csv.DictReader((folder / "tables.csv").read_text(encoding="utf-8").splitlines()):
        fields = _fields((folder / f"{row['table']}.csv").read_text(encoding="utf-8"))
        is_cited = row["cited"] == "true"
        tables[row["table"]] = Table(
            name=row["table"],
            title=row["title"],
            text=row["text"],
            key=tuple(row["key"].split(";")),
            cited=is_cited,
            fields=fields | (cited if is_cited else {}),
        )
    return tables


def table(name: str) -> Table:
    """Return one declared table; raises `NameNotFound` with the nearest names."""
    import difflib

    tables = schema()
    if name not in tables:
        raise NameNotFound(name, "table", difflib.get_close_matches(name, tables, n=3, cutoff=0.4))
    return tables[name]
