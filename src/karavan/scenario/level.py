"""What a water level, or dredging, does to the services and ports of a case: their capacity and their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.errors import ScenarioError
from karavan.network.water import berth_ratio, level_of_year, level_spread, mean_load, port_draught
from karavan.scenario.change import FIXED_SHARE
from karavan.scenario.draft import DERIVED
from karavan.schema.case import as_list, position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from karavan.network.water import LevelSpread
    from karavan.scenario.change import Change
    from karavan.scenario.draft import Draft

LEAST_LOAD = 0.05  # a ship that may carry less of its former load than this does not sail
SAME = 1e-3  # a smaller change is not worth a row
LOAD_INPUTS = {
    "fleet_units": "units_per_trip", "scheduled_units": "units_per_departure", "berth_calls": "units_per_call",
    "berth_moves": "moves_per_hour", "passage_tonnes": "tonnes_per_ship", "pace": "units",
}  # fmt: skip
"""The input of each formula that is a ship's load, or stands for it."""
PRICES = ("usd_per_tkm", "usd_per_unit_km", "usd_per_unit", "usd_per_tonne")
SHIP_OF = {"wagon_1520": "rail_ferry", "wagon_1435": "rail_ferry", "trailer": "ro_pax", "container": "container",
           "bulk": "dry_cargo"}  # fmt: skip
PLACES = {"rail_ferry": "wagons", "ro_pax": "trailers", "ro_ro": "trailers", "container": "teu"}
OIL = "oil"


def apply_levels(draft: Draft, levels: list[tuple[Change, str]], year: int | None) -> None:
    """Let capacity and prices of services and ports follow the water, where a level or a depth was changed.

    The load of a ship in the year, over the spread of levels within it, is compared with that of the case's own year
    at the level observed then and the depths before the scenario; capacities scale with the ratio, fares with its
    inverse.
    Raises `ScenarioError` when two levels of one body are set, or the table does not reach to the year.
    """
    dredged = [e for e in draft.edits if e.table in {"berths", "vessels"} and e.field != "note"]
    bodies = [change.body for change, _ in levels]
    if len(bodies) > 1:
        message = f"{levels[1][1]} contradicts {levels[0][1]}: both set the water level; keep one of them"
        raise ScenarioError(message)
    known = [str(b) for b in draft.case.water_levels["body"].unique()]
    if not levels and (not dredged or not known):
        return
    change, place = levels[0] if levels else (None, "dredging")
    since = draft.case.meta.year
    if year is None or since is None:
        message = f"{place}: a water level needs a year; give the case one in case.toml"
        raise ScenarioError(message)
    body = change.body if change is not None else known[0]
    try:
        before = level_of_year(draft.case.water_levels, body=body, year=since)
        after = before if change is None else level_of_year(
            draft.frame("water_levels"), body=body, year=year, scenario=change.target)  # fmt: skip
    except ValueError as error:
        message = f"{place}: {error}"
        raise ScenarioError(message) from error
    reason = f"water of {body} at {after.level_m:.2f} m in {year}, {before.level_m:.2f} m in {since}"
    reason += f"; {change.reason if change is not None else dredged[0].because}"
    effects = _Effects(draft, level_spread(before), level_spread(after), reason, place)
    share = FIXED_SHARE if change is None else change.fixed_share
    draft.unknowns += effects.unknown_depths()
    effects.services()
    effects.ports(share)
    effects.bulk()


class _Effects:
    """Works out load ratios and writes what follows from them into the draft."""

    def __init__(self, draft: Draft, before: LevelSpread, after: LevelSpread, reason: str, place: str) -> None:
        self.draft, self.reason, self.place = draft, reason, place
        self.units = draft.frame("carrying_units")
        self.depths = ((draft.case.berths, before), (draft.frame("berths"), after))
        vessels = draft.frame("vessels").rename(columns={"count": "count_"})  # a row's count would hide its method
        known = vessels[["dwt_tonnes", "draught_m", "tpc_tonnes_per_cm"]].notna().all(axis=1).to_numpy(dtype=bool)
        self.known_ships = list(vessels[known].itertuples())
        self._draughts: dict[tuple[int, str, str], NDArray[np.float64] | None] = {}

    def ratio(self, ships: Iterable[Any], ports: list[str], unit: str) -> float | None:
        """Return load after over load before, ships weighted by their number; None where nothing is known."""
        old = new = 0.0
        for ship in ships:
            limit, kind = self._limit(ship, unit), str(ship.kind)
            loads = [
                mean_load(ship, [self.draught(k, p, kind) for p in ports], spread, limit=limit)
                for k, (_, spread) in enumerate(self.depths)
            ]
            if loads[0] is None or loads[1] is None:
                continue
            count = 1.0 if pd.isna(ship.count_) else float(ship.count_)
            old, new = old + count * loads[0], new + count * loads[1]
        return new / old if old > 0.0 else None

    def draught(self, when: int, port: str, kind: str) -> NDArray[np.float64] | None:
        """Return how deep a kind of ship may lie at a port, before (0) or after (1), over the levels of the year."""
        key = when, port, kind
        if key not in self._draughts:
            berths, spread = self.depths[when]
            self._draughts[key] = port_draught(berths, port, spread.level_m, ship_kind=kind)
        return self._draughts[key]

    def _limit(self, ship: Any, unit: str) -> float | None:
        """Return the mass of a full deck, cargo and tare; None where the hold is the limit."""
        places = getattr(ship, PLACES.get(SHIP_OF.get(unit, ""), ""), np.nan)
        if unit not in self.units.index or pd.isna(places):
            return None
        mass = self.units[["payload_tonnes", "tare_tonnes"]].fillna(0.0).sum(axis=1)
        return float(places) * float(mass.iloc[position(self.units, unit)])

    def ships(self, keep: Callable[[Any], bool]) -> list[Any]:
        """Return the rows of vessels wanted that say how deep they lie."""
        return [v for v in self.known_ships if keep(v)]

    def unknown_depths(self) -> list[str]:
        """Name the ports that water links join to ports of known depth, and whose own depth is not known."""
        links, modes = self.draft.frame("links"), self.draft.case.modes
        at_sea = links[links["mode"].isin(modes.index[(modes["medium"] == "water").to_numpy(dtype=bool)])]
        joined = [(str(a), str(b)) for a, b in zip(at_sea["from_node"], at_sea["to_node"], strict=True)]
        known = {p for pair in joined for p in pair if self.draught(0, p, "dry_cargo") is not None}
        beside = {b for pair in joined for a, b in (pair, pair[::-1]) if a in known} - known
        return [f"the depth of {port} is not known: it limits nothing at any water level" for port in sorted(beside)]

    def fleet(self, service: str, unit: str) -> list[Any]:
        """Return the ships of a service; where their draughts are not known, ships of the pack that could stand in."""
        own = self.ships(lambda v: service in as_list(v.services))
        kind = SHIP_OF.get(unit, "dry_cargo")
        places = PLACES.get(kind)
        return own or self.ships(lambda v: v.kind == kind) or (
            self.ships(lambda v: pd.notna(getattr(v, places))) if places else [])  # fmt: skip

    def services(self) -> None:
        """Scale the fleets and fares of services between ports whose depths are known."""
        draft = self.draft
        water = draft.case.modes["medium"].to_dict()
        departures = draft.frame("services")["departures_per_year"]
        ratios: dict[str, float] = {}
        for s in draft.frame("services").itertuples():
            unit = as_list(s.carrying_units)[0]
            if water.get(s.mode) == "water":
                found = self.ratio(self.fleet(str(s.Index), unit), [str(s.from_node), str(s.to_node)], unit)
                if found is not None and abs(found - 1.0) > SAME:
                    ratios[str(s.Index)] = found
        for k, f in enumerate(draft.frame("facilities").itertuples()):
            runs = as_list(f.elements) if f.element_table == "services" else []
            if ratios.keys() & set(runs):
                weights = departures.reindex(runs).fillna(1.0).to_numpy(dtype=np.float64)
                mean = float(np.average([ratios.get(e, 1.0) for e in runs], weights=weights))
                self._scale_capacity(k, mean, f"ships load {mean:.0%} of what they did")
        for k, t in enumerate(draft.frame("freight_tariffs").itertuples()):
            if isinstance(t.service, str) and t.service in ratios:
                self._scale_fare(k, ratios[t.service])
        for name, found in ratios.items():
            if found < LEAST_LOAD:
                (row,) = draft.find("services", [name], {}, self.place)
                why = f"ships would load {found:.0%} of what they did; {self.reason}"
                draft.put("services", row, "status", "suspended", because=why, place=self.place, how=DERIVED)

    def ports(self, fixed_share: float) -> None:
        """Scale what passes the berths of ports whose depths are known."""
        draft = self.draft
        for k, f in enumerate(draft.frame("facilities").itertuples()):
            if f.kind not in {"berth", "terminal", "port"} or not isinstance(f.node, str):
                continue
            if not {"sea", "ferry"} & set(as_list(f.modes)):
                continue
            found = self._port_ratio(f)
            if found is None or abs(found - 1.0) <= SAME:
                continue
            share = berth_ratio(found, fixed_share=fixed_share)
            how = f"ships load {found:.0%}, berths pass {share:.0%} of what they did"
            self._scale_capacity(k, share, how)

    def _port_ratio(self, f: Any) -> float | None:
        goods, units = as_list(f.commodities), as_list(f.carrying_units)
        groups = self.draft.case.commodities["group"].to_dict()
        if goods and all(groups.get(g) == OIL for g in goods):
            return self.ratio(self.ships(lambda v: v.kind == "tanker"), [f.node], "bulk")
        unit = units[0] if units else "bulk"
        return self.ratio(self.fleet("", unit), [f.node], unit)

    def bulk(self) -> None:
        """Give bulk by chartered ship a price of its own from countries all of whose sea links are at this water."""
        draft = self.draft
        links, countries = draft.frame("links"), draft.case.nodes["country"].to_dict()
        ships = self.ships(lambda v: v.kind == "dry_cargo")
        found: dict[str, list[float | None]] = {}
        for x in links[(links["mode"] == "sea").to_numpy(dtype=bool)].itertuples():
            for start, end in ((x.from_node, x.to_node), (x.to_node, x.from_node)):
                ratio = self.ratio(ships, [str(start), str(end)], "bulk")
                found.setdefault(str(countries.get(start)), []).append(ratio)
        tariffs = draft.frame("freight_tariffs")
        at_sea = (tariffs["mode"] == "sea").to_numpy(dtype=bool)
        open_to_all = tariffs[["country", "service", "commodities"]].isna().all(axis=1).to_numpy(dtype=bool)
        general = tariffs[at_sea & open_to_all & (tariffs["carrying_unit"] == "bulk").to_numpy(dtype=bool)]
        named = set(tariffs.loc[at_sea, "country"].dropna())
        for country, ratios in sorted(found.items()):
            whole = [r for r in ratios if r is not None]
            if not len(general) or country in named or len(whole) < len(ratios) or not whole:
                continue
            r = max(float(np.mean(whole)), LEAST_LOAD)
            if abs(r - 1.0) > SAME:
                row = {str(k): v for k, v in general.iloc[0].dropna().items()}
                row |= {"id": f"{general.index[0]}-level-{country}", "country": country}
                row |= {p: float(row[p]) / r for p in PRICES if p in row}
                row["confidence"], row["note"] = "C", f"Ships load {r:.0%} of what they did; {self.reason}"
                draft.add("freight_tariffs", row, because=self.reason, place=self.place)

    def _scale_capacity(self, row: int, ratio: float, how: str) -> None:
        """Scale stated and computed capacity; what has inputs changes by the one that holds a ship's load."""
        draft, because = self.draft, f"{how}: {self.reason}"
        name = str(draft.keys("facilities")[row])
        inputs = draft.frame("asset_inputs")
        is_load = (inputs["formula"].map(LOAD_INPUTS) == inputs["input"]).to_numpy(dtype=bool)
        mine = np.flatnonzero((inputs["facility"] == name).to_numpy(dtype=bool) & is_load)
        for at in mine.tolist():
            value = float(draft.value("asset_inputs", at, "value")) * ratio
            draft.put("asset_inputs", at, "value", value, because=because, place=self.place, how=DERIVED)
        used = str(draft.value("facilities", row, "capacity_used"))
        fields = {"capacity_stated", "capacity_computed", f"capacity_{used}"}
        for field in sorted(fields - ({"capacity_computed"} if len(mine) else set())):
            old = draft.value("facilities", row, field)
            if old is None:
                continue
            target = "capacity_computed" if field == "capacity_demonstrated" else field  # what was carried stays
            draft.put("facilities", row, target, float(old) * ratio, because=because, place=self.place, how=DERIVED)
        if used == "demonstrated":
            draft.put("facilities", row, "capacity_used", "computed", because=because, place=self.place, how=DERIVED)

    def _scale_fare(self, row: int, ratio: float) -> None:
        because = f"ships load {ratio:.0%} of what they did: {self.reason}"
        for field in PRICES:
            old = self.draft.value("freight_tariffs", row, field)
            if old is not None:
                new = float(old) / max(ratio, LEAST_LOAD)
                self.draft.put("freight_tariffs", row, field, new, because=because, place=self.place, how=DERIVED)
