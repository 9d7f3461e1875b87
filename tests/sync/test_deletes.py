"""A delete meets an edit, for every delete rule and every foreign key: all agree, and no verdict tells a story."""

from __future__ import annotations

import itertools
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.modules.tasks_productivity import Task
from tests.sync.desk import Diary, Folder, Sheet, Shelf
from tests.sync.devices import Device, World


def pair(desk: World) -> tuple[Device, Device]:
    here, there = desk.device(), desk.device()
    desk.settle(here, there)
    return here, there


def rows_of(device: Device) -> list[tuple[object, ...]]:
    """(row, whether the verdict says it is there, needs attention) of every verdict about a whole row."""
    return device.store.sql(
        "select row_id, resolved_value is not null, needs_attention from sync_conflicts"
        " where column_name is null order by rowid"
    )


def test_a_sheet_edited_here_goes_with_the_folder_deleted_there(desk: World) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        folder = tx.insert(Folder)
        sheet = tx.insert(Sheet, folder_id=folder.id)
    desk.settle(here, there)
    with there.store.write() as tx:
        tx.delete(folder)
    with here.store.write() as tx:
        tx.update(sheet, title="edited")
    desk.settle(there, here)
    assert here.store.query(Sheet).all() == []
    assert rows_of(here) == [(sheet.id, 0, 1)]
    assert here.store.sql("select local_value ->> 'title' from sync_conflicts") == [("edited",)]
    desk.assert_equal(here, there)


def test_a_sheet_edited_there_goes_with_the_folder_deleted_here(desk: World) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        folder = tx.insert(Folder)
        sheet = tx.insert(Sheet, folder_id=folder.id)
    desk.settle(here, there)
    with there.store.write() as tx:
        tx.update(sheet, title="edited")
    with here.store.write() as tx:
        tx.delete(folder)
    desk.settle(there, here)
    assert here.store.query(Sheet).all() == []
    assert rows_of(here) == [(sheet.id, 0, 1)]
    assert here.store.sql("select remote_value ->> 'title' from sync_conflicts") == [("edited",)]
    desk.settle(there, here)
    desk.assert_equal(here, there)


def test_a_sheet_made_there_goes_with_the_folder_deleted_here(desk: World) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        folder = tx.insert(Folder)
    desk.settle(here, there)
    with there.store.write() as tx:
        tx.insert(Sheet, title="made", folder_id=folder.id)
    with here.store.write() as tx:
        tx.delete(folder)
    desk.settle(there, here)
    desk.settle(there, here)
    assert here.store.query(Sheet).all() == there.store.query(Sheet).all() == []
    desk.assert_equal(here, there)


def test_a_sheet_edited_there_leaves_the_shelf_deleted_here(desk: World) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        shelf = tx.insert(Shelf)
        sheet = tx.insert(Sheet, shelf_id=shelf.id)
    desk.settle(here, there)
    with there.store.write() as tx:
        tx.update(sheet, title="edited")
    with here.store.write() as tx:
        tx.delete(sheet)
        tx.delete(shelf)
    desk.settle(there, here)
    desk.settle(there, here)
    for device in (here, there):
        found = device.store.get(Sheet, sheet.id)
        assert found is not None
        assert (found.title, found.shelf_id) == ("edited", None)
    desk.assert_equal(here, there)


def test_a_branch_edited_here_goes_with_the_root_deleted_there(world: World) -> None:
    """Parent and child lie in one table: the child comes back for its edit, and goes with its parent; one verdict."""
    here, there = pair(world)
    with here.store.write() as tx:
        root = tx.insert(Task, title="root")
        branches = [tx.insert(Task, title=f"branch {number}", parent_task_id=root.id) for number in range(5)]
    world.settle(here, there)
    with there.store.write() as tx:
        tx.delete(root)
    with here.store.write() as tx:
        for branch in branches:
            tx.update(branch, title="edited")
    there.sync()
    report = here.sync()
    assert here.store.query(Task).all() == []
    assert sorted(rows_of(here)) == sorted((branch.id, 0, 1) for branch in branches)
    assert report.conflicts == len(branches)
    world.settle(here, there)
    world.assert_equal(here, there)


def test_rows_no_device_deletes_stay(desk: World) -> None:
    here, there = pair(desk)
    with here.store.write() as tx:
        diary = tx.insert(Diary)
    desk.settle(here, there)
    with pytest.raises(e.ReadOnlyTable), there.store.write() as tx:
        tx.delete(diary)
    desk.assert_equal(here, there)


USERS = (str(uuid.UUID(int=number)) for number in itertools.count(0xDE1E7E))
ACTIONS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["edit", "edit", "delete", "move"]), st.integers(0, 9)), max_size=8
)


def act(device: Device, what: str, place: int) -> None:
    device.clock.advance(1)
    with device.store.write() as tx:
        rows = [*tx.query(Folder).all(), *tx.query(Shelf).all(), *tx.query(Sheet).all()]
        rows.sort(key=lambda row: row.id)
        if not rows:
            return
        row = rows[place % len(rows)]
        if what == "delete":
            tx.delete(row)
        elif what == "edit":
            tx.update(type(row), row.id, title=f"{device.path.stem} {device.clock.now_ms()}")
        elif isinstance(row, Sheet):
            folders = tx.query(Folder).order_by(Folder.id).all()
            tx.update(row, folder_id=folders[place % len(folders)].id if folders else None)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(script=ACTIONS, first=st.integers(0, 1))
def test_no_verdict_says_a_row_is_there_that_is_gone(
    desk: World, script: list[tuple[int, str, int]], first: int
) -> None:
    user = next(USERS)
    devices = [desk.device(user), desk.device(user)]
    try:
        with devices[0].store.write() as tx:
            folders = [tx.insert(Folder) for _ in range(2)]
            shelf = tx.insert(Shelf)
            for folder in folders:
                tx.insert(Sheet, folder_id=folder.id)
                tx.insert(Sheet, shelf_id=shelf.id)
        desk.settle(*devices)
        for number, what, place in script:
            act(devices[number], what, place)
        order = devices if first == 0 else devices[::-1]
        for _ in range(2):
            desk.settle(*order)
        desk.assert_equal(*devices)
        for device in devices:
            said = {row_id: there for row_id, there, _ in rows_of(device)}
            held = {row["id"] for rows in device.rows().values() for row in rows}
            assert {row_id: int(row_id in held) for row_id in said} == said
    finally:
        for device in devices:
            device.close()
            desk.devices.remove(device)
