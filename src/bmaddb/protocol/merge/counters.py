"""Counting: how the entries of a counter (`schema.counters`) are made, and which of two is the later.

Each device writes only its own entry, so counts made offline add up, and one that arrives twice counts once.
"""

from __future__ import annotations

from typing import Any

from bmaddb.protocol import stamps
from bmaddb.protocol.values import identity
from bmaddb.schema.counters import is_count


def counted(counter: Any, device_id: str, by: int, now_ms: int) -> dict[str, Any]:
    """The counter after this device counted `by` more (less, when negative)."""
    entries = dict(counter) if isinstance(counter, dict) else {}
    mine: Any = entries.get(device_id)
    count, last = mine if is_count(mine) else (0, stamps.NO_STAMP)
    entries[device_id] = [count + by, stamps.Stamps(device_id).following(now_ms, last)]
    return entries


def newer_count(one: Any, other: Any) -> Any:
    """Of two entries of one device, the later; None is no entry."""
    return max((entry for entry in (one, other) if entry is not None), key=_age, default=None)


def _age(entry: Any) -> tuple[bool, str, int, str]:
    if is_count(entry):
        return True, entry[1], entry[0], ""
    return False, "", 0, identity(entry)
