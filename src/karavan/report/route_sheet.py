"""The route sheet: one route of a shipment on a page that prints, for the file and for the driver's manager.

One HTML file without script or network: map, legs with dates, what it costs and who pays, emissions by the elements of
ISO 14083, what each border wants, restrictions, sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.cost.iso14083 import emission_book, iso14083
from karavan.report.route_map import route_map
from karavan.report.wording import NOT_KNOWN, days, is_missing, listing, number, percent, short_name
from karavan.routing.shipment import HOURS, PAID
from karavan.schema.case import as_list
from karavan.schema.io.atomic import whole_file
from karavan.schema.names import find_commodity
from karavan.units import HOURS_PER_DAY
from karavan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from karavan.model import Model
    from karavan.routing.shipment import Route
    from karavan.schema.case import Case

EXPECTED = {"frequency", "fill_and_go"}  # how a service leaves whose wait is an expected one
WHAT = {"load": "loading", "movement": "", "transfer": "transfer", "unload": "unloading"}
SOURCES_SHOWN = 8
ELEMENTS_SHOWN = 12
LINES = 30  # more lines in its tables than this are set smaller, to stay on one page


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline: what, how much, and a line below it."""

    label: str
    value: str
    detail: str


def write_route_sheet(route: Route, out: str | Path, *, others: Sequence[Route] = ()) -> Path:
    """Write the sheet of a route as an HTML file, whole or not at all; `others` are the other answers, told in a line.

    Raises `ValueError` for a route without its model.
    """
    with whole_file(Path(out)) as temporary:
        temporary.write_text(route_sheet(route, others=others), encoding="utf-8", errors="replace")
    return Path(out)


def route_sheet(route: Route, *, others: Sequence[Route] = ()) -> str:
    """Return the sheet of a route as HTML; everything that is not ours is escaped."""
    from karavan.report.templating import environment

    model = _model(route)
    case = model.case
    charged, borders, restrictions = charge_rows(route), border_rows(route), restriction_rows(route)
    lines = len(route.legs) + len(charged) + max(len(borders), len(route.legs)) + 2 * len(restrictions) + len(others)
    return environment().get_template("route_sheet.html.j2").render(
        version=__version__, title=f"{_place(case, route.origin)} to {_place(case, route.destination)}",
        goods=_goods(case, route), case=case.meta.title or case.meta.name, reason=route.reason,
        day=model.day if route.times is None else None,
        tiles=_tiles(route), map=route_map(route), legs=leg_rows(route), dated=route.times is not None,
        charges=charged, charged_total=_money_text(_total(route)), emissions=emission_rows(route),
        payers=any(c["payer"] for c in charged), hours_known=any(b["open"] for b in borders),
        borders=borders, restrictions=restrictions, long=lines > LINES, unknowns=_unknowns(case, route),
        others=[_other(r) for r in others if r is not route], sources=source_rows(case, _cited(route)),
        notes=" ".join(_notes(route)),
    )  # fmt: skip


def _model(route: Route) -> Model:
    if route.model is None:
        message = "the route has no model"
        raise ValueError(message)
    return route.model


def _place(case: Case, node: str) -> str:
    return short_name(case.nodes.at[node, "name"], case.nodes.at[node, "place"])


def _goods(case: Case, route: Route) -> str:
    s = route.shipment
    name = str(case.commodities.at[find_commodity(case, s.commodity), "name"])
    used = dict.fromkeys(str(u) for u in route.legs.loc[route.legs["what"] == "movement", "unit"])
    units = listing([str(case.carrying_units.at[u, "name"]) for u in used])
    parts = [f"{name}, {s.tonnes:,g} t", f"in {units}"]
    if s.ready is not None:
        parts.append(f"ready {_when(np.datetime64(s.ready, 'm'))}")
    if s.deadline is not None:
        parts.append(f"due {s.deadline.replace('T', ' ')}")
    if s.within_days is not None:
        parts.append(f"within {s.within_days:g} days")
    if s.incoterm is not None:
        parts.append(f"{s.incoterm} {s.incoterm_place or ''}".strip())
    return "; ".join(parts)


def _when(moment: Any, *, year: str = " %Y") -> str:
    """Write a minute as people do; `year` is how its year is written.

    Examples
    --------
    >>> _when(np.datetime64("2026-03-02T08:05")), _when(np.datetime64("NaT"))
    ('Mon 2 Mar 2026 08:05', '')
    """
    if pd.isna(moment):
        return ""
    stamp = pd.Timestamp(moment)
    return f"{stamp:%a} {stamp.day} {stamp:%b}{stamp.strftime(year)} {stamp:%H:%M}"


def _tiles(route: Route) -> list[Tile]:
    odds, s = route.odds, route.shipment
    spread = "no draws made"
    if odds is not None:
        low, high = (number(h / HOURS_PER_DAY, 1) for h in (odds.p10_hours, odds.p90_hours))
        spread = f"8 of 10 draws: {low} to {high} days"
    tiles = [Tile("Terminal to terminal", f"{number(route.days, 1)} days", spread)]
    if route.departure is not None and route.arrival is not None:
        tiles.append(Tile("Leaves", _when(route.departure), f"arrives {_when(route.arrival)}"))
    if odds is not None and odds.on_time is not None:
        missed = f"{number(odds.missed, 2)} departures missed on average" if odds.missed else "by the draws"
        tiles.append(Tile("On time", percent(odds.on_time), missed))
    teu = "" if route.usd_per_teu is None else f", {number(route.usd_per_teu, 0)} USD/TEU"
    tiles.append(Tile("Money paid", f"{_money_text(_total(route))}", f"{number(route.money)} USD/t{teu}"))
    kg = f"{number(route.co2e)} kg/t"
    if route.co2e_high > route.co2e_low:
        kg += f", sources differ: {number(route.co2e_low)} to {number(route.co2e_high)}"
    tiles.append(Tile("CO2e, well-to-wheel", f"{number(route.co2e * s.tonnes / 1000.0)} t", kg))
    tiles.append(Tile("Way", f"{number(route.km)} km", f"{route.handlings} transfers, {len(route.borders)} borders"))
    return tiles


def _total(route: Route) -> float:
    """Return what the shipment pays, USD."""
    if route.charges is not None and len(route.charges):
        return float(route.charges["usd"].sum())
    return route.money * route.shipment.tonnes


def _money_text(usd: float) -> str:
    return f"{number(usd, 0)} USD"


def leg_rows(route: Route) -> list[dict[str, str]]:
    """Return the legs as text: number, what, places, service, km, from and until (date or day), hours, money, flags."""
    case = _model(route).case
    rows, clock = [], 0.0
    paid = _money_by_leg(route)
    for i, leg in enumerate(route.legs.to_dict("records")):
        hours = float(sum(leg[h] for h in HOURS))
        wait = float(leg["wait_hours"])
        begin, end = clock, clock + hours
        clock = end
        moving = leg["what"] == "movement"
        service = "" if is_missing(leg["service"]) else str(case.services.at[leg["service"], "name"])
        where = _place(case, leg["from"])
        if moving:
            where += f" \u2192 {_place(case, leg['to'])}"
        rows.append({
            "n": str(i + 1), "what": WHAT[str(leg["what"])] or str(leg["mode"]), "where": where, "service": service,
            "unit": str(leg["unit"]), "km": number(leg["km"], 0) if leg["km"] else "",
            "begin": _when(leg["depart"], year="") or f"day {number(begin / HOURS_PER_DAY, 1)}",
            "end": _when(leg["arrive"], year="") or f"day {number(end / HOURS_PER_DAY, 1)}",
            "wait": ("~" if leg["calendar"] in EXPECTED else "") + days(wait) if wait > 0 else "",
            "hours": days(hours), "usd": number(paid[i], 0), "flags": ", ".join(_short_flags(case, leg["flags"])),
        })  # fmt: skip
    return rows


def _short_flags(case: Case, flags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(str(case.restrictions.at[f, "regime"]).upper() for f in flags))


def _money_by_leg(route: Route) -> list[float]:
    if route.charges is not None and len(route.charges):
        by_leg = route.charges.groupby("leg")["usd"].sum()
        return [float(by_leg.get(i, 0.0)) for i in range(len(route.legs))]
    per_tonne = route.legs[[f"usd_{c}" for c in PAID]].sum(axis=1)
    return [float(v) * route.shipment.tonnes for v in per_tonne]


def charge_rows(route: Route) -> list[dict[str, str]]:
    """Return the charges by component and payer: what, who pays, USD, how it came about, years of the prices."""
    charges = route.charges
    if charges is None or not len(charges):
        totals = {c: float(route.legs[f"usd_{c}"].sum()) * route.shipment.tonnes for c in PAID}
        return [
            {"component": c, "payer": "", "usd": number(usd, 0), "basis": "", "years": ""}
            for c, usd in totals.items()
            if usd > 0
        ]
    rows = []
    table = charges.assign(payer=charges["payer"].fillna(""))
    for (component, payer), part in table.groupby(["component", "payer"], sort=False):
        years = sorted({int(y) for y in part["price_year"].dropna()})
        largest = part.sort_values("usd", ascending=False, kind="stable")["basis"].tolist()
        more = f"; and {len(largest) - 3} more" if len(largest) > 3 else ""
        rows.append({
            "component": str(component).replace("_", " "), "payer": str(payer), "usd": number(part["usd"].sum(), 0),
            "basis": "; ".join(map(str, largest[:3])) + more,
            "years": "" if not years else str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}",
        })  # fmt: skip
    return rows


def emission_rows(route: Route) -> dict[str, Any]:
    """Return the emissions by transport chain element, and their sums, as text."""
    model = _model(route)
    report = iso14083(emission_book(model.case, model.graph, day=model.day), route.arcs, route.shipment.tonnes)
    rows, bare = [], 0
    for _, part in report.elements.groupby("element", sort=True):
        e = part.iloc[0]
        ends = [_place(model.case, str(e[c])) for c in ("from", "to")]
        tkm, kg = float(part["tkm"].sum()), float(part["kg_wtw"].sum())
        known = bool(part["kg_wtw"].notna().any())
        ttw = float(part["kg_ttw"].sum())
        if e["kind"] == "hub" and not known and not ttw > 0:
            bare += 1
            continue
        rows.append({
            "kind": str(e["kind"]), "where": ends[0] if ends[0] == ends[1] else f"{ends[0]} \u2192 {ends[1]}",
            "mode": "" if is_missing(e["mode"]) else str(e["mode"]),
            "tkm": number(tkm, 0) if tkm > 0 else "", "g": number(1000.0 * kg / tkm, 1) if known and tkm > 0 else "",
            "kg": number(kg, 0) if known else f"{number(ttw, 0)} (TTW)" if ttw > 0 else NOT_KNOWN,
        })  # fmt: skip
    shares = [f"{percent(v)} {name}" for name, v in report.shares.items() if not is_missing(v) and v > 0]
    words = [f"{number(report.totals['kg_wtw'], 0)} kg CO2e well-to-wheel"]
    if shares:
        words.append(f"{listing(shares)} data")
    if len(rows) > ELEMENTS_SHOWN:
        words.append(f"{len(rows) - ELEMENTS_SHOWN} more elements")
    if bare:
        words.append(f"no factor is known for {bare} {'hub' if bare == 1 else 'hubs'}")
    return {"rows": rows[:ELEMENTS_SHOWN], "total": "; ".join(words)}


def border_rows(route: Route) -> list[dict[str, str]]:
    """Return the borders crossed: name, hours with their range, opening hours, payment, documents if known."""
    model = _model(route)
    rows = []
    for b in dict.fromkeys(b for a in route.arcs.tolist() for b in model.graph.borders_under(a)):
        row = model.case.borders.iloc[b]
        hours = float(np.nan_to_num(row["exit_hours"])) + float(np.nan_to_num(row["entry_hours"]))
        ends = [f"{float(row[f]):g}" for f in ("hours_low", "hours_high") if not is_missing(row[f])]
        documents = as_list(row.get("documents"))
        rows.append({
            "name": str(row["name"]), "hours": days(hours) + (f" ({' to '.join(ends)} h)" if len(ends) == 2 else ""),
            "open": "" if is_missing(row["opening_hours"]) else str(row["opening_hours"]),
            "usd": "" if is_missing(row["usd_per_unit"]) else f"{number(row['usd_per_unit'], 0)} USD/unit",
            "documents": ", ".join(documents) if documents else NOT_KNOWN,
        })  # fmt: skip
    return rows


def restriction_rows(route: Route) -> list[dict[str, str]]:
    """Return the restrictions met: regime, name, since when, what it says."""
    case = _model(route).case
    flagged = dict.fromkeys([*route.restrictions, *(f for flags in route.legs["flags"] for f in flags)])
    rows = []
    for name in flagged:
        row = case.restrictions.loc[name]
        legs = [str(i + 1) for i, flags in enumerate(route.legs["flags"]) if name in flags]
        rows.append({
            "regime": str(row["regime"]).upper(), "name": str(row["name"]), "text": str(row["text"]),
            "legs": ", ".join(legs), "since": _since(route, name, row),
        })  # fmt: skip
    return rows


def _since(route: Route, name: str, row: pd.Series[Any]) -> str:
    if route.flags is not None and len(route.flags) and "as_of" in route.flags:
        told = route.flags.loc[route.flags["restriction"] == name, "as_of"].dropna()
        if len(told):
            return str(told.iloc[0])
    return "" if is_missing(row.get("valid_from")) else f"since {row['valid_from']}"


def _unknowns(case: Case, route: Route) -> str:
    return listing([str(case.facilities.at[f, "name"]) for f in route.unknowns], limit=8)


def _other(route: Route) -> str:
    return (
        f"{route.reason}: {number(route.days, 1)} days, {number(route.money)} USD/t, {number(route.co2e)} kg CO2e/t, "
        f"by {listing([_place(_model(route).case, p) for p in route.ports]) or 'land'}"
    )


def _notes(route: Route) -> list[str]:
    notes = []
    if route.frequency_based:
        notes.append("~ marks an expected wait: the mean of a service without a timetable, not a booked departure.")
    if route.times is None:
        notes.append("The shipment has no date: days count from the start.")
    if route.odds is not None:
        notes.append(
            f"{number(route.odds.draws, 0)} draws of borders, transfers and waits (seed {route.odds.seed}): "
            f"{percent(route.odds.drawn_share)} of the planned hours have a range in the tables, the others stay."
        )
    notes.append("Restrictions are flagged, not cleared: check them with the authority before booking.")
    return notes


def _cited(route: Route) -> list[str]:
    """Return the ids of the sources of the rows a route rests on, those of money first, each once."""
    model = _model(route)
    case, graph = model.case, model.graph
    cells: list[Any] = [] if route.charges is None else route.charges["source"].tolist()
    for frame, positions in (
        (case.borders, [b for a in route.arcs.tolist() for b in graph.borders_under(a)]),
        (case.services, [int(s) for s in graph.service[route.arcs] if s >= 0]),
        (case.transfers, [int(t) for t in graph.transfer[route.arcs] if t >= 0]),
        (case.links, [link for a in route.arcs.tolist() for link, _ in graph.links_under(a)]),
    ):
        cells += frame["source"].iloc[positions].tolist() if "source" in frame else []
    return list(dict.fromkeys(s for cell in cells for s in as_list(cell)))


def source_rows(case: Case, cited: Sequence[str]) -> dict[str, Any]:
    """Return the sources as text: title, publisher and day of the first ones, and how many more there are."""
    rows = []
    for name in cited:
        if name in case.sources.index:
            row = case.sources.loc[name]
            parts = [row["title"], row["publisher"], row["published"]]
            rows.append(", ".join(str(p) for p in parts if not is_missing(p)))
    return {"rows": rows[:SOURCES_SHOWN], "more": max(len(rows) - SOURCES_SHOWN, 0)}
