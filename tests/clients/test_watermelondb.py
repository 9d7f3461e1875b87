"""Unmodified WatermelonDB apps: what one device writes, the others of its user get, and nobody else."""

from __future__ import annotations

import re

import pytest

from bmaddb.schema import Catalog, Scope
from bmaddb.schema.records import writable
from tests.clients.conftest import OpenDevice
from tests.clients.driver import JsError
from tests.clients.truth import Truth, assert_same
from tests.clients.watermelon import Schema, Watermelon

LIBRARY_ID = re.compile(r"[0-9a-zA-Z]{16}")
ROWS_MANY = 1_000


# --- schema ----------------------------------------------------------------------------------------------


def test_the_exported_schema_is_one_the_library_accepts(phone: Watermelon, schema: Schema) -> None:
    """In development mode appSchema() checks every name, type and flag; opening a device runs it."""
    for table in schema["tables"]:
        assert phone.dump(table["name"]) == {}


def test_the_exported_schema_holds_every_synced_table(schema: Schema, catalog: Catalog) -> None:
    assert {table["name"] for table in schema["tables"]} == {table.name for table in catalog.synced_tables}
    assert schema["version"] == catalog.version


def test_nothing_to_push_is_not_pushed(phone: Watermelon) -> None:
    synced = phone.sync()
    assert synced.pushed is None
    assert synced.said == []


# --- one device to another -------------------------------------------------------------------------------


def test_a_created_row_reaches_postgres_and_the_other_phone(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    row = phone.create("tasks", title="water the plants", priority=2)
    assert LIBRARY_ID.fullmatch(row)
    assert phone.sync().said == tablet.sync().said == []
    assert truth.rows("tasks")[row]["title"] == "water the plants"
    assert_same(truth, "tasks", phone, tablet)


def test_a_push_comes_back_as_an_echo_that_changes_nothing(phone: Watermelon) -> None:
    row = phone.create("tasks", title="once")
    phone.sync()
    before = phone.dump("tasks")
    echo = phone.sync()
    assert echo.pushed is None
    assert echo.said == []
    assert phone.dump("tasks") == before
    assert phone.status("tasks", row) == "synced"
    assert phone.sync().log["remoteChangeCount"] == 0


def test_updates_of_different_columns_both_stay(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    phone.update("tasks", row, title="from a")
    tablet.update("tasks", row, priority=4)
    phone.sync()
    assert len(tablet.sync().conflicts) == 1
    phone.sync()
    tablet.sync()
    stored = truth.rows("tasks")[row]
    assert (stored["title"], stored["priority"]) == ("from a", 4)
    assert_same(truth, "tasks", phone, tablet)


def test_updates_of_the_same_column_end_as_the_later_sync_says(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """The library's rule: what was changed here and not yet pushed wins over what comes in."""
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    phone.update("tasks", row, title="from a")
    tablet.update("tasks", row, title="from b")
    phone.sync()
    assert len(tablet.sync().conflicts) == 1
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks")[row]["title"] == "from b"
    assert_same(truth, "tasks", phone, tablet)


def test_a_row_pushed_twice_as_created_is_an_update(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    """Two devices that make the same id offline: the later one updates."""
    phone.create("tasks", id="samesamesamesame", title="from a")
    tablet.create("tasks", id="samesamesamesame", title="from b")
    phone.sync()
    tablet.sync()
    phone.sync()
    tablet.sync()
    assert list(truth.rows("tasks")) == ["samesamesamesame"]
    assert_same(truth, "tasks", phone, tablet)


# --- deletes ---------------------------------------------------------------------------------------------


def test_a_deleted_row_is_deleted_everywhere(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    row = phone.create("tasks", title="short-lived")
    phone.sync()
    tablet.sync()
    phone.delete("tasks", row)
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks") == {}
    assert phone.dump("tasks") == tablet.dump("tasks") == {}
    assert not phone.sync().said


def test_a_delete_that_was_synced_first_ends_an_unpushed_edit(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """The library destroys a remotely deleted row even with unpushed edits; it must not come back."""
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    tablet.update("tasks", row, title="edited too late")
    phone.delete("tasks", row)
    phone.sync()
    tablet.sync()
    phone.sync()
    assert truth.rows("tasks") == {}
    assert phone.dump("tasks") == tablet.dump("tasks") == {}


def test_a_delete_that_syncs_after_an_edit_still_deletes(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    phone.update("tasks", row, title="edited first")
    tablet.delete("tasks", row)
    phone.sync()
    assert tablet.sync().said == []
    phone.sync()
    assert truth.rows("tasks") == {}
    assert phone.dump("tasks") == tablet.dump("tasks") == {}


def test_created_and_deleted_before_the_first_sync_leaves_no_trace(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """The library pushes the delete of a row the server never saw."""
    row = phone.create("tasks", title="never mind")
    phone.delete("tasks", row)
    pushed = phone.sync().pushed
    assert pushed is not None
    assert pushed.args["changes"]["tasks"]["deleted"] == [row]
    tablet.sync()
    assert truth.rows("tasks") == {}
    assert phone.dump("tasks") == tablet.dump("tasks") == {}


def test_created_and_destroyed_before_the_first_sync_is_never_told(phone: Watermelon) -> None:
    phone.destroy("tasks", phone.create("tasks", title="never mind"))
    assert phone.sync().pushed is None


def test_deleting_a_parent_takes_its_children_on_every_phone(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """Apps delete the parent only; the server's cascade tells everybody about the children."""
    habit = phone.create("habits", name="read")
    days = ("2026-11-01", "2026-11-02")
    phone.create_many("habit_logs", [{"habit_id": habit, "log_date": day} for day in days])
    phone.sync()
    tablet.sync()
    assert len(tablet.rows("habit_logs")) == 2
    phone.delete("habits", habit)
    phone.sync()
    phone.sync()
    tablet.sync()
    for table in ("habits", "habit_logs"):
        assert truth.rows(table) == phone.dump(table) == tablet.dump(table) == {}


def test_a_deleted_goal_leaves_its_tasks_without_goal(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    goal = phone.create("goals", title="health")
    row = phone.create("tasks", title="run", goal_id=goal)
    phone.sync()
    tablet.sync()
    phone.delete("goals", goal)
    phone.sync()
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks")[row]["goal_id"] is None
    assert_same(truth, "tasks", phone, tablet)


def test_a_row_deleted_by_an_administrator_disappears(phone: Watermelon, user: str, truth: Truth) -> None:
    phone.create("tasks", title="cleaned up")
    phone.sync()
    truth.execute("delete from bmad.tasks where user_id = %s", user)
    phone.sync()
    assert phone.dump("tasks") == {}


# --- users -----------------------------------------------------------------------------------------------


def test_two_users_see_nothing_of_each_other_even_with_the_same_id(
    phone: Watermelon, device: OpenDevice, other_user: str, truth: Truth
) -> None:
    stranger = device(other_user)
    phone.create("tasks", id="samesamesamesame", title="mine")
    stranger.create("tasks", id="samesamesamesame", title="theirs")
    for app in (phone, stranger, phone, stranger):
        assert app.sync().said == []
    assert [row["title"] for row in phone.rows("tasks").values()] == ["mine"]
    assert [row["title"] for row in stranger.rows("tasks").values()] == ["theirs"]
    stranger.delete("tasks", "samesamesamesame")
    stranger.sync()
    phone.sync()
    assert list(truth.rows("tasks")) == ["samesamesamesame"]
    assert_same(truth, "tasks", phone)
    assert_same(truth.of(other_user), "tasks", stranger)


def test_another_users_row_cannot_be_a_parent(
    phone: Watermelon, device: OpenDevice, other_user: str, truth: Truth
) -> None:
    stranger = device(other_user)
    goal = stranger.create("goals", title="private")
    stranger.sync()
    row = phone.create("tasks", title="probe", goal_id=goal)
    assert phone.sync().rejected == {"tasks": [row]}
    assert truth.rows("tasks") == {}


# --- catalogue -------------------------------------------------------------------------------------------


def test_the_catalogue_arrives_whole(phone: Watermelon, catalog: Catalog, truth: Truth) -> None:
    phone.sync()
    names = [table.name for table in catalog.synced_tables if table.scope is Scope.CATALOG]
    assert sum(len(truth.rows(name)) for name in names) > 0
    for name in names:
        assert truth.seen_by(phone, name) == truth.rows(name)


@pytest.mark.parametrize("scope", [Scope.CATALOG, Scope.USER])
def test_what_only_the_server_writes_is_rejected_and_the_rest_arrives(
    phone: Watermelon, user: str, catalog: Catalog, truth: Truth, scope: Scope
) -> None:
    """A catalogue table, and a table of the user's that only the server fills."""
    table = next(t.name for t in catalog.synced_tables if t.scope is scope and not writable(t))
    forged = phone.create(table, id="forged")
    row = phone.create("tasks", title="honest")
    assert phone.sync().rejected == {table: [forged]}
    assert "forged" not in truth.rows(table)
    assert list(truth.rows("tasks")) == [row]
    assert phone.status("tasks", row) == "synced"


def test_columns_of_the_server_come_down_and_never_go_up(phone: Watermelon, user: str, truth: Truth) -> None:
    """The library pushes whole rows; the columns that are the server's are passed over, not refused."""
    row = phone.create("users", display_name="Noor", terms_version="2026-01-01", privacy_version="2026-01-01")
    phone.sync()
    truth.execute("update bmad.users set account_status = 'suspended' where user_id = %s", user)
    phone.sync()
    assert phone.rows("users")[row]["account_status"] == "suspended"
    phone.update("users", row, display_name="Noor van Dam", account_status="active")
    assert not phone.sync().rejected
    phone.sync()
    stored = truth.rows("users")[row]
    assert (stored["display_name"], stored["account_status"]) == ("Noor van Dam", "suspended")
    assert_same(truth, "users", phone)


# --- much ------------------------------------------------------------------------------------------------


def test_a_thousand_rows_up_and_down(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    ids = phone.create_many(
        "tasks", [{"title": f"task {number}", "priority": number % 5} for number in range(ROWS_MANY)]
    )
    phone.sync()
    tablet.sync()
    assert len(truth.rows("tasks")) == len(set(ids)) == ROWS_MANY
    phone.sync()
    assert_same(truth, "tasks", phone, tablet)


def test_a_refused_token_is_an_error_and_costs_nothing(phone: Watermelon, truth: Truth) -> None:
    good, phone.token = phone.token, phone.token[:-4] + "AAAA"
    row = phone.create("tasks", title="waits")
    with pytest.raises(JsError) as refused:
        phone.sync()
    assert refused.value.status == 401
    assert phone.status("tasks", row) == "created"
    phone.token = good
    phone.sync()
    assert_same(truth, "tasks", phone)
