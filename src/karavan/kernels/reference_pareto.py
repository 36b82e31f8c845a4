"""Plain Python twins of the Pareto kernels: the same answers, readable, slow; for tests.

Arcs are tuples (tail, head, costs, gate); gate None, or a `Gate`. Vectors are tuples.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Vector = tuple[float, ...]


@dataclass(frozen=True)
class Gate:
    """Events (last, leave, extra) in order of time, what waiting costs, and how many events to look at (0: all)."""

    events: tuple[tuple[float, float, Vector], ...]
    rate: Vector
    free: float
    step: float
    scan: int


Arc = tuple[int, int, Vector, "Gate | None"]


def least(n_nodes: int, arcs: Sequence[Arc], goal: int, k: int) -> list[list[float]]:
    """Twin of `karavan.kernels.pareto.lower_bounds`: (k, n_nodes), by Bellman and Ford."""
    bound = [[math.inf] * n_nodes for _ in range(k)]
    for row in bound:
        row[goal] = 0.0
    for _ in range(n_nodes):
        for tail, head, cost, _gate in arcs:
            for j in range(k):
                bound[j][tail] = min(bound[j][tail], cost[j] + bound[j][head])
    return bound


def static_vectors(
    n_nodes: int, arcs: Sequence[Arc], start: int, goal: int, budget: Vector, limit: float = math.inf
) -> list[Vector]:
    """Twin of `karavan.kernels.pareto.make_permanent` at resolution 0: vectors in lexicographic order."""
    k = len(budget)
    bound = least(n_nodes, arcs, goal, k)
    settled: list[list[Vector]] = [[] for _ in range(n_nodes)]
    queue = [(tuple(bound[j][start] for j in range(k)), start, (0.0,) * k)]
    while queue:
        lower, v, vector = heapq.heappop(queue)
        if any(x > y or x == math.inf for x, y in zip(lower, budget, strict=True)):
            continue
        if any(_at_most(w, vector) for w in settled[v]) or any(_at_most(w, lower) for w in settled[goal]):
            continue
        if sum(map(len, settled)) == limit:
            break
        settled[v].append(vector)
        for tail, head, cost, _gate in arcs:
            if tail == v and v != goal:
                new = tuple(x + c for x, c in zip(vector, cost, strict=True))
                heapq.heappush(queue, (tuple(new[j] + bound[j][head] for j in range(k)), head, new))
    return settled[goal]


def _at_most(a: Vector, b: Vector) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True))


def rates_ahead(n_nodes: int, arcs: Sequence[Arc], k: int) -> list[list[float]]:
    """Twin of `karavan.kernels.pareto_timed.rates_ahead`, by repeated sweeps."""
    ahead = [[0.0] * k for _ in range(n_nodes)]
    for _ in range(n_nodes + 1):
        for tail, head, _cost, gate in arcs:
            here = ahead[tail]
            if gate is not None and any(gate.rate[1:]):
                here[0] = max(here[0], gate.step)
                here[1:] = [max(x, r) for x, r in zip(here[1:], gate.rate[1:], strict=True)]
            if gate is None or not all(last <= leave for last, leave, _ in gate.events):
                here[:] = [max(x, y) for x, y in zip(here, ahead[head], strict=True)]
    return ahead


def steps(time: float, cost: Vector, gate: Gate | None) -> list[Vector]:
    """Return time of arrival and costs of every way to use an arc from a time on."""
    if gate is None:
        return [(time + cost[0], *cost[1:])]
    usable = [e for e in gate.events if e[0] >= time]
    ways = []
    for _last, leave, extra in usable[: gate.scan or None]:
        wait = max(0.0, leave - time)
        charged = max(0.0, wait - gate.free)
        if gate.step > 0:
            charged = math.ceil(charged / gate.step) * gate.step
        more = (c + r * charged + x for c, r, x in zip(cost[1:], gate.rate[1:], extra[1:], strict=True))
        ways.append((time + wait + cost[0] + extra[0], *more))
    return ways


@dataclass
class _Label:
    vector: Vector
    apex: list[float]
    node: int
    stage: str = "waits"


@dataclass
class Timed:
    """Twin of `karavan.kernels.pareto_timed.search_journeys`: journeys (begin, vector) in the order found."""

    n_nodes: int
    arcs: Sequence[Arc]
    start: int
    goal: int
    begins: Sequence[float]
    budget: Vector
    slack: float
    certified: bool = False
    known: Sequence[Vector] = ()
    found: list[tuple[float, Vector]] = field(default_factory=list)

    def search(self) -> list[tuple[float, Vector]]:
        """Return begin and vector of all journeys found."""
        k = len(self.budget)
        bound = least(self.n_nodes, self.arcs, self.goal, k)
        ahead = rates_ahead(self.n_nodes, self.arcs, k)
        ahead[self.goal] = [0.0] * k
        rows: list[list[list[float]]] = [[] for _ in range(self.n_nodes)]
        rows[self.goal] = [list(x) for x in self.known]
        waiting: list[list[_Label]] = [[] for _ in range(self.n_nodes)]
        number = itertools.count()
        for begin in sorted(set(self.begins), reverse=True):
            root = (begin, *[0.0] * (k - 1))
            queue: list[tuple[Vector, int, _Label]] = []
            push = self._pusher(queue, bound, number)
            push(_Label(root, list(root), self.start))
            while queue:
                label = heapq.heappop(queue)[2]
                v = label.node
                if label.stage == "taken over":
                    continue
                label.stage = "settled"
                own = label.apex if self.certified else list(label.vector)
                if self._served(rows[self.goal], own, v, bound, begin):
                    continue
                if v == self.goal:
                    rows[v].append(list(label.vector))
                    self.found.append((begin, label.vector))
                    continue
                if self._dropped(rows[v], own, v, bound, ahead):
                    continue
                rows[v].append(own)
                for tail, head, cost, gate in self.arcs:
                    if tail != v:
                        continue
                    sibling: list[float] = []
                    for arrival, *costs in steps(label.vector[0], cost, gate):
                        vector = (arrival, *[x + c for x, c in zip(label.vector[1:], costs, strict=True)])
                        apex = [arrival, *[x + c for x, c in zip(own[1:], costs, strict=True)]]
                        if any(
                            x + bound[j][head] > self.budget[j] or bound[j][head] == math.inf
                            for j, x in enumerate(vector)
                        ):
                            continue
                        if sibling and self._dropped([sibling], apex, head, bound, ahead, exact=True):
                            continue
                        sibling = apex.copy()
                        fresh = _Label(vector, apex, head)
                        if (
                            self._dropped(rows[head], apex, head, bound, ahead)
                            or self._served(rows[self.goal], apex, head, bound, begin)
                            or (self.certified and self._merged(waiting[head], fresh, bound, ahead))
                        ):
                            continue
                        waiting[head].insert(0, fresh)
                        push(fresh)
        return self.found

    def _pusher(
        self, queue: list[tuple[Vector, int, _Label]], bound: list[list[float]], number: itertools.count[int]
    ) -> Callable[[_Label], None]:
        def push(label: _Label) -> None:
            lower = tuple(x + bound[j][label.node] for j, x in enumerate(label.vector))
            if _at_most(lower, self.budget) and math.inf not in lower:
                heapq.heappush(queue, (lower, next(number), label))

        return push

    def _served(
        self, rows: list[list[float]], vector: Sequence[float], v: int, bound: list[list[float]], begin: float
    ) -> bool:
        reach = [x + bound[j][v] for j, x in enumerate(vector)]
        reach = [reach[0], *[x + self.slack * x for x in reach[1:]]]
        if self.certified:
            reach[0] += self.slack * (reach[0] - begin)
        return any(_at_most(tuple(row), tuple(reach)) for row in rows)

    def _dropped(
        self, rows: list[list[float]], vector: Sequence[float], v: int, bound: list[list[float]],
        ahead: list[list[float]], *, exact: bool = False,
    ) -> bool:  # fmt: skip
        slack = 0.0 if self.certified or exact else self.slack
        for row in rows:
            early = vector[0] - row[0]
            if early >= 0 and all(
                row[j] + _price(ahead[v], early, j) <= vector[j] + slack * (vector[j] + bound[j][v])
                for j in range(1, len(vector))
            ):
                return True
        return False

    def _merged(self, waiting: list[_Label], fresh: _Label, bound: list[list[float]], ahead: list[list[float]]) -> bool:
        v, k = fresh.node, len(fresh.vector)
        for label in waiting:
            if label.stage != "waits":
                continue
            early = fresh.vector[0] - label.vector[0]
            first, second = (label, fresh) if early >= 0 else (fresh, label)
            low = [
                min(first.apex[j], second.apex[j] - _price(ahead[v], abs(early), j)) if j else first.apex[0]
                for j in range(k)
            ]
            if all(first.vector[j] <= low[j] + self.slack * (low[j] + bound[j][v]) for j in range(1, k)):
                first.apex[:] = low
                second.stage = "taken over"
                if first is label:
                    return True
        return False


def _price(ahead: list[float], early: float, j: int) -> float:
    """Return what being early by some minutes may cost."""
    return ahead[j] * (early + ahead[0]) if early > 0 else 0.0
