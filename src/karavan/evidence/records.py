"""Records of the evidence layer: documents, what was read out of them, and how sure each part is.

A fact is a frozen record. What it says stands in slots; a slot knows its value, the words it was read from, where they
stand in the document, and its basis:

explicit   the words stand in the fact's own sentence
inherited  carried over from another sentence, heading or speaker, with exactly one candidate
inferred   follows from what was read (a year from a weekday, a currency from a heading)
missing    not said, or said in a way that has several readings; `value` is None

Offsets count characters of `Document.text`; `document.text[start:end] == raw` holds for every slot with a span.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any, Generic, Literal, TypeVar

Basis = Literal["explicit", "inherited", "inferred", "missing"]
Status = Literal["accepted", "partial", "rejected", "superseded"]
BlockKind = Literal["title", "heading", "byline", "caption", "body", "boilerplate"]
Comparator = Literal["=", ">", ">=", "<", "<=", "~", "<~", "range"]
Modality = Literal["target", "plan", "agreement", "pledge", "proposal", "expectation", "possibility"]

EXTRACTOR_VERSION = "1"

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a document's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Slot(Generic[T_co]):
    """One filled or empty place of a fact. `start` and `end` are None where no words stand for it."""

    value: T_co | None = None
    raw: str = ""
    start: int | None = None
    end: int | None = None
    basis: Basis = "missing"
    confidence: float = 0.0

    @property
    def known(self) -> bool:
        """Whether the slot holds a value."""
        return self.basis != "missing" and self.value is not None


MISSING: Slot[Any] = Slot()


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, brought to the unit's base: 237 million dollars are 237000000 USD.

    `unit` is ISO 4217 for money, UCUM else (`t`, `km`, `%`, `{TEU}`, `{x}` for times, `{pp}` for percentage points),
    empty for a plain count of the things named in `counted`. `low` and `high` are the ends of a range; `comparator`
    says "over" (>), "nearly" (<~), "about" (~). `rate` is "month" for a quantity per month. `step` is the size of the
    last digit that was written, in the same unit: 1.9 billion has step 1e8 (half of it is the rounding interval).
    """

    value: float | None
    unit: str
    raw: str
    low: float | None = None
    high: float | None = None
    comparator: Comparator = "="
    counted: str = ""
    rate: str = ""
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to `end`, both within; either may be unknown.

    `kind`: interval, lookback ("over the past 20 years"), deadline ("by 2030"), as_of ("as of 1 June"), relative (words
    that cannot be resolved without a date: "last year" in an undated article; then start and end are None).
    `duration` is an ISO 8601 duration where the words give one. `month_day` holds "12-11" for a day without a year.
    """

    start: date | None
    end: date | None
    raw: str
    granularity: Literal["day", "month", "quarter", "half", "year", "range", "unknown"] = "range"
    calendar: Literal["gregorian", "solar_hijri", "fiscal"] = "gregorian"
    kind: Literal["interval", "lookback", "deadline", "as_of", "relative"] = "interval"
    duration: str = ""
    month_day: str = ""

    @property
    def known(self) -> bool:
        """Whether both ends are known."""
        return self.start is not None and self.end is not None

    def interval(self) -> str | None:
        """Return the ISO 8601 interval, a bare duration where only that is known, else None.

        Examples
        --------
        >>> Period(date(2020, 1, 1), date(2020, 12, 31), "2020", "year").interval()
        '2020-01-01/2020-12-31'
        """
        if self.start and self.end:
            return f"{self.start.isoformat()}/{self.end.isoformat()}"
        if self.start:
            return f"{self.start.isoformat()}/.."
        if self.end:
            return f"../{self.end.isoformat()}"
        return self.duration or None

    def point(self) -> str | None:
        """Return the date as far as it is known: 2021-04-07, 2019-11, 2019, XXXX-12-11 (ISO 8601-2), or None."""
        if self.start is None or self.end is None:
            return f"XXXX-{self.month_day}" if self.month_day else None
        if self.start == self.end:
            return self.start.isoformat()
        if self.granularity == "month":
            return self.start.isoformat()[:7]
        if self.granularity == "year" and self.calendar == "gregorian":
            return str(self.start.year)
        return self.interval()


def parse_interval(text: str | None) -> tuple[date | None, date | None]:
    """Read back what `Period.interval` or `Period.point` wrote: first and last day, None where open or unknown.

    Examples
    --------
    >>> parse_interval("2019-11")
    (datetime.date(2019, 11, 1), datetime.date(2019, 11, 30))
    """
    if not text or text.startswith(("P", "X")):
        return None, None
    if "/" in text:
        first, last = text.split("/", 1)
        return parse_interval(first)[0], parse_interval(last)[1]
    parts = text.split("-")
    if len(parts) == 3:
        day = date.fromisoformat(text)
        return day, day
    if len(parts) == 2:
        year, month = int(parts[0]), int(parts[1])
        after = date(year + month // 12, month % 12 + 1, 1)
        return date(year, month, 1), after - timedelta(days=1)
    if text.isdigit():
        return date(int(text), 1, 1), date(int(text), 12, 31)
    return None, None


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, state or organisation in a fact. `country` is ISO 3166-1 alpha-3 of the state it stands for, or ""."""

    name: str
    country: str = ""
    title: str = ""
    role: str = ""
    kind: Literal["person", "country", "bloc", "organisation"] = "person"


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph. `duplicate_of` is the index of an earlier block with (nearly) the same words, else None."""

    kind: BlockKind
    start: int
    end: int
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A text as it is kept, with its blocks and dates.

    `text` is the decoded file for plain text; for HTML and PDF the text extracted once. `locator` gives, for these,
    (offset, place in the original) pairs in rising order of offset: "page 3" or an element path.
    `id` is the SHA-256 of `text`; equal texts are one document.
    """

    name: str
    id: str
    text: str
    media_type: Literal["text/plain", "text/html", "application/pdf"]
    language: str
    title: str
    published: Slot[date]
    updated: Slot[date]
    blocks: tuple[Block, ...]
    locator: tuple[tuple[int, str], ...] = ()
    address: str = ""
    publisher: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every fact has. `start` and `end` bound `quote` in the document; `citations` are all places that say it.

    `areas` are ISO 3166-1 alpha-3 codes, or ids of blocs and places. `direction` is "A->B", "A-B" (both ways), or
    "A" alone. `reason` says why a fact is partial, in words, one reason after another separated by "; ".
    """

    id: str = ""
    kind: Literal["figure", "commitment", "event", "flow"] = "figure"
    status: Status = "partial"
    reason: str = ""
    document: str = ""
    document_id: str = ""
    published: date | None = None
    published_basis: Basis = "missing"
    quote: str = ""
    start: int = 0
    end: int = 0
    citations: tuple[Span, ...] = ()
    speaker: Slot[Actor] = MISSING
    through: Slot[str] = MISSING
    areas: Slot[tuple[str, ...]] = MISSING
    direction: str = ""
    actors: tuple[Actor, ...] = ()
    place: Slot[str] = MISSING
    extractor: str = "rules"
    extractor_version: str = EXTRACTOR_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Fact):
    """A number about a series: level, change, share or ratio.

    `quantity` is the level (or the change itself where only a change is said); `change_pct` the change on
    `base_period`, in percent, of a level or alone: "3.1 times" is 210. `transformation`: level, cumulative, share,
    change_pct, change_abs, ratio. `whole` names what a share is a share of. `reporter` is whose statistics it is.
    """

    indicator: Slot[str] = MISSING
    product: Slot[str] = MISSING
    hs: tuple[str, ...] = ()
    quantity: Slot[Quantity] = MISSING
    period: Slot[Period] = MISSING
    base_period: Slot[Period] = MISSING
    change_pct: Slot[float] = MISSING
    transformation: Literal["level", "cumulative", "share", "change_pct", "change_abs", "ratio"] = "level"
    reporter: Slot[str] = MISSING
    definition: Slot[str] = MISSING
    whole: Slot[str] = MISSING
    mode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment(Fact):
    """What somebody says will, should or could be. `deadline` is missing when none is given, and stays so.

    `object` are the words of what is promised; `action` a verb's class (build, open, increase, launch, supply, sign,
    visit, develop, support, other); `horizon` vague words of time ("medium-term", "in the next stage").
    """

    modality: Modality = "plan"
    action: str = "other"
    object: Slot[str] = MISSING
    indicator: Slot[str] = MISSING
    product: Slot[str] = MISSING
    quantity: Slot[Quantity] = MISSING
    deadline: Slot[Period] = MISSING
    horizon: Slot[str] = MISSING
    stage: int | None = None
    condition: Slot[str] = MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Fact):
    """Something that happened, or is to happen (`planned`): a PLOVER type and our own mode.

    Types: CONSULT (meeting, visit, call, invite, forum), AGREE (sign_mou, sign_agreement, joint_statement,
    establish_body), SUPPORT (diplomatic_relations), COOPERATE (launch_service, open_facility, first_shipment,
    start_construction, other).
    """

    event_type: str = ""
    mode: str = ""
    date: Slot[Period] = MISSING
    planned: bool = False
    instrument: Slot[str] = MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(Fact):
    """Goods that one supplies to another, without a number. `modality` is actual or potential."""

    exporter: Slot[str] = MISSING
    importer: Slot[str] = MISSING
    products: tuple[str, ...] = ()
    hs: tuple[str, ...] = ()
    modality: Literal["actual", "potential"] = "actual"
    period: Slot[Period] = MISSING


def fact_id(fact: Fact) -> str:
    """Return 16 hex digits that depend on what a fact says and where: document, span, kind and values.

    Status and reason are left out, so that a later decision keeps the id.
    """
    slots = [
        (f.name, slot.value, slot.start, slot.end)
        for f in fields(fact)
        if isinstance(slot := getattr(fact, f.name), Slot) and slot.value is not None
    ]
    plain = [
        getattr(fact, n, None)
        for n in ("direction", "transformation", "modality", "action", "stage", "event_type", "mode", "products")
    ]
    words = repr((fact.document_id, fact.kind, fact.start, fact.end, slots, plain))
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _number(value: float | None) -> float | int | None:
    """Drop a float's needless .0 and the noise of binary fractions."""
    if value is None:
        return None
    rounded = float(f"{value:.12g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _slot_json(slot: Slot[Any]) -> dict[str, Any]:
    return {
        "basis": slot.basis,
        "raw": slot.raw,
        "start": slot.start,
        "end": slot.end,
        "confidence": _number(slot.confidence),
    }


def _value(fact: Fact, name: str) -> Any:
    slot = getattr(fact, name, None)
    return slot.value if isinstance(slot, Slot) else slot


def _actor_json(actor: Actor) -> str:
    return actor.name


def _moments(fact: Fact) -> dict[str, Any]:
    """Return the period-like keys of the JSON object."""
    period, base, deadline, day = (_value(fact, n) for n in ("period", "base_period", "deadline", "date"))
    last = deadline.end if deadline else None
    return {
        "period": period.interval() if period else deadline.interval() if deadline else None,
        "period_text": period.raw if period else None,
        "calendar": period.calendar if period else None,
        "base_period": base.interval() if base else None,
        "deadline": last.isoformat() if last else None,
        "date": day.point() if day else None,
    }


def to_json(fact: Fact) -> dict[str, Any]:
    """Return the JSON object of a fact: one line of the JSONL export. Keys that do not apply are None or empty.

    `period` is an ISO 8601 interval of first and last day (of a commitment: when it is to be);
    `value`, `low` and `high` are in the base of `unit`.
    `slots` gives basis, words and span of every slot that holds something.
    """
    quantity = _value(fact, "quantity")
    speaker = fact.speaker.value
    products = list(fact.products) if isinstance(fact, Flow) else None
    slots = {
        f.name: _slot_json(slot) for f in fields(fact) if isinstance(slot := getattr(fact, f.name), Slot) and slot.known
    }
    moments = _moments(fact)
    return {
        "id": fact.id,
        "document": fact.document,
        "document_id": fact.document_id,
        "kind": fact.kind,
        "status": fact.status,
        "reason": fact.reason,
        "indicator": _value(fact, "indicator"),
        "areas": list(fact.areas.value or ()),
        "direction": fact.direction or None,
        "product": "; ".join(products) if products else _value(fact, "product"),
        "hs": list(getattr(fact, "hs", ())),
        "value": _number(quantity.value) if quantity else None,
        "low": _number(quantity.low) if quantity else None,
        "high": _number(quantity.high) if quantity else None,
        "comparator": quantity.comparator if quantity else None,
        "unit": quantity.unit if quantity else None,
        "rate": (quantity.rate or None) if quantity else None,
        "counted": (quantity.counted or None) if quantity else None,
        "step": _number(quantity.step) if quantity else None,
        "period": moments["period"],
        "period_text": moments["period_text"],
        "calendar": moments["calendar"],
        "base_period": moments["base_period"],
        "change_pct": _number(_value(fact, "change_pct")),
        "transformation": getattr(fact, "transformation", None),
        "reporter": _value(fact, "reporter"),
        "definition": _value(fact, "definition"),
        "whole": _value(fact, "whole"),
        "modality": getattr(fact, "modality", None),
        "action": getattr(fact, "action", None),
        "object": _value(fact, "object"),
        "deadline": moments["deadline"],
        "horizon": _value(fact, "horizon"),
        "stage": getattr(fact, "stage", None),
        "condition": _value(fact, "condition"),
        "actors": [_actor_json(a) for a in fact.actors],
        "actor_countries": [a.country for a in fact.actors],
        "actor_roles": [a.role for a in fact.actors],
        "event_type": (f"{fact.event_type}.{fact.mode}" if fact.mode else fact.event_type)
        if isinstance(fact, Event)
        else None,
        "planned": getattr(fact, "planned", None),
        "date": moments["date"],
        "place": fact.place.value,
        "quote": fact.quote,
        "start": fact.start,
        "end": fact.end,
        "citations": [[c.start, c.end] for c in fact.citations],
        "published": fact.published.isoformat() if fact.published else None,
        "published_basis": fact.published_basis,
        "speaker": speaker.name if speaker else None,
        "speaker_country": (speaker.country or None) if speaker else None,
        "speaker_title": (speaker.title or None) if speaker else None,
        "through": fact.through.value,
        "extractor": fact.extractor,
        "extractor_version": fact.extractor_version,
        "slots": slots,
    }


def identified(fact: Fact) -> Fact:
    """Return the fact with its id filled in."""
    return replace(fact, id=fact_id(fact))


__all__ = [
    "EXTRACTOR_VERSION",
    "MISSING",
    "Actor",
    "Basis",
    "Block",
    "BlockKind",
    "Commitment",
    "Comparator",
    "Document",
    "Event",
    "Fact",
    "Figure",
    "Flow",
    "Modality",
    "Period",
    "Quantity",
    "Slot",
    "Span",
    "Status",
    "fact_id",
    "identified",
    "parse_interval",
    "to_json",
]
