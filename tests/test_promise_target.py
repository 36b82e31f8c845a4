"""From words to targets: what a sentence asks of the network, by every base, or what is missing."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd
import pytest

from karavan.assignment.front import assign
from karavan.errors import ScenarioError
from karavan.evidence.ledger.ledger import Ledger
from karavan.evidence.ledger.reading import sample_folder
from karavan.evidence.series import observations
from karavan.scenario.promise_base import corridor_of, gate_links
from karavan.scenario.promise_demand import JUDGED, replaced, target_frame, target_rows, with_target
from karavan.scenario.promise_network import SHIPPERS
from karavan.scenario.promise_pace import spans, trade_pace
from karavan.scenario.promise_sentence import outside_network, read_sentence
from karavan.scenario.promise_target import TargetOptions, judged_year, targets_of
from karavan.scenario.promise_types import Base, Target
from karavan.schema.io.packs import read_pack


@pytest.fixture(scope="module")
def case():
    return read_pack("caspian")


@pytest.fixture(scope="module")
def flows(case):
    return cache(lambda: assign(case, method=SHIPPERS))


def targets(case, flows, words: str, **options: object) -> list[Target]:
    (fact,) = read_sentence(words, case)
    return targets_of(fact, case, options=TargetOptions(**options), flows=flows)


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("KZ-IR trade reaches USD 1bn", ("trade_turnover", 1e9, "USD", ["KAZ", "IRN"], None)),
        ("Trade KZ-IR to USD 1 billion", ("trade_turnover", 1e9, "USD", ["KAZ", "IRN"], None)),
        ("KZ-AZ trade grows by 50% by 2030", ("trade_turnover", 50.0, "%", ["KAZ", "AZE"], "2030-12-31")),
        ("EAEU-IR trade doubles by 2030", ("trade_turnover", 2.0, "{x}", ["EAEU", "IRN"], "2030-12-31")),
        ("Kazakhstan-Iran trade will reach $1 billion by 2030",
         ("trade_turnover", 1e9, "USD", ["KAZ", "IRN"], "2030-12-31")),
        ("Container traffic on the Middle Corridor reaches 300,000 TEU by 2030",
         ("container_traffic", 3e5, "{TEU}", ["TITR", "KAZ", "AZE", "GEO"], "2030-12-31")),
    ],
)  # fmt: skip
def test_a_sentence_is_read_as_the_ledger_reads_articles(case, words, read) -> None:
    (fact,) = read_sentence(words, case)
    assert (fact["indicator"], float(fact["value"]), fact["unit"], fact["areas"], fact["deadline"]) == read
    assert (fact["quote"], fact["id"]) == (words, None)


def test_stages_of_one_sentence_are_promises_of_their_own(case) -> None:
    found = read_sentence("KZ-IR trade will reach $1 billion initially and $2 billion in the next stage", case)
    assert [f["value"] for f in found] == [1e9, 2e9]


def test_a_sentence_without_a_promise_is_refused_plainly(case) -> None:
    with pytest.raises(ScenarioError, match="no promise is found in 'Hello there'"):
        read_sentence("Hello there", case)


# What the network has no part in, and what is missing


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Kazakhstan opens a trade house in Tehran", "an office moves no goods"),
        ("Officials of Aktau port will visit Tehran", "a meeting moves no goods"),
    ],
)
def test_not_a_matter_of_the_network(case, flows, words, why) -> None:
    (found,) = targets(case, flows, words)
    assert (found.kind, found.not_network, found.needs) == ("none", why, ())


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("Trade will double by 2030", "two parties, or a corridor"),
        ("Kazakhstan will increase transit cargo volumes", "how much"),
        ("KZ-KG trade will double by 2030", "nothing says where its goods start and end|a base"),
        ("Freight on the Lapis Lazuli corridor doubles by 2030", "a base: 2 times of what"),
        ("KZ-IR trade reaches EUR 1 billion", "an amount in USD"),
        ("Freight on the Khash-Chabahar railway doubles by 2030", "no row of facilities is at Khash"),
    ],
)
def test_what_cannot_be_judged_says_what_is_missing(case, flows, words, missing) -> None:
    (found,) = targets(case, flows, words)
    assert found.kind == "none"
    assert not found.not_network
    assert re.search(missing, "; ".join(found.needs)), found.needs


def test_a_promise_of_talks_is_not_taken_for_one() -> None:
    fact = {"action": "supply", "object": "in transport and logistics", "quote": "The talks explored transport."}
    assert outside_network(fact) == ""
    assert outside_network({"action": "other", "object": "enhance relations across sectors", "quote": "x"})


# Volumes


def test_every_candidate_base_of_a_doubling_is_run(case, flows) -> None:
    found = targets(case, flows, "Freight on the KTI railway doubles by 2030")
    assert [t.base.value for t in found] == [1.6e6, 0.65e6, 2.5e6]
    assert [t.value for t in found] == [3.2e6, 1.3e6, 5.0e6]
    assert {t.via for t in found} == {"kti"}
    assert all(t.tonnes == pytest.approx(t.value) for t in found)
    assert found[0].base.sources == ("counts/bolashak-2024",)
    assert found[0].via_links == ("KZ_BOL-TM_SER-rail",)
    assert all(len(t.bases) == 3 for t in found)


def test_users_of_a_corridor_keep_what_goes_another_way(case, flows) -> None:
    (found, *_) = targets(case, flows, "Freight on the KTI railway doubles by 2030")
    taken = replaced([found])
    whole = case.demand.loc[list(taken), "tonnes"]
    assert all(0 < t <= whole[row] * (1 + 1e-9) for row, t in taken.items())
    after = with_target(case, found).demand
    assert after["tonnes"].sum() == pytest.approx(case.demand["tonnes"].sum() - sum(taken.values()) + 3.2e6)


def test_what_a_corridor_carries_above_a_target_stays_other_demand(case, flows) -> None:
    found = {t.value: t for t in targets(case, flows, "Freight on the KTI railway doubles by 2030")}
    low = found[1.3e6]  # twice what was counted of Russian goods, below what the model has there
    today = sum(replaced([found[5e6]]).values())
    assert today > 1.3e6
    assert sum(replaced([low]).values()) == pytest.approx(1.3e6)
    after = with_target(case, low).demand
    assert after["tonnes"].sum() == pytest.approx(case.demand["tonnes"].sum())
    assert "stays other demand" in low.notes[0]


def test_goods_counted_by_themselves_keep_their_share_of_a_corridor(case, flows) -> None:
    (found,) = targets(case, flows, "The Middle Corridor carries 10 million tonnes by 2027")
    oil = target_frame(found).query("commodity == 'crude_oil'")["tonnes"].sum()
    assert oil / 1e7 == pytest.approx(1.5 / 4.5)  # counted in 2024
    assert "counts/btc-kz-oil-2024" in found.alternatives[0].sources
    assert found.tonnes == pytest.approx(1e7)


def test_containers_become_tonnes_by_payload_and_load_factor(case, flows) -> None:
    (found,) = targets(case, flows, "Container traffic on the Middle Corridor reaches 300,000 TEU by 2030")
    per_teu = found.tonnes / 3e5
    payload = float(case.carrying_units.at["container", "payload_tonnes"])
    assert 0.4 * payload < per_teu < payload
    assert "carrying_units/container" in found.alternatives[0].sources
    goods = set(target_frame(found)["commodity"])
    assert goods
    assert all("container" in case.commodities.at[g, "carrying_units"] for g in goods)


def test_exports_of_named_goods_go_one_way(case, flows) -> None:
    (found,) = targets(case, flows, "Exports of barley KZ->IR reach 2 million tonnes in 2027")
    (way,) = found.directions
    assert (way.exporter, way.importer, way.tonnes) == ("KAZ", "IRN", 2e6)
    assert set(way.rows["commodity"]) == {"barley"}


def test_oil_for_a_pipeline_beyond_is_no_trade_of_the_pair(case, flows) -> None:
    (found,) = targets(case, flows, "KZ-AZ trade reaches USD 1bn")
    assert "crude_oil" not in set(target_frame(found)["commodity"])
    assert any("crude_oil KAZ->AZE" in n for n in found.notes)
    assert "KZ-mangystau>AZE:crude_oil" in with_target(case, found).demand.index


def test_a_percentage_is_of_every_base_of_the_last_years(case, flows) -> None:
    found = targets(case, flows, "KZ-AZ trade grows by 50% by 2030")
    assert len(found) > 2
    assert all(t.value == pytest.approx(1.5 * t.base.value) for t in found)
    assert found[0].base.year == 2024


def test_a_capacity_is_judged_by_the_rows_that_limit_it(case, flows) -> None:
    (found,) = targets(case, flows, "Capacity of the Middle Corridor reaches 10 million tonnes by 2027")
    assert (found.kind, found.value, found.unit, found.via) == ("capacity", 1e7, "t", "middle-poti")
    assert {"KZSHL-KZBEY-line", "AKT-port"} <= set(found.facilities)
    assert not found.directions


# The year, and the other demand


@pytest.mark.parametrize(
    ("deadline", "asked", "year", "words"),
    [
        ("2027-12-31", None, 2027, "the deadline of the promise"),
        ("2022-12-31", None, 2024, "has passed"),
        (None, None, 2030, "no deadline was named"),
        ("2027-12-31", 2035, 2035, "the promise itself says 2027"),
    ],
)
def test_the_year_a_promise_is_judged_in(case, deadline, asked, year, words) -> None:
    found, note = judged_year({"deadline": deadline}, case, TargetOptions(year=asked))
    assert found == year
    assert words in note
    with pytest.raises(ScenarioError, match="before that of the case"):
        judged_year({"deadline": deadline}, case, TargetOptions(year=1200))


def test_other_demand_frozen_grown_and_with_all_promises(case, flows) -> None:
    (one,) = targets(case, flows, "KZ-IR trade reaches USD 1bn")
    (other,) = targets(case, flows, "KZ-AZ trade reaches USD 1bn")
    frozen, grown = (with_target(case, one, others=o).demand for o in ("frozen", "grown"))
    together = with_target(case, one, others="all promises", together=[one, other]).demand
    mine = [d.index.str.startswith(JUDGED) for d in (frozen, grown, together)]
    assert [d["tonnes"][m].sum() for d, m in zip((frozen, grown, together), mine, strict=True)] == pytest.approx(
        [one.tonnes] * 3
    )
    rest = [d["tonnes"][~m].sum() for d, m in zip((frozen, grown, together), mine, strict=True)]
    assert rest[1] > 1.1 * rest[0]
    today = sum(replaced([other]).values())
    assert rest[2] == pytest.approx(rest[0] - today + other.tonnes)
    assert target_rows(together).sum() == len(target_frame(one)) + len(target_frame(other))


def test_of_two_promises_of_the_same_goods_the_larger_counts(case, flows) -> None:
    (small,) = targets(case, flows, "KZ-IR trade reaches USD 1bn")
    (large,) = targets(case, flows, "KZ-IR trade reaches USD 2bn")
    found = with_target(case, small, others="all promises", together=[large]).demand
    assert found["tonnes"][target_rows(found)].sum() == pytest.approx(large.tonnes)


# Bases from a ledger, and the pace of trade


def test_a_ledger_adds_what_was_observed(case, flows, tmp_path) -> None:
    with Ledger(tmp_path / "facts.db") as ledger:
        ledger.add_documents(sample_folder())
        seen = [o for o in observations(ledger.facts()) if not o.derived]
    (fact,) = read_sentence("KZ-IR trade doubles by 2030", case)
    found = targets_of(fact, case, seen=seen, flows=flows)
    said = [t.base for t in found if t.base.sources[0].startswith("fact/")]
    assert {b.year for b in said} == {2020, 2022}
    assert {b.value for b in said} == {237e6, 528e6}


def base(year: int, value: float, thing: str = "") -> Base:
    return Base(year, value, "USD", f"{value} in {year}", (f"trade/{year}",), thing)


def promised(value: float, start: Base, year: int) -> Target:
    return Target("t", "q", None, "volume", value=value, unit="USD", year=year, base=start, bases=(start,))


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (100.0, "already reached"),
        (105.0, "within the best pace so far"),
        (150.0, "faster than ever for so long"),
        (1000.0, "faster than ever"),
    ],
)
def test_the_pace_still_needed_beside_the_best_ever(value, verdict) -> None:
    series = [base(2018, 90.0), base(2019, 80.0), base(2020, 100.0), base(2022, 100.0)]
    found = trade_pace(promised(value, series[-1], 2024), series)
    assert found.verdict == verdict
    assert found.best_ever is None or found.best_ever.percent == pytest.approx(25.0)  # 2019-2020
    if found.needed_percent is not None:
        assert found.needed_percent == pytest.approx(100 * ((value / 100) ** 0.5 - 1))


def test_two_counts_of_different_things_are_no_growth() -> None:
    assert spans([base(2020, 10.0, "port"), base(2021, 20.0, "border")]) == []
    assert [s.percent for s in spans([base(2020, 10.0), base(2021, 20.0)])] == pytest.approx([100.0])
    assert trade_pace(promised(5.0, base(2020, 1.0), 2025), [base(2020, 1.0)]).verdict == "cannot be judged"


def test_growth_of_others_is_shown_only_for_a_like_turnover() -> None:
    series = [Base(y, v, "USD", "", ("trade/x",)) for y, v in ((2020, 3e8), (2022, 3.4e8))]
    found = trade_pace(promised(1e9, series[-1], 2030), series)
    assert "2.94 times the base" in found.base_rate
    assert "1,818 pairs" in found.base_rate
    large = Base(2022, 3e9, "USD", "", ("trade/x",))
    assert trade_pace(promised(9e9, large, 2030), [large]).base_rate == ""


def test_a_corridor_answers_to_its_names(case) -> None:
    assert corridor_of(case, ("KTI", "KAZ", "IRN")) == "kti"
    assert corridor_of(case, (), words="Freight on the Trans-Caspian route") == "middle-poti"
    assert corridor_of(case, ("KAZ", "IRN")) == ""
    assert "KZ_AKT-AZ_ALA-sea" in gate_links(case, "middle-poti", "t")


def test_rows_of_a_target_are_of_the_demand_table(case, flows) -> None:
    (found,) = targets(case, flows, "KZ-IR trade reaches USD 1bn")
    rows = target_frame(found)
    assert set(rows["origin"]) | set(rows["destination"]) <= set(case.zones.index)
    assert rows["value_usd"].sum() == pytest.approx(1e9)
    assert isinstance(found.to_json()["directions"][0]["rows"], list)
    assert pd.api.types.is_float_dtype(rows["tonnes"])
