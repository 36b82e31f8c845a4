"""What stands before every request: names and origins, token, limits, security headers, and what becomes of faults."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from karavan.web.settings import tile_origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from karavan.web.settings import Settings

API = "/api/"
OPEN = ("/api/v1/about",)  # says whether a token is needed
SAFE = ("GET", "HEAD", "OPTIONS")
WRITING = ("/api/v1/documents", "/api/v1/cases", "/decision")
STREAMS = ("/events",)
LOG = logging.getLogger("karavan.web")


class Refused(Exception):
    """A request that is not let in: status, a kind of error, and plain words."""

    def __init__(self, status: int, kind: str, words: str) -> None:
        self.status, self.kind, self.words = status, kind, words
        super().__init__(words)


class Guard:
    """Lets in what may come in, within its limits, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self.page_headers = _headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, body = False, _Counted(receive)

        async def headed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                body.check()  # the framework has made another error of it
                started = True
                message = {**message, "headers": self._headed(message["headers"])}
            await send(message)

        try:
            self._admit(scope)
            body.limit = self._body_limit(scope)
            async with asyncio.timeout(None if scope["path"].endswith(STREAMS) else self.settings.limits.seconds):
                await self.app(scope, body.receive, headed)
        except Refused as error:
            if not started:
                body.seen = 0
                await _answer(headed, error.status, error.kind, error.words)
        except TimeoutError:
            if not started:
                words = f"no answer within {self.settings.limits.seconds:g} seconds; ask for less, or try again later"
                await _answer(headed, 503, "Busy", words)
        except Exception:
            fault = secrets.token_hex(6)
            LOG.exception("fault %s in %s %s", fault, scope["method"], scope["path"])
            if not started:
                words = f"a fault of Karavan (number {fault}); the server's log says more"
                await _answer(headed, 500, "Fault", words, fault=fault)

    def _admit(self, scope: Scope) -> None:
        """Refuse a foreign name or origin, a missing token, and writing where only reading is allowed."""
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        if not self._is_known(headers.get("host", "")):
            words = f"this server is not called {headers.get('host', '')!r}; name it with --name when it is started"
            raise Refused(403, "ForeignHost", words)
        writes = scope["method"] not in SAFE
        origin = headers.get("origin")
        if writes and origin is not None and urlsplit(origin).netloc != headers.get("host"):
            raise Refused(403, "ForeignOrigin", f"a page of {origin} may not change anything here")
        path = scope["path"]
        if not path.startswith(API) or path in OPEN:
            return
        adds = writes and path.endswith(WRITING) and not path.endswith("/check")
        if adds and not self.settings.read_write:
            raise Refused(403, "ReadOnly", "this server only reads; start it with --read-write to let it write")
        if self.settings.guarded == "all" or adds:
            self._check_token(headers.get("authorization", ""))

    def _check_token(self, given: str) -> None:
        scheme, _, token = given.partition(" ")
        known = self.settings.token
        right = hmac.compare_digest(token.strip().encode(), known.encode()) and scheme.lower() == "bearer"
        if not known or not right:
            words = "the token is missing or wrong: send the one that karavan serve printed (Authorization: Bearer ...)"
            raise Refused(401, "TokenNeeded", words)

    def _is_known(self, host: str) -> bool:
        """Tell whether a Host header names this server. An address in digits cannot be rebound by a foreign page."""
        name = (urlsplit(f"//{host}").hostname or "") if _well_formed(host) else ""
        if name in {"localhost", self.settings.host.lower(), *(n.lower() for n in self.settings.names)}:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _body_limit(self, scope: Scope) -> int:
        headers = dict(scope["headers"])
        is_upload = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        limit = self.settings.limits.upload_bytes if is_upload else self.settings.limits.body_bytes
        said = headers.get(b"content-length", b"0")
        if not said.isdigit() or int(said) > limit:
            raise Refused(413, "TooLarge", f"more than {limit:,} bytes are not taken")
        return limit

    def _headed(self, headers: Any) -> list[tuple[bytes, bytes]]:
        """Add the security headers; one that an answer has set itself stays."""
        given = {bytes(k).lower() for k, _ in headers}
        return [*headers, *((k, v) for k, v in self.page_headers if k not in given)]


def _well_formed(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").netloc == host and "@" not in host
    except ValueError:
        return False


class _Counted:
    """Counts the bytes of a body as they come; a length that was not said, or wrongly, is no way around the limit."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.limit = 0
        self.seen = 0

    async def receive(self) -> Message:
        """Pass on the next part of the body."""
        message = await self._receive()
        self.seen += len(message.get("body", b""))
        self.check()
        return message

    def check(self) -> None:
        """Refuse a body that is too large."""
        if self.seen > self.limit:
            raise Refused(413, "TooLarge", f"more than {self.limit:,} bytes are not taken")


def _headers(settings: Settings) -> list[tuple[bytes, bytes]]:
    tiles = f" {tile_origin(settings.tiles)}" if settings.tiles else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:{tiles}; font-src 'self' data:; connect-src 'self'{tiles}; "
        "worker-src 'self' blob:; child-src 'self' blob:; manifest-src 'self'; frame-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    said = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "cache-control": "no-store",
    }
    return [(k.encode(), v.encode()) for k, v in said.items()]


async def _answer(send: Send, status: int, kind: str, words: str, **more: str) -> None:
    """Send an error as JSON."""
    body = json.dumps({"error": words, "type": kind, **more}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += list(_extra(status))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _extra(status: int) -> Iterator[tuple[bytes, bytes]]:
    if status == 401:
        yield b"www-authenticate", b"Bearer"
    if status == 503:
        yield b"retry-after", b"5"
