# ruff: noqa: S608 (statements are put together from fixed parts only; every value is a parameter)

"""Reading a ledger: now, or as it was on an earlier day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from karavan.errors import AmbiguousName, FormatError, NameNotFound
from karavan.evidence.ledger.entry import LAST_DAY, LedgerEntry, Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from karavan.evidence.ledger.store import Row, Store

ASKED_AT_ONCE = 200
PAGE = 2000  # rows read at a time: memory stays flat over any ledger
COLUMNS = "f.seq, f.version, f.recorded, f.who, f.payload"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far back a view looks: `recorded` and `published` are the last days (ISO) that count; None: no limit."""

    recorded: str | None = None
    published: str | None = None


class View:
    """What a ledger says under some limits. Superseded versions are not in it; `history` has them.

    A view may be used by the thread that opened its ledger only.
    """

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self._store = store
        self.limits = limits or Limits()

    def as_of(self, day: date | str) -> View:
        """Return the ledger as it was at the end of a day (UTC): later facts and decisions are not in it."""
        return View(self._store, Limits(iso_day(day), self.limits.published))

    def published_by(self, day: date | str) -> View:
        """Return only what was published by a day; facts without a publication date are not in it."""
        return View(self._store, Limits(self.limits.recorded, iso_day(day)))

    def facts(
        self, *, kind: str | None = None, status: str | None = None, document: str | None = None,
        limit: int | None = None,
    ) -> list[LedgerEntry]:  # fmt: skip
        """Return facts in the order they were recorded. `document` is a document's id or file name."""
        return list(self.each(kind=kind, status=status, document=document, limit=limit))

    def each(
        self, *, kind: str | None = None, status: str | None = None, document: str | None = None,
        limit: int | None = None,
    ) -> Iterator[LedgerEntry]:  # fmt: skip
        """Give the same facts one by one, in flat memory."""
        conditions, values = self._standing()
        for column, value in (("kind", kind), ("status", status)):
            if value is not None:
                conditions.append(f"f.{column} = ?")
                values.append(value)
        if document is not None:
            conditions.append("f.document_id IN (SELECT id FROM documents WHERE id = ? OR name = ?)")
            values += [document, document]
        left, last = limit, 0
        while left is None or left > 0:
            page = PAGE if left is None else min(PAGE, left)
            sql = (
                f"SELECT {COLUMNS} FROM facts f WHERE {' AND '.join([*conditions, 'f.seq > ?'])} ORDER BY f.seq LIMIT ?"
            )
            rows = self._store.rows(sql, [*values, last, page])
            yield from map(_entry, rows)
            if len(rows) < page:
                return
            last, left = rows[-1][0], None if left is None else left - page

    def about(
        self, areas: Sequence[str] = (), *, indicator: str | None = None, corridor: str | None = None,
        place: str | None = None, period: str | None = None, limit: int | None = None,
    ) -> list[LedgerEntry]:  # fmt: skip
        """Return facts that name all these areas, the indicator and the places, in a period; latest period first.

        `areas` are ISO 3166-1 alpha-3 codes or ids of blocs, `place` and `corridor` ids, `period` an ISO 8601 year,
        month, day or interval that the fact's period overlaps. A fact without a known period is in no period.
        """
        asked = Question(tuple(areas), indicator, corridor, place, period)
        conditions, values = self._standing()
        joins, wanted = [], asked.terms()
        if not wanted:
            message = "say what the facts are about: areas, an indicator, a corridor or a place"
            raise FormatError(message)
        numbers = self._term_numbers(wanted)
        if len(numbers) < len(wanted):
            return []
        for k, number in enumerate(numbers[1:], start=2):
            joins.append(f"CROSS JOIN postings p{k}")
            conditions += [f"p{k}.term = ?", f"p{k}.first = p1.first", f"p{k}.seq = p1.seq"]
            values.append(number)
        if self.limits.recorded is not None:  # said again of the index, which is read before the facts
            conditions.append("p1.seq <= ?")
            values.append(self._last(f"{self.limits.recorded}T99"))
        if period is not None:
            first, last = asked.days()
            conditions += ["p1.first <= ?", "p1.last >= ?", "NOT (p1.first = 0 AND p1.last = ?)"]
            values += [last, first, LAST_DAY]
        sql = (
            f"SELECT {COLUMNS} FROM postings p1 {' '.join(joins)} CROSS JOIN facts f "
            f"WHERE p1.term = ? AND f.seq = p1.seq AND {' AND '.join(conditions)} "
            "ORDER BY p1.first DESC, p1.seq DESC" + ("" if limit is None else " LIMIT ?")
        )
        rows = self._store.rows(sql, [numbers[0], *values, *([] if limit is None else [limit])])
        return [_entry(r) for r in rows]

    def search(self, text: str, *, limit: int = 50) -> list[LedgerEntry]:
        """Return facts whose quote holds all words of `text` (words in double quotes: as a phrase), newest first."""
        words = self._store.words(text)
        if not words:
            return []
        few = self._store.few(words)
        if few is not None:
            return self._numbered(few, limit)
        conditions, values = self._standing()
        sql = (
            f"SELECT {COLUMNS} FROM {self._store.search} AND {' AND '.join(conditions)} "
            f"ORDER BY {self._store.newest} LIMIT ?"
        )
        return [_entry(r) for r in self._store.rows(sql, [words, *values, limit])]

    def fact(self, fact_id: str) -> LedgerEntry:
        """Return the standing version of a fact; `fact_id` may be the first characters of one id.

        Raises `NameNotFound` and `AmbiguousName`.
        """
        whole = self._whole_id(fact_id)
        conditions, values = self._standing()
        where = " AND ".join([*conditions, "f.fact_id = ?"])
        sql = f"SELECT {COLUMNS} FROM facts f WHERE {where}"  # one version of a fact stands at a time
        rows = self._store.rows(sql, [*values, whole])
        if not rows:
            raise NameNotFound(fact_id, "standing fact (its history may be kept)")
        return _entry(rows[0])

    def history(self, fact_id: str) -> list[LedgerEntry]:
        """Return all versions of a fact, the first one first, each with what superseded it."""
        until = f"{self.limits.recorded or '9999-12-31'}T99"
        sql = (
            f"SELECT {COLUMNS}, CASE WHEN s.old_seq IS NULL THEN NULL ELSE COALESCE(s.new_seq, 0) END FROM facts f "
            "LEFT JOIN supersessions s ON s.old_seq = f.seq AND s.recorded < ? "
            "WHERE f.fact_id = ? AND f.recorded < ? ORDER BY f.seq"
        )
        return [_entry(r) for r in self._store.rows(sql, [until, self._whole_id(fact_id), until])]

    def documents(self) -> list[dict[str, Any]]:
        """Return the documents that were read: id, name, title, published, address, publisher, recorded."""
        names = (
            "id",
            "name",
            "title",
            "published",
            "published_basis",
            "address",
            "publisher",
            "media_type",
            "recorded",
        )
        until = f"{self.limits.recorded or '9999-12-31'}T99"
        sql = f"SELECT {', '.join(names)} FROM documents WHERE recorded < ? ORDER BY recorded, name, id"
        return [dict(zip(names, row, strict=True)) for row in self._store.rows(sql, [until])]

    def text(self, document: str) -> str:
        """Return the kept text of a document (id or file name). Raises `NameNotFound` where it was not kept."""
        rows = self._store.rows("SELECT text FROM texts WHERE document_id = ?", [self._document_id(document)])
        if not rows:
            raise NameNotFound(document, "document with its text")
        return str(json.loads(rows[0][0]))

    def blocks(self, document: str) -> list[tuple[str, int, int]]:
        """Return the blocks of a document (id or file name): kind, first character, end. Raises `NameNotFound`."""
        rows = self._store.rows("SELECT details FROM documents WHERE id = ?", [self._document_id(document)])
        return [(str(kind), int(start), int(end)) for kind, start, end, _ in json.loads(rows[0][0])["blocks"]]

    def revision(self) -> tuple[int, int]:
        """Return the numbers of the last version and of the last supersession: equal while nothing has been added."""
        sql = "SELECT (SELECT COALESCE(max(seq), 0) FROM facts), (SELECT count(*) FROM supersessions)"
        (row,) = self._store.rows(sql)
        return int(row[0]), int(row[1])

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many facts stand, by kind and status."""
        conditions, values = self._standing()
        where = " AND ".join(conditions)
        sql = f"SELECT f.kind, f.status, count(*) FROM facts f WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2"
        found: dict[str, dict[str, int]] = {}
        for kind, status, n in self._store.rows(sql, values):
            found.setdefault(kind, {})[status] = n
        return found

    def _standing(self) -> tuple[list[str], list[Any]]:
        """Return the conditions under which a version stands in this view."""
        replaced = "SELECT 1 FROM supersessions s WHERE s.old_seq = f.seq"
        if self.limits.recorded is None:
            conditions, values = [f"NOT EXISTS ({replaced})"], []
        else:
            until = f"{self.limits.recorded}T99"  # after the last moment of the day
            conditions = [f"NOT EXISTS ({replaced} AND s.recorded < ?)", "f.seq <= ?"]
            values = [until, self._last(until)]
        if self.limits.published is not None:
            conditions.append("f.published <= ?")
            values.append(self.limits.published)
        return conditions, values

    def _document_id(self, document: str) -> str:
        """Return the id of a document given by id or file name."""
        found = [
            str(r[0]) for r in self._store.rows("SELECT id FROM documents WHERE id = ? OR name = ?", [document] * 2)
        ]
        if not found:
            raise NameNotFound(document, "document", [d["name"] for d in self.documents()][:5])
        if len(found) > 1:
            raise AmbiguousName(document, "document", found)
        return found[0]

    def _last(self, until: str) -> int:
        """Return the number of the last version recorded before a moment; numbers rise with time."""
        sql = "SELECT seq FROM facts WHERE recorded < ? ORDER BY recorded DESC, seq DESC LIMIT 1"
        rows = self._store.rows(sql, [until])
        return int(rows[0][0]) if rows else 0

    def _numbered(self, numbers: Sequence[int], limit: int) -> list[LedgerEntry]:
        """Return the versions of these numbers that stand, in the order of the numbers, at most `limit`."""
        conditions, values = self._standing()
        found: list[LedgerEntry] = []
        for k in range(0, len(numbers), ASKED_AT_ONCE):
            some = numbers[k : k + ASKED_AT_ONCE]
            where = " AND ".join([*conditions, f"f.seq IN ({', '.join('?' * len(some))})"])
            sql = f"SELECT {COLUMNS} FROM facts f WHERE {where} ORDER BY f.seq DESC"
            found += [_entry(r) for r in self._store.rows(sql, [*values, *some])]
            if len(found) >= limit:
                break
        return found[:limit]

    def _term_numbers(self, terms: Sequence[str]) -> list[int]:
        marks = ", ".join("?" for _ in terms)
        known = {t: n for n, t in self._store.rows(f"SELECT id, term FROM terms WHERE term IN ({marks})", terms)}
        return [known[t] for t in terms if t in known]

    def _whole_id(self, fact_id: str) -> str:
        if not fact_id:
            raise NameNotFound(fact_id, "fact")
        upper = fact_id[:-1] + chr(ord(fact_id[-1]) + 1) if ord(fact_id[-1]) < 0x10FFFF else fact_id
        sql = (
            "SELECT DISTINCT fact_id FROM facts WHERE fact_id = ? OR (fact_id >= ? AND fact_id < ?) ORDER BY 1 LIMIT 9"
        )
        found = [str(r[0]) for r in self._store.rows(sql, [fact_id, fact_id, upper])]
        if fact_id in found:
            return fact_id
        if not found:
            raise NameNotFound(fact_id, "fact")
        if len(found) > 1:
            raise AmbiguousName(fact_id, "fact", found)
        return found[0]


def _entry(row: Row) -> LedgerEntry:
    seq, version, recorded, who, payload, *rest = row
    return LedgerEntry(seq, version, recorded, who, json.loads(payload), rest[0] if rest else None)


def iso_day(day: date | str) -> str:
    """Return a day as YYYY-MM-DD. Raises `FormatError` for what is no day."""
    try:
        return (date.fromisoformat(day) if isinstance(day, str) else day).isoformat()[:10]
    except (ValueError, AttributeError, TypeError) as error:
        message = f"{day!r} is no day: write YYYY-MM-DD"
        raise FormatError(message) from error
