"""A row that cannot be reconciled costs only itself: it stays as it is, and is told of once.

Rules of this room: what is done inside is one statement, or stands in a savepoint, so that what failed left nothing; an
error that is not about the row (a full disk, a busy file) goes on.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from types import TracebackType
from typing import Final

from bmaddb import errors as e
from bmaddb.device.atomic import RuleContext
from bmaddb.schema.records import Record

TOLD_MAX: Final = 1_000
"""So many are remembered as told of."""
ROW_ERRORS: Final = (
    e.RecordInvalid,
    e.RecordNotFound,
    e.ReadOnlyTable,
    e.QueryError,  # a number that SQLite cannot hold
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What comes of values that make no sense: those the file refuses, and those no rule was made for."""
_log: Final = logging.getLogger("bmaddb.coaching")


class Alone:
    """`with Alone(context, row):` what fails for the row's own sake ends here."""

    __slots__ = ("_context", "_row")

    def __init__(self, context: RuleContext, row: Record) -> None:
        self._context, self._row = context, row

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, ROW_ERRORS):
            return False
        why = error.message if isinstance(error, e.BmadError) else type(error).__name__  # a value is not for a log
        _tell(self._context.device_id, self._row.__table__.name, self._row.id, why)
        return True


@lru_cache(maxsize=TOLD_MAX)  # once: what was told is remembered by the cache
def _tell(device_id: str, table: str, row_id: str, why: str) -> None:
    _log.warning("%s/%s cannot be reconciled on device %s: %s", table, row_id, device_id, why)
