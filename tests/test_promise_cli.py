"""The command `karavan promise`, all commitments of the articles, and the chapter of the brief."""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
from typing import TYPE_CHECKING, Any, get_args

import pytest

import karavan as kv
from karavan.cli.app import main
from karavan.scenario.promise import Words
from karavan.scenario.promise_pace import PaceWords

if TYPE_CHECKING:
    from pathlib import Path

BILLION = "KZ-IR trade reaches USD 1bn"
QUICK = kv.PromiseOptions(draws=0, settings="headline")


@pytest.fixture(scope="module")
def case() -> kv.Case:
    return kv.read_pack("caspian")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, settings: str = "headline") -> dict[str, Any]:
    code = main(["promise", *arguments, "--settings", settings, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out)


@pytest.fixture(scope="module")
def billion() -> dict[str, Any]:
    """The answer to a sentence as the program prints it."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["promise", BILLION, "--pack", "caspian", "--draws", "20", "--json"]) == 0
    return json.loads(out.getvalue())


def test_the_answer_has_what_was_asked_for(billion: dict[str, Any]) -> None:
    assert {"verdict", "tonnes", "bottlenecks", "least_change", "draws"} <= set(billion)
    assert billion["verdict"] in get_args(Words)
    assert billion["pace"]["verdict"] in get_args(PaceWords)
    assert billion["promise"]["quote"] == BILLION
    assert billion["draws"]["n"] == 20
    assert billion["shippers"]["label"] != billion["label"]


def test_the_tonnes_are_those_worked_out_by_hand(billion: dict[str, Any]) -> None:
    south, north = billion["tonnes"]["directions"]
    assert (south["exporter"], south["importer"]) == ("KAZ", "IRN")
    assert south["tonnes"] / 1e6 == pytest.approx(2.32, abs=0.01)
    assert north["tonnes"] / 1e6 == pytest.approx(1.02, abs=0.01)
    assert south["usd"] + north["usd"] == pytest.approx(1e9)
    assert billion["tonnes"]["target"] == pytest.approx(south["tonnes"] + north["tonnes"])


def test_the_headline_never_rests_on_stated_capacities_alone(billion: dict[str, Any]) -> None:
    assert billion["headline_setting"]["capacity"] == "computed"
    assert billion["headline_setting"]["projects"] == "open"
    kinds = {(s["others"], s["projects"], s["period"], s["capacity"]) for s in billion["settings"]}
    assert len(kinds) == 2 * 2 * 2 + 2 * 2  # computed: projects, time of year, frozen or grown; and two more
    assert {k[3] for k in kinds} == {"stated", "computed", "demonstrated"}


def test_what_leans_on_unknown_capacity_is_said(billion: dict[str, Any]) -> None:
    unknown = billion["unknown_capacity"]
    assert bool(unknown["places"]) == (unknown["tonnes"] > 0)
    wanted = billion["tonnes"]["wanted_in_setting"]
    assert unknown["served_known"] <= wanted * (1 + 1e-9)
    leans = unknown["served_known"] < 0.999 * wanted and billion["verdict"] != "not carried"
    assert billion["headline"].endswith("as far as capacities are known") == leans


def test_every_number_can_be_followed(billion: dict[str, Any], case: kv.Case) -> None:
    rows = {f"{name}/{key}" for name, frame in case.tables.items() for key in frame.index}
    assert {s for w in billion["tonnes"]["ways"] for s in w["sources"]} <= rows
    assert {r for d in billion["tonnes"]["directions"] for r in d["replaces"]} <= rows
    assert set(billion["pace"]["base"]["sources"]) <= rows
    for b in billion["bottlenecks"]:
        table, key, field = b["cell"].split("/")
        assert kv.trace(case, table, key, field).value is not None
        assert set(b["sources"]) <= set(case.sources.index)


def test_for_people_the_verdict_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    words = "Freight on the KTI railway doubles by 2030"
    assert main(["promise", words, "--pack", "caspian", "--draws", "0", "--settings", "headline"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].startswith("Not carried")
    assert "Akyayla" in shown
    assert "The least change that would carry it" in shown
    assert "By every base it may start from" in shown
    assert "at most 0 t" not in shown
    assert re.search(r"Pace: .* needs 12\.2% a year", shown)


def test_what_is_no_promise_is_a_plain_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promise", "Hello", "--pack", "caspian", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["type"] == "ScenarioError"
    assert "no promise is found" in err
    assert main(["promise", "--pack", "caspian"]) == 2


def test_what_the_network_has_no_part_in(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "Kazakhstan opens a trade house in Tehran", "--pack", "caspian")
    assert (found["verdict"], found["why"]) == ("not a matter of the network", "an office moves no goods")
    assert found["tonnes"] is None
    assert found["bottlenecks"] == []
    assert found["least_change"] is None


def test_a_target_without_a_base_is_told_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "Freight on the Lapis Lazuli corridor doubles by 2030", "--pack", "caspian")
    assert found["verdict"] == "cannot be judged"
    assert "a base: 2 times of what?" in found["needs"][0]


def test_a_capacity_is_judged_by_rows(capsys: pytest.CaptureFixture[str]) -> None:
    words = "Capacity of the Middle Corridor reaches 10 million tonnes by 2027"
    found = answer(capsys, words, "--pack", "caspian")
    assert found["verdict"] == "not carried"
    assert {(p["projects"], p["capacity"]) for p in found["capacity"]} == {
        (p, c) for p in ("open", "planned") for c in ("stated", "computed", "demonstrated")
    }
    first = found["capacity"][0]["rows"][0]
    assert first["tonnes"] < 1e7
    assert first["enough"] is False


# Every commitment of the articles, and of the notes that are shipped


def test_all_commitments_of_the_articles_are_judged(case: kv.Case, shared: Path, tmp_path: Path) -> None:
    with kv.Ledger(tmp_path / "facts.db") as ledger:
        ledger.add_documents(shared / "articles")
        said = [e for e in ledger.facts(kind="commitment") if e["status"] in {"accepted", "partial"}]
        found = kv.promise_all(case, ledger, options=QUICK)
    assert {f for c in found for f in c.said} == {e.id for e in said}
    assert {c.verdict for c in found} <= set(get_args(Words))
    by_verdict = {w: [c for c in found if c.verdict == w] for w in get_args(Words)}
    judged = [c for c in found if c.checks]
    assert sorted(c.target.value for c in judged if c.target.unit == "USD") == [1e9, 1e9, 2e9]
    (railway,) = [c for c in judged if c.target.via]
    assert [c.target.base.value for c in railway.checks] == [1.6e6, 0.65e6, 2.5e6]
    assert all(c.why for c in found)
    assert all(c.target.needs for c in by_verdict["cannot be judged"])
    visits = [c for c in by_verdict["not a matter of the network"] if "visit" in c.quote]
    assert visits
    # All promises are judged beside each other where they are not stages of one.
    page = kv.promised_section(found)
    assert page.html.count("<h3 id=") == len(judged)
    assert str(page.html).count('id="promise-') == len(found)


def test_the_notes_that_are_shipped_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / "facts.db")
    with kv.Ledger(place) as ledger:
        ledger.add_documents(kv.sample_folder())
        (corridor,) = [e for e in ledger.facts(kind="commitment") if e["indicator"] == "capacity"]
    found = answer(capsys, corridor.id, "--ledger", place, "--pack", "caspian", "--draws", "0")
    assert found["promise"]["fact"] == corridor.id
    assert found["verdict"] == "not carried"
    words = "KZ-IR trade doubles by 2030"
    again = answer(capsys, words, "--ledger", place, "--pack", "caspian", "--draws", "0", settings="computed")
    assert {s["others"] for s in again["settings"]} == {"frozen", "grown", "all promises"}
    bases = [b["base"]["sources"][0] for b in again["bases"]]
    assert [b for b in bases if b.startswith("fact/")]


def test_the_chapter_says_nothing_that_a_page_could_obey(case: kv.Case) -> None:
    evil = "Kazakhstan opens a trade house <script>alert(1)</script> in Tehran"
    page = kv.promised_section([kv.promise(case, evil, options=QUICK)])
    assert "<script>" not in page.html
    assert "&lt;script&gt;" in page.html


def test_a_promise_of_the_register_needs_its_ledger(case: kv.Case, tmp_path: Path) -> None:
    with kv.Ledger(tmp_path / "facts.db") as ledger:
        ledger.add_documents(kv.sample_folder())
        (row,) = [p for p in kv.promises(ledger.facts()) if p.unit == "t"]
        found = kv.promise(case, row, ledger=ledger, options=QUICK)
        figure = next(iter(ledger.facts(kind="figure")))
    assert found.fact == row.fact
    with pytest.raises(kv.ScenarioError, match="stands in a ledger"):
        kv.promise(case, row)
    with pytest.raises(kv.NameNotFound, match="No commitment"):
        kv.promise(case, figure)


@pytest.mark.soak
def test_500_draws_over_all_commitments_in_a_minute(case: kv.Case, shared: Path, tmp_path: Path) -> None:
    with kv.Ledger(tmp_path / "facts.db") as ledger:
        ledger.add_documents(shared / "articles")
        options = kv.PromiseOptions(draws=500, settings="headline")
        kv.promise(case, "KZ-AZ trade reaches USD 1bn", options=QUICK)  # kernels are compiled once a machine
        begin = time.perf_counter()
        found = kv.promise_all(case, ledger, options=options)
        seconds = time.perf_counter() - begin
    assert all(c.draws is not None and c.draws.n == 500 for c in found if c.checks)
    assert seconds < 60.0
