"""Long work: some at a time, some waiting, each with its progress, and stopped when nobody wants it any more."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import karavan as kv
from karavan.web.answers import error_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from karavan.web.settings import Limits

    Work = Callable[[Callable[[str], None]], Any]

KEPT = 200  # finished jobs that can still be asked about; their results are in the run store
ENDED = ("done", "failed", "cancelled")
LOG = logging.getLogger("karavan.web")


class Busy(kv.KaravanError):
    """As much work is waiting as may wait."""


class _Stopped(Exception):
    """The work was cancelled, or takes too long; raised from where it tells its progress."""


@dataclass(slots=True, eq=False)
class Job:
    """A piece of long work. `told` is its progress: seconds since it began, and words."""

    id: str
    kind: str
    state: str = "queued"
    told: list[tuple[float, str]] = field(default_factory=list)
    result: Any = None
    error: dict[str, Any] | None = None
    stop: str = ""
    future: Future[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED

    def record(self, *, whole: bool = True) -> dict[str, Any]:
        """Return the job as plain data."""
        out: dict[str, Any] = {
            "job": self.id,
            "kind": self.kind,
            "state": self.state,
            "text": self.told[-1][1] if self.told else "",
            "progress": [{"seconds": round(s, 2), "text": t} for s, t in list(self.told)],
        }
        if whole and self.state == "done":
            out["result"] = self.result
        if self.error is not None:
            out["error"] = self.error
        return out


class Jobs:
    """All jobs of a server. Safe to use from any thread."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._pool = ThreadPoolExecutor(limits.jobs, thread_name_prefix="karavan-job")
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._same: dict[str, Job] = {}
        self._lock = threading.Lock()

    def submit(self, kind: str, work: Work, *, key: str = "") -> Job:
        """Begin some work, or return the job that does the same already. Raises `Busy`."""
        with self._lock:
            running = self._same.get(key)
            if key and running is not None and not running.ended and not running.stop:
                return running
            waiting = sum(not j.ended for j in self._jobs.values())
            if waiting >= self.limits.jobs + self.limits.queue:
                message = f"{waiting} pieces of work are under way or waiting; try again in a while"
                raise Busy(message)
            job = Job(secrets.token_urlsafe(12), kind)
            self._jobs[job.id] = job
            self._same[key] = job
            self._forget()
            job.future = self._pool.submit(self._do, job, work)
        return job

    def get(self, job_id: str) -> Job:
        """Return a job. Raises `NameNotFound`."""
        with self._lock:
            if job_id not in self._jobs:
                raise kv.NameNotFound(job_id, "job (finished work is in the list of runs)")
            return self._jobs[job_id]

    def cancel(self, job_id: str) -> Job:
        """Stop a job: at once where it waits, else where it next tells its progress."""
        job = self.get(job_id)
        if not job.ended:
            job.stop = "cancelled"
            if job.future is not None and job.future.cancel():
                job.state = "cancelled"
        return job

    def close(self) -> None:
        """Stop all work."""
        for job in list(self._jobs.values()):
            job.stop = job.stop or "cancelled"
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self) -> None:
        for old in [i for i, j in self._jobs.items() if j.ended][: max(len(self._jobs) - KEPT, 0)]:
            del self._jobs[old]
        self._same = {k: j for k, j in self._same.items() if k and not j.ended}

    def _do(self, job: Job, work: Work) -> None:
        began = time.monotonic()

        def tell(text: str) -> None:
            seconds = time.monotonic() - began
            if seconds > self.limits.job_seconds:
                job.stop = f"stopped: it took more than {self.limits.job_seconds:g} seconds"
            if job.stop:
                raise _Stopped
            job.told.append((seconds, text))

        try:
            tell("begun")
            job.state = "running"
            result = work(tell)
            tell("done")
            job.result, job.state = result, "done"
        except _Stopped:
            job.error = None if job.stop == "cancelled" else {"error": job.stop, "type": "TooLong"}
            job.state = "cancelled" if job.stop == "cancelled" else "failed"
        except kv.KaravanError as error:
            job.error, job.state = error_record(error), "failed"
        except Exception:
            fault = secrets.token_hex(6)
            LOG.exception("fault %s in job %s (%s)", fault, job.id, job.kind)
            words = f"a fault of Karavan (number {fault}); the server's log says more"
            job.error, job.state = {"error": words, "type": "Fault", "fault": fault}, "failed"
