"""A CSV of targets, read and checked: every fault at once, with its line, field and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from karavan.errors import CaseError, Finding
from karavan.schema.io.plain_csv import MOST_FAULTS, name_fault, number_of, read_rows
from karavan.schema.names import find_commodity, find_zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from karavan.schema.case import Case

REQUIRED = ("origin", "destination", "commodity", "tonnes")
COLUMNS = (*REQUIRED, "promise", "due")
ONE = "promise"  # name of rows that name no promise: all of them are one
YEARS = (1900, 2200)


def read_targets(file: str | Path, case: Case) -> pd.DataFrame:
    """Read what promises ask for from a CSV file, as `invest` takes it.

    Parameters
    ----------
    file
        UTF-8 with a line of names: `origin` and `destination` (zones of the case), `commodity`, `tonnes` a year; if
        wanted `promise`, the name that rows of one promise share, and `due`, the year from which it holds.
    case
        The case whose zones and commodities are meant, by id, name or alias.

    Returns
    -------
    One row a line: ids of origin, destination and commodity, tonnes, promise, due (missing: from the first year).

    Raises
    ------
    FormatError
        The file cannot be read as CSV, lacks a column, has one that is none of these, or no row.
    CaseError
        Rows are wrong; `findings` holds all faults.
    """
    path = Path(file)
    findings: list[Finding] = []
    rows: list[tuple[str, str, str, float, str, int | None]] = []
    seen: dict[tuple[str, ...], int] = {}
    dues: dict[str, str] = {}
    for line, row in read_rows(path, COLUMNS, required=REQUIRED, thing="target"):
        faults = list(_faults(case, row))
        name = row.get("promise") or ONE
        if row.get("due") and dues.setdefault(name, row["due"]) != row["due"]:
            faults.append(("due", f"promise {name!r} is due in {dues[name]} above", "give a promise one year"))
        if not faults:
            ends = (find_zone(case, row["origin"]), find_zone(case, row["destination"]))
            key = (name, *ends, find_commodity(case, row["commodity"]))
            if key in seen:
                faults.append(("", f"says again what line {seen[key]} says", "give one row with all tonnes"))
            elif ends[0] == ends[1]:
                faults.append(("destination", f"is the origin, {ends[0]}", "goods that stay are not carried"))
            seen.setdefault(key, line)
            due = number_of(row.get("due", ""))
            rows.append((*ends, key[3], float(row["tonnes"]), name, None if due is None else int(due)))
        findings += [Finding("error", path.name, line, *fault) for fault in faults]
        if len(findings) >= MOST_FAULTS:
            break
    if findings:
        raise CaseError(path.name, findings)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"due": "Int64"})


def _faults(case: Case, row: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield field, problem and remedy of each fault of a row by itself."""
    for field, find in (("origin", find_zone), ("destination", find_zone), ("commodity", find_commodity)):
        if (fault := name_fault(case, row[field], find)) is not None:
            yield field, *fault
    tonnes = number_of(row["tonnes"])
    if tonnes is None:
        yield "tonnes", f"{row['tonnes']!r} is no number" if row["tonnes"] else "is empty", "write digits: 1500.5"
    elif tonnes <= 0:
        yield "tonnes", f"{row['tonnes']} is not above 0", "give tonnes a year"
    due = row.get("due", "")
    year = number_of(due)
    if due and (year is None or year != int(year) or not YEARS[0] <= year <= YEARS[1]):
        yield "due", f"{due!r} is no year", "write it as 2030, or leave it empty"
