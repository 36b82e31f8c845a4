"""What the stages that make a figure share: the draft, what the sentences before spoke of, kinds of units."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from karavan.evidence.records import MISSING, Period, Quantity, Slot

if TYPE_CHECKING:
    from karavan.evidence.clauses import Party
    from karavan.evidence.discourse import Sentence
    from karavan.evidence.quantities import FoundQuantity

Role = Literal["level", "base", "change", "share", "skip"]


ANAPHORA = re.compile(
    r"[“\"]?(?:It|Its|They|Their|This|That|These|Those|The (?:figure|number|volume|total|indicator|"
    r"amount|turnover|value|growth|increase|sum|latter|rise|decline|result|corresponding|same|share|"
    r"bulk|rest)|Of (?:this|that|these|which|the total)|The (?:trade|export|import|cargo|freight) "
    r"(?:volume|turnover|value|figure)|Both|By (?:value|volume|weight)|In (?:value|volume|weight|"
    r"monetary)|Volume|Value|Exports|Imports|Compared)\b"
)


ANAPHORA_IN = re.compile(
    r"\b(?:of (?:this|that|these|which|the total)\\b(?! (?:year|month|week|quarter|period|decade|"
    r"kind|type|country))|this (?:figure|volume|number|period)|the (?:country|port|route|corridor|"
    r"line|railway)(?:['’]s)?|its)\b",
    re.IGNORECASE,
)


WEIGHT = re.compile(r"\b(?:volumes?|weight|tonnage|quantity|physical)\b", re.IGNORECASE)


WORTH = re.compile(r"\b(?:values?|worth|monetary|money|dollar)\b", re.IGNORECASE)


# Facts of a state or a thing, not of a span of time: they need no period.
TIMELESS = frozenset({"capacity", "length", "transit_time", "service_frequency", "cost", "funding"})


PAIR_KINDS = frozenset({"trade_turnover", "export", "import"})


@dataclass(slots=True)
class Draft:
    """A figure in the making."""

    sentence: Sentence
    found: FoundQuantity
    role: Role
    quantity: Slot[Quantity] = MISSING
    indicator: Slot[str] = MISSING
    areas: Slot[tuple[str, ...]] = MISSING
    direction: str = ""
    product: Slot[str] = MISSING
    hs: tuple[str, ...] = ()
    period: Slot[Period] = MISSING
    base: Slot[Period] = MISSING
    change: Slot[float] = MISSING
    whole: Slot[str] = MISSING
    place: Slot[str] = MISSING
    transformation: Literal["level", "cumulative", "share", "change_pct", "change_abs", "ratio"] = "level"
    reasons: list[str] = field(default_factory=list)
    last: Sentence | None = None
    parties: list[Party] = field(default_factory=list)


@dataclass(slots=True)
class Frame:
    """What the sentences before spoke of: the figures of the last one that had any, and the last period."""

    drafts: list[Draft] = field(default_factory=list)
    period: Slot[Period] = MISSING
    sentence: int = -9
    block: int = -1
    used: int = -9


def unit_class(quantity: Quantity) -> str:
    """Return money, mass, teu, percent, length, time, count or other."""
    unit = quantity.unit
    if (len(unit) == 3 and unit.isupper()) or unit.startswith("?"):
        return "teu" if unit == "TEU" else "money"
    return {
        "t": "mass",
        "t.km": "mass",
        "{TEU}": "teu",
        "{FEU}": "teu",
        "%": "percent",
        "{pp}": "percent",
        "{x}": "percent",
        "km": "length",
        "m": "length",
        "d": "time",
        "h": "time",
        "min": "time",
        "": "count" if quantity.counted else "bare",
    }.get(unit, "other")


def area_country(draft: Draft) -> str:
    """Return the first country among the areas."""
    return next((a for a in draft.areas.value or () if len(a) == 3 and a.isalpha()), "")


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span without blanks and lone quotation marks at its ends."""
    while start < end and text[start] in " \n\t\u00a0":
        start += 1
    while end > start and text[end - 1] in " \n\t\u00a0":
        end -= 1
    for opening, closing in (("“", "”"), ('"', '"')):
        if text[start:end].startswith(opening) and text.find(closing, start + 1, end) < 0:
            start += 1
        if text[start:end].endswith(closing) and text.rfind(opening, start, end - 1) < 0:
            end -= 1
    return start, end
