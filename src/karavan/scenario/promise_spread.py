"""What is drawn when a promise is judged under uncertainty, how widely, and why.

Capacities at confidence C, tariffs at confidence C, and every other value of a capacity or a length that `provenance`
keeps and that can be read as a number of the same kind. What cannot be read so is listed, not guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from karavan.schema.case import position
from karavan.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from karavan.scenario.promise_ground import Basis, Ground
    from karavan.schema.case import Case

    Float = NDArray[np.float64]

ROUGH = 0.25
"""Logarithmic spread of an estimate of which nothing else is known: class 4 of the AACE cost estimate classification
(18R-97), what a study of concept reaches, is off by 15 to 30 percent below and 20 to 50 above."""

ENOUGH_PAIRS = 5
TO_SIGMA = 1.4826  # of a median absolute deviation, for a normal distribution

OTHER_TIME = re.compile(
    r"\b(19|20)\d\d\b|planned|later|after|before|expected|forecast|agreed|reached|possible|project|design|claimed|phase|"
    r"stage|complete|opened|works|built|when|will|old|new|whole|total|in all|together|both|by the|if ",
    re.IGNORECASE,
)
"""Words by which a clause speaks of another time, plan or whole, and so not of the same thing now."""

NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
CAPACITY = re.compile(
    rf"^\s*(?:about\s+)?{NUMBER}(?:\s*(?:-|to)\s*{NUMBER})?\s*(thousand\s+)?"
    r"(Mt|t|TEU|wagons|trains|pairs|trucks|vehicles)?\s*(a day)?\b",
)
LENGTH = re.compile(rf"^\s*(?:about\s+)?{NUMBER}(?:\s*(?:-|to|and)\s*{NUMBER})?\s*$")
UNITS: Mapping[str, tuple[str, float]] = {
    "Mt": ("tonnes", 1e6), "t": ("tonnes", 1.0), "TEU": ("teu", 1.0), "wagons": ("wagons", 1.0),
    "trains": ("trains", 1.0), "pairs": ("trains", 1.0), "trucks": ("trucks", 1.0), "vehicles": ("trucks", 1.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """One thing drawn: a lognormal factor on a value, or one of several values, each as likely, or both.

    `options` holds the value used and the others; `sigma` is the logarithmic spread, 0 where there is none.
    """

    table: str
    id: str
    field: str
    options: tuple[float, ...]
    sigma: float
    why: str


def capacity_spreads(ground: Ground, basis: Basis) -> list[Spread]:
    """Return what is drawn of the capacities of a basis, in the order of the facilities."""
    case = ground.case
    table, capacity, rests = case.facilities, ground.capacity[basis], ground.rests_on[basis]
    sigma, why = capacity_sigma(table[rests != "project"])
    others = _others(case, "facilities")
    out = []
    for name in (str(n) for n in table.index):
        field = f"capacity_{'stated' if rests[name] == 'project' else rests[name]}"
        used, unit = float(capacity[name]), str(table.loc[name, "unit"])
        confidence, text = others.get((name, field), (None, ""))
        alternatives = () if rests[name] == "project" else read_capacities(text, unit)
        rough = bool((confidence or table.loc[name, "confidence"]) == "C")
        reasons = [f"confidence C: {why}"] * rough + ["other values in provenance"] * bool(alternatives)
        if reasons:
            values = (used, *(a for a in alternatives if a != used))
            out.append(Spread("facilities", name, field, values, sigma if rough else 0.0, "; ".join(reasons)))
    return out


def capacity_sigma(facilities: pd.DataFrame) -> tuple[float, str]:
    """Return the logarithmic spread of a capacity that is an estimate, and where it is taken from.

    By how much stated and computed capacities disagree where a facility has both: the robust spread (1.4826 times the
    median absolute deviation) of the logarithm of their ratio. `ROUGH` where fewer than five have both.
    """
    both = facilities[(facilities["capacity_stated"] > 0) & (facilities["capacity_computed"] > 0)]
    ratio = np.log((both["capacity_stated"] / both["capacity_computed"]).to_numpy(dtype=np.float64))
    if ratio.size < ENOUGH_PAIRS:
        return ROUGH, f"spread {ROUGH:.0%}, as of a study of concept"
    sigma = TO_SIGMA * float(np.median(np.abs(ratio - np.median(ratio))))
    return sigma, f"spread {sigma:.0%}, by which stated and computed disagree at {ratio.size} facilities that have both"


def tariff_spreads(case: Case) -> list[Spread]:
    """Return what is drawn of freight tariffs: a factor on every row at confidence C."""
    rough = case.freight_tariffs["confidence"] == "C"
    why = f"confidence C: spread {ROUGH:.0%}, as of a study of concept"
    return [Spread("freight_tariffs", str(n), "usd", (1.0,), ROUGH, why) for n in case.freight_tariffs.index[rough]]


def length_spreads(case: Case) -> list[Spread]:
    """Return what is drawn of lengths: the other values that `provenance` keeps of links."""
    out = []
    for (name, field), (_, text) in _others(case, "links").items():
        if field == "length_km" and name in case.links.index:
            used, others = float(case.links["length_km"].iloc[position(case.links, name)]), read_lengths(text)
            if others:
                out.append(Spread("links", name, field, (used, *others), 0.0, "other values in provenance"))
    return out


def not_drawn(case: Case, drawn: list[Spread]) -> list[tuple[str, str, str]]:
    """Return (table, id, field) of the cells with other values in `provenance` that are not drawn."""
    have = {(s.table, s.id, s.field) for s in drawn}
    cells = case.provenance[case.provenance["other_values"].notna()]
    keys = [(str(r.table), str(r.id), str(r.field)) for r in cells.itertuples()]
    return [k for k in keys if k not in have]


def read_capacities(text: str, unit: str) -> tuple[float, ...]:
    """Read the values in a cell of `other_values` that are capacities of a unit a year at the same time.

    Examples
    --------
    >>> read_capacities("7.5 Mt [a]; 15 Mt with the new port [b]; 40 wagons a day [c]", "tonnes")
    (7500000.0,)
    """
    out: list[float] = []
    for clause in _clauses(text):
        found = CAPACITY.match(clause)
        if found is None or found[4] is None or UNITS[found[4]][0] != unit:
            continue
        times = UNITS[found[4]][1] * (1000.0 if found[3] else 1.0) * (DAYS_PER_YEAR if found[5] else 1.0)
        if UNITS[found[4]][0] in {"trains", "wagons"} and not found[5] and "year" not in clause:
            continue
        out += [times * float(n.replace(",", "")) for n in (found[1], found[2]) if n]
    return tuple(dict.fromkeys(out))


def read_lengths(text: str) -> tuple[float, ...]:
    """Read the values in a cell of `other_values` that are plain numbers.

    Examples
    --------
    >>> read_lengths("120 [a]; 435 to 443 [b]; whole line 902 [c]")
    (120.0, 435.0, 443.0)
    """
    found = [LENGTH.match(clause) for clause in _clauses(text)]
    return tuple(float(n.replace(",", "")) for m in found if m for n in m.groups() if n)


def _clauses(text: str) -> list[str]:
    """Return the clauses that speak of the same thing now, without their sources."""
    out = []
    for clause in text.split(";"):
        inside = " ".join(re.findall(r"\[[^\]]*?,([^\]]*)\]", clause))
        plain = re.sub(r"\[[^\]]*\]", "", clause)
        if not OTHER_TIME.search(f"{plain} {inside}"):
            out.append(plain.strip())
    return out


def _others(case: Case, table: str) -> dict[tuple[str, str], tuple[str | None, str]]:
    """Return confidence and other values of the cells of a table that `provenance` speaks of."""
    rows = case.provenance[case.provenance["table"] == table]
    return {
        (str(r.id), str(r.field)): (
            r.confidence if isinstance(r.confidence, str) else None,
            r.other_values if isinstance(r.other_values, str) else "",
        )
        for r in rows.itertuples()
    }
