"""Corridors end to end: their indicators, and their profile of time and money along the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.model import Model, build_model
from karavan.report.wording import is_missing, short_name
from karavan.routing.legs import arc_table
from karavan.routing.search import corridor_route
from karavan.routing.shipment import MONEY
from karavan.schema.case import as_list, position

if TYPE_CHECKING:
    from karavan.routing.shipment import Route
    from karavan.schema.case import Case

USUAL = "general_cargo"
G_PER_KG = 1000.0
STOP_HOURS = ("border_hours", "handling_hours", "wait_hours")


@dataclass(frozen=True, slots=True, eq=False)
class Corridor:
    """A corridor of the case and its route on its own legs; `route` is None where they cannot be travelled."""

    id: str
    name: str
    commodity: str
    legs: list[tuple[str, str, str, str, str | None]]
    route: Route | None


def corridor_legs(case: Case) -> dict[str, list[tuple[str, str, str, str, str | None]]]:
    """Return the legs of each corridor in order: from node, to node, mode, carrying unit, service or None."""
    legs: dict[str, list[tuple[str, str, str, str, str | None]]] = {}
    for row in case.corridors.sort_values("seq", kind="stable").itertuples():
        service = None if is_missing(row.service) else str(row.service)
        leg = (str(row.from_node), str(row.to_node), str(row.mode), str(row.carrying_unit), service)
        legs.setdefault(str(row.corridor), []).append(leg)
    order = list(dict.fromkeys(case.corridors["corridor"]))
    return {str(name): legs[str(name)] for name in order}


def corridor_routes(model: Model) -> list[Corridor]:
    """Return each corridor of a case with its route for general cargo, or for the first goods that fit its units."""
    case = model.case
    names = case.corridors.groupby("corridor")["name"].first()
    out = []
    for corridor, legs in corridor_legs(case).items():
        commodity = _commodity_for(case, {unit for *_, unit, _ in legs})
        route = corridor_route(model, legs, commodity) if commodity else None
        out.append(Corridor(corridor, str(names[corridor]), commodity, legs, route))
    return out


def _commodity_for(case: Case, units: set[str]) -> str:
    fitting = [str(c) for c, cell in case.commodities["carrying_units"].items() if units <= set(as_list(cell))]
    return USUAL if USUAL in fitting or not fitting else fitting[0]


def corridors(case: Case | Model) -> pd.DataFrame:
    """Return the indicators of each corridor on its own legs, one row a corridor.

    Columns: corridor, name, commodity, from, to, km, hours, days, usd_per_tonne and usd_per_teu (money paid; the latter
    only where containers are used all the way), generalized_usd_per_tonne, g_co2e_per_tkm with low and high
    (well-to-wheel, over the kilometres that have such a factor), wtw_share, ttw_share and bare_share of the kilometres,
    ttw_g_co2e_per_tkm (tank-to-wheel, never summed with the former), borders, handlings, restrictions, unknowns.
    Numbers are missing where the corridor cannot be travelled.
    """
    model = case if isinstance(case, Model) else build_model(case)
    return corridor_frame(model, corridor_routes(model))


def corridor_frame(model: Model, found: list[Corridor]) -> pd.DataFrame:
    """Return the indicators of corridors already routed."""
    return pd.DataFrame([_indicators(model, c) for c in found], columns=COLUMNS)


COLUMNS = [
    "corridor", "name", "commodity", "from", "to", "km", "hours", "days", "usd_per_tonne", "usd_per_teu",
    "generalized_usd_per_tonne", "g_co2e_per_tkm", "g_co2e_per_tkm_low", "g_co2e_per_tkm_high", "wtw_share",
    "ttw_share", "bare_share", "ttw_g_co2e_per_tkm", "borders", "handlings", "restrictions", "unknowns",
]  # fmt: skip


def _indicators(model: Model, corridor: Corridor) -> dict[str, Any]:
    route = corridor.route
    row: dict[str, Any] = {
        "corridor": corridor.id,
        "name": corridor.name,
        "commodity": corridor.commodity,
        "from": corridor.legs[0][0],
        "to": corridor.legs[-1][1],
    }
    if route is None:
        return row
    return row | {
        "km": route.km,
        "hours": route.hours,
        "days": route.days,
        "usd_per_tonne": route.money,
        "usd_per_teu": np.nan if route.usd_per_teu is None else route.usd_per_teu,
        "generalized_usd_per_tonne": route.generalized_cost,
        **_emissions(model, route),
        "borders": len(route.borders),
        "handlings": route.handlings,
        "restrictions": ";".join(route.restrictions),
        "unknowns": ";".join(route.unknowns),
    }


def _emissions(model: Model, route: Route) -> dict[str, float]:
    e, arcs = model.emissions, route.arcs
    km, ttw_km, bare_km = (float(v[arcs].sum()) for v in (model.graph.km, e.ttw_km, e.bare_km))
    wtw_km = max(km - ttw_km - bare_km, 0.0)

    def per_tkm(kg: float, over: float) -> float:
        return kg * G_PER_KG / over if over > 1e-9 else np.nan

    total = km if km > 0 else np.nan
    return {
        "g_co2e_per_tkm": per_tkm(float(e.central[arcs].sum()), wtw_km),
        "g_co2e_per_tkm_low": per_tkm(float(e.low[arcs].sum()), wtw_km),
        "g_co2e_per_tkm_high": per_tkm(float(e.high[arcs].sum()), wtw_km),
        "wtw_share": wtw_km / total,
        "ttw_share": ttw_km / total,
        "bare_share": bare_km / total,
        "ttw_g_co2e_per_tkm": per_tkm(float(e.ttw_central[arcs].sum()), ttw_km),
    }


def profile(model: Model, route: Route) -> pd.DataFrame:
    """Return a route as the UNESCAP time/cost-distance method draws it.

    One row a movement (sloped) or a stop (vertical; stops at one place are one row). Columns: what ("move", "stop"),
    kind (of a stop: border, handling, wait, joined by "+"), mode, place (node id of a stop or of the end of a
    movement), label, km0, km1, hours0, hours1, usd0, usd1 (money paid, USD per tonne, cumulative from the origin).
    """
    k = position(model.case.commodities, route_commodity(model, route))
    pieces = [
        p
        for arc in arc_table(model, k, route.arcs).to_dict("records")
        for p in _pieces(model, {str(c): v for c, v in arc.items()})
    ]
    rows: list[dict[str, Any]] = []
    km = hours = usd = 0.0
    for piece in pieces:
        if piece["hours"] == piece["usd"] == piece["km"] == 0.0:
            continue
        last = rows[-1] if rows else None
        at = {"km1": km + piece["km"], "hours1": hours + piece["hours"], "usd1": usd + piece["usd"]}
        joins = last is not None and last["what"] == piece["what"] and (
            piece["what"] == "stop" or (last["mode"], last["service"]) == (piece["mode"], piece["service"])
        )  # fmt: skip
        if joins and last is not None:
            last.update(at)
            last["place"] = piece["place"] if piece["what"] == "move" else last["place"]
            last["kinds"] |= {piece["kind"]: last["kinds"].get(piece["kind"], 0.0) + piece["hours"]}
        else:
            row = {c: piece[c] for c in ("what", "mode", "place", "service")}
            rows.append(row | {"km0": km, "hours0": hours, "usd0": usd, "kinds": {piece["kind"]: piece["hours"]}} | at)
        km, hours, usd = at["km1"], at["hours1"], at["usd1"]
    return _profile_frame(model, rows)


def route_commodity(model: Model, route: Route) -> str:
    """Return the id of a route's commodity."""
    from karavan.schema.names import find_commodity

    return find_commodity(model.case, route.shipment.commodity)


def _profile_frame(model: Model, rows: list[dict[str, Any]]) -> pd.DataFrame:
    nodes = model.case.nodes
    for row in rows:
        at = nodes.loc[row["place"]]
        row["label"] = short_name(at["name"], at["place"])
        kinds = row.pop("kinds")
        row["kind"] = "" if row["what"] == "move" else "+".join(k for k in ("border", "handling", "wait") if k in kinds)
    columns = ["what", "kind", "mode", "service", "place", "label", "km0", "km1", "hours0", "hours1", "usd0", "usd1"]
    return pd.DataFrame(rows, columns=columns)


def _pieces(model: Model, arc: dict[str, Any]) -> list[dict[str, Any]]:
    """Split an arc into movement and stops; the borders under a service's run stand where they are."""
    mode, service = arc["mode"], None if is_missing(arc["service"]) else arc["service"]
    money = float(sum(arc[f"usd_{c}"] for c in MONEY))
    stop_hours = float(sum(arc[h] for h in STOP_HOURS))
    place = arc["to"] if is_missing(arc["from"]) else arc["from"]
    base = {"mode": mode, "service": service}
    if arc["kind"] == "RUN" and (arc["border_hours"] > 0 or arc["usd_border"] > 0):
        return _run_pieces(model, arc, base)
    if arc["km"] > 0 or arc["move_hours"] > 0:
        move = base | {
            "what": "move",
            "kind": "",
            "place": arc["to"],
            "km": arc["km"],
            "hours": arc["move_hours"],
            "usd": money,
        }
        stop = base | {"what": "stop", "kind": "border", "place": place, "km": 0.0, "hours": stop_hours, "usd": 0.0}
        return [stop, move] if stop_hours > 0 else [move]
    if is_missing(place):
        return []
    kind = "border" if arc["kind"] == "BORDER" else "wait" if arc["kind"] == "WAIT" else "handling"
    return [base | {"what": "stop", "kind": kind, "place": place, "km": 0.0, "hours": stop_hours, "usd": money}]


def _run_pieces(model: Model, arc: dict[str, Any], base: dict[str, Any]) -> list[dict[str, Any]]:
    case, graph, a = model.case, model.graph, int(arc["arc"])
    borders = case.borders.iloc[graph.borders_under(a)]
    hours = (borders["exit_hours"].fillna(0.0) + borders["entry_hours"].fillna(0.0)).to_numpy(dtype=np.float64)
    paid = borders["usd_per_unit"].fillna(0.0).to_numpy(dtype=np.float64)
    crossed = {
        (str(f), str(t)): (h, p / paid.sum() * arc["usd_border"] if paid.sum() > 0 else 0.0)
        for f, t, h, p in zip(borders["from_node"], borders["to_node"], hours, paid, strict=True)
    }
    moving = float(arc["usd_haulage"] + arc["usd_handling"])
    counted = arc["border_hours"] > 0
    pieces = []
    for link, ahead in graph.links_under(a):
        ends = [str(v) for v in case.links[["from_node", "to_node"]].iloc[link]]
        start, end = ends if ahead else ends[::-1]
        h, usd = crossed.get((start, end), (0.0, 0.0))
        if (start, end) in crossed:
            stop = {
                "what": "stop",
                "kind": "border",
                "place": start,
                "km": 0.0,
                "hours": h if counted else 0.0,
                "usd": usd,
            }
            pieces.append(base | stop)
        km = float(case.links["length_km"].fillna(0.0).iloc[link])
        share = km / arc["km"] if arc["km"] > 0 else 0.0
        move = {
            "what": "move",
            "kind": "",
            "place": end,
            "km": km,
            "hours": arc["move_hours"] * share,
            "usd": moving * share,
        }
        pieces.append(base | move)
    return pieces
