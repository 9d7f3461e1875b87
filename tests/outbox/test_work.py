"""The cost of a lease grows with what it sends, not with what waits: entries read are counted, not time."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from bmaddb import errors as e
from bmaddb.device.outbox import Outbox, ParkReason
from bmaddb.device.outbox.parking import AGAIN_MS
from bmaddb.device.store import Store
from bmaddb.entropy import SeededEntropy
from bmaddb.protocol.steps import Settlement
from bmaddb.testing import ManualClock
from tests.outbox.conftest import CATALOG, USER, Bench
from tests.protocol.things import Note

BATCH = 20
MANY = 1_000_000


def fill(bench: Bench, count: int, *, rows: int | None) -> None:
    """`count` entries: each of a row of its own, or all of the same few rows in turn."""
    ids = []
    for number in range(count):
        with bench.store.write() as tx:
            if rows is None or number < rows:
                ids.append(tx.insert(Note, title="t").id)
            else:
                tx.update(Note, ids[number % rows], title=f"t{number}")


def round_trip(bench: Bench) -> int:
    """Lease and settle once; how many entries were read for it."""
    before = bench.outbox._waiting.entries_read
    numbers = bench.outbox.lease(BATCH, MANY)
    bench.outbox.batch()
    with bench.outbox.edit() as (connection, waiting):
        bench.outbox.settle(connection, waiting, [Settlement(number=n, version=n) for n in numbers])
        bench.outbox.know_number(connection, numbers[-1])
    return bench.outbox._waiting.entries_read - before


@pytest.mark.parametrize("rows", [None, 5], ids=["a row each", "five rows"])
def test_a_lease_reads_what_it_sends(bench: Bench, rows: int | None) -> None:
    fill(bench, 1200, rows=rows)
    costs = [round_trip(bench) for _ in range(10)]
    assert max(costs) <= 500 + BATCH + 1, "one page of entries at the most"
    assert sum(costs) <= 1200 + 10


def test_parked_entries_are_read_once(bench: Bench) -> None:
    fill(bench, 400, rows=None)
    with bench.outbox.edit() as (connection, waiting):
        for entry in list(waiting)[:200]:
            bench.outbox.park(connection, waiting, entry, ParkReason(code="x", message="no"))
    first, *later = [round_trip(bench) for _ in range(5)]
    assert first <= 400
    assert sum(later) == 0


def test_what_is_parked_for_a_person_is_not_read_when_others_are_due(bench: Bench) -> None:
    fill(bench, 50, rows=None)
    with bench.outbox.edit() as (connection, waiting):
        entries = list(waiting)
        for entry in entries[:40]:
            bench.outbox.park(connection, waiting, entry, ParkReason(code="x", message="no"))
        bench.outbox.refuse(waiting, [entries[40]], ParkReason(code="y", message="later"), passes=True)
    bench.open()
    bench.outbox.requeue_due()
    assert bench.outbox._waiting.entries_read == 1
    assert bench.outbox.counts().parked == 41
    bench.clock.advance(AGAIN_MS)
    bench.outbox.requeue_due()
    assert bench.outbox.counts().parked == 40


def test_opening_and_counting_read_no_entry(bench: Bench) -> None:
    fill(bench, 50, rows=None)
    bench.open()
    assert bench.outbox.counts().queued == 50
    assert bench.outbox.in_flight() == ()
    assert bench.outbox._waiting.entries_read == 0


def test_a_page_asks_only_for_its_own_rows(bench: Bench) -> None:
    fill(bench, 50, rows=None)
    bench.open()
    with bench.outbox.edit() as (_, waiting):
        ids = waiting.rows_of("notes")
        assert len(ids) == 50
        assert waiting.index.among("notes", [ids[3], "elsewhere"]) == {ids[3]}
        assert waiting.index.among("jobs", [ids[3]]) == frozenset()
        assert waiting.entries_read == 0


def pages_of_a_write(path: Path, join: Callable[[Store], object]) -> float:
    """How many pages a commit of one row writes to the log, on average."""
    commits = 100
    with Store(path, CATALOG, clock=ManualClock(), entropy=SeededEntropy(1), user=USER, durability="normal") as store:
        join(store)
        with store.apply() as connection:
            connection.wal_autocheckpoint(0)
        log = path.with_name(path.name + "-wal")
        before = log.stat().st_size
        for number in range(commits):
            with store.write() as tx:
                tx.insert(Note, title=f"t{number}")
        return (log.stat().st_size - before) / (4096 + 24) / commits


def test_an_entry_costs_one_page_and_now_and_then_a_second(tmp_path: Path) -> None:
    alone = pages_of_a_write(tmp_path / "alone.db", lambda _: None)
    queued = pages_of_a_write(tmp_path / "queued.db", Outbox)
    assert 1 <= queued - alone < 1.5


@pytest.mark.parametrize("status", ["leased", "parked"])
def test_what_is_set_aside_is_found_by_an_index(bench: Bench, status: str) -> None:
    plan = bench.store.sql(
        "explain query plan select position from outbox_operations where status <> 'queued' and status = ?", (status,)
    )
    assert "ix__bmad_outbox__set_aside (status=?)" in plan[0][3]


def cursors() -> int:
    gc.collect()
    return sum(type(item) is apsw.Cursor for item in gc.get_objects())


def test_no_edit_leaves_a_cursor_behind(bench: Bench) -> None:
    """A cursor that is open while another ends is never freed by apsw 3.54, and slows every statement after it."""
    fill(bench, 60, rows=None)
    round_trip(bench)
    before = cursors()
    round_trip(bench)
    bench.outbox.counts()
    assert cursors() == before


def test_a_store_has_one_outbox(bench: Bench) -> None:
    with pytest.raises(e.StoreError, match="has an outbox"):
        Outbox(bench.store)
