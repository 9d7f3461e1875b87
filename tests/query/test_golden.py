"""The compiled text of each kind of query, to the letter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from bmaddb.device.query import (
    Plan,
    Query,
    Statement,
    avg_of,
    compiler,
    compiler_writes,
    count_of,
    max_of,
    query_of,
    sum_of,
)
from bmaddb.device.query.compiler_conditions import IN_BOUND_VALUES_MAX
from bmaddb.schema import all_of, any_of, children, raw, through
from bmaddb.schema.conditions import Condition, Search
from bmaddb.schema.records import Record
from tests.store.shelf import Author, Book, Genre, Loan
from tests.support.golden import assert_golden

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6000, UTC)


class Nobody:
    """A runner that is never asked to run."""

    search_text = None

    def records(self, record: type[Any], text: str, arguments: tuple[Any, ...], plan: Any) -> list[Any]:
        raise AssertionError(text)

    def snapshot(self) -> AbstractContextManager[Any]:
        raise AssertionError

    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        raise AssertionError(text)


def of(record: type[Record]) -> Query[Any]:
    return query_of(Nobody(), record)


def conditions() -> Iterator[tuple[str, Condition]]:
    yield "equal", Book.title == "x'; drop table books; --"
    yield "not equal", Book.title != "x"
    yield "less, more", (Book.pages < 1) & (Book.pages <= 2) & (Book.pages > 3) & (Book.pages >= 4)
    yield "null", Book.read_at.is_null() | Book.read_at.is_not_null()
    yield "null-safe", Book.read_at.is_(MOMENT) & Book.price.is_not(None) & Book.isbn.is_(Book.title)
    yield "in", Book.state.in_(["todo", "done"])
    yield "in nothing", Book.state.in_([])
    yield "not in", Book.pages.not_in([1, 2])
    yield "in many", Book.title.in_([f"t{n}" for n in range(IN_BOUND_VALUES_MAX + 1)])
    yield "in many reals", Book.price.in_([n / 2 for n in range(IN_BOUND_VALUES_MAX + 1)])
    yield "between", Book.read_at.between(MOMENT, MOMENT)
    yield "like", Book.title.like("a%_\\%")
    yield (
        "contains, starts, ends",
        Book.title.contains("5%") | Book.title.starts_with("_") | Book.title.ends_with("\\"),
    )
    yield "bool, json, blob", (Book.owned == True) & (Book.tags == [1, "é"]) & (Book.cover == b"\0")  # noqa: E712
    yield "columns", (Book.pages > Book.price) | (Book.title == Book.isbn)
    yield "and inside or", any_of((Book.pages == 1) & (Book.owned == False), ~(Book.pages == 2))  # noqa: E712
    yield "nobody, everybody", all_of(any_of(), all_of())
    yield "not", ~((Book.pages == 1) | (Book.pages == 2)) & ~~(Book.pages == 3)
    yield "weakly more", Book.pages.weak_gt(Book.rating)
    yield "includes", Book.title.includes("a%") & Book.title.not_like("b%")
    yield "functions", (Book.title.length() > 3) & (Book.title.folded() == "a") & (Book.isbn.or_else("x") != "y")
    yield "arithmetic", (Book.pages * 2 + Book.rating > 10) & (Book.price - 0.5 < Book.pages)
    yield "json path", (Book.extra.path("a", 0) == "x") & (Book.extra.path('say "b"', -1, as_=float) > 1)
    yield "json path, yes or no", Book.extra.path(as_=bool) == True  # noqa: E712
    yield "json holds", Book.tags.holds("a") & Book.tags.holds(1.5) & Book.tags.holds(True) & Book.tags.holds(None)
    yield "parent", Book.author_id.where(Author.name == "a", Author.motto.is_null())
    yield "no parent", ~Book.author_id.where()
    yield "children", children(Loan.book_id).exists(Loan.to_whom == "a")
    yield "every child", children(Loan.book_id).every(Loan.to_whom == "a", Loan.renewal_of.is_null())
    yield "count of children", children(Loan.book_id).count(Loan.renewal_of.where(Loan.to_whom == "b")) > 2
    yield "relations in relations", Book.author_id.where(children(Book.editor_id).exists(Book.pages > 1))
    yield "in a subquery", Book.id.in_(of(Loan).where(Loan.to_whom == "a").select(Loan.book_id))
    yield "not in a subquery with nulls", Book.author_id.not_in(of(Book).limit(3).select(Book.editor_id))
    yield "a subquery's value", Book.pages == of(Book).where(Book.state == "done").scalar(max_of(Book.pages))
    yield "raw", raw("length(title) between ? and ?", 1, 5) & raw("read_at > ?", MOMENT)


def queries() -> Iterator[tuple[str, Statement]]:
    everything = of(Genre)
    yield "all", compiler.select(everything.plan)
    yield (
        "where twice",
        compiler.select_ids(of(Book).where(Book.pages == 1).where(Book.pages > 0, Book.pages < 2).plan),
    )
    orders = (
        Book.title,
        Book.pages.desc(),
        Book.price.asc(nulls_last=True),
        Book.isbn.desc(nulls_last=False),
    )
    yield "order", compiler.select_ids(of(Book).order_by(*orders).plan)
    yield "limit, offset", compiler.select_ids(of(Book).limit(10).offset(5).plan)
    yield "offset alone", compiler.select_ids(of(Book).offset(5).plan)
    yield "limit 0", compiler.select_ids(of(Book).limit(0).plan)
    yield "distinct", compiler.select_operands(of(Book).distinct().plan, (Book.state,))
    joined = of(Loan).join(Book).join(Author, on=Book.author_id).where(Author.name == "a").order_by(Book.title)
    yield "join up", compiler.select_ids(joined.plan)
    yield (
        "join down",
        compiler.select_ids(of(Author).left_join(Book, on=Book.editor_id).where(Book.id.is_null()).plan),
    )
    yield "join soft", compiler.select_ids(of(Book).join(Loan, on=Book.sequel_of).plan)
    yield "search", compiler.select_ids(of(Author).search("two words").plan)
    yield "search by an index", compiler.select_ids(of(Author).search("two words").plan, by_index)
    linked = of(Author).where(through(Book.author_id, Book.genre_id).exists(Genre.label == "x"))
    yield "many to many", compiler.select_ids(linked.plan)
    counted = of(Author).order_by(children(Book.author_id).count().desc(), Author.name)
    yield "order by a count", compiler.select_operands(counted.plan, (Author.id, children(Book.author_id).count()))
    yield "links", compiler.links(Book.author_id, Book.genre_id, ["a", "b"])
    place = of(Book).order_by(Book.pages.desc(), Book.price)
    yield "after a key", compiler.select_ids(place.after('[3, 1.5, "b1"]').limit(10).plan)
    yield "after a key with a null", compiler.select_ids(place.after('[3, null, "b1"]').plan)
    yield "the first, the only one", compiler.select(of(Genre).where(Genre.label == "x").plan, None, 2)
    yield "the first of a page", compiler.select(of(Genre).limit(5).plan, None, 2)
    yield "count", compiler.count(joined.plan)
    yield "count of a page", compiler.count(of(Book).limit(3).plan)
    yield "count of groups", compiler.count(of(Book).group_by(Book.state).plan)
    yield "count of distinct", compiler.count(of(Genre).distinct().plan)
    yield "exists", compiler.exists(of(Book).where(Book.pages == 1).order_by(Book.title).plan)
    aggregates = (
        Book.state,
        count_of(),
        count_of(Book.price),
        count_of(Book.title, distinct=True),
        sum_of(Book.pages),
    )
    grouped = (
        of(Book).group_by(Book.state).having(count_of() > 1, max_of(Book.read_at) < MOMENT).order_by(count_of().desc())
    )
    yield "groups", compiler.select_operands(grouped.plan, (*aggregates, avg_of(Book.price)))
    for name, text in (
        ("by id", compiler_writes.select_by_id(Genre)),
        ("insert", compiler_writes.insert(Genre)),
        ("update", compiler_writes.update(Genre, ("label", "retired_at"))),
        ("delete", compiler_writes.delete(Genre)),
    ):
        yield name, Statement(text, ())


def by_index(search: Search) -> Statement:
    return Statement("authors.rowid in (select rowid from text_index where text_index match ?)", (search.text,))


def test_golden_queries() -> None:
    parts = [
        (name, compiler.select_ids(Plan(Book, conditions=(condition,)))) for name, condition in conditions()
    ] + list(queries())
    text = "\n".join(f"-- {name}\n{text}\n{arguments!r}\n" for name, (text, arguments) in parts)
    assert_golden("queries.txt", text)


def test_the_same_query_has_the_same_text() -> None:
    def made() -> Statement:
        return compiler.select(of(Book).where(Book.state.in_(["a", "b"]), Book.pages > 1).limit(3).plan)

    assert made() == made()


def test_other_values_have_the_same_text() -> None:
    one = compiler.select(of(Book).where(Book.title.contains("a"), Book.pages.between(1, 2)).limit(3).plan)
    other = compiler.select(of(Book).where(Book.title.contains("%"), Book.pages.between(3, 4)).limit(9).plan)
    assert one.text == other.text
