"""`tx.increment`: counts for this device, in the columns that are counters, and says what is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.registry import default_catalog
from bmaddb.modules.tasks_productivity import Task
from bmaddb.testing import ManualClock
from tests.store.conftest import Witness
from tests.store.shelf import USER


@pytest.fixture
def tasks(path: Path, clock: ManualClock) -> Iterator[Store]:
    """A store with the twelve modules."""
    with Store(path, default_catalog(), clock=clock, entropy=SeededEntropy(1), user=USER) as opened:
        yield opened


def test_counts_add_up_under_the_name_of_the_device(tasks: Store, clock: ManualClock) -> None:
    witness = Witness(tasks)
    with tasks.write() as tx:
        task = tx.insert(Task, title="a")
        assert tx.increment(Task.device_seconds, task.id, 60) == 60
        assert tx.increment(Task.device_seconds, task.id) == 61
    clock.advance(1000)
    with tasks.write() as tx:
        assert tx.increment(Task.device_seconds, task.id, -11) == 50
        assert tx.increment(Task.device_seconds, task.id, 0) == 50
    found = tasks.get(Task, task.id)
    assert found is not None
    [(device, (count, _))] = found.device_seconds.items()
    assert (device, count) == (tasks.device_id, 50)
    assert found.updated_at > task.updated_at
    assert [name for name, _, _ in witness.changes()] == ["tasks", "tasks"], "captured like any write"


def test_a_count_that_is_undone_was_never_made(tasks: Store) -> None:
    with tasks.write() as tx:
        task = tx.insert(Task, title="a")
        with pytest.raises(KeyError), tx.savepoint() as inner:
            raise KeyError(inner.increment(Task.device_seconds, task.id, 5))
        assert tx.increment(Task.device_seconds, task.id, 1) == 1


def test_what_does_not_count_is_said(tasks: Store) -> None:
    with tasks.write() as tx:
        task = tx.insert(Task, title="a")
        with pytest.raises(e.RecordInvalid, match="is no counter"):
            tx.increment(Task.priority, task.id)
        with pytest.raises(e.RecordNotFound):
            tx.increment(Task.device_seconds, "nobody")
        for wrong in (1.5, True, "1"):
            with pytest.raises(e.RecordInvalid, match="whole numbers"):
                tx.increment(Task.device_seconds, task.id, wrong)  # type: ignore[arg-type]
