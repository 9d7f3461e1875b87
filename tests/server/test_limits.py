"""Limits of size, depth, time and number; and gzip both ways."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmaddb.server.limits import Limits, deeper_than
from tests.support.postgres import Database
from tests.support.server import RunningServer, serve

TEXT = st.text(alphabet='[]{}"\\,:aé\n', max_size=8)
JSON = st.recursive(
    st.none() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=40,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0


@settings(max_examples=300, deadline=None)
@given(JSON, st.integers(0, 6))
def test_depth_is_counted_as_a_parser_would(value: Any, limit: int) -> None:
    assert deeper_than(json.dumps(value).encode(), limit) == (depth(value) > limit)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | TEXT.map(str.encode), st.integers(0, 6))
def test_any_bytes_get_some_answer(body: bytes, limit: int) -> None:
    assert deeper_than(body, limit) in (True, False)


@pytest.fixture
def small(doors_database: Database) -> Iterator[RunningServer]:
    limits = Limits(
        body_bytes_max=1_000,
        json_depth_max=4,
        pool_connections_max=1,
        pool_wait_ms_max=100,
        requests_max=3,
        statement_ms_max=60_000,
    )
    with serve(doors_database, limits=limits) as server:
        yield server


@pytest.mark.parametrize(("size", "status"), [(1_000, 200), (1_001, 413)])
def test_the_body_limit_is_exact(small: RunningServer, size: int, status: int) -> None:
    body = b'"' + b"x" * (size - 2) + b'"'
    plain = small.http.post("/rest/v1/rpc/echo", content=body, headers=small.headers())
    pieces = small.http.post("/rest/v1/rpc/echo", content=iter([body[:7], body[7:]]), headers=small.headers())
    packed = small.http.post(
        "/rest/v1/rpc/echo", content=gzip.compress(body), headers=small.headers(content_encoding="gzip")
    )
    assert [plain.status_code, pieces.status_code, packed.status_code] == [status] * 3
    if status == 200:
        assert plain.content == pieces.content == packed.content == body


@pytest.mark.parametrize(("levels", "status"), [(4, 200), (5, 400)])
def test_the_depth_limit_is_exact(small: RunningServer, levels: int, status: int) -> None:
    body = b"[" * levels + b"]" * levels
    assert small.http.post("/rest/v1/rpc/echo", content=body, headers=small.headers()).status_code == status


def test_a_statement_that_takes_too_long_is_stopped(doors_database: Database) -> None:
    with serve(doors_database, limits=Limits(statement_ms_max=50)) as server:
        answer = server.rpc("sleepy", {"seconds": 30})
        assert (answer.status_code, answer.json()["code"]) == (500, "57014")
        assert server.rpc("add", {"a": 1}).json() == 11


def test_a_function_may_shorten_its_own_time(doors: RunningServer) -> None:
    answer = doors.rpc("sleepy_by_itself", {"seconds": 30})
    assert (answer.status_code, answer.json()["code"]) == (500, "57014")


def test_a_request_that_takes_too_long_is_stopped_in_postgres_too(doors_database: Database) -> None:
    with serve(doors_database, limits=Limits(request_ms_max=200, pool_connections_max=1)) as server:
        answer = server.rpc("sleepy", {"seconds": 30})
        assert (answer.status_code, answer.json()["code"]) == (504, "request_timeout")
        assert server.rpc("add", {"a": 1}).json() == 11
    running = (
        "select count(*) from pg_stat_activity "
        "where state = 'active' and query like '%sleepy%' and pid <> pg_backend_pid()"
    )
    assert doors_database.value(running) == 0


def hold_the_only_connection(server: RunningServer, lock: Any) -> threading.Thread:
    """Start a call that waits for an advisory lock the test holds; returns once Postgres says it waits."""
    server.database.run(
        "create or replace function public.wait_for_lock() returns void language sql volatile "
        "as 'select pg_advisory_xact_lock(77)'"
    )
    lock.execute("select pg_advisory_lock(77)")
    thread = threading.Thread(target=lambda: server.rpc("wait_for_lock"))
    thread.start()
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    while server.database.value(waiting) == 0:
        pass
    return thread


def test_no_free_connection_is_a_504_and_passes(small: RunningServer) -> None:
    with small.database.connect() as lock:
        busy = hold_the_only_connection(small, lock)
        answer = small.rpc("add", {"a": 1})
        assert (answer.status_code, answer.json()["code"]) == (504, "PGRST003")
        lock.execute("select pg_advisory_unlock(77)")
        busy.join()
    assert small.rpc("add", {"a": 1}).json() == 11


def test_too_many_requests_at_once_are_told_to_come_back(doors_database: Database) -> None:
    limits = Limits(requests_max=3, pool_connections_max=1, pool_wait_ms_max=20_000)
    with serve(doors_database, limits=limits) as server, server.database.connect() as lock:
        busy = hold_the_only_connection(server, lock)
        with ThreadPoolExecutor(12) as crowd:
            calls = [crowd.submit(server.rpc, "add", {"a": 1}) for _ in range(10)]
            refused = [next(call for call in calls if call.done()) for _ in range(1) if _wait_any(calls, 8)]
            assert refused[0].result().status_code == 503
            assert refused[0].result().headers["retry-after"]
            lock.execute("select pg_advisory_unlock(77)")
            statuses = sorted(call.result().status_code for call in calls)
        busy.join()
        assert statuses == [200] * 2 + [503] * 8


def _wait_any(calls: list[Any], count: int) -> bool:
    while sum(call.done() for call in calls) < count:
        pass
    return True


def test_a_large_answer_is_packed_when_the_client_reads_gzip(doors: RunningServer) -> None:
    sizes = (10, 1_022, 1_023, 300_000, 3_000_000)
    for size in sizes:
        plain = doors.rpc("big", {"size": size}, accept_encoding="identity")
        packed = doors.rpc("big", {"size": size}, accept_encoding="gzip")
        assert plain.json() == packed.json() == "x" * size
        assert "content-encoding" not in plain.headers
        assert (packed.headers.get("content-encoding") == "gzip") == (size + 2 > 1_024)
    refused = doors.rpc("big", {"size": 9_000}, accept_encoding="gzip;q=0, *;q=0.1")
    assert "content-encoding" not in refused.headers


def test_a_packed_body_is_read(doors: RunningServer) -> None:
    value = [{"id": number, "text": "x" * 50} for number in range(20_000)]
    body = gzip.compress(json.dumps(value).encode(), 1)
    answer = doors.http.post("/rest/v1/rpc/echo", content=body, headers=doors.headers(content_encoding="gzip"))
    assert answer.json() == value
