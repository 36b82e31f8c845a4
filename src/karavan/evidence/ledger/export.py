"""Facts as JSON lines and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from karavan.evidence.ledger.entry import LedgerEntry

FIELDS = (
    "document", "kind", "status", "reason", "indicator", "areas", "direction", "product", "value", "low", "high",
    "comparator", "unit", "period", "base_period", "change_pct", "modality", "deadline", "actors", "event_type", "date",
    "place", "quote", "start", "end", "published", "speaker", "id", "reporter", "definition", "transformation",
    "object", "horizon", "through", "address", "title", "version", "recorded_by",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def facts_jsonl(entries: Iterable[LedgerEntry]) -> Iterator[str]:
    """Give one line of JSON a fact, ASCII, keys in a fixed order: the same ledger gives the same bytes."""
    for entry in entries:
        data = entry.json()
        del data["recorded"]  # when a ledger was filled is no part of what was said
        first = {k: data.get(k) for k in FIELDS}
        rest = {k: data[k] for k in sorted(data) if k not in first}
        yield json.dumps(first | rest, allow_nan=False) + "\n"


def facts_csv(entries: Iterable[LedgerEntry]) -> Iterator[str]:
    """Give CSV lines, the header first; list cells are joined by ";".

    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    yield _line(FIELDS)
    for entry in entries:
        data = entry.json()
        yield _line([csv_cell(data.get(k)) for k in FIELDS])


def csv_cell(value: Any) -> str:
    """Write a cell: numbers as they are, text so that no spreadsheet runs it.

    Examples
    --------
    >>> csv_cell(-37.2), csv_cell("=1+1"), csv_cell(["KAZ", "IRN"]), csv_cell(None)
    ('-37.2', "'=1+1", 'KAZ;IRN', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)
    text = ";".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)
    text = text.replace("\0", "\ufffd")
    harmless = text in {"=", "<", "<~", "<=", ">", ">=", "~"}  # comparators
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) and not harmless else text


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
