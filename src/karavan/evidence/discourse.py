"""A document read sentence by sentence: what is named in each, who speaks, and which countries are spoken of."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from karavan.evidence.gazetteer import find_mentions
from karavan.evidence.people import find_namings, find_people, register
from karavan.evidence.period_words import FoundPeriod, find_periods
from karavan.evidence.quantities import FoundQuantity, find_quantities
from karavan.evidence.records import MISSING, Actor, Block, Document, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from karavan.evidence.gazetteer import Gazetteer, Layer, Mention
    from karavan.evidence.people import Naming, Person

SAY = (
    r"said|says|say|added|adds|stated|noted|notes|stressed|emphasi[sz]ed|emphasi[sz]es|told|"
    r"announced|reported|reports|explained|underlined|underscored|highlighted|pointed out|"
    r"remarked|observed|declared|revealed|disclosed|indicated|confirmed|claimed|commented|recalled|"
    r"concluded|continued|wrote|tweeted|informed|mentioned|estimates|estimated|expects|"
    r"data showed?|figures showed?|statistics showed?|showed"
)
_SAY = re.compile(rf"\b(?:{SAY})\b")
_ACCORDING = re.compile(
    r"\b(?:[Aa]ccording to|citing|quoting|quoted|per data (?:from|of)|data (?:from|of|by)|figures "
    r"(?:from|by|of)|statistics (?:from|by|of)|[Aa]s reported by|reported by|released by|published "
    r"by) (?:the )?(?:data (?:from|of|by) |figures (?:from|by|released by) |statistics (?:from|by|"
    r"of) )?(?:the )?"
)
_REPORTS_CITING = re.compile(
    r",? (?P<via>[A-Z][\w.]+(?: [A-Z][\w.]+){0,3}) (?:reports|reported|writes|wrote|informs)(?:,? "
    r"(?:citing|via|with reference to|referring to|quoting) (?:the )?(?P<src>[^,.]{3,80}))?"
)
_ABBREVIATED = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Lt|Sgt|Jr|Sr|vs|etc|approx|No|Nos|Jan|Feb|Mar|Apr|Jun|Jul|"
    r"Aug|Sept|Sep|Oct|Nov|Dec|Inc|Ltd|Co|Corp|Hon|Amb|Eng|Rs|Sh|cf|e\.g|i\.e|p|pp)|\b[A-Z]|U\.S|"
    r"U\.K|D\.R|U\.A\.E|H\.E)\.$"
)
_STOP = re.compile(r"[.!?…][\"'”’)\]]*(?=\s+[\"“‘'(\[]?[A-Z0-9“])")
_OPEN, _CLOSE = "“«„", "”»"
_PRONOUN = re.compile(
    r"\b(?:[Hh]e|[Ss]he|the (?:minister|president|official|ambassador|prime minister|governor|"
    r"diplomat|head|director|spokesman|spokesperson|spokeswoman|envoy|leader|commissioner))\b"
)
PAIR_WORDS = re.compile(
    r"\b(?:(?:both|the two|two|these two|our two|the) (?:countries|nations|sides|states|parties|"
    r"neighbou?rs|economies|governments|presidents|leaders|ministers|delegations|capitals|peoples|"
    r"republics)|our (?:two )?(?:countries|nations|states|peoples)|(?:the|its|their) neighbou?ring "
    r"(?:country|nation|state)|bilateral|mutual|two-way|[Tt]hey|each other)\b",
    re.IGNORECASE,
)
OUR_COUNTRIES = re.compile(r"\bour (?:two )?(?:countries|nations|states|peoples)\b", re.IGNORECASE)
FIRST_PERSON = re.compile(r"\b(?:we|our|us|ours)\b", re.IGNORECASE)
OUR_COUNTRY = re.compile(r"\b(?:our|his|her|my) (?:country|nation|republic|government|economy)\b", re.IGNORECASE)
MAX_SENTENCE = 1500


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words in quotation marks: `start` and `end` without the marks."""

    start: int
    end: int


@dataclass(slots=True)
class Sentence:
    """A sentence with all that was found in it. `masked` are spans that only say who speaks."""

    index: int
    start: int
    end: int
    block: int
    kind: str
    geo: list[Mention]
    goods: list[Mention]
    measures: list[Mention]
    periods: list[FoundPeriod] = field(default_factory=list)
    quantities: list[FoundQuantity] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    namings: list[Naming] = field(default_factory=list)
    quoted: list[Quoted] = field(default_factory=list)
    masked: list[tuple[int, int]] = field(default_factory=list)
    speaker: Slot[Actor] = MISSING
    through: Slot[str] = MISSING

    def is_masked(self, at: int) -> bool:
        """Whether an offset lies in words that only say who speaks."""
        return any(a <= at < b for a, b in self.masked)

    def in_quote(self, at: int) -> bool:
        """Whether an offset lies within quotation marks."""
        return any(q.start <= at < q.end for q in self.quoted)


@dataclass(slots=True)
class Reading:
    """A document with its sentences and the pair of countries it is about, where there is exactly one."""

    document: Document
    sentences: list[Sentence]
    people: list[Person]
    pair: tuple[str, str] | None
    pair_span: tuple[int, int] | None
    iranian: bool
    topic: tuple[str, ...]

    @property
    def text(self) -> str:
        """The document's text."""
        return self.document.text


def split_sentences(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """Yield start and end of the sentences of a block; very long ones are cut at a space."""
    at = block.start
    for m in _STOP.finditer(text, block.start, block.end):
        head = text[max(at, m.start() - 8) : m.start() + 1]
        if m.group()[0] == "." and _ABBREVIATED.search(head):
            continue
        yield from _pieces(text, at, m.end())
        at = m.end()
        while at < block.end and text[at].isspace():
            at += 1
    if at < block.end:
        yield from _pieces(text, at, block.end)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_SENTENCE:
        cut = text.rfind(" ", start + 1, start + MAX_SENTENCE)
        cut = cut if cut > start else start + MAX_SENTENCE
        yield start, cut
        start = cut + (text[cut : cut + 1] == " ")
    if start < end:
        yield start, end


def find_quoted(text: str, block: Block) -> list[Quoted]:
    """Return the quoted stretches of a block; a quotation left open runs to the block's end."""
    out: list[Quoted] = []
    opened: int | None = None
    for m in re.compile('[“”«»„"]').finditer(text, block.start, block.end):
        mark, at = m.group(), m.start()
        opening = opened is None if mark == '"' else mark in _OPEN
        if opening and opened is None:
            opened = at + 1
        elif not opening and opened is not None:
            out.append(Quoted(opened, at))
            opened = None
    if opened is not None:
        out.append(Quoted(opened, block.end))
    return out


_LAYERS: tuple[Layer, ...] = ("geo", "goods", "measure")


def _slice(mentions: list[Mention], starts: list[int], a: int, b: int) -> list[Mention]:
    return mentions[bisect_left(starts, a) : bisect_left(starts, b)]


def read(document: Document, names: Gazetteer) -> Reading:
    """Read a document: sentences, names, times, quantities, speakers."""
    text = document.text
    sentences: list[Sentence] = []
    quoted: dict[int, list[Quoted]] = {}
    for index, block in enumerate(document.blocks):
        if block.kind in {"boilerplate", "byline"}:
            continue
        found = find_mentions(text, names, block.start, block.end)
        starts = {layer: [m.start for m in rows] for layer, rows in found.items()}
        quoted[index] = find_quoted(text, block)
        for a, b in split_sentences(text, block):
            geo, goods, measures = (_slice(found[k], starts[k], a, b) for k in _LAYERS)
            sentence = Sentence(len(sentences), a, b, index, block.kind, geo, goods, measures)
            if a == block.start:
                _mask_dateline(text, sentence)
            first = bisect_left(quoted[index], a, key=lambda q: q.end)
            sentence.quoted = list(takewhile(lambda q, b=b: q.start < b, islice(quoted[index], first, None)))  # type: ignore[misc]
            times = find_periods(text, a, b)
            sentence.periods = [p for p in times if not _is_dateline(document, p)]
            if _MAY_COUNT.search(text, a, b):
                sentence.quantities = find_quantities(text, a, b, [(p.start, p.end) for p in times])
            sentences.append(sentence)
    people: list[Person] = []
    for sentence in sentences:
        sentence.people = find_people(text, sentence.start, sentence.end, sentence.geo, people)
        people.extend(p for p in sentence.people if p.name_start >= 0)
    people = register(people)
    for sentence in sentences:
        sentence.namings = find_namings(text, sentence.start, sentence.end, people, sentence.people, sentence.geo)
    reading = Reading(document, sentences, people, None, None, _speaks_iranian(sentences), ())
    _fill_speakers(reading)
    _fill_pair(reading)
    return reading


_DATELINE = re.compile(
    r"(?:date \S+ )?(?:[A-ZÀ-Ý][A-ZÀ-Ý'’.-]+(?: [A-ZÀ-Ý][A-ZÀ-Ý'’.-]+){0,3}|[A-Z][\w'’-]+(?: "
    r"[A-Z][\w'’-]+){0,2}(?=\s?\([A-Z]|\s[–—-]\s))(?:, [A-Z][\w ]{2,24})?(?:[,.] [A-Z][a-z]+\.? "
    r"\d{1,2}(?:, \d{4})?)?(?:[,.] \d{1,2} [A-Z][a-z]+(?: "
    r"\d{4})?)?\s?(?:\([^)]{2,30}\))?\s?(?:[–—:.]|-(?=\s|[A-Z]))"
)


def _mask_dateline(text: str, sentence: Sentence) -> None:
    """Mask the place that opens an agency's report: "ASTANA, Kazakhstan, December 17. ", "HANOI (VNA) - "."""
    m = _DATELINE.match(text, sentence.start, min(sentence.end, sentence.start + 90))
    if m and (
        any(c.isupper() and d.isupper() for c, d in zip(m.group(), m.group()[1:], strict=False)) or "(" in m.group()
    ):
        sentence.masked.append((m.start(), m.end()))


def _is_dateline(document: Document, found: FoundPeriod) -> bool:
    """Whether words of time are the ones that date the article itself (and are explicit there)."""
    day = document.published
    return day.basis == "explicit" and day.start is not None and found.start <= day.start < found.end


_MAY_COUNT = re.compile(
    r"\d|\b(?:hundred|thousand|million|billion|trillion|doubl|tripl|quadrupl|fold|twice|once|half|"
    r"third|quarter|halv|dozen|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|"
    r"thirty|forty|fifty)",
    re.IGNORECASE,
)


def _speaks_iranian(sentences: Iterable[Sentence]) -> bool:
    return any(
        p.kind == "iranian" or (p.period is not None and p.period.calendar == "solar_hijri")
        for s in sentences
        for p in s.periods
    )


def _speaker_at(text: str, sentence: Sentence, at: int, last: Actor | None, end: int) -> tuple[Actor | None, int, int]:
    """Return who speaks at a verb of saying, and the words that name him: before the verb, else right after it."""
    before = [n for n in sentence.namings if n.end <= at and at - n.end < 70 and not sentence.in_quote(n.start)]
    after = [n for n in sentence.namings if 0 <= n.start - end < 30 and not sentence.in_quote(n.start)]
    near = before[-1] if before else None
    pronoun = None
    for m in _PRONOUN.finditer(text, max(sentence.start, at - 45), at):
        if not sentence.in_quote(m.start()):
            pronoun = m
    if (
        near is not None
        and (pronoun is None or near.start > pronoun.start())
        and "," not in text[near.end : at].strip(", ")[:40].replace(",", "", 1)
    ):
        gap = text[near.end : at]
        if len(gap) < 40 and not re.search(r"\b(?:that|which|with|to|and his)\b", gap):
            return near.actor, near.start, near.end
    if pronoun is not None and last is not None:
        return last, pronoun.start(), pronoun.end()
    if after and re.fullmatch(r",? ?(?:the |by )?(?:\w+ ){0,3}", text[end : after[0].start]):
        return after[0].actor, after[0].start, after[0].end
    if near is not None:
        return near.actor, near.start, near.end
    return None, at, at


def _fill_speakers(reading: Reading) -> None:  # noqa: C901  (one rule after another, in their order)
    """Say of each sentence who speaks in it, and which words only name the speaker."""
    text = reading.text
    last: Actor | None = None
    by_block: dict[int, list[Sentence]] = {}
    for sentence in reading.sentences:
        by_block.setdefault(sentence.block, []).append(sentence)
    carried: Slot[Actor] = MISSING
    for sentences in by_block.values():
        found: Slot[Actor] = MISSING
        for sentence in sentences:
            own = _own_speaker(text, sentence, last)
            if own.known:
                last = own.value if own.value and own.value.kind == "person" else last
                found = own
            sentence.speaker = own
        quotes = [s for s in sentences if s.quoted]
        if found.known:
            for sentence in sentences:
                if not sentence.speaker.known and sentence.quoted:
                    sentence.speaker = _inherit(_nearest_speaker(sentences, sentence) or found)
            carried = found
        elif quotes and carried.known:
            for sentence in quotes:
                sentence.speaker = _inherit(carried)
        if not quotes and not found.known:
            carried = MISSING


def _nearest_speaker(sentences: list[Sentence], at: Sentence) -> Slot[Actor] | None:
    """Return the speaker named in the sentence of the quotation's end, else the last one named before."""
    later = [s for s in sentences if s.index > at.index and s.speaker.known and s.speaker.basis == "explicit"]
    earlier = [s for s in sentences if s.index < at.index and s.speaker.known and s.speaker.basis == "explicit"]
    same_quote = [s for s in later if any(q.start < at.end and q.end > s.start for q in at.quoted)]
    if same_quote:
        return same_quote[0].speaker
    if earlier:
        return earlier[-1].speaker
    return later[0].speaker if later else None


def _inherit(slot: Slot[Actor]) -> Slot[Actor]:
    return Slot(slot.value, slot.raw, slot.start, slot.end, "inherited", 0.8 * slot.confidence)


def _own_speaker(text: str, sentence: Sentence, last: Actor | None) -> Slot[Actor]:  # noqa: C901  (one rule after another, in their order)
    """Return the speaker whom the sentence itself names, and mask the words that do so."""
    a, b = sentence.start, sentence.end
    via = _REPORTS_CITING.search(text, a, b)
    if via and not sentence.in_quote(via.start()):
        named = [n for n in sentence.namings if n.start <= via.start() < n.end]
        if not named or named[0].actor.kind == "organisation":
            sentence.through = Slot(via["via"], via["via"], via.start("via"), via.end("via"), "explicit", 0.8)
            sentence.masked.append((via.start(), via.end()))
    for m in _ACCORDING.finditer(text, a, b):
        if sentence.in_quote(m.start()):
            continue
        stop = text.find(",", m.end(), b)
        named = [n for n in sentence.namings if m.start() <= n.start < m.end() + 60]
        stop = max(stop, named[0].end) if named and stop < named[0].end else stop
        end = stop if stop > 0 else b
        if m.start() > a + 3 and stop < 0:
            end = b
        sentence.masked.append((m.start(), end))
        if named:
            n = named[0]
            return Slot(n.actor, text[n.start : n.end], n.start, n.end, "explicit", 0.9)
        words = text[m.end() : min(end, m.end() + 80)].strip()
        if words and words[0].isupper():
            return Slot(Actor(words, "", kind="organisation"), words, m.end(), m.end() + len(words), "explicit", 0.6)
        return MISSING
    for m in _SAY.finditer(text, a, b):
        if sentence.in_quote(m.start()):
            continue
        actor, first, stop = _speaker_at(text, sentence, m.start(), last, m.end())
        if actor is None:
            lone = re.compile(r", (?:an? |the )?[^,]{3,60} $").search(text, max(a, m.start() - 70), m.start())
            if lone and m.end() >= b - 40:
                sentence.masked.append((lone.start(), b))
            continue
        _mask_speaker(text, sentence, m, first, stop)
        return Slot(actor, text[first:stop], first, stop, "explicit", 0.9)
    return MISSING


def _mask_speaker(text: str, sentence: Sentence, verb: re.Match[str], first: int, stop: int) -> None:
    """Mask the naming of the speaker; behind a comma ("..., said X in Accra") all the rest of the sentence."""
    head = min(first, verb.start())
    tail = max(stop, verb.end())
    before = text[sentence.start : head].rstrip()
    if before.endswith((",", "”", '"', ",”", "’", ", the", "” the")):
        rest = text[tail : sentence.end]
        follow = re.search(r"[:,]\s*[“\"]|\bthat\b", rest)
        tail = tail + follow.start() if follow else sentence.end
    sentence.masked.append((head, tail))


def _fill_pair(reading: Reading) -> None:
    """Find the two countries the document is about: those of title and lead, else the two named far most often."""
    counts: dict[str, int] = {}
    spans: dict[str, tuple[int, int]] = {}
    lead: list[str] = []
    body = 0
    for sentence in reading.sentences:
        codes = countries_of(sentence, masked=True)
        for code, at in codes:
            counts[code] = counts.get(code, 0) + 1
            spans.setdefault(code, at)
        if sentence.kind == "title" or (sentence.kind == "body" and body < 2):
            lead.extend(c for c, _ in codes)
        body += sentence.kind == "body"
    ranked = sorted(counts, key=lambda c: (-counts[c], spans[c][0]))
    first = list(dict.fromkeys(lead))
    reading.topic = tuple(first)
    chosen: list[str] = []
    if len(ranked) == 2 or (len(ranked) > 2 and counts[ranked[1]] >= 3 and counts[ranked[2]] * 2 <= counts[ranked[1]]):
        chosen = ranked[:2]
    elif len(first) == 2 and all(counts[c] >= 2 for c in first):
        chosen = first
    if len(chosen) == 2:
        a, b = sorted(chosen, key=lambda c: spans[c][0])
        reading.pair, reading.pair_span = (a, b), spans[a]


def countries_of(sentence: Sentence, *, masked: bool = False) -> list[tuple[str, tuple[int, int]]]:
    """Return the countries named in a sentence, in order: also by demonym, capital or a person's office, not by places.

    With `masked`, the words that only name the speaker count too.
    """
    out: dict[str, tuple[int, int]] = {}
    for g in sentence.geo:
        if g.kind in {"country", "demonym", "capital"} and (masked or not sentence.is_masked(g.start)):
            out.setdefault(g.entry.id, (g.start, g.end))
    for n in sentence.namings:
        if n.actor.country and n.actor.kind == "person" and (masked or not sentence.is_masked(n.start)):
            out.setdefault(n.actor.country, (n.start, n.end))
    return sorted(out.items(), key=lambda item: item[1])
