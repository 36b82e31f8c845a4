"""What if: the switches and sliders of a case, a scenario put together from them, its run and how it differs."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.errors import FormatError, NameNotFound, ScenarioError
from karavan.report.case_map import difference_map
from karavan.report.case_tables import case_years
from karavan.report.layers import bottleneck_features
from karavan.report.plain import json_object, jsonable
from karavan.scenario.apply import apply_edits
from karavan.scenario.change import CLOSABLE
from karavan.scenario.compare import compare
from karavan.scenario.run import MARKER, read_outcome, read_results, run
from karavan.scenario.scenario import Scenario
from karavan.scenario.scenario_file import scenario_toml, shipped_scenarios
from karavan.scenario.study import Study
from karavan.schema.case import as_list
from karavan.schema.io.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from karavan.scenario.compare import Comparison
    from karavan.schema.case import Case

FILE = "scenario.toml"
PROJECT = ("id", "name", "effect", "year", "year_low", "year_high", "status", "capacity_after", "capacity_unit",
           "cost_usd", "source", "confidence", "note")  # fmt: skip
UNITS = {"demand": "t", "served": "t", "unserved": "t", "t_km": "t-km", "money_usd": "USD", "generalized_usd": "USD",
         "tonne_hours": "t-h", "t_co2e": "t CO2e", "objective_usd": "USD", "usd_per_tonne": "USD/t",
         "hours_per_tonne": "h"}  # fmt: skip
SET_BY_HAND = "set by hand: an assumption of the user"


def scenario_board(case: Case) -> dict[str, Any]:
    """Return the switches and sliders of a case: shipped scenarios, projects, water levels, closures, demand.

    Each `change` is ready for `combined`, as it would stand in a scenario file.
    """
    return json_object({
        "years": case_years(case),
        "scenarios": [_shown(s) for s in shipped_scenarios(case)],
        "projects": [_project(row) for row in case.projects.reset_index().to_dict("records")],
        "levels": _levels(case),
        "closures": {name: _closable(case, name) for name in CLOSABLE if name != "transfers"},
        "demand": {
            "commodities": [{"id": i, "name": n} for i, n in case.commodities["name"].items()],
            "change": {"scale": "demand", "field": "tonnes", "by": 1.0, "because": SET_BY_HAND, "assumption": True},
        },
    })  # fmt: skip


def _shown(scenario: Scenario) -> dict[str, Any]:
    years = [c.from_year for c in scenario.changes if c.from_year is not None]
    return {"name": scenario.name, "title": scenario.title or scenario.name, "text": scenario.text,
            "changes": [str(c) for c in scenario.changes], "from_year": max(years, default=None),
            "assumptions": [f"{c}: {c.reason}" for c in scenario.assumptions]}  # fmt: skip


def _project(row: Mapping[Any, Any]) -> dict[str, Any]:
    year = jsonable(row["year"])
    change: dict[str, Any] = {"open": str(row["id"]), "because": as_list(row["source"]) or [SET_BY_HAND]}
    return {k: row[k] for k in PROJECT} | {"change": change | ({} if year is None else {"year": year})}


def _levels(case: Case) -> list[dict[str, Any]]:
    points = case.water_levels[case.water_levels["date"].isna()]
    found = []
    for (body, scenario), rows in points.groupby(["body", "scenario"], sort=False):
        change = {"level": scenario, "body": body, "because": as_list(rows["source"].iloc[0]) or [SET_BY_HAND]}
        found.append({"scenario": scenario, "body": body, "observed": scenario == "observed", "change": change,
                      "points": rows.sort_values("year")[["year", "level_m", "low_m", "high_m"]]})  # fmt: skip
    return found


def _closable(case: Case, name: str) -> list[dict[str, Any]]:
    frame = case.tables[name]
    kinds = frame["kind"] if name == "nodes" else frame["mode"]
    shown = frame["name"].fillna(frame.index.to_series())
    return [{"id": i, "name": n, "kind": k} for i, n, k in zip(frame.index, shown, kinds, strict=True)
            if k != "waypoint"]  # fmt: skip


def combined(
    case: Case, names: Sequence[str] = (), changes: Sequence[Mapping[str, Any]] = (), *, title: str = ""
) -> Scenario:
    """Return one scenario of shipped ones and further changes. The same parts make the same name.

    Raises `NameNotFound` for a scenario that is not shipped with the case, `ScenarioError` for a change that is not
    sound or where nothing is changed.
    """
    shipped = {s.name: s for s in shipped_scenarios(case)}
    for name in names:
        if name not in shipped:
            raise NameNotFound(name, "scenario of this case", list(shipped)[:5])
    parts = [shipped[n] for n in dict.fromkeys(names)]
    if len(parts) == 1 and not changes:
        return parts[0]
    if changes:
        reasoned = [{"because": SET_BY_HAND, **c} for c in changes]
        parts.append(Scenario.of("by-hand", *reasoned, title="changes by hand"))
    if not parts:
        message = "nothing is changed: choose a scenario, or add a change"
        raise ScenarioError(message)
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.then(part)
    said = title.strip() or " and ".join(p.title or p.name for p in parts)
    digest = hashlib.sha256(scenario_toml(replace(whole, name="x", title=said, text="")).encode()).hexdigest()[:10]
    return replace(whole, name=f"what-if-{digest}", title=said, text="")


def run_scenario(
    case: Case, scenario: Scenario, folder: str | Path, *, year: int, month: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Path:  # fmt: skip
    """Run base and scenario for a year into a run folder, and keep the scenario's file beside its results.

    What is there already and rests on the same inputs is not worked out again. Returns the folder of the result.
    Raises what `run` raises.
    """
    folder, period = Path(folder), "month" if month else "year"
    study = Study(case.meta.name, Path(case.origin), (year,), (scenario,), periods=(period,))
    run(study, folder, progress=progress)
    with whole_file(folder / scenario.name / FILE) as temporary:
        temporary.write_text(scenario_toml(scenario), encoding="utf-8")
    return folder / run_path(scenario.name, year, month=month)


def run_path(scenario: str, year: int, *, month: bool = False) -> Path:
    """Return the folder of a scenario and year in a run folder. Raises `FormatError` for what is no name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", scenario):
        message = f"{scenario!r} is no name of a scenario"
        raise FormatError(message)
    return Path(scenario) / f"{year}{'-month' if month else ''}"


def run_list(folder: str | Path) -> list[dict[str, Any]]:
    """Return the finished scenarios of a run folder, the latest first; none where there is no such folder."""
    try:
        cells = read_results(folder).cells
    except FormatError:
        return []
    found = []
    for cell in cells:
        marker = Path(folder) / cell.path / MARKER
        if cell.scenario == "base":
            continue
        said = json.loads(marker.read_text(encoding="utf-8"))
        finished = datetime.fromtimestamp(marker.stat().st_mtime, UTC).isoformat(timespec="seconds")
        found.append({"scenario": cell.scenario, "title": said["title"] or cell.scenario, "year": cell.year,
                      "period": cell.period, "finished": finished, "changes": said["changes"]})  # fmt: skip
    return sorted(found, key=lambda r: (r["finished"], r["scenario"]), reverse=True)


def run_record(case: Case, folder: str | Path, scenario: str, year: int, *, month: bool = False) -> dict[str, Any]:
    """Return a finished scenario beside its base: totals, tables, cells changed, what is not known, and the map.

    Raises `FormatError` where there is no such run.
    """
    folder = Path(folder)
    mine = folder / run_path(scenario, year, month=month)
    first = read_outcome(folder / run_path("base", year, month=month))
    second = read_outcome(mine)
    manifest = json.loads((mine / MARKER).read_text(encoding="utf-8"))
    written = _scenario_of(folder, scenario)
    changed = apply_edits(case, written, year=year)
    found = compare(first, second)
    day = str(second.summary["day"])
    view = difference_map(changed.case, first, second, day=day)
    view["layers"] += [
        {"id": f"bottlenecks_{side}", "title": f"Bottlenecks, {label}",
         "features": bottleneck_features(shown, day, outcome.tables["facilities"])}
        for side, label, shown, outcome in (("a", found.a, case, first), ("b", found.b, changed.case, second))
    ]  # fmt: skip
    return json_object({
        "scenario": scenario, "title": written.title or scenario, "year": year, "period": second.period,
        **comparison_record(found), "diff": changed.diff, "unknowns": manifest["unknowns"],
        "assumptions": manifest["assumptions"], "method": manifest["method"], "map": view,
        "toml": scenario_toml(written),
    })  # fmt: skip


def comparison_record(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data, totals with their units."""
    totals = [row | {"unit": UNITS.get(row["measure"], "")} for row in found.totals.to_dict("records")]
    return json_object({"a": found.a, "b": found.b, "totals": totals, "tables": dict(found.tables)})


def _scenario_of(folder: Path, scenario: str) -> Scenario:
    """Read the file a scenario was run from."""
    path = folder / scenario / FILE
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"run {scenario} has no {FILE}: it was not made by the page or has been damaged; run it again"
        raise FormatError(message) from error
    return Scenario.read(path)
