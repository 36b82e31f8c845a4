"""What came out of an assignment, as frames in the field's words, made when asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.assignment.methods import LeastCost
from karavan.assignment.result import Reason
from karavan.cost.tariffs import unit_tonnes
from karavan.model import Model, demand_rows, month_share
from karavan.network.graph import ArcKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.assignment.methods import Method
    from karavan.assignment.result import Solution
    from karavan.problem import Problem

REASONS = {
    Reason.SERVED: "",
    Reason.NO_PATH: "no path",
    Reason.TOO_DEAR: "priced out",
    Reason.CAPACITY: "capacity",
    Reason.CHOICE: "shippers' choice",
}
CRUMB = 1e-6  # of a demand: less left unserved is the solver's tolerance
SMALL = 1e-9  # relative to the largest flow: less is no flow


@dataclass(frozen=True, eq=False, repr=False)
class Assignment:
    """Flows of a case under its capacities.

    Frames: `pairs` (served and unserved by demand row), `links`, `link_goods`, `services`, `nodes`, `facilities`
    (use and shadow prices), `paths`, `link_flows`. Tonnes a year, or of the busiest month when `month`.
    """

    model: Model
    problem: Problem
    solution: Solution
    method: Method
    month: bool | int = False

    @property
    def objective(self) -> float:
        """USD: what the method minimised, as `Solution.objective` has it."""
        return float(self.solution.objective)

    @property
    def relative_gap(self) -> float:
        """Relative difference between the objective and what no flows can go below."""
        return float(self.solution.gap)

    @property
    def converged(self) -> bool:
        """Whether the gap asked for was reached; methods that ask for none end only when they are done."""
        return not isinstance(self.method, LeastCost) or self.relative_gap <= self.method.gap

    @cached_property
    def link_flows(self) -> pd.DataFrame:
        """One row an open link and direction: link_id, direction, flow (tonnes, by all that moves over it), cost.

        `cost` is the generalized cost of hauling a tonne of the first commodity over it in the cheapest unit; NaN where
        only services run.
        """
        graph, case = self.model.graph, self.model.case
        counts = np.diff(graph.steps_indptr)
        arc = np.repeat(np.arange(graph.n_arcs), counts)
        key = 2 * graph.steps_link.astype(np.int64) + ~graph.steps_forward
        ways, at = np.unique(key, return_inverse=True)
        cost = np.full(len(ways), np.inf)
        haul = graph.kind[arc] == ArcKind.HAUL
        if len(self.model.costs):
            first = np.where(self.model.open[0], self.model.generalized[0], np.inf)
            np.minimum.at(cost, at[haul], first[arc[haul]])
        return pd.DataFrame(
            {
                "link_id": case.links.index.to_numpy(dtype=object)[ways // 2],
                "direction": np.where(ways % 2 == 0, "forward", "backward"),
                "flow": np.bincount(at, weights=self.arc_tonnes[arc], minlength=len(ways)).astype(np.float64),
                "cost": np.where(np.isfinite(cost), cost, np.nan),
            }
        )

    def __repr__(self) -> str:
        s = self.summary
        return f"<Assignment of {s['case']} by {s['method']}: {s['served']:,.0f} of {s['demand']:,.0f} t served>"

    @cached_property
    def path_table(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Return for each arc of each path: path, arc, position in the arena. Shape (n_path_arcs,) each."""
        start = self.solution.path_start
        path = np.repeat(np.arange(len(start) - 1), np.diff(start))
        return path, self.solution.path_arc, np.arange(len(path))

    def path_arcs(self, path: int) -> NDArray[np.int32]:
        """Return the arcs of a path in order."""
        start = self.solution.path_start
        arcs: NDArray[np.int32] = self.solution.path_arc[start[path] : start[path + 1]]
        return arcs

    @cached_property
    def path_commodity(self) -> NDArray[np.int32]:
        """Commodity position of each path."""
        return np.asarray(self.problem.demand_class[self.solution.path_demand], dtype=np.int32)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Totals of the run: tonnes, tonne-kilometres, objective, bound, gap, method and day."""
        s = self.solution
        return {
            "case": self.model.case.meta.name,
            "year": self.model.case.meta.year,
            "day": self.model.day,
            "period": "busiest month" if self.month else "year",
            "method": type(self.method).__name__,
            "objective": getattr(self.method, "objective", "none"),
            "demand": float(self.problem.tonnes.sum()),
            "served": float(s.served.sum()),
            "unserved": float(s.unserved.sum()),
            "t_km": float((self.arc_tonnes * self.model.graph.km).sum()),
            "objective_usd": float(s.objective),
            "bound_usd": float(s.bound),
            "gap": float(s.gap),
            "paths": len(s.path_tonnes),
            "rounds": len(s.rounds),
            **({} if s.residuals is None else {"cost_usd": s.residuals.cost, "residuals": asdict(s.residuals)}),
        }

    @cached_property
    def arc_tonnes(self) -> NDArray[np.float64]:
        """Tonnes on each arc, all goods; shape (n_arcs,)."""
        path, arc, _ = self.path_table
        tonnes = np.bincount(arc, weights=self.solution.path_tonnes[path], minlength=self.model.graph.n_arcs)
        return tonnes.astype(np.float64)

    @cached_property
    def arc_goods(self) -> pd.DataFrame:
        """Tonnes by arc and commodity position, where there is flow: columns arc, commodity, tonnes."""
        path, arc, _ = self.path_table
        frame = pd.DataFrame(
            {"arc": arc, "commodity": self.path_commodity[path], "tonnes": self.solution.path_tonnes[path]}
        )
        out = frame.groupby(["arc", "commodity"], as_index=False)[["tonnes"]].sum()
        return out.loc[out["tonnes"] > SMALL * max(float(out["tonnes"].max() or 0.0), 1.0)].reset_index(drop=True)

    @cached_property
    def paths(self) -> pd.DataFrame:
        """One row a path: demand id, commodity, tonnes, USD per tonne (generalized, money), hours, km."""
        path, arc, _ = self.path_table
        n, graph = len(self.solution.path_tonnes), self.model.graph
        k = self.path_commodity[path]
        generalized = self.model.generalized[k, arc] if n else np.zeros(0)
        money = np.array([c.money for c in self.model.costs])[k, arc] if n else np.zeros(0)
        rows = demand_rows(self.model.case)
        return pd.DataFrame(
            {
                "demand": rows.index.to_numpy(dtype=object)[self.solution.path_demand],
                "commodity": rows["commodity"].to_numpy(dtype=object)[self.solution.path_demand],
                "tonnes": self.solution.path_tonnes,
                "usd_per_tonne": np.bincount(path, weights=generalized, minlength=n),
                "money_usd_per_tonne": np.bincount(path, weights=money, minlength=n),
                "hours": np.bincount(path, weights=graph.hours[arc], minlength=n),
                "km": np.bincount(path, weights=graph.km[arc], minlength=n),
            }
        )

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row a demand row: tonnes, served, unserved and why, mean cost, hours and km of what is served."""
        rows, s = demand_rows(self.model.case), self.solution
        left = s.unserved > CRUMB * self.problem.tonnes
        out = pd.DataFrame(
            {
                "id": rows.index.to_numpy(dtype=object),
                **{c: rows[c].to_numpy(dtype=object) for c in ("origin", "destination", "commodity")},
                "tonnes": self.problem.tonnes,
                "served": s.served,
                "unserved": np.where(left, s.unserved, 0.0),
                "reason": [REASONS[Reason(r)] if some else "" for r, some in zip(s.reason, left, strict=True)],
                "unserved_price": self.problem.unserved_price,
                "source": rows["source"].to_numpy(dtype=object),
                "confidence": rows["confidence"].to_numpy(dtype=object),
            }
        )
        weights = self.paths["tonnes"].to_numpy()
        for column in ("usd_per_tonne", "money_usd_per_tonne", "hours", "km"):
            total = np.bincount(s.path_demand, weights=self.paths[column].to_numpy() * weights, minlength=len(out))
            carried = np.bincount(s.path_demand, weights=weights, minlength=len(out))
            out[column] = np.divide(total, carried, out=np.full(len(out), np.nan), where=carried > 0)
        return out

    def loaded_units(self, arc: NDArray[np.integer], commodity: NDArray[np.integer]) -> NDArray[np.float64]:
        """Tonnes in a loaded carrying unit on each arc for each commodity."""
        case = self.model.case
        loads = np.array([unit_tonnes(case.carrying_units, f) for f in case.commodities["load_factor"].astype(float)])
        return np.asarray(loads[commodity, self.model.graph.arc_unit[arc]], dtype=np.float64)

    @cached_property
    def link_goods(self) -> pd.DataFrame:
        """Tonnes and loaded units by link, direction, commodity and carrying unit."""
        case, graph, flow = self.model.case, self.model.graph, self.arc_goods
        counts = np.diff(graph.steps_indptr)[flow["arc"]]
        at = np.repeat(np.arange(len(flow)), counts)
        entry = np.concatenate(
            [np.arange(graph.steps_indptr[a], graph.steps_indptr[a + 1]) for a in flow["arc"]] or [np.zeros(0, int)]
        ).astype(np.int64)
        arc, commodity = flow["arc"].to_numpy()[at], flow["commodity"].to_numpy()[at]
        tonnes = flow["tonnes"].to_numpy()[at]
        out = pd.DataFrame(
            {
                "link": case.links.index.to_numpy(dtype=object)[graph.steps_link[entry]],
                "direction": np.where(graph.steps_forward[entry], "forward", "backward"),
                "commodity": case.commodities.index.to_numpy(dtype=object)[commodity],
                "unit": case.carrying_units.index.to_numpy(dtype=object)[graph.arc_unit[arc]],
                "tonnes": tonnes,
                "units": tonnes / self.loaded_units(arc, commodity),
            }
        )
        return out.groupby(["link", "direction", "commodity", "unit"], as_index=False)[["tonnes", "units"]].sum()

    @cached_property
    def links(self) -> pd.DataFrame:
        """Tonnes and TEU by link and direction, every link with flow."""
        case, goods = self.model.case, self.link_goods.copy()
        teu = case.carrying_units["teu_per_unit"].fillna(0.0)
        goods["teu"] = goods["units"] * goods["unit"].map(teu).astype(float)
        out = goods.groupby(["link", "direction"], as_index=False)[["tonnes", "teu"]].sum()
        out.insert(2, "mode", out["link"].map(case.links["mode"]))
        return out

    @cached_property
    def services(self) -> pd.DataFrame:
        """Tonnes and loaded units by service, direction and carrying unit."""
        case, graph = self.model.case, self.model.graph
        flow = self.arc_goods[graph.kind[self.arc_goods["arc"]] == ArcKind.RUN]
        arc = flow["arc"].to_numpy()
        out = pd.DataFrame(
            {
                "service": case.services.index.to_numpy(dtype=object)[graph.service[arc]],
                "direction": np.where(graph.forward[arc], "forward", "backward"),
                "unit": case.carrying_units.index.to_numpy(dtype=object)[graph.arc_unit[arc]],
                "tonnes": flow["tonnes"].to_numpy(),
                "units": flow["tonnes"].to_numpy() / self.loaded_units(arc, flow["commodity"].to_numpy()),
            }
        )
        return out.groupby(["service", "direction", "unit"], as_index=False)[["tonnes", "units"]].sum()

    @cached_property
    def nodes(self) -> pd.DataFrame:
        """Tonnes handled at each node by mode, commodity, unit: `tonnes_out` put on the mode, `tonnes_in` taken off."""
        case, graph, flow = self.model.case, self.model.graph, self.arc_goods
        kind, arc = graph.kind[flow["arc"]], flow["arc"].to_numpy()
        parts = []
        for column, kinds, ends in (
            ("tonnes_out", (ArcKind.LOAD, ArcKind.TRANSFER), graph.head),
            ("tonnes_in", (ArcKind.UNLOAD, ArcKind.TRANSFER), graph.tail),
        ):
            keep = np.isin(kind, kinds)
            hub = ends[arc[keep]]
            parts.append(
                pd.DataFrame(
                    {
                        "node": case.nodes.index.to_numpy(dtype=object)[graph.node[hub]],
                        "mode": case.modes.index.to_numpy(dtype=object)[graph.mode[hub]],
                        "commodity": case.commodities.index.to_numpy(dtype=object)[flow["commodity"].to_numpy()[keep]],
                        "unit": case.carrying_units.index.to_numpy(dtype=object)[graph.unit[hub]],
                        column: flow["tonnes"].to_numpy()[keep],
                    }
                )
            )
        both = pd.concat(parts).fillna({"tonnes_out": 0.0, "tonnes_in": 0.0})
        return both.groupby(["node", "mode", "commodity", "unit"], as_index=False)[["tonnes_out", "tonnes_in"]].sum()

    @cached_property
    def facilities(self) -> pd.DataFrame:
        """One row a capacity row: capacity, preload, use, and the worth of one more unit.

        `shadow_price` is USD per own unit, `usd_per_tonne` the same for the mix of goods that uses it, and
        `queue_hours` the hours that are worth as much to them: with `Logit` the queue there. `scarcity` marks
        a price that the price of unserved demand sets; `shadow_price_half` and `_double` are the prices when that is
        halved and doubled, and `rank`, `rank_half`, `rank_double` the order by what the row is worth in all
        (price times what is available).
        """
        case, capacity, s = self.model.case, self.model.capacity, self.solution
        share = month_share(self.model, month=self.month)
        table = case.facilities.iloc[capacity.facility]
        value_of_time = case.commodities["value_of_time_usd_per_tonne_hour"].fillna(0.0).to_numpy(dtype=np.float64)
        tonnes, usd_an_hour = (self._row_tonnes(w) for w in (np.ones(len(value_of_time)), value_of_time))
        out = pd.DataFrame(
            {
                "facility": table.index.to_numpy(dtype=object),
                "name": table["name"].to_numpy(dtype=object),
                "kind": table["kind"].to_numpy(dtype=object),
                "element": capacity.element,
                "direction": capacity.direction,
                "unit": table["unit"].to_numpy(dtype=object),
                "capacity_used": table["capacity_used"].to_numpy(dtype=object),
                "capacity": capacity.gross * share,
                "preload": capacity.preload * share,
                "preload_known": capacity.preload_known,
                "available": capacity.net * share,
                "used": s.row_use,
                "tonnes": tonnes,
                "shadow_price": s.dual,
                "scarcity": s.is_scarcity,
                "shadow_price_half": _at(s, 0.5),
                "shadow_price_double": _at(s, 2.0),
            }
        )
        load = out["used"] + out["preload"]
        out["utilisation"] = np.divide(load, out["capacity"], out=np.full(len(out), np.nan), where=out["capacity"] > 0)
        per_tonne = np.divide(s.row_use, tonnes, out=np.full(len(out), np.nan), where=tonnes > 0)
        out["usd_per_tonne"] = np.where(s.dual > 0, s.dual * per_tonne, 0.0)
        worth_an_hour = np.divide(usd_an_hour, tonnes, out=np.zeros(len(out)), where=tonnes > 0)
        out["queue_hours"] = np.divide(
            out["usd_per_tonne"], worth_an_hour, out=np.full(len(out), np.nan), where=worth_an_hour > 0
        )
        for end in ("", "_half", "_double"):
            name, price = f"rank{end}", f"shadow_price{end}"
            worth = (out[price] * out["available"]).where(out[price] > 0)
            out[name] = worth.rank(ascending=False, method="first").astype("Int64")
        return out

    def _row_tonnes(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Tonnes that load each capacity row, times a weight by commodity; returning empties do not count."""
        capacity, names = self.model.capacity, self.model.case.commodities.index
        arc = np.repeat(np.arange(self.model.graph.n_arcs), np.diff(capacity.indptr))
        of = capacity.facility[capacity.row]
        out = np.zeros(capacity.n_rows)
        for k in np.unique(self.arc_goods["commodity"]):
            mine = self.arc_goods[self.arc_goods["commodity"] == k]
            tonnes = np.bincount(mine["arc"], weights=mine["tonnes"], minlength=self.model.graph.n_arcs)
            takes = np.array([not g or names[k] in g for g in capacity.goods], dtype=bool)
            keep = capacity.loaded & takes[of]
            np.add.at(out, capacity.row[keep], weight[k] * tonnes[arc[keep]])
        return out

    def bottlenecks(self) -> pd.DataFrame:
        """Facilities with a shadow price, most worth first."""
        out = self.facilities[self.facilities["shadow_price"] > 0]
        return out.sort_values("rank").reset_index(drop=True)

    def to_json(self) -> dict[str, Any]:
        """Return plain data: totals in tonnes, shadow prices, served and unserved by pair, flows by link."""
        prices = self.bottlenecks()[
            ["facility", "element", "direction", "unit", "capacity", "preload", "preload_known", "used", "shadow_price",
             "usd_per_tonne", "scarcity", "rank", "rank_half", "rank_double"]
        ]  # fmt: skip
        return {
            **self.summary,
            "shadow_prices": _records(prices),
            "pairs": _records(self.pairs.drop(columns=["source"])),
            "links": _records(self.links),
            "services": _records(self.services),
            "facilities": _records(self.facilities),
        }


def _at(solution: Solution, factor: float) -> NDArray[np.float64]:
    """Return the shadow prices with all prices of unserved demand times a factor; NaN if not worked out."""
    found = np.flatnonzero(solution.price_factors == factor)
    return solution.dual_at[found[0]] if len(found) else np.full(len(solution.dual), np.nan)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dictionaries; what is missing or not finite is None."""
    clean = frame.astype(object).where(frame.notna(), None)
    return [
        {str(k): None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
        for row in clean.to_dict("records")
    ]
