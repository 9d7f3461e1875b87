"""A step's rows: asked for, judged, written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bmaddb import errors as e
from bmaddb.device.atomic.course import Course, Stopped
from bmaddb.device.atomic.operation import ROWS_PER_STEP_MAX, Action, Row, Step
from bmaddb.device.atomic.rules import Severity, Violation
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.device.store.transaction import MANY_ROWS
from bmaddb.schema.records import Record


def run_step(store: Store, tx: WriteTransaction, course: Course, step: Step) -> None:
    """All rows of the step, or Stopped: then the caller undoes what it wrote."""
    try:
        data, record = step.data, store.catalog.records[step.table]
        rows = (data,) if type(data) is dict else _rows(step, course)
        if step.validators:
            _judge(store, tx, course, step, record, rows)
        course.rows[step.name] = _WRITES[step.action](store, tx, record, rows)
    except e.BmadError as error:
        raise Stopped(error, step.name) from error
    except Stopped:
        raise
    except Exception as error:
        raise Stopped(raised(error), step.name) from error


def raised(error: Exception) -> e.StepFailed:
    """What the application's own code raised, as an error of ours."""
    failed = e.StepFailed(f"{type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed


def _rows(step: Step, course: Course) -> Sequence[Row]:
    data = step.data
    if callable(data):
        data = data(course.context)
    rows = (data,) if isinstance(data, Mapping) else data
    if len(rows) > ROWS_PER_STEP_MAX:
        raise e.AtomicError(f"{len(rows)} rows in one step", hint=f"at most {ROWS_PER_STEP_MAX}; or an import")
    return rows


def _judge(
    store: Store, tx: WriteTransaction, course: Course, step: Step, record: type[Record], rows: Sequence[Row]
) -> None:
    """Every rule about every row, before any of them is written: the list is complete."""
    errors: list[Violation] = []
    new = step.action is Action.INSERT
    for row in rows:
        before = None if new else _standing(store, tx, record, step.action, row)
        for validator in step.validators:
            for violation in validator(row, before, course.context):
                (errors if violation.severity is Severity.ERROR else course.warnings).append(violation)
    if errors:
        first = errors[0]
        more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise Stopped(e.RulesBroken(f"{first.rule}: {first.message}{more}"), step.name, errors)


def _standing(store: Store, tx: WriteTransaction, record: type[Record], action: Action, row: Row) -> Record | None:
    if action is Action.UPSERT:
        row_id = _upsert_id(store, record, row)
        return None if row_id is None else tx.get(record, row_id)
    return tx.get(record, _named(record, row))


def _insert(store: Store, tx: WriteTransaction, record: type[Record], rows: Sequence[Row]) -> tuple[str, ...]:
    if len(rows) == 1:
        return (tx.insert_named(record, rows[0]),)
    if len(rows) < MANY_ROWS or record.__table__.options.natural_key:
        return tuple(tx.insert_named(record, row) for row in rows)
    ids = store.moment().new_ids(len(rows))
    named = [{"id": row_id, **row} for row_id, row in zip(ids, rows, strict=True)]
    tx.insert_many(record, named)
    return tuple(str(row["id"]) for row in named)


def _update(_: Store, tx: WriteTransaction, record: type[Record], rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(tx.update(record, _named(record, row), **_columns(row)).id for row in rows)


def _delete(_: Store, tx: WriteTransaction, record: type[Record], rows: Sequence[Row]) -> tuple[str, ...]:
    ids = tuple(_named(record, row) for row in rows)
    for row_id in ids:
        if not tx.delete(record, row_id):
            raise e.RecordNotFound(f"{record.__table__.name} has no row '{row_id}'")
    return ids


def _upsert(store: Store, tx: WriteTransaction, record: type[Record], rows: Sequence[Row]) -> tuple[str, ...]:
    ids = []
    for row in rows:
        row_id = _upsert_id(store, record, row)
        if row_id is None or tx.get(record, row_id) is None:
            ids.append(tx.insert_named(record, row))
        else:
            ids.append(tx.update(record, row_id, **_columns(row)).id)
    return tuple(ids)


def _upsert_id(store: Store, record: type[Record], row: Row) -> str | None:
    """The id the row has or would have; None when it gets a new one."""
    if record.__table__.options.natural_key:
        return str(store.row_maker(record).row(row, store.moment())[0])
    return row.get("id")


def _named(record: type[Record], row: Row) -> str:
    row_id = row.get("id")
    if not isinstance(row_id, str) or not row_id:
        raise e.RecordInvalid(f"a row of {record.__table__.name} is named by its id", hint="give it as 'id'")
    return row_id


def _columns(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


_WRITES = {Action.INSERT: _insert, Action.UPDATE: _update, Action.DELETE: _delete, Action.UPSERT: _upsert}
