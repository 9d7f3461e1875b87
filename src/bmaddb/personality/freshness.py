"""May this thread be answered from memory? Only if nothing was committed that memory has not heard of.

Rules of this room: never a guess. A commit of this process names its rows or tables through the store's hooks; one that
is being told, a write or snapshot of this thread, or another process's commit means: read the file.
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
_VERSION: Final = statements.load("bmaddb.personality", "sql/freshness.sql")["version"]


class _Here(threading.local):
    def __init__(self) -> None:
        self.seen: tuple[Any, int] | None = None
        self.draft: tuple[frozenset[str], Mapping[str, set[str]] | None] | None = None


class Freshness:
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
        self._lock = threading.Lock()
        self._others: tuple[Any, int] | None = None
        self.commits = 0
        """Commits heard of; what was read while this changed may be from before one."""
        store.before_commit.append(self._drafted)
        store.after_commit.append(self._committed)

    def stop(self) -> None:
        """Listen no more."""
        self._store.before_commit.remove(self._drafted)
        self._store.after_commit.remove(self._committed)

    def fresh(self) -> bool:
        """May this thread, just now, be answered from memory?"""
        store, here = self._store, self._here
        if store.holds_still:
            return False
        version = store.tuples(_VERSION, ())[0][0]
        seen = here.seen
        if seen is not None and seen[1] == version and seen[0] is store.writing_connection:
            return True
        writing = store.writing_connection
        if not store.all_told or store.writer_busy or not self._heard_others():
            return False
        here.seen = (writing, version)
        return True

    def _heard_others(self) -> bool:
        """Ask the connection that writes, whose version only the commits of other processes change."""
        with self._store.alone() as connection:
            now = (connection, int(connection.pragma("data_version")))
        with self._lock:
            if self._others is None or self._others[0] is not now[0] or self._others[1] != now[1]:
                self._others = now
                self.commits += 1
                self._forget_all()
        return True

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
        self.commits += 1
        for table in fact.tables:
            known = rows is not None and table in captured
            self._forget_rows(table, rows.get(table, set()) if known and rows is not None else None)


def _key(change: apsw.TableChange) -> list[str]:
    """The id of the row as it was."""
    old: Any = change.old
    return [] if old is None else [str(old[place]) for place in sorted(change.pk_columns)]
