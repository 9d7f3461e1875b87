"""A write: what happens inside `with db.write() as tx`. All of it is kept, or none.

Rules of this room: a nested write is a savepoint; a transaction is used by the thread that opened it, while
it is open; what it returned before a rollback is no longer true after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from threading import get_ident
from types import TracebackType
from typing import Any, Final, Protocol, TypeVar, overload

from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.clock import Clock
from bmaddb.device.query import Query, compiler_writes
from bmaddb.device.store.capture import Capture
from bmaddb.device.store.failures import DRIVER_ERRORS, failure, undone
from bmaddb.device.store.ids import Moment
from bmaddb.device.store.raw_door import Arguments, RawDoor
from bmaddb.device.store.records import RowMaker
from bmaddb.device.store.writer import WhileWaiting
from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.counters import total
from bmaddb.schema.records import Record, deletable
from bmaddb.schema.rules import MergeRule
from bmaddb.schema.tables import Table

R = TypeVar("R", bound=Record)
BULK_ROWS: Final = 1000
"""Rows of a bulk insert that are in memory at once."""
MANY_ROWS: Final = 50
"""From here on a bulk is captured by a session; below, row by row."""
ROWS_PER_INSERT: Final = (100, 20)
"""As long as there are so many, one statement takes them; what is left goes row by row."""
_NO_ID: Final = ""


class Ground(Protocol):
    """What a transaction stands on; the store."""

    catalog: Catalog
    clock: Clock
    device_id: str
    writing_door: RawDoor

    @property
    def writes_here(self) -> bool: ...
    def begin_write(self, after: Sequence[str], while_waiting: WhileWaiting | None) -> tuple[Capture, bool]: ...
    def end_write(self, *, outermost: bool, keep: bool) -> None: ...
    def get(self, record: type[R], row_id: str) -> R | None: ...
    def query(self, record: type[R]) -> Query[R]: ...
    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]: ...
    def expect_many(self) -> None: ...
    def row_maker(self, record: type[Record]) -> RowMaker: ...
    def moment(self) -> Moment: ...


class WriteTransaction:
    """Reads and writes of one transaction; made by `Store.write()`."""

    __slots__ = ("_after", "_capture", "_connection", "_open", "_outermost", "_store", "_thread", "_while_waiting")

    def __init__(self, store: Ground, after: Sequence[str] = (), while_waiting: WhileWaiting | None = None) -> None:
        self._store = store
        self._after = after
        self._while_waiting = while_waiting
        self._open = False

    def __enter__(self) -> WriteTransaction:
        if self._open:
            raise e.StoreError("the transaction is open already", hint="a write inside it is tx.savepoint()")
        self._thread = get_ident()
        self._capture, self._outermost = self._store.begin_write(self._after, self._while_waiting)
        self._connection = self._capture.connection
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        if self._capture.over:
            return  # a nested one that outlives its outer one has ended with it
        try:
            self._store.end_write(outermost=self._outermost, keep=kind is None)
        except BaseException:
            if self._outermost and self._store.writes_here:  # interrupted on the way; it must not stay open
                self._store.end_write(outermost=True, keep=False)
            raise

    def savepoint(self) -> WriteTransaction:
        """A write inside this one, for `with`: undone alone when its block raises."""
        self._usable()
        return WriteTransaction(self._store)

    # -- reading -------------------------------------------------------------------------------------------

    def get(self, record: type[R], row_id: str) -> R | None:
        """The row with this id as the transaction sees it, or None."""
        self._usable()
        return self._store.get(record, row_id)

    def query(self, record: type[R]) -> Query[R]:
        """A query that sees the transaction's own writes."""
        self._usable()
        return self._store.query(record)

    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The rows of a statement of the engine's own, as the transaction sees them."""
        self._usable()
        return self._store.tuples(text, arguments)

    @property
    def catalog(self) -> Catalog:
        """The declarations the file was opened with."""
        return self._store.catalog

    @property
    def stands(self) -> bool:
        """Is it still open in the file? After some faults, as of a full disk, SQLite undoes all of it by itself."""
        return self._connection.in_transaction

    # -- writing -------------------------------------------------------------------------------------------

    def insert(self, record: type[R], /, **values: Any) -> R:
        """A new row. id, user_id, created_at, updated_at and defaults are filled in where they are left out.

        RecordInvalid when a value does not fit or the id is taken; ReadOnlyTable when a device may not write
        the table or a column.
        """
        return record(*self._inserted(record, values))

    def insert_named(self, record: type[Record], values: Mapping[str, Any], /) -> str:
        """A new row as `insert` makes it, for who wants no more of it than its id."""
        row_id: str = self._inserted(record, values)[0]
        return row_id

    def _inserted(self, record: type[Record], values: Mapping[str, Any]) -> list[Any]:
        self._usable()
        maker = self._store.row_maker(record)
        row = maker.row(values, self._store.moment())
        capture, table = self._capture, maker.table
        capture.expect_insert(table.name)
        before = self._connection.total_changes()
        try:
            self._run(compiler_writes.insert(record), row, table)
            capture.inserted(table.name, row)
        except BaseException:  # a signal's handler may raise between the two
            if self._connection.total_changes() != before:
                capture.may_have_inserted(table.name)
            raise
        return row

    def insert_many(self, record: type[Record], rows: Iterable[Mapping[str, Any]], /) -> int:
        """New rows from mappings of column to value, all or none of them; the answer is how many."""
        self._usable()
        maker = self._store.row_maker(record)
        count = 0
        with self.savepoint():
            for chunk in _chunks(rows):
                made = maker.rows(chunk, self._store.moment())
                if len(chunk) >= MANY_ROWS:
                    self._insert_bulk(record, list(made))
                else:
                    self._capture.watch()
                    self._insert_rows(record, made)
                count += len(chunk)
        return count

    def _insert_bulk(self, record: type[Record], rows: list[tuple[Any, ...]]) -> None:
        capture, table = self._capture, record.__table__.name
        if not capture.begin_bulk(table):
            self._store.expect_many()
            self._insert_rows(record, rows)
            return
        try:
            self._insert_rows(record, rows)
            capture.inserted_bulk(table, rows)
        finally:
            capture.end_bulk()

    def _insert_rows(self, record: type[Record], rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert as many at once as a statement takes.

        A table with triggers makes SQLite ready to undo each statement alone, and inside a savepoint that costs the
        more, the more pages were changed since: row by row, the last of 100,000 would be ten times as slow.
        """
        left = iter(rows)
        try:
            for size in ROWS_PER_INSERT:
                while len(group := list(islice(left, size))) == size:
                    text = compiler_writes.insert_rows(record, size)
                    self._connection.execute(text, list(chain.from_iterable(group)))
                left = iter(group)
            self._connection.executemany(compiler_writes.insert(record), left)
        except DRIVER_ERRORS as error:
            raise failure(error, (record.__table__,)) from error

    @overload
    def update(self, target: R, /, **values: Any) -> R: ...
    @overload
    def update(self, target: type[R], row_id: str, /, **values: Any) -> R: ...
    def update(self, target: R | type[R], row_id: str = _NO_ID, /, **values: Any) -> R:
        """Change columns of a row, named by a record or by its class and id; the answer is the row now.

        Only what differs from the row in the file is written; when nothing does, nothing is. RecordNotFound
        when there is no such row.
        """
        self._usable()
        record, wanted = _named(target, row_id)
        maker = self._store.row_maker(record)
        current = self._store.get(record, wanted)
        if current is None:
            raise e.RecordNotFound(f"{maker.table.name} has no row '{wanted}'")
        changed = maker.changes(current, values, self._store.clock.now_ms())
        if not changed:
            return current
        text = compiler_writes.update(record, tuple(changed))
        self._capture.watch()
        self._run(text, [*changed.values(), wanted], maker.table)
        changed_row: R = replace(current, **maker.slots(changed))  # type: ignore[type-var]
        return changed_row

    def increment(self, counter: Column[Any], row_id: str, by: int = 1, /) -> int:
        """Count `by` more (less, when negative) in a CNT column, as in `tx.increment(Task.device_seconds, id, 60)`.

        The answer is the sum over all devices; what each counted offline adds up. RecordNotFound when there is
        no such row, RecordInvalid when the column is no counter.
        """
        self._usable()
        where = f"{counter.table}.{counter.name}"
        if counter.spec.merge is not MergeRule.CNT:
            raise e.RecordInvalid(f"{where} is no counter", hint="declare it with merge=MergeRule.CNT")
        if type(by) is not int:
            raise e.RecordInvalid(f"{where} counts whole numbers, not {type(by).__name__}")
        record = self._store.catalog.records[counter.table]
        current = self._store.get(record, row_id)
        if current is None:
            raise e.RecordNotFound(f"{counter.table} has no row '{row_id}'")
        entries = getattr(current, counter.name)
        if by:
            entries = counted(entries, self._store.device_id, by, self._store.clock.now_ms())
            self.update(record, row_id, **{counter.name: entries})
        return total(entries)

    @overload
    def delete(self, target: Record, /) -> bool: ...
    @overload
    def delete(self, target: type[Record], row_id: str, /) -> bool: ...
    def delete(self, target: Record | type[Record], row_id: str = _NO_ID, /) -> bool:
        """Remove a row, named by a record or by its class and id; False when it was not there."""
        self._usable()
        record, wanted = _named(target, row_id)
        maker = self._store.row_maker(record)
        if not deletable(maker.table):
            raise e.ReadOnlyTable(f"rows of {maker.table.name} are never deleted on a device")
        before = self._connection.total_changes()
        self._capture.watch()
        self._run(compiler_writes.delete(record), (wanted,), maker.table)
        return self._connection.total_changes() > before

    def execute(self, sql: str, arguments: Arguments = (), /) -> list[tuple[Any, ...]]:
        """One SQL statement in your own words; values belong into `arguments`. The answer is its rows.

        Writes are captured like any other, and held to the same rules about tables and columns; envelope
        columns are not filled in. Transactions, pragmas and schema changes are refused.
        """
        self._usable()
        self._capture.watch()
        return self._store.writing_door.run(sql, arguments, reading=False)

    # -- inside --------------------------------------------------------------------------------------------

    def _usable(self) -> None:
        if not self._open or self._capture.over:
            raise e.StoreError("the transaction is over", hint="use it inside its `with` block")
        if self._thread != get_ident():
            raise e.StoreError("a transaction belongs to the thread that opened it")
        if not self._connection.in_transaction:
            raise undone()

    def _run(self, text: str, arguments: list[Any] | tuple[Any, ...], table: Table) -> None:
        try:
            self._connection.execute(text, arguments)
        except DRIVER_ERRORS as error:
            raise failure(error, (table,), arguments) from error


def _named(target: R | type[R], row_id: str) -> tuple[type[R], str]:
    if isinstance(target, type):
        if not row_id:
            raise e.StoreError("name the row: pass its id beside the class")
        return target, row_id
    return type(target), target.id


def _chunks(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    left = iter(rows)
    while chunk := list(islice(left, BULK_ROWS)):
        yield chunk
