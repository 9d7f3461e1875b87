"""The disk that loses power: it takes only what was not synced, and it takes that (or it proves nothing)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.entropy import SeededEntropy
from bmaddb.testing.power import PowerDisk, Trouble
from bmaddb.testing.unsynced import Unsynced

ROWS = 12
SECTOR = 512


@pytest.fixture
def disk() -> Iterator[PowerDisk]:
    with PowerDisk(SeededEntropy(5)) as made:
        yield made


@dataclass(frozen=True)
class Found:
    """What a machine finds after the power came back."""

    sound: bool
    acknowledged: int
    rows: list[int]

    @property
    def lost(self) -> bool:
        return len(self.rows) < self.acknowledged


def opened(path: Path, disk: PowerDisk, synchronous: str = "FULL") -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs=disk.name)
    try:
        connection.pragma("journal_mode", "WAL")
        connection.pragma("wal_autocheckpoint", 10)
        connection.pragma("synchronous", synchronous)
    except apsw.Error:
        connection.close(True)
        raise
    return connection


def fill(path: Path, disk: PowerDisk, synchronous: str) -> int:
    """Write rows 0, 1, ... each in a transaction, until the power goes; how many were acknowledged."""
    acknowledged = 0
    connection = None
    try:
        connection = opened(path, disk, synchronous)
        connection.execute("create table if not exists t (n integer primary key, filling text)")
        for number in range(ROWS):
            connection.execute("insert into t values (?, ?)", (number, f"{number}" * 700))
            acknowledged += 1
        connection.close()
    except apsw.Error:
        assert disk.dark
        if connection is not None:
            connection.close(True)
    return acknowledged


def look(path: Path, disk: PowerDisk, acknowledged: int) -> Found:
    disk.power_on()
    connection = None
    try:
        connection = opened(path, disk)
        sound = connection.pragma("integrity_check") == "ok"
        made = connection.execute("select count(*) from sqlite_schema").get
        rows = [n for (n,) in connection.execute("select n from t order by n")] if made else []
    except apsw.CorruptError:
        return Found(False, acknowledged, [])
    finally:
        if connection is not None:
            connection.close(True)
    return Found(sound, acknowledged, rows)


def every_cut(folder: Path, synchronous: str, sector_bytes: int = SECTOR) -> Iterator[Found]:
    """Cut at every operation in turn, each time on a new file."""
    with PowerDisk(SeededEntropy(11), sector_bytes=sector_bytes) as disk:
        fill(folder / "whole.db", disk, synchronous)
        last = disk.operations
        for place in range(1, last + 1):
            disk.power_on()
            disk.crash_at(place)
            path = folder / f"{place}.db"
            acknowledged = fill(path, disk, synchronous)
            assert disk.dark, "the cut must hit"
            yield look(path, disk, acknowledged)


@pytest.mark.parametrize("sector_bytes", [512, 4096])
def test_full_loses_nothing_at_any_cut(tmp_path: Path, sector_bytes: int) -> None:
    found = list(every_cut(tmp_path, "FULL", sector_bytes))
    assert [each for each in found if not each.sound or each.lost] == []
    assert len(found) > 60
    assert max(each.acknowledged for each in found) == ROWS


def test_normal_loses_the_newest_commits_and_nothing_else(tmp_path: Path) -> None:
    found = list(every_cut(tmp_path, "NORMAL"))
    assert all(each.sound for each in found)
    assert all(each.rows == list(range(len(each.rows))) for each in found)
    assert sum(each.lost for each in found) >= 10


def test_without_syncs_files_break_so_this_disk_can_show_it(tmp_path: Path) -> None:
    found = list(every_cut(tmp_path, "OFF"))
    assert any(not each.sound for each in found)
    assert any(each.lost for each in found)


def test_the_same_seed_leaves_the_same_files(tmp_path: Path) -> None:
    """But for the salt in the log, which SQLite takes from the system."""
    outcomes = []
    for run in range(2):
        folder = tmp_path / str(run)
        folder.mkdir()
        with PowerDisk(SeededEntropy(3)) as disk:
            disk.crash_at(40)
            fill(folder / "a.db", disk, "OFF")
        outcomes.append({path.name: len(path.read_bytes()) for path in sorted(folder.iterdir())})
    assert outcomes[0] == outcomes[1]


def test_what_was_open_at_the_cut_stays_dead(tmp_path: Path, disk: PowerDisk) -> None:
    path = tmp_path / "a.db"
    old = opened(path, disk)
    old.execute("create table t (n)")
    disk.cut()
    with pytest.raises(apsw.Error):
        opened(path, disk)
    disk.power_on()
    new = opened(path, disk)
    with pytest.raises(apsw.IOError):
        old.execute("insert into t values (1)")
    old.close(True)
    new.execute("insert into t values (2)")
    assert new.execute("select n from t").fetchall() == [(2,)]
    new.close()


def test_a_removal_that_was_not_synced_may_be_undone(tmp_path: Path) -> None:
    """SQLite removes a log it no longer needs without syncing the folder."""
    came_back = set()
    for seed in range(12):
        path = tmp_path / f"{seed}.db"
        with PowerDisk(SeededEntropy(seed)) as disk:
            fill(path, disk, "FULL")
            assert not Path(f"{path}-wal").exists()
            disk.cut()
            came_back.add(Path(f"{path}-wal").exists())
            assert look(path, disk, ROWS).rows == list(range(ROWS))
    assert came_back == {True, False}


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Trouble.FULL, apsw.FullError),
        (Trouble.WRITE, apsw.IOError),
        (Trouble.SYNC, apsw.IOError),
        (Trouble.READ_ONLY, apsw.ReadOnlyError),
    ],
)
def test_a_trouble_is_seen_and_passes(
    tmp_path: Path, disk: PowerDisk, trouble: Trouble, error: type[Exception]
) -> None:
    connection = opened(tmp_path / "a.db", disk)
    connection.execute("create table t (n)")
    disk.fail(trouble)
    with pytest.raises(error):
        connection.execute("insert into t values (1)")
    disk.heal()
    connection.execute("insert into t values (2)")
    assert connection.execute("select n from t").fetchall() == [(2,)]
    connection.close()


def test_a_disk_that_cannot_be_read(tmp_path: Path, disk: PowerDisk) -> None:
    path = tmp_path / "a.db"
    fill(path, disk, "FULL")
    connection = opened(path, disk)
    disk.fail(Trouble.READ)
    with pytest.raises(apsw.IOError):
        connection.execute("select sum(length(filling)) from t").fetchall()
    disk.heal()
    assert connection.execute("select count(*) from t").get == ROWS
    connection.close()


def test_a_full_disk_has_the_room_it_has(tmp_path: Path, disk: PowerDisk) -> None:
    connection = opened(tmp_path / "a.db", disk)
    connection.execute("create table t (x)")
    connection.pragma("wal_autocheckpoint", 0)
    disk.fail(Trouble.FULL, free_bytes=100_000)
    written = 0
    with contextlib.suppress(apsw.FullError):
        while True:
            connection.execute("insert into t values (zeroblob(4000))")
            written += 1
    assert 5 <= written <= 25
    assert connection.execute("select count(*) from t").get == written
    disk.heal()
    connection.close()


def piece(content: bytes, count: int, offset: int) -> bytes:
    return content[offset : offset + count]


@given(
    before=st.binary(max_size=3000),
    operations=st.lists(
        st.one_of(
            st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=1500)),
            st.tuples(st.integers(0, 4000), st.none()),
            st.none(),
        ),
        max_size=8,
    ),
    seed=st.integers(0, 1000),
)
def test_every_byte_of_an_outcome_was_there_once(
    before: bytes, operations: list[tuple[int, bytes | None] | None], seed: int
) -> None:
    """None is a sync. What no write touched since the last sync stands; the rest is old, newer or new."""
    now, synced = bytearray(before), bytearray(before)
    file = Unsynced(len(before))
    states: list[bytes] = []
    for operation in operations:
        if operation is None:
            file.synced()
            synced, states = bytearray(now), []
            continue
        at, data = operation
        if data is None:
            file.truncate(at, partial(piece, bytes(now)))
            now = now[:at].ljust(at, b"\0")
        else:
            file.write(at, data, partial(piece, bytes(now)))
            now = now.ljust(at + len(data), b"\0")
            now[at : at + len(data)] = data
        states.append(bytes(now))
    assert file.durable(bytes(now)) == synced
    outcome = file.outcome(bytes(now), SeededEntropy(seed), SECTOR)
    assert len(outcome) in {len(synced), *map(len, states)}
    for place, byte in enumerate(outcome[: len(synced)]):
        seen = {state[place] for state in (bytes(synced), *states) if place < len(state)}
        assert byte in seen | {0}
