"""Every planted fault gives its finding, with file, line, field, problem and remedy; all at once."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from karavan.errors import CaseError, FormatError
from karavan.schema.case import Case, Meta, make_case
from karavan.schema.check import check
from karavan.schema.io.folder import is_date, read_case

CASES = Path(__file__).parent / "cases"
SMALL = CASES / "small"


@dataclass(frozen=True)
class Fault:
    """One fault: the text to replace in a file (all of the file where `old` is empty), and the finding it must give."""

    name: str
    file: str
    old: str
    new: str
    line: int
    field: str
    problem: str
    remedy: str
    severity: str
    where: str  # file of the finding, if another
    alone: bool  # hides other findings, so it is left out of the folder with all faults

    @property
    def finding(self) -> tuple[str, str, int, str]:
        return self.severity, self.where or self.file, self.line, self.field


def read_faults() -> list[Fault]:
    """Read the planted faults: a text to replace in a file, and the finding it must give."""
    with (CASES / "faults.csv").open(encoding="utf-8", newline="") as file:
        return [
            Fault(**row | {"line": int(row["line"]), "alone": row["alone"] == "true"})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        ]


FAULTS = read_faults()


def plant(folder: Path, fault: Fault) -> None:
    """Put a fault into a copy of the small case."""
    path = folder / fault.file
    if not fault.old and not fault.new:
        path.unlink()
        return
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if fault.old:
        assert text.count(fault.old) == 1, f"{fault.name}: {fault.old!r} stands {text.count(fault.old)} times"
        text = text.replace(fault.old, fault.new)
    else:
        text += fault.new
    path.write_bytes(text.encode("utf-8").replace(b"<byte ff>", b"\xff"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the small case."""
    return Path(shutil.copytree(SMALL, tmp_path / "small"))


def test_the_small_case_is_sound() -> None:
    report = check(SMALL)
    assert report.findings == ()
    assert len(read_case(SMALL).links) == 9


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_one_fault_gives_its_finding_and_no_other(folder: Path, fault: Fault) -> None:
    plant(folder, fault)
    report = check(folder)
    assert [(f.severity, f.file, f.line, f.field) for f in report.findings] == [fault.finding], report.findings
    (finding,) = report.findings
    assert fault.problem in finding.problem
    assert fault.remedy in finding.remedy
    if fault.severity == "warning":
        read_case(folder)  # warnings do not stop


def test_all_faults_are_found_at_once(folder: Path) -> None:
    planted = [fault for fault in FAULTS if not fault.alone]
    for fault in planted:
        plant(folder, fault)
    found = {(f.severity, f.file, f.line, f.field): f for f in check(folder).findings}
    assert set(found) == {fault.finding for fault in planted}
    for fault in planted:
        assert fault.problem in found[fault.finding].problem
    with pytest.raises(CaseError) as raised:
        read_case(folder)
    assert {(f.severity, f.file, f.line, f.field) for f in raised.value.findings} == set(found)
    assert "and " in str(raised.value)  # the message shows the first twenty, the exception holds all


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "no case.toml"),
        ("name = ", "not valid TOML"),
        ("title = 'x'", "name is missing"),
        ("name = 'x'\nyaer = 2024", "unknown key 'yaer'"),
        ("name = 'x'\nyear = '2024'", "year must be of type int"),
        ("name = 'x'\nyear = true", "year must be of type int"),
        ("name = 'x'\noutside = [1]", "outside must be of type list"),
        ("name = 'x'\nkind = 'bag'", "kind must be"),
    ],
)
def test_a_bad_description_is_refused(folder: Path, text: str | None, problem: str) -> None:
    if text is None:
        (folder / "case.toml").unlink()
    else:
        (folder / "case.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=problem):
        check(folder)


def test_lines_count_as_an_editor_does(folder: Path) -> None:
    """Cells with line ends, blank lines and a byte-order mark do not shift the lines of findings."""
    path = folder / "sources.csv"
    text = '\ufeffid,title,kind\n\n"made-for-tests","two\r\nlines, ""quoted""",judgement\natlas,Atlas,map\n'
    path.write_text(text, encoding="utf-8", newline="")
    (finding,) = check(folder).findings
    assert (finding.file, finding.line, finding.field) == ("sources.csv", 5, "kind")


def test_a_table_without_rows_is_one_finding(folder: Path) -> None:
    """Not one for each of the many cells that name its rows."""
    path = folder / "commodities.csv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    (finding,) = check(folder).findings
    assert (finding.file, finding.severity) == ("commodities.csv", "error")
    assert "has no rows" in finding.problem


def test_columns_that_are_missing_or_stand_twice(folder: Path) -> None:
    (folder / "water_levels.csv").write_text("id,body,year,year,datum,source,confidence\n", encoding="utf-8")
    problems = {(f.line, f.field, f.problem) for f in check(folder).findings}
    twice, missing = "column 'year' stands twice", "column 'level_m' is missing"
    assert problems == {(1, "year", twice), (1, "level_m", missing)}


def test_frames_made_in_memory_are_checked_too() -> None:
    case = read_case(SMALL)
    links = case.links
    links.loc["ALA-TBS-road", "length_km"] = -1.0
    links.loc["ALA-TBS-rail", "status"] = "shut"
    changed = case.with_tables(links=pd.concat([links, links.loc[["AKT-ALA-sea"]]]))
    assert case.links.loc["ALA-TBS-road", "length_km"] == 530.0  # the case itself has not changed
    problems = {(f.field, f.id) for f in check(changed).errors}
    assert problems >= {("length_km", "ALA-TBS-road"), ("status", "ALA-TBS-rail"), ("id", "AKT-ALA-sea")}


def test_an_empty_case_and_infinite_numbers() -> None:
    assert check(make_case(Meta("nothing"), {})).findings == ()
    nodes = pd.DataFrame({"id": ["a"], "name": ["A"], "latitude": [np.inf], "longitude": [0.0], "status": ["planned"]})
    assert "is not a finite number" in " ".join(f.problem for f in check(make_case(Meta("x"), {"nodes": nodes})).errors)


@pytest.mark.parametrize(
    "text", ["0000", "24", "2024-0", "2024-1", "2024-02-30", "2024-02-29x", "\uff12\uff10\uff12\uff14", ""]
)
def test_what_is_no_date(text: str) -> None:
    assert not is_date(text)


def test_a_case_survives_pickling() -> None:
    import pickle

    case = read_case(SMALL)
    again: Case = pickle.loads(pickle.dumps(case))  # noqa: S301 (our own)
    assert repr(again) == repr(case)
    assert again.lines["nodes"].tolist() == case.lines["nodes"].tolist()
