"""Constants of calibration on arcs: what a mode or corridor is worth beyond the money and hours that tables give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from karavan.errors import NameNotFound
from karavan.network.graph import ArcKind, Graph
from karavan.schema.case import position
from karavan.schema.chains import link_chains
from karavan.schema.state import is_open, reference_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.schema.case import Case

    Float = NDArray[np.float64]


def arc_constants(case: Case, graph: Graph) -> Float:
    """Return the constants of the case on every arc, USD per tonne, shape (n_arcs,)."""
    out = np.zeros(graph.n_arcs)
    for _, row in case.constants.iterrows():
        if row["kind"] != "dispersion":
            kind: Literal["mode", "corridor"] = "mode" if row["kind"] == "mode" else "corridor"
            out += float(row["value"]) * constant_share(case, graph, kind, str(row["target"]))
    return out


def constant_share(case: Case, graph: Graph, kind: Literal["mode", "corridor"], target: str) -> Float:
    """Return how much of a constant an arc costs, shape (n_arcs,).

    A mode's: once where goods are put on it from elsewhere. A corridor's: the share of its kilometres under the arc.

    Raises
    ------
    NameNotFound
        The case has no such mode or corridor.
    """
    if kind == "mode":
        mode = position(case.modes, target)
        if mode < 0:
            raise NameNotFound(target, "mode", [str(m) for m in case.modes.index])
        puts_on = np.isin(graph.kind, (ArcKind.LOAD, ArcKind.TRANSFER))
        puts_on &= (graph.mode[graph.head] == mode) & (graph.mode[graph.tail] != mode)
        return np.asarray(puts_on, dtype=np.float64)
    legs = case.corridors[case.corridors["corridor"] == target].sort_values("seq", kind="stable")
    if not len(legs):
        raise NameNotFound(target, "corridor", sorted(set(case.corridors["corridor"])))
    chains = link_chains(case.links, is_open(case.links, reference_day(case.meta.year)))
    on = np.zeros(len(case.links), dtype=bool)
    for leg in legs.itertuples():
        steps = chains.shortest(str(leg.mode), [str(leg.from_node), str(leg.to_node)]) or []
        on[[link for link, _ in steps]] = True
    km = np.where(on, case.links["length_km"].fillna(0.0).to_numpy(dtype=np.float64), 0.0)
    arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))
    mine = np.bincount(arc, weights=km[graph.steps_link], minlength=graph.n_arcs)
    return np.asarray(mine / max(float(km.sum()), 1e-300), dtype=np.float64)
