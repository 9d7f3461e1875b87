"""A small library before and after three migrations: new, renamed and dropped tables and columns."""

from __future__ import annotations

from bmaddb.schema import (
    Catalog,
    CatalogRecord,
    LocalRecord,
    Module,
    Record,
    UserRecord,
    boolean,
    integer,
    json,
    text,
)
from bmaddb.schema.evolution import (
    AddColumn,
    AddIndex,
    CreateTable,
    DropColumn,
    DropTable,
    Migration,
    RenameColumn,
    RenameTable,
)


def catalog_of(version: int, *records: type[Record]) -> Catalog:
    module = Module(name="library", purpose="Books and who has them.", records=records)
    return Catalog([module], version=version)


def library_before() -> Catalog:
    """Version 14."""

    class Book(UserRecord, table="books", indexes=(("user_id", "title"),)):
        """A book."""

        title = text()
        pages = integer(null=True, check="pages >= 0")
        shelf = text(null=True)
        genre_id = text(null=True, references="genres", on_delete="null")

    class Loan(UserRecord, table="loans", indexes=(("user_id", "due_on"),)):
        """A book somebody has."""

        book_id = text(references="books", on_delete="cascade")
        due_on = text()

    class Rating(UserRecord, table="ratings"):
        """What somebody thought of it."""

        book_id = text(references="books", on_delete="cascade")
        stars = integer(default=3)

    class Genre(CatalogRecord, table="genres"):
        """A kind of book."""

        label = text()

    class Memo(LocalRecord, table="memos"):
        """A note to oneself."""

        body = text()

    return catalog_of(14, Book, Loan, Rating, Genre, Memo)


class Author(UserRecord, table="authors"):
    """Who wrote it."""

    name = text()


class Lending(UserRecord, table="lendings", indexes=(("user_id", "return_by"),)):
    """A book somebody has."""

    book_id = text(references="books", on_delete="cascade")
    return_by = text()
    returned = boolean(default=False)


LANGUAGES = ("nl", "en")


def library_after() -> Catalog:
    """Version 17."""

    class Book(UserRecord, table="books", indexes=(("user_id", "title"), ("user_id", "language"))):
        """A book."""

        title = text()
        page_count = integer(null=True, check="page_count >= 0")
        genre_id = text(null=True, references="genres", on_delete="null")
        author_id = text(null=True, references="authors", on_delete="null")
        language = text(default="nl", enum=LANGUAGES)
        pages = text(null=True, check="length(pages) < 10")

    class Genre(CatalogRecord, table="genres"):
        """A kind of book."""

        label = text()
        label_i18n = json(default={"nl": "it's"})

    class Memo(LocalRecord, table="memos"):
        """A note to oneself."""

        body = text()
        pinned = boolean(default=False)

    return catalog_of(17, Book, Lending, Genre, Memo, Author)


MIGRATIONS = (
    Migration(
        15,
        (
            CreateTable(Author),
            AddColumn("books", "author_id", text(null=True, references="authors", on_delete="null")),
            AddColumn("books", "language", text(default="nl", enum=LANGUAGES)),
            AddIndex("books", ("user_id", "language")),
            AddColumn("memos", "pinned", boolean(default=False)),
        ),
    ),
    Migration(
        16,
        (
            RenameColumn("books", "pages", "page_count"),
            DropColumn("books", "shelf"),
            RenameTable("loans", "lendings"),
            AddColumn("lendings", "returned", boolean(default=False)),
        ),
    ),
    Migration(
        17,
        (
            DropTable("ratings"),
            AddColumn("genres", "label_i18n", json(default={"nl": "it's"})),
            RenameColumn("lendings", "due_on", "return_by"),
            AddColumn("books", "pages", text(null=True, check="length(pages) < 10")),
        ),
    ),
)
