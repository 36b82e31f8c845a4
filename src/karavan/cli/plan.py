"""Commands that answer a question: assign, brief, validate."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import karavan as kv
from karavan.cli.options import CaseOption, DayOption, JsonOption, PackOption, check_day, read
from karavan.cli.output import number, print_json, print_line, print_table, working

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["least-cost", "all-or-nothing", "logit", "user-equilibrium", "system-optimum"]
Objective = Literal["cost", "served first"]
SHOWN = 15  # rows of a table for people; --json has all
DRAWS = 100  # of each promise in a brief; `karavan promise` takes as many as are asked for
BOTTLENECK = ("name", "element", "direction", "unit", "capacity", "used", "shadow_price", "usd_per_tonne", "scarcity")
OVER = ("name", "element", "direction", "unit", "capacity", "preload", "used", "utilisation")
UNSERVED = ("origin", "destination", "commodity", "tonnes", "served", "unserved", "reason")
COUNT = ("name", "period", "unit", "observed", "modelled", "preload", "ratio", "comparable")
CONTROL = ("name", "year", "unit", "published", "modelled", "ratio")
INDICATOR = ("name", "indicator", "year", "published", "modelled", "ratio")


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
    year: Annotated[
        int | None, typer.Option("--year", help="What is open in this year; the case's own by default.")
    ] = None,
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
        read_in = read_in if year is None else kv.apply(read_in, kv.Scenario("base"), year=year)
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
            result = kv.assign(read_in, method=chosen, day=check_day(day), month=month)
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
        network, said, promised = read(pack, case), None, None
        if ledger is not None:
            note("Comparing what was said")
            with kv.Ledger(ledger) as opened:
                said = kv.said_section(opened)
                options = kv.PromiseOptions(draws=DRAWS, settings="computed")
                judged = kv.promise_all(network, opened, options=options, progress=note)
            promised = kv.promised_section(judged)
        story = kv.brief(network, said=said, promised=promised, progress=note)
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
    for row in found.off_by_a_quarter.to_dict("records"):
        print_line(f"{row['name']} ({row['indicator']}): {number(row['ratio'])} of what was published. "
                   f"{row['explanation'] or 'Not explained.'}")  # fmt: skip
    years = sorted(found.indicators["deflator"].dropna().unique())
    if years:
        print_line(f"The model's prices were brought to the year of the published ones: {'; '.join(years)}.")
    print_line(f"Median of modelled over observed {number(found.median_ratio)}; "
               f"{found.off_by_two} comparable counts are off by more than a factor of two.", style="bold")  # fmt: skip


def _show_frame(title: str, frame: Any, columns: tuple[str, ...]) -> None:
    """Show some columns of a frame; nothing if it is empty."""
    if len(frame):
        print_table(title, columns, frame[list(columns)].itertuples(index=False))
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
