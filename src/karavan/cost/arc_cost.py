"""Generalized cost of every arc, by commodity and by component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.cost.constants import arc_constants
from karavan.cost.haulage import Haulage
from karavan.cost.tariffs import unit_tonnes
from karavan.schema.case import Case, as_list

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Kinds of arcs, as `network.graph.ArcKind` numbers them; cost takes arrays, it does not build graphs.
from karavan.network.graph import ArcKind, Graph

COMPONENTS = ("haulage", "handling", "border", "time")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ArcCost:
    """Generalized cost of every arc for one commodity at zero flow, in USD per tonne.

    Arrays of shape (n_arcs,): money as `haulage`, `handling`, `border`; `time` is hours at the commodity's value of
    time. `permitted` marks arcs this commodity may use at all, `open` those of them that are not `unpriced`: a moving
    arc that no tariff prices is closed. `tariff` is the position of the tariff row that priced an
    arc, -1 where none or several did. `constant` is what calibration found beyond money and hours.
    """

    commodity: str
    haulage: NDArray[np.float64]
    handling: NDArray[np.float64]
    border: NDArray[np.float64]
    time: NDArray[np.float64]
    open: NDArray[np.bool_]
    permitted: NDArray[np.bool_]
    unpriced: NDArray[np.bool_]
    tariff: NDArray[np.int32]
    constant: NDArray[np.float64]

    @property
    def money(self) -> NDArray[np.float64]:
        """Money paid, USD per tonne."""
        return self.haulage + self.handling + self.border

    @property
    def generalized(self) -> NDArray[np.float64]:
        """Money plus time plus the constant; a constant below zero never makes an arc cost less than nothing."""
        return np.maximum(self.money + self.time + self.constant, 0.0)


def arc_costs(case: Case, graph: Graph, closed: NDArray[np.bool_] | None = None) -> list[ArcCost]:
    """Return the cost of every arc for each commodity, in the order of `case.commodities`.

    Prices are those of full units, without the least tonnes and money of a tariff: what a tonne of a flow pays.
    `closed` has shape (n_commodities, n_arcs): arcs that restrictions close.
    """
    haulage = Haulage(case, graph)
    constant = arc_constants(case, graph)
    return [
        _commodity_cost(case, graph, haulage, constant, k, None if closed is None else closed[k])
        for k in range(len(case.commodities))
    ]


def _commodity_cost(
    case: Case, graph: Graph, haulage: Haulage, constant: NDArray[np.float64], k: int,
    closed: NDArray[np.bool_] | None,
) -> ArcCost:  # fmt: skip
    row = case.commodities.iloc[k]
    name = str(case.commodities.index[k])
    tonnes = unit_tonnes(case.carrying_units, float(row["load_factor"]))
    p = haulage.pieces(name, tonnes, tonnes, missing_is_free=not len(case.freight_tariffs))
    each = p.per_tonne + p.per_unit / tonnes[graph.arc_unit[p.arc]]
    border = _by_unit(graph, graph.over_indptr, graph.over_border, case.borders["usd_per_unit"], tonnes)
    vot = row["value_of_time_usd_per_tonne_hour"]
    units = {str(u) for u in as_list(row["carrying_units"])}
    allowed = np.array([str(u) in units for u in case.carrying_units.index] + [True])  # last: arcs without a unit
    permitted = allowed[graph.arc_unit] & allowed[graph.unit[graph.tail]] & allowed[graph.unit[graph.head]]
    permitted &= _service_takes(case, graph, name)
    if closed is not None:
        permitted &= ~closed
    return ArcCost(
        commodity=name,
        haulage=np.bincount(p.arc, weights=each, minlength=graph.n_arcs).astype(np.float64),
        handling=_handling(case, graph, tonnes),
        border=border,
        time=graph.hours * (0.0 if pd.isna(vot) else float(vot)),
        open=permitted & ~p.unpriced,
        permitted=permitted,
        unpriced=p.unpriced,
        tariff=p.single_rows(),
        constant=constant,
    )


def _by_unit(
    graph: Graph,
    indptr: NDArray[np.int32],
    rows: NDArray[np.int32],
    usd_per_unit: pd.Series,
    tonnes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum payments by unit over the rows under each arc, in USD per tonne."""
    paid = usd_per_unit.fillna(0.0).to_numpy(dtype=np.float64)[rows]
    arc = np.repeat(np.arange(graph.n_arcs), np.diff(indptr))
    usd = np.bincount(arc, weights=paid / tonnes[graph.arc_unit[arc]], minlength=graph.n_arcs)
    return usd.astype(np.float64)


def _handling(case: Case, graph: Graph, tonnes: NDArray[np.float64]) -> NDArray[np.float64]:
    usd = np.zeros(graph.n_arcs)
    at = np.flatnonzero(graph.transfer >= 0)
    rows = graph.transfer[at]
    by_tonne = case.transfers["usd_per_tonne"].fillna(0.0).to_numpy(dtype=np.float64)[rows]
    by_unit = case.transfers["usd_per_unit"].fillna(0.0).to_numpy(dtype=np.float64)[rows]
    usd[at] = by_tonne + by_unit / tonnes[graph.arc_unit[at]]
    ends = np.flatnonzero((graph.kind == ArcKind.LOAD) | (graph.kind == ArcKind.UNLOAD))
    loading = case.carrying_units["loading_usd_per_tonne"].fillna(0.0).to_numpy(dtype=np.float64)
    usd[ends] = loading[graph.arc_unit[ends]]
    return usd


def _service_takes(case: Case, graph: Graph, commodity: str) -> NDArray[np.bool_]:
    goods = [as_list(cell) for cell in case.services["commodities"]]
    takes = np.array([not g or commodity in g for g in goods] + [True])  # last: arcs without a service
    return takes[graph.service]
