"""Routes as plain data: totals, components, legs, borders, ports, restrictions and what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.cost.tariffs import unit_tonnes
from karavan.routing.shipment import HOURS, MONEY
from karavan.schema.case import position
from karavan.schema.names import find_commodity

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from karavan.routing.shipment import Route
    from karavan.schema.case import Case

COMPONENTS = (*MONEY, "time")
RESTRICTION = ("name", "regime", "effect", "text", "source", "confidence")
LEG = ("what", "mode", "unit", "from", "to", "service", "km")


def route_records(case: Case, routes: Sequence[Route]) -> list[dict[str, Any]]:
    """Return one record a route: USD per tonne and for the shipment, kg CO2e per tonne, kilometres, hours.

    Well-to-wheel and tank-to-wheel-only CO2e stand apart and are not summed. What is missing is None.
    """
    return [_record(case, route) for route in routes]


def _record(case: Case, route: Route) -> dict[str, Any]:
    legs, names = route.legs, case.nodes["name"]
    per_tonne = {c: float(legs[f"usd_{c}"].sum()) for c in COMPONENTS}
    per_tonne |= {"money": route.money, "generalized": route.generalized_cost}
    return {
        "reason": route.reason,
        "origin": route.origin,
        "origin_name": str(names[route.origin]),
        "destination": route.destination,
        "destination_name": str(names[route.destination]),
        "tonnes": route.shipment.tonnes,
        "km": route.km,
        "hours": route.hours,
        "days": route.days,
        "handlings": route.handlings,
        "usd_per_tonne": per_tonne,
        "usd_for_shipment": {c: usd * route.shipment.tonnes for c, usd in per_tonne.items()},
        "usd_per_teu": route.usd_per_teu,
        "tonnes_in_full_unit": _full_units(case, route),
        "kg_co2e_per_tonne": {
            "well_to_wheel": float(legs["kg_co2e"].sum()),
            "low": float(legs["kg_co2e_low"].sum()),
            "high": float(legs["kg_co2e_high"].sum()),
            "tank_to_wheel_only": float(legs["kg_co2e_ttw"].sum()),
        },
        "borders": list(route.borders),
        "ports": [{"id": p, "name": str(names[p])} for p in route.ports],
        "restrictions": [_restriction(case, i) for i in route.restrictions],
        "unknowns": [_unknown(case, i) for i in route.unknowns],
        "legs": [_leg(names, leg) for leg in legs.to_dict("records")],
    }


def _full_units(case: Case, route: Route) -> dict[str, float]:
    """Return the tonnes of the goods in a full unit, for each carrying unit of the route: prices are of full ones."""
    goods = position(case.commodities, find_commodity(case, route.shipment.commodity))
    loads = unit_tonnes(case.carrying_units, float(case.commodities["load_factor"].iloc[goods]))
    used = dict.fromkeys(str(u) for u in route.legs.loc[route.legs["what"] == "movement", "unit"])
    return {u: float(loads[position(case.carrying_units, u)]) for u in used}


def _leg(names: pd.Series[Any], leg: dict[Any, Any]) -> dict[str, Any]:
    record = {c: _plain(leg[c]) for c in LEG}
    record |= {f"{end}_name": _plain(names.get(leg[end])) for end in ("from", "to")}
    record |= {h: _plain(leg[h]) for h in HOURS}
    record["hours"] = _plain(sum(leg[h] for h in HOURS))
    record |= {f"usd_{c}_per_tonne": _plain(leg[f"usd_{c}"]) for c in COMPONENTS}
    record["usd_money_per_tonne"] = _plain(sum(leg[f"usd_{c}"] for c in MONEY))
    return record


def _restriction(case: Case, name: str) -> dict[str, Any]:
    row = case.restrictions.loc[name]
    return {"id": name} | {field: _plain(row[field]) for field in RESTRICTION}


def _unknown(case: Case, facility: str) -> dict[str, Any]:
    return {
        "facility": facility,
        "name": _plain(case.facilities.at[facility, "name"]),
        "what": "traffic outside the demand table is unknown, so the capacity left for this shipment is too",
    }


def _plain(value: Any) -> Any:
    """Return a cell as a Python value; missing is None."""
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value if isinstance(value, str | int | bool) else None
