"""The front door of congested assignment: from a case to flows in the field's words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.assignment import UserEquilibrium, solve_congested
from karavan.assignment.congested import CongestedNetwork, network_of
from karavan.assignment.result import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from karavan.assignment.equilibrium_problem import EquilibriumSolution, Pass
    from karavan.assignment.methods import CongestedMethod
    from karavan.schema.case import Case


@dataclass(frozen=True, eq=False)
class CongestedAssignment:
    """Flows of a congested case, in the units of its files."""

    case: Case
    network: CongestedNetwork
    solution: EquilibriumSolution
    method: CongestedMethod

    @property
    def objective(self) -> float:
        """Beckmann sum, or total cost of a system optimum."""
        return self.solution.objective

    @property
    def relative_gap(self) -> float:
        """(total cost - demand at cheapest cost) / total cost."""
        return self.solution.relative_gap

    @property
    def converged(self) -> bool:
        """Whether the gap asked for was reached."""
        return self.solution.converged

    @cached_property
    def link_flows(self) -> pd.DataFrame:
        """One row a link and direction: link_id, direction, flow, time, cost; cost is that of the first commodity.

        With hard capacities also `queue`, the delay before a full link; cost holds it, time does not.
        """
        n = self.network
        real = n.link >= 0
        ids = self.case.links.index.to_numpy(dtype=object)
        queue = getattr(self.solution, "queue", None)
        cost = self.solution.link_time + n.problem.fixed[0] + (0.0 if queue is None else queue)
        found = pd.DataFrame(
            {
                "link_id": ids[n.link[real]],
                "direction": np.where(n.forward[real], "forward", "backward"),
                "flow": self.solution.link_flow.sum(axis=0)[real],
                "time": self.solution.link_time[real],
                "cost": cost[real],
            }
        )
        return found if queue is None else found.assign(queue=queue[real])

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row a demand between two zones: its ends, goods, served, unserved, reason, cost of the cheapest path."""
        s = self.solution
        rows = self.case.demand.iloc[self.network.demand]
        return pd.DataFrame(
            {
                "id": rows.index.to_numpy(dtype=object),
                **{c: rows[c].to_numpy(dtype=object) for c in ("origin", "destination", "commodity")},
                "served": s.served,
                "unserved": s.unserved,
                "reason": ["" if r == Reason.SERVED else Reason(r).text for r in s.reason.tolist()],
                "cost": np.where(np.isfinite(s.pair_cost), s.pair_cost, np.nan),
            }
        )

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Totals: objective, relative_gap, converged, ending, iterations, seconds, served, unserved, within zones.

        With hard capacities also what certifies these: exceeded, slack, dual_gap, rounds.
        """
        s = self.solution
        return {
            "case": self.case.meta.name,
            "method": type(self.method).__name__,
            "objective": s.objective,
            "relative_gap": s.relative_gap,
            "converged": s.converged,
            "ending": s.ending,
            "iterations": len(s.passes),
            "seconds": s.seconds,
            "served": float(s.served.sum()),
            "unserved": float(s.unserved.sum()),
            "within_zones": self.network.within,
        } | {x: getattr(s, x) for x in ("exceeded", "slack", "dual_gap", "rounds") if hasattr(s, x)}

    def write_link_flows(self, file: str | Path) -> Path:
        """Write `link_flows` as CSV, whole or not at all; return the file."""
        from karavan.schema.io.atomic import whole_file

        file = Path(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as staging:
            self.link_flows.to_csv(staging, index=False, lineterminator="\n")
        return file


def assign_congested(
    case: Case,
    *,
    method: CongestedMethod | None = None,
    toll_weight: float | None = None,
    distance_weight: float | None = None,
    start: CongestedAssignment | None = None,
    hard: Mapping[str, float] | None = None,
    unserved_price: float | None = None,
    progress: Callable[[Pass], None] | None = None,
) -> CongestedAssignment:
    """Assign the demand of a case whose links have delay functions.

    Parameters
    ----------
    case
        With `delay_free_flow_time` on its links, as `read_tntp` gives.
    method
        `UserEquilibrium()` by default, or `SystemOptimum()`.
    toll_weight, distance_weight
        Time that a unit of toll and of declared length is worth; by default what the case declares, else 0.
    start
        An assignment of a like case to begin with: same links and demand rows, other values.
    hard
        Most that a link takes in each direction, by id: what does not fit waits in a queue before it, or does not go.
        Links not named have no such limit.
    unserved_price
        With `hard`: who would pay more than this, in the unit of time, does not go.
    progress
        Called with every pass of the path search as it ends; not with `hard`.

    Raises `CaseError` where links lack what their delay function needs, `ValueError` where `hard` names a link that is
    not open or has no price of being unserved beside it.
    """
    chosen = method or UserEquilibrium()
    network = network_of(case, toll_weight=toll_weight, distance_weight=distance_weight)
    paths = None if start is None else start.solution.paths
    if hard is None:
        solution = solve_congested(network.problem, chosen, start=paths, progress=progress)
        return CongestedAssignment(case, network, solution, chosen)
    from karavan.assignment.hard_capacity import equilibrium_with_hard_capacity

    if unserved_price is None:
        message = "hard capacities need unserved_price: what does not fit must have somewhere to stay"
        raise ValueError(message)
    room = _room(case, network, hard)
    found = equilibrium_with_hard_capacity(network.problem, room, chosen, unserved_price=unserved_price, start=paths)
    return CongestedAssignment(case, network, found, chosen)


def _room(case: Case, network: CongestedNetwork, hard: Mapping[str, float]) -> NDArray[np.float64]:
    """Bring hard capacities by link id to the links of the network."""
    ids = case.links.index.to_numpy(dtype=object)
    there = set(ids[network.link[network.link >= 0]].tolist())
    if unknown := sorted(set(hard) - there):
        message = f"hard names {', '.join(unknown)}, which is no open link of the case"
        raise ValueError(message)
    if zero := sorted(i for i, x in hard.items() if not x > 0.0):
        message = f"hard capacity of {', '.join(zero)} is not above zero; close a link by its status"
        raise ValueError(message)
    by_link = np.array([hard.get(str(i), 0.0) for i in ids.tolist()])
    return np.where(network.link >= 0, by_link[network.link], 0.0)
