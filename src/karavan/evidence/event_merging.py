"""Mentions of one event within an article become one event."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.discourse import Reading
    from karavan.evidence.records import Event

# A mention is joined to one of this many events before it at most; it keeps hostile input cheap.
LOOK_BACK = 60


_VAGUE_MENTION = re.compile(
    r"\b(?:series of|number of|(?:these|those|the|new|several)(?: \w+)? agreements signed|documents? "
    r"signed|signed today)\b",
    re.IGNORECASE,
)


def merge_events(reading: Reading, found: Sequence[Event]) -> list[Event]:
    """Join the mentions of one event: same kind, people and days that fit, same instrument; vague mentions join any."""
    out: list[Event] = []
    for e in found:
        vague = (
            e.event_type == "AGREE"
            and _VAGUE_MENTION.search(e.quote) is not None
            and e.instrument.known
            and "agreements" in (e.instrument.value or "")
        )
        same = next(
            (
                i
                for i in range(len(out) - 1, max(-1, len(out) - 1 - LOOK_BACK), -1)
                if _same_event(out[i], e, vague=vague)
            ),
            None,
        )
        if same is None:
            out.append(e)
            continue
        old = out[same]
        headline = any(s.kind == "title" and s.start <= old.start < s.end for s in reading.sentences[:6])
        keep, other = (e, old) if headline or _told_better(e, old) else (old, e)
        date = keep.date if keep.date.known else other.date
        place = (
            keep.place
            if keep.place.known and (keep.place.basis == "explicit" or not other.place.known)
            else other.place
        )
        names = dict.fromkeys((*keep.actors, *(a for a in other.actors if a.kind == "person")))
        people = [a for a in names if a.kind == "person"]
        reasons = [
            r
            for r in keep.reason.split("; ")
            if r and not (date.known and date.value is not None and date.value.start and "date" in r)
        ]
        out[same] = replace(
            keep,
            citations=tuple(sorted({*keep.citations, *other.citations}, key=lambda s: s.start)),
            date=date,
            place=place,
            actors=tuple(people or names),
            reason="; ".join(reasons),
            status="partial" if reasons else "accepted",
        )
    return out


_TOLD = re.compile(
    r"\b(?:met|signed|inked|launched|opened|inaugurated|visited|took place|participated|attended|"
    r"held (?:an? |high|talks|official))\b"
)


def _told_better(new: Event, old: Event) -> bool:
    """Whether a later mention tells an event better: names more of the people, or as its main verb."""
    if _document_word(new) or (not new.instrument.known and old.instrument.known):
        return False
    return _telling(new) > _telling(old)


def _telling(e: Event) -> tuple[int, bool]:
    named = sum(a.kind == "person" and a.name.split()[-1] in e.quote for a in e.actors)
    return min(named, 2), _TOLD.search(e.quote) is not None


def _same_event(a: Event, b: Event, *, vague: bool) -> bool:
    if a.event_type != b.event_type or a.planned != b.planned:
        return False
    meetings = {"meeting", "visit", "forum", "call"}
    if a.mode != b.mode and not (a.event_type == "AGREE" and (vague or _document_word(a) or _document_word(b))):
        return False
    if a.mode == b.mode == "forum" or a.mode not in meetings | {"invite"}:
        pass
    if not _dates_fit(a, b):
        return False
    one, two = {x.name for x in a.actors if x.kind == "person"}, {x.name for x in b.actors if x.kind == "person"}
    if one and two and not (one <= two or two <= one):
        return False
    areas_a, areas_b = set(a.areas.value or ()), set(b.areas.value or ())
    if areas_a and areas_b and not (areas_a <= areas_b or areas_b <= areas_a):
        return False
    if a.event_type == "AGREE":
        return vague or _instruments_fit(a, b)
    if a.event_type == "COOPERATE":
        return bool({x.name for x in a.actors} & {x.name for x in b.actors}) or (
            b.start - a.end < 300 and bool(areas_a & areas_b)
        )
    return True


def _document_word(e: Event) -> bool:
    return (e.instrument.value or "").lower().startswith("document")


def _instruments_fit(a: Event, b: Event) -> bool:
    if _document_word(a) or _document_word(b):
        return True
    one, two = (a.instrument.value or "").lower(), (b.instrument.value or "").lower()
    same = one[:9] == two[:9]
    plural = ("memoranda" in one) != ("memoranda" in two) or one.endswith("s") != two.endswith("s")
    return same and (not plural or _same_date(a, b))


def _same_date(a: Event, b: Event) -> bool:
    return (
        a.date.value is not None
        and b.date.value is not None
        and a.date.value.start is not None
        and a.date.value.start == b.date.value.start
        and "explicit" in {a.date.basis, b.date.basis}
    )


def _dates_fit(a: Event, b: Event) -> bool:
    one, two = a.date.value, b.date.value
    if one is None or two is None:
        return True
    if one.start is None or two.start is None or one.end is None or two.end is None:
        return one.month_day == two.month_day or not one.month_day or not two.month_day
    return one.start <= two.end and two.start <= one.end
