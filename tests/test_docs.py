"""What the documentation says is true: examples run, generated pages are up to date."""

from __future__ import annotations

import csv
import doctest
import importlib
import io
import pkgutil
import re
import shlex
import sys
from pathlib import Path

import pytest

import karavan as kv
from karavan.cli import main

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(m.name for m in pkgutil.walk_packages(kv.__path__, "karavan.") if m.name != "karavan.__main__")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)

sys.path.insert(0, str(ROOT / "docs"))


@pytest.mark.parametrize("name", ["karavan", *MODULES])
def test_docstring_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def run_console(block: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the lines of a block that begin with "$ karavan"; return what they wrote."""
    for line in block.splitlines():
        if line.startswith("$ karavan "):
            assert main(shlex.split(line)[2:]) == 0, f"{line}\n{capsys.readouterr().err}"
    return capsys.readouterr().out


def append_rows(path: Path, rows: str) -> None:
    """Add rows to a CSV file, each cell under its own column."""
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    text = io.StringIO()
    new = list(csv.DictReader(rows.splitlines()))
    assert set(new[0]) <= set(header), f"{path.name} has no column {set(new[0]) - set(header)}"
    csv.DictWriter(text, header, lineterminator="\n").writerows(new)
    with path.open("a", encoding="utf-8") as file:
        file.write(text.getvalue())


@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_page_examples(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    out = ""
    for language, file, block in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if language == "console":
            out = run_console(block, capsys)
        elif language == "csv":
            append_rows(tmp_path / "my-case" / file, block)
        elif language == "python":
            exec(compile(block, page, "exec"), names)  # noqa: S102  the page's own example
    assert out


def test_the_port_added_in_the_readme_carries_flow(tmp_path: Path) -> None:
    folder = kv.write_case(kv.read_pack("caspian"), tmp_path / "my-case")
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    for _, file, rows in (b for b in blocks if b[0] == "csv"):
        append_rows(folder / file, rows)
    links = kv.assign(kv.read_case(folder)).links
    assert links.loc[links["link"] == "KZ_BAU-AZ_ALA-sea", "tonnes"].sum() >= 5000


def test_generated_pages_are_up_to_date() -> None:
    from generate import pages

    old = [n for n, text in pages().items() if (ROOT / "docs" / n).read_text(encoding="utf-8") != text]
    assert old == [], "run: python docs/generate.py"


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")} == listed
