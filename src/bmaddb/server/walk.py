"""`/rest/v1/rpc/bmad_walk_v1`: a first sync as one answer, a sequence of whole pages (RFC 7464), each with its cursor.

Rules of this room: one snapshot, under the caller's role and claims; a page goes out before the next is read, so a
slow device slows Postgres and nothing grows; an answer that ends early is a good beginning: the device asks again
with the cursor it holds. Nothing is said after the first byte but pages, or the connection closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import zlib
from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, Any, Final

import msgspec
from psycopg import sql
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from bmaddb import statements
from bmaddb.clock import Clock
from bmaddb.protocol.messages import WALK_FUNCTION
from bmaddb.server import request
from bmaddb.server.answer import GZIP_LEVEL, GZIP_WINDOW, Answer, Problem, preflight, reads_gzip, send_answer
from bmaddb.server.auth import Caller, TokenKeeper
from bmaddb.server.backend import Backend
from bmaddb.server.copying import CopyOut, Rows
from bmaddb.server.exchange import GatewayConnection, Refused, Statement, exchange
from bmaddb.server.limits import Limits
from bmaddb.server.sqlstate import problem_of

__all__ = ["PLANNER", "WALK_FUNCTION", "WalkEndpoint", "WalkPages", "Wish"]

METHODS: Final = "OPTIONS, POST"
MEDIA_TYPE: Final = "application/json-seq"
FRAME_ROWS_MAX: Final = 20_000
FRAME_BYTES_MAX: Final = 16 * 1024 * 1024
BUSY: Final = "streams_busy"
_SQL = statements.load("bmaddb.server", "gateway.sql")
_BEGIN: Final = Statement(b"begin isolation level repeatable read read only")
_PREAMBLE: Final = _SQL["preamble"].encode()
_PLAN: Final = _SQL["begin_walk"].encode()
_COPY: Final = sql.SQL(_SQL["copy_walk"])
_END: Final = Statement(b"commit")
# Rows come as the index by version gives them; any other plan would sort or hold them all.
PLANNER: Final = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
_log = logging.getLogger("bmaddb.server")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What of a request's body concerns us; Postgres reads the rest."""

    limit_rows: Annotated[int, msgspec.Meta(ge=1, le=FRAME_ROWS_MAX)] = 5_000
    limit_bytes: Annotated[int, msgspec.Meta(ge=1, le=FRAME_BYTES_MAX)] = 4 * 1024 * 1024


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the plan: from where to where, and how many rows that is."""

    number: int
    name: str
    columns: tuple[str, ...]
    lo: int
    after: str
    hi: int
    rows: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `bmad_sync.begin_walk` answers; `resync` says that there is nothing to walk."""

    resync: bool = False
    cursor: str | None = None
    user: str = ""
    schema_version: int = 0
    done: tuple[int, ...] = ()
    final: str = ""
    more: bool = False
    tables: tuple[Place, ...] = ()


class WalkEndpoint:
    """The ASGI application behind the stream."""

    def __init__(self, backend: Backend, keeper: TokenKeeper, limits: Limits, clock: Clock) -> None:
        self._backend = backend
        self._keeper = keeper
        self._limits = limits
        self._clock = clock
        self._streams_count = 0
        self._reading_count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: a stream, or a problem."""
        headers = Headers(scope=scope)
        incoming = request.Incoming(receive)
        outgoing = _Outgoing(scope, headers, incoming, send, self._limits)
        try:
            answer = await self._answer(scope, headers, incoming, outgoing)
        except Problem as problem:
            if not outgoing.begun:
                with contextlib.suppress(TimeoutError):
                    async with self._request_time():
                        await request.drain(incoming, headers)
            answer = problem.answer()
        except (request.ClientGone, TimeoutError):
            return
        except Exception:
            _log.exception("a stream failed in the server itself")
            answer = Problem(500, "PGRSTX00", "the server failed", hint="its log says how").answer()
        finally:
            outgoing.close()
        if answer is not None and not outgoing.begun:
            await send_answer(answer, scope, send)

    async def _answer(
        self, scope: Scope, headers: Headers, incoming: request.Incoming, outgoing: _Outgoing
    ) -> Answer | None:
        request.check_headers(headers, self._limits)
        if scope["method"] == "OPTIONS":
            return preflight(headers, METHODS)
        if scope["method"] != "POST":
            raise Problem(
                405, "PGRST101", f"Cannot use the {scope['method']} method here", headers=[("Allow", METHODS)]
            )
        caller = self._caller(headers)
        body = await self._body(headers, incoming)
        wish = _wish(body)
        if self._streams_count >= self._limits.streams_max:
            raise Problem(
                503, BUSY, "as many first syncs as this server streams at once", headers=[("Retry-After", "1")]
            )
        self._streams_count += 1
        try:
            async with self._backend.lend() as connection:
                walk = WalkPages(connection, wish)
                try:
                    await walk.begin(self._settings(caller), body)
                    await self._stream(walk, headers, outgoing)
                except Refused as refused:
                    raise problem_of(refused.report, authenticated=caller.authenticated) from refused
        finally:
            self._streams_count -= 1
        return None

    async def _body(self, headers: Headers, incoming: request.Incoming) -> bytes:
        """The body, in the time and among as many others as any request gets."""
        if self._reading_count >= self._limits.requests_max:
            raise Problem(503, "server_busy", "too many requests at once", headers=[("Retry-After", "1")])
        self._reading_count += 1
        try:
            async with self._request_time():
                body = await request.read_body(incoming, headers, self._limits)
                await request.check_depth(body, self._limits)
        except TimeoutError as cause:
            raise Problem(504, "request_timeout", "the request took too long") from cause
        finally:
            self._reading_count -= 1
        return body

    def _request_time(self) -> asyncio.Timeout:
        return asyncio.timeout(self._limits.request_ms_max / 1000)

    async def _stream(self, walk: WalkPages, headers: Headers, outgoing: _Outgoing) -> None:
        ends_ms = self._clock.monotonic_ms() + self._limits.stream_ms_max
        async with contextlib.aclosing(walk.frames()) as frames:
            async for frame in frames:
                await outgoing.frame(frame)
                if self._clock.monotonic_ms() > ends_ms:
                    break
                try:
                    self._caller(headers)  # a token ends while its stream lasts
                except Problem:
                    break
        await outgoing.end()

    def _caller(self, headers: Headers) -> Caller:
        return self._keeper.caller(headers.get("authorization"), headers.get("apikey"))

    def _settings(self, caller: Caller) -> bytes:
        settings = {
            "search_path": '"public", "extensions"',
            "statement_timeout": str(self._limits.stream_ms_max + self._limits.stream_stall_ms_max),
            **PLANNER,
            "request.jwt.claims": caller.claims_json,
            "request.method": "POST",
            "request.path": f"/rpc/{WALK_FUNCTION}",
            "role": caller.role,
        }
        return msgspec.json.encode(settings)


class WalkPages:
    """The pages of one snapshot."""

    def __init__(self, connection: GatewayConnection, wish: Wish) -> None:
        self._connection = connection
        self._wish = wish
        self._plan = Plan()
        self._news = b""

    async def begin(self, settings: bytes, body: bytes) -> None:
        """Take the snapshot and learn what there is to walk. Raises Refused."""
        plan = Statement(_PLAN, (body,))
        results = await exchange(self._connection, [_BEGIN, Statement(_PREAMBLE, (settings,)), plan])
        self._news = results[2].get_value(0, 0) or b"{}"
        self._plan = msgspec.json.decode(self._news, type=Plan)

    async def frames(self) -> AsyncGenerator[bytes]:
        """Every page, framed; the last one holds no rows but the cursor with which pulling goes on."""
        plan = self._plan
        if plan.resync:
            yield b"\x1e%s\n" % self._news
            return
        head: dict[str, Any] = {
            "schema_version": plan.schema_version,
            "expect": {place.name: place.rows for place in plan.tables},
        }
        done = list(plan.done)
        for place in plan.tables:
            async for rows in self._rows(place):
                last = msgspec.json.decode(rows.last)
                at = f"{plan.cursor}.{'-'.join(map(str, done))}.{place.number}.{last[3]}.{last[0]}"
                yield _frame({"cursor": at, "more": True, **head}, place, rows)
                head = {}
            done.append(place.number)
        yield _frame({"cursor": plan.final, "more": plan.more, **head})
        await exchange(self._connection, [_END])

    async def _rows(self, place: Place) -> AsyncGenerator[Rows]:
        copy = CopyOut(self._connection)
        query = _COPY.format(
            walk=sql.Identifier(f"walk_{place.name}"),
            user=sql.Literal(self._plan.user),
            lo=sql.Literal(place.lo),
            after=sql.Literal(place.after),
            hi=sql.Literal(place.hi),
        )
        await copy.begin(query.as_bytes(self._connection))
        while True:
            rows = await copy.rows(self._wish.limit_rows, self._wish.limit_bytes)
            if rows.last:
                yield rows
            if rows.ended:
                return


class _Outgoing:
    """The answer on its way: the head with the first frame, each frame in the device's own time."""

    def __init__(self, scope: Scope, headers: Headers, incoming: request.Incoming, send: Send, limits: Limits) -> None:
        self.begun = False
        self._cors = "origin" in headers
        self._incoming = incoming
        self._send = send
        self._stall_s_max = limits.stream_stall_ms_max / 1000
        packs = reads_gzip(headers.get("accept-encoding", ""))
        self._packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW) if packs else None
        self._gone: asyncio.Task[None] | None = None

    async def frame(self, frame: bytes) -> None:
        """Send one; raises ClientGone or TimeoutError when nobody takes it."""
        if not self.begun:
            await self._begin()
        if self._packer is not None:
            frame = await asyncio.to_thread(_packed, self._packer, frame)
        async with asyncio.timeout(self._stall_s_max):
            await self._send({"type": "http.response.body", "body": frame, "more_body": True})
        if self._gone is not None and self._gone.done():
            raise request.ClientGone

    async def end(self) -> None:
        """No more frames."""
        rest = b"" if self._packer is None else self._packer.flush()
        await self._send({"type": "http.response.body", "body": rest})

    def close(self) -> None:
        """Stop looking out for a client that leaves."""
        if self._gone is not None:
            self._gone.cancel()

    async def _begin(self) -> None:
        self.begun = True
        self._gone = asyncio.create_task(_left(self._incoming))
        head = {"content-type": MEDIA_TYPE, "cache-control": "no-store", "vary": "Accept-Encoding"}
        if self._packer is not None:
            head["content-encoding"] = "gzip"
        if self._cors:
            head["access-control-allow-origin"] = "*"
        raw = [(name.encode(), value.encode()) for name, value in head.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": raw})


def _frame(head: Mapping[str, Any], place: Place | None = None, rows: Rows | None = None) -> bytes:
    if place is None or rows is None:
        return b"\x1e%s\n" % msgspec.json.encode({**head, "tables": []})
    table = msgspec.json.encode({"table": place.name, "columns": place.columns})
    # JSON as Postgres writes it has a line feed nowhere inside: each ends a row.
    return b'\x1e%s,"tables":[%s,"rows":[%s]}]}\n' % (
        msgspec.json.encode(head)[:-1],
        table[:-1],
        rows.text[:-1].replace(b"\n", b","),
    )


def _wish(body: bytes) -> Wish:
    try:
        return msgspec.json.decode(body or b"{}", type=Wish)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Problem(400, "PT400", f"bad_request: {cause}") from cause


async def _left(incoming: request.Incoming) -> None:
    """Ends when the client has left."""
    try:
        while True:
            await incoming.chunk()
    except request.ClientGone:
        return


def _packed(packer: Any, frame: bytes) -> bytes:
    packed: bytes = packer.compress(frame) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed
