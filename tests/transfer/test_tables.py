"""Tables as JSON Lines and CSV: exact both ways, bad lines reported, nothing twice."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.transfer import Progress, bringing, export_table, import_from
from bmaddb.device.transfer.writing import Writing
from bmaddb.modules.tasks_productivity import Task
from bmaddb.service import Database
from tests.store.conftest import open_store
from tests.store.shelf import Author, Book, Shelf
from tests.transfer.conftest import USER, opened

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
odd = st.sampled_from(("", "\\", "=1", "\\=", "a\r\nb", "\r", '"', '""', ",", ";", "\ufeff", "null", " x "))
books = st.lists(
    st.fixed_dictionaries(
        {"title": texts | odd, "isbn": st.none() | texts | odd},
        optional={
            "pages": st.integers(0, 2**63 - 1),
            "price": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "owned": st.booleans(),
            "extra": st.none() | st.recursive(st.booleans() | texts | st.floats(-1e300, 1e300), st.lists, max_leaves=4),
            "read_at": st.none() | st.datetimes(timezones=st.just(UTC)),
            "cover": st.none() | st.binary(max_size=9),
        },
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store, Path]:
    folder = tmp_path_factory.mktemp("tables")
    return open_store(folder / "a.db"), open_store(folder / "b.db", seed=2), folder


@settings(max_examples=80, deadline=None)
@given(made=books, ending=st.sampled_from((".jsonl", ".csv")))
def test_a_table_comes_back_exactly(made: list[dict[str, Any]], ending: str, two: tuple[Store, Store, Path]) -> None:
    one, other, folder = two
    for store in (one, other):
        with store.write() as tx:
            tx.execute("delete from books")
    with one.write() as tx:
        tx.insert_many(Book, made)
    export_table(one, Book, folder / f"books{ending}")
    assert import_from(other, folder / f"books{ending}", Book).added == len(made)
    assert other.query(Book).order_by(Book.id).all() == one.query(Book).order_by(Book.id).all()
    assert import_from(other, folder / f"books{ending}", Book).same == len(made)


def test_no_field_begins_like_a_formula(two: tuple[Store, Store, Path]) -> None:
    one, _, folder = two
    with one.write() as tx:
        tx.execute("delete from books")
        tx.insert_many(Book, [{"title": f"{sign}cmd|'/c calc'!A1"} for sign in "=+-@\t\r"])
    export_table(one, Book, folder / "formula.csv")
    with (folder / "formula.csv").open(newline="") as file:
        fields = [field for row in csv.reader(file) for field in row]
    assert sum(field.startswith("\\") for field in fields) == 6
    assert not [field for field in fields if field.startswith(tuple("=+-@\t\r"))]


GOOD = '{"title": "good"}\n'
BAD = {
    "[1]\n": "not a JSON object",
    "{\n": "not JSON",
    '{"title": 1}\n': "expected text",
    '{"title": null}\n': "may not be null",
    '{"titel": "x"}\n': "no column 'titel'",
    '{"title": "x", "pages": -1}\n': "books",
    '{"title": "x", "author_id": "nobody"}\n': "not there",
    '{"title": "x", "read_at": "yesterday"}\n': "read_at",
    '{"title": "x", "cover": "?"}\n': "cover",
    '{"title": "\\u0000"}\n': "U\\+0000",
    '{"title": "x", "user_id": "u"}\n': "another user",
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_reported_and_the_rest_goes_in(path: Path, tmp_path: Path, bad: str) -> None:
    lines = tmp_path / "books.jsonl"
    lines.write_text(GOOD + bad + "\n" + GOOD.replace("good", "better"))
    with open_store(path) as store:
        with pytest.raises(e.RecordInvalid, match=BAD[bad]):
            import_from(store, lines, Book, strict=True)
        assert store.query(Book).count() == 0
        report = import_from(store, lines, Book)
        assert (report.added, report.bad_lines, report.bad[0].line) == (2, 1, 2)
        assert store.query(Book).count() == 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device.db"


def test_a_bad_field_of_csv_is_reported(path: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "books.csv"
    sheet.write_bytes(b'\xef\xbb\xbftitle;pages\r\na;1\r\nb;x\r\nc;1;2\r\n\xff;1\r\n"d\nd";2\r\ne;"')
    with open_store(path) as store:
        report = import_from(store, sheet, Book)
        assert [bad.line for bad in report.bad] == [3, 4, 5, 7]
        assert {book.title for book in store.query(Book).all()} == {"a", "d\nd"}
        sheet.write_text("titel\nx\n")
        with pytest.raises(e.RecordInvalid, match="no column titel"):
            import_from(store, sheet, Book)


def test_a_key_names_the_rows(path: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "books.csv"
    with open_store(path) as store:
        for title in ("first", "second"):
            sheet.write_text(f"isbn,title\n1,{title}\n,none\n")
            report = import_from(store, sheet, Book, key="isbn")
            assert report.bad_lines == 1
        assert [(book.isbn, book.title) for book in store.query(Book).all()] == [("1", "second")]
        shelves = tmp_path / "shelves.jsonl"
        shelves.write_text('{"name": "Top", "order": 1}\n{"name": "top", "order": 2}\n')
        assert import_from(store, shelves, Shelf).updated == 1


@pytest.mark.parametrize("key", ["title", "id", None])
def test_a_row_with_an_id_is_known_by_it_whatever_the_key(path: Path, tmp_path: Path, key: str | None) -> None:
    sheet = tmp_path / "books.csv"
    with open_store(path) as store:
        with store.write() as tx:
            tx.insert(Book, title="one")
        export_table(store, Book, sheet)
        assert import_from(store, sheet, Book, key=key).same == 1
        assert store.query(Book).count() == 1


class Cut(Exception):
    """The process ends here."""


@pytest.mark.parametrize("at", range(0, 30, 3))
def test_an_import_that_is_cut_off_anywhere_ends_as_if_it_was_not(
    path: Path, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing, "CHUNK_LINES", 4)
    lines = tmp_path / "books.jsonl"
    rows = [f'{{"title": "{n}", "author_id": "{"late" if n % 7 == 2 else "early"}"}}\n' for n in range(20)]
    rows[5] = "bad\n"
    lines.write_text("".join(rows))
    put, calls = Writing.put, iter(range(10_000))

    def cut(self: Writing, row: Any) -> Any:
        if next(calls) == at:
            raise Cut
        return put(self, row)

    with open_store(path) as store:
        with store.write() as tx:
            tx.insert(Author, id="early", name="early")
        monkeypatch.setattr(Writing, "put", cut)
        try:
            import_from(store, lines, Book, tell=lambda _: _late(store))
        except Cut:
            _late(store)
    monkeypatch.setattr(Writing, "put", put)
    with open_store(path) as store:
        report = import_from(store, lines, Book)
        assert sorted(int(book.title) for book in store.query(Book).all()) == [n for n in range(20) if n != 5]
        assert report.bad_lines == 1
        assert (report.added + report.same) == 19


def _late(store: Store) -> None:
    with store.write() as tx:
        if tx.get(Author, "late") is None:
            tx.insert(Author, id="late", name="late")


KILLED = """
import os, signal, sys
from pathlib import Path
from bmaddb.device.transfer import bringing
from bmaddb.modules.tasks_productivity import Task
from tests.transfer.conftest import opened
bringing.CHUNK_LINES = 7
def tell(progress):
    if progress.lines >= 21:
        os.kill(os.getpid(), signal.SIGKILL)
opened(Path(sys.argv[1])).import_from(sys.argv[2], Task, progress=tell)
"""


def test_a_killed_import_goes_on(tmp_path: Path) -> None:
    lines = tmp_path / "tasks.jsonl"
    lines.write_text("".join(f'{{"title": "{n}"}}\n' for n in range(50)))
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "d.db"), str(lines)], cwd=root, timeout=120)
    assert done.returncode == -signal.SIGKILL
    seen: list[Progress] = []
    with opened(tmp_path / "d.db") as db:
        assert db.query(Task).count() == 21
        report = db.import_from(lines, Task, progress=seen.append)
        assert (report.resumed, report.added, db.query(Task).count()) == (True, 50, 50)
    assert seen[-1].done == seen[-1].total == lines.stat().st_size


def test_memory_does_not_grow_with_the_file(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line too long is passed over, not held."""
    from bmaddb.device.transfer import jsonl

    monkeypatch.setattr(jsonl, "LINE_BYTES_MAX", 64)
    lines = tmp_path / "books.jsonl"
    lines.write_text('{"title": "' + "x" * 1000 + '"}\n' + GOOD)
    with open_store(path) as store:
        report = import_from(store, lines, Book)
    assert (report.added, report.bad[0].line, report.bad[0].reason) == (1, 1, "longer than 64 bytes")


def test_what_is_no_source_is_said(db: Database, tmp_path: Path) -> None:
    for name, message in (("x.jsonl", "one table"), ("x.xml", "nothing is known"), ("gone.csv", "cannot be read")):
        if name != "gone.csv":
            (tmp_path / name).write_text("")
        with pytest.raises(e.BmadError, match=message):
            db.import_from(tmp_path / name)
    assert os.path.exists(tmp_path / "x.xml")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(e.StoreError, match="is no file"):
        db.import_from(tmp_path / "pipe.csv", Task)
    assert db.user == USER
