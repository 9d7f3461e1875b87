"""Operations beside the same writes without them: a batch of a thousand, one in ten of which fails.

Two peers write through the same store and outbox, in one transaction, without rules, checks of references, results or
a journal. One does by hand what a batch does: each act is a nested write, and the hundred that fail are undone alone.
The other writes the rows of the nine hundred good ones and nothing else: it is spared the nested writes and what fails.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bench.figure import Figure
from bench.store import USER, compare, given_rows
from bmaddb.clock import SystemClock
from bmaddb.device.atomic import Action, Operation, Operations, RuleContext, Severity, Step, Violation
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.entropy import SystemEntropy
from bmaddb.errors import RecordNotFound
from bmaddb.modules.registry import ModuleRegistry
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema import Record

OPERATIONS: Final = 1_000
FAILS_EVERY: Final = 10
ROUNDS: Final = 9
SLOWER_MAX: Final = round(1 / 0.6, 2)
"""At least 60 % of the throughput."""


def measure(operations: int = OPERATIONS, rounds: int = ROUNDS) -> list[Figure]:
    """Batches of operations of one row and of three rows, with a rule each; microseconds a good operation."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as folder:
        return [
            _compared(Path(folder) / f"{by_hand} {rows}", rows, operations, rounds, by_hand=by_hand)
            for by_hand in (False, True)
            for rows in (1, 3)
        ]


def _compared(folder: Path, rows: int, operations: int, rounds: int, *, by_hand: bool) -> Figure:
    folder.mkdir()
    ours, peer = _opened(folder / "ours.db"), _opened(folder / "peer.db")
    desk = Operations(ours)
    given = [given_rows(rows) for _ in range(operations)]
    good = [one for number, one in enumerate(given) if number % FAILS_EVERY]

    made = iter([_operations(given) for _ in range(rounds + 1)])

    def batch() -> int:
        batch = desk.execute_batch(next(made))
        if len(batch.committed) != len(good) or batch.fatal is not None:
            raise RuntimeError("the wrong operations were committed")
        return len(good)

    def nested() -> int:
        with peer.write() as tx:
            peer.expect_many()
            for number, one in enumerate(given):
                with suppress(RecordNotFound), tx.savepoint():
                    for row in one:
                        tx.insert(Task, **row)
                    if number % FAILS_EVERY == 0:
                        tx.update(Task, "none", title="x")
        return len(good)

    def plain() -> int:
        with peer.write() as tx:
            peer.expect_many()
            for one in good:
                for row in one:
                    tx.insert(Task, **row)
        return len(good)

    try:
        name = f"operation of {rows} row{'s' if rows > 1 else ''}, in a batch of {operations:,}"
        peer_name = "nested writes by hand" if by_hand else "the good rows alone"
        return compare(name, batch, nested if by_hand else plain, rounds=rounds, limit=SLOWER_MAX, peer_name=peer_name)
    finally:
        ours.close()
        peer.close()


def _operations(given: list[list[dict[str, Any]]]) -> list[Operation]:
    """As ready as the peer's rows are."""
    return [_operation(number, one) for number, one in enumerate(given)]


def _operation(number: int, rows: list[dict[str, Any]]) -> Operation:
    steps = tuple(Step(f"task {place}", "tasks", Action.INSERT, row, (_titled,)) for place, row in enumerate(rows))
    if number % FAILS_EVERY == 0:
        steps = (*steps, Step("fails", "tasks", Action.UPDATE, {"id": "none", "title": "x"}))
    return Operation("add", steps)


def _titled(row: Mapping[str, Any], before: Record | None, context: RuleContext) -> list[Violation]:
    if row.get("title") or before is not None:
        return []
    return [Violation("titled", "title", Severity.ERROR, f"a task of {context.user} has no title")]


def _opened(path: Path) -> Store:
    catalog = ModuleRegistry().default_catalog()
    store = Store(path, catalog, clock=SystemClock(), entropy=SystemEntropy(), user=USER, durability="normal")
    Outbox(store)
    return store


if __name__ == "__main__":
    for figure in measure():
        print(f"{figure.name}: {figure.ours_us} µs, {figure.peer}: {figure.peer_us} µs, ratio {figure.ratio}")
