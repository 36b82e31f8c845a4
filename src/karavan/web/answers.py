"""Answers: JSON that is safe anywhere, answers that are kept and known by a tag, and errors in plain words."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

DETAILS = ("suggestions", "candidates", "reasons")
STATUS = {
    "FormatError": 400, "NameNotFound": 404, "OutOfDate": 409, "TooLarge": 413, "Busy": 503,
}  # fmt: skip
OTHERWISE = 422
TAGS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
PATH = re.compile(r"(?<![\w:/.\\])(?:[A-Za-z]:)?(?:[\\/][^\\/\s:'\"]+)+[\\/]")


def json_bytes(value: Any) -> bytes:
    r"""Write JSON in which no text can be taken for markup.

    Examples
    --------
    >>> json_bytes({"name": "<script>"})
    b'{"name":"\\u003cscript\\u003e"}'
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.translate(TAGS).encode("utf-8", "replace")


class SafeJSON(JSONResponse):
    """JSON in which no text can be taken for markup, whatever reads it."""

    def render(self, content: Any) -> bytes:
        """Return the bytes of an answer."""
        return json_bytes(content)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer made once: its bytes, packed and not, and a tag of them."""

    plain: bytes
    packed: bytes
    tag: str
    media: str = "application/json"

    @classmethod
    def of(cls, content: bytes, media: str = "application/json") -> Kept:
        """Pack an answer."""
        tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
        return cls(content, gzip.compress(content, 6, mtime=0), tag, media)

    def answer(self, request: Request, headers: Mapping[str, str] | None = None) -> Response:
        """Answer with the bytes, packed where the asker can unpack, or that they are the same as before."""
        own = {"etag": self.tag, "cache-control": "no-cache", "vary": "Accept-Encoding", **(headers or {})}
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=own)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, media_type=self.media, headers=own | {"content-encoding": "gzip"})
        return Response(self.plain, media_type=self.media, headers=own)


def error_record(error: Exception) -> dict[str, Any]:
    """Return an error of Karavan as plain data, without the folders of this machine."""
    found = {name: [_bare(str(v)) for v in getattr(error, name)] for name in DETAILS if hasattr(error, name)}
    findings = [asdict(f) for f in getattr(error, "findings", ())]
    bare = [{k: _bare(v) if isinstance(v, str) else v for k, v in f.items()} for f in findings]
    return {"error": _bare(str(error)), "type": type(error).__name__, **({"findings": bare} if bare else {}), **found}


def _bare(text: str) -> str:
    """Leave out the folders of files: they are nobody's business.

    Examples
    --------
    >>> _bare("/srv/data/x/case.toml is no TOML file")
    'case.toml is no TOML file'
    """
    return PATH.sub("", text)


def karavan_error(_: Request, error: Exception) -> Response:
    """Answer an error of Karavan."""
    status = STATUS.get(type(error).__name__, OTHERWISE)
    headers = {"retry-after": "5"} if status == 503 else None
    return SafeJSON(error_record(error), status, headers)


