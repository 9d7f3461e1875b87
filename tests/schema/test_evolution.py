"""Migrations: which make sense, what they come to, and that a real SQLite file keeps its rows."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from bmaddb import errors as e
from bmaddb.schema import Catalog, Record, UserRecord, integer, text
from bmaddb.schema.evolution import (
    AddColumn,
    AddIndex,
    CreateTable,
    DropColumn,
    DropTable,
    Migration,
    RenameColumn,
    RenameTable,
    Step,
    check_migrations,
    net_plan,
    rename_order,
)
from bmaddb.schema.evolution_sqlite import sqlite_steps
from bmaddb.schema.watermelon_migrations import watermelon_migrations
from tests.schema.library import MIGRATIONS, Author, catalog_of, library_after, library_before
from tests.schema.rows import USER, needed, open_file, row


def migrate(file: apsw.Connection, steps: tuple[str, ...]) -> None:
    """As the store does it: foreign keys off, one transaction, looked at before the commit."""
    file.execute("PRAGMA foreign_keys = OFF")
    with file:
        file.execute("\n".join(steps))
        assert not list(file.execute("PRAGMA foreign_key_check"))
    file.execute("PRAGMA foreign_keys = ON")


def shape(file: apsw.Connection) -> dict[str, Any]:
    """Everything SQLite knows about the tables, but for the order of columns."""
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        name: (
            sorted(tuple(info[1:6]) for info in file.execute(f"PRAGMA table_info('{name}')")),
            sorted(tuple(key[2:7]) for key in file.execute(f"PRAGMA foreign_key_list('{name}')")),
            sorted(tuple(index[1:]) for index in file.execute(f"PRAGMA index_list('{name}')")),
        )
        for name in tables
    }


def old_file() -> apsw.Connection:
    """A file of version 14 with a row in each table, and a child in each that has parents."""
    file = open_file(library_before())
    owned = {"user_id": USER, "created_at": 1, "updated_at": 2, "server_seq": 7}
    rows: dict[str, dict[str, Any]] = {
        "books": {"id": "b", **owned, "title": "Max", "pages": 320, "shelf": "top", "genre_id": "g"},
        "loans": {"id": "l", **owned, "book_id": "b", "due_on": "2026-12-01"},
        "ratings": {"id": "r", **owned, "book_id": "b"},
        "genres": {"id": "g", "label": "novel"},
        "memos": {"id": "m", "body": "call"},
    }
    with file:
        for table, values in rows.items():
            names, marks = ", ".join(values), ", ".join("?" for _ in values)
            file.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
    return file


def test_a_migrated_file_is_what_a_new_file_would_be() -> None:
    file, catalog = old_file(), library_after()
    migrate(file, sqlite_steps(MIGRATIONS, catalog, 14))
    assert shape(file) == shape(open_file(catalog))


def test_a_migrated_file_has_kept_its_rows() -> None:
    file = old_file()
    migrate(file, sqlite_steps(MIGRATIONS, library_after(), 14))
    owned = {"user_id": USER, "created_at": 1, "updated_at": 2, "server_seq": 7}
    assert row(file, "books", "b") == {
        "id": "b",
        **owned,
        "title": "Max",
        "page_count": 320,
        "genre_id": "g",
        "author_id": None,
        "language": "nl",
        "pages": None,
    }
    assert row(file, "lendings", "l") == {
        "id": "l",
        **owned,
        "book_id": "b",
        "return_by": "2026-12-01",
        "returned": 0,
    }
    assert row(file, "genres", "g")["label_i18n"] == '{"nl":"it\'s"}'
    assert row(file, "memos", "m") == {"id": "m", "body": "call", "pinned": 0}


def test_rules_hold_after_a_migration() -> None:
    file = old_file()
    migrate(file, sqlite_steps(MIGRATIONS, library_after(), 14))
    for statement in (
        "UPDATE books SET language = 'de'",
        "UPDATE books SET page_count = -1",
        "UPDATE books SET pages = '0123456789'",
        "UPDATE lendings SET returned = 2",
        "UPDATE books SET author_id = 'nobody'",
        "UPDATE genres SET label_i18n = 'no json'",
    ):
        with pytest.raises(apsw.ConstraintError):
            file.execute(statement)
    file.execute("DELETE FROM books")
    assert not list(file.execute("SELECT id FROM lendings"))


def test_a_file_that_is_up_to_date_needs_nothing() -> None:
    assert sqlite_steps(MIGRATIONS, library_after(), 17) == ()


def test_the_plan_is_the_net_effect() -> None:
    plan = net_plan(MIGRATIONS, library_after(), 14)
    books = next(table for table in plan.tables if table.table.name == "books")
    assert (books.source, books.added) == ("books", ("author_id", "language", "pages"))
    assert (books.renamed, books.dropped) == ({"page_count": "pages"}, ("shelf",))
    assert plan.renamed_tables == {"loans": "lendings"}
    assert plan.dropped_tables == ("ratings",)
    assert plan.to_pull == {
        "books": ("author_id", "language", "pages"),
        "lendings": ("returned",),
        "genres": ("label_i18n",),
        "authors": (),
    }


def test_what_came_and_went_in_between_leaves_no_trace() -> None:
    class Thing(UserRecord, table="things"):
        """A thing."""

        name = text()

    catalog = catalog_of(16, Thing)
    migrations = (
        Migration(
            15,
            (
                AddColumn("things", "brief", text(null=True)),
                CreateTable(Author),
                RenameColumn("things", "title", "label"),
            ),
        ),
        Migration(16, (DropColumn("things", "brief"), DropTable("authors"), RenameColumn("things", "label", "name"))),
    )
    plan = net_plan(migrations, catalog, 14)
    assert plan.dropped_tables == ()
    (things,) = plan.tables
    assert (things.added, things.dropped, things.renamed) == ((), (), {"name": "title"})


def test_a_table_that_was_made_and_then_changed_is_made_as_it_is_now() -> None:
    class Volume(UserRecord, table="volumes"):
        """Was called a book."""

        title = text()
        pages = integer(default=0)

    catalog = catalog_of(16, Volume)
    migrations = (
        Migration(15, (CreateTable(Volume, name="books"),)),
        Migration(16, (RenameTable("books", "volumes"), AddColumn("volumes", "pages", integer(default=0)))),
    )
    file = apsw.Connection(":memory:")
    migrate(file, sqlite_steps(migrations, catalog, 14))
    assert shape(file) == shape(open_file(catalog))


def two_names(first: str, second: str) -> Catalog:
    def named(table: str) -> type[Record]:
        class Thing(UserRecord, table=table, indexes=(("user_id", "name"),)):
            """A thing."""

            name = text()

        return Thing

    return catalog_of(15, named(first), named(second))


def test_tables_can_change_places() -> None:
    catalog = two_names("reds", "blues")
    file = open_file(catalog)
    for table in catalog.device_tables:
        values = {**needed(table), "name": f"was {table.name}"}
        names, marks = ", ".join(values), ", ".join("?" for _ in values)
        file.execute(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", tuple(values.values()))
    swap = Migration(15, (RenameTable("reds", "x"), RenameTable("blues", "reds"), RenameTable("x", "blues")))
    migrate(file, sqlite_steps([swap], catalog, 14))
    assert row(file, "reds", "abc")["name"] == "was blues"
    assert shape(file) == shape(open_file(catalog))


def test_renames_never_meet_a_name_that_is_taken() -> None:
    assert rename_order({"a": "b"}) == (("a", "b"),)
    names = {"a": 1, "b": 2, "c": 3}
    for old, new in rename_order({"a": "b", "b": "c", "c": "a"}):
        assert new not in names
        names[new] = names.pop(old)
    assert names == {"b": 1, "c": 2, "a": 3}


def book_catalog(version: int = 15) -> Catalog:
    class Book(UserRecord, table="books", indexes=(("user_id", "title"),)):
        """A book."""

        title = text()
        pages = integer(null=True)

    return catalog_of(version, Book)


SENSELESS: dict[str, tuple[tuple[Step, ...], str]] = {
    "a needed column": ((AddColumn("books", "pages", integer()),), "needs null=True or a default"),
    "a reference with a default": (
        (AddColumn("books", "pages", text(default="x", references="books", on_delete="cascade")),),
        "cannot have a default",
    ),
    "a column of another kind": (
        (AddColumn("books", "pages", text(null=True)),),
        "something else than it is declared",
    ),
    "a column nobody declares": ((AddColumn("books", "author", text(null=True)),), "no column 'author'"),
    "a column twice": (
        (AddColumn("books", "pages", integer(null=True)), AddColumn("books", "pages", integer(null=True))),
        "already",
    ),
    "an envelope column": (
        (AddColumn("books", "server_seq", integer(null=True)),),
        "part of every such table",
    ),
    "dropping what is declared": ((DropColumn("books", "pages"),), "but it is declared"),
    "renaming what is declared": ((RenameColumn("books", "title", "pages"),), "but it is declared"),
    "dropping twice": ((DropColumn("books", "shelf"), DropColumn("books", "shelf")), "any more"),
    "renaming what is gone": (
        (DropColumn("books", "shelf"), RenameColumn("books", "shelf", "pages")),
        "one is gone",
    ),
    "a table nobody declares": ((AddColumn("films", "pages", integer(null=True)),), "no module declares"),
    "dropping a declared table": ((DropTable("books"),), "a module declares it"),
    "using a dropped table": ((DropTable("films"), DropColumn("films", "shelf")), "any more"),
    "making a table twice": ((DropColumn("books", "shelf"), RenameTable("films", "books")), "already"),
    "an index nobody declares": ((AddIndex("books", ("user_id", "pages")),), "declares no index"),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_a_step_that_makes_no_sense_is_refused(case: str) -> None:
    steps, words = SENSELESS[case]
    with pytest.raises(e.SchemaError, match=words):
        check_migrations([Migration(15, steps)], book_catalog())


@pytest.mark.parametrize("versions", [[], [15], [16], [15, 17], [15, 15, 16], [16, 15], [15, 16, 17]])
def test_versions_follow_each_other_to_the_catalogs(versions: list[int]) -> None:
    migrations = [Migration(version, ()) for version in versions]
    with pytest.raises(e.SchemaError, match="the catalog needs"):
        check_migrations(migrations, book_catalog(version=16))


def test_the_default_catalog_needs_no_migration_yet() -> None:
    check_migrations([], book_catalog(version=14))
    check_migrations(MIGRATIONS, library_after())


@pytest.mark.parametrize("version", [13, 18])
def test_there_is_no_way_from_a_version_that_never_was(version: int) -> None:
    with pytest.raises(e.SchemaError, match="no way"):
        sqlite_steps(MIGRATIONS, library_after(), version)


def test_watermelon_is_told_what_it_can_understand() -> None:
    told = {entry["toVersion"]: entry["steps"] for entry in watermelon_migrations(MIGRATIONS, library_after())}
    assert {version: [(step["type"], step["table"]) for step in steps] for version, steps in told.items()} == {
        15: [("create_table", "authors"), ("add_columns", "books")],
        16: [("add_columns", "books"), ("create_table", "lendings")],
        17: [("add_columns", "genres"), ("add_columns", "lendings"), ("add_columns", "books")],
    }
    columns = {
        (version, step["table"]): [column["name"] for column in step["columns"]]
        for version, steps in told.items()
        for step in steps
    }
    assert columns[15, "authors"] == ["created_at", "updated_at", "name"]
    assert columns[15, "books"] == ["author_id", "language"]
    assert columns[16, "books"] == ["page_count"]
    assert columns[16, "lendings"] == ["created_at", "updated_at", "book_id", "due_on", "returned"]
    assert columns[17, "lendings"] == ["return_by"]
    assert columns[17, "books"] == ["pages"]
