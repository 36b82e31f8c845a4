"""Commands that find ways: route for one shipment, route-many for a file of them, skim between zones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import karavan as kv
from karavan.cli.options import CaseOption, DayOption, JsonOption, PackOption, check_day, read
from karavan.cli.output import counting, number, print_json, print_line, print_table, working

DRAWS = 1000
CRITICAL_SHOWN = 15
PROFILE_SHOWN = 15
PROFILE = ("departure", "arrival", "hours", "usd_per_tonne", "kg_co2e")
EXPECTED = ("frequency", "fill_and_go")  # how a service leaves whose wait is an expected one
ALTERNATIVE = (
    "", "why", "leaves", "arrives", "days", "8 of 10 draws", "on time", "USD", "USD/t", "kg CO2e/t", "transfers", "by",
    "flags",
)  # fmt: skip
LEG = (
    "", "what", "mode", "unit", "from", "to", "service", "km", "leaves", "arrives", "waits, h", "hours",
    "USD/t", "flags",
)  # fmt: skip

CommodityOption = Annotated[str, typer.Option("--commodity", help="What: an id, a name or another name of it.")]
AlternativesOption = Annotated[int, typer.Option("--alternatives", min=0, max=20, help="Other routes at most.")]
ObjectiveOption = Annotated[
    list[str] | None,
    typer.Option("--objective", help="What is weighed: two to five of cost, time, co2e, risk, handlings, each once."),
]
ResolutionOption = Annotated[
    float, typer.Option("--resolution", min=0.0, help="Routes that differ by less than this are one; 0: exact.")
]
CertifiedOption = Annotated[bool, typer.Option("--certified", help="Make the resolution a guarantee, and print it.")]
BudgetOption = Annotated[
    list[str] | None, typer.Option("--budget", metavar="OBJECTIVE=MOST", help="The most of one: cost=200.")
]
AvoidOption = Annotated[
    list[str] | None,
    typer.Option("--avoid", help="A place, border, country (ISO alpha-3), mode, service or operator not to use."),
]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="Of each kind that is named (modes, ports, ...) use nothing else.")
]
ComplyOption = Annotated[
    list[str] | None, typer.Option("--comply", help="Leave out what is listed by us, eu, un, uk; commas join several.")
]
ClosedOption = Annotated[
    list[str] | None, typer.Option("--closed", metavar="ID=DATE", help="What if this is closed from a day on.")
]
IncludeOption = Annotated[
    list[str] | None, typer.Option("--include", help="A service to use although it is not known to take cargo.")
]
YearOption = Annotated[int | None, typer.Option("--usd-year", help="Year of the money; as the case has it by default.")]
FactorsOption = Annotated[Path | None, typer.Option("--factors", help="Emission factors of your own, as CSV.")]
DrawsOption = Annotated[int, typer.Option("--draws", min=0, help="Draws for the odds; 0: none.")]
ReliabilityOption = Annotated[
    float,
    typer.Option("--reliability-ratio", min=0.0, help="Value of reliability over value of time, for the order alone."),
]
OverlapOption = Annotated[
    float, typer.Option("--overlap", min=0.0, max=1.0, help="An alternative shares at most this of its kilometres.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of the draws; the same seed, the same odds.")]


def route(
    origin: Annotated[str, typer.Argument(help="From: a place, a node id or another name of it.")],
    destination: Annotated[str, typer.Argument(help="To.")],
    commodity: CommodityOption,
    tonnes: Annotated[float, typer.Option("--tonnes", help="How much, tonnes.")] = 20.0,
    unit: Annotated[str | None, typer.Option("--unit", help="Only in this carrying unit, such as container.")] = None,
    ready: Annotated[str | None, typer.Option("--ready", help="First departure, YYYY-MM-DD or with THH:MM.")] = None,
    window: Annotated[float, typer.Option("--window", min=0.0, help="It may leave in the next so many days.")] = 0.0,
    deadline: Annotated[str | None, typer.Option("--deadline", help="Arrive by this day or minute.")] = None,
    within: Annotated[float | None, typer.Option("--within", help="Arrive within so many days of leaving.")] = None,
    incoterm: Annotated[str | None, typer.Option("--incoterm", help="Who pays what: FCA, CPT, DAP, ...")] = None,
    place: Annotated[str | None, typer.Option("--incoterm-place", help="The named place of the Incoterm.")] = None,
    alternatives: AlternativesOption = 3,
    objective: ObjectiveOption = None,
    resolution: ResolutionOption = 0.05,
    certified: CertifiedOption = False,
    budget: BudgetOption = None,
    avoid: AvoidOption = None,
    only: OnlyOption = None,
    comply: ComplyOption = None,
    closed: ClosedOption = None,
    include: IncludeOption = None,
    usd_year: YearOption = None,
    factors: FactorsOption = None,
    draws: DrawsOption = DRAWS,
    seed: SeedOption = 0,
    reliability: ReliabilityOption = 0.4,
    overlap: OverlapOption = 0.75,
    every: Annotated[bool, typer.Option("--all", help="Every Pareto-good route in place of a choice of them.")] = False,
    critical: Annotated[bool, typer.Option("--critical", help="Which single closure costs the shipment most.")] = False,
    chart: Annotated[Path | None, typer.Option("--chart", help="Draw the routes: an .svg or .html file.")] = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Write a sheet to print: an .html file.")] = None,
    sheet_of: Annotated[int, typer.Option("--sheet-of", min=1, help="Which route the sheet is of.")] = 1,
    day: DayOption = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the sensible routes of a shipment: cost, time, CO2e and odds, with sailings, borders and restrictions.

    The first is the cheapest by money plus hours, and how uncertain they are, at the commodity's value of time. With
    --ready or --deadline the routes are dated; without, the waits are the expected ones.

    Example: `karavan route Khorgos Poti --commodity "general cargo" --tonnes 20`

    Example: `karavan route Khorgos Poti --commodity "general cargo" --ready 2026-03-02 --deadline 2026-03-25`

    Example: `karavan route Almaty Istanbul --commodity steel --avoid IRN --comply us,eu --chart routes.html`

    Example: `karavan route Khorgos Tehran --commodity wheat --ready 2026-03-02 --window 14 --closed KZ_AKT=2026-01-01`
    """
    options = _options(
        alternatives=alternatives, objective=objective, resolution=resolution, certified=certified, budget=budget,
        avoid=avoid, only=only, comply=comply, closed=closed, include=include, usd_year=usd_year, factors=factors,
        draws=draws, seed=seed, reliability=reliability, overlap=overlap,
    )  # fmt: skip
    shipment = kv.Shipment(
        origin, destination, commodity, tonnes, ready=ready, window_days=window, deadline=deadline, within_days=within,
        incoterm=incoterm, incoterm_place=place, unit=unit,
    )  # fmt: skip
    with working("Reading the case") as note:
        network = read(pack, case)
        router = kv.Router(network, day=check_day(day))
        note("Finding routes")
        found = kv.route(router, shipment, options=options)
        wanted = every or certified or window > 0 or chart is not None
        pareto = kv.pareto_routes(router, shipment, options) if wanted else None
        if every and pareto is not None:
            found = list(pareto.routes)
        if draws:
            note("Drawing odds")
            found = kv.with_odds(found, draws=draws, seed=seed, usd_year=usd_year)
        closures = kv.criticality_of(router, shipment, options) if critical else None
        records = kv.route_records(network, found)
        written = _pictures(found, pareto, chart, sheet, sheet_of, note)
    if as_json:
        document = {"case": network.meta.name, "shipment": shipment, "routes": records}
        document |= {} if pareto is None else {"pareto": _promise(pareto)}
        document |= {} if closures is None else {"critical": closures}
        print_json(document | written)
        return
    show_alternatives(records, usd_year)
    for k, record in enumerate(records, start=1):
        _show_route(k, record)
    if pareto is not None:
        _show_pareto(pareto)
    if closures is not None:
        _show_critical(closures)
    for path in written.values():
        print_line(f"Wrote {path}")


def _options(
    *, alternatives: int, objective: list[str] | None, resolution: float, certified: bool,
    budget: list[str] | None, avoid: list[str] | None, only: list[str] | None, comply: list[str] | None,
    closed: list[str] | None, include: list[str] | None, usd_year: int | None, factors: Path | None, draws: int,
    seed: int, reliability: float = 0.4, overlap: float = 0.75,
) -> kv.RouteOptions:  # fmt: skip
    chosen: dict[str, Any] = {} if not objective else {"objectives": tuple(objective)}
    return kv.RouteOptions(
        alternatives=alternatives, resolution=resolution, certified=certified, budget=_numbers("--budget", budget),
        avoid=tuple(avoid or ()), only=tuple(only or ()),
        comply=tuple(r.strip().lower() for cell in comply or () for r in cell.split(",") if r.strip()),
        closed=dict(_pairs("--closed", closed)), include=tuple(include or ()), usd_year=usd_year,
        emission_factors=factors, draws=draws or DRAWS, seed=seed, reliability_ratio=reliability, overlap=overlap,
        **chosen,
    )  # fmt: skip


def _pairs(option: str, given: list[str] | None) -> list[tuple[str, str]]:
    out = []
    for text in given or ():
        name, equals, value = text.rpartition("=")
        if not (name and equals and value):
            message = f"{option} {text}: write it as NAME=VALUE"
            raise typer.BadParameter(message)
        out.append((name.strip(), value.strip()))
    return out


def _numbers(option: str, given: list[str] | None) -> dict[str, float]:
    out = {}
    for name, value in _pairs(option, given):
        try:
            out[name] = float(value)
        except ValueError as error:
            message = f"{option} {name}={value}: {value!r} is no number"
            raise typer.BadParameter(message) from error
    return out


def _pictures(
    found: list[kv.Route], pareto: kv.ParetoSet | None, chart: Path | None, sheet: Path | None, sheet_of: int, note: Any
) -> dict[str, Path]:
    written = {}
    if chart is not None:
        note("Drawing the chart")
        written["chart"] = kv.write_route_chart(found, chart, others=() if pareto is None else pareto.routes)
    if sheet is not None:
        note("Writing the sheet")
        if sheet_of > len(found):
            message = f"--sheet-of {sheet_of}: there are {len(found)} routes"
            raise typer.BadParameter(message)
        written["sheet"] = kv.write_route_sheet(found[sheet_of - 1], sheet, others=found)
    return written


def _promise(pareto: kv.ParetoSet) -> dict[str, Any]:
    names = ("objectives", "resolution", "guarantee", "complete", "n_labels", "seconds", "promise", "profile")
    return {"n_routes": len(pareto.routes)} | {name: getattr(pareto, name) for name in names}


def _show_pareto(pareto: kv.ParetoSet) -> None:
    if len(pareto.profile) and pareto.departures_alike:
        print_line("Any departure of the window is as good as another: no timetable is met on these ways.")
    elif len(pareto.profile):
        shown = pareto.profile[list(PROFILE)][:PROFILE_SHOWN].to_numpy().tolist()
        rows = [[*(_day_time(str(moment)[:16]) for moment in row[:2]), *row[2:]] for row in shown]
        print_table("The best departures of the window", ("leaves", "arrives", "hours", "USD/t", "kg CO2e/t"), rows)
        if len(pareto.profile) > PROFILE_SHOWN:
            print_line(f"{len(pareto.profile)} in all; --json has them")
        print_line()
    print_line(f"{len(pareto.routes)} Pareto-good routes over {', '.join(pareto.objectives)}; {pareto.promise}.")


def show_alternatives(records: list[dict[str, Any]], usd_year: int | None = None) -> None:
    """Show a line for each route: dates, days with their odds, money, CO2e, flags; empty columns are left out."""
    rows = [[str(k), *_alternative(record)] for k, record in enumerate(records, start=1)]
    used = [c for c in range(len(ALTERNATIVE)) if any(row[c] for row in rows)]
    first = records[0]
    goods = f"{first['origin_name']} to {first['destination_name']}, {number(first['tonnes'], 't')}"
    print_table(goods, [ALTERNATIVE[c] for c in used], [[row[c] for c in used] for row in rows])
    if any(r["frequency_based"] for r in records):
        print_line("~ marks an expected wait, of a service without a timetable.")
    if any(r["odds"] and r["odds"]["p10_days"] > r["days"] for r in records):
        print_line("Days are planned with every border at its usual time; chance adds more delay than it saves.")
    years = sorted({y for r in records for y in r["price_years"]})
    if usd_year is not None:
        print_line(f"Money of {usd_year}.")
    elif len(years) > 1:
        print_line(f"Prices are of {years[0]} to {years[-1]}, as published; --usd-year brings them to one year.")
    print_line()


def _alternative(record: dict[str, Any]) -> list[object]:
    odds = record["odds"]
    spread, on_time = "", ""
    if odds is not None:
        spread = f"{number(odds['p10_days'])} to {number(odds['p90_days'])}"
        on_time = "" if odds["on_time"] is None else f"{odds['on_time']:.1%}"
    why = record["reason"] + (" (beaten by another when chance is looked at)" if odds and odds["dominated"] else "")
    by = ", ".join(p["name"].split(" (")[0].split(",")[0] for p in record["ports"]) or "land"
    flags = ", ".join(dict.fromkeys(r["regime"] for r in record["restrictions"]))
    return [
        why, _day_time(record["departure"]), _day_time(record["arrival"]), record["days"], spread, on_time,
        record["usd_for_shipment"]["money"], record["usd_per_tonne"]["money"],
        record["kg_co2e_per_tonne"]["well_to_wheel"], record["handlings"], by, flags,
    ]  # fmt: skip


def _day_time(moment: str | None) -> str:
    return "" if moment is None else moment.replace("T", " ")


def _show_route(k: int, record: dict[str, Any]) -> None:
    usd, co2e = record["usd_per_tonne"], record["kg_co2e_per_tonne"]
    unsure = f" (and {number(usd['reliability'], 'USD/t')} for reliability)" if usd["reliability"] else ""
    print_line(f"{k}. {record['origin_name']} to {record['destination_name']}: {record['reason']}", style="bold")
    print_line(
        f"   {number(record['km'], 'km')}, {number(record['days'], 'days')}, {number(usd['money'], 'USD/t')} paid "
        f"({number(record['usd_for_shipment']['money'], 'USD')} for {number(record['tonnes'], 't')}), "
        f"{number(usd['generalized'], 'USD/t')} with time{unsure}, "
        f"{number(co2e['well_to_wheel'], 'kg CO2e/t')} well-to-wheel"
    )
    if co2e["high"] > co2e["low"]:
        print_line(f"   CO2e where sources differ: {number(co2e['low'])} to {number(co2e['high'], 'kg/t')}")
    if co2e["tank_to_wheel_only"]:
        print_line(f"   besides {number(co2e['tank_to_wheel_only'], 'kg CO2e/t')} known tank-to-wheel only")
    if payers := record["usd_by_payer"]:
        print_line("   Pays: " + ", ".join(f"the {who} {number(much, 'USD')}" for who, much in payers.items()))
    rows = [[i, *_leg(leg)] for i, leg in enumerate(record["legs"], start=1)]
    used = [c for c in range(len(LEG)) if c == 0 or any(row[c] not in {"", None} for row in rows)]
    print_table("", [LEG[c] for c in used], [[row[c] for c in used] for row in rows])
    if record["borders"]:
        print_line(f"   Borders: {'; '.join(record['borders'])}")
    for line in dict.fromkeys(_restriction(r) for r in record["restrictions"]):
        print_line(line)
    if record["unknowns"]:
        print_line(f"   Background traffic unknown at: {'; '.join(str(u['name']) for u in record['unknowns'])}")
    odds = record["odds"]
    if odds is not None:
        missed = f"; {number(odds['missed'])} departures missed on average" if odds["missed"] else ""
        money = [number(odds[f"p{p}_usd"]) for p in (10, 50, 90)]
        paid = f"{', '.join(money)} USD/t" if len(set(money)) > 1 else "always the same money"
        print_line(
            f"   Odds (P10, P50, P90 of {number(odds['draws'])} draws): {number(odds['p10_days'])}, "
            f"{number(odds['p50_days'])}, {number(odds['p90_days'])} days and {paid}{missed}; "
            f"{odds['drawn_share']:.0%} of the hours have a range"
        )
    print_line()


def _restriction(r: dict[str, Any]) -> str:
    when = f", as of {r['as_of']}" if r["as_of"] else ""
    return f"   Restriction ({r['regime']}{when}): {r['name']} [{r['source'] or 'no source'}]"


def _leg(leg: dict[str, Any]) -> list[object]:
    mark = "~" if leg["calendar"] in EXPECTED else ""
    wait = f"{mark}{number(leg['wait_hours'])}" if leg["wait_hours"] else ""
    return [
        leg["what"], leg["mode"], _lot(leg), leg["from_name"], leg["to_name"], leg["service"], leg["km"] or None,
        _day_time(leg["depart"]), _day_time(leg["arrive"]), wait, leg["hours"], leg["usd_money_per_tonne"],
        ", ".join(leg["restrictions"]),
    ]  # fmt: skip


def _lot(leg: dict[str, Any]) -> str:
    return f"{leg['units']:,} x {leg['unit']}" if leg["units"] and leg["units"] > 1 else leg["unit"]


def _show_critical(closures: Any) -> None:
    shown = closures[: CRITICAL_SHOWN]
    columns = ("kind", "name", "extra_generalized_usd_per_tonne", "extra_usd_per_tonne", "extra_hours", "no_way")
    heads = ("closed", "name", "extra USD/t with time", "extra USD/t paid", "extra hours", "no way left")
    print_table("Which single closure costs this shipment most", heads, shown[list(columns)].itertuples(index=False))
    print_line()


def route_many(
    shipments: Annotated[Path, typer.Argument(help="CSV of shipments: columns as `karavan route-many --help` says.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write routes and legs to.")] = Path("routes"),
    table: Annotated[Literal["parquet", "csv"], typer.Option("--format", help="Form of the tables.")] = "parquet",
    threads: Annotated[int, typer.Option("--threads", min=0, help="Threads; 0: one for each core.")] = 0,
    alternatives: AlternativesOption = 0,
    objective: ObjectiveOption = None,
    resolution: ResolutionOption = 0.05,
    certified: CertifiedOption = False,
    budget: BudgetOption = None,
    avoid: AvoidOption = None,
    only: OnlyOption = None,
    comply: ComplyOption = None,
    closed: ClosedOption = None,
    include: IncludeOption = None,
    usd_year: YearOption = None,
    factors: FactorsOption = None,
    draws: DrawsOption = DRAWS,
    seed: SeedOption = 0,
    day: DayOption = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the routes of many shipments: a CSV in, a table of routes and one of their legs out.

    Columns of the CSV: origin, destination, commodity; and where wanted id, tonnes, ready, window_days, deadline,
    within_days, incoterm, incoterm_place, unit. Every fault is told at once, with its line. A shipment that finds no
    route keeps its row, with the reason.

    Example: `karavan route-many shipments.csv --out routes --format csv`
    """
    options = _options(
        alternatives=alternatives, objective=objective, resolution=resolution, certified=certified, budget=budget,
        avoid=avoid, only=only, comply=comply, closed=closed, include=include, usd_year=usd_year, factors=factors,
        draws=draws, seed=seed,
    )  # fmt: skip
    with working("Reading the case") as note:
        network = read(pack, case)
        router = kv.Router(network, day=check_day(day))
        note("Reading the shipments")
        asked = kv.read_shipments(shipments, network)
    with counting("Finding routes", len(asked)) as progress:
        found = kv.route_many(
            router, asked, options=options, draws=draws, threads=threads or os.cpu_count() or 1, progress=progress
        )
    files = found.write(out, table)
    if as_json:
        print_json({"case": network.meta.name} | found.summary | {"files": files})
        return
    total = found.summary
    print_line(
        f"{total['shipments']:,} shipments, {total['routes']:,} routes, {total['without_route']:,} without a route; "
        f"{number(total['seconds'], 's')}"
    )
    for path in files:
        print_line(f"Wrote {path}")


def skim(
    commodity: Annotated[list[str] | None, typer.Option("--commodity", help="These goods; all by default.")] = None,
    out: Annotated[
        Path, typer.Option("--out", help="A .parquet or .csv file (long), or .omx (one a commodity).")
    ] = Path("skims.parquet"),
    day: DayOption = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what the cheapest way between each two zones comes to: km, hours, USD and CO2e by component, by commodity.

    Example: `karavan skim --commodity wheat --out wheat.omx`
    """
    with working("Reading the case") as note:
        network = read(pack, case)
        note("Finding the cheapest ways")
        found = kv.route_skims(network, commodities=commodity, day=check_day(day))
        note("Writing")
        files = kv.write_skims(found, out, zones=list(network.zones.index))
    if as_json:
        print_json({"case": network.meta.name, "rows": len(found), "files": files})
        return
    print_line(f"{len(found):,} rows: zone to zone, by commodity")
    for path in files:
        print_line(f"Wrote {path}")
