"""The forms of requests and answers. What is not said here is refused in a request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Row = dict[str, Any]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[list[Name], Field(max_length=100)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2})?$")]
Year = Annotated[int, Field(ge=1900, le=2200)]
Objective = Literal["cost", "time", "co2e", "risk", "handlings"]
Method = Literal["least-cost", "all-or-nothing", "logit"]


class Asked(BaseModel):
    """A request: strict, so that a slip of the pen is told and not passed over."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RouteQuestion(Asked):
    """Which way for a shipment. Names are ids, names, places or aliases."""

    origin: Name
    destination: Name
    commodity: Name
    tonnes: Annotated[float, Field(gt=0, le=1e9)] = 20.0
    alternatives: Annotated[int, Field(ge=0, le=20)] = 3
    day: Day | None = None
    ready: Moment | None = None
    window_days: Annotated[float, Field(ge=0, le=366)] | None = None
    deadline: Moment | None = None
    within_days: Annotated[float, Field(gt=0, le=1000)] | None = None
    incoterm: Annotated[str, Field(max_length=8)] | None = None
    incoterm_place: Name | None = None
    unit: Name | None = None
    avoid: Names = []
    only: Names = []
    comply: Names = []
    closed: Annotated[dict[Name, Day], Field(max_length=100)] = {}
    include: Names = []
    objectives: Annotated[list[Objective], Field(max_length=5)] = []
    budget: dict[Objective, Annotated[float, Field(ge=0)]] = {}
    resolution: Annotated[float, Field(ge=0, le=1)] = 0.05
    certified: bool = False
    usd_year: Year | None = None
    draws: Annotated[int, Field(ge=0, le=5000)] = 1000
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0


class AssignQuestion(Asked):
    """How a case carries its demand in a year."""

    method: Method = "least-cost"
    objective: Literal["cost", "served first"] = "cost"
    theta: Annotated[float, Field(gt=0, le=1e6)] | None = None
    year: Year | None = None
    month: bool = False


class ScenarioQuestion(Asked):
    """What if: shipped scenarios by name, and changes as they would stand in a scenario file."""

    scenarios: Annotated[list[Name], Field(max_length=20)] = []
    changes: Annotated[list[Row], Field(max_length=100)] = []
    year: Year | None = None
    month: bool = False
    title: Annotated[str, Field(max_length=120)] = ""


class CompareQuestion(Asked):
    """Two finished runs of one case."""

    a: Name
    b: Name


class PromiseQuestion(Asked):
    """Can what was promised be carried: the words, or the id of a fact."""

    case: Name
    text: Annotated[str, Field(max_length=2000)] = ""
    promise: Annotated[str, Field(max_length=80)] = ""
    year: Year | None = None
    draws: Annotated[int, Field(ge=0, le=5000)] = 500


class BriefQuestion(Asked):
    """A brief of a case, with what was said in the ledger or without."""

    case: Name
    said: bool = False


class DecisionQuestion(Asked):
    """What a person decides about a fact, and which version of it was looked at."""

    decision: Literal["accept", "correct", "reject"]
    expected_version: Annotated[int, Field(ge=1)]
    who: Annotated[str, Field(min_length=1, max_length=80)]
    note: Annotated[str, Field(max_length=1000)] = ""
    fields: Annotated[dict[str, str | float | list[str] | None], Field(max_length=40)] = {}


# Answers


class Problem(BaseModel):
    """What went wrong, in plain words."""

    error: str
    type: str
    findings: list[Row] | None = None
    suggestions: list[str] | None = None
    candidates: list[str] | None = None
    reasons: list[str] | None = None


class About(BaseModel):
    """The server: version, what may be done, and its limits."""

    version: str
    read_only: bool
    needs_token: Literal["none", "write", "all"]
    packs: list[str]
    default_case: str
    ledger: Literal["sample", "file", "database"]
    tiles: str | None
    limits: dict[str, float]


class CaseLine(BaseModel):
    """A case that is offered."""

    id: str
    title: str
    kind: str
    year: int | None
    text: str
    uploaded: bool


class Cases(BaseModel):
    """The cases that are offered."""

    cases: list[CaseLine]


class Overview(BaseModel):
    """What a case holds."""

    id: str
    name: str
    title: str
    kind: str
    year: int | None
    price_year: int | None
    currency: str
    text: str
    outside: list[str]
    boundaries: str
    bbox: list[float] | None
    view: list[float]
    years: list[int]
    rows: dict[str, int]
    commodities: list[Row]
    modes: list[Row]
    corridors: list[Row]


class Tables(BaseModel):
    """The tables of a case, and the command that writes them."""

    tables: list[Row]
    cli: str


class TablePage(BaseModel):
    """Some rows of a table; `_id` is the key of a row."""

    table: str
    title: str
    text: str
    key: list[str]
    total: int
    offset: int
    columns: list[Row]
    rows: list[Row]
    cli: str


class Record(BaseModel):
    """One row with units, texts and sources."""

    table: str
    title: str
    id: str
    name: str | None
    confidence: str | None
    note: str | None
    fields: list[Row]
    sources: list[Row]
    point: list[float | None] | None


class TraceAnswer(BaseModel):
    """The chain of a number back to its sources, and the facts read in them."""

    table: str
    id: str
    field: str
    value: Any
    unit: str
    confidence: str
    note: str
    other_values: str
    steps: list[Row]
    facts: list[Row]
    cli: str


class NamesFound(BaseModel):
    """What may be meant by the first letters of a name."""

    names: list[Row]


class MapAnswer(BaseModel):
    """The network with its flows: styles, legend, layers of GeoJSON features, corridors."""

    case: str
    commodity: str | None
    summary: Row
    styles: Row
    legend: list[Row]
    layers: list[Row]
    corridors: list[Row]
    cli: str


class RouteAnswer(BaseModel):
    """Routes with their lines, every Pareto-good one, charts as Vega-Lite, and the same question typed."""

    case: str
    day: str | None
    routes: list[Row]
    pareto: list[Row]
    search: Row
    charts: dict[str, Row | None]
    cli: str
    seconds: float


class JobAnswer(BaseModel):
    """A piece of long work: its progress, and its result when it is done."""

    job: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    text: str
    progress: list[Row]
    result: Any = None
    error: Row | None = None


class Listing(BaseModel):
    """A list of things, under the name of what they are."""

    model_config = ConfigDict(extra="allow")
