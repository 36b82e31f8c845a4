"""Events that may have done what was promised."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from karavan.evidence.records import parse_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from karavan.evidence.ledger.entry import LedgerEntry

# What an action needs to be done, and what is a first step towards it: modes of events.
DOING: dict[str, tuple[set[str], set[str]]] = {
    "build": ({"open_facility"}, {"start_construction", "sign_agreement", "sign_mou"}),
    "open": ({"open_facility", "launch_service"}, {"start_construction", "sign_agreement", "sign_mou"}),
    "launch": ({"launch_service", "first_shipment"}, {"sign_agreement", "sign_mou"}),
    "increase": ({"launch_service"}, set()),
    "supply": ({"first_shipment"}, {"sign_agreement", "sign_mou"}),
    "sign": ({"sign_mou", "sign_agreement", "joint_statement"}, set()),
    "visit": ({"visit", "meeting"}, {"invite"}),
}
COMMON = 2  # words that an event must share with the promise where no place is shared


@dataclass(frozen=True, slots=True)
class Deed:
    """An event that happened: its mode, day, areas, place and words. `finishes` once it is fitted to a promise."""

    fact: str
    mode: str
    day: date | None
    areas: frozenset[str]
    place: str
    vocabulary: frozenset[str]
    words: str
    finishes: bool = False


def deeds(entries: Iterable[LedgerEntry]) -> list[Deed]:
    """Return the events that have happened (not the planned ones), in time."""
    found = [_deed(e) for e in entries if e["kind"] == "event" and not e["planned"]]
    return sorted(found, key=lambda d: (str(d.day or "9999"), d.fact))


def fitting(promise: Mapping[str, Any], words: frozenset[str], done: Sequence[Deed], made: date | None) -> list[Deed]:
    """Return the deeds after the day a promise was made that do it, or begin it; those that do it first."""
    finishing, beginning = DOING.get(str(promise.get("action") or ""), (set(), set()))
    areas, place = frozenset(promise.get("areas") or ()), str(promise.get("place") or "")
    fit = []
    for deed in done:
        if deed.mode not in finishing | beginning or made is None or deed.day is None or deed.day <= made:
            continue
        shared = len(words & deed.vocabulary)
        here = bool(place) and place == deed.place and shared >= 1
        if here or (shared >= COMMON and (not areas or areas & deed.areas)):
            fit.append(_as(deed, finishes=deed.mode in finishing))
    return sorted(fit, key=lambda d: not d.finishes)


def _deed(entry: LedgerEntry) -> Deed:
    data = entry.data
    first, last = parse_interval(_dated(data.get("date")))
    mode = str(data.get("event_type") or "").rpartition(".")[2]
    quote = str(data.get("quote") or "")
    vocabulary = frozenset(re.findall(r"[a-z]{3,}", quote.casefold()))
    areas = frozenset(data.get("areas") or ()) | frozenset(c for c in data.get("actor_countries") or () if c)
    words = f"{quote[:120]} ({data.get('date') or 'no date'})"
    return Deed(entry.id, mode, last or first, areas, str(data.get("place") or ""), vocabulary, words)


def _dated(text: Any) -> str | None:
    return None if text is None or str(text).startswith("XXXX") else str(text)


def _as(deed: Deed, *, finishes: bool) -> Deed:
    return Deed(deed.fact, deed.mode, deed.day, deed.areas, deed.place, deed.vocabulary, deed.words, finishes)
