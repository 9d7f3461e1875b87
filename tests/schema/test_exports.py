"""The WatermelonDB schema and the JSON document: golden, and true to the rules of their readers."""

from __future__ import annotations

import json
import re

import pytest

from bmaddb import errors as e
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog, Module, Record, UserRecord, blob, text
from bmaddb.schema.document import schema_document
from bmaddb.schema.watermelon import watermelon_schema
from tests.support.golden import assert_golden

CATALOG = default_catalog()
# what the client library checks about a name (in its own words: its name checker)
VALID_NAME = re.compile(r"[a-zA-Z_]\w*")
RESERVED = {"id", "_changed", "_status", "local_storage", "$loki", "rowid", "oid", "_rowid_", "sqlite_master"}
OF_EVERY_OBJECT = {"constructor", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf", "toLocaleString"}


def pretty(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def test_the_watermelon_schema_is_golden() -> None:
    assert_golden("watermelon.json", pretty(watermelon_schema(CATALOG)))


def test_the_document_is_golden_and_plain_json() -> None:
    document = schema_document(CATALOG)
    assert json.loads(json.dumps(document)) == document
    assert_golden("schema.json", pretty(document))


def test_watermelon_gets_every_synced_table_and_nothing_else() -> None:
    schema = watermelon_schema(CATALOG)
    assert schema["version"] == CATALOG.version == 14
    assert [table["name"] for table in schema["tables"]] == [table.name for table in CATALOG.synced_tables]


def test_watermelon_takes_every_name_and_type() -> None:
    for table in watermelon_schema(CATALOG)["tables"]:
        names = [column["name"] for column in table["columns"]]
        assert len(set(names)) == len(names)
        for name in (table["name"], *names):
            assert VALID_NAME.fullmatch(name)
            assert not name.startswith("__")
            assert name.lower() not in RESERVED
            assert name not in OF_EVERY_OBJECT
        for column in table["columns"]:
            assert column["type"] in {"string", "number", "boolean"}
            if column["name"] in {"created_at", "updated_at"}:
                assert column["type"] == "number"
                assert "isOptional" not in column


def test_watermelon_sees_what_travels_and_only_that() -> None:
    shown = {
        table["name"]: {column["name"] for column in table["columns"]} for table in watermelon_schema(CATALOG)["tables"]
    }
    for name, columns in shown.items():
        table = CATALOG.table(name)
        hidden = {"id", "user_id", "server_seq"} | {column.name for column in table.columns if not column.synced}
        assert columns == set(table.by_name) - hidden
    assert "local_path" not in shown["attachments"]
    assert {"published_at", "retired_at"} <= shown["life_areas"]


def test_watermelon_has_an_index_on_references_and_first_columns() -> None:
    tasks = next(table for table in watermelon_schema(CATALOG)["tables"] if table["name"] == "tasks")
    indexed = {column["name"] for column in tasks["columns"] if column.get("isIndexed")}
    assert indexed == {"state", "goal_id", "parent_task_id", "coaching_session_id"}


def test_what_watermelon_cannot_hold_is_refused() -> None:
    class Picture(UserRecord, table="pictures"):
        """Bytes."""

        pixels = blob()

    class Stamped(UserRecord, table="stamped"):
        """A word where a number must be."""

        last_modified = text()

    class Reserved(UserRecord, table="local_storage"):
        """A name that is taken."""

    for record in (Picture, Stamped, Reserved):
        with pytest.raises(e.SchemaError, match="WatermelonDB"):
            watermelon_schema(one_table(record))


def one_table(record: type[Record]) -> Catalog:
    return Catalog([Module(name="own", purpose="For a test.", records=(record,))])
