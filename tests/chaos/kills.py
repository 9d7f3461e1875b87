"""Kills devices and servers at random moments under load, and counts what was lost (it must be nothing).

python -m tests.chaos.kills --devices 300 --servers 100 --postgres 5 --seed 1
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import psycopg

from bmaddb.device.sync import VerifyReport
from bmaddb.device.sync.verify_report import Verified
from bmaddb.testing.digests import count, device_rows, differences, server_rows
from tests.chaos.processes import Device, Postgres, Server, opened, postgres
from tests.chaos.scripted import CATALOG, USER

ACKNOWLEDGED_MAX = 30
QUIET_S_MAX = 0.2
SYNCS_MAX = 200


@dataclass(kw_only=True)
class Plan:
    """How often who is killed, and the seed of the moments."""

    devices: int
    servers: int
    postgres: int
    seed: int


@dataclass
class Tally:
    """What happened."""

    acknowledged: set[int] = field(default_factory=set)
    kills: dict[str, int] = field(default_factory=lambda: {"device": 0, "server": 0, "postgres": 0})
    lost: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    rows: int = 0
    seconds: float = 0

    def __str__(self) -> str:
        kills = ", ".join(f"{number} {who}" for who, number in self.kills.items())
        return (
            f"killed: {kills}; acknowledged writes: {len(self.acknowledged)}; lost: {len(self.lost)}; "
            f"faults of files: {len(self.faults)}; rows at the end: {self.rows}; {self.seconds:.0f} s"
        )


class Chaos:
    """One run in a folder."""

    def __init__(self, plan: Plan, folder: Path, database: Postgres) -> None:
        self.tally = Tally()
        self._chance = random.Random(plan.seed)
        self._path = folder / "device.db"
        self._copy = folder / "copy" / "device.db"
        self._copy.parent.mkdir()
        self._postgres = database
        self._plan = plan
        self._server = Server(database.conninfo)
        self._next = 1
        self._device: Device | None = None

    def run(self) -> Tally:
        """Every kill of the plan in a random order, then quiet, then the comparison."""
        began = time.perf_counter()
        plan = self._plan
        events = ["device"] * plan.devices + ["server"] * plan.servers + ["postgres"] * plan.postgres
        self._chance.shuffle(events)
        for event in events:
            self._work()
            self.tally.kills[event] += 1
            {"device": self._kill_device, "server": self._kill_server, "postgres": self._postgres.crash}[event]()
        self._kill_device()
        self._compare()
        self._server.kill()
        self.tally.seconds = time.perf_counter() - began
        return self.tally

    def _work(self) -> None:
        """Let the device write some rows; now and then nothing is awaited, so that it dies while it opens."""
        if self._device is None:
            self._device = Device(self._path, self._server.url, self._next)
        for _ in range(self._chance.randint(0, ACKNOWLEDGED_MAX)):
            number = self._device.acknowledged(QUIET_S_MAX)
            if number is not None:
                self._note(number)
        self._device.acknowledged(self._chance.random() * 0.02)

    def _note(self, number: int) -> None:
        self.tally.acknowledged.add(number)
        self._next = max(self._next, number + 1)

    def _kill_device(self) -> None:
        if self._device is not None:
            for number in self._device.kill():
                self._note(number)
            self._device = None
            self._next += 10  # rows that were written and never told of keep their numbers
            self._look()

    def _kill_server(self) -> None:
        self._server.kill()
        self._work()
        if self._chance.random() < 0.3:
            self._kill_device()
        self._server.start()

    def _look(self) -> None:
        """The file as the killed process left it, on a copy: the next process shall recover it itself."""
        for old in self._copy.parent.iterdir():
            old.unlink()
        for suffix in ("", "-wal"):
            source = self._path.with_name(self._path.name + suffix)
            if source.exists():
                shutil.copy(source, self._copy.with_name(self._copy.name + suffix))
        if not self._copy.exists():
            return
        connection = apsw.Connection(str(self._copy))
        try:
            found = connection.pragma("integrity_check")
            if found != "ok":
                self.tally.faults.append(str(found))
            self.tally.lost |= self.tally.acknowledged - _numbers(connection)
        finally:
            connection.close()

    def _compare(self) -> None:
        """Sync to the end; device, server and a second device must hold the same."""
        device = self._synced(self._path)
        other = self._synced(self._path.with_name("other.db"))
        with psycopg.connect(self._postgres.conninfo) as connection:
            server = server_rows(connection, CATALOG, USER)
        self.tally.rows = count(server)
        self.tally.faults += differences(device, server)[:5] + differences(other, server)[:5]
        held = {int(row["title"]) for row in server["notes"]} & {int(row["title"]) for row in server["jobs"]}
        self.tally.lost |= self.tally.acknowledged - held
        numbers = [row["title"] for row in server["notes"]]
        if len(numbers) != len(set(numbers)):
            self.tally.faults.append("a row arrived twice")

    def _synced(self, path: Path) -> Any:
        store, outbox, engine = opened(path, self._server.url)
        try:
            for _ in range(SYNCS_MAX):
                if engine.sync_blocking().ok and outbox.counts().total == 0:
                    break
            else:
                self.tally.faults.append(f"{path.name} does not come to rest: {outbox.counts()}")
            self.tally.faults += _verified(path.name, engine.verify_blocking(repair=False))
            with store.read() as connection:
                return device_rows(connection, CATALOG)
        finally:
            engine.close()
            store.close()


def _verified(name: str, report: VerifyReport) -> list[str]:
    """What is wrong with a file that has come to rest: with itself (integrity_check), or beside the server."""
    if report.result is Verified.EQUAL and not report.file_faults and not report.broken_references:
        return []
    return [f"{name} verifies as {report}"]


def _numbers(connection: apsw.Connection) -> set[int]:
    """The rows that are there whole: the note and its job."""
    if not connection.execute("select count(*) from sqlite_schema where name = 'jobs'").get:
        return set()
    found = connection.execute("select n.title from notes n join jobs j on j.note_id = n.id")
    return {int(title) for (title,) in found}


def chaos(plan: Plan) -> Tally:
    """One run, on a Postgres of its own."""
    folder = Path(tempfile.mkdtemp(prefix="bmaddb-chaos-"))
    try:
        with postgres() as database:
            return Chaos(plan, folder, database).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("devices", 300), ("servers", 100), ("postgres", 5), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    outcome = chaos(Plan(**vars(parser.parse_args())))
    sys.stdout.write(f"{outcome}\n")
    sys.exit(bool(outcome.lost or outcome.faults))
