"""Options that commands share, and the case they name."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import karavan as kv
from karavan.cli.output import say

if TYPE_CHECKING:
    from karavan import Case

PackOption = Annotated[
    str | None, typer.Option("--pack", help="A shipped pack, such as caspian; `karavan packs` lists them.")
]
CaseOption = Annotated[Path | None, typer.Option("--case", help="A case folder: case.toml and its CSV files.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write exactly one JSON document to stdout.")]
DayOption = Annotated[
    str | None, typer.Option("--day", help="What is open on this day, YYYY-MM-DD; mid-year of the case by default.")
]


def check_day(day: str | None) -> str | None:
    """Return a day as it was given; raises `BadParameter` for what is none."""
    if day is None:
        return None
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError as error:
        message = f"{day!r} is no day; write YYYY-MM-DD"
        raise typer.BadParameter(message) from error


def folder_of(pack: str | None, case: Path | None) -> Path:
    """Return the folder of the pack or case named; without a name, of the only shipped pack.

    Raises `KaravanError` when both are named or the pack must be chosen, `NameNotFound` for an unknown pack.
    """
    if pack is not None and case is not None:
        message = "--pack and --case exclude each other"
        raise typer.BadParameter(message)
    if case is not None:
        return case
    shipped = kv.packs()
    if pack is None:
        if len(shipped) != 1:
            message = f"name a case: --case FOLDER, or --pack with one of {', '.join(shipped)}"
            raise typer.BadParameter(message)
        pack = next(iter(shipped))
        say(f"Using pack {pack}; choose with --pack or --case.")
    if pack not in shipped:
        raise kv.NameNotFound(pack, "pack", list(shipped))
    return shipped[pack]


def read(pack: str | None, case: Path | None) -> Case:
    """Read the case named; errors in its tables raise `CaseError` with every finding."""
    return kv.read_case(folder_of(pack, case))
