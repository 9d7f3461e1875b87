"""Pages by key: every row once, in order, with ties and nulls, while rows come and go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.query import Plan, matcher_of, order_key_of, totally_ordered
from bmaddb.device.store import Store
from bmaddb.schema import children
from bmaddb.schema.conditions import Order
from bmaddb.schema.kinds import Kind
from tests.query.odd import COLUMNS, Odd, odd_store
from tests.store.shelf import Author, Book, Loan

CASES = 60
STEPS_MAX = 3


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with odd_store(tmp_path_factory.mktemp("odd") / "device.db") as store:
        yield store


def random_orders(chance: Random) -> list[Order]:
    operands: list[Any] = [column for column in COLUMNS if column.kind is not Kind.JSON]
    operands += [Odd.tree.path(0, as_=float), Odd.size + 1, Odd.size - 2]
    operands += [Odd.tree.path(0), Odd.tree.path("a", as_=int), Odd.word.length(), Odd.size * 0, Odd.other.or_else("a")]
    flip = chance.random
    steps = [chance.choice(operands) for _ in range(chance.randint(0, STEPS_MAX))]
    return [Order(step, descending=flip() < 0.5, nulls_last=flip() < 0.5) for step in steps]


@pytest.mark.parametrize("case", range(CASES))
def test_pages_give_every_row_once_in_order(odd: Store, case: int) -> None:
    chance = Random(case)
    query = odd.query(Odd).order_by(*random_orders(chance))
    rows = list(odd.query(Odd).all())
    plan = totally_ordered(query.plan)
    key = order_key_of(plan)
    assert key is not None
    expected = [row.id for row in sorted(rows, key=key)]
    size = chance.choice((1, 7, 33))
    pages = list(query.pages(size))
    assert [row.id for page in pages for row in page] == expected
    assert {len(page) for page in pages[:-1]} <= {size}
    place = chance.choice(rows)
    behind = expected[expected.index(place.id) + 1 :]
    beyond = query.after(place)
    assert beyond.ids() == query.after(query.key_of(place)).ids() == behind
    matches = matcher_of(beyond.plan)
    assert matches is not None
    assert {row.id for row in rows if matches(row)} == set(behind)


def test_rows_that_come_and_go_do_not_move_the_others(tmp_path: Path) -> None:
    with odd_store(tmp_path / "moving.db") as store:
        query = store.query(Odd).order_by(Odd.size.desc())
        before, seen = set(query.ids()), []
        for number, page in enumerate(query.pages(10)):
            seen += [row.id for row in page]
            with store.write() as tx:
                tx.insert(Odd, id=f"new{number}", word="", size=2**63 - 1)
                tx.delete(Odd, page[0].id)
        assert len(seen) == len(set(seen))
        assert set(seen) == before, "what was inserted stands before the first page"


def test_a_page_begins_where_an_index_can(odd: Store) -> None:
    query = odd.query(Odd).order_by(Odd.size)
    explanation = query.after(query.all()[5]).explain()
    assert explanation.full_scans == ()
    assert explanation.accesses[0].by == "size>?"


def test_orders_that_have_no_pages_are_refused(shelf: Store) -> None:
    query, book = shelf.query(Book), shelf.query(Book).all()[0]
    wrong: list[tuple[str, Any]] = [
        ("has no order to page by", lambda: query.order_by(Book.tags).after(book)),
        ("does not hold authors.name", lambda: query.join(Author, on=Book.author_id).order_by(Author.name).after(book)),
        ("so it has no place", lambda: query.order_by(children(Loan.book_id).count()).after(book)),
        ("a row of books may come several times with loans", lambda: query.join(Loan, on=Loan.book_id).pages(5)),
        ("groups have no pages", lambda: query.group_by(Book.state).after(book)),
        ("not from an offset", lambda: query.offset(1).after(book)),
        ("pages have their own limit", lambda: query.limit(1).pages(5)),
        ("a page has 1 to 10000 rows, not 0", lambda: query.pages(0)),
        ("a page has 1 to 10000 rows", lambda: query.pages(10_001)),
        ("a record of books is wanted", lambda: query.after(shelf.query(Author).all()[0])),  # type: ignore[arg-type]
        ("", lambda: query.after("")),
        ("not a key of this query's order", lambda: query.after("nonsense")),
        ("not a key of this query's order", lambda: query.after('["a", "b"]')),
        ("not a key of this query's order", lambda: query.after("[1]")),
        ("not a key of this query's order", lambda: query.order_by(Book.cover).after('[{"x": 1}, "a"]')),
    ]
    for message, ask in wrong:
        with pytest.raises(e.QueryError) as refused:
            ask()
        assert message in refused.value.message


def test_a_key_is_text_of_the_values_ordered_by(shelf: Store) -> None:
    book = shelf.query(Book).where(Book.id == "b02").one()
    assert json.loads(shelf.query(Book).order_by(Book.cover.desc(), Book.pages).key_of(book)) == [
        {"hex": "0061"},
        2,
        "b02",
    ]


def test_a_key_is_exact_for_every_number(store: Store) -> None:
    with store.write() as tx:
        for number in range(6):
            large = 2**53 + number % 2
            tx.insert(Book, id=f"b{number}", title="t", pages=2**63 - 1 - number, extra={"v": large})
    for order in (Book.extra.path("v", as_=float), Book.pages + 3, Book.pages.desc()):
        query = store.query(Book).order_by(order)
        expected = query.order_by(Book.id).ids()
        seen: list[str] = []
        page = query.limit(1).all()
        while page and len(seen) <= len(expected):
            seen.append(page[0].id)
            page = query.after(query.key_of(page[0])).limit(1).all()
        assert seen == expected


@pytest.mark.parametrize("value", [10**400, -(2**63) - 1, float("nan"), True, "1", [1]])
def test_a_key_holds_numbers_that_sqlite_has(shelf: Store, value: Any) -> None:
    key = json.dumps([value, "b01"])
    for order in (Book.pages, Book.price, Book.read_at):
        with pytest.raises(e.QueryError, match="not a key"):
            shelf.query(Book).order_by(order).after(key)


def test_the_key_of_an_order_breaks_ties_once() -> None:
    plan = Plan(Odd, orders=(Odd.id.desc(),))
    assert totally_ordered(plan) is plan
    assert order_key_of(Plan(Book, orders=(children(Loan.book_id).count().asc(),))) is None


def test_pages_of_a_join_to_a_parent(shelf: Store) -> None:
    query = shelf.query(Book).join(Author, on=Book.author_id).where(Author.name == "Ben").order_by(Book.state)
    assert sorted(book.id for page in query.pages(4) for book in page) == sorted(query.ids())
