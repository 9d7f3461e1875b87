"""Handlers in Python: one transaction with their answer, told of attempts, refusing, failing, dying."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bmaddb import errors as e
from bmaddb.device.requests import RequestPolicy
from bmaddb.protocol.requests import REQUEST_FUNCTION
from bmaddb.server.handlers import Handlers, Request
from bmaddb.server.limits import Limits
from bmaddb.testing.network import Fault
from tests.protocol.things import Note
from tests.requests.office import PYTHON, Office, opened, status
from tests.support.postgres import VERSIONS, Clusters
from tests.support.server import RunningServer

WAIT_S_MAX = 20


class Desk:
    """The application: what it did is in the database, what it tried is here."""

    def __init__(self) -> None:
        self.attempts: list[int] = []
        self.mood = "well"
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.handlers = Handlers()
        self.handlers.handle("mail.send")(self.send)

    async def send(self, request: Request) -> Any:
        self.attempts.append(request.attempt)
        if self.mood == "before":
            raise RuntimeError("died before the effect")
        await request.connection.execute(PYTHON["effect"], (request.kind, request.key))
        await request.connection.execute(PYTHON["note"], (request.key, request.payload["title"]))
        if self.mood == "after":
            raise RuntimeError("died after the effect")
        if self.mood == "refuses":
            raise e.RequestRefused("no such address", reason="no_address", hint="correct it")
        if self.mood == "breaks":
            await request.connection.execute(PYTHON["broken"])
        if self.mood == "orphan":
            await request.connection.execute(PYTHON["orphan"], (request.key,))
        if self.mood == "serves":
            await request.connection.execute(PYTHON["serve"])
        if self.mood == "cut":
            await request.connection.execute(PYTHON["cut"])
        if self.mood == "slow":
            self.arrived.set()
            await asyncio.to_thread(self.go_on.wait, WAIT_S_MAX)
        return {"sent": request.payload["title"]}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def office(request: pytest.FixtureRequest, tmp_path: Path, clusters: Clusters, desk: Desk) -> Iterator[Office]:
    with opened(tmp_path, clusters, request.param, desk.handlers) as (made, _):
        yield made


@pytest.fixture
def running(tmp_path: Path, clusters: Clusters, desk: Desk) -> Iterator[tuple[Office, RunningServer]]:
    with opened(tmp_path, clusters, 18, desk.handlers, Limits(handlers_max=1)) as made:
        yield made


def test_its_rows_and_its_answer_come_back_and_sql_handlers_still_work(office: Office, desk: Desk) -> None:
    device = office.device()
    made = device.engine.requests.add("mail.send", {"title": "hello"})
    other = device.engine.requests.add("flaky", 7)
    report = device.sync()
    assert (report.ok, report.carried) == (True, 2)
    assert device.engine.requests.get(made.id).answer == {"sent": "hello"}
    assert device.engine.requests.get(other.id).answer == 7
    [note] = device.store.query(Note).all()
    assert note.title == "hello"
    assert office.effects() == [("mail.send", made.id), ("flaky", other.id)]


@pytest.mark.parametrize("mood", ["before", "after", "cut"])
def test_one_that_dies_leaves_nothing_and_the_next_attempt_knows_of_it(office: Office, desk: Desk, mood: str) -> None:
    device = office.device()
    desk.mood = mood
    made = device.engine.requests.add("mail.send", {"title": "x"})
    device.sync()
    assert office.effects() == []
    assert status(device, made) == "sent"
    desk.mood = "well"
    office.world.clock.advance(60_000)
    assert device.sync().ok
    assert desk.attempts == [1, 2]
    assert office.effects() == [("mail.send", made.id)]


def test_a_lost_answer_is_told_again_without_the_handler(office: Office, desk: Desk) -> None:
    device = office.device()
    assert device.sync().ok
    made = device.engine.requests.add("mail.send", {"title": "x"})
    device.transport.plan(Fault.NONE, Fault.LOST_ANSWER)
    device.sync()
    office.world.clock.advance(60_000)
    assert device.sync().ok
    assert status(device, made) == "done"
    assert desk.attempts == [1]


def test_a_refusal_leaves_nothing_of_what_was_written_and_stays_until_sent_again(office: Office, desk: Desk) -> None:
    device = office.device()
    desk.mood = "refuses"
    made = device.engine.requests.add("mail.send", {"title": "x"})
    assert device.sync().ok
    [dead] = device.engine.requests.dead()
    assert dead.reason == {"code": "no_address", "message": "no such address", "hint": "correct it"}
    assert office.effects() == []
    desk.mood = "serves"
    device.engine.requests.retry(made.id)
    assert device.sync().ok
    assert office.effects() == [("mail.send", made.id)]


def test_what_postgres_refuses_is_a_dead_letter_as_for_sql_handlers(office: Office, desk: Desk) -> None:
    device = office.device()
    desk.mood = "breaks"
    device.engine.requests.add("mail.send", {"title": "x"})
    assert device.sync().ok
    [dead] = device.engine.requests.dead()
    reason: Any = dead.reason
    assert reason["code"] == "22012"
    assert office.effects() == []


def test_what_the_commit_would_refuse_is_a_dead_letter_too(office: Office, desk: Desk) -> None:
    device = office.device()
    desk.mood = "orphan"
    device.engine.requests.add("mail.send", {"title": "x"})
    assert device.sync().ok
    [dead] = device.engine.requests.dead()
    reason: Any = dead.reason
    assert reason["code"] == "23503"
    assert office.effects() == []


def test_a_withdrawn_one_is_not_done(office: Office, desk: Desk) -> None:
    device = office.device()
    desk.mood = "before"
    device.engine.requests.define("mail.send", RequestPolicy(attempts_max=9))
    made = device.engine.requests.add("mail.send", {"title": "x"})
    device.sync()
    desk.mood = "well"
    device.engine.requests.cancel(made.id)
    assert device.sync().ok
    assert status(device, made) == "cancelled"
    assert desk.attempts == [1]


def test_while_one_runs_another_attempt_is_told_to_ask_again(running: tuple[Office, RunningServer], desk: Desk) -> None:
    office, server = running
    desk.mood = "slow"
    body = {"kind": "mail.send", "key": "k", "payload": {"title": "x"}, "user": None}
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(server.rpc(REQUEST_FUNCTION, body).status_code))
    first.start()
    try:
        assert desk.arrived.wait(WAIT_S_MAX)
        again = server.rpc(REQUEST_FUNCTION, body)
        assert (again.status_code, again.json()["code"]) == (503, "server_busy")
        with pytest.raises(psycopg.Error) as refused:
            _hold_again(office)
        assert "request_running" in str(refused.value)
    finally:
        desk.go_on.set()
        first.join(WAIT_S_MAX)
    assert answers == [200]
    assert server.rpc(REQUEST_FUNCTION, body).json() == {"status": "done", "result": {"sent": "x"}}
    assert desk.attempts == [1]


def _hold_again(office: Office) -> None:
    with office.database.connect() as connection:
        connection.execute(PYTHON["hold_again"], ())


def test_a_handler_that_takes_too_long_is_cut_and_leaves_nothing(
    tmp_path: Path, clusters: Clusters, desk: Desk
) -> None:
    desk.mood = "slow"
    with opened(tmp_path, clusters, 18, desk.handlers, Limits(request_ms_max=300)) as (office, _):
        device = office.device()
        made = device.engine.requests.add("mail.send", {"title": "x"})
        assert device.sync().ok
        desk.go_on.set()
        request = device.engine.requests.get(made.id)
        reason: Any = request.reason
        assert (request.status, request.attempts, reason["code"]) == ("sent", 1, "request_timeout")
        assert office.effects() == []


def test_handlers_are_registered_once_and_by_a_kind() -> None:
    handlers = Handlers()

    @handlers.handle("a.kind")
    async def one(request: Request) -> None:
        return None

    assert handlers.find("a.kind") is one
    with pytest.raises(e.SettingsError, match="have a handler already"):
        handlers.handle("a.kind")
    with pytest.raises(e.SettingsError, match="no kind of request"):
        handlers.handle("A kind")
