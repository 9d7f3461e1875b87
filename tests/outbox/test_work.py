"""The cost of a lease grows with what it sends, not with what waits: entries read are counted, not time."""

from __future__ import annotations

import pytest

from bmaddb.device.outbox import ParkReason
from bmaddb.protocol.steps import Settlement
from tests.outbox.conftest import Bench
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
