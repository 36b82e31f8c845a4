"""The rules of a sound network. Each rule yields (severity, table, row, field, problem, remedy)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from karavan.schema import price_rules
from karavan.schema.calendars import calendar_fault, mean_wait_hours, parse_calendar, parse_opening_hours
from karavan.schema.case import as_list
from karavan.schema.chains import link_chains
from karavan.schema.state import USABLE, first_day, is_open, last_day, reference_day
from karavan.schema.tables import schema
from karavan.units import great_circle_km

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from karavan.schema.case import Case

Severity = Literal["error", "warning"]
Raw = tuple[Severity, str, int, str, str, str]
RANGES = (
    ("transfers", "hours_low", "hours", "hours_high"),
    ("services", "wait_hours_low", "wait_hours", "wait_hours_high"),
    ("services", "hours_low", "hours", "hours_high"),
    ("water_levels", "low_m", "level_m", "high_m"),
    ("indicators", "low", "value", "high"),
    ("projects", "year_low", "year", "year_high"),
)
WAIT_SLACK_HOURS = 1.0  # between a mean wait as given and that of the timetable
PORTS = {"port", "rail_ferry", "waypoint"}


def positions(mask: Any) -> list[int]:
    """Return the positions of rows that a mask marks; shape (rows,)."""
    return [int(row) for row in np.flatnonzero(np.asarray(mask, dtype=bool))]


def _each(tuples: Any) -> Any:
    """Return rows as they are; their fields are known to the schema, not to the type checker."""
    return tuples


def _positions(index: pd.Index[Any], ids: pd.Series[Any]) -> NDArray[np.intp]:
    return np.asarray(index.get_indexer(pd.Index(ids)), dtype=np.intp)


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def geometry(case: Case) -> Iterator[Raw]:
    """Lengths against the great circle of the coordinates, and links that begin where they end."""
    nodes, links = case.nodes, case.links
    at = _positions(nodes.index, links["from_node"]), _positions(nodes.index, links["to_node"])
    known = (at[0] >= 0) & (at[1] >= 0)
    lat, lon = nodes["latitude"].to_numpy(), nodes["longitude"].to_numpy()
    precision = nodes["coordinate_precision_km"].fillna(0.0).to_numpy()
    a, b = np.where(known, at[0], 0), np.where(known, at[1], 0)
    for row in positions(known & (at[0] == at[1])):
        yield "error", "links", row, "to_node", "begins and ends at the same node", "correct one end"
    if not len(nodes):
        return
    direct = great_circle_km(lat[a], lon[a], lat[b], lon[b])
    length, slack = links["length_km"].to_numpy(), precision[a] + precision[b]
    for row in positions(known & (length < direct - 1e-6)):  # never true of a missing length or coordinate
        severity: Severity = "error" if length[row] < direct[row] - slack[row] - 1e-6 else "warning"
        problem = f"{length[row]:g} km is shorter than the great circle of its ends, {direct[row]:.1f} km"
        problem += f" (coordinates within {slack[row]:g} km)"
        yield severity, "links", row, "length_km", problem, "correct the length or the coordinates"


def isolated_nodes(case: Case) -> Iterator[Raw]:
    """Nodes that no link touches, and zones that reach no link."""
    touched = set(case.links["from_node"]) | set(case.links["to_node"])
    nodes = set(case.nodes.index)
    closed = ~case.nodes["status"].isin(USABLE).to_numpy(dtype=bool)
    for row, node in enumerate(case.nodes.index):
        if node not in touched:
            severity: Severity = "warning" if closed[row] else "error"
            yield severity, "nodes", row, "id", f"no link touches {node!r}", "add a link, or remove the node"
    for row, cell in enumerate(case.zones["nodes"]):
        named = as_list(cell)
        if named and nodes.issuperset(named) and not touched.intersection(named):
            yield "error", "zones", row, "nodes", "reaches no link", "name a node that a link touches"


def gauge_breaks(case: Case) -> Iterator[Raw]:
    """Rail links of two track gauges that meet at a node where nothing can change gauge."""
    gauges: dict[tuple[str, str], set[int]] = defaultdict(set)
    gauged = set(case.links.loc[case.links["track_gauge_mm"].notna(), "mode"])
    for row, (start, end, mode, gauge) in enumerate(
        zip(
            case.links["from_node"],
            case.links["to_node"],
            case.links["mode"],
            case.links["track_gauge_mm"],
            strict=True,
        )
    ):
        if pd.isna(gauge):
            if mode in gauged:
                yield (
                    "error",
                    "links",
                    row,
                    "track_gauge_mm",
                    "is empty on a railway",
                    "give the track gauge, 1435 or 1520",
                )
            continue
        gauges[str(start), str(mode)].add(int(gauge))
        gauges[str(end), str(mode)].add(int(gauge))
    joined = {
        (node, mode, frozenset((int(a), int(b))))
        for node, mode, other, a, b in zip(
            case.transfers["node"], case.transfers["from_mode"], case.transfers["to_mode"],
            case.transfers["from_track_gauge_mm"].fillna(0), case.transfers["to_track_gauge_mm"].fillna(0), strict=True,
        )
        if mode == other
    }  # fmt: skip
    for (node, mode), found in gauges.items():
        for pair in _pairs(sorted(found)):
            if (node, mode, frozenset(pair)) not in joined and node in case.nodes.index:
                row = case.nodes.index.tolist().index(node)
                problem = f"{mode} links of {pair[0]} and {pair[1]} mm meet at {node!r} and no transfer joins them"
                yield (
                    "error",
                    "nodes",
                    row,
                    "id",
                    problem,
                    "add a row to transfers.csv, or end one gauge at another node",
                )


def _pairs(items: list[int]) -> Iterator[tuple[int, int]]:
    for i, a in enumerate(items):
        for b in items[i + 1 :]:
            yield a, b


def sailings(case: Case) -> Iterator[Raw]:
    """Water links and sailings end at ports, air links and flights at airports."""
    kinds, media = case.nodes["kind"].to_dict(), case.modes["medium"].to_dict()
    for table in ("links", "services"):
        frame = case.tables[table]
        for field in ("from_node", "to_node"):
            for row, (node, mode) in enumerate(zip(frame[field], frame["mode"], strict=True)):
                kind, medium = kinds.get(node), media.get(mode)
                if kind is None or medium is None:
                    continue
                if medium == "water" and kind not in PORTS:
                    yield "error", table, row, field, f"{mode} needs a port, and {node!r} is a {kind}", "name a port"
                if medium == "air" and kind != "airport":
                    yield (
                        "error",
                        table,
                        row,
                        field,
                        f"{mode} needs an airport, and {node!r} is a {kind}",
                        "name an airport",
                    )


def chains(case: Case) -> Iterator[Raw]:
    """Services and corridor legs must find a chain of links of their own mode; corridor legs must join."""
    links = case.links
    if not len(case.services) and not len(case.corridors):
        return
    day = reference_day(case.meta.year)
    every = link_chains(links, np.ones(len(links), dtype=bool))
    usable = link_chains(links, is_open(links, day))
    services_open = is_open(case.services, None)
    nodes, modes = set(case.nodes.index), set(case.modes.index)
    for row, s in enumerate(_each(case.services.itertuples())):
        stops = [str(s.from_node), *as_list(s.via), str(s.to_node)]
        if not nodes.issuperset(stops) or s.mode not in modes:
            continue  # reported as a missing reference
        if (usable if services_open[row] else every).shortest(str(s.mode), stops) is None:
            problem = f"no chain of {'open ' if services_open[row] else ''}{s.mode} links joins {' - '.join(stops)}"
            yield "error", "services", row, "to_node", problem, "add the missing link, or correct the ends or via"
    before: dict[str, Any] = {}
    legs = case.corridors.reset_index(drop=True).sort_values(["corridor", "seq"], kind="stable")
    for leg in _each(legs.itertuples()):
        row = int(leg.Index)
        known = nodes.issuperset([leg.from_node, leg.to_node]) and leg.mode in modes
        if known and usable.shortest(str(leg.mode), [str(leg.from_node), str(leg.to_node)]) is None:
            problem = f"leg {leg.seq}: no open {leg.mode} links join {leg.from_node} and {leg.to_node}"
            yield "error", "corridors", row, "mode", problem, "correct the leg, or its links' status"
        last = before.get(str(leg.corridor))
        if last is not None and last.to_node != leg.from_node:
            problem = f"leg {leg.seq} starts at {leg.from_node}, the leg before ends at {last.to_node}"
            yield "error", "corridors", row, "from_node", problem, "make the legs join, in order of seq"
        before[str(leg.corridor)] = leg


def transfers(case: Case) -> Iterator[Raw]:
    """Transfers use units their modes carry, and modes that reach the node."""
    carried = {mode: set(as_list(units)) for mode, units in case.modes["carrying_units"].items()}
    reach = set(zip(case.links["from_node"], case.links["mode"], strict=True))
    reach |= set(zip(case.links["to_node"], case.links["mode"], strict=True))
    for row, t in enumerate(_each(case.transfers.itertuples())):
        for side in ("from", "to"):
            mode, unit = getattr(t, f"{side}_mode"), getattr(t, f"{side}_unit")
            if mode in carried and unit not in carried[mode]:
                yield "error", "transfers", row, f"{side}_unit", f"{mode} does not carry {unit!r}", (
                    f"use one of {', '.join(sorted(carried[mode]))}, or add the unit to modes.csv")  # fmt: skip
            elif mode in carried and (t.node, mode) not in reach:
                yield "warning", "transfers", row, f"{side}_mode", f"no {mode} link touches {t.node}", (
                    "add the link, or remove the transfer")  # fmt: skip


def borders(case: Case) -> Iterator[Raw]:
    """Border rows stand on links; links that cross a border have a row in each direction of use."""
    links, countries = case.links, case.nodes["country"]
    ends = set(zip(links["from_node"], links["to_node"], links["mode"], strict=True))
    for row, b in enumerate(_each(case.borders.itertuples())):
        if b.from_node not in countries.index or b.to_node not in countries.index or b.mode not in case.modes.index:
            continue  # reported as a missing reference
        if (b.from_node, b.to_node, b.mode) not in ends and (b.to_node, b.from_node, b.mode) not in ends:
            problem = f"no {b.mode} link joins {b.from_node} and {b.to_node}"
            yield "error", "borders", row, "to_node", problem, "name the two ends of a link of this mode"
    have = set(zip(case.borders["from_node"], case.borders["to_node"], case.borders["mode"], strict=True))
    if not len(case.borders):
        return
    for row, (start, end, mode, directed) in enumerate(
        zip(links["from_node"], links["to_node"], links["mode"], links["directed"], strict=True)
    ):
        a, b = _text(countries.get(start)), _text(countries.get(end))
        if a and b and a != b:
            for pair in ((start, end),) if directed else ((start, end), (end, start)):
                if (*pair, mode) not in have:
                    problem = (
                        f"crosses from {countries[pair[0]]} to {countries[pair[1]]} and no border row says the time"
                    )
                    yield "warning", "links", row, "to_node", problem, f"add {pair[0]}>{pair[1]}-{mode} to borders.csv"


def capacities(case: Case) -> Iterator[Raw]:
    """Facilities name what they limit and have the capacity they use; preloads fit."""
    loads: dict[str, list[tuple[str, float]]] = defaultdict(list)
    columns = (case.preloads[name] for name in ("facility", "direction", "units_per_year"))
    for facility, direction, units in zip(*columns, strict=True):
        loads[str(facility)].append((str(direction), 0.0 if pd.isna(units) else float(units)))
    for row, f in enumerate(_each(case.facilities.itertuples())):
        if pd.isna(f.elements) and pd.isna(f.node):
            yield "error", "facilities", row, "elements", "limits nothing", "name elements, or a node"
        used = getattr(f, f"capacity_{f.capacity_used}", np.nan)
        if pd.isna(used):
            field = f"capacity_{f.capacity_used}"
            yield "error", "facilities", row, field, "is the capacity used, and empty", "fill it in, or use another"
        elif (load := _preload(loads[str(f.Index)], str(f.direction))) > used:
            problem = f"the preload {load:g} is above the capacity {used:g} {f.unit} a year"
            yield "error", "facilities", row, f"capacity_{f.capacity_used}", problem, "correct one of the two"
        if f.unit == "trains" and pd.isna(f.wagons_per_train):
            yield "error", "facilities", row, "wagons_per_train", "is empty and the unit is trains", "give it"
        if f.shared and not loads[str(f.Index)]:
            yield "warning", "facilities", row, "shared", "carries other traffic of unknown size", (
                "add a preload; until then every result that uses it says so")  # fmt: skip


def _preload(loads: list[tuple[str, float]], direction: str) -> float:
    """Return the own units a year that other traffic takes in the fuller direction; a sum where both share."""
    each = sum(units / 2 if of == "both" else units for of, units in loads if of in {"each", "both"})
    forward, backward = (each + sum(units for of, units in loads if of == way) for way in ("forward", "backward"))
    return {"both": forward + backward, "forward": forward, "backward": backward}.get(direction, max(forward, backward))


def ranges(case: Case) -> Iterator[Raw]:
    """Check that low <= value <= high."""
    for table, low, middle, high in RANGES:
        values = case.tables[table][[low, middle, high]].astype("float64").to_numpy()
        for a, b, field in ((0, 1, low), (1, 2, high), (0, 2, low)):
            wrong = values[:, a] > values[:, b] + 1e-9
            if (a, b) == (0, 2):
                wrong &= np.isnan(values[:, 1])
            names = low, middle, high
            for row in positions(wrong):
                problem = f"{names[a]} {values[row, a]:g} is above {names[b]} {values[row, b]:g}"
                yield "error", table, row, field, problem, "correct the range"
    hours = (case.borders["exit_hours"] + case.borders["entry_hours"]).to_numpy()
    at_least, at_most = case.borders["hours_low"].to_numpy(), case.borders["hours_high"].to_numpy()
    for field, wrong in (("hours_low", at_least > hours + 1e-9), ("hours_high", at_most < hours - 1e-9)):
        for row in positions(wrong):
            problem = f"does not fit exit and entry hours, together {hours[row]:g}"
            yield "error", "borders", row, field, problem, "correct the range"


def periods(case: Case) -> Iterator[Raw]:
    """Check that a period does not end before it starts."""
    for table, declared in schema().items():
        for start in ("open_from", "valid_from", "period_from"):
            end = start.replace("from", "until")
            if start not in declared.fields or end not in declared.fields:
                continue
            for row, (a, b) in enumerate(zip(case.tables[table][start], case.tables[table][end], strict=True)):
                if isinstance(a, str) and isinstance(b, str) and first_day(a) > last_day(b):
                    yield "error", table, row, end, f"{b} is before {start} {a}", "correct the dates"


def months(case: Case) -> Iterator[Raw]:
    """Months are numbers from 1 to 12."""
    good = {str(month) for month in range(1, 13)}
    for table, field in (("services", "season_months"), ("restrictions", "months")):
        for row, cell in enumerate(case.tables[table][field]):
            if wrong := [part for part in as_list(cell) if part not in good]:
                yield "error", table, row, field, f"{wrong[0]!r} is no month", "write months as 1 to 12, joined by ;"


def calendars(case: Case) -> Iterator[Raw]:
    """Timetables sail and opening hours can be read; a mean wait fits its timetable."""
    for row, cell in enumerate(case.borders["opening_hours"]):
        if isinstance(cell, str):
            try:
                parse_opening_hours(cell)
            except ValueError as fault:
                yield "error", "borders", row, "opening_hours", str(fault), "correct it, or leave it empty"
    for row, s in enumerate(_each(case.services.itertuples())):
        if s.departure_rule != "timetable":
            if not all(pd.isna(cell) for cell in (s.added_days, s.removed_days, s.departure_time)):
                problem = f"is {s.departure_rule} and dates or times are given"
                yield "error", "services", row, "departure_rule", problem, "write timetable, or remove them"
            continue
        if told := calendar_fault(s):
            yield "error", "services", row, "weekdays", told, "correct the calendar of the service"
            continue
        read = parse_calendar(s.weekdays, s.added_days, s.removed_days, s.departure_time, s.cutoff_hours)
        mean = None if read is None else mean_wait_hours(read)
        if mean is not None and abs(s.wait_hours - mean) > WAIT_SLACK_HOURS:  # never true of a missing wait
            problem = f"{s.wait_hours:g} h is given, and the timetable makes {mean:.1f}"
            yield "error", "services", row, "wait_hours", problem, "leave it empty, or correct one of the two"


def closures(case: Case) -> Iterator[Raw]:
    """Check that closures are for all countries: arcs do not know where goods come from or go to."""
    table = case.restrictions
    for field in ("origin_countries", "destination_countries"):
        for row in positions(((table["effect"] == "closed") & table[field].notna()).to_numpy(dtype=bool)):
            problem = "is given on a closure, and a way is not closed for some countries alone"
            yield "error", "restrictions", row, field, problem, "write effect `flag`, or close it for all"


def coordinates(case: Case) -> Iterator[Raw]:
    """Check that a place has both coordinates or none, and that a drawn line is a line."""
    lat, lon = case.nodes["latitude"].isna().to_numpy(), case.nodes["longitude"].isna().to_numpy()
    for row in positions(lat != lon):
        field = "latitude" if lat[row] else "longitude"
        yield "error", "nodes", row, field, "is empty and the other coordinate is not", "give both or none"
    lines = case.links["geometry"]
    for row in positions(lines.notna().to_numpy(dtype=bool)):
        if not is_line(str(lines.iloc[row])):
            yield "error", "links", row, "geometry", "is no WKT line", "write LINESTRING (lon lat, lon lat, ...)"


def is_line(text: str) -> bool:
    """Tell whether a text is a WKT LINESTRING or MULTILINESTRING.

    Examples
    --------
    >>> is_line("LINESTRING (50 40, 51 41)"), is_line("POINT (50 40)")
    (True, False)
    """
    import shapely

    shape = shapely.from_wkt(text, on_invalid="ignore")
    return shape is not None and shape.geom_type in {"LineString", "MultiLineString"}


def units_of_modes(case: Case) -> Iterator[Raw]:
    """Corridor legs, borders and services-only units are units that their mode carries."""
    for row, m in enumerate(_each(case.modes.itertuples())):
        if wrong := set(as_list(m.service_only_units)) - set(as_list(m.carrying_units)):
            problem = f"{m.Index} does not carry {', '.join(sorted(wrong))}"
            yield (
                "error",
                "modes",
                row,
                "service_only_units",
                problem,
                "add the unit to carrying_units, or remove it here",
            )
    for table in ("corridors", "borders"):
        frame = case.tables[table]
        for row, (mode, unit) in enumerate(zip(frame["mode"], frame["carrying_unit"], strict=True)):
            units = case.modes["carrying_units"].get(mode)
            if isinstance(unit, str) and isinstance(units, str) and unit not in as_list(units):
                known = ", ".join(as_list(units))
                remedy = f"use one of {known}, or add the unit to modes.csv"
                yield "error", table, row, "carrying_unit", f"{mode} does not carry {unit!r}", remedy


def units_and_goods(case: Case) -> Iterator[Raw]:
    """Goods can travel, services carry units their mode carries, waits rest on what they may."""
    carried = {mode: set(as_list(units)) for mode, units in case.modes["carrying_units"].items()}
    anywhere = set().union(*carried.values()) if carried else set()
    for row, cell in enumerate(case.commodities["carrying_units"]):
        if not anywhere & set(as_list(cell)) and carried:
            yield (
                "error",
                "commodities",
                row,
                "carrying_units",
                "no mode carries any of them",
                "name units of modes.csv",
            )
    for row, s in enumerate(_each(case.services.itertuples())):
        wrong = set(as_list(s.carrying_units)) - carried.get(str(s.mode), set(as_list(s.carrying_units)))
        if wrong:
            yield "error", "services", row, "carrying_units", f"{s.mode} does not carry {', '.join(sorted(wrong))}", (
                "add the unit to modes.csv, or remove it here")  # fmt: skip
        if s.wait_basis == "half_headway" and s.departure_rule != "timetable":
            yield "error", "services", row, "wait_basis", f"half a headway on a {s.departure_rule} service", (
                "use an observed wait, or accumulation; half a headway holds for timetables only")  # fmt: skip
        if pd.isna(s.wait_hours) and pd.isna(s.departures_per_year) and s.status in {"open", "seasonal"}:
            yield "error", "services", row, "wait_hours", "neither a wait nor departures are given", "give one of them"
        if pd.isna(s.hours) and pd.isna(s.km_per_day) and pd.isna(case.modes["km_per_day"].get(s.mode)):
            yield "error", "services", row, "hours", "neither hours nor a speed are given", "give one of them"


def demand(case: Case) -> Iterator[Raw]:
    """Demand goes from one zone to another."""
    same = (case.demand["origin"] == case.demand["destination"]).to_numpy(dtype=bool)
    for row in positions(same):
        yield (
            "warning",
            "demand",
            row,
            "destination",
            "starts and ends in one zone; it is not assigned",
            "split the zone",
        )


NETWORK = ("nodes", "links")
RULES: tuple[tuple[Callable[[Case], Iterator[Raw]], tuple[str, ...]], ...] = (
    # a rule, and the tables without which it makes no sense
    (coordinates, ()),
    (geometry, NETWORK),
    (isolated_nodes, NETWORK),
    (gauge_breaks, (*NETWORK, "transfers")),
    (sailings, (*NETWORK, "modes")),
    (chains, (*NETWORK, "modes")),
    (transfers, (*NETWORK, "modes")),
    (borders, (*NETWORK, "modes", "borders")),
    (capacities, ("preloads",)),
    (ranges, ()),
    (periods, ()),
    (months, ()),
    (calendars, ()),
    (closures, ()),
    (units_of_modes, ("modes",)),
    (units_and_goods, ("modes",)),
    (demand, ()),
    (price_rules.tariff_steps, ()),
    (price_rules.dwell_charges, ()),
    (price_rules.price_index, ()),
    (price_rules.emission_factors, ()),
)
