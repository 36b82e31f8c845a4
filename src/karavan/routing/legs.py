"""A path of arcs told as legs: what a route shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.network.graph import ArcKind
from karavan.routing.shipment import HOURS, MONEY, WEIGHT, Route, minute
from karavan.schema.case import positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from karavan.cost.arc_cost import ArcCost
    from karavan.model import Model
    from karavan.routing.shipment import Shipment

    Float = NDArray[np.float64]
    Names = NDArray[np.object_]

MOVES = (ArcKind.HAUL, ArcKind.BORDER, ArcKind.WAIT, ArcKind.RUN)


@dataclass(frozen=True, slots=True, eq=False)
class Travel:
    """How a path was travelled, where that is not as the model expects it.

    `cost`: what the arcs cost this shipment. By arc of the path: `wait_hours`, and `flagged`, the ids of restrictions
    that touch it. `paid`: USD per tonne of each leg by component, instead of what the arcs cost. `times` (n + 1,):
    minutes since 1970.
    """

    cost: ArcCost
    wait_hours: Float
    flagged: tuple[tuple[str, ...], ...]
    restrictions: tuple[str, ...]
    paid: Mapping[str, Float] | None = None
    times: Float | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Words:
    """Names that rows of a model have for people, by position; in the last place None, which position -1 reads."""

    nodes: Names
    node_names: Names
    modes: Names
    units: Names
    services: Names
    rules: Names
    borders: Names
    facilities: Names
    countries: Names
    by_water: NDArray[np.bool_]
    km: Float
    link_ends: tuple[NDArray[np.intp], NDArray[np.intp]]
    box_tonnes: float


def words_of(model: Model) -> Words:
    """Look the names of a model up."""
    t = model.case.tables
    return Words(
        nodes=_with_none(t["nodes"].index),
        node_names=_with_none(t["nodes"]["name"]),
        modes=_with_none(t["modes"].index),
        units=_with_none(t["carrying_units"].index),
        services=_with_none(t["services"].index),
        rules=_with_none(t["services"]["departure_rule"]),
        borders=_with_none(t["borders"]["name"]),
        facilities=_with_none(t["facilities"].index),
        countries=_with_none(t["nodes"]["country"].fillna("")),
        by_water=np.append(t["modes"]["medium"].to_numpy() == "water", False),
        km=t["links"]["length_km"].fillna(0.0).to_numpy(dtype=np.float64),
        link_ends=(positions(t["nodes"], t["links"]["from_node"]), positions(t["nodes"], t["links"]["to_node"])),
        box_tonnes=float(t["carrying_units"]["payload_tonnes"].get("container", np.nan)),
    )


def _with_none(values: Iterable[object]) -> Names:
    return np.array([*values, None], dtype=object)


def make_route(
    model: Model, shipment: Shipment, k: int, arcs: NDArray[np.int32], *, reasons: tuple[str, ...] = (),
    travel: Travel | None = None, words: Words | None = None,
) -> Route:  # fmt: skip
    """Describe a path of arcs for commodity `k` as a route; without `travel`, as the model expects it to be.

    `words`: those of the model, where they are at hand.
    """
    graph, words = model.graph, words or words_of(model)
    hubs = arcs[np.isin(graph.kind[arcs], (ArcKind.LOAD, ArcKind.UNLOAD))]
    first, last = int(graph.node[graph.head[hubs[0]]]), int(graph.node[graph.tail[hubs[-1]]])
    if travel is None:
        ends = str(words.countries[first]), str(words.countries[last])
        met = model.restrictions.meeting(model.case, arcs, model.costs[k].commodity, *ends)
        travel = Travel(model.costs[k], graph.wait_hours[arcs], ((),) * arcs.size, tuple(met))
    legs = _legs(model, k, arcs, travel, words)
    return Route(
        shipment=shipment,
        arcs=arcs,
        origin=str(words.nodes[first]),
        destination=str(words.nodes[last]),
        legs=legs,
        borders=borders_on(model, arcs, words),
        ports=ports_on(model, arcs, words),
        restrictions=travel.restrictions,
        unknowns=_unknowns(model, arcs, words),
        unit_tonnes=words.box_tonnes * float(model.case.tables["commodities"]["load_factor"].iloc[k]),
        reasons=reasons,
        times=travel.times,
        frequency_based=bool(legs["calendar"].isin(["frequency", "fill_and_go"]).any()),
        model=model,
    )


def borders_on(model: Model, arcs: NDArray[np.int32], words: Words) -> tuple[str, ...]:
    """Return the names of the border crossings of a path, in order."""
    crossed = (b for a in arcs.tolist() for b in model.graph.borders_under(a))
    return tuple(dict.fromkeys(str(words.borders[b]) for b in crossed))


def ports_on(model: Model, arcs: NDArray[np.int32], words: Words) -> tuple[str, ...]:
    """Return the nodes where movements by water begin and end, in order."""
    graph = model.graph
    moving = np.isin(graph.kind[arcs], MOVES)
    legs = np.flatnonzero(_first_of_leg(graph.kind[arcs], graph.service[arcs], moving))
    last = np.append(legs[1:], arcs.size) - 1
    at_sea = moving[legs] & words.by_water[graph.arc_mode[arcs[legs]]]
    nodes = np.stack((graph.node[graph.tail[arcs[legs]]], graph.node[graph.head[arcs[last]]]), axis=1)[at_sea]
    return tuple(dict.fromkeys(str(words.nodes[n]) for n in nodes.ravel()))


def _unknowns(model: Model, arcs: NDArray[np.int32], words: Words) -> tuple[str, ...]:
    """Name the shared facilities on the way whose other traffic is unknown."""
    capacity = model.capacity
    rows = {int(r) for a in arcs.tolist() for r in capacity.row[capacity.indptr[a] : capacity.indptr[a + 1]]}
    bare = {int(capacity.facility[r]) for r in rows if not capacity.preload_known[r]}
    return tuple(str(words.facilities[f]) for f in sorted(bare))


def arc_table(model: Model, k: int, arcs: NDArray[np.int32]) -> pd.DataFrame:
    """Return one row an arc: kind, place names, km, hours by kind, USD per tonne by component, kg CO2e per tonne."""
    names = [ArcKind(v).name for v in model.graph.kind[arcs]]
    labels, numbers = _labels(model, arcs, words_of(model)), _numbers(model, arcs, model.costs[k])
    return pd.DataFrame({"arc": arcs, "kind": names, **labels, **numbers})


def _labels(model: Model, arcs: NDArray[np.int32], words: Words) -> Mapping[str, Names]:
    graph = model.graph
    return {
        "mode": words.modes[graph.arc_mode[arcs]],
        "unit": words.units[graph.arc_unit[arcs]],
        "from": words.nodes[graph.node[graph.tail[arcs]]],
        "to": words.nodes[graph.node[graph.head[arcs]]],
        "service": words.services[graph.service[arcs]],
    }


def _numbers(model: Model, arcs: NDArray[np.int32], cost: ArcCost) -> Mapping[str, Float]:
    graph, emissions = model.graph, model.emissions
    return {
        "km": graph.km[arcs],
        **{h: getattr(graph, h)[arcs] for h in HOURS},
        **{f"usd_{c}": getattr(cost, c)[arcs] for c in (*MONEY, "time")},
        "kg_co2e": (emissions.central + emissions.hub)[arcs],
        "kg_co2e_low": (emissions.low + emissions.hub_low)[arcs],
        "kg_co2e_high": (emissions.high + emissions.hub_high)[arcs],
        "kg_co2e_ttw": emissions.ttw_central[arcs],
    }


def _first_of_leg(
    kind: NDArray[np.int8], service: NDArray[np.int32], moving: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark the arcs that begin a leg: a vehicle's movement goes on while the service is the same and no wait begins."""
    same = moving[1:] & moving[:-1] & (service[1:] == service[:-1]) & (kind[1:] != ArcKind.WAIT)
    return np.append([True], ~same)


def value_of_time(model: Model, k: int) -> float:
    """Return what an hour of a tonne is worth, USD; 0 where the commodity gives none."""
    value = float(model.case.tables["commodities"]["value_of_time_usd_per_tonne_hour"].iloc[k])
    return 0.0 if np.isnan(value) else value


def _legs(model: Model, k: int, arcs: NDArray[np.int32], travel: Travel, words: Words) -> pd.DataFrame:
    graph = model.graph
    keep = graph.kind[arcs] != ArcKind.ACCESS
    path = arcs[keep]
    kind = graph.kind[path]
    moving = np.isin(kind, MOVES)
    first = np.flatnonzero(_first_of_leg(kind, graph.service[path], moving))
    last = np.append(first[1:], path.size) - 1
    labels = _labels(model, path, words)
    numbers = dict(_numbers(model, path, travel.cost))
    waited = travel.wait_hours[keep]
    numbers["usd_time"] = numbers["usd_time"] + value_of_time(model, k) * (waited - numbers["wait_hours"])
    numbers["wait_hours"] = waited
    numbers["usd_storage"] = np.zeros(path.size)
    what = np.array(["movement" if m else ArcKind(v).name.lower() for v, m in zip(kind, moving, strict=True)], object)
    starts = labels["from"][first]
    ends = np.isin(what[first], ("load", "unload"))
    starts = np.where(ends & (starts == None), labels["to"][first], starts)  # noqa: E711  by element
    columns = {
        "what": what[first],
        **{name: labels[name][first] for name in ("mode", "unit")},
        "from": starts,
        "to": labels["to"][last],
        "service": labels["service"][first],
        **{name: np.add.reduceat(numbers[name], first) for name in ("km", *HOURS, *WEIGHT, "usd_storage")},
    }
    columns |= _moments(travel, keep, first, last, waited)
    columns |= {f"usd_{name}": usd for name, usd in (travel.paid or {}).items()}
    columns["calendar"] = words.rules[graph.service[path[first]]]
    flagged = [f for f, kept in zip(travel.flagged, keep, strict=True) if kept]
    columns["flags"] = np.fromiter(
        (tuple(dict.fromkeys(i for f in flagged[a : b + 1] for i in f)) for a, b in zip(first, last, strict=True)),
        dtype=object, count=first.size,
    )  # fmt: skip
    return pd.DataFrame(columns)


def _moments(
    travel: Travel, keep: NDArray[np.bool_], first: NDArray[np.intp], last: NDArray[np.intp], waited: Float
) -> dict[str, NDArray[np.generic]]:
    """Return when each leg departs and arrives, and how long the goods wait for it to begin."""
    dwell = waited[first]
    if travel.times is None:
        never = np.full(first.size, np.datetime64("NaT"), "datetime64[m]")
        return {"depart": never, "arrive": never, "dwell_hours": dwell}
    at = np.flatnonzero(keep)
    begin = travel.times[at[first]] + 60.0 * dwell
    end = travel.times[at[last] + 1]
    stamps = [np.array([minute(v) for v in values], "datetime64[m]") for values in (begin, end)]
    return {"depart": stamps[0], "arrive": stamps[1], "dwell_hours": dwell}
