"""Queries with parameters: prepared ones, and ones whose values are put in for good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.query import Plan, matcher_of
from bmaddb.device.store import Store
from bmaddb.schema import param, raw
from bmaddb.schema.conditions import Condition
from tests.query.conftest import BOOKS
from tests.store.shelf import Author, Book

CONDITIONS: list[tuple[Condition, Condition, dict[str, Any]]] = [
    (Book.state == param("x"), Book.state == "done", {"x": "done"}),
    (Book.isbn.is_(param("x")), Book.isbn.is_null(), {"x": None}),
    (Book.isbn.is_not(param("x")), Book.isbn.is_not("x"), {"x": "x"}),
    (Book.pages.between(param("low"), param("high")), Book.pages.between(1, 2), {"low": 1, "high": 2}),
    (Book.title.contains(param("x")), Book.title.contains("%"), {"x": "%"}),
    (Book.title.starts_with(param("x")), Book.title.starts_with("a_"), {"x": "a_"}),
    (Book.title.ends_with(param("x")), Book.title.ends_with("B%"), {"x": "B%"}),
    (Book.title.like(param("x")), Book.title.like("a%"), {"x": "a%"}),
    (Book.title.includes(param("x")), Book.title.includes("b"), {"x": "b"}),
    (Book.state.in_(param("x")), Book.state.in_(["done", "todo"]), {"x": ["done", "todo"]}),
    (Book.state.in_(param("x")), Book.state.in_([]), {"x": ()}),
    (
        Book.read_at > param("x"),
        Book.read_at > datetime(2026, 1, 1, tzinfo=UTC),
        {"x": datetime(2026, 1, 1, tzinfo=UTC)},
    ),
    (Book.owned == param("x"), Book.owned == True, {"x": True}),  # noqa: E712
    (Book.tags == param("x"), Book.tags == ["a"], {"x": ["a"]}),
    ((Book.pages == param("x")) | (Book.pages == param("x")), Book.pages == 2, {"x": 2}),
    (Book.author_id.where(Author.name == param("x")), Book.author_id == "anna", {"x": "Anna"}),
    (
        raw("read_at > ?", param("x")),
        Book.read_at > datetime(2026, 1, 1, tzinfo=UTC),
        {"x": datetime(2026, 1, 1, tzinfo=UTC)},
    ),
]


@pytest.mark.parametrize("case", range(len(CONDITIONS)))
def test_a_parameter_means_its_value(shelf: Store, case: int) -> None:
    with_param, with_value, values = CONDITIONS[case]
    prepared = shelf.query(Book).where(with_param).order_by(Book.id).prepare()
    expected = shelf.query(Book).where(with_value).order_by(Book.id).all()
    for _ in range(2):
        assert prepared.all(**values) == expected
    assert (prepared.count(**values), prepared.exists(**values)) == (len(expected), bool(expected))
    assert prepared.first(**values) == (expected[0] if expected else None)
    assert prepared.parameters == values.keys()
    assert shelf.query(Book).where(with_param).order_by(Book.id).bind(**values).all() == expected


def test_other_values_give_other_rows(shelf: Store) -> None:
    prepared = shelf.query(Book).where(Book.id == param("row")).prepare()
    assert [prepared.one(row=row).id for row in ("b00", "b07")] == ["b00", "b07"]
    assert prepared.one_or_none(row="nowhere") is None
    with pytest.raises(e.RecordNotFound):
        prepared.one(row="nowhere")
    every = shelf.query(Book).prepare()
    with pytest.raises(e.QueryError, match="more than one row"):
        every.one_or_none()
    some = shelf.query(Book).order_by(Book.id).limit(param("rows")).offset(param("skip")).prepare()
    assert [book.id for book in some.all(rows=2, skip=3)] == ["b03", "b04"]
    assert some.first(rows=0, skip=0) is None
    assert some.first(rows=5, skip=BOOKS - 1) is not None


def test_wrong_values_are_refused_each_time(shelf: Store) -> None:
    query = shelf.query(Book).where(Book.pages == param("n"), Book.title.contains(param("t"))).limit(param("rows"))
    prepared, good = query.prepare(), {"n": 1, "t": "a", "rows": 3}
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("without a value: t", {"n": 1, "rows": 1}),
        ("unknown: z", {**good, "z": 1}),
        ("books.pages: expected a whole number", {**good, "n": "1"}),
        ("comparing with None", {**good, "n": None}),
        ("books.title: expected text", {**good, "t": 5}),
        ("the pattern is longer", {**good, "t": "a" * 10_000}),
        ("limit must be a whole number", {**good, "rows": -1}),
    ]
    for message, values in wrong:
        with pytest.raises(e.QueryError) as refused:
            prepared.all(**values)
        assert message in refused.value.message
    assert isinstance(prepared.all(**good), list)


WRONG: list[tuple[Condition, Any, str]] = [
    (Book.state.in_(param("x")), None, "takes a list of values"),
    (Book.state.in_(param("x")), 5, "takes a list of values"),
    (Book.state.in_(param("x")), "todo", "takes a list of values"),
    (Book.state.not_in(param("x")), ["todo", None], "comparing with None"),
    (Book.state == param("x"), None, "comparing with None"),
    (Book.pages > param("x"), None, "comparing with None"),
    (Book.title.contains(param("x")), None, "comparing with None"),
    (Book.pages.between(1, param("x")), None, "comparing with None"),
]


@pytest.mark.parametrize(("condition", "value", "message"), WRONG)
def test_what_a_prepared_query_refuses_a_bound_one_does(
    shelf: Store, condition: Condition, value: Any, message: str
) -> None:
    query = shelf.query(Book).where(condition)
    with pytest.raises(e.QueryError, match=message):
        query.prepare().all(x=value)
    with pytest.raises(e.QueryError, match=message):
        query.bind(x=value).all()


def test_a_bound_list_is_read_once(shelf: Store) -> None:
    query = shelf.query(Book).where(Book.state.in_(param("x"))).limit(param("rows"))
    bound = query.bind(x=(state for state in ("todo", "done")), rows=5)
    assert len(bound.all()) == len(bound.all()) == 5
    for rows in (None, -1, True):
        with pytest.raises(e.QueryError, match="limit must be a whole number"):
            query.bind(x=[], rows=rows)


def test_a_parameter_without_a_value_is_refused(shelf: Store) -> None:
    query = shelf.query(Book).where(Book.pages == param("n"))
    for ask in (query.all, query.first, query.one, query.count, query.exists, query.ids, query.select(Book.id).all):
        with pytest.raises(e.QueryError, match="parameters without a value: n"):
            ask()
    with pytest.raises(e.QueryError, match="has no value"):
        matcher_of(query.plan)
    with pytest.raises(e.QueryError, match="unknown: other"):
        query.bind(n=1, other=2)
    with pytest.raises(e.QueryError, match="a list of real values cannot be a parameter"):
        shelf.query(Book).where(Book.price.in_(param("x"))).prepare()
    with pytest.raises(e.QueryError, match="takes a list of values"):
        shelf.query(Book).where(Book.state.in_(param("x"))).prepare().all(x="done")


def test_a_bound_query_has_a_matcher() -> None:
    plan = Plan(Book, conditions=(Book.pages == 1,))
    assert matcher_of(plan) is not None
