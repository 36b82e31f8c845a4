"""Checks of a case: all findings at once, each with file, line, field, problem and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.errors import CaseError, Finding
from karavan.schema import rules
from karavan.schema.case import Case, as_list, row_key
from karavan.schema.tables import schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from karavan.schema.tables import Field, Table

FREE_TARGETS = {"countries", "operators"}  # restrictions may name these, which are no tables


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What checking found. `errors` stop, `warnings` do not."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that make the case unusable."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings a person should look at."""
        return tuple(f for f in self.findings if f.severity == "warning")

    def raise_if_errors(self) -> None:
        """Raise `CaseError` with all findings when there is any error."""
        if self.errors:
            raise CaseError(self.name, self.findings)


def check(case: Case | str | Path) -> CheckReport:
    """Check a case, or a case folder, and return all findings, files in order.

    A folder is read as far as it can be, so findings of the files and of the network come together.
    """
    from karavan.schema.io.folder import load

    findings: list[Finding] = []
    if not isinstance(case, Case):
        case, findings = load(case)
    findings = findings + check_tables(case, findings)
    return CheckReport(case.meta.name, tuple(sorted(set(findings), key=_place)))


def _place(finding: Finding) -> tuple[bool, str, int, str, str]:
    return finding.severity != "error", finding.file, finding.line, finding.field, finding.problem


def check_tables(case: Case, findings: Sequence[Finding] = ()) -> list[Finding]:
    """Check cells, references, citations and the network of a case that could be read.

    `findings` are those of its files: what only follows from them is not said again.
    """
    tables = {case.file(name): name for name in reversed(schema())}  # the first of those that share a file
    unread = {tables[f.file] for f in findings if f.file in tables and _spoils(f, schema()[tables[f.file]])}
    lost = {name: {f.id for f in findings if f.id and tables.get(f.file) == name} for name in schema()}
    found = [*cells(case), *references(case, unread=unread, lost=lost), *citations(case)]
    for rule, needs in rules.RULES:
        if not unread & set(needs):
            found.extend(_finding(case, raw) for raw in rule(case))
    said = {(f.file, f.line, f.field) for f in findings} | {(f.file, 0, f.field) for f in findings if f.line == 1}
    return [f for f in found if (f.file, f.line, f.field) not in said and (f.file, 0, f.field) not in said]


def _spoils(finding: Finding, table: Table) -> bool:
    """Tell whether a finding of a file means that rows of its table are missing."""
    return (not finding.field and not finding.id) or (finding.line <= 1 and finding.field in table.key)


def _finding(case: Case, raw: rules.Raw) -> Finding:
    """Make a finding of a rule's answer."""
    severity, table, row, field, problem, remedy = raw
    at = case.lines.get(table)
    line = int(at[row]) if at is not None else 0
    row_id = _row_id(case, table, row)
    where = f" ({row_id})" if row_id and row_id not in problem else ""
    return Finding(severity, case.file(table), line, field, problem + where, remedy, row_id)


def _row_id(case: Case, table: str, row: int) -> str:
    return str(row_key(case.tables[table].iloc[[row]], schema()[table])[0])


def cells(case: Case) -> Iterator[Finding]:
    """Report keys that stand twice and cells that are missing, out of bounds or not allowed.

    Files are checked when read; this holds for frames that come from elsewhere too.
    """
    pack = case.meta.kind == "pack"
    for name, declared in schema().items():
        frame = case.tables[name]
        if not len(frame):
            continue
        for row in rules.positions(row_key(frame, declared).duplicated()):
            shown = _row_id(case, name, row)
            yield _finding(case, ("error", name, row, declared.key[0], f"{shown!r} stands twice", "give it another id"))
        for field in declared.fields.values():
            values = pd.Series(frame.index) if field.name == frame.index.name else frame[field.name]
            for row, problem, remedy in _cell_faults(values, field, pack=pack):
                yield _finding(case, ("error", name, row, field.name, problem, remedy))


def _cell_faults(values: pd.Series[Any], field: Field, *, pack: bool) -> Iterator[tuple[int, str, str]]:
    missing = values.isna().to_numpy(dtype=bool)
    if (field.required == "always" or (field.required == "pack" and pack)) and missing.any():
        for row in rules.positions(missing):
            yield row, "is empty", f"fill it in: {field.text}"
    if field.allowed:
        for row in rules.positions(~missing & ~values.isin(field.allowed).to_numpy(dtype=bool)):
            yield row, f"{values.iloc[row]!r} is not allowed", f"use one of {', '.join(field.allowed)}"
    if field.type in {"number", "integer"} and not missing.all():
        numbers = values.astype("float64").to_numpy()
        for row in rules.positions(np.isinf(numbers)):
            yield row, "is not a finite number", "check where it comes from"
        for bound, below in ((field.minimum, True), (field.maximum, False)):
            if bound is not None:
                for row in rules.positions(numbers < bound if below else numbers > bound):
                    word, most = ("below", "least") if below else ("above", "most")
                    yield row, f"{numbers[row]:g} is {word} {bound:g}", f"give at {most} {bound:g}"


def references(
    case: Case, *, unread: AbstractSet[str] = frozenset(), lost: Mapping[str, AbstractSet[str]] | None = None
) -> Iterator[Finding]:
    """Report every cell that names a row that is not there.

    `unread` are tables whose files could not be read, `lost` the ids of rows that were left out by table: naming
    these is no fault of the cell that does.
    """
    ids = _Ids(case, lost or {})
    places = set(case.nodes["place"].dropna())
    bare: dict[str, list[Finding]] = {}
    for name, declared in schema().items():
        frame = case.tables[name]
        for field in declared.fields.values():
            if not field.refers_to or not len(frame):
                continue
            for row, part, target in _named(frame, field, ids):
                if target in FREE_TARGETS or target in unread:
                    continue
                if target not in case.tables:
                    yield _finding(case, ("error", name, row, field.refers_to[1:], f"{target!r} is no table",
                                   "name a table of the case"))  # fmt: skip
                elif part not in ids[target] and not ((name, target) == ("aliases", "nodes") and part in places):
                    found = _finding(case, ("error", name, row, field.name, f"{part!r} is not in {case.file(target)}",
                                     _nearest(part, ids[target], case.file(target))))  # fmt: skip
                    if ids[target]:
                        yield found
                    else:
                        bare.setdefault(target, []).append(found)
    yield from _bare_tables(case, bare)


def _bare_tables(case: Case, bare: Mapping[str, Sequence[Finding]]) -> Iterator[Finding]:
    """Report a table without rows once, however many cells name some; a single cell is reported where it stands."""
    for target, named in bare.items():
        if len(named) == 1:
            yield named[0]
            continue
        first, file = named[0], case.file(target)
        where = f"{first.file}:{first.line}" if first.line else first.file
        problem = f"has no rows, and {len(named)} cells name rows of it, first {where} {first.field}"
        yield Finding("error", file, 0, "", problem, f"add the rows to {file}")


class _Ids(dict[str, set[str]]):
    """The ids of each table that something names, made when first asked for: demand may have millions of rows."""

    def __init__(self, case: Case, lost: Mapping[str, AbstractSet[str]]) -> None:
        super().__init__()
        self.case, self.lost = case, lost

    def __missing__(self, name: str) -> set[str]:
        ids = {str(key) for key in row_key(self.case.tables[name], schema()[name])} | self.lost.get(name, set())
        if name == "corridors":
            ids |= set(self.case.corridors["corridor"])
        self[name] = ids
        return ids


def _named(frame: pd.DataFrame, field: Field, ids: _Ids) -> Iterator[tuple[int, str, str]]:
    """Yield (row, name, table) for what a column names; names that are there for certain are left out."""
    values = pd.Series(frame.index) if field.name == frame.index.name else frame[field.name].reset_index(drop=True)
    if not field.refers_to.startswith("@"):
        values = values[values.notna() & ~values.isin(list(ids[field.refers_to]))]
        targets = pd.Series(field.refers_to, index=values.index)
    else:
        targets = frame[field.refers_to[1:]].reset_index(drop=True)
        values = values[values.notna() & targets.notna()]
        targets = targets[values.index]
    for row, cell, target in zip(values.index, values, targets, strict=True):
        for part in as_list(cell) if field.type == "list" else [str(cell)]:
            yield row, part, str(target)


def _nearest(part: str, known: set[str], file: str) -> str:
    import difflib

    near = difflib.get_close_matches(part, known, n=1, cutoff=0.6)
    return f"write {near[0]!r}, or add the row to {file}" if near else f"add the row to {file}"


def citations(case: Case) -> Iterator[Finding]:
    """Report rows of confidence C without a note that says how, and provenance of fields that do not exist."""
    for name, declared in schema().items():
        frame = case.tables[name]
        if declared.cited and len(frame):
            bare = (frame["confidence"] == "C").fillna(False) & frame["note"].isna()
            for row in rules.positions(bare.to_numpy(dtype=bool)):
                yield _finding(case, ("warning" if case.meta.kind == "case" else "error", name, row, "note",
                               "is empty on a row of confidence C", "say how the estimate was made"))  # fmt: skip
    for row, (table, field) in enumerate(zip(case.provenance["table"], case.provenance["field"], strict=True)):
        if table in schema() and field not in schema()[table].fields:
            yield _finding(case, ("error", "provenance", row, "field", f"{table} has no field {field!r}",
                           f"`karavan describe {table}` lists them"))  # fmt: skip
