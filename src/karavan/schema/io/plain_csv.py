"""Small CSV files that people write by hand: read whole, each row with its line, and names looked up in a case."""

from __future__ import annotations

import csv
import math
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from karavan.errors import AmbiguousName, FormatError, NameNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from karavan.schema.case import Case

MOST_FAULTS = 1000
"""With more faults than these the file is another file."""

Row = tuple[int, dict[str, str]]


def read_rows(file: str | Path, columns: Sequence[str], *, required: Sequence[str], thing: str) -> list[Row]:
    """Return the rows of a file of `thing`s with their lines, cells stripped; blank lines are left out.

    Raises
    ------
    FormatError
        The file cannot be read as CSV in UTF-8, lacks a required column, has one that is none of `columns`, a row of
        more or fewer cells, or no row.
    """
    path = Path(file)
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source, strict=True)
            names = [str(n).strip() for n in reader.fieldnames or ()]
            _check_columns(path, names, columns, required, thing)
            reader.fieldnames = names
            rows: list[Row] = []
            for row in reader:
                if None in row or None in row.values():
                    message = f"{path}:{reader.line_num}: has {'more' if None in row else 'fewer'} cells than columns"
                    raise FormatError(message)
                if any(str(v).strip() for v in row.values()):
                    rows.append((reader.line_num, {k: str(v).strip() for k, v in row.items()}))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: cannot be read as CSV in UTF-8 ({error})"
        raise FormatError(message) from error
    if not rows:
        message = f"{path}: holds no {thing}"
        raise FormatError(message)
    return rows


def _check_columns(path: Path, names: list[str], known: Sequence[str], required: Sequence[str], thing: str) -> None:
    if twice := sorted({n for n in names if names.count(n) > 1}):
        message = f"{path}: column {twice[0]!r} stands twice"
        raise FormatError(message)
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            message = f"{path}: column {name!r} is none of a {thing}; {hint}"
            raise FormatError(message)
    if lacking := [n for n in required if n not in names]:
        message = f"{path}: has no column {', '.join(lacking)}"
        raise FormatError(message)


def name_fault(case: Case, name: str, find: Callable[[Case, str], object]) -> tuple[str, str] | None:
    """Return what is wrong with a name by the function that finds it, and the remedy; None where it is found."""
    if not name:
        return "is empty", "name it"
    try:
        find(case, name)
    except NameNotFound as error:
        near = ", ".join(error.suggestions)
        return f"no {error.kind} is called {name!r}", f"perhaps {near}" if near else "use a name of the case"
    except AmbiguousName as error:
        return f"{name!r} stands for more than one {error.kind}", f"give one of {', '.join(error.candidates)}"
    return None


def number_of(text: str) -> float | None:
    """Return a cell as a number; None for what is none, infinity included.

    Examples
    --------
    >>> number_of("1500.5"), number_of("1 500"), number_of("inf")
    (1500.5, None, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
