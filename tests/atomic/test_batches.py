"""Many operations in one transaction: one that fails is undone alone; what is fatal undoes all of them."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bmaddb
from bmaddb import errors as e
from bmaddb.device.atomic import (
    Action,
    Bounds,
    Cancellation,
    Operation,
    OperationResult,
    Rollback,
    RuleContext,
    Status,
    Step,
)
from bmaddb.device.store import CommitDraft
from bmaddb.modules.sync_status import OperationJournal
from bmaddb.signals import EntryQueued
from tests.atomic.acts import author, book, contents, every_book_has_an_author, names, open_db
from tests.store.shelf import Book

OPERATIONS = 1_000


def one(number: int) -> Operation:
    """Every tenth breaks something, each in a way of its own, after it has written a row."""
    step = Step("author", "authors", Action.INSERT, {"name": f"{number:04}"})
    wrong = {
        1: book(pages=-1, author_id=None),
        2: Step("gone", "books", Action.DELETE, {"id": "none"}),
        3: book(author_id="nobody"),
    }
    return Operation("one", (step, wrong[number % 3 + 1]) if number % 10 == 9 else (step,))


def test_of_a_thousand_exactly_the_good_ones_are_committed(db: bmaddb.Database) -> None:
    queued: list[EntryQueued] = []
    db.signals.listen(EntryQueued, queued.append)
    operations = [one(number) for number in range(OPERATIONS)]
    batch = db.execute_batch(operations)
    bad = range(9, OPERATIONS, 10)
    assert batch.fatal is None
    assert [result.operation_id for result in batch.results] == [operation.id for operation in operations]
    assert [number for number, result in enumerate(batch.results) if not result.ok] == list(bad)
    assert all(result.failure and result.failure.undone for result in batch.failed)
    assert names(db) == [f"{number:04}" for number in range(OPERATIONS) if number not in bad]
    assert db.query(Book).count() == 0
    assert len(queued) == 1
    assert db.query(OperationJournal).where(OperationJournal.status == "committed").count() == OPERATIONS * 9 // 10
    assert db.query(OperationJournal).where(OperationJournal.status == "rolled_back").count() == OPERATIONS // 10


def test_a_batch_that_is_run_again_has_no_second_effect(db: bmaddb.Database) -> None:
    operations = [one(number) for number in range(20)]
    db.execute_batch(operations)
    before = contents(db)
    again = db.execute_batch(operations)
    assert [result.repeated for result in again.results] == [number % 10 != 9 for number in range(20)]
    assert contents(db) == before


def test_a_fatal_fault_undoes_all_in_reverse(db: bmaddb.Database) -> None:
    off = Cancellation()

    def third(_: RuleContext) -> dict[str, object]:
        off.cancel()
        return {"name": "derde"}

    operations = [one(0), one(1), Operation("third", (Step("third", "authors", Action.INSERT, third),)), one(3)]
    batch = db.execute_batch(operations, bounds=Bounds(cancellation=off))
    assert batch.fatal is not None
    assert batch.fatal.code == "B-806"
    assert batch.fatal.undone == tuple(operation.id for operation in operations[2::-1])
    assert [result.status for result in batch.results] == [Status.ROLLED_BACK] * 4
    assert names(db) == []
    assert db.outbox.counts().total == 0


def test_a_commit_that_is_refused_undoes_all(db: bmaddb.Database) -> None:
    def refuse(_: CommitDraft) -> None:
        raise e.StoreError("not today")

    db.store.before_commit.append(refuse)
    batch = db.execute_batch([one(0), one(9), one(1)])
    db.store.before_commit.remove(refuse)
    assert batch.fatal is not None
    assert batch.committed == ()
    assert names(db) == []
    kept = db.query(OperationJournal).all()
    assert {line.status for line in kept} == {"rolled_back"}
    assert len(kept) == 3


def test_what_the_code_of_one_operation_may_not_do_undoes_that_one_alone(db: bmaddb.Database) -> None:
    def without_consent(_: RuleContext) -> dict[str, object]:
        raise e.ConsentMissing("not without consent")

    def observing(_: RuleContext) -> dict[str, object]:
        db.observe(db.query(Book))
        return {"name": "never"}

    wrong = [
        Operation("wrong", (author(row_id="never"), Step("wrong", "authors", Action.INSERT, data)), strategy=strategy)
        for data in (without_consent, observing)
        for strategy in (Rollback.REVERSE, Rollback.NONE)
    ]
    batch = db.execute_batch([one(0), *wrong[::2], one(1)])
    assert batch.fatal is None
    assert [result.ok for result in batch.results] == [True, False, False, True]
    assert [result.failure and result.failure.code for result in batch.failed] == ["B-320", "B-300"]
    assert names(db) == ["0000", "0001"]
    kept = db.execute(wrong[1])
    assert (kept.status, kept.failure and kept.failure.code, kept.ids("author")) == (
        Status.FAILED,
        "B-320",
        ("never",),
    )


def test_when_the_transaction_is_gone_all_are_undone(db: bmaddb.Database) -> None:
    """As after a full disk: SQLite undoes it by itself, and the code of the operation thinks nothing of it."""

    def gone(_: RuleContext) -> dict[str, object]:
        db.store.writing_connection.execute("rollback")
        raise ValueError

    operations = [one(0), Operation("gone", (Step("gone", "authors", Action.INSERT, gone),)), one(1)]
    batch = db.execute_batch(operations)
    assert batch.fatal is not None
    assert batch.committed == ()
    assert names(db) == []
    assert {kept.status for kept in db.query(OperationJournal).all()} == {"rolled_back"}


def test_what_a_batch_may_not_hold(db: bmaddb.Database) -> None:
    with pytest.raises(e.AtomicError):
        db.execute_batch([Operation("same", (author(),), id="x"), Operation("same", (author(),), id="x")])


_STEPS = st.lists(
    st.sampled_from(["author", "again", "book", "orphan", "short", "delete", "rename"]), min_size=1, max_size=4
)


def _step(place: int, kind: str) -> Step:
    match kind:
        case "author":
            return Step(f"{place}", "authors", Action.INSERT, {"name": f"a{place}"})
        case "again":
            return Step(f"{place}", "authors", Action.INSERT, {"id": "fixed", "name": "one of this id"})
        case "book":
            return Step(f"{place}", "books", Action.INSERT, {"title": "boek", "author_id": "fixed"})
        case "orphan":
            return Step(f"{place}", "books", Action.INSERT, {"title": "boek"})
        case "short":
            return Step(f"{place}", "books", Action.INSERT, {"title": "x", "pages": -1})
        case "delete":
            return Step(f"{place}", "authors", Action.DELETE, {"id": "fixed"})
    return Step(f"{place}", "authors", Action.UPDATE, {"id": "fixed", "name": f"r{place}"})


@settings(max_examples=60, deadline=None)
@given(script=st.lists(st.tuples(_STEPS, st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_a_batch_is_what_its_operations_one_by_one_are(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[list[str], bool, bool]]
) -> None:
    """Any operations: in one transaction, or each in its own, the same ones stand and the file holds the same."""
    folder = tmp_path_factory.mktemp("alike")
    with open_db(folder / "batch.db") as together, open_db(folder / "single.db") as alone:
        operations = [
            Operation(
                "any",
                tuple(_named(_step(place, kind), f"{number}-{place}") for place, kind in enumerate(kinds)),
                (every_book_has_an_author,) if checked else (),
                Rollback.NONE if kept else Rollback.REVERSE,
            )
            for number, (kinds, checked, kept) in enumerate(script)
        ]
        batch = together.execute_batch(operations)
        single = [alone.execute(operation) for operation in operations]
        assert [_said(result) for result in batch.results] == [_said(result) for result in single]
        assert _rows(together) == _rows(alone)


def _named(step: Step, row_id: str) -> Step:
    """Rows that get an id of their own get the same on both sides."""
    assert isinstance(step.data, dict)
    return Step(step.name, step.table, step.action, {"id": row_id, **step.data})


def _said(result: OperationResult) -> tuple[object, ...]:
    return result.status, result.rows, result.failure and (result.failure.code, result.failure.undone)


def _rows(db: bmaddb.Database) -> list[list[tuple[object, ...]]]:
    return [db.sql("select id, name from authors order by id"), db.sql("select id, author_id from books order by id")]


def test_one_that_fails_costs_the_same_in_a_long_table(db: bmaddb.Database) -> None:
    """Counted in steps of SQLite's machine."""

    def steps(number: int) -> int:
        counted: list[int] = []
        connection = db.store._writer.connection
        connection.trace_v2(
            apsw.SQLITE_TRACE_PROFILE,
            lambda event: counted.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]),
            id=number,
        )
        batch = db.execute_batch([Operation("wrong", (book(author_id="nobody"),)), one(number)])
        connection.trace_v2(0, None, id=number)
        assert [result.failure and result.failure.error.code for result in batch.results] == ["B-303", None]
        assert "books.author_id names a row of authors" in str(
            batch.results[0].failure and batch.results[0].failure.error
        )
        return sum(counted)

    def add(count: int) -> None:
        with db.write() as tx:
            tx.insert_many(Book, ({"title": "boek"} for _ in range(count)))

    add(500)
    steps(0)  # what is compiled and remembered at the first time
    few = steps(1)
    add(5_000)
    assert steps(2) < few * 1.5
