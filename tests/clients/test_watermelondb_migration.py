"""An app of schema 13 is updated to 14 in place, and gets what it could not hold before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import pytest

from tests.clients.conftest import OpenDevice
from tests.clients.truth import Truth, assert_same
from tests.clients.watermelon import Schema, Watermelon

OLD_VERSION = 13
NEW_TABLE = "goals"
NEW_COLUMNS = {"tasks": {"priority", "estimate_min", "tag_ids"}, "habits": {"active"}}
Migrations: TypeAlias = list[Mapping[str, Any]]


@pytest.fixture(scope="module")
def old_schema(schema: Schema) -> Schema:
    """As if `goals` and some columns came with version 14."""
    tables = [_without(table) for table in schema["tables"] if table["name"] != NEW_TABLE]
    return {"version": OLD_VERSION, "tables": tables}


@pytest.fixture(scope="module")
def migrations(schema: Schema) -> Migrations:
    """What the app's authors write for the step from 13 to 14."""
    by_name = {table["name"]: table for table in schema["tables"]}
    steps: list[dict[str, Any]] = [{"type": "create_table", **by_name[NEW_TABLE]}]
    for table, names in NEW_COLUMNS.items():
        columns = [column for column in by_name[table]["columns"] if column["name"] in names]
        assert len(columns) == len(names)
        steps.append({"type": "add_columns", "table": table, "columns": columns})
    return [{"toVersion": OLD_VERSION + 1, "steps": steps}]


def _without(table: Mapping[str, Any]) -> dict[str, Any]:
    hidden = NEW_COLUMNS.get(table["name"], set())
    return {**table, "columns": [column for column in table["columns"] if column["name"] not in hidden]}


@pytest.fixture
def old(device: OpenDevice, user: str, old_schema: Schema) -> Watermelon:
    """A third device of `user`, whose app was not updated yet."""
    return device(user, schema=old_schema)


def update_app(old: Watermelon, schema: Schema, migrations: Migrations) -> None:
    """The app is restarted in its newer version; the library migrates its file."""
    old.schema = schema
    old.open(migrations)


def test_rows_of_a_new_table_and_values_of_new_columns_arrive_after_the_update(
    old: Watermelon, phone: Watermelon, truth: Truth, schema: Schema, migrations: Migrations
) -> None:
    goal = phone.create("goals", title="long before")
    row = phone.create("tasks", title="t", priority=3, tag_ids='["x"]', goal_id=goal)
    habit = phone.create("habits", name="walk")
    phone.sync()
    old.sync()
    assert "priority" not in old.rows("tasks")[row]
    update_app(old, schema, migrations)
    assert list(old.rows("tasks")) == [row]
    synced = old.sync()
    assert synced.said == []
    sent = synced.pulled.args["migration"]
    assert (sent["from"], sent["tables"]) == (OLD_VERSION, [NEW_TABLE])
    assert {entry["table"]: set(entry["columns"]) for entry in sent["columns"]} == NEW_COLUMNS
    assert list(old.rows("goals")) == [goal]
    assert old.rows("tasks")[row]["priority"] == 3
    assert old.rows("habits")[habit]["active"] is True
    for table in ("goals", "tasks", "habits"):
        assert_same(truth, table, old, phone)
    assert old.sync().pulled.args["migration"] is None


def test_an_old_app_does_not_take_away_what_it_cannot_hold(old: Watermelon, phone: Watermelon, truth: Truth) -> None:
    """It pushes whole rows, but its whole rows lack the new columns."""
    row = phone.create("tasks", title="t", priority=3, estimate_min=30, tag_ids='["x"]')
    phone.sync()
    old.sync()
    old.update("tasks", row, title="edited by the old app")
    old.sync()
    stored = truth.rows("tasks")[row]
    assert stored["title"] == "edited by the old app"
    assert (stored["priority"], stored["estimate_min"], stored["tag_ids"]) == (3, 30, ["x"])
    phone.sync()
    assert_same(truth, "tasks", phone)


def test_a_row_made_by_an_old_app_gets_the_defaults_of_the_new_columns(
    old: Watermelon, phone: Watermelon, truth: Truth, schema: Schema, migrations: Migrations
) -> None:
    row = old.create("habits", name="old habit")
    assert not old.sync().rejected
    phone.sync()
    assert truth.rows("habits")[row]["active"] is True
    update_app(old, schema, migrations)
    old.sync()
    assert_same(truth, "habits", old, phone)


def test_edits_not_yet_pushed_survive_the_update(
    old: Watermelon, phone: Watermelon, truth: Truth, schema: Schema, migrations: Migrations
) -> None:
    row = phone.create("tasks", title="t", priority=3)
    phone.sync()
    old.sync()
    old.update("tasks", row, title="edited before the update")
    made = old.create("tasks", title="made before the update")
    update_app(old, schema, migrations)
    assert not old.sync().rejected
    old.sync()
    phone.sync()
    stored = truth.rows("tasks")
    assert (stored[row]["title"], stored[row]["priority"]) == ("edited before the update", 3)
    assert stored[made]["title"] == "made before the update"
    assert_same(truth, "tasks", old, phone)
