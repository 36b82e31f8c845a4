"""Commands of the ledger of facts: add, list, show, conflicts, promises, series, review, export, article."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import karavan as kv
from karavan.cli.fact_view import (
    ask,
    print_chart,
    print_fact,
    print_facts,
    print_promises,
    print_verdicts,
    user_name,
)
from karavan.cli.options import JsonOption, PackOption, read
from karavan.cli.output import print_json, print_line, safe, say, working

if TYPE_CHECKING:
    from karavan import Ledger

Format = Literal["csv", "jsonl"]
Decision = Literal["accept", "reject", "fill"]
SECRET = "KARAVAN_MODEL_KEY"  # noqa: S105 (the name of the variable, not the key)

facts = typer.Typer(
    help="Figures, commitments and events said in articles: where they contradict, how far each promise has come.",
    epilog="A first look: karavan facts --ledger facts.db add --sample, then conflicts and promises.",
    no_args_is_help=True,
)
DayText = Annotated[
    str | None, typer.Option("--as-of", help="The ledger as it was at the end of this day, YYYY-MM-DD.")
]


@facts.callback()
def choose(
    context: typer.Context,
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", help="A file, or a postgresql:// URL; a file in your data folder by default."),
    ] = None,
) -> None:
    """Remember which ledger is meant; it is opened by the command."""
    context.obj = ledger


@facts.command("add")
def add(
    context: typer.Context,
    source: Annotated[
        Path | None, typer.Argument(help="Folder or file of articles (text, HTML, PDF), or a CSV series.")
    ] = None,
    published: Annotated[str | None, typer.Option("--published", help="Their day of publication, YYYY-MM-DD.")] = None,
    columns: Annotated[str, typer.Option("--columns", help="For CSV: value=OBS_VALUE,period=TIME,...")] = "",
    pack: PackOption = None,
    sample: Annotated[bool, typer.Option("--sample", help="Add the press notes that are shipped.")] = False,
    no_text: Annotated[
        bool, typer.Option("--no-text", help="Keep quotes and their sentences, not whole articles.")
    ] = False,
    model_url: Annotated[
        str, typer.Option("--model-url", help="An OpenAI-compatible endpoint that may propose facts.")
    ] = "",
    model: Annotated[str, typer.Option("--model", help=f"The model's name there; a key is read from {SECRET}.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Read articles, or the rows of a CSV file, into the ledger. What was read before adds nothing.

    A file `<article>.json` beside an article may give `published`, `address` and `publisher`.

    Example: `karavan facts --ledger facts.db add articles`
    """
    folder = kv.sample_folder() if sample else source
    if folder is None:
        message = "name a folder or file, or --sample"
        raise typer.BadParameter(message)
    if bool(model) != bool(model_url):
        message = "--model and --model-url go together"
        raise typer.BadParameter(message)
    day = _day(published)
    refused: list[tuple[str, ...]] = []
    with _open(context) as ledger, working(f"Reading {folder}"):
        if folder.suffix.lower() == ".csv":
            document, rows = kv.read_series(folder, kv.SeriesColumns.parse(columns))
            outcome = ledger.add_facts(rows, document)
        else:
            outcome = ledger.add_documents(folder, day, gazetteer=_places(pack), keep_text=not no_text)
        refused += outcome.refused
        proposed = 0
        if model_url:
            endpoint = kv.ModelEndpoint(model_url, model, os.environ.get(SECRET, ""))
            proposed, doubtful = kv.propose_for(ledger, folder, endpoint, published=day)
            refused += doubtful
        counts = ledger.counts()
    if as_json:
        print_json(
            {
                "documents": outcome.documents, "facts": outcome.facts, "known": outcome.known,
                "superseded": outcome.superseded, "proposed": proposed, "refused": refused, "ledger": counts,
            }
        )  # fmt: skip
        return
    for parts in refused:
        say(f"Refused: {' - '.join(parts)}")
    print_line(
        f"{outcome.facts + proposed} new facts from {outcome.documents} new documents; {outcome.known} known; "
        f"{len(refused)} refused. In the ledger: {sum(sum(c.values()) for c in counts.values())} facts."
    )


@facts.command("list")
def list_facts(
    context: typer.Context,
    areas: Annotated[str, typer.Option("--about", help="Areas by code or name, such as KAZ,IRN.")] = "",
    indicator: Annotated[
        str | None, typer.Option("--indicator", help="Such as trade_turnover, export, capacity.")
    ] = None,
    place: Annotated[str | None, typer.Option("--place", help="A place or corridor.")] = None,
    period: Annotated[str | None, typer.Option("--period", help="A year, month, day or interval (ISO 8601).")] = None,
    search: Annotated[str, typer.Option("--search", help='Words of the quote; "a phrase" in double quotes.')] = "",
    kind: Annotated[str | None, typer.Option("--kind", help="figure, commitment, event or flow.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="accepted, partial or rejected.")] = None,
    document: Annotated[str | None, typer.Option("--document", help="A document's file name.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    as_of: DayText = None,
    as_json: JsonOption = False,
) -> None:
    """List facts: all of them, those about something, or those whose quote has some words.

    Example: `karavan facts list --about KAZ,IRN --period 2020`
    """
    with _open(context) as ledger:
        view = ledger.as_of(as_of) if as_of else ledger
        wanted = kv.parse_areas(areas)
        if search:
            found = view.search(search, limit=limit)
        elif wanted or indicator or place:
            found = view.about(wanted, indicator=indicator, place=place, period=period)
        else:
            found = view.facts(kind=kind, status=status, document=document, limit=limit)
    found = [e for e in found if kind in {None, e["kind"]} and status in {None, e["status"]}]
    found = [e for e in found if document in {None, e["document"], e["document_id"]}][:limit]
    if as_json:
        print_json([e.json() for e in found])
    else:
        print_facts(found)


@facts.command("show")
def show(
    context: typer.Context,
    fact: Annotated[str, typer.Argument(help="A fact's id, or its first characters.")],
    as_json: JsonOption = False,
) -> None:
    """Show one fact: the quote in its sentence, what each slot rests on, and its history.

    Example: `karavan facts show 3f9a`
    """
    with _open(context) as ledger:
        history = ledger.history(fact)
    if as_json:
        print_json({"fact": history[-1].json(), "history": [e.json() | {"superseded": e.superseded} for e in history]})
    else:
        print_fact(history)


@facts.command("conflicts")
def conflicts(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Agreements and roundings too.")] = False,
    as_of: DayText = None,
    as_json: JsonOption = False,
) -> None:
    """Show where figures contradict each other or what follows from them, with the arithmetic.

    Example: `karavan facts conflicts`
    """
    with _open(context) as ledger, working("Comparing"):
        found = kv.reconcile((ledger.as_of(as_of) if as_of else ledger).each())
    shown = [v for v in found if everything or v.trouble]
    if as_json:
        print_json(shown)
    else:
        print_verdicts(shown, len(found))


@facts.command("promises")
def promises(
    context: typer.Context,
    day: Annotated[str | None, typer.Option("--day", help="Judge on this day, YYYY-MM-DD; today by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show each promise: target, latest value, share reached, growth still needed a year, status and the rule for it.

    Example: `karavan facts promises --day 2026-01-01`
    """
    with _open(context) as ledger, working("Judging"):
        rows = kv.promises(ledger.each(), today=_day(day))
    if as_json:
        print_json(rows)
    else:
        print_promises(rows)


@facts.command("series")
def series(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help='Such as "trade KZ-IR" or "exports KZ->IR".')],
    unit: Annotated[str, typer.Option("--unit", help="Such as USD or t; the commonest by default.")] = "",
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the chart to this file.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write chart and table as a page to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one series: levels said, levels implied and targets, as a table and on one time axis.

    Example: `karavan facts series "trade KZ-IR"`
    """
    wanted = kv.parse_series(what)
    with _open(context) as ledger:
        points = kv.timeline(ledger, wanted, unit=unit)
    if svg is not None:
        kv.series_svg(wanted, points, svg)
    if html is not None:
        kv.series_page(wanted, points, html)
    if as_json:
        print_json({"series": wanted, "points": points})
    else:
        print_chart(wanted.title(), points)


@facts.command("review")
def review(
    context: typer.Context,
    fact: Annotated[str | None, typer.Argument(help="A fact's id; blank: walk all partial ones.")] = None,
    decision: Annotated[
        Decision | None, typer.Option("--decision", help="What to decide about the fact named.")
    ] = None,
    fill: Annotated[list[str] | None, typer.Option("--set", help="Fill a slot: period=2024. May be repeated.")] = None,
    who: Annotated[str, typer.Option("--who", help="Who decides; your user name by default.")] = "",
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Decide about partial facts: fill what is missing, accept, or reject. Who decided and when is kept.

    Example: `karavan facts review 3f9a --decision accept --set period=2024 --who Aigerim`
    """
    name = who or user_name()
    with _open(context) as ledger:
        if fact is not None:
            changes = dict(_pair(text) for text in fill or [])
            if decision is None:
                message = "say what to decide: --decision accept, reject or fill"
                raise typer.BadParameter(message)
            entry = ledger.review(fact, decision, name, note=note, changes=changes)
            if as_json:
                print_json(entry.json())
            else:
                print_fact(ledger.history(entry.id))
            return
        if not sys.stdin.isatty() and not os.environ.get("KARAVAN_ASK"):
            message = "walking the partial facts needs a terminal; name a fact and --decision"
            raise typer.BadParameter(message)
        decided = _walk(ledger, name)
    print_line(f"{decided} decided.")


@facts.command("export")
def export(
    context: typer.Context,
    form: Annotated[Format, typer.Option("--format", help="csv or jsonl.")] = "jsonl",
    as_of: DayText = None,
    as_json: JsonOption = False,
) -> None:
    """Write all facts to stdout: one JSON object a line, or CSV that no spreadsheet runs.

    Example: `karavan facts export --format csv`
    """
    with _open(context) as ledger:
        view = ledger.as_of(as_of) if as_of else ledger
        if as_json:
            print_json([e.json() for e in view.each()])
            return
        lines = kv.facts_csv(view.each()) if form == "csv" else kv.facts_jsonl(view.each())
        show_raw = not sys.stdout.isatty()
        for line in lines:
            sys.stdout.write(line if show_raw else safe(line))


@facts.command("article")
def article(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="A document's file name or id.")],
    out: Annotated[Path, typer.Argument(help="The HTML file to write.")],
    as_json: JsonOption = False,
) -> None:
    """Write an article as a page with its facts highlighted.

    Example: `karavan facts article note.txt note.html`
    """
    with _open(context) as ledger:
        kv.article_page(ledger, document, out)
    if as_json:
        print_json({"written": out})
    else:
        print_line(f"Wrote {out}")


def _open(context: typer.Context) -> Ledger:
    """Open the ledger named, else the one in the user's data folder."""
    return kv.Ledger(context.obj or kv.default_ledger())


def _places(pack: str | None) -> Any:
    """Return the gazetteer with the places and corridors of a pack; None: the general one."""
    if pack is None:
        return None
    case = read(pack, None)
    return kv.gazetteer(case.nodes, case.aliases, case.corridors)


def _walk(ledger: Ledger, who: str) -> int:
    """Show each partial fact and ask what to do; return how many were decided."""
    decided = 0
    partial = ledger.facts(status="partial")
    for k, entry in enumerate(partial, start=1):
        print_line(f"[{k} of {len(partial)}]", style="bold")
        print_fact([entry])
        while True:
            answer = ask("a accept, f fill, r reject, s skip, q quit", "s").strip().lower()[:1]
            if answer == "q":
                return decided
            if answer not in {"a", "f", "r"}:
                break
            try:
                decided += _decide(ledger, entry.id, answer, who)
            except kv.KaravanError as error:
                say(f"Not done: {error}")
                continue
            if answer != "f":
                break
    return decided


def _decide(ledger: Ledger, fact: str, answer: str, who: str) -> int:
    if answer == "f":
        name, value = _pair(ask("slot=value"))
        ledger.review(fact, "fill", who, changes={name: value})
        return 0
    ledger.review(fact, "accept" if answer == "a" else "reject", who, note=ask("note") if answer == "r" else "")
    return 1


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        message = f"{text!r}: write slot=value, such as period=2024"
        raise typer.BadParameter(message)
    return name.strip(), value.strip()


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no day: write YYYY-MM-DD"
        raise typer.BadParameter(message) from None
