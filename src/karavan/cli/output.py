"""What commands write: one JSON document, or tables for people. Results go to stdout, all else to stderr."""

from __future__ import annotations

import json
import math
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import karavan as kv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PIPE_WIDTH = 200  # columns where stdout is no terminal


def safe(text: object) -> str:
    r"""Return text that a terminal shows and does not obey: control and direction marks become visible escapes.

    Examples
    --------
    >>> safe("Baku\x1b[2J")
    'Baku\\x1b[2J'
    """
    return CONTROL.sub(lambda m: f"\\x{ord(m[0]):02x}", str(text))


def print_json(value: Any) -> None:
    """Write one JSON document to stdout; all of it ASCII, so that no terminal or encoding can trip over it."""
    sys.stdout.write(json.dumps(kv.jsonable(value), indent=2, allow_nan=False) + "\n")


def say(message: object) -> None:
    """Write a line to stderr."""
    sys.stderr.write(safe(message) + "\n")


def console() -> Console:
    """Return the console of stdout."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def print_line(text: object = "", *, style: str = "") -> None:
    """Write a line to stdout."""
    console().print(safe(text), style=style, soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table; columns whose cells are numbers are set flush right."""
    from rich.table import Table
    from rich.text import Text

    body = [[cell_text(cell) for cell in row] for row in rows]
    table = Table(title=Text(safe(title)) if title else None, title_justify="left", header_style="bold", box=None)
    for k, name in enumerate(columns):
        cells = [row[k] for row in body if row[k]]
        right = bool(cells) and all(re.fullmatch(r"[-+]?[\d,.]+%?", c) for c in cells)
        table.add_column(Text(safe(name)), justify="right" if right else "left", overflow="fold")
    for row in body:
        table.add_row(*[Text(c) for c in row])
    console().print(table)


def cell_text(cell: object) -> str:
    """Return a cell as people read it.

    Examples
    --------
    >>> cell_text(1234567.8), cell_text(0.0432), cell_text(float("nan")), cell_text(None)
    ('1,234,568', '0.043', '', '')
    """
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return str(cell) if abs(cell) < 10_000 else f"{cell:,}"  # a year stays a year
    if isinstance(cell, float):
        return number(cell)
    plain = kv.jsonable(cell)
    if isinstance(plain, bool | int | float):
        return cell_text(plain)
    return "" if plain is None else safe(plain)


def number(value: float | None, unit: str = "") -> str:
    """Format a number for people: three significant digits or whole, thousands apart, with its unit.

    Examples
    --------
    >>> number(3128.4, "km"), number(12.345, "USD/t"), number(None, "t")
    ('3,128 km', '12.3 USD/t', 'unknown')
    """
    if value is None or not math.isfinite(value):
        return "unknown" if unit else ""
    if value == int(value) or abs(value) >= 100:
        text = f"{value:,.0f}"
    else:
        text = f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.2g}"
    return f"{text} {unit}".strip()


@contextmanager
def working(message: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr what is being done, where someone is watching; yields a function that changes the message."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(safe(message))) as status:
        yield lambda text: status.update(Text(safe(text)))


@contextmanager
def counting(message: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr, where someone is watching; yields a function that tells how many are done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(safe(message), total=total)
        yield lambda done: bar.update(task, completed=done)
