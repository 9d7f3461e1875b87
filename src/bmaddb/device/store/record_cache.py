"""Records and lists that were read and have not changed since: what is found here is what the file says.

Rules of this room: nothing stale is ever given out. What is held belongs to one state of the file, `_seen`, the
header of the WAL index; a commit of anybody changes the header. After a commit of our own, the rows it changed are let
go, and the rest belongs to the new header, if nobody else committed in between; after one of somebody else all is let
go. What was read while something committed is not kept. All of it under one lock, which nobody holds while waiting.

What is used stays: there are two generations, and when the young one is half of what may be held, the old one is let go
and the young one takes its place; what is found in the old one becomes young again.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any, Final, TypeAlias, cast

import apsw
import msgspec
from msgspec.structs import astuple

from bmaddb.device.store.wal_index import WalHeader, commits_of, wal_header_of
from bmaddb.schema.records import Record

CACHE_BYTES: Final = 16 * 1024 * 1024
"""What a store holds unless it is told otherwise, as far as the texts and blobs of the records go."""
RECORD_BYTES: Final = 600
"""What a record takes besides its texts and blobs."""
READS_BEFORE: Final = 32
"""A program that reads little holds nothing."""
LIST_ROWS_MAX: Final = 1_000
"""Longer lists are read each time."""
LISTS_MAX: Final = 256
"""In a generation; a commit looks at each."""
ASKED_MAX: Final = 1_024
"""A list is held when it is asked for the second time; so many are remembered."""
_Key: TypeAlias = tuple[Any, ...]


class _Generation:
    """What is held, and how many bytes that is."""

    __slots__ = ("lists", "records", "size_bytes")

    def __init__(self) -> None:
        self.records: dict[type[Record], dict[str, Record]] = {}
        self.lists: dict[_Key, tuple[frozenset[str], list[Any]]] = {}
        self.size_bytes = 0


class RecordCache:
    """What one store holds in memory, at most `bytes_max`; 0 holds nothing."""

    __slots__ = (
        "_asked",
        "_changes",
        "_committing",
        "_connection",
        "_header",
        "_left",
        "_lock",
        "_old",
        "_records",
        "_seen",
        "_young",
        "bytes_max",
        "wanted",
    )

    def __init__(self, bytes_max: int) -> None:
        self.wanted = bytes_max > 0
        """May it hold anything, now or later?"""
        self.bytes_max = bytes_max
        self._lock = threading.Lock()
        self._header: WalHeader | None = None
        self._connection: apsw.Connection | None = None
        """Whose memory the header is: kept, so that it cannot go while it is looked at."""
        self._seen = b""
        self._changes = 0
        """One more with everything that may make something held untrue."""
        self._committing = False
        self._left = READS_BEFORE
        self._old = _Generation()
        self._begin_young()
        self._asked: dict[_Key, None] = {}

    @property
    def size_bytes(self) -> int:
        """About what is held."""
        return self._young.size_bytes + self._old.size_bytes

    @property
    def on(self) -> bool:
        """Does it hold anything yet?"""
        return self._header is not None

    # -- which state of the file ---------------------------------------------------------------------------

    def warm(self) -> bool:
        """Count a read; True when there were enough of them to begin."""
        if self._header is not None or not self.wanted:
            return False
        self._left -= 1
        return self._left < 0

    def begin(self, connection: apsw.Connection) -> None:
        """Hold records from now on, as long as `connection`, which nobody else uses just now, is open."""
        header = wal_header_of(connection)
        with self._lock:
            self.wanted = header is not None
            self._header, self._connection = header, None if header is None else connection
            self._let_all_go()

    def end(self) -> None:
        """The connection is about to be closed: hold nothing, and look at its memory no more."""
        with self._lock:
            self._header = self._connection = None
            self._left = READS_BEFORE
            self._let_all_go()

    def before_commit(self) -> None:
        """This process is about to commit; nobody else can until it has."""
        with self._lock:
            if self._header is not None:
                self._look()
                self._committing = True

    def after_commit(self, rows: Collection[tuple[str, str]], tables: frozenset[str]) -> None:
        """It has committed: changed were `rows` (table, id), and unknown ones of `tables`."""
        with self._lock:
            self._committing = False
            if self._header is None:
                return
            seen, self._seen = self._seen, self._header.raw
            alone = (commits_of(self._seen) - commits_of(seen)) % 2**32 <= 1
            self._changes += 1
            if not alone:
                self._let_all_go()
            else:
                self._let_go(rows, tables)

    def commit_failed(self) -> None:
        """It did not commit; or it did, and what follows a commit was cut short, so that nothing held is sure."""
        with self._lock:
            self._committing = False
            self._let_all_go()

    # -- what is held --------------------------------------------------------------------------------------

    def record(self, record: type[Record], row_id: str) -> Any:
        """The record, if it is held and true; None otherwise."""
        with self._lock:
            header = self._header
            if header is None or header.raw != self._seen:
                return None
            try:
                return self._records[record][row_id]
            except KeyError:
                return self._from_old(record, row_id)

    def rows(self, key: _Key) -> list[Any] | None:
        """The list of that statement, if it is held and true; not to be changed."""
        with self._lock:
            header = self._header
            if header is None or header.raw != self._seen:
                return None
            found = self._young.lists.get(key)
            if found is None and (found := self._old.lists.get(key)) is not None:
                tables, rows = found
                return self._hold_list(key, tables, rows, list(map(_size_of, rows)))
            return None if found is None else found[1]

    def expect(self, statement: tuple[str, tuple[Any, ...]]) -> None:
        """Hold the list of this statement when it is read, though nobody asked for it before."""
        self.asked(list_key(*statement))

    def asked(self, key: _Key) -> bool:
        """Was that list asked for before?"""
        with self._lock:
            if key in self._asked:
                return True
            if len(self._asked) >= ASKED_MAX:
                self._asked.clear()
            self._asked[key] = None
            return False

    def reading(self) -> int:
        """Before a read of the file: what `keep` wants to know afterwards. Negative: do not keep."""
        with self._lock:
            if self._header is None or self._committing:
                return -1
            self._look()
            return self._changes

    def keep(self, row: Record, changes: int) -> None:
        """Hold what was read since `reading` answered with `changes`."""
        size = _size_of(row)
        with self._lock:
            if self._nothing_since(changes):
                self._add(type(row), row, size)

    def keep_rows(self, key: _Key, tables: frozenset[str], rows: list[Any], changes: int) -> list[Any]:
        """Hold a list that was read of `tables`; the answer is the same rows, as records that are held already."""
        if len(rows) > LIST_ROWS_MAX or not rows:
            return rows
        sizes = [_size_of(row) for row in rows]
        if _size_of_list(sizes) * 2 > self.bytes_max:
            return rows  # more than a generation
        with self._lock:
            if not self._nothing_since(changes):
                return rows  # perhaps of a newer state than what is held: the two must not be mixed
            return self._hold_list(key, tables, rows, sizes).copy()

    # -- inside, under the lock ----------------------------------------------------------------------------

    def _nothing_since(self, changes: int) -> bool:
        """Is the file, and what is held, as it was when `reading` answered with `changes`?"""
        header = self._header
        return header is not None and changes == self._changes and header.raw == self._seen

    def _same(self, row: Any, size: int) -> Any:
        """The record that is held of this row already, or this one from now on."""
        record = type(row)
        held = self._records.get(record, {}).get(row.id)
        if held is None and (held := self._from_old(record, row.id)) is None:
            self._add(record, row, size)
            return row
        return held

    def _from_old(self, record: type[Record], row_id: str) -> Any:
        held = self._old.records.get(record)
        found = None if held is None else held.get(row_id)
        if found is not None:
            self._add(record, found, _size_of(found))
        return found

    def _add(self, record: type[Record], row: Record, size: int) -> None:
        self._records.setdefault(record, {})[row.id] = row
        self._grow(size)

    def _hold_list(self, key: _Key, tables: frozenset[str], rows: list[Any], sizes: list[int]) -> list[Any]:
        """With its records in the same generation: a list alone would hold them, and nobody would count them."""
        size = _size_of_list(sizes)
        if (self._young.size_bytes + size) * 2 > self.bytes_max:
            self._grow_old()
        held = [self._same(row, size) for row, size in zip(rows, sizes, strict=True)]
        if len(self._young.lists) >= LISTS_MAX:
            self._young.lists.clear()
        self._young.lists[key] = (tables, held)
        self._grow(RECORD_BYTES + 8 * len(held))
        return held

    def _grow(self, size: int) -> None:
        self._young.size_bytes += size
        if self._young.size_bytes * 2 > self.bytes_max:
            self._grow_old()

    def _grow_old(self) -> None:
        self._old = self._young
        self._begin_young()

    def _let_go(self, rows: Collection[tuple[str, str]], tables: frozenset[str]) -> None:
        touched = tables.union([table for table, _ in rows])
        for generation in (self._young, self._old):
            if generation.lists:
                generation.lists = {key: one for key, one in generation.lists.items() if not (one[0] & touched)}
            by_table = {record.__table__.name: record for record in generation.records}
            for table in by_table.keys() & tables:
                del generation.records[by_table[table]]
            for table, row_id in rows:
                if table in by_table:
                    generation.records.get(by_table[table], {}).pop(row_id, None)

    def _look(self) -> None:
        """Did somebody else commit? Then nothing that is held is sure any more."""
        if self._header is not None and self._header.raw != self._seen:
            self._let_all_go()

    def _let_all_go(self) -> None:
        self._seen = b"" if self._header is None else self._header.raw
        self._changes += 1
        self._old = _Generation()
        self._begin_young()

    def _begin_young(self) -> None:
        self._young = _Generation()
        self._records = self._young.records


def list_key(text: str, arguments: tuple[Any, ...]) -> _Key:
    """What a list is held by. The types count: 1, 1.0 and True are equal, and not the same to SQLite."""
    return (text, arguments, tuple(map(type, arguments)))


def _size_of(row: Record) -> int:
    """About how many bytes a record takes."""
    values = astuple(cast("msgspec.Struct", row))
    return RECORD_BYTES + sum([len(value) for value in values if value.__class__ is str or value.__class__ is bytes])


def _size_of_list(sizes: Collection[int]) -> int:
    """About how many bytes a list of records of these sizes takes."""
    return RECORD_BYTES + 8 * len(sizes) + sum(sizes)
