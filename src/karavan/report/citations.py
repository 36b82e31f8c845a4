"""Where every number on the page comes from: cited values, and the registry of origins they point to.

A template never prints a bare number: it prints a `Cited`, which is a link to an entry of the page's appendix. An entry
stands for one origin (a row of a table, a run, a facility in a run) however many numbers point to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from karavan.report.wording import NOT_KNOWN, is_missing
from karavan.schema.case import as_list, row_key
from karavan.schema.io.folder import table_csv
from karavan.schema.tables import schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from karavan.schema.case import Case
    from karavan.schema.tables import Field

CONFIDENCE = {"A": "A (official)", "B": "B (press or secondary)", "C": "C (estimate)"}
Record = Mapping[Any, Any]  # a row of a frame as a dictionary
Item = tuple[str, Any]  # a term and what is said of it: text, Markup or Cited


@dataclass(frozen=True, slots=True)
class Cited:
    """Text that links to where it comes from: `anchor` is the id of an entry on the same page, `title` a hint."""

    text: str
    anchor: str
    title: str = ""

    def __html__(self) -> Markup:
        """Return the link; text, anchor and hint are escaped."""
        title = Markup(' title="{}"').format(self.title) if self.title else ""
        return Markup('<a class="n" href="#{}"{}>{}</a>').format(self.anchor, title, self.text)

    def __str__(self) -> str:
        return self.text


def joined(items: Iterable[Any], separator: str = ", ") -> Markup:
    """Join cited values or texts, each escaped."""
    return Markup(separator).join(items)  # noqa: S704 (separators are our own)


def web_link(address: Any) -> Markup | str:
    """Return a link for an http(s) address; anything else stays text."""
    text = "" if is_missing(address) else str(address).strip()
    if text.lower().startswith(("http://", "https://")) and not any(c.isspace() or c in '"<>' for c in text):
        return Markup('<a class="out" rel="noreferrer" href="{0}">{0}</a>').format(text)
    return text


@dataclass(slots=True)
class Entry:
    """One origin in the appendix."""

    anchor: str
    title: str
    kind: str
    items: list[Item] = field(default_factory=list)


class Traces:
    """The registry of origins of one page. Entries are numbered in the order they are first cited."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.entries: dict[tuple[str, ...], Entry] = {}
        self._keys: dict[str, dict[str, int]] = {}
        self._records: dict[str, list[Any]] = {}
        self._sources = {str(s): f"s{i + 1}" for i, s in enumerate(case.sources.index)}
        self._provenance: dict[tuple[str, str], list[Record]] = {}
        for row in case.provenance.to_dict("records"):
            self._provenance.setdefault((str(row["table"]), str(row["id"])), []).append(row)

    def add(self, key: tuple[str, ...], title: str, kind: str) -> tuple[Entry, bool]:
        """Return the entry of a key, and whether it is new and still to be filled."""
        if key in self.entries:
            return self.entries[key], False
        self.entries[key] = Entry(f"t{len(self.entries) + 1}", title, kind)
        return self.entries[key], True

    def row(self, table: str, row_id: str) -> str:
        """Return the anchor of a row of a table, filling its entry when first asked for."""
        declared = schema()[table]
        entry, new = self.add((table, row_id), f"{declared.title}: {row_id}", "input row")
        if new:
            entry.items = self._row_items(table, row_id)
        return entry.anchor

    def _row_items(self, table: str, row_id: str) -> list[Item]:
        declared = schema()[table]
        if table not in self._keys:
            frame = self.case.tables[table]
            self._keys[table] = {str(k): i for i, k in enumerate(row_key(frame, declared))}
            self._records[table] = frame.to_dict("records")
        at = self._keys[table].get(row_id)
        if at is None:
            return [("row", "not in the table")]
        row = self._records[table][at]
        items: list[Item] = []
        line = self.case.lines.get(table)
        where = f"{table}.csv" if line is None or at >= len(line) else f"{table}.csv, line {int(line[at])}"
        items.append(("file", where))
        for name, f in declared.fields.items():
            if name in {"source", "confidence", "note", "geometry"} or name not in row or is_missing(row[name]):
                continue
            items.append((name, cell_text(row[name], f)))
        return items + self.citation_items(row) + self._other_values(table, row_id)

    def citation_items(self, row: Record | pd.Series[Any]) -> list[Item]:
        """Return source, confidence and note of a row, those it has."""
        items: list[Item] = []
        if "source" in row:
            items.append(("source", self.sources(row["source"])))
        if "confidence" in row and not is_missing(row["confidence"]):
            items.append(("confidence", CONFIDENCE.get(str(row["confidence"]), str(row["confidence"]))))
        if "note" in row and not is_missing(row["note"]):
            items.append(("note", str(row["note"])))
        return items

    def _other_values(self, table: str, row_id: str) -> list[Item]:
        items: list[Item] = []
        for cell in self._provenance.get((table, row_id), []):
            parts = [f"confidence {cell['confidence']}" if not is_missing(cell["confidence"]) else ""]
            parts += [str(cell[k]) for k in ("note", "other_values") if not is_missing(cell[k])]
            text = Markup("{} {}").format("; ".join(p for p in parts if p), self.sources(cell["source"]))
            items.append((f"{cell['field']} (this cell)", text))
        return items

    def sources(self, cell: Any) -> Markup | str:
        """Return links to the sources a cell names."""
        names = as_list(cell)
        links = [Cited(n, self._sources[n]) if n in self._sources else n for n in names]
        return joined(links) if links else NOT_KNOWN

    def source_anchor(self, source: str) -> str:
        """Return the anchor of a source in the list of sources."""
        return self._sources[source]

    def cited(self, text: str, table: str, row_id: str) -> Cited:
        """Return text that points to a row."""
        return Cited(text, self.row(table, row_id))


def cell_text(value: Any, declared: Field) -> str:
    """Write a cell of a table as it stands there, with separated thousands and its unit.

    Examples
    --------
    >>> from karavan.schema.tables import table
    >>> cell_text(3128.5, table("links").fields["length_km"]), cell_text(2024, table("trade").fields["year"])
    ('3,128.5 km', '2024')
    """
    if declared.type == "boolean":
        return "yes" if value else "no"
    if declared.type not in {"number", "integer"}:
        return str(value)
    v = float(value)
    is_year = "year" in declared.name.split("_")
    text = f"{v:.0f}" if is_year else f"{int(v):,}" if v == int(v) else f"{v:,}"
    return text if declared.unit in {"", "degrees"} else f"{text} {declared.unit}"


def source_table(case: Case, traces: Traces) -> list[dict[str, Any]]:
    """Return the list of sources: anchor, title, publisher, date, address, kind, and how many rows rest on each."""
    uses: dict[str, dict[str, int]] = {}
    for table, declared in schema().items():
        if not declared.cited or not len(case.tables[table]):
            continue
        frame = case.tables[table]
        for cell, confidence in zip(frame["source"], frame["confidence"], strict=True):
            for name in as_list(cell):
                mine = uses.setdefault(name, {})
                grade = "?" if is_missing(confidence) else str(confidence)
                mine[grade] = mine.get(grade, 0) + 1
    rows = []
    for source, row in case.sources.iterrows():
        mine = uses.get(str(source), {})
        rows.append(
            {
                "anchor": traces.source_anchor(str(source)),
                "id": str(source),
                "title": str(row["title"]),
                "publisher": "" if is_missing(row["publisher"]) else str(row["publisher"]),
                "published": "" if is_missing(row["published"]) else str(row["published"]),
                "address": web_link(row["address"]),
                "kind": str(row["kind"]),
                "note": "" if is_missing(row["note"]) else str(row["note"]),
                "rows": sum(mine.values()),
                "grades": ", ".join(f"{n} {grade}" for grade, n in sorted(mine.items())),
            }
        )
    return rows


def fingerprint(case: Case) -> dict[str, str]:
    """Return the first twelve hexadecimal digits of the SHA-256 of each table as CSV, those that have rows."""
    return {
        name: hashlib.sha256(table_csv(frame, schema()[name]).encode()).hexdigest()[:12]
        for name, frame in case.tables.items()
        if len(frame)
    }
