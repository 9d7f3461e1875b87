"""What a user does each day: check in, finish a task, log a habit, fill in a wheel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bmaddb.coaching.candidate import Candidate, Flaws, RuleSet, candidate_of, error, moment
from bmaddb.coaching.checks import verify_progress_updated
from bmaddb.coaching.checks.findings import NOTES
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.derived import derived_values, score_pct
from bmaddb.coaching.local_days import local_day
from bmaddb.coaching.operations.progressing import progress_step
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.device.atomic import Action, Operation, RuleContext, Step
from bmaddb.device.atomic.operation import new_id
from bmaddb.modules.chat_journal import MoodCheckin
from bmaddb.modules.levensgebieden import LifeArea, LifeAreaAssessment, LifeAreaScore, UserLifeArea
from bmaddb.modules.tasks_productivity import Habit, HabitLog, Task
from bmaddb.protocol.merge.counters import counted, total
from bmaddb.schema.natural_keys import natural_id

SCALES: Final[Mapping[int, tuple[float, float]]] = {1: (1, 10), 2: (1, 5)}
"""Scoring version -> the lowest and highest raw score: a slider, or the mean of answers."""


def check_in(mood: int, **columns: Any) -> Operation:
    """A mood (1 to 5) as it is now, with other columns of mood_checkins; it is counted."""

    def row(context: RuleContext) -> dict[str, Any]:
        return {"measured_at": moment(context.now_ms), **columns, "mood": mood}

    step = Step("measure_mood", "mood_checkins", Action.INSERT, row, (RuleSet(MoodCheckin, GENERAL),))
    return _counting("check_in", step, counts={"checkins": 1, "active_days": 1})


def complete_task(task_id: str, habit_ids: Sequence[str] = ()) -> Operation:
    """The task is done, and so are these habits, once today; each is counted. TASK when it is done already."""

    def row(context: RuleContext) -> dict[str, Any]:
        return {"id": task_id, "state": "done", "completed_at": moment(context.now_ms)}

    step = Step("complete_task", "tasks", Action.UPDATE, row, (RuleSet(Task, (*GENERAL, task_is_open)),))
    counts = {"tasks_done": 1, "active_days": 1, **({"habits_done": len(habit_ids)} if habit_ids else {})}
    return _counting("complete_task", step, *_habit_steps(habit_ids), counts=counts)


def reopen_task(task_id: str) -> Operation:
    """The task is to be done again, and is counted one less. TASK when it is not done."""
    row = {"id": task_id, "state": "todo", "completed_at": None}
    step = Step("reopen_task", "tasks", Action.UPDATE, row, (RuleSet(Task, (*GENERAL, task_is_done)),))
    return _counting("reopen_task", step, counts={"tasks_done": -1})


def log_habit(habit_id: str) -> Operation:
    """The habit was done once more today; it is counted."""
    return _counting("log_habit", *_habit_steps((habit_id,)), counts={"habits_done": 1, "active_days": 1})


def fill_wheel(
    scores: Mapping[str, float],
    *,
    preset: str = "8",
    kind: str = "quick",
    scoring_version: int = 1,
    reflections: Mapping[str, str] | None = None,
) -> Operation:
    """A wheel of `scores`, life area code -> raw score: 1 to 10, or a mean of 1 to 5 with scoring version 2.

    Areas the user has not chosen yet are chosen by it. Percentages, balance and the areas' scores follow.
    """
    assessment_id = new_id()
    wheel = _Wheel(assessment_id, dict(scores), scoring_version, dict(reflections or {}))
    drafted = {
        "id": assessment_id,
        "kind": kind,
        "preset_code": preset,
        "scoring_version": scoring_version,
        "state": "draft",
    }

    def draft(context: RuleContext) -> dict[str, Any]:
        return {**drafted, "taken_at": moment(context.now_ms)}

    wheels = RuleSet(LifeAreaAssessment, (*GENERAL, wheel_has_scores))
    return _counting(
        "fill_wheel",
        Step("choose_areas", "user_life_areas", Action.INSERT, wheel.missing_areas, (RuleSet(UserLifeArea, GENERAL),)),
        Step("begin_wheel", "life_area_assessments", Action.INSERT, draft, (RuleSet(LifeAreaAssessment, GENERAL),)),
        Step(
            "score_areas",
            "life_area_scores",
            Action.INSERT,
            wheel.scores_given,
            (RuleSet(LifeAreaScore, (*GENERAL, score_is_on_its_scale)),),
        ),
        Step("submit_wheel", "life_area_assessments", Action.UPDATE, wheel.submitted, (wheels,)),
        Step("update_areas", "user_life_areas", Action.UPDATE, wheel.areas_scored, (RuleSet(UserLifeArea, GENERAL),)),
        counts={"wheels_filled": 1, "active_days": 1},
    )


# -- rules of their own ----------------------------------------------------------------------------------------


def task_is_open(c: Candidate) -> Flaws:
    if c.old("state") == "done":
        yield error("state", "the task is done already")


def task_is_done(c: Candidate) -> Flaws:
    if c.old("state") != "done":
        yield error("state", "the task is not done")


def wheel_has_scores(c: Candidate) -> Flaws:
    if not c.query(LifeAreaScore).where(LifeAreaScore.assessment_id == c.row["id"]).exists():
        yield error(None, "a wheel without a score says nothing")


def score_is_on_its_scale(c: Candidate) -> Flaws:
    assessment = c.get(LifeAreaAssessment, c.row["assessment_id"])
    least, most = SCALES.get(1 if assessment is None else assessment.scoring_version, SCALES[1])
    if c.row["raw_score"] is None or not least <= c.row["raw_score"] <= most:
        yield error("raw_score", f"it lies from {least} to {most}", [least, most])


# -- inside ----------------------------------------------------------------------------------------------------


def _counting(kind: str, *steps: Step, counts: Mapping[str, int]) -> Operation:
    return Operation(
        type=kind, steps=(*steps, progress_step(counts)), checks=(verify_progress_updated,), facts={NOTES: {}}
    )


def _habit_steps(habit_ids: Sequence[str]) -> tuple[Step, ...]:
    if not habit_ids:
        return ()

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        return [_logged(context, habit_id) for habit_id in habit_ids]

    return (Step("log_habits", "habit_logs", Action.UPSERT, rows, (RuleSet(HabitLog, GENERAL),)),)


def _logged(context: RuleContext, habit_id: str) -> dict[str, Any]:
    key = {"habit_id": habit_id, "log_date": local_day(context.now_ms, zone_of(context)).isoformat()}
    before = context.reader.get(HabitLog, natural_id(HabitLog.__table__, key))
    habit = context.reader.get(Habit, habit_id)
    counts = counted(None if before is None else before.device_counts, context.device_id, 1, context.now_ms)
    done = total(counts)
    state = "done" if habit is None or done >= habit.target_count else "partial"
    return {**key, "device_counts": counts, "total": done, "state": state}


class _Wheel:
    """The rows of one wheel, in the order in which they are written."""

    def __init__(
        self, assessment_id: str, scores: Mapping[str, float], scoring_version: int, reflections: Mapping[str, str]
    ) -> None:
        self._id, self._scores, self._version, self._reflections = assessment_id, scores, scoring_version, reflections

    def missing_areas(self, context: RuleContext) -> list[dict[str, Any]]:
        missing = [code for code in self._scores if context.reader.get(UserLifeArea, self._area(context, code)) is None]
        return [
            {"code": code, "life_area_id": code if context.reader.get(LifeArea, code) is not None else None}
            for code in missing
        ]

    def scores_given(self, context: RuleContext) -> list[dict[str, Any]]:
        return [
            {
                "assessment_id": self._id,
                "user_life_area_id": self._area(context, code),
                "raw_score": float(raw),
                "score_pct": score_pct(raw, self._version),
                "reflection": self._reflections.get(code),
            }
            for code, raw in self._scores.items()
        ]

    def submitted(self, context: RuleContext) -> dict[str, Any]:
        before = context.reader.get(LifeAreaAssessment, self._id)
        change = {"id": self._id, "state": "submitted"}
        return {**change, **derived_values(candidate_of(LifeAreaAssessment, change, before, context))}

    def areas_scored(self, context: RuleContext) -> list[dict[str, Any]]:
        rows = []
        for code in self._scores:
            before = context.reader.get(UserLifeArea, self._area(context, code))
            if before is not None:
                rows.append({"id": before.id, **derived_values(candidate_of(UserLifeArea, {}, before, context))})
        return rows

    @staticmethod
    def _area(context: RuleContext, code: str) -> str:
        return natural_id(UserLifeArea.__table__, {"user_id": context.user, "code": code})
