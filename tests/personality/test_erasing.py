"""What is to be erased when it is switched off, and cannot be yet, is erased at the next chance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest
from bench.personality.equal import fill, ready

from bmaddb.device.store.connection import BUSY_WAIT_MS_MAX
from bmaddb.device.store.hooks import CommitFact
from bmaddb.personality.desk import Personality
from bmaddb.service import Database
from tests.personality.test_desk import bytes_of, marks_of, use


@pytest.mark.parametrize("then", ["the next session", "stop", "the next opening"])
def test_off_while_another_process_writes_is_erased_at_the_next_chance(path: Path, db: Database, then: str) -> None:
    """Said on another device, it came by sync; the other process held the file for longer than one waits."""
    taught(db)
    with busy_file(path, db):
        say(db, "off")
        assert db.personality.standing.mode == "off"
        db.personality.begin_session()
    assert kept(db) > 0, "or nobody was in the way"
    if then == "the next session":
        db.personality.begin_session()
    elif then == "stop":
        db.personality.stop()
    else:
        Personality(db.store)
    assert kept(db) == 0
    assert not [mark for mark in marks_of("ESTJ", 0.25 * 0.35) if mark in bytes_of(path)]


def test_on_again_begins_with_nothing_of_what_was_to_be_erased(path: Path, db: Database) -> None:
    taught(db)
    with busy_file(path, db):
        say(db, "off")
    assert kept(db) > 0, "or nobody was in the way"
    say(db, "prior")
    assert db.personality.standing.mode == "prior"
    assert kept(db) == 0
    use(db)
    assert db.personality.save() == kept(db) > 0
    db.personality.stop()
    assert kept(db) > 0, "what was learned since is not erased"


def taught(db: Database) -> None:
    fill(db, random.Random(1), 40)
    ready(db, "ESTJ", "prior")
    use(db)
    db.personality.save()


def say(db: Database, mode: str) -> None:
    """As a sync writes it."""
    with db.store.apply() as connection:
        connection.execute("update user_preferences set mbti_optimisation = ?", (mode,))


def kept(db: Database) -> int:
    return int(db.sql("select count(*) from access_statistics")[0][0])


@contextmanager
def busy_file(path: Path, db: Database) -> Iterator[None]:
    """Whoever writes here has lost the file to another process when the write is over; nobody waits for that one."""
    other = apsw.Connection(str(path))

    def take(fact: CommitFact) -> None:
        if not other.in_transaction:
            other.execute("begin immediate")

    db.store.after_commit.insert(0, take)
    db.store.writing_connection.set_busy_timeout(0)
    with closing(other):
        yield
        db.store.after_commit.remove(take)
        other.execute("rollback")
    db.store.writing_connection.set_busy_timeout(BUSY_WAIT_MS_MAX)
