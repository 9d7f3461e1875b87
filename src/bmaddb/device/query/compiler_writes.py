"""Statements on one table by id: read, insert, update, delete. Built from declared names, then cached."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from bmaddb.schema.records import Record

UPDATE_SHAPES_MAX: Final = 1024


@cache
def select_by_id(record: type[Record]) -> str:
    """One row, every column in the order of the record's slots; its `?` is the id."""
    table = record.__table__
    listed = ", ".join([f'"{column.name}"' for column in table.columns])
    return f'select {listed} from "{table.name}" where "id" = ?'


@cache
def select_whole(table: str) -> str:
    """One row by id, every column in the order of the file."""
    return f'select * from "{table}" where "id" = ?'


@cache
def select_at(table: str) -> str:
    """One row by its place in the table (rowid), every column in the order of the file."""
    return f'select * from "{table}" where rowid = ?'


@cache
def insert(record: type[Record]) -> str:
    """Every column in the order of the record's slots."""
    table = record.__table__
    listed = ", ".join([f'"{column.name}"' for column in table.columns])
    return f'insert into "{table.name}" ({listed}) values ({", ".join("?" * len(table.columns))})'


@cache
def insert_rows(record: type[Record], count: int) -> str:
    """`count` rows at once: their values follow each other."""
    one = insert(record)
    return one + (", " + one[one.rindex("(") :]) * (count - 1)


@lru_cache(maxsize=UPDATE_SHAPES_MAX)
def update(record: type[Record], names: tuple[str, ...]) -> str:
    """Set the columns `names`, in their order; the last `?` is the id."""
    sets = ", ".join([f'"{name}" = ?' for name in names])
    return f'update "{record.__table__.name}" set {sets} where "id" = ?'


@cache
def delete(record: type[Record]) -> str:
    return f'delete from "{record.__table__.name}" where "id" = ?'
