"""`karavan facts`: what an analyst types, sees and pipes on; pages and terminals that no article can drive."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from ledgers import fact, pledge
from test_cli import run, run_json
from tiny import tiny

import karavan as kv
from karavan.evidence.documents import read_document
from karavan.evidence.ledger import Ledger
from karavan.report.article import article_html, parts_of

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("add", "list", "show", "conflicts", "promises", "series", "review", "export", "article")
HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="x"> \x1b[2J\u202e \'"; DROP TABLE facts; -- {{7*7}} =1+1 $3 million'
)
TRADE = """topic,subject,attribute,value,unit,period,source_title,source_address,confidence,note
trade,goods trade KZ-IR,turnover,237,million USD,2020,"Kazinform, 2021-04-07",https://example.org/a,B,-37.2% on 2019
trade,goods trade KZ-IR,turnover,302,million USD,2019,Kursiv,https://example.org/b,B,
target,goods trade KZ-IR,turnover target,3000,million USD,2022,"KT, 2019-05-03",https://example.org/c,B,
trade,goods trade KZ-IR,turnover,528,million USD,2022,"CN, 2023-04-28",https://example.org/d,B,
trade,goods trade KZ-IR,turnover,500,million USD,2022/23,IFP,https://example.org/e,B,
"""


@pytest.fixture
def place(tmp_path: Path) -> str:
    table = tmp_path / "trade.csv"
    table.write_text(TRADE, encoding="utf-8")
    with Ledger(tmp_path / "facts.db") as ledger:
        document, rows = kv.read_series(table)
        ledger.add_facts(rows, document)
    return str(tmp_path / "facts.db")


def facts(capsys: pytest.CaptureFixture[str], place: str, *arguments: object) -> Any:
    return run_json(capsys, "facts", "--ledger", place, *arguments)


def shown(capsys: pytest.CaptureFixture[str], place: str, *arguments: object) -> str:
    code, out, err = run(capsys, "facts", "--ledger", place, *arguments)
    assert code == 0, err
    return out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "facts", command, "--help")
    assert code == 0
    assert "Example: karavan facts" in out


def test_add_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "trade.csv"
    table.write_text(TRADE, encoding="utf-8")
    place = str(tmp_path / "new" / "facts.db")
    assert facts(capsys, place, "add", table)["facts"] == 5
    again = facts(capsys, place, "add", table)
    assert (again["facts"], again["ledger"]) == (
        0,
        {"commitment": {"accepted": 1}, "figure": {"accepted": 3, "partial": 1}},
    )
    assert "0 new facts" in shown(capsys, place, "add", table)
    renamed = table.with_name("r.csv")
    renamed.write_text(TRADE.replace("value,", "OBS,", 1), encoding="utf-8")
    assert run_json(capsys, "facts", "--ledger", place, "add", renamed, code=1)["type"] == "FormatError"
    assert facts(capsys, place, "add", renamed, "--columns", "value=OBS")["facts"] == 0


def test_the_ledger_lies_in_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert run_json(capsys, "facts", "list") == []
    assert (tmp_path / "data" / "karavan" / "facts.db").is_file()
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kv.default_ledger() == tmp_path / ".local" / "share" / "karavan" / "facts.db"


def test_list_and_show(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(capsys, place, "list", "--about", "KAZ,IRN", "--period", "2020")
    assert [f["value"] for f in found] == [237e6]
    out = shown(capsys, place, "list", "--about", "KAZ,IRN", "--period", "2020")
    assert "237,000,000 USD, -37.2 %" in out
    assert [f["value"] for f in facts(capsys, place, "list", "--search", '"million USD" Kursiv')] == [302e6]
    assert len(facts(capsys, place, "list", "--limit", "2")) == 2
    assert [f["status"] for f in facts(capsys, place, "list", "--status", "partial")] == ["partial"]
    assert facts(capsys, place, "list", "--as-of", "2001-01-01") == []
    one = found[0]["id"]
    answer = facts(capsys, place, "show", one[:6])
    assert answer["fact"]["quote"].startswith("trade,goods trade KZ-IR,turnover,237")
    assert [h["version"] for h in answer["history"]] == [1]
    assert "https://example.org/a" in shown(capsys, place, "show", one)
    assert run_json(capsys, "facts", "--ledger", place, "show", "zzz", code=1)["type"] == "NameNotFound"


def test_conflicts_and_promises(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    (conflict,) = facts(capsys, place, "conflicts")
    assert (conflict["verdict"], conflict["derived"]) == ("contradiction", True)
    assert "377.4 million USD" in conflict["arithmetic"]
    assert "contradiction: trade turnover IRN-KAZ" in shown(capsys, place, "conflicts", "--all")
    (row,) = facts(capsys, place, "promises", "--day", "2026-01-01")
    assert (row["status"], row["target"], row["deadline"]) == ("missed", 3e9, "2022-12-31")
    assert row["share_pct"] == pytest.approx(17.6)
    assert "missed: 528 million USD in 2022" in shown(capsys, place, "promises", "--day", "2026-01-01")


def test_series(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = facts(capsys, place, "series", "trade KZ-IR")
    layers = [(p["layer"], round(p["value"] / 1e6)) for p in answer["points"]]
    assert layers == [
        ("said", 302), ("implied", 377), ("said", 237), ("said", 528), ("target", 3000), ("said", 500),
    ]  # fmt: skip
    out = shown(capsys, place, "series", "trade KZ-IR", "--svg", tmp_path / "s.svg", "--html", tmp_path / "s.html")
    assert "237 million USD / (1 - 0.372) = 377.4 million USD for 2019" in re.sub(r"\s+", " ", out)
    assert (tmp_path / "s.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "377.4 million USD" in (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "Nothing" in shown(capsys, place, "series", "trade KZ-FR")
    assert run_json(capsys, "facts", "--ledger", place, "series", "weather KZ-IR", code=1)["type"] == "NameNotFound"


def test_review_by_name(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    (partial,) = facts(capsys, place, "list", "--status", "partial")
    one = ("review", partial["id"], "--who", "Aigerim")
    refused = run_json(capsys, "facts", "--ledger", place, *one, "--decision", "accept", code=1)
    assert "lacks period" in refused["error"]
    done = facts(capsys, place, *one, "--decision", "accept", "--set", "period=2022", "--note", "asked them")
    assert (done["status"], done["review"]["who"], done["review"]["note"]) == ("accepted", "Aigerim", "asked them")
    assert [h["recorded_by"] for h in facts(capsys, place, "show", partial["id"])["history"]] == ["import 1", "Aigerim"]
    assert run_json(capsys, "facts", "--ledger", place, "review", partial["id"], code=2)["error"]
    assert "needs a terminal" in run_json(capsys, "facts", "--ledger", place, "review", code=2)["error"]


def test_review_walks(place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KARAVAN_ASK", "1")
    monkeypatch.setattr("sys.stdin", io.StringIO("a\nf\nperiod=2022\na\n"))
    out = shown(capsys, place, "review", "--who", "Bek")
    assert "1 decided" in out
    (entry,) = (f for f in facts(capsys, place, "list") if f["value"] == 500e6)
    assert (entry["status"], entry["version"], entry["review"]["who"]) == ("accepted", 3, "Bek")


def test_export(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, place, "export").splitlines()
    wanted = {"document", "kind", "status", "reason", "indicator", "areas", "direction", "product", "value", "low",
              "high", "comparator", "unit", "period", "base_period", "change_pct", "modality", "deadline", "actors",
              "event_type", "date", "place", "quote", "start", "end", "published", "speaker"}  # fmt: skip
    assert len(lines) == 5
    assert all(wanted <= set(json.loads(line)) for line in lines)
    rows = list(csv.DictReader(io.StringIO(shown(capsys, place, "export", "--format", "csv"))))
    assert [r["value"] for r in rows[:2]] == ["237000000", "302000000"]
    assert rows[0]["areas"] == "KAZ;IRN"


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    """A ledger in which every text is hostile."""
    text = f"Trade of Kenya and Uganda\n\n12 March 2024\n\n{HOSTILE} in 2023 was the trade of the countries.\n"
    document = read_document(text, name=f"{HOSTILE}.txt", address='javascript:alert(1)//"><script>')
    start = document.text.index(HOSTILE)
    same = {"quote": HOSTILE, "start": start, "end": start + len(HOSTILE), "document": document.name,
            "document_id": document.id, "context": HOSTILE, "context_start": start, "address": document.address,
            "speaker": HOSTILE, "title": HOSTILE, "product": HOSTILE, "reason": HOSTILE,
            "published": "2020-01-01"}  # fmt: skip
    rows = [
        fact(1, **same),
        fact(2, **same, value=9e6),
        pledge(3, **(same | {"object": HOSTILE})),
    ]
    with Ledger(tmp_path / "hostile.db") as ledger:
        ledger.add_facts([r | {"areas": ["KAZ", "IRN"]} for r in rows], document)
    return str(tmp_path / "hostile.db")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_no_article_drives_a_page(hostile: str, tmp_path: Path) -> None:
    with Ledger(hostile) as ledger:
        document = ledger.documents()[0]["id"]
        pages = [article_html(ledger, document), str(kv.said_section(ledger).html)]
        wanted = kv.parse_series("trade KZ-IR")
        kv.series_page(wanted, kv.timeline(ledger, wanted), tmp_path / "s.html")
        pages.append((tmp_path / "s.html").read_text(encoding="utf-8"))
    for page in pages:
        tags = Tags()
        tags.feed(page)
        assert not {t for t, _ in tags.found} & {"script", "img", "iframe", "object", "base", "form"}
        assert not [a for _, a in tags.found for k, v in a.items() if k.startswith("on") or "javascript:" in (v or "")]
        assert "49" not in re.findall(r"\{\{7\*7\}\}|>49<", page)
        assert "&lt;script&gt;" in page


def test_no_article_drives_a_terminal(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands = (("list",), ("conflicts", "--all"), ("promises",), ("series", "trade KZ-IR"), ("show", f"{1:016x}"),
                ("export",), ("list", "--json"))  # fmt: skip
    for command in commands:
        out = shown(capsys, hostile, *command)
        assert not set(out) & {"\x1b", "\u202e"}, command


def test_the_brief_has_the_section(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = kv.write_case(tiny(), tmp_path / "tiny")
    run_json(capsys, "brief", "--case", folder, "--out", tmp_path / "with", "--ledger", place)
    run_json(capsys, "brief", "--case", folder, "--out", tmp_path / "without")
    page, plain = ((tmp_path / name / "brief.html").read_text(encoding="utf-8") for name in ("with", "without"))
    assert '<a href="#said">What was said</a>' in page
    assert "377.4 million USD" in page
    assert 'id="said"' not in plain
    anchors = re.findall(r'href="#([^"]+)"', page)
    assert {a for a in anchors if a.startswith("q-")}
    assert set(anchors) <= set(re.findall(r' id="([^"]+)"', page))


def test_article_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "Kenya and Uganda\n\nTrade between Kenya and Uganda reached $3 million in 2023 and it grew.\n"
    document = read_document(text, name="note.txt")
    spans = [text.index("reached $3 million"), text.index("$3 million in 2023")]
    rows = [
        fact(n, quote=text[s : s + 18], start=s, end=s + 18, document_id=document.id) for n, s in enumerate(spans, 1)
    ]
    with Ledger(tmp_path / "f.db") as ledger:
        ledger.add_facts(rows, document)
        parts = parts_of(text, ledger.facts(), [])
    assert "".join(p.text for p in parts) == text
    assert [p.facts for p in parts] == [0, 1, 2, 1, 0]
    shown(capsys, str(tmp_path / "f.db"), "article", "note.txt", tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.count("<mark ") == 3
    assert "http" not in page.replace("http-equiv", "")
    error = run_json(capsys, "facts", "--ledger", tmp_path / "f.db", "article", "x.txt", tmp_path / "b.html", code=1)
    assert error["type"] == "NameNotFound"
    assert not (tmp_path / "b.html").exists()


def test_said_section_links_every_number_to_its_quote(place: str) -> None:
    with Ledger(place) as ledger:
        said = kv.said_section(ledger, areas=["KAZ", "IRN"])
        assert kv.said_section(ledger, areas=["KAZ", "FRA"]).conflicts == ()
    anchors = set(re.findall(r'href="#(q-[0-9a-f]+)"', said.html))
    assert anchors
    assert anchors <= set(re.findall(r'id="(q-[0-9a-f]+)"', said.html))
    assert "<mark>trade,goods trade KZ-IR,turnover,237" in said.html
    assert [p.status for p in said.promises] == ["missed"]
