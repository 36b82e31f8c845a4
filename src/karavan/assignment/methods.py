"""How goods choose their way: the options of each method, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


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


Method: TypeAlias = AllOrNothing | LeastCost
