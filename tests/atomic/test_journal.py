"""The journal of operations within the file's budget: what has ended goes, what is owed stays, however old."""

from __future__ import annotations

import bmaddb
from bmaddb.device.atomic import Operation, OuterStep, Rollback, Status
from bmaddb.modules.sync_status import OperationJournal
from bmaddb.testing import ManualClock
from tests.atomic.acts import author

DAY_MS = 24 * 60 * 60 * 1000


def fail(_: object) -> None:
    raise ConnectionError


def test_what_is_owed_outlives_every_clean_up(db: bmaddb.Database, clock: ManualClock) -> None:
    old = db.execute(Operation("old", (author(row_id="a1"),)))
    owing = db.execute(
        Operation("owing", (OuterStep("one", fail, fail),), strategy=Rollback.COMPENSATE, facts={"x": "y"})
    )
    assert owing.status is Status.COMPENSATING
    clock.advance(31 * DAY_MS)
    young = db.execute(Operation("young", (author(row_id="a2"),)))
    db.upkeep.run(1, always=True)
    left = {line.id for line in db.query(OperationJournal).all()}
    assert left == {owing.operation_id, young.operation_id}
    assert old.operation_id not in left
    assert db.resume({"owing": (OuterStep("one", fail, lambda _: None),)}).compensated == (owing.operation_id,)
