"""Verify finds what was changed behind the capture's back, repairs that alone, and keeps unpushed work."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import apsw
import pytest

from bmaddb.device.sync import Verified, VerifyReport
from tests.postgres.small_catalog import Box, Colour, Setting, Thing
from tests.support.server import USER
from tests.sync.devices import Device, World

OTHER = "00000000-0000-4000-8000-00000000b0b0"
NOT_UNICODE = object()
WHEN = datetime(2024, 2, 29, 12, 30, 15, 123_000, tzinfo=UTC)


def fill(device: Device, things: int = 3) -> tuple[Box, list[Thing]]:
    """A box and things in it, one of every kind of value."""
    with device.store.write() as tx:
        box = tx.insert(Box, title="box", colour_id="red@1")
        made = [
            tx.insert(
                Thing,
                box_id=box.id,
                name=f"thing {number}",
                size=number,
                weight=number / 3,
                broken=bool(number % 2),
                extra={"ключ": [1, 2.5, {"b": None, "aa": "x"}]},
                tags=["a", f"t{number}"],
                seen_at=WHEN,
                picture=bytes([number % 256, 0, 255]),
            )
            for number in range(things)
        ]
    return box, made


def raw(device: Device, sql: str, values: tuple[Any, ...] = ()) -> None:
    """Write to the file as somebody who knows nothing of us: no capture, no checks."""
    connection = apsw.Connection(str(device.path))
    connection.set_busy_timeout(5_000)
    connection.pragma("ignore_check_constraints", True)
    connection.execute(sql, values)
    connection.close()


def verify(device: Device, *, repair: bool = True) -> VerifyReport:
    return device.engine.verify_blocking(repair=repair)


def differing(report: VerifyReport) -> dict[str, tuple[int, int, int]]:
    """Table -> (missing, changed, extra)."""
    return {
        check.table: (len(check.missing), len(check.changed), len(check.extra))
        for check in report.tables
        if check.differing
    }


def test_equal_files_are_equal(both_worlds: World) -> None:
    here, there = both_worlds.device(), both_worlds.device()
    fill(here)
    both_worlds.settle(here, there)
    for device in (here, there):
        report = verify(device)
        assert report.result is Verified.EQUAL, differing(report)
        assert report.rows >= 7
        assert report.requests == 1
        assert (report.file_faults, report.broken_references, report.waiting) == ((), 0, 0)


def test_empty_tables_are_equal(both_worlds: World) -> None:
    device = both_worlds.device()
    report = verify(device)
    assert report.result is Verified.EQUAL
    assert [check.rows for check in report.tables if check.table == "things"] == [0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "thing X"),
        ("name", NOT_UNICODE),
        ("size", 1_000),
        ("weight", math.nextafter(1 / 3, 1)),
        ("weight", None),
        ("broken", 0),
        ("broken", 7),
        ("extra", '{"ключ":[1,2.6,{"b":null,"aa":"x"}]}'),
        ("extra", None),
        ("extra", "not json"),
        ("tags", '["a"]'),
        ("seen_at", 1_709_209_815_124),
        ("picture", b"\x01\x00\xfe"),
        ("picture", b""),
        ("shelf_id", "box-x"),
        ("created_at", 0),
        ("updated_at", 1),
        ("server_seq", 999_999),
        ("server_seq", None),
        ("server_seq", -3),
    ],
)
def test_one_flipped_value_is_found_and_repaired(small_world: World, column: str, value: Any) -> None:
    here = small_world.device()
    _, things = fill(here)
    small_world.settle(here)
    before = here.rows()
    spoil = "cast(x'ff' as text)" if value is NOT_UNICODE else "?1"
    raw(
        here,
        f"update things set {column} = {spoil} where id = ?2",
        (None if value is NOT_UNICODE else value, things[1].id),
    )
    report = verify(here, repair=False)
    assert (report.result, differing(report)) == (Verified.DIFFERS, {"things": (0, 1, 0)})
    report = verify(here)
    assert report.result is Verified.REPAIRED
    assert here.rows() == before
    assert verify(here).result is Verified.EQUAL
    small_world.assert_equal(here)


def test_what_is_overwritten_is_kept_in_the_conflicts(small_world: World) -> None:
    here = small_world.device()
    _, things = fill(here)
    small_world.settle(here)
    raw(here, "update things set name = 'mine' where id = ?", (things[0].id,))
    verify(here)
    kept = here.store.sql("select row_id, policy, local_value, resolved_value, needs_attention from sync_conflicts")
    assert kept == [(things[0].id, "verify", '{"name":"mine"}', '{"name":"thing 0"}', 1)]


def test_a_deleted_row_comes_back_and_a_strange_one_is_sent(small_world: World) -> None:
    here = small_world.device()
    _, things = fill(here)
    small_world.settle(here)
    raw(here, "delete from things where id = ?", (things[0].id,))
    raw(
        here,
        "insert into boxes (id, user_id, created_at, updated_at, title, state) values ('strange', ?, 0, 0, 'x', 'new')",
        (USER,),
    )
    report = verify(here)
    assert report.result is Verified.REPAIRED
    assert differing(report) == {"things": (1, 0, 0), "boxes": (0, 0, 1)}
    assert here.store.get(Thing, things[0].id) is not None
    assert here.store.get(Box, "strange") is not None, "nobody knows that it is not a person's work"
    assert here.verdicts() == []
    small_world.assert_equal(here)


def test_the_catalogue_is_verified_too(small_world: World) -> None:
    here = small_world.device()
    small_world.settle(here)
    raw(here, "update colours set label = '{\"nl\":\"rose\"}' where id = 'red@1'")
    raw(here, "delete from shades")
    report = verify(here)
    assert differing(report) == {"colours": (0, 1, 0), "shades": (1, 0, 0)}
    red = here.store.get(Colour, "red@1")
    assert red is not None
    assert red.label == {"nl": "rood"}
    assert here.verdicts() == []


def test_rows_of_another_user_are_never_in_it(small_world: World) -> None:
    here, stranger = small_world.device(), small_world.device(OTHER)
    fill(here)
    fill(stranger, 20)
    small_world.settle(here, stranger)
    report = verify(here)
    assert report.result is Verified.EQUAL
    assert [check.rows for check in report.tables if check.table == "things"] == [3]
    raw(here, "delete from things")
    assert verify(here).result is Verified.REPAIRED
    assert len(here.store.query(Thing).all()) == 3


def test_unpushed_work_is_left_alone(small_world: World) -> None:
    """A parked edit waits; its row is not compared, its neighbour is repaired."""
    here = small_world.device()
    box, things = fill(here)
    small_world.settle(here)
    with here.store.write() as tx:
        tx.update(things[0], name="mine")
        tx.update(box, colour_id="no such colour")
    report = here.sync()
    assert report.parked == 1
    raw(here, "update things set name = 'spoiled' where id = ?", (things[1].id,))
    checked = verify(here)
    assert (checked.result, checked.waiting) == (Verified.REPAIRED, 2)
    assert [thing.name for thing in here.store.query(Thing).order_by(Thing.size).all()] == [
        "mine",
        "thing 1",
        "thing 2",
    ]
    assert here.outbox.counts().parked == 1


def test_work_written_before_a_verify_is_pushed_by_it(small_world: World) -> None:
    here = small_world.device()
    small_world.settle(here)
    fill(here)
    assert verify(here).result is Verified.EQUAL
    small_world.assert_equal(here)


def test_a_huge_range_is_split_and_repaired_alone(small_world: World) -> None:
    here = small_world.device()
    _, things = fill(here, 2_500)
    small_world.settle(here)
    raw(here, "update things set size = size + 1 where id in (?, ?)", (things[10].id, things[2_400].id))
    raw(here, "delete from things where size between 1000 and 1099")
    report = verify(here)
    assert report.result is Verified.REPAIRED
    assert differing(report) == {"things": (100, 2, 0)}
    small_world.assert_equal(here)


def test_a_range_the_device_has_nothing_of_is_listed_in_pages(small_world: World) -> None:
    here = small_world.device()
    fill(here, 5_200)
    small_world.settle(here)
    raw(here, "delete from things")
    report = verify(here)
    assert report.result is Verified.REPAIRED
    assert differing(report) == {"things": (5_200, 0, 0)}
    small_world.assert_equal(here)


def test_the_server_moves_on_in_the_middle(small_world: World) -> None:
    here, there = small_world.device(), small_world.device()
    _, things = fill(here)
    small_world.settle(here, there)
    raw(here, "delete from things where id = ?", (things[2].id,))
    calls = 0
    original = here.transport.call

    async def call(function: str, body: bytes) -> bytes:
        nonlocal calls
        if function == "bmad_digest_v1" and calls < 3:
            calls += 1
            with small_world.server.database.connect() as connection:
                connection.execute(b"update bmad.things set size = size + 10 where size <> 2")
        return await original(function, body)

    here.transport.call = call  # type: ignore[method-assign]
    report = verify(here)
    assert report.result is Verified.REPAIRED
    assert calls == 3
    small_world.assert_equal(here)


def test_offline_says_nothing(small_world: World) -> None:
    here = small_world.device()
    here.transport.offline = True
    report = verify(here)
    assert (report.result, report.ok) == (Verified.UNKNOWN, False)
    assert report.failure is not None


def test_a_row_that_refers_to_nothing_is_counted(small_world: World) -> None:
    here = small_world.device()
    fill(here)
    small_world.settle(here)
    raw(here, "delete from boxes")
    report = verify(here)
    assert (report.result, report.broken_references) == (Verified.REPAIRED, 3)
    assert verify(here).broken_references == 0


def test_settings_with_a_natural_key(small_world: World) -> None:
    here = small_world.device()
    with here.store.write() as tx:
        tx.insert(Setting, key="k", value="v")
    small_world.settle(here)
    raw(here, "update settings set value = 'w'")
    assert verify(here).result is Verified.REPAIRED
    small_world.assert_equal(here)


@pytest.mark.parametrize("moment", [-62_135_596_800_001, 253_402_300_800_000, 2**63 - 1])
def test_a_moment_no_side_can_show_is_parked_on_the_device(small_world: World, moment: int) -> None:
    here = small_world.device()
    _, things = fill(here)
    small_world.settle(here)
    with here.store.write() as tx:
        tx.execute("update things set seen_at = ? where id = ?", (moment, things[0].id))
    assert here.sync().parked == 1
    [parked] = here.outbox.parked()
    assert parked.reason is not None
    assert "years 1 to 9999" in parked.reason.message
