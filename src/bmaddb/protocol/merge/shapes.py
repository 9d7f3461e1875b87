"""What goes into a row's merge and what comes out of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from bmaddb.protocol.changes import Change


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A change to the row that waits in the outbox: the entry's place and stamp, and the change."""

    position: int
    stamp: str
    change: Change


Chain: TypeAlias = Sequence[Pending]


class RemoteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as the server holds it; `values` None says it is deleted there.

    `hlc` is the stamp of every column that `stamps` does not name.
    """

    table: str
    id: str
    server_seq: int | None
    values: Mapping[str, Any] | None
    hlc: str = ""
    stamps: Mapping[str, str] = msgspec.field(default_factory=dict)

    def stamp(self, column: str) -> str:
        return self.stamps.get(column, self.hlc)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one dispute ended, both sides kept. `column` None: an edit met a delete, and the sides are rows."""

    table: str
    id: str
    column: str | None
    base: Any
    mine: Any
    theirs: Any
    resolved: Any
    rule: str
    needs_attention: bool = False


class Action(enum.StrEnum):
    """What the local row needs."""

    KEEP = "keep"
    SET = "set"
    """These columns take these values."""
    PUT = "put"
    """The server's row takes its place."""
    DROP = "drop"


class RowMerge(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a merge: what the local row becomes, what must still be pushed, what was decided.

    `changes` names the entries whose change to this row is different now; None says it is gone.
    """

    action: Action
    values: Mapping[str, Any] = msgspec.field(default_factory=dict)
    changes: Mapping[int, Change | None] = msgspec.field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
