"""A request from the device to the handler and back: once, in order, with its answer and its rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from bmaddb import errors as e
from bmaddb.device.outbox import ParkReason
from bmaddb.device.requests import RequestPolicy, reasons
from bmaddb.protocol.steps import Result
from bmaddb.signals import RequestDead, RequestEnded, RequestQueued, RequestSent, Signal
from bmaddb.testing.network import Fault
from tests.protocol.things import Note
from tests.requests.office import Office, status
from tests.sync.devices import Device


def reason_code(device: Device, request_id: str) -> str:
    reason: Any = device.engine.requests.get(request_id).reason
    return str(reason["code"])


def test_a_request_waits_offline_and_is_carried_out_once_with_its_rows_and_its_answer(office: Office) -> None:
    device = office.device()
    device.transport.offline = True
    with device.store.write() as tx:
        note = tx.insert(Note, title="a day")
        made = device.engine.requests.add("insight", {"note": note.id})
    assert device.sync().result is Result.OFFLINE
    assert status(device, made) == "waiting"
    device.transport.offline = False
    report = device.sync()
    assert report.ok
    assert report.carried == 1
    done = device.engine.requests.get(made.id)
    assert done.status == "done"
    answer: Any = done.answer
    answered = device.store.get(Note, answer["note"])
    assert answered is not None
    assert answered.body == "a day"
    assert office.effects() == [("insight", made.id)]
    assert device.sync().carried == 0
    office.world.assert_equal(device)


def test_an_answer_that_is_lost_is_told_again_and_nothing_happens_twice(office: Office) -> None:
    device = office.device()
    assert device.sync().ok
    made = device.engine.requests.add("flaky", [1])
    device.transport.plan(Fault.NONE, Fault.LOST_ANSWER)
    device.sync()
    assert status(device, made) == "sent"
    office.world.clock.advance(60_000)
    assert device.sync().ok
    assert device.engine.requests.get(made.id).answer == [1]
    assert office.effects() == [("flaky", made.id)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_handler_that_dies_leaves_nothing_and_is_asked_again_later(office: Office, when: str) -> None:
    device = office.device()
    office.trouble(when)
    made = device.engine.requests.add("flaky", None)
    assert device.sync().ok
    assert office.effects() == []
    office.trouble()
    assert device.sync().carried == 0, "its wait is not over"
    office.world.clock.advance(60_000)
    assert device.sync().carried == 1
    assert status(device, made) == "done"
    assert office.effects() == [("flaky", made.id)]


def test_a_refusal_is_a_dead_letter_with_a_reason_until_a_person_sends_it_again(office: Office) -> None:
    device = office.device()
    told: list[Signal] = []
    for kind in (RequestQueued, RequestSent, RequestEnded, RequestDead):
        device.store.signals.listen(kind, told.append)
    made = device.engine.requests.add("quota.reserve", {"days": 2})
    behind = device.engine.requests.add("flaky", None, after=[made.id])
    assert device.sync().ok
    [dead, follower] = device.engine.requests.dead()
    assert (dead.id, follower.id) == (made.id, behind.id)
    assert dead.reason == {"code": "P0001", "message": "the quota is used up", "details": "quota", "hint": "buy more"}
    assert follower.reason == msgspec.to_builtins(reasons.depends_on(made.id))
    assert office.effects() == []
    assert [type(signal) for signal in told] == [
        RequestQueued, RequestQueued, RequestSent, RequestEnded, RequestDead, RequestEnded, RequestDead,
    ]  # fmt: skip
    office.give_quota(1)
    device.engine.requests.retry(made.id)
    assert device.sync().carried == 2
    assert office.effects() == [("reserve", made.id), ("flaky", behind.id)]
    assert device.engine.requests.get(made.id).answer == {"left": 0}


def test_order_is_need_then_priority_then_age(office: Office) -> None:
    device = office.device()
    queue = device.engine.requests
    late = queue.add("flaky", "late", priority=9)
    first = queue.add("flaky", "first")
    second = queue.add("flaky", "second")
    urgent = queue.add("flaky", "urgent", priority=0, after=[second.id])
    assert device.sync().ok
    assert [key for _, key in office.effects()] == [first.id, second.id, urgent.id, late.id]


def test_a_request_waits_for_the_entry_it_speaks_of_and_dies_with_it(office: Office) -> None:
    device = office.device()
    with device.store.write() as tx:
        tx.insert(Note, title="x")
        made = device.engine.requests.add("flaky", None)
    [entry] = device.outbox.entries()
    assert device.engine.requests.get(made.id).depends_on == [entry.id]
    with device.outbox.edit() as (connection, waiting):
        device.outbox.park(connection, waiting, entry, ParkReason(code="test", message="held"))
    device.sync()
    assert status(device, made) == "waiting"
    device.outbox.discard(entry.id)
    assert reason_code(device, made.id) == reasons.DISCARDED
    assert office.effects() == []


def test_what_is_undone_was_never_asked_for(office: Office) -> None:
    device = office.device()

    def ask_and_fail() -> None:
        with device.store.write() as tx:
            tx.insert(Note, title="x")
            device.engine.requests.add("flaky", None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    with device.store.write() as tx:
        with pytest.raises(ZeroDivisionError):
            ask_and_fail()
        tx.insert(Note, title="y")
    assert device.sync().ok
    assert office.effects() == []
    assert device.engine.requests.open() == []


def test_cancel_before_it_leaves_and_after(office: Office) -> None:
    device = office.device()
    queue = device.engine.requests
    never, unsure, behind = queue.add("flaky", 1), queue.add("flaky", 2), queue.add("flaky", 3)
    assert queue.cancel(never.id).status == "cancelled"
    device.sync()
    assert status(device, behind) == "done"
    with pytest.raises(e.RequestInvalid):
        queue.cancel(unsure.id)
    office.trouble("before")
    lost = queue.add("flaky", 4)
    device.sync()
    assert queue.cancel(lost.id).status == "sent", "only the server knows"
    device.sync()
    assert status(device, lost) == "cancelled"
    office.trouble()
    assert [key for _, key in office.effects()] == [unsure.id, behind.id]


def test_a_request_withdrawn_after_its_effect_is_done(office: Office) -> None:
    device = office.device()
    assert device.sync().ok
    made = device.engine.requests.add("flaky", 1)
    device.transport.plan(Fault.NONE, Fault.LOST_ANSWER)
    device.sync()
    device.engine.requests.cancel(made.id)
    assert device.sync().ok
    assert status(device, made) == "done"


def test_attempts_are_used_up_and_the_dead_letter_has_had_no_effect(office: Office) -> None:
    device = office.device()
    device.engine.requests.define("flaky", RequestPolicy(attempts_max=2, first_wait_ms=10, wait_ms_max=10))
    office.trouble("after")
    made = device.engine.requests.add("flaky", 1)
    for _ in range(3):
        device.sync()
        office.world.clock.advance(1_000)
    assert status(device, made) == "dead"
    assert reason_code(device, made.id) == reasons.ATTEMPTS
    assert office.effects() == []
    office.trouble()
    device.engine.requests.retry(made.id)
    assert device.sync().ok
    assert office.effects() == [("flaky", made.id)]


def test_a_deadline_ends_what_never_left_at_once_and_asks_after_what_did(office: Office) -> None:
    device = office.device()
    queue = device.engine.requests
    office.trouble("before")
    deadline = datetime.fromtimestamp(device.store.clock.now_ms() / 1000, UTC) + timedelta(seconds=30)
    sent = queue.add("flaky", 1, deadline=deadline)
    device.sync()
    late = queue.add("flaky", 2, deadline=deadline)
    office.world.clock.advance(60_000)
    office.trouble()
    assert device.sync().ok
    assert [reason_code(device, item.id) for item in (sent, late)] == [reasons.DEADLINE] * 2
    assert office.effects() == []


def test_under_one_key_two_devices_have_one_effect(office: Office) -> None:
    one, two = office.device(), office.device()
    made = [device.engine.requests.add("flaky", {"n": 1}, key="welcome") for device in (one, two)]
    assert one.engine.requests.add("flaky", {"n": 1}, key="welcome").id == made[0].id
    with pytest.raises(e.RequestInvalid, match="another flaky request"):
        one.engine.requests.add("flaky", {"n": 2}, key="welcome")
    office.world.settle(one, two)
    assert office.effects() == [("flaky", "welcome")]
    assert [status(one, made[0]), status(two, made[1])] == ["done", "done"]
    other = office.device()
    clash = other.engine.requests.add("flaky", {"n": 3}, key="welcome")
    other.sync()
    assert reason_code(other, clash.id) == "key_reused"


def test_a_kind_no_server_knows_waits_and_dies_at_last(office: Office) -> None:
    device = office.device()
    device.engine.requests.define("unheard.of", RequestPolicy(attempts_max=2, first_wait_ms=10, wait_ms_max=10))
    made = device.engine.requests.add("unheard.of", None)
    for _ in range(3):
        assert device.sync().ok
        office.world.clock.advance(1_000)
    assert reason_code(device, made.id) == reasons.ATTEMPTS
