"""A first sync that has not ended stops nobody (S6): the application reads what is there and writes beside it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bmaddb.modules.tasks_productivity import Goal, Task
from tests.sync.account import fill
from tests.sync.devices import World
from tests.sync.test_first_sync import streaming, whole


@pytest.mark.parametrize("cut", [False, True])
def test_the_application_reads_and_writes_while_it_runs(world: World, cut: bool) -> None:
    """Between two pages, on a thread of its own; every write commits before the next page is asked for."""
    fill(world, tasks=130, entries=70)
    device, transport = streaming(world)
    seen: list[int] = []
    made: list[str] = []

    def work(number: int) -> None:
        seen.append(device.store.query(Task).where(Task.title != "mine").count())
        with device.store.write() as tx:
            goal = tx.insert(Goal, title=f"goal {number}")
            made.append(tx.insert(Task, title="mine", goal_id=goal.id).id)
        if seen[-1]:
            with device.store.write() as tx:
                row = device.store.query(Task).where(Task.title != "mine").order_by(Task.id).limit(1).all()[0]
                tx.update(row, title=f"edited {number}")

    with ThreadPoolExecutor(1) as pool:

        def between(number: int) -> None:
            done: Future[None] = pool.submit(work, number)
            done.result(30)

        transport.between = between
        transport.cut_after = [4, 2] if cut else []
        report = device.sync()
        assert seen, "there were pages"
    assert seen == sorted(seen)
    assert len([count for count in seen if 0 < count < 130]) > 0, "some rows are of use before all are there"
    transport.between = lambda number: None
    for _ in range(2):
        report = device.sync()
    assert report.ok, (report, device.outbox.parked())
    assert {task.id for task in device.store.query(Task).where(Task.title == "mine").all()} == set(made)
    world.assert_equal(device)
    other, _ = whole(world)
    assert other.store.query(Task).where(Task.title == "mine").count() == len(made)
    assert other.store.query(Task).where(Task.title.contains("edited")).count() >= 1
