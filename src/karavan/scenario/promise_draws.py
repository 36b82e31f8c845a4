"""How sure is the verdict? The target drawn again and again, over what is not known of it and of the network.

A draw takes one of the target's alternatives (unit values, splits, bases), one value for every capacity that
`provenance` knows others of, a factor for every capacity and tariff at confidence C, and asks whether the target is
carried: served, with no base flow losing a tonne. Tariffs and lengths decide which ways are too dear to count.

Every draw starts from the same stored paths and basis, and has random numbers of its own, so that neither the number
of workers nor the order changes anything. Costs are drawn `COST_DRAWS` times and taken in turn: what they decide, which
ways are open to the target, takes longer to work out than the flows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.assignment.room import Room, serve
from karavan.model import demand_rows
from karavan.problem import perturb
from karavan.scenario.promise_ground import Grounds
from karavan.scenario.promise_network import TONNE, Setting
from karavan.scenario.promise_problem import DETOUR, Question, question
from karavan.scenario.promise_spread import capacity_spreads, length_spreads, not_drawn, tariff_spreads
from karavan.scenario.promise_ways import near_cheapest
from karavan.units import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from karavan.problem import Problem
    from karavan.scenario.promise_spread import Spread
    from karavan.scenario.promise_types import Target
    from karavan.schema.case import Case

    Float = NDArray[np.float64]
    Bool = NDArray[np.bool_]

COST_DRAWS = 10
WIDER = 1.5  # ways kept for the draws of costs to decide on: this much dearer than too dear at the tariffs as they are
TRIALS = 8
"""Draws solved first, to fill the store of paths: the same ones whatever is drawn after them."""

ALTERNATIVE, CAPACITY, COST, TRIAL = 0, 1, 2, 3  # streams of random numbers


@dataclass(frozen=True, slots=True, eq=False)
class PromiseDraws:
    """What came out of the draws.

    Attributes
    ----------
    target, setting, seed
        What was drawn, under what, from which seed.
    alternative
        (n,): number of the target's alternative that each draw took.
    wanted, served
        (n,): tonnes of the target, and those served.
    drawn
        One row a thing drawn: table, id, field, values (joined by ";"), spread, why.
    not_drawn
        (table, id, field) of cells whose other values in `provenance` could not be used.
    """

    target: Target
    setting: Setting
    seed: int
    alternative: NDArray[np.int64]
    wanted: Float
    served: Float
    drawn: pd.DataFrame
    not_drawn: tuple[tuple[str, str, str], ...]

    @property
    def n(self) -> int:
        """Number of draws."""
        return self.wanted.size

    @property
    def is_carried(self) -> Bool:
        """Which draws the network carries, (n,)."""
        carried: Bool = self.wanted - self.served <= TONNE * self.wanted
        return carried

    @property
    def carried(self) -> int:
        """Number of draws in which the target is carried."""
        return int(np.count_nonzero(self.is_carried))

    @property
    def share(self) -> float:
        """Share of draws in which it is carried."""
        return self.carried / self.n if self.n else float("nan")

    @property
    def text(self) -> str:
        """The answer in words."""
        return f"carried in {self.share:.0%} of {self.n} draws"

    @property
    def by_alternative(self) -> pd.DataFrame:
        """One row an alternative of the target: name, tonnes, draws, share carried, mean share served."""
        rows = []
        for k, name in enumerate(_names(self.target)):
            mine = self.alternative == k
            n = int(np.count_nonzero(mine))
            share = float(self.is_carried[mine].mean()) if n else np.nan
            served = float((self.served[mine] / self.wanted[mine].clip(1e-9)).mean()) if n else np.nan
            tonnes = float(self.wanted[mine].mean()) if n else np.nan
            rows.append((name, tonnes, n, share, served))
        return pd.DataFrame(rows, columns=["alternative", "tonnes", "draws", "share", "served_share"])

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        records = {"by_alternative": self.by_alternative, "drawn": self.drawn}
        plain = {k: f.astype(object).where(f.notna(), None).to_dict("records") for k, f in records.items()}
        return {
            "n": self.n, "carried": self.carried, "share": self.share, "text": self.text, "seed": self.seed,
            "setting": self.setting.to_json(), **plain, "not_drawn": [list(k) for k in self.not_drawn],
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What every draw starts from: the room kept, tonnes of the target by alternative, and the cost draws.

    `usable` (COST_DRAWS, n_paths): paths of the room that are not too dear; `opens`: arcs, for paths yet to be found.
    """

    asked: Question
    room: Room
    tonnes: Float
    spreads: tuple[Spread, ...]
    place: NDArray[np.int64]
    opens: tuple[Bool, ...]
    usable: Bool
    seed: int


def promise_draws(
    case: Case,
    target: Target,
    *,
    n: int = 500,
    seed: int = 1,
    workers: int = 1,
    setting: Setting | None = None,
    together: Sequence[Target] = (),
    grounds: Grounds | None = None,
) -> PromiseDraws:
    """Draw a target and its network `n` times and count how often it is carried.

    Parameters
    ----------
    workers
        Threads. The answer is the same, bit for bit, for any number of them.
    setting, together, grounds
        As `karavan.scenario.promise_network.network_check`.
    """
    from karavan.scenario.promise_demand import with_target

    setting = setting or Setting()
    ground = (grounds or Grounds(case)).at(target.year, setting.projects)
    whole, tonnes = alternatives(target)
    demand = with_target(case, whole, others=setting.others, together=together).demand
    asked = question(ground.with_capacity(setting.capacity, demand), via=target.via, month=setting.period == "month",
                     wider=WIDER)  # fmt: skip
    tonnes = _in_rows(asked, whole, tonnes)
    capacity = capacity_spreads(ground, setting.capacity)
    costs = [*tariff_spreads(ground.case), *length_spreads(ground.case)]
    job = _job(asked, tonnes, tuple(capacity), costs, seed)
    if workers == 1:
        found = [_draw(job, i) for i in range(n)]
    else:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(lambda i: _draw(job, i), range(n)))
    drawn = [*_alternative_rows(target), *(_spread_row(s) for s in (*capacity, *costs))]
    return PromiseDraws(
        target=target,
        setting=setting,
        seed=seed,
        alternative=np.array([f[0] for f in found], dtype=np.int64),
        wanted=np.array([f[1] for f in found], dtype=np.float64),
        served=np.array([f[2] for f in found], dtype=np.float64),
        drawn=pd.DataFrame(drawn, columns=["table", "id", "field", "values", "spread", "why"]),
        not_drawn=tuple(not_drawn(ground.case, [*capacity, *costs])),
    )


# The target's alternatives


def alternatives(target: Target) -> tuple[Target, Float]:
    """Return the target with a row for all that any alternative asks, and the tonnes of each row by alternative.

    Tonnes have the shape (n_alternatives, n_rows), rows of all directions one below the other. An alternative without
    shares of commodities has those of the target's rows; a commodity that a direction has no row for goes between the
    same places as the whole direction.
    """
    shares = [[_shares(target, k, i) for i in range(len(target.directions))] for k in range(len(_names(target)))]
    directions, columns = [], []
    for i, direction in enumerate(target.directions):
        rows = direction.rows
        named = {c for mine in shares for c in mine[i]} - set(rows["commodity"])
        ends = rows.groupby(["origin", "destination"], sort=False, as_index=False)[["tonnes"]].sum()
        more = [ends.assign(commodity=c, tonnes=0.0) for c in sorted(named)]
        every = pd.concat([rows, *more], ignore_index=True) if more else rows.reset_index(drop=True)
        weight = np.concatenate([rows["tonnes"].to_numpy(), *([ends["tonnes"].to_numpy()] * len(more))])
        columns.append(
            np.array([
                _spread_out(every["commodity"], weight, len(rows), mine[i], _tonnes_of(target, k, i))
                for k, mine in enumerate(shares)
            ])
        )  # fmt: skip
        # every row has tonnes here, so that it is a demand of the problem; draws put in their own
        directions.append(replace(direction, rows=every.assign(tonnes=columns[-1].max(axis=0))))
    tonnes = np.concatenate(columns, axis=1) if columns else np.zeros((1, 0))
    return replace(target, directions=tuple(directions)), tonnes


def _names(target: Target) -> list[str]:
    return [a.name for a in target.alternatives] or ["as stated"]


def _tonnes_of(target: Target, k: int, i: int) -> float:
    return target.alternatives[k].tonnes[i] if target.alternatives else target.directions[i].tonnes


def _shares(target: Target, k: int, i: int) -> dict[str, float]:
    of = target.alternatives[k].shares if target.alternatives else ()
    return dict(of[i]) if i < len(of) else {}


def _spread_out(goods: pd.Series, weight: Float, n_own: int, shares: dict[str, float], tonnes: float) -> Float:
    """Return tonnes by row: by the rows' own weights, or commodity by commodity where shares are given."""
    out = np.zeros(weight.size)
    if not shares:
        own = weight.copy()
        own[n_own:] = 0.0
        total = float(own.sum())
        return own * tonnes / total if total > 0 else out
    whole = sum(shares.values())
    for commodity, share in shares.items():
        mine = (goods == commodity).to_numpy() & (weight > 0)
        total = float(weight[mine].sum())
        if total > 0:
            out[mine] = weight[mine] * tonnes * share / whole / total
    return out


def _in_rows(asked: Question, target: Target, tonnes: Float) -> Float:
    """Bring tonnes (n_alternatives, rows of the target) to the problem's target rows, in tonnes of its period."""
    rows = demand_rows(asked.model.case)[asked.target]
    key = ["origin", "destination", "commodity"]
    place = {tuple(k): i for i, k in enumerate(rows[key].itertuples(index=False))}
    out = np.zeros((tonnes.shape[0], len(rows)))
    j = 0
    for direction in target.directions:
        for k in direction.rows[key].itertuples(index=False):
            if tuple(k) in place:
                out[:, place[tuple(k)]] += tonnes[:, j]
            j += 1
    if asked.month:
        out *= rows["peak_month_share"].fillna(1.0 / MONTHS_PER_YEAR).to_numpy(dtype=np.float64)
    return out


# What is the same for every draw


def _job(asked: Question, tonnes: Float, capacity: tuple[Spread, ...], costs: Sequence[Spread], seed: int) -> _Job:
    """Fill the store of paths with what trials need, and work out which ways each draw of costs leaves open."""
    opens = tuple(_open(asked, cost) for cost in _cost_draws(asked, costs, seed))
    every = np.logical_or.reduce(opens)
    wide = replace(asked, aim=perturb(asked.aim, open=every))
    place = np.array([asked.facilities.index(s.id) if s.id in asked.facilities else -1 for s in capacity], np.int64)
    room = Room([wide.base, wide.aim], asked.target, asked.row_facility)
    job = _Job(wide, room, tonnes, capacity, place, opens, np.ones((0, 0), np.bool_), seed)
    serve(room)
    for i in range(TRIALS):
        rng = np.random.default_rng([seed, TRIAL, i])
        trial = _drawn(job, rng, int(rng.integers(len(tonnes))), every)
        room.keep()
        other = room.like(trial, np.ones(room.paths.demand.size, np.bool_))
        serve(other)
        room.learn(other)
    serve(room)
    room.keep()
    return replace(job, usable=np.array([_usable(room, wide.aim, o) for o in opens]))


def _usable(room: Room, aim: Problem, is_open: Bool) -> Bool:
    """Return which paths of the room have all arcs open, (n_paths,); those of base demand are the same in all draws."""
    demand = room.live[room.paths.demand]
    path = np.repeat(np.arange(demand.size), np.diff(room.paths.start))
    at = np.flatnonzero(room.target[demand[path]])
    closed = ~is_open[aim.demand_class[demand[path[at]]], room.paths.arc[at]]
    return np.asarray(np.bincount(path[at], weights=closed, minlength=demand.size) == 0, dtype=np.bool_)


def _cost_draws(asked: Question, spreads: Sequence[Spread], seed: int) -> Iterator[Float]:
    """Yield the cost that each draw of tariffs and lengths gives the target, (n_classes, n_arcs)."""
    model = asked.model
    graph = model.graph
    tariffs = {s.id: s for s in spreads if s.table == "freight_tariffs"}
    rows = [tariffs.get(str(n)) for n in model.case.freight_tariffs.index]
    lengths = [s for s in spreads if s.table == "links"]
    link = {str(n): i for i, n in enumerate(model.case.links.index)}
    step_arc = np.repeat(np.arange(graph.n_arcs), np.diff(graph.steps_indptr))
    haulage = np.array([c.haulage for c in model.costs])
    priced_by = np.array([c.tariff for c in model.costs])
    plain = model.generalized
    goods = {str(c): k for k, c in enumerate(model.case.commodities.index)}
    own = demand_rows(model.case)["commodity"].map(goods).to_numpy(dtype=np.int64)
    of = own[asked.target]
    for j in range(COST_DRAWS):
        rng = np.random.default_rng([seed, COST, j])
        factor = np.array([1.0 if s is None else rng.lognormal(0.0, s.sigma) for s in rows] + [1.0])
        more_km = np.zeros(graph.n_arcs)
        for s in lengths:
            km = s.options[int(rng.integers(len(s.options)))] - s.options[0]
            np.add.at(more_km, step_arc[graph.steps_link == link[s.id]], km)
        longer = np.divide(more_km, graph.km, out=np.zeros(graph.n_arcs), where=graph.km > 0)
        cost = np.maximum(plain + haulage * (factor[priced_by] * (1.0 + longer) - 1.0), 0.0)
        yield cost[np.ix_(of, asked.aim_arc)]


def _open(asked: Question, cost: Float) -> Bool:
    """Return the arcs open to each class of the target at other costs: those on ways not too dear."""
    near: Bool = near_cheapest(asked.aim, np.flatnonzero(asked.target), DETOUR, cost)
    return asked.aim.open & near


# A draw


def _draw(job: _Job, i: int) -> tuple[int, float, float]:
    """Return the alternative taken, tonnes of the target, and those served."""
    rng = np.random.default_rng([job.seed, CAPACITY, i])
    k = int(np.random.default_rng([job.seed, ALTERNATIVE, i]).integers(job.tonnes.shape[0]))
    cost = i % len(job.opens)
    room = job.room.like(_drawn(job, rng, k, job.opens[cost]), job.usable[cost])
    target = job.asked.target
    wanted = float(job.tonnes[k].sum())
    return k, wanted, float(serve(room).served[target].sum())


def _drawn(job: _Job, rng: np.random.Generator, k: int, is_open: Bool) -> tuple[Problem, Problem]:
    """Return the problems with capacities drawn, the tonnes of an alternative, and the ways of a draw of costs."""
    asked = job.asked
    factor = np.ones(len(asked.facilities))
    for s, place in zip(job.spreads, job.place.tolist(), strict=True):
        value = s.options[int(rng.integers(len(s.options)))] if len(s.options) > 1 else s.options[0]
        times = rng.lognormal(0.0, s.sigma) if s.sigma > 0 else 1.0
        if place >= 0 and s.options[0] > 0:
            factor[place] = value * times / s.options[0]
    capacity = asked.model.capacity
    rhs = np.maximum(capacity.gross * factor[asked.row_facility] - capacity.preload, 0.0) * asked.share
    tonnes = np.zeros(asked.target.size)
    tonnes[asked.target] = job.tonnes[k]
    return replace(asked.base, rhs=rhs), replace(asked.aim, rhs=rhs, tonnes=tonnes, open=is_open)


def _alternative_rows(target: Target) -> list[tuple[Any, ...]]:
    rows = []
    for i, direction in enumerate(target.directions):
        values = ";".join(f"{_tonnes_of(target, k, i):.0f}" for k in range(len(_names(target))))
        why = f"{len(_names(target))} ways to bring the target to tonnes"
        rows.append(("target", f"{direction.exporter}>{direction.importer}", "tonnes", values, np.nan, why))
    return rows


def _spread_row(s: Spread) -> tuple[Any, ...]:
    values = ";".join(f"{v:g}" for v in s.options) if len(s.options) > 1 or s.table == "facilities" else ""
    return (s.table, s.id, s.field, values, s.sigma, s.why)
