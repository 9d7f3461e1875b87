"""Conflicts: a row that changed on the server since the device's base comes back instead of being overwritten (S10)."""

from __future__ import annotations

from collections.abc import Callable

from tests.postgres.caller import EPOCH_STAMP, Caller, delete, insert, rows_of, update

BOX = {"id": "b1", "title": "box"}
LATER = "018f00000001-0000-0000000000a2"


def test_an_update_on_a_stale_base_gets_the_servers_row(alice: Caller, device: Callable[..., Caller]) -> None:
    base = alice.write(insert("boxes", BOX))["version"]
    other = device(device="device-2")
    theirs = other.push({**other.entry(update("boxes", "b1", base, title="theirs")), "hlc": LATER})["answers"][0][
        "version"
    ]
    answer = alice.write(update("boxes", "b1", base, title="mine"))
    assert answer["status"] == "conflict"
    (row,) = answer["rows"]
    assert row == {
        "table": "boxes", "id": "b1", "server_seq": theirs, "hlc": EPOCH_STAMP, "stamps": {"title": LATER},
        "row": {"title": "theirs", "colour_id": None, "parent_id": None, "state": "new", "credit": None,
                "created_at": 1_700_000_000_000, "updated_at": 1_700_000_000_000},
    }  # fmt: skip
    assert alice.write(update("boxes", "b1", theirs, title="merged"))["status"] == "applied"
    assert rows_of(other.pull(), "boxes")["b1"]["title"] == "merged"


def test_an_update_of_a_deleted_row_says_when_it_went(alice: Caller, device: Callable[..., Caller]) -> None:
    base = alice.write(insert("boxes", BOX))["version"]
    gone = device(device="device-2").write(delete("boxes", "b1", base))["version"]
    answer = alice.write(update("boxes", "b1", base, title="mine"))
    assert answer["rows"] == [
        {"table": "boxes", "id": "b1", "server_seq": gone, "row": None, "hlc": None, "stamps": None}
    ]


def test_an_update_of_a_row_nobody_knows_is_a_conflict_too(alice: Caller) -> None:
    answer = alice.write(update("boxes", "never", None, title="mine"))
    assert (answer["status"], answer["rows"][0]["row"], answer["rows"][0]["server_seq"]) == ("conflict", None, None)


def test_a_delete_of_a_changed_row_is_a_conflict_and_of_a_missing_one_is_fine(
    alice: Caller, device: Callable[..., Caller]
) -> None:
    base = alice.write(insert("boxes", BOX))["version"]
    theirs = device(device="device-2").write(update("boxes", "b1", base, title="theirs"))["version"]
    assert alice.write(delete("boxes", "b1", base))["status"] == "conflict"
    assert alice.write(delete("boxes", "b1", theirs))["status"] == "applied"
    assert alice.write(delete("boxes", "b1", theirs))["status"] == "applied"
    assert alice.write(delete("boxes", "never", None))["status"] == "applied"


def test_an_insert_of_an_equal_row_counts_as_applied(alice: Caller, device: Callable[..., Caller]) -> None:
    version = alice.write(insert("boxes", BOX))["version"]
    answer = device(device="device-2").write(insert("boxes", BOX))
    assert answer["status"] == "applied"
    assert rows_of(alice.pull(), "boxes")["b1"]["server_seq"] == version
    assert device(device="device-3").write(insert("boxes", {**BOX, "title": "other"}))["status"] == "conflict"


def test_every_conflicting_row_of_an_entry_is_told_at_once(alice: Caller, device: Callable[..., Caller]) -> None:
    base = alice.write(insert("boxes", BOX, {**BOX, "id": "b2"}, {**BOX, "id": "b3"}))["version"]
    other = device(device="device-2")
    other.write(
        update("boxes", "b1", base, title="theirs"),
        update("boxes", "b2", base, title="theirs"),
        insert("boxes", {**BOX, "id": "b4", "title": "theirs"}),
    )
    answer = alice.write(
        insert("boxes", {**BOX, "id": "b4"}),
        update("boxes", "b1", base, title="m"),
        delete("boxes", "b2", base),
        update("boxes", "b3", base, title="m"),
    )
    assert sorted(row["id"] for row in answer["rows"]) == ["b1", "b2", "b4"]
    assert rows_of(alice.pull(), "boxes")["b3"]["title"] == "box"


def test_entries_of_one_request_do_not_conflict_with_each_other(alice: Caller) -> None:
    entries = [
        alice.entry(insert("boxes", BOX)),
        alice.entry(update("boxes", "b1", None, title="two")),
        alice.entry(update("boxes", "b1", None, title="three")),
        alice.entry(delete("boxes", "b1", None)),
    ]
    assert [one["status"] for one in alice.push(*entries)["answers"]] == ["applied"] * 4


def test_nor_with_an_entry_whose_answer_was_lost(alice: Caller) -> None:
    base = alice.write(insert("boxes", BOX))["version"]
    lost = alice.entry(update("boxes", "b1", base, title="two"))
    alice.push(lost)
    behind = alice.entry(update("boxes", "b1", base, title="three"))
    assert [one["status"] for one in alice.push(lost, behind)["answers"]] == ["applied", "applied"]
    assert rows_of(alice.pull(), "boxes")["b1"]["title"] == "three"


def test_but_with_a_change_that_came_between(alice: Caller, device: Callable[..., Caller]) -> None:
    base = alice.write(insert("boxes", BOX))["version"]
    lost = alice.entry(update("boxes", "b1", base, title="two"))
    seen = alice.push(lost)["answers"][0]["version"]
    device(device="device-2").write(update("boxes", "b1", seen, title="theirs"))
    behind = alice.entry(update("boxes", "b1", base, title="three"))
    assert [one["status"] for one in alice.push(lost, behind)["answers"]] == ["applied", "conflict"]


def test_a_conflict_consumes_its_number_and_is_answered_again(alice: Caller, device: Callable[..., Caller]) -> None:
    base = alice.write(insert("boxes", BOX))["version"]
    device(device="device-2").write(update("boxes", "b1", base, title="theirs"))
    entry = alice.entry(update("boxes", "b1", base, title="mine"))
    first = alice.push(entry)
    assert first["last_number"] == 2
    assert alice.push(entry) == first
