"""What a number measures, and in which currency."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from karavan.evidence.figure_parts import ANAPHORA, Frame, unit_class
from karavan.evidence.gazetteer import read_table
from karavan.evidence.records import MISSING, Quantity, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.discourse import Sentence
    from karavan.evidence.gazetteer import Mention
    from karavan.evidence.quantities import FoundQuantity

_NOT_MEASURE_AFTER = re.compile(
    r"[ -](?:[Mm]inist|[Hh]ouse|[Mm]inistry|and economic|union|relations?\b(?! worth)|ties|"
    r"cooperation|agreements?|fair|mission|deals?|routes?|wars?|corridors?|facilitation|barriers?|"
    r"unions?|balance|deficit|surplus|office|representative|delegation|officials?|[Cc]hamber|body|"
    r"[Bb]ank|centres?|centers?|zones?|potential\b|links?\b|hub|association|group|sector|policy|and "
    r"transport|talks|forum|authority)",
    re.IGNORECASE,
)


_NOT_MEASURE_BEFORE = re.compile(r"\b(?:[Ff]ree|[Ff]air|to|[Ww]orld|preferential|stock) $")


_ALLOWED: dict[str, frozenset[str]] = {
    "money": frozenset(
        {
            "trade_turnover",
            "export",
            "import",
            "investment",
            "funding",
            "cost",
            "revenue",
            "price",
            "debt",
            "tariff",
            "gdp",
            "production",
        }
    ),
    "mass": frozenset(
        {
            "freight",
            "freight_turnover",
            "transit",
            "export",
            "import",
            "trade_turnover",
            "capacity",
            "production",
            "container_traffic",
        }
    ),
    "teu": frozenset({"container_traffic", "transit", "capacity", "freight", "export", "import"}),
    "count": frozenset(
        {"vehicle_count", "enterprise_count", "passengers", "jobs", "container_traffic", "capacity", "transit"}
    ),
    "length": frozenset({"length"}),
    "time": frozenset({"transit_time"}),
}


_COUNT_HEADS = {
    "vehicle_count": re.compile(
        r"wagon|rail ?cars?|truck|lorr|train|vessel|ship|vehicle|cars$|voyage|flight|barge|ferr|sailings|"
        r"consignment|crossings|truckloads|trips",
        re.IGNORECASE,
    ),
    "container_traffic": re.compile(r"container", re.IGNORECASE),
    "enterprise_count": re.compile(r"enterprise|compan|firm|business|venture|factor|plants", re.IGNORECASE),
    "passengers": re.compile(r"passenger|tourist|visitor", re.IGNORECASE),
    "jobs": re.compile(r"job|worker|employee", re.IGNORECASE),
}


def usable_measure(text: str, sentence: Sentence, m: Mention) -> bool:
    """Whether a measure's word is one here: not part of an office, an organisation, "trade house", "free trade"."""
    if sentence.is_masked(m.start) or any(p.start <= m.start < p.end for p in sentence.people):
        return False
    if any(n.actor.kind == "organisation" and n.start <= m.start < n.end for n in sentence.namings):
        return False
    if (
        m.entry.id == "trade_turnover"
        and m.end - m.start <= 6
        and (
            _NOT_MEASURE_AFTER.match(text[m.end : m.end + 16])
            or _NOT_MEASURE_BEFORE.search(text[max(0, m.start - 14) : m.start])
        )
    ):
        return False
    return not (
        m.entry.id == "export"
        and text[m.start : m.end].lower() in {"ships", "delivered", "exporter"}
        and m.entry.name == "ships"
    )


_CARRIAGE = frozenset({"shipments", "shipped", "deliveries", "delivered"})


_THING_BOUGHT = re.compile(
    r"[ -](?:(?!into\b|in\b|for\b|on\b|to\b|from\b|by\b|and\b|of\b|was\b|were\b|via\b|through\b|at\b|"
    r"per\b|between\b|with\b|over\b|along\b|last\b|during\b)[\w’'-]+ ){0,4}?(?:(?P<loan>loan|grant|"
    r"credit|credit line|facility|financing package|fund)|project|terminal|deal|contract|programme|"
    r"program|plant|bridge|railway|rail line|port|highway|road|line|upgrade|corridor|refinery|"
    r"airport|expansion|scheme|pipeline|factory|hub|complex|park)s?\b(?! (?:exports?|imports?|trade))"
)


_TOWARD = re.compile(r"\b(?:to|from|into) (?:the )?[A-Z]")


def indicator_for(text: str, sentence: Sentence, q: FoundQuantity, start: int, end: int) -> Slot[str]:
    """Return what a quantity measures: by its unit, the nearest fitting word before it, then behind it."""
    kind = unit_class(q.quantity)
    if kind == "count":
        return _counted(q)
    if kind == "money" and (bought := _THING_BOUGHT.match(text, q.end, sentence.end)):
        words = bought.group().strip()
        name = "funding" if bought["loan"] else "cost"
        return Slot(name, words, bought.end() - len(words), bought.end(), "explicit", 0.8)
    if q.quantity.unit == "m" and not re.match(r"[ -](?:long|in length)\b", text[q.end : q.end + 12]):
        return MISSING
    if kind in {"length", "time"}:
        return Slot({"length": "length", "time": "transit_time"}[kind], q.quantity.raw, q.start, q.end, "explicit", 0.8)
    nearest = _nearest_measure(text, sentence, q, start, end)
    if nearest is not None:
        words = text[nearest.start : nearest.end]
        if nearest.entry.name in _CARRIAGE and kind in {"mass", "teu"} and not _TOWARD.search(text, nearest.end, end):
            return Slot("freight", words, nearest.start, nearest.end, "explicit", 0.8)
        return Slot(nearest.entry.id, words, nearest.start, nearest.end, "explicit", 0.9)
    if kind == "teu":
        return Slot("container_traffic", q.quantity.raw, q.start, q.end, "explicit", 0.7)
    return MISSING


def _counted(q: FoundQuantity) -> Slot[str]:
    """Return what a count of things measures."""
    for name, pattern in _COUNT_HEADS.items():
        if pattern.search(q.quantity.counted):
            return Slot(name, q.quantity.raw, q.start, q.end, "explicit", 0.9)
    if q.quantity.rate and q.quantity.counted == "times":
        return Slot("service_frequency", q.quantity.raw, q.start, q.end, "explicit", 0.9)
    return Slot("count", q.quantity.raw, q.start, q.end, "explicit", 0.7)


def _nearest_measure(text: str, sentence: Sentence, q: FoundQuantity, start: int, end: int) -> Mention | None:
    """Return the measure between two offsets that fits the unit and stands nearest; transit and capacity come first."""
    kind = unit_class(q.quantity)
    allowed = _ALLOWED.get(kind)
    best: tuple[float, Mention] | None = None
    for m in sentence.measures:
        fits = start <= m.start < end and (allowed is None or m.entry.id in allowed)
        if not fits or not usable_measure(text, sentence, m):
            continue
        gap = float(q.outer - m.end) if m.end <= q.outer else m.start - q.end + 8.0
        if gap < -2:
            continue
        gap += 5 * (m.entry.name == "exchanged")
        gap -= 30 * (m.entry.id in {"transit", "capacity"} and kind in {"mass", "teu", "percent", "count"})
        gap += 60 * (m.entry.id == "cost" and text[m.start : m.end].lower().startswith("valued"))
        if best is None or gap < best[0]:
            best = (gap, m)
    return best[1] if best else None


@cache
def _currencies() -> dict[tuple[str, str], str]:
    return {(r["code"], r["country"]): r["meant"] for r in read_table("currency_countries")}


def fix_currency(quantity: Quantity, areas: Sequence[str]) -> tuple[Quantity, str]:
    """Return the quantity in the currency that its countries make of "pesos", "shillings"; and a doubt."""
    meant = {m for a in areas if (m := _currencies().get((quantity.unit, a)))}
    if len(meant) == 1:
        return replace(quantity, unit=next(iter(meant))), ""
    if quantity.unit.startswith("?") or len(meant) > 1:
        return replace(quantity, unit=""), "the currency's name is used in several countries"
    return quantity, ""


def inherited_indicator(text: str, sentence: Sentence, q: FoundQuantity, frame: Frame) -> Slot[str]:
    """Return the indicator of the figure before, for a sentence that goes on about it; freight for bare tonnes."""
    kind = unit_class(q.quantity)
    goes_on = ANAPHORA.match(text[sentence.start : sentence.start + 40]) is not None
    if frame.drafts and sentence.index - frame.sentence <= 1 and (frame.block == sentence.block or goes_on):
        same = [d for d in frame.drafts if unit_class(d.found.quantity) == kind and d.indicator.known]
        names = {d.indicator.value for d in same}
        if len(names) == 1:
            return replace(same[-1].indicator, basis="inherited", confidence=0.7)
        if (
            kind == "percent"
            and len({d.indicator.value for d in frame.drafts}) == 1
            and frame.drafts[-1].indicator.known
        ):
            return replace(frame.drafts[-1].indicator, basis="inherited", confidence=0.7)
    if kind == "mass" and re.search(
        r"\b(?:line|railway|railways|port|terminal|corridor|route|road|ferry|trains?)\b",
        text[sentence.start : sentence.end],
        re.IGNORECASE,
    ):
        return Slot("freight", q.quantity.raw, q.start, q.end, "inferred", 0.6)
    return MISSING
