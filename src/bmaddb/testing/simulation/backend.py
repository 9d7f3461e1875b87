"""The server of a simulation: real Postgres and the real functions, called as a gateway calls them, on one thread.

Rules of this room: nothing here is concurrent, yet transactions do overlap: an operator's stays open while devices
pull, which is how commits come to be seen in another order than they began.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from bmaddb import statements
from bmaddb.device.sync.transport import CallFailed
from bmaddb.protocol.codec import error_body
from bmaddb.protocol.refusals import failure_of
from bmaddb.server.exchange import GatewayConnection, Refused
from bmaddb.server.run import install_schema
from bmaddb.server.sqlstate import ServerReport, problem_of
from bmaddb.server.walk import PLANNER, WalkPages, Wish
from bmaddb.testing.simulation.editions import Edition

_SQL = statements.load("bmaddb.testing.simulation", "simulation.sql")
Connect = Callable[[str, str], str]
"""Database and role -> conninfo."""


class Backend:
    """One database of a running cluster. `conninfo_of(database, role)` says how to reach it."""

    def __init__(self, conninfo_of: Connect, database: str) -> None:
        self.database = database
        self._conninfo_of = conninfo_of
        self._gateway: psycopg.Connection[Any] | None = None
        self._operator: psycopg.Connection[Any] | None = None
        self._late: psycopg.Connection[Any] | None = None
        self._snapshot: str | None = None

    # --- devices ---

    def call(self, user: str, function: str, body: bytes) -> bytes:
        """One request of `user`: role, claims and call in a transaction of their own. CallFailed when refused."""
        claims = msgspec.json.encode({"sub": user, "role": "authenticated"}).decode()
        settings = msgspec.json.encode({"request.jwt.claims": claims, "role": "authenticated"}).decode()
        named = sql.SQL(_SQL["call"]).format(function=sql.Identifier(function))
        gateway = self._opened("_gateway", "authenticator")
        try:
            with gateway.pipeline():  # what is sent up to its end is one transaction, and one trip
                gateway.execute(_SQL["preamble"].encode(), [settings])
                cursor = gateway.execute(named, [body.decode()])
            row = cursor.fetchone()
        except psycopg.Error as error:
            raise CallFailed(_failure(error)) from error
        return str(row[0]).encode() if row else b"null"

    async def walk(self, user: str, body: bytes) -> list[bytes]:
        """The stream of a first sync of `user`: all its frames, for it is one snapshot. CallFailed when refused."""
        claims = msgspec.json.encode({"sub": user, "role": "authenticated"}).decode()
        settings = {**PLANNER, "request.jwt.claims": claims, "role": "authenticated"}
        wish = msgspec.json.decode(body, type=Wish)
        conninfo = self._conninfo_of(self.database, "authenticator")
        connection = await GatewayConnection.connect(conninfo, autocommit=True)
        try:
            walk = WalkPages(connection, wish)
            await walk.begin(msgspec.json.encode(settings), body)
            return [frame async for frame in walk.frames()]
        except Refused as refused:
            raise CallFailed(_failure_of(refused.report)) from refused
        finally:
            await connection.close()

    # --- the operator ---

    def operate(self, name: str, values: tuple[Any, ...], *, table: str = "", late: bool = False) -> list[Any]:
        """Run a statement of an operator; `late` leaves its transaction open until `commit_late`."""
        statement = sql.SQL(_SQL[name]).format(table=sql.Identifier(table)) if table else _SQL[name].encode()
        role = "_late" if late else "_operator"
        connection = self._opened(role, "postgres", autocommit=not late)
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def has_stickers(self, user: str, note: str) -> bool:
        """Is there anything on the note that would hold it back?"""
        return bool(self.operate("stickers_of", (user, note)))

    @property
    def has_late(self) -> bool:
        """Is a transaction of the operator open?"""
        return self._late is not None and self._late.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    def commit_late(self, *, keep: bool) -> bool:
        """End the open transaction; did what it holds come to stand?"""
        if self._late is None or not keep:
            if self._late is not None:
                self._late.rollback()
            return False
        with contextlib.suppress(psycopg.errors.ForeignKeyViolation):  # somebody referred to the row meanwhile
            self._late.commit()
            return True
        return False

    def read(self) -> psycopg.Connection[Any]:
        """The operator's connection, for looking at everything."""
        return self._opened("_operator", "postgres")

    # --- backups ---

    def snapshot(self) -> None:
        """Keep a copy of everything committed, in place of an older one."""
        self._disconnect()
        self._snapshot = f"{self.database}_copy"
        self._maintain("drop", self._snapshot)
        self._maintain("clone", self._snapshot, self.database)

    def install(self, edition: Edition) -> None:
        """Start the server program of this edition: it brings the database up."""
        install_schema(self._conninfo_of(self.database, "postgres"), edition.catalog, edition.migrations)

    def restore(self, chance: float, edition: Edition, *, again: bool) -> None:
        """Go back to the copy, and say so as the manual wants; `chance` in [0, 1) seeds how far versions jump.

        `again`: the copy is kept, and may be restored again.
        """
        if self._snapshot is None:
            return
        self._disconnect()
        self._maintain("drop", self.database)
        self._maintain("clone", self.database, self._snapshot)
        if not again:
            self._maintain("drop", self._snapshot)
            self._snapshot = None
        self.install(edition)
        self.operate("after_restore", (chance,))

    @property
    def has_snapshot(self) -> bool:
        return self._snapshot is not None

    def close(self) -> None:
        """Let go of the connections, and of the copy."""
        self._disconnect()
        if self._snapshot is not None:
            self._maintain("drop", self._snapshot)
            self._snapshot = None

    # --- inside ---

    def _opened(self, place: str, role: str, *, autocommit: bool = True) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self, place)
        if connection is None:
            connection = psycopg.connect(self._conninfo_of(self.database, role), autocommit=autocommit)
            setattr(self, place, connection)
        return connection

    def _disconnect(self) -> None:
        for place in ("_gateway", "_operator", "_late"):
            connection = getattr(self, place)
            if connection is not None:
                with contextlib.suppress(psycopg.Error):
                    connection.close()
            setattr(self, place, None)

    def _maintain(self, name: str, database: str, template: str = "") -> None:
        statement = sql.SQL(_SQL[name]).format(name=sql.Identifier(database), template=sql.Identifier(template or "x"))
        with psycopg.connect(self._conninfo_of("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(statement)


def _failure(error: psycopg.Error) -> Any:
    report = ServerReport(
        state=error.sqlstate or "08006",
        message=error.diag.message_primary or str(error),
        detail=error.diag.message_detail,
        hint=error.diag.message_hint,
    )
    return _failure_of(report)


def _failure_of(report: ServerReport) -> Any:
    problem = problem_of(report, authenticated=True)
    answer = problem.answer()
    return failure_of(answer.status, error_body(answer.body))
