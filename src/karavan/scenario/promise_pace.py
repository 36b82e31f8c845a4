"""The pace of trade: the growth a year that a promise still needs, beside the best that was ever reached.

Growth over few years is faster than growth that lasts, so spans of like length are compared: the best growth a year
over any span as long as the one still ahead, and beside it the best of any span of a year or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from karavan.scenario.promise_types import Base, Target

PaceWords = Literal[
    "already reached", "within the best pace so far", "faster than ever for so long", "faster than ever",
    "cannot be judged",
]  # fmt: skip
LIKE = 0.25  # spans that differ by so large a part are of like length


@dataclass(frozen=True, slots=True)
class Span:
    """Growth between two years of a series, percent a year."""

    first: int
    last: int
    percent: float
    sources: tuple[str, ...]

    @property
    def years(self) -> int:
        """Length of the span."""
        return self.last - self.first

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"from": self.first, "to": self.last, "percent_per_year": self.percent, "sources": list(self.sources)}


@dataclass(frozen=True, slots=True)
class BaseRate:
    """How often others have grown so: pairs of countries with a turnover of 200 to 500 million USD, 1996 to 2016.

    `low`, `middle`, `high`: 5, 50 and 95 of 100 pairs grew by less than this factor in `years`.
    """

    years: int
    low: float
    middle: float
    high: float
    pairs: int


BASE_RATES = (BaseRate(4, 0.35, 1.18, 3.21, 2530), BaseRate(8, 0.37, 1.64, 6.33, 1818))
"""Bilateral exports of UN Comtrade as kept in the R package penppml, pairs with both directions reported."""
RATE_RANGE = (200e6, 500e6)


@dataclass(frozen=True, slots=True)
class TradePace:
    """The verdict on pace.

    Attributes
    ----------
    verdict, why
        The words, and the sum behind them.
    needed_percent
        Growth a year still needed from `base` to the target; None where it is reached, or no base is known.
    best_alike, best_ever
        The best growth over a span of like length, and over any span; None where the series is too short.
    peak
        The highest level of the series.
    base_rate
        What is known of other pairs, in words; empty where nothing is.
    """

    verdict: PaceWords
    why: str
    base: Base | None = None
    needed_percent: float | None = None
    best_alike: Span | None = None
    best_ever: Span | None = None
    peak: Base | None = None
    base_rate: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        parts = {n: getattr(self, n) for n in ("base", "best_alike", "best_ever", "peak")}
        return {
            "verdict": self.verdict, "why": self.why, "needed_percent": self.needed_percent,
            "base_rate": self.base_rate, **{n: None if p is None else p.to_json() for n, p in parts.items()},
        }  # fmt: skip


def trade_pace(target: Target, series: Iterable[Base]) -> TradePace:
    """Judge the pace that a target asks for by a series of levels, several a year allowed.

    Parameters
    ----------
    target
        With value, unit, year and the base it starts from.
    series
        Levels of the same thing in the same unit. Growth is only reckoned between levels of one name where a year has
        several (two counts of one year are no growth); else between the years' first levels.
    """
    levels = sorted((b for b in series if b.unit == target.unit and b.value > 0), key=lambda b: (b.year, -b.value))
    base, wanted, year = target.base, target.value, target.year
    if base is None or base.unit != target.unit or wanted is None or year is None or base.value <= 0:
        return TradePace("cannot be judged", "no level of a whole year is known to start from", base)
    peak = max((b for b in levels if _thing(b) == _thing(base)), key=lambda b: b.value, default=None)
    if base.value >= wanted:
        return TradePace("already reached", f"{base.name} is no less than the target", base, peak=peak)
    ahead = year - base.year
    if ahead < 1:
        why = f"no year is left between {base.name}, {base.value / wanted:.0%} of the target, and {year}"
        return TradePace("cannot be judged", why, base, peak=peak)
    needed = 100.0 * ((wanted / base.value) ** (1.0 / ahead) - 1.0)
    grown = spans(levels)
    alike = [s for s in grown if abs(s.years - ahead) <= LIKE * ahead]
    best_alike = max(alike, key=lambda s: s.percent, default=None)
    best_ever = max(grown, key=lambda s: s.percent, default=None)
    verdict = _words(needed, best_alike, best_ever)
    return TradePace(verdict, _why(needed, base, year, best_alike, best_ever, peak, wanted), base, needed, best_alike,
                     best_ever, peak, _base_rate(base, wanted, ahead))  # fmt: skip


def spans(levels: Sequence[Base]) -> list[Span]:
    """Return the growth between all pairs of years of a series; of several levels a year the first counts.

    Levels of another name (another thing counted) are not compared.
    """
    out = []
    by_name: dict[str, dict[int, Base]] = {}
    for b in levels:
        by_name.setdefault(_thing(b), {}).setdefault(b.year, b)
    for years in by_name.values():
        for a, b in combinations([years[y] for y in sorted(years)], 2):
            percent = 100.0 * ((b.value / a.value) ** (1.0 / (b.year - a.year)) - 1.0)
            out.append(Span(a.year, b.year, percent, (*a.sources, *b.sources)))
    return out


def _thing(base: Base) -> str:
    """Return what is counted: one series for trade; of counts, what each counts."""
    return base.thing


def _words(needed: float, alike: Span | None, ever: Span | None) -> PaceWords:
    if ever is None:
        return "cannot be judged"
    if alike is not None and needed <= alike.percent:
        return "within the best pace so far"
    return "faster than ever for so long" if needed <= ever.percent else "faster than ever"


def _why(
    needed: float, base: Base, year: int, alike: Span | None, ever: Span | None, peak: Base | None, wanted: float
) -> str:
    text = f"needs {needed:.1f}% a year from {base.name} to {year}"
    if ever is None:
        return f"{text}; no two years are known, so no growth is"
    if alike is not None:
        text += f"; the best over {alike.years} years was {alike.percent:.1f}% a year ({alike.first}-{alike.last})"
    else:
        text += f"; no span of about {year - base.year} years is known"
    text += f", the best ever {ever.percent:.1f}% a year ({ever.first}-{ever.last})"
    if peak is not None and peak.value >= wanted:
        text += f"; the target was reached before: {peak.name}"
    return text


def _base_rate(base: Base, wanted: float, ahead: int) -> str:
    """Say how often others have grown by such a factor; only for turnovers like those it was counted on."""
    if base.unit != "USD" or not RATE_RANGE[0] <= base.value <= RATE_RANGE[1]:
        return ""
    rate = min(BASE_RATES, key=lambda r: abs(r.years - ahead))
    factor = wanted / base.value
    rank = "over 95" if factor > rate.high else "over half" if factor > rate.middle else "fewer than half"
    return (
        f"the target is {factor:.2f} times the base; {rank} of 100 pairs with a turnover of 200-500 million USD grew "
        f"by less in {rate.years} years (middle {rate.middle:g}, 95 of 100 under {rate.high:g}; {rate.pairs:,} pairs, "
        f"1996-2016, UN Comtrade)"
    )
