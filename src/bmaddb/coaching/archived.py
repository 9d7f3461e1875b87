"""What this device has archived or let go: rows of which it knows that they are, and not what is in them.

Rules of this room: it reads; who counts rows of a table asks here first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol, cast

import msgspec

from bmaddb import statements
from bmaddb.coaching.candidate import Candidate
from bmaddb.schema.records import Record

ARCHIVED_TABLES: Final = "archived_tables"
"""The fact that names the tables of which this device has archived rows; without it the file is asked."""
_SQL: Final = statements.load("bmaddb.coaching", "derived.sql")


class _EngineReader(Protocol):
    """A reader that takes statements of the engine's own: a store is one, and so is a transaction."""

    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]: ...


def is_archived(c: Candidate, *records: type[Record]) -> bool:
    """Has this device rows of one of the tables that it does not hold? Then it cannot count them."""
    names = [record.__table__.name for record in records]
    known = c.fact(ARCHIVED_TABLES)
    if known is not None:
        return not known.isdisjoint(names)
    return any(_tuples(c, "is_archived", name)[0][0] for name in names)


def is_any_archived(c: Candidate, record: type[Record], ids: Iterable[str]) -> bool:
    """Is one of these rows of the table archived?"""
    listed = msgspec.json.encode(list(ids)).decode()
    return bool(_tuples(c, "is_any_archived", record.__table__.name, listed)[0][0])


def _tuples(c: Candidate, name: str, *arguments: str) -> list[tuple[Any, ...]]:
    return cast(_EngineReader, c.context.reader).tuples(_SQL[name], arguments)
