"""The asyncio facade: the same answers, off the event loop, whole transactions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import bmaddb.aio
from bmaddb import errors as e
from bmaddb.device.atomic import (
    Action,
    Bounds,
    Cancellation,
    Operation,
    OuterContext,
    OuterStep,
    ResumeReport,
    Rollback,
    RuleContext,
    Status,
    Step,
)
from bmaddb.device.store import WriteTransaction
from bmaddb.modules.tasks_productivity import Task

WAIT_S_MAX = 30
USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


def test_every_operation_is_off_the_loop_and_answers_alike(tmp_path: Path) -> None:
    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            task = await db.write(lambda tx: tx.insert(Task, title="lopen"))
            assert await db.run(threading.get_ident) != threading.get_ident()
            query = db.query(Task).where(Task.title == "lopen")
            assert await db.all(query) == [await db.first(query)] == [await db.one(query)] == [task]
            assert await db.one_or_none(query) == await db.get(Task, task.id) == task
            assert (await db.count(query), await db.exists(query)) == (1, True)
            assert (await db.search(Task, "gelopen", limit=3))[0].record == task
            assert await db.sql("select count(*) from tasks") == [(1,)]
            await db.export(tmp_path / "all.zip")
            assert (await db.import_from(tmp_path / "all.zip")).same == 1
            with pytest.raises(e.QueryError):
                await db.nearest(Task, [1.0])
            with pytest.raises(e.SettingsError):
                await db.sync()
            with pytest.raises(e.SettingsError):
                await db.verify()
        with pytest.raises(e.StoreError, match="closed"):
            await db.count(query)

    asyncio.run(main())


def test_a_write_that_raises_is_undone_and_one_nobody_awaits_is_finished(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def failing(tx: WriteTransaction) -> None:
        tx.insert(Task, title="undone")
        raise KeyError

    def slow(tx: WriteTransaction) -> None:
        tx.insert(Task, title="kept")
        begun.set()
        assert go_on.wait(60)

    async def main() -> list[str]:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            with pytest.raises(KeyError):
                await db.write(failing)
            waiting = asyncio.create_task(db.write(slow))
            await asyncio.to_thread(begun.wait, 60)
            waiting.cancel()
            assert await db.count(db.query(Task)) == 0, "readers do not wait for a writer"
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await db.write(lambda tx: None)  # behind the other
            return [task.title for task in await db.all(db.query(Task))]

    assert asyncio.run(main()) == ["kept"]


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("this is no database, but long enough to look at" * 30)
    with pytest.raises(e.StoreError):
        asyncio.run(bmaddb.aio.open(tmp_path / "a.db"))


def named(title: str, seen: Callable[[], None] = lambda: None) -> Operation:
    def row(_: RuleContext) -> dict[str, object]:
        seen()
        return {"title": title}

    return Operation("add", (Step("task", "tasks", Action.INSERT, row),))


def test_operations_are_awaited_and_who_goes_away_calls_them_off(tmp_path: Path) -> None:
    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            assert (await db.execute(named("een"))).ok
            batch = await db.execute_batch([named("twee"), named("drie")])
            assert len(batch.committed) == 2
            assert await db.resume({}) == ResumeReport()
            begun, go_on = asyncio.Event(), threading.Event()
            loop = asyncio.get_running_loop()

            def seen() -> None:
                loop.call_soon_threadsafe(begun.set)
                assert go_on.wait(WAIT_S_MAX)

            waiting = asyncio.create_task(db.execute(named("nooit", seen)))
            await asyncio.wait_for(begun.wait(), WAIT_S_MAX)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            go_on.set()
        with bmaddb.open(tmp_path / "a.db", user=USER) as again:
            assert sorted(task.title for task in again.query(Task).all()) == ["drie", "een", "twee"]

    asyncio.run(main())


def test_only_so_many_operations_wait_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmaddb.aio, "WAITING_MAX", 3)

    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            results = await asyncio.gather(*(db.execute(named(f"{number}")) for number in range(5)))
            assert [result.ok for result in results] == [True] * 3 + [False] * 2
            assert {result.failure.code for result in results if result.failure} == {"B-804"}
            assert (await db.execute(named("later"))).ok

    asyncio.run(main())


def test_operations_that_wait_for_the_world_keep_no_reader_waiting(tmp_path: Path) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def outside(_: OuterContext) -> None:
        begun.release()
        assert go_on.wait(WAIT_S_MAX)

    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            step = OuterStep("ask", outside, lambda _: None)
            sagas = [
                asyncio.create_task(db.execute(Operation("ask", (step,), strategy=Rollback.COMPENSATE)))
                for _ in range(bmaddb.aio.THREADS_MAX)
            ]
            for _ in sagas:
                assert await db.run(begun.acquire, timeout=WAIT_S_MAX)
            assert await db.count(db.query(Task)) == 0
            go_on.set()
            assert [(await saga).ok for saga in sagas] == [True] * len(sagas)

    asyncio.run(main())


def test_who_goes_away_calls_off_its_own_operation_and_no_other(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()
    shared = Cancellation()

    def slow(_: RuleContext) -> dict[str, object]:
        begun.set()
        assert go_on.wait(WAIT_S_MAX)
        return {"title": "slow"}

    def named(title: str) -> Operation:
        return Operation("add", (Step("task", "tasks", Action.INSERT, {"title": title}),))

    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            bounds = Bounds(cancellation=shared)
            first = asyncio.create_task(
                db.execute(Operation("add", (Step("task", "tasks", Action.INSERT, slow),)), bounds=bounds)
            )
            assert await db.run(begun.wait, WAIT_S_MAX)
            first.cancel()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert not shared.asked
            assert (await db.execute(named("another"), bounds=bounds)).ok
            shared.cancel()
            assert (await db.execute(named("too late"), bounds=bounds)).status is Status.ROLLED_BACK

    asyncio.run(main())
