"""Who pays what under a trade term of Incoterms 2020 (International Chamber of Commerce).

The seller pays from the start of the route to a point, the buyer from there on:

====================  =======================================================================================
EXW                   nothing: the buyer loads at the origin
FCA                   at the origin, loading; elsewhere, carriage to the named place, not unloaded
FAS, FOB              carriage to the port where the first ship (or the one at the named port) is loaded; FOB loads
CFR, CIF              carriage to the port of destination, where the last (or the named) sea leg ends, not unloaded
CPT, CIP, DAP, DDP    carriage to the named place, the destination if none is named, not unloaded
DPU                   the same, unloaded
====================  =======================================================================================

Insurance, customs duty and formalities, in which CIF and CIP, DAP and DDP differ from their neighbours, are no charges
of carriage and not part of a route. Payments at a border go with the carriage over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from karavan.errors import ShipmentError
from karavan.schema.case import positions
from karavan.schema.names import find_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.schema.case import Case

TERMS = ("EXW", "FCA", "FAS", "FOB", "CFR", "CIF", "CPT", "CIP", "DAP", "DPU", "DDP")
BY_SEA = ("FAS", "FOB", "CFR", "CIF")
PUT_ON = ("loading", "handling")


class Event(NamedTuple):
    """One thing that happens on a route and may be charged, in order of travel.

    `kind` is loading, dwell, handling, border, haul or unloading; `node` the position of the node where it happens, of
    a haul the one it leads to; `row` the position in its table (a haul's link); `hours` of a dwell.
    """

    kind: str
    arc: int
    leg: int
    node: int
    row: int
    by_water: bool
    hours: float = 0.0


def check_term(incoterm: str) -> str:
    """Return the term in capitals; raises `ShipmentError` where it is none of the eleven."""
    term = incoterm.strip().upper()
    if term not in TERMS:
        message = f"{incoterm!r} is no term of Incoterms 2020: use one of {', '.join(TERMS)}."
        raise ShipmentError(message)
    return term


def paid_by_seller(case: Case, events: list[Event], incoterm: str, place: str | None) -> NDArray[np.bool_]:
    """Return which events of a route the seller pays; shape (events,).

    Raises `ShipmentError` where the term is unknown, is one of the sea and the route has no leg by water, or the named
    place is not where it has to be on this route; `NameNotFound`, `AmbiguousName`.
    """
    term = check_term(incoterm)
    named = None if place is None else set(positions(case.nodes, find_nodes(case, place)).tolist())
    seller = np.zeros(len(events), dtype=bool)
    if term in BY_SEA:
        if not any(e.by_water for e in events):
            message = (
                f"{term} is for carriage by sea or inland waterway, and the route has no such leg: use "
                f"{'FCA' if term in {'FAS', 'FOB'} else 'CPT' if term == 'CFR' else 'CIP'} instead."
            )
            raise ShipmentError(message)
        start, end = _sea_leg(case, events, named, place, ends=term in {"CFR", "CIF"})
        seller[: end + 1 if term in {"CFR", "CIF"} else start] = True
        if term == "FAS":
            seller[max((i for i in range(start) if events[i].kind in PUT_ON), default=0)] = False
        return seller
    hauls = [i for i, e in enumerate(events) if e.kind == "haul"]
    at_origin = named is None or events[0].node in named
    if term in {"EXW", "FCA"} and at_origin:
        seller[: next((i + 1 for i, e in enumerate(events) if e.kind == "loading"), 0)] = term == "FCA"
        return seller
    if term == "EXW":
        raise ShipmentError(_elsewhere(case, events, str(place), "EXW is named for the place where the goods start"))
    reached = hauls[-1] if named is None else _last_of_first_stay(events, hauls, named)
    if reached is None:
        raise ShipmentError(_elsewhere(case, events, str(place), f"{term} {place} needs a route to that place"))
    seller[: reached + 1] = True
    if term == "DPU":
        after = (i for i in range(reached + 1, len(events)) if events[i].kind in {"handling", "unloading"})
        seller[: next(after, reached) + 1] = True
    return seller


def _last_of_first_stay(events: list[Event], hauls: list[int], named: set[int]) -> int | None:
    """Return the last haul within a place on the leg that first comes there: a train to the port passes the station."""
    reached = None
    for i in hauls:
        inside = events[i].node in named
        if reached is not None and not (inside and events[i].leg == events[reached].leg):
            return reached
        reached = i if inside else None
    return reached


def _sea_leg(
    case: Case, events: list[Event], named: set[int] | None, place: str | None, *, ends: bool
) -> tuple[int, int]:
    """Return the first event of carriage and the last haul of a leg by water: the one that begins or ends as named."""
    legs: dict[int, list[int]] = {}
    for i, e in enumerate(events):
        if e.by_water and e.kind in {"haul", "border"}:
            legs.setdefault(e.leg, []).append(i)
    found = []
    for inside in legs.values():
        start, end = inside[0], inside[-1]
        port = events[end].node if ends else events[start - 1].node if start else events[start].node
        if named is None or port in named:
            found.append((start, end))
    if not found:
        what = "where a leg by water ends" if ends else "where goods are put on a ship"
        raise ShipmentError(_elsewhere(case, events, str(place), f"the named port has to be {what}"))
    return found[-1] if ends else found[0]


def _elsewhere(case: Case, events: list[Event], place: str, why: str) -> str:
    names = dict.fromkeys(str(case.nodes["name"].iloc[e.node]) for e in events)
    return f"{place} is not such a place on this route: {why}. It goes by {', '.join(names)}."
