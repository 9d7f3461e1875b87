"""What is known of use is written down in between: a process that is killed has lost little, and off stays off."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.personality.equal import fill, ready

import bmaddb
from bmaddb.modules.tasks_productivity import Task
from bmaddb.personality import memory
from bmaddb.personality.memory import SAVE_ACCESSES, SAVE_ACCESSES_MAX
from bmaddb.service import Database

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
USE_AND_DIE = """
import os, random, signal, sys
import bmaddb
from bench.personality.equal import USER, fill, ready
from bmaddb.modules.tasks_productivity import Task

db = bmaddb.open(sys.argv[1], user=USER)
fill(db, random.Random(1), 60)
ready(db, "ESTJ", "prior")
for _ in range(100):
    db.personality.begin_session()
    for row in db.personality.open("tasks")[:20]:
        db.personality.get(Task, row.id)
        if db.personality._memory._accesses >= int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
    db.personality.idle()
"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with bmaddb.open(tmp_path / "own.db", user=USER) as opened:
        fill(opened, random.Random(1), 60)
        ready(opened, "ESTJ", "prior")
        yield opened


def kept(db: Database) -> int:
    return int(db.sql("select count(*) from access_statistics where subject_kind = 'query'")[0][0])


def get_rows(db: Database, accesses: int) -> None:
    ids = db.query(Task).ids()
    for number in range(accesses):
        db.personality.get(Task, ids[number % len(ids)])


@pytest.mark.parametrize(("accesses", "learnt"), [(SAVE_ACCESSES // 2, False), (SAVE_ACCESSES + 40, True)])
def test_a_killed_process_has_lost_no_more_than_the_last_accesses(tmp_path: Path, accesses: int, learnt: bool) -> None:
    path = tmp_path / "own.db"
    died = subprocess.run([sys.executable, "-c", USE_AND_DIE, str(path), str(accesses)], check=False, timeout=120)
    assert died.returncode == -signal.SIGKILL
    with bmaddb.open(path, user=USER) as db:
        assert db.personality.standing.mode == "prior"
        assert (db.personality.why("tasks").from_use > 0.3) == learnt
        assert (kept(db) > 10) == learnt


def test_who_is_never_idle_is_saved_all_the_same(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SAVE_ACCESSES < SAVE_ACCESSES_MAX
    monkeypatch.setattr(memory, "SAVE_ACCESSES_MAX", 50)
    db.personality.open("tasks")
    get_rows(db, 48)
    assert kept(db) == 0
    get_rows(db, 1)
    assert kept(db) > 10


def test_nothing_is_saved_in_the_middle_of_a_write_or_a_snapshot(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SAVE_ACCESSES_MAX", 50)
    db.personality.open("tasks")
    with db.write() as tx:
        task = tx.insert(Task, title="in the middle")
        get_rows(db, 60)
        assert kept(db) == 0
    with db.read():
        get_rows(db, 10)
        assert kept(db) == 0
    assert db.personality.get(Task, task.id) == task
    assert kept(db) > 10


def test_what_another_process_switched_off_is_not_written_again(db: Database, tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "own.db", user=USER) as other:
        other.personality.open("tasks")
        get_rows(other, 30)
        assert other.personality.save() > 10
        db.personality.switch("off")
        assert kept(db) == 0
        get_rows(other, 30)
        assert other.personality.save() == 0
    assert kept(db) == 0, "nor when it closes"
