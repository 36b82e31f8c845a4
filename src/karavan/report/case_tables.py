"""A case to be looked through: its tables filtered, sorted and paged, its records, and names as one types them."""

from __future__ import annotations

import io
import operator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from karavan.errors import FormatError, NameNotFound
from karavan.report.geography import main_view
from karavan.report.layers import mode_colours
from karavan.report.plain import json_object, jsonable
from karavan.report.result_files import plain_frame, safe_csv
from karavan.schema.case import as_list, row_key
from karavan.schema.io.geopackage import write_geopackage
from karavan.schema.names import plain
from karavan.schema.tables import schema, table
from karavan.schema.trace import trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from karavan.schema.case import Case
    from karavan.schema.tables import Field, Table

Operation = Literal["eq", "ne", "lt", "le", "gt", "ge", "has", "in", "empty", "full"]
Form = Literal["csv", "parquet", "gpkg"]
COMPARE = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}
NUMERIC = ("number", "integer")
ROW = "_id"  # the key of a row, as `trace` takes it
SOURCE = ("title", "publisher", "published", "address", "kind", "licence", "note")


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a field: equal, not equal, less, at most, more, at least, text within, one of, empty, full."""

    field: str
    op: Operation
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read `field:op:value`, as `mode:eq:rail`. Raises `FormatError`.

        Examples
        --------
        >>> Filter.parse("length_km:gt:500")
        Filter(field='length_km', op='gt', value='500')
        """
        field, _, rest = text.partition(":")
        op, _, value = rest.partition(":")
        if op not in get_args(Operation):
            known = ", ".join(get_args(Operation))
            message = f"{text!r} is no filter; write field:operation:value, with one of {known}"
            raise FormatError(message)
        return cls(field, op, value)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a table are wanted, and in what order.

    `search` is text in any cell; `sort` a field, with "-" before it for falling order.
    """

    filters: tuple[Filter, ...] = ()
    search: str = ""
    sort: str = ""

    @classmethod
    def parse(cls, filters: Iterable[str] = (), search: str = "", sort: str = "") -> Selection:
        """Read filters written as text. Raises `FormatError`."""
        return cls(tuple(Filter.parse(f) for f in filters), search, sort)


def case_overview(case: Case) -> dict[str, Any]:
    """Return what a case holds: meta, years, commodities with their demand, corridors, rows of each table, its box."""
    meta, nodes = case.meta, case.nodes[["longitude", "latitude"]].dropna()
    demand = case.demand.groupby("commodity")["tonnes"].sum() if len(case.demand) else pd.Series(dtype=float)
    corridors = case.corridors.groupby("corridor", sort=False)["name"].first()
    box = [*nodes.min(), *nodes.max()] if len(nodes) else None
    colours = mode_colours(case)
    return json_object({
        "name": meta.name, "title": meta.title or meta.name, "kind": meta.kind, "year": meta.year,
        "price_year": meta.price_year, "currency": meta.currency, "text": meta.text, "outside": list(meta.outside),
        "boundaries": meta.boundaries, "bbox": box, "view": list(main_view(case)[0]), "years": case_years(case),
        "rows": {name: len(frame) for name, frame in case.tables.items()},
        "commodities": [{"id": i, "name": n, "tonnes": float(demand.get(i, 0.0))}
                        for i, n in case.commodities["name"].items()],
        "modes": [{"id": i, "name": n, "colour": colours[str(i)]} for i, n in case.modes["name"].items()],
        "corridors": [{"id": i, "name": n, "headline": i in meta.headline_corridors} for i, n in corridors.items()],
    })  # fmt: skip


def case_years(case: Case) -> list[int]:
    """Return the years a slider shows: the case's own to the last that a project names; none where it has no year."""
    own = case.meta.year
    if own is None:
        return []
    named = [int(y) for field in ("year", "year_high") for y in case.projects[field].dropna()]
    return list(range(own, max([own, *named]) + 1))


def table_list(case: Case) -> list[dict[str, Any]]:
    """Return the tables of a case, with what they are for and how many rows they have."""
    return [
        {"name": n, "title": t.title, "text": t.text, "rows": len(case.tables[n]), "cited": t.cited, "key": list(t.key)}
        for n, t in schema().items()
    ]


def table_page(
    case: Case, name: str, selection: Selection, *, offset: int = 0, limit: int | None = 100
) -> dict[str, Any]:
    """Return some rows of a table with its columns: {table, title, text, key, total, offset, columns, rows}.

    Raises `NameNotFound` for a table or field that is not there, `FormatError` for a value that does not fit its field.
    """
    declared = table(name)
    frame = selected(case, name, selection)
    shown = frame.iloc[offset:] if limit is None else frame.iloc[offset : offset + limit]
    return {
        "table": name, "title": declared.title, "text": declared.text, "key": list(declared.key), "total": len(frame),
        "offset": offset, "columns": [_column(case, declared, f) for f in declared.fields.values()],
        "rows": jsonable(shown),
    }  # fmt: skip


def selected(case: Case, name: str, selection: Selection) -> pd.DataFrame:
    """Return the rows of a table that a selection wants, its key first as `_id`, then every field as a column."""
    declared = table(name)
    frame = case.tables[name]
    keys = row_key(frame, declared).to_numpy(dtype=object)
    flat = frame.reset_index() if len(declared.key) == 1 else frame.reset_index(drop=True)
    flat = flat[list(declared.fields)]
    keep = np.ones(len(flat), dtype=bool)
    for wanted in selection.filters:
        keep &= _matches(flat[_field(declared, wanted.field).name], declared.fields[wanted.field], wanted)
    if selection.search.strip():
        keep &= _holds(flat, selection.search)
    flat.insert(0, ROW, keys)
    return _sorted(flat[keep], declared, selection.sort)


def _field(declared: Table, name: str) -> Field:
    if name not in declared.fields:
        import difflib

        near = difflib.get_close_matches(name, declared.fields, n=3, cutoff=0.4)
        raise NameNotFound(name, f"field of {declared.name}", near)
    return declared.fields[name]


def _sorted(frame: pd.DataFrame, declared: Table, sort: str) -> pd.DataFrame:
    if not sort:
        return frame
    name = _field(declared, sort.removeprefix("-")).name
    return frame.sort_values(name, ascending=not sort.startswith("-"), kind="stable", na_position="last")


def _holds(frame: pd.DataFrame, text: str) -> NDArray[np.bool_]:
    """Return which rows have a text in any cell, whatever case and accents."""
    wanted = plain(text)
    found = np.zeros(len(frame), dtype=bool)
    for name in frame.columns:
        cells = frame[name].dropna().astype(str)
        hit = np.fromiter((wanted in plain(c) for c in cells), dtype=bool, count=len(cells))
        found[cells.index[hit]] = True
    return found


def _matches(cells: pd.Series[Any], field: Field, wanted: Filter) -> NDArray[np.bool_]:
    if wanted.op in {"empty", "full"}:
        blank = cells.isna().to_numpy(dtype=bool)
        return blank if wanted.op == "empty" else ~blank
    if wanted.op == "has":
        text = plain(wanted.value)
        return np.array([isinstance(c, str) and text in plain(c) for c in cells.astype(object)], dtype=bool)
    given = wanted.value.split(";") if wanted.op == "in" else [wanted.value]
    values = [_value(v, field, wanted) for v in given]
    if wanted.op in COMPARE:
        side: Any = cells.fillna("") if field.type not in NUMERIC else cells.astype("float64")
        hit = np.asarray(COMPARE[wanted.op](side, values[0]), dtype=bool)
        return hit & cells.notna().to_numpy(dtype=bool)
    if field.type == "list":
        hit = np.array([bool(set(as_list(c)) & {str(v) for v in values}) for c in cells], dtype=bool)
    else:
        side = cells.astype("float64") if field.type in NUMERIC else cells.astype(object)
        hit = side.isin(values).to_numpy(dtype=bool)
    return ~hit if wanted.op == "ne" else hit


def _value(text: str, field: Field, wanted: Filter) -> Any:
    if field.type == "boolean" and text in {"true", "false"}:
        return text == "true"
    try:
        value: Any = float(text) if field.type in NUMERIC else text
    except ValueError:
        value = None
    if value is None or field.type == "boolean" or value != value:  # noqa: PLR0124 (not a number)
        message = f"filter {wanted.field}:{wanted.op}: {text!r} is no {field.type}"
        raise FormatError(message)
    return value


def _column(case: Case, declared: Table, field: Field) -> dict[str, Any]:
    unit = case.meta.units.get(f"{declared.name}.{field.name}") or field.unit
    return {"name": field.name, "type": field.type, "unit": unit, "text": field.text,
            "required": field.required != "no",
            "allowed": list(field.allowed), "refers_to": field.refers_to}  # fmt: skip


def table_file(case: Case, name: str, selection: Selection, form: Form, file: str | Path) -> Path:
    """Write the rows wanted as CSV (text that a spreadsheet would run gets an apostrophe), Parquet or GeoPackage.

    A GeoPackage holds the table, and the nodes that links lie between.
    """
    file = Path(file)
    frame = selected(case, name, selection).drop(columns=ROW)
    if form == "gpkg":
        kept = {name: frame} if name == "nodes" else {name: frame, "nodes": case.nodes}
        rest = {n: case.tables[n].iloc[:0] for n in schema() if n not in kept}
        return write_geopackage(case.with_tables(**kept, **rest), file)
    flat = plain_frame(frame)
    if form == "parquet":
        flat.to_parquet(file, compression="zstd", index=False)
    else:
        file.write_bytes(safe_csv(flat).encode("utf-8"))
    return file


def table_bytes(frame: pd.DataFrame, form: Literal["csv", "parquet"]) -> bytes:
    """Return a table of results as a CSV or Parquet file."""
    flat = plain_frame(frame)
    if form == "csv":
        return safe_csv(flat).encode("utf-8")
    buffer = io.BytesIO()
    flat.to_parquet(buffer, compression="zstd", index=False)
    return buffer.getvalue()


def record(case: Case, name: str, row_id: str) -> dict[str, Any]:
    """Return one row with units, texts, confidence and sources. Raises `NameNotFound`."""
    declared = table(name)
    keys = row_key(case.tables[name], declared)
    at = np.flatnonzero(np.asarray(keys == row_id, dtype=bool))
    if not len(at):
        trace(case, name, row_id, next(iter(declared.fields)))  # says what is near
    row = selected(case, name, Selection()).iloc[int(at[0])]
    own = case.provenance
    traced = set(own.loc[(own["table"] == name) & (own["id"] == row_id), "field"])
    sources = as_list(row.get("source"))
    node = case.nodes.loc[row_id] if name == "nodes" else None
    return json_object({
        "table": name, "title": declared.title, "id": row_id, "name": row.get("name"),
        "confidence": row.get("confidence"), "note": row.get("note"),
        "fields": [{"name": f.name, "value": row[f.name], "unit": _column(case, declared, f)["unit"], "text": f.text,
                    "type": f.type, "own_source": f.name in traced}
                   for f in declared.fields.values() if f.name not in {"source", "confidence", "note"}],
        "sources": [{"id": s} | {c: case.sources.at[s, c] for c in SOURCE} for s in sources if s in case.sources.index],
        "point": None if node is None else [node["longitude"], node["latitude"]],
    })  # fmt: skip


def trace_record(case: Case, name: str, row_id: str, field: str) -> dict[str, Any]:
    """Return the chain of one cell as `trace` does, its files named without their folders."""
    chain = trace(case, name, row_id, field).to_json()
    steps = [step | {"file": Path(step["file"]).name} for step in chain["steps"]]
    return json_object(chain | {"steps": steps})


# Names as they are typed


def find_names(case: Case, text: str, *, kinds: Sequence[str] = ("place", "node", "zone", "commodity"),
               limit: int = 12) -> list[dict[str, Any]]:  # fmt: skip
    """Return what may be meant by the first letters of a name: places, nodes, zones, goods, the nearest first.

    `value` is what a shipment takes as origin, destination or commodity.
    """
    wanted = plain(text)
    if not wanted:
        return []
    best: dict[tuple[str, str], tuple[tuple[int, int, str], dict[str, Any]]] = {}
    for entry, known, folded in _names(case):
        if entry["kind"] not in kinds:
            continue
        at = folded.find(wanted)
        if at < 0:
            continue
        whole = folded == wanted
        begins = at == 0 or folded[at - 1] == " "
        rank = (0 if whole else 1 if at == 0 else 2 if begins else 3, len(folded), folded)
        key = (entry["kind"], entry["value"])
        if key not in best or rank < best[key][0]:
            best[key] = (rank, entry | {"matched": known})
    order = {k: i for i, k in enumerate(kinds)}
    ranked = sorted(best.values(), key=lambda b: (b[0][0], order[b[1]["kind"]], b[0][1:]))
    return [json_object(entry) for _, entry in ranked[:limit]]


@lru_cache(maxsize=4)
def _names(case: Case) -> list[tuple[dict[str, Any], str, str]]:
    """Return every thing that can be named with each of its names, as written and folded."""
    aliases: dict[tuple[str, str], list[str]] = {}
    for alias in case.aliases.itertuples():
        aliases.setdefault((str(alias.table), str(alias.id)), []).append(str(alias.name))
    found = []
    for table_name, entry in (*_places(case), *_things(case)):
        others = aliases.get((table_name, entry["value"]), ())
        found += [(entry, known, plain(known)) for known in dict.fromkeys((entry["name"], entry["value"], *others))]
    return found


def _places(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the places and nodes of a case, with the table that their aliases name."""
    nodes = case.nodes
    for place, rows in nodes.groupby("place", sort=False):
        country = next(iter(rows["country"].dropna()), "")
        yield "nodes", {"kind": "place", "value": str(place), "name": str(place), "detail": str(country),
                        "longitude": rows["longitude"].mean(), "latitude": rows["latitude"].mean()}  # fmt: skip
    for i, row in nodes.iterrows():
        country = row["country"] if isinstance(row["country"], str) else ""
        detail = ", ".join(x for x in (str(row["kind"]).replace("_", " "), country) if x)
        yield "nodes", {"kind": "node", "value": str(i), "name": str(row["name"]), "detail": detail,
                        "longitude": row["longitude"], "latitude": row["latitude"]}  # fmt: skip


def _things(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the zones and goods of a case."""
    for name, kind in (("zones", "zone"), ("commodities", "commodity")):
        for i, title in case.tables[name]["name"].items():
            yield name, {"kind": kind, "value": str(i), "name": str(title), "detail": "", "longitude": None,
                         "latitude": None}  # fmt: skip
