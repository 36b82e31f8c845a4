"""The server put together: endpoints, page, guard, and what is made ready while nobody waits for it."""

from __future__ import annotations

import logging
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import karavan as kv

try:
    from fastapi import FastAPI, Request
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.middleware.gzip import GZipMiddleware
except ImportError as _error:
    raise kv.MissingExtra("fastapi", "web") from _error  # noqa: EM101 (names, not a message)

from karavan.web import evidence, look, models, pages, plan, uploads
from karavan.web.answers import SafeJSON, karavan_error
from karavan.web.guard import Guard
from karavan.web.state import State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from karavan.web.settings import Settings

LOG = logging.getLogger("karavan.web")
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": models.Problem, "description": text}
    for code, text in (
        (400, "A file or a part of the question is not of the form it should be."),
        (401, "The token is missing or wrong."),
        (403, "Not allowed here: a foreign page or name, or a server that only reads."),
        (404, "Nothing of that name."),
        (409, "Somebody else was faster."),
        (413, "More than is taken."),
        (422, "The question cannot be answered as it is put."),
        (503, "Too much to do; try again later."),
    )
}


def make_app(settings: Settings, *, warm: bool = True) -> FastAPI:
    """Return the server for some settings; with `warm`, the first case is made ready at its start."""
    state = State(settings.ready())

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        if warm:
            threading.Thread(target=_warm, args=(state,), name="karavan-warm", daemon=True).start()
        yield
        state.close()

    app = FastAPI(
        title="Karavan", version=kv.__version__, lifespan=life, default_response_class=SafeJSON, responses=PROBLEMS,
        openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False,
        description="Freight corridors: what a network can carry, how goods best move, what each number rests on.",
    )  # fmt: skip
    app.state.karavan = state
    for part in (look, plan, evidence, uploads):
        app.include_router(part.router)
    app.add_api_route("/{path:path}", pages.page, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_exception_handler(kv.KaravanError, karavan_error)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Guard, settings=state.settings)
    return app


def _not_valid(_: Request, error: Exception) -> Response:
    """Answer a question that is not of the declared form: each place that is wrong, and why."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    said = [(".".join(str(p) for p in e["loc"][1:] or e["loc"]), str(e["msg"])) for e in found]
    findings = [{"severity": "error", "file": "", "line": 0, "field": field, "problem": problem, "remedy": "", "id": ""}
                for field, problem in said]  # fmt: skip
    words = "; ".join(f"{field}: {problem}" for field, problem in said[:5]) or "the question is not of the right form"
    return SafeJSON({"error": words[:2000], "type": "NotValid", "findings": findings[:100]}, 422)


def _refused(_: Request, error: Exception) -> Response:
    """Answer what the framework refuses, in our form."""
    status = error.status_code if isinstance(error, HTTPException) else 400
    words = str(error.detail) if isinstance(error, HTTPException) else "this cannot be answered"
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return SafeJSON({"error": words, "type": "Refused"}, status, headers)


def _warm(state: State) -> None:
    """Make ready what the first view asks for; a case that cannot be made ready says so when it is asked for."""
    try:
        if state.default_case:
            kv.case_overview(state.case(state.default_case))
            look.make_map(state, state.default_case)
            kv.find_names(state.case(state.default_case), "a")
        kv.basemap_layers()
    except Exception:
        LOG.exception("the first case could not be made ready")
    finally:
        state.warm.set()
