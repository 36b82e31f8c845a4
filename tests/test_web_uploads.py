"""What users bring: a sound case is kept, another is refused with all its findings, and no file gets out."""

from __future__ import annotations

import io
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from web_client import API, BEARER, TOKEN, client_of, packed

import karavan as kv
from karavan.web import Limits
from karavan.web.uploads import keep_article, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Client

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with client_of(folder, read_write=True, token=TOKEN) as made:
        yield made


@pytest.fixture(scope="module")
def case_files() -> dict[str, bytes]:
    """Return the files of a small sound case."""
    pack = kv.packs()["caspian"]
    return {p.name: p.read_bytes() for p in pack.iterdir() if p.suffix in {".csv", ".toml"}}


def send(client: Client, content: bytes, file: str = "mine.zip", *, to: str = "cases", **form: str) -> Any:
    return client.post(f"{API}/{to}", files={"file": (file, content)}, data=form, headers=BEARER)


def test_a_case_is_kept_and_used(client: Client, folder: Path, case_files: dict[str, bytes]) -> None:
    files = {f"my-case/{n}": c for n, c in case_files.items()} | {"my-case/README.md": b"notes", "other.csv": b"x"}
    answer = send(client, packed(files), file="Mine 2026.zip")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["id"], found["errors"], found["ignored"]) == ("Mine-2026", 0, ["my-case/README.md", "other.csv"])
    assert client.get(f"{API}/cases/Mine-2026").json()["rows"]["links"]
    line = next(c for c in client.get(f"{API}/cases").json()["cases"] if c["id"] == "Mine-2026")
    assert line["uploaded"]
    again = send(client, packed(files), file="Mine 2026.zip")
    assert again.status_code == 409
    assert sorted(p.name for p in (folder / "runs" / "cases").iterdir()) == ["Mine-2026"]


def test_all_findings_come_back(client: Client, case_files: dict[str, bytes]) -> None:
    nodes = case_files["nodes.csv"].replace(b"KZ_AKT,", b"KZ_XXX,", 1).replace(b",rail_station,", b",palace,", 1)
    answer = send(client, packed(case_files | {"nodes.csv": nodes, "links.csv": b"id,nothing\n1,2\n"}), file="bad.zip")
    assert answer.status_code == 422
    found = answer.json()
    assert found["errors"] > 3
    assert {"nodes.csv", "links.csv"} <= {f["file"] for f in found["findings"]}
    assert all(f["remedy"] for f in found["findings"])
    assert client.get(f"{API}/cases/bad").status_code == 404
    checked = client.post(f"{API}/cases/check", files={"file": ("bad.zip", packed(case_files | {"nodes.csv": nodes}))})
    assert checked.status_code == 200
    assert checked.json()["errors"]


def test_a_geopackage_is_kept(client: Client, tmp_path: Path) -> None:
    file = kv.write_geopackage(kv.read_pack("caspian"), tmp_path / "case.gpkg")
    answer = send(client, file.read_bytes(), file="case.gpkg")
    assert answer.status_code == 201, answer.text
    assert client.get(f"{API}/cases/case").json()["rows"]["links"]


@pytest.mark.parametrize("name", ["../up", "a b", "caspian", "briefs", ".hidden", "a/b", "x" * 65])
def test_names_of_cases(client: Client, case_files: dict[str, bytes], name: str) -> None:
    answer = send(client, packed(case_files), file="x.zip", name=name)
    assert answer.status_code in {400, 409, 422}, answer.text


def refused(content: bytes, folder: Path, match: str, limits: Limits | None = None) -> None:
    with pytest.raises(kv.FormatError, match=match):
        unpack(io.BytesIO(content), folder / "in", limits or Limits())
    outside = [p for p in folder.rglob("*") if p.is_file() and folder / "in" not in p.parents]
    assert outside == []


@pytest.mark.parametrize(
    "name",
    ["../case.toml", "/etc/cron.d/case.toml", "a/../../nodes.csv", "..\\nodes.csv", "C:\\nodes.csv",
     "\\\\h\\nodes.csv"],
)  # fmt: skip
def test_no_file_leaves_its_folder(tmp_path: Path, name: str) -> None:
    refused(packed({"case.toml": b"", name: b"x"}), tmp_path, "leaves its folder")


def test_links_are_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("nodes.csv")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("case.toml", "")
        archive.writestr(entry, "/etc/passwd")
    refused(out.getvalue(), tmp_path, "is a link")


def test_bombs_are_refused(tmp_path: Path) -> None:
    nought = bytes(30_000_000)
    refused(packed({"case.toml": b"", "nodes.csv": nought}), tmp_path, "packed more than")
    many = {"case.toml": b""} | {f"a{k}.csv": b"x" for k in range(300)}
    refused(packed(many), tmp_path / "b", "at most 200")
    large = Limits(unpacked_bytes=100_000, unpacked_ratio=1e9)
    refused(packed({"case.toml": b"", "nodes.csv": nought}), tmp_path / "c", "more than 100,000 bytes", large)


def test_a_size_that_lies_is_no_way_in(tmp_path: Path) -> None:
    """The header says that a file is small; what comes out of it is counted all the same."""
    content = packed({"case.toml": b"", "nodes.csv": bytes(30_000_000)})
    real = (30_000_000).to_bytes(4, "little")
    assert content.count(real) == 2
    refused(content.replace(real, (10).to_bytes(4, "little")), tmp_path, "packs too well|cannot be read")


def test_what_is_no_zip_is_refused(client: Client, folder: Path, case_files: dict[str, bytes]) -> None:
    whole = packed(case_files)
    for content in (b"", b"PK\x03\x04garbage", whole[: len(whole) // 2], b"SQLite format 3\0" + b"x" * 100, b"\x7fELF"):
        answer = send(client, content, file="wrong.zip")
        assert answer.status_code == 400, answer.text
        assert str(folder) not in answer.text


def test_a_package_that_works_by_itself_is_refused(tmp_path: Path) -> None:
    """A view in the place of a table could reckon for ever; it is not read."""
    file = kv.write_geopackage(kv.read_pack("caspian"), tmp_path / "case.gpkg")
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("DROP TABLE counts")
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x FROM n"
        db.execute(f"CREATE VIEW counts AS {endless}")
    with pytest.raises(kv.FormatError, match="view"):
        kv.read_geopackage(file)


def test_an_article_is_text(client: Client) -> None:
    said = (
        "A good year\n\nTrade between Kazakhstan and Iran reached $340 million in 2024, "
        "Kazakh Foreign Minister Murat Nurtleu said. "
        f"{HOSTILE} <img src=x onerror=alert(1)>"
    )
    page = f"<html><head><title>{HOSTILE}</title></head><body><p>{said}</p></body></html>"
    form = {"published": "2025-02-03", "address": "https://example.org/a", "publisher": HOSTILE}
    for name, content in (("../../note.txt", said), ("note.html", page)):
        answer = send(client, content.encode(), file=name, to="documents", **form)
        assert answer.status_code == 200, answer.text
        assert answer.json()["refused"] == []
    documents = client.get(f"{API}/documents")
    assert "<" not in documents.text
    added = [d for d in documents.json()["documents"] if d["address"] == "https://example.org/a"]
    assert {d["name"] for d in added} == {"note.txt", "note.html"}
    for about in added:
        answer = client.get(f"{API}/documents/{about['id']}")
        assert answer.headers["content-type"] == "application/json"
        assert "<" not in answer.text
        assert any(f["value"] == 340e6 for f in answer.json()["facts"])


@pytest.mark.parametrize(
    ("name", "form"),
    [("run.sh", {}), ("note.txt.exe", {}), ("", {}), ("note.txt", {"published": "yesterday"}),
     ("note.txt", {"address": "javascript:alert(1)"}), ("note.txt", {"address": "file:///etc/passwd"})],
)  # fmt: skip
def test_wrong_articles(tmp_path: Path, name: str, form: dict[str, str]) -> None:
    given = {"published": "", "address": "", "publisher": ""} | form
    with pytest.raises(kv.FormatError):
        keep_article(io.BytesIO(b"x"), name, tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


def test_names_of_articles_stay_in_their_folder(tmp_path: Path) -> None:
    names = ("../../../etc/x.txt", "..\\..\\x.txt", "a\0b.txt", "/x.txt", "x" * 400 + ".txt", "....txt")
    for k, name in enumerate(names):
        home = tmp_path / str(k)
        home.mkdir()
        path = keep_article(io.BytesIO(b"x"), name, home, "", "", "")
        assert path.parent == home
        assert list(home.iterdir()) == [path]
