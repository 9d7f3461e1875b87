"""Entries: in order, each all or nothing (S8), each exactly once (S7), a bad one does not block the rest (S9)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.postgres.caller import BOB, EPOCH_STAMP, Caller, delete, deleted_of, insert, rows_of, update
from tests.support.postgres import Database

BOX = {"id": "b1", "title": "box"}
RESENDS = 6


def boxes(one: Caller) -> dict[str, Any]:
    return {key: row["title"] for key, row in rows_of(one.pull(), "boxes").items()}


def test_a_repeat_gets_the_stored_answer_and_writes_nothing(alice: Caller) -> None:
    entry = alice.entry(insert("boxes", BOX))
    first = alice.push(entry)
    assert alice.push(entry) == first
    assert alice.push(entry, alice.entry(insert("boxes", {**BOX, "id": "b2"})))["answers"][0] == first["answers"][0]
    assert set(boxes(alice)) == {"b1", "b2"}


def test_a_repeat_after_somebody_elses_change_does_not_undo_it(alice: Caller, device: Callable[..., Caller]) -> None:
    entry = alice.entry(insert("boxes", BOX))
    version = alice.push(entry)["answers"][0]["version"]
    device(device="device-2").write(update("boxes", "b1", version, title="theirs"))
    alice.push(entry)
    assert boxes(alice) == {"b1": "theirs"}


def test_one_request_sent_again_by_many_connections_has_one_effect(
    alice: Caller, device: Callable[..., Caller], small: Database
) -> None:
    entries = [alice.entry(insert("boxes", {**BOX, "id": f"b{n}"})) for n in range(3)]
    callers = [device() for _ in range(RESENDS)]
    gate = threading.Barrier(RESENDS)
    answers: list[Any] = []

    def send(one: Caller) -> None:
        gate.wait()
        answers.append(one.push(*entries))

    threads = [threading.Thread(target=send, args=(one,)) for one in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == RESENDS
    assert all(answer == answers[0] for answer in answers)
    assert [answer["version"] for answer in answers[0]["answers"]] == [1, 2, 3]
    assert small.value("select version from bmad_sync.heads where scope = %s", alice.user) == 3


def test_a_gap_is_an_error_and_nothing_is_written(alice: Caller) -> None:
    alice.entry()
    with pytest.raises(psycopg.Error, match="number_gap") as caught:
        alice.push(alice.entry(insert("boxes", BOX)))
    assert (caught.value.sqlstate, caught.value.diag.message_detail) == ("PT409", '{"last_number": 0}')
    assert boxes(alice) == {}


def test_a_gap_inside_one_request_takes_back_what_stood_before_it(alice: Caller) -> None:
    first = alice.entry(insert("boxes", BOX))
    alice.entry()
    with pytest.raises(psycopg.Error, match="number_gap"):
        alice.push(first, alice.entry())
    assert boxes(alice) == {}
    assert alice.push(first)["last_number"] == 1


def test_settled_answers_are_forgotten_and_their_numbers_refused(alice: Caller, small: Database) -> None:
    first, second = alice.entry(insert("boxes", BOX)), alice.entry(insert("boxes", {**BOX, "id": "b2"}))
    alice.push(first)
    alice.push(second, settled=1)
    assert small.value("select array_agg(number) from bmad_sync.answers") == [2]
    with pytest.raises(psycopg.Error, match="number_settled"):
        alice.push(first)


def test_devices_and_users_count_on_their_own(alice: Caller, bob: Caller, device: Callable[..., Caller]) -> None:
    other = device(device="device-2")
    for one, key in ((alice, "b1"), (other, "b2"), (bob, "b3")):
        assert one.push(one.entry(insert("boxes", {**BOX, "id": key})))["last_number"] == 1
    assert set(boxes(alice)) == {"b1", "b2"}


def test_an_entry_is_all_or_nothing(alice: Caller) -> None:
    answer = alice.write(insert("boxes", BOX), insert("things", {"id": "t1", "box_id": "nowhere", "name": "n"}))
    assert (answer["status"], answer["table"], answer["id"]) == ("rejected", "things", "t1")
    assert answer["error"]["code"] == "23503"
    assert boxes(alice) == {}


def test_what_stands_behind_a_bad_entry_is_not_consumed(alice: Caller) -> None:
    good = alice.entry(insert("boxes", BOX))
    bad = alice.entry(insert("boxes", {**BOX, "id": "b2", "state": "odd"}))
    behind = alice.entry(insert("boxes", {**BOX, "id": "b3"}))
    answer = alice.push(good, bad, behind)
    assert [one["status"] for one in answer["answers"]] == ["applied", "rejected"]
    assert answer["last_number"] == 2
    assert alice.push(bad, behind)["answers"] == [answer["answers"][1]]
    assert alice.push(behind)["answers"][0]["status"] == "applied"
    assert set(boxes(alice)) == {"b1", "b3"}


def test_keys_are_checked_at_the_end_of_an_entry_whatever_its_order(alice: Caller) -> None:
    answer = alice.write(
        insert("things", {"id": "t1", "box_id": "b1", "name": "n"}),
        insert("boxes", {**BOX, "parent_id": "b0"}, {**BOX, "id": "b0", "parent_id": None}),
    )
    assert answer["status"] == "applied", answer
    version = answer["version"]
    assert (
        alice.write(delete("boxes", "b0", version), delete("things", "t1", version), delete("boxes", "b1", version))[
            "status"
        ]
        == "applied"
    )
    assert boxes(alice) == {}


def test_a_row_still_kept_from_deletion_rejects_the_delete(alice: Caller) -> None:
    answer = alice.write(
        insert("boxes", BOX, {**BOX, "id": "b2"}),
        insert("things", {"id": "t1", "box_id": "b1", "keeper_id": "b2", "name": "n"}),
    )
    refused = alice.write(delete("boxes", "b2", answer["version"]))
    assert (refused["status"], refused["error"]["code"]) == ("rejected", "23503")
    assert (
        alice.write(
            delete("boxes", "b2", answer["version"]), update("things", "t1", answer["version"], keeper_id=None)
        )["status"]
        == "applied"
    )


ROW = ["b9", 1, 1, "t"]
BASIC = ["id", "created_at", "updated_at", "title"]


def listed(columns: list[str], *rows: Any) -> dict[str, Any]:
    return {"table": "boxes", "insert": {"columns": columns, "rows": rows}}


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"table": "nope", "delete": []}, "PT422", "unknown_table"),
        ({"table": "drafts", "delete": []}, "PT422", "unknown_table"),
        ({"table": "ledger", "delete": []}, "PT422", "unknown_table"),
        ({"table": "tasks; drop table bmad.boxes"}, "PT422", "unknown_table"),
        ({"table": "colours", "delete": [{"id": "red@1", "base": 1}]}, "42501", "read_only_table"),
        ({"table": "invoices", "insert": {"columns": ["id"], "rows": [["x"]]}}, "42501", "read_only_table"),
        ({"table": "settings", "delete": [{"id": "x", "base": None}]}, "42501", "no_delete"),
        ({"table": "boxes", "upsert": []}, "PT422", "bad_change"),
        ({"table": "boxes", "insert": []}, "PT422", "bad_change"),
        ({"table": "boxes", "update": {}}, "PT422", "bad_change"),
        (listed([*BASIC, "nope"], [*ROW, 1]), "PT422", "unknown_column"),
        (listed([*BASIC, "user_id"], [*ROW, BOB]), "PT422", "unknown_column"),
        (listed([*BASIC, "server_seq"], [*ROW, 9]), "PT422", "unknown_column"),
        (listed([*BASIC, "credit"], [*ROW, 9]), "PT422", "server_column"),
        (listed([*BASIC, "title"], [*ROW, "u"]), "PT422", "bad_insert"),
        (listed(BASIC[1:], ROW[1:]), "PT422", "bad_insert"),
        (listed(BASIC, ROW[:3]), "PT422", "bad_insert"),
        (listed(BASIC, ROW, ROW), "PT422", "bad_insert"),
        (listed(BASIC, {"id": "b9"}), None, ""),
        (listed(BASIC, "b9"), None, ""),
        (listed(BASIC, ["b9", 1, 1, 7]), "PT422", "wrong_type"),
        (listed(BASIC, ["b9", "1", 1, "t"]), "PT422", "wrong_type"),
        (listed(BASIC, [9, 1, 1, "t"]), "PT422", "wrong_type"),
        (listed(BASIC, ["b9", 1.5, 1, "t"]), "22P02", ""),
        (listed(BASIC, ["b9", 10**19, 1, "t"]), "22003", ""),
        (listed(BASIC, ["b9", 9 * 10**18, 1, "t"]), "22008", ""),
        (listed(BASIC, ["b9", 1, 1, None]), "23502", "title"),
        (listed(BASIC, ["b9", 1, 1, "x" * 101]), "23514", "title_check"),
        (listed(BASIC, ["b9", 1, 1, "a\0b"]), "PT422", "bad_text"),
        (listed(BASIC, ["b 9", 1, 1, "t"]), "23514", "id_letters"),
        (listed(BASIC, ["b9\n", 1, 1, "t"]), "23514", "id_letters"),
        (listed(BASIC, ["x" * 65, 1, 1, "t"]), "23514", "id_letters"),
        (listed([*BASIC, "colour_id"], [*ROW, "green"]), "23503", "colour_id_fkey"),
        (listed([*BASIC, "state"], [*ROW, "odd"]), "23514", "state_enum"),
        ({"table": "boxes", "update": [{"id": "b1", "base": 1, "set": {"nope": 1}}]}, "PT422", "unknown_column"),
        ({"table": "boxes", "update": [{"id": "b1", "base": 1, "set": {"credit": 1}}]}, "PT422", "server_column"),
        ({"table": "boxes", "update": [{"id": "b1", "base": 1, "set": {"id": "b2"}}]}, "PT422", "bad_update"),
        ({"table": "boxes", "update": [{"id": "b1", "base": 1, "set": {"title": 7}}]}, "PT422", "wrong_type"),
        ({"table": "things", "update": [{"id": "t1", "base": 1, "set": {"tags": {}}}]}, "PT422", "tags takes an array"),
        ({"table": "things", "update": [{"id": "t1", "base": 1, "set": {"tags": "a"}}]}, "PT422", "not a string"),
        (5, "PT422", "bad_change: a change is an object that names its table"),
        (None, "PT422", "bad_change"),
        ([], "PT422", "bad_change"),
        ({"table": 7}, "PT422", "bad_change"),
        ({"update": []}, "PT422", "bad_change"),
        ({"table": "boxes", "update": [{"id": "b1", "base": "1", "set": {}}]}, "PT422", "bad_update"),
        ({"table": "boxes", "update": [{"id": "b1", "base": 1}]}, "PT422", "bad_update"),
        ({"table": "boxes", "update": [7]}, "PT422", "bad_update"),
        ({"table": "boxes", "update": [{"id": "b1", "base": 1, "set": {}}] * 2}, "PT422", "bad_update"),
        ({"table": "boxes", "delete": [{"base": 1}]}, "PT422", "bad_delete"),
        ({"table": "boxes", "delete": [{"id": "b1", "base": 1.5}]}, None, ""),
        (7, "PT422", ""),
        (listed(BASIC, ["b9", 1, 1, "a\ud83db"]), "PT422", "bad_text"),
    ],
)  # fmt: skip
def test_a_bad_change_is_rejected_with_a_reason(alice: Caller, change: Any, code: str | None, word: str) -> None:
    alice.write(insert("boxes", BOX))
    before = boxes(alice)
    answer = alice.write(insert("boxes", {**BOX, "id": "b7"}), change)
    assert answer["status"] == "rejected"
    assert code is None or answer["error"]["code"] == code, answer
    assert word in answer["error"]["message"], answer
    assert set(answer["error"]) == {"code", "message", "details", "hint"}
    assert boxes(alice) == before


@pytest.mark.parametrize(
    "entry",
    [
        {"hlc": None},
        {"hlc": "yesterday"},
        {"hlc": "ffffffffffff-0000-0000000000a1"},
        {"changes": {}},
        {"changes": None},
    ],
)
def test_a_bad_entry_is_rejected_and_consumes_its_number(alice: Caller, entry: dict[str, Any]) -> None:
    answer = alice.push({**alice.entry(insert("boxes", BOX)), **entry})
    assert (answer["answers"][0]["status"], answer["last_number"]) == ("rejected", 1)


@pytest.mark.parametrize(
    "body",
    [
        [],
        7,
        {},
        {"entries": {}},
        {"device_id": 7, "entries": []},
        {"device_id": "", "entries": []},
        {"device_id": "a b", "entries": []},
        {"device_id": "d", "entries": [7]},
        {"device_id": "d", "entries": [{}]},
        {"device_id": "d", "entries": [{"number": 0}]},
        {"device_id": "d", "entries": [{"number": "1"}]},
        {"device_id": "d", "entries": [{"number": 1.5}]},
        {"device_id": "d", "entries": [{"number": 1, "hlc": 7}]},
        {"device_id": "d", "entries": [], "settled": -1},
        {"device_id": "d", "entries": [], "limit_rows": 0, "cursor": "x"},
        {"device_id": "d", "entries": [], "cursor": "x"},
        {"device_id": "d", "entries": [], "cursor": 7},
        {"device_id": "d", "entries": [{"number": 1}] * 1001},
    ],
)
def test_a_misshapen_push_is_refused_whole(alice: Caller, body: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        alice.rpc("bmad_push_v1", body)
    assert caught.value.sqlstate == "PT400"


@pytest.mark.parametrize("door", ["bmad_pull_v1", "bmad_push_v1"])
@pytest.mark.parametrize(("user", "role"), [(None, "authenticated"), ("not-a-uuid", "authenticated"), (None, "anon")])
def test_nobody_gets_in_without_a_user(device: Callable[..., Caller], door: str, user: str | None, role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        device(user, role=role).rpc(door, {"device_id": "d", "entries": []})


def test_a_token_of_another_user_than_the_files_is_refused(alice: Caller) -> None:
    entry = alice.entry(insert("boxes", BOX))
    for door in ("bmad_pull_v1", "bmad_push_v1"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="other_user"):
            alice.rpc(door, {"device_id": "device-1", "entries": [entry], "user": BOB})
    assert alice.push(entry, user=str(alice.user).upper())["answers"][0]["status"] == "applied"


def test_a_lock_that_cannot_be_had_ends_the_push_instead_of_rejecting_the_entry(alice: Caller, small: Database) -> None:
    entry = alice.entry(insert("boxes", BOX))
    with small.connect(autocommit=False) as other:
        other.execute("lock table bmad.boxes")
        alice.connection.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            alice.push(entry)
        other.rollback()
    assert alice.push(entry)["answers"][0]["status"] == "applied"


def test_big_entries_are_spread_over_versions_and_stay_one_entry(alice: Caller, small: Database) -> None:
    answer = alice.write(insert("boxes", *({**BOX, "id": f"b{n}"} for n in range(5_003))))
    counted = "select array_agg(n order by v) from (select server_seq v, count(*) n from bmad.boxes group by 1) x"
    assert small.value(counted) == [5_000, 3]
    assert answer["version"] == 2
    changes = [{"id": f"b{n}", "base": answer["version"]} for n in range(5_003)]
    assert alice.write({"table": "boxes", "delete": changes})["version"] == 4
    assert small.value("select count(distinct version) from bmad_sync.tombstones") == 2


def test_a_push_answer_leaves_out_what_it_wrote_and_nothing_else(alice: Caller, device: Callable[..., Caller]) -> None:
    base = alice.write(
        insert("boxes", BOX, {**BOX, "id": "b2"}, {**BOX, "id": "b3"}),
        insert("things", {"id": "t1", "box_id": "b1", "name": "mine"}),
    )["version"]
    cursor = alice.pull()["cursor"]
    other = device(device="device-2")
    other.write(
        insert("things", {"id": "t2", "box_id": "b1", "shelf_id": "b3", "name": "theirs"}),
        update("boxes", "b2", base, title="theirs"),
    )
    entry = alice.entry(insert("boxes", {**BOX, "id": "b9"}), delete("things", "t1", base), delete("boxes", "b1", base))
    page = alice.push(entry, cursor=cursor)["pull"]
    assert rows_of(page, "boxes").keys() == {"b2"}
    assert deleted_of(page, "boxes") == []
    assert deleted_of(page, "things") == ["t2"]  # it fell with its box, and the device may not know it
    assert alice.pull(page["cursor"])["tables"] == []


def test_a_reference_nulled_by_a_cascade_is_a_side_effect_the_device_hears_of(alice: Caller) -> None:
    base = alice.write(
        insert("boxes", BOX, {**BOX, "id": "b2"}),
        insert("things", {"id": "t1", "box_id": "b1", "shelf_id": "b2", "name": "n"}),
    )["version"]
    cursor = alice.pull()["cursor"]
    page = alice.push(alice.entry(delete("boxes", "b2", base)), cursor=cursor)["pull"]
    row = rows_of(page, "things")["t1"]
    assert (row["shelf_id"], list(row["stamps"])) == (None, ["shelf_id"])
    assert row["stamps"]["shelf_id"] > EPOCH_STAMP
