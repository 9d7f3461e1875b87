"""What a pull reads grows with what changed, not with what is stored (S4): counted in rows and index entries."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bmaddb import statements
from tests.postgres.caller import ALICE, Caller, delete, insert
from tests.support.postgres import Database

FEW, MANY = 100, 2_000
READ_MAX = 60
"""Rows and index entries for a handful of rows to tell, heads and list of tables included (22 and 31 when written)."""
_SQL = statements.load("tests.postgres", "work.sql")


def work(one: Caller, door: str, **body: Any) -> tuple[Any, int]:
    """The answer, and how many rows and index entries were read for it."""
    request = json.dumps({"schema_version": 14, "device_id": one.device, **body})
    with one.connection.transaction():
        one.act()
        before = read_so_far(one)
        answered = one.connection.execute(_SQL[door], [request]).fetchone()
        after = read_so_far(one)
    assert answered is not None
    return answered[0], after - before


def read_so_far(one: Caller) -> int:
    found = one.connection.execute(_SQL["read_so_far"]).fetchone()
    assert found is not None
    return int(found[0])


def stored(database: Database, rows: int, user: str = ALICE) -> None:
    """`rows` boxes with a thing each, and as many tombstones."""
    with database.connect() as owner:
        owner.execute(_SQL["fill"].encode(), {"user": user, "rows": rows * 2})
        owner.execute(_SQL["bury"].encode(), {"user": user, "rows": rows})
        owner.execute(_SQL["analyse"].encode())


def told(page: Any) -> int:
    return sum(len(part["rows"]) + len(part["deleted"]) for part in page["tables"])


def caught_up(one: Caller) -> Any:
    page = one.pull(limit_rows=20_000)
    while page["more"]:
        page = one.pull(page["cursor"], limit_rows=20_000)
    return page["cursor"]


@pytest.mark.parametrize("limit_rows", [2, 5_000])
def test_a_pull_reads_what_changed_however_much_is_stored(
    small: Database, device: Callable[..., Caller], limit_rows: int
) -> None:
    read: list[tuple[int, int]] = []
    for user, rows in ((ALICE, FEW), ("00000000-0000-4000-8000-0000000000c1", MANY)):
        stored(small, rows, user)
        one = device(user)
        cursor = caught_up(one)
        for number in range(5):
            one.write(insert("boxes", {"id": f"new{number}", "title": "x"}))
        version = one.write(insert("boxes", {"id": "gone", "title": "x"}))["version"]
        one.write(delete("boxes", "gone", version))
        page, count = work(one, "pull", cursor=cursor, limit_rows=limit_rows)
        read.append((told(page), count))
    assert read[0] == read[1], "twenty times as many rows cost nothing"
    rows_told, count = read[1]
    assert rows_told == min(6, limit_rows)
    assert count <= READ_MAX


def test_a_quiet_pull_reads_no_row_of_a_user(alice: Caller, small: Database) -> None:
    stored(small, MANY)
    cursor = caught_up(alice)
    page, count = work(alice, "pull", cursor=cursor)
    assert page["tables"] == []
    assert count <= READ_MAX // 3, "the heads and the list of tables"


def test_the_answer_of_a_push_costs_no_more(small: Database, device: Callable[..., Caller]) -> None:
    counts: list[int] = []
    for user, rows in ((ALICE, FEW), ("00000000-0000-4000-8000-0000000000c1", MANY)):
        stored(small, rows, user)
        one = device(user)
        cursor = caught_up(one)
        entry = one.entry(insert("boxes", {"id": "new", "title": "y"}))
        answer, count = work(one, "push", cursor=cursor, settled=0, entries=[entry])
        assert answer["answers"][0]["status"] == "applied", answer
        counts.append(count)
    assert counts[0] == counts[1]
