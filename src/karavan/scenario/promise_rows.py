"""Promises as demand that an investment is to serve: rows by promise, in the place of the trade of today in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from karavan.assignment.front import assign
from karavan.errors import ScenarioError
from karavan.model import build_model
from karavan.scenario.promise_demand import replaced, target_frame
from karavan.scenario.promise_network import SHIPPERS
from karavan.scenario.promise_sentence import read_sentence
from karavan.scenario.promise_target import targets_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from karavan.assignment.assignment import Assignment
    from karavan.scenario.promise_types import Target
    from karavan.schema.case import Case

KEY = ["origin", "destination", "commodity"]


@dataclass(frozen=True, slots=True, eq=False)
class PromiseRows:
    """What promises ask for as demand.

    Attributes
    ----------
    rows
        Columns origin, destination, commodity, tonnes a year, promise (its name), due (year).
    replaces
        The demand of today that is in them: share of each row by its id.
    """

    rows: pd.DataFrame
    replaces: Mapping[str, float] = field(default_factory=dict)


def promise_rows(case: Case, sentences: Sequence[str]) -> PromiseRows:
    """Return what typed promises ask for: the targets that `promise` judges, each from its central base.

    The rows of a promise hold all its tonnes, so the trade of today that is in them must be taken out of the demand.
    Where promises speak of the same goods between the same zones, the smaller comes first and a larger has rows for
    what it asks beyond; its name says so.

    Raises
    ------
    ScenarioError
        A sentence holds no promise, or one that cannot be judged by demand; all of them are named.
    """

    @cache
    def flows() -> Assignment:
        return assign(build_model(case), method=SHIPPERS)

    facts = [f for s in dict.fromkeys(sentences) for f in read_sentence(s, case)]
    targets = [targets_of(f, case, flows=flows)[0] for f in facts]
    if faults := [f"{t.title}: {why}" for t in targets if (why := _why_not(t))]:
        message = "a promise that investment can keep is one of trade in tonnes:\n  - " + "\n  - ".join(faults)
        raise ScenarioError(message)
    targets.sort(key=lambda t: t.tonnes)
    taken = pd.Series(replaced(targets), dtype="float64")
    share = (taken / case.demand["tonnes"].reindex(taken.index)).clip(0.0, 1.0)
    return PromiseRows(_beyond(targets), {str(row): float(part) for row, part in share.items()})


def _why_not(target: Target) -> str:
    """Return why investment cannot take a promise as demand; empty if it can."""
    if target.not_network:
        return target.not_network
    if target.needs:
        return f"missing: {'; '.join(target.needs)}"
    if target.kind == "capacity":
        return "a capacity is compared with rows, not served; ask `karavan promise`"
    if target.via:
        return f"it is of what {target.via} carries, and goods are not held to a corridor here; ask `karavan promise`"
    return "" if target.year is not None else "the year it is due"


def _beyond(targets: Sequence[Target]) -> pd.DataFrame:
    """Return the rows of targets, each with what it asks for beyond those before it."""
    held = pd.Series(dtype="float64", index=pd.MultiIndex.from_arrays([[], [], []], names=KEY))
    owner: dict[tuple[str, ...], str] = {}
    parts = []
    for target in targets:
        tonnes = target_frame(target).set_index(KEY)["tonnes"]
        before = held.reindex(tonnes.index).fillna(0.0)
        more = (tonnes - before).clip(lower=0.0)
        beneath = dict.fromkeys(owner[k] for k in tonnes.index if k in owner)
        name = f"{target.title} (beyond: {'; '.join(beneath)})" if beneath else target.title
        owner |= dict.fromkeys(tonnes.index, target.title)
        held = pd.concat([held, tonnes]).groupby(level=KEY, sort=False).max()
        parts.append(more[more > 0.0].rename("tonnes").reset_index().assign(promise=name, due=target.year))
    return pd.concat(parts, ignore_index=True)
