"""Unmodified WatermelonDB when things go wrong: lost answers, replayed cursors, late changes, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.driver import JsError
from tests.clients.truth import Truth, assert_same
from tests.clients.watermelon import Watermelon

CURSOR_LIMIT = 2**53


# --- lost answers ----------------------------------------------------------------------------------------


def test_a_lost_pull_answer_changes_nothing_and_the_next_sync_has_it(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    phone.create("tasks", title="news")
    phone.sync()
    tablet.sync()
    before = tablet.cursor
    phone.create("tasks", title="more news")
    phone.sync()
    with pytest.raises(JsError, match="the answer to pull was lost"):
        tablet.sync(lose=["pull"])
    assert tablet.cursor == before
    tablet.sync()
    phone.sync()
    assert_same(truth, "tasks", phone, tablet)


def test_a_lost_push_answer_is_pushed_again_without_a_second_effect(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """Create, update and delete in one push whose answer is lost: the library believes nothing happened."""
    kept, gone = phone.create_many("tasks", [{"title": title} for title in ("kept", "gone")])
    phone.sync()
    phone.update("tasks", kept, title="kept, edited")
    phone.delete("tasks", gone)
    made = phone.create("tasks", title="made")
    with pytest.raises(JsError, match="the answer to push was lost"):
        phone.sync(lose=["push"])
    after_first = truth.rows("tasks")
    assert {row: values["title"] for row, values in after_first.items()} == {
        kept: "kept, edited",
        made: "made",
    }
    assert phone.status("tasks", made) == "created"
    assert phone.sync().said == []
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks") == after_first
    assert_same(truth, "tasks", phone, tablet)


def test_edits_made_after_a_lost_push_answer_win(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    row = phone.create("tasks", title="first")
    with pytest.raises(JsError):
        phone.sync(lose=["push"])
    phone.update("tasks", row, title="second")
    phone.sync()
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks")[row]["title"] == "second"
    assert_same(truth, "tasks", phone, tablet)


def test_a_row_deleted_elsewhere_after_a_lost_push_answer_stays_deleted(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    row = phone.create("tasks", title="here and gone")
    with pytest.raises(JsError):
        phone.sync(lose=["push"])
    tablet.sync()
    tablet.delete("tasks", row)
    tablet.sync()
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks") == {}
    assert phone.dump("tasks") == tablet.dump("tasks") == {}


def test_without_a_network_the_work_waits(phone: Watermelon, truth: Truth) -> None:
    url, phone.url = phone.url, "http://127.0.0.1:9"
    row = phone.create("tasks", title="offline")
    with pytest.raises(JsError, match="fetch failed"):
        phone.sync()
    assert phone.status("tasks", row) == "created"
    phone.url = url
    phone.sync()
    assert_same(truth, "tasks", phone)


# --- cursors ---------------------------------------------------------------------------------------------


def test_a_cursor_is_a_positive_integer_that_never_falls(phone: Watermelon) -> None:
    cursors: list[Any] = []
    for number in range(4):
        cursors.append(phone.sync().log["newLastPulledAt"])
        phone.create("tasks", title=f"task {number}")
    assert all(isinstance(cursor, int) and 0 < cursor < CURSOR_LIMIT for cursor in cursors)
    assert cursors == sorted(cursors)
    assert cursors[-1] > cursors[0]


def test_a_replayed_cursor_brings_everything_again_and_changes_nothing(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """A phone restored from a backup of its settings: rows of today, cursor of yesterday."""
    phone.sync()
    early = phone.cursor
    assert early is not None
    kept, gone = phone.create_many("tasks", [{"title": title} for title in ("kept", "gone")])
    phone.sync()
    tablet.sync()
    tablet.update("tasks", kept, title="edited by b")
    tablet.delete("tasks", gone)
    tablet.sync()
    phone.sync()
    tablet.sync()
    before = phone.dump("tasks")
    phone.cursor = early
    replay = phone.sync()
    assert replay.log["remoteChangeCount"] >= 1
    assert replay.said == []
    assert phone.dump("tasks") == before
    assert phone.cursor == tablet.cursor
    assert_same(truth, "tasks", phone, tablet)


def test_an_edit_under_a_replayed_cursor_is_merged_not_lost(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    early = phone.cursor
    assert early is not None
    tablet.update("tasks", row, priority=3)
    tablet.sync()
    phone.sync()
    phone.cursor = early
    phone.update("tasks", row, title="edited by a")
    phone.sync()
    phone.sync()
    tablet.sync()
    stored = truth.rows("tasks")[row]
    assert (stored["title"], stored["priority"]) == ("edited by a", 3)
    assert_same(truth, "tasks", phone, tablet)


def test_a_phone_that_lost_its_cursor_starts_over_in_place(phone: Watermelon, truth: Truth) -> None:
    phone.create("tasks", title="still here")
    phone.sync()
    phone.sync()
    before = phone.dump("tasks")
    phone.cursor = "nonsense"  # the library reads it as no cursor
    again = phone.sync()
    assert again.pulled.args["last_pulled_at"] is None
    assert all("this is the first sync" in words for words in again.said)  # the library wonders, once
    assert phone.dump("tasks") == before
    assert_same(truth, "tasks", phone)


@pytest.mark.parametrize("wrong", [CURSOR_LIMIT - 1, 2**52 + 7], ids=["largest", "far ahead"])
def test_a_cursor_from_the_future_is_refused_and_nothing_is_applied(phone: Watermelon, wrong: int) -> None:
    row = phone.create("tasks", title="waits")
    phone.cursor = wrong
    with pytest.raises(JsError) as refused:
        phone.sync()
    assert refused.value.status == 400
    assert set(refused.value.body) == {"code", "message", "details", "hint"}
    assert phone.cursor == wrong
    assert phone.status("tasks", row) == "created"


def test_a_device_older_than_the_tombstones_is_told_to_replace_and_keeps_its_own_work(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """The server has forgotten what was deleted, so it sends all there is and says so."""
    kept, gone = phone.create_many("tasks", [{"title": title} for title in ("kept", "gone")])
    phone.sync()
    tablet.sync()
    phone.delete("tasks", gone)
    phone.sync()
    truth.execute("select bmad_sync.purge('-1 minute')")
    made = tablet.create("tasks", title="made offline")
    synced = tablet.sync()
    assert synced.pulled.body["experimentalStrategy"] == "replacement"
    assert set(tablet.dump("tasks")) == {kept, made}
    phone.sync()
    tablet.sync()
    assert_same(truth, "tasks", phone, tablet)


# --- between pull and push -------------------------------------------------------------------------------


def test_a_change_between_pull_and_push_refuses_the_whole_push_and_the_next_sync_merges(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    phone.update("tasks", row, title="from a")
    bystander = phone.create("tasks", title="bystander")
    with phone.paused_sync(before="push") as paused:
        tablet.update("tasks", row, priority=4)
        tablet.sync()
    assert paused.error is not None
    assert paused.error.status == 409
    assert set(paused.error.body) == {"code", "message", "details", "hint"}
    assert paused.error.body["code"] == "PT409"
    stored = truth.rows("tasks")
    assert (stored[row]["title"], stored[row]["priority"]) == ("base", 4)
    assert bystander not in stored
    assert (phone.status("tasks", row), phone.status("tasks", bystander)) == ("updated", "created")
    phone.sync()
    phone.sync()
    tablet.sync()
    stored = truth.rows("tasks")
    assert (stored[row]["title"], stored[row]["priority"]) == ("from a", 4)
    assert_same(truth, "tasks", phone, tablet)


def test_a_delete_between_pull_and_push_of_an_edit_refuses_it_and_the_delete_stays(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """An update of a row known to be deleted is an error, not a new row."""
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    phone.update("tasks", row, title="from a")
    with phone.paused_sync(before="push") as paused:
        tablet.delete("tasks", row)
        tablet.sync()
    assert paused.error is not None
    assert paused.error.status == 409
    phone.sync()
    assert truth.rows("tasks") == {}
    assert phone.dump("tasks") == {}


def test_an_edit_between_pull_and_push_of_a_delete_refuses_it_and_the_next_sync_deletes(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    phone.delete("tasks", row)
    with phone.paused_sync(before="push") as paused:
        tablet.update("tasks", row, title="from b")
        tablet.sync()
    assert paused.error is not None
    assert paused.error.status == 409
    assert list(truth.rows("tasks")) == [row]
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks") == {}
    assert phone.dump("tasks") == tablet.dump("tasks") == {}


def test_the_same_row_deleted_on_both_sides_is_no_conflict(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    row = phone.create("tasks", title="base")
    phone.sync()
    tablet.sync()
    phone.delete("tasks", row)
    with phone.paused_sync(before="push") as paused:
        tablet.delete("tasks", row)
        tablet.sync()
    assert paused.error is None
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks") == phone.dump("tasks") == tablet.dump("tasks") == {}


def test_changes_of_other_rows_between_pull_and_push_do_not_matter(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    mine, theirs = phone.create_many("tasks", [{"title": title} for title in ("mine", "theirs")])
    phone.sync()
    tablet.sync()
    phone.update("tasks", mine, title="mine, edited")
    with phone.paused_sync(before="push") as paused:
        tablet.update("tasks", theirs, title="theirs, edited")
        tablet.sync()
    assert paused.error is None
    phone.sync()
    tablet.sync()
    assert_same(truth, "tasks", phone, tablet)


def test_an_edit_made_while_the_push_is_on_its_way_is_pushed_next_time(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    """The library leaves a row that changed during its push as created, so it is created twice."""
    row = phone.create("tasks", title="first")
    with phone.paused_sync(before="push") as paused:
        phone.update("tasks", row, title="second")
    assert paused.error is None
    assert phone.status("tasks", row) == "created"
    phone.sync()
    phone.sync()
    tablet.sync()
    assert truth.rows("tasks")[row]["title"] == "second"
    assert_same(truth, "tasks", phone, tablet)


def test_two_syncs_of_one_phone_at_once_do_no_harm(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    phone.sync()
    tablet.create("tasks", title="from b")
    tablet.sync()
    phone.create("tasks", title="from a")
    with phone.paused_sync(before="pull") as paused:
        phone.sync()
    assert paused.error is not None
    assert "Concurrent synchronization is not allowed" in paused.error.message
    phone.sync()
    tablet.sync()
    assert_same(truth, "tasks", phone, tablet)


# --- refusals --------------------------------------------------------------------------------------------

REFUSED: dict[str, dict[str, Any]] = {
    "check": {"priority": 9},
    "enum": {"state": "somewhere"},
    "missing parent": {"goal_id": "nobodynobodynobo"},
    "broken json": {"tag_ids": "[1, 2"},
    "nul in json": {"tag_ids": '["a\\u0000b"]'},
    "time beyond calendars": {"due_at": 9e18},
    "id with a space": {"id": "not an id"},
    "id too long": {"id": "x" * 65},
    "empty id": {"id": ""},
}
MENDED = {"state": "todo", "priority": 0, "tag_ids": "[]"}


@pytest.mark.parametrize("values", REFUSED.values(), ids=REFUSED.keys())
def test_a_row_the_server_cannot_take_is_rejected_alone_and_can_be_mended(
    phone: Watermelon, tablet: Watermelon, truth: Truth, values: dict[str, Any]
) -> None:
    """One bad row never holds up the others, in either direction, and never comes to rest half-written."""
    tablet.create("goals", title="from b")
    tablet.sync()
    bad = phone.create("tasks", **{"title": "bad", **values})
    good = phone.create("tasks", title="good")
    for _ in range(2):
        synced = phone.sync()
        assert synced.rejected == {"tasks": [bad]}
        assert list(truth.rows("tasks")) == [good]
        assert (phone.status("tasks", bad), phone.status("tasks", good)) == ("created", "synced")
    assert set(phone.rows("goals")) == set(truth.rows("goals")) != set()
    if "id" in values:
        phone.destroy("tasks", bad)
    else:
        phone.update("tasks", bad, **{name: MENDED.get(name) for name in values})
    phone.sync()
    phone.sync()
    tablet.sync()
    assert_same(truth, "tasks", phone, tablet)


def test_a_refused_update_leaves_the_row_as_it_was_on_the_server(phone: Watermelon, truth: Truth) -> None:
    row = phone.create("tasks", title="fine", priority=1)
    phone.sync()
    phone.update("tasks", row, title="new title", priority=77)
    assert phone.sync().rejected == {"tasks": [row]}
    stored = truth.rows("tasks")[row]
    assert (stored["title"], stored["priority"]) == ("fine", 1)
    phone.update("tasks", row, priority=2)
    phone.sync()
    stored = truth.rows("tasks")[row]
    assert (stored["title"], stored["priority"]) == ("new title", 2)


def test_a_table_whose_rows_nobody_may_delete_rejects_the_delete(phone: Watermelon, truth: Truth) -> None:
    row = phone.create("user_progress", metric_code="active_days", period_key="all")
    phone.sync()
    phone.delete("user_progress", row)
    assert phone.sync().rejected == {"user_progress": [row]}
    assert list(truth.rows("user_progress")) == [row]
