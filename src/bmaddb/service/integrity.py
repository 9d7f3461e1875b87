"""`db.integrity()`: the checks of the upkeep room, and two more: rows nobody will send, and the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bmaddb import statements
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.sync import GiveBack, SyncEngine, Verified, VerifyReport
from bmaddb.device.upkeep import Finding, Integrity, IntegrityReport, Status
from bmaddb.schema import Scope
from bmaddb.schema.records import writable

_SQL = statements.load("bmaddb.device.upkeep", "sql/integrity.sql")
_OF_VERIFY: Final = {
    Verified.EQUAL: Status.OK,
    Verified.REPAIRED: Status.OK,
    Verified.DIFFERS: Status.FAIL,
    Verified.UNKNOWN: Status.WARN,
}


def check_integrity(
    store: Store, outbox: Outbox, engine: SyncEngine | None, *, full: bool, repair: bool
) -> IntegrityReport:
    """Look at one file; with `full` and a server, compare it with the server too. Nothing is put into a damaged one."""
    began = store.clock.monotonic_ms()
    found = Integrity(store, outbox).examine(full=full, repair=repair)
    if all(finding.check != "file" or finding.status is Status.OK for finding in found):
        found += _orphans(store, outbox, repair=repair) or [Finding(check="orphans", status=Status.OK)]
        if full and engine is not None:
            found.append(_compared(engine.verify_blocking(repair=repair)))
    return IntegrityReport(findings=tuple(found), full=full, duration_ms=store.clock.monotonic_ms() - began)


def _orphans(store: Store, outbox: Outbox, *, repair: bool) -> list[Finding]:
    """Rows that no server has seen and no entry will bring there: they get an entry again."""
    lost = dict(_unsent(store))
    if lost and repair:
        GiveBack(store, outbox).rows(lost)
    return [
        replace(finding, status=Status.OK, repaired=True) if repair else finding
        for finding in (
            Finding(
                check="orphans",
                status=Status.FAIL,
                reason=f"{len(ids)} rows of {table} never reached a server, and nothing waits to bring them there",
                remedy="put them into the outbox again",
                count=len(ids),
            )
            for table, ids in lost.items()
        )
    ]


def _unsent(store: Store) -> Iterator[tuple[str, list[str]]]:
    with store.read() as connection:
        for table in store.catalog.synced_tables:
            if table.scope is Scope.USER and writable(table):
                rows = connection.execute(_SQL["unsent"].format(table=table.name))
                ids = [str(row[0]) for row in rows]
                if ids:
                    yield table.name, ids


def _compared(report: VerifyReport) -> Finding:
    reason = "" if report.result is Verified.EQUAL else f"{report.differing} rows differed from the server's"
    if report.failure is not None:
        reason = f"it could not be compared with the server: {report.failure.message}"
    return Finding(
        check="digests",
        status=_OF_VERIFY[report.result],
        reason=reason,
        remedy="" if report.result is Verified.EQUAL else "db.verify()",
        count=report.differing,
        repaired=report.result is Verified.REPAIRED,
    )
