"""What 1,000 live queries of mixed shapes cost a committed write: when they concern nobody, and when they concern 50.

Time of the thread that writes, until its commit is done: this is what a write waits for. The same writes go by turns to
two files with the same rows, one with live queries and one without. BMADDB_BENCH_ROWS (default 100000) says how many
rows the table has.
"""

from __future__ import annotations

import gc
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bench.figure import Figure
from bench.settled import settled
from bench.store import given_rows, opened
from bmaddb.device.observe import Observers, Subscription, number_of, one_of, view_of
from bmaddb.device.query import count_of
from bmaddb.device.store import Store
from bmaddb.modules.tasks_productivity import Goal, Task

ROWS: Final = int(os.environ.get("BMADDB_BENCH_ROWS", "100000"))
LIVE: Final = 1_000
CONCERNED: Final = 50
GOALS: Final = 200
ROUNDS: Final = 31
WRITES: Final = 20
EARLY, LATE = 2025, 2027
"""Days before all others, so that what is written stays in the windows; and after, so that it comes into none."""
WAIT_S: Final = 30.0


def measure() -> list[Figure]:
    """Takes some minutes with a million rows, most of them for filling the file."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as folder:
        path, twin = Path(folder) / "live.db", Path(folder) / "still.db"
        with opened(path, "normal") as store:
            _fill(store)
        shutil.copy(path, twin)
        with opened(path, "normal") as store, opened(twin, "normal") as still:
            observers = Observers(store)
            ids = store.query(Task).order_by(Task.id).ids()
            lives = list(_lives(observers, store, ids))
            assert len(lives) == LIVE
            quiet = _compare("nobody concerned; promised: 100 us more", store, still, ids[-WRITES:], LATE)
            concerned: list[Subscription[Any]] = [
                Subscription(observers, view_of(_of_goal(store, "g0"))) for _ in range(CONCERNED)
            ]
            name = f"{CONCERNED} concerned; promised: 1,000 us more"
            heard = _compare(name, store, still, _of_goal(still, "g0").ids()[:WRITES], EARLY, concerned)
            observers.close()
            return [quiet, heard]


def _fill(store: Store) -> None:
    with store.write() as tx:
        tx.insert_many(Goal, [{"id": f"g{number}", "title": f"goal {number}"} for number in range(GOALS)])
    for begin in range(0, ROWS, 10_000):  # a write no push can carry is refused
        rows = given_rows(min(10_000, ROWS - begin))
        with store.write() as tx:
            tx.insert_many(Task, [{**row, "goal_id": f"g{number % GOALS}"} for number, row in enumerate(rows)])


def _of_goal(store: Store, goal: str) -> Any:
    return store.query(Task).where(Task.goal_id == goal).order_by(Task.due_on, Task.id).limit(50)


def _lives(observers: Observers, store: Store, ids: list[str]) -> Iterator[Subscription[Any]]:
    """Six of ten look at one record; the others at windows, counts, columns, and what is read again."""
    tasks = store.query(Task)
    for number in range(LIVE):
        goal = f"g{1 + number % (GOALS - 2)}"
        match number % 20:
            case 0 | 1 | 2:
                view = view_of(_of_goal(store, goal))
            case 3 | 4:
                view = number_of(tasks.where(Task.goal_id == goal, Task.state == "todo"), count_of())
            case 5:
                view = view_of(
                    tasks.where(Task.goal_id == goal).order_by(Task.id).limit(20).select(Task.id, Task.title)
                )
            case 6:
                view = view_of(tasks.where(Task.due_on > "2030", Task.priority == 4).order_by(Task.due_on).limit(20))
            case 7:
                view = view_of(store.query(Goal).order_by(Goal.title).limit(10))
            case _:
                view = one_of(store, Task, ids[number])
        yield Subscription(observers, view)


def _compare(
    name: str, live: Store, still: Store, ids: list[str], year: int, heard: Sequence[Subscription[Any]] = ()
) -> Figure:
    """Each of `heard` takes its state after every write, so that the next one has to be told again."""
    for one in heard:
        one.wait(WAIT_S)
    mine: list[float] = []
    theirs: list[float] = []
    with settled():
        for turn in range(ROUNDS):
            for store, times in ((live, mine), (still, theirs)) if turn % 2 else ((still, theirs), (live, mine)):
                gc.collect()
                times.append(_round(store, ids, turn, f"{year}-01-{1 + turn % 28:02}", heard if store is live else ()))
    ours, peer = statistics.median(mine), statistics.median(theirs)
    return Figure(
        name=f"committed write, {LIVE:,} live queries, {ROWS:,} rows: {name}",
        peer="without live queries",
        ours_us=round(ours, 1),
        peer_us=round(peer, 1),
        ratio=round(statistics.median(a / b for a, b in zip(mine, theirs, strict=True)), 2),
        limit=None,
    )


def _round(store: Store, ids: list[str], turn: int, day: str, heard: Sequence[Subscription[Any]]) -> float:
    """Microseconds of one write; that the states arrive, and are taken, is not counted."""
    took = 0.0
    for number in range(WRITES):
        began = time.thread_time()
        with store.write() as tx:
            tx.update(Task, ids[number % len(ids)], title=f"turn {turn} {number}", due_on=day)
        took += time.thread_time() - began
        for one in heard:
            one.wait(WAIT_S)
    return took / WRITES * 1e6


if __name__ == "__main__":
    for figure in measure():
        print(figure)
