"""Checks of a case that need a model of its assets: computed capacities against their formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from karavan.errors import Finding
from karavan.network.assets import FORMULAS, Formula, inputs_of
from karavan.schema.case import Case, position
from karavan.schema.check import CheckReport
from karavan.schema.check import check as check_case
from karavan.schema.io.folder import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

Severity = Literal["error", "warning"]
ROUNDING = 0.005  # a computed capacity may be written rounded to this share


def check(case: Case | str | Path) -> CheckReport:
    """Check a case, or a case folder, and return all findings: those of its tables, then those of its assets.

    A folder is read as far as it can be, so findings of the files and of the network come together.
    """
    report = check_case(case)
    read = case if isinstance(case, Case) else load(case)[0]
    lost = {f.id for f in report.errors if f.file == read.file("asset_inputs")}  # said already
    more = [f for f in asset_findings(read) if f.id not in lost]
    return CheckReport(report.name, (*report.errors, *(f for f in more if f.severity == "error"),
                                     *report.warnings, *(f for f in more if f.severity == "warning")))  # fmt: skip


def asset_capacity(case: Case, facility: str) -> Formula | None:
    """Work out the computed capacity of a facility from its inputs; None where it has none.

    Raises `ValueError` when the inputs do not fit the formula.
    """
    mine = case.asset_inputs[(case.asset_inputs["facility"] == facility).to_numpy(dtype=bool)]
    return _worked_out(mine) if len(mine) else None


def asset_capacities(case: Case) -> dict[str, Formula]:
    """Work out every computed capacity that has inputs, by facility. Raises `ValueError` as `asset_capacity` does."""
    return {str(name): _worked_out(mine) for name, mine in case.asset_inputs.groupby("facility", sort=False)}


def _worked_out(mine: pd.DataFrame) -> Formula:
    names = mine["formula"].unique().tolist()
    if len(names) > 1 or names[0] not in FORMULAS:
        message = f"its inputs name the formulas {', '.join(map(str, names))}; name one of {', '.join(FORMULAS)}"
        raise ValueError(message)
    formula, wanted = str(names[0]), inputs_of(str(names[0]))
    given = {str(k): float(v) for k, v in zip(mine["input"], mine["value"], strict=True)}
    unknown = [k for k in given if k not in wanted]
    missing = [k for k, default in wanted.items() if default is None and k not in given]
    if unknown or missing or len(given) < len(mine):
        message = f"{formula} takes {', '.join(wanted)}"
        message += f"; not {', '.join(unknown)}" if unknown else ""
        message += f"; {', '.join(missing)} missing" if missing else ""
        message += "; one input stands twice" if len(given) < len(mine) else ""
        raise ValueError(message)
    try:
        return FORMULAS[formula](**given)
    except ZeroDivisionError as error:
        message = f"{formula} divides by an input that is 0"
        raise ValueError(message) from error


def asset_findings(case: Case) -> Iterator[Finding]:
    """Compare each computed capacity that has inputs with what its formula gives."""
    lines = case.lines.get("facilities")
    for name, mine in case.asset_inputs.groupby("facility", sort=False):
        if name not in case.facilities.index:
            continue  # reported as a missing reference
        row = position(case.facilities, str(name))
        line = int(lines[row]) if lines is not None else 0
        try:
            formula = _worked_out(mine)
        except ValueError as error:
            problem, remedy = str(error), f"correct the rows of {name} in {case.file('asset_inputs')}"
        else:
            said = float(case.facilities["capacity_computed"].iloc[row])
            if np.isfinite(said) and abs(said - formula.value) <= ROUNDING * max(abs(formula.value), 1.0):
                continue
            shown = f"{said:,.0f}" if np.isfinite(said) else "empty"
            problem = f"is {shown}, and its inputs give {formula}"
            remedy = "write what the formula gives, or correct its inputs"
        severity: Severity = "error" if case.meta.kind == "pack" else "warning"
        yield Finding(severity, case.file("facilities"), line, "capacity_computed", problem, remedy, str(name))
