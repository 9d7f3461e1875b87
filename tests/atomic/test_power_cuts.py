"""The power is cut at any operation of the disk while a saga runs, or while it is undone: it is done, or undone."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.clock import SystemClock
from bmaddb.device.atomic import Operations
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Durability, Store
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.registry import catalog_with
from bmaddb.modules.sync_status import OperationJournal
from bmaddb.testing import PowerDisk
from tests.atomic.world import OPERATION, TYPE, World, saga, session
from tests.store.shelf import LIBRARY, USER, Author

EVERY = 1 if os.environ.get("BMADDB_CHAOS_CUTS") == "all" else 3
DONE = (["remind", "reserve"], 1, "committed")
ENDS: tuple[tuple[list[str], int, str | None], ...] = (DONE, ([], 0, "compensated"), ([], 0, None))


def opened(path: Path, vfs: str | None, durability: Durability) -> Store:
    store = Store(
        path,
        catalog_with(LIBRARY, include_defaults=False),
        clock=SystemClock(),
        entropy=SeededEntropy(9),
        user=USER,
        durability=durability,
        vfs=vfs,
    )
    Outbox(store)
    return store


def run(folder: Path, vfs: str | None, durability: Durability, *, fails: bool) -> None:
    """The saga, until the power goes."""
    try:
        store = opened(folder / "device.db", vfs, durability)
    except e.StoreError:
        return
    try:
        Operations(store).execute(saga(session(World(folder / "world"), fails=fails)))
    except e.StoreError:
        pass
    finally:
        with contextlib.suppress(e.StoreError):
            store.close()


def restarted(folder: Path, durability: Durability) -> tuple[list[str], int, str | None]:
    world = World(folder / "world")
    with opened(folder / "device.db", None, durability) as store:
        report = Operations(store).resume({TYPE: session(world)})
        assert not report.waiting
        assert not report.unknown
        line = store.get(OperationJournal, OPERATION)
        return world.held(), store.query(Author).count(), None if line is None else line.status


@pytest.mark.parametrize("durability", ["full", "normal"])
@pytest.mark.parametrize("fails", [False, True])
def test_power_is_cut_at_any_moment(tmp_path: Path, durability: Durability, fails: bool) -> None:
    disk = PowerDisk(SeededEntropy(4))
    new = tmp_path / "new.db"
    opened(new, None, durability).close()
    folder = placed(tmp_path, "whole", new)
    run(folder, disk.name, durability, fails=fails)
    last = disk.operations
    assert last > 30
    assert restarted(folder, durability) == (ENDS[1] if fails else DONE)
    seen = set()
    for place in range(1, last, EVERY):
        folder = placed(tmp_path, f"{place}", new)
        disk.power_on()
        disk.crash_at(place)
        run(folder, disk.name, durability, fails=fails)
        disk.power_on()
        end = restarted(folder, durability)
        assert end in (ENDS[1:] if fails else ENDS), f"cut at {place}"
        seen.add(end[2])
        shutil.rmtree(folder)
    assert {"compensated", None} <= seen


def placed(folder: Path, name: str, new: Path) -> Path:
    """A folder with a copy of the new file."""
    made = folder / name
    made.mkdir()
    shutil.copy(new, made / "device.db")
    return made
