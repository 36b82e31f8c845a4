"""How busy berths may be: queues in the steady state, in closed form."""

from __future__ import annotations

from typing import Literal

Service = Literal["M/M/c", "M/E2/c", "M/D/c"]
VARIATION: dict[Service, float] = {"M/M/c": 1.0, "M/E2/c": 0.5, "M/D/c": 0.0}  # squared coefficient of service times


def erlang_c(servers: int, occupation: float) -> float:
    """Return the chance that a ship that comes at random must wait, with service times of exponential length.

    Erlang's second formula (1917), by the recursion of the loss formula, which does not overflow. `occupation` is the
    share of time the servers are busy, 0 up to 1.

    Examples
    --------
    >>> round(erlang_c(1, 0.6), 3), round(erlang_c(2, 0.5), 3)
    (0.6, 0.333)
    """
    if servers < 1 or not 0.0 <= occupation < 1.0:
        message = f"{servers} servers, occupation {occupation}: give at least 1 server, and from 0 up to 1"
        raise ValueError(message)
    load, loss = servers * occupation, 1.0
    for k in range(1, servers + 1):
        loss = load * loss / (k + load * loss)
    return loss / (1.0 - occupation * (1.0 - loss))


def wait_ratio(servers: int, occupation: float, *, service: Service = "M/M/c") -> float:
    """Return mean waiting time over mean service time.

    Exact for M/M/c (`Wq = C / (c mu - lambda)`); for others the approximation of Allen and Cunneen, `Wq(M/M/c)` times
    `(1 + cs^2) / 2` (exact for one server).

    Examples
    --------
    >>> wait_ratio(1, 0.5), wait_ratio(1, 0.5, service="M/D/c")
    (1.0, 0.5)
    """
    of_exponential = erlang_c(servers, occupation) / (servers * (1.0 - occupation))
    return of_exponential * (1.0 + VARIATION[service]) / 2.0


def occupation_at(servers: int, ratio: float, *, service: Service = "M/M/c") -> float:
    """Return the occupation at which the mean wait is `ratio` times the mean service time, by bisection to 1e-9.

    Examples
    --------
    >>> round(occupation_at(1, 0.1), 3), round(occupation_at(5, 0.2), 2)
    (0.091, 0.67)
    """
    if ratio <= 0.0:
        message = f"ratio is {ratio}; a wait of nothing allows no ships: give a number above 0"
        raise ValueError(message)
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2.0
        low, high = (middle, high) if wait_ratio(servers, middle, service=service) < ratio else (low, middle)
    return low
