"""An article as a page with its facts highlighted. Its words are text and nothing else: no markup in it survives."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.evidence.series import amount
from karavan.schema.io.atomic import whole_file
from karavan.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.ledger.entry import LedgerEntry
    from karavan.evidence.ledger.view import View


@dataclass(frozen=True, slots=True)
class Part:
    """A run of text: in how many facts it is, the numbers of the facts that begin with it, and its class."""

    text: str
    facts: int
    starts: tuple[int, ...]
    css: str
    title: str


def article_page(view: View, document: str, out: str | Path) -> Path:
    """Write a document of the ledger (id or file name) with its facts highlighted, as a whole file or not at all.

    Raises `NameNotFound` where the document or its text is not kept.
    """
    with whole_file(Path(out)) as temporary:
        temporary.write_text(article_html(view, document), encoding="utf-8", errors="replace")
    return Path(out)


def article_html(view: View, document: str) -> str:
    """Return the page of a document."""
    from karavan.report.templating import environment

    text, blocks = view.text(document), view.blocks(document)
    about = next(d for d in view.documents() if document in {d["id"], d["name"]})
    entries = sorted(view.each(document=about["id"]), key=lambda e: (e["start"], e["end"], e.id))
    boilerplate = [(start, end) for kind, start, end in blocks if kind == "boilerplate"]
    head = (about["name"], about["published"] or "day not known", about["address"])
    return environment().get_template("article.html.j2").render(
        version=__version__, title=about["title"] or about["name"],
        subtitle=", ".join(str(x) for x in head if x),
        parts=parts_of(text, entries, boilerplate), facts=[_line(k, e) for k, e in enumerate(entries, start=1)],
    )  # fmt: skip


def parts_of(text: str, entries: Sequence[LedgerEntry], boilerplate: Sequence[tuple[int, int]]) -> list[Part]:
    """Cut a text where facts and boilerplate begin and end. The parts joined are the text."""
    spans = [(int(e["start"]), int(e["end"])) for e in entries]
    cuts = sorted({0, len(text), *(x for s in (*spans, *boilerplate) for x in s if 0 <= x <= len(text))})
    parts = []
    for start, end in itertools.pairwise(cuts):
        inside = [k for k, (a, b) in enumerate(spans) if a <= start and end <= b]
        partial = bool(inside) and all(entries[k]["status"] != "accepted" for k in inside)
        grey = any(a <= start and end <= b for a, b in boilerplate)
        css = "partial" if partial else "" if inside else "boilerplate" if grey else ""
        title = "; ".join(f"{k + 1}: {entries[k]['kind']}" for k in inside)
        starts = tuple(k + 1 for k in inside if spans[k][0] == start)
        parts.append(Part(text[start:end], len(inside), starts, css, title))
    return parts


def _line(number: int, entry: LedgerEntry) -> dict[str, Any]:
    areas = str(entry["direction"] or "-".join(entry["areas"] or ()) or entry["place"] or "")
    what = str(entry["indicator"] or entry["event_type"] or entry["object"] or entry["product"] or "").replace("_", " ")
    value = amount(float(entry["value"]), str(entry["unit"] or "")) if entry["value"] is not None else ""
    change = f"{entry['change_pct']:+g} %" if entry["change_pct"] is not None else ""
    return {
        "number": number, "kind": entry["kind"], "about": f"{what} {areas}".strip(),
        "value": ", ".join(x for x in (value, change) if x),
        "when": entry["period"] or entry["deadline"] or entry["date"] or "",
        "status": entry["status"], "reason": entry["reason"], "speaker": entry["speaker"], "id": entry.id,
    }  # fmt: skip
