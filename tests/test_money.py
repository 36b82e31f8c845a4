"""From money to tonnes by direction: the published example, hand-made tables, and properties that must hold."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karavan.demand.money import Split, UnitValue, drifted, mix_value, splits, to_money, unit_values, ways
from karavan.demand.target import (
    grown,
    growth_factors,
    most_published,
    peak_share,
    rows_between,
    scaled_rows,
    shares_of,
    traded,
    with_rows,
)
from karavan.errors import CaseError
from karavan.scenario.promise_sentence import case_gazetteer
from karavan.scenario.promise_volume import Made, Parties, Volume, pair_directions
from karavan.schema.case import Meta, make_case
from karavan.schema.io.packs import read_pack

MILLION = 1e6


@pytest.fixture(scope="module")
def case():
    return read_pack("caspian")


def made_of(case, value: float = 1e9, unit: str = "USD", **options: object) -> Made:
    parties = Parties("KAZ", "IRN", one_way=False, case=case, names=case_gazetteer(case))
    return pair_directions(parties, Volume(value, unit, 2030, **options))


def south(made: Made, split: str, price: str = "") -> list[float]:
    """Tonnes from Kazakhstan to Iran, in millions, of the ways whose names hold the words."""
    return [a.tonnes[0] / MILLION for a in made.alternatives if f"split of {split}" in a.name and price in a.name]


# One billion dollars between Kazakhstan and Iran: what the notes worked out by hand


def test_a_billion_dollars_is_2_3_million_tonnes_south_with_the_split_of_2022(case) -> None:
    made = made_of(case)
    assert [(d.exporter, d.importer) for d in made.directions] == [("KAZ", "IRN"), ("IRN", "KAZ")]
    assert made.directions[0].tonnes / MILLION == pytest.approx(2.32, abs=0.01)  # 629 million at 271 USD/t
    assert "Jan-Oct 2022" in made.alternatives[0].name
    assert made.alternatives[0].sources[:2] == ("trade/kaz-irn-x-goods-2022p", "trade/irn-kaz-x-goods-2022p")


def test_north_it_is_0_7_to_1_0_by_the_two_years_of_iranian_customs(case) -> None:
    made = made_of(case)
    north = [a.tonnes[1] / MILLION for a in made.alternatives if "Jan-Oct 2022" in a.name and "IRICA" in a.name]
    customs = {round(t, 3) for t in north if t > 0.7}
    assert (min(customs), max(customs)) == (pytest.approx(0.745, abs=0.001), pytest.approx(1.015, abs=0.001))


def test_with_the_split_of_2014_to_2019_it_is_3_2_south(case) -> None:
    assert max(south(made_of(case), "2014-2019", "271 USD/t")) == pytest.approx(3.25, abs=0.01)


def test_with_grain_alone_at_200_dollars_it_is_3_1_to_4_4_south(case) -> None:
    made = made_of(case)
    found = [*south(made, "Jan-Oct 2022", "grain at 200"), *south(made, "2014-2019", "grain at 200")]
    assert (min(found), max(found)) == (pytest.approx(3.14, abs=0.01), pytest.approx(4.41, abs=0.01))
    grain = next(a for a in made.alternatives if "grain at 200" in a.name)
    assert set(grain.shares[0]) == {"wheat", "barley", "maize"}
    assert sum(grain.shares[0].values()) == pytest.approx(1.0)


def test_the_spread_is_that_of_all_ways_and_every_way_names_its_rows(case) -> None:
    made = made_of(case)
    for k, d in enumerate(made.directions):
        tonnes = [a.tonnes[k] for a in made.alternatives]
        assert (d.tonnes_low, d.tonnes_high) == (min(tonnes), max(tonnes))
        assert d.tonnes_low < d.tonnes < d.tonnes_high
    rows = {f"{name}/{key}" for name in ("trade", "demand", "unit_values") for key in case.tables[name].index}
    assert all(a.sources and set(a.sources) <= rows for a in made.alternatives)


def test_a_named_year_and_reporter_come_in_front(case) -> None:
    made = made_of(case, split="2014-2019", unit_value="359")
    assert "2014-2019 (Kazakh statistics)" in made.alternatives[0].name
    assert made.directions[0].tonnes == pytest.approx(1e9 * 3080 / 3496 / (78e6 / 217e3))
    assert len(made.alternatives) == len(made_of(case).alternatives)


def test_rising_prices_make_fewer_tonnes(case) -> None:
    constant, drifting = made_of(case), made_of(case, drift_percent=2.0)
    # The unit value is of 2020: the Iranian year from March 2020 has most of its days in it.
    assert constant.directions[0].tonnes / drifting.directions[0].tonnes == pytest.approx(1.02**10)


def test_tonnes_are_divided_as_the_demand_of_today(case) -> None:
    made = made_of(case, value=2e6, unit="t")
    today = [sum(d.replaces.values()) for d in made.directions]
    assert sum(d.tonnes for d in made.directions) == pytest.approx(2e6)
    assert made.directions[0].tonnes / 2e6 == pytest.approx(today[0] / sum(today))


# Hand-made tables


def trade_frame(*rows: dict[str, object]) -> pd.DataFrame:
    return make_case(Meta("made", year=2024), {"trade": pd.DataFrame(list(rows))}).trade


def row(key: str, exporter: str, importer: str, value: float, tonnes: float | None = None, **more: object):
    return {"id": key, "exporter": exporter, "importer": importer, "flow": "exports", "year": 2020,
            "value_usd": value, "tonnes": tonnes, "source": "s", "role": "history"} | more  # fmt: skip


def test_a_split_needs_both_directions_of_the_same_days_by_the_same_hand() -> None:
    trade = trade_frame(
        row("a", "AAA", "BBB", 300.0, reporter="one"),
        row("b", "BBB", "AAA", 100.0, reporter="one"),
        row("c", "BBB", "AAA", 900.0, reporter="other"),
        row("d", "AAA", "BBB", 1.0, reporter="third", year=2021),
        row("e", "AAA", "BBB", 5.0, reporter="other", commodity="wheat"),
    )
    (found,) = splits(trade, "AAA", "BBB")
    assert (found.share, found.rows) == (0.75, ("a", "b"))
    assert splits(trade, "BBB", "AAA")[0].share == 0.25


def test_a_year_comes_before_half_a_year_and_a_quarter_is_left_out() -> None:
    half = {"period_from": "2022-01-01", "period_until": "2022-06-30", "year": 2022}
    quarter = {"period_from": "2023-01-01", "period_until": "2023-03-31", "year": 2023}
    trade = trade_frame(
        row("a", "AAA", "BBB", 300.0), row("b", "BBB", "AAA", 100.0),
        row("c", "AAA", "BBB", 10.0, **half), row("d", "BBB", "AAA", 10.0, **half),
        row("e", "AAA", "BBB", 1.0, **quarter), row("f", "BBB", "AAA", 9.0, **quarter),
    )  # fmt: skip
    assert [s.name for s in splits(trade, "AAA", "BBB")] == ["2020", "Jan-Jun 2022"]
    assert [s.name for s in splits(trade, "AAA", "BBB", since=2021)] == ["Jan-Jun 2022"]


def test_the_unit_value_that_holds_most_tonnes_comes_first() -> None:
    trade = trade_frame(
        row("a", "AAA", "BBB", 300.0, 2.0), row("b", "AAA", "BBB", 100.0, 1.0, year=2021), row("c", "AAA", "BBB", 7.0)
    )
    assert [v.usd_per_tonne for v in unit_values(trade, "AAA", "BBB")] == [150.0, 100.0]
    assert unit_values(trade, "BBB", "AAA") == []


def test_without_a_split_or_a_price_it_is_said_what_is_missing() -> None:
    price = UnitValue("AAA", "BBB", 100.0, "", 2020, (), "")
    with pytest.raises(CaseError, match="split between the directions"):
        ways(1e6, [], [price], [price])
    trade = trade_frame(row("a", "AAA", "BBB", 300.0), row("b", "BBB", "AAA", 100.0))
    with pytest.raises(CaseError, match="unit value"):
        ways(1e6, splits(trade, "AAA", "BBB"), [], [price])


@given(
    usd=st.floats(1e3, 1e12), share=st.floats(0.01, 0.99), there=st.floats(10, 1e4), back=st.floats(10, 1e4),
    drift=st.floats(-5, 10), year=st.integers(2020, 2050),
)  # fmt: skip
def test_money_to_tonnes_and_back_is_the_same_money(usd, share, there, back, drift, year) -> None:
    trade = trade_frame(row("a", "AAA", "BBB", share), row("b", "BBB", "AAA", 1.0 - share))
    values = [UnitValue("AAA", "BBB", there, "", 2020, (), ""), UnitValue("BBB", "AAA", back, "", 2022, (), "")]
    (way,) = ways(usd, splits(trade, "AAA", "BBB"), values[:1], values[1:], year=year, drift_percent=drift)
    prices = [drifted(v, year, drift) for v in values]
    assert to_money(way.tonnes, prices) == pytest.approx(usd)
    assert way.usd[0] == pytest.approx(usd * share, rel=1e-6)


def test_a_unit_value_from_the_goods_of_the_demand_table() -> None:
    rows = pd.DataFrame({"tonnes": [10.0, 30.0, 5.0], "value_usd": [1000.0, 1000.0, None], "year": [2024, 2024, 2024]})
    found = mix_value(rows.set_index(pd.Index(["x", "y", "z"])), "AAA", "BBB")
    assert found is not None
    assert (found.usd_per_tonne, found.sources) == (50.0, ("demand/x", "demand/y"))
    assert mix_value(rows.iloc[2:], "AAA", "BBB") is None


# Targets as rows of demand


@pytest.fixture
def small():
    zones = pd.DataFrame({"id": ["a1", "a2", "b1", "gate"], "name": list("wxyz"), "kind": "region", "nodes": "n",
                          "country": ["AAA", "AAA", "BBB", None]})  # fmt: skip
    demand = pd.DataFrame({
        "id": ["p", "q", "r", "s"], "origin": ["a1", "a2", "b1", "gate"], "destination": ["b1", "b1", "a1", "b1"],
        "commodity": ["wheat", "steel", "wheat", "wheat"], "tonnes": [100.0, 300.0, 50.0, 7.0],
        "value_usd": [2e4, 18e4, 1e4, 1e3], "peak_month_share": [0.2, None, None, None], "year": 2024,
    })  # fmt: skip
    rates = {"id": ["x", "y", "z"], "country": ["AAA", "BBB", None], "percent_per_year": [4.0, 2.0, 1.0]}
    growth = pd.DataFrame(rates)
    return make_case(Meta("small", year=2024), {"zones": zones, "demand": demand, "growth": growth})


def test_rows_between_two_countries(small) -> None:
    found = rows_between(small.demand, small.zones, {"AAA"}, {"BBB"})
    assert found.index.tolist() == ["p", "q"]
    assert shares_of(found) == {"wheat": 0.25, "steel": 0.75}
    assert peak_share(found) == pytest.approx((100 * 0.2 + 300 / 12) / 400)


def test_goods_worth_more_than_all_published_trade_are_not_of_it(small) -> None:
    rows = rows_between(small.demand, small.zones, {"AAA"}, {"BBB"})
    trade = trade_frame(row("a", "AAA", "BBB", 5e4, period_from="2020-01-01", period_until="2020-06-30"))
    published = most_published(trade, "AAA", "BBB")
    assert published == pytest.approx(5e4 * 365 / 182)
    found = traded(rows, published, "AAA->BBB")
    assert found.rows.index.tolist() == ["p"]
    assert "steel AAA->BBB" in found.left_out[0]
    assert traded(rows, None, "").rows.index.tolist() == ["p", "q"]
    assert most_published(trade, "BBB", "AAA") is None


@given(tonnes=st.floats(1.0, 1e9), usd=st.floats(1.0, 1e12))
def test_a_target_has_the_tonnes_and_the_money_it_was_given(tonnes, usd) -> None:
    rows = pd.DataFrame({"origin": list("ab"), "destination": list("cd"), "commodity": ["x", "y"], "tonnes": [1.0, 3.0],
                         "value_usd": [10.0, 90.0], "peak_month_share": [None, 0.1]})  # fmt: skip
    found = scaled_rows(rows, tonnes, usd=usd)
    assert found["tonnes"].sum() == pytest.approx(tonnes)
    assert found["value_usd"].sum() == pytest.approx(usd)
    assert found["tonnes"].iloc[1] == pytest.approx(3 * found["tonnes"].iloc[0])
    alone = scaled_rows(rows, tonnes, shares={"y": 1.0})
    assert (len(alone), alone["tonnes"].sum()) == (1, pytest.approx(tonnes))


def test_demand_grows_with_the_mean_of_its_ends(small) -> None:
    assert growth_factors(small.demand, small.zones, small.growth, 2) == pytest.approx(
        [1.03**2, 1.03**2, 1.03**2, 1.015**2]
    )
    later = grown(small.demand, small.zones, small.growth, since=2024, until=2026)
    assert later["tonnes"].tolist() == pytest.approx([100 * 1.03**2, 300 * 1.03**2, 50 * 1.03**2, 7 * 1.015**2])
    assert set(later["year"]) == {2026}


def test_rows_of_targets_stand_in_the_place_of_todays(small) -> None:
    rows = scaled_rows(rows_between(small.demand, small.zones, {"AAA"}, {"BBB"}), 1000.0)
    found = with_rows(small.demand, ["p", "q"], {0: rows})
    assert found.index.tolist() == ["r", "s", "promise:0:a1>b1:wheat", "promise:0:a2>b1:steel"]
    assert found.loc["promise:0:a2>b1:steel", "tonnes"] == pytest.approx(750.0)


def test_a_split_knows_its_length() -> None:
    assert Split("A", "B", 0.5, "", date(2020, 1, 1), date(2020, 12, 31), ()).days == 366
