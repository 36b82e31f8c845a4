"""Delay functions: value, slope, curvature and integral belong together; the twin agrees; bad input is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from karavan.cost.delay import DelayFunction, delay, delay_integral, delay_slope, make_delays
from karavan.kernels import equilibrium_delay as kernels
from karavan.kernels import reference_equilibrium as reference

CASES = {
    "constant": (0.0, 0.0),
    "bpr": (0.15, 4.0),
    "bpr2": (0.15, 4.0),
    "conical": (0.0, 6.0),
    "akcelik": (0.4, 1.0),
    "queue": (0.5, 1.45),
}
some = st.tuples(
    st.sampled_from(sorted(CASES)),
    st.floats(0.1, 50.0),
    st.floats(1.0, 5000.0),
    st.floats(0.01, 3.0),
    st.floats(1.0, 6.0).map(lambda p: round(p, 2)),
    st.floats(1e-3, 2.5),  # no flow at all is among the known values; differences and quadrature fail next to it
)


def row(name: str, time: float, capacity: float, b: float, power: float) -> tuple[int, Any]:
    d = make_delays(
        name, free_time=[time], capacity=[capacity], b=[b], power=[max(power, 1.05) if name == "conical" else power]
    )
    return int(d.kind[0]), d


@given(some)
def test_value_agrees_with_the_twin_and_never_falls(case: tuple[str, float, float, float, float, float]) -> None:
    name, time, capacity, b, power, r = case
    kind, d = row(name, time, capacity, b, power)
    x = r * capacity
    value = delay(d, [x])[0]
    assert value == pytest.approx(reference.delay(kind, x, *d.table[0]), rel=1e-12)
    assert delay(d, [x * 1.01 + 0.01])[0] >= value * (1 - 1e-14)
    assert delay_slope(d, [x])[0] >= 0.0
    marginal, _ = kernels.delay_at(kind + kernels.MARGINAL, x, *d.table[0])
    if abs(r - 1.0) > 1e-3 and abs(r - kernels.QUEUE_LIMIT) > 1e-3:
        assert marginal == pytest.approx(reference.delay(kind + 8, x, *d.table[0]), rel=1e-5)


@given(some)
def test_slopes_and_integrals(case: tuple[str, float, float, float, float, float]) -> None:
    name, time, capacity, b, power, r = case
    kind, d = row(name, time, capacity, b, power)
    x, args = r * capacity, d.table[0]
    for code in (kind, kind + kernels.MARGINAL):
        if min(abs(r - 1.0), abs(r - kernels.QUEUE_LIMIT)) > 1e-2 and r > 1e-2:
            h = 1e-5 * x
            ends = [kernels.delay_at(code, y, *args)[0] for y in (x - h, x + h)]
            assert kernels.delay_at(code, x, *args)[1] == pytest.approx(
                (ends[1] - ends[0]) / (2 * h), rel=2e-3, abs=1e-9
            )
        kinks = [k * capacity for k in (1.0, kernels.QUEUE_LIMIT) if 0.0 < k < r]
        area = quad(lambda y, c=code: kernels.delay_at(c, y, *args)[0], 0.0, x, points=kinks or None, limit=200)[0]
        assert kernels.delay_sum(code, x, *args) == pytest.approx(area, rel=1e-7, abs=1e-9)
    assert delay_integral(d, [x])[0] == kernels.delay_sum(kind, x, *args)


def test_known_values() -> None:
    d = make_delays(
        list(CASES), free_time=[10.0] * 6, capacity=[100.0] * 6,
        b=[b for b, _ in CASES.values()], power=[p for _, p in CASES.values()],
    )  # fmt: skip
    np.testing.assert_allclose(delay(d, [0.0] * 6), [10.0] * 6, rtol=1e-14)
    at_capacity = delay(d, [100.0] * 6)
    np.testing.assert_allclose(at_capacity[:4], [10.0, 11.5, 11.5, 20.0], rtol=1e-14)  # Spiess: twice, at capacity
    assert at_capacity[4] == pytest.approx(10.0 + 0.25 * np.sqrt(8 * 0.4 / 100.0), rel=1e-14)
    assert delay(d, [200.0] * 6)[2] == pytest.approx(10.0 * (1 + 0.15 * 2**8), rel=1e-14)
    # one berth, random arrivals and handling: the time in an M/M/1 queue
    one = make_delays("queue", free_time=[1.0], capacity=[1.0], b=[1.0], power=[1.0])
    np.testing.assert_allclose(delay(one, [0.8]), [5.0], rtol=1e-14)


def test_what_does_not_depend_on_flow_is_constant() -> None:
    d = make_delays(
        "bpr", free_time=[2.0, 2.0, 0.0], capacity=[0.0, 0.0, 5.0], b=[0.0, 0.5, 0.15], power=[4.0, 0.0, 4.0]
    )
    assert d.kind.tolist() == [DelayFunction.CONSTANT] * 3
    assert delay(d, [9.0, 9.0, 9.0]).tolist() == [2.0, 3.0, 0.0]
    assert delay_slope(d, [9.0, 9.0, 9.0]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"capacity": [0.0, 1.0]}, r"capacity is not above zero, so the delay has no value \(link 0\)"),
        ({"capacity": [-1.0, 1.0]}, "capacity is not above zero"),
        ({"capacity": [np.nan, 1.0]}, "capacity is missing"),
        ({"capacity": [1e-320, 1.0]}, "so small"),
        ({"free_time": [1.0, np.nan]}, r"free_time is missing or not finite \(link 1\)"),
        ({"free_time": [-1.0, 1.0]}, "free_time is negative"),
        ({"b": [-0.1, 0.1]}, "time would fall with flow"),
        ({"power": [-1.0, 4.0]}, "time would fall with flow"),
        ({"power": [0.5, 4.0]}, "between 0 and 1"),
        ({"power": [np.inf, 4.0]}, "power is missing or not finite"),
        ({"function": "conical", "power": [1.0, 4.0]}, "not above 1"),
        ({"function": "akcelik", "power": [0.0, 4.0]}, "period"),
        ({"function": "davidson"}, "no function davidson"),
        ({"function": [9, 9]}, "code outside"),
        ({"function": ["bpr"]}, r"function has shape \(1,\)"),
        ({"b": [0.1]}, "have shapes"),
    ],
)
def test_bad_input(change: dict[str, Any], said: str) -> None:
    given_ = {"function": "bpr", "free_time": [1.0, 1.0], "capacity": [1.0, 1.0], "b": [0.1, 0.1], "power": [4.0, 4.0]}
    with pytest.raises(ValueError, match=said):
        make_delays(**(given_ | change))


def test_bad_flow() -> None:
    d = make_delays("bpr", free_time=[1.0], capacity=[1.0], b=[0.1], power=[4.0])
    for flow in ([-1.0], [np.nan], [1.0, 2.0]):
        with pytest.raises(ValueError, match="flow has shape"):
            delay(d, flow)
