"""What a shipment of some tonnes pays on every arc: whole units, tariff steps by weight, least tonnes and money.

What does not depend on the tonnes is made once for a model and a commodity, as `ShipmentPrices`; a search then asks for
`shipment_costs` and `dwell_rates` of each shipment. Exact charges of the routes found are those of `cost.charges`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.cost.dwell import DwellBook
from karavan.cost.haulage import Haulage, Pieces
from karavan.cost.price_index import PriceIndex, read_price_index, years_of
from karavan.cost.tariffs import unit_tonnes
from karavan.errors import ShipmentError
from karavan.network.graph import ArcKind, Graph
from karavan.schema.case import position, positions
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from karavan.cost.arc_cost import ArcCost
    from karavan.cost.dwell import DwellCharge
    from karavan.schema.case import Case

    Float = NDArray[np.float64]
    Wait = tuple[tuple[DwellCharge, ...], int]  # the charges, and the position of the carrying unit

WAITING = (ArcKind.WAIT, ArcKind.RUN, ArcKind.BORDER, ArcKind.HAUL)  # arcs before which goods may stand
CITED = ("freight_tariffs", "transfers", "borders", "carrying_units", "dwell_charges")
FEES = {  # money by tonne and by unit
    "transfers": ("usd_per_tonne", "usd_per_unit"),
    "borders": ("", "usd_per_unit"),
    "carrying_units": ("loading_usd_per_tonne", ""),
}
WHOLE = 1e-9  # a load this much over a whole number of units, in units, is that number


@dataclass(frozen=True, slots=True, eq=False)
class Fees:
    """Payments on arcs, one row a payment: USD by tonne and by unit, of `price_year`, on `arc`."""

    arc: NDArray[np.int32]
    per_tonne: Float
    per_unit: Float
    price_year: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Places:
    """What exact charges look up row by row.

    `link_ends` and `border_ends` are positions of nodes; `by_water` tells it of each mode. `fees`: USD by tonne, USD by
    unit and price year of the rows of a table; `cited`: id, source and confidence of them.
    """

    nodes: list[str]
    modes: list[str]
    units: list[str]
    link_ends: list[tuple[int, int]]
    border_ends: list[tuple[int, int]]
    by_water: list[bool]
    fees: Mapping[str, list[tuple[float, float, int]]]
    cited: Mapping[str, list[tuple[str, str | None, str | None]]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShipmentPrices:
    """All that prices a commodity's shipments, whatever their weight; make it once with `shipment_prices`.

    `tonnes` (n_units,) are those of a loaded unit. `breaks` are the weights at which tariff steps change; `pieces` the
    haulage of each class of weight between them. `waits`: the arcs at whose tail waiting is charged, by
    the charges and the carrying unit; `waits_at` the same by arc.
    """

    case: Case
    graph: Graph
    cost: ArcCost
    tonnes: Float
    haulage: Haulage
    breaks: Float
    pieces: tuple[Pieces, ...]
    handling: Fees
    border: Fees
    waits: Mapping[Wait, NDArray[np.int64]]
    waits_at: Mapping[int, tuple[DwellCharge, ...]]
    index: PriceIndex
    places: Places

    def units(self, tonnes: float) -> Float:
        """Return how many units of each kind a shipment fills, the last one begun counting as whole; (n_units,)."""
        return np.maximum(np.ceil(tonnes / self.tonnes - WHOLE), 1.0)

    def pieces_for(self, tonnes: float) -> Pieces:
        """Return the haulage of a shipment's class of weight."""
        return self.pieces[int(np.searchsorted(self.breaks, tonnes, side="right"))]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DwellRates:
    """What waiting at the tail of each arc costs at first; arrays of shape (n_arcs,).

    Free for `free_hours`; then `usd_per_tonne_hour`, counted by begun `step_hours` (0: by the hour), of charges that
    start; `highest_usd_per_tonne_hour` is the most that any step comes to. Where nothing is charged the rates are 0.
    """

    free_hours: Float
    usd_per_tonne_hour: Float
    highest_usd_per_tonne_hour: Float
    step_hours: Float


def shipment_prices(
    case: Case, graph: Graph, cost: ArcCost, *, haulage: Haulage | None = None
) -> ShipmentPrices:  # fmt: skip
    """Gather what prices shipments of the commodity of `cost`, the arc costs of this case and graph.

    `haulage`: that of the same case and graph, where it is at hand from another commodity.
    """
    k = position(case.commodities, cost.commodity)
    haulage = haulage or Haulage(case, graph)
    full = unit_tonnes(case.carrying_units, float(case.commodities["load_factor"].iloc[k]))
    breaks = haulage.book.weights()
    free = not len(case.freight_tariffs)
    waits = _waits(case, graph)
    each = [np.full(full.shape, at) for at in (0.0, *breaks)]
    return ShipmentPrices(
        case=case,
        graph=graph,
        cost=cost,
        tonnes=full,
        haulage=haulage,
        breaks=np.asarray(breaks, dtype=np.float64),
        pieces=tuple(haulage.pieces(cost.commodity, at, full, missing_is_free=free) for at in each),
        handling=_handling_fees(case, graph),
        border=_border_fees(case, graph),
        waits=waits,
        waits_at={arc: found for (found, _), arcs in waits.items() for arc in arcs.tolist()},
        index=read_price_index(case.price_index),
        places=_places(case),
    )


def shipment_costs(
    prices: ShipmentPrices, tonnes: float, *, usd_year: int | None = None, unit: str | None = None
) -> ArcCost:
    """Return the cost of every arc for a shipment, in USD per tonne moved.

    Parameters
    ----------
    prices
        Of the model and commodity.
    tonnes
        Weight of the shipment. Units are whole: 30 t in boxes of 20 t pay for two.
    usd_year
        Bring money to this year by the price index; None: each price in the money of its own year.
    unit
        Only this carrying unit.

    Steps by distance hold for a whole leg, which an arc does not know: on hauls the row is taken that is cheapest for a
    full unit of those the leg may reach, no least money of a leg, and the fixed part on every link. `cost.charges`
    prices the legs of a route found exactly.
    """
    if not (np.isfinite(tonnes) and tonnes > 0.0):
        message = f"A shipment weighs more than nothing; {tonnes:g} tonnes were given."
        raise ShipmentError(message)
    graph, old, p = prices.graph, prices.cost, prices.pieces_for(tonnes)
    units = prices.units(tonnes)
    filled = units[graph.arc_unit[p.arc]]
    paid = np.maximum(tonnes, p.least * np.where(p.by_unit, filled, 1.0))
    usd = np.maximum(p.per_tonne * paid + p.per_unit * filled, p.minimum_usd)
    usd *= prices.index.factors(p.price_year, usd_year)
    open_ = old.permitted & ~p.unpriced
    if unit is not None:
        at = position(prices.case.carrying_units, unit)
        open_ = open_ & ((graph.arc_unit == at) | (graph.kind == ArcKind.ACCESS))
    return replace(
        old,
        haulage=np.bincount(p.arc, weights=usd / tonnes, minlength=graph.n_arcs).astype(np.float64),
        handling=_fees_per_tonne(prices, prices.handling, tonnes, units, usd_year),
        border=_fees_per_tonne(prices, prices.border, tonnes, units, usd_year),
        open=open_,
        unpriced=p.unpriced,
        tariff=p.single_rows(),
    )


def dwell_rates(prices: ShipmentPrices, tonnes: float, *, usd_year: int | None = None) -> DwellRates:
    """Return what waiting before each arc, at its tail, costs a tonne of a shipment at first.

    Several kinds of charge at one place are told as one: free for the shortest of their free times, then the sum of
    their first rates, and counted by the day begun if any of them is.
    """
    n = prices.graph.n_arcs
    free, rate, highest, step = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    units = prices.units(tonnes)
    for (found, unit), arcs in prices.waits.items():
        years = np.array([c.price_year for c in found], dtype=np.int64)
        worth = prices.index.factors(years, usd_year) / tonnes / HOURS_PER_DAY
        day = [[s.usd_per_day(tonnes, float(units[unit])) for s in c.steps] for c in found]
        free[arcs] = min(c.steps[0].from_hours for c in found)
        rate[arcs] = sum(w * d[0] for w, d in zip(worth, day, strict=True))
        highest[arcs] = sum(w * max(d) for w, d in zip(worth, day, strict=True))
        step[arcs] = HOURS_PER_DAY if any(c.by_day for c in found) else 0.0
    return DwellRates(free, rate, highest, step)


def _fees_per_tonne(
    prices: ShipmentPrices, fees: Fees, tonnes: float, units: Float, usd_year: int | None
) -> Float:  # fmt: skip
    worth = prices.index.factors(fees.price_year, usd_year)
    usd = (fees.per_tonne + fees.per_unit * units[prices.graph.arc_unit[fees.arc]] / tonnes) * worth
    return np.bincount(fees.arc, weights=usd, minlength=prices.graph.n_arcs).astype(np.float64)


def _handling_fees(case: Case, graph: Graph) -> Fees:
    """Return what transfers, loading and unloading cost."""
    at = np.flatnonzero(graph.transfer >= 0)
    ends = np.flatnonzero((graph.kind == ArcKind.LOAD) | (graph.kind == ArcKind.UNLOAD))
    loading = case.carrying_units["loading_usd_per_tonne"]
    transfers, rows = case.transfers, graph.transfer[at]
    nothing = np.zeros(ends.size)
    return Fees(
        arc=np.concatenate([at, ends]).astype(np.int32),
        per_tonne=np.concatenate([_money(transfers["usd_per_tonne"])[rows], _money(loading)[graph.arc_unit[ends]]]),
        per_unit=np.concatenate([_money(transfers["usd_per_unit"])[rows], nothing]),
        price_year=np.concatenate([years_of(transfers["price_year"])[rows], nothing.astype(np.int64)]),
    )


def _border_fees(case: Case, graph: Graph) -> Fees:
    rows = graph.over_border
    return Fees(
        arc=np.repeat(np.arange(graph.n_arcs), np.diff(graph.over_indptr)).astype(np.int32),
        per_tonne=np.zeros(rows.size),
        per_unit=_money(case.borders["usd_per_unit"])[rows],
        price_year=years_of(case.borders["price_year"])[rows],
    )


def _money(column: pd.Series) -> Float:
    return column.fillna(0.0).to_numpy(dtype=np.float64)


def _waits(case: Case, graph: Graph) -> dict[Wait, NDArray[np.int64]]:
    """Return the arcs before which goods in a unit may wait at a charge, by the charges and the unit."""
    if not len(case.dwell_charges):
        return {}
    book, nodes = DwellBook(case), [str(n) for n in case.nodes.index]
    countries = [str(c) if isinstance(c, str) else None for c in case.nodes["country"]]
    modes, units = [str(m) for m in case.modes.index], [str(u) for u in case.carrying_units.index]
    out: dict[Wait, list[int]] = {}
    for arc in np.flatnonzero(np.isin(graph.kind, WAITING)).tolist():
        tail = graph.tail[arc]
        node, mode, unit = int(graph.node[tail]), int(graph.mode[tail]), int(graph.unit[tail])
        found = book.find(nodes[node], countries[node], modes[mode], units[unit])
        if found:
            out.setdefault((found, unit), []).append(arc)
    return {wait: np.asarray(arcs, dtype=np.int64) for wait, arcs in out.items()}


def _places(case: Case) -> Places:
    priced = {name: case.tables[name] for name in CITED}
    none = pd.Series([], dtype="float64")
    fees = {
        table: list(
            zip(
                _money(frame.get(by_tonne, none).reindex(frame.index)).tolist(),
                _money(frame.get(by_unit, none).reindex(frame.index)).tolist(),
                years_of(frame.get("price_year", none).reindex(frame.index)).tolist(),
                strict=True,
            )
        )
        for table, (by_tonne, by_unit) in FEES.items()
        for frame in (priced[table],)
    }
    cited = {
        name: [
            (str(i), s if isinstance(s, str) else None, c if isinstance(c, str) else None)
            for i, s, c in zip(frame.index, frame["source"], frame["confidence"], strict=True)
        ]
        for name, frame in priced.items()
    }
    return Places(
        nodes=[str(n) for n in case.nodes.index],
        modes=[str(m) for m in case.modes.index],
        units=[str(u) for u in case.carrying_units.index],
        link_ends=_ends(case, "links"),
        border_ends=_ends(case, "borders"),
        by_water=(case.modes["medium"] == "water").tolist(),
        fees=fees,
        cited=cited,
    )


def _ends(case: Case, table: str) -> list[tuple[int, int]]:
    sides = (positions(case.nodes, case.tables[table][f]).tolist() for f in ("from_node", "to_node"))
    return list(zip(*sides, strict=True))
