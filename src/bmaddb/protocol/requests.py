"""The door for requests, version 1: what only the server can carry out, one call each, as frozen shapes."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bmaddb import errors as e
from bmaddb.protocol.messages import ErrorBody

REQUEST_FUNCTION = "bmad_request_v1"
KIND_PATTERN = r"[a-z][a-z0-9_.-]{0,63}"
KEY_CHARACTERS_MAX = 200


class RequestCall(msgspec.Struct, frozen=True, kw_only=True):
    """Carry this out, once, however often it is asked for under this key.

    `withdraw`: rather not; the answer says whether it was done before.
    """

    kind: str
    key: str
    payload: msgspec.Raw
    user: str | None
    round: int = 0
    """How often a person sent it again; a higher one reopens what was rejected or cancelled."""
    withdraw: bool = False


class RequestAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of it, told again to whoever asks again; `rejected` and `cancelled` had no effect."""

    status: Literal["done", "rejected", "cancelled"]
    result: Any = None
    error: ErrorBody | None = None


_ENCODER = msgspec.json.Encoder()
_ANSWER = msgspec.json.Decoder(RequestAnswer)


def encode(call: RequestCall) -> bytes:
    """The call as JSON bytes."""
    return _ENCODER.encode(call)


def request_answer(body: bytes) -> RequestAnswer:
    """Read the answer to a request; RemoteProtocolError when it is none."""
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise e.RemoteProtocolError(f"the answer to a request cannot be read: {error}") from error
    if answer.status == "rejected" and answer.error is None:
        raise e.RemoteProtocolError("a request was rejected without a reason")
    return answer
