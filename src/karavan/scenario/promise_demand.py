"""The demand a promise is judged with: its own rows, and all other demand frozen, grown, or with all promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from karavan.demand.target import ROW, TARGET, grown, with_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from karavan.scenario.promise_types import Target
    from karavan.schema.case import Case

Others = Literal["frozen", "grown", "all promises"]
JUDGED = f"{TARGET}0:"
"""Ids of the rows of the target that is judged begin with this."""


def with_target(case: Case, target: Target, *, others: Others = "frozen", together: Sequence[Target] = ()) -> Case:
    """Return the case with the demand of a target's year.

    The target's rows ("promise:0:...") stand in the place of the trade of today that they include. All other demand is
    as it is ("frozen"), grown to the year of the target as the table `growth` assumes ("grown"), or frozen with every
    promise of `together` added ("all promises"; rows "promise:1:..." and on). Of two promises that speak of the same
    goods between the same zones the larger counts, not their sum.
    """
    demand = case.demand
    since, until = case.meta.year, target.year
    if others == "grown" and since is not None and until is not None:
        demand = grown(demand, case.zones, case.growth, since=since, until=until)
    rows = {0: target_frame(target)}
    shrunk = _less(demand, case.demand, replaced([target]))
    if others == "all promises":
        more = [t for t in together if t is not target and t.directions]
        rows |= _excess(rows[0], more)
        shrunk = _less(demand, case.demand, replaced([target, *more]))
    stamped = {n: r.assign(year=target.year) for n, r in rows.items()}
    return case.with_tables(demand=with_rows(shrunk, (), stamped))


def target_rows(demand: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the rows of demand that targets brought, shape (rows,)."""
    return demand.index.str.startswith(TARGET).astype(bool)


def target_frame(target: Target) -> pd.DataFrame:
    """Return all rows of a target, its directions one below the other, one row an origin, destination and commodity."""
    parts = [d.rows for d in target.directions]
    if not parts:
        return pd.DataFrame(columns=ROW)
    return _merged(pd.concat(parts, ignore_index=True))


def replaced(targets: Sequence[Target]) -> dict[str, float]:
    """Return the tonnes of today that targets stand for, by demand row; of several the most."""
    out: dict[str, float] = {}
    for d in (d for t in targets for d in t.directions):
        for row, tonnes in d.replaces.items():
            out[row] = max(out.get(row, 0.0), tonnes)
    return out


def _less(demand: pd.DataFrame, today: pd.DataFrame, taken: Mapping[str, float]) -> pd.DataFrame:
    """Return demand without the share of each row that targets stand for; rows that are wholly taken are gone."""
    share = pd.Series(taken, dtype="float64").reindex(today.index).fillna(0.0) / today["tonnes"]
    left = (1.0 - share.fillna(0.0).clip(0.0, 1.0)).reindex(demand.index)
    kept = left > 1e-9
    out = demand.assign(tonnes=demand["tonnes"] * left, value_usd=demand["value_usd"] * left)
    return out[kept.to_numpy()]


def _excess(judged: pd.DataFrame, more: Sequence[Target]) -> dict[int, pd.DataFrame]:
    """Return the rows of other targets by number: what each asks for beyond those before it."""
    key = ["origin", "destination", "commodity"]
    held: dict[tuple[str, ...], float] = {tuple(r[:3]): float(r[3]) for r in judged[ROW].itertuples(index=False)}
    out = {}
    for number, other in enumerate(more, start=1):
        rows = target_frame(other)
        beyond = []
        for k, tonnes in zip(rows[key].itertuples(index=False), rows["tonnes"], strict=True):
            beyond.append(max(0.0, float(tonnes) - held.get(tuple(k), 0.0)))
            held[tuple(k)] = max(held.get(tuple(k), 0.0), float(tonnes))
        added = np.array(beyond)
        part = added / rows["tonnes"].clip(lower=1e-9)
        out[number] = rows.assign(tonnes=added, value_usd=rows["value_usd"] * part)[added > 0]
    return out


def _merged(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row an origin, destination and commodity; peak shares weighed by tonnes."""
    rows = rows.assign(at_peak=rows["peak_month_share"] * rows["tonnes"])
    total = rows.groupby(["origin", "destination", "commodity"], sort=False, as_index=False)[
        ["tonnes", "value_usd", "at_peak"]
    ].sum(min_count=1)
    share = (total["at_peak"] / total["tonnes"]).where(total["tonnes"] > 0)
    return total.assign(peak_month_share=share)[ROW]
