"""Messages of the native door, version 1, as frozen shapes. docs/protocol.md says what each field means."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

PULL_FUNCTION = "bmad_pull_v1"
PUSH_FUNCTION = "bmad_push_v1"
WALK_FUNCTION = "bmad_walk_v1"
WALK_CURSOR = "w1."
"""How the cursors of a first sync begin while it is walking through the tables."""
Cursor = str | None
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
"""What the server counts: of an entry, of a version, of a schema; a file holds 64 bits."""


class PullRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changed for me since `cursor` (null = ever)?"""

    cursor: Cursor
    schema_version: int
    device_id: str
    limit_rows: int
    limit_bytes: int | None = None
    user: str | None = None
    """Whose file asks; the server refuses a token of anybody else."""
    tables: tuple[str, ...] | None = None


class WalkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, table by table in the order of `tables` (others after them), as a stream of pages."""

    cursor: Cursor
    schema_version: int
    device_id: str
    limit_rows: int
    limit_bytes: int
    user: str | None
    tables: tuple[str, ...]


class TablePage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One table's part of a page; `rows` is the JSON text of an array of arrays, never decoded here."""

    table: str
    columns: tuple[str, ...] = ()
    rows: msgspec.Raw = msgspec.Raw(b"[]")
    deleted: tuple[str, ...] = ()


class PullAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page, or (`resync`) the news that this device must read everything again."""

    cursor: Cursor = None
    more: bool = False
    tables: tuple[TablePage, ...] = ()
    resync: bool = False
    reason: str | None = None
    schema_version: Number | None = None
    """Of the server: in its names the page is written. None where it is not told again: as before."""
    lost: tuple[tuple[int, int], ...] = ()
    """Of a first page: ranges of the user's versions (first, last) that were given out before a restore, and lost."""
    expect: dict[str, int] | None = None
    """At the beginning of a stream: how many rows of which table it will bring."""


class RowInserts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """New rows of one table that name the same columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class RowUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """Columns set on one row; `base` is the version of the row this device last saw."""

    id: str
    base: int | None
    set: dict[str, Any]


class RowDelete(msgspec.Struct, frozen=True, kw_only=True):
    """One row removed; `base` is the version of the row this device last saw."""

    id: str
    base: int | None


class TableChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of an entry; the server applies the parts in the order they stand."""

    table: str
    insert: RowInserts | None = None
    update: tuple[RowUpdate, ...] = ()
    delete: tuple[RowDelete, ...] = ()


class WireEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One local transaction under its number."""

    number: int
    schema_version: int
    hlc: str
    changes: tuple[TableChange, ...]


class PushRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Entries in order; the answer may carry what others changed since `cursor` (null = spare it)."""

    device_id: str
    schema_version: int
    settled: int
    cursor: Cursor
    limit_rows: int
    user: str | None
    entries: tuple[msgspec.Raw, ...]


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as PostgREST writes it."""

    code: str = ""
    message: str = ""
    details: Any = None
    hint: Any = None


class ServerRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The server's row in a conflict; `row` null says it is deleted, `server_seq` then is the tombstone's."""

    table: str
    id: str
    server_seq: Number | None = None
    row: dict[str, Any] | None = None
    hlc: str | None = None
    stamps: dict[str, str] | None = None


class EntryAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one entry."""

    number: Number
    status: Literal["applied", "conflict", "rejected"]
    version: Number | None = None
    rows: tuple[ServerRow, ...] = ()
    error: ErrorBody | None = None
    table: str | None = None
    id: str | None = None


class PushAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answers in the order of the entries; the server stops after the first that is not applied."""

    answers: tuple[EntryAnswer, ...] = ()
    last_number: Number
    pull: PullAnswer | None = None
