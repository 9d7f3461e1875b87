"""Where runs take place: a throw-away Postgres, a database shared by many seeds, a folder for each.

Rules of this room: seeds that restore a backup or upgrade the server get a database of their own, for that concerns
everybody in it.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from bmaddb import statements
from bmaddb.entropy import SeededEntropy
from bmaddb.server.embedded import EmbeddedPostgres
from bmaddb.server.run import create_database, install_schema
from bmaddb.testing.power import PowerDisk
from bmaddb.testing.simulation.backend import Backend
from bmaddb.testing.simulation.defects import Defect
from bmaddb.testing.simulation.editions import EDITIONS
from bmaddb.testing.simulation.storms import Storms
from bmaddb.testing.simulation.world import DEVICES_MAX, Outcome, simulate

_SQL = statements.load("bmaddb.testing.simulation", "simulation.sql")
TEMPLATE = "simulation_template"
SEEDS_PER_DATABASE = 300
THROW_AWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
}


class Ground:
    """Databases of one cluster, and a folder of files in memory where the machine has one."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path) -> None:
        self._postgres = postgres
        self._folder = folder
        self._numbers = itertools.count(1)
        self._shared: Backend | None = None
        self._runs = 0
        self._disks = [PowerDisk(SeededEntropy(number)) for number in range(DEVICES_MAX)]

    def run(self, seed: int) -> Outcome:
        """One seed, from nothing to its verdict."""
        if not Storms.of(seed).shake_the_server:
            return self.run_on(self._common(), seed)
        with self.backend() as own:
            return self.run_on(own, seed)

    def run_on(self, backend: Backend, seed: int) -> Outcome:
        """One seed on a database of the caller's."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            return simulate(seed, backend, folder, self._disks)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def hunt(self, defect: Defect, tries: int) -> tuple[int | None, tuple[str, ...]]:
        """The first seed, from the known one on, that catches `defect`, and its words; None after so many `tries`."""
        with self.backend() as shared, defect.planted():
            defect.put_into(shared.read())
            for seed in defect.suspects(tries):
                with contextlib.ExitStack() as stack:
                    backend = stack.enter_context(self.backend()) if Storms.of(seed).shake_the_server else shared
                    if backend is not shared:
                        defect.put_into(backend.read())
                    outcome = self.run_on(backend, seed)
                if outcome.faults:
                    return seed, outcome.faults
        return None, ()

    @contextlib.contextmanager
    def backend(self) -> Iterator[Backend]:
        """A fresh database, dropped at the end."""
        backend = self._made()
        try:
            yield backend
        finally:
            backend.close()
            self._maintain("drop", backend.database)

    def close(self) -> None:
        """Let go of the shared database."""
        if self._shared is not None:
            self._shared.close()
            self._maintain("drop", self._shared.database)
            self._shared = None

    def _common(self) -> Backend:
        if self._shared is None or self._runs >= SEEDS_PER_DATABASE:
            self.close()
            self._shared, self._runs = self._made(), 0
        self._runs += 1
        return self._shared

    def _made(self) -> Backend:
        name = f"simulation_{next(self._numbers)}"
        self._maintain("clone", name, TEMPLATE)
        return Backend(self._postgres.conninfo_of, name)

    def _maintain(self, name: str, database: str, template: str = "x") -> None:
        statement = sql.SQL(_SQL[name]).format(name=sql.Identifier(database), template=sql.Identifier(template))
        with psycopg.connect(self._postgres.conninfo_of(), autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def running_postgres(bin_dir: Path | None = None) -> Iterator[Ground]:
    """A cluster of its own in a temporary folder (`bin_dir`: of another version), ended with the block."""
    memory = Path("/dev/shm")  # noqa: S108 - folders of ours are made in it
    place = memory if memory.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="bmaddb-sim-", dir=place) as data,
        tempfile.TemporaryDirectory(prefix="bmaddb-sim-", dir=place) as files,
    ):
        Path(data).chmod(0o755)  # Postgres runs as a user of its own
        with EmbeddedPostgres(Path(data), settings=THROW_AWAY, bin_dir=bin_dir) as postgres:
            create_database(postgres.conninfo, TEMPLATE)
            install_schema(postgres.conninfo_of(TEMPLATE), EDITIONS[0].catalog)
            ground = Ground(postgres, Path(files))
            try:
                yield ground
            finally:
                ground.close()
