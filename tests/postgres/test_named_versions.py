"""A write past the doors that names a version gets one of its own, so every device hears of it (S1, S5)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.postgres.caller import ALICE, BOB, Caller, deleted_of, insert, rows_of, update
from tests.postgres.caller import delete as remove
from tests.support.postgres import Database

NAMED = (-5, 1, 999_999_999)
FORGE = "set_config('bmad_sync.{}', '{}', true)"


def boxes(page: Any) -> dict[str, Any]:
    return {key: row["title"] for key, row in rows_of(page, "boxes").items()}


@pytest.fixture
def behind(alice: Caller) -> str:
    """A cursor past two boxes of ALICE's."""
    alice.write(insert("boxes", {"id": "b1", "title": "one"}))
    alice.write(insert("boxes", {"id": "b2", "title": "two"}))
    return str(alice.pull()["cursor"])


def test_an_operator_puts_a_deleted_row_back(small: Database, alice: Caller, behind: str) -> None:
    small.run("create table public.keep as select * from bmad.boxes where id = 'b1'")
    alice.write(remove("boxes", "b1", 10**9))
    gone = alice.pull(behind)
    assert deleted_of(gone, "boxes") == ["b1"]
    small.run("insert into bmad.boxes select * from public.keep")
    assert boxes(alice.pull(gone["cursor"])) == {"b1": "one"}


def test_rows_that_come_by_copy_arrive(small: Database, alice: Caller, behind: str) -> None:
    with (
        small.connect() as connection,
        connection.cursor() as cursor,
        cursor.copy("copy bmad.boxes (user_id, id, title, server_seq) from stdin") as copy,
    ):
        for number, version in enumerate(NAMED):
            copy.write_row((ALICE, f"c{number}", "copied", version))
    assert boxes(alice.pull(behind)) == {f"c{number}": "copied" for number in range(len(NAMED))}


@pytest.mark.parametrize("version", NAMED)
@pytest.mark.parametrize("role", ["operator", "authenticated", "service_role"])
def test_a_named_version_is_replaced(
    small: Database, device: Callable[..., Caller], alice: Caller, behind: str, role: str, version: int
) -> None:
    add = "insert into bmad.boxes (user_id, id, title, server_seq) values (%s, 'n', 'new', %s)"
    change = "update bmad.boxes set title = 'changed', server_seq = %s where user_id = %s and id = 'b1'"
    touch = "update bmad.boxes set server_seq = %s where user_id = %s and id = 'b2'"
    if role == "operator":
        with small.connect() as connection:
            connection.execute(add.encode(), (ALICE, version))
            connection.execute(change.encode(), (version, ALICE))
            connection.execute(touch.encode(), (version, ALICE))
    else:
        one = device(role=role)
        one.run(add, (ALICE, version))
        one.run(change, (version, ALICE))
        one.run(touch, (version, ALICE))
    page = alice.pull(behind)
    assert boxes(page) == {"n": "new", "b1": "changed", "b2": "two"}
    head = small.value("select version from bmad_sync.heads where scope = %s", ALICE)
    assert all(2 < row["server_seq"] <= head for row in rows_of(page, "boxes").values())


def test_a_copy_of_another_users_row_arrives(small: Database, alice: Caller, bob: Caller, behind: str) -> None:
    bob.write(insert("boxes", {"id": "of-bob", "title": "his"}))
    small.run(
        "insert into bmad.boxes (user_id, id, title, server_seq)"
        f" select '{ALICE}', 'copy', title, server_seq from bmad.boxes where user_id = '{BOB}'"
    )
    assert boxes(alice.pull(behind)) == {"copy": "his"}


def test_catalogue_rows_arrive_too(small: Database, alice: Caller, behind: str) -> None:
    small.run("insert into bmad.colours (id, code, server_seq) values ('a', 'a', 1), ('b', 'b', 77777), ('c', 'c', -1)")
    small.run("update bmad.colours set label = '{}', server_seq = 1 where id = 'red@1'")
    page = alice.pull(behind)
    assert set(rows_of(page, "colours")) == {"a", "b", "c", "red@1"}
    small.run("update bmad.colours set code = code, server_seq = server_seq")
    assert alice.pull(page["cursor"])["tables"] == []


def test_an_update_that_changes_nothing_moves_nothing(small: Database, alice: Caller, behind: str) -> None:
    small.run("update bmad.boxes set title = title, server_seq = server_seq")
    assert alice.pull(behind)["tables"] == []


def test_a_trigger_that_copies_a_pushed_row_is_heard_by_the_pushing_device(
    small: Database, alice: Caller, behind: str
) -> None:
    """The copy carries the push's own version, which the pushing device leaves out of its pulls."""
    small.run(
        "create function public.double() returns trigger language plpgsql security definer as $$ begin"
        " if new.id not like '%.copy' then new.id := new.id || '.copy'; insert into bmad.boxes select (new).*; end if;"
        " return null; end $$;"
        "create trigger double after insert on bmad.boxes for each row execute function public.double()"
    )
    answer = alice.push(alice.entry(insert("boxes", {"id": "x", "title": "twice"})), cursor=behind)
    assert boxes(answer["pull"]) == {"x.copy": "twice"}


def succeeds(one: Caller, statement: str) -> bool:
    """Runs it; false when it is refused as a forgery."""
    try:
        one.run(statement)
    except psycopg.errors.InsufficientPrivilege as refused:
        if "forged_version" not in str(refused):
            raise
        return False
    return True


@pytest.mark.parametrize("setting", ["own", "memo"])
@pytest.mark.parametrize("version", [1, 2, 3, 999_999_999])
def test_a_forged_setting_lets_no_version_through(alice: Caller, behind: str, setting: str, version: int) -> None:
    """`bmad_sync.own` and `bmad_sync.memo` are settings anybody may set; nothing rests on them."""
    forge = FORGE.format(setting, f"{ALICE} {version} 100 ,3,4,5,6,")
    named = version if setting == "own" else 0
    for statement in (
        f"insert into bmad.boxes (user_id, id, title, server_seq) values ('{ALICE}', 'f', 'forged', {named})",
        f"update bmad.boxes set title = 'forged', server_seq = {named} where id = 'b1'",
        "delete from bmad.boxes where id = 'b2'",
    ):
        done = succeeds(alice, f"do $do$ begin perform {forge}; {statement}; end $do$")
        page = alice.pull(behind)
        assert done == (boxes(page) == {"b1": "forged"} or deleted_of(page, "boxes") == ["b2"])
        assert done or page["tables"] == []
        assert not (done and setting == "memo")
        behind = page["cursor"]


def test_a_setting_forged_inside_the_statement_lets_no_version_through(alice: Caller, behind: str) -> None:
    forge, hide = FORGE.format("own", f"{ALICE} 1 100 ,"), FORGE.format("own", "")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="forged_version"):
        alice.run(
            "insert into bmad.boxes (user_id, id, title, server_seq)"
            f" select '{ALICE}', 'f', {forge}, 1 returning {hide}"
        )
    assert alice.pull(behind)["tables"] == []


def test_forged_own_versions_hide_no_delete(alice: Caller, behind: str) -> None:
    alice.write(remove("boxes", "b1", 10**9))
    alice.write(insert("boxes", {"id": "b1", "title": "again"}))
    cursor = alice.pull(behind)["cursor"]
    alice.run(
        f"do $do$ begin perform {FORGE.format('own_versions', '1,2,3,4')};"
        " delete from bmad.boxes where id = 'b1'; end $do$"
    )
    assert deleted_of(alice.pull(cursor), "boxes") == ["b1"]


def test_a_version_the_transaction_reserved_itself_may_be_named(alice: Caller, behind: str) -> None:
    """What a push does, done by hand: no cursor is past such a version."""
    alice.run(
        "do $do$ declare got bigint; begin"
        " got := (bmad_sync.own_version((select number from bmad_sync.tables where name = 'boxes'), 1)).version;"
        " update bmad.boxes set title = 'by hand', server_seq = got where id = 'b1'; end $do$"
    )
    assert boxes(alice.pull(behind)) == {"b1": "by hand"}


def test_after_a_push_in_the_same_transaction_its_version_is_nobodys(alice: Caller, behind: str) -> None:
    with alice.connection.transaction():
        alice.act()
        answer = alice.entry(update("boxes", "b1", 1, title="pushed"))
        body = {"device_id": alice.device, "settled": 0, "cursor": behind, "entries": [answer]}
        alice.connection.execute(
            "select set_config('x.answer', public.bmad_push_v1(%s)::text, true)", [json.dumps(body)]
        )
        alice.connection.execute(
            "insert into bmad.boxes (user_id, id, title, server_seq)"
            " select user_id, 'late', title, server_seq from bmad.boxes where id = 'b1'"
        )
        told = alice.connection.execute("select current_setting('x.answer')::json").fetchone()
    assert told is not None
    assert boxes(alice.pull(told[0]["pull"]["cursor"])) == {"late": "pushed"}
