"""The ledger: it only grows, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import uuid
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import fact, pledge, postgres

from karavan.errors import AmbiguousName, FormatError, NameNotFound
from karavan.evidence.ledger import Ledger
from karavan.evidence.ledger.export import facts_csv, facts_jsonl
from karavan.evidence.ledger.store import open_store, phrases, without_password

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `server`)")
    try:
        running = postgres()
        url = running.__enter__()
    except RuntimeError as error:
        pytest.skip(str(error))
    yield url
    running.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "facts.db")
    return f"{request.getfixturevalue('server')}#t{uuid.uuid4().hex}"


@pytest.fixture
def ledger(place: str) -> Iterator[Ledger]:
    with Ledger(place) as opened:
        yield opened


def ids(entries: list[Any]) -> list[str]:
    return [e.id for e in entries]


def test_adds_once_and_keeps_order(ledger: Ledger, place: str) -> None:
    assert ledger.add_facts([fact(237), fact(340), pledge(1000)]).facts == 3
    assert ledger.add_facts([fact(237), fact(340), fact(340)]).facts == 0
    with Ledger(place) as again:
        assert [e["value"] for e in again.facts(kind="figure")] == [237e6, 340e6]
        assert again.counts() == {"commitment": {"accepted": 1}, "figure": {"accepted": 2}}
        assert again.facts(limit=1)[0].json()["quote"] == fact(237)["quote"]


def test_a_batch_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    broken = ({"id": "broken"}, fact(2, value=float("nan")), fact(2, status="sure"), fact(2, kind="x"),
              fact(2, period="2024-13"), fact(2, deadline="soon-ish"), fact(2, published="yesterday"))  # fmt: skip
    for wrong in broken:
        with pytest.raises(FormatError):
            ledger.add_facts([fact(1), wrong])
    assert ledger.facts() == []
    ledger.add_facts([fact(1)])
    assert len(ledger.about(["IRN", "KAZ"])) == 1  # terms numbered in the undone batch do not linger


def test_nothing_accepted_lacks_a_slot(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.add_facts([fact(1, period=None), fact(2, unit=None), pledge(3, areas=[], actors=[])])
    assert [(e["status"], e["reason"], e.version) for e in ledger.facts()] == [
        ("partial", f"missing: {slot}", 1) for slot in ("period", "unit", "areas")
    ]


def test_about(ledger: Ledger) -> None:
    ledger.add_facts(
        [
            fact(1), fact(2, period="2024-01-01/2024-12-31"), fact(3, areas=["KAZ", "AZE"]), fact(4, period=None),
            fact(5, indicator="export"), fact(6, areas=["KAZ"], place="IRBND", indicator="capacity"),
            fact(7, areas=["IRN", "TKM", "KAZ"], period="2010-01-01/2030-12-31", corridor="kti"),
        ]
    )  # fmt: skip

    def found(*areas: str, **asked: Any) -> list[int]:
        return [int(i, 16) for i in ids(ledger.about(areas, **asked))]

    assert found("KAZ", "IRN") == [2, 5, 1, 7, 4]  # latest period first, unknown last
    assert found("IRN", "KAZ", indicator="trade_turnover") == [2, 1, 7, 4]
    assert found("KAZ", "IRN", "TKM") == [7]
    assert found("KAZ", period="2024") == [2, 7]
    assert found("KAZ", period="2020-06-01/2020-07-01") == [6, 5, 3, 1, 7]
    assert found(place="IRBND") == [6]
    assert found(corridor="kti") == [7]
    assert found("KAZ", indicator="export") == [5]
    assert found(indicator="export") == [5]
    assert found("KAZ", "ZZZ") == []
    assert found("KAZ", limit=2) == [2, 6]
    with pytest.raises(FormatError, match="about"):
        ledger.about()


def test_search(ledger: Ledger) -> None:
    ledger.add_facts(
        [
            fact(1, quote="Exports of wheat via Türkiye rose"), fact(2, quote="wheat exports fell; trade rose"),
            fact(3, quote="'; DROP TABLE facts; -- \"quoted\" 100%"), fact(4, quote="zero\0byte \ud800 half"),
        ]
    )  # fmt: skip
    assert ids(ledger.search("wheat exports")) == [f"{n:016x}" for n in (2, 1)]
    assert ids(ledger.search('"wheat exports"')) == [f"{2:016x}"]
    assert ids(ledger.search("TURKIYE")) == [f"{1:016x}"]
    assert ids(ledger.search("drop table")) == [f"{3:016x}"]
    assert ids(ledger.search("byte")) == [f"{4:016x}"]
    assert ledger.fact(f"{4:016x}")["quote"] == "zero\0byte \ud800 half"
    for hostile in ("", '"', "'", "*", "a OR b NOT", "NEAR(", "(", ":", "%s ?", "\0", "! | & <->", "quote:x"):
        ledger.search(hostile)


@given(st.text(max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_search_text_is_an_error(ledger: Ledger, text: str) -> None:
    ledger.search(text)


def test_decisions_follow_and_never_overwrite(ledger: Ledger) -> None:
    ledger.add_facts([fact(1, status="partial", reason="missing: period", period=None), fact(2)])
    one = f"{1:016x}"
    with pytest.raises(FormatError, match="lacks period"):
        ledger.review(one, "accept", "Aigerim")
    with pytest.raises(FormatError, match="who"):
        ledger.review(one, "accept", " ")
    with pytest.raises(FormatError, match="no slot"):
        ledger.review(one, "fill", "Aigerim", changes={"quote": "other words"})
    assert len(ledger.history(one)) == 1
    entry = ledger.review(one, "accept", "Aigerim", changes={"period": "2020"}, note="seen in the table")
    assert (entry.version, entry["status"], entry["period"]) == (2, "accepted", "2020-01-01/2020-12-31")
    assert entry["review"]["changes"]["period"] == {"from": None, "to": "2020-01-01/2020-12-31"}
    first, second = ledger.history(one)
    assert (first["status"], first.superseded, second.superseded) == ("partial", second.seq, None)
    assert ledger.add_facts([fact(1, status="partial", reason="missing: period", period=None)]).facts == 0
    assert ledger.review(one, "reject", "Bek", note="wrong table")["reason"] == "wrong table"
    assert [e.who for e in ledger.history(one)] == ["rules 1", "Aigerim", "Bek"]
    assert len(ledger.about(["KAZ", "IRN"], period="2020")) == 2


def test_as_of(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import karavan.evidence.ledger.ledger as module

    class Clock(module.datetime):
        day = "2024-01-10T12:00:00+00:00"

        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ARG003
            return module.datetime.fromisoformat(cls.day)

    with Ledger(place) as ledger:
        monkeypatch.setattr(module, "datetime", Clock)
        ledger.add_facts([fact(1), fact(2, published=None)])
        Clock.day = "2024-02-10T12:00:00+00:00"
        ledger.review(f"{1:016x}", "reject", "Bek")
        Clock.day = "2023-01-01T00:00:00+00:00"  # a clock that goes back does not disturb the order
        ledger.add_facts([fact(3)])
        assert [r[0] for r in ledger._store.rows("SELECT recorded FROM facts ORDER BY seq")] == sorted(
            r[0] for r in ledger._store.rows("SELECT recorded FROM facts")
        )
        assert ledger.as_of("2024-01-09").facts() == []
        then = ledger.as_of(date(2024, 1, 10))
        assert [e["status"] for e in then.facts()] == ["accepted", "accepted"]
        assert then.fact(f"{1:016x}")["status"] == "accepted"
        assert len(then.about(["KAZ"])) == len(then.search("trade")) == 2
        assert len(then.history(f"{1:016x}")) == 1
        assert then.history(f"{1:016x}")[0].superseded is None
        now = ledger.as_of("2024-02-10")
        assert {e.id: e["status"] for e in now.facts()} == {
            f"{2:016x}": "accepted", f"{1:016x}": "rejected", f"{3:016x}": "accepted",
        }  # fmt: skip
        assert len(ledger.published_by("2021-04-08").facts()) == 2
        assert ledger.published_by("2021-04-07").facts() == []
        with pytest.raises(FormatError, match="YYYY-MM-DD"):
            ledger.as_of("last week")


def test_names_of_facts(ledger: Ledger) -> None:
    ledger.add_facts([fact(1, id="abc1"), fact(2, id="abd2")])
    assert ledger.fact("abc").id == "abc1"
    with pytest.raises(AmbiguousName):
        ledger.fact("ab")
    with pytest.raises(NameNotFound):
        ledger.fact("x%")
    with pytest.raises(NameNotFound):
        ledger.fact("")


def test_rows_cannot_be_changed(ledger: Ledger) -> None:
    ledger.add_facts([fact(1)])
    for sql in (
        "UPDATE facts SET status = 'rejected'",
        "DELETE FROM facts",
        "DELETE FROM terms",
        "DELETE FROM postings",
    ):
        with pytest.raises(Exception, match="only grows"):
            ledger._store.run(sql)
    assert len(ledger.facts()) == 1


WRITER = """
import sys
sys.path[:0] = {path!r}
from ledgers import fact
from karavan.evidence.ledger import Ledger
with Ledger({place!r}) as ledger:
    for n in range({first}, {last}):
        ledger.add_facts([fact(n), fact(n, id=f"{{n:016x}}b")])
        print(n, flush=True)
"""


def writer(place: str, first: int, last: int) -> subprocess.Popen[str]:
    here = Path(__file__).parent
    program = WRITER.format(path=[str(here), str(here.parent / "src")], place=place, first=first, last=last)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def test_two_writers(place: str) -> None:
    with writer(place, 0, 60) as one, writer(place, 30, 90) as two:
        assert one.communicate()[0].count("\n") == 60
        assert two.communicate()[0].count("\n") == 60
    with Ledger(place) as ledger:
        found = ledger.facts()
        assert len(found) == len({e.id for e in found}) == 180
        assert [e.recorded for e in found] == sorted(e.recorded for e in found)
        assert len(ledger.about(["KAZ", "IRN"])) == 180


def kill_while_writing(place: str, rounds: int) -> None:
    """Kill a writer again and again; what it reported is there, a batch is whole, and the next one goes on."""
    reported = 0
    for k in range(rounds):
        process = writer(place, reported, 100_000)
        assert process.stdout is not None
        for _ in range(1 + k % 3):
            line = process.stdout.readline()
            reported = int(line) + 1
        process.kill()
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        reported = max(reported, int(rest[-1]) + 1 if rest else 0)
        with Ledger(place) as ledger:
            found = set(ids(ledger.facts()))
            assert {f"{n:016x}" for n in range(reported)} <= found
            assert all(f"{i}b" in found for i in found if len(i) == 16)  # the pair of a batch
            assert len(ledger.about(["KAZ", "IRN"])) == len(found)
            assert len(ledger.search("kazakhstan", limit=1_000_000)) == len(found)


def test_killed_writers(place: str) -> None:
    kill_while_writing(place, 4)


def test_files_that_are_no_ledger(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as link:
        link.execute("CREATE TABLE cats (name)")
    link.close()
    text = tmp_path / "text.db"
    text.write_text("no database at all, but long enough to be read as one " * 30)
    for path in (other, text):
        before = path.read_bytes()
        with pytest.raises(FormatError):
            Ledger(path)
        assert path.read_bytes() == before
    with pytest.raises(FormatError, match="mysql"):
        Ledger("mysql://host/db")
    newer = tmp_path / "newer.db"
    Ledger(newer).close()
    with sqlite3.connect(newer) as link:
        link.execute("PRAGMA user_version = 99")
    link.close()
    with pytest.raises(FormatError, match="newer"):
        Ledger(newer)


def test_urls() -> None:
    assert without_password("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    pytest.importorskip("psycopg")
    with pytest.raises(FormatError, match="no ledger at") as caught:
        open_store("postgresql://me:secret@127.0.0.1:1/db")
    assert "secret" not in str(caught.value)
    with pytest.raises(FormatError, match="schema"):
        open_store("postgresql://h/db#Robert'); DROP")


def test_export_is_safe_and_steady(ledger: Ledger) -> None:
    ledger.add_facts(
        [fact(1, quote='=HYPERLINK("http://x")', speaker="@cmd", product="\u2028x"), fact(2, change_pct=-37.2)]
    )
    lines = list(facts_jsonl(ledger.facts()))
    assert [json.loads(line)["value"] for line in lines] == [1e6, 2e6]
    assert all(line.isascii() for line in lines)
    assert lines == list(facts_jsonl(ledger.facts()))
    head, one, two = facts_csv(ledger.facts())
    assert head.startswith("document,kind,status")
    assert "'=HYPERLINK" in one
    assert "'@cmd" in one
    assert ",-37.2," in two


def test_one_ledger_is_read_while_another_writes(ledger: Ledger, place: str) -> None:
    ledger.add_facts([fact(1)])
    seen: list[int] = []

    def look() -> None:
        with Ledger(place) as other:
            seen.append(len(other.facts()))

    with ledger._writing():
        reader = threading.Thread(target=look)
        if place.startswith("postgresql"):
            return  # opening takes the writer's place for a moment there
        reader.start()
        reader.join(5)
    assert seen == [1]


def test_phrases() -> None:
    assert phrases('"a b" c-d "e') == ["a b", "c d", "e"]


@pytest.mark.soak
def test_a_thousand_kills(place: str) -> None:
    kill_while_writing(place, 1000 if "postgres" not in place else 100)


@pytest.mark.soak
def test_a_million_facts_answer_within_a_tenth_of_a_second(place: str) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
    from bench_ledger import measure

    found = measure(place, 1_000_000)
    slow = {name: times for name, times in found["questions"].items() if times["median_ms"] >= 100}
    assert slow == {}
    assert found["megabytes_of_memory"] < 1000
