"""A device's file is lost and a backup of it restored: new writes are no duplicates, and nothing sent is lost (S7)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bmaddb.entropy import SeededEntropy
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.service.backup import restore
from tests.sync.devices import Device, World


def lose_and_restore(device: Device, backup: Path, *, seed: int = 1) -> None:
    """The file is gone; what the backup holds takes its place."""
    device.close()
    device.path.unlink()
    restore(backup, device.path, entropy=SeededEntropy(9_000 + seed))
    device.reopen()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


@pytest.mark.parametrize("in_flight", [False, True], ids=["waiting", "in flight"])
def test_what_is_written_after_a_restore_is_not_taken_for_what_was_sent_before(
    world: World, backup: Path, in_flight: bool
) -> None:
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        kept, gone = tx.insert(Task, title="kept"), tx.insert(Task, title="gone")
        tx.increment(Task.device_seconds, kept.id, 5)
    world.settle(here, there)
    with here.store.write() as tx:
        waiting = tx.insert(Task, title="waited in the backup")
        tx.increment(Task.device_seconds, kept.id, 10)
    if in_flight:
        assert here.outbox.lease(10, 1_000_000)
    here.store.backup(backup, None)
    was = here.store.device_id

    world.settle(here)
    with here.store.write() as tx:
        later = tx.insert(Goal, title="after the backup")
        tx.update(Task, waiting.id, notes="after the backup")
        tx.increment(Task.device_seconds, kept.id, 100)
        tx.delete(Task, gone.id)
    world.settle(here)
    used = here.outbox.last_number()

    lose_and_restore(here, backup)
    assert here.store.device_id != was
    assert here.outbox.last_number() == 0
    assert here.outbox.counts().leased == 0
    made = []
    for number in range(used + 1):  # under the old numbers, each of them would meet an answer that is stored
        with here.store.write() as tx:
            made.append(tx.insert(Task, title=f"after the restore {number}").id)
            tx.increment(Task.device_seconds, kept.id, 1_000)
    world.settle(here, there)
    world.assert_equal(here, there)
    for device in (here, there):
        assert all(device.store.get(Task, row_id) for row_id in made)
        assert device.store.get(Goal, later.id) is not None
        assert device.store.get(Task, gone.id) is None
        row = device.store.get(Task, waiting.id)
        assert row is not None
        assert (row.title, row.notes) == ("waited in the backup", "after the backup")
        counted = device.store.get(Task, kept.id)
        assert counted is not None
        assert sum(entry[0] for entry in counted.device_seconds.values()) == 115 + 1_000 * (used + 1)


def test_a_restored_copy_and_the_device_it_was_made_of_are_two_devices(world: World, backup: Path) -> None:
    here, copy = world.device(), world.device()
    with here.store.write() as tx:
        shared = tx.insert(Task, title="shared")
    here.store.backup(backup, None)
    lose_and_restore(copy, backup)
    for device in (here, copy, here, copy):
        with device.store.write() as tx:
            tx.insert(Goal, title=f"of {device.path.name}")
            tx.increment(Task.device_seconds, shared.id, 7)
        device.sync()
    world.settle(here, copy)
    world.assert_equal(here, copy)
    assert here.store.query(Goal).count() == 4
    row = here.store.get(Task, shared.id)
    assert row is not None
    assert sum(entry[0] for entry in row.device_seconds.values()) == 28


@pytest.mark.parametrize("seed", range(3))
def test_however_often_a_file_is_lost_what_was_sent_stays(world: World, tmp_path: Path, seed: int) -> None:
    """Writes, syncs, backups and losses by chance; only what was written and neither sent nor backed up may be gone."""
    chance = random.Random(seed)
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        counter = tx.insert(Task, title="counts the goals").id
    world.settle(here, there)
    backups: list[tuple[Path, set[str]]] = []
    sent: set[str] = set()
    held: set[str] = set()
    for step in range(40):
        act = chance.choices(("write", "sync", "lease", "backup", "lose"), (6, 3, 1, 2, 1))[0]
        if act == "write":
            with here.store.write() as tx:
                held = held | {tx.insert(Goal, title=str(step)).id}
                tx.increment(Task.device_seconds, counter, 1)
        elif act == "sync":
            assert here.sync().ok
            sent = held = sent | held
        elif act == "lease" and not here.outbox.in_flight():
            here.outbox.lease(2, 1_000_000)
        elif act == "backup":
            backups.append((tmp_path / f"backup{step}.db", held))
            here.store.backup(backups[-1][0], None)
        elif act == "lose" and backups:
            path, held = chance.choice(backups)
            lose_and_restore(here, path, seed=1_000 * seed + step)
    world.settle(here, there)
    world.assert_equal(here, there)
    assert {goal.id for goal in there.store.query(Goal).all()} == sent | held
    row = there.store.get(Task, counter)
    assert row is not None
    assert sum(entry[0] for entry in row.device_seconds.values()) == len(sent | held)
