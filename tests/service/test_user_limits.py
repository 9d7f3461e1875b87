"""What the user set of the file is done: its size, how long rows stay; and the rules know what the device is like."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bmaddb
from bmaddb.coaching import operations as ops
from bmaddb.device.atomic import OperationResult
from bmaddb.device.upkeep import UpkeepPolicy
from bmaddb.modules.tasks_productivity import Task
from bmaddb.service.device_facts import DeviceFacts
from bmaddb.testing import ManualClock
from tests.coaching.acts import onboarding
from tests.coaching.ground import NOW_MS, grant_sessions
from tests.support.server import USER

MB = 1_000_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[bmaddb.Database]:
    with bmaddb.open(tmp_path / "a.db", user=USER, seed=True, clock=ManualClock(NOW_MS)) as made:
        made.execute(ops.user_onboarding(onboarding())).raise_failure()
        grant_sessions(made.store)
        yield made


def setting(db: bmaddb.Database, **changes: Any) -> OperationResult:
    result = db.execute(ops.change_settings(changes))
    result.raise_failure()
    return result


def session(db: bmaddb.Database) -> OperationResult:
    return db.execute(ops.coaching_session(ops.SessionPlan(session={"kind": "regular", "coach_kind": "self"})))


def rules(result: OperationResult) -> set[str]:
    return set() if result.failure is None else {found.rule for found in result.failure.violations}


def fill(db: bmaddb.Database, megabytes: int) -> None:
    for _ in range(megabytes):
        with db.write() as tx:
            tx.insert(Task, title="much to do", notes="x" * MB)


# -- the budget ------------------------------------------------------------------------------------------------


def test_the_limit_a_user_sets_is_the_budget(db: bmaddb.Database) -> None:
    assert db.upkeep.usage().budget_bytes == 100 * MB
    setting(db, storage_limit_mb=20)
    assert db.upkeep.usage().budget_bytes == 20 * MB
    setting(db, storage_limit_mb=500)
    assert db.upkeep.usage().budget_bytes == 500 * MB
    assert db.upkeep.run().before.budget_bytes == 500 * MB
    assert db.upkeep.run(7 * MB).before.budget_bytes == 7 * MB


def test_of_two_limits_the_smaller_counts(tmp_path: Path) -> None:
    policy = UpkeepPolicy(budget_bytes=50 * MB, batch_rows_max=7)
    with bmaddb.open(tmp_path / "b.db", user=USER, seed=True, upkeep=policy, clock=ManualClock(NOW_MS)) as db:
        assert db.upkeep.policy == policy
        db.execute(ops.user_onboarding(onboarding())).raise_failure()
        assert db.upkeep.policy == policy
        setting(db, storage_limit_mb=20)
        assert (db.upkeep.policy.budget_bytes, db.upkeep.policy.batch_rows_max) == (20 * MB, 7)


def test_a_limit_that_came_out_of_bounds_counts_as_the_bound(db: bmaddb.Database) -> None:
    with db.store.apply() as connection:
        connection.execute("update user_preferences set storage_limit_mb = 1000000")
    assert db.upkeep.usage().budget_bytes == 2_000 * MB


def test_without_a_user_or_the_settings_the_applications_policy_stands(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "c.db") as nobody:
        assert nobody.upkeep.policy == UpkeepPolicy()
    with bmaddb.open(tmp_path / "d.db", user=USER, modules=()) as bare:
        assert bare.upkeep.policy == UpkeepPolicy()


# -- how long rows stay ----------------------------------------------------------------------------------------


def test_rows_stay_as_long_as_the_user_wants_them(db: bmaddb.Database) -> None:
    with db.write() as tx:
        tx.insert(Task, id="old", title="Long ago")
    with db.store.apply() as connection:  # as if it were on the server
        connection.execute("update tasks set server_seq = 1")
        connection.execute("delete from outbox_operations")
        connection.execute(
            "insert into sync_cursors (id, stream, cursor, schema_version) values ('native', 'native', '9', ?)",
            (db.catalog.version,),
        )
    clock = db.store.clock
    assert isinstance(clock, ManualClock)
    clock.advance(20 * 86_400_000)
    setting(db, retention_overrides={"tasks": 30})
    assert db.upkeep.policy.keep_days == {"tasks": 30}
    assert db.upkeep.run().rows == 0
    setting(db, retention_overrides={"tasks": 14})
    assert db.upkeep.run().rows == 1
    assert db.upkeep.archived_ids(Task) == ["old"]
    assert db.get(Task, "old") is not None, "it comes back when it is asked for"


def test_what_is_no_shortening_is_left_out(db: bmaddb.Database) -> None:
    with db.store.apply() as connection:
        connection.execute(
            "update user_preferences set retention_overrides = "
            """'{"tasks": 99999, "messages": 1, "consent_records": 30, "nowhere": 30, "habit_logs": "x"}'"""
        )
    assert db.upkeep.policy.keep_days == {"messages": 7}


# -- what the rules are told -----------------------------------------------------------------------------------


def test_a_full_file_takes_no_session_and_says_what_would_have_to_go(db: bmaddb.Database) -> None:
    fill(db, 20)
    setting(db, theme="dark")
    assert rules(session(db)) == set()
    warned = setting(db, storage_limit_mb=20).warnings
    assert [(found.rule, found.column) for found in warned if found.rule == "P10"] == [("P10", "storage_limit_mb")]
    assert rules(session(db)) == {"S6", "S7"}


def test_a_full_disk_takes_no_session(db: bmaddb.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    total = shutil.disk_usage(Path.cwd())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: total._replace(free=2 * 1024 * 1024 - 1))
    assert rules(session(db)) == {"S7"}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: total._replace(free=2 * 1024 * 1024))
    assert rules(session(db)) == set()


def test_a_clock_that_was_set_back_is_said(db: bmaddb.Database) -> None:
    clock = db.store.clock
    assert isinstance(clock, ManualClock)
    clock.advance(-4 * 60_000)
    begun = session(db)
    assert begun.ok
    assert "S8" not in {found.rule for found in begun.warnings}
    db.execute(ops.change_session(begun.ids("create_session_record")[0], changes={"status": "paused"})).raise_failure()
    clock.advance(-6 * 60_000)
    assert "S8" in {found.rule for found in session(db).warnings}


def test_a_model_elsewhere_is_out_of_reach_without_a_network(db: bmaddb.Database) -> None:
    def warned(facts: dict[str, Any]) -> bool:
        plan = ops.SessionPlan(session={"kind": "regular", "coach_kind": "ai"}, facts=facts)
        result = db.execute(ops.coaching_session(plan))
        said = {found.rule for found in (*result.warnings, *(result.failure.violations if result.failure else ()))}
        return "S9" in said

    assert warned({}), "no server is set"
    assert not warned({"model_on_device": True})
    assert not warned({"model_reachable": True})


def test_a_sync_of_a_clock_that_ran_ahead_does_not_say_what_the_network_is_like(db: bmaddb.Database) -> None:
    facts = DeviceFacts(db.store, db.outbox, db.upkeep.usage, has_server=True)

    def ran(name: str, at_ms: int, result: str) -> None:
        sql = "insert into sync_runs (id, trigger, started_at, result) values (?, 'timer', ?, ?)"
        with db.store.apply("local") as connection:
            connection.execute(sql, (name, at_ms, result))

    assert facts.facts()["model_reachable"]
    ran("a", NOW_MS - 1000, "offline")
    assert not facts.facts()["model_reachable"]
    ran("b", NOW_MS - 500, "ok")
    ran("c", NOW_MS + 3_600_000, "offline")
    assert facts.facts()["model_reachable"]


def test_what_the_application_says_itself_counts_before_it(db: bmaddb.Database) -> None:
    plan = ops.SessionPlan(session={"kind": "regular", "coach_kind": "self"}, facts={"storage_free_bytes": 0})
    assert rules(db.execute(ops.coaching_session(plan))) == {"S7"}
