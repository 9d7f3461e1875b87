"""Postgres errors over HTTP: the whole map, raised for real."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bmaddb.server.sqlstate import ServerReport, problem_of
from tests.support.server import RunningServer

MAP = [
    ("08000", 503),
    ("08P01", 503),
    ("09000", 500),
    ("0L000", 403),
    ("0P000", 403),
    ("21000", 500),
    ("22000", 400),
    ("22023", 400),
    ("22P02", 400),
    ("23502", 400),
    ("23503", 409),
    ("23505", 409),
    ("23514", 400),
    ("25000", 500),
    ("25006", 405),
    ("28000", 403),
    ("2D000", 500),
    ("38000", 500),
    ("39000", 500),
    ("3B000", 500),
    ("40001", 500),
    ("40P01", 500),
    ("42501", 403),
    ("42601", 400),
    ("42883", 404),
    ("42P01", 404),
    ("42P17", 500),
    ("53000", 503),
    ("53400", 500),
    ("54001", 500),
    ("55P03", 500),
    ("57014", 500),
    ("57P01", 503),
    ("58000", 500),
    ("F0000", 500),
    ("HV000", 500),
    ("P0001", 400),
    ("P0002", 500),
    ("XX000", 500),
    ("PT400", 400),
    ("PT409", 409),
    ("PT410", 410),
    ("PT503", 503),
    ("PT999", 500),
    ("PT1XX", 500),
    ("PT100", 500),
    ("ZZ123", 400),
]


@pytest.mark.parametrize(("state", "status"), MAP)
def test_each_state_has_its_status(doors: RunningServer, state: str, status: int) -> None:
    answer = doors.rpc("fail", {"state": state, "message": "so", "detail": "more", "hint": "do"})
    assert answer.status_code == status
    assert answer.json() == {"code": state, "message": "so", "details": "more", "hint": "do"}
    assert answer.headers["proxy-status"] == f"PostgREST; error={state}"
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    ("state", "message", "authenticated", "status"),
    [
        ("42501", "permission denied", False, 401),
        ("22023", 'role "x" does not exist', True, 401),
        ("21000", "DELETE requires a WHERE clause", True, 400),
        ("42883", "function xmlagg(json) does not exist", True, 406),
    ],
)
def test_some_messages_change_the_status(state: str, message: str, authenticated: bool, status: int) -> None:
    report = ServerReport(state=state, message=message, detail=None, hint=None)
    problem = problem_of(report, authenticated=authenticated)
    assert problem.status == status
    assert (("WWW-Authenticate", "Bearer") in problem.headers) == (status == 401)


def raise_pgrst(doors: RunningServer, message: Any, detail: Any) -> Any:
    return doors.rpc("fail", {"state": "PGRST", "message": json.dumps(message), "detail": json.dumps(detail)})


def test_a_function_may_control_the_whole_answer(doors: RunningServer) -> None:
    said = {"code": "123", "message": "Paid", "details": "a lot", "hint": "Upgrade"}
    answer = raise_pgrst(doors, said, {"status": 402, "headers": {"X-Powered-By": "nerds"}})
    assert (answer.status_code, answer.json(), answer.headers["x-powered-by"]) == (402, said, "nerds")


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("text", {"status": 400, "headers": {}}),
        ({"code": "1"}, {"status": 400, "headers": {}}),
        ({"code": "1", "message": "m"}, {"status": 99, "headers": {}}),
        ({"code": "1", "message": "m"}, {"status": 400}),
        ({"code": "1", "message": "m"}, {"status": 400, "headers": {"X": "a\r\nSet-Cookie: b=c"}}),
        ({"code": "1", "message": "m"}, {"status": 400, "headers": {"X Y": "a"}}),
        ({"code": "1", "message": "m"}, []),
    ],
)
def test_control_in_a_wrong_form_is_a_server_error(doors: RunningServer, message: Any, detail: Any) -> None:
    answer = raise_pgrst(doors, message, detail)
    assert (answer.status_code, answer.json()["code"]) == (500, "PGRST121")


@pytest.mark.parametrize(
    ("status", "headers", "code"),
    [
        ("teapot", "[]", "PGRST112"),
        ("99", "[]", "PGRST112"),
        ("101", "[]", "PGRST112"),
        ("200", "{}", "PGRST111"),
        ("200", "nonsense", "PGRST111"),
        ("200", '[{"a": 1}]', "PGRST111"),
        ("200", '[{"a": "1", "b": "2"}]', "PGRST111"),
        ("200", '[{"a": "x\\r\\ny"}]', "PGRST111"),
        ("200", '[{"a:b": "x"}]', "PGRST111"),
    ],
)
def test_a_bad_choice_of_status_or_headers_is_a_server_error(
    doors: RunningServer, status: str, headers: str, code: str
) -> None:
    answer = doors.rpc("answer_as", {"status": status, "headers": headers})
    assert (answer.status_code, answer.json()["code"]) == (500, code)


def test_an_error_at_commit_is_an_error(fresh_doors: RunningServer) -> None:
    answer = fresh_doors.rpc("late_constraint")
    assert (answer.status_code, answer.json()["code"]) == (409, "23505")
    assert fresh_doors.rpc("add", {"a": 1}).json() == 11
