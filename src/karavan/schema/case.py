"""The case: what is run. A frozen bundle of frames, one a declared table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from karavan.schema.tables import schema, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from karavan.schema.tables import Field, Table

DTYPES = {"number": "float64", "integer": "Int64", "boolean": "boolean"}


@dataclass(frozen=True, slots=True)
class Meta:
    """What `case.toml` says: name, year, money, and what the case leaves out.

    `units` declares the units of columns whose unit is "case units" (imported TNTP networks), and as numbers in text
    `toll_weight` and `distance_weight`: the time that a unit of toll and of declared length is worth.
    """

    name: str
    title: str = ""
    kind: Literal["pack", "case"] = "case"
    year: int | None = None
    price_year: int | None = None
    currency: str = "USD"
    text: str = ""
    outside: tuple[str, ...] = ()
    boundaries: str = ""
    headline_corridors: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """All tables of a case, each reached by its name: `case.nodes`, `case.links`.

    Frames have the columns of the schema in its order; tables with one key field have it as index. Text, ids,
    choices, lists (cells separated by ";") and dates are strings, numbers float64, integers Int64, booleans nullable.
    A frame is handed out as a lazy copy: changing it never changes the case.

    `origin` is the folder or file the case was read from; `lines` the line of each row in its file, and `files` the
    name of that file where it is not the table's name and ".csv".
    """

    meta: Meta
    tables: Mapping[str, pd.DataFrame]
    origin: str = ""
    lines: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        # a read-only mapping cannot be pickled, and worker processes need the case
        return _unpickled, (self.meta, dict(self.tables), self.origin, dict(self.lines), dict(self.files))

    def file(self, name: str) -> str:
        """Return the name of the file a table stands in."""
        return self.files.get(name, f"{name}.csv")

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.tables[name].copy(deep=False)
        except KeyError:
            message = f"a case has no table {name!r}; its tables are {', '.join(self.tables)}"
            raise AttributeError(message) from None

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(frame)} {name}" for name, frame in self.tables.items() if len(frame))
        return f"<Case {self.meta.name}: {sizes or 'empty'}>"

    def with_tables(self, **frames: pd.DataFrame) -> Case:
        """Return a case in which the named tables are replaced; line numbers of replaced tables are dropped."""
        new = {name: conform(frame, table(name)) for name, frame in frames.items()}
        lines = {name: at for name, at in self.lines.items() if name not in new}
        return replace(self, tables=MappingProxyType({**self.tables, **new}), lines=lines)


def make_case(
    meta: Meta,
    frames: Mapping[str, pd.DataFrame],
    *,
    origin: str = "",
    lines: Mapping[str, NDArray[np.int64]] | None = None,
    files: Mapping[str, str] | None = None,
) -> Case:
    """Bundle frames into a case; absent tables become empty ones, columns are put in the schema's order and dtype."""
    tables = {name: conform(frames.get(name, pd.DataFrame()), declared) for name, declared in schema().items()}
    return Case(meta=meta, tables=MappingProxyType(tables), origin=origin, lines=lines or {}, files=files or {})


def _unpickled(meta: Meta, tables: dict[str, pd.DataFrame], origin: str, lines: Any, files: Any) -> Case:
    return Case(meta, MappingProxyType(tables), origin, lines, files)


def conform(frame: pd.DataFrame, declared: Table) -> pd.DataFrame:
    """Return a frame with exactly the declared columns, dtypes and defaults, indexed by its key if that is one field.

    Unknown columns raise `ValueError`: the schema is strict.
    """
    key = declared.key[0] if len(declared.key) == 1 else None
    if key is not None and frame.index.name == key and key not in frame.columns:
        frame = frame.reset_index()
    unknown = [c for c in frame.columns if c not in declared.fields]
    if unknown:
        message = f"table {declared.name!r} has no column {unknown[0]!r}"
        raise ValueError(message)
    if not len(frame):
        return _empty(declared.name)
    frame = frame.reset_index(drop=True)
    out = pd.DataFrame({name: _column(frame, f) for name, f in declared.fields.items()}, index=frame.index)
    return out.set_index(key) if key is not None else out


@cache
def _empty(name: str) -> pd.DataFrame:
    """Return a table without rows; most tables of a small case are."""
    declared = table(name)
    out = pd.DataFrame({n: pd.Series([], dtype=DTYPES.get(f.type, "str")) for n, f in declared.fields.items()})
    return out.set_index(declared.key[0]) if len(declared.key) == 1 else out


def _column(frame: pd.DataFrame, declared: Field) -> pd.Series[Any]:
    dtype = DTYPES.get(declared.type, "str")
    default = parse_default(declared)
    if declared.name not in frame.columns:
        return pd.Series([default] * len(frame), dtype=dtype)
    values = frame[declared.name]
    if dtype != "str":
        values = values.astype(dtype)  # type: ignore[call-overload]
    else:
        if values.dtype != "str":
            values = values.astype("str").where(values.notna(), None).astype("str")
        blank = values.str.strip() == ""  # as in a file: blanks alone are nothing
        values = values.where(~blank, None) if blank.any() else values
    return values.fillna(default) if default is not None else values


def parse_default(declared: Field) -> str | float | int | bool | None:
    """Return a field's declared default as a value of its type, or None."""
    if declared.default == "":
        return None
    if declared.type == "boolean":
        return declared.default == "true"
    if declared.type == "integer":
        return int(declared.default)
    if declared.type == "number":
        return float(declared.default)
    return declared.default


def as_list(cell: object) -> list[str]:
    """Split a list cell; a missing cell is an empty list.

    Examples
    --------
    >>> as_list("rail; sea")
    ['rail', 'sea']
    """
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return []
    return [part.strip() for part in str(cell).split(";") if part.strip()]


def join_list(items: Iterable[str]) -> str:
    """Write a list cell."""
    return ";".join(items)


def position(frame: pd.DataFrame, name: str) -> int:
    """Return the position of a row by its id."""
    return int(positions(frame, [name])[0])


def positions(frame: pd.DataFrame, names: Iterable[Any]) -> NDArray[np.intp]:
    """Return the positions of rows by their ids; -1 where there is none."""
    return frame.index.get_indexer(pd.Index(list(names), dtype="str"))


def row_key(frame: pd.DataFrame, declared: Table) -> pd.Index[Any]:
    """Return the key of each row as one string; fields of a composite key are joined by "/"."""
    if len(declared.key) == 1:
        return frame.index
    parts = (frame[name].tolist() for name in declared.key)
    return pd.Index(["/".join(map(str, row)) for row in zip(*parts, strict=True)], dtype="str")
