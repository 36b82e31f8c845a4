"""How goods choose their way: the options of each method, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AllOrNothing:
    """All tonnes of a pair on its cheapest path, whatever the capacities; ties by the second objective."""


@dataclass(frozen=True, slots=True)
class LeastCost:
    """A planner's optimum under hard shared capacities.

    Attributes
    ----------
    gap
        Relative gap between the cost of the flows and the certified bound at which the work may end.
    objective
        "cost": least cost of transport plus the price of what is left unserved. "served first": most tonnes, then least
        cost of transport; the unserved price is then not used.
    ties
        "second": equal cost is decided by the second objective, and paths are sought until none is better. "any": the
        work ends at `gap`; among flows of equal cost which one is given depends on the way the solver went.
    price_factors
        The shadow prices are worked out again with all unserved prices times each of these ("cost" only).
    max_rounds
        Rounds of path search after which the work is given up.
    """

    gap: float = 1e-6
    objective: Literal["cost", "served first"] = "cost"
    ties: Literal["second", "any"] = "second"
    price_factors: tuple[float, ...] = (0.5, 2.0)
    max_rounds: int = 1000

    def __post_init__(self) -> None:
        if not 0.0 <= self.gap < 1.0:
            msg = f"gap is {self.gap}; give a number from 0 up to 1"
            raise ValueError(msg)
        if self.objective not in {"cost", "served first"}:
            msg = f'objective is {self.objective!r}; give "cost" or "served first"'
            raise ValueError(msg)
        if self.ties not in {"second", "any"}:
            msg = f'ties is {self.ties!r}; give "second" or "any"'
            raise ValueError(msg)
        if any(not 0.0 < f < float("inf") for f in self.price_factors):
            msg = f"price_factors are {self.price_factors}; give numbers above 0"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class ArcLabels:
    """What nests are made by: mode and carrying unit of every arc (-1: none), and its kilometres; (n_arcs,) each."""

    mode: NDArray[np.int32]
    unit: NDArray[np.int32]
    km: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logit:
    """Shippers choose for themselves, not all alike, and queues at full facilities turn the others away (Bell 1995).

    Attributes
    ----------
    theta
        Dispersion, 1 over USD per tonne: of two ways that differ by 1/theta the cheaper takes 2.7 times as much. There
        is no usual value; `calibrate` finds one from counts.
    per
        What `theta` is one over: "usd" per tonne, or the "cheapest cost" of each demand, so that long and short hauls
        choose between shares of their cost.
    mode_ratio, unit_ratio
        At least 1: how much sharper the choice is inside a mode than between modes, and between the paths of a
        carrying unit than between units. 1: no nest.
    overlap
        Paths that share arcs are less than a path each: "path size", "c-logit" (commonality), or "none".
    overlap_power
        Weight of the overlap: 0 none, 1 usual.
    alternatives, penalty, detour
        Choice set of a demand: at most so many paths found by making the arcs of each path found `penalty` times
        dearer, none dearer than `detour` times the cheapest; then every path that is the cheapest at the queues.
    tolerance
        Greatest share by which a capacity may be exceeded, or left free in spite of a queue.
    max_rounds
        Rounds of path search after which the work is given up.
    """

    theta: float
    per: Literal["usd", "cheapest cost"] = "usd"
    mode_ratio: float = 1.0
    unit_ratio: float = 1.0
    overlap: Literal["path size", "c-logit", "none"] = "path size"
    overlap_power: float = 1.0
    alternatives: int = 6
    penalty: float = 1.3
    detour: float = 2.0
    tolerance: float = 1e-8
    max_rounds: int = 100

    def __post_init__(self) -> None:
        checks = {
            "theta": (0.0 < self.theta < float("inf"), "a number above 0"),
            "per": (self.per in {"usd", "cheapest cost"}, '"usd" or "cheapest cost"'),
            "mode_ratio": (1.0 <= self.mode_ratio < float("inf"), "a number from 1"),
            "unit_ratio": (1.0 <= self.unit_ratio < float("inf"), "a number from 1"),
            "overlap": (self.overlap in {"path size", "c-logit", "none"}, '"path size", "c-logit" or "none"'),
            "overlap_power": (0.0 <= self.overlap_power < float("inf"), "a number from 0"),
            "alternatives": (self.alternatives >= 1, "a number from 1"),
            "penalty": (1.0 < self.penalty < float("inf"), "a number above 1"),
            "detour": (1.0 <= self.detour < float("inf"), "a number from 1"),
            "tolerance": (1e-12 <= self.tolerance < 1.0, "a number from 1e-12 up to 1"),
        }
        bad = {name: want for name, (sound, want) in checks.items() if not sound}
        faults = [f"{name} is {getattr(self, name)!r}; give {want}" for name, want in bad.items()]
        if faults:
            raise ValueError("; ".join(faults))


@dataclass(frozen=True, slots=True)
class UserEquilibrium:
    """Congested links: all choose for themselves, and nobody finds a cheaper path (Wardrop's first principle).

    Attributes
    ----------
    gap
        Relative gap at which the work ends: (total cost - demand at cheapest cost) / total cost. A gap that double
        precision does not allow, below some 1e-15, is not sought for ever: the solution says how far it came.
    max_passes
        Searches for new paths after which the work ends as it is.
    threads
        0: as many as there are cores, if the network is large. The flows do not depend on it.
    """

    gap: float = 1e-6
    max_passes: int = 500
    threads: int = 0

    def __post_init__(self) -> None:
        _check_equilibrium(self.gap, self.max_passes, self.threads)


@dataclass(frozen=True, slots=True)
class SystemOptimum:
    """Congested links: least total cost of all, by marginal costs (Wardrop's second principle).

    Attributes as in `UserEquilibrium`; the gap is that of the marginal costs. Not for the delay function bpr2, whose
    marginal cost jumps at capacity.
    """

    gap: float = 1e-6
    max_passes: int = 500
    threads: int = 0

    def __post_init__(self) -> None:
        _check_equilibrium(self.gap, self.max_passes, self.threads)


def _check_equilibrium(gap: float, max_passes: int, threads: int) -> None:
    if not 0.0 <= gap < 1.0:
        msg = f"gap is {gap}; give a number from 0 up to 1"
        raise ValueError(msg)
    if max_passes < 1:
        msg = f"max_passes is {max_passes}; give a number from 1"
        raise ValueError(msg)
    if threads < 0:
        msg = f"threads is {threads}; give a number from 0"
        raise ValueError(msg)


Method: TypeAlias = AllOrNothing | LeastCost | Logit
CongestedMethod: TypeAlias = UserEquilibrium | SystemOptimum
