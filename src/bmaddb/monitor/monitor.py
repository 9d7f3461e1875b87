"""The monitor: on, it hears every statement and every operation; off, nothing of it is left in anybody's way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from bmaddb import errors as e
from bmaddb.clock import Clock
from bmaddb.monitor.alarms import Alarm
from bmaddb.monitor.limits import MonitorLimits
from bmaddb.monitor.operations import Operations
from bmaddb.monitor.report import MonitorReport
from bmaddb.monitor.shapes import Shapes
from bmaddb.monitor.tally import Run, Tally
from bmaddb.monitor.telling import Teller
from bmaddb.signals import (
    Committed,
    OperationEnded,
    SignalBus,
    SlowOperation,
    SlowQuery,
    SyncEnded,
    ThresholdCrossed,
    UpkeepEnded,
)

_log = logging.getLogger("bmaddb.monitor")
FAILED_SYNCS: Final = "failed syncs in a row"
CACHE_SHARE: Final = "pages found in memory"


class _Gauge:
    """What the store asks at every statement; as short a way as there is."""

    __slots__ = ("begin", "ended")

    def __init__(self, begin: Callable[[str], int], ended: Callable[[str, Run], None]) -> None:
        self.begin = begin
        self.ended = ended


class Watched(Protocol):
    """What statements can be heard of; the store."""

    def watch(self, gauge: _Gauge | None) -> None: ...


class Monitor:
    """Figures of one database since `start`. Usable from any thread. `keep` gets the report when it stops."""

    def __init__(
        self,
        watched: Watched,
        signals: SignalBus,
        clock: Clock,
        limits: MonitorLimits | None = None,
        *,
        keep: Callable[[MonitorReport], None] | None = None,
    ) -> None:
        self.limits = limits or MonitorLimits()
        self._watched = watched
        self._signals = signals
        self._clock = clock
        self._keep = keep
        self._lock = threading.Lock()
        self._teller: Teller | None = None
        self._dropped = 0
        self._stops: list[Callable[[], None]] = []
        self._since_ms: int | None = None
        self._forget()

    @property
    def recording(self) -> bool:
        """Is it on?"""
        return self._teller is not None

    def start(self) -> None:
        """Record from now on, from nothing; again is fine."""
        with self._lock:
            if self._teller is not None:
                return
            self._forget()
            self._since_ms = self._clock.now_ms()
            self._teller = Teller(self._signals, self.limits.signals_waiting_max)
            listen = self._signals.listen
            self._stops = [
                listen(Committed, self._committed),
                listen(OperationEnded, self._operation_ended),
                listen(SyncEnded, self._sync_ended),
                listen(UpkeepEnded, self._upkeep_ended),
            ]
            self._watched.watch(_Gauge(self._shapes.begin, self._statement_ended))

    def stop(self) -> None:
        """Record no more; what was recorded can still be read. Again is fine."""
        with self._lock:
            teller, self._teller = self._teller, None
            if teller is None:
                return
            self._watched.watch(None)
            for stop in self._stops:
                stop()
        teller.stop()
        self._dropped += teller.dropped
        if self._keep is not None:
            try:
                self._keep(self.report())
            except e.BmadError as error:
                _log.warning("what the monitor saw could not be kept: %s", error)

    def settle(self) -> None:
        """Wait until every signal it has to tell is told."""
        teller = self._teller
        if teller is not None:
            teller.settle()

    @contextmanager
    def operation(self, name: str) -> Iterator[None]:
        """Time what happens inside under this name; an exception counts as failed, and goes on.

        The first ones of a name and one of 64 are measured in full: the statements of this thread, rows, pages.
        """
        if not self.recording:
            yield
            return
        here, tally = self._shapes.here, Tally() if self._operations.wants(name) else None
        outer, here.tally = here.tally, tally
        began_ms, ok = self._clock.monotonic_ms(), False
        try:
            yield
            ok = True
        finally:
            here.tally = outer
            if outer is not None and tally is not None:
                outer.include(tally)
            self._operation(name, self._clock.monotonic_ms() - began_ms, ok=ok, tally=tally)

    @contextmanager
    def measuring(self, kind: str) -> Iterator[None]:
        """Measure the statements of an operation of several steps, of this type: that it has ended, it says itself."""
        here, name = self._shapes.here, _named(kind)
        before = here.tally, here.of
        here.tally = tally = Tally() if self.recording and self._operations.wants(name) else None
        here.of = name
        try:
            yield
        finally:
            here.tally, here.of = before
            if here.tally is not None and tally is not None:
                here.tally.include(tally)

    def report(self) -> MonitorReport:
        """What was recorded."""
        shapes, other = self._shapes.figures()
        teller = self._teller
        return MonitorReport(
            recording=teller is not None,
            since_ms=self._since_ms,
            shapes=shapes,
            other=other,
            operations=self._operations.figures(),
            commits=dict(self._commits),
            alarms=tuple(self.alarms()),
            signals_dropped=self._dropped + (teller.dropped if teller else 0),
        )

    def alarms(self) -> list[str]:
        """What is crossed now, in words."""
        told = [f"slow statement: {text}" for text in self._shapes.slow()]
        told += [f"slow operation: {name}" for name in self._operations.slow()]
        return told + [alarm.name for alarm in (self._failures, self._cache) if alarm.raised]

    # -- inside --------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        limits = self.limits
        self._shapes = Shapes(limits)
        self._operations = Operations(limits)
        self._commits: dict[str, int] = {}
        self._failures = Alarm(FAILED_SYNCS, raise_at=limits.failed_syncs, clear_at=0)
        clear_at = (1 + limits.cache_share_min) / 2
        self._cache = Alarm(CACHE_SHARE, raise_at=limits.cache_share_min, clear_at=clear_at)
        self._failed_syncs = self._page_hits = self._pages = 0

    def _statement_ended(self, text: str, run: Run) -> None:
        """In the middle of a statement: nothing is emitted here."""
        slow = self._shapes.ended(text, run)
        if slow is not None:
            self._tell(
                SlowQuery(
                    shape=slow.text,
                    duration_us=run.duration_us,
                    threshold_us=self.limits.slow_statement_ms * 1000,
                    full_scan_steps=run.full_scan_steps,
                    sorts=run.sorts,
                )
            )
        self._count_pages(run)

    def _count_pages(self, run: Run) -> None:
        with self._lock:
            self._page_hits += run.page_hits
            self._pages += run.page_hits + run.page_misses
            if self._pages < self.limits.cache_pages_min:
                return
            share = self._page_hits / self._pages
            self._page_hits = self._pages = 0
        self._look(self._cache, share)

    def _look(self, alarm: Alarm, value: float) -> None:
        if alarm.look(value):
            limit = alarm.raise_at if alarm.raised else alarm.clear_at
            self._tell(ThresholdCrossed(measure=alarm.name, value=value, limit=limit, raised=alarm.raised))

    def _committed(self, fact: Committed) -> None:
        with self._lock:
            self._commits[fact.origin] = self._commits.get(fact.origin, 0) + 1

    def _operation_ended(self, fact: OperationEnded) -> None:
        name, here = _named(fact.type), self._shapes.here
        tally = here.tally if here.of == name else None
        self._operation(name, fact.duration_us / 1000, ok=fact.ok, tally=tally)

    def _sync_ended(self, fact: SyncEnded) -> None:
        failed = fact.result == "failed"
        self._operation("sync", fact.duration_ms, ok=not failed)
        if failed or fact.result == "ok":
            self._failed_syncs = self._failed_syncs + 1 if failed else 0
            self._look(self._failures, self._failed_syncs)

    def _upkeep_ended(self, fact: UpkeepEnded) -> None:
        self._operation("clean-up", fact.duration_ms, ok=not fact.ended.startswith("B-"))

    def _operation(self, name: str, duration_ms: float, *, ok: bool, tally: Tally | None = None) -> None:
        duration_us = round(duration_ms * 1000)
        if self._operations.add(name, duration_us, ok=ok, tally=tally):
            threshold_us = self.limits.slow_operation_ms * 1000
            self._tell(SlowOperation(name=name, duration_us=duration_us, threshold_us=threshold_us))

    def _tell(self, signal: SlowQuery | SlowOperation | ThresholdCrossed) -> None:
        teller = self._teller
        if teller is not None:
            teller.tell(signal)


def _named(kind: str) -> str:
    """What an operation of several steps is called in the report."""
    return f"operation {kind}"
