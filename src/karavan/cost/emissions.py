"""Greenhouse gas of moving goods, arc by arc, following the structure of ISO 14083: tonne-kilometres times intensity.

Well-to-wheel and tank-to-wheel figures are kept apart and never summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.network.graph import ArcKind, Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.schema.case import Case

G_PER_KG = 1000.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ArcEmissions:
    """kg CO2e per tonne on each arc, shape (n_arcs,): well-to-wheel where known, else tank-to-wheel alone.

    `low` and `high` give the range where sources differ (equal to `central` elsewhere). `ttw_km` are kilometres whose
    factor is tank-to-wheel only, `bare_km` kilometres without any factor.
    """

    central: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    ttw_central: NDArray[np.float64]
    ttw_km: NDArray[np.float64]
    bare_km: NDArray[np.float64]


def arc_emissions(case: Case, graph: Graph) -> ArcEmissions:
    """Return the emissions of every arc; the most specific factor wins (class, unit, traction, country, then mode)."""
    out = {name: np.zeros(graph.n_arcs) for name in ("central", "low", "high", "ttw_central", "ttw_km", "bare_km")}
    factors = case.emission_factors
    countries = case.nodes["country"].reindex(case.links["from_node"]).to_numpy(dtype=object)
    others = case.nodes["country"].reindex(case.links["to_node"]).to_numpy(dtype=object)
    electric = case.links["electrified"].astype(object).to_numpy()
    km = case.links["length_km"].fillna(0.0).to_numpy()
    classes = [str(c) for c in case.services["service_class"]]
    rows = list(factors.itertuples())
    found: dict[tuple[Any, ...], Any] = {}
    for arc in np.flatnonzero((graph.kind == ArcKind.HAUL) | (graph.kind == ArcKind.RUN)).tolist():
        mode, unit = str(case.modes.index[graph.arc_mode[arc]]), str(case.carrying_units.index[graph.arc_unit[arc]])
        service_class = classes[graph.service[arc]] if graph.service[arc] >= 0 else None
        for link, forward in graph.links_under(arc):
            key = (mode, unit, electric[link], countries[link] if forward else others[link], service_class)
            if key not in found:
                found[key] = _best(rows, *key)
            _add(out, arc, found[key], float(km[link]))
    return ArcEmissions(**out)


def _add(out: dict[str, NDArray[np.float64]], arc: int, factor: Any, km: float) -> None:
    if factor is None:
        out["bare_km"][arc] += km
        return
    kg = float(factor.g_co2e_per_tkm) * km / G_PER_KG
    if factor.scope == "ttw":
        out["ttw_km"][arc] += km
        out["ttw_central"][arc] += kg
        return
    out["central"][arc] += kg
    out["low"][arc] += kg if pd.isna(factor.low) else float(factor.low) * km / G_PER_KG
    out["high"][arc] += kg if pd.isna(factor.high) else float(factor.high) * km / G_PER_KG


def _best(rows: list[Any], mode: str, unit: str, electrified: Any, country: Any, service_class: str | None) -> Any:
    best, best_score = None, -1
    for row in rows:
        if row.mode != mode:
            continue
        score = 0
        for wanted, given, weight in (
            (row.service_class, service_class, 8),
            (row.carrying_unit, unit, 4),
            (row.electrified, electrified, 2),
            (row.country, country, 1),
        ):
            if pd.isna(wanted):
                continue
            if pd.isna(given) or wanted != given:
                break
            score += weight
        else:
            if score > best_score:
                best, best_score = row, score
    return best
