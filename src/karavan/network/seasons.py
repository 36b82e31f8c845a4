"""Months of the year: what ice, wind and seasons close in each, and how much of a year's capacity each has.

A service runs in the months of its season; a restriction that closes something in some months closes it in those. A
capacity is that of a year: what works in eight months has an eighth of it in each of them, and nothing in the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from karavan.schema.case import as_list
from karavan.units import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.network.capacity import Capacity
    from karavan.network.graph import Graph
    from karavan.network.restrictions import Restrictions
    from karavan.schema.case import Case

MONTHS = range(1, int(MONTHS_PER_YEAR) + 1)


def closed_in(case: Case, graph: Graph, restrictions: Restrictions, month: int) -> NDArray[np.bool_]:
    """Return the arcs that a month (1 to 12) closes to each commodity, beyond the year's; (n_commodities, n_arcs)."""
    goods = [str(c) for c in case.commodities.index]
    closed = np.zeros((len(goods), graph.n_arcs), np.bool_)
    seasons = [[int(m) for m in as_list(cell)] for cell in case.services["season_months"]]
    out_of_season = np.array([bool(s) and month not in s for s in seasons] + [False])  # last: arcs without a service
    closed |= out_of_season[graph.service]
    for i, mask in restrictions.touched.items():
        row = case.restrictions.iloc[i]
        by_pair = as_list(row["origin_countries"]) + as_list(row["destination_countries"])
        if row["effect"] != "closed" or by_pair or month not in [int(m) for m in as_list(row["months"])]:
            continue
        named = [str(row["target"])] if row["applies_to"] == "commodities" else as_list(row["commodities"]) or goods
        closed[np.array([name in named for name in goods])[:, None] & mask] = True
    return closed


def shares(case: Case, graph: Graph, restrictions: Restrictions, capacity: Capacity, month: int) -> NDArray[np.float64]:
    """Return the share of a year's capacity that each row has in a month, (n_rows,).

    1 over the months in which something that loads the row is open; 0 in a month in which nothing is.
    """
    arc = np.repeat(np.arange(graph.n_arcs), np.diff(capacity.indptr))
    months, here = np.zeros(capacity.n_rows, np.int64), np.zeros(capacity.n_rows, np.bool_)
    for m in MONTHS:
        is_open = np.any(~closed_in(case, graph, restrictions, m), axis=0)
        works = np.asarray(np.bincount(capacity.row[is_open[arc]], minlength=capacity.n_rows) > 0, dtype=np.bool_)
        months += works
        if m == month:
            here = works
    out = np.zeros(capacity.n_rows)
    out[here] = 1.0 / months[here]
    return out
