"""What the session hears (events) and what it says (commands), as frozen facts."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from bmaddb.protocol.messages import Cursor, PullAnswer, PushAnswer, ServerRow
from bmaddb.protocol.outcomes import Failure as Failure
from bmaddb.protocol.outcomes import FailureKind as FailureKind
from bmaddb.protocol.outcomes import Rejection as Rejection
from bmaddb.protocol.outcomes import Settlement as Settlement


class Result(enum.StrEnum):
    """How a sync ended."""

    OK = "ok"
    """Everything here is there and the other way round."""
    PARTIAL = "partial"
    """The two sides spoke, but something of this device still waits (parked, or in a conflict)."""
    OFFLINE = "offline"
    """No network, no server, or no valid token: a state, not an error; everything waits."""
    FAILED = "failed"
    """The other side (or this one) did what it must not; a person should look."""


# --- events ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A sync begins. `in_flight`: numbers of entries whose answer never came; `resyncing`: from nothing.

    `push_first`: something waits and the cursor stands, so that the answer to a push can bring the news as well.
    `served_schema`: the schema version the server had when it was last heard, None when it never told.
    """

    cursor: Cursor
    in_flight: tuple[int, ...] = ()
    resyncing: bool = False
    push_first: bool = False
    served_schema: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    answer: PullAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class PageApplied:
    """The page and its cursor are in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResyncBegun:
    """Every row is marked as not seen yet, and the cursor is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Rows the server no longer has are gone; `again`: not yet, some came back there and must be pulled first."""

    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """Entries have numbers, durably; none means nothing can be sent. `parked` entries wait for a person."""

    numbers: tuple[int, ...]
    parked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    answer: PushAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The answers are in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The leased entries are without a number again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberKnown:
    """The file knows the highest number the server has from this device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefreshed:
    refreshed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """The delay is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A request brought no answer of its kind."""

    failure: Failure


# --- commands ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    cursor: Cursor
    limit_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPage:
    """Rows, deletes and cursor of this page, in one transaction, merged with what waits."""

    page: PullAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """Mark every row as not seen, forget the cursor; the outbox stays."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Remove the rows that the whole pull did not bring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Give numbers to the next entries, durably, before they leave."""

    limit_entries: int
    limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Send the leased entries."""

    cursor: Cursor
    limit_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """An entry met rows that changed on the server: merge, and it waits again."""

    number: int
    rows: tuple[ServerRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """What became of a batch, to be written in one transaction; entries not named get no number."""

    applied: tuple[Settlement, ...]
    clash: Clash | None
    rejection: Rejection | None
    last_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The batch never reached the server: take its numbers back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkBatch:
    """The server refuses this batch of one entry, and always will: park it."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class AskNumber:
    """Push nothing, to learn the highest number the server has from this device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """Ask whoever gives tokens for a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Let time pass, with jitter, before the same request goes again."""

    delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The sync is over."""

    result: Result
    failure: Failure | None = None


Event: TypeAlias = (
    Started
    | Pulled
    | PageApplied
    | ResyncBegun
    | Swept
    | Leased
    | Pushed
    | Settled
    | Released
    | NumberKnown
    | TokenRefreshed
    | Waited
    | Failed
)
Command: TypeAlias = (
    Pull
    | ApplyPage
    | Resync
    | Sweep
    | Lease
    | Push
    | Settle
    | Release
    | ParkBatch
    | AskNumber
    | RefreshToken
    | Wait
    | Done
)
