"""The checks every database has: database, sync, transactions, monitoring, and one of each module.

Rules of this room: a check is a method that looks at one thing and says what is the matter and what to do about it.
A room that is not here registers its own: personalisation where its tables are; without them it is not installed.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from bmaddb import statements
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.store.connection import Place
from bmaddb.modules.registry import ModuleHealth, ModuleStatus
from bmaddb.monitor import Monitor
from bmaddb.monitor.health import WELL, Finding, HealthRegistry, State
from bmaddb.personality.health import PersonalityChecks
from bmaddb.service.health import Facts, look_at_file

COMPONENTS: Final = ("database", "sync", "transactions", "monitoring", "personalisation", "modules")
FAILED_RUNS: Final = 3
"""So many failed syncs in a row are more than bad luck; being offline is no failure."""
WAITING_MS_MAX: Final = 7 * 24 * 3_600_000
INTERRUPTED_MS: Final = 3_600_000
"""An operation that runs longer was cut off."""
CLOCK_AHEAD_MS_MAX: Final = 24 * 3_600_000
DISK_LOW_BYTES: Final = 50_000_000
DISK_FULL_BYTES: Final = 5_000_000
_SQL: Final = statements.load("bmaddb.service", "health.sql")
_MODULE_STATES: Final = {
    ModuleStatus.HEALTHY: State.HEALTHY,
    ModuleStatus.UNKNOWN: State.DEGRADED,
    ModuleStatus.DAMAGED: State.FAILING,
    ModuleStatus.INCOMPLETE: State.FAILING,
}


class StandardChecks:
    """What looks at one database. `usage` gives the taken part of the budget, `monitor` None when nobody made one."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        *,
        has_server: bool,
        usage: Callable[[], float],
        monitor: Callable[[], Monitor | None],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._has_server = has_server
        self._usage = usage
        self._monitor = monitor
        self._here = threading.local()

    def registry(self) -> HealthRegistry:
        """A registry with all of them."""
        made = HealthRegistry(COMPONENTS)
        for component, checks in {
            "database": (self.file, self.references, self.budget, self.disk),
            "sync": (self.server, self.runs, self.waiting, self.parked, self.conflicts, self.clock),
            "transactions": (self.journal,),
            "monitoring": (self.recording,),
        }.items():
            for check in checks:
                made.register(component, check.__name__, check)
        for name, about in PersonalityChecks(self._store):
            made.register("personalisation", name, about)
        for place, module in enumerate(self._store.catalog.modules):
            made.register("modules", module.name, partial(self.module, place))
        return made

    def look_anew(self) -> Facts:
        """Look at the file, for all checks that follow on this thread."""
        facts: Facts = look_at_file(self._store, self._outbox)
        self._here.facts = facts
        return facts

    # -- database ------------------------------------------------------------------------------------------

    def file(self) -> Finding:
        """Is it still where it was opened, and every page of it sound?"""
        with self._store.read() as connection:
            if Place(connection).lost:
                return _failing(
                    "the file was moved, replaced or deleted since it was opened", "put it back, or open anew"
                )
        faults = self._facts.file_faults
        if not faults:
            return WELL
        return _failing(
            f"{len(faults)} faults in the file, the first: {faults[0]}",
            "`bmaddb integrity FILE --full`; if it stays, service.salvage() reads what is still there",
        )

    def references(self) -> Finding:
        """Does every reference lead to a row?"""
        broken = self._facts.broken_references
        if not broken:
            return WELL
        return _degraded(f"{broken} references lead to no row", "db.verify() asks the server which is right")

    def budget(self) -> Finding:
        """Is the file within its budget?"""
        share = self._usage()
        if share <= 1:
            return WELL
        return _degraded(f"the file takes {share:.0%} of its budget", "db.upkeep.run(), or a larger budget")

    def disk(self) -> Finding:
        """Is there room to write?"""
        free = shutil.disk_usage(os.path.dirname(self._store.path)).free
        if free >= DISK_LOW_BYTES:
            return WELL
        state = State.DEGRADED if free >= DISK_FULL_BYTES else State.FAILING
        return Finding(state=state, reason=f"{free / 1e6:.1f} MB are free on its disk", remedy="make room on the disk")

    # -- sync ----------------------------------------------------------------------------------------------

    def server(self) -> Finding:
        """Is there anybody to sync with?"""
        return WELL if self._has_server else Finding(reason="no server is set: this file syncs with nobody here")

    def runs(self) -> Finding:
        """How did the last syncs end?"""
        runs = self._rows("last_runs", FAILED_RUNS)
        failed = [code for result, code in runs if result == "failed"]
        if not runs or runs[0][0] != "failed":
            return WELL
        reason = f"the last sync failed ({failed[0] or 'without a code'})"
        if len(failed) < FAILED_RUNS:
            return _degraded(reason, "the next one tries again; docs/errors.md explains the code")
        remedy = "docs/errors.md explains the code; a B-502 needs a new token"
        return Finding(state=State.FAILING, reason=f"{reason}, as did the {FAILED_RUNS - 1} before it", remedy=remedy)

    def waiting(self) -> Finding:
        """Does anything wait too long to be sent?"""
        [(oldest_ms, count)] = self._rows("oldest_waiting")
        days = 0 if oldest_ms is None else (self._store.clock.now_ms() - oldest_ms) // 86_400_000
        if oldest_ms is None or self._store.clock.now_ms() - oldest_ms <= WAITING_MS_MAX:
            return Finding(reason=f"{count} entries wait for the server") if count else WELL
        return _degraded(f"{count} entries wait for the server, the oldest for {days} days", "go online and db.sync()")

    def parked(self) -> Finding:
        """Was anything refused?"""
        parked = self._facts.outbox.parked
        if not parked:
            return WELL
        return _degraded(
            f"{parked} entries are parked: the server refused them, or what they depend on",
            "`bmaddb outbox FILE` says why; retry, edit or discard them",
        )

    def conflicts(self) -> Finding:
        """Are there verdicts a person should look at? That is no illness."""
        [(count,)] = self._rows("open_conflicts")
        return Finding(reason=f"{count} conflicts to look at", remedy="`bmaddb conflicts FILE`") if count else WELL

    def clock(self) -> Finding:
        """Does the device's clock agree with what it wrote down?"""
        [(newest_ms,)] = self._rows("newest_moment")
        ahead_ms = 0 if newest_ms is None else newest_ms - self._store.clock.now_ms()
        if ahead_ms <= CLOCK_AHEAD_MS_MAX:
            return WELL
        reason = f"the file knows a moment {ahead_ms // 3_600_000} hours ahead of this device's clock"
        return _degraded(reason, "set the clock; nothing is lost, but the newer of two changes may be the wrong one")

    # -- transactions --------------------------------------------------------------------------------------

    def journal(self) -> Finding:
        """Did an operation of several steps fail to be undone, or was it cut off?"""
        statuses = {status: (count, oldest) for status, count, oldest in self._rows("operations")}
        if "failed" in statuses:
            return Finding(
                state=State.FAILING,
                reason=f"{statuses['failed'][0]} operations could be neither finished nor undone",
                remedy="operation_journal holds their steps and the error; put right what they name",
            )
        limit_ms = self._store.clock.now_ms() - INTERRUPTED_MS
        cut = sum(count for status, (count, oldest) in statuses.items() if oldest < limit_ms)
        if cut:
            return _degraded(f"{cut} operations were cut off", "db.resume(...) with their steps undoes them")
        return WELL

    # -- monitoring ----------------------------------------------------------------------------------------

    def recording(self) -> Finding:
        """Is a threshold crossed? Off is well."""
        monitor = self._monitor()
        if monitor is None or not monitor.recording:
            return Finding(reason="off")
        report = monitor.report()
        if report.alarms:
            more = f", and {len(report.alarms) - 1} more" if len(report.alarms) > 1 else ""
            return _degraded(f"{report.alarms[0]}{more}", "`db.monitor.report()` has the figures")
        if report.signals_dropped:
            return _degraded(f"{report.signals_dropped} signals were dropped", "a listener takes too long: see to it")
        return WELL

    # -- modules -------------------------------------------------------------------------------------------

    def module(self, place: int) -> Finding:
        """Is every table of the module there, with every column?"""
        health = self._facts.modules[place]
        state = _MODULE_STATES[health.status]
        if state is State.HEALTHY:
            return WELL
        return Finding(state=state, reason=_missing(health), remedy="`bmaddb integrity FILE`; a backup has the table")

    # -- inside --------------------------------------------------------------------------------------------

    @property
    def _facts(self) -> Facts:
        facts: Facts = getattr(self._here, "facts", None) or self.look_anew()
        return facts

    def _rows(self, block: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self._store.tuples(_SQL[block], arguments)


def _failing(reason: str, remedy: str) -> Finding:
    return Finding(state=State.FAILING, reason=reason, remedy=remedy)


def _degraded(reason: str, remedy: str) -> Finding:
    return Finding(state=State.DEGRADED, reason=reason, remedy=remedy)


def _missing(health: ModuleHealth) -> str:
    sick = [table for table in health.tables if table.status is not ModuleStatus.HEALTHY]
    first = sick[0]
    what = first.table
    if first.missing_columns:
        gone = "id" in first.missing_columns
        what += " is not there" if gone else f" has no {', '.join(first.missing_columns)}"
    more = f", and {len(sick) - 1} more" if len(sick) > 1 else ""
    return f"{health.status}: {what}{more}"


def checks_of(
    store: Store,
    outbox: Outbox,
    *,
    has_server: bool,
    usage: Callable[[], float],
    monitor: Callable[[], Monitor | None],
) -> tuple[StandardChecks, HealthRegistry]:
    """The checks of one database, and the registry that runs them."""
    checks = StandardChecks(store, outbox, has_server=has_server, usage=usage, monitor=monitor)
    return checks, checks.registry()
