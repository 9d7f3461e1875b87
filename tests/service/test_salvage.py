"""A salvage that does not come to its end has changed nothing, or the next one ends it; what is not ours stays."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.store import salvage as salvaging
from bmaddb.device.store.connection import open_writer
from bmaddb.device.sync.os_lock import lock_file, locked
from bmaddb.modules.registry import catalog_with
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema import Module
from bmaddb.service import salvage
from tests.protocol.things import Note
from tests.support.server import USER

TASKS = 60
KILLED = """
import os, sys
from bmaddb.service import salvage
real, calls = os.{name}, []
def dies(*paths):
    calls.append(paths)
    if len(calls) == {at}:
        os._exit(9)
    return real(*paths)
os.{name} = dies
salvage(sys.argv[1], user=sys.argv[2])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file whose log was not taken in, as after a kill."""
    made = tmp_path / "anna.db"
    code = """
import os, sys, bmaddb
from bmaddb.modules.tasks_productivity import Task
db = bmaddb.open(sys.argv[1], user=sys.argv[2])
for number in range(int(sys.argv[3])):
    with db.write() as tx:
        tx.insert(Task, title=f"task {number}", notes="n" * 500)
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code, str(made), USER, str(TASKS)], check=True)
    assert Path(f"{made}-wal").stat().st_size > 0
    return made


def content(folder: Path) -> dict[str, bytes]:
    """Every file but those that any reader leaves."""
    return {found.name: found.read_bytes() for found in folder.iterdir() if not found.name.endswith("-shm")}


def tasks(path: Path) -> int:
    with bmaddb.open(path, user=USER) as db:
        assert db.health().file_faults == ()
        return db.query(Task).count()


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize(("where", "at"), [("copy_readable", 1), ("rename", 2), ("replace", 1), ("replace", 2)])
def test_what_ends_early_has_changed_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, where: str, at: int, trouble: BaseException
) -> None:
    before = content(path.parent)
    real: Callable[..., None] = os.rename if where == "rename" else os.replace
    calls: list[int] = []

    def fails(*arguments: object) -> None:
        calls.append(1)
        if len(calls) == at:
            raise trouble
        real(*arguments)

    owner = "bmaddb.service.salvaging" if where == "copy_readable" else "os"
    with monkeypatch.context() as patched:
        patched.setattr(f"{owner}.{where}", fails)
        with pytest.raises((e.StoreError, KeyboardInterrupt)):
            salvage(path, user=USER)
    assert content(path.parent) == before
    assert salvage(path, user=USER).entries == TASKS
    assert tasks(path) == TASKS


@pytest.mark.parametrize(("name", "at"), [("replace", 1), ("rename", 1), ("rename", 2), ("replace", 2)])
def test_one_that_is_killed_is_ended_by_the_next(path: Path, name: str, at: int) -> None:
    code = KILLED.format(name=name, at=at)
    assert subprocess.run([sys.executable, "-c", code, str(path), USER], check=False).returncode == 9
    found = salvage(path, user=USER)
    assert (found.entries, found.unread) == (TASKS, ())
    assert found.aside == path.with_name("anna.db.damaged-1")
    assert tasks(path) == TASKS
    assert set(content(path.parent)) == {"anna.db", "anna.db.damaged-1", "anna.db.damaged-1-wal"}


@pytest.mark.parametrize("left", ["", "-wal"])
def test_a_new_file_that_was_never_put_in_its_place_says_nothing(path: Path, left: str) -> None:
    """Killed before anything was moved, with the log of an earlier damage beside it, or none: the file went on."""
    earlier = path.with_name(f"anna.db.damaged-1{left}")
    if left:
        earlier.write_bytes(b"an earlier log")
    code = KILLED.format(name="rename", at=1)
    assert subprocess.run([sys.executable, "-c", code, str(path), USER], check=False).returncode == 9
    assert [found.name for found in path.parent.glob("*.salvaged-*")] == [f"anna.db.salvaged-{2 if left else 1}"]
    with bmaddb.open(path, user=USER) as db, db.write() as tx:
        tx.insert(Task, title="written since")
    salvage(path, user=USER)
    assert tasks(path) == TASKS + 1
    assert not left or earlier.read_bytes() == b"an earlier log"
    assert not list(path.parent.glob("*.salvaged-*"))


def test_what_was_written_between_a_kill_and_the_next_call_is_set_aside(path: Path) -> None:
    code = KILLED.format(name="rename", at=2)
    assert subprocess.run([sys.executable, "-c", code, str(path), USER], check=False).returncode == 9
    log = path.with_name("anna.db-wal")
    log.write_bytes(b"a new log")
    before = content(path.parent)
    assert salvage(path, user=USER).aside == path.with_name("anna.db.damaged-2")
    after = content(path.parent)
    assert after["anna.db.damaged-1-wal"] == before["anna.db.damaged-1-wal"]
    assert after["anna.db.damaged-2-wal"] == b"a new log"
    assert tasks(path) == TASKS


def test_two_at_once_do_not_take_each_others_file(path: Path) -> None:
    before = content(path.parent)
    with locked(lock_file(str(path))), pytest.raises(e.StoreBusy, match="another process"):
        salvage(path, user=USER)
    assert content(path.parent) == before
    assert salvage(path, user=USER).entries == TASKS


def test_a_full_disk_is_no_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(path.parent)

    def small(*arguments: object) -> apsw.Connection:
        connection = open_writer(*arguments)  # type: ignore[arg-type]
        connection.pragma("max_page_count", int(connection.pragma("page_count") or 0) + 4)
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(salvaging, "open_writer", small)
        with pytest.raises(e.StoreError, match="the disk is full"):
            salvage(path, user=USER)
    assert content(path.parent) == before
    assert salvage(path, user=USER).entries == TASKS


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table places (a)")
    connection.close()
    before = content(tmp_path)
    with pytest.raises(e.StoreError, match="another program"):
        salvage(path, user=USER)
    assert content(tmp_path) == before


@pytest.mark.parametrize("secret", [{}, {"key": bytes(32)}, {"passphrase": "words"}], ids=["plain", "key", "words"])
@pytest.mark.parametrize("told", [b"hello", b"Dear diary, " * 500, bytes(range(256)) * 9000], ids=len)
def test_what_never_was_a_database_is_left_alone(tmp_path: Path, told: bytes, secret: dict[str, Any]) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(told)
    with pytest.raises(e.StoreError, match="holds nothing of one") as refused:
        salvage(path, user=USER, **secret)
    assert refused.value.hint
    assert content(tmp_path) == {"notes.txt": told}


@pytest.mark.parametrize(("in_log", "rows"), [(True, TASKS), (False, 0)], ids=["log", "file"])
def test_one_of_ours_whose_beginning_is_gone_is_salvaged_all_the_same(path: Path, in_log: bool, rows: int) -> None:
    """The log has all that is not in the file yet; when it is, nothing can be read, but the names are there."""
    if not in_log:
        bmaddb.open(path, user=USER).close()
    damaged = b"\xff" * 100 + path.read_bytes()[100:]
    path.write_bytes(damaged)
    found = salvage(path, user=USER)
    assert (found.aside.read_bytes(), found.entries) == (damaged, rows)
    assert tasks(path) == rows


def test_an_empty_file_keeps_its_log_for_the_salvage(path: Path) -> None:
    """All there is is in the log, which SQLite throws away when it opens such a file."""
    log = Path(f"{path}-wal").read_bytes()
    os.truncate(path, 0)
    for _ in range(2):
        with pytest.raises(e.StoreCorrupt, match="its log is not") as refused:
            bmaddb.open(path, user=USER)
        assert "salvage" in str(refused.value.hint)
        assert Path(f"{path}-wal").read_bytes() == log
    assert salvage(path, user=USER).entries == TASKS
    assert tasks(path) == TASKS


def test_no_new_database_takes_the_place_of_one_that_is_being_salvaged(path: Path) -> None:
    code = KILLED.format(name="rename", at=2)
    assert subprocess.run([sys.executable, "-c", code, str(path), USER], check=False).returncode == 9
    before = content(path.parent)
    if path.exists():
        path.unlink()
    with pytest.raises(e.StoreError, match="was cut off"):
        bmaddb.open(path, user=USER)
    assert content(path.parent) == {name: held for name, held in before.items() if name != path.name}
    assert salvage(path, user=USER).entries == TASKS


def test_a_file_of_another_version_is_left_alone(path: Path) -> None:
    before = content(path.parent)
    with pytest.raises(e.MigrationError, match="schema version 14, this program knows 15") as refused:
        salvage(path, user=USER, catalog=catalog_with(version=15))
    assert "the catalog it was made with (--catalog)" in str(refused.value.hint)
    assert content(path.parent) == before


def test_of_a_backup_it_makes_a_device_of_its_own(path: Path, tmp_path: Path) -> None:
    with bmaddb.open(path, user=USER) as db:
        device_id = db.device_id
        db.backup(tmp_path / "copy.bak")
    found = salvage(tmp_path / "copy.bak", user=USER)
    assert found.entries == TASKS
    with bmaddb.open(tmp_path / "copy.bak", user=USER) as other:
        assert other.device_id != device_id
        assert (other.query(Task).count(), other.outbox.counts().queued) == (TASKS, TASKS)


def test_tables_that_nobody_declares_are_named(tmp_path: Path) -> None:
    path, own = tmp_path / "own.db", catalog_with(Module(name="own", purpose="tests", records=(Note,)))
    with bmaddb.open(path, user=USER, catalog=own) as db, db.write() as tx:
        tx.insert(Note, title="kept aside")
    found = salvage(path, user=USER)
    assert (found.unread, found.undeclared) == ((), ("notes",))
    os.replace(found.aside, path)
    assert salvage(path, user=USER, catalog=own).undeclared == ()
    with bmaddb.open(path, user=USER, catalog=own) as db:
        assert db.query(Note).one().title == "kept aside"


def test_the_new_file_is_as_open_to_others_as_the_old_one(path: Path) -> None:
    path.chmod(0o600)
    salvage(path, user=USER)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
