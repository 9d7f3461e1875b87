"""Queries inside queries, and projections as typed tuples and as classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import pytest

from bmaddb import errors as e
from bmaddb.device.query import Plan, count_of, dependencies_of, matcher_of, max_of, settled
from bmaddb.device.store import Store
from bmaddb.schema import children, param, raw
from bmaddb.schema.conditions import Condition
from tests.query.conftest import book_rows
from tests.store.shelf import Author, Book, Loan

ROWS = book_rows()


class Line(NamedTuple):
    state: str
    books: int


@dataclass
class Boxed:
    books: int
    state: str


class Packed(msgspec.Struct):
    state: str
    books: int


def test_in_a_subquery(shelf: Store) -> None:
    lent = shelf.query(Loan).where(Loan.to_whom > "1").select(Loan.book_id)
    assert sorted(shelf.query(Book).where(Book.id.in_(lent)).ids()) == ["b00", "b01", "b02"]
    assert shelf.query(Book).where(Book.id.not_in(lent)).count() == len(ROWS) - 3
    newest = shelf.query(Book).order_by(Book.id.desc()).limit(2).select(Book.id)
    assert sorted(shelf.query(Book).where(Book.id.in_(newest)).ids()) == ["b58", "b59"]


def test_nulls_of_a_subquery_are_left_out(shelf: Store) -> None:
    authors = shelf.query(Book).select(Book.author_id)
    assert sorted(shelf.query(Author).where(Author.id.in_(authors)).ids()) == ["anna", "ben", "cleo"]
    editors = shelf.query(Book).select(Book.editor_id)
    assert sorted(shelf.query(Author).where(Author.id.not_in(editors)).ids()) == ["ben", "cleo"]


def test_a_subquery_of_the_same_table_stands_for_itself(shelf: Store) -> None:
    top = shelf.query(Book).scalar(max_of(Book.pages))
    assert shelf.query(Book).where(Book.pages == top).count() == sum(row["pages"] == 2**62 for row in ROWS)
    same = shelf.query(Book).where(Book.title == "a").select(Book.state)
    expected = {row["state"] for row in ROWS if row["title"] == "a"}
    found = shelf.query(Book).where(Book.state.in_(same)).rows(Book.state)
    assert {state for (state,) in found} == expected
    nothing = shelf.query(Book).where(Book.title == "nowhere").scalar(Book.pages)
    assert shelf.query(Book).where(Book.pages.is_(nothing)).count() == 0


def test_a_subquery_may_look_outside(shelf: Store) -> None:
    """Its own tables come first; what is not there is the row around it."""
    own = shelf.query(Loan).where(Loan.book_id == Book.id).scalar(count_of())
    assert dict(shelf.query(Book).where(Book.id < "b03").rows(Book.id, own)) == {"b00": 2, "b01": 2, "b02": 2}


def test_raw_sql_and_search_in_a_subquery_mean_its_own_table(shelf: Store) -> None:
    inner = shelf.query(Author).search("anna").select(Author.id)
    assert shelf.query(Author).where(Author.id.in_(inner)).ids() == ["anna"]
    short = shelf.query(Book).where(raw('length("books"."title") = 0')).select(Book.id)
    assert shelf.query(Book).where(Book.id.in_(short)).count() == sum(row["title"] == "" for row in ROWS)


def test_what_a_subquery_reads_is_known(shelf: Store) -> None:
    lent = shelf.query(Loan).where(children(Loan.renewal_of).none()).select(Loan.book_id)
    plan = Plan(Book, conditions=(Book.id.in_(lent), Book.pages > shelf.query(Author).scalar(count_of())))
    assert dependencies_of(plan) == {"books", "loans", "authors"}
    assert matcher_of(plan) is None


def test_what_is_read_is_known_wherever_it_stands(shelf: Store) -> None:
    books, first = shelf.query(Book), shelf.query(Author).where(Author.id == "anna")
    motto: Any = first.scalar(Author.motto)
    lent = shelf.query(Loan).select(Loan.to_whom)
    conditions: list[Condition] = [
        motto.contains("a"),
        motto.includes("a"),
        motto.in_(books.select(Book.title)),
        Book.isbn.or_else(motto).like("a%"),
    ]
    for condition in conditions:
        assert dependencies_of(books.where(condition).plan) == {"books", "authors"}
    assert dependencies_of(books.where(motto.in_(lent)).plan) == {"books", "authors", "loans"}
    authors, tags, extra = shelf.query(Author), books.scalar(Book.tags), books.scalar(Book.extra)
    for condition in (tags.holds("a"), extra.path("a") == "b"):
        assert dependencies_of(authors.where(condition).plan) == {"books", "authors"}
    unknown = books.where(raw("random() > 0")).scalar(Book.title)
    assert not settled(books.where(unknown.contains("a")).plan)


def test_projections_are_tuples_or_classes(shelf: Store) -> None:
    per_state = shelf.query(Book).group_by(Book.state).order_by(Book.state)
    expected = [(state, sum(r["state"] == state for r in ROWS)) for state in ("done", "reading", "todo")]
    selection = per_state.select(Book.state, count_of())
    assert selection.all() == expected
    assert selection.first() == expected[0]
    assert (selection.count(), selection.exists()) == (3, True)
    assert per_state.select_as(Line, state=Book.state, books=count_of()).all() == [Line(*row) for row in expected]
    assert per_state.select_as(Boxed, state=Book.state, books=count_of()).first() == Boxed(expected[0][1], "done")
    assert per_state.select_as(Packed, state=Book.state, books=count_of()).all()[2].books == expected[2][1]
    assert per_state.having(count_of() > 10**6).select(Book.state).one_or_none() is None
    with pytest.raises(e.RecordNotFound):
        per_state.having(count_of() > 10**6).select(Book.state).one()
    with pytest.raises(e.QueryError, match="more than one row"):
        selection.one()


def test_an_aggregate_alone_is_one_row(shelf: Store) -> None:
    nothing = shelf.query(Book).where(Book.title == "nowhere").select(count_of())
    assert nothing.all() == [(0,)]
    assert (nothing.count(), nothing.exists()) == (1, True)


def test_a_projection_that_fits_nothing_is_refused(shelf: Store) -> None:
    query = shelf.query(Book)
    wrong: list[tuple[str, Any]] = [
        ("Line has the fields state, books, given are state", lambda: query.select_as(Line, state=Book.state)),
        ("names no fields", lambda: query.select_as(object, state=Book.state)),
        ("one value a row, not 2", lambda: query.where(Book.id.in_(query.select(Book.id, Book.title))).all()),
        ("they cannot be compared", lambda: query.where(Book.id.in_(query.select(Book.pages))).all()),
        ("parameters without a value: n", lambda: query.limit(param("n")).all()),
    ]
    for message, ask in wrong:
        with pytest.raises(e.QueryError, match=message):
            ask()
