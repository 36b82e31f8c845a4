"""Which countries, corridors or places a figure is about, and the direction of its flow."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.clauses import (
    document_pair,
    named_route,
    pair_of,
    parties,
    places_in,
)
from karavan.evidence.discourse import PAIR_WORDS
from karavan.evidence.figure_parts import ANAPHORA, ANAPHORA_IN, PAIR_KINDS, TIMELESS, Draft, Frame
from karavan.evidence.records import Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.clauses import Party
    from karavan.evidence.discourse import Reading, Sentence


def _relevant(found: Sequence[Party], indicator: str) -> list[Party]:
    """Drop countries that are only the place where something was said, if enough others are there."""
    if indicator not in {"investment", "enterprise_count", "count", "funding"}:
        found = [p for p in found if p.part != "company"]
    strong = [p for p in found if p.part not in {"place", "other"}]
    if indicator in PAIR_KINDS and len({p.code for p in strong}) >= 2:
        return strong
    return [p for p in found if p.part != "other"] or list(found)


def fill_areas(reading: Reading, sentence: Sentence, draft: Draft, span: tuple[int, int], frame: Frame) -> None:  # noqa: C901  (one rule after another, in their order)
    """Fill the countries a figure is about and the direction of its flow; say what is ambiguous."""
    text = reading.text
    indicator = draft.indicator.value or ""
    found = _relevant(parties(reading, sentence, *span), indicator)
    if span[0] > sentence.start and (not found or (indicator in PAIR_KINDS and len({p.code for p in found}) < 2)):
        head = [
            p
            for p in _relevant(parties(reading, sentence, sentence.start, span[0]), indicator)
            if p.part in {"owner", "pair", "origin", "destination", "partner", "via", "place"}
        ]
        own = {p.code for p in found}
        if not found:
            found = head
        else:
            subject = [p for p in head if p.part in {"owner", "pair", "origin"} and p.code not in own]
            listed = text[draft.found.start - 1 : draft.found.start] == "("
            if listed and len(subject) > 1:
                subject.sort(key=lambda p: (not text.startswith(("'s", "’s"), p.end), p.start))
            one = listed or len({p.code for p in head} - own) <= 1
            if one and not _FOLLOWED.search(text, sentence.start, span[0]):
                found = [*subject[:1], *found]
    draft.parties = found
    codes = list(dict.fromkeys(p.code for p in found))
    pair = pair_of(reading, sentence, sentence.start, sentence.end)
    pair_word = PAIR_WORDS.search(text, sentence.start, sentence.end) is not None
    if indicator in PAIR_KINDS and len(codes) > 2 and not any(p.part == "pair" for p in found):
        draft.reasons.append("more than two areas stand by this trade figure")
    if len(codes) >= 2 or (codes and indicator not in PAIR_KINDS):
        draft.areas = Slot(
            tuple(codes), text[found[0].start : found[0].end], found[0].start, found[0].end, "explicit", 0.9
        )
        route = named_route(reading, sentence, *span)
        if route is not None and indicator not in PAIR_KINDS and len(codes) < 2:
            members = route.entry.countries if len(route.entry.countries) <= 3 else ()
            draft.areas = replace(draft.areas, value=tuple(dict.fromkeys((*codes, route.entry.id, *members))))
            codes = list(draft.areas.value or ())
        through = [
            g
            for g in places_in(sentence, *span)
            if re.search(
                r"\b(?:through|via|at|by)(?: the)?(?: [Pp]ort of)? $", text[max(sentence.start, g.start - 22) : g.start]
            )
        ]
        if through and indicator not in PAIR_KINDS:
            draft.areas = replace(
                draft.areas, value=tuple(dict.fromkeys((*codes, *(c for g in through for c in g.entry.countries))))
            )
        market = indicator == "transit" and len(codes) == 1 and not through
        if market or (indicator not in PAIR_KINDS and all(p.part in {"destination", "origin"} for p in found)):
            _add_host(reading, sentence, draft, span)
    elif indicator in PAIR_KINDS:
        _fill_pair_area(reading, sentence, draft, found, pair, frame, pair_word=pair_word)
    else:
        _fill_other_area(reading, sentence, draft, span, pair, frame)
    draft.direction = flow_direction(draft, indicator)


def _add_host(reading: Reading, sentence: Sentence, draft: Draft, span: tuple[int, int]) -> None:
    """Add the country where "cargo bound for Zambia" was counted: of a place named here, or of the text's port."""
    codes = draft.areas.value or ()
    hosts = [c for g in places_in(sentence, *span) for c in g.entry.countries]
    extra = tuple(dict.fromkeys(hosts)) or _host(reading)
    new = tuple(dict.fromkeys((*codes, *extra)))
    if new == codes:
        if len(codes) == 1:
            draft.reasons.append("in which country it was counted is not stated")
        return
    draft.areas = replace(draft.areas, value=new, basis="explicit" if hosts else "inherited", confidence=0.75)


def _host(reading: Reading) -> tuple[str, ...]:
    """Return the country of the port or line that the text is about: of the only place in its first three sentences."""
    places: dict[str, tuple[str, ...]] = {}
    for s in reading.sentences[:4]:
        for g in s.geo:
            if g.kind == "place" and g.entry.detail in {"port", "station", "dry_port"} and g.entry.countries:
                places.setdefault(g.entry.id, g.entry.countries)
    return next(iter(places.values())) if len(set(places.values())) == 1 else ()


def _fill_pair_area(  # noqa: C901  (one rule after another, in their order)
    reading: Reading,
    sentence: Sentence,
    draft: Draft,
    found: Sequence[Party],
    pair: Slot[tuple[str, ...]],
    frame: Frame,
    *,
    pair_word: bool,
) -> None:
    """Complete a trade figure with fewer than two areas: by "bilateral", the figure before, the document's pair."""
    text = reading.text
    code = found[0].code if found else ""
    if pair.known and pair.value and (not code or code in pair.value):
        draft.areas = pair
        return
    before = next((d for d in reversed(frame.drafts) if d.areas.known and d.indicator.value in PAIR_KINDS), None)
    near = before is not None and sentence.index - frame.sentence <= 2
    known = before.areas.value if before and near else None
    toward = bool(found) and found[0].part in {"partner", "destination", "origin", "pair"}
    if (
        known
        and len(known) == 2
        and (not code or code in known)
        and (not code or toward or frame.block == sentence.block)
    ):
        draft.areas = Slot(
            known,
            before.areas.raw if before else "",
            before.areas.start if before else None,
            before.areas.end if before else None,
            "inherited",
            0.75,
        )
        return
    if known and len(known) == 2 and code and _FOLLOWED.search(text, sentence.start, sentence.end):
        common = next((c for c in reading.topic if c in known), known[0])
        draft.areas = Slot(
            (common, code), text[found[0].start : found[0].end], found[0].start, found[0].end, "inherited", 0.7
        )
        return
    if code and toward and reading.pair and code in reading.pair:
        draft.areas = Slot(
            reading.pair, text[found[0].start : found[0].end], found[0].start, found[0].end, "inherited", 0.7
        )
        return
    if code:
        draft.areas = Slot((code,), text[found[0].start : found[0].end], found[0].start, found[0].end, "explicit", 0.8)
        total = re.search(
            r"\b(?:foreign|total|external|overall|global|world|merchandise|overseas)\b",
            text[sentence.start : sentence.end],
            re.IGNORECASE,
        )
        if (
            (toward and draft.indicator.value != "import")
            or (draft.indicator.value == "trade_turnover" and not total)
            or pair_word
        ):
            draft.reasons.append("the other side of the trade is not certain")
        return
    placed = places_in(sentence, sentence.start, sentence.end)
    places = {c for g in placed for c in g.entry.countries}
    if len(places) == 1 and re.search(
        r"\b(?:through|via|at|by)(?: the)?(?: [Pp]ort of)? $",
        text[max(sentence.start, placed[0].start - 22) : placed[0].start],
    ):
        draft.areas = Slot(
            tuple(places), text[placed[0].start : placed[0].end], placed[0].start, placed[0].end, "explicit", 0.7
        )
        draft.place = Slot(
            placed[0].entry.name, text[placed[0].start : placed[0].end], placed[0].start, placed[0].end, "explicit", 0.8
        )
        return
    if len(places) == 1:
        draft.areas = Slot(tuple(places), "", None, None, "inferred", 0.5)
        draft.reasons.append("area only inferred from a place")
        return
    if reading.pair is not None and re.search(
        r"\b(?:bilateral|mutual|two-way|between)\b", text[sentence.start : sentence.end]
    ):
        draft.areas = document_pair(reading)
        return
    if frame.drafts and frame.drafts[-1].areas.known and near:
        last = frame.drafts[-1].areas
        draft.areas = replace(last, basis="inherited", confidence=0.6)
        return
    host = _host(reading)
    if host and not pair_word:
        draft.areas = Slot(host, "", None, None, "inherited", 0.65)
        return
    draft.reasons.append("areas not stated, or more than one candidate")


_FOLLOWED = re.compile(
    r"\b(?:followed by|next (?:came|was|is|were)|(?:second|third|fourth)(?: place| largest| "
    r"biggest)?|came (?:second|next|third))\b"
)


def _fill_other_area(  # noqa: C901  (one rule after another, in their order)
    reading: Reading,
    sentence: Sentence,
    draft: Draft,
    span: tuple[int, int],
    pair: Slot[tuple[str, ...]],
    frame: Frame,
) -> None:
    """Find the area of a figure that is no bilateral trade: corridor, place, figure before, the one country named."""
    text = reading.text
    for a, b in (span, (sentence.start, sentence.end)):
        corridor = named_route(reading, sentence, a, b)
        places = places_in(sentence, a, b)
        if corridor is not None:
            members = corridor.entry.countries if len(corridor.entry.countries) <= 3 else ()
            draft.areas = Slot(
                (corridor.entry.id, *members),
                text[corridor.start : corridor.end],
                corridor.start,
                corridor.end,
                "explicit",
                0.85,
            )
            draft.place = Slot(
                corridor.entry.name, text[corridor.start : corridor.end], corridor.start, corridor.end, "explicit", 0.85
            )
            return
        if places:
            codes = tuple(dict.fromkeys(c for g in places for c in g.entry.countries))
            g = places[0]
            draft.areas = Slot(codes, text[g.start : g.end], g.start, g.end, "explicit", 0.8)
            draft.place = Slot(g.entry.name, text[g.start : g.end], g.start, g.end, "explicit", 0.8)
            return
    if pair.known:
        draft.areas = pair
        return
    speaker = sentence.speaker.value
    if speaker and speaker.country and re.search(r"\b(?:[Oo]ur|[Ww]e)\b", text[sentence.start : sentence.end]):
        draft.areas = Slot(
            (speaker.country,), sentence.speaker.raw, sentence.speaker.start, sentence.speaker.end, "inherited", 0.75
        )
        return
    near = bool(frame.drafts) and frame.drafts[-1].areas.known and sentence.index - frame.sentence <= 1
    goes_on = (
        ANAPHORA.match(text[sentence.start : sentence.start + 40]) is not None
        or ANAPHORA_IN.search(text, sentence.start, sentence.end) is not None
    )
    if near and goes_on and draft.indicator.value not in TIMELESS:
        last = frame.drafts[-1]
        draft.areas, draft.place = replace(last.areas, basis="inherited", confidence=0.7), last.place
        return
    if speaker and speaker.country and speaker.kind == "organisation" and sentence.speaker.basis == "explicit":
        told = sentence.speaker
        draft.areas = Slot((speaker.country,), told.raw, told.start, told.end, "inherited", 0.7)
        return
    lead = {g.entry.id: g for s in reading.sentences[:3] for g in s.geo if g.kind == "corridor"}
    if len(lead) == 1:
        g = next(iter(lead.values()))
        members = g.entry.countries if len(g.entry.countries) <= 3 else ()
        draft.areas = Slot((g.entry.id, *members), text[g.start : g.end], g.start, g.end, "inherited", 0.65)
        return
    host = _host(reading)
    if host:
        draft.areas = Slot(host, "", None, None, "inherited", 0.65)
        return
    corridors = {
        g.entry.id: g
        for s in reading.sentences[max(0, sentence.index - 2) : sentence.index]
        for g in s.geo
        if g.kind == "corridor"
    }
    if len(corridors) == 1:
        g = next(iter(corridors.values()))
        draft.areas = Slot((g.entry.id, *g.entry.countries), text[g.start : g.end], g.start, g.end, "inherited", 0.65)
        return
    if len(reading.topic) == 1:
        draft.areas = Slot((reading.topic[0],), "", None, None, "inherited", 0.6)
        return
    if near:
        last = frame.drafts[-1]
        draft.areas, draft.place = replace(last.areas, basis="inferred", confidence=0.5), last.place
        return
    draft.reasons.append("areas not stated, or more than one candidate")


def flow_direction(draft: Draft, indicator: str) -> str:
    """Return "A->B" for a flow of goods or money, "A-B" for trade both ways, else nothing."""
    codes = draft.areas.value or ()
    parts = {p.code: p.part for p in reversed(draft.parties)}
    if indicator in {"export", "import"} and codes:
        origin = [c for c in codes if parts.get(c) in {"origin", "owner", "pair"}]
        goal = [c for c in codes if parts.get(c) in {"destination", "partner"}]
        if indicator == "import":
            origin = [c for c in codes if parts.get(c) in {"origin", "partner"}]
            goal = [c for c in codes if parts.get(c) in {"owner", "destination", "place"}]
        if len(codes) == 2:
            first = origin[0] if origin else next((c for c in codes if c not in goal), "")
            last = goal[0] if goal and goal[0] != first else next((c for c in codes if c != first), "")
            return f"{first}->{last}"
        return f"{codes[0]}->" if indicator == "export" else f"->{codes[0]}"
    if indicator == "investment" and len(codes) == 2:
        into = next((c for c in codes if parts.get(c) in {"place", "destination"}), codes[1])
        return f"{next(c for c in codes if c != into)}->{into}"
    return "-".join(codes) if len(codes) == 2 else ""
