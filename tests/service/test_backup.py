"""A backup is one moment of the file, whole or not at all; what is restored from it is a file like any other."""

from __future__ import annotations

import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.store import copies
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.service import salvage

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
KEY = bytes(range(32))
PAGE_BYTES = 4096


def filled(path: Path, count: int = 100, **secret: Any) -> bmaddb.Database:
    db = bmaddb.open(path, user=USER, **secret)
    with db.write() as tx:
        tx.insert_many(Task, [{"title": f"task {number}", "notes": "n" * 500} for number in range(count)])
    return db


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("kept", "given"),
    [
        ({}, {}),
        ({}, {"key": KEY}),
        ({"key": KEY}, {}),
        ({"key": KEY}, {"key": bytes(32)}),
        ({"key": KEY}, {"passphrase": "words"}),
        ({"key": KEY}, {"plain": True}),
    ],
    ids=["plain", "plain to key", "key", "key to key", "key to words", "key to plain"],
)
def test_a_backup_opens_with_what_was_asked_for(tmp_path: Path, kept: dict[str, Any], given: dict[str, Any]) -> None:
    with filled(tmp_path / "a.db", **kept) as db:
        db.backup(tmp_path / "b.db", **given)
    opens_with = {name: value for name, value in (given or kept).items() if name != "plain"}
    bmaddb.restore(tmp_path / "b.db", tmp_path / "c.db", **opens_with)
    with bmaddb.open(tmp_path / "c.db", user=USER, **opens_with) as restored:
        assert restored.query(Task).count() == 100
        assert restored.outbox.counts().queued == 1
        assert restored.health().healthy
        assert restored.device_id != db.device_id
    wrong: dict[str, Any] = {"key": b"w" * 32}
    with pytest.raises(e.WrongKey):
        bmaddb.restore(tmp_path / "b.db", tmp_path / "d.db", **wrong)
    assert names(tmp_path) == {"a.db", "b.db", "c.db"}


def test_a_backup_is_not_opened_by_mistake(tmp_path: Path) -> None:
    with filled(tmp_path / "a.db") as db:
        db.backup(tmp_path / "b.db")
    before = (tmp_path / "b.db").read_bytes()
    with pytest.raises(e.StoreError, match="the file is a backup") as caught:
        bmaddb.open(tmp_path / "b.db")
    assert "bmaddb.restore" in str(caught.value.hint)
    assert (tmp_path / "b.db").read_bytes() == before


def test_writers_go_on_and_the_backup_is_one_moment(tmp_path: Path) -> None:
    """Every transaction adds a goal and a task: a backup with more of the one than of the other saw half of one."""
    with filled(tmp_path / "a.db", 2_000, key=KEY) as db:
        over, begun = threading.Event(), threading.Event()
        written = 0

        def write() -> None:
            nonlocal written
            while not over.is_set():
                with db.write() as tx:
                    goal = tx.insert(Goal, title="a")
                    tx.insert(Task, title="of a goal", goal_id=goal.id)
                written += 1
                begun.set()

        thread = threading.Thread(target=write)
        thread.start()
        assert begun.wait(60)
        during = []
        for number in range(3):
            before = written
            db.backup(tmp_path / f"b{number}.db")
            during.append(written - before)
        over.set()
        thread.join()
    assert sum(during) > 0, "somebody must have written meanwhile"
    for number in range(3):
        bmaddb.restore(tmp_path / f"b{number}.db", tmp_path / f"c{number}.db", key=KEY)
        with bmaddb.open(tmp_path / f"c{number}.db", key=KEY) as restored:
            goals = restored.query(Goal).count()
            assert goals == restored.query(Task).where(Task.title == "of a goal").count() > 0
            assert restored.outbox.counts().queued == goals + 1


def told(error: BaseException | None) -> Iterator[str]:
    """Everything an error says, and whatever it came from says."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(getattr(error, "hint", "")))
        yield "".join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("way", ["backup", "backup under another key", "restore", "rekey"])
def test_no_error_tells_the_key(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    far = tmp_path.joinpath(*["d" * 90] * 6)  # SQLite opens no path of so many bytes, and says which
    far.mkdir(parents=True)
    other = bytes(reversed(KEY))
    with filled(tmp_path / "a.db", key=KEY) as db:
        db.backup(tmp_path / "b.db")
        if way == "rekey":
            monkeypatch.setattr(copies, "_REKEYED", "/".join(["-rekeyed", *["d" * 90] * 6]))
            (tmp_path / "a.db-rekeyed").joinpath(*["d" * 90] * 5).mkdir(parents=True)
        acts: dict[str, Callable[[], None]] = {
            "backup": lambda: db.backup(far / "c.db"),
            "backup under another key": lambda: db.backup(far / "c.db", key=other),
            "restore": lambda: bmaddb.restore(tmp_path / "b.db", far / "c.db", key=KEY),
            "rekey": lambda: db.rekey(key=other),
        }
        with pytest.raises(e.StoreError) as caught:
            acts[way]()
    assert "CantOpenError" in caught.value.message
    for text in told(caught.value):
        assert KEY.hex() not in text
        assert other.hex() not in text


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_nothing_is_ever_overwritten(tmp_path: Path, suffix: str) -> None:
    """A log that lies there would be taken for the new file's own."""
    there = tmp_path / f"there.db{suffix}"
    there.write_bytes(b"mine")
    with filled(tmp_path / "a.db") as db:
        db.backup(tmp_path / "b.db")
        for write in (db.backup, lambda path: bmaddb.restore(tmp_path / "b.db", path)):
            with pytest.raises(e.StoreError, match="already"):
                write(tmp_path / "there.db")
    assert there.read_bytes() == b"mine"


def test_a_folder_that_is_not_there_is_said_and_nothing_left(tmp_path: Path) -> None:
    with filled(tmp_path / "a.db") as db, pytest.raises(e.StoreError, match="the copy cannot be written"):
        db.backup(tmp_path / "nowhere" / "b.db")


@pytest.mark.parametrize("secret", [{}, {"key": KEY}], ids=["plain", "key"])
def test_a_damaged_backup_restores_nothing(tmp_path: Path, secret: dict[str, Any]) -> None:
    with filled(tmp_path / "a.db", **secret) as db:
        db.backup(tmp_path / "b.db")
    content = bytearray((tmp_path / "b.db").read_bytes())
    for place in range(5 * PAGE_BYTES, len(content), PAGE_BYTES):
        content[place : place + 64] = SeededEntropy(place).random_bytes(64)
    (tmp_path / "b.db").write_bytes(content)
    with pytest.raises(e.StoreCorrupt):
        bmaddb.restore(tmp_path / "b.db", tmp_path / "c.db", **secret)
    assert names(tmp_path) == {"a.db", "b.db"}


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("words " * 100)
    with pytest.raises(e.StoreCorrupt):
        bmaddb.restore(tmp_path / "words.txt", tmp_path / "c.db")
    with pytest.raises(e.StoreError, match="there is no file"):
        bmaddb.restore(tmp_path / "none.db", tmp_path / "c.db")
    assert names(tmp_path) == {"words.txt"}


def test_a_backup_that_may_only_be_read_is_restored_to_a_file_to_work_with(tmp_path: Path) -> None:
    with filled(tmp_path / "a.db") as db:
        db.backup(tmp_path / "b.db")
    (tmp_path / "b.db").chmod(0o444)
    bmaddb.restore(tmp_path / "b.db", tmp_path / "c.db")
    assert (tmp_path / "c.db").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["a\0.db", "\udcff.db", ":memory:"])
def test_what_is_no_path_of_a_file_is_refused_with_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(e.StoreError):
        bmaddb.open(name, user=USER)
    with filled(tmp_path / "a.db") as db, pytest.raises(e.StoreError):
        db.backup(name)


def test_a_bare_copy_of_a_file_is_restored_as_a_backup_is(tmp_path: Path) -> None:
    with filled(tmp_path / "a.db", key=KEY) as db:
        device = db.device_id
    (tmp_path / "copy.db").write_bytes((tmp_path / "a.db").read_bytes())
    bmaddb.restore(tmp_path / "copy.db", tmp_path / "c.db", key=KEY)
    with bmaddb.open(tmp_path / "c.db", key=KEY) as restored:
        assert restored.device_id != device
        assert restored.query(Task).count() == 100


def test_a_rekeyed_database_goes_on_as_before(tmp_path: Path) -> None:
    with filled(tmp_path / "a.db", key=KEY) as db:
        with pytest.raises(e.SettingsError, match="say one of"):
            db.rekey()
        with pytest.raises(e.SettingsError, match="say one of"):
            db.rekey(key=KEY, plain=True)
        db.rekey(key=bytes(32))
        with db.write() as tx:
            task = tx.insert(Task, title="after")
        assert len(db.outbox.lease(10, 1_000_000)) == 2
        assert db.get(Task, task.id) == task
        with pytest.raises(e.SettingsError, match="plain or has a key"):
            db.backup(tmp_path / "b.db", passphrase="words", plain=True)


@pytest.mark.parametrize("looks", [False, True])
@pytest.mark.parametrize("secret", [{}, {"key": KEY}], ids=["plain", "encrypted"])
def test_a_rekey_takes_along_what_another_process_committed(
    tmp_path: Path, secret: dict[str, Any], looks: bool
) -> None:
    path = tmp_path / "a.db"
    with bmaddb.open(path, user=USER, **secret) as db, db.write() as tx:
        ids = [tx.insert(Task, title=f"task {number}").id for number in range(5)]
    with bmaddb.open(path, user=USER, **secret) as db:
        with db.write() as tx:
            for row_id in ids:
                tx.update(Task, row_id, notes="mine")
        code = f"""
import bmaddb
from bmaddb.modules.tasks_productivity import Task
with bmaddb.open({str(path)!r}, **{secret!r}) as db, db.write() as tx:
    for row_id in {ids!r}:
        tx.update(Task, row_id, notes="theirs")
"""
        subprocess.run([sys.executable, "-c", code], check=True)
        if looks:
            assert {task.notes for task in db.query(Task).all()} == {"theirs"}
        db.rekey(key=b"z" * 32)
        assert {task.notes for task in db.query(Task).all()} == {"theirs"}
        assert db.outbox.counts().queued == 3
    with bmaddb.open(path, key=b"z" * 32) as again:
        assert {task.notes for task in again.query(Task).all()} == {"theirs"}
        assert again.health().file_faults == ()


def test_salvage_of_an_encrypted_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    filled(path, 300, key=KEY).close()
    content = bytearray(path.read_bytes())
    for place in range(len(content) * 8 // 10, len(content) * 9 // 10, PAGE_BYTES):
        content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(e.WrongKey):
        salvage(path, key=bytes(32))
    assert names(tmp_path) == {"a.db"}
    found = salvage(path, key=KEY, user=USER)
    assert found.unread
    assert found.aside.read_bytes() == content
    with bmaddb.open(path, key=KEY, user=USER) as db:
        assert db.health().file_faults == ()
        assert 0 < db.query(Task).count() <= 300
    assert b"task 1" not in path.read_bytes()


@pytest.mark.parametrize(("secret", "rows"), [({"key": KEY}, 300), ({"passphrase": "words"}, 0)], ids=["key", "words"])
def test_salvage_when_the_first_bytes_are_gone(tmp_path: Path, secret: dict[str, Any], rows: int) -> None:
    """A key opens the rest all the same; a passphrase is worth nothing without the salt that was in them."""
    path = tmp_path / "a.db"
    filled(path, 300, **secret).close()
    path.write_bytes(bytes(16) + path.read_bytes()[16:])
    salvage(path, user=USER, **secret)
    with bmaddb.open(path, **secret) as db:
        assert (db.user, db.query(Task).count()) == (USER, rows)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal", "-rekeyed", "-sync"])
def test_a_backup_never_takes_a_name_the_file_needs(tmp_path: Path, suffix: str) -> None:
    with filled(tmp_path / "a.db") as db:
        with pytest.raises((e.SettingsError, e.StoreError)):
            db.backup(tmp_path / f"a.db{suffix}")
        assert db.query(Task).count() == 100
    with pytest.raises((e.SettingsError, e.StoreError)):
        bmaddb.restore(tmp_path / "a.db", tmp_path / f"a.db{suffix}")
    with bmaddb.open(tmp_path / "a.db", user=USER) as again:
        assert again.query(Task).count() == 100
