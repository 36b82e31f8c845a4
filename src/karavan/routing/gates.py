"""What is dated on a route: the departures and opening hours that its draws can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from karavan.routing.query import Query

    Float = NDArray[np.float64]


class Gate(NamedTuple):
    """Dated departures or opening hours, in minutes since 1970, in order of time.

    Goods that come no later than `last` go on at `leave`, or at once where that is past; see `kernels.pareto_timed`.
    `told`: it takes the place of the arc's expected wait, as a timetable does; else that wait comes on top.
    """

    last: Float
    leave: Float
    told: bool = True


def gates_on(query: Query, arcs: NDArray[np.int32]) -> dict[int, Gate]:
    """Return what is dated on a path, by arc; nothing where the query has no dates."""
    gating, timetable = query.gating, query.scene.timetable
    if gating is None or timetable is None:
        return {}
    found = {}
    for arc in arcs.tolist():
        g = int(gating.gate[arc])
        if g >= 0:
            part = slice(int(gating.start[g]), int(gating.start[g + 1]))
            last, leave = (times[part] + timetable.start for times in (gating.last, gating.leave))
            found[arc] = Gate(last, leave, told=bool(query.scene.told[arc]))
    return found
