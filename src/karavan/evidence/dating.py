"""The day an article was published, by rank of evidence; a day without a year stays without."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from karavan.evidence.period_words import find_periods
from karavan.evidence.periods import Anchors, resolve
from karavan.evidence.records import MISSING, Slot

if TYPE_CHECKING:
    from karavan.evidence.records import Block

_UPDATED = re.compile(r"\b(?:last[ -]?)?(?:update[ds]?|modified|edited|revised)\b", re.IGNORECASE)
_PUBLISHED = re.compile(r"\s*(?:first )?(?:published|posted|date|created)\b[^.;]{0,16}$", re.IGNORECASE)
_YEARLESS = re.compile(
    r"\b(?P<w>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday),? \(?(?:(?P<d>\d{1,2}) "
    r"(?P<m>[A-Z][a-z]+)|(?P<m2>[A-Z][a-z]+) (?P<d2>\d{1,2}))\b"
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_RANGE = re.compile(r"\b(20\d\d)\s?[-–]\s?(20\d\d)\b")


def _days(text: str, start: int, end: int) -> list[tuple[int, int, date]]:
    out = []
    for found in find_periods(text, start, end):
        period = resolve(found, text[found.start : found.end], Anchors())
        written = re.search(r"\d{1,4}\D", text[found.start : found.end]) and not re.search(
            r"\b(?:end|start|beginning|middle|close) of\b", text[found.start : found.end]
        )
        if written and period and period.start and period.start == period.end and period.granularity == "day":
            out.append((found.start, found.end, period.start))
    return out


def _slot(text: str, start: int, end: int, day: date, confidence: float) -> Slot[date]:
    return Slot(day, text[start:end], start, end, "explicit", confidence)


def publication_dates(text: str, blocks: tuple[Block, ...], given: date | None) -> tuple[Slot[date], Slot[date]]:
    """Return the days of publication and of the last update.

    A given day wins; then a byline; then the dateline that opens a paragraph; then a weekday with day and month whose
    year a range of years in the text leaves open to one choice (inferred). "Last update" never counts as publication.
    """
    published: Slot[date] = MISSING
    updated: Slot[date] = MISSING
    for block in blocks[:40]:
        if block.kind not in {"byline", "heading", "title"} and block.end - block.start > 140:
            continue
        line = text[block.start : block.end]
        if block.kind == "boilerplate" and not _UPDATED.search(line):
            continue
        for start, end, day in _days(text, block.start, block.end):
            before = text[block.start : start]
            changed = list(_UPDATED.finditer(before))
            if changed and not _PUBLISHED.search(before, changed[-1].end()):
                updated = updated if updated.known else _slot(text, start, end, day, 0.9)
            elif not published.known and (
                block.kind == "byline" or _PUBLISHED.match(before) or end - start > 0.6 * len(line)
            ):
                published = _slot(text, start, end, day, 0.95)
    if not published.known:
        published = _dateline(text, blocks)
    if given is not None:
        return Slot(given, "", None, None, "explicit", 1.0), updated
    if not published.known:
        published = _from_weekday(text, blocks)
    return published, updated


def _dateline(text: str, blocks: tuple[Block, ...]) -> Slot[date]:
    """Return the day that opens one of the first paragraphs: "NAIROBI, 14 March 2023 -", "(4 January 2024)"."""
    for block in [b for b in blocks if b.kind in {"body", "heading", "title"}][:4]:
        head = text[block.start : min(block.end, block.start + 110)]
        for start, end, day in _days(text, block.start, block.start + len(head)):
            before = text[block.start : start].strip()
            after = text[end : end + 24]
            opens = len(before) < 60 and (
                not before
                or re.fullmatch(
                    r"[^a-z]*|[\w .,'’()/-]{0,40}[,.(/–—-]|[\w ]{0,20}published on|[A-Z][\w ,.'’]+\(?", before
                )
            )
            closes = re.match(r"\s*\)?(?:\s*\([A-Z][\w .]{1,20}\))?\s*(?:[-–—:/.|]|$|,\s*[A-Z]{2,})", after)
            if (
                opens
                and closes
                and before.lower().rsplit(" ", 1)[-1] not in {"on", "in", "by", "since", "from", "until"}
            ):
                return _slot(text, start, end, day, 0.85)
            if re.fullmatch(
                r"(?:date|published|posted|published on|posted on|date of publication)\s*:?", before.lower()
            ):
                return _slot(text, start, end, day, 0.9)
            if before.lower().endswith("published on"):
                return _slot(text, start, end, day, 0.85)
    return MISSING


def _from_weekday(text: str, blocks: tuple[Block, ...]) -> Slot[date]:
    body = [b for b in blocks if b.kind in {"body", "caption"}]
    ranges = [(int(m[1]), int(m[2])) for b in body for m in _RANGE.finditer(text, b.start, b.end)]
    ranges = [(a, b) for a, b in ranges if a < b <= a + 15]
    for block in body[:3]:
        m = _YEARLESS.search(text, block.start, block.end)
        if not m or not ranges:
            continue
        month = (m["m"] or m["m2"]).lower()
        if month not in _MONTH_NAMES:
            continue
        first, last = max(a for a, _ in ranges), min(b for _, b in ranges)
        fitting = [
            d
            for y in range(first, last + 1)
            if (d := _day(y, _MONTH_NAMES.index(month) + 1, int(m["d"] or m["d2"])))
            and d.weekday() == _WEEKDAYS.index(m["w"].lower())
        ]
        if len(fitting) == 1:
            return Slot(fitting[0], m.group(), m.start(), m.end(), "inferred", 0.6)
    return MISSING


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
