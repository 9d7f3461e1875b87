"""What was committed, so that nothing is counted as held that changed meanwhile.

Rules of this room: it may be late or too broad without harm, for whoever reads gets what the store says is true; here
only what is worth fetching is decided. A commit of this process names its rows or tables through the store's hooks; for
those of other processes somebody looks when a plan is made, not when a row is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import apsw

from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.device.store.hooks import CommitDraft, CommitFact

ROWS_TOLD_MAX: Final = 256
"""A commit that changes more rows than this forgets its tables as a whole."""
_VERSION: Final = statements.load("bmaddb.personality", "sql/changes.sql")["version"]


class _Here(threading.local):
    draft: tuple[frozenset[str], Mapping[str, set[str]] | None] | None = None


class Changes:
    """Listens to `store`. `forget_rows(table, ids)`: these changed; ids None: any may have. `forget_all`: whatever."""

    def __init__(
        self,
        store: Store,
        forget_rows: Callable[[str, set[str] | None], None],
        forget_all: Callable[[], None],
    ) -> None:
        self._store = store
        self._forget_rows = forget_rows
        self._forget_all = forget_all
        self._here = _Here()
        self._others: tuple[Any, int] | None = None
        store.before_commit.append(self._drafted)
        store.after_commit.append(self._committed)

    def stop(self) -> None:
        """Listen no more."""
        self._store.before_commit.remove(self._drafted)
        self._store.after_commit.remove(self._committed)

    def look_for_others(self) -> None:
        """Did another process commit? The connection that writes says so: its own commits do not count for it."""
        if self._store.writer_busy:
            return
        with self._store.alone() as connection:
            now = (connection, int(str(connection.execute(_VERSION).fetchall()[0][0])))
        if self._others is not None and self._others != now:
            self._forget_all()
        self._others = now

    def _drafted(self, draft: CommitDraft) -> None:
        rows: dict[str, set[str]] | None = {}
        for number, change in enumerate(apsw.Changeset.iter(draft.changeset)):
            if number >= ROWS_TOLD_MAX:
                rows = None
                break
            if rows is not None and change.opcode != apsw.SQLITE_INSERT:
                rows.setdefault(change.name, set()).update(_key(change))
        self._here.draft = (draft.tables, rows)

    def _committed(self, fact: CommitFact) -> None:
        draft, self._here.draft = self._here.draft, None
        captured, rows = draft if draft is not None and fact.captured else (frozenset(), None)
        for table in fact.tables:
            known = rows is not None and table in captured
            self._forget_rows(table, rows.get(table, set()) if known and rows is not None else None)


def _key(change: apsw.TableChange) -> list[str]:
    """The id of the row as it was."""
    old: Any = change.old
    return [] if old is None else [str(old[place]) for place in sorted(change.pk_columns)]
