"""What the tests of upkeep do and look at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bmaddb.device.upkeep import CleanUp, UpkeepPolicy, UpkeepReport, stubs
from bmaddb.schema import Record
from bmaddb.service.upkeep import Upkeep
from tests.sync.devices import Device
from tests.upkeep.shelf import NOTHING_LEFT, YEAR_MS, Letter, Room

Image = dict[str, tuple[Any, ...]]


def old(device: Device) -> dict[str, Any]:
    """The times of a row that is two years old."""
    then = moment(device.store.clock.now_ms() - 2 * YEAR_MS)
    return {"created_at": then, "updated_at": then}


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def letters(device: Device, count: int, *, chain: bool = False, **values: Any) -> tuple[Room, list[Letter]]:
    """An old room with old letters of every kind of value; in a `chain` each answers the one before."""
    with device.store.write() as tx:
        room = tx.insert(Room, title="an old room", **old(device))
        made: list[Letter] = []
        for number in range(count):
            letter = tx.insert(
                Letter,
                room_id=room.id,
                answers_id=made[-1].id if chain and made else None,
                body=f"Dear {number}, it rained all day. \u00e9\u4e2d\U0001f600 " * 20,
                score=number / 3 if number % 2 else None,
                tags=["a", f"t{number}"],
                picture=bytes([number % 256, 0, 255]),
                read=bool(number % 3),
                **{**old(device), **values},
            )
            made.append(letter)
    return room, made


def clean(device: Device, policy: UpkeepPolicy = NOTHING_LEFT) -> UpkeepReport:
    return CleanUp(device.store, device.outbox, policy).run()


def upkeep(device: Device, *, alone: bool = False) -> Upkeep:
    """`db.upkeep` of the device; `alone`: as if there were no server."""
    return Upkeep(device.store, device.outbox, None if alone else device.engine, None)


def image(device: Device, *tables: str) -> Image:
    """Every column of every row of the tables, as SQLite holds it, by table and id."""
    found: Image = {}
    with device.store.read() as connection:
        for name in tables or [table.name for table in device.catalog.device_tables]:
            for row in connection.execute(f'select * from "{name}"'):
                found[f"{name} {row[0]}"] = row
    return found


def archived(device: Device, record: type[Record]) -> list[str]:
    with device.store.read() as connection:
        return stubs.ids_after(connection, record.__table__.name, "", 100_000)


def packed(device: Device) -> int:
    with device.store.read() as connection:
        return sum(count for _, count in stubs.counts(connection).values())


def broken_references(device: Device) -> list[tuple[Any, ...]]:
    with device.store.read() as connection:
        return connection.execute("pragma foreign_key_check").fetchall()


def ids(records: Iterable[Record]) -> list[str]:
    return sorted(record.id for record in records)
