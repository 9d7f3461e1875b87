"""The queue without a server: what it takes, what it refuses, and that it is there after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.aio import open as open_async
from bmaddb.device.outbox import ParkReason
from bmaddb.device.requests import RequestPolicy, queue
from bmaddb.modules.tasks_productivity import Task
from bmaddb.service.database import Database
from bmaddb.service.salvaging import salvage
from bmaddb.signals import RequestDead
from bmaddb.testing import ManualClock

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with bmaddb.open(tmp_path / "device.db", user=USER, clock=ManualClock()) as made:
        yield made


def test_it_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    with bmaddb.open(path, user=USER) as db:
        made = db.request("mail.send", {"to": "anna"}, priority=2, key="k")
    with bmaddb.open(path, user=USER) as db:
        assert db.requests.open() == [made]
        assert db.requests.find("mail.send", "k") == made
        assert db.requests.find("mail.send", "other") is None
        assert db.requests.counts().waiting == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "Mail"}, "is no kind"),
        ({"kind": ""}, "is no kind"),
        ({"kind": None}, "is no kind"),
        ({"priority": 10}, "a priority is"),
        ({"priority": True}, "a priority is"),
        ({"key": ""}, "a key is"),
        ({"key": "a\n"}, "a key is"),
        ({"key": "k" * 201}, "a key is"),
        ({"after": "not a list"}, "`after` holds"),
        ({"after": ["nothing"]}, "`after` holds"),
        ({"deadline": datetime(2030, 1, 1)}, "a deadline is"),
        ({"deadline": 5}, "a deadline is"),
        ({"deadline": datetime(1999, 1, 1, tzinfo=UTC)}, "has passed already"),
        ({"payload": "x" * queue.PAYLOAD_BYTES_MAX}, "the payload is larger"),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(db: Database, options: dict[str, Any], message: str) -> None:
    with pytest.raises(e.RequestInvalid, match=message):
        db.request(**{"kind": "mail.send", **options})
    assert db.requests.open() == []


@pytest.mark.parametrize("payload", [{"a": "\0"}, {1: 2}, float("nan"), object(), "\ud800"])
def test_a_payload_is_json_that_postgres_can_hold(db: Database, payload: Any) -> None:
    with pytest.raises(e.RecordInvalid):
        db.request("mail.send", payload)


def test_a_queue_that_is_full_says_so(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "OPEN_MAX", 2)
    first = db.request("a.kind")
    db.request("a.kind")
    with pytest.raises(e.RequestQueueFull):
        db.request("a.kind")
    db.requests.cancel(first.id)
    db.request("a.kind")


def test_what_is_cancelled_buries_what_needs_it_and_brings_it_back(db: Database) -> None:
    first = db.request("a.kind")
    second = db.request("a.kind", after=[first.id])
    third = db.request("a.kind", after=[second.id])
    free = db.request("a.kind")
    db.requests.cancel(first.id)
    assert [item.id for item in db.requests.dead()] == [second.id, third.id]
    with pytest.raises(e.RequestInvalid, match="nothing can come after it"):
        db.request("a.kind", after=[third.id])
    assert db.requests.cancel(first.id).status == "cancelled", "again is fine"
    db.requests.retry(first.id)
    assert [item.id for item in db.requests.open()] == [first.id, second.id, third.id, free.id]
    assert db.requests.get(third.id).round == 1


def test_an_id_that_is_none(db: Database) -> None:
    for act in (db.requests.get, db.requests.cancel, db.requests.retry):
        with pytest.raises(e.RequestNotFound):
            act("nothing")


def test_a_kind_has_a_policy_and_its_deadline(db: Database) -> None:
    db.requests.define("a.kind", RequestPolicy(deadline_ms=1_000))
    made, own = db.request("a.kind"), db.request("a.kind", deadline=datetime.now(UTC) + timedelta(days=9_000))
    assert made.deadline_at == made.created_at + timedelta(seconds=1)
    assert own.deadline_at is not None
    assert own.deadline_at > made.created_at + timedelta(days=1)
    for wrong in ({"attempts_max": 0}, {"first_wait_ms": 0}, {"wait_ms_max": 1}, {"deadline_ms": 0}):
        with pytest.raises(e.RequestInvalid):
            RequestPolicy(**wrong)
    waits = [RequestPolicy(first_wait_ms=100, wait_ms_max=500).wait_ms(failures, 0.999) for failures in range(1, 5)]
    assert waits == [100, 200, 400, 500]


def test_in_a_write_it_comes_after_the_entry_and_alone_it_needs_nothing(db: Database) -> None:
    alone = db.request("a.kind")
    with db.write() as tx:
        tx.insert(Task, title="x")
        inside = db.request("a.kind", after=[alone.id])
    with db.write():
        empty = db.request("a.kind")
    with db.write() as tx:
        tx.insert(Task, title="y")
    entries = db.outbox.entries()
    assert db.requests.get(alone.id).depends_on == []
    assert db.requests.get(inside.id).depends_on == [alone.id, entries[0].id]
    assert db.requests.get(empty.id).depends_on == [], "its write changed no row that travels"


def test_an_entry_given_up_by_a_program_that_asks_for_nothing_buries_what_builds_on_it(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    with bmaddb.open(path, user=USER) as db:
        with db.write() as tx:
            tx.insert(Task, title="x")
            made = db.request("a.kind")
            behind = db.request("a.kind", after=[made.id])
        [entry] = db.outbox.entries()
        with db.outbox.edit() as (connection, waiting):
            db.outbox.park(connection, waiting, entry, ParkReason(code="test", message="held"))
    with bmaddb.open(path, user=USER) as db:
        dead: list[str] = []
        db.signals.listen(RequestDead, lambda signal: dead.append(signal.id))
        db.outbox.discard(entry.id)
        assert [item.id for item in db.requests.dead()] == [made.id, behind.id] == dead


def test_upkeep_forgets_only_what_is_over(tmp_path: Path) -> None:
    clock = ManualClock()
    with bmaddb.open(tmp_path / "device.db", user=USER, clock=clock) as db:
        kept, gone = db.request("a.kind"), db.request("a.kind")
        db.requests.cancel(gone.id)
        clock.advance(31 * 24 * 60 * 60 * 1000)
        db.upkeep.run(1, always=True)
        assert [item.id for item in db.requests.open()] == [kept.id]
        with pytest.raises(e.RequestNotFound):
            db.requests.get(gone.id)


def test_a_salvage_keeps_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    with bmaddb.open(path, user=USER) as db:
        made = db.request("a.kind", {"n": 1})
    salvage(path)
    with bmaddb.open(path, user=USER) as db:
        assert db.requests.open() == [made]


def test_a_file_from_before_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    with bmaddb.open(path, user=USER) as db, db.store.apply("local") as connection:
        connection.execute("drop table server_requests")
        connection.execute("update _bmad_meta set value = 'older' where key = 'schema_digest'")
    with bmaddb.open(path, user=USER) as db:
        assert db.request("a.kind").status == "waiting"


async def _ask(path: Path) -> str:
    async with await open_async(path, user=USER) as db:
        return (await db.request("a.kind", {"n": 1}, priority=1)).status


def test_asyncio_has_it_too(tmp_path: Path) -> None:
    import asyncio

    assert asyncio.run(_ask(tmp_path / "device.db")) == "waiting"
