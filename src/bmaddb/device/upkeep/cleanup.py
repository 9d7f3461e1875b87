"""One clean-up: the steps of the policy in their order, until the file is below the share at which it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.upkeep import policy as p
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.archive import let_go, let_go_sooner, pack_cold, thin_out
from bmaddb.device.upkeep.attachments import evict_attachments
from bmaddb.device.upkeep.prune import forget_computed, prune
from bmaddb.device.upkeep.report import Ended, StepReport, UpkeepReport, Usage
from bmaddb.device.upkeep.usage import measure
from bmaddb.device.upkeep.vacuum import give_back
from bmaddb.device.upkeep.work import Stop, Tally, Work
from bmaddb.signals import UpkeepEnded

VACUUM = "vacuum"
ROWS_AT_FIRST = 50
"""In the first transaction; the next ones are as large as their time allows."""


def _never() -> bool:
    return False


def evict_packed(work: Work, _: p.EvictPacked) -> None:
    """Packed rows, the first packed first: the server has them, and the stub stays."""
    gone = -1
    while gone and not work.enough:
        with work.batch() as connection:
            gone = stubs.evict_bodies(connection, work.batch_rows)
        work.tally.rows += gone


_STEPS: Mapping[type[Any], Callable[[Work, Any], None]] = {
    p.Prune: prune,
    p.LetGo: let_go,
    p.ForgetComputed: forget_computed,
    p.ThinOut: thin_out,
    p.PackCold: pack_cold,
    p.EvictAttachments: evict_attachments,
    p.EvictPacked: evict_packed,
}


class CleanUp:
    """Made for one clean-up and thrown away."""

    def __init__(
        self, store: Store, outbox: Outbox, policy: p.UpkeepPolicy, stopping: Callable[[], bool] = _never
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._policy = policy
        self._stopping = stopping
        self._reports: list[StepReport] = []

    def run(self, *, always: bool = False) -> UpkeepReport:
        """Clean up when the file is above the share at which one begins (`always`: above that at which it ends).

        What is to be kept for so many days only (`keep_days`) goes first, and whatever the file takes.
        """
        began = self._store.clock.monotonic_ms()
        before = measure(self._store, self._policy)
        limit = self._policy.end_bytes if always else self._policy.begin_bytes
        work = self._work(before)
        ended = Ended.NOT_NEEDED
        try:
            self._let_go_sooner(work)
            if work.used_bytes + work.attachment_bytes > limit:
                ended = self._clean(work)
        except Stop:
            ended = Ended.STOPPED
        report = UpkeepReport(
            ended=ended,
            before=before,
            after=measure(self._store, self._policy),
            steps=tuple(self._reports),
            duration_ms=self._store.clock.monotonic_ms() - began,
        )
        self._store.signals.emit(
            UpkeepEnded(
                ended=str(ended),
                rows=report.rows,
                bytes_before=before.counted_bytes,
                bytes_after=report.after.counted_bytes,
                duration_ms=report.duration_ms,
            )
        )
        return report

    def _work(self, before: Usage) -> Work:
        return Work(
            self._store,
            self._outbox,
            self._policy,
            self._stopping,
            before.attachment_bytes,
            before.used_bytes,
            min(ROWS_AT_FIRST, self._policy.batch_rows_max),
        )

    def _let_go_sooner(self, work: Work) -> None:
        """Table by table what is older than it is to be; the budget is not asked."""
        work.whole = True
        for name, days in sorted(self._policy.keep_days.items()):
            self._do(work, f"{name} for {days} days", partial(let_go_sooner, work, name, days))
            for step in self._policy.order:
                if isinstance(step, p.Prune) and step.table == name:
                    self._do(work, step.name, partial(prune, work, replace(step, keep_days=days)))
        work.whole = False

    def _clean(self, work: Work) -> Ended:
        for step in self._policy.order:
            if work.enough:
                break
            self._do(work, step.name, partial(_STEPS[type(step)], work, step))
        self._do(work, VACUUM, partial(give_back, work))
        return Ended.DONE if work.enough else Ended.STILL_OVER

    def _do(self, work: Work, name: str, action: Callable[[], None]) -> None:
        """Do one step and note what it did, also when it was stopped half way."""
        work.tally = Tally()
        began, held = self._store.clock.monotonic_ms(), work.used_bytes + work.attachment_bytes
        try:
            action()
        finally:
            tally = work.tally
            if tally.batches or tally.kept:
                self._reports.append(
                    StepReport(
                        name=name,
                        rows=tally.rows,
                        freed_bytes=held - work.used_bytes - work.attachment_bytes,
                        batches=tally.batches,
                        longest_ms=tally.longest_ms,
                        duration_ms=self._store.clock.monotonic_ms() - began,
                        kept=tally.kept,
                    )
                )
