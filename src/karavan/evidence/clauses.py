"""What stands around a quantity: its stretch of the sentence, direction of change, countries, measure, period."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from karavan.evidence.discourse import OUR_COUNTRIES, OUR_COUNTRY, PAIR_WORDS, countries_of
from karavan.evidence.records import MISSING, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.discourse import Reading, Sentence
    from karavan.evidence.gazetteer import Mention
    from karavan.evidence.quantities import FoundQuantity

UP = (
    r"r(?:ise|ose|isen|ising|ises)|gr(?:ow|ew|own|owing|ows|owth)|increas\w+|up|jump\w*|surg\w+|"
    r"soar\w*|climb\w*|gain\w*|expan\w+|higher|more|above|accelerat\w+|"
    r"improv\w+|leap\w*|rocket\w*|spik\w+|upturn|upsurge|uptick|hikes?|hiked|advanc\w+|boost\w*|"
    r"rally|rallied|added|exceed\w*|swell\w*|recover\w*|rebound\w*|skyrocket\w*|larger|greater"
)
DOWN = (
    r"f(?:all|ell|allen|alling|alls)|declin\w+|decreas\w+|drop\w*|down|plung\w+|slump\w*|shr(?:ink|"
    r"ank|unk|inking)|slid\w*|reduc\w+|contract(?:ed|ion|ing)|lower|less|fewer|below|cut|"
    r"plummet\w*|tumbl\w+|dip(?:ped)?|slip\w*|sank|sink\w*|collaps\w+|halv\w+|los[ts]\w*|downturn|"
    r"shed|smaller|weaken\w*"
)
_DIRECTION = re.compile(rf"\b(?:(?P<up>{UP})|(?P<down>{DOWN}))\b", re.IGNORECASE)
_BREAK = re.compile(
    r";|,? (?:while|whereas|but|although|though)\b|,? and (?=[A-Z][\w’']+ (?!and\b))|, with "
    r"(?=[A-Z])|\bcompared (?:to|with)|\bagainst\b|\bversus\b"
    r"|,(?: and)? (?=(?:the )?[A-Z][\w ]{1,30}? with (?:about |over |nearly )?[$€£]?\d)"
)
_LINK = {"country", "demonym", "capital", "bloc"}


@dataclass(frozen=True, slots=True)
class Party:
    """A country or bloc in a stretch of text, and its part: origin, destination, partner, owner, pair, place, via."""

    code: str
    part: str
    start: int
    end: int


def direction_near(text: str, start: int, end: int, floor: int, ceiling: int) -> int:
    """Return 1, -1 or 0: the direction of change said around a span, the nearest word within the limits."""
    best: tuple[int, int] | None = None
    for m in _DIRECTION.finditer(text, floor, ceiling):
        if m["up"] and m["up"].lower() == "up" and re.match(r" to\b", text[m.end() : m.end() + 4]):
            continue
        gap = start - m.end() if m.end() <= start else m.start() - end
        if gap < 0:
            continue
        # A word before the number binds it more than one behind it.
        weight = gap if m.end() <= start else gap + 6
        sign = 1 if m["up"] else -1
        if best is None or weight < best[0]:
            best = (weight, sign)
    return best[1] if best else 0


def stretch(text: str, sentence: Sentence, at: FoundQuantity, levels: Sequence[FoundQuantity]) -> tuple[int, int]:
    """Return the part of the sentence that belongs to one of several levels: between its neighbours, cut at breaks."""
    start, end = sentence.start, sentence.end
    i = levels.index(at)
    if i > 0:
        breaks = [m.end() for m in _BREAK.finditer(text, levels[i - 1].end, at.outer)]
        start = breaks[-1] if breaks else levels[i - 1].end
    if i + 1 < len(levels):
        later = levels[i + 1]
        breaks = [m.start() for m in _BREAK.finditer(text, at.end, later.outer)]
        end = breaks[0] if breaks else later.outer
    return start, end


def _part_of(text: str, mention: Mention, floor: int) -> str:
    """Return what a preposition, a possessive or a verb makes of a country."""
    before = text[max(floor, mention.start - 26) : mention.start].lower()
    after = text[mention.end : mention.end + 14]
    m = re.search(
        r"\b(from|to|into|towards|for|with|between|among|in|via|through|across|of|by|at|on|over|against|"
        r"than|toward)(?: the| its| neighbouring| neighboring| landlocked| port of| ports of| northern| "
        r"southern| eastern| western| border with)*(?: \w+ (?:city|port|region|town|province)? ?of)? $",
        before,
    )
    word = m.group(1) if m else ""
    if mention.kind == "demonym":
        if re.match(r"\s(?:exports?|imports?|goods|products|shipments|side|economy|market)", after):
            return (
                "destination"
                if word in {"to", "into"} and "market" in after
                else "origin"
                if "export" in after or "goods" in after
                else "owner"
            )
        return {
            "to": "destination",
            "into": "destination",
            "from": "origin",
            "between": "pair",
            "with": "partner",
            "in": "place",
            "through": "via",
            "via": "via",
        }.get(word, "owner")
    if word:
        return {
            "from": "origin",
            "to": "destination",
            "into": "destination",
            "towards": "destination",
            "toward": "destination",
            "for": "destination",
            "with": "partner",
            "between": "pair",
            "among": "pair",
            "in": "place",
            "at": "place",
            "via": "via",
            "through": "via",
            "across": "via",
            "of": "owner",
            "by": "owner",
        }.get(word, "other")
    return "owner"


def parties(reading: Reading, sentence: Sentence, start: int, end: int) -> list[Party]:
    """Return the countries and blocs between two offsets, without those that only name the speaker."""
    text = reading.text
    out: list[Party] = []
    for g in sentence.geo:
        if not start <= g.start < end or sentence.is_masked(g.start) or g.kind not in _LINK:
            continue
        if (
            g.kind == "bloc"
            and not g.entry.countries
            and g.entry.id
            not in {
                "EUROPE",
                "AFRICA",
                "ASIA",
                "EAST_AFRICA",
                "WEST_AFRICA",
                "SOUTHERN_AFRICA",
                "COMESA",
                "AFCFTA",
                "RCEP",
                "BRICS",
                "MIDDLE_EAST",
                "SOUTH_EAST_ASIA",
            }
        ):
            continue
        if any(p.start <= g.start < p.end for p in sentence.people) or _is_institution(sentence, g):
            continue
        company = g.kind == "demonym" and _COMPANY.match(text, g.end) is not None
        part = "company" if company else _part_of(text, g, sentence.start)
        if (
            g.kind == "capital"
            and part in {"place", "origin", "destination", "via"}
            and re.search(r"\b(?:in|at) $", text[max(0, g.start - 4) : g.start])
        ):
            continue
        out.append(Party(g.entry.id, part, g.start, g.end))
    for m in OUR_COUNTRY.finditer(text, start, end):
        code = _speaker_country(sentence, m.group())
        if code:
            before = text[max(sentence.start, m.start() - 12) : m.start()]
            part = "via" if re.search(r"\bthrough $", before) else "place" if before.endswith("in ") else "owner"
            out.append(Party(code, part, m.start(), m.end()))
    return _spread(text, out)


def _is_institution(sentence: Sentence, g: Mention) -> bool:
    """Whether a country's name is only part of an organisation's that speaks or is not a side of the trade."""
    return any(
        n.actor.kind == "organisation" and n.start <= g.start < n.end and sentence.is_masked(n.start)
        for n in sentence.namings
    )


def _speaker_country(sentence: Sentence, words: str) -> str:
    speaker = sentence.speaker.value
    if speaker is None or not speaker.country:
        return ""
    return speaker.country if words.lower().startswith(("our", "my", "his", "her")) else ""


def _spread(text: str, found: list[Party]) -> list[Party]:
    """Give every country of a list ("between A, B and C", "to A and B") the part of the first."""
    found.sort(key=lambda p: p.start)
    out: list[Party] = []
    for p in found:
        if out:
            last = out[-1]
            gap = text[last.end : p.start]
            if re.fullmatch(r"(?:['’]s)?(?:,| and|, and| or| &|-|–| with)? ?(?:the )?", gap) and last.part != "other":
                part = "partner" if "with" in gap else "pair" if gap in {"-", "–"} else last.part
                if part == "pair" and gap in {"-", "–"}:
                    out[-1] = Party(last.code, "pair", last.start, last.end)
                out.append(Party(p.code, part, p.start, p.end))
                continue
        out.append(p)
    return out


_COMPANY = re.compile(
    r"(?:['’]s)?\s(?:[\w-]+ ){0,2}(?:investors?|compan(?:y|ies)|firms?|operators?|contractors?|group|"
    r"banks?|consortium|media|news|embassy|experts?|analysts?|agency|newspaper|ambassador|officials?|"
    r"conglomerate|giant|developer|diplomats?)\b"
)


def places_in(sentence: Sentence, start: int, end: int) -> list[Mention]:
    """Return the places that lie in one known country, between two offsets."""
    return [
        g
        for g in sentence.geo
        if start <= g.start < end
        and g.kind in {"place", "capital"}
        and g.entry.countries
        and not sentence.is_masked(g.start)
    ]


def corridor_in(sentence: Sentence, start: int, end: int) -> Mention | None:
    """Return the corridor named between two offsets."""
    return next((g for g in sentence.geo if start <= g.start < end and g.kind == "corridor"), None)


_ROUTE_WORD = re.compile(r"\b(?:this|the|that) (?:route|corridor|railway|line|railroad|project|road)\b", re.IGNORECASE)


def named_route(reading: Reading, sentence: Sentence, start: int, end: int) -> Mention | None:
    """Return the corridor that is named, or that "this route" means: the only one of the two sentences before."""
    own = corridor_in(sentence, start, end)
    if own is not None or not _ROUTE_WORD.search(reading.text, start, end):
        return own
    found = {
        g.entry.id: g
        for s in reading.sentences[max(0, sentence.index - 2) : sentence.index]
        for g in s.geo
        if g.kind == "corridor"
    }
    return next(iter(found.values())) if len(found) == 1 else None


def pair_of(reading: Reading, sentence: Sentence, start: int, end: int) -> Slot[tuple[str, ...]]:
    """Return the two countries that "both countries", "bilateral", "our countries" mean: only with one candidate.

    Candidates in order: two countries in the sentence itself (as people's offices too); the speaker's country and the
    one other country of the document's pair; the nearest earlier sentence with exactly two countries, if it agrees with
    the document's pair or there is none.
    """
    m = PAIR_WORDS.search(reading.text, start, end) or OUR_COUNTRIES.search(reading.text, start, end)
    if m is None:
        return MISSING
    raw = m.group()
    own = [c for c, _ in countries_of(sentence, masked=True)]
    if len(own) == 2:
        return Slot(tuple(own), raw, m.start(), m.end(), "inherited", 0.9)
    near = _nearest_pair(reading, sentence)
    speaker = sentence.speaker.value
    if near and (reading.pair is None or set(near) == set(reading.pair)):
        if OUR_COUNTRIES.match(raw) and speaker and speaker.country and speaker.country not in near:
            return MISSING
        return Slot(near, raw, m.start(), m.end(), "inherited", 0.8)
    if reading.pair is not None and near is None and len(own) <= 1 and (not own or own[0] in reading.pair):
        return Slot(reading.pair, raw, m.start(), m.end(), "inherited", 0.7)
    return MISSING


def document_pair(reading: Reading, confidence: float = 0.6) -> Slot[tuple[str, ...]]:
    """Return the two countries that the document is about, as an inherited slot; missing if not just two."""
    if reading.pair is None or reading.pair_span is None:
        return MISSING
    a, b = reading.pair_span
    return Slot(reading.pair, reading.text[a:b], a, b, "inherited", confidence)


def _nearest_pair(reading: Reading, sentence: Sentence) -> tuple[str, ...] | None:
    for earlier in reversed(reading.sentences[max(0, sentence.index - 8) : sentence.index]):
        codes = tuple(c for c, _ in countries_of(earlier, masked=True))
        if len(codes) == 2:
            return codes
        if len(codes) > 2:
            return None
    # A speaker may be named only behind his words.
    for later in reading.sentences[sentence.index + 1 : sentence.index + 3]:
        codes = tuple(c for c, _ in countries_of(later, masked=True))
        if len(codes) == 2 and later.block == sentence.block:
            return codes
    return None
