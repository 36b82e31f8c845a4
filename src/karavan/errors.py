"""All exceptions of Karavan.

KaravanError
├── CaseError           the tables of a case have errors; carries every finding
├── FormatError         a file is not of the form it should be (CSV, GMNS, GeoPackage, TNTP)
├── NameNotFound        nothing of that name or id; says what is near
├── AmbiguousName       the name stands for things of different places
├── NoRoute             no path; says which restriction or state closes it
├── ShipmentError       a shipment, or what is asked of its routes, cannot be; says what to write instead
├── ScenarioError       a change of a scenario cannot be made; says which, and what to write instead
├── SolverError         the solver did not reach the stated tolerance
├── NotIdentified       the counts cannot tell what is to be fitted
├── OutOfDate           somebody else has changed it since it was read
└── MissingExtra        an optional package is needed; names the extra to install
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence


class KaravanError(Exception):
    """Base of every error that Karavan raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let errors come back whole from other processes, whatever they are made of."""
        return _whole, (type(self), self.args, self.__dict__)


def _whole(kind: type[KaravanError], args: tuple[Any, ...], held: dict[str, Any]) -> KaravanError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(held)
    return error


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, or doubtful, in a case: where it is and what to do.

    `line` counts from 1 as an editor does; 0 when the finding is about a whole file.
    """

    severity: Literal["error", "warning"]
    file: str
    line: int
    field: str
    problem: str
    remedy: str
    id: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        field = f" {self.field}" if self.field else ""
        return f"{where}{field}: {self.problem} -> {self.remedy}"


class CaseError(KaravanError):
    """The tables of a case have errors. `findings` holds all of them, errors and warnings."""

    def __init__(self, name: str, findings: Sequence[Finding]) -> None:
        self.name = name
        self.findings = tuple(findings)
        errors = [f for f in self.findings if f.severity == "error"]
        shown = "\n".join(f"  {f}" for f in errors[:20])
        more = f"\n  and {len(errors) - 20} more" if len(errors) > 20 else ""
        super().__init__(f"case {name!r} has {len(errors)} error(s):\n{shown}{more}")


class FormatError(KaravanError):
    """A file is not of the form it should be."""


class NameNotFound(KaravanError):
    """No row answers to a name. `suggestions` are the nearest names."""

    def __init__(self, name: str, kind: str, suggestions: Sequence[str] = ()) -> None:
        self.name, self.kind, self.suggestions = name, kind, tuple(suggestions)
        hint = f" Did you mean {', '.join(self.suggestions)}?" if self.suggestions else ""
        super().__init__(f"No {kind} is called {name!r}.{hint}")


class AmbiguousName(KaravanError):
    """A name stands for things of different places; `candidates` are their ids and names."""

    def __init__(self, name: str, kind: str, candidates: Sequence[str]) -> None:
        self.name, self.kind, self.candidates = name, kind, tuple(candidates)
        super().__init__(f"{name!r} stands for more than one {kind}: {', '.join(candidates)}. Give one of these.")


class NoRoute(KaravanError):
    """No path joins two places for a commodity; `reasons` say what closes it."""

    def __init__(self, message: str, reasons: Sequence[str] = ()) -> None:
        self.reasons = tuple(reasons)
        super().__init__(message + "".join(f"\n  - {r}" for r in self.reasons))


class ShipmentError(KaravanError):
    """A shipment, or what is asked of its routes, cannot be."""


class ScenarioError(KaravanError):
    """A change of a scenario cannot be made."""


class SolverError(KaravanError):
    """The solver did not reach the stated tolerance."""


class NotIdentified(KaravanError):
    """The counts cannot tell what is to be fitted; `parameters` are those they do not tell apart or do not see."""

    def __init__(self, message: str, parameters: Sequence[str] = ()) -> None:
        self.parameters = tuple(parameters)
        super().__init__(message)


class OutOfDate(KaravanError):
    """What is to be changed has been changed by somebody else since it was read."""


class MissingExtra(KaravanError):
    """An optional package is needed."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"This needs the package {package!r}: install karavan[{extra}].")
