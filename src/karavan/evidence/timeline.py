"""One series on one time axis: what was said, what follows from it, and what was aimed at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from karavan.errors import NameNotFound
from karavan.evidence.implied import implied_levels
from karavan.evidence.reconcile import distinct
from karavan.evidence.series import Observation, amount, observations, period_words, series_of
from karavan.evidence.table_words import INDICATORS, area_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from karavan.evidence.ledger.entry import LedgerEntry
    from karavan.evidence.ledger.view import View

Layer = Literal["said", "implied", "target"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A series as asked for: indicator, areas (alpha-3 or bloc ids), and a direction for goods one way, else ""."""

    indicator: str
    areas: tuple[str, ...]
    direction: str = ""

    def title(self) -> str:
        """Return the series in words."""
        return f"{self.indicator.replace('_', ' ')} {self.direction or '-'.join(self.areas)}"


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One value on the axis.

    `at` is the year it stands at (the middle of its period); `how` the reckoning of what is implied, and of a target
    what kind it is and when it was said.
    """

    layer: Layer
    at: float | None
    period: str
    value: float
    unit: str
    words: str
    who: str
    status: str
    fact: str
    quote: str
    how: str = ""


def parse_series(text: str) -> Wanted:
    """Understand "trade KZ-IR", "exports KAZ->IRN", "capacity TITR" or "trade Kazakhstan-Iran".

    Raises `NameNotFound` for an indicator or area that is not known.

    Examples
    --------
    >>> parse_series("trade KZ-IR")
    Wanted(indicator='trade_turnover', areas=('KAZ', 'IRN'), direction='')
    """
    word, _, where = text.strip().partition(" ")
    indicator = INDICATORS.get(word.casefold(), word if word in INDICATORS.values() else "")
    if not indicator:
        raise NameNotFound(word, "indicator", sorted(INDICATORS))
    one_way = re.search(r"->|→|\bto\b", where)
    areas = parse_areas(where)
    if not areas:
        raise NameNotFound(text, "series", ["trade KZ-IR", "exports KZ->IR"])
    direction = f"{areas[0]}->{areas[1]}" if one_way and len(areas) == 2 else ""
    return Wanted(indicator, areas, direction)


def parse_areas(text: str) -> tuple[str, ...]:
    """Understand areas by codes or names, apart by hyphen, comma, "and" or an arrow; one alone may be a place's id.

    Raises `NameNotFound` where one of several is not known.

    Examples
    --------
    >>> parse_areas("KZ-IR"), parse_areas("Kenya and UGA"), parse_areas("TITR")
    (('KAZ', 'IRN'), ('KEN', 'UGA'), ('TITR',))
    """
    codes = {k.casefold(): v for k, v in area_codes().items()}
    if text.strip().casefold() in codes:
        return (codes[text.strip().casefold()],)
    names = [n.strip() for n in re.split(r"->|→|\bto\b|[-–/,;]| and ", text) if n.strip()]
    for name in names if len(names) > 1 else []:
        if name.casefold() not in codes:
            near = [k for k in area_codes() if k[:2].casefold() == name[:2].casefold()]
            raise NameNotFound(name, "country or bloc", near[:5])
    return tuple(codes.get(name.casefold(), name) for name in names)


def timeline(view: View, wanted: Wanted, *, unit: str = "") -> list[SeriesPoint]:
    """Return the points of a series, by period; only those of one unit: the one given, else the commonest."""
    named = view.about(wanted.areas, indicator=wanted.indicator)
    if wanted.indicator == "export":
        named += view.about(wanted.areas, indicator="import")
    if not named and len(wanted.areas) == 1:
        named = view.about(place=wanted.areas[0], indicator=wanted.indicator)
    found = [e for e in named if e["status"] in {"accepted", "partial"} and _belongs(e, wanted)]
    seen = distinct([o for o in observations(found) if not o.data.get("derived")])
    levels = [o for o in seen if o.series.kind == "level" and not o.series.product]
    implied = [
        o for o in implied_levels(levels, [o for o in seen if o.series.kind == "growth"]) if not o.series.product
    ]
    points = [*_points(levels, "said"), *_points(implied, "implied"), *_targets(found)]
    units = [p.unit for p in points]
    chosen = unit or (max(sorted(set(units)), key=units.count) if units else "")
    return sorted(
        (p for p in points if p.unit == chosen),
        key=lambda p: (p.at is None, p.at or 0.0, ("said", "implied", "target").index(p.layer), p.value, p.fact),
    )


def _belongs(entry: LedgerEntry, wanted: Wanted) -> bool:
    series = series_of(entry.data)
    whole = len(wanted.areas) == 1 or set(series.areas) == set(wanted.areas)
    return whole and (not wanted.direction or series.direction == wanted.direction)


def _points(seen: list[Observation], layer: Layer) -> Iterator[SeriesPoint]:
    for o in seen:
        middle = (o.first.toordinal() + o.last.toordinal()) / 2 if o.first and o.last else None
        at = None if middle is None else round(1 + (middle - 1) / 365.2425, 2)
        keys = ("reporter", "speaker", "publisher", "title", "document")
        who = next((str(o.data[k]) for k in keys if o.data.get(k)), "")
        words = o.words()
        yield SeriesPoint(
            layer, at, period_words(o.first, o.last), o.value, o.series.unit, words, who, str(o.data["status"]),
            o.facts[0], str(o.data.get("quote") or ""), o.derived,
        )  # fmt: skip


def _targets(entries: list[LedgerEntry]) -> Iterator[SeriesPoint]:
    for e in entries:
        if e["kind"] != "commitment" or e["value"] is None or e["unit"] in {"{x}", "%"}:
            continue
        deadline = e["deadline"]
        at = int(str(deadline)[:4]) + 0.99 if deadline else None
        how = f"{e['modality']}, said {e['published'] or 'on an unknown day'}"
        who = str(e["speaker"] or ", ".join(e["actors"] or ()) or e["title"] or e["document"])
        yield SeriesPoint(
            "target", at, f"by {deadline}" if deadline else str(e["horizon"] or "no deadline"), float(e["value"]),
            str(e["unit"] or ""), amount(float(e["value"]), str(e["unit"] or "")), who, str(e["status"]), e.id,
            str(e["quote"] or ""), how,
        )  # fmt: skip
