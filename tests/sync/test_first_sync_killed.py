"""A first sync whose process is killed and whose wire is cut: what is in the file is not fetched again (S6).

The same with a million rows is `python -m bench.first_sync_resume`.
"""

from __future__ import annotations

import json
import random

import pytest

from bmaddb.device.sync import HttpTransport
from bmaddb.protocol.messages import WALK_CURSOR, WALK_FUNCTION
from bmaddb.protocol.session import Limits
from bmaddb.testing.proxy import CuttingProxy, Wire
from tests.protocol.things import Note
from tests.sync.devices import Device, World
from tests.sync.test_first_sync import Streaming
from tests.sync.test_two_processes import holder

ROWS = 300
PAGE_ROWS = 3
CUTS = 4


@pytest.mark.parametrize("seed", range(3))
def test_no_page_that_is_in_the_file_comes_again(things: World, seed: int) -> None:
    chance = random.Random(seed)
    with things.device().store.write() as tx:
        tx.insert_many(Note, [{"title": f"note {number}"} for number in range(ROWS)])
    things.settle(things.devices[0])
    here = things.device(limits=Limits(page_rows=PAGE_ROWS))
    with CuttingProxy(int(things.server.url.rpartition(":")[2])) as proxy:
        with holder(things, here, WALK_FUNCTION, chance.randrange(8, 16), "before", PAGE_ROWS) as process:
            process.kill()  # whole pages are in its hands, and parts of others
            process.wait()
        held, cursor = state(here)
        assert 0 < held < ROWS
        assert cursor.startswith(WALK_CURSOR)
        for _ in range(CUTS):
            proxy.break_next(Wire.CUT, chance.randrange(1, 6_000))
        transport = Streaming(lambda: HttpTransport(proxy.url, things.server.token()))
        here.wrap = lambda: transport
        here.reopen()
        while not here.sync().ok:
            assert proxy.cuts_done <= CUTS
        assert proxy.cuts_done == CUTS
    assert sum(map(rows_of, transport.pages)) == ROWS - held
    things.assert_equal(here)


def state(device: Device) -> tuple[int, str]:
    """How many notes the file holds, and its cursor."""
    [(held, cursor)] = device.store.sql("select (select count(*) from notes), cursor from sync_cursors")
    return int(held), str(cursor)


def rows_of(page: bytes) -> int:
    return sum(len(part["rows"]) for part in json.loads(page)["tables"])
