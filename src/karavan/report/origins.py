"""Origins of results: each result on the page points to an entry that says which run made it and from which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from markupsafe import Markup

from karavan.report.citations import Cited, Item, Record, Traces, fingerprint, joined
from karavan.report.wording import NOT_KNOWN, days, is_missing, listing, million, number, short_name
from karavan.routing.legs import arc_table
from karavan.routing.shipment import HOURS, MONEY
from karavan.schema.case import as_list, position

if TYPE_CHECKING:
    import pandas as pd

    from karavan.assignment.assignment import Assignment
    from karavan.model import Model
    from karavan.report.corridors import Corridor

PRICE = (
    "What one more own unit of this capacity a year would save all shippers together: the shadow price of the capacity "
    "in the linear programme. Per tonne: the same, for the mix of goods that uses it."
)
SCARCITY = (
    "Scarcity: the price is set by the price of unserved demand (the goods' unit value or cheapest outside option), so "
    "it says that goods stay behind, not what a shipper would pay; it moves with that price."
)


class Results:
    """Makes and finds the entries of results."""

    def __init__(self, traces: Traces, model: Model, year: Assignment, month: Assignment | None, version: str) -> None:
        self.traces, self.model, self.case = traces, model, model.case
        self.runs = {"year": year} | ({"month": month} if month is not None else {})
        self.version = version
        nodes = self.case.nodes
        self.places = {
            str(n): short_name(a, b) for n, a, b in zip(nodes.index, nodes["name"], nodes["place"], strict=True)
        }
        self._goods: dict[tuple[str, str], list[tuple[str, float]]] | None = None

    def run(self, period: str = "year") -> str:
        """Return the anchor of a run."""
        entry, new = self.traces.add(("run", period), f"Run: {self._period(period)}", "run")
        if new:
            entry.items = self._run_items(period)
        return entry.anchor

    def _run_items(self, period: str) -> list[Item]:
        meta, method, s = self.case.meta, self.runs[period].method, self.runs[period].summary
        demand, served, unserved, t_km, objective, bound = (
            number(s[k], 0) for k in ("demand", "served", "unserved", "t_km", "objective_usd", "bound_usd")
        )
        what = "All demand of the case assigned to the network under its capacities; totals are sums over its flows."
        if period == "month":
            what += (
                " Each demand row times its share of the busiest month (1/12 where unknown), capacities divided by 12."
            )
        return [
            ("what", what),
            ("case", f"{meta.title or meta.name} ({meta.name}), Karavan {self.version}"),
            ("period", f"{self._period(period)}; open on {s['day']}"),
            ("method", str(method)),
            ("result", f"demand {demand} t, served {served} t, unserved {unserved} t, {t_km} t-km"),
            ("objective", f"{objective} USD; certified lower bound {bound} USD; relative gap {float(s['gap']):.1e}"),
            ("inputs", Cited("tables and their fingerprints", self.inputs())),
        ]

    def inputs(self) -> str:
        """Return the anchor of the list of input tables."""
        entry, new = self.traces.add(("inputs",), "Inputs of the runs", "inputs")
        if new:
            for table, digest in fingerprint(self.case).items():
                frame = self.case.tables[table]
                grades = sorted(frame["confidence"].value_counts().items()) if "confidence" in frame else []
                shown = ", ".join(f"{n} at {g}" for g, n in grades)
                text = f"{number(len(frame), 0)} rows{f' ({shown})' if shown else ''}; SHA-256 {digest}"
                entry.items.append((f"{table}.csv", text))
        return entry.anchor

    @staticmethod
    def _period(period: str) -> str:
        return "the year" if period == "year" else "the busiest month"

    def total(self, text: str, period: str = "year") -> Cited:
        """Return a total of a run."""
        return Cited(text, self.run(period))

    def facility(self, row: Record, period: str) -> str:
        """Return the anchor of a capacity row in a run; `row` is one of `Assignment.facilities`."""
        key = ("facility", period, str(row["facility"]), str(row["element"]), str(row["direction"]))
        name = f"{row['name']}, {self.direction(row)}"
        entry, new = self.traces.add(key, f"Result: {name}, {self._period(period)}", "result")
        if new:
            entry.items = self._facility_items(row, period)
        return entry.anchor

    def _facility_items(self, row: Record, period: str) -> list[Item]:
        facility = cast("pd.Series[Any]", self.case.facilities.loc[row["facility"]])
        unit, one = plural(str(row["unit"])), singular(str(row["unit"]))
        capacity, used, tonnes = (number(row[k], 0) for k in ("capacity", "used", "tonnes"))
        price, per_tonne, half, double = (
            number(row[k]) for k in ("shadow_price", "usd_per_tonne", "shadow_price_half", "shadow_price_double")
        )
        three = [f"{k} {number(facility[f'capacity_{k}'], 0)}" for k in ("stated", "computed", "demonstrated")]
        how = (
            "tonnes over the load of each carrying unit, times own units per carrying unit, returning empties included"
        )
        items: list[Item] = [
            ("facility", self.traces.cited(str(row["name"]), "facilities", str(row["facility"]))),
            ("limits", self._elements(row)),
            ("capacity", f"{capacity} {unit}; used is the {row['capacity_used']} figure ({', '.join(three)} a year)"),
            ("other traffic first", self._preload(row, unit)),
            ("used by the model", f"{used} {unit} for {tonnes} t: {how}"),
            ("shadow price", f"{price} USD per {one}; {per_tonne} USD per tonne. {PRICE}"),
            ("with the unserved price", f"halved: {half}; doubled: {double} USD per {one}"),
        ]
        if row["scarcity"]:
            items.append(("scarcity", SCARCITY))
        return [*items, *self.traces.citation_items(facility), ("run", Cited(self._period(period), self.run(period)))]

    def direction(self, row: Record) -> str:
        """Say a capacity row's direction in words: from where to where, if it is for one link or crossing."""
        way, element = str(row["direction"]), str(row["element"])
        table = str(self.case.facilities.at[row["facility"], "element_table"])
        named = [element] if element else as_list(self.case.facilities.at[row["facility"], "elements"])
        if table == "transfers" or not named:
            return {"both": "both ways", "forward": "loading", "backward": "unloading"}[way]
        rows = self.case.tables[table].loc[named]
        pairs = [self.ends(str(a), str(b)) for a, b in zip(rows["from_node"], rows["to_node"], strict=True)]
        start, end = (listing(list(dict.fromkeys(side)), limit=3) for side in zip(*pairs, strict=True))
        if way == "both":
            return f"{start} \u2013 {end}, both ways"
        return f"{start} \u2192 {end}" if way == "forward" else f"{end} \u2192 {start}"

    def ends(self, start: str, end: str) -> tuple[str, str]:
        """Return the short names of two nodes, with their countries where the names are the same."""
        short = self.place(start), self.place(end)
        if short[0] != short[1]:
            return short
        country = self.case.nodes["country"]
        return f"{short[0]} ({country[start]})", f"{short[1]} ({country[end]})"

    def place(self, node: str) -> str:
        """Return the short name of a node."""
        return self.places[node]

    def _elements(self, row: Record) -> Any:
        table = self.case.facilities.loc[row["facility"]]
        of = str(table["element_table"])
        names = [str(row["element"])] if row["element"] else as_list(table["elements"])
        if not names:
            node = str(table["node"])
            return Markup("{} at {}").format(
                of, self.traces.cited(str(self.case.nodes.at[node, "name"]), "nodes", node)
            )
        return joined([self.traces.cited(n, of, n) for n in names[:12]] + (["and others"] if len(names) > 12 else []))

    def _preload(self, row: Record, unit: str) -> Any:
        rows = self.case.preloads[self.case.preloads["facility"] == row["facility"]]
        if not row["preload_known"]:
            return (
                f"{NOT_KNOWN}: the facility is shared with traffic outside the demand table and no preload is given; "
                "nothing is taken off"
            )
        if not len(rows):
            return "none: the facility is not shared"
        shown = joined(
            [
                self.traces.cited(f"{number(r['units_per_year'], 0)} {unit} a year, {r['traffic']}", "preloads", str(i))
                for i, r in rows.iterrows()
            ],
            "; ",
        )
        return Markup("{} {} in this direction: {}").format(number(row["preload"], 0), unit, shown)

    def pair(self, row: Record, period: str) -> str:
        """Return the anchor of a demand row in a run; `row` is one of `Assignment.pairs`."""
        entry, new = self.traces.add(
            ("pair", period, str(row["id"])), f"Result: {row['id']}, {self._period(period)}", "result"
        )
        if new:
            served, unserved, km = (number(row[k], 0) for k in ("served", "unserved", "km"))
            entry.items = [
                ("demand", self.traces.cited(f"{number(row['tonnes'], 0)} t", "demand", str(row["id"]))),
                ("served", f"{served} t; unserved {unserved} t {REASON.get(str(row['reason']), '')}"),
                ("price of not being served", f"{number(row['unserved_price'])} USD/t"),
            ]
            if row["served"] > 0.5:
                usd, money = number(row["usd_per_tonne"]), number(row["money_usd_per_tonne"])
                text = f"{usd} USD/t with time, {money} USD/t money paid; {days(row['hours'])}, {km} km (means)"
                entry.items.append(("on the way", text))
            demand = cast("pd.Series[Any]", self.case.demand.loc[row["id"]])
            entry.items += [*self.traces.citation_items(demand), ("run", Cited(self._period(period), self.run(period)))]
        return entry.anchor

    def flow(self, link: str) -> str:
        """Return the anchor of the year's flow on a link."""
        entry, new = self.traces.add(("flow", link), f"Result: flow on {link}", "result")
        if new:
            ends = self.ends(*(str(v) for v in self.case.links.loc[link, ["from_node", "to_node"]]))
            for way, (start, end) in (("forward", ends), ("backward", ends[::-1])):
                goods = self.goods_on(link, way)
                largest = "; ".join(f"{name} {million(tonnes)}" for name, tonnes in goods[:6])
                total = million(sum(tonnes for _, tonnes in goods))
                entry.items.append((f"{start} \u2192 {end}", f"{total} ({largest})" if largest else total))
            entry.items += [
                ("link", self.traces.cited(link, "links", link)),
                ("run", Cited("the year", self.run("year"))),
            ]
        return entry.anchor

    def goods_on(self, link: str, way: str) -> list[tuple[str, float]]:
        """Return the goods on a link in a direction in the year, most first: name and tonnes."""
        if self._goods is None:
            self._goods = {}
            names = self.case.commodities["name"]
            flow = self.runs["year"].link_goods.groupby(["link", "direction", "commodity"])["tonnes"].sum()
            for key, tonnes in flow.sort_values(ascending=False).items():
                on, direction, commodity = cast("tuple[str, str, str]", key)
                self._goods.setdefault((on, direction), []).append((str(names[commodity]), float(tonnes)))
        return self._goods.get((link, way), [])

    def count(self, row: Record) -> str:
        """Return the anchor of a modelled count."""
        entry, new = self.traces.add(("count", str(row["id"])), f"Result: {row['name']}, modelled", "result")
        if new:
            observed, modelled = (f"{number(row[k], 0)} {row['unit']}" for k in ("observed", "modelled"))
            how = "The year's modelled flow over the same elements, direction, goods, units and traffic as the count."
            entry.items = [
                ("how", how),
                ("count", self.traces.cited(str(row["name"]), "counts", str(row["id"]))),
                ("modelled", f"{modelled}; observed {observed} ({row['period']})"),
                ("run", Cited("the year", self.run("year"))),
            ]
            if not is_missing(row.get("preload")) and row["preload"] > 0:
                entry.items.insert(
                    3,
                    (
                        "other traffic",
                        f"{number(row['preload'], 0)} {row['unit']} of preload, not in the modelled figure",
                    ),
                )
        return entry.anchor

    def control(self, row: Record) -> str:
        """Return the anchor of the demand that a control total is compared with."""
        key = ("control", str(row["id"]), str(row["unit"]))
        entry, new = self.traces.add(key, f"Result: demand beside {row['id']}", "result")
        if new:
            how = (
                "Sum of the demand table's rows of the same pair of countries, direction and goods; money at each "
                "row's value, else tonnes times the goods' unit value. The demand script does not read this total."
            )
            entry.items = [
                ("how", how),
                ("control", self.traces.cited(str(row["name"]), "trade", str(row["id"]))),
                ("demand", f"{number(row['modelled'], 0)} {row['unit']}; published {number(row['published'], 0)}"),
                ("inputs", Cited("demand.csv", self.inputs())),
            ]
        return entry.anchor

    def corridor(self, corridor: Corridor) -> str:
        """Return the anchor of a corridor's route: its legs with hours, money and the rows they rest on."""
        entry, new = self.traces.add(("corridor", corridor.id), f"Result: {corridor.name}", "result")
        if new:
            goods = str(self.case.commodities.at[corridor.commodity, "name"]) if corridor.commodity else NOT_KNOWN
            entry.items = [
                ("how", f"Cheapest route on the corridor's own legs for {goods.lower()}; no capacity is considered.")
            ]
            entry.items.append(("legs", self._corridor_rows(corridor)))
            if corridor.route is not None:
                entry.items += self._arc_items(corridor)
            entry.items.append(("inputs", Cited("tables and their fingerprints", self.inputs())))
        return entry.anchor

    def _corridor_rows(self, corridor: Corridor) -> Markup:
        frame = self.case.corridors
        seqs = frame.loc[frame["corridor"] == corridor.id, "seq"].tolist()
        return joined([self.traces.cited(f"leg {s}", "corridors", f"{corridor.id}/{s}") for s in seqs])

    def _arc_items(self, corridor: Corridor) -> list[tuple[str, Any]]:
        if corridor.route is None:
            return []
        k = position(self.case.commodities, corridor.commodity)
        rows = arc_table(self.model, k, corridor.route.arcs).to_dict("records")
        items: list[tuple[str, Any]] = []
        for row in rows:
            if row["kind"] == "ACCESS" or (row["kind"] == "HAUL" and row["km"] == 0):
                continue
            hours, usd = sum(row[h] for h in HOURS), sum(row[f"usd_{c}"] for c in MONEY)
            if hours == usd == row["km"] == 0:
                continue
            start, end = (self.place(str(row[f])) if not is_missing(row[f]) else "" for f in ("from", "to"))
            where = f"{start} \u2013 {end}" if start and end and start != end else start or end
            text = f"{number(row['km'], 0)} km, " if row["km"] > 0 else ""
            text += f"{number(hours, 1)} h, {number(usd, 2)} USD/t"
            items.append(
                (
                    f"{KIND.get(row['kind'], row['kind'].lower())}: {where}",
                    Markup("{}; {}").format(text, self._arc_rows(row, k)),
                )
            )
        return items

    def _arc_rows(self, row: Record, k: int) -> Markup:
        """Return links to the rows an arc rests on."""
        case, graph, arc = self.model.case, self.model.graph, int(row["arc"])
        cited = []
        for table, at in (("services", int(graph.service[arc])), ("transfers", int(graph.transfer[arc]))):
            if at >= 0:
                name = str(case.tables[table].index[at])
                cited.append(self.traces.cited(name, table, name))
        if row["kind"] in {"HAUL", "RUN"}:
            links = [str(case.links.index[link]) for link, _ in graph.links_under(arc)]
            cited += [self.traces.cited(name, "links", name) for name in links]
            tariff = int(self.model.costs[k].tariff[arc])
            if tariff >= 0:
                name = str(case.freight_tariffs.index[tariff])
                cited.append(self.traces.cited(f"tariff {name}", "freight_tariffs", name))
        for b in graph.borders_under(arc):
            name = str(case.borders.index[b])
            cited.append(self.traces.cited(name, "borders", name))
        if row["kind"] in {"LOAD", "UNLOAD"}:
            cited.append(self.traces.cited(str(row["unit"]), "carrying_units", str(row["unit"])))
        return joined(cited)

    def share(self, key: str, title: str, items: list[tuple[str, Any]]) -> str:
        """Return the anchor of a derived figure, filled when first asked for."""
        entry, new = self.traces.add(("derived", key), f"Result: {title}", "result")
        if new:
            entry.items = [*items, ("run", Cited("the year", self.run("year")))]
        return entry.anchor


KIND = {
    "LOAD": "loading",
    "UNLOAD": "unloading",
    "HAUL": "haul",
    "RUN": "service",
    "BORDER": "border",
    "TRANSFER": "transfer",
    "WAIT": "wait",
}
REASON = {
    "": "",
    "no path": "(no path joins the two places for these goods)",
    "priced out": "(every path costs more than not being served)",
    "capacity": "(the capacities on the way are taken by others)",
}


def singular(unit: str) -> str:
    """Return one of a unit: "wagons" -> "wagon"."""
    return {"teu": "TEU", "tonnes": "tonne", "lane_metres": "lane metre"}.get(unit, unit.removesuffix("s"))


def plural(unit: str) -> str:
    """Return a unit as people write it."""
    return {"teu": "TEU", "lane_metres": "lane metres"}.get(unit, unit)
