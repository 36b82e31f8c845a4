"""Gaps that would make movement free or goods worthless: they are named, never taken for nought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from karavan.errors import CaseError, Finding
from karavan.schema.case import as_list, positions
from karavan.schema.state import is_open, reference_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from karavan.schema.case import Case

FREE = "to move there would cost no {}"


def require_costs(case: Case, *, commodities: list[str] | None = None, day: str | None = None) -> None:
    """Raise `CaseError` where time or money of a movement cannot be worked out, so that it would be free.

    `commodities` are those that are asked about; all by default. An imported TNTP network has times and tolls in units
    of its own, and no prices: it can be read, checked, written and assigned with its delay functions, not priced.
    """
    found = [*_links(case, day or reference_day(case.meta.year)), *_commodities(case, commodities)]
    if found:
        raise CaseError(case.meta.name, found)


def require_unserved_prices(case: Case, prices: NDArray[np.float64], commodity: NDArray[np.int32]) -> None:
    """Raise `CaseError` where goods in demand, positions `commodity`, have no price of not being served."""
    rows = np.unique(commodity)
    rows = rows[~np.isfinite(prices[rows])]
    if len(rows):
        problem = "has neither a price of not being served nor a unit value"
        remedy = "give one of them in commodities.csv, USD per tonne"
        raise CaseError(
            case.meta.name, [_finding(case, "commodities", int(k), "unserved_usd_per_tonne", problem, remedy)
                             for k in rows])  # fmt: skip


def _links(case: Case, day: str | None) -> Iterator[Finding]:
    links, modes = case.links, case.modes
    bare = links["length_km"].isna().to_numpy(dtype=bool)
    speed = modes["km_per_day"].to_numpy()[positions(modes, links["mode"])] if len(links) else np.zeros(0)
    slow = links["km_per_day"].isna().to_numpy(dtype=bool) & np.isnan(speed)
    alone = _moved_without_service(case)
    untimed = alone & links["hours"].isna().to_numpy(dtype=bool) & (bare | slow)
    unpriced = bare & bool(len(case.freight_tariffs))
    usable = is_open(links, day)
    for field, mask, what, remedy in (
        ("length_km", unpriced, "money", "give length_km, which tariffs are multiplied with"),
        ("hours", untimed, "time", "give hours, or length_km and a km_per_day here or in modes.csv"),
    ):
        rows = np.flatnonzero(mask & usable)
        if len(rows):
            more = f" (and so have {len(rows) - 1} more)" if len(rows) > 1 else ""
            problem = f"{links.index[rows[0]]} has nothing to work it out from{more}: {FREE.format(what)}"
            yield _finding(case, "links", int(rows[0]), field, problem, remedy)


def _moved_without_service(case: Case) -> NDArray[np.bool_]:
    """Mark links whose mode moves some unit by itself; on the others services have times of their own."""
    alone = {
        str(mode)
        for mode, units, only in zip(
            case.modes.index, case.modes["carrying_units"], case.modes["service_only_units"], strict=True
        )
        if set(as_list(units)) - set(as_list(only))
    }
    return case.links["mode"].isin(alone).to_numpy(dtype=bool)


def _commodities(case: Case, wanted: list[str] | None) -> Iterator[Finding]:
    if len(case.freight_tariffs):
        return
    goods = case.commodities
    bare = goods["value_of_time_usd_per_tonne_hour"].isna().to_numpy(dtype=bool)
    for row in np.flatnonzero(bare & (goods.index.isin(wanted) if wanted is not None else True)).tolist():
        problem = f"{goods.index[row]} has none, and there are no freight tariffs: every way would cost nothing"
        remedy = "give a value of time, or rows of freight_tariffs.csv"
        yield _finding(case, "commodities", row, "value_of_time_usd_per_tonne_hour", problem, remedy)


def _finding(case: Case, table: str, row: int, field: str, problem: str, remedy: str) -> Finding:
    at = case.lines.get(table)
    line = 0 if at is None else int(at[row])
    return Finding("error", case.file(table), line, field, problem, remedy, str(case.tables[table].index[row]))
