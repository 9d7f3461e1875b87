"""bmad_digest_v1: whose rows it tells of, when it compares, what it refuses. Both versions of Postgres."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from bmaddb.schema.sqlite_ddl_digests import form_of
from tests.postgres.caller import Caller, delete, insert, update
from tests.postgres.small_catalog import Box, small_catalog
from tests.support.postgres import Database

FORM = form_of(Box.__table__)
ALL = ["", "\U0010ffff"]


def ask(caller: Caller, **asked: Any) -> Any:
    return caller.rpc("bmad_digest_v1", {"schema_version": 14, **asked})


def boxes(**more: Any) -> dict[str, Any]:
    return {"table": "boxes", "form": FORM, "bounds": ALL, **more}


@pytest.fixture
def mine(alice: Caller, bob: Caller) -> Caller:
    """Alice, with two boxes beside Bob's one."""
    assert alice.write(insert("boxes", {"id": "a", "title": "A"}, {"id": "b", "title": "B"}))["status"] == "applied"
    assert bob.write(insert("boxes", {"id": "a", "title": "Bob's"}))["status"] == "applied"
    return alice


def test_each_caller_hears_of_their_own_rows_alone(mine: Caller, bob: Caller) -> None:
    whole = ask(mine, digests=[boxes()])["digests"][0]["ranges"]["1"]
    listed = ask(mine, lists=[{"table": "boxes", "from": "", "to": ALL[1]}])["lists"][0]
    assert (whole[0], [row[0] for row in listed["rows"]], listed["more"]) == (2, ["a", "b"], False)
    assert int(whole[1]) == sum(int(row[1]) for row in listed["rows"])
    theirs = ask(bob, digests=[boxes()], rows=[{"table": "boxes", "ids": ["a", "b"]}])
    assert theirs["digests"][0]["ranges"]["1"][0] == 1
    part = theirs["rows"][0]
    assert ([row[0] for row in part["rows"]], part["deleted"]) == (["a"], ["b"])


def test_ranges_and_skipped_rows(mine: Caller) -> None:
    parts = [boxes(bounds=["", "b", ALL[1]]), boxes(skip=["a"]), boxes(bounds=["c", "d"])]
    first, second, third = ask(mine, digests=parts)["digests"]
    assert [first["ranges"][place][0] for place in ("1", "2")] == [1, 1]
    assert second["ranges"]["1"] == first["ranges"]["2"]
    assert third["ranges"] == {}


def test_it_compares_only_where_the_device_stands(mine: Caller) -> None:
    cursor = ask(mine)["cursor"]
    assert ask(mine, cursor=cursor, digests=[boxes()])["moved"] is False
    mine.write(update("boxes", "a", 100, title="AA"))
    answer = ask(mine, cursor=cursor, digests=[boxes()])
    assert answer["moved"] is True
    assert "digests" not in answer
    assert answer["cursor"] == mine.pull(cursor)["cursor"]


def test_other_columns_are_not_compared(mine: Caller) -> None:
    asked = [boxes(form="00000000"), {"table": "nothing", "form": FORM, "bounds": ALL}]
    assert [part["unlike"] for part in ask(mine, digests=asked)["digests"]] == [True, True]


def test_what_was_lost_and_what_was_deleted(small: Database, mine: Caller) -> None:
    """Known at a version, gone now: deleted where a later tombstone says so or might have, else lost."""
    version = ask(mine)["heads"][1]
    small.run("delete from bmad.boxes where id = 'a'")
    asked = [{"table": "boxes", "ids": ["a", "b", "c"], "versions": [version, version, version]}]
    assert ask(mine, unseen=asked)["unseen"][0]["ids"] == ["c"]
    small.run("select bmad_sync.purge('-1 second')")
    assert ask(mine, unseen=asked)["unseen"][0]["ids"] == []
    ahead = ask(mine)["heads"][1] + 1
    assert ask(mine, unseen=[{"table": "boxes", "ids": ["c"], "versions": [ahead]}])["unseen"][0]["ids"] == ["c"]
    small.run("select bmad_sync.after_restore()")
    assert ask(mine, unseen=[{"table": "boxes", "ids": ["c"], "versions": [ahead]}])["unseen"][0]["ids"] == ["c"]
    read_only = [{"table": name, "ids": ["c"], "versions": [ahead]} for name in ("invoices", "colours")]
    assert [part["ids"] for part in ask(mine, unseen=read_only)["unseen"]] == [[], []]


@pytest.mark.parametrize(
    "asked",
    [
        {"digests": {}},
        {"digests": [1]},
        {"digests": [{"form": FORM}]},
        {"digests": [{"table": 1}]},
        {"digests": [boxes(bounds=["a"])]},
        {"digests": [boxes(bounds=["b", "a"])]},
        {"digests": [boxes(bounds=["a", "a"])]},
        {"digests": [boxes(bounds=["a", None])]},
        {"digests": [boxes(bounds="a")]},
        {"digests": [boxes(skip=[1])]},
        {"lists": [{"table": "boxes"}]},
        {"lists": [{"table": "nothing", "from": "", "to": "z"}]},
        {"rows": [{"table": "boxes", "ids": {}}]},
        {"rows": [{"table": "boxes", "ids": ["x"] * 5_001}]},
        {"unseen": [{"table": "boxes", "ids": ["a"]}]},
        {"unseen": [{"table": "boxes", "ids": ["a"], "versions": ["x"]}]},
        {"unseen": [{"table": "boxes", "ids": ["a"], "versions": {}}]},
        {"cursor": 1},
        {"cursor": "garbage"},
        {"schema_version": "x"},
    ],
)
def test_misshapen_requests_are_refused(alice: Caller, asked: dict[str, Any]) -> None:
    with pytest.raises(psycopg.Error) as caught:
        ask(alice, **asked)
    assert caught.value.sqlstate == "PT400"


def test_nobody_and_the_wrong_one_hear_nothing(device: Callable[..., Caller]) -> None:
    for caller, asked in ((device(None), {}), (device(role="anon"), {}), (device(), {"user": "somebody else"})):
        with pytest.raises(psycopg.Error) as caught:
            ask(caller, **asked)
        assert caught.value.sqlstate == "42501"


def test_a_row_that_stands_twice_in_an_entry_is_refused(alice: Caller) -> None:
    alice.write(insert("boxes", {"id": "a", "title": "A"}))
    pairs = (
        [insert("boxes", {"id": "x", "title": "1"}), insert("boxes", {"id": "x", "title": "2"})],
        [insert("boxes", {"id": "x", "title": "1"}), update("boxes", "x", None, title="2")],
        [update("boxes", "a", 9, title="1"), update("boxes", "a", 9, title="2")],
        [update("boxes", "a", 9, title="1"), delete("boxes", "a", 9)],
    )
    for pair in pairs:
        error = alice.write(*pair)["error"]
        assert (error["code"], error["message"].split(":")[0]) == ("PT422", "bad_entry")
        assert "stands more than once" in error["message"]


@pytest.mark.parametrize(
    ("moment", "fits"),
    [
        (-62_135_596_800_000, True),
        (253_402_300_799_999, True),
        (100_000_000_000_001, True),
        (-62_135_596_800_001, False),
        (253_402_300_800_000, False),
        (2**63 - 1, False),
        (-(2**63), False),
    ],
)
def test_a_moment_survives_the_trip_or_is_refused(alice: Caller, moment: int, fits: bool) -> None:
    answer = alice.write(insert("boxes", {"id": "a", "title": "A", "created_at": moment}))
    if not fits:
        assert answer["status"] == "rejected"
        assert (answer["error"]["code"], "1 to 9999" in answer["error"]["message"]) == ("22008", True)
        return
    part = next(part for part in alice.pull()["tables"] if part["table"] == "boxes")
    assert part["rows"][0][part["columns"].index("created_at")] == moment


def test_one_account_per_email(postgres_installed: Database) -> None:
    row = (
        "insert into bmad.users (user_id, id, display_name, terms_version, privacy_version, email)"
        " values (gen_random_uuid(), 'u', 'n', '1', '1', '{}')"
    )
    postgres_installed.run(row.format("a@b.nl"))
    postgres_installed.run(row.format("c@b.nl"))
    with pytest.raises(psycopg.errors.UniqueViolation, match="users_one_account_per_email"):
        postgres_installed.run(row.format("A@B.nl"))


def test_the_form_covers_every_synced_table(small: Database) -> None:
    with small.connect() as connection:
        forms = connection.execute(b"select name, bmad_sync.form_of(t) from bmad_sync.tables t").fetchall()
    assert dict(forms) == {table.name: form_of(table) for table in small_catalog().synced_tables}
