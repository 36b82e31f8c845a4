"""Quantities in prose: money, mass, containers, percent, multiples, counts; ranges, comparators, shared units.

`find_quantities` is a hand-written lexer: it goes from number to number and reads what stands around each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from karavan.evidence.gazetteer import read_table, split_list
from karavan.evidence.numerals import DIGITS, FRACTIONS, MAGNITUDES, UNITS, WORD_NUMBER, read_digits, read_words
from karavan.evidence.records import Comparator, Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

Shape = Literal["amount", "multiple", "fraction"]


@dataclass(frozen=True, slots=True)
class FoundQuantity:
    """A quantity with its place: `start` is that of the number (or currency), `outer` that of its comparator."""

    quantity: Quantity
    start: int
    end: int
    outer: int
    shape: Shape = "amount"
    doubt: str = ""
    shared_unit: bool = False


_COMPARATORS: dict[Comparator, str] = {
    ">": r"(?:well )?over|(?:slightly |much |far )?more than|above|exceed(?:ed|s|ing)?|surpass(?:ed|es|ing)?"
    r"|topp(?:ed|ing)|in excess of|upwards of|beyond|greater than|crossed(?: the)?|no less than|not less than",
    ">=": r"at least|a minimum of|from at least",
    "<~": r"nearly|almost|close to|just under|just below|approach(?:ed|es|ing)?(?: the)?|nearing|neared(?: "
    r"the)?|just shy of",
    "<": r"under|less than|below|fewer than|lower than",
    "<=": r"up to|at most|a maximum of|as much as|as many as|no more than|not more than",
    "~": r"about|around|some|approximately|roughly|circa|an? estimated|estimated at|in the region of|the "
    r"order of|nearly or over",
}
_BEFORE = re.compile(
    r"\b(?:" + "|".join(f"(?P<c{i}>{p})" for i, p in enumerate(_COMPARATORS.values())) + r")\s(?:the |a |an )?$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:(?P<ge>\bor (?:more|over)|\bplus\b|\+(?!\d))|(?P<about>\bor so\b)|(?P<le>\bor less))", re.IGNORECASE
)
_MAGNITUDE = re.compile(
    r"[ \u00a0-]?(?P<word>thousand|thsd|thous|million|millions|mln|mn|mio|mil|billion|billions|bln|"
    r"bn|trillion|trillions|trn|tn|lakhs?|crores?|hundred)\b\.?(?![ -](?:and a half))"
    r"|(?P<letter>[kKmMbB])(?!\w)",
    re.IGNORECASE,
)
_TIMES = re.compile(r"[ \u00a0-]?(?:times\b(?!\s+(?:a|per)\b)|fold\b|x\b(?!\s*\d))", re.IGNORECASE)
_RANGE = re.compile(r"\s?[-–—]\s?(?=[\d$€£¥])|\s(?:to|and)\s(?=[\d$€£¥])")
_LIST = re.compile(r"(?:,\s?|\s?,?\s(?:and|or|&|versus|against)\s|/)(?=[\d$€£¥])")
_COUNT_WORDS = (
    "wagons?|railcars?|rail cars|trucks?|lorr(?:y|ies)|trains?|containers?|vessels?|ships?|barges?|"
    "ferries|flights?|voyages|vehicles?|cars|"
    "enterprises?|companies|company|firms|businesses|ventures|factories|plants|passengers?|tourists|"
    "visitors|workers|jobs|employees|"
    "people|permits?|locomotives?|coaches|stations?|terminals?|berths?|cranes?|warehouses|projects?|"
    "agreements?|documents?|contracts?|memoranda|"
    "memorandums|deals|checkpoints|crossings|border posts|bridges|tunnels|routes|airlines|aircraft|"
    "planes|delegates|investors|"
    "entrepreneurs|exporters|importers|hubs|centres|centers|zones|parks|villages|households|"
    "families|farmers|drivers|heads|units|sectors|transactions|declarations|consignments|shipments|"
    "trips|services|sailings|carriers|operators|members|dry ports|participants|representatives|"
    "refugees|truckloads|wagonloads|orders"
)
_COUNTED = re.compile(
    rf"[ \u00a0-](?!per\b)(?P<np>(?:(?!of\b|in\b|by\b|and\b|to\b|from\b|the\b|at\b|for\b|on\b|"
    rf"with\b)[^\W\d_][\w’'-]*[ -]){{0,4}}?(?P<head>{_COUNT_WORDS}))\b"
)
_RATE = re.compile(
    r"\s?(?:(?:per|a|each|every|an)[ -](?P<per>year|month|week|day|hour|annum|quarter|tonne|ton|TEU|"
    r"container|km|kilometre|wagon|truck|barrel|train)\b(?! (?:earlier|ago|before|later|prior|"
    r"previously|on year|to|from now))"
    r"|/\s?(?P<slash>year|yr|month|day|week|tonne|ton|t|TEU|km)\b|(?P<adv>annually|yearly|monthly|daily|weekly)\b)",
)
_RATES = {
    "annum": "year",
    "yr": "year",
    "annually": "year",
    "yearly": "year",
    "monthly": "month",
    "daily": "day",
    "weekly": "week",
    "ton": "tonne",
    "t": "tonne",
}
_MULTIPLE_VERB = re.compile(
    r"\b(?P<word>(?:more than |almost |nearly )?(?:doubl|tripl|trebl|quadrupl|quintupl)(?:e|ed|es|"
    r"ing)|two-?fold|three-?fold|twice|"
    r"(?P<fold>two|three|four|five|six|seven|eight|nine|ten|twelve|twenty)[- ]?fold|(?P<times>two|"
    r"three|four|five|six|seven|eight|nine|ten|twelve|twenty)[ -](?:and[ -]a[ -]half[ "
    r"-])?times(?!\s+(?:a|per)\b)|halved|halving)\b",
    re.IGNORECASE,
)
_MULTIPLES = {
    "doubl": 2.0,
    "tripl": 3.0,
    "trebl": 3.0,
    "quadr": 4.0,
    "quint": 5.0,
    "twice": 2.0,
    "halve": 0.5,
    "halvi": 0.5,
}
_FRACTION = re.compile(
    r"\b(?:by|of|or|nearly|almost|about|over|than|makes? up|for|only|up|down|fell|rose|dropped|grew) "
    r"(?P<f>(?:an?|one|two|three)[ -](?P<w>half|third|thirds|quarter|quarters|fifth|fifths|tenth|"
    r"tenths)|half)\b(?! (?:of )?(?:a |an )?(?:million|billion|year|of (?:19|20)\d\d|of the (?:year|"
    r"current|last|Iranian)))(?! quarter)",
    re.IGNORECASE,
)
_ONCE = re.compile(
    r"\b(?P<n>once|twice|(?:one|two|three|four|five|six|seven|\d{1,2})(?: times| flights| trains| "
    r"sailings)?) (?:a|per|every|each) (?P<per>day|week|month|year)\b",
    re.IGNORECASE,
)
_FOOT = re.compile(r"[ -](?:foot|feet|ft)[ -](?:equivalent|container)")
# More numbers than this in one sentence are a table, not prose.
MAX_NUMBERS = 80
# What stands before a number that is no quantity: a list of labels.
_LABEL = re.compile(
    r"(?:\b(?:No|no|Nos|Article|article|Section|Chapter|Phase|phase|Boeing|Airbus|Route|route|"
    r"Highway|highway|Flight|Resolution|resolution|Decree|decree|Covid|COVID|Law|law|Annex|Type|"
    r"Class|Room|Group|group|page|Page|Paragraph|Lot|lot|Berth|berth|Terminal|version|Agenda|Vision|"
    r"Version|Gate|Pier|Zone|Table|Figure|Unit)\.?\s?|#|№\s?|[A-Z]-?)$"
)


@cache
def _currency_tables() -> tuple[re.Pattern[str], re.Pattern[str], dict[str, str]]:
    """Return pattern of a symbol before a number, pattern of words after it, and code by lower-case word or symbol."""
    codes: dict[str, str] = {}
    words: list[str] = []
    symbols: list[str] = []
    for row in read_table("currencies"):
        for word in split_list(row["words"]):
            codes.setdefault(word.lower(), row["code"])
            words.append(word)
        for symbol in split_list(row["symbols"]):
            codes.setdefault(symbol, row["code"])
            symbols.append(symbol)
    symbols.sort(key=len, reverse=True)
    words.sort(key=len, reverse=True)
    before = "|".join(re.escape(s) for s in symbols)
    suffix = "|".join(re.escape(w) + r"s?" for w in words)
    plain = "|".join(re.escape(s) for s in symbols if len(s) > 1 or not s.isalpha())
    return (
        re.compile(rf"(?<![^\W\d_])(?:{before})\s?$"),
        re.compile(rf"[ \u00a0-]?(?P<cur>(?i:{suffix})(?!\w)|(?:{plain})(?!\w))"),
        codes,
    )


@cache
def _unit_tables() -> tuple[re.Pattern[str], dict[str, tuple[str, float]]]:
    units: dict[str, tuple[str, float]] = {}
    for row in read_table("units"):
        for word in split_list(row["words"]):
            units.setdefault(word, (row["unit"], float(row["factor"])))
    names = sorted(units, key=len, reverse=True)
    pattern = "|".join(re.escape(n).replace(r"\ ", r"[ \u00a0-]") for n in names)
    return re.compile(rf"[ \u00a0]?-?(?P<unit>{pattern})(?![\w³²])"), units


@dataclass(frozen=True, slots=True)
class _Number:
    """A bare number at its place, with the currency symbol before it."""

    value: float
    step: float
    start: int
    end: int
    currency: str
    words: bool = False
    raw: str = ""


def _numbers(text: str, start: int, end: int) -> list[_Number]:
    before, _, codes = _currency_tables()
    out: list[_Number] = []
    for m in DIGITS.finditer(text, start, end):
        if len(out) > MAX_NUMBERS:
            return out
        head = text[max(start, m.start() - 8) : m.start()]
        symbol = before.search(head)
        read = read_digits(m.group())
        first = m.start() - (len(symbol.group()) if symbol else 0)
        last = m.end()
        if read is None:
            continue
        if (
            not symbol
            and head
            and (head[-1].isalpha() or head[-1] in "_#/" or _LABEL.search(text[max(start, m.start() - 14) : m.start()]))
        ):
            continue
        if not symbol and head[-1:] in "-–" and head[-2:-1].isalpha() and not head[-2:-1].isdigit():
            continue
        code = codes[symbol.group().strip()] if symbol else ""
        out.append(_Number(read[0], read[1], first, last, code, raw=m.group()))
    for m in WORD_NUMBER.finditer(text, start, end):
        value, step = read_words(m)
        out.append(_Number(value, step, m.start(), m.end(), "", words=True, raw=m.group()))
    return sorted(out, key=lambda n: n.start)


@dataclass(frozen=True, slots=True)
class _Tail:
    """What follows a number: magnitude, unit, rate, counted things; `end` is where it ends."""

    factor: float = 1.0
    unit: str | None = None
    counted: str = ""
    rate: str = ""
    end: int = 0
    magnitude: bool = False
    times: bool = False


def _rate(text: str, at: int, end: int) -> tuple[str, int]:
    m = _RATE.match(text, at, end)
    if not m:
        return "", at
    word = m["per"] or m["slash"] or m["adv"]
    return _RATES.get(word, word), m.end()


def _tail(text: str, number: _Number, end: int) -> _Tail:
    """Read magnitude, currency, unit, rate and counted noun behind a number."""
    _, money, codes = _currency_tables()
    unit_after, units = _unit_tables()
    at, factor, magnitude = number.end, 1.0, False
    m = _MAGNITUDE.match(text, at, end)
    if m and m["letter"]:
        # "5m" is five metres unless money stands before or a unit behind it.
        follows = unit_after.match(text, m.end(), end) or money.match(text, m.end(), end)
        m = m if number.currency or follows else None
    if m:
        factor, at, magnitude = MAGNITUDES[(m["word"] or m["letter"]).lower()], m.end(), True
        if m.group().endswith(".") and (at >= end or text[at : at + 1] in " \n"):
            at -= 1
    t = _TIMES.match(text, at, end)
    if t and not number.currency and not magnitude:
        return _Tail(end=t.end(), unit="{x}", times=True)
    if number.currency:
        extra = money.match(text, at, end)
        if extra and codes.get(extra["cur"].lower().removesuffix("s"), codes.get(extra["cur"], "")) == number.currency:
            at = extra.end()
        rate, at = _rate(text, at, end)
        return _Tail(factor, number.currency, "", rate, at, magnitude)
    u = unit_after.match(text, at, end)
    c = None if u and u["unit"] in {"%", "percent", "per cent"} else money.match(text, at, end)
    if c and not (u and u.end() > c.end()):
        word = c["cur"]
        code = codes.get(word) or codes.get(word.lower()) or codes.get(word.lower().removesuffix("s"), "")
        rate, last = _rate(text, c.end(), end)
        return _Tail(factor, code, "", rate, last, magnitude)
    if u:
        name = re.sub(r"[ \u00a0-]", " ", u["unit"])
        unit, scale = units.get(u["unit"]) or units.get(name) or units[name.replace(" ", "-")]
        rate, last = _rate(text, u.end(), end)
        return _Tail(factor * scale, unit, "", rate, last, magnitude)
    n = _COUNTED.match(text, at, end)
    if n:
        rate, last = _rate(text, n.end(), end)
        return _Tail(factor, "", n["np"], rate, last, magnitude)
    rate, last = _rate(text, at, end) if magnitude else ("", at)
    return _Tail(factor, None, "", rate, last, magnitude)


def _comparator(text: str, floor: int, start: int, end: int) -> tuple[Comparator, int]:
    """Return the comparator around a quantity and where it begins."""
    m = _BEFORE.search(text, max(floor, start - 28), start)
    if m:
        which = next(i for i in range(len(_COMPARATORS)) if m[f"c{i}"])
        comparator = list(_COMPARATORS)[which]
        if comparator == "~" and m[f"c{which}"] == "Some":
            comparator = "~"
        return comparator, m.start()
    after = _AFTER.match(text, end)
    if after:
        return (">=" if after["ge"] else "~" if after["about"] else "<="), start
    return "=", start


def _quantity(text: str, number: _Number, tail: _Tail, floor: int) -> FoundQuantity:
    comparator, outer = _comparator(text, floor, number.start, tail.end)
    doubt = ""
    if "," in number.raw and tail.magnitude and number.value >= 1e4:
        doubt = "thousands separated and a magnitude word: one of them is probably wrong"
    found = Quantity(
        _exact(number.value * tail.factor),
        tail.unit or "",
        text[number.start : tail.end],
        comparator=comparator,
        counted=tail.counted,
        rate=tail.rate,
        step=number.step * tail.factor,
    )
    shape: Shape = "multiple" if tail.times else "amount"
    return FoundQuantity(found, number.start, tail.end, outer, shape, doubt)


def _exact(value: float) -> float:
    """Drop the noise of binary fractions: 1.63 x 1e9."""
    return float(f"{value:.12g}")


def _usable(text: str, number: _Number, tail: _Tail) -> bool:
    """Whether a number says an amount: it has a unit, a magnitude or counted things, and is no year or clock time."""
    if number.words and tail.unit is None and not tail.counted:
        return number.value >= 1e5
    if tail.unit in {"d", "h", "min"} and number.words and number.value < 2:
        return False
    if number.words and tail.counted and number.value <= 2 and not tail.rate:
        return False
    if text[number.end : number.end + 1] == ":" and text[number.end + 1 : number.end + 2].isdigit():
        return False
    if (
        tail.counted
        and 1900 <= number.value <= 2100
        and "," not in number.raw
        and not number.words
        and " " not in number.raw
    ):
        return (
            text[max(0, number.start - 12) : number.start]
            .rstrip()
            .lower()
            .endswith(("than", "over", "about", "some", "nearly", "of"))
        )
    return tail.unit is not None or bool(tail.counted) or tail.magnitude


def _join(text: str, first: _Number, second: FoundQuantity, tail: _Tail, floor: int) -> FoundQuantity | None:
    """Return the range that a bare number and the quantity behind a dash or "to" make, else None."""
    gap = text[first.end : second.start]
    link = _RANGE.fullmatch(gap + "0") is not None or re.fullmatch(r"\s?[-–—]\s?|\sto\s|\sand\s", gap) is not None
    if not link:
        return None
    if "and" in gap and not re.search(
        r"\bbetween\s*$", text[max(floor, first.start - 12) : first.start], re.IGNORECASE
    ):
        return None
    if "to" in gap and re.search(
        r"\bfrom\s(?:\w+\s)?$", text[max(floor, first.start - 18) : first.start], re.IGNORECASE
    ):
        return None
    unit = second.quantity.unit
    own = tail.unit is not None or tail.magnitude
    if tail.unit not in {None, unit}:
        return None
    scale = tail.factor if own else (second.quantity.value or 0.0) / _bare(second)
    low, high = _exact(first.value * scale), second.quantity.value
    if high is None or low >= high:
        return None
    comparator, outer = _comparator(text, floor, first.start, second.end)
    quantity = replace(
        second.quantity,
        value=None,
        low=low,
        high=high,
        raw=text[first.start : second.end],
        comparator="range",
    )
    return replace(second, quantity=quantity, start=first.start, outer=outer if comparator != "=" else first.start)


def _bare(found: FoundQuantity) -> float:
    """Return the number of a found quantity before its magnitude and unit."""
    m = DIGITS.search(found.quantity.raw)
    read = read_digits(m.group()) if m else None
    return read[0] if read and read[0] else 1.0


def _lent_unit(text: str, number: _Number, later: FoundQuantity, floor: int) -> FoundQuantity | None:
    """Return a bare number with the unit of the next quantity in its list: "7 and 11 percent"."""
    gap = text[number.end : later.start]
    if not re.fullmatch(r"\s?,\s?|,?\s(?:and|or)\s", gap):
        return None
    if (
        later.quantity.value is None
        or later.shape == "fraction"
        or (not later.quantity.unit and not later.quantity.counted)
    ):
        return None
    if later.quantity.counted and not (number.value > 31):
        return None
    scale = later.quantity.value / _bare(later)
    comparator, outer = _comparator(text, floor, number.start, number.end)
    quantity = replace(
        later.quantity,
        value=_exact(number.value * scale),
        raw=text[number.start : number.end],
        comparator=comparator,
        step=number.step * scale,
    )
    return FoundQuantity(quantity, number.start, number.end, outer, later.shape, "", shared_unit=True)


# Words of which one stands in every multiple, fraction, frequency: most sentences have none.
_MANIFOLD = ("doubl", "tripl", "trebl", "quadr", "quint", "fold", "twice", "times", "halv")
_PARTS = ("half", "third", "quarter", "fifth", "tenth")
_OFTEN = (" a day", " a week", " a month", " a year", "per ", "every ", "each ")


def _word_multiples(text: str, start: int, end: int) -> list[FoundQuantity]:
    out = []
    for m in _MULTIPLE_VERB.finditer(text, start, end):
        word = m["word"].lower()
        fold = m["fold"] or m["times"]
        core = re.sub(r"^(?:more than|almost|nearly) ", "", word)
        value = float(UNITS[fold.lower()]) if fold and fold.lower() in UNITS else _MULTIPLES.get(core[:5])
        if fold and fold.lower() == "twenty":
            value = 20.0
        if value is None:
            value = 2.0 if core.startswith("two") else 3.0 if core.startswith("three") else None
        if value is None or (core == "twice" and _ONCE.match(text, m.start(), end)):
            continue
        if fold and "and" in word:
            value += 0.5
        comparator, outer = _comparator(text, start, m.start(), m.end())
        if word.startswith("more than"):
            comparator = ">"
        elif word.startswith(("almost", "nearly")):
            comparator = "<~"
        quantity = Quantity(value, "{x}", m.group(), comparator=comparator, step=1.0)
        out.append(FoundQuantity(quantity, m.start(), m.end(), outer, "multiple"))
    return out


def _fractions(text: str, start: int, end: int) -> list[FoundQuantity]:
    out = []
    for m in _FRACTION.finditer(text, start, end):
        head = m["f"].lower().split()[0].split("-")[0] if m["w"] else "a"
        count = {"two": 2.0, "three": 3.0}.get(head, 1.0)
        share = count * FRACTIONS[(m["w"] or "half").lower()]
        comparator, outer = _comparator(text, start, m.start("f"), m.end())
        quantity = Quantity(
            _exact(share * 100), "%", m["f"], comparator=comparator if comparator != "=" else "~", step=1.0
        )
        out.append(FoundQuantity(quantity, m.start("f"), m.end(), outer, "fraction"))
    return out


def _frequencies(text: str, start: int, end: int) -> list[FoundQuantity]:
    out = []
    for m in _ONCE.finditer(text, start, end):
        word = m["n"].lower().split()[0]
        value = (
            {"once": 1.0, "twice": 2.0}.get(word) or float(UNITS.get(word, 0)) or float(word if word.isdigit() else 0)
        )
        if value:
            counted = m["n"].split(" ", 1)[1] if " " in m["n"] and not m["n"].endswith("times") else "times"
            out.append(
                FoundQuantity(
                    Quantity(value, "", m.group(), counted=counted, rate=m["per"].lower(), step=1.0),
                    m.start(),
                    m.end(),
                    m.start(),
                )
            )
    return out


def find_quantities(text: str, start: int, end: int, taken: Sequence[tuple[int, int]] = ()) -> list[FoundQuantity]:
    """Find all quantities between two offsets, in order and not overlapping.

    Parameters
    ----------
    taken
        Spans (of dates and periods) whose numbers are not quantities.
    """
    words = text[start:end].lower()
    special = [
        *(_frequencies(text, start, end) if any(w in words for w in _OFTEN) else ()),
        *(_word_multiples(text, start, end) if any(w in words for w in _MANIFOLD) else ()),
        *(_fractions(text, start, end) if any(w in words for w in _PARTS) else ()),
    ]
    closed = [*taken, *((s.start, s.end) for s in special)]
    numbers = [
        n
        for n in _numbers(text, start, end)
        if not any(a < n.end and n.start < b for a, b in closed) and not _FOOT.match(text, n.end)
    ]
    if len(numbers) > MAX_NUMBERS:
        return []
    out: list[FoundQuantity] = []
    later: FoundQuantity | None = None
    for number in reversed(numbers):
        if later is not None and number.end > later.start:
            continue
        tail = _tail(text, number, end)
        if later is not None and tail.end > later.start:
            tail = _Tail(end=number.end)
        floor = start
        joined = (
            _join(text, number, later, tail, floor) if later is not None and later.quantity.value is not None else None
        )
        if joined is not None:
            out[-1] = later = joined
            continue
        if tail.unit is None and not tail.counted and not tail.magnitude and later is not None and not number.words:
            lent = _lent_unit(text, number, later, floor)
            if lent is not None:
                out.append(lent)
                later = lent
                continue
        if _usable(text, number, tail):
            later = _quantity(text, number, tail, floor)
            out.append(later)
    spans = {(q.start, q.end) for q in out}
    out.extend(s for s in special if not any(a < s.end and s.start < b for a, b in spans))
    out = [q for q in _with_lent_units(out) if not _equivalent(text, q, out)]
    out.extend(_borrowed(text, numbers, out, start))
    out.sort(key=lambda q: q.start)
    return out


def _equivalent(text: str, q: FoundQuantity, found: list[FoundQuantity]) -> bool:
    """Whether money only repeats, in brackets, the money before it in another currency, or is a rate of exchange."""
    if len(q.quantity.unit) != 3 or not q.quantity.unit.isupper():
        return False
    if text[q.end : q.end + 2].lstrip().startswith("=") or text[max(0, q.start - 2) : q.start].rstrip().endswith("="):
        return True
    head = text[max(0, q.outer - 24) : q.outer]
    m = re.search(r"\((?:or |about |equivalent to |equal to |around |approximately |nearly |some |i\.e\.,? )*$", head)
    if not m:
        return False
    at = q.outer - len(head) + m.start()
    return any(
        o.end <= at and at - o.end <= 1 and len(o.quantity.unit) == 3 and o.quantity.unit != q.quantity.unit
        for o in found
    )


def _with_lent_units(found: list[FoundQuantity]) -> list[FoundQuantity]:
    """Give "17.4 million" the unit of the amount before it: "19.3 million tonnes ... from 17.4 million"."""
    out: list[FoundQuantity] = []
    for q in sorted(found, key=lambda q: q.start):
        bare = not q.quantity.unit and not q.quantity.counted and q.shape == "amount"
        lender = next(
            (
                o.quantity
                for o in reversed(out)
                if o.quantity.unit not in {"%", "{x}", "{pp}", "d", "h", "min", "km", ""}
            ),
            None,
        )
        if bare and lender is not None:
            out.append(replace(q, quantity=replace(q.quantity, unit=lender.unit), shared_unit=True))
        else:
            out.append(q)
    return out


def _borrowed(text: str, numbers: list[_Number], found: list[FoundQuantity], start: int) -> list[FoundQuantity]:
    """Return bare numbers that take the unit of the quantity before them: "A moved 168,000 TEUs, B 41,000"."""
    out = []
    for number in numbers:
        if number.words or number.value < 1000 or not ("," in number.raw or number.value > 2100):
            continue
        earlier = [q for q in found if q.end <= number.start and q.quantity.unit not in {"%", "{x}", "{pp}"}]
        inside = any(q.start <= number.start < q.end for q in found)
        if (
            inside
            or not earlier
            or not re.match(r"\s?(?:[.,;)]|$|in\b|a year\b|and\b|from\b)", text[number.end : number.end + 8])
        ):
            continue
        lender = earlier[-1].quantity
        if lender.value is None:
            continue
        comparator, outer = _comparator(text, start, number.start, number.end)
        quantity = Quantity(
            number.value, lender.unit, number.raw, comparator=comparator, counted=lender.counted, step=number.step
        )
        out.append(FoundQuantity(quantity, number.start, number.end, outer, "amount", "", shared_unit=True))
    return out
