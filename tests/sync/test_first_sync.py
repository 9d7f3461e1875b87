"""A first sync as a stream: cut anywhere, beside writers, with deletes, of two users, and without a stream at all."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.device.sync import HttpTransport
from bmaddb.device.sync.bulk import UNINDEXED
from bmaddb.device.sync.transport import NotStreamed
from bmaddb.device.sync.walk import PAGES_AHEAD_MAX
from bmaddb.protocol.messages import PULL_FUNCTION, WALK_CURSOR, WALK_FUNCTION
from bmaddb.protocol.session import STREAM_PAGE_TIMES, Limits
from bmaddb.signals import FirstSyncProgress, PageApplied
from tests.support.server import USER
from tests.sync.account import OTHER, fill
from tests.sync.devices import Device, World

PAGE_ROWS = 40
SMALL = Limits(page_rows=PAGE_ROWS // STREAM_PAGE_TIMES)


class Streaming:
    """A transport that counts what comes by its streams, and can break one after a number of pages."""

    def __init__(self, connect: Callable[[], HttpTransport]) -> None:
        self.connect = connect
        self.inner = connect()
        self.calls: list[str] = []
        self.pages: list[bytes] = []
        self.cut_after: list[int] = []
        self.between: Callable[[int], None] = lambda number: None

    async def call(self, function: str, body: bytes) -> bytes:
        self.calls.append(function)
        return await self.inner.call(function, body)

    async def stream(self, function: str, body: bytes) -> AsyncGenerator[bytes]:
        self.calls.append(function)
        left = self.cut_after.pop(0) if self.cut_after else -1
        async for page in self.inner.stream(function, body):
            if left == 0:
                raise e.TransportError("the stream was cut")
            left -= 1
            self.pages.append(page)
            self.between(len(self.pages))
            yield page

    async def refresh_token(self) -> bool:
        return await self.inner.refresh_token()

    async def close(self) -> None:
        inner, self.inner = self.inner, self.connect()
        await inner.close()


def streaming(world: World, user: str = USER, limits: Limits = SMALL) -> tuple[Device, Streaming]:
    transport = Streaming(lambda: HttpTransport(world.server.url, lambda: world.server.token(user)))
    return world.device(user, limits=limits, wrap=lambda: transport), transport


def whole(world: World) -> tuple[Device, Streaming]:
    """A device whose first sync nobody disturbed."""
    device, transport = streaming(world)
    assert device.sync().ok
    return device, transport


def rows_in(pages: list[bytes]) -> int:
    return sum(page.count(b"],[") + (b'"rows":[[' in page) for page in pages)


def test_one_request_brings_everything(world: World) -> None:
    expected = fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    report = device.sync()
    assert report.ok
    assert transport.calls == [WALK_FUNCTION]
    assert report.requests == 1
    assert report.expected_rows == report.pulled_rows >= expected
    world.assert_equal(device)


def test_a_page_has_at_most_so_many_rows_and_bytes(world: World) -> None:
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    assert device.sync().ok
    assert max(page.count(b'"],[') + 1 for page in transport.pages) <= PAGE_ROWS
    tight, narrow = streaming(world, limits=Limits(page_rows=5_000, page_bytes=2_000))
    assert tight.sync().ok
    assert len(narrow.pages) > len(transport.pages)
    largest = max(rows_in([page]) for page in narrow.pages)
    assert all(len(page) < 6_000 or rows_in([page]) == 1 for page in narrow.pages), largest
    world.assert_equal(device, tight)


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_cut_anywhere_goes_on_where_it_was(world: World, seed: int) -> None:
    fill(world, tasks=130, entries=70)
    chance = random.Random(seed)
    device, transport = streaming(world)
    transport.cut_after = [chance.randrange(1, 8) for _ in range(5)]
    reports = [device.sync() for _ in range(3)]
    assert reports[-1].ok
    world.assert_equal(device)
    _, plain = whole(world)
    assert rows_in(transport.pages) == rows_in(plain.pages), "no finished page comes twice"


def test_a_cut_device_goes_on_after_a_restart(world: World) -> None:
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    transport.cut_after = [3, 0, 0, 0]
    assert not device.sync().ok
    held = device.store.sql("select cursor from sync_cursors")
    assert str(held[0][0]).startswith(WALK_CURSOR)
    device.reopen()
    transport.cut_after = []
    assert device.sync().ok
    _, plain = whole(world)
    assert rows_in(transport.pages) == rows_in(plain.pages), "no finished page comes twice"
    world.assert_equal(device)


def test_what_changes_and_goes_meanwhile_is_not_lost(world: World) -> None:
    fill(world, tasks=130, entries=70)

    def disturb(number: int) -> None:
        with world.server.database.connect() as connection:
            connection.execute("update bmad.tasks set title = title || '!' where id like %s", (f"task-%{number % 10}",))
            connection.execute("delete from bmad.tasks where id like %s", (f"task-%{number % 10}3",))
            connection.execute("delete from bmad.journal_entries where id = %s", (f"entry-{number}",))

    device, transport = streaming(world)
    transport.between = disturb
    transport.cut_after = [2, 2, 2]
    for _ in range(3):
        report = device.sync()
    assert report.ok
    assert PULL_FUNCTION in transport.calls, "what changed meanwhile comes by the ordinary pull"
    world.assert_equal(device)


def test_nothing_of_another_user_is_in_the_stream(world: World) -> None:
    fill(world, tasks=20, entries=10)
    fill(world, tasks=20, entries=10, user=OTHER, mark="secret of another")
    device, transport = streaming(world)
    assert device.sync().ok
    assert b"secret of another" not in b"".join(transport.pages)
    world.assert_equal(device)
    other, theirs = streaming(world, OTHER)
    assert other.sync().ok
    assert b"secret of another" in b"".join(theirs.pages)
    world.assert_equal(other)


def test_a_server_without_streams_is_pulled_page_by_page(world: World) -> None:
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)

    async def none(function: str, body: bytes) -> AsyncGenerator[bytes]:
        for _ in range(1):
            raise NotStreamed("no stream")
        yield b""

    transport.stream = none  # type: ignore[method-assign]
    report = device.sync()
    assert report.ok
    assert set(transport.calls) == {PULL_FUNCTION}
    world.assert_equal(device)


def test_a_walk_begun_by_a_stream_ends_without_one(world: World) -> None:
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    transport.cut_after = [3, 0, 0]
    assert not device.sync().ok
    device.wrap = None
    device.reopen()
    assert device.sync().ok
    world.assert_equal(device)


def test_tables_come_in_order_of_priority_and_are_of_use_before_the_end(world: World) -> None:
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    seen: list[tuple[str, int, int]] = []

    def look(fact: FirstSyncProgress) -> None:
        done = device.store.sql("select count(*) from tasks")
        seen.append((fact.table, fact.rows, int(done[0][0])))
        assert fact.rows <= fact.expected
        assert fact.total_rows <= fact.total_expected

    device.store.signals.listen(FirstSyncProgress, look)
    assert device.sync().ok
    order = list(dict.fromkeys(table for table, _, _ in seen))
    assert order.index("users") < order.index("tasks") < order.index("feature_usage_daily")
    assert all(held == 130 for table, _, held in seen if table == "feature_usage_daily")
    assert [rows for table, rows, _ in seen if table == "tasks"] == [40, 80, 120, 130]
    assert transport.calls == [WALK_FUNCTION]


def test_indexes_are_built_at_the_end_and_after_a_crash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bmaddb.device.sync.bulk.ROWS_MIN", 50)
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    wanted = indexes_of(device)
    transport.cut_after = [next_page_of(world, "tasks") + 1, 0, 0]
    assert not device.sync().ok
    assert indexes_of(device) != wanted
    assert "tasks" in str(device.store.meta_get(UNINDEXED))
    device.reopen()
    transport.cut_after = []
    assert device.sync().ok
    assert indexes_of(device) == wanted
    assert device.store.meta_get(UNINDEXED) == "[]"
    world.assert_equal(device)


def indexes_of(device: Device) -> set[str]:
    rows = device.store.sql("select name from sqlite_schema where type = 'index' and sql is not null")
    return {str(row[0]) for row in rows}


def next_page_of(world: World, table: str) -> int:
    """How many pages come before the first of `table`."""
    probe, transport = streaming(world)
    assert probe.sync().ok
    return next(place for place, page in enumerate(transport.pages) if f'"table":"{table}"'.encode() in page)


def test_a_token_that_ends_in_the_middle_is_renewed(world: World) -> None:
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    asked: list[int] = []
    tokens = iter([world.server.token(expires_in_s=-20), world.server.token(), world.server.token()])

    def give() -> str:
        asked.append(1)
        return next(tokens)

    transport.inner = HttpTransport(world.server.url, give)
    assert device.sync().ok
    world.assert_equal(device)


def test_a_device_that_holds_rows_already_keeps_what_waits(world: World, tmp_path: Path) -> None:
    fill(world, tasks=30, entries=0)
    device, _ = streaming(world)
    assert device.sync().ok
    with device.store.write() as tx:
        tx.update(world.catalog.records["tasks"], "task-7", title="mine")
    with world.server.database.connect() as connection:
        connection.execute("select bmad_sync.after_restore()")
    report = device.sync()
    assert report.ok
    assert report.resynced
    world.assert_equal(device)
    found = device.store.sql("select title from tasks where id = 'task-7'")
    assert found == [("mine",)]


def test_only_a_few_pages_wait_while_one_is_written(world: World) -> None:
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world, limits=Limits(page_rows=1))
    applied: list[PageApplied] = []
    waiting: list[int] = []
    device.store.signals.listen(PageApplied, applied.append)
    transport.between = lambda number: waiting.append(number - len(applied))
    assert device.sync().ok
    assert len(transport.pages) > 40
    assert max(waiting) <= PAGES_AHEAD_MAX + 2, "one being written, one in the hand of the reader"
