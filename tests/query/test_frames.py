"""What a display shows and what it hides; rows for data frames."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.query import avg_of, count_of, max_of, sum_of
from bmaddb.device.query.frames import SHOWN_ROWS_MAX
from bmaddb.device.store import Store
from bmaddb.modules.registry import default_catalog
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema.expressions import param
from bmaddb.schema.records import HIDDEN
from bmaddb.schema.rules import Sensitivity
from tests.schema.rows import PLAIN
from tests.store.conftest import open_store
from tests.store.shelf import Author, Book

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


@pytest.mark.parametrize("name", [table.name for table in default_catalog().device_tables])
def test_no_special_value_is_in_a_repr(name: str) -> None:
    record = default_catalog().record(name)
    columns = record.__table__.columns
    row = record(*[PLAIN[column.kind] for column in columns])
    words = repr(row)
    for column in columns:
        secret = column.spec.sensitivity is Sensitivity.SPECIAL and column.name not in record.__envelope__
        assert (f" {column.name}={HIDDEN!r}" in words) == secret
    assert "(id='abc'" in words


def test_a_notebook_shows_the_first_rows_escaped(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER, durability="normal") as db:
        with db.write() as tx:
            tx.insert_many(Task, [{"title": "<script>"}] * (SHOWN_ROWS_MAX + 1))
        shown = db.query(Task)._repr_html_()
        assert shown.count("<tr>") == SHOWN_ROWS_MAX + 1
        assert "<script>" not in shown
        assert f"the first {SHOWN_ROWS_MAX} rows" in shown
        assert "1 rows" in db.query(Task).limit(1)._repr_html_()


TYPES = {
    "title": ("string", "string", "String"),
    "pages": ("int64", "Int64", "Int64"),
    "price": ("double", "float64", "Float64"),
    "owned": ("bool", "boolean", "Boolean"),
    "extra": ("string", "string", "String"),
    "read_at": ("timestamp[ms, tz=UTC]", "datetime64[ms, UTC]", "Datetime(time_unit='ms', time_zone='UTC')"),
    "cover": ("binary", "object", "Binary"),
}
MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
FULL: dict[str, Any] = {
    "title": "é",
    "pages": 2**60 + 1,  # a float would lose the last digit
    "price": 2.0,
    "owned": True,
    "extra": {"a": [1]},
    "read_at": MOMENT,
    "cover": b"\x00",
}
BARE = {"title": "bare"}
BOOKS: dict[str, list[dict[str, Any]]] = {"none": [], "bare": [BARE], "full": [FULL], "both": [FULL, BARE]}
PLACE = {"to_arrow": 0, "to_pandas": 1, "to_polars": 2}


@pytest.fixture(params=BOOKS)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, list[dict[str, Any]]]]:
    with open_store(tmp_path / "books.db") as store:
        with store.write() as tx:
            tx.insert_many(Book, BOOKS[request.param])
        yield store, BOOKS[request.param]


def types(frame: Any, end: str) -> dict[str, str]:
    if end == "to_arrow":
        return {field.name: str(field.type) for field in frame.schema}
    return {str(name): str(kind) for name, kind in zip(frame.columns, frame.dtypes, strict=True)}


def rows(frame: Any, end: str) -> list[dict[str, Any]]:
    """Row by row, with None for null."""
    if end == "to_arrow":
        return list(frame.to_pylist())
    if end == "to_polars":
        return list(frame.to_dicts())
    pandas = pytest.importorskip("pandas")
    listed = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{k: v.to_pydatetime() if isinstance(v, pandas.Timestamp) else v for k, v in row.items()} for row in listed]


@pytest.mark.parametrize("end", PLACE)
def test_a_column_has_its_type_whatever_rows_there_are(books: tuple[Store, list[dict[str, Any]]], end: str) -> None:
    store, given = books
    query = store.query(Book).order_by(Book.title.desc())
    whole = getattr(query, end)()
    wanted = {name: kinds[PLACE[end]] for name, kinds in TYPES.items()}
    assert {name: kind for name, kind in types(whole, end).items() if name in wanted} == wanted
    assert list(types(whole, end)) == [column.name for column in Book.__table__.columns]
    some = getattr(query.select(*(Book.__table__.column(name) for name in TYPES)), end)()
    assert types(some, end) == wanted
    assert [{name: row[name] for name in TYPES} for row in rows(whole, end)] == rows(some, end)
    for row, values in zip(rows(some, end), given, strict=True):
        for name in TYPES:
            default = {"pages": 0, "owned": False}.get(name)
            expected = values.get(name, default)
            assert row[name] == ('{"a":[1]}' if name == "extra" and expected else expected), name


@pytest.mark.parametrize("end", PLACE)
def test_groups_and_aggregates_become_frames(tmp_path: Path, end: str) -> None:
    with open_store(tmp_path / "books.db") as store:
        with store.write() as tx:
            author = tx.insert(Author, name="x")
            tx.insert_many(
                Book, [{"title": "a", "pages": n, "author_id": author.id} for n in (1, 2)] + [{"title": "bb"}]
            )
        grouped = store.query(Book).group_by(Book.title).order_by(Book.title)
        picked = grouped.select(Book.title, count_of(), sum_of(Book.pages), avg_of(Book.price), max_of(Book.read_at))
        frame = getattr(picked, end)()
        names = ["title", "count", "sum_pages", "avg_price", "max_read_at"]
        kinds = [TYPES[name][PLACE[end]] for name in ("title", "pages", "pages", "price", "read_at")]
        assert types(frame, end) == dict(zip(names, kinds, strict=True))
        none = {"avg_price": None, "max_read_at": None}
        assert rows(frame, end) == [
            {"title": "a", "count": 2, "sum_pages": 3, **none},
            {"title": "bb", "count": 1, "sum_pages": 0, **none},
        ]
        joined = store.query(Book).left_join(Author, on=Book.author_id).where(Book.title == "bb")
        frame = getattr(joined.select(Book.id, Author.id, Book.title.length(), Book.title.length()), end)()
        assert list(types(frame, end)) == ["books_id", "authors_id", "length_title", "length_title_2"]
        assert rows(frame, end)[0]["authors_id"] is None


class Line(NamedTuple):
    words: str
    extra: Any


def test_a_selection_becomes_dicts(tmp_path: Path) -> None:
    with open_store(tmp_path / "books.db") as store:
        with store.write() as tx:
            tx.insert(Book, **FULL)
        query = store.query(Book)
        assert query.select_as(Line, words=Book.title, extra=Book.extra).to_dicts() == [
            {"words": "é", "extra": {"a": [1]}}
        ]
        assert query.select(Book.read_at, Book.owned).to_dicts() == [{"read_at": MOMENT, "owned": True}]
        assert query.where(Book.title == "none").select(Book.title).to_dicts() == []
        assert query.select(count_of(Book.title, distinct=True), Book.pages + 1).to_dicts() == [
            {"count_distinct_title": 1, "pages_plus_value": 2**60 + 2}
        ]
        row = query.to_dicts()[0]
        assert {name: row[name] for name in FULL} == FULL
        with pytest.raises(e.QueryError, match="parameters"):
            query.where(Book.title == param("title")).select(Book.title).to_arrow()


def test_moments_beyond_those_of_python_come_along(tmp_path: Path) -> None:
    with open_store(tmp_path / "books.db") as store:
        with store.write() as tx:
            tx.insert(Book, title="far")
            tx.execute("update books set read_at = ?", (300_000_000_000_000,))  # the year 11476
        query = store.query(Book).select(Book.read_at)
        assert query.to_arrow()["read_at"].cast("int64").to_pylist() == [300_000_000_000_000]
        assert query.to_pandas()["read_at"].astype("int64").tolist() == [300_000_000_000_000]
        assert query.to_polars()["read_at"].dt.epoch("ms").to_list() == [300_000_000_000_000]


@pytest.mark.parametrize("end", ["to_arrow", "to_pandas", "to_polars"])
def test_a_whole_number_beyond_64_bits_is_no_whole_number(tmp_path: Path, end: str) -> None:
    with open_store(tmp_path / "a.db") as store:
        with store.write() as tx:
            tx.insert(Book, title="t", pages=2**62)
        with pytest.raises(e.RecordInvalid, match="leaves 64 bits"):
            getattr(store.query(Book).select(Book.pages * 2), end)()
        assert [[*row.values()] for row in rows(getattr(store.query(Book).select(Book.pages * 2.0), end)(), end)] == [
            [2.0**63]
        ]


@pytest.mark.parametrize("package", ["pyarrow", "pandas", "polars"])
def test_a_library_that_is_not_there_is_named(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with open_store(tmp_path / "books.db") as store:
        for query in (store.query(Book), store.query(Book).select(Book.title)):
            with pytest.raises(e.SettingsError, match=f"{package} is not installed") as caught:
                getattr(query, f"to_{package.removeprefix('py')}")()
            assert caught.value.hint == f"pip install {package}"
