"""What leaves its table and what stays; how it comes back; what verify, pulls and deletes make of it."""

from __future__ import annotations

import pytest

from bmaddb import errors as e
from bmaddb.device.sync import Verified
from bmaddb.device.upkeep import CleanUp, Ended, UpkeepPolicy
from tests.sync.devices import Device, World
from tests.upkeep.acts import archived, broken_references, clean, ids, image, letters, moment, old, packed, upkeep
from tests.upkeep.shelf import (
    DAY_MS,
    PACKED,
    YEAR_MS,
    Chore,
    Draft,
    Event,
    Letter,
    Note,
    Permit,
    Reading,
    Room,
    Setting,
    Vector,
)


def test_cold_rows_leave_and_come_back_byte_for_byte(both_shelves: World) -> None:
    device = both_shelves.device()
    room, made = letters(device, 30)
    both_shelves.settle(device)
    before = image(device, "rooms", "letters")
    report = clean(device)
    assert report.ended is Ended.STILL_OVER  # nothing fits in a budget of one byte
    assert archived(device, Letter) == ids(made)
    assert archived(device, Room) == [room.id]
    assert packed(device) == 0
    assert device.store.query(Letter).count() == 0
    assert device.outbox.counts().total == 0, "an archive is no delete"
    verified = device.engine.verify_blocking()
    assert verified.result is Verified.EQUAL
    assert verified.rows == len(before)
    back = upkeep(device).fetch(Letter, [letter.id for letter in made])
    assert [row.id for row in back] == [letter.id for letter in made]
    assert image(device, "rooms", "letters") == before
    assert archived(device, Letter) == archived(device, Room) == []
    assert device.engine.verify_blocking().result is Verified.EQUAL
    both_shelves.assert_equal(device)


def test_packed_rows_come_back_without_a_server(shelf: World) -> None:
    device = shelf.device()
    _, made = letters(device, 250, chain=True)
    shelf.settle(device)
    before = image(device, "rooms", "letters")
    clean(device, PACKED)
    assert packed(device) == 251
    assert device.engine.verify_blocking().result is Verified.EQUAL
    device.transport.offline = True
    upkeep(device, alone=True).fetch(Letter, [made[-1].id])
    assert image(device, "rooms", "letters") == before, "what it answers, and the room, came along"
    assert broken_references(device) == []


def test_offline_it_says_that_it_is_archived(shelf: World) -> None:
    device = shelf.device()
    _, made = letters(device, 3)
    shelf.settle(device)
    clean(device)
    device.transport.offline = True
    with pytest.raises(e.RowArchived, match="no server is reachable"):
        upkeep(device).fetch(Letter, [made[0].id])
    with pytest.raises(e.RowArchived, match="has no server"):
        upkeep(device, alone=True).fetch(Letter, [made[0].id])
    device.transport.offline = False
    with device.store.write(), pytest.raises(e.RowArchived, match="inside a write"):
        upkeep(device).fetch(Letter, [made[0].id])
    with device.store.read(), pytest.raises(e.RowArchived, match="or a snapshot"):
        upkeep(device).fetch(Letter, [made[0].id])
    assert upkeep(device).fetch(Letter, ["nobody", made[0].id])[0].id == made[0].id


def test_what_waits_is_young_or_is_held_stays(shelf: World) -> None:
    device = shelf.device()
    room, made = letters(device, 8, chain=True)
    with device.store.write() as tx:
        tx.insert(Note, letter_id=made[3].id)
    shelf.settle(device)
    with device.store.write() as tx:
        unsent = tx.insert(Letter, room_id=room.id, body="unsent", **old(device))
        tx.execute("update letters set body = 'edited' where id = ?", (made[6].id,))
    with device.store.apply("local") as connection:
        connection.execute("update letters set seen = 1 where id = ?", (made[7].id,))  # only this device knows
    before = image(device)
    clean(device)
    # 7 is known only here and holds, through the chain, all before it; with it released 0..3 are held by the note.
    assert archived(device, Letter) == []
    with device.store.apply("local") as connection:
        connection.execute("update letters set seen = 0 where id = ?", (made[7].id,))
    clean(device)
    assert archived(device, Letter) == [made[7].id]
    shelf.settle(device)
    clean(device)
    assert archived(device, Letter) == ids([*made[4:], unsent])
    assert ids(device.store.query(Letter).all()) == ids(made[:4])
    assert device.store.get(Room, room.id) is not None
    assert broken_references(device) == []
    left = image(device)
    assert {key: left[key] for key in left if key.startswith(("notes", "rooms"))} == {
        key: before[key] for key in before if key.startswith(("notes", "rooms"))
    }


def test_what_is_in_use_stays_however_old_it_is(shelf: World) -> None:
    device = shelf.device()
    now_ms = device.store.clock.now_ms()
    with device.store.write() as tx:
        chores = [tx.insert(Chore, state=state, **old(device)) for state in ("todo", "it's waiting", "done")]
        until = (None, moment(now_ms + YEAR_MS), moment(now_ms - DAY_MS), moment(now_ms - 2 * YEAR_MS))
        permits = [tx.insert(Permit, valid_until=end, **old(device)) for end in until]
    shelf.settle(device)
    clean(device, PACKED)
    assert archived(device, Chore) == [chores[2].id]
    assert archived(device, Permit) == [permits[3].id]
    CleanUp(device.store, device.outbox, UpkeepPolicy(keep_days={"chores": 30, "permits": 30})).run()
    assert archived(device, Chore) == ids(chores), "whoever says how long says it of all"
    assert archived(device, Permit) == [permits[3].id], "but a permit that is valid, or was a day ago, is none of them"


def test_nothing_leaves_before_a_first_sync(shelf: World) -> None:
    device = shelf.device()
    letters(device, 5)
    before = image(device)
    report = clean(device)
    assert image(device) == before
    assert [step.kept for step in report.steps if step.kept]


def test_a_newer_version_takes_the_stubs_place_and_a_delete_removes_it(shelf: World) -> None:
    here, there = shelf.device(), shelf.device()
    _, made = letters(here, 4)
    shelf.settle(here, there)
    clean(here, PACKED)
    with there.store.write() as tx:
        tx.update(Letter, made[0].id, body="edited there")
        tx.delete(Letter, made[1].id)
    shelf.settle(there, here)
    assert [row.body for row in here.store.query(Letter).all()] == ["edited there"]
    assert archived(here, Letter) == ids(made[2:])
    assert packed(here) == 2
    assert here.store.query(Room).count() == 1, "what the letter lies in came back with it"
    assert broken_references(here) == []
    assert here.engine.verify_blocking().result is Verified.EQUAL


def test_a_parent_that_must_come_from_the_server_comes_with_the_next_sync(shelf: World) -> None:
    here, there = shelf.device(), shelf.device()
    _, made = letters(here, 6, chain=True)
    shelf.settle(here, there)
    clean(here)
    with there.store.write() as tx:
        tx.update(Letter, made[4].id, body="edited there")
    shelf.settle(there, here)
    assert ids(here.store.query(Letter).all()) == ids(made[:5]), "and what it answers, and what that answers"
    assert here.store.query(Room).count() == 1
    assert broken_references(here) == []
    assert here.engine.verify_blocking().result is Verified.EQUAL


def test_a_row_made_again_under_its_natural_key_is_merged(shelf: World) -> None:
    device = shelf.device()
    with device.store.write() as tx:
        tx.insert(Setting, key="colour", value="red", **old(device))
    shelf.settle(device)
    clean(device)
    with device.store.write() as tx:
        made = tx.insert(Setting, key="colour", value="blue")
    assert archived(device, Setting) == [made.id]
    assert device.engine.verify_blocking().result in (Verified.EQUAL, Verified.REPAIRED)
    shelf.settle(device)
    assert archived(device, Setting) == []
    shelf.assert_equal(device)


def test_verify_finds_a_stub_that_is_wrong_among_thousands(shelf: World) -> None:
    device = shelf.device()
    with device.store.write() as tx:
        tx.insert_many(Event, [{"name": f"event {number}"} for number in range(2_600)])
        kept = tx.insert(Note, body="stays")
    shelf.settle(device)
    clean(device)
    assert len(archived(device, Event)) == 2_600
    assert device.store.get(Note, kept.id) is not None
    with device.store.apply("local") as connection:
        connection.execute("update _bmad_archived set hash = hash + 1 where id = ?", (archived(device, Event)[1_700],))
    found = device.engine.verify_blocking()
    assert found.result is Verified.REPAIRED
    assert found.differing == 1
    assert device.store.query(Event).count() == 1, "what differed was fetched"
    shelf.settle(device)
    assert device.engine.verify_blocking().result is Verified.EQUAL


def test_local_rows_go_by_age_and_what_was_computed_with_its_source(shelf: World) -> None:
    device = shelf.device()
    _, made = letters(device, 2)
    now_ms = device.store.clock.now_ms()
    with device.store.write() as tx:
        young = tx.insert(Note, body="young")
        tx.insert_many(Reading, [{"id": str(day), "at": moment(now_ms - day * 86_400_000)} for day in range(6)])
        for name, row_id in (("letters", made[0].id), ("notes", young.id), ("notes", "gone")):
            tx.insert(Vector, id=row_id, source_table=name, source_id=row_id, vector=b"v")
    shelf.settle(device)
    clean(device)
    assert ids(device.store.query(Reading).all()) == ["0", "1"]
    assert ids(device.store.query(Vector).all()) == [young.id]


def test_of_drafts_the_newest_stay(shelf: World) -> None:
    device = shelf.device()
    with device.store.write() as tx:
        notes = [tx.insert(Note) for _ in range(2)]
        made = [
            tx.insert(Draft, note_id=note.id, made_at=moment(number), body="d") for note in notes for number in range(5)
        ]
    shelf.settle(device)
    clean(device)
    assert archived(device, Draft) == ids([*made[:3], *made[5:8]])
    assert device.engine.verify_blocking().result is Verified.EQUAL


def test_a_second_run_does_nothing(shelf: World) -> None:
    device = shelf.device()
    letters(device, 20)
    shelf.settle(device)
    clean(device)
    before = image(device), archived(device, Letter)
    assert clean(device).rows == 0
    assert (image(device), archived(device, Letter)) == before


def test_a_row_with_an_open_verdict_stays(shelf: World) -> None:
    device = shelf.device()
    _, made = letters(device, 2)
    shelf.settle(device)
    with device.store.apply("local") as connection:
        connection.execute(
            "insert into sync_conflicts (id, table_name, row_id, policy, resolved_by, needs_attention, detected_at)"
            " values ('v', 'letters', ?, 'LWW', 'rule', 1, 1)",
            (made[0].id,),
        )
    clean(device)
    assert archived(device, Letter) == [made[1].id]
    assert device.store.query(Letter).count() == 1


def restart(device: Device) -> None:
    device.reopen()


def test_stubs_outlive_a_restart(shelf: World) -> None:
    device = shelf.device()
    _, made = letters(device, 5)
    shelf.settle(device)
    clean(device)
    restart(device)
    assert archived(device, Letter) == ids(made)
    assert device.engine.verify_blocking().result is Verified.EQUAL
