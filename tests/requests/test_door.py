"""`bmad_request_v1` as a client meets it: whose request it is, what it refuses, late copies, two at once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bmaddb.protocol.requests import REQUEST_FUNCTION
from tests.requests.office import PYTHON, Office, opened
from tests.support.postgres import VERSIONS, Clusters
from tests.support.server import USER, RunningServer

BOB = str(uuid.UUID(int=0xB0B))
WAIT_S_MAX = 20


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def door(request: pytest.FixtureRequest, tmp_path: Path, clusters: Clusters) -> Iterator[tuple[Office, RunningServer]]:
    with opened(tmp_path, clusters, request.param) as made:
        yield made


def body(**more: Any) -> dict[str, Any]:
    return {"kind": "flaky", "key": "k", "payload": [1], **more}


def test_a_key_belongs_to_its_user(door: tuple[Office, RunningServer]) -> None:
    office, server = door
    for user in (USER, BOB, USER):
        assert server.rpc(REQUEST_FUNCTION, body(), user=user).json() == {"status": "done", "result": [1]}
    assert office.effects() == [("flaky", "k")] * 2
    other = server.rpc(REQUEST_FUNCTION, body(user=BOB), user=USER)
    assert (other.status_code, other.json()["message"].partition(":")[0]) == (403, "other_user")
    assert server.rpc(REQUEST_FUNCTION, body(), user=None).status_code == 401


@pytest.mark.parametrize("block", ["peek", "peek_kinds", "forge", "register"])
def test_nobody_reaches_past_the_door(door: tuple[Office, RunningServer], block: str) -> None:
    office, _ = door
    with psycopg.connect(office.database.login, autocommit=True) as connection, connection.transaction():
        connection.execute(PYTHON["become"])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(PYTHON[block])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "Flaky"},
        {"kind": None},
        {"key": ""},
        {"key": "k" * 201},
        {"key": 5},
        {"round": -1},
        {"round": "x"},
        {"payload": {"a": "\0"}},
    ],
)
def test_what_is_wrong_is_refused(door: tuple[Office, RunningServer], wrong: dict[str, Any]) -> None:
    office, server = door
    answer = server.rpc(REQUEST_FUNCTION, body(**wrong))
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (400, "bad_request")
    assert office.answers() == {}


def test_late_copies_of_old_calls_change_nothing(door: tuple[Office, RunningServer]) -> None:
    office, server = door
    cancelled = {"status": "cancelled"}
    assert server.rpc(REQUEST_FUNCTION, body(withdraw=True)).json() == cancelled
    assert server.rpc(REQUEST_FUNCTION, body()).json() == cancelled
    assert server.rpc(REQUEST_FUNCTION, body(round=1, withdraw=True)).json() == cancelled
    assert server.rpc(REQUEST_FUNCTION, body(round=1)).json() == cancelled
    assert office.effects() == []
    assert server.rpc(REQUEST_FUNCTION, body(round=2)).json()["status"] == "done"
    for late in (body(), body(round=1, withdraw=True), body(round=3), body(round=3, withdraw=True)):
        assert server.rpc(REQUEST_FUNCTION, late).json()["status"] == "done"
    assert office.effects() == [("flaky", "k")]


def test_a_refusal_stands_until_the_next_round(door: tuple[Office, RunningServer]) -> None:
    office, server = door
    reserve = body(kind="quota.reserve")
    refused = server.rpc(REQUEST_FUNCTION, reserve).json()
    assert refused["status"] == "rejected"
    office.give_quota(1)
    assert server.rpc(REQUEST_FUNCTION, reserve).json() == refused
    assert server.rpc(REQUEST_FUNCTION, {**reserve, "round": 1}).json() == {"status": "done", "result": {"left": 0}}


def test_of_many_at_once_one_has_an_effect(door: tuple[Office, RunningServer]) -> None:
    office, server = door
    told: list[tuple[int, Any]] = []

    def ask() -> None:
        answer = server.rpc(REQUEST_FUNCTION, body())
        told.append((answer.status_code, answer.json()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S_MAX)
    assert len(told) == 8
    for code, answer in told:
        word = answer.get("message", "").partition(":")[0]
        assert (code, word or answer["status"]) in ((200, "done"), (503, "request_running"))
    assert server.rpc(REQUEST_FUNCTION, body()).json()["status"] == "done"
    assert office.effects() == [("flaky", "k")]


def test_a_handler_that_is_gone_is_a_kind_nobody_knows(door: tuple[Office, RunningServer]) -> None:
    office, server = door
    office.database.run(PYTHON["lose_handler"])
    answer = server.rpc(REQUEST_FUNCTION, body())
    assert (answer.status_code, answer.json()["message"].partition(":")[0]) == (501, "unknown_kind")
    assert office.answers() == {}


def test_handlers_stay_when_the_schema_is_installed_again_and_wrong_ones_are_refused(
    door: tuple[Office, RunningServer],
) -> None:
    office, server = door
    office.install_again()
    assert server.rpc(REQUEST_FUNCTION, body()).json()["status"] == "done"
    for block in ("bad_kind", "bad_handler"):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            office.database.run(PYTHON[block])


def test_purge_forgets_answers_of_long_ago(door: tuple[Office, RunningServer]) -> None:
    office, server = door
    assert server.rpc(REQUEST_FUNCTION, body()).json()["status"] == "done"
    office.database.run(PYTHON["purge"])
    assert len(office.answers()) == 1
    office.database.run(PYTHON["age"])
    office.database.run(PYTHON["purge"])
    assert office.answers() == {}
