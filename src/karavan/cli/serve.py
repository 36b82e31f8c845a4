"""The command that serves the live map."""

from __future__ import annotations

import os
import socket
import threading
import webbrowser
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import karavan as kv
from karavan.cli.output import say

if TYPE_CHECKING:
    from karavan.web import Settings

SECRET = "KARAVAN_TOKEN"  # noqa: S105 (the name of the variable, not the token)
WAITING = 128  # connections that may wait to be taken


def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0: any that is free.")] = 8321,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; another than this machine's own needs a token.")
    ] = "127.0.0.1",
    ledger: Annotated[
        str | None, typer.Option("--ledger", help="A ledger of facts: a file, or a postgresql:// URL.")
    ] = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", help="Folder of results; in your data folder by default.")
    ] = None,
    token: Annotated[
        str, typer.Option("--token", envvar=SECRET, help="Secret of those who may write; made up by default.")
    ] = "",
    case: Annotated[
        list[Path] | None, typer.Option("--case", help="A case folder to offer besides the packs. May be repeated.")
    ] = None,
    read_write: Annotated[
        bool, typer.Option("--read-write", help="Let facts be decided, and articles and cases added, with the token.")
    ] = False,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="A name by which it is reached, behind a proxy. May be repeated.")
    ] = None,
    tiles: Annotated[
        str | None,
        typer.Option("--tiles", help="Address of map tiles, with {z}, {x}, {y}; without it none are asked for."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Serve the live map as a page: the network, routes, what if, promises, evidence, data. Ctrl-C ends it.

    Example: `karavan serve`
    """
    from karavan.web import Settings, make_app

    try:
        import uvicorn
    except ImportError as error:
        raise kv.MissingExtra("uvicorn", "web") from error  # noqa: EM101 (names, not a message)
    settings = Settings(
        host=host, names=tuple(name or ()), token=token, read_write=read_write, ledger=ledger, runs=runs,
        cases=tuple(case or ()), tiles=tiles,
    ).ready()  # fmt: skip
    with _listen(host, port) as listening:
        settings = replace(settings, port=listening.getsockname()[1])
        app = make_app(settings)
        _greet(settings)
        if not no_browser:
            threading.Timer(1.0, webbrowser.open, [settings.address]).start()
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, date_header=False, backlog=WAITING,
            timeout_keep_alive=30, limit_concurrency=1000, proxy_headers=False, timeout_graceful_shutdown=5,
        )  # fmt: skip
        with suppress(KeyboardInterrupt):  # how one ends it
            uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Take the port, so that the address shown is the one that answers."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=WAITING)
    except OSError as error:
        message = f"cannot listen at {host} port {port}: {error.strerror or error}; choose another with --port"
        raise kv.FormatError(message) from error


def _greet(settings: Settings) -> None:
    """Say where the page is, who may write, and where things are kept. The token is shown here and nowhere else."""
    say(f"Karavan {kv.__version__} serves at {settings.address}")
    if not settings.read_write:
        say("It only reads. Start it with --read-write to decide facts and add articles and cases.")
    if settings.token and not os.environ.get(SECRET):
        say(f"Token: {settings.token}")
    say(f"Results are kept in {settings.folder}. Ctrl-C ends it.")
