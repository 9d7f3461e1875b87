"""What was cut off, or could not be undone yet, is undone later: by who resumes, or in the background."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.atomic import (
    Action,
    Operation,
    OuterContext,
    OuterStep,
    ResumeReport,
    Rollback,
    Status,
    Step,
    alive,
    resuming,
)
from bmaddb.device.atomic.resumer import BUSY_WAIT_S, Resumer
from bmaddb.device.atomic.resuming import ODD_WAIT_MS
from bmaddb.testing import ManualClock
from tests.atomic.acts import breaking, cut, line, names, open_db, operation, outer
from tests.atomic.world import TYPE, World, saga, session

WAIT_S_MAX = 30


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


def test_one_whose_line_cannot_be_read_holds_nobody_up(db: bmaddb.Database, clock: ManualClock) -> None:
    """As one that a later version wrote."""
    older, younger = (operation(outer("one"), outer("cut", do=cut)) for _ in range(2))
    for one in (older, younger):
        with pytest.raises(KeyboardInterrupt):
            db.execute(one)
        clock.advance(1)
    with db.store.apply("local") as connection:
        connection.execute("update operation_journal set compensations = '{\"debts\": 5}' where id = ?", (older.id,))
    report = db.resume({"saga": (outer("one"), outer("cut"))})
    assert (report.compensated, report.waiting) == ((younger.id,), (older.id,))
    assert report.due_ms == clock.now_ms() + ODD_WAIT_MS
    assert line(db, older.id).status == "running"


def test_what_a_clock_years_ahead_put_off_is_tried_once_it_is_right(db: bmaddb.Database, clock: ManualClock) -> None:
    down = [True]

    def undo(_: OuterContext) -> None:
        if down:
            down.pop()
            raise ConnectionError("the server is away")

    steps, right_ms = (outer("one", undo), outer("two", do=breaking)), clock.now_ms()
    clock.set_wall(right_ms + 3 * 365 * 86_400_000)
    result = db.execute(operation(*steps))
    assert result.status is Status.COMPENSATING
    assert db.resume({"saga": steps}).waiting == (result.operation_id,)
    clock.set_wall(right_ms)
    assert db.resume({"saga": steps}).compensated == (result.operation_id,)


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
