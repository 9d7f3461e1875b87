"""peewee, on our own tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import peewee

from bench.peers.in_process import CACHE_KIB, InProcess, Step
from bench.peers.rows import INTEGERS, NAMES, TOTALS, USER, changes_dated, id_of, pages_of, totals_of, whole_rows
from bench.peers.tables import create
from bench.peers.work import About, Level, Totals, Work

ROWS_A_STATEMENT = 1_000
"""Of 25 values each: SQLite takes 32,766 values in a statement."""


def _field(name: str) -> Any:
    kind = peewee.IntegerField if name in INTEGERS else peewee.TextField
    return kind(primary_key=name == "id", null=name != "id")


class _Meta:
    table_name = "tasks"


TaskRow: Any = type("TaskRow", (peewee.Model,), {"Meta": _Meta, **{name: _field(name) for name in NAMES}})


class Peewee(InProcess):
    """The many go in by `insert_many`, its fast way; the single ones by `create` and `save(only=...)`."""

    def __init__(self) -> None:
        self.about = About(
            name="peewee",
            version=f"{peewee.__version__} (sqlite3 of Python, SQLite {sqlite3.sqlite_version})",
            in_file=True,
            unequal="our tables; finished rows with their ids; checks no values; notes no change for a server;"
            " many rows go in as dicts",
            lacks=frozenset({Work.OBSERVE}),
        )

    def open(self, path: Path, level: Level) -> None:
        create(path)
        pragmas = {"journal_mode": "wal", "synchronous": level, "cache_size": -CACHE_KIB, "foreign_keys": 1}
        self._database = peewee.SqliteDatabase(path, pragmas=pragmas)
        TaskRow.bind(self._database)

    def reopen(self) -> None:
        """It holds no rows."""

    def close(self) -> None:
        self._database.close()

    def totals(self) -> Totals:
        return totals_of(self._database.execute_sql(TOTALS).fetchone())

    def insert_many(self, first: int, count: int) -> Step:
        rows = whole_rows(first, count)

        def step() -> int:
            with self._database.atomic():
                for part in peewee.chunked(rows, ROWS_A_STATEMENT):
                    TaskRow.insert_many(part).execute()
            return count

        return step

    def insert_singly(self, first: int, count: int) -> Step:
        rows = whole_rows(first, count)

        def step() -> int:
            for row in rows:
                with self._database.atomic():
                    TaskRow.create(**row)
            return count

        return step

    def read(self, indexes: list[int]) -> Step:
        ids = [id_of(index) for index in indexes]

        def step() -> int:
            for row_id in ids:
                TaskRow.get_by_id(row_id)
            return len(ids)

        return step

    def listing(self, since: list[str], limit: int) -> Step:
        def step() -> int:
            for day in since:
                mine = TaskRow.select().where(TaskRow.user_id == USER, TaskRow.state == "todo", TaskRow.due_on >= day)
                list(mine.order_by(TaskRow.due_on, TaskRow.id).limit(limit))
            return len(since)

        return step

    def update(self, indexes: list[int]) -> Step:
        tasks = [TaskRow.get_by_id(id_of(index)) for index in indexes]

        def step() -> int:
            for turn, task in enumerate(tasks):
                changed = changes_dated(turn)
                for name, value in changed.items():
                    setattr(task, name, value)
                with self._database.atomic():
                    task.save(only=list(changed))
            return len(tasks)

        return step

    def pull(self, path: str, wire: str) -> Step:
        pages = pages_of(path)
        taken = [getattr(TaskRow, name) for name in NAMES if name != "id"]

        def step() -> int:
            count = 0
            for page in pages:
                rows = msgspec.json.decode(page)
                with self._database.atomic():
                    for part in peewee.chunked(rows, ROWS_A_STATEMENT):
                        TaskRow.insert_many(part).on_conflict(conflict_target=[TaskRow.id], preserve=taken).execute()
                count += len(rows)
            return count

        return step
