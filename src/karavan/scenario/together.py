"""One network that holds what any of several scenarios would add, and which of them each part needs.

The network of a case is built once with nothing opened, once for each scenario that changes more than capacities, and
once with all that go together. Arcs are told apart by what they are and cost; where an arc is not in all of these, it
gets a row of its own that is closed without the scenarios it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from karavan.errors import ScenarioError
from karavan.model import Model, build_model, problem_of, usage
from karavan.network.graph import ArcKind
from karavan.problem import make_problem
from karavan.scenario.apply import apply_edits
from karavan.scenario.candidates import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from karavan.problem import Problem
    from karavan.scenario.draft import Edit
    from karavan.scenario.scenario import Scenario
    from karavan.schema.case import Case

    Float = NDArray[np.float64]
    Int = NDArray[np.int32]

KINDS = ("stated", "computed", "demonstrated")
CAPACITY_FIELDS = {("facilities", f"capacity_{kind}") for kind in (*KINDS, "used")}

ArcKey = tuple[object, ...]
RowKey = tuple[str, str, str]


class Clause(NamedTuple):
    """What an arc needs: any of some scenarios to be open, or one not to be."""

    any_of: tuple[int, ...]
    without: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """The network of all scenarios together.

    `row`, `option`, `units` are the own units a year that scenario `option` adds to the capacity of `row`; see
    `karavan.assignment.design.Stage`. `base` is the model with nothing opened.
    """

    problem: Problem
    row: Int
    option: Int
    units: Float
    base: Model


def joint_network(case: Case, options: Sequence[Scenario], excludes: Sequence[tuple[int, ...]], *, year: int) -> Joint:
    """Build the network of a case in a year with all that the scenarios may add.

    Raises
    ------
    ScenarioError
        A scenario changes how what was there already uses capacity.
    """
    applied = [apply_edits(case, s, year=year) for s in options]
    joint = _Joining(build_model(case))
    models: dict[int, Model] = {}
    for i, a in enumerate(applied):
        if a.edits and not _only_capacity(a.edits):
            models[i] = build_model(a.case)
            joint.add(models[i])
    compatible = _compatible(list(models), excludes)
    every = build_model(_applied(case, options, compatible, year)) if len(compatible) > 1 else None
    if every is not None:
        joint.add(every)
    for i, a in enumerate(applied):
        joint.raise_rows(i, a.case)
    lacking = {}
    if every is not None and joint.only_in(every):
        for i in compatible:
            others = [j for j in compatible if j != i]
            lacking[i] = joint.known(build_model(_applied(case, options, others, year)))
    return joint.finish(joint.needs(models, lacking))


def _only_capacity(edits: Sequence[Edit]) -> bool:
    return all((e.table, e.field) in CAPACITY_FIELDS for e in edits)


def _compatible(options: Sequence[int], excludes: Sequence[tuple[int, ...]]) -> list[int]:
    out: list[int] = []
    for i in options:
        if not any(i in group and set(group) & set(out) for group in excludes):
            out.append(i)
    return out


def _applied(case: Case, options: Sequence[Scenario], which: Sequence[int], year: int) -> Case:
    return apply_edits(case, together([options[i] for i in which]), year=year).case


def _row_keys(model: Model) -> list[RowKey]:
    names, c = model.case.facilities.index, model.capacity
    return [(str(names[f]), e, d) for f, e, d in zip(c.facility, c.element, c.direction, strict=True)]


def _gross(case: Case) -> dict[str, float]:
    """Return the capacity of each facility that the model uses, own units a year."""
    facilities = case.facilities
    of_kind = {kind: facilities[f"capacity_{kind}"].tolist() for kind in KINDS}
    used = facilities["capacity_used"].tolist()
    return {str(name): float(of_kind[used[i]][i]) for i, name in enumerate(facilities.index)}


class _Uses(NamedTuple):
    """Capacity that an arc uses: class, row and own units per tonne of each use."""

    of_class: Int
    row: Int
    units: Float

    def same(self, other: _Uses) -> bool:
        """Tell whether two arcs use the same."""
        pairs = ((self.of_class, other.of_class), (self.row, other.row), (self.units, other.units))
        return all(np.array_equal(mine, its) for mine, its in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class _Arc:
    """One arc of the joint network."""

    tail: int
    head: int
    cost: Float
    open: NDArray[np.bool_]
    uses: _Uses
    tag: ArcKey


class _Joining:
    """Joins the arcs and rows of several models of one case."""

    def __init__(self, base: Model) -> None:
        self.base = base
        self.arcs: list[_Arc] = []
        self.at: dict[ArcKey, int] = {}
        self.nodes: dict[object, int] = {}
        self.rows: dict[RowKey, int] = {}
        self.preload: dict[RowKey, float] = {}
        self.gross = _gross(base.case)  # of a facility that only a scenario has, that which it gives it
        self.rhs: list[float] = []
        self.entries: list[tuple[int, int, float]] = []
        self.arcs_of: dict[int, set[int]] = {}
        self.add(base)

    def add(self, model: Model) -> None:
        """Take over the arcs and rows of a model that are not there yet."""
        self.gross = _gross(model.case) | self.gross
        for name, preload in zip(_row_keys(model), model.capacity.preload.tolist(), strict=True):
            if name not in self.rows:
                self.rows[name] = len(self.rhs)
                self.preload[name] = preload
                self.rhs.append(max(self.gross[name[0]] - preload, 0.0))
        nodes, keys = _keys(model)
        of_class, row, units, start = self._usage(model)
        generalized, is_open = model.generalized, model.open
        mine = set()
        for a, key in enumerate(keys):
            part = slice(start[a], start[a + 1])
            uses = _Uses(of_class[part], row[part], units[part])
            at = self.at.get(key)
            if at is None:
                at = self.at[key] = len(self.arcs)
                ends = (self._node(nodes[model.graph.tail[a]]), self._node(nodes[model.graph.head[a]]))
                self.arcs.append(_Arc(*ends, generalized[:, a], is_open[:, a], uses, key[2:8]))
            elif not uses.same(self.arcs[at].uses):
                message = "a project changes how ways that were there before use capacity; it cannot be chosen by plan"
                raise ScenarioError(message)
            mine.add(at)
        self.arcs_of[id(model)] = mine

    def _usage(self, model: Model) -> tuple[Int, Int, Float, NDArray[np.int64]]:
        """Return class, joint row and units of each use, sorted by arc, and where the uses of each arc begin."""
        indptr, row, units = usage(model)
        n = model.graph.n_arcs
        cell = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
        order = np.argsort(cell % n, kind="stable")
        names = np.array([self.rows[key] for key in _row_keys(model)], dtype=np.int32)
        start = np.append(0, np.cumsum(np.bincount(cell % n, minlength=n)))
        return (cell // n)[order].astype(np.int32), names[row[order]], units[order], start

    def _node(self, key: object) -> int:
        return self.nodes.setdefault(key, len(self.nodes))

    def known(self, model: Model) -> set[int]:
        """Return the arcs of a model that are in the joint network."""
        return {self.at[key] for key in _keys(model)[1] if key in self.at}

    def only_in(self, model: Model) -> set[int]:
        """Return the arcs that only this model has."""
        others = [arcs for m, arcs in self.arcs_of.items() if m != id(model)]
        return self.arcs_of[id(model)].difference(*others)

    def raise_rows(self, option: int, case: Case) -> None:
        """Note what an option adds to the capacity of rows, whichever option brings their arcs."""
        gross = _gross(case)
        for name, row in self.rows.items():
            left = max(gross.get(name[0], self.gross[name[0]]) - self.preload[name], 0.0)
            if left != self.rhs[row]:
                self.entries.append((row, option, left - self.rhs[row]))

    def needs(self, models: Mapping[int, Model], lacking: Mapping[int, set[int]]) -> dict[int, list[Clause]]:
        """Return what each arc needs; `lacking`: arcs there are without each of the options that go together."""
        has = {i: self.arcs_of[id(m)] for i, m in models.items()}
        in_base = self.arcs_of[id(self.base)]
        out: dict[int, list[Clause]] = {}
        for arc in range(len(self.arcs)):
            adding = tuple(i for i, arcs in has.items() if arc in arcs)
            if arc in in_base:
                clauses = [Clause((), i) for i in has if i not in adding]
            elif adding:
                clauses = [Clause(adding)]
            else:
                clauses = [Clause((i,)) for i, arcs in lacking.items() if arc not in arcs]
            if clauses:
                out[arc] = clauses
        return out

    def finish(self, needs: Mapping[int, list[Clause]]) -> Joint:
        """Make the problem: capacity rows, then a row for each group of arcs that need the same."""
        plain = problem_of(self.base)
        total = float(plain.tonnes.sum())
        switch: dict[ArcKey, int] = {}
        gates: dict[int, list[int]] = {}
        for arc, clauses in needs.items():
            for clause in clauses:
                key = (clause, *self.arcs[arc].tag)
                if key not in switch:
                    switch[key] = len(self.rhs)
                    self.rhs.append(total if clause.without >= 0 else 0.0)
                    self.entries += [(switch[key], i, total) for i in clause.any_of]
                    self.entries += [(switch[key], clause.without, -total)] * (clause.without >= 0)
                gates.setdefault(arc, []).append(switch[key])
        entries = np.array(self.entries, dtype=np.float64).reshape(-1, 3)
        row, option = entries[:, 0].astype(np.int32), entries[:, 1].astype(np.int32)
        return Joint(self._problem(plain, gates), row, option, entries[:, 2].copy(), self.base)

    def _problem(self, plain: Problem, gates: Mapping[int, list[int]]) -> Problem:
        n, classes = len(self.arcs), plain.n_classes
        cell = [x.uses.of_class.astype(np.int64) * n + a for a, x in enumerate(self.arcs)]
        row, units = [x.uses.row for x in self.arcs], [x.uses.units for x in self.arcs]
        for arc, rows in gates.items():
            of_class, gate = (m.ravel() for m in np.meshgrid(np.arange(classes), np.array(rows), indexing="ij"))
            cell.append(of_class * n + arc)
            row.append(gate.astype(np.int32))
            units.append(np.ones(gate.size))
        cells = np.concatenate(cell)
        order = np.argsort(cells, kind="stable")
        nodes = [self._node(key) for key in _keys(self.base)[0]]
        at = np.array(nodes, dtype=np.int32)
        return make_problem(
            n_nodes=len(self.nodes),
            tail=[x.tail for x in self.arcs],
            head=[x.head for x in self.arcs],
            cost=np.array([x.cost for x in self.arcs]).T.reshape(classes, n),
            open=np.array([x.open for x in self.arcs]).T.reshape(classes, n),
            rhs=self.rhs,
            usage_indptr=np.append(0, np.cumsum(np.bincount(cells, minlength=classes * n))),
            usage_row=np.concatenate(row)[order],
            usage_units=np.concatenate(units)[order],
            origin=at[plain.origin],
            destination=at[plain.destination],
            demand_class=plain.demand_class,
            tonnes=plain.tonnes,
            unserved_price=plain.unserved_price,
        )


def _keys(model: Model) -> tuple[list[object], list[ArcKey]]:
    """Return a key of every node and arc that says what it is, whatever else is in the network.

    Border posts and boarding places are nodes of one arc; they are known by it.
    """
    g = model.graph
    hubs = zip(g.node.tolist(), g.mode.tolist(), g.track_gauge_mm.tolist(), g.unit.tolist(), strict=True)
    nodes: list[object] = [("hub", *four) for four in hubs]
    for name in ("source_of_node", "sink_of_node", "source_of_zone", "sink_of_zone"):
        for i, at in enumerate(getattr(g, name).tolist()):
            nodes[at] = (name, i)
    own = np.flatnonzero((g.kind == ArcKind.BORDER) | (g.kind == ArcKind.WAIT))
    for a in own.tolist():
        nodes[g.head[a]] = ("on", int(g.kind[a]), int(g.link[a]), int(g.service[a]), bool(g.forward[a]),
                            int(g.arc_unit[a]), nodes[g.tail[a]])  # fmt: skip
    cost = np.ascontiguousarray(np.where(model.open, model.generalized, -1.0).T)
    columns = (g.kind, g.link, g.service, g.transfer, g.border, g.forward, g.arc_mode, g.arc_unit)
    arcs: list[ArcKey] = []
    for a, part in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        steps = slice(g.steps_indptr[a], g.steps_indptr[a + 1])
        under = (g.steps_link[steps].tobytes(), g.steps_forward[steps].tobytes())
        arcs.append((nodes[g.tail[a]], nodes[g.head[a]], *part, *under, cost[a].tobytes()))
    return nodes, arcs
