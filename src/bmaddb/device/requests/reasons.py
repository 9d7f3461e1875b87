"""Why a request is dead, or has to be tried again, in words for a person."""

from __future__ import annotations

from typing import Final

import msgspec

from bmaddb.protocol.messages import ErrorBody
from bmaddb.protocol.outcomes import Failure
from bmaddb.protocol.refusals import worded

DEPENDS: Final = "depends_on_dead"
DEADLINE: Final = "deadline_passed"
DISCARDED: Final = "entry_discarded"
ATTEMPTS: Final = "attempts_used_up"
ELSEWHERE: Final = "cancelled_elsewhere"


class RequestReason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`hint`: what a person can do. `request`: the dead or cancelled request this one needed."""

    code: str
    message: str
    details: str | None = None
    hint: str | None = None
    request: str | None = None


def written(reason: RequestReason) -> str:
    """As JSON text."""
    return msgspec.json.encode(reason).decode()


def read(text: str | None) -> RequestReason | None:
    """Out of JSON text."""
    return None if text is None else msgspec.json.decode(text, type=RequestReason)


def of_value(value: object) -> RequestReason | None:
    """Out of `ServerRequest.reason`."""
    return None if value is None else msgspec.convert(value, type=RequestReason)


def of_rejection(error: ErrorBody) -> RequestReason:
    """The handler will not do it."""
    code, message = worded(error)
    return RequestReason(
        code=code or "rejected",
        message=message or "the server will not do it",
        details=None if error.details is None else str(error.details),
        hint=None if error.hint is None else str(error.hint),
    )


def of_failure(failure: Failure) -> RequestReason:
    """The call brought no answer, or the server failed."""
    return RequestReason(code=failure.code, message=failure.message, hint=failure.hint)


def used_up(last: RequestReason, attempts: int) -> RequestReason:
    """The server tried often enough."""
    return RequestReason(
        code=ATTEMPTS,
        message=f"the server failed {attempts} times, the last time: {last.message} [{last.code}]",
        details=last.details,
        hint="the server's log says what went wrong there; then `retry`",
    )


def depends_on(request_id: str) -> RequestReason:
    """What it needs will not be done."""
    return RequestReason(
        code=DEPENDS,
        message="it needs a request that is dead or was cancelled",
        hint="it follows by itself when that one is sent again (`retry`)",
        request=request_id,
    )


def late() -> RequestReason:
    """Its deadline passed."""
    return RequestReason(
        code=DEADLINE, message="its deadline passed before it was done", hint="`retry` sends it all the same"
    )


def discarded(entry_id: str) -> RequestReason:
    """The local change it builds on was given up."""
    return RequestReason(
        code=DISCARDED,
        message="the local change it builds on was given up",
        details=f"entry {entry_id}",
        hint="`retry` sends it all the same",
    )


def elsewhere() -> RequestReason:
    """Another device withdrew the request with this key."""
    return RequestReason(code=ELSEWHERE, message="another device cancelled the request with this key", hint="`retry`")
