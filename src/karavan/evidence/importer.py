"""Figures from a table: each row of a CSV file becomes a fact whose quote is the row and whose source is named in it.

Nothing is dropped: a row whose period, unit or subject is not understood becomes a `partial` fact that says why.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.errors import FormatError
from karavan.evidence.ledger.decide import gaps
from karavan.evidence.records import Document, Slot
from karavan.evidence.series import last_digit
from karavan.evidence.table_words import Days, Subject, area_codes, place_of, read_days, read_subject, read_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARATORS = (
    (">", r"over|exceed|more than|surpass|above|at least"), ("<~", r"nearly|almost|approach|close to"),
    ("~", r"about|some\b|around|approximately"), ("<", r"under|less than|below"),
)  # fmt: skip
REPORTER = re.compile(
    r"\b(?:IRICA|UN Comtrade|World Bank|[A-Z]\w+ (?:customs|statistics|stat\w* committee|side|figures|count))\b"
)
PUBLISHED = re.compile(r"\b(20\d\d-\d\d-\d\d)\b")
CHANGE = re.compile(r"(?:^|[;:,] )([+-]\d+(?:\.\d+)?)%")
TIMES = re.compile(r"(?:^|[;:,] )(\d+(?:\.\d+)?) times\b(?! )")
MONTH = re.compile(r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* (20\d\d)\b")
CALCULATED = re.compile(r"\bown (?:calculation|estimate)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SeriesColumns:
    """The name of the column that holds each thing; a column the table has not got is taken as empty.

    `subject` and `attribute` are read as words ("goods trade KZ-IR", "exports KZ->IR") where `indicator` and `areas`
    (codes apart by ";") are not given. `address` is where the figure was published.
    """

    value: str = "value"
    unit: str = "unit"
    period: str = "period"
    subject: str = "subject"
    attribute: str = "attribute"
    topic: str = "topic"
    indicator: str = "indicator"
    areas: str = "areas"
    direction: str = "direction"
    product: str = "product"
    definition: str = "definition"
    reporter: str = "reporter"
    published: str = "published"
    title: str = "source_title"
    address: str = "source_address"
    confidence: str = "confidence"
    note: str = "note"

    @classmethod
    def parse(cls, text: str) -> SeriesColumns:
        """Read a mapping such as "value=OBS_VALUE, period=TIME_PERIOD". Raises `FormatError` for unknown things."""
        given = dict(part.strip().split("=", 1) for part in text.split(",") if "=" in part)
        names = [f.name for f in fields(cls)]
        wrong = [k for k in given if k.strip() not in names]
        if wrong:
            message = f"a table has no {', '.join(wrong)}; it has {', '.join(names)}"
            raise FormatError(message)
        return cls(**{k.strip(): v.strip() for k, v in given.items()})


def read_series(path: str | Path, columns: SeriesColumns | None = None) -> tuple[Document, list[dict[str, Any]]]:
    """Read a CSV file of figures (UTF-8, header first): its document and one JSON object of a fact for each row.

    Raises `FormatError` where the file is no UTF-8 CSV or has no column of values.
    """
    file, names = Path(path), columns or SeriesColumns()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{file} is not UTF-8: save it as CSV UTF-8"
        raise FormatError(message) from error
    document = Document(
        file.name, hashlib.sha256(text.encode()).hexdigest(), text, "text/plain", "en", file.stem, Slot(), Slot(), ()
    )
    seen: dict[str, int] = {}
    facts = []
    for row, start, end in _rows(text, file, names.value):
        cell = {f.name: (row.get(getattr(names, f.name)) or "").strip() for f in fields(names)}
        data = fact_of(cell) | {"document": file.name, "document_id": document.id, "start": start, "end": end}
        data["quote"] = data["context"] = text[start:end]
        data["context_start"] = start
        key = json.dumps(cell, sort_keys=True)
        seen[key] = seen.get(key, 0) + 1  # a row that stands twice in a table is two facts
        data["id"] = hashlib.sha256(f"{key}{seen[key]}".encode()).hexdigest()[:16]
        facts.append(data)
    return document, facts


def _rows(text: str, file: Path, needed: str) -> Iterator[tuple[dict[str, str], int, int]]:
    """Give each row with the characters it takes in the text, its line end left out."""
    lines = text.splitlines(keepends=True)
    ends = [0]
    for line in lines:
        ends.append(ends[-1] + len(line))
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        if needed not in header:
            message = f"{file} has no column {needed!r}; it has {', '.join(header)}: say which holds the values"
            raise FormatError(message)
        at = reader.line_num
        for cells in reader:
            start, end = ends[at], ends[reader.line_num]
            at = reader.line_num
            if cells:
                shown = text[start:end].rstrip("\r\n")
                yield dict(zip(header, cells, strict=False)), start, start + len(shown)
    except csv.Error as error:
        message = f"{file}, line {reader.line_num}: {error}"
        raise FormatError(message) from error


def fact_of(cell: dict[str, str]) -> dict[str, Any]:
    """Return the JSON object of a fact from the cells of a row by what they hold."""
    about = read_subject(cell["subject"], cell["attribute"], topic=cell["topic"])
    days = read_days(cell["period"])
    factor, unit, rate, unit_problem = read_unit(cell["unit"])
    value, value_problem = _number(cell["value"])
    areas = _areas(cell["areas"]) or list(about.areas)
    place = None if areas else place_of(cell["subject"])
    data = _blank() | {
        "kind": "commitment" if about.target else "figure",
        "indicator": cell["indicator"] or about.indicator, "areas": areas, "place": place,
        "direction": cell["direction"] or about.direction or None, "product": cell["product"] or about.product or None,
        "definition": cell["definition"] or about.definition or None, "reporter": cell["reporter"] or _reporter(cell),
        "unit": unit, "rate": rate or None, "period": days.interval(), "period_text": cell["period"] or None,
        "calendar": days.calendar, "published": cell["published"] or _published(cell["title"]),
        "title": cell["title"], "address": cell["address"], "confidence": cell["confidence"], "note": cell["note"],
        "comparator": _comparator(cell["note"]), "derived": bool(CALCULATED.search(cell["title"])),
    }  # fmt: skip
    data["published_basis"] = "explicit" if data["published"] else "missing"
    if value is not None:
        _put_value(data, value, factor, about, cell["value"])
    if about.target:
        _put_target(data, days, cell["note"])
    elif data["value"] is not None:
        data["change_pct"] = _change(cell["note"])
    problems = [p for p in (value_problem, unit_problem, "" if about.target else days.problem) if p]
    problems += [f"missing: {g}" for g in gaps(data) if not (g == "period" and days.problem)]
    problems += ["one end of a range"] if about.end_of_range else []
    data["status"], data["reason"] = ("partial" if problems else "accepted"), "; ".join(problems)
    return data


def _put_value(data: dict[str, Any], value: float, factor: float, about: Subject, text: str) -> None:
    """Enter the value: a level in base units, or a change in percent; "2 times" is a change of 100 percent."""
    ratio = data["unit"] == "{x}" and not about.target
    if about.growth or ratio or (data["unit"] == "%" and data["indicator"] != "share"):
        data |= {"change_pct": 100 * (value - 1) if ratio else value, "transformation": "change_pct", "unit": "%"}
        return
    data["value"] = float(f"{value * factor:.12g}")
    data["step"] = float(f"{_step(text, value) * factor:.12g}")
    data["transformation"] = None if about.target else "cumulative" if about.cumulative else "level"
    data["transformation"] = "share" if data["indicator"] == "share" else data["transformation"]


def _put_target(data: dict[str, Any], days: Days, note: str) -> None:
    """Make a row of a target a commitment: its period is the deadline, the note often says who and when."""
    said = re.match(r"([^,;:'\d]+),[^;]*\b(?:19|20)\d\d\b", note)
    data |= {
        "modality": "target", "action": "increase", "object": (data["indicator"] or "target").replace("_", " "),
        "deadline": days.last.isoformat() if days.last else None, "horizon": data["period_text"], "period": None,
        "speaker": said[1].strip() if said else None, "transformation": None,
    }  # fmt: skip
    month = MONTH.search(note)
    if month and not data["published"]:
        days = read_days(f"{month[1]} {month[2]}")
        data |= {"published": days.last.isoformat() if days.last else None, "published_basis": "inferred"}


def _change(note: str) -> float | None:
    """Return the change that a note adds to a level: "+29%", "-37.2% on 2019", "3.8 times"; in percent."""
    if said := CHANGE.search(note):
        return float(said[1])
    said = TIMES.search(note)
    return round(100 * (float(said[1]) - 1), 9) if said else None


def _number(text: str) -> tuple[float | None, str]:
    try:
        value = float(text.replace(",", "").replace("\u2212", "-")) if text else None
    except ValueError:
        return None, f"value {text!r} is no number"
    if value is not None and abs(value) > 1e300:
        return None, f"value {text!r} is no number"
    return (None, "no value") if value is None or math.isnan(value) else (value, "")


def _step(text: str, value: float) -> float:
    """Return the size of the last digit of a number as written; closing noughts of whole numbers do not count."""
    return 10.0 ** -len(text.partition(".")[2]) if "." in text else last_digit(value)


def _areas(text: str) -> list[str]:
    codes = area_codes()
    return [codes.get(part.strip(), part.strip()) for part in text.split(";") if part.strip()]


def _comparator(note: str) -> str:
    """Return the comparator that a note gives in quotation marks: 'over', 'nearly 1.5 million t'."""
    for said in re.findall(r"'([^']{1,60})'", note):
        for sign, words in COMPARATORS:
            if re.match(words, said.strip().casefold()):
                return sign
    return "="


def _reporter(cell: dict[str, str]) -> str | None:
    found = REPORTER.search(cell["note"]) or REPORTER.search(cell["title"])
    return found[0] if found else None


def _published(title: str) -> str | None:
    found = PUBLISHED.search(title)
    return found[1] if found and not read_days(found[1]).problem else None


def _blank() -> dict[str, Any]:
    names = (
        "low", "high", "value", "step", "base_period", "change_pct", "transformation", "modality", "action", "object",
        "deadline", "horizon", "stage", "event_type", "date", "speaker", "through", "counted",
    )  # fmt: skip
    return dict.fromkeys(names) | {"actors": [], "slots": {}, "extractor": "import", "extractor_version": "1"}
