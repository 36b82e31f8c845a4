"""The page is in the wheel and in the sdist, and an installed package serves it where there is no node."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STATIC = "karavan/web/static"
SERVES = """
import sys
from pathlib import Path
import karavan.web.pages as pages
from starlette.requests import Request
assert Path(pages.__file__).is_relative_to(sys.argv[1]), pages.__file__
scope = {"type": "http", "method": "GET", "path": "/map", "headers": [], "query_string": b""}
page = pages.page(Request(scope), "map")
assert page.headers["content-type"].startswith("text/html"), page.headers
print(bytes(page.body).decode())
for name in sys.argv[2:]:
    found = pages.page(Request(scope), name)
    assert found.status_code == 200, name
    assert "immutable" in found.headers["cache-control"], name
"""

wheels = pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the package")
pytest.importorskip("starlette")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build wheel and sdist of the checkout, whose page is built."""
    from hatchling.builders.sdist import SdistBuilder

    if not (ROOT / "src" / STATIC / "index.html").is_file():
        pytest.skip("the page is not built: `make page` builds it (Node 20 or later)")
    out = tmp_path_factory.mktemp("built")
    for builder in (wheels.WheelBuilder(str(ROOT)), SdistBuilder(str(ROOT))):
        list(builder.build(directory=str(out), versions=["standard"]))
    return out


def assets(names: set[str], page: str) -> list[str]:
    """Return the files that the page loads, and make sure that they are there."""
    wanted = re.findall(r'(?:src|href)="/(assets/[^"]+)"', page)
    assert wanted
    assert {f"{STATIC}/{w}" for w in wanted} <= names
    return wanted


def check_wheel(wheel: Path, folder: Path) -> None:
    """Unpack a wheel and serve the page from it, with no node on the path."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)  # noqa: S202 (built here a moment ago)
        page = archive.read(f"{STATIC}/index.html").decode()
        wanted = assets(set(archive.namelist()), page)
    bare = os.environ | {"PYTHONPATH": str(folder), "PATH": str(folder)}
    words = [sys.executable, "-c", SERVES, str(folder), *wanted]
    served = subprocess.run(words, capture_output=True, text=True, env=bare, cwd=folder, check=False)
    assert served.returncode == 0, served.stderr
    assert served.stdout.strip() == page.strip()


def test_the_wheel_serves_the_page(built: Path, tmp_path: Path) -> None:
    check_wheel(next(built.glob("*.whl")), tmp_path)


def test_a_wheel_of_the_sdist_serves_the_page_without_node(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path, filter="data")
    assert not [n for n in names if "node_modules" in n]
    (home,) = tmp_path.iterdir()
    assert (home / "webapp" / "package.json").is_file()
    monkeypatch.setenv("PATH", str(tmp_path))  # neither node nor npm
    list(wheels.WheelBuilder(str(home)).build(directory=str(tmp_path / "again"), versions=["standard"]))
    check_wheel(next((tmp_path / "again").glob("*.whl")), tmp_path / "unpacked")
