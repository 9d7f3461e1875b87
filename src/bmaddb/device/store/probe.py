"""Watching the statements of one connection, for whoever measures; a store that nobody watches has none of this.

Rules of this room: a statement is always counted, and measured as deeply as the gauge asks; what goes wrong in
here is the probe's problem, never the statement's; no value of a statement is looked at.
"""

from __future__ import annotations

import contextlib
import enum
from typing import Any, Final, Protocol

import apsw
import msgspec

from bmaddb.clock import Clock

_PROFILE: Final = apsw.SQLITE_TRACE_PROFILE
_PROFILE_AND_ROWS: Final = apsw.SQLITE_TRACE_PROFILE | apsw.SQLITE_TRACE_ROW
_ENDS: Final = " ;\n\r\t"


class Depth(enum.IntEnum):
    """How much of one run of a statement is measured. What it costs grows with it."""

    COUNT = 0
    TIME = 1
    """Time, and SQLite's counters."""
    ROWS = 2
    """The same, and the rows, one by one."""


class StatementRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a statement, from its first step until it was let go; the time its reader took is in it.

    `rows` it gave are None when nobody counted them; `changes` are rows written, by triggers too. Pages were found in
    the connection's cache (hits) or read (misses). `memory_bytes` is what the statement itself takes.
    """

    duration_us: int
    rows: int | None
    changes: int
    full_scan_steps: int
    sorts: int
    automatic_indexes: int
    machine_steps: int
    memory_bytes: int
    page_hits: int
    page_misses: int


class Gauge(Protocol):
    """Who measures. Both are called on the thread that runs the statement, in the middle of it: no SQL in there."""

    def begin(self, text: str, /) -> int:
        """A statement with this text starts; the answer is the Depth to measure it with."""
        ...

    def ended(self, text: str, run: StatementRun, /) -> None:
        """A statement that was measured is over."""
        ...


class Probe:
    """Between one connection and a gauge, until it is taken off. It does not keep the connection open."""

    def __init__(self, connection: apsw.Connection, gauge: Gauge, clock: Clock) -> None:
        self._ask, self._tell = gauge.begin, gauge.ended
        self._clock = clock
        self._depth: int = Depth.COUNT
        self._text: str | None = None
        self._rows = 0
        self._began = (0.0, 0, 0, 0)
        connection.exec_trace = self._start

    def remove(self, connection: apsw.Connection) -> None:
        """Leave the connection as it was before: now, or, as another thread may use it, before its next statement."""
        self._text = None
        with contextlib.suppress(apsw.ConnectionClosedError):
            connection.exec_trace = self._leave if self._depth else None

    def _leave(self, cursor: apsw.Cursor, _text: str, _values: object) -> bool:
        cursor.connection.exec_trace = None
        self._listen(cursor.connection, Depth.COUNT)
        return True

    def _start(self, cursor: apsw.Cursor, text: str, _values: object) -> bool:
        """SQLite has compiled the statement and is about to run it."""
        depth = self._ask(text)
        if depth or self._depth:
            connection = cursor.connection
            self._listen(connection, depth)
            if depth:
                self._text, self._rows = text, 0
                self._began = (self._clock.monotonic_ms(), *_counters(connection))
        return True

    def _listen(self, connection: apsw.Connection, depth: int) -> None:
        if depth != self._depth:
            connection.trace_v2(0, None, id=self)
            if depth:
                mask = _PROFILE if depth == Depth.TIME else _PROFILE_AND_ROWS
                connection.trace_v2(mask, self._traced, id=self)
            self._depth = depth
        self._text = None

    def _traced(self, event: dict[str, Any]) -> None:
        text = self._text
        if text is None:
            return
        if event["code"] != _PROFILE:
            self._rows += 1
        elif event["sql"].rstrip(_ENDS) == text.rstrip(_ENDS):  # the text index runs statements of its own
            self._text = None
            self._tell(text, self._run(event["connection"], event["stmt_status"]))

    def _run(self, connection: apsw.Connection, status: dict[str, int]) -> StatementRun:
        began_ms, *before = self._began
        took_ms = self._clock.monotonic_ms() - began_ms
        changes, hits, misses = (now - was for now, was in zip(_counters(connection), before, strict=True))
        return StatementRun(
            duration_us=round(took_ms * 1000),
            rows=self._rows if self._depth == Depth.ROWS else None,
            changes=changes,
            full_scan_steps=status["SQLITE_STMTSTATUS_FULLSCAN_STEP"],
            sorts=status["SQLITE_STMTSTATUS_SORT"],
            automatic_indexes=status["SQLITE_STMTSTATUS_AUTOINDEX"],
            machine_steps=status["SQLITE_STMTSTATUS_VM_STEP"],
            memory_bytes=status["SQLITE_STMTSTATUS_MEMUSED"],
            page_hits=hits,
            page_misses=misses,
        )


def _counters(connection: apsw.Connection) -> tuple[int, int, int]:
    """Rows changed, pages found, pages read, since the connection was opened."""
    return (
        connection.total_changes(),
        connection.status(apsw.SQLITE_DBSTATUS_CACHE_HIT)[0],
        connection.status(apsw.SQLITE_DBSTATUS_CACHE_MISS)[0],
    )
