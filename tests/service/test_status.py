"""`db.status()` and `bmaddb status`: rows, what waits, syncs, and what a monitor saw, in this process or one before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.cli.main import main
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.service.status import MONITOR_KEY, SHAPES_KEPT_MAX
from bmaddb.signals import Committed
from bmaddb.testing import ManualClock
from tests.support.server import USER, RunningServer


def filled(path: Path) -> bmaddb.Database:
    db = bmaddb.open(path, user=USER, clock=ManualClock())
    db.monitor.start()
    with db.write() as tx:
        tx.insert(Goal, title="a")
        for number in range(3):
            tx.insert(Task, title=f"geheim {number}")
    db.query(Task).order_by(Task.title).all()
    with db.monitor.operation("weekly review"):
        pass
    return db


def test_a_status_says_what_is_there(tmp_path: Path) -> None:
    with filled(tmp_path / "a.db") as db:
        status = db.status()
        assert {name: status.rows[name] for name in ("goals", "tasks", "outbox_operations")} == {
            "goals": 1,
            "tasks": 3,
            "outbox_operations": 1,
        }
        assert (status.outbox.queued, status.oldest_waiting_ms) == (1, db.store.clock.now_ms())
        assert status.monitor is not None
        assert status.monitor.recording
        assert (status.runs, status.archived, status.encrypted) == ((), {}, False)
        assert status.usage == db.upkeep.usage()


def test_the_last_syncs_are_told_the_newest_first(server: RunningServer, tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER, url=server.url, token=server.token()) as db:
        with db.write() as tx:
            tx.insert(Goal, title="a")
        for _ in range(6):
            assert db.sync().ok
        runs = db.status().runs
        assert [run.result for run in runs] == ["ok"] * 5
        assert [run.started_at_ms for run in runs] == sorted((run.started_at_ms for run in runs), reverse=True)
        assert all(run.trigger == "manual" and run.duration_ms is not None for run in runs)


def test_what_a_monitor_saw_is_kept_when_it_stops_and_nobody_is_told(tmp_path: Path) -> None:
    db = filled(tmp_path / "a.db")
    told: list[Committed] = []
    db.signals.listen(Committed, told.append)
    db.close()
    assert told == []
    with bmaddb.open(tmp_path / "a.db", user=USER) as again:
        report = again.status().monitor
        assert report is not None
        assert not report.recording
        assert 0 < len(report.shapes) <= SHAPES_KEPT_MAX
        assert report.operations[0].name == "weekly review"
        assert "geheim" not in (again.store.meta_get(MONITOR_KEY) or "")


def test_a_report_of_another_edition_is_no_report(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER) as db:
        assert db.status().monitor is None
        db.store.meta_set(MONITOR_KEY, '{"other": 1}')
        assert db.status().monitor is None


def test_a_monitor_that_cannot_be_kept_is_no_trouble(tmp_path: Path) -> None:
    db = filled(tmp_path / "a.db")
    with db.write():
        db.monitor.stop()  # its report cannot be written inside a write
        with pytest.raises(e.StoreError):
            db.close()
    db.close()
    assert not db.monitor.recording


def test_the_command_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.db"
    filled(path).close()
    assert main(["status", str(path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(f"file: {path}, schema ")
    assert told[1].startswith(f"user: {USER}, device ")
    assert "goals 1" in told[3]
    assert told[4] == "outbox: 1 queued, 0 on their way, 0 parked, the oldest since 2023-11-14 22:13:20"
    assert told[6] == "last syncs: none"
    assert any(line.startswith("  weekly review: 1 times, 0 failed") for line in told)
    assert len([line for line in told if " µs, p95 " in line]) == 5
    assert main(["status", str(path), "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["rows"]["tasks"] == 3
    assert "geheim" not in out
    assert main(["status", str(tmp_path / "nothing.db")]) == 1
