"""Free pages back to the system: a few at a time, or, once for a file made before that was possible, all of it."""

from __future__ import annotations

import contextlib

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.device.upkeep.work import Work

_SQL = statements.load("bmaddb.device.upkeep", "sql/upkeep.sql")
PAGES_PER_BATCH = 256


def give_back(work: Work) -> None:
    """Free pages leave the file, a few in each transaction; at the end the log is moved into the file and cut."""
    pages, gone = PAGES_PER_BATCH, -1
    while gone:  # also ends in a file that cannot give pages back
        with work.batch() as connection:
            before = _free(connection)
            connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
            gone = before - _free(connection)
        work.tally.rows += gone
        pages = max(16, PAGES_PER_BATCH * work.batch_rows // work.policy.batch_rows_max)
    cut_log(work.store)


def cut_log(store: Store) -> None:
    """Move the log into the file, as far as nobody reads an older state."""
    with contextlib.suppress(e.StoreBusy), store.alone() as connection:
        connection.execute(_SQL["log"]).fetchall()


def rebuild(store: Store) -> None:
    """Write the file anew, without free pages, and (unless it is encrypted) able to give them back from then on.

    Nobody else can write meanwhile, and as much space again is needed on the disk; a crash leaves the file as it was.
    """
    with store.alone() as connection:
        if store.key is None:
            connection.execute(_SQL["may_vacuum"])
        connection.execute(_SQL["rebuild"])
        connection.execute(_SQL["log"]).fetchall()


def _free(connection: apsw.Connection) -> int:
    [(count,)] = connection.execute(_SQL["freelist_count"])
    return int(count)
