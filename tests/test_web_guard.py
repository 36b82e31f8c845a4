"""Who is let in: names, origins, tokens, sizes, time; what every answer carries; what becomes of a fault."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from web_client import API, BEARER, TOKEN, client_of, ledger_in

import karavan as kv
from karavan.web import Limits, Settings, make_app
from karavan.web.answers import _bare, json_bytes
from karavan.web.jobs import Busy, Jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Client

ANY = "0.0.0.0"  # noqa: S104 (an address that others can reach)
DECISION = {"decision": "accept", "expected_version": 1, "who": "Aigerim"}


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with client_of(tmp_path_factory.mktemp("reading"), limits=Limits(body_bytes=2000, upload_bytes=5000)) as made:
        yield made


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with client_of(tmp_path_factory.mktemp("writing"), read_write=True, token=TOKEN) as made:
        yield made


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def a_fact(client: Client) -> str:
    return client.get(f"{API}/facts").json()["facts"][0]["id"]


@pytest.mark.parametrize("path", ["documents", "cases", "facts/x/decision"])
def test_without_read_write_nothing_is_written(reading: Client, path: str) -> None:
    for headers in ({}, BEARER):
        assert said(reading.post(f"{API}/{path}", json=DECISION, headers=headers)) == (403, "ReadOnly")


@pytest.mark.parametrize("path", ["documents", "cases", "facts/x/decision"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"},
     {"Authorization": "Bearer"}, {"Authorization": f"Bearer {TOKEN}x"}, {"Cookie": f"token={TOKEN}"}],
)  # fmt: skip
def test_writing_needs_the_token(writing: Client, path: str, headers: dict[str, str]) -> None:
    answer = writing.post(f"{API}/{path}", json=DECISION, headers=headers)
    assert said(answer) == (401, "TokenNeeded")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_token_in_the_address_is_none(writing: Client) -> None:
    answer = writing.post(f"{API}/documents?token={TOKEN}&authorization=Bearer {TOKEN}")
    assert said(answer) == (401, "TokenNeeded")


def test_a_foreign_page_changes_nothing(writing: Client) -> None:
    path = f"{API}/facts/{a_fact(writing)}/decision"
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", f"http://{writing.base_url.host}.evil.example"):
        answer = writing.post(path, json=DECISION, headers=BEARER | {"Origin": origin})
        assert said(answer) == (403, "ForeignOrigin")
    own = str(writing.base_url).rstrip("/")
    assert writing.post(path, json=DECISION, headers=BEARER | {"Origin": own}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "a@127.0.0.1", "evil.example:8321"])
def test_a_foreign_name_is_refused(reading: Client, host: str) -> None:
    """A page of another name that resolves to this machine (DNS rebinding) reads nothing."""
    assert said(reading.get(f"{API}/about", headers={"Host": host})) == (403, "ForeignHost")
    assert reading.get("/", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:5", "127.0.0.1", "[::1]:9", "10.1.2.3:8321"])
def test_own_names_are_known(reading: Client, host: str) -> None:
    assert reading.get(f"{API}/about", headers={"Host": host}).status_code == 200


def test_another_name_must_be_given(tmp_path: Path) -> None:
    with client_of(tmp_path, names=("maps.example.org",)) as client:
        assert client.get(f"{API}/about", headers={"Host": "maps.example.org"}).status_code == 200


def test_other_addresses_need_a_token() -> None:
    for host in (ANY, "192.0.2.1", "example.org"):
        with pytest.raises(kv.FormatError, match="token"):
            Settings(host=host).ready()
    with pytest.raises(kv.FormatError, match="at least 16"):
        Settings(host=ANY, token=TOKEN[:5]).ready()
    assert Settings(host=ANY, token=TOKEN).ready().guarded == "all"
    assert Settings(read_write=True).ready().token
    assert not Settings().ready().token


def test_elsewhere_even_reading_needs_the_token(tmp_path: Path) -> None:
    with client_of(tmp_path, host=ANY, token=TOKEN) as client:
        assert "all" in client.get(f"{API}/about").json().values()
        assert said(client.get(f"{API}/cases")) == (401, "TokenNeeded")
        assert client.get(f"{API}/cases", headers=BEARER).status_code == 200
        assert client.get("/").status_code == 200
        assert said(client.get("/api/openapi.json")) == (401, "TokenNeeded")


def test_large_bodies_are_refused(reading: Client) -> None:
    path = f"{API}/cases/caspian/routes"
    assert said(reading.post(path, content=b"x" * 2001)) == (413, "TooLarge")
    assert said(reading.post(path, content=(b"x" * 500 for _ in range(9)))) == (413, "TooLarge")  # no length is said
    file = {"file": ("x.zip", b"PK\x03\x04" + b"x" * 6000)}
    assert said(reading.post(f"{API}/cases/check", files=file)) == (413, "TooLarge")
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    assert reading.post(path, content=deep, headers={"Content-Type": "application/json"}).status_code == 422


def test_security_headers(reading: Client) -> None:
    for path in ("/", f"{API}/about", f"{API}/nothing", "/map", "/assets/nothing.js"):
        headers = reading.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"script-src[^;]*unsafe", policy)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in headers
        assert "access-control-allow-origin" not in headers


def test_tiles_are_the_only_other_address(tmp_path: Path) -> None:
    with client_of(tmp_path, tiles="https://tiles.example.org/{z}/{x}/{y}.png") as client:
        assert "connect-src 'self' https://tiles.example.org;" in client.get("/").headers["content-security-policy"]
    for wrong in ("ftp://x/{z}", "https://x; script-src *", "javascript:alert(1)", "https://"):
        with pytest.raises(kv.FormatError, match="tiles"):
            Settings(tiles=wrong).ready()


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/..%2f..%2fpyproject.toml", "/%2e%2e/%2e%2e/app.py", "/assets/..%5c..%5capp.py", "/%00.js",
     "//etc/passwd", "/assets/%2e%2e/%2e%2e/guard.py", "/..%2fguard.py"],
)  # fmt: skip
def test_files_outside_the_page_are_not_served(reading: Client, path: str) -> None:
    host, port = reading.base_url.host, reading.base_url.port
    with socket.create_connection((host, port)) as line:  # as it stands: a client would tidy the path
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert b"root:" not in answer
    assert b"[project]" not in answer
    assert b"import" not in answer.partition(b"\r\n\r\n")[2] or b"<html" in answer


def test_methods_and_paths_that_are_not_there(reading: Client) -> None:
    assert reading.get("/api/nothing").status_code == 404
    assert reading.put(f"{API}/about").status_code == 405
    assert reading.delete(f"{API}/jobs/nothing").status_code == 404
    for answer in (reading.get("/api/nothing"), reading.put(f"{API}/about")):
        assert answer.json()["error"]
        assert answer.headers["content-type"] == "application/json"


def test_a_fault_is_logged_and_not_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with client_of(tmp_path) as client:
        (tmp_path / "facts.db").unlink()
        (tmp_path / "facts.db").mkdir()  # no ledger can be opened any more
        answer = client.get(f"{API}/facts")
        assert answer.status_code == 500
        fault = answer.json()["fault"]
        assert set(answer.json()) == {"error", "type", "fault"}
        assert "Traceback" not in answer.text
        assert str(tmp_path) not in answer.text
    assert any(fault in record.getMessage() for record in caplog.records)


def test_too_slow_is_said(tmp_path: Path) -> None:
    with client_of(tmp_path, limits=Limits(seconds=0.05)) as client:
        answer = client.get(f"{API}/cases/caspian/map")
        assert said(answer) == (503, "Busy")
        assert answer.headers["retry-after"]


def test_two_users_accept_one_fact(writing: Client) -> None:
    """One is told that it is done, the other that somebody was faster; both look at the same version."""
    fact = next(f for f in writing.get(f"{API}/facts").json()["facts"] if f["version"] == 1)
    start, found = threading.Barrier(2), []

    def accept(who: str) -> None:
        start.wait()
        answer = writing.post(f"{API}/facts/{fact['id']}/decision", json=DECISION | {"who": who}, headers=BEARER)
        found.append(answer.status_code)

    users = [threading.Thread(target=accept, args=(who,)) for who in ("Aigerim", "Farhad")]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert sorted(found) == [200, 409]
    assert writing.get(f"{API}/facts/{fact['id']}").json()["version"] == 2


# Text that is no markup


def test_json_holds_no_markup() -> None:
    hostile = "</script><script>alert(1)</script><!--&"
    written = json_bytes({hostile: [hostile]})
    assert not {b"<", b">", b"&"} & {written[i : i + 1] for i in range(len(written))}
    assert json.loads(written) == {hostile: [hostile]}
    assert json_bytes("\ud800") == b'"?"'


def test_script_in_a_case_is_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    case = kv.read_pack("caspian")
    nodes = case.nodes
    nodes.loc["KZ_AKT", "name"] = hostile
    links = case.links
    links.loc["KZ_AKT-AZ_ALA-ferry", "note"] = f'=HYPERLINK("x"){hostile}'
    mine = kv.write_case(case.with_tables(nodes=nodes, links=links), tmp_path / "hostile")
    with client_of(tmp_path, cases=(mine,)) as client:
        base = f"{API}/cases/hostile"
        for path in ("names?q=scr", "map", "tables/links?q=script", "records/nodes/KZ_AKT"):
            answer = client.get(f"{base}/{path}")
            assert answer.headers["content-type"] == "application/json"
            assert "<" not in answer.text
            assert "script" in answer.text
        csv = client.get(f"{base}/tables/links/download?q=script").text
        assert "'=HYPERLINK" in csv


def test_folders_of_this_machine_are_not_told() -> None:
    assert _bare("/srv/data/x/case.toml:3: bad") == "case.toml:3: bad"
    assert _bare("C:\\data\\case.toml is") == "case.toml is"
    assert _bare("see https://example.org/a/b and 5 t/km/yr") == "see https://example.org/a/b and 5 t/km/yr"


# Long work


def test_jobs_wait_are_cancelled_and_are_refused_when_too_many() -> None:
    jobs = Jobs(Limits(jobs=1, queue=2))
    go, begun = threading.Event(), threading.Event()

    def slow(tell: Any) -> str:
        begun.set()
        while not go.wait(0.01):
            tell("still at it")
        return "made"

    first = jobs.submit("slow", slow, key="a")
    assert jobs.submit("slow", slow, key="a") is first
    second, third = jobs.submit("slow", slow, key="b"), jobs.submit("slow", slow)
    with pytest.raises(Busy, match="3 pieces"):
        jobs.submit("slow", slow)
    begun.wait(5)
    assert jobs.cancel(second.id).state == "cancelled"
    jobs.cancel(first.id)
    deadline = time.monotonic() + 10
    while not first.ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert first.state == "cancelled"
    go.set()
    assert third.future is not None
    third.future.result(10)
    assert third.record()["result"] == "made"
    with pytest.raises(kv.NameNotFound):
        jobs.get("nothing")
    jobs.close()


def test_jobs_that_fail_say_why() -> None:
    jobs = Jobs(Limits(job_seconds=0.05))

    def fails(error: Exception) -> Any:
        def work(_: Any) -> None:
            raise error

        return work

    def endless(tell: Any) -> None:
        while True:
            tell("on and on")
            time.sleep(0.01)

    work = (fails(kv.ScenarioError("no")), fails(ValueError("/etc/x")), endless)
    plain, fault, long = (jobs.submit("x", w) for w in work)
    for job in (plain, fault, long):
        assert job.future is not None
        job.future.result(10)
        assert job.state == "failed"
    assert plain.error == {"error": "no", "type": "ScenarioError"}
    assert fault.error is not None
    assert fault.error["type"] == "Fault"
    assert "/etc" not in fault.error["error"]
    assert long.error is not None
    assert "more than" in long.error["error"]
    jobs.close()


def test_the_sample_stands_in_where_there_is_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with client_of(tmp_path, ledger=None) as client:
        assert client.get(f"{API}/about").json()["ledger"] == "sample"
        assert client.get(f"{API}/facts").json()["total"]
    assert not kv.default_ledger().exists()
    with pytest.raises(kv.FormatError, match="no ledger"):
        make_app(Settings(ledger=str(tmp_path / "none.db")), warm=False)
    with client_of(tmp_path, ledger=None, read_write=True, token=TOKEN) as client:
        assert client.get(f"{API}/about").json()["ledger"] == "file"
        assert client.get(f"{API}/facts").json()["total"] == 0
    assert kv.default_ledger().exists()
    ledger_in(tmp_path)
