"""Commands on scenarios: run, compare."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import karavan as kv
from karavan.cli.options import JsonOption
from karavan.cli.output import number, print_json, print_line, print_table, say, working

Engine = Literal["processes", "ray"]
SHOWN = 12  # rows of a table for people; --json has all
TOTALS = ("scenario", "year", "period", "served", "unserved", "money_usd", "tonne_hours", "t_co2e")
DIFF = ("table", "id", "field", "before", "after", "because")
FIRST = {"commodities": ("unserved", "usd_per_tonne"), "facilities": ("used", "shadow_price"),
         "pairs": ("served", "unserved")}  # fmt: skip


def run(
    study: Annotated[Path, typer.Argument(help="A study file: case, years, scenarios, method.")],
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; runs/<name of the study> by default.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes; 0: one a processor.")] = 0,
    engine: Annotated[Engine, typer.Option("--engine", help="What works: processes, or a Ray cluster.")] = "processes",
    address: Annotated[
        str | None, typer.Option("--address", help="ray: the cluster's address, auto for this machine's; else local.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what each scenario changes, and stop.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a base and its scenarios over years. What is there and rests on the same inputs is not worked out again.

    Example: `karavan run study.toml --workers 2`

    Example: `karavan run study.toml --engine ray --address auto`
    """
    plan = kv.Study.read(study)
    if dry_run:
        _show_changes(plan, as_json=as_json)
        return
    with working(f"Running {plan.name}") as note:
        given = None if engine == "processes" else kv.make_engine(engine, workers=workers, address=address)
        results = kv.run(plan, out, workers=workers or os.cpu_count() or 1, engine=given, progress=note)
        changes = kv.compare_all(results)
    if as_json:
        cells = [c.path for c in results.cells]
        worked = [c.path for c in results.worked]
        print_json({"folder": results.folder, "cells": cells, "worked_out": worked, "summary": results.summary,
                    "changes": changes, "unknowns": results.unknowns})  # fmt: skip
        return
    base = results.summary
    print_table("Base", TOTALS[1:], base.loc[base["scenario"] == "base", list(TOTALS[1:])].itertuples(index=False))
    print_line()
    print_table("Change against the base of the year", TOTALS, changes[list(TOTALS)].itertuples(index=False))
    for scenario in plan.runs:
        for change in scenario.assumptions:
            print_line(f"Assumption of {scenario.name}, with no model behind it: {change} ({change.reason})")
    for said, names in _by_text(results.unknowns).items():
        print_line(f"Not known ({', '.join(names)}): {said}")
    kept = len(results.cells) - len(results.worked)
    print_line(f"{results.folder}: {len(results.worked)} worked out, {kept} kept", style="bold")


def compare(
    first: Annotated[Path, typer.Argument(help="A run folder, or a scenario and year in it: runs/x/base/2030.")],
    second: Annotated[Path | None, typer.Argument(help="Another scenario and year to compare with the first.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what differs: by corridor, port, border, commodity, facility; cost, time, CO2e, unserved, shadow price.

    With one run folder, every scenario is compared with the base of its year.

    Example: `karavan compare runs/study/base/2030 runs/study/kti-2030/2030`
    """
    if second is None:
        changes = kv.compare_all(kv.read_results(first))
        if as_json:
            print_json(changes)
            return
        print_table("Change against the base of the year", TOTALS, changes[list(TOTALS)].itertuples(index=False))
        return
    found = kv.compare(kv.read_outcome(first), kv.read_outcome(second))
    if as_json:
        print_json({"a": found.a, "b": found.b, "totals": found.totals, **found.tables})
        return
    print_line(f"a: {found.a}, b: {found.b}", style="bold")
    print_table("Totals", [str(c) for c in found.totals.columns], found.totals.itertuples(index=False))
    for name, frame in found.tables.items():
        _show_table(name, frame)


def _by_text(unknowns: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Return the scenarios that each text is said of."""
    out: dict[str, list[str]] = {}
    for name, texts in unknowns.items():
        for text in texts:
            out.setdefault(text, []).append(name)
    return out


def _show_table(name: str, frame: Any) -> None:
    """Show the greatest changes of a table; nothing if nothing changed."""
    if not len(frame):
        return
    measures = [str(c).removesuffix("_change") for c in frame.columns if str(c).endswith("_change")]
    shown = [m for m in FIRST.get(name, measures[:1]) if m in measures]
    numbers = {f"{m}_{end}" for m in measures for end in ("a", "b", "change")}
    labels = [str(c) for c in frame.columns if str(c) not in numbers]
    columns = labels + [f"{m}_{end}" for m in shown for end in ("a", "b", "change")]
    print_line()
    rest = f", {SHOWN} of {len(frame)} rows" if len(frame) > SHOWN else ""
    print_table(f"{name.capitalize()}{rest}", columns, frame[columns].head(SHOWN).itertuples(index=False))


def _show_changes(plan: kv.Study, *, as_json: bool) -> None:
    """Show what every scenario changes, in the last year of the study."""
    year = max(plan.years)
    case = kv.read_case(plan.folder)
    found = {s.name: kv.diff(case, s, year=year) for s in plan.runs}
    if as_json:
        print_json({"year": year, "changes": found})
        return
    for name, frame in found.items():
        print_table(f"{name} in {year}: {number(len(frame))} cells", DIFF, frame[list(DIFF)].itertuples(index=False))
        print_line()
    say("Nothing was run.")
