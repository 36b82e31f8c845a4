"""The program `karavan`: its commands, and what becomes of errors."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING, Annotated, Any

import typer

import karavan as kv
from karavan.cli import facts, files, look, network, plan, promise, route, scenario, serve
from karavan.cli.output import print_json, print_line, safe, say

if TYPE_CHECKING:
    from collections.abc import Sequence

DETAILS = ("findings", "suggestions", "candidates", "reasons")

app = typer.Typer(
    name="karavan",
    help="Plan freight corridors: what a network can carry, how goods best move, what each number rests on.",
    epilog="A first question: karavan route Khorgos Poti --commodity 'general cargo'",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

app.command("check")(look.check)
app.command("describe")(look.describe)
app.command("trace")(look.trace)
app.command("route")(route.route)
app.command("route-many")(route.route_many)
app.command("skim")(route.skim)
app.command("assign")(plan.assign)
app.command("brief")(plan.brief)
app.command("promise")(promise.promise)
app.command("invest")(network.invest)
app.command("equipment")(network.equipment)
app.command("criticality")(network.criticality)
app.command("validate")(plan.validate)
app.command("run")(scenario.run)
app.command("compare")(scenario.compare)
app.command("export")(files.export_case)
app.command("import")(files.import_case)
app.command("packs")(look.packs)
app.command("serve")(serve.serve)
app.add_typer(facts.facts, name="facts")


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Answer `--version`, and help where no command is given."""
    if version:
        print_line(f"karavan {kv.__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 an error, 2 wrong usage."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(given, prog_name="karavan", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return _unread()
    except SystemExit as end:  # what rich and typer make of a broken pipe
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        return _unread()
    except Exception as error:  # noqa: BLE001  the last place that can say it plainly
        return _fail(error, as_json="--json" in given)
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    return code if isinstance(code, int) else 0


def _unread() -> int:
    """End well where the reader of a pipe (`| head`) has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _fail(error: Exception, *, as_json: bool) -> int:
    code, message = 1, str(error)
    if isinstance(error, typer.Abort):
        say("Stopped.")
        return 130
    if isinstance(error, typer.TyperException):
        code, message = error.exit_code, error.format_message()
        context = getattr(error, "ctx", None)
        message += f"\nTry: {context.command_path if context else 'karavan'} --help"
    elif not isinstance(error, kv.KaravanError | OSError):
        traceback.print_exc()
        message = f"a fault of Karavan, please report it with the lines above: {type(error).__name__}: {message}"
    if as_json:
        print_json(_document(error, message))
    say(f"Error: {message}")
    return code


def _document(error: Exception, message: str) -> dict[str, Any]:
    details = {name: getattr(error, name) for name in DETAILS if hasattr(error, name)}
    return {"error": safe(message), "type": type(error).__name__, **details}
