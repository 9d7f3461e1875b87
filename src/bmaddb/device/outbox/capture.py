"""The write path's end: a committing transaction becomes an entry, in the same transaction."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import CommitDraft, CommitFact, Store, meta
from bmaddb.entropy import uuid7, uuid7_of
from bmaddb.modules.sync_status import OutboxOperation
from bmaddb.protocol.stamps import NO_STAMP, Stamps, refusable
from bmaddb.signals import EntryQueued

_SQL = statements.load("bmaddb.device.outbox", "sql/outbox.sql")
LAST_STAMP = "hlc"
_TABLE = OutboxOperation.__table__.name
_CHANCE_BYTES = 10


class Capture:
    """Appends entries. Costs one write; the changeset is stored as it is, never decoded here."""

    def __init__(self, store: Store, layout: str) -> None:
        if any(isinstance(getattr(hook, "__self__", None), Capture) for hook in store.before_commit):
            raise e.StoreError(
                "this store has an outbox", hint="use that one, as `db.outbox`: two would queue all twice"
            )
        self._store = store
        self._layout = layout
        self._stamps = Stamps(store.device_id)
        self._position = 0
        self._chance = int.from_bytes(store.entropy.random_bytes(_CHANCE_BYTES), "big")
        """Drawn once; with the position, which no two entries have, it makes their ids. A draw for each is dear."""
        self._data_version = -1
        self._alone: tuple[apsw.Connection, int] | None = None
        """A connection, and what it counts as long as nothing was committed since our last entry."""
        self._drafted: tuple[str, int, int] | None = None
        """Id, position and size in bytes of the entry that is about to be committed."""
        self._counted: tuple[apsw.Connection, int] | None = None
        """The connection of that entry, and how many commits it had counted: its own, and when others had committed."""
        self.last_stamp = store.meta_get(LAST_STAMP) or NO_STAMP
        store.before_commit.append(self._append)
        store.after_commit.append(self._tell)

    def observe(self, stamp: str) -> str:
        """Take notice of another device's stamp; what is written next is stamped later."""
        now_ms = self._store.clock.now_ms()
        self.last_stamp = self._stamps.observe(now_ms, self.last_stamp, stamp)
        return self.last_stamp

    def run_past(self, connection: apsw.Connection, stamps: Iterable[str]) -> None:
        """What is written next is stamped later than these of other devices, also when the file is opened again."""
        seen = [self.observe(stamp) for stamp in stamps]
        if seen:
            self._remember(connection)

    def leave(self, connection: apsw.Connection, stamps: Iterable[str]) -> None:
        """Entries with these stamps, this device's own, go from the file: the server has them.

        Nothing is stamped before them any more, though the clock is set back, the file opened again, or another process
        writes next.
        """
        now_ms = self._store.clock.now_ms()
        self.last_stamp = max([self.last_stamp, *(stamp for stamp in stamps if not refusable(stamp, now_ms))])
        self._remember(connection)

    def _remember(self, connection: apsw.Connection) -> None:
        noted = meta.get(connection, LAST_STAMP) or NO_STAMP
        if noted < self.last_stamp or refusable(noted, self._store.clock.now_ms()):
            self._store.meta_set(LAST_STAMP, self.last_stamp, connection)

    def believable(self, stamp: str) -> str:
        """The stamp an entry leaves with: made anew when it comes from a clock that was ahead and is set now."""
        now_ms = self._store.clock.now_ms()
        if refusable(stamp, now_ms):
            self.last_stamp = stamp = self._stamps.next(now_ms, self.last_stamp)
        return stamp

    def prepend(self, connection: apsw.Connection, entries: Sequence[tuple[str, str, int]]) -> list[int]:
        """Put entries before all that waits; each a stamp, its changes as JSON text, and how many these are.

        Returns their positions, all below 1. Each has as many to itself as it has changes: it may be taken apart.
        """
        [(oldest,)] = connection.execute(_SQL["oldest_position"])
        end = 1 if oldest is None else min(1, int(oldest))
        widths = [count for _, _, count in entries]
        positions = list(itertools.accumulate(widths, initial=end - sum(widths)))[:-1]
        for position, (stamp, changes, _) in zip(positions, entries, strict=True):
            self.place(connection, position, stamp, changes)
        return positions

    def place(self, connection: apsw.Connection, position: int, stamp: str, changes: str) -> None:
        """Put an entry, its changes as JSON text, where none stands."""
        now_ms = self._store.clock.now_ms()
        row_id = uuid7(self._store.entropy, now_ms)
        values = (row_id, position, changes, self._store.catalog.version, stamp, now_ms)
        connection.execute(_SQL["append_changes"], values)

    def _append(self, draft: CommitDraft) -> None:
        connection = draft.connection
        self._counted = (connection, connection.data_version())
        if self._counted != self._alone:
            self._notice_others(connection)
        now_ms = self._store.clock.now_ms()
        stamp = self._stamps.next(now_ms, self.last_stamp)
        position = self._position + 1
        entry_id = uuid7_of(now_ms, self._chance + position)
        connection.execute(
            _SQL["append"],
            (
                entry_id,
                position,
                draft.changeset,
                self._store.catalog.version,
                self._layout,
                stamp,
                len(draft.changeset),
                now_ms,
                json.dumps(draft.after) if draft.after else "[]",
            ),
        )
        draft.wrote(_TABLE)
        self._position, self.last_stamp = position, stamp
        self._drafted = (entry_id, position, len(draft.changeset))

    def forget(self) -> None:
        """The outbox may be another now: look for the newest entry before the next."""
        self._data_version, self._alone = -1, None

    def _notice_others(self, connection: apsw.Connection) -> None:
        """Go on after the newest entry; another process may have written to the file since our last one."""
        [(data_version,)] = connection.execute(_SQL["data_version"])
        if data_version == self._data_version:
            return
        newest = connection.execute(_SQL["newest"]).fetchone()
        if newest is not None:
            self._position = max(self._position, int(newest[0]))
            self.last_stamp = max(self.last_stamp, str(newest[1]))
        self.last_stamp = max(self.last_stamp, meta.get(connection, LAST_STAMP) or NO_STAMP)
        self._data_version = data_version

    def _tell(self, fact: CommitFact) -> None:
        drafted, self._drafted = self._drafted, None
        if drafted is not None and self._counted is not None:
            connection, count = self._counted
            self._alone = (connection, count + 1)
        if drafted is not None and fact.origin == "local" and self._store.signals.heard(EntryQueued):
            entry_id, position, size_bytes = drafted
            self._store.signals.emit(EntryQueued(id=entry_id, position=position, size_bytes=size_bytes))
