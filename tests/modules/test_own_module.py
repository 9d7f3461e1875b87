"""A module declared in an application gets what the twelve get; the example runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bmaddb.cli.main import main as command
from bmaddb.schema.document import schema_document
from bmaddb.schema.postgres_ddl import postgres_ddl
from bmaddb.schema.sqlite_ddl import create_all
from bmaddb.schema.watermelon import watermelon_schema

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(EXAMPLES)
    __import__("own_module")
    yield sys.modules["own_module"]
    del sys.modules["own_module"]


def test_the_example_runs(example: ModuleType, tmp_path: Path) -> None:
    assert example.main(tmp_path / "reading.db") == ["Max Havelaar (reading): 75 minutes"]


def test_an_own_module_is_in_every_export(example: ModuleType) -> None:
    catalog = example.CATALOG
    assert 'CREATE TABLE "reading_sessions"' in create_all(catalog)
    assert 'create table bmad."reading_sessions"' in postgres_ddl(catalog)
    assert {"books", "reading_sessions"} <= {table["name"] for table in watermelon_schema(catalog)["tables"]}
    assert schema_document(catalog)["modules"][-1]["name"] == "reading"


def test_the_command_prints_a_catalog_of_an_application(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["schema", "--format", "sqlite", "--catalog", "own_module:CATALOG"]) == 0
    assert capsys.readouterr().out == create_all(example.CATALOG)
