"""Cursors and tombstones: refused, continued, told to start anew (S3, S5); plain SQL and cascades included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.postgres.caller import ALICE, BOB, Caller, delete, deleted_of, insert, rows_of, update
from tests.support.postgres import Database

BOX = {"id": "b1", "title": "box"}


def refused(one: Caller, cursor: Any, word: str) -> None:
    with pytest.raises(psycopg.Error, match=word) as caught:
        one.pull(cursor)
    assert caught.value.sqlstate == "PT400"


def test_a_cursor_of_an_empty_database_is_good(bob: Caller) -> None:
    page = bob.pull(tables=["boxes"])
    assert page["tables"] == []
    assert bob.pull(page["cursor"])["tables"] == []


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "1.x.1.1",
        "2.0.0.0",
        "1.00000000-00000000.1",
        "' or 1=1",
        "1.00000000-00000000.-1.0",
        7,
        {},
        "\0",
        "\ud800",
    ],
)
def test_a_garbage_cursor_is_refused(alice: Caller, cursor: Any) -> None:
    refused(alice, cursor, "cursor_garbage|bad_request")


def test_a_foreign_and_a_future_cursor_are_refused(alice: Caller, bob: Caller) -> None:
    cursor = alice.pull()["cursor"]
    refused(bob, cursor, "cursor_foreign")
    head, catalogue, user = cursor.rsplit(".", 2)
    refused(alice, f"{head}.{catalogue}.{int(user) + 1}", "cursor_future")
    refused(alice, f"{head}.{int(catalogue) + 1}.{user}", "cursor_future")


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        None,
        {"cursor": 7},
        {"limit_rows": 0},
        {"limit_rows": 20_001},
        {"limit_rows": "9"},
        {"schema_version": "x"},
        {"tables": "boxes"},
        {"tables": ["nope"]},
        {"tables": [None]},
        {"tables": ["ledger"]},
    ],
)
def test_a_misshapen_pull_is_refused(alice: Caller, body: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        alice.rpc("bmad_pull_v1", body)
    assert caught.value.sqlstate == "PT400"


def test_words_a_pull_does_not_know_are_passed_over(alice: Caller) -> None:
    """A newer device may say more than this server understands."""
    assert alice.pull(compress="zstd") == alice.pull()


def test_only_the_tables_asked_for_are_sent(alice: Caller) -> None:
    alice.write(insert("boxes", BOX), insert("things", {"id": "t1", "box_id": "b1", "name": "n"}))
    page = alice.pull(tables=["things", "colours"])
    assert [part["table"] for part in page["tables"]] == ["colours", "things"]


def test_plain_sql_is_stamped_and_delivered(alice: Caller, small: Database) -> None:
    version = alice.write(insert("boxes", BOX))["version"]
    cursor = alice.pull()["cursor"]
    small.run(f"insert into bmad.boxes (user_id, id, title) values ('{ALICE}', 'b2', 'dashboard')")
    small.run("update bmad.boxes set credit = 5, title = title where id = 'b1'")
    rows = rows_of(alice.pull(cursor), "boxes")
    assert rows["b2"]["hlc"].endswith("-0000-000000000000")
    assert (rows["b1"]["credit"], list(rows["b1"]["stamps"])) == (5, ["credit"])
    assert rows["b1"]["stamps"]["credit"] > rows["b1"]["hlc"]
    assert version < rows["b2"]["server_seq"] < rows["b1"]["server_seq"]


def test_a_stamp_of_the_server_is_later_than_any_the_row_has(alice: Caller, small: Database) -> None:
    later = small.value("select lpad(to_hex(bmad_sync.now_ms() + 3600000), 12, '0')")
    for counter, expected in (("0007", f"{later}-0008-000000000000"), ("ffff", None)):
        key = f"b-{counter}"
        alice.push({**alice.entry(insert("boxes", {**BOX, "id": key})), "hlc": f"{later}-{counter}-0000000000a1"})
        small.run(f"update bmad.boxes set title = 'x' where id = '{key}'")
        stamp = rows_of(alice.pull(), "boxes")[key]["stamps"]["title"]
        assert stamp > f"{later}-{counter}-ffffffffffff"
        assert expected in (None, stamp)


def test_an_update_in_plain_sql_that_changes_nothing_moves_no_cursor(alice: Caller, small: Database) -> None:
    alice.write(insert("boxes", BOX))
    cursor = alice.pull()["cursor"]
    small.run("update bmad.boxes set title = title")
    assert alice.pull(cursor).items() >= {"cursor": cursor, "more": False, "tables": []}.items()


def test_a_delete_in_plain_sql_and_what_falls_with_it_arrive(alice: Caller, small: Database) -> None:
    alice.write(
        insert("boxes", {**BOX, "parent_id": None}, {**BOX, "id": "b2", "parent_id": "b1"}),
        insert("things", {"id": "t1", "box_id": "b2", "name": "n"}),
    )
    cursor = alice.pull()["cursor"]
    small.run("delete from bmad.boxes where id = 'b1'")
    page = alice.pull(cursor)
    assert sorted(deleted_of(page, "boxes")) == ["b1", "b2"]
    assert deleted_of(page, "things") == ["t1"]


def test_truncate_is_refused(small: Database) -> None:
    for table in ("boxes", "colours"):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="tombstones"):
            small.run(f"truncate bmad.{table} cascade")


def test_a_row_that_moves_to_another_user_leaves_one_and_arrives_whole_at_the_other(
    alice: Caller, bob: Caller, small: Database
) -> None:
    alice.write(insert("boxes", BOX))
    hers, his = alice.pull()["cursor"], bob.pull()["cursor"]
    small.run(f"update bmad.boxes set user_id = '{BOB}' where id = 'b1'")
    assert deleted_of(alice.pull(hers), "boxes") == ["b1"]
    assert rows_of(bob.pull(his), "boxes")["b1"]["title"] == "box"
    his = bob.pull(his)["cursor"]
    small.run(f"update bmad.boxes set user_id = '{ALICE}' where id = 'b1'")
    page = alice.pull(hers)
    assert (rows_of(page, "boxes")["b1"]["title"], deleted_of(page, "boxes")) == ("box", [])
    assert deleted_of(bob.pull(his), "boxes") == ["b1"]


def test_a_row_that_gets_another_id_is_deleted_and_new(alice: Caller, small: Database) -> None:
    alice.write(insert("boxes", BOX))
    cursor = alice.pull()["cursor"]
    small.run("update bmad.boxes set id = 'b2'")
    page = alice.pull(cursor)
    assert (deleted_of(page, "boxes"), list(rows_of(page, "boxes"))) == (["b1"], ["b2"])


def test_changes_of_the_catalogue_arrive_everywhere(alice: Caller, bob: Caller, small: Database) -> None:
    cursors = [alice.pull()["cursor"], bob.pull()["cursor"]]
    small.run("""delete from bmad.shades; update bmad.colours set label = '{"en": "blue"}' where id = 'blue@1';
                 update bmad.colours set id = 'red@2' where id = 'red@1'""")  # fmt: skip
    for one, cursor in zip((alice, bob), cursors, strict=True):
        page = one.pull(cursor)
        assert deleted_of(page, "shades") == ["red/dark"]
        assert deleted_of(page, "colours") == ["red@1"]
        assert rows_of(page, "colours").keys() == {"red@2", "blue@1"}


def test_pages_are_cut_at_versions_and_can_be_resumed(alice: Caller) -> None:
    for number in range(5):
        alice.write(insert("boxes", {**BOX, "id": f"a{number}"}, {**BOX, "id": f"b{number}"}))
    cursor, sizes = alice.pull(limit_rows=1)["cursor"], []
    more = True
    while more:
        page = alice.pull(cursor, limit_rows=3)
        cursor, more = page["cursor"], page["more"]
        sizes.append(len(rows_of(page, "boxes")))
    assert sizes == [2] * 5
    assert alice.pull(cursor)["tables"] == []


def test_purged_tombstones_make_old_cursors_start_anew_but_not_a_first_sync(
    alice: Caller, device: Callable[..., Caller], small: Database
) -> None:
    version = alice.write(insert("boxes", BOX, {**BOX, "id": "b2"}))["version"]
    old = alice.pull()["cursor"]
    old_melon = alice.watermelon_pull()["timestamp"]
    alice.write(delete("boxes", "b1", version))
    fresh = alice.pull()["cursor"]
    alice.write(update("boxes", "b2", version, title="kept"))
    small.run("update bmad_sync.tombstones set buried_at = now() - interval '91 days'")
    assert small.value("select bmad_sync.purge()") == 1
    assert alice.pull(old) == {"resync": True, "reason": "the cursor is older than the tombstones kept", "cursor": None}
    assert rows_of(alice.pull(fresh), "boxes").keys() == {"b2"}
    for number in range(3):
        device(device="device-3").push(
            {
                "number": number + 1,
                "hlc": "018f00000000-0000-0000000000a1",
                "changes": [insert("boxes", {**BOX, "id": f"c{number}"})],
            }
        )
    page = alice.pull(limit_rows=1)
    seen = set(rows_of(page, "boxes"))
    while page["more"]:
        page = alice.pull(page["cursor"], limit_rows=1)
        assert "resync" not in page
        seen |= set(rows_of(page, "boxes"))
    assert seen == {"b2", "c0", "c1", "c2"}
    melon = alice.watermelon_pull(old_melon)
    assert melon["experimentalStrategy"] == "replacement"
    assert {raw["id"] for raw in melon["changes"]["boxes"]["updated"]} == seen


def test_a_row_deleted_during_a_first_sync_is_reported(alice: Caller) -> None:
    version = alice.write(insert("boxes", BOX))["version"]
    alice.write(insert("boxes", {**BOX, "id": "b2"}))
    page = alice.pull(limit_rows=1)
    while not rows_of(page, "boxes"):
        page = alice.pull(page["cursor"], limit_rows=1)
    assert rows_of(page, "boxes").keys() == {"b1"}
    alice.write(delete("boxes", "b1", version))
    gone: list[str] = []
    while page["more"]:
        page = alice.pull(page["cursor"], limit_rows=1)
        gone += deleted_of(page, "boxes")
    assert gone == ["b1"]


def test_after_a_restore_devices_of_the_lost_timeline_are_told(alice: Caller, bob: Caller, small: Database) -> None:
    alice.write(insert("boxes", BOX))
    before, melon_before = alice.pull()["cursor"], alice.watermelon_pull()["timestamp"]
    alice.write(insert("boxes", {**BOX, "id": "lost"}))
    bob.write(insert("boxes", {**BOX, "id": "lost"}))
    melon_lost, melon_bob = alice.watermelon_pull()["timestamp"], bob.watermelon_pull()["timestamp"]
    # the backup knows nothing of these two
    small.run("""delete from bmad.boxes where id = 'lost'; delete from bmad_sync.tombstones;
                 update bmad_sync.heads set version = 1 where scope <> bmad_sync.catalogue() and version > 1;""" + f"""
                 delete from bmad_sync.heads where scope = '{BOB}';
                 select bmad_sync.after_restore()""")  # fmt: skip
    assert alice.pull(before)["resync"] is True
    assert "experimentalStrategy" not in alice.watermelon_pull(melon_before)
    assert alice.watermelon_pull(melon_lost)["experimentalStrategy"] == "replacement"
    assert bob.watermelon_pull(melon_bob)["experimentalStrategy"] == "replacement"
    with pytest.raises(psycopg.Error, match="conflict"):
        alice.watermelon_push({}, melon_lost)
    bob.number = 0
    bob.device = "device-9"
    assert bob.write(insert("boxes", BOX))["version"] > 2**20
    assert bob.watermelon_pull(bob.watermelon_pull()["timestamp"])["changes"]["boxes"]["updated"] == []
