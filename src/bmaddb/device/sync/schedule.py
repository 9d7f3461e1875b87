"""When to sync without being asked: after a local commit, from time to time, later after a failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from bmaddb import errors as e
from bmaddb.device.outbox.retry import WAIT_MS_MAX, backoff_ms
from bmaddb.device.store import CommitFact
from bmaddb.device.sync.engine import SyncEngine, Trigger
from bmaddb.modules.sync_status import ServerRequest
from bmaddb.protocol.steps import Result
from bmaddb.signals import SyncEnded, VerifyEnded

_log = logging.getLogger("bmaddb.sync")
REQUESTS: Final = ServerRequest.__table__.name
Alarm: TypeAlias = Callable[[asyncio.Event, float], Awaitable[None]]
"""Returns when the event is set or so many seconds have passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How eager the background is."""

    poll_ms: int = 30_000
    """Between syncs when nothing happens here: what others did is seen after this at the latest."""
    gather_ms: int = 100
    """After a local commit, so that a burst of commits leaves together."""
    retry_ms: int = 1_000
    """After the first failure; doubles up to `retry_ms_max`, and ends only when the sync is stopped."""
    retry_ms_max: int = WAIT_MS_MAX
    verify_ms: int = 600_000
    """After so long, once a sync went well, the next `verify_rows` rows are compared and repaired; 0: never."""
    verify_rows: int = 1_000


async def alarm_clock(event: asyncio.Event, seconds: float) -> None:
    """The alarm of ordinary life."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


class BackgroundSync:
    """Keeps one store in step with its server, from `start` to `stop`."""

    def __init__(
        self,
        engine: SyncEngine,
        *,
        schedule: Schedule | None = None,
        alarm: Alarm = alarm_clock,
    ) -> None:
        self._store = engine.store
        self._engine = engine
        self._schedule = schedule or Schedule()
        self._alarm = alarm
        self._synced = frozenset({REQUESTS, *(table.name for table in engine.store.catalog.synced_tables)})
        self._event: asyncio.Event | None = None
        self._written = False
        self._failures = 0
        self._verified_ms = self._store.clock.monotonic_ms()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sync now, and from now on by itself; a second start changes nothing."""
        started = self._engine.loop.submit(self._start())
        if self._committed not in self._store.after_commit:
            self._store.after_commit.append(self._committed)
        started.result()

    def stop(self) -> None:
        """No more syncs by itself; waits for one that is running, unless it is that one's listener who says so."""
        if self._committed in self._store.after_commit:
            self._store.after_commit.remove(self._committed)
        loop = self._engine.loop
        if loop.mine:
            loop.call_soon(self._stop_soon)
        elif loop.started:
            loop.submit(self._stop()).result()

    def wake(self) -> None:
        """Sync soon; a poke, or the network is back."""
        self._engine.loop.call_soon(self._ring)

    async def _start(self) -> None:
        if self._task is None or self._task.done():
            self._event, self._stopping = asyncio.Event(), False
            self._task = asyncio.create_task(self._run(self._event))

    async def _stop(self) -> None:
        self._stop_soon()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _stop_soon(self) -> None:
        self._stopping = True
        self._ring()

    def _ring(self) -> None:
        if self._event is not None:
            self._event.set()

    def _committed(self, fact: CommitFact) -> None:
        if fact.origin == "local" and fact.tables & self._synced:
            self._written = True
            if not self._failures:  # without a network a commit is no reason to hurry
                self.wake()

    async def _run(self, event: asyncio.Event) -> None:
        trigger: Trigger = "start"
        while not self._stopping:
            event.clear()
            self._written = False
            self._failures = 0 if await self._synced_well(trigger) else self._failures + 1
            await self._rest(event, self._rest_ms())
            trigger = "write" if self._written else "push" if event.is_set() else "timer"

    async def _synced_well(self, trigger: Trigger) -> bool:
        """One sync; an error of the file is told like a failed sync, and tried again like one.

        So is whatever else goes wrong, in a transport or a function that gives tokens: this task must not end by it.
        """
        try:
            report = await self._engine.join(trigger)
        except Exception as error:
            self._store.signals.emit(SyncEnded(result=str(Result.FAILED), error_code=_code_of(error)))
            return False
        if report.result not in (Result.OK, Result.PARTIAL):
            return False
        await self._verify_some()
        return True

    async def _verify_some(self) -> None:
        """Compare a few rows when it is time; what comes of it is in the file, and told as a signal."""
        now_ms = self._store.clock.monotonic_ms()
        if self._schedule.verify_ms <= 0 or now_ms - self._verified_ms < self._schedule.verify_ms:
            return
        self._verified_ms = now_ms
        try:
            report = await self._engine.verify(sample_rows=self._schedule.verify_rows)
        except Exception as error:
            self._store.signals.emit(VerifyEnded(result="failed", differing=0, error_code=_code_of(error)))
            return
        code = None if report.failure is None else report.failure.error_code
        self._store.signals.emit(VerifyEnded(result=str(report.result), differing=report.differing, error_code=code))

    def _rest_ms(self) -> int:
        """Until the next poll, or until a request that was put off is due."""
        try:
            due_ms, now_ms = self._engine.requests.next_due_ms(), self._store.clock.now_ms()
        except e.StoreError:  # the next sync says so
            return self._schedule.poll_ms
        if due_ms is None or due_ms <= now_ms:  # what could have left by now did not: there is no hurry
            return self._schedule.poll_ms
        return min(self._schedule.poll_ms, due_ms - now_ms)

    async def _rest(self, event: asyncio.Event, rest_ms: int) -> None:
        """Until something happens, or it is time."""
        schedule = self._schedule
        if self._failures:
            fraction = self._store.entropy.fraction()
            delay_ms = backoff_ms(schedule.retry_ms, self._failures, fraction, limit_ms=schedule.retry_ms_max)
            await self._alarm(event, delay_ms / 1000)
            return
        await self._alarm(event, rest_ms / 1000)
        if self._written and not self._stopping:
            event.clear()
            await self._alarm(event, schedule.gather_ms / 1000)


def _code_of(error: Exception) -> str | None:
    """The code to tell; what has none is nobody's plan, and the log has all of it."""
    if isinstance(error, e.BmadError):
        return error.code
    _log.error("the sync in the background failed", exc_info=error)
    return None
