"""SQLAlchemy's ORM over the sqlite3 of Python, on our own tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session, declarative_base

from bench.peers.in_process import InProcess, Step, set_up
from bench.peers.rows import INTEGERS, NAMES, TOTALS, USER, changes_dated, id_of, pages_of, totals_of, whole_rows
from bench.peers.tables import create
from bench.peers.work import About, Level, Totals, Work

Base: Any = declarative_base()
_COLUMNS = [sa.Column(name, sa.Integer if name in INTEGERS else sa.Text, primary_key=name == "id") for name in NAMES]
TaskRow: Any = type("TaskRow", (Base,), {"__table__": sa.Table("tasks", Base.metadata, *_COLUMNS)})


class SqlAlchemyOrm(InProcess):
    """The many go in by `session.execute(insert(...), rows)`, its fast way; the single ones are objects."""

    def __init__(self) -> None:
        self.about = About(
            name="SQLAlchemy ORM",
            version=f"{sa.__version__} (sqlite3 of Python, SQLite {sqlite3.sqlite_version})",
            in_file=True,
            unequal="our tables; finished rows with their ids; checks no values; notes no change for a server;"
            " many rows go in as dicts, beside its unit of work; single changes share one Session",
            lacks=frozenset({Work.OBSERVE}),
        )

    def open(self, path: Path, level: Level) -> None:
        create(path)
        self._engine = sa.create_engine(f"sqlite:///{path}")
        sa.event.listen(self._engine, "connect", lambda connection, _: set_up(connection, level))

    def reopen(self) -> None:
        """A new Session holds nothing."""

    def close(self) -> None:
        self._engine.dispose()

    def totals(self) -> Totals:
        with self._engine.connect() as connection:
            return totals_of(connection.execute(sa.text(TOTALS)).one())

    def insert_many(self, first: int, count: int) -> Step:
        rows = whole_rows(first, count)

        def step() -> int:
            with Session(self._engine) as session, session.begin():
                session.execute(sa.insert(TaskRow), rows)
            return count

        return step

    def insert_singly(self, first: int, count: int) -> Step:
        rows = whole_rows(first, count)

        def step() -> int:
            for row in rows:
                with Session(self._engine) as session, session.begin():
                    session.add(TaskRow(**row))
            return count

        return step

    def read(self, indexes: list[int]) -> Step:
        ids = [id_of(index) for index in indexes]

        def step() -> int:
            with Session(self._engine) as session:
                for row_id in ids:
                    session.get(TaskRow, row_id)
            return len(ids)

        return step

    def listing(self, since: list[str], limit: int) -> Step:
        def step() -> int:
            with Session(self._engine) as session:
                for day in since:
                    session.scalars(_listed(day, limit)).all()
            return len(since)

        return step

    def update(self, indexes: list[int]) -> Step:
        session = Session(self._engine, expire_on_commit=False)
        tasks = [session.get(TaskRow, id_of(index)) for index in indexes]
        session.commit()

        def step() -> int:
            for turn, task in enumerate(tasks):
                for name, value in changes_dated(turn).items():
                    setattr(task, name, value)
                session.commit()
            session.close()
            return len(tasks)

        return step

    def pull(self, path: str, wire: str) -> Step:
        pages = pages_of(path)
        base = upsert(TaskRow)
        taken = {name: base.excluded[name] for name in NAMES if name != "id"}
        statement = base.on_conflict_do_update(index_elements=["id"], set_=taken)

        def step() -> int:
            count = 0
            for page in pages:
                rows = msgspec.json.decode(page)
                with Session(self._engine) as session, session.begin():
                    session.execute(statement, rows)
                count += len(rows)
            return count

        return step


def _listed(since: str, limit: int) -> Any:
    mine = sa.select(TaskRow).where(TaskRow.user_id == USER, TaskRow.state == "todo", TaskRow.due_on >= since)
    return mine.order_by(TaskRow.due_on, TaskRow.id).limit(limit)
