"""HTML and PDF to text, once; with a locator from offsets of the text into the original (extra `documents`)."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

from karavan.errors import FormatError, MissingExtra
from karavan.evidence.records import MISSING, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

_DROP = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "nav",
        "header",
        "footer",
        "aside",
        "form",
        "button",
        "svg",
        "iframe",
        "object",
        "embed",
        "select",
        "textarea",
        "menu",
        "dialog",
        "figure",
    }
)
_DROP_NAMED = re.compile(
    r"\b(?:related|recommend\w*|most[-_]?(?:read|popular|viewed)|popular|trending|sidebar|cookie\w*|"
    r"consent|newsletter|subscri\w+|share|sharing|social|comments?|disqus|advert\w*|ads?|promo\w*|"
    r"breadcrumbs?|footer|nav\w*|menu|banner|popup|modal|paywall|tags|author-bio|also-read|read-more|"
    r"more-news)\b",
    re.IGNORECASE,
)
_BLOCKS = frozenset(
    {
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "blockquote",
        "td",
        "th",
        "pre",
        "div",
        "section",
        "article",
        "main",
        "body",
        "br",
        "tr",
        "ul",
        "ol",
        "table",
        "dd",
        "dt",
        "figcaption",
        "time",
        "address",
    }
)
_DATE_META = (
    "article:published_time",
    "datepublished",
    "pubdate",
    "date",
    "dc.date",
    "dc.date.issued",
    "publishdate",
    "publish-date",
    "parsely-pub-date",
    "sailthru.date",
    "og:article:published_time",
    "dcterms.created",
)
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def html_text(html: str) -> tuple[str, tuple[tuple[int, str], ...], Slot[date]]:
    """Return the text of a page, a paragraph a line; where each line stands; the day that its metadata tell.

    Navigation, scripts, forms, figures and blocks named as related, shared or advertised are left out. Nothing of the
    page is run or fetched. Raises `MissingExtra` without lxml, `FormatError` for a page without text.
    """
    try:
        import lxml.html  # type: ignore[import-untyped]
    except ImportError as error:
        msg = "lxml"
        raise MissingExtra(msg, "documents") from error
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", html)
    try:
        root = lxml.html.document_fromstring(source)
    except (ValueError, lxml.etree.ParserError) as error:
        message = "The HTML page has no text."
        raise FormatError(message) from error
    published = _stated_day(root)
    start = _article(root)
    title = next((" ".join(t.text_content().split()) for t in root.iter("h1")), "") or _title(root)
    lines = list(_lines(start, root.getroottree()))
    if title and not any(text == title for text, _ in lines[:6]):
        lines.insert(0, (title, "/html/head/title"))
    text, locator = "", []
    for line, path in lines:
        locator.append((len(text), path))
        text += line + "\n\n"
    if not text:
        message = "The HTML page has no text."
        raise FormatError(message)
    return text, tuple(locator), published


def _title(root: Any) -> str:
    node = root.find(".//title")
    return " ".join(node.text_content().split()) if node is not None else ""


def _article(root: Any) -> Any:
    """Return the one `article` or `main` element that holds most of the paragraphs' words, else the body."""
    body = root.find("body")
    body = root if body is None else body
    total = _words(body)
    best = max((e for name in ("article", "main") for e in root.iter(name)), key=_words, default=None)
    return best if best is not None and _words(best) >= 0.5 * total else body


def _words(element: Any) -> int:
    return sum(len(p.text_content().split()) for p in element.iter("p"))


def _dropped(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in _DROP:
        return True
    named = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('role') or ''}"
    return element.tag not in {"body", "html", "article", "main"} and _DROP_NAMED.search(named) is not None


def _lines(element: Any, tree: Any) -> Iterator[tuple[str, str]]:  # noqa: C901  (one rule after another, in their order)
    """Yield the lines under an element, each with the path of the block it stands in; without recursion."""
    parts: list[str] = []
    path = tree.getpath(element)
    stack: list[tuple[Any, bool]] = [(element, True)]

    def flush() -> Iterator[tuple[str, str]]:
        line = " ".join("".join(parts).split(" ")).strip()
        line = re.sub(r"[ \t\r\n]+", " ", line)
        parts.clear()
        if line:
            yield line, path

    while stack:
        node, opening = stack.pop()
        if not opening:
            if isinstance(node.tag, str) and node.tag in _BLOCKS:
                yield from flush()
            if node is not element and node.tail:
                parts.append(node.tail)
            continue
        if node is not element and _dropped(node):
            if node.tail:
                parts.append(node.tail)
            continue
        if node.tag in _BLOCKS:
            yield from flush()
            path = tree.getpath(node)
        if node.text:
            parts.append(node.text)
        stack.append((node, False))
        stack.extend((child, True) for child in reversed(node))
    yield from flush()


def _stated_day(root: Any) -> Slot[date]:
    """Return the day of publication that JSON-LD, meta elements or `time` tell, in this order."""
    found: list[str] = []
    for script in root.iter("script"):
        if (script.get("type") or "").lower() == "application/ld+json" and script.text:
            found.extend(_ld_days(script.text))
    metas = {
        (m.get("property") or m.get("name") or m.get("itemprop") or "").lower(): m.get("content") or ""
        for m in root.iter("meta")
    }
    found.extend(metas[name] for name in _DATE_META if metas.get(name))
    found.extend(
        t.get("datetime") or ""
        for t in root.iter("time")
        if "pub" in f"{t.get('itemprop') or ''} {t.get('class') or ''}".lower()
    )
    for text in found:
        m = _DAY.match(text.strip())
        if m:
            try:
                return Slot(date(int(m[1]), int(m[2]), int(m[3])), text, None, None, "explicit", 0.8)
            except ValueError:
                continue
    return MISSING


def _ld_days(text: str) -> list[str]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return []
    rows = data if isinstance(data, list) else data.get("@graph", [data]) if isinstance(data, dict) else []
    return (
        [str(r["datePublished"]) for r in rows if isinstance(r, dict) and r.get("datePublished")]
        if isinstance(rows, list)
        else []
    )


def pdf_text(raw: bytes) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Return the text of a PDF, a paragraph a line, and the page that each part comes from.

    Lines that a full line's end broke are joined (with the hyphen dropped inside a word), so that a quote can be found
    as it reads. Raises `MissingExtra` without pypdfium2, `FormatError` for a file that is no PDF or holds no text.
    """
    try:
        import pypdfium2 as pdfium  # type: ignore[import-untyped]
    except ImportError as error:
        msg = "pypdfium2"
        raise MissingExtra(msg, "documents") from error
    try:
        pdf = pdfium.PdfDocument(io.BytesIO(raw))
    except pdfium.PdfiumError as error:
        message = "The file is no readable PDF."
        raise FormatError(message) from error
    text = ""
    locator: list[tuple[int, str]] = []
    try:
        for number in range(len(pdf)):
            page = pdf[number]
            content = page.get_textpage()
            locator.append((len(text), f"page {number + 1}"))
            text += unbroken(
                content.get_text_range().replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "-\n")
            )
            content.close()
            page.close()
    finally:
        pdf.close()
    if not text.strip():
        message = "The PDF holds no text; a scan must be read by text recognition first."
        raise FormatError(message)
    return text, tuple(locator)


def unbroken(page: str) -> str:
    """Join the lines of paragraphs that a page's width broke.

    A line is broken if it is at least 0.7 of the longest and does not end a sentence, or the next begins in lower case.
    """
    lines = [line.strip() for line in page.split("\n")]
    width = max((len(line) for line in lines), default=0)
    out = ""
    for i, line in enumerate(lines):
        if not line:
            out = out.rstrip("\n") + "\n\n" if out else ""
            continue
        out += line
        after = lines[i + 1] if i + 1 < len(lines) else ""
        full = len(line) >= 0.7 * width
        ends = line.endswith((".", "!", "?", ".”", '."', ":")) and len(line) < 0.9 * width
        if not after:
            out += "\n"
        elif re.search(r"\w-$", line) and after[:1].islower():
            out = out[:-1]
        elif after[:1].islower() or (full and not ends):
            out += " "
        else:
            out += "\n\n"
    return out.rstrip("\n") + "\n\n" if out else ""
