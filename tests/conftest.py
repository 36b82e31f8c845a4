"""What tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# Compiling a kernel in the first example takes longer than any deadline.
settings.register_profile("karavan", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("karavan")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of public benchmark data and facts beside the checkout; skip where there is none."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no benchmark data beside the checkout ({folder})")
    return folder
