"""The front door of routing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.routing.choose import choose
from karavan.routing.options import RouteOptions
from karavan.routing.router import Router, Ways
from karavan.routing.shipment import ParetoSet
from karavan.routing.tell import profile_frame, tell

if TYPE_CHECKING:
    from karavan.model import Model
    from karavan.routing.shipment import Route, Shipment
    from karavan.schema.case import Case


def route(
    case: Case | Model | Router, shipment: Shipment, *, alternatives: int | None = None, day: str | None = None,
    options: RouteOptions | None = None,
) -> list[Route]:  # fmt: skip
    """Return the cheapest route of a shipment by generalized cost, then other sensible ones.

    Parameters
    ----------
    case
        A case; its `Model`, or better a `Router`, when several questions are asked.
    shipment
        Origin and destination by any name: a place stands for all its nodes (port, station, airport).
    alternatives
        How many other routes at most, before what the options say; each differs in its ports or borders and shares at
        most the overlap of its kilometres (75% by default) with those before.
    day
        What is open on this day (YYYY-MM-DD) for a shipment without dates; mid-year of the case's year by default.
        Ignored for a `Model` or `Router`.
    options
        See `RouteOptions`.

    Raises `NoRoute` with what closes the way or misses the deadline, `NameNotFound`, `AmbiguousName`, `ShipmentError`,
    and `CaseError` where a link gives nothing to work time or money out from or a calendar never sails.
    """
    asked = options or RouteOptions()
    if alternatives is not None:
        asked = replace(asked, alternatives=alternatives)
    router = case if isinstance(case, Router) else Router(case, day=day)
    found = router.ways(shipment, asked)
    return [tell(found.query, c.way, router.case, reasons=c.reasons) for c in choose(found)]


def pareto_routes(
    case: Case | Model | Router, shipment: Shipment, options: RouteOptions | None = None
) -> ParetoSet:  # fmt: skip
    """Return every Pareto-good route of a shipment, the cheapest by generalized cost first.

    Raises what `route` does.
    """
    router = case if isinstance(case, Router) else Router(case)
    found = router.ways(shipment, options)
    return pareto_set(router, found)


def pareto_set(router: Router, found: Ways) -> ParetoSet:
    """Make the routes of the ways that a search found."""
    query = found.query
    first, *rest = [tell(query, way, router.case) for way in found.ways]
    at = {way.arcs.tobytes(): i for i, way in reversed(list(enumerate(found.ways)))}
    return ParetoSet(
        routes=(replace(first, reasons=("cheapest",)), *rest),
        objectives=query.options.objectives,
        resolution=query.options.resolution,
        guarantee=found.guarantee,
        complete=found.complete,
        n_labels=found.n_labels,
        seconds=found.seconds,
        profile=profile_frame(query, found.profile, at),
    )
