# ruff: noqa: TC001, TC003 (FastAPI reads annotations when the program runs)
"""Endpoints that answer a question: routes, assignments, scenarios and their runs, comparison, briefs."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, Response

import karavan as kv
from karavan.web import models
from karavan.web.answers import SafeJSON
from karavan.web.jobs import Job
from karavan.web.look import MEDIA, assign_command, case_words, state_of
from karavan.web.state import BRIEFS, State

router = APIRouter(prefix="/api/v1", tags=["plan"])
Wait = Annotated[float, Query(ge=0, le=20, description="Seconds to wait for the result before 202 is answered.")]
RUN = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)~([A-Za-z0-9][A-Za-z0-9_.+-]*)~(\d{4})(~month)?")
BRIEF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*~brief-(said-)?[0-9a-f]{8}")
BRIEF_PAGE = "brief.html"
BRIEF_DRAWS = 100
LOOK, QUIET = 0.1, 100  # seconds between two looks at a job, looks after which something is said all the same
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox allow-popups"
SHIPMENT = ("ready", "window_days", "deadline", "within_days", "incoterm", "incoterm_place", "unit")
OPTIONS = ("objectives", "resolution", "certified", "budget", "avoid", "only", "comply", "closed", "include",
           "usd_year", "draws", "seed")  # fmt: skip
SWITCHES = {"window_days": "window", "within_days": "within", "objectives": "objective"}  # called so when typed


async def job_answer(job: Job, wait: float) -> Response:
    """Answer with a job's result where it comes within some seconds, else with the job."""
    if job.future is not None and wait > 0:
        await asyncio.wait([asyncio.wrap_future(job.future)], timeout=wait)
    return SafeJSON(job.record(), 200 if job.ended else 202)


@router.post("/cases/{case}/routes", response_model=models.RouteAnswer)
async def routes(request: Request, case: str, asked: models.RouteQuestion) -> Any:
    """Find routes of a shipment: the cheapest and other sensible ones."""
    state = state_of(request)
    key = ("route", case, asked.model_dump_json())
    found = state.kept.peek(key)
    return SafeJSON(found or await state.reckon(lambda: state.kept.get(key, lambda: _routes(state, case, asked))))


def _routes(state: State, case: str, asked: models.RouteQuestion) -> dict[str, Any]:
    began = time.perf_counter()
    given = asked.model_fields_set  # what was not said is as the front door has it
    said = {k: getattr(asked, k) for k in SHIPMENT if k in given and getattr(asked, k) is not None}
    chosen = {k: getattr(asked, k) for k in OPTIONS if k in given and getattr(asked, k)}
    shipment = kv.Shipment(asked.origin, asked.destination, asked.commodity, asked.tonnes, **said)
    options = kv.RouteOptions(alternatives=asked.alternatives, **chosen)
    answer = kv.route_answer(state.router(case, asked.day), shipment, options, odds=asked.draws > 0)
    seconds = round(time.perf_counter() - began, 3)
    return answer | {"case": case, "cli": _route_command(state, case, asked), "seconds": seconds}


def _route_command(state: State, case: str, asked: models.RouteQuestion) -> str:
    """Return the same question as it is typed."""
    words = ["karavan", "route", asked.origin, asked.destination, "--commodity", asked.commodity]
    words += ["--tonnes", f"{asked.tonnes:g}", "--alternatives", str(asked.alternatives)]
    for name in ("day", *SHIPMENT, *OPTIONS):
        value = getattr(asked, name) if name in asked.model_fields_set else None
        switch = f"--{SWITCHES.get(name, name).replace('_', '-')}"
        if isinstance(value, bool):
            words += [switch] if value else []
        elif isinstance(value, dict):
            words += [w for k, v in value.items() for w in (switch, f"{k}={v}")]
        elif isinstance(value, list):
            words += [w for v in value for w in (switch, v)]
        elif value is not None:
            words += [switch, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join([*words, *case_words(state, case)])


@router.post("/cases/{case}/assignments", response_model=models.JobAnswer)
async def assignments(request: Request, case: str, asked: models.AssignQuestion, wait: Wait = 5.0) -> Any:
    """Assign the demand of a case to its network."""
    state = state_of(request)
    method = _method(asked)
    state.case_folder(case)
    more = ["--objective", asked.objective] + ([] if asked.theta is None else ["--theta", f"{asked.theta:g}"])
    words = assign_command(state, case, asked.method, year=asked.year, month=asked.month, more=more)

    def work(tell: Callable[[str], None]) -> dict[str, Any]:
        tell("assigning the demand")
        flows = state.flows(case, asked.year, method, month=asked.month)
        short = flows.pairs[flows.pairs["reason"] != ""].sort_values("unserved", ascending=False)
        found = {"summary": flows.summary, "over_capacity": kv.over_capacity(flows), "bottlenecks": flows.bottlenecks(),
                 "unserved": short, "pairs": len(flows.pairs)}  # fmt: skip
        return {**kv.jsonable(found), "cli": words}

    job = state.jobs.submit("assignment", work, key=f"assign {case} {asked.model_dump_json()}")
    return await job_answer(job, wait)


def _method(asked: models.AssignQuestion) -> Any:
    if asked.method == "logit":
        if asked.theta is None:
            message = "logit needs theta: there is no usual value"
            raise kv.FormatError(message)
        return kv.Logit(theta=asked.theta)
    return kv.AllOrNothing() if asked.method == "all-or-nothing" else kv.LeastCost(objective=asked.objective)


# What if


@router.get("/cases/{case}/scenarios", response_model=models.Listing)
def scenarios(request: Request, case: str) -> Any:
    """Return the switches and sliders of a case: scenarios, projects, water levels, closures, demand."""
    state = state_of(request)
    return SafeJSON(state.kept.get(("board", case), lambda: kv.scenario_board(state.case(case))))


@router.post("/cases/{case}/scenarios/run", response_model=models.JobAnswer)
async def run_scenario(request: Request, case: str, asked: models.ScenarioQuestion, wait: Wait = 5.0) -> Any:
    """Run a scenario beside the base; the result is kept in the run store."""
    state = state_of(request)
    own = state.case(case)
    scenario = kv.combined(own, asked.scenarios, asked.changes, title=asked.title)
    year = asked.year if asked.year is not None else own.meta.year
    if year is None:
        message = f"case {case} has no year; say for which the scenario is to be run"
        raise kv.ScenarioError(message)

    def work(tell: Callable[[str], None]) -> dict[str, Any]:
        tell(f"running {scenario.title or scenario.name}")
        with state.running(case):
            kv.run_scenario(own, scenario, state.runs(case), year=year, month=asked.month, progress=tell)
        tell("comparing with the base")
        return _run_record(state, f"{case}~{scenario.name}~{year}{'~month' if asked.month else ''}")

    job = state.jobs.submit("scenario", work, key=f"run {case} {scenario.name} {year} {asked.month}")
    return await job_answer(job, wait)


def _run_of(run: str) -> tuple[str, str, int, bool]:
    found = RUN.fullmatch(run)
    if not found:
        raise kv.NameNotFound(run, "run")
    return found[1], found[2], int(found[3]), bool(found[4])


def _run_record(state: State, run: str) -> dict[str, Any]:
    case, scenario, year, month = _run_of(run)
    folder = state.runs(case)
    if not (folder / kv.run_path(scenario, year, month=month) / "manifest.json").is_file():
        raise kv.NameNotFound(run, "run", [r["run"] for r in _run_list(state)][:3])
    paths = (folder / kv.run_path(name, year, month=month) for name in ("base", scenario))
    record = kv.run_record(state.case(case), folder, scenario, year, month=month)
    return {"run": run, "case": case, "cli": shlex.join(["karavan", "compare", *map(str, paths)])} | record


def _run_list(state: State) -> list[dict[str, Any]]:
    found = [
        r | {"case": case, "run": _run_name(case, r)} for case in state.folders for r in kv.run_list(state.runs(case))
    ]
    return sorted(found, key=lambda r: (r["finished"], r["run"]), reverse=True)


def _run_name(case: str, run: dict[str, Any]) -> str:
    return f"{case}~{run['scenario']}~{run['year']}{'~month' if run['period'] == 'month' else ''}"


@router.get("/runs", response_model=models.Listing)
def runs(request: Request) -> Any:
    """List the finished runs, the latest first."""
    return SafeJSON({"runs": _run_list(state_of(request))})


@router.get("/runs/{run}", response_model=models.Listing)
async def run(request: Request, run: str) -> Any:
    """Return a finished run beside its base."""
    state = state_of(request)
    return SafeJSON(await state.reckon(lambda: _run_record(state, run)))


@router.get("/runs/{run}/scenario.toml", response_class=Response)
def run_file(request: Request, run: str) -> Response:
    """Return the scenario file of a run, for the command line."""
    state = state_of(request)
    case, scenario, year, month = _run_of(run)
    text = kv.run_record(state.case(case), state.runs(case), scenario, year, month=month)["toml"]
    return _attached(text.encode(), f"{scenario}.toml", "application/toml")


@router.get("/runs/{run}/tables/{table}", response_class=Response)
def run_table(
    request: Request, run: str, table: str, form: Annotated[Literal["csv", "parquet"], Query(alias="format")] = "csv"
) -> Response:
    """Return a table of a run as a file."""
    state = state_of(request)
    case, scenario, year, month = _run_of(run)
    tables = kv.read_outcome(state.runs(case) / kv.run_path(scenario, year, month=month)).tables
    if table not in tables:
        raise kv.NameNotFound(table, "table of a run", list(tables))
    return _attached(kv.table_bytes(tables[table], form), f"{scenario}-{year}-{table}.{form}", MEDIA[form])


def _attached(content: bytes, name: str, media: str) -> Response:
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})


@router.post("/compare", response_model=models.Listing)
async def compare(request: Request, asked: models.CompareQuestion) -> Any:
    """Compare two finished runs of one case."""
    state = state_of(request)
    first, second = _run_of(asked.a), _run_of(asked.b)
    case = first[0]
    if case != second[0]:
        message = f"{asked.a} and {asked.b} are of different cases and cannot be compared"
        raise kv.ScenarioError(message)

    def work() -> dict[str, Any]:
        found = [kv.read_outcome(state.runs(case) / kv.run_path(n, y, month=m)) for _, n, y, m in (first, second)]
        return kv.comparison_record(kv.compare(*found))

    return SafeJSON(await state.reckon(work))


def ledger_words(state: State) -> list[str]:
    """Return the option of the command line that names the ledger; a database's address may hold a password."""
    return ["--ledger", state.ledger] if state.ledger_kind == "file" else []


# Briefs


def briefly() -> kv.PromiseOptions:
    """Return how promises are judged in a brief: as `karavan brief` does."""
    return kv.PromiseOptions(draws=BRIEF_DRAWS, settings="computed")


@router.post("/briefs", response_model=models.JobAnswer)
async def make_brief(request: Request, asked: models.BriefQuestion, wait: Wait = 0.0) -> Any:
    """Make a brief of a case and keep it: the page, and the tables behind it."""
    state = state_of(request)
    state.case_folder(asked.case)

    def work(tell: Callable[[str], None]) -> dict[str, Any]:
        said, promised = None, None
        if asked.said:
            tell("comparing what was said")
            with state.facts() as view:
                said = kv.said_section(view)
                judged = kv.promise_all(state.case(asked.case), view, options=briefly(), progress=tell)
            promised = kv.promised_section(judged)
        story = kv.brief(state.model(asked.case), said=said, promised=promised, progress=tell)
        tell("writing")
        name = f"{asked.case}~brief-{'said-' * asked.said}{secrets.token_hex(4)}"
        folder = state.settings.folder / BRIEFS / name
        story.write_results(folder)
        story.write(folder / BRIEF_PAGE)  # last: a brief that has its page is whole
        return _brief(state, folder)

    job = state.jobs.submit("brief", work, key=f"brief {asked.case} {asked.said}")
    return await job_answer(job, wait)


def _brief(state: State, folder: Path) -> dict[str, Any]:
    case = folder.name.partition("~")[0]
    page = folder / BRIEF_PAGE
    files = [{"name": p.name, "bytes": p.stat().st_size} for p in sorted(folder.glob("[!.]*"))]
    title = state.case(case).meta.title if case in state.folders else case
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(page.stat().st_mtime))
    ledger = ledger_words(state) if "~brief-said-" in folder.name else []
    words = ["karavan", "brief", *ledger, *case_words(state, case)]
    return {"run": folder.name, "case": case, "title": title, "made": made, "files": files, "cli": shlex.join(words)}


@router.get("/briefs", response_model=models.Listing)
def briefs(request: Request) -> Any:
    """List the briefs that were made, the latest first."""
    state = state_of(request)
    pages = sorted((state.settings.folder / BRIEFS).glob(f"*/{BRIEF_PAGE}"), key=lambda p: p.stat().st_mtime)
    return SafeJSON({"briefs": [_brief(state, p.parent) for p in reversed(pages)]})


@router.get("/briefs/{run}/files/{name}", response_class=FileResponse)
def brief_file(request: Request, run: str, name: str, *, show: bool = False) -> Response:
    """Return a file of a brief; with `show` the page is shown, shut in a sandbox, and not saved."""
    folder = state_of(request).settings.folder / BRIEFS / run
    known = {p.name for p in folder.glob("[!.]*")} if BRIEF.fullmatch(run) else set()
    if name not in known:
        raise kv.NameNotFound(name, f"file of brief {run}", sorted(known)[:3])
    if show and name == BRIEF_PAGE:
        return FileResponse(folder / name, media_type="text/html; charset=utf-8",
                            headers={"content-security-policy": f"{SANDBOX}; frame-ancestors 'self'",
                                     "x-frame-options": "SAMEORIGIN"})  # fmt: skip
    return FileResponse(folder / name, filename=name)


# Jobs


@router.get("/jobs/{job}", response_model=models.JobAnswer)
def job_state(request: Request, job: str) -> Any:
    """Say how far a piece of long work has come, with its result when it is done."""
    return SafeJSON(state_of(request).jobs.get(job).record())


@router.delete("/jobs/{job}", response_model=models.JobAnswer)
def cancel(request: Request, job: str) -> Any:
    """Stop a piece of long work."""
    return SafeJSON(state_of(request).jobs.cancel(job).record())


@router.get("/jobs/{job}/events", response_class=Response)
async def events(request: Request, job: str) -> Response:
    """Tell the progress of a piece of long work as it comes (server-sent events)."""
    from starlette.responses import StreamingResponse

    found = state_of(request).jobs.get(job)

    async def tell() -> Any:
        seen, quiet = -1, 0
        while True:
            ended, now = found.ended, len(found.told)
            quiet += 1
            if quiet > QUIET:
                quiet = 0
                yield ": still at it\n\n"  # or a proxy takes the line for dead
            if now != seen or ended:
                seen, quiet = now, 0
                name = found.state if ended else "progress"
                yield f"event: {name}\ndata: {json.dumps(found.record(whole=ended), allow_nan=False)}\n\n"
            if ended or await request.is_disconnected():
                return
            await asyncio.sleep(LOOK)

    return StreamingResponse(tell(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
