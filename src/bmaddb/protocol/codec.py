"""Messages to JSON bytes and back; whatever does not fit its shape is the other side's error."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from bmaddb import errors as e
from bmaddb.protocol.messages import (
    EntryAnswer,
    ErrorBody,
    PullAnswer,
    PullRequest,
    PushAnswer,
    PushRequest,
    TablePage,
    WalkRequest,
    WireEntry,
)

M = TypeVar("M")
_ENCODER = msgspec.json.Encoder()
_PULL_ANSWER = msgspec.json.Decoder(PullAnswer)
_PUSH_ANSWER = msgspec.json.Decoder(PushAnswer)
_ERROR_BODY = msgspec.json.Decoder(ErrorBody)
NAMED: Final = frozenset({"id", "server_seq"})
_NO_ROWS: Final = frozenset({b"[]", b"null"})
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for bytes that are not the message it reads."""


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
    except UNREADABLE:
        return ErrorBody()


def row_values(text: str) -> list[Any]:
    """The values of one row of a page; RemoteProtocolError when it is none."""
    try:
        values = msgspec.json.decode(text)
    except UNREADABLE as error:
        raise e.RemoteProtocolError(f"a row of a page cannot be read: {error}") from error
    if not isinstance(values, list):
        raise e.RemoteProtocolError("a row of a page is not an array")
    return values


def check_part(part: TablePage) -> None:
    """RemoteProtocolError when the columns of a page's rows do not say which row in which version each is."""
    if part.columns and not set(part.columns) >= NAMED:
        raise e.RemoteProtocolError(f"the rows of {part.table} come without {' and '.join(sorted(NAMED))}")
    if not part.columns and bytes(part.rows) not in _NO_ROWS:
        raise e.RemoteProtocolError(f"the rows of {part.table} come without the names of their columns")


def _decoded(decoder: msgspec.json.Decoder[M], body: bytes, what: str) -> M:
    try:
        return decoder.decode(body)
    except UNREADABLE as error:
        raise e.RemoteProtocolError(
            f"the answer to a {what} cannot be read: {error}", hint="is the address that of a bmaddb server?"
        ) from error


def _checked_page(page: PullAnswer) -> PullAnswer:
    if not page.resync and page.cursor is None:
        raise e.RemoteProtocolError("a page came without a cursor")
    for part in page.tables:
        check_part(part)
    return page


def _check_entry(answer: EntryAnswer) -> None:
    if answer.status == "applied" and answer.version is None:
        raise e.RemoteProtocolError(f"entry {answer.number} was applied without a version")
    if answer.status == "conflict" and not answer.rows:
        raise e.RemoteProtocolError(f"entry {answer.number} conflicts without a row")
