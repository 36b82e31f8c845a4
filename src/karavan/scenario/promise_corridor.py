"""A target that is held to a corridor: copies of the graph that its goods pass in order, crossing by crossing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.model import Model, demand_rows
from karavan.scenario.promise_ways import distances, problem_like, usage_of
from karavan.schema.chains import link_chains
from karavan.schema.state import is_open

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.problem import Problem
    from karavan.schema.case import Case

    Int = NDArray[np.int32]
    Bool = NDArray[np.bool_]



@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """Where a corridor crosses from country to country, in its direction.

    `countries`: those it runs through, one more than crossings. `ahead`, `back` (n_arcs,): which crossings an arc of
    the model's graph passes along the corridor or against it, the first and last as (first, last), -1 for none.
    """

    countries: tuple[str, ...]
    ahead: Int
    back: Int


def corridor_steps(case: Case, corridor: str, day: str | None) -> list[tuple[int, bool]]:
    """Return the links of a corridor in order, each with whether the corridor runs in its direction."""
    chains = link_chains(case.links, is_open(case.links, day))
    legs = case.corridors[case.corridors["corridor"] == corridor].sort_values("seq", kind="stable")
    steps: list[tuple[int, bool]] = []
    for leg in legs.itertuples():
        steps += chains.shortest(str(leg.mode), [str(leg.from_node), str(leg.to_node)]) or []
    return steps


def crossings(model: Model, corridor: str) -> Crossings:
    """Find the crossings of a corridor and the arcs that pass them."""
    case, graph = model.case, model.graph
    country = case.nodes["country"]
    start, end = (case.links[c].map(country).to_numpy(dtype=object) for c in ("from_node", "to_node"))
    steps = [(link, ahead) for link, ahead in corridor_steps(case, corridor, model.day) if start[link] != end[link]]
    names = [str((start if ahead else end)[link]) for link, ahead in steps[:1]]
    names += [str((end if ahead else start)[link]) for link, ahead in steps]
    number = np.full(len(case.links), -1, np.int32)
    along = np.zeros(len(case.links), np.bool_)
    for k, (link, ahead) in enumerate(steps):
        number[link], along[link] = k, ahead
    arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))
    here = number[graph.steps_link]
    forward = graph.steps_forward == along[graph.steps_link]
    ends = []
    for way in (forward, ~forward):
        some = (here >= 0) & way
        first, last = np.full(graph.n_arcs, len(steps), np.int32), np.full(graph.n_arcs, -1, np.int32)
        np.minimum.at(first, arc[some], here[some])
        np.maximum.at(last, arc[some], here[some])
        first[last < 0] = -1
        ends.append(np.stack([first, last], axis=1))
    return Crossings(tuple(names), ends[0], ends[1])


def stages(countries: tuple[str, ...], start: str, end: str) -> list[tuple[int, int]]:
    """Return the stretches (from and to, as places among `countries`) on which goods between two countries keep to it.

    Ends on the corridor fix the stretch. An end that is not on it may be reached from anywhere, so that at least one
    crossing is passed. None where both ends are in one country.
    """
    last = len(countries) - 1
    firsts = [countries.index(start)] if start in countries else list(range(last + 1))
    lasts = [countries.index(end)] if end in countries else list(range(last + 1))
    return [(i, j) for i in firsts for j in lasts if i != j]


def layered(plain: Problem, target: Bool, model: Model, corridor: str) -> tuple[Problem, Int]:
    """Copy the graph for the target, once for each country of the corridor and each direction along it.

    In the copy of a country the corridor's next crossing leads to the copy of the next, and no other crossing of it is
    open: goods pass the corridor's crossings in order and do not turn back. Capacity rows are those of the arc copied.
    Of the stretches that fit the ends of a demand the cheapest is taken; where none does, it is not forced.
    """
    pass_ = crossings(model, corridor)
    places = len(pass_.countries)
    if places < 2:  # it crosses nothing: there is nothing to hold goods to
        return plain, np.arange(plain.n_arcs, dtype=np.int32)
    n, arcs = plain.n_nodes, plain.n_arcs
    free = (pass_.ahead[:, 1] < 0) & (pass_.back[:, 1] < 0)
    tails, heads, usable = [plain.tail], [plain.head], [np.ones(arcs, np.bool_)]
    for way in (0, 1):
        for k in range(places):
            here = n * (1 + way * places + k)
            mine, other = (pass_.ahead, pass_.back) if way == 0 else (pass_.back, pass_.ahead)
            first, last = (mine[:, 0], mine[:, 1] + 1) if way == 0 else (mine[:, 1] + 1, mine[:, 0])
            moves = (first == k) & (mine[:, 1] >= 0) & (other[:, 1] < 0)
            tails.append(plain.tail + here)
            heads.append(plain.head + np.where(moves, n * (1 + way * places + last), here))
            usable.append(free | moves)
    arc = np.tile(np.arange(arcs, dtype=np.int32), 1 + 2 * places)
    is_open = plain.open[:, arc] & np.concatenate(usable)
    indptr, row, units = usage_of(plain, np.arange(plain.n_classes, dtype=np.int32), arc, is_open)
    whole = problem_like(plain, n * (1 + 2 * places), np.concatenate(tails), np.concatenate(heads), plain.cost[:, arc],
                  is_open, plain.second[arc], (indptr, row, units))  # fmt: skip
    return _with_ends(whole, target, model, pass_.countries, n), arc


def _with_ends(whole: Problem, target: Bool, model: Model, countries: tuple[str, ...], n: int) -> Problem:
    """Put the ends of every target demand in the copies of its cheapest stretch."""
    places = len(countries)
    country = model.case.zones["country"]
    demand = demand_rows(model.case)
    origin, destination = whole.origin.copy(), whole.destination.copy()
    rows: list[tuple[int, int, int]] = []  # demand, first and last place
    for d in np.flatnonzero(target).tolist():
        ends = (str(country[demand[side].iloc[d]]) for side in ("origin", "destination"))
        rows += [(d, i, j) for i, j in stages(countries, *ends)]
    table = np.array(rows, np.int32).reshape(-1, 3)
    of = table[:, 0]
    way = 1 + places * (table[:, 2] < table[:, 1])
    starts, goals = origin[of] + n * (way + table[:, 1]), destination[of] + n * (way + table[:, 2])
    pairs, at = np.unique(np.stack([whole.demand_class[of], goals], axis=1), axis=0, return_inverse=True)
    onward = distances(whole, whole.cost, pairs[:, 0], pairs[:, 1], from_start=False)[at.ravel(), starts]
    for k in np.lexsort((np.arange(of.size), onward))[::-1]:  # the cheapest is written last; of equals the first
        origin[of[k]], destination[of[k]] = starts[k], goals[k]
    return problem_like(whole, whole.n_nodes, whole.tail, whole.head, whole.cost, whole.open, whole.second,
                 (whole.usage_indptr, whole.usage_row, whole.usage_units), origin, destination)  # fmt: skip
