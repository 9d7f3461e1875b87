"""Lease, repeat, settle, release: numbers are durable before they leave, and never mean two things (S7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.outbox import EntryStatus, Outbox, ParkReason
from bmaddb.entropy import SeededEntropy
from bmaddb.protocol.steps import Settlement
from bmaddb.schema import Record
from bmaddb.testing import PowerDisk
from tests.outbox.conftest import Bench
from tests.protocol.things import Job, Note, Token

MANY = 1_000_000


def sent(outbox: Outbox) -> list[dict[str, Any]]:
    return [json.loads(body) for body in outbox.batch()]


def settle(outbox: Outbox, *numbers: int) -> None:
    """As the server answers when it applied them: version = 100 x number."""
    with outbox.edit() as (connection, waiting):
        outbox.settle(connection, waiting, [Settlement(number=number, version=number * 100) for number in numbers])
        outbox.release(connection, waiting)
        outbox.know_number(connection, numbers[-1])


def write(bench: Bench, *titles: str) -> list[Note]:
    made = []
    for title in titles:
        with bench.store.write() as tx:
            made.append(tx.insert(Note, title=title))
    return made


def seq(bench: Bench, kind: type[Record], row_id: str) -> Any:
    return getattr(bench.store.get(kind, row_id), "server_seq", "no row")


def test_numbers_follow_each_other_and_the_limits_hold(bench: Bench) -> None:
    write(bench, "a", "b", "c", "d")
    assert bench.outbox.lease(3, MANY) == (1, 2, 3)
    settle(bench.outbox, 1, 2, 3)
    assert bench.outbox.lease(3, MANY) == (4,)
    settle(bench.outbox, 4)
    assert bench.outbox.lease(3, MANY) == ()
    assert bench.outbox.counts().total == 0


def test_one_entry_goes_however_large_it_is(bench: Bench) -> None:
    write(bench, "x" * 5_000, "b")
    assert bench.outbox.lease(10, 100) == (1,)


def test_a_repeat_is_the_same_to_the_letter_whatever_happened_since(bench: Bench) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(10, MANY)
    settle(bench.outbox, 1)
    with bench.store.write() as tx:
        tx.update(note, title="b")
    bench.outbox.lease(10, MANY)
    first = bench.outbox.batch()
    with bench.store.write() as tx:
        tx.update(Note, note.id, title="c")
    with bench.store.write() as tx:
        tx.delete(Note, note.id)
    assert bench.outbox.batch() == first
    bench.open()
    assert bench.outbox.in_flight() == (2,)
    assert bench.outbox.batch() == first
    assert sent(bench.outbox)[0]["changes"][0]["update"][0]["base"] == 100


def test_nothing_is_leased_while_entries_are_in_flight(bench: Bench) -> None:
    write(bench, "a", "b")
    bench.outbox.lease(1, MANY)
    with pytest.raises(e.StoreBusy):
        bench.outbox.lease(1, MANY)


def test_numbers_of_entries_that_never_arrived_are_given_again(bench: Bench) -> None:
    write(bench, "a", "b", "c")
    bench.outbox.lease(3, MANY)
    settle(bench.outbox, 1)
    assert [entry.number for entry in bench.outbox.entries()] == [None, None]
    assert bench.outbox.lease(3, MANY) == (2, 3)


def test_the_row_takes_the_version_of_its_entry(bench: Bench) -> None:
    note = write(bench, "a")[0]
    assert seq(bench, Note, note.id) is None
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    assert seq(bench, Note, note.id) == 100
    assert bench.outbox.counts().total == 0, "settling is not a local change"


def test_a_delete_that_waits_learns_the_version_of_the_entry_before_it(bench: Bench) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(1, MANY)
    with bench.store.write() as tx:
        tx.delete(note)
    settle(bench.outbox, 1)
    bench.outbox.lease(1, MANY)
    assert sent(bench.outbox)[0]["changes"][0]["delete"] == [{"id": note.id, "base": 100}]


def test_a_row_made_again_after_a_delete_is_not_taken_for_the_old_one(bench: Bench) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    with bench.store.write() as tx:
        tx.delete(note)
    with bench.store.write() as tx:
        tx.insert(Note, id=note.id, title="again")
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 2)
    assert seq(bench, Note, note.id) is None


@pytest.mark.parametrize("seed", range(12))
def test_under_normal_durability_the_lease_survives_a_power_cut(bench: Bench, seed: int) -> None:
    with PowerDisk(SeededEntropy(seed)) as disk:
        bench.open(durability="normal", vfs=disk.name)
        write(bench, "a", "b", "c")
        assert bench.outbox.lease(2, MANY) == (1, 2)
        first = bench.outbox.batch()
        write(bench, "d")
        disk.cut()
        bench.close()
        disk.power_on()
        bench.open(durability="normal", vfs=disk.name)
        assert bench.outbox.in_flight() == (1, 2)
        assert bench.outbox.batch() == first
        settle(bench.outbox, 1, 2)
        assert bench.outbox.lease(1, MANY) == (3,)


def test_under_normal_durability_other_commits_may_be_lost(bench: Bench) -> None:
    """The twin of the test above: without it, that one would prove nothing."""
    left = set()
    with PowerDisk(SeededEntropy(1)) as disk:
        for _ in range(12):
            bench.open(durability="normal", vfs=disk.name)
            write(bench, "a")
            bench.outbox.lease(1, MANY)
            settle(bench.outbox, *bench.outbox.in_flight())
            write(bench, "b")
            disk.power_on()
            bench.open(durability="normal", vfs=disk.name)
            left.add(bench.outbox.counts().queued)
            for entry in bench.outbox.entries():
                if entry.status is EntryStatus.LEASED:
                    settle(bench.outbox, entry.number or 0)
            if bench.outbox.lease(1, MANY):
                settle(bench.outbox, *bench.outbox.in_flight())
    assert left == {0, 1}


def test_an_update_of_local_columns_alone_is_not_sent(bench: Bench) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    with bench.store.write() as tx:
        tx.execute("update notes set opened = 9 where id = ?", (note.id,))
    assert bench.outbox.lease(1, MANY) == ()
    assert bench.outbox.counts().total == 0


def park(bench: Bench, number: int, code: str = "23514") -> str:
    """Lease everything, have entry `number` refused and the ones before it applied; its id."""
    numbers = bench.outbox.lease(100, MANY)
    with bench.outbox.edit() as (connection, waiting):
        entry = next(entry for entry in waiting.leased() if entry.number == number)
        applied = [Settlement(number=item, version=item * 100) for item in numbers if item < number]
        bench.outbox.settle(connection, waiting, applied)
        bench.outbox.release(connection, waiting)
        bench.outbox.park(connection, waiting, entry, ParkReason(code=code, message="no"))
        bench.outbox.know_number(connection, number)
    return entry.id


def test_the_cone_waits_and_the_rest_goes(bench: Bench) -> None:
    note = write(bench, "bad")[0]
    with bench.store.write() as tx:
        job = tx.insert(Job, title="refers to it", note_id=note.id)
    with bench.store.write() as tx:
        tx.insert(Token, name="refers to that", job_id=job.id)
    with bench.store.write() as tx:
        tx.update(note, title="same row")
    write(bench, "free")
    bad = park(bench, 1)
    assert bench.outbox.lease(100, MANY) == (2,)
    settle(bench.outbox, 2)
    parked = bench.outbox.parked()
    assert len(parked) == 4
    assert [entry.reason.entry for entry in parked[1:] if entry.reason] == [bad, parked[1].id, bad]
    bench.outbox.retry(bad)
    assert bench.outbox.lease(100, MANY) == (3, 4, 5, 6)


def test_retry_and_discard_want_a_parked_entry(bench: Bench) -> None:
    write(bench, "a")
    waiting = bench.outbox.entries()[0].id
    for call in (bench.outbox.retry, bench.outbox.discard):
        with pytest.raises(e.RecordNotFound):
            call(waiting)


def test_discarding_an_insert_takes_what_lives_by_it(bench: Bench) -> None:
    with bench.store.write() as tx:
        job = tx.insert(Job, title="bad")
    with bench.store.write() as tx:
        token = tx.insert(Token, name="t", job_id=job.id)
    free = write(bench, "free")[0]
    bench.outbox.discard(park(bench, 1))
    assert bench.store.get(Job, job.id) is None
    assert bench.store.get(Token, token.id) is None
    assert bench.store.get(Note, free.id) is not None
    assert bench.outbox.lease(100, MANY) == (2,)


def test_discarding_an_update_goes_back_where_nothing_newer_stands(bench: Bench) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    with bench.store.write() as tx:
        tx.update(note, title="bad", body="bad")
    with bench.store.write() as tx:
        tx.update(Note, note.id, title="newer")
    bench.outbox.discard(park(bench, 2))
    found = bench.store.get(Note, note.id)
    assert found is not None
    assert (found.title, found.body) == ("newer", None)
    entry = bench.outbox.entries()[0]
    assert entry.status is EntryStatus.QUEUED
    assert entry.changes["notes", note.id].old["title"] == "a", "it stands on the server's row now"


def test_discarding_an_update_under_a_delete_is_remembered_by_the_delete(bench: Bench) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    with bench.store.write() as tx:
        tx.update(note, title="given up")
    with bench.store.write() as tx:
        tx.delete(Note, note.id)
    bench.outbox.discard(park(bench, 2))
    bench.outbox.discard(park(bench, 3))
    found = bench.store.get(Note, note.id)
    assert found is not None
    assert (found.title, found.updated_at, found.server_seq) == ("a", note.updated_at, 100)


def make_again(bench: Bench, note: Note) -> None:
    with bench.store.write() as tx:
        tx.delete(Note, note.id)
        tx.insert(Note, id=note.id, title="again")


def test_a_row_made_again_in_one_transaction_is_edited(bench: Bench) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    make_again(bench, note)
    assert bench.outbox.lease(1, MANY) == (2,)
    update = sent(bench.outbox)[0]["changes"][0]["update"][0]
    assert (update["base"], update["set"]["title"]) == (100, "again")
    settle(bench.outbox, 2)
    assert seq(bench, Note, note.id) == 200


@pytest.mark.parametrize("deleted", [False, True])
def test_discarding_a_row_made_again_gives_the_version_back(bench: Bench, deleted: bool) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    make_again(bench, note)
    if deleted:
        with bench.store.write() as tx:
            tx.delete(Note, note.id)
    bench.outbox.discard(park(bench, 2))
    if deleted:
        assert bench.outbox.lease(1, MANY) == (3,)
        assert sent(bench.outbox)[0]["changes"][0]["delete"] == [{"id": note.id, "base": 100}]
    else:
        found = bench.store.get(Note, note.id)
        assert found is not None
        assert (found.title, found.server_seq) == ("a", 100)


def test_discarding_a_delete_brings_the_row_back(bench: Bench) -> None:
    with bench.store.write() as tx:
        token = tx.insert(Token, name="t", weight=0.5, secret=b"\x00\x01")
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    with bench.store.write() as tx:
        tx.delete(token)
    bench.outbox.discard(park(bench, 2))
    found = bench.store.get(Token, token.id)
    assert found is not None
    assert (found.name, found.weight, found.secret, found.server_seq) == ("t", 0.5, b"\x00\x01", 100)


def test_discarding_a_delete_under_a_row_made_again(bench: Bench) -> None:
    note = write(bench, "a")[0]
    bench.outbox.lease(1, MANY)
    settle(bench.outbox, 1)
    with bench.store.write() as tx:
        tx.delete(note)
    with bench.store.write() as tx:
        tx.insert(Note, id=note.id, title="again")
    bench.outbox.discard(park(bench, 2))
    assert bench.outbox.lease(1, MANY) == (3,)
    body = sent(bench.outbox)[0]["changes"][0]
    assert body["update"][0]["set"]["title"] == "again"


@pytest.mark.parametrize(("code", "sent_again"), [("23503", True), ("23514", False)])
def test_what_wants_a_parent_is_sent_again_when_this_device_brings_it(
    bench: Bench, code: str, sent_again: bool
) -> None:
    [note] = write(bench, "the parent")
    settle(bench.outbox, *bench.outbox.lease(100, MANY))  # a restored server forgets it again
    with bench.store.write() as tx:
        tx.insert(Job, title="a child", note_id=note.id)
    with bench.store.write() as tx:
        tx.insert(Job, title="of nobody")
    child = park(bench, 2, code)
    assert bench.outbox.lease(100, MANY) == (3,)
    settle(bench.outbox, 3)
    assert [entry.id for entry in bench.outbox.parked()] == [child], "another row is no parent of it"
    with bench.store.write() as tx:
        tx.update(Note, note.id, title="given back")
    numbers = bench.outbox.lease(100, MANY)
    settle(bench.outbox, *numbers)
    assert [entry.id for entry in bench.outbox.parked()] == ([] if sent_again else [child])
