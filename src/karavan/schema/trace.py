"""The chain of a cell: from its value back to the page, computation or judgement it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from karavan.errors import NameNotFound
from karavan.schema.case import as_list, row_key
from karavan.schema.tables import Table, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from karavan.schema.case import Case

Kind = Literal["cell", "row", "provenance", "source", "formula", "fact", "scenario"]
SCENARIO = "scenario-"  # ids of sources that stand for a scenario begin so
SOURCE_FIELDS = ("title", "publisher", "published", "address", "kind", "licence", "note")


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain: what it is, what it says, and where that stands.

    `file` and `line` are where the row can be read; line 0 when it is not known. `details` are the fields of the row
    that are not empty, by name: for a source its title, publisher, date and address.
    """

    kind: Kind
    text: str
    table: str = ""
    id: str = ""
    file: str = ""
    line: int = 0
    details: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        where = f" [{self.file}{f':{self.line}' if self.line else ''}]" if self.file else ""
        return f"{self.kind}: {self.text}{where}"


@dataclass(frozen=True, slots=True)
class Trace:
    """Where the value of one cell comes from; `steps` lead from the cell to its sources.

    `value` is None when the cell is empty. `confidence` and `note` are those of the cell where provenance gives it its
    own, else of its row; `other_values` is what other sources say.
    """

    table: str
    id: str
    field: str
    value: Any
    unit: str
    confidence: str
    note: str
    other_values: str
    steps: tuple[Step, ...]

    @property
    def sources(self) -> tuple[Step, ...]:
        """The steps that are rows of the sources table."""
        return tuple(step for step in self.steps if step.kind == "source")

    def to_json(self) -> dict[str, Any]:
        """Return the chain as plain values."""
        names = ("kind", "text", "table", "id", "file", "line")
        steps = [{n: getattr(s, n) for n in names} | {"details": dict(s.details)} for s in self.steps]
        own = ("table", "id", "field", "value", "unit", "confidence", "note", "other_values")
        return {n: getattr(self, n) for n in own} | {"steps": steps}

    def __str__(self) -> str:
        shown = "empty" if self.value is None else f"{self.value} {self.unit}".rstrip()
        lines = [f"{self.table}/{self.id}/{self.field} = {shown}"]
        lines += [f"  {step}" for step in self.steps]
        return "\n".join(lines)


def trace(case: Case, name: str, row_id: str, field_name: str) -> Trace:
    """Return the chain of one cell of a case.

    `row_id` is the row's id; the fields of a composite key are joined by "/".
    Raises `NameNotFound` for a table, row or field that is not there, with the nearest names.
    """
    declared = table(name)
    if field_name not in declared.fields:
        raise NameNotFound(field_name, f"field of {name}", _near(field_name, declared.fields))
    row = _position(case, declared, row_id)
    value = _value(case.tables[name], row, field_name)
    own = _provenance(case, name, row_id, field_name)
    steps = [_cell_step(case, declared, row, row_id, field_name, value)]
    cited = _texts(case.tables[name], row) if declared.cited else {}
    if own is not None:
        steps.append(own)
    steps += _formula_steps(case, row_id) if (name, field_name) == ("facilities", "capacity_computed") else []
    details = own.details if own is not None else {}
    sources = as_list(details.get("source") or cited.get("source", ""))
    sources += [s for step in steps if step.kind == "formula" for s in as_list(step.details.get("source"))]
    steps += [step for source in dict.fromkeys(sources) if (step := _source_step(case, source)) is not None]
    return Trace(
        table=name,
        id=row_id,
        field=field_name,
        value=value,
        unit=_unit(case, declared, field_name, row),
        confidence=details.get("confidence") or cited.get("confidence", ""),
        note=details.get("note") or cited.get("note", ""),
        other_values=details.get("other_values", ""),
        steps=tuple(steps),
    )


def _near(name: str, known: Any) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, [str(k) for k in known], n=3, cutoff=0.4)


def _position(case: Case, declared: Table, row_id: str) -> int:
    keys = row_key(case.tables[declared.name], declared)
    at = np.flatnonzero(np.asarray(keys == row_id, dtype=bool))
    if not len(at):
        raise NameNotFound(row_id, f"row of {declared.name}", _near(row_id, keys))
    return int(at[0])


def _value(frame: pd.DataFrame, row: int, name: str) -> Any:
    value = frame.index[row] if name == frame.index.name else frame[name].iloc[row]
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _texts(frame: pd.DataFrame, row: int) -> dict[str, str]:
    """Return the cells of a row that are not empty, as text."""
    values = frame.iloc[row]
    return {str(name): str(value) for name, value in values.items() if not pd.isna(value)}


def _unit(case: Case, declared: Table, name: str, row: int) -> str:
    """Return the unit of a cell: what the case declares, the row's own `unit`, or the schema's."""
    said = case.meta.units.get(f"{declared.name}.{name}")
    if said:
        return said
    unit = declared.fields[name].unit
    own = _value(case.tables[declared.name], row, "unit") if "unit" in declared.fields else None
    if own and unit == "unit":
        return str(own)
    return unit.replace("unit", str(own), 1) if own and unit == "unit/yr" else unit


def _place(case: Case, name: str, row: int) -> tuple[str, int]:
    """Return the file of a table and the line of a row, as far as they are known."""
    at = case.lines.get(name)
    if not case.origin:
        return "", 0
    folder = Path(case.origin)
    file = str(folder / case.file(name)) if folder.suffix != ".gpkg" else str(folder.parent / case.file(name))
    return file, int(at[row]) if at is not None else 0


def _cell_step(case: Case, declared: Table, row: int, row_id: str, name: str, value: Any) -> Step:
    file, line = _place(case, declared.name, row)
    unit = _unit(case, declared, name, row)
    said = "is empty" if value is None else f"is {value} {unit}".rstrip()
    text = f"{name} of {row_id} {said}: {declared.fields[name].text}"
    return Step("cell", text, declared.name, row_id, file, line)


def _provenance(case: Case, name: str, row_id: str, field_name: str) -> Step | None:
    frame = case.provenance
    mine = (frame["table"] == name) & (frame["id"] == row_id) & (frame["field"] == field_name)
    at = np.flatnonzero(mine.to_numpy(dtype=bool))
    if not len(at):
        return None
    row = int(at[0])
    details = {k: v for k, v in _texts(frame, row).items() if k not in {"table", "id", "field"}}
    said = [details.get("note", "")]
    if "other_values" in details:
        said.append(f"other sources say: {details['other_values']}")
    text = "; ".join(part for part in said if part) or "this cell has a source of its own"
    file, line = _place(case, "provenance", row)
    kind: Kind = "scenario" if details.get("source", "").startswith(SCENARIO) else "provenance"
    return Step(kind, text, "provenance", f"{name}/{row_id}/{field_name}", file, line, details)


def _formula_steps(case: Case, facility: str) -> list[Step]:
    """Return what a computed capacity is made of: the formula, then one step for each of its inputs."""
    frame = case.asset_inputs
    rows = np.flatnonzero((frame["facility"] == facility).to_numpy(dtype=bool)).tolist()
    steps: list[Step] = []
    for row in rows:
        cells, name = _texts(frame, row), str(frame.index[row])
        file, line = _place(case, "asset_inputs", row)
        if not steps:
            said = f"{cells['formula']} of the inputs below"
            steps.append(Step("formula", said, "asset_inputs", facility, file, line))
        text = f"{cells['input']} = {cells['value']} {cells.get('unit', '')}".rstrip()
        text += f": {cells['note']}" if "note" in cells else ""
        steps.append(Step("formula", text, "asset_inputs", name, file, line, cells))
    return steps


def _source_step(case: Case, source: str) -> Step | None:
    frame = case.sources
    if source not in frame.index:
        return None  # check reports it
    row = frame.index.tolist().index(source)
    cells = _texts(frame, row)
    details = {name: cells[name] for name in SOURCE_FIELDS if name in cells}
    text = ", ".join(cells[name] for name in ("publisher", "title", "published", "address") if name in cells)
    file, line = _place(case, "sources", row)
    return Step("source", text, "sources", source, file, line, details)
