"""What the server holds: cases read once, models and flows made when first asked for, the ledger's place, the runs."""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
import threading
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

import karavan as kv
from karavan.web.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from karavan.web.settings import Settings

T = TypeVar("T")
CASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
CASES = "cases"  # folder of uploads, within that of the runs
BRIEFS = "briefs"
WORKING = 2  # answers that are reckoned at a time: one a processor of a small machine
LOG = logging.getLogger("karavan.web")


class Shelf:
    """Values made once by key, the latest ones kept; two that ask for the same at once wait for one to make it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key, made now where it is not there."""
        with self._guard:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[no-any-return]
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._guard:
                if key in self._values:
                    return self._values[key]  # type: ignore[no-any-return]
            value = make()
            with self._guard:
                self._values[key] = value
                self._locks.pop(key, None)
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
        return value

    def peek(self, key: Hashable) -> Any:
        """Return the value of a key, None where it is not there."""
        with self._guard:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def drop(self, wanted: Callable[[Any], bool]) -> None:
        """Forget the values of some keys."""
        with self._guard:
            for key in [k for k in self._values if wanted(k)]:
                del self._values[key]


class State:
    """Everything the endpoints share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jobs = Jobs(settings.limits)
        self.shelf = Shelf(64)  # cases, models, flows
        self.kept = Shelf(400)  # finished answers, packed
        self.working = anyio.CapacityLimiter(WORKING)
        self.warm = threading.Event()
        self._folders = _folders(settings)
        self._run_locks: dict[str, threading.Lock] = {}
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.ledger, self.ledger_kind = self._choose_ledger()

    # Cases

    @property
    def folders(self) -> dict[str, Path]:
        """The folder of each case offered: packs, those named at the start, uploads."""
        uploads = self.settings.folder / CASES
        there = [p for p in sorted(uploads.glob("*")) if CASE_ID.fullmatch(p.name) and (p / "case.toml").is_file()]
        return {p.name: p for p in there} | self._folders

    @property
    def default_case(self) -> str:
        """The case that is shown first: one named at the start, else the first pack."""
        named = [*self._folders]
        return next((n for n in named if n not in kv.packs()), named[0] if named else "")

    def case_folder(self, case: str) -> Path:
        """Return the folder of a case. Raises `NameNotFound`."""
        folders = self.folders
        if case not in folders:
            raise kv.NameNotFound(case, "case", list(folders)[:5])
        return folders[case]

    def case(self, case: str) -> kv.Case:
        """Read a case, once. Raises `NameNotFound` and `CaseError`."""
        folder = self.case_folder(case)
        return self.shelf.get(("case", case), lambda: kv.read_case(folder))

    def model(self, case: str, year: int | None = None, day: str | None = None) -> kv.Model:
        """Return the model of a case in a year and on a day."""
        own = self.case(case)
        year = None if year == own.meta.year else year

        def make() -> kv.Model:
            shown = own if year is None else kv.apply(own, kv.Scenario("base"), year=year)
            return kv.build_model(shown, day=day)

        return self.shelf.get(("model", case, year, day), make)

    def router(self, case: str, day: str | None = None) -> kv.Router:
        """Return what finds routes in a case on a day."""
        return self.shelf.get(("router", case, day), lambda: kv.Router(self.model(case, day=day)))

    def flows(self, case: str, year: int | None, method: Any, *, month: bool = False) -> kv.Assignment:
        """Return the assignment of a case in a year by a method."""
        model = self.model(case, year)
        key = ("flows", case, model.case.meta.year, repr(method), month)
        return self.shelf.get(key, lambda: kv.assign(model, method=method, month=month))

    def forget(self, case: str) -> None:
        """Read a case anew when it is next asked for."""
        self.shelf.drop(lambda key: key[1] == case)
        self.kept.drop(lambda key: case in key)

    # Ledger

    @contextmanager
    def facts(self) -> Iterator[kv.Ledger]:
        """Open the ledger for one request; an open one belongs to one thread."""
        with kv.Ledger(self.ledger) as ledger:
            yield ledger

    def _choose_ledger(self) -> tuple[str, str]:
        named = self.settings.ledger
        if named is not None:
            kind = "database" if "://" in named else "file"
            if kind == "file" and not self.settings.read_write and not Path(named).is_file():
                message = f"there is no ledger {named}: name one that is there, or start with --read-write to make it"
                raise kv.FormatError(message)
            return named, kind
        own = kv.default_ledger()
        if self.settings.read_write or own.is_file():
            return str(own), "file"
        self._temporary = tempfile.TemporaryDirectory(prefix="karavan-")
        sample = f"{self._temporary.name}/facts.db"
        with kv.Ledger(sample) as ledger:
            ledger.add_documents(kv.sample_folder())
        return sample, "sample"

    # Runs

    def runs(self, case: str) -> Path:
        """Return the run folder of a case. Raises `NameNotFound`."""
        self.case_folder(case)
        return self.settings.folder / case

    @contextmanager
    def running(self, case: str) -> Iterator[None]:
        """Hold a case's run folder: two runs at a time may not share it."""
        with self._run_locks.setdefault(case, threading.Lock()):
            yield

    async def reckon(self, work: Callable[[], T]) -> T:
        """Do some work in a thread of its own, a few at a time, so that short answers need not wait for long ones."""
        return await anyio.to_thread.run_sync(work, limiter=self.working, abandon_on_cancel=True)

    def close(self) -> None:
        """Stop what is under way and take away what is temporary."""
        self.jobs.close()
        if self._temporary is not None:
            self._temporary.cleanup()


def _folders(settings: Settings) -> dict[str, Path]:
    """Return the folders of packs and of the cases named at the start."""
    found = dict(kv.packs())
    for folder in settings.cases:
        name = folder.resolve().name
        if not CASE_ID.fullmatch(name):
            message = f"{folder}: the folder's name is no name for a case; use letters, digits, - and _"
            raise kv.FormatError(message)
        if not (folder / "case.toml").is_file():
            message = f"{folder} is no case folder: it has no case.toml"
            raise kv.FormatError(message)
        found[name] = folder.resolve()
    return found


def remove_folder(folder: Path) -> None:
    """Take a folder away, whatever is in it."""
    shutil.rmtree(folder, ignore_errors=True)
