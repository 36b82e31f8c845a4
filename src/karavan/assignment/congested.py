"""From a case whose links have delay functions to the arrays of a congested assignment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.assignment.equilibrium_problem import EquilibriumProblem, make_equilibrium_problem
from karavan.cost.delay import DelayFunction
from karavan.errors import CaseError, Finding, FormatError
from karavan.schema.case import positions

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from karavan.schema.case import Case

    Float = NDArray[np.float64]
    Long = NDArray[np.int64]

# what a delay function cannot do without, beside the free-flow time
NEEDS = {
    "constant": (),
    "bpr": ("delay_capacity", "delay_b", "delay_power"),
    "bpr2": ("delay_capacity", "delay_b", "delay_power"),
    "conical": ("delay_capacity", "delay_power"),
    "akcelik": ("delay_capacity", "delay_b", "delay_power"),
    "queue": ("delay_capacity", "delay_b", "delay_power"),
}


@dataclass(frozen=True, slots=True, eq=False)
class CongestedNetwork:
    """A case as a congested assignment sees it.

    Attributes
    ----------
    problem
        Its classes are the commodities in demand, in the order of `commodities`, one vehicle a unit of demand.
    link, forward
        (n_links,): position in `case.links`, and whether it runs from its first end to its other. Links of no length
        that join a zone of several nodes to these have position -1.
    demand
        (n_demands,): position in `case.demand`.
    commodities
        Ids.
    within
        Demand that starts and ends in the same zone: not assigned.
    """

    problem: EquilibriumProblem
    link: Long
    forward: NDArray[np.bool_]
    demand: Long
    commodities: tuple[str, ...]
    within: float


def network_of(
    case: Case, *, toll_weight: float | None = None, distance_weight: float | None = None
) -> CongestedNetwork:
    """Build the congested network of a case: open links that have a free-flow time, zones, demand.

    The cost of a link is its time, plus its toll times `toll_weight`, plus its declared length times `distance_weight`:
    the weights bring both to the unit of time; where not given, they are what `case.meta.units` declares, else 0.
    A zone of one node is that node, passed by others only where `zones.through` says so; a zone of several is a node of
    its own, joined to them free of charge.

    Raises
    ------
    CaseError
        Where a link has no free-flow time, or its delay function lacks what it needs.
    ValueError
        Where a delay function has no value or falls with flow.
    """
    links = case.links[case.links["status"].fillna("open").eq("open").to_numpy(dtype=bool)]
    _require(case, links)
    place = positions(case.links, links.index)
    ends = [positions(case.nodes, links[c]) for c in ("from_node", "to_node")]
    back = ~links["directed"].fillna(value=False).to_numpy(dtype=bool)
    row = np.concatenate((np.arange(len(links)), np.flatnonzero(back)))
    columns = {c: links[c].to_numpy(dtype=np.float64) for c in ("delay_free_flow_time", *NEEDS["bpr"])}
    weights = [declared_weight(case, k, w) for k, w in (("toll", toll_weight), ("distance", distance_weight))]
    fixed = _zero(links, "toll") * weights[0] + _zero(links, "declared_length") * weights[1]
    codes = {f.name.lower(): int(f) for f in DelayFunction}
    kind = np.array([codes[str(x)] for x in links["delay_function"].fillna("constant")], dtype=np.int64)
    zones = _zones(case)
    extra = zones.joined.size
    none = np.zeros(2 * extra)
    demand = case.demand
    between = (demand["origin"] != demand["destination"]).to_numpy(dtype=bool)
    rows = demand[between]
    commodities = tuple(dict.fromkeys(rows["commodity"].tolist())) or ("",)
    problem = make_equilibrium_problem(
        n_nodes=zones.through.size,
        tail=np.concatenate((ends[0], ends[1][back], zones.joined_zone, zones.joined)),
        head=np.concatenate((ends[1], ends[0][back], zones.joined, zones.joined_zone)),
        function=np.concatenate((kind[row], none.astype(np.int64))),
        free_time=np.concatenate((columns["delay_free_flow_time"][row], none)),
        capacity=np.concatenate((np.nan_to_num(columns["delay_capacity"])[row], none)),
        b=np.concatenate((np.nan_to_num(columns["delay_b"])[row], none)),
        power=np.concatenate((np.nan_to_num(columns["delay_power"])[row], none)),
        fixed=np.concatenate((fixed[row], none)),
        pce=np.ones(len(commodities)),
        through=zones.through,
        origin=zones.node[positions(case.zones, rows["origin"])],
        destination=zones.node[positions(case.zones, rows["destination"])],
        demand_class=np.array([commodities.index(c) for c in rows["commodity"].tolist()], dtype=np.int32),
        demand=rows["tonnes"].to_numpy(dtype=np.float64),
    )
    return CongestedNetwork(
        problem=problem,
        link=np.concatenate((place[row], np.full(2 * extra, -1))),
        forward=np.concatenate((np.ones(len(links), np.bool_), np.zeros(int(back.sum()) + 2 * extra, np.bool_))),
        demand=np.flatnonzero(between),
        commodities=commodities,
        within=float(demand["tonnes"].to_numpy(dtype=np.float64)[~between].sum()),
    )


def declared_weight(case: Case, key: str, given: float | None) -> float:
    """Return the time that a unit of toll or distance (`key`) is worth: as given, else as the case declares, else 0.

    Raises `FormatError` where the case declares no number.
    """
    if given is not None:
        return given
    text = case.meta.units.get(f"{key}_weight", "0")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = f"case.toml of {case.meta.name}: units.{key}_weight is {text!r}; give a number"
        raise FormatError(message)
    return value


def _zero(links: pd.DataFrame, column: str) -> Float:
    return np.asarray(np.nan_to_num(links[column].to_numpy(dtype=np.float64)), np.float64)


def _require(case: Case, links: pd.DataFrame) -> None:
    """Raise `CaseError` with every link that lacks what its delay function needs."""
    findings: list[Finding] = []
    function = links["delay_function"].fillna("constant")
    wanted = [("delay_free_flow_time", np.ones(len(links), np.bool_))]
    wanted += [(c, function.isin([f for f, needs in NEEDS.items() if c in needs]).to_numpy()) for c in NEEDS["bpr"]]
    for column, needed in wanted:
        missing = links.index[links[column].isna().to_numpy() & needed]
        findings += [
            Finding("error", "links.csv", 0, column, "is missing", "give it, or another delay_function", id=str(i))
            for i in missing
        ]
    if findings:
        raise CaseError(case.meta.name, findings)


@dataclass(frozen=True, slots=True, eq=False)
class _Zones:
    """Node of each zone, whether nodes may be passed, and the pairs of zone node and network node to join."""

    node: Long
    through: NDArray[np.bool_]
    joined_zone: Long
    joined: Long


def _zones(case: Case) -> _Zones:
    n = len(case.nodes)
    lists = [str(x).split(";") for x in case.zones["nodes"].tolist()]
    passed = case.zones["through"].fillna(value=False).to_numpy(dtype=bool)
    several = np.array([len(x) > 1 for x in lists], dtype=bool)
    first = positions(case.nodes, [x[0].strip() for x in lists]).astype(np.int64)
    node = first.copy()
    node[several] = n + np.arange(int(several.sum()))
    through = np.ones(n + int(several.sum()), np.bool_)
    through[node[~passed | several]] = False
    pairs = [(int(node[i]), x.strip()) for i in np.flatnonzero(several).tolist() for x in lists[i]]
    joined = positions(case.nodes, [x for _, x in pairs]).astype(np.int64)
    return _Zones(node, through, np.array([z for z, _ in pairs], dtype=np.int64), joined)
