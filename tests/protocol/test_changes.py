"""An entry as the server reads it: order, columns that leave, columns that stay."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.protocol.changes import Change, Op, entry_fault, outgoing, parents
from tests.protocol.things import CATALOG, JOBS

ROW: dict[str, Any] = {"id": "x", "user_id": "u", "created_at": 1, "updated_at": 2, "server_seq": None}


def insert(table: str, row_id: str, **values: Any) -> Change:
    return Change(table=table, op=Op.INSERT, id=row_id, new={**ROW, "id": row_id, **values})


def update(table: str, **values: Any) -> Change:
    return Change(table=table, op=Op.UPDATE, id="x", new=values, old={})


def delete(table: str, row_id: str = "x") -> Change:
    return Change(table=table, op=Op.DELETE, id=row_id, old=ROW)


def test_parents_come_before_children_and_one_table_is_told_once() -> None:
    changes = (delete("notes"), insert("tokens", "t"), insert("jobs", "j"), insert("jobs", "k"))
    told = outgoing(CATALOG, changes, {("notes", "x"): 4})
    assert [part.table for part in told] == ["notes", "jobs", "tokens"]
    assert told[0].delete[0].base == 4
    assert told[1].insert is not None
    assert [row[0] for row in told[1].insert.rows] == ["j", "k"]


def test_an_insert_leaves_without_envelope_server_and_local_columns() -> None:
    change = insert("notes", "n", title="t", checked=True, opened=7)
    told = outgoing(CATALOG, (change,), {})[0].insert
    assert told is not None
    assert told.columns == ("id", "created_at", "updated_at", "title")


def test_a_row_made_again_is_an_edit_of_the_version_it_had() -> None:
    again = Change(table="notes", op=Op.UPDATE, id="x", old={"server_seq": 4}, new={"server_seq": None, "title": "t"})
    assert entry_fault(CATALOG, (again,)) is None
    told = outgoing(CATALOG, (again,), {("notes", "x"): None})[0].update[0]
    assert (told.base, told.set) == (4, {"title": "t"})
    assert outgoing(CATALOG, (again,), {("notes", "x"): 5})[0].update[0].base == 5, "the server's row was seen since"


def test_rows_that_name_other_columns_travel_apart() -> None:
    told = outgoing(CATALOG, (insert("notes", "n", title="t"), insert("notes", "m", body="b")), {})
    assert [part.insert.columns[-1] for part in told if part.insert] == ["title", "body"]


def test_an_update_of_local_columns_does_not_leave() -> None:
    assert outgoing(CATALOG, (update("notes", opened=2),), {}) == ()
    told = outgoing(CATALOG, (update("notes", opened=2, title="t"),), {("notes", "x"): 3})[0].update[0]
    assert (told.base, told.set) == (3, {"title": "t"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (update("notes", checked=True), "notes.checked belongs to the server"),
        (update("notes", server_seq=3), "notes.server_seq belongs to the server"),
        (update("notes", title="a\0"), "U+0000"),
        (insert("notes", "n", title="\0"), "U+0000"),
        (insert("gone", "n"), "'gone' does not exist"),
        (update("notes", lost=1), "column notes.lost does not exist in this version"),
        (insert("notes", "n", lost=1), "column notes.lost does not exist in this version"),
    ],
)
def test_what_cannot_leave_is_said(change: Change, said: str) -> None:
    found = entry_fault(CATALOG, (insert("notes", "ok", title="t"), change))
    assert found is not None
    assert said in found


@pytest.mark.parametrize(
    "change",
    [
        insert("notes", "n", checked=True),
        update("notes", opened=float("inf")),
        delete("notes"),
        update("notes", title=None),
    ],
)
def test_what_can_leave(change: Change) -> None:
    assert entry_fault(CATALOG, (change,)) is None


def test_the_rows_a_row_refers_to() -> None:
    assert parents(JOBS, {"note_id": "n1", "title": "t"}) == {("notes", "n1")}
    assert parents(JOBS, {"note_id": None}) == frozenset()
