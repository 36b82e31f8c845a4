"""What a route costs, line by line: exact after the search, with steps over whole legs, dwell and who pays."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.cost.price_index import NO_YEAR
from karavan.cost.terms import Event, check_term, paid_by_seller
from karavan.errors import ShipmentError
from karavan.network.graph import ArcKind, Graph
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from karavan.cost.arc_cost import ArcCost
    from karavan.cost.shipment_cost import ShipmentPrices
    from karavan.cost.tariffs import Tariff

AT_ENDS = {int(ArcKind.LOAD): "loading", int(ArcKind.UNLOAD): "unloading"}
TABLE_OF = {
    "loading": "carrying_units", "unloading": "carrying_units", "handling": "transfers", "border": "borders",
}  # fmt: skip
MOVING = (ArcKind.HAUL, ArcKind.BORDER, ArcKind.WAIT, ArcKind.RUN)


def charges(
    prices: ShipmentPrices,
    arcs: NDArray[np.int32],
    tonnes: float,
    *,
    dwell_hours: ArrayLike | None = None,
    incoterm: str | None = None,
    place: str | None = None,
    usd_year: int | None = None,
) -> pd.DataFrame:
    """Return the charges of a shipment on a route, one row a charge, in order of travel.

    Parameters
    ----------
    prices
        Of the model and commodity.
    arcs
        The route, arcs of the graph in order.
    tonnes
        Weight of the shipment.
    dwell_hours
        Hours that the goods stand before each arc, (n,); the mean waits of the graph by default.
    incoterm, place
        Term of Incoterms 2020 and the place it names: `payer` is seller or buyer then, else missing.
    usd_year
        Bring money to this year; None: each price in the money of its own year.

    Returns
    -------
    component (loading, haulage, handling, border, unloading, or the kind of a dwell charge), leg (position among the
    route's legs), place, mode, unit, basis (how the sum came about), payer, usd for the whole shipment, price_year (of
    the price as published), table and id of the row that says so, its source and confidence. Nothing is left out of
    the sum; payments of nothing have no row.

    Raises `ShipmentError` where the term does not fit the route.
    """
    return _frame(prices, _lines(prices, arcs, tonnes, dwell_hours, incoterm, place), usd_year)


def money(
    prices: ShipmentPrices, arcs: NDArray[np.int32], tonnes: float, *, dwell_hours: ArrayLike | None = None,
    usd_year: int | None = None, costs: ArcCost | None = None,
) -> float:  # fmt: skip
    """Return the sum of the `charges` of a route, USD for the whole shipment, without making the table.

    `costs` are the `shipment_costs` of the same tonnes and year, where they are at hand: then it is quick.
    """
    if costs is not None and prices.pieces_for(tonnes).exact[arcs].all():
        moved = float((costs.haulage[arcs] + costs.handling[arcs] + costs.border[arcs]).sum()) * tonnes
        return moved + _dwell_total(prices, arcs, tonnes, dwell_hours, usd_year)
    lines = _lines(prices, arcs, tonnes, dwell_hours, None, None)
    years = np.array([line["year"] for line in lines], dtype=np.int64)
    return float(np.array([line["usd"] for line in lines]) @ prices.index.factors(years, usd_year))


def misfit(prices: ShipmentPrices, arcs: NDArray[np.int32], incoterm: str, place: str | None) -> str | None:
    """Return why a term does not fit a route (no leg by water, the named place is elsewhere); None where it does.

    Raises `ShipmentError` for a term that is none, `NameNotFound` and `AmbiguousName` for the place: these are wrong
    on every route.
    """
    term = check_term(incoterm)
    try:
        paid_by_seller(prices.case, list(_events(prices, arcs, np.zeros(len(arcs)))), term, place)
    except ShipmentError as error:
        return str(error)
    return None


def _dwell_total(
    prices: ShipmentPrices, arcs: NDArray[np.int32], tonnes: float, dwell_hours: ArrayLike | None,
    usd_year: int | None,
) -> float:  # fmt: skip
    waits = prices.graph.wait_hours[arcs] if dwell_hours is None else np.asarray(dwell_hours, dtype=np.float64)
    usd = 0.0
    for at in np.flatnonzero(waits > 0.0).tolist():
        arc = int(arcs[at])
        for charge in prices.waits_at.get(arc, ()):
            filled = float(prices.units(tonnes)[prices.graph.unit[prices.graph.tail[arc]]])
            worth = prices.index.factors(np.array([charge.price_year]), usd_year)[0]
            usd += charge.usd(float(waits[at]), tonnes, filled) * float(worth)
    return usd


def _lines(
    prices: ShipmentPrices, arcs: NDArray[np.int32], tonnes: float, dwell_hours: ArrayLike | None,
    incoterm: str | None, place: str | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the charges of a route in order of travel, in the money of their own years."""
    graph = prices.graph
    waits = graph.wait_hours[arcs] if dwell_hours is None else np.asarray(dwell_hours, dtype=np.float64)
    events = list(_events(prices, arcs, waits))
    payers: list[str | None] = [None] * len(events)
    if incoterm is not None:
        payers = ["seller" if s else "buyer" for s in paid_by_seller(prices.case, events, incoterm, place)]
    lines = []
    for at, (e, payer) in enumerate(zip(events, payers, strict=True)):
        if e.kind != "haul":
            lines += [line | {"order": at, "payer": payer} for line in _stop(prices, e, tonnes)]
    hauls = [at for at, e in enumerate(events) if e.kind == "haul"]
    for _, leg in groupby(hauls, lambda at: events[at].leg):
        inside = list(leg)
        for line in _haulage(prices, [events[at] for at in inside], [payers[at] for at in inside], tonnes):
            lines.append(line | {"order": inside[line["order"]]})
    lines.sort(key=lambda line: line["order"])
    return lines


def leg_of_arcs(graph: Graph, arcs: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the leg of each arc of a route, -1 for access to zones.

    A leg is a transport chain element: loading, a movement by one vehicle with its waits and borders, a transfer,
    unloading. Movements without a service are one leg until goods are transferred.
    """
    kinds, services = graph.kind[arcs], graph.service[arcs]
    at = np.flatnonzero(kinds != ArcKind.ACCESS)
    kind, moving, service = kinds[at], np.isin(kinds[at], MOVING), services[at]
    same = moving[1:] & moving[:-1] & (service[1:] == service[:-1]) & (kind[1:] != ArcKind.WAIT)
    out = np.full(len(arcs), -1, dtype=np.int64)
    out[at] = np.concatenate(([0], np.cumsum(~same)))[: at.size]
    return out


def _events(prices: ShipmentPrices, arcs: NDArray[np.int32], waits: NDArray[np.float64]) -> Iterator[Event]:
    graph = prices.graph
    at = prices.places
    for arc, leg, hours in zip(arcs.tolist(), leg_of_arcs(graph, arcs).tolist(), waits.tolist(), strict=True):
        kind, node = int(graph.kind[arc]), int(graph.node[graph.tail[arc]])
        sea = at.by_water[graph.arc_mode[arc]]
        if hours > 0.0:
            yield Event("dwell", arc, leg, node, -1, sea, hours)
        if kind in AT_ENDS:
            yield Event(AT_ENDS[kind], arc, leg, node, int(graph.arc_unit[arc]), by_water=False)
        elif kind == ArcKind.TRANSFER:
            yield Event("handling", arc, leg, node, int(graph.transfer[arc]), by_water=False)
        elif kind == ArcKind.BORDER:
            yield Event("border", arc, leg, node, int(graph.border[arc]), sea)
        else:
            left = list(graph.borders_under(arc)) if kind == ArcKind.RUN else []
            for link, ahead in graph.links_under(arc):
                ends = at.link_ends[link] if ahead else at.link_ends[link][::-1]
                for b in [b for b in left if at.border_ends[b] == ends]:
                    left.remove(b)
                    yield Event("border", arc, leg, ends[0], b, sea)
                yield Event("haul", arc, leg, ends[1], link, sea)


def _stop(prices: ShipmentPrices, e: Event, tonnes: float) -> Iterator[dict[str, Any]]:
    """Yield the charges of one event that is no haul."""
    graph = prices.graph
    unit = int(graph.unit[graph.tail[e.arc]]) if e.kind == "dwell" else int(graph.arc_unit[e.arc])
    units = float(prices.units(tonnes)[unit])
    base = {"leg": e.leg, "place": e.node, "mode": int(graph.arc_mode[e.arc]), "unit": unit}
    name = prices.places.units[unit]
    if e.kind == "dwell":
        yield from (base | line for line in _dwell(prices, e, tonnes, units, name))
        return
    table = TABLE_OF[e.kind]
    per_tonne, per_unit, year = prices.places.fees[table][e.row]
    usd = per_tonne * tonnes + per_unit * units
    if usd > 0.0:
        basis = _rates(tonnes, per_tonne, units, name, per_unit)
        yield base | {"component": e.kind, "basis": basis, "usd": usd, "year": year, "table": table, "row": e.row}


def _dwell(
    prices: ShipmentPrices, e: Event, tonnes: float, units: float, name: str
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for charge in prices.waits_at.get(e.arc, ()):
        for step, days in charge.days(e.hours):
            usd = days * step.usd_per_day(tonnes, units)
            if usd <= 0.0:
                continue
            rate = _rates(tonnes, step.usd_per_tonne_day, units, name, step.usd_per_unit_day)
            basis = f"{days:,.4g} days of {e.hours / HOURS_PER_DAY:,.3g} x ({rate})"
            yield {"component": charge.kind, "basis": basis, "usd": usd, "year": charge.price_year,
                   "table": "dwell_charges", "row": step.row}  # fmt: skip


def _haulage(
    prices: ShipmentPrices, hauls: list[Event], payers: list[str | None], tonnes: float
) -> Iterator[dict[str, Any]]:
    """Yield what a leg's movement costs: one line a tariff row and payer, a through price shared by kilometres.

    `order` of a line is the position of its first haul.
    """
    graph, book, at = prices.graph, prices.haulage, 0
    sections = [book.section(e.arc, e.row, ahead=e.node == prices.places.link_ends[e.row][1]) for e in hauls]
    arc = hauls[0].arc
    unit = int(graph.arc_unit[arc])
    units = float(prices.units(tonnes)[unit])
    name = prices.places.units[unit]
    base = {"component": "haulage", "leg": hauls[0].leg, "mode": int(graph.arc_mode[arc]), "unit": unit}
    for part in book.find(sections, prices.cost.commodity, tonnes):
        mine = range(at, at + len(part.sections))
        at += len(part.sections)
        if part.tariff is None:
            continue
        usd = part.tariff.total(part.km, tonnes, units)
        basis = _haulage_basis(part.tariff, part.km, tonnes, units, name)
        for payer, some in groupby(mine, payers.__getitem__):
            inside = list(some)
            km = sum(sections[i].km for i in inside)
            share = km / part.km if part.km > 0.0 else len(inside) / len(mine)
            yield base | {
                "order": inside[0], "place": hauls[inside[-1]].node, "payer": payer, "usd": usd * share,
                "basis": basis if len(inside) == len(mine) else f"{share:.0%} of {basis}",
                "year": int(book.years[part.tariff.row]), "table": "freight_tariffs", "row": part.tariff.row,
            }  # fmt: skip


def _haulage_basis(t: Tariff, km: float, tonnes: float, units: float, name: str) -> str:
    paid = t.charged_tonnes(tonnes, units)
    parts = [
        text
        for price, text in (
            (t.usd_per_unit, _by_unit(units, name, t.usd_per_unit)),
            (t.usd_per_unit_km, f"{_by_unit(units, name, t.usd_per_unit_km)} a km x {km:,.0f} km"),
            (t.usd_per_tonne, _by_tonne(paid, t.usd_per_tonne)),
            (t.usd_per_tkm, f"{_by_tonne(paid, t.usd_per_tkm)} a km x {km:,.0f} km"),
        )
        if price > 0.0
    ]
    basis = " + ".join(parts) or "nothing"
    if paid > tonnes:
        basis += f" (at least {paid:,.6g} t are charged)"
    if t.total(km, tonnes, units) == t.minimum_usd > 0.0:
        basis = f"at least {t.minimum_usd:,.6g} USD a leg"
    return basis


def _rates(tonnes: float, per_tonne: float, units: float, name: str, per_unit: float) -> str:
    parts = [_by_tonne(tonnes, per_tonne)] if per_tonne > 0.0 else []
    return " + ".join([*parts, _by_unit(units, name, per_unit)] if per_unit > 0.0 else parts)


def _by_unit(units: float, name: str, usd: float) -> str:
    return f"{units:,.0f} {name} x {usd:,.6g} USD"


def _by_tonne(tonnes: float, usd: float) -> str:
    return f"{tonnes:,.6g} t x {usd:,.6g} USD"


def _frame(prices: ShipmentPrices, lines: list[dict[str, Any]], usd_year: int | None) -> pd.DataFrame:
    at = prices.places
    years = np.array([line["year"] for line in lines], dtype=np.int64)
    worth = prices.index.factors(years, usd_year)
    cited = [at.cited[line["table"]][line["row"]] for line in lines]
    told = [
        line["basis"] + (f", x {factor:.4f} from {year} to {usd_year}" if factor != 1.0 else "")
        for line, factor, year in zip(lines, worth.tolist(), years.tolist(), strict=True)
    ]
    columns = {
        "component": [line["component"] for line in lines],
        "leg": np.array([line["leg"] for line in lines], dtype=np.int64),
        "place": [at.nodes[line["place"]] for line in lines],
        "mode": [at.modes[line["mode"]] for line in lines],
        "unit": [at.units[line["unit"]] for line in lines],
        "basis": told,
        "payer": np.array([line["payer"] for line in lines], dtype=object),
        "usd": np.array([line["usd"] for line in lines], dtype=np.float64) * worth,
        "price_year": pd.array(np.where(years == NO_YEAR, np.nan, years), dtype="Int64"),
        "table": [line["table"] for line in lines],
        "id": [c[0] for c in cited],
        "source": np.array([c[1] for c in cited], dtype=object),
        "confidence": np.array([c[2] for c in cited], dtype=object),
    }
    return pd.DataFrame(columns)
