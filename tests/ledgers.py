"""Facts for tests of the ledger, and a PostgreSQL server of our own on the loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def fact(number: int = 1, **said: Any) -> dict[str, Any]:
    """Return a figure as a JSON object; `said` replaces any part of it."""
    quote = said.get("quote", f"trade between Kazakhstan and Iran came to ${number} million in 2020")
    return {
        "id": f"{number:016x}", "document": "note.txt", "document_id": "d1", "kind": "figure", "status": "accepted",
        "reason": "", "indicator": "trade_turnover", "areas": ["KAZ", "IRN"], "direction": "KAZ-IRN",
        "value": number * 1e6, "low": None, "high": None, "comparator": "=", "unit": "USD", "step": 1e6,
        "period": "2020-01-01/2020-12-31", "base_period": None, "change_pct": None, "transformation": "level",
        "quote": quote, "start": 0, "end": len(quote), "published": "2021-04-08", "extractor": "rules",
        "extractor_version": "1",
    } | said  # fmt: skip


def pledge(number: int = 1, **said: Any) -> dict[str, Any]:
    """Return a commitment as a JSON object."""
    return fact(
        number,
        **{
            "kind": "commitment", "modality": "target", "object": "bilateral trade", "action": "increase",
            "period": None,
            "deadline": None, "quote": f"bring trade to ${number} million", "transformation": None,
        } | said,
    )  # fmt: skip


def _account() -> str | None:
    """Return whom the server is to run as: it refuses root. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    names = {p.pw_name for p in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server in a new folder and yield its URL. Raises RuntimeError with the reason where it cannot."""
    if not SERVER:
        message = "no PostgreSQL server is installed (looked in /usr/lib/postgresql)"
        raise RuntimeError(message)
    folder, account = Path(tempfile.mkdtemp(prefix="karavan-pg-")), _account()
    if account is not None:
        shutil.chown(folder, account)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    commands = SERVER[-1].parent
    setting = f"-h 127.0.0.1 -p {port} -k '' -F"
    start = [commands / "pg_ctl", "-D", folder / "data", "-w", "-o", setting, "-l", folder / "log", "start"]
    stop = [commands / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"]
    try:
        for command in (
            [commands / "initdb", "-D", folder / "data", "-U", "karavan", "-A", "trust", "-N", "-E", "UTF8"],
            start,
        ):
            with (folder / "out").open("w") as out:  # a pipe would stay open as long as the server runs
                done = subprocess.run(
                    [str(c) for c in command], user=account, cwd=folder, check=False, stdin=subprocess.DEVNULL,
                    stdout=out, stderr=subprocess.STDOUT,
                )  # fmt: skip
            if done.returncode:
                message = f"PostgreSQL did not start: {(folder / 'out').read_text()[-400:]}"
                raise RuntimeError(message)
        yield f"postgresql://karavan@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([str(c) for c in stop], user=account, cwd="/", check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
