"""What happened, told as frozen facts: rooms emit them, the monitor, the service and tests listen.

Rules of this room: a signal is a fact of the past, never a request; a listener that fails is the listener's
problem and is reported to `on_listener_error`, never to the room that emitted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound="Signal")


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """Anything that happened."""


class Committed(Signal, frozen=True, kw_only=True):
    """A local write transaction is durable. `tables` were touched; `origin` is 'local' or 'remote'."""

    tables: frozenset[str]
    origin: str


class EntryQueued(Signal, frozen=True, kw_only=True):
    """A transaction waits in the outbox, as the entry with this id."""

    id: str
    position: int
    size_bytes: int


class EntrySettled(Signal, frozen=True, kw_only=True):
    """The server holds the entry."""

    position: int
    version: int


class EntryParked(Signal, frozen=True, kw_only=True):
    """The server refused the entry; it waits for a person."""

    position: int
    code: str
    message: str


class RequestQueued(Signal, frozen=True, kw_only=True):
    """A server operation waits, durably."""

    id: str
    kind: str


class RequestSent(Signal, frozen=True, kw_only=True):
    """A request leaves now; `left` others of this run wait behind it."""

    id: str
    kind: str
    left: int


class RequestEnded(Signal, frozen=True, kw_only=True):
    """A request is over: `status` is 'done', 'dead' or 'cancelled'."""

    id: str
    kind: str
    status: str


class RequestDead(Signal, frozen=True, kw_only=True):
    """A request is a dead letter, and has had no effect; it waits for a person."""

    id: str
    kind: str
    code: str
    message: str


class ConflictResolved(Signal, frozen=True, kw_only=True):
    """Two sides changed one row; `verdicts` columns needed a rule."""

    table: str
    row_id: str
    verdicts: int


class PageApplied(Signal, frozen=True, kw_only=True):
    """A page from the server and its cursor are in the file."""

    rows: int
    deletes: int
    more: bool


class FirstSyncProgress(Signal, frozen=True, kw_only=True):
    """Rows of a first sync are in the file: `rows` of the `expected` of this table, `total_rows` of all.

    Counted since this stream of pages began; one that was cut goes on with what is left.
    """

    table: str
    rows: int
    expected: int
    total_rows: int
    total_expected: int


class SyncEnded(Signal, frozen=True, kw_only=True):
    """A sync run is over; `result` is 'ok', 'partial', 'offline' or 'failed'."""

    result: str
    error_code: str | None
    duration_ms: float = 0.0


class VerifyEnded(Signal, frozen=True, kw_only=True):
    """A sample was compared in the background; `result` is a word of `Verified`, or 'failed'; `differing` rows were."""

    result: str
    differing: int
    error_code: str | None


class UpkeepEnded(Signal, frozen=True, kw_only=True):
    """A clean-up of the file is over; `ended` is a word of `Ended`, the bytes count against the budget."""

    ended: str
    rows: int
    bytes_before: int
    bytes_after: int
    duration_ms: float = 0.0


class OperationEnded(Signal, frozen=True, kw_only=True):
    """An operation of several steps is over: committed (`ok`), or undone.

    `status` is a word of the operation journal ("running": it was cut off on its way), `rows` how many it wrote, `code`
    the error's, if there is one.
    """

    id: str
    type: str
    ok: bool
    duration_us: int
    status: str = ""
    rows: int = 0
    code: str | None = None


class SlowQuery(Signal, frozen=True, kw_only=True):
    """A statement took longer than its threshold, for the first time since its shape was calm. No values are in it."""

    shape: str
    duration_us: int
    threshold_us: int
    full_scan_steps: int
    sorts: int


class SlowOperation(Signal, frozen=True, kw_only=True):
    """An operation took longer than its threshold, for the first time since its kind was calm."""

    name: str
    duration_us: int
    threshold_us: int


class ThresholdCrossed(Signal, frozen=True, kw_only=True):
    """A measure went beyond its limit (`raised`), or is well on the good side again."""

    measure: str
    value: float
    limit: float
    raised: bool


class SignalBus:
    """Hands each signal to the listeners of its type, on the thread that emits it."""

    def __init__(self, on_listener_error: Callable[[Signal, Exception], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[type[Signal], tuple[Callable[[Any], None], ...]] = {}
        self._on_listener_error = on_listener_error

    def listen(self, kind: type[S], listener: Callable[[S], None]) -> Callable[[], None]:
        """Call `listener` for each signal of exactly `kind`; the answer stops it."""
        with self._lock:
            self._listeners[kind] = (*self._listeners.get(kind, ()), listener)

        def stop() -> None:
            with self._lock:
                self._listeners[kind] = tuple(x for x in self._listeners.get(kind, ()) if x is not listener)

        return stop

    def heard(self, kind: type[Signal]) -> bool:
        """Does anybody listen to signals of exactly `kind`?"""
        return bool(self._listeners.get(kind))

    def emit(self, signal: Signal) -> None:
        """Tell every listener of this signal's type, in the order they came."""
        for listener in self._listeners.get(type(signal), ()):
            try:
                listener(signal)
            except Exception as error:
                if self._on_listener_error is not None:
                    self._on_listener_error(signal, error)
