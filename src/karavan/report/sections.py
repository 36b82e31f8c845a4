"""The tables of the brief, each cell with its origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from karavan.report.citations import Cited, Record, joined
from karavan.report.origins import SCARCITY, plural, singular
from karavan.report.page import Column, PageTable, Tile, ratio_bar, share_bar, use_bar
from karavan.report.wording import NOT_KNOWN, is_missing, million, number, percent, thousand

if TYPE_CHECKING:
    import pandas as pd

    from karavan.assignment.assignment import Assignment
    from karavan.report.corridors import Corridor
    from karavan.report.origins import Results
    from karavan.report.validation import Validation

SMALL = 0.5  # tonnes: less than this unserved is the solver's rounding
BUSY = 0.9  # a facility this full is listed beside those that bind
ROWS = 25


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands at the top of the page: numbers, sentences, and the first bottlenecks in words."""

    tiles: list[Tile]
    sentences: list[Markup]
    bottlenecks: list[Markup]


def headline(results: Results, year: Assignment) -> Headline:
    """Say what the network carries and where it binds."""
    s = year.summary
    demand, served, unserved, t_km = (float(s[k]) for k in ("demand", "served", "unserved", "t_km"))
    share = served / demand if demand > 0 else float("nan")
    tiles = [
        Tile("wants to move", results.total(million(demand))),
        Tile("is carried", results.total(million(served)), results.total(percent(share))),
        Tile("stays behind", results.total(million(unserved)), results.total(percent(1.0 - share))),
        Tile("transport work", results.total(million(t_km, "t-km"))),
    ]
    binding = year.bottlenecks()
    n = binding["facility"].nunique()
    mean_km = t_km / served if served > 0 else float("nan")
    sentences = [
        Markup("In {} the network carries {} of the {} that want to move ({}), over {} km on average.").format(
            s["year"] if s["year"] is not None else "the year",
            results.total(million(served)),
            results.total(million(demand)),
            results.total(percent(share)),
            results.total(number(mean_km, 0)),
        ),
        Markup("It binds at {} facilities. First, by what their capacity is worth in all:").format(
            results.total(str(n))
        )
        if n
        else Markup("No capacity binds."),
    ]
    return Headline(tiles, sentences, _first_bottlenecks(results, binding))


def _first_bottlenecks(results: Results, binding: pd.DataFrame, shown: int = 5) -> list[Markup]:
    out = []
    for row in binding.drop_duplicates("facility").head(shown).to_dict("records"):
        anchor = results.facility(row, "year")
        unit = str(row["unit"])
        text = Markup("{} ({}): full at {}; one more {} a year is worth {}{}").format(
            Cited(str(row["name"]), anchor),
            results.direction(row),
            Cited(f"{number(row['capacity'], 0)} {plural(unit)}", anchor),
            singular(unit),
            Cited(f"{number(row['shadow_price'])} USD", anchor),
            Markup("")
            if unit == "tonnes"
            else Markup(", {} a tonne of goods").format(Cited(f"{number(row['usd_per_tonne'])} USD", anchor)),
        )
        if row["scarcity"]:
            text += Markup(" (scarcity: set by goods left behind)")
        out.append(text + Markup("."))
    return out


def goods_table(results: Results, year: Assignment) -> PageTable:
    """Return demand, served and unserved by commodity."""
    pairs = (
        year.pairs.groupby("commodity")[["tonnes", "served", "unserved"]].sum().sort_values("tonnes", ascending=False)
    )
    names = results.case.commodities["name"]
    largest = float(pairs["tonnes"].max()) if len(pairs) else 0.0
    rows = []
    for commodity, row in pairs.iterrows():
        key = str(commodity)
        items = [
            ("how", "Sum over the pairs of this commodity."),
            ("commodity", results.traces.cited(key, "commodities", key)),
        ]
        anchor = results.share(f"goods-{key}", f"{names[key]}, all pairs", items)
        unserved = row["unserved"] if row["unserved"] > SMALL else 0.0
        rows.append(
            [
                Cited(str(names[key]), anchor),
                Cited(thousand(row["tonnes"]), anchor),
                Cited(thousand(row["served"]), anchor),
                Cited(thousand(unserved), anchor),
                share_bar(row["served"], unserved, largest),
            ]
        )
    columns = [
        Column("Goods", numeric=False, wide=True),
        Column("Demand", "thousand t"),
        Column("Carried", "thousand t"),
        Column("Left behind", "thousand t"),
        Column("Carried, left behind", numeric=False),
    ]
    return PageTable("What the network carries, by goods", columns, rows)


def flows_table(results: Results, year: Assignment, *, shown: int = 15) -> PageTable:
    """Return the links with most tonnes, both ways together, and each way."""
    links = year.links.pivot_table(index="link", columns="direction", values="tonnes", aggfunc="sum").fillna(0.0)
    for way in ("forward", "backward"):
        links[way] = links.get(way, 0.0)
    links["both"] = links["forward"] + links["backward"]
    case, rows = results.case, []
    for link, row in links.sort_values("both", ascending=False).head(shown).iterrows():
        anchor = results.flow(str(link))
        at = case.links.loc[str(link)]
        ends = results.ends(str(at["from_node"]), str(at["to_node"]))
        cells = [Cited(" \u2013 ".join(ends), anchor), str(case.modes.at[str(at["mode"]), "name"])]
        rows.append([*cells, *(Cited(thousand(row[c]), anchor) for c in ("both", "forward", "backward"))])
    columns = [
        Column("Section", numeric=False),
        Column("Mode", numeric=False),
        Column("Both ways", "thousand t"),
        Column("There", "thousand t"),
        Column("Back", "thousand t"),
    ]
    note = (
        '"There" is from the first place named to the second. Traffic outside the demand table is not in these figures.'
    )
    return PageTable("The sections with most goods", columns, rows, note)


def modes_table(results: Results, year: Assignment) -> PageTable:
    """Return transport work by mode."""
    links = year.links
    work = (
        (links["tonnes"] * links["link"].map(results.case.links["length_km"]).astype(float))
        .groupby(links["mode"])
        .sum()
    )
    rows = []
    for mode, t_km in work.sort_values(ascending=False).items():
        key = str(mode)
        items = [
            ("how", "Tonnes on each link times its length, summed by the link's mode."),
            ("mode", results.traces.cited(key, "modes", key)),
        ]
        anchor = results.share(f"mode-{key}", f"transport work by {key}", items)
        name = str(results.case.modes.at[key, "name"])
        rows.append([Cited(name, anchor), Cited(number(t_km / 1e9), anchor), Cited(percent(t_km / work.sum()), anchor)])
    columns = [Column("Mode", numeric=False), Column("Transport work", "billion t-km"), Column("Share")]
    return PageTable("Transport work by mode", columns, rows)


def corridor_table(results: Results, found: list[Corridor], frame: pd.DataFrame) -> PageTable:
    """Return the indicators of each corridor."""
    rows = []
    for corridor, row in zip(found, frame.to_dict("records"), strict=True):
        anchor = results.corridor(corridor)
        if corridor.route is None:
            gone = Cited("cannot be travelled on its own legs in this year", anchor)
            rows.append([Cited(corridor.name, anchor), gone, *[NOT_KNOWN] * 7])
            continue
        teu = (
            Cited(number(row["usd_per_teu"], 0), anchor)
            if not is_missing(row["usd_per_teu"])
            else "not all in containers"
        )
        rows.append(
            [
                Cited(corridor.name, anchor),
                Cited(number(row["km"], 0), anchor),
                Cited(number(row["days"], 1), anchor),
                Cited(number(row["usd_per_tonne"], 0), anchor),
                teu,
                _intensity(row, anchor),
                Cited(str(row["borders"]), anchor),
                Cited(str(row["handlings"]), anchor),
                _flags(results, str(row["restrictions"])),
            ]
        )
    columns = [
        Column("Corridor", numeric=False, wide=True),
        Column("Distance", "km"),
        Column("Time", "days"),
        Column("Money paid", "USD/t"),
        Column("Money paid", "USD/TEU"),
        Column("CO2e", "g/t-km, well-to-wheel"),
        Column("Borders"),
        Column("Handlings"),
        Column("Restrictions met", numeric=False),
    ]
    note = (
        "General cargo, mean planning times with waiting for ships and trains; money is what a shipper pays at list or "
        "quoted rates, before rebates. CO2e: well-to-wheel over the kilometres that have such a factor, with the "
        "sources' range; tank-to-wheel figures stand apart and are never added. Borders counts crossings with a border "
        "row, handlings transfers between vehicles. A dot before a restriction is a flag, not legal advice."
    )
    return PageTable("Corridors end to end", columns, rows, note)


def _intensity(row: Record, anchor: str) -> Markup:
    parts = []
    if not is_missing(row["g_co2e_per_tkm"]):
        low, high = number(row["g_co2e_per_tkm_low"], 0), number(row["g_co2e_per_tkm_high"], 0)
        text = number(row["g_co2e_per_tkm"], 0) + (f" ({low}\u2013{high})" if low != high else "")
        parts.append(Markup("{}").format(Cited(text, anchor)))
        if row["wtw_share"] < 0.995:
            parts.append(
                Markup('<span class="sub">on {} of the km</span>').format(Cited(percent(row["wtw_share"]), anchor))
            )
    if not is_missing(row["ttw_g_co2e_per_tkm"]):
        text = f"{number(row['ttw_g_co2e_per_tkm'], 0)} on {percent(row['ttw_share'])} of the km"
        parts.append(Markup('<span class="sub">tank-to-wheel only: {}</span>').format(Cited(text, anchor)))
    if row["bare_share"] > 0.005:
        parts.append(
            Markup('<span class="sub">{} of the km without a factor</span>').format(
                Cited(percent(row["bare_share"]), anchor)
            )
        )
    return joined(parts, "") if parts else joined([NOT_KNOWN])


def _flags(results: Results, cell: str) -> Markup | str:
    names = [r for r in cell.split(";") if r]
    titles = results.case.restrictions["name"]
    by_title = {str(titles[r]): r for r in reversed(names)}  # several rows of one regime may share a name
    flag = Markup('<span class="flag">{}</span>')
    shown = [flag.format(results.traces.cited(title, "restrictions", r)) for title, r in reversed(by_title.items())]
    return joined(shown, " ") if shown else "none"


def bottleneck_table(results: Results, flows: Assignment, period: str, numbers: dict[str, int]) -> PageTable:
    """Return the facilities that bind or are nearly full, in order of worth; `numbers` are the marks on the map."""
    frame = flows.facilities
    worth = frame[(frame["shadow_price"] > 0) | ((frame["utilisation"] >= BUSY) & (frame["used"] > 0))]
    worth = worth.sort_values(["rank", "utilisation"], ascending=[True, False], na_position="last")
    rows = []
    for row in worth.head(ROWS).to_dict("records"):
        anchor = results.facility(row, period)
        name = Markup("{}{} <span class=sub>{}</span>").format(
            _mark(numbers.get(str(row["facility"]))), Cited(str(row["name"]), anchor), results.direction(row)
        )
        other: Any = ""
        if row["preload_known"]:
            other = Cited(number(row["preload"], 0), anchor)
        else:
            other = Markup('<span class="warn">{}</span>').format(Cited(NOT_KNOWN, anchor))
        known = bool(row["preload_known"])
        bar = use_bar(float(row["preload"]), float(row["used"]), float(row["capacity"]), known=known)
        price = row["shadow_price"] > 0
        scarce = Markup(' <span class="scar" title="{}">scarcity</span>').format(SCARCITY) if row["scarcity"] else ""
        rows.append(
            [
                Cited(_rank(row["rank"]), anchor),
                name,
                Markup("{} <span class=sub>{}</span>").format(
                    Cited(f"{number(row['capacity'], 0)} {plural(str(row['unit']))}", anchor), row["capacity_used"]
                ),
                other,
                Cited(number(row["used"], 0), anchor),
                Markup('<span class="full">{} {}</span>').format(bar, Cited(percent(row["utilisation"]), anchor)),
                Markup("{}{}").format(Cited(number(row["shadow_price"]) if price else "0", anchor), scarce),
                Cited(number(row["usd_per_tonne"]) if price else "0", anchor),
                Markup("{} / {}").format(
                    Cited(_rank(row["rank_half"]), anchor), Cited(_rank(row["rank_double"]), anchor)
                )
                if price
                else "\u2013",
            ]
        )
    of = "a year" if period == "year" else "in the month"
    columns = [
        Column("Rank"),
        Column("Facility and direction", numeric=False, wide=True),
        Column("Capacity", f"own unit {of}"),
        Column("Other traffic", "goes first"),
        Column("Used", "by the model"),
        Column("How full", numeric=False),
        Column("Worth of one more", "USD/own unit"),
        Column("Worth", "USD/t"),
        Column("Rank at half / double", "the unserved price"),
    ]
    more = len(worth) - len(rows)
    note = f"{more} more are in the result files." if more > 0 else ""
    title = "Where it binds in the year" if period == "year" else "Where it binds in the busiest month"
    return PageTable(title, columns, rows, note)


def _rank(value: Any) -> str:
    return "\u2013" if is_missing(value) else str(int(value))


def _mark(number_on_map: int | None) -> Markup:
    return Markup("") if number_on_map is None else Markup('<a class="mark" href="#map">{}</a> ').format(number_on_map)


def unserved_table(results: Results, year: Assignment) -> PageTable:
    """Return the demand that is not carried, most first, with the reason."""
    pairs = year.pairs[year.pairs["unserved"] > SMALL].sort_values("unserved", ascending=False)
    zones, goods = results.case.zones["name"], results.case.commodities["name"]
    words = {
        "no path": "no path",
        "priced out": "every way costs more than not being served",
        "capacity": "capacity on the way is full",
    }
    rows = []
    for row in pairs.head(ROWS).to_dict("records"):
        anchor = results.pair(row, "year")
        rows.append(
            [
                Cited(f"{zones[row['origin']]} \u2192 {zones[row['destination']]}", anchor),
                str(goods[row["commodity"]]),
                Cited(thousand(row["tonnes"]), anchor),
                Cited(thousand(row["unserved"]), anchor),
                Cited(percent(row["unserved"] / row["tonnes"]), anchor),
                words.get(str(row["reason"]), str(row["reason"])),
                Cited(number(row["unserved_price"], 0), anchor),
                _grade(row["confidence"]),
            ]
        )
    columns = [
        Column("From \u2192 to", numeric=False, wide=True),
        Column("Goods", numeric=False),
        Column("Demand", "thousand t"),
        Column("Left behind", "thousand t"),
        Column("Share"),
        Column("Reason", numeric=False),
        Column("Price of not being served", "USD/t"),
        Column("Confidence", numeric=False),
    ]
    rest = pairs.iloc[ROWS:]["unserved"].sum()
    note = (
        f"{len(pairs) - len(rows)} more pairs, {million(rest)} together, are in the result files."
        if len(pairs) > len(rows)
        else ""
    )
    return PageTable("Demand that is not carried", columns, rows, note)


def _grade(value: Any) -> Markup | str:
    return "" if is_missing(value) else Markup('<span class="grade g{0}">{0}</span>').format(str(value))


def counts_table(results: Results, validation: Validation, *, comparable: bool) -> PageTable:
    """Return modelled beside observed, worst first; counts of other years and periods stand apart."""
    counts = validation.counts
    rows = []
    for row in counts[counts["comparable"].astype(bool) == comparable].to_dict("records"):
        modelled, observed = results.count(row), results.traces.row("counts", str(row["id"]))
        ratio, other = row["ratio"], Markup("")
        if not is_missing(row["preload"]) and row["preload"] > 0:
            text = Cited(number(row["preload"], 0), modelled)
            other = Markup('<span class="sub">beside {} of other traffic</span>').format(text)
        rows.append(
            [
                Cited(str(row["name"]), observed),
                Cited(str(row["period"]), observed),
                plural(str(row["unit"])),
                Cited(number(row["observed"], 0), observed),
                Markup("{}{}").format(Cited(number(row["modelled"], 0), modelled), other),
                "part year" if is_missing(ratio) else Cited(number(ratio, 2), modelled),
                "" if is_missing(ratio) else ratio_bar(float(ratio)),
                _grade(row["confidence"]),
            ]
        )
    columns = [
        Column("Count", numeric=False, wide=True),
        Column("Period", numeric=False),
        Column("Unit", numeric=False),
        Column("Observed"),
        Column("Modelled"),
        Column("Ratio"),
        Column("0.1 to 10, band: factor of two", numeric=False),
        Column("Confidence", numeric=False),
    ]
    if comparable:
        note = (
            "Other traffic (preloads) is neither in the modelled figure nor in the ratio: it is often taken from the "
            "same reports as the count."
        )
        return PageTable("Modelled against observed, the case's year, worst first", columns, rows, note)
    note = (
        "The model's year beside another year, where the ratio tells of growth too, and beside parts of a year, which "
        "have no ratio. Nothing is scaled."
    )
    return PageTable("Counts of other years and periods", columns, rows, note)


def controls_table(results: Results, validation: Validation) -> PageTable:
    """Return published trade totals beside the demand table's sums."""
    rows = []
    for row in validation.controls.to_dict("records"):
        mine, theirs = results.control(row), results.traces.row("trade", str(row["id"]))
        unit, scale = ("million USD", 1e6) if row["unit"] == "USD" else ("thousand t", 1e3)
        name = f"{row['name']}{'' if row['comparable'] else ' (another or part year)'}"
        rows.append(
            [
                Cited(name, theirs),
                Cited(str(row["year"]), theirs),
                unit,
                Cited(number(row["published"] / scale, 0 if row["published"] >= 100 * scale else 1), theirs),
                Cited(number(row["modelled"] / scale, 0 if row["modelled"] >= 100 * scale else 1), mine),
                "part year" if is_missing(row["ratio"]) else Cited(number(row["ratio"], 2), mine),
                "" if is_missing(row["ratio"]) else ratio_bar(float(row["ratio"])),
                _grade(row["confidence"]),
            ]
        )
    columns = [
        Column("Total", numeric=False, wide=True),
        Column("Year", numeric=False),
        Column("Unit", numeric=False),
        Column("Published"),
        Column("Demand table"),
        Column("Ratio"),
        Column("0.1 to 10, band: factor of two", numeric=False),
        Column("Confidence", numeric=False),
    ]
    return PageTable("Control totals: published trade beside the demand table", columns, rows)


INDICATORS = {
    "km": "km",
    "days": "days",
    "usd_per_teu": "USD/TEU",
    "usd_per_feu": "USD/FEU",
    "usd_per_tonne": "USD/t",
    "usd_per_500km_20t": "USD per 500 km, 20 t",
    "speed_with_delay_kmh": "km/h with delay",
    "speed_without_delay_kmh": "km/h without delay",
    "border_hours": "hours at the border",
    "border_usd": "USD at the border",
}


def indicators_table(results: Results, validation: Validation, corridors: dict[str, str]) -> PageTable:
    """Return published corridor indicators beside the model's; `corridors` are anchors by corridor id."""
    rows = []
    table = results.case.indicators
    for row in validation.indicators.to_dict("records"):
        theirs = results.traces.row("indicators", str(row["id"]))
        corridor = table.at[row["id"], "corridor"]
        mine = theirs if is_missing(corridor) else corridors.get(str(corridor), theirs)
        span = (
            ""
            if is_missing(row["low"]) and is_missing(row["high"])
            else f" ({number(row['low'])} to {number(row['high'])})"
        )
        model: Any = "no figure of this definition"
        if not is_missing(row["modelled"]):
            model = Cited(number(row["modelled"]), mine)
        rows.append(
            [
                Cited(str(row["name"]), theirs),
                Cited(INDICATORS.get(str(row["indicator"]), str(row["indicator"])), theirs),
                Cited("" if is_missing(row["year"]) else str(int(row["year"])), theirs),
                Cited(number(row["published"]) + span, theirs),
                model,
                "" if is_missing(row["ratio"]) else Cited(number(row["ratio"], 2), mine),
                "" if is_missing(row["definition"]) else Cited(str(row["definition"]), theirs),
                "" if is_missing(row["explanation"]) else Cited(str(row["explanation"]), theirs),
                _grade(row["confidence"]),
            ]
        )
    columns = [
        Column("Published figure", numeric=False, wide=True),
        Column("Unit", numeric=False),
        Column("Year", numeric=False),
        Column("Published"),
        Column("Model"),
        Column("Ratio"),
        Column("What the published figure covers", numeric=False),
        Column("Why the model differs", numeric=False),
        Column("Confidence", numeric=False),
    ]
    return PageTable("Published corridor figures beside the model's", columns, rows)
