
"""The ledger of facts: it only grows. A fact is followed by a newer version of itself, never changed.

A batch of documents is written whole or not at all, so a program that is killed leaves the ledger as it was after the
last whole batch, and reading the same folder again adds what was missing and nothing else.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from karavan.errors import OutOfDate
from karavan.evidence.ledger.decide import decided
from karavan.evidence.ledger.reading import Reading, readings
from karavan.evidence.ledger.store import open_store
from karavan.evidence.ledger.view import View
from karavan.evidence.ledger.writer import Writer
from karavan.evidence.records import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from karavan.evidence.gazetteer import Gazetteer
    from karavan.evidence.ledger.decide import Decision
    from karavan.evidence.ledger.entry import LedgerEntry
    from karavan.evidence.records import Document, Fact

BATCH = 50  # documents a transaction: one write to the disk for all of them


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
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Ledger(f"{folder}/facts.db") as ledger:
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

        `published` is the day of all of them, known from outside; else a sidecar file or the text says it.
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
        with self._writing() as writer:
            new = document is not None and writer.document(document, keep_text=True)
            return Added(documents=int(new), facts=writer.facts(objects, who=who))

    def review(
        self, fact_id: str, decision: Decision, who: str, *, note: str = "", changes: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
    ) -> LedgerEntry:  # fmt: skip
        """Record what a person decided about a fact and return its new version; the old one stays in the history.

        `changes` fill slots (`value`, `period`, `areas`, ...); `expected_version` is the one the person has seen.
        Raises `FormatError` where an accepted fact would lack a slot, `NameNotFound` and `AmbiguousName` for the id,
        `OutOfDate` where somebody else has decided meanwhile.
        """
        with self._writing() as writer:
            before = self.fact(fact_id)
            if expected_version not in {None, before.version}:
                message = (
                    f"fact {before.id} is at version {before.version}, recorded by {before.who}, and no longer at "
                    f"{expected_version}: look at it again before you decide"
                )
                raise OutOfDate(message)
            data = decided(before.data, decision, who=who, when=writer.now, note=note, changes=changes or {})
            writer.append(data, before.version + 1, who=who, replaces=before.seq, why=decision)
        return self.fact(before.id)

    def _was_read(self, document_id: str, reading: str) -> bool:
        sql = "SELECT 1 FROM readings WHERE document_id = ? AND reading = ?"
        return bool(self._store.rows(sql, (document_id, reading)))

    def _write_batch(self, batch: Sequence[Reading], *, keep_text: bool) -> Added:
        total = Added(refused=tuple((r.name, r.refused) for r in batch if r.refused))
        with self._writing() as writer:
            written: set[tuple[str, str]] = set()
            for reading in batch:
                if reading.document is None:
                    total += Added(known=0 if reading.refused else 1)
                    continue
                key = (reading.document.id, reading.key)
                if key in written or self._was_read(*key):  # twice in the folder, or by another writer meanwhile
                    total += Added(known=1)
                else:
                    written.add(key)
                    total += self._write_reading(reading, reading.document, writer, keep_text=keep_text)
        return total

    def _write_reading(self, reading: Reading, document: Document, writer: Writer, *, keep_text: bool) -> Added:
        new = writer.document(document, keep_text=keep_text)
        added = writer.facts(reading.facts)
        gone = 0 if new else self._withdraw(document.id, {str(d["id"]) for d in reading.facts}, reading.key, writer)
        sql = "INSERT INTO readings (document_id, reading, facts, recorded) VALUES (?, ?, ?, ?)"
        self._store.run(sql, (document.id, reading.key, len(reading.facts), writer.now))
        return Added(documents=int(new), facts=added, known=int(not new), superseded=gone)

    def _withdraw(self, document_id: str, found: set[str], reading: str, writer: Writer) -> int:
        """Supersede what an earlier reading of a document found and this one does not; decisions of people stay."""
        standing = self.each(document=document_id)
        gone = [e for e in standing if e.id not in found and "review" not in e.data and e["extractor"] == "rules"]
        for entry in gone:
            writer.supersede(entry.seq, None, who=reading, why="not found when read again")
        return len(gone)

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        """Hold the writer's place; the moment of recording never goes back even if a clock does."""
        try:
            with self._store.write():
                last = self._store.rows("SELECT max(recorded) FROM facts")[0][0]
                now = datetime.now(UTC)
                if last is not None and now.isoformat(timespec="microseconds") <= last:
                    now = datetime.fromisoformat(last) + timedelta(microseconds=1)
                writer = Writer(self._store, now.isoformat(timespec="microseconds"), self._terms)
                yield writer
                writer.send()
        except BaseException:
            self._terms.clear()  # numbers given in a transaction that was undone
            raise
