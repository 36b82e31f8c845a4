"""A scenario: a list of changes with a name, read from a small TOML file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.errors import ScenarioError
from karavan.scenario.change import Change, parse_change

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = ("name", "title", "text", "include", "change")


@dataclass(frozen=True, slots=True)
class Scenario:
    """Changes of a case, made in order. `name` is short and stands in file names, `title` is for people.

    Examples
    --------
    >>> more = Scenario.of("more", {"scale": "demand", "field": "tonnes", "by": 2.0, "because": "an example"})
    >>> print(*more.changes)
    scale demand tonnes
    """

    name: str
    changes: tuple[Change, ...] = ()
    title: str = ""
    text: str = ""

    @classmethod
    def read(cls, path: str | Path) -> Scenario:
        """Read a scenario file; files it includes (paths beside it) come first, in order.

        Raises `ScenarioError` when the file cannot be read or a change in it is not sound.
        """
        return _read(Path(path), ())

    @classmethod
    def of(cls, name: str, *changes: Mapping[str, Any], title: str = "", text: str = "") -> Scenario:
        """Make a scenario of changes written as in a file: one mapping for each `[[change]]`."""
        parsed = tuple(parse_change(c, f"{name}, change {k}") for k, c in enumerate(changes, start=1))
        return cls(_name(name), parsed, title, text)

    def then(self, other: Scenario, *, name: str | None = None) -> Scenario:
        """Return this scenario followed by another; what they say of the same cell must agree."""
        title = " and ".join(t for t in (self.title or self.name, other.title or other.name) if t)
        changes = (*self.changes, *(c for c in other.changes if c not in self.changes))
        return Scenario(_name(name or f"{self.name}+{other.name}"), changes, title, "")

    @property
    def assumptions(self) -> tuple[Change, ...]:
        """Changes that are assumptions of the user, with no model behind them."""
        return tuple(c for c in self.changes if c.assumption)


BASE = Scenario("base", title="Base")


def _name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", name):
        message = f"{name!r} is no name of a scenario; use letters, digits and - _ . +"
        raise ScenarioError(message)
    return name


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises `ScenarioError` when it is not there or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ScenarioError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is no TOML file: {error}"
        raise ScenarioError(message) from error


def _read(path: Path, above: tuple[Path, ...]) -> Scenario:
    if path.resolve() in above:
        message = f"{path} includes itself, by {', '.join(p.name for p in above)}"
        raise ScenarioError(message)
    data = read_toml(path)
    unknown = [k for k in data if k not in FIELDS]
    if unknown:
        message = f"{path}: unknown key {unknown[0]!r}; a scenario has {', '.join(FIELDS)}"
        raise ScenarioError(message)
    written = data.get("change", [])
    included = data.get("include", [])
    if not isinstance(written, list) or not all(isinstance(c, dict) for c in written):
        message = f"{path}: write each change under [[change]]"
        raise ScenarioError(message)
    if not isinstance(included, list):
        message = f'{path}: include is a list of files: include = ["other.toml"]'
        raise ScenarioError(message)
    parsed = tuple(parse_change(c, f"{path.name}, change {k}") for k, c in enumerate(written, start=1))
    name, title, text = (str(data.get(key, "")) for key in ("name", "title", "text"))
    out = Scenario(_name(name or path.stem), parsed, title, text)
    if not included and not parsed:
        message = f"{path} changes nothing; write at least one [[change]]"
        raise ScenarioError(message)
    first = Scenario(out.name)
    for other in included:
        first = first.then(_read(path.parent / str(other), (*above, path.resolve())), name=out.name)
    return replace(first.then(out, name=out.name), title=out.title, text=out.text)
