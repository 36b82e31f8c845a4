"""A volume by direction: trade of two parties from money or tonnes, and what a corridor carries from its users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.assignment.select import select
from karavan.demand.money import (
    YEARS_BACK,
    Split,
    UnitValue,
    drifted,
    goods_values,
    mix_value,
    splits,
    unit_values,
    ways,
)
from karavan.demand.target import most_published, rows_between, scaled_rows, shares_of, teu_tonnes, traded
from karavan.errors import ScenarioError
from karavan.scenario.promise_types import Alternative, DirectionDemand
from karavan.schema.case import as_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.assignment.assignment import Assignment
    from karavan.evidence.gazetteer import Gazetteer
    from karavan.scenario.promise_base import Counted, Gates
    from karavan.schema.case import Case

KEY = ["origin", "destination", "commodity"]


@dataclass(frozen=True, slots=True)
class Parties:
    """Two parties (countries or blocs by id) of a case; `one_way`: goods from `one` to `other` only."""

    one: str
    other: str
    one_way: bool
    case: Case
    names: Gazetteer

    @property
    def direction(self) -> str:
        """The direction as "A->B", empty for trade both ways."""
        return f"{self.one}->{self.other}" if self.one_way else ""

    @property
    def name(self) -> str:
        """Both in plain words."""
        return f"{self.names.name_of(self.one)} {'to' if self.one_way else 'and'} {self.names.name_of(self.other)}"

    def members(self, area: str) -> tuple[str, ...]:
        """Return the countries an area stands for, without those of the other party."""
        bloc = self.names.blocs.get(area)
        other = self.one if area == self.other else self.other
        return tuple(c for c in bloc.countries if c != other) if bloc is not None else (area,)


@dataclass(frozen=True, slots=True)
class Volume:
    """How much is to go: in "USD" or "t" a year; and how it is to be counted (see `TargetOptions`)."""

    value: float
    unit: str
    year: int | None
    split: str = ""
    unit_value: str = ""
    drift_percent: float = 0.0
    goods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Directions of a target, every other way to count them (the central one in front), and what to say of it."""

    directions: tuple[DirectionDemand, ...]
    alternatives: tuple[Alternative, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One direction of a pair: rows of today, and unit values with the one to use in front."""

    exporter: str
    importer: str
    rows: pd.DataFrame
    prices: list[UnitValue]
    whole: list[UnitValue]


def pair_directions(parties: Parties, volume: Volume) -> Made:
    """Return the directions of trade between two parties for an amount of money or tonnes.

    Raises
    ------
    ScenarioError
        The case's demand has no row of a direction, so nobody knows where its goods start and end.
    CaseError
        The trade table has no split, or no worth of a tonne.
    """
    case = parties.case
    since = None if case.meta.year is None else case.meta.year - YEARS_BACK
    sides = [(parties.one, parties.other)] if parties.one_way else [
        (parties.one, parties.other), (parties.other, parties.one)
    ]  # fmt: skip
    notes: list[str] = []
    found = [_side(parties, a, b, since, volume, notes) for a, b in sides]
    if volume.unit == "t":
        return _from_tonnes(found, volume, notes)
    if parties.one_way:
        return _one_way_money(found[0], volume, notes)
    return _from_money(parties, found, volume, since, notes)


def _side(
    parties: Parties, exporter: str, importer: str, since: int | None, volume: Volume, notes: list[str]
) -> _Way:
    """Gather what is known of one direction."""
    case = parties.case
    rows = rows_between(case.demand, case.zones, parties.members(exporter), parties.members(importer))
    if volume.goods:
        rows = rows[rows["commodity"].isin(list(volume.goods))]
    rows = rows[rows["tonnes"] > 0]
    today = traded(rows, most_published(case.trade, exporter, importer, since=since), f"{exporter}->{importer}")
    notes += today.left_out
    if not len(today.rows):
        goods = f" of {', '.join(volume.goods)}" if volume.goods else ""
        message = (
            f"demand{goods} from {parties.names.name_of(exporter)} to {parties.names.name_of(importer)} in the case: "
            f"nothing says where its goods start and end"
        )
        raise ScenarioError(message)
    values = [] if volume.goods else unit_values(case.trade, exporter, importer, since=since)
    mix = mix_value(today.rows, exporter, importer)
    values = [*values, *([mix] if mix is not None else [])]
    whole = [] if volume.goods else goods_values(case.unit_values, exporter, importer, shares_of(today.rows))
    return _Way(exporter, importer, today.rows, _in_front(values, volume.unit_value), whole)


def _in_front(values: list[UnitValue], words: str) -> list[UnitValue]:
    """Put unit values that words or a year name in front; all stay."""
    return sorted(values, key=lambda v: not (words and (words in v.name or words == str(v.year))))


def _chosen(found: list[Split], words: str) -> list[Split]:
    """Put the split that words or a year name in front; raises `ScenarioError` where none answers to them."""
    if not words:
        return found
    fit = [s for s in found if words.casefold() in s.name.casefold() or words in {str(s.first.year), str(s.last.year)}]
    if found and not fit:
        message = f"no split of this trade is called {words!r}; there are {'; '.join(s.name for s in found)}"
        raise ScenarioError(message)
    return [*fit[:1], *(s for s in found if s not in fit[:1])]


def _from_money(
    parties: Parties, sides: Sequence[_Way], volume: Volume, since: int | None, notes: list[str]
) -> Made:
    there, back = sides
    found = _chosen(splits(parties.case.trade, parties.one, parties.other, since=since), volume.split)
    counted = ways(volume.value, found, [*there.prices, *there.whole], [*back.prices, *back.whole],
                   year=volume.year, drift_percent=volume.drift_percent)  # fmt: skip
    alternatives = tuple(
        Alternative(w.name, w.tonnes, w.sources, w.why, tuple(dict(v.shares) for v in w.unit_values)) for w in counted
    )
    directions = tuple(
        _direction(side, counted[0].tonnes[k], [a.tonnes[k] for a in alternatives], usd=counted[0].usd[k])
        for k, side in enumerate(sides)
    )
    notes.append(_prices_note(volume))
    return Made(directions, alternatives, tuple(notes))


def _one_way_money(side: _Way, volume: Volume, notes: list[str]) -> Made:
    if not side.prices:
        message = f"what a tonne from {side.exporter} to {side.importer} is worth: no unit value is known"
        raise ScenarioError(message)
    alternatives = []
    for v in [*side.prices, *side.whole]:
        price = drifted(v, volume.year, volume.drift_percent)
        tonnes = volume.value / price
        why = f"{volume.value / 1e6:,.1f} million USD / {price:,.1f} USD/t = {tonnes / 1e6:,.3f} million t"
        alternatives.append(Alternative(v.name, (tonnes,), v.sources, why, (dict(v.shares),)))
    notes.append(_prices_note(volume))
    spread = [a.tonnes[0] for a in alternatives]
    return Made((_direction(side, spread[0], spread, usd=volume.value),), tuple(alternatives), tuple(notes))


def _from_tonnes(sides: Sequence[_Way], volume: Volume, notes: list[str]) -> Made:
    """Divide tonnes between the directions as the demand of today is divided."""
    today = [float(s.rows["tonnes"].sum()) for s in sides]
    parts = [volume.value * t / sum(today) for t in today]
    why = ", ".join(f"{s.exporter}->{s.importer} {p / 1e6:,.3f} million t" for s, p in zip(sides, parts, strict=True))
    name = "tonnes as promised" + ("; directions as in the demand of today" if len(sides) > 1 else "")
    alternative = Alternative(name, tuple(parts), tuple(f"demand/{i}" for s in sides for i in s.rows.index), why)
    directions = tuple(_direction(s, p, [p]) for s, p in zip(sides, parts, strict=True))
    return Made(directions, (alternative,), tuple(notes))


def _direction(side: _Way, tonnes: float, spread: Sequence[float], *, usd: float | None = None) -> DirectionDemand:
    return DirectionDemand(
        exporter=side.exporter, importer=side.importer, tonnes=tonnes, tonnes_low=min(spread), tonnes_high=max(spread),
        rows=scaled_rows(side.rows, tonnes, usd=usd),
        replaces={str(k): float(v) for k, v in side.rows["tonnes"].items()},
    )  # fmt: skip


def _prices_note(volume: Volume) -> str:
    if volume.drift_percent == 0.0:
        return "Prices are constant: each unit value is of its own year; if prices rise, fewer tonnes make the sum."
    return f"Unit values rise by {volume.drift_percent:g}% a year from their own year to {volume.year}."


# Corridors


def corridor_directions(
    flows: Assignment, gates: Gates, value: float, unit: str, *, counted: Sequence[Counted] = ()
) -> Made:
    """Return the directions of what a corridor is to carry: its users of today, in proportion to the target.

    Users are the goods that pass one of the `gates` in the assignment of the case's own demand. Of TEU only goods that
    travel in containers count. Goods `counted` by themselves keep the share of the corridor that was observed. Where
    the model has more on the corridor than is promised, what is above it stays other demand.

    Raises
    ------
    ScenarioError
        Nothing uses the corridor in the case's own assignment.
    """
    case, notes = flows.model.case, []
    sides = [_users(flows, gates, along=True), _users(flows, gates, along=False)]
    tonnes, sources = value, [f"links/{g}" for g in gates.links]
    why = f"{value / 1e6:,.3f} million t as promised"
    if unit == "{TEU}":
        boxed = [str(c) for c, cell in case.commodities["carrying_units"].items() if "container" in as_list(cell)]
        sides = [s[s["commodity"].isin(boxed)] for s in sides]
        per_teu, source = _tonnes_per_teu(case, pd.concat(sides))
        tonnes, why = value * per_teu, f"{value:,.0f} TEU x {per_teu:.1f} t = {value * per_teu / 1e6:,.3f} million t"
        sources.append(source)
    today = sum(float(s["tonnes"].sum()) for s in sides)
    if today <= 0:
        message = (
            "goods that use the corridor: in the assignment of the case's own demand none passes "
            f"{', '.join(gates.links) or 'it'}, so nobody knows whose goods are meant"
        )
        raise ScenarioError(message)
    sides = _as_counted(sides, counted)
    parts = [tonnes * float(s["part"].sum()) for s in sides]
    goods = pd.concat(sides).groupby("commodity")["part"].sum().sort_values(ascending=False)
    most = ", ".join(f"{g} {share:.0%}" for g, share in goods.head(3).items())
    share = min(1.0, tonnes / today)
    notes.append(
        f"Shippers of the model have {today / 1e6:,.2f} million t on the corridor today; "
        f"{'they are raised to the target' if share == 1.0 else 'what is above the target stays other demand'}"
        f"{''.join(f', {c.goods} at the {c.share:.0%} that was counted' for c in counted)}: {most}."
    )
    sources += [c.source for c in counted]
    directions = []
    for side, part, along in zip(sides, parts, (True, False), strict=True):
        if part > 0:
            ends = _ends(case, gates, along=along)
            rows = scaled_rows(_like_demand(case, side), part)
            taken = {str(k): share * float(t) for k, t in zip(side["demand"], side["tonnes"], strict=True)}
            directions.append(DirectionDemand(*ends, part, part, part, rows, taken))
    name = "as promised; directions and users as in the model today"
    alternative = Alternative(name, tuple(d.tonnes for d in directions), tuple(sources), why)
    return Made(tuple(directions), (alternative,), tuple(notes))


def _as_counted(sides: Sequence[pd.DataFrame], counted: Sequence[Counted]) -> list[pd.DataFrame]:
    """Return users with their `part` of all tonnes: goods counted by themselves have the share that was counted.

    Counted goods that nobody in the model carries, and a rest that nobody does, are left as the model has them.
    """
    every = pd.concat(sides)
    group = pd.Series(-1, index=range(len(every)))
    for k, c in enumerate(counted):
        group[every["commodity"].isin(c.commodities).to_numpy()] = k
    held = every["tonnes"].groupby(group.to_numpy()).sum()
    wanted = {k: counted[k].share if k >= 0 else 1.0 - sum(c.share for c in counted) for k in held.index}
    if len(held) != len(counted) + 1 or min(wanted.values()) <= 0:
        part = every["tonnes"] / float(every["tonnes"].sum())
    else:
        part = every["tonnes"] * [wanted[k] / held[k] for k in group]
    ends = len(sides[0])
    return [sides[0].assign(part=part.to_numpy()[:ends]), sides[1].assign(part=part.to_numpy()[ends:])]


def _users(flows: Assignment, gates: Gates, *, along: bool) -> pd.DataFrame:
    """Return the demand rows that pass a gate one way, with the tonnes that do: gates side by side add up."""
    parts = [
        select(flows, "links", link, direction="forward" if as_written == along else "backward")
        for link, as_written in gates.links.items()
    ]
    columns = ["demand", *KEY]
    if not parts:
        return pd.DataFrame(columns=[*columns, "tonnes"])
    by_row = pd.concat(parts).groupby(columns, sort=False)[["tonnes"]]
    return (by_row.sum() if gates.beside else by_row.max()).reset_index()


def _like_demand(case: Case, users: pd.DataFrame) -> pd.DataFrame:
    """Return the demand rows of users, as many tonnes of each as its part."""
    rows = case.demand.loc[users["demand"]]
    part = users["part"].to_numpy() / rows["tonnes"].to_numpy()
    return rows.assign(tonnes=rows["tonnes"] * part, value_usd=rows["value_usd"] * part)


def _tonnes_per_teu(case: Case, users: pd.DataFrame) -> tuple[float, str]:
    """Return tonnes a TEU: the payload of the container by the load factor of the goods that use the corridor."""
    payload, source = teu_tonnes(case.carrying_units)
    factor = case.commodities["load_factor"].reindex(users["commodity"]).to_numpy(np.float64)
    tonnes = users["tonnes"].to_numpy(np.float64)
    boxes = float((tonnes / factor).sum())
    return payload * (float(tonnes.sum()) / boxes if boxes > 0 else 1.0), source


def _ends(case: Case, gates: Gates, *, along: bool) -> tuple[str, str]:
    """Return the countries before and behind the gates, in the order of travel."""
    country, links = case.nodes["country"], case.links
    before, behind = [], []
    for link, as_written in gates.links.items():
        ends = [str(country.get(links[c].loc[link], link)) for c in ("from_node", "to_node")]
        before.append(ends[0 if as_written else 1])
        behind.append(ends[1 if as_written else 0])
    first, last = (before, behind) if gates.beside else (before[:1], behind[-1:])
    words = ("/".join(dict.fromkeys(first)), "/".join(dict.fromkeys(last)))
    return words if along else words[::-1]
