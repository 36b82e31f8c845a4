"""The register of promises: one case for each status and its rule."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from ledgers import fact, pledge

from karavan.evidence.importer import read_series
from karavan.evidence.ledger.entry import LedgerEntry
from karavan.evidence.promises import Promise, promises
from karavan.evidence.series import series_of

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 2, 1)
BILLION = {"value": 1e9, "published": "2023-04-10"}


def register(*facts: dict[str, Any], today: date = TODAY) -> list[Promise]:
    return promises([LedgerEntry(k, 1, "2026-01-01", "t", f) for k, f in enumerate(facts, start=1)], today=today)


def level(year: int, value: float, **said: Any) -> dict[str, Any]:
    number = 1000 + year
    given = {"value": value, "period": f"{year}-01-01/{year}-12-31", "published": f"{year + 1}-02-01", "step": None}
    return fact(number, **(given | said))


def event(number: int, mode: str, **said: Any) -> dict[str, Any]:
    given = {"kind": "event", "event_type": f"COOPERATE.{mode}", "date": "2024-05-01", "period": None, "value": None}
    return fact(number, **(given | said))


SERIES: list[tuple[str, dict[str, Any], list[dict[str, Any]], str]] = [
    ("kept", {}, [level(2022, 5e8), level(2024, 1.1e9)], "1.1 billion USD in 2024 reaches 1 billion USD"),
    ("kept", {"deadline": "2024-12-31"}, [level(2024, 1e9)], "reaches"),
    ("kept", {}, [level(2022, 5e8), level(2025, 1.2e9, period="2025-01-01/2025-10-31")], "Jan-Oct 2025"),
    ("kept late", {"deadline": "2023-12-31"}, [level(2023, 9e8), level(2024, 1.1e9)], "after 2023-12-31"),
    ("missed", {"deadline": "2024-12-31"}, [level(2023, 5e8), level(2024, 6e8)], "when it was due, is 60 %"),
    ("under way", {"deadline": "2027-12-31"}, [level(2023, 5e8), level(2024, 7e8)], "needs 12.6 % a year until 2027"),
    ("behind", {"deadline": "2027-12-31"}, [level(2023, 5e8), level(2024, 5.2e8)], "grew 4.0 % a year"),
    ("open", {}, [level(2024, 5e8)], "no deadline; not reached"),
    ("open", {}, [level(2022, 5e8)], "nothing observed for a year that ended after it was said"),
    ("open", {"deadline": "2027-12-31"}, [level(2024, 5e8)], "no growth is known"),
    ("open", {"deadline": "2025-12-31"}, [level(2024, 5e8)], "has just passed"),
    ("open", {"published": "2025-12-11"}, [], "less than a year ago"),
    ("no trace", {}, [], "no value of this series is recorded"),
    ("no trace", {}, [level(2024, 5e8, areas=["KAZ", "AZE"])], "no value of this series"),
    ("no trace", {"deadline": "2024-06-30"}, [level(2023, 5e8)], "nothing is recorded for it"),
    ("too vague", {"value": 2.0, "unit": "{x}"}, [], "neither named nor recorded"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "said", "seen", "words"), SERIES)
def test_promises_with_a_quantity(status: str, said: dict[str, Any], seen: list[dict[str, Any]], words: str) -> None:
    (row,) = register(pledge(1, **(BILLION | said)), *seen)
    assert row.status == status, row.rule
    assert words in row.rule


def test_arithmetic_of_a_promise() -> None:
    seen = [level(2022, 1.8e6, unit="t"), level(2023, 2.8e6, unit="t"), level(2024, 4.5e6, unit="t")]
    (row,) = register(pledge(1, value=1e7, unit="t", deadline="2027-12-31", published="2023-04-10"), *seen)
    assert row.share_pct == pytest.approx(45)
    assert row.growth_needed_pct == pytest.approx(30.5, abs=0.1)
    assert row.growth_seen_pct == pytest.approx(60.5, abs=0.5)
    assert (row.status, row.latest_period, row.observed) == ("under way", "2024", (f"{3024:016x}",))


def test_a_capacity_that_nobody_reports_is_judged_by_what_is_carried() -> None:
    said = pledge(1, value=1e7, unit="t", rate="year", indicator="capacity", place="TITR", deadline="2027-12-31",
                  published="2023-04-10")  # fmt: skip
    carried = level(2024, 4.5e6, unit="t", indicator="freight", place="TITR", areas=[], change_pct=62.0)
    (row,) = register(said, carried)
    assert (row.status, row.share_pct, row.growth_seen_pct) == ("under way", 45, 62)
    assert "no capacity is recorded" in row.rule
    (row,) = register(said, carried, level(2024, 6e6, unit="t", indicator="capacity", place="TITR"))
    assert row.latest == 6e6


def test_a_number_of_things_is_not_measured() -> None:
    (row,) = register(pledge(1, **(TERMINAL | {"value": 1.0, "unit": "", "counted": "terminal"})))
    assert (row.status, row.target) == ("no trace", None)


def test_twice_of_what() -> None:
    said = pledge(1, value=2.0, unit="{x}", modality="possibility", deadline="2030-12-31", published="2025-12-11")
    (row,) = register(said, level(2019, 1e6, unit="t"), level(2024, 1.6e6, unit="t"))
    assert (row.target, row.unit, row.binding) == (3.2e6, "t", False)
    assert "2 times 1.6 million t of 2024: derived" in row.target_note
    assert row.growth_needed_pct == pytest.approx(12.2, abs=0.1)
    assert row.rule.endswith("a possibility, not a promise")


def test_a_repeated_promise_is_one_row_and_resets_nothing() -> None:
    said = [
        pledge(1, value=3e9, published="2019-05-03", deadline="2022-12-31", speaker="ministers"),
        pledge(2, value=3e9, published="2022-06-19", speaker="presidents"),
        pledge(3, value=3e9, published="2025-12-12", deadline="2030-12-31", speaker="Pezeshkian"),
        pledge(4, value=1e9, published="2025-12-11", stage=1),
        pledge(5, value=3e9, published="2025-12-12", areas=["KAZ", "AZE"]),
        pledge(6, value=3e9, published="2025-12-12", modality="possibility"),
        pledge(7, value=3e9, published="2025-12-12", status="rejected"),
    ]
    rows = register(*said, level(2022, 528e6))
    (three,) = (r for r in rows if len(r.history) > 1)
    assert [s.published for s in three.history] == ["2019-05-03", "2022-06-19", "2025-12-12"]
    assert (three.deadline, three.status, three.by) == (
        "2022-12-31",
        "missed",
        ("ministers", "presidents", "Pezeshkian"),
    )
    assert len(rows) == 4


OBJECT = {"value": None, "unit": None, "indicator": None, "published": "2022-11-10", "place": "Bandar Abbas"}
TERMINAL = OBJECT | {"action": "build", "object": "a dry cargo terminal at Bandar Abbas", "modality": "plan"}


@pytest.mark.parametrize(
    ("status", "said", "seen"),
    [
        ("kept", {}, [event(9, "open_facility", place="Bandar Abbas", quote="the cargo terminal was opened")]),
        (
            "kept late",
            {"deadline": "2023-12-31"},
            [event(9, "open_facility", quote="the dry cargo terminal was opened")],
        ),
        ("under way", {}, [event(9, "start_construction", quote="work on the dry cargo terminal began")]),
        ("no trace", {}, [event(9, "open_facility", quote="a museum was opened")]),
        ("no trace", {}, [event(9, "open_facility", quote="the dry cargo terminal was opened", date="2021-01-01")]),
        ("no trace", {}, [event(9, "open_facility", quote="the dry cargo terminal will be opened", planned=True)]),
        ("no trace", {"deadline": "2024-12-31"}, []),
        (
            "behind",
            {},
            [pledge(9, **(TERMINAL | {"published": "2025-12-11", "object": "dry cargo terminal, Bandar Abbas"}))],
        ),
        ("open", {"published": "2025-12-11"}, []),
        ("too vague", {"action": "support", "object": "more trade"}, []),
    ],
)
def test_promises_without_a_quantity(status: str, said: dict[str, Any], seen: list[dict[str, Any]]) -> None:
    (row,) = register(pledge(1, **(TERMINAL | said)), *seen)
    assert row.status == status, row.rule
    assert row.target is None
    assert row.share_pct is None


def test_undated_promises_take_the_latest_value_only() -> None:
    (row,) = register(pledge(1, value=1e9, published=None), level(2012, 1.2e9), level(2024, 3e8))
    assert row.status == "open"


def test_register_of_the_table(shared: Path) -> None:
    _, facts = read_series(shared / "caspian" / "trade_facts.csv")
    rows = register(*facts)
    kz_ir = {r.target: r for r in rows if r.areas == ("IRN", "KAZ") and r.target}
    assert {t: r.status for t, r in kz_ir.items()} == {5e9: "open", 3e9: "missed", 1e9: "open", 2e9: "open"}
    assert len(kz_ir[3e9].history) == 5
    assert kz_ir[3e9].deadline == "2022-12-31"
    (kz_az,) = (r for r in rows if r.areas == ("AZE", "KAZ") and r.target == 1e9)
    assert (kz_az.status, len(kz_az.history), kz_az.latest) == ("open", 2, 470e6)
    assert "600.3 million USD in Jan-Oct 2025" in kz_az.rule


def test_series_of_a_promise_is_that_of_its_figures() -> None:
    assert series_of(pledge(1)) == series_of(fact(1))
