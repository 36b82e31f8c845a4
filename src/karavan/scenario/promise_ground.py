"""The network a promise is judged on: that of its year, with open or planned projects, under three capacities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from karavan.errors import ScenarioError
from karavan.model import Model, build_model
from karavan.scenario.apply import open_project
from karavan.scenario.draft import Draft
from karavan.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from karavan.schema.case import Case

Projects = Literal["open", "planned"]
Basis = Literal["stated", "computed", "demonstrated"]

TURNS: dict[Basis, tuple[Basis, ...]] = {
    "stated": ("stated", "computed", "demonstrated"),
    "computed": ("computed", "stated", "demonstrated"),
    "demonstrated": ("demonstrated", "computed", "stated"),
}
"""Which of its three capacities a facility has where the one asked for is not known: the next that is."""

FINISHED = "done"
COMING = ("planned", "under_construction")
SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A network in a year.

    Attributes
    ----------
    model
        Of the case with the projects opened.
    opened
        Projects that count as open, in the order in which they were opened.
    left_out
        Projects that do not, with the reason.
    capacity
        Capacity of each facility by basis, own units a year, indexed by facility.
    rests_on
        Which of its three capacities each facility has by basis ("stated", "computed", "demonstrated", "project").
    """

    model: Model
    opened: tuple[str, ...]
    left_out: Mapping[str, str]
    capacity: Mapping[Basis, pd.Series[float]]
    rests_on: Mapping[Basis, pd.Series[str]]

    @property
    def case(self) -> Case:
        """The case with the projects opened."""
        return self.model.case

    def with_capacity(self, basis: Basis, demand: pd.DataFrame) -> Model:
        """Return the model with the capacities of a basis and other demand; nothing is built again."""
        gross = self.capacity[basis].to_numpy(dtype=np.float64)[self.model.capacity.facility]
        capacity = replace(self.model.capacity, gross=np.asarray(gross, dtype=np.float64))
        return replace(self.model, case=self.case.with_tables(demand=demand), capacity=capacity)


@dataclass(frozen=True, slots=True, eq=False)
class Grounds:
    """The networks of a case by year and projects, each built when it is first asked for."""

    case: Case
    built: dict[tuple[int | None, Projects], Ground] = field(default_factory=dict)

    def at(self, year: int | None, projects: Projects) -> Ground:
        """Return the network of a year (None: the case's own) with open or with planned projects."""
        key = (self.case.meta.year if year is None else year, projects)
        if key not in self.built:
            self.built[key] = ground(self.case, year=key[0], projects=projects)
        return self.built[key]


def ground(case: Case, *, year: int | None, projects: Projects) -> Ground:
    """Build the network of a year: what is open in it, projects that are done, and with "planned" those due by then.

    A project that names no year, or does not say what it changes, is left out, and the reason kept. A capacity that a
    project raises is stated by the project alone: nothing was computed for it, and nothing has been carried yet.
    """
    draft, opened, left_out = Draft(case), [], {}
    for name, project in _in_order(case.projects):
        reason = _not_yet(project, year, projects)
        if reason is None:
            try:
                draft = _open(draft, name, project, year)
            except ScenarioError as error:
                reason = str(error).split(": ", 1)[-1]
        if reason is None:
            opened.append(name)
        else:
            left_out[name] = reason
    changed = replace(case.with_tables(**draft.frames), meta=replace(case.meta, year=year))
    values, rests_on = capacities(case.facilities, changed.facilities)
    return Ground(build_model(changed), tuple(opened), left_out, values, rests_on)


def capacities(
    before: pd.DataFrame, after: pd.DataFrame
) -> tuple[dict[Basis, pd.Series[float]], dict[Basis, pd.Series[str]]]:
    """Return capacity and what it rests on by basis, for facilities before and after projects (indexed as `after`)."""
    old = before["capacity_stated"].reindex(after.index)
    known = pd.Series(after.index.isin(before.index), index=after.index)
    raised = known & (after["capacity_stated"] != old) & after["capacity_stated"].notna()
    claim = after["capacity_stated"].where(raised)
    values, rests_on = {}, {}
    for basis, turns in TURNS.items():
        value = pd.Series(np.nan, index=after.index)
        rests = pd.Series("", index=after.index, dtype=object)
        for turn in turns:
            new = value.isna() & after[f"capacity_{turn}"].notna()
            value, rests = value.mask(new, after[f"capacity_{turn}"]), rests.mask(new, turn)
        if basis == "demonstrated":  # never carried: what is least claimed for it
            least = after["capacity_stated"].mask(raised, old)
            never = after["capacity_demonstrated"].isna() & ~least.gt(after["capacity_computed"]) & least.notna()
            value, rests = value.mask(never, least), rests.mask(never, "stated")
        else:
            higher = raised & ~(value > claim)
            value, rests = value.mask(higher, claim), rests.mask(higher, "project")
        values[basis], rests_on[basis] = value, rests
    return values, rests_on


def _in_order(projects: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Return the projects by year, so that of two that raise a capacity the later has the last word."""
    order = projects["year"].astype("float64").fillna(np.inf).sort_values(kind="stable").index
    return [(str(name), projects.loc[name]) for name in order]


def _not_yet(project: pd.Series, year: int | None, projects: Projects) -> str | None:
    """Return why a project does not count, None if it does."""
    if project["status"] == SUSPENDED:
        return "suspended"
    if project["status"] in COMING and projects == "open":
        return "not open yet"
    if pd.isna(project["year"]):
        return "no year is named for it"
    if year is not None and int(project["year"]) > year:
        return f"due in {int(project['year'])}"
    return None


def _open(draft: Draft, name: str, project: pd.Series, year: int | None) -> Draft:
    """Return a draft with one project more; done or due, it holds in the year. Of two that differ the later counts."""
    because = f"project {name} ({project['status']})"
    scenario = Scenario.of("projects", {"open": name, "year": int(project["year"]), "because": because})
    new = Draft(draft.case)
    new.frames = {name: frame.copy() for name, frame in draft.frames.items()}
    open_project(new, scenario.changes[0], scenario, year, f"project {name}")
    return new
