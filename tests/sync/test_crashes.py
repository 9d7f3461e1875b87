"""The device dies before or after any commit of a sync: the next sync goes on as if nothing had been (S15)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bmaddb.protocol.session import Limits
from tests.protocol.things import Job, Note, Token
from tests.sync.devices import Device, World

CUTS = 18


class PowerCut(BaseException):
    """Nothing catches it."""


def cut_power(device: Device, place: int, *, before: bool) -> list[int]:
    """Die at the commit number `place` of this device's sync; the answer counts the commits."""
    commits: list[int] = []
    apply = device.store.apply

    @contextmanager
    def dying(*arguments: Any, **options: Any) -> Iterator[Any]:
        with apply(*arguments, **options) as connection:
            yield connection
            commits.append(len(commits))
            if before and commits[-1] == place:
                raise PowerCut
        if commits[-1] == place:
            raise PowerCut

    device.store.apply = dying  # type: ignore[method-assign]
    return commits


def busy_world(things: World) -> tuple[Device, Device]:
    """News in pages, a conflict, a delete that meets an edit, an entry to reject, and entries that flow."""
    small = Limits(page_rows=2, batch_entries=2)
    here, there = things.device(limits=small), things.device()
    things.settle(here, there)
    with here.store.write() as tx:
        notes = [tx.insert(Note, title=f"n{number}") for number in range(4)]
        token = tx.insert(Token, name="t")
    things.settle(here, there)
    with there.store.write() as tx:
        tx.update(Note, notes[0].id, title="theirs", tags=["theirs"])
        tx.delete(Note, notes[1].id)
        tx.update(Token, token.id, name="theirs")
    for number in range(3):
        with there.store.write() as tx:
            tx.insert(Note, title=f"there {number}")
    there.sync()
    here.clock.advance(1000)
    with here.store.write() as tx:
        tx.update(Note, notes[0].id, title="mine", tags=["mine"])
    with here.store.write() as tx:
        tx.update(Note, notes[1].id, body="edited")
    with here.store.write() as tx:
        tx.delete(Token, token.id)
    with here.store.write() as tx:
        bad = tx.insert(Job, title="bad")
        tx.execute("update jobs set title = 'a' || char(0) where id = ?", (bad.id,))
    for number in range(3):
        with here.store.write() as tx:
            tx.insert(Job, title=f"here {number}")
    return here, there


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("place", range(CUTS))
def test_a_crash_at_any_commit(things: World, place: int, before: bool) -> None:
    here, there = busy_world(things)
    commits = cut_power(here, place, before=before)
    try:
        here.sync()
    except PowerCut:
        assert len(commits) == place + 1
    else:
        assert len(commits) <= place, "the cut must hit, if there is a commit to hit"
    here.reopen()
    report = here.sync()
    assert report.parked == 1
    here.outbox.discard(here.outbox.parked()[0].id)
    things.settle(here, there)
    things.assert_equal(here, there)
    titles = sorted(note.title for note in there.store.query(Note).all())
    assert titles == ["mine", "n1", "n2", "n3", "there 0", "there 1", "there 2"]
    assert there.store.query(Token).all() == []
    assert sorted(job.title for job in there.store.query(Job).all()) == ["here 0", "here 1", "here 2"]


def test_the_busy_sync_has_as_many_commits_as_the_test_cuts(things: World) -> None:
    here, _ = busy_world(things)
    commits = cut_power(here, -1, before=False)
    here.sync()
    assert 8 <= len(commits) <= CUTS
