"""Giving an entry up takes what cannot live without its rows, and nothing else; what goes leaves a verdict."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.device.outbox import EntryStatus
from bmaddb.modules.sync_status import SyncConflict
from bmaddb.schema import Record
from tests.outbox.conftest import Bench
from tests.outbox.test_leasing import MANY, park, sent, settle, write
from tests.protocol.things import Job, Note, Token


def known(bench: Bench, *records: tuple[type[Record], dict[str, object]]) -> list[str]:
    """Rows that the server has; their ids."""
    with bench.store.write() as tx:
        ids = [tx.insert(record, **values).id for record, values in records]
    [number] = bench.outbox.lease(1, MANY)
    settle(bench.outbox, number)
    return ids


def verdicts(bench: Bench) -> set[tuple[str, str, str | None, str, bool]]:
    return {
        (found.table_name, found.row_id, found.column_name, found.policy, found.needs_attention)
        for found in bench.store.query(SyncConflict).all()
    }


def test_neighbours_of_a_reference_that_is_cut_stay_and_leave(bench: Bench) -> None:
    linked, other = known(bench, (Job, {"title": "linked"}), (Job, {"title": "other"}))
    [bad] = write(bench, "bad")
    with bench.store.write() as tx:
        tx.update(Job, linked, note_id=bad.id)
        tx.update(Job, other, title="a long title typed by hand")
        brand_new = tx.insert(Job, title="brand new", note_id=bad.id)
    given_up = bench.outbox.discard(park(bench, 2))
    assert given_up.rows == (("notes", bad.id),)
    assert set(given_up.cut) == {("jobs", linked, "note_id"), ("jobs", brand_new.id, "note_id")}
    assert bench.store.get(Note, bad.id) is None
    assert [bench.store.get(Job, row_id).note_id for row_id in (linked, brand_new.id)] == [None, None]  # type: ignore[union-attr]
    assert bench.store.get(Job, other).title == "a long title typed by hand"  # type: ignore[union-attr]
    assert bench.outbox.lease(100, MANY) == (3,)
    [body] = sent(bench.outbox)
    assert bad.id not in str(body)
    assert "a long title typed by hand" in str(body)
    assert "brand new" in str(body)
    assert verdicts(bench) == {
        ("notes", bad.id, None, "discarded", False),
        ("jobs", linked, "note_id", "on_delete null", False),
        ("jobs", brand_new.id, "note_id", "on_delete null", False),
    }


def test_what_cascades_goes_row_by_row_with_a_verdict_that_brings_it_back(bench: Bench) -> None:
    with bench.store.write() as tx:
        job = tx.insert(Job, title="bad")
    with bench.store.write() as tx:
        token = tx.insert(Token, name="hangs on the job", job_id=job.id)
        note = tx.insert(Note, title="neighbour")
    with bench.store.write() as tx:
        tx.update(token, name="an hour of typing")
    given_up = bench.outbox.discard(park(bench, 1))
    assert given_up.rows == (("jobs", job.id), ("tokens", token.id))
    assert len(given_up.entries) == 2, "its own, and the one of which nothing was left"
    assert bench.store.get(Token, token.id) is None
    assert bench.store.get(Note, note.id) is not None
    [entry] = bench.outbox.entries()
    assert set(entry.changes) == {("notes", note.id)}
    assert ("tokens", token.id, None, "on_delete cascade", True) in verdicts(bench)
    [kept] = bench.store.query(SyncConflict).where(SyncConflict.table_name == "tokens").all()
    assert kept.local_value is not None
    assert kept.local_value["name"] == "an hour of typing"


def test_a_row_that_the_server_has_goes_back_to_its_parent_there(bench: Bench) -> None:
    job, token = known(bench, (Job, {"title": "good"}), (Token, {"name": "t"}))
    with bench.store.write() as tx:
        tx.update(Token, token, job_id=job)
    settle(bench.outbox, *bench.outbox.lease(1, MANY))
    with bench.store.write() as tx:
        bad = tx.insert(Job, title="bad")
    with bench.store.write() as tx:
        tx.update(Token, token, job_id=bad.id, name="renamed")
    bench.outbox.discard(park(bench, 3))
    found = bench.store.get(Token, token)
    assert found is not None
    assert (found.job_id, found.name) == (job, "renamed")
    [entry] = bench.outbox.entries()
    assert "job_id" not in entry.changes["tokens", token].new
    assert ("tokens", token, "job_id", "on_delete cascade", True) in verdicts(bench)


def test_a_row_that_moved_on_lives_with_its_new_parent(bench: Bench) -> None:
    [good] = known(bench, (Job, {"title": "good"}))
    with bench.store.write() as tx:
        bad = tx.insert(Job, title="bad")
    with bench.store.write() as tx:
        token = tx.insert(Token, name="t", job_id=bad.id)
    with bench.store.write() as tx:
        tx.update(token, job_id=good)
    given_up = bench.outbox.discard(park(bench, 2))
    assert given_up.rows == (("jobs", bad.id),)
    found = bench.store.get(Token, token.id)
    assert found is not None
    assert found.job_id == good
    first, *_ = bench.outbox.entries()
    assert first.changes["tokens", token.id].new["job_id"] == good


def test_a_row_of_the_entry_that_was_deleted_and_made_again_stays(bench: Bench) -> None:
    [bad] = write(bench, "bad")
    entry_id = park(bench, 1)
    with bench.store.write() as tx:
        tx.delete(bad)
    with bench.store.write() as tx:
        tx.insert(Note, id=bad.id, title="again")
    bench.outbox.discard(entry_id)
    found = bench.store.get(Note, bad.id)
    assert found is not None
    assert found.title == "again"
    [entry] = bench.outbox.entries()
    assert str(entry.changes["notes", bad.id].op) == "insert"
    assert verdicts(bench) == set()


def test_asking_what_would_go_changes_nothing(bench: Bench) -> None:
    heard: list[object] = []
    bench.outbox.given_up.append(lambda _, ids: heard.append(ids))
    with bench.store.write() as tx:
        job = tx.insert(Job, title="bad")
    with bench.store.write() as tx:
        token = tx.insert(Token, name="t", job_id=job.id)
    entry_id = park(bench, 1)
    before = bench.outbox.entries()
    asked = bench.outbox.discardable(entry_id)
    assert bench.outbox.entries() == before
    assert bench.store.get(Token, token.id) == token
    assert (verdicts(bench), heard) == (set(), [])
    assert bench.outbox.discard(entry_id) == asked
    assert heard == [asked.entries]


def test_nothing_is_discarded_under_what_is_on_its_way(bench: Bench) -> None:
    [bad] = write(bench, "bad")
    with bench.store.write() as tx:
        tx.insert(Job, title="child", note_id=bad.id)
    entry_id = park(bench, 1)
    with bench.outbox.edit() as (_, waiting):
        child = waiting.at(2)
        assert child is not None
        waiting.restate(replace(child, status=EntryStatus.LEASED, number=7))
    with pytest.raises(e.StoreBusy):
        bench.outbox.discard(entry_id)
    assert bench.store.get(Note, bad.id) is not None


def test_a_parked_insert_and_its_delete_cancel_each_other(bench: Bench) -> None:
    with bench.store.write() as tx:
        bad = tx.insert(Note, title="bad")
        neighbour = tx.insert(Note, title="neighbour")
    with bench.store.write() as tx:
        job = tx.insert(Job, title="child", note_id=bad.id)
    park(bench, 1)
    assert bench.outbox.lease(100, MANY) == ()
    assert bench.outbox.counts().parked == 2
    with bench.store.write() as tx:
        tx.delete(bad)
    numbers = bench.outbox.lease(100, MANY)
    bodies = sent(bench.outbox)
    assert bad.id not in str(bodies)
    assert neighbour.id in str(bodies)
    assert job.id in str(bodies)
    settle(bench.outbox, *numbers)
    assert bench.outbox.counts().total == 0
    assert verdicts(bench) == set()


def test_a_parked_insert_that_is_deleted_takes_its_deleted_children_along(bench: Bench) -> None:
    with bench.store.write() as tx:
        bad = tx.insert(Job, title="bad")
    with bench.store.write() as tx:
        tx.insert(Token, name="t", job_id=bad.id)
    park(bench, 1)
    assert bench.outbox.lease(100, MANY) == ()
    with bench.store.write() as tx:
        tx.delete(bad)
    assert bench.outbox.lease(100, MANY) == ()
    assert bench.outbox.counts().total == 0
    assert verdicts(bench) == set()
