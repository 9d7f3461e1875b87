"""What is parked, why, and what frees it: a person, the server's news, or time."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.outbox import ParkReason
from bmaddb.device.sync.transport import CallFailed
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.protocol.codec import error_body
from bmaddb.protocol.messages import PUSH_FUNCTION
from bmaddb.protocol.refusals import failure_of
from bmaddb.protocol.steps import Result
from tests.protocol.things import Job, Label, Note, Token
from tests.sync.devices import Device, World


def reason_of(device: Device) -> ParkReason:
    [parked] = device.outbox.parked()
    assert parked.reason is not None
    return parked.reason


def meanwhile(device: Device, function: str, act: Any) -> None:
    """Do `act` once, just before the device's next call of `function` reaches the server."""
    inner = device.transport.call
    done: list[bool] = []

    async def call(name: str, body: bytes) -> bytes:
        if name == function and not done:
            done.append(True)
            act()
        return await inner(name, body)

    device.transport.call = call  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("kind", ["null", "cascade"])
def test_a_parent_that_goes_between_pull_and_push_frees_its_child_at_the_next_pull(things: World, kind: str) -> None:
    here, there = things.device(), things.device()
    with here.store.write() as tx:
        note, job = tx.insert(Note, title="n"), tx.insert(Job, title="j")
    things.settle(here, there)
    with here.store.write() as tx:
        child: Any = (
            tx.insert(Job, title="child", note_id=note.id)
            if kind == "null"
            else tx.insert(Token, name="c", job_id=job.id)
        )
    with here.store.write() as tx:
        tx.update(child, **({"title": "edited"} if kind == "null" else {"weight": 1.0}))
        tx.insert(Note, title="with it")

    def delete() -> None:
        with there.store.write() as tx:
            tx.delete(note if kind == "null" else job)
        assert there.sync().ok

    meanwhile(here, PUSH_FUNCTION, delete)
    here.sync()
    things.settle(here, there)
    things.assert_equal(here, there)
    assert here.outbox.counts().parked == 0
    found: Any = there.store.get(type(child), child.id)
    assert (found is None) == (kind == "cascade")
    assert there.store.sql("select count(*) from notes where title = 'with it'") == [(1,)]


def test_json_null_where_a_value_must_be_is_said_in_words(things: World) -> None:
    here = things.device()
    with here.store.write() as tx:
        note = tx.insert(Note, title="a")
        tx.execute("update notes set tags = 'null' where id = ?", (note.id,))
    here.sync()
    reason = reason_of(here)
    assert "notes.tags holds JSON null" in reason.message
    here.outbox.amend(here.outbox.parked()[0].id, {("notes", note.id): {"tags": ["x"]}})
    things.settle(here)
    things.assert_equal(here)


def test_a_row_made_again_keeps_what_the_server_wrote_in_it(things: World) -> None:
    here, there = things.device(), things.device()
    with here.store.write() as tx:
        note = tx.insert(Note, title="a")
    things.settle(here)
    with things.server.database.connect() as connection:
        connection.execute("update bmad.notes set checked = true")
    things.settle(here, there)
    with here.store.write() as tx:
        tx.delete(Note, note.id)
        tx.insert(Note, id=note.id, title="again")
    things.settle(here, there)
    things.assert_equal(here, there)
    assert [(row.title, row.checked) for row in here.store.query(Note).all()] == [("again", True)]


def test_the_reason_names_the_row_the_rule_and_what_to_do(world: World) -> None:
    here = world.device()
    with here.store.write() as tx:
        goal = tx.insert(Goal, title="g")
        tx.execute(
            "insert into tasks (id, user_id, created_at, updated_at, title, goal_id) "
            "select 'orphan', user_id, created_at, updated_at, 'x', id from goals"
        )
    with world.server.database.connect() as connection:
        connection.execute("alter table bmad.tasks add constraint tasks_title_check check (title <> 'x')")
    here.sync()
    reason = reason_of(here)
    assert (reason.code, reason.table, reason.id, reason.column) == ("23514", "tasks", "orphan", "title")
    assert reason.message == "tasks.title breaks a rule of the server (tasks_title_check)"
    assert reason.hint is not None
    assert "edit" in reason.hint
    with pytest.raises(e.RecordInvalid, match="title"):
        here.outbox.amend(here.outbox.parked()[0].id, {("tasks", "orphan"): {"title": 7}})
    with pytest.raises(e.RecordNotFound):
        here.outbox.amend(here.outbox.parked()[0].id, {("tasks", "elsewhere"): {"title": "y"}})
    here.outbox.amend(here.outbox.parked()[0].id, {("tasks", "orphan"): {"title": "y"}})
    found = here.store.get(Task, "orphan")
    assert found is not None
    assert (found.title, found.goal_id) == ("y", goal.id)
    world.settle(here)
    world.assert_equal(here)


def test_an_edit_leaves_what_is_newer_here(things: World) -> None:
    here = things.device()
    with here.store.write() as tx:
        note = tx.insert(Note, title="bad")
        tx.execute("update notes set title = 'bad' || char(0), body = 'b' where id = ?", (note.id,))
    with here.store.write() as tx:
        tx.execute("update notes set title = 'newer' where id = ?", (note.id,))
    here.sync()
    entry = here.outbox.parked()[0]
    here.outbox.amend(entry.id, {("notes", note.id): {"title": "good", "body": "better"}})
    found = here.store.get(Note, note.id)
    assert found is not None
    assert (found.title, found.body) == ("newer", "better")
    things.settle(here)
    things.assert_equal(here)


def test_an_entry_the_server_fails_on_is_parked_for_a_while(things: World) -> None:
    """Status 500 each time it is met: the others arrive, and it is tried again by itself."""
    here, there = things.device(), things.device()
    things.settle(here)
    for number in range(40):
        with here.store.write() as tx:
            tx.insert(Note, title="poison" if number == 17 else f"n{number}")
    inner = here.transport.call
    broken = [True]
    requests: list[int] = []

    async def failing(function: str, body: bytes) -> bytes:
        requests.append(len(body))
        if broken[0] and b"poison" in body:
            raise CallFailed(failure_of(500, error_body(b'{"code": "XX000", "message": "it fell over"}')))
        return await inner(function, body)

    here.transport.call = failing  # type: ignore[method-assign]
    report = here.sync()
    assert (report.result, report.pushed_entries, report.parked) == (Result.PARTIAL, 39, 1)
    assert len(requests) < 40
    parked = here.outbox.parked()[0]
    assert parked.next_attempt_at_ms is not None
    assert reason_of(here).hint is not None
    broken[0] = False
    here.clock.advance(parked.next_attempt_at_ms - here.clock.now_ms())
    assert here.sync().ok
    things.settle(there)
    things.assert_equal(here, there)


def test_a_value_that_another_row_has_is_named_and_not_its_owner(things: World) -> None:
    """The key is (user_id, name); Postgres keeps its values to itself where row-level security is in force."""
    here = things.device()
    assert here.sync().ok
    with here.store.write() as tx:
        tx.insert(Label, name="taken")
    taken = "insert into bmad.labels (id, user_id, name) values ('another', %s, 'taken')"
    with things.server.database.connect() as connection:
        connection.execute(taken, (here.user,))
    assert here.sync().result is Result.PARTIAL
    reason = reason_of(here)
    assert (reason.code, reason.column) == ("23505", "name")
    assert reason.message == "another row has the value of labels.name already"
