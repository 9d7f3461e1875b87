"""The end of the demo: what must be true, looked up in every file and in Postgres itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bmaddb.modules.sync_status import SyncConflict
from bmaddb.schema import Scope
from bmaddb.service.database import Database
from bmaddb.testing import digests


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that had to hold, and whether it does."""

    claim: str
    holds: bool
    detail: str


def same_everywhere(owner: psycopg.Connection[Any], user: str, *devices: Database) -> Finding:
    """Do all devices of one user hold exactly the server's rows?"""
    server = digests.server_rows(owner, devices[0].catalog, user)
    held = [_rows(device) for device in devices]
    unlike = [line for rows in held for line in digests.differences(rows, server)]
    marks = ", ".join(digests.digest(rows)[:16] for rows in (*held, server))
    detail = "; ".join(unlike[:3]) or f"{digests.count(server)} rows, digests {marks}"
    return Finding("devices and server hold the same rows", not unlike and digests.count(server) > 0, detail)


def nothing_twice(owner: psycopg.Connection[Any], user: str, expected_rows: int, device: Database) -> Finding:
    """Exactly the rows that were written, none doubled by the cut and its retry, none waiting."""
    held = digests.count(digests.server_rows(owner, device.catalog, user))
    waiting = device.outbox.counts().total
    return Finding(
        "no duplicate, nothing left behind",
        held == expected_rows and waiting == 0,
        f"{expected_rows} rows written, {held} on the server, {waiting} waiting",
    )


def different_rows(*devices: Database) -> int:
    """How many rows the devices of one user hold together; a row that both hold counts once."""
    held = {(table, row["id"]) for device in devices for table, rows in _rows(device).items() for row in rows}
    return len(held)


def verdicts(*devices: Database) -> Finding:
    """The conflict was decided and the decision can be read."""
    lines = [
        f"{verdict.table_name}.{verdict.column_name}: kept {verdict.resolved_value!r} by {verdict.policy},"
        f" mine {verdict.local_value!r}, theirs {verdict.remote_value!r}"
        for device in devices
        for verdict in device.query(SyncConflict).all()
    ]
    return Finding("the conflict has a verdict", bool(lines), "; ".join(lines))


def strangers(other: Database, user: str) -> Finding:
    """The other person's file holds no row of this user, in any table."""
    seen = 0
    for name, record in other.catalog.records.items():
        if other.catalog.tables[name].scope is Scope.USER:
            seen += other.query(record).where(record.__table__.column("user_id") == user).count()
    return Finding("the other user saw nothing", seen == 0, f"{seen} rows of {user} in {Path(other.store.path).name}")


def _rows(device: Database) -> digests.Rows:
    with device.read() as connection:
        return digests.device_rows(connection, device.catalog)
