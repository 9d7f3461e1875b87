"""Matchers and kept texts: what the differential test does not reach."""

from __future__ import annotations

import pytest

from bmaddb import errors as e
from bmaddb.device.query import Plan, compiler, compiler_shapes, dependencies_of, matcher_of, order_key_of
from bmaddb.device.query.matcher import like_expression
from bmaddb.device.store import Store
from bmaddb.schema import raw
from bmaddb.schema.conditions import Comparator, Compare, Condition, Search
from bmaddb.schema.expressions import PATH_STEPS_MAX
from tests.query.odd import Odd
from tests.store.shelf import Author, Book, Loan


def test_what_only_sql_can_answer_has_no_matcher(shelf: Store) -> None:
    query = shelf.query(Book)
    plans = [
        query.join(Author, on=Book.author_id).plan,
        query.group_by(Book.state).plan,
        query.where(raw("pages > 1")).plan,
        query.where((Book.pages > 1) | ~raw("pages > 1")).plan,
        query.where(Author.name == "a").plan,
        query.where(Book.pages > Author.name.length()).plan,
        shelf.query(Author).search("a").plan,
    ]
    assert [matcher_of(plan) for plan in plans] == [None] * len(plans)
    assert order_key_of(query.join(Author, on=Book.author_id).plan) is None
    assert order_key_of(query.order_by(Author.name).plan) is None


def test_what_the_compiler_refuses_the_matcher_refuses() -> None:
    wrong: list[tuple[str, Condition]] = [
        ("which has no order", Book.tags < []),
        ("they cannot be compared", Book.title == Book.pages),
        ("expected a whole number", Book.pages == "1"),
        ("like needs text", Book.pages.like("1%")),
        ("includes needs text", Book.pages.includes("1")),
        ("nested deeper than", _deep(300)),
        ("holds\\(\\) looks for", Book.tags.holds([1])),  # type: ignore[arg-type]
    ]
    for message, condition in wrong:
        plan = Plan(Book, conditions=(condition,))
        for read in (matcher_of, compiler.select):
            with pytest.raises(e.QueryError, match=message):
                read(plan)


def test_operands_that_make_no_sense_are_refused_where_they_are_written() -> None:
    for message, make in (
        ("path needs json", lambda: Book.title.path("a")),
        ("holds needs json", lambda: Book.title.holds("a")),
        ("length needs text", lambda: Book.pages.length()),
        ("folded needs text", lambda: Book.pages.folded()),
        ("needs numbers on both sides", lambda: Book.pages + "1"),
        ("needs numbers on both sides", lambda: Book.title * 2),
        ("needs numbers on both sides", lambda: Book.pages - True),
        ("does not fit 64 bits", lambda: Book.pages + 2**63),
        ("not a step of a path", lambda: Book.tags.path(1.5)),  # type: ignore[call-overload]
        ("not a step of a path", lambda: Book.tags.path(True)),
        ("not a step of a path", lambda: Book.tags.path("a\0")),
        ("more than 32 steps", lambda: Book.tags.path(*range(PATH_STEPS_MAX + 1))),
        ("reads str, int, float or bool", lambda: Book.tags.path("a", as_=bytes)),  # type: ignore[arg-type]
        ("not a condition", lambda: (Book.pages == 1) & Book.title),  # type: ignore[operator]
    ):
        with pytest.raises(e.QueryError, match=message):
            make()


def test_no_pattern_runs_away() -> None:
    """A pattern of many `%` over a long text is linear here; with ordinary groups it would not end."""
    expression = like_expression("%a" * 2_000 + "%b")
    assert expression.fullmatch("a" * 20_000) is None
    assert expression.fullmatch("a" * 20_000 + "b") is not None


def test_a_comparison_with_null_is_unknown_in_both(shelf: Store) -> None:
    plan = Plan(Book, conditions=(Compare(Book.pages, Comparator.EQ, None),))
    matches = matcher_of(plan)
    assert matches is not None
    assert {matches(book) for book in shelf.query(Book).all()} == {None}
    assert shelf.query(Book).where(*plan.conditions).count() == 0


def test_what_a_query_reads(shelf: Store) -> None:
    assert dependencies_of(shelf.query(Book).plan) == {"books"}
    assert dependencies_of(shelf.query(Loan).join(Book).left_join(Author, on=Book.author_id).plan) == {
        "loans",
        "books",
        "authors",
    }
    looking = raw("exists (select 1 from genres)", reads=["genres"])
    assert dependencies_of(shelf.query(Book).where(~(looking & (Book.pages > 1))).plan) == {"books", "genres"}
    assert dependencies_of(Plan(Author, conditions=(Search((Author.name,), "a"),))) == {"authors"}


def test_texts_are_kept_by_shape_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[tuple[object, ...], str] = {}
    monkeypatch.setattr(compiler_shapes, "_texts", kept)
    monkeypatch.setattr(compiler_shapes, "SHAPES_KEPT_MAX", 3)
    for condition in (Odd.word == "a", Odd.word == "b", Odd.word != "a", Odd.other == "a", Odd.size == 1):
        plan = Plan(Odd, conditions=(condition,))
        assert compiler.select(plan) == compiler.select(plan)
    assert len(kept) == 1, "three were kept, then all let go"


def test_the_kept_text_is_the_written_one(monkeypatch: pytest.MonkeyPatch, shelf: Store) -> None:
    query = shelf.query(Book).where(Book.state == "todo", Book.pages > 1).order_by(Book.pages.desc(), Book.title)
    plans = [query.plan, query.limit(5).plan, query.limit(0).plan, shelf.query(Book).plan]
    kept = [compiler.select(plan, None, rows_max) for _ in range(2) for plan in plans for rows_max in (None, 1, 2)]
    monkeypatch.setattr(compiler, "shape_of", lambda plan, rows_max: None)
    written = [compiler.select(plan, None, rows_max) for _ in range(2) for plan in plans for rows_max in (None, 1, 2)]
    assert kept == written


def _deep(levels: int) -> Condition:
    condition = Book.pages == 1
    for _ in range(levels):
        condition = ~condition
    return condition
