"""A parent deleted elsewhere while a child was written here: the foreign key says what becomes of the child."""

from __future__ import annotations

import pytest

from bmaddb.device.outbox.entries import ParkReason
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.protocol.session import Limits
from tests.protocol.things import Job, Note, Token
from tests.sync.devices import Device, World


def pair(world: World) -> tuple[Device, Device]:
    here, there = world.device(), world.device()
    world.settle(here, there)
    return here, there


def attention(device: Device) -> list[tuple[object, ...]]:
    return device.store.sql(
        "select table_name, column_name, policy, needs_attention from sync_conflicts order by rowid"
    )


def test_a_child_made_here_loses_the_reference(things: World) -> None:
    here, there = pair(things)
    with here.store.write() as tx:
        note = tx.insert(Note, title="a")
    things.settle(here, there)
    with there.store.write() as tx:
        tx.delete(note)
    with here.store.write() as tx:
        job = tx.insert(Job, title="about the note", note_id=note.id)
    things.settle(there, here)
    for device in (here, there):
        found = device.store.get(Job, job.id)
        assert found is not None
        assert found.note_id is None
    assert attention(here) == [("jobs", "note_id", "on_delete null", 0)]
    assert here.store.sql("select local_value ->> '$' from sync_conflicts") == [(note.id,)]
    things.assert_equal(here, there)


def test_a_child_that_was_moved_here_loses_the_reference(world: World) -> None:
    here, there = pair(world)
    with here.store.write() as tx:
        goal, task, other = tx.insert(Goal, title="g"), tx.insert(Task, title="t"), tx.insert(Goal, title="o")
    world.settle(here, there)
    with there.store.write() as tx:
        tx.delete(goal)
    with here.store.write() as tx:
        tx.update(task, title="t2", goal_id=goal.id)
        tx.insert(Task, title="made", goal_id=goal.id)
        tx.insert(Task, title="elsewhere", goal_id=other.id)
    with here.store.write() as tx:
        tx.update(Task, task.id, title="t3")
    world.settle(there, here)
    rows = {row.title: row.goal_id for row in there.store.query(Task).all()}
    assert rows == {"t3": None, "made": None, "elsewhere": other.id}
    world.assert_equal(here, there)


def test_an_untouched_child_loses_the_reference_with_the_parent(things: World) -> None:
    """The page that deletes the parent may come before the page that says so of the child."""
    here, there = pair(things)
    with here.store.write() as tx:
        note = tx.insert(Note, title="a")
        tx.insert(Job, title="untouched", note_id=note.id)
    things.settle(here, there)
    with there.store.write() as tx:
        tx.delete(note)
    things.settle(there, here)
    assert here.store.sql("select note_id from jobs") == [(None,)]
    assert attention(here) == []
    things.assert_equal(here, there)


def test_a_child_made_here_goes_with_its_parent_and_its_values_are_kept(things: World) -> None:
    here, there = pair(things)
    with here.store.write() as tx:
        job = tx.insert(Job, title="a")
    things.settle(here, there)
    with there.store.write() as tx:
        tx.delete(job)
    with here.store.write() as tx:
        tx.insert(Token, name="made here", job_id=job.id)
    with here.store.write() as tx:
        tx.insert(Note, title="of the same time")
    things.settle(there, here)
    assert here.store.query(Token).all() == []
    assert attention(here) == [("tokens", None, "on_delete cascade", 1)]
    assert here.store.sql("select local_value ->> 'name' from sync_conflicts") == [("made here",)]
    things.assert_equal(here, there)


def test_a_whole_tree_made_here_goes_with_its_root(world: World) -> None:
    here, there = pair(world)
    with here.store.write() as tx:
        root = tx.insert(Task, title="root")
    world.settle(here, there)
    with there.store.write() as tx:
        tx.delete(root)
    parent = root
    for depth in range(3):
        with here.store.write() as tx:
            parent = tx.insert(Task, title=f"level {depth}", parent_task_id=parent.id)
    world.settle(there, here)
    assert here.store.query(Task).all() == []
    assert len(attention(here)) == 3
    world.assert_equal(here, there)


def test_a_child_that_was_moved_under_a_lost_parent_goes_back(things: World) -> None:
    """The server still holds it under its old parent."""
    here, there = pair(things)
    with here.store.write() as tx:
        first, second = tx.insert(Job, title="first"), tx.insert(Job, title="second")
        token = tx.insert(Token, name="t", job_id=first.id)
    things.settle(here, there)
    with there.store.write() as tx:
        tx.delete(second)
    with here.store.write() as tx:
        tx.update(token, name="renamed", job_id=second.id)
    things.settle(there, here)
    found = there.store.get(Token, token.id)
    assert found is not None
    assert (found.name, found.job_id) == ("renamed", first.id)
    assert attention(here) == [("tokens", "job_id", "on_delete cascade", 1)]
    things.assert_equal(here, there)


@pytest.mark.parametrize("kind", ["null", "cascade"])
def test_a_child_made_and_deleted_here(things: World, kind: str) -> None:
    here, there = pair(things)
    with here.store.write() as tx:
        note, job = tx.insert(Note, title="n"), tx.insert(Job, title="j")
    things.settle(here, there)
    with there.store.write() as tx:
        tx.delete(note if kind == "null" else job)
    with here.store.write() as tx:
        made = (Job, {"title": "c", "note_id": note.id}) if kind == "null" else (Token, {"name": "c", "job_id": job.id})
        child = tx.insert(made[0], **made[1])
    with here.store.write() as tx:
        tx.delete(child)
    things.settle(there, here)
    things.assert_equal(here, there)


@pytest.mark.parametrize("kind", ["null", "cascade"])
def test_a_parent_used_here_and_then_deleted_on_both_sides(things: World, kind: str) -> None:
    here, there = pair(things)
    with here.store.write() as tx:
        note, job = tx.insert(Note, title="n"), tx.insert(Job, title="j")
    things.settle(here, there)
    parent = note if kind == "null" else job
    with there.store.write() as tx:
        tx.delete(parent)
    with here.store.write() as tx:
        _ = tx.insert(Job, title="c", note_id=note.id) if kind == "null" else tx.insert(Token, name="c", job_id=job.id)
    with here.store.write() as tx:
        tx.delete(parent)
    things.settle(there, here)
    things.assert_equal(here, there)


def test_a_parent_that_an_edit_here_brings_back_keeps_its_children(things: World) -> None:
    here, there = pair(things)
    with here.store.write() as tx:
        note = tx.insert(Note, title="a")
    things.settle(here, there)
    with there.store.write() as tx:
        tx.delete(note)
    with here.store.write() as tx:
        tx.update(note, title="edited")
        job = tx.insert(Job, title="about the note", note_id=note.id)
    things.settle(there, here)
    found = there.store.get(Job, job.id)
    assert found is not None
    assert found.note_id == note.id
    things.assert_equal(here, there)


def test_what_took_a_child_away_from_a_lost_parent_may_be_given_up(things: World) -> None:
    here, there = pair(things)
    with here.store.write() as tx:
        note = tx.insert(Note, title="a")
    things.settle(here, there)
    with here.store.write() as tx:
        job = tx.insert(Job, title="about the note", note_id=note.id)
    with here.store.write() as tx:
        tx.delete(note)
        tx.update(Job, job.id, title="about nothing")
    with here.outbox.edit() as (connection, waiting):
        here.outbox.park(connection, waiting, list(waiting)[1], ParkReason(code="42501", message="refused"))
    with there.store.write() as tx:
        tx.delete(note)
    there.sync()
    here.sync()
    [parked] = here.outbox.parked()
    here.outbox.discard(parked.id)
    things.settle(here, there)
    assert here.store.sql("select title, note_id from jobs") == [("about the note", None)]
    things.assert_equal(here, there)


def test_a_child_that_an_edit_here_brings_back_is_made_without_the_parent_that_went(things: World) -> None:
    """Its parent is deleted on both sides, and known to be before the child is."""
    here, there = things.device(limits=Limits(page_rows=1, batch_entries=1)), things.device()
    with here.store.write() as tx:
        note = tx.insert(Note, title="a")
        job = tx.insert(Job, title="about the note", state="doing", note_id=note.id)
    things.settle(here, there)
    for record, row_id in ((Note, note.id), (Job, job.id)):
        with there.store.write() as tx:
            tx.delete(record, row_id)
        assert there.sync().ok
    with here.store.write() as tx:
        tx.insert(Note, title="leaves first")
    with here.store.write() as tx:
        tx.update(Job, job.id, title="goes on")
    with here.store.write() as tx:
        tx.delete(note)
        tx.insert(Note, title="so that this does not leave with the edit")
    things.settle(here, there)
    assert here.store.sql("select title, note_id from jobs") == [("goes on", None)]
    things.assert_equal(here, there)
