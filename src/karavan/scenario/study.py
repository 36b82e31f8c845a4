"""A study: which scenarios of which case are run, over which years and by which method."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.assignment.methods import AllOrNothing, LeastCost, Logit
from karavan.errors import ScenarioError
from karavan.scenario.scenario import BASE, Scenario, read_toml
from karavan.schema.io.packs import pack_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from karavan.assignment.methods import Method

METHODS: dict[str, type[Method]] = {"least-cost": LeastCost, "logit": Logit, "all-or-nothing": AllOrNothing}
PERIODS = ("year", "month")
FIELDS = ("name", "title", "pack", "case", "years", "periods", "method", "common", "scenarios", "seed")


@dataclass(frozen=True, slots=True)
class Study:
    """What to run. The base, the case as `common` changes it, is always run, and is what scenarios are compared with.

    Attributes
    ----------
    name
        Short; the run folder is called so.
    folder
        Case folder.
    years
        Years each scenario is run for.
    scenarios
        Run on top of `common`.
    periods
        "year", "month" (the busiest month) or both.
    method
        How goods choose.
    seed
        Kept in the manifest; no method of today draws anything.
    """

    name: str
    folder: Path
    years: tuple[int, ...]
    scenarios: tuple[Scenario, ...] = ()
    common: Scenario = BASE
    periods: tuple[str, ...] = ("year",)
    method: Method = field(default_factory=LeastCost)
    seed: int = 0
    title: str = ""

    def __post_init__(self) -> None:
        names = [s.name for s in self.runs]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            message = f"study {self.name}: two scenarios are called {twice[0]!r}; rename one"
            raise ScenarioError(message)
        if not self.years or not self.periods or set(self.periods) - set(PERIODS):
            message = f"study {self.name}: give at least one year, and periods of {', '.join(PERIODS)}"
            raise ScenarioError(message)

    @property
    def runs(self) -> tuple[Scenario, ...]:
        """The base, then each scenario on top of what is common to all."""
        base = Scenario("base", self.common.changes, self.common.title or "Base", self.common.text)
        return (base, *(_on_top(base, s) for s in self.scenarios))

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read a study file; paths in it are beside it. Raises `ScenarioError` when it is not sound."""
        path = Path(path)
        data = read_toml(path)
        unknown = [k for k in data if k not in FIELDS]
        if unknown:
            message = f"{path}: unknown key {unknown[0]!r}; a study has {', '.join(FIELDS)}"
            raise ScenarioError(message)
        years, files = data.get("years"), data.get("scenarios", [])
        if not isinstance(years, list) or not all(type(y) is int for y in years):
            message = f"{path}: years is a list of years: years = [2024, 2030]"
            raise ScenarioError(message)
        if not isinstance(files, list) or not all(isinstance(f, str) for f in files):
            message = f'{path}: scenarios is a list of files: scenarios = ["kti-2030.toml"]'
            raise ScenarioError(message)
        return cls(
            name=str(data.get("name", path.stem)),
            folder=_case_folder(data, path),
            years=tuple(years),
            scenarios=tuple(Scenario.read(path.parent / f) for f in files),
            common=Scenario.read(path.parent / data["common"]) if "common" in data else BASE,
            periods=tuple(data.get("periods", ["year"])),
            method=_method(data.get("method", {}), path),
            seed=int(data.get("seed", 0)),
            title=str(data.get("title", "")),
        )


def _on_top(base: Scenario, scenario: Scenario) -> Scenario:
    both = base.then(scenario, name=scenario.name)
    return Scenario(scenario.name, both.changes, scenario.title, scenario.text)


def _case_folder(data: Mapping[str, Any], path: Path) -> Path:
    if ("pack" in data) == ("case" in data):
        message = f'{path}: name one case: pack = "caspian", or case = a folder beside the file'
        raise ScenarioError(message)
    return pack_folder(str(data["pack"])) if "pack" in data else path.parent / str(data["case"])


def _method(data: Any, path: Path) -> Method:
    options: dict[str, Any] = {"name": data} if isinstance(data, str) else dict(data)
    name = str(options.pop("name", "least-cost"))
    if name not in METHODS:
        message = f"{path}: there is no method {name!r}; there are {', '.join(METHODS)}"
        raise ScenarioError(message)
    try:
        make: Any = METHODS[name]  # its options are checked where it is made
        made: Method = make(**{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()})
    except (TypeError, ValueError) as error:
        message = f"{path}: method {name}: {error}"
        raise ScenarioError(message) from error
    return made
