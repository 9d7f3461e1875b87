"""A window holds only the first rows of many: what leaves it, enters it and passes behind it, row by row."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.device.observe import Subscription
from bmaddb.schema.kinds import INT_MAX
from bmaddb.service import Database
from tests.observe.conftest import WAIT_S_MAX, open_database
from tests.store.shelf import Book

ROWS = 40
Act = tuple[int, int | None]
acts = st.lists(st.tuples(st.integers(0, ROWS - 1), st.none() | st.integers(0, 30)), min_size=1, max_size=40)
ends = st.tuples(st.integers(0, 5), st.integers(0, 3))


def newest(live: Subscription[Any], said: Any) -> Any:
    try:
        return live.wait(0)
    except e.Unchanged:
        return said


def act(db: Database, number: int, pages: int | None) -> None:
    row_id = f"b{number:02}"
    with db.write() as tx:
        if pages is None:
            tx.delete(Book, row_id)
        elif tx.get(Book, row_id) is None:
            tx.insert(Book, id=row_id, title="t", pages=pages)
        else:
            tx.update(Book, row_id, pages=pages)


def check(steps: list[Act], limit: int, offset: int, *, read: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, open_database(Path(folder) / "f.db") as db:
        rows = [{"id": f"b{number:02}", "title": "t", "pages": number % 20} for number in range(ROWS)]
        for begin in range(0, ROWS, 20):
            with db.write() as tx:
                tx.insert_many(Book, rows[begin : begin + 20])
        query = db.query(Book).where(Book.pages < 25).order_by(Book.pages.desc(), Book.id).limit(limit).offset(offset)
        with db.observe(query) as live:
            said = live.wait(WAIT_S_MAX)
            for number, pages in steps:
                act(db, number, pages)
                if read:
                    said = newest(live, said)
                    assert said == query.all()
            assert newest(live, said) == query.all()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=acts, end=ends, read=st.booleans())
def test_it_is_what_the_query_gives(steps: list[Act], end: tuple[int, int], read: bool) -> None:
    check(steps, *end, read=read)


def test_it_is_filled_again_when_its_rows_leave() -> None:
    """Also when what passed behind its end was never held."""
    first = sorted(range(ROWS), key=lambda number: (-(number % 20), number))
    leaving: list[Act] = [(number, None) for number in first[:30]]
    check(leaving, 3, 1, read=True)
    check([(first[0], 1), (first[1], 2), *leaving[2:]], 3, 0, read=True)


def test_it_lets_go_of_what_it_does_not_need() -> None:
    entering: list[Act] = [(number, 24) for number in range(30)]
    leaving: list[Act] = [(number, 0) for number in range(30)]
    check([*entering, *leaving], 2, 0, read=True)


@pytest.mark.parametrize("limit", [INT_MAX, INT_MAX // 3 * 2])
def test_a_limit_that_no_file_reaches_is_none(db: Database, limit: int) -> None:
    with db.write() as tx:
        tx.insert_many(Book, [{"id": f"b{number}", "title": "t"} for number in range(3)])
    with db.observe(db.query(Book).order_by(Book.id).limit(limit).offset(1)) as live:
        assert [book.id for book in live.wait(WAIT_S_MAX)] == ["b1", "b2"]
