"""The command that asks whether a promise can be kept: promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import karavan as kv
from karavan.cli.options import CaseOption, JsonOption, PackOption, read
from karavan.cli.output import number, print_json, print_line, print_table, working

if TYPE_CHECKING:
    from karavan import PromiseCheck

Settings = Literal["main", "all", "computed", "headline"]
SHOWN = 8  # rows of a table for people; --json has all
BOTTLENECK = ("name", "direction", "unit", "capacity", "used", "rests_on", "tonnes_lost")
HEADS = ("place", "direction", "unit", "capacity", "used", "rests on", "tonnes lost")
COLOURS = {"carried with room": "bold green", "at a limit": "bold yellow", "not carried": "bold red"}
SETTING = ("others", "projects", "period", "capacity", "verdict", "wanted", "served", "unserved")
ORDER = ("not carried", "at a limit", "carried with room", "cannot be judged", "not a matter of the network")


def promise(
    words: Annotated[
        str | None, typer.Argument(help='A sentence ("KZ-IR trade reaches USD 1bn") or the id of a fact; none: all.')
    ] = None,
    ledger: Annotated[str | None, typer.Option("--ledger", help="A ledger of facts; adds bases and promises.")] = None,
    year: Annotated[int | None, typer.Option("--year", help="Judge for this year; else the deadline.")] = None,
    split: Annotated[
        str, typer.Option("--split", help="Split between directions to use first, by year or words: 2022, Comtrade.")
    ] = "",
    unit_value: Annotated[
        str, typer.Option("--unit-value", help="Worth of a tonne to use first, by year or words.")
    ] = "",
    price_drift: Annotated[
        float, typer.Option("--price-drift", help="Percent a year by which prices rise; 0: constant prices.")
    ] = 0.0,
    draws: Annotated[int, typer.Option("--draws", min=0, help="Draws over what is not known; 0: none.")] = 200,
    settings: Annotated[
        Settings, typer.Option("--settings", help="Assumptions worked out: the main ones, all, or fewer.")
    ] = "main",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 1,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Threads; 0: one a processor.")] = 0,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask whether the network can carry a promise, where it breaks, what would lift it, and whether trade keeps pace.

    Without words, every promise of the ledger is judged.

    Example: `karavan promise "KZ-IR trade reaches USD 1bn" --pack caspian`
    """
    if words is None and ledger is None:
        message = "give a sentence, or --ledger for all its promises"
        raise typer.BadParameter(message)
    target = kv.TargetOptions(year=year, split=split, unit_value=unit_value, price_drift_percent=price_drift)
    options = kv.PromiseOptions(target=target, draws=draws, seed=seed, workers=workers, settings=settings)
    with working("Reading the case") as note:
        network = read(pack, case)
        if ledger is None:
            found = kv.promise_stages(network, words or "", options=options, progress=note)
        else:
            with kv.Ledger(ledger) as opened:
                found = _of_ledger(network, opened, words, options, note)
        note("Working out what would lift it")
        documents = [check.to_json() for check in found] if as_json or len(found) == 1 else []
    if as_json:
        print_json(documents[0] if words is not None and len(documents) == 1 else {"promises": documents})
    elif len(found) == 1:
        _show(found[0], documents[0])
    else:
        _show_all(found)


def _of_ledger(
    network: kv.Case, ledger: kv.Ledger, words: str | None, options: kv.PromiseOptions, note: Any
) -> list[PromiseCheck]:
    if words is None:
        return kv.promise_all(network, ledger, options=options, progress=note)
    try:
        said: str | kv.LedgerEntry = ledger.fact(words)
    except (kv.NameNotFound, kv.AmbiguousName):
        said = words
    return kv.promise_stages(network, said, ledger=ledger, options=options, progress=note)


def _show(check: PromiseCheck, answer: dict[str, Any]) -> None:
    """Show one promise: the verdict in one line, then why, where it breaks, what would lift it, and how sure it is."""
    label = f" ({answer['label']})" if answer["label"] else ""
    print_line(f"{check.headline.capitalize()}{label}: {check.title}", style=COLOURS.get(check.verdict, "bold"))
    print_line(f"  {check.why}")
    if answer["shippers"]:
        choose = answer["shippers"]
        print_line(f"  If shippers choose: {choose['verdict']}, {number(choose['served'], 't')} of "
                   f"{number(choose['wanted'], 't')}; other goods lose {number(choose['base_lost'], 't')}")  # fmt: skip
    print_line(f"  Pace: {check.pace.verdict}. {check.pace.why}")
    if check.pace.base_rate:
        print_line(f"  Elsewhere {check.pace.base_rate}")
    print_line(f"  Year {answer['year']}: {answer['year_note']}")
    _show_unknown(answer["unknown_capacity"])
    _show_tonnes(answer["tonnes"])
    _show_limits(answer)
    _show_settings(answer)
    if answer["draws"]:
        print_line(f"Draws: {answer['draws']['text']}")
    if answer["restricted"]:
        print_line(f"Restricted on its ways: {'; '.join(r['name'] for r in answer['restricted'])}")
    for text in answer["notes"]:
        print_line(f"Note: {text}")


def _show_tonnes(tonnes: dict[str, Any] | None) -> None:
    if tonnes is None:
        return
    rows = [
        (f"{d['exporter']} to {d['importer']}", *(number(d[k], "t") for k in ("today", "tonnes", "low", "high")),
         number(d["usd"], "USD") if d["usd"] is not None else "")
        for d in tonnes["directions"]
    ]  # fmt: skip
    print_line()
    print_table("In tonnes a year", ("direction", "today", "target", "least", "most", "money"), rows)
    first, total = tonnes["ways"][0], len(tonnes["ways"])
    print_line(f"  {first['name']}: {first['why']}")
    if total > 1:
        print_line(f"  {total} ways to count it; all in --json, each with its rows")


def _show_unknown(unknown: dict[str, Any] | None) -> None:
    """Show what leans on places whose capacity nobody has written down."""
    if not unknown or not unknown["tonnes"]:
        return
    places = "; ".join(unknown["places"][:5])
    print_line(f"  {number(unknown['tonnes'], 't')} pass places of unknown capacity: {places}")
    most, served = unknown["largest_known"]["tonnes"], number(unknown["served_known"], "t")
    largest = f", at most {number(most, 't')}" if most else ""
    print_line(f"  With crossings and handling of unknown capacity shut {served} are served{largest}"
               f"{'; part of its goods has no other way' if most == 0 else ''}")  # fmt: skip


def _show_limits(answer: dict[str, Any]) -> None:
    if answer["bottlenecks"]:
        print_line()
        lost = any(b["tonnes_lost"] for b in answer["bottlenecks"])
        title = "Where it breaks, in order" if lost else "What would bind first if it grew"
        print_table(title, HEADS, [[b[c] for c in BOTTLENECK] for b in answer["bottlenecks"][:SHOWN]])
    change = answer["least_change"]
    if change and change["capacity"]:
        print_line()
        rows = [(c["name"], c["unit"], c["capacity"], c["add"], c["percent"], c["usd"], c["projects"])
                for c in change["capacity"]]  # fmt: skip
        heads = ("place", "unit", "has", "add", "%", "USD", "projects")
        print_table("The least change that would carry it", heads, rows)
        print_line(f"  {change['text']}")
    for cause in (change or {}).get("causes", []):
        print_line(f"  Not a matter of capacity: {cause['what']}, {cause['commodity']} {cause['origin']} to "
                   f"{cause['destination']}: {cause['text']}")  # fmt: skip
    largest = answer["largest"]
    if largest and largest["tonnes"] is not None:
        tonnes, period = number(largest["tonnes"], "t"), answer["headline_setting"]["period"]
        print_line(f"Largest target of this kind: {tonnes} a {period} ({number(largest['scale'])} times it)")
    for part in (answer["capacity"] or [])[:1]:
        rows = [(r["stage_name"], r["name"], r["unit"], r["capacity"], r["tonnes"], r["rests_on"], r["enough"])
                for r in part["rows"]]  # fmt: skip
        heads = ("stage", "row", "unit", "capacity", "tonnes", "rests on", "enough")
        print_table("Rows that limit it", heads, rows[:15])


def _show_settings(answer: dict[str, Any]) -> None:
    if answer["settings"]:
        print_line()
        rows = [[s[c] for c in SETTING] for s in answer["settings"]]
        print_table("Under other assumptions, tonnes a year or in the busiest month", SETTING, rows)
    for part in (answer["capacity"] or [])[1:]:
        print_line(f"  projects {part['projects']}, capacity {part['capacity']}: {part['verdict']}")
    if len(answer["bases"]) > 1:
        print_line()
        bases = [((b["base"] or {}).get("name", ""), b["tonnes"], b["verdict"], b["served"], b["pace"]["verdict"])
                 for b in answer["bases"]]  # fmt: skip
        print_table("By every base it may start from", ("base", "target t", "verdict", "served t", "pace"), bases)


def _show_all(found: list[PromiseCheck]) -> None:
    rows = [(_short(c.title, 60), _short("; ".join(c.speakers), 30), c.status, c.headline, c.pace.verdict,
             _short(c.why, 90)) for c in sorted(found, key=lambda c: ORDER.index(c.verdict))]  # fmt: skip
    print_table(f"{len(found)} promises", ("promise", "by", "register", "network", "pace", "why"), rows)


def _short(text: str, most: int) -> str:
    """Cut a text at a word; what is left out is marked."""
    return text if len(text) <= most else f"{text[: most - 1].rsplit(' ', 1)[0]} …"
