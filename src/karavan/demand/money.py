"""From money to tonnes and back, by direction: published splits and unit values of named years and reporters.

A turnover is never divided by a price: goods of the two directions differ in what a tonne is worth. First the share of
each direction is taken from trade rows that count both ways over the same days by the same hand, then each direction is
divided by the worth of a tonne that way. Every combination is kept, so that the spread is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from karavan.errors import CaseError, Finding
from karavan.evidence.records import parse_interval
from karavan.evidence.series import period_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

WHOLE_YEAR_DAYS = 300  # a count of ten months or more holds every season
HALF_YEAR_DAYS = 180  # a shorter one says nothing of a year's split
YEARS_BACK = 10  # trade of before this many years is of other goods


@dataclass(frozen=True, slots=True)
class Split:
    """How a turnover divides: `share` is the part of goods that go from `exporter` to `importer` in the whole.

    `rows` are ids of the trade table; `days` the length of the count.
    """

    exporter: str
    importer: str
    share: float
    name: str
    first: date
    last: date
    rows: tuple[str, ...]
    definition: str = ""

    @property
    def days(self) -> int:
        """Length of the count."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class UnitValue:
    """What a tonne is worth one way, USD of `year`. `sources` are "table/row"; `tonnes` what it was counted over.

    `shares`: goods it is of, as shares of the tonnes; empty: all goods of the direction.
    """

    exporter: str
    importer: str
    usd_per_tonne: float
    name: str
    year: int | None
    sources: tuple[str, ...]
    why: str
    tonnes: float = 0.0
    days: int = 0
    shares: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to count a turnover in tonnes, both directions: USD and tonnes a year, and what they rest on."""

    usd: tuple[float, float]
    tonnes: tuple[float, float]
    split: Split
    unit_values: tuple[UnitValue, UnitValue]
    prices: tuple[float, float]

    @property
    def name(self) -> str:
        """The split and the two unit values in words."""
        return f"split of {self.split.name}; {self.unit_values[0].name}; {self.unit_values[1].name}"

    @property
    def why(self) -> str:
        """The sum, direction by direction."""
        return "; ".join(
            f"{v.exporter}->{v.importer}: {usd / 1e6:,.1f} million USD / {price:,.1f} USD/t = {t / 1e6:,.3f} million t"
            for usd, t, v, price in zip(self.usd, self.tonnes, self.unit_values, self.prices, strict=True)
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """Rows it rests on, "table/row"."""
        rows = (f"trade/{r}" for r in self.split.rows)
        return tuple(dict.fromkeys((*rows, *self.unit_values[0].sources, *self.unit_values[1].sources)))


def splits(trade: pd.DataFrame, one: str, other: str, *, since: int | None = None) -> list[Split]:
    """Return every published split of trade in all goods between two parties, the one to use first in front.

    A split is two rows of one direction each, over the same days, by the same reporter (or, where none is named, from
    the same source). In front stands the one of a year (ten months at least) that ends last; counts of less than half
    a year are left out.

    Parameters
    ----------
    trade
        The table `trade`.
    one, other
        Codes as they stand in the table; the share is of goods from `one` to `other`.
    since
        Counts that end before this year are left out.
    """
    rows = directed(trade)
    rows = rows[rows["value_usd"].notna()]
    there = rows[(rows["exporter"] == one) & (rows["importer"] == other)]
    back = rows[(rows["exporter"] == other) & (rows["importer"] == one)]
    found: dict[tuple[Any, ...], Split] = {}
    for a in there.to_dict("records"):
        for b in back.to_dict("records"):
            if a["who"] == b["who"] and (a["first"], a["last"]) == (b["first"], b["last"]):
                total = a["value_usd"] + b["value_usd"]
                if total > 0 and a["value_usd"] > 0 and b["value_usd"] > 0:
                    words = period_words(a["first"], a["last"])
                    name = f"{words} ({a['said']})" if a["said"] else words
                    split = Split(one, other, a["value_usd"] / total, name, a["first"], a["last"], (a["id"], b["id"]),
                                  a["definition"])  # fmt: skip
                    found.setdefault((a["who"], a["first"], a["last"]), split)
    kept = [s for s in found.values() if s.days >= HALF_YEAR_DAYS and (since is None or s.last.year >= since)]
    return sorted(kept, key=lambda s: (s.days < WHOLE_YEAR_DAYS, -s.last.toordinal(), -s.days))


def unit_values(trade: pd.DataFrame, exporter: str, importer: str, *, since: int | None = None) -> list[UnitValue]:
    """Return what a tonne of all goods was worth one way, from rows with money and tonnes, the one to use in front.

    In front stands the count that holds most tonnes, for it misses least. Counts of less than ten months are used only
    where there is none of a year.
    """
    rows = directed(trade)
    rows = rows[(rows["exporter"] == exporter) & (rows["importer"] == importer)]
    rows = rows[(rows["value_usd"] > 0) & (rows["tonnes"] > 0)]
    if since is not None:
        rows = rows[[d.year >= since for d in rows["last"]]]
    found = []
    for r in rows.to_dict("records"):
        words, price = period_words(r["first"], r["last"]), r["value_usd"] / r["tonnes"]
        who = f", {r['said']}" if r["said"] else ""
        found.append(
            UnitValue(
                exporter, importer, price, f"{exporter}->{importer} {price:,.0f} USD/t of {words}{who}",
                (r["first"] + (r["last"] - r["first"]) / 2).year, (f"trade/{r['id']}",),
                f"{r['value_usd'] / 1e6:,.2f} million USD / {r['tonnes'] / 1e3:,.1f} thousand t", float(r["tonnes"]),
                (r["last"] - r["first"]).days + 1,
            )
        )
    long = [v for v in found if v.days >= WHOLE_YEAR_DAYS]
    return sorted(long or found, key=lambda v: (-v.tonnes, v.name))


def mix_value(rows: pd.DataFrame, exporter: str, importer: str) -> UnitValue | None:
    """Return what a tonne is worth with the goods of the demand table: `rows` of one direction, with tonnes and value.

    None where no row has a value.
    """
    known = rows[rows["value_usd"].notna() & (rows["tonnes"] > 0)]
    tonnes, usd = float(known["tonnes"].sum()), float(known["value_usd"].sum())
    if tonnes <= 0 or usd <= 0:
        return None
    price = usd / tonnes
    name = f"{exporter}->{importer} {price:,.0f} USD/t with the goods of the demand table"
    why = f"{usd / 1e6:,.1f} million USD / {tonnes / 1e3:,.1f} thousand t in {len(known)} rows of demand"
    year = int(known["year"].max()) if known["year"].notna().any() else None
    return UnitValue(exporter, importer, price, name, year, tuple(f"demand/{i}" for i in known.index), why, tonnes, 365)


def goods_values(prices: pd.DataFrame, exporter: str, importer: str, shares: Mapping[str, float]) -> list[UnitValue]:
    """Return unit values under which all goods of a direction are of the kind that makes most of its tonnes today.

    `prices` is the table `unit_values`; a row counts where its goods make half of the tonnes or more. `shares` are the
    shares of commodities in the tonnes of the direction.
    """
    found = []
    for key, row in prices[(prices["exporter"] == exporter) & (prices["importer"] == importer)].iterrows():
        names = [g.strip() for g in str(row["commodities"]).split(";")]
        part = {n: shares[n] for n in names if n in shares}
        held = sum(part.values())
        if held < 0.5:
            continue
        price, goods = float(row["usd_per_tonne"]), row["goods"] if isinstance(row["goods"], str) else ", ".join(names)
        found.append(
            UnitValue(
                exporter, importer, price, f"all of {exporter}->{importer} {goods} at {price:,.0f} USD/t",
                None if row.isna()["year"] else int(row["year"]), (f"unit_values/{key}",),
                f"{goods} make {held:.0%} of the tonnes today", shares=tuple((n, s / held) for n, s in part.items()),
            )
        )
    return found


def ways(
    usd: float, found: Sequence[Split], there: Sequence[UnitValue], back: Sequence[UnitValue], *,
    year: int | None = None, drift_percent: float = 0.0,
) -> list[Way]:  # fmt: skip
    """Return a turnover in tonnes by every split and pair of unit values, the central way in front.

    Parameters
    ----------
    usd
        Turnover, USD a year.
    found, there, back
        Splits, and unit values from `one` to `other` and back, each with the one to use in front.
    year, drift_percent
        With prices that drift, a unit value of its year grows by so many percent a year until `year`; by default
        prices are constant.

    Raises
    ------
    CaseError
        There is no split, or no unit value of a direction.
    """
    if not found or not there or not back:
        lacking = "split between the directions" if not found else "unit value (USD and tonnes) of a direction"
        problem = f"no {lacking}, so money cannot be brought to tonnes"
        finding = Finding("error", "trade.csv", 0, "", problem, "add rows of both directions with money and tonnes")
        name = "trade"
        raise CaseError(name, [finding])
    out = []
    for split in found:
        for v in there:
            for w in back:
                parts = (usd * split.share, usd * (1.0 - split.share))
                prices = (drifted(v, year, drift_percent), drifted(w, year, drift_percent))
                out.append(Way(parts, (parts[0] / prices[0], parts[1] / prices[1]), split, (v, w), prices))
    return out


def drifted(value: UnitValue, year: int | None, percent: float) -> float:
    """Return a unit value in prices of a year, if prices rise by so many percent a year since its own.

    Examples
    --------
    >>> round(drifted(UnitValue("A", "B", 200.0, "", 2020, (), ""), 2030, 2.0), 1)
    243.8
    """
    if percent == 0.0 or year is None or value.year is None:
        return value.usd_per_tonne
    return float(value.usd_per_tonne * (1.0 + percent / 100.0) ** (year - value.year))


def to_money(tonnes: Iterable[float], prices: Iterable[float]) -> float:
    """Return the money that tonnes by direction come to at their unit values, USD.

    Examples
    --------
    >>> to_money((2_000_000, 500_000), (250.0, 400.0))
    700000000.0
    """
    return float(sum(t * p for t, p in zip(tonnes, prices, strict=True)))


def directed(trade: pd.DataFrame, flows: Sequence[str] = ("exports", "imports")) -> pd.DataFrame:
    """Return the rows of all goods, by default those one way, with `first` and `last` day, and who counted.

    `said` is the reporter, `who` the reporter or else the source, with the definition: rows of one `who` are alike.
    """
    of_flow = trade["flow"].isin(list(flows))
    rows = trade[of_flow & trade["commodity"].isna() & trade["goods"].isna() & trade["year"].notna()].reset_index()
    written = zip(rows["year"], rows["period_from"], rows["period_until"], strict=True)
    days = [_days(year, first, last) for year, first, last in written]
    said = rows["reporter"].fillna("").astype(str)
    definition = rows["definition"].fillna("").astype(str)
    return rows.assign(
        first=[d[0] for d in days],
        last=[d[1] for d in days],
        said=said,
        definition=definition,
        who=[f"{s or o}|{d}" for s, o, d in zip(said, rows["source"], definition, strict=True)],
    )


def _days(year: int, first: Any, last: Any) -> tuple[date, date]:
    """Return first and last day of a row of trade: as written, else those of its year."""
    start = parse_interval(str(first) if isinstance(first, str) else f"{year}")[0]
    end = parse_interval(str(last) if isinstance(last, str) else f"{year}")[1]
    return start or date(year, 1, 1), end or date(year, 12, 31)
