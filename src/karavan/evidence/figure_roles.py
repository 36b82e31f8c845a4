"""Which numbers of a sentence are levels, levels of the base period, changes or shares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from karavan.evidence.clauses import (
    DOWN,
    UP,
    direction_near,
)
from karavan.evidence.figure_parts import Role, unit_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.discourse import Sentence
    from karavan.evidence.quantities import FoundQuantity

_CHANGE_AFTER = re.compile(
    r"[\s,-]*(?:(?:year[- ]on[- ]year|annual|sharp|modest|slight|significant|overall|yearly|y/y|yoy|"
    r"further|drastic|steep|strong|solid|robust) )*"
    r"(?:increase|rise|growth|decline|drop|decrease|reduction|fall|jump|surge|gain|higher|lower|more|"
    r"less|fewer|above|below|up\b|down\b|year[- ]on|year[- ]over|y/y|yoy|expansion|contraction|hike|"
    r"cut|plunge|slump|improvement|boost|on the (?:previous|year|same)|over the (?:previous|same)|"
    r"from (?:a|the) (?:year|same|previous)|compared|larger|bigger|smaller|greater|faster)",
    re.IGNORECASE,
)


_CHANGE_BEFORE = re.compile(
    rf"\b(?:(?:{UP}|{DOWN})(?: \w+ly)?(?: in [\w ]+?| rate)?(?: year[- ]on[- ]year,?)?(?: by| of| to "
    rf"be| at)?|(?:growth|increase|rise|decline|drop|decrease|reduction|fall|jump|gain|surge)(?: "
    rf"rate)?(?: of| was| amounted to| reached| stood at)|by)(?: a| an| the| about| around| some| "
    rf"nearly| almost| over| more than| roughly| approximately| another| as much as| an average| at "
    rf"least| a further| up to| only| just| a whopping| a record)*\s$",
    re.IGNORECASE,
)


_SHARE_NEAR = re.compile(
    r"\b(?:share|account(?:s|ed|ing)? for|ma(?:de|kes?|king) up|compris\w+|constitut\w+|represent\w+|"
    r"proportion|portion|equivalent to|percentage of|contribut\w+)\b",
    re.IGNORECASE,
)


_TO_BEFORE = re.compile(
    r"\bto(?: about| around| nearly| almost| over| more than| some| just| a record| reach| the)*\s$", re.IGNORECASE
)


_BASE_BEFORE = re.compile(
    r"(?:\b(?:compared|relative|in comparison)(?: to| with)(?: the| only| just| about| around| some| "
    r"over| nearly| a| mere)*|\bagainst(?: the| only| just| about| some)*|\bversus(?: the)?|\bvs\.?|"
    r"\b(?:up|down|rising|falling|rose|fell|increased?|decreased?|grew|jumped|climbed|declined|"
    r"dropped|higher|lower)(?: sharply| significantly| slightly)? from(?: the| only| just| about| "
    r"around| some| over| nearly| a| mere)*|\bthan the|\bfrom(?: just| only| about| around| some| a "
    r"mere| nearly)*)\s$",
    re.IGNORECASE,
)


_CLAUSE_BREAK = re.compile(r";|\b(?:while|whereas|but|although)\b")


_TIME_WORDS = re.compile(
    r"\b(?:transit time|travel|journey|takes?|took|taking|delivery time|transport time|in transit|"
    r"from .{3,40} to|clear\w*|dwell|wait\w*|cut|reduc\w*|shorten\w*|turnaround|sail\w*)\b",
    re.IGNORECASE,
)


_DISTANCE = re.compile(
    r"\s(?:by (?:road|rail|sea|air) )?(?:to the )?(?:north|south|east|west|away|from|off|inland|"
    r"upstream|downstream|further|outside)\b"
)


_YEAR_EARLIER = re.compile(
    r"\s(?:in )?(?:an?|one|the) (?:year|month|quarter) (?:earlier|ago|before|prior|previous)|\s(?:in|"
    r"over|during) the (?:same|previous|corresponding) (?:period|year|months?|quarter)"
)


def role_of(text: str, sentence: Sentence, q: FoundQuantity) -> Role:  # noqa: C901  (one rule after another, in their order)
    """Say whether a quantity is a level, the level of the base period, a change, a share, or nothing of interest."""
    kind = unit_class(q.quantity)
    before = text[max(sentence.start, q.outer - 70) : q.outer]
    after = text[q.end : min(sentence.end, q.end + 60)]
    if q.shape == "multiple":
        return (
            "skip"
            if re.match(r"\s(?:as |the |more often)", after) and not re.match(r"\sas (?:much|many|large|high)", after)
            else "change"
        )
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
        return (
            "level"
            if _TIME_WORDS.search(text, sentence.start, sentence.end)
            and not re.match(
                r"\s(?:[\w-]+ ){0,2}(?:visit|meeting|talks|session|conference|forum|trip|tour|event|summit|later|"
                r"earlier|ago|after|before|of talks|notice)",
                after,
            )
            else "skip"
        )
    if kind == "other" and q.quantity.unit in {"m", "W", "ha", "m2", "km2", "km/h"}:
        return "level"
    if _BASE_BEFORE.search(before):
        m = _BASE_BEFORE.search(before)
        word = m.group().strip().lower() if m else ""
        if word.split()[0] == "from" and _YEAR_EARLIER.match(after):
            return "base"
        if word.split()[0] == "from" and not (
            re.search(rf"\b(?:{UP}|{DOWN}|raise|lift|bring)\b", text[sentence.start : q.outer], re.IGNORECASE)
            or re.search(r"\bto\s", after)
        ):
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
    if bound and not (
        bound.group().strip().lower() == "by"
        and not re.search(rf"\b(?:{UP}|{DOWN}|chang\w*)\b", text[sentence.start : q.outer], re.IGNORECASE)
    ):
        words = bound.group().lower().split()
        if words[0] in {
            "more",
            "above",
            "less",
            "below",
            "over",
            "exceed",
            "exceeded",
            "exceeds",
            "exceeding",
        } and re.match(r"\sof\b", after):
            return "share"
        return "change"
    if re.match(r"\sof\b", after) or _SHARE_NEAR.search(
        text, max(sentence.start, q.outer - 80), min(sentence.end, q.end + 40)
    ):
        return "share"
    if q.shared_unit or re.match(r"\s?,? (?:and|or) ", after):
        return (
            "change"
            if direction_near(text, q.outer, q.end, max(sentence.start, q.outer - 90), min(sentence.end, q.end + 50))
            else "share"
        )
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
        return (
            (round((value - 1) * 100, 6), 1) if sign >= 0 else (round((1 / value - 1) * 100, 6) if value else None, -1)
        )
    if q.quantity.unit == "{pp}":
        return None, sign
    return (value * sign if sign else None), sign


def classify(text: str, sentence: Sentence, free: Sequence[FoundQuantity]) -> list[tuple[FoundQuantity, Role]]:
    """Return the quantities that say something, with their roles."""
    roles = [(q, role_of(text, sentence, q)) for q in free]
    return [
        (q, r)
        for q, r in roles
        if r != "skip"
        and not (unit_class(q.quantity) == "bare" and q.quantity.value is not None and q.quantity.value < 1e4)
    ]
