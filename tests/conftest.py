"""What tests share."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# Compiling a kernel in the first example takes longer than any deadline. The examples are the same in every run, so
# that a change is judged by itself; HYPOTHESIS_PROFILE=explore tries new ones.
settings.register_profile("karavan", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "karavan"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of public benchmark data and facts beside the checkout; skip where there is none."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no benchmark data beside the checkout ({folder})")
    return folder


SOAK: list[dict[str, object]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep how long each long run took."""
    if report.when == "call" and "soak" in report.keywords:
        SOAK.append({"test": report.nodeid, "outcome": report.outcome, "seconds": round(report.duration, 1)})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results of long runs (`make soak`) to `benchmarks/results/soak.json`, with machine and commit."""
    if not SOAK or "not soak" in str(session.config.option.markexpr):
        return
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    path = ROOT / "benchmarks" / "results" / "soak.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    new = [run | {"commit": commit, "machine": machine} for run in SOAK]
    names = {run["test"] for run in new}
    runs = sorted([*new, *(run for run in kept if run["test"] not in names)], key=lambda run: str(run["test"]))
    path.write_text(json.dumps({"runs": runs}, indent=2) + "\n", encoding="utf-8")
