"""Django's ORM, on our own tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import django
import msgspec
from django.conf import settings
from django.db import connection, models
from django.db.transaction import atomic

from bench.peers.in_process import CACHE_KIB, InProcess, Step
from bench.peers.rows import INTEGERS, NAMES, TOTALS, USER, changes_dated, id_of, pages_of, totals_of, whole_rows
from bench.peers.tables import create
from bench.peers.work import About, Level, Totals, Work

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ""}}, INSTALLED_APPS=[])
django.setup()


def _field(name: str) -> Any:
    if name == "id":
        return models.TextField(primary_key=True)
    return (models.BigIntegerField if name in INTEGERS else models.TextField)(null=True)


class _Meta:
    app_label = "peers"
    db_table = "tasks"
    managed = False


_BODY = {"__module__": __name__, "Meta": _Meta, **{name: _field(name) for name in NAMES}}
TaskRow: Any = type("TaskRow", (models.Model,), _BODY)


class Django(InProcess):
    """The many go in by `bulk_create`; the single ones by `create` and `save(update_fields=...)`."""

    def __init__(self) -> None:
        self.about = About(
            name="Django ORM",
            version=f"{django.__version__} (sqlite3 of Python, SQLite {sqlite3.sqlite_version})",
            in_file=True,
            unequal="our tables; finished rows with their ids; checks no values; notes no change for a server;"
            " many rows go in by `bulk_create`, which makes an object of each",
            lacks=frozenset({Work.OBSERVE}),
        )

    def open(self, path: Path, level: Level) -> None:
        create(path)
        pragmas = ("journal_mode = WAL", f"synchronous = {level}", f"cache_size = -{CACHE_KIB}")
        given = {"init_command": ";".join(f"pragma {one}" for one in pragmas), "transaction_mode": "IMMEDIATE"}
        connection.settings_dict["NAME"] = str(path)
        connection.settings_dict["OPTIONS"] = given

    def reopen(self) -> None:
        """It holds no rows."""

    def close(self) -> None:
        connection.close()

    def totals(self) -> Totals:
        with connection.cursor() as cursor:
            cursor.execute(TOTALS.replace("%", "%%"), [])
            return totals_of(cursor.fetchone())

    def insert_many(self, first: int, count: int) -> Step:
        rows = whole_rows(first, count)

        def step() -> int:
            with atomic():
                TaskRow.objects.bulk_create([TaskRow(**row) for row in rows])
            return count

        return step

    def insert_singly(self, first: int, count: int) -> Step:
        rows = whole_rows(first, count)

        def step() -> int:
            for row in rows:
                with atomic():
                    TaskRow.objects.create(**row)
            return count

        return step

    def read(self, indexes: list[int]) -> Step:
        ids = [id_of(index) for index in indexes]

        def step() -> int:
            for row_id in ids:
                TaskRow.objects.get(pk=row_id)
            return len(ids)

        return step

    def listing(self, since: list[str], limit: int) -> Step:
        def step() -> int:
            for day in since:
                mine = TaskRow.objects.filter(user_id=USER, state="todo", due_on__gte=day)
                list(mine.order_by("due_on", "id")[:limit])
            return len(since)

        return step

    def update(self, indexes: list[int]) -> Step:
        tasks = [TaskRow.objects.get(pk=id_of(index)) for index in indexes]

        def step() -> int:
            for turn, task in enumerate(tasks):
                changed = changes_dated(turn)
                for name, value in changed.items():
                    setattr(task, name, value)
                with atomic():
                    task.save(update_fields=list(changed))
            return len(tasks)

        return step

    def pull(self, path: str, wire: str) -> Step:
        pages = pages_of(path)
        taken = [name for name in NAMES if name != "id"]

        def step() -> int:
            count = 0
            for page in pages:
                rows = [TaskRow(**row) for row in msgspec.json.decode(page)]
                with atomic():
                    TaskRow.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=taken)
                count += len(rows)
            return count

        return step
