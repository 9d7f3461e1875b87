"""Opening a file loads what reading needs, and nothing of the network: a cold start is mostly imports (C6)."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import apsw
import pytest

import bmaddb
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema import Module, UserRecord, text
from bmaddb.testing import ManualClock

NOT_TO_OPEN = {
    "asyncio",
    "httpx",
    "ssl",
    "ctypes",
    "logging",
    "difflib",
    "importlib.metadata",
    "importlib.resources",
    "dataclasses",
    "hashlib",
    "html",
    "json",
    "pathlib",
    "psycopg",
    "starlette",
    "subprocess",
    "urllib.parse",
    "uvicorn",
    "Stemmer",
    "bmaddb.aio",
    "bmaddb.device.atomic",
    "bmaddb.device.observe",
    "bmaddb.device.outbox",
    "bmaddb.device.query.compiler",
    "bmaddb.device.requests",
    "bmaddb.device.store.records",
    "bmaddb.device.store.remaking",
    "bmaddb.device.store.search.index",
    "bmaddb.device.store.transaction",
    "bmaddb.device.sync",
    "bmaddb.device.sync.engine",
    "bmaddb.device.sync.http_transport",
    "bmaddb.device.upkeep",
    "bmaddb.monitor",
    "bmaddb.personality",
    "bmaddb.protocol",
    "bmaddb.schema.evolution",
    "bmaddb.schema.postgres_ddl",
    "bmaddb.schema.sqlite_ddl",
    "bmaddb.settings",
}
FOR_AN_ADDRESS = {"urllib.parse", "bmaddb.device.sync"}
ALSO_FOR_A_QUERY = {"json", "bmaddb.device.query.compiler"}
OTHER_MODULES = {
    f"bmaddb.modules.{name}"
    for name in (
        "ai_machine_learning",
        "analytics_tracking",
        "chat_journal",
        "content_management",
        "extensions",
        "levensgebieden",
        "met24_domains",
        "onboarding",
        "subscription_payment",
        "sync_status",
        "user_management",
    )
}
STATEMENTS_MAX = 30
"""What opening a file that is up to date and reading a row asks of SQLite, pragmas included."""
OPEN = """
import sys, bmaddb
from bmaddb.modules.tasks_productivity import Task
db = bmaddb.open(sys.argv[1])
row = db.get(Task, sys.argv[2])
"""
QUERY = """
rows = db.query(Task).where(Task.state == "todo").limit(5).all()
"""
TELL = """
print(*sys.modules)
"""


def loaded(script: str, path: Path, row_id: str = "x") -> set[str]:
    words = [sys.executable, "-c", script + TELL, str(path), row_id]
    return set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that a program has made, has written to once, and has closed."""
    path = tmp_path / "device.db"
    with bmaddb.open(path, user="0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60") as db, db.write() as tx:
        tx.insert(Task, title="eten")
    return path


def test_opening_and_reading_a_row_loads_no_more_than_that_takes(path: Path) -> None:
    """Already the first time after the file was made: nothing is left to be done to it."""
    found = loaded(OPEN, path)
    assert "bmaddb.device.store" in found
    assert not found & NOT_TO_OPEN
    assert not found & OTHER_MODULES, "the file is known by its digests; the tables of others are nobody's business"


def test_a_server_is_nothing_to_load_before_the_first_sync(path: Path) -> None:
    script = OPEN.replace("sys.argv[1])", 'sys.argv[1], url="http://127.0.0.1:9", token="x.y.z")')
    found = loaded(script, path)
    assert not found & (NOT_TO_OPEN - FOR_AN_ADDRESS | OTHER_MODULES)
    later = loaded(script + "\nassert not db.sync().ok", path)
    assert later >= {"httpx", "bmaddb.device.sync.engine"}


def test_a_query_loads_the_compiler_and_still_nothing_of_the_network(path: Path) -> None:
    assert not loaded(OPEN + QUERY, path) & (NOT_TO_OPEN | OTHER_MODULES) - ALSO_FOR_A_QUERY


def test_an_open_file_of_an_own_catalog_loads_nothing_of_the_network_either(tmp_path: Path) -> None:
    script = """
import sys, bmaddb
from tests.service.test_cold_start import OWN, Own
db = bmaddb.open(sys.argv[1], modules=[OWN])
db.get(Own, "x")
"""
    loaded(script, tmp_path / "own.db")
    assert "bmaddb.device.outbox" not in loaded(script + "sys.modules.pop('tests', None)\n", tmp_path / "own.db")


def test_a_file_that_is_up_to_date_is_opened_with_few_statements_and_none_that_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[str] = []
    written: list[str] = []

    def listen(_: object, statement: str, __: object) -> bool:
        run.append(statement)
        return True

    def judge(event: dict[str, Any]) -> None:
        if not event["readonly"] and not event["sql"].startswith("pragma"):
            written.append(event["sql"])

    def trace(connection: apsw.Connection) -> None:
        connection.set_exec_trace(listen)
        connection.trace_v2(apsw.SQLITE_TRACE_STMT, judge)

    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, trace])
    with bmaddb.open(path) as db:
        assert db.get(Task, "x") is None
        assert 0 < len(run) <= STATEMENTS_MAX, run
        assert not written
        with db.write() as tx:
            tx.insert(Task, title="drinken")
    assert any(text.startswith("insert into") for text in written), "or nobody was listening"


def test_a_write_after_a_late_start_is_in_the_outbox(path: Path) -> None:
    """The outbox joins the commits with the first write, and not before."""
    clock = ManualClock()
    with bmaddb.open(path, clock=clock) as db:
        assert db.store.before_commit == []
        with db.write() as tx:
            tx.insert(Task, title="drinken")
        joined = list(db.store.before_commit)
        assert joined
        with db.store.write() as tx:
            tx.insert(Task, title="slapen")
        assert db.store.before_commit == joined
        assert [entry.position for entry in db.outbox.entries()] == [1, 2, 3]


class Own(UserRecord, table="owns"):
    """Something of an application's."""

    title = text()


OWN = Module(name="own", purpose="Of a test.", records=(Own,))


def test_the_version_is_the_installed_one_and_costs_only_who_asks() -> None:
    assert bmaddb.__version__ == metadata.version("bmaddb")
    assert "importlib.metadata" not in loaded("import sys, bmaddb\n", Path())
    assert "importlib.metadata" in loaded("import sys, bmaddb\nbmaddb.__version__\n", Path())


def test_what_is_loaded_late_is_the_same_for_everybody() -> None:
    """A module and what it is loaded for must not share a name: whoever came second would get the other."""
    script = (
        "import bmaddb.service.salvaging, bmaddb.service as s, bmaddb.device.sync as d, bmaddb.protocol.merge as m\n"
        "import bmaddb.device.query as q, bmaddb.device.store as t, bmaddb.device.store.search as f\n"
        "import bmaddb.schema as c\n"
        "for room in (s, d, m, q, t, f, c):\n"
        "    for _ in range(2):\n"
        "        assert all(type(getattr(room, name)).__name__ != 'module' for name in room.__all__), room\n"
        "    assert not hasattr(room, 'nothing_of_this_name')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
