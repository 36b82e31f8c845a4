"""How the server is set up: where it listens, who may write, where it keeps things, and its limits."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import karavan as kv

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"
MEGABYTE = 1 << 20
SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request, one upload and all work together may take.

    Attributes
    ----------
    body_bytes, upload_bytes
        Of a request without and with a file.
    unpacked_bytes, unpacked_ratio, files
        Of the contents of a zip file: together, against their packed size, and how many.
    jobs, queue
        Long work at a time, and waiting.
    seconds, job_seconds
        Time for an answer, and for long work.
    """

    body_bytes: int = MEGABYTE
    upload_bytes: int = 64 * MEGABYTE
    unpacked_bytes: int = 256 * MEGABYTE
    unpacked_ratio: float = 100.0
    files: int = 200
    jobs: int = 2
    queue: int = 16
    seconds: float = 30.0
    job_seconds: float = 900.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server is set up. `ready` fills in what depends on the rest and refuses what is not safe.

    Attributes
    ----------
    host, port, names
        Where it listens, and further names under which it is reached (behind a proxy).
    token
        Secret of those who may write and, on another address than loopback, of all.
    read_write
        Facts may be decided, articles and cases added.
    ledger
        File or `postgresql://` URL; None: the user's own where it is there or may be made, else the shipped sample.
    runs, cases
        Folder of results, and further case folders that are offered; uploads are kept beside the results.
    tiles
        Address of map tiles; None: no request leaves the machine.
    """

    host: str = LOOPBACK
    port: int = 8321
    names: tuple[str, ...] = ()
    token: str = ""
    read_write: bool = False
    ledger: str | None = None
    runs: Path | None = None
    cases: tuple[Path, ...] = ()
    tiles: str | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def guarded(self) -> str:
        """What needs the token: "none", "write" or "all"."""
        if not self.is_loopback:
            return "all"
        return "write" if self.read_write else "none"

    @property
    def folder(self) -> Path:
        """Where results and uploads are kept."""
        return self.runs or kv.default_ledger().parent / "runs"

    @property
    def address(self) -> str:
        """Address of the page, for the browser of this machine; the token is in its fragment, which is never sent."""
        host = LOOPBACK if self.host in {"0.0.0.0", "::", "localhost"} else self.host  # noqa: S104 (compared only)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/" + (f"#token={self.token}" if self.token else "")

    def ready(self) -> Settings:
        """Return the settings with a token where one is needed.

        Raises `FormatError` for an address that others can reach without a token, a token that is too short, and an
        address of tiles that is none.
        """
        if self.token and len(self.token) < SHORTEST_TOKEN:
            message = f"the token has {len(self.token)} characters; at least {SHORTEST_TOKEN} are needed"
            raise kv.FormatError(message)
        if not self.is_loopback and not self.token:
            message = (
                f"{self.host} can be reached from other machines: give a token (--token, or KARAVAN_TOKEN), or serve "
                f"this machine only (--host {LOOPBACK})"
            )
            raise kv.FormatError(message)
        if self.tiles and (urlsplit(self.tiles).scheme not in {"http", "https"} or not tile_origin(self.tiles)):
            message = f"{self.tiles!r} is no address of tiles, such as https://tiles.example.org/{{z}}/{{x}}/{{y}}.png"
            raise kv.FormatError(message)
        return replace(self, token=(self.token or secrets.token_urlsafe(24)) if self.guarded != "none" else "")


def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tile_origin(tiles: str) -> str:
    """Return scheme and host of an address of tiles, fit for a content policy; empty where it has none."""
    parts = urlsplit(tiles)
    host = parts.netloc.rpartition("@")[2]
    clean = all(c.isalnum() or c in ".-:[]" for c in host)
    return f"{parts.scheme}://{host}" if host and clean else ""
