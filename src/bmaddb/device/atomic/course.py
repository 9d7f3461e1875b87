"""One operation under way: what is known of it, step by step, and what it ends with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.atomic.operation import STEPS_MAX, Action, Operation, OuterStep, Rollback, Step
from bmaddb.device.atomic.result import Failure, OperationResult, Status
from bmaddb.device.atomic.rules import CheckOutcome, Reader, RuleContext, Violation
from bmaddb.device.store import Store

RESERVED_FACTS: Final = ("rows", "results")
VIOLATIONS_MAX: Final = 1_000
_NAME_HINT: Final = "a text, without U+0000 and half of a surrogate pair"
_WORDS: Final = tuple(map(str, Action))
_STEPS: Final = (Step, OuterStep)


class Stopped(Exception):
    """The operation cannot go on: carries what broke it to where its transaction ends."""

    def __init__(
        self,
        error: e.BmadError,
        step: str | None = None,
        violations: Sequence[Violation] = (),
        checks: Sequence[CheckOutcome] = (),
    ) -> None:
        super().__init__(error)
        self.error, self.step = error, step
        self.violations, self.checks = tuple(violations[:VIOLATIONS_MAX]), tuple(checks)

    def failure(self, undone: Sequence[str]) -> Failure:
        return Failure(
            error=self.error, step=self.step, violations=self.violations, checks=self.checks, undone=tuple(undone)
        )


class Course:
    """What one operation has done so far."""

    __slots__ = (
        "_begun_ms",
        "_clock",
        "context",
        "operation",
        "outcomes",
        "results",
        "rows",
        "started_at_ms",
        "warnings",
    )

    def __init__(self, operation: Operation, store: Store, reader: Reader) -> None:
        self.operation = operation
        self.started_at_ms = store.clock.now_ms()
        self._clock, self._begun_ms = store.clock, store.clock.monotonic_ms()
        self.rows: dict[str, tuple[str, ...]] = {}
        self.results: dict[str, Any] = {}
        self.warnings: list[Violation] = []
        self.outcomes: list[CheckOutcome] = []
        facts = {**operation.facts, "rows": self.rows, "results": self.results}
        self.context = RuleContext(
            store.user or "", store.device_id, self.started_at_ms, operation.id, reader, MappingProxyType(facts)
        )

    def ended(self, status: Status, failure: Failure | None = None) -> OperationResult:
        """What is told to whoever asked for it."""
        return OperationResult(
            operation_id=self.operation.id,
            type=self.operation.type,
            status=status,
            duration_ms=self._clock.monotonic_ms() - self._begun_ms,
            rows=() if status is Status.ROLLED_BACK else tuple(self.rows.items()),
            warnings=tuple(self.warnings[:VIOLATIONS_MAX]),
            failure=failure,
        )

    def undo(self) -> tuple[str, ...]:
        """Forget the rows: they are rolled back. The answer is the steps, in the order in which that was done."""
        undone = tuple(reversed(self.rows))
        self.rows.clear()
        return undone


def declared(operation: Operation, store: Store) -> None:
    """AtomicError for an operation that cannot be run, whatever the file holds; its kinds are checked."""
    steps, writable = operation.steps, store.catalog.writable_tables
    if not 0 < len(steps) <= STEPS_MAX:
        raise e.AtomicError(f"operation '{operation.type}' has {len(steps)} steps", hint=f"1 to {STEPS_MAX}")
    if len(steps) > 1 and len({step.name for step in steps}) < len(steps):
        raise e.AtomicError(f"operation '{operation.type}' has two steps of one name")
    for name in RESERVED_FACTS if operation.facts else ():
        if name in operation.facts:
            raise e.AtomicError(f"the fact '{name}' is the engine's own", hint="call yours otherwise")
    for step in steps:
        if isinstance(step, OuterStep):
            if operation.strategy is not Rollback.COMPENSATE:
                raise e.AtomicError(
                    f"step '{step.name}' runs outside of the file, which no rollback undoes",
                    hint="strategy=Rollback.COMPENSATE",
                )
        elif step.table not in writable:
            raise _not_writable(step, store)


def check_kinds(operation: Operation) -> None:
    """AtomicError for an operation of which a part is of another kind than its declaration says.

    Types tell whoever checks them; this tells the others, before anything is looked at or begun.
    """
    if not isinstance(operation, Operation):
        raise e.AtomicError(f"{type(operation).__name__} is no operation")
    if not (_is_name(operation.type) and _is_name(operation.id)):
        raise e.AtomicError("an operation has a type and an id", hint=_NAME_HINT)
    if not isinstance(operation.strategy, Rollback):
        raise e.AtomicError(
            f"operation '{operation.type}': {operation.strategy!r} is no strategy",
            hint="Rollback.REVERSE, Rollback.COMPENSATE or Rollback.NONE",
        )
    if type(operation.facts) is not dict and not isinstance(operation.facts, Mapping):
        raise e.AtomicError(f"operation '{operation.type}': its facts are no mapping")
    if type(operation.steps) is not tuple and not isinstance(operation.steps, Collection):
        raise e.AtomicError(f"operation '{operation.type}': its steps are none", hint="a tuple of Step and OuterStep")
    for step in operation.steps:
        _check_step(step, operation.type)


def _check_step(step: object, where: str) -> None:
    if not isinstance(step, _STEPS):
        raise e.AtomicError(f"operation '{where}': {type(step).__name__} is no step", hint="Step or OuterStep")
    if not _is_name(step.name):
        raise e.AtomicError(f"operation '{where}': a step has no name", hint=_NAME_HINT)
    if isinstance(step, Step) and not (type(step.action) is Action or step.action in _WORDS):
        raise e.AtomicError(f"step '{step.name}': {step.action!r} is no action", hint=", ".join(Action))
    if isinstance(step, Step) and not isinstance(step.table, str):
        raise e.AtomicError(f"step '{step.name}': {step.table!r} is no table")


def _is_name(text: object) -> bool:
    """Can the file hold it?"""
    if not isinstance(text, str) or not text or "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _not_writable(step: Step, store: Store) -> e.BmadError:
    if step.table not in store.catalog.tables:
        return e.AtomicError(f"step '{step.name}': no module declares {step.table}")
    return e.ReadOnlyTable(f"step '{step.name}': a device may not write {step.table}")
