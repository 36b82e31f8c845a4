"""Commands that look at a case: check, describe, trace, packs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import karavan as kv
from karavan.cli.options import CaseOption, JsonOption, PackOption, folder_of, read
from karavan.cli.output import cell_text, print_json, print_line, print_table, working


def check(
    folder: Annotated[Path | None, typer.Argument(help="A case folder; or use --pack or --case.")] = None,
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the tables of a case and show every finding: file, line, field, problem, remedy.

    Errors stop a case from being used, warnings do not. Exit code 1 if there is any error.

    Example: `karavan check my-case`
    """
    place = folder_of(pack, folder or case)
    with working(f"Checking {place}"):
        report = kv.check(place)
    if as_json:
        print_json(
            {
                "case": report.name,
                "errors": len(report.errors),
                "warnings": len(report.warnings),
                "findings": report.findings,
            }
        )
    else:
        for finding in report.findings:
            print_line(f"{finding.severity}: {finding}", style="red" if finding.severity == "error" else "")
        print_line(f"{report.name}: {len(report.errors)} error(s), {len(report.warnings)} warning(s)", style="bold")
    raise typer.Exit(1 if report.errors else 0)


def describe(
    table: Annotated[str | None, typer.Argument(help="A table, such as links; blank: all tables.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the tables of a case, or the fields of one table, as declared: type, unit, default, text.

    Example: `karavan describe links`
    """
    frame = kv.describe(table).reset_index()
    if as_json:
        print_json(frame)
        return
    if table is not None:
        print_line(kv.table(table).text)
    print_table("", [str(c) for c in frame.columns], frame.itertuples(index=False))


def trace(
    table: Annotated[str, typer.Argument(help="Table of the number, such as links.")],
    row: Annotated[str, typer.Argument(help="Id of the row; key fields joined by / where there are several.")],
    field: Annotated[str, typer.Argument(help="Field of the number, such as length_km.")],
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow one number of a case back to its source.

    Example: `karavan trace links KZ_AKT-AZ_ALA-ferry length_km`
    """
    chain = kv.trace(read(pack, case), table, row, field)
    if as_json:
        print_json(chain.to_json())
        return
    for line in str(chain).splitlines():
        print_line(line)
    said = (("confidence", chain.confidence), ("note", chain.note), ("other sources", chain.other_values))
    for name, text in said:
        if text:
            print_line(f"  {name}: {text}")


def packs(as_json: JsonOption = False) -> None:
    """List the packs that are shipped.

    Example: `karavan packs`
    """
    shipped = kv.packs()
    if as_json:
        print_json({name: str(folder) for name, folder in shipped.items()})
        return
    for name, folder in shipped.items():
        print_line(f"{name}  {cell_text(folder)}")
