"""A store with a few dozen books whose values are chosen to disagree: nulls, ties, case, wildcards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from bmaddb.device.store import Store
from tests.store.conftest import open_store
from tests.store.shelf import Author, Book, Loan

TITLES = ("", "a", "A", "ab", "aB%", "100%", "a_b", "a\\b", "é", "É", "zz", "a'b", "😀", "ab ab")
PAGES = (0, 1, 2, 3, 2**62)
PRICES = (None, 0.0, -1.5, 2.0, 3.25, 1e300)
MOMENTS = (
    None,
    datetime(1969, 7, 20, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 1000, UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
)
ISBNS = (None, "", "x", "X", "100%")
TAGS: tuple[list[object], ...] = ([], ["a"], [1, None], [{"b": "é"}])
COVERS = (None, b"", b"\0a", b"\xff")
AUTHORS = ("anna", "ben", "cleo")
BOOKS = 60


def book_rows() -> list[dict[str, Any]]:
    """The books, as values an application would give."""
    columns = [cycle(values) for values in (TITLES, PAGES, PRICES, MOMENTS, ISBNS, TAGS, COVERS, (True, False, False))]
    names = ("title", "pages", "price", "read_at", "isbn", "tags", "cover", "owned")
    rows = [dict(zip(names, [next(column) for column in columns], strict=True)) for _ in range(BOOKS)]
    for index, row in enumerate(rows):
        row["id"] = f"b{index:02}"
        row["state"] = ("todo", "reading", "done")[index // 7 % 3]
        row["author_id"] = (None, *AUTHORS)[index // 5 % 4]
        row["editor_id"] = (None, None, "anna")[index % 3]
    return rows


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "device.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Read-only by agreement: the tests of a module share it."""
    with open_store(tmp_path_factory.mktemp("query") / "device.db") as store:
        with store.write() as tx:
            tx.insert_many(Author, [{"id": name, "name": name.title(), "motto": f"{name} 100%"} for name in AUTHORS])
            tx.insert_many(Book, book_rows())
            tx.insert_many(Loan, [{"id": f"l{n}", "book_id": f"b0{n % 3}", "to_whom": str(n)} for n in range(6)])
        yield store
