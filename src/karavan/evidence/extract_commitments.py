"""Commitments: targets, plans, agreements, pledges, proposals, expectations; by whom, what, until when."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.clauses import corridor_in, named_route, pair_of, parties, places_in
from karavan.evidence.commitment_triggers import ACTION, Trigger, find_triggers
from karavan.evidence.discourse import FIRST_PERSON, PAIR_WORDS
from karavan.evidence.figure_indicators import fix_currency, indicator_for
from karavan.evidence.figure_parts import PAIR_KINDS, trim, unit_class
from karavan.evidence.moments import anchors_for, resolved
from karavan.evidence.periods import resolve
from karavan.evidence.records import MISSING, Actor, Commitment, Period, Quantity, Slot, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.discourse import Reading, Sentence
    from karavan.evidence.quantities import FoundQuantity

_STOP = re.compile(
    r";|, (?:while|whereas|but|although|as|after|since|when|because|having|compared)\b|\b(?:up|down|"
    r"compared|against|versus)\b from"
)


_FROM = re.compile(r"\bfrom (?:about|around|the current|just|some|nearly|only|an estimated|over|more than)? ?$")


_SINGULAR = re.compile(r"\b(?:a|an|one|another)(?: [\w’'-]+){1,7}", re.IGNORECASE)


_VAGUE = re.compile(
    r"\b(?:cooperation|relations|ties|partnership|dialogue|friendship|momentum|understanding|peace|"
    r"stability)\b",
    re.IGNORECASE,
)


_TALKS_ONLY = re.compile(
    r"\b(?:opportunit\w+|ways|prospects|emphasis|talking about|discussed|importance|explor\w+|"
    r"consider\w*|possibility)\b",
    re.IGNORECASE,
)


_PASSIVE = re.compile(r"\b(?:to|will|could|may) be\b")
_STAGE = re.compile(
    r"\b(?:initially|in the (?:first|initial|next|second|later) (?:stage|phase)|at the (?:first|next|"
    r"second) (?:stage|phase)|later)\b",
    re.IGNORECASE,
)


_STAGE_NUMBER = {"initially": 1, "first": 1, "initial": 1, "next": 2, "second": 2, "later": 2}


# A mention is joined to one of this many commitments before it at most; it keeps hostile input cheap.
LOOK_BACK = 80


def commitments_of(
    reading: Reading, sentence: Sentence, topic: Slot[tuple[str, ...]]
) -> tuple[list[Commitment], list[FoundQuantity]]:
    """Return the commitments of a sentence, and the quantities that belong to them rather than to figures."""
    text = reading.text
    out: list[Commitment] = []
    used: list[FoundQuantity] = []
    for trigger in find_triggers(text, sentence):
        limit = _STOP.search(text, trigger.end, trigger.last)
        last = limit.start() if limit else trigger.last
        amounts = [
            q
            for q in sentence.quantities
            if trigger.start - 1 <= q.start < last
            and not _is_side(q)
            and q not in used
            and not _FROM.search(text[max(trigger.start, q.outer - 24) : q.outer])
        ]
        if not amounts and _PASSIVE.search(text, trigger.start, trigger.end):
            before = [q for q in sentence.quantities if trigger.first <= q.start and q.end <= trigger.start]
            near = [q for q in before if trigger.start - q.end < 30 and "," not in text[q.end : trigger.start]]
            amounts = [q for q in near[-1:] if q not in used and not _is_side(q)]
        if (
            trigger.modality == "possibility"
            and not amounts
            and not re.search(r"\b(?:build|open|launch|extend|sign)", text[trigger.start : trigger.end])
        ):
            continue
        if (
            trigger.modality in {"plan", "expectation", "possibility"}
            and len(amounts) == 1
            and amounts[0].quantity.rate
            and amounts[0].quantity.counted == "times"
        ):
            continue
        used.extend(amounts)
        goals = _goals(text, amounts, trigger)
        each: list[FoundQuantity | None] = [*goals] or [None]
        out.extend(_commitment(reading, sentence, trigger, goal, last, topic, amounts) for goal in each)
    return out, used


def _is_side(q: FoundQuantity) -> bool:
    """Whether a quantity only describes a thing: a 273-kilometre railway, a two-day visit."""
    return q.quantity.unit in {"km", "m", "d", "h", "min"} and "-" in q.quantity.raw


def _goals(text: str, amounts: Sequence[FoundQuantity], trigger: Trigger) -> list[FoundQuantity]:
    """Return the quantities that are each a target of their own: levels first; a change only where no level is."""
    levels = [
        q
        for q in amounts
        if unit_class(q.quantity) not in {"percent", "bare"}
        or (q.quantity.value is not None and q.quantity.value >= 1e5)
    ]
    if levels:
        kinds = [unit_class(q.quantity) for q in levels]
        money = [q for q, k in zip(levels, kinds, strict=True) if k == "money"]
        same = [q for q in levels if unit_class(q.quantity) == kinds[0]]
        return (
            same
            if len(same) > 1 and _STAGE.search(text, levels[0].start, trigger.last)
            else levels
            if len(set(kinds)) > 1 and len(money) <= 1
            else same
        )
    return list(amounts)


def _commitment(
    reading: Reading,
    sentence: Sentence,
    trigger: Trigger,
    goal: FoundQuantity | None,
    last: int,
    topic: Slot[tuple[str, ...]],
    amounts: Sequence[FoundQuantity],
) -> Commitment:
    text = reading.text
    reasons: list[str] = []
    action = next(
        (m.lastgroup for m in ACTION.finditer(text, trigger.start, min(last, trigger.end + 60)) if m.lastgroup),
        "other",
    )
    start, end = trim(text, _quote_start(text, sentence, trigger), _quote_end(sentence, trigger))
    indicator = _indicator(text, sentence, goal, trigger, last)
    areas, actors = _subjects(reading, sentence, trigger, last, topic, indicator.value or "")
    if not areas.known:
        reasons.append("who commits is not certain")
    quantity = _quantity_slot(text, goal, areas, reasons) if goal is not None else _one_of(text, trigger, last, action)
    first_word = trigger.end
    closing = re.compile('[”"]').search(text, first_word + 1, last)
    done = closing.start() if closing else last  # what follows a closing quotation mark is who said it
    object_slot = Slot(text[first_word:done].strip(' ,.”“"'), text[first_word:done], first_word, done, "explicit", 0.7)
    if not object_slot.value:
        object_slot = MISSING
        if goal is None:
            reasons.append("what is promised is not stated")
    deadline, horizon, stage = _deadline(reading, sentence, trigger, goal, amounts, last, _first(areas))
    if deadline.value is not None and deadline.value.end is None:
        reasons.append("deadline hangs on an unknown date")
        deadline = MISSING if not deadline.value.duration else deadline
    if goal is not None and not indicator.known and unit_class(goal.quantity) == "percent":
        reasons.append("what is to change is not certain")
    if (
        trigger.modality == "proposal"
        and goal is None
        and (object_slot.value is None or _VAGUE.search(object_slot.value or ""))
    ):
        reasons.append("nothing measurable")
    elif trigger.modality == "proposal" and goal is None and _TALKS_ONLY.search(text, trigger.start, trigger.end):
        reasons.append("talks only: nothing is promised")
    if not actors and not areas.known:
        reasons.append("no actor")
    return Commitment(
        kind="commitment",
        status="partial" if reasons else "accepted",
        reason="; ".join(dict.fromkeys(reasons)),
        quote=text[start:end],
        start=start,
        end=end,
        citations=(Span(start, end),),
        speaker=sentence.speaker,
        through=sentence.through,
        areas=areas,
        direction="-".join(areas.value) if areas.value and len(areas.value) == 2 else "",
        actors=actors,
        place=_place(text, sentence, trigger.first, last),
        modality=trigger.modality,
        action=action,
        object=object_slot,
        indicator=indicator,
        quantity=quantity,
        deadline=deadline,
        horizon=horizon,
        stage=stage,
    )


def _first(areas: Slot[tuple[str, ...]]) -> str:
    return areas.value[0] if areas.value else ""


def _quote_start(text: str, sentence: Sentence, trigger: Trigger) -> int:
    """Begin at the sentence, or behind the commitment before it."""
    if trigger.first == sentence.start:
        inside = [q for q in sentence.quoted if sentence.start <= q.start <= trigger.start < q.end]
        return inside[-1].start if inside and inside[-1].start < trigger.start else sentence.start
    cut = re.search(r"[,;]\s(?:and\s)?", text[trigger.first : trigger.start])
    return trigger.first + cut.end() if cut else max(sentence.start, trigger.first)


def _quote_end(sentence: Sentence, trigger: Trigger) -> int:
    inside = [q for q in sentence.quoted if q.start <= trigger.start < q.end]
    end = trigger.last
    if inside and inside[0].end < end:
        end = inside[0].end
    return end


def _indicator(text: str, sentence: Sentence, goal: FoundQuantity | None, trigger: Trigger, last: int) -> Slot[str]:
    if goal is None:
        usable = [
            m
            for m in sentence.measures
            if trigger.start <= m.start < last
            and m.entry.id
            in {
                "trade_turnover",
                "transit",
                "freight",
                "capacity",
                "container_traffic",
                "export",
                "import",
                "investment",
            }
        ]
        m = usable[0] if usable else None
        return Slot(m.entry.id, text[m.start : m.end], m.start, m.end, "explicit", 0.6) if m else MISSING
    found = indicator_for(text, sentence, goal, trigger.start, last)
    return found if found.known else indicator_for(text, sentence, goal, sentence.start, sentence.end)


def _quantity_slot(text: str, goal: FoundQuantity, areas: Slot[tuple[str, ...]], reasons: list[str]) -> Slot[Quantity]:
    quantity, doubt = fix_currency(goal.quantity, areas.value or ())
    if doubt or goal.doubt:
        reasons.append(doubt or goal.doubt)
    if not quantity.unit and not quantity.counted:
        reasons.append("unit not stated")
    return Slot(quantity, text[goal.start : goal.end], goal.start, goal.end, "explicit", 0.9)


def _one_of(text: str, trigger: Trigger, last: int, action: str) -> Slot[Quantity]:
    """Return the one thing of "to build a terminal", "will travel" (one visit), else nothing."""
    m = re.compile(r"(?:\s*(?:up|out))?\s*(?:a|an|one)(?= [\w’'-]+)", re.IGNORECASE).match(text, trigger.end, last)
    if m is None and action in {"build", "open", "develop", "sign", "launch"}:
        m = re.compile(r"\s(?:a|an|one) (?=[\w’'-]+)", re.IGNORECASE).search(
            text, max(trigger.start, trigger.end - 4), min(last, trigger.end + 6)
        )
    if m is not None and action in {"build", "open", "develop", "sign", "launch", "visit"}:
        return Slot(
            Quantity(1.0, "", m.group().strip(), counted=text[m.end() : m.end() + 40].strip().split(",")[0], step=1.0),
            m.group(),
            m.start(),
            m.end(),
            "explicit",
            0.7,
        )
    if action == "visit":
        return Slot(
            Quantity(1.0, "", text[trigger.start : trigger.end], counted="visit or session", step=1.0),
            text[trigger.start : trigger.end],
            trigger.start,
            trigger.end,
            "inferred",
            0.6,
        )
    return MISSING


def _place(text: str, sentence: Sentence, a: int, b: int) -> Slot[str]:
    corridor = corridor_in(sentence, a, b)
    if corridor is not None:
        return Slot(
            corridor.entry.id, text[corridor.start : corridor.end], corridor.start, corridor.end, "explicit", 0.8
        )
    places = places_in(sentence, a, b)
    if places:
        g = places[0]
        return Slot(g.entry.name, text[g.start : g.end], g.start, g.end, "explicit", 0.8)
    return MISSING


def _subjects(  # noqa: C901, PLR0912  (one rule after another, in their order)
    reading: Reading, sentence: Sentence, trigger: Trigger, last: int, topic: Slot[tuple[str, ...]], indicator: str
) -> tuple[Slot[tuple[str, ...]], tuple[Actor, ...]]:
    """Return the areas a commitment concerns, its subject first, and the actors: subject, else speaker.

    "We" is the speaker's country, with the other side if the words say so ("between our countries", "both sides").
    """
    text = reading.text
    actors: list[Actor] = []
    codes: dict[str, tuple[int, int, str]] = {}
    head = text[sentence.start : trigger.start]
    for n in sentence.namings:
        if (
            n.start < trigger.start
            and not sentence.is_masked(n.start)
            and (n.actor.kind == "person" or n.actor.country)
        ):
            actors.append(n.actor)
            if n.actor.country:
                codes.setdefault(n.actor.country, (n.start, n.end, "explicit"))
    everyone = parties(reading, sentence, sentence.start, last)
    for p in everyone:
        if p.part != "company" or not codes:
            codes.setdefault(p.code, (p.start, p.end, "explicit"))
    speaker = sentence.speaker.value
    pair = pair_of(reading, sentence, sentence.start, sentence.end)
    route = named_route(reading, sentence, sentence.start, last)
    first_person = FIRST_PERSON.search(head) is not None or (
        sentence.in_quote(trigger.start) and not everyone and route is None
    )
    if first_person and speaker is not None and speaker.country:
        at = (sentence.speaker.start or 0, sentence.speaker.end or 0, "inherited")
        codes = {speaker.country: at, **{k: v for k, v in codes.items() if k != speaker.country}}
        actors.insert(0, speaker)
    if pair.known and pair.value and (not codes or PAIR_WORDS.search(text, sentence.start, last)):
        for code in pair.value:
            codes.setdefault(code, (pair.start or 0, pair.end or 0, "inherited"))
    if (
        trigger.modality == "agreement"
        and first_person
        and len(codes) == 1
        and reading.pair
        and next(iter(codes)) in reading.pair
    ):
        for code in reading.pair:
            codes.setdefault(code, (*(reading.pair_span or (0, 0)), "inherited"))
    if (
        indicator in PAIR_KINDS
        and len(codes) == 1
        and reading.pair
        and next(iter(codes)) in reading.pair
        and re.search(r"\b(?:our|their|bilateral|mutual|two-way)\b", text[sentence.start : last], re.IGNORECASE)
    ):
        for code in reading.pair:
            codes.setdefault(code, (*(reading.pair_span or (0, 0)), "inherited"))
    if (not codes or not any(len(c) == 3 for c in codes)) and route is not None:
        for code in (route.entry.id, *(route.entry.countries if len(route.entry.countries) <= 3 else ())):
            codes.setdefault(
                code, (route.start, route.end, "explicit" if route.start >= sentence.start else "inherited")
            )
    if not codes:
        for g in places_in(sentence, sentence.start, last):
            for code in g.entry.countries:
                codes.setdefault(code, (g.start, g.end, "explicit"))
    if not codes and speaker is not None and speaker.country:
        codes[speaker.country] = (sentence.speaker.start or 0, sentence.speaker.end or 0, "inherited")
        actors.append(speaker)
    if not codes and topic.known and topic.value:
        return replace(topic, basis="inherited", confidence=0.65), tuple(dict.fromkeys(actors))
    if not codes and len(reading.topic) == 1:
        return Slot(reading.topic, "", None, None, "inherited", 0.65), tuple(dict.fromkeys(actors))
    if not codes:
        return MISSING, tuple(dict.fromkeys(actors))
    a, b, basis = next(iter(codes.values()))
    if not actors and speaker is not None and sentence.in_quote(trigger.start):
        actors.append(speaker)
    return Slot(tuple(codes), text[a:b], a, b, basis, 0.85), tuple(dict.fromkeys(actors))  # type: ignore[arg-type]


def _deadline(
    reading: Reading,
    sentence: Sentence,
    trigger: Trigger,
    goal: FoundQuantity | None,
    amounts: Sequence[FoundQuantity],
    last: int,
    country: str,
) -> tuple[Slot[Period], Slot[str], int | None]:
    """Return deadline, vague horizon and stage of a commitment. No deadline is made where none is given."""
    text = reading.text
    floor = sentence.start
    ceiling = max(last, trigger.last)
    if goal is not None and len(amounts) > 1:
        later = [q for q in amounts if q.start > goal.start]
        ceiling = later[0].start if later else ceiling
        floor = goal.end if any(q.start < goal.start for q in amounts) else floor
    horizon: Slot[str] = MISSING
    found: Slot[Period] = MISSING
    stage: int | None = None
    for p in sorted(sentence.periods, key=lambda p: (p.use != "deadline", p.start)):
        if not floor <= p.start < ceiling or sentence.is_masked(p.start):
            continue
        raw = text[p.start : p.end]
        if p.kind == "horizon":
            horizon = Slot(raw.lower(), raw, p.start, p.end, "explicit", 0.8)
            m = _STAGE.search(raw)
            if m:
                stage = next((v for k, v in _STAGE_NUMBER.items() if k in raw.lower()), None)
            continue
        if found.known or p.use in {"base", "now", "lookback"}:
            continue
        period = resolve(p, raw, anchors_for(reading, MISSING, country))
        if period is None or (
            p.use != "deadline"
            and (
                (p.start < trigger.start and p.start - sentence.start > 14)
                or not _ahead(period, reading, text, p.start, trigger)
            )
        ):
            continue
        found = resolved(reading, p, MISSING, country)
    return found, horizon, stage


def _ahead(period: Period, reading: Reading, text: str, at: int, trigger: Trigger) -> bool:
    """Whether a time that is no "by ..." still bounds the promise: it lies ahead and stands behind the trigger."""
    if period.end is None:
        return False
    day = reading.document.published.value
    if day is not None:
        return period.end > day
    head = text[max(0, at - 14) : at].lower()
    return (
        at > trigger.start
        and period.granularity in {"year", "range", "quarter", "half", "month", "day"}
        and re.search(r"\b(?:in|for|from|during|on)(?: the)? $", head) is not None
    )


def _in_heading(c: Commitment, headings: Sequence[tuple[int, int]]) -> bool:
    return any(a <= c.start < b for a, b in headings)


def merge_commitments(found: Sequence[Commitment], headings: Sequence[tuple[int, int]]) -> list[Commitment]:
    """Join mentions of one commitment: same quantity, indicator and areas (one set within the other).

    The first mention in the body is the one quoted, all are cited.
    """
    out: list[Commitment] = []
    for c in found:
        near = range(max(0, len(out) - LOOK_BACK), len(out))
        same = next((i for i in near if _same_commitment(out[i], c)), None)
        if same is None:
            out.append(c)
            continue
        old = out[same]
        keep, other = (
            (c, old)
            if _in_heading(old, headings) or (c.status == "accepted" and old.status != "accepted")
            else (old, c)
        )
        out[same] = replace(
            keep,
            citations=tuple(sorted({*keep.citations, *other.citations}, key=lambda s: s.start)),
            areas=other.areas if len(other.areas.value or ()) > len(keep.areas.value or ()) else keep.areas,
            deadline=keep.deadline if keep.deadline.known else other.deadline,
            horizon=keep.horizon if keep.horizon.known else other.horizon,
        )
    return out


def _same_commitment(a: Commitment, b: Commitment) -> bool:
    if a.quantity.value is None or b.quantity.value is None or a.quantity.value.counted or b.quantity.value.counted:
        return False
    if (a.quantity.value.value, a.quantity.value.unit) != (b.quantity.value.value, b.quantity.value.unit):
        return False
    if a.stage != b.stage and a.stage is not None and b.stage is not None:
        return False
    if a.indicator.known and b.indicator.known and a.indicator.value != b.indicator.value:
        return False
    one, two = set(a.areas.value or ()), set(b.areas.value or ())
    related = not one or not two or one <= two or two <= one
    ends = {c.deadline.value.end for c in (a, b) if c.deadline.value is not None}
    return related and len(ends) <= 1


__all__ = ["PAIR_KINDS", "commitments_of", "find_triggers", "merge_commitments"]
