"""The text index of a file: searched exactly at any moment, brought up when it pays.

Rules of this room: an answer never depends on how far the index has come. What it has not read yet is noted
in the file, and the searching statement looks at those rows themselves; so no writer waits for the index.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Final, Protocol, TypeVar, cast

import apsw

from bmaddb import errors as e
from bmaddb.device.query import Query, Statement, compiler, compiler_search
from bmaddb.device.store.search import upkeep
from bmaddb.device.store.search.currency import rowids_may_differ
from bmaddb.device.store.search.found import Found, snippet
from bmaddb.device.store.search.limits import MARKS, SNIPPET_WORDS
from bmaddb.device.store.search.words import encodable, wish
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Search
from bmaddb.schema.records import Record
from bmaddb.schema.sqlite_ddl_search import searchable_tables
from bmaddb.schema.tables import Table

R = TypeVar("R", bound=Record)
BRING_UP_FROM_ROWS: Final = 50
"""So many rows are looked at one by one faster than a transaction of the index is committed."""
CHUNK_ROWS: Final = 1000
"""Of one transaction; between two of them others write."""
CHUNKS_PER_SEARCH_MAX: Final = 1000
RESULTS_MAX: Final = 1000


class Ground(Protocol):
    """What the index stands on; the store."""

    catalog: Catalog

    @property
    def writer_busy(self) -> bool: ...
    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]: ...
    def query(self, record: type[R]) -> Query[R]: ...
    def read(self) -> AbstractContextManager[apsw.Connection]: ...
    def maintain(self) -> AbstractContextManager[apsw.Connection]: ...


class SearchIndex:
    """Finds rows by their words."""

    def __init__(self, store: Ground) -> None:
        self._store = store
        self._ranges = {
            table.name: compiler_search.range_of(store.catalog, table) for table in searchable_tables(store.catalog)
        }

    def condition(self, search: Search) -> Statement:
        """The condition of `Query.search`; nothing is found when the text holds no word."""
        table = self._store.catalog.table(cast("Column[Any]", search.columns[0]).table)
        text = encodable(search.text)
        if not wish(text):
            return Statement("0", ())
        self._bring_up_when_it_pays(table, BRING_UP_FROM_ROWS)
        return compiler_search.found_ids(table, self._ranges[table.name], text)

    def best(
        self,
        query: Query[R],
        text: str,
        *,
        limit: int,
        marks: tuple[str, str] = MARKS,
        words: int = SNIPPET_WORDS,
    ) -> list[Found[R]]:
        """The rows of `query` that hold the words of `text`, the best first, each with a snippet."""
        record: type[R] = query.plan.record  # type: ignore[assignment]
        table = record.__table__
        if table.name not in self._ranges:
            raise e.QueryError(f"{table.name} has no searchable columns", hint="declare searchable=(...) on its class")
        if not 0 < limit <= RESULTS_MAX:
            raise e.QueryError(f"limit must be from 1 to {RESULTS_MAX}")
        text = encodable(text)
        parts = wish(text)
        if not parts:
            return []
        self._bring_up_when_it_pays(table, 1)
        among = compiler.select_ids(query.plan, self.condition) if _narrowed(query) else None
        text_of, arguments = compiler_search.ranked(table, self._ranges[table.name], text, among, limit)
        with self._store.read():
            scores = dict(self._store.tuples(text_of, arguments))
            rows = {row.id: row for row in self._store.query(record).where(record.id.in_(list(scores))).all()}
        return [
            Found(rows[row_id], -score, snippet(table, rows[row_id], parts, marks, words))
            for row_id, score in scores.items()
        ]

    def mind_rowids(self) -> None:
        """After a VACUUM rowids say nothing: have every row read again."""
        with self._store.read() as connection:
            if not rowids_may_differ(connection):
                return
        with self._store.maintain() as connection:
            upkeep.note_every_row(connection, self._store.catalog)

    def waiting(self) -> int:
        """How many rows the index has not read yet."""
        return sum(self._waiting(self._store.catalog.table(name), -1) for name in self._ranges)

    def bring_up(self) -> int:
        """Read every row there is to read, in transactions of a bounded size; the answer is how many there were.

        To be called in idle time, and after a VACUUM. StoreError inside a write of the same thread.
        """
        self.mind_rowids()
        done = 0
        for name in self._ranges:
            while read := self._chunk(self._store.catalog.table(name)):
                done += read
        return done

    def _bring_up_when_it_pays(self, table: Table, from_rows: int) -> None:
        """Best effort: with a writer at work the rows are looked at one by one."""
        for _ in range(CHUNKS_PER_SEARCH_MAX):
            if self._store.writer_busy or self._waiting(table, from_rows) < from_rows:
                return
            try:
                if not self._chunk(table):
                    return  # this thread reads a snapshot that is older than the index
            except e.StoreCorrupt:
                raise
            except e.StoreError:  # busy, or no room on the disk: no reason not to answer
                return

    def _waiting(self, table: Table, up_to: int) -> int:
        text = compiler_search.count_unread(table, self._ranges[table.name])
        return int(self._store.tuples(text, (up_to,))[0][0])

    def _chunk(self, table: Table) -> int:
        where = self._ranges[table.name]
        with self._store.maintain() as connection:
            waiting = connection.execute(compiler_search.count_unread(table, where), (CHUNK_ROWS,)).get
            if waiting:
                for text in compiler_search.index_rows(self._store.catalog, table, where):
                    connection.execute(text, (CHUNK_ROWS,) * text.count("?"))
        return int(waiting)


def _narrowed(query: Query[Any]) -> bool:
    plan = query.plan
    return bool(plan.conditions or plan.joins or plan.limit is not None or plan.offset)
