"""`karavan serve` as a program: what it says, what it refuses, and that a kill loses nothing that was finished."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from web_client import API, BEARER, TOKEN, ledger_in

import karavan as kv
from karavan.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

ADDRESS = re.compile(r"serves at (http://\S+)")


@contextmanager
def served(
    folder: Path, *options: str, **environment: str
) -> Iterator[tuple[httpx.Client, subprocess.Popen[str], str]]:
    """Start the program at a free port; give a client, the process, and what it said."""
    import httpx

    words = [sys.executable, "-m", "karavan", "serve", "--port", "0", "--no-browser", "--runs", str(folder / "runs")]
    around = os.environ | {"XDG_DATA_HOME": str(folder)} | environment
    with subprocess.Popen([*words, *options], stderr=subprocess.PIPE, text=True, env=around) as process:
        assert process.stderr is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        found = ADDRESS.search(said)
        assert found
        base = found[1].partition("#")[0]
        try:
            with httpx.Client(base_url=base, timeout=60.0, trust_env=False) as client:
                for _ in range(600):
                    try:
                        client.get(f"{API}/about")
                        break
                    except httpx.TransportError:
                        time.sleep(0.1)
                yield client, process, said
        finally:
            process.kill()
            process.stderr.read()


def done(client: httpx.Client, path: str, asked: dict[str, Any]) -> Any:
    """Post a question that is long work, and wait for its result."""
    answer = client.post(f"{API}{path}?wait=20", json=asked).json()
    while answer["state"] in {"queued", "running"}:
        time.sleep(0.1)
        answer = client.get(f"{API}/jobs/{answer['job']}").json()
    assert answer["state"] == "done", answer
    return answer["result"]


def test_a_killed_server_loses_nothing(tmp_path: Path) -> None:
    options = ("--ledger", str(ledger_in(tmp_path)), "--read-write")
    with served(tmp_path, *options, KARAVAN_TOKEN=TOKEN) as (client, process, said):
        assert "Token:" not in said.replace("#token", "")  # it was given, so whoever started it knows it
        fact = client.get(f"{API}/facts").json()["facts"][0]
        decision = {"decision": "accept", "expected_version": fact["version"], "who": "Aigerim"}
        accepted = client.post(f"{API}/facts/{fact['id']}/decision", json=decision, headers=BEARER)
        assert accepted.status_code == 200, accepted.text
        run = done(client, "/cases/caspian/scenarios/run", {"scenarios": ["baku-closed"], "month": True})
        client.post(f"{API}/cases/caspian/scenarios/run", json={"scenarios": ["kti-2030"], "year": 2030})  # under way
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with served(tmp_path, *options, KARAVAN_TOKEN=TOKEN) as (client, _, _):
        again = client.get(f"{API}/facts/{fact['id']}").json()
        assert (again["version"], again["review"]["who"]) == (fact["version"] + 1, "Aigerim")
        assert client.get(f"{API}/runs/{run['run']}").json() == run
        listed = [r["run"] for r in client.get(f"{API}/runs").json()["runs"]]
        assert run["run"] in listed
        late = done(client, "/cases/caspian/scenarios/run", {"scenarios": ["kti-2030"], "year": 2030})
        assert late["scenario"] == "kti-2030"


def test_it_serves_with_nothing_named(tmp_path: Path) -> None:
    with served(tmp_path) as (client, process, said):
        assert "only reads" in said
        assert client.get(f"{API}/about").json()["ledger"] == "sample"
        assert client.get("/").headers["content-type"].startswith("text/html")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_token_is_made_up_and_shown_once(tmp_path: Path) -> None:
    with served(tmp_path, "--read-write") as (client, _, said):
        token = re.search(r"Token: (\S+)", said)
        assert token
        assert len(token[1]) >= 16
        facts = {"file": ("note.txt", b"A note.\n\nTrade rose.")}
        assert client.post(f"{API}/documents", files=facts).status_code == 401
        headers = {"Authorization": f"Bearer {token[1]}"}
        assert client.post(f"{API}/documents", files=facts, headers=headers).status_code == 200
    assert (tmp_path / "karavan" / "facts.db").is_file()


@pytest.mark.parametrize(
    ("options", "match"),
    [(["--host", "0.0.0.0"], "give a token"), (["--host", "0.0.0.0", "--token", "short"], "at least 16"),  # noqa: S104
     (["--case", "nothing"], "case.toml"), (["--ledger", "nothing.db"], "no ledger"), (["--tiles", "x"], "no address"),
     (["--host", "203.0.113.7", "--token", TOKEN], "cannot listen")],
)  # fmt: skip
def test_what_it_refuses(
    options: list[str], match: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("KARAVAN_TOKEN", raising=False)
    assert main(["serve", "--port", "0", "--no-browser", *options]) == 1
    assert match in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n == "karavan.web" or n.startswith("karavan.web.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(kv.MissingExtra, match=r"karavan\[web\]"):
        import karavan.web  # noqa: F401
