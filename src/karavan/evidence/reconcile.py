"""Do the figures add up? Facts about the same series, compared with their bounds; every verdict shows its arithmetic.

Verdicts, in the order in which they are tried:

agree                  the bounds meet and the values are equal, or one bound allows the other value
rounding               the bounds meet although the values differ: written with fewer digits, or cut off
different definition   they count different things ("non-oil")
different calendar     years that begin on different days
different reporter     mirror statistics, or two offices: both stay
revised                the same reporter, later, by at most a fifth
unresolved             a slot is missing or ambiguous, or an open bound ("over") says too little
contradiction          none of these explains it
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from karavan.evidence.implied import implied_levels
from karavan.evidence.series import Observation, Series, amount, observations, period_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from karavan.evidence.ledger.entry import LedgerEntry

Kind = Literal[
    "agree", "rounding", "different definition", "different calendar", "different reporter", "revised", "unresolved",
    "contradiction",
]  # fmt: skip
Check = Literal["same series", "implied level", "growth", "parts and total", "part of the period", "neighbouring years"]

REVISION = 0.2  # a reporter's later figure may differ by this share and still be a revision
SLACK = 0.001  # parts may miss their total by this share: they were rounded before they were added
NEAR = 0.01  # a derived value this near to a said one is no contradiction
OPEN = 1.5  # "over 340" says nothing about a value this many times as high
SHIFT_DAYS = 100  # years of two calendars begin at most this far apart
SWING = 2.0  # a level that doubles or halves within a year unremarked is asked about
FLOWS = {"trade_turnover", "export", "import", "transit", "freight", "freight_turnover", "container_traffic"}
TROUBLE = frozenset({"contradiction", "unresolved", "different definition", "different calendar", "different reporter"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comparing some facts came to. `facts` are ids, `arithmetic` the reckoning in words.

    `values` are the numbers compared, in the unit of the series.
    """

    verdict: Kind
    check: Check
    series: str
    period: str
    facts: tuple[str, ...]
    arithmetic: str
    values: tuple[float, ...] = ()
    derived: bool = False

    @property
    def trouble(self) -> bool:
        """Whether a reader should know of it."""
        return self.verdict in TROUBLE


def reconcile(entries: Iterable[LedgerEntry]) -> list[Verdict]:
    """Compare all figures of the same series and everything that follows from them, the gravest verdicts first."""
    seen = distinct([o for o in observations(entries) if not o.data.get("derived")])
    levels = [o for o in seen if o.series.kind in {"level", "cumulative"}]
    growth = [o for o in seen if o.series.kind == "growth"]
    implied = implied_levels(levels, growth)
    shares = [o for o in seen if o.series.kind not in {"level", "cumulative", "growth"}]
    verdicts = [
        *_same_series([*levels, *shares], "same series"),
        *_same_series(growth, "growth"),
        *_implied(implied, levels),
        *_directions(levels),
        *_parts_of_period(levels),
        *_neighbours(levels, implied),
    ]
    order = (
        "contradiction",
        "unresolved",
        "different definition",
        "different calendar",
        "different reporter",
        "revised",
    )
    rank = {kind: k for k, kind in enumerate(order)}
    return sorted(_merged(verdicts), key=lambda v: (rank.get(v.verdict, 9), v.series, v.period, v.facts))


def _merged(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Make one verdict of those that compare the same two numbers; it rests on the facts of all."""
    found: dict[tuple[object, ...], Verdict] = {}
    for v in verdicts:
        key = (v.verdict, v.check, v.series, v.period, tuple(sorted(round(x, 6) for x in v.values)))
        known = found.get(key)
        found[key] = v if known is None else replace(known, facts=tuple(dict.fromkeys((*known.facts, *v.facts))))
    return list(found.values())


def distinct(seen: Sequence[Observation]) -> list[Observation]:
    """Merge what is one saying: the same value of one document, or the same words in several (a copied article).

    A copy adds no support. The first one stands for all.
    """
    kept: dict[tuple[object, ...], Observation] = {}
    for o in seen:
        words = " ".join(str(o.data.get("quote") or "").casefold().split())
        key = (o.series, o.first, o.last, round(o.value, 6), words)
        by_document = (o.series, o.first, o.last, round(o.value, 6), o.data.get("address") or o.data.get("document_id"))
        if key not in kept and by_document not in kept:
            kept[key] = kept[by_document] = o
    return list({id(o): o for o in kept.values()}.values())


def compare(a: Observation, b: Observation) -> tuple[Kind, str]:
    """Return the verdict on two values of one series and the arithmetic in words."""
    said = f"{a.words()} ({_who(a)}) against {b.words()} ({_who(b)})"
    if a.bounds.meets(b.bounds):
        return _meeting(a, b, said)
    if (a.derived or b.derived) and abs(a.value - b.value) <= NEAR * abs(b.value):
        return "rounding", f"{said}: {_gap(a, b)}; a base is often revised by as much before a change is published"
    if _cut_off(a.value, b.value) or _cut_off(b.value, a.value):
        return "rounding", f"{said}: the shorter number is the longer one cut off after its last digit"
    said += f": {_gap(a, b)}"
    said += _unnamed(a, b)
    one, other = (str(o.data.get("definition") or "all") for o in (a, b))
    if one.casefold() != other.casefold():
        return "different definition", f"{said}; one counts {one}, the other {other}"
    if not _same_days(a, b):
        return "different calendar", f"{said}; {period_words(a.first, a.last)} against {period_words(b.first, b.last)}"
    who_a, who_b = _reporter(a), _reporter(b)
    if who_a and who_b and who_a.casefold() != who_b.casefold():
        return "different reporter", f"{said}; counted by {who_a} and by {who_b}"
    if _revised(a, b):
        return "revised", f"{said}; the later figure of the same reporter replaces the earlier"
    if not (a.sure and b.sure):
        reasons = "; ".join(str(o.data.get("reason") or "a slot is missing") for o in (a, b) if not o.sure)
        return "unresolved", f"{said}; not both are certain: {reasons}"
    return "contradiction", said


def _meeting(a: Observation, b: Observation, said: str) -> tuple[Kind, str]:
    for o, other in ((a, b), (b, a)):
        if math.isinf(o.bounds.high) and math.isfinite(other.bounds.high) and other.value > OPEN * o.value > 0:
            return "unresolved", (
                f"{said}: {o.words()} does not exclude it, but it is {other.value / o.value:.1f} times as much"
            )
    if math.isclose(a.value, b.value, rel_tol=1e-9):
        return "agree", f"{said}: equal"
    plain = {a.comparator, b.comparator} <= {"="} and not (a.derived or b.derived)
    if plain:
        return "rounding", f"{said}: {_gap(a, b)}, within half of the last digit written"
    return "agree", f"{said}: {_gap(a, b)}, within what the words allow"


def _same_series(seen: Sequence[Observation], check: Check) -> list[Verdict]:
    """Compare values of one series whose periods are equal, or equal but for the calendar."""
    groups: dict[Series, list[Observation]] = {}
    for o in seen:
        if o.first is not None and o.last is not None and (o.series.areas or o.series.place):
            groups.setdefault(o.series, []).append(o)
    found = []
    for series, members in groups.items():
        ordered = sorted(members, key=lambda o: (o.first, o.last, o.facts))
        for k, a in enumerate(ordered):
            for b in ordered[k + 1 :]:
                if a.first and b.first and (b.first - a.first).days > SHIFT_DAYS:
                    break
                if a.facts != b.facts and _comparable(a, b):
                    found.append(_verdict(check, series, a, b))
    return found


def _verdict(check: Check, series: Series, a: Observation, b: Observation) -> Verdict:
    kind, words = compare(a, b)
    facts = tuple(dict.fromkeys((*a.facts, *b.facts)))
    derived = bool(a.derived or b.derived)
    for o in (a, b):
        words += f". Derived: {o.derived}" if o.derived else ""
    return Verdict(
        kind, check, series.title(), period_words(a.first, a.last), facts, words, (a.value, b.value), derived
    )


def _comparable(a: Observation, b: Observation) -> bool:
    """Periods are equal, or as long and shifted as two calendars are."""
    if _same_days(a, b):
        return True
    if min(a.days, b.days) < 80 or not (a.first and b.first and a.last and b.last):
        return False
    shifted = abs((a.first - b.first).days) <= SHIFT_DAYS and abs((a.last - b.last).days) <= SHIFT_DAYS
    return shifted and abs(a.days - b.days) <= 20 and _calendar(a) != _calendar(b)


def _calendar(o: Observation) -> str:
    """Return "year" for periods of whole Gregorian months, else what was said or the first day's month and day."""
    if o.first is None or o.first.day == 1:
        return "gregorian"
    return str(o.data.get("calendar") or "other").replace("gregorian", "other")


def _same_days(a: Observation, b: Observation) -> bool:
    if not (a.first and b.first and a.last and b.last):
        return False
    return abs((a.first - b.first).days) <= 2 and abs((a.last - b.last).days) <= 2


def _implied(implied: Sequence[Observation], levels: Sequence[Observation]) -> list[Verdict]:
    """Compare each implied level with what was said of the same period."""
    found = []
    for o in implied:
        for said in levels:
            if o.series == said.series and not set(said.facts) <= set(o.facts) and _comparable(o, said):
                found.append(_verdict("implied level", o.series, o, said))  # noqa: PERF401
    return found


def _directions(levels: Sequence[Observation]) -> list[Verdict]:
    """Compare exports both ways with the turnover of the same period, unit and definition."""
    ways: dict[tuple[object, ...], dict[str, list[Observation]]] = {}
    for o in levels:
        s = o.series
        if s.indicator == "export" and s.direction:
            ways.setdefault((s.areas, s.product, s.unit, s.kind), {}).setdefault(s.direction, []).append(o)
    found = []
    for total in levels:
        s = total.series
        if s.indicator != "trade_turnover" or total.first is None:
            continue
        both = ways.get((s.areas, s.product, s.unit, s.kind), {})
        if len(both) != 2:
            continue
        (one, other) = (_best(parts, total) for parts in both.values())
        if one is not None and other is not None:
            found.append(_sum_verdict(total, (one, other)))
    return found


def _best(parts: Sequence[Observation], total: Observation) -> Observation | None:
    """Return the part that goes best with a total: same days, and of the same document or reporter if there is one."""
    fit = [p for p in parts if _same_days(p, total)]
    return min(
        fit, default=None,
        key=lambda p: (p.data.get("address") != total.data.get("address"), _reporter(p) != _reporter(total), p.facts),
    )  # fmt: skip


def _sum_verdict(total: Observation, parts: Sequence[Observation]) -> Verdict:
    value = sum(p.value for p in parts)
    low, high = sum(p.bounds.low for p in parts), sum(p.bounds.high for p in parts)
    unit = total.series.unit
    words = (
        f"{' + '.join(amount(p.value, unit) for p in parts)} = {amount(value, unit)}; the total said is {total.words()}"
    )
    meets = (low <= total.bounds.high and total.bounds.low <= high) or abs(value - total.value) <= SLACK * abs(value)
    reporters = {r.casefold() for r in map(_reporter, (total, *parts)) if r}
    if meets:
        kind: Kind = "agree" if math.isclose(value, total.value, rel_tol=1e-9) else "rounding"
    elif len(reporters) > 1:
        kind, words = "different reporter", f"{words}; counted by {' and by '.join(sorted(reporters))}"
    elif not all(o.sure for o in (total, *parts)):
        kind = "unresolved"
    else:
        kind = "contradiction"
    if not meets:
        words += f", {amount(abs(value - total.value), unit)} off"
    facts = tuple(dict.fromkeys(f for o in (total, *parts) for f in o.facts))
    return Verdict(
        kind,
        "parts and total",
        total.series.title(),
        period_words(total.first, total.last),
        facts,
        words,
        (value, total.value),
    )


def _parts_of_period(levels: Sequence[Observation]) -> list[Verdict]:
    """Check that no part of a year holds more than the year, and that parts which make it up sum to it."""
    groups: dict[Series, list[Observation]] = {}
    for o in levels:
        if o.days and o.series.indicator in FLOWS and (o.series.areas or o.series.place):
            groups.setdefault(o.series, []).append(o)
    found = []
    for members in groups.values():
        for whole in members:
            inside = [p for p in members if p.days < whole.days - 5 and _within(p, whole)]
            found += [_too_much(p, whole) for p in inside if p.bounds.low > whole.bounds.high]
            tiles = _tiling(inside, whole)
            if tiles:
                found.append(_sum_verdict(whole, tiles))
    return found


def _within(part: Observation, whole: Observation) -> bool:
    assert part.first  # noqa: S101 (it has days)
    assert part.last  # noqa: S101 (it has days)
    assert whole.first  # noqa: S101 (it has days)
    assert whole.last  # noqa: S101 (it has days)
    return part.first >= whole.first and part.last <= whole.last


def _too_much(part: Observation, whole: Observation) -> Verdict:
    words = (
        f"{part.words()} in {period_words(part.first, part.last)} ({_who(part)}) is more than {whole.words()} in all "
        f"of {period_words(whole.first, whole.last)} ({_who(whole)})"
    )
    one, other = _reporter(part), _reporter(whole)
    kind: Kind = "different reporter" if one and other and one.casefold() != other.casefold() else "contradiction"
    if (part.data.get("definition") or "") != (whole.data.get("definition") or ""):
        kind = "different definition"
    elif kind == "contradiction" and not (part.sure and whole.sure):
        kind = "unresolved"
    days = period_words(whole.first, whole.last)
    return Verdict(
        kind,
        "part of the period",
        whole.series.title(),
        days,
        (*part.facts, *whole.facts),
        words,
        (part.value, whole.value),
    )


def _tiling(inside: Sequence[Observation], whole: Observation) -> list[Observation]:
    """Return observations that follow one another without a gap over the whole period, else nothing."""
    assert whole.first  # noqa: S101 (it has days)
    assert whole.last  # noqa: S101 (it has days)
    at, tiles = whole.first.toordinal(), []
    own = [p for p in inside if _reporter(p) == _reporter(whole) and not p.derived]
    while at <= whole.last.toordinal():
        fit = [p for p in own if p.first and p.first.toordinal() == at]
        if not fit:
            return []
        best = min(fit, key=lambda p: (p.days, p.facts))
        tiles.append(best)
        at += best.days
    return tiles


def _neighbours(levels: Sequence[Observation], implied: Sequence[Observation]) -> list[Verdict]:
    """Ask about an implied level that is half or double of what was said for the year before or after."""
    found = []
    for o in implied:
        for said in levels:
            if said.series != o.series or not (o.first and said.first and o.last and said.last):
                continue
            apart = (o.first.year - said.first.year, o.last.year - said.last.year)
            if apart not in {(1, 1), (-1, -1)} or abs(o.days - said.days) > 5 or set(said.facts) & set(o.facts):
                continue
            ratio = max(o.value, said.value) / min(o.value, said.value) if min(o.value, said.value) > 0 else math.inf
            if ratio < SWING:
                continue
            earlier, later = sorted((o, said), key=lambda x: str(x.first))
            change = 100 * (later.value / earlier.value - 1)
            words = (
                f"{amount(earlier.value, o.series.unit)} for {period_words(earlier.first, earlier.last)}, "
                f"{amount(later.value, o.series.unit)} for {period_words(later.first, later.last)}: {change:+.0f} % "
                f"within a year, which nobody mentions. Derived: {o.derived}"
            )
            facts = tuple(dict.fromkeys((*o.facts, *said.facts)))
            days = period_words(o.first, o.last)
            found.append(
                Verdict(
                    "unresolved",
                    "neighbouring years",
                    o.series.title(),
                    days,
                    facts,
                    words,
                    (o.value, said.value),
                    derived=True,
                )
            )
    return found


def _reporter(o: Observation) -> str:
    """Return whose count it is: the reporter named, else the speaker's state where it is one of the areas."""
    if o.data.get("reporter"):
        return str(o.data["reporter"])
    state = str(o.data.get("speaker_country") or "")
    return state if state in o.series.areas else ""


def _who(o: Observation) -> str:
    if o.derived:
        return "derived"
    keys = ("reporter", "speaker", "publisher", "title", "document")
    name = next((str(o.data[k]) for k in keys if o.data.get(k)), "")
    name = name if len(name) <= 60 else f"{name[:57].rstrip()}..."
    day = str(o.data.get("published") or "")
    return ", ".join(x for x in (name, "" if day in name else day) if x) or o.facts[0]


def _unnamed(a: Observation, b: Observation) -> str:
    """Say so where one side's count has a name and the other's has none: it may be another office's."""
    if bool(_reporter(a)) == bool(_reporter(b)):
        return ""
    return f"; {_reporter(a) or _reporter(b)} counted one, whose count the other is was not said"


def _gap(a: Observation, b: Observation) -> str:
    small, large = sorted((abs(a.value), abs(b.value)))
    if a.series.kind == "growth":
        return f"{abs(a.value - b.value):.3g} percentage points apart"
    share = f", {large / small:.2f} times" if small > 0 else ""
    return f"{amount(abs(a.value - b.value), a.series.unit)} apart{share}"


def _cut_off(short: float, long: float) -> bool:
    """Tell whether a number is another one cut off, not rounded: 230 for 237."""
    if short in (long, 0) or long == 0 or (short < 0) != (long < 0) or abs(short) > abs(long):
        return False
    from karavan.evidence.series import last_digit

    step = last_digit(short)
    return (
        step > last_digit(long)
        and math.floor(abs(long) / step + 1e-9) == round(abs(short) / step)
        and step <= 0.1 * abs(long)
    )


def _revised(a: Observation, b: Observation) -> bool:
    days = [o.data.get("published") for o in (a, b)]
    known = bool(_reporter(a)) and _reporter(a).casefold() == _reporter(b).casefold()
    if not known or None in days or days[0] == days[1] or min(abs(a.value), abs(b.value)) == 0:
        return False
    return abs(a.value - b.value) / min(abs(a.value), abs(b.value)) <= REVISION
