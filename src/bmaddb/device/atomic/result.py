"""What came of an operation: a result says it all, and raises only when it is asked to."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import msgspec

from bmaddb import errors as e
from bmaddb.device.atomic.rules import CheckOutcome, Violation


class Status(enum.StrEnum):
    """How an operation ended; the words of `operation_journal.status`."""

    RUNNING = "running"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"
    """Nothing of it is left."""
    COMPENSATING = "compensating"
    """Some of it is done outside and not yet undone; it is tried again."""
    COMPENSATED = "compensated"
    """All that was done is undone by its compensations."""
    FAILED = "failed"
    """It ended on the way, and what was done stays: strategy NONE, or a compensation that gave up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why, where, and what was rolled back."""

    error: e.BmadError
    step: str | None = None
    """The step that failed; None when it was a check, the commit, or the wait for a turn."""
    violations: tuple[Violation, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    """The checks that failed."""
    undone: tuple[str, ...] = ()
    """Steps that were done and are undone, in the order in which they were."""
    left: tuple[str, ...] = ()
    """Steps outside of the file, or committed, that are not undone (yet)."""

    @property
    def code(self) -> str:
        return self.error.code

    @property
    def transient(self) -> bool:
        """May the same operation succeed later without a change?"""
        return self.error.transient


class OperationResult(msgspec.Struct, frozen=True, kw_only=True):
    """One operation's end. `duration_ms` counts the wait for its turn; in a batch, its own steps and checks alone."""

    operation_id: str
    type: str
    status: Status
    duration_ms: float = 0.0
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(step, ids of the rows it wrote), as far as they stand."""
    warnings: tuple[Violation, ...] = ()
    failure: Failure | None = None
    repeated: bool = False
    """Was it done before, under the same id? Then it has no second effect."""
    ids_cut: tuple[str, ...] = ()
    """Of a repeated one: the steps that wrote more rows than the journal keeps the ids of, which is the first 100."""

    @property
    def ok(self) -> bool:
        return self.status is Status.COMMITTED

    def ids(self, step: str) -> tuple[str, ...]:
        """The ids of the rows this step wrote; only the first ones where `ids_cut` names it."""
        return dict(self.rows).get(step, ())

    def raise_failure(self) -> OperationResult:
        """Itself, or the error that it ended with."""
        if self.failure is not None:
            raise self.failure.error
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """Many operations in one transaction: each one's result in their order.

    `fatal`: what undid all of them, those that had gone well too; the last first.
    """

    results: tuple[OperationResult, ...]
    duration_ms: float
    fatal: Failure | None = None

    @property
    def committed(self) -> tuple[OperationResult, ...]:
        return tuple(result for result in self.results if result.ok)

    @property
    def failed(self) -> tuple[OperationResult, ...]:
        return tuple(result for result in self.results if not result.ok)
