"""What waiting costs: storage, demurrage, detention and wagon hire, free at first and then by steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.cost.price_index import NO_YEAR
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from karavan.schema.case import Case

# What a row may name, from the most to the least telling; a mode or unit that is named must be that of the goods.
WEIGHT = {"node": 8, "country": 4, "carrying_unit": 2, "mode": 1}


@dataclass(frozen=True, slots=True)
class DwellStep:
    """One rate of a charge: from so many hours on, by unit and by tonne a day; `row` is its position in the table."""

    row: int
    from_hours: float
    usd_per_unit_day: float
    usd_per_tonne_day: float

    def usd_per_day(self, tonnes: float, units: float) -> float:
        """Return USD a day for a shipment."""
        return self.usd_per_unit_day * units + self.usd_per_tonne_day * tonnes


@dataclass(frozen=True, slots=True)
class DwellCharge:
    """One kind of charge at a place, with its steps in order; nothing is charged before the first."""

    kind: str
    by_day: bool
    price_year: int
    steps: tuple[DwellStep, ...]

    def days(self, hours: float) -> Iterator[tuple[DwellStep, float]]:
        """Yield the steps that a dwell reaches, with the days charged at each; by_day counts days begun as whole."""
        start = self.steps[0].from_hours
        paid = max(0.0, hours - start)
        if self.by_day:
            paid = np.ceil(paid / HOURS_PER_DAY - 1e-9) * HOURS_PER_DAY
        until = [s.from_hours - start for s in self.steps[1:]] + [np.inf]
        for step, end in zip(self.steps, until, strict=True):
            on_step = min(paid, end) - (step.from_hours - start)
            if on_step > 0.0:
                yield step, on_step / HOURS_PER_DAY

    def usd(self, hours: float, tonnes: float, units: float) -> float:
        """Return USD for a dwell of a shipment."""
        return float(sum(days * step.usd_per_day(tonnes, units) for step, days in self.days(hours)))


class DwellBook:
    """Finds the charges that a wait meets; the most specific row of each kind wins."""

    def __init__(self, case: Case) -> None:
        self._rows: list[Any] = list(case.dwell_charges.itertuples(index=False))
        self._named = [
            {field: str(getattr(row, field)) for field in WEIGHT if not pd.isna(getattr(row, field))}
            for row in self._rows
        ]
        self._found: dict[tuple[str | None, str | None, str, str], tuple[DwellCharge, ...]] = {}

    def find(self, node: str | None, country: str | None, mode: str, unit: str) -> tuple[DwellCharge, ...]:
        """Return the charges of goods in a unit that wait at a node for a mode, one of each kind."""
        key = (node, country, mode, unit)
        if key not in self._found:
            self._found[key] = tuple(self._search(*key))
        return self._found[key]

    def _search(self, node: str | None, country: str | None, mode: str, unit: str) -> Iterator[DwellCharge]:
        given = {"node": node, "country": country, "mode": mode, "carrying_unit": unit}
        best: dict[str, tuple[int, list[int]]] = {}
        for at, (row, named) in enumerate(zip(self._rows, self._named, strict=True)):
            if any(given[field] != wanted for field, wanted in named.items()):
                continue
            score = sum(WEIGHT[field] for field in named)
            kept = best.get(str(row.kind))
            if kept is None or score > kept[0]:
                best[str(row.kind)] = (score, [at])
            elif score == kept[0]:
                kept[1].append(at)
        for kind, (_, rows) in best.items():
            yield self._charge(kind, rows)

    def _charge(self, kind: str, rows: list[int]) -> DwellCharge:
        first = self._rows[rows[0]]
        steps = sorted((self._step(at) for at in rows), key=lambda s: s.from_hours)
        year = NO_YEAR if pd.isna(first.price_year) else int(first.price_year)
        return DwellCharge(kind, bool(first.by_day), year, tuple(steps))

    def _step(self, at: int) -> DwellStep:
        row = self._rows[at]
        unit, tonne = (0.0 if pd.isna(v) else float(v) for v in (row.usd_per_unit_day, row.usd_per_tonne_day))
        return DwellStep(at, float(row.from_hours), unit, tonne)
