"""Emissions of a shipment on a route by the structure of ISO 14083:2023: transport chain elements, hubs apart.

Emissions of an element are mass x kilometres x intensity, well-to-wheel. Transport activity is counted over the
shortest feasible distance between the ends of each leg; the distance adjustment is the way travelled over that. Factors
that are published by kilometre travelled (as the UK government's) are multiplied with these; a factor for the shortest
feasible distance or the great circle with that. Where no factor is known nothing is added and the coverage says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.cost.charges import leg_of_arcs
from karavan.cost.emissions import G_PER_KG, Factor, FactorBook, Movements
from karavan.errors import CaseError, Finding
from karavan.network.graph import ArcKind, Graph
from karavan.schema import price_rules
from karavan.schema.chains import LinkChains, link_chains
from karavan.schema.io.folder import read_table
from karavan.schema.state import is_open, reference_day
from karavan.schema.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from karavan.schema.case import Case

CLASSES = ("primary", "modelled", "default")
HUBS = (ArcKind.LOAD, ArcKind.TRANSFER, ArcKind.UNLOAD)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EmissionBook:
    """What emissions of routes are worked out from; make it once with `emission_book`."""

    case: Case
    graph: Graph
    factors: FactorBook
    movements: Movements
    chains: LinkChains


@dataclass(frozen=True, slots=True, eq=False)
class EmissionReport:
    """Emissions of a shipment on a route.

    Attributes
    ----------
    elements
        One row a transport chain element and factor, in order: element (number of the chain element), leg (position
        among the route's legs), kind ("leg", "hub"), operation, mode, unit, from, to, tonnes, km (as travelled),
        activity_km (shortest feasible distance), tkm (transport activity), g_per_tkm (kg_wtw over tkm), kg_wtw, low,
        high, kg_ttw (where the factor is tank-to-wheel alone), data_class, factor, source, confidence. Numbers are
        missing where no factor is known.
    totals
        kg_wtw with low and high, of which kg_legs and kg_hubs; kg_ttw, of legs whose factor is tank-to-wheel alone, and
        no part of kg_wtw; tkm, tkm_covered; g_per_tkm (kg_legs over tkm_covered); km, activity_km,
        distance_adjustment; hubs, hubs_covered.
    shares
        Part of kg_wtw from primary, modelled and default data.
    """

    elements: pd.DataFrame
    totals: Mapping[str, float]
    shares: Mapping[str, float]


def emission_book(case: Case, graph: Graph, *, day: str | None = None) -> EmissionBook:
    """Gather what emissions are worked out from; `day` says which links are open for shortest feasible distances."""
    usable = is_open(case.links, day or reference_day(case.meta.year))
    return EmissionBook(
        case, graph, FactorBook(case.emission_factors), Movements(case, graph), link_chains(case.links, usable)
    )


def iso14083(book: EmissionBook, arcs: NDArray[np.int32], tonnes: float) -> EmissionReport:
    """Return the emissions of a shipment of some tonnes, packaging included, on a route of arcs.

    Examples and a calculation by hand are in `docs/methods.md` and `tests/test_iso14083.py`.
    """
    rows: list[dict[str, Any]] = []
    legs = leg_of_arcs(book.graph, arcs)
    for element, leg in enumerate(dict.fromkeys(legs[legs >= 0].tolist())):
        mine = arcs[legs == leg].tolist()
        found = _hub(book, mine[0], tonnes) if book.graph.kind[mine[0]] in HUBS else _leg(book, mine, tonnes)
        rows += [{"element": element, "leg": leg} | row for row in found]
    elements = pd.DataFrame(rows, columns=COLUMNS)
    numbers = elements.columns[elements.columns.get_loc("tonnes") : elements.columns.get_loc("data_class")]
    elements[numbers] = elements[numbers].astype("float64")
    totals = _totals(elements)
    whole = totals["kg_wtw"]
    shares = {c: float(elements.loc[elements["data_class"] == c, "kg_wtw"].sum()) for c in CLASSES}
    return EmissionReport(elements, totals, {c: kg / whole if whole > 0.0 else np.nan for c, kg in shares.items()})


COLUMNS = [
    "element", "leg", "kind", "operation", "mode", "unit", "from", "to", "tonnes", "km", "activity_km", "tkm",
    "g_per_tkm", "kg_wtw", "low", "high", "kg_ttw", "data_class", "factor", "source", "confidence",
]  # fmt: skip


def _hub(book: EmissionBook, arc: int, tonnes: float) -> Iterator[dict[str, Any]]:
    graph, at = book.graph, book.movements
    kind = at.transfer_kind[graph.transfer[arc]] if graph.transfer[arc] >= 0 else ArcKind(graph.kind[arc]).name.lower()
    node = graph.node[graph.head[arc] if graph.kind[arc] == ArcKind.LOAD else graph.tail[arc]]
    place = str(book.case.nodes.index[node])
    row: dict[str, Any] = {
        "kind": "hub", "operation": kind, "mode": at.modes[graph.arc_mode[arc]], "unit": at.units[graph.arc_unit[arc]],
        "from": place, "to": place, "tonnes": tonnes,
    }  # fmt: skip
    factor = at.of_hub(book.factors, arc)
    yield row | _weighed(book, factor, tonnes)


def _leg(book: EmissionBook, arcs: list[int], tonnes: float) -> Iterator[dict[str, Any]]:
    """Yield one row a factor of a movement by one vehicle; its activity distance is shared by kilometres travelled."""
    graph, at, nodes = book.graph, book.movements, book.case.nodes.index
    steps = [(arc, link, ahead) for arc in arcs for link, ahead in graph.links_under(arc)]
    start, end = (int(at.ends[side][link]) for side, link in (
        (0 if steps[0][2] else 1, steps[0][1]), (1 if steps[-1][2] else 0, steps[-1][1])))  # fmt: skip
    mode, unit = at.modes[graph.arc_mode[arcs[0]]], at.units[graph.arc_unit[arcs[0]]]
    gauge = int(graph.track_gauge_mm[graph.tail[arcs[0]]]) or None
    chain = book.chains.shortest(mode, [str(nodes[start]), str(nodes[end])], track_gauge_mm=gauge)
    travelled = float(sum(at.km[link] for _, link, _ in steps))
    shortest = float(sum(at.km[link] for link, _ in chain)) if chain else travelled
    direct = at.direct_km(start, end)
    by_factor: dict[int, list[Any]] = {}
    for arc, link, ahead in steps:
        factor = at.of_link(book.factors, arc, link, ahead=ahead)
        by_factor.setdefault(-1 if factor is None else factor.row, [factor, 0.0])[1] += float(at.km[link])
    for factor, km in by_factor.values():
        share = km / travelled if travelled > 0.0 else 1.0 / len(by_factor)
        over = {"shortest": shortest * share, "great_circle": direct * share}
        counted = km if factor is None else over.get(factor.distance, km)
        tkm = tonnes * shortest * share
        row = {
            "kind": "leg", "operation": "transport", "mode": mode, "unit": unit, "from": str(nodes[start]),
            "to": str(nodes[end]), "tonnes": tonnes, "km": km, "activity_km": shortest * share, "tkm": tkm,
        }  # fmt: skip
        row |= _weighed(book, factor, tonnes * counted / G_PER_KG)
        row["g_per_tkm"] = row.get("kg_wtw", np.nan) * G_PER_KG / tkm if tkm > 0.0 else np.nan
        yield row


def _weighed(book: EmissionBook, factor: Factor | None, amount: float) -> dict[str, Any]:
    """Return emissions of an amount, and where the factor comes from; well-to-wheel and tank-to-wheel apart."""
    if factor is None:
        return {}
    table_row = book.case.emission_factors.iloc[factor.row]
    cited = {"data_class": factor.data_class, "factor": factor.id} | {
        f: None if pd.isna(table_row[f]) else table_row[f] for f in ("source", "confidence")
    }
    if factor.scope == "ttw":
        return cited | {"kg_ttw": factor.value * amount}
    return cited | {"kg_wtw": factor.value * amount, "low": factor.low * amount, "high": factor.high * amount}


def _totals(elements: pd.DataFrame) -> dict[str, float]:
    legs, hubs = elements[elements["kind"] == "leg"], elements[elements["kind"] == "hub"]
    covered = legs["kg_wtw"].notna()
    tkm, known = float(legs["tkm"].sum()), float(legs.loc[covered, "tkm"].sum())
    kg_legs, km = float(legs["kg_wtw"].sum()), float(legs["km"].sum())
    activity = float(legs["activity_km"].sum())
    return {
        "kg_wtw": float(elements["kg_wtw"].sum()),
        "low": float(elements["low"].sum()),
        "high": float(elements["high"].sum()),
        "kg_legs": kg_legs,
        "kg_hubs": float(hubs["kg_wtw"].sum()),
        "kg_ttw": float(elements["kg_ttw"].sum()),
        "tkm": tkm,
        "tkm_covered": known,
        "g_per_tkm": kg_legs * G_PER_KG / known if known > 0.0 else np.nan,
        "km": km,
        "activity_km": activity,
        "distance_adjustment": km / activity if activity > 0.0 else np.nan,
        "hubs": float(len(hubs)),
        "hubs_covered": float(hubs["kg_wtw"].notna().sum()),
    }


def with_factors(case: Case, path: Path) -> Case:
    """Return a case with the emission factors of a user's file, which has the fields of emission_factors.csv.

    For an operation and mode that the file speaks of, only its rows count; the case's own stay for all others.
    Raises `CaseError` with every fault of the file: where it is, what it is and what to do.
    """
    declared, findings = table("emission_factors"), list[Finding]()
    frame, lines = read_table(path, declared, pack=False, findings=findings)
    frame = frame.set_index("id") if "id" in frame else frame
    rows = case.with_tables(emission_factors=frame).emission_factors
    numbered = [int(n) for n in lines]
    findings += [
        Finding("error", path.name, numbered[row], field, problem, remedy, str(rows.index[row]))
        for row, field, problem, remedy in _faults(case, rows)
    ]
    if any(f.severity == "error" for f in findings):
        raise CaseError(path.name, sorted(findings, key=lambda f: f.line))
    own = case.emission_factors
    theirs = set(zip(rows["operation"], rows["mode"].fillna(""), strict=True))
    keep = [pair not in theirs for pair in zip(own["operation"], own["mode"].fillna(""), strict=True)]
    kept = own[np.array(keep, dtype=bool) & ~own.index.isin(rows.index)]
    return case.with_tables(emission_factors=pd.concat([rows, kept]))


def _faults(case: Case, rows: pd.DataFrame) -> Iterator[tuple[int, str, str, str]]:
    for field, known in (("mode", case.modes), ("carrying_unit", case.carrying_units)):
        for row, cell in enumerate(rows[field]):
            if isinstance(cell, str) and cell not in known.index:
                names = ", ".join(map(str, known.index))
                yield row, field, f"{cell!r} is not in {field}s of {case.meta.name}", f"use one of {names}"
    for _, _, row, field, problem, remedy in price_rules.emission_factors(case.with_tables(emission_factors=rows)):
        yield row, field, problem, remedy
