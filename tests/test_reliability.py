"""Chance on routes: closed forms of single elements, missed sailings, sums, common random numbers, deadlines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tiny import tables, tiny

from karavan.cost.dwell import DwellCharge, DwellStep
from karavan.model import Model, build_model
from karavan.network.graph import ArcKind
from karavan.routing.gates import Gate
from karavan.routing.reliability import DrawBook, draw_journey, storage_of
from karavan.routing.spreads import Spread, order_of, quantile, spread_of_range, spread_of_wait

WEEK = 7 * 24 * 60.0


def with_ranges(**fields: Any) -> Model:
    """The tiny case where the border B > C takes 2 to 4 + 30 h and both transfers have a range."""
    t = tables()
    t["borders"]["hours_low"], t["borders"]["hours_high"] = [4.0, 5.0], [36.0, 40.0]
    t["transfers"]["hours_low"], t["transfers"]["hours_high"] = [12.0, 30.0], [72.0, 90.0]
    for name, values in fields.items():
        table, column = name.split("__")
        t[table][column] = values
    return build_model(tiny(**t))


def arc_of(model: Model, kind: ArcKind) -> int:
    """Return the first forward arc of a kind."""
    return int(np.flatnonzero((model.graph.kind == kind) & model.graph.forward)[0])


# One element against its closed form ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spread", "exact"),
    [
        (Spread("uniform", 10.0, 20.0, 30.0), stats.uniform(10, 20)),
        (Spread("pert", 4.0, 6.0, 36.0), stats.beta(1 + 4 * 2 / 32, 1 + 4 * 30 / 32, 4, 32)),
        (Spread("pert", 4.0, 4.0, 36.0), stats.beta(1, 5, 4, 32)),
        (Spread("pert about the mean", 24.0, 72.0, 240.0), stats.beta(6 * 48 / 216, 6 * 168 / 216, 24, 216)),
    ],
)
def test_the_draws_of_an_element_are_its_distribution(spread: Spread, exact: Any) -> None:
    shares = np.linspace(0.001, 0.999, 101)
    np.testing.assert_allclose(quantile(spread, shares), exact.ppf(shares), rtol=1e-9)
    draws = quantile(spread, (np.arange(2000) + 0.5) / 2000)
    assert draws.mean() == pytest.approx(exact.mean(), rel=2e-3)
    if spread.kind == "pert about the mean":
        assert exact.mean() == pytest.approx(spread.middle)
    if spread.kind == "pert":
        assert exact.mean() == pytest.approx((spread.low + 4 * spread.middle + spread.high) / 6)


@pytest.mark.parametrize(
    ("rule", "departures", "wait", "low", "high", "expected"),
    [
        ("frequency", 52.0, 84.0, 0.0, 168.0, Spread("uniform", 0.0, 84.0, 168.0)),
        ("frequency", 12.0, 365.0, np.nan, np.nan, Spread("uniform", 0.0, 365.0, 730.0)),
        ("timetable", 104.0, 42.0, np.nan, np.nan, Spread("timetable", 0.0, 300 / 7, 96.0, (72.0, 96.0))),
        ("fill_and_go", 330.0, 72.0, 24.0, 240.0, Spread("pert about the mean", 24.0, 72.0, 240.0)),
        ("fill_and_go", 330.0, 24.0, 24.0, 240.0, Spread("pert", 24.0, 24.0, 240.0)),
        ("fill_and_go", np.nan, 72.0, np.nan, np.nan, None),
        ("fill_and_go", np.nan, 0.0, np.nan, np.nan, None),
    ],
)
def test_how_a_wait_is_distributed(
    rule: str, departures: float, wait: float, low: float, high: float, expected: Spread | None
) -> None:
    row = pd.Series({"departure_rule": rule, "departures_per_year": departures, "weekdays": "25",
                     "wait_hours_low": low, "wait_hours_high": high})  # fmt: skip
    assert spread_of_wait(row.to_dict(), wait) == expected


def test_the_wait_for_a_weekly_timetable_is_exact() -> None:
    """Tuesdays and Fridays at noon, loading closes 6 h before: goods that come at any minute of the week."""
    row = pd.Series({"departure_rule": "timetable", "departures_per_year": np.nan, "weekdays": "25",
                     "cutoff_hours": 6.0, "wait_hours_low": np.nan, "wait_hours_high": np.nan})  # fmt: skip
    spread = spread_of_wait(row.to_dict(), 50.57)
    assert spread is not None
    closes = np.array([1 * 24 + 6.0, 4 * 24 + 6.0, 8 * 24 + 6.0])
    come = (np.arange(168_000) + 0.5) / 1000
    wait = closes[np.searchsorted(closes, come)] - come + 6.0
    shares = np.linspace(0.01, 0.99, 50)
    np.testing.assert_allclose(quantile(spread, shares), np.quantile(wait, shares), atol=2e-3)
    assert spread.middle == pytest.approx(wait.mean(), abs=1e-3)


def test_a_value_without_a_range_is_not_drawn() -> None:
    assert spread_of_range(12.0, np.nan, np.nan) is None
    assert spread_of_range(12.0, 12.0, 12.0) is None
    assert spread_of_range(12.0, np.nan, 20.0) == Spread("pert", 12.0, 12.0, 20.0)
    assert spread_of_range(12.0, 15.0, 20.0) == Spread("pert", 12.0, 12.0, 20.0)  # the value itself is possible


def test_one_drawn_leg_alone() -> None:
    """A border of 4, 6 or 36 hours: the draws of the journey are its distribution, whatever else is fixed."""
    model = with_ranges()
    border = arc_of(model, ArcKind.BORDER)
    drawn = draw_journey(DrawBook(model, 1000, 0), [border])
    exact = stats.beta(1 + 4 * 2 / 32, 1 + 4 * 30 / 32, 4, 32)
    np.testing.assert_allclose(np.sort(drawn.hours[-1]), exact.ppf((np.arange(1000) + 0.5) / 1000), rtol=1e-9)
    assert drawn.drawn_share == 1.0


# Sums, common numbers, seeds --------------------------------------------------------------------------------------


def test_independent_legs_add_up_in_mean_and_variance() -> None:
    model = with_ranges()
    border, transfer = arc_of(model, ArcKind.BORDER), arc_of(model, ArcKind.TRANSFER)
    total = draw_journey(DrawBook(model, 20_000, 3), [border, transfer]).hours[-1]
    parts = [stats.beta(1 + 4 * 2 / 32, 1 + 4 * 30 / 32, 4, 32), stats.beta(1.8, 4.2, 12, 60)]
    assert total.mean() == pytest.approx(sum(p.mean() for p in parts), rel=1e-3)
    assert total.var() == pytest.approx(sum(p.var() for p in parts), rel=0.02)


def test_the_same_element_has_the_same_number_on_every_route() -> None:
    model = with_ranges()
    border, transfer = arc_of(model, ArcKind.BORDER), arc_of(model, ArcKind.TRANSFER)
    one = draw_journey(DrawBook(model, 500, 7), [border])
    other = draw_journey(DrawBook(model, 500, 7), [transfer, border])
    np.testing.assert_allclose(np.diff(other.hours, axis=0)[0], one.hours[0], rtol=0, atol=1e-9)


def test_draws_come_from_seed_and_name_alone() -> None:
    assert order_of("borders:x", draws=5, seed=1).tolist() == order_of("borders:x", draws=5, seed=1).tolist()
    assert order_of("borders:x", draws=50, seed=1).tolist() != order_of("borders:x", draws=50, seed=2).tolist()
    assert order_of("borders:x", draws=50, seed=1).tolist() != order_of("borders:y", draws=50, seed=1).tolist()


# Dated departures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slack", [1.0, 5.0, 12.0, 30.0])
def test_missing_a_weekly_sailing_has_its_exact_chance_and_delay(slack: float) -> None:
    """The border's usual end is `slack` hours before loading closes: missed when it takes longer, then a week later."""
    model = with_ranges()
    border, sailing = arc_of(model, ArcKind.BORDER), arc_of(model, ArcKind.HAUL)
    ready = 6.0 + slack
    leave = ready * 60 + 120 + WEEK * np.arange(10)
    gate = Gate(leave - 120, leave)
    drawn = draw_journey(DrawBook(model, 2000, 0), [border, sailing], gates={sailing: gate})
    exact = stats.beta(1 + 4 * 2 / 32, 1 + 4 * 30 / 32, 4, 32).sf(ready)
    assert drawn.missed.mean() == pytest.approx(exact, abs=1 / 2000)
    late = drawn.hours[-1].max() - drawn.hours[-1].min()
    assert late == pytest.approx(168.0 if exact > 1 / 2000 else 0.0)
    on_the_way = float(model.graph.hours[sailing])
    np.testing.assert_allclose(np.unique(drawn.hours[-1].round(6))[0], ready + 2 + on_the_way)
    assert drawn.waiting[1].min() >= 2.0 - 1e-9


def test_a_timetable_that_ends_is_not_arrival() -> None:
    model = with_ranges()
    border, sailing = arc_of(model, ArcKind.BORDER), arc_of(model, ArcKind.HAUL)
    gate = Gate(np.array([600.0]), np.array([600.0]))  # one departure, after ten hours
    drawn = draw_journey(DrawBook(model, 1000, 0), [border, sailing], gates={sailing: gate})
    exact = stats.beta(1 + 4 * 2 / 32, 1 + 4 * 30 / 32, 4, 32).sf(10.0)
    assert np.isinf(drawn.hours[-1]).mean() == pytest.approx(exact, abs=1e-3)


def test_opening_hours_let_pass_at_once_or_wait() -> None:
    model = with_ranges()
    border, sailing = arc_of(model, ArcKind.BORDER), arc_of(model, ArcKind.HAUL)
    day = 24 * 60.0 * np.arange(5)
    gate = Gate(last=day + 18 * 60, leave=day + 8 * 60)  # open from 8 to 18
    drawn = draw_journey(DrawBook(model, 1000, 0), [border, sailing], gates={sailing: gate})
    came = drawn.hours[0]
    gone = came + drawn.waiting[1]
    hour = gone % 24
    assert ((hour >= 8 - 1e-9) & (hour <= 18 + 1e-9)).all()
    inside = (came % 24 >= 8) & (came % 24 <= 18)
    assert (drawn.waiting[1][inside] == 0).all()


# Money of waiting -------------------------------------------------------------------------------------------------


def charge(*, by_day: bool) -> DwellCharge:
    """Nothing for a day, then 10 USD a unit and day, from the third day on 20 USD and 1 USD a tonne."""
    return DwellCharge("storage", by_day, 2024, (DwellStep(0, 24.0, 10.0, 0.0), DwellStep(1, 72.0, 20.0, 1.0)))


@pytest.mark.parametrize("by_day", [True, False])
def test_waiting_is_charged_in_the_draws_as_on_the_bill(*, by_day: bool) -> None:
    usd = storage_of([charge(by_day=by_day)], tonnes=30.0, units=2.0, worth=[1.0])
    hours = np.array([0.0, 24.0, 30.0, 48.0, 71.0, 72.0, 73.0, 96.0, 200.0])
    bill = [charge(by_day=by_day).usd(h, 30.0, 2.0) / 30.0 for h in hours.tolist()]
    np.testing.assert_allclose(usd(hours), bill, atol=1e-12)


def test_a_wait_longer_than_the_free_hours_is_paid() -> None:
    model = with_ranges()
    border, sailing = arc_of(model, ArcKind.BORDER), arc_of(model, ArcKind.HAUL)
    leave = 60.0 * np.array([12.0, 12.0 + 168.0])
    usd = storage_of([charge(by_day=False)], tonnes=20.0, units=1.0, worth=[2.0])
    drawn = draw_journey(DrawBook(model, 1000, 0), [border, sailing], gates={sailing: Gate(leave, leave)},
                         storage={sailing: usd})  # fmt: skip
    late = drawn.hours[0] > 12.0
    assert (drawn.usd[1][~late] == 0).all()
    np.testing.assert_allclose(drawn.usd[1][late], usd(180.0 - drawn.hours[0][late]))
    assert drawn.usd[1][late].min() > 0


# Departures that do not run ---------------------------------------------------------------------------------------


def ferry(**fields: Any) -> Model:
    """The tiny case with a sailing B - C of grain."""
    row: dict[str, Any] = {
        "id": "ferry", "name": "Ferry", "mode": "sea", "service_class": "liner", "carrying_units": "bulk",
        "from_node": "B", "to_node": "C", "departure_rule": "frequency", "departures_per_year": 73.0, "hours": 30.0,
        "wait_hours": 60.0,
    }  # fmt: skip
    return build_model(tiny(services=pd.DataFrame([row | fields])))


def test_cancelled_departures_add_whole_headways_as_often_as_the_table_says() -> None:
    model = ferry(cancelled_share=0.3)
    wait = arc_of(model, ArcKind.WAIT)
    with_none, with_some = (
        draw_journey(DrawBook(m, 4000, 0), [arc_of(m, ArcKind.WAIT)]).hours[-1] for m in (ferry(), model)
    )
    extra = (with_some - with_none) / 120.0
    np.testing.assert_allclose(extra, extra.round(), atol=1e-9)
    shares = [float((extra.round() >= n).mean()) for n in (1, 2, 3)]
    np.testing.assert_allclose(shares, [0.3, 0.09, 0.027], atol=1e-3)
    assert with_none.mean() == pytest.approx(60.0, rel=1e-3)
    assert model.graph.wait_hours[wait] == 60.0


def test_a_dated_departure_that_does_not_run_is_off_on_every_route() -> None:
    model = ferry(cancelled_share=0.25)
    wait = arc_of(model, ArcKind.WAIT)
    leave = 1440.0 * np.arange(1, 40)
    book = DrawBook(model, 2000, 0)
    today, tomorrow = (
        draw_journey(book, [wait], gates={wait: Gate(leave, leave)}, start=s).hours[-1] + s / 60 for s in (0.0, 1440.5)
    )
    assert float((today > 24).mean()) == pytest.approx(0.25, abs=1e-3)
    assert float((tomorrow > 48).mean()) == pytest.approx(0.25, abs=1e-3)
    late = today > 24 + 1e-6
    np.testing.assert_allclose(np.maximum(today[late], 48), tomorrow[late])


# Properties -------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**31), deadlines=st.lists(st.floats(0, 400), min_size=2, max_size=6))
def test_a_later_deadline_is_never_less_likely_to_be_met(seed: int, deadlines: list[float]) -> None:
    model = with_ranges()
    arcs = [arc_of(model, ArcKind.TRANSFER), arc_of(model, ArcKind.BORDER)]
    hours = draw_journey(DrawBook(model, 200, seed), arcs).hours[-1]
    shares = [float((hours <= d).mean()) for d in sorted(deadlines)]
    assert shares == sorted(shares)


@given(
    low=st.floats(0, 100), up=st.floats(0.1, 100), share=st.floats(0, 1), kind=st.sampled_from(["pert", "mean"]),
)  # fmt: skip
def test_draws_stay_within_the_range_and_rise_with_the_share(low: float, up: float, share: float, kind: str) -> None:
    middle = low + share * up
    spread = spread_of_range(middle, low, low + up, kind="pert" if kind == "pert" else "pert about the mean")
    assert spread is not None
    values = quantile(spread, np.linspace(0.01, 0.99, 23))
    assert (np.diff(values) >= 0).all()
    assert values[0] >= spread.low - 1e-9
    assert values[-1] <= spread.high + 1e-9
