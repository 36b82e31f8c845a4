"""The register of promises: what was promised, how far it has come, and by which rule that is said.

kept         the target was reached by its deadline, or with none; or an event did what was promised
kept late    the same, after the deadline
under way    not reached; growth so far is at least the growth still needed, or a first step has been taken
behind       not reached; growth so far is less than needed, or promised again a year later with nothing done
missed       the deadline has passed and what was observed for it is less
open         no deadline, or too early to tell; not reached
no trace     measurable, and nothing was recorded after it within a year
too vague    nothing in it can be measured or seen to happen

A promise made again is one row with a history; making it again changes neither its first day nor its first deadline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from karavan.evidence.fulfilment import Deed, deeds, fitting
from karavan.evidence.records import parse_interval
from karavan.evidence.series import (
    YEAR_DAYS,
    Observation,
    Series,
    amount,
    observations,
    period_words,
    series_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from karavan.evidence.ledger.entry import LedgerEntry

Status = Literal["kept", "kept late", "under way", "behind", "missed", "open", "no trace", "too vague"]

SOFT = {"possibility": "a possibility", "expectation": "an expectation", "proposal": "a proposal"}  # not promised
CHECKABLE = {"build", "open", "launch", "sign", "visit", "supply"}
ALIKE = 0.5  # share of common words from which two objects without a quantity are one promise
STALE_DAYS = 365
DAYS_PER_YEAR = 365.2425


@dataclass(frozen=True, slots=True)
class Said:
    """One occasion on which a promise was made."""

    fact: str
    published: str | None
    speaker: str
    deadline: str | None
    quote: str
    document: str
    status: str


@dataclass(frozen=True, slots=True)
class Promise:
    """One row of the register. Amounts are in `unit`, growth in percent a year; None where there is none.

    `binding` is False for what was only said to be possible, expected or proposed. `observed` are the ids of the facts
    that the status rests on.
    """

    title: str
    by: tuple[str, ...]
    areas: tuple[str, ...]
    modality: str
    binding: bool
    target: float | None
    unit: str
    target_note: str
    deadline: str | None
    latest: float | None
    latest_period: str
    share_pct: float | None
    growth_needed_pct: float | None
    growth_seen_pct: float | None
    status: Status
    rule: str
    observed: tuple[str, ...]
    history: tuple[Said, ...]

    @property
    def fact(self) -> str:
        """Id of the first time it was said."""
        return self.history[0].fact


@dataclass(slots=True)
class _Row:
    """A promise while its repeats are gathered."""

    series: Series
    words: frozenset[str]
    said: list[LedgerEntry] = field(default_factory=list)


def promises(entries: Iterable[LedgerEntry], *, today: date | None = None) -> list[Promise]:
    """Return the register on a day (today by default), from all facts of a ledger or of a view of it.

    Ordered by areas, then by the day on which it was first said.
    """
    day = today or date.today()  # noqa: DTZ011 (deadlines are days, not moments)
    facts = [e for e in entries if e["status"] in {"accepted", "partial"}]
    seen = [o for o in observations(facts) if not o.data.get("derived")]
    done = deeds(facts)
    rows = [_judged(row, seen, done, day) for row in _gathered(e for e in facts if e["kind"] == "commitment")]
    return sorted(rows, key=lambda p: (p.areas, p.history[0].published or "9999", p.title, p.target or 0.0, p.fact))


def _gathered(said: Iterable[LedgerEntry]) -> list[_Row]:
    """Gather repeats of a promise, the earliest first."""
    rows: list[_Row] = []
    for entry in sorted(said, key=lambda e: (str(e["published"] or "9999"), e.seq)):
        series, words = series_of(entry.data), content_words(str(entry["object"] or entry["quote"] or ""))
        for row in rows:
            if _repeats(row, entry, series, words):
                row.said.append(entry)
                break
        else:
            rows.append(_Row(series, words, [entry]))
    return rows


def _repeats(row: _Row, entry: LedgerEntry, series: Series, words: frozenset[str]) -> bool:
    first = row.said[0]
    if (first["modality"] in SOFT) != (entry["modality"] in SOFT) or row.series.areas != series.areas:
        return False
    one, other = first["value"], entry["value"]
    if one is not None or other is not None:
        same = (row.series.indicator, row.series.direction, row.series.product, row.series.unit, row.series.place)
        if same != (series.indicator, series.direction, series.product, series.unit, series.place):
            return False
        return one is not None and other is not None and abs(one - other) <= 1e-6 * abs(one)
    if first["action"] != entry["action"]:
        return False
    union = len(row.words | words)
    return bool(union) and len(row.words & words) / union >= ALIKE


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that say what it is about, folded.

    Examples
    --------
    >>> sorted(content_words("the construction of a terminal at the port"))
    ['construction', 'port', 'terminal']
    """
    small = {
        "the",
        "and",
        "for",
        "with",
        "from",
        "this",
        "that",
        "our",
        "their",
        "its",
        "will",
        "new",
        "between",
        "into",
    }
    return frozenset(w for w in re.findall(r"[a-z]{3,}", text.casefold()) if w not in small)


def _judged(row: _Row, seen: Sequence[Observation], done: Sequence[Deed], day: date) -> Promise:
    first = row.said[0].data
    history = tuple(_said(e) for e in row.said)
    known = [s.deadline for s in history if s.deadline]
    deadline = known[0] if known else None
    made = date.fromisoformat(history[0].published) if history[0].published else None
    target, note = _target(first, row.series, seen, made)
    if target is not None:
        outcome = _measured(target, _observed_series(row.series, seen), seen, made, _day(deadline), day)
        if outcome.facts and _observed_series(row.series, seen) != row.series:
            outcome = replace(outcome, rule=f"{outcome.rule}; judged by what is carried, for no capacity is recorded")
    else:
        outcome = _seen_to_happen(row, done, made, _day(deadline), day)
    modality = str(first.get("modality") or "")
    by = tuple(dict.fromkeys(x for s in history for x in (s.speaker,) if x)) or tuple(first.get("actors") or ())
    series = row.series
    return Promise(
        title=_title(first, series), by=by, areas=series.areas,
        modality=modality, binding=modality not in SOFT, target=target,
        unit=outcome.unit or ("" if series.unit == "{x}" else series.unit),
        target_note=note, deadline=deadline, latest=outcome.latest, latest_period=outcome.period,
        share_pct=None if not target or outcome.latest is None else 100 * outcome.latest / target,
        growth_needed_pct=outcome.needed, growth_seen_pct=outcome.grown, status=outcome.status,
        rule=outcome.rule + (f"; {SOFT[modality]}, not a promise" if modality in SOFT else ""),
        observed=outcome.facts, history=history,
    )  # fmt: skip


def _title(first: Mapping[str, Any], series: Series) -> str:
    """Return what is promised: its series in words where there is a quantity, else the words of its object."""
    if first.get("value") is not None and series.indicator:
        return series.title()
    return str(first.get("object") or series.title() or first.get("quote"))


def _end(o: Observation) -> date:
    return o.last or date.max


def _said(entry: LedgerEntry) -> Said:
    data = entry.data
    actors = data.get("actors") or [""]
    return Said(
        entry.id, data.get("published"), str(data.get("speaker") or actors[0]), data.get("deadline"),
        str(data.get("quote") or ""), str(data.get("document") or ""), str(data["status"]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: Status
    rule: str
    latest: float | None = None
    period: str = ""
    needed: float | None = None
    grown: float | None = None
    facts: tuple[str, ...] = ()
    unit: str = ""


def _target(
    first: Mapping[str, Any], series: Series, seen: Sequence[Observation], made: date | None
) -> tuple[float | None, str]:
    """Return the target in the unit of its series; "twice" needs a level to start from, which is named."""
    value = first.get("value") if first.get("value") is not None else first.get("low")
    things = not series.unit and not series.indicator.endswith("_count")  # "a terminal": seen to happen, not measured
    if value is None or things:
        return None, ""
    if series.unit != "{x}":
        return float(value), ""
    before = [o for o in _years(series, seen) if o.last and (made is None or o.last <= made)]
    if not before:
        return None, ""
    base = before[-1]
    words = f"{value:g} times {base.words()} of {period_words(base.first, base.last)}: derived, the base was not named"
    return float(value) * base.value, words


def _observed_series(series: Series, seen: Sequence[Observation]) -> Series:
    """Return the series a promise is judged by: its own, or for a capacity that nobody reports, what is carried."""
    if series.indicator != "capacity" or _years(series, seen):
        return series
    for indicator in ("freight", "transit", "container_traffic"):
        carried = replace(series, indicator=indicator)
        if _years(carried, seen):
            return carried
    return series


def _years(series: Series, seen: Sequence[Observation]) -> list[Observation]:
    """Return the values of a series for whole years, one a year (the surest, then the latest said), in time."""
    best: dict[date, Observation] = {}
    for o in sorted(seen, key=lambda o: (o.sure, str(o.data.get("published") or ""), o.facts)):
        if o.days >= YEAR_DAYS and o.days <= 370 and o.last and _same_subject(o.series, series):
            best[o.last] = o
    return [best[d] for d in sorted(best)]


def _same_subject(seen: Series, wanted: Series) -> bool:
    unit = wanted.unit in {"{x}", seen.unit}
    mine = (seen.indicator, seen.areas, seen.direction, seen.product, seen.place, seen.kind)
    return unit and mine == (wanted.indicator, wanted.areas, wanted.direction, wanted.product, wanted.place, "level")


def _measured(
    target: float, series: Series, seen: Sequence[Observation], made: date | None, deadline: date | None, day: date,
) -> _Outcome:  # fmt: skip
    """Judge a promise with a quantity by the values observed."""
    years = [o for o in _years(series, seen) if o.last and o.last <= day]
    parts = [o for o in seen if _same_subject(o.series, series) and 0 < o.days < YEAR_DAYS and o.last and o.last <= day]
    after = [o for o in (*years, *sorted(parts, key=_end)) if made is None or (o.last and o.last >= made)]
    after = after if made is not None else years[-1:]
    reached = next((o for o in after if o.value >= target * (1 - 1e-9)), None)
    if not years:
        return _unobserved(made, deadline, day)
    latest = years[-1]
    facts = latest.facts
    fresh = [o for o in parts if o.last and latest.last and o.last > latest.last]
    so_far = f"; {fresh[-1].words()} in {period_words(fresh[-1].first, fresh[-1].last)}" if fresh else ""
    base = _Outcome(
        "open", "", latest.value, period_words(latest.first, latest.last), None, None, facts, latest.series.unit
    )
    if reached is not None and reached.last is not None:
        late = deadline is not None and reached.last > deadline
        when = period_words(reached.first, reached.last)
        rule = f"{reached.words()} in {when} reaches {amount(target, latest.series.unit)}"
        rule += f", after {deadline}" if late else ""
        return _with(base, "kept late" if late else "kept", rule, facts=tuple(dict.fromkeys((*reached.facts, *facts))))
    if deadline is None:
        words = "no deadline; not reached" + (
            "" if after else "; nothing observed for a year that ended after it was said"
        )
        return _with(base, "open", words + so_far)
    if deadline < day:
        due = [o for o in years if o.last and o.last >= deadline]
        if not due and (day - deadline).days < STALE_DAYS:
            return _with(base, "open", f"the deadline {deadline} has just passed; no value for it is recorded yet")
        if not due:
            return _with(base, "no trace", f"the deadline {deadline} has passed and nothing is recorded for it")
        when, share = period_words(due[0].first, due[0].last), 100 * due[0].value / target
        rule = f"{due[0].words()} in {when}, when it was due, is {share:.0f} % of the target"
        return _with(base, "missed", rule)
    return _racing(base, target, years, made, deadline)


def _racing(base: _Outcome, target: float, years: Sequence[Observation], made: date | None, deadline: date) -> _Outcome:
    """Compare the growth still needed a year with the growth seen: last year's, or since the promise, if higher."""
    latest = years[-1]
    needed = growth_needed(latest, target, deadline)
    before = [o for o in years if made and o.last and o.last <= made] or list(years[:1])
    starts = [o for o in (before[-1], years[-2] if len(years) > 1 else None) if o is not None and o is not latest]
    rates = [r for r in (_yearly(o, latest) for o in starts) if r is not None]
    rates += [float(latest.data["change_pct"])] if latest.data.get("change_pct") is not None else []
    if needed is None:
        return _with(base, "open", "the latest value is nought, or the deadline falls in the same period")
    if not rates:
        return _with(
            base, "open", f"needs {needed:.1f} % a year; only one year is observed, so no growth is known", needed
        )
    grown = max(rates)
    rule = f"needs {needed:.1f} % a year until {deadline}; grew {grown:.1f} % a year"
    return _with(base, "under way" if grown >= needed else "behind", rule, needed, grown)


def growth_needed(latest: Observation, target: float, deadline: date) -> float | None:
    """Return the growth in percent a year that brings the latest value to the target in the deadline's year."""
    if latest.last is None or latest.value <= 0 or target <= 0:
        return None
    years = (deadline - latest.last).days / DAYS_PER_YEAR
    if years < 0.01:
        return None
    return 100 * float((target / latest.value) ** (1 / years) - 1)


def _yearly(start: Observation, end: Observation) -> float | None:
    if start.last is None or end.last is None or start.value <= 0 or end.value <= 0:
        return None
    years = (end.last - start.last).days / DAYS_PER_YEAR
    return 100 * float((end.value / start.value) ** (1 / years) - 1) if years > 0.5 else None


def _unobserved(made: date | None, deadline: date | None, day: date) -> _Outcome:
    due = min(x for x in (deadline, date.fromordinal(made.toordinal() + STALE_DAYS) if made else day, day) if x)
    if made is not None and due >= day:
        return _Outcome("open", "said less than a year ago; nothing observed yet")
    return _Outcome("no trace", "no value of this series is recorded")


def _seen_to_happen(row: _Row, done: Sequence[Deed], made: date | None, deadline: date | None, day: date) -> _Outcome:
    """Judge a promise without a quantity by events that did it."""
    first, last = row.said[0].data, row.said[-1].data
    if row.series.unit == "{x}":
        return _Outcome("too vague", "a multiple of a level that is neither named nor recorded")
    fit = fitting(first, row.words, done, made)
    finished = next((d for d in fit if d.finishes), None)
    if finished is not None:
        late = deadline is not None and finished.day is not None and finished.day > deadline
        rule = f"done: {finished.words}" + (f", after {deadline}" if late else "")
        return _Outcome("kept late" if late else "kept", rule, facts=(finished.fact,))
    if fit:
        return _Outcome("under way", f"a first step: {fit[0].words}", facts=(fit[0].fact,))
    if first.get("action") not in CHECKABLE and deadline is None:
        return _Outcome("too vague", "no quantity, no deadline, and nothing that could be seen to happen")
    again = str(last.get("published") or "")
    if made is not None and again and (date.fromisoformat(again) - made).days >= STALE_DAYS:
        return _Outcome("behind", f"promised again on {again}, with nothing recorded as done since {made}")
    if deadline is not None and deadline < day:
        return _Outcome("no trace", f"the deadline {deadline} has passed and no event is recorded that did it")
    if made is None or (day - made).days > STALE_DAYS:
        return _Outcome("no trace", "no event is recorded after it that did it")
    return _Outcome("open", "said less than a year ago; nothing recorded yet")


def _with(
    base: _Outcome, status: Status, rule: str, needed: float | None = None, grown: float | None = None, *,
    facts: tuple[str, ...] | None = None,
) -> _Outcome:  # fmt: skip
    return _Outcome(
        status, rule, base.latest, base.period, needed, grown, base.facts if facts is None else facts, base.unit
    )


def _day(text: str | None) -> date | None:
    return parse_interval(text)[1]
