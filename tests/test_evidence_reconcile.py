"""Do figures add up: bounds, verdicts with their arithmetic, what is implied, parts and totals."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import fact

from karavan.errors import FormatError, NameNotFound
from karavan.evidence.implied import implied_levels, year_before
from karavan.evidence.importer import SeriesColumns, fact_of, read_series
from karavan.evidence.ledger import Ledger
from karavan.evidence.ledger.entry import LedgerEntry
from karavan.evidence.reconcile import Verdict, reconcile
from karavan.evidence.series import amount, bounds_of, change_bounds, observations
from karavan.evidence.table_words import read_days, read_subject, read_unit
from karavan.evidence.timeline import parse_series, timeline

if TYPE_CHECKING:
    from pathlib import Path

YEAR_1399 = "2020-03-20/2021-03-20"


def entries(*facts: dict[str, Any]) -> list[LedgerEntry]:
    return [LedgerEntry(k, 1, "2026-01-01", "test", f) for k, f in enumerate(facts, start=1)]


def figure(number: int, value: float | None, **said: Any) -> dict[str, Any]:
    given = {
        "value": value,
        "document_id": f"d{number}",
        "quote": f"quote {number}",
        "step": None,
        "document": f"{number}.txt",
    }
    return fact(number, **(given | said))


def verdicts(*facts: dict[str, Any]) -> list[Verdict]:
    return reconcile(entries(*facts))


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("agree", {"value": 237e6}, {"value": 237e6}),
    ("agree", {"value": 340e6, "comparator": ">"}, {"value": 345e6}),
    ("agree", {"value": 500e6, "comparator": "<~"}, {"value": 461.9e6}),
    ("rounding", {"value": 237e6, "step": 1e6}, {"value": 237.2e6, "step": 1e5}),
    ("rounding", {"value": 237e6, "step": 1e6}, {"value": 230e6, "step": 1e7}),
    ("contradiction", {"value": 237e6}, {"value": 302e6}),
    ("unresolved", {"value": 237e6}, {"value": 302e6, "status": "partial", "reason": "two currencies are possible"}),
    ("unresolved", {"value": 340e6, "comparator": ">"}, {"value": 900e6}),
    ("different definition", {"value": 440e6}, {"value": 265.2e6, "definition": "non-oil"}),
    ("different reporter", {"value": 440e6, "reporter": "KZ office"}, {"value": 265e6, "reporter": "IR customs"}),
    ("different reporter", {"value": 440e6, "speaker_country": "KAZ"}, {"value": 265e6, "speaker_country": "IRN"}),
    ("different calendar", {"value": 440e6}, {"value": 265e6, "period": YEAR_1399, "calendar": "solar_hijri"}),
    ("revised", {"value": 461.9e6, "reporter": "office", "published": "2023-02-01"},
     {"value": 463.3e6, "reporter": "office", "published": "2024-02-01"}),
    ("contradiction", {"value": 201.2e6, "reporter": "customs", "published": "2021-04-01"},
     {"value": 37.5e6, "reporter": "customs", "published": "2022-04-01"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "one", "other"), CASES)
def test_verdicts(kind: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    for pair in ((figure(1, **one), figure(2, **other)), (figure(1, **other), figure(2, **one))):
        (verdict,) = verdicts(*pair)
        assert verdict.verdict == kind, verdict.arithmetic
        assert len(verdict.facts) == 2
        assert amount(one["value"], "USD") in verdict.arithmetic


@pytest.mark.parametrize(
    "other",
    [
        {"areas": ["KAZ", "AZE"]}, {"unit": "t"}, {"unit": "EUR"}, {"indicator": "export", "direction": "KAZ->IRN"},
        {"period": "2021-01-01/2021-12-31"}, {"product": "wheat"}, {"status": "rejected"}, {"transformation": "share"},
        {"derived": True}, {"period": None}, {"place": "Aktau"},
    ],
)  # fmt: skip
def test_other_series_are_not_compared(other: dict[str, Any]) -> None:
    assert verdicts(figure(1, 237e6), figure(2, 999e6, **other)) == []


def test_a_copied_article_adds_nothing() -> None:
    words = "trade came to $237 million"
    copies = [figure(n, 237e6, quote=words.upper() if n == 2 else words) for n in (1, 2, 3)]
    (verdict,) = verdicts(*copies, figure(9, 302e6))
    assert (verdict.verdict, len(verdict.facts)) == ("contradiction", 2)


def test_mirror_trade_is_one_series() -> None:
    exported = figure(1, 375.3e6, indicator="export", direction="KAZ->IRN")
    imported = figure(2, 201e6, indicator="import", direction="KAZ->IRN", reporter="Iranian customs")
    (verdict,) = verdicts(exported, imported)
    assert verdict.verdict == "contradiction"
    assert "whose count the other is was not said" in verdict.arithmetic


def test_implied_from_one_fact() -> None:
    (implied,) = implied_levels(*_split(figure(1, 237e6, step=1e6, change_pct=-37.2)))
    assert implied.value == pytest.approx(377.388e6, rel=1e-5)
    assert (implied.first, implied.last) == (date(2019, 1, 1), date(2019, 12, 31))
    assert implied.derived.startswith("237 million USD / (1 - 0.372) = 377.4 million USD for 2019 (376.3 million USD")
    (said,) = verdicts(figure(1, 237e6, step=1e6, change_pct=-37.2), figure(2, 302e6, period="2019-01-01/2019-12-31"))
    assert (said.verdict, said.check, said.derived) == ("contradiction", "implied level", True)
    assert "302 million USD" in said.arithmetic


def test_implied_from_two_facts_with_an_open_bound() -> None:
    level = figure(1, 340e6, comparator=">", period="2024-01-01/2024-12-31")
    change = figure(2, None, change_pct=50.0, transformation="change_pct", unit="%", period="2024-01-01/2024-12-31")
    (implied,) = implied_levels(*_split(level, change))
    assert implied.value == pytest.approx(226.67e6, rel=1e-4)
    assert (implied.bounds.low, implied.bounds.high) == (pytest.approx(225.9e6, rel=1e-3), math.inf)
    assert implied.facts == (f"{1:016x}", f"{2:016x}")
    before = figure(3, 528e6, period="2022-01-01/2022-12-31")
    (asked,) = verdicts(level, change, before)
    assert (asked.verdict, asked.check) == ("unresolved", "neighbouring years")
    assert "-57 % within a year" in asked.arithmetic


@pytest.mark.parametrize(
    "other", [{"definition": "non-oil"}, {"reporter": "another"}, {"period": "2023-01-01/2023-12-31"}]
)
def test_nothing_is_implied_from_what_does_not_belong_together(other: dict[str, Any]) -> None:
    level = figure(1, 340e6, reporter="one")
    change = figure(2, None, change_pct=50.0, transformation="change_pct", unit="%", **other)
    assert implied_levels(*_split(level, change)) == []


def test_change_of_weight_is_not_applied_to_money() -> None:
    money, weight = (
        figure(1, 265.2e6, change_pct=29.0), figure(2, 729e3, unit="t", change_pct=71.0),
    )  # fmt: skip
    values = sorted(round(o.value) for o in implied_levels(*_split(money, weight)))
    assert values == [426_316, 205_581_395]
    assert verdicts(money, weight) == []


def test_growth_against_levels() -> None:
    this = figure(1, 845e3, unit="t", change_pct=600.0)
    base = figure(1, 311e3, unit="t", period="2019-01-01/2019-12-31", id="base")
    found = {v.verdict for v in verdicts(this, base) if v.check == "implied level"}
    assert found == {"contradiction"}
    earlier = figure(2, 463.3e6, period="2019-01-01/2019-12-31")
    (close,) = (v for v in verdicts(figure(1, 529.4e6, change_pct=14.2), earlier)
                if v.check == "implied level")  # fmt: skip
    assert close.verdict in {"rounding", "agree"}


def test_growth_against_growth() -> None:
    one, other = (
        figure(n, None, change_pct=c, transformation="change_pct", unit="%") for n, c in ((1, -37.2), (2, -37.0))
    )
    assert [v.verdict for v in verdicts(one, other)] == ["rounding"]


@pytest.mark.parametrize(("total", "kind"), [(461.9e6, "agree"), (462e6, "rounding"), (483e6, "contradiction")])
def test_directions_sum_to_turnover(total: float, kind: str) -> None:
    there, back = (
        figure(1, 375.3e6, indicator="export", direction="KAZ->IRN"),
        figure(2, 86.6e6, indicator="export", direction="IRN->KAZ"),
    )
    (verdict,) = verdicts(there, back, figure(3, total))
    assert (verdict.check, verdict.verdict) == ("parts and total", kind)
    assert "375.3 million USD + 86.6 million USD = 461.9 million USD" in verdict.arithmetic


def test_parts_of_a_year() -> None:
    part = figure(1, 195.6e6, period="2020-01-01/2020-05-31")
    (verdict,) = verdicts(part, figure(2, 78e6))
    assert (verdict.verdict, verdict.check) == ("contradiction", "part of the period")
    assert verdicts(part, figure(2, 237e6)) == []
    halves = [figure(1, 100e6, period="2020-01-01/2020-06-30"), figure(2, 137e6, period="2020-07-01/2020-12-31")]
    assert [v.verdict for v in verdicts(*halves, figure(3, 237e6))] == ["agree"]


def test_input_order_does_not_matter() -> None:
    facts = [figure(n, v) for n, v in enumerate((237e6, 302e6, 237.4e6), start=1)]
    assert Counter(v.verdict for v in verdicts(*facts)) == Counter(v.verdict for v in verdicts(*facts[::-1]))


@given(st.floats(1, 1e12), st.floats(-90, 900))
def test_an_implied_base_leads_back(value: float, change: float) -> None:
    for implied in implied_levels(*_split(figure(1, value, change_pct=change))):
        assert implied.value * (1 + change / 100) == pytest.approx(value)
        assert implied.bounds.low <= implied.value * (1 + 1e-9)
        assert implied.value <= implied.bounds.high * (1 + 1e-9)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["=", ">", ">=", "<", "<=", "~", "<~"]))
def test_bounds_hold_their_value(value: float, comparator: str) -> None:
    bounds = bounds_of(abs(value), comparator=comparator)
    assert bounds.low <= abs(value) <= bounds.high
    assert amount(value, "USD")


@given(st.floats(-99, 10_000))
def test_change_bounds_hold_the_change(change: float) -> None:
    bounds = change_bounds(change)
    assert bounds.low <= change <= bounds.high


def test_year_before() -> None:
    assert year_before(date(2020, 2, 29)) == date(2019, 2, 28)
    assert year_before(date(2021, 2, 18)) == date(2020, 2, 18)


# The table of trade facts: 1,059 rows of many forms.


@pytest.fixture(scope="module")
def trade(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    ledger = Ledger(tmp_path_factory.mktemp("trade") / "facts.db")
    document, facts = read_series(shared / "caspian" / "trade_facts.csv")
    assert ledger.add_facts(facts, document).facts == len(facts) == 1059
    assert ledger.add_facts(facts, document).facts == 0
    return ledger


def test_every_row_of_the_table_is_there(trade: Ledger) -> None:
    text = trade.text("trade_facts.csv")
    found = trade.facts()
    assert all(text[e["start"] : e["end"]] == e["quote"] for e in found)
    assert all(e["reason"] for e in found if e["status"] == "partial")
    assert sum(e["status"] == "accepted" for e in found) > 950
    (row,) = (e for e in trade.about(["KAZ", "IRN"], period="2020") if e["change_pct"] == -37.2 and e["value"] is None)
    assert (row["areas"], row["period"], row["unit"]) == (["KAZ", "IRN"], "2020-01-01/2020-12-31", "%")
    (over,) = (e for e in trade.about(["KAZ", "IRN"], period="2024") if e["value"] == 340e6)
    assert (over["comparator"], over["address"]) == (">", "article 003_1d9d854ce7b4b767.txt")


@pytest.mark.parametrize(
    ("kind", "series", "words"),
    [
        ("contradiction", "export KAZ->IRN", "37.5 million USD (derived) against 201.2 million USD"),  # f
        (
            "contradiction",
            "trade turnover AZE-KAZ",
            "529.4 million USD (Kazinform, 2024-07 (SCO summit)) against 598.5",
        ),
        ("contradiction", "trade turnover AZE-KAZ", "313.3 million USD (derived) against 529.4"),  # i
        ("contradiction", "trade turnover EAEU-IRN", "2.097 billion USD (derived) against 2.448 billion USD"),  # g
        ("contradiction", "export IRN->EAEU", "971.9 million USD (derived) against 1.244 billion USD"),  # h
        ("unresolved", "trade turnover IRN-KAZ", "528 million USD for 2022, 226.7 million USD for 2023: -57 %"),  # b
        ("different reporter", "trade turnover CHN-KAZ", "31.2 billion USD"),
        ("agree", "trade turnover IRN-KAZ", "187.2 million USD + 78 million USD = 265.2 million USD"),
    ],
)
def test_contradictions_worked_out_by_hand(trade: Ledger, kind: str, series: str, words: str) -> None:
    found = reconcile(trade.each())
    assert any(v.verdict == kind and v.series == series and words in v.arithmetic for v in found)


def test_timeline(trade: Ledger) -> None:
    points = timeline(trade, parse_series("trade KZ-IR"))
    said = {p.period: p.value for p in points if p.layer == "said"}
    assert said["2020"] in {237e6, 230e6}
    implied = {p.period: round(p.value / 1e6, 1) for p in points if p.layer == "implied"}
    assert (implied["2019"], implied["2023"]) == (377.4, 226.7)
    assert all(p.how for p in points if p.layer == "implied")
    assert {p.value for p in points if p.layer == "target"} == {1e9, 2e9, 3e9, 5e9}
    assert {p.unit for p in points} == {"USD"}
    assert [p.unit for p in timeline(trade, parse_series("trade KZ-IR"), unit="t")] == ["t"] * 4
    assert timeline(trade, parse_series("exports Kazakhstan to Iran"))
    assert all(
        "KAZ->IRN" in str(trade.fact(p.fact)["direction"]) for p in timeline(trade, parse_series("exports KZ->IR"))
    )
    for wrong in ("weather KZ-IR", "trade KZ-XX", "trade"):
        with pytest.raises(NameNotFound):
            parse_series(wrong)


def test_any_table_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "obs.csv"
    path.write_text(
        'REF,IND,OBS,TIME,U,URL\r\nKEN;UGA,trade_turnover,"1,250",2023,million USD,https://x\r\n'
        "KEN;UGA,trade_turnover,nan,soon,furlongs per pint,\r\nKEN;UGA,trade_turnover\r\n\r\n",
        encoding="utf-8",
    )
    columns = SeriesColumns.parse("value=OBS, period=TIME, unit=U, areas=REF, indicator=IND, address=URL")
    _, (good, bad, short) = read_series(path, columns)
    assert (good["status"], good["value"], good["address"]) == ("accepted", 1.25e9, "https://x")
    assert (bad["status"], short["status"]) == ("partial", "partial")
    assert good["quote"].startswith("KEN;UGA")
    for text, words in (("worth=OBS", "has no worth"), ("value=NONE", "no column")):
        with pytest.raises(FormatError, match=words):
            read_series(path, SeriesColumns.parse(text))
    path.write_bytes(b"value\n\xff\xfe")
    with pytest.raises(FormatError, match="UTF-8"):
        read_series(path)


@given(st.text() | st.from_regex(r"(Iranian year|Jan|by|from|about|Q1|21 Mar-)? ?\d{0,4}[-/]?\d{0,4}", fullmatch=True))
def test_any_cell_is_read_or_says_why_not(text: str) -> None:
    days = read_days(text)
    assert days.problem or days.interval()
    assert days.first is None or days.last is None or days.first <= days.last
    read_unit(text)
    read_subject(text, text, topic=text)
    cell = dict.fromkeys((f.name for f in fields(SeriesColumns)), text)
    assert fact_of(cell)["status"] in {"accepted", "partial"}


def _split(*facts: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    seen = observations(entries(*facts))
    return [o for o in seen if o.series.kind == "level"], [o for o in seen if o.series.kind == "growth"]
