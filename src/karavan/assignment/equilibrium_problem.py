"""What a congested assignment sees and what it gives back, in arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from karavan.cost.delay import Delays, make_delays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from karavan.assignment.result import Reason

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Long = NDArray[np.int64]
    Bool = NDArray[np.bool_]

SHOWN = 5

Ending: TypeAlias = Literal["gap", "precision", "stalled", "passes", "rounds"]


@dataclass(frozen=True, slots=True, eq=False)
class EquilibriumProblem:
    """Flows of several classes that share congested links. Build it with `make_equilibrium_problem`, which checks it.

    The cost of a link to a class is the link's time plus the class's `fixed` cost, in the unit of time: a toll over the
    class's value of time, say. Arrays are read-only.

    Attributes
    ----------
    n_nodes
        Number of nodes.
    tail, head
        (n_links,): nodes that a link leaves and enters.
    delays
        Time on each link as a function of its flow: the sum of all classes' vehicles times `pce`.
    fixed
        (n_classes, n_links), unit of time, at least zero where `open`.
    open
        (n_classes, n_links): whether the class may use the link.
    pce
        (n_classes,), above zero: road space a vehicle takes, in the unit of the delay functions.
    through
        (n_nodes,): whether paths may pass the node; if not, they may start or end there.
    origin, destination, demand_class
        (n_demands,): node, node, class.
    demand
        (n_demands,): vehicles, at least zero.
    """

    n_nodes: int
    tail: Int
    head: Int
    delays: Delays
    fixed: Float
    open: Bool
    pce: Float
    through: Bool
    origin: Int
    destination: Int
    demand_class: Int
    demand: Float

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.tail.size

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.pce.size

    @property
    def n_demands(self) -> int:
        """Number of demands."""
        return self.demand.size


def make_equilibrium_problem(
    *,
    n_nodes: int,
    tail: ArrayLike,
    head: ArrayLike,
    free_time: ArrayLike,
    origin: ArrayLike,
    destination: ArrayLike,
    demand: ArrayLike,
    function: str | Sequence[str] | ArrayLike = "bpr",
    capacity: ArrayLike | None = None,
    b: ArrayLike | None = None,
    power: ArrayLike | None = None,
    fixed: ArrayLike | None = None,
    open: ArrayLike | None = None,  # noqa: A002  the field's own word
    pce: ArrayLike | None = None,
    through: ArrayLike | None = None,
    demand_class: ArrayLike | None = None,
) -> EquilibriumProblem:
    """Check the arrays of a congested network and bring them to their dtype.

    Shapes and units: see `EquilibriumProblem`; `function` to `power`: see `karavan.cost.delay`. Left out: no delay, no
    fixed cost, all links open, pce 1, all nodes may be passed, class 0. `fixed` and `open` may be (n_links,) for all
    classes; the number of classes is that of `pce`.

    Raises
    ------
    ValueError
        With every fault found: shapes that do not fit, positions out of range, negative or missing values, delay
        functions that have no value or fall with flow.

    Examples
    --------
    >>> p = make_equilibrium_problem(n_nodes=2, tail=[0, 0], head=[1, 1], free_time=[10.0, 12.0], capacity=[5.0, 5.0],
    ...     b=[0.15, 0.15], power=[4.0, 4.0], origin=[0], destination=[1], demand=[12.0])
    >>> p.n_links, p.n_classes
    (2, 1)
    """
    tails, weights = _array(tail, np.int32), _array([1.0] if pce is None else pce, np.float64)
    shape = (weights.size, tails.size)
    demands = _array(demand, np.float64)
    fields: dict[str, Any] = {
        "tail": tails,
        "head": _array(head, np.int32),
        "fixed": _by_class(0.0 if fixed is None else fixed, np.float64, shape),
        "open": _by_class(True if open is None else open, np.bool_, shape),
        "pce": weights,
        "through": np.ones(int(n_nodes), np.bool_) if through is None else _array(through, np.bool_),
        "origin": _array(origin, np.int32),
        "destination": _array(destination, np.int32),
        "demand_class": np.zeros(demands.size, np.int32) if demand_class is None else _array(demand_class, np.int32),
        "demand": demands,
    }
    faults = _shape_faults(int(n_nodes), fields) or _value_faults(int(n_nodes), fields)
    none = np.zeros(tails.size)
    try:
        delays = make_delays(
            function if capacity is not None else "constant",
            free_time=free_time,
            capacity=none if capacity is None else capacity,
            b=none if b is None else b,
            power=none if power is None else power,
        )
        if delays.kind.shape != (tails.size,):
            faults.append(f"free_time has shape {delays.kind.shape}, not {(tails.size,)}")
    except ValueError as error:
        faults.append(str(error))
    if faults:
        raise ValueError("equilibrium problem: " + "; ".join(faults))
    return _frozen(EquilibriumProblem(n_nodes=int(n_nodes), delays=delays, **fields))


def with_demand(problem: EquilibriumProblem, demand: ArrayLike) -> EquilibriumProblem:
    """Return the problem with other vehicles for the same pairs."""
    vehicles = _array(demand, np.float64)
    if vehicles.shape != problem.demand.shape or not (np.isfinite(vehicles) & (vehicles >= 0.0)).all():
        message = f"demand has shape {vehicles.shape}, or values that are negative or missing"
        raise ValueError(message)
    return replace(problem, demand=vehicles)


def _array(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    array = np.array(values, dtype=dtype, order="C")
    array.flags.writeable = False
    return array


def _by_class(values: ArrayLike, dtype: Any, shape: tuple[int, int]) -> NDArray[Any]:
    given = np.asarray(values, dtype=dtype)
    return _array(np.broadcast_to(given, shape) if given.ndim < 2 and given.shape in {(), shape[1:]} else given, dtype)


def _frozen(problem: EquilibriumProblem) -> EquilibriumProblem:
    for name in problem.__slots__:
        value = getattr(problem, name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return problem


def _shape_faults(n_nodes: int, fields: dict[str, Any]) -> list[str]:
    n_links, n_demands, n_classes = fields["tail"].size, fields["demand"].size, fields["pce"].size
    wanted = {
        "tail": (n_links,),
        "head": (n_links,),
        "fixed": (n_classes, n_links),
        "open": (n_classes, n_links),
        "pce": (n_classes,),
        "through": (n_nodes,),
        "origin": (n_demands,),
        "destination": (n_demands,),
        "demand_class": (n_demands,),
        "demand": (n_demands,),
    }
    return [f"{n} has shape {fields[n].shape}, not {s}" for n, s in wanted.items() if fields[n].shape != s]


def _value_faults(n_nodes: int, fields: dict[str, Any]) -> list[str]:
    limits = {
        "tail": n_nodes,
        "head": n_nodes,
        "origin": n_nodes,
        "destination": n_nodes,
        "demand_class": fields["pce"].size,
    }
    faults = [
        f"{name} has a position outside 0 to {limit - 1}"
        for name, limit in limits.items()
        if fields[name].size and (fields[name].min() < 0 or fields[name].max() >= limit)
    ]
    bad: dict[str, Bool] = {
        "a demand starts where it ends": fields["origin"] == fields["destination"],
        "demand is missing or not finite": ~np.isfinite(fields["demand"]),
        "demand is negative": fields["demand"] < 0.0,
        "fixed is missing or not finite; close a link by `open`": ~np.isfinite(fields["fixed"]) & fields["open"],
        "fixed is negative": (fields["fixed"] < 0.0) & fields["open"],
        "pce is not above zero": ~(np.isfinite(fields["pce"]) & (fields["pce"] > 0.0)),
    }
    return faults + [f"{text} (position {_first(where)})" for text, where in bad.items() if where.any()]


def _first(where: Bool) -> str:
    found = np.argwhere(where)
    places = [", ".join(map(str, place.tolist())) for place in found[:SHOWN]]
    return "; ".join(places) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")


@dataclass(frozen=True, slots=True)
class Pass:
    """One search for new paths: relative gap met, paths added and in use, CPU seconds since the start.

    `exact` says whether the gap is that of one set of flows; in early passes costs change while origins take turns.
    """

    relative_gap: float
    n_added: int
    n_paths: int
    seconds: float
    exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class PathBlock:
    """Paths of the pairs of some origins of one class, as branches of one path tree an origin.

    Attributes
    ----------
    demand
        (n_pairs,): position of each pair's demand in the problem.
    first, path_next
        First path of each pair, next path of each path; -1: none.
    path_branch, path_flow
        Where each path ends in the trees, and its flow in vehicles times pce.
    branch
        int32 (n_branches, 4): last link, branch before; the first `n_origins` rows are the origins.
    """

    demand: Long
    first: Int
    path_next: Int
    path_branch: Int
    path_flow: Float
    branch: Int
    n_origins: int


@dataclass(frozen=True, slots=True, eq=False)
class EquilibriumSolution:
    """Flows in equilibrium, or as near as was asked.

    Attributes
    ----------
    link_flow
        (n_classes, n_links), vehicles.
    link_time
        (n_links,), at these flows.
    pair_cost
        (n_demands,): cost of the cheapest path; infinite where there is none.
    served, unserved
        (n_demands,), vehicles; unserved is what has no path.
    reason
        int8 (n_demands,), values of `karavan.assignment.Reason`.
    objective
        User equilibrium: the Beckmann sum. System optimum: total cost. In unit of time times vehicles times pce.
    relative_gap
        (total cost - demand at cheapest cost) / total cost at these flows; of a system optimum at marginal costs.
    converged
        Whether `relative_gap` is at most what was asked.
    ending
        Why the work ended: "gap" (as asked), "precision" (double precision gives no smaller one), "stalled" (many
        searches gave no smaller one), "passes" (as many as allowed); under hard capacities also "rounds" (of
        multipliers, as many as allowed).
    passes
        Trace of the path search.
    seconds
        CPU seconds of the process; the only field, with those of `passes`, that differs between two equal runs.
    paths
        Paths with flow, to read (`path_table`) or to start a like problem from.
    """

    link_flow: Float
    link_time: Float
    pair_cost: Float
    served: Float
    unserved: Float
    reason: NDArray[np.int8]
    objective: float
    relative_gap: float
    converged: bool
    ending: Ending
    passes: tuple[Pass, ...]
    seconds: float
    paths: tuple[PathBlock, ...]

    def why(self, demand: int) -> Reason:
        """Return why a demand is unserved."""
        from karavan.assignment.result import Reason

        return Reason(int(self.reason[demand]))


@dataclass(frozen=True, slots=True, eq=False)
class PathTable:
    """Paths as flat arrays: path i belongs to `demand[i]`, carries `vehicles[i]` over `link[start[i]:start[i + 1]]`."""

    demand: Long
    vehicles: Float
    start: Long
    link: Int


def path_table(problem: EquilibriumProblem, solution: EquilibriumSolution, link: int | None = None) -> PathTable:
    """Return every path with flow, in travel order; with `link`, those that use it (select link).

    Shapes: (n_paths,), (n_paths,), (n_paths + 1,), (all links of all paths,).
    """
    from karavan.kernels import equilibrium

    parts = []
    for block in solution.paths:
        pair, path, start, links = equilibrium.list_paths(
            block.first, block.path_next, block.path_branch, block.path_flow, block.branch, -1 if link is None else link
        )
        demand = block.demand[pair]
        vehicles = block.path_flow[path] / problem.pce[problem.demand_class[demand]]
        parts.append((demand, vehicles, np.diff(start), links))
    if not parts:
        return PathTable(np.zeros(0, np.int64), np.zeros(0), np.zeros(1, np.int64), np.zeros(0, np.int32))
    demand, vehicles, lengths, links = (np.concatenate(x) for x in zip(*parts, strict=True))
    order = np.argsort(demand, kind="stable")
    begin = np.append(0, np.cumsum(lengths))
    start = np.append(0, np.cumsum(lengths[order]))
    take = np.repeat(begin[order] - start[:-1], lengths[order]) + np.arange(start[-1])
    return PathTable(demand[order], vehicles[order], start, links[take])
