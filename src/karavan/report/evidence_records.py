"""The ledger as plain data: documents with their highlighted facts, conflicts with quotes, promises and series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from karavan.evidence.ledger.decide import LISTS, MOMENTS, NUMBERS, TEXTS, gaps
from karavan.evidence.promises import promises
from karavan.evidence.reconcile import reconcile
from karavan.evidence.series import series_of
from karavan.evidence.table_words import INDICATORS
from karavan.evidence.timeline import Wanted, parse_areas, parse_series, timeline
from karavan.report.article import parts_of
from karavan.report.plain import json_object, jsonable
from karavan.report.series_chart import series_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from karavan.evidence.ledger.entry import LedgerEntry
    from karavan.evidence.ledger.view import View
    from karavan.evidence.promises import Promise

FACT = (
    "kind", "status", "reason", "indicator", "areas", "direction", "product", "value", "low", "high", "comparator",
    "unit", "rate", "period", "base_period", "change_pct", "modality", "deadline", "horizon", "actors", "event_type",
    "date", "place", "object", "definition", "reporter", "quote", "context", "context_start", "start", "end", "speaker",
    "published", "document", "document_id", "title", "address", "publisher", "review",
)  # fmt: skip
CHART = {"width": 560, "height": 300}


def fact_record(entry: LedgerEntry) -> dict[str, Any]:
    """Return one version of a fact: id, version, what it says, its quote in its sentence, who recorded it and when."""
    own = {"id": entry.id, "version": entry.version, "recorded": entry.recorded, "recorded_by": entry.who}
    return own | json_object({name: entry[name] for name in FACT})


def fact_history(view: View, fact_id: str) -> dict[str, Any]:
    """Return the standing version of a fact, what it lacks to be accepted, and all its versions.

    Raises `NameNotFound` and `AmbiguousName`.
    """
    history = view.history(fact_id)
    versions = [fact_record(e) | {"superseded": e.superseded is not None} for e in history]
    return versions[-1] | {"gaps": gaps(history[-1].data), "slots": [*NUMBERS, *LISTS, *MOMENTS, *TEXTS],
                           "history": versions}  # fmt: skip


def facts_page(
    view: View, *, kind: str | None = None, status: str | None = None, document: str | None = None, search: str = "",
    areas: str = "", indicator: str | None = None, period: str | None = None, offset: int = 0, limit: int = 50,
) -> dict[str, Any]:  # fmt: skip
    """Return some facts: those whose quote has some words, those about areas and an indicator, or all."""
    wanted = parse_areas(areas)
    if search.strip():
        found = view.search(search, limit=offset + 20 * limit)
    elif wanted or indicator:
        found = view.about(wanted, indicator=indicator, period=period)
    else:
        found = view.facts(kind=kind, status=status, document=document)
    asked = {"kind": kind, "status": status}
    found = [e for e in found if all(v in {None, e[k]} for k, v in asked.items())]
    found = [e for e in found if document in {None, e["document"], e["document_id"]}]
    return {"total": len(found), "offset": offset, "facts": [fact_record(e) for e in found[offset : offset + limit]]}


def document_list(view: View) -> list[dict[str, Any]]:
    """Return the documents with how many facts of each status stand."""
    counts: dict[str, dict[str, int]] = {}
    for entry in view.each():
        own = counts.setdefault(str(entry["document_id"]), {})
        own[str(entry["status"])] = own.get(str(entry["status"]), 0) + 1
    return [json_object(d) | {"facts": counts.get(d["id"], {})} for d in view.documents()]


def document_record(view: View, document: str) -> dict[str, Any]:
    """Return a document (id or file name) cut where facts begin and end; the parts joined are its text.

    Raises `NameNotFound` where the document is not there; without its text the parts are empty.
    """
    from karavan.errors import NameNotFound

    blocks = view.blocks(document)
    about = next(d for d in view.documents() if document in {d["id"], d["name"]})
    entries = sorted(view.each(document=about["id"]), key=lambda e: (e["start"], e["end"], e.id))
    try:
        text = view.text(document)
    except NameNotFound:
        text = ""  # kept without its text
    boilerplate = [(start, end) for kind, start, end in blocks if kind == "boilerplate"]
    spans = [(int(e["start"]), int(e["end"]), e.id) for e in entries]
    parts, at = [], 0
    for part in parts_of(text, entries, boilerplate) if text else []:
        inside = [i for start, end, i in spans if start <= at and at + len(part.text) <= end]
        parts.append({"text": part.text, "facts": inside, "css": part.css, "title": part.title})
        at += len(part.text)
    return json_object(about) | {"parts": parts, "facts": [fact_record(e) for e in entries]}


def conflict_records(view: View) -> list[dict[str, Any]]:
    """Return where figures contradict each other or may, the gravest first, with the facts compared."""
    entries = list(view.each())
    by_id = {e.id: e for e in entries}
    return [
        jsonable(v) | {"quotes": [fact_record(by_id[f]) for f in v.facts if f in by_id]}
        for v in reconcile(entries)
        if v.trouble
    ]


def promise_records(view: View, *, today: date | None = None) -> list[dict[str, Any]]:
    """Return the register of promises."""
    return [_promise(p) for p in promises(view.each(), today=today)]


def promise_record(view: View, fact_id: str, *, today: date | None = None) -> dict[str, Any]:
    """Return one promise of the register by the id of a fact that says it, with its series on a time axis.

    Raises `NameNotFound`.
    """
    whole = view.fact(fact_id)
    rows = promises(view.each(), today=today)
    mine = next((p for p in rows if whole.id in {s.fact for s in p.history}), None)
    if mine is None:
        from karavan.errors import NameNotFound

        raise NameNotFound(fact_id, "promise", [p.fact for p in rows][:3])
    wanted = _wanted(whole.data)
    points = timeline(view, wanted, unit=mine.unit) if wanted is not None else []
    shown = series_spec(wanted, points, **CHART) if wanted is not None and points else None
    return _promise(mine) | {"points": jsonable(points), "chart": shown}


def _promise(row: Promise) -> dict[str, Any]:
    return {"id": row.fact, **jsonable(row)}


def _wanted(data: Mapping[str, Any]) -> Wanted | None:
    series = series_of(data)
    about = series.areas or ((series.place,) if series.place else ())
    return Wanted(series.indicator, about, series.direction) if series.indicator and about else None


def series_record(view: View, name: str, *, unit: str = "") -> dict[str, Any]:
    """Return a series asked for as `parse_series` takes it: title, unit, points, chart. Raises `NameNotFound`."""
    wanted = parse_series(name)
    points = timeline(view, wanted, unit=unit)
    return {"title": wanted.title(), "unit": points[0].unit if points else unit, "points": jsonable(points),
            "chart": series_spec(wanted, points, **CHART) if points else None}  # fmt: skip


def indicator_names() -> list[str]:
    """Return the words that name the indicator of a series."""
    return sorted(INDICATORS)


def facts_behind(view: View, sources: Sequence[str], addresses: Sequence[str]) -> list[dict[str, Any]]:
    """Return facts of the ledger that were read in one of the sources of a number, by address, at most twenty."""
    known = {a for a in addresses if a}
    if not known:
        return []
    documents = [d["id"] for d in view.documents() if d["address"] in known or d["id"] in set(sources)]
    return [fact_record(e) for d in documents for e in view.facts(document=d, limit=20)][:20]
