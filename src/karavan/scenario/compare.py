"""The difference between two outcomes, table by table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.assignment.assignment import Assignment
from karavan.scenario.results import KEYS, Outcome, outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from karavan.scenario.run import Results

MEASURES: dict[str, tuple[str, ...]] = {
    "corridors": ("mean_tonnes", "t_km"),
    "ports": ("tonnes", "tonnes_out", "tonnes_in"),
    "borders": ("tonnes",),
    "commodities": ("served", "unserved", "usd_per_tonne", "hours"),
    "facilities": ("used", "available", "shadow_price"),
    "links": ("tonnes", "teu"),
    "services": ("tonnes",),
    "pairs": ("served", "unserved", "usd_per_tonne", "hours"),
}
"""What is compared of each table; rows are ordered by the size of the change of the first."""

TOTALS = ("demand", "served", "unserved", "t_km", "money_usd", "generalized_usd", "tonne_hours", "t_co2e",
          "objective_usd")  # fmt: skip
NAMES = ("name", "mode", "kind", "unit", "origin", "destination", "commodity")
SMALL = 1e-6  # relative: less is the arithmetic's


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What differs between outcome `a` and outcome `b`: frames of what changed, greatest change first.

    `totals` has one row a measure (a, b, change, percent). `tables` have, for each measure, columns `<measure>_a`,
    `<measure>_b` and `<measure>_change`; rows in which nothing changed are left out.
    """

    a: str
    b: str
    totals: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name not in self.tables:
            raise AttributeError(name)
        return self.tables[name]


def compare(a: Outcome | Assignment, b: Outcome | Assignment) -> Comparison:
    """Compare two outcomes by corridor, port, border, commodity, facility (shadow price), link, service and pair.

    Rows that only one of them has count as nothing in the other; prices stay empty there.
    """
    first, second = (outcome(x) if isinstance(x, Assignment) else x for x in (a, b))
    tables = {name: _table(first.tables[name], second.tables[name], name) for name in MEASURES}
    return Comparison(_label(first), _label(second), _totals(first, second), tables)


def compare_all(results: Results) -> pd.DataFrame:
    """Compare every scenario of a run with the base of its year and period; one row each, changes of the totals."""
    rows = []
    for cell in results.cells:
        if cell.scenario == "base":
            continue
        base = results.outcome("base", cell.year, cell.period).summary
        mine = results.outcome(cell.scenario, cell.year, cell.period).summary
        changes = {k: mine[k] - base[k] for k in TOTALS}
        rows.append({"scenario": cell.scenario, "year": cell.year, "period": cell.period, **changes})
    return pd.DataFrame(rows, columns=["scenario", "year", "period", *TOTALS])


def _label(found: Outcome) -> str:
    return f"{found.scenario} {found.year or ''}{'' if found.period == 'year' else ', busiest month'}".strip()


def _totals(a: Outcome, b: Outcome) -> pd.DataFrame:
    first, second = a.summary, b.summary
    rows = [(k, float(first[k]), float(second[k])) for k in TOTALS]
    for name, total in (("usd_per_tonne", "money_usd"), ("hours_per_tonne", "tonne_hours")):
        # money and hours of other tonnes are hard to compare; their means are not
        means = [float(x[total]) / float(x["served"]) if x["served"] else np.nan for x in (first, second)]
        rows.append((name, means[0], means[1]))
    frame = pd.DataFrame(rows, columns=["measure", "a", "b"])
    frame["change"] = frame["b"] - frame["a"]
    frame["percent"] = 100.0 * frame["change"] / frame["a"].where(frame["a"] != 0.0)
    return frame


def _table(a: pd.DataFrame, b: pd.DataFrame, name: str) -> pd.DataFrame:
    key, measures = list(KEYS[name]), [m for m in MEASURES[name] if m in a.columns and m in b.columns]
    labels = [c for c in NAMES if c in a.columns and c not in key]
    sides = [x[key + labels + measures].astype(dict.fromkeys(key, object)) for x in (a, b)]  # either may be empty
    both = sides[0].merge(sides[1], on=key, how="outer", suffixes=("_a", "_b"))
    out: dict[str, Any] = {c: both[c] for c in key}
    out |= {c: both[f"{c}_b"].where(both[f"{c}_b"].notna(), both[f"{c}_a"]) for c in labels}
    changed = np.zeros(len(both), dtype=bool)
    for m in measures:
        first, second = both[f"{m}_a"].astype(float), both[f"{m}_b"].astype(float)
        if not m.startswith(("usd_", "hours", "shadow_")):
            first, second = first.fillna(0.0), second.fillna(0.0)
        change = second - first
        scale = np.fmax(first.abs().to_numpy(), second.abs().to_numpy())
        changed |= (change.abs().to_numpy() > SMALL * np.fmax(scale, 1.0)) | (first.isna() != second.isna()).to_numpy()
        out |= {f"{m}_a": first, f"{m}_b": second, f"{m}_change": change}
    frame = pd.DataFrame(out)[changed]
    if not measures:
        return frame
    order = frame[f"{measures[0]}_change"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)
