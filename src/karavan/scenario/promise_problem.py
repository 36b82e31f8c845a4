"""What a solver sees of a promise: base and target demands, each on ways not too dear, the target on its corridor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from karavan.model import Model, demand_rows, month_share, problem_of
from karavan.problem import Problem, perturb
from karavan.scenario.promise_corridor import layered
from karavan.scenario.promise_ways import own_ways, side_by_side
from karavan.units import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.schema.case import Case

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Bool = NDArray[np.bool_]

PREFIX = "promise:0:"
"""Ids of the demand rows that are the target begin so; those of other promises with "promise:" and another number."""

DETOUR = 2.0
"""No tonne goes by a way twice as dear as the cheapest of its demand: the limit that `Logit` has for its choice sets.

Without one, whatever a corridor cannot take would be "carried" round the world, and so would all that is in its way."""


@dataclass(frozen=True, eq=False)
class Question:
    """Two problems with the same capacity rows and list of demands: `base`, all other demand, and `aim`, the target.

    Attributes
    ----------
    model
        The network.
    base, aim
        What a solver sees of it; each has tonnes for its own demands alone. The graph of `aim` is that of its corridor.
    target
        (n_demands,): the rows that are the target.
    base_arc, aim_arc
        The arc of the model's graph that each arc of a problem is.
    row_facility
        (n_rows,): position among `facilities` of the facility that each capacity row is of.
    facilities
        Ids of the facilities that have a row.
    share
        (n_rows,): part of its year's capacity that each row has in the period: 1 in the year.
    month
        As `karavan.model.problem_of` takes it: False the year, True the busiest month, 1 to 12 that month.
    """

    model: Model
    base: Problem
    aim: Problem
    target: Bool
    base_arc: Int
    aim_arc: Int
    row_facility: Int
    facilities: tuple[str, ...]
    share: Float
    month: bool | int

    @property
    def wanted(self) -> float:
        """Tonnes of the target."""
        return float(self.aim.tonnes.sum())

    @property
    def tonnes(self) -> Float:
        """Tonnes of every demand, (n_demands,)."""
        return np.asarray(self.base.tonnes + self.aim.tonnes, dtype=np.float64)

    @property
    def rhs(self) -> Float:
        """Capacity of every row, (n_rows,), own units of the period."""
        return self.base.rhs

    @cached_property
    def both(self) -> Problem:
        """Both problems as one, arcs of `base` before those of `aim`."""
        return side_by_side(self.base, self.aim)

    @property
    def arc(self) -> Int:
        """The arc of the model's graph that each arc of `both` is."""
        return np.append(self.base_arc, self.aim_arc)


def question(
    model: Model, *, via: str = "", month: bool | int = False, detour: float = DETOUR, wider: float = 1.0
) -> Question:
    """Return the problems of a model whose demand holds a target (ids that begin with `PREFIX`).

    `via`: corridor to which the target is held: its tonnes cross from country to country where the corridor does, as
    far as their ends lie on it. `detour`: no way is dearer than so many times the cheapest of its demand; for the
    target `wider` times that, where a draw of costs is to decide.
    """
    plain = problem_of(model, month=month)
    target = np.asarray(demand_rows(model.case).index.str.startswith(PREFIX), dtype=np.bool_)
    arc = np.arange(plain.n_arcs, dtype=np.int32)
    base, base_arc = own_ways(plain, arc, np.flatnonzero(~target), detour)
    forced, forced_arc = layered(plain, target, model, via) if via else (plain, arc)
    aim, aim_arc = own_ways(forced, forced_arc, np.flatnonzero(target), detour * wider)
    used, number = np.unique(model.capacity.facility, return_inverse=True)
    return Question(
        model=model,
        base=base,
        aim=aim,
        target=target,
        base_arc=base_arc,
        aim_arc=aim_arc,
        row_facility=number.astype(np.int32).ravel(),
        facilities=tuple(str(model.case.facilities.index[f]) for f in used),
        share=month_share(model, month=month),
        month=month,
    )


def asked_again(question: Question, model: Model, *, month: bool | int) -> Question:
    """Return the question for a model with other capacities, or for another period: no way is sought again.

    Not for a month of its own (1 to 12) after another: what a month closes stays closed.
    """
    share = month_share(model, month=month)
    tonnes = period_tonnes(model.case, month=bool(month))
    rhs = model.capacity.net * share
    base = perturb(question.base, rhs=rhs, tonnes=np.where(question.target, 0.0, tonnes))
    aim = perturb(question.aim, rhs=rhs, tonnes=np.where(question.target, tonnes, 0.0))
    return replace(question, model=model, base=base, aim=aim, share=share, month=month)


def period_tonnes(case: Case, *, month: bool) -> Float:
    """Return the tonnes of each demand row in the year or in its busiest month."""
    rows = demand_rows(case)
    tonnes = rows["tonnes"].to_numpy(dtype=np.float64)
    share = rows["peak_month_share"].fillna(1.0 / MONTHS_PER_YEAR).to_numpy(dtype=np.float64)
    return np.asarray(tonnes * share if month else tonnes, dtype=np.float64)
