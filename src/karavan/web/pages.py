# ruff: noqa: TC002 (FastAPI reads annotations when the program runs)
"""The built page as files: names with a hash never change, every other address shows the page."""

from __future__ import annotations

import mimetypes
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from karavan.web.answers import Kept, SafeJSON

STATIC = Path(__file__).parent / "static"
HASHED = re.compile(r"assets/.+[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+(\.map)?")
FOREVER = "public, max-age=31536000, immutable"
MEDIA = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json",
         ".webmanifest": "application/manifest+json", ".woff2": "font/woff2", ".svg": "image/svg+xml",
         ".pbf": "application/x-protobuf", ".html": "text/html"}  # fmt: skip
NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Karavan</title>
<h1>Karavan: the page has not been built</h1>
<p>The server runs, and answers at <a href="/api/v1/about">/api/v1/about</a>; its questions and answers are described at
<a href="/api/openapi.json">/api/openapi.json</a>.</p>
<p>In a checkout, build the page once: <code>make page</code> (it needs Node 20 or later), then load this address
again. An installed Karavan brings the page with it.</p>
</html>
"""


def page(request: Request, path: str) -> Response:
    """Answer with a file of the page, with the page itself, or with how to build it."""
    if path.startswith("api/") or path == "api":
        return SafeJSON({"error": f"there is nothing at /{path}", "type": "NameNotFound"}, 404)
    if not (STATIC / "index.html").is_file():
        return HTMLResponse(NOT_BUILT, 200)
    file = (STATIC / path).resolve() if path and "\0" not in path else STATIC / "index.html"
    inside = file.is_relative_to(STATIC.resolve()) and file.is_file()
    if not inside and "." in path.rpartition("/")[2]:
        return SafeJSON({"error": f"there is no file /{path[:200]}", "type": "NameNotFound"}, 404)
    found = file if inside else STATIC / "index.html"
    hashed = HASHED.fullmatch(path) is not None and inside
    return _file(found, found.stat().st_mtime_ns).answer(request, {"cache-control": FOREVER} if hashed else None)


@cache
def _file(path: Path, _: int) -> Kept:
    """Read and pack a file once for each time it is written."""
    media = MEDIA.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Kept.of(path.read_bytes(), media)
