"""The door to the network: one request, one answer, or a reason why not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, runtime_checkable

from bmaddb import errors as e
from bmaddb.protocol.steps import Failure, FailureKind


class Transport(Protocol):
    """Carries calls of server functions; `bmaddb.testing.LossyTransport` is a manual twin."""

    async def call(self, function: str, body: bytes) -> bytes:
        """Call the server's `function` with a JSON body; the JSON answer.

        Raises TransportError (nobody knows whether it arrived), AuthError, or CallFailed with the reason.
        """
        ...

    async def refresh_token(self) -> bool:
        """Get a new token from whoever gives them; False when there is none to get."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class StreamTransport(Transport, Protocol):
    """A transport that can also carry an answer of many pages."""

    def stream(self, function: str, body: bytes) -> AsyncGenerator[bytes]:
        """Call `function`; the pages of its answer one by one, as JSON, read no faster than they are taken.

        Raises NotStreamed where the server has no streams, else as `call` does.
        """
        ...


class NotStreamed(e.SyncError):
    """This server streams nothing, or not now: what a stream brings comes in pages as well."""


class CallFailed(e.SyncError):
    """A call brought no answer of its kind."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.code}: {failure.message}", hint=failure.hint)
        self.failure = failure


def failure_of(error: e.SyncError) -> Failure:
    """The failure behind an error that a transport raised."""
    if isinstance(error, CallFailed):
        return error.failure
    if isinstance(error, e.TransportError):
        kind = FailureKind.LINK
    elif isinstance(error, e.AuthError):
        kind = FailureKind.TOKEN
    else:
        kind = FailureKind.CURSOR if isinstance(error, e.CursorExpired) else FailureKind.REFUSED
    return Failure(kind=kind, code=error.code, message=error.message, hint=error.hint)
