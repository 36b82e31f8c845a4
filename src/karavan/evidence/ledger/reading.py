"""Reading the articles of a folder: each file to a document, its facts, and what was refused.

A sidecar file `<article>.json` may say what an article does not (`published`, `address`, `publisher`): see `documents`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karavan.errors import FormatError, KaravanError
from karavan.evidence.records import EXTRACTOR_VERSION, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from karavan.evidence.gazetteer import Gazetteer
    from karavan.evidence.records import Document, Fact

SUFFIXES = {".txt", ".html", ".htm", ".pdf"}
SENTENCE_END = re.compile(r"(?<=[.!?][\s\u201d\"'\u2019])\s*(?=[A-Z\u201c\"'])|\n\s*\n")
AROUND = 400  # characters of a sentence kept on either side of a quote at most


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One file as it was read: `document` is None where it was read before or refused (`refused` says why).

    `key` names the reader: extractor version and the publication date used. The same document with the same key is the
    same reading.
    """

    name: str
    key: str
    document: Document | None
    facts: tuple[dict[str, Any], ...] = ()
    refused: str = ""


def readings(
    folder: str | Path, published: date | None, *, gazetteer: Gazetteer | None, known: Callable[[str, str], bool]
) -> Iterator[Reading]:
    """Read a file, or every article of a folder in the order of their names; `known` tells which readings to leave out.

    Raises `FormatError` where there is no such folder.
    """
    from karavan.evidence.documents import read_document
    from karavan.evidence.extract import extract
    from karavan.evidence.gazetteer import gazetteer as general

    paths = articles(Path(folder))
    places = general() if gazetteer is None else gazetteer
    for path in paths:
        try:
            document = read_document(path, published=published)
        except (KaravanError, OSError, UnicodeError) as error:
            yield Reading(path.name, "", None, refused=str(error))
            continue
        day = document.published.value
        key = f"rules {EXTRACTOR_VERSION} {day.isoformat() if day else ''}".strip()
        if known(document.id, key):
            yield Reading(path.name, key, None)
            continue
        facts = tuple(placed(fact, document) for fact in extract(document, places))
        yield Reading(path.name, key, document, facts)


def sample_folder() -> Path:
    """Return the folder of the press notes that are shipped, to try things on."""
    return Path(str(files("karavan.evidence") / "sample"))


def articles(folder: Path) -> list[Path]:
    """Return the articles of a folder and its folders, by name; a single file is itself."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        message = f"{folder} is neither a file nor a folder"
        raise FormatError(message)
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())


def placed(fact: Fact, document: Document) -> dict[str, Any]:
    """Return a fact's JSON object with the sentence around its quote and where the document is published."""
    start, end = sentence(document.text, fact.start, fact.end)
    return to_json(fact) | {
        "context": document.text[start:end], "context_start": start, "address": document.address,
        "title": document.title, "publisher": document.publisher,
    }  # fmt: skip


def sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the sentences that hold a quote, at most `AROUND` characters more on either side.

    Examples
    --------
    >>> text = "It rained. Trade fell to $3 million in 2020. They left."
    >>> first, last = sentence(text, 14, 20)
    >>> text[first:last]
    'Trade fell to $3 million in 2020.'
    """
    low, high = max(0, start - AROUND), min(len(text), end + AROUND)
    before = [m.end() for m in SENTENCE_END.finditer(text, low, start)]
    after = SENTENCE_END.search(text, end, high)
    first, last = before[-1] if before else low, after.start() if after else high
    while first < start and text[first].isspace():
        first += 1
    while last > end and text[last - 1].isspace():
        last -= 1
    return first, last
