"""The chapter "What was promised, and can the network carry it?": every promise with both verdicts.

Every number stands beside the rows of tables it was worked out from, and every promise beside its words.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from karavan.evidence.series import amount
from karavan.report.wording import million, number
from karavan.scenario.promise_json import NOT_KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from karavan.scenario.promise import PromiseCheck

ORDER = ("not carried", "at a limit", "carried with room", "cannot be judged", "not a matter of the network")
NO_NETWORK = ORDER[3:]
WAYS = 12  # ways to count a target that are shown; the rest are in the JSON
ROWS = 6  # bottlenecks, additions, restrictions


@dataclass(frozen=True, slots=True, eq=False)
class Promised:
    """The chapter as HTML (safe to include in a page), and the checks it shows."""

    html: Markup
    checks: tuple[PromiseCheck, ...]


def promised_section(checks: Iterable[PromiseCheck]) -> Promised:
    """Return the chapter of promises that were judged (`promise_all`): those that fail first."""
    from karavan.report.templating import environment

    found = tuple(sorted(checks, key=lambda c: ORDER.index(c.verdict)))
    judged = [_judged(c) for c in found if c.verdict not in NO_NETWORK]
    others = [_other(c) for c in found if c.verdict in NO_NETWORK]
    counts = [(words, sum(c.verdict == words for c in found)) for words in ORDER]
    html = environment().get_template("promised.html.j2").render(
        judged=judged, others=others, counts=[c for c in counts if c[1]], total=len(found), limits=NOT_KNOWN
    )  # fmt: skip
    return Promised(Markup(html), found)  # noqa: S704 (made by a template that escapes every text)


def _anchor(check: PromiseCheck) -> str:
    return f"promise-{check.fact or zlib.crc32(check.quote.encode())}"


def _other(check: PromiseCheck) -> dict[str, Any]:
    soft = "" if check.binding else check.modality
    return {"quote": check.quote, "by": ", ".join(check.speakers), "verdict": check.verdict, "why": check.why,
            "status": check.status, "soft": soft, "anchor": _anchor(check), "notes": check.target.notes}  # fmt: skip


def _judged(check: PromiseCheck) -> dict[str, Any]:
    """Return what the chapter shows of a promise with a quantity."""
    answer = check.to_json()
    return _other(check) | {
        "title": check.title,
        "label": answer["label"] or "",
        "pace": check.pace.verdict,
        "pace_why": check.pace.why,
        "base_rate": check.pace.base_rate,
        "year": f"{answer['year']}: {answer['year_note']}",
        "tonnes": _tonnes(answer["tonnes"]),
        "shippers": _shippers(answer["shippers"]),
        "limits": [_limit(b) for b in answer["bottlenecks"][:ROWS]],
        "lost": any(b["tonnes_lost"] for b in answer["bottlenecks"]),
        "change": _change(answer["least_change"]),
        "largest": _largest(answer),
        "headline": check.headline,
        "unknown": _unknown(answer["unknown_capacity"]),
        "settings": [_setting(s) for s in answer["settings"] if s["capacity"] == "computed"],
        "bases": [_base(b) for b in answer["bases"]] if len(answer["bases"]) > 1 else [],
        "capacity": _capacity(answer["capacity"]),
        "draws": answer["draws"]["text"] if answer["draws"] else "",
        "restricted": [f"{r['name']} ({r['regime']}; {', '.join(r['sources'])})" for r in answer["restricted"][:ROWS]],
    }


def _tonnes(tonnes: dict[str, Any] | None) -> dict[str, Any] | None:
    if tonnes is None:
        return None
    directions = [
        {"name": f"{d['exporter']} to {d['importer']}", "usd": "" if d["usd"] is None else amount(d["usd"], "USD"),
         **{k: million(d[k]) for k in ("today", "tonnes", "low", "high")}}
        for d in tonnes["directions"]
    ]  # fmt: skip
    ways = [
        {"name": w["name"], "why": w["why"], "sources": ", ".join(w["sources"][:4])} for w in tonnes["ways"][:WAYS]
    ]
    return {"directions": directions, "ways": ways, "more": max(len(tonnes["ways"]) - WAYS, 0)}


def _shippers(choice: dict[str, Any] | None) -> str:
    if choice is None:
        return ""
    return (
        f"{choice['label']}: {choice['verdict']}, {million(choice['served'])} of {million(choice['wanted'])}; "
        f"other goods lose {million(choice['base_lost'])}"
    )


def _limit(row: dict[str, Any]) -> dict[str, str]:
    return {"name": row["name"], "unit": row["unit"], "capacity": number(row["capacity"]), "used": number(row["used"]),
            "rests_on": row["rests_on"], "lost": million(row["tonnes_lost"]) if row["tonnes_lost"] else "",
            "cell": row["cell"], "sources": ", ".join(row["sources"])}  # fmt: skip


def _change(change: dict[str, Any] | None) -> dict[str, Any] | None:
    if change is None or not (change["capacity"] or change["causes"]):
        return None
    rows = [
        {"name": r["name"], "add": f"{number(r['add'])} {r['unit']}", "percent": f"{number(r['percent'])}%",
         "usd": "" if r["usd"] is None else amount(r["usd"], "USD"), "projects": r["projects"] or ""}
        for r in change["capacity"][:ROWS]
    ]  # fmt: skip
    causes = [
        f"{c['what']}: {c['commodity']} {c['origin']} to {c['destination']}, {c['text']}"
        for c in change["causes"][:ROWS]
    ]
    return {"rows": rows, "causes": causes, "text": change["text"]}


def _largest(answer: dict[str, Any]) -> str:
    found = answer["largest"]
    if not found or found["tonnes"] is None:
        return ""
    return f"{million(found['tonnes'])} a {answer['headline_setting']['period']}, {number(found['scale'])} times it"


def _unknown(found: dict[str, Any] | None) -> str:
    if not found or not found["tonnes"]:
        return ""
    largest = found["largest_known"]["tonnes"]
    most = f", at most {million(largest)}" if largest else ""
    if largest == 0:
        most = "; part of its goods has no other way"
    return (
        f"{million(found['tonnes'])} pass places of unknown capacity, which are taken to have room "
        f"({', '.join(found['places'][:ROWS])}); with crossings and handling of unknown capacity shut "
        f"{million(found['served_known'])} are served{most}"
    )


def _setting(row: dict[str, Any]) -> dict[str, str]:
    return {**{k: row[k] for k in ("others", "projects", "period", "verdict")}, "served": million(row["served"]),
            "unserved": million(row["unserved"]) if row["unserved"] > 1 else ""}  # fmt: skip


def _base(row: dict[str, Any]) -> dict[str, str]:
    base = row["base"]
    return {"name": base["name"] if base else "", "tonnes": million(row["tonnes"]), "verdict": row["verdict"],
            "pace": row["pace"]["verdict"], "sources": ", ".join(base["sources"]) if base else ""}  # fmt: skip


def _capacity(parts: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    if not parts:
        return None
    rows = [
        {"stage": r["stage_name"], "name": r["name"], "tonnes": million(r["tonnes"]), "rests_on": r["rests_on"],
         "enough": {True: "yes", False: "no"}.get(r["enough"], "not known"), "cell": r["cell"]}
        for r in parts[0]["rows"]
    ]  # fmt: skip
    words = [f"projects {p['projects']}, capacity {p['capacity']}: {p['verdict']}" for p in parts]
    return {"rows": rows[: 2 * ROWS], "more": max(len(rows) - 2 * ROWS, 0), "words": words}
