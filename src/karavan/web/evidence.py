# ruff: noqa: TC001, TC003 (FastAPI reads annotations when the program runs)
"""Endpoints of the ledger: documents, facts and decisions on them, conflicts, promises and series."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile

import karavan as kv
from karavan.web import models
from karavan.web.answers import SafeJSON
from karavan.web.look import case_words, state_of
from karavan.web.plan import Wait, job_answer, ledger_words
from karavan.web.state import State
from karavan.web.uploads import keep_article

router = APIRouter(prefix="/api/v1", tags=["evidence"])
Short = Annotated[str | None, Query(max_length=100)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Limit = Annotated[int, Query(ge=1, le=500)]
MOST_JUDGED = 100  # promises of a ledger that are judged without being asked
NOT_JUDGED: dict[str, Any] = {"verdict": None, "why": None, "pace": None}


def _known(state: State, what: str, make: Callable[[kv.Ledger], Any]) -> Any:
    """Return what was made of the ledger, made anew where something has been added since."""
    with state.facts() as view:
        key = (what, view.revision(), datetime.now(UTC).date().isoformat())
        return state.kept.get(key, lambda: make(view))


@router.get("/documents", response_model=models.Listing)
def documents(request: Request) -> Any:
    """List the documents that were read."""
    return SafeJSON({"documents": _known(state_of(request), "documents", kv.document_list)})


@router.get("/documents/{document}", response_model=models.Listing)
def document(request: Request, document: str) -> Any:
    """Return a document, cut where its facts begin and end."""
    with state_of(request).facts() as view:
        return SafeJSON(kv.document_record(view, document))


@router.post("/documents", response_model=models.Listing, tags=["writing"])
async def add_document(
    request: Request, file: Annotated[UploadFile, File()], published: Annotated[str, Form(max_length=10)] = "",
    address: Annotated[str, Form(max_length=500)] = "", publisher: Annotated[str, Form(max_length=200)] = "",
) -> Any:  # fmt: skip
    """Read an article (text, HTML, PDF) into the ledger. Its words are text: nothing in it is ever run."""
    state = state_of(request)

    def work() -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="karavan-") as folder, state.facts() as ledger:
            keep_article(file.file, file.filename or "", Path(folder), published, address, publisher)
            return kv.jsonable(ledger.add_documents(folder))  # type: ignore[no-any-return]

    return SafeJSON(await state.reckon(work))


@router.get("/facts", response_model=models.Listing)
def facts(
    request: Request, kind: Short = None, status: Short = None, document: Short = None,
    q: Annotated[str, Query(max_length=200)] = "", areas: Annotated[str, Query(max_length=100)] = "",
    indicator: Short = None, period: Short = None, offset: Offset = 0, limit: Limit = 50,
) -> Any:  # fmt: skip
    """Return facts: those whose quote has some words, those about areas and an indicator, or all."""
    with state_of(request).facts() as view:
        return SafeJSON(
            kv.facts_page(view, kind=kind, status=status, document=document, search=q, areas=areas,
                          indicator=indicator, period=period, offset=offset, limit=limit)
        )  # fmt: skip


@router.get("/facts/{fact}", response_model=models.Listing)
def fact(request: Request, fact: str) -> Any:
    """Return one fact: its quote in its sentence, what it lacks, its history."""
    with state_of(request).facts() as view:
        return SafeJSON(kv.fact_history(view, fact))


@router.post("/facts/{fact}/decision", response_model=models.Listing, tags=["writing"])
def decide(request: Request, fact: str, asked: models.DecisionQuestion) -> Any:
    """Accept, correct or reject a fact. Who looked at an older version than the standing one is told so (409)."""
    decision: Any = "reject" if asked.decision == "reject" else "accept"
    if asked.decision == "correct" and not asked.fields:
        message = "say what is corrected: fields holds the slots with their right values"
        raise kv.FormatError(message)
    with state_of(request).facts() as ledger:
        ledger.review(fact, decision, asked.who, note=asked.note, changes=asked.fields,
                      expected_version=asked.expected_version)  # fmt: skip
        return SafeJSON(kv.fact_history(ledger, fact))


@router.get("/conflicts", response_model=models.Listing)
def conflicts(request: Request) -> Any:
    """Show where figures contradict each other, with the arithmetic."""
    return SafeJSON({"conflicts": _known(state_of(request), "conflicts", kv.conflict_records)})


@router.get("/indicators", response_model=models.Listing)
def indicators() -> Any:
    """List the words that name the indicator of a series."""
    return SafeJSON({"indicators": kv.indicator_names()})


@router.get("/series", response_model=models.Listing)
def series(request: Request, name: Annotated[str, Query(min_length=1, max_length=100)],
           unit: Annotated[str, Query(max_length=20)] = "") -> Any:  # fmt: skip
    """Return one series, such as "trade KZ-IR": levels said, levels implied and targets, with their chart."""
    with state_of(request).facts() as view:
        return SafeJSON(kv.series_record(view, name, unit=unit))


@router.get("/promises", response_model=models.Listing)
def promises(request: Request, case: Short = None) -> Any:
    """Return the register of promises, each with both verdicts; those of a case's network come when they are judged.

    `job` is the work that judges them, null when it is done.
    """
    state = state_of(request)
    rows = _known(state, "promises", kv.promise_records)
    verdicts, job = _judged(state, case, rows) if case else ({}, None)
    return SafeJSON({"promises": [r | verdicts.get(r["id"], NOT_JUDGED) for r in rows], "job": job})


def _judged(state: State, case: str, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], str | None]:
    """Return the verdicts on all promises of the ledger in short, by fact, or the job that works them out."""
    with state.facts() as view:
        key = ("verdicts", case, view.revision())
    own = state.case(case)
    found: dict[str, Any] | None = state.kept.peek(key)
    if found is not None or not 0 < len(rows) <= MOST_JUDGED:
        return found or {}, None

    def work(tell: Callable[[str], None]) -> int:
        shortly = kv.PromiseOptions(draws=0, settings="headline")
        try:
            with state.facts() as view:
                checks = kv.promise_all(own, view, options=shortly, progress=tell)
        except kv.KaravanError:
            state.kept.get(key, dict[str, Any])  # it would fail again
            raise
        known = {str(f): {"verdict": c.verdict, "why": c.why, "pace": kv.jsonable(c.pace.to_json())}
                 for c in checks for f in (c.fact, *c.said)}  # fmt: skip
        return len(state.kept.get(key, lambda: known))

    job = state.jobs.submit("promises", work, key=f"promises {key}")
    return state.kept.peek(key) or {}, None if job.ended else job.id


@router.get("/promises/{fact}", response_model=models.Listing)
def promise(request: Request, fact: str, case: Short = None) -> Any:
    """Return one promise with its history on a time axis."""
    state = state_of(request)
    with state.facts() as view:
        found = kv.promise_record(view, fact)
        rows = kv.promise_records(view)
    verdicts, job = _judged(state, case, rows) if case else ({}, None)
    return SafeJSON(found | verdicts.get(found["id"], NOT_JUDGED) | {"job": job})


@router.post("/promises/check", response_model=models.JobAnswer)
async def check_promise(request: Request, asked: models.PromiseQuestion, wait: Wait = 5.0) -> Any:
    """Ask the model of a case whether a promise can be carried, what binds and what would lift it."""
    state = state_of(request)
    state.case_folder(asked.case)
    if bool(asked.text.strip()) == bool(asked.promise):
        message = "give the words of a promise, or the id of a fact that says it"
        raise kv.FormatError(message)

    options = kv.PromiseOptions(target=kv.TargetOptions(year=asked.year), draws=asked.draws)

    def work(tell: Callable[[str], None]) -> dict[str, Any]:
        tell("reading the promise")
        with state.facts() as view:
            what: Any = view.fact(asked.promise) if asked.promise else asked.text
            found = kv.promise(state.case(asked.case), what, ledger=view, options=options, progress=tell)
            tell("working out what would lift it")
            return {**kv.jsonable(found.to_json()), "cli": _promise_command(state, asked)}

    job = state.jobs.submit("promise", work, key=f"promise {asked.model_dump_json()}")
    return await job_answer(job, wait)


def _promise_command(state: State, asked: models.PromiseQuestion) -> str:
    """Return the same question as it is typed."""
    words = ["karavan", "promise", asked.text or asked.promise]
    words += ledger_words(state)
    words += [] if asked.year is None else ["--year", str(asked.year)]
    return shlex.join([*words, "--draws", str(asked.draws), *case_words(state, asked.case)])
