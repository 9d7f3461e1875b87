"""Several poisoned entries of several kinds at once: each is parked with its cone, the rest arrives (S8, S9)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bmaddb.device.sync.transport import CallFailed
from bmaddb.protocol.messages import PUSH_FUNCTION
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Failure, FailureKind, Result
from bmaddb.schema import Record
from tests.protocol.things import Job, Note, Token
from tests.sync.devices import Device, World

GOOD = 30


def a_check(device: Device) -> Record:
    """Past the device's own checks: the server has one more."""
    with device.store.write() as tx:
        tx.insert(Note, title="beside the check")
        return tx.insert(Job, title="forbidden")


def a_letter(device: Device) -> Record:
    with device.store.write() as tx:
        tx.insert(Note, title="beside the letter")
        job = tx.insert(Job, title="x")
        tx.execute("update jobs set title = 'a' || char(0) where id = ?", (job.id,))
        return job


def a_body(device: Device) -> Record:
    """A wall on the way refuses every request with this word."""
    with device.store.write() as tx:
        tx.insert(Note, title="beside the body")
        return tx.insert(Job, title="WALL")


KINDS = (a_check, a_letter, a_body)
REASONS = {"23514", "http_422"}


def wall(device: Device) -> None:
    inner = device.transport.call

    async def guarded(function: str, body: bytes) -> bytes:
        if function == PUSH_FUNCTION and b"WALL" in body:
            raise CallFailed(Failure(kind=FailureKind.REFUSED, code="http_422", message="not through here"))
        return await inner(function, body)

    device.transport.call = guarded  # type: ignore[method-assign]


def written(device: Device, seed: int) -> tuple[list[Record], int]:
    """Good entries with six poisoned ones among them, each followed by two that live by it."""
    chance = random.Random(seed)
    moves: list[Any] = [*KINDS, *KINDS, *[None] * GOOD]
    chance.shuffle(moves)
    bad: list[Record] = []
    for number, poison in enumerate(moves):
        if poison is None:
            with device.store.write() as tx:
                tx.insert(Note, title=f"good {number}")
            continue
        row = poison(device)
        bad.append(row)
        with device.store.write() as tx:
            tx.insert(Token, name="child", job_id=row.id)
        with device.store.write() as tx:
            tx.update(Job, row.id, state="doing")
    return bad, len(moves) + 2 * len(bad)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("batch_entries", [3, 500])
def test_each_is_parked_with_its_cone_and_the_rest_arrives(things: World, seed: int, batch_entries: int) -> None:
    things.server.database.run("alter table bmad.jobs add constraint jobs_title_check check (title <> 'forbidden')")
    here, there = things.device(limits=Limits(batch_entries=batch_entries)), things.device()
    things.settle(here, there)
    with there.store.write() as tx:
        tx.insert(Note, title="from elsewhere")
    things.settle(there)
    bad, entries = written(here, seed)
    wall(here)
    report = here.sync()
    assert (report.result, report.pushed_entries, report.parked) == (Result.PARTIAL, GOOD, entries - GOOD)
    assert here.store.sql("select count(*) from notes where title = 'from elsewhere'") == [(1,)]
    things.settle(there)
    titles = [note.title for note in there.store.query(Note).all()]
    assert len(titles) == GOOD + 1
    assert not [title for title in titles if title.startswith("beside")], "no half of a poisoned entry arrived"
    assert there.store.query(Job).count() == there.store.query(Token).count() == 0

    blamed = [entry for entry in here.outbox.parked() if entry.reason is not None and entry.reason.entry is None]
    assert len(blamed) == len(bad)
    assert {entry.reason.code for entry in blamed if entry.reason} >= REASONS
    assert all(entry.reason and entry.reason.message for entry in here.outbox.parked())
    with here.store.write() as tx:
        tx.insert(Note, title="afterwards")
    assert here.sync().pushed_entries == 1, "nor does it stop what comes later"

    for place, entry in enumerate(blamed):
        if place % 2:
            here.outbox.discard(entry.id)
        else:
            [job] = [row for row in bad if ("jobs", row.id) in entry.changes]
            here.outbox.amend(entry.id, {("jobs", job.id): {"title": "mended"}})
    things.settle(here, there)
    things.assert_equal(here, there)
    assert [job.title for job in there.store.query(Job).all()] == ["mended"] * 3
    assert there.store.query(Token).count() == 3
