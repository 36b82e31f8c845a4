"""Who uses what: pairs and goods on an element of the network, the paths they take, and what they meet on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from karavan.cost.arc_cost import COMPONENTS
from karavan.errors import NameNotFound
from karavan.model import demand_rows
from karavan.network.graph import ArcKind
from karavan.schema.case import positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.assignment.assignment import Assignment
    from karavan.model import Model

    Bool = NDArray[np.bool_]
    Float = NDArray[np.float64]

Element = Literal["links", "services", "nodes", "transfers", "borders", "facilities"]
Direction = Literal["both", "forward", "backward"]
HOURS = ("move_hours", "border_hours", "handling_hours", "wait_hours")


def select(assignment: Assignment, table: Element, name: str, *, direction: Direction = "both") -> pd.DataFrame:
    """Return which pairs and goods use an element of the network, most tonnes first (select link analysis).

    Parameters
    ----------
    table, name
        A row of `links`, `services`, `nodes` (any passage), `transfers`, `borders` or `facilities`.
    direction
        Of links, services and the capacity rows of facilities.

    Returns
    -------
    One row a demand row: demand, origin, destination, commodity, `tonnes` through the element, `share_of_demand` (of
    the demand's tonnes, served or not) and `share_of_element`. A path counts once, however often it passes.

    Raises
    ------
    NameNotFound
        The table has no such row.

    Examples
    --------
    >>> from karavan import assign, read_pack
    >>> flows = assign(read_pack("caspian"))
    >>> select(flows, "links", "KZ_AKT-AZ_ALA-ferry").columns[:4].tolist()
    ['demand', 'origin', 'destination', 'commodity']
    """
    uses = _uses(assignment, table, name, direction)
    s = assignment.solution
    tonnes = np.bincount(s.path_demand[uses], weights=s.path_tonnes[uses], minlength=assignment.problem.n_demands)
    out = _demands(assignment).assign(tonnes=tonnes)
    out["share_of_demand"] = np.divide(
        tonnes, assignment.problem.tonnes, out=np.zeros(len(out)), where=assignment.problem.tonnes > 0
    )
    out["share_of_element"] = tonnes / max(float(tonnes.sum()), 1e-300)
    return out[tonnes > 0].sort_values("tonnes", ascending=False, kind="stable").reset_index(drop=True)


def used_paths(assignment: Assignment) -> pd.DataFrame:
    """Return every path with flow: its share of the demand's tonnes, cost, and its places, modes, units and services.

    `places`, `modes`, `carrying_units` and `services` are in travel order, separated by ";". `queue_usd_per_tonne` is
    what the shadow prices or queues on the way come to; `usd_per_tonne` and `money_usd_per_tonne` are without.
    """
    s, case, graph = assignment.solution, assignment.model.case, assignment.model.graph
    out = _demands(assignment).iloc[s.path_demand].reset_index(drop=True)
    mine = assignment.paths.drop(columns=["demand", "commodity"])
    out = pd.concat([out, mine], axis=1)
    out.insert(5, "share", s.path_tonnes / assignment.problem.tonnes[s.path_demand])
    out["queue_usd_per_tonne"] = path_queues(assignment)
    columns = {
        "places": (case.nodes.index, graph.node[graph.head]),
        "modes": (case.modes.index, graph.arc_mode),
        "carrying_units": (case.carrying_units.index, graph.arc_unit),
        "services": (case.services.index, graph.service),
    }
    for column, (names, position) in columns.items():
        words = names.to_numpy(dtype=object)
        out[column] = [_run(words, position[assignment.path_arcs(i)]) for i in range(len(out))]
    return out


def skims(assignment: Assignment) -> pd.DataFrame:
    """Return what the mean tonne of each demand row meets at the solution: cost, hours, kilometres, queues.

    USD per tonne: `haulage`, `handling`, `border`, `time` (hours at the value of time), `queue`; `hours` and its parts;
    `km`. Missing where nothing is served.
    """
    model, s = assignment.model, assignment.solution
    path, arc, _ = assignment.path_table
    goods = assignment.path_commodity[path]
    values: dict[str, Float] = {}
    for name in COMPONENTS:
        values[name] = np.array([getattr(c, name) for c in model.costs])[goods, arc]
    for name in ("hours", *HOURS, "km"):
        values[name] = getattr(model.graph, name)[arc]
    out = _demands(assignment).assign(tonnes=assignment.problem.tonnes, served=s.served)
    carried = np.bincount(s.path_demand, weights=s.path_tonnes, minlength=len(out))
    by_path = {name: _sums(path, v, len(s.path_tonnes)) for name, v in values.items()}
    by_path["queue"] = path_queues(assignment)
    for name, value in by_path.items():
        total = np.bincount(s.path_demand, weights=value * s.path_tonnes, minlength=len(out))
        unit = "" if name in {"hours", "km", *HOURS} else "_usd_per_tonne"
        out[name + unit] = np.divide(total, carried, out=np.full(len(out), np.nan), where=carried > 0)
    return out


def path_queues(assignment: Assignment) -> Float:
    """Return what the rows on each path cost at their shadow prices, USD per tonne, shape (n_paths,)."""
    p, s = assignment.problem, assignment.solution
    priced = np.bincount(
        np.repeat(np.arange(p.cost.size), np.diff(p.usage_indptr)),
        weights=p.usage_units * np.nan_to_num(s.dual)[p.usage_row],
        minlength=p.cost.size,
    ).reshape(p.cost.shape)
    path, arc, _ = assignment.path_table
    return _sums(path, priced[assignment.path_commodity[path], arc], len(s.path_tonnes))


def _sums(path: NDArray[np.int64], value: NDArray[Any], n_paths: int) -> Float:
    return np.bincount(path, weights=value, minlength=n_paths).astype(np.float64)


def _uses(assignment: Assignment, table: Element, name: str, direction: Direction) -> Bool:
    """Return which paths use the element, shape (n_paths,)."""
    model = assignment.model
    at = int(positions(getattr(model.case, table), [name])[0])
    if at < 0:
        raise NameNotFound(name, f"row of {table}")
    path, arc, _ = assignment.path_table
    if table == "facilities":
        on = _limited(model, at, direction)[assignment.path_commodity[path], arc]
    else:
        on = _arcs(model, table, at, direction)[arc]
    used = np.zeros(len(assignment.solution.path_tonnes), dtype=bool)
    used[path[on]] = True
    return used


def _arcs(model: Model, table: Element, at: int, direction: Direction) -> Bool:
    """Return the arcs that are, run over or touch the element."""
    graph = model.graph
    ways = {"both": (True, False), "forward": (True,), "backward": (False,)}[direction]
    out = np.zeros(graph.n_arcs, dtype=bool)
    if table == "links":
        step = (graph.steps_link == at) & np.isin(graph.steps_forward, ways)
        out[np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))[step]] = True
    elif table == "borders":
        out[np.repeat(np.arange(graph.n_arcs), np.diff(graph.over_indptr))[graph.over_border == at]] = True
    elif table == "nodes":
        out = (graph.node[graph.tail] == at) | (graph.node[graph.head] == at)
    elif table == "transfers":
        out = graph.transfer == at
    else:
        out = (graph.kind == ArcKind.RUN) & (graph.service == at) & np.isin(graph.forward, ways)
    return out


def _limited(model: Model, at: int, direction: Direction) -> Bool:
    """Return which commodity loads which arc of a facility, shape (n_commodities, n_arcs); empties do not count."""
    capacity, names = model.capacity, model.case.commodities.index
    entry = (capacity.facility[capacity.row] == at) & capacity.loaded
    if direction != "both":
        ways = np.array([str(w) for w in capacity.direction], dtype=object)
        entry &= np.isin(ways, (direction, "both"))[capacity.row]
    arcs = np.zeros(model.graph.n_arcs, dtype=bool)
    arcs[np.repeat(np.arange(model.graph.n_arcs), np.diff(capacity.indptr))[entry]] = True
    takes = np.array([not capacity.goods[at] or name in capacity.goods[at] for name in names], dtype=bool)
    return np.asarray(takes[:, None] & arcs, dtype=np.bool_)


def _demands(assignment: Assignment) -> pd.DataFrame:
    """Return id, origin, destination and commodity of each demand row."""
    rows = demand_rows(assignment.model.case)
    columns = {c: rows[c].to_numpy(dtype=object) for c in ("origin", "destination", "commodity")}
    return pd.DataFrame({"demand": rows.index.to_numpy(dtype=object), **columns})


def _run(words: NDArray[np.object_], positions_: NDArray[np.integer]) -> str:
    """Join the words at the positions, in order, each stretch of the same once; -1 is nothing."""
    known = positions_[positions_ >= 0]
    new = np.append(True, known[1:] != known[:-1])[: len(known)]
    return ";".join(words[known[new]])
