"""A network of three lines for promises, small enough to be solved by hand.

A - B by line F1, B - C by line F2, and A - C directly by line F3. Grain goes from a to b (base demand) and from a to c
(the target). A limit holds in each direction by itself, so the ways are:

    target  A-B-C: F1 and F2      A-C: F3
    base    A-B: F1               A-C-B: F3, and F2 in the other direction

None of them is twice as dear as the other: USD 35 and 30 for the target, 25 and 40 for the base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from karavan.scenario.promise_types import Alternative, DirectionDemand, Target
from karavan.schema.case import Case, Meta, make_case

LINES = ("F1", "F2", "F3")


def frame(**columns: list[Any]) -> pd.DataFrame:
    """Make a frame of columns."""
    return pd.DataFrame(columns)


def three_lines(
    f1: float = 1000.0, f2: float = 700.0, f3: float = 300.0, *, base: float = 200.0, **changes: pd.DataFrame
) -> Case:
    """Return the case with these capacities, tonnes a year in each direction."""
    n = 3
    tables = {
        "modes": frame(id=["rail"], name=["Rail"], medium=["land"], carrying_units=["wagon"], km_per_day=[240.0]),
        "carrying_units": frame(id=["wagon"], name=["Wagon"], track_gauge_mm=[1520], payload_tonnes=[50.0],
                                wagons_per_unit=[1.0]),
        "nodes": frame(id=["A", "B", "C"], name=["Aby", "Bay", "Cove"], place=["Aby", "Bay", "Cove"],
                       country=["AAA", "BBB", "CCC"], kind=["city"] * n, latitude=[40.0] * n,
                       longitude=[50.0, 52.0, 55.0], coordinate_precision_km=[1.0] * n),
        "links": frame(id=["A-B", "B-C", "A-C"], from_node=["A", "B", "A"], to_node=["B", "C", "C"], mode=["rail"] * n,
                       length_km=[250.0, 100.0, 300.0], track_gauge_mm=[1520] * n),
        "commodities": frame(id=["grain", "flour"], name=["Grain", "Flour"],
                             unit_value_usd_per_tonne=[200.0, 400.0],
                             value_of_time_usd_per_tonne_hour=[0.0, 0.0], carrying_units=["wagon", "wagon"]),
        "zones": frame(id=["a", "b", "c"], name=["Zone a", "Zone b", "Zone c"], country=["AAA", "BBB", "CCC"],
                       nodes=["A", "B", "C"]),
        "demand": frame(id=["a>b", "a>c"], origin=["a", "a"], destination=["b", "c"], commodity=["grain", "grain"],
                        tonnes=[base, 50.0], peak_month_share=[None, None]),
        "freight_tariffs": frame(id=["rail"], mode=["rail"], usd_per_tkm=[0.1]),
        "facilities": frame(id=list(LINES), name=["Line 1", "Line 2", "Line 3"], kind=["line"] * n,
                            unit=["tonnes"] * n, element_table=["links"] * n, elements=["A-B", "B-C", "A-C"],
                            direction=["each"] * n, capacity_stated=[None] * n, capacity_computed=[f1, f2, f3],
                            capacity_used=["computed"] * n),
        "corridors": frame(corridor=["by-b", "by-b"], name=["By Bay", "By Bay"], seq=[1, 2], from_node=["A", "B"],
                           to_node=["B", "C"], mode=["rail", "rail"], carrying_unit=["wagon", "wagon"]),
    }  # fmt: skip
    return make_case(Meta(name="three lines", year=2024), tables | changes)


def target(
    tonnes: float,
    *,
    year: int = 2030,
    via: str = "",
    peak: float | None = None,
    alternatives: tuple[Alternative, ...] = (),
    replaced: bool = True,
) -> Target:
    """Return a target of grain from a to c, in the place of today's."""
    rows = frame(origin=["a"], destination=["c"], commodity=["grain"], tonnes=[tonnes],
                 peak_month_share=[np.nan if peak is None else peak], value_usd=[np.nan])  # fmt: skip
    replaces = {"a>c": 50.0} if replaced else {}
    one_way = DirectionDemand("AAA", "CCC", tonnes, tonnes, tonnes, rows, replaces)
    return Target(f"{tonnes:g} t of grain", "words", None, "volume", year=year, via=via, directions=(one_way,),
                  alternatives=alternatives)  # fmt: skip


@dataclass(frozen=True)
class ByHand:
    """What the linear programme written by hand says: base tonnes served alone, tonnes of the target, scale, change."""

    base: float
    served: float
    scale: float
    percent: float


def by_hand(f: tuple[float, float, float], base: float, wanted: float) -> ByHand:
    """Solve the programme of the module's docstring.

    Variables: target by B and directly, base directly and by C, additions to F1, F2, F3, scale.
    """
    rows = np.array([
        [1, 0, 1, 0],  # F1, towards B
        [1, 0, 0, 0],  # F2, towards C
        [0, 1, 0, 1],  # F3, towards C
        [0, 0, 0, 1],  # F2, towards B
    ], dtype=float)  # fmt: skip
    line = np.array([0, 1, 2, 1])
    limit = np.array(f)[line]
    flow = [[0.0, 0.0, 1.0, 1.0]]
    served_base = min(base, -linprog([0, 0, -1, -1], A_ub=rows, b_ub=limit, A_eq=[[1, 1, 0, 0]], b_eq=[0]).fun)
    most = linprog([-1, -1, 0, 0], A_ub=np.vstack([rows, [1, 1, 0, 0]]), b_ub=np.append(limit, wanted), A_eq=flow,
                   b_eq=[served_base])  # fmt: skip
    scale = linprog([-1, -1, 0, 0], A_ub=rows, b_ub=limit, A_eq=flow, b_eq=[served_base])
    more = np.hstack([rows, -np.eye(3)[line]])
    both = [[1, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0]]
    least = linprog([0, 0, 0, 0, *(100.0 / np.array(f))], A_ub=more, b_ub=limit, A_eq=both, b_eq=[wanted, served_base])
    return ByHand(served_base, -most.fun, -scale.fun / wanted, least.fun)
