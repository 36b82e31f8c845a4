"""A case being changed: its frames, every cell that was changed and why, and what contradicts what."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from karavan.errors import ScenarioError
from karavan.schema.case import Case, conform, join_list, row_key
from karavan.schema.io.folder import cell_text, parse_cell
from karavan.schema.tables import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from karavan.schema.tables import Field

DERIVED = "derived"  # follows from what the scenario says; may change a cell again
ROW = "(row)"  # stands in place of a field where a whole row was added or removed


@dataclass(frozen=True, slots=True)
class Edit:
    """One cell that a scenario changed; before and after as text, as in a file. `how` is what was done to get there."""

    table: str
    id: str
    field: str
    before: str
    after: str
    because: str
    how: str = ""


class Draft:
    """Frames of a case that are changed one after the other; the case itself stays as it is."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.frames: dict[str, pd.DataFrame] = {}
        self.edits: list[Edit] = []
        self.unknowns: list[str] = []  # what the case does not hold, and the changes would have needed
        self._touched: dict[tuple[str, str, str], tuple[str, str, str]] = {}  # cell: how, after, by which

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as it stands now."""
        return self.frames.get(name, self.case.tables[name])

    def keys(self, name: str) -> pd.Index[Any]:
        """Return the key of each row of a table as it stands now."""
        return row_key(self.frame(name), table(name))

    def find(self, name: str, ids: Sequence[str], where: Mapping[str, Any], place: str) -> list[int]:
        """Return the positions of the rows meant; all of them when neither ids nor values are given.

        Raises `ScenarioError` when an id is not there, or no row has the values.
        """
        keys = self.keys(name)
        mask = np.ones(len(keys), dtype=bool)
        if ids:
            known = set(keys)
            for wanted in ids:
                if wanted not in known:
                    near = difflib.get_close_matches(wanted, [str(k) for k in keys], n=1, cutoff=0.5)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    message = f"{place}: {name} has no row {wanted!r}{hint}"
                    raise ScenarioError(message)
            mask &= keys.isin(list(ids))
        frame = self.frame(name)
        for field, wanted in where.items():
            values = pd.Series(frame.index) if field == frame.index.name else frame[field]
            texts = {self._text(name, field, v, place) for v in (wanted if isinstance(wanted, list) else [wanted])}
            mask &= values.map(cell_text).isin(texts).to_numpy(dtype=bool)
        if not mask.any():
            said = ", ".join(f"{k} = {v}" for k, v in where.items())
            message = f"{place}: {name} has no row{f' where {said}' if said else ''}"
            raise ScenarioError(message)
        return [int(k) for k in np.flatnonzero(mask)]

    def value(self, name: str, row: int, field: str) -> Any:
        """Return a cell as it stands now; None where it is empty."""
        frame = self.frame(name)
        cell = frame.index[row] if field == frame.index.name else frame[field].iloc[row]
        return None if pd.isna(cell) else cell

    def put(self, name: str, row: int, field: str, value: Any, *, because: str, place: str, how: str = "set") -> None:
        """Set a cell.

        Raises `ScenarioError` when the value does not fit the field, or the cell was set otherwise before.
        """
        declared = table(name).fields[field]
        frame = self.frame(name)
        key = str(self.keys(name)[row])
        if field in table(name).key:
            message = f"{place}: {field} is the key of {name}; remove the row and add another"
            raise ScenarioError(message)
        new = self._parsed(name, declared, value, place)
        before, after = cell_text(self.value(name, row, field)), cell_text(new)
        self._contradiction(name, key, field, after, how, place)
        if name not in self.frames:
            self.frames[name] = frame = frame.copy()
        frame.iloc[row, frame.columns.tolist().index(field)] = new
        if before != after:
            self.edits.append(Edit(name, key, field, before, after, because, how))

    def _contradiction(self, name: str, key: str, field: str, after: str, how: str, place: str) -> None:
        """Refuse what an earlier change of the scenario says otherwise; scaling twice multiplies."""
        if how == DERIVED:
            return
        last = self._touched.get((name, key, field))
        agree = last is not None and last[0] == how and (how == "scaled" or last[1] == after)
        if last is not None and not agree:
            message = f"{place} contradicts {last[2]}: both change {field} of {name} {key}; keep one of them"
            raise ScenarioError(message)
        self._touched[name, key, field] = (how, after, place)

    def add(self, name: str, cells: Mapping[str, Any], *, because: str, place: str) -> str:
        """Add a row and return its key. Raises `ScenarioError` when it is there already or a cell does not fit."""
        declared = table(name)
        parsed = {k: self._parsed(name, declared.fields[k], v, place) for k, v in cells.items()}
        always = [k for k, f in declared.fields.items() if f.required == "always" and not f.default]
        missing = [k for k in always if parsed.get(k) is None]
        if missing:
            message = f"{place}: the row of {name} lacks {', '.join(missing)}"
            raise ScenarioError(message)
        new = conform(pd.DataFrame([parsed]), declared)
        key = str(row_key(new, declared)[0])
        if key in set(self.keys(name)):
            message = f"{place}: {name} has a row {key!r} already; set its fields, or choose another id"
            raise ScenarioError(message)
        old = self.frame(name)
        joined = pd.concat([old, new], ignore_index=len(declared.key) > 1) if len(old) else new
        self.frames[name] = joined.astype(old.dtypes.to_dict()) if len(old) else joined
        self._touched[name, key, ROW] = ("added", "", place)
        shown = ", ".join(f"{k} = {cell_text(v)}" for k, v in parsed.items())
        self.edits.append(Edit(name, key, ROW, "", shown, because, "added"))
        return key

    def remove(self, name: str, rows: Sequence[int], *, because: str, place: str) -> None:
        """Remove rows, with what provenance says of their cells. Raises `ScenarioError` if a change set one of them."""
        keys = [str(self.keys(name)[row]) for row in rows]
        for key in keys:
            for (at, other, field), (_, _, earlier) in self._touched.items():
                if (at, other) == (name, key):
                    message = f"{place} contradicts {earlier}: it removes {name} {key}, whose {field} the other changes"
                    raise ScenarioError(message)
            self.edits.append(Edit(name, key, ROW, "there", "", because, "removed"))
        keep = np.ones(len(self.frame(name)), dtype=bool)
        keep[list(rows)] = False
        left = self.frame(name)[keep]
        self.frames[name] = left if len(table(name).key) == 1 else left.reset_index(drop=True)
        of = self.frame("provenance")
        gone = ((of["table"] == name) & of["id"].isin(keys)).to_numpy(dtype=bool)
        if gone.any():
            self.frames["provenance"] = of[~gone].reset_index(drop=True)

    def _parsed(self, name: str, declared: Field, value: Any, place: str) -> Any:
        """Return a value of the type of its field; None for an empty one."""
        text = join_list(map(cell_text, value)) if isinstance(value, list | tuple) else cell_text(value)
        if not text.strip():
            return None
        parsed, problem, remedy = parse_cell(text, declared)
        if problem:
            message = f"{place}: {declared.name} of {name} {problem}; {remedy}"
            raise ScenarioError(message)
        return parsed

    def _text(self, name: str, field: str, value: Any, place: str) -> str:
        return cell_text(self._parsed(name, table(name).fields[field], value, place))
