"""Commands that answer a question: route, assign, brief, validate."""

from __future__ import annotations

import itertools
import math
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import karavan as kv
from karavan.cli.options import CaseOption, DayOption, JsonOption, PackOption, read
from karavan.cli.output import number, print_json, print_line, print_table, working

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["least-cost", "all-or-nothing", "logit", "user-equilibrium", "system-optimum"]
Objective = Literal["cost", "served first"]
SHOWN = 15  # rows of a table for people; --json has all
BOTTLENECK = ("name", "element", "direction", "unit", "capacity", "used", "shadow_price", "usd_per_tonne", "scarcity")
OVER = ("name", "element", "direction", "unit", "capacity", "preload", "used", "utilisation")
UNSERVED = ("origin", "destination", "commodity", "tonnes", "served", "unserved", "reason")
COUNT = ("name", "period", "unit", "observed", "modelled", "preload", "ratio", "comparable")
CONTROL = ("name", "year", "unit", "published", "modelled", "ratio")
INDICATOR = ("name", "indicator", "year", "published", "modelled", "ratio")


def route(
    origin: Annotated[str, typer.Argument(help="From: a place, a node id or another name of it.")],
    destination: Annotated[str, typer.Argument(help="To.")],
    commodity: Annotated[str, typer.Option("--commodity", help="What: an id, a name or another name of it.")],
    tonnes: Annotated[float, typer.Option("--tonnes", help="How much, tonnes.")] = 20.0,
    alternatives: Annotated[int, typer.Option("--alternatives", min=0, max=20, help="Other routes at most.")] = 3,
    day: DayOption = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the cheapest route of a shipment, and other sensible ones.

    The cost that is least is money paid plus the hours at the commodity's value of time.

    Example: `karavan route Khorgos Poti --commodity "general cargo" --tonnes 20`
    """
    if not (tonnes > 0 and math.isfinite(tonnes)):
        message = "tonnes must be above zero"
        raise typer.BadParameter(message)
    shipment = kv.Shipment(origin, destination, commodity, tonnes)
    with working("Reading the case") as note:
        network = read(pack, case)
        note("Finding routes")
        found = kv.route(network, shipment, alternatives=alternatives, day=_day(day))
        records = kv.route_records(network, found)
    if as_json:
        print_json({"case": network.meta.name, "shipment": shipment, "routes": records})
        return
    for k, record in enumerate(records, start=1):
        _show_route(k, record)


def assign(
    network: Annotated[
        Path | None,
        typer.Argument(help="A case folder, GMNS folder, GeoPackage or TNTP _net file; else --pack, --case."),
    ] = None,
    method: Annotated[Method, typer.Option("--method", help="How goods choose.")] = "least-cost",
    objective: Annotated[
        Objective, typer.Option("--objective", help="Least cost, or most served and then least cost.")
    ] = "cost",
    theta: Annotated[float | None, typer.Option("--theta", help="logit: dispersion, 1 over USD per tonne.")] = None,
    gap: Annotated[float, typer.Option("--gap", help="Relative gap to reach.")] = 1e-6,
    trips: Annotated[Path | None, typer.Option("--trips", help="TNTP: trip table, if not beside the network.")] = None,
    toll_weight: Annotated[
        float | None, typer.Option("--toll-weight", help="Time that a unit of toll is worth; else as the case says.")
    ] = None,
    distance_weight: Annotated[
        float | None,
        typer.Option("--distance-weight", help="Time that a unit of length is worth; else as the case says."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Congested methods: file of link flows to write (CSV).")] = Path(
        "link_flows.csv"
    ),
    month: Annotated[bool, typer.Option("--month", help="The busiest month in place of the year.")] = False,
    day: DayOption = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Assign the demand of a case to its network: served and unserved tonnes, flows, what binds and what it is worth.

    `user-equilibrium` and `system-optimum` are for networks whose links have delay functions, as TNTP ones.

    Example: `karavan assign --pack caspian --json`

    Example: `karavan assign --method user-equilibrium SiouxFalls_net.tntp`
    """
    chosen = _method(method, objective, theta, gap)
    with working("Reading the case") as note:
        read_in = read(pack, case) if network is None else kv.read_network(network, trips=trips)
        note("Assigning the demand")
        if isinstance(chosen, kv.UserEquilibrium | kv.SystemOptimum):
            passes = itertools.count(1)
            flows = kv.assign_congested(
                read_in,
                method=chosen,
                toll_weight=toll_weight,
                distance_weight=distance_weight,
                progress=lambda done: note(f"Pass {next(passes)}: relative gap {done.relative_gap:.2g}, to {gap:.0e}"),
            )
            flows.write_link_flows(out)
            document = flows.summary | {"link_flows": out}
        else:
            result = kv.assign(read_in, method=chosen, day=_day(day), month=month)
            over = kv.over_capacity(result)
            document = result.to_json() | {"over_capacity": over}
    if as_json:
        print_json(document)
    elif isinstance(chosen, kv.UserEquilibrium | kv.SystemOptimum):
        _show_congested(flows, out)
    else:
        _show_assignment(result, over)


def _method(
    method: Method, objective: Objective, theta: float | None, gap: float
) -> kv.LeastCost | kv.AllOrNothing | kv.Logit | kv.UserEquilibrium | kv.SystemOptimum:
    """Return the method an option names; what is wrong with its numbers is a fault of the call."""
    if method == "logit" and theta is None:
        message = "logit needs --theta: there is no usual value; `calibrate` in Python finds one from counts"
        raise typer.BadParameter(message)
    try:
        match method:
            case "all-or-nothing":
                return kv.AllOrNothing()
            case "logit":
                return kv.Logit(theta=theta or 0.0)
            case "user-equilibrium":
                return kv.UserEquilibrium(gap=gap)
            case "system-optimum":
                return kv.SystemOptimum(gap=gap)
            case _:
                return kv.LeastCost(gap=gap, objective=objective)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _show_congested(flows: kv.CongestedAssignment, out: Path) -> None:
    total = flows.summary
    rows = [(k, number(p.relative_gap), number(p.seconds, "s")) for k, p in enumerate(flows.solution.passes, start=1)]
    print_table("Passes", ("pass", "relative gap", "time"), rows)
    print_line(
        f"{total['method']} of {total['case']}: objective {total['objective']:.6f}, relative gap "
        f"{total['relative_gap']:.3g}, {total['iterations']} iterations, {number(total['seconds'], 's')}; "
        f"ended by {total['ending']}"
    )
    print_line(f"Link flows in {out}")


def brief(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("results"),
    ledger: Annotated[str | None, typer.Option("--ledger", help="A ledger of facts: adds what was said.")] = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the brief: one HTML page that needs no network, and the tables behind it as Parquet and CSV.

    Example: `karavan brief --pack caspian --out results`
    """
    with working("Reading the case") as note:
        network, said = read(pack, case), None
        if ledger is not None:
            note("Comparing what was said")
            with kv.Ledger(ledger) as opened:
                said = kv.said_section(opened)
        story = kv.brief(network, said=said, progress=note)
        note("Writing")
        page = story.write(out / "brief.html")
        tables = story.write_results(out)
    if as_json:
        print_json({"brief": page, "results": tables})
        return
    print_line(f"Wrote {page}")


def validate(
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the model with what was observed: all counts, worst first, and the indicators of each corridor.

    Example: `karavan validate --pack caspian`
    """
    with working("Reading the case") as note:
        network = read(pack, case)
        note("Assigning the demand and comparing")
        found = kv.validate(network)
    if as_json:
        print_json(
            {
                "case": network.meta.name,
                "median_ratio": found.median_ratio,
                "off_by_two": found.off_by_two,
                "counts": found.counts,
                "controls": found.controls,
                "indicators": found.indicators,
            }
        )
        return
    _show_frame("Counts, worst first", found.counts, COUNT)
    _show_frame("Published totals", found.controls, CONTROL)
    _show_frame("Corridor indicators", found.indicators, INDICATOR)
    print_line(f"Median of modelled over observed {number(found.median_ratio)}; "
               f"{found.off_by_two} comparable counts are off by more than a factor of two.", style="bold")  # fmt: skip


def _day(day: str | None) -> str | None:
    if day is None:
        return None
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError as error:
        message = f"{day!r} is no day; write YYYY-MM-DD"
        raise typer.BadParameter(message) from error


def _show_frame(title: str, frame: Any, columns: tuple[str, ...]) -> None:
    """Show some columns of a frame; nothing if it is empty."""
    if len(frame):
        print_table(title, columns, frame[list(columns)].itertuples(index=False))
        print_line()


def _show_route(k: int, record: dict[str, Any]) -> None:
    usd, co2e = record["usd_per_tonne"], record["kg_co2e_per_tonne"]
    print_line(f"{k}. {record['origin_name']} to {record['destination_name']}: {record['reason']}", style="bold")
    print_line(
        f"   {number(record['km'], 'km')}, {number(record['days'], 'days')}, {number(usd['money'], 'USD/t')} paid "
        f"({number(record['usd_for_shipment']['money'], 'USD')} for {number(record['tonnes'], 't')}), "
        f"{number(usd['generalized'], 'USD/t')} with time, {number(co2e['well_to_wheel'], 'kg CO2e/t')} well-to-wheel"
    )
    part = [f"{number(t, 't')} in a full {u}" for u, t in record["tonnes_in_full_unit"].items() if record["tonnes"] < t]
    if part:
        print_line(f"   a part load at its share of the price of a full one: {', '.join(part)}")
    if co2e["tank_to_wheel_only"]:
        print_line(f"   besides {number(co2e['tank_to_wheel_only'], 'kg CO2e/t')} known tank-to-wheel only")
    columns = ("what", "mode", "unit", "from_name", "to_name", "service", "km", "hours", "usd_money_per_tonne")
    heads = ("", "mode", "unit", "from", "to", "service", "km", "hours", "USD/t")
    print_table("", heads, [[leg[c] for c in columns] for leg in record["legs"]])
    if record["borders"]:
        print_line(f"   Borders: {'; '.join(record['borders'])}")
    for r in record["restrictions"]:
        print_line(f"   Restriction ({r['regime']}): {r['name']} [{r['source'] or 'no source'}]")
    if record["unknowns"]:
        print_line(f"   Background traffic unknown at: {'; '.join(str(u['name']) for u in record['unknowns'])}")
    print_line()


def _show_assignment(result: kv.Assignment, over: pd.DataFrame) -> None:
    total = result.summary
    print_line(f"{total['case']}, {total['period']} {total['year'] or ''}, open on {total['day']}", style="bold")
    print_line(
        f"Demand {number(total['demand'], 't')}, served {number(total['served'], 't')}, "
        f"unserved {number(total['unserved'], 't')}"
    )
    if isinstance(result.method, kv.AllOrNothing):
        print_line("AllOrNothing: every tonne goes its cheapest way, whatever the capacities")
    elif isinstance(result.method, kv.Logit):
        print_line(f"Logit, theta {result.method.theta:g}: shippers choose for themselves, queues at full facilities")
    else:
        best = f"proven within {number(total['gap'])} of the best"
        print_line(f"{total['method']}, objective {total['objective']}, {best}")
    print_line()
    _show_frame("Used beyond capacity, fullest first", over[:SHOWN], OVER)
    _show_frame("What binds, most worth first (shadow price: USD for one more unit a year)",
                result.bottlenecks()[:SHOWN], BOTTLENECK)  # fmt: skip
    short = result.pairs[result.pairs["reason"] != ""].sort_values("unserved", ascending=False)
    _show_frame("Not served, most tonnes first", short[:SHOWN], UNSERVED)
