"""Both sides changed one row: every rule, both orders, and the verdict that is kept (S10)."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.protocol.messages import PUSH_FUNCTION
from bmaddb.schema import Record
from tests.protocol.things import Job, Label, Note, Token
from tests.sync.devices import Device, World


def pair(things: World) -> tuple[Device, Device]:
    here, there = things.device(), things.device()
    things.settle(here, there)
    return here, there


def change(device: Device, record: Record, **values: Any) -> None:
    """One edit, a second after the one before."""
    device.clock.advance(1000)
    with device.store.write() as tx:
        tx.update(type(record), record.id, **values)


def remove(device: Device, record: Record) -> None:
    device.clock.advance(1000)
    with device.store.write() as tx:
        tx.delete(type(record), record.id)


def shared(things: World, kind: type[Record], **values: Any) -> tuple[Device, Device, Any]:
    """A row that two devices and the server hold."""
    here, there = pair(things)
    with here.store.write() as tx:
        row = tx.insert(kind, **values)
    things.settle(here, there)
    return here, there, row


def test_different_columns_of_one_row(things: World) -> None:
    here, there, note = shared(things, Note, title="a")
    change(here, note, title="b")
    change(there, note, body="words")
    things.settle(here, there)
    for device in (here, there):
        found = device.store.get(Note, note.id)
        assert found is not None
        assert (found.title, found.body) == ("b", "words")
        assert device.verdicts() == []
    things.assert_equal(here, there)


@pytest.mark.parametrize("first_to_sync", [0, 1])
def test_the_later_edit_of_a_column_wins_whoever_syncs_first(things: World, first_to_sync: int) -> None:
    here, there, note = shared(things, Note, title="a")
    change(here, note, title="earlier")
    change(there, note, title="later")
    order = (here, there) if first_to_sync == 0 else (there, here)
    things.settle(*order)
    for device in order:
        found = device.store.get(Note, note.id)
        assert found is not None
        assert found.title == "later"
    assert order[0].verdicts() == [], "the first to sync met nobody"
    assert order[1].verdicts() == [("notes", "title", "LWW", '"later"')]
    things.assert_equal(here, there)


def test_rules_that_need_both_values(things: World) -> None:
    here, there, note = shared(things, Note, title="a", likes=1, tags=["x"])
    change(here, note, likes=7, tags=["x", "mine"])
    change(there, note, likes=5, tags=["theirs"])
    things.settle(there, here)
    for device in (here, there):
        found = device.store.get(Note, note.id)
        assert found is not None
        assert (found.likes, found.tags) == (7, ["mine", "theirs"])
    things.assert_equal(here, there)


def test_several_entries_on_one_row_against_one_edit(things: World) -> None:
    here, there, note = shared(things, Note, title="a")
    change(there, note, title="theirs", body="theirs")
    for number in range(5):
        change(here, note, title=f"mine {number}")
    things.settle(there, here)
    found = there.store.get(Note, note.id)
    assert found is not None
    assert (found.title, found.body) == ("mine 4", "theirs")
    things.assert_equal(here, there)


def test_two_devices_make_the_same_row(things: World) -> None:
    here, there = pair(things)
    with here.store.write() as tx:
        mine = tx.insert(Label, name="home", color="red", uses=3)
    here.clock.advance(1000)
    with there.store.write() as tx:
        theirs = tx.insert(Label, name="home", uses=2)
    assert mine.id == theirs.id
    things.settle(there, here)
    found = there.store.get(Label, mine.id)
    assert found is not None
    assert (found.color, found.uses) == ("red", 3), "a colour beats the colour nobody chose"
    things.assert_equal(here, there)


@pytest.mark.parametrize("edit_first", [True, False], ids=["edit syncs first", "delete syncs first"])
@pytest.mark.parametrize(
    ("kind", "values", "edit", "survives"),
    [
        (Note, {"title": "a"}, {"body": "words"}, True),
        (Token, {"name": "a"}, {"name": "b"}, False),
        (Job, {"title": "a"}, {"title": "b"}, True),
        (Job, {"title": "a"}, {"state": "done"}, False),
    ],
    ids=["edit wins", "delete wins", "open work", "work that is done"],
)
def test_a_delete_meets_an_edit(
    things: World, kind: type[Record], values: dict[str, Any], edit: dict[str, Any], survives: bool, edit_first: bool
) -> None:
    here, there, row = shared(things, kind, **values)
    change(here, row, **edit)
    remove(there, row)
    order = (here, there) if edit_first else (there, here)
    things.settle(*order)
    things.settle(*order)
    for device in (here, there):
        found = device.store.get(kind, row.id)
        assert (found is not None) is survives
        if found is not None:
            assert {name: getattr(found, name) for name in edit} == edit
    assert len(order[1].verdicts()) == 1
    assert order[0].verdicts() == []
    things.assert_equal(here, there)


def test_the_lost_values_of_a_deleted_row_are_kept(things: World) -> None:
    here, there, token = shared(things, Token, name="a", weight=1.5, secret=b"\x00\xff")
    change(here, token, name="edited")
    remove(there, token)
    things.settle(there, here)
    rows = here.store.sql(
        "select local_value ->> 'name', local_value ->> 'secret', needs_attention from sync_conflicts"
    )
    assert rows == [("edited", "AP8=", 1)]


def test_deleted_on_both_sides(things: World) -> None:
    here, there, note = shared(things, Note, title="a")
    remove(here, note)
    remove(there, note)
    things.settle(here, there)
    assert here.verdicts() == there.verdicts() == []
    things.assert_equal(here, there)


def test_a_conflict_of_the_last_moment_is_merged_in_the_same_sync(things: World) -> None:
    """Another device gets in between the answer that told of a conflict and the push of what was merged."""
    here, there, note = shared(things, Note, title="a")
    change(there, note, body="theirs")
    there.sync()
    change(there, note, title="theirs")
    change(here, note, title="mine")
    calls = here.transport.calls
    inner = here.transport.call

    async def meddled(function: str, body: bytes) -> bytes:
        answer = await inner(function, body)
        if len(calls) == 1:
            await there.engine.sync()
        return answer

    calls.clear()
    here.transport.call = meddled  # type: ignore[method-assign]
    report = here.sync()
    assert report.ok
    assert report.conflicts == 1
    assert calls == [PUSH_FUNCTION] * 3, "two conflicts, and what was merged in the end"
    things.settle(there, here)
    found = there.store.get(Note, note.id)
    assert found is not None
    assert (found.title, found.body) == ("mine", "theirs")
    things.assert_equal(here, there)


def test_values_of_every_kind_survive(things: World) -> None:
    here, there, token = shared(things, Token, name="\U0001f600", weight=0.1, secret=bytes(range(256)))
    found = there.store.get(Token, token.id)
    assert found is not None
    assert (found.name, found.weight, found.secret) == ("\U0001f600", 0.1, bytes(range(256)))
    change(there, token, secret=b"", weight=3)
    change(here, token, name="b")
    things.settle(there, here)
    things.assert_equal(here, there)
