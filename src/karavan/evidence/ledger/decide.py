"""Decisions of people on facts: fill, accept, reject. The gate is the same as for what a program finds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from karavan.errors import FormatError
from karavan.evidence.records import parse_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

Decision = Literal["accept", "reject", "fill"]

NUMBERS = ("value", "low", "high", "change_pct")
TEXTS = (
    "indicator", "direction", "product", "unit", "definition", "reporter", "modality", "object", "event_type", "place",
    "speaker", "comparator", "horizon",
)  # fmt: skip
MOMENTS = ("period", "base_period", "deadline", "date")
LISTS = ("areas", "actors")


def gaps(data: Mapping[str, Any]) -> list[str]:
    """Return the names of what a fact lacks to be accepted.

    A figure needs indicator, areas (or a place), a value with its unit or a change, and a known period; a commitment a
    modality, somebody or something it is about, and an object or a quantity; an event its type and somebody; a flow
    both ends and goods.
    """
    about = bool(data.get("areas") or data.get("place"))
    number = any(data.get(k) is not None for k in ("value", "low", "high"))
    checks: dict[str, list[tuple[str, bool]]] = {
        "figure": [
            ("indicator", bool(data.get("indicator"))),
            ("areas", about),
            ("value", number or data.get("change_pct") is not None),
            ("unit", not number or data.get("unit") is not None),
            ("period", any(parse_interval(data.get("period")))),
        ],
        "commitment": [
            ("modality", bool(data.get("modality"))),
            ("areas", about or bool(data.get("actors"))),
            ("object", bool(data.get("object") or data.get("indicator") or number)),
        ],
        "event": [("event_type", bool(data.get("event_type"))), ("areas", about or bool(data.get("actors")))],
        "flow": [("product", bool(data.get("product"))), ("areas", len(data.get("areas") or ()) >= 2)],
    }
    return [name for name, there in checks.get(str(data.get("kind")), []) if not there]


def filled(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fact with slots filled by hand. Raises `FormatError` for what is no slot or no value for it."""
    after = dict(data)
    for name, given in changes.items():
        after[name] = slot_value(name, given)
    return after


def slot_value(name: str, given: Any) -> Any:
    """Read a value for a slot, given as text or as it is in JSON.

    Examples
    --------
    >>> slot_value("value", "1e6"), slot_value("areas", "KAZ; IRN"), slot_value("period", "2024")
    (1000000.0, ['KAZ', 'IRN'], '2024-01-01/2024-12-31')
    """
    if given in (None, ""):
        return None
    if name in NUMBERS:
        return _number(name, given)
    if name in LISTS:
        parts = given.replace(",", ";").split(";") if isinstance(given, str) else given
        return [str(p).strip() for p in parts if str(p).strip()]
    if name in MOMENTS:
        return _moment(name, str(given).strip())
    if name in TEXTS:
        return str(given).strip()
    message = f"{name!r} is no slot that can be filled; these can: {', '.join((*NUMBERS, *LISTS, *MOMENTS, *TEXTS))}"
    raise FormatError(message)


def _number(name: str, given: Any) -> float:
    try:
        value = float(str(given).replace(",", "").replace(" ", ""))
    except ValueError:
        value = float("nan")
    if not math.isfinite(value):
        message = f"{name}: {given!r} is no number"
        raise FormatError(message)
    return value


def _moment(name: str, given: str) -> str:
    message = f"{name}: {given!r} is no year, month, day or interval of ISO 8601 (2024, 2024-05, 2024-01-01/2024-06-30)"
    try:
        first, last = parse_interval(given)
    except ValueError as error:
        raise FormatError(message) from error
    if (first is None and last is None) or (first and last and first > last):
        raise FormatError(message)
    if name == "deadline" and last:
        return last.isoformat()
    if name == "date":
        return given
    return f"{first.isoformat() if first else '..'}/{last.isoformat() if last else '..'}"


def decided(
    data: Mapping[str, Any], decision: Decision, *, who: str, when: str, note: str, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fact after a decision; who decided what and when is kept in `review`.

    Raises `FormatError` where nobody is named, and where a fact is to be accepted that still lacks a slot.
    """
    if not who.strip():
        message = "say who decides"
        raise FormatError(message)
    after = filled(data, changes)
    missing = gaps(after)
    if decision == "accept" and missing:
        message = f"fact {data.get('id')} cannot be accepted: it lacks {', '.join(missing)}; fill these first"
        raise FormatError(message)
    status = {"accept": "accepted", "reject": "rejected", "fill": "partial"}[decision]
    reason = {"accept": "", "reject": note or "rejected by hand", "fill": str(data.get("reason") or "")}[decision]
    if decision == "fill" and missing:
        reason = f"missing: {', '.join(missing)}"
    after |= {"status": status, "reason": reason}
    after["review"] = {
        "who": who, "when": when, "decision": decision, "note": note,
        "changes": {k: {"from": data.get(k), "to": after.get(k)} for k in changes},
    }  # fmt: skip
    return after
