"""What a health check says of personalisation: in force, gone, held back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bmaddb
from bmaddb.modules.registry import catalog_with
from bmaddb.modules.user_management import UserPreferences
from bmaddb.monitor.health import CheckHealth, State
from bmaddb.service import Database
from bmaddb.testing import ManualClock
from tests.upkeep.shelf import MODULE

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
DAY_MS = 86_400_000
HELD_BACK = """insert into access_statistics (id, subject_kind, hits, weight, last_access_at)
values ('expert/typed', 'expert', 1, 0.25, ?)"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with bmaddb.open(tmp_path / "own.db", user=USER, clock=ManualClock()) as opened:
        yield opened


def check(db: Database, name: str) -> CheckHealth:
    [found] = [one for one in db.health().component("personalisation").checks if one.name == name]
    return found


def held_back(db: Database, until_ms: int) -> None:
    with db.store.maintain("access_statistics") as connection:
        connection.execute(HELD_BACK, (until_ms,))


def test_it_says_what_is_in_force(db: Database) -> None:
    assert check(db, "agreed").reason == "off"
    with db.write() as tx:
        tx.insert(UserPreferences, mbti_optimisation="adaptive")
    asked = check(db, "agreed")
    assert (asked.state, "no consent" in asked.reason, "consent(" in asked.remedy) == (State.HEALTHY, True, True)
    db.personality.consent(text="May we?", version="1")
    db.personality.switch("prior")
    assert check(db, "agreed").reason == "prior"
    assert db.health().component("personalisation").state is State.HEALTHY


def test_it_sees_what_is_left_of_it(db: Database) -> None:
    held_back(db, 0)
    left = check(db, "gone")
    assert (left.state, "still in the file" in left.reason) == (State.DEGRADED, True)
    assert db.personality.standing.mode == "off"  # and it is taken away
    assert check(db, "gone").state is State.HEALTHY


def test_it_says_that_the_type_is_held_back(db: Database) -> None:
    now_ms = db.store.clock.now_ms()
    db.personality.consent(text="May we?", version="1")
    db.personality.switch("prior")
    assert check(db, "guard").reason == ""
    held_back(db, now_ms + 3 * DAY_MS)
    told = check(db, "guard")
    assert (told.state, "held back until" in told.reason) == (State.HEALTHY, True)


def test_without_its_tables_it_is_not_installed(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "shelf.db", user=USER, catalog=catalog_with(MODULE, include_defaults=False)) as db:
        component = db.health().component("personalisation")
        assert not component.installed
        assert component.state is State.HEALTHY
