"""Entries come into the outbox with their data, and only with it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace as replaced

from bmaddb.device.outbox import EntryStatus
from bmaddb.device.outbox.entries import Entry
from bmaddb.device.store import CommitDraft, Store
from bmaddb.modules.registry import catalog_with
from bmaddb.protocol.changes import Op
from bmaddb.schema import Catalog, DeleteRule, MergeRule, Module, UserRecord, boolean, integer, json, text
from bmaddb.schema.evolution import AddColumn, DropColumn, Migration
from bmaddb.signals import EntryQueued
from tests.outbox.conftest import Bench
from tests.protocol.things import Job, Label, Note, Token


def ops(entry: Entry) -> list[tuple[str, Op]]:
    return sorted((change.table, change.op) for change in entry.changes.values())


def test_one_transaction_is_one_entry_in_order_of_commit(bench: Bench) -> None:
    heard: list[EntryQueued] = []
    bench.store.signals.listen(EntryQueued, heard.append)
    with bench.store.write() as tx:
        note = tx.insert(Note, title="a")
        tx.insert(Job, title="j", note_id=note.id)
    with bench.store.write() as tx:
        tx.update(note, title="b")
    first, second = bench.outbox.entries()
    assert ops(first) == [("jobs", Op.INSERT), ("notes", Op.INSERT)]
    assert ops(second) == [("notes", Op.UPDATE)]
    change = second.changes["notes", note.id]
    assert (change.old["title"], change.new["title"]) == ("a", "b")
    assert first.position < second.position
    assert first.hlc < second.hlc
    assert [fact.position for fact in heard] == [first.position, second.position]


def test_a_rollback_leaves_no_trace(bench: Bench) -> None:
    def write_half() -> None:
        with bench.store.write() as tx:
            tx.insert(Note, title="a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert bench.outbox.entries() == ()


def test_what_was_undone_within_a_transaction_is_no_entry(bench: Bench) -> None:
    with bench.store.write() as tx:
        tx.delete(tx.insert(Note, title="a"))
    assert bench.outbox.entries() == ()


def test_cascades_are_part_of_the_entry(bench: Bench) -> None:
    with bench.store.write() as tx:
        job = tx.insert(Job, title="j")
        tx.insert(Token, name="t", job_id=job.id)
    with bench.store.write() as tx:
        tx.delete(job)
    assert ops(bench.outbox.entries()[1]) == [("jobs", Op.DELETE), ("tokens", Op.DELETE)]


def test_positions_and_stamps_go_on_after_a_restart(bench: Bench) -> None:
    with bench.store.write() as tx:
        tx.insert(Note, title="a")
    bench.clock.set_wall(bench.clock.now_ms() - 3_600_000)
    bench.open()
    with bench.store.write() as tx:
        tx.insert(Note, title="b")
    first, second = bench.outbox.entries()
    assert first.position < second.position
    assert first.hlc < second.hlc, "a wall clock that went back does not take the stamps along"


def test_an_entry_survives_an_upgrade_that_moves_columns(bench: Bench) -> None:
    with bench.store.write() as tx:
        note = tx.insert(Note, title="a", body="words")
    with bench.store.write() as tx:
        tx.update(note, title="b")
    catalog, migration = upgraded()
    bench.open(catalog, migrations=[migration])
    with bench.store.write() as tx:
        tx.execute("update notes set colour = 'red' where id = ?", (note.id,))
    old, edit, new = bench.outbox.entries()
    assert old.changes["notes", note.id].new["body"] == "words"
    assert edit.changes["notes", note.id].new["title"] == "b"
    assert new.changes["notes", note.id].new == {"colour": "red"}
    assert bench.outbox.lease(10, 1_000_000) == (1,), "three edits of one row leave as one"
    assert b"likes" not in b"".join(bench.outbox.batch())


def upgraded() -> tuple[Catalog, Migration]:
    """The next version: a table has a column more, and one less."""

    class Newer(UserRecord, table="notes", delete=DeleteRule.EDIT_WINS):
        """Notes with a colour, and without likes."""

        colour = text(null=True)
        title = text(default="")
        body = text(null=True)
        tags = json(default=[], merge=MergeRule.SET)
        kind = text(default="plain", merge=MergeRule.IMM)
        checked = boolean(default=False, merge=MergeRule.SRV)
        opened = integer(default=0, merge=MergeRule.LOC)

    module = Module(name="things", purpose="tests", records=(Newer, Job, Token, Label))
    steps = (DropColumn("notes", "likes"), AddColumn("notes", "colour", Newer.colour))
    return catalog_with(module, include_defaults=False, version=15), Migration(15, steps)


def test_text_that_is_no_unicode_breaks_its_entry_alone(bench: Bench) -> None:
    with bench.store.write() as tx:
        tx.insert(Note, title="spoil me")
    with bench.store.apply() as connection:
        changeset = connection.execute("select changeset from outbox_operations").get.replace(b"spoil", b"\xff" * 5)
        connection.execute("update outbox_operations set changeset = ?", (changeset,))
    with bench.store.write() as tx:
        good = tx.insert(Note, title="b")
    broken, fine = bench.outbox.entries()
    assert broken.broken is not None
    assert "Unicode" in broken.broken
    assert bench.outbox.lease(10, 10_000) == (1,)
    assert fine.changes.keys() == {("notes", good.id)}
    assert [entry.status for entry in bench.outbox.entries()] == [EntryStatus.PARKED, EntryStatus.LEASED]


def test_another_process_writes_to_the_same_file(bench: Bench) -> None:
    ours_store, ours = bench.store, bench.outbox
    with ours_store.write() as tx:
        tx.insert(Note, title="ours")
    assert ours.lease(10, 10_000) == (1,)
    bench.open(keep=True)
    with bench.store.write() as tx:
        tx.insert(Note, title="theirs")
    with ours_store.write() as tx:
        tx.insert(Note, title="ours again")
    with ours.edit() as (_, waiting):
        assert len(waiting) == 3
    positions = [entry.position for entry in bench.outbox.entries()]
    assert positions == sorted(set(positions))
    assert replaced(bench.outbox.entries()[0], changes={}).number == 1


@pytest.mark.parametrize("between", ["nothing", "a refused commit", "a row that stays here", "a commit of the other"])
def test_entries_of_two_processes_have_places_and_stamps_of_their_own(bench: Bench, between: str) -> None:
    """Whether somebody else has committed is known from a count: what lies between two entries must not deceive it."""
    mine, my_outbox = bench.store, bench.outbox
    bench.open(keep=True)
    others = bench.store

    def write(store: Store, title: str) -> None:
        with store.write() as tx:
            tx.insert(Note, title=title)

    def refused(_: CommitDraft) -> None:
        raise RuntimeError

    for turn in range(3):
        write(mine, f"a{turn}")
        if between == "a refused commit":
            mine.before_commit.append(refused)
            with pytest.raises(RuntimeError):
                write(mine, "refused")
            mine.before_commit.remove(refused)
        elif between == "a row that stays here":
            mine.meta_set("word", str(turn))
        elif between == "a commit of the other":
            others.meta_set("word", str(turn))
        for _ in range(turn):
            write(others, f"b{turn}")
        write(mine, f"c{turn}")
    entries = my_outbox.entries()
    assert len(entries) == 9
    stamps = [entry.hlc for entry in entries]
    assert stamps == sorted(set(stamps))
    assert [change.new["title"] for entry in entries for change in entry.changes.values()] == [
        "a0", "c0", "a1", "b1", "c1", "a2", "b2", "b2", "c2"
    ]  # fmt: skip
