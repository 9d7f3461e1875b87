"""What a display shows and what it hides; rows for data frames."""

from __future__ import annotations

import sys
import types
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.query.frames import SHOWN_ROWS_MAX
from bmaddb.modules.registry import default_catalog
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema.records import HIDDEN
from bmaddb.schema.rules import Sensitivity
from tests.schema.rows import PLAIN

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


@pytest.mark.parametrize("name", [table.name for table in default_catalog().device_tables])
def test_no_special_value_is_in_a_repr(name: str) -> None:
    record = default_catalog().record(name)
    columns = record.__table__.columns
    row = record(*[PLAIN[column.kind] for column in columns])
    words = repr(row)
    for column in columns:
        secret = column.spec.sensitivity is Sensitivity.SPECIAL and column.name not in record.__envelope__
        assert (f" {column.name}={HIDDEN!r}" in words) == secret
    assert "(id='abc'" in words


def test_a_notebook_shows_the_first_rows_escaped(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "a.db", user=USER, durability="normal") as db:
        with db.write() as tx:
            tx.insert_many(Task, [{"title": "<script>"}] * (SHOWN_ROWS_MAX + 1))
        shown = db.query(Task)._repr_html_()
        assert shown.count("<tr>") == SHOWN_ROWS_MAX + 1
        assert "<script>" not in shown
        assert f"the first {SHOWN_ROWS_MAX} rows" in shown
        assert "1 rows" in db.query(Task).limit(1)._repr_html_()


def test_rows_become_what_other_libraries_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with bmaddb.open(tmp_path / "a.db", user=USER, durability="normal") as db:
        with db.write() as tx:
            tx.insert(Task, title="a", due_at=moment, tag_ids=["x"])
        row = db.query(Task).to_dicts()[0]
        assert (row["title"], row["due_at"], row["tag_ids"]) == ("a", moment, ["x"])
        for package, make in (("pyarrow", "table"), ("pandas", "DataFrame"), ("polars", "DataFrame")):
            end = getattr(db.query(Task), f"to_{package.removeprefix('py')}")
            monkeypatch.setitem(sys.modules, package, None)
            with pytest.raises(e.SettingsError, match="not installed"):
                end()
            monkeypatch.setitem(sys.modules, package, types.SimpleNamespace(**{make: dict}))
            columns = end()
            assert (columns["title"], columns["due_at"], columns["tag_ids"]) == (["a"], [moment], ['["x"]'])
