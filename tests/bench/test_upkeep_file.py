"""The file that upkeep is measured with can be made: a thousandth of it."""

from __future__ import annotations

from pathlib import Path

from bench.upkeep_file import Filler

from bmaddb.modules.chat_journal import Message
from bmaddb.modules.sync_status import SyncRun
from bmaddb.service.opening import open_database

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


def test_a_small_one_is_made(tmp_path: Path) -> None:
    with open_database(tmp_path / "device.db", user=USER) as db:
        filler = Filler(db, 0.001)
        filler.synced()
        waiting = db.outbox.counts().total
        filler.local()
        assert db.outbox.counts().total == waiting
        filler.unsynced()
        assert db.outbox.counts().total > waiting
        assert db.query(Message).count() > 40
        assert db.query(SyncRun).where(SyncRun.result == "ok").count() == 20
