"""From the words of a promise to targets in tonnes by direction, one for each base it may start from.

A commitment of a ledger or of a typed sentence is first asked whether a freight network has part in it at all, then
what is missing before it can be judged. What is left is a volume (trade of two parties, or what a corridor carries) or
a capacity. Money becomes tonnes by direction (`karavan.demand.money`); "double" and "50% more" become absolute by every
candidate base.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from karavan.errors import AmbiguousName, CaseError, NameNotFound, ScenarioError
from karavan.evidence.gazetteer import find_mentions
from karavan.evidence.records import parse_interval
from karavan.evidence.series import amount
from karavan.scenario.promise_base import (
    corridor_bases,
    corridor_gates,
    corridor_names,
    corridor_of,
    counted_goods,
    observed_bases,
    place_nodes,
    trade_bases,
)
from karavan.scenario.promise_capacity import limiting_facilities
from karavan.scenario.promise_sentence import case_gazetteer, outside_network
from karavan.scenario.promise_types import Base, Target
from karavan.scenario.promise_volume import Parties, Volume, corridor_directions, pair_directions
from karavan.schema.names import find_commodity, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from karavan.assignment.assignment import Assignment
    from karavan.evidence.gazetteer import Gazetteer
    from karavan.evidence.series import Observation
    from karavan.schema.case import Case

TRADE = frozenset({"trade_turnover", "export", "import"})
CARRIED = frozenset({"freight", "transit", "container_traffic"})
FACTORS = frozenset({"{x}", "%"})
MONTHS = 12
BOXES = frozenset({"teu", "moves"})
_FALLS = re.compile(r"\b(?:fall|fell|drop|declin|decreas|shrink|reduc|halv)", re.IGNORECASE)
HORIZON_STEP, HORIZON_LEAST = 5, 3  # a promise without a date: the next round year at least so many years ahead


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """How a promise is brought to tonnes.

    Attributes
    ----------
    year
        Year it is judged in, where it names none (and in the place of the one it names).
    split
        Words or a year of the split between the directions to use in front ("2022", "2014-2019", "Comtrade"); by
        default the latest of ten months or more.
    unit_value
        Words or a year of the unit values to use in front; by default those that hold most tonnes.
    price_drift_percent
        Percent a year by which unit values rise until the year of the target; 0: constant prices.
    """

    year: int | None = None
    split: str = ""
    unit_value: str = ""
    price_drift_percent: float = 0.0


def targets_of(
    fact: Mapping[str, Any],
    case: Case,
    *,
    options: TargetOptions | None = None,
    seen: Sequence[Observation] = (),
    flows: Callable[[], Assignment],
) -> list[Target]:
    """Return the targets of a commitment, the central one in front: one for each candidate base, else one.

    Parameters
    ----------
    fact
        The JSON object of a commitment (`LedgerEntry.data`, or of `read_sentence`).
    seen
        What a ledger says was reached (`observations`): candidates for a base, beside those of the case.
    flows
        Gives the assignment of the case's own demand; asked for only where a corridor's users must be known.

    Returns
    -------
    A target of kind "none" says in `not_network` or in `needs` why it cannot be judged.
    """
    options = options or TargetOptions()
    plain_target = _plain(fact, case, options)
    if why := outside_network(fact):
        return [replace(plain_target, not_network=why)]
    value = fact.get("value") if fact.get("value") is not None else fact.get("low")
    if value is None or (not fact.get("unit") and fact.get("counted")):
        return [replace(plain_target, needs=_needs(fact), notes=_projects_there(fact, case))]
    names = case_gazetteer(case)
    amount_a_year = float(value) * (MONTHS if fact.get("rate") == "month" else 1)
    if fact.get("unit") == "%" and _FALLS.search(str(fact.get("quote") or "")):
        amount_a_year = -abs(amount_a_year)
    said = _Said(plain_target, fact, amount_a_year, case, names)
    indicator = plain_target.indicator
    if indicator == "capacity":
        return _capacity_targets(said, seen)
    if said.corridor and indicator not in TRADE:
        return _corridor_targets(said, seen, flows)
    if indicator in CARRIED and place_nodes(case, str(fact.get("place") or "")):
        return _handling_targets(said)
    return _pair_targets(said, seen, options)


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """A commitment with a quantity, and the case it is about. `value` is a year's."""

    plain: Target
    fact: Mapping[str, Any]
    value: float
    case: Case
    names: Gazetteer

    @property
    def unit(self) -> str:
        return str(self.fact.get("unit") or "")

    @property
    def corridor(self) -> str:
        place, words = str(self.fact.get("place") or ""), str(self.fact.get("read_as") or self.fact.get("quote") or "")
        return corridor_of(self.case, self.plain.areas, place, words)


def _plain(fact: Mapping[str, Any], case: Case, options: TargetOptions) -> Target:
    """Return what a commitment says, before anything is worked out."""
    year, note = judged_year(fact, case, options)
    indicator = str(fact.get("indicator") or "")
    if not indicator and fact.get("unit") in {"t", "{TEU}"}:
        indicator = "freight"
    areas = tuple(str(a) for a in fact.get("areas") or ())
    value = fact.get("value") if fact.get("value") is not None else fact.get("low")
    return Target(
        title=_title(fact, indicator, areas, case), quote=str(fact.get("quote") or ""), fact=fact.get("id") or None,
        kind="none", indicator=indicator, value=None if value is None else float(value),
        unit=str(fact.get("unit") or ""), year=year, year_note=note, areas=areas,
    )  # fmt: skip


def judged_year(fact: Mapping[str, Any], case: Case, options: TargetOptions) -> tuple[int | None, str]:
    """Return the year a promise is judged in, and how it was found.

    The year asked for; else that of the deadline (one gone by is judged on the network of the case's year); else the
    next round year, an assumption.
    """
    deadline = parse_interval(str(fact["deadline"]))[1] if fact.get("deadline") else None
    now = case.meta.year
    if options.year is not None and now is not None and options.year < now:
        message = f"the year {options.year} is before that of the case, {now}: give {now} or a later one"
        raise ScenarioError(message)
    if options.year is not None:
        named = f"; the promise itself says {deadline.year}" if deadline and deadline.year != options.year else ""
        return options.year, f"the year asked for{named}"
    if deadline is not None and now is not None and deadline.year < now:
        return now, f"the deadline ({deadline.year}) has passed: judged on the network of {now}"
    if deadline is not None:
        return deadline.year, "the deadline of the promise"
    if now is None:
        return None, "no deadline is named, and the case has no year"
    year = now + HORIZON_LEAST + (-(now + HORIZON_LEAST)) % HORIZON_STEP
    return year, f"no deadline was named: {year} is an assumption; give another year to change it"


def _title(fact: Mapping[str, Any], indicator: str, areas: Sequence[str], case: Case) -> str:
    words = " ".join(str(fact.get("quote") or fact.get("object") or "").split()).rstrip(".,")
    value = fact.get("value") if fact.get("value") is not None else fact.get("low")
    unit = str(fact.get("unit") or "")
    if value is None or (not unit and fact.get("counted")):
        return words[:1].upper() + words[1:]
    names = case_gazetteer(case)
    on = [str(fact.get("place") or ""), *(a for a in areas if plain(a) in corridor_names(case))]
    pair = "-".join(names.name_of(a) for a in areas) or corridor_of(case, (), words=words)
    where = next((x for x in on if x and indicator not in TRADE), pair)
    percent = -float(value) if _FALLS.search(words) else float(value)
    much = {"{x}": f"{value:g} times what it is", "%": f"{percent:+g}%"}.get(unit) or amount(float(value), unit)
    return f"{indicator.replace('_', ' ').capitalize()} {where}: {much}".replace("  ", " ")


def _needs(fact: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a promise without a quantity lacks."""
    lacking = ["how much: tonnes, TEU or money a year, or a factor of what is carried today"]
    if "talks only" in str(fact.get("reason") or ""):
        lacking.insert(0, "a promise: it tells of talks only")
    if not fact.get("areas") and not fact.get("place"):
        lacking.append("between whom, or on which corridor")
    if not fact.get("deadline"):
        lacking.append("by when")
    return tuple(lacking)


def _projects_there(fact: Mapping[str, Any], case: Case) -> tuple[str, ...]:
    """Return the projects of the case at the place a promise names: what the network would gain by it."""
    place = plain(str(fact.get("place") or ""))
    if not place or not len(case.projects):
        return ()
    return tuple(
        f"the case has a project there: {name} (projects/{key}); a scenario that opens it shows what it would change"
        for key, name in case.projects["name"].items()
        if place in plain(str(name))
    )


def _starts(said: _Said, bases: Sequence[Base], unit: str, what: str) -> list[tuple[float, Base | None]] | str:
    """Return the target in `unit` for each base; where only a factor is said and no base is known, what is missing."""
    if said.unit not in FACTORS:
        return [(said.value, bases[0] if bases else None)]
    if not bases:
        return f"a base: {amount(said.value, said.unit)} of what? No whole year of {what} is in the case or the ledger"
    factor = said.value if said.unit == "{x}" else 1.0 + said.value / 100.0
    return [(b.value * factor, b) for b in bases if b.unit == unit]


# Trade of two parties


def _pair_targets(said: _Said, seen: Sequence[Observation], options: TargetOptions) -> list[Target]:
    ends = [a for a in said.plain.areas if a in said.names.country_names or a in said.names.blocs]
    if len(ends) != 2:
        found = ", ".join(said.names.name_of(a) for a in ends) or "none"
        return [replace(said.plain, needs=(f"two parties, or a corridor of the case (it names {found})",))]
    if said.unit not in {"USD", "t", *FACTORS}:
        lacking = f"an amount in USD, tonnes or a factor: {said.unit.strip('{}') or 'a number'} cannot be brought to t"
        return [replace(said.plain, needs=(lacking,))]
    parties = Parties(*_ordered(said, ends), one_way=_one_way(said), case=said.case, names=said.names)
    unit = "t" if said.unit == "t" else "USD"
    goods, out = _goods(said), []
    bases = [
        *(trade_bases(said.case, parties.one, parties.other, direction=parties.direction) if not goods else ()),
        *observed_bases(seen, said.plain.indicator, ends, unit),
    ]
    bases = [b for b in bases if b.unit == unit]
    starts = _starts(said, bases, unit, f"trade {parties.name}")
    if isinstance(starts, str):
        return [replace(said.plain, needs=(starts,))]
    for value, base in starts:
        volume = Volume(
            value, unit, said.plain.year, options.split, options.unit_value, options.price_drift_percent, goods
        )  # fmt: skip
        try:
            made = pair_directions(parties, volume)
        except (CaseError, ScenarioError) as error:
            return [replace(said.plain, needs=(str(error).split("\n")[-1].strip(),))]
        out.append(
            replace(
                said.plain, kind="volume", value=value, unit=unit, directions=made.directions,
                alternatives=made.alternatives, notes=made.notes, base=base, bases=tuple(dict.fromkeys(bases)),
            )
        )
    return out


def _ordered(said: _Said, ends: Sequence[str]) -> tuple[str, str]:
    """Return exporter and importer where goods go one way, else the parties as they are named."""
    direction = str(said.fact.get("direction") or "")
    if "->" in direction:
        first, last = direction.split("->")
        return first, last
    one, other = ends
    return (other, one) if said.plain.indicator == "import" else (one, other)


def _one_way(said: _Said) -> bool:
    return said.plain.indicator in {"export", "import"} or "->" in str(said.fact.get("direction") or "")


def _goods(said: _Said) -> tuple[str, ...]:
    """Return the commodities that the sentence names; empty: all goods."""
    words = str(said.fact.get("read_as") or said.fact.get("quote") or "")
    named = [str(said.fact["product"])] if said.fact.get("product") else []
    named += [m.entry.name for m in find_mentions(words, said.names, 0, len(words))["goods"]]
    groups = said.case.commodities["group"]
    out: dict[str, None] = {}
    for name in named:
        try:
            out[find_commodity(said.case, name)] = None
        except (NameNotFound, AmbiguousName):
            out |= dict.fromkeys(str(i) for i in groups.index[groups == name.casefold()])
    return tuple(out)


# Corridors


def _corridor_targets(
    said: _Said, seen: Sequence[Observation], flows: Callable[[], Assignment]
) -> list[Target]:
    unit = "{TEU}" if said.unit == "{TEU}" or said.plain.indicator == "container_traffic" else "t"
    if said.unit not in {unit, *FACTORS}:
        return [replace(said.plain, needs=("tonnes or TEU a year, or a factor of what the corridor carries today",))]
    corridor = said.corridor
    bases = [
        *corridor_bases(said.case, corridor, unit),
        *observed_bases(seen, said.plain.indicator, said.plain.areas, unit),
    ]
    starts = _starts(said, bases, unit, f"what {corridor} carries")
    if isinstance(starts, str):
        return [replace(said.plain, needs=(starts,))]
    gates, out = corridor_gates(said.case, corridor, unit), []
    for value, base in starts:
        try:
            counted = counted_goods(said.case, gates, base)
            made = corridor_directions(flows(), gates, value, unit, counted=counted)
        except ScenarioError as error:
            return [replace(said.plain, needs=(str(error),))]
        out.append(
            replace(
                said.plain, kind="volume", value=value, unit=unit, via=corridor, via_links=tuple(gates.links),
                base=base, bases=tuple(dict.fromkeys(bases)), directions=made.directions,
                alternatives=made.alternatives, notes=made.notes,
            )
        )
    return out


def _handling_targets(said: _Said) -> list[Target]:
    """Return the target of what a port or station is to handle: judged by what it can handle."""
    (target, *_) = _capacity_targets(said, ())
    if target.needs and not target.facilities:
        place = str(said.fact.get("place") or "")
        lacking = f"a capacity: no row of facilities is at {place}, and it is no corridor of the case"
        return [replace(target, needs=(lacking,))]
    note = "What a place is to handle is judged by what it can handle: whose goods they are is not said."
    return [replace(target, notes=(*target.notes, note))]


def _capacity_targets(said: _Said, seen: Sequence[Observation]) -> list[Target]:
    """Return the target of a promise of capacity: it is judged by the rows that limit the corridor or place."""
    unit = "{TEU}" if said.unit == "{TEU}" else "t"
    rows = limiting_facilities(said.case, said.corridor, str(said.fact.get("place") or ""))
    if unit == "{TEU}":
        rows = tuple(r for r in rows if said.case.facilities["unit"].loc[r] in BOXES) or rows
    if not rows:
        return [replace(said.plain, needs=("a corridor or place of the case whose capacity is meant",))]
    starts = _starts(said, observed_bases(seen, "capacity", said.plain.areas, unit), unit, "capacity")
    if isinstance(starts, str):
        return [replace(said.plain, needs=(starts,))]
    return [
        replace(said.plain, kind="capacity", value=value, unit=unit, via=said.corridor, facilities=rows, base=base)
        for value, base in starts
    ]
