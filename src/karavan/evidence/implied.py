"""Values that follow from what was said: a level and its change give the level before. Always marked as derived."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from karavan.evidence.records import parse_interval
from karavan.evidence.series import Bounds, Observation, amount, change_bounds, period_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def implied_levels(levels: Iterable[Observation], growth: Sequence[Observation]) -> list[Observation]:
    """Return the base levels that follow from a level and the change on its base, of one fact or of two.

    The change must be of the same series and period; bounds are carried through. 237 million at -37.2 % gives
    377.4 million for the year before.
    """
    by_subject: dict[tuple[object, ...], list[Observation]] = {}
    for level in levels:
        if not level.derived and level.series.kind in {"level", "cumulative"}:
            by_subject.setdefault(_subject(level), []).append(level)
    found: list[Observation] = []
    for change in growth:
        for level in _nearest(by_subject.get(_subject(change), []), change):
            derived = _base(level, change)
            if derived is not None and not any(_same(derived, other) for other in found):
                found.append(derived)
    return found


def _nearest(levels: list[Observation], change: Observation) -> list[Observation]:
    """Return the levels a change is said of: those of its own fact, else of its own source, else all."""
    own = [o for o in levels if o.facts == change.facts]
    source = change.data.get("address") or change.data.get("document_id")
    near = [o for o in levels if (o.data.get("address") or o.data.get("document_id")) == source]
    return own or near or levels


def base_period(change: Observation) -> tuple[date | None, date | None]:
    """Return the period a change is measured from: as said, else the same days a year before.

    A period of the Iranian year shifts in its own calendar only where that was said.
    """
    said = parse_interval(change.data.get("base_period"))
    if any(said):
        return said
    if change.first is None or change.last is None:
        return None, None
    return year_before(change.first), year_before(change.last)


def year_before(day: date) -> date:
    """Return the same day a year before; a month's last day stays the last.

    Examples
    --------
    >>> year_before(date(2024, 2, 29)), year_before(date(2021, 2, 28))
    (datetime.date(2023, 2, 28), datetime.date(2020, 2, 29))
    """
    following = day + timedelta(days=1)
    if following.day == 1:  # the month's last day
        return following.replace(year=following.year - 1) - timedelta(days=1)
    return day.replace(year=day.year - 1)


def _subject(seen: Observation) -> tuple[object, ...]:
    """Return what a level and its change must share; the unit decides only within one fact or when it is known."""
    s = seen.series
    return (s.indicator, s.areas, s.direction, s.product, s.place, seen.first, seen.last)


def _base(level: Observation, change: Observation) -> Observation | None:
    """Return the level a change started from; None where the two do not belong together or nothing follows."""
    if level.first is None or level.last is None or not _belong(level, change):
        return None
    limits = change_bounds(change.value)
    if limits.low <= -100:
        return None
    factor = 1 + change.value / 100
    value = level.value / factor
    low = level.bounds.low / (1 + limits.high / 100)
    high = level.bounds.high / (1 + limits.low / 100)
    first, last = base_period(change)
    unit = level.series.unit
    sign = "+" if change.value >= 0 else "-"
    span = f"{amount(low, unit)} to {amount(high, unit)}" if math.isfinite(high) else f"over {amount(low, unit)}"
    words = (
        f"{level.words()} / (1 {sign} {abs(change.value) / 100:.4g}) = {amount(value, unit)} "
        f"for {period_words(first, last)} ({span})"
    )
    facts = tuple(dict.fromkeys((*level.facts, *change.facts)))
    return replace(
        level, value=value, bounds=Bounds(low, high), first=first, last=last, facts=facts, derived=words,
        comparator=level.comparator if level.comparator in {">", ">=", "<", "<=", "~", "<~"} else "~",
    )  # fmt: skip


def _belong(level: Observation, change: Observation) -> bool:
    """Tell whether a change may be applied to a level: of one fact, or of two that count the same thing."""
    if level.facts == change.facts:
        return True
    alone = change.data.get("value") is None or change.data.get("transformation") == "change_pct"
    same = all((level.data.get(k) or "") == (change.data.get(k) or "") for k in ("definition", "calendar"))
    reporters = {str(o.data["reporter"]).casefold() for o in (level, change) if o.data.get("reporter")}
    return alone and same and len(reporters) < 2 and _money_or_named(level, change)


def _money_or_named(level: Observation, change: Observation) -> bool:
    """Tell whether a change is of this level's unit; of trade, with no unit said, it is of its value in money."""
    unit = change.series.unit.partition("|")[2]
    if unit:
        return unit == level.series.unit
    trade = level.series.indicator in {"trade_turnover", "export", "import"}
    return not trade or (len(level.series.unit) == 3 and level.series.unit.isupper())


def _same(a: Observation, b: Observation) -> bool:
    return (a.series, a.first, a.last) == (b.series, b.first, b.last) and math.isclose(a.value, b.value, rel_tol=1e-9)
