"""Adjacent entries of the same rows leave as one, where nothing is lost by it; refused, they are sent apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bmaddb.device.outbox import EntryStatus, ParkReason
from bmaddb.protocol.steps import Settlement
from tests.outbox.conftest import Bench
from tests.protocol.things import Job, Label, Note

MANY = 1_000_000
NO = ParkReason(code="23514", message="no")


def sent(bench: Bench) -> list[dict[str, Any]]:
    return [json.loads(body) for body in bench.outbox.batch()]


def settle(bench: Bench, *numbers: int) -> None:
    with bench.outbox.edit() as (connection, waiting):
        bench.outbox.settle(connection, waiting, [Settlement(number=n, version=n * 100) for n in numbers])
        bench.outbox.know_number(connection, numbers[-1])


def settled_note(bench: Bench, **values: Any) -> Note:
    with bench.store.write() as tx:
        note = tx.insert(Note, title="old", body="old", **values)
    settle(bench, *bench.outbox.lease(500, MANY))
    return note


def edit(bench: Bench, note: Note, **values: Any) -> None:
    bench.clock.advance(1000)
    with bench.store.write() as tx:
        tx.update(Note, note.id, **values)


@pytest.mark.parametrize("step_ms", [0, 1000])
def test_a_hundred_edits_of_one_text_are_one(bench: Bench, step_ms: int) -> None:
    note = settled_note(bench)
    for number in range(100):
        bench.clock.advance(step_ms)
        with bench.store.write() as tx:
            tx.update(Note, note.id, title=f"t{number}")
    newest = bench.outbox.entries()[-1]
    assert bench.outbox.lease(500, MANY) == (2,)
    [one] = sent(bench)
    [update] = one["changes"][0]["update"]
    assert (update["set"]["title"], update["base"]) == ("t99", 100)
    assert one["hlc"] == newest.hlc
    assert bench.outbox.counts().leased == 100, "the entries themselves wait until the answer comes"
    settle(bench, 2)
    assert bench.outbox.counts().total == 0


def test_insert_and_edits_are_an_insert(bench: Bench) -> None:
    with bench.store.write() as tx:
        note = tx.insert(Note, title="a")
    edit(bench, note, title="b")
    edit(bench, note, body="c")
    assert bench.outbox.lease(500, MANY) == (1,)
    [one] = sent(bench)
    insert = one["changes"][0]["insert"]
    row = dict(zip(insert["columns"], insert["rows"][0], strict=True))
    assert (row["title"], row["body"]) == ("b", "c")


def test_insert_and_delete_are_nothing(bench: Bench) -> None:
    with bench.store.write() as tx:
        note = tx.insert(Note, title="a")
    edit(bench, note, title="b")
    with bench.store.write() as tx:
        tx.delete(Note, note.id)
    with bench.store.write() as tx:
        tx.insert(Note, title="other")
    assert bench.outbox.lease(500, MANY) == (1,)
    assert bench.outbox.counts().total == 1


def test_edit_and_delete_are_a_delete(bench: Bench) -> None:
    note = settled_note(bench)
    edit(bench, note, title="b")
    with bench.store.write() as tx:
        tx.delete(Note, note.id)
    assert bench.outbox.lease(500, MANY) == (2,)
    assert sent(bench)[0]["changes"] == [{"table": "notes", "delete": [{"id": note.id, "base": 100}]}]


def test_an_older_value_takes_no_newer_stamp(bench: Bench) -> None:
    """Another device may have written the title in between: it would lose to a stamp that is not the title's."""
    note = settled_note(bench)
    edit(bench, note, title="b")
    edit(bench, note, body="c")
    assert bench.outbox.lease(500, MANY) == (2, 3)
    first, second = sent(bench)
    assert first["changes"][0]["update"][0]["set"]["title"] == "b"
    assert first["hlc"] < second["hlc"]


def test_what_others_may_hold_already_is_left_apart(bench: Bench) -> None:
    with bench.store.write() as tx:
        label = tx.insert(Label, name="n")
    with bench.store.write() as tx:
        tx.update(label, color="red")
    with bench.store.write() as tx:
        note = tx.insert(Note, id="settings", title="an id that another device may choose too")
    edit(bench, note, title="b")
    assert bench.outbox.lease(500, MANY) == (1, 2, 3, 4)


def test_deleted_and_made_again_is_left_apart(bench: Bench) -> None:
    note = settled_note(bench)
    with bench.store.write() as tx:
        tx.delete(Note, note.id)
    with bench.store.write() as tx:
        tx.insert(Note, id=note.id, title="again")
    assert bench.outbox.lease(500, MANY) == (2, 3)


def test_only_neighbours_and_only_the_same_rows(bench: Bench) -> None:
    one, two = settled_note(bench), settled_note(bench)
    edit(bench, one, title="1")
    edit(bench, two, title="2")
    edit(bench, one, title="3")
    with bench.store.write() as tx:
        tx.update(Note, one.id, title="4")
        tx.update(Note, two.id, title="5")
    assert bench.outbox.lease(500, MANY) == (3, 4, 5, 6)


def test_a_declared_dependency_is_left_apart(bench: Bench) -> None:
    note = settled_note(bench)
    edit(bench, note, title="1")
    first = bench.outbox.entries()[0].id
    with bench.store.write(after=[first]) as tx:
        tx.update(Note, note.id, title="2")
    assert bench.outbox.entries()[1].depends_on == (first,)
    assert bench.outbox.lease(500, MANY) == (2, 3)


def test_a_repeat_after_a_restart_is_the_same_to_the_letter(bench: Bench) -> None:
    note = settled_note(bench)
    for number in range(5):
        edit(bench, note, title=f"t{number}")
    bench.outbox.lease(500, MANY)
    first = bench.outbox.batch()
    edit(bench, note, title="later")
    bench.open()
    assert bench.outbox.in_flight() == (2,)
    assert bench.outbox.batch() == first


def test_a_refused_unit_is_sent_apart_and_one_is_to_blame(bench: Bench) -> None:
    note = settled_note(bench)
    for title in ("a", "bad", "c"):
        edit(bench, note, title=title)
    assert bench.outbox.lease(500, MANY) == (2,)
    with bench.outbox.edit() as (connection, waiting):
        bench.outbox.refuse(waiting, waiting.under_number(2), NO)
        bench.outbox.know_number(connection, 2)
    assert bench.outbox.counts().queued == 3
    assert bench.outbox.lease(500, MANY) == (3, 4, 5), "each alone"
    with bench.outbox.edit() as (connection, waiting):
        refused = waiting.under_number(4)
        bench.outbox.settle(connection, waiting, [Settlement(number=3, version=300)])
        bench.outbox.refuse(waiting, refused, NO)
        bench.outbox.know_number(connection, 4)
    [parked] = bench.outbox.parked()
    assert parked.changes["notes", note.id].new["title"] == "bad"
    assert bench.outbox.lease(500, MANY) == (), "the third stands on the second"
    bench.outbox.amend(parked.id, {("notes", note.id): {"title": "good"}})
    assert bench.outbox.lease(500, MANY) == (5,)
    assert [entry.status for entry in bench.outbox.entries()] == [EntryStatus.LEASED] * 2


@pytest.mark.parametrize("limit", [1, 2])
def test_a_limit_counts_what_is_sent(bench: Bench, limit: int) -> None:
    notes = [settled_note(bench) for _ in range(3)]
    for note in notes:
        for number in range(4):
            edit(bench, note, title=f"t{number}")
    assert len(bench.outbox.lease(limit, MANY)) == limit
    assert bench.outbox.counts().leased == 4 * limit


def test_a_column_that_keeps_its_first_writer_keeps_its_entries(bench: Bench) -> None:
    with bench.store.write() as tx:
        job = tx.insert(Job, title="j")
    settle(bench, *bench.outbox.lease(500, MANY))
    for state in ("doing", "done"):
        with bench.store.write() as tx:
            tx.update(Job, job.id, state=state)
    assert len(bench.outbox.lease(500, MANY)) == 1, "an ordinary column does not"
