"""Targets as rows of demand: which rows of today a target stands for, how they grow to it, and the busiest month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.demand.money import HALF_YEAR_DAYS, directed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

TARGET = "promise:"
"""Ids of rows that a target brings begin with this; the number of the target follows."""
ROW = ["origin", "destination", "commodity", "tonnes", "peak_month_share", "value_usd"]
TEU_UNIT = "container"


@dataclass(frozen=True, slots=True, eq=False)
class TodayRows:
    """Rows of demand from some countries to others. `left_out`: goods that published trade cannot hold, with why."""

    rows: pd.DataFrame
    left_out: tuple[str, ...] = ()


def rows_between(
    demand: pd.DataFrame, zones: pd.DataFrame, exporters: Collection[str], importers: Collection[str]
) -> pd.DataFrame:
    """Return the rows of demand that go from a zone of some countries to a zone of others."""
    country = zones["country"]
    start, end = (country.reindex(demand[c].to_numpy()).to_numpy() for c in ("origin", "destination"))
    return demand[np.isin(start.astype(object), list(exporters)) & np.isin(end.astype(object), list(importers))]


def traded(rows: pd.DataFrame, published_usd: float | None, parties: str) -> TodayRows:
    """Return the rows that can be part of the published trade of one direction.

    Goods whose worth alone is above all that was ever published as trade of the direction in a year are through
    traffic (oil for a pipeline beyond), not trade between the two; they stay other demand.
    """
    if published_usd is None or not len(rows):
        return TodayRows(rows)
    worth = rows.groupby("commodity")["value_usd"].sum()
    above = sorted(str(c) for c in worth.index[worth > published_usd])
    words = tuple(
        f"{c} {parties} ({worth[c] / 1e6:,.0f} million USD in demand) is above all published trade that way "
        f"({published_usd / 1e6:,.0f} million USD a year at most), so it is taken as traffic for others"
        for c in above
    )
    return TodayRows(rows[~rows["commodity"].isin(above)], words)


def most_published(trade: pd.DataFrame, exporter: str, importer: str, *, since: int | None = None) -> float | None:
    """Return the most that was published as trade in all goods one way, USD a year; parts of a year are raised to one.

    None where nothing of half a year or more was published.
    """
    rows = directed(trade)
    rows = rows[(rows["exporter"] == exporter) & (rows["importer"] == importer) & rows["value_usd"].notna()]
    years = [
        float(r["value_usd"]) * 365.0 / ((r["last"] - r["first"]).days + 1)
        for r in rows.to_dict("records")
        if (r["last"] - r["first"]).days + 1 >= HALF_YEAR_DAYS and (since is None or r["last"].year >= since)
    ]
    return max(years, default=None)


def shares_of(rows: pd.DataFrame) -> dict[str, float]:
    """Return the share of each commodity in the tonnes of some rows; empty where there are none."""
    total = float(rows["tonnes"].sum())
    by_goods = rows.groupby("commodity")["tonnes"].sum()
    return {str(k): float(v) / total for k, v in by_goods.items()} if total > 0 else {}


def scaled_rows(
    rows: pd.DataFrame, tonnes: float, *, usd: float | None = None, shares: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Return rows of a target: origins, destinations and goods as in `rows`, tonnes summed up to `tonnes`.

    Parameters
    ----------
    rows
        Rows of demand that the target stands for, tonnes above 0.
    tonnes, usd
        What the target comes to, a year; money is divided as the rows' worth is.
    shares
        Goods of the target as shares of the tonnes; by default as in `rows`.

    Returns
    -------
    Columns origin, destination, commodity, tonnes, peak_month_share, value_usd; in the order of `rows`.
    """
    if shares:
        rows = rows[rows["commodity"].isin(list(shares))]
        own = rows.groupby("commodity")["tonnes"].transform("sum")
        part = rows["tonnes"] / own * rows["commodity"].map(shares).astype(float)
    else:
        part = rows["tonnes"] / float(rows["tonnes"].sum())
    worth = rows["value_usd"] / rows["tonnes"] * part
    out = rows[["origin", "destination", "commodity"]].assign(
        tonnes=(part * (tonnes / float(part.sum()))).to_numpy(),
        peak_month_share=rows["peak_month_share"].to_numpy(),
        value_usd=np.nan if usd is None or not worth.sum() > 0 else (worth / worth.sum() * usd).to_numpy(),
    )
    return out[ROW].reset_index(drop=True)


def teu_tonnes(carrying_units: pd.DataFrame) -> tuple[float, str]:
    """Return the tonnes of goods in a full TEU and the row it stands in; raises `KeyError` without containers."""
    payload, teu = (float(carrying_units[c].loc[TEU_UNIT]) for c in ("payload_tonnes", "teu_per_unit"))
    return payload / teu, f"carrying_units/{TEU_UNIT}"


def peak_share(rows: pd.DataFrame) -> float:
    """Return the share of the year's tonnes in the busiest month of some rows together; 1/12 where it is unknown.

    Months of different rows are taken to be the same: a bound from above.
    """
    share = rows["peak_month_share"].fillna(1.0 / 12.0)
    total = float(rows["tonnes"].sum())
    return float((share * rows["tonnes"]).sum() / total) if total > 0 else 1.0 / 12.0


def growth_factors(
    demand: pd.DataFrame, zones: pd.DataFrame, growth: pd.DataFrame, years: int
) -> NDArray[np.float64]:
    """Return by how much each row of demand grows in some years, shape (rows,).

    A row grows with the mean of what is assumed for the countries of its two ends (table `growth`; the row without a
    country is for all others). Without a row for an end it does not grow.
    """
    by_country = {_key(c): float(p) for c, p in zip(growth["country"], growth["percent_per_year"], strict=True)}
    other = by_country.get("", 0.0)
    rates = zones["country"].map(lambda c: by_country.get(_key(c), other)).astype(float)
    ends = [rates.reindex(demand[c].to_numpy()).fillna(other).to_numpy(np.float64) for c in ("origin", "destination")]
    return np.asarray((1.0 + (ends[0] + ends[1]) / 200.0) ** years, dtype=np.float64)


def grown(
    demand: pd.DataFrame, zones: pd.DataFrame, growth: pd.DataFrame, *, since: int, until: int
) -> pd.DataFrame:
    """Return demand grown from one year to another as the table `growth` assumes."""
    factor = growth_factors(demand, zones, growth, until - since)
    return demand.assign(
        tonnes=demand["tonnes"] * factor,
        value_usd=demand["value_usd"] * factor,
        year=pd.array([until] * len(demand), dtype="Int64"),
    )


def with_rows(demand: pd.DataFrame, replaces: Collection[str], targets: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Return demand with the rows of targets in the place of those they stand for.

    Rows get ids "promise:<number>:<origin>><destination>:<commodity>" by the number of their target.
    """
    parts = [demand[~demand.index.isin(list(replaces))]]
    for number, rows in targets.items():
        if len(rows):
            ids = [f"{TARGET}{number}:{r.origin}>{r.destination}:{r.commodity}" for r in rows.itertuples()]
            parts.append(rows.assign(id=ids).set_index("id"))
    return pd.concat(parts)


def _key(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""
