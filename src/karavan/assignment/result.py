"""What an assignment gives back, in arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from karavan.assignment.search import Search

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]
    Bool = NDArray[np.bool_]


class Reason(IntEnum):
    """Why tonnes of a demand are left unserved."""

    SERVED = 0
    NO_PATH = 1
    TOO_DEAR = 2
    CAPACITY = 3
    CHOICE = 4

    @property
    def text(self) -> str:
        """The reason in words."""
        words = ("served", "no path", "every path costs more than the unserved price", "capacity", "shippers' choice")
        return words[self.value]


@dataclass(frozen=True, slots=True)
class Round:
    """One round of path search: cost of the flows so far, best bound so far (USD), paths and rows in the master."""

    objective: float
    bound: float
    n_paths: int
    n_rows: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Columns:
    """Everything found on the way, from which a like problem starts: paths, rows, and the basis of the master.

    Attributes
    ----------
    path_start, path_arc, path_demand
        All paths generated, as in `Solution`.
    rows
        Rows of the master, in its order.
    demands
        Demands of the master, in its order.
    col_status, row_status
        Basis: status of the unserved tonnes of each demand, then of the paths; of demands, unserved total, rows.
    search
        Demands in groups, and bounds that guide the path search.
    row_price
        (n_rows,) USD per own unit, of the queues of `Logit`; None after other methods.
    uses
        Rows that the paths use, so that they need not be looked up again; None where not kept.
    """

    path_start: Long
    path_arc: Int
    path_demand: Int
    rows: Int
    demands: Int
    col_status: Int
    row_status: Int
    search: Search
    row_price: Float | None = None
    uses: Uses | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """What is known of the paths of `Columns`: rows they use, as `karavan.assignment.search.row_units` gives them.

    `keys` tell one path from another; `usual_cost` is what a tonne usually costs, USD.
    """

    start: Long
    row: Int
    units: Float
    keys: frozenset[bytes]
    usual_cost: float


@dataclass(frozen=True, slots=True)
class Residuals:
    """What is left of error in a stochastic equilibrium.

    Attributes
    ----------
    consistency
        Greatest difference, as a share of its demand, between a flow and the choice at costs added up anew from arcs.
    capacity
        Greatest share by which a row is exceeded.
    complementarity
        Greatest share of a row that is free in spite of a queue.
    cost
        USD: transport and unserved tonnes at their prices, without the worth of variety.
    """

    consistency: float
    capacity: float
    complementarity: float
    cost: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Solution:
    """Flows, what is left unserved, and what capacity is worth.

    Attributes
    ----------
    path_start, path_arc
        int64 (n_paths + 1,), int32: arcs of path i, in travel order, are `path_arc[path_start[i]:path_start[i + 1]]`.
    path_demand, path_tonnes
        (n_paths,): the demand and its tonnes on the path, above zero.
    arc_flow
        (n_classes, n_arcs), tonnes.
    served, unserved
        (n_demands,), tonnes; their sum is the demand.
    reason
        int8 (n_demands,), values of `Reason`.
    row_use
        (n_rows,), own units.
    dual
        (n_rows,), at least zero: USD that one more own unit would save.
    price_share
        (n_rows,), 0 to about 1: the part of `dual` that is set by unserved prices; the rest are costs of transport.
    is_scarcity
        (n_rows,): the dual is set, wholly or in part, by unserved prices. With "served first": one more unit would
        serve more tonnes.
    price_factors, dual_at
        (n_factors,) and (n_factors, n_rows): the duals with all unserved prices times the factor.
    served_per_unit
        (n_rows,) tonnes more served for one more own unit; with "served first" only, else zero.
    demand_price
        (n_demands,), USD that one more tonne of the demand would cost, transport and capacity; infinite without a path.
    objective, bound, gap
        USD: cost of the flows and of what is unserved, what no flows can go below, and their relative difference. With
        "served first" cost of transport alone, among flows that serve the most. With `Logit` the cost less what
        variety is worth to shippers (entropy over theta), which is what its flows minimise.
    second
        The second objective, summed over the flows.
    rounds
        Trace of the path search.
    seconds
        Wall time; the only field that differs between two equal runs.
    columns
        To start a like problem from; None where the method keeps none.
    residuals
        With `Logit`; else None.
    """

    path_start: Long
    path_arc: Int
    path_demand: Int
    path_tonnes: Float
    arc_flow: Float
    served: Float
    unserved: Float
    reason: NDArray[np.int8]
    row_use: Float
    dual: Float
    price_share: Float
    is_scarcity: Bool
    price_factors: Float
    dual_at: Float
    served_per_unit: Float
    demand_price: Float
    objective: float
    bound: float
    gap: float
    second: float
    rounds: tuple[Round, ...]
    seconds: float
    columns: Columns | None
    residuals: Residuals | None = None
