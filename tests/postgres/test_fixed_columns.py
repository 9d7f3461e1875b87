"""What is set at insert stays (IMM): a push that says otherwise is rejected, a WatermelonDB client is told again."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.postgres.caller import ALICE, Caller, delete, insert, rows_of, update
from tests.support.postgres import Database

MOMENT = 1_700_000_000_123
ROW: dict[str, Any] = {
    "id": "s1",
    "key": "theme",
    "value": "dark",
    "made_in": {"town": "Delft", "n": 1.5},
    "made_at": MOMENT,
    "box_id": "b1",
}


@pytest.fixture
def version(alice: Caller) -> int:
    """A setting with everything set, made in a box."""
    alice.write(insert("boxes", {"id": "b1", "title": "one"}, {"id": "b2", "title": "two"}))
    return int(alice.write(insert("settings", ROW))["version"])


def setting(alice: Caller) -> dict[str, Any]:
    row = rows_of(alice.pull(), "settings")["s1"]
    return {name: row[name] for name in ROW}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("key", "font"),
        ("made_in", {"town": "Delft"}),
        ("made_in", {}),
        ("made_at", MOMENT + 1),
        ("made_at", None),
        ("box_id", "b2"),
    ],
)
def test_another_value_rejects_the_entry(alice: Caller, version: int, column: str, value: Any) -> None:
    before = alice.pull()["cursor"]
    change = {"table": "settings", "update": [{"id": "s1", "base": version, "set": {"value": "light", column: value}}]}
    answer = alice.write(change)
    assert (answer["status"], answer["table"], answer["id"]) == ("rejected", "settings", "s1")
    assert answer["error"]["code"] == "PT422"
    assert answer["error"]["message"] == f'fixed_column: settings.{column} of "s1" is set at insert and never changes'
    assert answer["error"]["hint"]
    assert setting(alice) == ROW
    assert alice.pull(before)["tables"] == []


def test_one_of_many_rows_is_enough(alice: Caller, version: int) -> None:
    alice.write(insert("settings", {"id": "s2", "key": "font", "value": "serif"}))
    change = {
        "table": "settings",
        "update": [
            {"id": "s1", "base": 10**9, "set": {"value": "light"}},
            {"id": "s2", "base": 10**9, "set": {"made_at": MOMENT}},
        ],
    }
    answer = alice.write(change)
    assert answer["status"] == "rejected"
    assert 'made_at of "s2"' in answer["error"]["message"]
    assert setting(alice) == ROW


def test_the_same_value_is_fine(alice: Caller, version: int) -> None:
    same = {name: value for name, value in ROW.items() if name != "id"} | {"value": "light"}
    answer = alice.write(update("settings", "s1", version, **same))
    assert answer["status"] == "applied"
    assert setting(alice) == {**ROW, "value": "light"}
    again = alice.write(update("settings", "s1", answer["version"], key="theme", made_at=MOMENT))
    assert again["status"] == "applied"
    assert rows_of(alice.pull(), "settings")["s1"]["server_seq"] == again["version"]


def test_a_row_that_moved_on_is_a_conflict_first(alice: Caller, version: int) -> None:
    alice.write(update("settings", "s1", version, value="light"))
    assert alice.write(update("settings", "s1", version, key="font"))["status"] == "conflict"


def test_a_reference_becomes_null_with_its_parent(alice: Caller, version: int) -> None:
    """A device deletes the box and says in the same entry what follows from it."""
    entry = alice.entry(update("settings", "s1", version, box_id=None), delete("boxes", "b1", version))
    cursor = alice.pull()["cursor"]
    answer = alice.push(entry, cursor=cursor)
    assert answer["answers"][0]["status"] == "applied"
    assert answer["pull"]["tables"] == []
    assert setting(alice) == {**ROW, "box_id": None}


def test_null_stays_null(alice: Caller, version: int) -> None:
    alice.write(update("settings", "s1", version, box_id=None))
    assert alice.write(update("settings", "s1", 10**9, box_id="b2"))["status"] == "rejected"


@pytest.mark.parametrize(
    "assigned",
    ["key = 'font'", "key = key", "made_in = '{}'", "made_at = null", "box_id = 'b2'"],
)
def test_plain_sql_of_a_client_cannot_either(alice: Caller, version: int, assigned: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        alice.run(f"update bmad.settings set {assigned}")
    assert setting(alice) == ROW
    alice.run("update bmad.settings set box_id = box_id, value = 'sql'")
    alice.run("update bmad.settings set box_id = null")
    assert setting(alice) == {**ROW, "value": "sql", "box_id": None}


def test_the_operator_may(small: Database, alice: Caller, version: int) -> None:
    before = alice.pull()["cursor"]
    small.run(f"update bmad.settings set key = 'font', box_id = 'b2' where user_id = '{ALICE}'")
    row = rows_of(alice.pull(before), "settings")["s1"]
    assert (row["key"], row["box_id"]) == ("font", "b2")


def watermelon(one: Caller) -> tuple[dict[str, Any], int]:
    page = one.watermelon_pull()
    return {row["id"]: row for row in page["changes"]["settings"]["updated"]}, page["timestamp"]


def test_a_whole_record_of_watermelondb_leaves_them_as_they_are(alice: Caller, version: int) -> None:
    rows, last = watermelon(alice)
    changed = {**rows["s1"], "value": "light", "_status": "updated", "_changed": "value"}
    assert alice.watermelon_push({"settings": {"created": [], "updated": [changed], "deleted": []}}, last) == {}
    assert setting(alice) == {**ROW, "value": "light"}


def test_a_watermelondb_client_that_changed_one_gets_the_servers_value_back(alice: Caller, version: int) -> None:
    """Its push stands but for that; were it named as rejected, the client would send it for ever."""
    rows, last = watermelon(alice)
    wrong = {**rows["s1"], "value": "light", "key": "font", "made_at": None, "box_id": "b2"}
    assert alice.watermelon_push({"settings": {"created": [], "updated": [wrong], "deleted": []}}, last) == {}
    assert setting(alice) == {**ROW, "value": "light"}
    told = alice.watermelon_pull(last)["changes"]["settings"]["updated"]
    assert [(row["key"], row["value"], row["made_at"]) for row in told] == [("theme", "light", MOMENT)]


def test_it_gets_it_back_when_it_changed_nothing_else(alice: Caller, version: int) -> None:
    _, last = watermelon(alice)
    push = {"settings": {"created": [{"id": "s1", "key": "font"}], "updated": [], "deleted": []}}
    assert alice.watermelon_push(push, last) == {}
    page = alice.watermelon_pull(last)
    assert [row["key"] for row in page["changes"]["settings"]["updated"]] == ["theme"]
    assert (
        alice.watermelon_push(
            {"settings": {"created": [], "updated": [{"id": "s1", "key": "theme"}], "deleted": []}}, page["timestamp"]
        )
        == {}
    )
    assert alice.watermelon_pull(page["timestamp"])["changes"]["settings"]["updated"] == []
