"""What of the flows a count counts: by place, direction, goods, traffic and unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.cost.tariffs import unit_tonnes
from karavan.model import demand_rows
from karavan.network.graph import ArcKind
from karavan.schema.case import as_list, position

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.model import Model

PER_UNIT = {"teu": "teu_per_unit", "wagons": "wagons_per_unit", "trucks": "trucks_per_unit"}
OIL = "oil"


class CountedPaths:
    """Paths with what a count may select them by. Arrays of paths as in `karavan.assignment.Solution`."""

    def __init__(
        self, model: Model, path_start: NDArray[np.int64], path_arc: NDArray[np.int32], path_demand: NDArray[np.int32]
    ) -> None:
        self.model, self.arc = model, path_arc
        case = model.case
        rows = demand_rows(case)
        zone_country = case.zones["country"].fillna("").astype(str)
        self.n_paths = len(path_demand)
        self.path = np.repeat(np.arange(self.n_paths), np.diff(path_start))
        self.commodity = rows["commodity"].to_numpy(dtype=object)[path_demand]
        self.origin = zone_country.reindex(rows["origin"]).to_numpy(dtype=object)[path_demand]
        self.destination = zone_country.reindex(rows["destination"]).to_numpy(dtype=object)[path_demand]
        groups = case.commodities["group"].fillna("").astype(str)
        self.oil = (groups.reindex(self.commodity) == OIL).to_numpy(dtype=bool)
        self.units = [str(u) for u in case.carrying_units.index]
        loads = np.array([unit_tonnes(case.carrying_units, f) for f in case.commodities["load_factor"].astype(float)])
        self.loads = loads[case.commodities.index.get_indexer(pd.Index(self.commodity, dtype="str"))]

    def per_tonne(self, count: pd.Series) -> NDArray[np.float64]:
        """Return how many of the count's units a tonne on each path adds to it, shape (n_paths,)."""
        paths = self._paths(count)
        table, unit, carrying = str(count["element_table"]), str(count["unit"]), as_list(count["carrying_units"])
        total = np.zeros(self.n_paths)
        for element in as_list(count["elements"]):
            for arcs in self._arc_sets(table, element, count):
                total += self._volume(arcs, paths, unit, carrying)
        return total

    def _paths(self, count: pd.Series) -> NDArray[np.bool_]:
        keep = np.ones(self.n_paths, dtype=bool)
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
        self, arcs: NDArray[np.bool_], paths: NDArray[np.bool_], unit: str, carrying: list[str]
    ) -> NDArray[np.float64]:
        graph, case = self.model.graph, self.model.case
        keep = arcs[self.arc] & paths[self.path]
        path, arc = self.path[keep], self.arc[keep]
        if carrying:
            mine = np.isin([self.units[u] for u in graph.arc_unit[arc]], carrying)
            path, arc = path[mine], arc[mine]
        weight = np.ones(len(path))
        if unit != "tonnes":
            per_unit = case.carrying_units[PER_UNIT[unit]].fillna(0.0).to_numpy()[graph.arc_unit[arc]]
            weight = per_unit / self.loads[path, graph.arc_unit[arc]]
        return np.bincount(path, weights=weight, minlength=self.n_paths).astype(np.float64)

    def preload(self, count: pd.Series) -> float:
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
