"""Wires that break at any byte, in any way: every sync ends, and when they are whole both sides are equal."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from bmaddb.device.sync import HttpTransport, http_transport
from bmaddb.protocol.session import Limits
from bmaddb.testing.proxy import CuttingProxy, Wire
from tests.protocol.things import Job, Note
from tests.sync.devices import Device, World

ROUNDS = 40
BYTES_MAX = 2_500
PATIENCE_S = 0.5


@pytest.fixture
def proxy(world: World) -> Iterator[CuttingProxy]:
    with CuttingProxy(int(world.server.url.rsplit(":", 1)[1])) as running:
        yield running


def behind(world: World, proxy: CuttingProxy) -> Device:
    limits = Limits(page_rows=8, batch_entries=3, attempts=2)
    token = world.server.token()
    return world.device(limits=limits, connect=lambda: HttpTransport(proxy.url, token))


@pytest.mark.parametrize("seed", [1])
def test_a_wire_that_breaks_at_any_byte(
    world: World, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(http_transport, "READ_TIMEOUT_S", PATIENCE_S)
    chance = random.Random(seed)
    here, there = behind(world, proxy), world.device()
    written = 0
    for _ in range(ROUNDS):
        for _ in range(chance.randint(0, 4)):
            with here.store.write() as tx:
                note = tx.insert(Note, title=f"{written}", body="b" * chance.randint(0, 600))
                tx.insert(Job, title=f"{written}", note_id=note.id)
            written += 1
        if chance.random() < 0.4:
            with there.store.write() as tx:
                tx.insert(Note, title=f"there {written}")
            there.sync()
        wires = [Wire.CUT, Wire.RESET, Wire.DRIP, Wire.CUT, Wire.RESET, Wire.HALF_CLOSE]
        wire = Wire.STALL if chance.random() < 0.05 else chance.choice(wires)
        proxy.break_next(wire, chance.randint(0, BYTES_MAX), answers=chance.random() < 0.6)
        here.sync()
        proxy.release()
    assert proxy.cuts_done > ROUNDS // 3
    proxy.mend()
    world.settle(here, there)
    world.assert_equal(here, there)
    found = [int(note.title) for note in there.store.query(Note).all() if note.title.isdigit()]
    assert sorted(found) == list(range(written)), "once each"
    assert here.verdicts() == []
