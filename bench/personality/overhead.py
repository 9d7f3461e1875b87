"""What adapting costs: microseconds an access, milliseconds a plan, bytes of state; and what reading from memory saves.

`python -m bench.personality.overhead`. Medians of rounds; a busy machine makes them larger.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from statistics import median
from time import perf_counter

import bmaddb
from bench.personality.equal import USER, fill, ready
from bmaddb.modules.tasks_productivity import Task
from bmaddb.personality import TYPES, VIEWS, AdaptiveCache, Guard, UseModel, prior_shares, state
from bmaddb.personality.consent import Optimisation
from bmaddb.personality.model import RANKS_MAX
from bmaddb.personality.state import STATE_BYTES_MAX
from bmaddb.personality.tables import BASE_SHARES
from bmaddb.service import Database

ROUNDS, CALLS = 30, 300
PAGE_BYTES = 4096
LIMITS = {
    "access_us": 20.0,
    "prior_get_us": 20.0,
    "prior_first_get_us": 20.0,
    "plan_ms": 2.0,
    "state_bytes": float(STATE_BYTES_MAX),
    "off_us": 1.0,
}


def main() -> None:
    """Print each figure with its limit."""
    for name, value in measure().items():
        limit = LIMITS.get(name)
        print(f"{name:28} {value:12.2f} {'' if limit is None else f'limit {limit:g}'}")


def measure() -> dict[str, float]:
    """Every figure by name."""
    figures = _core()
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("off", "prior"):
            with bmaddb.open(Path(folder) / f"{mode}.db", user=USER) as db:
                fill(db, random.Random(1), 2000)
                if mode == "prior":
                    ready(db, "INFJ", "prior")
                figures |= _file(db, "off" if mode == "off" else "prior")
    return figures


def _core() -> dict[str, float]:
    """The cache and model alone, guarded, which is the dearest mode."""
    chance = random.Random(1)
    cache = AdaptiveCache(now_ms=lambda: 0, mode="guarded", typed_prior=prior_shares(TYPES[0], 0.25))
    steps = [(chance.randrange(len(VIEWS)), min(int(chance.expovariate(0.1)), 200)) for _ in range(CALLS)]
    keys = [(view, 900 - rank) for view, rank in steps]
    plans, accesses = [], []
    for _ in range(ROUNDS):
        began = perf_counter()
        cache.begin_session(lambda view, rank: (view, 900 - rank))
        plans.append((perf_counter() - began) * 1e3)
        began = perf_counter()
        for (view, rank), key in zip(steps, keys, strict=True):
            cache.access(view, rank, key)
        accesses.append((perf_counter() - began) / CALLS * 1e6)
    return {"access_us": median(accesses), "plan_ms": median(plans)}


def _file(db: Database, mode: Optimisation) -> dict[str, float]:
    ids = db.query(Task).order_by(Task.updated_at.desc(), Task.id).limit(40).ids()
    query = db.query(Task).where(Task.state == "todo").order_by(Task.priority.desc(), Task.id).limit(50)
    desk = db.personality
    desk.open("tasks")
    figures = {
        f"{mode}_get_us": _each(lambda: [desk.get(Task, one) for one in ids], len(ids)),
        f"{mode}_store_get_us": _each(lambda: [db.store.get(Task, one) for one in ids], len(ids)),
        f"{mode}_read_us": _each(lambda: desk.read(query), 1),
        f"{mode}_query_all_us": _each(query.all, 1),
    }
    if mode == "off":
        return figures | {"off_us": _off(db, ids)}
    figures |= _first(db)
    figures["session_begin_ms"] = _each(desk.begin_session, 1) / 1000
    figures["save_ms"] = _each(desk.save, 1) / 1000
    figures["state_bytes"] = float(_state_bytes(db))
    return figures


def _first(db: Database) -> dict[str, float]:
    """A row that memory does not hold, by both ways in turns: the file is read, and what is learnt is noted."""
    ids = iter(db.query(Task).order_by(Task.id).ids())
    ways = {"prior_first_get_us": db.personality.get, "store_first_get_us": db.store.get}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for one, name in zip(ids, cycle(ways), strict=False):
        began = perf_counter()
        ways[name](Task, one)
        taken[name].append((perf_counter() - began) * 1e6)
    return {name: median(times) for name, times in taken.items()}


def _off(db: Database, ids: list[str]) -> float:
    """What a call costs more when nothing is on: the median of rounds that take turns."""
    desk, store, differences = db.personality, db.store, []
    for _ in range(ROUNDS * 4):
        began = perf_counter()
        for one in ids:
            store.get(Task, one)
        middle = perf_counter()
        for one in ids:
            desk.get(Task, one)
        differences.append((perf_counter() - middle - (middle - began)) / len(ids) * 1e6)
    return median(differences)


def _state_bytes(db: Database) -> int:
    """Of a state in which everything that can be counted was."""
    model, pages = UseModel(len(VIEWS)), db.personality.indexes._pages()
    for view in range(len(VIEWS)):
        for other in range(len(VIEWS)):
            model.recall_follow(view, other, 1.0)
        for rank in range(RANKS_MAX):
            model.recall_rank(view, rank, 1.0)
    state.keep(db.store, list(state.rows_of(model, Guard(), BASE_SHARES, 0)), lambda: True)
    return (db.personality.indexes._pages() - pages) * PAGE_BYTES


def _each(act: Callable[[], object], parts: int) -> float:
    act()
    taken = []
    for _ in range(ROUNDS):
        began = perf_counter()
        act()
        taken.append((perf_counter() - began) / parts * 1e6)
    return median(taken)


if __name__ == "__main__":
    main()
