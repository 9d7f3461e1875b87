"""A module of your own: declare two tables, and everything else follows from that.

    python examples/own_module.py          keeps a reading log beside the twelve modules, in a temporary file

The same catalog goes to the server (`bmaddb serve --help`), and other languages can have it too:

    PYTHONPATH=examples bmaddb schema --format watermelondb --catalog own_module:CATALOG
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import bmaddb
from bmaddb.modules.registry import catalog_with
from bmaddb.schema import (
    DeleteRule,
    MergeRule,
    Module,
    UserRecord,
    boolean,
    integer,
    json,
    text,
)

USER = "0198c0de-0000-7000-8000-000000000001"


class Book(
    UserRecord,
    table="books",
    delete=DeleteRule.EDIT_WINS,
    natural_key=("user_id", "isbn"),
    indexes=(("user_id", "state", "title"),),
    searchable=("title", "thoughts"),
):
    """A book somebody reads; the ISBN makes the id, so adding it on two devices makes one book."""

    isbn = text(merge=MergeRule.IMM, check="length(isbn) between 10 and 13")
    title = text()
    state = text(default="wanted", enum=("wanted", "reading", "finished"), merge=MergeRule.STM)
    pages = integer(null=True, check="pages > 0")
    thoughts = text(null=True, merge=MergeRule.TXT, sealable=True)
    labels = json(default=[], merge=MergeRule.SET)
    goal_id = text(null=True, references="goals", on_delete="null", note="a goal of tasksProductivity")


class ReadingSession(UserRecord, table="reading_sessions", indexes=(("user_id", "read_on"),)):
    """An hour with a book; goes when the book goes."""

    book_id = text(merge=MergeRule.IMM, references="books", on_delete="cascade")
    read_on = text(merge=MergeRule.IMM, note="YYYY-MM-DD")
    minutes = integer(check="minutes between 1 and 1440")
    aloud = boolean(default=False)


READING = Module(
    name="reading",
    purpose="Which books are read, and when.",
    records=(Book, ReadingSession),
)
CATALOG = catalog_with(READING)


def main(path: Path) -> list[str]:
    """Write a little, read it back; gives one line for each finished or running book."""
    with bmaddb.open(path, user=USER, catalog=CATALOG) as db:
        with db.write() as tx:
            book = tx.insert(Book, isbn="9789029092142", title="Max Havelaar", pages=320, labels=["classic"])
            tx.insert(ReadingSession, book_id=book.id, read_on="2026-11-22", minutes=45)
            tx.insert(ReadingSession, book_id=book.id, read_on="2026-11-23", minutes=30, aloud=True)
            tx.update(book, state="reading")
        open_books = db.query(Book).where(Book.state != "wanted").order_by(Book.title.asc()).all()
        return [f"{book.title} ({book.state}): {minutes_of(db, book)} minutes" for book in open_books]


def minutes_of(db: bmaddb.Database, book: Book) -> int:
    """All minutes with a book."""
    sessions = db.query(ReadingSession).where(ReadingSession.book_id == book.id).all()
    return sum(session.minutes for session in sessions)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for line in main(Path(folder) / "reading.db"):
            print(line)
