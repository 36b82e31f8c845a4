"""A server for tests: the real pack and a ledger of its own, listening at this machine's own address."""

from __future__ import annotations

import io
import socket
import threading
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import karavan as kv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

for _name in ("fastapi", "uvicorn", "multipart", "httpx"):
    pytest.importorskip(_name)

TOKEN = "a-token-for-tests-only"  # noqa: S105
BEARER = {"Authorization": f"Bearer {TOKEN}"}
API = "/api/v1"


@contextmanager
def client_of(folder: Path, **given: Any) -> Iterator[httpx.Client]:
    """Serve with some settings, keeping what is kept in a folder; give a client of the server."""
    import httpx
    import uvicorn

    from karavan.web import Settings, make_app

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        usual = {"runs": folder / "runs", "ledger": str(ledger_in(folder)), "port": port}
        app = make_app(Settings(**(usual | given)), warm=False)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(timeout=20)


def ledger_in(folder: Path) -> Path:
    """Return a ledger with the shipped sample in it."""
    path = folder / "facts.db"
    if not path.exists():
        with kv.Ledger(path) as ledger:
            ledger.add_documents(kv.sample_folder())
    return path


def packed(files: dict[str, bytes | str]) -> bytes:
    """Return a zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
