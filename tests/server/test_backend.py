"""The way to Postgres when Postgres restarts, is away, is a pooler, or changes under us."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bmaddb.server.limits import Limits
from tests.server.conftest import DOORS
from tests.support.postgres import VERSIONS, Cluster, Database, bin_dir_of
from tests.support.server import RunningServer, serve


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def own_cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    bin_dir_of(request.param)
    cluster = Cluster(request.param)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def test_the_server_survives_a_restart_of_postgres(own_cluster: Cluster) -> None:
    database = own_cluster.named("bmaddb")
    database.run(DOORS)
    with serve(database, limits=Limits(pool_wait_ms_max=15_000)) as server:
        with ThreadPoolExecutor(8) as crowd:  # fill the pool
            list(crowd.map(lambda _: server.rpc("add", {"a": 1}), range(64)))
        own_cluster.postgres.stop()
        own_cluster.postgres.start()
        for _ in range(20):
            answer = server.rpc("add", {"a": 1})
            assert (answer.status_code, answer.json()) == (200, 11)


def test_while_postgres_is_away_answers_are_503(own_cluster: Cluster) -> None:
    database = own_cluster.named("bmaddb")
    database.run(DOORS)
    with serve(database, limits=Limits(pool_wait_ms_max=300)) as server:
        assert server.rpc("add", {"a": 1}).status_code == 200
        own_cluster.postgres.stop()
        answer = server.rpc("add", {"a": 1})
        assert (answer.status_code, answer.json()["code"]) == (503, "PGRST000")
        assert answer.headers["retry-after"]
        assert server.http.get("/health").status_code == 503
        own_cluster.postgres.start()
        _until_ready(server)
        assert server.rpc("add", {"a": 1}).json() == 11


def _until_ready(server: RunningServer) -> None:
    for _ in range(200):  # each try waits for the pool's patience (300 ms) by itself
        if server.http.get("/health").status_code == 200:
            return
    pytest.fail("the server does not find back to Postgres")


def test_a_crash_during_a_call_is_a_503(fresh_doors: RunningServer) -> None:
    fresh_doors.database.run(
        "create function public.die() returns bool language sql volatile security definer "
        "as 'select pg_terminate_backend(pg_backend_pid())'"
    )
    answer = fresh_doors.rpc("die")
    assert answer.status_code == 503
    assert answer.json()["code"] in (
        "57P01",
        "PGRST001",
    )  # the farewell may or may not be read before the end
    assert fresh_doors.rpc("add", {"a": 1}).json() == 11


def test_a_killed_backend_is_a_503(own_cluster: Cluster) -> None:
    database = own_cluster.named("bmaddb")
    database.run(DOORS)
    database.run("create function public.my_pid() returns int language sql stable as 'select pg_backend_pid()'")
    with serve(database, limits=Limits(pool_connections_max=1)) as server:
        os.kill(server.rpc("my_pid").json(), signal.SIGTERM)
        answers = [server.rpc("add", {"a": 1}).status_code for _ in range(5)]
        assert answers[1:] == [200] * 4
        assert answers[0] in (200, 503)


def test_without_prepared_statements_all_is_the_same(doors_database: Database) -> None:
    with serve(doors_database, prepares=False) as server:
        for _ in range(3):
            assert server.rpc("add", {"a": 1}).json() == 11
            assert server.rpc("fail", {"state": "PT409"}).status_code == 409
        assert doors_database.value("select count(*) from pg_prepared_statements") == 0


def test_statements_are_prepared_once_also_when_calls_fail(fresh_doors: RunningServer) -> None:
    fresh_doors.database.run(
        "create function public.prepared() returns bigint language sql volatile "
        "as 'select count(*) from pg_prepared_statements'"
    )
    for _ in range(30):
        assert fresh_doors.rpc("fail", {"state": "PT409"}).status_code == 409
    assert fresh_doors.rpc("prepared").json() < 10


def test_a_lost_prepared_statement_is_prepared_again(fresh_doors: RunningServer) -> None:
    fresh_doors.database.run(
        "create function public.forget() returns void language plpgsql volatile as $$ begin deallocate all; end $$"
    )
    assert fresh_doors.rpc("add", {"a": 1}).json() == 11
    fresh_doors.rpc("forget")
    assert fresh_doors.rpc("add", {"a": 1}).json() == 11


def test_a_changed_function_is_noticed_when_postgres_is_told(fresh_doors: RunningServer) -> None:
    """PostgREST's custom: whoever changes the schema says `notify pgrst`."""
    database = fresh_doors.database
    listening = "select count(*) from pg_stat_activity where datname = current_database() and query = 'listen pgrst'"
    while database.value(listening) == 0:
        pass
    assert fresh_doors.rpc("whoami").json()["read_only"] == "on"
    database.run("alter function public.whoami() volatile")
    database.run("notify pgrst, 'reload schema'")
    for _ in range(200):
        if fresh_doors.rpc("whoami").json()["read_only"] == "off":
            return
    pytest.fail("the change was not noticed")


def test_many_callers_share_one_server_without_mixing(fresh_doors: RunningServer) -> None:
    users = [f"00000000-0000-0000-0000-{number:012x}" for number in range(1, 9)]

    def call(number: int) -> bool:
        user = users[number % len(users)]
        seen = fresh_doors.rpc("whoami", user=user).json()
        return bool(seen["claims"]["sub"] == user and seen["role"] == "authenticated")

    with ThreadPoolExecutor(8) as crowd:
        assert all(crowd.map(call, range(160)))
