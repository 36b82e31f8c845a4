"""The patterns of time in prose, and where each may begin."""

from __future__ import annotations

import re
from typing import Literal

from karavan.evidence.calendars import (
    SOLAR_HIJRI_MONTHS,
)

Use = Literal["main", "base", "deadline", "lookback", "now", "from"]


Kind = Literal["absolute", "relative", "same", "lookback", "weekday", "fiscal", "iranian", "horizon"]


MONTHS = {
    m: i + 1 for i, m in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
}


_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?"
    r"|Sep(?:tember|t\.?|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)


_MONTH_CAPS = (
    _MONTH[:-1] + "|" + "JANUARY|FEBRUARY|MARCH|APRIL|MAY|JUNE|JULY|AUGUST|SEPTEMBER|OCTOBER|NOVEMBER|DECEMBER" + ")"
)


_YEAR = r"(?:19|20)\d\d"


_NUM = r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty)"


_ORD = r"(?:first|second|third|fourth|1st|2nd|3rd|4th|opening|last|final)"


_DASH = r"\s?(?:[-–—]|to|through|until|till|and)\s?"


_SAME = r"(?:the )?(?:same|corresponding|similar|equivalent|comparable|respective|like)"


_IR = r"(?:(?:Iranian|Persian|Solar)(?: Hijri)?(?: calendar| fiscal| solar)?|solar Hijri|Hijri Shamsi)"


_SEASON = "|".join(m.capitalize() for m in SOLAR_HIJRI_MONTHS if m not in {"tir", "mehr"})


# Tried in this order at each anchor; the first that matches wins.
_RULES: tuple[tuple[str, str], ...] = (
    (
        "between_days",
        (
            rf"(?P<m1>{_MONTH}) (?P<d1>\d{{1,2}}),? (?P<y1>{_YEAR}),?{_DASH}(?P<m2>{_MONTH}) "
            rf"(?P<d2>\d{{1,2}}),? (?P<y2>{_YEAR})"
        ),
    ),
    (
        "between_days_b",
        (
            rf"(?P<d1>\d{{1,2}}) (?P<m1>{_MONTH}),? (?P<y1>{_YEAR}),?{_DASH}(?P<d2>\d{{1,2}}) "
            rf"(?P<m2>{_MONTH}),? (?P<y2>{_YEAR})"
        ),
    ),
    (
        "days_one_year",
        (
            rf"(?P<m1>{_MONTH}) (?P<d1>\d{{1,2}}){_DASH}(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}})(?!\d)(?:,? "
            rf"(?P<y>{_YEAR}))?"
        ),
    ),
    ("months_two_years", rf"(?P<m1>{_MONTH}) (?P<y1>{_YEAR}){_DASH}(?P<m2>{_MONTH}) (?P<y2>{_YEAR})"),
    (
        "day",
        (
            rf"(?P<m>{_MONTH_CAPS}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d|[.,]\d|%|[ -](?:percent|per cent|"
            rf"million|billion|tonnes|km|TEU))(?:,? (?P<y>{_YEAR})\b)?"
        ),
    ),
    ("day_b", rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH_CAPS})\b(?:,? (?P<y>{_YEAR})\b)?"),
    ("iso", rf"(?P<y>{_YEAR})-(?P<m>\d\d)-(?P<d>\d\d)\b"),
    ("dotted", rf"(?P<d>\d{{1,2}})[./](?P<m>\d{{1,2}})[./](?P<y>{_YEAR})\b"),
    (
        "months",
        (
            rf"(?P<m1>{_MONTH}){_DASH}(?P<m2>{_MONTH})(?:,? (?:of )?(?P<y>{_YEAR})\b| (?:of )?(?P<rel>this|"
            rf"last|the current|the previous) year)?"
        ),
    ),
    ("month", rf"(?P<m>{_MONTH}),? (?:of )?(?P<y>{_YEAR})\b"),
    ("month_rel", rf"(?P<m>{_MONTH}) (?:of )?(?P<rel>this|last|the current|the previous|the same) year"),
    (
        "sh_months",
        (
            rf"(?:the )?(?:first|last|initial|past) (?P<n>{_NUM}) months? of (?:the )?(?:(?P<rel>current|this|"
            rf"present|last|previous|past)(?: local| calendar| fiscal)? (?:{_IR} )?(?:calendar )?year|{_IR} "
            rf"(?:calendar |fiscal )?year (?P<y>1[34]\d\d)|(?P<y2>1[34]\d\d))(?P<par> \((?:began|started|"
            rf"starting|beginning|ended)? ?[^()]{{3,60}}\))?"
        ),
    ),
    (
        "sh_half",
        (
            rf"(?:the )?(?P<o>first|second) (?P<part>half|quarter) of (?:the )?(?:(?P<rel>current|this|last|"
            rf"previous|past) {_IR} (?:calendar |fiscal )?year|{_IR} (?:calendar |fiscal )?year "
            rf"(?P<y>1[34]\d\d))"
        ),
    ),
    (
        "sh_year",
        (
            rf"(?:the )?(?:(?P<rel>current|this|last|previous|past|preceding) )?{_IR} (?:calendar |fiscal |"
            rf"solar )?(?:year)(?: of)?(?: \(?(?P<y>1[34]\d\d)(?:[-/–](?P<yb>1?[34]?\d\d))?\)?)?"
        ),
    ),
    ("sh_plain", r"(?:year )(?P<y>1[34]\d\d)\b"),
    ("sh_month", rf"(?:the month of )?(?P<m>{_SEASON})(?: (?P<y>1[34]\d\d))?\b"),
    (
        "n_months_of",
        (
            rf"(?:the )?(?:(?:first|opening|initial) )?(?P<n>{_NUM})[ -]months?(?: period)? (?:of|in) "
            rf"(?P<y>{_YEAR})\b"
        ),
    ),
    (
        "n_months_rel",
        (
            rf"(?:the )?(?:first|opening|initial) (?P<n>{_NUM}) months(?: of (?:the )?(?P<rel>this|current|"
            rf"last|previous) (?:calendar )?year)?"
        ),
    ),
    (
        "months_to",
        (
            rf"(?:the )?(?P<n>{_NUM}) months (?:to|ending|ended|through|up to)(?: in)? (?P<m>{_MONTH})(?:,? "
            rf"(?P<y>{_YEAR})\b)?"
        ),
    ),
    (
        "year_to",
        (
            rf"(?:the )?year (?:to|ending|ended|through)(?: in)? (?:(?P<d>\d{{1,2}}) )?(?P<m>{_MONTH})(?: "
            rf"\d{{1,2}})?(?:,? (?P<y>{_YEAR})\b)?"
        ),
    ),
    (
        "half_year",
        (
            rf"(?:the )?(?P<o>first|second|1st|2nd|latter) (?:half|six months)(?: of)? (?:(?P<y>{_YEAR})\b|"
            rf"(?P<rel>this|last|the current|the previous|the) (?:fiscal )?year)"
        ),
    ),
    ("half_code", rf"(?:H(?P<o>[12])|(?P<o2>[12])H)[ -]?(?P<y>{_YEAR})\b"),
    (
        "quarter",
        (
            rf"(?:the )?(?P<o>{_ORD}) quarter(?: of)? (?:(?P<y>{_YEAR})\b|(?P<rel>this|last|the current|the "
            rf"previous|the) (?:fiscal )?year)"
        ),
    ),
    ("quarter_code", rf"(?:Q(?P<o>[1-4])|(?P<o2>[1-4])Q)[ -]?(?:of )?(?P<y>{_YEAR}|\d\d)\b"),
    ("quarter_bare", r"(?:the )?(?P<o>first|second|third|fourth) quarter"),
    ("half_bare", r"(?:the )?(?P<o>first|second) half(?! of a| a )"),
    (
        "fiscal_dual",
        (
            rf"(?:the )?(?:FY|(?:fiscal|financial|budget|marketing)(?: year)?)[ "
            rf"]?(?P<y>{_YEAR})[-–/](?P<y2>(?:20)?\d\d)\b"
        ),
    ),
    (
        "fiscal_dual_b",
        (
            rf"(?P<y>{_YEAR})[/](?P<y2>\d\d(?:\d\d)?)(?: (?:fiscal|financial|marketing|season|crop)(?: "
            rf"year)?)?\b"
        ),
    ),
    ("fiscal_dual_c", rf"(?P<y>{_YEAR})[-–](?P<y2>\d\d(?:\d\d)?) (?:fiscal|financial|marketing) year"),
    ("fiscal_one", rf"(?:the )?(?:FY[ ']?(?P<y>(?:20)?\d\d)|(?:fiscal|financial)(?: year)? (?P<y2>{_YEAR}))\b"),
    (
        "fiscal_rel",
        (
            r"(?:the )?(?P<rel>previous|last|current|preceding|prior|this|past) (?:fiscal|financial|"
            r"marketing) year"
        ),
    ),
    (
        "same_of",
        (
            rf"{_SAME} (?:period|months?|quarter|half|time|timeframe|nine months|six months|three months|"
            rf"{_NUM}[- ]months?(?: period)?|span|interval)(?: of| in| a| during|,)? ?(?:(?:the "
            rf")?(?P<rel>last|previous|preceding|prior|past|year earlier|year ago|year before)(?: {_IR}| "
            rf"calendar| fiscal)?(?: year)?|(?:the )?(?P<y>{_YEAR})(?:[-–/](?P<y2>(?:20)?\d\d))?\b(?: "
            rf"(?:fiscal|financial) year)?)"
        ),
    ),
    ("same", rf"{_SAME} (?:period|months?|quarter|half|timeframe)\b"),
    (
        "same_ref",
        (
            rf"(?:the|this|that) (?:(?:same|reporting|reported|stated|mentioned|given|specified|review) "
            rf")?(?:(?:{_NUM})[- ]month )?(?:reporting |review )?period\b(?! (?:of|between|from|when|to)\b)"
        ),
    ),
    ("year_range", rf"(?:from )?(?P<y1>{_YEAR}){_DASH}(?P<y2>(?:20|19)\d\d)\b"),
    ("decade", rf"(?:the )?(?P<y>{_YEAR[:-4]}\d0)s\b"),
    ("level", rf"(?:the )?(?P<y>{_YEAR})(?:'s|’s)? (?:level|figure|total|volume|results?)s?\b"),
    (
        "end_year",
        (
            rf"(?:the )?(?:end|close|start|beginning|middle) of (?:(?P<y>{_YEAR})\b|(?P<rel>this|last|next|"
            rf"the) year|(?P<m>{_MONTH})(?: (?P<my>{_YEAR}))?)"
        ),
    ),
    ("year_end_rel", r"(?:the )?year[- ]?end\b"),
    (
        "lookback",
        (
            rf"(?:the )?(?:past|last|previous|recent) (?:(?P<n>{_NUM}|\d{{2,3}}|few|several|couple of) "
            rf")?(?P<u>years?|months?|weeks?|days?|decades?|quarters?)(?! (?:of|to)\b)"
        ),
    ),
    (
        "year_before",
        (
            r"(?:in )?(?:the )?year (?:before|earlier|ago|prior)|(?:an?|one|two|three|five|ten) years? "
            r"(?:before|earlier|ago|prior|previously)|the previous year|the preceding year|the prior year|"
            r"previous year|year[- ]on[- ]year|year[- ]over[- ]year|y[/-]o[/-]y|yoy|YoY|y/y|year[- ]on|"
            r"annually"
        ),
    ),
    ("rel_year", r"(?:the )?(?P<rel>last|this|next|current|coming|ongoing) (?:calendar )?year\b(?!-)"),
    (
        "rel_unit",
        (
            r"(?:the )?(?P<rel>last|this|next|earlier this|later this|current|coming) (?P<u>month|week|"
            r"quarter)\b"
        ),
    ),
    (
        "within",
        (
            rf"(?:within|in|over|during) (?:the )?(?:next|coming|following) (?P<n>{_NUM}|few|several) "
            rf"(?P<u>years?|months?|weeks?|decades?)|within (?:a |an )?(?P<n2>{_NUM}|year|month|decade) "
            rf"?(?P<u2>years?|months?|weeks?|decades?)?"
        ),
    ),
    (
        "coming",
        (
            r"(?:in )?(?:the )?(?:near future|coming (?:years|months|days|weeks)|medium[- ]term|long[- ]term|"
            r"short[- ]term|next (?:few|several) (?:years|months)|foreseeable future|near term)|soon\b|"
            r"shortly\b|in the future|initially\b|(?:in|at) (?:the|a) (?:next|first|second|initial|later) "
            r"(?:stage|phase)\b|in the long run|eventually"
        ),
    ),
    ("now", r"(?:currently|at present|presently|now(?:adays)?|at the moment|to date|so far|as of (?:now|today))\b"),
    ("today", r"(?P<w>today|yesterday|tomorrow)\b"),
    ("year", rf"(?P<y>{_YEAR})(?![\d,.]\d|[ -](?:{_MONTH})|\w|%)"),
    ("weekday", r"(?P<w>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b"),
    (
        "bare_month",
        (
            r"(?P<m>January|February|April|June|July|August|September|October|November|December|March|"
            r"Sept?\.|Oct\.|Nov\.|Dec\.|Jan\.|Feb\.)(?!\w)"
        ),
    ),
)


_COMPILED = [
    (
        name,
        re.compile(
            r"(?<![\w$€£])" + pattern,
            re.IGNORECASE
            if name
            in {
                "lookback",
                "rel_year",
                "rel_unit",
                "year_before",
                "same",
                "same_of",
                "half_year",
                "quarter",
                "now",
                "today",
                "within",
                "coming",
                "n_months_rel",
                "n_months_of",
                "sh_months",
                "fiscal_rel",
                "fiscal_dual",
                "end_year",
                "quarter_bare",
                "half_bare",
                "sh_half",
                "months_to",
                "sh_year",
                "same_ref",
            }
            else 0,
        ),
    )
    for name, pattern in _RULES
]


_TOKEN = re.compile(r"(?<![$€£])[^\W_]++")
_ANCHOR_TEXT = (
    "the first second third fourth last past previous recent same corresponding similar year years y "
    "yoy an a one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty "
    "this that next current coming earlier later within over during in at soon shortly initially "
    "eventually near medium long short currently now nowadays presently today yesterday tomorrow so "
    "to fiscal financial budget marketing 1st 2nd end close start beginning middle from solar as "
    "annually opening initial like comparable respective equivalent ongoing prior preceding final "
    "latter foreseeable its it iranian persian hijri q1 q2 q3 q4 h1 h2 fy couple"
)
_ANCHOR_WORDS = frozenset(_ANCHOR_TEXT.split())
_TIME_STEMS = (
    "year",
    "month",
    "quarter",
    "half",
    "day",
    "week",
    "decade",
    "period",
    "stage",
    "phase",
    "future",
    "term",
    "level",
    "end",
    "close",
    "start",
    "begin",
    "middle",
    "same",
    "time",
    "soon",
    "shortly",
    "initial",
    "eventual",
    "now",
    "present",
    "date",
    "far",
    "tomorrow",
    "annual",
    "current",
    "today",
    "yesterday",
    "yoy",
    "y",
    "fiscal",
    "q1",
    "q2",
    "q3",
    "q4",
    "h1",
    "h2",
    "fy",
    "moment",
    "run",
)
_HIJRI_NAMES = frozenset(m for m in SOLAR_HIJRI_MONTHS if m not in {"tir", "mehr"})
REACH = 70
_MONTH_TEXT = "january february march april may june july august september sept october november december"
_MONTH_WORDS = frozenset(_MONTH_TEXT.split())


DEADLINE = re.compile(
    r"\b(?:by|until|till|before|no later than|not later than|up to)(?: the)?(?: year| end of| "
    r"beginning of| start of| middle of| fiscal year)?\s$",
    re.IGNORECASE,
)


BASE = re.compile(
    r"(?:\b(?:compared|comparison|relative|up|down)(?: to| with)?(?: that of| those of| figures for| "
    r"the)?(?: in| of| for)?|\bthan(?: that)?(?: in| of| for| during| at| a)?|\bfrom(?: that of| "
    r"the)?|\bagainst(?: the)?(?: in)?|\bover(?: the)?|\bversus|\bvs\.?"
    r"|\b(?:increase|rise|growth|decline|drop|fall|decrease|gain|jump|surge|up|down|higher|more|less|"
    r"lower|fewer|percent|%|per cent)(?: than| compared to)? on(?: the)?|\bon(?: the)?|\babove(?: "
    r"the)?|\bbelow(?: the)?|\bsince|\bto)(?: figures?)?(?: (?:for|in|of))?(?: the)?\s$",
    re.IGNORECASE,
)


FROM = re.compile(r"\b(?:starting(?: from| in)?|from|since|beginning(?: in| from)?|as of)\s(?:the )?$", re.IGNORECASE)


CHANGE_NEAR = re.compile(
    r"%|percent|per cent|times|fold|\bup\b|\bdown\b|more|less|higher|lower|increase|decrease|rose|"
    r"fell|grew|growth|declin|drop|rise|compared|against|versus|than|doubl|tripl",
    re.IGNORECASE,
)


_BY_DIGIT = {
    "between_days_b",
    "day_b",
    "iso",
    "dotted",
    "n_months_of",
    "half_code",
    "quarter_code",
    "fiscal_dual_b",
    "fiscal_dual_c",
    "year_range",
    "decade",
    "level",
    "year",
    "months_to",
    "half_year",
    "quarter",
    "year_before",
}


_BY_MONTH = {"between_days", "days_one_year", "months_two_years", "day", "months", "month", "month_rel", "bare_month"}


_BY_NAME = _BY_MONTH | {"day_b", "iso", "dotted", "fiscal_dual_b", "fiscal_dual_c", "year", "weekday", "between_days_b"}


_DIGIT_RULES = [(n, p) for n, p in _COMPILED if n in _BY_DIGIT]


_MONTH_RULES = [(n, p) for n, p in _COMPILED if n in _BY_MONTH]


_WORD_RULES = [(n, p) for n, p in _COMPILED if n not in _BY_NAME]


_WEEKDAY_RULES = [(n, p) for n, p in _COMPILED if n == "weekday"]


_WEEKDAYS = frozenset(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
Rules = list[tuple[str, re.Pattern[str]]]


def anchors_in(text: str, start: int, end: int) -> list[tuple[int, Rules]]:
    """Return where times may begin, with the rules to try there.

    A day, a month's name or a digit says so by itself; an ordinary word ("the", "in") only with a word of time near.
    """
    out: list[tuple[int, Rules]] = []
    waiting: list[tuple[int, Rules]] = []
    for m in _TOKEN.finditer(text, start, end):
        word, at = m.group(), m.start()
        low = word.lower()
        named = low[:3] in MONTHS and word[0].isupper()
        if low[0].isdigit() or named or low.startswith(_TIME_STEMS):
            out.extend(w for w in waiting if at - w[0] <= REACH)
            waiting.clear()
        if low[0].isdigit():
            out.append((at, _DIGIT_RULES))
        elif named and (len(low) == 3 or low in _MONTH_WORDS):
            out.append((at, _MONTH_RULES))
        elif low in _WEEKDAYS:
            out.append((at, _WEEKDAY_RULES))
        elif low in _HIJRI_NAMES or low.startswith("fy"):
            out.append((at, _WORD_RULES))
        elif low in _ANCHOR_WORDS:
            (out if low.startswith(_TIME_STEMS) else waiting).append((at, _WORD_RULES))
    return out
