"""The cone against a naive model: every entry that is right without the parked ones leaves, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.device.outbox import Entry, EntryStatus, ParkReason
from bmaddb.protocol.changes import Op, RowKey
from tests.outbox.conftest import Bench
from tests.protocol.things import Job, Note, Token

MANY = 1_000_000
NO = ParkReason(code="23514", message="no")
ROWS = 3
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["note", "job", "job of note", "token of job", "edit", "move", "delete"]),
        st.integers(0, ROWS - 1),
        st.integers(0, ROWS - 1),
        st.booleans(),
    ),
    min_size=2,
    max_size=14,
)


def write(bench: Bench, kind: str, one: int, two: int, declared: bool) -> None:
    """One transaction; what cannot be (a row that is there already, or is not) is no entry."""
    entries = bench.outbox.entries()
    after = [entries[-1].id] if declared and entries else []
    try:
        with bench.store.write(after=after) as tx:
            note, job = tx.get(Note, f"n{two}"), tx.get(Job, f"j{one}")
            if kind == "note":
                tx.insert(Note, id=f"n{one}", title="t")
            elif kind == "job":
                tx.insert(Job, id=f"j{one}", title="t")
            elif kind == "job of note" and note:
                tx.insert(Job, id=f"j{one}", title="t", note_id=note.id)
            elif kind == "token of job" and job:
                tx.insert(Token, id=f"t{two}", name="t", job_id=job.id)
            elif kind == "edit" and job:
                tx.update(job, title=job.title + "x")
            elif kind == "move" and job:
                tx.update(job, note_id=note.id if note else None)
            elif kind == "delete":
                tx.delete([Note, Job][two % 2], f"{'nj'[two % 2]}{one}")
    except e.RecordInvalid:
        pass


def depends(entry: Entry, on: Entry) -> bool:
    """The rules in words, looked up entry by entry."""
    references = {"jobs": ("note_id", "notes"), "tokens": ("job_id", "jobs")}
    if on.id in entry.depends_on or entry.changes.keys() & on.changes.keys():
        return True
    for change in entry.changes.values():
        column, parent = references.get(change.table, ("", ""))
        made = on.changes.get((parent, str(change.new.get(column))))
        if change.op is not Op.DELETE and made is not None and made.op is Op.INSERT:
            return True
    for change in on.changes.values():
        column, parent = references.get(change.table, ("", ""))
        left = entry.changes.get((parent, str(change.old.get(column))))
        if left is not None and left.op is Op.DELETE:
            return True
    return False


def model(entries: Sequence[Entry], parked: set[str]) -> set[str]:
    held = set(parked)
    for place, entry in enumerate(entries):
        if any(other.id in held and depends(entry, other) for other in entries[:place]):
            held.add(entry.id)
    return held


def parked_now(bench: Bench) -> set[str]:
    return {entry.id for entry in bench.outbox.parked()}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        yield Path(made)


def made_and_deleted(entries: Sequence[Entry], parked: set[str], *, for_good: bool = False) -> set[RowKey]:
    """The rows that a parked entry makes and a later one deletes; `for_good`: and none makes again."""
    made: set[RowKey] = set()
    found: set[RowKey] = set()
    for entry in entries:
        for key, change in entry.changes.items():
            if change.op is Op.DELETE and key in made:
                made.discard(key)
                found.add(key)
            elif change.op is Op.INSERT:
                made |= {key} if entry.id in parked else set()
                found -= {key} if for_good else set()
    return found


@settings(max_examples=120, deadline=None)
@given(steps=STEPS, data=st.data())
def test_only_the_cone_waits(folder: Path, steps: list[tuple[str, int, int, bool]], data: st.DataObject) -> None:
    (folder / "device.db").unlink(missing_ok=True)
    for left in folder.glob("device.db-*"):
        left.unlink()
    bench = Bench(folder / "device.db")
    try:
        for step in steps:
            write(bench, *step)
        entries = bench.outbox.entries()
        if not entries:
            return
        chosen = data.draw(st.sets(st.sampled_from([entry.id for entry in entries]), min_size=1, max_size=2))
        with bench.outbox.edit() as (connection, waiting):
            for entry in waiting:
                if entry.id in chosen:
                    bench.outbox.park(connection, waiting, entry, NO)
        bench.outbox.lease(500, MANY)
        held = model(entries, chosen)
        if made_and_deleted(entries, held):  # their pairs cancel; then the model knows no more
            cancelled = made_and_deleted(entries, chosen, for_good=True)
            stay = [entry for entry in bench.outbox.entries() if entry.id in chosen]
            assert not cancelled & {key for entry in stay for key in entry.changes}
            return
        gone = {entry.id for entry in bench.outbox.entries() if entry.status is EntryStatus.LEASED}
        assert parked_now(bench) == held
        assert gone <= {entry.id for entry in entries} - held
        with bench.outbox.edit() as (connection, waiting):
            bench.outbox.release(connection, waiting)
        first = next(entry.id for entry in entries if entry.id in chosen)
        bench.outbox.retry(first)
        bench.outbox.lease(500, MANY)
        assert parked_now(bench) == model(entries, chosen - {first})
    finally:
        bench.close()


def test_a_parent_is_not_deleted_before_its_child_has_moved(bench: Bench) -> None:
    """The server would take the child along, or blank its reference."""
    with bench.store.write() as tx:
        first, second = tx.insert(Job, title="1"), tx.insert(Job, title="2")
        token = tx.insert(Token, name="t", job_id=first.id)
    bench.outbox.lease(1, MANY)
    with bench.outbox.edit() as (connection, waiting):
        for entry in waiting.leased():
            waiting.remove(entry.position)
        bench.outbox.know_number(connection, 1)
    with bench.store.write() as tx:
        tx.update(token, job_id=second.id)
    with bench.store.write() as tx:
        tx.delete(first)
    with bench.outbox.edit() as (connection, waiting):
        bench.outbox.park(connection, waiting, next(iter(waiting)), NO)
    assert bench.outbox.lease(500, MANY) == ()
    [move, delete] = bench.outbox.parked()
    assert delete.reason is not None
    assert delete.reason.entry == move.id
    bench.outbox.retry(move.id)
    assert bench.outbox.lease(500, MANY) == (2, 3)


def test_a_retry_frees_its_own_cone_alone(bench: Bench) -> None:
    notes = []
    for title in ("one", "two"):
        with bench.store.write() as tx:
            notes.append(tx.insert(Note, title=title))
    for note in notes:
        with bench.store.write() as tx:
            job = tx.insert(Job, title="j", note_id=note.id)
        with bench.store.write() as tx:
            tx.insert(Token, name="t", job_id=job.id)
    with bench.outbox.edit() as (connection, waiting):
        for entry in list(waiting)[:2]:
            bench.outbox.park(connection, waiting, entry, NO)
    assert bench.outbox.lease(500, MANY) == ()
    assert bench.outbox.counts().parked == 6
    bench.outbox.retry(bench.outbox.parked()[0].id)
    counts = bench.outbox.counts()
    assert (counts.queued, counts.parked) == (3, 3)
