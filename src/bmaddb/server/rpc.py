"""`/rest/v1/rpc/<function>`: one request, one call of a Postgres function, one transaction, as in PostgREST.

Rules of this room: the caller is known before the body is read; Postgres decides what the caller may do (role
and claims are set inside the transaction); a result that is JSON goes out byte for byte as Postgres wrote it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Final

import msgspec
from psycopg.pq.abc import PGresult
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from bmaddb import statements
from bmaddb.server import functions, request
from bmaddb.server.answer import Answer, HeaderList, Problem, preflight, send_answer
from bmaddb.server.auth import Caller, TokenKeeper
from bmaddb.server.backend import Backend
from bmaddb.server.exchange import Refused, Statement
from bmaddb.server.functions import Call, FunctionIndex
from bmaddb.server.limits import Limits
from bmaddb.server.sqlstate import STATUS_MAX, STATUS_MIN, is_header, problem_of

METHODS: Final = "OPTIONS, GET, HEAD, POST"
SEARCH_PATH: Final = '"public", "extensions"'
ACCEPTED: Final = frozenset({"*/*", "application/*", "application/json", "application/vnd.pgrst.object+json"})

_SQL = statements.load("bmaddb.server", "gateway.sql")
_PREAMBLE: Final = _SQL["preamble"].encode()
_COMMIT: Final = Statement(b"commit")
_ISOLATIONS: Final = frozenset({"read committed", "repeatable read", "serializable", "read uncommitted"})
_GONE_FUNCTION: Final = "42883"
_COUNT: Final = re.compile(r"count=(exact|planned|estimated)")
_log = logging.getLogger("bmaddb.server")


class RpcEndpoint:
    """The ASGI application behind `/rest/v1/rpc/{name}`."""

    def __init__(self, backend: Backend, keeper: TokenKeeper, limits: Limits) -> None:
        self._backend = backend
        self._keeper = keeper
        self._limits = limits
        self._requests_count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        self._requests_count += 1
        try:
            async with asyncio.timeout(self._limits.request_ms_max / 1000):
                answer = await self._answer_or_problem(scope, receive)
        except request.ClientGone:
            return
        except TimeoutError:
            problem = Problem(504, "request_timeout", "the request took too long", hint="send smaller batches")
            answer = problem.answer()
        finally:
            self._requests_count -= 1
        await send_answer(answer, scope, send)

    async def _answer_or_problem(self, scope: Scope, receive: Receive) -> Answer:
        headers = Headers(scope=scope)
        incoming = request.Incoming(receive)
        try:
            if self._requests_count > self._limits.requests_max:
                raise Problem(503, "server_busy", "too many requests at once", headers=[("Retry-After", "1")])
            request.check_headers(headers, self._limits)
            if scope["method"] == "OPTIONS":
                return preflight(headers, METHODS)
            caller = self._caller(scope, headers)
            if scope["method"] == "POST":
                body = await request.read_body(incoming, headers, self._limits)
                return await self._answer_body(scope, headers, caller, body)
            call, index = await self._call_of_query(scope, caller)
            return await self._run(scope, headers, caller, call, index)
        except Problem as problem:
            await request.drain(incoming, headers)
            return problem.answer()
        except (request.ClientGone, TimeoutError):
            raise
        except Exception:
            _log.exception("a request failed in the server itself")
            return Problem(500, "PGRSTX00", "the server failed", hint="its log says how").answer()

    async def _answer_body(self, scope: Scope, headers: Headers, caller: Caller, body: bytes) -> Answer:
        call, index = await self._call_of_body(scope, headers, caller, body)
        return await self._run(scope, headers, caller, call, index)

    def _caller(self, scope: Scope, headers: Headers) -> Caller:
        method = scope["method"]
        if method not in ("GET", "HEAD", "POST"):
            message = f"Cannot use the {method} method on RPC"
            raise Problem(405, "PGRST101", message, hint="use POST", headers=[("Allow", METHODS)])
        profile = "content-profile" if method == "POST" else "accept-profile"
        request.check_profile(headers, profile, functions.SCHEMA)
        _check_accept(headers.get("accept", "*/*"))
        return self._keeper.caller(headers.get("authorization"), headers.get("apikey"))

    async def _call_of_body(
        self, scope: Scope, headers: Headers, caller: Caller, body: bytes
    ) -> tuple[Call, FunctionIndex]:
        name, kind = scope["path_params"]["name"], request.content_type(headers)
        if kind != request.JSON_TYPE:
            index = await self._index_with(name)
            return functions.call_with_bytes(index.named(name), name, kind, body), index
        body = body or b"{}"
        await request.check_depth(body, self._limits)
        index = await self._backend.index()
        try:
            return functions.call_with_json(index.named(name), name, caller.role, body, index), index
        except Problem as problem:
            if problem.code != "PGRST202":
                raise
        index = await self._backend.index(fresh=True)  # it may have been created since
        return functions.call_with_json(index.named(name), name, caller.role, body, index), index

    async def _call_of_query(self, scope: Scope, caller: Caller) -> tuple[Call, FunctionIndex]:
        name = scope["path_params"]["name"]
        query = request.query_arguments(scope, self._limits)
        index = await self._index_with(name)
        return functions.call_with_query(index.named(name), name, caller.role, query, index), index

    async def _index_with(self, name: str) -> FunctionIndex:
        index = await self._backend.index()
        return index if index.named(name) else await self._backend.index(fresh=True)

    async def _run(self, scope: Scope, headers: Headers, caller: Caller, call: Call, index: FunctionIndex) -> Answer:
        function = call.function
        read_only = scope["method"] != "POST" or function.is_read_only
        begin = _begin(index.isolation_of(function, caller.role), read_only=read_only)
        settings = {
            "search_path": SEARCH_PATH,
            "statement_timeout": str(self._limits.statement_ms_max),
            **index.settings_of(function, caller.role),
            "request.jwt.claims": caller.claims_json,
            "request.method": scope["method"],
            "request.path": f"/rpc/{function.name}",
            "request.headers": request.headers_json(headers),
            "request.cookies": request.cookies_json(headers),
            "role": caller.role,
        }
        preamble = Statement(_PREAMBLE, (msgspec.json.encode(settings),))
        command = Statement(call.sql.encode(), call.values, caller.role)
        try:
            results = await self._backend.run([begin, preamble, command, _COMMIT])
        except Refused as refused:
            if refused.report.state == _GONE_FUNCTION:
                self._backend.forget_index()
            raise problem_of(refused.report, authenticated=caller.authenticated) from refused
        return _answer(call, results[2], headers.get("prefer", ""))


def _begin(isolation: str | None, *, read_only: bool) -> Statement:
    level = isolation if isolation in _ISOLATIONS else "read committed"
    return Statement(f"begin isolation level {level} {'read only' if read_only else 'read write'}".encode())


def _check_accept(accept: str) -> None:
    for item in accept.lower().split(","):
        if item.partition(";")[0].strip() in ACCEPTED:
            return
    message = f"None of these media types are available: {accept[:200]}"
    raise Problem(406, "PGRST107", message, hint="application/json is")


def _answer(call: Call, result: PGresult, prefer: str) -> Answer:
    body, rows, status, more = (result.get_value(0, column) for column in range(4))
    count = int(rows or b"0")
    total = str(count) if _COUNT.search(prefer) else "*"
    headers: HeaderList = [("Content-Range", f"{f'0-{count - 1}' if count else '*'}/{total}")]
    void = call.function.result_kind == "void"
    return Answer(
        status=_chosen_status(status, 204 if void else 200),
        body=b"" if void else body if body is not None else b"null",
        headers=headers + _chosen_headers(more),
    )


def _chosen_status(value: bytes | None, default: int) -> int:
    """What the function set as `response.status`."""
    if not value:
        return default
    if value.isdigit() and len(value) == 3 and STATUS_MIN <= int(value) <= STATUS_MAX:
        return int(value)
    raise Problem(500, "PGRST112", "response.status must be a status code", details=value.decode("utf-8", "replace"))


def _chosen_headers(value: bytes | None) -> HeaderList:
    """What the function set as `response.headers`: a JSON array of objects with one text each."""
    if not value:
        return []
    try:
        items = msgspec.json.decode(value, type=list[dict[str, str]])
    except (msgspec.DecodeError, msgspec.ValidationError):
        items = [{}]
    pairs = [pair for item in items for pair in item.items()]
    if len(pairs) != len(items) or not all(is_header(*pair) for pair in pairs):
        raise Problem(
            500,
            "PGRST111",
            "response.headers must be a JSON array of objects with a single key and a text value",
        )
    return pairs
