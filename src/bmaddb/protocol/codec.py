"""Messages to JSON bytes and back; whatever does not fit its shape is the other side's error."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from bmaddb import errors as e
from bmaddb.protocol.messages import (
    EntryAnswer,
    ErrorBody,
    PullAnswer,
    PullRequest,
    PushAnswer,
    PushRequest,
    WalkRequest,
    WireEntry,
)

M = TypeVar("M")
_ENCODER = msgspec.json.Encoder()
_PULL_ANSWER = msgspec.json.Decoder(PullAnswer)
_PUSH_ANSWER = msgspec.json.Decoder(PushAnswer)
_ERROR_BODY = msgspec.json.Decoder(ErrorBody)


def encode(message: PullRequest | PushRequest | WalkRequest | WireEntry) -> bytes:
    """The message as JSON bytes; JSON columns' numbers and text must have been looked at before."""
    return _ENCODER.encode(message)


def pull_answer(body: bytes) -> PullAnswer:
    """Read the answer to a pull; RemoteProtocolError when it is none."""
    return _checked_page(_decoded(_PULL_ANSWER, body, "pull"))


def push_answer(body: bytes) -> PushAnswer:
    """Read the answer to a push; RemoteProtocolError when it is none."""
    answer = _decoded(_PUSH_ANSWER, body, "push")
    for item in answer.answers:
        _check_entry(item)
    if answer.pull is not None:
        _checked_page(answer.pull)
    return answer


def error_body(body: bytes) -> ErrorBody:
    """Read an error as PostgREST writes it; an empty one for a body that is something else."""
    try:
        return _ERROR_BODY.decode(body)
    except msgspec.MsgspecError:
        return ErrorBody()


def row_values(text: str) -> list[Any]:
    """The values of one row of a page."""
    values = msgspec.json.decode(text)
    if not isinstance(values, list):
        raise e.RemoteProtocolError("a row of a page is not an array")
    return values


def _decoded(decoder: msgspec.json.Decoder[M], body: bytes, what: str) -> M:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise e.RemoteProtocolError(
            f"the answer to a {what} cannot be read: {error}", hint="is the address that of a bmaddb server?"
        ) from error


def _checked_page(page: PullAnswer) -> PullAnswer:
    if not page.resync and page.cursor is None:
        raise e.RemoteProtocolError("a page came without a cursor")
    return page


def _check_entry(answer: EntryAnswer) -> None:
    if answer.status == "applied" and answer.version is None:
        raise e.RemoteProtocolError(f"entry {answer.number} was applied without a version")
    if answer.status == "conflict" and not answer.rows:
        raise e.RemoteProtocolError(f"entry {answer.number} conflicts without a row")
