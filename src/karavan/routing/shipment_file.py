"""A CSV of shipments, read and checked: every fault at once, with its line, field and remedy."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.errors import CaseError, Finding, ShipmentError
from karavan.routing.shipment import Shipment
from karavan.schema.io.plain_csv import MOST_FAULTS, name_fault, number_of, read_rows
from karavan.schema.names import find_commodity, find_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from karavan.schema.case import Case

COLUMNS = tuple(f.name for f in fields(Shipment))
REQUIRED = ("origin", "destination", "commodity")
NUMBERS = ("tonnes", "window_days", "within_days")


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
        The file cannot be read as CSV, lacks a column, has one that is none of these, or no row.
    CaseError
        Rows are wrong; `findings` holds all faults.
    """
    path = Path(file)
    lines = read_rows(path, ("id", *COLUMNS), required=REQUIRED, thing="shipment")
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
    return shipments


class _Asked:
    """Checks rows against a case; a name is looked up once."""

    def __init__(self, case: Case, file: str) -> None:
        self.case, self.file = case, file
        self._known: dict[tuple[str, str], tuple[str, str] | None] = {}

    def faults(self, row: dict[str, str]) -> Iterator[tuple[str, str, str]]:
        """Yield field, problem and remedy of each fault of a row."""
        for field, find in (("origin", find_nodes), ("destination", find_nodes), ("commodity", find_commodity)):
            if (fault := self._fault(field, row[field], find)) is not None:
                yield field, *fault
        unit, units = row.get("unit"), self.case.carrying_units.index
        if unit and unit not in units:
            yield "unit", f"no carrying unit is called {unit!r}", f"name one of {', '.join(units)}"
        for field in NUMBERS:
            if row.get(field) and number_of(row[field]) is None:
                yield field, f"{row[field]!r} is no number", "write digits with a point: 1500.5"

    def _fault(self, field: str, name: str, find: Callable[[Case, str], Any]) -> tuple[str, str] | None:
        key = ("commodity" if field == "commodity" else "place", name)
        if key not in self._known:
            self._known[key] = name_fault(self.case, name, find)
        return self._known[key]

    def shipment(self, row: dict[str, str]) -> Shipment:
        """Return the shipment of a row without faults."""
        given: dict[str, Any] = {
            name: float(cell) if name in NUMBERS else cell
            for name, cell in row.items()
            if cell and name in COLUMNS and name not in REQUIRED
        }
        return Shipment(row["origin"], row["destination"], row["commodity"], **given)
