"""The rules of sound prices and emission factors. Each rule yields (severity, table, row, field, problem, remedy)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from karavan.schema.case import Case

Raw = tuple[Literal["error", "warning"], str, int, str, str, str]
TRANSPORT = "transport"
DWELL_KEY = ["kind", "node", "country", "mode", "carrying_unit"]


def _rows(mask: Any) -> list[int]:
    return [int(row) for row in np.flatnonzero(np.asarray(mask, dtype=bool))]


def tariff_steps(case: Case) -> Iterator[Raw]:
    """Check that steps of tariffs begin before they end."""
    t = case.freight_tariffs
    for what in ("tonnes", "km"):
        start, end = t[f"from_{what}"].fillna(0.0).to_numpy(), t[f"until_{what}"].to_numpy()
        for row in _rows(end <= start):
            problem = f"{end[row]:g} is not above from_{what} {start[row]:g}: the step holds nothing"
            yield "error", "freight_tariffs", row, f"until_{what}", problem, "correct one end of the step"


def dwell_charges(case: Case) -> Iterator[Raw]:
    """Dwell charges say what a day costs, and the steps of one charge are of one kind."""
    t = case.dwell_charges
    if not len(t):
        return
    for row in _rows(t[["usd_per_unit_day", "usd_per_tonne_day"]].isna().all(axis=1)):
        yield "error", "dwell_charges", row, "usd_per_unit_day", "no price is given", "give one by unit or by tonne"
    numbered = t.reset_index(drop=True)
    for _, steps in numbered.groupby(DWELL_KEY, dropna=False, sort=False):
        for field, problem, remedy in (
            ("by_day", "differs from other steps of the same charge", "count all steps by day or none"),
            ("price_year", "differs from other steps of the same charge", "give all steps in the money of one year"),
        ):
            first = steps[field].iloc[0]
            same = steps[field].isna() if pd.isna(first) else (steps[field] == first).fillna(False)
            for row in steps.index[~same.to_numpy(dtype=bool)]:
                yield "error", "dwell_charges", int(row), field, problem, remedy
        for row in steps.index[steps["from_hours"].duplicated()]:
            problem = "two steps of one charge begin at the same hour"
            yield "error", "dwell_charges", int(row), "from_hours", problem, "remove one, or correct it"


def price_index(case: Case) -> Iterator[Raw]:
    """Check that a case has one price index, above zero."""
    t = case.price_index
    for row in _rows(t["series"] != t["series"].iloc[0]) if len(t) else []:
        yield "error", "price_index", row, "series", f"another series than {t['series'].iloc[0]!r}", "keep one series"
    for row in _rows(t["value"] <= 0.0):
        yield "error", "price_index", row, "value", "is not above zero", "give the index of the year"


def emission_factors(case: Case) -> Iterator[Raw]:
    """Factors of transport have a mode and grams a tonne-kilometre; those of hubs have kilograms a tonne."""
    t = case.emission_factors
    moving = (t["operation"].fillna(TRANSPORT) == TRANSPORT).to_numpy(dtype=bool)
    missing = {f: t[f].isna().to_numpy(dtype=bool) for f in ("mode", "g_co2e_per_tkm", "kg_co2e_per_tonne")}
    for field, wrong, problem, remedy in (
        ("mode", moving & missing["mode"], "is empty on a factor of transport", "name the mode"),
        ("g_co2e_per_tkm", moving & missing["g_co2e_per_tkm"], "is empty on a factor of transport",
         "give grams of CO2e a tonne-kilometre"),
        ("kg_co2e_per_tonne", ~moving & missing["kg_co2e_per_tonne"], "is empty on a factor of a hub operation",
         "give kilograms of CO2e a tonne"),
        ("kg_co2e_per_tonne", moving & ~missing["kg_co2e_per_tonne"], "is given on a factor of transport",
         "remove it, or name the hub operation"),
        ("g_co2e_per_tkm", ~moving & ~missing["g_co2e_per_tkm"], "is given on a factor of a hub operation",
         "remove it, or write operation `transport`"),
    ):  # fmt: skip
        for row in _rows(wrong):
            yield "error", "emission_factors", row, field, problem, remedy
    value = t["g_co2e_per_tkm"].where(moving, t["kg_co2e_per_tonne"]).to_numpy(dtype=np.float64)
    for field, wrong in (("low", t["low"].to_numpy() > value + 1e-9), ("high", t["high"].to_numpy() < value - 1e-9)):
        for row in _rows(wrong):
            word = "above" if field == "low" else "below"
            problem = f"{t[field].iloc[row]:g} is {word} the central value {value[row]:g}"
            yield "error", "emission_factors", row, field, problem, "correct the range"
