"""Cases made by hypothesis: rows of any declared table, with the text and numbers that break file formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from hypothesis import strategies as st

from karavan.schema.case import Case, Meta, make_case
from karavan.schema.tables import Field, Table, schema

if TYPE_CHECKING:
    from collections.abc import Sequence

ODD = (
    *("=1+1", "+7", "@home", "-", "0012", "1e5", "true", "NaN", "null", "None", "'", '"', ",", ";", "\\"),
    *('say "no", twice', "two\nlines", "two\r\nlines", "a lone\rreturn", " blanks around ", "<a href='x'>"),
    *("Ұлытау, Қазақстан", "بندر عباس", "上海", "🚢", "\ufeffmark", "a\u2028b", "a\x85b", "\x00"),
    *("LINESTRING (1 2, 3 4.5)", "LINESTRING (1 2, 3 4.5, 5 6)", "LINESTRING Z (1 2 3, 4 5 6)", "POINT (1 2)"),
)
TEXT = st.one_of(
    st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
).filter(lambda text: bool(text.strip()))
LETTERS = "abcXYZ019_-.>:@#=+%ёж中"
IDS = st.text(LETTERS, min_size=1, max_size=8)
DATES = st.dates().map(lambda d: d.isoformat()) | st.sampled_from(["2024", "1999-12", "0001-01-01"])


def cells(field: Field) -> st.SearchStrategy[Any]:
    """Return values that a field may hold."""
    low, high = field.minimum, field.maximum
    return {
        "text": TEXT,
        "id": IDS,
        "date": DATES,
        "boolean": st.booleans(),
        "choice": st.sampled_from(field.allowed or ("x",)),
        "list": st.lists(IDS, min_size=1, max_size=3).map(";".join),
        "number": st.floats(low, high, allow_nan=False, allow_infinity=False),
        "integer": st.integers(int(low) if low is not None else -(2**62), int(high) if high is not None else 2**62),
    }[field.type]


@st.composite
def frames(draw: st.DrawFn, table: Table) -> pd.DataFrame:
    """Return up to three rows of a table, keys different, some cells and columns empty."""
    keys = draw(st.lists(st.tuples(*(cells(table.fields[k]) for k in table.key)), unique=True, max_size=3))
    data: dict[str, Sequence[Any]] = {k: [key[i] for key in keys] for i, k in enumerate(table.key)}
    for name, field in table.fields.items():
        if name not in data:
            never_empty = field.required != "no" or field.default
            if not never_empty and not draw(st.integers(0, 2)):
                continue
            some = cells(field) if never_empty else st.none() | cells(field)
            data[name] = draw(st.lists(some, min_size=len(keys), max_size=len(keys)))
    return pd.DataFrame(data)


METAS = st.builds(
    Meta,
    name=TEXT,
    title=TEXT | st.just(""),
    kind=st.sampled_from(["pack", "case"]),
    year=st.none() | st.integers(1, 3000),
    text=TEXT | st.just(""),
    outside=st.lists(TEXT, max_size=2).map(tuple),
    units=st.dictionaries(TEXT, TEXT, max_size=2),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a case with rows in nodes, links and a few other tables; it need not be sound."""
    others = [name for name in schema() if name not in {"nodes", "links"}]
    names = ["nodes", "links", *draw(st.lists(st.sampled_from(others), unique=True, max_size=3))]
    return make_case(draw(METAS), {name: draw(frames(schema()[name])) for name in names})


def same(a: Case, b: Case) -> None:
    """Require two cases to hold the same, cell by cell and type by type."""
    assert a.meta == b.meta
    for name in schema():
        pd.testing.assert_frame_equal(a.tables[name], b.tables[name], check_exact=True, obj=name)
