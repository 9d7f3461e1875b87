"""Sagas: steps outside of the file are done, or undone in reverse, with patience, and once."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
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
    ResumeReport,
    Rollback,
    RuleContext,
    Status,
    Step,
    alive,
    resuming,
)
from bmaddb.device.atomic.compensation import ATTEMPTS_MAX
from bmaddb.device.atomic.resumer import BUSY_WAIT_S, Resumer
from bmaddb.device.store import WriteTransaction, writer
from bmaddb.testing import ManualClock
from tests.atomic.acts import author, line, names, open_db
from tests.atomic.world import OPERATION, TYPE, World, saga, session
from tests.store.shelf import Author, Book

WAIT_S_MAX = 30
Undo = Callable[[OuterContext], None]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


def outer(name: str, undo: Undo = lambda _: None, do: Callable[[OuterContext], object] = lambda _: None) -> OuterStep:
    return OuterStep(name, do, undo)


def breaking(_: OuterContext) -> None:
    raise ConnectionError("no answer")


def cut(_: OuterContext) -> None:
    raise KeyboardInterrupt


def operation(*steps: Step | OuterStep) -> Operation:
    return Operation("saga", steps, strategy=Rollback.COMPENSATE)


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


def test_what_nobody_knows_how_to_undo_is_left_and_said(db: bmaddb.Database) -> None:
    def undo(_: OuterContext) -> None:
        raise ConnectionError

    result = db.execute(operation(outer("one", undo), outer("two", do=breaking)))
    assert db.resume({}).unknown == (result.operation_id,)
    assert db.resume({"saga": (outer("other"),)}).unknown == (result.operation_id,)
    assert line(db, result.operation_id).status == "compensating"


WRITES = Step("one", "authors", Action.INSERT, {"id": "a1", "name": "Hella"})


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (outer("one"), WRITES, "was outside of the file, and is given as insert in authors"),
        (WRITES, outer("one"), "was insert in authors, and is given as outside of the file"),
        (WRITES, Step("one", "books", Action.INSERT, {}), "is given as insert in books"),
        (WRITES, Step("one", "authors", Action.UPSERT, {}), "is given as upsert in authors"),
        (
            Step("one", "authors", Action.UPSERT, {"id": "a1", "name": "Hella"}, undo=lambda tx, _: None),
            Step("one", "authors", Action.UPSERT, {}),
            "is given without undo=",
        ),
    ],
)
def test_what_another_step_of_the_same_name_did_is_left_and_said(
    db: bmaddb.Database, old: Step | OuterStep, new: Step | OuterStep, reason: str
) -> None:
    """As after an upgrade of the application, which changed what its operations are made of."""
    cut_off = operation(old, outer("two", do=cut))
    with pytest.raises(KeyboardInterrupt):
        db.execute(cut_off)
    rows, owed = names(db), line(db, cut_off.id).compensations
    report = db.resume({"saga": (new, outer("two"))})
    assert (report.unknown, report.compensated) == ((cut_off.id,), ())
    assert reason in report.reasons[cut_off.id]
    assert (names(db), line(db, cut_off.id).status, line(db, cut_off.id).compensations) == (rows, "running", owed)
    assert db.resume({"saga": (old, outer("two"))}).compensated == (cut_off.id,)
    assert line(db, cut_off.id).status == "compensated"


def test_what_cannot_be_undone_yet_holds_nobody_up(
    db: bmaddb.Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "RESUMED_MAX", 2)
    unknown = [Operation("gone", (outer("cut", do=cut),), strategy=Rollback.COMPENSATE) for _ in range(3)]
    known = [operation(outer("one", breaking), outer("cut", do=cut)) for _ in range(3)]
    for one in (*unknown, *known):
        with pytest.raises(KeyboardInterrupt):
            db.execute(one)
        clock.advance(1)
    steps = {"saga": (outer("one", breaking), outer("cut"))}
    first = db.resume(steps)
    assert first.unknown == tuple(one.id for one in unknown)
    assert (first.waiting, first.due_ms) == (tuple(one.id for one in known[:2]), clock.now_ms()), "the third is due"
    second = db.resume(steps)
    assert second.waiting == tuple(one.id for one in known)
    assert second.due_ms is not None
    assert second.due_ms > clock.now_ms()


def test_it_is_not_resumed_where_others_commits_are_not_seen(db: bmaddb.Database) -> None:
    with db.read(), pytest.raises(e.AtomicError, match="snapshot"):
        db.resume({})
    with db.write(), pytest.raises(e.AtomicError, match="inside a write"):
        db.resume({})


def test_nothing_is_undone_while_a_saga_runs(db: bmaddb.Database) -> None:
    def undo(_: OuterContext) -> None:
        raise ConnectionError

    steps = (outer("one", undo), outer("two", do=breaking))
    db.execute(operation(*steps))
    with alive.running(db.store.path):
        assert db.resume({"saga": steps}).busy
    assert not db.resume({"saga": steps}).busy


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


def test_in_the_background_it_is_tried_again_when_it_is_due(
    db: bmaddb.Database, world: World, clock: ManualClock
) -> None:
    down, done = [True, True], threading.Event()

    def undo(context: OuterContext) -> None:
        if down:
            down.pop()
            raise ConnectionError("the server is away")
        world.give_back(context.key)

    steps = (outer("one", undo, lambda context: world.reserve(context.key)), outer("two", do=breaking))
    pauses: list[float | None] = []

    def wait(woken: threading.Event, pause_s: float | None) -> bool:
        """Time passes at once, when it is told how much; else until somebody wakes it."""
        pauses.append(pause_s)
        if pause_s is None:
            if world.told() and not world.held():
                done.set()
            return woken.wait(WAIT_S_MAX)
        clock.advance(round(pause_s * 1000))
        return False

    resumer = Resumer(db.store, lambda: db.resume({"saga": steps}), wait=wait)
    resumer.start(db.resume({"saga": steps}))
    result = db.execute(operation(*steps))
    assert result.status is Status.COMPENSATING
    assert done.wait(WAIT_S_MAX)
    resumer.stop()
    assert line(db, result.operation_id).status == "compensated"
    waited = [pause_s for pause_s in pauses if pause_s]
    assert len(waited) == 2
    assert 0.5 <= waited[0] <= 1.0 <= waited[1] <= 2.0


def test_one_that_is_cut_off_is_undone_in_the_background(db: bmaddb.Database) -> None:
    done = threading.Event()
    steps = (outer("one", lambda _: done.set()), outer("cut", do=cut))
    db.resume({"saga": steps}, again=True)
    with pytest.raises(KeyboardInterrupt):
        db.execute(operation(*steps))
    assert done.wait(WAIT_S_MAX)


def test_a_database_that_is_closed_undoes_nothing_more(db: bmaddb.Database) -> None:
    db.resume({}, again=True)
    db.resume({}, again=True)
    assert [thread.name for thread in threading.enumerate()].count("bmaddb-resumer") == 1
    db.close()
    assert "bmaddb-resumer" not in [thread.name for thread in threading.enumerate()]


def test_a_check_that_answers_nothing_undoes_what_is_outside(db: bmaddb.Database, world: World) -> None:
    def check(context: RuleContext) -> CheckOutcome:
        return None  # type: ignore[return-value]

    checked = Operation(TYPE, session(world), (check,), Rollback.COMPENSATE, facts={"name": "Hella"})
    result = db.execute(checked)
    assert result.failure is not None
    assert (result.status, result.failure.code) == (Status.COMPENSATED, "B-803")
    assert world.held() == []
    assert names(db) == []


def test_a_restored_backup_does_not_undo_what_went_well_where_it_was_made(
    db: bmaddb.Database, world: World, tmp_path: Path
) -> None:
    backup, restored = tmp_path / "backup.db", tmp_path / "restored.db"

    def back_up(context: OuterContext) -> None:
        db.backup(backup)

    steps = (*session(world)[:1], outer("backup", do=back_up), *session(world)[1:])
    done = Operation(TYPE, steps, strategy=Rollback.COMPENSATE, facts={"name": "Hella"})
    assert db.execute(done).ok
    held = world.held()
    bmaddb.restore(backup, restored)
    with open_db(restored) as copy:
        assert copy.resume({TYPE: steps}) == ResumeReport()
        kept = line(copy, done.id)
        assert (kept.status, (kept.error or "").split(":")[0]) == ("failed", "restored")
    assert world.held() == held


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


def test_a_file_of_locks_that_cannot_be_opened_is_said_and_tried_again(
    db: bmaddb.Database, world: World, tmp_path: Path
) -> None:
    """As when no descriptor is left for a moment."""
    beside = tmp_path / "device.db-sagas"
    cut_off = operation(outer("cut", do=cut))
    with pytest.raises(KeyboardInterrupt):
        db.execute(cut_off)
    beside.unlink()
    beside.mkdir()
    result = db.execute(saga(session(world)))
    assert result.failure is not None
    assert (result.status, result.failure.code, world.told()) == (Status.ROLLED_BACK, "B-300", [])
    with pytest.raises(e.StoreError, match="cannot be opened"):
        db.resume({"saga": cut_off.steps})
    done = threading.Event()

    def wait(woken: threading.Event, pause_s: float | None) -> bool:
        """It failed once when it pauses for the second time."""
        if len(pauses) == 1:
            beside.rmdir()
        pauses.append(pause_s)
        return woken.wait(0 if pause_s is not None else WAIT_S_MAX)

    def resume() -> ResumeReport:
        report = db.resume({"saga": cut_off.steps})
        done.set()
        return report

    pauses: list[float | None] = []
    resumer = Resumer(db.store, resume, wait=wait)
    resumer.start(ResumeReport(busy=True))
    assert done.wait(WAIT_S_MAX)
    resumer.stop()
    assert pauses[:2] == [BUSY_WAIT_S] * 2
    assert line(db, cut_off.id).status == "compensated"
    assert db.execute(saga(session(world))).ok


def test_the_background_outlives_any_error(db: bmaddb.Database) -> None:
    tried = threading.Event()
    errors = [ValueError(), KeyError()]

    def resume() -> ResumeReport:
        if errors:
            raise errors.pop()
        tried.set()
        return ResumeReport()

    resumer = Resumer(db.store, resume, wait=lambda woken, pause_s: woken.wait(0 if pause_s else WAIT_S_MAX))
    resumer.start(ResumeReport(busy=True))
    assert tried.wait(WAIT_S_MAX)
    resumer.stop()
