"""From a document to its facts: the front door of the rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.discourse import Reading, Sentence, countries_of, read
from karavan.evidence.event_merging import merge_events
from karavan.evidence.extract_commitments import commitments_of, merge_commitments
from karavan.evidence.extract_events import events_of
from karavan.evidence.extract_figures import figures_of
from karavan.evidence.extract_flows import flows_of
from karavan.evidence.figure_gate import finish_figure
from karavan.evidence.figure_parts import Draft, Frame
from karavan.evidence.gazetteer import gazetteer
from karavan.evidence.records import MISSING, Commitment, Document, Event, Fact, Flow, Slot, identified

if TYPE_CHECKING:
    from karavan.evidence.gazetteer import Gazetteer


def extract(document: Document, names: Gazetteer | None = None) -> list[Fact]:
    """Return the facts of a document in the order of their quotes, each with status, reason and exact quote.

    Parameters
    ----------
    document
        From `read_document`.
    names
        The gazetteer to use; the general one if not given.
    """
    reading = read(document, names or gazetteer())
    drafts: list[Draft] = []
    commitments: list[Commitment] = []
    events: list[Event] = []
    flows: list[Flow] = []
    frame = Frame()
    topic: Slot[tuple[str, ...]] = MISSING
    for sentence in reading.sentences:
        if sentence.kind == "caption":
            events.extend(events_of(reading, sentence, events))
            continue
        found, used = commitments_of(reading, sentence, topic)
        if sentence.kind in {"title", "heading"}:
            commitments.extend(
                c for c in found if c.quantity.known and c.quantity.value is not None and not c.quantity.value.counted
            )
            events.extend(e for e in events_of(reading, sentence, events) if sentence.kind == "title")
            topic = _topic_after(reading, sentence, topic)
            continue
        commitments.extend(found)
        own = figures_of(reading, sentence, [q for q in sentence.quantities if q not in used], frame)
        drafts.extend(own)
        frame = _next_frame(frame, sentence, own)
        events.extend(events_of(reading, sentence, events))
        flows.extend(flows_of(reading, sentence))
        topic = _topic_after(reading, sentence, topic)
    figures = [finish_figure(reading, d) for d in drafts]
    headings = [(s.start, s.end) for s in reading.sentences if s.kind in {"title", "heading"}]
    facts: list[Fact] = [
        *figures,
        *merge_commitments(commitments, headings),
        *_with_body(merge_events(reading, events), reading),
        *flows,
    ]
    return _stamped(document, facts)


def _next_frame(frame: Frame, sentence: Sentence, own: list[Draft]) -> Frame:
    """Return what the next sentence may go on about. A period is carried from the last level that had one."""
    if not own:
        return frame
    kept = [d for d in own if d.role in {"level", "share", "change"}]
    period = next(
        (d.period for d in reversed(kept) if d.period.known and d.period.value is not None and d.period.value.known),
        frame.period,
    )
    if period.known and period.basis == "inherited" and frame.period.known:
        period = frame.period
    levels = [d for d in kept if d.role == "level"]
    used = sentence.index if any(d.period.known for d in kept) else frame.used
    return Frame(levels or kept or frame.drafts, period, sentence.index, sentence.block, used)


def _topic_after(reading: Reading, sentence: Sentence, topic: Slot[tuple[str, ...]]) -> Slot[tuple[str, ...]]:
    """Return the countries of the last sentence that named any."""
    codes = countries_of(sentence)
    if not codes:
        return topic
    at = codes[0][1]
    return Slot(tuple(c for c, _ in codes), reading.text[at[0] : at[1]], at[0], at[1], "explicit", 0.7)


def _with_body(events: list[Event], reading: Reading) -> list[Event]:
    """Drop events that only a title tells: a headline is no evidence of its own."""
    titles = [(s.start, s.end) for s in reading.sentences if s.kind == "title"]
    out = []
    for event in events:
        body = [c for c in event.citations if not any(a <= c.start < b for a, b in titles)]
        if body:
            out.append(event)
    return out


def _stamped(document: Document, facts: list[Fact]) -> list[Fact]:
    """Give every fact its document, day and id; drop exact repeats; put them in the order of the text."""
    out: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda f: (f.start, f.end, f.kind)):
        stamped = identified(
            replace(
                fact,
                document=document.name,
                document_id=document.id,
                published=document.published.value,
                published_basis=document.published.basis,
            )
        )
        out.setdefault(stamped.id, stamped)
    return list(out.values())
