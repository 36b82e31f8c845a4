"""Documents: plain text kept as it is, HTML and PDF turned into text once, English only."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from karavan.errors import FormatError
from karavan.evidence.blocks import Shingles, find_blocks, likeness, shingles
from karavan.evidence.dating import publication_dates
from karavan.evidence.records import MISSING, Document, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable

MediaType = Literal["text/plain", "text/html", "application/pdf"]

_FUNCTION_WORDS = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "in",
        "a",
        "is",
        "that",
        "for",
        "on",
        "was",
        "with",
        "as",
        "by",
        "at",
        "from",
        "it",
        "has",
        "have",
        "be",
        "are",
        "were",
        "said",
        "will",
        "its",
        "this",
        "which",
        "an",
        "not",
        "but",
        "or",
        "their",
        "had",
        "been",
        "between",
        "into",
        "after",
        "over",
        "also",
        "more",
        "than",
        "his",
    ]
)
_MIN_WORDS = 12
_SUFFIXES: dict[str, MediaType] = {
    ".txt": "text/plain",
    ".md": "text/plain",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
}


class LanguageError(FormatError):
    """A document is not in English, the one language that the rules read."""


def language_of(text: str) -> str:
    """Return "en", "und" where there are too few words to tell, or "other".

    English is told by its function words: they make up a third or more of its prose and under a twentieth of others'.
    """
    sample = text[:20_000]
    words = re.findall(r"[^\W\d_]+", sample.lower())
    if len(words) < _MIN_WORDS:
        letters = [c for c in sample if c.isalpha()]
        return "other" if letters and sum(not c.isascii() for c in letters) > 0.5 * len(letters) else "und"
    share = sum(w in _FUNCTION_WORDS for w in words) / len(words)
    return "en" if share >= 0.12 else "other"


def decode(raw: bytes) -> str:
    """Decode a file: UTF-8 (with or without mark), UTF-16 with mark, else Windows-1252 where every byte has a meaning.

    Raises `FormatError` for anything else.
    """
    for codec in ("utf-16",) if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    message = "The file is neither UTF-8 nor UTF-16 nor Windows-1252 text: save it as UTF-8."
    raise FormatError(message)


def media_type_of(name: str, raw: bytes) -> MediaType:
    """Return the media type by content first, then by the file's name."""
    head = raw[:1024].lstrip().lower()
    if raw[:5] == b"%PDF-":
        return "application/pdf"
    if head.startswith((b"<!doctype html", b"<html")) or b"<body" in head:
        return "text/html"
    return _SUFFIXES.get(Path(name).suffix.lower(), "text/plain")


def read_document(
    source: Path | str | bytes,
    *,
    published: date | None = None,
    name: str = "",
    media_type: MediaType | None = None,
    address: str = "",
) -> Document:
    """Read a document from a file, or from text, HTML or PDF bytes given directly.

    Parameters
    ----------
    source
        A path; a string, which is taken as the text itself (or as HTML with `media_type`); or bytes.
    published
        Day of publication, known from outside; it wins over what the text says. For a file, a sidecar
        `<file>.json` with `published`, `address` and `publisher` is read where there is one.
    name
        Name to show; for a path the file's name.

    Raises
    ------
    LanguageError
        The text is not English.
    FormatError
        The file cannot be decoded.
    MissingExtra
        HTML or PDF without the extra `documents`.
    """
    publisher = ""
    if isinstance(source, Path):
        name = name or source.name
        sidecar = _sidecar(source)
        published = published or _as_date(sidecar.get("published"), source)
        address, publisher = address or sidecar.get("address", ""), sidecar.get("publisher", "")
        raw: bytes | None = source.read_bytes()
    else:
        raw = source if isinstance(source, bytes) else None
    kind = media_type or (media_type_of(name, raw) if raw is not None else "text/plain")
    locator: tuple[tuple[int, str], ...] = ()
    stated: Slot[date] = MISSING
    if kind == "application/pdf":
        from karavan.evidence.readers import pdf_text

        text, locator = pdf_text(raw if raw is not None else str(source).encode())
    elif kind == "text/html":
        from karavan.evidence.readers import html_text

        html = decode(raw) if raw is not None else str(source)
        text, locator, stated = html_text(html)
    else:
        text = decode(raw) if raw is not None else str(source)
    return _document(text, name, kind, published, address, publisher, locator, stated)


def _document(
    text: str,
    name: str,
    kind: MediaType,
    published: date | None,
    address: str,
    publisher: str,
    locator: tuple[tuple[int, str], ...],
    stated: Slot[date],
) -> Document:
    language = language_of(text)
    if language == "other":
        message = (
            f"{name or 'The text'} is not in English, the only language that the rules read. Leave it out, "
            f"or give a translation."
        )
        raise LanguageError(message)
    blocks = find_blocks(text)
    day, updated = publication_dates(text, blocks, published)
    if stated.known and (not day.known or day.basis == "inferred"):
        day = stated
    title = next((text[b.start : b.end] for b in blocks if b.kind == "title"), "")
    return Document(
        name=name,
        id=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        text=text,
        media_type=kind,
        language=language,
        title=title,
        published=day,
        updated=updated,
        blocks=blocks,
        locator=locator,
        address=address,
        publisher=publisher,
    )


def _sidecar(path: Path) -> dict[str, str]:
    import json

    side = path.with_name(path.name + ".json")
    if not side.is_file():
        return {}
    try:
        data = json.loads(side.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{side.name} is not JSON: {error}"
        raise FormatError(message) from error
    return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}


def _as_date(text: str | None, path: Path) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{path.name}.json: published must be a day such as 2021-04-08, not {text!r}."
        raise FormatError(message) from error


def near_duplicates(documents: Iterable[Document], *, alike: float = 0.6) -> dict[str, str]:
    """Return, for each document that repeats an earlier one, the name of that one.

    Bodies are compared by the Jaccard similarity of their runs of four words; only pairs that share a run are compared.
    """
    seen: list[tuple[str, Shingles]] = []
    owners: dict[tuple[str, ...], list[int]] = {}
    out: dict[str, str] = {}
    for document in documents:
        own = shingles(" ".join(document.text[b.start : b.end] for b in document.blocks if b.kind == "body"))
        near = sorted({k for h in own for k in owners.get(h, ())[:20]})
        match = next((k for k in near if likeness(own, seen[k][1]) > alike), None)
        if match is not None:
            out[document.name] = seen[match][0]
            continue
        for h in own:
            owners.setdefault(h, []).append(len(seen))
        seen.append((document.name, own))
    return out
