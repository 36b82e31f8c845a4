"""Imports point down only, and the command line sees nothing but the front door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import karavan

SRC = Path(karavan.__file__).parent

# From the ground up; parts of one layer do not import each other.
LAYERS = (
    ("errors", "units", "version"),
    ("schema", "kernels"),
    ("network", "evidence"),
    ("cost", "demand"),
    ("problem",),
    ("model",),
    ("routing", "assignment"),
    ("scenario",),
    ("report",),
    ("__init__",),
    ("web",),
    ("cli",),
    ("__main__",),
)
LAYER_OF = {name: k for k, names in enumerate(LAYERS) for name in names}
MODULES = sorted(SRC.rglob("*.py"))


def part_of(module: str) -> str:
    """Return the top name under karavan; the front door for karavan itself or one of its names."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in LAYER_OF else "__init__"


def imports(path: Path) -> list[tuple[int, str]]:
    """Return (line, module) of every import of karavan in a file, inside functions and for types too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, a.name) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = str(node.module)
            found += [(node.lineno, f"karavan.{a.name}" if module == "karavan" else module) for a in node.names]
    return sorted({(line, m) for line, m in found if m.split(".")[0] == "karavan"})


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SRC)))
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(SRC).parts[0].removesuffix(".py")
    assert own in LAYER_OF, f"{own} has no layer: add it to LAYERS"
    wrong = [
        f"{path}:{line} imports {module}"
        for line, module in imports(path)
        if part_of(module) != own and LAYER_OF[part_of(module)] >= LAYER_OF[own]
    ]
    assert wrong == []


def test_command_line_uses_the_front_door_only() -> None:
    seen = {m for path in (SRC / "cli").glob("*.py") for _, m in imports(path)}
    assert {m for m in seen if part_of(m) not in {"__init__", "cli", "web"}} == set()


def test_web_uses_the_front_door_only() -> None:
    seen = {m for path in (SRC / "web").glob("*.py") for _, m in imports(path)}
    assert {m for m in seen if part_of(m) not in {"__init__", "web"}} == set()


def test_front_door_names_agree() -> None:
    tree = ast.parse((SRC / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [n for n in tree.body if isinstance(n, ast.If)]
    typed = {a.name: str(n.module) for n in block.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert typed == karavan._MODULE_OF
    assert sorted(karavan.__all__) == karavan.__all__
    assert set(karavan.__all__) == {*typed, "__version__"}


@pytest.mark.parametrize("name", karavan.__all__)
def test_front_door_name_is_there(name: str) -> None:
    assert getattr(karavan, name) is not None


def test_files_are_short() -> None:
    """A file of more than 600 lines holds more than one topic."""
    assert [p.name for p in MODULES if len(p.read_text(encoding="utf-8").splitlines()) > 600] == []
