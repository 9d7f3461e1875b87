"""What is kept of use between two openings, on this device alone; written and taken away so that no trace is left.

Rules of this room: rows of `access_statistics`, never synced. Freed space is overwritten, and the log is emptied when
the state is forgotten, so that a search of the files' bytes finds nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.device.store.connection import BUSY_WAIT_MS_MAX
from bmaddb.personality.guard import Guard
from bmaddb.personality.model import RANKS_MAX, UseModel
from bmaddb.personality.tables import VIEW_NUMBERS, VIEWS

COUNT_MIN: Final = 0.05
"""A place whose decayed count is less than this is not worth a row."""
STATE_BYTES_MAX: Final = 256 * 1024
READERS_WAIT_MS_MAX: Final = 200
_SQL: Final = statements.load("bmaddb.personality", "sql/state.sql")
_TABLE: Final = "access_statistics"
Row: TypeAlias = tuple[Any, ...]
_SECURE: Final = ("secure_delete_off", "secure_delete_on", "secure_delete_fast")


def keep(store: Store, rows: Sequence[Row], wanted: Callable[[], bool]) -> int:
    """Write down `rows`, in place of what was there; the answer is how many that is.

    `wanted` is asked when nobody else can write any more: unless it says yes, nothing is written, and the answer is 0.
    """
    with store.maintain(_TABLE) as connection, _without_trace(connection):
        if not wanted():
            return 0
        connection.execute(_SQL["forget"])
        connection.executemany(_SQL["keep"], rows)
    return len(rows)


def recall(store: Store, model: UseModel, guard: Guard) -> int:
    """Begin with what was kept; the answer is how many rows that was. Rows that make no sense are passed over."""
    rows = store.tuples(_SQL["kept"], ())
    for row_id, _prior, count, _total, hits, weight, at in rows:
        kind, *names = str(row_id).split("/")
        match kind, names:
            case "view", [view] if view in VIEW_NUMBERS:
                model.counts[VIEW_NUMBERS[view]] = count
                model.total += count
            case "rank", [view, rank] if view in VIEW_NUMBERS and rank.isdecimal() and int(rank) < RANKS_MAX:
                model.recall_rank(VIEW_NUMBERS[view], int(rank), count)
            case "follow", [view, other] if view in VIEW_NUMBERS and other in VIEW_NUMBERS:
                model.recall_follow(VIEW_NUMBERS[view], VIEW_NUMBERS[other], count)
            case "expert", _:
                guard.stops, guard.stopped_until_ms = hits, at or 0
                guard.typed_weight, guard.neutral_weight = weight, 1.0 - weight
    return len(rows)


def is_there(store: Store) -> bool:
    """Is anything kept?"""
    return _TABLE in store.catalog.records and bool(store.tuples(_SQL["is_there"], ())[0][0])


def forget(store: Store) -> None:
    """Nothing is left of it in the file or its log when this returns.

    StoreBusy when a reader elsewhere keeps the log from being emptied: the rows are gone then, their bytes not yet.
    """
    with store.maintain(_TABLE) as connection, _without_trace(connection):
        connection.execute(_SQL["forget"])
    empty_log(store)


def empty_log(store: Store) -> None:
    """Bring the write-ahead log into the file and leave it empty; StoreBusy when a reader is in the way."""
    with store.alone() as connection:
        connection.set_busy_timeout(READERS_WAIT_MS_MAX)
        try:
            busy = connection.execute(_SQL["empty_log"]).fetchall()[0][0]
        finally:
            connection.set_busy_timeout(BUSY_WAIT_MS_MAX)
    if busy:
        raise e.StoreBusy("a snapshot keeps the log from being emptied", hint="end it, and call this again")


@contextmanager
def without_trace(store: Store) -> Iterator[apsw.Connection]:
    """A transaction of the store's own in which what is freed is overwritten with zeros."""
    with store.maintain(_TABLE) as connection, _without_trace(connection):
        yield connection


@contextmanager
def _without_trace(connection: apsw.Connection) -> Iterator[None]:
    before = int(str(connection.execute(_SQL["secure_delete_is"]).fetchall()[0][0]))
    connection.execute(_SQL["secure_delete_on"]).fetchall()
    try:
        yield
    finally:
        connection.execute(_SQL[_SECURE[before]]).fetchall()


def rows_of(model: UseModel, guard: Guard, prior: Sequence[float], now_ms: int) -> Iterator[Row]:
    """What is known of use, and the guard's state, as `keep` writes it."""
    for view, name in enumerate(VIEWS):
        count = model.counts[view] / model.weight
        yield f"view/{name}", "view", prior[view], count, round(count), 0, 0.0, now_ms
        for rank, seen in enumerate(model.ranks[view]):
            decayed = seen / model.rank_weights[view]
            if decayed >= COUNT_MIN:
                yield f"rank/{name}/{rank}", "query", 0.0, decayed, 0, 0, 0.0, None
        for other, seen in enumerate(model.follows[view]):
            decayed = seen / model.weight
            if decayed >= COUNT_MIN:
                yield f"follow/{name}/{VIEWS[other]}", "view", 0.0, decayed, 0, 0, 0.0, None
    yield "expert/typed", "expert", 0.0, 0.0, 0, guard.stops, guard.typed_weight, guard.stopped_until_ms
