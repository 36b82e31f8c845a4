"""Figures: which numbers of a sentence are levels, changes or shares, and what each is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from karavan.evidence.clauses import (
    DOWN,
    UP,
    direction_near,
    document_pair,
    named_route,
    pair_of,
    parties,
    places_in,
    stretch,
)
from karavan.evidence.discourse import PAIR_WORDS
from karavan.evidence.gazetteer import read_table
from karavan.evidence.moments import base_period_for, main_period
from karavan.evidence.records import MISSING, Figure, Period, Quantity, Slot, Span

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from karavan.evidence.clauses import Party
    from karavan.evidence.discourse import Reading, Sentence
    from karavan.evidence.gazetteer import Mention
    from karavan.evidence.quantities import FoundQuantity

Role = Literal["level", "base", "change", "share", "skip"]

_CHANGE_AFTER = re.compile(
    r"[\s,-]*(?:(?:year[- ]on[- ]year|annual|sharp|modest|slight|significant|overall|yearly|y/y|yoy|further|drastic|steep|strong|solid|robust) )*"
    r"(?:increase|rise|growth|decline|drop|decrease|reduction|fall|jump|surge|gain|higher|lower|more|less|fewer|above|below|up\b|down\b|year[- ]on|year[- ]over|y/y|yoy|expansion|contraction|hike|cut|plunge|slump|improvement|boost|on the (?:previous|year|same)|over the (?:previous|same)|from (?:a|the) (?:year|same|previous)|compared|larger|bigger|smaller|greater|faster)",
    re.IGNORECASE,
)
_CHANGE_BEFORE = re.compile(
    rf"\b(?:(?:{UP}|{DOWN})(?: \w+ly)?(?: in [\w ]+?| rate)?(?: year[- ]on[- ]year,?)?(?: by| of| to be| at)?|(?:growth|increase|rise|decline|drop|decrease|reduction|fall|jump|gain|surge)(?: rate)?(?: of| was| amounted to| reached| stood at)|by)(?: a| an| the| about| around| some| nearly| almost| over| more than| roughly| approximately| another| as much as| an average| at least| a further| up to| only| just| a whopping| a record)*\s$",
    re.IGNORECASE,
)
_SHARE_NEAR = re.compile(r"\b(?:share|account(?:s|ed|ing)? for|ma(?:de|kes?|king) up|compris\w+|constitut\w+|represent\w+|proportion|portion|equivalent to|percentage of|contribut\w+)\b", re.IGNORECASE)  # fmt: skip
_TO_BEFORE = re.compile(r"\bto(?: about| around| nearly| almost| over| more than| some| just| a record| reach| the)*\s$", re.IGNORECASE)
_BASE_BEFORE = re.compile(
    r"(?:\b(?:compared|relative|in comparison)(?: to| with)(?: the| only| just| about| around| some| over| nearly| a| mere)*|\bagainst(?: the| only| just| about| some)*|\bversus(?: the)?|\bvs\.?|\b(?:up|down|rising|falling|rose|fell|increased?|decreased?|grew|jumped|climbed|declined|dropped|higher|lower)(?: sharply| significantly| slightly)? from(?: the| only| just| about| around| some| over| nearly| a| mere)*|\bthan the|\bfrom(?: just| only| about| around| some| a mere| nearly)*)\s$",
    re.IGNORECASE,
)
_TO_LEVEL = re.compile(r"(?:[\w\s,'’()%-]{0,70})\b(?:to|reach(?:ed|ing)?|hit(?:ting)?|total(?:l?ing|l?ed)|amount(?:ing|ed)? to|stood at|standing at|and was|,? at|exceed(?:ing|ed)?|worth)(?: the| a| a record| about| around| nearly| almost| over| more than| some| just| reach| stand at| approximately| its)*\s?$", re.IGNORECASE)  # fmt: skip
_CLAUSE_BREAK = re.compile(r";|\b(?:while|whereas|but|although)\b")
_ANAPHORA = re.compile(r"[“\"]?(?:It|Its|They|Their|This|That|These|Those|The (?:figure|number|volume|total|indicator|amount|turnover|value|growth|increase|sum|latter|rise|decline|result|corresponding|same|share|bulk|rest)|Of (?:this|that|these|which|the total)|The (?:trade|export|import|cargo|freight) (?:volume|turnover|value|figure)|Both|By (?:value|volume|weight)|In (?:value|volume|weight|monetary)|Volume|Value|Exports|Imports|Compared)\b")  # fmt: skip
_ANAPHORA_IN = re.compile(r"\b(?:of (?:this|that|these|which|the total)\\b(?! (?:year|month|week|quarter|period|decade|kind|type|country))|this (?:figure|volume|number|period)|the (?:country|port|route|corridor|line|railway)(?:['’]s)?|its)\b", re.IGNORECASE)
_CHANGE_OF = re.compile(r"\b(?P<w>increase|growth|increment|rise|gain|decline|decrease|drop|fall|reduction|loss)(?: \w+){0,2} of(?: about| around| nearly| over| some| almost)? $", re.IGNORECASE)
_WEIGHT = re.compile(r"\b(?:volumes?|weight|tonnage|quantity|physical)\b", re.IGNORECASE)
_WORTH = re.compile(r"\b(?:values?|worth|monetary|money|dollar)\b", re.IGNORECASE)
_NOT_MEASURE_AFTER = re.compile(r"[ -](?:[Mm]inist|[Hh]ouse|[Mm]inistry|and economic|union|relations?\b(?! worth)|ties|cooperation|agreements?|fair|mission|deals?|routes?|wars?|corridors?|facilitation|barriers?|unions?|balance|deficit|surplus|office|representative|delegation|officials?|[Cc]hamber|body|[Bb]ank|centres?|centers?|zones?|potential\b|links?\b|hub|association|group|sector|policy|and transport|talks|forum|authority)", re.IGNORECASE)  # fmt: skip
_NOT_MEASURE_BEFORE = re.compile(r"\b(?:[Ff]ree|[Ff]air|to|[Ww]orld|preferential|stock) $")
_TIME_WORDS = re.compile(r"\b(?:transit time|travel|journey|takes?|took|taking|delivery time|transport time|in transit|from .{3,40} to|clear\w*|dwell|wait\w*|cut|reduc\w*|shorten\w*|turnaround|sail\w*)\b", re.IGNORECASE)  # fmt: skip
_PRESENT = re.compile(r"\b(?:is|are|stands?|accounts? for|makes? up|passes|pass|enters?|goes|exceeds?|amounts? to|has|have|totals?|remains?|operate|operates|currently|now|handles?|carries|comes?|includes?|moves|serves|connects?|runs|live)\b", re.IGNORECASE)  # fmt: skip
_FUTURE = re.compile(r"\b(?:will|would|is to|are to|going to|planned|plans?|expected|projected|forecast|target|could|may|might|should)\b", re.IGNORECASE)

_ALLOWED: dict[str, frozenset[str]] = {
    "money": frozenset({"trade_turnover", "export", "import", "investment", "funding", "cost", "revenue", "price", "debt", "tariff", "gdp", "production"}),
    "mass": frozenset({"freight", "freight_turnover", "transit", "export", "import", "trade_turnover", "capacity", "production", "container_traffic"}),
    "teu": frozenset({"container_traffic", "transit", "capacity", "freight", "export", "import"}),
    "count": frozenset({"vehicle_count", "enterprise_count", "passengers", "jobs", "container_traffic", "capacity", "transit"}),
    "length": frozenset({"length"}),
    "time": frozenset({"transit_time"}),
}  # fmt: skip
# Facts of a state or a thing, not of a span of time: they need no period.
TIMELESS = frozenset({"capacity", "length", "transit_time", "service_frequency", "cost", "funding"})
PAIR_KINDS = frozenset({"trade_turnover", "export", "import"})
_COUNT_HEADS = {
    "vehicle_count": re.compile(r"wagon|rail ?cars?|truck|lorr|train|vessel|ship|vehicle|cars$|voyage|flight|barge|ferr|sailings|consignment|crossings|truckloads|trips", re.IGNORECASE),
    "container_traffic": re.compile(r"container", re.IGNORECASE),
    "enterprise_count": re.compile(r"enterprise|compan|firm|business|venture|factor|plants", re.IGNORECASE),
    "passengers": re.compile(r"passenger|tourist|visitor", re.IGNORECASE),
    "jobs": re.compile(r"job|worker|employee", re.IGNORECASE),
}


@dataclass(slots=True)
class Draft:
    """A figure in the making."""

    sentence: Sentence
    found: FoundQuantity
    role: Role
    quantity: Slot[Quantity] = MISSING
    indicator: Slot[str] = MISSING
    areas: Slot[tuple[str, ...]] = MISSING
    direction: str = ""
    product: Slot[str] = MISSING
    hs: tuple[str, ...] = ()
    period: Slot[Period] = MISSING
    base: Slot[Period] = MISSING
    change: Slot[float] = MISSING
    whole: Slot[str] = MISSING
    place: Slot[str] = MISSING
    transformation: Literal["level", "cumulative", "share", "change_pct", "change_abs", "ratio"] = "level"
    reasons: list[str] = field(default_factory=list)
    last: Sentence | None = None
    parties: list[Party] = field(default_factory=list)


@dataclass(slots=True)
class Frame:
    """What the sentences before spoke of: the figures of the last one that had any, and the last period."""

    drafts: list[Draft] = field(default_factory=list)
    period: Slot[Period] = MISSING
    sentence: int = -9
    block: int = -1
    used: int = -9


def unit_class(quantity: Quantity) -> str:
    """Return money, mass, teu, percent, length, time, count or other."""
    unit = quantity.unit
    if len(unit) == 3 and unit.isupper() or unit.startswith("?"):
        return "teu" if unit == "TEU" else "money"
    return {"t": "mass", "t.km": "mass", "{TEU}": "teu", "{FEU}": "teu", "%": "percent", "{pp}": "percent", "{x}": "percent", "km": "length", "m": "length", "d": "time", "h": "time", "min": "time", "": "count" if quantity.counted else "bare"}.get(unit, "other")  # fmt: skip


def _slot(text: str, start: int, end: int, value: object, basis: str = "explicit", confidence: float = 0.9) -> Slot[object]:
    return Slot(value, text[start:end], start, end, basis, confidence)  # type: ignore[arg-type]


_DISTANCE = re.compile(r"\s(?:by (?:road|rail|sea|air) )?(?:to the )?(?:north|south|east|west|away|from|off|inland|upstream|downstream|further|outside)\b")
_YEAR_EARLIER = re.compile(r"\s(?:in )?(?:an?|one|the) (?:year|month|quarter) (?:earlier|ago|before|prior|previous)|\s(?:in|over|during) the (?:same|previous|corresponding) (?:period|year|months?|quarter)")


def role_of(text: str, sentence: Sentence, q: FoundQuantity) -> Role:
    """Say whether a quantity is a level, the level of the base period, a change, a share, or nothing of interest."""
    kind = unit_class(q.quantity)
    before = text[max(sentence.start, q.outer - 70) : q.outer]
    after = text[q.end : min(sentence.end, q.end + 60)]
    if q.shape == "multiple":
        return "skip" if re.match(r"\s(?:as |the |more often)", after) and not re.match(r"\sas (?:much|many|large|high)", after) else "change"
    if q.quantity.unit == "{pp}":
        return "change"
    if kind == "percent":
        return _percent_role(text, sentence, q, before, after)
    if re.match(r"(?:-|\s)?(?:[\w-]+ )?(?:vessels?|ships?|carriers?)\b", after) and kind in {"teu", "mass", "other"}:
        return "skip"
    if kind == "length" and _DISTANCE.match(after):
        return "skip"
    if kind == "time" and _BASE_BEFORE.search(before) and re.search(r"\bto\s", after):
        return "base"
    if kind == "time":
        return "level" if _TIME_WORDS.search(text, sentence.start, sentence.end) and not re.match(r"\s(?:[\w-]+ ){0,2}(?:visit|meeting|talks|session|conference|forum|trip|tour|event|summit|later|earlier|ago|after|before|of talks|notice)", after) else "skip"  # fmt: skip
    if kind == "other" and q.quantity.unit in {"m", "W", "ha", "m2", "km2", "km/h"}:
        return "level"
    if _BASE_BEFORE.search(before):
        m = _BASE_BEFORE.search(before)
        word = m.group().strip().lower() if m else ""
        if word.split()[0] == "from" and _YEAR_EARLIER.match(after):
            return "base"
        if word.split()[0] == "from" and not (re.search(rf"\b(?:{UP}|{DOWN}|raise|lift|bring)\b", text[sentence.start : q.outer], re.IGNORECASE) or re.search(r"\bto\s", after)):
            return "level"
        return "base"
    return "level"


def _percent_role(text: str, sentence: Sentence, q: FoundQuantity, before: str, after: str) -> Role:
    if _TO_BEFORE.search(before) and not re.match(r"[\s-]*(?:increase|rise|growth|decline)", after):
        return "share"
    if _CHANGE_AFTER.match(after) and not re.match(r"\s?(?:,\s)?of\b", after):
        return "change"
    if re.match(r"\s(?:and|or|to)\s[\d.,]+\s?(?:%|percent|per cent)", after) and _CHANGE_BEFORE.search(before):
        return "change"
    if re.match(r"\s(?:share|stake|discount|duty|tariff|interest|tax|reduction in tariffs)\b", after):
        return "share"
    bound = None if re.search(r"\b(?:ma(?:de|kes?|king)) up(?: \w+){0,2} $", before) else _CHANGE_BEFORE.search(before)
    if bound and not (bound.group().strip().lower() == "by" and not re.search(rf"\b(?:{UP}|{DOWN}|chang\w*)\b", text[sentence.start : q.outer], re.IGNORECASE)):
        words = bound.group().lower().split()
        if words[0] in {"more", "above", "less", "below", "over", "exceed", "exceeded", "exceeds", "exceeding"} and re.match(r"\sof\b", after):
            return "share"
        return "change"
    if re.match(r"\sof\b", after) or _SHARE_NEAR.search(text, max(sentence.start, q.outer - 80), min(sentence.end, q.end + 40)):
        return "share"
    if q.shared_unit or re.match(r"\s?,? (?:and|or) ", after):
        return "change" if direction_near(text, q.outer, q.end, max(sentence.start, q.outer - 90), min(sentence.end, q.end + 50)) else "share"
    if direction_near(text, q.outer, q.end, max(sentence.start, q.outer - 45), min(sentence.end, q.end + 25)):
        return "change"
    return "share"


def change_value(text: str, sentence: Sentence, q: FoundQuantity) -> tuple[float | None, int]:
    """Return the change in percent that a percentage or multiple says, with its sign; and the sign."""
    value = q.quantity.value
    if value is None:
        low, high = q.quantity.low, q.quantity.high
        value = None if low is None or high is None else (low + high) / 2
    breaks = [m.end() for m in _CLAUSE_BREAK.finditer(text, sentence.start, q.outer)]
    floor = max(breaks[-1] if breaks else sentence.start, q.outer - 120)
    later = _CLAUSE_BREAK.search(text, q.end, sentence.end)
    sign = direction_near(text, q.outer, q.end, floor, min(later.start() if later else sentence.end, q.end + 50))
    if value is None:
        return None, sign
    if q.quantity.unit == "{x}":
        if q.quantity.raw.lower().startswith("halv"):
            return -50.0, -1
        return (round((value - 1) * 100, 6), 1) if sign >= 0 else (round((1 / value - 1) * 100, 6) if value else None, -1)
    if q.quantity.unit == "{pp}":
        return None, sign
    return (value * sign if sign else None), sign


def usable_measure(text: str, sentence: Sentence, m: Mention) -> bool:
    """Whether a measure's word is one here: not part of an office, an organisation, "trade house", "free trade"."""
    if sentence.is_masked(m.start) or any(p.start <= m.start < p.end for p in sentence.people):
        return False
    if any(n.actor.kind == "organisation" and n.start <= m.start < n.end for n in sentence.namings):
        return False
    if m.entry.id == "trade_turnover" and m.end - m.start <= 6 and (_NOT_MEASURE_AFTER.match(text[m.end : m.end + 16]) or _NOT_MEASURE_BEFORE.search(text[max(0, m.start - 14) : m.start])):
        return False
    return not (m.entry.id == "export" and text[m.start : m.end].lower() in {"ships", "delivered", "exporter"} and m.entry.name == "ships")


_CARRIAGE = frozenset({"shipments", "shipped", "deliveries", "delivered"})
_THING_BOUGHT = re.compile(
    r"[ -](?:(?!into\b|in\b|for\b|on\b|to\b|from\b|by\b|and\b|of\b|was\b|were\b|via\b|through\b|at\b|per\b|between\b|with\b|over\b|along\b|last\b|during\b)[\w’'-]+ ){0,4}?(?:(?P<loan>loan|grant|credit|credit line|facility|financing package|fund)|project|terminal|deal|contract|programme|program|plant|bridge|railway|rail line|port|highway|road|line|upgrade|corridor|refinery|airport|expansion|scheme|pipeline|factory|hub|complex|park)s?\b(?! (?:exports?|imports?|trade))"
)
_TOWARD = re.compile(r"\b(?:to|from|into) (?:the )?[A-Z]")


def indicator_for(text: str, sentence: Sentence, q: FoundQuantity, start: int, end: int) -> Slot[str]:
    """Return what a quantity measures: by its unit, the nearest fitting word before it, then behind it."""
    kind = unit_class(q.quantity)
    if kind == "count":
        for name, pattern in _COUNT_HEADS.items():
            if pattern.search(q.quantity.counted):
                return Slot(name, q.quantity.raw, q.start, q.end, "explicit", 0.9)
        if q.quantity.rate and q.quantity.counted == "times":
            return Slot("service_frequency", q.quantity.raw, q.start, q.end, "explicit", 0.9)
        return Slot("count", q.quantity.raw, q.start, q.end, "explicit", 0.7)
    if kind == "money":
        m = _THING_BOUGHT.match(text, q.end, sentence.end)
        if m:
            name = "funding" if m["loan"] else "cost"
            return Slot(name, m.group().strip(), m.end() - len(m.group().strip()), m.end(), "explicit", 0.8)
    if q.quantity.unit == "m" and not re.match(r"[ -](?:long|in length)\b", text[q.end : q.end + 12]):
        return MISSING
    if kind == "length" or kind == "time":
        return Slot({"length": "length", "time": "transit_time"}[kind], q.quantity.raw, q.start, q.end, "explicit", 0.8)
    allowed = _ALLOWED.get(kind)
    best: tuple[float, Mention] | None = None
    for m in sentence.measures:
        if not start <= m.start < end or (allowed is not None and m.entry.id not in allowed) or not usable_measure(text, sentence, m):
            continue
        gap = float(q.outer - m.end) if m.end <= q.outer else m.start - q.end + 8.0
        if m.entry.id in {"trade_turnover"} and m.entry.name == "exchanged":
            gap += 5
        if gap < -2:
            continue
        if m.entry.id in {"transit", "capacity"} and kind in {"mass", "teu", "percent", "count"}:
            gap -= 30
        if m.entry.id == "cost" and text[m.start : m.end].lower().startswith("valued"):
            gap += 60
        if best is None or gap < best[0]:
            best = (gap, m)
    if best is not None:
        m = best[1]
        if m.entry.name in _CARRIAGE and kind in {"mass", "teu"} and not _TOWARD.search(text, m.end, end):
            return Slot("freight", text[m.start : m.end], m.start, m.end, "explicit", 0.8)
        return Slot(m.entry.id, text[m.start : m.end], m.start, m.end, "explicit", 0.9)
    if kind == "teu":
        return Slot("container_traffic", q.quantity.raw, q.start, q.end, "explicit", 0.7)
    return MISSING


@cache
def _currencies() -> dict[tuple[str, str], str]:
    return {(r["code"], r["country"]): r["meant"] for r in read_table("currency_countries")}


def fix_currency(quantity: Quantity, areas: Sequence[str]) -> tuple[Quantity, str]:
    """Return the quantity with the currency that the countries it is about make of "pesos", "shillings"; and a doubt."""
    meant = {m for a in areas if (m := _currencies().get((quantity.unit, a)))}
    if len(meant) == 1:
        return replace(quantity, unit=next(iter(meant))), ""
    if quantity.unit.startswith("?") or len(meant) > 1:
        return replace(quantity, unit=""), "the currency's name is used in several countries"
    return quantity, ""


def classify(text: str, sentence: Sentence, free: Sequence[FoundQuantity]) -> list[tuple[FoundQuantity, Role]]:
    """Return the quantities that say something, with their roles."""
    roles = [(q, role_of(text, sentence, q)) for q in free]
    return [(q, r) for q, r in roles if r != "skip" and not (unit_class(q.quantity) == "bare" and q.quantity.value is not None and q.quantity.value < 1e4)]


def figures_of(reading: Reading, sentence: Sentence, free: Sequence[FoundQuantity], frame: Frame) -> list[Draft]:
    """Return the drafts of all figures in a sentence; quantities that belong to commitments are not in `free`."""
    text = reading.text
    rated = classify(text, sentence, free)
    levels = [q for q, r in rated if r in {"level", "base", "share"}]
    drafts: list[Draft] = []
    for q, role in rated:
        if role == "change":
            continue
        a, b = stretch(text, sentence, q, levels) if len(levels) > 1 else (sentence.start, sentence.end)
        if len(levels) > 1 and text[q.outer - 1 : q.outer] == "(":
            b = min(b, q.end + 1)
        wide = len(levels) > 1 and _shared_parties(reading, sentence, levels)
        drafts.append(_draft_level(reading, sentence, q, role, (a, b), levels, frame, drafts, wide=wide))
    _respectively(reading, sentence, drafts)
    changes = [q for q, r in rated if r == "change"]
    _attach_changes(reading, sentence, drafts, changes, frame)
    return drafts


def _shared_parties(reading: Reading, sentence: Sentence, levels: Sequence[FoundQuantity]) -> bool:
    """Whether all levels of a sentence are about the same countries: two at most, which do not take turns."""
    spans = [stretch(reading.text, sentence, q, levels) for q in levels]
    if any(b < c for (_, b), (c, _) in zip(spans, spans[1:], strict=False)) and _APART.search(reading.text, levels[0].end, levels[-1].outer):
        return False
    if "respectively" in reading.text[sentence.start : sentence.end]:
        return False
    found = [parties(reading, sentence, a, b) for a, b in spans]
    codes = {p.code for group in found for p in group}
    parts = [{p.part for p in group} for group in found]
    turns = any(x & y for i, x in enumerate(parts) for y in parts[i + 1 :])
    return 0 < len(codes) <= 2 and not turns


def _draft_level(
    reading: Reading,
    sentence: Sentence,
    q: FoundQuantity,
    role: Role,
    span: tuple[int, int],
    levels: Sequence[FoundQuantity],
    frame: Frame,
    earlier: Sequence[Draft],
    *,
    wide: bool,
) -> Draft:
    text = reading.text
    draft = Draft(sentence, q, role, Slot(q.quantity, text[q.start : q.end], q.start, q.end, "explicit", 0.95))
    if q.doubt:
        draft.reasons.append(q.doubt)
    main = next((d for d in reversed(earlier) if d.role == "level"), None)
    draft.indicator = indicator_for(text, sentence, q, *span)
    if not draft.indicator.known and span != (sentence.start, sentence.end):
        draft.indicator = indicator_for(text, sentence, q, sentence.start, sentence.end)
    if (role == "base" or q.shared_unit) and main is not None and unit_class(main.found.quantity) == unit_class(q.quantity):
        draft.indicator = replace(main.indicator, basis="inherited") if main.indicator.known else draft.indicator
    if not draft.indicator.known:
        draft.indicator = _inherited_indicator(text, sentence, q, frame)
    fill_areas(reading, sentence, draft, (sentence.start, sentence.end) if wide else span, frame)
    if role == "base" and main is not None and main.areas.known and not parties(reading, sentence, *_tail_span(q, span)):
        draft.areas, draft.direction, draft.place = replace(main.areas, basis="inherited"), main.direction, main.place
    draft.period = main_period(reading, sentence, q, span, levels, _country(draft), frame.period, frame.used)
    if indicator_is_timeless(draft) and draft.period.basis == "inherited":
        draft.period = MISSING
    if role == "base":
        draft.period = base_period_for(reading, sentence, q, span, main.period if main else frame.period, _country(draft))
        if not draft.period.known and main is None:
            later = main_period(reading, sentence, levels[-1], (levels[-1].start, sentence.end), levels, _country(draft), frame.period)
            draft.period = base_period_for(reading, sentence, q, span, later, _country(draft))
    change = _CHANGE_OF.search(text[max(sentence.start, q.outer - 60) : q.outer])
    draft.transformation = "change_abs" if change and role == "level" else "share" if role == "share" else "cumulative" if _is_cumulative(draft) else "level"
    if role == "share":
        m = re.compile(r"\s?(?:share |stake )?(?:of|in) (?:the )?(?P<w>[^,.;]{4,90})").match(text, q.end, sentence.end)
        draft.whole = Slot(m["w"].strip(), m["w"], m.start("w"), m.end("w"), "explicit", 0.7) if m else MISSING
    _fill_product(text, sentence, draft, span)
    return draft


def indicator_is_timeless(draft: Draft) -> bool:
    """Whether a level needs no period: a capacity, a length, a cost."""
    return draft.indicator.value in TIMELESS and draft.role == "level"


def _tail_span(q: FoundQuantity, span: tuple[int, int]) -> tuple[int, int]:
    return q.end, span[1]


def _country(draft: Draft) -> str:
    return next((a for a in draft.areas.value or () if len(a) == 3 and a.isalpha()), "")


def _is_cumulative(draft: Draft) -> bool:
    period = draft.period.value
    return period is not None and period.kind == "lookback" and draft.indicator.value == "investment"


def _inherited_indicator(text: str, sentence: Sentence, q: FoundQuantity, frame: Frame) -> Slot[str]:
    """Return the indicator of the figure before, for a sentence that goes on about it; freight for bare tonnes."""
    kind = unit_class(q.quantity)
    goes_on = _ANAPHORA.match(text[sentence.start : sentence.start + 40]) is not None
    if frame.drafts and sentence.index - frame.sentence <= 1 and (frame.block == sentence.block or goes_on):
        same = [d for d in frame.drafts if unit_class(d.found.quantity) == kind and d.indicator.known]
        names = {d.indicator.value for d in same}
        if len(names) == 1:
            return replace(same[-1].indicator, basis="inherited", confidence=0.7)
        if kind == "percent" and len({d.indicator.value for d in frame.drafts}) == 1 and frame.drafts[-1].indicator.known:
            return replace(frame.drafts[-1].indicator, basis="inherited", confidence=0.7)
    if kind == "mass" and re.search(r"\b(?:line|railway|railways|port|terminal|corridor|route|road|ferry|trains?)\b", text[sentence.start : sentence.end], re.IGNORECASE):
        return Slot("freight", q.quantity.raw, q.start, q.end, "inferred", 0.6)
    return MISSING


def _fill_product(text: str, sentence: Sentence, draft: Draft, span: tuple[int, int]) -> None:
    goods = [g for g in sentence.goods if span[0] <= g.start < span[1] and not sentence.is_masked(g.start)]
    near = [g for g in goods if 0 <= g.start - draft.found.end < 40 or 0 <= draft.found.start - g.end < 45]
    # "dates", "lead", "gas", "cars" are words of other meanings too: a good stands right by "of" or by the trade word.
    if near:
        g = near[0]
        draft.product = Slot(g.entry.name, text[g.start : g.end], g.start, g.end, "explicit", 0.7)
        draft.hs = tuple(x.entry.detail for x in near[:1] if x.entry.detail)


def _relevant(found: Sequence[Party], indicator: str) -> list[Party]:
    """Drop countries that are only the place where something was said, if enough others are there."""
    if indicator not in {"investment", "enterprise_count", "count", "funding"}:
        found = [p for p in found if p.part != "company"]
    strong = [p for p in found if p.part not in {"place", "other"}]
    if indicator in PAIR_KINDS and len({p.code for p in strong}) >= 2:
        return strong
    return [p for p in found if p.part != "other"] or list(found)


def fill_areas(reading: Reading, sentence: Sentence, draft: Draft, span: tuple[int, int], frame: Frame) -> None:
    """Fill the countries a figure is about and the direction of its flow; say what is ambiguous."""
    text = reading.text
    indicator = draft.indicator.value or ""
    found = _relevant(parties(reading, sentence, *span), indicator)
    if span[0] > sentence.start and (not found or (indicator in PAIR_KINDS and len({p.code for p in found}) < 2)):
        head = [p for p in _relevant(parties(reading, sentence, sentence.start, span[0]), indicator) if p.part in {"owner", "pair", "origin", "destination", "partner", "via", "place"}]
        codes = {p.code for p in found}
        if not found:
            found = head
        else:
            subject = [p for p in head if p.part in {"owner", "pair", "origin"} and p.code not in codes]
            listed = text[draft.found.start - 1 : draft.found.start] == "("
            if listed and len(subject) > 1:
                subject.sort(key=lambda p: (not text.startswith(("'s", "’s"), p.end), p.start))
            found = [*subject[:1], *found] if listed or len({p.code for p in head} - codes) <= 1 else found
    draft.parties = found
    codes = list(dict.fromkeys(p.code for p in found))
    pair = pair_of(reading, sentence, sentence.start, sentence.end)
    pair_word = PAIR_WORDS.search(text, sentence.start, sentence.end) is not None
    if indicator in PAIR_KINDS and len(codes) > 2 and not any(p.part == "pair" for p in found):
        draft.reasons.append("more than two areas stand by this trade figure")
    if len(codes) >= 2 or (codes and indicator not in PAIR_KINDS):
        draft.areas = Slot(tuple(codes), text[found[0].start : found[0].end], found[0].start, found[0].end, "explicit", 0.9)
        route = named_route(reading, sentence, *span)
        if route is not None and indicator not in PAIR_KINDS and len(codes) < 2:
            members = route.entry.countries if len(route.entry.countries) <= 3 else ()
            draft.areas = replace(draft.areas, value=tuple(dict.fromkeys((*codes, route.entry.id, *members))))
            codes = list(draft.areas.value or ())
        through = [g for g in places_in(sentence, *span) if re.search(r"\b(?:through|via|at|by)(?: the)?(?: [Pp]ort of)? $", text[max(sentence.start, g.start - 22) : g.start])]
        if through and indicator not in PAIR_KINDS:
            draft.areas = replace(draft.areas, value=tuple(dict.fromkeys((*codes, *(c for g in through for c in g.entry.countries)))))
        if indicator not in PAIR_KINDS and all(p.part in {"destination", "origin"} for p in found):
            _add_host(reading, sentence, draft, span, frame)
    elif indicator in PAIR_KINDS:
        _fill_pair_area(reading, sentence, draft, found, pair, frame, pair_word=pair_word)
    else:
        _fill_other_area(reading, sentence, draft, span, pair, frame)
    draft.direction = _direction(draft, indicator)


def _add_host(reading: Reading, sentence: Sentence, draft: Draft, span: tuple[int, int], frame: Frame) -> None:
    """Add the country where "cargo bound for Zambia" was counted: a place named here, or the area of the figure before."""
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
    return next(iter(places.values())) if len({c for c in places.values()}) == 1 else ()


def _fill_pair_area(
    reading: Reading,
    sentence: Sentence,
    draft: Draft,
    found: Sequence[Party],
    pair: Slot[tuple[str, ...]],
    frame: Frame,
    *,
    pair_word: bool,
) -> None:
    """Complete a trade figure with fewer than two areas: by "bilateral", by the figure before, by the document's pair."""
    text = reading.text
    code = found[0].code if found else ""
    if pair.known and pair.value and (not code or code in pair.value):
        draft.areas = pair
        return
    before = next((d for d in reversed(frame.drafts) if d.areas.known and d.indicator.value in PAIR_KINDS), None)
    near = before is not None and sentence.index - frame.sentence <= 2
    known = before.areas.value if before and near else None
    toward = bool(found) and found[0].part in {"partner", "destination", "origin", "pair"}
    if known and len(known) == 2 and (not code or code in known) and (not code or toward or frame.block == sentence.block):
        draft.areas = Slot(known, before.areas.raw if before else "", before.areas.start if before else None, before.areas.end if before else None, "inherited", 0.75)
        return
    if known and len(known) == 2 and code and _FOLLOWED.search(text, sentence.start, sentence.end):
        common = next((c for c in reading.topic if c in known), known[0])
        draft.areas = Slot((common, code), text[found[0].start : found[0].end], found[0].start, found[0].end, "inherited", 0.7)
        return
    if code and toward and reading.pair and code in reading.pair:
        draft.areas = Slot(reading.pair, text[found[0].start : found[0].end], found[0].start, found[0].end, "inherited", 0.7)
        return
    if code:
        draft.areas = Slot((code,), text[found[0].start : found[0].end], found[0].start, found[0].end, "explicit", 0.8)
        total = re.search(r"\b(?:foreign|total|external|overall|global|world|merchandise|overseas)\b", text[sentence.start : sentence.end], re.IGNORECASE)
        if (toward and draft.indicator.value != "import") or (draft.indicator.value == "trade_turnover" and not total) or pair_word:
            draft.reasons.append("the other side of the trade is not certain")
        return
    placed = places_in(sentence, sentence.start, sentence.end)
    places = {c for g in placed for c in g.entry.countries}
    if len(places) == 1 and re.search(r"\b(?:through|via|at|by)(?: the)?(?: [Pp]ort of)? $", text[max(sentence.start, placed[0].start - 22) : placed[0].start]):
        draft.areas = Slot(tuple(places), text[placed[0].start : placed[0].end], placed[0].start, placed[0].end, "explicit", 0.7)
        draft.place = Slot(placed[0].entry.name, text[placed[0].start : placed[0].end], placed[0].start, placed[0].end, "explicit", 0.8)
        return
    if len(places) == 1:
        draft.areas = Slot(tuple(places), "", None, None, "inferred", 0.5)
        draft.reasons.append("area only inferred from a place")
        return
    if reading.pair is not None and re.search(r"\b(?:bilateral|mutual|two-way|between)\b", text[sentence.start : sentence.end]):
        draft.areas = document_pair(reading)
        return
    if frame.drafts and frame.drafts[-1].areas.known and near:
        last = frame.drafts[-1].areas
        draft.areas = replace(last, basis="inherited", confidence=0.6)
        return
    draft.reasons.append("areas not stated, or more than one candidate")


_FOLLOWED = re.compile(r"\b(?:followed by|next (?:came|was|is|were)|(?:second|third|fourth)(?: place| largest| biggest)?|came (?:second|next|third))\b")


def _fill_other_area(
    reading: Reading,
    sentence: Sentence,
    draft: Draft,
    span: tuple[int, int],
    pair: Slot[tuple[str, ...]],
    frame: Frame,
) -> None:
    """Find the area of a figure that is no bilateral trade: corridor, place, figure before, the one country spoken of."""
    text = reading.text
    for a, b in (span, (sentence.start, sentence.end)):
        corridor = named_route(reading, sentence, a, b)
        places = places_in(sentence, a, b)
        if corridor is not None:
            members = corridor.entry.countries if len(corridor.entry.countries) <= 3 else ()
            draft.areas = Slot((corridor.entry.id, *members), text[corridor.start : corridor.end], corridor.start, corridor.end, "explicit", 0.85)
            draft.place = Slot(corridor.entry.name, text[corridor.start : corridor.end], corridor.start, corridor.end, "explicit", 0.85)
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
        draft.areas = Slot((speaker.country,), sentence.speaker.raw, sentence.speaker.start, sentence.speaker.end, "inherited", 0.75)
        return
    near = bool(frame.drafts) and frame.drafts[-1].areas.known and sentence.index - frame.sentence <= 1
    goes_on = _ANAPHORA.match(text[sentence.start : sentence.start + 40]) is not None or _ANAPHORA_IN.search(text, sentence.start, sentence.end) is not None
    if near and goes_on and draft.indicator.value not in TIMELESS:
        last = frame.drafts[-1]
        draft.areas, draft.place = replace(last.areas, basis="inherited", confidence=0.7), last.place
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
    corridors = {g.entry.id: g for s in reading.sentences[max(0, sentence.index - 2) : sentence.index] for g in s.geo if g.kind == "corridor"}
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


def _direction(draft: Draft, indicator: str) -> str:
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


def _respectively(reading: Reading, sentence: Sentence, drafts: list[Draft]) -> None:
    """Give the levels of "A and B ... x and y, respectively" to A and B in turn; the other countries to both."""
    text = reading.text
    if "respectively" not in text[sentence.start : sentence.end] or len(drafts) < 2:
        return
    everyone = [p for p in parties(reading, sentence, sentence.start, sentence.end) if p.part != "other"]
    runs: list[list[Party]] = []
    for p in everyone:
        if runs and re.fullmatch(r"(?:['’]s)?,?(?: and)? (?:the |with |to |from )*", text[runs[-1][-1].end : p.start]):
            runs[-1].append(p)
        else:
            runs.append([p])
    run = next((r for r in runs if len(r) == len(drafts)), None)
    if run is None or len({d.found.quantity.unit for d in drafts}) != 1:
        return
    rest = [p for p in everyone if p not in run]
    for draft, p in zip(drafts, run, strict=True):
        codes = tuple(dict.fromkeys((p.code, *(r.code for r in rest))))
        draft.parties = [p, *rest]
        draft.areas = Slot(codes, text[p.start : p.end], p.start, p.end, "explicit", 0.85)
        draft.direction = _direction(draft, draft.indicator.value or "")
        draft.reasons = [r for r in draft.reasons if "areas" not in r and "area" not in r]


def _attach_changes(
    reading: Reading, sentence: Sentence, drafts: list[Draft], changes: Sequence[FoundQuantity], frame: Frame
) -> None:
    """Join each change to its level in this sentence, or in the one before ("The figure decreased by..."), else alone."""
    text = reading.text
    levels = [d for d in drafts if d.role in {"level", "share"} and d.transformation != "share" or d.role == "level"]
    shares = [d for d in drafts if d.role == "share"]
    open_levels = [d for d in (levels or shares) if not d.change.known]
    head = text[sentence.start : sentence.start + 40]
    goes_on = _ANAPHORA.match(head) is not None and sentence.index - frame.sentence == 1 and frame.block == sentence.block
    before = [d for d in frame.drafts if d.role == "level" and not d.change.known] if goes_on and not levels else []
    for i, q in enumerate(changes):
        target: Draft | None = None
        if len(changes) > 1 and len(open_levels) == len(changes) and "respectively" in text[sentence.start : sentence.end]:
            target = open_levels[i]
        elif open_levels and not _YEARLY.search(text, max(sentence.start, q.outer - 45), min(sentence.end, q.end + 25)):
            target = _level_for(text, sentence, q, [d for d in open_levels if not d.change.known], changes)
        elif before:
            target = _earlier_level_for(text, sentence, q, before, changes, i)
        pct, sign = change_value(text, sentence, q)
        slot: Slot[float] = Slot(pct, text[q.outer : q.end], q.outer, q.end, "explicit", 0.9) if pct is not None else MISSING
        span = (sentence.start, sentence.end)
        if target is not None and slot.known and not target.change.known:
            target.change = slot
            target.base = base_period_for(reading, sentence, q, span, target.period, _country(target), explicit_only=True)
            if target.sentence is not sentence:
                target.last = sentence
            continue
        drafts.append(_lone_change(reading, sentence, q, slot, sign, frame, changes))


_YEARLY = re.compile(r"\b(?:annual average|average annual|averag\w+|annually|per annum|a year on average|each year|every year|CAGR|compound)\b", re.IGNORECASE)
_APART = re.compile(r";|\bwhile\b|\bwhereas\b|, with\b")


def _other_series(text: str, sentence: Sentence, q: FoundQuantity, draft: Draft) -> bool:
    """Whether the word that a change measures, right before it, is another than its would-be level's."""
    own = [m for m in sentence.measures if 0 <= q.outer - m.end < 40 and usable_measure(text, sentence, m)]
    return bool(own) and draft.indicator.known and own[-1].entry.id != draft.indicator.value and own[-1].start != draft.indicator.start and own[-1].entry.id in PAIR_KINDS | {"revenue", "price", "production", "investment", "cost", "tariff"} and draft.indicator.value != "trade_turnover"


def _level_for(text: str, sentence: Sentence, q: FoundQuantity, open_levels: Sequence[Draft], changes: Sequence[FoundQuantity]) -> Draft | None:
    """Return the level that a change belongs to: "(up 19 %)" right behind it, "by 8 % to" it, else the nearest before."""
    touching = [d for d in open_levels if d.found.end <= q.outer and re.fullmatch(r"(?:(?: [\w ]{1,20})?,? ?\(|[;,] ?)(?:up|down|an?|\+|-|–|a rise of|a fall of|by| )*", text[d.found.end : q.outer])]
    if touching:
        return touching[-1]
    after = [d for d in open_levels if d.found.start >= q.end]
    before = [d for d in open_levels if d.found.end <= q.outer]
    if after and _TO_LEVEL.fullmatch(text[q.end : after[0].found.outer]) and not any(c.start > q.end and c.end <= after[0].found.start for c in changes):
        return after[0]
    if before and not _APART.search(text, before[-1].found.end, q.outer) and not _other_series(text, sentence, q, before[-1]):
        return before[-1]
    if after and not _APART.search(text, q.end, after[0].found.outer) and not _other_series(text, sentence, q, after[0]):
        return after[0]
    return None


def _earlier_level_for(
    text: str, sentence: Sentence, q: FoundQuantity, before: Sequence[Draft], changes: Sequence[FoundQuantity], i: int
) -> Draft | None:
    """Choose among the levels of the sentence before: by "volume and value", else the only one."""
    if len(before) == 1 and len(changes) == 1:
        return before[0]
    weight, worth = _WEIGHT.search(text, sentence.start, sentence.end), _WORTH.search(text, sentence.start, sentence.end)
    if weight and worth and len(changes) == 2:
        order = ("mass", "money") if weight.start() < worth.start() else ("money", "mass")
        fitting = [d for d in before if unit_class(d.found.quantity) == order[i] or (order[i] == "mass" and unit_class(d.found.quantity) == "teu")]
        return fitting[0] if len(fitting) == 1 else None
    if weight or worth:
        kind = "mass" if weight else "money"
        fitting = [d for d in before if unit_class(d.found.quantity) == kind]
        return fitting[0] if len(fitting) == 1 and len(changes) == 1 else None
    return None


def _lone_change(
    reading: Reading,
    sentence: Sentence,
    q: FoundQuantity,
    slot: Slot[float],
    sign: int,
    frame: Frame,
    changes: Sequence[FoundQuantity],
) -> Draft:
    text = reading.text
    quantity = q.quantity
    if quantity.unit in {"%", "{pp}"} and sign < 0 and quantity.value is not None:
        quantity = replace(quantity, value=-quantity.value)
    draft = Draft(sentence, q, "change", Slot(quantity, text[q.start : q.end], q.start, q.end, "explicit", 0.9), change=slot)
    draft.transformation = "change_abs" if quantity.unit == "{pp}" else "ratio" if quantity.unit == "{x}" else "change_pct"
    span = stretch(text, sentence, q, list(changes)) if len(changes) > 1 else (sentence.start, sentence.end)
    draft.indicator = indicator_for(text, sentence, q, *span)
    if not draft.indicator.known and len(changes) > 1:
        draft.indicator = indicator_for(text, sentence, q, sentence.start, sentence.end)
    if not draft.indicator.known:
        draft.indicator = _inherited_indicator(text, sentence, q, frame)
    fill_areas(reading, sentence, draft, span, frame)
    draft.period = main_period(reading, sentence, q, span, changes, _country(draft), frame.period, frame.used)
    draft.base = base_period_for(reading, sentence, q, span, draft.period, _country(draft), explicit_only=True)
    if not slot.known and quantity.unit != "{pp}":
        draft.reasons.append("direction of the change not certain")
    weight, worth = _WEIGHT.search(text, sentence.start, sentence.end), _WORTH.search(text, sentence.start, sentence.end)
    if weight and worth and len(changes) == 2:
        first = changes.index(q) == 0
        draft.product = MISSING
        mark = (weight if first == (weight.start() < worth.start()) else worth)
        draft.whole = Slot(mark.group().lower(), mark.group(), mark.start(), mark.end(), "explicit", 0.8)
    _fill_product(text, sentence, draft, span)
    return draft


def present_without_period(text: str, draft: Draft) -> bool:
    """Whether a sentence without a time speaks of the present."""
    s = draft.sentence
    words = text[s.start : s.end]
    return bool(_PRESENT.search(words)) and not _FUTURE.search(words)


def finish_figure(reading: Reading, draft: Draft) -> Figure:
    """Pass a draft through the gate: accepted only with every required slot filled and nothing in doubt."""
    text = reading.text
    day = reading.document.published
    reasons = list(draft.reasons)
    quantity_slot = _finished_quantity(reading, draft, reasons)
    indicator = draft.indicator.value or ""
    if not draft.indicator.known:
        reasons.append("what is measured is not certain")
    if draft.indicator.basis == "inferred":
        reasons.append("what is measured is only inferred")
    if not draft.areas.known and not any("area" in r for r in reasons):
        reasons.append("areas not stated, or more than one candidate")
    if draft.areas.known and (draft.areas.basis == "inferred" or draft.areas.confidence < 0.65):
        reasons.append("areas only inferred")
    period = draft.period
    if not period.known and present_without_period(text, draft) and day.value is not None:
        period = Slot(Period(day.value, day.value, "", "day", "gregorian", "as_of"), "", None, None, "inferred", 0.4)
    elif not period.known and indicator in TIMELESS and draft.transformation == "level" and day.value is not None and _FUTURE.search(text, draft.sentence.start, draft.sentence.end):
        period = Slot(Period(day.value, None, "", "unknown", "gregorian", "as_of"), "", None, None, "inferred", 0.3)
    if period.value is not None and not period.value.known and period.value.start is None:
        reasons.append(f"period {period.value.raw!r} cannot be dated: " + ("year of the article unknown" if day.value is None else "its anchor is not known"))
    elif (not period.known or period.basis == "inferred") and not (indicator in TIMELESS and draft.transformation == "level" and draft.role != "base"):
        reasons.append("period not stated")
    _gate_time(text, draft, period, day.value, reasons)
    s, last = draft.sentence, draft.last or draft.sentence
    start, end = trim(text, s.start, last.end)
    spans = (Span(start, end),)
    return Figure(
        status="partial" if reasons else "accepted",
        reason="; ".join(dict.fromkeys(reasons)),
        quote=text[start:end],
        start=start,
        end=end,
        citations=spans,
        speaker=s.speaker,
        through=s.through,
        areas=draft.areas,
        direction=draft.direction,
        place=draft.place,
        indicator=draft.indicator,
        product=draft.product,
        hs=draft.hs,
        quantity=quantity_slot,
        period=period,
        base_period=draft.base,
        change_pct=draft.change,
        transformation=draft.transformation,
        reporter=_reporter(s),
        definition=_definition(text, s),
        whole=draft.whole,
        mode=_mode(text, s),
    )


_AHEAD_BEHIND = re.compile(r"(?: of [\w ]{1,30})? (?:will|would|is to|are to|(?:is|are) (?:expected|planned|projected|forecast|scheduled))\b")
_AHEAD = re.compile(r"\b(?:will|would|expected|projected|forecasts?|planned|estimated to|could|may|might|aims?|target|is to|are to|hopes?)\b")


def _gate_time(text: str, draft: Draft, period: Slot[Period], day: date | None, reasons: list[str]) -> None:
    """Add the reason why a number about the future is no figure of what was."""
    s = draft.sentence
    value = period.value
    if day is not None and value is not None and value.start is not None and value.kind != "as_of" and value.start > day:
        reasons.append("lies ahead of the day of publication: a forecast")
    head = text[max(s.start, draft.found.outer - 60) : draft.found.outer]
    if (_AHEAD_BEHIND.match(text, draft.found.end, s.end) or _AHEAD.search(head)) and not re.search(r"[,;]|\b(?:and|while|but)\b", head[(_AHEAD.search(head) or re.match("", head)).end() :] if _AHEAD.search(head) else ""):  # type: ignore[union-attr]
        reasons.append("said of the future")
    if draft.indicator.value == "length" and draft.areas.basis == "explicit" and not (draft.areas.raw or "")[:1].isupper():
        reasons.append("areas only inferred")


def _finished_quantity(reading: Reading, draft: Draft, reasons: list[str]) -> Slot[Quantity]:
    quantity = draft.quantity.value
    if quantity is None:
        return draft.quantity
    quantity, doubt = fix_currency(quantity, draft.areas.value or ())
    if doubt:
        reasons.append(doubt)
    slot = replace(draft.quantity, value=quantity)
    if not quantity.unit and not quantity.counted:
        units = {q.quantity.unit for s in reading.sentences for q in s.quantities if unit_class(q.quantity) == "money"}
        if draft.indicator.value in PAIR_KINDS | {"investment", "funding"} and len(units) == 1:
            reasons.append(f"currency not stated ({next(iter(units))} inferred from the rest of the text)")
            return replace(slot, value=replace(quantity, unit=next(iter(units))), basis="inferred", confidence=0.5)
        reasons.append("unit not stated")
    return slot


def _reporter(s: Sentence) -> Slot[str]:
    actor = s.speaker.value
    if actor is None or s.speaker.basis != "explicit":
        return MISSING
    return Slot(actor.country or actor.name, s.speaker.raw, s.speaker.start, s.speaker.end, "explicit", 0.7)


_DEFINITION = re.compile(r"\b(?:non-oil|non-energy|goods and services|merchandise|agricultural|agri-food|informal|re-?exports?|land|overland|rail(?:way)?|road|sea|air|maritime|dry|containeri[sz]ed)\b(?= (?:goods|trade|exports?|imports?|transit|freight|cargo|traffic|turnover|commodities))", re.IGNORECASE)  # fmt: skip
_MODE = re.compile(r"\b(?P<rail>rail(?:way|ways|road)?|trains?|wagons?)|\b(?P<sea>sea|port|ports|vessels?|maritime|shipping|ships?)\b|\b(?P<road>road|trucks?|lorr(?:y|ies)|highway)\b|\b(?P<air>air|flights?|airline|airport|plane)\b|\b(?P<pipeline>pipeline)\b", re.IGNORECASE)  # fmt: skip


def _definition(text: str, s: Sentence) -> Slot[str]:
    m = _DEFINITION.search(text, s.start, s.end)
    return Slot(m.group().lower(), m.group(), m.start(), m.end(), "explicit", 0.8) if m else MISSING


def _mode(text: str, s: Sentence) -> str:
    kinds = {m.lastgroup or "" for m in _MODE.finditer(text, s.start, s.end)}
    return next(iter(kinds)) if len(kinds) == 1 else "multimodal" if len(kinds) > 1 else ""


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span without blanks and lone quotation marks at its ends."""
    while start < end and text[start] in " \n\t\u00a0":
        start += 1
    while end > start and text[end - 1] in " \n\t\u00a0":
        end -= 1
    for opening, closing in (("“", "”"), ('"', '"')):
        if text[start:end].startswith(opening) and text.find(closing, start + 1, end) < 0:
            start += 1
        if text[start:end].endswith(closing) and text.rfind(opening, start, end - 1) < 0:
            end -= 1
    return start, end
