"""Rows that no server ever held and no entry carries: verify brings them there, and removes none."""

from __future__ import annotations

import pytest

from bmaddb.device.sync import Verified
from bmaddb.testing.digests import differences
from tests.postgres.small_catalog import Box, Thing
from tests.sync.devices import World
from tests.verify.test_background import sample
from tests.verify.test_repair import fill, raw, verify


@pytest.mark.parametrize("sampled", [False, True])
def test_rows_that_never_reached_a_server_are_sent_not_removed(small_world: World, sampled: bool) -> None:
    """Their entry is gone, as after a damage that took the outbox alone: what a person typed is still here."""
    here, there = small_world.device(), small_world.device()
    fill(here)
    small_world.settle(here, there)
    with here.store.write() as tx:
        box = tx.insert(Box, title="typed by hand", colour_id="red@1")
        tx.insert(Thing, box_id=box.id, name="in it")
    raw(here, "delete from outbox_operations")
    raw(here, "delete from _bmad_outbox_rows")
    here.reopen()
    before = here.rows()
    report = sample(here, 1_000) if sampled else verify(here)
    assert report.result is Verified.REPAIRED
    assert {check.table: len(check.returned) for check in report.tables if check.returned} == {"boxes": 1, "things": 1}
    assert here.verdicts() == []
    assert differences(before, here.rows()) == []
    small_world.settle(there)
    small_world.assert_equal(here, there)
    assert there.store.get(Box, box.id) is not None
