"""Levels a promise may start from: every candidate base of a pair's trade, of a corridor or of a place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from karavan.demand.money import directed
from karavan.errors import AmbiguousName, NameNotFound
from karavan.evidence.series import YEAR_DAYS, amount, period_words
from karavan.scenario.promise_types import Base
from karavan.schema.case import as_list
from karavan.schema.chains import link_chains
from karavan.schema.names import find_nodes, plain
from karavan.schema.state import is_open, reference_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from karavan.evidence.series import Observation
    from karavan.schema.case import Case

LONGEST_YEAR = 370  # days
WINDOW = 3  # years before the newest level after which a level is no base any more
UNIT_OF_COUNT = {"t": "tonnes", "{TEU}": "teu"}


def trade_series(case: Case, one: str, other: str, *, direction: str = "") -> list[Base]:
    """Return what was published of the trade of two parties for whole years, in time: USD a year.

    Turnover both ways, or exports one way where `direction` is "A->B". Parts of goods are left out; what counts part of
    the trade (its definition says so) is a thing of its own. A year of another calendar is that of its middle.
    """
    if direction:
        first, last = direction.split("->")
        rows = directed(case.trade)
        rows = rows[(rows["exporter"] == first) & (rows["importer"] == last)]
    else:
        rows = directed(case.trade, ("turnover",))
        ends = [(rows["exporter"] == a) & (rows["importer"] == b) for a, b in ((one, other), (other, one))]
        rows = rows[ends[0] | ends[1]]
    found = []
    for r in rows[rows["value_usd"].notna()].to_dict("records"):
        if not YEAR_DAYS <= (r["last"] - r["first"]).days + 1 <= LONGEST_YEAR:
            continue
        year, value, part = (r["first"] + (r["last"] - r["first"]) / 2).year, float(r["value_usd"]), r["definition"]
        who = f"{r['said'] or r['source']}{f', {part}' if part else ''}"
        words = f"{amount(value, 'USD')} in {period_words(r['first'], r['last'])} ({who})"
        found.append(Base(year, value, "USD", words, (f"trade/{r['id']}",), part))
    return sorted(found, key=lambda b: (b.year, b.value))


def trade_bases(case: Case, one: str, other: str, *, direction: str = "") -> list[Base]:
    """Return the candidate bases of the trade of two parties, the one to use in front.

    Nothing older than three years before the newest. In front stands the latest of what was published of all the trade;
    then what counts part of it, then what is reckoned (confidence C).
    """
    grades = case.trade["confidence"]
    series = trade_series(case, one, other, direction=direction)
    if not series:
        return []
    newest = series[-1].year
    kept = [b for b in series if b.year > newest - WINDOW]

    def rank(b: Base) -> tuple[bool, bool, int, float]:
        return str(grades[b.sources[0].removeprefix("trade/")]) == "C", bool(b.thing), -b.year, -b.value

    return sorted(kept, key=rank)


def observed_bases(seen: Sequence[Observation], indicator: str, areas: Iterable[str], unit: str) -> list[Base]:
    """Return whole-year levels that a ledger's facts give of the same indicator and areas, the latest in front."""
    wanted = set(areas)
    found = [
        Base(o.last.year, o.value, unit, f"{o.words()} in {o.last.year} (ledger)", tuple(f"fact/{f}" for f in o.facts))
        for o in seen
        if o.last is not None and YEAR_DAYS <= o.days <= LONGEST_YEAR and o.series.unit == unit
        and o.series.indicator == indicator and o.series.kind == "level"
        and (set(o.series.areas) == wanted or o.series.place in wanted)
    ]  # fmt: skip
    return sorted(found, key=lambda b: (-b.year, -b.value))


# Corridors and places


def corridor_of(case: Case, areas: Iterable[str], place: str = "", words: str = "") -> str:
    """Return the id of the case's corridor that areas, a place or the words of a sentence name; "" if none does.

    Of several the one with the longest name in the words; names are those of the corridors and their aliases.
    """
    if not len(case.corridors):
        return ""
    names = corridor_names(case)
    for name in (place, *areas):
        if name and plain(name) in names:
            return names[plain(name)]
    said = f" {plain(words)} "
    held = sorted((n for n in names if len(n) > 2 and f" {n} " in said), key=lambda n: (-len(n), n))
    return names[held[0]] if held else ""


def corridor_names(case: Case) -> dict[str, str]:
    """Return the id of each corridor by its plain names: id, name and aliases."""
    ids = dict(zip(case.corridors["corridor"], case.corridors["name"], strict=True))
    names = {plain(str(k)): str(k) for k in ids} | {plain(str(n)): str(k) for k, n in ids.items()}
    aliases = case.aliases[case.aliases["table"] == "corridors"]
    for name, key in zip(aliases["name"], aliases["id"], strict=True):
        if key in ids:
            names.setdefault(plain(str(name)), str(key))
    return names


def corridor_steps(case: Case, corridor: str) -> dict[str, bool]:
    """Return the links under the legs of a corridor, in order, each with whether it is travelled as it is written.

    A leg that cannot be travelled gives none.
    """
    chains = link_chains(case.links, is_open(case.links, reference_day(case.meta.year)))
    legs = case.corridors[case.corridors["corridor"] == corridor].sort_values("seq", kind="stable")
    out: dict[str, bool] = {}
    for leg in legs.itertuples():
        for link, forward in chains.shortest(str(leg.mode), [str(leg.from_node), str(leg.to_node)]) or ():
            out.setdefault(str(case.links.index[link]), forward)
    return out


def corridor_links(case: Case, corridor: str) -> tuple[str, ...]:
    """Return the ids of the links under the legs of a corridor, in order."""
    return tuple(corridor_steps(case, corridor))


def corridor_counts(case: Case, corridor: str, unit: str) -> pd.DataFrame:
    """Return the counts that are the volume of a corridor in a whole year, in tonnes or TEU.

    Those whose name says so; where none does, for a corridor of one mode (a railway), those counted on its links alone,
    of all goods. Columns of `counts`, the newest first.
    """
    c = case.counts
    if not len(c):
        return c
    whole = c["period_from"].isna() & c["period_until"].isna() & (c["element_table"] == "links")
    whole &= c["commodities"].isna() & (c["unit"] == UNIT_OF_COUNT.get(unit, unit)) & (c["oil"] == "included")
    rows = c[whole]
    names = [n for n, key in corridor_names(case).items() if key == corridor and len(n) > 2]
    named = rows[[any(f" {n} " in f" {_bare(str(x))} " for n in names) for x in rows["name"]]]
    links = set(corridor_links(case, corridor))
    on = rows[[set(as_list(e)) <= links for e in rows["elements"]]]
    one_mode = len(set(case.corridors.loc[case.corridors["corridor"] == corridor, "mode"])) == 1
    chosen = named if len(named) else on[one_mode & (on["carrying_units"].isna() | (unit == "{TEU}"))]
    return chosen.sort_values(["year", "value"], ascending=False, kind="stable")


def corridor_bases(case: Case, corridor: str, unit: str) -> list[Base]:
    """Return the candidate bases of a corridor's volume: of each thing counted its newest year.

    In front the newest level that is not after the year of the case; what is expected of a later year comes after.
    """
    rows = corridor_counts(case, corridor, unit)
    found: dict[str, Base] = {}
    for key, r in rows.iterrows():
        found.setdefault(str(r["name"]), _counted(str(key), r, unit))
    year = case.meta.year or 9999
    return sorted(found.values(), key=lambda b: (b.year > year, -b.year if b.year <= year else b.year, -b.value))


def corridor_series(case: Case, corridor: str, unit: str) -> list[Base]:
    """Return every whole-year volume of a corridor, in time, each thing counted by itself."""
    found = [_counted(str(key), r, unit) for key, r in corridor_counts(case, corridor, unit).iterrows()]
    return sorted(found, key=lambda b: (b.thing, b.year))


def _counted(key: str, row: pd.Series, unit: str) -> Base:
    value, year, name = float(row["value"]), int(row["year"]), str(row["name"])
    return Base(year, value, unit, f"{amount(value, unit)} in {year} ({name})", (f"counts/{key}",), name)


@dataclass(frozen=True, slots=True)
class Gates:
    """Links on which what is on a corridor is seen, each with whether goods go along the corridor as it is written.

    `beside`: they stand side by side, and a tonne passes one of them (crossings of a sea); else one behind the other.
    """

    links: Mapping[str, bool]
    beside: bool


def corridor_gates(case: Case, corridor: str, unit: str = "t") -> Gates:
    """Return the links on which a corridor's volume is counted; without counts, those on which it crosses borders."""
    steps, country = corridor_steps(case, corridor), case.nodes["country"]
    written = zip(case.links.index, case.links["from_node"], case.links["to_node"], strict=True)
    ends = {str(i): (country.get(a), country.get(b)) for i, a, b in written}
    rows = corridor_counts(case, corridor, unit)
    rows = rows if len(rows) else corridor_counts(case, corridor, "t")
    counted = tuple(dict.fromkeys(e for cell in rows["elements"] for e in as_list(cell)))
    if not counted:
        return Gates({k: f for k, f in steps.items() if ends[k][0] != ends[k][1]}, beside=False)
    along = {ends[k] if f else ends[k][::-1] for k, f in steps.items()}
    return Gates({g: steps.get(g, ends[g] in along) for g in counted}, beside=True)


@dataclass(frozen=True, slots=True)
class Counted:
    """Goods that are counted by themselves on a corridor: their share of all that is counted there in the year."""

    goods: str
    commodities: tuple[str, ...]
    share: float
    source: str


def counted_goods(case: Case, gates: Gates, base: Base | None) -> tuple[Counted, ...]:
    """Return goods counted by themselves on the gates of a corridor in the year of its base, in tonnes.

    Counts of containers, of part of a year or of goods in another count are left out.
    """
    c = case.counts
    if base is None or base.unit != "t" or not len(c):
        return ()
    mine = c["commodities"].notna() & (c["unit"] == "tonnes") & (c["year"] == base.year) & c["carrying_units"].isna()
    mine &= c["period_from"].isna() & c["period_until"].isna() & (c["element_table"] == "links")
    found: list[Counted] = []
    for key, r in c[mine].sort_values("value", ascending=False, kind="stable").iterrows():
        goods, share = tuple(as_list(r["commodities"])), float(r["value"]) / base.value
        taken = {g for other in found for g in other.commodities}
        if set(as_list(r["elements"])) <= set(gates.links) and share < 1.0 and not taken & set(goods):
            found.append(Counted(", ".join(goods), goods, share, f"counts/{key}"))
    return tuple(found)


def gate_links(case: Case, corridor: str, unit: str = "t") -> tuple[str, ...]:
    """Return the ids of the links of `corridor_gates`."""
    return tuple(corridor_gates(case, corridor, unit).links)


def place_nodes(case: Case, place: str) -> tuple[str, ...]:
    """Return the nodes of a place by name or alias; empty where the case has none of that name, or several."""
    try:
        return tuple(find_nodes(case, place)) if place else ()
    except (NameNotFound, AmbiguousName):
        return ()


def _bare(text: str) -> str:
    return plain(re.sub(r"[,;:()]", " ", text))
