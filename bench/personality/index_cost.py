"""What each optional index is worth and costs: its pattern with and without it, inserts with and without, file size.

`python -m bench.personality.index_cost`. Both sides of a line run interleaved.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import bmaddb
from bench.personality.equal import USER, fill, ready
from bmaddb.modules.tasks_productivity import Task
from bmaddb.personality.indexes import GROWTH_MAX, SPEED_MIN
from bmaddb.service import Database

ROWS, ROUNDS, INSERTS = 5000, 15, 100


class Cost(NamedTuple):
    """`speed`: times as fast; `write` and `growth`: shares more."""

    name: str
    speed: float
    write: float
    growth: float
    kept: bool


def main() -> None:
    """Print a line an index."""
    for cost in measure():
        print(f"{cost.name:16} {cost.speed:7.1f}x  writes {cost.write:+.1%}  file {cost.growth:+.1%}  kept {cost.kept}")


def measure() -> list[Cost]:
    """Of the indexes on tables that the bench fills."""
    with tempfile.TemporaryDirectory() as folder, bmaddb.open(Path(folder) / "own.db", user=USER) as db:
        fill(db, random.Random(1), ROWS)
        ready(db, "ESTP", "prior")
        return [_one(db, name) for name in ("task_due", "task_recent", "contact_touch", "goal_ladder")]


def _one(db: Database, name: str) -> Cost:
    without, within = [], []
    indexes = db.personality.indexes
    speed = growth = 0.0
    for _ in range(ROUNDS):
        indexes.drop(name)
        without.append(_inserts(db))
        found = indexes._try_one(name, keep_anyway=True)
        speed, growth = max(speed, found.speed), max(growth, found.growth)
        within.append(_inserts(db))
    indexes.drop(name)
    write = median(b / a for a, b in zip(without, within, strict=True)) - 1
    return Cost(name, speed, write, growth, speed >= SPEED_MIN and growth <= GROWTH_MAX)


def _inserts(db: Database) -> float:
    began = perf_counter()
    with db.write() as tx:
        for number in range(INSERTS):
            tx.insert(Task, title=f"more {number}")
    return perf_counter() - began


if __name__ == "__main__":
    main()
