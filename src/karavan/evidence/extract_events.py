"""Events and flows: meetings, visits, signings, launches; who supplies what to whom."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.clauses import pair_of, parties, places_in
from karavan.evidence.discourse import countries_of
from karavan.evidence.extract_figures import trim
from karavan.evidence.moments import resolved
from karavan.evidence.records import MISSING, Actor, Event, Flow, Period, Slot, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.discourse import Reading, Sentence

_INSTRUMENT = r"(?i:memorand(?:um|a|ums)(?: of (?:understanding|cooperation))?|MoUs?|MOUs?|agreements?|accords?|treat(?:y|ies)|protocols?|declarations?|(?:joint )?statements?|contracts?|deals?|documents?|roadmaps?|road map|action plan|pacts?|letters? of intent|communiqu[eé]s?|charter|conventions?|arrangement|partnership)"
_TALKS = r"(?:talks|meetings?|negotiations|consultations|discussions)"
_GATHERING = r"(?:[Ff]orum|[Ss]ummit|[Cc]onference|[Ee]xhibition|[Cc]ongress|[Ee]xpo|[Ff]air|[Ss]ession|[Ss]ymposium|[Rr]ound ?table|[Ww]orkshop|[Cc]lub)"
_SERVICE = r"(?:flights?|trains?|services?|routes?|ferry|ferries|shipments?|voyages?|line|consignments?|containers?|trucks?|sailings?|cargo|vessels?|bus|airline|block trains?)"
_FACILITY = r"(?:terminal|port|railway|rail line|line|bridge|road|highway|crossing|border post|airport|plant|factory|facility|centre|center|hub|station|dry port|warehouse|embassy|consulate|office|trade house|tunnel|section|berth|depot|zone|corridor|checkpoint|pipeline|refinery|canal)"
_RULES: tuple[tuple[str, str, str], ...] = (
    ("SUPPORT", "diplomatic_relations", r"\b[Dd]iplomatic (?:relations|ties)\b.{0,80}?\b(?:established|restored|severed|resumed)\b|\b(?:established|restored|severed|resumed|cut) diplomatic (?:relations|ties)"),
    ("AGREE", "sign", rf"\b(?:signed|inked|initialled|sealed|concluded|sign(?=(?:s)?\b))(?:s)?\b(?: (?!by\b|off\b|up\b)[^.;]{{0,90}}?)?\b{_INSTRUMENT}\b|\b{_INSTRUMENT}\b[^.;]{{0,70}}?\b(?:was|were|has been|have been|been) (?:also )?(?:signed|inked|concluded)\b|\b[Ss]igning (?:ceremony )?of (?:an? |the |several |two )?[^.;]{{0,40}}?{_INSTRUMENT}\b|\b{_INSTRUMENT} signed (?:today|yesterday|on|in|at|during|between|by)\b|\bput their names to\b"),
    ("AGREE", "establish_body", r"\b(?:established|set up|created|formed) (?:a|an|the) (?:new )?(?:joint |intergovernmental |bilateral |working )+(?:commission|committee|council|group|company|venture)\b"),
    ("CONSULT", "forum", rf"\b(?:participat(?:ed|es)|took part|takes part|spoke|speaking|addressed|attended)\b[^.;]{{0,60}}?\b{_GATHERING}\b|\b{_GATHERING}\b[^.;]{{0,50}}?\b(?:was held|took place|opened|kicked off|gathered|convened|began|concluded|is being held)\b|\b(?:hosted|held|opened) (?:an?|the)(?: [\w’'-]+){{0,6}} {_GATHERING}\b|\b(?:upcoming|forthcoming|next)(?: [\w’'-]+){{0,3}} (?:{_GATHERING}|meeting)\b"),
    ("CONSULT", "meeting", rf"\b(?:met(?! (?:the (?:target|demand|needs|criteria|requirements|deadline)|all|its|their (?:targets|needs)|by\b))|meets?(?= (?:with |[A-Z]))|ha(?:s|ve) met)\b(?: (?:with|in|on|at)\b)?|\b(?:held|hold|holds|had|have held|has held|conducted|wrapped up|began|opened|after|during|following|in)(?: [\w-]+){{0,3}} {_TALKS}\b(?: (?:with|between)\b)?|\b[Tt]he {_TALKS}, which took place\b|\b{_TALKS} (?:between|with)\b[^.;]{{0,120}}?\b(?:took place|were held|was held|held)\b|\b{_TALKS} (?:took place|were held|was held)\b|\b[Dd]uring (?:the|their) (?:meeting|talks) in (?=[A-Z])|\b(?:has|have|had)? ?discussed\b"),
    ("CONSULT", "visit", r"\b(?:visited|paid (?:an? )?(?:[\w-]+ )*visit|arrived (?:in|on)|is (?:currently )?on an? (?:[\w-]+ )*visit|began (?:an? )(?:[\w-]+ )*visit|during (?:his|her|a|the) (?:[\w-]+ )*visit to)\b"),
    ("CONSULT", "call", r"\b(?:phone call|telephone conversation|spoke by (?:phone|telephone)|telephone call|video ?conference)\b"),
    ("CONSULT", "invite", r"\b(?:extended an invitation|invited [A-Z]\w+[^.;]{0,40} to visit)\b"),
    ("COOPERATE", "launch_service", rf"\b(?:launched|started|began|resumed|inaugurated|introduced|opened|commenced)\b (?:an?|the|its|their|regular|direct|new|first)(?: [\w’'-]+){{0,6}}? ?{_SERVICE}\b|\b(?:first|maiden|inaugural)(?: [\w’'-]+){{0,4}} {_SERVICE}\b[^.;]{{0,120}}?\b(?:arrived|left|departed|set off|landed|was launched|were launched|took place|ran|reached|rolled|docked|was sent|was dispatched|sailed|took off|entered|crossed)\b|\b{_SERVICE}\b[^.;]{{0,60}}?\b(?:was|were|has been|have been) (?:launched|resumed|restarted|inaugurated)\b|\b(?:sent|dispatched|received|welcomed) (?:the|its|their) (?:first|maiden|inaugural)(?: [\w’'-]+){{0,4}} {_SERVICE}\b"),
    ("COOPERATE", "open_facility", rf"\b(?:opened|inaugurated|commissioned|unveiled|reopened|handed over|completed)\b (?:an?|the|its|their|new|first)(?: [\w’'-]+){{0,6}}? ?{_FACILITY}\b|\b{_FACILITY}\b[^.;]{{0,70}}?\b(?:was|were|has been|have been) (?:officially |formally )?(?:opened|inaugurated|commissioned|put into operation|reopened|completed)\b|\b{_FACILITY} (?:officially |formally )?(?:opened|reopened)\b"),
    ("COOPERATE", "start_construction", rf"\b(?:broke ground|laid the (?:foundation|cornerstone)|construction (?:of|on)[^.;]{{0,70}}?\b(?:began|started|has begun|was launched|is under way|is underway)|(?:started|began|launched) (?:the )?construction|started building|began building)\b"),
)  # fmt: skip
# A rule is tried only where one of these words stands: most sentences need none of them.
_NEEDED: dict[str, tuple[str, ...]] = {
    "diplomatic_relations": ("iplomatic",),
    "sign": ("sign", "inked", "initialled", "sealed", "conclu", "names to"),
    "establish_body": ("established", "set up", "created", "formed"),
    "forum": ("orum", "ummit", "onference", "xhibition", "ongress", "xpo", "air", "ession", "ymposium", "ound table", "roundtable", "orkshop", "lub"),
    "meeting": ("met", "meet", "talks", "negotiation", "consultation", "discuss"),
    "visit": ("visit", "arrived"),
    "call": ("call", "telephone", "phone", "onference"),
    "invite": ("invit",),
    "launch_service": ("launch", "start", "began", "resum", "inaugura", "introduc", "open", "commenc", "first", "maiden", "sent", "dispatch", "received", "welcomed", "were", "was", "been"),
    "open_facility": ("open", "inaugura", "commission", "unveil", "handed", "complet", "put into"),
    "start_construction": ("ground", "laid", "onstruct", "building"),
}  # fmt: skip
_COMPILED = tuple((t, m, re.compile(p), _NEEDED[m]) for t, m, p in _RULES)
_QUICK = re.compile(r"\b(?:[Dd]iplomatic|sign|inked|initialled|sealed|conclud|established|set up|created|formed|participat|took part|takes part|attend|address|spoke|speaking|held|hold|holds|host|open|met|meet|talks|meeting|negotiation|consultation|discuss|visit|arrived|call|telephone|phone|invit|launch|start|began|resum|inaugurat|introduc|commenc|first|maiden|commission|unveil|complet|reopen|broke ground|laid|construction|put their|video|handed|Signing|dispatched|sent|received|welcomed|took place)", re.IGNORECASE)  # fmt: skip
_MODAL = re.compile(r"\b(?:will|would|to|plans?|planned|agreed to|could|may|might|should|expected|hopes?|intends?|slated|set to|scheduled|upcoming|ready to|wants? to|proposed|until|before|if|can|must|invit\w+)\b[^.;,]{0,30}$")
_UPCOMING = re.compile(r"\b(?:upcoming|forthcoming|next (?:session|meeting|summit|round)|(?:slated|scheduled|set|due|planned|expected) to (?:convene|be held|take place|meet)|will (?:be held|take place|convene|meet|visit|travel|host))\b")
# A mention is joined to one of this many events before it at most; it keeps hostile input cheap.
LOOK_BACK = 60
_VAGUE_MENTION = re.compile(r"\b(?:series of|number of|(?:these|those|the|new|several)(?: \w+)? agreements signed|documents? signed|signed today)\b", re.IGNORECASE)
_DURING = re.compile(r"\b(?:[Dd]uring|[Aa]t|[Aa]fter|[Ff]ollowing|[Cc]oncluding|[Ii]n) (?:the |his |her |their |these )?(?:meeting|talks|visit|conclusion of the talks|end of the|ceremony|negotiations|discussions|summit|forum|session|trip)\b")
_ALSO = re.compile(r"\b(?:also|[Tt]he (?:talks|meeting|visit|document)|[Hh]e|[Ss]he)\b")
_ADJUNCT = re.compile(r"\b(?:[Bb]efore|[Aa]head of|[Pp]rior to|[Aa]fter|[Ff]ollowing) (?:his |her |the |their )?(?:meeting|talks)(?: with)? [^,]{3,80},")
_PLURAL = re.compile(r"\b(?:[Tt]he )?(?:two|both) (?:presidents|ministers|leaders|sides|countries|officials|foreign ministers|delegations|governments|parties|heads)\b|\b[Tt]hey\b|\b[Tt]he (?:sides|parties|ministers|presidents|leaders|delegations)\b")


def _instrument(text: str, start: int, end: int) -> Slot[str]:
    found = [m for m in re.compile(_INSTRUMENT).finditer(text, start, end)]
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
    if not _QUICK.search(text, a, b):
        return []
    out: list[Event] = []
    spans: list[tuple[int, int, str]] = []
    words = text[a:b]
    for kind, mode, pattern, needed in _COMPILED:
        if not any(w in words for w in needed):
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
    if any(n.actor.kind == "person" for n in sentence.namings) or _PLURAL.search(reading.text, sentence.start, sentence.end):
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
    areas = _areas(reading, sentence, actors, previous)
    if _PLURAL.search(text, sentence.start, sentence.end) and not any(a.kind == "person" for a in actors) and previous is not None:
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
    organisations = [n.actor for n in sentence.namings if n.actor.kind == "organisation" and not sentence.is_masked(n.start)]
    if mode in {"launch_service", "open_facility", "start_construction"}:
        near = [n.actor for n in sentence.namings if n.end <= m.start() and n.actor.kind == "organisation"]
        return near[-1:] or people[:1] or organisations[:1]
    return [*people, *(organisations if mode in {"meeting", "sign_mou", "sign_agreement"} and len(people) < 2 else [])]


def _areas(reading: Reading, sentence: Sentence, actors: Sequence[Actor], previous: Event | None) -> Slot[tuple[str, ...]]:
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
    places = tuple(dict.fromkeys(c for g in places_in(sentence, sentence.start, sentence.end) for c in g.entry.countries))
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
    """Whether a sentence goes on about the event before: "during the meeting", "the two presidents", or right after it."""
    if previous is None:
        return False
    return any(p.search(text, sentence.start, sentence.end) for p in (_DURING, _PLURAL, _ALSO))


def _date(reading: Reading, sentence: Sentence, previous: Event | None, *, linked: bool) -> Slot[Period]:
    """Return the day (or month, year) of an event: said in its sentence, in the next ("landed on April 1"), or before."""
    best: Slot[Period] = MISSING
    rank = 9
    for p in sentence.periods:
        if p.kind in {"horizon", "same", "lookback"} or p.use in {"base", "deadline", "lookback", "now"} or (sentence.is_masked(p.start) and not p.kind == "weekday"):
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
    if after is not None and after.block == sentence.block and re.match(r"(?:The|It|This) ", reading.text[after.start : after.start + 5]) and (best.known or not linked):
        for p in after.periods:
            if p.kind in {"relative", "absolute"} and p.use == "main":
                slot = resolved(reading, p, MISSING, "")
                if slot.value is not None and _sharpness(slot.value) == 0:
                    return replace(slot, basis="inherited")
    if best.known:
        return best
    if linked and previous is not None and previous.date.known and not previous.planned:
        return replace(previous.date, basis="inherited" if previous.date.basis != "inferred" else "inferred", confidence=0.7)
    return MISSING


def _sharpness(period: Period) -> int:
    if period.granularity == "day" and (period.month_day or period.start == period.end):
        return 0
    return {"month": 3, "quarter": 4, "half": 4, "year": 5}.get(period.granularity, 6) if period.known else 8


def _where(reading: Reading, sentence: Sentence, previous: Event | None, *, linked: bool) -> Slot[str]:
    text = reading.text
    for g in sentence.geo:
        if g.kind in {"capital", "place"} and re.search(r"\b(?:in|at)(?: [A-Z]\w+['’]s| the (?:city|port|capital|capital city) of)? $", text[max(sentence.start, g.start - 34) : g.start]):
            return Slot(g.entry.name, text[g.start : g.end], g.start, g.end, "explicit", 0.9)
    if linked and previous is not None and previous.place.known:
        return replace(previous.place, basis="inherited", confidence=0.7)
    return MISSING


def merge_events(reading: Reading, found: Sequence[Event]) -> list[Event]:
    """Join the mentions of one event: same kind, people and days that fit, same instrument; vague mentions join any."""
    out: list[Event] = []
    for e in found:
        vague = e.event_type == "AGREE" and _VAGUE_MENTION.search(e.quote) is not None and e.instrument.known and "agreements" in (e.instrument.value or "")
        same = next((i for i in range(len(out) - 1, max(-1, len(out) - 1 - LOOK_BACK), -1) if _same_event(out[i], e, vague=vague)), None)
        if same is None:
            out.append(e)
            continue
        old = out[same]
        headline = any(s.kind == "title" and s.start <= old.start < s.end for s in reading.sentences[:6])
        keep, other = (e, old) if headline or _told_better(e, old) else (old, e)
        date = keep.date if keep.date.known else other.date
        place = keep.place if keep.place.known and (keep.place.basis == "explicit" or not other.place.known) else other.place
        names = dict.fromkeys((*keep.actors, *(a for a in other.actors if a.kind == "person")))
        people = [a for a in names if a.kind == "person"]
        reasons = [r for r in keep.reason.split("; ") if r and not (date.known and date.value is not None and date.value.start and "date" in r)]
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


_TOLD = re.compile(r"\b(?:met|signed|inked|launched|opened|inaugurated|visited|took place|participated|attended|held (?:an? |high|talks|official))\b")


def _told_better(new: Event, old: Event) -> bool:
    """Whether a later mention tells an event better: names more of the people, or as its main verb."""
    if _document_word(new) or not new.instrument.known and old.instrument.known:
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
        return bool({x.name for x in a.actors} & {x.name for x in b.actors}) or (b.start - a.end < 300 and bool(areas_a & areas_b))
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
    return a.date.value is not None and b.date.value is not None and a.date.value.start is not None and a.date.value.start == b.date.value.start and "explicit" in {a.date.basis, b.date.basis}


def _dates_fit(a: Event, b: Event) -> bool:
    one, two = a.date.value, b.date.value
    if one is None or two is None:
        return True
    if one.start is None or two.start is None or one.end is None or two.end is None:
        return one.month_day == two.month_day or not one.month_day or not two.month_day
    return one.start <= two.end and two.start <= one.end


_FLOW_OUT = re.compile(r"\b(?P<can>(?:can|could|may|might|would|is able to|are able to|ready to|plans? to|will)(?: also)? )?(?P<verb>suppl(?:y|ies|ying|ied)|exports?|exporting|sells?|selling|ships?|shipping|delivers?|provides)\b(?! (?:of|to|from|and import|credit|earned|rose|fell|grew|earnings|duty|duties|volume|value|potential|operations)\b)", re.IGNORECASE)
_FLOW_IN = re.compile(r"\b(?P<can>(?:can|could|may|might|would|is able to|are able to|ready to|plans? to|will)(?: also)? )?(?P<verb>imports?|importing|buys?|buying|purchases|purchasing)\b(?! (?:of|to|from|duty|duties|volume|value|rose|fell|grew)\b)", re.IGNORECASE)
_POTENTIAL = re.compile(r"\b(?:can|could|may|might|would|able to|ready to|plans? to)\b", re.IGNORECASE)


def flows_of(reading: Reading, sentence: Sentence) -> list[Flow]:
    """Return who supplies what to whom, where the sentence says it of goods by name and without a quantity by them."""
    text = reading.text
    if len(sentence.goods) < 1 or not (_FLOW_OUT.search(text, sentence.start, sentence.end) or _FLOW_IN.search(text, sentence.start, sentence.end)):
        return []
    verbs = sorted(
        [(m, True) for m in _FLOW_OUT.finditer(text, sentence.start, sentence.end)] + [(m, False) for m in _FLOW_IN.finditer(text, sentence.start, sentence.end)],
        key=lambda v: v[0].start(),
    )
    out: list[Flow] = []
    for i, (m, outward) in enumerate(verbs):
        last = verbs[i + 1][0].start() if i + 1 < len(verbs) else sentence.end
        goods = [g for g in sentence.goods if m.end() <= g.start < last and g.start - m.end() < 200]
        if not goods or goods[0].start - m.end() > 40 or any(m.end() <= q.start < last for q in sentence.quantities):
            continue
        potential = bool(_POTENTIAL.search(m["can"] or "")) or (bool(out) and out[-1].modality == "potential" and not m["can"] and re.search(r"\band $", text[m.start() - 5 : m.start()]) is not None)
        out.append(_flow(reading, sentence, m, last, outward=outward, potential=potential, earlier=out[-1] if out else None))
    return out


def _flow(reading: Reading, sentence: Sentence, m: re.Match[str], last: int, *, outward: bool, potential: bool, earlier: Flow | None) -> Flow:
    text = reading.text
    goods = [g for g in sentence.goods if m.end() <= g.start < last]
    first, end = goods[0].start, goods[-1].end
    subject = next((p for p in reversed(parties(reading, sentence, sentence.start, m.start())) if p.part in {"owner", "pair"}), None)
    partner = next((p for p in parties(reading, sentence, m.end(), last) if p.part in {"destination", "origin", "partner"}), None)
    owner: Slot[str] = Slot(subject.code, text[subject.start : subject.end], subject.start, subject.end, "explicit", 0.9) if subject else MISSING
    other: Slot[str] = Slot(partner.code, text[partner.start : partner.end], partner.start, partner.end, "explicit", 0.9) if partner else MISSING
    if not owner.known and earlier is not None:
        owner = replace(earlier.exporter if outward else earlier.importer, basis="inherited")
        source = earlier.exporter if earlier.exporter.known and _subject_is_exporter(earlier) else earlier.importer
        owner = replace(source, basis="inherited")
    if not other.known and earlier is not None and owner.known:
        both = [s for s in (earlier.exporter, earlier.importer) if s.known and s.value != owner.value]
        other = replace(both[0], basis="inherited") if both else MISSING
    if not other.known and owner.known and reading.pair and owner.value in reading.pair:
        code = next(c for c in reading.pair if c != owner.value)
        other = Slot(code, _words_at(reading, reading.pair_span), *(reading.pair_span or (None, None)), "inherited", 0.6)
    exporter, importer = (owner, other) if outward else (other, owner)
    names, codes, doubtful = _goods_list(text, goods, first, end, last)
    reasons = [f"{name} of the flow not certain" for name, slot in (("exporter", exporter), ("importer", importer)) if not slot.known]
    if doubtful:
        reasons.append("no single HS chapter for " + ", ".join(doubtful))
    areas = tuple(c for c in (exporter.value, importer.value) if c)
    start = m.start() if earlier is not None else sentence.start
    stop = max(last if last < sentence.end else sentence.end, end)
    start, stop = trim(text, start, stop)
    quote = text[start:stop].rstrip(" ,")
    quote = re.sub(r",? (?:while|and)$", "", quote)
    day = reading.document.published.value
    period = Slot(Period(day, day, "", "day", "gregorian", "as_of"), "", None, None, "inferred", 0.4) if day and not potential else MISSING
    spans = [p for p in (resolved(reading, p, MISSING, "") for p in sentence.periods if p.use == "main" and p.kind == "absolute") if p.known]
    return Flow(
        kind="flow",
        status="partial" if reasons else "accepted",
        reason="; ".join(reasons),
        quote=quote,
        start=start,
        end=start + len(quote),
        citations=(Span(start, start + len(quote)),),
        speaker=sentence.speaker,
        through=sentence.through,
        areas=Slot(areas, exporter.raw, exporter.start, exporter.end, exporter.basis if exporter.known else importer.basis, 0.8) if areas else MISSING,
        direction=f"{exporter.value or ''}->{importer.value or ''}",
        exporter=exporter,
        importer=importer,
        products=names,
        hs=codes,
        modality="potential" if potential else "actual",
        period=spans[0] if spans else period,
    )


def _words_at(reading: Reading, span: tuple[int, int] | None) -> str:
    return reading.text[span[0] : span[1]] if span else ""


def _subject_is_exporter(flow: Flow) -> bool:
    return (flow.exporter.start or 0) <= (flow.importer.start if flow.importer.start is not None else 10**9)


def _goods_list(text: str, goods: Sequence[object], first: int, end: int, last: int) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return goods as named, their HS chapters in order without repeats, and those without a single chapter."""
    from karavan.evidence.gazetteer import Mention

    names: list[str] = []
    codes: list[str] = []
    doubtful: list[str] = []
    for g in goods:
        if not isinstance(g, Mention):
            continue
        names.append(text[g.start : g.end])
        if g.entry.detail:
            codes.append(g.entry.detail)
        else:
            doubtful.append(g.entry.name)
    return tuple(dict.fromkeys(names)), tuple(dict.fromkeys(codes)), doubtful
