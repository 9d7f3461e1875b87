"""What is said on one device counts on the other; what was learned on one never gets there."""

from __future__ import annotations

import random
import struct
from pathlib import Path

from bench.personality.equal import fill, ready

import bmaddb
from bmaddb.modules.analytics_tracking import AccessStatistic
from bmaddb.modules.user_management import MbtiProfile
from bmaddb.personality import prior_shares
from bmaddb.service import Database
from tests.support.server import USER, RunningServer


def opened(folder: Path, server: RunningServer) -> Database:
    folder.mkdir()
    return bmaddb.open(folder / "own.db", user=USER, url=server.url, token=server.token(USER))


def bytes_of(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in sorted(folder.iterdir()) if one.is_file())


def test_consent_and_profile_travel_and_what_was_learned_does_not(tmp_path: Path, server: RunningServer) -> None:
    one, other = opened(tmp_path / "one", server), opened(tmp_path / "other", server)
    with one, other:
        fill(one, random.Random(1), 60)
        assert one.sync().ok
        ready(one, "ISFP", "prior")
        for _ in range(5):
            one.personality.begin_session()
            for row in one.personality.open("tasks")[:5]:
                one.personality.get(type(row), row.id)
        one.personality.save()
        assert one.query(AccessStatistic).count() > 20
        assert other.personality.standing.mode == "off"
        assert one.sync().ok
        assert other.sync().ok
        assert other.personality.standing == one.personality.standing
        assert other.personality.standing.profile.code == "ISFP"
        assert other.query(AccessStatistic).count() == 0
        assert other.personality.begin_session().rows > 0
        other.personality.save()
        marks = [struct.pack(">d", share) for share in prior_shares("ISFP", other.personality.standing.weight)]
        there = bytes_of(tmp_path / "other")
        assert all(mark in there for mark in marks)
        assert b"ISFP" in there

        one.personality.withdraw()
        assert one.sync().ok
        assert other.sync().ok
        assert other.personality.standing.mode == "off"
        assert not other.personality.standing.consented
        assert [row.source for row in other.query(MbtiProfile).all()] == ["declined"]
        for folder in ("one", "other"):
            left = bytes_of(tmp_path / folder)
            assert not [mark for mark in marks if mark in left]
            assert b"expert/typed" not in left


def test_what_was_withdrawn_while_nobody_listened_is_forgotten_at_the_next_look(
    tmp_path: Path, server: RunningServer
) -> None:
    with opened(tmp_path / "one", server) as one:
        with opened(tmp_path / "other", server) as other:
            fill(other, random.Random(1), 40)
            ready(other, "ESTJ", "prior")
            other.personality.open("tasks")
            assert other.sync().ok
        one.sync()
        one.personality.withdraw()
        assert one.sync().ok
    path = tmp_path / "other" / "own.db"
    with bmaddb.open(path, user=USER, url=server.url, token=server.token(USER)) as other:
        assert other.sync().ok
        assert other.query(AccessStatistic).count() > 0
        assert other.personality.standing.mode == "off"
        assert other.query(AccessStatistic).count() == 0
        assert b"expert/typed" not in bytes_of(path.parent)


def test_only_an_order_of_tables_tells_of_it_in_a_pull(tmp_path: Path, server: RunningServer) -> None:
    with opened(tmp_path / "one", server) as db:
        fill(db, random.Random(1), 10)
        ready(db, "INTJ", "prior")
        wishes = db.personality.table_wishes()
        assert len(wishes) <= 12
        assert set(wishes) <= {table.name for table in db.catalog.synced_tables}
        assert db.sync().ok
        db.personality.switch("off")
        assert db.sync().ok
