"""Long runs of the article reader: memory stays flat, and no bytes break it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from karavan.evidence.documents import read_document
from karavan.evidence.extract import extract

HERE = Path(__file__).parent


def resident_mb() -> float:
    """Return the memory this process holds now, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_memory_stays_flat_over_a_hundred_thousand_articles():
    gold = [(HERE / "evidence_gold" / f"{name}.jsonl").read_text(encoding="utf-8") for name in ("dev", "test")]
    texts = [json.loads(line)["text"] for part in gold for line in part.splitlines()]
    early = 0.0
    for i in range(100_000):
        extract(read_document(f"{texts[i % len(texts)]}\n\nItem {i}."))
        if i == 5_000:
            early = resident_mb()
    assert resident_mb() < early + 20


@pytest.mark.soak
def test_no_bytes_break_the_reader(tmp_path):
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed (extra `soak`)")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for i, line in enumerate((HERE / "evidence_gold" / "dev.jsonl").read_text(encoding="utf-8").splitlines()):
        (corpus / f"{i}").write_bytes(b"\0" + json.loads(line)["text"].encode())
        (corpus / f"{i}h").write_bytes(b"\1<html><body><p>" + json.loads(line)["text"].encode() + b"</p></body></html>")
    command = [sys.executable, str(HERE / "fuzz_evidence.py"), "-runs=30000", "-max_len=4096", "-seed=1", str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
