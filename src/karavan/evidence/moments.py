"""Which of a sentence's times belongs to a quantity: its own period, and the base period of its change."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.calendars import gregorian_to_solar_hijri, shift_years, solar_hijri_month_days, solar_hijri_months
from karavan.evidence.period_words import FoundPeriod, find_periods
from karavan.evidence.periods import Anchors, resolve
from karavan.evidence.records import MISSING, Period, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from karavan.evidence.discourse import Reading, Sentence
    from karavan.evidence.quantities import FoundQuantity

_NO_MAIN = {"horizon", "weekday"}
_BASE_LEAD = re.compile(
    r"(?:\b(?:compared|comparison|relative)(?: to| with)|\bagainst|\bversus|\bthan|\b(?:up|down|"
    r"higher|lower|more|less) (?:from|on|than))[^;]{0,60}$",
    re.IGNORECASE,
)


def anchors_for(reading: Reading, previous: Slot[Period], country: str) -> Anchors:
    """Return what relative times of a figure are resolved against."""
    return Anchors(reading.document.published.value, previous.value, country, reading.iranian)


def resolved(
    reading: Reading, found: FoundPeriod, previous: Slot[Period], country: str, basis: str = "explicit"
) -> Slot[Period]:
    """Return the slot of one found time. Its basis is inferred if the day of publication that it hangs on is."""
    text = reading.text
    raw = text[found.start : found.end]
    period = _with_parenthesis(reading, found, raw) or resolve(found, raw, anchors_for(reading, previous, country))
    if period is None:
        return MISSING
    hangs = found.period is None and found.kind in {"relative", "lookback", "iranian", "weekday"}
    if hangs and reading.document.published.basis == "inferred":
        basis = "inherited"
    if (
        period.kind == "lookback"
        and "M" in period.duration
        and period.start is not None
        and (previous.value is None or period.start != previous.value.start)
    ):
        basis = "inferred"
    confidence = 0.9 if found.period is not None else 0.8
    return Slot(period, raw, found.start, found.end, basis, confidence)  # type: ignore[arg-type]


def _with_parenthesis(reading: Reading, found: FoundPeriod, raw: str) -> Period | None:
    """Return the Iranian year that "(ended March 20, 2023)" or "(March 21-June 21)" right behind the words tells."""
    if found.kind != "iranian":
        return None
    text = reading.text
    m = re.compile(r",? ?\((?P<in>[^()]{4,70})\)").match(text, found.end)
    if not m:
        return None
    days = [
        p.period for p in find_periods(text, m.start("in"), m.end("in")) if p.period and p.period.start and p.period.end
    ]
    if not days:
        return None
    inside = m["in"].lower()
    first, last = int(found.spec[1]), int(found.spec[2])
    anchor = days[-1].end if "end" in inside or len(days) > 1 or days[0].start != days[0].end else days[0].start
    if anchor is None:
        return None
    year = gregorian_to_solar_hijri(anchor)[0]
    if re.search(r"\b(?:began|start|begin|from|since)", inside) and days[0].start is not None:
        day: date = days[0].start
        year, month, _ = gregorian_to_solar_hijri(day)
        year += 1 if month == 12 else 0
    elif "end" in inside and gregorian_to_solar_hijri(anchor)[1:] == (1, 1):
        year -= 1
    a, b = solar_hijri_months(year, first, last)
    return Period(a, b, raw, "year" if (first, last) == (1, 12) else "range", "solar_hijri")


def _inside_iranian(reading: Reading, sentence: Sentence, found: FoundPeriod) -> bool:
    """Whether a time only explains an Iranian one in parentheses behind it."""
    text = reading.text
    return any(
        p.end <= found.start < p.end + 40 and "(" in text[p.end : found.start] and ")" not in text[p.end : found.start]
        for p in sentence.periods
        if p is not found
        and (
            p.kind == "iranian"
            or (p.period is not None and p.period.calendar == "solar_hijri")
            or "year" in text[p.start : p.end]
        )
    )


def _owned_by_base(text: str, found: FoundPeriod, levels: Sequence[FoundQuantity], q: FoundQuantity) -> bool:
    """Whether a time stands right behind another quantity that is the level of the base."""
    for other in levels:
        if other is q:
            continue
        if (
            other.end <= found.start
            and found.start - other.end < 30
            and not any(other.end <= x.start < found.start for x in levels if x is not other)
        ):
            before = text[max(0, other.outer - 40) : other.outer]
            if re.search(r"\b(?:compared (?:to|with)|against|versus|from)(?: \w+){0,3} $", before):
                return True
    return False


def candidates(reading: Reading, sentence: Sentence) -> list[FoundPeriod]:
    """Return the times of a sentence that may be a figure's period."""
    return [
        p
        for p in sentence.periods
        if p.kind not in _NO_MAIN
        and p.use in {"main", "lookback", "now", "from"}
        and not sentence.is_masked(p.start)
        and not _inside_iranian(reading, sentence, p)
    ]


def main_period(
    reading: Reading,
    sentence: Sentence,
    q: FoundQuantity,
    span: tuple[int, int],
    levels: Sequence[FoundQuantity],
    country: str,
    previous: Slot[Period],
    last_used: int = -9,
) -> Slot[Period]:
    """Return the period of a quantity: the time in its own stretch, else the one of the sentence, else the one before.

    "The same period" without a year is the period spoken of before. A period is inherited only from the sentence
    before, two before in the same paragraph, or along a chain of figures (`last_used`: the last sentence that had it);
    never by a sentence about the present.
    """
    text = reading.text
    options = [p for p in candidates(reading, sentence) if not _owned_by_base(text, p, levels, q)]
    options = [p for p in options if p.use != "now"] or options
    days = [p for p in options if p.spec[:1] == ("day",) or (p.period is not None and p.period.granularity == "day")]
    options = [p for p in options if p not in days] or days
    same = [
        p for p in sentence.periods if p.kind == "same" and p.use == "base" and not _is_change_base(text, p, sentence)
    ]
    own = [p for p in options if span[0] <= p.start < span[1]]
    if own:
        return _iranian(resolved(reading, min(own, key=lambda p: _distance(text, p, q)), previous, country), country)
    if same:
        return resolved(reading, same[0], previous, country, "inherited")
    distinct = {text[p.start : p.end].lower() for p in options}
    now = _NOW.search(text, *span) is not None
    if options and (len(distinct) == 1 or len(levels) > 1) and not now:
        before = [p for p in options if p.start < q.start]
        chosen = before[0] if before and before[0].start - sentence.start < 60 else (before or options)[-1]
        return resolved(reading, chosen, previous, country, "explicit" if len(distinct) == 1 else "inherited")
    if (
        previous.known
        and not now
        and not _PERFECT.search(text, *span)
        and (sentence.index - last_used <= 1 or _may_inherit(reading, sentence, previous))
    ):
        return Slot(previous.value, previous.raw, previous.start, previous.end, "inherited", 0.7)
    return MISSING


# What "has" happened has happened by now, whatever period was spoken of before.
_PERFECT = re.compile(r"\b(?:has|have|had) (?:\w+ly |also |already |so far )?(?!been (?:up|down))\w+")
_NOW = re.compile(
    r"\b(?:current(?:ly)?|now|nowadays|at present|presently|today|is|are|stands? at|(?:has|have)(?= "
    r"(?:\d|an? |some |over |about |more than |invested )))\b"
)


def _iranian(slot: Slot[Period], country: str) -> Slot[Period]:
    """Read an interval of Iran's or Afghanistan's as one of their calendar where it begins and ends with its months."""
    p = slot.value
    if p is None or p.start is None or p.end is None or country not in {"IRN", "AFG"} or p.granularity != "range":
        return slot
    _, _, first = gregorian_to_solar_hijri(p.start)
    year, month, last = gregorian_to_solar_hijri(p.end)
    if first != 1 or last != solar_hijri_month_days(year, month):
        return slot
    return replace(slot, value=replace(p, calendar="solar_hijri"))


def _distance(text: str, p: FoundPeriod, q: FoundQuantity) -> int:
    """Return how far a time stands from a quantity: right behind is nearest, behind a comma far, leading near."""
    if p.start >= q.end:
        gap = text[q.end : p.start]
        return len(gap) + 40 * gap.count(",")
    gap = text[p.end : q.start]
    return min(len(gap), 22) + 4


def _is_change_base(text: str, p: FoundPeriod, sentence: Sentence) -> bool:
    """Whether "the same period" is what something is compared with, not the time itself ("over the same period")."""
    head = text[max(sentence.start, p.start - 70) : p.start]
    if re.search(r"\b(?:over|in|during|for|within)(?: the)? ?$", head) and not _BASE_LEAD.search(head):
        return not re.match(r"(?:the )?same (?:period|months?|quarter|half|timeframe)$", text[p.start : p.end])
    return True


def _may_inherit(reading: Reading, sentence: Sentence, previous: Slot[Period]) -> bool:
    if previous.start is None:
        return False
    at = bisect_right(reading.sentences, previous.start, key=lambda s: s.start) - 1
    if at < 0:
        return False
    source = reading.sentences[at]
    return sentence.index - source.index <= 1 or (source.block == sentence.block and sentence.index - source.index <= 2)


def base_period_for(
    reading: Reading,
    sentence: Sentence,
    q: FoundQuantity,
    span: tuple[int, int],
    main: Slot[Period],
    country: str,
    *,
    explicit_only: bool = False,
) -> Slot[Period]:
    """Return the base period of a change, or the own period of a level in "compared with 724,000 a year earlier"."""
    after = [p for p in sentence.periods if p.start >= q.end and (p.start < span[1] or explicit_only)]
    for p in after:
        if p.start - q.end > 110 or (not explicit_only and p.start - q.end > 40):
            break
        if p.use == "base" or not explicit_only:
            if p.kind in _NO_MAIN:
                continue
            return _aligned(resolved(reading, p, main, country), main)
    before = [p for p in sentence.periods if p.end <= q.start and p.use == "base" and q.start - p.end < 60]
    if before and explicit_only:
        return _aligned(resolved(reading, before[-1], main, country), main)
    return MISSING


def _aligned(base: Slot[Period], main: Slot[Period]) -> Slot[Period]:
    """Return the same months of the base year where a part of a year is compared with "2013" (inferred)."""
    a, b = main.value, base.value
    if a is None or b is None or a.start is None or a.end is None or b.start is None or b.granularity != "year":
        return base
    if (
        b.calendar != "gregorian"
        or a.calendar != "gregorian"
        or (a.end - a.start).days > 340
        or a.start.year != a.end.year
        or a.start == a.end
    ):
        return base
    back = b.start.year - a.start.year
    if back >= 0:
        return base
    moved = replace(a, start=shift_years(a.start, back), end=shift_years(a.end, back), raw=b.raw)
    return replace(base, value=moved, basis="inferred", confidence=0.5)
