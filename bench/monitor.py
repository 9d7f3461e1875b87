"""What the monitor costs: `python -m bench.monitor`. Prints; writes nothing.

The same reads and writes, with the monitor never started, recording, and stopped again, in turn within each round. A
ratio is the median of the rounds' ratios, and what is counted is processor time: a busy machine slows all sides of it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.store import USER, given_rows
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema.conditions import Param
from bmaddb.service import Database, open_database

ROUNDS: Final = 31
ROWS: Final = 5_000
SIDES: Final = ("never started", "recording", "stopped")
Act = Callable[[], object]


def main() -> None:
    """Measure and print, one line for each act."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as folder:
        acts = {side: _acts(_made(Path(folder) / f"{place}.db", side)) for place, side in enumerate(SIDES)}
        for name in acts[SIDES[0]]:
            print(f"{name}: {_told(_measured({side: acts[side][name] for side in SIDES}))}")


def _told(times: dict[str, list[float]]) -> str:
    told = []
    for side, mine in times.items():
        ratio = statistics.median(here / base for here, base in zip(mine, times[SIDES[0]], strict=True))
        told.append(f"{side} {statistics.median(mine):.1f} us ({ratio:.2f})")
    return ", ".join(told)


def _made(path: Path, side: str) -> Database:
    db = open_database(path, user=USER, durability="normal")
    with db.write() as tx:
        tx.insert_many(Task, given_rows(ROWS))
    if side != SIDES[0]:
        db.monitor.start()
    if side == SIDES[2]:
        db.query(Task).first()
        db.monitor.stop()
    return db


def _acts(db: Database) -> dict[str, tuple[Act, int]]:
    """What is done, and how often in a round."""
    ids = db.query(Task).order_by(Task.id).limit(ROWS).ids()
    numbers = iter(range(10**9))
    fifty = db.query(Task).where(Task.title > Param("title")).limit(50).prepare()

    def write() -> None:
        with db.write() as tx:
            tx.update(Task, ids[next(numbers) % ROWS], notes=str(next(numbers)))

    return {
        "read by id": (lambda: db.get(Task, ids[next(numbers) % ROWS]), 2_000),
        "50 rows, prepared": (lambda: fifty.all(title=""), 300),
        "scan of 5,000 rows": (lambda: db.query(Task).where(Task.notes == "nobody").all(), 20),
        "write of one row": (write, 300),
    }


def _measured(acts: dict[str, tuple[Act, int]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {side: [] for side in acts}
    for number in range(ROUNDS):
        turn = number % len(acts)
        sides = (*list(acts)[turn:], *list(acts)[:turn])
        for side in sides:
            act, count = acts[side]
            began = time.process_time()
            for _ in range(count):
                act()
            times[side].append((time.process_time() - began) / count * 1e6)
    return times


if __name__ == "__main__":
    main()
