"""Power is cut at each operation of writes and syncs: the file is as after one of its commits (S15).

What is compared is the whole content: rows, outbox, cursor and numbers together. So a row without its entry
(I1), a page without its cursor (I2) or an acknowledged commit that is gone would each be a state that never was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.store import Durability
from bmaddb.entropy import SeededEntropy
from bmaddb.testing import PowerDisk
from tests.chaos.scripted import Machine, ScriptedServer, counting, machine, state, states, workload
from tests.protocol.things import Job, Note

SHARES = 4
CUT = range(SHARES) if os.environ.get("BMADDB_CHAOS_CUTS") == "all" else (0,)
"""Every fourth operation; with BMADDB_CHAOS_CUTS=all every one."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[Any, ...]]]:
    """A new file of the device, and the states it goes through."""
    folder = tmp_path_factory.mktemp("reference")
    with machine(folder / "new.db", ScriptedServer()):
        pass
    shutil.copy(folder / "new.db", folder / "reference.db")
    return folder / "new.db", states(folder)


def run_until_dark(path: Path, server: ScriptedServer, disk: PowerDisk, durability: Durability) -> int:
    """The workload, until the power goes; how many commits returned before."""
    device: Machine | None = None
    try:
        with machine(path, server, vfs=disk.name, durability=durability) as device:
            counting(device)
            for _ in workload(device):
                pass
    except e.StoreError:
        assert disk.dark
    return 0 if device is None else device.commits


def every_cut(
    folder: Path, new: Path, disk: PowerDisk, durability: Durability, share: int
) -> Iterator[tuple[Path, ScriptedServer, int]]:
    """One file for each operation the power is cut at: (file, server, commits that returned)."""
    whole = folder / "whole.db"
    shutil.copy(new, whole)
    run_until_dark(whole, ScriptedServer(), disk, durability)
    last = disk.operations
    assert last > 80
    for place in range(1 + share, last + 1, SHARES):
        path, server = folder / f"{place}.db", ScriptedServer()
        shutil.copy(new, path)
        disk.power_on()
        disk.crash_at(place)
        returned = run_until_dark(path, server, disk, durability)
        assert disk.dark, "the cut must hit"
        yield path, server, returned


def go_on(path: Path, server: ScriptedServer, disk: PowerDisk, durability: Durability) -> None:
    """After the power is back: everything that is in the file reaches the server, under its old numbers."""
    disk.power_on()
    with machine(path, server, vfs=disk.name, durability=durability, seed=2) as device:
        with device.store.write() as tx:
            tx.insert(Note, title="after")
        report = device.sync()
        assert report.failure is None
        counts = device.outbox.counts()
        poisoned = device.store.query(Job).where(Job.title == "poison").count()
        assert (counts.queued, counts.leased, counts.parked) == (0, 0, poisoned)
        assert all(note.server_seq is not None for note in device.store.query(Note).all())


@pytest.mark.parametrize("share", CUT)
def test_full_keeps_every_commit_that_returned(
    tmp_path: Path, reference: tuple[Path, list[tuple[Any, ...]]], share: int
) -> None:
    new, known = reference
    with PowerDisk(SeededEntropy(share)) as disk:
        for path, server, returned in every_cut(tmp_path, new, disk, "full", share):
            found = state(path)
            assert found in known[returned : returned + 2], f"{path.name}: {returned} commits returned"
            go_on(path, server, disk, "full")


@pytest.mark.parametrize("share", CUT)
def test_normal_keeps_a_prefix_of_the_commits_and_every_number_that_left(
    tmp_path: Path, reference: tuple[Path, list[tuple[Any, ...]]], share: int
) -> None:
    """The server notices a number that comes again with another meaning."""
    new, known = reference
    lost = 0
    with PowerDisk(SeededEntropy(share)) as disk:
        for path, server, returned in every_cut(tmp_path, new, disk, "normal", share):
            found = state(path)
            assert found in known[: returned + 2]
            lost += found not in known[returned : returned + 2]
            go_on(path, server, disk, "normal")
    assert lost, "a disk that loses nothing under NORMAL proves nothing"


@pytest.mark.parametrize("share", CUT)
def test_a_file_whose_making_was_cut_is_made_again(tmp_path: Path, share: int) -> None:
    with PowerDisk(SeededEntropy(share)) as disk:
        with machine(tmp_path / "whole.db", ScriptedServer(), vfs=disk.name):
            pass
        last = disk.operations
        for place in range(1 + share, last + 1, SHARES):
            disk.power_on()
            disk.crash_at(place)
            path, server = tmp_path / f"{place}.db", ScriptedServer()
            with pytest.raises(e.StoreError), machine(path, server, vfs=disk.name):
                pytest.fail("the cut must hit")
            go_on(path, server, disk, "full")
