"""`db.export`: everything of a user, or one table; what only the server holds is fetched first, where there is one.

Rules of this room: being offline ends no export; what is not in it is in its report, by number.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.transfer import ExportReport, export_archive, export_table
from bmaddb.device.transfer.archive import user_records
from bmaddb.device.upkeep import stubs
from bmaddb.schema import Record

if TYPE_CHECKING:
    from bmaddb.service.upkeep import Upkeep

ROWS_PER_FETCH = 1_000


def export(
    store: Store, upkeep: Upkeep | None, path: str | os.PathLike[str], record: type[Record] | None
) -> ExportReport:
    """As `Database.export`; `upkeep` fetches from the server, None when there is none."""
    if upkeep is not None:
        with contextlib.suppress(e.RowArchived):
            for each in user_records(store.catalog) if record is None else (record,):
                _fetch_all(store, upkeep, each)
    return export_archive(store, path) if record is None else export_table(store, record, path)


def _fetch_all(store: Store, upkeep: Upkeep, record: type[Record]) -> None:
    """Every archived row of the table that the file does not hold. RowArchived when the server cannot be reached."""
    last = ""
    while True:
        with store.read() as connection:
            name, version = record.__table__.name, store.catalog.version
            ids = stubs.bodiless(connection, name, version, last, ROWS_PER_FETCH)
        if not ids:
            return
        upkeep.fetch(record, ids)
        last = ids[-1]
