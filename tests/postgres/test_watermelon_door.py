"""The WatermelonDB door, as its backend specification demands (S13)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from bmaddb.schema.json_text import JSON_DEPTH_MAX
from tests.postgres.caller import BOB, Caller, delete, insert, rows_of, update
from tests.support.postgres import Database

SYNCED = ["colours", "shades", "boxes", "things", "settings", "invoices"]
BOX = {"id": "b1", "title": "box", "colour_id": None, "parent_id": None, "state": "new", "credit": None}
STAMPED = {"created_at": 1_700_000_000_000, "updated_at": 1_700_000_000_000}


def created(table: str, *raws: dict[str, Any]) -> dict[str, Any]:
    """What a client sends for new records: bookkeeping columns included."""
    full = [{"_status": "created", "_changed": "", **STAMPED, **raw} for raw in raws]
    return {table: {"created": full, "updated": [], "deleted": []}}


def updated(table: str, *raws: dict[str, Any]) -> dict[str, Any]:
    full = [{"_status": "updated", "_changed": "title", **STAMPED, **raw} for raw in raws]
    return {table: {"created": [], "updated": full, "deleted": []}}


def deleted(table: str, *ids: str) -> dict[str, Any]:
    return {table: {"created": [], "updated": [], "deleted": list(ids)}}


def raws(page: Any, table: str) -> dict[str, dict[str, Any]]:
    assert page["changes"][table]["created"] == []
    return {raw["id"]: raw for raw in page["changes"][table]["updated"]}


def refused_with(caller: Caller, state: str, changes: Any, last: int | None) -> str:
    with pytest.raises(psycopg.Error) as caught:
        caller.watermelon_push(changes, last)
    assert caught.value.sqlstate == state
    return str(caught.value)


def test_an_empty_pull_has_every_table_with_three_arrays_and_a_cursor(bob: Caller) -> None:
    page = bob.watermelon_pull()
    assert list(page) == ["changes", "timestamp"]
    assert sorted(page["changes"]) == sorted(SYNCED)
    assert all(set(part) == {"created", "updated", "deleted"} for part in page["changes"].values())
    assert 0 < page["timestamp"] < 2**53
    assert set(raws(page, "colours")) == {"red@1", "blue@1"}


def test_null_and_zero_mean_everything(alice: Caller) -> None:
    alice.watermelon_push(created("boxes", BOX), 0)
    assert alice.watermelon_pull(0) == alice.watermelon_pull(None)
    assert set(raws(alice.watermelon_pull(0), "boxes")) == {"b1"}


def test_values_are_what_a_client_of_the_exported_schema_expects(alice: Caller) -> None:
    thing = {
        "id": "t1", "box_id": "b1", "name": "n", "size": 3, "weight": 1.5, "broken": True, "extra": '{"a":1}',
        "tags": '["x"]', "seen_at": 1_700_000_000_123, "picture": None, "shelf_id": None, "keeper_id": None,
    }  # fmt: skip
    assert alice.watermelon_push({**created("boxes", BOX), **created("things", thing)}, 0) == {}
    raw = raws(alice.watermelon_pull(), "things")["t1"]
    assert {**raw, "extra": json.loads(raw["extra"]), "tags": json.loads(raw["tags"])} == {
        **thing,
        **STAMPED,
        "extra": {"a": 1},
        "tags": ["x"],
    }


def test_create_of_an_existing_id_updates(alice: Caller) -> None:
    alice.watermelon_push(created("boxes", BOX), 0)
    last = alice.watermelon_pull()["timestamp"]
    assert alice.watermelon_push(created("boxes", {**BOX, "title": "again"}), last) == {}
    assert raws(alice.watermelon_pull(last), "boxes")["b1"]["title"] == "again"


def test_update_of_a_missing_row_creates_it(alice: Caller) -> None:
    assert alice.watermelon_push(updated("boxes", BOX), alice.watermelon_pull()["timestamp"]) == {}
    assert set(raws(alice.watermelon_pull(), "boxes")) == {"b1"}


def test_update_of_a_deleted_row_is_an_error(alice: Caller) -> None:
    alice.watermelon_push(created("boxes", BOX), 0)
    last = alice.watermelon_pull()["timestamp"]
    alice.watermelon_push(deleted("boxes", "b1"), last)
    assert "conflict" in refused_with(alice, "PT409", updated("boxes", BOX), last)
    assert "conflict" in refused_with(alice, "PT409", updated("boxes", BOX), alice.watermelon_pull(last)["timestamp"])
    assert raws(alice.watermelon_pull(), "boxes") == {}


def test_delete_of_a_missing_row_is_ignored(alice: Caller) -> None:
    last = alice.watermelon_pull()["timestamp"]
    assert alice.watermelon_push(deleted("boxes", "never"), last) == {}
    assert alice.watermelon_pull(last)["timestamp"] == last


def test_a_row_changed_after_the_last_pull_aborts_the_whole_push(alice: Caller, device: Callable[..., Caller]) -> None:
    alice.watermelon_push(created("boxes", BOX), 0)
    last = alice.watermelon_pull()["timestamp"]
    other = device(device="device-2")
    version = rows_of(other.pull(), "boxes")["b1"]["server_seq"]
    other.write(update("boxes", "b1", version, title="theirs"))
    push = updated("boxes", {**BOX, "title": "mine"}, {**BOX, "id": "b2"})
    assert "conflict" in refused_with(alice, "PT409", push, last)
    page = alice.watermelon_pull(last)
    assert {key: raw["title"] for key, raw in raws(page, "boxes").items()} == {"b1": "theirs"}
    assert alice.watermelon_push(push, page["timestamp"]) == {}
    assert raws(alice.watermelon_pull(), "boxes")["b1"]["title"] == "mine"
    assert "conflict" in refused_with(alice, "PT409", deleted("boxes", "b1"), last)


def test_an_update_that_changes_nothing_moves_no_cursor(alice: Caller) -> None:
    alice.watermelon_push(created("boxes", BOX), 0)
    last = alice.watermelon_pull()["timestamp"]
    alice.watermelon_push(updated("boxes", BOX), last)
    assert alice.watermelon_pull(last)["timestamp"] == last


def test_own_rows_come_back_and_that_is_harmless(alice: Caller) -> None:
    last = alice.watermelon_pull()["timestamp"]
    alice.watermelon_push(created("boxes", BOX), last)
    assert set(raws(alice.watermelon_pull(last), "boxes")) == {"b1"}


def test_deletes_of_every_path_arrive(alice: Caller, small: Database) -> None:
    alice.watermelon_push({**created("boxes", BOX, {**BOX, "id": "b2"})}, 0)
    alice.write(insert("things", {"id": "t1", "box_id": "b1", "name": "n"}))
    last = alice.watermelon_pull()["timestamp"]
    alice.watermelon_push(deleted("boxes", "b1"), last)
    small.run("delete from bmad.boxes where id = 'b2'")
    small.run("delete from bmad.shades")
    changes = alice.watermelon_pull(last)["changes"]
    assert sorted(changes["boxes"]["deleted"]) == ["b1", "b2"]
    assert changes["things"]["deleted"] == ["t1"]
    assert changes["shades"]["deleted"] == ["red/dark"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"nope": {"created": [], "updated": [], "deleted": []}}, id="unknown table"),
        pytest.param({"drafts": {"created": [], "updated": [], "deleted": []}}, id="local table"),
        pytest.param(created("boxes", {**BOX, "nope": 1}), id="unknown column"),
        pytest.param(created("boxes", {**BOX, "user_id": BOB}), id="user_id"),
        pytest.param(created("boxes", {**BOX, "server_seq": 7}), id="server_seq"),
        pytest.param(created("things", {"id": "t", "opened": True}), id="local column"),
        pytest.param([], id="no object"),
        pytest.param({"boxes": []}, id="table is no object"),
        pytest.param({"boxes": {"created": [7]}}, id="record is no object"),
        pytest.param({"boxes": {"created": {}}}, id="created is no array"),
        pytest.param({"boxes": {"gone": []}}, id="unknown list"),
        pytest.param({"boxes": {"created": [{"id": 7}]}}, id="id is a number"),
        pytest.param({"boxes": {"created": [{"title": "x"}]}}, id="no id"),
        pytest.param({"boxes": {"created": ["x"]}}, id="record is text"),
        pytest.param({"boxes": {"deleted": [7]}}, id="deleted id is a number"),
        pytest.param({"boxes": {"deleted": [{"id": "x"}]}}, id="deleted id is an object"),
    ],
)
def test_what_is_unknown_or_misshapen_is_refused_whole(alice: Caller, changes: Any) -> None:
    refused_with(alice, "PT400", changes, 0)
    assert raws(alice.watermelon_pull(), "boxes") == {}


@pytest.mark.parametrize("last", [-1, 2**53, 2**62, (9 << 32) + 1, (1 << 32) + 99])
def test_a_cursor_this_server_never_gave_is_refused(alice: Caller, last: int) -> None:
    with pytest.raises(psycopg.Error, match="cursor_") as caught:
        alice.watermelon_pull(last)
    assert caught.value.sqlstate == "PT400"
    refused_with(alice, "PT400", {}, last)


def test_one_bad_row_is_named_and_the_others_are_written(alice: Caller) -> None:
    good: dict[str, Any] = {"id": "t1", "box_id": "b1", "name": "n"}
    bad = [
        {**good, "id": "json", "extra": "{not json"},
        {**good, "id": "shape", "tags": '{"a": 1}'},
        {**good, "id": "type", "size": "seven"},
        {**good, "id": "check", "size": -1},
        {**good, "id": "parent", "box_id": "nowhere"},
        {**good, "id": "no spaces please"},
    ]
    push = {**created("boxes", BOX), **created("things", *bad, good)}
    answer = alice.watermelon_push(push, 0)
    assert sorted(answer["experimentalRejectedIds"]["things"]) == sorted(raw["id"] for raw in bad)
    assert list(answer["experimentalRejectedIds"]) == ["things"]
    page = alice.watermelon_pull()
    assert set(raws(page, "things")) == {"t1"}
    assert set(raws(page, "boxes")) == {"b1"}


def test_a_child_before_its_parent_in_the_same_table_survives_a_bad_neighbour(alice: Caller) -> None:
    chain = [{**BOX, "id": f"b{n}", "parent_id": f"b{n + 1}"} for n in range(5)] + [{**BOX, "id": "b5"}]
    answer = alice.watermelon_push(created("boxes", *chain, {**BOX, "id": "bad", "state": "odd"}), 0)
    assert answer == {"experimentalRejectedIds": {"boxes": ["bad"]}}
    assert len(raws(alice.watermelon_pull(), "boxes")) == 6


def test_values_are_sanitised_where_that_is_harmless(alice: Caller) -> None:
    raw = {
        "id": "t1",
        "box_id": "b1",
        "name": None,
        "size": 2.6,
        "broken": 1,
        "extra": "",
        "tags": None,
        "seen_at": 5.4,
    }
    assert alice.watermelon_push({**created("boxes", BOX), **created("things", raw)}, 0) == {}
    stored = raws(alice.watermelon_pull(), "things")["t1"]
    assert {name: stored[name] for name in raw} == {
        **raw,
        "name": "",
        "size": 3,
        "broken": True,
        "extra": None,
        "tags": '["a"]',
        "seen_at": 5,
    }


def test_letters_postgres_cannot_hold_are_no_poison(alice: Caller) -> None:
    title = r"a\u0000\u0000b\\u0000c\\\u0000d\ud83d!\ud83d\ude00\ude00"
    text = f'{{"boxes":{{"created":[{{"id":"b1","title":"{title}"}}],"updated":[],"deleted":[]}}}}'
    assert alice.watermelon_push(text, 0) == {}
    assert raws(alice.watermelon_pull(), "boxes")["b1"]["title"] == "ab\\u0000c\\d!😀"


def test_json_that_no_device_can_hold_is_named_and_the_rest_is_written(alice: Caller) -> None:
    deep = {levels: "[" * levels + "]" * levels for levels in (JSON_DEPTH_MAX + 1, JSON_DEPTH_MAX + 2, 100_000)}
    good = {"deep": deep[JSON_DEPTH_MAX + 1], "large": '[1e308, {"a": -1e308}]'}
    bad = {
        "deeper": deep[JSON_DEPTH_MAX + 2],
        "deepest": deep[100_000],
        "larger": "[1e309]",
        "largest": '{"a": [-1e9999]}',
    }
    things = [{"id": name, "box_id": "b1", "name": name, "extra": text} for name, text in {**good, **bad}.items()]
    answer = alice.watermelon_push({**created("boxes", BOX), **created("things", *things)}, 0)
    assert {table: sorted(ids) for table, ids in answer["experimentalRejectedIds"].items()} == {"things": sorted(bad)}
    assert set(raws(alice.watermelon_pull(), "things")) == set(good)


def test_what_only_the_server_writes_is_ignored_or_named(alice: Caller, small: Database) -> None:
    push = {
        **created("boxes", {**BOX, "credit": 1000}),
        **created("invoices", {"id": "i1", "amount": 1}),
        **deleted("settings", "s1"),
        "colours": {"created": [{"id": "x"}], "updated": [], "deleted": ["red@1"]},
    }
    answer = alice.watermelon_push(push, 0)
    assert {table: sorted(ids) for table, ids in answer["experimentalRejectedIds"].items()} == {
        "invoices": ["i1"], "settings": ["s1"], "colours": ["red@1", "x"],
    }  # fmt: skip
    assert raws(alice.watermelon_pull(), "boxes")["b1"]["credit"] is None


def test_a_migration_brings_its_tables_whole(alice: Caller) -> None:
    alice.watermelon_push(created("boxes", BOX), 0)
    last = alice.watermelon_pull()["timestamp"]
    migration = {"from": 13, "tables": ["colours", "not_here"], "columns": [{"table": "boxes", "columns": ["state"]}]}
    page = alice.watermelon_pull(last, migration=migration)
    assert set(raws(page, "colours")) == {"red@1", "blue@1"}
    assert set(raws(page, "boxes")) == {"b1"}
    assert raws(page, "shades") == {}
    assert page["timestamp"] == last
    oddities: list[Any] = [[], "x", {"tables": {}}, {"columns": [7]}, {"tables": "boxes"}]
    for odd in oddities:
        with pytest.raises(psycopg.Error) as caught:
            alice.watermelon_pull(last, migration=odd)
        assert caught.value.sqlstate == "PT400"


def test_another_users_row_is_never_touched(alice: Caller, bob: Caller) -> None:
    alice.watermelon_push(created("boxes", BOX), 0)
    assert bob.watermelon_push(updated("boxes", {**BOX, "title": "bob's"}), 0) == {}
    assert bob.watermelon_push(deleted("boxes", "b1"), bob.watermelon_pull()["timestamp"]) == {}
    assert raws(alice.watermelon_pull(), "boxes")["b1"]["title"] == "box"
    thing = {"id": "t1", "box_id": "b1", "name": "n"}
    assert bob.watermelon_push(created("things", thing), 0) == {"experimentalRejectedIds": {"things": ["t1"]}}


def test_native_and_watermelon_devices_meet_on_the_same_rows(alice: Caller) -> None:
    first = alice.write(insert("boxes", {"id": "b1", "title": "native"}))
    page = alice.watermelon_pull()
    raw = raws(page, "boxes")["b1"]
    alice.watermelon_push(updated("boxes", {**raw, "title": "melon"}), page["timestamp"])
    row = rows_of(alice.pull(), "boxes")["b1"]
    assert row["title"] == "melon"
    assert list(row["stamps"]) == ["title"]
    assert row["stamps"]["title"] > row["hlc"]
    answer = alice.write(delete("boxes", "b1", first["version"]))
    assert answer["status"] == "conflict"
