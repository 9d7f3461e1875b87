"""The same migrations on real Postgres: the tables are as new ones would be, and keep their rows."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.schema import Catalog
from bmaddb.schema.evolution import Migration, RenameColumn, RenameTable
from bmaddb.schema.evolution_postgres import postgres_steps
from bmaddb.schema.postgres_ddl import create_tables
from tests.schema.library import MIGRATIONS, library_after, library_before
from tests.schema.rows import USER
from tests.schema.test_evolution import two_names
from tests.support.postgres import Database

OWNED = f"'{USER}', now(), now(), 7, '000000000001-0000-abcdefabcdef'"
OLD_ROWS = f"""
insert into bmad.genres (id, label) values ('g', 'novel');
insert into bmad.books (user_id, created_at, updated_at, server_seq, hlc, id, title, pages, shelf, genre_id,
  stamps) values ({OWNED}, 'b', 'Max', 320, 'top', 'g', '{{"pages": "p", "shelf": "s", "title": "t"}}');
insert into bmad.loans (user_id, created_at, updated_at, server_seq, hlc, id, book_id, due_on)
  values ({OWNED}, 'l', 'b', '2026-12-01');
insert into bmad.ratings (user_id, created_at, updated_at, server_seq, hlc, id, book_id)
  values ({OWNED}, 'r', 'b');
"""
COUNTING = """
create table public.touched (name text);
create function public.count_touch() returns trigger language plpgsql as
  'begin insert into public.touched values (tg_table_name); return null; end';
create trigger counting after update on bmad.books execute function public.count_touch();
alter table bmad.books enable row level security;
alter table bmad.books force row level security;
"""


def install(database: Database, catalog: Catalog) -> None:
    database.run("drop schema if exists bmad cascade; create schema bmad;")
    database.run(create_tables(catalog, catalog.server_tables))


def migrate(database: Database, steps: tuple[str, ...]) -> None:
    database.run("begin;\n" + "\n".join(steps) + "\ncommit;")


def shape(database: Database) -> dict[str, Any]:
    """Columns, constraints and indexes of the schema, by name and definition."""
    queries = {
        "columns": """
            select table_name || '.' || column_name, data_type, is_nullable, column_default
            from information_schema.columns where table_schema = 'bmad'""",
        "constraints": """
            select conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
            from pg_constraint where connamespace = 'bmad'::regnamespace and contype in ('c', 'f')""",
        "indexes": """
            select indexname, indexdef from pg_indexes where schemaname = 'bmad' and indexname like 'ix%'""",
        "tables": """
            select relname::text from pg_class where relnamespace = 'bmad'::regnamespace and relkind = 'r'""",
    }
    with database.connect() as connection:
        return {name: sorted(connection.execute(query.encode()).fetchall()) for name, query in queries.items()}


def test_migrated_tables_are_what_new_ones_would_be(postgres: Database) -> None:
    install(postgres, library_before())
    migrate(postgres, postgres_steps(MIGRATIONS, library_after(), 14))
    migrated = shape(postgres)
    install(postgres, library_after())
    assert migrated == shape(postgres)


def test_rows_and_their_stamps_come_along_without_a_new_version(postgres: Database) -> None:
    install(postgres, library_before())
    postgres.run(OLD_ROWS)
    postgres.run(COUNTING)
    migrate(postgres, postgres_steps(MIGRATIONS, library_after(), 14))
    with postgres.connect() as connection:
        book = connection.execute("select page_count, language, author_id, pages, server_seq, stamps from bmad.books")
        assert book.fetchall() == [(320, "nl", None, None, 7, {"page_count": "p", "title": "t"})]
        lending = connection.execute("select id, book_id, return_by, returned from bmad.lendings")
        assert lending.fetchall() == [("l", "b", "2026-12-01", False)]
        assert connection.execute("select label_i18n from bmad.genres").fetchall() == [({"nl": "it's"},)]
    assert postgres.value("select count(*) from public.touched") == 0
    assert postgres.value("select relforcerowsecurity from pg_class where oid = 'bmad.books'::regclass") is True


def test_triggers_work_again_after_a_migration(postgres: Database) -> None:
    install(postgres, library_before())
    postgres.run(OLD_ROWS)
    postgres.run(COUNTING)
    migrate(postgres, postgres_steps(MIGRATIONS, library_after(), 14))
    postgres.run("update bmad.books set title = 'Max Havelaar'")
    assert postgres.value("select count(*) from public.touched") == 1


def test_an_owner_without_superpowers_can_migrate_in_spite_of_forced_security(pg18: Database) -> None:
    install(pg18, library_before())
    pg18.run(OLD_ROWS)
    pg18.run(COUNTING)
    pg18.run("drop role if exists plain_owner; create role plain_owner; alter schema bmad owner to plain_owner;")
    for table in ("books", "loans", "ratings", "genres"):
        pg18.run(f"alter table bmad.{table} owner to plain_owner")
    migrate(pg18, ("set local role plain_owner;", *postgres_steps(MIGRATIONS, library_after(), 14)))
    assert pg18.value("select stamps from bmad.books") == {"page_count": "p", "title": "t"}
    pg18.run("drop schema bmad cascade; drop role plain_owner;")


def test_rules_hold_after_a_migration(postgres: Database) -> None:
    install(postgres, library_before())
    postgres.run(OLD_ROWS)
    migrate(postgres, postgres_steps(MIGRATIONS, library_after(), 14))
    for statement, state in (
        ("update bmad.books set language = 'de'", "23514"),
        ("update bmad.books set page_count = -1", "23514"),
        ("update bmad.books set pages = '0123456789'", "23514"),
        ("update bmad.books set author_id = 'nobody'", "23503"),
        ("update bmad.lendings set returned = null", "23502"),
    ):
        with pytest.raises(Exception) as refused:  # noqa: PT011
            postgres.run(statement)
        assert getattr(refused.value, "sqlstate", None) == state


def test_names_can_change_places(postgres: Database) -> None:
    catalog = two_names("reds", "blues")
    install(postgres, catalog)
    postgres.run(
        f"insert into bmad.reds (user_id, id, name) values ('{USER}', 'a', 'was red');"
        f"insert into bmad.blues (user_id, id, name) values ('{USER}', 'a', 'was blue');"
    )
    before = shape(postgres)
    swap = (RenameTable("reds", "x"), RenameTable("blues", "reds"), RenameTable("x", "blues"))
    back_and_forth = (RenameColumn("reds", "name", "label"), RenameColumn("reds", "label", "name"))
    migrate(postgres, postgres_steps([Migration(15, swap + back_and_forth)], catalog, 14))
    assert shape(postgres) == before
    assert postgres.value("select name from bmad.reds") == "was blue"


def test_a_database_that_is_up_to_date_needs_nothing() -> None:
    assert postgres_steps(MIGRATIONS, library_after(), 17) == ()
