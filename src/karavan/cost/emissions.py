"""Greenhouse gas of moving goods, arc by arc, following the structure of ISO 14083: tonne-kilometres times intensity.

Well-to-wheel and tank-to-wheel figures are kept apart and never summed; so are movement and hub operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.network.graph import ArcKind, Graph
from karavan.schema.case import positions
from karavan.units import great_circle_km

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from karavan.schema.case import Case

G_PER_KG = 1000.0
TRANSPORT, LOADING = "transport", "loading"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ArcEmissions:
    """kg CO2e per tonne on each arc, shape (n_arcs,): well-to-wheel where known, else tank-to-wheel alone.

    `low` and `high` give the range where sources differ (equal to `central` elsewhere). `ttw_km` are kilometres whose
    factor is tank-to-wheel only, `bare_km` kilometres without any factor. `hub`, with its range, is what hub operations
    emit, well-to-wheel, and no part of `central`; `bare_hub` marks those without a factor.
    """

    central: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    ttw_central: NDArray[np.float64]
    ttw_km: NDArray[np.float64]
    bare_km: NDArray[np.float64]
    hub: NDArray[np.float64]
    hub_low: NDArray[np.float64]
    hub_high: NDArray[np.float64]
    bare_hub: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Factor:
    """One row of emission factors: g CO2e a tonne-kilometre of movement, or kg a tonne of a hub operation."""

    row: int
    id: str
    operation: str
    mode: str | None
    carrying_unit: str | None
    electrified: bool | None
    country: str | None
    service_class: str | None
    value: float
    low: float
    high: float
    scope: str
    distance: str
    data_class: str


class FactorBook:
    """Finds the factor of a movement or a hub operation; the most specific row wins, the first among equals.

    A service class beats a carrying unit, that beats traction, that beats a country.
    """

    def __init__(self, emission_factors: pd.DataFrame) -> None:
        self._rows = _read(emission_factors)
        self._found: dict[tuple[Any, ...], Factor | None] = {}

    def find(
        self, operation: str, mode: str, unit: str, *, country: str | None,
        electrified: bool | None = None, service_class: str | None = None,
    ) -> Factor | None:  # fmt: skip
        """Return the factor of an operation, or None where there is none."""
        key = (operation, mode, unit, electrified, country, service_class)
        if key not in self._found:
            self._found[key] = self._best(*key)
        return self._found[key]

    def _best(self, operation: str, mode: str, unit: str, *rest: Any) -> Factor | None:
        electrified, country, service_class = rest
        best, best_score = None, -1
        for row in self._rows:
            if row.operation != operation or row.mode not in {mode, None}:
                continue
            score = 16 if row.mode is not None else 0
            for wanted, given, weight in (
                (row.service_class, service_class, 8),
                (row.carrying_unit, unit, 4),
                (row.electrified, electrified, 2),
                (row.country, country, 1),
            ):
                if wanted is None:
                    continue
                if wanted != given:
                    break
                score += weight
            else:
                if score > best_score:
                    best, best_score = row, score
        return best


def _read(emission_factors: pd.DataFrame) -> list[Factor]:
    def given(value: Any) -> Any:
        return None if pd.isna(value) else value

    out = []
    for row, f in enumerate(emission_factors.itertuples()):
        operation = str(given(f.operation) or TRANSPORT)
        value = f.g_co2e_per_tkm if operation == TRANSPORT else f.kg_co2e_per_tonne
        if given(value) is None:
            continue
        central = float(value)  # type: ignore[arg-type]
        low, high = (central if pd.isna(v) else float(v) for v in (f.low, f.high))  # type: ignore[arg-type]
        electrified = given(f.electrified)
        out.append(
            Factor(
                row, str(f.Index), operation, given(f.mode), given(f.carrying_unit),
                None if electrified is None else bool(electrified), given(f.country), given(f.service_class),
                central, low, high, str(f.scope), str(given(f.distance) or "actual"),
                str(given(f.data_class) or "default"),
            )
        )  # fmt: skip
    return out


class Movements:
    """What a factor is looked up by, for each link and arc of a graph."""

    def __init__(self, case: Case, graph: Graph) -> None:
        self.graph = graph
        ends = [positions(case.nodes, case.links[f]) for f in ("from_node", "to_node")]
        self.ends = np.array(ends, dtype=np.int64).reshape(2, -1)
        self.country = [None if pd.isna(c) else str(c) for c in case.nodes["country"]]
        self.electrified = [None if pd.isna(v) else bool(v) for v in case.links["electrified"]]
        self.km = case.links["length_km"].fillna(0.0).to_numpy(dtype=np.float64)
        lat, lon = (case.nodes[f].to_numpy(dtype=np.float64) for f in ("latitude", "longitude"))
        self.latitude, self.longitude = lat, lon
        self.modes, self.units = [str(m) for m in case.modes.index], [str(u) for u in case.carrying_units.index]
        self.classes = [None if pd.isna(c) else str(c) for c in case.services["service_class"]]
        self.transfer_kind = [str(k) for k in case.transfers["kind"]]

    def of_link(self, book: FactorBook, arc: int, link: int, *, ahead: bool) -> Factor | None:
        """Return the factor of moving over a link, as part of an arc."""
        graph = self.graph
        at = int(graph.service[arc])
        return book.find(
            TRANSPORT, self.modes[graph.arc_mode[arc]], self.units[graph.arc_unit[arc]],
            country=self.country[self.ends[0 if ahead else 1][link]], electrified=self.electrified[link],
            service_class=self.classes[at] if at >= 0 else None,
        )  # fmt: skip

    def of_hub(self, book: FactorBook, arc: int) -> Factor | None:
        """Return the factor of a transfer, of loading or of unloading."""
        graph = self.graph
        kind = self.transfer_kind[graph.transfer[arc]] if graph.transfer[arc] >= 0 else LOADING
        node = graph.node[graph.head[arc] if graph.kind[arc] == ArcKind.LOAD else graph.tail[arc]]
        mode, unit = self.modes[graph.arc_mode[arc]], self.units[graph.arc_unit[arc]]
        return book.find(kind, mode, unit, country=self.country[node])

    def direct_km(self, start: int, end: int) -> float:
        """Return the great circle between two nodes, NaN where a coordinate is missing."""
        at = np.array([start, end])
        (a, b), (c, d) = self.latitude[at], self.longitude[at]
        return float(great_circle_km(a, c, b, d))


def arc_emissions(case: Case, graph: Graph) -> ArcEmissions:
    """Return the emissions of every arc; the most specific factor wins (class, unit, traction, country, then mode).

    Kilometres are those of the links; a factor for the great circle is taken over the great circle of each link.
    """
    out = {name: np.zeros(graph.n_arcs) for name in ArcEmissions.__dataclass_fields__}
    book, at = FactorBook(case.emission_factors), Movements(case, graph)
    for arc in np.flatnonzero((graph.kind == ArcKind.HAUL) | (graph.kind == ArcKind.RUN)).tolist():
        for link, ahead in graph.links_under(arc):
            factor, km = at.of_link(book, arc, link, ahead=ahead), float(at.km[link])
            if factor is not None and factor.distance == "great_circle":
                direct = at.direct_km(int(at.ends[0][link]), int(at.ends[1][link]))
                km = km if np.isnan(direct) else direct
            _add(out, arc, factor, km)
    hubs = np.isin(graph.kind, (ArcKind.TRANSFER, ArcKind.LOAD, ArcKind.UNLOAD))
    for arc in np.flatnonzero(hubs).tolist():
        factor = at.of_hub(book, arc)
        if factor is None or factor.scope == "ttw":
            out["bare_hub"][arc] = 1.0
        else:
            out["hub"][arc], out["hub_low"][arc], out["hub_high"][arc] = factor.value, factor.low, factor.high
    return ArcEmissions(**out)


def _add(out: dict[str, NDArray[np.float64]], arc: int, factor: Factor | None, km: float) -> None:
    if factor is None:
        out["bare_km"][arc] += km
    elif factor.scope == "ttw":
        out["ttw_km"][arc] += km
        out["ttw_central"][arc] += factor.value * km / G_PER_KG
    else:
        for name, value in (("central", factor.value), ("low", factor.low), ("high", factor.high)):
            out[name][arc] += value * km / G_PER_KG


def intensity_from_fuel(fuel: float, kg_co2e_per_fuel: float, tonne_km: float) -> float:
    """Return g CO2e a tonne-kilometre from fuel burnt over a round trip, empty running included.

    Parameters
    ----------
    fuel
        Litres, kilograms or kilowatt-hours of the whole round trip.
    kg_co2e_per_fuel
        Well-to-wheel emissions of one of them.
    tonne_km
        Goods moved, both ways together.

    Examples
    --------
    >>> intensity_from_fuel(700.0, 3.2, 20.0 * 1000.0)  # 700 l of diesel, 20 t out over 1,000 km, empty back
    112.0
    """
    return fuel * kg_co2e_per_fuel * G_PER_KG / tonne_km


def intensity_at_load(
    loaded_g_per_km: float, payload_tonnes: float, load_factor: float, *, empty_ratio: float = 0.0,
    empty_g_per_km: float = 0.0,
) -> float:  # fmt: skip
    """Return g CO2e a tonne-kilometre of a vehicle at a load of its own.

    I = loaded / (payload x load factor) x (1 + empty ratio x empty / loaded), with `empty_ratio` the kilometres run
    empty for each one loaded. Published averages hold a mean load and empty running already: do not add them again.

    Examples
    --------
    >>> intensity_at_load(1000.0, 25.0, 0.8, empty_ratio=0.3, empty_g_per_km=700.0)
    60.5
    """
    if not (payload_tonnes > 0.0 and 0.0 < load_factor <= 1.0 and loaded_g_per_km > 0.0):
        message = "payload and emissions of the loaded vehicle are above zero, the load factor above 0 and up to 1"
        raise ValueError(message)
    return (loaded_g_per_km + empty_ratio * empty_g_per_km) / (payload_tonnes * load_factor)
