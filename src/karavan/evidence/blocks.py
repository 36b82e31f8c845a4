"""Paragraphs of a text by kind: title, heading, byline, caption, body, boilerplate; duplicates marked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from karavan.evidence.records import Block, BlockKind

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = re.compile(r"[^\n]*")
_SECTION = re.compile(
    r"(?:(?:related|similar|other|more|latest|top|recent|trending|popular|recommended|most[ "
    r"-](?:read|viewed|popular)|further)\s*"
    r"(?:articles?|news|stories|posts?|content|reading|topics|links|headlines|videos?|coverage|items|"
    r"from this section)?"
    r"|you (?:may|might) (?:also )?(?:like|be interested in)|see also|read also|also read|read next|"
    r"read more|don['’]?t miss|what to read next"
    r"|editor['’]?s[ ](?:choice|picks?)|more (?:on|from|in|about) .{1,40}|comments?(?: \(\d+\))?|"
    r"leave a (?:comment|reply)|join the (?:discussion|conversation)"
    r"|share (?:this|on).{0,30}|about the authors?|advertisement|sponsored(?: content)?|from the web|"
    r"around the web|tags?|newsletters?|follow us.{0,20}|in other news)\s*[:.!»>]*",
    re.IGNORECASE,
)
_BOILER_LINE = re.compile(
    r"(?:©|\(c\)\s|copyright\b|all rights reserved|(?:source|photo|image|picture|credit|video|"
    r"illustration)s?\s*(?:by|:|credit)|tags?\s*:|keywords?\s*:|topics\s*:"
    r"|(?:read|see|watch|listen)\s+(?:more|also|next|the full)\b|also read\b|related\s*:|subscribe\b|"
    r"sign up\b|follow us\b|click here\b|share (?:this|on|via)\b|join our\b|download our\b|get our\b"
    r"|we use cookies|this (?:site|website) uses cookies|cookies?\b.{0,80}\b(?:accept|consent|policy|"
    r"preferences)|by (?:continuing|using) .{0,60}\b(?:agree|consent)|accept (?:all )?cookies|"
    r"privacy policy|terms (?:of|and) (?:use|service|conditions)"
    r"|advertis(?:e|ing|ement)\b|newsroom logo|none$|menu$|home$|search$|login$|log in$|print$|"
    r"email$|facebook$|twitter$|whatsapp$|telegram$|linkedin$|\d+ (?:views|shares|comments)\b|"
    r"reporting by\b|editing by\b|writing by\b|compiled by\b|contact (?:us|the)\b|for more "
    r"information\b|to read more\b|the views expressed\b|disclaimer\b|support (?:our|independent) "
    r"journalism|become a member|already a subscriber|listen to this article|\d+ min(?:ute)?s? read)",
    re.IGNORECASE,
)
_BOILER_INSIDE = re.compile(
    r"all rights reserved|we use cookies|this (?:site|website) uses cookies|©\s*(?:19|20)\d\d|"
    r"subscribe to our|sign up (?:for|to) our",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"(?:date\s+\d|(?:last\s+)?(?:update[d]?|modified|published|posted|first published|date|"
    r"created)\b[^.]{0,12}[:\s]\s*[\w,]|by\s+[A-Z][\w.’'-]+(?:\s+[A-Z][\w.’'-]+){0,4}\b|(?:mon|tues|"
    r"wednes|thurs|fri|satur|sun)day,?\s+\d|\d{1,2}:\d\d)",
    re.IGNORECASE,
)
_DATE_ONLY = re.compile(
    r"[\W\d]*(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z.]*[\W\d]*)(?:at|gmt|utc|am|"
    r"pm|[\W\d])*",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    r"(?:file photo|photo\s*[:/]|\(photo|pictured|photograph)|\s/\s[A-Z][\w.]*\.(?:kz|com|net|org|az|"
    r"ir|ru|uz)\.?$|\((?:AP|AFP|Reuters|EPA|Getty|Xinhua)[^)]*\)$|/(?:AFP|AP|Reuters|Xinhua|Getty "
    r"Images)$",
    re.IGNORECASE,
)
_WORDS = re.compile(r"\w+")
# A long line without a full stop that tells a number in the past tense is a sentence, not a heading.
_TELLS = re.compile(
    r"\d.*\b(?:said|reached|rose|grew|expanded|increased|fell|was|were|has|have|amounted|exceeded|"
    r"totalled|decreased|handled|stood)\b|\b(?:said|reached|rose|grew|expanded|increased|fell|was|"
    r"were|has|have|amounted|exceeded|totalled|decreased|handled|stood)\b.*\d"
)
SHINGLE = 4
ALIKE = 0.6
_MAX_HEADING = 120


def lines_of(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of every line that is not blank, without the blanks around it."""
    for m in _LINE.finditer(text):
        raw = m.group()
        bare = raw.strip()
        if bare:
            start = m.start() + raw.index(bare[0])
            yield start, start + len(bare)


Shingles = frozenset[tuple[str, ...]]


def shingles(text: str) -> Shingles:
    """Return all runs of four words, of any case and punctuation; a shorter text is one run."""
    words = _WORDS.findall(text.lower())
    if len(words) < SHINGLE:
        return frozenset({tuple(words)} if words else ())
    return frozenset(zip(words, words[1:], words[2:], words[3:], strict=False))


def likeness(a: Shingles, b: Shingles) -> float:
    """Return the Jaccard similarity of two sets of shingles."""
    return len(a & b) / len(a | b) if a or b else 0.0


def _duplicates(text: str, spans: list[tuple[int, int]]) -> dict[int, int]:
    """Return the earlier paragraph that each later one repeats.

    Only paragraphs of about the same length that share a shingle are compared.
    """
    out: dict[int, int] = {}
    seen: list[tuple[int, Shingles]] = []
    owners: dict[tuple[str, ...], list[int]] = {}
    for i, (start, end) in enumerate(spans):
        own = shingles(text[start : min(end, start + 20_000)])
        if end - start > 25:
            near: dict[int, int] = {}
            for h in own:
                for k in owners.get(h, ())[:5]:
                    near[k] = near.get(k, 0) + 1
            for k, count in sorted(near.items()):
                if count * 2 > len(own) and likeness(own, seen[k][1]) > ALIKE:
                    out[i] = seen[k][0]
                    break
            else:
                for h in own:
                    owners.setdefault(h, []).append(len(seen))
                seen.append((i, own))
    return out


def _ends_sentence(line: str) -> bool:
    return line.rstrip("\"'”’)»").endswith((".", "!", "?", ":", ";", ",", "…"))


def _kind(line: str, *, first: bool, early: bool) -> BlockKind:
    if _BOILER_LINE.match(line) or (len(line) < 400 and _BOILER_INSIDE.search(line)):
        return "boilerplate"
    if len(line) < 120 and (
        (_BYLINE.match(line) and not _ends_sentence(line.rstrip("."))) or _DATE_ONLY.fullmatch(line)
    ):
        return "byline"
    if len(line) < 400 and _CAPTION.search(line):
        return "caption"
    if len(line) <= _MAX_HEADING + 80 * first and not _ends_sentence(line):
        if not first and _TELLS.search(line) and len(line.split()) >= 12:
            return "body"
        return "title" if first and early else "heading"
    return "body"


def _section_end(kinds: list[BlockKind], lengths: list[int], at: int) -> int:
    """Return where a section of boilerplate that starts at `at` ends: at the end, unless the article goes on.

    It goes on if the section stands in the first quarter of the text and three paragraphs of body or more follow; then
    only the short lines behind the marker belong to it.
    """
    before, after = sum(lengths[:at]), sum(lengths[at:])
    if (
        before < after * 0.3
        and sum(k == "body" and n > 200 for k, n in zip(kinds[at + 1 :], lengths[at + 1 :], strict=True)) >= 3
        and before > 0
    ):
        end = at + 1
        while end < len(kinds) and kinds[end] != "body":
            end += 1
        # A long teaser under a short headline is a sign that a list of articles goes on to the end.
        if end < len(kinds) - 1 and end - at <= 6:
            return end
    return len(kinds)


def find_blocks(text: str) -> tuple[Block, ...]:
    """Split a text into its lines and say of each what it is.

    Everything behind a marker such as "Related articles" is boilerplate; so is a paragraph that repeats an earlier one.
    """
    spans = list(lines_of(text))
    kinds: list[BlockKind] = []
    titled = False
    for i, (start, end) in enumerate(spans):
        line = text[start:end]
        kind = _kind(line, first=not titled, early=i < 12)
        titled = titled or kind in {"title", "body"}
        kinds.append(kind)
    lengths = [b - a for a, b in spans]
    i = 0
    while i < len(spans):
        line = text[spans[i][0] : spans[i][1]]
        if len(line) < 60 and i > 0 and _SECTION.fullmatch(line) and "body" in kinds[:i]:
            end = _section_end(kinds, lengths, i)
            kinds[i:end] = ["boilerplate"] * (end - i)
            i = end
        else:
            i += 1
    same = _duplicates(text, spans)
    blocks = []
    for i, (start, end) in enumerate(spans):
        repeated = same.get(i)
        blocks.append(Block("boilerplate" if repeated is not None else kinds[i], start, end, repeated))
    return tuple(blocks)
