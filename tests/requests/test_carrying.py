"""What stops a run and what does not: no network, an older server, tokens, nonsense, another process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.sync import carrying
from bmaddb.device.sync.lease import SyncLease
from bmaddb.device.sync.transport import CallFailed
from bmaddb.protocol.requests import REQUEST_FUNCTION
from bmaddb.protocol.steps import Failure, FailureKind, Result
from bmaddb.testing.network import Fault
from tests.protocol.things import Note
from tests.requests.office import Office, status
from tests.sync.devices import Device


def instead(device: Device, act: Callable[[int], bytes | None]) -> list[str]:
    """Answer calls of the door with what `act(number)` gives or raises; None lets the call through."""
    inner, calls = device.transport.call, []

    async def call(name: str, body: bytes) -> bytes:
        if name == REQUEST_FUNCTION:
            calls.append(name)
            answer = act(len(calls))
            if answer is not None:
                return answer
        return await inner(name, body)

    device.transport.call = call  # type: ignore[method-assign, assignment]
    return calls


def failing(kind: FailureKind, code: str) -> Callable[[int], bytes | None]:
    def act(number: int) -> bytes | None:
        raise CallFailed(Failure(kind=kind, code=code, message="as planned"))

    return act


def ask(device: Device, count: int) -> list[Any]:
    assert device.sync().ok
    return [device.engine.requests.add("flaky", number) for number in range(count)]


def test_three_calls_without_an_answer_end_the_run_and_none_of_them_is_an_attempt(office: Office) -> None:
    device = office.device()
    made = ask(device, 5)
    device.transport.plan(Fault.NONE, *[Fault.LOST_REQUEST] * 9)
    report = device.sync()
    assert (report.result, report.carried) == (Result.OFFLINE, 0)
    assert device.transport.calls.count(REQUEST_FUNCTION) == carrying.MISSES_MAX
    requests = [device.engine.requests.get(item.id) for item in made]
    assert [item.status for item in requests] == ["sent"] * 3 + ["waiting"] * 2
    assert [(item.attempts, item.misses) for item in requests[:3]] == [(0, 1)] * 3
    device.transport.plan()
    assert device.sync().carried == 2, "the others are not due yet"


@pytest.mark.parametrize("code", sorted(carrying.NO_DOOR))
def test_an_older_server_has_no_door_and_rows_go_on(office: Office, code: str) -> None:
    device = office.device()
    [made] = ask(device, 1)
    calls = instead(device, failing(FailureKind.REFUSED, code))
    with device.store.write() as tx:
        tx.insert(Note, title="x")
    report = device.sync()
    assert (report.result, report.pushed_rows, len(calls)) == (Result.PARTIAL, 1, 1)
    assert report.failure is not None
    assert report.failure.code == code
    assert status(device, made) == "sent"


def test_a_token_is_renewed_once(office: Office) -> None:
    device = office.device()
    made = ask(device, 2)

    def stale(number: int) -> bytes | None:
        return None if number > 1 else failing(FailureKind.TOKEN, "expired")(number)

    asked: list[bool] = []

    async def refresh() -> bool:
        asked.append(True)
        return True

    device.transport.refresh_token = refresh  # type: ignore[method-assign]
    instead(device, stale)
    assert device.sync().carried == 2
    assert [status(device, item) for item in made] == ["done"] * 2
    assert asked == [True]


def test_without_a_token_nothing_is_lost(office: Office) -> None:
    device = office.device()
    made = ask(device, 2)
    calls = instead(device, failing(FailureKind.TOKEN, "expired"))
    assert device.sync().result is Result.OFFLINE
    assert len(calls) <= 2
    assert [status(device, item) for item in made] == ["sent", "waiting"]


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"status": "rejected"}', b'{"status": "well"}', b"\xff"])
def test_an_answer_that_makes_no_sense_ends_the_run_and_counts(office: Office, answer: bytes) -> None:
    device = office.device()
    [made] = ask(device, 1)
    instead(device, lambda number: answer)
    report = device.sync()
    assert report.result is Result.PARTIAL
    request = device.engine.requests.get(made.id)
    assert (request.status, request.attempts) == ("sent", 1)


def test_an_answer_no_row_can_hold_is_kept_as_a_word_about_it(office: Office) -> None:
    device = office.device()
    [made] = ask(device, 1)
    instead(device, lambda number: b'{"status": "done", "result": "\\u0000"}')
    assert device.sync().ok
    assert device.engine.requests.get(made.id).answer == {"unreadable": "JSON text may not hold U+0000"}


def test_a_refusal_of_the_call_by_a_handlers_fault_is_tried_again(office: Office) -> None:
    device = office.device()
    [made] = ask(device, 1)
    instead(device, failing(FailureKind.REFUSED, "42703"))
    assert device.sync().ok
    request = device.engine.requests.get(made.id)
    assert (request.status, request.attempts) == ("sent", 1)


@pytest.mark.parametrize("code", ["28000", "08001", "57P01"])
def test_what_a_handler_fails_with_stops_nobody_else(office: Office, code: str) -> None:
    """Its class makes 403 or 503 of it, as if the token were bad or the server away."""
    device = office.device()
    made = [device.engine.requests.add("fails", code) for _ in range(carrying.MISSES_MAX)]
    behind = device.engine.requests.add("flaky", 1)
    assert device.sync().ok
    assert status(device, behind) == "done"
    requests = [device.engine.requests.get(item.id) for item in made]
    assert [(item.status, item.attempts, item.misses) for item in requests] == [("sent", 1, 0)] * len(made)


def test_what_the_commit_would_refuse_is_a_dead_letter(office: Office) -> None:
    device = office.device()
    made = device.engine.requests.add("orphan", None)
    assert device.sync().ok
    [dead] = device.engine.requests.dead()
    reason: Any = dead.reason
    assert (dead.id, reason["code"]) == (made.id, "23503")


def test_a_run_that_lost_the_file_to_another_writes_nothing(office: Office) -> None:
    device = office.device()
    made = ask(device, 2)

    def taken(number: int) -> bytes | None:
        office.world.clock.advance(10**7)
        other = SyncLease(device.store)
        with contextlib.suppress(e.StoreBusy):
            other.take()
        return None

    instead(device, taken)
    assert device.sync().result is Result.PARTIAL
    assert [status(device, item) for item in made] == ["sent", "waiting"]
    assert [key for _, key in office.effects()] == [made[0].id]


def test_a_parked_entry_holds_up_only_the_request_that_builds_on_it(office: Office) -> None:
    device = office.device()
    [other] = ask(device, 1)
    with device.store.write() as tx:
        tx.insert(Note, title="refused")
        behind = device.engine.requests.add("flaky", "behind")
    parked = device.park_newest()
    report = device.sync()
    assert (report.result, report.carried) == (Result.PARTIAL, 1)
    assert (status(device, other), status(device, behind)) == ("done", "waiting")
    device.outbox.retry(parked)
    assert device.sync().ok
    assert status(device, behind) == "done"


def test_more_than_one_go_carries_lets_rows_through_between(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "CARRIED_MAX", 2)
    device = office.device()
    ask(device, 5)
    device.transport.calls.clear()
    assert device.sync().carried == 5
    calls = ["request" if name == REQUEST_FUNCTION else "rows" for name in device.transport.calls]
    assert calls == ["rows", "request", "request", "rows", "request", "request", "rows", "request", "rows"]
