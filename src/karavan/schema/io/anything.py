"""Reading a network whatever its form: a case folder, a GMNS folder, a GeoPackage, a TNTP network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from karavan.errors import FormatError

if TYPE_CHECKING:
    from karavan.schema.case import Case


def read_network(path: str | Path, *, trips: str | Path | None = None) -> Case:
    """Read a network by what it is.

    A folder with `case.toml` is a case, one with `link.csv` GMNS; a `.gpkg` file is a GeoPackage, a `_net.tntp` file
    (or `.tntp.gz`) TNTP, whose trips are in the `_trips` file beside it unless `trips` names another.

    Raises `FormatError` for anything else, and what the reader of the form raises.
    """
    path = Path(path)
    if (path / "case.toml").is_file():
        from karavan.schema.io.folder import read_case

        return read_case(path)
    if path.is_dir() and any(f.name.lower() == "link.csv" for f in path.iterdir()):
        from karavan.schema.io.gmns import read_gmns

        return read_gmns(path)
    if path.suffix == ".gpkg" and path.is_file():
        from karavan.schema.io.geopackage import read_geopackage

        return read_geopackage(path)
    if path.is_file() and path.name.removesuffix(".gz").endswith(".tntp"):
        from karavan.schema.io.tntp import read_tntp

        return read_tntp(path, trips if trips is not None else _trips_beside(path))
    message = f"{path} is no network: give a case folder, a GMNS folder, a .gpkg file or a TNTP _net file"
    raise FormatError(message)


def _trips_beside(net: Path) -> Path | None:
    """Return the trip table of the same name beside a TNTP network, None where there is none."""
    names = [net.name.replace("_net.", "_trips."), net.name.replace("_net.", "_trips.") + ".gz"]
    beside = [net.with_name(name) for name in names if name != net.name]
    return next((file for file in beside if file.is_file()), None)
