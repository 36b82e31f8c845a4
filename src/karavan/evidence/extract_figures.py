"""Figures: the numbers of a sentence with what each is about; changes joined to their levels."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.clauses import (
    parties,
    stretch,
)
from karavan.evidence.figure_areas import fill_areas, flow_direction
from karavan.evidence.figure_indicators import indicator_for, inherited_indicator, usable_measure
from karavan.evidence.figure_parts import (
    ANAPHORA,
    PAIR_KINDS,
    TIMELESS,
    WEIGHT,
    WORTH,
    Draft,
    Frame,
    Role,
    area_country,
    unit_class,
)
from karavan.evidence.figure_roles import change_value, classify
from karavan.evidence.moments import base_period_for, main_period
from karavan.evidence.records import MISSING, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.clauses import Party
    from karavan.evidence.discourse import Reading, Sentence
    from karavan.evidence.quantities import FoundQuantity

_TO_LEVEL = re.compile(
    r"(?:[\w\s,'’()%-]{0,70})\b(?:to|reach(?:ed|ing)?|hit(?:ting)?|total(?:l?ing|l?ed)|amount(?:ing|"
    r"ed)? to|stood at|standing at|and was|,? at|exceed(?:ing|ed)?|worth)(?: the| a| a record| about|"
    r" around| nearly| almost| over| more than| some| just| reach| stand at| approximately| its)*\s?$",
    re.IGNORECASE,
)


_CHANGE_OF = re.compile(
    r"\b(?P<w>increase|growth|increment|rise|gain|decline|decrease|drop|fall|reduction|loss)(?: "
    r"\w+){0,2} of(?: about| around| nearly| over| some| almost)? $",
    re.IGNORECASE,
)


def _slot(
    text: str, start: int, end: int, value: object, basis: str = "explicit", confidence: float = 0.9
) -> Slot[object]:
    return Slot(value, text[start:end], start, end, basis, confidence)  # type: ignore[arg-type]


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
    if any(b < c for (_, b), (c, _) in itertools.pairwise(spans)) and _APART.search(
        reading.text, levels[0].end, levels[-1].outer
    ):
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
    if (
        (role == "base" or q.shared_unit)
        and main is not None
        and unit_class(main.found.quantity) == unit_class(q.quantity)
    ):
        draft.indicator = replace(main.indicator, basis="inherited") if main.indicator.known else draft.indicator
    if not draft.indicator.known:
        draft.indicator = inherited_indicator(text, sentence, q, frame)
    fill_areas(reading, sentence, draft, (sentence.start, sentence.end) if wide else span, frame)
    if (
        role == "base"
        and main is not None
        and main.areas.known
        and not parties(reading, sentence, *_tail_span(q, span))
    ):
        draft.areas, draft.direction, draft.place = replace(main.areas, basis="inherited"), main.direction, main.place
    draft.period = main_period(reading, sentence, q, span, levels, area_country(draft), frame.period, frame.used)
    if indicator_is_timeless(draft) and draft.period.basis == "inherited":
        draft.period = MISSING
    if role == "base":
        draft.period = base_period_for(
            reading, sentence, q, span, main.period if main else frame.period, area_country(draft)
        )
        if not draft.period.known and main is None:
            later = main_period(
                reading,
                sentence,
                levels[-1],
                (levels[-1].start, sentence.end),
                levels,
                area_country(draft),
                frame.period,
            )
            draft.period = base_period_for(reading, sentence, q, span, later, area_country(draft))
    change = _CHANGE_OF.search(text[max(sentence.start, q.outer - 60) : q.outer])
    draft.transformation = (
        "change_abs"
        if change and role == "level"
        else "share"
        if role == "share"
        else "cumulative"
        if _is_cumulative(draft)
        else "level"
    )
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


def _is_cumulative(draft: Draft) -> bool:
    period = draft.period.value
    return period is not None and period.kind == "lookback" and draft.indicator.value == "investment"


def _fill_product(text: str, sentence: Sentence, draft: Draft, span: tuple[int, int]) -> None:
    goods = [g for g in sentence.goods if span[0] <= g.start < span[1] and not sentence.is_masked(g.start)]
    near = [g for g in goods if 0 <= g.start - draft.found.end < 40 or 0 <= draft.found.start - g.end < 45]
    # "dates", "lead", "gas", "cars" are words of other meanings too: a good stands right by "of" or by the trade word.
    if near:
        g = near[0]
        draft.product = Slot(g.entry.name, text[g.start : g.end], g.start, g.end, "explicit", 0.7)
        draft.hs = tuple(x.entry.detail for x in near[:1] if x.entry.detail)


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
        draft.direction = flow_direction(draft, draft.indicator.value or "")
        draft.reasons = [r for r in draft.reasons if "areas" not in r and "area" not in r]


def _attach_changes(
    reading: Reading, sentence: Sentence, drafts: list[Draft], changes: Sequence[FoundQuantity], frame: Frame
) -> None:
    """Join each change to its level in this sentence or the one before ("The figure decreased by..."), else alone."""
    text = reading.text
    levels = [d for d in drafts if (d.role in {"level", "share"} and d.transformation != "share") or d.role == "level"]
    shares = [d for d in drafts if d.role == "share"]
    open_levels = [d for d in (levels or shares) if not d.change.known]
    head = text[sentence.start : sentence.start + 40]
    goes_on = (
        ANAPHORA.match(head) is not None and sentence.index - frame.sentence == 1 and frame.block == sentence.block
    )
    before = [d for d in frame.drafts if d.role == "level" and not d.change.known] if goes_on and not levels else []
    for i, q in enumerate(changes):
        target: Draft | None = None
        if (
            len(changes) > 1
            and len(open_levels) == len(changes)
            and "respectively" in text[sentence.start : sentence.end]
        ):
            target = open_levels[i]
        elif open_levels and not _YEARLY.search(text, max(sentence.start, q.outer - 45), min(sentence.end, q.end + 25)):
            target = _level_for(text, sentence, q, [d for d in open_levels if not d.change.known], changes)
        elif before:
            target = _earlier_level_for(text, sentence, before, changes, i)
        pct, sign = change_value(text, sentence, q)
        slot: Slot[float] = (
            Slot(pct, text[q.outer : q.end], q.outer, q.end, "explicit", 0.9) if pct is not None else MISSING
        )
        span = (sentence.start, sentence.end)
        if target is not None and slot.known and not target.change.known:
            target.change = slot
            target.base = base_period_for(
                reading, sentence, q, span, target.period, area_country(target), explicit_only=True
            )
            if target.sentence is not sentence:
                target.last = sentence
            continue
        drafts.append(_lone_change(reading, sentence, q, slot, sign, frame, changes, drafts))


_YEARLY = re.compile(
    r"\b(?:annual average|average annual|averag\w+|annually|per annum|a year on average|each year|"
    r"every year|CAGR|compound)\b",
    re.IGNORECASE,
)


_APART = re.compile(r";|\bwhile\b|\bwhereas\b|, with\b")


def _other_series(text: str, sentence: Sentence, q: FoundQuantity, draft: Draft) -> bool:
    """Whether the word that a change measures, right before it, is another than its would-be level's."""
    own = [m for m in sentence.measures if 0 <= q.outer - m.end < 40 and usable_measure(text, sentence, m)]
    return (
        bool(own)
        and draft.indicator.known
        and own[-1].entry.id != draft.indicator.value
        and own[-1].start != draft.indicator.start
        and own[-1].entry.id in PAIR_KINDS | {"revenue", "price", "production", "investment", "cost", "tariff"}
        and draft.indicator.value != "trade_turnover"
    )


def _level_for(
    text: str, sentence: Sentence, q: FoundQuantity, open_levels: Sequence[Draft], changes: Sequence[FoundQuantity]
) -> Draft | None:
    """Return the level that a change belongs to: "(up 19 %)" right behind it, "by 8 % to" it, else the one before."""
    touching = [
        d
        for d in open_levels
        if d.found.end <= q.outer
        and re.fullmatch(
            r"(?:(?: [\w ]{1,20})?,? ?\(|[;,] ?)(?:up|down|an?|\+|-|–|a rise of|a fall of|by| )*",
            text[d.found.end : q.outer],
        )
    ]
    if touching:
        return touching[-1]
    after = [d for d in open_levels if d.found.start >= q.end]
    before = [d for d in open_levels if d.found.end <= q.outer]
    if (
        after
        and _TO_LEVEL.fullmatch(text[q.end : after[0].found.outer])
        and not any(c.start > q.end and c.end <= after[0].found.start for c in changes)
    ):
        return after[0]
    if (
        before
        and not _APART.search(text, before[-1].found.end, q.outer)
        and not _other_series(text, sentence, q, before[-1])
    ):
        return before[-1]
    if (
        after
        and not _APART.search(text, q.end, after[0].found.outer)
        and not _other_series(text, sentence, q, after[0])
    ):
        return after[0]
    return None


def _earlier_level_for(
    text: str, sentence: Sentence, before: Sequence[Draft], changes: Sequence[FoundQuantity], i: int
) -> Draft | None:
    """Choose among the levels of the sentence before: by "volume and value", else the only one."""
    if len(before) == 1 and len(changes) == 1:
        return before[0]
    weight, worth = (
        WEIGHT.search(text, sentence.start, sentence.end),
        WORTH.search(text, sentence.start, sentence.end),
    )
    if weight and worth and len(changes) == 2:
        order = ("mass", "money") if weight.start() < worth.start() else ("money", "mass")
        fitting = [
            d
            for d in before
            if unit_class(d.found.quantity) == order[i]
            or (order[i] == "mass" and unit_class(d.found.quantity) == "teu")
        ]
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
    drafts: Sequence[Draft],
) -> Draft:
    text = reading.text
    quantity = q.quantity
    if quantity.unit in {"%", "{pp}"} and sign < 0 and quantity.value is not None:
        quantity = replace(quantity, value=-quantity.value)
    draft = Draft(
        sentence, q, "change", Slot(quantity, text[q.start : q.end], q.start, q.end, "explicit", 0.9), change=slot
    )
    draft.transformation = (
        "change_abs" if quantity.unit == "{pp}" else "ratio" if quantity.unit == "{x}" else "change_pct"
    )
    span = stretch(text, sentence, q, list(changes)) if len(changes) > 1 else (sentence.start, sentence.end)
    draft.indicator = indicator_for(text, sentence, q, *span)
    if not draft.indicator.known and len(changes) > 1:
        draft.indicator = indicator_for(text, sentence, q, sentence.start, sentence.end)
    if not draft.indicator.known:
        draft.indicator = inherited_indicator(text, sentence, q, frame)
    fill_areas(reading, sentence, draft, span, frame)
    draft.period = main_period(reading, sentence, q, span, changes, area_country(draft), frame.period, frame.used)
    level = next((d for d in reversed(drafts) if d.role == "level" and d.period.known and d.found.end <= q.outer), None)
    if level is not None:
        # The time behind a further change is that of its base: "up 3 % from 11 billion in the second half".
        draft.period = replace(level.period, basis="inherited", confidence=0.7)
    draft.base = base_period_for(reading, sentence, q, span, draft.period, area_country(draft), explicit_only=True)
    if not slot.known and quantity.unit != "{pp}":
        draft.reasons.append("direction of the change not certain")
    weight, worth = (
        WEIGHT.search(text, sentence.start, sentence.end),
        WORTH.search(text, sentence.start, sentence.end),
    )
    if weight and worth and len(changes) == 2:
        first = changes.index(q) == 0
        draft.product = MISSING
        mark = weight if first == (weight.start() < worth.start()) else worth
        draft.whole = Slot(mark.group().lower(), mark.group(), mark.start(), mark.end(), "explicit", 0.8)
    _fill_product(text, sentence, draft, span)
    return draft
