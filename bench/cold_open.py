"""A cold open: the whole process that opens a file of 500 MB and reads one row, beside a bare apsw script (C6).

Processes run interleaved in changing order. What a process costs is counted in its own processor time (user and
system), which neighbours on the machine change less than the time on the wall; both are shown by `python -m
bench.cold_open`. The limits below ours are the interpreter alone, the imports it cannot do without, and bare apsw.
The file's pages are in the system's cache: it is the program that is cold. bmaddb does not ask for typing_extensions,
but msgspec imports it where another package has brought it, as in this environment.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from bench.figure import Figure
from bench.store import USER, given_rows
from bmaddb.modules.tasks_productivity import Task
from bmaddb.service import open_database

FILE_MB: Final = 500
RUNS: Final = 15
ROWS_PER_WRITE: Final = 20_000
PROMISED_MS: Final = 50
_OPEN: Final = "import sys, bmaddb; db = bmaddb.open(sys.argv[1]); "
_ONE_ROW: Final = _OPEN + "from bmaddb.modules.tasks_productivity import Task; db.get(Task, sys.argv[2])"
SCRIPTS: Final = {
    "bmaddb, one row": _ONE_ROW,
    "bmaddb, one row, where no typing_extensions is installed": (
        "import sys; sys.modules['typing_extensions'] = None; " + _ONE_ROW
    ),
    "bmaddb, opened only": _OPEN,
    "bmaddb, imported only": "import bmaddb; bmaddb.open",
    "msgspec and apsw imported": "import msgspec, apsw",
    "bare apsw, one row": (
        "import sys, apsw; c = apsw.Connection(sys.argv[1], flags=apsw.SQLITE_OPEN_READONLY); "
        "c.execute('select * from tasks where id = ?', (sys.argv[2],)).fetchall()"
    ),
    "the interpreter alone": "pass",
}


class Cost(NamedTuple):
    """Milliseconds of one process: on the processor, and on the wall."""

    cpu_ms: float
    wall_ms: float


def made(path: Path, size_mb: int = FILE_MB) -> str:
    """A file of that size; the answer is the id of a row in its middle."""
    with open_database(path, user=USER, durability="normal") as db:
        ids: list[str] = []
        while path.stat().st_size < size_mb << 20:
            rows = [{**row, "notes": str(row["notes"]) * 4} for row in given_rows(ROWS_PER_WRITE)]
            with db.write() as tx:
                tx.insert_many(Task, rows)
            ids = ids or db.query(Task).limit(ROWS_PER_WRITE).ids()
        return ids[len(ids) // 2]


def run(script: str, path: Path, row_id: str) -> Cost:
    """One process of its own."""
    start = time.perf_counter()
    words = [sys.executable, "-c", script, str(path), row_id]
    process = os.posix_spawn(sys.executable, words, {**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
    _, status, usage = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"exit status {status}: {script}")
    return Cost((usage.ru_utime + usage.ru_stime) * 1e3, (time.perf_counter() - start) * 1e3)


def costs(path: Path, row_id: str, runs: int = RUNS) -> dict[str, Cost]:
    """The median of each script."""
    found: dict[str, list[Cost]] = {name: [] for name in SCRIPTS}
    for turn in range(runs + 1):
        for name in list(SCRIPTS)[:: 1 if turn % 2 else -1]:
            cost = run(SCRIPTS[name], path, row_id)
            if turn:  # the first run writes bytecode and fills the system's cache
                found[name].append(cost)
    return {name: Cost(*map(statistics.median, zip(*each, strict=True))) for name, each in found.items()}


def measure() -> list[Figure]:
    """The whole process, and its parts, beside bare apsw; most of the time goes into making the file."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as folder:
        path = Path(folder) / "large.db"
        found = costs(path, made(path))
    bare = found["bare apsw, one row"].cpu_ms
    return [
        Figure(
            name=f"cold open of {FILE_MB} MB, a whole process: {name} ({cost.wall_ms:.0f} ms on the wall)",
            peer="bare apsw, one row",
            ours_us=round(cost.cpu_ms * 1e3, 1),
            peer_us=round(bare * 1e3, 1),
            ratio=round(cost.cpu_ms / bare, 2),
            limit=round(PROMISED_MS / bare, 1) if name == "bmaddb, one row" else None,
        )
        for name, cost in found.items()
        if not name.startswith("bare")
    ]


if __name__ == "__main__":
    for one in measure():
        print(f"{one.name:90} {one.ours_us / 1e3:7.1f} ms of processor, {one.ratio:5.2f} x {one.peer}")
