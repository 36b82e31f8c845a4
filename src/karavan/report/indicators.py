"""Published times, speeds and prices beside the model's: same ends, unit and class of service, same year of money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karavan.cost.charges import charges
from karavan.cost.price_index import read_price_index
from karavan.cost.shipment_cost import shipment_costs, shipment_prices
from karavan.errors import NoRoute
from karavan.network.graph import ArcKind
from karavan.report.corridors import USUAL, Corridor, corridor_legs
from karavan.routing.front import route
from karavan.routing.search import cheapest_route, corridor_route
from karavan.routing.shipment import HOURS, Route, Shipment
from karavan.schema.case import as_list, position, positions
from karavan.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.assignment.assignment import Assignment
    from karavan.cost.shipment_cost import ShipmentPrices
    from karavan.model import Model

Leg = tuple[str, str, str, str, "str | None"]
CARRIED = ("haulage", "handling", "border")  # what a through rate covers: no loading at the ends, no charges of waiting
MONEY = {"usd_per_teu", "usd_per_feu", "usd_per_tonne", "usd_per_500km_20t", "border_usd"}
BOXES = {"usd_per_teu": 1.0, "usd_per_feu": 2.0}  # boxes of the model in the unit of the price
STRETCH_KM, STRETCH_TONNES = 500.0, 20.0  # CAREC's measure of cost: 500 km, 20 t
QUARTER = 1.25
COLUMNS = [
    "id", "name", "corridor", "mode", "service_class", "indicator", "year", "published", "low", "high", "modelled",
    "ratio", "deflator", "explanation", "definition", "source", "confidence", "note",
]  # fmt: skip


def compare_indicators(assignment: Assignment, *, corridors: Sequence[Corridor] | None = None) -> pd.DataFrame:
    """Compare published indicators of corridors and modes with the model's.

    Times and prices of corridors run from terminal to terminal: loading at the origin and unloading at the destination
    are left out, and so are charges of waiting. A price is that of one box on the way, in the money of the indicator's
    year (`deflator` says by which index the model's prices were brought to it); a forty-foot container is compared with
    two of twenty feet. Indicators of a mode are averages over its network in the countries that the published average
    covers (`mode_indicators`). `explanation` says why a figure is off by more than a quarter.
    """
    case, compare = assignment.model.case, _Comparison(assignment)
    routed = {c.id: c.route for c in corridors or () if c.commodity == USUAL}
    out = []
    for name, row in case.indicators.iterrows():
        year = None if pd.isna(row["year"]) else int(row["year"])
        corridor = str(row["corridor"]) if isinstance(row["corridor"], str) else None
        whole = corridor is not None and not isinstance(row["from_node"], str) and pd.isna(row["service_class"])
        if corridor is None and not isinstance(row["from_node"], str):
            value = compare.of_mode(row)
        elif whole and corridor in routed:
            value = compare.of_way(routed[corridor], str(row["indicator"]), year)
        else:
            value = compare.of_way(compare.way(row), str(row["indicator"]), year)
        priced = str(row["indicator"]) in MONEY and compare.in_year(year) is not None
        out.append(
            {"id": name, "published": float(row["value"]), "modelled": value, "year": row["year"],
             "ratio": value / float(row["value"]) if row["value"] else np.nan,
             "deflator": compare.deflator(year) if priced else None}
            | {c: row[c] for c in ("name", "corridor", "mode", "service_class", "indicator", "low", "high",
                                   "explanation", "definition", "source", "confidence", "note")}
        )  # fmt: skip
    return pd.DataFrame(out, columns=COLUMNS)


def far_off(indicators: pd.DataFrame) -> pd.DataFrame:
    """Return the compared indicators whose ratio is above 1.25 or below 1 / 1.25, the farthest off first."""
    off = np.abs(np.log(indicators["ratio"].astype(float).clip(lower=1e-9)))
    farthest: pd.Series = off[off > np.log(QUARTER)].sort_values(ascending=False, kind="stable")
    return indicators.loc[farthest.index]


@dataclass(frozen=True)
class _Comparison:
    """Works the model's side of indicators out."""

    assignment: Assignment

    @cached_property
    def model(self) -> Model:
        return self.assignment.model

    @cached_property
    def legs(self) -> dict[str, list[Leg]]:
        return corridor_legs(self.model.case)

    @cached_property
    def prices(self) -> ShipmentPrices:
        model = self.model
        return shipment_prices(model.case, model.graph, model.costs[position(model.case.commodities, USUAL)])

    def in_year(self, year: int | None) -> int | None:
        """Return the year that money is brought to; None where the case has no index of that year."""
        return year if year is not None and year in read_price_index(self.model.case.price_index).by_year else None

    def deflator(self, year: int | None) -> str:
        """Say by which index the model's money was brought to a year."""
        return f"USD of {year}, by {read_price_index(self.model.case.price_index).series}"

    def way(self, row: pd.Series) -> Route | None:
        """Return the model's way of an indicator: between its ends, along its corridor, in its class of service."""
        model = _of_class(self.model, row["service_class"])
        ends = (str(row["from_node"]), str(row["to_node"])) if isinstance(row["from_node"], str) else None
        if not isinstance(row["corridor"], str):
            return None if ends is None else route(self.model, Shipment(*ends, USUAL), alternatives=0)[0]
        legs = self.legs[str(row["corridor"])]
        back = [(end, start, *rest) for start, end, *rest in legs[::-1]]
        for m in (model, self.model):
            for there in (legs, back):
                found = corridor_route(m, there, USUAL, ends=ends)  # type: ignore[arg-type]
                if found is not None:
                    return found
            if m is model and ends is not None and row["service_class"] == "block_train":
                try:  # trains of the corridor that keep to another line than its shortest
                    return cheapest_route(m, Shipment(*ends, USUAL))
                except NoRoute:
                    continue
        return None

    def of_way(self, way: Route | None, indicator: str, year: int | None) -> float:
        """Return an indicator of a route from terminal to terminal; NaN where there is no route."""
        if way is None:
            return float("nan")
        inside = way.legs[~way.legs["what"].isin(["load", "unload"])]
        km = float(inside["km"].sum())
        if indicator in MONEY:
            return self._money(way, inside, indicator, km, year)
        hours = float(inside[list(HOURS)].to_numpy().sum())
        moving = float(inside["move_hours"].sum())
        return {
            "km": km,
            "days": hours / HOURS_PER_DAY,
            "speed_with_delay_kmh": km / hours if hours else float("nan"),
            "speed_without_delay_kmh": km / moving if moving else float("nan"),
            "border_hours": float(inside["border_hours"].sum()),
        }[indicator]

    def _money(self, way: Route, inside: pd.DataFrame, indicator: str, km: float, year: int | None) -> float:
        moved = set(inside.loc[inside["what"] == "movement", "unit"])
        if indicator in BOXES and moved != {"container"}:
            return float("nan")
        full = self.prices.tonnes[[position(self.model.case.carrying_units, str(u)) for u in moved]]
        tonnes = float(full.max())
        paid = charges(self.prices, way.arcs, tonnes, usd_year=self.in_year(year))
        part = paid[paid["component"].isin(["border"] if indicator == "border_usd" else CARRIED)]
        usd = float(part["usd"].sum())
        if indicator == "usd_per_500km_20t":
            return usd / tonnes * STRETCH_TONNES * STRETCH_KM / km if km else float("nan")
        return usd / tonnes if indicator == "usd_per_tonne" else usd * BOXES.get(indicator, 1.0)

    def of_mode(self, row: pd.Series) -> float:
        """Return the average of a mode over its network; NaN for what the model does not tell."""
        year = None if pd.isna(row["year"]) else self.in_year(int(row["year"]))
        found = mode_indicators(self.prices, str(row["mode"]), frozenset(as_list(row["countries"])), usd_year=year)
        return found.get(str(row["indicator"]), float("nan"))


def _of_class(model: Model, service_class: object) -> Model:
    """Return the model with boxes one by one, or by through services alone, on land; the model itself if no class."""
    if not isinstance(service_class, str):
        return model
    graph = model.graph
    land = np.append((model.case.modes["medium"] == "land").to_numpy(dtype=bool), False)[graph.arc_mode]
    shut = ArcKind.RUN if service_class == "single" else ArcKind.HAUL
    closed = land & (graph.kind == shut)
    return replace(model, costs=tuple(replace(c, open=c.open & ~closed) for c in model.costs))


def mode_indicators(
    prices: ShipmentPrices, mode: str, countries: frozenset[str], *, usd_year: int | None = None
) -> dict[str, float]:
    """Return averages of a mode in some countries (none named: all): every open link and crossing once each way.

    They are those of one loaded unit that moves by itself, not by a service: the unit that travels most of the mode's
    links. Speed is kilometres over hours on links and at borders; of a border the sides that are in the countries
    count. Hours and payments at borders are means of the crossings between them, payments of those that are known;
    cost is haulage and payments over 500 km.
    """
    case, graph = prices.case, prices.graph
    m = position(case.modes, mode)
    hauls = np.flatnonzero((graph.arc_mode == m) & (graph.kind == ArcKind.HAUL) & prices.cost.open)
    if not len(hauls):
        return {}
    unit = int(np.bincount(graph.arc_unit[hauls]).argmax())
    inside = np.array([not countries or c in countries for c in case.nodes["country"]], dtype=bool)
    hauls = hauls[(graph.arc_unit[hauls] == unit) & inside[graph.node[graph.tail[hauls]]]]
    posts = np.flatnonzero((graph.kind == ArcKind.BORDER) & (graph.arc_mode == m) & (graph.arc_unit == unit))
    rows = graph.border[posts]
    ends = [inside[positions(case.nodes, case.borders[f])][rows] for f in ("from_node", "to_node")]
    sides = [case.borders[f].fillna(0.0).to_numpy(dtype=np.float64)[rows] for f in ("exit_hours", "entry_hours")]
    km, between = float(graph.km[hauls].sum()), ends[0] & ends[1]
    if km <= 0.0:
        return {}
    at_border = sum(float(side[end].sum()) for end, side in zip(ends, sides, strict=True))
    tonnes = float(prices.tonnes[unit])
    cost = shipment_costs(prices, tonnes, usd_year=usd_year)
    usd = float(cost.haulage[hauls].sum() + cost.border[posts[between]].sum()) * tonnes
    paid = cost.border[posts[between]] * tonnes
    return {
        "speed_with_delay_kmh": km / (float(graph.move_hours[hauls].sum()) + at_border),
        "usd_per_500km_20t": usd / km * STRETCH_KM,
        "border_hours": float((sides[0] + sides[1])[between].mean()) if between.any() else np.nan,
        "border_usd": float(paid[paid > 0.0].mean()) if (paid > 0.0).any() else np.nan,
    }
