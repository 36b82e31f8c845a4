"""Congested networks whose links also have hard capacities: what does not fit waits, or is left unserved.

The multiplier of a hard capacity is the delay of the queue that stands before the link in equilibrium (Larsson and
Patriksson, Transportation Research B 33, 1999, 233-264). The multipliers are found by an augmented Lagrangian: in each
round the queue grows along a straight line with flow, the equilibrium is found at that, and the line is moved so that
it starts from the queue found (Hestenes 1969; Powell 1969; Rockafellar, SIAM Journal on Control 12, 1974).
"""

from __future__ import annotations

import time as clock
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from karavan.assignment.equilibrium import equilibrium
from karavan.assignment.equilibrium_problem import (
    EquilibriumProblem,
    EquilibriumSolution,
    Pass,
    path_table,
    with_demand,
)
from karavan.assignment.result import Reason
from karavan.cost.delay import Delays, delay, delay_slope
from karavan.kernels.equilibrium_delay import QUEUED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from karavan.assignment.equilibrium_problem import PathBlock
    from karavan.assignment.methods import CongestedMethod

    Float = NDArray[np.float64]
    Bool = NDArray[np.bool_]

STEEP = 3.0  # at first, the queue's slope over capacity is so many times the link's time and its growth at capacity
STEEPER = 4.0  # factor on the slope of a link whose fault falls too slowly
FALLS = 0.25  # share of a link's fault that a round may leave without its slope being raised
STEEPEST = 1e8  # factor over all rounds, at most
LOOSE = 1e-3  # relative gap of the first round; each later one goes down by a factor of ten as far as asked


@dataclass(frozen=True, slots=True, eq=False)
class HardCapacitySolution(EquilibriumSolution):
    """Flows in equilibrium with queues at full links; see `EquilibriumSolution` for what is not said here.

    `link_time` is without queues; `pair_cost` and `relative_gap` are with them, and with the price of being unserved as
    one more way to go. `objective` holds that price times what is unserved, in vehicles times pce. `paths` belong to
    `network`.

    Attributes
    ----------
    queue
        (n_links,), unit of time, at least zero: the delay of the queue before a full link; of a system optimum the
        toll that keeps flow at capacity.
    exceeded
        Most by which a flow is above its capacity, over that capacity; zero if none is.
    slack
        Most by which the flow of a link with a queue is below its capacity, over that capacity.
    dual_gap
        Relative gap between `objective` and the bound that the queues prove: the worth of what keeps flows from
        equilibrium, plus queues times distance from capacity, over `objective`.
    rounds
        Of multipliers.
    network
        The problem solved: the links of the problem given, then those of being unserved.
    """

    queue: Float
    exceeded: float
    slack: float
    dual_gap: float
    rounds: int
    network: EquilibriumProblem


@dataclass(slots=True, eq=False)
class _Queues:
    """Multipliers of the links with a hard capacity: places, capacities, queues, and how steeply these grow."""

    link: NDArray[np.int64]
    room: Float
    queue: Float
    slope: Float
    steepest: Float
    fault: Float

    def delays(self, plain: Delays) -> Delays:
        """Return delay functions with queues that start so that at capacity they are those found so far."""
        kind, table = plain.kind.copy(), np.zeros((plain.kind.size, 6))
        table[:, :4] = plain.table
        kind[self.link] |= QUEUED
        table[self.link, 4] = self.room - self.queue / self.slope
        table[self.link, 5] = self.slope
        return Delays(kind, table)

    def update(self, flow: Float) -> None:
        """Take over the queues met at a flow, and raise the slope where they settle slowly."""
        over = flow[self.link] - self.room
        fault = np.abs(np.maximum(over, -self.queue / self.slope)) / self.room
        self.queue = np.maximum(self.queue + self.slope * over, 0.0)
        slow = fault > FALLS * self.fault
        self.slope = np.where(slow, np.minimum(STEEPER * self.slope, self.steepest), self.slope)
        self.fault = fault


def equilibrium_with_hard_capacity(
    problem: EquilibriumProblem,
    hard: ArrayLike,
    method: CongestedMethod,
    *,
    unserved_price: float | ArrayLike,
    tolerance: float = 1e-6,
    max_rounds: int = 60,
    start: Sequence[PathBlock] | None = None,
) -> HardCapacitySolution:
    """Find the flows of a congested network some of whose links have hard capacities.

    Parameters
    ----------
    problem
        Network, delay functions, demand by class.
    hard
        (n_links,), at least zero: the most that a link takes, vehicles times `pce`; zero: no hard capacity. A link that
        takes nothing is closed by `open`.
    method
        `UserEquilibrium` or `SystemOptimum`; its gap is met at costs with queues.
    unserved_price
        Above zero, in the unit of time, or one for each class: who would pay more, queues included, does not go.
    tolerance
        Most by which flows may exceed capacities, and links with queues be below theirs, over the capacity.
    max_rounds
        Rounds of multipliers after which the work ends as it is.
    start
        `paths` of a solution of this function: same links and pairs, other values.

    Returns
    -------
    The solution; `converged` if gap and tolerance are both met.

    Raises
    ------
    ValueError
        Capacities, prices or tolerance without sense; a start of another network; a system optimum with bpr2.

    Examples
    --------
    >>> from karavan.assignment.equilibrium_problem import make_equilibrium_problem
    >>> from karavan.assignment.methods import UserEquilibrium
    >>> p = make_equilibrium_problem(n_nodes=2, tail=[0, 0], head=[1, 1], free_time=[1.0, 5.0],
    ...     origin=[0], destination=[1], demand=[3.0])
    >>> s = equilibrium_with_hard_capacity(p, [2.0, 0.0], UserEquilibrium(), unserved_price=100.0)
    >>> s.link_flow.round(6).tolist(), s.queue.round(6).tolist()
    ([[2.0, 1.0]], [4.0, 0.0])
    """
    began = clock.process_time()
    room, price = _checked(problem, hard, unserved_price, tolerance, max_rounds)
    free = equilibrium(problem, replace(method, gap=max(method.gap, LOOSE)))
    reached = np.isfinite(free.pair_cost)
    network = _with_unserved(with_demand(problem, np.where(reached, problem.demand, 0.0)), price)
    queues = _begin_queues(problem, room)
    gap, passes, ending = LOOSE, list(free.passes), "rounds"
    paths = free.paths if start is None else start
    for rounds in range(1, max_rounds + 1):  # noqa: B007  its last value is told
        gap = max(method.gap, 0.1 * gap)
        network = replace(network, delays=queues.delays(network.delays))
        found = equilibrium(network, replace(method, gap=gap), start=paths)
        offset = passes[-1].seconds if passes else 0.0
        passes += [Pass(x.relative_gap, x.n_added, x.n_paths, x.seconds + offset, x.exact) for x in found.passes]
        paths = found.paths
        flow = (found.link_flow * network.pce[:, None]).sum(axis=0)
        queues.update(flow)
        if found.relative_gap <= method.gap and max(_residuals(queues, flow)) <= tolerance:
            ending = "gap"
            break
    return _solution(problem, network, queues, found, free, price, ending, rounds, tuple(passes), began)
