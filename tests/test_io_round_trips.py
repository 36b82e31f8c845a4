"""Writing and reading a case loses nothing, whatever its cells hold, and leaves nothing half written."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cases_made import cases, same
from hypothesis import given, settings

from karavan.errors import FormatError
from karavan.schema.io.atomic import whole_file, whole_folder
from karavan.schema.io.folder import load, read_case, write_case
from karavan.schema.io.geopackage import load_geopackage, read_geopackage, write_geopackage
from karavan.schema.io.gmns import load_own, read_gmns, write_gmns

if TYPE_CHECKING:
    from collections.abc import Callable

    from karavan.errors import Finding
    from karavan.schema.case import Case

SMALL = Path(__file__).parent / "cases" / "small"
WAYS = {
    "folder": (write_case, load, read_case),
    "gmns": (write_gmns, load_own, read_gmns),
    "geopackage": (write_geopackage, load_geopackage, read_geopackage),
}


def go_round(way: str, case: Case) -> None:
    write: Callable[[Case, Path], Path] = WAYS[way][0]
    read: Callable[[Path], tuple[Case, list[Finding]]] = WAYS[way][1]
    with tempfile.TemporaryDirectory() as scratch:
        again, findings = read(write(case, Path(scratch) / "out.gpkg"))
    assert findings == []
    same(case, again)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=20)
@given(case=cases())
def test_a_round_trip_loses_nothing(way: str, case: Case) -> None:
    go_round(way, case)


@pytest.mark.soak
@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=1000)
@given(case=cases())
def test_a_thousand_round_trips_lose_nothing(way: str, case: Case) -> None:
    go_round(way, case)


@pytest.mark.parametrize("way", WAYS)
def test_a_sound_case_stays_sound_on_every_way(way: str, tmp_path: Path) -> None:
    write, _, read = WAYS[way]
    case = read_case(SMALL)
    place = tmp_path / "deep" / "out.gpkg"
    write(case, place)
    write(read(place), place)  # over itself
    same(read(place), case)
    assert [p.name for p in place.parent.iterdir()] == ["out.gpkg"]  # no remains beside it


def test_writing_a_folder_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    case = read_case(SMALL)
    write_case(case, tmp_path / "a")
    write_case(read_case(tmp_path / "a"), tmp_path / "b")
    assert {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()
    }


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_case_is_not_replaced(way: str, tmp_path: Path) -> None:
    write, _, read = WAYS[way]
    place = tmp_path / "out.gpkg"
    if way == "geopackage":
        place.write_text("my notes", encoding="utf-8")
    else:
        place.mkdir()
        (place / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FormatError, match="not replaced"):
        write(read_case(SMALL), place)
    with pytest.raises(FormatError):
        read(place)
    with pytest.raises(FormatError):
        read(tmp_path / "nothing")


def test_what_a_person_keeps_in_the_folder_stays(tmp_path: Path) -> None:
    case = read_case(SMALL)
    folder = write_case(case, tmp_path / "mine")
    (folder / "notes.md").write_text("mine", encoding="utf-8")
    (folder / "scripts").mkdir()
    (folder / "scripts" / "a.py").write_text("1", encoding="utf-8")
    (tmp_path / "link").symlink_to(folder)
    write_case(case.with_tables(counts=case.counts.iloc[:0]), tmp_path / "link")
    assert (folder / "notes.md").read_text(encoding="utf-8") == "mine"
    assert (folder / "scripts" / "a.py").is_file()
    assert not (folder / "counts.csv").exists()
    assert (tmp_path / "link").is_symlink()


def test_a_failure_while_writing_changes_nothing(tmp_path: Path) -> None:
    case = read_case(SMALL)
    folder = write_case(case, tmp_path / "mine")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def fail_in_folder() -> None:
        with whole_folder(folder, marker="case.toml", ours=lambda _: True) as staging:
            (staging / "nodes.csv").write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    def fail_in_file() -> None:
        with whole_file(folder / "nodes.csv") as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    for fail in (fail_in_folder, fail_in_file):
        with pytest.raises(KeyboardInterrupt):
            fail()
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
        assert [p.name for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.parametrize("way", WAYS)
def test_a_kill_leaves_the_old_or_the_new(way: str, kills: int, tmp_path: Path) -> None:
    write, read, _ = WAYS[way]
    case = read_case(SMALL)
    other = replace(case, meta=replace(case.meta, title="The other")).with_tables(links=case.links.assign(name="other"))
    place = tmp_path / "out.gpkg"
    write(case, place)
    dice = random.Random(7)  # noqa: S311 (moments, not secrets)
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            while True:
                write(other, place)
                write(case, place)
        time.sleep(dice.uniform(0.05, 0.3))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found, findings = read(place)
        assert findings == []
        same(found, other if found.meta.title == "The other" else case)
