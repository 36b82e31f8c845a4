"""Fuzz target of the article reader: any bytes give a document or a plain refusal, and exact quotes.

Run `python tests/fuzz_evidence.py -runs=100000 -max_len=4096` (needs the extra `soak`).
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["karavan.evidence"]):
    from karavan.errors import KaravanError
    from karavan.evidence.documents import read_document
    from karavan.evidence.extract import extract

MEDIA = ("text/plain", "text/html")


def one_input(data: bytes) -> None:
    """Read one input as text or as a page and check every quote."""
    media = MEDIA[data[0] % len(MEDIA)] if data else MEDIA[0]
    try:
        document = read_document(data[1:], media_type=media)
        facts = extract(document)
    except KaravanError:
        return
    for fact in facts:
        assert document.text[fact.start : fact.end] == fact.quote


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
