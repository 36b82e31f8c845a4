"""How sure is the verdict? Draws that are the same however they are worked out, over what is said to be drawn."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from promise_case import frame, target, three_lines

from karavan.assignment.room import Room, serve
from karavan.scenario import promise_draws as draws_module
from karavan.scenario.promise_draws import alternatives, promise_draws
from karavan.scenario.promise_ground import ground
from karavan.scenario.promise_network import Setting, network_check
from karavan.scenario.promise_spread import (
    ROUGH,
    capacity_sigma,
    capacity_spreads,
    length_spreads,
    read_capacities,
    read_lengths,
)
from karavan.scenario.promise_types import Alternative
from karavan.schema.case import Case
from karavan.schema.io.packs import read_pack


def ways(*tonnes: float) -> tuple[Alternative, ...]:
    return tuple(Alternative(f"{t:g} t", (t,), ("an example",), "an example") for t in tonnes)


def rough(case: Case, **changes: object) -> Case:
    """Return the case with every capacity and tariff an estimate."""
    facilities = case.facilities.assign(confidence="C", **changes)
    return case.with_tables(facilities=facilities, freight_tariffs=case.freight_tariffs.assign(confidence="C"))


def test_draws_take_the_alternatives_and_nothing_else_where_all_is_known() -> None:
    # 1000 t are carried: two of the four ways to count are no more than that
    found = promise_draws(three_lines(), target(900.0, alternatives=ways(900.0, 1000.0, 1100.0, 2000.0)), n=200, seed=3)
    assert found.n == 200
    np.testing.assert_array_equal(found.is_carried, found.alternative < 2)
    np.testing.assert_allclose(found.served, np.minimum(found.wanted, 1000.0), rtol=1e-6)
    assert found.share == pytest.approx(0.5, abs=0.12)
    assert found.text == f"carried in {found.share:.0%} of 200 draws"
    table = found.by_alternative.set_index("alternative")
    assert table["share"].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert table.loc["2000 t", "served_share"] == pytest.approx(0.5)
    assert table["draws"].sum() == 200


def test_draws_are_the_same_by_any_workers() -> None:
    case, asked = rough(three_lines()), target(950.0, alternatives=ways(900.0, 1000.0, 1100.0))
    one = promise_draws(case, asked, n=60, seed=5)
    for workers in (2, 3):
        other = promise_draws(case, asked, n=60, seed=5, workers=workers)
        assert other.served.tobytes() == one.served.tobytes()
        assert other.alternative.tobytes() == one.alternative.tobytes()
    # each draw has numbers of its own: fewer draws are the first of more
    assert promise_draws(case, asked, n=20, seed=5).served.tobytes() == one.served[:20].tobytes()
    assert promise_draws(case, asked, n=60, seed=6).served.tobytes() != one.served.tobytes()
    assert 0.0 < one.share < 1.0


def test_a_draw_from_the_store_is_the_answer_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    plain = draws_module._drawn

    def listening(*args: object) -> object:
        seen.append((args[0], plain(*args)))
        return seen[-1][1]

    monkeypatch.setattr(draws_module, "_drawn", listening)
    found = promise_draws(rough(three_lines()), target(950.0, alternatives=ways(900.0, 1100.0)), n=30)
    for (job, problems), wanted, served in zip(seen[-30:], found.wanted, found.served, strict=True):
        cold = serve(Room(problems, job.asked.target))
        assert cold.served[job.asked.target].sum() == pytest.approx(served, rel=1e-6)
        assert problems[1].tonnes.sum() == pytest.approx(wanted)


def test_a_draw_is_the_verdict_on_a_case_with_its_values() -> None:
    """A capacity with another value in `provenance` is drawn as one or the other: each as a case of its own says."""
    other = frame(table=["facilities"], id=["F3"], field=["capacity_computed"], source=["x"],
                  other_values=["800 t [y]; 5 Mt when built [z]"])  # fmt: skip
    asked = target(1400.0)
    found = promise_draws(three_lines(provenance=other), asked, n=100)
    served = [network_check(three_lines(f3=f), asked).served for f in (300.0, 800.0)]
    assert served == [pytest.approx(1000.0), pytest.approx(1400.0)]
    np.testing.assert_allclose(np.unique(found.served.round(3)), served)
    assert found.share == pytest.approx(0.5, abs=0.15)
    cell = found.drawn.set_index("id").loc["F3"]
    assert (cell["values"], cell["why"]) == ("300;800", "other values in provenance")
    assert found.not_drawn == ()


def test_the_month_and_the_setting_are_drawn_too() -> None:
    month = promise_draws(three_lines(), target(1000.0, peak=0.2), n=5, setting=Setting(period="month"))
    np.testing.assert_allclose(month.wanted, 200.0)
    np.testing.assert_allclose(month.served, 1000.0 / 12, rtol=1e-6)


def test_rough_capacities_spread_the_answer() -> None:
    found = promise_draws(rough(three_lines()), target(1000.0), n=300, seed=2)
    # 1000 t is what the network carries as it is: F2 and F3 by turns have more or less
    assert 0.2 < found.share < 0.6
    assert found.served.std() > 50.0


def test_costs_decide_which_ways_are_too_dear() -> None:
    # directly is 1.95 times as dear; with the tariff of line 3 drawn it often is more than twice
    links = three_lines().links.assign(length_km=[100.0, 100.0, 390.0])
    tariffs = frame(id=["all", "dear"], mode=["rail", "rail"], usd_per_tkm=[0.1, 0.1], country=["AAA", None],
                    confidence=["C", "A"])  # fmt: skip
    sure = three_lines(links=links)
    assert promise_draws(sure, target(900.0), n=40).share == 1.0
    length = frame(table=["links"], id=["A-C"], field=["length_km"], source=["x"], other_values=["450 [y]"])
    drawn = promise_draws(three_lines(links=links, freight_tariffs=tariffs, provenance=length), target(900.0), n=40)
    assert 0.0 < drawn.share < 1.0
    assert set(drawn.served.round(3)) == {700.0, 900.0}


def test_shares_of_an_alternative_change_the_goods() -> None:
    goods = replace(
        target(900.0),
        alternatives=(
            Alternative("as promised", (900.0,), (), "an example"),
            Alternative("half flour", (800.0,), (), "an example", ({"grain": 0.5, "flour": 0.5},)),
        ),
    )
    whole, tonnes = alternatives(goods)
    assert whole.directions[0].rows["commodity"].tolist() == ["grain", "flour"]
    np.testing.assert_allclose(tonnes, [[900.0, 0.0], [400.0, 400.0]])
    assert whole.directions[0].rows["tonnes"].tolist() == [900.0, 400.0]
    found = promise_draws(three_lines(), goods, n=40)
    assert set(found.wanted.tolist()) == {900.0, 800.0}
    assert found.share == 1.0


def test_what_is_drawn_of_capacities() -> None:
    table = three_lines().facilities.assign(confidence=["A", "C", "B"])
    case = three_lines().with_tables(facilities=table)
    (only,) = capacity_spreads(ground(case, year=2024, projects="open"), "computed")
    assert (only.id, only.sigma) == ("F2", ROUGH)
    sigma, why = capacity_sigma(read_pack("caspian").facilities)
    assert 0.05 < sigma < 0.5
    assert "disagree at" in why


def test_other_values_that_can_be_read() -> None:
    assert read_capacities("6 Mt [a]; 15 Mt by Iran [b]; 10 by 2027 [c]; 3-5 Mt [d]", "tonnes") == (6e6, 15e6, 3e6, 5e6)
    assert read_capacities("40 wagons a day [a]; 100 wagons a day agreed [b]", "wagons") == (14600.0,)
    assert read_capacities("48 wagons [a]; 1,200 trucks a day [b]", "wagons") == ()
    assert read_capacities("50 thousand TEU [a]; 100,000 TEU [b]", "teu") == (50000.0, 100000.0)
    assert read_lengths("120 [a]; 70 [b, before the line was built]; whole line 902 [c]") == (120.0,)


def test_the_caspian_yard_may_take_forty_wagons_or_sixty_five() -> None:
    found = {s.id: s for s in capacity_spreads(ground(read_pack("caspian"), year=2030, projects="open"), "computed")}
    assert found["AKY-yard"].options == (23725.0, 14600.0)
    assert length_spreads(read_pack("caspian"))


def test_draws_are_plain_in_json() -> None:
    found = json.loads(json.dumps(promise_draws(three_lines(), target(900.0), n=3).to_json()))
    assert (found["n"], found["carried"], found["share"]) == (3, 3, 1.0)
    assert found["text"] == "carried in 100% of 3 draws"
