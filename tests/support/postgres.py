"""Real Postgres for tests: 15 (Debian's) and 18 (the wheel's), one cluster each a session, a database a test.

A `Database` is fresh and empty but for the roles (anon, authenticated, service_role, authenticator); with
`installed=True` it is a copy of one with the default catalogue's schema. Both cost tens of milliseconds.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bmaddb import errors as e
from bmaddb.server.embedded import EmbeddedPostgres, bundled_bin_dir
from bmaddb.server.run import create_database, install_schema

VERSIONS = (15, 18)
THROW_AWAY: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
}
TEMPLATE = "bmaddb_template"
MEMORY_FOLDER = Path("/dev/shm")
MEMORY_BYTES_MIN = 4 * 1024**3


def bin_dir_of(version: int) -> Path:
    """The binaries of this major version; skips the test, loudly, when they are not on this machine."""
    if version == 18:
        try:
            return bundled_bin_dir()
        except e.ServerError as absent:
            pytest.skip(f"PostgreSQL 18 IS NOT TESTED: {absent}")
    folder = Path(f"/usr/lib/postgresql/{version}/bin")
    if not (folder / "postgres").exists():
        pytest.skip(f"PostgreSQL {version} IS NOT TESTED: {folder} is not on this machine")
    return folder


def scratch_folder() -> Path:
    """Where tests put files: in memory where there is room, for copying a database is then 8 times faster.

    Nothing here tests a disk by waiting for one: power cuts and full disks are played (`bmaddb.testing.power`).
    """
    in_memory = MEMORY_FOLDER.is_dir() and shutil.disk_usage(MEMORY_FOLDER).free >= MEMORY_BYTES_MIN
    return MEMORY_FOLDER if in_memory else Path("/tmp")


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """An empty folder that the Unix user of an embedded Postgres can walk to, removed at the end.

    (pytest's own temporary folders are closed to other users again by every new pytest on the machine.)
    """
    folder = Path(tempfile.mkdtemp(prefix="bmaddb-test-", dir=scratch_folder()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database of a running cluster. `conninfo` is the superuser's, `login` what a server's pool uses."""

    version: int
    name: str
    conninfo: str
    login: str

    def connect(self, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """A superuser connection in autocommit mode (close it, or use it as a context manager)."""
        return psycopg.connect(self.conninfo, **{"autocommit": True, **options})

    def run(self, script: str) -> None:
        """Run SQL statements as superuser."""
        with self.connect() as connection:
            connection.execute(script.encode())

    def value(self, query: str, *values: Any) -> Any:
        """The first column of the first row of a query, as superuser."""
        with self.connect() as connection:
            row = connection.execute(query.encode(), values or None).fetchone()
        return None if row is None else row[0]


class Cluster:
    """A throw-away Postgres of one major version, and the databases made in it."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._resources = contextlib.ExitStack()
        folder = self._resources.enter_context(open_folder())
        self.postgres = EmbeddedPostgres(folder, settings=THROW_AWAY, bin_dir=bin_dir_of(version))
        self._numbers = itertools.count(1)
        self._has_template = False

    def start(self) -> None:
        """Run it, with the four roles in place."""
        self.postgres.start()
        create_database(self.postgres.conninfo, "bmaddb")

    def close(self) -> None:
        """Stop it and remove its files."""
        self.postgres.close()
        self._resources.close()

    @contextlib.contextmanager
    def database(self, *, installed: bool = False) -> Iterator[Database]:
        """A fresh database, dropped at the end together with whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        template = self._template() if installed else "template1"
        self._execute("create database {} template {} strategy file_copy", name, template)
        try:
            yield self.named(name)
        finally:
            self._execute("drop database {} with (force)", name)

    def named(self, name: str) -> Database:
        """How to reach database `name`."""
        return Database(
            version=self.version,
            name=name,
            conninfo=self.postgres.conninfo_of(name),
            login=self.postgres.conninfo_of(name, user="authenticator"),
        )

    def _template(self) -> str:
        if not self._has_template:
            self._execute("create database {}", TEMPLATE)
            install_schema(self.named(TEMPLATE).conninfo)
            self._has_template = True
        return TEMPLATE

    def _execute(self, statement: str, *names: str) -> None:
        composed = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self.postgres.conninfo, autocommit=True) as connection:
            connection.execute(composed)


class Clusters:
    """The clusters of one test session, started when first asked for."""

    def __init__(self) -> None:
        self._running: dict[int, Cluster] = {}

    def of(self, version: int) -> Cluster:
        """The running cluster of this major version (skips when its binaries are missing)."""
        if version not in self._running:
            bin_dir_of(version)
            cluster = Cluster(version)
            cluster.start()
            self._running[version] = cluster
        return self._running[version]

    def close(self) -> None:
        """Stop them all."""
        for cluster in self._running.values():
            cluster.close()
