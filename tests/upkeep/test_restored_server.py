"""A server that was restored, or is read from the beginning: what becomes of archived rows."""

from __future__ import annotations

from bmaddb.device.sync import Verified
from tests.sync.devices import Device, World
from tests.upkeep.acts import archived, clean, ids, image, letters, packed
from tests.upkeep.shelf import PACKED, Letter, Note, Room
from tests.verify.test_restore import backup_of, settle


def read_again(device: Device) -> None:
    """As after a salvage, or under a newer schema."""
    with device.store.read() as connection:
        [(cursor,)] = connection.execute("select cursor from sync_cursors where id = 'native'")
    assert cursor is not None
    with device.store.apply("local") as connection:
        connection.execute("update sync_cursors set cursor = 'nobody can read this'")


def test_a_resync_brings_archived_rows_and_ends_equal(shelf: World) -> None:
    device = shelf.device()
    letters(device, 12)
    shelf.settle(device)
    before = image(device, "letters", "rooms")
    clean(device)
    read_again(device)
    shelf.settle(device)
    assert archived(device, Letter) == archived(device, Room) == []
    after = image(device, "letters", "rooms")
    assert {key: row[:4] for key, row in after.items()} == {key: row[:4] for key, row in before.items()}
    shelf.assert_equal(device)
    assert device.engine.verify_blocking().result is Verified.EQUAL


def test_what_was_deleted_meanwhile_leaves_no_stub_behind(shelf: World) -> None:
    here, there = shelf.device(), shelf.device()
    _, made = letters(here, 4)
    shelf.settle(here, there)
    clean(here, PACKED)
    with there.store.write() as tx:
        tx.delete(Letter, made[0].id)
    shelf.settle(there)
    read_again(here)
    shelf.settle(here)
    assert ids(here.store.query(Letter).all()) == ids(made[1:])
    assert archived(here, Letter) == []
    assert here.engine.verify_blocking().result is Verified.EQUAL


def test_packed_rows_that_a_restored_server_lost_are_given_back(shelf: World) -> None:
    device = shelf.device()
    with device.store.write() as tx:
        tx.insert(Note, body="in the backup")
    settle(shelf, device)
    with backup_of(shelf) as backup:
        _, made = letters(device, 6, chain=True)
        settle(shelf, device)
        clean(device, PACKED)
        assert packed(device) == 7
        backup.restore(announced=True)
        settle(shelf, device)
        assert ids(device.store.query(Letter).all()) == ids(made)
        shelf.assert_equal(device)
        assert device.engine.verify_blocking().ok


def test_evicted_rows_that_a_restored_server_lost_are_named(shelf: World) -> None:
    device = shelf.device()
    with device.store.write() as tx:
        tx.insert(Note, body="in the backup")
    settle(shelf, device)
    with backup_of(shelf) as backup:
        room, made = letters(device, 2)
        settle(shelf, device)
        clean(device)
        backup.restore(announced=True)
        settle(shelf, device)
        told = device.store.sql("select table_name, row_id, policy, needs_attention from sync_conflicts order by 2")
        assert sorted(told) == sorted(
            [("rooms", room.id, "archived_lost", 1), *(("letters", letter.id, "archived_lost", 1) for letter in made)]
        )
        assert archived(device, Letter) == []
        assert device.engine.verify_blocking().ok


def test_an_unannounced_restore_is_found_by_verify(shelf: World) -> None:
    device, other = shelf.device(), shelf.device()
    with device.store.write() as tx:
        tx.insert(Note, body="in the backup")
    settle(shelf, device, other)
    with backup_of(shelf) as backup:
        _, made = letters(device, 3)
        settle(shelf, device)
        clean(device, PACKED)
        backup.restore(announced=False)
        with other.store.write() as tx:
            tx.insert(Note, body="after the restore")
        settle(shelf, other, device)
        device.engine.verify_blocking()
        settle(shelf, device)
        assert ids(device.store.query(Letter).all()) == ids(made) or archived(device, Letter) == []
        assert device.engine.verify_blocking().ok
        shelf.assert_equal(device)


def test_an_edit_that_the_server_lost_is_given_back_out_of_a_packed_row(shelf: World) -> None:
    device = shelf.device()
    _, [letter] = letters(device, 1)
    settle(shelf, device)
    with backup_of(shelf) as backup:
        with device.store.write() as tx:
            tx.execute("update letters set body = 'edited' where id = ?", (letter.id,))
        settle(shelf, device)
        clean(device, PACKED)
        assert archived(device, Letter) == [letter.id]
        backup.restore(announced=True)
        settle(shelf, device)
        [found] = device.store.query(Letter).all()
        assert found.body == "edited"
        shelf.assert_equal(device)
