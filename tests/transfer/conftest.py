"""Databases with a row in every table of a user, made from the catalog alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import bmaddb
from bmaddb.schema import Scope, Table
from bmaddb.schema.kinds import Kind
from bmaddb.service import Database
from bmaddb.testing import ManualClock
from tests.schema.rows import PLAIN, needed

USER = "0198c0de-0000-7000-8000-000000000001"
ODD_TEXTS = ("", " ", "=1+1", "\\", "\\\\", "é\u2028\r\n\t", '"a","b"', "- x", "😀", "null", "\ufeff")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "device.db") as database:
        yield database


def opened(path: Path, user: str = USER) -> Database:
    return bmaddb.open(path, user=user, durability="normal", clock=ManualClock())


def fill(db: Database) -> None:
    """Two rows in every table of the user: one with what it needs, one with every column that takes a value."""
    with db.store.apply("remote") as connection:
        for table in user_tables(db):
            for number in (1, 2):
                _insert(connection, db, table, number)
        for place, table in enumerate(user_tables(db)):
            for column in table.columns:
                if column.name not in ("id", "user_id"):
                    _set(connection, table, column.name, _full(db, table, column.name, place))


def user_tables(db: Database) -> list[Table]:
    return [table for table in db.catalog.device_tables if table.scope is Scope.USER]


def rows(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the user's tables, but for what the device knows of the server."""
    found = {}
    for table in user_tables(db):
        names = ", ".join(f'"{column.name}"' for column in table.columns if column.name != "server_seq")
        found[table.name] = db.sql(f'select {names} from "{table.name}" order by id')
    return found


def _insert(connection: apsw.Connection, db: Database, table: Table, number: int) -> None:
    values = needed(table) | {"id": f"{table.name}-{number}", "user_id": USER}
    for column in table.foreign_keys:
        if column.name in values and db.catalog.table(str(column.spec.references)).scope is Scope.USER:
            values[column.name] = f"{column.spec.references}-1"
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" for _ in values)
    connection.execute(f'insert into "{table.name}" ({names}) values ({marks})', tuple(values.values()))


def _full(db: Database, table: Table, name: str, place: int) -> Any:
    column = table.column(name)
    if column.spec.references:
        return f"{column.spec.references}-2"
    if column.spec.enum:
        return column.spec.enum[-1]
    if column.kind is Kind.TEXT and not column.spec.check:
        return ODD_TEXTS[place % len(ODD_TEXTS)]
    return PLAIN[column.kind]


def _set(connection: apsw.Connection, table: Table, name: str, value: Any) -> None:
    try:
        connection.execute(f'update "{table.name}" set "{name}" = ? where id = ?', (value, f"{table.name}-2"))
    except apsw.ConstraintError:  # its CHECK wants something else; the row has what it needs
        return
