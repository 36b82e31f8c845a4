"""A shipment and the routes it may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.network.graph import ArcKind
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.model import Model

MONEY = ("haulage", "handling", "border")
HOURS = ("move_hours", "border_hours", "handling_hours", "wait_hours")
WEIGHT = (
    "usd_haulage", "usd_handling", "usd_border", "usd_time", "kg_co2e", "kg_co2e_low", "kg_co2e_high", "kg_co2e_ttw",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shipment:
    """One consignment: from a place to a place, what, how many tonnes. Names are ids, names, places or aliases."""

    origin: str
    destination: str
    commodity: str
    tonnes: float = 20.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Route:
    """One way of moving a shipment.

    `arcs` are the graph's arcs in order. `legs` has one row a transport chain element: loading, a movement by one
    vehicle, a transfer, unloading; columns: what, mode, unit, from, to, service, km, the four kinds of hours, USD per
    tonne by component, kg CO2e per tonne (well-to-wheel, with low and high; tank-to-wheel-only legs apart).
    `restrictions` are the ids of those that flag it; `reason` says why it is among the answers.
    """

    shipment: Shipment
    arcs: NDArray[np.int32]
    origin: str
    destination: str
    legs: pd.DataFrame
    borders: tuple[str, ...]
    ports: tuple[str, ...]
    restrictions: tuple[str, ...]
    unknowns: tuple[str, ...]
    unit_tonnes: float
    reason: str = ""

    def __repr__(self) -> str:
        return f"<Route {self.origin} to {self.destination}: {self.km:,.0f} km, {self.days:.1f} days, {self.reason}>"

    @property
    def km(self) -> float:
        """Kilometres travelled."""
        return float(self.legs["km"].sum())

    @property
    def hours(self) -> float:
        """Hours from loading to unloading."""
        return float(self.legs[list(HOURS)].to_numpy().sum())

    @property
    def days(self) -> float:
        """Days from loading to unloading."""
        return self.hours / HOURS_PER_DAY

    @property
    def money(self) -> float:
        """Money paid, USD per tonne."""
        return float(self.legs[[f"usd_{c}" for c in MONEY]].to_numpy().sum())

    @property
    def generalized_cost(self) -> float:
        """Money plus hours at the commodity's value of time, USD per tonne."""
        return self.money + float(self.legs["usd_time"].sum())

    @property
    def usd_per_teu(self) -> float | None:
        """Money paid for a loaded container, where the goods travel in containers all the way; else None."""
        units = set(self.legs.loc[self.legs["what"] == "movement", "unit"])
        return self.money * self.unit_tonnes if units == {"container"} else None

    @property
    def handlings(self) -> int:
        """Transfers between vehicles."""
        return int((self.legs["what"] == "transfer").sum())

    @property
    def signature(self) -> tuple[str, ...]:
        """Ports and border crossings in order: what a forwarder means by another route."""
        return self.ports + self.borders


def make_route(model: Model, shipment: Shipment, k: int, arcs: NDArray[np.int32], *, reason: str = "") -> Route:
    """Describe a path of arcs for commodity `k` as a route."""
    graph, case = model.graph, model.case
    names = [str(n) for n in case.nodes.index]
    legs = _legs(model, k, arcs)
    crossed = [names_of_border(model, b) for a in arcs.tolist() for b in graph.borders_under(a)]
    hubs = [a for a in arcs.tolist() if graph.kind[a] in {ArcKind.LOAD, ArcKind.UNLOAD}]
    origin, destination = names[graph.node[graph.head[hubs[0]]]], names[graph.node[graph.tail[hubs[-1]]]]
    country = case.nodes["country"].fillna("")
    met = model.restrictions.meeting(
        case, arcs, model.costs[k].commodity, str(country[origin]), str(country[destination])
    )
    load_factor = float(case.commodities["load_factor"].iloc[k])
    payload = float(case.carrying_units["payload_tonnes"].get("container", np.nan))
    return Route(
        shipment=shipment,
        arcs=arcs,
        origin=origin,
        destination=destination,
        legs=legs,
        borders=tuple(dict.fromkeys(crossed)),
        ports=_ports(model, legs),
        restrictions=tuple(met),
        unknowns=_unknowns(model, arcs),
        unit_tonnes=payload * load_factor,
        reason=reason,
    )


def names_of_border(model: Model, row: int) -> str:
    """Return the name of a border row."""
    return str(model.case.borders["name"].iloc[row])


def _ports(model: Model, legs: pd.DataFrame) -> tuple[str, ...]:
    """Return the nodes where water legs begin and end, in order."""
    media = model.case.modes["medium"]
    at_sea = legs[(legs["what"] == "movement") & (legs["mode"].map(media) == "water")]
    nodes = [n for pair in zip(at_sea["from"], at_sea["to"], strict=True) for n in pair]
    return tuple(dict.fromkeys(nodes))


def _unknowns(model: Model, arcs: NDArray[np.int32]) -> tuple[str, ...]:
    """Name the shared facilities on the way whose other traffic is unknown."""
    capacity = model.capacity
    rows = {int(r) for a in arcs.tolist() for r in capacity.row[capacity.indptr[a] : capacity.indptr[a + 1]]}
    bare = {int(capacity.facility[r]) for r in rows if not capacity.preload_known[r]}
    return tuple(str(model.case.facilities.index[f]) for f in sorted(bare))


def arc_table(model: Model, k: int, arcs: NDArray[np.int32]) -> pd.DataFrame:
    """Return one row an arc: kind, place names, km, hours by kind, USD per tonne by component, kg CO2e per tonne."""
    graph, case, cost, emissions = model.graph, model.case, model.costs[k], model.emissions
    names = _with_none(case.nodes)
    modes = _with_none(case.modes)
    units = _with_none(case.carrying_units)
    services = _with_none(case.services)
    return pd.DataFrame(
        {
            "arc": arcs,
            "kind": [ArcKind(v).name for v in graph.kind[arcs]],
            "mode": modes[graph.arc_mode[arcs]],
            "unit": units[graph.arc_unit[arcs]],
            "from": names[graph.node[graph.tail[arcs]]],
            "to": names[graph.node[graph.head[arcs]]],
            "service": services[graph.service[arcs]],
            "km": graph.km[arcs],
            **{h: getattr(graph, h)[arcs] for h in HOURS},
            **{f"usd_{c}": getattr(cost, c)[arcs] for c in (*MONEY, "time")},
            "kg_co2e": emissions.central[arcs],
            "kg_co2e_low": emissions.low[arcs],
            "kg_co2e_high": emissions.high[arcs],
            "kg_co2e_ttw": emissions.ttw_central[arcs],
        }
    )


def _with_none(frame: pd.DataFrame) -> NDArray[np.object_]:
    """Return the ids of a table, with None in the place that position -1 reads."""
    return np.array([*frame.index, None], dtype=object)


def _legs(model: Model, k: int, arcs: NDArray[np.int32]) -> pd.DataFrame:
    table = arc_table(model, k, arcs)
    moving = table["kind"].isin(["HAUL", "BORDER", "WAIT", "RUN"])
    what = np.where(moving, "movement", table["kind"].str.lower())
    table["what"] = what
    table = table[table["kind"] != "ACCESS"]
    same_vehicle = (table["what"] == "movement") & (table["service"].fillna("") == table["service"].fillna("").shift())
    same_vehicle &= (table["what"].shift() == "movement") & ~(table["kind"] == "WAIT")
    leg = (~same_vehicle).cumsum()
    sums = ["km", *HOURS, *WEIGHT]
    grouped = table.groupby(leg, sort=True)
    legs = grouped.agg(
        {"what": "first", "mode": "first", "unit": "first", "from": "first", "to": "last", "service": "first"}
        | dict.fromkeys(sums, "sum")
    )
    legs = legs.reset_index(drop=True)
    ends = legs["what"].isin(["load", "unload"])
    legs.loc[ends, "from"] = legs.loc[ends, "from"].where(legs.loc[ends, "from"].notna(), legs.loc[ends, "to"])
    return legs
