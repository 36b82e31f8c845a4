"""Runs of a study: one folder a scenario, year and period, written whole, skipped when nothing it rests on has changed.

The same inputs give the same bytes with any number of workers: every cell starts from the case, none from another cell.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.assignment.front import assign
from karavan.errors import CaseError, FormatError
from karavan.model import build_model
from karavan.network.checking import check
from karavan.scenario.apply import Applied, apply_edits
from karavan.scenario.engine import ProcessEngine
from karavan.scenario.results import KEYS, Outcome, outcome, plain
from karavan.schema.io.atomic import whole_file, whole_folder
from karavan.schema.io.folder import read_case
from karavan.schema.state import reference_day, within
from karavan.schema.tables import schema
from karavan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from karavan.errors import Finding
    from karavan.scenario.engine import Engine
    from karavan.scenario.scenario import Scenario
    from karavan.scenario.study import Study
    from karavan.schema.case import Case

MARKER = "manifest.json"
PACKAGE = Path(__file__).resolve().parents[1]
RESTS_ON = ("schema", "kernels", "network", "cost", "assignment", "scenario")
PERIODS_OF_TIME = (("open_from", "open_until"), ("valid_from", "valid_until"))


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario in one year and period, with the hash of all that it rests on."""

    scenario: str
    year: int
    period: str
    key: str

    @property
    def path(self) -> str:
        """Its folder within the run's."""
        return f"{self.scenario}/{self.year}{'' if self.period == 'year' else '-' + self.period}"


@dataclass(frozen=True, slots=True)
class Results:
    """A run folder that is whole. `worked` are the cells worked out this time, the others were there already."""

    folder: Path
    cells: tuple[Cell, ...]
    worked: tuple[Cell, ...] = ()

    def outcome(self, scenario: str, year: int, period: str = "year") -> Outcome:
        """Read what came out of a scenario in a year."""
        for cell in self.cells:
            if (cell.scenario, cell.year, cell.period) == (scenario, year, period):
                return read_outcome(self.folder / cell.path)
        message = f"{self.folder} has no run of {scenario!r} in {year} ({period})"
        raise FormatError(message)

    def diff(self, scenario: str, year: int, period: str = "year") -> pd.DataFrame:
        """Read what a scenario changed in the case in a year."""
        (cell,) = [c for c in self.cells if (c.scenario, c.year, c.period) == (scenario, year, period)]
        return pd.read_parquet(self.folder / cell.path / "diff.parquet")

    @property
    def unknowns(self) -> dict[str, tuple[str, ...]]:
        """What the case did not hold and a scenario would have needed, by scenario."""
        found: dict[str, dict[str, None]] = {}
        for c in self.cells:
            said = (_manifest(self.folder / c.path) or {}).get("unknowns", [])
            found.setdefault(c.scenario, {}).update(dict.fromkeys(said))
        return {name: tuple(said) for name, said in found.items() if said}

    @property
    def summary(self) -> pd.DataFrame:
        """The totals of every cell, one row each."""
        read = {c: pd.read_parquet(self.folder / c.path / "summary.parquet") for c in self.cells}
        out = pd.concat([frame.assign(scenario=c.scenario) for c, frame in read.items()], ignore_index=True)
        return out[["scenario", *(c for c in out.columns if c != "scenario")]]


def read_outcome(folder: str | Path) -> Outcome:
    """Read one cell of a run folder. Raises `FormatError` when the folder is none."""
    folder = Path(folder)
    manifest = _manifest(folder)
    if manifest is None:
        message = f"{folder} has no {MARKER}: name the folder of one scenario and year, such as {folder}/base/2030"
        raise FormatError(message)
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in KEYS}
    return Outcome(manifest["scenario"], manifest["year"], manifest["period"], tables)


def read_results(folder: str | Path) -> Results:
    """Read a run folder, as far as it has come. Raises `FormatError` when the folder is none."""
    folder = Path(folder)
    cells = []
    for path in sorted(folder.glob(f"*/*/{MARKER}")):
        manifest = None if path.parent.name.startswith(".") else _manifest(path.parent)
        if manifest is not None:
            cells.append(Cell(manifest["scenario"], manifest["year"], manifest["period"], manifest["key"]))
    if not cells:
        message = f"{folder} is no run folder: nothing in it has a {MARKER}"
        raise FormatError(message)
    return Results(folder, tuple(cells))


def run(
    study: Study,
    folder: str | Path | None = None,
    *,
    workers: int = 1,
    engine: Engine | None = None,
    progress: Callable[[str], None] | None = None,
) -> Results:
    """Run the base and the scenarios of a study over its years.

    Parameters
    ----------
    study
        What to run.
    folder
        Run folder, by default `runs/<name of the study>`. Cells that are there and rest on the same inputs are kept; a
        run that was killed goes on where it stopped. Not to be shared by two runs at a time.
    workers
        Processes. More than one need a script that guards its main part (`if __name__ == "__main__":`).
    engine
        In place of `workers`: what works the scenarios out, such as a cluster (`make_engine("ray")`) whose machines all
        see the run folder.
    progress
        Called with the name of each cell when it is done.

    Raises `CaseError` and `ScenarioError` for a scenario that cannot be; the others are run first.
    """
    folder = Path(folder) if folder is not None else Path("runs") / study.name
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*/.*"):  # staging folders of a run that was killed
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
    inputs = input_hashes(study.folder)
    jobs = [(s, _cells(study, s, inputs)) for s in study.runs]
    cells = tuple(c for _, mine in jobs for c in mine)
    todo = [(s, [c for c in mine if not _is_done(folder / c.path, c.key)]) for s, mine in jobs]
    todo = [(s, mine) for s, mine in todo if mine]
    errors: list[Exception] = []
    chosen: Engine | None = ProcessEngine(workers) if workers > 1 and len(todo) > 1 else None
    for done in _worked(study, folder.absolute(), inputs, todo, engine or chosen):
        if isinstance(done, Exception):
            errors.append(done)
        elif progress is not None:
            progress(done)
    if errors:
        raise errors[0]
    head = {"study": study.name, "title": study.title, "version": __version__, "seed": study.seed, "inputs": inputs}
    with whole_file(folder / "run.json") as staging:
        _write_json(staging, head | {"cells": {c.path: c.key for c in cells}})
    return Results(folder, cells, tuple(c for _, mine in todo for c in mine))


def _cells(study: Study, scenario: Scenario, inputs: dict[str, str]) -> list[Cell]:
    """Return the cells of a scenario, each with the hash of case, changes, year, method, code and versions."""
    rests = [inputs, asdict(scenario), repr(study.method), study.seed, __version__, _code(), _tools()]
    digest = _hash(json.dumps(rests, sort_keys=True, default=str).encode())
    return [
        Cell(scenario.name, year, period, _hash(f"{digest} {year} {period}".encode()))
        for period in study.periods
        for year in study.years
    ]


def input_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a case folder, by name. Raises `FormatError` when it is none."""
    files = [folder / "case.toml", *sorted(folder.glob("*.csv"))]
    if not files[0].is_file():
        message = f"{folder} is no case folder: it has no case.toml"
        raise FormatError(message)
    return {f.name: _hash(f.read_bytes()) for f in files}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache
def _code() -> str:
    """Return a hash of the program's parts that results rest on, so that those of an older one are taken."""
    files = [PACKAGE / "model.py", PACKAGE / "problem.py", PACKAGE / "units.py"]
    files += [p for part in RESTS_ON for p in (PACKAGE / part).rglob("*") if p.suffix in {".py", ".csv"}]
    return _hash(b"".join(p.read_bytes() for p in sorted(files)))


@cache
def _tools() -> str:
    from importlib.metadata import version

    return " ".join(f"{name} {version(name)}" for name in ("highspy", "numpy", "numba", "pandas", "pyarrow"))


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"scenario", "year", "period", "key", "files"} <= set(found) else None


def _is_done(folder: Path, key: str) -> bool:
    """Tell whether a cell is there, rests on the same inputs, and its files are as they were written."""
    manifest = _manifest(folder)
    if manifest is None or manifest["key"] != key:
        return False
    return all((folder / n).is_file() and _hash((folder / n).read_bytes()) == h for n, h in manifest["files"].items())


# Work


@dataclass(slots=True)
class _Worker:
    """What a process keeps between jobs: the study, its case, and the errors the case has by itself."""

    study: Study
    folder: Path
    inputs: dict[str, str]
    case: Case
    errors: frozenset[tuple[str, ...]]


_here: list[_Worker] = []


def _begin(study: Study, folder: Path, inputs: dict[str, str]) -> None:
    case = read_case(study.folder)
    _here[:] = [_Worker(study, folder, inputs, case, frozenset(map(_said, check(case).errors)))]


def _worked(
    study: Study, folder: Path, inputs: dict[str, str], todo: Sequence[tuple[Scenario, list[Cell]]],
    engine: Engine | None,
) -> Iterator[str | Exception]:  # fmt: skip
    """Yield the name of each cell when it is done, or the error that stopped its scenario."""
    if not todo:
        return
    shared = (study, folder, inputs)
    if engine is not None:
        for _, done in engine.results(_work, shared, todo):
            yield from done
        return
    for item in todo:
        yield from _work(shared, item)
    _here.clear()


def _work(
    shared: tuple[Study, Path, dict[str, str]], item: tuple[Scenario, list[Cell]]
) -> list[str | Exception]:
    """Work out the cells of a scenario; the case is read once in a process."""
    if not _here or (_here[0].study, _here[0].folder, _here[0].inputs) != shared:
        _begin(*shared)
    return _attempt(*item)


def _attempt(scenario: Scenario, cells: Sequence[Cell]) -> list[str | Exception]:
    done: list[str | Exception] = []
    try:
        done.extend(_scenario(_here[0], scenario, cells))
    except Exception as error:  # noqa: BLE001  the other scenarios go on; this is raised when they are done
        done.append(error)
    return done


def _scenario(worker: _Worker, scenario: Scenario, cells: Sequence[Cell]) -> Iterator[str]:
    """Work out the cells of a scenario; years in which the case is the same in all but name are worked out once."""
    known: dict[tuple[Any, ...], Outcome] = {}
    for cell in cells:
        applied = apply_edits(worker.case, scenario, year=cell.year)
        same = (cell.period, applied.edits, _openness(applied.case))
        if same not in known:
            if applied.edits:
                _raise_new_errors(worker, applied.case)
            assignment = assign(build_model(applied.case), method=worker.study.method, month=cell.period == "month")
            known[same] = outcome(assignment, scenario=scenario.name)
        _write(worker, cell, scenario, applied, _of_year(known[same], applied.case))
        yield cell.path


def _said(finding: Finding) -> tuple[str, ...]:
    return finding.file, finding.id, finding.field, finding.problem


def _raise_new_errors(worker: _Worker, case: Case) -> None:
    new = [f for f in check(case).errors if _said(f) not in worker.errors]
    if new:
        raise CaseError(case.meta.name, new)


def _openness(case: Case) -> bytes:
    """Return which rows of every table hold in the case's year, as bytes."""
    day = reference_day(case.meta.year)
    masks = [
        within(case.tables[name][start], case.tables[name][end], day)
        for name, declared in schema().items()
        for start, end in PERIODS_OF_TIME
        if start in declared.fields and end in declared.fields and len(case.tables[name])
    ]
    return np.concatenate(masks).tobytes() if masks else b""


def _of_year(found: Outcome, case: Case) -> Outcome:
    """Return the same outcome under the name of another year."""
    summary = found.tables["summary"].assign(year=case.meta.year, day=reference_day(case.meta.year))
    return Outcome(found.scenario, case.meta.year, found.period, {**found.tables, "summary": plain(summary)})


def _write(worker: _Worker, cell: Cell, scenario: Scenario, applied: Applied, found: Outcome) -> None:
    with whole_folder(worker.folder / cell.path, marker=MARKER, ours=lambda _: True) as staging:
        for name, frame in {**found.tables, "diff": applied.diff}.items():
            frame.to_parquet(staging / f"{name}.parquet", compression="zstd", index=False)
        hashes = {p.name: _hash(p.read_bytes()) for p in sorted(staging.iterdir())}
        manifest = {
            "scenario": cell.scenario,
            "title": scenario.title,
            "year": cell.year,
            "period": cell.period,
            "key": cell.key,
            "version": __version__,
            "tools": _tools(),
            "seed": worker.study.seed,
            "method": repr(worker.study.method),
            "inputs": worker.inputs,
            "changes": [str(c) for c in scenario.changes],
            "assumptions": [f"{c}: {c.reason}" for c in scenario.assumptions],
            "unknowns": applied.unknowns,
            "files": hashes,
        }
        _write_json(staging / MARKER, manifest)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
