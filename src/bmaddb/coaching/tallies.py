"""How often a task was counted as done, and by which device: what two devices both counted counts once in the end.

The progress of a metric says how many each device counted, not which. So beside it stands one row of
`extension_records` for each task that was completed (`coaching`, `counted_tasks`, the task's id): device -> [how many
times it counted the task as done, less those it took back; the day it did]. A merge keeps each device's entry, so their
sum says how often the task is counted, and it must be once, or not at all when the task is not done.

Rules of this room: a device changes only its own entry and its own count; which one gives way follows from the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from bmaddb.coaching.candidate import RuleSet
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.local_days import day_of, local_day
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.device.atomic import Action, RuleContext, Step
from bmaddb.device.atomic.rules import Reader
from bmaddb.modules.extensions import ExtensionRecord
from bmaddb.schema.natural_keys import natural_id

EXTENSION, COLLECTION = "coaching", "counted_tasks"
NOTE_COUNT: Final = "note_count"


def tally_step(task_id: str, by: int) -> Step:
    """Note that this device counts the task as done (1), or does not any more (-1).

    A task that was never noted is not taken back: it was done before there were notes, or by no operation.
    """

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        before = tally_of(context.reader, context.user, task_id)
        if before is None and by < 0:
            return []
        data = {} if before is None else before.data
        entry = [count_of(data, context.device_id) + by, _day(context, data, by).isoformat()]
        return [{**_key(task_id), "data": {**data, context.device_id: entry}}]

    return Step(NOTE_COUNT, "extension_records", Action.UPSERT, rows, (RuleSet(ExtensionRecord, GENERAL),))


def counted_on(context: RuleContext, task_id: str) -> date:
    """The day the task was counted as done; today when nothing says so."""
    before = tally_of(context.reader, context.user, task_id)
    return _day(context, {} if before is None else before.data, -1)


def tally_of(reader: Reader, user: str, task_id: str) -> ExtensionRecord | None:
    """The row that says who counted the task."""
    return reader.get(ExtensionRecord, natural_id(ExtensionRecord.__table__, {"user_id": user, **_key(task_id)}))


def count_of(data: Mapping[str, Any], device_id: str) -> int:
    """How many times a device counted it; an entry that is none counts nothing."""
    entry = data.get(device_id)
    return entry[0] if isinstance(entry, list) and entry and type(entry[0]) is int else 0


def day_of_entry(data: Mapping[str, Any], device_id: str) -> date | None:
    """The day a device counted it."""
    entry = data.get(device_id)
    return day_of(entry[1]) if isinstance(entry, list) and len(entry) > 1 else None


def give_way(is_done: bool, data: Mapping[str, Any], device_id: str) -> int:
    """By how much this device's count is to change, so that a task that is done counts once, and another not.

    Of several that counted too much, the one with the greatest id gives way first. 0 when it is right, and when it is
    for another device to give way.
    """
    counts = {name: count_of(data, name) for name in data}
    return share_of(counts, sum(counts.values()) - int(is_done), device_id)


def share_of(counts: Mapping[str, int], excess: int, device_id: str) -> int:
    """By how much this device's count of `counts` is to change, so that together they are `excess` less.

    The one with the greatest id gives way first, as far as its own count goes; every device finds the same shares.
    """
    for name in sorted(counts, reverse=True):
        if excess * counts[name] <= 0:
            continue
        change = -min(excess, counts[name]) if excess > 0 else -max(excess, counts[name])
        if name == device_id:
            return change
        excess += change
    return 0


def _key(task_id: str) -> dict[str, str]:
    return {"extension_code": EXTENSION, "collection": COLLECTION, "record_key": task_id}


def _day(context: RuleContext, data: Mapping[str, Any], by: int) -> date:
    today = local_day(context.now_ms, zone_of(context))
    if by > 0:
        return today
    own = day_of_entry(data, context.device_id)
    if own is not None and count_of(data, context.device_id) > 0:
        return own
    days = [day for name in data if count_of(data, name) > 0 and (day := day_of_entry(data, name)) is not None]
    return max(days, default=own or today)  # of an entry that was taken back the day is an old one
