"""What the tables and their fields mean, as frames to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from karavan.schema.tables import Field, schema
from karavan.schema.tables import table as declared_table

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = {"always": "yes", "pack": "in a pack", "no": ""}


def describe(table: str | None = None) -> pd.DataFrame:
    """Return what a table holds, one row a field: type, unit, whether required, default, what is allowed, text.

    Without a name, return all tables: key, whether their rows are cited, text. Raises `NameNotFound` with the nearest
    names.

    Examples
    --------
    >>> describe("links").loc["length_km", "unit"]
    'km'
    """
    import pandas as pd

    if table is not None:
        return pd.DataFrame([_row(f) for f in declared_table(table).fields.values()]).set_index("field")
    rows = [
        {"table": t.name, "title": t.title, "key": ", ".join(t.key), "cited": t.cited, "text": t.text}
        for t in schema().values()
    ]
    return pd.DataFrame(rows).set_index("table")


def _row(field: Field) -> dict[str, str]:
    return {
        "field": field.name,
        "type": field.type,
        "unit": field.unit,
        "required": REQUIRED[field.required],
        "default": field.default,
        "allowed": allowed(field),
        "text": field.text,
    }


def allowed(field: Field) -> str:
    """Say in words what a field may hold: choices, the table whose rows it names, bounds.

    Examples
    --------
    >>> from karavan.schema.tables import schema
    >>> allowed(schema()["nodes"].fields["latitude"]), allowed(schema()["links"].fields["mode"])
    ('-90 to 90', 'a row of modes')
    """
    parts = [", ".join(field.allowed)] if field.allowed else []
    if field.refers_to:
        several = "rows" if field.type == "list" else "a row"
        named = field.refers_to.removeprefix("@")
        parts.append(f"{several} of {'the table in ' * field.refers_to.startswith('@')}{named}")
    low, high = field.minimum, field.maximum
    if low is not None and high is not None:
        parts.append(f"{low:g} to {high:g}")
    elif low is not None:
        parts.append(f"at least {low:g}")
    elif high is not None:
        parts.append(f"at most {high:g}")
    return "; ".join(parts)
