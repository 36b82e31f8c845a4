"""People and organisations of one document: roles, countries, spelling variants; who is meant by a bare surname."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache
from typing import TYPE_CHECKING

from karavan.evidence.gazetteer import read_table
from karavan.evidence.records import Actor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karavan.evidence.gazetteer import Mention

_PARTICLE = r"(?:bin|bint|ibn|al|el|ul|ur|de|da|dos|van|von|der|la|le)"
_NAME_WORD = r"(?:[A-ZÀ-ÞŞŽČĞİÇ](?:[^\W\d_]|['’](?!s\b)(?=[^\W\d_])|[.-](?=[^\W\d_]))+|[A-Z]\.)"
NAME = rf"{_NAME_WORD}(?:[ -]{_NAME_WORD}|[ -]{_PARTICLE}[ -](?={_NAME_WORD})){{0,4}}"
_NAME_AT = re.compile(rf"(?:,? (?:\()?|, ){NAME}")
_NAME_RE = re.compile(NAME)
ORG_KEYWORDS = (
    "Bureau|Ministry|Authority|Agency|Bank|Chamber|Customs|Administration|Company|Corporation|"
    "Association|Committee|Commission|Organisation|"
    "Organization|Railways?|Airlines|Airways|Air|University|Group|Institute|Council|Department|"
    "Office|Service|Fund|Board|Federation|Foundation|"
    "Secretariat|Consortium|Holdings?|Express|Logistics|Lines?|Ports|Center|Centre|Parliament|"
    "Embassy|Kremlin|Presidency|Government"
)
_ORG_WORDS = tuple(
    ORG_KEYWORDS.replace("?", "")
    .replace("Railways", "Railway")
    .replace("Lines", "Line")
    .replace("Holdings", "Holding")
    .split("|")
)
_LOWER_ORG_WORDS = ("customs", "statistics", "national railway", "authority", "central bank", "chamber", "ministry")
ORGANISATION = re.compile(
    rf"\b(?:(?:[A-Z][\w’'.&-]*|[A-Z]{{2,}})[ ](?:(?:of|for|and|the|on)[ ](?:the[ "
    rf"])?)?){{0,6}}(?:{ORG_KEYWORDS})\b(?:[ ](?:of|for)[ ](?:the[ ])?(?:[A-Z][\w’'-]*)(?:[ ](?:and[ "
    rf"])?[A-Z][\w’'-]*){{0,4}})?"
)
_LOWER_ORG = re.compile(
    r"\b(?:customs (?:administration|service|committee|authority|office)|statistics (?:office|agency|"
    r"committee|bureau|authority|service)|national railway(?:s| company)?|ports? authority|central "
    r"bank|chamber of commerce|(?:transport|trade|foreign|economy|finance|agriculture|energy) "
    r"ministry|ministry of (?:transport|trade|foreign affairs|finance|economy|agriculture))\b(?: of "
    r"(?:the )?[A-Z]\w+)?"
)
_NO_NAME = frozenset(
    [
        "The",
        "A",
        "An",
        "In",
        "On",
        "At",
        "By",
        "For",
        "From",
        "This",
        "That",
        "These",
        "Those",
        "It",
        "Its",
        "He",
        "She",
        "They",
        "We",
        "Our",
        "His",
        "Her",
        "Their",
        "But",
        "And",
        "Or",
        "As",
        "After",
        "Before",
        "During",
        "While",
        "When",
        "If",
        "Both",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "Minister",
        "President",
        "Prime",
        "Ambassador",
        "Foreign",
        "Affairs",
        "Trade",
        "Transport",
        "Deputy",
        "Secretary",
        "General",
        "Director",
        "Chairman",
        "According",
        "Earlier",
        "Republic",
        "Union",
        "Ministry",
        "Sea",
        "Region",
        "Forum",
        "Club",
        "Council",
        "Commission",
        "Corridor",
        "Road",
        "Port",
        "Economic",
        "Cooperation",
        "First",
        "Speaking",
        "Meanwhile",
        "Last",
        "Since",
        "Although",
        "However",
        "Also",
        "Today",
    ]
)


_PORTFOLIO = (
    r"(?:Foreign Affairs|Foreign Trade|External Affairs|Internal Affairs|International (?:Trade|"
    r"Cooperation|Affairs)|Regional (?:Integration|Cooperation)|"
    r"Trade|Transport(?:ation)?|Economy|Economic (?:Affairs|Development)|Finance|Agriculture|"
    r"Industry|Energy|Works|Public Works|Infrastructure|Railways|Roads|Commerce|State|Investments?|"
    r"Defen[cs]e|Digital \w+|Mines|Mining|Planning|Integration|Development|Urban Development|"
    r"Logistics|Ports|Shipping|Tourism|Water|Petroleum|Oil|Interior|Communications?|Labou?r|Rural "
    r"Development|National \w+)"
)


@cache
def _role_pattern() -> re.Pattern[str]:
    titles = sorted(
        {row["title"] for row in read_table("roles") if not row["title"].startswith("Minister of")}
        | {"minister", "president", "prime minister", "counterpart", "ambassador", "leader"},
        key=len,
        reverse=True,
    )
    alternatives = "|".join(re.escape(t) for t in titles)
    return re.compile(
        rf"(?<![\w’'-])(?:(?:First|Deputy|Acting|Vice|former|Former|Special|Chief|Senior|Executive|ex)[ "
        rf"-])*(?:(?:[A-Z][a-z]+(?:, [A-Z][a-z]+)*(?:,? and [A-Z][a-z]+)? )(?=Minister|Secretary|"
        rf"Commissioner))?(?:{alternatives})\b"
        r"(?:(?: and|,) (?:First |Deputy )*(?:Minister|Prime Minister|Foreign Minister)\b)?"
        rf"(?: (?:of|for) (?:the )?{_PORTFOLIO}(?:(?:, | and |, and ){_PORTFOLIO}){{0,4}})?"
    )


@dataclass(frozen=True, slots=True)
class Person:
    """A named person where the text first gives the role; `span` covers role and name, with the country before it."""

    actor: Actor
    start: int
    end: int
    name_start: int


@dataclass(frozen=True, slots=True)
class Naming:
    """A place where a person or organisation is named."""

    start: int
    end: int
    actor: Actor
    titled: bool = False


def _name_at(text: str, at: int, end: int) -> re.Match[str] | None:
    """Return the name that begins at `at`, after a comma or a space, unless it is an ordinary capitalised word."""
    gap = re.compile(r",? ?(?:Mr\.? |Dr\.? |Ms\.? |Mrs\.? |H\.E\. |Sheikh |Sayyid )?").match(text, at, end)
    m = _NAME_RE.match(text, gap.end() if gap else at, end)
    if m is None or (m.start() == at and at and text[at - 1].isalnum()):
        return None
    words = m.group().split()
    while words and words[-1] in _NO_NAME:
        words.pop()
    if not words or words[0] in _NO_NAME:
        return None
    kept = " ".join(words)
    return re.compile(re.escape(kept)).match(text, m.start())


def _country_before(text: str, at: int, geo: Sequence[Mention]) -> Mention | None:
    """Return the country whose name or demonym ends right before a role: "Kazakhstan's", "Iranian"."""
    for mention in reversed(geo):
        if mention.end > at:
            continue
        gap = text[mention.end : at]
        if len(gap) > 14:
            return None
        if mention.kind in {"country", "demonym", "bloc", "capital"} and re.fullmatch(
            r"(?:['’]s?)? (?:own |then |new )?", gap
        ):
            return mention
        return None
    return None


def _country_after(text: str, at: int, geo: Sequence[Mention]) -> Mention | None:
    """Return the country of "President of Azerbaijan"."""
    m = re.compile(r" of (?:the )?").match(text, at)
    return next((g for g in geo if m and g.start == m.end() and g.kind in {"country", "bloc"}), None)


def find_people(text: str, start: int, end: int, geo: Sequence[Mention], known: Sequence[Person]) -> list[Person]:
    """Find people introduced by a role between two offsets.

    `known` are those found before; "his Kazakh counterpart" takes the role of the one named last.
    """
    out: list[Person] = []
    for m in _role_pattern().finditer(text, start, end):
        before = _country_before(text, m.start(), geo)
        after = _country_after(text, m.end(), geo)
        at = after.end if after else m.end()
        toward = re.compile(r" to (?:the )?[A-Z]\w+(?: [A-Z]\w+)?(?= [A-Z])").match(text, m.end(), end)
        if toward and any(g.start < toward.end() and g.end > m.end() for g in geo):
            at = next(g.end for g in geo if g.start < toward.end() and g.end > m.end())
        name = _name_at(text, at, end)
        country = before or after
        if name is None:
            if country and country.entry.countries:
                first = before.start if before else m.start()
                out.append(Person(Actor("", country.entry.countries[0], m.group()), first, at, -1))
            continue
        if any(g.start <= name.start() < g.end and g.kind in {"country", "demonym", "corridor"} for g in geo):
            continue
        role = m.group()
        if role.endswith("counterpart"):
            earlier = [p for p in (*known, *out) if p.name_start >= 0]
            here = [p for p in earlier if p.actor.name.split()[-1] in text[start : m.start()]]
            role = here[-1].actor.title if here else ""
        if role[:1].islower() and role.split()[-1] in {"head", "envoy", "leader"} and country is None:
            continue
        code = (
            country.entry.countries[0]
            if country and country.kind != "bloc" and country.entry.countries
            else country.entry.id
            if country
            else ""
        )
        first = before.start if before else m.start()
        if name.start() < first:
            continue
        if not code and not _kindred(name.group(), (*known, *out)) and len(name.group().split()) == 1:
            continue
        out.append(Person(Actor(name.group(), code, role, kind="person"), first, name.end(), name.start()))
    return out


def alike(a: str, b: str) -> bool:
    """Whether two spellings may name one person: same last and first names but for a letter or two.

    Short names are never alike unless equal: Iran and Iraq differ by one letter.
    """
    if a == b:
        return True
    first, second = a.split(), b.split()
    if first[-1] == second[-1] and (len(first) == 1 or len(second) == 1):
        return True
    if len(a) < 8 or len(b) < 8 or a[0] != b[0]:
        return False
    if first[-1] == second[-1] and first[0][0] == second[0][0]:
        return SequenceMatcher(None, first[0], second[0]).ratio() >= 0.7
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    if len(longer) > len(shorter) and longer[-len(shorter) :] == shorter:
        return True
    return len(first) == len(second) and SequenceMatcher(None, a, b).ratio() >= 0.88


def _kindred(name: str, people: Sequence[Person]) -> Person | None:
    return next((p for p in people if p.actor.name and alike(p.actor.name, name)), None)


def register(people: Sequence[Person]) -> list[Person]:
    """Return one entry a person: the fullest name, first role and country known; variants of spelling are one."""
    out: list[Person] = []
    for person in people:
        if not person.actor.name:
            continue
        same = next(
            (
                i
                for i, p in enumerate(out)
                if alike(p.actor.name, person.actor.name)
                and (not p.actor.country or not person.actor.country or p.actor.country == person.actor.country)
            ),
            None,
        )
        if same is None:
            out.append(person)
            continue
        old = out[same].actor
        full = old.name if len(old.name) >= len(person.actor.name) else person.actor.name
        out[same] = replace(
            out[same],
            actor=replace(
                old, name=full, country=old.country or person.actor.country, title=old.title or person.actor.title
            ),
        )
    return out


def _role_word(title: str) -> str:
    return title.lower().replace("minister of foreign affairs", "foreign minister").rsplit(" ", 1)[-1]


def find_namings(  # noqa: C901  (one rule after another, in their order)
    text: str, start: int, end: int, people: Sequence[Person], titled: Sequence[Person], geo: Sequence[Mention]
) -> list[Naming]:
    """Find every place where a registered person or an organisation is named."""
    out: list[Naming] = []
    for person in titled:
        if not person.actor.name:
            same = [
                p.actor
                for p in people
                if p.actor.country == person.actor.country
                and _role_word(p.actor.title) == _role_word(person.actor.title)
            ]
            actor = (
                same[0]
                if len(same) == 1
                else Actor(
                    text[person.start : person.end], person.actor.country, person.actor.title, kind="organisation"
                )
            )
            out.append(Naming(person.start, person.end, actor, titled=True))
            continue
        actor = next((p.actor for p in people if alike(p.actor.name, person.actor.name)), person.actor)
        out.append(Naming(person.start, person.end, actor, titled=True))
    surnames: dict[str, list[Actor]] = {}
    for p in people:
        surnames.setdefault(p.actor.name.split()[-1], []).append(p.actor)
        surnames.setdefault(p.actor.name.split()[-1].split("-")[-1], []).append(p.actor)
    if surnames:
        names = "|".join(re.escape(s) for s in sorted(surnames, key=len, reverse=True) if len(s) > 2)
        pattern = re.compile(rf"(?:{_NAME_WORD}[ ]){{0,3}}\b(?P<s>{names})\b") if names else None
        for m in pattern.finditer(text, start, end) if pattern else ():
            if any(n.start < m.end() and m.start() < n.end for n in out):
                continue
            options = {a.name: a for a in surnames[m["s"]]}
            if len(options) == 1:
                out.append(Naming(m.start("s"), m.end(), next(iter(options.values()))))
    words = text[start:end]
    for pattern, needed in ((ORGANISATION, _ORG_WORDS), (_LOWER_ORG, _LOWER_ORG_WORDS)):
        if not any(w in words for w in needed):
            continue
        for m in pattern.finditer(text, start, end):
            first = m.start()
            if any(n.start < m.end() and first < n.end for n in out):
                continue
            inside = next(
                (
                    g
                    for g in geo
                    if g.start < m.end()
                    and first <= g.end + 3
                    and g.end <= m.end() + 1
                    and g.kind in {"country", "demonym"}
                ),
                None,
            )
            if inside is None and pattern is ORGANISATION and len(m.group().split()) < 2:
                continue
            named = {g.entry.id for g in geo if first <= g.start < m.end() and g.kind in {"country", "demonym"}}
            country = inside.entry.countries[0] if inside and inside.entry.countries and len(named) < 2 else ""
            name = re.sub(r"^(?:The |[A-Z]\w+['’]s )", "", m.group())
            out.append(Naming(first, m.end(), Actor(name, country, "", kind="organisation")))
    return sorted(out, key=lambda n: n.start)
