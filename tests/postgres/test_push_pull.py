"""Push and pull of the native door: what is written is seen, by whom it should be, and nothing twice (S2, S4, S12)."""

from __future__ import annotations

from tests.postgres.caller import EPOCH_STAMP, Caller, delete, deleted_of, insert, rows_of, update

THING = {
    "id": "t1",
    "box_id": "b1",
    "name": "é'\"\\ 😀",
    "size": 2**53 + 1,
    "weight": 0.1,
    "broken": True,
    "extra": {"b": [1, None, {"x": "y"}], "a": 1.5},
    "tags": ["x"],
    "seen_at": 1_700_000_000_123,
    "picture": "AAEC/w==",
}


def test_a_row_of_every_kind_comes_back_as_it_was_sent(alice: Caller) -> None:
    answer = alice.write(insert("boxes", {"id": "b1", "title": "box"}), insert("things", THING))
    assert answer["status"] == "applied", answer
    row = rows_of(alice.pull(), "things")["t1"]
    assert {name: row[name] for name in THING} == THING
    assert row["server_seq"] == answer["version"]
    assert (row["hlc"], row["stamps"]) == (EPOCH_STAMP, None)
    assert "opened" not in row
    assert "user_id" not in row


def test_a_column_an_older_device_does_not_send_gets_its_default(alice: Caller) -> None:
    alice.write(insert("boxes", {"id": "b1", "title": "box"}))
    alice.write(insert("things", {"id": "t1", "box_id": "b1", "name": "n"}))
    row = rows_of(alice.pull(), "things")["t1"]
    assert (row["size"], row["broken"], row["tags"], row["extra"]) == (1, False, ["a"], None)


def test_an_update_changes_only_what_it_names_and_stamps_that(alice: Caller) -> None:
    first = alice.write(insert("boxes", {"id": "b1", "title": "box"}))
    second = alice.write(update("boxes", "b1", first["version"], title="crate", updated_at=1_700_000_000_500))
    row = rows_of(alice.pull(), "boxes")["b1"]
    assert (row["title"], row["state"], row["updated_at"]) == ("crate", "new", 1_700_000_000_500)
    assert row["stamps"] == {"title": EPOCH_STAMP, "updated_at": EPOCH_STAMP}
    assert second["version"] == row["server_seq"] == first["version"] + 1


def test_pull_gives_only_what_changed_since_the_cursor(alice: Caller) -> None:
    version = alice.write(insert("boxes", {"id": "b1", "title": "1"}, {"id": "b2", "title": "2"}))["version"]
    cursor = alice.pull()["cursor"]
    assert alice.pull(cursor).items() >= {"cursor": cursor, "more": False, "tables": []}.items()
    alice.write(update("boxes", "b2", version, title="two"))
    page = alice.pull(cursor)
    assert [part["table"] for part in page["tables"]] == ["boxes"]
    assert list(rows_of(page, "boxes")) == ["b2"]
    assert page["more"] is False


def test_a_deleted_row_leaves_a_tombstone_for_others_only_while_it_is_gone(alice: Caller) -> None:
    version = alice.write(insert("boxes", {"id": "b1", "title": "1"}))["version"]
    cursor = alice.pull()["cursor"]
    alice.write(delete("boxes", "b1", version))
    assert deleted_of(alice.pull(cursor), "boxes") == ["b1"]
    assert rows_of(alice.pull(), "boxes") == {}
    alice.write(insert("boxes", {"id": "b1", "title": "again"}))
    page = alice.pull(cursor)
    assert deleted_of(page, "boxes") == []
    assert rows_of(page, "boxes")["b1"]["title"] == "again"


def test_the_catalogue_comes_first_and_whole(alice: Caller) -> None:
    page = alice.pull()
    assert [part["table"] for part in page["tables"]] == ["colours", "shades"]
    assert rows_of(page, "colours")["red@1"]["label"] == {"nl": "rood"}
    assert rows_of(page, "colours")["red@1"]["since"] == 1_577_836_800_000


def test_users_do_not_see_each_other(alice: Caller, bob: Caller) -> None:
    alice.write(insert("boxes", {"id": "same", "title": "alice"}))
    bob.write(insert("boxes", {"id": "same", "title": "bob"}))
    assert rows_of(alice.pull(), "boxes")["same"]["title"] == "alice"
    assert rows_of(bob.pull(), "boxes")["same"]["title"] == "bob"
