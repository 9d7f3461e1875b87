"""How a verdict on a row is kept, and the row it is about as it stands in the file, in wire values."""

from __future__ import annotations

from typing import Any, Literal

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.entropy import uuid7
from bmaddb.protocol.merge.shapes import Verdict
from bmaddb.protocol.values import to_wire
from bmaddb.schema.sqlite_ddl_rows import read_row
from bmaddb.schema.tables import Table

_SQL = statements.load("bmaddb.device.outbox", "sql/outbox.sql")


def standing_row(connection: apsw.Connection, table: Table, row_id: str) -> dict[str, Any] | None:
    """The row by column, in wire values; None when there is none."""
    row = connection.execute(read_row(table), (row_id,)).fetchone()
    if row is None:
        return None
    return {column.name: to_wire(column.kind, raw) for column, raw in zip(table.columns, row, strict=True)}


def keep_verdict(
    store: Store, connection: apsw.Connection, verdict: Verdict, resolved_by: Literal["rule", "user"] = "rule"
) -> None:
    """Write it into `sync_conflicts`, in the transaction of `connection`."""
    now_ms = store.clock.now_ms()
    sides = (verdict.base, verdict.mine, verdict.theirs, verdict.resolved)
    connection.execute(
        _SQL["add_verdict"],
        (
            uuid7(store.entropy, now_ms),
            verdict.table,
            verdict.id,
            verdict.column,
            *(None if side is None else msgspec.json.encode(side).decode() for side in sides),
            verdict.rule,
            resolved_by,
            int(verdict.needs_attention),
            now_ms,
        ),
    )
