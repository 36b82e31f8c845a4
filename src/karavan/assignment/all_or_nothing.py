"""All tonnes on the cheapest path, whatever the capacities (Beckmann, McGuire and Winsten 1956, at fixed costs)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from karavan.assignment.result import Reason, Solution
from karavan.assignment.search import cheapest, cost_with_ties, make_search, row_units, sums
from karavan.kernels import paths as path_kernels

if TYPE_CHECKING:
    from karavan.problem import Problem


def all_or_nothing(problem: Problem) -> Solution:
    """Send every demand that has a path over its cheapest one; see `karavan.assignment.solve`."""
    began = time.perf_counter()
    search = make_search(problem)
    live = search.live
    most = np.full(live.size, np.finfo(np.float64).max)
    free = np.zeros(problem.n_rows)
    distance, direct = cheapest(search, problem.cost, free, limit=most, wanted=most)
    _, found = cheapest(search, cost_with_ties(search, distance, direct), free, limit=most, wanted=most)
    classes = problem.demand_class[live[found.demand]]
    flow = problem.tonnes[live[found.demand]]
    arc_flow = np.zeros(problem.cost.shape)
    path_kernels.arc_flows(found.start, found.arc, classes, flow, arc_flow)
    served = np.where(search.reachable, problem.tonnes, 0.0)
    unserved = problem.tonnes - served
    start, row, units = row_units(problem, found, classes)
    use = np.bincount(row, weights=units * np.repeat(flow, np.diff(start)), minlength=problem.n_rows).astype(np.float64)
    objective = float(flow @ sums(found, classes, problem.cost) + unserved @ problem.unserved_price)
    demand_price = np.where(search.reachable, 0.0, np.inf)
    demand_price[live] = distance
    return Solution(
        path_start=found.start,
        path_arc=found.arc,
        path_demand=live[found.demand],
        path_tonnes=flow,
        arc_flow=arc_flow,
        served=served,
        unserved=unserved,
        reason=np.where(unserved > 0, Reason.NO_PATH, Reason.SERVED).astype(np.int8),
        row_use=use,
        dual=free,
        price_share=free,
        is_scarcity=free > 0,
        price_factors=np.empty(0),
        dual_at=np.empty((0, problem.n_rows)),
        served_per_unit=free,
        demand_price=demand_price,
        objective=objective,
        bound=objective,
        gap=0.0,
        second=float(arc_flow.sum(axis=0) @ problem.second),
        rounds=(),
        seconds=time.perf_counter() - began,
        columns=None,
    )
