"""What a device stamps is later than all it ever sent, whatever its clock does and whichever process writes."""

from __future__ import annotations

from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.protocol.steps import Settlement
from bmaddb.testing import ManualClock
from tests.outbox.conftest import Bench
from tests.protocol.things import Note

HOUR_MS = 60 * 60 * 1000
MANY = 1_000_000


def written(store: Store, outbox: Outbox, title: str) -> str:
    """The stamp of a write of this title."""
    with store.write() as tx:
        tx.insert(Note, title=title)
    return outbox.entries()[-1].hlc


def settle(outbox: Outbox) -> None:
    """The server has taken all that waits."""
    numbers = outbox.lease(100, MANY)
    with outbox.edit() as (connection, waiting):
        outbox.settle(connection, waiting, [Settlement(number=number, version=number) for number in numbers])
    assert outbox.entries() == ()


def test_a_clock_set_back_before_the_answer_came(bench: Bench) -> None:
    written(bench.store, bench.outbox, "first")
    sent = written(bench.store, bench.outbox, "second")
    bench.clock = ManualClock(bench.clock.now_ms() - HOUR_MS)
    bench.open()
    settle(bench.outbox)
    assert written(bench.store, bench.outbox, "after") > sent


def test_another_process_stamps_later_than_what_this_one_sent(bench: Bench) -> None:
    first, first_outbox = bench.store, bench.outbox
    bench.open(keep=True)
    for earlier_ms in (0, 1_000):
        sent = written(first, first_outbox, "here")
        settle(first_outbox)
        bench.store.clock = ManualClock(bench.clock.now_ms() - earlier_ms)
        assert written(bench.store, bench.outbox, "there") > sent
        settle(bench.outbox)
