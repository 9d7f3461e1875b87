"""A small catalog for tests of store and queries: every kind of column, every scope, every rule."""

from __future__ import annotations

from bmaddb.schema import (
    Catalog,
    CatalogRecord,
    DeleteRule,
    LocalRecord,
    MergeRule,
    Module,
    ServerRecord,
    UserRecord,
    blob,
    boolean,
    integer,
    json,
    real,
    text,
    timestamp,
)

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
OTHER_USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f61"


class Genre(CatalogRecord, table="genres"):
    """Written by the server."""

    label = text()


class Author(UserRecord, table="authors", searchable=("name", "motto"), indexes=(("user_id", "name"),)):
    """A parent."""

    name = text()
    motto = text(null=True)


class Book(UserRecord, table="books", indexes=(("state", "pages"),)):
    """A child, with every kind of column."""

    title = text()
    author_id = text(null=True, references="authors", on_delete="cascade")
    editor_id = text(null=True, references="authors", on_delete="null")
    genre_id = text(null=True, references="genres", on_delete="null")
    sequel_of = text(null=True, soft_references="loans")
    state = text(default="todo", enum=("todo", "reading", "done"))
    pages = integer(default=0, check="pages >= 0")
    price = real(null=True)
    owned = boolean(default=False)
    tags = json(default=[])
    extra = json(null=True)
    read_at = timestamp(null=True)
    cover = blob(null=True)
    isbn = text(null=True, merge=MergeRule.IMM)
    rating = integer(null=True, merge=MergeRule.SRV)


class Loan(UserRecord, table="loans"):
    """A child that holds its parent back."""

    book_id = text(references="books", on_delete="restrict")
    to_whom = text(default="")
    renewal_of = text(null=True, references="loans", on_delete="null", merge=MergeRule.IMM)


class Shelf(UserRecord, table="shelves", natural_key=("user_id", "name"), key_folded=True):
    """Its id follows from its name."""

    name = text()
    order = integer(default=0)


class Diary(UserRecord, table="diary", delete=DeleteRule.NEVER):
    """Its rows stay."""

    line = text()


class Invoice(UserRecord, table="invoices", delete=DeleteRule.SERVER_ONLY):
    """Only the server writes it."""

    total = integer(default=0)


class Draft(LocalRecord, table="drafts", uniques=(("slot",),)):
    """Never leaves the device."""

    body = text()
    slot = integer(null=True)


class Ledger(ServerRecord, table="ledger"):
    """Never reaches a device."""

    line = text()


LIBRARY = Module(
    name="library",
    purpose="tests",
    records=(Genre, Author, Book, Loan, Shelf, Diary, Invoice, Draft, Ledger),
    seeds={"genres": ({"id": "novel", "label": "Roman"}, {"id": "poem", "label": "Gedicht"})},
)


def library(version: int = 14) -> Catalog:
    """The catalog of these tables alone."""
    return Catalog([LIBRARY], version=version)
