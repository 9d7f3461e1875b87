"""`/metrics`: shut without its token, bounded whatever is asked for, and readable line by line."""

from __future__ import annotations

import re

import pytest

from bmaddb import errors as e
from bmaddb.clock import SystemClock
from bmaddb.monitor.exposition import Family, Sample, text_of
from bmaddb.server.app import ServerConfig, create_app
from bmaddb.server.limits import Limits
from bmaddb.server.metrics import FUNCTIONS_MAX
from tests.support.postgres import Database
from tests.support.server import SECRET, RunningServer, serve

TOKEN = "a token of tests, long enough"
LINE = re.compile(
    r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})? -?\d+(\.\d+)?(e-?\d+)?'
)


def page(server: RunningServer) -> dict[str, float]:
    answer = server.http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("# ")]
    assert all(LINE.fullmatch(line) for line in lines), lines
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_requests_are_counted_by_function_and_status(doors_database: Database) -> None:
    with serve(doors_database, metrics_token=TOKEN) as server:
        for _ in range(3):
            assert server.rpc("add", {"a": 1}).status_code == 200
        assert server.rpc("for_users", user=None).status_code == 401
        for name in ("nowhere", "no-where", 'no"where'):
            assert server.rpc(name).status_code == 404
        seen = page(server)
        assert seen['bmaddb_requests_total{function="add",status="200"}'] == 3
        assert seen['bmaddb_requests_total{function="for_users",status="401"}'] == 1
        assert seen['bmaddb_requests_total{function="other",status="404"}'] == 3
        assert seen['bmaddb_request_seconds_count{function="add"}'] == 3
        assert (
            0
            < seen['bmaddb_request_seconds{function="add",quantile="0.5"}']
            <= seen['bmaddb_request_seconds_sum{function="add"}']
        )
        assert seen["bmaddb_requests_running"] == 0
        assert seen["bmaddb_pool_connections"] >= 1


def test_names_without_end_have_an_end(doors_database: Database) -> None:
    with serve(doors_database, metrics_token=TOKEN) as server:
        for number in range(FUNCTIONS_MAX + 10):
            server.http.put(f"/rest/v1/rpc/f{number}")  # 405 before anybody looks whether it exists
        seen = page(server)
        assert len([name for name in seen if name.startswith("bmaddb_request_seconds_count")]) <= FUNCTIONS_MAX + 1
        assert (
            sum(count for name, count in seen.items() if name.startswith("bmaddb_requests_total")) == FUNCTIONS_MAX + 10
        )


def test_without_the_token_it_is_shut_and_without_one_set_it_is_not_there(
    doors: RunningServer, doors_database: Database
) -> None:
    assert doors.http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 404
    with serve(doors_database, metrics_token=TOKEN) as server:
        for given in ({}, {"authorization": "Bearer no"}, {"authorization": f"bearer {TOKEN}"}, server.headers()):
            answer = server.http.get("/metrics", headers=given)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert "bmaddb_" not in answer.text
        assert server.http.post("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 405


def test_a_short_token_is_refused() -> None:
    config = ServerConfig(conninfo="host=nowhere", jwt_secret=SECRET, limits=Limits(), metrics_token="short")
    with pytest.raises(e.SettingsError, match="16 bytes"):
        create_app(config, clock=SystemClock())


def test_labels_are_escaped() -> None:
    text = text_of([Family("a_total", "counter", "Help.", [Sample(1, {"x": 'a"b\\c\nd'})])])
    assert text == '# HELP a_total Help.\n# TYPE a_total counter\na_total{x="a\\"b\\\\c\\nd"} 1\n'
    assert LINE.fullmatch(text.splitlines()[2])
