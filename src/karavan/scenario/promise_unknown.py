"""Ways whose capacity is not known: what a verdict takes to have room without end, for want of a row that limits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.assignment.room import Room, Scaled, Served, scale, serve
from karavan.network.graph import ArcKind
from karavan.problem import perturb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.assignment.result import Solution
    from karavan.scenario.promise_problem import Question

    Bool = NDArray[np.bool_]
    Float = NDArray[np.float64]

LIMITED = (ArcKind.HAUL, ArcKind.RUN, ArcKind.BORDER, ArcKind.TRANSFER)
"""What has a capacity in the world; loading, waiting and access are part of these."""


def unlimited(asked: Question) -> Bool:
    """Mark the hauls, runs, borders and transfers that no capacity row limits for a class, (n_classes, n_arcs) of `aim`.

    A border is limited by its own rows or by those of the link that crosses it.
    """
    graph, aim = asked.model.graph, asked.aim
    limited = np.diff(aim.usage_indptr).reshape(aim.n_classes, aim.n_arcs) > 0
    rows = np.diff(asked.model.capacity.indptr) > 0
    links = np.zeros(len(asked.model.case.links) + 1, np.bool_)  # last: arcs without a link
    links[np.unique(graph.link[rows & (graph.kind == ArcKind.HAUL)])] = True
    links[-1] = False
    arc = asked.aim_arc
    by_link = (graph.kind[arc] == ArcKind.BORDER) & links[graph.link[arc]]
    marks: Bool = np.isin(graph.kind[arc], LIMITED) & ~limited & ~by_link
    return marks


def known_alone(asked: Question, base: Float) -> tuple[Served, Scaled]:
    """Return what is served, and the greatest multiple, when the target keeps off ways of unknown capacity.

    Base demand uses them as before; `base` (n_demands,) are the tonnes of it that are served without the target.
    """
    aim = perturb(asked.aim, open=asked.aim.open & ~unlimited(asked))
    room = Room([perturb(asked.base, tonnes=base), aim], asked.target, asked.row_facility)
    return serve(room), scale(room)


def unknown_use(asked: Question, flows: Solution) -> tuple[float, pd.DataFrame]:
    """Return the tonnes of the target that pass some way of unknown capacity, and these ways.

    Columns: table, id, name, tonnes, the most tonnes first. `flows` are those of `asked.both`.
    """
    first, k = asked.base.n_arcs, asked.base.n_classes
    marks = unlimited(asked)
    tonnes, where = 0.0, []
    for i in np.flatnonzero(asked.target[flows.path_demand]).tolist():
        arcs = flows.path_arc[flows.path_start[i] : flows.path_start[i + 1]] - first
        met = arcs[marks[asked.both.demand_class[flows.path_demand[i]] - k, arcs]]
        if met.size:
            tonnes += float(flows.path_tonnes[i])
            where += [(*key, float(flows.path_tonnes[i])) for key in {_place(asked, int(a)) for a in asked.aim_arc[met]}]
    frame = pd.DataFrame(where, columns=["table", "id", "name", "tonnes"])
    total = frame.groupby(["table", "id", "name"], as_index=False, sort=True)[["tonnes"]].sum()
    return tonnes, total.sort_values("tonnes", ascending=False, kind="stable", ignore_index=True)


def _place(asked: Question, arc: int) -> tuple[str, str, str]:
    """Return table, id and name for people of what an arc is."""
    case, graph = asked.model.case, asked.model.graph
    kind, nodes = graph.kind[arc], case.nodes["name"]
    if kind == ArcKind.RUN:
        row = case.services.iloc[graph.service[arc]]
        return "services", str(row.name), str(row["name"])
    if kind == ArcKind.TRANSFER:
        node = str(case.transfers["node"].iloc[graph.transfer[arc]])
        return "nodes", node, f"handling at {nodes[node]}"
    if kind == ArcKind.BORDER:
        row = case.borders.iloc[graph.border[arc]]
        return "borders", str(row.name), str(row["name"])
    row = case.links.iloc[graph.link[arc]]
    return "links", str(row.name), f"{nodes[row['from_node']]} - {nodes[row['to_node']]} ({row['mode']})"
