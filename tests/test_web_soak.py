"""Fifty people at once for a minute: reads and routes, as a real program at this machine's own address."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from test_web_serve import served
from web_client import API

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

USERS, SECONDS = 50, 60.0
THINKING = (0.3, 1.7)  # seconds between two questions of one person: a second on average
CASE = f"{API}/cases/caspian"
READS = (
    CASE, f"{CASE}/map", f"{CASE}/map?commodity=wheat", f"{CASE}/map?year=2030",
    f"{CASE}/tables/links?filter=mode:eq:rail", f"{CASE}/tables/nodes?q=port&sort=-latitude", f"{CASE}/names?q=ak",
    f"{CASE}/records/nodes/KZ_AKT", f"{CASE}/trace/links/length_km?id=KZ_AKT-AZ_ALA-ferry", f"{CASE}/scenarios",
    f"{API}/facts", f"{API}/conflicts", f"{API}/promises", f"{API}/documents", f"{API}/about", f"{API}/basemap", "/",
)  # fmt: skip
ENDS = ("Khorgos", "Poti", "Aktau", "Almaty", "Tehran", "Bandar Abbas", "Moscow", "Istanbul", "Tashkent", "Xi'an")
GOODS = ("general cargo", "wheat", "steel")


@pytest.mark.soak
def test_fifty_users_for_a_minute(tmp_path: Path) -> None:
    took: dict[str, list[float]] = {"read": [], "route": []}
    wrong: list[str] = []
    with served(tmp_path) as (client, _, _):
        for path in READS:  # the first view of each is made once
            assert client.get(path).status_code == 200, path
        end = time.monotonic() + SECONDS
        users = [
            threading.Thread(target=visit, args=(str(client.base_url), k, end, took, wrong)) for k in range(USERS)
        ]
        for user in users:
            user.start()
        for user in users:
            user.join()
    reads, routes = np.array(took["read"]), np.array(took["route"])
    for name, seconds in (("reads", reads), ("routes", routes)):
        middle, high = np.percentile(seconds, [50, 95])
        print(f"{len(seconds)} {name}: median {middle:.3f} s, p95 {high:.3f} s, most {seconds.max():.3f} s")
    assert wrong == []
    assert len(reads) > 10 * USERS
    assert len(routes) > USERS
    assert np.percentile(reads, 95) < 1.0


def visit(base: str, seed: int, end: float, took: dict[str, list[float]], wrong: list[str]) -> None:
    """Ask one question after the other, a second apart on average; a tenth of them for routes."""
    import httpx

    own = random.Random(seed)  # noqa: S311 (no secret)
    with httpx.Client(base_url=base, timeout=60.0, trust_env=False, headers={"Accept-Encoding": "gzip"}) as client:
        while time.monotonic() < end:
            time.sleep(own.uniform(*THINKING))
            kind = "route" if own.random() < 1 / 10 else "read"
            began = time.monotonic()
            answer = _route(client, own) if kind == "route" else client.get(own.choice(READS))
            took[kind].append(time.monotonic() - began)
            known = (200, 304) if kind == "read" else (200, 422)  # 422: there is no way between two places
            if answer.status_code not in known:
                wrong.append(f"{answer.status_code} {answer.request.url}: {answer.text[:200]}")


def _route(client: httpx.Client, own: random.Random) -> httpx.Response:
    start, end = own.sample(ENDS, 2)
    asked = {"origin": start, "destination": end, "commodity": own.choice(GOODS), "tonnes": own.choice((10, 20, 500))}
    return client.post(f"{CASE}/routes", json=asked)
