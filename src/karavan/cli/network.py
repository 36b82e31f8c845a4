"""Commands on the whole network: invest, equipment, criticality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

import karavan as kv
from karavan.cli.options import CaseOption, DayOption, JsonOption, PackOption, read
from karavan.cli.output import number, print_json, print_line, print_table, working

Goal = Literal["served", "cost", "promises"]
Kind = Literal["links", "nodes", "borders", "services", "facilities"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SHOWN = 15  # rows of a table for people; --json has all
CHOSEN = ("project", "name", "year", "usd", "cost_asked")
YEARS = ("year", "stands_for", "demand", "served_before", "served", "served_greedy")
FRONTIER = ("budget_usd", "spent_usd", "projects", "gain", "greedy_gain", "gap", "opened")
COSTS = ("budget_usd", "spent_usd", "projects", "cost_usd", "greedy_cost_usd", "gap", "opened")
KEPT = ("budget_usd", "spent_usd", "projects", "kept", "opened")
UNITS = ("unit", "loaded_moves", "empty_share", "return_share", "assumed_return_share", "empty_usd",
         "usd_per_loaded_move", "fleet")  # fmt: skip
LANES = ("unit", "from_name", "to_name", "units", "km", "usd", "saving_per_load")
CORRIDORS = ("name", "unit", "loaded_km_forward", "loaded_km_backward", "imbalance", "surcharge_forward",
             "surcharge_backward")  # fmt: skip
PAIRS = ("origin_name", "destination_name", "commodity", "served", "surcharge_usd_per_tonne", "money_usd_per_tonne")
LOSSES = ("table", "id", "name", "tonnes", "cost_usd", "transport_usd", "unserved", "usd_per_tonne")
BOTH = ("name_a", "name_b", "cost_usd", "unserved", "alone_a_usd", "alone_b_usd", "together_usd")


def invest(
    budget: Annotated[float | None, typer.Option("--budget", help="USD to spend in all; no limit by default.")] = None,
    goal: Annotated[
        Goal | None,
        typer.Option("--for", help="Most served tonnes (default), least cost, or promises kept (default with some)."),
    ] = None,
    year: Annotated[
        list[int] | None,
        typer.Option("--year", help="A year to look at; give several. Else when promises are due, or the case's own."),
    ] = None,
    cost: Annotated[
        list[str] | None, typer.Option("--cost", help="What a project costs: ID=USD. It is used before its row.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Choose among these projects; else all.")] = None,
    said: Annotated[
        list[str] | None,
        typer.Option("--promise", help='A promise to keep, in words: "KZ-IR trade reaches USD 1bn". Give several.'),
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option("--targets", help="Promises as CSV: origin, destination, commodity, tonnes, promise, due."),
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="A scenario made before, such as growth of demand.")
    ] = None,
    points: Annotated[int, typer.Option("--points", min=0, help="Budgets of the frontier; 0: none.")] = 6,
    discount: Annotated[float, typer.Option("--discount-rate", help="A year, for money.")] = 0.05,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Years that the last year stands for.")] = 20,
    gap: Annotated[float, typer.Option("--gap", help="Relative gap to the bound at which to end.")] = 1e-5,
    chart: Annotated[Path | None, typer.Option("--chart", help="Picture to write (SVG): what budgets buy.")] = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose which projects to open under a budget: most served tonnes, least cost, or promises kept.

    What projects are worth together counts: a berth without its railway is worth nothing. The plan of a simple rule,
    always the project of most gain for its money, stands beside it. A project without a cost is left out, and named.

    Example: `karavan invest --pack caspian --budget 2e9 --year 2030 --cost ALA-phase-2=5e8`
    """
    kept = said is not None or targets is not None
    terms = _terms(goal or ("promises" if kept else "served"), year, budget, discount, horizon, gap, points)
    with working("Reading the case") as note:
        network = read(pack, case)
        found = kv.invest(
            network,
            terms,
            costs=_costs(cost or []),
            only=only or (),
            targets=None if targets is None else kv.read_targets(targets, network),
            promises=said or (),
            **({} if scenario is None else {"common": kv.Scenario.read(scenario)}),
            progress=note,
        )
    if chart is not None and points:
        kv.frontier_svg(found, chart)
    if as_json:
        print_json(found.to_json() | {"chart": chart})
    else:
        _show_investment(found)


def _terms(
    goal: Goal, year: list[int] | None, budget: float | None, discount: float, horizon: int, gap: float, points: int
) -> kv.InvestmentTerms:
    try:
        return kv.InvestmentTerms(goal, tuple(year or ()), budget, discount, horizon, gap, points=points)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _costs(given: list[str]) -> dict[str, float]:
    costs = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            costs[name] = float(value)
        except ValueError as error:
            message = f"--cost {text}: write it as project=USD, for example RAS-AST-rail=1.7e9"
            raise typer.BadParameter(message) from error
    return costs


def _show_investment(found: kv.Investment) -> None:
    words = {"served": "most served tonnes", "cost": "least cost", "promises": "most promises kept"}
    print_line(f"{found.case}: {words[found.terms.goal]}", style="bold")
    _show("Projects to open", found.chosen, CHOSEN)
    if not len(found.chosen):
        kept = len(found.promises) and found.promises["kept"].all()
        print_line("All promises are kept without a project." if kept else "No project is worth opening.")
        print_line()
    _show("Tonnes a year", found.years, YEARS)
    _show("Promises", found.promises, ("promise", "kept"))
    spent = number(found.spent / 1e6, "m USD")
    print_line(f"Spent {spent}; proven within {number(100 * found.gap)}% of the best there can be, over all paths.")
    if found.terms.goal != "promises":
        unit = "USD" if found.terms.goal == "cost" else "t over the years"
        opened = ", ".join(found.greedy["project"]) or "nothing"
        opened = ", ".join(found.greedy["project"]) or "nothing"
        print_line(f"Project by project, always the best for its money: {opened}. {_worth(found, unit)}")
    print_line()
    columns = {"served": FRONTIER, "cost": COSTS, "promises": KEPT}[found.terms.goal]
    _show("What each budget buys", found.frontier, columns)
    for why, rows in found.left_out.groupby(found.left_out["why"].str.split(" (", regex=False).str[0], sort=False):
        print_line(f"Left out, {why}: {', '.join(rows['project'])}")
    if len(found.left_out):
        print_line("What would let each in: left_out, remedy in --json. A cost you assume: --cost PROJECT=USD")


def _worth(found: kv.Investment, unit: str) -> str:
    if not found.interaction:
        return "Choosing together finds nothing better."
    return f"Choosing together is worth {number(found.interaction, unit)} more."


def equipment(
    empty_cost: Annotated[
        list[str] | None,
        typer.Option("--empty-cost", help="Cost of an empty unit as a share of a loaded one: wagon_1520=0.5."),
    ] = None,
    month: Annotated[bool, typer.Option("--month", help="The busiest month in place of the year.")] = False,
    day: DayOption = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how wagons, containers and trailers come back: empties, their cost, and who pays for the imbalance.

    Example: `karavan equipment --pack caspian`
    """
    with working("Reading the case") as note:
        network = read(pack, case)
        note("Assigning the demand")
        flows = kv.assign(network, day=day, month=month)
        note("Bringing the empties back")
        try:
            found = kv.equipment(flows, empty_cost=_costs(empty_cost or []))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(found.to_json())
        return
    print_line(f"{found.case}: empties cost {number(found.usd / 1e6, 'm USD')}", style="bold")
    _show("Units (return_share: empty over loaded kilometres, beside the share that capacities assume)",
          found.units, UNITS)  # fmt: skip
    _show("Where empties go; a load found for one saves saving_per_load (USD)", found.lanes, LANES)
    _show("Imbalance by corridor (surcharge: USD on each 1,000 loaded unit-km for empties the other way)",
          found.corridors, CORRIDORS)  # fmt: skip
    dear = found.pairs.sort_values("surcharge_usd_per_tonne", ascending=False)
    _show("Who pays most for empties, USD a tonne", dear, PAIRS)
    _show("Units left behind, or missing (no_way: there is no way)", found.stranded,
          ("unit", "name", "stranded", "short", "no_way"))  # fmt: skip


def criticality(
    kind: Annotated[
        list[str] | None,
        typer.Option("--of", help=f"Assets that may be lost, of {', '.join(KINDS)}; give several. Else all."),
    ] = None,
    pairs: Annotated[int, typer.Option("--pairs", min=0, help="Worst pairs to find; 0: none.")] = 10,
    by: Annotated[
        Literal["cost", "together"],
        typer.Option("--by", help="Pairs that cost most, or that cost most beyond the two alone."),
    ] = "cost",
    most: Annotated[int, typer.Option("--most", min=1, help="Pairs to work out at most.")] = 500,
    month: Annotated[bool, typer.Option("--month", help="The busiest month in place of the year.")] = False,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Losses worked out at a time.")] = 1,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the loss of each link, port, border, service and facility would cost, alone and in the worst pairs.

    Flows find another way where there is room; what finds none is left unserved.

    Example: `karavan criticality --pack caspian --of borders --of facilities`
    """
    wrong = [k for k in kind or () if k not in KINDS]
    if wrong:
        message = f"--of {wrong[0]}: there are {', '.join(KINDS)}"
        raise typer.BadParameter(message)
    kinds = tuple(k for k in KINDS if not kind or k in kind)
    with working("Reading the case") as note:
        network = read(pack, case)
        found = kv.criticality(
            network, kinds=kinds, pairs=pairs, by=by, most_pairs=most, month=month, workers=workers, progress=note
        )
    if as_json:
        print_json(found.to_json())
        return
    print_line(f"{found.case}, {found.period}: what a loss costs, worst first", style="bold")
    _show("Alone", found.assets, LOSSES)
    _show("In pairs (together_usd: beyond the two alone)", found.pairs, BOTH)
    print_line("cost_usd: what transport costs more with hours at their value (transport_usd), and the price of each "
               "tonne left unserved. Nothing stands in for a place where goods start or end.")  # fmt: skip
    print_line(f"{found.idle} more assets carry nothing at the optimum, and cost nothing alone.")
    if pairs:
        rest = f"none left costs more than {number(found.bound, 'USD')}"
        end = "no other is among the worst" if found.proven else rest
        print_line(f"{found.evaluated:,} of {found.n_pairs:,} pairs were worked out: {end}.")


def _show(title: str, frame: Any, columns: tuple[str, ...]) -> None:
    """Show some columns of the first rows of a frame; nothing if it is empty."""
    if len(frame):
        rest = f", {SHOWN} of {len(frame)} rows" if len(frame) > SHOWN else ""
        print_table(f"{title}{rest}", columns, frame.head(SHOWN)[list(columns)].itertuples(index=False))
        print_line()
