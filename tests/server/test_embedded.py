"""The embedded Postgres: its life, and what a hard end leaves for the next start."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bmaddb import errors as e
from bmaddb.server import embedded
from bmaddb.server.embedded import EmbeddedPostgres
from tests.support.postgres import THROW_AWAY, VERSIONS, bin_dir_of


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def bin_dir(request: pytest.FixtureRequest) -> Path:
    return bin_dir_of(request.param)


@pytest.fixture
def made(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A cluster with one table of one row, stopped."""
    postgres = EmbeddedPostgres(data_dir, settings=THROW_AWAY)
    with postgres:
        run(postgres, "create table kept as select 42 as answer")
    yield postgres
    postgres.close()


def run(postgres: EmbeddedPostgres, statement: str) -> object:
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]


def test_data_outlives_a_stop_and_nothing_else_does(data_dir: Path, bin_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as postgres:
        assert run(postgres, "show fsync") == "on"
        assert run(postgres, "show listen_addresses") == ""
        assert run(postgres, "select lower('ÄÉ')") == "äé"
        run(postgres, "create table kept as select 42 as answer")
        folder, pid = postgres._socket_dir, postgres.pid
        assert folder is not None
        assert pid is not None
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(str(folder)) < 40
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as again:
        assert run(again, "select answer from kept") == 42


def test_settings_are_passed_on(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, settings={"fsync": "off", "work_mem": "7MB"}) as postgres:
        assert (run(postgres, "show fsync"), run(postgres, "show work_mem")) == ("off", "7MB")


def test_one_process_per_folder(made: EmbeddedPostgres) -> None:
    with made, pytest.raises(e.ServerError, match="another bmaddb uses"):
        EmbeddedPostgres(made.data_dir).start()


def test_stop_and_start_keep_the_address(made: EmbeddedPostgres) -> None:
    with made:
        address = made.conninfo
        made.stop()
        made.start()
        assert made.conninfo == address
        assert run(made, "select answer from kept") == 42


def test_a_stale_pid_file_is_no_obstacle(made: EmbeddedPostgres) -> None:
    (made.cluster_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{made.cluster_dir}\n", encoding="ascii")
    with made:
        assert run(made, "select answer from kept") == 42


def test_what_a_killed_process_left_running_is_stopped(made: EmbeddedPostgres) -> None:
    script = (
        "import os, sys; from bmaddb.server.embedded import EmbeddedPostgres;"
        "p = EmbeddedPostgres(sys.argv[1]); p.start(); print(p.pid, p._socket_dir, flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(made.data_dir)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    orphan, folder = done.stdout.split()
    os.kill(int(orphan), 0)  # it lives
    with made:
        assert run(made, "select answer from kept") == 42
        assert made.pid != int(orphan)
    Path(folder).rmdir()


def test_a_half_made_cluster_is_made_anew(data_dir: Path) -> None:
    (data_dir / "postgres.new").mkdir()
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18\n", encoding="ascii")
    with EmbeddedPostgres(data_dir, settings=THROW_AWAY) as postgres:
        assert run(postgres, "select 1") == 1


def test_another_major_version_is_refused(made: EmbeddedPostgres) -> None:
    (made.cluster_dir / "PG_VERSION").write_text("14\n", encoding="ascii")
    with pytest.raises(e.ServerError, match="is of Postgres 14") as refused:
        made.start()
    assert refused.value.hint
    (made.cluster_dir / "PG_VERSION").write_text("18\n", encoding="ascii")
    with made:  # the lock was given back
        assert run(made, "select 1") == 1


def test_a_wrong_setting_is_told_in_the_words_of_postgres(made: EmbeddedPostgres) -> None:
    wrong = EmbeddedPostgres(made.data_dir, settings={"max_connections": "many"})
    with pytest.raises(e.ServerError, match="max_connections"):
        wrong.start()


def test_folders_that_cannot_be(data_dir: Path) -> None:
    (data_dir / "file").write_text("", encoding="ascii")
    with pytest.raises(e.ServerError, match="cannot create the data folder"):
        EmbeddedPostgres(data_dir / "file" / "data").start()
    with pytest.raises(e.ServerError, match="cannot run"):
        EmbeddedPostgres(data_dir / "data", bin_dir=data_dir).start()


def test_without_the_wheel_the_hint_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(e.ServerError, match="not installed") as absent:
        embedded.bundled_bin_dir()
    assert "--database-url" in str(absent.value.hint)


def test_conninfo_needs_a_running_server(data_dir: Path) -> None:
    with pytest.raises(e.ServerError, match="not running"):
        _ = EmbeddedPostgres(data_dir).conninfo
