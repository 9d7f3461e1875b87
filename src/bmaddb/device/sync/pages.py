"""Pages from the server into the file: rows, deletes and cursor in one transaction.

Rules of this room: a row that nothing waits for is written by SQLite from the JSON text, without becoming a
Python object; a row that something waits for is merged. Foreign keys are not enforced while a page is
written: a child may arrive a page before its parent. What a delete does to children, `Rebase.drop` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.outbox import Outbox
from bmaddb.device.outbox.outbox import keys_loose
from bmaddb.device.store import Store, meta
from bmaddb.device.sync import arrivals
from bmaddb.device.sync.bulk import BulkLoad
from bmaddb.device.sync.giveback import LOST_VERSIONS, GiveBack, LostUpdates
from bmaddb.device.sync.older_server import renamed, stamps_of
from bmaddb.device.sync.orphans import bereft
from bmaddb.device.sync.parsing import ParsedRows, parse
from bmaddb.device.sync.plain import Plain
from bmaddb.device.sync.rebase import Rebase, unchecked
from bmaddb.device.sync.senseless import believed
from bmaddb.device.sync.walk import Progress
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.unpacking import unpack
from bmaddb.protocol.changes import RowKey
from bmaddb.protocol.codec import row_values
from bmaddb.protocol.digests import row_texts
from bmaddb.protocol.merge import RemoteRow
from bmaddb.protocol.messages import WALK_CURSOR, Cursor, PullAnswer, TablePage
from bmaddb.protocol.stamps import is_stamp
from bmaddb.protocol.values import unbase64
from bmaddb.schema.kinds import Kind
from bmaddb.schema.rules import Scope
from bmaddb.schema.sqlite_ddl import enforced_references
from bmaddb.schema.sqlite_ddl_rows import (
    UNBASE64,
    mark_unseen,
    read_unseen,
    read_unseen_versions,
    upsert_page,
)
from bmaddb.schema.tables import Table
from bmaddb.signals import PageApplied

_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")
Overwriting: TypeAlias = Callable[[Rebase, Table, TablePage], None]
SERVER_SCHEMA = "server_schema_version"
_Parts: TypeAlias = Sequence[tuple[Table, TablePage, ParsedRows | None]]
_ROW_ENVELOPE = frozenset({"id", "server_seq", "hlc", "stamps"})


@dataclass(slots=True)
class PageCounts:
    """What a page brought."""

    rows: int = 0
    deletes: int = 0
    verdicts: int = 0


class Pages:
    """Writes pages into one store."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox
        self._bulk = BulkLoad(store)
        self._plain = Plain(store)

    @believed("a page")
    def apply(self, page: PullAnswer, progress: Progress, parsed: tuple[ParsedRows, ...] | None = None) -> PageCounts:
        """Write a page and its cursor; what waits for one of its rows is merged. `parsed`: its parts, if they are."""
        walking = page.cursor is not None and page.cursor.startswith(WALK_CURSOR)
        with self._outbox.edit() as (connection, waiting):
            rebase = Rebase(self._store, self._outbox, connection, waiting)
            ready = parsed if parsed is not None else (None,) * len(page.tables)
            told = self._in_our_names(connection, page.tables, page.schema_version)
            parts = [
                (table, part, rows)
                for part, rows in zip(told, ready, strict=True)
                if (table := self._synced(part)) is not None
            ]
            lost = self._lost_updates(rebase, page)
            loading = frozenset(table.name for table, _, _ in parts[-1:] if walking)
            self._bulk.finish(connection, loading)
            counts = None if walking or lost is not None else self._write_plain(rebase, parts)
            if counts is None:
                with keys_loose(connection):
                    counts = self._write_merging(rebase, parts, lost, progress if walking else None)
            arrivals.note_parts(self._outbox, connection, told)
            self._save_cursor(connection, page)
            counts.verdicts = rebase.verdicts
            self._outbox.tell(PageApplied(rows=counts.rows, deletes=counts.deletes, more=page.more))
            returned = [(edit.stamp, (edit.change,)) for edit in rebase.returned.values()]
            self._outbox.give_back(connection, waiting, returned)
        return counts

    def _write_plain(self, rebase: Rebase, parts: _Parts) -> PageCounts | None:
        plain = [(table, part) for table, part, _ in parts]
        written = self._plain.write(rebase.connection, rebase.waiting.index, plain)
        if written is None:
            return None
        self._outbox.capture.run_past(rebase.connection, [stamp for stamp in written.stamps if is_stamp(stamp)])
        return PageCounts(rows=written.rows, deletes=written.deletes)

    def _write_merging(
        self, rebase: Rebase, parts: _Parts, lost: LostUpdates | None, progress: Progress | None
    ) -> PageCounts:
        """`progress` is of the walk, if the page is part of one."""
        counts = PageCounts()
        for table, part, parsed in parts:
            if progress is not None:
                self._bulk.prepare(rebase.connection, table, progress.of_table(table.name))
            rows = self._write_rows(rebase, table, part, parsed, lost)
            counts.rows += rows
            if progress is not None:
                self._outbox.tell(progress.written(table.name, rows))
        for table, part, _ in parts:
            counts.deletes += self._write_deletes(rebase, table, list(part.deleted))
        return counts

    def _save_cursor(self, connection: apsw.Connection, page: PullAnswer) -> None:
        """With the oldest schema version that anything up to here was read under: the server's, or ours."""
        ours = self._store.catalog.version
        if page.schema_version is not None:
            self._store.meta_set(SERVER_SCHEMA, str(page.schema_version), connection)
        version = min(ours, served_schema(connection, ours))
        connection.execute(_SQL["save_cursor"], (page.cursor, version, self._store.clock.now_ms()))

    @believed("what was fetched")
    def mend(self, parts: Sequence[TablePage], cursor: Cursor, note: Overwriting) -> PageCounts | None:
        """Write rows that were fetched by id; None, and nothing done, when the file has moved on from `cursor`.

        `note` hears of each row that stands here before the server's takes its place (None: before it is removed).
        """
        counts = PageCounts()
        with self._outbox.edit(loose_keys=True) as (connection, waiting):
            if connection.execute(_SQL["cursor"]).fetchall()[0][0] != cursor:
                return None
            rebase = Rebase(self._store, self._outbox, connection, waiting)
            parts = self._in_our_names(connection, parts)
            known = [(table, part) for part in parts if (table := self._synced(part)) is not None]
            for table, part in known:
                self._unpack_named(connection, table, part)
                note(rebase, table, part)
                counts.rows += self._write_rows(rebase, table, part)
            for table, part in known:
                counts.deletes += self._write_deletes(rebase, table, list(part.deleted))
            arrivals.note_parts(self._outbox, connection, parts)
            counts.verdicts = rebase.verdicts
        return counts

    @believed("what was fetched")
    def bring_back(
        self,
        packed: Mapping[str, Collection[str]],
        fetched: Sequence[TablePage],
        refers: Mapping[RowKey, Collection[RowKey]],
    ) -> frozenset[RowKey]:
        """Archived rows take their places again, where their stubs still stand; nothing else is touched.

        `refers`: each of them, and what it refers to. The answer is which stay archived, for that is gone.
        """
        with self._outbox.edit(loose_keys=True) as (connection, waiting):
            rebase = Rebase(self._store, self._outbox, connection, waiting)
            lost = bereft(connection, refers)
            for name, ids in packed.items():
                kin = [row_id for row_id in ids if (name, row_id) not in lost]
                unpack(self._store, connection, self._store.catalog.table(name), kin)
            for part in self._in_our_names(connection, fetched):
                table = self._synced(part)
                rows = [] if table is None else row_texts(bytes(part.rows))
                place = part.columns.index("id")
                stand = stubs.among(connection, part.table, [row_values(text)[place] for text in rows])
                stand -= {row_id for name, row_id in lost if name == part.table}
                kept = ",".join(text for text in rows if row_values(text)[place] in stand)
                if table is not None and kept:
                    self._write_rows(
                        rebase, table, msgspec.structs.replace(part, rows=msgspec.Raw(f"[{kept}]".encode()))
                    )
        return lost

    def begin_resync(self) -> None:
        """Everything will be read again: no row counts as seen, no number as known."""
        with self._outbox.edit(loose_keys=True) as (connection, waiting):
            self._outbox.release(connection, waiting)
            self._mark_unseen(connection)

    def mark_unseen(self) -> None:
        """Everything will be read again, and the numbers are known: a new schema, the same server."""
        with self._outbox.edit(loose_keys=True) as (connection, _):
            self._mark_unseen(connection)

    def _mark_unseen(self, connection: apsw.Connection) -> None:
        for table in self._store.catalog.synced_tables:
            connection.execute(mark_unseen(table))
        stubs.mark_unseen(connection)
        connection.execute(_SQL["begin_resync"], (self._store.catalog.version,))
        self._store.meta_set(LOST_VERSIONS, "[]", connection)

    def unseen(self) -> dict[str, dict[str, int]]:
        """By table, id and version of the rows that have not come while everything is read again."""
        with self._store.read() as connection:
            listed = {
                table.name: dict(connection.execute(read_unseen_versions(table)))
                for table in self._store.catalog.synced_tables
            }
            archived = stubs.unseen(connection)
        known = {name: rows for name, rows in archived.items() if name in listed}
        return {name: rows for name, rows in stubs.merged(listed, known).items() if rows}

    def deleted(self) -> dict[str, dict[str, int]]:
        """By table, id and version of the rows that the server held and that an entry which waits deletes."""
        with self._outbox.edit() as (_, waiting):
            listed = {table.name: waiting.deleted(table.name) for table in self._store.catalog.synced_tables}
        return {name: rows for name, rows in listed.items() if rows}

    def sweep(
        self, lost: Mapping[str, Set[str]], alive: Mapping[str, Set[str]], gone: Mapping[str, Set[str]]
    ) -> PageCounts:
        """Everything was read again: what did not come is deleted on the server, or was `lost` there (ids by table).

        `alive` are those that the server has after all; `gone` those that wait to be deleted, and are not there: if
        that were given up, nobody could put them back. Of tables that `lost` does not name
        nothing is known: they stay as they are, and so does the resync while they hold rows that did not come.
        """
        counts = PageCounts()
        with self._outbox.edit(loose_keys=True) as (connection, waiting):
            rebase = Rebase(self._store, self._outbox, connection, waiting)
            for table in (self._store.catalog.table(name) for name in lost):
                kept = lost[table.name] | alive[table.name]
                unseen = [str(row[0]) for row in connection.execute(read_unseen(table)) if row[0] not in kept]
                counts.deletes += self._write_deletes(rebase, table, unseen)
                arrivals.note_rows(self._outbox, connection, [(table.name, unseen)])
            for name, ids in gone.items():
                self._write_deletes(rebase, self._store.catalog.table(name), sorted(ids))
            arrivals.note_rows(self._outbox, connection, gone.items())
            entries = GiveBack(self._store, self._outbox).entries(rebase, lost)
            for name, ids in alive.items():
                stubs.forget_unseen(connection, name, ids)
            if not self._unasked(connection, lost):
                connection.execute(_SQL["end_resync"])
            self._outbox.give_back(connection, waiting, entries)
            counts.verdicts = rebase.verdicts
        return counts

    def _unasked(self, connection: apsw.Connection, lost: Mapping[str, Set[str]]) -> bool:
        others = [table for table in self._store.catalog.synced_tables if table.name not in lost]
        archived = stubs.unseen(connection)
        return any(
            table.name in archived or connection.execute(read_unseen(table)).fetchone() is not None for table in others
        )

    def _in_our_names(
        self, connection: apsw.Connection, parts: Sequence[TablePage], version: int | None = None
    ) -> Sequence[TablePage]:
        """The parts of a server whose schema (`version`, or the last known) is older, if its road to ours is known."""
        ours = self._store.catalog.version
        theirs = version or served_schema(connection, ours)
        names = self._outbox.names_of(theirs) if theirs < ours else None
        return parts if names is None else [renamed(part, names) for part in parts]

    def _synced(self, part: TablePage) -> Table | None:
        """The table of this part; None for one that a newer server has and this version does not know."""
        table = self._store.catalog.tables.get(part.table)
        return table if table is not None and table.synced else None

    def _lost_updates(self, rebase: Rebase, page: PullAnswer) -> LostUpdates | None:
        """What finds the rows the server lost an edit of; None while nothing is read again."""
        standing = rebase.connection.execute(_SQL["cursor"]).fetchone()
        if standing is None or not standing[2]:
            return None
        if page.lost:
            self._store.meta_set(LOST_VERSIONS, msgspec.json.encode(page.lost).decode(), rebase.connection)
        return LostUpdates(self._store, rebase, meta.get(rebase.connection, LOST_VERSIONS) or "[]")

    def _write_rows(
        self,
        rebase: Rebase,
        table: Table,
        part: TablePage,
        parsed: ParsedRows | None = None,
        lost: LostUpdates | None = None,
    ) -> int:
        connection = rebase.connection
        parsed = parsed or parse(connection, part)
        if not parsed.count:
            return 0
        rows = parsed.jsonb
        if any(column.kind is Kind.BLOB for column in table.columns):
            connection.create_scalar_function(UNBASE64, _blob, 1, deterministic=True)
        place = part.columns.index("id")
        waits = rebase.waiting.index.among_page(table.name, rows, place)
        if lost is not None:
            self._unpack_older(connection, table, part, rows)
        bereft = frozenset() if lost is None else frozenset(lost.find(table, part.columns, rows))
        if waits or bereft:
            waits = (*waits, *bereft)
            ids = msgspec.json.encode(waits).decode()
            for (text,) in connection.execute(_SQL["rows_among"], (rows, place, ids)).fetchall():
                remote = _remote_row(table, part, row_values(str(text)))
                edit = lost.pending(table, remote) if lost is not None and remote.id in bereft else None
                rebase.merge(table, remote, edit)
            statement = upsert_page(table, part.columns, sparing=True)
            with unchecked(connection):
                connection.execute(statement, (rows, self._store.user, ids))
        else:
            owner = (self._store.user,) if table.scope is Scope.USER else ()
            with self._store.bulk(table.name), unchecked(connection):
                connection.execute(upsert_page(table, part.columns), (rows, *owner))
        stubs.forget_page(connection, table.name, rows, place)
        self._want_parents(connection, table, part, rows)
        self._outbox.capture.run_past(connection, parsed.stamps)
        return parsed.count

    def _want_parents(self, connection: apsw.Connection, table: Table, part: TablePage, rows: bytes) -> None:
        """A row that comes may refer to one that is archived: that is brought back at the end of the run."""
        for column in enforced_references(table, self._store.catalog):
            if column.name in part.columns:
                place = part.columns.index(column.name)
                stubs.want_page(connection, str(column.spec.references), rows, place)

    def _unpack_named(self, connection: apsw.Connection, table: Table, part: TablePage) -> None:
        """What is about to be replaced or removed is kept as a verdict: so it must stand in its table."""
        place = part.columns.index("id")
        ids = [*(row_values(text)[place] for text in row_texts(bytes(part.rows))), *part.deleted]
        unpack(self._store, connection, table, ids)

    def _unpack_older(self, connection: apsw.Connection, table: Table, part: TablePage, rows: bytes) -> None:
        """A packed row that comes in another version than this device saw may hold an edit that the server lost."""
        places = (part.columns.index("id"), part.columns.index("server_seq"))
        unpack(self._store, connection, table, stubs.older_in_page(connection, table.name, rows, *places))

    def _write_deletes(self, rebase: Rebase, table: Table, ids: list[str]) -> int:
        merged = rebase.waiting.index.among(table.name, ids)
        gone = [row_id for row_id in ids if row_id not in merged or rebase.merge(table, _deleted(table, row_id))]
        if gone:
            rebase.drop(table, gone)
        return len(ids)


def served_schema(connection: apsw.Connection, ours: int) -> int:
    """The schema version the server had when it was last heard; `ours` when it never told."""
    return heard_schema(connection) or ours


def heard_schema(connection: apsw.Connection) -> int | None:
    """The schema version the server had when it was last heard, or None."""
    told = meta.get(connection, SERVER_SCHEMA)
    return None if told is None else int(told)


def _remote_row(table: Table, part: TablePage, values: list[Any]) -> RemoteRow:
    named = dict(zip(part.columns, values, strict=True))
    return RemoteRow(
        table=table.name,
        id=named["id"],
        server_seq=named["server_seq"],
        values={name: value for name, value in named.items() if name not in _ROW_ENVELOPE},
        hlc=named.get("hlc") or "",
        stamps=stamps_of(part, named.get("stamps") or {}),
    )


def _deleted(table: Table, row_id: str) -> RemoteRow:
    return RemoteRow(table=table.name, id=row_id, server_seq=None, values=None)


def _blob(*values: object) -> bytes | None:
    return None if values[0] is None else unbase64(str(values[0]))
