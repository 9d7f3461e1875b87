"""bmaddb itself, with all it does for a write: values checked, the change captured, queued for a server."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import apsw

import bmaddb
from bench.peers.in_process import InProcess, Step
from bench.peers.rows import TOTALS, USER, changes, given_row, pages_of, totals_of
from bench.peers.work import WATCHED, About, Level, Totals
from bmaddb.device.store import Durability
from bmaddb.device.sync.pages import Pages
from bmaddb.device.sync.walk import Progress
from bmaddb.modules.tasks_productivity import Task
from bmaddb.protocol import codec

DURABILITY: dict[Level, Durability] = {"FULL": "full", "NORMAL": "normal"}


class Ours(InProcess):
    """Through `bmaddb.open`; a pull goes to the room that writes pages, where a sync hands them over."""

    def __init__(self) -> None:
        self.about = About(
            name="bmaddb",
            version=f"{version('bmaddb')} (Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()})",
            in_file=True,
            unequal="",
            lacks=frozenset(),
        )

    def open(self, path: Path, level: Level) -> None:
        self._path, self._level = path, level
        # Nothing held in memory: the others read from the file too.
        self._db = bmaddb.open(path, user=USER, durability=DURABILITY[level], cache_bytes=0)

    def reopen(self) -> None:
        self._db.close()
        self.open(self._path, self._level)

    def close(self) -> None:
        self._db.close()

    def totals(self) -> Totals:
        return totals_of(self._db.sql(TOTALS)[0])

    def insert_many(self, first: int, count: int) -> Step:
        rows = [given_row(index) for index in range(first, first + count)]

        def step() -> int:
            with self._db.write() as tx:
                return tx.insert_many(Task, rows)

        return step

    def insert_singly(self, first: int, count: int) -> Step:
        rows = [given_row(index) for index in range(first, first + count)]

        def step() -> int:
            for row in rows:
                with self._db.write() as tx:
                    tx.insert(Task, **row)
            return count

        return step

    def read(self, indexes: list[int]) -> Step:
        ids = self._ids(indexes)

        def step() -> int:
            for row_id in ids:
                self._db.get(Task, row_id)
            return len(ids)

        return step

    def listing(self, since: list[str], limit: int) -> Step:
        def step() -> int:
            for day in since:
                self._listed(day, limit).all()
            return len(since)

        return step

    def update(self, indexes: list[int]) -> Step:
        tasks = [self._db.get(Task, row_id) for row_id in self._ids(indexes)]

        def step() -> int:
            for turn, task in enumerate(tasks):
                assert task is not None
                with self._db.write() as tx:
                    tx.update(task, **changes(turn))
            return len(tasks)

        return step

    def observe(self, since: str, limit: int, days: list[str]) -> Step:
        query = self._listed(since, limit)
        live = self._db.observe(query)
        first = next(live)

        def step() -> int:
            for turn, day in enumerate(days):
                with self._db.write() as tx:
                    tx.update(first[turn % WATCHED], title=f"seen {turn}", due_on=day)
                while all(task.title != f"seen {turn}" for task in next(live)):
                    pass
            live.close()
            return len(days)

        return step

    def pull(self, path: str, wire: str) -> Step:
        bodies, pages, progress = pages_of(wire), Pages(self._db.store, self._db.outbox), Progress()

        def step() -> int:
            count = 0
            for body in bodies:
                answer = codec.pull_answer(body)
                progress.expect(answer)
                count += pages.apply(answer, progress).rows
            return count

        return step

    def _ids(self, indexes: list[int]) -> list[str]:
        """We make our ids ourselves, in the order of the rows."""
        ids = [row[0] for row in self._db.sql("select id from tasks order by rowid")]
        return [ids[index] for index in indexes]

    def _listed(self, since: str, limit: int) -> Any:
        mine = self._db.query(Task).where(Task.user_id == USER, Task.state == "todo", Task.due_on >= since)
        return mine.order_by(Task.due_on, Task.id).limit(limit)
