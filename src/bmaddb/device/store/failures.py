"""What SQLite refuses, in our words: each apsw error becomes one of the tree in `bmaddb.errors`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import apsw

from bmaddb import errors as e
from bmaddb.schema.tables import Table

DRIVER_ERRORS: Final = (apsw.Error, OverflowError, TypeError, UnicodeError)
"""What apsw raises; the last three for an argument SQLite cannot hold."""

_CHECK: Final = re.compile(r"CHECK constraint failed: (?P<check>.*)", re.DOTALL)
_COLUMNS: Final = re.compile(r"(?P<rule>UNIQUE|NOT NULL) constraint failed: (?P<columns>.*)")


def failure(error: Exception, tables: Iterable[Table] = ()) -> e.BmadError:
    """The error to raise instead of `error`; `tables` are those whose checks it may speak of."""
    if isinstance(error, e.BmadError):
        return error
    if isinstance(error, apsw.ConstraintError):
        return _constraint(str(error), tables)
    for kinds, make in _MADE:
        if isinstance(error, kinds):
            return make(str(error))
    return e.StoreError(f"SQLite refused: {error}")


def _constraint(message: str, tables: Iterable[Table]) -> e.BmadError:
    found = _COLUMNS.fullmatch(message)
    if found:
        verb = "is taken" if found["rule"] == "UNIQUE" else "is required"
        return e.RecordInvalid(f"{found['columns']} {verb}", hint=f"SQLite says: {message}")
    found = _CHECK.fullmatch(message)
    if found:
        where = _checked_column(found["check"], tables)
        return e.RecordInvalid(f"{where} breaks a check: {found['check']}")
    if "FOREIGN KEY" in message:
        return e.RecordInvalid("a row refers to a row that is not there", hint=f"SQLite says: {message}")
    return e.RecordInvalid(f"a value does not fit: {message}")


def _checked_column(check: str, tables: Iterable[Table]) -> str:
    for table in tables:
        for column in table.columns:
            if check == column.spec.check or check.startswith((f'"{column.name}" ', f'json_valid("{column.name}"')):
                return f"{table.name}.{column.name}"
    return "a value"


def _closed(_: str) -> e.BmadError:
    return e.StoreError("the store is closed", hint="open it again with bmaddb.open()")


def _busy(message: str) -> e.BmadError:
    return e.StoreBusy(f"another process holds the file: {message}", hint="try again")


def _not_a_database(_: str) -> e.BmadError:
    return e.StoreCorrupt(
        "the file is not a database, or the key is wrong", hint="check the path and the key; restore a backup"
    )


def _corrupt(message: str) -> e.BmadError:
    return e.StoreCorrupt(f"the file is damaged: {message}", hint="restore a backup, or sync into a new file")


def _read_only(_: str) -> e.BmadError:
    return e.StoreError("the file cannot be written here", hint="write inside `with db.write() as tx:`")


def _full(_: str) -> e.BmadError:
    return e.StoreError("the disk is full", hint="nothing was written; free some space and try again")


def _cannot_open(message: str) -> e.BmadError:
    return e.StoreError(f"the file cannot be opened: {message}", hint="check that its folder exists and is yours")


def _input_output(message: str) -> e.BmadError:
    return e.StoreError(f"the disk failed: {message}")


def _query(message: str) -> e.BmadError:
    return e.QueryError(message)


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
