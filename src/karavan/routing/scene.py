"""What a search reads of a case: its model for a day or some months, with all that does not depend on the shipment."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from karavan.cost.haulage import Haulage
from karavan.cost.iso14083 import with_factors
from karavan.cost.shipment_cost import ShipmentPrices, shipment_prices
from karavan.model import Model, build_model
from karavan.network.graph import ArcKind
from karavan.routing.closures import Closer
from karavan.routing.legs import Words, value_of_time, words_of
from karavan.routing.risk import hour_variance, wait_variance
from karavan.routing.search import arcs_by_tail
from karavan.routing.timetable import Timetable, make_timetable, months_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from numpy.typing import NDArray

    from karavan.schema.case import Case

    Bool = NDArray[np.bool_]
    Float = NDArray[np.float64]

KEPT = 24  # scenes, and gatings of each, kept at most; the oldest goes
GOODS = 1000  # commodities of a scene
BASES = 6  # models of months kept at most


class Kept:
    """Values by key, the oldest dropped; threads wait for one another while a value is made."""

    def __init__(self, most: int = KEPT) -> None:
        self._values: dict[Hashable, Any] = {}
        self._lock = threading.RLock()
        self._most = most

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return the value of a key, made by `make` if it is not there."""
        with self._lock:
            if key not in self._values:
                made = make()
                while len(self._values) >= self._most:
                    self._values.pop(next(iter(self._values)))
                self._values[key] = made
            return self._values[key]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Goods:
    """What a commodity meets on every arc; `open` (n_arcs,): arcs within the network that it may use at all."""

    prices: ShipmentPrices
    open: Bool
    value_of_time: float
    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scene:
    """A model, its timetable (None: no dates), and arrays by arc.

    `told`: the wait is told by a calendar; `minutes` without such waits; `bare_hours` without any; `variance` h2, of
    waits that are told none; `kg` CO2e per tonne, hubs included; `inner`: neither loading, unloading nor access.
    `rules`: rows of the model's restrictions; `gatings`: those made so far.
    """

    model: Model
    timetable: Timetable | None
    told: Bool
    minutes: Float
    bare_hours: Float
    variance: Float
    kg: Float
    transfers: Float
    inner: Bool
    by_tail: tuple[NDArray[np.int64], NDArray[np.int32]]
    closer: Closer
    words: Words
    rules: tuple[Any, ...]
    gatings: Kept = field(default_factory=Kept)
    _goods: Kept = field(default_factory=lambda: Kept(GOODS))

    def goods(self, k: int) -> Goods:
        """Return what commodity `k` meets; made when first asked for."""
        found: Goods = self._goods.get(k, lambda: _goods_of(self.model, k, self._goods))
        return found


def _goods_of(model: Model, k: int, made: Kept) -> Goods:
    haulage: Haulage = made.get("haulage", lambda: Haulage(model.case, model.graph))
    prices = shipment_prices(model.case, model.graph, model.costs[k], haulage=haulage)
    name = str(model.case.commodities.index[k])
    return Goods(prices, model.costs[k].permitted, value_of_time(model, k), name)


def make_scene(model: Model, timetable: Timetable | None = None) -> Scene:
    """Gather what a search reads of a model."""
    graph, case = model.graph, model.case
    told = np.zeros(graph.n_arcs, np.bool_)
    if timetable is not None:
        told |= np.isin(graph.service, list(timetable.calendars)) & (graph.kind == ArcKind.WAIT)
        told |= np.isin(graph.border, list(timetable.openings)) & (graph.kind == ArcKind.BORDER)
    variance = hour_variance(case, graph)
    return Scene(
        model=model,
        timetable=timetable,
        told=told,
        minutes=60.0 * (graph.hours - np.where(told, graph.wait_hours, 0.0)),
        bare_hours=graph.hours - graph.wait_hours,
        variance=variance - np.where(told, wait_variance(case, graph), 0.0),
        kg=model.emissions.central + model.emissions.hub,
        transfers=(graph.kind == ArcKind.TRANSFER).astype(np.float64),
        inner=~np.isin(graph.kind, (ArcKind.LOAD, ArcKind.UNLOAD, ArcKind.ACCESS)),
        by_tail=arcs_by_tail(graph.n_nodes, graph.tail),
        closer=Closer(model),
        words=words_of(model),
        rules=tuple(case.restrictions.reset_index().to_dict("records")),
    )


def dated_scene(
    case: Case, first: np.datetime64, n_days: int, include: tuple[str, ...], factors: Path | None, bases: Kept
) -> Scene:  # fmt: skip
    """Build the scene of some months; `factors`: a file of emission factors that come first.

    `bases`: scenes by what is open in their months; where it is the same, model and prices are shared.
    """
    case = case if factors is None else with_factors(case, factors)
    months = months_of(case, first, n_days, include=include)
    made: list[Timetable] = []

    def base() -> Scene:
        made.append(make_timetable(months))
        return make_scene(made[0].model, made[0])

    found: Scene = bases.get((*months.rows, include, factors), base)
    if made:
        return found
    return replace(found, timetable=make_timetable(months, like=found.timetable), gatings=Kept())


def undated_scene(case: Case, day: str | None, include: tuple[str, ...], factors: Path | None) -> Scene:
    """Build the scene of a day with services whose cargo is not known, or with other emission factors."""
    case = case if factors is None else with_factors(case, factors)
    services = case.services
    services.loc[list(include), "cargo_known"] = True
    return make_scene(build_model(case.with_tables(services=services), day=day))
