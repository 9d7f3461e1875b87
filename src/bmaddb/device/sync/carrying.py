"""Requests on their way: one call each, in the order of the plan, after what waits in the outbox has left."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bmaddb import errors as e
from bmaddb.device.requests import RequestQueue, reasons
from bmaddb.device.requests.plan import Plan
from bmaddb.device.requests.sending import Leaving, Sending
from bmaddb.device.sync.transport import failure_of
from bmaddb.protocol.requests import REQUEST_FUNCTION, encode, request_answer
from bmaddb.protocol.steps import Failure, FailureKind

CARRIED_MAX: Final = 500
"""In one go; then rows are pulled before more are carried."""
MISSES_MAX: Final = 3
"""So many calls in a row without an answer, and there is no network."""
NO_DOOR: Final = frozenset({"PGRST202", "http_404"})
"""The server is older than requests are."""
TRIED: Final = frozenset({"request_timeout", "handler_failed", "unknown_kind"})
"""Words for trouble with this request alone, under a status that else means the whole server."""
_SQLSTATE: Final = re.compile(r"[0-9A-Z]{5}")
"""What Postgres itself answers comes from the handler too, for push and pull went well before: also where its class
makes a status of it that else means the token or the network."""
WRONG: Final = frozenset({"bad_request", "key_reused"})
"""What the server will say each time. Other refusals of a whole call are a handler's fault, which may be mended."""
RUNNING: Final = "request_running"
Call = Callable[[str, bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What one go came to: requests that ended, whether more may leave, and what stopped it, if something did."""

    ended: int = 0
    more: bool = False
    failure: Failure | None = None


class Carrying:
    """Carries the requests of one run."""

    def __init__(self, queue: RequestQueue, call: Call, refresh_token: Callable[[], Awaitable[bool]]) -> None:
        self._sending = Sending(queue)
        self._call = call
        self._refresh_token = refresh_token
        self._refreshed = False
        self._misses = 0
        self._failure: Failure | None = None

    async def carry(self) -> Carried:
        """Up to CARRIED_MAX requests. StoreBusy when another process took the file's lease."""
        plan = await asyncio.to_thread(self._sending.plan)
        ended = 0
        for _ in range(CARRIED_MAX):
            request_id = plan.take()
            if request_id is None:
                break
            leaving = await asyncio.to_thread(self._sending.leave, request_id, len(plan))
            if leaving is not None:
                ended += await self._carry_one(plan, leaving)
            if self._failure is not None:
                break
        if ended:
            await asyncio.to_thread(self._sending.end)
        return Carried(ended=ended, more=len(plan) > 0 and self._failure is None, failure=self._failure)

    async def _carry_one(self, plan: Plan, leaving: Leaving) -> bool:
        """Is it over?"""
        try:
            answer = request_answer(await self._call(REQUEST_FUNCTION, encode(leaving.call)))
        except e.RemoteProtocolError as error:
            self._failure = Failure(kind=FailureKind.REFUSED, code=error.code, message=error.message, hint=error.hint)
            await self._put_off(leaving, self._failure, tried=True)
            return False
        except e.SyncError as error:
            return await self._failed(plan, leaving, failure_of(error))
        self._misses = 0
        await asyncio.to_thread(self._sending.settle, leaving, answer)
        if answer.status == "done":
            plan.done(leaving.id)
        return True

    async def _failed(self, plan: Plan, leaving: Leaving, failure: Failure) -> bool:
        if failure.kind is FailureKind.TOKEN and not self._refreshed:
            self._refreshed = True
            if await self._refresh_token():
                return await self._carry_one(plan, leaving)
        handlers = failure.code in TRIED or _SQLSTATE.fullmatch(failure.code) is not None
        if failure.code in NO_DOOR or (failure.kind is FailureKind.TOKEN and not handlers):
            self._failure = failure
        elif failure.code == RUNNING:
            await self._put_off(leaving, failure, tried=False)
        elif failure.kind is FailureKind.LINK and not handlers:
            self._misses += 1
            await self._put_off(leaving, failure, tried=False)
            self._failure = failure if self._misses >= MISSES_MAX else None
        elif failure.code in WRONG:
            await asyncio.to_thread(self._sending.refuse, leaving, reasons.of_failure(failure))
            return True
        else:
            self._misses = 0
            await self._put_off(leaving, failure, tried=True)
        return False

    async def _put_off(self, leaving: Leaving, failure: Failure, *, tried: bool) -> None:
        reason, wait_ms = reasons.of_failure(failure), failure.retry_after_ms
        await asyncio.to_thread(self._sending.put_off, leaving, reason, tried=tried, wait_ms=wait_ms)
