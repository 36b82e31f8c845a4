"""The shipped pack from the command line: seconds and memory, with kernels to compile and without.

Run `python benchmarks/bench_pack.py`; it writes `benchmarks/results/pack.json` and `pack.md`. Wall and CPU seconds and
largest memory of a process of its own; warm is the best of `REPEATS` runs, cold has an empty cache folder.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
REPEATS = 3
COMMANDS = {
    "help": ["--help"],
    "check": ["check", "--pack", "caspian"],
    "route": ["route", "Khorgos", "Poti", "--commodity", "general cargo", "--pack", "caspian"],
    "assign": ["assign", "--pack", "caspian"],
    "validate": ["validate", "--pack", "caspian"],
    "brief": ["brief", "--pack", "caspian", "--out", "results"],
}


def run(arguments: list[str], cache: Path) -> tuple[float, float, float]:
    """Run the program in an empty folder; return wall seconds, CPU seconds and megabytes."""
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT / "src")}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "karavan", *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"karavan {' '.join(arguments)} failed")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024.0


def measure(arguments: list[str]) -> dict[str, float]:
    """Return cold and warm seconds and megabytes of one command."""
    with tempfile.TemporaryDirectory() as cache:
        cold_wall, cold_cpu, _ = run(arguments, Path(cache))
        wall, cpu, megabytes = zip(*[run(arguments, Path(cache)) for _ in range(REPEATS)], strict=True)
    found = {"cold_s": cold_wall, "cold_cpu_s": cold_cpu, "warm_s": min(wall), "warm_cpu_s": min(cpu)}
    return {name: round(seconds, 2) for name, seconds in found.items()} | {"megabytes": round(max(megabytes))}


def commit() -> str:
    """Return the commit that was measured."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "not committed"


def main() -> None:
    """Measure every command and write the results."""
    found = {name: measure(arguments) for name, arguments in COMMANDS.items()}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; commit {commit()}"
    lines = ["# The Caspian pack from the command line", "", f"{machine}. Made by `benchmarks/bench_pack.py`.", ""]
    heads = ("command", "cold, s", "cold, CPU s", "warm, s", "warm, CPU s", "memory, MB")
    lines += [f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(str(v) for v in row.values())} |" for name, row in found.items()]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "pack.json").write_text(json.dumps({"machine": machine, "commands": found}, indent=1) + "\n")
    (RESULTS / "pack.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
