"""Freight tariffs: which row prices what, and what it costs."""

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
PRICES = ("usd_per_tkm", "usd_per_unit_km", "usd_per_unit", "usd_per_tonne")
STEPS = {"from_tonnes": 0.0, "until_tonnes": np.inf, "from_km": 0.0, "until_km": np.inf}
LEAST = ("minimum_tonnes", "minimum_usd")


@dataclass(frozen=True, slots=True)
class Tariff:
    """One tariff row, with prices in USD; `row` is its position in the table.

    It holds for shipments of `from_tonnes` or more and below `until_tonnes`, on legs of `from_km` or more and below
    `until_km`. `by_unit`: `minimum_tonnes` is meant for each unit begun, else for the shipment.
    """

    row: int
    mode: str
    country: str | None
    service: str | None
    carrying_unit: str | None
    commodities: tuple[str, ...]
    by_unit: bool
    usd_per_tkm: float
    usd_per_unit_km: float
    usd_per_unit: float
    usd_per_tonne: float
    from_tonnes: float
    until_tonnes: float
    from_km: float
    until_km: float
    minimum_tonnes: float
    minimum_usd: float

    def usd(self, km: float, unit_tonnes: float) -> float:
        """Return USD per tonne for a distance, with `unit_tonnes` tonnes in a loaded unit; no minimum is met."""
        per_tonne, per_unit = self.by_tonne_and_unit(km)
        return per_tonne + per_unit / unit_tonnes

    @property
    def by_distance_alone(self) -> bool:
        """Tell whether the price of a leg is the sum of the prices of its parts."""
        fixed = self.usd_per_unit + self.usd_per_tonne + self.minimum_usd
        return fixed == 0.0 and self.from_km == 0.0 and self.until_km == np.inf

    def by_tonne_and_unit(self, km: float) -> tuple[float, float]:
        """Return USD per tonne and USD per unit for a distance."""
        return self.usd_per_tonne + self.usd_per_tkm * km, self.usd_per_unit + self.usd_per_unit_km * km

    def charged_tonnes(self, tonnes: float, units: float) -> float:
        """Return the tonnes that are paid for: those moved, or the least the tariff takes."""
        return max(tonnes, self.minimum_tonnes * (units if self.by_unit else 1.0))

    def total(self, km: float, tonnes: float, units: float) -> float:
        """Return USD for a shipment of some tonnes in some units over a leg."""
        per_tonne, per_unit = self.by_tonne_and_unit(km)
        return max(self.minimum_usd, per_tonne * self.charged_tonnes(tonnes, units) + per_unit * units)

    def takes(self, tonnes: float) -> bool:
        """Tell whether a shipment's weight is on this step."""
        return self.from_tonnes <= tonnes < self.until_tonnes

    def reaches(self, km: float) -> bool:
        """Tell whether a leg's length is on this step."""
        return self.from_km <= km < self.until_km


def read_tariffs(freight_tariffs: pd.DataFrame) -> list[Tariff]:
    """Read the tariff table."""
    t = freight_tariffs
    numbers = t[[*PRICES, *STEPS, *LEAST]].fillna(dict.fromkeys((*PRICES, *LEAST), 0.0) | STEPS).to_numpy()
    names = t[["mode", "country", "service", "carrying_unit"]].astype(object)
    names = names.where(names.notna(), None)
    by_unit = ~t["lot"].isin(["train", "ship"]).to_numpy(dtype=bool)
    rows = zip(names.itertuples(index=False), t["commodities"], by_unit.tolist(), numbers, strict=True)
    return [
        Tariff(i, n.mode, n.country, n.service, n.carrying_unit, tuple(as_list(goods)), unit, *map(float, p))  # type: ignore[arg-type]
        for i, (n, goods, unit, p) in enumerate(rows)
    ]


class TariffBook:
    """Finds the most specific tariff for a movement; the first row wins among equals."""

    def __init__(self, tariffs: Iterable[Tariff]) -> None:
        self._by_mode: dict[str, list[Tariff]] = {}
        for tariff in tariffs:
            self._by_mode.setdefault(tariff.mode, []).append(tariff)
        self._found: dict[tuple[str, str | None, str | None, str, str], list[list[Tariff]]] = {}

    def weights(self) -> list[float]:
        """Return the weights at which any step begins or ends, in order."""
        steps = {w for rows in self._by_mode.values() for t in rows for w in (t.from_tonnes, t.until_tonnes)}
        return sorted(w for w in steps if 0.0 < w < np.inf)

    def find(
        self, mode: str, country: str | None, service: str | None, unit: str, commodity: str, *,
        tonnes: float, km: float, full: float | None = None,
    ) -> Tariff | None:  # fmt: skip
        """Return the tariff for a movement of a shipment of some tonnes over a leg, or None where no row prices it.

        `service` None means the goods move on the link by themselves: rows of a service do not apply. With `full`,
        tonnes in a full unit, `km` may be a part of the leg: of the rows that a longer leg may fall in, the one is
        taken that is cheapest for a full unit.
        """
        for equals in self.candidates(mode, country, service, unit, commodity):
            fit = [t for t in equals if t.takes(tonnes) and (t.reaches(km) if full is None else t.until_km > km)]
            if fit:
                return fit[0] if full is None else min(fit, key=lambda t: t.usd(km, full))
        return None

    def candidates(
        self, mode: str, country: str | None, service: str | None, unit: str, commodity: str
    ) -> list[list[Tariff]]:
        """Return the rows that may price a movement, those equally specific together, the most specific first."""
        key = (mode, country, service, unit, commodity)
        if key not in self._found:
            self._found[key] = self._search(*key)
        return self._found[key]

    def _search(
        self, mode: str, country: str | None, service: str | None, unit: str, commodity: str
    ) -> list[list[Tariff]]:
        found: dict[int, list[Tariff]] = {}
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
                found.setdefault(score, []).append(t)
        return [found[score] for score in sorted(found, reverse=True)]


def unit_tonnes(carrying_units: pd.DataFrame, load_factor: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return tonnes in a loaded unit of each carrying unit for goods of a load factor; shape (units,)."""
    return np.asarray(carrying_units["payload_tonnes"].to_numpy(dtype=np.float64) * load_factor)
