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
    """Mark what no capacity row limits for a class: hauls, runs, borders and transfers; (n_classes, n_arcs) of `aim`.

    A port or yard may be written on its handling or on the links beside it, and limits both. So a haul, run or border
    counts as limited where the handling at one of its ends has a row, a border also where its link has, and handling
    where all that moves on one of its sides has.
    """
    graph, aim = asked.model.graph, asked.aim
    limited = np.diff(aim.usage_indptr).reshape(aim.n_classes, aim.n_arcs) > 0
    rows = np.diff(asked.model.capacity.indptr) > 0
    kind, n_modes = graph.kind, len(asked.model.case.modes) + 1
    links = np.zeros(len(asked.model.case.links) + 1, np.bool_)  # last: arcs without a link
    links[np.unique(graph.link[rows & (kind == ArcKind.HAUL)])] = True
    links[-1] = False
    place = graph.node.astype(np.int64) * n_modes + graph.mode  # a node and mode; its gauges and units together
    moves, handling = np.isin(kind, (ArcKind.HAUL, ArcKind.RUN)), kind == ArcKind.TRANSFER

    def ends(arcs: Bool) -> NDArray[np.int64]:
        return np.append(place[graph.tail[arcs]], place[graph.head[arcs]])

    handled = np.isin(place, ends(handling & rows)) & (graph.mode >= 0)
    lined = np.isin(place, ends(moves & rows)) & ~np.isin(place, ends(moves & ~rows)) & (graph.mode >= 0)
    moving = (moves | (kind == ArcKind.BORDER)) & (handled[graph.tail] | handled[graph.head])
    beside = moving | ((kind == ArcKind.BORDER) & links[graph.link])
    beside |= handling & (lined[graph.tail] | lined[graph.head])
    marks: Bool = np.isin(kind, LIMITED)[asked.aim_arc] & ~limited & ~beside[asked.aim_arc]
    return marks


def within_a_country(asked: Question) -> Bool:
    """Mark the hauls and runs of `aim` that stay in one country, (n_arcs,)."""
    case, graph = asked.model.case, asked.model.graph
    country = case.nodes["country"]
    start, end = (case.links[c].map(country).to_numpy(dtype=object) for c in ("from_node", "to_node"))
    abroad = np.zeros(graph.n_arcs, np.bool_)
    step_arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))
    abroad[step_arc[(start != end)[graph.steps_link]]] = True
    moves = np.isin(graph.kind, (ArcKind.HAUL, ArcKind.RUN))
    return np.asarray((moves & ~abroad)[asked.aim_arc], dtype=np.bool_)


def known_alone(asked: Question, base: Float) -> tuple[Served, Scaled]:
    """Return what is served, and the greatest multiple, when the target keeps off crossings of unknown capacity.

    Borders, hauls and runs from country to country, and handling are shut to the target where no row limits them;
    hauls within a country are left open, for else nothing could leave a region whose lines have no row. Base demand
    uses all as before; `base` (n_demands,) are the tonnes of it that are served without the target.
    """
    aim = perturb(asked.aim, open=asked.aim.open & ~(unlimited(asked) & ~within_a_country(asked)))
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
            places = {_place(asked, int(a)) for a in asked.aim_arc[met]}
            where += [(*place, float(flows.path_tonnes[i])) for place in places]
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
