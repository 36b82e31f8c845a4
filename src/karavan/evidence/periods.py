"""Times in prose: days, months, quarters, halves, years, fiscal and Iranian years, deadlines, lookbacks, bases of change.

`find_periods` reads what the words say; `Anchors` resolve what is relative ("last year") against the day of publication
and the period spoken of before. Nothing relative becomes a date without its anchor: no year is invented.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from karavan.evidence.calendars import (
    SOLAR_HIJRI_MONTHS,
    fiscal_year,
    gregorian_to_solar_hijri,
    month_end,
    shift_months,
    shift_solar_hijri,
    shift_years,
    solar_hijri_months,
    solar_hijri_to_gregorian,
    solar_hijri_year,
)
from karavan.evidence.numerals import ORDINALS, TENS, UNITS
from karavan.evidence.records import Period

Use = Literal["main", "base", "deadline", "lookback", "now", "from"]
Kind = Literal["absolute", "relative", "same", "lookback", "weekday", "fiscal", "iranian", "horizon"]


@dataclass(frozen=True, slots=True)
class FoundPeriod:
    """Words of time at `start` to `end`; `period` where they stand by themselves, else `kind` and `spec` say what to do.

    `use` says what they do in the sentence: main time, base of a change, deadline, lookback, now.
    """

    start: int
    end: int
    kind: Kind
    use: Use
    period: Period | None = None
    spec: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Anchors:
    """What relative times are resolved against."""

    published: date | None = None
    previous: Period | None = None
    country: str = ""
    iranian: bool = False


MONTHS = {m: i + 1 for i, m in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))}
_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?"
    r"|Sep(?:tember|t\.?|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_MONTH_CAPS = _MONTH[:-1] + "|" + "|".join(("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER")) + ")"
_YEAR = r"(?:19|20)\d\d"
_NUM = r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty)"
_ORD = r"(?:first|second|third|fourth|1st|2nd|3rd|4th|opening|last|final)"
_DASH = r"\s?(?:[-–—]|to|through|until|till|and)\s?"
_SAME = r"(?:the )?(?:same|corresponding|similar|equivalent|comparable|respective|like)"
_IR = r"(?:(?:Iranian|Persian|Solar)(?: Hijri)?(?: calendar| fiscal| solar)?|solar Hijri|Hijri Shamsi)"
_SEASON = "|".join(m.capitalize() for m in SOLAR_HIJRI_MONTHS if m not in {"tir", "mehr"})

# Tried in this order at each anchor; the first that matches wins.
_RULES: tuple[tuple[str, str], ...] = (
    ("between_days", rf"(?P<m1>{_MONTH}) (?P<d1>\d{{1,2}}),? (?P<y1>{_YEAR}),?{_DASH}(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}}),? (?P<y2>{_YEAR})"),
    ("between_days_b", rf"(?P<d1>\d{{1,2}}) (?P<m1>{_MONTH}),? (?P<y1>{_YEAR}),?{_DASH}(?P<d2>\d{{1,2}}) (?P<m2>{_MONTH}),? (?P<y2>{_YEAR})"),
    ("days_one_year", rf"(?P<m1>{_MONTH}) (?P<d1>\d{{1,2}}){_DASH}(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}})(?!\d)(?:,? (?P<y>{_YEAR}))?"),
    ("months_two_years", rf"(?P<m1>{_MONTH}) (?P<y1>{_YEAR}){_DASH}(?P<m2>{_MONTH}) (?P<y2>{_YEAR})"),
    ("day", rf"(?P<m>{_MONTH_CAPS}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d|[.,]\d|%|[ -](?:percent|per cent|million|billion|tonnes|km|TEU))(?:,? (?P<y>{_YEAR})\b)?"),
    ("day_b", rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH_CAPS})\b(?:,? (?P<y>{_YEAR})\b)?"),
    ("iso", rf"(?P<y>{_YEAR})-(?P<m>\d\d)-(?P<d>\d\d)\b"),
    ("dotted", rf"(?P<d>\d{{1,2}})[./](?P<m>\d{{1,2}})[./](?P<y>{_YEAR})\b"),
    ("months", rf"(?P<m1>{_MONTH}){_DASH}(?P<m2>{_MONTH})(?:,? (?:of )?(?P<y>{_YEAR})\b| (?:of )?(?P<rel>this|last|the current|the previous) year)?"),
    ("month", rf"(?P<m>{_MONTH}),? (?:of )?(?P<y>{_YEAR})\b"),
    ("month_rel", rf"(?P<m>{_MONTH}) (?:of )?(?P<rel>this|last|the current|the previous|the same) year"),
    ("sh_months", rf"(?:the )?(?:first|last|initial|past) (?P<n>{_NUM}) months? of (?:the )?(?:(?P<rel>current|this|present|last|previous|past)(?: local| calendar| fiscal)? (?:{_IR} )?(?:calendar )?year|{_IR} (?:calendar |fiscal )?year (?P<y>1[34]\d\d)|(?P<y2>1[34]\d\d))(?P<par> \((?:began|started|starting|beginning|ended)? ?[^()]{{3,60}}\))?"),
    ("sh_half", rf"(?:the )?(?P<o>first|second) (?P<part>half|quarter) of (?:the )?(?:(?P<rel>current|this|last|previous|past) {_IR} (?:calendar |fiscal )?year|{_IR} (?:calendar |fiscal )?year (?P<y>1[34]\d\d))"),
    ("sh_year", rf"(?:the )?(?:(?P<rel>current|this|last|previous|past|preceding) )?{_IR} (?:calendar |fiscal |solar )?(?:year)(?: of)?(?: \(?(?P<y>1[34]\d\d)(?:[-/–](?P<yb>1?[34]?\d\d))?\)?)?"),
    ("sh_plain", r"(?:year )(?P<y>1[34]\d\d)\b"),
    ("sh_month", rf"(?:the month of )?(?P<m>{_SEASON})(?: (?P<y>1[34]\d\d))?\b"),
    ("n_months_of", rf"(?:the )?(?:(?:first|opening|initial) )?(?P<n>{_NUM})[ -]months?(?: period)? (?:of|in) (?P<y>{_YEAR})\b"),
    ("n_months_rel", rf"(?:the )?(?:first|opening|initial) (?P<n>{_NUM}) months(?: of (?:the )?(?P<rel>this|current|last|previous) (?:calendar )?year)?"),
    ("months_to", rf"(?:the )?(?P<n>{_NUM}) months (?:to|ending|ended|through|up to)(?: in)? (?P<m>{_MONTH})(?:,? (?P<y>{_YEAR})\b)?"),
    ("year_to", rf"(?:the )?year (?:to|ending|ended|through)(?: in)? (?:(?P<d>\d{{1,2}}) )?(?P<m>{_MONTH})(?: \d{{1,2}})?(?:,? (?P<y>{_YEAR})\b)?"),
    ("half_year", rf"(?:the )?(?P<o>first|second|1st|2nd|latter) (?:half|six months)(?: of)? (?:(?P<y>{_YEAR})\b|(?P<rel>this|last|the current|the previous|the) (?:fiscal )?year)"),
    ("half_code", rf"(?:H(?P<o>[12])|(?P<o2>[12])H)[ -]?(?P<y>{_YEAR})\b"),
    ("quarter", rf"(?:the )?(?P<o>{_ORD}) quarter(?: of)? (?:(?P<y>{_YEAR})\b|(?P<rel>this|last|the current|the previous|the) (?:fiscal )?year)"),
    ("quarter_code", rf"(?:Q(?P<o>[1-4])|(?P<o2>[1-4])Q)[ -]?(?:of )?(?P<y>{_YEAR}|\d\d)\b"),
    ("quarter_bare", rf"(?:the )?(?P<o>first|second|third|fourth) quarter"),
    ("half_bare", r"(?:the )?(?P<o>first|second) half(?! of a| a )"),
    ("fiscal_dual", rf"(?:the )?(?:FY|(?:fiscal|financial|budget|marketing)(?: year)?)[ ]?(?P<y>{_YEAR})[-–/](?P<y2>(?:20)?\d\d)\b"),
    ("fiscal_dual_b", rf"(?P<y>{_YEAR})[/](?P<y2>\d\d(?:\d\d)?)(?: (?:fiscal|financial|marketing|season|crop)(?: year)?)?\b"),
    ("fiscal_dual_c", rf"(?P<y>{_YEAR})[-–](?P<y2>\d\d(?:\d\d)?) (?:fiscal|financial|marketing) year"),
    ("fiscal_one", rf"(?:the )?(?:FY[ ']?(?P<y>(?:20)?\d\d)|(?:fiscal|financial)(?: year)? (?P<y2>{_YEAR}))\b"),
    ("fiscal_rel", r"(?:the )?(?P<rel>previous|last|current|preceding|prior|this|past) (?:fiscal|financial|marketing) year"),
    ("same_of", rf"{_SAME} (?:period|months?|quarter|half|time|timeframe|nine months|six months|three months|{_NUM}[- ]months?(?: period)?|span|interval)(?: of| in| a| during|,)? ?(?:(?:the )?(?P<rel>last|previous|preceding|prior|past|year earlier|year ago|year before)(?: {_IR}| calendar| fiscal)?(?: year)?|(?:the )?(?P<y>{_YEAR})(?:[-–/](?P<y2>(?:20)?\d\d))?\b(?: (?:fiscal|financial) year)?)"),
    ("same", rf"{_SAME} (?:period|months?|quarter|half|timeframe)\b"),
    ("same_ref", rf"(?:the|this|that) (?:(?:same|reporting|reported|stated|mentioned|given|specified|review) )?(?:(?:{_NUM})[- ]month )?(?:reporting |review )?period\b(?! (?:of|between|from|when|to)\b)"),
    ("year_range", rf"(?:from )?(?P<y1>{_YEAR}){_DASH}(?P<y2>(?:20|19)\d\d)\b"),
    ("decade", rf"(?:the )?(?P<y>{_YEAR[:-4]}\d0)s\b"),
    ("level", rf"(?:the )?(?P<y>{_YEAR})(?:'s|’s)? (?:level|figure|total|volume|results?)s?\b"),
    ("end_year", rf"(?:the )?(?:end|close|start|beginning|middle) of (?:(?P<y>{_YEAR})\b|(?P<rel>this|last|next|the) year|(?P<m>{_MONTH})(?: (?P<my>{_YEAR}))?)"),
    ("year_end_rel", r"(?:the )?year[- ]end\b"),
    ("lookback", rf"(?:the )?(?:past|last|previous|recent) (?:(?P<n>{_NUM}|\d{{2,3}}|few|several|couple of) )?(?P<u>years?|months?|weeks?|days?|decades?|quarters?)(?! (?:of|to)\b)"),
    ("year_before", r"(?:in )?(?:the )?year (?:before|earlier|ago|prior)|(?:an?|one|two|three|five|ten) years? (?:before|earlier|ago|prior|previously)|the previous year|the preceding year|the prior year|previous year|year[- ]on[- ]year|year[- ]over[- ]year|y[/-]o[/-]y|yoy|YoY|y/y|year[- ]on|annually"),
    ("rel_year", r"(?:the )?(?P<rel>last|this|next|current|coming|ongoing) (?:calendar )?year\b(?!-)"),
    ("rel_unit", r"(?:the )?(?P<rel>last|this|next|earlier this|later this|current|coming) (?P<u>month|week|quarter)\b"),
    ("within", rf"(?:within|in|over|during) (?:the )?(?:next|coming|following) (?P<n>{_NUM}|few|several) (?P<u>years?|months?|weeks?|decades?)|within (?:a |an )?(?P<n2>{_NUM}|year|month|decade) ?(?P<u2>years?|months?|weeks?|decades?)?"),
    ("coming", r"(?:in )?(?:the )?(?:near future|coming (?:years|months|days|weeks)|medium[- ]term|long[- ]term|short[- ]term|next (?:few|several) (?:years|months)|foreseeable future|near term)|soon\b|shortly\b|in the future|initially\b|(?:in|at) (?:the|a) (?:next|first|second|initial|later) (?:stage|phase)\b|in the long run|eventually"),
    ("now", r"(?:currently|at present|presently|now(?:adays)?|at the moment|to date|so far|as of (?:now|today))\b"),
    ("today", r"(?P<w>today|yesterday|tomorrow)\b"),
    ("year", rf"(?P<y>{_YEAR})(?![\d,.]\d|[ -](?:{_MONTH})|\w|%)"),
    ("weekday", r"(?P<w>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b"),
    ("bare_month", r"(?P<m>January|February|April|June|July|August|September|October|November|December|March|Sept?\.|Oct\.|Nov\.|Dec\.|Jan\.|Feb\.)(?!\w)"),
)  # fmt: skip
_COMPILED = [(name, re.compile(r"(?<![\w$€£])" + pattern, re.IGNORECASE if name in {"lookback", "rel_year", "rel_unit", "year_before", "same", "same_of", "half_year", "quarter", "now", "today", "within", "coming", "n_months_rel", "n_months_of", "sh_months", "fiscal_rel", "fiscal_dual", "end_year", "quarter_bare", "half_bare", "sh_half", "months_to", "sh_year", "same_ref"} else 0)) for name, pattern in _RULES]  # fmt: skip
_ANCHOR = re.compile(
    r"(?<![\w$€£.,])(?:\d|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|JAN|FEB|MAR|APR|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
    r"|Mon|Tue|Wed|Thu|Fri|Sat|Sun|Q[1-4]|H[12]|FY|YoY|Iranian|Persian|Solar|Hijri|Farv|Ord|Khor|Tir|Mord|Shahr|Meh|Aban|Azar|Dey|Bahm|Esf"
    r"|(?i:the|first|second|third|fourth|last|past|previous|recent|same|corresponding|similar|year|years|y/y|y-o-y|yoy|an|a|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|this|next|current|coming|earlier|later|within|over|during|in|at|soon|shortly|initially|eventually|near|medium|long|short|currently|now|nowadays|presently|today|yesterday|tomorrow|so far|to date|fiscal|financial|budget|marketing|1st|2nd|end|close|start|beginning|middle|from|solar|as of|annually|opening|initial|like|comparable|respective|equivalent|ongoing|prior|preceding|final|latter|foreseeable)\b)"
)
_CHECK = re.compile(r"\d|month|year|quarter|half|day|week|decade|period|time|stage|phase|future|term|soon|shortly|level|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|JAN|FEB|MAR|APR|JUL|AUG|current|now|present|today|yesterday|tomorrow|to date|so far|initial|Farv|Ord|Khor|Mord|Shahr|Aban|Azar|Dey|Bahm|Esf|eventually|y/y|yoy|YoY|y-o-y|annually", re.IGNORECASE)  # fmt: skip
_DEADLINE = re.compile(r"\b(?:by|until|till|before|no later than|not later than|up to)(?: the)?(?: year| end of| beginning of| start of| middle of| fiscal year)?\s$", re.IGNORECASE)  # fmt: skip
_BASE = re.compile(
    r"(?:\b(?:compared|comparison|relative|up|down)(?: to| with)?(?: that of| those of| figures for| the)?(?: in| of| for)?|\bthan(?: that)?(?: in| of| for| during| at| a)?|\bfrom(?: that of| the)?|\bagainst(?: the)?(?: in)?|\bover(?: the)?|\bversus|\bvs\.?"
    r"|\b(?:increase|rise|growth|decline|drop|fall|decrease|gain|jump|surge|up|down|higher|more|less|lower|fewer|percent|%|per cent)(?: than| compared to)? on(?: the)?|\bon(?: the)?|\babove(?: the)?|\bbelow(?: the)?|\bsince|\bto)(?: figures?)?(?: (?:for|in|of))?(?: the)?\s$",
    re.IGNORECASE,
)
_FROM = re.compile(r"\b(?:starting(?: from| in)?|from|since|beginning(?: in| from)?|as of)\s(?:the )?$", re.IGNORECASE)
_CHANGE_NEAR = re.compile(r"%|percent|per cent|times|fold|\bup\b|\bdown\b|more|less|higher|lower|increase|decrease|rose|fell|grew|growth|declin|drop|rise|compared|against|versus|than|doubl|tripl", re.IGNORECASE)  # fmt: skip


def number_word(word: str) -> int | None:
    """Return the small number that a word or digits stand for."""
    low = word.lower()
    if low.isdigit():
        return int(low)
    return UNITS.get(low) or TENS.get(low)


def month_number(word: str) -> int:
    """Return 1 to 12 of a month's name or abbreviation."""
    return MONTHS[word[:3].lower()]


def _interval(first: date, last: date, raw: str, granularity: str = "range", calendar: str = "gregorian") -> Period:
    return Period(first, last, raw, granularity, calendar)  # type: ignore[arg-type]


def _year(year: int, raw: str) -> Period:
    return Period(date(year, 1, 1), date(year, 12, 31), raw, "year")


def _months(year: int, first: int, last: int, raw: str) -> Period:
    granularity = {1: "month", 3: "quarter", 6: "half", 12: "year"}.get(last - first + 1, "range")
    return _interval(date(year, first, 1), month_end(year, last), raw, granularity)


def _safe_day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


_BY_DIGIT = {"between_days_b", "day_b", "iso", "dotted", "n_months_of", "half_code", "quarter_code", "fiscal_dual_b", "fiscal_dual_c", "year_range", "decade", "level", "year", "months_to", "half_year", "quarter", "year_before"}  # fmt: skip
_BY_MONTH = {"between_days", "days_one_year", "months_two_years", "day", "months", "month", "month_rel", "bare_month"}
_BY_NAME = _BY_MONTH | {"day_b", "iso", "dotted", "fiscal_dual_b", "fiscal_dual_c", "year", "weekday", "between_days_b"}
_DIGIT_RULES = [(n, p) for n, p in _COMPILED if n in _BY_DIGIT]
_MONTH_RULES = [(n, p) for n, p in _COMPILED if n in _BY_MONTH]
_WORD_RULES = [(n, p) for n, p in _COMPILED if n not in _BY_NAME]
_WEEKDAY_RULES = [(n, p) for n, p in _COMPILED if n == "weekday"]
_TIME_WORD = re.compile(r"year|month|quarter|half|day|week|decade|period|stage|phase|future|term|level|end|close|start|beginning|middle|same|\d|time|soon|shortly|initial|eventual|now|present|to date|so far|tomorrow|annual|current", re.IGNORECASE)  # fmt: skip
_WEEKDAYS = frozenset(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))


def _rules_at(text: str, anchor: re.Match[str]) -> list[tuple[str, re.Pattern[str]]]:
    """Return the rules that may match at an anchor: by its first character, and a word of time within reach."""
    word = anchor.group().lower()
    if word[0].isdigit():
        return _DIGIT_RULES
    if word[:3] in MONTHS and anchor.group()[0].isupper():
        return _MONTH_RULES
    if word in _WEEKDAYS:
        return _WEEKDAY_RULES
    return _WORD_RULES if _TIME_WORD.search(text, anchor.start(), anchor.start() + 70) else []


def find_periods(text: str, start: int, end: int) -> list[FoundPeriod]:
    """Find all words of time between two offsets, in order, not overlapping."""
    if not _CHECK.search(text, start, end):
        return []
    out: list[FoundPeriod] = []
    free = start
    for anchor in _ANCHOR.finditer(text, start, end):
        if anchor.start() < free:
            continue
        for name, pattern in _rules_at(text, anchor):
            m = pattern.match(text, anchor.start(), end)
            if m is None:
                continue
            found = _read(name, m, text, start)
            if found is not None:
                out.append(found)
                free = m.end()
                break
    return out


def _use(text: str, floor: int, start: int, *, name: str) -> Use:
    head = text[max(floor, start - 40) : start]
    if name in {"year_before", "same", "same_of", "level"}:
        return "base"
    if _DEADLINE.search(head):
        return "deadline"
    if name == "lookback" and re.search(r"\b(?:over|in|during|for|within|across)\s$", head, re.IGNORECASE):
        return "main"
    if _FROM.search(head) and re.search(r"\b(?:starting|beginning|since|as of)\b", head[-24:], re.IGNORECASE):
        return "from"
    if _BASE.search(head) and _CHANGE_NEAR.search(text[max(floor, start - 90) : start]):
        near = re.search(r"\b(\w+)(?: the)?\s$", head)
        word = near.group(1).lower() if near else ""
        if word == "to":
            return "base" if re.search(r"\b(?:compared|relative|comparison)\b[^.;]{0,25}\sto(?: the)?\s$", head) else "main"
        if word == "from" and not re.search(r"%|percent|per cent|up|down|level|rose|fell|increase|decrease|times", text[max(floor, start - 60) : start], re.IGNORECASE):
            return "main"
        if word in {"on", "over"} and name in {"lookback"}:
            return "lookback"
        if word == "on" and name in {"day", "day_b", "weekday"}:
            return "main"
        return "base"
    return "main"


def _ordinal(word: str) -> int:
    low = word.lower()
    if low[0].isdigit():
        return int(low[0])
    return {"opening": 1, "latter": 2}.get(low) or ORDINALS.get(low, 4)


def _read(name: str, m: re.Match[str], text: str, floor: int) -> FoundPeriod | None:
    """Turn a match of a rule into a found period; None where the numbers make no date."""
    raw = m.group()
    use = _use(text, floor, m.start(), name=name)
    period, kind, spec = _meaning(name, m, raw)
    if period is None and kind == "absolute":
        return None
    if kind == "lookback" and use != "base":
        use = "lookback"
    if name in {"within"}:
        use = "deadline"
    if name == "coming":
        use = "main"
    if name == "now":
        use = "now"
    if period is not None and use == "deadline":
        period = replace(period, kind="deadline")
    return FoundPeriod(m.start(), m.end(), kind, use, period, spec)


def _meaning(name: str, m: re.Match[str], raw: str) -> tuple[Period | None, Kind, tuple[str, ...]]:
    """Return the period of a rule's match, or the kind and words from which it is resolved later."""
    g = m.groupdict()
    if name in {"between_days", "between_days_b"}:
        first = _safe_day(int(g["y1"]), month_number(g["m1"]), int(g["d1"]))
        last = _safe_day(int(g["y2"]), month_number(g["m2"]), int(g["d2"]))
        return (_interval(first, last, raw) if first and last and first <= last else None), "absolute", ()
    if name == "days_one_year":
        if g["y"]:
            first = _safe_day(int(g["y"]), month_number(g["m1"]), int(g["d1"]))
            last = _safe_day(int(g["y"]), month_number(g["m2"]), int(g["d2"]))
            return (_interval(first, last, raw) if first and last and first <= last else None), "absolute", ()
        return None, "relative", ("days", str(month_number(g["m1"])), g["d1"], str(month_number(g["m2"])), g["d2"])
    if name == "months_two_years":
        first, last = date(int(g["y1"]), month_number(g["m1"]), 1), month_end(int(g["y2"]), month_number(g["m2"]))
        return (_interval(first, last, raw) if first <= last else None), "absolute", ()
    if name in {"day", "day_b", "iso", "dotted"}:
        return _meaning_day(name, g, raw)
    if name.startswith("sh_"):
        return _meaning_iranian(name, g, raw)
    if name.startswith("fiscal"):
        return _meaning_fiscal(name, g, raw)
    return _meaning_parts(name, g, raw)


def _meaning_day(name: str, g: dict[str, str | None], raw: str) -> tuple[Period | None, Kind, tuple[str, ...]]:
    day = int(g["d"] or 0)
    word = g["m"] or ""
    month = int(word) if word.isdigit() else month_number(word)
    if name == "dotted" and month > 12 >= day:
        day, month = month, day
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None, "absolute", ()
    if g["y"]:
        read = _safe_day(int(g["y"]), month, day)
        return (_interval(read, read, raw, "day") if read else None), "absolute", ()
    if _safe_day(2000, month, day) is None:
        return None, "absolute", ()
    return None, "relative", ("day", str(month), str(day))


def _meaning_iranian(name: str, g: dict[str, str | None], raw: str) -> tuple[Period | None, Kind, tuple[str, ...]]:
    year = g.get("y") or g.get("y2") or ""
    rel = (g.get("rel") or "").lower()
    n = number_word(g.get("n") or "12") or 12
    first, last = 1, n
    if name == "sh_half":
        size = 6 if g["part"] == "half" else 3
        o = _ordinal(g["o"] or "first")
        first, last = (o - 1) * size + 1, o * size
    if name == "sh_month":
        first = last = SOLAR_HIJRI_MONTHS.index((g["m"] or "").lower()) + 1
    if not 1 <= first <= last <= 12:
        return None, "absolute", ()
    if name == "sh_months" and "iran" not in raw.lower() and "persian" not in raw.lower() and not year:
        # "the first three months of the current year": Iranian only where the text speaks of the Iranian calendar.
        return None, "relative", ("n_months", str(n), rel, raw)
    if year:
        y = int(year)
        if not 1300 <= y <= 1450:
            return None, "absolute", ()
        a, b = solar_hijri_months(y, first, last) if (first, last) != (1, 12) else solar_hijri_year(y)
        return _interval(a, b, raw, "year" if (first, last) == (1, 12) else "range", "solar_hijri"), "absolute", ()
    return None, "iranian", (rel or "this", str(first), str(last))


def _meaning_fiscal(name: str, g: dict[str, str | None], raw: str) -> tuple[Period | None, Kind, tuple[str, ...]]:
    if name == "fiscal_rel":
        return None, "fiscal", ("rel", (g["rel"] or "").lower())
    if name == "fiscal_one":
        text = g["y"] or g["y2"] or ""
        year = int(text) if len(text) == 4 else 2000 + int(text)
        return None, "fiscal", ("ends", str(year))
    first = int(g["y"] or 0)
    second = int(g["y2"] or 0)
    second = second if second > 100 else first // 100 * 100 + second
    if second != first + 1:
        return None, "absolute", ()
    return None, "fiscal", ("starts", str(first))


def _meaning_parts(name: str, g: dict[str, str | None], raw: str) -> tuple[Period | None, Kind, tuple[str, ...]]:
    y = int(g["y"]) if g.get("y") and len(g["y"] or "") == 4 else None
    rel = (g.get("rel") or "").lower().removeprefix("the ")
    if name == "months":
        a, b = month_number(g["m1"] or ""), month_number(g["m2"] or "")
        if a > b:
            return None, "absolute", ()
        return (_months(y, a, b, raw), "absolute", ()) if y else (None, "relative", ("months", str(a), str(b), rel))
    if name in {"month", "month_rel", "bare_month"}:
        a = month_number(g["m"] or "")
        return (_months(y, a, a, raw), "absolute", ()) if y else (None, "relative", ("months", str(a), str(a), rel))
    if name in {"n_months_of", "n_months_rel"}:
        n = number_word(g["n"] or "") or 0
        if not 1 <= n <= 12:
            return None, "absolute", ()
        return (_months(y, 1, n, raw), "absolute", ()) if y else (None, "relative", ("n_months", str(n), rel, raw))
    if name in {"months_to", "year_to"}:
        n = (number_word(g["n"] or "") or 0) if name == "months_to" else 12
        a = month_number(g["m"] or "")
        if not y or not n:
            return None, "relative", ("months_to", str(n), str(a))
        last = month_end(y, a)
        return _interval(shift_months(date(y, a, 1), 1 - n), last, raw, "range"), "absolute", ()
    if name in {"half_year", "half_code", "half_bare", "quarter", "quarter_code", "quarter_bare"}:
        return _meaning_part_of_year(name, g, raw, rel)
    return _meaning_rest(name, g, raw, y, rel)


def _meaning_part_of_year(
    name: str, g: dict[str, str | None], raw: str, rel: str
) -> tuple[Period | None, Kind, tuple[str, ...]]:
    o = _ordinal(g.get("o") or g.get("o2") or "1")
    size = 6 if name.startswith("half") else 3
    first, last = (o - 1) * size + 1, o * size
    if last > 12:
        return None, "absolute", ()
    text = g.get("y") or ""
    year = int(text) if len(text) == 4 else 2000 + int(text) if text else None
    if year:
        return _months(year, first, last, raw), "absolute", ()
    return None, "relative", ("months", str(first), str(last), rel)


def _meaning_rest(  # noqa: C901  (one branch a rule: a table of lambdas would hide it)
    name: str, g: dict[str, str | None], raw: str, y: int | None, rel: str
) -> tuple[Period | None, Kind, tuple[str, ...]]:
    if name == "same_of":
        return None, "same", (rel, g["y"] or "", g["y2"] or "")
    if name in {"same", "same_ref"}:
        return None, "same", ("", "", "")
    if name == "year_range":
        a, b = int(g["y1"] or 0), int(g["y2"] or 0)
        return (_interval(date(a, 1, 1), date(b, 12, 31), raw) if a < b else None), "absolute", ()
    if name == "decade" and y:
        return _interval(date(y, 1, 1), date(y + 9, 12, 31), raw), "absolute", ()
    if name in {"year", "level"} and y:
        return _year(y, raw), "absolute", ()
    if name == "end_year":
        return _meaning_end(g, raw, rel)
    if name == "year_end_rel":
        return None, "relative", ("year", "this")
    if name == "lookback":
        unit = (g["u"] or "").rstrip("s")
        n = number_word(g["n"] or "1") if (g["n"] or "1").lower() not in {"few", "several", "couple of"} else None
        if g["n"] is None and unit in {"year", "month", "week", "quarter"} and raw.lower().split()[-1] == unit:
            return None, "relative", (unit, "last")
        return None, "lookback", (str(n or 0), unit)
    if name == "year_before":
        words = {"two": 2, "three": 3, "five": 5, "ten": 10}
        back = next((v for k, v in words.items() if raw.lower().startswith(k)), 1)
        return None, "same", ("last", "", str(-back))
    if name == "rel_year":
        return None, "relative", ("year", {"current": "this", "ongoing": "this", "coming": "next"}.get(rel, rel))
    if name == "rel_unit":
        return None, "relative", ((g["u"] or ""), {"current": "this", "earlier this": "this", "later this": "this", "coming": "next"}.get(rel, rel))  # fmt: skip
    if name == "within":
        word = g["n"] or g["n2"] or ""
        unit = (g["u"] or g["u2"] or word).rstrip("s").lower()
        return None, "lookback", (str(-(number_word(word) or (1 if word in {"year", "month", "decade"} else 0))), unit)
    if name == "coming":
        return None, "horizon", (raw,)
    if name == "now":
        return None, "relative", ("now", "")
    if name in {"today", "weekday"}:
        return None, "weekday" if name == "weekday" else "relative", ((g["w"] or "").lower(), "")
    return None, "absolute", ()


def _meaning_end(g: dict[str, str | None], raw: str, rel: str) -> tuple[Period | None, Kind, tuple[str, ...]]:
    start = "start" in raw or "beginning" in raw
    if g["y"]:
        y = int(g["y"])
        day = date(y, 1, 1) if start else date(y, 6, 30) if "middle" in raw else date(y, 12, 31)
        return _interval(day, day, raw, "day"), "absolute", ()
    if g["m"]:
        month = month_number(g["m"])
        if g["my"]:
            last = month_end(int(g["my"]), month)
            return _interval(last, last, raw, "day"), "absolute", ()
        return None, "relative", ("months", str(month), str(month), "")
    return None, "relative", ("year", {"the": "this"}.get(rel, rel))


def resolve(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:
    """Return the period that the words mean under these anchors.

    A period whose ends are None says that the words are understood but lack their anchor; None means that they name no
    period at all ("soon").
    """
    if found.period is not None:
        return found.period
    unknown = Period(None, None, raw, "unknown", "gregorian", "relative")
    if found.kind == "horizon":
        return None
    if found.kind == "same":
        return _resolve_same(found, raw, anchors) or unknown
    if found.kind == "lookback":
        return _resolve_lookback(found, raw, anchors)
    if found.kind == "fiscal":
        return _resolve_fiscal(found, raw, anchors) or replace(unknown, calendar="fiscal")
    if found.kind == "iranian":
        return _resolve_iranian(found, raw, anchors) or replace(unknown, calendar="solar_hijri")
    return _resolve_relative(found, raw, anchors) or unknown


def _resolve_same(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:
    """Return the period spoken of before, moved to the other year; in the Iranian calendar if it was Iranian."""
    previous = anchors.previous
    rel, year, more = found.spec
    if previous is None or previous.start is None or previous.end is None:
        if year and previous is None and not more:
            return None
        return None
    back = int(more) if more.startswith("-") else -1
    if year:
        target = int(year) if not more or more.startswith("-") else int(year)
        back = target - previous.start.year
    elif not rel:
        # "over the same period": the period itself, unless it is the base of a change.
        back = -1 if found.use == "base" and "same" not in raw.lower() else 0
    if back == 0:
        return replace(previous, raw=raw)
    if previous.calendar == "solar_hijri":
        first = shift_solar_hijri(previous.start, back)
        last = shift_solar_hijri(previous.end, back)
        return replace(previous, start=first, end=last, raw=raw)
    return replace(previous, start=shift_years(previous.start, back), end=shift_years(previous.end, back), raw=raw)


def _resolve_lookback(found: FoundPeriod, raw: str, anchors: Anchors) -> Period:
    count, unit = int(found.spec[0]), found.spec[1]
    letter = {"year": "Y", "month": "M", "week": "W", "day": "D", "decade": "Y", "quarter": "M"}[unit]
    factor = {"decade": 10, "quarter": 3}.get(unit, 1)
    duration = f"P{abs(count) * factor}{letter}" if count else ""
    forward = count < 0
    kind: Literal["deadline", "lookback"] = "deadline" if forward else "lookback"
    blank = Period(None, None, raw, "unknown", "gregorian", kind, duration)
    previous = anchors.previous
    if not forward and unit == "month" and previous and previous.start and previous.end and _whole_months(previous) == count:
        return replace(previous, raw=raw)
    if anchors.published is None or not count:
        return blank
    n = count * factor
    day = anchors.published
    if not forward and letter == "M" and day.month == n + 1:
        # Reporting habit: "the past ten months" in November are January to October.
        return replace(blank, start=date(day.year, 1, 1), end=month_end(day.year, n))
    if letter in "YM":
        other = shift_months(day, -n * (12 if letter == "Y" else 1))
    else:
        other = day - timedelta(days=n * (7 if letter == "W" else 1))
    if forward:
        return replace(blank, start=day, end=other if letter != "Y" else date(other.year, 12, 31))
    return replace(blank, start=other, end=day)


def _whole_months(period: Period) -> int:
    if period.start is None or period.end is None:
        return 0
    if period.calendar == "solar_hijri" or (period.end - period.start).days % 30 > 3:
        days = (period.end - period.start).days + 1
        return round(days / 30.44)
    return (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1


def _resolve_fiscal(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:
    how, value = found.spec[0], found.spec[1]
    if how == "rel":
        previous = anchors.previous
        if previous and previous.calendar == "fiscal" and previous.start and previous.end and value in {"previous", "last", "preceding", "prior", "past"}:
            return replace(previous, start=shift_years(previous.start, -1), end=shift_years(previous.end, -1), raw=raw)
        if anchors.published is None or not anchors.country:
            return None
        year = anchors.published.year
        now = fiscal_year(anchors.country, year)
        if now is None:
            return None
        if now[0] > anchors.published:
            year -= 1
        year -= 0 if value in {"current", "this"} else 1
        span = fiscal_year(anchors.country, year)
    else:
        year = int(value)
        span = fiscal_year(anchors.country, year) if anchors.country else None
        if how == "ends" and span is not None and span[0].month > 1:
            span = fiscal_year(anchors.country, year - 1)
    return Period(span[0], span[1], raw, "year", "fiscal") if span else None


def _resolve_iranian(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:
    rel, first, last = found.spec[0], int(found.spec[1]), int(found.spec[2])
    if anchors.published is None:
        return None
    year = gregorian_to_solar_hijri(anchors.published)[0]
    year += {"this": 0, "current": 0, "present": 0}.get(rel, -1)
    a, b = solar_hijri_months(year, first, last)
    if a > anchors.published:
        return None
    return _interval(a, b, raw, "year" if (first, last) == (1, 12) else "range", "solar_hijri")


def _shift_for(rel: str) -> int:
    return {"last": -1, "previous": -1, "past": -1, "next": 1}.get(rel, 0)


def _resolve_relative(found: FoundPeriod, raw: str, anchors: Anchors) -> Period | None:  # noqa: C901  (one branch a word)
    day = anchors.published
    what = found.spec[0]
    if what == "day":
        month, of_month = int(found.spec[1]), int(found.spec[2])
        blank = Period(None, None, raw, "day", month_day=f"{month:02d}-{of_month:02d}")
        if day is None:
            return blank
        near = _nearest_day(day, month, of_month, future=found.use == "deadline")
        return _interval(near, near, raw, "day") if near else blank
    if day is None:
        return None
    if what == "now":
        return Period(day, day, raw, "day", "gregorian", "as_of")
    if what == "year":
        return _year(day.year + _shift_for(found.spec[1]), raw)
    if what in {"month", "quarter", "week"}:
        return _resolve_unit(what, _shift_for(found.spec[1]), raw, day)
    if what == "months":
        return _resolve_months(int(found.spec[1]), int(found.spec[2]), found.spec[3], raw, anchors, future=found.use == "deadline")
    if what == "n_months":
        n, rel = int(found.spec[1]), found.spec[2]
        if anchors.iranian:
            year = gregorian_to_solar_hijri(day)[0] + _shift_for(rel)
            a, b = solar_hijri_months(year, 1, n)
            return _interval(a, b, raw, "range", "solar_hijri")
        if not rel and anchors.previous is not None and anchors.previous.start is not None and "year" not in raw:
            return None
        year = day.year + _shift_for(rel)
        return _months(year, 1, n, raw) if month_end(year, n) <= day + timedelta(days=10) else None
    if what == "months_to":
        n, month = int(found.spec[1]), int(found.spec[2])
        year = day.year if month < day.month else day.year - 1
        return _interval(shift_months(date(year, month, 1), 1 - n), month_end(year, month), raw)
    if what == "days":
        return _resolve_days(found, raw, day)
    if what in {"today", "yesterday", "tomorrow"}:
        moved = day + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(what, 0))
        return _interval(moved, moved, raw, "day")
    return _resolve_weekday(what, raw, day)


def _resolve_days(found: FoundPeriod, raw: str, day: date) -> Period | None:
    m1, d1, m2, d2 = (int(x) for x in found.spec[1:5])
    for year in (day.year, day.year - 1):
        first, last = _safe_day(year, m1, d1), _safe_day(year + (m2 < m1), m2, d2)
        if first and last and last <= day + timedelta(days=5):
            return _interval(first, last, raw)
    return None


def _resolve_weekday(word: str, raw: str, day: date) -> Period | None:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    if word not in names:
        return None
    moved = day - timedelta(days=(day.weekday() - names.index(word)) % 7)
    return _interval(moved, moved, raw, "day")


def _resolve_unit(unit: str, shift: int, raw: str, day: date) -> Period:
    if unit == "week":
        monday = day - timedelta(days=day.weekday()) + timedelta(days=7 * shift)
        return _interval(monday, monday + timedelta(days=6), raw)
    if unit == "month":
        first = shift_months(day.replace(day=1), shift)
        return _months(first.year, first.month, first.month, raw)
    first = shift_months(date(day.year, (day.month - 1) // 3 * 3 + 1, 1), 3 * shift)
    return _months(first.year, first.month, first.month + 2, raw)


def _resolve_months(first: int, last: int, rel: str, raw: str, anchors: Anchors, *, future: bool) -> Period | None:
    day = anchors.published
    if day is None:
        return None
    previous = anchors.previous
    if rel == "the same" or rel == "same":
        return _months(previous.start.year, first, last, raw) if previous and previous.start else None
    if rel:
        return _months(day.year + _shift_for(rel), first, last, raw)
    if future:
        year = day.year if month_end(day.year, last) >= day else day.year + 1
        return _months(year, first, last, raw)
    year = day.year if date(day.year, first, 1) <= day else day.year - 1
    return _months(year, first, last, raw)


def _nearest_day(day: date, month: int, of_month: int, *, future: bool) -> date | None:
    """Return the day of the year's month nearest to `day`: at most a month ahead of it, or within the next year."""
    options = [d for y in (day.year - 1, day.year, day.year + 1) if (d := _safe_day(y, month, of_month))]
    if future:
        ahead = [d for d in options if d >= day]
        return min(ahead) if ahead else None
    past = [d for d in options if d <= day + timedelta(days=31)]
    return max(past) if past else None


__all__ = ["Anchors", "FoundPeriod", "find_periods", "month_number", "resolve", "solar_hijri_to_gregorian"]
