"""The front door of routing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from karavan.cost.gaps import require_costs
from karavan.model import Model, build_model
from karavan.routing.search import find_routes
from karavan.schema.names import find_commodity

if TYPE_CHECKING:
    from karavan.routing.shipment import Route, Shipment
    from karavan.schema.case import Case


def route(case: Case | Model, shipment: Shipment, *, alternatives: int = 3, day: str | None = None) -> list[Route]:
    """Return the cheapest route of a shipment by generalized cost, then other sensible ones.

    Parameters
    ----------
    case
        A case, or the `Model` built from it when several questions are asked.
    shipment
        Origin and destination by any name: a place stands for all its nodes (port, station, airport).
    alternatives
        How many other routes at most; each differs in its ports or borders and shares at most 60% of its kilometres.
    day
        What is open on this day (YYYY-MM-DD); mid-year of the case's year by default. Ignored for a `Model`.

    Raises `NoRoute` with the restriction or state that closes the way, `NameNotFound`, `AmbiguousName`, and `CaseError`
    where a link gives nothing to work time or money out from.
    """
    model = case if isinstance(case, Model) else build_model(case, day=day)
    require_costs(model.case, commodities=[find_commodity(model.case, shipment.commodity)], day=model.day)
    return find_routes(model, shipment, alternatives=alternatives)
