"""Many shipments at once: routes and their legs as two tables, the same whatever the number of threads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from karavan.cost.charges import charges, leg_of_arcs
from karavan.errors import KaravanError
from karavan.network.graph import ArcKind
from karavan.routing.choose import choose
from karavan.routing.gates import gates_on
from karavan.routing.legs import MOVES, borders_on, ports_on
from karavan.routing.options import RouteOptions
from karavan.routing.reliability import (
    DrawBook,
    Dwelling,
    Journey,
    Odds,
    beaten,
    hours_allowed,
    measures,
    odds_of_journey,
    storage_on,
)
from karavan.routing.router import Router
from karavan.routing.tell import flagged_on
from karavan.schema.io.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from karavan.model import Model
    from karavan.routing.query import Query
    from karavan.routing.reliability import Storage
    from karavan.routing.router import Ways
    from karavan.routing.scene import Scene
    from karavan.routing.shipment import Shipment
    from karavan.routing.ways import Way
    from karavan.schema.case import Case

    Float = NDArray[np.float64]

Form = Literal["parquet", "csv"]
NONE = np.datetime64("NaT", "m")
BATCH = 64  # shipments between two reports of progress
BATCHES = 16  # of them whose ways are held before their rows are made
ODDS = ("p10_hours", "p50_hours", "p90_hours", "p10_usd", "p50_usd", "p90_usd", "on_time", "missed", "dominated")


class _Path(NamedTuple):
    """A way of a shipment, without what the search keeps: what its rows in the tables are made of."""

    shipment: str
    number: int
    scene: Scene
    way: Way
    start: float | None
    usd: Float
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    odds: Odds | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ManyRoutes:
    """Routes of many shipments.

    Attributes
    ----------
    routes
        One row a route: shipment, route (1 is the cheapest by generalized cost), reasons, origin, destination,
        commodity, tonnes, departure, arrival, km, hours, handlings, modes, ports, borders, restrictions, usd (for the
        shipment), usd_per_tonne, generalized_usd_per_tonne, kg_co2e_per_tonne, risk_hours, and the odds (see `Odds`;
        money per tonne). A shipment without a route has one row, with `error`.
    legs
        One row a leg: shipment, route, leg, what, mode, unit, from, to, service, km, hours by kind, usd_per_tonne,
        kg_co2e_per_tonne, depart, arrive.
    seconds
        Wall time of the search.
    """

    routes: pd.DataFrame
    legs: pd.DataFrame
    seconds: float

    def __repr__(self) -> str:
        return f"<ManyRoutes: {self.summary['routes']} routes of {self.summary['shipments']} shipments>"

    @property
    def summary(self) -> dict[str, Any]:
        """Numbers of shipments, routes and shipments without one, and the seconds."""
        lost = int(self.routes["error"].notna().sum())
        return {
            "shipments": int(self.routes["shipment"].nunique()),
            "routes": len(self.routes) - lost,
            "without_route": lost,
            "seconds": self.seconds,
        }

    def write(self, folder: str | Path, form: Form = "parquet") -> list[Path]:
        """Write the two tables into a folder, each whole or not at all; return the files."""
        written = []
        for name, table in (("routes", self.routes), ("legs", self.legs)):
            path = Path(folder) / f"{name}.{form}"
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as temporary:
                if form == "csv":
                    table.to_csv(temporary, index=False, lineterminator="\n")
                else:
                    table.to_parquet(temporary, index=False, compression="zstd")
            written.append(path)
        return written


def route_many(
    case: Case | Model | Router,
    shipments: Mapping[str, Shipment] | Sequence[Shipment],
    *,
    options: RouteOptions | None = None,
    draws: int = 0,
    threads: int = 1,
    progress: Callable[[int], object] | None = None,
) -> ManyRoutes:
    """Find the routes of many shipments.

    Parameters
    ----------
    case
        A case, its model, or a `Router`.
    shipments
        By id, or a sequence: ids are then "1", "2", ...
    options
        As for one shipment; by default the cheapest route alone (`alternatives` 0).
    draws
        Draws for the odds, with the options' seed; 0: none. The same element has the same draws in every shipment.
    threads
        How many at a time; the answer is the same for any number.
    progress
        Called with the number of shipments done.

    A shipment that finds no route is no error: its row says why in short; ask for it alone to hear what closes the way.
    """
    router = case if isinstance(case, Router) else Router(case)
    asked = options or RouteOptions(alternatives=0)
    named = dict(shipments) if isinstance(shipments, Mapping) else {str(i): s for i, s in enumerate(shipments, 1)}
    began = time.perf_counter()
    work = _Work(router, asked, draws)
    ids = list(named)
    parts = [ids[i : i + BATCH] for i in range(0, len(ids), BATCH)]
    tables: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    waiting: list[tuple[str, list[_Path] | str]] = []
    with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
        run: Any = pool.map if threads > 1 else map
        for done, part in enumerate(run(lambda part: [(i, work.find(i, named[i])) for i in part], parts), start=1):
            waiting += part
            if done % BATCHES == 0 or done == len(parts):
                tables.append(_tables(named, waiting))
                waiting = []
            if progress is not None:
                progress(min(done * BATCH, len(ids)))
    routes, legs = (_joined_up(list(made)) for made in zip(*(tables or [_tables({}, [])]), strict=True))
    return ManyRoutes(routes, legs, time.perf_counter() - began)


def _joined_up(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return tables as one; those without rows have no types to agree on."""
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


def _tables(
    shipments: Mapping[str, Shipment], found: Sequence[tuple[str, list[_Path] | str]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the routes and the legs of some shipments, in their order."""
    paths: list[_Path] = []
    rows: list[dict[str, Any]] = []
    for name, ways in found:
        s = shipments[name]
        if isinstance(ways, str):
            rows.append({"shipment": name, "commodity": s.commodity, "tonnes": s.tonnes, "error": ways})
        else:
            rows += [_route_row(p, s) for p in ways]
            paths += ways
    return _routes_table(rows), _legs_table(paths)


class _Work:
    """What every shipment of one call shares; threads may use it together."""

    def __init__(self, router: Router, options: RouteOptions, draws: int) -> None:
        self.router, self.options, self.draws = router, options, draws
        self._books: dict[int, DrawBook] = {}

    def find(self, name: str, shipment: Shipment) -> list[_Path] | str:
        """Return the ways of a shipment that are shown, or why there is none."""
        try:
            found = self.router.find(shipment, self.options)
        except KaravanError as error:
            return str(error).splitlines()[0]
        if not found.ways:
            return f"no route for {shipment.commodity} from {shipment.origin} to {shipment.destination}"
        paths = [self._path(name, i, found, c.way, c.reasons) for i, c in enumerate(choose(found), start=1)]
        if not self.draws or len(paths) < 2:
            return paths
        worse = beaten([measures(p.odds, p.way.kg) for p in paths if p.odds is not None])
        return [
            p._replace(odds=replace(p.odds, dominated=w)) if p.odds is not None else p
            for p, w in zip(paths, worse, strict=True)
        ]

    def _path(self, name: str, number: int, found: Ways, way: Way, reasons: tuple[str, ...]) -> _Path:
        query = found.query
        scene = query.scene
        start = None if way.times is None or scene.timetable is None else float(way.times[0]) + scene.timetable.start
        times = None if way.times is None or scene.timetable is None else way.times + scene.timetable.start
        met = sorted({i for rows in flagged_on(query, way, times) for i in rows})
        rules = tuple(str(scene.rules[i]["id"]) for i in met)
        storage = storage_on(_dwelling(query), way.arcs, self.options.usd_year)
        odds = self._odds(query, way, start, storage) if self.draws else None
        return _Path(name, number, scene, way, start, _usd_by_arc(query, way, storage), reasons, rules, odds)

    def _odds(self, query: Query, way: Way, start: float | None, storage: Mapping[int, Storage]) -> Odds:
        model = query.scene.model
        book = self._books.setdefault(id(model), DrawBook(model, self.draws, self.options.seed))
        journey = Journey(way.arcs.tolist(), way.waits, start, gates_on(query, way.arcs), storage)
        allowed = hours_allowed(query.shipment, start)
        return odds_of_journey(book, journey, money=way.usd, hours_allowed=allowed, on_the_way=False)


def _dwelling(query: Query) -> Dwelling:
    prices, tonnes = query.goods.prices, query.shipment.tonnes
    return Dwelling(query.scene.model.graph, prices.waits_at, tonnes, prices.units(tonnes), prices.index)


def _usd_by_arc(query: Query, way: Way, storage: Mapping[int, Storage]) -> Float:
    """Return the money of a way, USD per tonne: by arc, or where it depends on the leg, of a leg on its first arc."""
    arcs, tonnes = way.arcs, query.shipment.tonnes
    if query.exact[arcs].all():
        usd = query.cost.money[arcs].copy()
        for i in np.flatnonzero(way.waits > 0.0).tolist():
            if int(arcs[i]) in storage:
                usd[i] += float(storage[int(arcs[i])](way.waits[i : i + 1])[0])
        return usd
    paid = charges(query.goods.prices, arcs, tonnes, dwell_hours=way.waits, usd_year=query.options.usd_year)
    leg = leg_of_arcs(query.scene.model.graph, arcs)
    by_leg = np.bincount(paid["leg"], weights=paid["usd"], minlength=int(leg.max()) + 1) / tonnes
    usd = np.zeros(arcs.size)
    usd[np.searchsorted(leg, np.arange(by_leg.size))] = by_leg
    return usd


def _routes_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the table of routes; columns have their type whatever is in them, so that parts fit together."""
    table = pd.DataFrame(rows, columns=ROUTES)
    for name in ("departure", "arrival"):
        table[name] = pd.to_datetime(table[name]).astype("datetime64[s]")
    numbers = [c for c in ROUTES if c not in {*TEXTS, "route", "handlings", "dominated", "departure", "arrival"}]
    kinds = {"route": "Int64", "handlings": "Int64", "dominated": "boolean"}
    return table.astype(kinds | dict.fromkeys(TEXTS, "str") | dict.fromkeys(numbers, "float64"))


TEXTS = (
    "shipment", "reasons", "origin", "destination", "commodity", "modes", "ports", "borders", "restrictions", "error",
)  # fmt: skip
ROUTES = [
    "shipment", "route", "reasons", "origin", "destination", "commodity", "tonnes", "departure", "arrival", "km",
    "hours", "handlings", "modes", "ports", "borders", "restrictions", "usd", "usd_per_tonne",
    "generalized_usd_per_tonne", "kg_co2e_per_tonne", "risk_hours", *ODDS, "error",
]  # fmt: skip


def _route_row(p: _Path, shipment: Shipment) -> dict[str, Any]:
    scene, way = p.scene, p.way
    model, words = scene.model, scene.words
    graph = model.graph
    ends = int(graph.node[graph.head[way.arcs[0]]]), int(graph.node[graph.tail[way.arcs[-1]]])
    moved = way.arcs[np.isin(graph.kind[way.arcs], (ArcKind.HAUL, ArcKind.RUN))]
    departure = arrival = None
    if p.start is not None and way.times is not None:
        departure, arrival = _minute(p.start), _minute(p.start + float(way.times[-1] - way.times[0]))
    return {
        "shipment": p.shipment, "route": p.number, "reasons": "; ".join(p.reasons),
        "origin": str(words.nodes[ends[0]]), "destination": str(words.nodes[ends[1]]),
        "commodity": shipment.commodity, "tonnes": shipment.tonnes,
        "departure": departure, "arrival": arrival,
        "km": way.km, "hours": way.hours, "handlings": way.handlings,
        "modes": _joined(words.modes[graph.arc_mode[moved]]), "ports": _joined(ports_on(model, way.arcs, words)),
        "borders": _joined(borders_on(model, way.arcs, words)), "restrictions": ";".join(p.rules),
        "usd": way.usd * shipment.tonnes, "usd_per_tonne": way.usd, "generalized_usd_per_tonne": way.generalized,
        "kg_co2e_per_tonne": way.kg, "risk_hours": way.risk_hours,
        **({} if p.odds is None else {name: getattr(p.odds, name) for name in ODDS}),
    }  # fmt: skip


def _joined(names: Iterable[object]) -> str:
    """Join names, each once, in order of travel."""
    return ";".join(dict.fromkeys(map(str, names)))


def _minute(value: float) -> np.datetime64:
    return np.datetime64(round(value), "m")


def _legs_table(paths: Sequence[_Path]) -> pd.DataFrame:
    """Return the legs of all paths, made scene by scene in arrays."""
    scenes: dict[int, list[int]] = {}
    for at, p in enumerate(paths):
        scenes.setdefault(id(p.scene), []).append(at)
    parts = [_legs_of_scene(paths, members) for members in scenes.values()]
    if not parts:
        return pd.DataFrame(columns=LEGS)
    table = pd.concat(parts, ignore_index=True).sort_values(["at", "leg"], kind="stable", ignore_index=True)
    return table[LEGS].astype(dict.fromkeys(("shipment", "what", "mode", "unit", "from", "to", "service"), "str"))


LEGS = [
    "shipment", "route", "leg", "what", "mode", "unit", "from", "to", "service", "km", "move_hours", "border_hours",
    "handling_hours", "wait_hours", "usd_per_tonne", "kg_co2e_per_tonne", "depart", "arrive",
]  # fmt: skip


def _legs_of_scene(paths: Sequence[_Path], members: list[int]) -> pd.DataFrame:
    scene = paths[members[0]].scene
    graph, emissions, words = scene.model.graph, scene.model.emissions, scene.words
    mine = [paths[at] for at in members]
    sizes = np.array([p.way.arcs.size for p in mine])
    arcs = np.concatenate([p.way.arcs for p in mine])
    waits, usd = (np.concatenate(v) for v in ([p.way.waits for p in mine], [p.usd for p in mine]))
    path = np.repeat(np.arange(sizes.size), sizes)
    kind, service = graph.kind[arcs], graph.service[arcs]
    moving = np.isin(kind, MOVES)
    same = moving[1:] & moving[:-1] & (service[1:] == service[:-1]) & (kind[1:] != ArcKind.WAIT)
    first = np.flatnonzero(np.append(True, ~same | (path[1:] != path[:-1])))
    last = np.append(first[1:], arcs.size) - 1
    head, tail = words.nodes[graph.node[graph.head[arcs]]], words.nodes[graph.node[graph.tail[arcs]]]
    names = np.array([k.name.lower() for k in ArcKind], dtype=object)
    starts = np.where(kind[first] == ArcKind.LOAD, head[first], tail[first])
    leg_path = path[first]
    sums = {
        "km": graph.km[arcs], "move_hours": graph.move_hours[arcs], "border_hours": graph.border_hours[arcs],
        "handling_hours": graph.handling_hours[arcs], "wait_hours": waits, "usd_per_tonne": usd,
        "kg_co2e_per_tonne": (emissions.central + emissions.hub)[arcs],
    }  # fmt: skip
    begin = np.searchsorted(leg_path, np.arange(sizes.size))
    depart, arrive = _moments(mine, waits, first, last)
    return pd.DataFrame({
        "at": np.asarray(members)[leg_path],
        "shipment": np.array([p.shipment for p in mine], dtype=object)[leg_path],
        "route": np.array([p.number for p in mine])[leg_path],
        "leg": np.arange(first.size) - begin[leg_path] + 1,
        "what": np.where(moving[first], "movement", names[kind[first]]),
        "mode": words.modes[graph.arc_mode[arcs[first]]],
        "unit": words.units[graph.arc_unit[arcs[first]]],
        "from": starts, "to": np.where(kind[last] == ArcKind.UNLOAD, tail[last], head[last]),
        "service": words.services[service[first]],
        **{name: np.add.reduceat(values, first) for name, values in sums.items()},
        "depart": depart, "arrive": arrive,
    })  # fmt: skip


def _moments(
    paths: Sequence[_Path], waits: Float, first: NDArray[np.intp], last: NDArray[np.intp]
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """Return when each leg departs, its wait over, and arrives; NaT without a date."""
    times = [
        np.full((p.way.arcs.size, 2), np.nan)
        if p.start is None or p.way.times is None
        else np.column_stack([p.way.times[:-1], p.way.times[1:]]) - p.way.times[0] + p.start
        for p in paths
    ]
    spans = np.concatenate(times)
    begin, end = spans[first, 0] + 60.0 * waits[first], spans[last, 1]
    out = []
    for values in (begin, end):
        known = np.isfinite(values)
        moments = np.full(values.size, NONE, "datetime64[m]")
        moments[known] = np.rint(values[known]).astype(np.int64).astype("datetime64[m]")
        out.append(moments.astype("datetime64[s]"))
    return out[0], out[1]
