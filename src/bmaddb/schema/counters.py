"""What a counter column says: a JSON object device -> [count, stamp], whose value is the sum over the devices."""

from __future__ import annotations

from typing import Any


def total(counter: Any) -> int:
    """The sum over all devices of a column with `MergeRule.CNT`: `total(task.device_seconds)`.

    Entries that are none count nothing, and so does None.
    """
    entries = counter.values() if isinstance(counter, dict) else ()
    return sum(entry[0] for entry in entries if is_count(entry))


def is_count(entry: Any) -> bool:
    """Is this a [count, stamp] of one device?"""
    return isinstance(entry, list) and len(entry) == 2 and type(entry[0]) is int and isinstance(entry[1], str)
