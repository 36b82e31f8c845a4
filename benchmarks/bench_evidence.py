"""Reading articles: articles a second on one core, and how the time splits; text of our own gold and, if there, more.

Run `python benchmarks/bench_evidence.py [folder of .txt]`; it writes `benchmarks/results/evidence.json` and
`evidence.md`. CPU seconds of this process, best of `REPEATS` rounds; an article here is an article's worth of
`WORDS` words made of the gold's short texts, so that numbers compare from machine to machine.
"""

from __future__ import annotations

import json
import platform
import resource
import sys
import time
from pathlib import Path

from karavan.evidence.documents import read_document
from karavan.evidence.extract import extract

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
GOLD = ROOT / "tests" / "evidence_gold"
REPEATS = 5
WORDS = 500


def own_articles() -> list[str]:
    """Return articles of about `WORDS` words, made of the gold's texts one after another."""
    texts = [json.loads(line)["text"] for split in ("dev", "test") for line in (GOLD / f"{split}.jsonl").open()]
    articles, current = [], ""
    for text in texts:
        current = f"{current}\n\n{text}" if current else text
        if len(current.split()) >= WORDS:
            articles.append(current)
            current = ""
    return articles


def measure(articles: list[str]) -> dict[str, float]:
    """Return articles a second for reading alone and for reading with extraction, and facts an article."""
    read = both = float("inf")
    facts = 0
    for _ in range(REPEATS):
        start = time.process_time()
        documents = [read_document(text) for text in articles]
        middle = time.process_time()
        facts = sum(len(extract(document)) for document in documents)
        end = time.process_time()
        read, both = min(read, middle - start), min(both, end - start)
    return {
        "articles": len(articles),
        "words_an_article": round(sum(len(a.split()) for a in articles) / len(articles)),
        "documents_a_second": round(len(articles) / read, 1),
        "articles_a_second": round(len(articles) / both, 1),
        "facts_an_article": round(facts / len(articles), 1),
    }


def main() -> None:
    """Measure and write the results."""
    sets = {"own": own_articles()}
    if len(sys.argv) > 1:
        sets["folder"] = [p.read_text(encoding="utf-8") for p in sorted(Path(sys.argv[1]).glob("*.txt"))]
    rows = {name: measure(articles) for name, articles in sets.items()}
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    out = {"machine": platform.processor() or platform.machine(), "python": platform.python_version(), "peak_mb": peak}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "evidence.json").write_text(json.dumps(out | {"sets": rows}, indent=1) + "\n", encoding="utf-8")
    keys = list(next(iter(rows.values())))
    lines = ["| set | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(str(row[k]) for k in keys) + " |" for name, row in rows.items()]
    text = "\n".join([*lines, "", f"Python {out['python']}, one core, peak memory {peak} MB.", ""])
    (RESULTS / "evidence.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
