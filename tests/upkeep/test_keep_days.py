"""Rows that are to be kept for so many days only leave the device, though its budget has room."""

from __future__ import annotations

from pathlib import Path

from bmaddb.device.upkeep import CleanUp, Ended, UpkeepPolicy, UpkeepReport, stubs
from tests.upkeep.files import fill, held, look, opened
from tests.upkeep.shelf import ORDER, Event, Letter, Reading, Room

KEPT_DAYS = 2 * 366
"""The rows of the file are as old: what is to be kept for longer stays."""


def clean(path: Path, keep_days: dict[str, int]) -> UpkeepReport:
    with opened(path) as (store, outbox):
        return CleanUp(store, outbox, UpkeepPolicy(order=ORDER, keep_days=keep_days)).run()


def test_old_rows_leave_and_what_waits_stays(tmp_path: Path) -> None:
    fill(tmp_path / "f.db", 30)
    before = look(tmp_path / "f.db")
    report = clean(tmp_path / "f.db", {"letters": 30, "events": 7, "readings": 7, "nowhere": 7})
    assert report.ended is Ended.NOT_NEEDED
    assert {step.name: step.rows for step in report.steps} == {
        "events for 7 days": 30,
        "letters for 30 days": 28,  # one was edited and waits for the server, and one is answered by it
        "readings": 30,
    }
    with opened(tmp_path / "f.db") as (store, _), store.read() as connection:
        assert stubs.counts(connection) == {"letters": (28, 28), "events": (30, 0)}
        assert (store.query(Letter).count(), store.query(Event).count(), store.query(Reading).count()) == (3, 0, 0)
        assert store.query(Room).count() == 1
    held(tmp_path / "f.db", before)


def test_younger_rows_and_other_tables_stay(tmp_path: Path) -> None:
    fill(tmp_path / "f.db", 10)
    before = look(tmp_path / "f.db")
    assert clean(tmp_path / "f.db", {}).steps == ()
    report = clean(tmp_path / "f.db", {"letters": KEPT_DAYS + 1, "events": KEPT_DAYS + 1, "readings": KEPT_DAYS + 1})
    assert [step.rows for step in report.steps if step.rows] == []
    assert look(tmp_path / "f.db") == before
