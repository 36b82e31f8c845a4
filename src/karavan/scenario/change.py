"""One change of a case, with its reason, as it stands in a scenario file."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, get_args

from karavan.errors import NameNotFound, ScenarioError
from karavan.schema.tables import schema, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Action = Literal["set", "scale", "add", "remove", "open", "close", "level"]
ACTIONS: tuple[Action, ...] = get_args(Action)
WHICH = ("id", "ids", "where")
ALWAYS = ("because", "from_year", "until_year", "assumption")
KEYS: dict[Action, tuple[str, ...]] = {
    "set": (*WHICH, "field", "value"),
    "scale": (*WHICH, "field", "by", "per_year"),
    "add": ("row",),
    "remove": WHICH,
    "open": ("year", "id", "ids", "depth_m", "depth_level_m"),
    "close": ("id", "ids"),
    "level": ("body", "fixed_share"),
}
CLOSABLE = ("nodes", "links", "services", "transfers", "borders")
FIXED_SHARE = 0.2
"""Share of a call at a berth that does not depend on the load: a judgement (a few hours of a day), to be replaced."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. Which fields count depends on `action`.

    Attributes
    ----------
    action, target
        "set", "scale", "add", "remove", "close": the table. "open": a project. "level": a scenario of `water_levels`.
    because
        Ids of facts or sources, or a reason in words; never empty.
    ids, where
        Rows by id (keys of several fields joined by "/"), or by the values of fields; both empty: every row.
    field, value
        The cell that "set" sets (None: made empty).
    by, per_year
        Factor of "scale"; `per_year`: to the power of the years since the case's own.
    row
        Cells of the row that "add" adds.
    year
        Year in which "open" opens the project; None: the year its row names.
    depth_m, depth_level_m
        What a dredging project leaves, and the water level that refers to.
    body, fixed_share
        Body of water of "level"; share of a berth call that does not depend on the load.
    from_year, until_year
        Years in which the change holds; None: always.
    assumption
        True: what the change sets is an assumption of the user that no model stands behind.
    """

    action: Action
    target: str
    because: tuple[str, ...]
    ids: tuple[str, ...] = ()
    where: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    field: str = ""
    value: Any = None
    by: float = 1.0
    per_year: bool = False
    row: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    year: int | None = None
    depth_m: float | None = None
    depth_level_m: float | None = None
    body: str = ""
    fixed_share: float = FIXED_SHARE
    from_year: int | None = None
    until_year: int | None = None
    assumption: bool = False

    @property
    def reason(self) -> str:
        """The reason in one line."""
        return "; ".join(self.because)

    def holds_in(self, year: int | None) -> bool:
        """Tell whether the change holds in a year; without a year, every change does that names none."""
        if year is None:
            return self.from_year is None and self.until_year is None
        return (self.from_year is None or year >= self.from_year) and (
            self.until_year is None or year <= self.until_year
        )

    def __str__(self) -> str:
        what = f"{self.action} {self.target}"
        which = ", ".join(self.ids) or ", ".join(f"{k} = {v}" for k, v in self.where.items())
        return " ".join(part for part in (what, which, self.field) if part)


def parse_change(data: Mapping[str, Any], place: str) -> Change:
    """Read one `[[change]]` of a scenario file; `place` says which, for errors.

    Raises `ScenarioError` for a key, table or field that is not there, and for a change without a reason.
    """
    actions = [a for a in ACTIONS if a in data]
    if len(actions) != 1:
        message = f"{place} names {' and '.join(actions) or 'no action'}; write exactly one of {', '.join(ACTIONS)}"
        raise ScenarioError(message)
    (action,) = actions
    _check_keys(data, action, place)
    because = _texts(data.get("because"))
    if not because:
        message = f"{place} ({action} {data[action]}) has no reason; add because = ids of facts or sources, or words"
        raise ScenarioError(message)
    values = {k: v for k, v in data.items() if k not in {action, "because", "id", "ids"}}
    ids = tuple(_texts(data.get("ids")) or _texts(data.get("id")))
    change = Change(action, str(data[action]), because, ids=ids, **values)
    _check(change, data, place)
    return change


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return tuple(str(item).strip() for item in items if str(item).strip())


def _check_keys(data: Mapping[str, Any], action: Action, place: str) -> None:
    known = (action, *KEYS[action], *ALWAYS)
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it takes {', '.join(known)}"
            message = f"{place}: {action!r} does not take {key!r}{hint}"
            raise ScenarioError(message)


def _check(change: Change, data: Mapping[str, Any], place: str) -> None:
    """Refuse what cannot be made in any case: wrong types, unknown tables and fields, years the wrong way round."""
    for problem in chain(_type_faults(change, data), _sense_faults(change, data)):  # types first
        _refuse(place, problem)
    if change.action in {"set", "scale", "add", "remove", "close"}:
        declared = _table(change.target, place)
        for name in (*change.where, *change.row, *((change.field,) if change.field else ())):
            if name not in declared.fields:
                near = difflib.get_close_matches(name, declared.fields, n=1, cutoff=0.5)
                _refuse(place, f"{change.target} has no field {name!r}{f'; did you mean {near[0]!r}?' if near else ''}")


def _type_faults(change: Change, data: Mapping[str, Any]) -> Iterator[str]:
    for name in ("by", "depth_m", "depth_level_m", "fixed_share", "year", "from_year", "until_year"):
        value, whole = data.get(name), name.endswith("year")
        if value is not None and (isinstance(value, bool) or not isinstance(value, int if whole else int | float)):
            yield f"{name} is {value!r}; write a {'whole ' if whole else ''}number"
    for name in ("where", "row"):
        if not isinstance(getattr(change, name), dict):
            yield f"{name} is no table; write {name} = {{ field = value }}"


def _sense_faults(change: Change, data: Mapping[str, Any]) -> Iterator[str]:
    needed = {"set": ("field", "value"), "scale": ("field", "by"), "add": ("row",), "level": ("body",)}
    for name in needed.get(change.action, ()):
        if name not in data:
            yield f"{change.action} needs {name}"
    if change.from_year is not None and change.until_year is not None and change.from_year > change.until_year:
        yield f"contradicts itself: it holds from {change.from_year} until {change.until_year}"
    if change.action in {"remove", "close"} and not change.ids and not change.where:
        yield f"{change.action} needs an id"
    if change.action == "close" and change.target not in CLOSABLE:
        yield f"{change.target} cannot be closed; close one of {', '.join(CLOSABLE)}"
    if change.action == "scale" and not change.by >= 0.0:
        yield f"by is {change.by}; write a factor that is not negative"
    if not 0.0 <= change.fixed_share <= 1.0:
        yield f"fixed_share is {change.fixed_share}; write a share from 0 to 1"


def _table(name: str, place: str) -> Any:
    try:
        return table(name)
    except NameNotFound as error:
        near = ", ".join(error.suggestions)
        said = f"did you mean {near}?" if near else f"there are {', '.join(schema())}"
        message = f"{place}: there is no table {name!r}; {said}"
        raise ScenarioError(message) from error


def _refuse(place: str, problem: str) -> None:
    message = f"{place}: {problem}"
    raise ScenarioError(message)
