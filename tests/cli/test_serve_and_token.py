"""`bmaddb serve` and `bmaddb token` as real processes: ready line, signals, errors in one line."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.postgres import Database

USER = "00000000-0000-0000-0000-0000000a11ce"
READY = re.compile(r"ready (http://127\.0\.0\.1:\d+)\n")
END_S_MAX = 60


def bmaddb(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "bmaddb.cli", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=END_S_MAX, check=False)


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process that said it is ready, and its URL."""
    command = [sys.executable, "-m", "bmaddb.cli", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        line = process.stdout.readline()
        found = READY.fullmatch(line)
        assert found, (line, process.stderr and process.stderr.read())
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, and what it still said."""
    out, err = process.communicate(timeout=END_S_MAX)
    return process.returncode, out, err


def socket_folder(data_dir: Path) -> Path:
    """Where the Postgres of this data folder listens: the fifth line of its pid file."""
    return Path((data_dir / "postgres" / "postmaster.pid").read_text(encoding="ascii").splitlines()[4])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_data_stays(data_dir: Path, number: signal.Signals) -> None:
    with serving("--data", str(data_dir)) as (process, url):
        folder = socket_folder(data_dir)
        assert folder.is_dir()
        token = bmaddb("token", "--user", USER, "--data", str(data_dir)).stdout.strip()
        headers = {"authorization": f"Bearer {token}"}
        assert httpx.get(f"{url}/health").json()["status"] == "ready"
        assert [check["state"] for check in httpx.get(f"{url}/ready").json()["checks"]] == ["healthy", "healthy"]
        assert httpx.post(f"{url}/rest/v1/rpc/no_such", headers=headers, json={}).status_code == 404
        process.send_signal(number)
        assert ended(process) == (0, "", "")
    assert not folder.exists()
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    with serving("--data", str(data_dir)) as (again, url):
        answer = httpx.post(f"{url}/rest/v1/rpc/no_such", headers=headers, json={})
        assert answer.json()["code"] == "PGRST202"  # the token of the first run is still good
        again.send_signal(signal.SIGTERM)
        assert ended(again)[0] == 0


def test_a_request_in_flight_is_finished(pg18_installed: Database) -> None:
    database = pg18_installed
    database.run(
        "create function public.wait_for_lock() returns text language sql volatile "
        "as $$ select pg_advisory_xact_lock(5); select 'finished' $$"
    )
    with database.connect() as lock, serving("--database-url", database.conninfo) as (process, url):
        lock.execute("select pg_advisory_lock(5)")
        answers: list[httpx.Response] = []
        call = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{url}/rest/v1/rpc/wait_for_lock", timeout=60))
        )
        call.start()
        while database.value("select count(*) from pg_locks where locktype = 'advisory' and not granted") == 0:
            pass
        process.send_signal(signal.SIGTERM)
        host, port = url.removeprefix("http://").split(":")
        while _listens(host, int(port)):
            pass
        lock.execute("select pg_advisory_unlock(5)")
        call.join()
        assert answers[0].json() == "finished"
        assert ended(process)[0] == 0


def _listens(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5):
        return True
    return False


def test_a_given_database_is_used_and_left_running(pg18: Database) -> None:
    with serving("--database-url", pg18.conninfo) as (process, url):
        assert httpx.get(f"{url}/health").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    with psycopg.connect(pg18.conninfo) as connection:
        schemas = connection.execute("select nspname from pg_namespace where nspname like 'bmad%'").fetchall()
    assert ("bmad",) in schemas


def test_a_second_server_on_the_same_data_is_refused(data_dir: Path) -> None:
    with serving("--data", str(data_dir)):
        second = bmaddb("serve", "--port", "0", "--data", str(data_dir))
        assert_one_line(second, "another bmaddb uses")


def assert_one_line(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode != 0
    assert done.stdout == ""
    assert re.fullmatch(r"bmaddb: .+ \(hint: .+\)\n", done.stderr), done.stderr
    assert words in done.stderr


def test_errors_are_one_line_with_a_hint(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_one_line(bmaddb("serve", "--port", port, "--data", str(data_dir)), f"127.0.0.1:{port}")
    nowhere = f"postgresql:///x?host={data_dir}"
    assert_one_line(bmaddb("serve", "--port", "0", "--database-url", nowhere), "cannot reach the database")
    for url in ("no url at all", "nonsense", "postgresql://user@[::1/database"):
        told = bmaddb("serve", "--port", "0", "--database-url", url)
        assert_one_line(told, "the database URL makes no sense")
        assert "postgresql://user:password@host:port/database" in told.stderr
    for seconds in ("-5", "0", "100000000000000000000"):
        told = bmaddb("token", "--user", USER, "--data", str(data_dir), "--expires-in", seconds)
        assert_one_line(told, "--expires-in takes 1 to 316224000 seconds")
    assert_one_line(bmaddb("serve", "--port", "http", "--data", str(data_dir)), "'http' is not a port")
    assert_one_line(bmaddb("serve", "--port", "70000", "--data", str(data_dir)), "not a port")
    assert_one_line(
        bmaddb("serve", "--port", "0", "--host", "not.a.host.invalid", "--data", str(data_dir)),
        "cannot listen",
    )
    assert_one_line(bmaddb("serve", "--port", "0", "--data", str(data_dir), BMADDB_JWT_SECRET="short"), "JWT secret")
    told = bmaddb("token", "--user", "bob", "--data", str(data_dir), BMADDB_JWT_SECRET="x" * 32)
    assert_one_line(told, "not a user id")
    assert_one_line(bmaddb("token", "--user", USER, "--data", str(data_dir / "typo")), "holds no secret of a server")
    assert not (data_dir / "typo").exists()
    (data_dir / "file").write_text("", encoding="ascii")
    assert_one_line(bmaddb("serve", "--port", "0", "--data", str(data_dir / "file" / "data")), "file/data")


def test_wrong_options_are_told_by_argparse() -> None:
    for arguments in ([], ["nonsense"], ["token"], ["serve", "--data", "a", "--database-url", "b"]):
        done = bmaddb(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("usage: bmaddb")
        assert "Traceback" not in done.stderr


def test_help_names_every_command() -> None:
    from bmaddb.cli.main import COMMANDS

    text = bmaddb("--help").stdout
    assert [name for name in COMMANDS if not re.search(rf"^    {name}\s", text, re.MULTILINE)] == []


def test_the_secret_of_the_environment_wins(data_dir: Path) -> None:
    first = bmaddb("token", "--user", USER, BMADDB_JWT_SECRET="x" * 32, BMADDB_DATA=str(data_dir))
    assert first.stdout.count(".") == 2
    assert not list(data_dir.iterdir())
