"""Commands that bring a case into other formats and back: export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

import karavan as kv
from karavan.cli.options import CaseOption, JsonOption, PackOption, read
from karavan.cli.output import print_json, print_line, say, working

Target = Literal["csv", "gmns", "geopackage"]
Origin = Literal["gmns", "tntp", "geopackage"]


def export_case(
    out: Annotated[Path, typer.Argument(help="Folder (csv, gmns) or file (geopackage) to write.")],
    to: Annotated[Target, typer.Option("--to", help="Format.")],
    pack: PackOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a case as a CSV folder to edit, as GMNS, or as one GeoPackage for a map program.

    Example: `karavan export --pack caspian --to csv my-case`
    """
    with working("Reading the case") as note:
        network = read(pack, case)
        note(f"Writing {out}")
        if to == "csv":
            kv.write_case(network, out)
        elif to == "gmns":
            kv.write_gmns(network, out)
        else:
            kv.write_geopackage(network, out)
    _report(network, out, as_json=as_json)


def import_case(
    source: Annotated[Path, typer.Argument(help="Folder (gmns) or file (tntp network, geopackage) to read.")],
    out: Annotated[Path, typer.Argument(help="Case folder to write.")],
    origin: Annotated[Origin, typer.Option("--from", help="Format.")],
    trips: Annotated[Path | None, typer.Option("--trips", help="The trips file of a TNTP network.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a GMNS folder, a TNTP network or a GeoPackage into a case folder.

    Example: `karavan import --from tntp SiouxFalls_net.tntp my-case --trips SiouxFalls_trips.tntp`
    """
    if trips is not None and origin != "tntp":
        message = "--trips goes with --from tntp"
        raise typer.BadParameter(message)
    with working(f"Reading {source}") as note:
        if origin == "gmns":
            network = kv.read_gmns(source)
        elif origin == "geopackage":
            network = kv.read_geopackage(source)
        else:
            network = kv.read_tntp(source, trips)
        note(f"Writing {out}")
        kv.write_case(network, out)
        report = kv.check(out)
    if report.findings:
        say(f"{len(report.errors)} error(s) and {len(report.warnings)} warning(s): see `karavan check {out}`")
    _report(network, out, as_json=as_json)


def _report(network: kv.Case, out: Path, *, as_json: bool) -> None:
    rows = {name: len(frame) for name, frame in network.tables.items() if len(frame)}
    if as_json:
        print_json({"case": network.meta.name, "written": out, "rows": rows})
        return
    print_line(f"Wrote {out}: {', '.join(f'{n} {name}' for name, n in rows.items())}")
