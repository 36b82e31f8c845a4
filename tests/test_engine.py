"""The same bytes from one process, several, and a Ray cluster; nothing is lost when a worker dies."""

from __future__ import annotations

import builtins
import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assign_problems import random_problem

from karavan.assignment.draws import draws
from karavan.errors import CaseError, Finding, KaravanError, MissingExtra, NameNotFound
from karavan.problem import Problem, perturb
from karavan.scenario.engine import ProcessEngine, in_order, make_engine, sweep
from karavan.schema.io.folder import write_case

FIELDS = ("objective", "bound", "gap", "served", "unserved", "row_use", "dual", "fell_back")


def problem() -> Problem:
    """Return a problem with some demand and tight rows."""
    p = random_problem(11, n_nodes=10, n_arcs=60, n_classes=2, n_rows=8, n_demands=12)
    return perturb(p, rhs=np.minimum(p.rhs, 20.0))


def perturbations(n: int) -> list[dict[str, Any]]:
    """Return draws of capacities and costs."""
    p, rng = problem(), np.random.default_rng(5)
    return [
        {"rhs": p.rhs * rng.lognormal(0.0, 0.3, p.n_rows), "cost": p.cost * rng.lognormal(0.0, 0.1, p.n_arcs)}
        for _ in range(n)
    ]


def squared(shared: int, item: int) -> int:
    """Return shared + item squared."""
    return shared + item * item


def failing(shared: str, item: int) -> int:
    """Raise an error that is made of more than its text."""
    raise NameNotFound(shared, "number", [str(item)])


def dying(folder: str, item: int) -> int:
    """Kill its own process the first time it has an item; the next who has it finds the note."""
    note = Path(folder) / f"{item}"
    if item % 3 == 0 and not note.exists():
        note.write_text("was here", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def always_dying(_: None, item: int) -> int:
    """Kill its process every time."""
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_processes_give_items_back_in_order_and_errors_whole(tmp_path: Path) -> None:
    engine = ProcessEngine(2)
    assert in_order(engine, squared, 10, list(range(7))) == [10 + i * i for i in range(7)]
    with pytest.raises(NameNotFound, match="'x'") as raised:
        in_order(engine, failing, "x", [1])
    assert raised.value.suggestions == ("1",)
    assert in_order(engine, dying, str(tmp_path), list(range(5))) == list(range(5))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "3"]
    with pytest.raises(KaravanError, match="2 of 2 parts"):
        in_order(engine, always_dying, None, [1, 2])


def test_a_sweep_is_the_same_whoever_works() -> None:
    p, changed = problem(), perturbations(9)
    alone = draws(p, changed)
    spread = sweep(p, changed, engine=ProcessEngine(2), start=alone.start)
    for name in FIELDS:
        assert getattr(spread, name).tobytes() == getattr(alone, name).tobytes(), name
    none = sweep(p, [], engine=ProcessEngine(2))
    assert none.objective.size == 0
    assert none.served.shape == (0, p.n_demands)


def test_errors_come_back_from_other_processes_as_they_were() -> None:
    finding = Finding("error", "links.csv", 3, "km", "is empty", "fill it")
    back = pickle.loads(pickle.dumps(CaseError("tiny", [finding])))  # noqa: S301
    assert (type(back), back.findings, str(back)) == (CaseError, (finding,), str(CaseError("tiny", [finding])))
    assert pickle.loads(pickle.dumps(MissingExtra("ray", "cluster"))).extra == "cluster"  # noqa: S301


def test_without_the_extra_ray_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name == "ray":
            raise ImportError(name)
        return real(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"karavan\[cluster\]"):
        make_engine("ray")
    with pytest.raises(ValueError, match="no address"):
        make_engine("processes", address="auto")


KILLED = """
import json, os, signal, sys, threading, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import numpy as np
from karavan.assignment.draws import draws
from karavan.model import build_model, problem_of
from karavan.scenario.engine import make_engine, sweep
from karavan.scenario.run import run
from karavan.scenario.scenario import Scenario
from karavan.scenario.study import Study
from karavan.schema.io.packs import read_pack


def mine(pid):
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if pid == os.getpid():
            return True
    return False


def workers():
    # worker processes of the Ray that this program started, which are at work
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if b"ray::_on_cluster" in (entry / "cmdline").read_bytes() and mine(int(entry.name)):
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


killed = []


def kill_one():
    until = time.time() + 300
    while time.time() < until and not killed:
        for pid in workers()[:1]:
            time.sleep(0.3)
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        time.sleep(0.05)


def with_a_death(work):
    killed.clear()
    thread = threading.Thread(target=kill_one)
    thread.start()
    out = work()
    thread.join()
    return out


p = problem_of(build_model(read_pack("caspian")))
rng = np.random.default_rng(1)
changed = [{"rhs": p.rhs * rng.lognormal(0, 0.2, p.n_rows), "tonnes": p.tonnes * rng.lognormal(0, 0.2, p.n_demands)}
           for _ in range(int(sys.argv[3]))]
alone = draws(p, changed)
engine = make_engine("ray", workers=2)
began = time.time()
spread = with_a_death(lambda: sweep(p, changed, engine=engine, start=alone.start))
seconds = time.time() - began
same = all(getattr(alone, n).tobytes() == getattr(spread, n).tobytes()
           for n in ("objective", "bound", "gap", "served", "unserved", "row_use", "dual", "fell_back"))
draws_killed = len(killed)

folder = Path(sys.argv[2])
more = [Scenario.of(f"by{k}", {"scale": "demand", "field": "tonnes", "by": 1.0 + 0.1 * k, "because": "a test"})
        for k in range(1, 5)]
study = Study("soak", folder / "case", (2024, 2030), tuple(more))
run(study, folder / "one", workers=1)
results = with_a_death(lambda: run(study, folder / "ray", engine=engine))
equal = all((folder / "ray" / f.relative_to(folder / "one")).read_bytes() == f.read_bytes()
            for f in sorted((folder / "one").rglob("*")) if f.is_file())
print(json.dumps({"same": same, "draws": len(changed), "seconds": seconds, "draws_killed": draws_killed,
                  "cells": len(results.worked), "cells_killed": len(killed), "equal": equal,
                  "workers": engine.workers}))
"""


@pytest.mark.soak
def test_ray_of_two_workers_loses_nothing_when_one_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from karavan.schema.io.packs import read_pack

    write_case(read_pack("caspian"), tmp_path / "case")
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    arguments = [sys.executable, str(script), str(Path(__file__).parent), str(tmp_path), "1000"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["workers"] == 2
    assert (found["draws"], found["draws_killed"], found["same"]) == (1000, 1, True)
    assert (found["cells"], found["cells_killed"], found["equal"]) == (10, 1, True)
