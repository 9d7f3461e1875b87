"""`/live` and `/ready` on a real server: with Postgres, without it, with another schema, and with no answer in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from bmaddb.modules.registry import default_catalog
from bmaddb.server.limits import Limits
from bmaddb.server.migrator import mark_of
from tests.support.postgres import VERSIONS, Cluster, Database, bin_dir_of
from tests.support.server import serve

VERSION = default_catalog().version
MARK = mark_of(default_catalog())
TRIES_MAX = 200
HOLD = """create function public.hold() returns text language sql volatile as
$$ select 'held' from (select pg_advisory_lock(77)) as waited $$;
grant execute on function public.hold to authenticated"""


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def own_cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster a test may stop."""
    bin_dir_of(request.param)
    cluster = Cluster(request.param)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def test_a_server_with_its_schema_is_live_and_ready(postgres_installed: Database) -> None:
    with serve(postgres_installed, schema_mark=MARK) as server:
        live, ready = server.http.get("/live"), server.http.get("/ready")
        assert (live.status_code, live.json()["status"]) == (200, "live")
        assert ready.status_code == 200
        assert ready.json() == {
            "status": "ready",
            "version": live.json()["version"],
            "checks": [
                {"name": "postgres", "state": "healthy", "reason": "", "remedy": ""},
                {"name": "schema", "state": "healthy", "reason": "", "remedy": ""},
            ],
        }
        assert ready.headers["cache-control"] == "no-store"
        assert server.http.head("/ready").content == b""
        for path in ("/live", "/ready"):
            assert server.http.post(path).status_code == 405
            assert server.http.options(path).headers["allow"] == "OPTIONS, GET, HEAD"


@pytest.mark.parametrize(
    ("mark", "status", "state", "says"),
    [
        ("bmaddb 0 abc", 503, "failing", f"has schema version 0, this server needs {VERSION}"),
        (f"bmaddb {VERSION + 1} abc", 200, "degraded", f"version {VERSION + 1}"),
        (f"bmaddb {VERSION} abc", 200, "degraded", "another edition"),
        ("somebody's own comment", 503, "failing", "no schema of bmaddb"),
    ],
)
def test_another_schema_than_the_servers(
    pg18_installed: Database, mark: str, status: int, state: str, says: str
) -> None:
    pg18_installed.run(f"comment on schema bmad_sync is {psycopg.sql.quote(mark)}")
    with serve(pg18_installed, schema_mark=MARK) as server:
        answer = server.http.get("/ready")
        schema = answer.json()["checks"][1]
        assert (answer.status_code, schema["state"]) == (status, state)
        assert says in schema["reason"]
        assert schema["remedy"]


def test_a_database_without_our_schema_is_not_ready_unless_nobody_asks(pg18: Database) -> None:
    with serve(pg18, schema_mark=MARK) as server:
        assert server.http.get("/ready").status_code == 503
        assert "no schema" in server.http.get("/ready").json()["checks"][1]["reason"]
    with serve(pg18) as server:
        assert server.http.get("/ready").status_code == 200


def test_a_stopped_postgres_is_not_ready_but_live_and_comes_back(own_cluster: Cluster) -> None:
    database = own_cluster.named("bmaddb")
    with serve(database, limits=Limits(pool_wait_ms_max=300)) as server:
        assert server.http.get("/ready").status_code == 200
        own_cluster.postgres.stop()
        answer = server.http.get("/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
        [check] = answer.json()["checks"]
        assert (check["name"], check["state"]) == ("postgres", "failing")
        assert check["reason"]
        assert database.login.split("host=")[-1].split()[0] not in answer.text, (
            "where Postgres is, is nobody's business"
        )
        assert server.http.get("/live").status_code == 200
        own_cluster.postgres.start()
        # each try waits for the pool's patience by itself
        assert any(server.http.get("/ready").status_code == 200 for _ in range(TRIES_MAX))


def test_ready_answers_in_time_when_postgres_does_not(pg18: Database) -> None:
    pg18.run(HOLD)
    limits = Limits(pool_connections_max=1, ready_ms_max=100)
    with pg18.connect() as holder, serve(pg18, limits=limits) as server:
        holder.execute("select pg_advisory_lock(77)")
        caller = threading.Thread(target=lambda: server.rpc("hold"))
        caller.start()
        try:
            waiters = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
            assert any(pg18.value(waiters) == 1 for _ in range(TRIES_MAX)), "the only connection is taken"
            answer = server.http.get("/ready")
            assert answer.status_code == 503
            assert answer.json()["checks"][0]["reason"] == "it did not answer within 100 ms"
            assert server.http.get("/live").status_code == 200
        finally:
            holder.execute("select pg_advisory_unlock(77)")
            caller.join()
        assert any(server.http.get("/ready").status_code == 200 for _ in range(TRIES_MAX))
