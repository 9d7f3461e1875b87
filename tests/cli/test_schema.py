"""`bmaddb schema` prints what the generators say, and refuses a catalog that is not there."""

from __future__ import annotations

import json

import pytest

from bmaddb.cli.main import main
from bmaddb.modules.registry import catalog_with, default_catalog
from bmaddb.schema import Module, UserRecord, integer, text
from bmaddb.schema.evolution import AddColumn, Migration
from bmaddb.schema.postgres_ddl import postgres_ddl
from bmaddb.schema.sqlite_ddl import create_all
from bmaddb.schema.watermelon import watermelon_schema


class Book(UserRecord, table="books"):
    """A book, which has pages since version 15."""

    title = text()
    pages = integer(null=True)


LIBRARY = catalog_with(Module(name="library", purpose="Books.", records=(Book,)), version=15)
ROAD = [Migration(15, (AddColumn("books", "pages", integer(null=True)),))]
HERE = ["--catalog", f"{__name__}:LIBRARY"]


def printed(capsys: pytest.CaptureFixture[str], form: str) -> str:
    assert main(["schema", "--format", form]) == 0
    return capsys.readouterr().out


def test_sql_of_both_wings(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "sqlite") == create_all(default_catalog())
    assert printed(capsys, "postgres") == postgres_ddl(default_catalog())


def test_json_of_both_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(capsys, "watermelondb")) == watermelon_schema(default_catalog())
    modules = json.loads(printed(capsys, "json"))["modules"]
    assert [len(modules), sum(len(module["tables"]) for module in modules)] == [12, 64]


@pytest.mark.parametrize("path", ["nowhere:CATALOG", "json:CATALOG", "json", "json:dumps", ":x", "..:x"])
def test_a_catalog_that_is_not_there_is_one_clear_line(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--format", "json", "--catalog", path]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("bmaddb: ")
    assert said.err.count("\n") == 1
    assert "hint:" in said.err


def test_a_format_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["schema", "--format", "oracle"])
    assert left.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_migrations_as_watermelondb_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--format", "watermelondb-migrations", *HERE, "--migrations", f"{__name__}:ROAD"]) == 0
    pages = {"name": "pages", "type": "number", "isOptional": True}
    added = {"type": "add_columns", "table": "books", "columns": [pages]}
    assert json.loads(capsys.readouterr().out) == [{"toVersion": 15, "steps": [added]}]
    assert json.loads(printed(capsys, "watermelondb-migrations")) == [], "the twelve are of the first version"


def test_migrations_with_a_gap_and_migrations_nobody_asked_for_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--format", "watermelondb-migrations", *HERE]) == 1
    assert "the catalog needs [15]" in capsys.readouterr().err
    assert main(["schema", "--format", "json", *HERE, "--migrations", f"{__name__}:ROAD"]) == 1
    assert "--format watermelondb-migrations" in capsys.readouterr().err
