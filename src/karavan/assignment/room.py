"""Room for a target beside base demands: linear programmes over paths in which no base demand loses a tonne.

Demands are of two sorts, base and target. In order of importance: base demands are served, then the target, and no
capacity row is exceeded; what transport costs does not count. Four questions, one programme, one store of paths:

serve      the most tonnes of the target, with every base demand served as it is without the target
scale      the greatest multiple of the target that leaves no base demand short
enlarge    the cheapest additions to capacities with which the whole target is served
displace   the most tonnes of all when the target goes first

Paths are found by column generation: shortest paths at the prices of the rows until none is better (Dantzig and Wolfe
1960), so that each answer is that over all paths of the network, not over those thought of. Free arcs make the prices
plain: a row's price is the tonnes of the target that one more own unit brings back.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from karavan.assignment.pool import chosen, joined
from karavan.assignment.room_programme import MOST_SCALE, Programme
from karavan.assignment.search import Paths, cheapest, make_search, row_units
from karavan.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from karavan.assignment.search import Search

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]
    Bool = NDArray[np.bool_]

BASE_FIRST = 64.0  # weight of a base tonne in the first try; where it does not keep base demands whole they go first
SHORT = 1e-7  # of all tonnes: less is the solver's tolerance
BETTER = 1e-9  # a path is new if it is cheaper by more than this share of a tonne
NOTHING = 1e-10  # of a usual demand
MAX_ROUNDS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """Tonnes of each demand that are served, (n_demands,), and what a row would bring back.

    `per_unit` (n_rows,): tonnes of the target for one more own unit. `bound`: no way of serving leaves fewer tonnes of
    the target unserved. `use` (n_rows,): own units used. `base_is_whole`: no base demand is short.
    """

    served: Float
    per_unit: Float
    bound: float
    use: Float
    base_is_whole: bool


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """The greatest multiple of the target, the rows that set it (per_unit > 0), and what they would add to it."""

    scale: float
    per_unit: Float


@dataclass(frozen=True, slots=True, eq=False)
class Enlarged:
    """Additions to the capacity of each group of rows, own units, and what they cost by the weights given."""

    added: Float
    cost: float


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Demands on a graph of their own. `first`: number of the first of them among all; `guided` knows the way."""

    problem: Problem
    search: Search
    guided: Search
    free: Float
    first: int

    @property
    def numbers(self) -> slice:
        """Its demands among all."""
        return slice(self.first, self.first + self.search.live.size)


class Room:
    """The store of paths and the programme over them; it grows from question to question, the answers do not change.

    Parameters
    ----------
    problem
        Base and target demands together; or several problems with the same capacity rows and list of demands, each
        with tonnes for some of them, where the graphs differ.
    target
        (n_demands,): which demands are the target.
    group
        (n_rows,): rows that share one capacity, numbered from 0, for `enlarge` and `relaxed`; by default each alone.
    like
        Room of problems with the same networks, closures and demands, other values: what it knows of ways holds here.
    """

    def __init__(
        self, problem: Problem | Sequence[Problem], target: Bool, group: Int | None = None, *, like: Room | None = None
    ) -> None:
        problems = [problem] if isinstance(problem, Problem) else list(problem)
        self.target, self.rhs = target, problems[0].rhs
        self.group = np.arange(self.rhs.size, dtype=np.int32) if group is None else group
        self.parts: list[_Part] = []
        for k, one in enumerate(problems):
            first = sum(q.search.live.size for q in self.parts)
            self.parts.append(_part(one, None if like is None else like.parts[k].guided, first))
        self.live = np.concatenate([p.search.live for p in self.parts])
        self.tonnes = np.sum([p.problem.tonnes for p in self.parts], axis=0)
        self.reachable = np.ones(target.size, np.bool_)
        for p in self.parts:
            self.reachable &= p.search.reachable | (p.problem.tonnes <= 0)
        mean = float(self.tonnes[self.live].mean()) if self.live.size else 1.0
        self.unit = float(np.exp2(np.round(np.log2(mean))))
        self.row_unit = np.exp2(np.round(np.log2(np.max([p.search.row_units for p in self.parts], axis=0))))
        self.paths = Paths(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))
        self.path_row_start, self.path_row = np.zeros(1, np.int64), np.empty(0, np.int32)
        self.path_units = np.empty(0)
        self.seen: set[bytes] = set()
        self.programme = Programme(
            self.tonnes[self.live] / self.unit, target[self.live], self.rhs / (self.row_unit * self.unit), self.group,
            self.row_unit,
        )  # fmt: skip
        for p in self.parts:
            anything = np.full(p.search.live.size, np.finfo(np.float64).max)
            none = np.zeros(self.rhs.size)
            _, direct = cheapest(p.guided, p.problem.cost, none, limit=anything, wanted=anything)
            self._add(p, direct)

    @property
    def live_target(self) -> Bool:
        """Which of the demands with tonnes and a path are the target."""
        marks: Bool = self.target[self.live]
        return marks

    def part_of(self, path: int) -> int:
        """Return the number of the part that a path is in."""
        firsts = [p.first for p in self.parts]
        return int(np.searchsorted(firsts, self.paths.demand[path], side="right")) - 1

    def _add(self, part: _Part, found: Paths) -> int:
        """Add the paths of a part that are not yet there and return how many they were."""
        keep = []
        for i, demand in enumerate((found.demand + np.int32(part.first)).tolist()):
            key = demand.to_bytes(4, "little") + found.arc[found.start[i] : found.start[i + 1]].tobytes()
            if key not in self.seen:
                self.seen.add(key)
                keep.append(i)
        if not keep:
            return 0
        new = chosen(found, np.array(keep, np.int64))
        classes = part.problem.demand_class[part.search.live[new.demand]]
        start, row, units = row_units(part.problem, new, classes)
        new = replace(new, demand=new.demand + np.int32(part.first))
        self.programme.add_paths(new.demand, start, row, units / self.row_unit[row])
        self.paths = joined(self.paths, new)
        self.path_row_start = np.append(self.path_row_start, self.path_row_start[-1] + start[1:])
        self.path_row, self.path_units = np.append(self.path_row, row), np.append(self.path_units, units)
        return len(keep)

    def learn(self, other: Room) -> None:
        """Take over the paths that a room begun from this one has found since."""
        known = self.paths.demand.size
        for part in self.parts:
            new = np.arange(known, other.paths.demand.size)
            mine = (other.paths.demand[new] >= part.first) & (other.paths.demand[new] < part.numbers.stop)
            found = chosen(other.paths, new[mine])
            self._add(part, replace(found, demand=found.demand - np.int32(part.first)))

    def like(self, problems: Sequence[Problem], usable: Bool) -> Room:
        """Return the room of problems with other capacities, demands and closures, begun where this one was kept.

        No demand may have tonnes that had none, no arc be open that was closed. `usable` (n_paths,): paths whose arcs
        are all open. Call `keep` first; both rooms then go their own ways. Not for `scale`.
        """
        other = copy(self)
        other.parts = [
            replace(part, problem=p, search=replace(part.search, problem=p))
            for part, p in zip(self.parts, problems, strict=True)
        ]
        other.rhs, other.tonnes = problems[0].rhs, np.sum([p.tonnes for p in problems], axis=0)
        other.seen = set(self.seen)
        tonnes = other.tonnes[self.live] / self.unit
        other.programme = self.programme.like(tonnes, other.rhs / (self.row_unit * self.unit), usable)
        return other

    def keep(self) -> None:
        """Keep the paths and the basis of the last answer for `like`."""
        self.programme.keep()

    def settle(self, *, least: float = -np.inf) -> float:
        """Solve and add better paths until there are none; return the bound, of the programme's objective, in tonnes.

        `least`: what the objective cannot be below, so that nothing better need be sought once it is reached. Raises
        `SolverError` when it does not end.
        """
        for _ in range(MAX_ROUNDS):
            self.programme.solve()
            if self.programme.objective <= least + NOTHING:
                return least
            row_price = self.programme.row_price / self.row_unit
            added, slack = 0, 0.0
            for part in self.parts:
                price = self.programme.demand_price[part.numbers]
                distance, better = cheapest(part.search, part.free, row_price, limit=price, wanted=price - BETTER)
                added += self._add(part, better)
                slack += float(part.problem.tonnes[part.search.live] @ np.minimum(distance - price, 0.0))
            if not added:
                return self.programme.objective * self.unit + slack
        return self.programme.failed(f"after {MAX_ROUNDS} rounds there are still better paths")


def _part(problem: Problem, known: Search | None, first: int) -> _Part:
    guided = make_search(problem, known)
    # with free arcs nothing is known of the way ahead but whether there is one
    search = replace(guided, bound=np.where(np.isfinite(guided.bound), 0.0, np.inf))
    return _Part(problem, search, guided, np.zeros(problem.cost.shape), first)


def serve(room: Room) -> Served:
    """Return the most tonnes of the target that can be served with every base demand served as without it."""
    programme = room.programme
    programme.ask(base_price=BASE_FIRST, target_price=1.0)
    bound = room.settle(least=0.0)
    whole = programme.base_short() <= SHORT * programme.total()
    if not whole:
        hold_base(room)
        programme.ask(base_price=0.0, target_price=1.0)
        bound = room.settle(least=0.0)
        whole = programme.base_short() <= SHORT * programme.total()
    return _served(room, bound, base_is_whole=whole)


def hold_base(room: Room) -> None:
    """Serve the base demands as if the target were not there, and hold each to no less from now on."""
    programme = room.programme
    programme.release()
    programme.ask(base_price=1.0, target_price=0.0, with_target=False)
    room.settle(least=0.0)
    programme.hold(~room.live_target)


def displace(room: Room) -> Served:
    """Return what is served when the target goes first and base demands take what is left."""
    programme = room.programme
    held = programme.release()
    programme.ask(base_price=0.0, target_price=1.0)
    bound = room.settle(least=0.0)
    programme.hold(room.live_target)
    programme.ask(base_price=1.0, target_price=0.0)
    room.settle(least=0.0)
    out = _served(room, bound, base_is_whole=programme.base_short() <= SHORT * programme.total())
    programme.restore(held)
    return out


def scale(room: Room) -> Scaled:
    """Return the greatest multiple of the target with which no base demand is short; infinite if nothing limits it.

    Demands of the target without a path make it nought. Call `serve` first.
    """
    if not room.reachable[room.target].all():
        return Scaled(0.0, np.zeros(room.rhs.size))
    programme = room.programme
    programme.ask_scale()
    room.settle()
    prices = programme.row_price / (room.row_unit * room.unit)
    return Scaled(programme.scale if programme.scale < MOST_SCALE else np.inf, prices)


def enlarge(room: Room, weight: Float) -> Enlarged:
    """Return the additions to capacity of least total weight with which the reachable target is served whole.

    `weight` (n_groups,): cost of one own unit more in all rows of a group. Call `serve` first.
    """
    programme = room.programme
    units = room.programme.group_unit * room.unit
    usual = float(np.median(weight * units)) if weight.size else 1.0
    programme.ask_enlarge(weight * units / usual)
    room.settle()
    added = programme.added * units
    return Enlarged(added, float(added @ weight))


def relaxed(room: Room, groups: Int) -> Served:
    """Return what is served when the rows of some groups have no limit; the room stays as it is."""
    programme = room.programme
    programme.relax(np.isin(room.group, groups))
    programme.ask(base_price=0.0 if programme.is_held else BASE_FIRST, target_price=1.0)
    bound = room.settle(least=0.0)
    out = _served(room, bound, base_is_whole=programme.base_short() <= SHORT * programme.total())
    programme.relax(np.zeros(room.rhs.size, np.bool_))
    return out


def _served(room: Room, bound: float, *, base_is_whole: bool) -> Served:
    short = room.programme.short * room.unit
    served = np.zeros(room.target.size)
    served[room.live] = room.tonnes[room.live] - short
    crumb = SHORT * room.tonnes
    served = np.where(room.tonnes - served <= crumb, room.tonnes, np.maximum(served, 0.0))
    served[~room.reachable] = 0.0
    flow = room.programme.flow * room.unit
    weight = room.path_units * np.repeat(flow, np.diff(room.path_row_start))
    use = np.bincount(room.path_row, weights=weight, minlength=room.rhs.size).astype(np.float64)
    out_of_reach = float(room.tonnes[room.target & ~room.reachable].sum())
    return Served(served, room.programme.row_price / room.row_unit, bound + out_of_reach, use, base_is_whole)
