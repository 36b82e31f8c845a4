"""Modelled against observed: counts, control totals and corridor indicators, each only with its own kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.assignment.assignment import Assignment
from karavan.assignment.front import assign
from karavan.model import demand_rows
from karavan.network.graph import ArcKind
from karavan.report.corridors import USUAL, corridor_legs
from karavan.routing.front import route
from karavan.routing.search import corridor_route
from karavan.routing.shipment import HOURS, MONEY, Shipment
from karavan.schema.case import as_list, position
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.model import Model
    from karavan.schema.case import Case

PER_UNIT = {"teu": "teu_per_unit", "wagons": "wagons_per_unit", "trucks": "trucks_per_unit"}
OIL = "oil"
Leg = tuple[str, str, str, str, "str | None"]


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Comparisons with what was observed or published.

    `counts`: one row a count (id, name, year, period, unit, observed, modelled, preload, ratio = modelled / observed,
    comparable, note, source, confidence), worst first. Only counts of a whole calendar year equal to the case's are
    `comparable`; the others are shown beside, never scaled. `controls`: published totals of trade beside the demand.
    `indicators`: published times, prices and speeds beside the model's.
    """

    counts: pd.DataFrame
    controls: pd.DataFrame
    indicators: pd.DataFrame

    @property
    def median_ratio(self) -> float:
        """Median of modelled over observed, comparable counts."""
        return float(self.counts.loc[self.counts["comparable"], "ratio"].median())

    @property
    def off_by_two(self) -> int:
        """Comparable counts that the model misses by more than a factor of two."""
        ratio = self.counts.loc[self.counts["comparable"], "ratio"]
        return int(((ratio > 2.0) | (ratio < 0.5)).sum())


def validate(case: Case | Model | Assignment) -> Validation:
    """Compare a case's flows with its counts, control totals and indicators.

    A case or a model is first assigned by `LeastCost`; an assignment is taken as it is.
    """
    assignment = case if isinstance(case, Assignment) else assign(case)
    return Validation(
        counts=compare_counts(assignment),
        controls=compare_controls(assignment),
        indicators=compare_indicators(assignment),
    )


def compare_counts(assignment: Assignment) -> pd.DataFrame:
    """Compare every count with the same selection of modelled flow."""
    case = assignment.model.case
    flows = _Flows(assignment)
    rows = []
    for name, count in case.counts.iterrows():
        whole = pd.isna(count["period_from"]) and pd.isna(count["period_until"])
        modelled, preload = flows.select(count)
        observed = float(count["value"])
        rows.append(
            {
                "id": name,
                "name": count["name"],
                "year": int(count["year"]),
                "period": str(count["year"]) if whole else f"{count['period_from']} to {count['period_until']}",
                "unit": count["unit"],
                "observed": observed,
                "modelled": modelled,
                "preload": preload,
                "ratio": modelled / observed if observed > 0 else np.nan,
                "comparable": bool(whole and count["year"] == case.meta.year),
                "reporter": count["reporter"],
                "definition": count["definition"],
                "note": count["note"],
                "source": count["source"],
                "confidence": count["confidence"],
            }
        )
    out = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["id", "ratio", "comparable"])
    out["off"] = np.abs(np.log(out["ratio"].astype(float).clip(lower=1e-6)))
    out = out.sort_values(["comparable", "off"], ascending=[False, False], kind="stable")
    return out.drop(columns="off").reset_index(drop=True)


class _Flows:
    """Path flows with what a count may select them by."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment, self.model = assignment, assignment.model
        case = self.model.case
        rows = demand_rows(case)
        zone_country = case.zones["country"].fillna("").astype(str)
        demand = assignment.solution.path_demand
        self.commodity = rows["commodity"].to_numpy(dtype=object)[demand]
        self.origin = zone_country.reindex(rows["origin"]).to_numpy(dtype=object)[demand]
        self.destination = zone_country.reindex(rows["destination"]).to_numpy(dtype=object)[demand]
        groups = case.commodities["group"].fillna("").astype(str)
        self.oil = (groups.reindex(self.commodity) == OIL).to_numpy(dtype=bool)
        self.tonnes = assignment.solution.path_tonnes
        self.path, self.arc, _ = assignment.path_table
        self.units = [str(u) for u in case.carrying_units.index]

    def select(self, count: pd.Series) -> tuple[float, float]:
        """Return the modelled volume of a count's selection in its unit, and the preload of facilities counted."""
        paths = self._paths(count)
        table = str(count["element_table"])
        total = 0.0
        for element in as_list(count["elements"]):
            for arcs in self._arc_sets(table, element, count):
                total += self._volume(arcs, paths, str(count["unit"]), as_list(count["carrying_units"]))
        return total, self._preload(count)

    def _paths(self, count: pd.Series) -> NDArray[np.bool_]:
        keep = np.ones(len(self.tonnes), dtype=bool)
        if as_list(count["commodities"]):
            keep &= np.isin(self.commodity, as_list(count["commodities"]))
        if count["oil"] != "included":
            keep &= self.oil == (count["oil"] == "only")
        for field, values in (("origin_countries", self.origin), ("destination_countries", self.destination)):
            if as_list(count[field]):
                keep &= np.isin(values, as_list(count[field]))
        if count["traffic"] != "all":
            home = self._countries(count)
            starts, ends = np.isin(self.origin, home), np.isin(self.destination, home)
            keep &= {"transit": ~starts & ~ends, "export": starts & ~ends, "import": ends & ~starts}[count["traffic"]]
        return keep

    def _countries(self, count: pd.Series) -> list[str]:
        case = self.model.case
        table, elements = str(count["element_table"]), as_list(count["elements"])
        if table == "nodes":
            nodes = elements
        elif table == "facilities":
            nodes = [str(n) for n in case.facilities.loc[elements, "node"].dropna()]
        else:
            nodes = [str(n) for f in ("from_node", "to_node") for n in case.tables[table].loc[elements, f]]
        return sorted({str(c) for c in case.nodes.loc[nodes, "country"].dropna()})

    def _arc_sets(self, table: str, element: str, count: pd.Series) -> list[NDArray[np.bool_]]:
        """Return masks of arcs; a tonne counts once for each arc of each mask that it uses."""
        graph, case = self.model.graph, self.model.case
        ways = {"forward": [True], "backward": [False], "both": [True, False]}[str(count["direction"])]
        if table == "links":
            return [self._steps(position(case.links, element), way=way) for way in ways]
        if table == "services":
            mine = (graph.kind == ArcKind.RUN) & (graph.service == position(case.services, element))
            return [mine & (graph.forward == way) for way in ways]
        if table == "borders":
            row = position(case.borders, element)
            mask = np.zeros(graph.n_arcs, dtype=bool)
            mask[np.repeat(np.arange(graph.n_arcs), np.diff(graph.over_indptr))[graph.over_border == row]] = True
            return [mask]
        if table == "facilities":
            return [self._facility(position(case.facilities, element), str(count["direction"]))]
        return self._handled(element, as_list(count["modes"]), ways)

    def _steps(self, link: int, *, way: bool) -> NDArray[np.bool_]:
        graph = self.model.graph
        mask = np.zeros(graph.n_arcs, dtype=bool)
        arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))
        mask[arc[(graph.steps_link == link) & (graph.steps_forward == way)]] = True
        return mask

    def _facility(self, position: int, direction: str) -> NDArray[np.bool_]:
        capacity = self.model.capacity
        rows = np.flatnonzero(capacity.facility == position)
        if direction != "both":
            rows = np.array([r for r in rows if capacity.direction[r] in {direction, "both"}], dtype=int)
        arc = np.repeat(np.arange(self.model.graph.n_arcs), np.diff(capacity.indptr))
        mask = np.zeros(self.model.graph.n_arcs, dtype=bool)
        mask[arc[np.isin(capacity.row, rows) & capacity.loaded]] = True
        return mask

    def _handled(self, node: str, modes: list[str], ways: list[bool]) -> list[NDArray[np.bool_]]:
        """Arcs that put goods on a mode at a node (forward) or take them off (backward); off land if none is named."""
        graph, case = self.model.graph, self.model.case
        wanted = modes or [str(m) for m in case.modes.index[case.modes["medium"] != "land"]]
        positions = np.append(np.isin(case.modes.index, wanted), False)
        here = position(case.nodes, node)
        onto = np.isin(graph.kind, (ArcKind.LOAD, ArcKind.TRANSFER)) & (graph.node[graph.head] == here)
        off = np.isin(graph.kind, (ArcKind.UNLOAD, ArcKind.TRANSFER)) & (graph.node[graph.tail] == here)
        masks = {True: onto & positions[graph.mode[graph.head]], False: off & positions[graph.mode[graph.tail]]}
        return [masks[way] for way in ways]

    def _volume(
        self, arcs: NDArray[np.bool_], paths: NDArray[np.bool_],
        unit: str, carrying: list[str],
    ) -> float:  # fmt: skip
        graph, case = self.model.graph, self.model.case
        keep = arcs[self.arc] & paths[self.path]
        path, arc = self.path[keep], self.arc[keep]
        if carrying:
            mine = np.isin([self.units[u] for u in graph.arc_unit[arc]], carrying)
            path, arc = path[mine], arc[mine]
        tonnes = self.tonnes[path]
        if unit == "tonnes":
            return float(tonnes.sum())
        per_unit = case.carrying_units[PER_UNIT[unit]].fillna(0.0).to_numpy()[graph.arc_unit[arc]]
        loads = self.assignment.loaded_units(arc, self.assignment.path_commodity[path])
        return float((tonnes / loads * per_unit).sum())

    def _preload(self, count: pd.Series) -> float:
        """Return the preload, in the count's unit, of the facilities counted or standing at the nodes or links counted.

        Only for counts of all goods: a preload does not say its goods.
        """
        if as_list(count["commodities"]) or count["traffic"] != "all" or count["oil"] != "included":
            return 0.0
        case, table, counted = self.model.case, str(count["element_table"]), set(as_list(count["elements"]))
        total = 0.0
        for name, facility in case.facilities[case.facilities["unit"] == count["unit"]].iterrows():
            same = {
                "facilities": name in counted,
                "nodes": facility["node"] in counted,
                "links": facility["element_table"] == "links" and counted <= set(as_list(facility["elements"])),
            }.get(table, False)
            if same:
                rows = case.preloads[case.preloads["facility"] == name]
                each = rows.loc[rows["direction"] == "each", "units_per_year"].sum()
                total += float(rows["units_per_year"].sum() + each)
        return total


def compare_controls(assignment: Assignment) -> pd.DataFrame:
    """Compare published totals of trade (role `control`) with the demand of the same pair, direction and goods."""
    case = assignment.model.case
    rows = case.demand.copy()
    country = case.zones["country"].fillna("").astype(str)
    rows["from"], rows["to"] = rows["origin"].map(country), rows["destination"].map(country)
    rows["usd"] = rows["value_usd"].fillna(
        rows["tonnes"] * rows["commodity"].map(case.commodities["unit_value_usd_per_tonne"]).astype(float)
    )
    out = []
    for name, t in case.trade[case.trade["role"] == "control"].iterrows():
        there = (rows["from"] == t["exporter"]) & (rows["to"] == t["importer"])
        back = (rows["from"] == t["importer"]) & (rows["to"] == t["exporter"])
        mine = rows[(there | back) if t["flow"] == "turnover" else there]
        if isinstance(t["commodity"], str):
            mine = mine[mine["commodity"] == t["commodity"]]
        goods = next((str(t[f]) for f in ("goods", "commodity") if isinstance(t[f], str)), "all goods")
        for unit, column, published in (("tonnes", "tonnes", t["tonnes"]), ("USD", "usd", t["value_usd"])):
            if np.isnan(published) or published <= 0:
                continue
            modelled = float(mine[column].sum())
            out.append(
                {
                    "id": name,
                    "name": f"{t['exporter']} {'and' if t['flow'] == 'turnover' else 'to'} {t['importer']}, {goods}",
                    "year": int(t["year"]),
                    "unit": unit,
                    "published": float(published),
                    "modelled": modelled,
                    "ratio": modelled / float(published),
                    "comparable": bool(t["year"] == case.meta.year and pd.isna(t["period_from"])),
                    "source": t["source"],
                    "confidence": t["confidence"],
                }
            )
    columns = ["id", "name", "year", "unit", "published", "modelled", "ratio", "comparable", "source", "confidence"]
    return pd.DataFrame(out, columns=columns)


def compare_indicators(assignment: Assignment) -> pd.DataFrame:
    """Compare published indicators of corridors and modes with the model's.

    Times and prices of corridors run from terminal to terminal: loading at the origin and unloading at the destination
    are left out; a forty-foot container is compared with two of twenty feet. Indicators of a mode are what the average
    modelled tonne meets.
    """
    model = assignment.model
    case, legs = model.case, corridor_legs(model.case)
    by_mode = _mode_indicators(assignment)
    out = []
    for name, row in case.indicators.iterrows():
        if isinstance(row["corridor"], str) or isinstance(row["from_node"], str):
            value = _stretch_indicator(model, row, legs.get(str(row["corridor"])))
        else:
            value = by_mode.get((str(row["mode"]), str(row["indicator"])), np.nan)
        out.append(
            {
                "id": name,
                **{c: row[c] for c in ("name", "corridor", "mode", "indicator", "year")},
                "published": float(row["value"]),
                "low": row["low"],
                "high": row["high"],
                "modelled": value,
                "ratio": value / float(row["value"]) if row["value"] else np.nan,
                **{c: row[c] for c in ("definition", "source", "confidence", "note")},
            }
        )
    columns = [
        "id", "name", "corridor", "mode", "indicator", "year", "published", "low", "high", "modelled", "ratio",
        "definition", "source", "confidence", "note",
    ]  # fmt: skip
    return pd.DataFrame(out, columns=columns)


def _stretch_indicator(model: Model, row: pd.Series, legs: list[Leg] | None) -> float:
    """Return the model's value of an indicator of a corridor, a stretch of one, or a pair of places; NaN if none."""
    ends = (str(row["from_node"]), str(row["to_node"])) if isinstance(row["from_node"], str) else None
    if legs is not None:
        way = corridor_route(model, legs, USUAL, ends=ends)
    elif ends is not None:
        way = route(model, Shipment(*ends, USUAL), alternatives=0)[0]
    else:
        return float("nan")
    if way is None:
        return float("nan")
    inside = way.legs[~way.legs["what"].isin(["load", "unload"])]
    money = float(inside[[f"usd_{c}" for c in MONEY]].to_numpy().sum())
    hours = float(inside[list(HOURS)].to_numpy().sum())
    km = float(inside["km"].sum())
    boxes = set(inside.loc[inside["what"] == "movement", "unit"]) == {"container"}
    per_teu = money * way.unit_tonnes if boxes else float("nan")
    moving = float(inside["move_hours"].sum())
    return {
        "km": km,
        "days": hours / HOURS_PER_DAY,
        "usd_per_teu": per_teu,
        "usd_per_feu": 2.0 * per_teu,
        "usd_per_tonne": money,
        "usd_per_500km_20t": money * 20.0 * 500.0 / km if km else float("nan"),
        "speed_with_delay_kmh": km / hours if hours else float("nan"),
        "speed_without_delay_kmh": km / moving if moving else float("nan"),
        "border_hours": float(inside["border_hours"].sum()),
        "border_usd": float(inside["usd_border"].sum()) * way.unit_tonnes,
    }[str(row["indicator"])]


def _mode_indicators(assignment: Assignment) -> dict[tuple[str, str], float]:
    """Return, by mode, what the average modelled tonne meets: border hours and payments a crossing, speed, cost.

    Payments and cost are for a unit of 20 t, speed is kilometres over all hours in movement, at borders and in waiting.
    """
    model = assignment.model
    case, graph = model.case, model.graph
    flow, goods = assignment.arc_tonnes, assignment.arc_goods
    hours = (case.borders["exit_hours"].fillna(0.0) + case.borders["entry_hours"].fillna(0.0)).to_numpy()
    payment = case.borders["usd_per_unit"].fillna(0.0).to_numpy()
    over_arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.over_indptr))
    money = np.zeros(graph.n_arcs)
    costs = np.array([c.haulage + c.border for c in model.costs])
    np.add.at(money, goods["arc"], costs[goods["commodity"], goods["arc"]] * goods["tonnes"])
    out: dict[tuple[str, str], float] = {}
    for m, mode in enumerate(case.modes.index):
        on = (graph.arc_mode == m) & np.isin(graph.kind, (ArcKind.HAUL, ArcKind.BORDER, ArcKind.WAIT, ArcKind.RUN))
        t_km, t_hours = float((flow * graph.km)[on].sum()), float((flow * graph.hours)[on].sum())
        crossing = on[over_arc]
        weight, rows = flow[over_arc[crossing]], graph.over_border[crossing]
        if t_km <= 0:
            continue
        out[str(mode), "speed_with_delay_kmh"] = t_km / t_hours
        out[str(mode), "usd_per_500km_20t"] = float(money[on].sum()) / t_km * 500.0 * 20.0
        if weight.sum() > 0:
            out[str(mode), "border_hours"] = float((weight * hours[rows]).sum() / weight.sum())
            out[str(mode), "border_usd"] = float((weight * payment[rows]).sum() / weight.sum())
    return out
