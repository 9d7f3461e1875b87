"""Changes travel both ways, between two devices of one user, and never to anybody else (S1, S2, S8, S12)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from bmaddb.modules.chat_journal import Attachment, Journal, JournalEntry
from bmaddb.modules.levensgebieden import LifeArea
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.protocol.session import Limits
from bmaddb.signals import Committed
from tests.sync.devices import World

STRANGER = str(uuid.UUID(int=0xB0B))


def test_create_update_and_delete_arrive(world: World) -> None:
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        task = tx.insert(Task, title="water the plants")
    world.settle(here, there)
    assert there.store.get(Task, task.id) is not None

    with there.store.write() as tx:
        tx.update(Task, task.id, title="water the garden")
    world.settle(there, here)
    found = here.store.get(Task, task.id)
    assert found is not None
    assert found.title == "water the garden"

    with here.store.write() as tx:
        tx.delete(Task, task.id)
    world.settle(here, there)
    assert there.store.get(Task, task.id) is None
    world.assert_equal(here, there)


def test_values_of_every_kind_arrive_as_they_left(world: World) -> None:
    here, there = world.device(), world.device()
    when = datetime(2026, 3, 29, 1, 30, 0, 123000, tzinfo=UTC)
    with here.store.write() as tx:
        journal = tx.insert(Journal, name="Dagboek é 😀 \n\t\"'\\ \x01\x7f")
        tx.insert(
            JournalEntry,
            journal_id=journal.id,
            body="x" * 10_000,
            body_hash="",
            occurred_at=when,
            tz="Europe/Amsterdam",
            entry_date="2026-03-29",
            location={"é": 1.5, "a": [None, True, {}], "long": 9007199254740993},
        )
        tx.insert(Task, title="t", due_at=when, tag_ids=["b", "a"], device_seconds={"é": [1, "s"], "a": [0, ""]})
    world.settle(here, there)
    world.assert_equal(here, there)
    task = there.store.query(Task).all()[0]
    assert task.due_at == when
    assert task.tag_ids == ["b", "a"]


def test_a_stranger_sees_nothing(world: World) -> None:
    here, stranger = world.device(), world.device(STRANGER)
    with here.store.write() as tx:
        tx.insert(Task, title="mine")
    world.settle(here, stranger)
    assert stranger.store.query(Task).all() == []
    with stranger.store.write() as tx:
        tx.insert(Task, title="theirs")
    world.settle(stranger, here)
    assert [task.title for task in here.store.query(Task).all()] == ["mine"]
    world.assert_equal(here, stranger)


def test_the_shared_catalogue_comes_down(world: World) -> None:
    here = world.device()
    world.settle(here)
    assert len(here.store.query(LifeArea).all()) >= 8


def test_a_pushing_device_does_not_get_its_own_rows_back(world: World) -> None:
    here, there = world.device(), world.device()
    world.settle(here, there)
    with there.store.write() as tx:
        tx.insert(Task, title="theirs")
    there.sync()
    with here.store.write() as tx:
        tx.insert(Task, title="mine")
    report = here.sync()
    assert (report.pushed_entries, report.pushed_rows, report.pulled_rows) == (1, 1, 1)
    quiet = here.sync()
    assert (quiet.requests, quiet.pulled_rows, quiet.pushed_entries) == (1, 0, 0)


def test_one_transaction_over_many_tables_is_one_entry(world: World) -> None:
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        goal = tx.insert(Goal, title="g")
        task = tx.insert(Task, title="t", goal_id=goal.id)
        tx.insert(Task, title="sub", parent_task_id=task.id)
    assert here.outbox.counts().queued == 1
    assert here.sync().pushed_rows == 3
    world.settle(there)
    with there.store.write() as tx:
        tx.delete(Goal, goal.id)
        tx.delete(Task, task.id)
    world.settle(there, here)
    assert here.store.query(Task).all() == []
    world.assert_equal(here, there)


def test_a_thousand_entries_in_batches(world: World) -> None:
    here, there = world.device(limits=Limits(batch_entries=300)), world.device()
    for number in range(1_000):
        with here.store.write() as tx:
            tx.insert(Task, title=f"task {number}")
    report = here.sync()
    assert report.pushed_entries == 1_000
    assert report.requests == 5
    world.settle(there)
    world.assert_equal(here, there)


def test_batches_are_cut_by_bytes_but_never_within_an_entry(world: World) -> None:
    here = world.device(limits=Limits(batch_bytes=2_000))
    world.settle(here)
    for size in (500, 5_000, 500, 500):
        with here.store.write() as tx:
            tx.insert(Task, title="x" * size)
    report = here.sync()
    assert report.ok
    assert report.requests > 3
    world.assert_equal(here)


def test_pages_of_three_rows(world: World) -> None:
    here, there = world.device(), world.device(limits=Limits(page_rows=3))
    with here.store.write() as tx:
        goals = [tx.insert(Goal, title=f"g{number}") for number in range(10)]
    for number in range(30):
        with here.store.write() as tx:
            tx.insert(Task, title=f"t{number}", goal_id=goals[number % 10].id)
    with here.store.write() as tx:
        for goal in goals:  # parents now come after their children in the server's order
            tx.update(goal, title=goal.title + "!")
    here.sync()
    assert there.sync().requests > 10
    world.assert_equal(here, there)


def test_blobs_and_local_columns(world: World) -> None:
    here, there = world.device(), world.device()
    local = [column.name for column in Attachment.__table__.columns if not column.synced]
    with here.store.write() as tx:
        made = tx.insert(Attachment, **attachment(here.store.user or ""), **{local[0]: "only/here"})
    world.settle(here, there)
    found = there.store.get(Attachment, made.id)
    assert found is not None
    assert getattr(found, local[0]) is None
    with there.store.write() as tx:
        tx.update(found, **{local[0]: "only/there"})
    assert there.sync().ok
    world.settle(here)
    again = here.store.get(Attachment, made.id)
    assert getattr(again, local[0]) == "only/here"


def attachment(user: str) -> dict[str, object]:
    """What an attachment needs, whatever columns it has today."""
    values: dict[str, object] = {}
    for column in Attachment.__table__.columns:
        spec = column.spec
        if column.name in ("id", "user_id", "created_at", "updated_at") or spec.nullable or spec.has_default:
            continue
        values[column.name] = spec.enum[0] if spec.enum else {"text": "a" * 64, "int": 1, "json": {}}[column.kind]
    return values


def test_observers_hear_of_remote_rows(world: World) -> None:
    here, there = world.device(), world.device()
    heard: list[Committed] = []
    there.store.signals.listen(Committed, heard.append)
    with here.store.write() as tx:
        tx.insert(Task, title="t")
    here.sync()
    there.sync()
    assert any(fact.origin == "remote" and "tasks" in fact.tables for fact in heard)
    assert there.outbox.counts().total == 0


def test_each_run_leaves_a_row_of_evidence(world: World) -> None:
    here = world.device()
    with here.store.write() as tx:
        tx.insert(Task, title="t")
    report = here.sync()
    here.transport.offline = True
    here.sync()
    rows = here.store.sql("select trigger, result, pushed_rows, bytes_down, error_code from sync_runs order by rowid")
    assert rows == [("manual", "ok", 1, report.bytes_down, None), ("manual", "offline", 0, 0, "B-501")]
