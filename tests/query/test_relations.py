"""Conditions over relations, at random depths, beside plain loops over the rows."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.query import Plan, dependencies_of, matcher_of
from bmaddb.device.store import Store
from bmaddb.schema import children, parent, through
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Condition
from bmaddb.schema.expressions import Operand
from bmaddb.schema.records import Record
from tests.store.shelf import Author, Book, Genre, Loan

Row = Any
Holds = Callable[[Row], bool]
TABLES: tuple[type[Record], ...] = (Author, Book, Loan, Genre)
KEYS: tuple[Column[Any], ...] = (Book.author_id, Book.editor_id, Book.genre_id, Loan.book_id, Loan.renewal_of)
LINKS = ((Book.author_id, Book.genre_id), (Book.editor_id, Book.author_id), (Loan.renewal_of, Loan.book_id))
DEPTH_MAX = 4
CASES = 300


class World:
    """All rows in memory, and random conditions with what they mean in Python."""

    def __init__(self, store: Store, seed: int) -> None:
        self.rows = {record.__table__.name: store.query(record).all() for record in TABLES}
        self.chance = Random(seed)

    def condition(self, table: str, depth: int = 0) -> tuple[Condition, Holds]:
        """A condition on rows of `table`, in both languages; never unknown, so that `not` means the same."""
        ways = [key for key in KEYS if table in (key.table, key.spec.references)]
        if depth == DEPTH_MAX or self.chance.random() < 0.2:
            return self.leaf(table)
        if self.chance.random() < 0.2:
            one, other = self.condition(table, depth + 1), self.condition(table, depth + 1)
            return (one[0] & ~other[0]) | other[0], lambda row: one[1](row) or other[1](row)
        links = [(near, far) for near, far in LINKS if near.spec.references == table]
        if links and self.chance.random() < 0.3:
            return self.linked(*self.chance.choice(links), depth)
        key = self.chance.choice(ways)
        down = key.spec.references == table and (key.table != table or self.chance.random() < 0.5)
        return self.related(key, down, depth)

    def leaf(self, table: str) -> tuple[Condition, Holds]:
        by_id = next(record for record in TABLES if record.__table__.name == table).__table__.column("id")
        middle = self.chance.choice(self.rows[table]).id
        return by_id >= middle, lambda row: bool(row.id >= middle)

    def related(self, key: Column[Any], down: bool, depth: int) -> tuple[Condition, Holds]:
        there = str(key.table if down else key.spec.references)
        inner, holds = self.condition(there, depth + 1)
        relation = children(key) if down else parent(key)

        def others(row: Row) -> list[Row]:
            if down:
                return [other for other in self.rows[there] if getattr(other, key.name) == row.id]
            return [other for other in self.rows[there] if other.id == getattr(row, key.name)]

        return self.said(relation.exists, relation.none, relation.every, relation.count, inner, holds, others)

    def linked(self, near: Column[Any], far: Column[Any], depth: int) -> tuple[Condition, Holds]:
        there = str(far.spec.references)
        inner, holds = self.condition(there, depth + 1)
        relation = through(near, far)

        def others(row: Row) -> list[Row]:
            ids = [getattr(link, far.name) for link in self.rows[near.table] if getattr(link, near.name) == row.id]
            return [other for row_id in ids for other in self.rows[there] if other.id == row_id]

        return self.said(relation.exists, relation.none, relation.every, relation.count, inner, holds, others)

    def said(
        self,
        exists: Callable[[Condition], Condition],
        none: Callable[[Condition], Condition],
        every: Callable[[Condition], Condition],
        count: Callable[[Condition], Operand[int]],
        inner: Condition,
        holds: Holds,
        others: Callable[[Row], list[Row]],
    ) -> tuple[Condition, Holds]:
        match self.chance.randrange(4):
            case 0:
                return exists(inner), lambda row: any(map(holds, others(row)))
            case 1:
                return none(inner), lambda row: not any(map(holds, others(row)))
            case 2:
                return every(inner), lambda row: all(map(holds, others(row)))
            case _:
                few = self.chance.randrange(3)
                return count(inner) > few, lambda row: sum(map(holds, others(row))) > few


@pytest.fixture(scope="module")
def library(shelf: Store) -> Store:
    """The shelf, with genres and renewals, so that every relation has rows."""
    with shelf.apply("local") as connection:
        connection.execute("insert or ignore into genres (id, label) values ('novel', 'n'), ('poem', 'p')")
        connection.execute("update books set genre_id = 'novel' where pages = 1")
        connection.execute("update books set genre_id = 'poem' where pages = 2")
        connection.execute("update loans set renewal_of = 'l0' where id in ('l3', 'l4')")
        connection.execute("update loans set renewal_of = 'l3' where id = 'l5'")
    return shelf


@pytest.mark.parametrize("record", TABLES, ids=lambda record: record.__name__)
def test_relations_mean_what_loops_mean(library: Store, record: type[Record]) -> None:
    world = World(library, seed=TABLES.index(record))
    table, found = record.__table__.name, 0
    for _ in range(CASES // len(TABLES)):
        condition, holds = world.condition(table)
        expected = sorted(row.id for row in world.rows[table] if holds(row))
        query = library.query(record).where(condition)
        assert sorted(query.ids()) == expected
        found += len(expected)
    asked = CASES // len(TABLES) * len(world.rows[table])
    assert 0.1 < found / asked < 0.9, "the conditions hardly ask anything"


def test_the_way_to_say_it(library: Store) -> None:
    by_anna = library.query(Book).where(Book.author_id.where(Author.name == "Anna"))
    assert by_anna.count() == library.query(Book).where(Book.author_id == "anna").count() > 0
    once = library.query(Author).where(children(Book.author_id).count(Book.title == "a") == 1).ids()
    assert once == [
        author.id
        for author in library.query(Author).all()
        if library.query(Book).where(Book.author_id == author.id, Book.title == "a").count() == 1
    ]
    numbers = library.query(Author).order_by(children(Book.author_id).count().desc(), Author.id)
    counted = numbers.rows(Author.id, children(Book.author_id).count())
    assert [count for _, count in counted] == sorted((count for _, count in counted), reverse=True)
    lent = Book.author_id.where(Author.name == "Anna") & children(Loan.book_id).exists(Loan.renewal_of.is_not_null())
    assert {book.author_id for book in library.query(Book).where(lent).all()} <= {"anna"}


def test_a_soft_reference_is_a_relation_too(library: Store) -> None:
    assert library.query(Book).where(Book.sequel_of.where(Loan.id == "l0")).count() == 0
    assert library.query(Loan).where(children(Book.sequel_of).none()).count() == 6


def test_a_relation_that_is_none_is_refused(library: Store) -> None:
    with pytest.raises(e.QueryError, match=r"books\.title refers to no table"):
        Book.title.where(Author.name == "a")
    with pytest.raises(e.QueryError, match=r"books\.title refers to no table"):
        children(Book.title)
    with pytest.raises(e.QueryError, match="not columns of one link table"):
        through(Book.author_id, Loan.book_id)
    with pytest.raises(e.QueryError, match=r"books\.author_id is not part of this query"):
        library.query(Loan).where(Book.author_id.where(Author.name == "a")).all()
    with pytest.raises(e.QueryError, match=r"authors\.id is not part of this query"):
        library.query(Loan).where(children(Book.author_id).exists()).all()
    with pytest.raises(e.QueryError, match="nested deeper than 16 queries"):
        library.query(Loan).where(_renewals(17)).all()
    assert library.query(Loan).where(_renewals(15)).count() == 0


def test_only_sql_knows_relations_and_every_table_is_named() -> None:
    condition = Book.author_id.where(Author.name == "a") & children(Loan.book_id).exists()
    plan = Plan(Book, conditions=(condition,), orders=(children(Book.sequel_of).count().asc(),))
    assert matcher_of(plan) is None
    assert dependencies_of(plan) == {"books", "authors", "loans"}


def _renewals(depth: int) -> Condition:
    condition: Condition = Loan.id == "l0"
    for _ in range(depth):
        condition = Loan.renewal_of.where(condition)
    return condition
