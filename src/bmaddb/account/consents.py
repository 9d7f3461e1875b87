"""Which consents are in force: the last record of a purpose decides."""

from __future__ import annotations

from typing import Final, Protocol, TypeVar

from bmaddb.device.query import Query
from bmaddb.modules.user_management import ConsentRecord
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
PROFILING: Final = "personality_profiling"


class Asked(Protocol):
    """Who can be asked for rows."""

    def query(self, record: type[R]) -> Query[R]:
        """Every row of the record's table, to be narrowed."""
        ...


def last_record(reader: Asked, purpose: str) -> ConsentRecord | None:
    """The newest record of a purpose, or None."""
    said = reader.query(ConsentRecord).where(ConsentRecord.purpose == purpose)
    return said.order_by(ConsentRecord.acted_at.desc(), ConsentRecord.id.desc()).limit(1).first()


def grant(reader: Asked, purpose: str) -> ConsentRecord | None:
    """The record that grants `purpose` now, or None."""
    record = last_record(reader, purpose)
    return record if record is not None and record.action == "granted" else None
