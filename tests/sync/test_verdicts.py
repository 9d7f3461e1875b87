"""A person overturns a verdict: an ordinary write that reaches the other device, and a row that comes back."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.sync import overturn
from bmaddb.modules.sync_status import SyncConflict
from bmaddb.testing import Fault
from tests.sync.desk import Folder, Sheet, Shelf
from tests.sync.devices import Device, World


def pair(desk: World) -> tuple[Device, Device]:
    here, there = desk.device(), desk.device()
    desk.settle(here, there)
    return here, there


def edit(device: Device, sheet: Sheet, **values: Any) -> None:
    device.clock.advance(1000)
    with device.store.write() as tx:
        tx.update(sheet, **values)


def remove(device: Device, row: Sheet | Folder | Shelf) -> None:
    device.clock.advance(1000)
    with device.store.write() as tx:
        tx.delete(row)


def verdict(device: Device) -> SyncConflict:
    [found] = device.store.query(SyncConflict).all()
    return found


def disputed(desk: World, base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]) -> Any:
    """(here, there, sheet): both edited it, there a second later; the verdict is here."""
    here, there = pair(desk)
    with here.store.write() as tx:
        sheet = tx.insert(Sheet, **base)
    desk.settle(here, there)
    edit(here, sheet, **mine)
    edit(there, sheet, **theirs)
    desk.settle(there, here)
    return here, there, sheet


@pytest.mark.parametrize("first", [0, 1], ids=["here syncs first", "there syncs first"])
def test_the_lost_value_stands_on_every_device(desk: World, first: int) -> None:
    here, there, sheet = disputed(desk, {"title": "a"}, {"title": "mine"}, {"title": "theirs"})
    assert verdict(here).resolved_value == "theirs"
    desk.clock.advance(1000)
    after = overturn(here.store, verdict(here).id, choose="mine")
    assert (after.resolved_by, after.resolved_value, after.needs_attention) == ("user", "mine", False)
    assert here.outbox.counts().queued == 1
    desk.settle(*((here, there) if first == 0 else (there, here)))
    desk.settle(there, here)
    for device in (here, there):
        found = device.store.get(Sheet, sheet.id)
        assert found is not None
        assert found.title == "mine"
    desk.assert_equal(here, there)
    assert verdict(here) == after


def test_an_overturned_verdict_is_newer_than_what_was_written_before_it(desk: World) -> None:
    here, there, sheet = disputed(desk, {"title": "a"}, {"title": "mine"}, {"title": "theirs"})
    edit(there, sheet, title="theirs again")
    desk.clock.advance(1000)
    overturn(here.store, verdict(here).id, choose="mine")
    desk.settle(there, here)
    found = there.store.get(Sheet, sheet.id)
    assert found is not None
    assert found.title == "mine"


def test_a_person_may_write_a_value_of_their_own(desk: World) -> None:
    here, there, sheet = disputed(desk, {"words": "red"}, {"words": "white"}, {"words": "blue"})
    assert verdict(here).needs_attention
    overturn(here.store, verdict(here).id, value="white and blue")
    desk.settle(here, there)
    found = there.store.get(Sheet, sheet.id)
    assert found is not None
    assert found.words == "white and blue"
    assert not verdict(here).needs_attention


def test_choosing_what_stands_writes_nothing_and_closes_the_verdict(desk: World) -> None:
    here, there, _ = disputed(desk, {"words": "red"}, {"words": "white"}, {"words": "blue"})
    overturn(here.store, verdict(here).id, choose="theirs")
    assert (verdict(here).resolved_by, verdict(here).needs_attention) == ("user", False)
    assert here.outbox.counts().total == 0
    desk.assert_equal(here, there)


def test_a_person_may_change_their_mind(desk: World) -> None:
    here, there, _ = disputed(desk, {"members": []}, {"members": ["a"]}, {"members": ["b"]})
    for choose in ("mine", "theirs", "mine"):
        overturn(here.store, verdict(here).id, choose=choose)
    desk.settle(here, there)
    assert [sheet.members for sheet in there.store.query(Sheet).all()] == [["a"]]


@pytest.mark.parametrize("kept_waiting", [True, False])
def test_a_row_that_was_deleted_comes_back_with_its_id(desk: World, kept_waiting: bool) -> None:
    """The folder was edited here and deleted there; the delete won."""
    here, there = pair(desk)
    with here.store.write() as tx:
        folder = tx.insert(Folder, title="a")
    desk.settle(here, there)
    remove(there, folder)
    here.clock.advance(1000)
    with here.store.write() as tx:
        tx.update(folder, title="edited")
    there.sync()
    here.sync()
    assert here.store.query(Folder).all() == []
    assert (verdict(here).column_name, verdict(here).needs_attention) == (None, True)
    if not kept_waiting:
        desk.settle(here, there)
    overturn(here.store, verdict(here).id, choose="mine")
    desk.settle(here, there)
    found = there.store.get(Folder, folder.id)
    assert found is not None
    assert (found.title, found.created_at) == ("edited", folder.created_at)
    desk.assert_equal(here, there)


@pytest.mark.parametrize("synced", [True, False])
def test_a_row_deleted_here_that_was_edited_there_comes_back(desk: World, synced: bool) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        folder = tx.insert(Folder, title="a")
    desk.settle(here, there)
    there.clock.advance(1000)
    with there.store.write() as tx:
        tx.update(folder, title="edited")
    there.sync()
    remove(here, folder)
    if synced:
        desk.settle(here, there)
    else:
        here.transport.plan(Fault.NONE, Fault.LOST_REQUEST, Fault.LOST_REQUEST, Fault.LOST_REQUEST)
        here.sync()
        here.transport.plan()
    overturn(here.store, verdict(here).id, choose="theirs")
    desk.settle(here, there)
    found = there.store.get(Folder, folder.id)
    assert found is not None
    assert found.title == "edited"
    desk.assert_equal(here, there)


def test_a_row_that_an_edit_brought_back_can_be_deleted_after_all(desk: World) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        sheet = tx.insert(Sheet)
    desk.settle(here, there)
    remove(there, sheet)
    edit(here, sheet, title="edited")
    desk.settle(there, here)
    assert len(there.store.query(Sheet).all()) == 1
    overturn(here.store, verdict(here).id, choose="mine")
    assert here.outbox.counts().total == 0, "the edit stands already"
    overturn(here.store, verdict(here).id, choose="theirs")
    desk.settle(here, there)
    assert there.store.query(Sheet).all() == []
    desk.assert_equal(here, there)


def test_a_row_does_not_come_back_without_its_parent(desk: World) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        folder, shelf = tx.insert(Folder), tx.insert(Shelf)
        sheet = tx.insert(Sheet, folder_id=folder.id, shelf_id=shelf.id, entries={"a": [1, None]}, total=7)
    desk.settle(here, there)
    remove(there, folder)
    remove(there, shelf)
    edit(here, sheet, title="edited", words="é\n")
    desk.settle(there, here)
    [lost] = here.store.query(SyncConflict).where(SyncConflict.table_name == "sheets").all()
    with pytest.raises(e.RecordInvalid, match="names a row of folders that is gone"):
        overturn(here.store, lost.id, choose="mine")
    assert here.outbox.counts().total == 0
    assert here.store.get(SyncConflict, lost.id) == lost, "nothing of it happened"
    with here.store.write() as tx:
        tx.insert(Folder, id=folder.id)
    overturn(here.store, lost.id, choose="mine")
    desk.settle(here, there)
    found = there.store.get(Sheet, sheet.id)
    assert found is not None
    assert (found.title, found.words, found.entries, found.total) == ("edited", "é\n", {"a": [1, None]}, 7)
    assert found.shelf_id is None, "a reference that may be null is let go"
    desk.assert_equal(here, there)


def test_what_cannot_be_done_is_said(desk: World) -> None:
    here, there, sheet = disputed(
        desk, {}, {"title": "mine", "counter": {"d": [1, "s"]}}, {"title": "theirs", "counter": {"e": [1, "s"]}}
    )
    by_column = {found.column_name: found.id for found in here.store.query(SyncConflict).all()}
    with pytest.raises(e.RecordNotFound, match="no conflict has the id"):
        overturn(here.store, "nobody", choose="mine")
    with pytest.raises(e.RecordInvalid, match="is a counter"):
        overturn(here.store, by_column["counter"], choose="mine")
    with pytest.raises(e.RecordInvalid, match="expected text"):
        overturn(here.store, by_column["title"], value=7)
    for wrong in ({}, {"choose": "mine", "value": "x"}, {"choose": "ours"}):
        with pytest.raises(e.RecordInvalid, match="choose 'mine' or 'theirs', or give a value"):
            overturn(here.store, by_column["title"], **wrong)  # type: ignore[arg-type]
    remove(here, sheet)
    with pytest.raises(e.RecordNotFound, match="has no row"):
        overturn(here.store, by_column["title"], choose="mine")
    desk.settle(here, there)
    desk.assert_equal(here, there)


def test_a_verdict_about_a_row_takes_no_value(desk: World) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        sheet = tx.insert(Sheet)
    desk.settle(here, there)
    remove(there, sheet)
    edit(here, sheet, title="edited")
    desk.settle(there, here)
    with pytest.raises(e.RecordInvalid, match="about a whole row"):
        overturn(here.store, verdict(here).id, value={"title": "x"})


def test_what_never_changes_stays(desk: World) -> None:
    """Two devices insert one id: the column is the server's, and no person changes it."""
    here, there = pair(desk)
    for device, made in ((here, "here"), (there, "there")):
        with device.store.write() as tx:
            tx.insert(Sheet, id="one", made=made)
    desk.settle(there, here)
    with pytest.raises(e.RecordInvalid, match="never changes"):
        overturn(here.store, verdict(here).id, choose="mine")
    overturn(here.store, verdict(here).id, choose="theirs")
    assert not verdict(here).needs_attention


def test_what_is_set_at_insert_cannot_be_overturned(desk: World) -> None:
    """Both devices made the row: what reached the server first stands, and no verdict of a person changes it."""
    here, there = pair(desk)
    for device, made in ((here, "here"), (there, "x")):
        with device.store.write() as tx:
            tx.insert(Sheet, id="same", made=made)
    desk.settle(there, here)
    found = verdict(here)
    assert (found.column_name, found.local_value, found.remote_value) == ("made", "here", "x")
    with pytest.raises(e.RecordInvalid, match=r"sheets\.made is set at insert and never changes"):
        overturn(here.store, found.id, choose="mine")
    desk.settle(here, there)
    desk.assert_equal(here, there)
    assert verdict(here) == found
    assert not overturn(here.store, found.id, choose="theirs").needs_attention
