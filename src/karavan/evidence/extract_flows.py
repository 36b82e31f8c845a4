"""Flows: who supplies what to whom, said without a number."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from karavan.evidence.clauses import parties
from karavan.evidence.figure_parts import trim
from karavan.evidence.moments import resolved
from karavan.evidence.records import MISSING, Flow, Period, Slot, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.discourse import Reading, Sentence
    from karavan.evidence.gazetteer import Mention

_FLOW_OUT = re.compile(
    r"\b(?P<can>(?:can|could|may|might|would|is able to|are able to|ready to|plans? to|will)(?: "
    r"also)? )?(?P<verb>suppl(?:y|ies|ying|ied)|exports?|exporting|sells?|selling|ships?|shipping|"
    r"delivers?|provides)\b(?! (?:of|to|from|and import|credit|earned|rose|fell|grew|earnings|duty|"
    r"duties|volume|value|potential|operations)\b)",
    re.IGNORECASE,
)


_FLOW_IN = re.compile(
    r"\b(?P<can>(?:can|could|may|might|would|is able to|are able to|ready to|plans? to|will)(?: "
    r"also)? )?(?P<verb>imports?|importing|buys?|buying|purchases|purchasing)\b(?! (?:of|to|from|"
    r"duty|duties|volume|value|rose|fell|grew)\b)",
    re.IGNORECASE,
)


_POTENTIAL = re.compile(r"\b(?:can|could|may|might|would|able to|ready to|plans? to)\b", re.IGNORECASE)


def flows_of(reading: Reading, sentence: Sentence) -> list[Flow]:
    """Return who supplies what to whom, where the sentence says it of goods by name and without a quantity by them."""
    text = reading.text
    if len(sentence.goods) < 1 or not (
        _FLOW_OUT.search(text, sentence.start, sentence.end) or _FLOW_IN.search(text, sentence.start, sentence.end)
    ):
        return []
    verbs = sorted(
        [(m, True) for m in _FLOW_OUT.finditer(text, sentence.start, sentence.end)]
        + [(m, False) for m in _FLOW_IN.finditer(text, sentence.start, sentence.end)],
        key=lambda v: v[0].start(),
    )
    out: list[Flow] = []
    for i, (m, outward) in enumerate(verbs):
        last = verbs[i + 1][0].start() if i + 1 < len(verbs) else sentence.end
        goods = [g for g in sentence.goods if m.end() <= g.start < last and g.start - m.end() < 200]
        if not goods or goods[0].start - m.end() > 40 or any(m.end() <= q.start < last for q in sentence.quantities):
            continue
        potential = bool(_POTENTIAL.search(m["can"] or "")) or (
            bool(out)
            and out[-1].modality == "potential"
            and not m["can"]
            and re.search(r"\band $", text[m.start() - 5 : m.start()]) is not None
        )
        out.append(
            _flow(reading, sentence, m, last, outward=outward, potential=potential, earlier=out[-1] if out else None)
        )
    return out


def _flow(
    reading: Reading,
    sentence: Sentence,
    m: re.Match[str],
    last: int,
    *,
    outward: bool,
    potential: bool,
    earlier: Flow | None,
) -> Flow:
    text = reading.text
    goods = [g for g in sentence.goods if m.end() <= g.start < last]
    end = goods[-1].end
    subject = next(
        (p for p in reversed(parties(reading, sentence, sentence.start, m.start())) if p.part in {"owner", "pair"}),
        None,
    )
    partner = next(
        (p for p in parties(reading, sentence, m.end(), last) if p.part in {"destination", "origin", "partner"}), None
    )
    owner: Slot[str] = (
        Slot(subject.code, text[subject.start : subject.end], subject.start, subject.end, "explicit", 0.9)
        if subject
        else MISSING
    )
    other: Slot[str] = (
        Slot(partner.code, text[partner.start : partner.end], partner.start, partner.end, "explicit", 0.9)
        if partner
        else MISSING
    )
    if not owner.known and earlier is not None:
        owner = replace(earlier.exporter if outward else earlier.importer, basis="inherited")
        source = earlier.exporter if earlier.exporter.known and _subject_is_exporter(earlier) else earlier.importer
        owner = replace(source, basis="inherited")
    if not other.known and earlier is not None and owner.known:
        both = [s for s in (earlier.exporter, earlier.importer) if s.known and s.value != owner.value]
        other = replace(both[0], basis="inherited") if both else MISSING
    if not other.known and owner.known and reading.pair and owner.value in reading.pair:
        code = next(c for c in reading.pair if c != owner.value)
        a, b = reading.pair_span or (0, 0)
        other = Slot(code, reading.text[a:b], a, b, "inherited", 0.6)
    exporter, importer = (owner, other) if outward else (other, owner)
    names, codes, doubtful = _goods_list(text, goods)
    reasons = [
        f"{name} of the flow not certain"
        for name, slot in (("exporter", exporter), ("importer", importer))
        if not slot.known
    ]
    if doubtful:
        reasons.append("no single HS chapter for " + ", ".join(doubtful))
    areas = tuple(c for c in (exporter.value, importer.value) if c)
    start = m.start() if earlier is not None else sentence.start
    stop = max(min(sentence.end, last), end)
    start, stop = trim(text, start, stop)
    quote = text[start:stop].rstrip(" ,")
    quote = re.sub(r",? (?:while|and)$", "", quote)
    day = reading.document.published.value
    period = (
        Slot(Period(day, day, "", "day", "gregorian", "as_of"), "", None, None, "inferred", 0.4)
        if day and not potential
        else MISSING
    )
    spans = [
        p
        for p in (
            resolved(reading, p, MISSING, "") for p in sentence.periods if p.use == "main" and p.kind == "absolute"
        )
        if p.known
    ]
    return Flow(
        kind="flow",
        status="partial" if reasons else "accepted",
        reason="; ".join(reasons),
        quote=quote,
        start=start,
        end=start + len(quote),
        citations=(Span(start, start + len(quote)),),
        speaker=sentence.speaker,
        through=sentence.through,
        areas=Slot(
            areas, exporter.raw, exporter.start, exporter.end, exporter.basis if exporter.known else importer.basis, 0.8
        )
        if areas
        else MISSING,
        direction=f"{exporter.value or ''}->{importer.value or ''}",
        exporter=exporter,
        importer=importer,
        products=names,
        hs=codes,
        modality="potential" if potential else "actual",
        period=spans[0] if spans else period,
    )


def _subject_is_exporter(flow: Flow) -> bool:
    return (flow.exporter.start or 0) <= (flow.importer.start if flow.importer.start is not None else 10**9)


def _goods_list(text: str, goods: Sequence[Mention]) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return goods as named, their HS chapters in order without repeats, and those without a single chapter."""
    names: list[str] = []
    codes: list[str] = []
    doubtful: list[str] = []
    for g in goods:
        names.append(text[g.start : g.end])
        if g.entry.detail:
            codes.append(g.entry.detail)
        else:
            doubtful.append(g.entry.name)
    return tuple(dict.fromkeys(names)), tuple(dict.fromkeys(codes)), doubtful
