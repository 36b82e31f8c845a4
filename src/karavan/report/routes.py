"""Routes as plain data: totals, components, odds, legs, charges, borders, ports, restrictions, what is not known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.cost.shipment_cost import WHOLE
from karavan.cost.tariffs import unit_tonnes
from karavan.routing.shipment import HOURS, PAID
from karavan.schema.case import position
from karavan.schema.names import find_commodity
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.routing.shipment import Route
    from karavan.schema.case import Case

COMPONENTS = (*PAID, "time")
RESTRICTION = ("name", "regime", "effect", "text", "source", "confidence")
LEG = ("what", "mode", "unit", "from", "to", "service", "km")
ODDS = (
    "p10_hours", "p50_hours", "p90_hours", "mean_hours", "p10_usd", "p50_usd", "p90_usd", "on_time", "missed", "draws",
    "seed", "drawn_share", "dominated",
)  # fmt: skip
CHARGE = ("component", "leg", "place", "unit", "basis", "payer", "usd", "price_year", "source", "confidence")


def route_records(case: Case, routes: Sequence[Route]) -> list[dict[str, Any]]:
    """Return one record a route: USD per tonne and for the shipment, kg CO2e per tonne, kilometres, hours.

    Well-to-wheel and tank-to-wheel-only CO2e stand apart and are not summed. Moments are ISO text; odds are per tonne
    where they are of money. `units` of a leg: how many containers, wagons or trucks the shipment fills on it. What is
    missing is None.
    """
    return [_record(case, route) for route in routes]


def _record(case: Case, route: Route) -> dict[str, Any]:
    legs, names = route.legs, case.nodes["name"]
    full = _full_units(case, route)
    per_tonne = {c: float(legs[f"usd_{c}"].sum()) for c in COMPONENTS}
    per_tonne |= {"money": route.money, "generalized": route.generalized_cost, "reliability": route.usd_reliability}
    return {
        "reason": route.reason,
        "reasons": list(route.reasons),
        "departure": _moment(route.departure),
        "arrival": _moment(route.arrival),
        "frequency_based": route.frequency_based,
        "origin": route.origin,
        "origin_name": str(names[route.origin]),
        "destination": route.destination,
        "destination_name": str(names[route.destination]),
        "tonnes": route.shipment.tonnes,
        "km": route.km,
        "hours": route.hours,
        "days": route.days,
        "handlings": route.handlings,
        "risk_hours": route.risk,
        "objectives": dict(route.objectives),
        "odds": _odds(route),
        "usd_per_tonne": per_tonne,
        "usd_for_shipment": {c: usd * route.shipment.tonnes for c, usd in per_tonne.items()},
        "usd_per_teu": route.usd_per_teu,
        "tonnes_in_full_unit": full,
        "kg_co2e_per_tonne": {
            "well_to_wheel": float(legs["kg_co2e"].sum()),
            "low": float(legs["kg_co2e_low"].sum()),
            "high": float(legs["kg_co2e_high"].sum()),
            "tank_to_wheel_only": float(legs["kg_co2e_ttw"].sum()),
        },
        "borders": list(route.borders),
        "ports": [{"id": p, "name": str(names[p])} for p in route.ports],
        "restrictions": [_restriction(case, route, i) for i in route.restrictions],
        "unknowns": [_unknown(case, i) for i in route.unknowns],
        "legs": [_leg(names, leg, route.shipment.tonnes, full) for leg in legs.to_dict("records")],
        "charges": _charges(route),
        "usd_by_payer": {} if route.charges is None else route.charges.groupby("payer")["usd"].sum().to_dict(),
        "price_years": [] if route.charges is None else sorted({int(y) for y in route.charges["price_year"].dropna()}),
    }


def _full_units(case: Case, route: Route) -> dict[str, float]:
    """Return the tonnes of the goods in a full unit, for each carrying unit of the route: prices are of full ones."""
    goods = position(case.commodities, find_commodity(case, route.shipment.commodity))
    loads = unit_tonnes(case.carrying_units, float(case.commodities["load_factor"].iloc[goods]))
    used = dict.fromkeys(str(u) for u in route.legs.loc[route.legs["what"] == "movement", "unit"])
    return {u: float(loads[position(case.carrying_units, u)]) for u in used}


def _leg(names: pd.Series[Any], leg: dict[Any, Any], tonnes: float, full: dict[str, float]) -> dict[str, Any]:
    record = {c: _plain(leg[c]) for c in LEG}
    record["units"] = max(math.ceil(tonnes / full[leg["unit"]] - WHOLE), 1) if leg["unit"] in full else None
    record |= {f"{end}_name": _plain(names.get(leg[end])) for end in ("from", "to")}
    record |= {h: _plain(leg[h]) for h in HOURS}
    record["hours"] = _plain(sum(leg[h] for h in HOURS))
    record |= {f"usd_{c}_per_tonne": _plain(leg[f"usd_{c}"]) for c in COMPONENTS}
    record["usd_money_per_tonne"] = _plain(sum(leg[f"usd_{c}"] for c in PAID))
    record |= {end: _moment(leg[end]) for end in ("depart", "arrive")}
    return record | {"calendar": _plain(leg["calendar"]), "restrictions": list(leg["flags"])}


def _odds(route: Route) -> dict[str, Any] | None:
    """Return the odds of a route, with its days beside its hours; None where none were drawn."""
    if route.odds is None:
        return None
    told = {name: _plain(getattr(route.odds, name)) for name in ODDS}
    days = {f"p{p}_days": _plain(getattr(route.odds, f"p{p}_hours") / HOURS_PER_DAY) for p in (10, 50, 90)}
    return told | days


def _restriction(case: Case, route: Route, name: str) -> dict[str, Any]:
    row = case.restrictions.loc[name]
    met = None if route.flags is None else route.flags[route.flags["restriction"] == name]
    told = {"as_of": None, "legs": []} if met is None or not len(met) else {
        "as_of": _plain(met["as_of"].iloc[0]), "legs": sorted({int(leg) for leg in met["leg"]})
    }  # fmt: skip
    return {"id": name} | {field: _plain(row[field]) for field in RESTRICTION} | told


def _charges(route: Route) -> list[dict[str, Any]]:
    """Return the lines of the bill, USD for the shipment; `leg` is a position among the legs."""
    if route.charges is None:
        return []
    return [{c: _plain(line[c]) for c in CHARGE} for line in route.charges.astype(object).to_dict("records")]


def _moment(value: Any) -> str | None:
    """Return a minute as ISO text; None where there is none."""
    return None if pd.isna(value) else str(pd.Timestamp(value).isoformat(timespec="minutes"))


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
    if isinstance(value, np.integer):
        return int(value)
    return value if isinstance(value, str | int | bool) else None
