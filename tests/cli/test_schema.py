"""`bmaddb schema` prints what the generators say, and refuses a catalog that is not there."""

from __future__ import annotations

import json

import pytest

from bmaddb.cli.main import main
from bmaddb.modules.registry import default_catalog
from bmaddb.schema.postgres_ddl import postgres_ddl
from bmaddb.schema.sqlite_ddl import create_all
from bmaddb.schema.watermelon import watermelon_schema


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
