"""The operation journal: what an operation did, in the file, in the transaction of what it did.

Rules of this room: an operation that was undone leaves a line that says so, and nothing else; values of rows are not
kept here, only their ids, and of an error what it is called; what a compensation raised is kept in its own words, for a
person has to act on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final, TypeAlias

import msgspec

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.atomic.course import Course
from bmaddb.device.atomic.operation import OuterStep, Step
from bmaddb.device.atomic.result import Failure, OperationResult, Status
from bmaddb.device.atomic.rules import CheckOutcome, Violation
from bmaddb.device.store import Store
from bmaddb.device.store.failures import DRIVER_ERRORS, failure
from bmaddb.modules.sync_status import OperationJournal

Line: TypeAlias = tuple[str | int | None, ...]
IDS_KEPT_MAX: Final = 100
"""Of the rows of one step; how many there were is always said."""
NAMES_KEPT_MAX: Final = 20
"""Of rules and checks that were broken."""
UNFINISHED: Final = (Status.RUNNING, Status.COMPENSATING)
_ASKED_AT_ONCE: Final = 500
_encode: Final = msgspec.json.Encoder().encode
_SQL: Final = statements.load("bmaddb.device.atomic", "sql/journal.sql")
LINES_AT_ONCE: Final = 50
"""A statement that takes many lines takes each in less time."""
_LINE: Final = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_MANY: Final = _SQL["put"].replace(_LINE, ", ".join([_LINE] * LINES_AT_ONCE))


def known(store: Store, ids: Sequence[str]) -> dict[str, OperationJournal]:
    """What the journal says of these operations."""
    tried = [str(row[0]) for row in store.tuples(_SQL["tried"], (_text(ids),))]  # seldom any, and this is quick
    found: dict[str, OperationJournal] = {}
    for start in range(0, len(tried), _ASKED_AT_ONCE):
        part = tried[start : start + _ASKED_AT_ONCE]
        found |= {line.id: line for line in store.query(OperationJournal).where(OperationJournal.id.in_(part)).all()}
    return found


def repeated(line: OperationJournal) -> OperationResult:
    """The answer to an operation that is done already, as far as the journal keeps it."""
    return OperationResult(
        operation_id=line.id,
        type=line.op_type,
        status=Status.COMMITTED,
        rows=tuple((step["name"], tuple(step["ids"])) for step in line.steps if "ids" in step),
        repeated=True,
        ids_cut=tuple(step["name"] for step in line.steps if step.get("rows", 0) > len(step.get("ids", ()))),
    )


def line_of(course: Course, result: OperationResult, finished_at_ms: int | None, compensations: str = "[]") -> Line:
    """The journal's line of an operation; `compensations` is JSON text."""
    operation = course.operation
    return (
        operation.id,
        operation.type,
        operation.strategy,
        result.status,
        _text([_step_line(step, course) for step in operation.steps]),
        _checks_text(course) if course.outcomes or course.warnings else "[]",
        compensations,
        None if result.failure is None else error_line(result.failure),
        course.started_at_ms,
        finished_at_ms,
    )


def note(store: Store, lines: Iterable[Line]) -> None:
    """Keep the lines, in this thread's write; one of an operation that was tried before takes its place."""
    connection, left = store.writing_connection, iter(lines)
    try:
        while len(group := list(islice(left, LINES_AT_ONCE))) == LINES_AT_ONCE:
            connection.execute(_PUT_MANY, list(chain.from_iterable(group)))
        connection.executemany(_SQL["put"], group)
    except DRIVER_ERRORS as error:
        raise failure(error) from error


def settle(store: Store, operation_id: str, status: Status, compensations: str, finished_at_ms: int | None) -> None:
    """Say how far the compensations are, in this thread's write."""
    try:
        store.writing_connection.execute(_SQL["settle"], (operation_id, status, compensations, finished_at_ms))
    except DRIVER_ERRORS as error:
        raise failure(error) from error


def unfinished(store: Store, limit: int) -> list[str]:
    """The ids of operations of which something may have to be undone, the oldest first."""
    return [str(row[0]) for row in store.tuples(_SQL["unfinished"], (limit,))]


def lines(store: Store, ids: Sequence[str]) -> Iterator[OperationJournal]:
    """What the journal says of these operations, in their order, read some at a time."""
    for start in range(0, len(ids), _ASKED_AT_ONCE):
        part = ids[start : start + _ASKED_AT_ONCE]
        found = known(store, part)
        yield from (found[row_id] for row_id in part if row_id in found)


def _checks_text(course: Course) -> str:
    return _text([*map(_outcome_line, course.outcomes), *map(_violation_line, course.warnings)])


def _step_line(step: Step | OuterStep, course: Course) -> dict[str, Any]:
    if isinstance(step, OuterStep):
        return {"name": step.name, "outside": True, "done": step.name in course.results}
    ids = course.rows.get(step.name)
    if ids is None:
        return {"name": step.name, "table": step.table, "action": step.action}
    kept = ids[:IDS_KEPT_MAX]
    return {"name": step.name, "table": step.table, "action": step.action, "ids": kept, "rows": len(ids)}


def _outcome_line(outcome: CheckOutcome) -> dict[str, Any]:
    rows = list(outcome.rows[:IDS_KEPT_MAX])
    return {"check": outcome.name, "ok": outcome.ok, "rows": rows, "message": outcome.message}


def _violation_line(violation: Violation) -> dict[str, Any]:
    return {
        "rule": violation.rule,
        "column": violation.column,
        "severity": violation.severity.value,
        "message": violation.message,
    }


def error_line(failure: Failure) -> str:
    """Code, step, and what was broken by its name: the words of an error may hold a value."""
    where = f" in step '{failure.step}'" if failure.step is not None else ""
    broken = [f"{one.rule} ({one.column})" if one.column else one.rule for one in failure.violations]
    broken += [f"check {one.name}" for one in failure.checks]
    named = f": {', '.join(broken[:NAMES_KEPT_MAX])}" if broken else ""
    return f"{failure.code} {type(failure.error).__name__}{where}{named}"


def unfinished_error(line: OperationJournal) -> e.OperationUnfinished:
    """What is said to who runs an operation again that is not undone yet."""
    return e.OperationUnfinished(f"operation {line.id} is {line.status}", hint="db.resume(...) undoes what was cut off")


def _text(value: Any) -> str:
    return _encode(value).decode()
