"""Requests whose handlers are Python: claimed, run in one transaction, answered.

The claim is a transaction of its own, so that the next attempt knows of this one even when the server dies in it.
While the handler runs, its transaction holds the claim's row: another attempt is told to ask again. A dead server's
connection ends, and with it the hold; there is no lease that a clock would have to end.

Rules of this room: a kind without a Python handler goes the way of every other function.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import msgspec
import psycopg
from psycopg.pq.abc import PGresult
from starlette.datastructures import Headers
from starlette.types import Scope

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.protocol.requests import REQUEST_FUNCTION
from bmaddb.server.answer import Answer, Problem
from bmaddb.server.auth import Caller, TokenKeeper
from bmaddb.server.backend import Backend
from bmaddb.server.exchange import GatewayConnection, Refused, Statement, exchange
from bmaddb.server.handlers import Handler, Handlers, Request
from bmaddb.server.limits import Limits
from bmaddb.server.rpc import SEARCH_PATH, RpcEndpoint
from bmaddb.server.sqlstate import problem_of

_SQL = statements.load("bmaddb.server", "gateway.sql")
_BEGIN: Final = Statement(b"begin isolation level read committed read write")
_COMMIT: Final = Statement(b"commit")
_log = logging.getLogger("bmaddb.server")


class _Asked(msgspec.Struct, frozen=True):
    """What of the body says who is to answer; Postgres reads it all."""

    kind: str = ""


class _Claim(msgspec.Struct, frozen=True):
    """What `bmad_sync.claim_request` gives."""

    user: str
    kind: str
    key: str
    payload: Any
    attempt: int
    answer: msgspec.Raw


class RequestEndpoint(RpcEndpoint):
    """`/rest/v1/rpc/{name}` on a server that has Python handlers."""

    def __init__(self, backend: Backend, keeper: TokenKeeper, limits: Limits, handlers: Handlers) -> None:
        super().__init__(backend, keeper, limits)
        self._handlers = handlers
        self._running_count = 0

    async def _answer_body(self, scope: Scope, headers: Headers, caller: Caller, body: bytes) -> Answer:
        handler = self._handler(scope, body)
        if handler is None:
            return await super()._answer_body(scope, headers, caller, body)
        if self._running_count >= self._limits.handlers_max:
            raise Problem(503, "server_busy", "too many handlers at once", headers=[("Retry-After", "1")])
        self._running_count += 1
        try:
            async with self._backend.lend() as connection:
                return Answer(body=await _Attempt(connection, self._settings(caller)).answer(handler, body))
        except Refused as refused:
            raise problem_of(refused.report, authenticated=caller.authenticated) from refused
        finally:
            self._running_count -= 1

    def _handler(self, scope: Scope, body: bytes) -> Handler | None:
        if scope["path_params"]["name"] != REQUEST_FUNCTION:
            return None
        try:
            return self._handlers.find(msgspec.json.decode(body, type=_Asked).kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _settings(self, caller: Caller) -> Statement:
        settings = {
            "search_path": SEARCH_PATH,
            "statement_timeout": str(self._limits.statement_ms_max),
            "request.jwt.claims": caller.claims_json,
            "request.method": "POST",
            "request.path": f"/rpc/{REQUEST_FUNCTION}",
            "role": caller.role,
        }
        return Statement(_SQL["preamble"].encode(), (msgspec.json.encode(settings),))


class _Attempt:
    """One attempt at one request, on one connection. `act` makes the transaction the caller's."""

    def __init__(self, connection: GatewayConnection, act: Statement) -> None:
        self._connection = connection
        self._act = act

    async def answer(self, handler: Handler, body: bytes) -> bytes:
        """The answer as JSON bytes. Raises Refused by Postgres, or Problem when the handler failed."""
        results = await self._talk(_BEGIN, self._act, self._statement("claim_request", body), _COMMIT)
        claim = msgspec.json.decode(_value(results[2]), type=_Claim)
        if bytes(claim.answer) != b"null":
            return bytes(claim.answer)
        names = (claim.kind.encode(), claim.key.encode())
        hold = self._statement("keep_claim", *names, str(claim.attempt).encode())
        await self._talk(_BEGIN, self._act, hold)
        answer = await self._run(handler, claim)
        # The handler may have taken another role on.
        await self._talk(self._act, self._statement("end_request", *names, answer), _COMMIT)
        return answer

    async def _run(self, handler: Handler, claim: _Claim) -> bytes:
        """What to answer; a refusal leaves nothing of what the handler wrote."""
        request = Request(
            user=claim.user,
            kind=claim.kind,
            key=claim.key,
            payload=claim.payload,
            attempt=claim.attempt,
            connection=self._connection,
        )
        try:
            async with self._connection.transaction():
                result = await handler(request)
                await self._connection.execute(
                    _SQL["check_constraints"]
                )  # what the commit would refuse is refused here
                return msgspec.json.encode({"status": "done", "result": result})
        except e.RequestRefused as refusal:
            return _rejected(refusal.reason, refusal.message, None, refusal.hint)
        except psycopg.Error as error:
            if self._connection.broken or not await self._is_final(error):
                raise _failed(claim, error) from error
            diagnosis = error.diag
            return _rejected(
                error.sqlstate or "", diagnosis.message_primary or "", diagnosis.message_detail, diagnosis.message_hint
            )
        except Exception as error:
            raise _failed(claim, error) from error

    async def _is_final(self, error: psycopg.Error) -> bool:
        """The same rule as for SQL handlers, in the one place where it stands."""
        if error.sqlstate is None:
            return False
        results = await self._talk(self._act, self._statement("is_final", error.sqlstate.encode()))
        return _value(results[1]) == b"t"

    async def _talk(self, *asked: Statement) -> list[PGresult]:
        return await exchange(self._connection, asked)

    def _statement(self, block: str, *values: bytes) -> Statement:
        return Statement(_SQL[block].encode(), values)


def _value(result: PGresult) -> bytes:
    return result.get_value(0, 0) or b""


def _rejected(code: str, message: str, details: str | None, hint: str | None) -> bytes:
    error = {"code": code, "message": message, "details": details, "hint": hint}
    return msgspec.json.encode({"status": "rejected", "error": error})


def _failed(claim: _Claim, error: Exception) -> Problem:
    _log.error("the handler of '%s' failed at attempt %d", claim.kind, claim.attempt, exc_info=error)
    hint = "the server's log says how; it is tried again"
    return Problem(500, "handler_failed", "the handler failed", details=type(error).__name__, hint=hint)
