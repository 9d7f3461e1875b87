"""Each derived column (DRV) follows from rows: spoiled, it is put right, and what it follows from moves it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.coaching.reconciling import reconcile
from bmaddb.coaching.streaks import streak_of
from bmaddb.device.store import Store
from bmaddb.modules.chat_journal import Conversation, Journal, JournalEntry, Message, Tag
from bmaddb.modules.levensgebieden import LifeAreaAssessment, LifeAreaScore, UserLifeArea
from bmaddb.modules.registry import default_catalog
from bmaddb.modules.subscription_payment import UsageCounter
from bmaddb.modules.tasks_productivity import Goal, Habit, HabitLog, Task, UserProgress
from bmaddb.modules.user_management import MbtiProfile
from bmaddb.schema.kinds import Kind
from bmaddb.schema.rules import MergeRule
from bmaddb.testing import ManualClock
from tests.coaching.acts import all_hold, done
from tests.coaching.ground import at

DERIVED = [
    (table.name, column.name)
    for table in default_catalog().device_tables
    for column in table.columns
    if column.spec.merge is MergeRule.DRV
]
NOT_IN_THE_ROWS = {("user_progress", "streak_current")}
"""A row of progress does not say on which days it was counted: the streak is counted as each day is written (0035)."""
OTHER_VALUES: dict[Kind, Any] = {Kind.INT: 57, Kind.REAL: 0.125, Kind.BOOL: 0, Kind.JSON: '["tf"]', Kind.TEXT: "Te"}


@pytest.fixture
def lived(ada: Store) -> Store:
    """A file in which every table with a derived column has a row that says something."""
    with ada.write() as tx:
        tag = tx.insert(Tag, name="outside", label="Outside")
        journal = tx.insert(Journal, name="Diary")
        body = "It rained, and I ran."
        tx.insert(
            JournalEntry,
            id="entry",
            journal_id=journal.id,
            entry_date="2026-11-29",
            occurred_at=at(),
            tz="Europe/Amsterdam",
            body=body,
            body_hash="",
            tag_ids=[tag.id],
        )
        tx.insert(Conversation, id="talk", kind="coach_chat", tag_ids=[tag.id])
        for number in range(3):
            tx.insert(Message, conversation_id="talk", role="user", content=f"{number}", sent_at=at(minutes=number))
        goal = tx.insert(Goal, id="goal", title="Run")
        for number, state in enumerate(("done", "todo", "todo", "cancelled")):
            tx.insert(Task, id=f"t{number}", title="Run", state=state, goal_id=goal.id, tag_ids=[tag.id])
        tx.insert(Habit, id="habit", name="Move")
        tx.insert(UsageCounter, feature_code="ai.reply", period_key="2026-11", device_counts={"d": [4, "s"]})
    done(ada, ops.log_habit("habit"))
    done(ada, ops.fill_wheel({"work": 6, "leisure": 8}))
    reconcile(ada)
    assert reconcile(ada) == 0
    all_hold(ada)
    return ada


def values(store: Store, table: str, column: str) -> dict[str, Any]:
    return dict(store.sql(f'select id, "{column}" from "{table}" order by id'))


def spoil(store: Store, table: str, column: str) -> None:
    kind = default_catalog().table(table).by_name[column].kind
    other: Any = OTHER_VALUES[kind]
    if (table, column) == ("mbti_profiles", "borderline_axes"):
        other = '["ei"]'
    with store.apply() as connection:
        connection.execute(f'update "{table}" set "{column}" = ?', (other,))


@pytest.mark.parametrize(("table", "column"), sorted({*DERIVED} - NOT_IN_THE_ROWS))
def test_spoiled_it_is_put_right(lived: Store, table: str, column: str) -> None:
    before = values(lived, table, column)
    assert before
    spoil(lived, table, column)
    spoiled = values(lived, table, column)
    assert spoiled.keys() == before.keys()
    assert all(spoiled[row_id] != before[row_id] for row_id in before)
    assert reconcile(lived, {table: frozenset(before)}) >= len(before)
    assert values(lived, table, column) == before
    spoil(lived, table, column)
    assert reconcile(lived) >= len(before)
    assert values(lived, table, column) == before
    assert reconcile(lived) == 0


def test_what_is_not_in_the_rows_is_a_short_list() -> None:
    assert {*DERIVED} > NOT_IN_THE_ROWS
    assert len(DERIVED) == 21


def test_what_they_say(lived: Store) -> None:
    def only(record: Any) -> Any:
        return lived.query(record).one()

    assert only(Conversation).message_count == 3
    assert only(Tag).use_count == 6
    assert only(Goal).progress_pct == 33
    assert only(UsageCounter).used == 4
    entry = only(JournalEntry)
    assert (entry.word_count, entry.body_hash) == (5, hashlib.sha256(entry.body.encode()).hexdigest())
    habit = only(Habit)
    assert (habit.streak_current, habit.streak_longest, only(HabitLog).total) == (1, 1, 1)
    assert only(MbtiProfile).dominant == "Ni"
    assert round(only(LifeAreaAssessment).overall_pct, 1) == 66.7
    assert {round(row.score_pct, 1) for row in lived.query(LifeAreaScore).all()} == {55.6, 77.8}
    assert {round(row.current_score or 0.0, 1) for row in lived.query(UserLifeArea).all()} == {55.6, 77.8}


@pytest.mark.parametrize(
    ("sql", "arrived", "table", "column", "wanted"),
    [
        ("delete from messages where content = '1'", {"messages": None}, "conversations", "message_count", 2),
        (
            "delete from messages where content = '1'",
            {"messages": frozenset({"x"})},
            "conversations",
            "message_count",
            2,
        ),
        ("update tasks set tag_ids = '[]'", {"tasks": frozenset({"t1"})}, "tags", "use_count", 2),
        ("update tasks set state = 'done'", {"tasks": frozenset({"t1"})}, "goals", "progress_pct", 100),
        ("update goals set state = 'achieved'", {"goals": None}, "goals", "progress_pct", 100),
        ("update journal_entries set body = 'a b'", {"journal_entries": None}, "journal_entries", "word_count", 2),
        ("delete from habit_logs", {"habit_logs": None}, "habits", "streak_current", 0),
    ],
)
def test_what_came_moves_what_follows_from_it(
    lived: Store, sql: str, arrived: Any, table: str, column: str, wanted: int
) -> None:
    with lived.apply() as connection:
        connection.execute(sql)
    assert reconcile(lived, arrived) >= 1
    assert set(values(lived, table, column).values()) == {wanted}
    assert reconcile(lived) == 0


def test_a_new_importance_moves_the_wheels_of_its_area(lived: Store) -> None:
    before = values(lived, "life_area_assessments", "overall_pct")
    with lived.write() as tx:
        [area] = tx.query(UserLifeArea).where(UserLifeArea.code == "work").all()
        tx.update(area, importance=10)
    assert reconcile(lived, {"user_life_areas": frozenset({area.id})}) == 1
    after = values(lived, "life_area_assessments", "overall_pct")
    assert all(after[row_id] < value for row_id, value in before.items())


def test_what_nothing_says_is_left_alone(lived: Store) -> None:
    with lived.write() as tx:
        tx.update(Goal, "goal", metric={"unit": "km", "from": 0, "to": 10})
        tx.update(tx.query(Journal).one(), e2ee_state="on")
    with lived.apply() as connection:
        connection.execute("update goals set progress_pct = 40")
        connection.execute("update journal_entries set body_hash = 'with a key'")
    assert reconcile(lived) == 0


def test_rows_a_device_has_archived_are_not_counted_as_gone(lived: Store) -> None:
    with lived.apply("local") as connection:
        connection.execute("delete from messages where content = '1'")
        connection.execute("delete from tasks where id = 't0'")
        for table in ("messages", "tasks"):
            connection.execute(
                "insert into _bmad_archived (table_name, id, server_seq, hash) values (?, 'gone', 1, 0)",
                (table,),
            )
    assert reconcile(lived) == 0
    assert lived.query(Conversation).one().message_count == 3


@pytest.mark.parametrize(
    ("rule", "days_back", "streak", "gained"),
    [
        ("FREQ=DAILY", range(1, 301), 300, 1),
        ("FREQ=WEEKLY", range(1, 900, 3), 129, 0),
        ("FREQ=WEEKLY;BYDAY=SA", range(1, 301, 7), 43, 0),
    ],
)
def test_a_streak_whose_first_days_were_let_go_stands_and_goes_on(
    ada: Store, rule: str, days_back: range, streak: int, gained: int
) -> None:
    log_days(ada, rule, days_back)
    assert reconcile(ada) == 1
    assert ada.query(Habit).one().streak_current == streak
    let_go(ada, "habit_logs", "log_date < '2026-10-30'")
    assert reconcile(ada) == 0
    streaks = []
    for _ in range(2):
        done(ada, ops.log_habit("habit"))
        streaks.append(ada.query(Habit).one().streak_current)
    assert streaks == [streak + gained] * 2, "kept once a day"
    assert (ada.query(Habit).one().streak_longest, reconcile(ada)) == (streak + gained, 0)
    all_hold(ada)


def test_a_streak_is_counted_where_no_day_that_was_let_go_belongs_to_it(ada: Store) -> None:
    log_days(ada, "FREQ=DAILY", [1, 2, 3, *range(5, 100)])
    let_go(ada, "habit_logs", "log_date < '2026-11-01'")
    with ada.apply() as connection:
        connection.execute("update habits set streak_current = 50")
    assert reconcile(ada) == 1
    assert ada.query(Habit).one().streak_current == 3
    done(ada, ops.log_habit("habit"))
    assert ada.query(Habit).one().streak_current == 4


def test_a_streak_of_which_no_day_is_left_stands(ada: Store) -> None:
    log_days(ada, "FREQ=DAILY", range(1, 10))
    reconcile(ada)
    let_go(ada, "habit_logs", "true")
    assert reconcile(ada) == 0
    assert ada.query(Habit).one().streak_current == 9


@pytest.mark.parametrize("table", ["life_area_scores", "life_area_assessments"])
def test_an_area_whose_wheels_were_let_go_keeps_its_score(lived: Store, table: str) -> None:
    before = values(lived, "user_life_areas", "current_score")
    let_go(lived, table, "true")
    assert reconcile(lived) == 0
    assert values(lived, "user_life_areas", "current_score") == before
    done(lived, ops.fill_wheel({"work": 10}))
    work = lived.query(UserLifeArea).where(UserLifeArea.code == "work").one()
    assert work.current_score == 100
    assert reconcile(lived) == 0
    all_hold(lived)


def test_a_wheel_some_of_whose_scores_were_let_go_keeps_its_balance(lived: Store) -> None:
    before = values(lived, "life_area_assessments", "balance_index")
    let_go(lived, "life_area_scores", "raw_score = 8")
    assert reconcile(lived) == 0
    assert values(lived, "life_area_assessments", "balance_index") == before


def log_days(store: Store, rule: str, days_back: Iterable[int]) -> None:
    with store.write() as tx:
        tx.insert(Habit, id="habit", name="Move", rrule=rule, created_at=at(days=1_000), updated_at=at(days=1_000))
        for back in days_back:
            day = at(days=back)
            counts = {"device_counts": {"d": [1, "s"]}, "total": 1, "state": "done"}
            tx.insert(HabitLog, habit_id="habit", log_date=day.date().isoformat(), **counts)


def let_go(store: Store, table: str, which: str) -> None:
    with store.apply("local") as connection:
        connection.execute(
            "insert into _bmad_archived (table_name, id, server_seq, hash) "
            f"select '{table}', id, 1, 0 from {table} where {which}"
        )
        connection.execute("pragma defer_foreign_keys = on")
        connection.execute(f"delete from {table} where {which}")


# -- streaks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "days", "wanted"),
    [
        ("FREQ=DAILY", "", 0),
        ("FREQ=DAILY", "27 28 29", 3),
        ("FREQ=DAILY", "25 26 28 29", 2),
        ("FREQ=DAILY;INTERVAL=2", "25 27 28 29", 3),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "20 23 25 26", 3),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "20 25", 1),
        ("FREQ=WEEKLY", "3 12 20 22", 3),
        ("FREQ=WEEKLY", "3 20 22", 1),
        ("FREQ=MONTHLY", "1 29", 1),
    ],
)
def test_a_streak_follows_the_rule_of_its_habit(rule: str, days: str, wanted: int) -> None:
    done_on = {date(2026, 11, int(day)) for day in days.split()}
    assert streak_of(rule, date(2026, 11, 1), done_on) == wanted


@pytest.mark.parametrize(
    ("rule", "days", "wanted"),
    [
        (
            "FREQ=MONTHLY;BYMONTH=3,6,9,12",
            [date(year, month, 3) for year in (2024, 2025) for month in (3, 6, 9, 12)],
            8,
        ),
        ("FREQ=MONTHLY;BYMONTH=3,9", [date(2024, 3, 3), date(2025, 3, 3), date(2025, 4, 1), date(2025, 9, 1)], 2),
        ("FREQ=WEEKLY;BYMONTH=7", [date(year, 7, day) for year in (2024, 2025) for day in (2, 9, 16, 23, 30)], 10),
        ("FREQ=WEEKLY;BYMONTH=7", [date(2024, 7, 23), *(date(2025, 7, day) for day in (2, 9))], 2),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", [date(year, 2, 29) for year in (2016, 2020, 2024)], 3),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", [date(2096, 2, 29), date(2104, 2, 29)], 2),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYMONTHDAY=1", [date(year, 1, 1) for year in (2020, 2022, 2024)], 3),
        ("FREQ=DAILY;INTERVAL=500", [date(2020, 1, 1), date(2021, 5, 15)], 2),
    ],
)
def test_a_streak_goes_on_over_what_its_rule_leaves_out(rule: str, days: list[date], wanted: int) -> None:
    assert streak_of(rule, date(2020, 1, 1), days) == wanted


def test_a_rule_that_cannot_be_read_has_no_streak() -> None:
    assert streak_of("every day", date(2026, 11, 1), ()) is None


def test_a_habit_is_kept_day_after_day(ada: Store) -> None:
    clock = ada.clock
    assert isinstance(clock, ManualClock)
    with ada.write() as tx:
        tx.insert(Habit, id="habit", name="Move", target_count=2)
    streaks = []
    for day in (1, 2, 3, 5):
        clock.set_wall(round(datetime(2026, 12, day, 12, tzinfo=UTC).timestamp() * 1000))
        done(ada, ops.log_habit("habit"))
        streaks.append(ada.query(Habit).one().streak_current)
        done(ada, ops.log_habit("habit"))
        streaks.append(ada.query(Habit).one().streak_current)
    assert streaks == [0, 1, 1, 2, 2, 3, 3, 1]
    assert ada.query(Habit).one().streak_longest == 3
    assert reconcile(ada) == 0
    all_hold(ada)


def test_a_task_done_with_a_habit_twice_over_counts_its_streak_once(ada: Store) -> None:
    with ada.write() as tx:
        tx.insert(Habit, id="habit", name="Move")
        tx.insert(Task, id="task", title="Run")
    done(ada, ops.complete_task("task", ["habit"]))
    assert ada.query(Habit).one().streak_current == 1
    assert ada.query(UserProgress).where(UserProgress.metric_code == "habits_done").count() == 3
