"""Sagas: steps outside of the file are done, or undone in reverse, with patience, and once."""

from __future__ import annotations

import itertools
import os
import threading
from contextlib import closing
from typing import Any

import apsw
import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.atomic import (
    Action,
    Bounds,
    Cancellation,
    CheckOutcome,
    Operation,
    OperationResult,
    OuterContext,
    OuterStep,
    Rollback,
    RuleContext,
    Status,
    Step,
)
from bmaddb.device.atomic.compensation import ATTEMPTS_MAX, ERROR_CHARS_MAX
from bmaddb.device.store import WriteTransaction, writer
from bmaddb.testing import ManualClock
from tests.atomic.acts import author, breaking, cut, line, names, operation, outer
from tests.atomic.world import OPERATION, TYPE, World, saga, session
from tests.store.shelf import Author, Book

WAIT_S_MAX = 30


def test_it_is_done_in_order_and_owes_nothing(db: bmaddb.Database, world: World) -> None:
    result = db.execute(saga(session(world)))
    assert result.ok
    assert result.ids("rows") == ("a1",)
    assert world.told() == ["do reserve", "do remind"]
    found = db.query(Author).one()
    assert found.motto == f"{OPERATION}/reserve"
    kept = line(db, OPERATION)
    assert (kept.status, kept.compensations, kept.finished_at is not None) == ("committed", [], True)
    again = db.execute(saga(session(world)))
    assert (again.ok, again.repeated) == (True, True)
    assert world.told() == ["do reserve", "do remind"]


def test_what_was_done_is_undone_the_last_first(db: bmaddb.Database, world: World) -> None:
    result = db.execute(saga(session(world, fails=True)))
    assert result.failure is not None
    assert (result.status, result.failure.code, result.failure.step) == (Status.COMPENSATED, "B-803", "remind")
    assert result.failure.undone == ("remind", "rows", "reserve")
    assert result.failure.left == ()
    assert world.told() == ["do reserve", "do remind", "undo remind", "gone remind", "undo reserve", "gone reserve"]
    assert names(db) == []
    again = db.execute(saga(session(world)))
    assert again.failure is not None
    assert (again.status, again.failure.code) == (Status.COMPENSATED, "B-800")


def test_a_compensation_that_fails_is_tried_again_when_it_is_due(
    db: bmaddb.Database, world: World, clock: ManualClock
) -> None:
    down = True

    def undo(context: OuterContext) -> None:
        if down:
            raise ConnectionError("the server is away")
        world.give_back(context.key)

    steps = (
        outer("first", lambda context: world.give_back(context.key), lambda context: world.reserve(context.key)),
        outer("second", undo, lambda context: world.reserve(context.key)),
        outer("third", do=breaking),
    )
    result = db.execute(operation(*steps))
    assert result.failure is not None
    assert (result.status, result.failure.undone, result.failure.left) == (
        Status.COMPENSATING,
        ("third",),
        ("second", "first"),
    )
    assert world.held() == ["first", "second"], "the order holds: what came first waits"
    early = db.resume({"saga": steps})
    assert early.waiting == (result.operation_id,)
    assert early.due_ms is not None
    assert clock.now_ms() < early.due_ms <= clock.now_ms() + 1_000
    busy = db.execute(Operation("saga", steps, strategy=Rollback.COMPENSATE, id=result.operation_id))
    assert busy.failure is not None
    assert (busy.failure.code, busy.failure.transient) == ("B-808", True)
    clock.advance(1_000)
    down = False
    assert db.resume({"saga": steps}).compensated == (result.operation_id,)
    assert world.held() == []


def test_one_that_always_fails_is_given_up_and_the_rest_is_undone(
    db: bmaddb.Database, world: World, clock: ManualClock
) -> None:
    attempts = []

    def undo(_: OuterContext) -> None:
        attempts.append(clock.now_ms())
        raise ConnectionError("never")

    steps = (
        outer("first", lambda context: world.give_back(context.key), lambda context: world.reserve(context.key)),
        outer("second", undo),
        outer("third", do=breaking),
    )
    result = db.execute(operation(*steps))
    report = db.resume({"saga": steps})
    while report.due_ms is not None:
        clock.advance(report.due_ms - clock.now_ms())
        report = db.resume({"saga": steps})
    assert report.failed == (result.operation_id,)
    assert len(attempts) == ATTEMPTS_MAX
    waits = [later - sooner for sooner, later in itertools.pairwise(attempts)]
    assert all(500 * 2**number <= wait <= 1_000 * 2**number for number, wait in enumerate(waits[:8]))
    assert world.held() == []
    kept = line(db, result.operation_id)
    assert kept.status == "failed"
    assert "ConnectionError: never" in kept.compensations["debts"][1]["error"]
    assert db.resume({"saga": steps}).failed == ()


class Unsayable(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(f"cannot remove {os.fsdecode(bytes([0xE9]))}.jpg"), "OSError: cannot remove \\udce9.jpg"),
        (ValueError("x" * 1_000_000), "ValueError: " + "x" * (ERROR_CHARS_MAX - 12)),
        (Unsayable(), "Unsayable, which cannot be said"),
    ],
)
def test_one_whose_words_no_file_holds_is_counted_and_given_up(
    db: bmaddb.Database, clock: ManualClock, error: Exception, said: str
) -> None:
    undone = []

    def undo(_: OuterContext) -> None:
        raise error

    steps = (outer("one", undo), outer("two", do=breaking))
    after = Operation(
        "after", (outer("one", lambda _: undone.append(1)), outer("cut", do=cut)), strategy=Rollback.COMPENSATE
    )
    result = db.execute(operation(*steps))
    assert result.status is Status.COMPENSATING
    clock.advance(1)
    with pytest.raises(KeyboardInterrupt):
        db.execute(after)
    by_type = {"saga": steps, "after": (outer("one", lambda _: undone.append(1)), outer("cut"))}
    report = db.resume(by_type)
    assert (report.compensated, undone) == ((after.id,), [1]), "the older one holds it up"
    while report.due_ms is not None:
        clock.advance(report.due_ms - clock.now_ms())
        report = db.resume(by_type)
    assert report.failed == (result.operation_id,)
    debt = line(db, result.operation_id).compensations["debts"][0]
    assert (debt["attempts"], debt["error"]) == (ATTEMPTS_MAX, said)


def test_rows_are_undone_as_their_step_says(db: bmaddb.Database) -> None:
    db.execute(Operation("before", (author("Hella"),)))

    def call_off(tx: WriteTransaction, context: RuleContext) -> None:
        for row_id in context.facts["rows"]["rename"]:
            tx.update(Author, row_id, name="Hella", motto=f"afgezegd: {context.facts['why']}")

    steps = (
        Step("rename", "authors", Action.UPDATE, {"id": "a1", "name": "H."}, undo=call_off),
        Step("book", "books", Action.INSERT, {"title": "Nieuw", "author_id": "a1"}),
        outer("outside", do=breaking),
    )
    result = db.execute(Operation("saga", steps, strategy=Rollback.COMPENSATE, facts={"why": "ziek"}))
    assert result.status is Status.COMPENSATED
    found = db.query(Author).one()
    assert (found.name, found.motto) == ("Hella", "afgezegd: ziek")
    assert db.query(Book).count() == 0


def test_a_check_that_fails_undoes_what_is_outside(db: bmaddb.Database, world: World) -> None:
    def never(context: RuleContext) -> CheckOutcome:
        return CheckOutcome("never", not context.reader.query(Author).exists(), ("authors/a1",))

    steps = session(world)
    checked = Operation(TYPE, steps, (never,), Rollback.COMPENSATE, facts={"name": "Hella"})
    result = db.execute(checked)
    assert result.failure is not None
    assert (result.status, result.failure.code) == (Status.COMPENSATED, "B-802")
    assert world.told() == ["do reserve", "undo reserve", "gone reserve"]
    assert names(db) == []


def test_a_deadline_undoes_what_is_outside(db: bmaddb.Database, world: World, clock: ManualClock) -> None:
    def slow(context: OuterContext) -> str:
        clock.advance(500)
        return world.reserve(context.key)

    steps = (outer("slow", lambda context: world.give_back(context.key), slow), author())
    result = db.execute(operation(*steps), bounds=Bounds(within_ms=100))
    assert result.failure is not None
    assert (result.status, result.failure.code) == (Status.COMPENSATED, "B-805")
    assert world.held() == []


def test_one_without_anything_outside_yet_is_simply_rolled_back(db: bmaddb.Database) -> None:
    result = db.execute(operation(author(), Step("again", "authors", Action.INSERT, {"id": "a1"})))
    assert result.status is Status.ROLLED_BACK
    assert line(db, result.operation_id).status == "rolled_back"
    assert names(db) == []


def test_an_answer_that_cannot_be_kept_is_undone(db: bmaddb.Database, world: World) -> None:
    def odd(context: OuterContext) -> object:
        world.reserve(context.key)
        return object()

    result = db.execute(operation(outer("odd", lambda context: world.give_back(context.key), odd)))
    assert result.failure is not None
    assert (result.status, result.failure.code) == (Status.COMPENSATED, "B-800")
    assert world.held() == []


@pytest.mark.parametrize(
    "wrong",
    [
        Operation("reverse", (OuterStep("outside", breaking, breaking),)),
        operation(Step("rename", "authors", Action.UPDATE, {"id": "a1"}), outer("outside")),
        operation(Step("never goes", "diary", Action.INSERT, {"line": "x"}), outer("outside")),
        Operation("facts", (outer("outside"),), strategy=Rollback.COMPENSATE, facts={"x": object()}),
    ],
)
def test_what_could_not_be_undone_is_refused(db: bmaddb.Database, wrong: Operation) -> None:
    with pytest.raises(e.AtomicError):
        db.execute(wrong)
    with pytest.raises(e.AtomicError):
        db.execute_batch([operation(outer("outside"))])


def test_a_check_that_answers_nothing_undoes_what_is_outside(db: bmaddb.Database, world: World) -> None:
    def check(context: RuleContext) -> CheckOutcome:
        return None  # type: ignore[return-value]

    checked = Operation(TYPE, session(world), (check,), Rollback.COMPENSATE, facts={"name": "Hella"})
    result = db.execute(checked)
    assert result.failure is not None
    assert (result.status, result.failure.code) == (Status.COMPENSATED, "B-803")
    assert world.held() == []
    assert names(db) == []


@pytest.mark.parametrize("status", ["committed", "running"])
def test_a_claim_that_fails_leaves_the_line_of_its_id_alone(
    db: bmaddb.Database, world: World, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    found: list[tuple[OperationResult, str, int]] = []

    def come_again(_: OuterContext) -> None:
        if status == "running":
            refused()

    def refused() -> None:
        """Another process writes for longer than ours waits, and ends then."""
        with closing(apsw.Connection(db.store.path)) as other, monkeypatch.context() as patched:
            begun = iter((lambda: None, lambda: other.execute("rollback")))
            begin = db.store._begin

            def counted(**how: Any) -> None:
                next(begun)()
                begin(**how)

            patched.setattr(db.store, "_begin", counted)
            patched.setattr(writer, "BUSY_WAIT_MS_MAX", 0)
            other.execute("begin immediate")
            result = db.execute(saga(steps))
        kept = line(db, OPERATION)
        found.append((result, kept.status, len(kept.compensations and kept.compensations["debts"])))

    steps = (*session(world), outer("last", do=come_again))
    assert db.execute(saga(steps)).ok
    if status == "committed":
        refused()
    [(result, kept, owed)] = found
    assert (kept, owed) == (status, 0 if status == "committed" else 4)
    assert (result.status, result.repeated) == (status, True), "how the one of this id stands"
    assert db.execute(saga(steps)).repeated
    assert world.told() == ["do reserve", "do remind"]


def test_who_waits_to_begin_a_saga_can_be_called_off(db: bmaddb.Database, world: World) -> None:
    off, results = Cancellation(), list[OperationResult]()
    steps = session(world)
    waiter = threading.Thread(
        target=lambda: results.append(db.execute(saga(steps), bounds=Bounds(cancellation=off))), daemon=True
    )
    with db.write():
        waiter.start()
        off.cancel()
        waiter.join(WAIT_S_MAX)
        assert not waiter.is_alive()
    assert results[0].failure is not None
    assert results[0].failure.code == "B-806"
    assert world.told() == []
    assert db.execute(saga(steps)).ok


def test_who_waits_between_two_steps_can_be_called_off(db: bmaddb.Database, world: World) -> None:
    """Another process began to write while the first step ran outside."""
    off = Cancellation()
    other = apsw.Connection(db.store.path)

    def meanwhile(context: OuterContext) -> str:
        other.execute("begin immediate")
        waiting.set()
        return world.reserve(context.key)

    def call_off() -> None:
        waiting.wait(WAIT_S_MAX)
        off.cancel()
        heard.wait(WAIT_S_MAX)
        other.execute("rollback")

    waiting, heard = threading.Event(), threading.Event()

    class Heard(Cancellation):
        @property
        def asked(self) -> bool:
            if off.asked:
                heard.set()
            return off.asked

    steps = (outer("one", lambda context: world.give_back(context.key), meanwhile), outer("two", do=breaking))
    caller = threading.Thread(target=call_off, daemon=True)
    caller.start()
    with closing(other):
        result = db.execute(operation(*steps), bounds=Bounds(cancellation=Heard()))
        caller.join(WAIT_S_MAX)
    assert (result.status, result.failure and result.failure.code) == (Status.COMPENSATED, "B-806")
    assert world.held() == []
