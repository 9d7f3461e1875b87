"""What SQLite refuses, in our words: each apsw error becomes one of the tree in `bmaddb.errors`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import apsw

from bmaddb import errors as e
from bmaddb.schema.tables import Table

DRIVER_ERRORS: Final = (apsw.Error, OverflowError, TypeError, UnicodeError)
"""What apsw raises; the last three for an argument SQLite cannot hold."""

_CHECK: Final = "CHECK constraint failed: "
_COLUMNS: Final = " constraint failed: "
_VERBS: Final = {"UNIQUE": "is taken", "NOT NULL": "is required"}


def failure(error: Exception, tables: Iterable[Table] = (), given: Iterable[object] = ()) -> e.BmadError:
    """The error to raise instead of `error`; `tables`: whose checks it may speak of; `given`: what was bound."""
    if isinstance(error, e.BmadError):
        return error
    if isinstance(error, TypeError):
        for value in given:
            if hasattr(value, "__table__"):
                return e.QueryError(f"a row has an id, not the record {type(value).__name__}", hint="give its id (.id)")
    if isinstance(error, apsw.ConstraintError):
        return _constraint(str(error), tables)
    for kinds, make in _MADE:
        if isinstance(error, kinds):
            return make(error)
    return e.StoreError(f"SQLite refused: {error}")


def _constraint(message: str, tables: Iterable[Table]) -> e.BmadError:
    rule, _, columns = message.partition(_COLUMNS)
    if columns and rule in _VERBS:
        return e.RecordInvalid(f"{columns} {_VERBS[rule]}", hint=f"SQLite says: {message}")
    if message.startswith(_CHECK):
        check = message.removeprefix(_CHECK)
        return e.RecordInvalid(f"{_checked_column(check, tables)} breaks a check: {check}")
    if "FOREIGN KEY" in message:
        return e.RecordInvalid("a row refers to a row that is not there", hint=f"SQLite says: {message}")
    return e.RecordInvalid(f"a value does not fit: {message}")


def _checked_column(check: str, tables: Iterable[Table]) -> str:
    for table in tables:
        for column in table.columns:
            if check == column.spec.check or check.startswith((f'"{column.name}" ', f'json_valid("{column.name}"')):
                return f"{table.name}.{column.name}"
    return "a value"


def _closed(_: Exception) -> e.BmadError:
    return e.StoreError("the store is closed", hint="open it again with bmaddb.open()")


def _busy(error: Exception) -> e.BmadError:
    return e.StoreBusy(f"another process holds the file: {error}", hint="try again")


def _not_a_database(_: Exception) -> e.BmadError:
    return e.StoreCorrupt(
        "the file is not a database, or its first page is damaged, or the key is wrong",
        hint="check the path and the key; restore a backup",
    )


def _corrupt(error: Exception) -> e.BmadError:
    return e.StoreCorrupt(
        f"the file is damaged: {error}",
        hint="`bmaddb salvage FILE` sets it aside and keeps what was not sent yet; or restore a backup",
    )


def _read_only(error: Exception) -> e.BmadError:
    if getattr(error, "extendedresult", 0) == apsw.SQLITE_READONLY_DBMOVED:
        return moved()
    return e.StoreError(
        "the file cannot be written: it, its folder or its disk is read-only",
        hint="make both writable; a transaction writes inside `with db.write() as tx:`",
    )


def moved() -> e.StoreError:
    """The path leads to another file than the one that is open, or to none."""
    return e.StoreError(
        "the file was moved, replaced or deleted while it was open; nothing more is written to it",
        hint="close the store, put the file back with its -wal file, and open it again",
    )


def undone() -> e.StoreError:
    """A statement failed in such a way that SQLite undid the whole transaction."""
    return e.StoreError(
        "SQLite has undone the whole transaction because a statement of it failed",
        hint="let the first error end the `with` block, and write all of it again",
    )


def _full(_: Exception) -> e.BmadError:
    return e.StoreError("the disk is full", hint="nothing was written; free some space and try again")


def _cannot_open(error: Exception) -> e.BmadError:
    return e.StoreError(f"the file cannot be opened: {error}", hint="check that its folder exists and is yours")


def _input_output(error: Exception) -> e.BmadError:
    return e.StoreError(
        f"the disk failed: {error}",
        hint="what was committed before is kept; look after the disk and its limits, then try again",
    )


def _query(error: Exception) -> e.BmadError:
    return e.QueryError(str(error))


_MADE: Final = (
    ((apsw.BusyError, apsw.LockedError), _busy),
    ((apsw.NotADBError,), _not_a_database),
    ((apsw.CorruptError,), _corrupt),
    ((apsw.ConnectionClosedError, apsw.CursorClosedError), _closed),
    ((apsw.ReadOnlyError,), _read_only),
    ((apsw.FullError,), _full),
    ((apsw.CantOpenError,), _cannot_open),
    ((apsw.IOError,), _input_output),
    ((apsw.SQLError, apsw.BindingsError, apsw.AuthError), _query),
    ((OverflowError, TypeError, UnicodeError), _query),
)
