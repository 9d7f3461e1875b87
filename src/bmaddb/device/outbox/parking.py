"""Setting entries aside with a reason, and letting them go again: by a person, or by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from bmaddb import signals
from bmaddb.clock import Clock
from bmaddb.device.outbox import reasons
from bmaddb.device.outbox.entries import Entry, EntryStatus, ParkReason
from bmaddb.device.outbox.retry import backoff_ms, is_due
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.protocol.changes import RowKey

AGAIN_MS = 30_000
AGAIN_MS_MAX = 6 * 60 * 60 * 1000


class Parking:
    """Parks and requeues inside an edit; `tell` is told when the edit is durable."""

    def __init__(self, clock: Clock, tell: Callable[[signals.Signal], None]) -> None:
        self._clock = clock
        self._tell = tell

    def park(self, waiting: Waiting, entry: Entry, reason: ParkReason, *, passes: bool = False) -> None:
        """The entry waits for a person from now on, or (`passes`) for a while.

        What depends on it follows at the next lease.
        """
        again_ms = None
        if passes or reason.code in reasons.NEWER_HERE:
            before = entry.reason
            times = before.times + 1 if before is not None and before.code == reason.code else 1
            reason = msgspec.structs.replace(reason, times=times)
            again_ms = self._clock.now_ms() + round(backoff_ms(AGAIN_MS, times, 1.0, limit_ms=AGAIN_MS_MAX))
        parked = replace(entry, status=EntryStatus.PARKED, number=None, reason=reason, next_attempt_at_ms=again_ms)
        waiting.restate(parked)
        self._tell(signals.EntryParked(position=entry.position, code=reason.code, message=reason.message))

    def requeue(self, waiting: Waiting, entries: Iterable[Entry], *, by_itself: bool = False) -> None:
        """Send these again, and what was parked only because it stands behind one of them."""
        chosen = {entry.position: entry for entry in entries}
        if not chosen:
            return
        free = {entry.id for entry in chosen.values()}
        for entry in waiting.of_status(EntryStatus.PARKED):
            if entry.reason is not None and entry.reason.code == reasons.DEPENDS and entry.reason.entry in free:
                chosen[entry.position] = entry
                free.add(entry.id)
        for entry in chosen.values():
            kept = entry.reason if by_itself and entry.next_attempt_at_ms is not None else None
            waiting.restate(replace(entry, status=EntryStatus.QUEUED, reason=kept, next_attempt_at_ms=None))

    def requeue_behind(self, waiting: Waiting, gone: Iterable[str]) -> None:
        """Entries with these ids are gone: what was parked behind one is sent again."""
        ids = frozenset(gone)
        if ids:
            self.requeue(
                waiting,
                [
                    entry
                    for entry in waiting.of_status(EntryStatus.PARKED)
                    if entry.reason is not None and entry.reason.code == reasons.DEPENDS and entry.reason.entry in ids
                ],
            )

    def requeue_due(self, waiting: Waiting, timed: Iterable[int]) -> int:
        """Send again what waited for its time, of the entries at the positions `timed`; returns how many."""
        now_ms = self._clock.now_ms()
        due = [
            entry
            for entry in map(waiting.at, timed)
            if entry is not None and entry.status is EntryStatus.PARKED
            if entry.next_attempt_at_ms is not None and is_due(entry.next_attempt_at_ms, now_ms, AGAIN_MS_MAX)
        ]
        self.requeue(waiting, due, by_itself=True)
        return len(due)

    def after_settling(self, waiting: Waiting, stand: Iterable[RowKey]) -> None:
        """The server holds these rows of ours: what it refused for want of one of them may go now."""
        if not waiting.any_parked():
            return
        ids: dict[str, list[str]] = {}
        for table, row_id in stand:
            ids.setdefault(table, []).append(row_id)
        behind = [entry for table, listed in ids.items() for entry in waiting.referring(table, listed)]
        parked = [entry for entry in behind if entry.status is EntryStatus.PARKED]
        self.requeue(waiting, filter(_lost_parent, parked))

    def after_rewrite(self, waiting: Waiting, rewritten: Iterable[Entry]) -> None:
        """The server's news changed these parked entries: what was lost for want of a parent may go now."""
        listed = tuple(rewritten)
        self.requeue(waiting, [item for item in listed if item.changes and _lost_parent(item)])
        self.requeue_behind(waiting, [item.id for item in listed if not item.changes])


def _lost_parent(entry: Entry) -> bool:
    return entry.reason is not None and entry.reason.code in reasons.LOST_PARENT
