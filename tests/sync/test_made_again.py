"""A row that goes and comes back before the server hears of it: made again, or given up and brought back."""

from __future__ import annotations

from bmaddb.device.store import WriteTransaction
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.schema import Record
from tests.protocol.things import Label, Note
from tests.sync.devices import Device, World


def make_again(device: Device, row: Record, **values: object) -> None:
    with device.store.write() as tx:
        tx.delete(row)
        tx.insert(type(row), **values)


def test_a_row_made_again_in_one_transaction_is_an_edit(things: World) -> None:
    here, there = things.device(), things.device()
    with here.store.write() as tx:
        note, label = tx.insert(Note, title="a", body="b"), tx.insert(Label, name="n", color="red")
    things.settle(here, there)
    make_again(here, note, id=note.id, title="again")
    make_again(here, label, name="n", color="blue")
    report = here.sync()
    assert (report.pushed_entries, report.parked, report.conflicts) == (2, 0, 0)
    things.settle(there, here)
    things.assert_equal(here, there)
    found = there.store.get(Note, note.id)
    assert found is not None
    assert (found.title, found.body) == ("again", None)


def test_a_row_made_again_meets_an_edit_of_another_device(things: World) -> None:
    here, there = things.device(), things.device()
    with here.store.write() as tx:
        note = tx.insert(Note, title="a", body="b")
    things.settle(here, there)
    with there.store.write() as tx:
        tx.update(Note, note.id, likes=3)
    there.sync()
    make_again(here, note, id=note.id, title="again")
    with here.store.write() as tx:
        tx.update(Note, note.id, body="words")
    things.settle(here, there)
    things.assert_equal(here, there)
    found = there.store.get(Note, note.id)
    assert found is not None
    assert (found.title, found.body, found.likes) == ("again", "words", 3)


def insert_refused(tx: WriteTransaction) -> None:
    """Raw SQL can write what cannot travel: the entry is parked."""
    task = tx.insert(Task, title="refused")
    tx.execute("update tasks set title = 'a' || char(0) where id = ?", (task.id,))


def test_discard_after_discard_ends_at_the_servers_row(world: World) -> None:
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        goal = tx.insert(Goal, title="original")
    world.settle(here, there)
    with here.store.write() as tx:
        insert_refused(tx)
        tx.update(goal, title="given up")
    with here.store.write() as tx:
        tx.delete(Goal, goal.id)
        insert_refused(tx)
    for _ in range(2):
        here.sync()
        here.outbox.discard(here.outbox.parked()[0].id)
    world.settle(here, there)
    world.assert_equal(here, there)
    found = here.store.get(Goal, goal.id)
    assert found is not None
    assert found.title == "original"
