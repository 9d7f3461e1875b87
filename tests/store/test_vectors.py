"""Nearest vectors: exact, with the extension and without it, and equal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.store.vectors import nearest, packed
from bmaddb.entropy import SeededEntropy
from tests.store.conftest import open_store
from tests.store.shelf import Author, Book

DIMENSIONS = 24


def made(seed: int) -> list[float]:
    return [byte / 128 - 1 for byte in SeededEntropy(seed).random_bytes(DIMENSIONS)]


@pytest.fixture(params=("sqlite-vec", "ours"))
def shelf(request: pytest.FixtureRequest, path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "ours":
        monkeypatch.setitem(sys.modules, "sqlite_vec", None)
    with open_store(path) as store:
        with store.write() as tx:
            rows = [{"id": f"{n}", "title": "t", "pages": n % 2, "cover": packed(made(n))} for n in range(40)]
            tx.insert_many(Book, rows)
            tx.insert(Book, id="short", title="t", cover=packed([1.0]))
            tx.insert(Book, id="nothing", title="t", cover=packed([0.0] * DIMENSIONS))
            tx.insert(Book, id="null", title="t")
        yield store


def cosine(a: list[float], b: list[float]) -> float:
    dot, aa, bb = (sum(x * y for x, y in zip(p, q, strict=True)) for p, q in ((a, b), (a, a), (b, b)))
    return float(1 - dot / (aa * bb) ** 0.5)


def test_the_nearest_are_the_nearest(shelf: Store) -> None:
    wanted = sorted((cosine(made(99), made(n)), str(n)) for n in range(40))
    found = nearest(shelf, shelf.query(Book), made(99), 1000)
    assert [near.record.id for near in found] == [row_id for _, row_id in wanted]
    assert [near.distance for near in found] == pytest.approx([far for far, _ in wanted], abs=1e-5)
    odd = nearest(shelf, shelf.query(Book).where(Book.pages == 1), made(99), 3)
    assert [near.record.id for near in odd] == [row_id for _, row_id in wanted if int(row_id) % 2][:3]
    with shelf.write() as tx:
        tx.insert(Book, id="new", title="t", cover=packed(made(99)))
        assert nearest(shelf, tx.query(Book), made(99), 1)[0].record.id == "new"


def test_no_sql_can_load_a_library(shelf: Store) -> None:
    nearest(shelf, shelf.query(Book), made(1), 1)
    with pytest.raises(e.BmadError, match=r"not authorized|no such function"):
        shelf.sql("select load_extension('x')")


@pytest.mark.parametrize("vector", [[], [float("nan")], ["a"], [0.0] * 5000, [1e300]])
def test_what_is_no_vector_is_said(shelf: Store, vector: list[float]) -> None:
    with pytest.raises(e.RecordInvalid):
        nearest(shelf, shelf.query(Book), vector, 1)


def test_a_table_without_vectors_is_said(shelf: Store) -> None:
    with pytest.raises(e.QueryError, match="0 blob columns"):
        nearest(shelf, shelf.query(Author), [1.0], 1)
    with pytest.raises(e.QueryError, match="k must be"):
        nearest(shelf, shelf.query(Book), [1.0], 0)
