# ruff: noqa: TC001 (FastAPI reads annotations when the program runs)
"""What users bring: a case (zip of CSV files, GeoPackage), an article. It is checked, kept apart and never run."""

from __future__ import annotations

import json
import re
import shutil
import stat
import tempfile
import zipfile
from datetime import date
from pathlib import Path
from typing import IO, Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, File, Form, Request, UploadFile

import karavan as kv
from karavan.web import models
from karavan.web.answers import SafeJSON
from karavan.web.look import state_of
from karavan.web.settings import Limits
from karavan.web.state import CASE_ID, CASES, State, remove_folder

router = APIRouter(prefix="/api/v1", tags=["writing"])
TABLE_FILE = re.compile(r"(case\.toml|[a-z][a-z0-9_]{0,63}\.csv)")
ARTICLES = (".txt", ".html", ".htm", ".pdf")
CHUNK = 1 << 16
SMALL = 1 << 16  # a file of less than this is no bomb, however well it packs


@router.post("/cases/check", response_model=models.Listing)
async def check_case(request: Request, file: Annotated[UploadFile, File()]) -> Any:
    """Check a case without keeping it, and return every finding."""
    state = state_of(request)

    def work() -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="karavan-") as folder:
            return _checked(file, Path(folder), state.settings.limits)

    return SafeJSON(await state.reckon(work))


@router.post("/cases", response_model=models.Listing, status_code=201)
async def add_case(
    request: Request, file: Annotated[UploadFile, File()], name: Annotated[str, Form(max_length=64)] = ""
) -> Any:
    """Keep a case under a name of its own; one with errors is refused with every finding."""
    state = state_of(request)
    case = name.strip() or re.sub(r"[^A-Za-z0-9_-]+", "-", Path(file.filename or "").stem).strip("-")
    if not CASE_ID.fullmatch(case) or case in {"briefs", "cases"}:
        message = f"{case!r} is no name for a case; use letters, digits, - and _"
        raise kv.FormatError(message)
    found = await state.reckon(lambda: _added(state, file, case))
    return SafeJSON(found, 422 if found["errors"] else 201)


def _added(state: State, file: UploadFile, case: str) -> dict[str, Any]:
    home = state.settings.folder / CASES
    home.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=home))
    try:
        found = _checked(file, staging, state.settings.limits)
        if found["errors"]:
            words = f"the case has {found['errors']} error(s) and was not kept"
            return found | {"error": words, "type": "CaseError"}
        try:
            if case in state.folders:
                raise FileExistsError
            (staging / CASES).rename(home / case)  # in one step: a case is there whole or not at all
        except OSError as error:
            message = f"there is a case {case!r} already; give another name"
            raise kv.OutOfDate(message) from error
    finally:
        remove_folder(staging)
    state.forget(case)
    return {"id": case, "title": state.case(case).meta.title or case} | found


def _checked(file: UploadFile, folder: Path, limits: Limits) -> dict[str, Any]:
    """Unpack a case into `folder/cases` and check it."""
    place = folder / CASES
    head = file.file.read(16)
    file.file.seek(0)
    ignored: list[str] = []
    if head.startswith(b"PK\x03\x04"):
        ignored = unpack(file.file, place, limits)
        report = kv.check(place)
    elif head.startswith(b"SQLite format 3"):
        package = folder / "case.gpkg"
        with package.open("wb") as out:
            shutil.copyfileobj(file.file, out)
        try:
            kv.write_case(kv.read_geopackage(package), place)
        except kv.CaseError as error:
            errors = [f for f in error.findings if f.severity == "error"]
            return {"name": error.name, "errors": len(errors), "warnings": len(error.findings) - len(errors),
                    "findings": kv.jsonable(list(error.findings)), "ignored": []}  # fmt: skip
        report = kv.check(place)
    else:
        message = "the file is neither a zip file of a case's CSV files nor a GeoPackage"
        raise kv.FormatError(message)
    return {"name": report.name, "errors": len(report.errors), "warnings": len(report.warnings),
            "findings": kv.jsonable(list(report.findings)), "ignored": ignored}  # fmt: skip


def unpack(packed: IO[bytes], folder: Path, limits: Limits) -> list[str]:
    """Unpack the files of a case (`case.toml`, `<table>.csv`) from a zip file; return what was left out.

    A case may stand in one folder of the file. Raises `FormatError` for a name that leaves the folder, a link, a
    password, and contents too many or too large, whatever the file says of itself.
    """
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(packed) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
            for entry in entries:
                _check_entry(entry, limits)
            if len(entries) > limits.files:
                _refuse(f"it holds {len(entries)} files; at most {limits.files} are taken")
            top = _top({e.filename for e in entries})
            wanted = {e.filename.removeprefix(top): e for e in entries if e.filename.startswith(top)}
            kept = {n: e for n, e in wanted.items() if TABLE_FILE.fullmatch(n)}
            left = limits.unpacked_bytes
            for name, entry in kept.items():
                left -= _copy(archive, entry, folder / name, left, limits)
            return sorted({e.filename for e in entries} - {e.filename for e in kept.values()})
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        message = f"the zip file cannot be read: {error}"
        raise kv.FormatError(message) from error


def _top(names: set[str]) -> str:
    """Return the folder in which `case.toml` stands, with its slash; empty for none."""
    found = sorted((n for n in names if n == "case.toml" or n.endswith("/case.toml")), key=len)
    return found[0].removesuffix("case.toml") if found else ""


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    name = entry.filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\0" in name or "\\" in name:
        _refuse(f"{name!r} leaves its folder")
    if stat.S_ISLNK(entry.external_attr >> 16):
        _refuse(f"{name!r} is a link")
    if entry.flag_bits & 1:
        _refuse(f"{name!r} is locked by a password")
    if entry.file_size > SMALL and entry.file_size > limits.unpacked_ratio * max(entry.compress_size, 1):
        _refuse(f"{name!r} is packed more than {limits.unpacked_ratio:g} times")


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int, limits: Limits) -> int:
    """Unpack one file, counting what comes out of it; return its bytes."""
    most = min(left, max(SMALL, int(limits.unpacked_ratio * max(entry.compress_size, 1))))
    written = 0
    with archive.open(entry) as source, target.open("xb") as out:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > most:
                _refuse(f"it holds more than {limits.unpacked_bytes:,} bytes, or {entry.filename!r} packs too well")
            out.write(chunk)
    return written


def _refuse(problem: str) -> None:
    message = f"the zip file is not taken: {problem}"
    raise kv.FormatError(message)


def keep_article(file: IO[bytes], name: str, folder: Path, published: str, address: str, publisher: str) -> Path:
    """Put an article into a folder under a harmless name, with what is known of it beside it. Raises `FormatError`."""
    suffix = Path(name).suffix.lower()
    if suffix not in ARTICLES:
        message = f"{Path(name).name!r} is no article: send a file that ends in {', '.join(ARTICLES)}"
        raise kv.FormatError(message)
    stem = re.sub(r"[^\w -]+", "-", Path(name).stem).strip("- ")[:80] or "article"
    said = {k: v.strip() for k, v in {"address": address, "publisher": publisher}.items() if v.strip()}
    if address.strip() and urlsplit(address.strip()).scheme not in {"http", "https"}:
        message = f"{address!r} is no web address"
        raise kv.FormatError(message)
    if published.strip():
        try:
            said["published"] = date.fromisoformat(published.strip()).isoformat()
        except ValueError as error:
            message = f"{published!r} is no day: write YYYY-MM-DD"
            raise kv.FormatError(message) from error
    path = folder / f"{stem}{suffix}"
    with path.open("xb") as out:
        shutil.copyfileobj(file, out)
    if said:
        path.with_name(f"{path.name}.json").write_text(json.dumps(said), encoding="utf-8")
    return path
