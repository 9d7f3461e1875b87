"""What a user does each day: check in, finish a task, log a habit, fill in a wheel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.coaching.candidate import Candidate, Flaws, RuleSet, candidate_of, error, moment, values_of
from bmaddb.coaching.checks import verify_progress_updated
from bmaddb.coaching.checks.findings import NOTES
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.derived import KEPT_NOW, derived_values, score_pct
from bmaddb.coaching.local_days import local_day
from bmaddb.coaching.operations.progressing import progress_step
from bmaddb.coaching.operations.recurring import next_step
from bmaddb.coaching.operations.standing import standing
from bmaddb.coaching.recurrence import EXAMPLE, flaw_in
from bmaddb.coaching.registries import LIFE_AREA_CODES
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.coaching.tallies import counted_on, tally_step
from bmaddb.device.atomic import Action, Operation, RuleContext, Step
from bmaddb.device.atomic.operation import new_id
from bmaddb.modules.chat_journal import MoodCheckin
from bmaddb.modules.levensgebieden import LifeArea, LifeAreaAssessment, LifeAreaScore, UserLifeArea
from bmaddb.modules.tasks_productivity import Habit, HabitLog, Task
from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.counters import total
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
    """The task is done, and so are these habits, once today; each is counted.

    A task with an `rrule` is followed by its next occurrence: the first day after its due day, or after today where
    `recur_anchor` is completion or it has no due day. Two devices make the same row. TASK when it is done already,
    RRULE when its rule cannot be read, RecordNotFound when there is no such task.
    """

    def row(context: RuleContext) -> dict[str, Any]:
        standing(context, Task, task_id)
        return {"id": task_id, "state": "done", "completed_at": moment(context.now_ms)}

    rules = RuleSet(Task, (*GENERAL, task_is_open, rrule_is_readable))
    step = Step("complete_task", "tasks", Action.UPDATE, row, (rules,))
    habits = tuple(dict.fromkeys(habit_ids))
    counts = {"tasks_done": 1, "active_days": 1, **({"habits_done": len(habits)} if habits else {})}
    steps = (step, next_step(task_id), tally_step(task_id, 1), *_habit_steps(habits))
    return _counting("complete_task", *steps, counts=counts)


def reopen_task(task_id: str) -> Operation:
    """The task is to be done again, and is counted one less, on the day it was done. Its next occurrence stays.

    TASK when it is not done, RecordNotFound when there is no such task.
    """

    def row(context: RuleContext) -> dict[str, Any]:
        standing(context, Task, task_id)
        return {"id": task_id, "state": "todo", "completed_at": None}

    step = Step("reopen_task", "tasks", Action.UPDATE, row, (RuleSet(Task, (*GENERAL, task_is_done)),))
    taken_back = progress_step({"tasks_done": -1}, on=lambda context: counted_on(context, task_id))
    return _operation("reopen_task", step, taken_back, tally_step(task_id, -1))


def log_habit(habit_id: str) -> Operation:
    """The habit was done once more today; it is counted. RecordNotFound when there is no such habit."""
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

    Areas of the catalogue the user has not chosen yet are chosen by it; AREA for a code that is neither in the
    catalogue nor an area of the user's own. Percentages, balance and the areas' scores follow. `reflections`: code ->
    words. SCORE off the scale, WHEEL without a score; RecordInvalid for a score that is no number, another version,
    and a reflection on an area that has no score.
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
        Step(
            "choose_areas",
            "user_life_areas",
            Action.INSERT,
            wheel.missing_areas,
            (RuleSet(UserLifeArea, (*GENERAL, area_is_known)),),
        ),
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
    """TASK: what is done is not done again."""
    if c.old("state") == "done":
        yield error("state", "the task is done already")


def rrule_is_readable(c: Candidate) -> Flaws:
    """RRULE: what recurs can only be followed by its next occurrence when its rule is read."""
    flaw = None if c.row["rrule"] is None else flaw_in(c.row["rrule"])
    if flaw is not None:
        yield error("rrule", flaw, EXAMPLE)


def task_is_done(c: Candidate) -> Flaws:
    """TASK: only what is done is reopened."""
    if c.old("state") != "done":
        yield error("state", "the task is not done")


def area_is_known(c: Candidate) -> Flaws:
    """AREA: a wheel chooses areas of the catalogue; an area of the user's own is made before, on purpose."""
    if c.row["code"] not in LIFE_AREA_CODES and c.get(LifeArea, c.row["code"]) is None:
        yield error("code", f"there is no life area {c.row['code']!r}", sorted(LIFE_AREA_CODES))


def wheel_has_scores(c: Candidate) -> Flaws:
    """WHEEL: it is submitted with one score at least."""
    if not c.query(LifeAreaScore).where(LifeAreaScore.assessment_id == c.row["id"]).exists():
        yield error(None, "a wheel without a score says nothing")


def score_is_on_its_scale(c: Candidate) -> Flaws:
    """SCORE: 1 to 10, or 1 to 5 with scoring version 2."""
    assessment = c.get(LifeAreaAssessment, c.row["assessment_id"])
    least, most = SCALES.get(1 if assessment is None else assessment.scoring_version, SCALES[1])
    if c.row["raw_score"] is None or not least <= c.row["raw_score"] <= most:
        yield error("raw_score", f"it lies from {least} to {most}", [least, most])


# -- inside ----------------------------------------------------------------------------------------------------


def _counting(kind: str, *steps: Step, counts: Mapping[str, int]) -> Operation:
    return _operation(kind, *steps, progress_step(counts))


def _operation(kind: str, *steps: Step) -> Operation:
    return Operation(type=kind, steps=steps, checks=(verify_progress_updated,), facts={NOTES: {}, KEPT_NOW: set()})


def _habit_steps(habit_ids: Sequence[str]) -> tuple[Step, ...]:
    if not habit_ids:
        return ()

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        context.facts[KEPT_NOW].clear()
        return [_logged(context, habit_id) for habit_id in habit_ids]

    def streaks(context: RuleContext) -> list[dict[str, Any]]:
        return [_kept(context, habit_id) for habit_id in habit_ids]

    return (
        Step("log_habits", "habit_logs", Action.UPSERT, rows, (RuleSet(HabitLog, GENERAL),)),
        Step("count_streaks", "habits", Action.UPDATE, streaks, (RuleSet(Habit, GENERAL),)),
    )


def _logged(context: RuleContext, habit_id: str) -> dict[str, Any]:
    key = {"habit_id": habit_id, "log_date": local_day(context.now_ms, zone_of(context)).isoformat()}
    habit = standing(context, Habit, habit_id)
    before = context.reader.get(HabitLog, natural_id(HabitLog.__table__, key))
    counts = counted(None if before is None else before.device_counts, context.device_id, 1, context.now_ms)
    done = total(counts)
    state = "done" if done >= habit.target_count else "partial"
    if state == "done" and (before is None or before.state != "done"):
        context.facts[KEPT_NOW].add(habit_id)
    return {**key, "device_counts": counts, "total": done, "state": state}


def _kept(context: RuleContext, habit_id: str) -> dict[str, Any]:
    """The habit with its streak as its logs say it now."""
    habit = standing(context, Habit, habit_id)
    change = dict(derived_values(candidate_of(Habit, values_of(habit), habit, context)))
    longest = max(change.get("streak_current", 0), habit.streak_longest)
    return {"id": habit_id, **change, "streak_longest": longest}


class _Wheel:
    """The rows of one wheel, in the order in which they are written."""

    def __init__(
        self, assessment_id: str, scores: Mapping[str, float], scoring_version: int, reflections: Mapping[str, str]
    ) -> None:
        self._id, self._scores, self._version, self._reflections = assessment_id, scores, scoring_version, reflections

    def missing_areas(self, context: RuleContext) -> list[dict[str, Any]]:
        """The areas of the wheel the user has not chosen yet; RecordInvalid for scores that make no sense."""
        self._check()
        missing = [code for code in self._scores if context.reader.get(UserLifeArea, self._area(context, code)) is None]
        return [
            {"code": code, "life_area_id": code if context.reader.get(LifeArea, code) is not None else None}
            for code in missing
        ]

    def scores_given(self, context: RuleContext) -> list[dict[str, Any]]:
        """The scores, each with its percentage."""
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
        """The wheel with what follows from its scores."""
        before = context.reader.get(LifeAreaAssessment, self._id)
        change = {"id": self._id, "state": "submitted"}
        return {**change, **derived_values(candidate_of(LifeAreaAssessment, change, before, context))}

    def areas_scored(self, context: RuleContext) -> list[dict[str, Any]]:
        """Its areas with the score they have now."""
        rows = []
        for code in self._scores:
            before = context.reader.get(UserLifeArea, self._area(context, code))
            if before is not None:
                rows.append({"id": before.id, **derived_values(candidate_of(UserLifeArea, {}, before, context))})
        return rows

    def _check(self) -> None:
        if self._version not in SCALES:
            raise e.RecordInvalid(f"there is no scoring version {self._version!r}", hint=f"one of {sorted(SCALES)}")
        for code, raw in self._scores.items():
            if isinstance(raw, bool) or not isinstance(raw, int | float):
                raise e.RecordInvalid(f"the score of {code!r} is no number: {raw!r}", hint="as {'work': 6}")
        for code in self._reflections.keys() - self._scores.keys():
            raise e.RecordInvalid(f"a reflection on {code!r}, which has no score", hint="it would be lost")

    @staticmethod
    def _area(context: RuleContext, code: str) -> str:
        return natural_id(UserLifeArea.__table__, {"user_id": context.user, "code": code})
