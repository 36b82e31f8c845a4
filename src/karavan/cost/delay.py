"""Delay functions: time on a link, at a border or terminal, as it grows with flow.

r is flow over capacity, t0 the free-flow time. Parameters `b` and `power` mean:

========  =======================================================  ===============  ====================
function  time                                                     b                power
========  =======================================================  ===============  ====================
constant  t0                                                       not used         not used
bpr       t0 (1 + b r^power)                                       0 or more        0, or 1 or more
bpr2      as bpr; the power doubles where r exceeds 1              0 or more        0, or 1 or more
conical   t0 (2 + sqrt(p^2 (1-r)^2 + q^2) - p (1-r) - q)           not used         p, above 1
akcelik   t0 + T/4 (r - 1 + sqrt((r-1)^2 + 8 b r / (capacity T)))  delay parameter  T, length of period
queue     t0 (1 + b r^power / (1-r))                               (a + s) / (2 c)  sqrt(2 (c+1)) - 1
========  =======================================================  ===============  ====================

Conical: q = (2p - 1) / (2p - 2). Akcelik: times in the unit of t0, capacity per that unit. Queue: a terminal of c
berths or tracks that handles each unit in t0, a and s the squared coefficients of variation of the time between
arrivals and of handling (a single berth, random arrivals and times: b = power = 1); beyond 95 % of capacity, where the
formula has no bound, time goes on along its tangent: a queue too long for the year is dear, not infinite.

Sources: Bureau of Public Roads, Traffic Assignment Manual (1964); Spiess, Conical volume-delay functions,
Transportation Science 24 (1990) 153-158; Akcelik, Travel time functions for transport planning purposes, Australian
Road Research 21 (1991) 49-59; Sakasegawa, An approximation formula Lq = alpha rho^beta / (1 - rho), Annals of the
Institute of Statistical Mathematics 29 (1977) 67-75. BPR2: as in AequilibraE.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Float = NDArray[np.float64]
    Long = NDArray[np.int64]
    Bool = NDArray[np.bool_]

SHOWN = 5


class DelayFunction(IntEnum):
    """Delay functions by the code their kernels know them by."""

    CONSTANT = 0
    BPR = 1
    BPR2 = 2
    CONICAL = 3
    AKCELIK = 4
    QUEUE = 5


@dataclass(frozen=True, slots=True, eq=False)
class Delays:
    """Delay functions of links, checked. Arrays of shape (n_links,).

    Attributes
    ----------
    kind
        `DelayFunction` codes; a function that does not depend on flow is `CONSTANT`.
    table
        (n_links, 4): time at zero flow, one over capacity (0 where constant), b, power.
    """

    kind: Long
    table: Float


def make_delays(
    function: str | Sequence[str] | ArrayLike,
    *,
    free_time: ArrayLike,
    capacity: ArrayLike,
    b: ArrayLike,
    power: ArrayLike,
) -> Delays:
    """Check delay functions and bring them to the form the kernels take.

    Parameters
    ----------
    function
        Names ("bpr") or `DelayFunction` codes, one for all links or one each.
    free_time, capacity, b, power
        (n_links,), see the head of this module. Any unit of time; flow has the unit of capacity.

    Raises
    ------
    ValueError
        With every fault found: unknown function, missing values, no capacity, a time that falls with flow.

    Examples
    --------
    >>> d = make_delays("bpr", free_time=[10.0], capacity=[100.0], b=[0.15], power=[4.0])
    >>> [round(float(v[0]), 6) for v in (delay(d, [100.0]), delay_slope(d, [100.0]), delay_integral(d, [100.0]))]
    [11.5, 0.06, 1030.0]
    """
    columns = [np.asarray(x, np.float64) for x in (free_time, capacity, b, power)]
    shapes = {x.shape for x in columns}
    if len(shapes) != 1 or columns[0].ndim != 1:
        message = f"delays: free_time, capacity, b and power have shapes {', '.join(str(x.shape) for x in columns)}"
        raise ValueError(message)
    time, room, factor, exponent = columns
    kind, faults = _codes(function, time.size)
    if not faults:
        faults = _faults(kind, time, room, factor, exponent)
    if faults:
        raise ValueError("delays: " + "; ".join(faults))
    polynomial = (kind == DelayFunction.BPR) | (kind == DelayFunction.BPR2)
    flat = polynomial & ((factor == 0.0) | (exponent == 0.0))
    still = (kind == DelayFunction.CONSTANT) | flat | ((time == 0.0) & (kind != DelayFunction.AKCELIK))
    table = np.zeros((time.size, 4))
    table[:, 0] = np.where(flat & (exponent == 0.0), time * (1.0 + factor), time)
    with np.errstate(over="ignore"):
        np.divide(1.0, room, out=table[:, 1], where=~still)
    table[:, 2], table[:, 3] = np.where(still, 0.0, factor), np.where(still, 0.0, exponent)
    if not np.isfinite(table).all():
        message = "delays: a capacity is so small that one over it has no value; give it in a greater unit"
        raise ValueError(message)
    return Delays(np.where(still, 0, kind).astype(np.int64), table)


def _codes(function: str | Sequence[str] | ArrayLike, n: int) -> tuple[Long, list[str]]:
    given = np.asarray(function)
    if given.dtype.kind in "UOT":
        names = {f.name.lower(): int(f) for f in DelayFunction}
        unknown = sorted({str(x) for x in given.ravel().tolist()} - names.keys())
        if unknown:
            return np.zeros(n, np.int64), [f"there is no function {', '.join(unknown)}; give one of {', '.join(names)}"]
        given = np.array([names[str(x)] for x in given.ravel().tolist()], np.int64).reshape(given.shape)
    if given.ndim and given.shape != (n,):
        return np.zeros(n, np.int64), [f"function has shape {given.shape}, not {(n,)}"]
    codes = np.broadcast_to(given.astype(np.int64), (n,))
    if n and (codes.min() < 0 or codes.max() > max(DelayFunction)):
        return codes, [f"function has a code outside 0 to {max(DelayFunction)}"]
    return codes, []


def _faults(kind: Long, time: Float, room: Float, factor: Float, exponent: Float) -> list[str]:
    polynomial = (kind == DelayFunction.BPR) | (kind == DelayFunction.BPR2)
    moving = (kind != DelayFunction.CONSTANT) & ~(polynomial & ((factor == 0.0) | (exponent == 0.0)))
    conical, akcelik = kind == DelayFunction.CONICAL, kind == DelayFunction.AKCELIK
    checks: list[tuple[Bool, str]] = [
        (~np.isfinite(time), "free_time is missing or not finite"),
        (time < 0.0, "free_time is negative"),
        (moving & ~np.isfinite(room), "capacity is missing or not finite"),
        (moving & (room <= 0.0), "capacity is not above zero, so the delay has no value"),
        ((polynomial | akcelik | (kind == DelayFunction.QUEUE)) & ~np.isfinite(factor), "b is missing or not finite"),
        (moving & ~conical & (factor < 0.0), "b is negative: time would fall with flow"),
        ((kind != DelayFunction.CONSTANT) & ~np.isfinite(exponent), "power is missing or not finite"),
        (moving & ~conical & ~akcelik & (exponent < 0.0), "power is negative: time would fall with flow"),
        (
            moving & ~conical & ~akcelik & (exponent >= 0.0) & (exponent < 1.0),
            "power is between 0 and 1: the slope at zero flow has no bound; give 0, or 1 and above",
        ),
        (conical & (exponent <= 1.0), "power of a conical function is not above 1"),
        (akcelik & (exponent <= 0.0), "power of an Akcelik function, the length of the period, is not above zero"),
    ]
    return [f"{text} ({_places(where)})" for where, text in checks if where.any()]


def _places(where: Bool) -> str:
    found = np.flatnonzero(where)
    more = f" and {found.size - SHOWN} more" if found.size > SHOWN else ""
    return f"link {', '.join(map(str, found[:SHOWN]))}{more}"


def delay(delays: Delays, flow: ArrayLike) -> Float:
    """Return the time on each link at a flow. Shape (n_links,), unit of `free_time`."""
    return _time_and_slope(delays, flow)[0]


def delay_slope(delays: Delays, flow: ArrayLike) -> Float:
    """Return how time grows with flow, unit of `free_time` per unit of flow; at a kink from below."""
    return _time_and_slope(delays, flow)[1]


def delay_integral(delays: Delays, flow: ArrayLike) -> Float:
    """Return the integral of time over flow from zero, link by link."""
    from karavan.kernels import equilibrium_delay

    flows = _flows(delays, flow)
    out = np.empty(flows.size)
    equilibrium_delay.delay_integrals(delays.kind, flows, delays.table, out)
    return out


def _time_and_slope(delays: Delays, flow: ArrayLike) -> tuple[Float, Float]:
    from karavan.kernels import equilibrium_delay

    flows = _flows(delays, flow)
    time, slope = np.empty(flows.size), np.empty(flows.size)
    equilibrium_delay.delays(delays.kind, flows, delays.table, time, slope)
    return time, slope


def _flows(delays: Delays, flow: ArrayLike) -> Float:
    flows = np.asarray(flow, np.float64)
    if flows.shape != delays.kind.shape or not (flows >= 0.0).all():
        message = f"flow has shape {flows.shape} or negative or missing values; give {delays.kind.shape}, from 0 up"
        raise ValueError(message)
    return flows
