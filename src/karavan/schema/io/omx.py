"""Matrices in the Open Matrix form, OMX 0.2 (https://github.com/osPlanning/omx): trip tables in, skims out.

An OMX file is HDF5: square matrices in the group `data`, in `lookup` vectors that say which zone each row and column
is, and on the root the attributes `OMX_VERSION` and `SHAPE`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.errors import CaseError, FormatError, MissingExtra, NameNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    from karavan.schema.case import Case

VERSION = "0.2"
LOOKUP = "zone"


def read_omx(
    file: str | Path, case: Case, *, commodity: str, matrix: str | None = None, lookup: str | None = None
) -> Case:
    """Add a matrix of an OMX file to the demand of a case; cells of zero are left out.

    Parameters
    ----------
    commodity
        Id of the commodity that the matrix is demand of.
    matrix
        Name of the matrix; it may be left out if the file has one only.
    lookup
        Name of the vector that holds the zones' ids; it may be left out if the file has one or none. Without any, rows
        and columns are the zones of the case in their order.

    Returns
    -------
    The case with the new demand rows, ids ORIGIN>DESTINATION:COMMODITY, in the unit of the matrix.

    Raises
    ------
    FormatError
        It is no such file, its size or zones do not fit, a cell is negative or no number, or the case has the demand.
    NameNotFound
        The case has no such commodity.
    CaseError
        The case takes no such demand: the demand of a pack needs its sources.
    MissingExtra
        h5py is not installed.
    """
    from karavan.schema.check import check_tables

    h5py, path = _h5py(), Path(file)
    if commodity not in case.commodities.index:
        raise NameNotFound(commodity, "commodity")
    values, zones, name = _read(h5py, path, case, matrix, lookup)
    _check_trips(path, case, values, zones, name)
    origin, destination = np.nonzero(values)
    ids = np.array(zones, dtype=object)
    new = pd.DataFrame({"origin": ids[origin], "destination": ids[destination]})
    new.insert(0, "id", new["origin"] + ">" + new["destination"] + f":{commodity}")
    new = new.assign(commodity=commodity, tonnes=values[origin, destination], basis="matrix")
    new["derivation"] = f"Matrix {name} of {path.name}."
    old = case.demand.reset_index()
    twice = new["id"][new["id"].isin(old["id"])]
    if len(twice):
        message = f"{path}: the case has demand {twice.iloc[0]!r} already ({len(twice)} such rows)"
        raise FormatError(message)
    out = case.with_tables(demand=pd.concat([old, new.reindex(columns=old.columns)]) if len(old) else new)
    errors = [f for f in check_tables(out) if f.severity == "error" and f.file == out.file("demand")]
    if errors:
        raise CaseError(case.meta.name, errors)
    return out


def _check_trips(path: Path, case: Case, values: NDArray[np.float64], zones: list[str], name: str) -> None:
    wrong = np.argwhere(~(np.isfinite(values) & (values >= 0.0)))
    if len(wrong):
        i, j = wrong[0].tolist()
        message = f"{path}: {name} from {zones[i]} to {zones[j]} is {values[i, j]:g}; trips are numbers from 0"
        raise FormatError(message)
    known, used = set(case.zones.index), values.any(axis=0) | values.any(axis=1)
    strange = [zones[k] for k in np.flatnonzero(used).tolist() if zones[k] not in known]
    if strange:
        message = f"{path}: the case has no zone {', '.join(map(repr, strange[:5]))} ({len(strange)} in all)"
        raise FormatError(message)


def write_omx(
    frame: pd.DataFrame,
    file: str | Path,
    *,
    columns: Sequence[str] | None = None,
    commodity: str | None = None,
    zones: Iterable[str] | None = None,
) -> Path:
    """Write columns of a frame by zone pair, as `skims` gives it, as matrices of an OMX file; return the file.

    Parameters
    ----------
    frame
        One row a pair of `origin` and `destination`. What has no row is NaN.
    columns
        Columns to write, each a matrix of its name; by default all of numbers.
    commodity
        Rows of this commodity only; needed where pairs stand in the frame for several.
    zones
        Ids of the zones in the order of rows and columns, so that several files agree; by default those of the frame,
        sorted. They are written as the lookup `zone`: integers if all are, else text in UTF-8.

    Raises `FormatError` for a pair that stands twice, a zone that is not in `zones`, a column that is none of numbers;
    `MissingExtra` when h5py is not installed. The file appears whole or not at all.
    """
    from karavan.schema.io.atomic import whole_file

    h5py, path = _h5py(), Path(file)
    rows = frame if commodity is None else frame[(frame["commodity"] == commodity).to_numpy(dtype=bool)]
    ends = [rows[c].astype(str).tolist() for c in ("origin", "destination")]
    order = _sorted({*ends[0], *ends[1]}) if zones is None else [str(z) for z in zones]
    at = {zone: k for k, zone in enumerate(order)}
    strange = [zone for zone in (*ends[0], *ends[1]) if zone not in at]
    if strange or len(at) < len(order):
        message = f"{strange[0]!r} is not in zones" if strange else "zones names one twice"
        raise FormatError(message)
    i, j = (np.array([at[z] for z in end], dtype=np.int64) for end in ends)
    if len(np.unique(i * len(order) + j)) < len(i):
        message = "a pair of zones stands in several rows; choose one with commodity=, or add them up"
        raise FormatError(message)
    matrices = {}
    for name in _columns(rows, columns):
        matrices[name] = np.full((len(order), len(order)), np.nan)
        matrices[name][i, j] = rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as staging, h5py.File(staging, "w") as out:
        out.attrs["OMX_VERSION"] = np.bytes_(VERSION)
        out.attrs["SHAPE"] = np.array([len(order), len(order)], dtype=np.int32)
        data = out.create_group("data")
        for name, values in matrices.items():
            data.create_dataset(name, data=values, compression="gzip" if values.size else None)
        out.create_group("lookup").create_dataset(LOOKUP, data=_lookup(order))
    return path


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise MissingExtra("h5py", "omx") from error  # noqa: EM101 (names, not a message)
    return h5py  # type: ignore[no-any-return,unused-ignore]


def _read(
    h5py: ModuleType, path: Path, case: Case, matrix: str | None, lookup: str | None
) -> tuple[NDArray[np.float64], list[str], str]:
    """Return a matrix, the zones of its rows and columns, and its name."""
    if not path.is_file():
        message = f"{path}: there is no such file"
        raise FormatError(message)
    try:
        with h5py.File(path, "r") as source:
            name, cells = _pick(h5py, source, "data", matrix, path)
            if cells is None or cells.ndim != 2 or cells.shape[0] != cells.shape[1] or cells.dtype.kind not in "fiu":
                message = f"{path}: " + ("has no matrix" if cells is None else f"{name} is no square matrix of numbers")
                raise FormatError(message)
            word, ids = _pick(h5py, source, "lookup", lookup, path)
            size = cells.shape[0]
            if (ids is None and size != len(case.zones)) or (ids is not None and ids.shape != (size,)):
                held = f"the case has {len(case.zones)}" if ids is None else f"{word} has shape {ids.shape}"
                message = f"{path}: {name} is of {size} zones, and {held}"
                raise FormatError(message)
            zones = list(case.zones.index) if ids is None else [_id(v) for v in ids[()].tolist()]
            values = np.asarray(cells[()], dtype=np.float64)
    except (OSError, KeyError, RuntimeError, MemoryError) as error:
        message = f"{path}: cannot be read as an OMX file ({error})"
        raise FormatError(message) from error
    if len(set(zones)) < len(zones):
        message = f"{path}: {word} names a zone twice"
        raise FormatError(message)
    return values, zones, name


def _pick(h5py: ModuleType, source: Any, group: str, name: str | None, path: Path) -> tuple[str, Any]:
    """Return the dataset of a group that is named, or the only one; None where the group has none and none is asked."""
    held = source.get(group)
    names = sorted(held) if isinstance(held, h5py.Group) else []
    if name is None and len(names) > 1:
        message = f"{path}: has {len(names)} in {group}: {', '.join(names)}; say which"
        raise FormatError(message)
    if name is not None and name not in names:
        message = f"{path}: has no {name!r} in {group}; it has {', '.join(names) or 'none'}"
        raise FormatError(message)
    if not names:
        return "", None
    chosen = name or names[0]
    found = held[chosen] if isinstance(held.get(chosen, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        message = f"{path}: {group}/{chosen} does not hold its numbers itself"  # it may lead to any other file
        raise FormatError(message)
    return chosen, found


def _id(value: object) -> str:
    """Return a zone's id as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _is_number(zone: str) -> bool:
    return zone.isascii() and zone.isdecimal() and (zone == "0" or zone[0] != "0") and len(zone) < 10


def _sorted(zones: set[str]) -> list[str]:
    return sorted(zones, key=int) if all(map(_is_number, zones)) else sorted(zones)


def _lookup(zones: Sequence[str]) -> NDArray[Any]:
    if all(map(_is_number, zones)):
        return np.array([int(z) for z in zones], dtype=np.int32)
    return np.array([z.encode() for z in zones], dtype=np.bytes_)


def _columns(rows: pd.DataFrame, columns: Sequence[str] | None) -> list[str]:
    numbers = [str(c) for c in rows.columns if pd.api.types.is_numeric_dtype(rows[c]) and rows[c].dtype != bool]
    wrong = [c for c in columns or () if c not in numbers]
    if wrong:
        message = f"{wrong[0]!r} is no column of numbers; there are {', '.join(numbers)}"
        raise FormatError(message)
    return [c for c in (columns or numbers) if c not in {"origin", "destination"}]
