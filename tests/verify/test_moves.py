"""What leaves a user's sight arrives as deleted, what comes into it arrives whole, however old (S3, S5)."""

from __future__ import annotations

import pytest

from tests.postgres.small_catalog import Box, Colour, Invoice, Thing
from tests.support.server import USER
from tests.sync.devices import Device, World
from tests.verify.test_repair import OTHER, differing, fill, verify


def give(world: World, user: str, *tables: str) -> None:
    """What an operator does who moves every row of these tables to `user`, in one transaction of plain SQL."""
    statements = "; ".join(f"update bmad.{table} set user_id = '{user}'" for table in tables)
    world.server.database.run(f"begin; {statements}; commit")


def names(device: Device) -> list[str]:
    return sorted(thing.name for thing in device.store.query(Thing).all())


def check(world: World, *devices: Device) -> None:
    world.assert_equal(*devices)
    for device in devices:
        assert differing(verify(device, repair=False)) == {}


def test_an_operator_moves_rows_to_another_user(small_world: World) -> None:
    here, there = small_world.device(), small_world.device(OTHER)
    fill(here)
    fill(there)
    small_world.settle(here, there)
    for _ in range(10):  # the other user is long past the versions these rows have
        small_world.server.database.run(f"update bmad.things set size = size + 1 where user_id = '{OTHER}'")
    small_world.settle(there)
    give(small_world, OTHER, "boxes", "things")
    small_world.settle(here, there)
    assert names(here) == []
    assert len(names(there)) == 6
    check(small_world, here, there)


def test_a_row_that_went_and_came_back_between_two_pulls(small_world: World) -> None:
    here, there = small_world.device(), small_world.device(OTHER)
    fill(here)
    small_world.settle(here, there)
    before = here.rows()["things"]
    give(small_world, OTHER, "boxes", "things")
    give(small_world, USER, "boxes", "things")
    small_world.settle(here, there)
    assert [row["id"] for row in here.rows()["things"]] == [row["id"] for row in before]
    assert names(there) == []
    check(small_world, here, there)


def test_a_row_that_went_away_with_an_edit_waiting_for_it(small_world: World) -> None:
    """Things: an edit beats a delete, so the device makes the row again under its own user. Boxes: it does not."""
    here, there = small_world.device(), small_world.device(OTHER)
    box, things = fill(here)
    small_world.settle(here, there)
    with here.store.write() as tx:
        tx.update(box, title="mine")
    with here.store.write() as tx:
        tx.update(things[0], name="mine")
    give(small_world, OTHER, "boxes", "things")
    here.sync()
    small_world.settle(here, there)
    assert here.store.query(Box).all() == []
    assert names(there) == ["thing 0", "thing 1", "thing 2"]
    kept = here.store.sql("select distinct table_name from sync_conflicts order by 1")
    assert kept == [("boxes",), ("things",)], "what was lost can be read"
    check(small_world, here, there)


def test_a_row_that_came_back_with_an_edit_waiting_for_it(small_world: World) -> None:
    here, there = small_world.device(), small_world.device(OTHER)
    _, things = fill(here)
    small_world.settle(here, there)
    with here.store.write() as tx:
        tx.update(things[0], name="mine")
    give(small_world, OTHER, "boxes", "things")
    there.sync()
    give(small_world, USER, "boxes", "things")
    small_world.settle(here, there)
    assert names(here) == ["mine", "thing 1", "thing 2"]
    assert names(there) == []
    check(small_world, here, there)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from bmad.things",
        "delete from bmad.boxes",
        "delete from bmad.things where user_id = '{user}'; delete from bmad.boxes where user_id = '{user}'",
    ],
)
def test_what_a_dashboard_a_cascade_or_an_erasure_deletes_arrives_as_deleted(
    small_world: World, statement: str
) -> None:
    here, there = small_world.device(), small_world.device()
    fill(here)
    small_world.settle(here, there)
    small_world.server.database.run(statement.format(user=USER))
    small_world.settle(here, there)
    assert names(here) == names(there) == []
    check(small_world, here, there)


def test_old_rows_that_come_into_sight_arrive_whole(small_world: World) -> None:
    """A row the server alone writes, and a catalogue row, made long before the device's cursor."""
    here = small_world.device()
    database = small_world.server.database
    database.run(f"insert into bmad.invoices (user_id, id, amount) values ('{OTHER}', 'old', 7)")
    for _ in range(5):
        fill(here)
        small_world.settle(here)
    database.run(f"update bmad.invoices set user_id = '{USER}'")
    database.run("update bmad.colours set retired_at = null, code = 'renamed' where id = 'blue@1'")
    small_world.settle(here)
    assert [invoice.amount for invoice in here.store.query(Invoice).all()] == [7]
    blue = here.store.get(Colour, "blue@1")
    assert blue is not None
    assert blue.code == "renamed"
    check(small_world, here)
