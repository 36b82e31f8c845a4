"""Projects of a case that may be chosen: what each costs, from when, what excludes what, and which are left out."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.errors import NameNotFound, ScenarioError
from karavan.scenario.apply import apply_edits
from karavan.scenario.draft import DERIVED
from karavan.scenario.scenario import BASE, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from karavan.scenario.draft import Edit
    from karavan.schema.case import Case

OPENS = ("planned", "under_construction")
MOST_NAMED = 5  # projects named where none is like what was asked for


@dataclass(frozen=True, slots=True)
class Candidate:
    """A project that may be opened.

    Attributes
    ----------
    project, name
        Its row.
    usd
        What it costs.
    asked
        True: the cost was given by the user, not by the row.
    year
        Earliest year in which it may open; None: no source names one, and it may open in the first year asked.
    opening
        The scenario that opens it.
    edits
        Cells that it changes.
    """

    project: str
    name: str
    usd: float
    asked: bool
    year: int | None
    opening: Scenario
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A project that cannot be chosen, why, and what would let it be (empty: nothing)."""

    project: str
    name: str
    why: str
    remedy: str = ""


def find_candidates(
    case: Case, costs: Mapping[str, float], years: Sequence[int], *, only: Sequence[str] = ()
) -> tuple[list[Candidate], list[LeftOut]]:
    """Return the projects that may be chosen, and those left out: none is ever free.

    Parameters
    ----------
    case
        The case, with what is done already.
    costs
        USD by project; in place of what the row says, or where it says nothing.
    years
        Years of the study.
    only
        Ids of the projects that may be chosen; empty: all of them.

    Raises
    ------
    NameNotFound
        `costs` or `only` name a project that is not there.
    ScenarioError
        A cost is negative, or no number.
    """
    known = [str(p) for p in case.projects.index]
    for name in (*costs, *only):
        if name not in known:
            lower = {k.lower(): k for k in known}
            near = [lower[k] for k in get_close_matches(name.lower(), lower, n=3, cutoff=0.3)]
            raise NameNotFound(name, "project", near or known[:MOST_NAMED])
    if wrong := [f"{name}={usd:g}" for name, usd in costs.items() if not (np.isfinite(usd) and usd >= 0.0)]:
        message = f"a cost is an amount of USD from 0: {', '.join(wrong)}"
        raise ScenarioError(message)
    found: list[Candidate] = []
    left: list[LeftOut] = []
    for key, row in case.projects.iterrows():
        project = str(key)
        if only and project not in only:
            continue
        try:
            found.append(_candidate(case, project, row, costs, years))
        except _NotOne as why:
            left.append(LeftOut(project, str(row["name"]), why.why, why.remedy))
    return found, left


class _NotOne(Exception):
    """Why a project cannot be chosen, and what would let it be."""

    def __init__(self, why: str, remedy: str = "") -> None:
        self.why, self.remedy = why, remedy
        super().__init__(why)


def _candidate(
    case: Case, project: str, row: pd.Series, costs: Mapping[str, float], years: Sequence[int]
) -> Candidate:
    if row["status"] not in OPENS:
        why = "done: part of the network from its year" if row["status"] == "done" else str(row["status"])
        raise _NotOne(why)
    named = [int(row[c]) for c in ("year_low", "year") if not pd.isna(row[c])]
    year = min(named) if named else None
    last = max(years)
    if year is not None and year > last:
        why = f"opens after {last}, the last year asked"
        raise _NotOne(why, f"look at {year} too")
    opening = opening_of(project, min(years) if year is None else year)
    try:
        edits = apply_edits(case, opening, year=last).edits
    except ScenarioError as error:
        said = (str(error).partition("): ")[2] or str(error)).replace(f"the row of {project}", "its row")
        said = said.replace(project, "the project")
        raise _NotOne(*_split(said)) from error
    if not edits:
        why = "changes nothing: the network has it already"
        raise _NotOne(why)
    cost = costs.get(project, row["cost_usd"])
    if pd.isna(cost):
        why = "no source names its cost"
        raise _NotOne(why, f"give one as your assumption: {project}=USD")
    if cost < 0:
        why = f"its row says it costs {cost:,.0f} USD"
        raise _NotOne(why, "correct the row, or give a cost")
    return Candidate(project, str(row["name"]), float(cost), project in costs, year, opening, edits)


def _split(said: str) -> tuple[str, str]:
    """Return why a project cannot be opened, and what to write, of what the scenario says."""
    why, _, remedy = said.partition("; ")
    return (why, remedy) if remedy else (said.partition(": ")[0], said.partition(": ")[2])


def opening_of(project: str, year: int) -> Scenario:
    """Return the scenario that opens a project in a year."""
    because = "chosen among the projects of the case"
    return Scenario.of(f"open-{project}", {"open": project, "year": year, "because": because})


def together(scenarios: Sequence[Scenario], *, name: str = "plan") -> Scenario:
    """Return one scenario that does what several do."""
    out = Scenario(name)
    for one in scenarios:
        out = out.then(one, name=name)
    return out


def with_done(case: Case, *, year: int, common: Scenario = BASE) -> Case:
    """Return the case in a year as `common` changes it, with the projects that are done by then."""
    done = common
    for name, row in case.projects[(case.projects["status"] == "done").to_numpy(dtype=bool)].iterrows():
        if pd.isna(row["year"]) or int(row["year"]) > year:
            continue
        more = done.then(opening_of(str(name), int(row["year"])), name="done")
        try:
            apply_edits(case, more, year=year)
        except ScenarioError:
            continue  # its row does not say what it changes, or another that is done says it already
        done = more
    return apply_edits(case, done, year=year).case


def exclusions(found: Sequence[Candidate]) -> tuple[tuple[int, ...], ...]:
    """Return the pairs of which at most one may be chosen: both say what the same cell becomes.

    Projects that open the same row of handling do not exclude each other, but two that say how much the same asset can
    carry afterwards do: they are steps or versions of one.
    """
    cells = [{(e.table, e.id, e.field) for e in c.edits if e.how != DERIVED} for c in found]
    return tuple((i, j) for i, j in combinations(range(len(found)), 2) if cells[i] & cells[j])
