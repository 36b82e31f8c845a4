"""The closed loop of equipment: what empties the flows of an assignment need, where, at what cost, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.assignment.empties import SMALL, decomposed, empty_flows, empty_network, loaded_moves, parts
from karavan.errors import NameNotFound
from karavan.model import demand_rows
from karavan.schema.chains import link_chains
from karavan.schema.state import is_open
from karavan.units import HOURS_PER_YEAR, MONTHS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from karavan.assignment.assignment import Assignment
    from karavan.assignment.empties import EmptyFlows, EmptyNetwork, Loads
    from karavan.model import Model

    Float = NDArray[np.float64]

LANES = ("unit", "from_node", "from_name", "to_node", "to_name", "units", "km", "usd_per_unit", "usd",
         "saving_per_load")  # fmt: skip
STRANDED = ("unit", "node", "name", "stranded", "short", "no_way")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Equipment:
    """Empties that an assignment needs, what they cost, and whom.

    Frames
    ------
    units
        One row a carrying unit: loaded moves, loaded and empty unit-kilometres, their shares, USD of empties, and the
        units that the loop takes (hours loaded, empty and at loading over the hours of a year; no wait for a load).
    lanes
        Where empties go from and to: units, kilometres, USD, and what one matched load would save there.
    links
        Loaded and empty units by link, direction and unit.
    corridors
        Unit-kilometres by corridor and unit each way, the imbalance, and the surcharge: USD of the empties that go one
        way, on each loaded unit that goes the other.
    pairs
        One row a demand row: what empties add to a tonne, or take off it where goods go against the stream.
    facilities
        Capacity that empties need beside what the assignment held for them.
    stranded
        Places where units stay behind, or are missing.
    """

    case: str
    units: pd.DataFrame
    lanes: pd.DataFrame
    links: pd.DataFrame
    corridors: pd.DataFrame
    pairs: pd.DataFrame
    facilities: pd.DataFrame
    stranded: pd.DataFrame
    usd: float

    def __repr__(self) -> str:
        return f"<Equipment of {self.case}: empties of {len(self.units)} units cost {self.usd:,.0f} USD a year>"

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        names = ("units", "lanes", "corridors", "pairs", "links", "facilities", "stranded")
        return {"case": self.case, "empties_usd": self.usd, **{n: getattr(self, n) for n in names}}


def equipment(assignment: Assignment, *, empty_cost: Mapping[str, float] | None = None) -> Equipment:
    """Work out the empties that the flows of an assignment need.

    Parameters
    ----------
    assignment
        Flows of a year or month.
    empty_cost
        Cost of moving an empty unit as a share of the least that goods in it pay, by carrying unit: in place of
        `empty_cost_share` of the table. Without either, empties are counted and kept short, but not priced.

    Raises
    ------
    NameNotFound
        `empty_cost` names no carrying unit.
    SolverError
        The flows of empties were not found.
    """
    model = assignment.model
    share = _shares(model, empty_cost or {})
    loads = loaded_moves(assignment)
    network = empty_network(assignment, share)
    supply = np.zeros(model.graph.n_nodes)
    np.add.at(supply, loads.end, loads.units)
    np.add.at(supply, loads.start, -loads.units)
    flows = empty_flows(model, network, supply)
    frames = _tables(assignment, loads, network, flows)
    return Equipment(model.case.meta.name, usd=float(frames["units"]["empty_usd"].sum()), **frames)


def _shares(model: Model, given: Mapping[str, float]) -> Float:
    """Return the cost of an empty as a share of a loaded unit's, by carrying unit; NaN where not known."""
    table = model.case.carrying_units
    for name, value in given.items():
        if name not in table.index:
            raise NameNotFound(name, "carrying unit", [str(u) for u in table.index])
        if not 0.0 <= value <= 1.0:
            message = f"the cost of an empty {name} is {value} of a loaded one's; give a share from 0 to 1"
            raise ValueError(message)
    share = table["empty_cost_share"].to_numpy(dtype=np.float64, na_value=np.nan).copy()
    for name, value in given.items():
        share[list(table.index).index(name)] = value
    return np.asarray(share, dtype=np.float64)


def _tables(a: Assignment, loads: Loads, network: EmptyNetwork, flows: EmptyFlows) -> dict[str, pd.DataFrame]:
    """Return the frames of `Equipment`."""
    links = _links(a, network, flows)
    return {
        "units": _units(a, loads, network, flows),
        "lanes": _lanes(a, loads, network, flows),
        "links": links.drop(columns="empty_usd"),
        "corridors": _corridors(a, links),
        "pairs": _pairs(a, loads, network, flows),
        "facilities": _facilities(a, network, flows),
        "stranded": _stranded(a, flows),
    }


def _names(a: Assignment) -> NDArray[np.object_]:
    return a.model.case.carrying_units.index.to_numpy(dtype=object)


def _loaded_on_arcs(a: Assignment) -> Float:
    """Return loaded units on every arc that moves, all goods."""
    graph, flow = a.model.graph, a.arc_goods
    arc = flow["arc"].to_numpy()
    keep = graph.arc_unit[arc] >= 0
    units = flow["tonnes"].to_numpy()[keep] / a.loaded_units(arc[keep], flow["commodity"].to_numpy()[keep])
    return np.bincount(arc[keep], weights=units, minlength=graph.n_arcs).astype(np.float64)


def _units(a: Assignment, loads: Loads, network: EmptyNetwork, flows: EmptyFlows) -> pd.DataFrame:
    graph, n = a.model.graph, len(a.model.case.carrying_units)
    loaded = _loaded_on_arcs(a)
    moving = np.flatnonzero((graph.arc_unit >= 0) & (loaded > 0))
    unit = graph.unit[graph.tail[network.arc]]

    def by_unit(at: NDArray[np.integer], weights: Float) -> Float:
        return np.bincount(at, weights=weights, minlength=n).astype(np.float64)[:n]

    loaded_km = by_unit(graph.arc_unit[moving], (loaded * graph.km)[moving])
    loaded_hours = by_unit(graph.arc_unit[moving], (loaded * graph.hours)[moving])
    empty_km = by_unit(unit, flows.flow * graph.km[network.arc])
    empty_hours = by_unit(unit, flows.flow * graph.hours[network.arc])
    usd = np.where(network.priced, by_unit(unit, flows.flow * network.cost), np.nan)
    moves = by_unit(loads.unit, loads.units)
    total = loaded_km + empty_km
    hours = HOURS_PER_YEAR / (MONTHS_PER_YEAR if a.month else 1.0)
    out = pd.DataFrame(
        {
            "unit": _names(a),
            "loaded_moves": moves,
            "loaded_unit_km": loaded_km,
            "empty_unit_km": empty_km,
            "empty_share": np.divide(empty_km, total, out=np.full(n, np.nan), where=total > 0),
            "empty_usd": usd,
            "usd_per_loaded_move": np.divide(usd, moves, out=np.full(n, np.nan), where=moves > 0),
            "fleet": (loaded_hours + empty_hours) / hours,
            "assumed_return_share": a.model.case.carrying_units["empty_return_share"].to_numpy(dtype=np.float64),
            "return_share": np.divide(empty_km, loaded_km, out=np.full(n, np.nan), where=loaded_km > 0),
        }
    )
    return out[out["loaded_moves"] > SMALL].reset_index(drop=True)


def _lanes(a: Assignment, loads: Loads, network: EmptyNetwork, flows: EmptyFlows) -> pd.DataFrame:
    graph = a.model.graph
    supply = np.zeros(graph.n_nodes)
    np.add.at(supply, loads.end, loads.units)
    np.add.at(supply, loads.start, -loads.units)
    nodes = a.model.case.nodes.index.to_numpy(dtype=object)
    rows = []
    for source, target, units, km, cost in decomposed(a.model, network, flows, supply):
        unit = int(graph.unit[source])
        priced = bool(network.priced[unit])
        saving = float(flows.worth[source] - flows.worth[target]) if priced else np.nan
        usd = cost if priced else np.nan
        rows.append([_names(a)[unit], nodes[graph.node[source]], nodes[graph.node[target]], units, km * units,
                     usd * units, saving * units])  # fmt: skip
    frame = pd.DataFrame(rows, columns=["unit", "from_node", "to_node", "units", "km", "usd", "saving_per_load"])
    out = frame.groupby(["unit", "from_node", "to_node"], as_index=False, sort=True).sum(min_count=1)
    for total in ("km", "saving_per_load"):
        out[total] = out[total] / out["units"]
    out["usd_per_unit"] = out["usd"] / out["units"]
    for end in ("from", "to"):
        out[f"{end}_name"] = out[f"{end}_node"].map(a.model.case.nodes["name"])
    return out[list(LANES)].sort_values(["usd", "units"], ascending=False, ignore_index=True)


def _links(a: Assignment, network: EmptyNetwork, flows: EmptyFlows) -> pd.DataFrame:
    """Return loaded and empty units by link, direction and unit, and USD of empties by the link's share of the way."""
    graph, case = a.model.graph, a.model.case
    empty, usd = np.zeros(graph.n_arcs), np.zeros(graph.n_arcs)
    empty[network.arc] = flows.flow
    priced = network.priced[graph.unit[graph.tail[network.arc]]]
    usd[network.arc] = np.where(priced, flows.flow * network.cost, 0.0)
    loaded = _loaded_on_arcs(a)
    arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))
    km = case.links["length_km"].fillna(0.0).to_numpy()[graph.steps_link]
    whole = np.bincount(arc, weights=km, minlength=graph.n_arcs)
    share = np.divide(km, whole[arc], out=np.ones(km.size), where=whole[arc] > 0)
    frame = pd.DataFrame(
        {
            "link": case.links.index.to_numpy(dtype=object)[graph.steps_link],
            "direction": np.where(graph.steps_forward, "forward", "backward"),
            "unit": _names(a)[graph.arc_unit[arc]],
            "loaded": loaded[arc],
            "empty": empty[arc],
            "empty_usd": usd[arc] * share,
        }
    )
    frame = frame[(frame["loaded"] > 0) | (frame["empty"] > 0)]
    return frame.groupby(["link", "direction", "unit"], as_index=False, sort=True).sum()


def _corridors(a: Assignment, links: pd.DataFrame) -> pd.DataFrame:
    """Return unit-kilometres each way by corridor and unit, the imbalance, and the surcharge each way."""
    case = a.model.case
    chains = link_chains(case.links, is_open(case.links, a.model.day))
    names = case.links.index.to_numpy(dtype=object)
    rows = []
    for corridor, legs in case.corridors.groupby("corridor", sort=False):
        steps = [s for leg in legs.itertuples() for s in
                 chains.shortest(str(leg.mode), [str(leg.from_node), str(leg.to_node)]) or ()]  # fmt: skip
        ways = pd.DataFrame([[names[link], "forward" if ahead else "backward"] for link, ahead in steps],
                            columns=["link", "along"]).drop_duplicates("link")  # fmt: skip
        mine = links.merge(ways, on="link")
        if not len(mine):
            continue
        km = mine["link"].map(case.links["length_km"]).fillna(0.0).astype(float)
        mine = mine.assign(
            way=np.where(mine["direction"] == mine["along"], "forward", "backward"),
            loaded=mine["loaded"] * km,
            empty=mine["empty"] * km,
        )
        for unit, part in mine.groupby("unit", sort=True):
            sums = part.groupby("way")[["loaded", "empty", "empty_usd"]].sum()
            sums = sums.reindex(["forward", "backward"]).fillna(0.0)
            rows.append([corridor, legs["name"].iloc[0], unit, *_corridor_row(sums)])
    columns = ["corridor", "name", "unit", "loaded_km_forward", "loaded_km_backward", "empty_km_forward",
               "empty_km_backward", "imbalance", "surcharge_forward", "surcharge_backward"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _corridor_row(sums: pd.DataFrame) -> list[float]:
    """Return loaded and empty unit-kilometres each way, the imbalance, and the surcharge each way.

    Imbalance: difference of the loaded ways over their sum. Surcharge: USD of the empties that go the other way, on
    each 1,000 loaded unit-kilometres.
    """
    (ahead, back), (empty_ahead, empty_back), (usd_ahead, usd_back) = sums.to_numpy(dtype=np.float64).T.tolist()
    imbalance = abs(ahead - back) / (ahead + back) if ahead + back > 0 else np.nan
    on_ahead = 1000.0 * usd_back / ahead if ahead > 0 else np.nan
    on_back = 1000.0 * usd_ahead / back if back > 0 else np.nan
    return [ahead, back, empty_ahead, empty_back, imbalance, on_ahead, on_back]


def _pairs(a: Assignment, loads: Loads, network: EmptyNetwork, flows: EmptyFlows) -> pd.DataFrame:
    """Return what empties add to each tonne: worth of a unit where it is unloaded less worth where it is loaded."""
    part = parts(network, a.model)
    adds = (flows.worth[loads.end] - flows.worth[loads.start]) / loads.tonnes
    known = network.priced[loads.unit] & (part[loads.start] == part[loads.end])
    n_paths = len(a.solution.path_tonnes)
    per_path = np.bincount(loads.path, weights=np.where(known, adds, 0.0), minlength=n_paths)
    unknown = np.bincount(loads.path, weights=~known, minlength=n_paths)
    rows = demand_rows(a.model.case)
    of, tonnes = a.solution.path_demand, a.solution.path_tonnes
    served = np.bincount(of, weights=tonnes, minlength=len(rows))
    usd = np.bincount(of, weights=per_path * tonnes, minlength=len(rows))
    paid, names = a.pairs["money_usd_per_tonne"].to_numpy(), a.model.case.zones["name"]
    out = pd.DataFrame(
        {
            "id": rows.index.to_numpy(dtype=object),
            **{c: rows[c].to_numpy(dtype=object) for c in ("origin", "destination", "commodity")},
            **{f"{c}_name": rows[c].map(names).to_numpy(dtype=object) for c in ("origin", "destination")},
            "served": served,
            "surcharge_usd_per_tonne": np.divide(usd, served, out=np.full(len(rows), np.nan), where=served > 0),
            "money_usd_per_tonne": paid,
            "partly_unknown": np.bincount(of, weights=unknown, minlength=len(rows)) > 0,
        }
    )
    return out[out["served"] > 0].reset_index(drop=True)


def _facilities(a: Assignment, network: EmptyNetwork, flows: EmptyFlows) -> pd.DataFrame:
    used = np.asarray(network.use @ flows.flow, dtype=np.float64)
    frame = a.facilities[["facility", "name", "element", "direction", "unit"]].assign(
        left_by_loaded=network.left, reserved=network.reserved, empties=used, shadow_price=flows.row_price
    )
    kept = (frame["empties"] > SMALL) | (frame["reserved"] > SMALL)
    return frame[kept].reset_index(drop=True)


def _stranded(a: Assignment, flows: EmptyFlows) -> pd.DataFrame:
    graph = a.model.graph
    at = np.flatnonzero((flows.stranded > 0) | (flows.short > 0))
    frame = pd.DataFrame(
        {
            "unit": _names(a)[graph.unit[at]],
            "node": a.model.case.nodes.index.to_numpy(dtype=object)[graph.node[at]],
            "stranded": flows.stranded[at],
            "short": flows.short[at],
            "no_way": np.minimum(flows.no_way, flows.stranded + flows.short)[at],
        }
    )
    out = frame.groupby(["unit", "node"], as_index=False, sort=True).sum()
    return out.assign(name=out["node"].map(a.model.case.nodes["name"]))[list(STRANDED)]
