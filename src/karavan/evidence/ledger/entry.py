"""One version of a fact as the ledger holds it, and the terms under which it is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, Any

from karavan.errors import FormatError
from karavan.evidence.records import parse_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

LAST_DAY = date.max.toordinal()


@dataclass(frozen=True, slots=True, eq=False)
class LedgerEntry:
    """A version of a fact: `data` is the fact's JSON object (`records.to_json`) with what the ledger adds.

    Added are `address` and `title` of the document, `context` (the sentence around the quote, from `context_start`)
    and, after a decision, `review` (who, when, decision, note, changes). `recorded` is UTC, ISO 8601. `superseded` says
    by what this version was followed: a sequence number, 0 when it was withdrawn, None while it stands.
    """

    seq: int
    version: int
    recorded: str
    who: str
    data: Mapping[str, Any]
    superseded: int | None = None

    @property
    def id(self) -> str:
        """The fact's id, equal in all its versions."""
        return str(self.data["id"])

    def __getitem__(self, key: str) -> Any:
        return self.data.get(key)

    def json(self) -> dict[str, Any]:
        """Return the JSON object of the export: what was said, and when and by whom it was recorded."""
        return {**self.data, "version": self.version, "recorded": self.recorded, "recorded_by": self.who}


@dataclass(frozen=True, slots=True)
class Question:
    """What `about` asks: facts that have all of these. `areas`, `place` and `corridor` are ids, `period` ISO 8601."""

    areas: tuple[str, ...] = ()
    indicator: str | None = None
    corridor: str | None = None
    place: str | None = None
    period: str | None = None

    def terms(self) -> list[str]:
        """Return the terms that a fact must have, the rarest kind first."""
        areas = sorted(set(self.areas))
        pairs = ["+".join(p) for p in combinations(areas, 2)]
        found = [f"in:{area_pair}|{self.indicator}" for area_pair in pairs] if self.indicator else []
        found += [f"on:{p}" for p in (self.place, self.corridor) if p]
        found += [] if self.indicator and pairs else [f"in:{p}" for p in pairs]
        if not pairs:
            found += [f"in:{a}|{self.indicator}" if self.indicator else f"in:{a}" for a in areas]
            found += [f"of:{self.indicator}"] if self.indicator and not areas else []
        return found

    def days(self) -> tuple[int, int]:
        """Return first and last day of the period as ordinals."""
        return days_of(self.period)


def days_of(interval: str | None) -> tuple[int, int]:
    """Return an ISO 8601 interval as day ordinals; an unknown end is as far away as can be.

    Examples
    --------
    >>> days_of("2020-01-01/2020-12-31")
    (737425, 737790)
    """
    try:
        first, last = parse_interval(interval)
    except ValueError as error:
        message = f"{interval!r} is no year, month, day or interval of ISO 8601 (2024, 2024-05, 2024-01-01/2024-06-30)"
        raise FormatError(message) from error
    return (first.toordinal() if first else 0, last.toordinal() if last else LAST_DAY)


def fact_days(data: Mapping[str, Any]) -> tuple[int, int]:
    """Return the days a fact is about: its period, an event's date, else unknown (0 to the last day)."""
    text = data.get("period") or data.get("date")
    return days_of(str(text)) if text else (0, LAST_DAY)


def terms_of(data: Mapping[str, Any]) -> list[str]:
    """Return all terms of a fact: areas and pairs of areas (with and without the indicator), indicator, places.

    Examples
    --------
    >>> terms_of({"areas": ["KAZ"], "indicator": "export", "place": "Aktau"})
    ['in:KAZ', 'in:KAZ|export', 'of:export', 'on:Aktau', 'on:KAZ']
    """
    areas = sorted({str(a) for a in data.get("areas") or ()})
    pairs = ["+".join(p) for p in combinations(areas, 2)]
    indicator = data.get("indicator")
    found = [f"in:{x}" for x in (*areas, *pairs)]
    if indicator:
        found += [f"in:{x}|{indicator}" for x in (*areas, *pairs)] + [f"of:{indicator}"]
    places = {*areas, *(str(p) for p in (data.get("place"), data.get("corridor")) if p)}
    return found + [f"on:{p}" for p in sorted(places)]
