"""Haulage: the pieces of an arc that one tariff row prices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from karavan.cost.price_index import years_of
from karavan.cost.tariffs import TariffBook, read_tariffs
from karavan.network.graph import ArcKind, Graph
from karavan.schema.case import positions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from karavan.cost.tariffs import Tariff
    from karavan.schema.case import Case


class Section(NamedTuple):
    """Links in a row, of one country, under one arc. `service` is None off services."""

    arc: int
    mode: str
    unit: str
    country: str | None
    service: str | None
    km: float
    whole: bool  # this is all of the leg in this country


class Priced(NamedTuple):
    """Sections that one tariff row prices together, or none prices, with their length."""

    sections: tuple[Section, ...]
    km: float
    tariff: Tariff | None


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """What hauls and runs cost: one row a section of an arc and the tariff row that prices it. Shape (n_pieces,).

    `arc` and `row`, the position of the tariff; `per_tonne` and `per_unit` in USD of `price_year`; `least` tonnes,
    for each unit where `by_unit`; `minimum_usd`. `unpriced` (n_arcs,) marks arcs that lack a tariff,
    `exact` (n_arcs,) those whose price is no other as part of a longer leg.
    """

    arc: NDArray[np.int32]
    row: NDArray[np.int32]
    per_tonne: NDArray[np.float64]
    per_unit: NDArray[np.float64]
    least: NDArray[np.float64]
    by_unit: NDArray[np.bool_]
    minimum_usd: NDArray[np.float64]
    price_year: NDArray[np.int64]
    unpriced: NDArray[np.bool_]
    exact: NDArray[np.bool_]

    def single_rows(self) -> NDArray[np.int32]:
        """Return the tariff row of each arc, -1 where none or several price it; shape (n_arcs,)."""
        n = len(self.unpriced)
        low, high = np.full(n, np.iinfo(np.int32).max, dtype=np.int32), np.full(n, -1, dtype=np.int32)
        np.minimum.at(low, self.arc, self.row)
        np.maximum.at(high, self.arc, self.row)
        return np.where((low == high) & ~self.unpriced, high, -1).astype(np.int32)


class Haulage:
    """Prices moving arcs; what does not depend on the commodity is found once."""

    def __init__(self, case: Case, graph: Graph) -> None:
        self.graph = graph
        self.tariffs = read_tariffs(case.freight_tariffs)
        self.book = TariffBook(self.tariffs)
        self.years = years_of(case.freight_tariffs["price_year"])
        self.moving = np.flatnonzero((graph.kind == ArcKind.HAUL) | (graph.kind == ArcKind.RUN)).tolist()
        self._modes = [str(m) for m in case.modes.index]
        self._units = [str(u) for u in case.carrying_units.index]
        self._services = [str(s) for s in case.services.index]
        countries = [None if pd.isna(c) else str(c) for c in case.nodes["country"]]
        ends = [positions(case.nodes, case.links[f]).tolist() for f in ("from_node", "to_node")]
        self._starts: list[list[str | None]] = [[countries[node] for node in side] for side in ends]
        self._km = case.links["length_km"].fillna(0.0).tolist()
        self._sections = [self._cut(arc) for arc in self.moving]

    def section(self, arc: int, link: int, *, ahead: bool) -> Section:
        """Return one link under an arc as part of a leg known from end to end."""
        at = int(self.graph.service[arc])
        return Section(
            arc=arc,
            mode=self._modes[self.graph.arc_mode[arc]],
            unit=self._units[self.graph.arc_unit[arc]],
            country=self._starts[0 if ahead else 1][link],
            service=self._services[at] if at >= 0 else None,
            km=self._km[link],
            whole=True,
        )

    def _cut(self, arc: int) -> list[Section]:
        """Cut an arc where another country begins; a haul may be part of a longer leg, a run is a whole one."""
        out: list[Section] = []
        for link, ahead in self.graph.links_under(arc):
            new = self.section(arc, link, ahead=ahead)._replace(whole=bool(self.graph.service[arc] >= 0))
            if out and out[-1].country == new.country:
                out[-1] = out[-1]._replace(km=out[-1].km + new.km)
            else:
                out.append(new)
        return out

    def find(
        self, sections: list[Section], commodity: str, tonnes: float, *, full: float | None = None
    ) -> list[Priced]:
        """Return what is paid for separately on a row of sections of one vehicle, in order.

        A service with a tariff of its own is one price from end to end. Else sections that the same rows may price are
        one leg of that tariff; in another country another row may hold. `full`: tonnes in a full unit, where the
        sections may be parts of a longer leg.
        """
        first, km = sections[0], sum(s.km for s in sections)
        if first.service is not None:
            own = self.book.find(first.mode, first.country, first.service, first.unit, commodity, tonnes=tonnes, km=km)
            if own is not None and own.service is not None:
                return [Priced(tuple(sections), km, own)]
        out: list[Priced] = []
        for _, group in groupby(sections, key=lambda s: self._rows(s, commodity)):
            part = tuple(group)
            at, km = part[0], sum(s.km for s in part)
            tariff = self.book.find(
                at.mode, at.country, None, at.unit, commodity, tonnes=tonnes, km=km,
                full=None if at.whole else full,
            )  # fmt: skip
            out.append(Priced(part, km, tariff))
        return out

    def _rows(self, section: Section, commodity: str) -> list[list[int]]:
        found = self.book.candidates(section.mode, section.country, None, section.unit, commodity)
        return [[t.row for t in equals] for equals in found]

    def pieces(
        self, commodity: str, tonnes: NDArray[np.float64], full: NDArray[np.float64], *, missing_is_free: bool
    ) -> Pieces:
        """Return what every moving arc costs, for shipments of `tonnes` and units of `full` tonnes.

        Both are by the position of the carrying unit, shape (n_units,).
        """
        unpriced, exact = np.zeros(self.graph.n_arcs, dtype=bool), np.ones(self.graph.n_arcs, dtype=bool)
        rows: list[tuple[int, float, float, float, Tariff]] = []
        for arc, sections in zip(self.moving, self._sections, strict=True):
            if not sections:
                continue
            unit = self.graph.arc_unit[arc]
            found = self.find(sections, commodity, float(tonnes[unit]), full=float(full[unit]))
            if any(part.tariff is None for part in found):
                unpriced[arc] = not missing_is_free
                continue
            rows.extend(_priced(arc, found, whole=sections[0].whole))
            exact[arc] = sections[0].whole or all(part.tariff.by_distance_alone for part in found if part.tariff)
        arcs, per_tonne, per_unit, minimum, used = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        row = np.asarray([t.row for t in used], dtype=np.int32)
        return Pieces(
            arc=np.asarray(arcs, dtype=np.int32),
            row=row,
            per_tonne=np.asarray(per_tonne, dtype=np.float64),
            per_unit=np.asarray(per_unit, dtype=np.float64),
            least=np.asarray([t.minimum_tonnes for t in used], dtype=np.float64),
            by_unit=np.asarray([t.by_unit for t in used], dtype=bool),
            minimum_usd=np.asarray(minimum, dtype=np.float64),
            price_year=self.years[row],
            unpriced=unpriced,
            exact=exact,
        )


def _priced(
    arc: int, found: list[Priced], *, whole: bool
) -> Iterator[tuple[int, float, float, float, Tariff]]:
    """Yield the pieces of an arc; the least money of a leg counts only where the arc is the whole of it."""
    for _, km, t in found:
        if t is not None:
            per_tonne, per_unit = t.by_tonne_and_unit(km)
            yield arc, per_tonne, per_unit, t.minimum_usd if whole else 0.0, t
