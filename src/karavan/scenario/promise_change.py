"""The least change with which a network would carry a target: capacity at least cost, and what capacity cannot cure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.assignment.room import Room, enlarge, serve
from karavan.cost.arc_cost import arc_costs
from karavan.model import demand_rows, problem_of
from karavan.problem import perturb
from karavan.schema.case import as_list
from karavan.units import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from karavan.assignment.room import Served
    from karavan.scenario.promise_ground import Ground
    from karavan.scenario.promise_problem import Question
    from karavan.schema.case import Case

    Float = NDArray[np.float64]

COLUMNS = ("facility", "name", "kind", "unit", "capacity", "add", "percent", "usd", "projects")
CAUSES = ("cause", "what", "origin", "destination", "commodity", "tonnes", "text")
CRUMB = 1e-7  # of a capacity: less added is the solver's tolerance


@dataclass(frozen=True, slots=True, eq=False)
class LeastChange:
    """Additions to capacity, own units a year, and causes that no capacity cures.

    Attributes
    ----------
    frame
        facility, name, kind, unit, capacity, add, percent (of the capacity), usd (where a project says what a unit
        costs), projects (ids of those that would raise it). Empty where the target is carried.
    causes
        cause ("restriction", "no way", "equipment", "tariff"), what, origin, destination, commodity, tonnes, text.
    criterion
        "usd" or "percent": what is least. Percent where the cost of a unit is not known for every facility in question.
    text
        The criterion in words, with how many costs are known.
    """

    frame: pd.DataFrame
    causes: pd.DataFrame
    criterion: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        both = {"capacity": self.frame, "causes": self.causes}
        records = {n: f.astype(object).where(f.notna(), None).to_dict("records") for n, f in both.items()}
        return {**records, "criterion": self.criterion, "text": self.text}


def least_change(asked: Question, room: Room, ground: Ground, *, base: Float, found: Served) -> LeastChange:
    """Work out the additions to capacity of least cost with which the whole target is served.

    It is the optimum over all ways, not only those of today. An addition holds for every row of a facility: both its
    directions, and each of its links. Least is the cost in USD where every facility that could be added to has one,
    else the sum of the increases as shares of what is there. `base` (n_demands,): tonnes of base demand served alone.
    """
    causes = _causes(asked, room)
    usd = unit_costs(asked.model.case, asked.facilities)
    left = asked.tonnes - found.served
    if not (left[asked.target & room.reachable] > 1e-6 * asked.wanted).any():
        frame = pd.DataFrame(columns=list(COLUMNS))
        return LeastChange(frame, causes, "percent", "no capacity need be added")
    capacity = _greatest(asked)
    known = np.isfinite(usd)
    by_cost = bool(known.all())
    percent = 100.0 / np.where(capacity > 0, capacity, _usual(asked))
    added, for_base = _added(asked, room, usd if by_cost else percent, base)
    frame = _frame(asked, ground, _with_deficits(asked, added), capacity, usd)
    words = "least USD" if by_cost else "least sum of percentages added to capacities"
    text = f"{words}; the cost of a unit is known for {int(known.sum())} of {known.size} facilities"
    text += "; with what other demand lacks today, which would take the room first" if for_base else ""
    return LeastChange(frame, causes, "usd" if by_cost else "percent", text)


def _added(asked: Question, room: Room, weight: Float, base: Float) -> tuple[Float, bool]:
    """Return the additions (n_facilities,), and whether they hold what base demand lacks today.

    Base demand that is not served even without the target would take new room first. Where it does, the additions are
    those that serve all of it, too.
    """
    added = enlarge(room, weight).added
    if (asked.base.tonnes - base).sum() <= CRUMB * asked.base.tonnes.sum() or _carries(asked, added):
        return added, False
    whole = Room([asked.base, asked.aim], asked.target, asked.row_facility)
    return enlarge(whole, weight).added, True


def _carries(asked: Question, added: Float) -> bool:
    """Tell whether the target that has a way is served when capacities are added to."""
    rhs = asked.rhs + added[asked.row_facility]
    room = Room([perturb(asked.base, rhs=rhs), perturb(asked.aim, rhs=rhs)], asked.target, asked.row_facility)
    left = (asked.tonnes - serve(room).served)[asked.target & room.reachable]
    return float(left.sum()) <= 10.0 * CRUMB * asked.wanted


def _frame(asked: Question, ground: Ground, add: Float, capacity: Float, usd: Float) -> pd.DataFrame:
    """Return a row for each facility added to, the greatest share first."""
    case = asked.model.case
    share_of_year = np.ones(len(asked.facilities))
    share_of_year[asked.row_facility] = asked.share
    projects = _raising(ground.case.projects)
    rows = []
    for f in np.flatnonzero(add > CRUMB * np.maximum(capacity, 1.0)).tolist():
        name = asked.facilities[f]
        table = case.facilities.loc[name]
        share = 100.0 * add[f] / capacity[f] if capacity[f] > 0 else np.nan
        year = 1.0 / share_of_year[f] if share_of_year[f] > 0 else MONTHS_PER_YEAR
        rows.append((name, str(table["name"]), str(table["kind"]), str(table["unit"]), capacity[f] * year,
                     add[f] * year, share, usd[f] * add[f] * year, ";".join(projects.get(name, []))))  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.sort_values("percent", ascending=False, kind="stable", ignore_index=True)


def _greatest(asked: Question) -> Float:
    """Return the capacity of each facility, own units of the period."""
    out = np.zeros(len(asked.facilities))
    np.maximum.at(out, asked.row_facility, asked.model.capacity.gross * asked.share)
    return out


def _usual(asked: Question) -> Float:
    """Return own units that the whole target would use of each facility: a measure where there is no capacity yet."""
    problem = asked.aim
    total = np.bincount(problem.usage_row, weights=problem.usage_units, minlength=problem.n_rows)
    count = np.bincount(problem.usage_row, weights=problem.usage_units > 0, minlength=problem.n_rows)
    units = np.divide(total, count, out=np.ones(problem.n_rows), where=count > 0)
    out = np.zeros(len(asked.facilities))
    np.maximum.at(out, asked.row_facility, units * max(asked.wanted, 1.0))
    return out


def _with_deficits(asked: Question, added: Float) -> Float:
    """Add what preloads already take beyond a capacity, where it is to be used at all."""
    capacity = asked.model.capacity
    short = np.maximum(capacity.preload - capacity.gross, 0.0) * asked.share
    out = added.copy()
    for f in np.flatnonzero(added > 0).tolist():
        out[f] += float(short[asked.row_facility == f].max(initial=0.0))
    return out


def _raising(projects: pd.DataFrame) -> dict[str, list[str]]:
    """Return the projects that raise each facility."""
    out: dict[str, list[str]] = {}
    mine = projects[(projects["effect"] == "raises_capacity") & (projects["element_table"] == "facilities")]
    for name, cell in mine["elements"].items():
        for facility in as_list(cell):
            out.setdefault(facility, []).append(str(name))
    return out


def unit_costs(case: Case, facilities: Sequence[str]) -> Float:
    """Return USD for one more own unit a year of each facility; NaN where no project says.

    A project that raises one facility alone, with a cost and a capacity afterwards, tells it: cost over the difference
    to what is there. Of several the cheapest.
    """
    out = np.full(len(facilities), np.nan)
    at = {name: i for i, name in enumerate(facilities)}
    table = case.facilities
    for p in case.projects.itertuples():
        elements = as_list(p.elements)
        if p.effect != "raises_capacity" or len(elements) != 1 or elements[0] not in at:
            continue
        now = table.loc[elements[0]]
        more = float(p.capacity_after) - float(now[f"capacity_{now['capacity_used']}"])  # type: ignore[arg-type]
        cost = float(p.cost_usd)  # type: ignore[arg-type]
        if more > 0 and np.isfinite(cost) and p.capacity_unit == now["unit"]:
            out[at[elements[0]]] = np.fmin(out[at[elements[0]]], cost / more)
    return out


# What capacity cannot cure


def _causes(asked: Question, room: Room) -> pd.DataFrame:
    """Name the restrictions, equipment and tariffs that keep goods of the target off the network."""
    problem, demand = asked.aim, demand_rows(asked.model.case)
    rows: list[tuple[Any, ...]] = []
    for d in np.flatnonzero(asked.target & (problem.tonnes > 0)).tolist():
        ends = demand.iloc[d]
        who = (str(ends["origin"]), str(ends["destination"]), str(ends["commodity"]), float(problem.tonnes[d]))
        if not room.reachable[d]:
            rows += [(cause, what, *who, text) for cause, what, text in _shut(asked, d)]
            continue
        least = _cheapest(problem, d, problem.open[problem.demand_class[d]])[0]
        worth = float(problem.unserved_price[d])
        if least > worth:
            text = f"the cheapest way costs {least:,.0f} USD per tonne, the goods bear {worth:,.0f}"
            rows.append(("tariff", f"{least - worth:,.0f} USD per tonne too dear", *who, text))
    return pd.DataFrame(rows, columns=list(CAUSES))


def _shut(asked: Question, d: int) -> list[tuple[str, str, str]]:
    """Say why a demand has no way at all: restrictions that close it, or nothing that could carry the goods."""
    model = asked.model
    case = model.case
    k = list(case.commodities.index).index(str(demand_rows(case).iloc[d]["commodity"]))
    plain = problem_of(model)
    least, arcs = _cheapest(plain, d, arc_costs(case, model.graph)[k].open)
    if not np.isfinite(least):
        return [("equipment", "no way", "no unit that takes the goods runs all the way, whatever is open")]
    out = []
    for i, mask in model.restrictions.touched.items():
        row = case.restrictions.iloc[i]
        if row["effect"] == "closed" and mask[arcs].any():
            out.append(("restriction", str(case.restrictions.index[i]), str(row["text"])))
    return out or [("no way", "no way", "every way is closed to these goods")]


def _cheapest(problem: Any, d: int, is_open: NDArray[np.bool_]) -> tuple[float, NDArray[np.int32]]:
    """Return cost and arcs of the cheapest way of one demand over the arcs given as open; infinite without one."""
    from karavan.kernels.shortest_path import shortest_tree

    cost = problem.cost[problem.demand_class[d]]
    distance, arrival = shortest_tree(
        problem.out_start, problem.out_arc, problem.head, cost, is_open, int(problem.origin[d])
    )
    at, path = int(problem.destination[d]), []
    if not np.isfinite(distance[at]):
        return np.inf, np.empty(0, np.int32)
    while at != problem.origin[d]:
        path.append(int(arrival[at]))
        at = int(problem.tail[path[-1]])
    return float(distance[int(problem.destination[d])]), np.array(path[::-1], np.int32)


def applied(case: Case, change: LeastChange, *, share: float = 1.0) -> Case:
    """Return the case with a share of the additions made to all three capacities of each facility."""
    table = case.facilities
    for name, add in zip(change.frame["facility"], change.frame["add"], strict=True):
        for column in ("capacity_stated", "capacity_computed", "capacity_demonstrated"):
            table.loc[name, column] = table.loc[name, column] + share * add
    return replace(case).with_tables(facilities=table)
