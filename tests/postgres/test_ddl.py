"""The text itself: golden, plain for every supported Postgres, and safe to read."""

from __future__ import annotations

import re
import types

import pytest

from bmaddb import errors as e
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog, Module, Scope, UserRecord, text
from bmaddb.schema.postgres_ddl import create_tables, numbered, postgres_ddl, tables_security, tables_triggers
from bmaddb.schema.postgres_ddl_tables import NAME_BYTES_MAX, create_table, foreign_keys, object_name, uniques
from tests.postgres.small_catalog import Box, Setting, Thing, small_catalog
from tests.support.golden import assert_golden

CATALOG = default_catalog()


def test_the_tables_of_the_default_catalogue_are_the_golden_text() -> None:
    parts = (
        create_tables(CATALOG, CATALOG.server_tables),
        tables_security(CATALOG),
        tables_triggers(CATALOG, numbered(CATALOG)),
    )
    assert_golden("postgres.sql", "\n\n".join(parts) + "\n")


def test_all_of_a_small_catalogue_is_the_golden_text() -> None:
    assert_golden("postgres_small.sql", postgres_ddl(small_catalog()))


def test_every_table_on_the_server_is_in_it_and_no_local_one() -> None:
    created = set(re.findall(r'create table bmad\."(\w+)"', postgres_ddl(CATALOG)))
    assert created == {table.name for table in CATALOG.tables.values() if table.scope is not Scope.LOCAL}


def test_it_needs_no_extension_and_no_superuser() -> None:
    text = postgres_ddl(CATALOG).lower()
    assert not re.search(r"create extension|superuser|security definer|uuid_generate|security_barrier", text)


def test_a_key_to_a_users_row_carries_the_user_and_waits() -> None:
    keys = foreign_keys(Thing.__table__, small_catalog())
    assert [key.split(" references ", 1)[1] for key in keys] == [
        'bmad."boxes" (user_id, id) on delete cascade deferrable initially deferred;',
        'bmad."boxes" (user_id, id) on delete set null ("shelf_id") deferrable initially deferred;',
        'bmad."boxes" (user_id, id) on delete no action deferrable initially deferred;',
    ]
    assert 'foreign key ("colour_id") references bmad."colours" (id)' in "".join(
        foreign_keys(Box.__table__, small_catalog())
    )


def test_columns_that_stay_on_a_device_are_left_out() -> None:
    assert '"opened"' not in create_table(Thing.__table__)


class Label(UserRecord, table="labels", uniques=(("user_id", "name"),)):
    """Its unique is no natural key."""

    name = text()


def test_only_a_natural_key_may_be_unique_for_a_user() -> None:
    assert uniques(Setting.__table__) == (("user_id", "key"),)
    assert uniques(Label.__table__) == ()


def test_names_fit_and_stay_apart() -> None:
    long = [object_name("ix", "t" * 48, "c" * 40 + last) for last in "ab"]
    assert all(len(name) <= NAME_BYTES_MAX for name in long)
    assert long[0] != long[1]


def test_numbers_of_tables_never_change() -> None:
    first = numbered(small_catalog())
    assert numbered(small_catalog(), {"boxes": 40}) == {
        "boxes": 40,
        **{name: 40 + place for place, name in enumerate((n for n in first if n != "boxes"), start=1)},
    }


def test_a_table_too_wide_for_a_row_array_is_refused() -> None:
    columns = {f"c{n}": text(null=True) for n in range(91)}
    wide = types.new_class("Wide", (UserRecord,), {"table": "wide"}, lambda body: body.update(columns))
    with pytest.raises(e.SchemaError, match="more than 90 columns"):
        postgres_ddl(Catalog([Module(name="m", purpose="", records=(wide,))]))
