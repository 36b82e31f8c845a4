"""The ledger of facts with many facts: how long it takes to fill, to ask, and how much memory is used.

Run `python benchmarks/bench_ledger.py [facts] [place]`; it writes `benchmarks/results/ledger.json` and `ledger.md`. The
facts are drawn from a fixed seed, half of them recorded on an earlier day, some decided upon: pairs of countries as
unevenly as in the news (Zipf), 20 indicators, 26 years, quotes of common and rare words. Wall milliseconds of one
question, warm, `REPEATS` different questions of each kind. PostgreSQL has counted its rows (ANALYZE), as it does by
itself a minute after rows were added.
"""

from __future__ import annotations

import json
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import karavan.evidence.ledger.ledger as module
from karavan.evidence.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
REPEATS = 15
EARLIER = "2024-03-01"
DECISIONS = 1000
BATCH = 5000
COUNTRIES = [f"{a}{b}{c}" for a in "ABCDEF" for b in "ABCDE" for c in "XY"]
INDICATORS = [f"indicator_{k:02}" for k in range(20)]
RARE = [f"word{k:05}" for k in range(20_000)]


def pairs(draw: random.Random) -> list[tuple[str, str]]:
    """Return all pairs of countries in an order of their own."""
    found = [(a, b) for k, a in enumerate(COUNTRIES) for b in COUNTRIES[k + 1 :]]
    draw.shuffle(found)
    return found


def facts(count: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Give facts as JSON objects, the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311
    order = pairs(draw)
    weights = [1 / (k + 1) for k in range(len(order))]
    for k, pair in enumerate(draw.choices(order, weights, k=count)):
        year, value = draw.randint(2000, 2025), draw.randint(1, 9999)
        quote = f"trade between {pair[0]} and {pair[1]} came to ${value} million in {year}, said {draw.choice(RARE)}"
        yield {
            "id": f"{k:016x}", "document": f"{k // 10}.txt", "document_id": f"d{k // 10}", "kind": "figure",
            "status": "accepted", "reason": "", "indicator": draw.choice(INDICATORS), "areas": list(pair),
            "value": value * 1e6, "unit": "USD", "period": f"{year}-01-01/{year}-12-31", "comparator": "=",
            "transformation": "level", "quote": quote, "start": 0, "end": len(quote), "published": f"{year + 1}-02-01",
            "extractor": "rules", "extractor_version": "1",
        }  # fmt: skip


def fill(ledger: Ledger, count: int) -> float:
    """Add facts in batches and return the seconds."""
    began, batch = time.perf_counter(), []
    for k, fact in enumerate(facts(count), start=1):
        batch.append(fact)
        if len(batch) == BATCH or k == count:
            with recorded_on(EARLIER if k <= count // 2 else None):
                ledger.add_facts(batch)
            batch = []
    seconds = time.perf_counter() - began
    for k in range(0, count, count // DECISIONS):
        ledger.review(f"{k:016x}", "reject", "bench")
    return seconds


@contextmanager
def recorded_on(day: str | None) -> Iterator[None]:
    """Let the ledger's clock show a day."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromisoformat(f"{day}T12:00:00+00:00") if day else datetime.now(tz)

    module.datetime = Clock
    try:
        yield
    finally:
        module.datetime = datetime


def questions(ledger: Ledger) -> dict[str, Callable[[random.Random], Any]]:
    """Return one function a kind of question; each draws what it asks."""
    order = pairs(random.Random(1))  # noqa: S311
    past, before = ledger.as_of(EARLIER), ledger.as_of("2001-01-01")

    def year(draw: random.Random) -> str:
        return str(draw.randint(2000, 2025))

    return {
        "about: commonest pair, 200 latest": lambda d: ledger.about(order[d.randint(0, 2)], limit=200),
        "about: any pair, indicator, year": lambda d: ledger.about(
            d.choice(order[:50]), indicator=d.choice(INDICATORS), period=year(d)
        ),
        "about: any pair and year": lambda d: ledger.about(d.choice(order[:50]), period=year(d), limit=200),
        "about: one country, indicator, year": lambda d: ledger.about(
            [d.choice(COUNTRIES)], indicator=d.choice(INDICATORS), period=year(d), limit=200
        ),
        "as_of: any pair, 200 latest": lambda d: past.about(d.choice(order[:50]), limit=200),
        "as_of: before anything was recorded": lambda d: before.about(order[d.randint(0, 2)], limit=200),
        "as_of: one fact": lambda d: past.fact(f"{d.randint(0, 900):016x}"),
        "search: a word of every quote": lambda d: ledger.search(d.choice(["trade", "million", "between"])),
        "search: two common words": lambda d: ledger.search(f"{d.choice(COUNTRIES)} {year(d)}"),
        "search: a rare word": lambda d: ledger.search(d.choice(RARE)),
        "search: a phrase": lambda d: ledger.search(f'"million in {year(d)}"'),
        "as_of: search": lambda d: past.search(f"{d.choice(COUNTRIES)} {d.choice(RARE)}"),
    }


def measure(place: str, count: int) -> dict[str, Any]:
    """Fill a ledger and ask it; return seconds, milliseconds and megabytes."""
    with Ledger(place) as ledger:
        seconds = fill(ledger, count)
        if place.startswith("postgres"):
            ledger._store.run("ANALYZE")
        asked = {}
        for name, ask in questions(ledger).items():
            draw, times = random.Random(7), []  # noqa: S311
            ask(draw)
            for _ in range(REPEATS):
                began = time.perf_counter()
                ask(draw)
                times.append(1000 * (time.perf_counter() - began))
            asked[name] = {"median_ms": round(statistics.median(times), 2), "worst_ms": round(max(times), 2)}
    return {
        "facts": count, "fill_s": round(seconds, 1), "facts_per_s": round(count / seconds),
        "megabytes_of_memory": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "questions": asked,
    }  # fmt: skip


def write(results: dict[str, Any]) -> None:
    """Write the results as JSON and as a table."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ledger.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    lines = [f"Ledger of facts, {results['machine']}, {results['commit']}.", ""]
    for name, found in results["stores"].items():
        speed = f"filled at {found['facts_per_s']:,} a second, {found['megabytes_of_memory']} MB of memory"
        lines += [f"{name}: {found['facts']:,} facts, {speed}.", ""]
        lines += ["| question | median ms | worst ms |", "|---|---|---|"]
        lines += [f"| {q} | {t['median_ms']} | {t['worst_ms']} |" for q, t in found["questions"].items()]
        lines += [""]
    (RESULTS / "ledger.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Measure SQLite in a temporary folder, or the place given, and keep what was measured of other places."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    known = json.loads((RESULTS / "ledger.json").read_text()) if (RESULTS / "ledger.json").is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        place = sys.argv[2] if len(sys.argv) > 2 else f"{folder}/facts.db"
        name = "PostgreSQL" if place.startswith("postgres") else "SQLite"
        stores = {**known.get("stores", {}), name: measure(place, count)}
        if name == "SQLite":
            stores[name]["megabytes_of_file"] = round(Path(place).stat().st_size / 1e6)
    machine = f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
    write({"machine": machine, "commit": done.stdout.strip() or "not committed", "stores": stores})


if __name__ == "__main__":
    main()
