"""What the cells of a table of figures mean: subjects, measures, units and periods as people write them in tables."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from karavan.evidence.calendars import solar_hijri_to_gregorian
from karavan.evidence.gazetteer import find_mentions, gazetteer, read_table

MONTHS = {
    m: k
    for k, m in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)
}
SCALE = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
INDICATORS = {
    "turnover": "trade_turnover", "trade": "trade_turnover", "exports": "export", "export": "export",
    "imports": "import", "import": "import", "transit": "transit", "cargo": "freight",
    "containers": "container_traffic",
    "capacity": "capacity", "investment": "investment", "enterprises": "enterprise_count", "gdp": "gdp",
    "population": "population", "price": "price", "length": "length", "cost": "cost", "share": "share",
    "frequency": "service_frequency",
}  # fmt: skip
PAIR = re.compile(r"\b([A-Z]{2,4})(->|-)([A-Z]{2,4})\b")
_MONTH = r"(?P<{0}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a row is about. `rest` are the words that were not understood as areas, measure or definition."""

    indicator: str | None
    areas: tuple[str, ...]
    direction: str
    definition: str
    product: str
    growth: bool
    target: bool
    cumulative: bool
    end_of_range: str


@dataclass(frozen=True, slots=True)
class Days:
    """A period of a table: first and last day where they are known, and why not where they are not."""

    first: date | None = None
    last: date | None = None
    calendar: str = "gregorian"
    problem: str = ""

    def interval(self) -> str | None:
        """Return the ISO 8601 interval, None where nothing is known."""
        if self.first is None and self.last is None:
            return None
        return f"{self.first or '..'}/{self.last or '..'}"


@cache
def area_codes() -> dict[str, str]:
    """Return ISO 3166-1 alpha-3 codes and bloc ids by themselves, by alpha-2 code and by the names of countries."""
    codes = {row["alpha2"]: row["code"] for row in read_table("alpha2")}
    for row in read_table("countries"):
        codes |= {row["code"]: row["code"], row["name"]: row["code"]}
    for row in read_table("blocs"):
        codes |= {row["id"]: row["id"]}
    return codes


def read_subject(subject: str, attribute: str, *, topic: str = "") -> Subject:
    """Understand what a row is about from its subject and attribute cells.

    Examples
    --------
    >>> s = read_subject("goods trade KZ-IR", "non-oil exports KZ->IR")
    >>> s.indicator, s.areas, s.direction, s.definition
    ('export', ('KAZ', 'IRN'), 'KAZ->IRN', 'non-oil')
    """
    words = attribute.casefold()
    pair = PAIR.search(attribute) or PAIR.search(subject)
    codes = area_codes()
    areas: tuple[str, ...] = ()
    direction = ""
    if pair and pair[1] in codes and pair[3] in codes:
        areas = (codes[pair[1]], codes[pair[3]])
        direction = f"{areas[0]}{pair[2]}{areas[1]}"
    elif subject.strip() in codes:
        areas = (codes[subject.strip()],)
        direction = areas[0]
    left = f"{subject.replace(pair[0], '') if pair else subject} {topic}".casefold()
    indicator = next((INDICATORS[w] for w in re.findall(r"[a-z]+", words) if w in INDICATORS), None)
    indicator = indicator or next((INDICATORS[w] for w in re.findall(r"[a-z]+", left) if w in INDICATORS), None)
    definition = "; ".join(m for m in re.findall(r"\bnon-[a-z]+|\bcurrent usd|\bby [a-z]+\b", words))
    product = "agricultural goods" if "agricultur" in words else ""
    if topic == "commodity" and pair:
        product = subject.replace(pair[0], "").strip()
    return Subject(
        indicator, areas, direction, definition, product, growth="change" in words or "growth" in words,
        target="target" in words or "target" in left.split(), cumulative="cumulative" in words or ", sum" in words,
        end_of_range="low" if "low of range" in words else "high" if "high of range" in words else "",
    )  # fmt: skip


def place_of(subject: str) -> str | None:
    """Return the place or corridor that a subject names, by the gazetteer where it names exactly one, else its words.

    Examples
    --------
    >>> place_of("Aktau port"), place_of("")
    ('Aktau', None)
    """
    named = find_mentions(subject, gazetteer(), 0, len(subject))["geo"]
    ids = {m.entry.id for m in named if m.kind in {"place", "corridor"}}
    return next(iter(ids)) if len(ids) == 1 else subject.strip() or None


def read_unit(unit: str) -> tuple[float, str, str, str]:
    """Return factor, unit (ISO 4217 or UCUM), rate and what is wrong, of a unit as tables write it.

    Examples
    --------
    >>> read_unit("million USD"), read_unit("million t/year"), read_unit("% y/y")
    ((1000000.0, 'USD', '', ''), (1000000.0, 't', 'year', ''), (1.0, '%', '', ''))
    """
    words = unit.strip()
    if words == "":
        return 1.0, "", "", "no unit"
    factor = 1.0
    first, _, rest = words.partition(" ")
    if first in SCALE:
        factor, words = SCALE[first], rest.strip()
    if words.startswith("%"):
        return factor, "%", "", ""
    base, _, rate = words.partition("/")
    known = {"times": "{x}", "points": "{pp}", "TEU": "{TEU}", "": "", "companies": "", "days": "d"}
    known |= {row["unit"]: row["unit"] for row in read_table("units")}
    if base in known:
        return factor, known[base], rate, ""
    if re.fullmatch(r"[A-Z]{3}", base):
        return factor, base, rate, ""
    return factor, f"{{{base}}}" if re.fullmatch(r"\w+", base) else words, rate, ""


def read_days(text: str) -> Days:
    """Understand a period as tables write it; what can be read two ways is a problem, not a guess.

    Examples
    --------
    >>> read_days("Jan-Oct 2025").interval(), read_days("Iranian year 1399").interval(), read_days("2022/23").problem
    ('2025-01-01/2025-10-31', '2020-03-20/2021-03-20', "'2022/23': in which month that year begins is not said")
    """
    words = " ".join(text.split())
    if words.casefold() in {"", "no date", "-"} or "no date" in words.casefold():
        return Days(problem="no period given")
    for reader in (_iranian, _years, _months, _day_range, _one_sided):
        try:
            days = reader(words)
        except ValueError:  # no such day in any calendar
            days = None
        if days is not None:
            return days
    return Days(problem=f"period {words[:80]!r} is not understood")


def _iranian(words: str) -> Days | None:
    m = re.match(r"iranian year (1[34]\d\d)\b", words, re.IGNORECASE)
    if m is None:
        return None
    year = int(m[1])
    following = solar_hijri_to_gregorian(year + 1)
    return Days(solar_hijri_to_gregorian(year), following - timedelta(days=1), "solar_hijri")


def _years(words: str) -> Days | None:
    if re.match(r"\d{4} \(.*(incomplete|part)", words):
        return Days(problem=f"{words!r}: which months is not said")
    if m := re.fullmatch(r"(?:about )?((?:19|20)\d\d)(?: \(.*\))?", words):
        if words.startswith("about"):
            return Days(problem=f"{words!r}: the year is not certain")
        return Days(date(int(m[1]), 1, 1), date(int(m[1]), 12, 31))
    if m := re.fullmatch(r"((?:19|20)\d\d)-((?:19|20)\d\d)", words):
        return Days(date(int(m[1]), 1, 1), date(int(m[2]), 12, 31)) if m[1] <= m[2] else None
    if re.fullmatch(r"(?:\w+ year )?(?:19|20)\d\d/\d\d(?:\d\d)?", words):
        return Days(problem=f"{words!r}: in which month that year begins is not said")
    if m := re.fullmatch(r"(?:Q([1-4])|H([12])) ?((?:19|20)\d\d)", words):
        start, length = (3 * int(m[1]) - 2, 3) if m[1] else (6 * int(m[2]) - 5, 6)
        return _span(int(m[3]), start, int(m[3]), start + length - 1)
    return None


def _months(words: str) -> Days | None:
    one, other = _MONTH.format("a"), _MONTH.format("b")
    if m := re.fullmatch(rf"{one}(?: (?P<y>\d{{4}}))?-(?:early |end )?{other} (?P<z>\d{{4}})", words, re.IGNORECASE):
        if "early" in words:
            return Days(problem=f"{words!r}: its last day is not said")
        return _span(int(m["y"] or m["z"]), MONTHS[m["a"].lower()], int(m["z"]), MONTHS[m["b"].lower()])
    if m := re.fullmatch(rf"(?:end )?{one} (?P<z>\d{{4}})", words, re.IGNORECASE):
        return _span(int(m["z"]), MONTHS[m["a"].lower()], int(m["z"]), MONTHS[m["a"].lower()])
    return None


def _day_range(words: str) -> Days | None:
    one, other = _MONTH.format("a"), _MONTH.format("b")
    pattern = rf"(\d+) {one}(?: (?P<y>\d{{4}}))?-(?P<d>\d+|end) {other} (?P<z>\d{{4}})"
    m = re.fullmatch(pattern, words, re.IGNORECASE)
    if m is None:
        return None
    year, month = int(m["z"]), MONTHS[m["b"].lower()]
    try:
        first = date(int(m["y"] or year), MONTHS[m["a"].lower()], int(m[1]))
        last = date(year, month, monthrange(year, month)[1] if m["d"] == "end" else int(m["d"]))
    except ValueError:
        return None
    around = "solar_hijri" if (first.month, first.day) in {(3, 20), (3, 21)} else "gregorian"
    return Days(first, last, around) if first <= last else None


def _one_sided(words: str) -> Days | None:
    """Read "by 2030", "to 2024" (the end is known) and "from 2023-06-29" (the beginning is); ISO days and intervals."""
    if m := re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:/(\d{4}-\d\d-\d\d))?", words):
        return _iso(m[1], m[2] or m[1])
    if m := re.fullmatch(r"from (\d{4}-\d\d-\d\d)", words):
        return _iso(m[1], None)
    if m := re.fullmatch(r"(?:by|to|end|\d+ years to) (\d{4})", words):
        end = date(int(m[1]), 12, 31)
        if n := re.match(r"(\d+) years to", words):
            return Days(date(end.year - int(n[1]) + 1, 1, 1), end)
        return Days(None, end)
    return None


def _iso(first: str, last: str | None) -> Days | None:
    try:
        return Days(date.fromisoformat(first), date.fromisoformat(last) if last else None)
    except ValueError:
        return None


def _span(first_year: int, first_month: int, last_year: int, last_month: int) -> Days | None:
    first = date(first_year, first_month, 1)
    last = date(last_year, last_month, monthrange(last_year, last_month)[1])
    return Days(first, last) if first <= last else None
