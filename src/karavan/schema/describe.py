"""What the tables and their fields mean, in words: for a person at the shell, and for the page of the documentation.

`python -m karavan.schema.describe` prints the page `docs/tables.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from karavan.schema.tables import Field, Table, schema, table

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = {"always": "yes", "pack": "in a pack", "no": ""}
COLUMNS = ("field", "type", "unit", "required", "default", "allowed", "text")


@dataclass(frozen=True, slots=True)
class Description:
    """One declared table, ready to be shown. `rows` has one record a field, in order, keys as in `COLUMNS`."""

    table: Table
    rows: tuple[dict[str, str], ...]

    @property
    def frame(self) -> pd.DataFrame:
        """The fields as a frame, indexed by field."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(COLUMNS)).set_index("field")

    def to_json(self) -> dict[str, Any]:
        """Return the description as plain values."""
        t = self.table
        return {"table": t.name, "title": t.title, "text": t.text, "key": list(t.key), "fields": list(self.rows)}

    def __str__(self) -> str:
        return _plain(self)


def describe(name: str) -> Description:
    """Return what a table holds: fields with type, unit, default and allowed values.

    Raises `NameNotFound` with the nearest names.

    Examples
    --------
    >>> describe("links").frame.loc["length_km", "unit"]
    'km'
    """
    declared = table(name)
    return Description(declared, tuple(_row(f) for f in declared.fields.values()))


def describe_all() -> list[Description]:
    """Return the description of every table, in the order of the schema."""
    return [describe(name) for name in schema()]


def _row(field: Field) -> dict[str, str]:
    return {
        "field": field.name,
        "type": field.type,
        "unit": field.unit,
        "required": REQUIRED[field.required],
        "default": field.default,
        "allowed": _allowed(field),
        "text": field.text,
    }


def _allowed(field: Field) -> str:
    """Say in words what a field may hold: choices, the table whose rows it names, bounds."""
    parts = []
    if field.allowed:
        parts.append(", ".join(field.allowed))
    if field.refers_to:
        several = "rows" if field.type == "list" else "a row"
        where = f"the table in `{field.refers_to[1:]}`" if field.refers_to.startswith("@") else f"`{field.refers_to}`"
        parts.append(f"{several} of {where}")
    low, high = field.minimum, field.maximum
    if low is not None and high is not None:
        parts.append(f"{low:g} to {high:g}")
    elif low is not None:
        parts.append(f"at least {low:g}")
    elif high is not None:
        parts.append(f"at most {high:g}")
    return "; ".join(parts)


def _plain(description: Description) -> str:
    declared = description.table
    out = [f"{declared.name}: {declared.text}", f"One row a {' / '.join(declared.key)}.", ""]
    width = max(len(row["field"]) for row in description.rows)
    for row in description.rows:
        kind = row["type"] + (f", {row['unit']}" if row["unit"] else "")
        out.append(f"  {row['field']:<{width}}  {row['text']}")
        notes = [
            kind,
            "required" if row["required"] == "yes" else f"required {row['required']}" * bool(row["required"]),
        ]
        notes += [f"default {row['default']}" * bool(row["default"]), row["allowed"].replace("`", "")]
        out.append(f"  {'':<{width}}  ({'; '.join(note for note in notes if note)})")
    return "\n".join(out)


def tables_page() -> str:
    """Return the documentation page of all tables, as Markdown."""
    out = [
        "# The tables of a case",
        "",
        "A case is a folder with `case.toml` and one CSV file a table: UTF-8, comma, the header holds the names below.",
        'Items of a list are joined by ";". Booleans are `true` and `false`, dates `YYYY`, `YYYY-MM` or `YYYY-MM-DD`,',
        "an empty cell is missing. This page is made from the declarations that drive reading and checking.",
        "",
        *(f"- [{d.table.name}](#{d.table.name}): {d.table.text}" for d in describe_all()),
    ]
    for description in describe_all():
        out += ["", f"## {description.table.name}", "", *_section(description)]
    return "\n".join(out) + "\n"


def _section(description: Description) -> list[str]:
    declared = description.table
    key = " and ".join(f"`{k}`" for k in declared.key)
    out = [f"{declared.text} One row for each {key}.", ""]
    out += ["| field | type | unit | required | default | allowed | meaning |", "|---|---|---|---|---|---|---|"]
    for row in description.rows:
        cells = [f"`{row['field']}`", *(row[c].replace("|", "\\|") for c in COLUMNS[1:])]
        out.append("| " + " | ".join(cells) + " |")
    return out


if __name__ == "__main__":
    print(tables_page(), end="")  # noqa: T201 (printing is what it is for)
