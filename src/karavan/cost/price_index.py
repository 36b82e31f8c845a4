"""Money of one year brought to another, by the price index of a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.errors import ShipmentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

NO_YEAR = 0  # a price whose year no source gives: it is taken as it is


@dataclass(frozen=True, slots=True)
class PriceIndex:
    """A price index by year; `series` is its name."""

    series: str
    by_year: Mapping[int, float]

    def factors(self, years: NDArray[np.int64], to: int | None) -> NDArray[np.float64]:
        """Return what money of `years` is worth in the year `to`; 1 for `NO_YEAR`, and for all where `to` is None.

        Raises `ShipmentError` where the index lacks a year.
        """
        if to is None:
            return np.ones(years.shape)
        found, at = np.unique(years, return_inverse=True)
        wanted = {int(y) for y in found} - {NO_YEAR}
        missing = sorted((wanted | {to}) - set(self.by_year))
        if missing:
            known = f"it has {min(self.by_year)} to {max(self.by_year)}" if self.by_year else "it has no rows"
            message = (
                f"Money cannot be brought to {to}: price_index.csv lacks {', '.join(map(str, missing))} ({known}). "
                "Add the years with their source, or leave the year of money out."
            )
            raise ShipmentError(message)
        worth = [1.0 if y == NO_YEAR else self.by_year[to] / self.by_year[y] for y in found.tolist()]
        return np.asarray(worth, dtype=np.float64)[at].reshape(years.shape)


def read_price_index(price_index: pd.DataFrame) -> PriceIndex:
    """Read the table; a case without one keeps every price in the money of its own year.

    Raises `ShipmentError` where rows are of several series.
    """
    names = sorted({str(s) for s in price_index["series"]})
    if len(names) > 1:
        message = f"price_index.csv mixes {', '.join(names)}: keep one series."
        raise ShipmentError(message)
    rows = zip(price_index["year"], price_index["value"], strict=True)
    return PriceIndex(names[0] if names else "", {int(year): float(value) for year, value in rows})


def years_of(column: pd.Series) -> NDArray[np.int64]:
    """Return the price years of rows, `NO_YEAR` where none is given."""
    return column.fillna(NO_YEAR).to_numpy(dtype=np.int64)
