"""The raw SQL door: one statement in the caller's own words, held to the same rules as the typed doors.

Rules of this room: a text is judged once, while SQLite compiles it, by what it would do (not by how it is
spelled, but for a rowid in an insert's columns, of which SQLite says nothing); then it may use the statement cache.
What an insert puts there, and what it replaces, SQLite does not say then: `raw_rows` looks at that before the commit.
Nothing but reading and writing rows passes: transactions, pragmas, attached files and schema changes belong to the
store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import apsw

from bmaddb import errors as e
from bmaddb.device.store.failures import DRIVER_ERRORS, failure
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.records import deletable, writable
from bmaddb.schema.rules import MergeRule
from bmaddb.schema.tables import Table

Arguments: TypeAlias = Sequence[Any] | Mapping[str, Any]
JUDGED_TEXTS_MAX: Final = 512

_INSERT, _UPDATE, _DELETE = apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE
_WRITES: Final = frozenset({_INSERT, _UPDATE, _DELETE})
_READS: Final = frozenset({apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE})
_SCHEMA_PRAGMAS: Final = frozenset({"table_info", "table_xinfo", "table_list", "index_list", "foreign_key_list"})
_FIXED: Final = frozenset({MergeRule.IMM, MergeRule.SRV})
_ROWID: Final = re.compile(r"(?i)\binto\s+[^\s(]+(?:\s+as\s+\S+)?\s*\([^)]*\b(_rowid_|rowid|oid)\b")
"""In an insert's list of columns; of these SQLite says nothing."""


class RawDoor:
    """Runs raw statements on one connection."""

    def __init__(self, connection: apsw.Connection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog
        self.inserted_into: set[str] = set()
        """Tables into which a statement of the open transaction inserted, or replaced: what only its rows can show."""
        self._judged: dict[str, str | None] = {}  # text -> the table it writes to; None when it only reads
        self._inserting: set[str] = set()
        self._verb = _INSERT
        self._target: str | None = None
        self._refusal: e.BmadError | None = None

    def run(self, sql: str, arguments: Arguments, *, reading: bool) -> list[tuple[Any, ...]]:
        """Every row the statement gives; `reading` refuses one that writes."""
        text = sql.strip()
        try:
            if text not in self._judged:
                return self._judge_and_run(text, arguments, reading)
            if reading and self._judged[text] is not None:
                raise _only_reads()
            if text in self._inserting:
                self.inserted_into.add(self._judged[text] or "")
            return self._connection.execute(text, arguments).fetchall()
        except DRIVER_ERRORS as error:
            raise failure(error, self._written(text)) from error

    def _written(self, text: str) -> tuple[Table, ...]:
        """The table whose checks the statement can break."""
        target = self._catalog.tables.get(self._judged.get(text) or "")
        return () if target is None else (target,)

    def _judge_and_run(self, text: str, arguments: Arguments, reading: bool) -> list[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        cursor.exec_trace = lambda _, part, __: self._accept(cursor, text, part or "", reading)
        self._target = self._refusal = None
        # Only for as long as needed: it is asked for every column of every statement that is compiled.
        self._connection.authorizer = self._authorize
        try:
            # Not from the cache: a statement of the engine with the same text was never judged.
            cursor.execute(text, arguments, can_cache=False)
            return cursor.fetchall()
        except (apsw.AuthError, apsw.SQLError) as error:
            raise self._refusal or failure(error) from error
        finally:
            self._connection.authorizer = None

    def _accept(self, cursor: apsw.Cursor, text: str, part: str, reading: bool) -> bool:
        """SQLite has compiled the statement and not run it yet."""
        if text[len(part.strip()) :].strip():
            raise e.QueryError("one statement at a time", hint="call the door once for each statement")
        reads_only = cursor.is_readonly
        if reading and not reads_only:
            raise _only_reads()
        if len(self._judged) >= JUDGED_TEXTS_MAX:
            self._judged.clear()
            self._inserting.clear()
        self._judged[text] = None if reads_only else self._target
        if not reads_only and (self._verb == _INSERT or "replace" in text.lower()):
            self._refuse_rowid(text, self._target or "")
            self._inserting.add(text)
            self.inserted_into.add(self._target or "")
        return True

    def _refuse_rowid(self, text: str, name: str) -> None:
        found, table = _ROWID.search(text), self._catalog.tables.get(name)
        if found is not None and (table is None or found[1] not in table.by_name):
            raise _rowid(name)

    def _authorize(
        self, code: int, first: str | None, second: str | None, database: str | None, trigger: str | None
    ) -> int:
        if code in _READS:
            return apsw.SQLITE_OK
        if code in _WRITES:
            # The first write SQLite asks about is the statement's own; cascades come after it.
            if self._target is None:
                self._verb, self._target = code, first
            cascade = first != self._target or (self._verb == _DELETE and code == _UPDATE)
            self._refusal = None if cascade else self._refused_write(code, first or "", second)
        elif code != apsw.SQLITE_PRAGMA or first not in _SCHEMA_PRAGMAS:
            self._refusal = _only_rows()
        return apsw.SQLITE_OK if self._refusal is None else apsw.SQLITE_DENY

    def _refused_write(self, code: int, name: str, column: str | None) -> e.BmadError | None:
        if name.startswith("sqlite_"):
            return _only_rows()
        table = self._catalog.tables.get(name)
        if table is None:
            return e.ReadOnlyTable(f"a device may not write {name}")
        if not writable(table):
            from bmaddb.device.store.records import read_only

            return read_only(table)
        if code == _DELETE and not deletable(table):
            return e.ReadOnlyTable(f"rows of {name} are never deleted on a device")
        declared = table.by_name.get(column or "")
        if code == _UPDATE and declared is None:
            return _rowid(name)
        if code == _UPDATE and declared is not None and declared.spec.merge in _FIXED:
            return e.ReadOnlyTable(f"a device may not change {name}.{column}")
        return None


def _rowid(name: str) -> e.BmadError:
    return e.QueryError(f"the rowid of {name} is SQLite's own", hint="name rows by their id")


def _only_reads() -> e.BmadError:
    return e.QueryError("this door only reads", hint="write inside `with db.write() as tx:` with tx.execute()")


def _only_rows() -> e.BmadError:
    return e.QueryError(
        "the raw door reads and writes rows, nothing else",
        hint="transactions, pragmas, attached files and the schema are the store's own",
    )
