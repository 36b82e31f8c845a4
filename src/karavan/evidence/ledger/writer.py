"""Writing within one transaction: rows are gathered and sent together, numbered here because only one writer writes."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from karavan.errors import FormatError
from karavan.evidence.ledger.decide import gaps
from karavan.evidence.ledger.entry import days_of, fact_days, terms_of
from karavan.evidence.ledger.store import storable
from karavan.evidence.ledger.view import iso_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from karavan.evidence.ledger.store import Row, Store
    from karavan.evidence.records import Document

FACTS = (
    "INSERT INTO facts (seq, fact_id, version, document_id, kind, status, published, recorded, who, payload) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
POSTINGS = "INSERT INTO postings (term, first, seq, last) VALUES (?, ?, ?, ?)"
TERMS = "INSERT INTO terms (id, term) VALUES (?, ?)"
SUPERSESSIONS = "INSERT INTO supersessions (old_seq, new_seq, recorded, who, reason) VALUES (?, ?, ?, ?, ?)"
DOCUMENTS = (
    "INSERT INTO documents (id, name, title, published, published_basis, address, publisher, media_type, language, "
    "recorded, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
STANDING = (
    "SELECT f.fact_id, f.seq, f.version, f.status, s.old_seq, f.payload FROM facts f "
    "LEFT JOIN supersessions s ON s.old_seq = f.seq WHERE f.fact_id IN ({}) ORDER BY f.seq"
)
ASKED_AT_ONCE = 500
KINDS = ("figure", "commitment", "event", "flow")
STATUSES = ("accepted", "partial", "rejected", "superseded")


class Writer:
    """What one transaction adds. `now` is its moment of recording; `terms` remembers numbers of terms between them."""

    def __init__(self, store: Store, now: str, terms: dict[str, int]) -> None:
        self.now = now
        self._store, self._terms = store, terms
        self._seq = int(store.rows("SELECT COALESCE(max(seq), 0) FROM facts")[0][0])
        self._term = int(store.rows("SELECT COALESCE(max(id), 0) FROM terms")[0][0])
        self._rows: dict[str, list[Row]] = {TERMS: [], FACTS: [], POSTINGS: [], SUPERSESSIONS: []}
        self._quotes: list[tuple[int, str]] = []
        self._added: set[str] = set()

    def document(self, document: Document, *, keep_text: bool) -> bool:
        """Add a document, and its text where that may be kept; return whether it is new."""
        day = document.published.value
        details = {
            "blocks": [[b.kind, b.start, b.end, b.duplicate_of] for b in document.blocks],
            "locator": list(document.locator),
        }
        names = (document.name, document.title, document.address, document.publisher)
        name, title, address, publisher = (storable(text) for text in names)
        values = (
            document.id, name, title, day.isoformat() if day else None, document.published.basis, address, publisher,
            document.media_type, document.language, self.now, json.dumps(details),
        )  # fmt: skip
        new = self._store.run(DOCUMENTS, values) > 0
        if new and keep_text:
            sql = "INSERT INTO texts (document_id, text) VALUES (?, ?) ON CONFLICT DO NOTHING"
            self._store.run(sql, (document.id, json.dumps(document.text)))
        return new

    def facts(self, objects: Iterable[Mapping[str, Any]], *, who: str = "") -> int:
        """Add facts that do not stand yet; return how many. What a person decided is left as it is."""
        wanted = [gated(data) for data in objects]
        standing = self._standing([str(d["id"]) for d in wanted])
        return sum(self._fact(data, standing.get(str(data["id"])), who) for data in wanted)

    def append(
        self, data: Mapping[str, Any], version: int, *, who: str, replaces: int | None = None, why: str = ""
    ) -> None:
        """Add a version of a fact, and that it follows another one."""
        self._seq += 1
        self._added.add(str(data["id"]))
        self._rows[FACTS].append(
            (self._seq, str(data["id"]), version, str(data.get("document_id") or ""), data["kind"], data["status"],
             data.get("published"), self.now, storable(who), json.dumps(data, sort_keys=True, allow_nan=False))
        )  # fmt: skip
        first, last = fact_days(data)
        self._rows[POSTINGS] += [(self._number(t), first, self._seq, last) for t in terms_of(data)]
        self._quotes.append((self._seq, storable(str(data.get("quote") or ""))))
        if replaces is not None:
            self.supersede(replaces, self._seq, who=who, why=why)

    def supersede(self, old: int, new: int | None, *, who: str, why: str) -> None:
        """Add that a version is followed by another one, or by none."""
        self._rows[SUPERSESSIONS].append((old, new, self.now, storable(who), why))

    def send(self) -> None:
        """Send all that was gathered."""
        for sql, rows in self._rows.items():
            if rows:
                self._store.run_many(sql, rows)
        if self._quotes:
            self._store.index_quotes(self._quotes)

    def _fact(self, data: Mapping[str, Any], before: Row | None, who: str) -> int:
        if str(data["id"]) in self._added:
            return 0
        maker = who or f"{data.get('extractor') or 'import'} {data.get('extractor_version') or ''}".strip()
        if before is None:
            self.append(data, 1, who=maker)
            return 1
        _, seq, version, status, replaced, payload = before
        known = json.loads(payload)
        same = status == data.get("status") and known.get("reason") == data.get("reason")
        if "review" in known or (replaced is None and same):
            return 0
        self.append(data, version + 1, who=maker, replaces=None if replaced else seq, why="read again")
        return 1

    def _standing(self, ids: list[str]) -> dict[str, Row]:
        """Return the latest version of each fact that is there, with what superseded it."""
        found: dict[str, Row] = {}
        for k in range(0, len(ids), ASKED_AT_ONCE):
            some = ids[k : k + ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            found |= {str(row[0]): row for row in self._store.rows(STANDING.format(marks), some)}
        return found

    def _number(self, term: str) -> int:
        """Return the number of a term, giving it one when it is new."""
        name = storable(term)
        if name not in self._terms:
            rows = self._store.rows("SELECT id FROM terms WHERE term = ?", (name,))
            if not rows:
                self._term += 1
                self._rows[TERMS].append((self._term, name))
            self._terms[name] = int(rows[0][0]) if rows else self._term
        return self._terms[name]


def gated(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a fact fit for the ledger: `partial` where it calls itself accepted and lacks a slot.

    Raises `FormatError` for what is no fact: another kind or status, a number without end, a day that is none.
    """
    name = f"fact {data.get('id')}"
    if data.get("kind") not in KINDS or data.get("status") not in STATUSES:
        message = f"{name}: its kind must be one of {', '.join(KINDS)}, its status one of {', '.join(STATUSES)}"
        raise FormatError(message)
    numbers = [data.get(k) for k in ("value", "low", "high", "change_pct", "step")]
    if any(isinstance(n, float) and not math.isfinite(n) for n in numbers):
        message = f"{name}: a number is not finite"
        raise FormatError(message)
    for moment in ("period", "base_period", "deadline", "date"):
        days_of(data.get(moment))
    if data.get("published") is not None:
        iso_day(data["published"])
    missing = gaps(data) if data["status"] == "accepted" else []
    return {**data, "status": "partial", "reason": f"missing: {', '.join(missing)}"} if missing else data
