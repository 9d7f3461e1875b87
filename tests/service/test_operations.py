"""Operations on a database with a server: one entry each, sent when asked, and undone everywhere."""

from __future__ import annotations

from pathlib import Path

import bmaddb
from bmaddb.device.atomic import Action, Operation, OuterContext, OuterStep, Rollback, RuleContext, Status, Step
from bmaddb.modules.tasks_productivity import Goal, Task
from tests.support.server import USER, RunningServer


def opened(server: RunningServer, path: Path) -> bmaddb.Database:
    return bmaddb.open(path, user=USER, url=server.url, token=server.token(USER), durability="normal")


def plan(title: str, *more: Step | OuterStep, strategy: Rollback = Rollback.REVERSE) -> Operation:
    def task(context: RuleContext) -> dict[str, object]:
        [goal_id] = context.facts["rows"]["goal"]
        return {"title": title, "goal_id": goal_id}

    steps = (Step("goal", "goals", Action.INSERT, {"title": title}), Step("task", "tasks", Action.INSERT, task))
    return Operation("plan", (*steps, *more), strategy=strategy)


def test_it_is_one_entry_and_is_sent_when_it_is_asked(server: RunningServer, tmp_path: Path) -> None:
    with opened(server, tmp_path / "phone.db") as phone, opened(server, tmp_path / "laptop.db") as laptop:
        assert phone.execute(plan("Slapen")).ok
        assert phone.outbox.counts().queued == 1
        assert phone.execute(plan("Lopen"), sync=True).ok
        assert phone.outbox.counts().total == 0
        batch = phone.execute_batch([plan("Lezen"), plan("x" * 30), plan("Koken")], sync=True)
        assert len(batch.committed) == 3
        assert laptop.sync().ok
        assert laptop.query(Task).count() == laptop.query(Goal).count() == 5


def test_rows_that_were_sent_before_they_are_undone_go_everywhere(server: RunningServer, tmp_path: Path) -> None:
    with opened(server, tmp_path / "phone.db") as phone, opened(server, tmp_path / "laptop.db") as laptop:
        seen: list[int] = []

        def tell(_: OuterContext) -> None:
            assert phone.sync().ok
            assert laptop.sync().ok
            seen.append(laptop.query(Task).count())
            raise ConnectionError("the coach is away")

        result = phone.execute(
            plan("Praten", OuterStep("tell", tell, lambda _: None), strategy=Rollback.COMPENSATE), sync=True
        )
        assert result.status is Status.COMPENSATED
        assert phone.sync().ok
        assert laptop.sync().ok
        assert seen == [1]
        assert laptop.query(Task).count() == laptop.query(Goal).count() == phone.query(Task).count() == 0


def test_being_offline_is_no_failure_of_an_operation(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER, url="http://127.0.0.1:9", token="x.y.z") as db:
        assert db.execute(plan("later"), sync=True).ok
        assert db.outbox.counts().total == 1
    with bmaddb.open(tmp_path / "b.db", user=USER) as alone:
        assert alone.execute(plan("nergens heen"), sync=True).ok


def test_the_monitor_measures_what_an_operation_takes(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER) as db:
        assert db.execute(plan("before anybody looks")).ok
        db.monitor.start()
        assert db.execute(plan("alone")).ok
        with db.monitor.operation("in the review"):
            assert db.execute(plan("inside another")).ok
            assert len(db.execute_batch([plan("one"), plan("two")]).committed) == 2
        review, planned = db.monitor.report().operations
    assert (planned.name, planned.count, planned.failed) == ("operation plan", 4, 0)
    assert planned.measured == 2, "the statements of a batch are those of all its operations"
    assert planned.changes >= 2 * 3  # goal, task and the line of the journal
    assert planned.statements > planned.changes
    assert planned.memory_bytes_max > 0
    assert review.changes >= planned.changes // 2, "it holds what was done inside"
