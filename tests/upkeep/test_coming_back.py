"""Rows that come back while others bring them, archive them again, or have deleted what they refer to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.sync import HttpTransport
from bmaddb.device.sync.pages import Pages
from bmaddb.device.sync.recall import Recall
from bmaddb.device.upkeep import UpkeepPolicy
from bmaddb.service import Database
from tests.sync.devices import Device, World
from tests.upkeep.acts import archived, broken_references, clean, letters, old, packed, upkeep
from tests.upkeep.shelf import NOTHING_LEFT, PACKED, Letter, Room


def packed_letters(shelf: World, count: int = 3) -> tuple[Device, list[Letter]]:
    device = shelf.device()
    _, made = letters(device, count)
    shelf.settle(device)
    clean(device, PACKED)
    return device, made


def once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], object], *, after: bool) -> None:
    """Let `act` happen just before, or just `after`, the first call of a method."""
    method, left = getattr(owner, name), [act]

    def called(*arguments: Any) -> Any:
        first = [left.pop()] if left else []
        if first and not after:
            first[0]()
        answer = method(*arguments)
        if first and after:
            first[0]()
        return answer

    monkeypatch.setattr(owner, name, called)


def elsewhere(act: Callable[[], object]) -> Callable[[], None]:
    """In another thread, to its end."""

    def run() -> None:
        thread = threading.Thread(target=act)
        thread.start()
        thread.join()

    return run


def test_a_row_that_another_thread_brings_back_at_the_same_time(shelf: World, monkeypatch: pytest.MonkeyPatch) -> None:
    device, made = packed_letters(shelf)
    db = Database(device.store, device.outbox)
    other = elsewhere(lambda: upkeep(device, alone=True).fetch(Letter, [made[0].id]))
    once(monkeypatch, Recall, "_look_into", other, after=False)
    assert db.get(Letter, made[0].id) is not None


def test_a_row_that_comes_back_between_two_looks(shelf: World, monkeypatch: pytest.MonkeyPatch) -> None:
    device, made = packed_letters(shelf)
    db = Database(device.store, device.outbox)
    other = elsewhere(lambda: upkeep(device, alone=True).fetch(Letter, [made[0].id]))
    once(monkeypatch, device.store, "is_archived", other, after=False)
    assert db.get(Letter, made[0].id) is not None


def test_a_row_that_is_archived_again_before_it_was_read(shelf: World, monkeypatch: pytest.MonkeyPatch) -> None:
    device, made = packed_letters(shelf)
    db = Database(device.store, device.outbox)
    once(monkeypatch, Pages, "bring_back", lambda: clean(device, PACKED), after=True)
    assert db.get(Letter, made[0].id) is not None


def test_a_row_whose_body_goes_before_it_is_unpacked(shelf: World, monkeypatch: pytest.MonkeyPatch) -> None:
    device, made = packed_letters(shelf)
    once(monkeypatch, Pages, "bring_back", lambda: clean(device), after=False)
    assert [row.id for row in upkeep(device).fetch(Letter, [made[0].id])] == [made[0].id]
    assert packed(device) == 0, "it came from the server"


@pytest.mark.parametrize("policy", [PACKED, NOTHING_LEFT], ids=["packed", "on the server"])
def test_what_went_with_its_parent_does_not_come_back(shelf: World, policy: UpkeepPolicy) -> None:
    device = shelf.device()
    room, made = letters(device, 3, chain=True)
    with device.store.write() as tx:
        other = tx.insert(Room, title="a room that stays")
        answer = tx.insert(Letter, room_id=other.id, answers_id=made[-1].id, body="from elsewhere", **old(device))
        tx.update(room, title="no longer cold")
    shelf.settle(device)
    clean(device, policy)
    assert len(archived(device, Letter)) == 4
    with device.store.write() as tx:
        tx.delete(Room, room.id)
    db = Database(device.store, device.outbox, device.engine)
    assert [db.get(Letter, row.id) for row in made] == [None] * 3
    assert db.query(Letter).where(Letter.room_id == room.id).count() == 0
    assert broken_references(device) == []
    shelf.settle(device)
    assert not set(archived(device, Letter)) & {row.id for row in made}
    kept = db.get(Letter, answer.id)
    assert kept is not None
    assert kept.answers_id is None, "what it answered is gone, and the server said so"
    assert broken_references(device) == []
    shelf.assert_equal(device)


def test_a_token_that_has_run_out_is_renewed_on_the_way(shelf: World) -> None:
    tokens = [shelf.server.token()]
    device = shelf.device(connect=lambda: HttpTransport(shelf.server.url, lambda: tokens.pop(0)))
    _, made = letters(device, 1)
    shelf.settle(device)
    clean(device, NOTHING_LEFT)
    tokens += [shelf.server.token(expires_in_s=-3_600), shelf.server.token()]
    device.reopen()
    assert upkeep(device).fetch(Letter, [made[0].id])
    assert device.store.get(Letter, made[0].id) is not None


def test_what_the_server_says_of_an_archived_row_must_make_sense(shelf: World) -> None:
    device = shelf.device()
    _, made = letters(device, 1)
    shelf.settle(device)
    clean(device, NOTHING_LEFT)
    device.reopen()

    async def nonsense(function: str, body: bytes) -> bytes:
        return b"[" * 5_000

    device.transport.call = nonsense  # type: ignore[method-assign]
    with pytest.raises(e.RowArchived):
        upkeep(device).fetch(Letter, [made[0].id])
