"""Scenarios as files: the text of one, and those that stand beside a case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from karavan.scenario.change import FIXED_SHARE
from karavan.scenario.scenario import Scenario, read_toml

if TYPE_CHECKING:
    from karavan.scenario.change import Change
    from karavan.schema.case import Case

FOLDER = "scenarios"
PLAIN = ("year", "depth_m", "depth_level_m", "from_year", "until_year")


def scenario_toml(scenario: Scenario) -> str:
    """Return the text of a scenario file that says the same; `Scenario.read` gives the scenario back.

    Examples
    --------
    >>> one = Scenario.of("one", {"close": "nodes", "id": "AZ_ALA", "because": "storm"})
    >>> print(scenario_toml(one))
    name = "one"
    <BLANKLINE>
    [[change]]
    close = "nodes"
    ids = [
        "AZ_ALA",
    ]
    because = "storm"
    <BLANKLINE>
    """
    head = {"name": scenario.name, "title": scenario.title, "text": scenario.text}
    changes = [_written(c) for c in scenario.changes]
    return tomli_w.dumps({k: v for k, v in head.items() if v} | {"change": changes})


def _written(change: Change) -> dict[str, Any]:
    """Return a change as it is written in a file."""
    out: dict[str, Any] = {change.action: change.target}
    out |= {"ids": list(change.ids)} if change.ids else {}
    out |= {name: dict(getattr(change, name)) for name in ("where", "row") if getattr(change, name)}
    if change.action in {"set", "scale"}:
        out["field"] = change.field
    if change.action == "set":
        out["value"] = "" if change.value is None else change.value
    if change.action == "scale":
        out["by"] = change.by
        out |= {"per_year": True} if change.per_year else {}
    if change.action == "level":
        out["body"] = change.body
        out |= {"fixed_share": change.fixed_share} if change.fixed_share != FIXED_SHARE else {}
    out |= {name: getattr(change, name) for name in PLAIN if getattr(change, name) is not None}
    out |= {"assumption": True} if change.assumption else {}
    return out | {"because": change.because[0] if len(change.because) == 1 else list(change.because)}


def shipped_scenarios(case: Case) -> list[Scenario]:
    """Return the scenarios in the folder `scenarios` beside a case, by name; study files there are left out."""
    folder = Path(case.origin) / FOLDER if case.origin else None
    if folder is None or not folder.is_dir():
        return []
    return [Scenario.read(p) for p in sorted(folder.glob("*.toml")) if "years" not in read_toml(p)]
