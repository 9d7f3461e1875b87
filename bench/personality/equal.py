"""The same rows in the same order, whatever the type and the mode: random queries on a real file, while others write.

Each answer of `db.personality` stands beside one of a snapshot, which is read from the file; a thread writes meanwhile,
now through the same database, now through another that has the same file open.
`python -m bench.personality.equal [queries]` runs the whole promise: 10,000 queries x 16 types x off, prior, adaptive.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bmaddb
from bmaddb.device.query import Query
from bmaddb.modules.chat_journal import Contact
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.personality.consent import Optimisation
from bmaddb.personality.functions import TYPES
from bmaddb.service import Database

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
MODES: tuple[Optimisation, ...] = ("off", "prior", "adaptive")
QUERIES = 10_000
WRITE_SHARE = 0.05
STATES = ("todo", "doing", "waiting", "done")


@dataclass
class Tally:
    """Queries asked, answers from memory, writes meanwhile, and answers that differed in rows or order."""

    queries: int = 0
    from_memory: int = 0
    writes: int = 0
    different: int = 0


def fill(db: Database, chance: random.Random, rows: int) -> None:
    """Tasks, goals and contacts to ask about."""
    with db.write() as tx:
        goals = [
            tx.insert(Goal, title=f"goal {number}", importance=chance.randint(1, 5)) for number in range(rows // 10)
        ]
        for number in range(rows):
            tx.insert(
                Task,
                title=f"task {number}",
                state=chance.choice(STATES),
                priority=chance.randint(0, 4),
                goal_id=chance.choice([None, *(goal.id for goal in goals)]),
            )
        for number in range(rows // 5):
            tx.insert(Contact, display_name=f"person {number}", circle=chance.randint(1, 5))


def random_query(db: Database, chance: random.Random) -> Query[Any]:
    """A query of a few conditions and orders, often one that was asked before."""
    record: Any = chance.choice((Task, Goal, Contact))
    query = db.query(record)
    if record is Task:
        conditions: list[Callable[[], Any]] = [
            lambda: Task.state == chance.choice(STATES),
            lambda: Task.priority >= chance.randint(0, 4),
            lambda: Task.title.contains(str(chance.randint(0, 9))),
            lambda: Task.goal_id.is_null(),
            lambda: Task.state.in_(chance.sample(STATES, 2)) | (Task.priority == 0),
        ]
        orders = [Task.priority.desc(), Task.title.asc(), Task.state.asc(), Task.id.asc()]
    elif record is Goal:
        conditions = [lambda: Goal.importance <= chance.randint(1, 5)]
        orders = [Goal.importance.desc(), Goal.title.asc(), Goal.id.asc()]
    else:
        conditions = [lambda: Contact.circle == chance.randint(1, 5)]
        orders = [Contact.circle.asc(), Contact.display_name.desc(), Contact.id.asc()]
    for make in chance.sample(conditions, chance.randint(0, min(2, len(conditions)))):
        query = query.where(make())
    query = query.order_by(*chance.sample(orders[:-1], chance.randint(0, 2)), orders[-1])
    return query.limit(chance.choice((1, 5, 20, 50))) if chance.random() < 0.7 else query


def compare(db: Database, other: Database, chance: random.Random, queries: int) -> Tally:
    """Ask `queries` times twice, through `db.personality` and of the file; and single rows likewise.

    Meanwhile a thread writes, one commit at a time, through `db` or `other`, which have the same file.
    """
    tally, asked = Tally(), [random_query(db, chance) for _ in range(min(1 + queries // 4, 60))]
    db.store.expect(())  # to hold what is read from the beginning
    ids = db.query(Task).order_by(Task.id).ids()
    desk, held = db.personality, Held()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(_write, db, 0, ids)
        tally.writes += 1
        for number in range(queries):
            if number % 20 == 0:
                desk.begin_session()
                assert desk.plan(asked[0]).query is asked[0]
            if chance.random() < WRITE_SHARE:
                writing.result()
                writing = pool.submit(_write, chance.choice((db, other)), chance.getrandbits(32), ids)
                tally.writes += 1
            query = chance.choice(asked) if chance.random() < 0.8 else random_query(db, chance)
            row_id = chance.choice(ids[:80])
            tally.different += _different(db, query, row_id, held)
            tally.queries += 1
        writing.result()
    tally.from_memory = held.again
    return tally


class Held:
    """Tells what was answered from memory: a record that was given out before, itself and not an equal one."""

    def __init__(self) -> None:
        self.again = 0
        self._seen: dict[str, Any] = {}

    def look(self, answer: Any) -> None:
        """Count this answer, if its first row is one that was given out before."""
        row = answer[0] if isinstance(answer, list) and answer else answer
        if row:
            self.again += self._seen.get(row.id) is row
            self._seen[row.id] = row


def _different(db: Database, query: Query[Any], row_id: str, held: Held) -> int:
    """How many of two answers are neither what the file held just before nor, one commit being between, just after."""

    def truth() -> tuple[Any, Any]:
        with db.read():
            return query.all(), db.store.get(Task, row_id)

    before = truth()
    answers = db.personality.read(query), db.personality.get(Task, row_id)
    for answer in answers:
        held.look(answer)
    if answers == before:
        return 0
    after = truth()
    return sum(answer not in states for answer, *states in zip(answers, before, after, strict=True))


def ready(db: Database, code: str, mode: Optimisation) -> None:
    """Agree, declare, switch."""
    if not db.personality.standing.consented:
        db.personality.consent(text="the text that was shown", version="1")
    db.personality.declare(code)
    db.personality.switch(mode)


def _write(db: Database, seed: int, ids: list[str]) -> None:
    chance = random.Random(seed)
    with db.write() as tx:
        luck = chance.random()
        if luck < 0.6:  # the title is one that never was, so that no state comes back
            tx.update(Task, chance.choice(ids[:80]), priority=chance.randint(0, 4), title=f"changed {seed}")
        elif luck < 0.8:
            tx.insert(Task, title=f"new {seed}", due_at=datetime(2026, 1, 1, tzinfo=UTC))
        else:
            tx.insert(Contact, display_name=f"new {seed}", circle=chance.randint(1, 5))


def promise(mode: Optimisation, queries: int) -> Tally:
    """So many queries for each of the sixteen types in this mode."""
    total = Tally()
    for code in TYPES:
        tally = of_type(code, mode, queries)
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
    return total


def of_type(code: str, mode: Optimisation, queries: int) -> Tally:
    """The same of one type."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.db"
        with bmaddb.open(path, user=USER, durability="normal") as db:
            chance = random.Random(f"{code}/{mode}")
            fill(db, chance, 120)
            ready(db, code, mode)
            with bmaddb.open(path, user=USER, durability="normal") as other:
                return compare(db, other, chance, queries)


def main() -> None:
    """The whole promise; prints what was asked and how often it differed."""
    queries = int(sys.argv[1]) if len(sys.argv) > 1 else QUERIES
    for mode in MODES:
        print(mode, promise(mode, queries), flush=True)


if __name__ == "__main__":
    main()
