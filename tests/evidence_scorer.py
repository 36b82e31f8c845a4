"""Scores facts against gold rows: found by value (0.5 %) and overlapping quote; strict also by kind, areas and year."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, Any]
_SCALE = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SAME = {"{TEU}": "TEU", "{x}": "x", "times": "x", "percent": "%", "tonnes": "t"}


def in_base(value: object, unit: str | None) -> tuple[float, str] | None:
    if value is None or isinstance(value, str):
        return None
    number, words = float(value), (unit or "").split()  # type: ignore[arg-type]
    while words and words[0] in _SCALE:
        number *= _SCALE[words.pop(0)]
    name = " ".join(words)
    return number, _SAME.get(name, name)


def quotes_overlap(one: str, two: str) -> bool:
    a, b = " ".join(one.split()).lower(), " ".join(two.split()).lower()
    if not a or not b:
        return False
    if a in b or b in a:
        return True
    words = a.split()
    return any(" ".join(words[i : i + 4]) in b for i in range(max(1, len(words) - 3)))


def same_value(gold: Row, fact: Row) -> bool:
    want = in_base(gold["value"], gold["unit"])
    for key in ("value", "low", "high"):
        have = in_base(fact.get(key), fact.get("unit"))
        if (
            want
            and have
            and abs(want[0] - have[0]) <= 0.005 * abs(want[0])
            and (want[1] == have[1] or "" in {want[1], have[1]})
        ):
            return True
    change = gold.get("change_pct")
    return change is not None and any(
        fact.get(k) is not None and abs(float(fact[k]) - change) <= 0.5 for k in ("change_pct", "value")
    )


def strictly(gold: Row, fact: Row) -> bool:
    year = re.search(r"(?:19|20)\d\d", str(gold.get("period") or ""))
    iranian = re.search(r"1[34]\d\d", str(gold.get("period") or ""))
    said = f"{fact.get('period') or ''} {fact.get('deadline') or ''} {fact.get('date') or ''}"
    wanted = year.group() if year else str(int(iranian.group()) + 621) if iranian else ""
    return fact["kind"] == gold["kind"] and set(gold["areas"]) <= set(fact["areas"]) and wanted in said


def score(gold_rows: Iterable[Row], facts: list[Row], counts: Counter[str]) -> list[tuple[str, Row]]:
    """Add the counts of one text; return what went wrong, for people to read."""
    used: set[int] = set()
    wrong: list[tuple[str, Row]] = []
    for gold in gold_rows:
        if gold["kind"] == "boilerplate":
            counts["boilerplate_cited"] += sum(
                quotes_overlap(gold["quote"], f["quote"]) and len(f["quote"]) > 20 for f in facts
            )
            continue
        numeric = gold["value"] is not None
        hits = [
            i
            for i, f in enumerate(facts)
            if i not in used
            and quotes_overlap(gold["quote"], f["quote"])
            and (same_value(gold, f) if numeric else f["kind"] == gold["kind"])
        ]
        hits.sort(key=lambda i: facts[i]["kind"] != gold["kind"])
        kind = gold["kind"]
        counts[f"{kind}_gold"] += 1
        if not hits:
            wrong.append(("missed", gold))
            continue
        fact = facts[hits[0]]
        used.add(hits[0])
        right = strictly(gold, fact)
        counts[f"{kind}_found"] += 1
        counts[f"{kind}_strict"] += right
        if not right:
            wrong.append(("not strict", gold | {"fact": fact}))
        if fact["status"] == "accepted" and kind == "figure":
            counts["accepted"] += 1
            counts["accepted_right"] += right
    for i, fact in enumerate(facts):
        counts[f"{fact['kind']}_out"] += 1
        if i not in used:
            counts[f"{fact['kind']}_extra"] += 1
            counts[f"{fact['kind']}_accepted_extra"] += fact["status"] == "accepted"
            wrong.append(("extra", fact))
    return wrong


def rates(counts: Counter[str]) -> dict[str, float]:
    """Return recall, precision, F1 of each kind, strict recall, and the precision and coverage of accepted figures."""
    out = {}
    for kind in ("figure", "commitment", "event", "flow"):
        gold, found, given = counts[f"{kind}_gold"], counts[f"{kind}_found"], counts[f"{kind}_out"]
        if gold:
            recall, precision = found / gold, found / given if given else 0.0
            out[f"{kind}_recall"], out[f"{kind}_precision"] = recall, precision
            out[f"{kind}_f1"] = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
            out[f"{kind}_strict"] = counts[f"{kind}_strict"] / gold
    out["accepted_precision"] = counts["accepted_right"] / counts["accepted"] if counts["accepted"] else 1.0
    out["accepted_coverage"] = counts["accepted"] / counts["figure_gold"] if counts["figure_gold"] else 0.0
    return {k: round(v, 3) for k, v in out.items()}


def read_gold(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
