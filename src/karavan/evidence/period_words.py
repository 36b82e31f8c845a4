"""Words of time in prose: what they say by themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from karavan.evidence.calendars import (
    SOLAR_HIJRI_MONTHS,
    month_end,
    shift_months,
    solar_hijri_months,
    solar_hijri_year,
)
from karavan.evidence.numerals import ORDINALS, TENS, UNITS
from karavan.evidence.period_rules import BASE, CHANGE_NEAR, DEADLINE, FROM, MONTHS, Kind, Use, anchors_in
from karavan.evidence.records import Period


@dataclass(frozen=True, slots=True)
class FoundPeriod:
    """Words of time at `start` to `end`; `period` where they stand alone, else `kind` and `spec` say what to do.

    `use` says what they do in the sentence: main time, base of a change, deadline, lookback, now.
    """

    start: int
    end: int
    kind: Kind
    use: Use
    period: Period | None = None
    spec: tuple[str, ...] = ()


def number_word(word: str) -> int | None:
    """Return the small number that a word or digits stand for."""
    low = word.lower()
    if low.isdigit():
        return int(low)
    return UNITS.get(low) or TENS.get(low)


def month_number(word: str) -> int:
    """Return 1 to 12 of a month's name or abbreviation."""
    return MONTHS[word[:3].lower()]


def day_period(first: date, last: date, raw: str, granularity: str = "range", calendar: str = "gregorian") -> Period:
    """Return the interval between two days."""
    return Period(first, last, raw, granularity, calendar)  # type: ignore[arg-type]


def year_period(year: int, raw: str) -> Period:
    """Return a calendar year."""
    return Period(date(year, 1, 1), date(year, 12, 31), raw, "year")


def month_period(year: int, first: int, last: int, raw: str) -> Period:
    """Return the months `first` to `last` of a year."""
    granularity = {1: "month", 3: "quarter", 6: "half", 12: "year"}.get(last - first + 1, "range")
    return day_period(date(year, first, 1), month_end(year, last), raw, granularity)


def safe_day(year: int, month: int, day: int) -> date | None:
    """Return a day, or None where the calendar has none such."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def find_periods(text: str, start: int, end: int) -> list[FoundPeriod]:
    """Find all words of time between two offsets, in order, not overlapping."""
    out: list[FoundPeriod] = []
    free = start
    for at, rules in anchors_in(text, start, end):
        if at < free:
            continue
        for name, pattern in rules:
            m = pattern.match(text, at, end)
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
    if DEADLINE.search(head):
        return "deadline"
    if name == "lookback" and re.search(r"\b(?:over|in|during|for|within|across)\s$", head, re.IGNORECASE):
        return "main"
    if FROM.search(head) and re.search(r"\b(?:starting|beginning|since|as of)\b", head[-24:], re.IGNORECASE):
        return "from"
    if BASE.search(head) and CHANGE_NEAR.search(text[max(floor, start - 90) : start]):
        near = re.search(r"\b(\w+)(?: the)?\s$", head)
        word = near.group(1).lower() if near else ""
        if word == "to":
            return (
                "base"
                if re.search(r"\b(?:compared|relative|comparison)\b[^.;]{0,25}\sto(?: the)?\s$", head)
                else "main"
            )
        if word == "from" and not re.search(
            r"%|percent|per cent|up|down|level|rose|fell|increase|decrease|times",
            text[max(floor, start - 60) : start],
            re.IGNORECASE,
        ):
            return "main"
        if word in {"on", "over"} and name == "lookback":
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
    if name == "within":
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
        first = safe_day(int(g["y1"]), month_number(g["m1"]), int(g["d1"]))
        last = safe_day(int(g["y2"]), month_number(g["m2"]), int(g["d2"]))
        return (day_period(first, last, raw) if first and last and first <= last else None), "absolute", ()
    if name == "days_one_year":
        if g["y"]:
            first = safe_day(int(g["y"]), month_number(g["m1"]), int(g["d1"]))
            last = safe_day(int(g["y"]), month_number(g["m2"]), int(g["d2"]))
            return (day_period(first, last, raw) if first and last and first <= last else None), "absolute", ()
        return None, "relative", ("days", str(month_number(g["m1"])), g["d1"], str(month_number(g["m2"])), g["d2"])
    if name == "months_two_years":
        first, last = date(int(g["y1"]), month_number(g["m1"]), 1), month_end(int(g["y2"]), month_number(g["m2"]))
        return (day_period(first, last, raw) if first <= last else None), "absolute", ()
    if name in {"day", "day_b", "iso", "dotted"}:
        return _meaning_day(name, g, raw)
    if name.startswith("sh_"):
        return _meaning_iranian(name, g, raw)
    if name.startswith("fiscal"):
        return _meaning_fiscal(name, g)
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
        read = safe_day(int(g["y"]), month, day)
        return (day_period(read, read, raw, "day") if read else None), "absolute", ()
    if safe_day(2000, month, day) is None:
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
        return day_period(a, b, raw, "year" if (first, last) == (1, 12) else "range", "solar_hijri"), "absolute", ()
    return None, "iranian", (rel or "this", str(first), str(last))


def _meaning_fiscal(name: str, g: dict[str, str | None]) -> tuple[Period | None, Kind, tuple[str, ...]]:
    if name == "fiscal_rel":
        return None, "fiscal", ("rel", (g["rel"] or "").lower())
    if name == "fiscal_one":
        text = g["y"] or g["y2"] or ""
        year = int(text) if len(text) == 4 else 2000 + int(text)
        return None, "fiscal", ("ends", str(year))
    first = int(g["y"] or 0)
    second = int(g.get("y2") or 0)
    second = second if second > 100 else first // 100 * 100 + second
    if second != first + 1:
        return None, "absolute", ()
    return None, "fiscal", ("starts", str(first))


def _meaning_parts(name: str, g: dict[str, str | None], raw: str) -> tuple[Period | None, Kind, tuple[str, ...]]:
    y = int(g.get("y") or 0) if len(g.get("y") or "") == 4 else None
    rel = (g.get("rel") or "").lower().removeprefix("the ")
    if name == "months":
        a, b = month_number(g["m1"] or ""), month_number(g["m2"] or "")
        if a > b:
            return None, "absolute", ()
        return (
            (month_period(y, a, b, raw), "absolute", ()) if y else (None, "relative", ("months", str(a), str(b), rel))
        )
    if name in {"month", "month_rel", "bare_month"}:
        a = month_number(g["m"] or "")
        return (
            (month_period(y, a, a, raw), "absolute", ()) if y else (None, "relative", ("months", str(a), str(a), rel))
        )
    if name in {"n_months_of", "n_months_rel"}:
        n = number_word(g["n"] or "") or 0
        if not 1 <= n <= 12:
            return None, "absolute", ()
        return (month_period(y, 1, n, raw), "absolute", ()) if y else (None, "relative", ("n_months", str(n), rel, raw))
    if name in {"months_to", "year_to"}:
        n = (number_word(g["n"] or "") or 0) if name == "months_to" else 12
        a = month_number(g["m"] or "")
        if not y or not n:
            return None, "relative", ("months_to", str(n), str(a))
        last = month_end(y, a)
        return day_period(shift_months(date(y, a, 1), 1 - n), last, raw, "range"), "absolute", ()
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
        return month_period(year, first, last, raw), "absolute", ()
    return None, "relative", ("months", str(first), str(last), rel)


def _meaning_rest(  # noqa: C901, PLR0912  (one rule after another, in their order)
    name: str, g: dict[str, str | None], raw: str, y: int | None, rel: str
) -> tuple[Period | None, Kind, tuple[str, ...]]:
    if name == "same_of":
        return None, "same", (rel, g["y"] or "", g["y2"] or "")
    if name in {"same", "same_ref"}:
        return None, "same", ("", "", "")
    if name == "year_range":
        a, b = int(g["y1"] or 0), int(g["y2"] or 0)
        return (day_period(date(a, 1, 1), date(b, 12, 31), raw) if a < b else None), "absolute", ()
    if name == "decade" and y:
        return day_period(date(y, 1, 1), date(y + 9, 12, 31), raw), "absolute", ()
    if name in {"year", "level"} and y:
        return year_period(y, raw), "absolute", ()
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
        return (
            None,
            "relative",
            (
                (g["u"] or ""),
                {"current": "this", "earlier this": "this", "later this": "this", "coming": "next"}.get(rel, rel),
            ),
        )
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
        return day_period(day, day, raw, "day"), "absolute", ()
    if g["m"]:
        month = month_number(g["m"])
        if g["my"]:
            last = month_end(int(g["my"]), month)
            return day_period(last, last, raw, "day"), "absolute", ()
        return None, "relative", ("months", str(month), str(month), "")
    return None, "relative", ("year", {"the": "this"}.get(rel, rel))
