"""The asyncio facade has every public name of the other one, or a reason why not; and its parts work."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from pathlib import Path

import pytest

import bmaddb
import bmaddb.aio
from bmaddb import errors as e
from bmaddb import signals
from bmaddb.aio import AsyncDatabase, AwaitedPart
from bmaddb.clock import SystemClock
from bmaddb.device.requests import RequestPolicy
from bmaddb.modules.tasks_productivity import Task
from bmaddb.monitor.health import Finding, State
from bmaddb.service import Database

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
URL = "http://127.0.0.1:9"
DISPUTED = """insert into sync_conflicts (id, table_name, row_id, column_name, local_value, remote_value,
resolved_value, policy, resolved_by, needs_attention, detected_at)
values (?, 'tasks', ?, 'title', ?, ?, ?, 'LWW', 'rule', 1, ?)"""
ONLY_SYNC = {
    "store": "the inside: who needs it asks `sync_database` for it, and hops himself",
    "read": "a snapshot belongs to one thread: `db.run(work)`, and in work `with db.sync_database.read()`",
    "sync_async": "it is `sync` here",
    "operations": "`execute`, `execute_batch` and `resume` are here; who shapes them is set up once, before",
}
ONLY_ASYNC = {
    "sync_database": "the way out",
    "run": "one hop for whatever has no name here",
    "all": "of a query, which reads by itself in the other facade",
    "first": "of a query",
    "one": "of a query",
    "one_or_none": "of a query",
    "count": "of a query",
    "exists": "of a query",
}
ANOTHER_SHAPE = {
    "write": "a function gets the transaction, where the other one gives a `with` block",
}
PARTS = ("outbox", "requests", "upkeep", "monitor", "personality", "health_checks")


def names(facade: type) -> set[str]:
    return {name for name in dir(facade) if not name.startswith("_")}


def test_no_name_of_the_one_facade_is_missing_in_the_other() -> None:
    plain, awaited = names(Database) | {"store"}, names(AsyncDatabase) | {"sync_database"}
    assert plain - awaited == set(ONLY_SYNC)
    assert awaited - plain == set(ONLY_ASYNC)


@pytest.mark.parametrize("name", sorted(names(Database) - set(ONLY_SYNC) - set(ANOTHER_SHAPE)))
def test_the_same_name_takes_the_same_options(name: str) -> None:
    plain, awaited = getattr(Database, name), getattr(AsyncDatabase, name)
    assert isinstance(plain, property) is isinstance(awaited, property)
    if isinstance(plain, property):
        return
    wanted, given = inspect.signature(plain).parameters, inspect.signature(awaited).parameters
    rest = any(option.kind is inspect.Parameter.VAR_KEYWORD for option in given.values())
    assert {own for own, option in given.items() if option.kind is not inspect.Parameter.VAR_KEYWORD} <= set(wanted)
    assert rest or list(given) == list(wanted)


def test_health_status_and_the_file_are_off_the_loop_and_answer_alike(tmp_path: Path) -> None:
    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            assert db.user == USER
            assert db.device_id == db.sync_database.device_id
            assert db.catalog.declares(Task)
            await db.write(lambda tx: tx.insert(Task, title="lopen"))
            assert (await db.health()).healthy
            assert (await db.status()).outbox.queued == 1
            assert (await db.integrity(full=True)).ok
            await db.backup(tmp_path / "copy.db", passphrase="a long enough passphrase")
            await db.rekey(passphrase="another long passphrase")
            assert await db.count(db.query(Task)) == 1
        with pytest.raises(e.WrongKey):
            await bmaddb.aio.open(tmp_path / "a.db")

    asyncio.run(main())


def test_every_part_is_there_under_its_own_names_off_the_loop(tmp_path: Path) -> None:
    threads: set[int] = set()

    def stock() -> Finding:
        threads.add(threading.get_ident())
        return Finding(state=State.DEGRADED, reason="three are left", remedy="order some")

    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            await db.monitor.start()
            assert await db.monitor.recording() is True
            await db.write(lambda tx: tx.insert(Task, title="lopen"))
            [entry] = await db.outbox.entries()
            await db.requests.define("mail", RequestPolicy())
            asked = await db.request("mail", {"to": "anna"}, after=[entry.id])
            assert [waiting.id for waiting in await db.requests.open()] == [asked.id]
            assert (await db.upkeep.policy()).budget_bytes > (await db.upkeep.usage()).used_bytes
            assert (await db.personality.standing()).mode == "off"
            assert (await db.monitor.report()).commits
            assert await db.monitor.limits() == db.sync_database.monitor.limits, "an attribute"
            await db.health_checks.register("shop", "stock", stock)
            assert (await db.health()).component("shop").state is State.DEGRADED
            assert threads
            assert threading.get_ident() not in threads

    asyncio.run(main())


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_a_view_and_says_what_it_has_not(part: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            view = getattr(db, part)
            assert isinstance(view, AwaitedPart)
            with pytest.raises(AttributeError, match="nothing_of_this_name"):
                await view.nothing_of_this_name()
            with pytest.raises(AttributeError, match="_lock"):
                _ = view._lock

    asyncio.run(main())


def test_a_with_block_of_a_part_is_refused_with_the_way_that_works(tmp_path: Path) -> None:
    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            await db.monitor.start()
            with pytest.raises(AttributeError, match=r"with db\.sync_database\.monitor\.operation"):
                await db.monitor.operation("show")

            def work() -> int:
                with db.sync_database.monitor.operation("show"):
                    return db.query(Task).count()

            assert await db.run(work) == 0
            assert [timed.name for timed in (await db.monitor.report()).operations] == ["show"]

    asyncio.run(main())


def test_a_background_sync_begins_and_ends_and_signals_are_heard(tmp_path: Path) -> None:
    async def main() -> None:
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        options = {"url": URL, "token": "x.y.z", "user": USER, "durability": "normal"}
        async with await bmaddb.aio.open(tmp_path / "a.db", **options) as db:

            def ended(_: signals.SyncEnded) -> None:
                loop.call_soon_threadsafe(heard.set)

            stop = db.signals.listen(signals.SyncEnded, ended)
            await db.start_sync()
            await asyncio.wait_for(heard.wait(), 60)
            await db.stop_sync()
            stop()
            await db.stop_sync()

    asyncio.run(main())


def test_a_verdict_is_shown_and_overturned(tmp_path: Path) -> None:
    async def main() -> None:
        async with await bmaddb.aio.open(tmp_path / "a.db", user=USER, durability="normal") as db:
            task = await db.write(lambda tx: tx.insert(Task, title="theirs"))
            sides = [json.dumps(side) for side in ("mine", "theirs", "theirs")]
            with db.sync_database.store.apply("local") as connection:
                connection.execute(DISPUTED, ("c-1", task.id, *sides, SystemClock().now_ms()))
            assert [verdict.id for verdict in await db.conflicts(open_only=True)] == ["c-1"]
            await db.overturn("c-1", choose="mine")
            assert await db.conflicts(open_only=True) == []
            again = await db.get(Task, task.id)
            assert again is not None
            assert again.title == "mine"
            await db.overturn("c-1", value="neither")
            assert [found.title for found in await db.all(db.query(Task))] == ["neither"]

    asyncio.run(main())
