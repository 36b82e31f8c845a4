"""Events: meetings, visits, signings, launches, openings."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.clauses import pair_of, parties, places_in
from karavan.evidence.discourse import countries_of
from karavan.evidence.figure_parts import trim
from karavan.evidence.moments import resolved
from karavan.evidence.records import MISSING, Actor, Event, Period, Slot, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.discourse import Reading, Sentence

_INSTRUMENT = (
    r"(?i:memorand(?:um|a|ums)(?: of (?:understanding|cooperation))?|MoUs?|MOUs?|agreements?|"
    r"accords?|treat(?:y|ies)|protocols?|declarations?|(?:joint )?statements?|contracts?|deals?|"
    r"documents?|roadmaps?|road map|action plan|pacts?|letters? of intent|communiqu[eé]s?|charter|"
    r"conventions?|arrangement|partnership)"
)


_TALKS = r"(?:talks|meetings?|negotiations|consultations|discussions)"


_GATHERING = (
    r"(?:[Ff]orum|[Ss]ummit|[Cc]onference|[Ee]xhibition|[Cc]ongress|[Ee]xpo|[Ff]air|[Ss]ession|"
    r"[Ss]ymposium|[Rr]ound ?table|[Ww]orkshop|[Cc]lub)"
)


_SERVICE = (
    r"(?:flights?|trains?|services?|routes?|ferry|ferries|shipments?|voyages?|line|consignments?|"
    r"containers?|trucks?|sailings?|cargo|vessels?|bus|airline|block trains?)"
)


_FACILITY = (
    r"(?:terminal|port|railway|rail line|line|bridge|road|highway|crossing|border post|airport|plant|"
    r"factory|facility|centre|center|hub|station|dry port|warehouse|embassy|consulate|office|trade "
    r"house|tunnel|section|berth|depot|zone|corridor|checkpoint|pipeline|refinery|canal)"
)


_RULES: tuple[tuple[str, str, str], ...] = (
    (
        "SUPPORT",
        "diplomatic_relations",
        (
            r"\b[Dd]iplomatic (?:relations|ties)\b.{0,80}?\b(?:established|restored|severed|resumed)\b|"
            r"\b(?:established|restored|severed|resumed|cut) diplomatic (?:relations|ties)"
        ),
    ),
    (
        "AGREE",
        "sign",
        (
            rf"\b(?:signed|inked|initialled|sealed|concluded|sign(?=(?:s)?\b))(?:s)?\b(?: (?!by\b|off\b|"
            rf"up\b)[^.;]{{0,90}}?)?\b{_INSTRUMENT}\b|\b{_INSTRUMENT}\b[^.;]{{0,70}}?\b(?:was|were|has been|"
            rf"have been|been) (?:also )?(?:signed|inked|concluded)\b|\b[Ss]igning (?:ceremony )?of (?:an? |"
            rf"the |several |two )?[^.;]{{0,40}}?{_INSTRUMENT}\b|\b{_INSTRUMENT} signed (?:today|yesterday|on|"
            rf"in|at|during|between|by)\b|\bput their names to\b"
        ),
    ),
    (
        "AGREE",
        "establish_body",
        (
            r"\b(?:established|set up|created|formed) (?:a|an|the) (?:new )?(?:joint |intergovernmental |"
            r"bilateral |working )+(?:commission|committee|council|group|company|venture)\b"
        ),
    ),
    (
        "CONSULT",
        "forum",
        (
            rf"\b(?:participat(?:ed|es)|took part|takes part|spoke|speaking|addressed|"
            rf"attended)\b[^.;]{{0,60}}?\b{_GATHERING}\b|\b{_GATHERING}\b[^.;]{{0,50}}?\b(?:was held|took "
            rf"place|opened|kicked off|gathered|convened|began|concluded|is being held)\b|\b(?:hosted|held|"
            rf"opened) (?:an?|the)(?: [\w’'-]+){{0,6}} {_GATHERING}\b|\b(?:upcoming|forthcoming|next)(?: "
            rf"[\w’'-]+){{0,3}} (?:{_GATHERING}|meeting)\b"
        ),
    ),
    (
        "CONSULT",
        "meeting",
        (
            rf"\b(?:met(?! (?:the (?:target|demand|needs|criteria|requirements|deadline)|all|its|their "
            rf"(?:targets|needs)|by\b))|meets?(?= (?:with |[A-Z]))|ha(?:s|ve) met)\b(?: (?:with|in|on|at)\b)?|"
            rf"\b(?:held|hold|holds|had|have held|has held|conducted|wrapped up|began|opened|after|during|"
            rf"following|in)(?: [\w-]+){{0,3}} {_TALKS}\b(?: (?:with|between)\b)?|\b[Tt]he {_TALKS}, which "
            rf"took place\b|\b{_TALKS} (?:between|with)\b[^.;]{{0,120}}?\b(?:took place|were held|was held|"
            rf"held)\b|\b{_TALKS} (?:took place|were held|was held)\b|\b[Dd]uring (?:the|their) (?:meeting|"
            rf"talks) in (?=[A-Z])|\b(?:has|have|had)? ?discussed\b"
        ),
    ),
    (
        "CONSULT",
        "visit",
        (
            r"\b(?:visited|paid (?:an? )?(?:[\w-]+ )*visit|arrived (?:in|on)|is (?:currently )?on an? "
            r"(?:[\w-]+ )*visit|began (?:an? )(?:[\w-]+ )*visit|during (?:his|her|a|the) (?:[\w-]+ )*visit "
            r"to)\b"
        ),
    ),
    (
        "CONSULT",
        "call",
        (
            r"\b(?:phone call|telephone conversation|spoke by (?:phone|telephone)|telephone call|video "
            r"?conference)\b"
        ),
    ),
    ("CONSULT", "invite", r"\b(?:extended an invitation|invited [A-Z]\w+[^.;]{0,40} to visit)\b"),
    (
        "COOPERATE",
        "launch_service",
        (
            rf"\b(?:launched|started|began|resumed|inaugurated|introduced|opened|commenced)\b (?:an?|the|its|"
            rf"their|regular|direct|new|first)(?: [\w’'-]+){{0,6}}? ?{_SERVICE}\b|\b(?:first|maiden|"
            rf"inaugural)(?: [\w’'-]+){{0,4}} {_SERVICE}\b[^.;]{{0,120}}?\b(?:arrived|left|departed|set off|"
            rf"landed|was launched|were launched|took place|ran|reached|rolled|docked|was sent|was dispatched|"
            rf"sailed|took off|entered|crossed)\b|\b{_SERVICE}\b[^.;]{{0,60}}?\b(?:was|were|has been|have "
            rf"been) (?:launched|resumed|restarted|inaugurated)\b|\b(?:sent|dispatched|received|welcomed) "
            rf"(?:the|its|their) (?:first|maiden|inaugural)(?: [\w’'-]+){{0,4}} {_SERVICE}\b"
        ),
    ),
    (
        "COOPERATE",
        "open_facility",
        (
            rf"\b(?:opened|inaugurated|commissioned|unveiled|reopened|handed over|completed)\b (?:an?|the|its|"
            rf"their|new|first)(?: [\w’'-]+){{0,6}}? ?{_FACILITY}\b|\b{_FACILITY}\b[^.;]{{0,70}}?\b(?:was|"
            rf"were|has been|have been) (?:officially |formally )?(?:opened|inaugurated|commissioned|put into "
            rf"operation|reopened|completed)\b|\b{_FACILITY} (?:officially |formally )?(?:opened|reopened)\b"
        ),
    ),
    (
        "COOPERATE",
        "start_construction",
        (
            r"\b(?:broke ground|laid the (?:foundation|cornerstone)|construction (?:of|"
            r"on)[^.;]{0,70}?\b(?:began|started|has begun|was launched|is under way|is underway)|"
            r"(?:started|began|launched) (?:the )?construction|started building|began building)\b"
        ),
    ),
)


# A rule is tried only where one of these words stands: most sentences need none of them.
_NEEDED: dict[str, tuple[str, ...]] = {
    "diplomatic_relations": ("iplomatic",),
    "sign": ("sign", "inked", "initialled", "sealed", "conclu", "names to"),
    "establish_body": ("established", "set up", "created", "formed"),
    "forum": (
        "orum",
        "ummit",
        "onference",
        "xhibition",
        "ongress",
        "xpo",
        "air",
        "ession",
        "ymposium",
        "ound table",
        "roundtable",
        "orkshop",
        "lub",
    ),
    "meeting": ("met", "meet", "talks", "negotiation", "consultation", "discuss"),
    "visit": ("visit", "arrived"),
    "call": ("call", "telephone", "phone", "onference"),
    "invite": ("invit",),
    "launch_service": (
        "launch",
        "start",
        "began",
        "resum",
        "inaugura",
        "introduc",
        "open",
        "commenc",
        "first",
        "maiden",
        "sent",
        "dispatch",
        "received",
        "welcomed",
        "restart",
    ),
    "open_facility": ("open", "inaugura", "commission", "unveil", "handed", "complet", "put into"),
    "start_construction": ("ground", "laid", "onstruct", "building"),
}


_COMPILED = tuple((t, m, re.compile(p), _NEEDED[m]) for t, m, p in _RULES)


_MODAL = re.compile(
    r"\b(?:will|would|to|plans?|planned|agreed to|could|may|might|should|expected|hopes?|intends?|"
    r"slated|set to|scheduled|upcoming|ready to|wants? to|proposed|until|before|if|can|must|"
    r"invit\w+)\b[^.;,]{0,30}$"
)


_UPCOMING = re.compile(
    r"\b(?:upcoming|forthcoming|next (?:session|meeting|summit|round)|(?:slated|scheduled|set|due|"
    r"planned|expected) to (?:convene|be held|take place|meet)|will (?:be held|take place|convene|"
    r"meet|visit|travel|host))\b"
)


_DURING = re.compile(
    r"\b(?:[Dd]uring|[Aa]t|[Aa]fter|[Ff]ollowing|[Cc]oncluding|[Ii]n) (?:the |his |her |their |these "
    r")?(?:meeting|talks|visit|conclusion of the talks|end of the|ceremony|negotiations|discussions|"
    r"summit|forum|session|trip)\b"
)


_ALSO = re.compile(r"\b(?:also|[Tt]he (?:talks|meeting|visit|document)|[Hh]e|[Ss]he)\b")


_ADJUNCT = re.compile(
    r"\b(?:[Bb]efore|[Aa]head of|[Pp]rior to|[Aa]fter|[Ff]ollowing) (?:his |her |the |their "
    r")?(?:meeting|talks)(?: with)? [^,]{3,80},"
)


_PLURAL = re.compile(
    r"\b(?:[Tt]he )?(?:two|both) (?:presidents|ministers|leaders|sides|countries|officials|foreign "
    r"ministers|delegations|governments|parties|heads)\b|\b[Tt]hey\b|\b[Tt]he (?:sides|parties|"
    r"ministers|presidents|leaders|delegations)\b"
)


def _instrument(text: str, start: int, end: int) -> Slot[str]:
    found = list(re.compile(_INSTRUMENT).finditer(text, start, end))
    if not found:
        return MISSING
    first, last = found[0], found[-1]
    joined = text[first.start() : last.end()] if len(found) > 1 and last.start() - first.end() < 12 else first.group()
    return Slot(joined, joined, first.start(), first.start() + len(joined), "explicit", 0.9)


def _agree_mode(instrument: str) -> str:
    low = instrument.lower()
    if "memorand" in low or "mou" in low:
        return "sign_mou"
    return "joint_statement" if "statement" in low or "declaration" in low or "communiqu" in low else "sign_agreement"


def events_of(reading: Reading, sentence: Sentence, earlier: Sequence[Event]) -> list[Event]:
    """Return the mentions of events in a sentence; `earlier` are those before it, for "during the meeting"."""
    text = reading.text
    a, b = sentence.start, sentence.end
    out: list[Event] = []
    spans: list[tuple[int, int, str]] = []
    words = text[a:b]
    for kind, mode, pattern, needed in _COMPILED:
        for word in needed:  # a plain loop: `any` with a generator takes three times as long
            if word in words:
                break
        else:
            continue
        for m in pattern.finditer(text, a, b):
            if any(s < m.end() and m.start() < e and (k == kind or mode == "forum") for s, e, k in spans):
                continue
            if mode == "meeting" and any(k == "CONSULT" for _, _, k in spans) and "discussed" in m.group():
                continue
            if sentence.in_quote(m.start()) and mode not in {"sign", "launch_service", "open_facility"}:
                continue
            head = text[max(a, m.start() - 60) : m.start()]
            planned = bool(_UPCOMING.search(text, a, b))
            if _MODAL.search(head) and not planned:
                continue
            if mode == "meeting" and not _has_sides(reading, sentence, m.group()):
                continue
            spans.append((m.start(), m.end(), kind))
            out.append(_event(reading, sentence, m, kind, mode, earlier, planned=planned))
    return out


def _has_sides(reading: Reading, sentence: Sentence, words: str) -> bool:
    if any(n.actor.kind == "person" for n in sentence.namings) or _PLURAL.search(
        reading.text, sentence.start, sentence.end
    ):
        return True
    return len(countries_of(sentence, masked=True)) >= 2 or "took place" in words


def _people(sentence: Sentence, text: str) -> list[Actor]:
    """Return the people of a sentence, without those of another meeting: "Before meeting with X, ..."."""
    aside = _ADJUNCT.match(text, sentence.start, sentence.end)
    floor = aside.end() if aside else sentence.start
    return list(dict.fromkeys(n.actor for n in sentence.namings if n.actor.kind == "person" and n.start >= floor))


def _event(
    reading: Reading,
    sentence: Sentence,
    m: re.Match[str],
    kind: str,
    mode: str,
    earlier: Sequence[Event],
    *,
    planned: bool,
) -> Event:
    text = reading.text
    instrument: Slot[str] = MISSING
    if mode == "sign":
        instrument = _instrument(text, m.start(), sentence.end)
        mode = _agree_mode(instrument.value or "")
    actors = _actors(text, sentence, m, mode)
    previous = next((e for e in reversed(earlier) if not e.planned), None)
    areas = _areas(reading, sentence, previous)
    if (
        _PLURAL.search(text, sentence.start, sentence.end)
        and not any(a.kind == "person" for a in actors)
        and previous is not None
    ):
        actors = [*actors, *(a for a in previous.actors if a.kind == "person")]
    if not actors and areas.value:
        actors = [Actor(c, c, kind="country") for c in areas.value if len(c) == 3]
    day = _date(reading, sentence, previous, linked=_linked(text, sentence, previous))
    place = _where(reading, sentence, previous, linked=_linked(text, sentence, previous))
    reasons = []
    if not day.known or (day.value is not None and day.value.start is None):
        reasons.append("date not given" if not day.known else f"{day.raw!r} has no year")
    elif day.basis == "inferred":
        reasons.append("date only inferred")
    if not areas.known and not actors:
        reasons.append("who takes part is not certain")
    start, end = trim(text, sentence.start, sentence.end)
    return Event(
        kind="event",
        status="partial" if reasons else "accepted",
        reason="; ".join(reasons),
        quote=text[start:end],
        start=start,
        end=end,
        citations=(Span(start, end),),
        speaker=sentence.speaker,
        through=sentence.through,
        areas=areas,
        direction="-".join(areas.value) if areas.value and len(areas.value) == 2 else "",
        actors=tuple(actors),
        place=place,
        event_type=kind,
        mode=mode,
        date=day,
        planned=planned,
        instrument=instrument,
    )


def _actors(text: str, sentence: Sentence, m: re.Match[str], mode: str) -> list[Actor]:
    people = _people(sentence, text)
    if sentence.speaker.basis == "explicit" and sentence.speaker.start is not None and sentence.speaker.start > m.end():
        aside = sentence.speaker.value
        named = [n for n in sentence.namings if n.actor == aside]
        people = [a for a in people if a != aside or any(not sentence.is_masked(n.start) for n in named)]
    organisations = [
        n.actor for n in sentence.namings if n.actor.kind == "organisation" and not sentence.is_masked(n.start)
    ]
    if mode in {"launch_service", "open_facility", "start_construction"}:
        near = [n.actor for n in sentence.namings if n.end <= m.start() and n.actor.kind == "organisation"]
        return near[-1:] or people[:1] or organisations[:1]
    return [*people, *(organisations if mode in {"meeting", "sign_mou", "sign_agreement"} and len(people) < 2 else [])]


def _areas(reading: Reading, sentence: Sentence, previous: Event | None) -> Slot[tuple[str, ...]]:
    text = reading.text
    codes: dict[str, tuple[int, int]] = {}
    for n in sentence.namings:
        if n.actor.country:
            codes.setdefault(n.actor.country, (n.start, n.end))
    for p in parties(reading, sentence, sentence.start, sentence.end):
        codes.setdefault(p.code, (p.start, p.end))
    if codes and (len(codes) >= 2 or not _PLURAL.search(text, sentence.start, sentence.end)):
        first = min(codes.values())
        return Slot(tuple(codes), text[first[0] : first[1]], first[0], first[1], "explicit", 0.9)
    pair = pair_of(reading, sentence, sentence.start, sentence.end)
    if pair.known:
        return pair
    if previous is not None and previous.areas.known and _PLURAL.search(text, sentence.start, sentence.end):
        return replace(previous.areas, basis="inherited", confidence=0.7)
    places = tuple(
        dict.fromkeys(c for g in places_in(sentence, sentence.start, sentence.end) for c in g.entry.countries)
    )
    if places:
        g = places_in(sentence, sentence.start, sentence.end)[0]
        return Slot(places, text[g.start : g.end], g.start, g.end, "explicit", 0.7)
    if codes:
        first = min(codes.values())
        return Slot(tuple(codes), text[first[0] : first[1]], first[0], first[1], "explicit", 0.8)
    if previous is not None and previous.areas.known:
        return replace(previous.areas, basis="inherited", confidence=0.6)
    return MISSING


def _linked(text: str, sentence: Sentence, previous: Event | None) -> bool:
    """Whether a sentence goes on about the event before: "during the meeting", "the two presidents"."""
    if previous is None:
        return False
    return any(p.search(text, sentence.start, sentence.end) for p in (_DURING, _PLURAL, _ALSO))


def _date(reading: Reading, sentence: Sentence, previous: Event | None, *, linked: bool) -> Slot[Period]:  # noqa: C901  (one rule after another, in their order)
    """Return the day (or month, year) of an event: said in its sentence, in the next ("landed on April 1"), before."""
    best: Slot[Period] = MISSING
    rank = 9
    for p in sentence.periods:
        if (
            p.kind in {"horizon", "same", "lookback"}
            or p.use in {"base", "deadline", "lookback", "now"}
            or (sentence.is_masked(p.start) and p.kind != "weekday")
        ):
            continue
        slot = resolved(reading, p, MISSING, "")
        if slot.value is None:
            continue
        worth = _sharpness(slot.value)
        if p.kind == "weekday" and slot.value.known:
            worth = 2
        if worth < rank:
            best, rank = slot, worth
    if best.known and rank <= 2:
        return best
    after = reading.sentences[sentence.index + 1] if sentence.index + 1 < len(reading.sentences) else None
    if (
        after is not None
        and after.block == sentence.block
        and re.match(r"(?:The|It|This) ", reading.text[after.start : after.start + 5])
        and (best.known or not linked)
    ):
        for p in after.periods:
            if p.kind in {"relative", "absolute"} and p.use == "main":
                slot = resolved(reading, p, MISSING, "")
                if slot.value is not None and _sharpness(slot.value) == 0:
                    return replace(slot, basis="inherited")
    if best.known:
        return best
    if linked and previous is not None and previous.date.known and not previous.planned:
        return replace(
            previous.date, basis="inherited" if previous.date.basis != "inferred" else "inferred", confidence=0.7
        )
    return MISSING


def _sharpness(period: Period) -> int:
    if period.granularity == "day" and (period.month_day or period.start == period.end):
        return 0
    return {"month": 3, "quarter": 4, "half": 4, "year": 5}.get(period.granularity, 6) if period.known else 8


def _where(reading: Reading, sentence: Sentence, previous: Event | None, *, linked: bool) -> Slot[str]:
    text = reading.text
    for g in sentence.geo:
        if g.kind in {"capital", "place"} and re.search(
            r"\b(?:in|at)(?: [A-Z]\w+['’]s| the (?:city|port|capital|capital city) of)? $",
            text[max(sentence.start, g.start - 34) : g.start],
        ):
            return Slot(g.entry.name, text[g.start : g.end], g.start, g.end, "explicit", 0.9)
    if linked and previous is not None and previous.place.known:
        return replace(previous.place, basis="inherited", confidence=0.7)
    return MISSING
