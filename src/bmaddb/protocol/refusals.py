"""Why a request was refused: HTTP status and error body in, one failure out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bmaddb.protocol.messages import ErrorBody
from bmaddb.protocol.outcomes import Failure, FailureKind

RETRY_AFTER_MS_MAX: Final = 30_000
_DIGITS_MAX: Final = 9

# Words and codes that say more than the status. 40001, 40P01: run it again; 57014: it took too long. A cursor
# of another user is no reason to begin anew: the token is wrong, and the file would be emptied for it.
_BY_CODE: Mapping[str, FailureKind] = MappingProxyType(
    {
        "40001": FailureKind.LINK,
        "40P01": FailureKind.LINK,
        "57014": FailureKind.TOO_LARGE,
        "number_gap": FailureKind.NUMBER,
        "number_settled": FailureKind.NUMBER,
        "cursor_garbage": FailureKind.CURSOR,
        "cursor_future": FailureKind.CURSOR,
        "cursor_epoch": FailureKind.CURSOR,
        "cursor_foreign": FailureKind.TOKEN,
    }
)
_BY_STATUS: Mapping[int, FailureKind] = MappingProxyType(
    {
        401: FailureKind.TOKEN,
        403: FailureKind.TOKEN,
        408: FailureKind.LINK,
        413: FailureKind.TOO_LARGE,
        425: FailureKind.LINK,
        429: FailureKind.LINK,
        500: FailureKind.SERVER,
    }
)


def failure_of(status: int, body: ErrorBody, retry_after: str | None = None) -> Failure:
    """The failure behind an answer whose status is not a success; `retry_after` as in the header, seconds."""
    code, message = worded(body)
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if kind is None:
        # Our server sends nobody elsewhere: a redirect is the sign-in page of a network.
        elsewhere = status >= 500 or status < 400
        kind = FailureKind.LINK if elsewhere else FailureKind.REFUSED
    return Failure(
        kind=kind,
        code=code or f"http_{status}",
        message=message or f"the server answered with status {status}",
        hint=None if body.hint is None else str(body.hint),
        retry_after_ms=_wished_ms(retry_after),
    )


def _wished_ms(retry_after: str | None) -> int:
    """How long the server wants to be left alone, up to a limit: a sync must end."""
    if not retry_after or not retry_after.isdecimal():
        return 0
    return min(int(retry_after[:_DIGITS_MAX]) * 1000, RETRY_AFTER_MS_MAX)


def worded(body: ErrorBody) -> tuple[str, str]:
    """Code and message of an error; a refusal of our own functions starts its message with a word."""
    word, _, text = body.message.partition(": ")
    return (word, text) if body.code.startswith("PT") and text else (body.code, body.message)
