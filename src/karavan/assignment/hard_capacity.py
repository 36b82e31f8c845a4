"""Congested networks whose links also have hard capacities: what does not fit waits, or is left unserved.

The multiplier of a hard capacity is the delay of the queue that stands before the link in equilibrium (Larsson and
Patriksson, Transportation Research B 33, 1999, 233-264). The multipliers are found by an augmented Lagrangian: in each
round the queue grows along a straight line with flow, the equilibrium is found at that, and the line is moved so that
it starts from the queue found (Hestenes 1969; Powell 1969; Rockafellar, SIAM Journal on Control 12, 1974).
"""

from __future__ import annotations

import time as clock
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.assignment.equilibrium import equilibrium
from karavan.assignment.equilibrium_problem import (
    EquilibriumProblem,
    EquilibriumSolution,
    Pass,
    path_table,
    with_demand,
)
from karavan.assignment.methods import SystemOptimum
from karavan.assignment.result import Reason
from karavan.cost.delay import Delays, delay, delay_slope
from karavan.kernels.equilibrium_delay import QUEUED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from karavan.assignment.equilibrium_problem import Ending, PathBlock
    from karavan.assignment.methods import CongestedMethod

    Float = NDArray[np.float64]

CRUMB = 1e-12  # of the price of being unserved: a shorter queue is rounding
STEEP = 10.0  # at first, the queue's slope over capacity is so many times the link's time and its growth at capacity
STEEPER = 4.0  # factor on the slope of a link whose fault falls too slowly
FALLS = 0.5  # share of a link's fault that a round may leave without its slope being raised
STEEPEST = 1e8  # factor over all rounds, at most
LOOSE = 1e-3  # each round's relative gap is a tenth of that of the round before, from this, as far as asked
PASSES = 25  # searches for paths in one round, at most
ROUNDS: Ending = "rounds"


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
        table[:, :4] = plain.table[:, :4]
        kind[self.link] |= QUEUED
        table[self.link, 4] = self.room - self.queue / self.slope
        table[self.link, 5] = self.slope
        return Delays(kind, table)

    def residuals(self, flow: Float) -> tuple[float, float]:
        """Return by how much flows exceed capacities, and links with queues fall short of theirs, as shares."""
        over = (flow[self.link] - self.room) / self.room
        return float(over.max(initial=0.0)), float((-over[self.queue > 0.0]).max(initial=0.0))

    def update(self, flow: Float, *, settled: bool) -> None:
        """Take over the queues met at a flow; if that was an equilibrium, raise the slope where they change slowly."""
        over = flow[self.link] - self.room
        fault = np.abs(np.maximum(over, -self.queue / self.slope)) / self.room
        self.queue = np.maximum(self.queue + self.slope * over, 0.0)
        slow = (fault > FALLS * self.fault) & settled
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
    gap, passes, ending = LOOSE, list(free.passes), ROUNDS
    paths = free.paths if start is None else start
    rounds = 0
    while ending == ROUNDS and rounds < max_rounds:
        rounds += 1
        gap = max(method.gap, 0.1 * gap)
        network = replace(network, delays=queues.delays(network.delays))
        passes_now = min(PASSES, method.max_passes)
        found = equilibrium(network, replace(method, gap=gap, max_passes=passes_now), start=paths)
        offset = passes[-1].seconds if passes else 0.0
        passes += [Pass(x.relative_gap, x.n_added, x.n_paths, x.seconds + offset, x.exact) for x in found.passes]
        paths = found.paths
        flow = (found.link_flow * network.pce[:, None]).sum(axis=0)
        queues.update(flow, settled=found.converged)
        enough = found.relative_gap <= method.gap
        if (enough or found.ending == "precision") and max(queues.residuals(flow)) <= tolerance:
            ending = "gap" if enough else "precision"
    system = isinstance(method, SystemOptimum)
    plain: dict[str, Any] = {x.name: getattr(found, x.name) for x in fields(found)}
    plain |= _parts(problem, network, queues, found, free, price, system=system)
    plain |= {"ending": ending, "converged": ending == "gap", "passes": tuple(passes), "rounds": rounds}
    return HardCapacitySolution(**plain | {"network": network, "seconds": clock.process_time() - began})


def _checked(
    problem: EquilibriumProblem, hard: ArrayLike, unserved_price: float | ArrayLike, tolerance: float, max_rounds: int
) -> tuple[Float, Float]:
    room, price = np.asarray(hard, np.float64), np.asarray(unserved_price, np.float64)
    faults = []
    if room.shape != (problem.n_links,):
        faults.append(f"hard has shape {room.shape}, not {(problem.n_links,)}")
    elif not (np.isfinite(room) & (room >= 0.0)).all():
        faults.append(f"hard is negative or not finite (link {int(np.argmin(np.isfinite(room) & (room >= 0.0)))})")
    if price.shape not in {(), (problem.n_classes,)} or not (np.isfinite(price) & (price > 0.0)).all():
        faults.append("unserved_price is not one finite number above zero, or one for each class")
    if not 0.0 < tolerance < 1.0:
        faults.append(f"tolerance is {tolerance}; give a number between 0 and 1")
    if max_rounds < 1:
        faults.append(f"max_rounds is {max_rounds}; give a number from 1")
    if faults:
        raise ValueError("hard capacity: " + "; ".join(faults))
    return room, np.broadcast_to(price, (problem.n_classes,))


def _with_unserved(problem: EquilibriumProblem, price: Float) -> EquilibriumProblem:
    """Add a way from each origin to each destination that costs the price: by one more node, joined to all of them.

    No cheapest path meets that node but of a pair that is left unserved, as every pair pays the price only once.
    """
    froms, to = np.unique(problem.origin), np.unique(problem.destination)
    n, extra = problem.n_nodes, froms.size + to.size
    fixed = np.zeros((problem.n_classes, extra))
    fixed[:, : froms.size] = price[:, None]
    middle = np.full(extra, n, np.int32)
    return replace(
        problem,
        n_nodes=n + 1,
        tail=np.concatenate((problem.tail, froms, middle[: to.size])).astype(np.int32),
        head=np.concatenate((problem.head, middle[: froms.size], to)).astype(np.int32),
        delays=Delays(
            np.concatenate((problem.delays.kind, np.zeros(extra, np.int64))),
            np.concatenate((problem.delays.table, np.zeros((extra, 4)))),
        ),
        fixed=np.concatenate((problem.fixed, fixed), axis=1),
        open=np.concatenate((problem.open, np.ones_like(fixed, np.bool_)), axis=1),
        through=np.append(problem.through, True),
    )


def _begin_queues(problem: EquilibriumProblem, room: Float) -> _Queues:
    link = np.flatnonzero(room)
    full = room[link]
    time, growth = delay(problem.delays, room)[link], delay_slope(problem.delays, room)[link]
    pull = time + growth * full
    usual = float(pull.mean()) if pull.size and pull.any() else 1.0
    slope = STEEP * np.where(pull > 0.0, pull, usual) / full
    return _Queues(link, full, np.zeros(link.size), slope, STEEPEST * slope, np.full(link.size, np.inf))


def _parts(
    problem: EquilibriumProblem,
    network: EquilibriumProblem,
    queues: _Queues,
    found: EquilibriumSolution,
    free: EquilibriumSolution,
    price: Float,
    *,
    system: bool,
) -> dict[str, Any]:
    """Gather the fields that differ from those of the solution of the last round."""
    m = problem.n_links
    unserved, detour = _unserved(problem, network, found)
    link_flow = np.maximum(found.link_flow[:, :m] - detour, 0.0)
    flow = (link_flow * problem.pce[:, None]).sum(axis=0)
    time, slope = delay(problem.delays, flow), delay_slope(problem.delays, flow)
    # a queue of no length to speak of stands on links that cost nothing, where unserved paths only pretend to go
    queues.queue = np.where(queues.queue > CRUMB * price.max(), queues.queue, 0.0)
    queue = np.zeros(m)
    queue[queues.link] = queues.queue
    exceeded, slack = queues.residuals(flow)
    paid = time + queue + flow * slope * system
    vehicles = link_flow * problem.pce[:, None]
    loss = (unserved * problem.pce[problem.demand_class]) @ price[problem.demand_class]
    total = float((vehicles * np.where(problem.open, paid + problem.fixed, 0.0)).sum() + loss)
    idle = float(queue[queues.link] @ np.abs(flow[queues.link] - queues.room))
    reached = np.isfinite(free.pair_cost)
    unserved = np.where(reached, unserved, problem.demand)
    dear = free.pair_cost > price[problem.demand_class]
    reason = np.where(dear, Reason.TOO_DEAR, Reason.CAPACITY)
    reason = np.where(reached, reason, Reason.NO_PATH)
    return {
        "link_flow": link_flow,
        "link_time": time,
        "pair_cost": np.where(reached, found.pair_cost, np.inf),
        "served": problem.demand - unserved,
        "unserved": unserved,
        "reason": np.where(unserved > 0.0, reason, Reason.SERVED).astype(np.int8),
        "queue": queue,
        "exceeded": exceeded,
        "slack": slack,
        "dual_gap": (found.relative_gap * total + idle) / found.objective if found.objective > 0.0 else 0.0,
    }


def _unserved(
    problem: EquilibriumProblem, network: EquilibriumProblem, found: EquilibriumSolution
) -> tuple[Float, Float]:
    """Return the vehicles of each demand that do not go, and the flows on real links that their paths pretend.

    Such flows come about only on links that cost nothing.
    """
    paths = path_table(network, found)
    of = np.repeat(np.arange(paths.demand.size), np.diff(paths.start))
    out = np.zeros(paths.demand.size, np.bool_)
    out[of[paths.link >= problem.n_links]] = True
    unserved = np.zeros(problem.n_demands)
    np.add.at(unserved, paths.demand[out], paths.vehicles[out])
    pretended = np.zeros((problem.n_classes, problem.n_links))
    steps = out[of] & (paths.link < problem.n_links)
    of = of[steps]
    np.add.at(pretended, (problem.demand_class[paths.demand[of]], paths.link[steps]), paths.vehicles[of])
    return np.minimum(unserved, problem.demand), pretended
