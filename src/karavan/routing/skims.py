"""Skims: what the cheapest way between each two zones comes to, by component and commodity, at zero flow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.cost.arc_cost import COMPONENTS
from karavan.cost.gaps import require_costs
from karavan.errors import FormatError
from karavan.kernels.shortest_path import shortest_tree
from karavan.model import Model, build_model
from karavan.routing.search import arcs_by_tail, trace_back
from karavan.routing.shipment import HOURS
from karavan.schema.case import position
from karavan.schema.io.atomic import whole_file
from karavan.schema.io.omx import write_omx
from karavan.schema.names import find_commodity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from karavan.schema.case import Case

    Float = NDArray[np.float64]

VALUES = (
    "km", "hours", *HOURS, *(f"{c}_usd_per_tonne" for c in COMPONENTS), "money_usd_per_tonne",
    "generalized_usd_per_tonne", "kg_co2e_per_tonne", "kg_co2e_low_per_tonne", "kg_co2e_high_per_tonne",
)  # fmt: skip
FORMS = (".parquet", ".csv", ".omx")


def route_skims(
    case: Case | Model, *, commodities: Sequence[str] | None = None, day: str | None = None
) -> pd.DataFrame:  # fmt: skip
    """Return what the cheapest way between each two zones comes to, one row a pair and commodity.

    Parameters
    ----------
    commodities
        Names of commodities; all by default.
    day
        What is open on this day; mid-year of the case's year by default. Ignored for a `Model`.

    Returns
    -------
    origin, destination, commodity; km; hours and its parts; USD per tonne by component, of full carrying units, and
    their sum as money; generalized cost (money, time and what calibration found); kg CO2e per tonne, well-to-wheel,
    with its range. A pair that no way joins has no row.

    Raises
    ------
    NameNotFound, AmbiguousName
        A commodity is not known.
    CaseError
        A link gives nothing to work time or money out from.
    """
    model = case if isinstance(case, Model) else build_model(case, day=day)
    names = [find_commodity(model.case, c) for c in commodities or model.case.commodities.index]
    require_costs(model.case, commodities=names, day=model.day)
    network = arcs_by_tail(model.graph.n_nodes, model.graph.tail)
    parts = [_of_commodity(model, position(model.case.commodities, name), *network) for name in names]
    return pd.concat(parts, ignore_index=True)


def _of_commodity(
    model: Model, k: int, out_start: NDArray[np.int64], out_arc: NDArray[np.int32]
) -> pd.DataFrame:  # fmt: skip
    graph, cost = model.graph, model.costs[k]
    values = _values(model, k)
    zones = model.case.zones.index
    pairs, sums = [], []
    for i, source in enumerate(graph.source_of_zone.tolist()):
        distance, arrival = shortest_tree(out_start, out_arc, graph.head, cost.generalized, cost.open, source)
        for j, sink in enumerate(graph.sink_of_zone.tolist()):
            if i != j and np.isfinite(distance[sink]):
                pairs.append((i, j))
                sums.append(values[:, trace_back(arrival, graph.tail, sink)].sum(axis=1))
    at = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    table = pd.DataFrame({"origin": zones[at[:, 0]], "destination": zones[at[:, 1]], "commodity": cost.commodity})
    table[list(VALUES)] = np.array(sums).reshape(-1, len(VALUES))
    return table


def _values(model: Model, k: int) -> Float:
    """Return what is summed along a way, (n_values, n_arcs), in the order of `VALUES`."""
    graph, cost, e = model.graph, model.costs[k], model.emissions
    rows = [graph.km, graph.hours, *(getattr(graph, h) for h in HOURS), *(getattr(cost, c) for c in COMPONENTS)]
    rows += [cost.money, cost.generalized, e.central + e.hub, e.low + e.hub_low, e.high + e.hub_high]
    return np.array(rows)


def write_skims(skims: pd.DataFrame, file: str | Path, *, zones: Iterable[str] | None = None) -> list[Path]:
    """Write skims as a long table (.parquet, .csv), or as matrices (.omx), one file a commodity; return the files.

    Several commodities as .omx are written as NAME-COMMODITY.omx, each value a matrix. `zones`: the order of rows and
    columns; by default those that occur, sorted.

    Raises `FormatError` for another ending, `MissingExtra` where h5py is not installed.
    """
    path = Path(file)
    form = path.suffix.lower()
    if form not in FORMS:
        message = f"{path}: skims are written as {', '.join(FORMS)}, not {form or 'without an ending'}"
        raise FormatError(message)
    if form == ".omx":
        goods = list(dict.fromkeys(skims["commodity"]))
        order = None if zones is None else list(zones)
        return [
            write_omx(skims, path if len(goods) == 1 else path.with_name(f"{path.stem}-{name}.omx"), commodity=name,
                      columns=VALUES, zones=order)
            for name in goods
        ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        if form == ".csv":
            skims.to_csv(temporary, index=False, lineterminator="\n")
        else:
            skims.to_parquet(temporary, index=False, compression="zstd")
    return [path]
