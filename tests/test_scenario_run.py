"""Runs of a study: the same bytes however they are worked out, and what they say of the difference."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_scenario_apply import small

import karavan as kv
from karavan.cli import main
from karavan.scenario.run import _code

SCENARIOS = {
    "double": '[[change]]\nopen = "double"\nbecause = "a test"\n',
    "closed": '[[change]]\nclose = "links"\nid = "B-C"\nbecause = "a test"\n',
    "dry": '[[change]]\nlevel = "falls"\nbody = "Lake"\nbecause = "a test"\n',
}
STUDY = 'name = "small"\ncase = "case"\nyears = [2024, 2027, 2030]\nperiods = ["year"]\nscenarios = [{}]\n'


@pytest.fixture
def study(tmp_path: Path) -> Path:
    kv.write_case(small(), tmp_path / "case")
    for name, text in SCENARIOS.items():
        (tmp_path / f"{name}.toml").write_text(text)
    path = tmp_path / "study.toml"
    path.write_text(STUDY.format(", ".join(f'"{n}.toml"' for n in SCENARIOS)))
    return path


def content(folder: Path) -> dict[str, str]:
    """Return the hash of every file of a run folder by name."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_bytes_again_and_with_workers(study: Path, tmp_path: Path) -> None:
    plan = kv.Study.read(study)
    first = kv.run(plan, tmp_path / "one")
    assert len(first.worked) == len(first.cells) == 4 * 3
    kv.run(plan, tmp_path / "two", workers=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert kv.run(plan, tmp_path / "one").worked == ()


def test_only_what_has_changed_is_worked_out_again(study: Path, tmp_path: Path) -> None:
    plan = kv.Study.read(study)
    kv.run(plan, tmp_path / "run")
    whole = content(tmp_path / "run")
    (tmp_path / "double.toml").write_text(SCENARIOS["double"].replace("a test", "another reason"))
    again = kv.run(kv.Study.read(study), tmp_path / "run")
    assert {c.scenario for c in again.worked} == {"double"}
    (tmp_path / "run" / "dry" / "2030" / "pairs.parquet").write_bytes(b"spoilt")
    (tmp_path / "double.toml").write_text(SCENARIOS["double"])
    mended = kv.run(kv.Study.read(study), tmp_path / "run")
    assert {c.path for c in mended.worked} == {"dry/2030"} | {c.path for c in again.worked}
    assert content(tmp_path / "run") == whole
    demand = tmp_path / "case" / "demand.csv"
    demand.write_text(demand.read_text().replace("1000", "1100"))
    assert len(kv.run(plan, tmp_path / "run").worked) == 12


def test_a_run_that_is_killed_goes_on(study: Path, tmp_path: Path) -> None:
    _code.cache_clear()  # the other process reads the program as it is now
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    kv.run(kv.Study.read(study), whole)
    command = [sys.executable, "-m", "karavan", "run", str(study), "--out", str(folder), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None and not (folder / "base" / "2024").is_dir():
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = folder / "base" / ".2027.left"
    left.mkdir(parents=True)
    (left / "pairs.parquet").write_bytes(b"half")
    done = len(list(folder.glob("*/*/manifest.json")))
    assert done >= 1
    again = kv.run(kv.Study.read(study), folder)
    assert len(again.worked) == 12 - done
    assert content(folder) == content(whole)


def test_a_manifest_names_what_it_rests_on(study: Path, tmp_path: Path) -> None:
    results = kv.run(kv.Study.read(study), tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "dry" / "2030" / "manifest.json").read_text())
    assert manifest["version"] == kv.__version__
    assert manifest["seed"] == 0
    assert set(manifest["inputs"]) == {p.name for p in (tmp_path / "case").iterdir()}
    assert manifest["files"]["summary.parquet"] == content(tmp_path / "run")["dry/2030/summary.parquet"]
    assert results.diff("dry", 2030)["id"].tolist() == ["quay"]
    assert results.summary.set_index(["scenario", "year", "period"]).loc[("closed", 2024, "year"), "served"] == 0.0


def test_differences_are_those_of_the_scenario(study: Path, tmp_path: Path) -> None:
    results = kv.run(kv.Study.read(study), tmp_path / "run")
    # 10 wagons of 60 t, each sending half a wagon back empty the other way: 600 t served of 1,000; doubled, all
    base, double = results.outcome("base", 2027), results.outcome("double", 2027)
    assert base.summary["served"] == pytest.approx(600.0)
    found = kv.compare(base, double)
    assert (found.a, found.b) == ("base 2027", "double 2027")
    totals = found.totals.set_index("measure")
    assert totals.loc["served", "change"] == pytest.approx(400.0)
    assert totals.loc["unserved", "change"] == pytest.approx(-400.0)
    assert found.pairs["served_change"].tolist() == pytest.approx([400.0])
    assert found.commodities["commodity"].tolist() == ["grain"]
    assert set(found.links["link"]) == {"A-B", "B-C", "C-D"}
    assert found.borders["border"].tolist() == ["B>C-sea"]
    line = found.facilities.set_index(["facility", "direction"]).loc[("line", "forward")]
    assert line["shadow_price_a"] > 0.0
    assert line["shadow_price_b"] == 0.0
    same = kv.compare(results.outcome("base", 2024), results.outcome("base", 2027))
    assert all(not len(frame) for frame in same.tables.values())
    assert not same.totals["change"].any()


def test_assignments_are_compared_too() -> None:
    case = small()
    more = kv.apply(
        case, kv.Scenario.of("more", {"scale": "demand", "field": "tonnes", "by": 0.5, "because": "a test"})
    )
    found = kv.compare(kv.assign(case), kv.assign(more))
    assert found.totals.set_index("measure").loc["demand", "percent"] == pytest.approx(-50.0)


def test_a_scenario_that_cannot_be_stops_after_the_others(study: Path, tmp_path: Path) -> None:
    (tmp_path / "closed.toml").write_text(SCENARIOS["closed"].replace("B-C", "B-D"))
    with pytest.raises(kv.ScenarioError, match="links has no row 'B-D'"):
        kv.run(kv.Study.read(study), tmp_path / "run")
    assert (tmp_path / "run" / "dry" / "2030" / "manifest.json").is_file()
    assert not (tmp_path / "run" / "closed").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("years = [2024, 2027, 2030]", 'years = "2024"', "a list of years"),
        ('periods = ["year"]', 'periods = ["day"]', "periods of year, month"),
        ('case = "case"', 'pack = "caspain"', "caspian"),
        ('case = "case"', 'case = "case"\npack = "caspian"', "name one case"),
        ('case = "case"', 'case = "cases"', "no case folder"),
        ('name = "small"', 'method = "guess"', "no method 'guess'; there are least-cost"),
        ('name = "small"', 'method = {name = "logit"}', "theta"),
        ('name = "small"', "title = 3\nseeds = 2", "unknown key 'seeds'"),
        ('"dry.toml"', '"dry.toml", "double.toml"', "two scenarios are called 'double'"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(study: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    study.write_text(study.read_text().replace(old, new))
    with pytest.raises(kv.KaravanError, match=said):
        kv.run(kv.Study.read(study), tmp_path / "run")


def test_commands(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(["run", str(study), "--dry-run"]) == 0
    assert "capacity_stated" in capsys.readouterr().out
    assert not run.exists()
    assert main(["run", str(study), "--out", str(run), "--workers", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["cells"]) == 12
    assert {row["scenario"] for row in document["changes"]} == set(SCENARIOS)
    assert main(["run", str(study), "--out", str(run), "--workers", "1"]) == 0
    assert "0 worked out, 12 kept" in capsys.readouterr().out
    assert main(["compare", str(run / "base" / "2027"), str(run / "double" / "2027"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"totals", "corridors", "ports", "borders", "commodities", "facilities", "links", "pairs"} <= set(document)
    assert main(["compare", str(run / "base" / "2027"), str(run / "double" / "2027")]) == 0
    assert "Facilities" in capsys.readouterr().out
    assert main(["compare", str(run)]) == 0
    assert "double" in capsys.readouterr().out
    assert main(["compare", str(tmp_path / "case")]) == 1
    assert "is no run folder" in capsys.readouterr().err
