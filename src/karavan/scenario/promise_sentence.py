"""A typed sentence, or a commitment of a ledger: what it says, and whether it is a matter of the network at all."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from karavan.errors import ScenarioError
from karavan.evidence.documents import read_document
from karavan.evidence.extract import extract
from karavan.evidence.gazetteer import gazetteer, read_table
from karavan.evidence.records import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from karavan.evidence.gazetteer import Gazetteer
    from karavan.schema.case import Case

CARRIED = frozenset({"trade_turnover", "export", "import", "freight", "transit", "container_traffic"})
"""Indicators of what is carried; `capacity` is the other kind that a network has."""
MASS = frozenset({"t", "{TEU}"})
SCRAP = 3  # words: an object of so few says too little by itself ("in the future")
_PAIR = re.compile(r"\b([A-Z]{2,5})\s?(-|–|/|->|→)\s?([A-Z]{2,5})\b")
_MODAL = r"(?<!will )(?<!to )(?<!could )(?<!may )(?<!should )(?<!would )(?<!must )(?<!can )(?<!shall )"
_VERBS = {
    "reaches": "reach", "reach": "reach", "hits": "reach", "attains": "reach", "grows": "grow", "rises": "rise",
    "increases": "increase", "climbs": "rise", "doubles": "double", "triples": "triple", "exceeds": "exceed",
    "carries": "carry", "handles": "handle", "doubled": "be doubled", "tripled": "be tripled", "falls": "fall",
    "grow": "grow", "rise": "rise", "climb": "rise", "double": "double", "triple": "triple", "exceed": "exceed",
    "carry": "carry", "handle": "handle", "fall": "fall",
    "opens": "open", "builds": "build", "launches": "launch", "signs": "sign", "visits": "visit",
}  # fmt: skip
_VERB = re.compile(rf"\b{_MODAL}({'|'.join(_VERBS)})\b", re.IGNORECASE)
_AMOUNT = re.compile(r"(?:\b(?:of|at|to|=|:)\s+)?(?=(?:USD|US\$|\$|EUR|€)?\s?\d)")
_NOT_GOODS = re.compile(
    r"trade (?:house|office|mission|union)s?|free[- ]trade|chambers? of commerce|people-to-people|passenger|"
    r"flights?|nuclear|investment|tourism|visa|data|fib(?:re|er)|electricity|power line|pipeline|gas\b",
    re.IGNORECASE,
)
_OF_NETWORK = re.compile(
    r"\b(?:trade|turnover|freight|cargo|goods|export|import|transit|container|port|seaport|terminal|railway|railroad|"
    r"rail|road|corridor|route|ferry|ferries|ship|sailing|vessel|fleet|berth|border crossing|logistic|transport|hub|"
    r"warehouse|dry port|wagon|train|truck|dredg\w+|capacity)(?:s|es)?\b",
    re.IGNORECASE,
)
_REASONS = (
    (re.compile(r"\bvisit|travel to|session|meeting|consultation|talks\b|forum", re.IGNORECASE),
     "a meeting moves no goods"),
    (re.compile(r"trade (?:house|office|mission)", re.IGNORECASE), "an office moves no goods"),
    (re.compile(r"free[- ]trade|\bdut(?:y|ies)\b|customs union|visa", re.IGNORECASE),
     "duties and rules change what is traded, not what the network carries; state the demand you expect of it"),
    (re.compile(r"flight|passenger|tourism|people-to-people", re.IGNORECASE), "passengers are not in the case"),
    (re.compile(r"investment|bank|currenc|fund", re.IGNORECASE), "money invested says no tonnes"),
    (re.compile(r"agreement|memorandum|declaration|programme|program|document|treaty|roadmap", re.IGNORECASE),
     "a document moves no goods"),
)  # fmt: skip


def read_sentence(text: str, case: Case) -> list[dict[str, Any]]:
    """Return the commitments of a typed sentence, as JSON objects of facts; several where it names several stages.

    Short pairs of codes are understood (KZ-IR), and words as people type them: "reaches" stands for "will reach". The
    rules and gazetteer of the ledger read it, with the places and corridors of the case.

    Raises
    ------
    ScenarioError
        Nothing that is to be reached is found in it.
    """
    names = case_gazetteer(case)
    for words in _readings(text, names):
        facts = [to_json(f) for f in extract(read_document(words, name="typed"), names)]
        found = [f for f in facts if f["kind"] == "commitment" and f["status"] != "rejected"]
        if found:
            measured = [f for f in found if f["value"] is not None or f["low"] is not None] or found
            return [f | {"id": None, "quote": text, "document": "", "read_as": words} for f in measured]
    message = (
        f"no promise is found in {text!r}; name the parties or the corridor, what is to be reached and by when, as in "
        f'"KZ-IR trade reaches USD 1bn by 2030" or "Freight on the Middle Corridor doubles by 2030"'
    )
    raise ScenarioError(message)


@lru_cache(maxsize=8)
def case_gazetteer(case: Case) -> Gazetteer:
    """Return the gazetteer with the places and corridors of a case."""
    if not len(case.nodes) or "country" not in case.nodes.columns:
        return gazetteer()
    return gazetteer(case.nodes, case.aliases, case.corridors)


def outside_network(fact: Mapping[str, Any]) -> str:
    """Return why a commitment is no matter of a freight network; empty if it is one.

    Examples
    --------
    >>> outside_network({"action": "visit", "quote": "Officials of the port will travel to Qazvin."})
    'a meeting moves no goods'
    >>> outside_network({"indicator": "freight", "value": 2, "unit": "{x}", "quote": "Freight could double."})
    ''
    """
    indicator, unit = str(fact.get("indicator") or ""), str(fact.get("unit") or "")
    measured = fact.get("value") is not None or fact.get("low") is not None
    thing = measured and not unit and bool(fact.get("counted"))
    if measured and not thing and (indicator in CARRIED or indicator == "capacity" or unit in MASS):
        return ""
    what, whole = str(fact.get("object") or ""), f"{fact.get('object') or ''} {fact.get('quote') or ''}"
    if fact.get("action") in {"visit", "sign"} and indicator not in CARRIED:
        return next((r for p, r in _REASONS if p.search(whole)), "a document moves no goods")
    if _OF_NETWORK.search(_NOT_GOODS.sub(" ", what if _OF_NETWORK.search(what) else whole)):
        return ""
    about = what if len(what.split()) > SCRAP else whole
    found = next((r for p, r in _REASONS if p.search(about)), "")
    return found or "it promises no goods, no capacity and no service of the network"


def _readings(text: str, names: Gazetteer) -> Iterator[str]:
    """Give the sentence as typed, then as an article would put it."""
    full = text.strip().rstrip(".")
    full = _PAIR.sub(lambda m: _pair(m, names), full)
    yield f"{full}."
    yield f"{_VERB.sub(lambda m: f'will {_VERBS[m[1].lower()]}', full, count=1)}."
    if (at := _AMOUNT.search(full)) is not None:
        yield f"{full[: at.start()].rstrip()} will reach {full[at.end() :].lstrip()}."


def _pair(match: re.Match[str], names: Gazetteer) -> str:
    """Write a pair of country codes in full; other capitals stay as they are."""
    short = {row["alpha2"]: row["code"] for row in read_table("alpha2")}
    one, other = (short.get(match[k], match[k]) for k in (1, 3))
    known = [names.country_names.get(c) or (names.blocs[c].name if c in names.blocs else None) for c in (one, other)]
    if None in known:
        return match[0]
    return f"{known[0]} to {known[1]}" if match[2] in {"->", "→"} else f"{known[0]}-{known[1]}"
