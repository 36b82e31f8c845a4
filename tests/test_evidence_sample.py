"""Articles from file to ledger: the shipped press notes, and the five real articles where they are at hand."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import karavan as kv
from karavan.evidence.ledger import Ledger
from karavan.evidence.ledger.reading import articles, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTES = kv.sample_folder()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger(tmp_path_factory.mktemp("sample") / "facts.db") as ledger:
        added = ledger.add_documents(NOTES)
        assert (added.documents, added.refused) == (len(articles(NOTES)), ())
        yield ledger


def test_the_notes_are_short_and_name_their_source() -> None:
    for path in articles(NOTES):
        assert len(path.read_text(encoding="utf-8").split()) < 80
        assert json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))["address"].startswith("http")


def test_the_notes_give_facts_a_conflict_and_a_register(sample: Ledger) -> None:
    figures = sample.facts(kind="figure", status="accepted")
    assert len(figures) >= 6
    assert all(sample.text(e["document_id"])[e["start"] : e["end"]] == e["quote"] for e in sample.facts())
    assert all(e["quote"] in e["context"] and e["address"].startswith("http") for e in sample.facts())
    found = kv.reconcile(sample.each())
    assert any(v.verdict == "contradiction" and "529.4 million USD" in v.arithmetic for v in found)
    rows = kv.promises(sample.each(), today=date.fromisoformat("2026-01-01"))
    (missed,) = (r for r in rows if r.status == "missed")
    assert (missed.target, missed.share_pct, len(missed.history)) == (3e9, pytest.approx(17.6), 2)
    (corridor,) = (r for r in rows if r.target == 1e7)
    assert (corridor.status, round(corridor.growth_needed_pct or 0, 1)) == ("under way", 30.5)


def test_reading_again_adds_nothing(sample: Ledger) -> None:
    before = sample.counts()
    again = sample.add_documents(NOTES)
    assert (again.documents, again.facts, again.known) == (0, 0, len(articles(NOTES)))
    assert sample.counts() == before


def test_a_copy_adds_no_support(tmp_path: Path) -> None:
    text = (NOTES / "iran-2020.txt").read_text(encoding="utf-8")
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "c.txt").write_text(f"{text}\nMore words follow in this copy.\n", encoding="utf-8")
    with Ledger(tmp_path / "facts.db") as ledger:
        added = ledger.add_documents(tmp_path)
        assert (added.documents, added.known) == (2, 1)
        assert [v for v in kv.reconcile(ledger.each()) if v.check == "same series"] == []


def test_a_day_given_later_supersedes_what_was_read_without(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(
        "Kenya and Uganda\n\nTrade between Kenya and Uganda reached $3 million last year.\n", encoding="utf-8"
    )
    with Ledger(tmp_path / "facts.db") as ledger:
        ledger.add_documents(tmp_path)
        (before,) = ledger.facts()
        assert (before["status"], before["period"]) == ("partial", None)
        again = ledger.add_documents(tmp_path, date.fromisoformat("2024-05-01"))
        assert (again.facts, again.superseded) == (1, 1)
        (after,) = ledger.facts()
        assert after["period"] == "2023-01-01/2023-12-31"
        assert ledger.history(before.id)[0].superseded == 0


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "fr.txt").write_text(
        "Le commerce entre le Kenya et l'Ouganda a atteint trois millions de dollars. " * 5
    )
    (tmp_path / "bad.html").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with Ledger(tmp_path / "facts.db") as ledger:
        added = ledger.add_documents(tmp_path)
        assert "fr.txt" in [name for name, _ in added.refused]
        with pytest.raises(kv.FormatError, match="neither"):
            ledger.add_documents(tmp_path / "none")


def test_text_need_not_be_kept(tmp_path: Path) -> None:
    with Ledger(tmp_path / "facts.db") as ledger:
        ledger.add_documents(NOTES, keep_text=False)
        assert ledger.facts()
        with pytest.raises(kv.NameNotFound):
            ledger.text("iran-2020.txt")


def test_five_articles_in_one_run(shared: Path, tmp_path: Path) -> None:
    start = time.perf_counter()
    with Ledger(tmp_path / "facts.db") as ledger:
        added = ledger.add_documents(shared / "articles")
        assert added.documents == 5
        assert time.perf_counter() - start < 2
        found = ledger.facts()
        assert all(ledger.text(e["document_id"])[e["start"] : e["end"]] == e["quote"] for e in found)
        assert [e["value"] for e in ledger.about(["KAZ", "IRN"], indicator="trade_turnover", period="2020")] == [237e6]


def test_sentence_spans() -> None:
    text = "One. Two has the quote in it! Three."
    start, end = sentence(text, 9, 12)
    assert text[start:end] == "Two has the quote in it!"
    assert sentence("x" * 5000, 2000, 2010) == (1600, 2410)
