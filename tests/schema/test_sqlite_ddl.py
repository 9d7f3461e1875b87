"""The tables of a device are really made, and refuse what the declaration forbids."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from bmaddb.modules import digests
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog, Module, Scope, Table, UserRecord, json, real, text, timestamp
from bmaddb.schema.catalog import Digests
from bmaddb.schema.kinds import Kind, to_raw
from bmaddb.schema.sqlite_ddl import create_all, create_indexes, create_table, enforced_references
from bmaddb.schema.sqlite_ddl_search import create_search
from tests.schema.rows import insert, needed, open_file, row
from tests.support.golden import assert_golden

CATALOG = default_catalog()
TABLES = CATALOG.device_tables
CHECKED = tuple(table for table in TABLES if not table.options.engine)
FAR_OFF = (-(10**9), 10**9, "", "x" * 1000)


@pytest.fixture(scope="module")
def file() -> apsw.Connection:
    return open_file(CATALOG)


@pytest.fixture
def scratch(file: apsw.Connection) -> Iterator[apsw.Connection]:
    """What a test writes, the next one does not see; foreign keys wait for a commit that never comes."""
    file.execute("BEGIN")
    yield file
    file.execute("ROLLBACK")


def test_the_text_is_the_golden_text() -> None:
    assert_golden("sqlite.sql", create_all(CATALOG))
    assert_golden("sqlite_search.sql", create_search(CATALOG))


def test_the_digests_of_the_twelve_are_golden() -> None:
    """They stand in the program, so that opening a file need not make its DDL again: a false one hides a change."""
    made = Digests(_short(create_all(CATALOG)), _short(create_search(CATALOG)))
    if os.environ.get("UPDATE_GOLDENS") == "1":
        place = Path(digests.__file__)
        text = place.read_text(encoding="utf-8")
        for name, digest in msgspec.structs.asdict(made).items():
            text = re.sub(f'{name}="[0-9a-f]+"', f'{name}="{digest}"', text)
        place.write_text(text, encoding="utf-8")
    else:
        assert made == digests.DIGESTS, "the DDL differs: read the diff of the golden files, then `make golden`"


def _short(ddl: str) -> str:
    return hashlib.sha256(ddl.encode()).hexdigest()


def test_every_device_table_exists_and_is_strict(file: apsw.Connection) -> None:
    made = {name: strict for _, name, _, _, _, strict in file.execute("PRAGMA table_list") if name != "sqlite_schema"}
    assert {table.name for table in TABLES} <= made.keys()
    assert all(made[table.name] for table in TABLES)
    assert not [table.name for table in CATALOG.tables.values() if not table.on_device and table.name in made]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns_stand_in_the_order_of_the_record(file: apsw.Connection, table: Table) -> None:
    columns = [name for (name,) in file.execute(f"SELECT name FROM pragma_table_info('{table.name}')")]
    assert columns == [column.name for column in table.columns]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_row_of_needed_values_gets_the_declared_defaults(scratch: apsw.Connection, table: Table) -> None:
    insert(scratch, table, needed(table))
    stored = row(scratch, table.name, "abc")
    for column in table.columns:
        if column.spec.has_default:
            default = column.spec.default
            assert stored[column.name] == (None if default is None else to_raw(column.kind, default))
        elif column.spec.nullable:
            assert stored[column.name] is None


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_may_not_be_null_is_refused(scratch: apsw.Connection, table: Table) -> None:
    for column in table.columns:
        if not column.spec.nullable and column.name != table.options.row_key:
            with pytest.raises(apsw.ConstraintError, match=f"NOT NULL.*{table.name}.{column.name}"):
                insert(scratch, table, {**needed(table), column.name: None})


def test_a_row_key_is_the_key_and_the_only_index(scratch: apsw.Connection) -> None:
    table = CATALOG.table("outbox_operations")
    insert(scratch, table, {**needed(table), "id": "a", "position": -7})
    assert scratch.execute("SELECT rowid FROM outbox_operations").get == -7
    with pytest.raises(apsw.ConstraintError, match=r"UNIQUE.*position"):
        insert(scratch, table, {**needed(table), "id": "b", "position": -7})
    assert not scratch.execute("SELECT count(*) FROM pragma_index_list('outbox_operations')").get


@pytest.mark.parametrize("table", CHECKED, ids=lambda table: table.name)
def test_enums_booleans_and_json_are_checked(scratch: apsw.Connection, table: Table) -> None:
    wrong = {Kind.BOOL: 2, Kind.JSON: "{not json"}
    for column in table.columns:
        value = "no such word" if column.spec.enum else wrong.get(column.kind)
        if value is not None:
            with pytest.raises(apsw.ConstraintError, match="CHECK"):
                insert(scratch, table, {**needed(table), column.name: value})


@pytest.mark.parametrize(
    ("table", "name"),
    [(table, column.name) for table in CHECKED for column in table.columns if column.spec.check],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_declared_check_bites(scratch: apsw.Connection, table: Table, name: str) -> None:
    is_text = table.column(name).kind is Kind.TEXT
    candidates = [value for value in FAR_OFF if isinstance(value, str) is is_text]
    refusals = [
        refusal
        for number, value in enumerate(candidates)
        if (refusal := refused(scratch, table, {**needed(table), "id": f"row-{number}", name: value}))
    ]
    assert refusals
    assert all("CHECK" in refusal for refusal in refusals)


def refused(connection: apsw.Connection, table: Table, values: dict[str, Any]) -> str:
    try:
        insert(connection, table, values)
    except apsw.ConstraintError as error:
        return str(error)
    return ""


def test_the_engines_own_tables_have_no_checks_to_pay_for(scratch: apsw.Connection) -> None:
    for table in (table for table in TABLES if table.options.engine):
        [(text,)] = scratch.execute("select sql from sqlite_schema where type = 'table' and name = ?", (table.name,))
        assert "CHECK" not in text


@pytest.mark.parametrize("wrong", ["", "a" * 65, "space here", "sla/sh", "quote'", "é", "semi;colon", "a\n"])
def test_ids_of_a_user_are_plain(scratch: apsw.Connection, wrong: str) -> None:
    tags = CATALOG.table("tags")
    with pytest.raises(apsw.ConstraintError, match="CHECK"):
        insert(scratch, tags, {**needed(tags), "id": wrong})


@pytest.mark.parametrize("right", ["a", "A9_.-", "a" * 64, "0198c0de-0000-7000-8000-000000000001"])
def test_ids_of_both_kinds_of_client_are_taken(scratch: apsw.Connection, right: str) -> None:
    tags = CATALOG.table("tags")
    insert(scratch, tags, {**needed(tags), "id": right})
    assert row(scratch, "tags", right)["id"] == right


def test_a_catalogue_id_may_hold_signs(scratch: apsw.Connection) -> None:
    areas = CATALOG.table("life_areas")
    insert(scratch, areas, {**needed(areas), "id": "frame@1/one>balances>frame@1/two"})


def test_no_foreign_key_leads_to_a_catalogue_table() -> None:
    for table in TABLES:
        for column in enforced_references(table, CATALOG):
            assert CATALOG.table(str(column.spec.references)).scope is not Scope.CATALOG
    assert any(table.foreign_keys and not enforced_references(table, CATALOG) for table in TABLES)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_enforced_reference_is_found_by_an_index(file: apsw.Connection, table: Table) -> None:
    for column in enforced_references(table, CATALOG):
        query = f'SELECT 1 FROM "{table.name}" WHERE "{column.name}" = ?'
        plan = " ".join(detail for *_, detail in file.execute(f"EXPLAIN QUERY PLAN {query}", ("x",)))
        assert "USING" in plan, plan
        assert f"{column.name}=?" in plan, plan


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_device_index_serves_one_user_and_none_is_said_twice(table: Table) -> None:
    statements = create_indexes(table, CATALOG)
    assert len(set(statements)) == len(statements)
    assert not [statement for statement in statements if '("user_id"' in statement]
    unique = [statement for statement in statements if "UNIQUE" in statement]
    assert not unique or table.scope is Scope.LOCAL


def parents_and_children() -> Catalog:
    class Parent(UserRecord, table="parents"):
        """Somebody."""

    class Kept(UserRecord, table="kept_children"):
        """Loses its parent."""

        parent_id = text(null=True, references="parents", on_delete="null")

    class Taken(UserRecord, table="taken_children"):
        """Goes with its parent."""

        parent_id = text(references="parents", on_delete="cascade")

    class Guard(UserRecord, table="guards"):
        """Keeps its parent from going."""

        parent_id = text(references="parents", on_delete="restrict")

    return Catalog([Module(name="family", purpose="Parents and children.", records=(Parent, Kept, Taken, Guard))])


def test_a_child_may_come_before_its_parent_within_a_transaction() -> None:
    catalog = parents_and_children()
    connection = open_file(catalog)
    with connection:
        insert(connection, catalog.table("guards"), {**needed(catalog.table("guards")), "parent_id": "p"})
        insert(connection, catalog.table("parents"), {**needed(catalog.table("parents")), "id": "p"})
    with pytest.raises(apsw.ConstraintError, match="FOREIGN KEY"):
        insert(
            connection,
            catalog.table("guards"),
            {**needed(catalog.table("guards")), "id": "g", "parent_id": "?"},
        )


def test_deleting_a_parent_does_what_the_children_say() -> None:
    catalog = parents_and_children()
    connection = open_file(catalog)
    insert(connection, catalog.table("parents"), {**needed(catalog.table("parents")), "id": "p"})
    for name in ("kept_children", "taken_children", "guards"):
        insert(connection, catalog.table(name), {**needed(catalog.table(name)), "parent_id": "p"})
    with pytest.raises(apsw.ConstraintError, match="FOREIGN KEY"):
        connection.execute("DELETE FROM parents")
    with connection:  # refused only at the end: a transaction may put it right
        connection.execute("DELETE FROM parents")
        connection.execute("DELETE FROM guards")
    assert list(connection.execute("SELECT id, parent_id FROM kept_children")) == [("abc", None)]
    assert not list(connection.execute("SELECT id FROM taken_children"))


def test_defaults_with_quotes_and_moments_are_written_as_sqlite_holds_them() -> None:
    class Odd(UserRecord, table="odd_things"):
        """Defaults that need care."""

        quoted = text(default='it\'s "so"; --')
        data = json(default={"bb": "é'", "a": [1.5, None]})
        share = real(default=-0.5)
        since = timestamp(default=datetime(2026, 1, 1, tzinfo=UTC))

    catalog = Catalog([Module(name="odd", purpose="Odd.", records=(Odd,))])
    connection = open_file(catalog)
    insert(connection, Odd.__table__, needed(Odd.__table__))
    stored = row(connection, "odd_things", "abc")
    assert stored["quoted"] == 'it\'s "so"; --'
    assert stored["data"] == '{"a":[1.5,null],"bb":"é\'"}'
    assert stored["share"] == -0.5
    assert stored["since"] == 1_767_225_600_000


def test_a_table_can_be_made_under_another_name_while_it_is_rebuilt() -> None:
    made = create_table(CATALOG.table("tasks"), CATALOG, name="tasks__rebuilt")
    assert made.startswith('CREATE TABLE "tasks__rebuilt" (')
    assert made.endswith("\n) STRICT;")
    assert 'REFERENCES "tasks" ("id")' in made
