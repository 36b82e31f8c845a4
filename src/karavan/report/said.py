"""The section "What was said": where figures contradict each other, and how far each promise has come.

Every number links to the quote it was read from, at the foot of the section.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from karavan.evidence.promises import Promise, promises
from karavan.evidence.reconcile import Verdict, reconcile
from karavan.evidence.series import amount
from karavan.report.citations import Cited, joined, web_link
from karavan.report.wording import NOT_KNOWN, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from karavan.evidence.ledger.entry import LedgerEntry
    from karavan.evidence.ledger.view import View

SHOWN = 40  # conflicts and promises on a page, most grave first


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote at the foot of the section, with the words around it."""

    anchor: str
    before: str
    words: str
    after: str
    source: Markup | str
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """The section as HTML (safe to include in a page), and the records that it shows."""

    html: Markup
    conflicts: tuple[Verdict, ...]
    promises: tuple[Promise, ...]


def said_section(view: View, *, areas: Sequence[str] = (), today: date | None = None) -> Said:
    """Return the section of a ledger or a view of it; with `areas`, of what touches two of them.

    `today` is the day on which promises are judged.
    """
    entries = [e for e in view.each() if _touches(e, areas)]
    found = tuple(v for v in reconcile(entries) if v.trouble)
    rows = tuple(promises(entries, today=today))
    return Said(_render(entries, found, rows), found, rows)


def _touches(entry: LedgerEntry, areas: Sequence[str]) -> bool:
    return not areas or len(set(areas) & set(entry["areas"] or ())) >= min(2, len(set(areas)))


def _render(entries: Sequence[LedgerEntry], found: Sequence[Verdict], rows: Sequence[Promise]) -> Markup:
    from karavan.report.templating import environment

    shown, kept = found[:SHOWN], _gravest(rows)[:SHOWN]
    used = dict.fromkeys([f for v in shown for f in v.facts] + [f for p in kept for f in (p.fact, *p.observed)])
    by_id = {e.id: e for e in entries}
    return Markup(  # noqa: S704 (made by a template that escapes every text)
        environment().get_template("said.html.j2").render(
            conflicts=[_conflict(v, by_id) for v in shown], more_conflicts=len(found) - len(shown),
            promises=[_promise(p) for p in kept], more_promises=len(rows) - len(kept),
            quotes=[quote_of(by_id[f]) for f in used if f in by_id],
        )
    )  # fmt: skip


def _gravest(rows: Sequence[Promise]) -> list[Promise]:
    order = ("missed", "behind", "under way", "open", "no trace", "kept late", "kept", "too vague")
    return sorted(rows, key=lambda p: (not p.binding, order.index(p.status)))


def _conflict(verdict: Verdict, by_id: dict[str, LedgerEntry]) -> dict[str, object]:
    links = joined(Cited(_name(by_id[f]), anchor_of(f)) for f in verdict.facts if f in by_id)
    return {"kind": verdict.verdict, "series": verdict.series, "period": verdict.period,
            "arithmetic": verdict.arithmetic, "quotes": links}  # fmt: skip


def _promise(row: Promise) -> dict[str, object]:
    target = amount(row.target, row.unit) if row.target is not None else "no quantity"
    latest = row.latest is not None and row.observed
    return {
        "title": row.title, "by": ", ".join(row.by) or NOT_KNOWN, "said": row.history[0].published or NOT_KNOWN,
        "repeats": len(row.history) - 1, "target": Cited(target, anchor_of(row.fact)),
        "deadline": row.deadline or "none",
        "latest": Cited(f"{amount(row.latest or 0, row.unit)} ({row.latest_period})", anchor_of(row.observed[0]))
        if latest else NOT_KNOWN,
        "share": percent(row.share_pct / 100) if row.share_pct is not None else "",
        "needed": f"{row.growth_needed_pct:.1f}%" if row.growth_needed_pct is not None else "",
        "status": row.status if row.binding else f"{row.status} ({row.modality})",
        "rule": f"{row.rule}; target {row.target_note}" if row.target_note else row.rule,
    }  # fmt: skip


def _name(entry: LedgerEntry) -> str:
    text = str(entry["reporter"] or entry["speaker"] or entry["title"] or entry["document"] or entry.id)
    short = text if len(text) <= 40 else f"{text[:39].rstrip()}…"
    return f"{short}, {entry['published']}" if entry["published"] else short


def anchor_of(fact: str) -> str:
    """Return the anchor of a fact's quote on the page."""
    return f"q-{fact}"


def quote_of(entry: LedgerEntry) -> Quote:
    """Return a fact's quote with its sentence and its source."""
    words, context = str(entry["quote"] or ""), str(entry["context"] or entry["quote"] or "")
    at = int(entry["start"] or 0) - int(entry["context_start"] or 0)
    if context[at : at + len(words)] != words:
        context, at = words, 0
    who = str(entry["speaker"] or "")
    day = str(entry["published"] or "day not known")
    source = web_link(entry["address"]) or str(entry["document"] or "")
    detail = ", ".join(x for x in (who, str(entry["title"] or ""), day, str(entry["status"])) if x)
    return Quote(anchor_of(entry.id), context[:at], words, context[at + len(words) :], source, detail)
