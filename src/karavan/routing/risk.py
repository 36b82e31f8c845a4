"""A stand-in for risk that adds up along a way: the variance of its hours.

The spread of an element that the tables give a range for is one sixth of the range, as PERT takes it for an activity
(Malcolm, Roseboom, Clark and Fazar, Operations Research 7 (1959) 646-669): borders, transfers, waits of services. An
expected wait without a range is that of goods which come at any time between regular departures: uniform from 0 to
twice the mean, variance a third of its square. A wait for a departure whose time is known has none; movement has none,
as no table gives its range. Elements are taken as independent, which they are not: a search needs something that adds
up. What is shown of a route is the square root, hours; chances come from draws (`routing.reliability`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from karavan.network.graph import ArcKind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from karavan.network.graph import Graph
    from karavan.schema.case import Case

    Float = NDArray[np.float64]

PERT = 6.0  # a range is so many standard deviations


def hour_variance(case: Case, graph: Graph) -> Float:
    """Return the variance of the hours of each arc, (n_arcs,), h2; waits are taken as expected ones."""
    out = np.zeros(graph.n_arcs)
    borders = np.nan_to_num(_spread(case.borders, "hours_low", "hours_high"))
    arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.over_indptr))
    out += np.bincount(arc, weights=borders[graph.over_border], minlength=graph.n_arcs)
    transfers = np.append(np.nan_to_num(_spread(case.transfers, "hours_low", "hours_high")), 0.0)
    out += np.where(graph.handling_hours > 0.0, transfers[graph.transfer], 0.0)
    return out + wait_variance(case, graph)


def wait_variance(case: Case, graph: Graph) -> Float:
    """Return the part of `hour_variance` that is waiting for services to leave and borders to open."""
    given = np.append(_spread(case.services, "wait_hours_low", "wait_hours_high"), np.nan)[graph.service]
    uniform = graph.wait_hours**2 / 3.0
    waits = (graph.kind == ArcKind.WAIT) & ~np.isnan(given)
    return np.where(waits, given, uniform)


def _spread(frame: pd.DataFrame, low: str, high: str) -> Float:
    """Return the variance of each row's range, NaN where it has none."""
    spread: Float = ((frame[high] - frame[low]) / PERT).to_numpy(dtype=np.float64) ** 2
    return spread
