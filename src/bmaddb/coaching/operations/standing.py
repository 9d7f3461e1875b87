"""The row an operation is about."""

from __future__ import annotations

from typing import TypeVar

from bmaddb import errors as e
from bmaddb.device.atomic import RuleContext
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)


def standing(context: RuleContext, record: type[R], row_id: object) -> R:
    """The row with this id as it stands; RecordNotFound when there is none."""
    row = context.reader.get(record, row_id) if isinstance(row_id, str) and row_id else None
    if row is None:
        hint = "it may be deleted, archived (`db.get` brings it back), or not have come by sync yet"
        raise e.RecordNotFound(f"{record.__table__.name} has no row {row_id!r}", hint=hint)
    return row
