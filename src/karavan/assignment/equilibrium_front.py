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
    from karavan.assignment.equilibrium_problem import EquilibriumSolution
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
        """One row a link and direction: link_id, direction, flow, time, cost; cost is that of the first commodity."""
        n = self.network
        real = n.link >= 0
        ids = self.case.links.index.to_numpy(dtype=object)
        return pd.DataFrame(
            {
                "link_id": ids[n.link[real]],
                "direction": np.where(n.forward[real], "forward", "backward"),
                "flow": self.solution.link_flow.sum(axis=0)[real],
                "time": self.solution.link_time[real],
                "cost": (self.solution.link_time + n.problem.fixed[0])[real],
            }
        )

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row a demand between two zones: id, served, unserved, reason, cost of the cheapest path."""
        s = self.solution
        return pd.DataFrame(
            {
                "id": self.case.demand.index.to_numpy(dtype=object)[self.network.demand],
                "served": s.served,
                "unserved": s.unserved,
                "reason": ["" if r == Reason.SERVED else Reason(r).text for r in s.reason.tolist()],
                "cost": np.where(np.isfinite(s.pair_cost), s.pair_cost, np.nan),
            }
        )

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Totals: objective, relative_gap, converged, ending, iterations, seconds, served, unserved, within zones."""
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
        }


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

    Raises `CaseError` where links lack what their delay function needs.
    """
    chosen = method or UserEquilibrium()
    network = network_of(case, toll_weight=toll_weight, distance_weight=distance_weight)
    solution = solve_congested(network.problem, chosen, start=None if start is None else start.solution.paths)
    return CongestedAssignment(case, network, solution, chosen)
