"""Modelled against observed: counts, control totals and corridor indicators, each only with its own kind."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.assignment.assignment import Assignment
from karavan.assignment.counted import CountedPaths
from karavan.assignment.front import assign
from karavan.report.indicators import compare_indicators, far_off
from karavan.schema.state import first_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.model import Model
    from karavan.report.corridors import Corridor
    from karavan.schema.case import Case

ALL_GOODS = "all goods"
DAYS_PER_YEAR, WEEK = 365, 7


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Comparisons with what was observed or published.

    `counts`: one row a count (id, name, year, period, unit, observed, modelled, preload, ratio = modelled / observed,
    comparable, note, source, confidence), worst first. Only counts of a whole calendar year equal to the case's are
    `comparable`; the others are shown beside, never scaled. What covers no whole year has no ratio: the model's year
    over a part of a year says nothing. `controls`: published totals of trade beside the demand. `indicators`: published
    times, prices and speeds beside the model's.
    """

    counts: pd.DataFrame
    controls: pd.DataFrame
    indicators: pd.DataFrame

    @property
    def median_ratio(self) -> float:
        """Median of modelled over observed, comparable counts."""
        return float(self.counts.loc[self.counts["comparable"], "ratio"].median())

    @property
    def off_by_a_quarter(self) -> pd.DataFrame:
        """Indicators that the model misses by more than a quarter, the farthest off first, with what explains it."""
        return far_off(self.indicators)

    @property
    def off_by_two(self) -> int:
        """Comparable counts that the model misses by more than a factor of two."""
        ratio = self.counts.loc[self.counts["comparable"], "ratio"]
        return int(((ratio > 2.0) | (ratio < 0.5)).sum())


def validate(case: Case | Model | Assignment, *, corridors: Sequence[Corridor] | None = None) -> Validation:
    """Compare a case's flows with its counts, control totals and indicators.

    A case or a model is first assigned by `LeastCost`; an assignment is taken as it is. `corridors` are those of
    `corridor_routes`, where they have been routed already.
    """
    assignment = case if isinstance(case, Assignment) else assign(case)
    return Validation(
        counts=compare_counts(assignment),
        controls=compare_controls(assignment),
        indicators=compare_indicators(assignment, corridors=corridors),
    )


def compare_counts(assignment: Assignment) -> pd.DataFrame:
    """Compare every count with the same selection of modelled flow."""
    case = assignment.model.case
    s = assignment.solution
    paths = CountedPaths(assignment.model, s.path_start, s.path_arc, s.path_demand)
    rows = []
    for name, count in case.counts.iterrows():
        whole = pd.isna(count["period_from"]) and pd.isna(count["period_until"])
        modelled, preload = float(paths.per_tonne(count) @ s.path_tonnes), paths.preload(count)
        observed = float(count["value"])
        rows.append(
            {
                "id": name,
                "name": count["name"],
                "year": int(count["year"]),
                "period": str(count["year"]) if whole else f"{count['period_from']} to {count['period_until']}",
                "unit": count["unit"],
                "observed": observed,
                "modelled": modelled,
                "preload": preload,
                "ratio": modelled / observed if observed > 0 and (whole or _is_a_year(count)) else np.nan,
                "comparable": bool(whole and count["year"] == case.meta.year),
                "reporter": count["reporter"],
                "definition": count["definition"],
                "note": count["note"],
                "source": count["source"],
                "confidence": count["confidence"],
            }
        )
    out = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["id", "ratio", "comparable"])
    out["off"] = np.abs(np.log(out["ratio"].astype(float).clip(lower=1e-6)))
    out = out.sort_values(["comparable", "off"], ascending=[False, False], kind="stable")
    return out.drop(columns="off").reset_index(drop=True)


def _is_a_year(row: pd.Series) -> bool:
    """Tell whether a period from one date to another is a whole year, if not a calendar one."""
    if pd.isna(row["period_from"]) or pd.isna(row["period_until"]):
        return False
    start, end = (date.fromisoformat(d) for d in (first_day(row["period_from"]), _last_date(row["period_until"])))
    return abs((end - start).days + 1 - DAYS_PER_YEAR) <= WEEK


def _last_date(day: str) -> str:
    """Return the last day of a date of any precision, as the calendar has it."""
    year, month, rest = int(day[:4]), int(day[5:7] or 12), day[8:]
    return f"{year:04d}-{month:02d}-{rest or monthrange(year, month)[1]}"


def compare_controls(assignment: Assignment) -> pd.DataFrame:
    """Compare published totals of trade (role `control`) with the demand of the same pair, direction and goods.

    Goods are a commodity, or the name of a group of them in `goods`; a control of other goods is left out, for there is
    nothing of its kind. A total of part of a year has no ratio.
    """
    case = assignment.model.case
    rows = case.demand.copy()
    country = case.zones["country"].fillna("").astype(str)
    rows["from"], rows["to"] = rows["origin"].map(country), rows["destination"].map(country)
    rows["usd"] = rows["value_usd"].fillna(
        rows["tonnes"] * rows["commodity"].map(case.commodities["unit_value_usd_per_tonne"]).astype(float)
    )
    out = []
    for name, t in case.trade[case.trade["role"] == "control"].iterrows():
        there = (rows["from"] == t["exporter"]) & (rows["to"] == t["importer"])
        back = (rows["from"] == t["importer"]) & (rows["to"] == t["exporter"])
        mine = rows[(there | back) if t["flow"] == "turnover" else there]
        wanted = _goods_of(case, t)
        if wanted is None:
            continue
        mine = mine[mine["commodity"].isin(wanted)]
        goods = next((str(t[f]) for f in ("goods", "commodity") if isinstance(t[f], str)), ALL_GOODS)
        for unit, column, published in (("tonnes", "tonnes", t["tonnes"]), ("USD", "usd", t["value_usd"])):
            if np.isnan(published) or published <= 0:
                continue
            modelled = float(mine[column].sum())
            out.append(
                {
                    "id": name,
                    "name": f"{t['exporter']} {'and' if t['flow'] == 'turnover' else 'to'} {t['importer']}, {goods}",
                    "year": int(t["year"]),
                    "unit": unit,
                    "published": float(published),
                    "modelled": modelled,
                    "ratio": modelled / float(published) if pd.isna(t["period_from"]) or _is_a_year(t) else np.nan,
                    "comparable": bool(t["year"] == case.meta.year and pd.isna(t["period_from"])),
                    "source": t["source"],
                    "confidence": t["confidence"],
                }
            )
    columns = ["id", "name", "year", "unit", "published", "modelled", "ratio", "comparable", "source", "confidence"]
    return pd.DataFrame(out, columns=columns)


def _goods_of(case: Case, t: pd.Series) -> list[str] | None:
    """Return the commodities of a trade row; None where they are no commodity, no group and not all goods."""
    names, groups = [str(c) for c in case.commodities.index], case.commodities["group"]
    if isinstance(t["commodity"], str):
        return [t["commodity"]]
    if not isinstance(t["goods"], str) or t["goods"] == ALL_GOODS:
        return names
    return [n for n, g in zip(names, groups, strict=True) if g == t["goods"]] or None
