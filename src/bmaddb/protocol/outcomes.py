"""What became of an entry or a request: settled, rejected, or failed, as frozen facts the outbox keeps too."""

from __future__ import annotations

import enum

import msgspec

from bmaddb import errors as e
from bmaddb.protocol.messages import ErrorBody


class FailureKind(enum.StrEnum):
    """What kind of trouble a request met; decides whether it is sent again."""

    LINK = "link"
    """The network, or a server that is busy or down: later it may work."""
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    CURSOR = "cursor"
    """The server cannot continue from this cursor."""
    NUMBER = "number"
    """The server expects another entry number."""
    TOO_LARGE = "too large"
    SERVER = "server"
    """The server failed (status 500): perhaps for a moment, perhaps each time it meets this request."""
    REFUSED = "refused"
    """The request, or an entry in it, is wrong."""
    CONFLICTS = "conflicts"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why something did not work, in words for a person."""

    kind: FailureKind
    code: str
    message: str
    hint: str | None = None
    retry_after_ms: int = 0

    @property
    def error_code(self) -> str:
        """As it is written down and told: a token that is refused has one code, whatever the server's is."""
        return e.AuthError.code if self.kind is FailureKind.TOKEN else self.code


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    version: int


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """The server will never take this entry as it is: park it and what depends on it."""

    number: int
    error: ErrorBody
    table: str | None = None
    id: str | None = None
