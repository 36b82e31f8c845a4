"""What a promise asks of a network, as frozen values: the target, its two directions, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Kind = Literal["volume", "capacity", "none"]
"""Judged by demand, judged by capacity rows, or nothing that a network could carry (or that could be judged)."""


@dataclass(frozen=True, slots=True)
class Base:
    """A level a target starts from. `sources` are "table/row" of the case or "fact/id" of a ledger.

    `thing` tells apart what is counted where several things are ("Bolashak station"); empty for trade.
    """

    year: int
    value: float
    unit: str
    name: str
    sources: tuple[str, ...]
    thing: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "year": self.year, "value": self.value, "unit": self.unit, "name": self.name, "sources": list(self.sources),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class DirectionDemand:
    """Tonnes a year of a target one way: all of them, so they stand in the place of the demand rows `replaces`.

    Attributes
    ----------
    exporter, importer
        Countries or blocs; for a corridor its ends.
    tonnes, tonnes_low, tonnes_high
        Central, least and most, tonnes a year; the ends are those of the alternatives.
    rows
        Columns origin, destination, commodity, tonnes, peak_month_share (missing: 1/12) and value_usd (missing where
        the target is none of money). The tonnes sum up to `tonnes`.
    replaces
        The trade of today that the target includes: ids of rows of `case.demand` with the tonnes of each.
    """

    exporter: str
    importer: str
    tonnes: float
    tonnes_low: float
    tonnes_high: float
    rows: pd.DataFrame
    replaces: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the rows as a list."""
        return {
            "exporter": self.exporter, "importer": self.importer, "tonnes": self.tonnes,
            "tonnes_low": self.tonnes_low, "tonnes_high": self.tonnes_high, "replaces": dict(self.replaces),
            "rows": self.rows.astype(object).where(self.rows.notna(), None).to_dict("records"),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Alternative:
    """One way to bring the target to tonnes: `tonnes` in the order of the target's directions.

    `shares` are the shares of commodities in the tonnes of a direction, empty where they are as in its rows.
    `sources` are the rows it rests on; `why` says how it was worked out, number by number.
    """

    name: str
    tonnes: tuple[float, ...]
    sources: tuple[str, ...]
    why: str
    shares: tuple[Mapping[str, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name, "tonnes": list(self.tonnes), "why": self.why, "sources": list(self.sources),
            "shares": [dict(s) for s in self.shares],
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What is to be reached, by when, and what it means in tonnes by direction.

    Attributes
    ----------
    title, quote, fact
        What is promised in few words; the words as they were said; id of the fact (None for a typed sentence).
    kind
        "volume": judged by demand on the network. "capacity": judged by the capacity of `facilities`. "none": neither.
    indicator, value, unit
        As promised, made absolute with `base` where only a factor or a percentage was said; per year.
    year, year_note
        Year it is judged in; how it was found (the deadline, or an assumption).
    areas
        Countries, blocs or corridors.
    via, via_links
        Id of the corridor on which the tonnes must travel, and the links of which each tonne must pass one (those the
        volume is counted on); empty where goods may go as they like.
    directions, alternatives
        Of a volume: tonnes each way, and every other way to count them. The first alternative is the central one.
    facilities
        Of a capacity: rows of `facilities`.
    base, bases
        The level it starts from, and all candidates for it.
    needs
        What is missing before it can be judged.
    not_network
        Why the network has no part in it; empty if it has.
    """

    title: str
    quote: str
    fact: str | None
    kind: Kind
    indicator: str = ""
    value: float | None = None
    unit: str = ""
    year: int | None = None
    year_note: str = ""
    areas: tuple[str, ...] = ()
    via: str = ""
    via_links: tuple[str, ...] = ()
    directions: tuple[DirectionDemand, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    facilities: tuple[str, ...] = ()
    base: Base | None = None
    bases: tuple[Base, ...] = ()
    needs: tuple[str, ...] = ()
    not_network: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def tonnes(self) -> float:
        """Tonnes a year, all directions."""
        return sum(d.tonnes for d in self.directions)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, directions and alternatives included."""
        plain = ("title", "quote", "fact", "kind", "indicator", "value", "unit", "year", "year_note", "via", "tonnes")
        return {name: getattr(self, name) for name in plain} | {
            "areas": list(self.areas),
            "via_links": list(self.via_links),
            "facilities": list(self.facilities),
            "directions": [d.to_json() for d in self.directions],
            "alternatives": [a.to_json() for a in self.alternatives],
            "base": None if self.base is None else self.base.to_json(),
            "bases": [b.to_json() for b in self.bases],
            "needs": list(self.needs),
            "not_network": self.not_network,
            "notes": list(self.notes),
        }
