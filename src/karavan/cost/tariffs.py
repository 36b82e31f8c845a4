"""Freight tariffs: which row prices what, and what it costs a tonne."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.schema.case import as_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

# What a row may name, from the most to the least telling: a service beats a commodity beats a country beats a unit.
WEIGHT = {"service": 8, "commodity": 4, "country": 2, "carrying_unit": 1}


@dataclass(frozen=True, slots=True)
class Tariff:
    """One tariff row, with prices in USD; `row` is its position in the table."""

    row: int
    mode: str
    country: str | None
    service: str | None
    carrying_unit: str | None
    commodities: tuple[str, ...]
    usd_per_tkm: float
    usd_per_unit_km: float
    usd_per_unit: float
    usd_per_tonne: float

    def usd(self, km: float, unit_tonnes: float) -> float:
        """Return USD per tonne for a distance, with `unit_tonnes` tonnes in a loaded unit."""
        by_unit = self.usd_per_unit + self.usd_per_unit_km * km
        return self.usd_per_tonne + self.usd_per_tkm * km + by_unit / unit_tonnes


def read_tariffs(freight_tariffs: pd.DataFrame) -> list[Tariff]:
    """Read the tariff table."""
    prices = freight_tariffs[["usd_per_tkm", "usd_per_unit_km", "usd_per_unit", "usd_per_tonne"]].fillna(0.0)
    names = freight_tariffs[["mode", "country", "service", "carrying_unit"]].astype(object)
    names = names.where(names.notna(), None)
    rows = zip(names.itertuples(index=False), freight_tariffs["commodities"], prices.to_numpy(), strict=True)
    return [
        Tariff(i, n.mode, n.country, n.service, n.carrying_unit, tuple(as_list(goods)), *map(float, p))  # type: ignore[arg-type]
        for i, (n, goods, p) in enumerate(rows)
    ]


class TariffBook:
    """Finds the most specific tariff for a movement; the first row wins among equals."""

    def __init__(self, tariffs: Iterable[Tariff]) -> None:
        self._by_mode: dict[str, list[Tariff]] = {}
        for tariff in tariffs:
            self._by_mode.setdefault(tariff.mode, []).append(tariff)
        self._found: dict[tuple[str, str | None, str | None, str, str], Tariff | None] = {}

    def find(self, mode: str, country: str | None, service: str | None, unit: str, commodity: str) -> Tariff | None:
        """Return the tariff for a movement, or None where no row prices it.

        `service` None means the goods move on the link by themselves: rows of a service do not apply.
        """
        key = (mode, country, service, unit, commodity)
        if key not in self._found:
            self._found[key] = self._search(*key)
        return self._found[key]

    def _search(self, mode: str, country: str | None, service: str | None, unit: str, commodity: str) -> Tariff | None:
        best, best_score = None, -1
        for t in self._by_mode.get(mode, ()):
            score = 0
            for wanted, given, weight in (
                (t.service, service, WEIGHT["service"]),
                (t.country, country, WEIGHT["country"]),
                (t.carrying_unit, unit, WEIGHT["carrying_unit"]),
            ):
                if wanted is None:
                    continue
                if wanted != given:
                    break
                score += weight
            else:
                if t.commodities and commodity not in t.commodities:
                    continue
                score += WEIGHT["commodity"] if t.commodities else 0
                if score > best_score:
                    best, best_score = t, score
        return best


def unit_tonnes(carrying_units: pd.DataFrame, load_factor: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return tonnes in a loaded unit of each carrying unit for goods of a load factor; shape (units,)."""
    return np.asarray(carrying_units["payload_tonnes"].to_numpy(dtype=np.float64) * load_factor)
