"""Endpoints that look at a case: what it holds, its tables and records, names as one types them, and the map."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

import karavan as kv
from karavan.web import models
from karavan.web.answers import Kept, SafeJSON, json_bytes
from karavan.web.state import State, remove_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(prefix="/api/v1", tags=["cases"])
Filters = Annotated[list[str], Query(alias="filter", max_length=20, description="field:operation:value")]
Search = Annotated[str, Query(max_length=200)]
Sort = Annotated[str, Query(max_length=80)]
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet",
         "gpkg": "application/geopackage+sqlite3"}  # fmt: skip


def state_of(request: Request) -> State:
    """Return what the server holds."""
    held: State = request.app.state.karavan
    return held


def kept(request: Request, key: tuple[Any, ...], make: Any) -> Response:
    """Answer with what is kept under a key, made now where it is not there."""
    return state_of(request).kept.get(key, lambda: Kept.of(json_bytes(make()))).answer(request)


@router.get("/about", response_model=models.About)
def about(request: Request) -> Any:
    """Say what this server is and what it lets one do."""
    state = state_of(request)
    s, limits = state.settings, state.settings.limits
    return {
        "version": kv.__version__, "read_only": not s.read_write, "needs_token": s.guarded,
        "packs": list(kv.packs()), "default_case": state.default_case, "ledger": state.ledger_kind, "tiles": s.tiles,
        "limits": {"upload_bytes": limits.upload_bytes, "body_bytes": limits.body_bytes, "jobs": limits.jobs,
                   "queue": limits.queue, "seconds": limits.seconds, "job_seconds": limits.job_seconds},
    }  # fmt: skip


@router.get("/packs", response_model=models.Cases)
def packs(request: Request) -> Any:
    """List the packs that are shipped."""
    return {"cases": [_line(request, name) for name in kv.packs()]}


@router.get("/cases", response_model=models.Cases)
def cases(request: Request) -> Any:
    """List the cases that are offered: packs, those named at the start, uploads."""
    return {"cases": [_line(request, name) for name in state_of(request).folders]}


def _line(request: Request, case: str) -> dict[str, Any]:
    state = state_of(request)
    meta = state.case(case).meta
    uploaded = state.case_folder(case).parent == state.settings.folder / "cases"
    return {"id": case, "title": meta.title or meta.name, "kind": meta.kind, "year": meta.year, "text": meta.text,
            "uploaded": uploaded}  # fmt: skip


@router.get("/cases/{case}", response_model=models.Overview)
def overview(request: Request, case: str) -> Any:
    """Say what a case holds."""
    state = state_of(request)
    return kept(request, ("overview", case), lambda: {"id": case} | kv.case_overview(state.case(case)))


@router.get("/cases/{case}/tables", response_model=models.Tables)
def tables(request: Request, case: str) -> Any:
    """List the tables of a case."""
    state = state_of(request)
    words = export_command(state, case)
    return kept(request, ("tables", case), lambda: {"tables": kv.table_list(state.case(case)), "cli": words})


@router.get("/cases/{case}/tables/{table}", response_model=models.TablePage)
def table_page(
    request: Request, case: str, table: str, filters: Filters = [], q: Search = "", sort: Sort = "",  # noqa: B006
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Any:  # fmt: skip
    """Return rows of a table, filtered, sorted and paged."""
    wanted = kv.Selection.parse(filters, q, sort)
    state = state_of(request)
    page = kv.table_page(state.case(case), table, wanted, offset=offset, limit=limit)
    return SafeJSON(page | {"cli": export_command(state, case)})


@router.get("/cases/{case}/tables/{table}/download", response_class=FileResponse)
def download(
    request: Request, case: str, table: str, filters: Filters = [], q: Search = "", sort: Sort = "",  # noqa: B006
    form: Annotated[Literal["csv", "parquet", "gpkg"], Query(alias="format")] = "csv",
) -> Response:  # fmt: skip
    """Return the rows wanted as a file."""
    wanted = kv.Selection.parse(filters, q, sort)
    network = state_of(request).case(case)
    folder = Path(tempfile.mkdtemp(prefix="karavan-"))
    try:
        kv.table(table)
        file = kv.table_file(network, table, wanted, form, folder / f"{table}.{form}")
    except BaseException:
        remove_folder(folder)
        raise
    return FileResponse(file, filename=f"{case}-{table}.{form}", media_type=MEDIA[form],
                        background=BackgroundTask(remove_folder, folder))  # fmt: skip


@router.get("/cases/{case}/records/{table}/{row:path}", response_model=models.Record)
def record(request: Request, case: str, table: str, row: str) -> Any:
    """Return one row with units, texts, confidence and sources."""
    return SafeJSON(kv.record(state_of(request).case(case), table, row))


@router.get("/cases/{case}/trace/{table}/{field}", response_model=models.TraceAnswer)
def trace(
    request: Request, case: str, table: str, field: str,
    row: Annotated[str, Query(alias="id", min_length=1, max_length=400)],
) -> Any:  # fmt: skip
    """Follow one number back to its sources and to the facts read in them."""
    state = state_of(request)
    chain = kv.trace_record(state.case(case), table, row, field)
    sources = [step for step in chain["steps"] if step["kind"] == "source"]
    with state.facts() as view:
        found = kv.facts_behind(view, [s["id"] for s in sources], [s["details"].get("address", "") for s in sources])
    words = shlex.join(["karavan", "trace", table, row, field, *case_words(state, case)])
    return SafeJSON(chain | {"facts": found, "cli": words})


@router.get("/cases/{case}/names", response_model=models.NamesFound)
def names(
    request: Request, case: str, q: Annotated[str, Query(max_length=100)],
    kinds: Annotated[str, Query(max_length=60)] = "place,node,zone,commodity",
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
) -> Any:  # fmt: skip
    """Return what may be meant by the first letters of a name."""
    found = kv.find_names(state_of(request).case(case), q, kinds=kinds.split(","), limit=limit)
    return SafeJSON({"names": found})


@router.get("/basemap", response_model=models.Listing)
def basemap(request: Request) -> Any:
    """Return coasts and borders of the world as GeoJSON features (Natural Earth)."""
    return kept(request, ("basemap",), kv.basemap_layers)


@router.get("/cases/{case}/map", response_model=models.MapAnswer)
async def map_of(
    request: Request, case: str, year: Annotated[int | None, Query(ge=1900, le=2200)] = None,
    commodity: Annotated[str | None, Query(max_length=100)] = None,
    method: Literal["least-cost", "all-or-nothing"] = "least-cost", *, month: bool = False,
) -> Any:  # fmt: skip
    """Return the network in a year with its flows, bottlenecks and corridors."""
    state = state_of(request)
    own = state.shelf.peek(("case", case))
    asked = (case, None if own is not None and year == own.meta.year else year, commodity or None, method, month)
    found = state.kept.peek(("map", *asked))  # what is there need not wait behind what is being reckoned
    if found is None:
        found = await state.reckon(lambda: make_map(state, *asked[:-1], month=month))
    return found.answer(request)


def make_map(
    state: State, case: str, year: int | None = None, commodity: str | None = None, method: str = "least-cost", *,
    month: bool = False,
) -> Kept:  # fmt: skip
    """Return the map of a case, made once for each choice."""
    own = state.case(case).meta.year

    def make() -> Kept:
        flows = state.flows(case, year, getattr(kv, METHODS[method])(), month=month)
        lines = state.shelf.get(("corridors", case, year or own), lambda: kv.corridor_lines(flows.model))
        view = kv.map_view(flows, commodity=commodity)
        words = assign_command(state, case, method, year=year, month=month)
        return Kept.of(json_bytes(view | {"case": case, "corridors": lines, "cli": words}))

    return state.kept.get(("map", case, year, commodity, method, month), make)


def assign_command(
    state: State, case: str, method: str, *, year: int | None, month: bool, more: Sequence[str] = ()
) -> str:
    """Return the command that assigns the same demand in the same way."""
    words = ["karavan", "assign", "--method", method, *more]
    words += [] if year is None else ["--year", str(year)]
    return shlex.join([*words, *(["--month"] if month else []), *case_words(state, case)])


def export_command(state: State, case: str) -> str:
    """Return the command that writes every table of a case."""
    return shlex.join(["karavan", "export", *case_words(state, case), "--to", "csv", f"{case}-tables"])


def case_words(state: State, case: str) -> list[str]:
    """Return the option of the command line that names a case: a shipped pack, or the folder of any other."""
    return ["--pack", case] if case in kv.packs() else ["--case", str(state.folders.get(case, case))]


METHODS = {"least-cost": "LeastCost", "all-or-nothing": "AllOrNothing"}


@router.get("/describe/{table}", response_model=models.Listing)
def describe(table: str) -> Any:
    """Return the fields of a table as declared."""
    return SafeJSON({"table": table, "fields": kv.jsonable(kv.describe(table))})
