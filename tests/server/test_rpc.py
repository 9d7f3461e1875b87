"""Calls and their results, as PostgREST answers them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.server import USER, RunningServer

RESULTS: list[tuple[str, dict[str, Any], int, Any, str]] = [
    ("add", {"a": 1}, 200, 11, "0-0/*"),
    ("add", {"a": 1, "b": 2}, 200, 3, "0-0/*"),
    ("add", {"b": 2, "a": "40"}, 200, 42, "0-0/*"),
    ("null_text", {}, 200, None, "0-0/*"),
    ("numbers", {"count": 3}, 200, [1, 2, 3], "0-2/*"),
    ("numbers", {"count": 0}, 200, [], "*/*"),
    ("no_rows", {}, 200, [], "*/*"),
    ("one_out", {"a": 4}, 200, {"doubled": 8}, "0-0/*"),
    ("total", {"items": [1, 2, 39]}, 200, 42, "0-0/*"),
    ("overloaded", {"a": 1}, 200, "a", "0-0/*"),
    ("overloaded", {"a": 1, "b": 1}, 200, "a, b", "0-0/*"),
    ('odd "name%', {'the %s "arg"': "x"}, 200, "x", "0-0/*"),
    ("for_users", {}, 200, 2, "0-0/*"),
    ("echo_b", {"b": 1, "a": [None]}, 200, {"a": [None], "b": 1}, "0-0/*"),
]


@pytest.mark.parametrize(("name", "arguments", "status", "body", "content_range"), RESULTS)
def test_a_result_has_the_shape_of_its_type(
    doors: RunningServer, name: str, arguments: dict[str, Any], status: int, body: Any, content_range: str
) -> None:
    answer = doors.rpc(name, arguments)
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer.headers["content-range"] == content_range
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_both_postgres_versions_answer_alike(fresh_doors: RunningServer) -> None:
    for name, arguments, status, body, content_range in RESULTS:
        answer = fresh_doors.rpc(name, arguments)
        assert (answer.status_code, answer.json(), answer.headers["content-range"]) == (
            status,
            body,
            content_range,
        )


def test_void_has_no_body(doors: RunningServer) -> None:
    answer = doors.rpc("nothing")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


def test_json_passes_byte_for_byte(doors: RunningServer) -> None:
    text = '{"b" :  1.50, "a":"\\u00e9é", "a": 9007199254740993}'.encode()
    answer = doors.http.post("/rest/v1/rpc/echo", content=text, headers=doors.headers())
    assert answer.content == text


@pytest.mark.parametrize("body", [b"[1,2]", b"5", b'"x"', b"null", b"[[{}]]", b" {} "])
def test_a_single_unnamed_json_argument_takes_any_body(doors: RunningServer, body: bytes) -> None:
    assert doors.http.post("/rest/v1/rpc/echo", content=body, headers=doors.headers()).content == body


def test_an_empty_body_is_an_empty_object(doors: RunningServer) -> None:
    assert doors.http.post("/rest/v1/rpc/for_users", headers=doors.headers()).json() == 2
    assert doors.http.post("/rest/v1/rpc/echo", headers=doors.headers()).content == b"{}"


def test_a_list_counts_as_its_first_object(doors: RunningServer) -> None:
    assert doors.rpc("add", [{"a": 1}, {"a": 2}]).json() == 11


def test_text_and_binary_bodies(doors: RunningServer) -> None:
    text = doors.http.post(
        "/rest/v1/rpc/shout",
        content="ä\0b"[:1].encode() + b"b",
        headers=doors.headers(content_type="text/plain"),
    )
    assert text.json() == "ÄB"
    octets = doors.headers(content_type="application/octet-stream")
    assert doors.http.post("/rest/v1/rpc/size_of", content=b"\x00\xff\\x", headers=octets).json() == 4


def test_rows_are_those_of_the_caller(doors: RunningServer) -> None:
    assert doors.rpc("all_notes").json() == [{"id": 1, "owner": USER, "body": "mine"}]
    theirs = doors.rpc("all_notes", user="00000000-0000-0000-0000-00000000b0b0").json()
    assert [row["body"] for row in theirs] == ["theirs"]
    assert doors.rpc("first_note").json() == {"id": 1, "owner": USER, "body": "mine"}


def test_a_function_sees_the_request(doors: RunningServer) -> None:
    seen = doors.rpc("whoami_writing", x_trace="7", cookie="a=1; b=2").json()
    assert (seen["role"], seen["claims"]["sub"], seen["claims"]["role"]) == (
        "authenticated",
        USER,
        "authenticated",
    )
    assert (seen["method"], seen["path"]) == ("POST", "/rpc/whoami_writing")
    assert seen["headers"]["x-trace"] == "7"
    assert "cookie" not in seen["headers"]
    assert seen["cookies"] == {"a": "1", "b": "2"}
    assert (seen["read_only"], seen["isolation"]) == ("off", "read committed")
    assert seen["search_path"] == '"public", "extensions"'


def test_nobody_is_anon(doors: RunningServer) -> None:
    seen = doors.rpc("whoami", user=None).json()
    assert (seen["role"], seen["claims"]) == ("anon", {"role": "anon"})


def test_settings_of_the_function_reach_the_transaction(doors: RunningServer) -> None:
    seen = doors.rpc("patient").json()
    assert (seen["timeout"], seen["isolation"], seen["read_only"]) == ("7s", "repeatable read", "on")


def test_settings_of_the_role_reach_the_transaction(fresh_doors: RunningServer) -> None:
    database = fresh_doors.database
    database.run(f"alter role authenticated in database {database.name} set statement_timeout to '3s'")
    seen = fresh_doors.rpc("whoami").json()
    assert seen["timeout"] == "3s"
    assert fresh_doors.rpc("patient").json()["timeout"] == "7s"


def test_nothing_leaks_into_the_next_request(doors: RunningServer) -> None:
    doors.rpc("answer_as", {"status": "201", "headers": '[{"X-A": "b"}]'})
    answer = doors.rpc("whoami", user=None)
    assert answer.status_code == 200
    assert "x-a" not in answer.headers
    assert answer.json()["claims"] == {"role": "anon"}


def test_stable_functions_cannot_write_and_volatile_ones_can(fresh_doors: RunningServer) -> None:
    assert fresh_doors.rpc("write_note", {"id": 7, "body": "b"}).json() == 7
    assert fresh_doors.database.value("select count(*) from notes where id = 7") == 1
    assert fresh_doors.rpc("write_in_stable", {"id": 8}).status_code in (400, 405)
    assert fresh_doors.database.value("select count(*) from notes where id = 8") == 0


def test_get_calls_a_stable_function(doors: RunningServer) -> None:
    answer = doors.http.get("/rest/v1/rpc/add?a=1&a=2&b=40", headers=doors.headers())
    assert (answer.status_code, answer.json()) == (200, 42)
    items = doors.http.get("/rest/v1/rpc/total", params={"items": "{1,2}"}, headers=doors.headers())
    assert items.json() == 3
    seen = doors.http.get("/rest/v1/rpc/whoami", headers=doors.headers()).json()
    assert (seen["method"], seen["read_only"]) == ("GET", "on")


def test_head_has_the_headers_only(doors: RunningServer) -> None:
    answer = doors.http.head("/rest/v1/rpc/numbers?count=3", headers=doors.headers())
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-range"] == "0-2/*"
    assert answer.headers["content-length"] == "9"


def test_a_volatile_function_may_not_write_on_get(doors: RunningServer) -> None:
    answer = doors.http.get("/rest/v1/rpc/write_note?id=9&body=x", headers=doors.headers())
    assert (answer.status_code, answer.json()["code"]) == (405, "25006")


def test_a_function_chooses_status_and_headers(doors: RunningServer) -> None:
    answer = doors.rpc("answer_as", {"status": "418", "headers": '[{"X-Pot": "tea"}, {"Content-Type": "text/x"}]'})
    assert (answer.status_code, answer.headers["x-pot"], answer.headers["content-type"]) == (
        418,
        "tea",
        "text/x",
    )


def test_a_wish_to_count_is_heard(doors: RunningServer) -> None:
    answer = doors.rpc("numbers", {"count": 3}, prefer="count=exact")
    assert answer.headers["content-range"] == "0-2/3"


def test_a_new_function_is_found_at_once(fresh_doors: RunningServer) -> None:
    assert fresh_doors.rpc("brand_new").status_code == 404
    fresh_doors.database.run("create function public.brand_new() returns int language sql stable as 'select 5'")
    assert fresh_doors.rpc("brand_new").json() == 5
    fresh_doors.database.run("create function public.add(a int, b int, c int) returns int stable return a + b + c")
    assert fresh_doors.rpc("add", {"a": 1, "b": 2, "c": 3}).json() == 6


def test_a_dropped_and_remade_function_is_called_as_it_is_now(fresh_doors: RunningServer) -> None:
    assert fresh_doors.rpc("null_text").json() is None
    fresh_doors.database.run(
        "drop function null_text(); create function null_text() returns int language sql stable as 'select 6'"
    )
    assert fresh_doors.rpc("null_text").json() == 6


def test_a_browser_is_told_that_it_may_call(doors: RunningServer) -> None:
    asks = {
        "origin": "http://page",
        "access-control-request-method": "POST",
        "access-control-request-headers": "apikey",
    }
    preflight = doors.http.options("/rest/v1/rpc/add", headers=asks)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == "apikey"
    answer = doors.rpc("add", {"a": 1}, origin="http://page")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Content-Range" in answer.headers["access-control-expose-headers"]


def test_health_and_root_say_ready(doors: RunningServer) -> None:
    for path in ("/health", "/rest/v1/"):
        answer = doors.http.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, "ready")


def test_a_plan_made_for_one_role_does_not_serve_another(fresh_doors: RunningServer) -> None:
    for _ in range(8):
        assert fresh_doors.rpc("for_users").json() == 2
    assert fresh_doors.rpc("for_users", user=None).status_code == 401


def test_an_answer_says_that_requests_may_be_packed(doors: RunningServer) -> None:
    assert doors.rpc("add", {"a": 1}).headers["accept-encoding"] == "gzip"
