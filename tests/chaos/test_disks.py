"""Disks that fill up, fail, or are read-only; files that vanish or are damaged: said clearly, and survived."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.entropy import SeededEntropy
from bmaddb.testing import ManualClock, PowerDisk, Trouble
from tests.chaos.processes import apart
from tests.chaos.scripted import CATALOG, USER, ScriptedServer, machine
from tests.protocol.things import Note
from tests.support.postgres import open_folder

NOBODY = 65_534
ROOM_BYTES = 600_000


_OPENED: list[Store] = []


@pytest.fixture(autouse=True)
def nothing_stays_open(disk: PowerDisk) -> Iterator[None]:
    yield
    disk.heal()
    while _OPENED:
        _OPENED.pop().close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device.db"


@pytest.fixture
def disk() -> Iterator[PowerDisk]:
    with PowerDisk(SeededEntropy(1)) as made:
        yield made


def opened(path: Path, vfs: str | None = None) -> tuple[Store, Outbox]:
    store = Store(path, CATALOG, clock=ManualClock(), entropy=SeededEntropy(os.getpid()), user=USER, vfs=vfs)
    _OPENED.append(store)
    return store, Outbox(store)


def write(store: Store, title: str) -> None:
    with store.write() as tx:
        tx.insert(Note, title=title, body="b" * 2_000)


def fill(store: Store) -> tuple[list[str], e.StoreError]:
    """Write until it is refused: what was acknowledged, and the refusal."""
    written: list[str] = []
    while True:
        try:
            write(store, str(len(written)))
        except e.StoreError as error:
            return written, error
        written.append(str(len(written)))


def titles(store: Store) -> list[str]:
    return [note.title for note in store.query(Note).order_by(Note.created_at, Note.id).all()]


def explained(error: e.BmadError) -> bool:
    return bool(error.code and error.hint and len(error.message) > 15)


def whole(store: Store, outbox: Outbox, expected: list[str]) -> None:
    """Every row is there, with its entry, in a sound file."""
    assert sorted(titles(store)) == sorted(expected)
    assert outbox.counts().queued == len(expected)
    with store.read() as connection:
        assert connection.pragma("integrity_check") == "ok"


def test_a_full_disk_refuses_and_goes_on_when_there_is_room(path: Path, disk: PowerDisk) -> None:
    store, outbox = opened(path, disk.name)
    disk.fail(Trouble.FULL, free_bytes=ROOM_BYTES)
    written, error = fill(store)
    assert explained(error)
    assert "the disk is full" in error.message
    assert len(written) > 10
    whole(store, outbox, written)
    with pytest.raises(e.StoreError, match="disk is full"):
        write(store, "still full")
    disk.heal()
    write(store, "room again")
    whole(store, outbox, [*written, "room again"])
    store.close()


@pytest.mark.parametrize("trouble", [Trouble.WRITE, Trouble.SYNC, Trouble.READ_ONLY])
def test_a_disk_that_fails_refuses_and_goes_on_when_it_works(path: Path, disk: PowerDisk, trouble: Trouble) -> None:
    store, outbox = opened(path, disk.name)
    write(store, "before")
    disk.fail(trouble)
    _, error = fill(store)
    assert explained(error)
    assert titles(store) == ["before"]
    disk.heal()
    write(store, "after")
    whole(store, outbox, ["before", "after"])
    store.close()
    store, outbox = opened(path)
    whole(store, outbox, ["before", "after"])
    store.close()


def test_a_disk_that_cannot_be_read_says_so(path: Path, disk: PowerDisk) -> None:
    store, _ = opened(path)
    write(store, "before")
    store.close()
    store, outbox = opened(path, disk.name)
    disk.fail(Trouble.READ)
    with pytest.raises(e.StoreError) as caught:
        titles(store)
    assert explained(caught.value)
    disk.heal()
    whole(store, outbox, ["before"])
    store.close()


def test_a_sync_on_a_full_disk_fails_and_the_next_one_does_it_all(path: Path, disk: PowerDisk) -> None:
    server = ScriptedServer()
    with machine(path, server, vfs=disk.name) as device:
        write(device.store, "mine")
        device.store.writing_connection.pragma("wal_checkpoint", "truncate")  # a log that is long has room
        disk.fail(Trouble.FULL)
        with pytest.raises(e.StoreError, match="the disk is full"):
            device.sync()
        assert titles(device.store) == ["mine"]
        assert server.last_number == 0
        disk.heal()
        report = device.sync()
        assert (report.failure, report.pushed_entries) == (None, 1)
        assert device.outbox.counts().total == 0


def limited(place: str, says: Connection) -> None:
    """In a process of its own: no file may grow beyond ROOM_BYTES, then it may."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store, outbox = opened(Path(place))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, resource.RLIM_INFINITY))
    written, error = fill(store)
    assert explained(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    write(store, "room again")
    whole(store, outbox, [*written, "room again"])
    says.send(len(written))


def test_a_limit_of_the_system_is_like_a_full_disk(path: Path) -> None:
    assert apart(limited, str(path)) > 10


def as_nobody(place: str, says: Connection) -> None:
    """In a process of its own, which may read the file of another user and not write it."""
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    with pytest.raises(e.StoreError) as caught:
        opened(Path(place))
    assert explained(caught.value)
    says.send(caught.value.message)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(("mode", "folder_mode"), [(0o644, 0o755), (0o600, 0o755), (0o666, 0o755), (0o644, 0o700)])
def test_the_file_of_another_user(mode: int, folder_mode: int) -> None:
    """Readable only, not readable, writable in a folder that is not, in a folder that is closed."""
    with open_folder() as folder:
        path = folder / "device.db"
        store, _ = opened(path)
        write(store, "mine")
        store.close()
        path.chmod(mode)
        folder.chmod(folder_mode)
        said = apart(as_nobody, str(path))
        assert "read-only" in said or "cannot be opened" in said
        store, outbox = opened(path)
        whole(store, outbox, ["mine"])
        store.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_no_longer_there_is_not_written(path: Path, replaced: bool) -> None:
    """SQLite would write on into a file that nobody finds again."""
    store, _ = opened(path)
    write(store, "before")
    elsewhere = path.with_name("elsewhere.db")
    path.rename(elsewhere)
    if replaced:
        shutil.copy(elsewhere, path)
    with pytest.raises(e.StoreError, match="moved, replaced or deleted") as caught:
        write(store, "lost?")
    assert explained(caught.value)
    elsewhere.rename(path)
    write(store, "after")
    assert sorted(titles(store)) == ["after", "before"]
    store.close()


def test_a_file_deleted_while_open_is_noticed_by_every_thread(path: Path) -> None:
    store, _ = opened(path)
    path.unlink()
    refused: list[e.BmadError] = []

    def attempt() -> None:
        try:
            write(store, "x")
        except e.BmadError as error:
            refused.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.code for error in refused] == ["B-300"] * 3
    store.close()


def crashed(path: Path, copy: Path) -> None:
    """`copy` becomes the file of a process that was killed after some commits: not all are in the main file."""
    store, _ = opened(path)
    for number in range(5):
        write(store, str(number))
    store.writing_connection.pragma("wal_checkpoint")
    write(store, "in the log")
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    store.close()


@pytest.mark.parametrize("suffix", ["-shm", "-wal"])
def test_a_file_whose_log_is_missing_is_what_it_was_before(path: Path, tmp_path: Path, suffix: str) -> None:
    copy = tmp_path / "copy.db"
    crashed(path, copy)
    if suffix == "-wal":
        Path(f"{copy}-wal").unlink()
    store, outbox = opened(copy)
    expected = [*map(str, range(5)), *([] if suffix == "-wal" else ["in the log"])]
    whole(store, outbox, expected)
    write(store, "after")
    whole(store, outbox, [*expected, "after"])
    store.close()


@pytest.mark.parametrize("at", [0, 10, 20, 26, 40, 500])
def test_a_damaged_log_takes_nothing_of_the_file(path: Path, tmp_path: Path, at: int) -> None:
    """The header's magic, its salt, its checksum; the first frame's salt and page: the log ends there."""
    copy = tmp_path / "copy.db"
    crashed(path, copy)
    log = bytearray(Path(f"{copy}-wal").read_bytes())
    log[at] ^= 0xFF
    Path(f"{copy}-wal").write_bytes(log)
    store, outbox = opened(copy)
    whole(store, outbox, list(map(str, range(5))))
    store.close()


@pytest.mark.parametrize("keep", [0.3, 0.6])
def test_a_truncated_file_is_refused_and_stays(path: Path, keep: float) -> None:
    store, _ = opened(path)
    for number in range(40):
        write(store, str(number))
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(e.StoreCorrupt) as caught:
        look_at_everything(path)
    assert explained(caught.value)
    assert path.stat().st_size == int(len(content) * keep)


def look_at_everything(path: Path) -> None:
    store, outbox = opened(path)
    try:
        titles(store)
        outbox.entries()
    finally:
        store.close()
