"""What the network, the token and the server can do to a sync: nothing is lost, nothing is done twice (S7, S18)."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import httpx
import pytest

from bmaddb import errors as e
from bmaddb.device.sync import HttpTransport
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.protocol.messages import PULL_FUNCTION, PUSH_FUNCTION
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Result
from bmaddb.testing import Fault
from tests.sync.devices import Device, World

ONCE = Limits(attempts=1, page_rows=3, batch_entries=2)


def write(device: Device, *titles: str) -> None:
    """One transaction, one task, for each title."""
    for title in titles:
        with device.store.write() as tx:
            tx.insert(Task, title=title)


def titles(device: Device) -> list[str]:
    return sorted(task.title for task in device.store.query(Task).all())


def updates_on_server(world: World) -> int:
    """How many versions the user's rows have gone through: each effect of a push takes one at least."""
    return int(world.server.database.value("select max(server_seq) from bmad.tasks"))


@pytest.mark.parametrize("fault", [Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.DOUBLED])
@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("attempts", [1, 2])
def test_any_call_may_be_lost_or_doubled(world: World, fault: Fault, place: int, attempts: int) -> None:
    """The fault hits the first, second, ... call of a sync that pulls in pages and pushes in batches."""
    here = world.device(limits=Limits(attempts=attempts, page_rows=100, batch_entries=2))
    there = world.device()
    write(there, "a", "b", "c")
    there.sync()
    write(here, "d", "e", "f", "g", "h")
    here.transport.plan(*[Fault.NONE] * place, fault)
    report = here.sync()
    if fault is Fault.DOUBLED or attempts > 1 or place >= report.requests:
        assert report.ok
    else:
        assert report.result is Result.OFFLINE
        assert report.failure is not None
    here.transport.plan()
    assert here.sync().ok
    assert titles(here) == ["a", "b", "c", "d", "e", "f", "g", "h"]
    world.settle(there)
    world.assert_equal(here, there)
    assert here.verdicts() == []


def test_a_lost_answer_has_one_effect(world: World) -> None:
    here = world.device(limits=ONCE)
    world.settle(here)
    write(here, "a")
    here.transport.plan(Fault.LOST_ANSWER)
    assert here.sync().result is Result.OFFLINE
    assert here.outbox.in_flight() == (1,)
    before = updates_on_server(world)
    report = here.sync()
    assert (report.ok, report.pushed_entries) == (True, 1)
    assert updates_on_server(world) == before
    world.assert_equal(here)


def test_what_is_written_after_a_lost_answer_follows(world: World) -> None:
    here = world.device(limits=ONCE)
    world.settle(here)
    with here.store.write() as tx:
        task = tx.insert(Task, title="a")
    here.transport.plan(Fault.LOST_ANSWER)
    assert here.sync().result is Result.OFFLINE
    assert updates_on_server(world) > 0, "it arrived"
    with here.store.write() as tx:
        tx.update(task, title="b")
    with here.store.write() as tx:
        tx.delete(task)
    write(here, "c")
    assert here.sync().ok
    assert titles(here) == ["c"]
    world.assert_equal(here)
    assert here.verdicts() == []


def test_offline_is_a_state(world: World) -> None:
    here = world.device()
    here.transport.offline = True
    write(here, "a")
    report = here.sync()
    assert report.result is Result.OFFLINE
    assert report.failure is not None
    assert "no network" in report.failure.message
    assert titles(here) == ["a"]
    here.transport.offline = False
    assert here.sync().ok
    world.assert_equal(here)


def test_an_expired_token_is_renewed(world: World) -> None:
    tokens = [world.server.token(expires_in_s=-60), world.server.token()]
    asked: list[str] = []

    def token() -> str:
        asked.append(tokens[min(len(asked), 1)])
        return asked[-1]

    here = world.device(connect=lambda: HttpTransport(world.server.url, token))
    write(here, "a")
    assert here.sync().ok
    assert asked == tokens
    world.assert_equal(here)


@pytest.mark.parametrize("give", ["fixed", "same again", "nothing"])
def test_a_token_that_cannot_be_renewed_is_offline(world: World, give: str) -> None:
    stale = world.server.token(expires_in_s=-60)

    async def nothing() -> str:
        raise LookupError("signed out")

    source: Any = {"fixed": stale, "same again": lambda: stale, "nothing": nothing}[give]
    here = world.device(connect=lambda: HttpTransport(world.server.url, source))
    write(here, "a")
    report = here.sync()
    assert report.result is Result.OFFLINE
    assert report.failure is not None
    assert titles(here) == ["a"]
    assert here.outbox.counts().queued == 1


def test_a_captive_portal_is_offline(world: World) -> None:
    portal = httpx.MockTransport(lambda request: httpx.Response(200, html="<h1>Hotel</h1>"))
    here = world.device(connect=lambda: HttpTransport("http://hotel", "t", transport=portal))
    report = here.sync()
    assert report.result is Result.OFFLINE
    assert report.failure is not None
    assert report.failure.code == "not_json"


def test_an_answer_that_makes_no_sense_is_a_failure_not_a_crash(world: World) -> None:
    nonsense = httpx.MockTransport(lambda request: httpx.Response(200, json={"what": 1}))
    here = world.device(connect=lambda: HttpTransport("http://somewhere", "t", transport=nonsense))
    write(here, "a")
    report = here.sync()
    assert report.result is Result.FAILED
    assert titles(here) == ["a"]


def test_an_address_that_is_none() -> None:
    with pytest.raises(e.SettingsError):
        HttpTransport("localhost:8000", "t")


def test_a_rejected_entry_parks_what_depends_on_it_and_nothing_else(world: World) -> None:
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        bad = tx.insert(Goal, title="bad", met24_domain_id="no-such-domain")
    write(here, "free before")
    with here.store.write() as tx:
        child = tx.insert(Task, title="child", goal_id=bad.id)
    with here.store.write() as tx:
        tx.update(child, title="grandchild")
    write(here, "free after")
    report = here.sync()
    assert report.result is Result.PARTIAL
    assert (report.pushed_entries, report.parked) == (2, 3)
    world.settle(there)
    assert titles(there) == ["free after", "free before"]
    first, second, third = here.outbox.parked()
    assert first.reason is not None
    assert (first.reason.code, first.reason.table) == ("23503", "goals")
    for behind in (second, third):
        assert behind.reason is not None
        assert behind.reason.entry is not None

    with here.store.write() as tx:
        tx.update(bad, met24_domain_id=None)
    here.sync()
    assert here.outbox.counts().parked == 4, "the repair waits behind what it repairs"
    here.outbox.discard(first.id)
    assert here.store.get(Goal, bad.id) is None
    assert titles(here) == ["free after", "free before", "grandchild"]
    assert here.sync().ok
    world.settle(there)
    found = there.store.get(Task, child.id)
    assert found is not None
    assert (found.title, found.goal_id) == ("grandchild", None)
    world.assert_equal(here, there)


def test_a_parked_entry_is_retried_when_the_server_has_changed(world: World) -> None:
    here, there = world.device(), world.device()
    world.settle(here)
    with here.store.write() as tx:
        goal = tx.insert(Goal, title="early", met24_domain_id="late-domain")
    with here.store.write() as tx:
        tx.insert(Task, title="child", goal_id=goal.id)
    assert here.sync().parked == 2
    late = '{"id": "late-domain", "code": "late", "domain_number": 99}'
    world.server.database.run(
        "insert into bmad.met24_domains select (made).* from (select jsonb_populate_record(standing, "
        f"'{late}') as made from bmad.met24_domains standing limit 1) x"
    )
    here.outbox.retry(here.outbox.parked()[0].id)
    assert here.sync().ok
    world.settle(there)
    world.assert_equal(here, there)


def test_a_value_that_cannot_travel_parks_its_entry_alone(world: World) -> None:
    here, there = world.device(), world.device()
    write(here, "good")
    with here.store.write() as tx:
        bad = tx.insert(Task, title="x")
        tx.execute("update tasks set title = 'a' || char(0) || 'b' where id = ?", (bad.id,))
    write(here, "also good")
    report = here.sync()
    assert (report.pushed_entries, report.parked) == (2, 1)
    reason = here.outbox.parked()[0].reason
    assert reason is not None
    assert "U+0000" in reason.message
    world.settle(there)
    assert titles(there) == ["also good", "good"]


def test_the_server_has_a_new_epoch(world: World) -> None:
    """Restored from a backup: rows it lost come back from the devices, and what waits here is pushed."""
    here, there = world.device(), world.device()
    write(here, "kept", "lost")
    world.settle(here, there)
    lost = next(task for task in here.store.query(Task).all() if task.title == "lost")
    edited = next(task for task in here.store.query(Task).all() if task.title == "kept")
    write(here, "waits")
    with here.store.write() as tx:
        tx.update(edited, title="kept and edited")
    forget(world, lost.id)
    report = here.sync()
    assert report.ok
    assert report.resynced
    assert titles(here) == ["kept and edited", "lost", "waits"]
    world.settle(there)
    world.assert_equal(here, there)


def test_an_edit_of_a_row_the_server_lost_brings_it_back(world: World) -> None:
    here = world.device()
    with here.store.write() as tx:
        task = tx.insert(Task, title="a")
    world.settle(here)
    with here.store.write() as tx:
        tx.update(task, title="b")
    forget(world, task.id)
    assert here.sync().ok
    assert titles(here) == ["b"]
    world.assert_equal(here)


def forget(world: World, task_id: str) -> None:
    """What a restored backup looks like: a new epoch, a row less, no memory of our numbers."""
    world.server.database.run(
        f"alter table bmad.tasks disable trigger user; delete from bmad.tasks where id = '{task_id}'; "
        "alter table bmad.tasks enable trigger user; delete from bmad_sync.answers; "
        "delete from bmad_sync.devices; update bmad_sync.state set epoch = 'deadbeef'"
    )


def test_a_resync_survives_a_crash(world: World) -> None:
    here = world.device(limits=Limits(page_rows=3, attempts=1))
    write(here, *[f"t{number}" for number in range(12)])
    assert here.sync().ok
    lost = here.store.query(Task).all()[0]
    forget(world, lost.id)
    here.transport.plan(*[Fault.NONE] * 3, Fault.LOST_REQUEST)
    assert here.sync().result is Result.OFFLINE
    assert len(titles(here)) == 12, "nothing goes before everything was seen"
    here.reopen()
    assert here.sync().ok
    assert len(titles(here)) == 12, "what the server lost is given back"
    world.assert_equal(here)


def test_garbage_for_a_cursor_heals(world: World) -> None:
    here = world.device()
    write(here, "a")
    world.settle(here)
    with here.store.apply() as connection:
        connection.execute("update sync_cursors set cursor = 'garbage'")
    report = here.sync()
    assert report.ok
    assert report.resynced
    world.assert_equal(here)


def test_the_token_of_another_user_empties_nothing(world: World) -> None:
    here = world.device()
    write(here, "a")
    world.settle(here)
    other = str(uuid.UUID(int=0xE71))
    here.connect = lambda: HttpTransport(world.server.url, world.server.token(other))
    here.reopen()
    report = here.sync()
    assert report.result is Result.OFFLINE
    assert titles(here) == ["a"]


def test_a_copied_file_does_not_lose_its_writes(world: World) -> None:
    """A backup of the device is put back: its next numbers were used already for other changes."""
    here = world.device()
    world.settle(here)
    here.close()
    backup = here.path.read_bytes()
    here.reopen()
    write(here, "a", "b", "c")
    world.settle(here)
    here.close()
    for suffix in ("-wal", "-shm"):
        here.path.with_name(here.path.name + suffix).unlink(missing_ok=True)
    here.path.write_bytes(backup)
    here.reopen()
    write(here, "d", "e")
    assert here.sync().ok
    assert titles(here) == ["a", "b", "c", "d", "e"]
    world.assert_equal(here)


def test_two_syncs_at_once_are_two_in_a_row(world: World) -> None:
    here = world.device()
    write(here, "a")
    here.transport.plan(Fault.HELD)
    reports: list[Any] = []
    threads = [threading.Thread(target=lambda: reports.append(here.sync())) for _ in range(4)]
    threads[0].start()
    here.engine.loop.submit(here.transport.held.wait()).result(10)
    for thread in threads[1:]:
        thread.start()
    here.engine.loop.submit(here.transport.go_on()).result(10)
    for thread in threads:
        thread.join(20)
    assert all(report.ok for report in reports)
    assert len(reports) == 4
    assert here.transport.calls.count(PUSH_FUNCTION) == 1
    assert here.transport.calls.count(PULL_FUNCTION) <= 4
    world.assert_equal(here)
