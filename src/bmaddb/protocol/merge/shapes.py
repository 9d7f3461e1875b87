"""What goes into a row's merge and what comes out of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bmaddb.protocol.changes import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A change to the row that waits in the outbox: the entry's place and stamp, and the change."""

    position: int
    stamp: str
    change: Change


Chain: TypeAlias = Sequence[Pending]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRow:
    """A row as the server holds it; `values` None says it is deleted there.

    `hlc` is the stamp of every column that `stamps` does not name.
    """

    table: str
    id: str
    server_seq: int | None
    values: Mapping[str, Any] | None
    hlc: str = ""
    stamps: Mapping[str, str] = field(default_factory=dict)

    def stamp(self, column: str) -> str:
        return self.stamps.get(column, self.hlc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMerge:
    """The end of a merge: what the local row becomes, what must still be pushed, what was decided.

    `changes` names the entries whose change to this row is different now; None says it is gone.
    """

    action: Action
    values: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[int, Change | None] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
