"""The engine's own tables are read by an application, and written by the engine alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.modules import sync_status
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema import Record

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
RECORDS = sync_status.MODULE.records


@pytest.fixture
def db(tmp_path: Path) -> Iterator[bmaddb.Database]:
    with bmaddb.open(tmp_path / "anna.db", user=USER) as opened:
        with opened.write() as tx:
            tx.insert(Task, title="typed")
        yield opened


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__table__.name)
@pytest.mark.parametrize(
    "door",
    [
        lambda tx, record: tx.insert(record, id="x"),
        lambda tx, record: tx.insert_many(record, [{"id": "x"}] * 60),
        lambda tx, record: tx.update(record, "x", id="y"),
        lambda tx, record: tx.delete(record, "x"),
        lambda tx, record: tx.execute(f"delete from {record.__table__.name}"),
        lambda tx, record: tx.execute(f"insert into {record.__table__.name} (id) values ('x')"),
        lambda tx, record: tx.execute(f"replace into {record.__table__.name} (id) values ('x')"),
        lambda tx, record: tx.execute(f"update {record.__table__.name} set id = 'x'"),
    ],
    ids=["insert", "insert_many", "update", "delete", "raw delete", "raw insert", "raw replace", "raw update"],
)
def test_no_door_writes_them(
    db: bmaddb.Database, record: type[Record], door: Callable[[Any, type[Record]], object]
) -> None:
    with pytest.raises(e.ReadOnlyTable, match="engine's own") as caught, db.write() as tx:
        door(tx, record)
    assert caught.value.hint
    assert db.outbox.counts().queued == 1
    db.query(record).all()


def test_they_are_all_of_the_engines_module() -> None:
    assert {record.__table__.name for record in RECORDS} == {
        "sync_cursors",
        "outbox_operations",
        "server_requests",
        "sync_conflicts",
        "sync_runs",
        "operation_journal",
    }
    assert all(record.__table__.options.engine for record in RECORDS)
