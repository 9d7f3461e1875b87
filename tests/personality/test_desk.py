"""`db.personality`: off until agreed, the same rows in every mode, and nothing left when it is switched off."""

from __future__ import annotations

import random
import struct
import threading
from pathlib import Path

import pytest
from bench.personality.equal import MODES, compare, fill, ready

import bmaddb
from bmaddb import errors as e
from bmaddb.device.store.hooks import CommitFact
from bmaddb.modules.registry import catalog_with
from bmaddb.modules.tasks_productivity import Task
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile
from bmaddb.personality import TYPES, VIEWS, prior_shares
from bmaddb.personality.adaptive import BUDGET_ROWS
from bmaddb.personality.consent import Optimisation
from bmaddb.personality.desk import NOTHING
from bmaddb.personality.memory import LISTS_MAX
from bmaddb.personality.presentation import NEUTRAL
from bmaddb.personality.state import STATE_BYTES_MAX
from bmaddb.service import Database
from bmaddb.testing import ManualClock
from tests.support.server import USER
from tests.upkeep.shelf import MODULE

DAY_MS = 86_400_000


def bytes_of(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in sorted(path.parent.iterdir()) if one.is_file())


def use(db: Database, sessions: int = 4) -> None:
    for _ in range(sessions):
        db.personality.begin_session()
        for view in ("tasks", "goals", "contacts"):
            for row in db.personality.open(view)[:6]:
                db.personality.get(type(row), row.id)
            db.personality.idle()


# -- consent -----------------------------------------------------------------------------------------------


def test_nothing_is_on_without_consent(db: Database) -> None:
    desk = db.personality
    for refused in (lambda: desk.declare("INFJ"), lambda: desk.switch("prior"), lambda: desk.switch("adaptive")):
        with pytest.raises(e.ConsentMissing) as missing:
            refused()
        assert missing.value.hint
    assert db.query(MbtiProfile).count() == 0
    assert desk.standing.mode == "off"
    assert desk.begin_session() is NOTHING
    assert desk.presentation() is NEUTRAL
    assert desk.patterns() == ()
    assert desk.suggested(["moods", "tasks"]) == ["moods", "tasks"]
    desk.consent(text="no", version="1", granted=False)
    with pytest.raises(e.ConsentMissing):
        desk.switch("adaptive")
    with pytest.raises(e.SettingsError):
        desk.switch("always")  # type: ignore[arg-type]


def test_consent_profile_mode_and_history(db: Database) -> None:
    desk = db.personality
    desk.consent(text="what was shown", version="2026-11")
    assert db.query(ConsentRecord).one().policy_sha256 != "what was shown"
    desk.declare("ISTJ")
    desk.bring_in({"ei": -0.5, "sn": 0.6, "tf": -0.4, "jp": 0.1})
    assert [row.type_code for row in desk.history()] == ["INFJ", "ISTJ"]
    assert [row.is_current for row in desk.history()] == [True, False]
    assert desk.history()[0].borderline_axes == ["jp"]
    desk.switch("prior")
    assert desk.standing.weight == pytest.approx(0.25 * 0.4)
    assert desk.presentation().about == "INFJ"
    assert "insight_chain" in desk.patterns()
    desk.switch("adaptive")
    assert (desk.standing.weight, desk.presentation(), desk.patterns()) == (0.0, NEUTRAL, ())
    desk.switch("prior")
    desk.decline()
    assert (desk.standing.weight, desk.presentation()) == (0.0, NEUTRAL)
    with pytest.raises(e.RecordInvalid):
        desk.declare("INFJ", influence=2)


def test_what_was_said_counts_at_the_next_opening(path: Path) -> None:
    with bmaddb.open(path, user=USER) as db:
        fill(db, random.Random(1), 60)
        ready(db, "ESTJ", "prior")
        use(db)
        seen = db.personality.why("tasks")
        assert seen.from_use > 0.1
    with bmaddb.open(path, user=USER) as db:
        again = db.personality.why("tasks")
        assert again.from_use == pytest.approx(seen.from_use, abs=0.02)
        assert db.personality.standing.profile.code == "ESTJ"
        assert db.personality.begin_session().rows > 0


def test_an_application_without_the_tables_is_simply_off(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "shelf.db", user=USER, catalog=catalog_with(MODULE, include_defaults=False)) as db:
        assert db.personality.standing.mode == "off"
        assert db.personality.begin_session() is NOTHING


@pytest.mark.parametrize("how", ["refused", "withdrawn"])
def test_no_means_no_also_when_the_clock_ran_ahead_at_the_yes(path: Path, how: str) -> None:
    clock = ManualClock(DAY_MS * 20_500)
    with bmaddb.open(path, user=USER, clock=clock) as db:
        clock.set_wall(DAY_MS * 20_530)
        db.personality.consent(text="what was shown", version="1")
        db.personality.declare("ENTP")
        db.personality.switch("prior")
        clock.set_wall(DAY_MS * 20_501)
        db.personality.declare("ISTJ")
        assert db.personality.standing.profile.code == "ISTJ"
        db.personality.decline()
        assert db.personality.history()[0].source == "declined"
        if how == "refused":
            db.personality.consent(text="what was shown", version="1", granted=False)
        else:
            db.personality.withdraw()
        assert not db.personality.standing.consented
        with pytest.raises(e.ConsentMissing):
            db.personality.switch("prior")
    with bmaddb.open(path, user=USER, clock=clock) as db:
        assert (db.personality.standing.consented, db.personality.standing.mode) == (False, "off")
        db.personality.consent(text="what was shown", version="1")
        assert db.personality.standing.consented


# -- the same rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("code", TYPES)
def test_every_type_and_mode_gives_the_same_rows_in_the_same_order(path: Path, code: str, mode: Optimisation) -> None:
    chance = random.Random(f"{code}/{mode}")
    with bmaddb.open(path, user=USER, durability="normal") as db:
        fill(db, chance, 100)
        ready(db, code, mode)
        with bmaddb.open(path, user=USER, durability="normal") as other:
            tally = compare(db, other, chance, 60)
        assert tally.different == 0
        assert tally.writes > 0
        assert tally.from_memory > 3, "or nothing was proved"


def test_a_writer_and_a_snapshot_see_their_own_state(db: Database) -> None:
    with db.write() as tx:
        task = tx.insert(Task, title="before")
    ready(db, "INTP", "prior")
    desk = db.personality
    assert desk.get(Task, task.id) == desk.get(Task, task.id) == task
    query = db.query(Task)
    desk.read(query)
    with db.write() as tx:
        changed = tx.update(task, title="after")
        assert desk.get(Task, task.id) == changed
        assert desk.read(query) == [changed]
    with db.read():
        assert desk.get(Task, task.id) == changed
        other = threading.Thread(target=lambda: rename(db, task.id, "later"))
        other.start()
        other.join()
        assert desk.get(Task, task.id) == changed, "a snapshot stays where it is"
        assert desk.read(query) == [changed]
    assert desk.get(Task, task.id).title == "later"  # type: ignore[union-attr]
    with pytest.raises(e.RecordNotFound):
        rename_two(db, task.id, "nobody", "never")
    assert desk.read(query)[0].title == "later"


def rename(db: Database, row_id: str, title: str) -> None:
    with db.write() as tx:
        tx.update(Task, row_id, title=title)


def rename_two(db: Database, row_id: str, other_id: str, title: str) -> None:
    with db.write() as tx:
        tx.update(Task, row_id, title=title)
        tx.update(Task, other_id, title=title)


def test_another_process_s_commit_is_never_missed(path: Path, db: Database) -> None:
    with db.write() as tx:
        task = tx.insert(Task, title="0")
    ready(db, "ENFP", "adaptive")
    query = db.query(Task).order_by(Task.id)
    with bmaddb.open(path, user=USER) as other:
        for number in range(1, 20):
            db.personality.get(Task, task.id)
            db.personality.read(query)
            rename(other if number % 3 else db, task.id, str(number))
            assert db.personality.get(Task, task.id).title == str(number)  # type: ignore[union-attr]
            assert db.personality.read(query)[0].title == str(number)


def test_no_stale_row_is_read_while_others_write(db: Database) -> None:
    """Each reader sees titles that only grow: what it read of the file is never followed by an older one of memory."""
    with db.write() as tx:
        tasks = [tx.insert(Task, title="0") for _ in range(5)]
    ready(db, "ISFP", "prior")
    desk, stop, wrong = db.personality, threading.Event(), []
    query = db.query(Task).order_by(Task.id)

    def read(seed: int) -> None:
        chance, seen = random.Random(seed), dict.fromkeys((task.id for task in tasks), 0)
        while not stop.is_set():
            luck = chance.random()
            if luck < 0.4:
                rows = [desk.get(Task, chance.choice(tasks).id)]
            elif luck < 0.7:
                rows = list(desk.read(query))
            else:
                rows = [db.store.get(Task, chance.choice(tasks).id)]
            for row in rows:
                if row is None or int(row.title) < seen[row.id]:
                    wrong.append(row)
                else:
                    seen[row.id] = int(row.title)

    last: dict[str, int] = {}
    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, 150):
        with db.write() as tx:
            for task in tasks[: 1 + number % 5]:
                tx.update(Task, task.id, title=str(number))
        for task in tasks * 4:  # nobody writes meanwhile, so that the readers have something to be wrong about
            row = desk.get(Task, task.id)
            assert row is not None
            last[task.id] = int(row.title) if task not in tasks[: 1 + number % 5] else number
            assert int(row.title) == last[task.id]
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert desk._memory is not None
    assert desk._memory.hits > 0


def test_a_commit_that_is_not_told_yet_is_read_from_the_file(db: Database) -> None:
    """Another thread reads between the commit and the hooks that tell of it: the moment that could be missed."""
    with db.write() as tx:
        task = tx.insert(Task, title="old")
    ready(db, "ESFJ", "adaptive")
    desk, seen = db.personality, []
    desk.get(Task, task.id)

    def meanwhile(fact: CommitFact) -> None:
        reader = threading.Thread(target=lambda: seen.append(desk.get(Task, task.id)))
        reader.start()
        reader.join()

    db.store.after_commit.insert(0, meanwhile)  # before memory is told
    rename(db, task.id, "new")
    db.store.after_commit.remove(meanwhile)
    assert [row.title for row in seen if row is not None] == ["new"]
    assert desk.get(Task, task.id).title == "new"  # type: ignore[union-attr]


def test_what_came_by_a_path_without_rows_drops_the_table(db: Database) -> None:
    with db.write() as tx:
        task = tx.insert(Task, title="old")
    ready(db, "ESFJ", "adaptive")
    db.personality.get(Task, task.id)
    with db.store.apply("remote") as connection:
        connection.execute("update tasks set title = 'from afar'")
    assert db.personality.get(Task, task.id).title == "from afar"  # type: ignore[union-attr]
    assert db.personality.get(Task, "nobody") is None


def test_nothing_is_fetched_on_battery_saver_or_a_metered_link(db: Database) -> None:
    fill(db, random.Random(1), 50)
    ready(db, "ESTP", "prior")
    assert db.personality.begin_session(sparing=True) is NOTHING
    assert db.personality.idle(sparing=True) is NOTHING
    fetched = db.personality.begin_session()
    assert 0 < fetched.rows <= 24
    assert sum(fetched.by_view.values()) == fetched.rows


def test_a_session_lists_no_more_views_ahead_than_its_limit(db: Database) -> None:
    fill(db, random.Random(1), 50)
    ready(db, "ESTP", "adaptive")
    rows = lists = 0
    for number in range(30):
        found = db.personality.idle() if number else db.personality.begin_session()
        rows, lists = rows + found.rows, lists + found.lists
        with db.write() as tx:  # so that what was listed must be listed again
            tx.insert(Task, title=f"new {number}")
    assert lists == LISTS_MAX
    assert rows <= BUDGET_ROWS
    assert db.personality.begin_session().lists > 0, "the next session has its own"


# -- off is off --------------------------------------------------------------------------------------------


def marks_of(code: str, weight: float) -> list[bytes]:
    """Every typed share as SQLite writes a number, and the names the state has."""
    typed = [struct.pack(">d", share) for share in prior_shares(code, weight)]
    return [*typed, b"expert/typed", b"rank/tasks/", b"follow/tasks", b"personality_task_due"]


@pytest.mark.parametrize("how", ["off", "withdraw"])
def test_after_one_call_no_derived_byte_is_in_any_file(path: Path, db: Database, how: str) -> None:
    fill(db, random.Random(1), 400)
    ready(db, "ESTJ", "prior")
    desk = db.personality
    weight = desk.standing.weight
    use(db)
    desk.save()
    use(db, 30)
    desk.try_indexes()
    desk.save()
    marks = marks_of("ESTJ", weight)
    there = bytes_of(path)
    assert [mark for mark in marks if mark in there][:3] == marks[:3], "or the search finds nothing in any case"
    desk.switch("off") if how == "off" else desk.withdraw()
    left = bytes_of(path)
    assert not [mark for mark in marks if mark in left]
    assert desk.indexes.built() == []
    assert desk.begin_session() is NOTHING
    if how == "withdraw":
        assert [row.source for row in desk.history()] == ["declined"]
        assert not desk.standing.consented
        desk.withdraw()
        with pytest.raises(e.ConsentMissing):
            desk.switch("prior")


def test_a_snapshot_in_the_way_is_said_and_the_next_call_finishes(path: Path, db: Database) -> None:
    fill(db, random.Random(1), 40)
    ready(db, "ESTJ", "prior")
    use(db)
    db.personality.save()
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with db.read() as connection:
            connection.execute("select count(*) from tasks").fetchall()
            holding.set()
            let_go.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(30)
    with pytest.raises(e.StoreBusy) as busy:
        db.personality.switch("off")
    assert busy.value.hint
    let_go.set()
    holder.join()
    db.personality.switch("off")
    assert not [mark for mark in marks_of("ESTJ", 0.25 * 0.35) if mark in bytes_of(path)]


def test_the_state_is_small_and_stays_on_the_device(path: Path, db: Database) -> None:
    fill(db, random.Random(1), 400)
    ready(db, "INFP", "prior")
    waiting = db.outbox.counts().total
    use(db, 40)
    rows = db.personality.save()
    size = db.sql("select sum(length(id) + 60) from access_statistics")[0][0]
    assert rows == db.sql("select count(*) from access_statistics")[0][0]
    assert size < STATE_BYTES_MAX
    assert db.outbox.counts().total == waiting


# -- indexes and patterns ----------------------------------------------------------------------------------


def test_an_index_that_does_not_help_is_not_kept_and_none_changes_an_answer(db: Database) -> None:
    fill(db, random.Random(1), 2000)
    ready(db, "ESTJ", "prior")
    before = {name: db.personality.run_pattern(name, **values) for name, values in ASKED.items()}
    tried = db.personality.try_indexes()
    assert tried
    assert {one.name for one in tried if one.kept} == set(db.personality.indexes.built())
    assert all(one.speed >= 2 and one.growth <= 0.03 for one in tried if one.kept)
    assert {name: db.personality.run_pattern(name, **values) for name, values in ASKED.items()} == before
    db.personality.switch("adaptive")
    assert db.personality.indexes.built() == []


ASKED: dict[str, dict[str, object]] = {
    "due_board": {"until": "2030-01-01"},
    "goal_ladder": {"horizon": "quarter"},
    "people_to_reach": {"circle": 2},
    "today_feed": {"since_ms": 0},
}


def test_every_pattern_runs_and_says_what_it_needs(db: Database) -> None:
    from bmaddb.personality.patterns import FUNCTION_PATTERNS, parameters_of

    fill(db, random.Random(1), 200)
    for names in FUNCTION_PATTERNS.values():
        for name in names:
            values = dict.fromkeys(parameters_of(name), 1)
            assert isinstance(db.personality.run_pattern(name, **values), list)
    assert db.personality.run_pattern("people_to_reach", circle=3)[0]["circle"] == 3
    with pytest.raises(e.SettingsError):
        db.personality.run_pattern("nothing")
    with pytest.raises(e.SettingsError):
        db.personality.run_pattern("due_board")


def test_a_plan_is_advice_beside_the_same_query(db: Database) -> None:
    query = db.query(Task).where(Task.state == "todo").order_by(Task.title)
    off = db.personality.plan(query).plan
    assert (off.indexes, off.patterns, off.type_weight) == ((), (), 0.0)
    ready(db, "ESTJ", "prior")
    found = db.personality.plan(query)
    assert found.query is query
    assert (found.plan.views, found.plan.rule) == (("tasks",), "adaptive")
    assert found.plan.indexes == ("task_due", "habit_grid", "area_trend", "goal_ladder", "on_this_day")
    fixed = db.personality.plan(query, rule="fixed").plan
    assert (fixed.rule, fixed.cache.scope, len(fixed.prefetch)) == ("fixed", "broad", 32)


def test_an_application_may_show_its_own(db: Database) -> None:
    fill(db, random.Random(1), 30)
    ready(db, "ESTJ", "adaptive")
    db.personality.views.show("tasks", db.query(Task).where(Task.state == "done").order_by(Task.title))
    assert {row.state for row in db.personality.open("tasks")} == {"done"}
    for wrong in ("nowhere", "search"):
        with pytest.raises(e.SettingsError):
            db.personality.open(wrong)
    with pytest.raises(e.SettingsError):
        db.personality.views.show("nowhere", db.query(Task))
    assert set(db.personality.table_wishes()) <= set(db.catalog.tables)
    assert len(VIEWS) == 20
