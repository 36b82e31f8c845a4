"""A CSV of shipments, read and checked: every fault at once, with its line, field and remedy."""

from __future__ import annotations

import csv
import math
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.errors import AmbiguousName, CaseError, Finding, FormatError, NameNotFound, ShipmentError
from karavan.routing.shipment import Shipment
from karavan.schema.names import find_commodity, find_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from karavan.schema.case import Case

COLUMNS = tuple(f.name for f in fields(Shipment))
REQUIRED = ("origin", "destination", "commodity")
NUMBERS = ("tonnes", "window_days", "within_days")
MOST_FAULTS = 1000  # beyond this many the file is another file


def read_shipments(file: str | Path, case: Case) -> dict[str, Shipment]:
    """Read shipments from a CSV file whose columns are named as the fields of `Shipment`.

    Parameters
    ----------
    file
        UTF-8 with a line of names. `origin`, `destination` and `commodity` are needed; `id` names a shipment in the
        answer (by default its line); an empty cell is the field's default.
    case
        The case whose places and commodities are meant.

    Returns
    -------
    Shipments by id, in the order of the file.

    Raises
    ------
    FormatError
        The file cannot be read as CSV, lacks a column or has one that is none of these.
    CaseError
        Rows are wrong; `findings` holds all faults.
    """
    path = Path(file)
    lines = _lines(path)
    asked, findings = _Asked(case, path.name), []
    shipments: dict[str, Shipment] = {}
    for line, row in lines:
        faults = [Finding("error", path.name, line, *fault) for fault in asked.faults(row)]
        name = row.get("id") or str(line)
        if name in shipments:
            faults.append(
                Finding("error", path.name, line, "id", f"{name!r} stands twice", "give each shipment an id of its own")
            )
        if not faults:
            try:
                shipments[name] = asked.shipment(row)
            except ShipmentError as error:
                faults = [Finding("error", path.name, line, "", str(error), "correct the row")]
        findings += faults
        if len(findings) >= MOST_FAULTS:
            break
    if findings:
        raise CaseError(path.name, findings)
    if not shipments:
        message = f"{path}: holds no shipment"
        raise FormatError(message)
    return shipments


def _lines(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows with their lines; blank lines are left out."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source, strict=True)
            names = [str(n).strip() for n in reader.fieldnames or ()]
            _check_columns(path, names)
            reader.fieldnames = names
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    message = f"{path}:{reader.line_num}: has {'more' if None in row else 'fewer'} cells than columns"
                    raise FormatError(message)
                if any(str(v).strip() for v in row.values()):
                    rows.append((reader.line_num, {k: str(v).strip() for k, v in row.items()}))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: cannot be read as CSV in UTF-8 ({error})"
        raise FormatError(message) from error
    return rows


def _check_columns(path: Path, names: list[str]) -> None:
    known = ("id", *COLUMNS)
    if twice := sorted({n for n in names if names.count(n) > 1}):
        message = f"{path}: column {twice[0]!r} stands twice"
        raise FormatError(message)
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            message = f"{path}: column {name!r} is none of a shipment; {hint}"
            raise FormatError(message)
    if lacking := [n for n in REQUIRED if n not in names]:
        message = f"{path}: has no column {', '.join(lacking)}"
        raise FormatError(message)


class _Asked:
    """Checks rows against a case; a name is looked up once."""

    def __init__(self, case: Case, file: str) -> None:
        self.case, self.file = case, file
        self._known: dict[tuple[str, str], tuple[str, str] | None] = {}

    def faults(self, row: dict[str, str]) -> Iterator[tuple[str, str, str]]:
        """Yield field, problem and remedy of each fault of a row."""
        for field, find in (("origin", find_nodes), ("destination", find_nodes), ("commodity", find_commodity)):
            if not row[field]:
                yield field, "is empty", "name it"
            elif (fault := self._fault(field, row[field], find)) is not None:
                yield field, *fault
        unit, units = row.get("unit"), self.case.carrying_units.index
        if unit and unit not in units:
            yield "unit", f"no carrying unit is called {unit!r}", f"name one of {', '.join(units)}"
        for field in NUMBERS:
            if row.get(field) and not _is_number(row[field]):
                yield field, f"{row[field]!r} is no number", "write digits with a point: 1500.5"

    def _fault(self, field: str, name: str, find: Callable[[Case, str], Any]) -> tuple[str, str] | None:
        key = ("commodity" if field == "commodity" else "place", name)
        if key not in self._known:
            self._known[key] = self._look_up(name, find)
        return self._known[key]

    def _look_up(self, name: str, find: Callable[[Case, str], Any]) -> tuple[str, str] | None:
        try:
            find(self.case, name)
        except NameNotFound as error:
            near = ", ".join(error.suggestions)
            return f"no {error.kind} is called {name!r}", f"perhaps {near}" if near else "use a name of the case"
        except AmbiguousName as error:
            return f"{name!r} stands for more than one {error.kind}", f"give one of {', '.join(error.candidates)}"
        return None

    def shipment(self, row: dict[str, str]) -> Shipment:
        """Return the shipment of a row without faults."""
        given: dict[str, Any] = {
            name: float(cell) if name in NUMBERS else cell
            for name, cell in row.items()
            if cell and name in COLUMNS and name not in REQUIRED
        }
        return Shipment(row["origin"], row["destination"], row["commodity"], **given)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
