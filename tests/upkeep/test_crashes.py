"""The power is cut, or the process killed, at any moment of a clean-up: nothing is lost, and the next one goes on."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.upkeep import CleanUp, Integrity, Status
from bmaddb.entropy import SeededEntropy
from bmaddb.signals import Committed
from bmaddb.testing import PowerDisk
from tests.upkeep.files import fill, held, look, opened
from tests.upkeep.shelf import NOTHING_LEFT, PACKED

ROWS = 40
CUTS = 10_000 if os.environ.get("BMADDB_CHAOS_CUTS") == "all" else 24
"""So many moments, spread over the clean-up; with BMADDB_CHAOS_CUTS=all every one."""
KILLS = (1, 4, 9, 15, 22)
START_S_MAX = 60


def clean(path: Path, vfs: str | None = None) -> int:
    """One clean-up in small steps; how many rows left."""
    with opened(path, vfs=vfs) as (store, outbox):
        store.writing_connection.pragma("wal_autocheckpoint", 4)
        rows = CleanUp(store, outbox, PACKED).run().rows
        return rows + CleanUp(store, outbox, NOTHING_LEFT).run().rows


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """A file, what it holds, and what it holds after a clean-up."""
    folder = tmp_path_factory.mktemp("reference")
    fill(folder / "new.db", ROWS)
    shutil.copy(folder / "new.db", folder / "cleaned.db")
    assert clean(folder / "cleaned.db") > 2 * ROWS
    return folder / "new.db", look(folder / "new.db"), look(folder / "cleaned.db")


def test_power_is_cut_at_any_moment(reference: tuple[Path, Any, Any], tmp_path: Path) -> None:
    new, before, after = reference
    disk = PowerDisk(SeededEntropy(5))
    shutil.copy(new, tmp_path / "whole.db")
    clean(tmp_path / "whole.db", disk.name)
    last = disk.operations
    assert last > 100
    for place in range(1, last, max(1, last // CUTS)):
        path = tmp_path / f"{place}.db"
        shutil.copy(new, path)
        disk.power_on()
        disk.crash_at(place)
        with pytest.raises(e.StoreError):
            clean(path, disk.name)
        assert disk.dark, "the cut must hit"
        disk.power_on()
        held(path, before)
        clean(path, disk.name)
        assert look(path) == after
        path.unlink()


def clean_aloud(path: str, says: Connection) -> None:
    """A clean-up that says a word after each of its transactions."""
    with opened(Path(path)) as (store, outbox):
        store.signals.listen(Committed, lambda _: says.send_bytes(b"."))
        CleanUp(store, outbox, NOTHING_LEFT).run()
        says.send_bytes(b"end")
        says.recv_bytes()  # to be killed


def test_it_is_killed_between_any_two_batches(tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    fill(new, 400)
    before = look(new)
    forks = multiprocessing.get_context("forkserver")
    for kill_at in KILLS:
        path = tmp_path / f"killed{kill_at}.db"
        shutil.copy(new, path)
        hears, says = forks.Pipe()
        process: Any = forks.Process(target=clean_aloud, args=(str(path), says), daemon=True)
        process.start()
        says.close()
        for _ in range(kill_at):
            assert hears.poll(START_S_MAX)
            if hears.recv_bytes() == b"end":
                break
        process.kill()
        process.join()
        hears.close()
        held(path, before)
        with opened(path) as (store, outbox):
            CleanUp(store, outbox, NOTHING_LEFT).run()
            found = Integrity(store, outbox).examine(full=True, repair=False)
            assert [finding for finding in found if finding.status is Status.FAIL] == []
        held(path, before)
