# ruff: noqa: S608 (statements are put together from fixed parts only; every value is a parameter)
"""The ledger of facts: it only grows. A fact is followed by a newer version of itself, never changed.

A batch of documents is written whole or not at all, so a program that is killed leaves the ledger as it was after the
last whole batch, and reading the same folder again adds what was missing and nothing else.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from karavan.evidence.ledger.decide import decided
from karavan.evidence.ledger.entry import Entry, fact_days, terms_of
from karavan.evidence.ledger.reading import Reading, readings
from karavan.evidence.ledger.store import open_store, storable
from karavan.evidence.ledger.view import View
from karavan.evidence.records import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from karavan.evidence.gazetteer import Gazetteer
    from karavan.evidence.ledger.decide import Decision
    from karavan.evidence.records import Document, Fact

BATCH = 50  # documents a transaction: one write to the disk for all of them
STANDING = (
    "SELECT f.seq, f.version, f.status, f.who, s.old_seq, f.payload FROM facts f "
    "LEFT JOIN supersessions s ON s.old_seq = f.seq WHERE f.fact_id = ? ORDER BY f.seq DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Added:
    """What a reading brought: documents and facts that are new, documents known already, and those refused with why."""

    documents: int = 0
    facts: int = 0
    known: int = 0
    superseded: int = 0
    refused: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: Added) -> Added:
        return Added(
            self.documents + other.documents, self.facts + other.facts, self.known + other.known,
            self.superseded + other.superseded, (*self.refused, *other.refused),
        )  # fmt: skip


class Ledger(View):
    """A ledger in a file (SQLite) or, by a `postgresql://` URL, in a database of a team.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with Ledger(pathlib.Path(tempfile.mkdtemp()) / "facts.db") as ledger:
    ...     ledger.counts()
    {}
    """

    def __init__(self, place: str | Path) -> None:
        super().__init__(open_store(place))
        self._terms: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file or connection."""
        self._store.close()

    def add_documents(
        self, folder: str | Path, published: date | None = None, *, gazetteer: Gazetteer | None = None,
        keep_text: bool = True,
    ) -> Added:  # fmt: skip
        """Read a file or all articles of a folder and add what they say.

        `published` is the date of all of them where no sidecar file `documents.csv` gives one (see `reading`).
        Without `keep_text` only quotes and their sentences are kept, for a ledger that is shared more widely than the
        articles may be. A document read before adds nothing; what cannot be read is named in `refused`.
        """
        total, batch = Added(), []
        for reading in readings(folder, published, gazetteer=gazetteer, known=self._was_read):
            batch.append(reading)
            if len(batch) == BATCH:
                total, batch = total + self._write_batch(batch, keep_text=keep_text), []
        return total + self._write_batch(batch, keep_text=keep_text)

    def add_facts(
        self, facts: Iterable[Fact | Mapping[str, Any]], document: Document | None = None, *, who: str = ""
    ) -> Added:
        """Add facts (records, or their JSON objects), all or none. A fact that stands already adds nothing.

        `document` is the document they were read in, kept with them; `who` found them, the extractor by default.
        """
        objects = [f if not hasattr(f, "citations") else to_json(f) for f in facts]  # type: ignore[arg-type]
        with self._writing() as now:
            if document is not None:
                self._add_document(document, now, keep_text=True)
            return Added(facts=sum(self._add_fact(data, now, who=who) for data in objects))

    def review(
        self, fact_id: str, decision: Decision, who: str, *, note: str = "", changes: Mapping[str, Any] | None = None
    ) -> Entry:
        """Record what a person decided about a fact and return its new version; the old one stays in the history.

        `changes` fill slots (`value`, `period`, `areas`, ...). Raises `FormatError` where an accepted fact would lack
        a slot, `NameNotFound` and `AmbiguousName` for the id.
        """
        with self._writing() as now:
            before = self.fact(fact_id)
            data = decided(before.data, decision, who=who, when=now, note=note, changes=changes or {})
            self._append(data, before.version + 1, now, who=who, replaces=before.seq, why=decision)
        return self.fact(before.id)

    def _was_read(self, document_id: str, reading: str) -> bool:
        sql = "SELECT 1 FROM readings WHERE document_id = ? AND reading = ?"
        return bool(self._store.rows(sql, (document_id, reading)))

    def _write_batch(self, batch: Sequence[Reading], *, keep_text: bool) -> Added:
        total = Added(refused=tuple((r.name, r.refused) for r in batch if r.refused))
        with self._writing() as now:
            for reading in batch:
                if reading.document is None:
                    total += Added(known=0 if reading.refused else 1)
                elif self._was_read(reading.document.id, reading.key):  # by another writer, or twice in the folder
                    total += Added(known=1)
                else:
                    total += self._write_reading(reading, now, keep_text=keep_text)
        return total

    def _write_reading(self, reading: Reading, now: str, *, keep_text: bool) -> Added:
        document = reading.document
        assert document is not None  # noqa: S101 (the caller looked)
        new = self._add_document(document, now, keep_text=keep_text)
        added = sum(self._add_fact(data, now) for data in reading.facts)
        gone = 0 if new else self._withdraw(document.id, {str(d["id"]) for d in reading.facts}, reading.key, now)
        sql = "INSERT INTO readings (document_id, reading, facts, recorded) VALUES (?, ?, ?, ?)"
        self._store.run(sql, (document.id, reading.key, len(reading.facts), now))
        return Added(documents=int(new), facts=added, known=int(not new), superseded=gone)

    def _add_document(self, document: Document, now: str, *, keep_text: bool) -> bool:
        """Add a document, and its text where that may be kept; return whether it is new."""
        day = document.published.value
        details = {"blocks": [[b.kind, b.start, b.end, b.duplicate_of] for b in document.blocks],
                   "locator": list(document.locator)}  # fmt: skip
        values = (
            document.id, storable(document.name), storable(document.title), day.isoformat() if day else None,
            document.published.basis, storable(document.address), storable(document.publisher), document.media_type,
            document.language, now, json.dumps(details),
        )  # fmt: skip
        sql = (
            "INSERT INTO documents (id, name, title, published, published_basis, address, publisher, media_type, "
            f"language, recorded, details) VALUES ({', '.join('?' * len(values))}) ON CONFLICT DO NOTHING"
        )
        new = self._store.run(sql, values) > 0
        if new and keep_text:
            sql = "INSERT INTO texts (document_id, text) VALUES (?, ?) ON CONFLICT DO NOTHING"
            self._store.run(sql, (document.id, json.dumps(document.text)))
        return new

    def _add_fact(self, data: Mapping[str, Any], now: str, *, who: str = "") -> int:
        """Add a fact that does not stand yet; return 1 if it was added. What a person decided is left as it is."""
        maker = who or f"{data.get('extractor') or 'import'} {data.get('extractor_version') or ''}".strip()
        rows = self._store.rows(STANDING, (str(data["id"]),))
        if not rows:
            self._append(data, 1, now, who=maker)
            return 1
        seq, version, status, _, replaced, payload = rows[0]
        before = json.loads(payload)
        same = status == data.get("status") and before.get("reason") == data.get("reason")
        if "review" in before or (replaced is None and same):
            return 0
        self._append(data, version + 1, now, who=maker, replaces=None if replaced else seq, why="read again")
        return 1

    def _append(
        self, data: Mapping[str, Any], version: int, now: str, *, who: str, replaces: int | None = None, why: str = ""
    ) -> None:
        published = data.get("published")
        seq = self._store.add(
            "INSERT INTO facts (fact_id, version, document_id, kind, status, published, recorded, who, payload) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (str(data["id"]), version, str(data.get("document_id") or ""), data["kind"], data["status"], published,
             now, storable(who), json.dumps(data, sort_keys=True)),
        )  # fmt: skip
        first, last = fact_days(data)
        postings = [(self._term(term), first, seq, last) for term in terms_of(data)]
        self._store.run_many("INSERT INTO postings (term, first, seq, last) VALUES (?, ?, ?, ?)", postings)
        self._store.index_quote(seq, storable(str(data.get("quote") or "")))
        if replaces is not None:
            self._supersede(replaces, seq, now, who=who, why=why)

    def _supersede(self, old: int, new: int | None, now: str, *, who: str, why: str) -> None:
        sql = "INSERT INTO supersessions (old_seq, new_seq, recorded, who, reason) VALUES (?, ?, ?, ?, ?)"
        self._store.run(sql, (old, new, now, storable(who), why))

    def _withdraw(self, document_id: str, found: set[str], reading: str, now: str) -> int:
        """Supersede what an earlier reading of a document found and this one does not; decisions of people stay."""
        gone = [e for e in self.each(document=document_id) if e.id not in found and "review" not in e.data]
        gone = [e for e in gone if e["extractor"] == "rules"]
        for entry in gone:
            self._supersede(entry.seq, None, now, who=reading, why="not found when read again")
        return len(gone)

    def _term(self, term: str) -> int:
        """Return the number of a term, giving it one when it is new."""
        known = self._terms.get(term)
        if known is None:
            name = storable(term)
            rows = self._store.rows("SELECT id FROM terms WHERE term = ?", (name,))
            known = int(rows[0][0]) if rows else self._store.add("INSERT INTO terms (term) VALUES (?)", (name,))
            self._terms[term] = known
        return known

    @contextmanager
    def _writing(self) -> Iterator[str]:
        """Hold the writer's place and give the moment of recording, which never goes back even if a clock does."""
        try:
            with self._store.write():
                last = self._store.rows("SELECT max(recorded) FROM facts")[0][0]
                now = datetime.now(UTC)
                if last is not None and now.isoformat(timespec="microseconds") <= last:
                    now = datetime.fromisoformat(last) + timedelta(microseconds=1)
                yield now.isoformat(timespec="microseconds")
        except BaseException:
            self._terms.clear()  # numbers given in a transaction that was undone
            raise


