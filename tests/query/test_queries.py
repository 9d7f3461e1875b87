"""What queries answer, and how wrong ones are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.query import Query, Statement, avg_of, count_of, max_of, min_of, sum_of
from bmaddb.device.store import Store
from bmaddb.schema import raw
from bmaddb.schema.conditions import Search
from tests.query.conftest import AUTHORS, BOOKS, book_rows
from tests.store.shelf import Author, Book, Genre, Ledger, Loan

ROWS = book_rows()


def test_ends_agree_with_each_other(shelf: Store) -> None:
    query = shelf.query(Book).where(Book.state == "todo").order_by(Book.pages.desc(), Book.id)
    books = query.all()
    assert books == sorted(books, key=lambda book: (-book.pages, book.id))
    assert [book.id for book in books] == query.ids() == [row[0] for row in query.rows(Book.id)]
    assert query.count() == len(books) > 3
    assert query.first() == books[0]
    assert query.exists()
    assert query.limit(1).one() == query.limit(1).one_or_none() == books[0]


def test_a_query_is_not_changed_by_its_steps(shelf: Store) -> None:
    start = shelf.query(Book)
    start.where(Book.pages == 1).order_by(Book.title).limit(1).offset(2).distinct().join(Author, on=Book.author_id)
    assert start.count() == BOOKS


def test_nothing_found(shelf: Store) -> None:
    nothing = shelf.query(Book).where(Book.title == "nowhere")
    assert (nothing.all(), nothing.first(), nothing.one_or_none(), nothing.ids(), nothing.count()) == (
        [],
        None,
        None,
        [],
        0,
    )
    assert not nothing.exists()
    with pytest.raises(e.RecordNotFound, match="no row of books fits"):
        nothing.one()
    assert (
        nothing.sum(Book.pages),
        nothing.avg(Book.price),
        nothing.min(Book.title),
        nothing.max(Book.read_at),
    ) == (None,) * 4


def test_one_means_one(shelf: Store) -> None:
    many = shelf.query(Book)
    for end in (many.one, many.one_or_none, many.limit(5).one):
        with pytest.raises(e.QueryError, match="more than one row of books fits"):
            end()


def test_pages_of_a_query(shelf: Store) -> None:
    ordered = shelf.query(Book).order_by(Book.id)
    ids = ordered.ids()
    assert ordered.limit(5).offset(7).ids() == ids[7:12]
    assert ordered.offset(50).ids() == ids[50:]
    assert ordered.limit(0).ids() == []
    assert (ordered.limit(0).count(), ordered.limit(7).count(), ordered.offset(55).count()) == (0, 7, 5)
    assert (ordered.limit(0).exists(), ordered.offset(60).exists(), ordered.offset(59).exists()) == (
        False,
        False,
        True,
    )
    assert ordered.limit(3).limit(2).ids() == ids[:2]
    assert ordered.limit(0).first() is None
    assert ordered.offset(3).first() == ordered.all()[3]


def test_nulls_stand_where_they_are_told(shelf: Store) -> None:
    def kinds(query: Query[Book]) -> list[bool]:
        return [price is None for (price,) in query.rows(Book.price)]

    query, nulls = shelf.query(Book), sum(row["price"] is None for row in ROWS)
    first, last = [True] * nulls + [False] * (BOOKS - nulls), [False] * (BOOKS - nulls) + [True] * nulls
    assert kinds(query.order_by(Book.price)) == kinds(query.order_by(Book.price.desc(nulls_last=False))) == first
    assert kinds(query.order_by(Book.price.desc())) == kinds(query.order_by(Book.price.asc(nulls_last=True))) == last


def test_rows_hold_python_values(shelf: Store) -> None:
    rows = shelf.query(Book).order_by(Book.id).rows(Book.read_at, Book.owned, Book.tags, Book.cover, Book.price)
    assert rows == [(row["read_at"], row["owned"], row["tags"], row["cover"], row["price"]) for row in ROWS]


def test_aggregates(shelf: Store) -> None:
    query = shelf.query(Book)
    prices = [row["price"] for row in ROWS if row["price"] is not None]
    moments = [row["read_at"] for row in ROWS if row["read_at"] is not None]
    small = query.where(Book.pages < 10)
    assert small.sum(Book.pages) == sum(row["pages"] for row in ROWS if row["pages"] < 10)
    assert (query.min(Book.price), query.max(Book.price)) == (min(prices), max(prices))
    assert (query.min(Book.read_at), query.max(Book.read_at)) == (min(moments), max(moments))
    assert small.avg(Book.pages) == pytest.approx(sum(r["pages"] for r in ROWS if r["pages"] < 10) / small.count())
    assert query.rows(count_of(), count_of(Book.price), count_of(Book.state, distinct=True)) == [
        (BOOKS, len(prices), 3)
    ]
    assert type(query.max(Book.owned)) is bool
    with pytest.raises(e.QueryError, match="overflow"):
        query.sum(Book.pages)


def test_groups(shelf: Store) -> None:
    query = shelf.query(Book).group_by(Book.state).order_by(Book.state)
    states = {state: [row for row in ROWS if row["state"] == state] for state in ("done", "reading", "todo")}
    expected = [(state, len(rows), max(row["title"] for row in rows)) for state, rows in states.items()]
    assert query.rows(Book.state, count_of(), max_of(Book.title)) == expected
    assert query.count() == 3
    assert query.having(count_of() > 18).rows(Book.state) == [(s,) for s, rows in states.items() if len(rows) > 18]
    by_two = shelf.query(Book).group_by(Book.state, Book.owned)
    assert by_two.count() == 6
    assert min(by_two.rows(Book.owned, count_of()))[0] is False
    with pytest.raises(e.QueryError, match="grouped rows are not records"):
        query.all()


def test_joins_up_and_down(shelf: Store) -> None:
    by_anna = [row["id"] for row in ROWS if row["author_id"] == "anna"]
    joined = shelf.query(Book).join(Author, on=Book.author_id)
    assert joined.where(Author.name == "Anna").order_by(Book.id).ids() == by_anna
    assert joined.count() == sum(row["author_id"] is not None for row in ROWS)
    left = shelf.query(Book).left_join(Author, on=Book.author_id)
    assert left.count() == BOOKS
    assert left.where(Author.id.is_null()).count() == sum(row["author_id"] is None for row in ROWS)
    assert set(left.rows(Author.name)) == {(None,), *((name.title(),) for name in AUTHORS)}
    pairs = shelf.query(Author).join(Book, on=Book.author_id).where(Author.id == "ben")
    assert pairs.count() == sum(row["author_id"] == "ben" for row in ROWS) > 1
    assert [author.id for author in pairs.distinct().all()] == ["ben"]
    assert pairs.distinct().count() == 1


def test_joins_of_three_tables(shelf: Store) -> None:
    query = shelf.query(Loan).join(Book).left_join(Author, on=Book.author_id)
    expected: list[Any] = sorted((f"{n}", ROWS[n % 3]["title"], None) for n in range(6))
    assert sorted(query.rows(Loan.to_whom, Book.title, Author.name)) == expected
    assert query.where(Book.title == ROWS[0]["title"], Loan.to_whom > "1").ids() == ["l3"]
    grouped = query.group_by(Book.id).order_by(Book.id).rows(Book.id, count_of(Loan.id), min_of(Loan.to_whom))
    assert grouped == [("b00", 2, "0"), ("b01", 2, "1"), ("b02", 2, "2")]


def test_search_finds_every_word_somewhere(shelf: Store) -> None:
    query = shelf.query(Author).order_by(Author.id)
    assert query.search("ANNA").ids() == ["anna"]
    assert query.search("100% c*").ids() == ["cleo"]
    assert query.search("anna ben").ids() == []
    assert query.search(" \n").ids() == list(AUTHORS)
    assert query.search("_").ids() == []
    with pytest.raises(e.QueryError, match="books has no searchable columns"):
        shelf.query(Book).search("x")


def test_a_text_index_takes_over_the_search(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="found by the index")
        tx.insert(Author, id="b", name="not")

    def index(search: Search) -> Statement:
        return Statement('"authors"."id" = ? or 0', ("a",) if search.text == "anything" else ("?",))

    store.search_text = index
    assert store.query(Author).search("anything").where(Author.name.contains("index")).ids() == ["a"]
    assert store.query(Author).search("else").count() == 0


def test_raw_conditions_bind_their_values(shelf: Store) -> None:
    query = shelf.query(Book).where(raw("length(title) = ? or title = ?", 2, "'"), Book.pages < 10)
    assert sorted(query.ids()) == sorted(r["id"] for r in ROWS if len(r["title"]) == 2 and r["pages"] < 10)
    assert query.where(raw("read_at < ?", datetime(2000, 1, 1, tzinfo=UTC)) | raw("0")).count() >= 0
    with pytest.raises(e.QueryError):
        shelf.query(Book).where(raw("title = ?")).all()
    with pytest.raises(e.QueryError):
        shelf.query(Book).where(raw("title = ?", object())).all()
    with pytest.raises(e.QueryError):
        shelf.query(Book).where(raw("nonsense = 1")).all()


def test_long_lists(shelf: Store) -> None:
    for count in (16, 17, 5_000, 40_000):
        ids = [f"b{n:02}" for n in range(count)]
        assert shelf.query(Book).where(Book.id.in_(ids)).count() == min(count, BOOKS)
        assert shelf.query(Book).where(Book.id.not_in(ids)).count() == max(0, BOOKS - count)
    assert shelf.query(Book).where(Book.pages.in_(range(2, 5_000))).count() == sum(
        2 <= r["pages"] < 5_000 for r in ROWS
    )
    assert shelf.query(Book).where(Book.price.in_([n / 4 for n in range(20_000)])).exists()
    with pytest.raises(e.QueryError, match="takes at most 30000 values"):
        shelf.query(Book).where(Book.price.in_([n / 4 for n in range(30_001)])).all()


Q = Callable[[Store], Any]
WRONG: list[tuple[str, Q]] = [
    ("limit must be a whole number from 0 up, got -1", lambda s: s.query(Book).limit(-1)),
    ("limit must be", lambda s: s.query(Book).limit(True)),
    ("limit must be", lambda s: s.query(Book).limit(2**63)),
    ("offset must be a whole number", lambda s: s.query(Book).offset("1")),  # type: ignore[arg-type]
    ("authors.name is not part of this query", lambda s: s.query(Book).where(Author.name == "a").all()),
    ("authors.name is not part of this query", lambda s: s.query(Book).order_by(Author.name).all()),
    ("authors.name is not part of this query", lambda s: s.query(Book).rows(count_of(Author.name))),
    ("can be joined in several ways: books.author_id, books.editor_id", lambda s: s.query(Book).join(Author)),
    ("genres has no relation to authors", lambda s: s.query(Author).join(Genre)),
    (
        "authors has no relation through books.genre_id",
        lambda s: s.query(Book).join(Author, on=Book.genre_id),
    ),
    ("books is already part of the query", lambda s: s.query(Book).join(Book)),
    ("books.pages: expected a whole number, got str", lambda s: s.query(Book).where(Book.pages == "1").all()),
    ("books.owned: expected True or False", lambda s: s.query(Book).where(Book.owned == 1).all()),
    (
        "books.read_at: a moment needs a time zone",
        lambda s: s.query(Book).where(Book.read_at > datetime(2026, 1, 1)).all(),
    ),
    ("books.pages: the whole number does not fit", lambda s: s.query(Book).where(Book.pages < 2**64).all()),
    ("like needs text; books.pages is int", lambda s: s.query(Book).where(Book.pages.like("1%")).all()),
    ("the pattern ends with its escape", lambda s: s.query(Book).where(Book.title.like("a\\")).all()),
    ("the pattern is longer than", lambda s: s.query(Book).where(Book.title.contains("a" * 20_000)).all()),
    ("books.title: expected text, got int", lambda s: s.query(Book).where(Book.title.like(5)).all()),  # type: ignore[arg-type]
    ("which has no order", lambda s: s.query(Book).where(Book.tags < []).all()),
    ("which has no order", lambda s: s.query(Book).where(Book.tags.between([], [1])).all()),
    ("they cannot be compared", lambda s: s.query(Book).where(Book.title == Book.pages).all()),
    ("they cannot be compared", lambda s: s.query(Book).where(Book.read_at < Book.pages).all()),
    ("comparing with None matches no row", lambda s: s.query(Book).where(Book.title == None)),  # noqa: E711
    ("takes a list of values", lambda s: s.query(Book).where(Book.title.in_("abc"))),
    ("comparing with None", lambda s: s.query(Book).where(Book.title.in_(["a", None]))),
    ("a condition has no truth value", lambda s: s.query(Book).where((Book.pages > 1) and (Book.pages < 2))),
    ("a condition has no truth value", lambda s: s.query(Book).where(1 < Book.pages < 2)),
    ("not a condition: True", lambda s: s.query(Book).where(True)),  # type: ignore[arg-type]
    ("not a condition", lambda s: s.query(Book).having("pages > 1")),  # type: ignore[arg-type]
    ("cannot order by 'pages'", lambda s: s.query(Book).order_by("pages")),  # type: ignore[arg-type]
    ("name at least one column", lambda s: s.query(Book).rows()),
    ("not something a query can read: 'pages'", lambda s: s.query(Book).rows("pages")),  # type: ignore[call-overload]
    ("sum needs numbers; books.title is text", lambda s: s.query(Book).sum(Book.title)),
    ("avg needs numbers; books.read_at is ts", lambda s: s.query(Book).rows(avg_of(Book.read_at))),
    ("needs a column", lambda s: count_of(distinct=True)),
    ("an aggregate reads every row", lambda s: s.query(Book).limit(3).sum(Book.pages)),
    (
        "as often as it has partners, and avg",
        lambda s: s.query(Author).join(Book, on=Book.author_id).distinct().avg(Author.name.length()),
    ),
    ("an aggregate reads every row", lambda s: s.query(Book).having(count_of() > 99).max(Book.pages)),
    ("nested deeper than", lambda s: s.query(Book).where(_deep(300)).all()),
    ("raw() takes no list", lambda s: s.query(Book).where(raw("title in (?)", ["a"])).all()),
]


@pytest.mark.parametrize(("message", "ask"), WRONG, ids=[f"{n}-{message[:30]}" for n, (message, _) in enumerate(WRONG)])
def test_a_query_that_cannot_mean_anything_is_refused(shelf: Store, message: str, ask: Q) -> None:
    with pytest.raises(e.QueryError) as refused:
        ask(shelf)
    assert message in refused.value.message


def test_server_tables_cannot_be_asked(shelf: Store) -> None:
    with pytest.raises(e.ReadOnlyTable, match="ledger lives on the server only"):
        shelf.query(Ledger)


def _deep(levels: int) -> Any:
    condition = Book.pages == 1
    for _ in range(levels):
        condition = ~condition
    return condition


def test_sum_of_reals_and_kinds_of_aggregates(shelf: Store) -> None:
    low = shelf.query(Book).where(Book.price < 100)
    assert low.sum(Book.price) == pytest.approx(
        sum(r["price"] for r in ROWS if r["price"] is not None and r["price"] < 100)
    )
    assert low.having(sum_of(Book.price) > 0.5).rows(count_of()) == [(low.count(),)]
