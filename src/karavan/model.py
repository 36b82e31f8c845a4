"""The model of a case: graph, costs, capacity and restrictions, and the `Problem` a solver sees, each built once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.cost.arc_cost import ArcCost, arc_costs
from karavan.cost.emissions import ArcEmissions, arc_emissions
from karavan.cost.gaps import require_costs, require_unserved_prices
from karavan.cost.tariffs import unit_tonnes
from karavan.network import seasons
from karavan.network.capacity import Capacity, capacity_rows
from karavan.network.graph import Graph, build_graph
from karavan.network.restrictions import Restrictions, restrictions_on
from karavan.problem import Problem, make_problem
from karavan.schema.case import positions
from karavan.schema.state import reference_day
from karavan.units import MONTHS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from karavan.schema.case import Case

SECOND_PER_KM = 1e-3  # the tie between equal costs goes to fewer hours, then to fewer kilometres


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """Everything derived from a case for a day. `costs` are in the order of `case.commodities`."""

    case: Case
    day: str | None
    graph: Graph
    costs: tuple[ArcCost, ...]
    restrictions: Restrictions
    capacity: Capacity
    emissions: ArcEmissions

    def __repr__(self) -> str:
        return f"<Model of {self.case.meta.name} on {self.day}: {self.graph.n_nodes} nodes, {self.graph.n_arcs} arcs>"

    @property
    def generalized(self) -> NDArray[np.float64]:
        """Generalized cost, shape (n_commodities, n_arcs), USD per tonne."""
        return np.array([c.generalized for c in self.costs]).reshape(-1, self.graph.n_arcs)

    @property
    def open(self) -> NDArray[np.bool_]:
        """Arcs each commodity may use, shape (n_commodities, n_arcs)."""
        return np.array([c.open for c in self.costs], dtype=bool).reshape(-1, self.graph.n_arcs)

    @property
    def second(self) -> NDArray[np.float64]:
        """The fixed second objective that breaks ties, shape (n_arcs,)."""
        return self.graph.hours + SECOND_PER_KM * self.graph.km


def build_model(case: Case, *, day: str | None = None) -> Model:
    """Build the model of what is open on a day (mid-year of the case's year by default)."""
    asked, day = day, day or reference_day(case.meta.year)
    graph = build_graph(case, day=asked)
    restrictions = restrictions_on(case, graph, day=asked)
    return Model(
        case=case,
        day=day,
        graph=graph,
        costs=tuple(arc_costs(case, graph, restrictions.closed)),
        restrictions=restrictions,
        capacity=capacity_rows(case, graph, day=day),
        emissions=arc_emissions(case, graph),
    )


def unserved_prices(commodities: pd.DataFrame) -> NDArray[np.float64]:
    """Return USD per tonne for not being served: the cheapest outside option, else the unit value; NaN if neither."""
    return commodities["unserved_usd_per_tonne"].fillna(commodities["unit_value_usd_per_tonne"]).to_numpy(np.float64)


def demand_rows(case: Case) -> pd.DataFrame:
    """Return the demand that is assigned: rows between two different zones, in table order."""
    return case.demand[(case.demand["origin"] != case.demand["destination"]).to_numpy(dtype=bool)]


def month_share(model: Model, *, month: bool | int) -> NDArray[np.float64]:
    """Return the share of its year's capacity that each row has, (n_rows,): 1 in the year (`month` False).

    True, a month when everything works: a twelfth each. 1 to 12, that month: what is shut in it has nothing, and what
    is shut in others has its year's capacity in fewer months.
    """
    if isinstance(month, bool):
        return np.full(model.capacity.n_rows, 1.0 / MONTHS_PER_YEAR if month else 1.0)
    return seasons.shares(model.case, model.graph, model.restrictions, model.capacity, month)


def problem_of(model: Model, *, month: bool | int = False) -> Problem:
    """Return the arrays a solver sees: the year, or with `month` the busiest month.

    In the month each demand row has its peak share of the year's tonnes (1/12 where unknown), each capacity its
    `month_share`, and a month given as 1 to 12 closes what its ice, wind or season does. True is a month when
    everything works, whichever that is: which month is the busiest is not in the tables.

    Raises `CaseError` where a link, or goods in demand, give nothing to work a cost out from.
    """
    case, graph = model.case, model.graph
    rows = demand_rows(case)
    commodity = positions(case.commodities, rows["commodity"]).astype(np.int32)
    prices = unserved_prices(case.commodities)
    require_costs(case, commodities=sorted(set(rows["commodity"])), day=model.day)
    require_unserved_prices(case, prices, commodity)
    tonnes = rows["tonnes"].to_numpy(dtype=np.float64)
    rhs = model.capacity.net
    is_open = model.open
    if month:
        tonnes = tonnes * rows["peak_month_share"].fillna(1.0 / MONTHS_PER_YEAR).to_numpy(dtype=np.float64)
        rhs = rhs * month_share(model, month=month)
    if not isinstance(month, bool):
        is_open &= ~seasons.closed_in(case, graph, model.restrictions, month)
    indptr, row, units = usage(model)
    return make_problem(
        n_nodes=graph.n_nodes,
        tail=graph.tail,
        head=graph.head,
        cost=model.generalized,
        open=is_open,
        second=model.second,
        rhs=rhs,
        usage_indptr=indptr,
        usage_row=row,
        usage_units=units,
        origin=graph.source_of_zone[positions(case.zones, rows["origin"])],
        destination=graph.sink_of_zone[positions(case.zones, rows["destination"])],
        demand_class=commodity,
        tonnes=tonnes,
        unserved_price=prices[commodity],
    )


def usage(model: Model) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Return own units per tonne by (commodity, arc) as CSR: indptr (n_commodities * n_arcs + 1,), rows, units."""
    case, capacity = model.case, model.capacity
    arc = np.repeat(np.arange(model.graph.n_arcs), np.diff(capacity.indptr))
    counts, rows, units = [], [], []
    for name, load_factor in case.commodities["load_factor"].items():
        tonnes = np.append(unit_tonnes(case.carrying_units, float(load_factor)), 1.0)
        per_tonne = np.where(capacity.by_tonne, capacity.units, capacity.units / tonnes[model.graph.arc_unit[arc]])
        limited = np.array([not g or name in g for g in capacity.goods], dtype=bool)
        keep = limited[capacity.facility[capacity.row]] if len(capacity.row) else np.zeros(0, dtype=bool)
        counts.append(np.bincount(arc[keep], minlength=model.graph.n_arcs))
        rows.append(capacity.row[keep])
        units.append(per_tonne[keep])
    indptr = np.concatenate(([0], np.cumsum(np.concatenate(counts)))) if counts else np.zeros(1)
    empty = [np.zeros(0)]
    return indptr.astype(np.int64), np.concatenate(rows or empty).astype(np.int32), np.concatenate(units or empty)
