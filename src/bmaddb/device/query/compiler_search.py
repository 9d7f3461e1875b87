"""Statements of the text index that depend on the table searched: where a row is found, ranked, and indexed."""

from __future__ import annotations

from typing import Final, NamedTuple

from bmaddb.device.query.plan import Statement
from bmaddb.device.query.search_functions import EXPRESSION, HIT
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.sqlite_ddl_search import DOCS_PER_TABLE_MAX, INDEX, searchable_tables, text_columns
from bmaddb.schema.tables import Table

FRESH_SCORE: Final = -1e9
"""bm25 is better the smaller it is: what was just written stands first."""


class Range(NamedTuple):
    """A table's place in the index and the docs that are its rows'."""

    place: int
    first: int
    last: int


def range_of(catalog: Catalog, table: Table) -> Range:
    """Where the rows of a searchable `table` stand."""
    place = searchable_tables(catalog).index(table)
    return Range(place, place * DOCS_PER_TABLE_MAX + 1, (place + 1) * DOCS_PER_TABLE_MAX - 1)


def found_ids(table: Table, where: Range, text: str) -> Statement:
    """A condition on `table`: its id is among those whose row holds the words, as the row is in this snapshot."""
    indexed = _indexed(table, where, f"{INDEX}_rows.id")
    fresh = _fresh(table, where, f'"{table.name}"."id"')
    return Statement(f'"{table.name}"."id" in ({indexed} union all {fresh})', (text, text, text))


def ranked(table: Table, where: Range, text: str, among: Statement | None, limit: int) -> Statement:
    """(id, score) of the best rows, the best first; `among` selects the ids that may be there."""
    only = "" if among is None else f" where id in ({among.text})"
    score = f"bm25({INDEX}) as score"
    indexed = _indexed(table, where, f"{INDEX}_rows.id as id, {score}")
    fresh = _fresh(table, where, f'"{table.name}"."id", {FRESH_SCORE!r}')
    found = f"select id, score from ({indexed} union all {fresh}){only} order by score, id desc limit ? + 0"
    return Statement(found, (text, text, text, *(among.arguments if among else ()), limit))


def index_rows(catalog: Catalog, table: Table, where: Range) -> tuple[str, ...]:
    """Statements that bring the index up to the next ? new and ? noted rows of `table`, and forget the notes."""
    behind = f"rowid > (select last from {INDEX}_read where place = {where.place}) order by rowid limit ? + 0"
    chunk = f"select id from {INDEX}_stale where place = {where.place} order by id limit ? + 0"
    ours = f"doc between {where.first} and {where.last} and id in ({chunk})"
    columns = text_columns(catalog)[: len(table.options.searchable)]
    texts = ", ".join(f'"{table.name}"."{name}"' for name in table.options.searchable)
    inside = f"doc between {where.first} and {where.last}"
    last = f"select coalesce(max(doc), {where.first}) from {INDEX}_rows where {inside}"
    rows = f'from {INDEX}_rows cross join "{table.name}" on "{table.name}"."id" = {INDEX}_rows.id'
    return (
        f'insert into {INDEX}_stale select {where.place}, id from "{table.name}" where {behind} on conflict do nothing',
        f"update {INDEX}_read set last = coalesce((select max(behind) from (select rowid as behind "
        f'from "{table.name}" where {behind})), last) where place = {where.place}',
        f"delete from {INDEX} where rowid in (select doc from {INDEX}_rows where {ours})",
        f"delete from {INDEX}_rows where {ours}",
        f"insert into {INDEX}_rows (doc, id) select ({last}) + row_number() over (), id "
        f'from "{table.name}" where id in ({chunk})',
        f"insert into {INDEX} (rowid, {', '.join(columns)}) select {INDEX}_rows.doc, {texts} {rows} "
        f"where {INDEX}_rows.doc between {where.first} and {where.last} and {INDEX}_rows.id in ({chunk})",
        f"delete from {INDEX}_stale where place = {where.place} and id in ({chunk})",
    )


def count_unread(table: Table, where: Range) -> str:
    """How many rows of `table` the index has not read as they are; of both kinds counted up to ?."""
    return (
        f"select (select count(*) from (select 1 from {INDEX}_stale where place = {where.place} limit ?1 + 0)) + "
        f'(select count(*) from (select 1 from "{table.name}" where rowid > '
        f"(select last from {INDEX}_read where place = {where.place}) limit ?1 + 0))"
    )


def _indexed(table: Table, where: Range, listed: str) -> str:
    """A row that was replaced has a new rowid, and its old words are still in the index."""
    return (
        f"select {listed} from {INDEX} cross join {INDEX}_rows on {INDEX}_rows.doc = {INDEX}.rowid "
        f'cross join "{table.name}" as held on held.id = {INDEX}_rows.id '
        f"where {INDEX} match {EXPRESSION}(?) and {INDEX}.rowid between {where.first} and {where.last} "
        f"and held.rowid <= (select last from {INDEX}_read where place = {where.place}) "
        f"and not exists (select 1 from {INDEX}_stale as stale "
        f"where stale.place = {where.place} and stale.id = {INDEX}_rows.id)"
    )


def _fresh(table: Table, where: Range, listed: str) -> str:
    """Rows the index has not read as they are: those noted, and those behind its end."""
    texts = ", ".join(f'"{table.name}"."{name}"' for name in table.options.searchable)
    hit = f"{HIT}(?, {texts})"
    return (
        f'select {listed} from {INDEX}_stale as stale cross join "{table.name}" on "{table.name}"."id" = stale.id '
        f"where stale.place = {where.place} and {hit} "
        f'union all select {listed} from "{table.name}" '
        f'where "{table.name}".rowid > (select last from {INDEX}_read where place = {where.place}) and {hit}'
    )
