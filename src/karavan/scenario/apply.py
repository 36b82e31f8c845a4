"""A scenario applied to a case: another case, in which every cell set says which scenario set it and why."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from karavan.errors import CaseError, ScenarioError
from karavan.network.checking import asset_capacities
from karavan.network.checking import check as check_case
from karavan.scenario.draft import DERIVED, ROW, Draft, Edit
from karavan.scenario.level import apply_levels
from karavan.schema.case import as_list, position
from karavan.schema.tables import schema
from karavan.schema.trace import SCENARIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.scenario.change import Change
    from karavan.scenario.scenario import Scenario
    from karavan.schema.case import Case

DIFF = ("table", "id", "field", "before", "after", "how", "because")


@dataclass(frozen=True, slots=True)
class Applied:
    """A changed case with the cells that were changed, in the order in which they were, and what could not be known."""

    case: Case
    scenario: Scenario
    edits: tuple[Edit, ...]
    unknowns: tuple[str, ...] = ()

    @property
    def diff(self) -> pd.DataFrame:
        """One row a changed cell: table, id, field, before, after, how, because."""
        return pd.DataFrame([[getattr(e, c) for c in DIFF] for e in self.edits], columns=list(DIFF), dtype="str")


def apply(case: Case, scenario: Scenario, *, year: int | None = None) -> Case:
    """Return the case as the scenario has it in a year (by default the case's own).

    Every cell it sets gets a row of `provenance`, and the scenario a row of `sources`. Changes that do not hold in the
    year are left out; a level is that of the year. The answer is checked like any case.

    Raises
    ------
    ScenarioError
        A row is not there, a project is opened before it exists, or the scenario contradicts itself.
    CaseError
        The changed case has errors that the case itself has not.
    """
    applied = apply_edits(case, scenario, year=year)
    raise_if_worse(case, applied.case)
    return applied.case


def diff(case: Case, scenario: Scenario, *, year: int | None = None) -> pd.DataFrame:
    """Return what a scenario changes in a case in a year: table, id, field, before, after, how, because."""
    return apply_edits(case, scenario, year=year).diff


def raise_if_worse(before: Case, after: Case) -> None:
    """Raise `CaseError` with the errors of a changed case that were not there before."""
    old = {(f.file, f.id, f.field, f.problem) for f in check_case(before).errors}
    report = check_case(after)
    new = [f for f in report.errors if (f.file, f.id, f.field, f.problem) not in old]
    if new:
        raise CaseError(after.meta.name, new)


def apply_edits(case: Case, scenario: Scenario, *, year: int | None = None) -> Applied:
    """Apply a scenario without checking the case that comes out. Raises `ScenarioError` as `apply` does."""
    at = case.meta.year if year is None else year
    draft = Draft(case)
    levels = []
    for k, change in enumerate(scenario.changes, start=1):
        if not change.holds_in(at):
            continue
        place = f"{scenario.name}, change {k} ({change})"
        match change.action:
            case "set" | "scale":
                _cells(draft, change, at, place)
            case "add":
                draft.add(change.target, _sourced(change, scenario), because=change.reason, place=place)
            case "remove":
                rows = draft.find(change.target, change.ids, change.where, place)
                draft.remove(change.target, rows, because=change.reason, place=place)
            case "close":
                _close(draft, change, scenario, place)
            case "open":
                open_project(draft, change, scenario, at, place)
            case "level":
                levels.append((change, place))
    apply_levels(draft, levels, at)
    _recompute(draft)
    meta = replace(case.meta, year=at)
    changed = _with_provenance(draft, scenario)
    return Applied(replace(changed, meta=meta), scenario, tuple(draft.edits), tuple(draft.unknowns))


def source_id(scenario: Scenario) -> str:
    """Return the id of the source row that stands for a scenario."""
    return f"{SCENARIO}{scenario.name}"


def _cells(draft: Draft, change: Change, year: int | None, place: str) -> None:
    """Set or scale a field of the rows meant."""
    name, field = change.target, change.field
    declared = schema()[name].fields[field]
    if change.action == "scale" and declared.type not in {"number", "integer"}:
        message = f"{place}: {field} of {name} is no number and cannot be scaled; use set"
        raise ScenarioError(message)
    since = draft.case.meta.year
    if change.per_year and (year is None or since is None):
        message = f"{place}: per_year needs a case with a year; give it in case.toml"
        raise ScenarioError(message)
    power = year - since if change.per_year and year is not None and since is not None else 1
    for row in draft.find(name, change.ids, change.where, place):
        if change.action == "set":
            draft.put(name, row, field, change.value, because=change.reason, place=place)
            continue
        old = draft.value(name, row, field)
        if old is None:
            if change.ids:
                message = f"{place}: {field} of {name} {draft.keys(name)[row]} is empty and cannot be scaled; set it"
                raise ScenarioError(message)
            continue
        new = float(old) * change.by**power
        value = round(new) if declared.type == "integer" else new
        draft.put(name, row, field, value, because=change.reason, place=place, how="scaled")


def _sourced(change: Change, scenario: Scenario) -> dict[str, Any]:
    """Return the cells of a row to add; what it does not cite is the scenario's, at confidence C."""
    cells = dict(change.row)
    if schema()[change.target].cited:
        note = f"Scenario {scenario.name}: {change.reason}"
        cells = {"source": source_id(scenario), "confidence": "C", "note": note} | cells
    return cells


def _close(draft: Draft, change: Change, scenario: Scenario, place: str) -> None:
    """Close rows by a restriction that lets nothing pass, so that what is unserved says why."""
    for row in draft.find(change.target, change.ids, change.where, place):
        key = str(draft.keys(change.target)[row])
        opened = (change.target, key, "status", "open")
        if opened in {(e.table, e.id, e.field, e.after) for e in draft.edits}:
            message = f"{place} contradicts another change, which opens {change.target} {key}; keep one of them"
            raise ScenarioError(message)
        cells = {
            "id": f"{source_id(scenario)}-{change.target}-{key}",
            "name": f"Closed: {key}",
            "applies_to": change.target,
            "target": key,
            "regime": "physical",
            "effect": "closed",
            "text": change.reason,
        }
        closing = replace(change, action="add", target="restrictions", row=cells)
        if cells["id"] in set(draft.keys("restrictions")):
            continue
        draft.add("restrictions", _sourced(closing, scenario), because=change.reason, place=place)


# Projects


def open_project(draft: Draft, change: Change, scenario: Scenario, year: int | None, place: str) -> None:
    """Open a project in a year: what it opens is open from then, what it raises is raised from then.

    Raises `ScenarioError` as `apply` does.
    """
    projects = draft.case.projects
    if change.target not in projects.index:
        near = difflib.get_close_matches(change.target, [str(p) for p in projects.index], n=1, cutoff=0.5)
        message = f"{place}: projects has no row {change.target!r}{f'; did you mean {near[0]!r}?' if near else ''}"
        raise ScenarioError(message)
    project = projects.iloc[position(projects, change.target)]
    opening = _opening_year(project, change, place)
    if year is None or year < opening:
        return
    elements = as_list(project["elements"])
    unknown = [i for i in change.ids if i not in elements]
    if unknown:
        message = f"{place}: {change.target} does not change {unknown[0]!r}, but {', '.join(elements)}"
        raise ScenarioError(message)
    elements = list(change.ids) or elements
    table, effect = project["element_table"], project["effect"]
    if effect == "raises_capacity" and table == "facilities":
        _raise_capacity(draft, elements, project, change, place)
    elif effect == "opens" and table in {"links", "services", "transfers", "facilities"}:
        _open_rows(draft, str(table), elements, opening, change, place)
        if table == "links":
            _open_handling(draft, elements, change, place)
            _limit_new_links(draft, elements, project, change, scenario, place)
    elif effect == "dredges" and table == "berths":
        _dredge(draft, elements, change, place)
    else:
        message = f"{place}: the row of {change.target} does not say what it changes of the network ({effect}"
        message += f" {table}); write what you assume as set or add, and say so in because"
        raise ScenarioError(message)


def _opening_year(project: pd.Series, change: Change, place: str) -> int:
    named = [int(project[c]) for c in ("year_low", "year") if not pd.isna(project[c])]
    if change.year is None and pd.isna(project["year"]):
        message = f"{place}: no source names a year for {change.target}; give year, as your assumption"
        raise ScenarioError(message)
    opening = int(project["year"]) if change.year is None else change.year
    if named and opening < min(named):
        message = f"{place}: opens {change.target} in {opening}, before it exists: the earliest year named is"
        message += f" {min(named)}"
        raise ScenarioError(message)
    return opening


def _raise_capacity(draft: Draft, elements: Sequence[str], project: pd.Series, change: Change, place: str) -> None:
    if pd.isna(project["capacity_after"]):
        message = f"{place}: the row of {change.target} names no capacity; set that of {', '.join(elements)}"
        raise ScenarioError(message)
    for row in draft.find("facilities", elements, {}, place):
        unit = draft.value("facilities", row, "unit")
        if unit != project["capacity_unit"]:
            name = draft.keys("facilities")[row]
            message = f"{place}: {change.target} counts {project['capacity_unit']}, {name} {unit}"
            raise ScenarioError(message)
        for field, value in (("capacity_stated", float(project["capacity_after"])), ("capacity_used", "stated")):
            draft.put("facilities", row, field, value, because=change.reason, place=place)


def _open_rows(draft: Draft, table: str, ids: Sequence[str], opening: int, change: Change, place: str) -> None:
    for row in draft.find(table, ids, {}, place):
        closed = {e.after for e in draft.edits if e.table == "restrictions" and e.field == ROW}
        if any(f"target = {draft.keys(table)[row]}," in text for text in closed):
            message = f"{place} contradicts another change, which closes {table} {draft.keys(table)[row]}; keep one"
            raise ScenarioError(message)
        for field, value in (("status", "open"), ("open_from", str(opening)), ("open_until", None)):
            draft.put(table, row, field, value, because=change.reason, place=place)


def _open_handling(draft: Draft, elements: Sequence[str], change: Change, place: str) -> None:
    """Open what is planned at the ends of new links for their mode and gauge: without it nothing could change there."""
    links = draft.frame("links").loc[list(elements)]
    ends = {(str(n), x.mode) for x in links.itertuples() for n in (x.from_node, x.to_node)}
    for row, t in enumerate(draft.frame("transfers").itertuples()):
        if t.status == "planned" and {(str(t.node), t.from_mode), (str(t.node), t.to_mode)} & ends:
            because = f"planned at the end of a link that opens; {change.reason}"
            draft.put("transfers", row, "status", "open", because=because, place=place, how=DERIVED)


def _limit_new_links(
    draft: Draft, elements: Sequence[str], project: pd.Series, change: Change, scenario: Scenario, place: str
) -> None:
    """Give a new line the capacity its project names, where no facility limits it yet."""
    limited = {e for cell in draft.frame("facilities")["elements"] for e in as_list(cell)}
    bare = [e for e in elements if e not in limited]
    if not bare or pd.isna(project["capacity_after"]):
        return
    cells = {
        "id": f"{project.name}-line",
        "name": str(project["name"]),
        "kind": "line",
        "unit": project["capacity_unit"],
        "element_table": "links",
        "elements": bare,
        "direction": "each",
        "capacity_stated": float(project["capacity_after"]),
        "source": project["source"],
        "confidence": "C",
        "note": f"Scenario {scenario.name}: the capacity that project {project.name} names, read as each direction's.",
    }
    known = schema()["facilities"].fields
    draft.add("facilities", {k: v for k, v in cells.items() if k in known}, because=change.reason, place=place)


def _dredge(draft: Draft, elements: Sequence[str], change: Change, place: str) -> None:
    if change.depth_m is None or change.depth_level_m is None:
        message = f"{place}: say how deep {change.target} makes it: depth_m, and depth_level_m, the level it refers to"
        raise ScenarioError(message)
    for row in draft.find("berths", elements, {}, place):
        values = (("depth_m", change.depth_m), ("depth_level_m", change.depth_level_m), ("maintained", True))
        for field, value in values:
            draft.put("berths", row, field, value, because=change.reason, place=place)


# What follows


def _recompute(draft: Draft) -> None:
    """Work out again the computed capacity of every facility whose inputs the scenario changed."""
    keys = {e.id for e in draft.edits if e.table == "asset_inputs"}
    if not keys:
        return
    frame = draft.frame("asset_inputs")
    changed = set(frame.loc[frame.index.isin(keys), "facility"])
    formulas = asset_capacities(draft.case.with_tables(asset_inputs=frame))
    reasons = {e.id: e.because for e in draft.edits if e.table == "asset_inputs"}
    for name in sorted(changed & set(formulas) & set(draft.keys("facilities"))):
        (row,) = draft.find("facilities", [name], {}, name)
        mine = [reasons[i] for i in frame.index[frame["facility"] == name] if i in reasons]
        because, value = f"{formulas[name]}; {mine[0]}", formulas[name].value
        draft.put("facilities", row, "capacity_computed", value, because=because, place=name, how=DERIVED)


def _with_provenance(draft: Draft, scenario: Scenario) -> Case:
    """Return the changed case; every cell changed gets a row of provenance, the scenario one of sources."""
    cells = {(e.table, e.id, e.field): e for e in draft.edits if e.field != ROW and e.table != "provenance"}
    there = {name: set(draft.keys(name)) for name in {e.table for e in draft.edits}}
    kept = [e for (name, key, _), e in cells.items() if key in there[name]]
    if not draft.edits:
        return draft.case.with_tables(**draft.frames)
    first: dict[tuple[str, str, str], str] = {}
    for e in draft.edits:
        first.setdefault((e.table, e.id, e.field), e.before)
    old = draft.frame("provenance")
    earlier = {k: i for i, k in enumerate(zip(old["table"], old["id"], old["field"], strict=True))}
    rows = [_provenance_row(e, first[e.table, e.id, e.field], scenario) for e in kept]
    gone = {earlier[k] for e in kept if (k := (e.table, e.id, e.field)) in earlier}
    for row in rows:
        at = earlier.get((row["table"], row["id"], row["field"]))
        said = None if at is None else old["other_values"].iloc[at]
        row["other_values"] = "; ".join(str(p) for p in (row["other_values"], said) if p is not None and not pd.isna(p))
    left = old[[i not in gone for i in range(len(old))]]
    provenance = pd.concat([left, pd.DataFrame(rows, columns=list(old.columns))], ignore_index=True)
    source = pd.DataFrame([{
        "id": source_id(scenario), "title": f"Scenario {scenario.title or scenario.name}", "publisher": "The user",
        "kind": "judgement", "note": scenario.text or "A scenario: what is assumed, not what is known.",
    }])  # fmt: skip
    sources = draft.frame("sources").reset_index()
    sources = pd.concat([sources[sources["id"] != source_id(scenario)], source], ignore_index=True)
    return draft.case.with_tables(**(draft.frames | {"provenance": provenance, "sources": sources}))


def _provenance_row(edit: Edit, before: str, scenario: Scenario) -> dict[str, str]:
    was = f"{before or 'empty'} [before the scenario]"
    note = f"Scenario {scenario.name}, {edit.how}: {edit.because}"
    cells = {"table": edit.table, "id": edit.id, "field": edit.field, "source": source_id(scenario), "confidence": "C"}
    return cells | {"note": note, "other_values": was}
