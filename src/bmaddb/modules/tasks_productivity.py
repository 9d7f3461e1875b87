"""Goals, tasks, habits, reminders and progress."""

from __future__ import annotations

from bmaddb.modules.seeds.metrics import METRICS
from bmaddb.schema import (
    DeleteRule,
    MergeRule,
    Module,
    Sensitivity,
    UserRecord,
    archive,
    boolean,
    integer,
    json,
    prune,
    text,
    timestamp,
)


class Goal(
    UserRecord,
    table="goals",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    indexes=(("user_id", "state", "due_on"), ("user_id", "user_life_area_id", "state")),
    searchable=("title", "description", "why"),
):
    """What the user wants, for which area, why and by when."""

    title = text(sealable=True)
    description = text(null=True, merge=MergeRule.TXT, sealable=True)
    why = text(null=True, merge=MergeRule.TXT, sealable=True)
    obstacle = text(null=True, merge=MergeRule.TXT, sealable=True, note="WOOP")
    if_then = text(null=True, merge=MergeRule.TXT, sealable=True)
    user_life_area_id = text(null=True, references="user_life_areas", on_delete="null")
    met24_domain_id = text(null=True, references="met24_domains", on_delete="null")
    parent_goal_id = text(null=True, references="goals", on_delete="null", sensitivity=Sensitivity.PERSONAL)
    horizon = text(
        default="quarter", enum=("week", "month", "quarter", "year", "life"), sensitivity=Sensitivity.PERSONAL
    )
    state = text(
        default="draft",
        enum=("draft", "active", "paused", "dropped", "achieved"),
        merge=MergeRule.STM,
        sensitivity=Sensitivity.PERSONAL,
    )
    importance = integer(default=3, check="importance >= 1 and importance <= 5", sensitivity=Sensitivity.PERSONAL)
    start_on = text(null=True, sensitivity=Sensitivity.PERSONAL)
    due_on = text(null=True, sensitivity=Sensitivity.PERSONAL)
    metric = json(null=True, note="{unit,from,to}")
    progress_pct = integer(
        default=0,
        check="progress_pct >= 0 and progress_pct <= 100",
        merge=MergeRule.DRV,
        sensitivity=Sensitivity.PERSONAL,
    )
    achieved_at = timestamp(null=True, merge=MergeRule.MIN, sensitivity=Sensitivity.PERSONAL)
    position = text(default="a0", merge=MergeRule.POS, sensitivity=Sensitivity.PERSONAL)


class Task(
    UserRecord,
    table="tasks",
    retention=archive(months=12),
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS_WHILE_OPEN,
    open_states=("todo", "doing", "waiting"),
    indexes=(
        ("user_id", "state", "priority", "due_on"),
        ("user_id", "state", "due_on"),
        ("goal_id", "position"),
        ("parent_task_id",),
    ),
    searchable=("title", "notes"),
):
    """Something to do."""

    title = text(sealable=True)
    notes = text(null=True, merge=MergeRule.TXT, sealable=True)
    goal_id = text(null=True, references="goals", on_delete="null", sensitivity=Sensitivity.PERSONAL)
    parent_task_id = text(null=True, references="tasks", on_delete="cascade", sensitivity=Sensitivity.PERSONAL)
    coaching_session_id = text(null=True, references="coaching_sessions", on_delete="null", merge=MergeRule.IMM)
    state = text(
        default="todo",
        enum=("todo", "doing", "waiting", "cancelled", "done"),
        merge=MergeRule.STM,
        sensitivity=Sensitivity.PERSONAL,
        note="'done' outranks 'doing' for the same base; a deliberate reopen is a later transition",
    )
    priority = integer(default=0, check="priority >= 0 and priority <= 4", sensitivity=Sensitivity.PERSONAL)
    due_on = text(null=True, sensitivity=Sensitivity.PERSONAL)
    due_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)
    start_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)
    estimate_min = integer(null=True, check="estimate_min >= 0", sensitivity=Sensitivity.PERSONAL)
    device_seconds = json(default={}, merge=MergeRule.CNT, sensitivity=Sensitivity.PERSONAL)
    completed_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)
    rrule = text(null=True, sensitivity=Sensitivity.PERSONAL, note="RFC 5545")
    recur_anchor = text(default="due", enum=("due", "completion"), sensitivity=Sensitivity.PERSONAL)
    series_id = text(
        null=True,
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
        note="next occurrence id = uuid5(series_id, due_on): two devices make the same one",
    )
    blocked_by = json(default=[], merge=MergeRule.SET, sensitivity=Sensitivity.PERSONAL)
    tag_ids = json(default=[], merge=MergeRule.SET)
    source = text(
        default="user",
        enum=("user", "session", "ai", "import"),
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    position = text(default="a0", merge=MergeRule.POS, sensitivity=Sensitivity.PERSONAL)


class Habit(
    UserRecord,
    table="habits",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    indexes=(("user_id", "active", "position"),),
    searchable=("name",),
):
    """A recurring behaviour to build or break."""

    name = text(sealable=True)
    kind = text(default="build", enum=("build", "break"))
    cue = text(null=True, sealable=True)
    routine = text(null=True, sealable=True)
    reward = text(null=True, sealable=True)
    rrule = text(default="FREQ=DAILY", sensitivity=Sensitivity.PERSONAL)
    target_count = integer(default=1, check="target_count >= 1", sensitivity=Sensitivity.PERSONAL)
    unit = text(null=True, sensitivity=Sensitivity.PERSONAL)
    active = boolean(default=True, sensitivity=Sensitivity.PERSONAL)
    user_life_area_id = text(null=True, references="user_life_areas", on_delete="null")
    goal_id = text(null=True, references="goals", on_delete="null")
    streak_current = integer(default=0, merge=MergeRule.DRV, sensitivity=Sensitivity.PERSONAL)
    streak_longest = integer(default=0, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    position = text(default="a0", merge=MergeRule.POS, sensitivity=Sensitivity.PERSONAL)


class HabitLog(
    UserRecord,
    table="habit_logs",
    retention=archive(months=24),
    sensitivity=Sensitivity.SPECIAL,
    natural_key=("habit_id", "log_date"),
    indexes=(("user_id", "log_date"),),
    uniques=(("habit_id", "log_date"),),
):
    """The day's count for one habit."""

    habit_id = text(references="habits", on_delete="cascade", merge=MergeRule.IMM)
    log_date = text(merge=MergeRule.IMM)
    device_counts = json(default={}, merge=MergeRule.CNT)
    total = integer(default=0, merge=MergeRule.DRV)
    state = text(default="open", enum=("open", "done", "partial", "skipped"))
    note = text(null=True, merge=MergeRule.TXT, sealable=True)


class Reminder(
    UserRecord,
    table="reminders",
    retention=prune(days=365),
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("user_id", "state", "fire_at"), ("target_table", "target_id")),
):
    """When to nudge, about what, how."""

    target_table = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    target_id = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    title = text(sealable=True)
    fire_at = timestamp(sensitivity=Sensitivity.PERSONAL)
    rrule = text(null=True, sensitivity=Sensitivity.PERSONAL)
    channel = text(default="local", enum=("local", "push", "email"), sensitivity=Sensitivity.PERSONAL)
    tz_mode = text(default="floating", enum=("floating", "fixed"), sensitivity=Sensitivity.PERSONAL)
    state = text(
        default="armed",
        enum=("armed", "snoozed", "fired", "dismissed", "expired"),
        merge=MergeRule.STM,
        sensitivity=Sensitivity.PERSONAL,
    )
    snooze_until = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)
    last_fired_at = timestamp(
        null=True,
        merge=MergeRule.MAX,
        sensitivity=Sensitivity.PERSONAL,
        note="a device that sees a newer value stays silent: no double nudge",
    )


class UserProgress(
    UserRecord,
    table="user_progress",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.NEVER,
    natural_key=("user_id", "metric_code", "period_key"),
    indexes=(("user_id", "last_activity_on"),),
    uniques=(("user_id", "metric_code", "period_key"),),
):
    """One metric over one period: sessions, minutes, streaks, levels. Counts made offline add up."""

    metric_code = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    period_key = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL, note="all, 2026-11, 2026-W47")
    device_counts = json(default={}, merge=MergeRule.CNT, sensitivity=Sensitivity.PERSONAL)
    value = integer(default=0, merge=MergeRule.DRV, sensitivity=Sensitivity.PERSONAL, note="sum of device_counts")
    best_value = integer(default=0, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    target_value = integer(null=True, sensitivity=Sensitivity.PERSONAL)
    level = integer(default=0, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    streak_current = integer(default=0, merge=MergeRule.DRV, sensitivity=Sensitivity.PERSONAL)
    streak_longest = integer(default=0, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    last_activity_on = text(null=True, merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    last_session_id = text(null=True, references="coaching_sessions", on_delete="null")
    counted_sessions = json(
        default=[],
        merge=MergeRule.SET,
        sensitivity=Sensitivity.PERSONAL,
        note="last 64 session ids that were counted: the same session never counts twice",
    )
    milestones = json(default=[], merge=MergeRule.SET, sensitivity=Sensitivity.PERSONAL)


MODULE = Module(
    name="tasksProductivity",
    purpose="Goals, tasks, habits, reminders and progress.",
    records=(
        Goal,
        Task,
        Habit,
        HabitLog,
        Reminder,
        UserProgress,
    ),
    registries={"metrics": METRICS},
)
