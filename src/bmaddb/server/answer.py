"""What goes back to a client: an answer, or a problem told in four keys as PostgREST does; both sent here."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec
from starlette.datastructures import Headers
from starlette.types import Message, Scope, Send

from bmaddb.server.limits import GZIP_BYTES_MIN, SEND_STALL_MS_MAX

GZIP_LEVEL: Final = 1
PIECE_BYTES: Final = 256 * 1024
GZIP_WINDOW: Final = 31  # zlib's way to say: gzip, largest window

HeaderList = list[tuple[str, str]]

_EXPOSED = "Content-Encoding, Content-Range, Content-Type, Date, Proxy-Status, Retry-After, WWW-Authenticate"
_BODYLESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP answer; `headers` win over the ones every answer gets."""

    status: int = 200
    body: bytes = b""
    headers: HeaderList = field(default_factory=list)


class Problem(Exception):
    """A request that ends with an error body `{code, message, details, hint}`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: str | None = None,
        hint: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.hint = hint
        self.headers = list(headers)
        super().__init__(f"{status} {code}: {message}")

    def answer(self) -> Answer:
        """The problem as it goes over the wire."""
        body = {"code": self.code, "message": self.message, "details": self.details, "hint": self.hint}
        proxy_status = ("Proxy-Status", f"PostgREST; error={self.code}")
        return Answer(status=self.status, body=msgspec.json.encode(body), headers=[proxy_status, *self.headers])


def preflight(headers: Headers, methods: str) -> Answer:
    """The answer to OPTIONS: the `methods` there are, and to browsers: from any page."""
    if "access-control-request-method" not in headers:
        return Answer(headers=[("Allow", methods)])
    wanted = headers.get("access-control-request-headers", "authorization, content-type, apikey, x-client-info")
    allow = [
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", wanted if wanted.isprintable() else ""),
        ("Access-Control-Max-Age", "86400"),
    ]
    return Answer(headers=[*allow, ("Allow", methods)])


async def send_answer(answer: Answer, scope: Scope, send: Send) -> None:
    """Send `answer`, as gzip when that pays and the client can read it; large ones in a thread, in pieces.

    A client that takes nothing for SEND_STALL_MS_MAX gets no more, and what it left is not kept for it.
    """
    with contextlib.suppress(TimeoutError):
        await _send_whole(answer, scope, _in_time(send))


def _in_time(send: Send) -> Send:
    async def sent(message: Message) -> None:
        async with asyncio.timeout(SEND_STALL_MS_MAX / 1000):
            await send(message)

    return sent


async def _send_whole(answer: Answer, scope: Scope, send: Send) -> None:
    request = Headers(scope=scope)
    bodyless = answer.status in _BODYLESS
    head = _head(answer, request, with_type=not bodyless and (bool(answer.body) or answer.status != 200))
    body = b"" if bodyless else answer.body
    packed = len(body) > GZIP_BYTES_MIN and reads_gzip(request.get("accept-encoding", ""))
    if packed:
        head["content-encoding"] = "gzip"
    if packed and len(body) <= PIECE_BYTES:
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
        body, packed = packer.compress(body) + packer.flush(), False
    if not packed and not bodyless:
        head["content-length"] = str(len(body))
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in head.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if scope["method"] == "HEAD":
        body, packed = b"", False
    if packed:
        await _send_packed(body, send)
    else:
        await _send_plain(body, send)


async def _send_plain(body: bytes, send: Send) -> None:
    starts = range(0, max(1, len(body)), PIECE_BYTES)
    for start in starts:
        piece = body[start : start + PIECE_BYTES]
        await send({"type": "http.response.body", "body": piece, "more_body": start != starts[-1]})


async def _send_packed(body: bytes, send: Send) -> None:
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    view = memoryview(body)
    for start in range(0, len(body), PIECE_BYTES):
        piece = await asyncio.to_thread(packer.compress, view[start : start + PIECE_BYTES])
        if piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": packer.flush()})


def _head(answer: Answer, request: Headers, *, with_type: bool) -> dict[str, str]:
    head = {"content-type": "application/json; charset=utf-8"} if with_type else {}
    head["accept-encoding"] = "gzip"  # what a request may be packed with (RFC 9110, 12.5.3)
    head["vary"] = "Accept, Accept-Encoding, Prefer, Range"
    if "origin" in request:
        head["access-control-allow-origin"] = "*"
        head["access-control-expose-headers"] = _EXPOSED
    head.update((name.lower(), value) for name, value in answer.headers)
    return head


def reads_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip."""
    for item in accept_encoding.lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
