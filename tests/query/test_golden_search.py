"""The statements of the text index, letter for letter."""

from __future__ import annotations

from collections.abc import Iterator

from bmaddb.device.query import Statement, compiler_search
from tests.store.shelf import Author, library
from tests.support.golden import assert_golden


def statements() -> Iterator[tuple[str, Statement]]:
    catalog, table = library(), Author.__table__
    where = compiler_search.range_of(catalog, table)
    among = Statement('select "id" from "authors" where "name" = ?', ("a",))
    yield "found", compiler_search.found_ids(table, where, "two words")
    yield "ranked", compiler_search.ranked(table, where, "two words", None, 5)
    yield "ranked among others", compiler_search.ranked(table, where, "two words", among, 5)
    yield "unread", Statement(compiler_search.count_unread(table, where), ())
    for number, text in enumerate(compiler_search.index_rows(catalog, table, where), 1):
        yield f"index, step {number}", Statement(text, ())


def test_golden_search() -> None:
    text = "\n".join(f"-- {name}\n{text}\n{arguments!r}\n" for name, (text, arguments) in statements())
    assert_golden("queries_search.txt", text)
