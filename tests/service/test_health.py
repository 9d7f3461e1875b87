"""Health: each check made ill, what it says then, and what becomes of checks that others register or that break."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.cli.main import main
from bmaddb.device.upkeep import UpkeepPolicy
from bmaddb.modules.tasks_productivity import Task
from bmaddb.monitor.health import CHECKS_MAX, CheckHealth, Finding, HealthRegistry, State, worst
from bmaddb.service.health_checks import DISK_FULL_BYTES, DISK_LOW_BYTES
from bmaddb.signals import SyncEnded
from bmaddb.testing import ManualClock
from tests.support.golden import assert_golden
from tests.support.server import RunningServer

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
NOW_MS = ManualClock().now_ms()
DAY_MS = 86_400_000
RUN = "insert into sync_runs (id, trigger, started_at, result, error_code) values (?, 'timer', ?, ?, ?)"
OPERATION = """insert into operation_journal (id, op_type, rollback_strategy, status, started_at)
values ('o', 'move', 'compensating_transactions', ?, ?)"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[bmaddb.Database]:
    with bmaddb.open(tmp_path / "a.db", user=USER, clock=ManualClock()) as opened:
        yield opened


def check(db: bmaddb.Database, component: str, name: str) -> CheckHealth:
    [found] = [one for one in db.health().component(component).checks if one.name == name]
    return found


def does(db: bmaddb.Database, sql: str, *values: Any) -> None:
    with db.store.apply("local") as connection:
        connection.execute("pragma defer_foreign_keys = on")
        connection.execute(sql, values)


def ran(db: bmaddb.Database, *results: tuple[str, str | None]) -> None:
    for place, (result, code) in enumerate(results):
        does(db, RUN, f"run-{place}", NOW_MS + place, result, code)


def test_a_new_database_is_healthy_in_everything(db: bmaddb.Database) -> None:
    health = db.health()
    assert health.state is State.HEALTHY
    assert [component.component for component in health.components] == [
        "database",
        "sync",
        "transactions",
        "monitoring",
        "personalisation",
        "modules",
    ]
    assert len(health.component("modules").checks) == 12
    assert [one.name for one in health.component("personalisation").checks] == ["agreed", "gone", "guard"]
    assert check(db, "personalisation", "agreed").reason == "off"
    assert check(db, "monitoring", "recording").reason == "off"


class Ill(NamedTuple):
    component: str
    check: str
    state: State
    says: str
    sql: str
    values: tuple[Any, ...] = ()


ILLS = [
    Ill("transactions", "journal", State.FAILING, "neither finished nor undone", OPERATION, ("failed", NOW_MS)),
    Ill("transactions", "journal", State.DEGRADED, "cut off", OPERATION, ("running", NOW_MS - DAY_MS)),
    Ill("transactions", "journal", State.HEALTHY, "", OPERATION, ("running", NOW_MS)),
    Ill("transactions", "journal", State.HEALTHY, "", OPERATION, ("compensated", NOW_MS - DAY_MS)),
    Ill("sync", "clock", State.DEGRADED, "48 hours ahead", RUN, ("r", NOW_MS + 2 * DAY_MS, "ok", None)),
    Ill("sync", "runs", State.DEGRADED, "failed (B-502)", RUN, ("r", NOW_MS, "failed", "B-502")),
    Ill("sync", "runs", State.HEALTHY, "", RUN, ("r", NOW_MS, "offline", "B-501")),
    Ill("sync", "runs", State.DEGRADED, "failed (B-502)", RUN, ("r", NOW_MS, "offline", "B-502")),
    Ill("modules", "chatJournal", State.FAILING, "incomplete: mood_checkins is not there", "drop table mood_checkins"),
]


@pytest.mark.parametrize("ill", ILLS, ids=lambda ill: f"{ill.check}-{ill.state}-{ill.says[:12]}")
def test_a_check_says_what_is_the_matter(db: bmaddb.Database, ill: Ill) -> None:
    does(db, ill.sql, *ill.values)
    said = check(db, ill.component, ill.check)
    assert said.state is ill.state
    assert ill.says in said.reason
    assert bool(said.remedy) is (ill.state is not State.HEALTHY)
    assert db.health().state is ill.state


def test_a_token_that_the_server_refuses_is_an_illness(server: RunningServer, tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER, url=server.url, token="no.such.token") as db:
        told: list[str | None] = []
        db.signals.listen(SyncEnded, lambda fact: told.append(fact.error_code))
        report = db.sync()
        assert (report.ok, report.error_code) == (False, "B-502")
        assert told == ["B-502"]
        said = check(db, "sync", "runs")
        assert (said.state, said.reason) == (State.DEGRADED, "the last sync failed (B-502)")
        for _ in range(2):
            db.sync()
        said = check(db, "sync", "runs")
        assert said.state is State.FAILING
        assert "a new token" in said.remedy


def test_three_failed_syncs_are_failing_and_one_good_one_is_well(db: bmaddb.Database) -> None:
    ran(db, ("failed", "B-502"), ("failed", "B-502"), ("offline", "B-501"), ("failed", None))
    assert check(db, "sync", "runs").state is State.FAILING
    does(db, RUN, "last", NOW_MS + 10, "partial", None)
    assert check(db, "sync", "runs").state is State.HEALTHY


def test_what_waits_for_a_week_is_degraded(tmp_path: Path) -> None:
    clock = ManualClock()
    with bmaddb.open(tmp_path / "b.db", user=USER, clock=clock) as db:
        with db.write() as tx:
            tx.insert(Task, title="a")
        assert check(db, "sync", "waiting") == CheckHealth(
            name="waiting", state=State.HEALTHY, reason="1 entries wait for the server", remedy=""
        )
        clock.advance(8 * DAY_MS)
        assert check(db, "sync", "waiting").reason == "1 entries wait for the server, the oldest for 8 days"
        assert check(db, "sync", "waiting").state is State.DEGRADED


def test_parked_entries_and_conflicts_are_told(db: bmaddb.Database) -> None:
    with db.write() as tx:
        tx.insert(Task, title="a")
    does(db, "update outbox_operations set status = 'parked'")
    assert (check(db, "sync", "parked").state, db.health().outbox.parked) == (State.DEGRADED, 1)
    assert not db.health().healthy
    conflict = "insert into sync_conflicts (id, table_name, row_id, policy, resolved_by, needs_attention, detected_at)"
    does(db, f"{conflict} values ('c', 'tasks', 't', 'LWW', 'rule', 1, 0)")
    assert check(db, "sync", "conflicts").state is State.HEALTHY
    assert check(db, "sync", "conflicts").reason == "1 conflicts to look at"


def test_a_broken_reference_is_degraded(db: bmaddb.Database) -> None:
    with db.store.alone() as connection:
        connection.pragma("foreign_keys", False)
    with db.write() as tx:
        task = tx.insert(Task, title="a")
    does(db, "update tasks set goal_id = 'nobody' where id = ?", task.id)
    assert check(db, "database", "references").state is State.DEGRADED
    assert db.health().broken_references == 1


@pytest.mark.parametrize(
    ("free", "state"),
    [
        (DISK_LOW_BYTES, State.HEALTHY),
        (DISK_LOW_BYTES - 1, State.DEGRADED),
        (DISK_FULL_BYTES - 1, State.FAILING),
    ],
)
def test_a_full_disk_is_seen(db: bmaddb.Database, monkeypatch: pytest.MonkeyPatch, free: int, state: State) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    assert check(db, "database", "disk").state is state


def test_a_file_over_its_budget_is_degraded(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "c.db", user=USER, upkeep=UpkeepPolicy(budget_bytes=1000)) as db:
        said = check(db, "database", "budget")
        assert said.state is State.DEGRADED
        assert "of its budget" in said.reason


def test_alarms_of_the_monitor_are_degraded(db: bmaddb.Database) -> None:
    db.monitor.start()
    assert check(db, "monitoring", "recording").reason == ""
    for _ in range(3):
        db.signals.emit(SyncEnded(result="failed", error_code="B-502"))
    assert check(db, "monitoring", "recording").state is State.DEGRADED
    assert check(db, "monitoring", "recording").reason == "failed syncs in a row"


def test_others_register_their_own_and_a_check_that_breaks_is_failing(db: bmaddb.Database) -> None:
    checks = db.health_checks
    checks.register("personalisation", "policies", lambda: Finding(state=State.DEGRADED, reason="no type is known"))
    checks.register("shop", "stock", lambda: Finding(reason=str(1 // 0)))
    with pytest.raises(e.SettingsError):
        checks.register("shop", "stock", Finding)
    health = db.health()
    assert health.component("personalisation").state is State.DEGRADED
    [stock] = health.component("shop").checks
    assert (stock.state, stock.reason) == (State.FAILING, "the check itself failed: ZeroDivisionError")


def test_the_checks_have_an_end() -> None:
    registry = HealthRegistry()
    for number in range(CHECKS_MAX):
        registry.register("many", str(number), Finding)
    with pytest.raises(e.SettingsError, match="already"):
        registry.register("many", "one more", Finding)


def test_the_worst_wins() -> None:
    assert worst(()) is State.HEALTHY
    assert worst((State.DEGRADED, State.HEALTHY)) is State.DEGRADED
    assert worst((State.DEGRADED, State.FAILING, State.HEALTHY)) is State.FAILING


def test_the_command_says_it_with_its_exit_code(
    db: bmaddb.Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.db")
    assert main(["health", path, "--json"]) == 0
    assert_golden("health.json", capsys.readouterr().out)
    with db.write() as tx:
        tx.insert(Task, title="a")
    does(db, "update outbox_operations set status = 'parked'")
    assert main(["health", path]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["healthy", "database"]
    assert [line for line in told if "degraded" in line] == [
        "degraded sync",
        "  degraded parked: 1 entries are parked: the server refused them, or what they depend on"
        " -> `bmaddb outbox FILE` says why; retry, edit or discard them",
    ]
    does(db, "drop table mood_checkins")
    assert main(["health", path, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["state"] == "failing"


def test_a_file_that_does_not_open_is_failing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.db"
    bmaddb.open(path, user=USER, key=bytes(32)).close()
    assert main(["health", str(path)]) == 2
    assert "[B-308]" in capsys.readouterr().out
    path.write_bytes(b"no database at all" * 1000)
    assert main(["health", str(path), "--json"]) == 2
    [component] = json.loads(capsys.readouterr().out)["components"]
    assert component["checks"][0]["name"] == "opens"
    capsys.readouterr()
    (tmp_path / "empty.db").touch()
    for words, told in (
        (["nothing.db"], "there is no file"),
        (["empty.db"], "is empty: no database"),
        (["a.db", "--catalog", "json:dumps"], "is not a Catalog"),
    ):
        assert main(["health", str(tmp_path / words[0]), *words[1:]]) == 2, "1 is for degraded, and nothing else"
        assert told in capsys.readouterr().out


def damage(path: Path, table: str) -> None:
    """Make a file whose first page of that table holds no sense."""
    with bmaddb.open(path, user=USER) as db:
        with db.write() as tx:
            for number in range(500):
                tx.insert(Task, title=f"task {number}" * 20)
        with db.store.alone() as connection:
            connection.execute("pragma wal_checkpoint(truncate)").fetchall()
            [(page,)] = connection.execute("select rootpage from sqlite_schema where name = ?", (table,))
            [(size,)] = connection.execute("pragma page_size")
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_a_damaged_outbox_is_failing_and_every_part_says_so(tmp_path: Path) -> None:
    damage(tmp_path / "a.db", "outbox_operations")
    with bmaddb.open(tmp_path / "a.db", user=USER) as db:
        assert check(db, "database", "file").state is State.FAILING
        for part in (db.status, db.outbox.counts, db.outbox.entries):
            with pytest.raises(e.StoreCorrupt):
                part()
        assert not db.integrity().ok


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_file_that_is_not_there_any_more_is_failing(db: bmaddb.Database, how: str) -> None:
    assert db.health().healthy
    path = Path(db.store.path)
    path.unlink() if how == "deleted" else shutil.move(shutil.copy(path, f"{path}.copy"), path)
    said = check(db, "database", "file")
    assert said.state is State.FAILING
    assert "moved, replaced or deleted" in said.reason


def test_damaged_pages_are_failing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    damage(path, "tasks")
    with bmaddb.open(path, user=USER) as db:
        said = check(db, "database", "file")
        assert said.state is State.FAILING
        assert "faults in the file" in said.reason
        assert check(db, "modules", "tasksProductivity").state is State.FAILING
