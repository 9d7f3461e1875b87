"""A task that two devices counted as done counts once: the one that is to give way takes its count back."""

from __future__ import annotations

from collections.abc import Iterator

from bmaddb.coaching.alone import Alone
from bmaddb.coaching.local_days import period_key
from bmaddb.coaching.operations.progressing import progress_id
from bmaddb.coaching.registries import METRIC
from bmaddb.coaching.tallies import COLLECTION, EXTENSION, count_of, counted_on, day_of_entry, give_way, tally_of
from bmaddb.device.atomic import RuleContext
from bmaddb.device.store import WriteTransaction
from bmaddb.device.sync.arrivals import Arrived
from bmaddb.modules.extensions import ExtensionRecord
from bmaddb.modules.tasks_productivity import Task, UserProgress
from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.counters import total

TABLES = frozenset({"extension_records", "tasks"})
_METRIC = "tasks_done"


def count_once(tx: WriteTransaction, context: RuleContext, arrived: Arrived) -> int:
    """Change this device's counts where it is for it to do so; the answer is how many rows were written."""
    return sum(_settle(tx, context, tally) for tally in _tallies(tx, context, arrived))


def _tallies(tx: WriteTransaction, context: RuleContext, arrived: Arrived) -> Iterator[ExtensionRecord]:
    tallies, tasks = (arrived.get(name, frozenset()) for name in sorted(TABLES))
    if tallies is None or tasks is None:
        ours = (ExtensionRecord.extension_code == EXTENSION, ExtensionRecord.collection == COLLECTION)
        yield from tx.query(ExtensionRecord).where(ExtensionRecord.user_id == context.user, *ours).all()
        return
    of_tasks = (tally_of(tx, context.user, task_id) for task_id in tasks)
    found = (*(tx.get(ExtensionRecord, row_id) for row_id in tallies), *of_tasks)
    yield from {row.id: row for row in found if row is not None and row.collection == COLLECTION}.values()


def _settle(tx: WriteTransaction, context: RuleContext, tally: ExtensionRecord) -> int:
    task = tx.get(Task, tally.record_key) if tally.extension_code == EXTENSION else None
    device, data = context.device_id, tally.data
    change = 0 if task is None or not isinstance(data, dict) else give_way(task.state == "done", data, device)
    if not change:
        return 0
    with Alone(context, tally), tx.savepoint():
        return _take(tx, context, tally, change)
    return 0


def _take(tx: WriteTransaction, context: RuleContext, tally: ExtensionRecord, change: int) -> int:
    device, data = context.device_id, tally.data
    day = day_of_entry(data, device) or counted_on(context, tally.record_key)
    tx.update(tally, data={**data, device: [count_of(data, device) + change, day.isoformat()]})
    written = 1
    for period in METRIC[_METRIC]["periods"]:
        key = {"metric_code": _METRIC, "period_key": period_key(period, day)}
        row = tx.get(UserProgress, progress_id(context, key))
        if row is not None:
            counts = counted(row.device_counts, device, change, context.now_ms)
            value = total(counts)
            tx.update(row, device_counts=counts, value=value, best_value=max(value, row.best_value))
            written += 1
    return written
