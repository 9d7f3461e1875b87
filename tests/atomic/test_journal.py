"""The journal of operations within the file's budget: what has ended goes, what is owed stays, however old."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.atomic import Operation, OperationResult, OuterStep, Rollback, Status, local
from bmaddb.device.atomic.course import Course
from bmaddb.device.store import CommitDraft, Store
from bmaddb.modules.sync_status import OperationJournal
from bmaddb.testing import ManualClock
from tests.atomic.acts import author, line, open_db
from tests.store.shelf import Author

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


@pytest.mark.parametrize("many", [1, 60])
def test_that_it_failed_is_not_written_over_what_another_process_did_meanwhile(
    db: bmaddb.Database, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    def operation(number: int) -> Operation:
        return Operation("once", (author(row_id=f"{number}"),), id=f"{number}")

    note_failed = local._note_failed

    def late(store: Store, ended: Sequence[tuple[Course, OperationResult]]) -> None:
        """The process is held up between its rollback and its note."""
        assert other.execute(operation(0)).ok
        note_failed(store, ended)

    def refuse(_: CommitDraft) -> None:
        raise e.StoreError("not today")

    with open_db(Path(db.store.path)) as other:
        monkeypatch.setattr(local, "_note_failed", late)
        db.store.before_commit.append(refuse)
        batch = db.execute_batch([operation(number) for number in range(many)])
        db.store.before_commit.remove(refuse)
        assert batch.committed == ()
        kept = [line(db, f"{number}").status for number in range(many)]
        assert kept == ["committed", *["rolled_back"] * (many - 1)]
        assert db.execute(operation(0)).repeated
    assert db.query(Author).count() == 1
