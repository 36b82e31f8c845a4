"""Can the network carry a target? Carried means: the target is served, and no base flow loses a tonne for it.

In order of importance: every demand row that is not the target is served as it is without the target (the rows that
`LeastCost(objective="served first")` serves, and as many tonnes of each), then the target, then cost. What a tonne
left unserved is priced at plays no part in it. That is what a planner could do, an upper bound; what shippers would
choose (`Logit`) stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from karavan.assignment import solve
from karavan.assignment.methods import ArcLabels, LeastCost, Logit
from karavan.assignment.room import Room, Scaled, Served, displace, relaxed, scale, serve
from karavan.model import demand_rows, month_share
from karavan.network.seasons import MONTHS, closed_in
from karavan.problem import Problem, perturb
from karavan.scenario.promise_change import LeastChange, least_change
from karavan.scenario.promise_ground import Basis, Ground, Grounds, Projects
from karavan.scenario.promise_problem import Question, asked_again, question
from karavan.scenario.promise_unknown import known_alone, unknown_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from karavan.assignment.result import Solution
    from karavan.scenario.promise_types import Target
    from karavan.schema.case import Case

    Float = NDArray[np.float64]

Others = Literal["frozen", "grown", "all promises"]
Period = Literal["year", "month"]
Words = Literal["carried with room", "at a limit", "not carried"]

ROOM = 0.05
"""Carried with room: the network would carry this share more of it. Less is no room: tonnes of a target, and capacities
that were computed, are not known to five percent."""

TONNE = 1e-6  # of the target: less unserved is the solver's tolerance
SHIPPERS = Logit(theta=10.0, per="cheapest cost")
"""An assumption, as no pack has a dispersion that counts bear out (decision 0010): of two ways that differ by a tenth
of the cheapest cost, the cheaper takes 2.7 times as much."""

NEARLY = 1e-8  # of a demand: less unserved is the solver's tolerance
CHOSEN = 0.01
"""Of the target: shippers all choose a little otherwise when queues change, so less than this lost is none."""

PLANNER, CHOOSERS = "a planner could carry it", "shippers would choose so"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a verdict supposes of other demand, of projects, of the time of year and of capacities."""

    others: Others = "frozen"
    projects: Projects = "open"
    period: Period = "year"
    capacity: Basis = "computed"

    def to_json(self) -> dict[str, str]:
        """Return plain values."""
        return {name: getattr(self, name) for name in ("others", "projects", "period", "capacity")}


ALL_SETTINGS = tuple(
    Setting(others, projects, period, capacity)
    for projects in get_args(Projects)
    for others in get_args(Others)
    for period in get_args(Period)
    for capacity in get_args(Basis)
)


@dataclass(frozen=True, slots=True)
class ChoiceVerdict:
    """What shippers would do: tonnes of the target.

    `served`; `not_sent`: what they would not send if no capacity bound either, as it costs more than the goods bear;
    `lost_to_queues`: what they would send then, and do not; `base_lost`: what other demand loses when the target comes.
    """

    verdict: Words
    wanted: float
    served: float
    not_sent: float
    lost_to_queues: float
    base_lost: float
    label: str = CHOOSERS

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("verdict", "label", "wanted", "served", "not_sent", "lost_to_queues", "base_lost")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, eq=False)
class Largest:
    """The largest multiple of the target that the network carries; `scale` 1 is the target. None: nothing limits it."""

    scale: float | None
    tonnes: float | None
    set_by: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"scale": self.scale, "tonnes": self.tonnes, "set_by": list(self.set_by)}


@dataclass(frozen=True, eq=False, repr=False)
class NetworkVerdict:
    """The answer for one target and setting. Tonnes a year, or of the busiest month where the setting says so.

    `wanted`, `served`, `unserved`: tonnes of the target. The other answers are worked out when first asked for.
    """

    target: Target
    setting: Setting
    ground: Ground
    question: Question
    base: Float = field(repr=False)
    room: Room = field(repr=False)
    found: Served = field(repr=False)

    def __repr__(self) -> str:
        return f"<NetworkVerdict {self.verdict!r}: {self.served:,.0f} of {self.wanted:,.0f} t of {self.target.title!r}>"

    @property
    def label(self) -> str:
        """Whose verdict it is."""
        return PLANNER

    @property
    def wanted(self) -> float:
        """Tonnes of the target."""
        return self.question.wanted

    @cached_property
    def served(self) -> float:
        """Tonnes of the target that are served with every base flow whole."""
        return float(self.found.served[self.question.target].sum())

    @property
    def unserved(self) -> float:
        """Tonnes of the target that are not."""
        return max(self.wanted - self.served, 0.0)

    @property
    def is_carried(self) -> bool:
        """Whether all of the target is served."""
        return self.unserved <= TONNE * self.wanted

    @cached_property
    def verdict(self) -> Words:
        """Carried with room, at a limit, or not carried."""
        if not self.is_carried:
            return "not carried"
        most = self.largest.scale
        return "carried with room" if most is None or most >= 1.0 + ROOM else "at a limit"

    @cached_property
    def base_unserved(self) -> float:
        """Tonnes of base demand that are not served even without the target."""
        return float((self.question.base.tonnes - self.base).sum())

    @cached_property
    def scaled(self) -> Scaled:
        """The greatest multiple of the target, with the rows that set it."""
        return scale(self.room)

    @cached_property
    def largest(self) -> Largest:
        """The largest target of this mix that the present network carries, and what sets it."""
        return _largest(self.question, self.scaled)

    @cached_property
    def bottlenecks(self) -> pd.DataFrame:
        """Facilities that keep the target out, in the order in which they bind.

        Columns: facility, name, kind, element, direction, unit, capacity (own units of the period), used, rests_on,
        `tonnes_lost` (that come back when it has no limit, those above it in the list having none either),
        `tonnes_alone` (that come back when it alone has none), `tonnes_per_unit` (target tonnes for one more own unit
        as things are; 0 for what binds only later). Where the target is carried: what would bind first if it grew,
        with no tonnes lost.
        """
        return _bottlenecks(self)

    @cached_property
    def displaced(self) -> pd.DataFrame:
        """Base demand that would lose tonnes if the target went first: id, origin, destination, commodity, tonnes.

        Empty where it is carried: then nothing need give way.
        """
        rows = demand_rows(self.question.model.case)
        columns = ["id", "origin", "destination", "commodity", "tonnes"]
        if self.is_carried:
            return pd.DataFrame(columns=columns)
        lost = self.base - displace(self.room).served
        some = ~self.question.target & (lost > TONNE * np.maximum(self.base, 1.0))
        out = rows.loc[some, ["origin", "destination", "commodity"]].reset_index()
        return out.assign(tonnes=lost[some]).sort_values("tonnes", ascending=False, ignore_index=True)[columns]

    @cached_property
    def least_change(self) -> LeastChange:
        """The cheapest additions to capacity that would carry it, and what capacity alone would not cure."""
        return least_change(self.question, self.room, self.ground, base=self.base, found=self.found)

    @cached_property
    def _flows(self) -> Solution:
        """Least cost with every base flow whole and the target served as far as it can be."""
        problem = perturb(self.question.both, tonnes=self.found.served)
        return solve(problem, LeastCost(objective="served first"))

    @cached_property
    def routes(self) -> pd.DataFrame:
        """Ways of the target at least cost: origin, destination, commodity, tonnes, usd_per_tonne (money and time).

        `worth_usd_per_tonne` is what goods bear (unserved price), `too_dear` whether the way costs more;
        `restrictions` are the ids of restricted places on it, joined by ";".
        """
        return _routes(self.question, self._flows)

    @property
    def restricted(self) -> tuple[str, ...]:
        """Ids of the restrictions that ways of the target meet."""
        met = {i for cell in self.routes["restrictions"] for i in str(cell).split(";") if i}
        return tuple(i for i in self.question.model.case.restrictions.index if i in met)

    @cached_property
    def too_dear(self) -> float:
        """Tonnes of the target that are served only by ways that cost more than the goods bear."""
        return float(self.routes.loc[self.routes["too_dear"].astype(bool), "tonnes"].sum())

    @cached_property
    def _unknown(self) -> tuple[float, pd.DataFrame]:
        return unknown_use(self.question, self._flows)

    @property
    def unknown_tonnes(self) -> float:
        """Tonnes of the target, as served at least cost, that pass a haul, run, border or transfer without a limit.

        Their capacity is not known: the verdict takes it to be endless.
        """
        return self._unknown[0]

    @property
    def unknown_ways(self) -> pd.DataFrame:
        """What they pass so: table, id, name, tonnes, the most tonnes first."""
        return self._unknown[1]

    @property
    def unknown_places(self) -> tuple[str, ...]:
        """Names of what they pass so, the most tonnes first."""
        return tuple(dict.fromkeys(self.unknown_ways["name"]))

    @cached_property
    def _known(self) -> tuple[Served, Scaled]:
        return known_alone(self.question, self.base)

    @property
    def served_known(self) -> float:
        """Tonnes of the target served when crossings and handling of unknown capacity are shut to it."""
        return float(self._known[0].served[self.question.target].sum())

    @property
    def largest_known(self) -> Largest:
        """The largest target of this mix when crossings and handling of unknown capacity are shut to it."""
        return _largest(self.question, self._known[1])

    @cached_property
    def cost_to_others(self) -> float:
        """USD more that base flows cost when they make room: none loses a tonne, but some go a longer way."""
        alone = _alone(self.question)
        together = _usd(self.question.both, self._flows, ~self.question.target)
        return max(together - _usd(self.question.base, alone, ~self.question.target), 0.0)

    @cached_property
    def by_month(self) -> pd.DataFrame:
        """The target at its peak in each month of the year: month, wanted, served (tonnes), `same_as`.

        What ice, wind and seasons close, and what they leave of capacities, differs from month to month; `same_as` is
        the first month that is like this one.
        """
        return _by_month(self)

    @cached_property
    def logit(self) -> ChoiceVerdict:
        """What shippers would choose by themselves, under the same capacities."""
        return _choice(self.question)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, everything worked out."""
        return {
            "verdict": self.verdict,
            "label": self.label,
            "setting": self.setting.to_json() | {"year": self.question.model.case.meta.year},
            "tonnes": {"wanted": self.wanted, "served": self.served, "unserved": self.unserved,
                       "too_dear": self.too_dear, "base_unserved": self.base_unserved},
            "cost_to_others_usd": self.cost_to_others,
            "unknown_capacity": {"tonnes": self.unknown_tonnes, "places": list(self.unknown_places),
                                 "served_known": self.served_known, "largest_known": self.largest_known.to_json()},
            "bottlenecks": _records(self.bottlenecks),
            "displaced": _records(self.displaced),
            "largest": self.largest.to_json(),
            "least_change": self.least_change.to_json(),
            "routes": _records(self.routes),
            "restricted": list(self.restricted),
            "by_month": _records(self.by_month),
            "logit": self.logit.to_json(),
            "projects": {"opened": list(self.ground.opened), "left_out": dict(self.ground.left_out)},
        }  # fmt: skip


def network_check(
    case: Case,
    target: Target,
    *,
    setting: Setting | None = None,
    together: Sequence[Target] = (),
    grounds: Grounds | None = None,
) -> NetworkVerdict:
    """Judge one target under one setting.

    Parameters
    ----------
    together
        The other promises, for a setting of "all promises": their rows count as base demand, so the target is what is
        judged beside them.
    grounds
        Networks already built from the same case; give one `Grounds` to every call to save time.
    """
    (only,) = network_grid(case, target, (setting or Setting(),), together=together, grounds=grounds)
    return only


def network_grid(
    case: Case,
    target: Target,
    settings: Iterable[Setting] = ALL_SETTINGS,
    *,
    together: Sequence[Target] = (),
    grounds: Grounds | None = None,
) -> list[NetworkVerdict]:
    """Judge one target under several settings; parameters as `network_check`."""
    from karavan.scenario.promise_demand import with_target

    known = grounds or Grounds(case)
    demands: dict[Others, pd.DataFrame] = {}
    asked: dict[tuple[Others, Projects], Question] = {}
    known_rooms: dict[tuple[Others, Projects], Room] = {}
    out = []
    for setting in settings:
        ground = known.at(target.year, setting.projects)
        if setting.others not in demands:
            demands[setting.others] = with_target(known.case, target, others=setting.others, together=together).demand
        model = ground.with_capacity(setting.capacity, demands[setting.others])
        month, key = setting.period == "month", (setting.others, setting.projects)
        if key not in asked:
            asked[key] = question(model, via=target.via, month=month)
        mine = asked_again(asked[key], model, month=month)
        answer = _answer(mine, known_rooms.get(key))
        known_rooms.setdefault(key, answer[1])
        out.append(NetworkVerdict(target, setting, ground, mine, *answer))
    return out


def _answer(asked: Question, like: Room | None = None) -> tuple[Float, Room, Served]:
    """Return the tonnes of base demand that are served alone, the room, and what is served with the target."""
    room = Room([asked.base, asked.aim], asked.target, asked.row_facility, like=like)
    found = serve(room)
    if found.base_is_whole:
        return asked.base.tonnes, room, found
    # not all of it is served even alone: of what serves the most, that of least cost is what no tonne is lost of
    alone = _alone(asked)
    tonnes = np.where(alone.unserved <= NEARLY * asked.base.tonnes, asked.base.tonnes, alone.served)
    room = Room([perturb(asked.base, tonnes=tonnes), asked.aim], asked.target, asked.row_facility)
    return tonnes, room, serve(room)


def _alone(asked: Question) -> Solution:
    """Return the flows of base demand without the target: the most tonnes, then least cost."""
    return solve(asked.base, LeastCost(objective="served first", ties="any"))


def _largest(asked: Question, found: Scaled) -> Largest:
    if not np.isfinite(found.scale):
        return Largest(None, None, ())
    rows = np.flatnonzero(found.per_unit > 0)
    order = rows[np.argsort(-(found.per_unit * asked.rhs)[rows], kind="stable")]
    names = dict.fromkeys(asked.facilities[f] for f in asked.row_facility[order].tolist())
    return Largest(found.scale, found.scale * asked.wanted, tuple(names))


def _by_month(verdict: NetworkVerdict) -> pd.DataFrame:
    asked = verdict.question
    alike: dict[bytes, tuple[int, float, float]] = {}
    rows = []
    for month in MONTHS:
        closed = closed_in(asked.model.case, asked.model.graph, asked.model.restrictions, month)
        key = closed.tobytes() + month_share(asked.model, month=month).tobytes()
        if key not in alike:
            mine = question(asked.model, via=verdict.target.via, month=month)
            alike[key] = (month, mine.wanted, float(_answer(mine)[2].served[mine.target].sum()))
        first, wanted, served = alike[key]
        rows.append((month, wanted, served, first))
    return pd.DataFrame(rows, columns=["month", "wanted", "served", "same_as"])


# Bottlenecks

BOTTLENECK = ("facility", "name", "kind", "element", "direction", "unit", "capacity", "used", "rests_on", "tonnes_lost",
              "tonnes_alone", "tonnes_per_unit")  # fmt: skip


def _bottlenecks(verdict: NetworkVerdict) -> pd.DataFrame:
    """Take the limit off the facility that brings back most, then off the next, until the target is served."""
    room, asked = verdict.room, verdict.question
    if verdict.is_carried:
        prices = verdict.scaled.per_unit if verdict.largest.scale is not None else np.zeros(room.rhs.size)
        order = [asked.facilities.index(name) for name in verdict.largest.set_by]
        rows = [_row(verdict, f, prices, verdict.found.use, 0.0, 0.0) | {"tonnes_per_unit": 0.0} for f in order]
        return pd.DataFrame(rows, columns=list(BOTTLENECK))
    now, before = verdict.found, verdict.served
    most = float(asked.tonnes[asked.target & room.reachable].sum())
    alone: dict[int, float] = {}
    free: list[int] = []
    rows = []
    while most - before > TONNE * verdict.wanted:
        candidates = np.setdiff1d(asked.row_facility[now.per_unit > 0], free)
        if not candidates.size:
            break
        tries = {int(f): relaxed(room, np.array([*free, f], np.int32)) for f in candidates}
        gains = {f: float(t.served[asked.target].sum()) - before for f, t in tries.items()}
        if not free:
            alone = {f: g for f, g in gains.items() if g > TONNE * verdict.wanted}
        worth = {f: float((now.per_unit * asked.rhs)[asked.row_facility == f].max()) for f in tries}
        best = max(tries, key=lambda f: (round(gains[f], 3), worth[f], -f))
        rows.append(_row(verdict, best, now.per_unit, now.use, gains[best], alone.get(best, 0.0)))
        rows[-1]["tonnes_per_unit"] = _per_unit(verdict, best)
        free.append(best)
        now, before = tries[best], before + gains[best]
    return pd.DataFrame(rows, columns=list(BOTTLENECK))


def _per_unit(verdict: NetworkVerdict, facility: int) -> float:
    return float(verdict.found.per_unit[verdict.question.row_facility == facility].max(initial=0.0))


def _row(
    verdict: NetworkVerdict, f: int, price: Float, use: Float, lost: float, alone: float
) -> dict[str, Any]:
    """Return one row of the frame: the facility, and the one of its capacity rows that binds most."""
    asked = verdict.question
    capacity, case = asked.model.capacity, asked.model.case
    mine = np.flatnonzero(asked.row_facility == f)
    load = use + capacity.preload * asked.share
    worst = int(mine[np.lexsort((-load[mine] / capacity.gross[mine].clip(1e-9), -price[mine]))[0]])
    name = asked.facilities[f]
    table = case.facilities.loc[name]
    return {
        "facility": name,
        "name": str(table["name"]),
        "kind": str(table["kind"]),
        "element": capacity.element[worst],
        "direction": capacity.direction[worst],
        "unit": str(table["unit"]),
        "capacity": float(capacity.gross[worst] * asked.share[worst]),
        "used": float(load[worst]),
        "rests_on": str(verdict.ground.rests_on[verdict.setting.capacity][name]),
        "tonnes_lost": lost,
        "tonnes_alone": alone,
        "tonnes_per_unit": float(price[worst]),
    }


# Ways

ROUTE = ("origin", "destination", "commodity", "tonnes", "usd_per_tonne", "worth_usd_per_tonne", "too_dear",
         "restrictions")  # fmt: skip


def _routes(asked: Question, flows: Solution) -> pd.DataFrame:
    """Return a row for each way of the target, the most tonnes first."""
    case, problem = asked.model.case, asked.both
    demand = demand_rows(case)
    country = case.zones["country"]
    rows = []
    for i in np.flatnonzero(asked.target[flows.path_demand]).tolist():
        d = int(flows.path_demand[i])
        arcs = flows.path_arc[flows.path_start[i] : flows.path_start[i + 1]]
        usd = float(problem.cost[problem.demand_class[d], arcs].sum())
        ends = demand.iloc[d]
        met = asked.model.restrictions.meeting(
            case, asked.arc[arcs], str(ends["commodity"]), str(country[ends["origin"]]),
            str(country[ends["destination"]]),
        )  # fmt: skip
        rows.append((str(ends["origin"]), str(ends["destination"]), str(ends["commodity"]),
                     float(flows.path_tonnes[i]), usd, float(problem.unserved_price[d]),
                     usd > problem.unserved_price[d], ";".join(met)))  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(ROUTE))
    return frame.sort_values("tonnes", ascending=False, kind="stable", ignore_index=True)


def _usd(problem: Problem, flows: Solution, which: NDArray[np.bool_]) -> float:
    """Return the USD that the flows of some demands cost."""
    path = np.repeat(np.arange(flows.path_tonnes.size), np.diff(flows.path_start))
    each = problem.cost[problem.demand_class[flows.path_demand[path]], flows.path_arc]
    usd = np.bincount(path, weights=each, minlength=flows.path_tonnes.size) * flows.path_tonnes
    return float(usd[which[flows.path_demand]].sum())


# Shippers


def _choice(asked: Question) -> ChoiceVerdict:
    """Let shippers choose without the target, with it, and with it where nothing is full."""
    problem, target = asked.both, asked.target
    graph = asked.model.graph
    labels = ArcLabels(graph.arc_mode[asked.arc], graph.arc_unit[asked.arc], graph.km[asked.arc])
    endless = float(problem.tonnes.sum() + 1.0) * (1.0 + problem.usage_units.max(initial=0.0)) * 100.0
    wide = np.where(problem.rhs > 0, np.maximum(endless, problem.rhs), problem.rhs)
    after = solve(problem, SHIPPERS, labels=labels)
    before = solve(perturb(problem, tonnes=np.where(target, 0.0, problem.tonnes)), SHIPPERS, labels=labels)
    unlimited = solve(perturb(problem, rhs=wide), SHIPPERS, labels=labels)
    wanted, served = asked.wanted, float(after.served[target].sum())
    sent = float(unlimited.served[target].sum())
    lost = max(sent - served, 0.0)
    base_lost = float(np.maximum(before.served - after.served, 0.0)[~target].sum())
    kept = max(lost, base_lost) <= CHOSEN * wanted and served >= (1.0 - CHOSEN) * wanted
    full = bool((after.dual > 0)[_rows_used(asked, after)].any())
    words: Words = "not carried" if not kept else "at a limit" if full else "carried with room"
    return ChoiceVerdict(words, wanted, served, wanted - sent, lost, base_lost)


def _rows_used(asked: Question, flows: Solution) -> NDArray[np.int32]:
    """Return the capacity rows that ways of the target load."""
    problem = asked.both
    path = np.flatnonzero(asked.target[flows.path_demand])
    rows = [np.empty(0, np.int32)]
    for i in path.tolist():
        k = int(problem.demand_class[flows.path_demand[i]])
        for a in flows.path_arc[flows.path_start[i] : flows.path_start[i + 1]].tolist():
            at = k * problem.n_arcs + a
            rows.append(problem.usage_row[problem.usage_indptr[at] : problem.usage_indptr[at + 1]])
    return np.unique(np.concatenate(rows))


ORDER: tuple[Words, ...] = ("not carried", "at a limit", "carried with room")


def headline(verdicts: Iterable[NetworkVerdict]) -> NetworkVerdict:
    """Return the verdict whose words stand first: open projects, other demand as it is, computed capacities.

    Of the year and the busiest month, the worse. The capacity a facility's owner states is what is judged by only
    where nothing was computed; `rests_on` of the bottlenecks says where.
    """
    first = ("frozen", "open", "computed")
    mine = [v for v in verdicts if (v.setting.others, v.setting.projects, v.setting.capacity) == first]
    if not mine:
        message = "no verdict with open projects, other demand frozen and computed capacities: ask for one"
        raise ValueError(message)
    return min(mine, key=lambda v: (ORDER.index(v.verdict), v.served / v.wanted if v.wanted else 1.0))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dictionaries of plain values; what is missing is None."""
    clean = frame.astype(object).where(frame.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in clean.to_dict("records")]
