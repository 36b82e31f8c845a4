"""Promises of capacity: which rows limit a corridor or place, and how each stands against the promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from karavan.demand.target import teu_tonnes
from karavan.network.capacity import PER_UNIT
from karavan.scenario.promise_base import corridor_links, gate_links, place_nodes
from karavan.schema.case import as_list, position

if TYPE_CHECKING:
    from karavan.scenario.promise_types import Target
    from karavan.schema.case import Case

AT_NODES = ("gauge_yard", "port", "terminal", "berth")
TYPICAL = {"teu": "container", "moves": "container", "trucks": "trailer", "lane_metres": "trailer"}
WAGONS = {1520: "wagon_1520", 1435: "wagon_1435"}
COLUMNS = ["facility", "name", "stage", "stage_name", "unit", "capacity", "tonnes", "rests_on", "enough", "claimed"]
SIDE_BY_SIDE = ("terminal", "berth")  # of one port: goods use one or the other


def limiting_facilities(case: Case, corridor: str, place: str) -> tuple[str, ...]:
    """Return the facilities that limit a corridor (its lines, yards, posts, fleets and ports) or a place."""
    f = case.facilities
    if corridor:
        links = {*corridor_links(case, corridor), *gate_links(case, corridor, "t")}
        legs = case.corridors[case.corridors["corridor"] == corridor]
        nodes = {str(n) for column in ("from_node", "to_node") for n in legs[column]}
        ends = {frozenset(e) for e in case.links.loc[list(links), ["from_node", "to_node"]].itertuples(index=False)}
        crossed = zip(case.borders.index, case.borders["from_node"], case.borders["to_node"], strict=True)
        borders = {str(i) for i, a, b in crossed if frozenset((a, b)) in ends}
        over = {"links": links, "borders": borders}
        elements = zip(f["element_table"], f["elements"], strict=True)
        on = [bool(set(as_list(e)) & over.get(str(t), set())) for t, e in elements]
    else:
        nodes, on = set(place_nodes(case, place)), [False] * len(f)
    at = f["node"].isin(nodes) & (f["kind"].isin(AT_NODES) | (not corridor))
    return tuple(str(i) for i, a, b in zip(f.index, on, at, strict=True) if a or b)


def tonnes_per_unit(case: Case, facility: str) -> float:
    """Return the tonnes in one own unit of a facility when full units pass: 1 for tonnes, a wagon's payload and so on.

    A display at a named mix, as any tonnage of such an asset is: wagons of 1520 mm, full containers, full trailers.
    """
    unit, units = str(case.facilities["unit"].loc[facility]), case.carrying_units
    if unit == "tonnes":
        return 1.0
    carrier = TYPICAL.get(unit, WAGONS[1520] if WAGONS[1520] in units.index else str(units.index[0]))
    if carrier not in units.index:
        return float("nan")
    at = position(units, carrier)
    per, payload = (float(units[c].to_numpy()[at]) for c in (PER_UNIT[unit], "payload_tonnes"))
    tonnes = payload / per if per > 0 else float("nan")
    return tonnes * float(case.facilities["wagons_per_train"].loc[facility]) if unit == "trains" else tonnes


def capacity_frame(
    case: Case, target: Target, values: pd.Series[float], rests_on: pd.Series[str]
) -> pd.DataFrame:
    """Return how each row that limits the corridor or place stands against the capacity promised, the least in front.

    Parameters
    ----------
    values, rests_on
        Capacity of each facility in its own unit a year, and which of its three capacities that is.

    Returns
    -------
    Columns facility, name, stage (rows of one stage stand side by side and add up: ferries and sea lines of a crossing,
    terminals of a port), stage_name, unit, capacity, tonnes (of the stage), rests_on, enough, claimed (enough only with
    what owners state). Capacity is missing where none is known.
    """
    gates = set(gate_links(case, target.via, "t")) if target.via else set()
    rows = []
    for name in target.facilities:
        row = case.facilities.loc[name]
        stage, label = name, str(row["name"])
        if len(gates) > 1 and set(as_list(row["elements"])) & gates:
            stage, label = "crossing", "the crossing, all lines"
        elif row["kind"] in SIDE_BY_SIDE and isinstance(row["node"], str):
            stage = f"terminals/{row['node']}"
            label = f"terminals of {case.nodes['name'].get(row['node'], row['node'])}"
        capacity = float(values.get(name, float("nan")))
        tonnes = capacity * tonnes_per_unit(case, name)
        unit = str(row["unit"])
        rows.append([name, str(row["name"]), stage, label, unit, capacity, tonnes, rests_on.get(name, "")])
    out = pd.DataFrame(rows, columns=COLUMNS[:-2])
    shown = out["tonnes"].where(out["rests_on"] != "stated", 0.0).groupby(out["stage"]).transform("sum")
    out["tonnes"] = out.groupby("stage")["tonnes"].transform(lambda t: t.sum(min_count=1))
    wanted = float(target.value or 0.0) * (teu_tonnes(case.carrying_units)[0] if target.unit == "{TEU}" else 1.0)
    out["enough"] = (out["tonnes"] >= wanted).where(out["tonnes"].notna(), None).astype("boolean")
    out["claimed"] = out["enough"].fillna(value=False).astype(bool) & ~(shown >= wanted)
    return out.sort_values(["tonnes", "facility"], kind="stable", na_position="last").reset_index(drop=True)
