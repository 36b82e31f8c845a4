"""The gate: a draft becomes an accepted figure only with every required slot filled and nothing in doubt."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.figure_indicators import fix_currency
from karavan.evidence.figure_parts import PAIR_KINDS, TIMELESS, Draft, trim, unit_class
from karavan.evidence.records import MISSING, Figure, Period, Quantity, Slot, Span

if TYPE_CHECKING:
    from datetime import date

    from karavan.evidence.discourse import Reading, Sentence

_PRESENT = re.compile(
    r"\b(?:is|are|stands?|accounts? for|makes? up|passes|pass|enters?|goes|exceeds?|amounts? to|has|"
    r"have|totals?|remains?|operate|operates|currently|now|handles?|carries|comes?|includes?|moves|"
    r"serves|connects?|runs|live)\b",
    re.IGNORECASE,
)


_FUTURE = re.compile(
    r"\b(?:will|would|is to|are to|going to|planned|plans?|expected|projected|forecast|target|could|"
    r"may|might|should)\b",
    re.IGNORECASE,
)


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
    elif (
        not period.known
        and indicator in TIMELESS
        and draft.transformation == "level"
        and day.value is not None
        and _FUTURE.search(text, draft.sentence.start, draft.sentence.end)
    ):
        period = Slot(Period(day.value, None, "", "unknown", "gregorian", "as_of"), "", None, None, "inferred", 0.3)
    if period.value is not None and not period.value.known and period.value.start is None:
        reasons.append(
            f"period {period.value.raw!r} cannot be dated: "
            + ("year of the article unknown" if day.value is None else "its anchor is not known")
        )
    elif (not period.known or period.basis == "inferred") and not (
        indicator in TIMELESS and draft.transformation == "level" and draft.role != "base"
    ):
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


_AHEAD_BEHIND = re.compile(
    r"(?: of [\w ]{1,30})? (?:will|would|is to|are to|(?:is|are) (?:expected|planned|projected|"
    r"forecast|scheduled))\b"
)


_AHEAD = re.compile(
    r"\b(?:will|would|expected|projected|forecasts?|planned|estimated to|could|may|might|aims?|"
    r"target|is to|are to|hopes?)\b"
)


def _gate_time(text: str, draft: Draft, period: Slot[Period], day: date | None, reasons: list[str]) -> None:
    """Add the reason why a number about the future is no figure of what was."""
    s = draft.sentence
    value = period.value
    if (
        day is not None
        and value is not None
        and value.start is not None
        and value.kind != "as_of"
        and value.start > day
    ):
        reasons.append("lies ahead of the day of publication: a forecast")
    head = text[max(s.start, draft.found.outer - 60) : draft.found.outer]
    ahead = _AHEAD.search(head)
    cut = re.search(r"[,;]|\b(?:and|while|but)\b", head[ahead.end() :]) if ahead else None
    if (ahead and not cut) or _AHEAD_BEHIND.match(text, draft.found.end, s.end):
        reasons.append("said of the future")
    if (
        draft.indicator.value == "length"
        and draft.areas.basis == "explicit"
        and not (draft.areas.raw or "")[:1].isupper()
    ):
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


_DEFINITION = re.compile(
    r"\b(?:non-oil|non-energy|goods and services|merchandise|agricultural|agri-food|informal|"
    r"re-?exports?|land|overland|rail(?:way)?|road|sea|air|maritime|dry|containeri[sz]ed)\b(?= "
    r"(?:goods|trade|exports?|imports?|transit|freight|cargo|traffic|turnover|commodities))",
    re.IGNORECASE,
)


_MODE = re.compile(
    r"\b(?P<rail>rail(?:way|ways|road)?|trains?|wagons?)|\b(?P<sea>sea|port|ports|vessels?|maritime|"
    r"shipping|ships?)\b|\b(?P<road>road|trucks?|lorr(?:y|ies)|highway)\b|\b(?P<air>air|flights?|"
    r"airline|airport|plane)\b|\b(?P<pipeline>pipeline)\b",
    re.IGNORECASE,
)


def _definition(text: str, s: Sentence) -> Slot[str]:
    m = _DEFINITION.search(text, s.start, s.end)
    return Slot(m.group().lower(), m.group(), m.start(), m.end(), "explicit", 0.8) if m else MISSING


def _mode(text: str, s: Sentence) -> str:
    kinds = {m.lastgroup or "" for m in _MODE.finditer(text, s.start, s.end)}
    return next(iter(kinds)) if len(kinds) == 1 else "multimodal" if len(kinds) > 1 else ""
