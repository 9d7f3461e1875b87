"""One round trip to Postgres: several statements sent at once, answers read together (libpq pipeline mode).

Rules of this room: the statements of one exchange are one transaction (they begin and commit it themselves);
after an error Postgres skips the rest and we roll back; a connection whose exchange broke off is closed.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import AsyncConnection, pq
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow
from psycopg.waiting import Ready, Wait

from bmaddb.server.sqlstate import ServerReport

PREPARED_MAX: Final = 256
UNKNOWN_STATEMENT: Final = "26000"  # a pooler between us and Postgres gave us another backend
STALE_PLAN_FUNCTION: Final = b"RevalidateCachedQuery"  # where Postgres says: the result type changed


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `$1` places and the text of their values; its plan serves one `role`, never two.

    (A small SQL function is planned into its caller, after which Postgres no longer asks who may execute it.)
    """

    sql: bytes
    values: Sequence[bytes | None] = ()
    role: str = ""


PlanKey = tuple[bytes, str]
_ROLLBACK: Final = Statement(b"rollback")


class GatewayConnection(AsyncConnection[TupleRow]):
    """A connection that knows the names of what it has prepared; None when it may prepare nothing."""

    prepared: dict[PlanKey, bytes] | None = None
    names_given: int = 0


class Refused(Exception):
    """Postgres answered a statement with an error ; `stale` means: try again on another connection."""

    def __init__(self, report: ServerReport, *, stale: bool) -> None:
        self.report = report
        self.stale = stale
        super().__init__(f"{report.state} {report.message}")


async def exchange(connection: GatewayConnection, statements: Sequence[Statement]) -> list[PGresult]:
    """Run `statements` in one round trip; one result each. Raises Refused or psycopg's OperationalError."""
    pgconn = connection.pgconn
    try:
        prepares, results = await connection.wait(_communicate(connection, statements))
        if pgconn.transaction_status == pq.TransactionStatus.INERROR:
            await connection.wait(_communicate(connection, [_ROLLBACK]))
    except BaseException:
        pgconn.finish()
        raise
    for position, key in prepares.items():
        if results[position].status != pq.ExecStatus.COMMAND_OK and connection.prepared is not None:
            connection.prepared.pop(key, None)
    failed = next((r for r in results if r.status == pq.ExecStatus.FATAL_ERROR), None)
    if failed is None:
        return [result for position, result in enumerate(results) if position not in prepares]
    report = report_of(failed)
    stale = report.state == UNKNOWN_STATEMENT or (
        failed.error_field(pq.DiagnosticField.SOURCE_FUNCTION) == STALE_PLAN_FUNCTION
    )
    if stale:
        pgconn.finish()
    raise Refused(report, stale=stale and connection.prepared is not None)


def _communicate(
    connection: GatewayConnection, statements: Sequence[Statement]
) -> Generator[Wait, Ready | int, tuple[dict[int, PlanKey], list[PGresult]]]:
    """Send all, read all. Answers the results and, by position, which of them only prepared a statement."""
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    prepares: dict[int, PlanKey] = {}
    for number, statement in enumerate(statements):
        if _send(connection, statement):
            prepares[number + len(prepares)] = (statement.sql, statement.role)
    pgconn.pipeline_sync()
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()
    results: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            if (yield Wait.R):
                pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            continue
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            break
        results.append(result)
    pgconn.exit_pipeline_mode()
    return prepares, results


def _send(connection: GatewayConnection, statement: Statement) -> bool:
    """Put one statement on its way; answers whether it had to be prepared first."""
    pgconn, prepared = connection.pgconn, connection.prepared
    key = (statement.sql, statement.role)
    if prepared is None or (key not in prepared and len(prepared) >= PREPARED_MAX):
        pgconn.send_query_params(statement.sql, statement.values)
        return False
    fresh = key not in prepared
    if fresh:
        connection.names_given += 1
        prepared[key] = b"bmaddb_%d" % connection.names_given
        pgconn.send_prepare(prepared[key], statement.sql)
    pgconn.send_query_prepared(prepared[key], statement.values)
    return fresh


def report_of(result: PGresult | None) -> ServerReport:
    """What Postgres said of an error."""
    field = pq.DiagnosticField

    def text(kind: pq.DiagnosticField) -> str | None:
        value = None if result is None else result.error_field(kind)
        return value.decode("utf-8", "replace") if value is not None else None

    return ServerReport(
        state=text(field.SQLSTATE) or "XX000",
        message=text(field.MESSAGE_PRIMARY) or "",
        detail=text(field.MESSAGE_DETAIL),
        hint=text(field.MESSAGE_HINT),
    )
