"""Random conditions: the rows SQLite finds are those plain Python finds, with SQL's three truth values."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb.device.query.binding import pattern_of
from bmaddb.device.store import Store
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import (
    And,
    Between,
    Comparator,
    Compare,
    Condition,
    In,
    Like,
    Not,
    Or,
    Param,
)
from bmaddb.schema.expressions import escape_like
from bmaddb.schema.kinds import Kind, to_raw
from tests.query.conftest import COVERS, ISBNS, MOMENTS, PAGES, PRICES, TAGS, TITLES, book_rows
from tests.store.shelf import Book

Truth = bool | None
ROWS = book_rows()
VALUES: dict[Column[Any], list[Any]] = {
    Book.title: [*TITLES, "b", "AB"],
    Book.pages: [*PAGES, -1],
    Book.price: [price for price in PRICES if price is not None] + [1, -7.25],
    Book.isbn: [isbn for isbn in ISBNS if isbn is not None],
    Book.read_at: [moment for moment in MOMENTS if moment is not None],
    Book.owned: [True, False],
    Book.tags: [*TAGS, ["b"]],
    Book.cover: [cover for cover in COVERS if cover is not None],
}
ORDERED = {
    Comparator.EQ: operator.eq,
    Comparator.NE: operator.ne,
    Comparator.LT: operator.lt,
    Comparator.LE: operator.le,
    Comparator.GT: operator.gt,
    Comparator.GE: operator.ge,
}
PARTNERS = {Book.title: Book.isbn, Book.isbn: Book.title, Book.pages: Book.price, Book.price: Book.pages}


def raw_value(row: dict[str, Any], side: object, kind: Kind) -> Any:
    """What SQLite compares: a column's value in `row`, or a constant."""
    if isinstance(side, Column):
        value = row[side.name]
        return None if value is None else to_raw(side.kind, value)
    return None if side is None else to_raw(kind, side)


def holds(condition: Condition, row: dict[str, Any]) -> Truth:
    """Does `row` satisfy `condition`? None: unknown."""
    match condition:
        case Compare(left, comparator, right):
            return compared(raw_value(row, left, left.kind), comparator, raw_value(row, right, left.kind))
        case In(left, values):
            if not values or isinstance(values, Param):
                return False
            return either(
                [compared(raw_value(row, left, left.kind), Comparator.EQ, to_raw(left.kind, v)) for v in values]
            )
        case Between(left, low, high):
            value = raw_value(row, left, left.kind)
            ends = ((Comparator.GE, low), (Comparator.LE, high))
            return both([compared(value, comparator, raw_value(row, end, left.kind)) for comparator, end in ends])
        case Like(left):
            pattern = pattern_of(condition)
            value = raw_value(row, left, left.kind)
            return None if value is None else like(value, pattern)
        case And(parts):
            return both([holds(part, row) for part in parts])
        case Or(parts):
            return either([holds(part, row) for part in parts])
        case Not(part):
            inner = holds(part, row)
            return None if inner is None else not inner
    raise AssertionError(condition)


def compared(left: Any, comparator: Comparator, right: Any) -> Truth:
    if comparator is Comparator.IS:
        return bool(left == right)
    if comparator is Comparator.IS_NOT:
        return bool(left != right)
    return None if left is None or right is None else bool(ORDERED[comparator](left, right))


def both(truths: list[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def either(truths: list[Truth]) -> Truth:
    return True if True in truths else None if None in truths else False


def like(value: str, pattern: str) -> bool:
    """LIKE with `\\` as escape, letters A-Z without case."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    words = {"%": ".*", "_": "."}
    text = "".join(words.get(part, re.escape(folded(part[-1]))) for part in parts)
    return re.fullmatch(text, folded(value), re.DOTALL) is not None


def folded(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


@st.composite
def leaves(draw: st.DrawFn) -> Condition:
    column: Column[Any] = draw(st.sampled_from(list(VALUES)))
    value = st.sampled_from(VALUES[column])
    ordered = column.kind is not Kind.JSON
    kinds: list[Callable[[], Condition]] = [
        lambda: Compare(column, draw(st.sampled_from([Comparator.EQ, Comparator.NE])), draw(value)),
        lambda: Compare(column, draw(st.sampled_from([Comparator.IS, Comparator.IS_NOT])), draw(st.none() | value)),
        lambda: column.in_(draw(st.lists(value, max_size=20))),
        lambda: column.not_in(draw(st.lists(value, max_size=3))),
    ]
    if ordered:
        kinds.append(lambda: Compare(column, draw(st.sampled_from(list(ORDERED))), draw(value)))
        kinds.append(lambda: column.between(draw(value), draw(value)))
    if column in PARTNERS:
        comparators = [*ORDERED, Comparator.IS, Comparator.IS_NOT]
        kinds.append(lambda: Compare(column, draw(st.sampled_from(comparators)), PARTNERS[column]))
    if column.kind is Kind.TEXT:
        piece = st.sampled_from([*map(escape_like, VALUES[column]), "%", "_", "a", "B"])
        kinds.append(lambda: column.like("".join(draw(st.lists(piece, max_size=4)))))
        kinds.append(
            lambda: draw(st.sampled_from([column.contains, column.starts_with, column.ends_with]))(draw(value))
        )
    return draw(st.sampled_from(kinds))()


CONDITIONS = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=CONDITIONS)
def test_sqlite_and_python_find_the_same_rows(shelf: Store, condition: Condition) -> None:
    expected = [row["id"] for row in ROWS if holds(condition, row)]
    query = shelf.query(Book).where(condition)
    assert sorted(query.ids()) == expected
    assert query.count() == len(expected)
    assert query.exists() == bool(expected)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=CONDITIONS)
def test_every_row_is_true_false_or_unknown(shelf: Store, condition: Condition) -> None:
    query = shelf.query(Book)
    unknown = sum(holds(condition, row) is None for row in ROWS)
    assert query.where(condition).count() + query.where(~condition).count() + unknown == len(ROWS)
